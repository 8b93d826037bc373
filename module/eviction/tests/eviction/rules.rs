//! The rules, one by one.

use std::time::Duration;

use apportion_eviction::{Amounts, Evictions, Reminder, Settings};

use crate::stage::{
    SECOND, agent, amounts, ended, executor, give, labelled, lent, look, look_with, owning, regular,
};

#[test]
fn nobody_goes_while_everything_fits() {
    let fits = agent(
        &amounts(4, 4),
        &[executor("owner", "prod", &[regular(2, 2)]), executor("b", "batch", &[lent(2, 2)])],
    );
    let decision = look(&mut Evictions::default(), 0, &fits);
    assert!(decision.end.is_empty() && decision.need.is_empty());
    assert_eq!(decision.look_again, None);
}

#[test]
fn borrower_goes_when_its_owner_comes() {
    let full = agent(
        &amounts(4, 4),
        &[executor("owner", "prod", &[regular(3, 1)]), executor("b", "batch", &[lent(2, 2)])],
    );
    let decision = look(&mut Evictions::default(), 0, &full);
    assert_eq!(ended(&decision), ["b"]);
    assert_eq!(decision.need, Amounts::of([(&b"cpus"[..], 1000)]));
    assert_eq!(decision.end[0].has, amounts(2, 2));
    assert_eq!(decision.end[0].waited, Duration::ZERO);
}

#[test]
fn over_commitment_of_what_nobody_borrows_ends_nobody() {
    let borrower = executor("b", "batch", &[lent(1, 0)]);
    let full = agent(&amounts(4, 4), &[executor("owner", "prod", &[regular(1, 9)]), borrower]);
    assert!(look(&mut Evictions::default(), 0, &full).end.is_empty());
}

#[test]
fn executor_with_one_regular_task_stays() {
    let mixed = executor("mixed", "batch", &[lent(4, 4), regular(1, 0)]);
    let full = agent(&amounts(4, 4), &[executor("owner", "prod", &[regular(4, 4)]), mixed]);
    let decision = look(&mut Evictions::default(), 0, &full);
    assert!(decision.end.is_empty());
    assert_eq!(decision.uncovered, amounts(5, 4));
}

#[test]
fn idle_executor_goes_only_if_it_borrows_itself() {
    let own = owning(executor("own", "batch", &[]), &lent(1, 1));
    let foreign = owning(executor("regular", "batch", &[]), &regular(1, 1));
    let full = agent(&amounts(0, 0), &[own, foreign]);
    assert_eq!(ended(&look(&mut Evictions::default(), 0, &full)), ["own"]);
}

#[test]
fn regular_task_that_waits_for_its_executor_protects_it() {
    let mut starting = executor("starting", "batch", &[lent(2, 2)]);
    give(&mut starting, &regular(1, 1), false);
    let full = agent(&amounts(1, 1), &[starting.clone()]);
    assert!(look(&mut Evictions::default(), 0, &full).end.is_empty());
    // Several wait: one of them may be regular.
    let mut several = executor("several", "batch", &[]);
    give(&mut several, &lent(2, 2), false);
    give(&mut several, &regular(1, 1), false);
    assert!(!several.may_be_ended());
    // Only one can wait, and it borrows.
    several.single_task = true;
    assert!(several.may_be_ended());
}

#[test]
fn task_that_waits_and_borrows_makes_its_executor_a_victim() {
    let mut starting = owning(executor("starting", "batch", &[]), &regular(1, 1));
    assert!(!starting.may_be_ended());
    give(&mut starting, &lent(2, 2), false);
    assert_eq!(ended(&look(&mut Evictions::default(), 0, &agent(&amounts(1, 1), &[starting]))), ["starting"]);
}

#[test]
fn lower_priority_goes_first_even_if_more_of_it_have_to_go() {
    let big = executor("big", "p7", &[lent(4, 4)]);
    let small = ["s1", "s2", "s3"].map(|name| executor(name, "p2", &[lent(1, 1)]));
    let executors = [&[big][..], &small].concat();
    let mut names = ended(&look(&mut Evictions::default(), 0, &agent(&amounts(5, 7), &executors)));
    names.sort();
    // All came at once: the smaller ids count as newer.
    assert_eq!(names, ["s1", "s2"]);
}

