//! Thousands of agents: simulated ones, in front of a real master with our allocator.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use apportion_cluster_tests::{WITHIN, master, subscribe};
use apportion_rig::{Framework, Offer, SimulatedAgents, SimulatedSpec};

const AGENTS: usize = 3_000;
const LONG: f64 = 3600.0;

/// Offers until there are `count` of them.
fn take(framework: &mut Framework, count: usize) -> Vec<Offer> {
    let started = Instant::now();
    let mut offers = Vec::new();
    while offers.len() < count {
        assert!(started.elapsed() < WITHIN, "{} of {count} offers after {WITHIN:?}", offers.len());
        offers.extend(framework.next_offers(WITHIN).unwrap());
    }
    offers
}

#[test]
fn three_thousand_agents_are_shared_evenly_and_each_is_offered_once() {
    let master = master(&[]).start().unwrap();
    let mut frameworks: Vec<Framework> =
        ["a", "b", "c"].map(|name| subscribe(master.address(), name, &["*"])).into_iter().collect();
    let spec = SimulatedSpec { agents: AGENTS, ..SimulatedSpec::default() };
    let agents = SimulatedAgents::start(master.address(), spec).unwrap();
    agents.wait_until_registered(WITHIN).unwrap();

    let mut offered: BTreeMap<String, usize> = BTreeMap::new();
    let shares: Vec<Vec<Offer>> =
        frameworks.iter_mut().map(|framework| take(framework, AGENTS / 3)).collect();
    for offer in shares.iter().flatten() {
        assert_eq!(offer.scalar("cpus"), 8.0);
        *offered.entry(offer.agent_id.clone()).or_default() += 1;
    }
    assert_eq!(offered.len(), AGENTS);
    assert!(offered.values().all(|times| *times == 1));

    // Declined for long by one, they go to the other two; nobody is offered what it refused.
    frameworks[0].decline(&shares[0], Some(LONG)).unwrap();
    let started = Instant::now();
    let mut more = 0;
    while more < AGENTS / 3 {
        assert!(started.elapsed() < WITHIN, "{more} of {} declined agents offered again", AGENTS / 3);
        for framework in &mut frameworks[1..] {
            more += framework.offers_during(Duration::from_millis(100)).unwrap().len();
        }
    }
    assert_eq!(more, AGENTS / 3);
    assert!(frameworks[0].offers_during(Duration::from_secs(1)).unwrap().is_empty());
}
