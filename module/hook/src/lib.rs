//! The hook module without its border: Mesos' messages in, what they become out.
//!
//! ```text
//! message ─► question (facts, what may change) ─► apportion-policy decides ─► changes ─► message
//! ```
//!
//! * [`question`] puts the host's messages into the form of the rules, one function for each of the eleven methods. A
//!   rehearsal without a host uses the same.
//! * [`Hooks`] has the rules in force, follows changes of their file, remembers launches for the methods that are told
//!   only an executor or an id, and hands audit lines and commands to threads that the host never waits for.
//! * [`Room`] is what a task's offer holds beside the task.
//!
//! # How the host takes answers (Mesos 1.11.0)
//!
//! | method | what the host does with the answer |
//! |---|---|
//! | labels of a task, master and agent | replaces them all; the master's own page keeps the framework's |
//! | resources of a task | replaces them, before it validates the task |
//! | environment of an executor | replaces it for the next hook module; then lays it under what the executor's command sets |
//! | Docker | lays it over what is there, of several modules the last counts |
//! | labels of a status | replaces them |
//! | resources and attributes of an agent | replaces them |
//!
//! So every answer is the whole set with our changes in it, or nothing when nothing changes.
//!
//! # Invariants
//!
//! * A call of the host never waits for a file, a process or a lock that is held meanwhile.
//! * Nothing that stands in a file that rules name gets into a line of the log, a report, an audit line, a command's
//!   arguments or its input; those that become attributes of an agent are public anyway.
//! * Rules that cannot be read leave those before in force.
#![forbid(unsafe_code)]

mod entries;
pub mod facts;
mod hooks;
mod host;
mod pace;
pub mod question;
mod reactions;
mod remembered;
mod report;
mod resources;
mod rules;
mod watch;

/// What the value of an attribute becomes, so that the agent can have it; `None` if nothing of it is left.
pub use apportion_detection::attribute_text;
pub use hooks::Hooks;
pub use host::Gatherer;
pub use reactions::{AUDIT_FIELDS, COMMAND_VARIABLES, Told, command_document};
pub use remembered::{REMEMBERED_BYTES_MAX, REMEMBERED_MAX, Remembered};
pub use resources::Room;
pub use rules::Origin;
