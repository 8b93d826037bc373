//! Refused offers (items 141 to 156, 267).

use std::time::Duration;

use apportion_core::{Event, Notice, Options};

use crate::cluster::{Cluster, Framework, Offered, options_of_master, seconds};

/// A cluster with one framework that was offered one agent at second 0.
fn one_offer(interval: f64) -> (Cluster, Offered) {
    let allocation_interval = Duration::from_secs_f64(interval);
    let mut cluster = Cluster::with(&Options { allocation_interval, ..options_of_master() });
    cluster.add_framework("f", &["r"]);
    let offer = cluster.add_agent("x", "cpus:4;mem:64").remove(0);
    (cluster, offer)
}

#[test]
fn item_141_a_refusal_of_two_intervals_ends_before_the_second_batch() {
    let (mut cluster, offer) = one_offer(1.0);
    cluster.decline(&offer, 2.0);
    assert_eq!(cluster.tick_at(1.0), []);
    assert_eq!(cluster.tick_at(2.0).len(), 1);
}

#[test]
fn item_142_a_refusal_shorter_than_the_interval_lasts_one_batch() {
    let (mut cluster, offer) = one_offer(60.0);
    cluster.add_framework("g", &["s"]);
    cluster.decline(&offer, 1.0);
    let offers = cluster.tick_at(60.0);
    assert_eq!(cluster.told(&offers), ["g s x cpus:4; mem:64"]);
    cluster.rescind(&offers);
    let offers = cluster.tick_at(120.0);
    assert_eq!(cluster.told(&offers), ["f r x cpus:4; mem:64"]);
}

#[test]
fn item_143_refusing_for_no_time_is_no_refusal() {
    let (mut cluster, offer) = one_offer(1.0);
    cluster.decline(&offer, 0.0);
    assert_eq!(cluster.numbers("r").active_filters.unwrap_or_default(), 0);
    assert_eq!(cluster.tick_at(1.0).len(), 1);
}

#[test]
fn item_144_giving_back_without_a_filter_is_no_refusal() {
    let (mut cluster, offer) = one_offer(1.0);
    cluster.rescind(&[offer]);
    assert_eq!(cluster.tick_at(1.0).len(), 1);
}

#[test]
fn item_145_refusal_times_without_sense_are_replaced() {
    let year = 365.0 * 86_400.0;
    for (said, counts) in
        [(f64::NAN, 5.0), (-1.0, 5.0), (f64::NEG_INFINITY, 5.0), (f64::INFINITY, year), (year * 2.0, year)]
    {
        let (mut cluster, offer) = one_offer(1.0);
        cluster.decline(&offer, said);
        assert!(matches!(cluster.notices[..], [Notice::RefusalTime { .. }]), "{said}");
        assert_eq!(cluster.tick_at(counts - 0.1), [], "{said}");
        assert_eq!(cluster.tick_at(counts).len(), 1, "{said}");
    }
}

#[test]
fn item_146_what_goes_beyond_the_refused_resources_goes_out_entirely() {
    let (mut cluster, offer) = one_offer(1.0);
    cluster.accept(&offer, "cpus:3;mem:32");
    let rest = cluster.tick_at(1.0).remove(0);
    cluster.decline(&rest, 1000.0);
    assert_eq!(cluster.tick_at(2.0), [], "as much");
    assert_eq!(cluster.update_total("x", "cpus:3.5;mem:64"), [], "less");
    assert_eq!(cluster.tick_at(3.0), []);
    let offers = cluster.update_total("x", "cpus:3.5;mem:64;disk:1");
    assert_eq!(cluster.told(&offers), ["f r x cpus:0.5; mem:32; disk:1"], "less cpus, but disk");
}

#[test]
fn item_147_two_refusals_are_not_added_up() {
    let (mut cluster, offer) = one_offer(1.0);
    for part in ["cpus:4", "mem:64"] {
        let part = cluster.resources(part);
        cluster.recover(&offer, &part, Some(1000.0), false);
    }
    let offers = cluster.tick_at(1.0);
    assert_eq!(cluster.told(&offers), ["f r x cpus:4; mem:64"]);
}

#[test]
fn item_148_a_refusal_holds_in_its_role_only() {
    let mut cluster = Cluster::of_master();
    cluster.add_framework("f", &["role1", "role2"]);
    let offer = cluster.add_agent("x", "cpus:4").remove(0);
    assert_eq!(offer.role, "role1");
    cluster.decline(&offer, 1000.0);
    let offers = cluster.tick_at(1.0);
    assert_eq!(cluster.told(&offers), ["f role2 x cpus:4"]);
}

#[test]
fn item_149_a_refusal_holds_on_its_agent_only() {
    let (mut cluster, offer) = one_offer(1.0);
    cluster.decline(&offer, 1000.0);
    let offers = cluster.add_agent("y", "cpus:4;mem:64");
    assert_eq!(cluster.told(&offers), ["f r y cpus:4; mem:64"]);
    assert_eq!(cluster.tick_at(1.0), []);
}

