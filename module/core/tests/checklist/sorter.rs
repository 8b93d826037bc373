//! Who comes first: the order by dominant share (items 63 to 86, 256, 257, 299, 300).
//!
//! Most tests have one agent, `pool`, part of which is in use; [`Cluster::order_on`] tells whose turn it is for the rest.

use apportion_core::{Allocated, Event, Options, Violation};

use crate::cluster::{Agent, Cluster};

/// One agent with the whole pool. Each role has a framework of its own name that uses the resources beside it; nothing
/// is offered until [`Cluster::order_on`] asks.
fn shares(pool: &str, roles: &[(&str, &str)]) -> Cluster {
    let mut cluster = Cluster::new();
    cluster.whitelist(Some(&[]));
    for (role, _) in roles {
        cluster.add_framework(role, &[role]);
    }
    let used: Vec<(&str, &str, &str)> =
        roles.iter().filter(|(_, used)| !used.is_empty()).map(|(role, used)| (*role, *role, *used)).collect();
    cluster.add_agent_using("pool", pool, &used);
    cluster
}

/// A framework is served so often, and gives everything back.
fn serve(cluster: &mut Cluster, (framework, role): (&str, &str), times: u32) {
    for _ in 0..times {
        cluster.give(framework, role, "pool", "cpus:1");
        cluster.give_back((framework, role, "pool"), "cpus:1");
    }
}

/// Dominant shares of roles with everything inside them, in thousandths, in the order of turns.
fn role_shares(cluster: &Cluster) -> Vec<(String, i64)> {
    let turns = cluster.turns_on("pool");
    turns.into_iter().map(|offer| (offer.role, offer.why.role_share.permille())).collect()
}

fn share(cluster: &Cluster, role: &str) -> Option<f64> {
    cluster.numbers(role).dominant_share
}

#[test]
fn item_063_clients_come_in_ascending_order_of_their_shares() {
    let cluster = shares(
        "cpus:100;mem:100",
        &[("a", "cpus:5;mem:5"), ("b", "cpus:6;mem:6"), ("c", "cpus:1;mem:1"), ("d", "cpus:3;mem:1")],
    );
    assert_eq!(cluster.order_on("pool"), ["c", "d", "a", "b"]);
}

#[test]
fn item_064_a_weight_divides_the_share() {
    let mut cluster = shares("cpus:100", &[("a", "cpus:10"), ("b", "cpus:6"), ("c", "cpus:4")]);
    cluster.set_weights(&[("a", 2.0), ("c", 0.5)]);
    assert_eq!(cluster.order_on("pool"), ["a", "b", "c"], "5, 6 and 8 percent");
}

#[test]
fn item_065_a_weight_counts_whether_it_was_set_before_or_after_its_role_came() {
    let mut cluster = Cluster::new();
    cluster.whitelist(Some(&[]));
    cluster.set_weights(&[("b", 2.0)]);
    cluster.add_framework("a", &["a"]);
    cluster.add_framework("b", &["b"]);
    cluster.add_agent_using("pool", "cpus:100", &[("a", "a", "cpus:6"), ("b", "b", "cpus:10")]);
    assert_eq!(cluster.order_on("pool"), ["b", "a"]);
    cluster.set_weights(&[("a", 3.0)]);
    assert_eq!(cluster.order_on("pool"), ["a", "b"]);
}

#[test]
fn item_066_equal_shares_are_ordered_by_allocations_then_by_path() {
    let mut cluster = shares("cpus:100", &[("c", ""), ("a", ""), ("b", "")]);
    assert_eq!(cluster.order_on("pool"), ["a", "b", "c"]);
    serve(&mut cluster, ("a", "a"), 1);
    assert_eq!(cluster.order_on("pool"), ["b", "c", "a"]);
    serve(&mut cluster, ("b", "b"), 2);
    assert_eq!(cluster.order_on("pool"), ["c", "a", "b"]);
}

