//! Scripts of a cluster, each run under both allocators.
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a step that cannot be taken fails the test")]

mod agents;
mod chance;
mod deliberate;
mod disks;
mod frameworks;
mod large;
mod offers;
mod providers;
mod quota;
mod reservations;
mod resources;
mod sharing;
mod upkeep;
mod volumes;
