//! Control groups for containers: the engine below the isolator. It knows nothing of Mesos.
//!
//! # Way of a container
//!
//! ```text
//! Hierarchy::detect ─► place ─► Groups::open             once: what the host has, where our groups go
//!                                  │
//! Requests, Ceilings ─► Limits ─► Plan (pure)            for each container
//!                                  │
//!                  Groups: create, apply, add ─► usage, Watcher ─► kill, destroy
//!                                  │
//!                               recover                  after a restart
//! ```
//!
//! The pure half, for a container that asked for half a CPU and 256 MiB and may take a whole one:
//!
//! ```
//! use apportion_cgroups::{Abilities, Bound, Ceilings, Limits, Plan, Requests, SizingPolicy, Version};
//!
//! let requests = Requests { cpus_milli: 500, memory_bytes: 256 << 20, ..Requests::default() };
//! let ceilings = Ceilings { cpus_milli: Some(Bound::At(1000)), ..Ceilings::default() };
//! let limits = Limits::for_container(requests, ceilings, &SizingPolicy::default());
//! let plan = Plan::create(&limits, &Abilities::all(Version::V2))?;
//! let texts: Vec<String> = plan.writes().map(|write| format!("{}: {}", write.file, write.text)).collect();
//! let expected =
//!     ["cpu.weight: 50", "cpu.max: 100000 100000", "memory.low: 268435456", "memory.max: 268435456"];
//! assert_eq!(texts, expected);
//! # Ok::<(), apportion_cgroups::PlanError>(())
//! ```
//!
//! # Invariants
//!
//! * Plans are pure; only [`Groups`] writes, only below its own parent group, and through [`Kernel`] alone.
//! * Whatever the kernel writes is parsed without a panic; what is not understood is left out.
//! * Every error names the file or group, what was tried, the text, what the system said, and the cure.
//! * Every wait and every list is bounded.
//!
//! Where to read next: [`Hierarchy::place`], [`Plan`] with the table of settings, [`Groups`].
#![forbid(unsafe_code)]

mod abilities;
mod controller;
mod cure;
mod ending;
mod error;
mod events;
#[cfg(feature = "fake")]
pub mod fake;
mod groups;
mod hierarchy;
mod kernel;
mod limits;
mod live;
mod mounts;
mod names;
mod opening;
mod parse;
mod placement;
mod plan;
mod processes;
mod recovery;
mod settings;
mod sight;
mod sizing;
mod usage;

pub use abilities::{Abilities, Ability, IoWeightFile, WeightScale};
pub use controller::{Controller, Version};
pub use error::{Action, GroupError, Refusal, Survivor};
pub use events::{Counts, Event, EventKind, LEGACY_LOOK, WATCHED_MAX, Watcher};
pub use groups::{Applied, Groups, Kept, Patience, Shape};
pub use hierarchy::{Hierarchy, Layout, Mount};
pub use kernel::{Kernel, Pid};
pub use limits::{
    Bound, CpuLimits, CpuSet, Device, DeviceLimits, IoLimits, LimitError, Limits, MemoryLimits, Numbers,
    PageSize, SHARES_DEFAULT, SHARES_MAX, SHARES_MIN,
};
pub use live::LiveKernel;
pub use names::{DEPTH_MAX, GroupName, GroupPath, NAME_BYTES_MAX, NameError};
pub use opening::Claim;
pub use placement::{AGENT_GROUP, Base, Finding, Place, Placement, Wish};
pub use plan::{Change, Held, Plan, PlanError, Unsupported, Write};
pub use recovery::Found;
pub use sight::Seen;
pub use sizing::{Ceilings, Protection, Requests, SizingPolicy, SwapPolicy};
pub use usage::{
    CpuUsage, IoUsage, MemoryUsage, PidsUsage, Pressure, Pressures, Stall, Usage, cpu_legacy, cpu_unified,
    io_legacy, io_unified, memory_legacy, memory_unified, pressure,
};
