//! Guarantees and limits (items 191 to 216).
//!
//! A role named `others` has no quota. Roles are asked in the order of their shares and then of their names.

use crate::cluster::{Cluster, told_amounts};

/// A framework of its role's name in each of the roles.
fn with_roles(roles: &[&str]) -> Cluster {
    let mut cluster = Cluster::of_master();
    for role in roles {
        cluster.add_framework(role, &[role]);
    }
    cluster
}

#[test]
fn item_191_a_role_gets_every_agent_until_its_guarantee_is_met() {
    let mut cluster = with_roles(&["others", "q"]);
    cluster.set_quota("q", "cpus:4", "");
    assert_eq!(cluster.add_agent("x", "cpus:2;mem:64")[0].role, "q");
    assert_eq!(cluster.add_agent("y", "cpus:2;mem:64")[0].role, "q", "others have less, and wait");
    assert_eq!(cluster.add_agent("z", "cpus:2;mem:64")[0].role, "others");
}

#[test]
fn item_192_what_a_role_below_its_guarantee_refuses_is_held_back_for_it() {
    let mut cluster = with_roles(&["others", "q"]);
    cluster.set_quota("q", "cpus:2;mem:64", "");
    let offer = cluster.add_agent("x", "cpus:2;mem:64").remove(0);
    assert_eq!(offer.role, "q");
    cluster.decline(&offer, 5.0);
    assert_eq!(cluster.tick_at(1.0), []);
    assert_eq!(cluster.tick_at(4.0), []);
    let offers = cluster.tick_at(5.0);
    assert_eq!(cluster.told(&offers), ["q q x cpus:2; mem:64"]);
}

#[test]
fn item_193_a_guarantee_of_a_role_without_frameworks_is_held_back() {
    let mut cluster = with_roles(&["others"]);
    cluster.set_quota("q", "cpus:2;mem:64", "");
    assert_eq!(cluster.add_agent("x", "cpus:2;mem:64"), []);
    assert_eq!(cluster.tick_at(1.0), []);
    assert_eq!(cluster.add_agent("y", "cpus:2;mem:64").len(), 1);
    assert_eq!(cluster.tick_at(2.0), [], "one of two");
}

#[test]
fn item_194_limits_of_zero_leave_nothing_unreserved() {
    let mut cluster = with_roles(&["limited"]);
    cluster.set_quota("limited", "", "cpus:0;mem:0;disk:0");
    assert_eq!(cluster.add_agent("x", "cpus:4;mem:512;disk:10"), []);
    let offers = cluster.add_agent("y", "cpus:4;mem:512;cpus(limited):1");
    assert_eq!(cluster.told(&offers), ["limited limited y cpus(limited):1"]);
}

#[test]
fn item_194_raised_limits_let_a_role_up_to_them_and_others_at_the_rest() {
    let mut cluster = with_roles(&["limited", "others"]);
    cluster.suppress("others", &[]);
    cluster.set_quota("limited", "", "cpus:0;mem:0;disk:0");
    assert_eq!(cluster.add_agent("x", "cpus:4;mem:512;disk:10"), []);
    cluster.set_quota("limited", "", "cpus:1;mem:256;disk:0");
    let before = cluster.runs();
    let offers = cluster.revive("others", &[]);
    assert_eq!(
        cluster.told(&offers),
        ["limited limited x cpus:1; mem:256", "others others x cpus:3; mem:256; disk:10"]
    );
    assert_eq!(cluster.runs(), before + 1);
}

#[test]
fn item_195_an_agent_is_cut_to_the_quota_and_the_rest_goes_to_another_role() {
    let mut cluster = with_roles(&["others", "q"]);
    cluster.set_quota("q", "cpus:0.5;mem:200", "cpus:0.5;mem:200");
    let offers = cluster.add_agent("x", "cpus:1;mem:512");
    assert_eq!(cluster.told(&offers), ["others others x cpus:0.5; mem:312", "q q x cpus:0.5; mem:200"]);
}

#[test]
fn item_196_a_mounted_disk_is_given_whole_or_not_at_all() {
    let mut cluster = with_roles(&["q"]);
    cluster.set_quota("q", "disk:150", "disk:150");
    let offers = cluster.add_agent("x", "cpus:1;disk{MOUNT:m}:100");
    assert_eq!(cluster.told(&offers), ["q q x cpus:1; disk:100"]);
    let offers = cluster.add_agent("y", "cpus:1;disk{MOUNT:m}:100");
    assert_eq!(cluster.told(&offers), ["q q y cpus:1"], "50 are left of the quota");
    let offers = cluster.add_agent("z", "cpus:1;disk:100");
    assert_eq!(cluster.told(&offers), ["q q z cpus:1; disk:50"]);
}

