//! One scripted cluster, run twice on a real master: with the built-in allocator and with ours. After each step of a
//! script everything that an operator can see of allocations is read and compared.
//!
//! A [script](Cluster) starts simulated agents, subscribes frameworks over HTTP, sends calls of frameworks and of the
//! operator, and marks its steps. [`compare`] runs it under both allocators and fails with every difference that is
//! not listed with the script, where each names the row of `docs/differences.md` that explains it.
//!
//! What may differ without being a difference is left out, each with its reason, in [`observation`] and [`metrics`]:
//! both allocators visit agents in a random order, so which of several equal agents a framework gets is not compared,
//! but how many, and with what.
//!
//! `APPORTION_DIFFERENTIAL_AGENTS` plays the script of many equal agents with so many; `cargo xtask nightly` does with 10,000.
//!
//! `APPORTION_DIFFERENTIAL=builtin` runs the built-in allocator against itself: a script that differs then is not
//! stable. `APPORTION_DIFFERENTIAL_RECORD` names a folder for what was observed.
#![forbid(unsafe_code)]

mod cluster;
mod comparison;
pub mod metrics;
mod names;
pub mod observation;
mod operator;
mod settling;

pub use cluster::{Cluster, LONG, Setting};
pub use comparison::{Explained, compare};
pub use operator::{form, in_seconds};