#[test]
fn item_067_giving_back_and_deactivating_keep_the_allocation_count() {
    let mut cluster = Cluster::new();
    cluster.whitelist(Some(&[]));
    cluster.add_framework("f", &["r"]);
    cluster.add_framework("g", &["r"]);
    cluster.add_agent("pool", "cpus:100");
    serve(&mut cluster, ("f", "r"), 1);
    assert_eq!(cluster.order_on("pool"), ["g", "f"]);
    cluster.deactivate("f");
    cluster.activate("f");
    assert_eq!(cluster.order_on("pool"), ["g", "f"]);
    cluster.suppress("f", &[]);
    cluster.revive("f", &[]);
    assert_eq!(cluster.order_on("pool"), ["g", "f"]);
}

#[test]
fn item_068_what_an_inactive_client_is_given_counts_when_it_is_back() {
    let mut cluster = Cluster::new();
    cluster.whitelist(Some(&[]));
    cluster.add_framework("f", &["r"]);
    cluster.add_framework("g", &["r"]);
    cluster.add_agent("pool", "cpus:100");
    cluster.deactivate("f");
    serve(&mut cluster, ("f", "r"), 1);
    assert_eq!(cluster.order_on("pool"), ["g"]);
    cluster.activate("f");
    assert_eq!(cluster.order_on("pool"), ["g", "f"], "served once more often");
    serve(&mut cluster, ("g", "r"), 2);
    assert_eq!(cluster.order_on("pool"), ["f", "g"]);
}

#[test]
fn item_069_a_pool_of_another_shape_turns_the_order() {
    let mut cluster = shares("cpus:10;mem:100", &[("a", "cpus:1;mem:1"), ("b", "cpus:0.1;mem:5")]);
    assert_eq!(cluster.order_on("pool"), ["b", "a"], "a tenth of the cpus, a twentieth of the mem");
    cluster.update_total("pool", "cpus:100;mem:10");
    assert_eq!(cluster.order_on("pool"), ["a", "b"], "a tenth of the mem, half of the mem");
}

#[test]
fn item_070_in_an_empty_pool_every_share_is_zero() {
    let mut cluster = Cluster::new();
    cluster.add_framework("f", &["a"]);
    assert_eq!(share(&cluster, "a"), Some(0.0));
    cluster.add_framework("g", &["b"]);
    let first = cluster.add_agent("pool", "ports:[1-10]");
    assert_eq!(cluster.told(&first), ["f a pool ports:[1-10]"]);
    assert_eq!(share(&cluster, "a"), Some(0.0), "ports are no scalar");
    assert_eq!(share(&cluster, "b"), Some(0.0));
}

#[test]
fn item_071_an_excluded_name_never_decides_the_share() {
    let fairness_excluded = vec![b"gpus".as_slice().into()];
    let mut cluster = Cluster::with(&Options { fairness_excluded, ..Options::default() });
    cluster.whitelist(Some(&[]));
    cluster.add_framework("a", &["a"]);
    cluster.add_framework("b", &["b"]);
    let used = [("a", "a", "cpus:1;gpus:10"), ("b", "b", "cpus:2")];
    cluster.add_agent_using("pool", "cpus:100;gpus:10", &used);
    assert_eq!(role_shares(&cluster), [("a".to_string(), 10), ("b".to_string(), 20)]);
}

#[test]
fn item_072_a_subtree_takes_its_turn_with_the_sum_of_its_clients() {
    let cluster = shares("cpus:100", &[("a", "cpus:6"), ("b/c", "cpus:4"), ("b/d", "cpus:3")]);
    assert_eq!(cluster.order_on("pool"), ["a", "b/d", "b/c"]);
}

#[test]
fn item_073_inside_its_subtree_a_client_weighs_one_and_outside_the_subtree_weighs_what_it_does() {
    let mut cluster = shares("cpus:100", &[("a", "cpus:4"), ("a/b", "cpus:3"), ("b", "cpus:1")]);
    assert_eq!(cluster.order_on("pool"), ["b", "a/b", "a"]);
    cluster.set_weights(&[("a", 10.0)]);
    assert_eq!(cluster.order_on("pool"), ["a/b", "a", "b"], "0.7 before 1; inside, 3 before 4");
}

