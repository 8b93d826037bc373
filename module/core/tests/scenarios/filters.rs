//! Refused offers, suppressed and revived roles.

use std::time::Duration;

use apportion_core::{Event, FrameworkInfo, Notice, Options};

use crate::cluster::{ABLE_FRAMEWORK, Cluster};

/// A cluster with one framework that was offered one agent at second 0.
fn one_offer(interval: f64) -> (Cluster, crate::cluster::Offered) {
    let allocation_interval = Duration::from_secs_f64(interval);
    let mut cluster = Cluster::with(&Options { allocation_interval, ..Options::default() });
    cluster.add_framework("f", &["r"]);
    let offer = cluster.add_agent("a", "cpus:4;mem:64").remove(0);
    (cluster, offer)
}

#[test]
fn a_refused_agent_is_offered_again_at_the_first_tick_after_the_time_is_up() {
    let (mut cluster, offer) = one_offer(1.0);
    cluster.decline(&offer, 5.0);
    for at in [1.0, 2.0, 4.0, 4.999_999] {
        assert_eq!(cluster.tick_at(at), [], "at {at}");
    }
    assert_eq!(cluster.tick_at(5.0).len(), 1);
}

#[test]
fn a_tick_late_after_the_time_is_up_offers_too() {
    let (mut cluster, offer) = one_offer(1.0);
    cluster.decline(&offer, 5.0);
    assert_eq!(cluster.tick_at(60.0).len(), 1);
}

#[test]
fn a_refusal_shorter_than_the_interval_lasts_the_interval_and_one_batch_run() {
    let (mut cluster, offer) = one_offer(10.0);
    cluster.decline(&offer, 0.001);
    assert_eq!(cluster.tick_at(9.0), []);
    assert_eq!(cluster.tick_at(10.0).len(), 1);
}

#[test]
fn a_short_refusal_survives_a_batch_run_at_the_very_end_of_its_time() {
    let (mut cluster, offer) = one_offer(1.0);
    cluster.decline(&offer, 1.0);
    assert_eq!(cluster.tick_at(1.0), [], "others get their chance first");
    assert_eq!(cluster.tick_at(2.0).len(), 1);
}

#[test]
fn refusing_for_no_time_is_no_refusal() {
    let (mut cluster, offer) = one_offer(1.0);
    cluster.decline(&offer, 0.0);
    assert_eq!(cluster.tick().len(), 1);
}

#[test]
fn refusal_times_without_sense_count_as_five_seconds_or_a_year() {
    for (said, early, late) in [
        (f64::NAN, 4.9, 5.0),
        (-3.0, 4.9, 5.0),
        (f64::INFINITY, 364.9 * 86_400.0, 365.0 * 86_400.0),
        (1e12, 364.9 * 86_400.0, 365.0 * 86_400.0),
    ] {
        let (mut cluster, offer) = one_offer(1.0);
        cluster.decline(&offer, said);
        assert!(matches!(cluster.notices[..], [Notice::RefusalTime { .. }]), "{said}");
        assert_eq!(cluster.tick_at(early), [], "{said}");
        assert_eq!(cluster.tick_at(late).len(), 1, "{said}");
    }
}

#[test]
fn what_one_refuses_goes_to_the_next() {
    let (mut cluster, offer) = one_offer(1.0);
    cluster.add_framework("g", &["s"]);
    cluster.decline(&offer, 100.0);
    let offers = cluster.tick_at(1.0);
    assert_eq!(cluster.told(&offers), ["g s a cpus:4; mem:64"]);
}

#[test]
fn an_agent_with_more_than_was_refused_is_offered_before_the_time_is_up() {
    let (mut cluster, offer) = one_offer(1.0);
    let half = cluster.resources("cpus:2;mem:32");
    cluster.accept(&offer, "cpus:2;mem:32");
    let rest = cluster.tick_at(1.0).remove(0);
    cluster.decline(&rest, 100.0);
    assert_eq!(cluster.tick_at(2.0), []);
    cluster.recover(&offer, &half, None, true);
    let offers = cluster.tick_at(3.0);
    assert_eq!(cluster.told(&offers), ["f r a cpus:4; mem:64"]);
}

