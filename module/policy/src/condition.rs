//! What a rule asks for before it acts.

use std::fmt;

use crate::comparison::{AttributeTest, ResourceTest};
use crate::parse_fault::{ParseFault, quoted};
use crate::pattern::Pattern;

/// How deep `all`, `any` and `not` may nest.
pub const CONDITION_DEPTH_MAX: usize = 8;

/// A condition on facts. [`Condition::default`] always holds.
///
/// A fact that is not known at a point makes a condition about it neither true nor false there; see [`Truth`].
///
/// ```
/// use apportion_policy::{Condition, TextField};
///
/// let role = Condition::text(TextField::Role, &["prod/**", "stage"])?;
/// let condition = Condition::All(vec![role, Condition::Not(Box::new(Condition::text(TextField::Task, &["web-*"])?))]);
/// assert_eq!(condition.to_string(), "role is one of prod/**, stage and not task is web-*");
/// # Ok::<(), apportion_policy::ParseFault>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// Every one of them; always true if there is none.
    All(Vec<Condition>),
    /// At least one of them; never true if there is none.
    Any(Vec<Condition>),
    /// The opposite.
    Not(Box<Condition>),
    /// A text field matches one of the patterns.
    Text(TextField, Vec<Pattern>),
    /// The container is of one of these types.
    Container(Vec<ContainerType>),
    /// A label is there, is not there, or matches.
    ///
    /// Where labels are decorated these are the labels as earlier rules left them; elsewhere those of the task, or,
    /// where no task is known, of the executor.
    Label(String, Presence),
    /// An environment variable is there, is not there, or matches.
    ///
    /// Where an environment is decorated it is the one that earlier rules left; elsewhere that of the task's command,
    /// or, where no task is known, of the executor's.
    Variable(String, Presence),
    /// A test on an attribute of the agent.
    Attribute(AttributeTest),
    /// A test on resources: of the agent where only the agent is concerned, elsewhere of the task, or, where no task
    /// is known, of the executor. Where a container is about to start it is on those of the container, if it has any.
    Resource(ResourceTest),
}

/// What is asked of a label or a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presence {
    /// It is there, with whatever value.
    Present,
    /// It is not there.
    Absent,
    /// It is there, and its value matches one of the patterns.
    Matches(Vec<Pattern>),
}

/// A fact that is one text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TextField {
    /// Name of the framework.
    Framework,
    /// Id of the framework.
    FrameworkId,
    /// Principal of the framework.
    Principal,
    /// User of the framework; where a container is about to start, the one that it runs as, if that is known.
    User,
    /// Role that the launch is allocated to.
    Role,
    /// Name of the task.
    Task,
    /// Id of the task.
    TaskId,
    /// Name of the executor.
    Executor,
    /// Id of the executor.
    ExecutorId,
    /// Host name of the agent.
    Hostname,
    /// Image of the container.
    Image,
}

impl TextField {
    /// All fields, in the order of the documentation.
    pub const ALL: [TextField; 11] = [
        TextField::Framework,
        TextField::FrameworkId,
        TextField::Principal,
        TextField::User,
        TextField::Role,
        TextField::Task,
        TextField::TaskId,
        TextField::Executor,
        TextField::ExecutorId,
        TextField::Hostname,
        TextField::Image,
    ];

    /// The key in the configuration, for example `framework_id`.
    pub fn key(self) -> &'static str {
        match self {
            TextField::Framework => "framework",
            TextField::FrameworkId => "framework_id",
            TextField::Principal => "principal",
            TextField::User => "user",
            TextField::Role => "role",
            TextField::Task => "task",
            TextField::TaskId => "task_id",
            TextField::Executor => "executor",
            TextField::ExecutorId => "executor_id",
            TextField::Hostname => "hostname",
            TextField::Image => "image",
        }
    }

    /// The same fact in a template, for example `framework.id`.
    pub fn fact(self) -> &'static str {
        match self {
            TextField::Framework => "framework.name",
            TextField::FrameworkId => "framework.id",
            TextField::Principal => "framework.principal",
            TextField::User => "framework.user",
            TextField::Role => "framework.role",
            TextField::Task => "task.name",
            TextField::TaskId => "task.id",
            TextField::Executor => "executor.name",
            TextField::ExecutorId => "executor.id",
            TextField::Hostname => "agent.hostname",
            TextField::Image => "container.image",
        }
    }

    /// The field of this key, or `None`.
    pub fn named(key: &str) -> Option<TextField> {
        TextField::ALL.into_iter().find(|field| field.key() == key)
    }

    /// Reads a pattern for this field: a role has components.
    ///
    /// # Errors
    ///
    /// As [`Pattern::parse`] and [`Pattern::parse_role`].
    pub fn pattern(self, source: &str) -> Result<Pattern, ParseFault> {
        if self == TextField::Role { Pattern::parse_role(source) } else { Pattern::parse(source) }
    }
}

