//! Clusters of any size for the pure allocator, and the workloads by which its speed is judged.
//!
//! Benchmarks, instruction counts and large simulations build their clusters here, so that they speak of the same thing.
//! Only the public interface of [`apportion_core`] is used. Everything is deterministic: no clock, no randomness.
//!
//! - [`Shape`]: how many agents, frameworks and roles, and what they are like.
//! - [`Cluster`]: an allocator with them in it: add, offer, decline, launch, wait.
//! - [`Workload`]: a cluster that was made ready ([`Prepared`]), what is to be measured of it, and what must come of that.
//!
//! ```
//! use apportion_workloads::{Cluster, Shape, Size, find};
//! // A cluster by hand.
//! let (mut cluster, held) = Cluster::offered(Shape::plain(Size::new(20, 6, 3)));
//! assert_eq!(held.len(), 20);
//! cluster.decline(&held[..5], None);
//! assert_eq!(cluster.tick().offers.len(), 5);
//! // A workload by name.
//! let workload = find("full-cycle").unwrap();
//! let mut ready = workload.prepare(Size::new(20, 6, 3));
//! let outcome = ready.measure();
//! ready.check(&outcome).unwrap();
//! assert_eq!(ready.units(), 20);
//! ```
#![forbid(unsafe_code)]

mod catalogue;
mod cluster;
mod shape;
mod workload;

pub use catalogue::{all, find};
pub use cluster::{AGENT_CAPABILITIES, Cluster, FRAMEWORK_CAPABILITIES, Held, LONG};
pub use shape::{
    CPUS, DISK, Kinds, MEM, Shape, Size, Tree, agent_id, framework_id, ports, reserved_kind, volume_kind,
};
pub use workload::{Outcome, Prepared, Workload, Wrong};
