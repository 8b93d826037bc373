//! Configuration of the four modules: one file, or a few keys in the modules JSON.
//!
//! Mesos hands each module flat pairs of text. They are either one pair `config=/path/to/apportion.toml`, or keys of
//! the same schema written out with dots (`hook.environment.RACK=r1`), never both. The file beside this crate,
//! `apportion.sample.toml`, shows every key.
//!
//! # Invariants
//!
//! * Validation is total: every problem is found in one go, and each says where it is, what was found, what was
//!   expected, and what was probably meant.
//! * No input makes it panic: bytes that are not UTF-8, endless files and half a file are problems.
//! * What is written and what is used ([`Config`]) are different types; only this crate knows the first.
//!   A `Config` is ready to use: templates are compiled, limits compared.
//! * Nothing is applied here.
//!
//! Where to read next: [`Config`], then [`Problems`].
#![forbid(unsafe_code)]

mod checked;
mod container_written;
mod entry_points;
mod file;
mod lending;
mod lending_json;
mod lending_written;
mod names;
mod parameters;
mod problem;
mod quantities;
mod raw;
mod reader;
mod rule_written;
mod schema;
mod words;
mod written;

pub use checked::{
    AllocatorConfig, AllocatorOrder, Config, Drill, Examination, HookConfig, HookEndpoint, IsolatorConfig,
    Rule,
};
pub use entry_points::{ENTRY_POINTS, is_entry_point};
pub use file::FILE_BYTES_MAX;
pub use lending::{
    BackOff, BorrowerRule, EvictionConfig, FAN_OUT_MAX, IdleSource, LenderRule, LendingBound, LendingConfig,
    PRIORITY_MAX, RoleLimits, written_amount, written_duration,
};
pub use names::schema_keys;
pub use problem::{Kind, Place, Problem, Problems};
pub use reader::{
    COMMAND_SECONDS, COMMAND_SECONDS_MAX, EXPRESSIONS_MAX, HOOK_RULES_MAX, LENT_MAX, ROLE_LIMITS_MAX,
    ROLE_PATTERNS_MAX,
};
pub use schema::{HOOK_SCHEMA, ISOLATOR_SCHEMA, LENDING_SCHEMA, SchemaKey, SchemaTable};
