//! The eleven methods, from message to message; rules that are read again; and what must not get out.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failure to prepare a test is a failure of the test")]

mod agents;
mod containers;
mod cost;
mod environment;
mod events;
mod labels;
mod messages;
mod reload;
mod resources;
mod secrets;
