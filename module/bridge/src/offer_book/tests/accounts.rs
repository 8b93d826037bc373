//! When offers come into the book and when they leave it.

use std::sync::Arc;

use apportion_core::Holding;

use super::master::Master;
use super::messages::{allocated, reserved, scalar};
use crate::offer_book::{NoRoom, OfferBook};

fn web(amounts: &[(&[u8], f64)]) -> Vec<Vec<u8>> {
    amounts.iter().map(|(name, amount)| allocated(&scalar(name, *amount), b"web")).collect()
}

fn cpus(amount: f64) -> Vec<Vec<u8>> {
    web(&[(b"cpus", amount)])
}

/// A master with a framework "f" of role "web" and agent "a" with ten CPUs, before its first run.
fn master() -> Master {
    let mut master = Master::new();
    master.add_framework(b"f", &[b"web"]);
    master.add_agent(b"a", &[scalar(b"cpus", 10.0)]);
    master
}

/// How many thousandths of a CPU a task with 0.001 may have more.
#[track_caller]
fn left(master: &Master) -> Result<i64, NoRoom> {
    let room = master.room(b"a", &cpus(0.001))?;
    Ok(room
        .iter()
        .map(|one| match &one.value {
            apportion_wire::Value::Scalar(amount) => amount.thousandths(),
            other => panic!("{other:?}"),
        })
        .sum())
}

/// The framework accepts an offer with a task and gets the rest of it back.
fn accept(master: &mut Master, rest: f64, task: f64) {
    master.pause();
    if rest > 0.0 {
        master.recover(b"f", b"a", &cpus(rest), false);
    }
    master.transition(b"a", &cpus(task));
    master.resume();
}

/// Outstanding offers of these sizes, all to "f", on agent "a" with ten CPUs.
fn outstanding(master: &mut Master, sizes: &[f64]) {
    let mut offered = 10.0;
    assert_eq!(master.run().len(), 1);
    for size in sizes {
        let rest = offered - size;
        accept(master, *size, rest);
        assert_eq!(master.run().len(), 1, "an offer of {size}");
        // What the task uses is offered next.
        master.recover(b"f", b"a", &cpus(rest), true);
        assert_eq!(master.run().len(), 1, "the rest of {rest}");
        offered = rest;
    }
}

#[test]
fn without_a_watch_nothing_is_recorded_and_nothing_grows() {
    let mut master = master();
    assert_eq!(master.run().len(), 1);
    assert_eq!(left(&master), Err(NoRoom::NotWatched));
    let watch = master.book.watch();
    assert_eq!(left(&master), Err(NoRoom::NotOffered), "it was offered before");
    drop(watch);
    assert_eq!(left(&master), Err(NoRoom::NotWatched));
}

#[test]
fn the_book_is_empty_after_the_last_watch() {
    let mut master = master();
    let (first, second) = (master.book.watch(), master.book.watch());
    assert_eq!(master.run().len(), 1);
    drop(first);
    assert_eq!(left(&master), Ok(9_999));
    drop(second);
    let _watch = master.book.watch();
    assert_eq!(left(&master), Err(NoRoom::NotOffered));
}

#[test]
fn what_is_recorded_behind_the_last_watch_is_lost() {
    let book: Arc<OfferBook> = Arc::default();
    let ledger = book.open();
    let record = || {
        let kind = |_| panic!("an offer of nothing has no kinds");
        book.record(ledger, (b"a", b"web"), &Holding::default(), kind, || Some(Holding::default()));
    };
    record();
    let _watch = book.watch();
    assert_eq!(book.room(b"a", &cpus(1.0), &[]), Err(NoRoom::NotOffered));
    record();
    assert_eq!(book.room(b"a", &cpus(1.0), &[]), Err(NoRoom::DoesNotFit));
}

#[test]
fn offers_made_before_the_watch_keep_their_agent_and_role_unknown() {
    let mut master = master();
    let offer = master.run().remove(0);
    accept(&mut master, 6.0, 4.0);
    assert_eq!(master.run().len(), 1);
    let _watch = master.book.watch();
    master.recover(b"f", b"a", &cpus(4.0), true);
    assert_eq!(master.run().len(), 1);
    assert_eq!(left(&master), Err(NoRoom::NotAllKnown), "six CPUs were offered before");
    master.recover(b"f", b"a", &cpus(6.0), false);
    assert_eq!(left(&master), Err(NoRoom::NotOffered), "which of the two came back?");
    master.recover(b"f", b"a", &cpus(4.0), false);
    assert_eq!(master.run().remove(0).resources, offer.resources);
    assert_eq!(left(&master), Ok(9_999), "now there is no other");
}

