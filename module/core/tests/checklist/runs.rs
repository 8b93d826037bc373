//! When runs happen: requests, batches, pausing, the wait for agents after a failover (items 219 to 228, 281 to 283).

use apportion_core::{AgentInfo, Event, FrameworkInfo, Notice, Quota};

use crate::cluster::{ABLE_AGENT, Cluster, quota, seconds, told_amounts, window};

/// A cluster that recovers with a quota for role `q`, a framework in `r`, and so many agents to expect.
fn recovering(expected_agents: u64, quotas: &[(&[u8], &Quota)]) -> Cluster {
    let mut cluster = Cluster::of_master();
    cluster.send(&Event::Recover { expected_agents, quotas });
    cluster.add_framework("f", &["r"]);
    cluster
}

fn guarantee() -> Quota {
    quota("cpus:1", "mem:64")
}

#[test]
fn item_219_several_calls_in_a_row_are_served_by_one_run() {
    let mut cluster = Cluster::of_master();
    let before = cluster.runs();
    let mut requested = 0;
    let total = cluster.resources("cpus:1");
    for agent in ["x", "y", "z"] {
        let event = Event::AddAgent {
            agent: agent.as_bytes(),
            info: AgentInfo::default(),
            capabilities: ABLE_AGENT,
            unavailability: None,
            total: &total,
            used: &[],
        };
        requested += u32::from(cluster.apply(&event).cycle_requested);
    }
    let info = FrameworkInfo { roles: &[b"r"], ..FrameworkInfo::default() };
    let event = Event::AddFramework { framework: b"f", info, used: &[], active: true };
    requested += u32::from(cluster.apply(&event).cycle_requested);
    assert_eq!(requested, 1);
    let effects = cluster.apply(&Event::Cycle);
    assert_eq!(effects.offers.len(), 3);
    assert_eq!(cluster.runs(), before + 1);
}

#[test]
fn item_220_an_agent_and_then_a_framework_make_two_runs() {
    let mut cluster = Cluster::of_master();
    cluster.add_agent("x", "cpus:1");
    cluster.add_framework("f", &["r"]);
    assert_eq!(cluster.runs(), 2);
}

#[test]
fn item_221_each_interval_there_is_a_run_whether_anything_happened_or_not() {
    let mut cluster = Cluster::of_master();
    assert_eq!(cluster.runs(), 0, "none when the allocator is initialized");
    for second in 1..=5_u32 {
        cluster.tick_at(f64::from(second));
        assert_eq!(cluster.runs(), u64::from(second));
    }
}

#[test]
fn item_222_while_paused_there_are_no_runs_and_requests_are_forgotten() {
    let mut cluster = Cluster::of_master();
    cluster.add_framework("f", &["r"]);
    let offer = cluster.add_agent("x", "cpus:1").remove(0);
    cluster.rescind(&[offer]);
    cluster.send(&Event::Pause);
    let before = cluster.runs();
    assert_eq!(cluster.tick(), []);
    assert_eq!(cluster.revive("f", &[]), []);
    cluster.send(&Event::Resume);
    assert_eq!(cluster.runs(), before);
    let offers = cluster.add_agent("y", "cpus:2");
    assert_eq!(cluster.told(&offers), ["f r y cpus:2"], "the request for x is forgotten");
    let offers = cluster.tick();
    assert_eq!(cluster.told(&offers), ["f r x cpus:1"]);
}

#[test]
fn item_222_a_queued_run_that_finds_a_pause_leaves_its_agents_to_the_next() {
    let mut cluster = Cluster::of_master();
    cluster.add_framework("f", &["r"]);
    let offer = cluster.add_agent("x", "cpus:1").remove(0);
    cluster.rescind(&[offer]);
    assert!(cluster.apply(&Event::Tick).cycle_requested);
    cluster.apply(&Event::Pause);
    let before = cluster.runs();
    assert_eq!(cluster.apply(&Event::Cycle).run, None);
    assert_eq!(cluster.runs(), before);
    cluster.apply(&Event::Resume);
    let offers = cluster.add_agent("y", "cpus:2");
    assert_eq!(cluster.told(&offers), ["f r x cpus:1", "f r y cpus:2"]);
}

#[test]
fn item_223_resuming_waits_for_the_next_batch() {
    let mut cluster = Cluster::of_master();
    cluster.add_framework("f", &["r"]);
    let mut offers = cluster.add_agent("x", "cpus:1");
    offers.extend(cluster.add_agent("y", "cpus:1"));
    cluster.rescind(&offers);
    cluster.send(&Event::Pause);
    let before = cluster.runs();
    assert_eq!(cluster.send(&Event::Resume), []);
    assert_eq!(cluster.runs(), before);
    assert_eq!(cluster.tick().len(), 2, "all agents");
}

