//! The Rust side of the border: the table of C functions that the C++ shim calls.
//!
//! One call goes through three layers, each in files of its own:
//!
//! 1. `lent`, `buffer`, `handle`, `guard`: raw views become slices, results become buffers, a panic becomes the
//!    answer that suits the module. All `unsafe` code of this crate is there and in the entry points.
//! 2. `allocator`, `hook`, `isolator`, `qos_controller`: bytes become values of the pure crates, their answers become
//!    bytes again.
//!    What allocator and hook of one process have to know of each other is in `offer_book` and `commits`; what hook,
//!    isolator and QoS controller have to, in `reclaim`.
//! 3. The pure crates decide: `apportion-core`, `apportion-ledger`, `apportion-policy` by way of `apportion-hook`,
//!    `apportion-isolation`, `apportion-eviction`.
//!
//! # Panics and faults
//!
//! | module | a call panics or breaks an invariant | later calls |
//! |---|---|---|
//! | allocator | `APPORTION_FATAL`: the shim logs the reason and ends the process | `APPORTION_FATAL` |
//! | hook | `APPORTION_FAILED`: the host logs it and goes on unchanged | go on |
//! | isolator | `APPORTION_FAILED`: that container's future fails | that container only can be cleaned up |
//! | QoS controller | `APPORTION_FAILED` | go on |
//!
//! # What is deliberately absent
//!
//! No Mesos symbol: the crate links into ordinary test programs. What it needs of the host it asks through [`Host`],
//! which the library proper implements with the C++ services behind the cxx bridge.

#[expect(
    missing_docs,
    non_camel_case_types,
    reason = "generated; the comments are in the C header"
)]
#[rustfmt::skip]
pub mod abi;
mod allocator;
mod buffer;
mod commits;
mod guard;
mod handle;
mod hook;
mod host;
mod isolator;
mod lent;
mod module;
mod offer_book;
mod qos_controller;
mod reclaim;
mod table;

pub use host::{Host, Severity, connect};
pub use table::ENTRIES;