#[test]
fn tasks_that_ran_before_the_watch_do_no_harm() {
    let mut master = master();
    assert_eq!(master.run().len(), 1);
    accept(&mut master, 6.0, 4.0);
    let _watch = master.book.watch();
    assert_eq!(master.run().len(), 1);
    assert_eq!(left(&master), Ok(5_999));
    master.recover(b"f", b"a", &cpus(4.0), true);
    assert_eq!(left(&master), Ok(5_999), "the end of a task is not the end of an offer");
}

#[test]
fn a_declined_offer_goes_and_the_others_stay() {
    let mut master = master();
    let _watch = master.book.watch();
    outstanding(&mut master, &[3.0, 5.0]);
    assert_eq!(left(&master), Ok(1_999), "three, five and two");
    master.recover(b"f", b"a", &cpus(2.0), false);
    assert_eq!(left(&master), Ok(2_999), "three and five");
    master.recover(b"f", b"a", &cpus(3.0), false);
    assert_eq!(left(&master), Ok(4_999), "five");
    master.recover(b"f", b"a", &cpus(5.0), false);
    assert_eq!(left(&master), Err(NoRoom::NotOffered));
}

#[test]
fn an_accepted_offer_goes_when_the_accept_is_complete() {
    let mut master = master();
    let _watch = master.book.watch();
    outstanding(&mut master, &[4.0]);
    // Four and six. Of six, two go to a task; the four that come back are not the other offer.
    master.pause();
    master.recover(b"f", b"a", &cpus(4.0), false);
    let six = master.room(b"a", &cpus(5.0)).map(|room| room.len());
    assert_eq!((left(&master), six), (Ok(3_999), Ok(1)), "both are still there");
    master.transition(b"a", &cpus(2.0));
    assert_eq!(left(&master), Ok(3_999));
    master.resume();
    assert_eq!(left(&master), Ok(3_999));
    assert_eq!(master.room(b"a", &cpus(5.0)), Err(NoRoom::DoesNotFit), "six is over, four is not");
}

#[test]
fn several_offers_of_one_accept_go_together() {
    let mut master = master();
    let _watch = master.book.watch();
    outstanding(&mut master, &[2.0, 3.0]);
    accept(&mut master, 1.0, 6.0);
    assert_eq!(left(&master), Ok(2_999), "two and five were accepted, three is left");
    assert_eq!(master.room(b"a", &cpus(4.0)), Err(NoRoom::DoesNotFit));
}

#[test]
fn while_it_cannot_be_told_which_offers_are_over_all_of_them_count() {
    let mut master = master();
    let _watch = master.book.watch();
    outstanding(&mut master, &[1.0, 3.0, 4.0]);
    assert_eq!(left(&master), Ok(999), "one, three, four and two");
    accept(&mut master, 0.0, 5.0);
    assert_eq!(left(&master), Ok(999), "one and four, or three and two?");
    master.recover(b"f", b"a", &cpus(3.0), false);
    assert_eq!(left(&master), Ok(1_999), "two is all that is left, and one and four are over");
}

#[test]
fn what_tasks_took_is_forgotten_with_their_offer() {
    let mut master = master();
    let _watch = master.book.watch();
    assert_eq!(master.run().len(), 1);
    master.book.take(b"a", &cpus(8.0), &[]);
    assert_eq!(left(&master), Ok(1_999));
    accept(&mut master, 2.0, 8.0);
    assert_eq!(left(&master), Err(NoRoom::NotOffered));
    assert_eq!(master.run().len(), 1);
    assert_eq!(left(&master), Ok(1_999), "the rest is an offer of its own");
}

#[test]
fn of_equal_offers_the_one_that_most_was_taken_of_stays() {
    let mut master = master();
    let _watch = master.book.watch();
    assert_eq!(master.run().len(), 1);
    accept(&mut master, 5.0, 5.0);
    assert_eq!(master.run().len(), 1);
    master.book.take(b"a", &cpus(3.0), &[]);
    master.recover(b"f", b"a", &cpus(5.0), true);
    assert_eq!(master.run().len(), 1, "five, of which three were taken, and five");
    master.recover(b"f", b"a", &cpus(5.0), false);
    assert_eq!(left(&master), Ok(1_999));
    assert_eq!(master.room(b"a", &cpus(6.0)), Err(NoRoom::DoesNotFit), "one of them is over");
}

