//! Pausing, and waiting for agents after a failover.

use apportion_core::{Amount, Event, Notice, Options, Quota, Violation};

use crate::cluster::{Cluster, seconds};

fn quota() -> Quota {
    let cpus = (b"cpus".as_slice().into(), Amount::whole(1));
    Quota { guarantees: vec![cpus], limits: Vec::new() }
}

/// A cluster that expects 10 agents and has a quota, so that it waits for 8.
fn recovering() -> Cluster {
    let mut cluster = Cluster::new();
    let quota = quota();
    cluster.send(&Event::Recover { expected_agents: 10, quotas: &[(b"r", &quota)] });
    assert!(
        cluster
            .notices
            .contains(&Notice::RecoveryStarted { agents: 8, timeout: std::time::Duration::from_secs(600) })
    );
    cluster.add_framework("f", &["r"]);
    cluster
}

#[test]
fn offers_wait_for_the_expected_part_of_the_agents() {
    let mut cluster = recovering();
    for number in 0..7 {
        assert_eq!(cluster.add_agent(&format!("a{number}"), "cpus:1"), []);
    }
    assert_eq!(cluster.tick_at(1.0), []);
    let offers = cluster.add_agent("a7", "cpus:1");
    assert_eq!(cluster.told(&offers), ["f r a7 cpus:1"], "the one that ends the wait is offered at once");
    assert_eq!(cluster.tick_at(2.0).len(), 7, "the others in the next batch");
}

#[test]
fn offers_wait_no_longer_than_the_timeout() {
    let mut cluster = recovering();
    cluster.add_agent("a", "cpus:1");
    assert_eq!(cluster.tick_at(599.9), []);
    assert_eq!(cluster.tick_at(600.0).len(), 1);
    assert!(cluster.notices.contains(&Notice::RecoveryEnded { agents: 1, timed_out: true }));
}

#[test]
fn the_master_can_end_the_wait() {
    let mut cluster = recovering();
    cluster.add_agent("a", "cpus:1");
    cluster.send(&Event::Pause);
    cluster.send(&Event::Resume);
    assert_eq!(cluster.tick_at(1.0).len(), 1);
    assert_eq!(cluster.tick_at(700.0), []);
    assert!(cluster.notices.is_empty(), "no late end");
}

#[test]
fn without_quotas_or_agents_to_expect_nothing_waits() {
    let quota = quota();
    let with_quota: [(&[u8], &Quota); 1] = [(b"r", &quota)];
    for (expected_agents, quotas) in
        [(10, [].as_slice()), (1, with_quota.as_slice()), (0, with_quota.as_slice())]
    {
        let mut cluster = Cluster::with(&Options::default());
        cluster.send(&Event::Recover { expected_agents, quotas });
        cluster.add_framework("f", &["r"]);
        assert_eq!(cluster.add_agent("a", "cpus:1").len(), 1, "{expected_agents}");
    }
}

#[test]
fn recovering_after_agents_came_is_a_violation() {
    let mut cluster = Cluster::new();
    cluster.add_agent("a", "cpus:1");
    let late = cluster.try_send(&Event::Recover { expected_agents: 1, quotas: &[] });
    assert_eq!(late.unwrap_err(), Violation::RecoverTooLate { agents: 1 });
}

#[test]
fn quotas_are_kept_until_they_are_reset() {
    let mut cluster = Cluster::new();
    let quota = quota();
    cluster.send(&Event::UpdateQuota { role: b"r", quota: &quota });
    let role = cluster.allocator.find_role(b"r").unwrap();
    assert_eq!(*cluster.allocator.quota(role), quota);
    cluster.send(&Event::UpdateQuota { role: b"r", quota: &Quota::default() });
    assert!(cluster.allocator.quota(role).is_default());
}

#[test]
fn while_paused_nothing_is_offered_and_one_resume_undoes_all_pauses() {
    let mut cluster = Cluster::new();
    cluster.add_framework("f", &["r"]);
    cluster.send(&Event::Pause);
    cluster.send(&Event::Pause);
    assert_eq!(cluster.add_agent("a", "cpus:1"), []);
    assert_eq!(cluster.tick_at(1.0), []);
    assert_eq!(cluster.send(&Event::Resume), [], "resuming runs nothing");
    assert_eq!(cluster.tick_at(2.0).len(), 1);
}

#[test]
fn a_run_that_finds_the_allocator_paused_leaves_its_candidates_to_the_next() {
    let mut cluster = Cluster::new();
    cluster.add_framework("f", &["r"]);
    cluster.now = seconds(1.0);
    let now = cluster.now;
    let allocator = &mut cluster.allocator;
    assert!(allocator.apply(&Event::Tick, now).unwrap().cycle_requested);
    allocator.apply(&Event::Pause, now).unwrap();
    let skipped = allocator.apply(&Event::Cycle, now).unwrap();
    assert_eq!(skipped.run, None);
    allocator.apply(&Event::Resume, now).unwrap();
    assert_eq!(cluster.add_agent("a", "cpus:1").len(), 1);
}