#[test]
fn item_150_the_end_of_a_refusal_requests_no_run() {
    let (mut cluster, offer) = one_offer(1.0);
    cluster.decline(&offer, 5.0);
    cluster.now = seconds(100.0);
    let before = cluster.runs();
    let effects = cluster.apply(&Event::GetInverseOfferStatuses);
    assert!(!effects.cycle_requested);
    cluster.set_weights(&[("r", 2.0)]);
    assert_eq!(cluster.runs(), before);
    assert_eq!(cluster.tick().len(), 1);
}

#[test]
fn item_151_reviving_takes_back_the_refusals_of_its_roles_and_runs_at_once() {
    let mut cluster = Cluster::of_master();
    cluster.add_framework("f", &["r", "s"]);
    let offer = cluster.add_agent("x", "cpus:4").remove(0);
    assert_eq!(offer.role, "r");
    cluster.decline(&offer, 1000.0);
    let offer = cluster.tick().remove(0);
    assert_eq!(offer.role, "s");
    cluster.decline(&offer, 1000.0);
    assert_eq!(cluster.tick(), []);
    let offers = cluster.revive("f", &["s"]);
    assert_eq!(cluster.told(&offers), ["f s x cpus:4"]);
    cluster.decline(&offers[0], 1000.0);
    assert_eq!(cluster.tick(), [], "r refuses still");
    let offers = cluster.revive("f", &[]);
    assert_eq!(offers.len(), 1, "no role named is all");
}

#[test]
fn item_152_deactivating_a_framework_drops_its_refusals() {
    let mut cluster = Cluster::of_master();
    cluster.add_framework("f", &["r", "s"]);
    let offer = cluster.add_agent("x", "cpus:4").remove(0);
    cluster.decline(&offer, 1000.0);
    let offer = cluster.tick().remove(0);
    cluster.decline(&offer, 1000.0);
    cluster.deactivate("f");
    assert_eq!(cluster.numbers("r").active_filters, Some(0));
    assert_eq!(cluster.numbers("s").active_filters, Some(0));
    assert_eq!(cluster.activate("f").len(), 1);
}

#[test]
fn item_153_leaving_a_role_drops_its_refusals_and_no_others() {
    let mut cluster = Cluster::of_master();
    cluster.add_framework("f", &["r", "s"]);
    let offer = cluster.add_agent("x", "cpus:4").remove(0);
    cluster.decline(&offer, 1000.0);
    let offer = cluster.tick().remove(0);
    assert_eq!(offer.role, "s");
    cluster.decline(&offer, 1000.0);
    cluster.update(&Framework::new("f", &["r"]));
    assert_eq!(cluster.tick(), []);
    cluster.update(&Framework::new("f", &["r", "s"]));
    let offers = cluster.tick();
    assert_eq!(cluster.told(&offers), ["f s x cpus:4"]);
}

#[test]
fn item_154_an_agent_that_comes_again_was_never_refused() {
    let (mut cluster, offer) = one_offer(1.0);
    cluster.decline(&offer, 1000.0);
    cluster.remove_agent("x");
    let offers = cluster.add_agent("x", "cpus:4;mem:64");
    assert_eq!(cluster.told(&offers), ["f r x cpus:4; mem:64"]);
}

#[test]
fn item_155_the_time_of_a_refusal_that_is_gone_passes_without_effect() {
    let ends: [fn(&mut Cluster); 3] = [
        |cluster| assert_eq!(cluster.revive("f", &[]).len(), 1),
        |cluster| cluster.remove_agent("x"),
        |cluster| cluster.remove_framework("f"),
    ];
    for end in ends {
        let (mut cluster, offer) = one_offer(1.0);
        cluster.decline(&offer, 5.0);
        end(&mut cluster);
        assert_eq!(cluster.tick_at(5.0), []);
        assert_eq!(cluster.tick_at(6.0), []);
    }
}

#[test]
fn item_156_refusals_are_counted_by_role_until_they_end() {
    let mut cluster = Cluster::of_master();
    cluster.add_framework("f", &["r"]);
    cluster.add_framework("g", &["r"]);
    let active = |cluster: &Cluster| cluster.numbers("r").active_filters;
    assert_eq!(active(&cluster), Some(0));
    let offer = cluster.add_agent("x", "cpus:4").remove(0);
    cluster.decline(&offer, 3.0);
    assert_eq!(active(&cluster), Some(1));
    let offer = cluster.tick_at(1.0).remove(0);
    assert_eq!(offer.framework, "g");
    cluster.decline(&offer, 10.0);
    assert_eq!(active(&cluster), Some(2));
    cluster.tick_at(3.0);
    assert_eq!(active(&cluster), Some(1));
    cluster.tick_at(11.0);
    assert_eq!(active(&cluster), Some(0));
}

#[test]
fn item_267_a_refusal_in_a_role_the_framework_left_meanwhile_does_no_harm() {
    let mut cluster = Cluster::of_master();
    cluster.add_framework("f", &["r", "s"]);
    let offer = cluster.add_agent("x", "cpus:4").remove(0);
    assert_eq!(offer.role, "r");
    cluster.update(&Framework::new("f", &["s"]));
    cluster.decline(&offer, 5.0);
    let offers = cluster.tick_at(1.0);
    assert_eq!(cluster.told(&offers), ["f s x cpus:4"]);
    cluster.rescind(&offers);
    assert_eq!(cluster.tick_at(5.0).len(), 1);
    assert_eq!(cluster.tick_at(6.0), []);
}
