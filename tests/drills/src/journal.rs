//! What a framework of the drills writes down, a line of JSON for each step, so that nothing it knew is lost with
//! it. A step that changes something is written before it is taken.

use std::io::{self, Write};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Microseconds since 1970: master, agents, frameworks and the drills share one clock.
pub(crate) type Micros = u64;

/// The present time.
pub(crate) fn now() -> Micros {
    micros(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

/// A time since 1970 in microseconds.
pub(crate) fn micros(time: Duration) -> Micros {
    Micros::try_from(time.as_micros()).unwrap_or(Micros::MAX)
}

/// A line.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) at: Micros,
    pub(crate) step: Step,
}

/// A step of a framework.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Step {
    Subscribed {
        framework_id: String,
    },
    Disconnected {
        reason: String,
    },
    Offered {
        offers: Vec<OfferEntry>,
    },
    Rescinded {
        offer: String,
    },
    Declining {
        offers: Vec<String>,
        refuse_seconds: f64,
    },
    Accepting {
        offer: String,
        agent: String,
        operations: Vec<OperationEntry>,
        tasks: Vec<TaskEntry>,
    },
    Suppressing,
    Reviving,
    /// A call was not taken.
    Refused {
        call: String,
        detail: String,
    },
    TaskUpdate {
        task: String,
        state: String,
        reason: String,
        text: String,
        at: Option<f64>,
    },
    OperationUpdate {
        operation: String,
        state: String,
        text: String,
    },
    /// From here on it holds every offer and takes no step.
    Quiet,
    /// From here on it takes steps.
    Churning,
}

/// Kinds of steps that a kill can be aimed at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StepKind {
    Offered,
    Declining,
    Accepting,
    Suppressing,
    TaskUpdate,
    OperationUpdate,
    /// The operator is about to send a call.
    OperatorAsks,
    /// A call of the operator was answered with success.
    OperatorDone,
    /// An agent shows what a call of the operator has changed.
    OperatorKept,
}

impl Step {
    pub(crate) fn kind(&self) -> Option<StepKind> {
        Some(match self {
            Step::Offered { .. } => StepKind::Offered,
            Step::Declining { .. } => StepKind::Declining,
            Step::Accepting { .. } => StepKind::Accepting,
            Step::Suppressing | Step::Reviving => StepKind::Suppressing,
            Step::TaskUpdate { .. } => StepKind::TaskUpdate,
            Step::OperationUpdate { .. } => StepKind::OperationUpdate,
            _ => return None,
        })
    }
}

/// An offer as the framework got it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct OfferEntry {
    pub(crate) id: String,
    pub(crate) agent: String,
    pub(crate) resources: Value,
}

/// A task it launches.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TaskEntry {
    pub(crate) id: String,
    pub(crate) resources: Value,
}

/// An operation it asks for; the mark tells which reservation or volume.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct OperationEntry {
    pub(crate) id: String,
    pub(crate) change: Change,
    pub(crate) mark: String,
}

/// What an operation does to a reservation or to the volume on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Change {
    Reserve,
    Unreserve,
    Create,
    Destroy,
}

/// Writes entries where the drills read them.
#[derive(Debug)]
pub(crate) struct Journal<Out> {
    out: Out,
}

impl<Out: Write> Journal<Out> {
    pub(crate) fn new(out: Out) -> Self {
        Journal { out }
    }

    /// Writes one line at once, so that a kill leaves it whole or cut off, but never behind the step.
    pub(crate) fn write(&mut self, step: Step) -> io::Result<()> {
        let mut line = serde_json::to_string(&Entry { at: now(), step }).map_err(io::Error::other)?;
        line.push('\n');
        self.out.write_all(line.as_bytes())?;
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entry_is_one_line_and_is_read_back() {
        let mut bytes = Vec::new();
        let step = Step::Refused { call: "DECLINE".to_owned(), detail: "two\nlines".to_owned() };
        Journal::new(&mut bytes).write(step).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(text.matches('\n').count(), 1);
        let entry: Entry = serde_json::from_str(&text).unwrap();
        assert!(matches!(entry.step, Step::Refused { detail, .. } if detail == "two\nlines"));
        assert!(entry.at > 1_600_000_000_000_000);
    }
}
