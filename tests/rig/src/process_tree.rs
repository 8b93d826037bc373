//! Finding and ending what a Mesos process leaves behind.
//!
//! Containers outlive the agent that started them, and belong to the system's first process then. So they are
//! found in two ways: below the process in the process tree, and by the run's own temporary folder, which
//! stands in the environment or is the working directory of everything an agent starts.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use procfs::process::{Process, all_processes};
use rustix::process::{Pid, Signal, kill_process};

/// Until then everything has to be gone; a process in uninterruptible sleep may not be.
const LIMIT: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(10);

/// Ids of every process below `root`, without it.
pub(crate) fn below(root: i32) -> BTreeSet<i32> {
    let parents: Vec<(i32, i32)> = all_processes()
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|process| process.stat().ok())
        .map(|stat| (stat.pid, stat.ppid))
        .collect();
    let mut found = BTreeSet::new();
    let mut unseen = vec![root];
    while let Some(parent) = unseen.pop() {
        for (pid, _) in parents.iter().filter(|(_, found_parent)| *found_parent == parent) {
            if found.insert(*pid) {
                unseen.push(*pid);
            }
        }
    }
    found
}

/// Ends every process that works in `folder` or was given a path in it, until none is left.
pub(crate) fn end_all_of(folder: &Path) {
    let started = Instant::now();
    loop {
        let left: Vec<i32> = all_processes()
            .into_iter()
            .flatten()
            .flatten()
            .filter(|process| process.pid != std::process::id().cast_signed() && belongs_to(process, folder))
            .map(|process| process.pid)
            .collect();
        if left.is_empty() || started.elapsed() > LIMIT {
            return;
        }
        left.into_iter().for_each(kill);
        thread::sleep(PAUSE);
    }
}

fn belongs_to(process: &Process, folder: &Path) -> bool {
    if process.cwd().is_ok_and(|path| path.starts_with(folder)) {
        return true;
    }
    process
        .environ()
        .is_ok_and(|variables| variables.values().any(|value| contains(value, folder.as_os_str())))
}

fn contains(text: &OsStr, part: &OsStr) -> bool {
    text.as_bytes().windows(part.len()).any(|window| window == part.as_bytes())
}

/// Sends SIGKILL; a process that has ended is passed over.
pub(crate) fn kill(pid: i32) {
    signal(pid, Signal::KILL);
}

/// Sends a signal; a process that has ended is passed over.
pub(crate) fn signal(pid: i32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid) {
        // The only failure is that it is gone.
        let _ = kill_process(pid, signal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Child, Command};

    fn sleeper(change: impl FnOnce(&mut Command) -> &mut Command) -> Child {
        let mut command = Command::new("/bin/sleep");
        let child = change(command.arg("60").env("RIG_SLEEPER", "yes")).spawn().unwrap();
        // The kernel lets the parent go on a moment before the child's environment can be read.
        let process = Process::new(child.id().cast_signed()).unwrap();
        while process.environ().unwrap().is_empty() {
            thread::sleep(PAUSE);
        }
        child
    }

    fn ends_soon(child: &mut Child) -> bool {
        let started = Instant::now();
        while started.elapsed() < LIMIT {
            if child.try_wait().unwrap().is_some() {
                return true;
            }
            thread::sleep(PAUSE);
        }
        false
    }

    #[test]
    fn process_working_in_the_folder_is_ended() {
        let folder = tempfile::tempdir().unwrap();
        let mut child = sleeper(|command| command.current_dir(folder.path()));
        end_all_of(folder.path());
        assert!(ends_soon(&mut child));
    }

    #[test]
    fn process_given_a_path_in_the_folder_is_ended_and_others_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let mut other = sleeper(|command| command.env("RIG_TEST", "/elsewhere"));
        let mut child = sleeper(|command| command.env("RIG_TEST", folder.path().join("deeper")));
        end_all_of(folder.path());
        assert!(ends_soon(&mut child));
        assert!(other.try_wait().unwrap().is_none());
        other.kill().unwrap();
        other.wait().unwrap();
    }

    #[test]
    fn grandchild_is_below() {
        let mut shell = Command::new("/bin/sh").args(["-c", "sleep 60 & wait"]).spawn().unwrap();
        let id = shell.id().cast_signed();
        let started = Instant::now();
        while below(id).is_empty() && started.elapsed() < LIMIT {
            thread::sleep(PAUSE);
        }
        let found = below(id);
        assert!(below(std::process::id().cast_signed()).is_superset(&found));
        assert_eq!(found.len(), 1, "{found:?}");
        found.into_iter().for_each(kill);
        shell.wait().unwrap();
    }
}
