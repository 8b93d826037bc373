//! The table of functions, called through its pointers as the shim calls it.
//!
//! | file | what is in it |
//! |---|---|
//! | `border.rs`, `arguments.rs`, `shim.rs` | the shim's side: views, places for answers, handles, the host, slots |
//! | `messages.rs`, `calls.rs` | host messages as bytes, and one good call of every entry point |
//! | `broken_arguments.rs`, `broken_commits.rs`, `broken_contents.rs` | what is refused, and that nothing is left of it |
//! | `contradictions.rs` | what an allocator cannot believe, and what ends it |
//! | `constraints.rs`, `maintenance.rs`, `metrics.rs` | offer constraints, inverse offers, numbers |
//! | `panics.rs` | fault drills in every entry point |
//! | `allocator.rs`, `fidelity.rs`, `hook.rs`, `hook_endpoint.rs`, `isolator.rs`, `lending.rs`, `log.rs`, `qos_controller.rs` | what the modules do |
#![expect(clippy::unwrap_used, reason = "what the tests build themselves has to be right")]

mod allocator;
mod arguments;
mod border;
mod broken_arguments;
mod broken_commits;
mod broken_contents;
mod calls;
mod constraints;
mod contradictions;
mod fidelity;
mod hook;
mod hook_endpoint;
mod isolator;
mod lending;
mod log;
mod maintenance;
mod messages;
mod metrics;
mod panics;
mod qos_controller;
mod shim;
mod turned_away;
