//! Quotas of roles with sub-roles, and what is held back for guarantees (items 270 to 280).

use crate::cluster::{Cluster, told_amounts};

/// What items 270 to 272 call R.
const R: &str = "cpus:2;mem:100";

#[test]
fn item_270_a_parent_at_its_quota_leaves_the_agent_to_its_sub_role() {
    let mut cluster = Cluster::of_master();
    cluster.set_quota("a", R, R);
    cluster.add_framework("child", &["a/b"]);
    cluster.add_agent_using("x", R, &[("child", "a/b", R)]);
    cluster.add_framework("parent", &["a"]);
    let offers = cluster.add_agent("y", R);
    assert_eq!(cluster.told(&offers), ["child a/b y cpus:2; mem:100"]);
}

#[test]
fn item_271_a_reservation_of_a_sub_role_takes_its_part_of_the_parents_quota() {
    let mut cluster = Cluster::of_master();
    cluster.set_quota("a", "cpus:4;mem:200", "cpus:4;mem:200");
    cluster.add_agent("x", "cpus(a/b):2;mem(a/b):100");
    cluster.add_framework("parent", &["a"]);
    let offers = cluster.add_agent("y", "cpus:20;mem:1000");
    assert_eq!(cluster.told(&offers), ["parent a y cpus:2; mem:100"]);
}

#[test]
fn item_272_what_a_tree_of_roles_holds_is_left_out_of_the_headroom_once() {
    let mut cluster = Cluster::of_master();
    cluster.add_framework("parent", &["a"]);
    cluster.add_framework("child", &["a/b"]);
    cluster.add_agent_using("x1", R, &[("parent", "a", R)]);
    cluster.add_agent_using("x2", R, &[("child", "a/b", R)]);
    cluster.set_quota("q", R, "");
    assert_eq!(cluster.add_agent("x3", R), []);
    assert_eq!(cluster.tick_at(1.0), []);
    assert_eq!(cluster.add_agent("x4", R).len(), 1);
    assert_eq!(cluster.tick_at(2.0), []);
}

#[test]
fn item_273_beyond_its_guarantee_a_role_gets_what_is_left_beyond_all_guarantees() {
    let mut cluster = Cluster::of_master();
    cluster.set_quota("a", "cpus:1", "");
    cluster.set_quota("b", "cpus:2", "");
    cluster.add_framework("f", &["a"]);
    let offers = cluster.add_agent("x", "cpus:4;mem:4");
    assert_eq!(cluster.told(&offers), ["f a x cpus:2; mem:4"], "one entry");
    assert_eq!(cluster.available("x"), "cpus:2", "held back for b");
    assert_eq!(cluster.tick(), []);
}

#[test]
fn item_273_what_both_stages_of_a_run_give_is_one_entry() {
    let mut cluster = Cluster::of_master();
    cluster.set_quota("p/q", "cpus:2", "");
    cluster.add_framework("f", &["p/q"]);
    let offers = cluster.add_agent("x", "cpus:2;mem:64;cpus(p):1");
    assert_eq!(cluster.told(&offers), ["f p/q x cpus:2; mem:64; cpus(p):1"], "the reservation in the second");
}

#[test]
fn item_274_a_role_at_its_quota_gets_no_more_however_small_its_share() {
    let mut cluster = Cluster::of_master();
    cluster.set_quota("q", "cpus:1", "cpus:1");
    cluster.add_framework("f", &["q"]);
    cluster.add_framework("g", &["a"]);
    cluster.add_framework("h", &["b"]);
    assert_eq!(cluster.add_agent("x", "cpus:1")[0].role, "q");
    for (agent, role) in [("y1", "a"), ("y2", "b"), ("y3", "a"), ("y4", "b")] {
        let offers = cluster.add_agent(agent, "cpus:4");
        assert_eq!(offers.len(), 1);
        assert_eq!(offers[0].role, role, "{agent}");
    }
}

