//! Through all states, nearest first: what breaks is shown with a shortest way to it.

use std::collections::{HashSet, VecDeque};
use std::rc::Rc;

use crate::world::{Action, State, World};

/// More states than any of these worlds has: an exploration that gets here is not finite.
const STATES_MOST: usize = 500_000;

/// How a state was reached: the last step, and the way before it.
#[derive(Debug)]
pub(crate) struct Way {
    _last: Action,
    _before: Option<Rc<Way>>,
}

/// Visits every state that can be reached and checks each step; panics where an invariant breaks, with the way there.
pub(crate) fn explore(world: &World) {
    let start = State::new(world);
    let mut seen = HashSet::from([start.key()]);
    let mut steps = 0_u64;
    let mut open = VecDeque::from([(start, None)]);
    while let Some((state, way)) = open.pop_front() {
        state.check(world, &way);
        for action in state.actions(world) {
            steps += 1;
            let mut next = state.clone();
            let way_there = Some(Rc::new(Way { _last: action.clone(), _before: way.clone() }));
            next.perform(world, &action, &way_there);
            if seen.insert(next.key()) {
                assert!(seen.len() < STATES_MOST, "more than {STATES_MOST} states: {way_there:?}");
                open.push_back((next, way_there));
            }
        }
    }
    assert!(seen.len() > 100, "only {} states: the world is not explored", seen.len());
    println!("{} states, {steps} steps", seen.len());
}
