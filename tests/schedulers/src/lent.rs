//! The place where lending comes into a simulation: who admits launches on lent resources, and who ends their tasks
//! when the owner needs what they use.
//!
//! Lent offers come from the allocator like all others; they consist of revocable resources. Whoever accepts one is asked
//! for here, task by task, and may lose.

use apportion_core::{Effects, Instant};

use crate::workload::Shape;

/// What a task uses, or would use, of an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaskUse {
    /// The task's number, unique in a simulation.
    pub task: u64,
    /// The scheduler, by its place among all.
    pub scheduler: usize,
    /// The agent, by its place among all.
    pub agent: usize,
    /// Whether it is of lent resources.
    pub is_lent: bool,
    /// How much.
    pub shape: Shape,
}

/// What becomes of a launch on lent resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It goes through.
    Admitted,
    /// It is turned down: less than it wants may be lent, as the owner uses it or gave it back.
    OwnerIsBack,
    /// It is turned down: other borrowers were faster.
    OthersWereFaster,
}

/// What the master's hook and the agents' QoS controllers decide about lent resources.
pub trait Lending: std::fmt::Debug {
    /// The allocator said something; for instance how much may be lent on an agent from now on.
    fn hear(&mut self, effects: &Effects, now: Instant);

    /// What becomes of a launch on lent resources. Launches of one ACCEPT are asked for one after the other; what
    /// goes through begins before anything else is asked.
    fn admits(&mut self, launch: &TaskUse, now: Instant) -> Admission;

    /// A task, on lent resources or not, begins to use what it asked for.
    fn begins(&mut self, used: &TaskUse, now: Instant);

    /// A task, on lent resources or not, does not use it any more.
    fn ends(&mut self, used: &TaskUse, now: Instant);

    /// The tasks that an agent ends after one without lent resources began there.
    fn evicts(&mut self, agent: usize, now: Instant) -> Vec<u64>;
}

/// Nothing is lent: whoever asks for lent resources has none.
#[derive(Debug, Clone, Copy, Default)]
pub struct NothingLent;

impl Lending for NothingLent {
    fn hear(&mut self, _: &Effects, _: Instant) {}

    fn admits(&mut self, _: &TaskUse, _: Instant) -> Admission {
        Admission::OwnerIsBack
    }

    fn begins(&mut self, _: &TaskUse, _: Instant) {}

    fn ends(&mut self, _: &TaskUse, _: Instant) {}

    fn evicts(&mut self, _: usize, _: Instant) -> Vec<u64> {
        Vec::new()
    }
}
