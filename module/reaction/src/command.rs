//! Commands: what to run, and the pool that runs them.

mod output;
mod pool;
mod process;
mod run;

use std::ffi::CString;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

pub use output::OUTPUT_LINE_BYTES_MAX;
pub use pool::{CommandCounters, CommandPool, PoolError, PoolSettings, RUNNING_MAX};

/// Most bytes that program, arguments and environment have together. Linux takes 2 MiB by default, and 128 KiB for one
/// of them; what is longer than the latter is refused when it is run.
pub const ARGUMENT_BYTES_MAX: usize = 1024 * 1024;

/// Longest document on a command's standard input, in bytes.
pub const DOCUMENT_BYTES_MAX: usize = 1024 * 1024;

/// How long a command may run if nothing else is said.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Why a command cannot be run. No text has a value of an argument, a variable or the document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// There is no first word.
    #[error("command of rule {label:?}: no program; name one with its absolute path")]
    NoProgram {
        /// The rule.
        label: String,
    },
    /// The program is not named by an absolute path: no search path is consulted.
    #[error("command of rule {label:?}: the program {program:?} is not an absolute path; begin it with /")]
    RelativeProgram {
        /// The rule.
        label: String,
        /// The first word.
        program: String,
    },
    /// The system ends texts with a zero byte, so none can have one inside.
    #[error("command of rule {label:?}: a zero byte in {place}; take it out")]
    ZeroByte {
        /// The rule.
        label: String,
        /// Which text, such as `argument 2` or `variable HOME`.
        place: String,
    },
    /// A variable's name is empty or has `=` in it.
    #[error(
        "command of rule {label:?}: {name:?} is no name of a variable; it must not be empty or contain ="
    )]
    VariableName {
        /// The rule.
        label: String,
        /// The name.
        name: String,
    },
    /// A value cannot be written as JSON.
    #[error("command of rule {label:?}: the document cannot be written as JSON: its keys must be texts")]
    Document {
        /// The rule.
        label: String,
    },
    /// More than the system takes, or than may wait in memory.
    #[error("command of rule {label:?}: {what} of {bytes} bytes, at most {bytes_max}; make it shorter")]
    TooLong {
        /// The rule.
        label: String,
        /// `arguments and environment`, or `document`.
        what: &'static str,
        /// Bytes found.
        bytes: usize,
        /// Bytes allowed.
        bytes_max: usize,
    },
}

/// A program to run once, with everything it gets.
///
/// Its environment has the variables that were named and no others, its standard input is empty or one JSON document.
/// Its working directory, user and limits are the host's.
///
/// ```
/// use std::time::Duration;
/// use apportion_reaction::Command;
///
/// let command = Command::new("tell the pager", ["/usr/local/bin/notify", "executor removed"])?
///     .variable("PATH", "/usr/bin:/bin")?
///     .document(&serde_json::json!({ "executor": "e1" }))?
///     .timeout(Duration::from_secs(10));
/// assert_eq!(command.label(), "tell the pager");
/// # Ok::<(), apportion_reaction::CommandError>(())
/// ```
#[derive(Clone)]
pub struct Command {
    label: String,
    /// At least one.
    argv: Vec<CString>,
    /// Names, and `NAME=value`.
    environment: Vec<(String, CString)>,
    document: Option<Vec<u8>>,
    timeout: Duration,
}

impl Command {
    /// A command with its program, by absolute path, and arguments. `label` is how events and errors call it: the rule's
    /// name. It may run for 30 s.
    ///
    /// # Errors
    /// There is no program or its path is not absolute, a text has a zero byte, or it is too long altogether.
    pub fn new<W: AsRef<str>>(
        label: impl Into<String>,
        argv: impl IntoIterator<Item = W>,
    ) -> Result<Command, CommandError> {
        let label = label.into();
        let mut words = Vec::new();
        for (position, word) in argv.into_iter().enumerate() {
            let place = || format!("argument {position}");
            words.push(without_zero(&label, word.as_ref(), place)?);
        }
        let Some(program) = words.first() else { return Err(CommandError::NoProgram { label }) };
        if !program.as_bytes().starts_with(b"/") {
            let program = program.to_string_lossy().into_owned();
            return Err(CommandError::RelativeProgram { label, program });
        }
        let command =
            Command { label, argv: words, environment: Vec::new(), document: None, timeout: TIMEOUT };
        command.checked()
    }