#[test]
fn item_074_a_client_that_gets_children_keeps_holdings_count_and_activity() {
    let mut cluster = shares("cpus:100", &[("a", "cpus:5"), ("b", "cpus:6")]);
    assert_eq!(cluster.order_on("pool"), ["a", "b"]);
    cluster.add_framework("a/c", &["a/c"]);
    assert_eq!(cluster.order_on("pool"), ["a/c", "a", "b"]);
    cluster.give("a/c", "a/c", "pool", "cpus:3");
    assert_eq!(cluster.order_on("pool"), ["b", "a/c", "a"], "the subtree has 8");
    assert_eq!(share(&cluster, "a"), Some(0.05), "its own part only");

    let mut counted = shares("cpus:100", &[("a", ""), ("b", "")]);
    serve(&mut counted, ("a", "a"), 1);
    counted.add_framework("a/c", &["a/c"]);
    assert_eq!(counted.order_on("pool"), ["b", "a/c", "a"], "a was served, a/c was not");
}

#[test]
fn item_075_a_client_that_loses_its_children_stays_as_it_was() {
    let mut cluster = shares("cpus:100", &[("a", "cpus:5"), ("a/c", "cpus:3"), ("b", "cpus:6")]);
    cluster.suppress("a", &[]);
    cluster.end_task(("a/c", "a/c", "pool"), "cpus:3");
    cluster.remove_framework("a/c");
    assert_eq!(cluster.order_on("pool"), ["b"], "still suppressed");
    assert_eq!(share(&cluster, "a"), Some(0.05));
    cluster.revive("a", &[]);
    assert_eq!(cluster.order_on("pool"), ["a", "b"]);
    cluster.give("a", "a", "pool", "cpus:2");
    assert_eq!(share(&cluster, "a"), Some(0.07));
    assert_eq!(cluster.order_on("pool"), ["b", "a"]);
}

#[test]
fn item_076_a_client_that_goes_leaves_its_children_without_its_share() {
    let mut cluster = shares("cpus:100", &[("a", "cpus:5"), ("a/c", "cpus:3"), ("b", "cpus:6")]);
    assert_eq!(cluster.order_on("pool"), ["b", "a/c", "a"]);
    cluster.end_task(("a", "a", "pool"), "cpus:5");
    cluster.remove_framework("a");
    assert_eq!(cluster.order_on("pool"), ["a/c", "b"]);
    assert_eq!(share(&cluster, "a"), None);
}

#[test]
fn item_077_an_ancestor_of_clients_is_no_client() {
    let cluster = shares("cpus:100", &[("b/c", "cpus:5")]);
    assert_eq!(share(&cluster, "b"), None);
    assert_eq!(share(&cluster, "b/c"), Some(0.05));
    assert!(cluster.has_role("b"), "but there is something inside it");
}

#[test]
fn item_078_weights_of_ancestors_order_their_subtrees() {
    let mut cluster = shares("cpus:100", &[("a/x", "cpus:6"), ("b/y", "cpus:6")]);
    cluster.set_weights(&[("b", 3.0), ("a", 2.0)]);
    assert_eq!(cluster.order_on("pool"), ["b/y", "a/x"]);
}

#[test]
fn item_079_a_new_weight_of_a_pure_ancestor_counts_in_the_next_order() {
    let mut cluster = shares("cpus:100", &[("a/x", "cpus:6"), ("b/y", "cpus:9")]);
    assert_eq!(cluster.order_on("pool"), ["a/x", "b/y"]);
    cluster.set_weights(&[("b", 2.0)]);
    assert_eq!(cluster.order_on("pool"), ["b/y", "a/x"]);
    cluster.set_weights(&[("b", 1.0)]);
    assert_eq!(cluster.order_on("pool"), ["a/x", "b/y"]);
}

#[test]
fn item_080_revocable_holdings_count_like_others() {
    let cluster = shares("cpus:80;cpus{REV}:20", &[("a", "cpus{REV}:10"), ("b", "cpus:5")]);
    assert_eq!(cluster.order_on("pool"), ["b", "a"]);
    assert_eq!(role_shares(&cluster), [("b".to_string(), 50), ("a".to_string(), 100)]);
}

