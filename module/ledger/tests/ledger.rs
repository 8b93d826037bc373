//! What the ledger admits, what it says otherwise, and what it knows.
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use apportion_core::Amount;
use apportion_ledger::{ExecutorOfTask, Launch, Ledger, Portion, Priority, Scalars, TurnedDown};

const AGENT: &[u8] = b"agent";

fn cpus(count: i64) -> Scalars {
    [(&b"cpus"[..], Amount::whole(count))].into_iter().collect()
}

fn regular(count: i64) -> Portion<'static> {
    Portion { role: b"prod", regular: cpus(count), ..Portion::default() }
}

fn lent_at(priority: Priority, count: i64) -> Portion<'static> {
    Portion { role: b"batch", priority, lent: cpus(count), ..Portion::default() }
}

fn lent(count: i64) -> Portion<'static> {
    lent_at(0, count)
}

fn task(wants: Portion<'static>) -> Launch<'static> {
    Launch { agent: AGENT, task: b"task", wants, executor: None, gang: None }
}

fn on(executor: &'static [u8], own: Portion<'static>, wants: Portion<'static>) -> Launch<'static> {
    let executor = ExecutorOfTask { framework: b"f", id: executor, resources: own };
    Launch { executor: Some(executor), ..task(wants) }
}

/// An agent of 8 cpus, all of which may be lent.
fn ledger() -> Ledger {
    let mut ledger = Ledger::new();
    ledger.agent_added(AGENT, true, cpus(8), &[]);
    assert!(ledger.publish(AGENT, cpus(8)));
    ledger
}

/// A whole ACCEPT with one task that is launched, with what comes into use in all.
fn launch(ledger: &mut Ledger, launch: &Launch<'_>, used: Portion<'_>) {
    ledger.claim(launch).unwrap();
    ledger.launching(AGENT, b"f", launch.task);
    assert_eq!(ledger.used(0, AGENT, &[used]).as_deref(), Some(&b"f"[..]));
}

fn run(ledger: &mut Ledger, wants: Portion<'static>) {
    launch(ledger, &task(wants.clone()), wants);
}

/// How much could be claimed by a new ACCEPT.
fn left(ledger: &Ledger, priority: Priority) -> i64 {
    let mut ledger = ledger.clone();
    ledger.returned(0, b"f", AGENT, &[], false);
    (0..100).take_while(|_| ledger.claim(&task(lent_at(priority, 1))).is_ok()).count().try_into().unwrap()
}

#[test]
fn the_second_launch_on_the_same_capacity_is_turned_down_and_told_what_is_left() {
    let mut ledger = ledger();
    run(&mut ledger, regular(1));
    run(&mut ledger, lent(5));
    let said = ledger.claim(&task(lent(4))).unwrap_err().to_string();
    for part in ["lent cpus", "4 wanted", "2 left", "owners use 1", "priority 5", "8 may be lent"] {
        assert!(said.contains(part), "{part} is not in: {said}");
    }
    for nobody in ["batch", "prod", "agent\"", " f "] {
        assert!(!said.contains(nobody), "{nobody} is in: {said}");
    }
    assert_eq!(ledger.claim(&task(lent(2))), Ok(()));
}

#[test]
fn what_is_lendable_bounds_loans_even_where_the_agent_has_more() {
    let mut ledger = ledger();
    ledger.publish(AGENT, cpus(3));
    run(&mut ledger, lent(2));
    assert_eq!(left(&ledger, 0), 1);
    ledger.publish(AGENT, cpus(1));
    assert_eq!(left(&ledger, 0), 0);
    ledger.publish(AGENT, cpus(100));
    assert_eq!(left(&ledger, 0), 6, "nor is more admitted than the agent has");
}

#[test]
fn nothing_is_lent_before_anything_was_published() {
    let mut ledger = Ledger::new();
    ledger.agent_added(AGENT, true, cpus(8), &[]);
    assert!(ledger.claim(&task(lent(1))).is_err());
}

#[test]
fn a_regular_launch_passes_however_much_is_in_use() {
    let mut ledger = ledger();
    run(&mut ledger, lent(8));
    run(&mut ledger, regular(8));
    assert_eq!(ledger.claim(&task(regular(1000))), Ok(()));
    assert_eq!(ledger.excess(AGENT), cpus(8));
}

#[test]
fn only_loans_of_the_same_or_a_higher_priority_are_in_the_way() {
    let mut ledger = ledger();
    run(&mut ledger, lent_at(5, 6));
    assert_eq!([left(&ledger, 4), left(&ledger, 5), left(&ledger, 6)], [2, 2, 8]);
}

#[test]
fn a_resource_that_runs_out_is_named_among_several() {
    let mut ledger = ledger();
    let mut wants = lent(1);
    wants.lent.add(b"mem", Amount::whole(64));
    let reason = ledger.claim(&task(wants)).unwrap_err();
    assert!(matches!(&reason, TurnedDown::NotLeft { resource, .. } if **resource == *b"mem"), "{reason:?}");
    assert_eq!(ledger.claim(&task(lent(8))), Ok(()), "nothing of it was claimed");
}

#[test]
fn tasks_of_one_accept_are_admitted_one_after_the_other() {
    let mut ledger = ledger();
    assert_eq!(ledger.claim(&task(lent(5))), Ok(()));
    assert!(ledger.claim(&task(lent(4))).is_err());
    assert_eq!(ledger.claim(&task(lent(3))), Ok(()));
}

#[test]
fn a_task_that_names_another_agent_hides_no_claim() {
    let mut ledger = ledger();
    ledger.agent_added(b"other", true, cpus(8), &[]);
    ledger.publish(b"other", cpus(8));
    assert_eq!(ledger.claim(&task(lent(8))), Ok(()));
    for other in [&b"other"[..], b"unknown"] {
        assert_eq!(ledger.claim(&Launch { agent: other, ..task(lent(1)) }), Ok(()));
    }
    assert!(ledger.claim(&task(lent(1))).is_err());
}

#[test]
fn a_claim_whose_task_was_invalid_is_gone_with_its_accept() {
    let mut ledger = ledger();
    assert_eq!(ledger.claim(&task(lent(8))), Ok(()));
    ledger.returned(0, b"f", AGENT, &[lent(8)], false);
    assert_eq!(left(&ledger, 0), 8);
    assert_eq!(ledger.claim(&task(lent(8))), Ok(()));
    assert_eq!(ledger.numbers().all_roles().commits, 0, "nothing was launched");
}

#[test]
fn what_is_declined_was_never_in_use() {
    let mut ledger = ledger();
    run(&mut ledger, lent(6));
    ledger.returned(0, b"f", AGENT, &[lent(6)], false);
    assert_eq!(left(&ledger, 0), 2);
    ledger.returned(0, b"f", AGENT, &[lent(6)], true);
    assert_eq!(left(&ledger, 0), 8);
}

#[test]
fn an_offer_rescinded_within_an_accept_leaves_its_tasks_their_names() {
    let mut ledger = ledger();
    ledger.claim(&on(b"e", lent(1), lent(1))).unwrap();
    ledger.returned(0, b"g", AGENT, &[regular(1)], false);
    ledger.launching(AGENT, b"f", b"task");
    assert_eq!(ledger.used(0, AGENT, &[lent(2)]).as_deref(), Some(&b"f"[..]));
    assert_eq!(ledger.claim(&on(b"e", lent(1), regular(1))), Err(TurnedDown::ExecutorIsLent));
}

#[test]
fn agents_that_do_not_lend_admit_everything() {
    let mut ledger = Ledger::new();
    ledger.agent_added(AGENT, false, cpus(8), &[]);
    assert!(!ledger.publish(AGENT, cpus(8)));
    assert_eq!(ledger.claim(&task(lent(100))), Ok(()));
    assert_eq!(ledger.claim(&Launch { agent: b"unknown", ..task(lent(100)) }), Ok(()));
    assert!(!ledger.publish(b"unknown", cpus(8)));
    assert_eq!(ledger.numbers().all_roles().conflicts, 0);
}

#[test]
fn an_agent_that_begins_to_lend_knows_what_is_in_use() {
    let mut ledger = Ledger::new();
    ledger.agent_added(AGENT, false, cpus(8), &[(b"g", regular(2))]);
    run(&mut ledger, lent(3));
    assert_eq!(ledger.loans().count(), 0);
    ledger.agent_changed(0, AGENT, true, None);
    ledger.publish(AGENT, cpus(8));
    assert_eq!(left(&ledger, 0), 3);
    assert_eq!(ledger.loans().count(), 1);
}

#[test]
fn an_agent_that_comes_back_brings_what_is_in_use_there() {
    let mut ledger = ledger();
    run(&mut ledger, lent(8));
    ledger.agent_removed(AGENT);
    ledger.returned(0, b"f", AGENT, &[lent(8)], true);
    assert_eq!(ledger.numbers().unmatched_returns, 0);
    ledger.agent_added(AGENT, true, cpus(8), &[(b"f", lent(2)), (b"g", regular(1))]);
    assert_eq!(left(&ledger, 0), 0, "nothing is published for it");
    ledger.publish(AGENT, cpus(8));
    assert_eq!(left(&ledger, 0), 5);
    ledger.returned(0, b"f", AGENT, &[lent(2)], true);
    assert_eq!((left(&ledger, 0), ledger.numbers().unmatched_returns), (7, 0));
}

#[test]
fn a_smaller_total_leaves_less_and_a_larger_one_more() {
    let mut ledger = ledger();
    run(&mut ledger, lent(4));
    ledger.agent_changed(0, AGENT, true, Some(cpus(5)));
    assert_eq!(left(&ledger, 0), 1);
    ledger.agent_changed(0, AGENT, true, Some(cpus(3)));
    assert_eq!((left(&ledger, 0), ledger.excess(AGENT)), (0, cpus(1)));
}

#[test]
fn use_that_nobody_attributed_is_found_when_it_is_returned() {
    let mut ledger = ledger();
    assert_eq!(ledger.used(0, AGENT, &[lent(3)]), None);
    assert_eq!((left(&ledger, 0), ledger.numbers().unattributed_uses), (5, 1));
    assert_eq!(ledger.loans().next().unwrap().framework, None);
    ledger.returned(0, b"f", AGENT, &[lent(3)], true);
    assert_eq!((left(&ledger, 0), ledger.numbers().unmatched_returns), (8, 0));
}

#[test]
fn more_returned_than_was_in_use_is_counted_and_never_negative() {
    let mut ledger = ledger();
    ledger.returned(0, b"f", AGENT, &[lent(3)], true);
    ledger.returned(0, b"f", AGENT, &[regular(3)], true);
    assert_eq!((left(&ledger, 0), ledger.numbers().unmatched_returns), (8, 2));
}

#[test]
fn a_framework_is_attributed_once_and_on_its_own_agent_only() {
    let mut ledger = ledger();
    ledger.launching(AGENT, b"f", b"task");
    assert_eq!(ledger.used(0, AGENT, &[regular(1)]).as_deref(), Some(&b"f"[..]));
    assert_eq!(ledger.used(0, AGENT, &[regular(1)]), None);
    ledger.launching(b"other", b"g", b"task");
    assert_eq!(ledger.used(0, AGENT, &[regular(1)]), None);
}

#[test]
fn a_new_executor_counts_once_and_a_running_one_not_at_all() {
    let mut ledger = ledger();
    let first = on(b"e", lent(2), lent(1));
    ledger.claim(&first).unwrap();
    ledger.claim(&Launch { task: b"second", ..first.clone() }).unwrap();
    for task in [&b"task"[..], b"second"] {
        ledger.launching(AGENT, b"f", task);
    }
    ledger.used(0, AGENT, &[lent(4)]);
    assert_eq!(ledger.claim(&on(b"e", lent(2), lent(4))), Ok(()));
    ledger.returned(0, b"f", AGENT, &[lent(4)], false);
    assert!(ledger.claim(&on(b"another", lent(2), lent(4))).is_err());
}

#[test]
fn an_executor_that_may_have_ended_counts_again() {
    let mut ledger = ledger();
    for executor in [&b"one"[..], b"two"] {
        launch(&mut ledger, &on(executor, lent(2), lent(1)), lent(3));
    }
    for _ in 0..2 {
        ledger.returned(0, b"f", AGENT, &[lent(1)], true);
    }
    assert_eq!(ledger.claim(&on(b"one", lent(2), lent(4))), Ok(()), "tasks ended, executors run");
    ledger.returned(0, b"f", AGENT, &[lent(2)], true);
    assert!(ledger.claim(&on(b"one", lent(2), lent(6))).is_err(), "one of the two executors ended");
    assert_eq!(ledger.claim(&on(b"one", lent(2), lent(4))), Ok(()));
}

#[test]
fn an_executor_runs_tasks_of_one_sort_only() {
    let mut ledger = ledger();
    launch(&mut ledger, &on(b"e", regular(1), regular(1)), regular(2));
    assert_eq!(ledger.claim(&on(b"e", regular(1), lent(1))), Err(TurnedDown::ExecutorIsRegular));
    assert_eq!(ledger.claim(&on(b"e2", regular(1), lent(1))), Ok(()));
    assert_eq!(ledger.claim(&on(b"e2", regular(1), regular(1))), Err(TurnedDown::ExecutorIsLent));
    assert_eq!(ledger.numbers().all_roles().refusals, 2);
    assert_eq!(ledger.numbers().all_roles().conflicts, 0);
    let said = TurnedDown::ExecutorIsLent.to_string();
    assert!(said.contains("another executor id"), "{said}");
}

#[test]
fn an_executor_is_of_either_sort_again_when_its_tasks_ended() {
    let mut ledger = ledger();
    launch(&mut ledger, &on(b"e", Portion::default(), lent(1)), lent(1));
    ledger.returned(0, b"f", AGENT, &[lent(1)], true);
    launch(&mut ledger, &on(b"e", Portion::default(), regular(1)), regular(1));
    assert!(ledger.claim(&on(b"e", Portion::default(), lent(1))).is_err());
    ledger.framework_removed(b"f");
    assert!(ledger.claim(&on(b"e", Portion::default(), lent(1))).is_ok());
}

#[test]
fn in_doubt_about_an_executor_a_regular_task_passes_and_a_lent_one_does_not() {
    let mut ledger = ledger();
    let own = Portion::default;
    for executor in [&b"lent one"[..], b"lent two"] {
        launch(&mut ledger, &on(executor, own(), lent(1)), lent(1));
    }
    for executor in [&b"regular one"[..], b"regular two"] {
        launch(&mut ledger, &on(executor, own(), regular(1)), regular(1));
    }
    ledger.returned(0, b"f", AGENT, &[lent(1)], true);
    ledger.returned(0, b"f", AGENT, &[regular(1)], true);
    assert_eq!(ledger.claim(&on(b"lent one", own(), regular(1))), Ok(()));
    assert_eq!(ledger.claim(&on(b"regular one", own(), lent(1))), Err(TurnedDown::ExecutorIsRegular));
}

#[test]
fn an_executor_of_lent_resources_gets_no_regular_task() {
    let mut ledger = ledger();
    assert_eq!(ledger.claim(&on(b"e", lent(1), regular(1))), Err(TurnedDown::ExecutorIsLent));
}

fn in_gang(label: &'static [u8], wants: Portion<'static>) -> Launch<'static> {
    Launch { gang: Some(label), ..task(wants) }
}

#[test]
fn a_gang_that_does_not_fit_is_turned_down_with_its_first_task_and_is_one_conflict() {
    let mut ledger = ledger();
    let reason = ledger.claim(&in_gang(b"ring:3", lent(3))).unwrap_err();
    assert!(reason.to_string().contains("9 wanted and 8 left"), "{reason}");
    for wants in [lent(3), lent(1), regular(1)] {
        let reason = ledger.claim(&in_gang(b"ring:3", wants)).unwrap_err();
        assert_eq!(reason, TurnedDown::Gang { gang: b"ring"[..].into() });
    }
    assert_eq!(ledger.claim(&in_gang(b"other:2", lent(3))), Ok(()), "it claimed nothing");
    assert_eq!(ledger.numbers().all_roles().conflicts, 1);
    ledger.returned(0, b"f", AGENT, &[], false);
    assert_eq!(ledger.claim(&in_gang(b"ring:2", lent(3))), Ok(()), "another accept has gangs of its own");
}

#[test]
fn a_gang_that_fits_draws_on_what_its_first_task_claimed_and_is_one_commit() {
    let mut ledger = ledger();
    ledger.claim(&in_gang(b"ring:3", lent(2))).unwrap();
    assert!(ledger.claim(&task(lent(3))).is_err(), "2 are left");
    ledger.claim(&in_gang(b"ring:3", lent(2))).unwrap();
    ledger.claim(&in_gang(b"ring:3", lent(2))).unwrap();
    let reason = ledger.claim(&in_gang(b"ring:3", lent(2))).unwrap_err();
    assert!(matches!(reason, TurnedDown::BeyondGang { .. }), "{reason:?}");
    for _ in 0..3 {
        ledger.launching(AGENT, b"f", b"task");
    }
    ledger.used(0, AGENT, &[lent(6)]);
    let numbers = ledger.numbers().all_roles();
    assert_eq!((numbers.commits, numbers.conflicts, numbers.refusals), (1, 1, 1));
    assert_eq!(left(&ledger, 0), 2);
}

#[test]
fn a_label_that_names_no_gang_is_refused_for_lent_tasks_and_ignored_for_others() {
    let mut ledger = ledger();
    let reason = ledger.claim(&in_gang(b"ring", lent(1))).unwrap_err();
    assert!(matches!(reason, TurnedDown::NotAGang { .. }), "{reason:?}");
    assert_eq!(ledger.claim(&in_gang(b"ring", regular(1))), Ok(()));
}

#[test]
fn conflicts_are_counted_for_each_commit_as_in_the_omega_paper() {
    let mut ledger = ledger();
    assert_eq!(ledger.numbers().all_roles().conflict_fraction(), None);
    run(&mut ledger, lent(8));
    for _ in 0..3 {
        ledger.claim(&task(lent(1))).unwrap_err();
    }
    let role = ledger.numbers().roles.get(&b"batch"[..]).copied().unwrap();
    assert_eq!((role.commits, role.conflicts, role.conflict_fraction()), (1, 3, Some(3.0)));
}

#[test]
fn launches_that_were_lost_are_those_of_the_framework_whose_offers_are_returned_next() {
    let mut ledger = ledger();
    for _ in 0..2 {
        ledger.claim(&task(lent(9))).unwrap_err();
    }
    assert!(ledger.take_losses().is_empty(), "nobody told yet whose they are");
    ledger.returned(0, b"f", AGENT, &[lent(9)], false);
    ledger.claim(&task(lent(9))).unwrap_err();
    ledger.claim(&task(lent(1))).unwrap();
    ledger.launching(AGENT, b"g", b"task");
    ledger.used(0, AGENT, &[lent(1)]);
    ledger.returned(0, b"h", AGENT, &[lent(1)], false);
    let losses: Vec<(Box<[u8]>, u32)> = ledger.take_losses().into_iter().collect();
    assert_eq!(losses, [(b"f"[..].into(), 2), (b"g"[..].into(), 1)]);
    assert!(ledger.take_losses().is_empty());
}

#[test]
fn the_time_until_an_owner_has_its_capacity_back_is_measured_from_its_launch() {
    let mut ledger = ledger();
    run(&mut ledger, lent(8));
    ledger.launching(AGENT, b"owner", b"task");
    ledger.used(1_000, AGENT, &[regular(3)]);
    ledger.used(2_000, AGENT, &[regular(1)]);
    ledger.returned(5_000, b"f", AGENT, &[lent(2)], true);
    assert_eq!(ledger.numbers().reclaims_for_owners.count, 0, "two cpus are still missing");
    let waiting: Vec<_> = ledger.over_committed().collect();
    assert_eq!(waiting.len(), 1);
    assert_eq!(
        (waiting[0].agent, waiting[0].owner_since, waiting[0].borrower_since),
        (AGENT, Some(1_000), None)
    );
    assert_eq!(waiting[0].excess, cpus(2));
    ledger.returned(8_000, b"f", AGENT, &[lent(2)], true);
    let reclaims = ledger.numbers().reclaims_for_owners;
    assert_eq!(
        (reclaims.count, reclaims.total_ns, reclaims.longest_ns, reclaims.latest_ns),
        (1, 7_000, 7_000, 7_000)
    );
    assert_eq!(ledger.numbers().reclaims_by_priority.count, 0);
    assert_eq!(ledger.over_committed().count(), 0);
    ledger.used(9_000, AGENT, &[regular(1)]);
    ledger.agent_changed(8_500, AGENT, true, Some(cpus(9)));
    let reclaims = ledger.numbers().reclaims_for_owners;
    assert_eq!(
        (reclaims.count, reclaims.latest_ns),
        (2, 0),
        "a clock that was set back makes no negative time"
    );
}

#[test]
fn the_time_until_a_borrower_of_lower_priority_is_gone_is_measured_apart() {
    let mut ledger = ledger();
    run(&mut ledger, lent_at(1, 8));
    ledger.used(1_000, AGENT, &[Portion { role: b"urgent", ..lent_at(2, 8) }]);
    ledger.returned(3_000, b"f", AGENT, &[lent_at(1, 8)], true);
    assert_eq!(ledger.numbers().reclaims_by_priority.latest_ns, 2_000);
    assert_eq!(ledger.numbers().reclaims_for_owners.count, 0);
}

#[test]
fn an_agent_that_does_not_lend_is_never_waited_for() {
    // What can be taken back there is what its resource estimator reports, on top of the total.
    let mut ledger = Ledger::new();
    ledger.agent_added(AGENT, false, cpus(8), &[]);
    run(&mut ledger, lent(4));
    run(&mut ledger, regular(8));
    assert_eq!(ledger.over_committed().count(), 0);
    ledger.returned(9, b"f", AGENT, &[lent(4)], true);
    assert_eq!(ledger.numbers().reclaims_for_owners.count, 0);
}

#[test]
fn nobody_waits_any_more_for_an_agent_that_stops_lending() {
    let mut ledger = ledger();
    run(&mut ledger, lent(4));
    run(&mut ledger, regular(8));
    assert_eq!(ledger.over_committed().count(), 1);
    ledger.agent_changed(5, AGENT, false, None);
    assert_eq!(ledger.over_committed().count(), 0);
    assert_eq!(ledger.numbers().reclaims_for_owners.count, 0, "nothing was freed");
}