#[test]
fn item_197_root_and_mounted_disks_make_a_quota_together() {
    let mut cluster = with_roles(&["q"]);
    cluster.set_quota("q", "disk:100", "disk:100");
    let offers = cluster.add_agent("x", "cpus:1;disk:50;disk{MOUNT:m}:50");
    assert_eq!(cluster.told(&offers), ["q q x cpus:1; disk:50; disk:50"]);
}

#[test]
fn item_198_what_a_quota_does_not_name_comes_along_unless_another_guarantee_needs_it() {
    let total = "cpus:4;mem:100;ports:[1-9]";
    let mut cluster = with_roles(&["q"]);
    cluster.set_quota("q", "cpus:2", "cpus:2");
    let mut needed = cluster.clone();
    let offers = cluster.add_agent("x", total);
    assert_eq!(cluster.told(&offers), ["q q x cpus:2; mem:100; ports:[1-9]"]);
    needed.set_quota("absent", "mem:100", "");
    let offers = needed.add_agent("x", total);
    assert_eq!(needed.told(&offers), ["q q x cpus:2; ports:[1-9]"]);
}

#[test]
fn item_199_a_role_at_its_quota_still_gets_what_has_no_limit() {
    let mut cluster = with_roles(&["q"]);
    cluster.set_quota("q", "cpus:2", "cpus:2");
    cluster.add_agent("x", "cpus:2");
    let offers = cluster.add_agent("y", "cpus:2;mem:100;ports:[1-9]");
    assert_eq!(cluster.told(&offers), ["q q y mem:100; ports:[1-9]"]);
}

#[test]
fn item_200_reservations_count_whether_offered_or_not() {
    for offered in [false, true] {
        let mut cluster = with_roles(&["q"]);
        cluster.set_quota("q", "cpus:3", "cpus:3");
        cluster.suppress("q", &[]);
        cluster.add_agent("reserved", "cpus(q):2");
        if !offered {
            cluster.deactivate_agent("reserved");
        }
        assert_eq!(cluster.revive("q", &[]).len(), usize::from(offered));
        let offers = cluster.add_agent("x", "cpus:4;mem:100");
        assert_eq!(cluster.told(&offers), ["q q x cpus:1; mem:100"], "{offered}");
    }
}

#[test]
fn item_201_reservations_beyond_one_guarantee_do_not_serve_another() {
    let mut cluster = with_roles(&["others"]);
    cluster.set_quota("p", "cpus:1", "");
    cluster.set_quota("q", "cpus:2", "");
    cluster.add_agent("reserved", "cpus(p):5");
    let offers = cluster.add_agent("x", "cpus:3;mem:100");
    assert_eq!(cluster.told(&offers), ["others others x cpus:1; mem:100"]);
}

#[test]
fn item_202_reservations_are_offered_while_everything_else_is_held_back() {
    let mut cluster = with_roles(&["others"]);
    cluster.set_quota("q", "cpus:10", "");
    let offers = cluster.add_agent("x", "cpus:2;cpus(others):3");
    assert_eq!(cluster.told(&offers), ["others others x cpus(others):3"]);
}

#[test]
fn item_203_reservations_for_other_roles_are_no_headroom() {
    let mut cluster = with_roles(&["others"]);
    cluster.set_quota("q", "cpus:2", "");
    assert_eq!(cluster.add_agent("x", "cpus(z):5"), []);
    assert_eq!(cluster.add_agent("y", "cpus:2"), []);
    let offers = cluster.add_agent("w", "cpus:1");
    assert_eq!(cluster.told(&offers), ["others others w cpus:1"]);
}

#[test]
fn item_204_an_ancestors_reservation_held_by_a_child_is_left_out_of_the_headroom_once() {
    let mut cluster = with_roles(&["p/c", "others"]);
    let offers = cluster.add_agent("x", "cpus(p):4");
    assert_eq!(cluster.told(&offers), ["p/c p/c x cpus(p):4"]);
    cluster.suppress("p/c", &[]);
    cluster.set_quota("q", "cpus:2", "");
    let offers = cluster.add_agent("y", "cpus:3");
    assert_eq!(cluster.told(&offers), ["others others y cpus:1"], "2 of 3 are held back");
}

