//! Fuzz targets: what each does with an input, and what must hold whatever the input is.
//!
//! | target | input | must hold |
//! |---|---|---|
//! | [`resource`] | a serialised `Resource` | taken apart and put together nothing is lost; identities keep their promises |
//! | [`messages`] | any message of the host | decoded, or refused with its place; encoded it is the same |
//! | [`operation`] | a serialised `Offer.Operation` | conversions neither make nor lose amounts |
//! | [`text`] | resources and quantities as text or JSON | what is written can be read again and is the same |
//! | [`configuration`] | `apportion.toml`, module parameters | settings, or problems that each say where |
//! | [`template`] | a template of a rule | refused, or a value within its bound for any facts |
//! | [`hook`] | rules and the host's messages for the eleven methods | answers within the limits; no secret is shown |
//! | [`border`] | calls of the table of C functions | an answer within the header's rules, never a panic |
//! | [`history`] | events of an allocator | the books stay right, nothing is offered twice |
//!
//! An input is bytes; a target panics if something does not hold. The programs in `fuzz_targets` hand libFuzzer's
//! inputs to these functions; `docs/fuzzing.md` tells how to run them.
//!
//! Unsafe code is denied but in `border`, which calls through the table as the C++ side does.
#![deny(unsafe_code)]

/// What a target does with an input.
pub type Run = fn(&[u8]);

/// The function of each target, by its name.
pub const TARGETS: [(&str, Run); 9] = [
    ("border", border::run),
    ("configuration", configuration::run),
    ("history", history::run),
    ("hook", hook::run),
    ("messages", messages::run),
    ("operation", operation::run),
    ("resource", resource::run),
    ("template", template::run),
    ("text", text::run),
];

mod entropy;
mod wire;

pub mod border;
pub mod configuration;
pub mod history;
pub mod hook;
pub mod messages;
pub mod operation;
pub mod resource;
pub mod seeds;
pub mod template;
pub mod text;
