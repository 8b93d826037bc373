//! Reservations and the roles they make (items 105 to 112).

use crate::cluster::{Cluster, Framework};

#[test]
fn item_105_a_reservation_waits_for_its_role() {
    let mut cluster = Cluster::of_master();
    cluster.add_framework("f", &["other"]);
    assert_eq!(cluster.add_agent("x", "cpus(role1):2"), []);
    assert_eq!(cluster.tick(), []);
    assert_eq!(cluster.available("x"), "cpus(role1):2");
}

#[test]
fn item_106_each_role_gets_its_own_reservations_and_what_is_unreserved() {
    let mut cluster = Cluster::of_master();
    cluster.add_framework("f", &["role1"]);
    let offers = cluster.add_agent("x", "cpus:2;mem:64;cpus(role2):4;mem(role2):512");
    assert_eq!(cluster.told(&offers), ["f role1 x cpus:2; mem:64"]);
    let offers = cluster.add_framework("g", &["role2"]);
    assert_eq!(cluster.told(&offers), ["g role2 x cpus(role2):4; mem(role2):512"]);
}

#[test]
fn item_107_a_role_gets_what_is_reserved_to_its_ancestors() {
    let mut cluster = Cluster::of_master();
    cluster.add_framework("f", &["a/b/c"]);
    let offers = cluster.add_agent("x", "cpus:1;cpus(a):2;cpus(a/b):3");
    assert_eq!(cluster.told(&offers), ["f a/b/c x cpus:1; cpus(a):2; cpus(a/b):3"]);
}

#[test]
fn item_108_a_role_gets_nothing_reserved_to_its_descendants() {
    let mut cluster = Cluster::of_master();
    cluster.add_framework("f", &["a"]);
    assert_eq!(cluster.add_agent("x", "cpus(a/b):3"), []);
    let offers = cluster.add_agent("y", "cpus:1;cpus(a/b):3");
    assert_eq!(cluster.told(&offers), ["f a y cpus:1"]);
}

#[test]
fn item_109_a_framework_with_several_roles_is_offered_under_each() {
    let mut cluster = Cluster::of_master();
    cluster.add_framework("f", &["a", "b"]);
    let offers = cluster.add_agent("x", "cpus(a):1;cpus(b):2");
    assert_eq!(cluster.told(&offers), ["f a x cpus(a):1", "f b x cpus(b):2"]);
    assert_eq!(cluster.add_agent("y", "cpus:1.5")[0].role, "a");
    assert_eq!(cluster.add_agent("z", "cpus:1.5")[0].role, "b", "2 against 2.5");
}

#[test]
fn item_110_agents_that_reserved_only_ports_can_be_removed() {
    let mut cluster = Cluster::of_master();
    cluster.add_agent("x", "ports(r):[1-10]");
    cluster.add_agent("y", "cpus:1;ports(r):[1-10];ports(s):[11-12]");
    cluster.remove_agent("x");
    cluster.remove_agent("y");
    assert_eq!(cluster.allocator.agents_len(), 0);
    assert!(!cluster.has_role("r") && !cluster.has_role("s"));
}

#[test]
fn item_111_a_role_is_gone_with_the_last_thing_it_had() {
    let mut cluster = Cluster::of_master();
    assert!(!cluster.has_role("a/b"));
    cluster.add_framework("f", &["a/b"]);
    cluster.set_weights(&[("a/b", 2.0)]);
    cluster.set_quota("a/b", "", "cpus:1");
    cluster.add_agent("x", "cpus(a/b):1");
    cluster.remove_framework("f");
    assert!(cluster.has_role("a") && cluster.has_role("a/b"), "it has a weight, a quota and a reservation");
    cluster.set_weights(&[("a/b", 1.0)]);
    assert!(cluster.has_role("a/b"));
    cluster.set_quota("a/b", "", "");
    assert!(cluster.has_role("a/b"));
    cluster.remove_agent("x");
    assert!(!cluster.has_role("a/b"));
    assert!(!cluster.has_role("a"), "its ancestors too");
}

#[test]
fn item_112_whatever_makes_a_role_makes_its_ancestors() {
    /// Something that makes role `a/b/c`, and what ends it.
    type Change = fn(&mut Cluster);
    let changes: [(&str, Change, Change); 4] = [
        ("weight", |c| c.set_weights(&[("a/b/c", 3.0)]), |c| c.set_weights(&[("a/b/c", 1.0)])),
        ("quota", |c| c.set_quota("a/b/c", "cpus:1", ""), |c| c.set_quota("a/b/c", "", "")),
        (
            "reservation",
            |c| assert_eq!(c.add_agent("x", "cpus(a/b/c):1"), []),
            |c| {
                c.update_total("x", "cpus:1");
            },
        ),
        (
            "framework",
            |c| assert_eq!(c.add(&Framework::new("f", &["a/b/c"])), []),
            |c| c.remove_framework("f"),
        ),
    ];
    for (what, begin, end) in changes {
        let mut cluster = Cluster::of_master();
        begin(&mut cluster);
        for role in ["a", "a/b", "a/b/c"] {
            assert!(cluster.has_role(role), "{what}: {role}");
        }
        end(&mut cluster);
        for role in ["a", "a/b", "a/b/c"] {
            assert!(!cluster.has_role(role), "{what}: {role}");
        }
    }
}
