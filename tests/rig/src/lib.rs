#![forbid(unsafe_code)]
//! A real Mesos 1.11.0 from its published binary, for demo and tests.
//!
//! [`Rig::prepare`] fetches the binary through the user's own pip, checks it, generates stand-ins for libraries it
//! wants and compiles a launcher, all kept in a cache folder outside the source tree. [`Rig::master`] and
//! [`Rig::agent`] then start masters and agents in processes of their own, each with a free port and a temporary
//! folder; their values are guards that stop the process, end its containers and remove its folder. A
//! [`Framework`] subscribes, takes offers and launches tasks, which the [`executor`] program runs.
//!
//! What is missing on the machine is named by [`RigError`] with the command that mends it. Everything that waits has
//! a deadline.
//!
//! ```no_run
//! use std::time::Duration;
//! use apportion_rig::{Framework, FrameworkSpec, Rig, TaskSpec, TaskState};
//!
//! # fn main() -> Result<(), apportion_rig::RigError> {
//! let within = Duration::from_secs(10);
//! let rig = Rig::prepare(|step| eprintln!("{step}"))?;
//! let master = rig.master().start()?;
//! let agent = rig.agent(master.address()).attributes("rack:a").start()?;
//!
//! let mut framework = Framework::subscribe(master.address(), FrameworkSpec::new("example"))?;
//! let offer = framework.next_offers(within)?.remove(0);
//! framework.launch(&offer, &[TaskSpec::new("greet", "echo hello")], None)?;
//! framework.wait_status("greet", TaskState::Finished, within)?;
//! println!("{}", agent.sandbox(framework.id(), "greet")?.join("stdout").display());
//! # Ok(())
//! # }
//! ```
//!
//! [`SimulatedAgents`] are thousands of agents in this process, for a real master. Many frameworks subscribe with
//! [`Framework::subscribe_all`] and act at the same time with [`Framework::side_by_side`], each at its own pace:
//! [`Framework::offers_thought_over`].
//!
//! Not here: authentication of frameworks and agents, and TLS (the libraries behind them are stand-ins), and
//! everything the published binary does not hold, among it the fetcher for URIs and the web pages.

mod builder;
pub mod cache;
mod container;
mod error;
pub mod executor;
mod fetch;
mod framework;
mod http;
mod launcher;
mod process;
mod process_tree;
pub mod program;
pub mod recordio;
mod rig;
mod running;
mod simulated;
mod stubs;
mod wait;

pub use builder::{AgentBuilder, AgentRole, Builder, MasterBuilder, MasterRole, ModulesJson, Registry};
pub use container::{ContainerSpec, container_id};
pub use error::RigError;
pub use framework::{Event, Framework, FrameworkSpec, Offer, TaskSpec, TaskState, TaskStatus, scalar};
pub use http::Http;
pub use launcher::Variant;
pub use rig::{Rig, RigCopy, RigOptions};
pub use running::{Agent, AgentProcess, Master, MasterProcess, Running};
pub use simulated::{
    DiskSource, OperationAnswer, SimulatedAgents, SimulatedDisk, SimulatedProvider, SimulatedSpec,
    SimulatedTask, TaskEnd, TaskEvent,
};
