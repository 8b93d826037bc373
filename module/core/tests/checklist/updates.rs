//! Agents that change: oversubscription, new totals, providers (items 131 to 140, 264 to 266).

use apportion_core::{AgentInfo, FrameworkCapabilities};

use crate::cluster::{ABLE_FRAMEWORK, Cluster, Framework, Offered, seconds};

/// A cluster with one framework that holds all of one agent.
fn held(total: &str) -> (Cluster, Offered) {
    let mut cluster = Cluster::of_master();
    cluster.add_framework("f", &["r"]);
    let offer = cluster.add_agent("x", total).remove(0);
    (cluster, offer)
}

#[test]
fn item_131_revocable_resources_are_offered_as_far_as_they_are_new() {
    let (mut cluster, _) = held("cpus:2");
    let offers = cluster.update_total("x", "cpus:2;cpus{REV}:10");
    assert_eq!(cluster.told(&offers), ["f r x cpus{REV}:10"]);
    let offers = cluster.update_total("x", "cpus:2;cpus{REV}:12");
    assert_eq!(cluster.told(&offers), ["f r x cpus{REV}:2"]);
    assert_eq!(cluster.update_total("x", "cpus:2;cpus{REV}:5"), []);
    assert_eq!(cluster.available("x"), "{}");
}

#[test]
fn item_132_revocable_and_other_resources_come_back_in_one_offer() {
    let (mut cluster, _) = held("cpus:4;cpus{REV}:10");
    cluster.give_back(("f", "r", "x"), "cpus{REV}:6");
    cluster.give_back(("f", "r", "x"), "cpus:2");
    let offers = cluster.tick();
    assert_eq!(cluster.told(&offers), ["f r x cpus:2; cpus{REV}:6"]);
}

#[test]
fn item_133_a_larger_total_offers_the_difference_at_once() {
    let (mut cluster, _) = held("cpus:2;mem:64");
    let offers = cluster.update_total("x", "cpus:5;mem:64;disk:10");
    assert_eq!(cluster.told(&offers), ["f r x cpus:3; disk:10"]);
}

#[test]
fn item_134_of_a_smaller_total_nothing_is_offered_until_enough_came_back() {
    let (mut cluster, offer) = held("cpus:4;mem:64");
    assert_eq!(cluster.update_total("x", "cpus:2;mem:32"), []);
    assert_eq!(cluster.tick(), []);
    cluster.rescind(&[offer]);
    let offers = cluster.tick();
    assert_eq!(cluster.told(&offers), ["f r x cpus:2; mem:32"]);
}

#[test]
fn item_135_an_update_that_changes_nothing_requests_no_run() {
    let (mut cluster, offer) = held("cpus:4;mem:64");
    cluster.rescind(&[offer]);
    let before = cluster.runs();
    assert_eq!(cluster.update_total("x", "mem:64;cpus:4"), []);
    assert_eq!(cluster.runs(), before);
}

#[test]
fn item_136_new_attributes_end_all_refusals_on_the_agent() {
    let (mut cluster, offer) = held("cpus:4");
    cluster.decline(&offer, 1000.0);
    let second = cluster.add_framework("g", &["s"]).remove(0);
    cluster.decline(&second, 1000.0);
    assert_eq!(cluster.tick(), []);
    let info = AgentInfo { hostname: b"x", attributes: b"rack:2", ..AgentInfo::default() };
    let offers = cluster.update_agent("x", info, None, None);
    assert_eq!(offers.len(), 1);
    assert_eq!(cluster.numbers("r").active_filters, Some(0));
    assert_eq!(cluster.numbers("s").active_filters, Some(0));
}

#[test]
fn item_137_a_new_total_alone_keeps_refusals() {
    let (mut cluster, offer) = held("cpus:4;mem:64");
    cluster.decline(&offer, 1000.0);
    assert_eq!(cluster.update_total("x", "cpus:3;mem:64"), [], "a part of what was refused");
    let offers = cluster.update_total("x", "cpus:5;mem:64");
    assert_eq!(cluster.told(&offers), ["f r x cpus:5; mem:64"], "more than was refused");
}

