//! How much the book lets a task have.

use super::master::{Master, parts};
use super::messages::{allocated, field, mounted_disk, ranges, reserved, scalar, volume, whole};
use crate::offer_book::NoRoom;

/// Resources allocated to role "web".
fn web(resources: &[Vec<u8>]) -> Vec<Vec<u8>> {
    resources.iter().map(|resource| allocated(resource, b"web")).collect()
}

fn cpus(amount: f64) -> Vec<u8> {
    scalar(b"cpus", amount)
}

fn mem(amount: f64) -> Vec<u8> {
    scalar(b"mem", amount)
}

fn revocable(resource: &[u8]) -> Vec<u8> {
    [resource, &field(9, b"")].concat()
}

fn of_provider(resource: &[u8]) -> Vec<u8> {
    [resource, &field(12, &field(1, b"csi"))].concat()
}

/// The room in the order of names and identities, as resources.
#[track_caller]
fn room(master: &Master, task: &[Vec<u8>]) -> Vec<Vec<u8>> {
    sorted(&room_with(master, task, &[]).unwrap())
}

fn room_with(master: &Master, task: &[Vec<u8>], executor: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, NoRoom> {
    let room = master.book.room(b"a", task, executor)?;
    Ok(room.iter().map(apportion_wire::resource::ResourceParts::to_bytes).collect())
}

/// Resources in the form and order in which they can be compared.
fn sorted(resources: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut sorted: Vec<Vec<u8>> = resources.iter().map(|resource| parts(resource).to_bytes()).collect();
    sorted.sort();
    sorted
}

/// A watched master in which framework "f" of role "web" is offered all of agent "a", which has these resources.
fn offering(total: &[Vec<u8>]) -> (Master, crate::offer_book::Watch) {
    let mut master = Master::new();
    let watch = master.book.watch();
    master.add_framework(b"f", &[b"web"]);
    master.add_agent(b"a", total);
    assert_eq!(master.run().len(), 1, "everything in one offer");
    (master, watch)
}

#[test]
fn a_single_task_may_have_all_that_is_left_of_its_offer() {
    let (master, _watch) =
        offering(&[cpus(4.0), mem(1024.0), scalar(b"disk", 100.0), ranges(b"ports", &[(1, 9)])]);
    let task = web(&[cpus(1.5), mem(24.0), ranges(b"ports", &[(2, 3)])]);
    let left = web(&[cpus(2.5), mem(1000.0), scalar(b"disk", 100.0)]);
    assert_eq!(room(&master, &task), sorted(&left));
}

#[test]
fn what_a_task_has_already_all_of_is_left_out() {
    let (master, _watch) = offering(&[cpus(4.0), mem(1024.0)]);
    assert_eq!(room(&master, &web(&[cpus(4.0)])), sorted(&web(&[mem(1024.0)])));
    assert_eq!(room(&master, &web(&[cpus(4.0), mem(1024.0)])), Vec::<Vec<u8>>::new());
}

#[test]
fn a_second_task_of_the_accept_does_not_get_the_same_again() {
    let (master, _watch) = offering(&[cpus(4.0), mem(1024.0)]);
    let task = web(&[cpus(1.0)]);
    master.book.take(b"a", &web(&[cpus(2.5), mem(1000.0)]), &[]);
    assert_eq!(room(&master, &task), sorted(&web(&[cpus(0.5), mem(24.0)])));
    master.book.take(b"a", &task, &web(&[mem(24.0)]));
    assert_eq!(room(&master, &web(&[cpus(0.5)])), Vec::<Vec<u8>>::new(), "and what there was is over");
}

#[test]
fn an_executor_is_counted_with_every_task() {
    let (master, _watch) = offering(&[cpus(4.0), mem(1024.0)]);
    let (task, executor) = (web(&[cpus(1.0)]), web(&[cpus(0.5), mem(24.0)]));
    let left = room_with(&master, &task, &executor).unwrap();
    assert_eq!(sorted(&left), sorted(&web(&[cpus(2.5), mem(1000.0)])));
    // An executor that runs already is no reason to think of another offer.
    let left = room_with(&master, &web(&[cpus(4.0)]), &executor).unwrap();
    assert_eq!(sorted(&left), sorted(&web(&[mem(1000.0)])));
}

#[test]
fn a_task_that_cannot_be_read_gets_nothing_and_leaves_nothing() {
    let (master, _watch) = offering(&[cpus(4.0), mem(1024.0)]);
    let task = web(&[cpus(1.0)]);
    for (odd, why) in [
        (vec![cpus(1.0)], "its resources are not allocated to one role"),
        (vec![], "its resources are not allocated to one role"),
        (
            vec![allocated(&cpus(1.0), b"web"), allocated(&mem(1.0), b"batch")],
            "its resources are not allocated",
        ),
        (vec![allocated(&cpus(1.0), b"web"), b"garbage".to_vec()], "its resources cannot be read: "),
        (vec![allocated(&scalar(b"cpus", -1.0), b"web")], "its resources cannot be read: "),
        (vec![allocated(&scalar(b"cpus", 1e15), b"web")], "its resources cannot be read: "),
        (vec![allocated(&cpus(1.0), b"batch")], "no offer of the agent to its role is known"),
        (vec![allocated(&cpus(4.001), b"web")], "no offer of the agent to its role holds the task"),
    ] {
        let refusal = room_with(&master, &odd, &[]).unwrap_err().to_string();
        assert!(refusal.starts_with(why), "{refusal}");
    }
    master.book.take(b"a", &[], &[]);
    assert_eq!(room(&master, &task), sorted(&web(&[cpus(3.0), mem(1024.0)])), "nothing takes nothing");
    assert_eq!(master.book.room(b"b", &task, &[]), Err(NoRoom::NotOffered));
    master.book.take(b"a", &[b"garbage".to_vec()], &[]);
    assert_eq!(room(&master, &task), Vec::<Vec<u8>>::new());
}

#[test]
fn only_plain_amounts_can_grow() {
    let shared = [volume(8.0, b"v2", b"/data", b"web"), field(10, b"")].concat();
    let (master, _watch) = offering(&[
        cpus(4.0),
        reserved(&cpus(2.0), b"web"),
        mounted_disk(50.0, b"/mnt"),
        volume(10.0, b"v1", b"/data", b"web"),
        shared.clone(),
        of_provider(&scalar(b"disk", 30.0)),
        [scalar(b"disk", 20.0), field(7, &field(3, &[whole(1, 1), field(2, &field(1, b"/p"))].concat()))]
            .concat(),
    ]);
    let left = web(&[cpus(3.0), reserved(&cpus(2.0), b"web")]);
    assert_eq!(room(&master, &web(&[cpus(1.0)])), sorted(&left));
    let both = web(&[cpus(1.0), shared.clone(), shared]);
    assert_eq!(room(&master, &both), sorted(&left), "more copies than were offered are no reason to doubt");
}

#[test]
fn revocable_resources_grow_only_next_to_revocable_ones() {
    let (master, _watch) =
        offering(&[cpus(4.0), revocable(&cpus(6.0)), mem(10.0), revocable(&scalar(b"gpus", 2.0))]);
    assert_eq!(room(&master, &web(&[cpus(1.0)])), sorted(&web(&[cpus(3.0), mem(10.0)])));
    let task = web(&[revocable(&cpus(1.0))]);
    assert_eq!(room(&master, &task), sorted(&web(&[revocable(&cpus(5.0)), mem(10.0)])));
    assert_eq!(room(&master, &web(&[mem(1.0)])), sorted(&web(&[cpus(4.0), mem(9.0)])));
}

#[test]
fn of_several_offers_that_may_be_meant_the_least_counts() {
    let (mut master, _watch) = offering(&[cpus(10.0), mem(1000.0)]);
    // A task uses three CPUs, the rest is offered anew; then two of the three are free, and become a second offer.
    master.pause();
    master.recover(b"f", b"a", &web(&[cpus(7.0), mem(300.0)]), false);
    master.transition(b"a", &web(&[cpus(3.0), mem(700.0)]));
    master.resume();
    assert_eq!(master.run().len(), 1);
    master.recover(b"f", b"a", &web(&[cpus(2.0), mem(200.0)]), true);
    assert_eq!(master.run().len(), 1);
    // Outstanding: {7, 300} and {2, 200}; a task still uses {1, 500}.
    assert_eq!(room(&master, &web(&[cpus(1.0), mem(1.0)])), sorted(&web(&[cpus(1.0), mem(199.0)])));
    assert_eq!(
        room(&master, &web(&[cpus(3.0)])),
        sorted(&web(&[cpus(4.0), mem(300.0)])),
        "only one holds three"
    );
    assert_eq!(room(&master, &web(&[cpus(8.0)])), sorted(&web(&[cpus(1.0), mem(500.0)])), "both together");
    assert_eq!(room_with(&master, &web(&[cpus(9.5)]), &[]), Err(NoRoom::DoesNotFit));
    master.book.take(b"a", &web(&[cpus(6.0)]), &[]);
    assert_eq!(room(&master, &web(&[cpus(3.0)])), sorted(&web(&[mem(300.0)])));
}

#[test]
fn ports_tell_which_offer_is_meant() {
    let (mut master, _watch) = offering(&[cpus(10.0), ranges(b"ports", &[(1, 9)])]);
    master.pause();
    master.recover(b"f", b"a", &web(&[cpus(8.0), ranges(b"ports", &[(1, 8)])]), false);
    master.transition(b"a", &web(&[cpus(2.0), ranges(b"ports", &[(9, 9)])]));
    master.resume();
    assert_eq!(master.run().len(), 1);
    master.recover(b"f", b"a", &web(&[cpus(2.0), ranges(b"ports", &[(9, 9)])]), true);
    assert_eq!(master.run().len(), 1);
    assert_eq!(room(&master, &web(&[cpus(1.0)])), sorted(&web(&[cpus(1.0)])));
    let task = |port| web(&[cpus(1.0), ranges(b"ports", &[(port, port)])]);
    assert_eq!(room(&master, &task(3)), sorted(&web(&[cpus(7.0)])));
    assert_eq!(room(&master, &task(9)), sorted(&web(&[cpus(1.0)])));
}

#[test]
fn resources_reserved_in_the_same_accept_leave_no_doubt_about_the_offer() {
    let own = |amount| reserved(&cpus(amount), b"web");
    let (mut master, _watch) = offering(&[cpus(4.0), own(8.0)]);
    master.pause();
    master.recover(b"f", b"a", &web(&[cpus(4.0)]), false);
    master.transition(b"a", &web(&[own(8.0)]));
    master.resume();
    assert_eq!(master.run().len(), 1);
    master.recover(b"f", b"a", &web(&[own(8.0)]), true);
    assert_eq!(master.run().len(), 1);
    // The task may come from the eight reserved CPUs, or from the four after an operation that reserves one of them.
    assert_eq!(room(&master, &web(&[own(1.0)])), Vec::<Vec<u8>>::new());
    assert_eq!(room(&master, &web(&[own(5.0)])), sorted(&web(&[own(3.0)])), "too many for the four");
}
