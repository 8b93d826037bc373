//! Who is asked about agents that nobody wanted: those for whom something changed, and nobody else.

use apportion_core::{Event, RunSummary};

use crate::cluster::Cluster;

/// Four frameworks in two roles that have refused all of three agents for a long time.
fn refused_by_all() -> Cluster {
    let mut cluster = Cluster::new();
    for (framework, role) in [("f1", "a"), ("f2", "a"), ("f3", "b"), ("f4", "b")] {
        cluster.add_framework(framework, &[role]);
    }
    let mut offers = Vec::new();
    for agent in ["agent1", "agent2", "agent3"] {
        offers.extend(cluster.add_agent(agent, "cpus:4;mem:100"));
    }
    for second in 1..=4 {
        assert_eq!(offers.len(), 3, "each agent to somebody");
        offers.iter().for_each(|offer| cluster.decline(offer, 100_000.0));
        offers = cluster.tick_at(f64::from(second));
    }
    assert!(offers.is_empty());
    cluster
}

fn run(cluster: &mut Cluster) -> (Vec<String>, RunSummary) {
    let effects = cluster.apply(&Event::Cycle);
    let offers = cluster.named(&effects);
    (offers.iter().map(|offer| offer.framework.to_string()).collect(), effects.run.unwrap())
}

fn revive(cluster: &mut Cluster, framework: &str) {
    cluster.apply(&Event::ReviveOffers { framework: framework.as_bytes(), roles: &[] });
}

#[test]
fn who_revives_gets_all_agents_and_nobody_else_is_asked() {
    let mut cluster = refused_by_all();
    revive(&mut cluster, "f3");
    let (frameworks, run) = run(&mut cluster);
    assert_eq!(frameworks, ["f3"; 3]);
    assert_eq!(run.filtered, 0, "those who refused were not asked again");
    cluster.allocator.check_all().unwrap();
}

#[test]
fn several_who_revive_have_their_turns_by_share() {
    let mut cluster = refused_by_all();
    revive(&mut cluster, "f4");
    revive(&mut cluster, "f1");
    let (mut frameworks, run) = run(&mut cluster);
    frameworks.sort_unstable();
    assert!(frameworks == ["f1", "f1", "f4"] || frameworks == ["f1", "f4", "f4"], "{frameworks:?}");
    assert_eq!(run.filtered, 0);
    cluster.allocator.check_all().unwrap();
}

#[test]
fn an_agent_that_was_away_is_shown_to_who_revived_meanwhile() {
    let mut cluster = refused_by_all();
    cluster.deactivate_agent("agent2");
    revive(&mut cluster, "f1");
    assert_eq!(run(&mut cluster).0, ["f1"; 2]);
    cluster.activate_agent("agent2");
    let offers = cluster.tick_at(10.0);
    assert_eq!(cluster.told(&offers), ["f1 a agent2 cpus:4; mem:100"], "and to nobody who refused it");
    cluster.allocator.check_all().unwrap();
}

#[test]
fn a_run_over_one_agent_does_not_put_who_revived_off_the_others() {
    let mut cluster = refused_by_all();
    cluster.apply(&Event::Pause);
    revive(&mut cluster, "f2");
    cluster.apply(&Event::Resume);
    assert_eq!(cluster.add_agent("agent4", "cpus:1").len(), 1);
    let offers = cluster.tick_at(10.0);
    assert_eq!(offers.len(), 3);
    assert!(offers.iter().all(|offer| &*offer.framework == "f2"), "{:?}", cluster.told(&offers));
}

#[test]
fn who_takes_no_offers_wakes_nothing() {
    let mut cluster = refused_by_all();
    cluster.suppress("f1", &[]);
    revive(&mut cluster, "f2");
    cluster.suppress("f2", &[]);
    let (frameworks, run) = run(&mut cluster);
    assert!(frameworks.is_empty());
    assert_eq!(run.filtered, 0);
    assert_eq!(cluster.revive("f2", &[]).len(), 3);
}
