//! Declines, suppression and revival.

use std::time::{Duration, Instant};

use apportion_cluster_tests::{ALLOCATION_INTERVAL, WITHIN, master, only_offer, subscribe};

/// So long that no batch cycle happens in a test: what comes is brought by an event.
const NO_BATCH: Duration = Duration::from_secs(300);

#[test]
fn declined_agent_comes_back_whole_after_refuse_seconds_and_not_before() {
    let master = master(&[]).agents(1).start().unwrap();
    let mut framework = subscribe(master.address(), "choosy", &["*"]);
    let offer = only_offer(&mut framework);

    let refused_for = Duration::from_secs(3);
    let declined = Instant::now();
    framework.decline(std::slice::from_ref(&offer), Some(3.0)).unwrap();
    let early = framework.offers_during(refused_for - Duration::from_millis(200)).unwrap();
    assert!(early.is_empty(), "{early:?}");
    let again = only_offer(&mut framework);
    let after = declined.elapsed();

    assert!(after >= refused_for, "offered after {after:?}");
    assert_eq!(again.agent_id, offer.agent_id);
    assert_eq!(again.resources(), offer.resources());
}

#[test]
fn what_one_framework_declines_is_offered_to_the_other_at_once() {
    let master = master(&[]).agents(1).start().unwrap();
    let mut choosy = subscribe(master.address(), "choosy", &["one"]);
    let offer = only_offer(&mut choosy);
    let mut patient = subscribe(master.address(), "patient", &["two"]);
    assert!(patient.offers_during(Duration::from_millis(500)).unwrap().is_empty(), "it is offered already");

    choosy.decline(std::slice::from_ref(&offer), Some(60.0)).unwrap();
    let given = only_offer(&mut patient);
    assert_eq!(given.agent_id, offer.agent_id);
    assert_eq!(given.scalar("cpus"), offer.scalar("cpus"));
    patient.decline(&[given], Some(60.0)).unwrap();
    assert!(choosy.offers_during(Duration::from_secs(1)).unwrap().is_empty(), "its own filter stands");
}

#[test]
fn agent_without_a_filter_comes_back_at_the_next_cycle() {
    let master = master(&[]).agents(1).start().unwrap();
    let mut framework = subscribe(master.address(), "willing", &["*"]);
    let offer = only_offer(&mut framework);
    framework.decline(std::slice::from_ref(&offer), Some(0.0)).unwrap();
    assert_eq!(only_offer(&mut framework).resources(), offer.resources());
}

#[test]
fn suppressed_framework_gets_no_offers_while_another_does() {
    let master = master(&[]).agents(1).start().unwrap();
    let mut framework = subscribe(master.address(), "moody", &["*"]);
    let offer = only_offer(&mut framework);
    framework.suppress(&[]).unwrap();
    framework.decline(&[offer], Some(0.0)).unwrap();
    let cycles = ALLOCATION_INTERVAL * 10;
    assert!(framework.offers_during(cycles).unwrap().is_empty());

    let mut other = subscribe(master.address(), "other", &["*"]);
    other.next_offers(WITHIN).unwrap();
    assert!(framework.offers_during(ALLOCATION_INTERVAL).unwrap().is_empty());
}

#[test]
fn revival_brings_offers_at_once_without_waiting_for_a_batch_cycle() {
    let master = master(&[]).agents(1).allocation_interval(NO_BATCH).start().unwrap();
    let mut framework = subscribe(master.address(), "moody", &["*"]);
    let offer = only_offer(&mut framework);
    framework.suppress(&[]).unwrap();
    framework.decline(&[offer], Some(600.0)).unwrap();
    assert!(framework.offers_during(Duration::from_secs(1)).unwrap().is_empty());

    framework.revive(&[]).unwrap();
    only_offer(&mut framework);
}

#[test]
fn suppression_of_one_role_leaves_the_other_its_offers() {
    let master = master(&[]).agents(1).start().unwrap();
    let mut framework = subscribe(master.address(), "both", &["quiet", "loud"]);
    let offer = only_offer(&mut framework);
    framework.suppress(&["quiet"]).unwrap();
    framework.decline(&[offer], Some(0.0)).unwrap();
    for _ in 0..5 {
        let offer = only_offer(&mut framework);
        assert_eq!(offer.role.as_deref(), Some("loud"));
        framework.decline(&[offer], Some(0.0)).unwrap();
    }
}

#[test]
fn new_agent_is_offered_at_once_without_waiting_for_a_batch_cycle() {
    let master = master(&[]).allocation_interval(NO_BATCH).start().unwrap();
    let mut framework = subscribe(master.address(), "waiting", &["*"]);
    assert!(framework.offers_during(Duration::from_millis(500)).unwrap().is_empty());
    let agent = apportion_cluster_tests::agent(master.address(), &[]).start().unwrap();
    assert_eq!(only_offer(&mut framework).agent_id, agent.agent_id().unwrap());
}