#[test]
fn item_205_what_its_sub_roles_have_counts_for_the_parent_and_limits_only_the_parent() {
    let mut cluster = Cluster::of_master();
    cluster.set_quota("p", "", "cpus:4");
    cluster.add_framework("child", &["p/c"]);
    let offers = cluster.add_agent_using("x", "cpus:2;cpus(p/c):1", &[("child", "p/c", "cpus:2")]);
    assert_eq!(cluster.told(&offers), ["child p/c x cpus(p/c):1"]);
    cluster.suppress("child", &[]);
    cluster.add_framework("parent", &["p"]);
    let offers = cluster.add_agent("y", "cpus:10");
    assert_eq!(cluster.told(&offers), ["parent p y cpus:1"], "4 less 2 held less 1 reserved");
    let offers = cluster.revive("child", &[]);
    assert_eq!(cluster.told(&offers), ["child p/c y cpus:9"], "not limited itself");
}

#[test]
fn item_206_only_what_a_quota_still_lacks_is_offered() {
    let mut cluster = with_roles(&["q"]);
    cluster.set_quota("q", "cpus:4;mem:100", "cpus:4;mem:100");
    cluster.add_agent("x", "cpus:1;mem:100");
    let offers = cluster.add_agent("y", "cpus:2;mem:64");
    assert_eq!(cluster.told(&offers), ["q q y cpus:2"]);
}

#[test]
fn item_207_an_unmet_guarantee_comes_before_a_smaller_share() {
    let mut cluster = with_roles(&["met", "unmet"]);
    cluster.set_quota("met", "cpus:1;mem:100", "cpus:1;mem:100");
    cluster.set_quota("unmet", "cpus:6;mem:600", "cpus:6;mem:600");
    let used = [("met", "met", "cpus:1;mem:100"), ("unmet", "unmet", "cpus:4;mem:400")];
    assert_eq!(cluster.add_agent_using("x", "cpus:5;mem:500", &used), []);
    let offers = cluster.add_agent("y", "cpus:4;mem:400");
    assert_eq!(cluster.told(&offers), ["unmet unmet y cpus:2; mem:200"]);
}

#[test]
fn item_208_guarantees_are_served_though_the_cluster_is_too_small_for_all() {
    let mut cluster = with_roles(&["q"]);
    cluster.set_quota("absent", "cpus:10", "");
    cluster.set_quota("q", "cpus:4", "");
    let offers = cluster.add_agent("x", "cpus:2;mem:64");
    assert_eq!(cluster.told(&offers), ["q q x cpus:2; mem:64"]);
}

#[test]
fn item_209_frameworks_of_a_role_with_a_quota_share_fairly() {
    let mut cluster = Cluster::of_master();
    cluster.set_quota("q", "cpus:4", "");
    cluster.add_framework("f", &["q"]);
    cluster.add_framework("g", &["q"]);
    cluster.add_framework("h", &["others"]);
    let first = cluster.add_agent("x", "cpus:2").remove(0);
    assert_eq!(first.framework, "f");
    assert_eq!(cluster.add_agent("y", "cpus:2")[0].framework, "g");
    cluster.decline(&first, 1000.0);
    let offers = cluster.tick();
    assert_eq!(cluster.told(&offers), ["g q x cpus:2"], "before h, who has nothing");
}

#[test]
fn item_210_without_its_quota_a_role_shares_fairly_again() {
    let mut cluster = with_roles(&["others", "q"]);
    cluster.set_quota("q", "cpus:10", "mem:640");
    assert_eq!(cluster.add_agent("x", "cpus:2;mem:64")[0].role, "q");
    assert_eq!(told_amounts(&cluster.numbers("q").offered_or_allocated), "cpus:2; mem:64");
    let offer = cluster.add_agent("y", "cpus:2;mem:64").remove(0);
    assert_eq!(offer.role, "q");
    cluster.rescind(&[offer]);
    cluster.set_quota("q", "", "");
    assert!(cluster.numbers("q").offered_or_allocated.is_empty());
    let offers = cluster.tick();
    assert_eq!(cluster.told(&offers), ["others others y cpus:2; mem:64"]);
}

#[test]
fn item_211_the_default_role_can_have_a_quota() {
    let mut cluster = with_roles(&["*", "others"]);
    cluster.set_quota("*", "cpus:1", "cpus:1;mem:64");
    let offers = cluster.add_agent("x", "cpus:4;mem:128");
    assert_eq!(cluster.told(&offers), ["* * x cpus:1; mem:64", "others others x cpus:3; mem:64"]);
}