#[test]
fn item_081_further_copies_of_a_shared_volume_change_no_share() {
    let volume = "disk(a){SHARED:v}:10";
    let mut cluster = shares("cpus:1;disk:90;disk(a){SHARED:v}:10", &[("a", volume), ("b", "disk:5")]);
    let with_volume = [("b".to_string(), 50), ("a".to_string(), 100)];
    assert_eq!(role_shares(&cluster), with_volume);
    for _ in 0..3 {
        cluster.give("a", "a", "pool", volume);
        assert_eq!(role_shares(&cluster), with_volume);
    }
    for _ in 0..3 {
        cluster.give_back(("a", "a", "pool"), volume);
        assert_eq!(role_shares(&cluster), with_volume, "one copy is left");
    }
    cluster.end_task(("a", "a", "pool"), volume);
    assert_eq!(role_shares(&cluster), [("a".to_string(), 0), ("b".to_string(), 50)]);
}

#[test]
fn item_082_every_holder_of_a_shared_volume_is_charged_for_all_of_it() {
    let volume = "disk(a){SHARED:v}:10";
    let mut cluster = Cluster::new();
    cluster.whitelist(Some(&[]));
    cluster.add_framework("f", &["a"]);
    cluster.add_framework("g", &["a"]);
    cluster.add_framework("h", &["a"]);
    let used = [("f", "a", volume), ("g", "a", volume)];
    cluster.add_agent_using("pool", "cpus:1;disk:90;disk(a){SHARED:v}:10", &used);
    let turns = cluster.turns_on("pool");
    let shares: Vec<(&str, i64)> =
        turns.iter().map(|offer| (&*offer.framework, offer.why.framework_share.permille())).collect();
    assert_eq!(shares, [("h", 0), ("f", 100), ("g", 100)]);
    assert_eq!(turns[0].why.role_share.permille(), 100, "the role once");
}

#[test]
fn item_083_holdings_on_several_agents_stay_apart_and_add_up_in_the_share() {
    let mut cluster = shares("cpus:7", &[("a", "cpus:2"), ("b", "")]);
    cluster.add_agent_using("other", "cpus:3", &[("a", "a", "cpus:1")]);
    assert_eq!(role_shares(&cluster), [("b".to_string(), 0), ("a".to_string(), 300)]);
    let three = cluster.resources("cpus:3");
    let group = [Allocated { role: Some(b"a"), resources: &three }];
    let event = Event::RecoverResources {
        framework: b"a",
        agent: b"pool",
        resources: &group,
        refuse_seconds: None,
        allocated: false,
    };
    assert!(
        matches!(cluster.try_send(&event), Err(Violation::NotHeld { .. })),
        "what it holds elsewhere is no help"
    );
    cluster.end_task(("a", "a", "pool"), "cpus:2");
    assert_eq!(role_shares(&cluster), [("b".to_string(), 0), ("a".to_string(), 100)]);
}

#[test]
fn item_084_converted_holdings_change_the_share_and_not_the_count() {
    let mut cluster = Cluster::new();
    cluster.add_framework("f", &["a"]);
    cluster.add_framework("g", &["b"]);
    let offer = cluster.add_agent("x", "cpus:10").remove(0);
    assert_eq!(offer.framework, "f");
    cluster.whitelist(Some(&[]));
    cluster.add_agent("pool", "cpus:10");
    let shrink = cluster.conversion("cpus:6", "");
    let less = cluster.convert(&offer, &[shrink]);
    assert_eq!(share(&cluster, "a"), Some(4.0 / 14.0));
    let vanish = cluster.conversion("cpus:4", "");
    let nothing = cluster.convert(&less, &[vanish]);
    assert!(nothing.resources.is_empty());
    assert_eq!(share(&cluster, "a"), Some(0.0));
    assert_eq!(cluster.order_on("pool"), ["g", "f"], "f was served once, conversions or not");
    serve(&mut cluster, ("g", "b"), 1);
    assert_eq!(cluster.order_on("pool"), ["f", "g"], "once, not more often");
}

