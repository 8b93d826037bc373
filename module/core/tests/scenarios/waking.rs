//! Who is asked about agents that nobody wanted: those for whom something changed, and nobody else.

use apportion_core::{Event, RunSummary};

use crate::cluster::{Cluster, Offered};

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

/// A run over all agents.
fn run_all(cluster: &mut Cluster) -> (Vec<String>, RunSummary) {
    cluster.apply(&Event::Tick);
    run(cluster)
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

/// As [`refused_by_all`], and `f3` has revived and was offered everything.
fn offered_to_who_revived() -> (Cluster, Vec<Offered>) {
    let mut cluster = refused_by_all();
    let offers = cluster.revive("f3", &[]);
    assert_eq!(offers.len(), 3);
    (cluster, offers)
}

#[test]
fn what_who_revived_refuses_is_not_shown_again_to_those_who_had_refused_it() {
    let (mut cluster, offers) = offered_to_who_revived();
    offers.iter().for_each(|offer| cluster.decline(offer, 100_000.0));
    cluster.allocator.check_all().unwrap();
    let (frameworks, summary) = run_all(&mut cluster);
    assert!(frameworks.is_empty(), "{frameworks:?}");
    assert_eq!(summary.filtered, 3, "only the one who revived was asked about each agent");
    cluster.allocator.check_all().unwrap();
    let (_, summary) = run_all(&mut cluster);
    assert_eq!(summary.agents_visited, 0, "they are closed again");
}

#[test]
fn who_revived_gets_again_what_it_gave_back_without_a_filter() {
    let (mut cluster, offers) = offered_to_who_revived();
    cluster.rescind(&offers);
    let (frameworks, summary) = run_all(&mut cluster);
    assert_eq!(frameworks, ["f3"; 3]);
    assert_eq!(summary.filtered, 0);
    cluster.allocator.check_all().unwrap();
}

#[test]
fn who_revives_while_all_is_offered_to_another_gets_what_comes_back() {
    let (mut cluster, offers) = offered_to_who_revived();
    revive(&mut cluster, "f1");
    assert!(run(&mut cluster).0.is_empty());
    offers.iter().for_each(|offer| cluster.decline(offer, 100_000.0));
    cluster.allocator.check_all().unwrap();
    assert_eq!(run_all(&mut cluster).0, ["f1"; 3]);
}

#[test]
fn of_two_who_revive_each_gets_what_the_other_refuses() {
    let mut cluster = refused_by_all();
    revive(&mut cluster, "f4");
    revive(&mut cluster, "f1");
    let effects = cluster.apply(&Event::Cycle);
    let offers = cluster.named(&effects);
    offers.iter().for_each(|offer| cluster.decline(offer, 100_000.0));
    let (frameworks, summary) = run_all(&mut cluster);
    let other = |offer: &Offered| if &*offer.framework == "f1" { "f4" } else { "f1" };
    let mut others: Vec<&str> = offers.iter().map(other).collect();
    let mut given: Vec<&str> = frameworks.iter().map(String::as_str).collect();
    others.sort_unstable();
    given.sort_unstable();
    assert_eq!(given, others);
    assert!(summary.filtered <= 3, "{}: who had refused before is not asked", summary.filtered);
    cluster.allocator.check_all().unwrap();
}

#[test]
fn filter_that_ends_while_the_agent_is_offered_to_another_lets_its_framework_have_it() {
    let mut cluster = Cluster::new();
    for framework in ["short", "long", "reviving"] {
        cluster.add_framework(framework, &["a"]);
    }
    let mut offers = cluster.add_agent("agent1", "cpus:4;mem:100");
    for second in 1..=3 {
        let refuse = if &*offers[0].framework == "short" { 60.0 } else { 100_000.0 };
        cluster.decline(&offers[0], refuse);
        offers = cluster.tick_at(f64::from(second));
    }
    assert!(offers.is_empty());
    let offers = cluster.revive("reviving", &[]);
    assert!(cluster.tick_at(70.0).is_empty(), "it is offered");
    cluster.decline(&offers[0], 100_000.0);
    cluster.allocator.check_all().unwrap();
    let offers = cluster.tick_at(71.0);
    assert_eq!(cluster.told(&offers), ["short a agent1 cpus:4; mem:100"]);
}

#[test]
fn rest_beside_a_task_is_shown_to_everybody_and_the_whole_agent_to_who_revived() {
    let (mut cluster, offers) = offered_to_who_revived();
    let (used, rest) = (cluster.resources("cpus:1"), cluster.resources("cpus:3;mem:100"));
    cluster.recover(&offers[0], &rest, Some(100_000.0), false);
    cluster.launch(&offers[0], &used);
    let (frameworks, summary) = run_all(&mut cluster);
    assert!(frameworks.is_empty(), "{frameworks:?}");
    assert_eq!(summary.filtered, 4);
    cluster.end_task(("f3", "b", &offers[0].agent), "cpus:1");
    cluster.allocator.check_all().unwrap();
    let (frameworks, summary) = run_all(&mut cluster);
    assert_eq!(frameworks, ["f3"]);
    assert_eq!(summary.filtered, 0);
    cluster.allocator.check_all().unwrap();
}

#[test]
fn agent_that_changed_while_it_was_offered_is_shown_to_everybody() {
    let (mut cluster, offers) = offered_to_who_revived();
    cluster.apply(&Event::Pause);
    cluster.update_total("agent2", "cpus:8;mem:100");
    offers.iter().for_each(|offer| cluster.decline(offer, 100_000.0));
    cluster.allocator.check_all().unwrap();
    cluster.apply(&Event::Resume);
    let offers = cluster.tick_at(10.0);
    let told = cluster.told(&offers);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].ends_with("agent2 cpus:8; mem:100"), "{told:?}: more than anybody had refused");
    cluster.allocator.check_all().unwrap();
}

