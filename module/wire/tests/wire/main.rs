//! The crate against messages that declare every field, against broken input, and against arbitrary bytes.
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "what the tests build themselves has to be right")]

mod amounts_by_name;
mod broken;
mod conversions;
mod entropy;
mod formats;
mod full;
mod json_text;
mod labels;
mod metadata;
mod never_panics;
mod numbers;
mod operations;
mod parsing;
mod plain_text;
mod round_trip;
mod stock;
mod table;
mod values;