#[test]
fn item_085_entries_of_one_name_add_up_in_the_share() {
    let volumes = "disk(a){VOLUME:v}:10;disk(a){VOLUME:w}:10";
    let pool = format!("cpus:1;disk:80;{volumes}");
    let cluster = shares(&pool, &[("a", volumes), ("b", "disk:15")]);
    assert_eq!(role_shares(&cluster), [("b".to_string(), 150), ("a".to_string(), 200)]);
}

#[test]
fn item_086_a_removed_agent_leaves_the_pool_and_contradictions_are_found() {
    let mut cluster = shares("cpus:10;mem:100", &[("a", "cpus:2"), ("b", "mem:10")]);
    cluster.add_agent("large", "cpus:90");
    assert_eq!(cluster.order_on("pool"), ["a", "b"], "2 of 100 cpus, 10 of 100 mem");
    cluster.remove_agent("large");
    assert_eq!(cluster.order_on("pool"), ["b", "a"], "2 of 10 cpus");
    let again = Agent::new("pool", "cpus:1");
    let violation = cluster.try_register(&again).unwrap_err();
    assert_eq!(violation, Violation::AgentAddedTwice { agent: b"pool".as_slice().into() });
    let violation = cluster.try_send(&Event::RemoveAgent { agent: b"large" }).unwrap_err();
    assert!(matches!(violation, Violation::UnknownAgent { .. }));
    assert_eq!(cluster.order_on("pool"), ["b", "a"], "both were refused");
}

#[test]
fn item_256_a_client_that_loses_its_children_inherits_how_often_they_were_served() {
    let mut cluster = shares("cpus:100", &[("a", ""), ("a/c", ""), ("b", "")]);
    serve(&mut cluster, ("a/c", "a/c"), 3);
    serve(&mut cluster, ("b", "b"), 2);
    cluster.remove_framework("a/c");
    assert_eq!(cluster.order_on("pool"), ["b", "a"], "two before three");
    serve(&mut cluster, ("b", "b"), 2);
    assert_eq!(cluster.order_on("pool"), ["a", "b"], "three before four");
}

#[test]
fn item_257_a_client_that_comes_again_starts_at_zero_below_ancestors_that_do_not() {
    let mut cluster = Cluster::new();
    cluster.whitelist(Some(&[]));
    cluster.add_framework("f", &["r"]);
    cluster.add_framework("g", &["r"]);
    cluster.add_agent("pool", "cpus:100");
    serve(&mut cluster, ("f", "r"), 1);
    cluster.remove_framework("f");
    cluster.add_framework("f", &["r"]);
    assert_eq!(cluster.order_on("pool"), ["f", "g"]);

    let mut nested = shares("cpus:100", &[("a/x", ""), ("a/y", ""), ("b", "")]);
    serve(&mut nested, ("a/x", "a/x"), 1);
    nested.remove_framework("a/x");
    nested.add_framework("a/x", &["a/x"]);
    assert_eq!(nested.order_on("pool"), ["b", "a/x", "a/y"]);
}

#[test]
fn item_299_what_an_inactive_client_holds_counts_in_the_subtree_it_heads() {
    let mut cluster = shares("cpus:100", &[("a", "cpus:10"), ("a/c", "cpus:5"), ("b", "cpus:6")]);
    cluster.suppress("a", &[]);
    assert_eq!(cluster.order_on("pool"), ["b", "a/c"]);
}

#[test]
fn item_300_a_client_can_come_to_head_others_and_go_again() {
    let mut cluster = shares("cpus:100", &[("x/a", "cpus:2"), ("x/b", "cpus:3"), ("y", "cpus:6")]);
    assert_eq!(cluster.order_on("pool"), ["x/a", "x/b", "y"]);
    cluster.add_framework("x", &["x"]);
    cluster.give("x", "x", "pool", "cpus:2.5");
    assert_eq!(cluster.order_on("pool"), ["y", "x/a", "x", "x/b"]);
    cluster.give_back(("x", "x", "pool"), "cpus:2.5");
    cluster.remove_framework("x");
    assert_eq!(cluster.order_on("pool"), ["x/a", "x/b", "y"]);
}
