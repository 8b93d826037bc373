//! Why a drill has failed.

use std::path::Path;
use std::time::Duration;

use apportion_rig::RigError;

/// Ends a drill; the report of the round is put around it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DrillError {
    /// The rig could not do what it was asked for.
    #[error(transparent)]
    Rig(#[from] RigError),
    /// Something is not as it has to be.
    #[error("{0}")]
    Finding(String),
    /// Something awaited did not come.
    #[error("waited {waited:?} for {what}; there is {there}")]
    Deadline {
        /// What was awaited.
        what: String,
        /// How long.
        waited: Duration,
        /// What was there instead.
        there: String,
    },
    /// A file or a process of the drill itself.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// On what.
        path: String,
        /// What the system answered.
        source: std::io::Error,
    },
}

impl DrillError {
    /// A finding, from its text.
    pub(crate) fn finding(text: impl Into<String>) -> DrillError {
        DrillError::Finding(text.into())
    }

    /// For `map_err` on a file operation.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> DrillError + use<> {
        let path = path.display().to_string();
        move |source| DrillError::Io { action, path, source }
    }
}
