//! Weights of roles (items 217, 218, 296).

use apportion_core::{Event, Notice};

use crate::cluster::{Cluster, count_by_role};

/// How six equal free agents are given to roles of these weights in one batch.
fn six_agents(weights: &[(&str, f64)]) -> Vec<(String, usize)> {
    let mut cluster = Cluster::of_master();
    cluster.set_weights(weights);
    for number in 0..6 {
        cluster.add_agent(&format!("x{number}"), "cpus:2;mem:1024");
    }
    cluster.whitelist(Some(&[]));
    for (role, _) in weights {
        cluster.add_framework(role, &[role]);
    }
    cluster.whitelist(None);
    let offers = cluster.tick();
    count_by_role(&offers).into_iter().map(|(role, count)| (role.to_string(), count)).collect()
}

fn counts(expected: &[(&str, usize)]) -> Vec<(String, usize)> {
    expected.iter().map(|(role, count)| ((*role).to_string(), *count)).collect()
}

#[test]
fn item_217_six_agents_are_shared_by_weight() {
    assert_eq!(six_agents(&[("a", 1.0), ("b", 2.0)]), counts(&[("a", 2), ("b", 4)]));
    assert_eq!(six_agents(&[("a", 1.0), ("b", 2.0), ("c", 3.0)]), counts(&[("a", 1), ("b", 2), ("c", 3)]));
}

#[test]
fn item_218_a_new_weight_counts_in_the_next_run_also_for_roles_to_come() {
    let mut cluster = Cluster::of_master();
    cluster.add_framework("f", &["a"]);
    cluster.add_framework("g", &["b"]);
    cluster.add_agent_using("x", "cpus:4", &[("f", "a", "cpus:1"), ("g", "b", "cpus:2")]);
    let before = cluster.runs();
    cluster.set_weights(&[("b", 4.0), ("c", 9.0)]);
    assert_eq!(cluster.runs(), before);
    assert_eq!(cluster.add_agent("y", "cpus:1")[0].role, "b", "2 of weight 4 against 2 of weight 1");
    cluster.add_framework("h", &["c"]);
    assert_eq!(cluster.add_agent("z", "cpus:4")[0].role, "c");
    assert_eq!(cluster.add_agent("w", "cpus:4")[0].role, "c", "4 of weight 9 against 3 of weight 4");
}

#[test]
fn item_296_a_weight_that_is_none_counts_as_one() {
    for said in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -1.0] {
        let mut cluster = Cluster::of_master();
        cluster.send(&Event::UpdateWeights { weights: &[(b"a", said)] });
        assert!(matches!(cluster.notices[..], [Notice::BadWeight { .. }]), "{said}");
        cluster.add_framework("f", &["a"]);
        cluster.add_framework("g", &["b"]);
        let used = [("f", "a", "cpus:2"), ("g", "b", "cpus:3")];
        let offers = cluster.add_agent_using("x", "cpus:6", &used);
        assert_eq!(offers[0].role, "a", "{said}");
        assert_eq!(cluster.numbers("a").dominant_share, Some(0.5), "{said}");
        assert_eq!(cluster.add_agent("y", "cpus:6")[0].role, "b", "{said}: a tie, a was served more often");
    }
}
