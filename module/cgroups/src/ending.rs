//! The end of a group: its processes are killed, then its folders are removed.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use crate::controller::{Controller, Version};
use crate::error::{Action, GroupError, Refusal};
use crate::groups::Groups;
use crate::kernel::Pid;
use crate::names::GroupPath;
use crate::processes::{bottom_up, is_gone, pids_below, survivors};

impl Groups {
    /// Kills every process in the group and in all groups in it, and waits until they are gone.
    ///
    /// v2 has one file for it (`cgroup.kill`, kernel 5.14). Elsewhere the group is stopped while its processes are
    /// signalled, so that a fork bomb does not outrun the signals, and continued so that they can die.
    ///
    /// # Errors
    ///
    /// [`GroupError::Survivors`] names who is left when [`Patience`](crate::Patience) ends;
    /// [`GroupError::OwnProcess`] if this process is in the group. The system may refuse something.
    pub fn kill(&self, path: &GroupPath) -> Result<(), GroupError> {
        let mut left = self.processes(path)?;
        if left.contains(&Pid::own()) {
            let first = self.places.first().map(|place| path.folder(&place.parent));
            return Err(GroupError::OwnProcess { path: first.unwrap_or_default() });
        }
        let mut by_kernel = !left.is_empty();
        for _ in 0..self.patience.attempts.max(1) {
            if left.is_empty() {
                return Ok(());
            }
            by_kernel = by_kernel && self.kill_by_file(path)?;
            // A hierarchy beside v2 may hold processes that the v2 group does not.
            if !by_kernel || self.places.len() > 1 {
                self.kill_by_signal(path)?;
            }
            left = self.processes(path)?;
            if !left.is_empty() {
                self.kernel.pause(self.patience.pause);
                left = self.processes(path)?;
            }
        }
        if left.is_empty() { Ok(()) } else { Err(self.still_there(path, &left)) }
    }

    /// Whether there is such a file.
    fn kill_by_file(&self, path: &GroupPath) -> Result<bool, GroupError> {
        let Some(place) = self.places.iter().find(|place| place.version == Version::V2) else {
            return Ok(false);
        };
        let file = path.folder(&place.parent).join("cgroup.kill");
        match self.kernel.write(&file, "1") {
            Ok(()) => Ok(true),
            Err(error) if is_gone(&error) || errno(&error) == Some(Errno::OPNOTSUPP) => Ok(false),
            Err(source) => Err(Refusal::writing(Action::Kill, &file, "1", source).into()),
        }
    }

    fn kill_by_signal(&self, path: &GroupPath) -> Result<(), GroupError> {
        let freezer = self.freezer(path);
        // Stopping is a help, not a must: a group without a freezer is killed in rounds.
        let stopped = freezer.as_ref().is_some_and(|(file, on, _)| self.kernel.write(file, on).is_ok());
        let killed = self.processes(path).and_then(|pids| self.signal(path, &pids));
        if let Some((file, _, off)) = freezer.filter(|_| stopped)
            && let Err(source) = self.kernel.write(&file, off)
            && !is_gone(&source)
        {
            // A stopped v1 group cannot die: this must be told, even if the signals went wrong too.
            return Err(Refusal::writing(Action::Kill, &file, off, source).into());
        }
        killed
    }

    fn signal(&self, path: &GroupPath, pids: &BTreeSet<Pid>) -> Result<(), GroupError> {
        let mut members = || self.processes(path).map_err(io::Error::other);
        let folder = self.places.first().map(|place| path.folder(&place.parent)).unwrap_or_default();
        let sent = self.kernel.kill(pids, &mut members);
        Ok(sent.map_err(|source| Refusal::new(Action::Kill, &folder, source))?)
    }

    fn freezer(&self, path: &GroupPath) -> Option<(PathBuf, &'static str, &'static str)> {
        let legacy = self.place_of(Controller::Freezer).filter(|place| place.version == Version::V1);
        if let Some(place) = legacy {
            return Some((path.folder(&place.parent).join("freezer.state"), "FROZEN", "THAWED"));
        }
        let unified = self.places.iter().find(|place| place.version == Version::V2)?;
        Some((path.folder(&unified.parent).join("cgroup.freeze"), "1", "0"))
    }

    fn still_there(&self, path: &GroupPath, left: &BTreeSet<Pid>) -> GroupError {
        let folder = self.places.first().map(|place| path.folder(&place.parent)).unwrap_or_default();
        GroupError::Survivors {
            path: folder,
            survivors: survivors(&*self.kernel, &self.proc_root, left),
            waited_ms: self.patience.total_ms(),
        }
    }

    /// Removes the group's folders in every hierarchy, with all groups in them, from the innermost outwards. Returns
    /// whether there was anything; a group that is not there is no error.
    ///
    /// # Errors
    ///
    /// Processes are left in it ([`GroupError::Survivors`]), or the system refuses something. All hierarchies are
    /// tried before the first error is returned.
    pub fn destroy(&self, path: &GroupPath) -> Result<bool, GroupError> {
        let mut found = false;
        let mut failed = None;
        for place in &self.places {
            match self.remove_tree(&path.folder(&place.parent)) {
                Ok(removed) => found |= removed,
                Err(error) => {
                    failed.get_or_insert(error);
                }
            }
        }
        match failed {
            None => Ok(found),
            Some(error) => Err(error),
        }
    }

    fn remove_tree(&self, group: &Path) -> Result<bool, GroupError> {
        let mut found = false;
        for attempt in 1..=self.patience.attempts.max(1) {
            match self.remove_once(group, &mut found) {
                Ok(()) => return Ok(found),
                // Dying processes leave a group a moment after they are gone from its list.
                Err(GroupError::Refused(refusal)) if errno(&refusal.source) == Some(Errno::BUSY) => {
                    let left = pids_below(&*self.kernel, group)?;
                    if attempt < self.patience.attempts {
                        self.kernel.pause(self.patience.pause);
                    } else if left.is_empty() {
                        return Err(refusal.into());
                    } else {
                        return Err(GroupError::Survivors {
                            path: group.to_owned(),
                            survivors: survivors(&*self.kernel, &self.proc_root, &left),
                            waited_ms: self.patience.total_ms(),
                        });
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    fn remove_once(&self, group: &Path, found: &mut bool) -> Result<(), GroupError> {
        for path in bottom_up(&*self.kernel, group)? {
            match self.kernel.remove_group(&path) {
                Ok(()) => *found = true,
                Err(error) if is_gone(&error) => {}
                Err(source) => return Err(Refusal::new(Action::RemoveGroup, &path, source).into()),
            }
        }
        Ok(())
    }
}

fn errno(error: &io::Error) -> Option<Errno> {
    error.raw_os_error().map(Errno::from_raw_os_error)
}