#[test]
fn item_224_with_quotas_offers_wait_for_most_of_the_agents() {
    let mut cluster = recovering(10, &[(b"q", &guarantee())]);
    for number in 0..7 {
        assert_eq!(cluster.add_agent(&format!("x{number}"), "cpus:1"), []);
    }
    assert_eq!(cluster.tick_at(1.0), []);
    assert_eq!(cluster.runs(), 0);
    let offers = cluster.add_agent("x7", "cpus:1");
    assert_eq!(cluster.told(&offers), ["f r x7 cpus:1"], "the one that ends the wait");
    assert_eq!(cluster.tick_at(2.0).len(), 6, "the others; one cpu is held back for q");
}

#[test]
fn item_225_when_time_is_up_offers_begin_with_the_next_batch() {
    let mut cluster = recovering(10, &[(b"q", &guarantee())]);
    cluster.add_agent("x", "cpus:1");
    cluster.add_agent("y", "cpus:1");
    assert_eq!(cluster.tick_at(599.0), []);
    assert_eq!(cluster.tick_at(600.0).len(), 1, "one of two is held back for q");
    assert!(cluster.notices.contains(&Notice::RecoveryEnded { agents: 2, timed_out: true }));
}

#[test]
fn item_226_without_quotas_or_agents_to_expect_nothing_waits() {
    let quota = guarantee();
    for (expected, quotas) in [
        (10, [].as_slice()),
        (0, [(b"q".as_slice(), &quota)].as_slice()),
        (1, [(b"q".as_slice(), &quota)].as_slice()),
    ] {
        let mut cluster = recovering(expected, quotas);
        assert_eq!(cluster.add_agent("x", "cpus:2;mem:64").len(), 1, "{expected}");
    }
}

#[test]
fn item_227_recovered_quotas_are_in_force() {
    let mut cluster = recovering(1, &[(b"q", &guarantee())]);
    assert_eq!(told_amounts(&cluster.numbers("q").guarantees), "cpus:1");
    assert_eq!(told_amounts(&cluster.numbers("q").limits), "mem:64");
    assert_eq!(told_amounts(&cluster.numbers("q").offered_or_allocated), "cpus:0; mem:0");
    let offers = cluster.add_agent("x", "cpus:2");
    assert_eq!(cluster.told(&offers), ["f r x cpus:1"], "one is held back");
    let offers = cluster.add_framework("g", &["q"]);
    assert_eq!(cluster.told(&offers), ["g q x cpus:1"]);
}

#[test]
fn item_228_pausing_twice_is_pausing_and_resuming_twice_is_resuming() {
    let mut cluster = Cluster::of_master();
    cluster.add_framework("f", &["r"]);
    let offer = cluster.add_agent("x", "cpus:1").remove(0);
    cluster.rescind(&[offer]);
    cluster.send(&Event::Pause);
    cluster.send(&Event::Pause);
    assert_eq!(cluster.tick(), []);
    cluster.send(&Event::Resume);
    assert_eq!(cluster.tick().len(), 1);
    cluster.send(&Event::Resume);
    assert!(!cluster.allocator.is_paused());
    cluster.send(&Event::Pause);
    assert!(cluster.allocator.is_paused());
}

#[test]
fn item_281_a_run_whose_agent_went_meanwhile_is_still_a_run() {
    let mut cluster = Cluster::of_master();
    cluster.add_framework("f", &["r"]);
    let before = cluster.runs();
    let total = cluster.resources("cpus:1");
    let event = Event::AddAgent {
        agent: b"x",
        info: AgentInfo::default(),
        capabilities: ABLE_AGENT,
        unavailability: Some(window(1)),
        total: &total,
        used: &[],
    };
    assert!(cluster.apply(&event).cycle_requested);
    cluster.apply(&Event::RemoveAgent { agent: b"x" });
    let effects = cluster.apply(&Event::Cycle);
    assert!(effects.run.is_some() && effects.offers.is_empty() && effects.inverse_offers.is_empty());
    assert_eq!(cluster.runs(), before + 1);
}

#[test]
fn item_282_batches_run_without_any_agent() {
    let mut cluster = Cluster::of_master();
    cluster.add_framework("f", &["r"]);
    let before = cluster.runs();
    assert_eq!(cluster.tick_at(1.0), []);
    assert_eq!(cluster.tick_at(2.0), []);
    assert_eq!(cluster.runs(), before + 2);
}

#[test]
fn item_283_a_timeout_after_enough_agents_came_changes_nothing() {
    let mut cluster = recovering(2, &[(b"q", &guarantee())]);
    assert!(cluster.allocator.is_paused());
    assert_eq!(cluster.add_agent("x", "cpus:2;mem:64").len(), 1);
    assert!(!cluster.allocator.is_paused());
    cluster.now = seconds(700.0);
    let effects = cluster.apply(&Event::GetInverseOfferStatuses);
    assert!(effects.notices.is_empty());
    cluster.send(&Event::Pause);
    cluster.now = seconds(1400.0);
    assert_eq!(cluster.tick(), []);
    assert!(cluster.allocator.is_paused(), "not even a pause of the master's");
}