#[test]
fn a_refusal_holds_for_the_role_it_was_made_in_only() {
    let mut cluster = Cluster::new();
    cluster.add_framework("f", &["r", "s"]);
    let first = cluster.add_agent("a", "cpus:1").remove(0);
    cluster.decline(&first, 100.0);
    let second = cluster.tick_at(1.0).remove(0);
    assert_ne!(first.role, second.role);
    cluster.decline(&second, 100.0);
    assert_eq!(cluster.tick_at(2.0), []);
    let offers = cluster.revive("f", &[&first.role]);
    assert_eq!(offers.len(), 1);
    assert_eq!(offers[0].role, first.role);
}

#[test]
fn suppressing_stops_offers_and_keeps_filters_and_reviving_runs_at_once() {
    let (mut cluster, offer) = one_offer(1.0);
    cluster.suppress("f", &[]);
    cluster.decline(&offer, 100.0);
    assert_eq!(cluster.tick_at(1.0), []);
    let offers = cluster.revive("f", &["r"]);
    assert_eq!(offers.len(), 1, "the filter went with the revival");
}

#[test]
fn suppressing_one_role_leaves_the_other() {
    let mut cluster = Cluster::new();
    cluster.add_framework("f", &["r", "s"]);
    cluster.suppress("f", &["r"]);
    for number in 0..4 {
        let offers = cluster.add_agent(&format!("a{number}"), "cpus:1");
        assert_eq!(offers[0].role, "s");
    }
}

#[test]
fn a_role_nobody_subscribed_to_cannot_be_revived() {
    let (mut cluster, _) = one_offer(1.0);
    cluster.revive("f", &["other"]);
    assert!(matches!(cluster.notices[..], [Notice::NotSubscribed { .. }]));
}

#[test]
fn deactivating_a_framework_forgets_its_refusals() {
    let (mut cluster, offer) = one_offer(1.0);
    cluster.decline(&offer, 1000.0);
    cluster.send(&Event::DeactivateFramework { framework: b"f" });
    assert_eq!(cluster.tick_at(1.0), []);
    assert_eq!(cluster.send(&Event::ActivateFramework { framework: b"f" }).len(), 1);
}

#[test]
fn unsuppressing_by_update_forgets_refusals_of_that_role_and_keeps_others() {
    let mut cluster = Cluster::new();
    cluster.add_framework("f", &["r", "s"]);
    for _ in 0..2 {
        let offers = if cluster.allocator.agents_len() == 0 {
            cluster.add_agent("a", "cpus:1")
        } else {
            cluster.tick()
        };
        cluster.decline(&offers[0], 100.0);
    }
    cluster.suppress("f", &["r"]);
    let info =
        FrameworkInfo { roles: &[b"r", b"s"], capabilities: ABLE_FRAMEWORK, ..FrameworkInfo::default() };
    assert_eq!(cluster.send(&Event::UpdateFramework { framework: b"f", info }), [], "an update runs nothing");
    let offers = cluster.tick_at(1.0);
    assert_eq!(cluster.told(&offers), ["f r a cpus:1"]);
}

#[test]
fn new_attributes_of_an_agent_end_refusals_there() {
    use apportion_core::AgentInfo;
    let (mut cluster, offer) = one_offer(1.0);
    cluster.decline(&offer, 1000.0);
    let info = AgentInfo { hostname: b"a", attributes: b"rack:1", ..AgentInfo::default() };
    let update = Event::UpdateAgent { agent: b"a", info, total: None, capabilities: None };
    assert_eq!(cluster.send(&update).len(), 1);
    assert!(cluster.notices.iter().any(|notice| matches!(notice, Notice::FiltersDropped { count: 1, .. })));
    assert_eq!(cluster.send(&update), [], "nothing changed the second time");
}

#[test]
fn a_refusal_ends_with_the_agent() {
    let (mut cluster, offer) = one_offer(1.0);
    cluster.decline(&offer, 1000.0);
    cluster.remove_agent("a");
    assert_eq!(cluster.add_agent("a", "cpus:4;mem:64").len(), 1);
}