#[test]
fn item_138_what_a_provider_brings_in_use_counts_and_is_not_available() {
    let (mut cluster, _) = held("cpus:10;mem:100");
    cluster.add_framework("g", &["s"]);
    let before = cluster.runs();
    cluster.add_provider("x", "disk:100", &[("g", "s", "disk:60")]);
    assert_eq!(cluster.runs(), before);
    assert_eq!(cluster.available("x"), "disk:40");
    let offers = cluster.add_agent("y", "cpus:10;mem:100");
    assert_eq!(offers[0].role, "r", "half against six tenths");
}

#[test]
fn item_139_more_in_use_than_a_provider_brings_takes_from_what_was_free() {
    let mut cluster = Cluster::of_master();
    cluster.add_framework("f", &["r"]);
    cluster.suppress("f", &[]);
    cluster.add_agent("x", "cpus:10;disk:50");
    cluster.add_provider("x", "disk:100", &[("f", "r", "disk:120;cpus:3")]);
    assert_eq!(cluster.available("x"), "cpus:7; disk:30");
}

#[test]
fn item_140_what_operations_of_a_framework_to_come_consume_is_not_offered() {
    let mut cluster = Cluster::of_master();
    cluster.add_agent("x", "cpus:4");
    cluster.add_provider("x", "disk(r):100", &[("f", "r", "disk(r):60")]);
    assert_eq!(cluster.available("x"), "cpus:4; disk(r):40");
    let used = [("x", "r", "disk(r):60")];
    cluster.add(&Framework { used: &used, active: false, ..Framework::new("f", &["r"]) });
    let offers = cluster.activate("f");
    assert_eq!(cluster.told(&offers), ["f r x cpus:4; disk(r):40"]);
    // The operation ends: what it consumed was told as used, and comes back as not allocated.
    cluster.give_back(("f", "r", "x"), "disk(r):60");
    let offers = cluster.tick();
    assert_eq!(cluster.told(&offers), [] as [&str; 0], "disk alone is no offer by default");
    assert_eq!(cluster.available("x"), "disk(r):60");
}

#[test]
fn item_264_revocable_resources_nobody_takes_lead_to_a_run_without_offers() {
    let mut cluster = Cluster::of_master();
    let unable = FrameworkCapabilities { revocable_resources: false, ..ABLE_FRAMEWORK };
    cluster.add_framework_with("f", &["r"], unable);
    cluster.add_agent("x", "cpus:2");
    let before = cluster.runs();
    assert_eq!(cluster.update_total("x", "cpus:2;cpus{REV}:10"), []);
    assert_eq!(cluster.runs(), before + 1);
}

#[test]
fn item_265_a_total_that_was_smaller_for_a_while_offers_the_difference_when_it_grows() {
    let (mut cluster, _) = held("cpus:10;mem:100");
    cluster.give_back(("f", "r", "x"), "cpus:4");
    assert_eq!(cluster.update_total("x", "cpus:6;mem:100"), []);
    let offers = cluster.update_total("x", "cpus:9;mem:100");
    assert_eq!(cluster.told(&offers), ["f r x cpus:3"]);
}

#[test]
fn item_266_a_total_that_a_provider_told_before_waits_for_the_batch() {
    let (mut cluster, _) = held("cpus:10");
    let before = cluster.runs();
    cluster.add_provider("x", "cpus{REV}:5", &[]);
    assert_eq!(cluster.update_total("x", "cpus:10;cpus{REV}:5"), []);
    assert_eq!(cluster.runs(), before);
    cluster.now = seconds(1.0);
    let offers = cluster.tick();
    assert_eq!(cluster.told(&offers), ["f r x cpus{REV}:5"]);
}
