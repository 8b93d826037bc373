//! Why a machine cannot be prepared, or did not do what it was started for.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use apportion_rig::RigError;

/// So much of a console's end is shown in an error.
const TAIL_BYTES: usize = 8 * 1024;

/// Everything that can go wrong here. A missing prerequisite names itself and the command that mends it.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum MachineError {
    /// The Mesos inside cannot be prepared, or a program of this machine is missing.
    #[error(transparent)]
    Rig(#[from] RigError),
    /// A Debian package could not be fetched or unpacked.
    #[error(
        "cannot get Debian's package {package}: {detail}; run `apt-get update` (as root) and try again, or fetch \
         linux-image-cloud-amd64, the package it depends on and busybox-static elsewhere and set \
         APPORTION_MACHINE_PACKAGES to the folder that holds them"
    )]
    Package {
        /// Name of the package.
        package: String,
        /// What apt or dpkg said, or what is not in it.
        detail: String,
    },
    /// A program or library could not be read.
    #[error("{path}: no readable program or library: {detail}")]
    Program {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// A shared library is in no folder of this machine.
    #[error("{library} is wanted by {wanted_by}, but it is in none of {folders}; install its package")]
    MissingLibrary {
        /// The library's name, as the file that wants it has it.
        library: String,
        /// Who wants it.
        wanted_by: PathBuf,
        /// Where it was looked for.
        folders: String,
    },
    /// The kernel package holds no such module.
    #[error("the kernel has no module {module} in {folder}; `modinfo {module}` tells whether it is built in")]
    MissingModule {
        /// The module's name.
        module: String,
        /// Where it was looked for.
        folder: PathBuf,
    },
    /// A file operation failed.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// The machine's kernel gave up.
    #[error("the machine's kernel panicked; the end of its console:\n{}", tail(console))]
    Panicked {
        /// Everything on the console.
        console: String,
    },
    /// The program in the machine, or the machine itself, took too long and was ended.
    #[error(
        "the program in the machine was to end within {limit:?}, but it still ran; the end of the console:\n{}",
        tail(console)
    )]
    Deadline {
        /// How long it was given.
        limit: Duration,
        /// Everything on the console.
        console: String,
    },
    /// The machine ended, but its results did not come whole.
    #[error(
        "the machine ended without its results: {detail}; qemu said: {errors}; the end of the console:\n{}",
        tail(console)
    )]
    NoResults {
        /// What is missing.
        detail: String,
        /// What qemu printed.
        errors: String,
        /// Everything on the console.
        console: String,
    },
    /// The program in the machine ended with a code other than zero.
    #[error("the program in the machine ended with code {code}; the end of the console:\n{}", tail(console))]
    Failed {
        /// Its exit code; 128 and the number of the signal that ended it.
        code: i32,
        /// Everything on the console.
        console: String,
    },
    /// The running test program has no test of that name, so that nothing was tested.
    #[error("no test of this program is called {test}, or it does not ask whether it is inside the machine")]
    TestNotRun {
        /// The name given.
        test: String,
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

/// As it is displayed: a test that unwraps it shows the console as it was, not with all line ends escaped.
impl fmt::Debug for MachineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl MachineError {
    /// For `map_err` on a file operation.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> MachineError + use<> {
        let path = path.to_owned();
        move |source| MachineError::Io { action, path, source }
    }
}

/// The end of a console, from the beginning of a line.
fn tail(console: &str) -> &str {
    let start = console.floor_char_boundary(console.len().saturating_sub(TAIL_BYTES));
    match console[start..].find('\n') {
        Some(end) if start > 0 => &console[start + end + 1..],
        _ => &console[start..],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_console_is_shown_from_the_beginning_of_a_line() {
        let console = "one line\n".repeat(TAIL_BYTES);
        let shown = tail(&console);
        assert!(shown.len() <= TAIL_BYTES && shown.len() > TAIL_BYTES - 20);
        assert!(shown.starts_with("one line\n"));
        assert_eq!(tail("short"), "short");
    }
}
