//! Quotas and what is held back for them: what must be looked at again, and what may be left unasked.

use apportion_core::{Minimum, Options};

use crate::cluster::{Cluster, Framework, minimum, window};

/// A cluster in which `q` lacks a guarantee that nobody serves, so that `f` is held back from the last agent.
fn held_back() -> (Cluster, Vec<crate::cluster::Offered>) {
    let mut cluster = Cluster::of_master();
    cluster.set_quota("q", "cpus:4;mem:64", "");
    cluster.add_framework("f", &["r"]);
    let mut offers = cluster.add_agent("x", "cpus:4;mem:64");
    assert_eq!(offers, [], "all of it is what q lacks");
    offers = cluster.add_agent("y", "cpus:4;mem:64");
    assert_eq!(offers.len(), 1);
    assert_eq!(cluster.tick(), []);
    (cluster, offers)
}

#[test]
fn what_becomes_free_elsewhere_brings_back_an_agent_that_was_held_back() {
    let (mut cluster, offers) = held_back();
    let held = offers[0].agent.clone();
    let other = if held == "x" { "y" } else { "x" };
    cluster.deactivate_agent(&held);
    cluster.rescind(&offers);
    // The free resources of an agent that is not offered meet the guarantee as well.
    let offers = cluster.tick();
    assert_eq!(offers.iter().map(|offer| &*offer.agent).collect::<Vec<_>>(), [other]);
}

#[test]
fn a_quota_that_goes_brings_back_an_agent_that_was_held_back() {
    let (mut cluster, _) = held_back();
    cluster.set_quota("q", "cpus:4", "");
    assert_eq!(cluster.tick().len(), 1, "memory need not be kept any more");
    cluster.set_quota("q", "", "");
    assert_eq!(cluster.tick().len(), 1);
}

#[test]
fn a_role_with_a_quota_inside_one_is_charged_to_both_in_the_same_run() {
    let mut cluster = Cluster::of_master();
    cluster.set_quota("a", "", "cpus:4");
    cluster.set_quota("a/b", "cpus:3", "cpus:3");
    cluster.add_framework("parent", &["a"]);
    cluster.add_framework("child", &["a/b"]);
    let offers = cluster.add_agent("x", "cpus:10");
    let mut told = cluster.told(&offers);
    told.sort();
    assert_eq!(told, ["child a/b x cpus:3", "parent a x cpus:1"]);
}

#[test]
fn a_guarantee_inside_a_role_keeps_nothing_from_others() {
    let mut cluster = Cluster::of_master();
    cluster.set_quota("a/b", "cpus:4", "");
    cluster.add_framework("f", &["r"]);
    assert_eq!(cluster.add_agent("x", "cpus:4").len(), 1);
}

#[test]
fn what_a_lot_took_away_in_one_run_may_be_left_in_the_next() {
    let mut cluster = Cluster::with(&Options { seed: 3, ..Options::default() });
    cluster.set_quota("absent", "disk:50", "");
    cluster.add_framework("f", &["r"]);
    // Either all of the root disk fits into what need not be kept, and the mounted one does not, or both in part.
    let mut offers = cluster.add_agent("x", "disk:1000;disk{MOUNT:/m}:100");
    let mut seen = std::collections::BTreeSet::new();
    for second in 1..40_u32 {
        for offer in offers {
            seen.insert(cluster.describe(&offer));
            cluster.decline(&offer, 3600.0);
        }
        offers = cluster.tick_at(f64::from(second));
    }
    assert_eq!(seen.len(), 2, "{seen:?}");
}

#[test]
fn a_framework_content_with_little_is_asked_when_limits_leave_little() {
    let mut cluster = Cluster::of_master();
    cluster.set_quota("r", "", "cpus:0.005;mem:0");
    cluster.add_framework("f", &["r"]);
    assert_eq!(cluster.add_agent("x", "cpus:1;mem:64"), [], "too little for the general least offer");
    let own: &[Minimum] = &[minimum(&[("cpus", 0.001)])];
    let offers = cluster.add(&Framework { minimum: &[("r", own)], ..Framework::new("g", &["r"]) });
    assert_eq!(cluster.told(&offers), ["g r x cpus:0.005"]);
}

#[test]
fn a_framework_content_with_little_is_asked_when_guarantees_leave_little() {
    let mut cluster = Cluster::of_master();
    cluster.set_quota("absent", "cpus:0.995;mem:64", "");
    cluster.add_framework("f", &["r"]);
    assert_eq!(cluster.add_agent("x", "cpus:1;mem:64"), []);
    let own: &[Minimum] = &[minimum(&[("cpus", 0.001)])];
    let offers = cluster.add(&Framework { minimum: &[("r", own)], ..Framework::new("g", &["r"]) });
    assert_eq!(cluster.told(&offers), ["g r x cpus:0.005"]);
}

#[test]
fn ports_that_make_a_least_offer_are_not_limited() {
    let least = vec![minimum(&[("ports", 2.0)]), minimum(&[("cpus", 1.0)])];
    let mut cluster = Cluster::with(&Options { min_allocatable: least, ..Options::default() });
    cluster.set_quota("r", "", "cpus:0");
    cluster.add_framework("f", &["r"]);
    let offers = cluster.add_agent("x", "cpus:4;ports:[1-5]");
    assert_eq!(cluster.told(&offers), ["f r x ports:[1-5]"]);
}

#[test]
fn an_answer_nobody_asked_for_is_not_kept_but_the_time_it_names_counts() {
    let mut cluster = Cluster::of_master();
    cluster.add_framework("f", &["r"]);
    cluster.add_agent("x", "cpus:4");
    cluster.set_window("x", Some(window(100)));
    cluster.answer(("f", "x"), Some("first"), Some(10.0));
    cluster.answer(("f", "x"), Some("second"), Some(3.0));
    assert_eq!(cluster.statuses(), ["x f=first"]);
    cluster.tick_at(5.0);
    assert!(cluster.inverse_offers.is_empty(), "the longer time holds");
    cluster.tick_at(11.0);
    assert_eq!(cluster.inverse_offers, ["f x 100"]);
}

#[test]
fn lots_in_a_tree_go_by_parts_of_parts() {
    let options = Options { order: apportion_core::Order::Random, ..Options::default() };
    let mut cluster = Cluster::with(&options);
    cluster.checks = false;
    // Half of the first places for a, shared by its two; half for b alone.
    cluster.set_weights(&[("a", 5.0), ("b", 5.0), ("a/x", 3.0), ("a/y", 3.0)]);
    for role in ["a/x", "a/y", "b"] {
        cluster.add_framework(role, &[role]);
    }
    let mut offers = cluster.add_agent("m", "cpus:1");
    let mut first = std::collections::BTreeMap::<String, u32>::new();
    for second in 1..2000_u32 {
        *first.entry(offers[0].role.clone()).or_default() += 1;
        cluster.rescind(&offers);
        offers = cluster.tick_at(f64::from(second));
    }
    let near = |role: &str, expected: u32| first[role].abs_diff(expected) < 120;
    assert!(near("b", 1000) && near("a/x", 500) && near("a/y", 500), "{first:?}");
}
