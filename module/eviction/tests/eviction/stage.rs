//! Agents and executors in few words.

use apportion_eviction::{
    Agent, Amounts, Decision, Evictions, Executor, Holding, Policy, Priorities, Settings, Task,
};

pub(crate) const SECOND: i64 = 1_000_000_000;

/// Cpus and mem, in units.
pub(crate) fn amounts(cpus: i64, mem: i64) -> Amounts {
    Amounts::of([(&b"cpus"[..], cpus * 1000), (&b"mem"[..], mem * 1000)])
}

pub(crate) fn regular(cpus: i64, mem: i64) -> Holding {
    Holding { regular: amounts(cpus, mem), lent: Amounts::default() }
}

pub(crate) fn lent(cpus: i64, mem: i64) -> Holding {
    Holding { regular: Amounts::default(), lent: amounts(cpus, mem) }
}

/// An executor without anything of its own.
pub(crate) fn executor(name: &str, role: &str, tasks: &[Holding]) -> Executor {
    let mut executor = Executor {
        framework: b"f".to_vec(),
        executor: name.into(),
        container: format!("c-{name}").into(),
        roles: [role.as_bytes().to_vec()].into(),
        ..Executor::default()
    };
    for holding in tasks {
        give(&mut executor, holding, true);
    }
    executor
}

/// One more task: given to the executor, or waiting for it.
pub(crate) fn give(executor: &mut Executor, holding: &Holding, given: bool) {
    executor.allocated.regular.add_all(&holding.regular);
    executor.allocated.lent.add_all(&holding.lent);
    if given {
        executor.tasks.push(Task { holding: holding.clone(), labels: Vec::new() });
    }
}

/// The same, with resources of its own.
pub(crate) fn owning(mut executor: Executor, own: &Holding) -> Executor {
    give(&mut executor, own, false);
    executor.own = own.clone();
    executor
}

/// The same, with a label on its first task.
pub(crate) fn labelled(mut executor: Executor, key: &str, value: &str) -> Executor {
    executor.tasks[0].labels.push((key.into(), value.into()));
    executor
}

pub(crate) fn agent(total: &Amounts, executors: &[Executor]) -> Agent {
    Agent { total: total.clone(), executors: executors.to_vec() }
}

/// Roles `p0`, `p1`, … have the priority in their name, all others none.
pub(crate) fn by_name(role: &[u8]) -> u32 {
    let number = role.strip_prefix(b"p").and_then(|rest| std::str::from_utf8(rest).ok());
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// Looks with these settings.
pub(crate) fn look_with(evictions: &mut Evictions, now: i64, agent: &Agent, settings: &Settings) -> Decision {
    let priorities: &dyn Priorities = &by_name;
    evictions.look(now, agent, &Policy { settings, priorities })
}

/// Looks with the default settings.
pub(crate) fn look(evictions: &mut Evictions, now: i64, agent: &Agent) -> Decision {
    look_with(evictions, now, agent, &Settings::default())
}

/// Names of the executors that are ended now.
pub(crate) fn ended(decision: &Decision) -> Vec<String> {
    decision.end.iter().map(|ending| String::from_utf8(ending.key.executor.clone()).unwrap()).collect()
}
