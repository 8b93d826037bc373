//! The Mesos messages that describe a task, executor, framework and agent, as JSON spells them: every member of
//! Mesos 1.11, so that a name that is not here is a mistake.

mod agent;
mod container;
mod framework;
mod task;

pub(super) use agent::SLAVE_INFO;
pub(super) use apportion_wire::schema::Presence;
pub(super) use framework::FRAMEWORK_INFO;
pub(super) use task::{EXECUTOR_INFO, TASK_INFO};

pub(super) type Message = apportion_wire::schema::Message<Kind>;
pub(super) type Member = apportion_wire::schema::Member<Kind>;

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
    Member::new(name, number, presence, kind)
}
