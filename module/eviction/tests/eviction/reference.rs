//! Who has to go, by looking at every set and comparing them one by one.

use std::cmp::Ordering;

use apportion_eviction::{Agent, Executor};

use crate::stage::by_name;

/// Names of the right victims. `executors` of the agent stand in the order of their arrival.
pub(crate) fn right_victims(agent: &Agent) -> Vec<String> {
    let need = agent.too_much(|_| false);
    let victims: Vec<usize> =
        (0..agent.executors.len()).filter(|at| agent.executors[*at].may_be_ended()).collect();
    let gives = |set: &[usize], name: &[u8]| -> i64 {
        set.iter().map(|at| agent.executors[*at].allocated.sum().get(name)).sum()
    };
    let covers = |set: &[usize]| {
        need.iter().all(|(name, wanted)| gives(set, name) >= wanted.min(gives(&victims, name)))
    };
    let mut best: Option<Vec<usize>> = None;
    for number in 0..1_usize << victims.len() {
        let set: Vec<usize> =
            (0..victims.len()).filter(|at| number >> at & 1 == 1).map(|at| victims[at]).collect();
        if covers(&set) && best.as_ref().is_none_or(|best| better(&set, best, &agent.executors)) {
            best = Some(set);
        }
    }
    let mut names: Vec<String> = best
        .unwrap()
        .into_iter()
        .map(|at| String::from_utf8(agent.executors[at].executor.clone()).unwrap())
        .collect();
    names.sort();
    names
}

fn of_priority(set: &[usize], priority: u32, executors: &[Executor]) -> Vec<usize> {
    let is_it = |at: &&usize| by_name(executors[**at].roles.first().unwrap()) == priority;
    set.iter().filter(is_it).copied().collect()
}

fn better(left: &[usize], right: &[usize], executors: &[Executor]) -> bool {
    for priority in (0..10).rev() {
        let (left, right) =
            (of_priority(left, priority, executors).len(), of_priority(right, priority, executors).len());
        match left.cmp(&right) {
            Ordering::Less => return true,
            Ordering::Greater => return false,
            Ordering::Equal => {}
        }
    }
    for priority in (0..10).rev() {
        let (left, right) = (of_priority(left, priority, executors), of_priority(right, priority, executors));
        // From the oldest on, which stands first.
        for (left, right) in left.iter().zip(&right) {
            if left != right {
                return left > right;
            }
        }
    }
    false
}
