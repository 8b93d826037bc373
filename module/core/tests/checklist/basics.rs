//! What a run gives to whom, without quotas (items 91 to 104, 258 to 260).

use apportion_core::{Event, Options};

use crate::cluster::{Cluster, count_by_role, seconds};

#[test]
fn item_091_a_framework_gets_a_waiting_agent_at_once() {
    let mut cluster = Cluster::of_master();
    assert_eq!(cluster.add_agent("x", "cpus:2;mem:1024;ports:[1-9]"), []);
    let offers = cluster.add_framework("f", &["r"]);
    assert_eq!(cluster.told(&offers), ["f r x cpus:2; mem:1024; ports:[1-9]"]);
}

#[test]
fn item_092_a_waiting_framework_gets_an_agent_at_once() {
    let mut cluster = Cluster::of_master();
    assert_eq!(cluster.add_framework("f", &["r"]), []);
    let offers = cluster.add_agent("x", "cpus:2;mem:1024;ports:[1-9]");
    assert_eq!(cluster.told(&offers), ["f r x cpus:2; mem:1024; ports:[1-9]"]);
}

#[test]
fn item_093_each_agent_goes_to_the_role_with_the_smaller_dominant_share() {
    let mut cluster = Cluster::of_master();
    let mut told = Vec::new();
    let mut tell = |cluster: &Cluster, offers: &[crate::cluster::Offered]| told.extend(cluster.told(offers));
    cluster.add_framework("f1", &["a"]);
    let offers = cluster.add_agent("x1", "cpus:2;mem:1024");
    tell(&cluster, &offers);
    cluster.add_framework("f2", &["b"]);
    let offers = cluster.add_agent("x2", "cpus:1;mem:512");
    tell(&cluster, &offers);
    let offers = cluster.add_agent("x3", "cpus:3;mem:2048");
    tell(&cluster, &offers);
    cluster.add_framework("f3", &["a"]);
    let offers = cluster.add_agent("x4", "cpus:4;mem:4096");
    tell(&cluster, &offers);
    cluster.add_framework("f4", &["a"]);
    let offers = cluster.add_agent("x5", "cpus:1;mem:512");
    tell(&cluster, &offers);
    assert_eq!(
        told,
        [
            "f1 a x1 cpus:2; mem:1024",
            "f2 b x2 cpus:1; mem:512",
            "f2 b x3 cpus:3; mem:2048",
            "f3 a x4 cpus:4; mem:4096",
            "f2 b x5 cpus:1; mem:512",
        ]
    );
}

#[test]
fn item_094_within_a_role_the_framework_with_the_smaller_share_gets_the_next_agent() {
    let mut cluster = Cluster::of_master();
    cluster.add_framework("f", &["r"]);
    cluster.add_agent("x1", "cpus:2;mem:1024");
    cluster.add_framework("g", &["r"]);
    assert_eq!(cluster.add_agent("x2", "cpus:1;mem:512")[0].framework, "g");
    assert_eq!(cluster.add_agent("x3", "cpus:2;mem:1024")[0].framework, "g");
    assert_eq!(cluster.add_agent("x4", "cpus:2;mem:1024")[0].framework, "f");
}

#[test]
fn item_095_two_free_agents_go_to_two_roles_in_one_batch() {
    let mut cluster = Cluster::of_master();
    cluster.add_agent("x", "cpus:2;mem:1024");
    cluster.add_agent("y", "cpus:2;mem:1024");
    cluster.whitelist(Some(&[]));
    cluster.add_framework("f", &["a"]);
    cluster.add_framework("g", &["b"]);
    cluster.whitelist(None);
    let offers = cluster.tick();
    assert_eq!(count_by_role(&offers), [("a", 1), ("b", 1)].into());
}

#[test]
fn item_096_two_decliners_of_one_role_take_turns() {
    let mut cluster = Cluster::of_master();
    cluster.add_framework("f", &["r"]);
    cluster.add_framework("g", &["r"]);
    let first = cluster.add_agent("x", "cpus:2;mem:1024");
    cluster.rescind(&first);
    let mut counts = [0, 0];
    for second in 1..=10 {
        let offers = cluster.tick_at(f64::from(second));
        assert_eq!(offers.len(), 1);
        counts[usize::from(offers[0].framework == "g")] += 1;
        cluster.rescind(&offers);
    }
    assert_eq!(counts, [5, 5]);
}

#[test]
fn item_097_excluded_gpus_do_not_keep_their_holder_from_the_next_agent() {
    let fairness_excluded = vec![b"gpus".as_slice().into()];
    let mut cluster = Cluster::with(&Options { fairness_excluded, ..Options::default() });
    cluster.add_framework("f", &["a"]);
    cluster.add_agent("x1", "cpus:1;gpus:10");
    cluster.add_framework("g", &["b"]);
    assert_eq!(cluster.add_agent("x2", "cpus:4")[0].framework, "g");
    assert_eq!(cluster.add_agent("x3", "cpus:2")[0].framework, "f");
}

#[test]
fn item_098_a_subtree_that_has_most_comes_last() {
    let mut cluster = Cluster::of_master();
    cluster.add_framework("f", &["a/b"]);
    cluster.add_agent("x1", "cpus:8;mem:1024");
    cluster.add_framework("g", &["a/c"]);
    cluster.add_framework("h", &["d/e"]);
    assert_eq!(cluster.add_agent("x2", "cpus:1;mem:128")[0].role, "d/e");
    assert_eq!(cluster.add_agent("x3", "cpus:1;mem:128")[0].role, "d/e", "a/c has nothing, but a has most");
}

