//! What the engine asks of the system: the one door to files, processes and time.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt::Debug;
use std::io;
use std::path::Path;
use std::time::Duration;

use rustix::fd::OwnedFd;

/// Process id, as this process sees it. Always positive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pid(u32);

impl Pid {
    /// `None` for zero, which the kernel shows for processes of another pid namespace, and for what no pid can be.
    pub fn new(pid: u32) -> Option<Pid> {
        (pid != 0 && i32::try_from(pid).is_ok()).then_some(Pid(pid))
    }

    /// This process.
    pub fn own() -> Pid {
        Pid(std::process::id())
    }

    /// The number.
    pub fn get(self) -> u32 {
        self.0
    }
}

impl std::fmt::Display for Pid {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}", self.0)
    }
}

/// The system calls of the engine.
///
/// [`LiveKernel`](crate::LiveKernel) is the real thing; tests put a model in its place that fails on demand. Nothing
/// of the engine reaches files or processes by another way, except the watcher, which needs descriptors.
pub trait Kernel: Debug + Send + Sync {
    /// The whole content of a file.
    ///
    /// # Errors
    ///
    /// What the system says; also for files beyond a sane size.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// Writes a text to a file that exists, in one call: each write is one command to the kernel.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn write(&self, path: &Path, text: &str) -> io::Result<()>;

    /// Makes a group: a folder, in a parent that exists.
    ///
    /// # Errors
    ///
    /// What the system says; `AlreadyExists` if it is there.
    fn make_group(&self, path: &Path) -> io::Result<()>;

    /// Removes a group without processes and child groups.
    ///
    /// # Errors
    ///
    /// What the system says; `ResourceBusy` while it has either.
    fn remove_group(&self, path: &Path) -> io::Result<()>;

    /// Names of the child groups, sorted.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn child_groups(&self, path: &Path) -> io::Result<Vec<OsString>>;

    /// Whether a file or folder is there.
    ///
    /// # Errors
    ///
    /// What the system says, except that nothing is there.
    fn has(&self, path: &Path) -> io::Result<bool>;

    /// Whether systemd marked the group as handed over to us (`Delegate=`).
    fn is_delegated(&self, path: &Path) -> bool;

    /// Sends SIGKILL to those of `pids` that `members` still lists once the system holds on to each of them, so that
    /// a process that took over a number meanwhile is not hit. Processes that have ended are no error.
    ///
    /// # Errors
    ///
    /// What the system says, and what `members` says.
    fn kill(
        &self,
        pids: &BTreeSet<Pid>,
        members: &mut dyn FnMut() -> io::Result<BTreeSet<Pid>>,
    ) -> io::Result<()>;

    /// Takes a group for this process alone, as long as the descriptor is open. `None`: there is nothing to hold.
    ///
    /// # Errors
    ///
    /// `WouldBlock` if another process has it; what else the system says.
    fn claim(&self, path: &Path) -> io::Result<Option<OwnedFd>>;

    /// Waits.
    fn pause(&self, time: Duration);
}