/// What a container is run by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ContainerType {
    /// None is asked for: the task runs as a process in the agent's default container.
    None,
    /// The Mesos containerizer.
    Mesos,
    /// The Docker containerizer.
    Docker,
}

impl ContainerType {
    /// All types.
    pub const ALL: [ContainerType; 3] = [ContainerType::None, ContainerType::Mesos, ContainerType::Docker];

    /// The name in the configuration and in templates.
    pub fn name(self) -> &'static str {
        match self {
            ContainerType::None => "none",
            ContainerType::Mesos => "mesos",
            ContainerType::Docker => "docker",
        }
    }

    /// Reads the name of a type.
    ///
    /// # Errors
    ///
    /// Another name.
    pub fn parse(name: &str) -> Result<ContainerType, ParseFault> {
        ContainerType::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| {
            ParseFault::new(format!("the unknown container type {}", quoted(name)), "none, mesos or docker")
        })
    }
}

impl Default for Condition {
    fn default() -> Self {
        Condition::All(Vec::new())
    }
}

impl Condition {
    /// A text field that matches one of some patterns.
    ///
    /// # Errors
    ///
    /// The first pattern that is none.
    pub fn text(field: TextField, patterns: &[&str]) -> Result<Condition, ParseFault> {
        let patterns = patterns.iter().map(|source| field.pattern(source)).collect::<Result<_, _>>()?;
        Ok(Condition::Text(field, patterns))
    }

    /// How many conditions are within each other here: 1 for a plain one.
    pub fn depth(&self) -> usize {
        match self {
            Condition::All(inner) | Condition::Any(inner) => {
                1 + inner.iter().map(Condition::depth).max().unwrap_or(0)
            }
            Condition::Not(inner) => 1 + inner.depth(),
            _ => 1,
        }
    }
}

/// Three-valued truth: what is not known is neither, and so is its opposite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    /// The condition holds.
    True,
    /// The condition does not hold.
    False,
    /// A fact that decides it is not known here.
    Unknown,
}

impl Truth {
    /// False if one is false, else unknown if one is unknown.
    #[must_use]
    pub fn and(self, other: Truth) -> Truth {
        match (self, other) {
            (Truth::False, _) | (_, Truth::False) => Truth::False,
            (Truth::Unknown, _) | (_, Truth::Unknown) => Truth::Unknown,
            (Truth::True, Truth::True) => Truth::True,
        }
    }

    /// True if one is true, else unknown if one is unknown.
    #[must_use]
    pub fn or(self, other: Truth) -> Truth {
        self.opposite().and(other.opposite()).opposite()
    }

    /// True for false and false for true.
    #[must_use]
    pub fn opposite(self) -> Truth {
        match self {
            Truth::True => Truth::False,
            Truth::False => Truth::True,
            Truth::Unknown => Truth::Unknown,
        }
    }
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Truth {
        if holds { Truth::True } else { Truth::False }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Condition::All(inner) if inner.is_empty() => f.write_str("always"),
            Condition::Any(inner) if inner.is_empty() => f.write_str("never"),
            Condition::All(inner) => joined(f, inner, " and "),
            Condition::Any(inner) => joined(f, inner, " or "),
            Condition::Not(inner) => write!(f, "not {}", Operand(inner)),
            Condition::Text(field, patterns) => write!(f, "{} {}", field.key(), Patterns(patterns)),
            Condition::Container(kinds) => {
                let names: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
                write!(f, "container is {}", names.join(" or "))
            }
            Condition::Label(key, wanted) => write!(f, "label {} {wanted}", quoted(key)),
            Condition::Variable(name, wanted) => write!(f, "variable {} {wanted}", quoted(name)),
            Condition::Attribute(test) => write!(f, "attribute {test}"),
            Condition::Resource(test) => write!(f, "{test}"),
        }
    }
}

impl fmt::Display for Presence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Presence::Present => f.write_str("is there"),
            Presence::Absent => f.write_str("is not there"),
            Presence::Matches(patterns) => Patterns(patterns).fmt(f),
        }
    }
}

/// Patterns of which one is enough.
struct Patterns<'a>(&'a [Pattern]);

impl fmt::Display for Patterns<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.len() == 1 { "is " } else { "is one of " })?;
        for (number, pattern) in self.0.iter().enumerate() {
            write!(f, "{}{pattern}", if number == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

/// A condition within another one, in parentheses where it is made of several.
struct Operand<'a>(&'a Condition);

impl fmt::Display for Operand<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Condition::All(inner) | Condition::Any(inner) if inner.len() > 1 => write!(f, "({})", self.0),
            other => other.fmt(f),
        }
    }
}

fn joined(f: &mut fmt::Formatter<'_>, conditions: &[Condition], word: &str) -> fmt::Result {
    for (number, condition) in conditions.iter().enumerate() {
        write!(f, "{}{}", if number == 0 { "" } else { word }, Operand(condition))?;
    }
    Ok(())
}
