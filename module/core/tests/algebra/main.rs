//! Arithmetic on resources as the crate shows it, and what of it decides who is offered what.
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "in a test a panic is the message, in its support files too")]

mod offers;
mod ranges_and_sets;
mod scalars;