#[test]
fn role_that_a_limit_kept_from_an_agent_gets_it_when_the_limit_is_gone() {
    let mut cluster = Cluster::new();
    cluster.add_framework("limited", &["a"]);
    cluster.add_framework("reviving", &["b"]);
    cluster.set_quota("a", "", "cpus:0;mem:0");
    let offers = cluster.add_agent("agent1", "cpus:4;mem:100");
    assert_eq!(cluster.told(&offers), ["reviving b agent1 cpus:4; mem:100"]);
    cluster.decline(&offers[0], 100_000.0);
    assert!(cluster.tick_at(1.0).is_empty());
    let offers = cluster.revive("reviving", &[]);
    assert_eq!(offers.len(), 1);
    cluster.set_quota("a", "", "");
    cluster.decline(&offers[0], 100_000.0);
    cluster.allocator.check_all().unwrap();
    let offers = cluster.tick_at(2.0);
    assert_eq!(cluster.told(&offers), ["limited a agent1 cpus:4; mem:100"]);
}

#[test]
fn whom_a_limit_kept_from_an_agent_has_not_refused_it() {
    let mut cluster = Cluster::new();
    cluster.add_framework("limited", &["a"]);
    cluster.set_quota("a", "", "cpus:0");
    let offers = cluster.add_agent("agent1", "cpus:4;mem:100");
    assert_eq!(cluster.told(&offers), ["limited a agent1 mem:100"]);
    cluster.decline(&offers[0], 100_000.0);
    let offers = cluster.add_framework("reviving", &["b"]);
    assert_eq!(cluster.told(&offers), ["reviving b agent1 cpus:4; mem:100"]);
    cluster.decline(&offers[0], 100_000.0);
    assert!(cluster.tick_at(1.0).is_empty());
    // It uses the cpus. Nobody wants the rest, and no limit has a part in that.
    let offers = cluster.revive("reviving", &[]);
    let (used, rest) = (cluster.resources("cpus:4"), cluster.resources("mem:100"));
    cluster.recover(&offers[0], &rest, Some(100_000.0), false);
    cluster.launch(&offers[0], &used);
    assert!(cluster.tick_at(2.0).is_empty());
    cluster.set_quota("a", "", "");
    cluster.end_task(("reviving", "b", "agent1"), "cpus:4");
    cluster.allocator.check_all().unwrap();
    let offers = cluster.tick_at(3.0);
    assert_eq!(cluster.told(&offers), ["limited a agent1 cpus:4; mem:100"]);
}