#[test]
fn who_is_asked_to_end_is_not_asked_twice_until_it_takes_too_long() {
    let full = agent(
        &amounts(2, 2),
        &[executor("a", "batch", &[lent(2, 2)]), executor("b", "batch", &[lent(2, 2)])],
    );
    let mut evictions = Evictions::default();
    let first = look(&mut evictions, 0, &full);
    assert_eq!((first.end.len(), first.look_again), (1, Some(10 * SECOND)));
    let key = first.end[0].key.clone();
    let second = look(&mut evictions, 9 * SECOND, &full);
    assert!(second.end.is_empty() && second.end_again.is_empty() && second.need.is_empty());
    let third = look(&mut evictions, 10 * SECOND, &full);
    assert_eq!((third.end.len(), third.end_again), (0, vec![key.clone()]));
    assert_eq!(third.reminders, [Reminder::StillThere { key, again: true }]);
    assert_eq!(third.look_again, Some(20 * SECOND));
    assert_eq!((evictions.counts().evictions, evictions.counts().told_again), (1, 1));
}

#[test]
fn who_was_not_ended_in_time_and_is_not_needed_any_more_is_let_alone() {
    let two = [executor("a", "batch", &[lent(2, 2)]), executor("b", "batch", &[lent(2, 2)])];
    let mut evictions = Evictions::default();
    let key = look(&mut evictions, 0, &agent(&amounts(2, 2), &two)).end[0].key.clone();
    let later = look(&mut evictions, 10 * SECOND, &agent(&amounts(4, 4), &two));
    assert!(later.end.is_empty() && later.end_again.is_empty());
    assert_eq!(later.reminders, [Reminder::StillThere { key, again: false }]);
    assert_eq!((later.look_again, evictions.told().count()), (None, 0));
}

#[test]
fn who_was_told_to_end_and_got_a_regular_task_is_let_alone() {
    let mut borrower = executor("b", "batch", &[lent(2, 2)]);
    let mut evictions = Evictions::default();
    assert_eq!(look(&mut evictions, 0, &agent(&amounts(1, 1), &[borrower.clone()])).end.len(), 1);
    give(&mut borrower, &regular(1, 1), true);
    let later = look(&mut evictions, 10 * SECOND, &agent(&amounts(1, 1), &[borrower]));
    assert!(later.end_again.is_empty() && evictions.told().next().is_none());
}

#[test]
fn label_gives_time_and_the_deadline_stays() {
    let borrower = labelled(executor("b", "batch", &[lent(2, 2)]), "apportion_grace", "30s");
    let mut executors = vec![borrower, executor("owner", "prod", &[regular(1, 1)])];
    let mut evictions = Evictions::default();
    let first = look(&mut evictions, 0, &agent(&amounts(2, 2), &executors));
    assert!(first.end.is_empty());
    assert_eq!(first.look_again, Some(30 * SECOND));
    assert!(matches!(&first.reminders[..], [Reminder::Noticed { grace, .. }] if grace.as_secs() == 30));
    // Asked twice, as more is needed.
    executors.push(executor("owner-2", "prod", &[regular(1, 1)]));
    let second = look(&mut evictions, 20 * SECOND, &agent(&amounts(2, 2), &executors));
    assert!(second.end.is_empty() && second.reminders.is_empty());
    assert_eq!(second.look_again, Some(30 * SECOND));
    let third = look(&mut evictions, 30 * SECOND, &agent(&amounts(2, 2), &executors));
    assert_eq!(ended(&third), ["b"]);
    assert_eq!(third.end[0].waited.as_secs(), 30);
    assert_eq!(
        (evictions.counts().waited_most.as_secs(), evictions.counts().by_role[&b"batch"[..]]),
        (30, 1)
    );
}

#[test]
fn notice_is_withdrawn_when_the_owner_is_gone() {
    let borrower = labelled(executor("b", "batch", &[lent(2, 2)]), "apportion_grace", "30s");
    let owner = executor("owner", "prod", &[regular(1, 1)]);
    let mut evictions = Evictions::default();
    look(&mut evictions, 0, &agent(&amounts(2, 2), &[borrower.clone(), owner]));
    assert_eq!(evictions.notices().count(), 1);
    let later = look(&mut evictions, SECOND, &agent(&amounts(2, 2), &[borrower]));
    assert!(matches!(&later.reminders[..], [Reminder::Withdrawn { .. }]));
    assert_eq!((evictions.notices().count(), later.look_again), (0, None));
}

