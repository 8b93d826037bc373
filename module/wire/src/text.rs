//! Resources as text, both ways.
//!
//! | form | example | read by | written by |
//! |---|---|---|---|
//! | plain | `cpus:8;mem(web):4096;ports:[31000-32000];disks:{sda1}` | [`read`] | [`write_plain`] |
//! | JSON | `[{"name": "cpus", "type": "SCALAR", "scalar": {"value": 8}}]` | [`read`] | [`write_json`] |
//! | log line | `cpus(reservations: [(STATIC,web)]):8; mem:64` | nobody | [`describe`] |
//!
//! The plain form knows unreserved resources and those reserved by one static reservation, no more. The JSON form
//! has the members of `mesos.Resource` and everything in it, except for images and sources of volumes. What was
//! written can be read again and is the same, values in normal form ([`crate::Value::normalise`]).
//!
//! [`read_agent_resources`] is `read` with the rules of the agent's flag `--resources` on top.
//!
//! Two inputs are refused that Mesos takes: text between the role's `)` and the `:`, and members of a JSON object
//! that `mesos.Resource` does not have. Mesos passes over both, so that a slip of the pen is not noticed.

mod json;
mod log_line;
mod plain;
mod schema;

use crate::resource::{ReservationKind, ResourceParts, facts, split, upgrade, validate};
use crate::{ValueType, WireError};

pub use log_line::describe;
pub(crate) use plain::read_scalar as read_amount;

/// Why text is not resources.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// A part of the plain form cannot be read.
    #[error("in `{token}`: {problem}; expected {expected}")]
    Token {
        /// The part, between two semicolons.
        token: String,
        /// What is wrong with it.
        problem: String,
        /// What could stand there.
        expected: &'static str,
    },
    /// The text looks like JSON and is none.
    #[error("not valid JSON: {problem}; expected an array of resources, or text such as `cpus:8;mem:4096`")]
    NotJson {
        /// What the JSON reader says, with line and column.
        problem: String,
    },
    /// The text is JSON, but not an array.
    #[error("found {found}; expected a JSON array of resources: put it between `[` and `]`")]
    NotAnArray {
        /// What was found.
        found: &'static str,
    },
    /// A member in the JSON form is not what it has to be.
    #[error("{path}: found {found}; expected {expected}")]
    Member {
        /// Where, such as `resources[2].disk.source`.
        path: String,
        /// What is there.
        found: String,
        /// What could be there.
        expected: String,
    },
    /// A resource can be read but breaks a rule of Mesos.
    #[error("in `{place}`: {rule}")]
    Invalid {
        /// The part between two semicolons, or the path of the JSON element.
        place: String,
        /// The rule.
        rule: WireError,
    },
    /// A name is used with two types of values.
    #[error("`{name}` is given as {first} and as {second}; expected one type for a name, whatever the role")]
    TwoTypes {
        /// Name of the resource.
        name: String,
        /// The type that comes first.
        first: &'static str,
        /// The other one.
        second: &'static str,
    },
    /// A resource that an agent cannot start with.
    #[error(
        "`{resource}` {found}; the resources of an agent are given without: it arises only from {arises}"
    )]
    NotOfAnAgent {
        /// The resource, as in a log line.
        resource: String,
        /// What it is.
        found: &'static str,
        /// How such a resource comes to be.
        arises: &'static str,
    },
}

/// Why resources cannot be written as text.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PrintError {
    /// The plain form has no words for it.
    #[error("`{resource}` has no plain form: it {property}; write it as JSON")]
    NotPlain {
        /// The resource, as in a log line.
        resource: String,
        /// The property that there are no words for.
        property: &'static str,
    },
    /// A text of the host is no UTF-8, or contains a character that has a meaning in the plain form.
    #[error("{place}: `{text}` cannot be written there")]
    Characters {
        /// The resource, as in a log line, or the path of the JSON member.
        place: String,
        /// The text, escaped.
        text: String,
    },
    /// A field that the JSON form does not have.
    #[error("{path}: field {field} of the message has no name here")]
    UnknownField {
        /// Where in the JSON form.
        path: String,
        /// Number of the field.
        field: u32,
    },
    /// The parts do not make up a resource.
    #[error(transparent)]
    Unreadable(#[from] WireError),
}