#[test]
fn item_212_a_guarantee_ends_the_starving_beside_decliners() {
    let mut cluster = with_roles(&["g", "h", "starving"]);
    cluster.add_agent_using("x", "cpus:8", &[("starving", "starving", "cpus:8")]);
    let mut offers = cluster.add_agent("y", "cpus:4");
    for second in 1..=6 {
        assert_ne!(offers[0].role, "starving");
        cluster.decline(&offers[0], 0.0);
        offers = cluster.tick_at(f64::from(second));
    }
    cluster.set_quota("starving", "cpus:12", "");
    cluster.decline(&offers[0], 0.0);
    let offers = cluster.tick_at(7.0);
    assert_eq!(cluster.told(&offers), ["starving starving y cpus:4"]);
}

#[test]
fn item_213_a_shared_volume_held_twice_in_a_role_is_charged_once() {
    let volume = "disk(q){SHARED:v}:10";
    let mut cluster = with_roles(&["q"]);
    cluster.add_framework("second", &["q"]);
    cluster.set_quota("q", "disk:30", "disk:30");
    let used = [("q", "q", volume), ("second", "q", volume)];
    cluster.add_agent_using("x", volume, &used);
    let offers = cluster.add_agent("y", "cpus:1;disk:100");
    assert_eq!(offers.len(), 1);
    assert!(cluster.describe(&offers[0]).ends_with("y cpus:1; disk:20"));
    assert_eq!(told_amounts(&cluster.numbers("q").offered_or_allocated), "disk:30");
}

#[test]
fn item_214_revocable_resources_know_neither_limits_nor_headroom() {
    let mut cluster = with_roles(&["limited"]);
    cluster.set_quota("limited", "", "cpus:0");
    cluster.set_quota("absent", "cpus:100", "");
    let offers = cluster.add_agent("x", "cpus:4;cpus{REV}:6");
    assert_eq!(cluster.told(&offers), ["limited limited x cpus{REV}:6"]);
}

#[test]
fn item_215_a_new_quota_requests_no_run() {
    let mut cluster = with_roles(&["q"]);
    let offers = cluster.add_agent("x", "cpus:4");
    cluster.rescind(&offers);
    let before = cluster.runs();
    cluster.set_quota("q", "cpus:1", "cpus:2");
    cluster.set_quota("absent", "cpus:1", "");
    assert_eq!(cluster.runs(), before);
    let offers = cluster.tick();
    assert_eq!(cluster.told(&offers), ["q q x cpus:2"]);
}

#[test]
fn item_216_a_nested_role_with_limits_is_held_to_them_with_its_subtree() {
    let mut cluster = with_roles(&["p/q"]);
    cluster.set_quota("p/q", "", "cpus:3");
    cluster.add_framework("inner", &["p/q/r"]);
    cluster.suppress("inner", &[]);
    cluster.add_agent_using("x", "cpus:1", &[("inner", "p/q/r", "cpus:1")]);
    let offers = cluster.add_agent("y", "cpus:4;mem:100");
    assert_eq!(cluster.told(&offers), ["p/q p/q y cpus:2; mem:100"]);
    assert_eq!(cluster.tick(), []);
}

#[test]
fn item_216_a_nested_guarantee_takes_nothing_of_what_is_held_back_for_others() {
    let mut cluster = with_roles(&["others", "p/q"]);
    cluster.set_quota("p/q", "cpus:2", "");
    cluster.set_quota("absent", "cpus:2", "");
    let offers = cluster.add_agent("x", "cpus:4;mem:64");
    assert_eq!(cluster.told(&offers), ["p/q p/q x cpus:2; mem:64"]);
    assert_eq!(cluster.tick(), []);
}

#[test]
fn item_216_a_nested_guarantee_that_nothing_is_left_for_waits() {
    let mut cluster = with_roles(&["p/q"]);
    cluster.set_quota("p/q", "cpus:8", "");
    cluster.set_quota("absent", "cpus:3", "");
    assert_eq!(cluster.add_agent("x", "cpus:2"), [], "all of it is kept");
    let offers = cluster.add_agent("y", "cpus:4;mem:64");
    assert_eq!(cluster.told(&offers), ["p/q p/q y cpus:3; mem:64"], "x keeps two of three");
    let offers = cluster.add_agent("z", "cpus:2");
    assert_eq!(cluster.told(&offers), ["p/q p/q z cpus:2"], "the others keep enough");
}
