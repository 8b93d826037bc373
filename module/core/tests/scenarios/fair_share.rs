//! Who comes first.

use apportion_core::{Notice, Options};

use crate::cluster::{Cluster, count_by_role};

/// 60 agents whose offers are all accepted whole: how many each role ends up with.
fn agents_by_role(cluster: &mut Cluster) -> Vec<(String, usize)> {
    let mut offers = Vec::new();
    for number in 0..60 {
        offers.extend(cluster.add_agent(&format!("agent{number:02}"), "cpus:1;mem:10"));
    }
    assert_eq!(offers.len(), 60, "each agent goes to exactly one framework");
    count_by_role(&offers).into_iter().map(|(role, count)| (role.to_string(), count)).collect()
}

fn counts(expected: &[(&str, usize)]) -> Vec<(String, usize)> {
    expected.iter().map(|(role, count)| ((*role).to_string(), *count)).collect()
}

#[test]
fn roles_of_weight_one_and_two_get_a_third_and_two_thirds() {
    let mut cluster = Cluster::new();
    cluster.set_weights(&[("b", 2.0)]);
    cluster.add_framework("f1", &["a"]);
    cluster.add_framework("f2", &["b"]);
    assert_eq!(agents_by_role(&mut cluster), counts(&[("a", 20), ("b", 40)]));
}

#[test]
fn many_rounds_of_small_launches_converge_to_the_weights_exactly() {
    let mut cluster = Cluster::new();
    cluster.set_weights(&[("a", 1.0), ("b", 2.0)]);
    cluster.add_framework("f1", &["a"]);
    cluster.add_framework("f2", &["b"]);
    let mut offers = Vec::new();
    for number in 0..3 {
        offers.extend(cluster.add_agent(&format!("agent{number}"), "cpus:30;mem:300"));
    }
    let mut launched = [0, 0];
    for round in 1.. {
        // Of each offer one cpu is used, the rest goes back: then the poorer role is asked first again.
        let Some(offer) = offers.pop() else { break };
        for other in offers.drain(..) {
            cluster.recover(&other, &other.resources, None, false);
        }
        cluster.accept(&offer, "cpus:1;mem:10");
        launched[usize::from(offer.role == "b")] += 1;
        assert_eq!(launched[0] + launched[1], round);
        offers = cluster.tick_at(f64::from(round));
    }
    assert_eq!(launched, [30, 60], "90 cpus, one to two");
}

#[test]
fn nested_roles_share_what_their_parent_is_due() {
    let mut cluster = Cluster::new();
    cluster.set_weights(&[("a", 2.0), ("a/y", 3.0)]);
    cluster.add_framework("f1", &["a/x"]);
    cluster.add_framework("f2", &["a/y"]);
    cluster.add_framework("f3", &["b"]);
    assert_eq!(agents_by_role(&mut cluster), counts(&[("a/x", 10), ("a/y", 30), ("b", 20)]));
}

#[test]
fn a_role_with_members_of_its_own_competes_with_its_nested_roles() {
    let mut cluster = Cluster::new();
    cluster.add_framework("f1", &["a"]);
    cluster.add_framework("f2", &["a/x/deep/down"]);
    cluster.add_framework("f3", &["b"]);
    assert_eq!(agents_by_role(&mut cluster), counts(&[("a", 15), ("a/x/deep/down", 15), ("b", 30)]));
}

#[test]
fn frameworks_of_a_role_take_turns() {
    let mut cluster = Cluster::new();
    for framework in ["f3", "f1", "f2"] {
        cluster.add_framework(framework, &["a"]);
    }
    let mut order = Vec::new();
    for number in 0..6 {
        let offers = cluster.add_agent(&format!("agent{number}"), "cpus:1");
        order.extend(offers.into_iter().map(|offer| offer.framework));
    }
    assert_eq!(order, ["f1", "f2", "f3", "f1", "f2", "f3"]);
}