#[test]
fn newcomer_does_not_take_over_a_notice() {
    let first = labelled(executor("first", "batch", &[lent(2, 2)]), "apportion_grace", "30s");
    let newcomer = labelled(executor("newcomer", "batch", &[lent(2, 2)]), "apportion_grace", "30s");
    let owner = executor("owner", "prod", &[regular(2, 2)]);
    let mut evictions = Evictions::default();
    look(&mut evictions, 0, &agent(&amounts(3, 3), &[first.clone(), owner.clone()]));
    look(
        &mut evictions,
        25 * SECOND,
        &agent(&amounts(5, 5), &[first.clone(), owner.clone(), newcomer.clone()]),
    );
    let last = look(&mut evictions, 30 * SECOND, &agent(&amounts(5, 5), &[first, owner, newcomer]));
    assert_eq!(ended(&last), ["first"]);
}

#[test]
fn grace_is_bounded_and_without_a_label_it_is_the_default() {
    let settings = Settings { grace: Duration::from_secs(5), ..Settings::default() };
    let due = |value: Option<&str>| {
        let plain = executor("b", "batch", &[lent(2, 2)]);
        let borrower = match value {
            Some(value) => labelled(plain, "apportion_grace", value),
            None => plain,
        };
        let mut evictions = Evictions::default();
        let decision = look_with(&mut evictions, 0, &agent(&amounts(1, 1), &[borrower]), &settings);
        (decision.look_again.unwrap() / SECOND, decision.reminders.len())
    };
    assert_eq!(due(None), (5, 1));
    assert_eq!(due(Some("1h")), (60, 1));
    assert_eq!(due(Some(" 1m ")), (60, 1));
    assert_eq!(due(Some("2s")), (2, 1));
    // Not a time: said so, and the default.
    assert_eq!(due(Some("soon")), (5, 2));
    // Time to end at once is asked for too: the agent is told, and looks whether it did.
    assert_eq!(due(Some("0s")), (10, 0));
}

#[test]
fn task_that_asks_for_most_time_decides_for_its_executor() {
    let mut borrower = executor("b", "batch", &[lent(1, 1), lent(1, 1)]);
    for (task, value) in borrower.tasks.iter_mut().zip(["3s", "7s"]) {
        task.labels.push((b"apportion_grace".to_vec(), value.into()));
    }
    let decision = look(&mut Evictions::default(), 0, &agent(&amounts(1, 1), &[borrower]));
    assert_eq!(decision.look_again, Some(7 * SECOND));
}

#[test]
fn executor_of_several_roles_has_the_highest_of_their_priorities() {
    let mut both = executor("both", "p1", &[lent(2, 2)]);
    both.roles.insert(b"p9".to_vec());
    let other = executor("other", "p5", &[lent(2, 2)]);
    let full = agent(&amounts(2, 2), &[both, other]);
    assert_eq!(ended(&look(&mut Evictions::default(), 0, &full)), ["other"]);
}

#[test]
fn clock_that_is_set_back_prolongs_nothing() {
    let borrower = labelled(executor("b", "batch", &[lent(2, 2)]), "apportion_grace", "30s");
    let full = agent(&amounts(1, 1), &[borrower]);
    let mut evictions = Evictions::default();
    look(&mut evictions, 1000 * SECOND, &full);
    let back = look(&mut evictions, 0, &full);
    assert_eq!(back.look_again, Some(30 * SECOND));
    assert_eq!(ended(&look(&mut evictions, 30 * SECOND, &full)), ["b"]);
}

#[test]
fn same_ids_in_another_container_are_another_executor() {
    let mut borrower = executor("b", "batch", &[lent(2, 2)]);
    let mut evictions = Evictions::default();
    assert_eq!(look(&mut evictions, 0, &agent(&amounts(1, 1), &[borrower.clone()])).end.len(), 1);
    borrower.container = b"its second life".to_vec();
    assert_eq!(look(&mut evictions, SECOND, &agent(&amounts(1, 1), &[borrower])).end.len(), 1);
}

#[test]
fn amounts_read_as_people_write_them() {
    let amounts = Amounts::of([(&b"mem"[..], 512_000), (b"cpus", 1_500), (b"x\xff", 1), (b"none", 0)]);
    assert_eq!(amounts.to_string(), "cpus 1.5, mem 512, x\\xff 0.001");
    assert_eq!(Amounts::default().to_string(), "nothing");
}
