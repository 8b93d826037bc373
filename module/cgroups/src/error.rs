//! Why something could not be done to a group.

use std::io;
use std::path::{Path, PathBuf};

use crate::cure::cure;
use crate::kernel::Pid;

/// What was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Reading a file.
    Read,
    /// Writing a setting.
    Write,
    /// Handing controllers down to child groups.
    Delegate,
    /// Moving a process into a group.
    Move,
    /// Making a group.
    MakeGroup,
    /// Removing a group.
    RemoveGroup,
    /// Listing child groups.
    List,
    /// Ending the processes of a group.
    Kill,
    /// Watching a file for events.
    Watch,
    /// Taking a group for one agent alone.
    Claim,
}

impl Action {
    fn verb(self) -> &'static str {
        match self {
            Action::Read => "read",
            Action::Write => "write to",
            Action::Delegate => "hand controllers down with",
            Action::Move => "move a process with",
            Action::MakeGroup => "make the group",
            Action::RemoveGroup => "remove the group",
            Action::List => "list the groups in",
            Action::Kill => "kill the processes of",
            Action::Watch => "watch",
            Action::Claim => "lock",
        }
    }
}

/// The system refused something: what, where, with which text, why, and what mends it.
#[derive(Debug, thiserror::Error)]
#[error("cannot {} {}{}: {source}; {}", action.verb(), path.display(), written(text.as_deref()), cure(*action, path, source))]
pub struct Refusal {
    /// What was tried.
    pub action: Action,
    /// File or folder.
    pub path: PathBuf,
    /// What was written, where something was.
    pub text: Option<String>,
    /// What the system said.
    pub source: io::Error,
}

impl Refusal {
    pub(crate) fn new(action: Action, path: &Path, source: io::Error) -> Refusal {
        Refusal { action, path: path.to_owned(), text: None, source }
    }

    pub(crate) fn writing(action: Action, path: &Path, text: &str, source: io::Error) -> Refusal {
        Refusal { action, path: path.to_owned(), text: Some(text.to_owned()), source }
    }

    /// What mends it, in one sentence.
    pub fn cure(&self) -> &'static str {
        cure(self.action, &self.path, &self.source)
    }
}

fn written(text: Option<&str>) -> String {
    text.map(|text| format!(" the text {text:?}")).unwrap_or_default()
}

/// A process that is still there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survivor {
    /// Its id.
    pub pid: Pid,
    /// Its name, from `/proc`; empty if it cannot be read.
    pub name: String,
    /// The kernel's letter for its state, `?` if it cannot be read: `D` waits for a device, `Z` for its parent.
    pub state: char,
}

impl std::fmt::Display for Survivor {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} ({}, state {})", self.pid, self.name, self.state)
    }
}

/// Survivors that an error names; of the others it tells the number.
const NAMED_MAX: usize = 10;

fn list(survivors: &[Survivor]) -> String {
    let named: Vec<String> = survivors.iter().take(NAMED_MAX).map(Survivor::to_string).collect();
    match survivors.len().checked_sub(NAMED_MAX) {
        None | Some(0) => named.join(", "),
        Some(others) => format!("{} and {others} more", named.join(", ")),
    }
}

/// Why a call for a group failed.
#[derive(Debug, thiserror::Error)]
pub enum GroupError {
    /// The system refused something.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Processes did not end in time.
    #[error(
        "after {waited_ms} ms processes of group {} still run: {}; state D means that the kernel holds them up (a \
         device or network file system that does not answer): mend that, then clean up again",
        path.display(), list(survivors)
    )]
    Survivors {
        /// The group.
        path: PathBuf,
        /// Who is left.
        survivors: Vec<Survivor>,
        /// How long it was waited for, in milliseconds.
        waited_ms: u64,
    },
    /// Our own process is in the group: killing it would end the agent.
    #[error("group {} holds this process itself and will not be killed: move the agent elsewhere first", path.display())]
    OwnProcess {
        /// The group.
        path: PathBuf,
    },
    /// A nested group was asked for below one that has processes of its own.
    #[error(
        "group {} has processes of its own, so that v2 allows it no children with controllers: make it with \
         Shape::Inner", path.display()
    )]
    ParentIsLeaf {
        /// The parent.
        path: PathBuf,
    },
    /// Another process has its containers' groups there.
    #[error(
        "group {} is in use by another agent: each needs a parent group of its own, under another name",
        path.display()
    )]
    Claimed {
        /// The parent group.
        path: PathBuf,
    },
    /// The group is not there.
    #[error("there is no group {}: it was not created, or is destroyed", path.display())]
    Unknown {
        /// Where it would be.
        path: PathBuf,
    },
    /// The place for containers' groups lacks something.
    #[error("containers' groups cannot be made: {0}")]
    Unusable(String),
    /// A group has more groups in it than will be walked through.
    #[error("group {} holds more than {max} groups, or groups nested too deeply: remove them by hand", path.display())]
    TooManyGroups {
        /// The group.
        path: PathBuf,
        /// The bound.
        max: usize,
    },
}
