//! Why a launch is not admitted, for the person who asked for it.

use apportion_core::{Amount, Text};
use thiserror::Error;

/// Why a launch is turned down. The texts are for whoever runs the framework: they say what was asked and what was left,
/// and name no other framework and no role.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TurnedDown {
    /// Too little is left: somebody was faster, or an owner came back. The only reason that is a conflict.
    #[error(
        "not enough lent {} is left on this agent, {wanted} wanted and {left} left \
         (owners use {owners}, loans of the same or a higher priority {loans}, {lendable} may be lent)",
        Text(.resource)
    )]
    NotLeft {
        /// Name of the resource, the first that there is too little of.
        resource: Box<[u8]>,
        /// What the launch wants, for its whole gang if it belongs to one.
        wanted: Amount,
        /// What could still be had.
        left: Amount,
        /// In use by tasks of owners, or claimed before by tasks of the same call.
        owners: Amount,
        /// In use by loans of the same or a higher priority, or claimed before by tasks of the same call.
        loans: Amount,
        /// What may be lent on the agent in all.
        lendable: Amount,
    },
    /// A task with lent resources for an executor that has tasks without.
    #[error(
        "its executor runs tasks without lent resources, and may not run tasks with lent resources besides; use \
         another executor id"
    )]
    ExecutorIsRegular,
    /// A task without lent resources for an executor that has tasks with.
    #[error(
        "its executor runs tasks with lent resources, and may not run tasks without besides; use another executor id"
    )]
    ExecutorIsLent,
    /// An earlier task of its gang was turned down.
    #[error("another task of its gang {} was turned down", Text(.gang))]
    Gang {
        /// Name of the gang.
        gang: Box<[u8]>,
    },
    /// It wants more than its gang has left: more tasks than were announced, or larger ones than the first.
    #[error(
        "its gang {} has only {left} lent {} left of what its first task claimed for all, and it wants {wanted}; the \
         first task must be the largest, and the count that of all tasks",
        Text(.gang),
        Text(.resource)
    )]
    BeyondGang {
        /// Name of the gang.
        gang: Box<[u8]>,
        /// Name of the resource, the first that there is too little of.
        resource: Box<[u8]>,
        /// What the task wants.
        wanted: Amount,
        /// What the gang has left.
        left: Amount,
    },
    /// A label that should name a gang and does not.
    #[error(
        "its label apportion_gang is `{}` and should be a name, a colon and the number of tasks, from 1 to {most}, as \
         in `ring:4`",
        Text(.label),
        most = crate::Gang::MOST_TASKS
    )]
    NotAGang {
        /// What the label says.
        label: Box<[u8]>,
    },
}

impl TurnedDown {
    /// Whether it would have been admitted had there been more to lend. What breaks a rule is no conflict, nor is what
    /// falls with its gang: a gang is one conflict.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        matches!(self, TurnedDown::NotLeft { .. })
    }
}
