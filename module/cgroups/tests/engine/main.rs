//! The engine on a model of the kernel's file system: hosts of all kinds, orders of writes, faults.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod claims;
mod faults;
mod hosts;
mod lives;
mod orders;
mod settings;
mod support;
mod usage;
mod watching;