    /// Sets a variable of its environment; a later value replaces an earlier one.
    ///
    /// # Errors
    /// The name is empty or contains `=`, name or value has a zero byte, or it is too long altogether.
    pub fn variable(mut self, name: &str, value: &str) -> Result<Command, CommandError> {
        if name.is_empty() || name.contains('=') {
            return Err(CommandError::VariableName { label: self.label, name: name.to_owned() });
        }
        let place = || format!("variable {}", name.escape_debug());
        let pair = without_zero(&self.label, &format!("{name}={value}"), place)?;
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), pair));
        self.checked()
    }

    /// Gives it a JSON document on its standard input, with a line break at its end.
    ///
    /// # Errors
    /// The value cannot be written as JSON, or is longer than [`DOCUMENT_BYTES_MAX`].
    pub fn document(mut self, value: &impl Serialize) -> Result<Command, CommandError> {
        let Ok(mut text) = serde_json::to_vec(value) else {
            return Err(CommandError::Document { label: self.label });
        };
        text.push(b'\n');
        self.document = Some(text);
        self.checked()
    }

    /// How long it may run before it is ended, from its start.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Command {
        self.timeout = timeout;
        self
    }

    /// The name of the rule it belongs to.
    pub fn label(&self) -> &str {
        &self.label
    }

    fn argument_bytes(&self) -> usize {
        let environment = self.environment.iter().map(|(_, pair)| pair);
        self.argv.iter().chain(environment).map(|text| text.as_bytes_with_nul().len()).sum()
    }

    /// Bytes it keeps in memory.
    fn bytes(&self) -> usize {
        let names: usize = self.environment.iter().map(|(name, _)| name.len()).sum();
        let document = self.document.as_ref().map_or(0, Vec::len);
        size_of::<Command>() + self.label.len() + self.argument_bytes() + names + document
    }

    fn checked(self) -> Result<Command, CommandError> {
        let sizes = [
            ("arguments and environment", self.argument_bytes(), ARGUMENT_BYTES_MAX),
            ("document", self.document.as_ref().map_or(0, Vec::len), DOCUMENT_BYTES_MAX),
        ];
        for (what, bytes, bytes_max) in sizes {
            if bytes > bytes_max {
                return Err(CommandError::TooLong { label: self.label, what, bytes, bytes_max });
            }
        }
        Ok(self)
    }
}

impl fmt::Debug for Command {
    /// No values: they may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Command")
            .field("label", &self.label)
            .field("program", &self.argv.first())
            .field("arguments", &self.argv.len().saturating_sub(1))
            .field("variables", &self.environment.iter().map(|(name, _)| name).collect::<Vec<_>>())
            .field("document_bytes", &self.document.as_ref().map(Vec::len))
            .field("timeout", &self.timeout)
            .finish()
    }
}

fn without_zero(label: &str, text: &str, place: impl Fn() -> String) -> Result<CString, CommandError> {
    CString::new(text).map_err(|_| CommandError::ZeroByte { label: label.to_owned(), place: place() })
}

/// Where a line came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Output,
    /// Standard error.
    Errors,
}

/// What a command's owner hears of it, from a thread of the pool.
#[derive(Debug)]
pub enum CommandEvent<'a> {
    /// It wrote a line.
    Line {
        /// Where to.
        stream: Stream,
        /// The line without its end, at most [`OUTPUT_LINE_BYTES_MAX`] bytes of output; the rest of a longer one follows
        /// as further lines. Bytes that are not UTF-8 became U+FFFD; control characters are as they were written.
        text: &'a str,
    },
    /// It ended; the last that is heard of it.
    Ended(&'a CommandReport),
}

/// How a command went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandReport {
    /// How it ended.
    pub ending: Ending,
    /// From its start to its end.
    pub took: Duration,
    /// Bytes it wrote to standard output and standard error that were read and not handed on, because they were more
    /// than allowed.
    pub discarded_bytes: u64,
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// By itself, with this status; 0 is success.
    Exited(i32),
    /// By this signal, which was not ours.
    Signalled(i32),
    /// It ran longer than allowed, and was ended.
    TimedOut {
        /// It did not end by SIGTERM within the grace period and was killed.
        was_killed: bool,
    },
    /// The pool ended before it did.
    Stopped,
    /// It could not be started.
    NotStarted {
        /// The system's reason.
        reason: String,
    },
    /// It is gone, and its status with it: the host ignores the end of its processes, or somebody else in it waited for
    /// this one.
    Unknown,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ending::Exited(status) => write!(f, "exited with status {status}"),
            Ending::Signalled(number) => write!(f, "ended by signal {number}"),
            Ending::TimedOut { was_killed: false } => write!(f, "ran too long and was terminated"),
            Ending::TimedOut { was_killed: true } => {
                write!(f, "ran too long, did not end by SIGTERM and was killed")
            }
            Ending::Stopped => write!(f, "was ended, because the pool of commands ends"),
            Ending::NotStarted { reason } => write!(f, "could not be started: {reason}"),
            Ending::Unknown => write!(f, "ended, but its status was taken by somebody else"),
        }
    }
}
