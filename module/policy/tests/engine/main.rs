//! The rule engine as its callers use it.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failure to prepare a test is a failure of the test")]

mod actions;
mod conditions;
mod hostile;
mod patterns;
mod resources;
mod rulebook;
mod scenes;
mod values;
