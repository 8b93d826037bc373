//! The crate against messages that declare every field, against broken input, and against arbitrary bytes.
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "what the tests build themselves has to be right")]

mod broken;
mod entropy;
mod full;
mod labels;
mod never_panics;
mod numbers;
mod operations;
mod parsing;
mod round_trip;
mod table;
mod values;