#[test]
fn item_275_what_agents_bring_in_use_counts_for_guarantee_and_limit() {
    let mut cluster = Cluster::of_master();
    cluster.set_quota("q", "cpus:5", "cpus:6");
    cluster.add_framework("f", &["q"]);
    let used = [("f", "q", "cpus:2;cpus(q):1;mem:64")];
    assert_eq!(cluster.add_agent_using("x", "cpus:2;cpus(q):1;mem:64", &used), []);
    assert_eq!(told_amounts(&cluster.numbers("q").offered_or_allocated), "cpus:3", "mem is not in the quota");
    assert_eq!(told_amounts(&cluster.numbers("q").consumed), "cpus:3; mem:64");
    let offers = cluster.add_agent("y", "cpus:10");
    assert_eq!(cluster.told(&offers), ["f q y cpus:3"]);
}

#[test]
fn item_276_a_guarantee_is_held_back_though_nobody_in_the_role_takes_it() {
    let ways: [fn(&mut Cluster); 3] = [
        |cluster| cluster.suppress("f", &[]),
        |cluster| cluster.deactivate("f"),
        |cluster| {
            let offers = cluster.add_agent("x", "cpus:2");
            cluster.decline(&offers[0], 1000.0);
        },
    ];
    for way in ways {
        let mut cluster = Cluster::of_master();
        cluster.set_quota("q", "cpus:2", "");
        cluster.add_framework("f", &["q"]);
        way(&mut cluster);
        assert_eq!(cluster.add_framework("g", &["others"]), []);
        if cluster.allocator.agents_len() == 0 {
            assert_eq!(cluster.add_agent("x", "cpus:2"), []);
        }
        assert_eq!(cluster.tick(), []);
    }
}

#[test]
fn item_277_free_resources_that_are_not_offered_are_headroom_all_the_same() {
    let mut cluster = Cluster::of_master();
    cluster.set_quota("q", "cpus:2", "");
    cluster.add_agent("switched off", "cpus:2");
    cluster.deactivate_agent("switched off");
    cluster.add_framework("f", &["others"]);
    let offers = cluster.add_agent("x", "cpus:2");
    assert_eq!(cluster.told(&offers), ["f others x cpus:2"]);

    let mut listed = Cluster::of_master();
    listed.set_quota("q", "cpus:2", "");
    listed.whitelist(Some(&["x"]));
    listed.add_agent("elsewhere", "cpus:2");
    listed.add_framework("f", &["others"]);
    let offers = listed.add_agent("x", "cpus:2");
    assert_eq!(listed.told(&offers), ["f others x cpus:2"]);
}

#[test]
fn item_278_a_role_below_its_guarantee_gets_an_agent_with_nothing_but_its_reservations() {
    let mut cluster = Cluster::of_master();
    cluster.set_quota("q", "cpus:10", "");
    cluster.add_framework("f", &["q"]);
    let offers = cluster.add_agent("x", "cpus(q):2");
    assert_eq!(cluster.told(&offers), ["f q x cpus(q):2"]);
}

#[test]
fn item_279_several_agents_of_one_run_fill_a_guarantee_up_and_never_overfill_it() {
    let mut cluster = Cluster::of_master();
    cluster.set_quota("q", "cpus:5", "cpus:5");
    for agent in ["x", "y", "z"] {
        cluster.add_agent(agent, "cpus:2;mem:64");
    }
    let before = cluster.runs();
    let offers = cluster.add_framework("f", &["q"]);
    assert_eq!(cluster.runs(), before + 1);
    let mut cpus: Vec<String> =
        offers.iter().map(|offer| cluster.allocator.describe(&offer.resources).to_string()).collect();
    cpus.sort();
    assert_eq!(cpus, ["cpus:1; mem:64", "cpus:2; mem:64", "cpus:2; mem:64"]);
}

#[test]
fn item_280_what_a_framework_to_come_holds_is_no_headroom() {
    let mut cluster = Cluster::of_master();
    cluster.set_quota("q", "cpus:2", "");
    cluster.add_framework("f", &["others"]);
    cluster.add_agent_using("x", "cpus:4", &[("absent", "r", "cpus:4")]);
    assert_eq!(cluster.add_agent("y", "cpus:2"), []);
    let offers = cluster.add_agent("z", "cpus:1");
    assert_eq!(cluster.told(&offers), ["f others z cpus:1"]);
}
