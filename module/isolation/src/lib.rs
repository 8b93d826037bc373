//! The isolator's books: a record for each container, its control group, and what it is launched with.
//!
//! # What it does
//!
//! * [`Settings::decide`] asks the rules about a container: whether it is refused, what it may use, what it is launched with.
//! * [`Containers::prepare`] gives environment variables and security settings of the configuration, or refuses the
//!   container by a rule, and makes its group with limits from its resources ([`Demand`]) and the policy.
//! * [`Containers::isolate`] puts the first process into the group before it runs anything of the container.
//! * [`Containers::update`] resizes a running container; [`Containers::watch`] tells through a [`Listener`] when one
//!   has to end, and why ([`Limitation`]).
//! * [`Containers::usage`] measures the group, or without one the process tree, from `/proc`.
//! * [`Containers::recover`] takes over containers that outlived the agent process and destroys groups that nobody
//!   knows; [`Containers::cleanup`] leaves nothing behind.
//!
//! # Invariants
//!
//! * One container's trouble stays its own: a poisoned container answers an error to everything but `cleanup`.
//! * Calls may come from several threads at once. The lock of the book is held for looking a record up, never while a
//!   file is touched; a container's own lock orders changes of its group. Listeners are called without any lock.
//! * What may take the kernel long is a chore of our thread: to end processes, to reclaim memory, to move many containers
//!   to other cores. A call of the host still waits while such a chore changes the same container, and `isolate` waits
//!   until a process with a core filter is executed (10 s at most).
//! * A process is killed by `cleanup`, and as the orphan of a recovery, and nowhere else: limits are Mesos' to enforce.
//! * Without groups in the settings there are no threads, and nothing outside of `/proc` is read.
//! * A pid is believed only while the process has the start time it had when it was recorded.
//!
//! Where to read next: [`Containers`], then [`GroupPolicy`] and [`Rlimit`].
#![forbid(unsafe_code)]

mod books;
mod chores;
mod container_id;
mod containers;
mod cores;
mod demand;
mod error;
mod host;
mod launch;
mod limitation;
mod processes;
mod record;
mod report;
mod rlimit;
mod rules;
mod settings;

pub use books::{Listener, Notice};
pub use container_id::ContainerId;
pub use containers::{
    Asked, Cleanup, Containers, Preparation, Recovered, RecoverySummary, Status, Totals, Usage,
};
pub use demand::{AmountError, Amounts, Demand};
pub use error::IsolationError;
pub use host::Host;
pub use launch::{
    AgentFlags, AgentLauncher, Capability, CapabilityHolder, CapabilityPlan, CommandLine, LaunchAbilities,
    LaunchCase, LaunchKind, LaunchPlan, LaunchRefusal, LaunchSettings, Machine, Mount, MountTable,
    ProcessSettingError, SeccompAction, SeccompArgument, SeccompError, SeccompProfile, SeccompRule,
};
pub use limitation::{Exhausted, Limitation};
pub use processes::{Consumption, ProcessIdentity, measure};
pub use report::{ContainerReport, GroupReport, OwnGroupReport, Report};
pub use rlimit::{Limit, Rlimit, RlimitError, RlimitKind};
pub use rules::{ContainerRule, DeviceChanges, LimitChanges, REASON_BYTES_MAX};
pub use settings::{Breaches, CorePlacement, Decision, GroupPolicy, GroupSettings, Settings};