/// Reads resources in the plain form or in the JSON form, of any kind that the form can say.
///
/// Both the older and the present format of reservations are taken. Where no role is given it is `default_role`;
/// `*` leaves the resource unreserved, any other role makes a static reservation. Resources of nothing (`cpus:0`) are
/// left out; equal ones are not added up.
///
/// ```
/// use apportion_wire::text;
///
/// let resources = text::read("cpus:2;mem(web):64", "*")?;
/// assert_eq!(text::write_plain(&resources).unwrap(), "cpus:2;mem(web):64");
/// # Ok::<(), text::TextError>(())
/// ```
///
/// # Errors
///
/// A [`TextError`] that quotes the part which is wrong and says what was expected there.
pub fn read(text: &str, default_role: &str) -> Result<Vec<ResourceParts>, TextError> {
    let parsed: Result<serde_json::Value, _> = serde_json::from_str(text);
    match parsed {
        Ok(serde_json::Value::Array(elements)) => json::read(&elements, default_role),
        Ok(serde_json::Value::Object(_)) => Err(TextError::NotAnArray { found: "a single JSON object" }),
        Ok(_) => plain::read(text, default_role),
        // Nothing in the plain form needs to begin like this, so a slip in JSON is the likelier reason.
        Err(problem) if text.trim_start().starts_with(['[', '{']) => {
            plain::read(text, default_role).map_err(|_| TextError::NotJson { problem: problem.to_string() })
        }
        Err(_) => plain::read(text, default_role),
    }
}

/// Reads the value of an agent's flag `--resources`, as [`read`], with its rules on top: no name has two types of
/// values, and no resource is a persistent volume, revocable, or dynamically reserved.
///
/// # Errors
///
/// As [`read`], and [`TextError::TwoTypes`] and [`TextError::NotOfAnAgent`].
pub fn read_agent_resources(text: &str, default_role: &str) -> Result<Vec<ResourceParts>, TextError> {
    let resources = read(text, default_role)?;
    let mut types: Vec<(Vec<u8>, ValueType)> = Vec::new();
    for resource in &resources {
        let place = || describe(std::slice::from_ref(resource)).unwrap_or_default();
        let facts = facts(&resource.identity).map_err(|rule| TextError::Invalid { place: place(), rule })?;
        let arisen = if facts.disk.as_ref().is_some_and(|disk| disk.persistence_id.is_some()) {
            Some(("is a persistent volume", "the operation CREATE"))
        } else if facts.revocable {
            Some(("is revocable", "an estimate of what is not used"))
        } else if facts.reservations.iter().any(|entry| entry.kind == ReservationKind::Dynamic) {
            Some(("is dynamically reserved", "the operation RESERVE"))
        } else {
            None
        };
        if let Some((found, arises)) = arisen {
            return Err(TextError::NotOfAnAgent { resource: place(), found, arises });
        }
        match types.iter().find(|(name, _)| name == facts.name) {
            Some((name, first)) if *first != facts.value_type => {
                let name = crate::error::shown(name);
                let (first, second) = (first.in_words(), facts.value_type.in_words());
                return Err(TextError::TwoTypes { name, first, second });
            }
            Some(_) => {}
            None => types.push((facts.name.to_vec(), facts.value_type)),
        }
    }
    Ok(resources)
}

/// Writes the plain form.
///
/// # Errors
///
/// [`PrintError::NotPlain`] and [`PrintError::Characters`] for what the plain form cannot say; JSON can.
pub fn write_plain(resources: &[ResourceParts]) -> Result<String, PrintError> {
    let tokens: Vec<String> = resources.iter().map(plain::write).collect::<Result<_, _>>()?;
    Ok(tokens.join(";"))
}

/// Writes the JSON form, in the present format of reservations.
///
/// # Errors
///
/// [`PrintError::Characters`] for text that is no UTF-8, and [`PrintError::UnknownField`] for fields that have no
/// name here: nothing is left out silently.
pub fn write_json(resources: &[ResourceParts]) -> Result<String, PrintError> {
    json::write(resources)
}

/// A serialised resource of either format, checked against all rules; `None` if there is nothing of it.
fn accept(bytes: &[u8], place: &str) -> Result<Option<ResourceParts>, TextError> {
    let invalid = |rule| TextError::Invalid { place: place.to_owned(), rule };
    validate(bytes).map_err(invalid)?;
    let upgraded = upgrade(bytes).map_err(invalid)?;
    let parts = split(&upgraded).map_err(invalid)?.into_parts();
    Ok((!parts.value.is_empty()).then_some(parts))
}
