//! The isolator's books: a record for each container, what it is launched with, and what its processes use.
//!
//! # What it does
//!
//! * [`Containers::prepare`] gives the environment variables and resource limits of the configuration.
//! * [`Containers::usage`] adds up CPU time, memory, processes and threads of a container's process tree, from `/proc`.
//! * [`Containers::recover`] takes over containers that outlived the agent process; [`Containers::cleanup`] forgets.
//!
//! # Invariants
//!
//! * One container's trouble stays its own: a poisoned container answers an error to everything but `cleanup`.
//! * Calls may come from several threads at once; no lock is held while `/proc` is read.
//! * Nothing here ends or limits a process: Mesos applies what `prepare` returns, and kills.
//! * No control groups. A pid is believed only while the process has the start time it had when it was recorded.
//!
//! Where to read next: [`Containers`], then [`Rlimit`].
#![forbid(unsafe_code)]

mod container_id;
mod containers;
mod launch;
mod processes;
mod rlimit;
mod settings;

pub use container_id::ContainerId;
pub use containers::{
    Amounts, Containers, IsolationError, Launch, Preparation, Recovered, Status, Usage, Watch,
};
pub use launch::{Capability, LaunchSettings};
pub use processes::{Consumption, ProcessIdentity, measure};
pub use rlimit::{Limit, Rlimit, RlimitError, RlimitKind};
pub use settings::{Breaches, CorePlacement, Decision, GroupPolicy, GroupSettings, Settings};