#[test]
fn item_099_reserved_holdings_count_for_roles_and_for_frameworks() {
    let mut roles = Cluster::of_master();
    roles.add_framework("f", &["a"]);
    roles.add_framework("g", &["b"]);
    let used = [("f", "a", "cpus(a):10"), ("g", "b", "cpus:5")];
    roles.add_agent_using("x", "cpus(a):10;cpus:5", &used);
    assert_eq!(roles.add_agent("y", "cpus:1")[0].role, "b");

    let mut frameworks = Cluster::of_master();
    frameworks.add_framework("f", &["a"]);
    frameworks.add_framework("g", &["a"]);
    let used = [("f", "a", "cpus(a):10"), ("g", "a", "cpus:5")];
    frameworks.add_agent_using("x", "cpus(a):10;cpus:5", &used);
    assert_eq!(frameworks.add_agent("y", "cpus:1")[0].framework, "g");
}

#[test]
fn item_100_reservations_nobody_holds_do_not_count() {
    let mut cluster = Cluster::of_master();
    cluster.add_agent("reserved", "cpus(a):50");
    cluster.deactivate_agent("reserved");
    cluster.add_framework("f", &["a"]);
    cluster.add_framework("g", &["b"]);
    cluster.add_agent_using("x", "cpus:5", &[("g", "b", "cpus:5")]);
    assert_eq!(cluster.add_agent("y", "cpus:1")[0].role, "a");
}

#[test]
fn item_101_an_offer_names_its_role_and_agent() {
    let mut cluster = Cluster::of_master();
    cluster.add_framework("f", &["a", "b"]);
    let offers = cluster.add_agent("x", "cpus:2;mem(b):64");
    assert_eq!(cluster.told(&offers), ["f a x cpus:2", "f b x mem(b):64"]);
    assert_eq!(cluster.available("x"), "{}");
}

#[test]
fn item_102_all_agents_of_one_run_come_together() {
    let mut cluster = Cluster::of_master();
    for agent in ["x", "y", "z"] {
        cluster.add_agent(agent, "cpus:2;mem:64");
    }
    let before = cluster.runs();
    let offers = cluster.add_framework("f", &["r"]);
    assert_eq!(
        cluster.told(&offers),
        ["f r x cpus:2; mem:64", "f r y cpus:2; mem:64", "f r z cpus:2; mem:64"]
    );
    assert_eq!(cluster.runs(), before + 1);
}

#[test]
fn item_103_nothing_to_offer_is_no_offer() {
    let mut cluster = Cluster::of_master();
    cluster.add_framework("f", &["r"]);
    assert!(cluster.apply(&Event::Tick).offers.is_empty());
    let effects = cluster.apply(&Event::Cycle);
    assert!(effects.offers.is_empty() && effects.inverse_offers.is_empty());
    assert_eq!(effects.run.unwrap().offers, 0);
    assert_eq!(cluster.add_agent("x", "").len(), 0, "an agent without resources");
}

#[test]
fn item_104_of_an_agent_that_arrives_over_committed_the_rest_is_offered() {
    let mut cluster = Cluster::of_master();
    cluster.add_framework("f", &["r"]);
    let offers = cluster.add_agent_using("x", "cpus:2;mem:100", &[("f", "r", "cpus:3;mem:40")]);
    assert_eq!(cluster.told(&offers), ["f r x mem:60"]);
    cluster.end_task(("f", "r", "x"), "cpus:1;mem:40");
    assert_eq!(cluster.available("x"), "mem:40", "2 of 2 cpus are in use still");
}

#[test]
fn item_258_between_two_roles_without_anything_the_one_never_served_comes_first() {
    let mut cluster = Cluster::of_master();
    cluster.add_framework("f", &["a"]);
    let offers = cluster.add_agent("x", "cpus:2;mem:1024");
    cluster.rescind(&offers);
    let offers = cluster.add_framework("g", &["b"]);
    assert_eq!(cluster.told(&offers), ["g b x cpus:2; mem:1024"]);
}

#[test]
fn item_259_six_free_agents_are_halved_between_two_roles() {
    let mut cluster = Cluster::of_master();
    for number in 0..6 {
        cluster.add_agent(&format!("x{number}"), "cpus:2;mem:1024");
    }
    cluster.whitelist(Some(&[]));
    cluster.add_framework("f", &["a"]);
    cluster.add_framework("g", &["b"]);
    cluster.whitelist(None);
    let before = cluster.runs();
    let offers = cluster.tick();
    assert_eq!(count_by_role(&offers), [("a", 3), ("b", 3)].into());
    assert_eq!(cluster.runs(), before + 1, "all in one run");
}

#[test]
fn item_260_removing_a_framework_or_an_agent_waits_for_the_next_batch() {
    let mut cluster = Cluster::of_master();
    cluster.add_framework("f", &["a"]);
    cluster.add_agent("x", "cpus:2");
    cluster.add_framework("g", &["b"]);
    let before = cluster.runs();
    cluster.now = seconds(0.5);
    cluster.remove_framework("f");
    assert_eq!(cluster.runs(), before);
    let offers = cluster.tick_at(1.0);
    assert_eq!(cluster.told(&offers), ["g b x cpus:2"]);
    cluster.remove_agent("x");
    assert_eq!(cluster.runs(), before + 1);
    assert_eq!(cluster.tick_at(2.0), []);
}