#[test]
fn an_offer_that_an_operation_was_applied_to_goes_with_its_accept() {
    let mut master = master();
    let _watch = master.book.watch();
    outstanding(&mut master, &[4.0]);
    let own = [allocated(&reserved(&scalar(b"cpus", 4.0), b"web"), b"web")];
    master.convert((b"f", b"a"), &cpus(6.0), &cpus(4.0), &own);
    assert_eq!(master.run().len(), 0, "a run in between");
    assert_eq!(master.room(b"a", &cpus(5.0)).map(|room| room.len()), Ok(1), "six is still there");
    master.pause();
    master.recover(b"f", b"a", &own, false);
    master.recover(b"f", b"a", &cpus(2.0), false);
    master.resume();
    assert_eq!(left(&master), Ok(3_999));
    assert_eq!(master.room(b"a", &cpus(5.0)), Err(NoRoom::DoesNotFit));
}

#[test]
fn what_an_operation_holds_for_long_takes_no_offer_out() {
    let mut master = master();
    let _watch = master.book.watch();
    outstanding(&mut master, &[4.0]);
    // Of six, one stays with an operation.
    master.recover(b"f", b"a", &cpus(5.0), false);
    assert_eq!(left(&master), Ok(3_999));
    assert_eq!(master.room(b"a", &cpus(5.0)), Err(NoRoom::DoesNotFit), "six cannot be outstanding");
    master.recover(b"f", b"a", &cpus(1.0), false);
    assert_eq!(left(&master), Ok(3_999));
}

#[test]
fn a_removed_agent_takes_its_offers_along() {
    let mut master = master();
    let _watch = master.book.watch();
    master.add_agent(b"b", &[scalar(b"cpus", 10.0)]);
    assert_eq!(master.run().len(), 2);
    master.remove_agent(b"a");
    assert_eq!(left(&master), Err(NoRoom::NotOffered));
    assert!(master.room(b"b", &cpus(1.0)).is_ok());
    master.add_agent(b"a", &[scalar(b"cpus", 3.0)]);
    assert_eq!(master.run().len(), 1);
    assert_eq!(left(&master), Ok(2_999));
}

#[test]
fn a_removed_framework_takes_its_offers_along() {
    let mut master = master();
    let _watch = master.book.watch();
    assert_eq!(master.run().len(), 1);
    master.pause();
    master.remove_framework(b"f");
    assert_eq!(left(&master), Ok(9_999), "more may belong to it");
    master.resume();
    assert_eq!(left(&master), Err(NoRoom::NotOffered));
    // What was on its way comes back when nobody knows it any more.
    master.recover(b"f", b"a", &cpus(10.0), false);
    master.add_framework(b"g", &[b"web"]);
    assert_eq!(master.run().len(), 1);
    assert_eq!(left(&master), Ok(9_999));
}

#[test]
fn each_allocator_has_its_own_offers_and_takes_them_along() {
    let mut master = master();
    let _watch = master.book.watch();
    assert_eq!(master.run().len(), 1);
    let other = master.book.open();
    master.book.empty(other);
    assert_eq!(left(&master), Ok(9_999));
    master.book.close(other);
    let book = Arc::clone(&master.book);
    drop(master);
    assert_eq!(book.room(b"a", &cpus(1.0), &[]), Err(NoRoom::NotOffered));
}

#[test]
fn too_many_offers_are_not_looked_at() {
    let mut master = master();
    let _watch = master.book.watch();
    outstanding(&mut master, &[0.5, 0.6, 0.7, 0.8, 0.9]);
    assert_eq!(left(&master), Ok(499), "six offers");
    accept(&mut master, 4.5, 2.0);
    assert_eq!(master.run().len(), 1);
    assert_eq!(left(&master), Ok(499), "six again");
    master.recover(b"f", b"a", &cpus(2.0), true);
    assert_eq!(master.run().len(), 1);
    assert_eq!(left(&master), Err(NoRoom::TooManyOffers(7)));
}
