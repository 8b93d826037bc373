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
mod sizing;
mod usage;

pub use abilities::{Abilities, IoWeightFile, WeightScale};
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
pub use placement::{AGENT_GROUP, Base, Finding, Place, Placement, Wish};
pub use plan::{Change, Held, Plan, PlanError, Unsupported, Write};
pub use recovery::Found;
pub use sizing::{Ceilings, Protection, Requests, SizingPolicy, SwapPolicy};
pub use usage::{
    CpuUsage, IoUsage, MemoryUsage, PidsUsage, Pressure, Pressures, Stall, Usage, cpu_legacy, cpu_unified,
    io_legacy, io_unified, memory_legacy, memory_unified, pressure,
};
