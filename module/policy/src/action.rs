//! What a rule does.

use crate::amount::{Amount, Share};
use crate::pattern::Pattern;
use crate::value_source::ValueSource;

/// Names with their values, in the order of the configuration.
pub type Assignments = Vec<(String, ValueSource)>;

/// What to do with environment variables, in this order: `unset`, `rename`, `set`, `default`, `prepend`, `append`.
///
/// Variables that nothing names stay as they are. Templates see the environment as the rules before this one left it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EnvironmentActions {
    /// Variables that go.
    pub unset: Vec<Pattern>,
    /// Variables that get another name, old and new; one that is not there is left alone, one that has the new name
    /// already is replaced.
    pub rename: Vec<(String, String)>,
    /// Variables that get a value, whatever is there.
    pub set: Assignments,
    /// Variables that get a value if they are not there.
    pub default: Assignments,
    /// Variables whose value gets more in front.
    pub prepend: Vec<(String, Joined)>,
    /// Variables whose value gets more behind.
    pub append: Vec<(String, Joined)>,
}

/// What is joined to a value that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joined {
    /// The addition. Where nothing, or an empty value, is there, it is the whole value.
    pub value: ValueSource,
    /// What stands between them.
    pub separator: String,
}

impl Joined {
    /// What stands between two values unless the rule says otherwise.
    pub const SEPARATOR: &str = " ";
}

/// What to do with labels, in this order: `remove`, `set`, `default`.
///
/// Labels that nothing names stay as they are. Templates see the labels as the rules before this one left them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LabelActions {
    /// Labels that go, all that have such a key.
    pub remove: Vec<Pattern>,
    /// Labels that get a value, whatever is there.
    pub set: Assignments,
    /// Labels that get a value if there is none of that key.
    pub default: Assignments,
}

/// What to do with scalar resources of a task, in this order: `default`, `minimum`, `round`, `maximum`.
///
/// The maximum has the last word: rounding never lifts a task above it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskResourceActions {
    /// Amounts of resources that the task has nothing of.
    pub default: Vec<(String, Amount)>,
    /// Least amounts of resources that the task has some of.
    pub minimum: Vec<(String, Amount)>,
    /// Steps: what the task has is rounded up to a multiple.
    pub round: Vec<(String, Amount)>,
    /// Largest amounts.
    pub maximum: Vec<(String, Amount)>,
}

/// What to do with an agent when it starts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AgentActions {
    /// Attributes, whatever is there.
    pub attributes: Assignments,
    /// Resources that the agent does not offer.
    pub reserve: Vec<(String, Share)>,
}

/// A line in a file for each event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditAction {
    /// Absolute path of the file.
    pub file: String,
    /// Fields of the line beside those of every line.
    pub fields: Assignments,
}

/// A program to start for each event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandAction {
    /// The program, an absolute path, and its arguments. No shell.
    pub argv: Vec<ValueSource>,
    /// How long it may run, in seconds.
    pub timeout_seconds: u32,
}

impl EnvironmentActions {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self == &EnvironmentActions::default()
    }
}

impl LabelActions {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self == &LabelActions::default()
    }
}

impl TaskResourceActions {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self == &TaskResourceActions::default()
    }
}
