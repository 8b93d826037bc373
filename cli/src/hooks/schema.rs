//! The Mesos messages that describe a task, executor, framework and agent, as JSON spells them: every member of
//! Mesos 1.11, so that a name that is not here is a mistake.

mod agent;
mod container;
mod framework;
mod task;

pub(super) use agent::SLAVE_INFO;
pub(super) use framework::FRAMEWORK_INFO;
pub(super) use task::{EXECUTOR_INFO, TASK_INFO};

/// A message.
#[derive(Debug)]
pub(super) struct Message {
    /// Its name in Mesos, without the package.
    pub(super) name: &'static str,
    pub(super) members: &'static [Member],
}

/// A member of a message.
#[derive(Debug)]
pub(super) struct Member {
    /// Its name in JSON.
    pub(super) name: &'static str,
    /// Its number on the wire.
    pub(super) number: u32,
    pub(super) presence: Presence,
    pub(super) kind: Kind,
}

/// How often a member occurs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    Required,
    Optional,
    Repeated,
}

/// Names of an enumeration with their numbers.
pub(super) type Choices = &'static [(&'static str, i32)];

/// What a member holds.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Text,
    /// Base64 in JSON.
    Bytes,
    Flag,
    Double,
    Int32,
    Int64,
    Uint32,
    Uint64,
    Choice(Choices),
    Nested(&'static Message),
    /// An object whose names are the user's own.
    Map(&'static Kind),
    /// `mesos.Resource`, which has a reader of its own.
    Resource,
}

/// One line of a message.
const fn member(name: &'static str, number: u32, presence: Presence, kind: Kind) -> Member {
    Member { name, number, presence, kind }
}
