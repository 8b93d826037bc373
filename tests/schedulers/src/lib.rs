#![forbid(unsafe_code)]
//! What slow schedulers cost a cluster, and what lending idle capacity gives back: a simulation in the manner of the
//! Omega paper (Schwarzkopf, Konwinski, Abd-El-Malek and Wilkes, EuroSys 2013), with the modules' own decisions.
//!
//! Allocator, ledger and evictions are the real ones, told in simulated time what a master and its agents would tell
//! them. Agents, frameworks and jobs are made up; messages take no time, and neither does ending a task. Schedulers take time: `t_decision = t_job + n · t_task` for a job of which n tasks are
//! placed. While one decides it holds what it was offered.
//!
//! - [`Setup`] is what is simulated, [`Outcome`] what is found. The same setup gives the same outcome on every machine.
//! - [`Experiment`] simulates one workload for several decision times; [`table`] and [`plot`] show what came of it.
//! - [`Lending`] is where launches that are turned down and evictions come in; [`Modules`] decide them as the modules
//!   do.
//!
//! # Invariants
//!
//! - Tasks without lent resources never use more of an agent than it has, and the allocator is never told anything that
//!   it would warn of: a run that sees otherwise ends with a [`Fault`].
//! - What arrives does not depend on what becomes of it.
//!
//! # Not here
//!
//! Constraints on placement, machines of different sizes, failures, and jobs whose tasks are worth something only
//! together.

mod agenda;
mod cluster;
mod experiment;
mod lent;
mod modules;
mod outcome;
pub mod plot;
mod random;
mod scheduler;
mod simulation;
pub mod table;
mod tally;
mod workload;

pub use cluster::ClusterSpec;
pub use experiment::{Experiment, Mode, Point};
pub use lent::{Admission, Lending, NothingLent, TaskUse};
pub use modules::{LendingSpec, Modules};
pub use outcome::{Outcome, WorkOutcome};
pub use simulation::Setup;
pub use workload::{Arrival, Arrivals, SchedulerSpec, Shape, Work, WorkloadSpec};

/// Something that must not happen in a simulation: an error in the allocator, or in the simulation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The allocator was told something that contradicts its books.
    #[error("the allocator's books were contradicted: {0}")]
    Violation(#[from] apportion_core::Violation),
    /// The allocator does not take a kind of resource.
    #[error("the allocator refuses a resource: {0}")]
    Kind(#[from] apportion_core::KindRefused),
    /// The allocator found something odd in what it was told.
    #[error("the allocator warns: {0}")]
    Warned(String),
    /// More runs on an agent than it has, without any lent resources.
    #[error("agent {agent} has {has:?}, but {found:?} of it is in use")]
    OverCommitted {
        /// The agent, by its place among all.
        agent: usize,
        /// What is in use.
        found: Shape,
        /// What the agent has.
        has: Shape,
    },
    /// A task was to be evicted that does not run.
    #[error("task {task} was to be evicted, but it does not run")]
    NotRunning {
        /// Its number.
        task: u64,
    },
}