#[test]
fn the_dominant_resource_decides() {
    let mut cluster = Cluster::new();
    cluster.add_framework("f1", &["memory"]);
    cluster.add_agent("a1", "cpus:1;mem:900");
    cluster.add_framework("f2", &["processor"]);
    cluster.add_agent("a2", "cpus:8;mem:50");
    // Shares: 900 of 1950 mem against 8 of 18 cpus, with the new agent counted.
    let offers = cluster.add_agent("a3", "cpus:9;mem:1000");
    assert_eq!(offers[0].role, "processor");
    assert_eq!(
        offers[0].why.to_string(),
        "role has 444 permille at weight 1, 1 of 2 roles; framework has 444 permille, 1 of 1 in the role"
    );
}

#[test]
fn excluded_resources_do_not_count_for_shares() {
    let options = Options { fairness_excluded: vec![b"mem".as_slice().into()], ..Options::default() };
    let mut cluster = Cluster::with(&options);
    cluster.add_framework("f1", &["memory"]);
    cluster.add_agent("a1", "cpus:1;mem:900");
    cluster.add_framework("f2", &["processor"]);
    cluster.add_agent("a2", "cpus:8;mem:50");
    assert_eq!(cluster.add_agent("a3", "cpus:9;mem:1000")[0].role, "memory");
}

#[test]
fn what_roles_hold_counts_at_once_after_a_weight_changed() {
    let mut cluster = Cluster::new();
    cluster.add_framework("f1", &["a"]);
    cluster.add_framework("f2", &["b"]);
    let first = cluster.add_agent("a1", "cpus:2");
    assert_eq!(first[0].role, "a");
    assert_eq!(cluster.add_agent("a2", "cpus:1")[0].role, "b");
    assert_eq!(cluster.add_agent("a3", "cpus:2")[0].role, "b");
    cluster.set_weights(&[("b", 10.0)]);
    assert_eq!(cluster.add_agent("a4", "cpus:1")[0].role, "b");
}

#[test]
fn a_weight_that_is_none_counts_as_one() {
    let mut cluster = Cluster::new();
    cluster.set_weights(&[("a", f64::NAN), ("b", f64::INFINITY), ("c", 0.0)]);
    assert_eq!(cluster.notices.iter().filter(|n| matches!(n, Notice::BadWeight { .. })).count(), 3);
    for (framework, role) in [("f1", "a"), ("f2", "b"), ("f3", "c")] {
        cluster.add_framework(framework, &[role]);
    }
    assert_eq!(agents_by_role(&mut cluster), counts(&[("a", 20), ("b", 20), ("c", 20)]));
}

#[test]
fn a_burst_of_agents_is_served_by_one_run() {
    use apportion_core::{AgentInfo, Event};
    let mut cluster = Cluster::new();
    cluster.add_framework("f1", &["a"]);
    let total = cluster.resources("cpus:1");
    let mut requested = 0;
    for number in 0..10 {
        let agent = format!("agent{number}");
        let event = Event::AddAgent {
            agent: agent.as_bytes(),
            info: AgentInfo::default(),
            capabilities: crate::cluster::ABLE_AGENT,
            unavailability: None,
            total: &total,
            used: &[],
        };
        let effects = cluster.allocator.apply(&event, cluster.now).unwrap();
        requested += usize::from(effects.cycle_requested);
        assert!(effects.offers.is_empty());
    }
    assert_eq!(requested, 1);
    assert_eq!(cluster.allocator.apply(&Event::Cycle, cluster.now).unwrap().offers.len(), 10);
}

#[test]
fn an_idle_run_looks_at_nothing() {
    use apportion_core::Event;
    let mut cluster = Cluster::new();
    cluster.add_framework("f1", &["a"]);
    let offers = cluster.add_agent("held", "cpus:1");
    let refused = cluster.add_agent("refused", "cpus:1");
    cluster.decline(&refused[0], 100.0);
    assert_eq!(cluster.tick_at(1.0), []);
    cluster.allocator.apply(&Event::Tick, cluster.now).unwrap();
    let run = cluster.allocator.apply(&Event::Cycle, cluster.now).unwrap().run.unwrap();
    assert_eq!((run.agents_visited, run.offers), (0, 0));
    assert_eq!(offers.len(), 1);
}
