//! Which processes are in a group.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use crate::error::{Action, GroupError, Refusal, Survivor};
use crate::kernel::{Kernel, Pid};
use crate::names::DEPTH_MAX;
use crate::parse::words;

/// Groups in one group at most; whoever has more is not a container.
pub(crate) const GROUPS_IN_GROUP_MAX: usize = 10_000;

/// Deeper than the groups that we nest: containers may divide their own.
const WALK_DEPTH_MAX: usize = DEPTH_MAX * 4;

/// Processes in a group itself; none if it is gone.
pub(crate) fn pids_in(kernel: &dyn Kernel, group: &Path) -> Result<BTreeSet<Pid>, Refusal> {
    let file = group.join("cgroup.procs");
    match kernel.read(&file) {
        // Zero stands for a process of another pid namespace.
        Ok(content) => Ok(words(&content).filter_map(|word| Pid::new(word.parse().ok()?)).collect()),
        // A threaded group does not tell its processes; the domain group above it lists them.
        Err(error) if is_gone(&error) || is_threaded(&error) => Ok(BTreeSet::new()),
        Err(source) => Err(Refusal::new(Action::Read, &file, source)),
    }
}

/// A group and all groups in it, each after those that it holds; nothing if it is gone.
pub(crate) fn bottom_up(kernel: &dyn Kernel, group: &Path) -> Result<Vec<PathBuf>, GroupError> {
    let too_many = || GroupError::TooManyGroups { path: group.to_owned(), max: GROUPS_IN_GROUP_MAX };
    let mut open = vec![(group.to_owned(), 0)];
    let mut found = Vec::new();
    while let Some((path, depth)) = open.pop() {
        let children = match kernel.child_groups(&path) {
            Ok(children) => children,
            Err(error) if is_gone(&error) => continue,
            Err(source) => return Err(Refusal::new(Action::List, &path, source).into()),
        };
        if depth > WALK_DEPTH_MAX || found.len() + children.len() > GROUPS_IN_GROUP_MAX {
            return Err(too_many());
        }
        open.extend(children.iter().map(|child| (path.join(child), depth + 1)));
        found.push(path);
    }
    // Parents were found before their children.
    found.reverse();
    Ok(found)
}

/// Processes in a group and in all groups in it.
pub(crate) fn pids_below(kernel: &dyn Kernel, group: &Path) -> Result<BTreeSet<Pid>, GroupError> {
    let mut pids = BTreeSet::new();
    for path in bottom_up(kernel, group)? {
        pids.extend(pids_in(kernel, &path)?);
    }
    Ok(pids)
}

/// Who the processes are, for an error.
pub(crate) fn survivors(kernel: &dyn Kernel, proc_root: &Path, pids: &BTreeSet<Pid>) -> Vec<Survivor> {
    pids.iter()
        .map(|pid| {
            let stat = kernel.read(&proc_root.join(pid.to_string()).join("stat")).unwrap_or_default();
            let (name, state) = name_and_state(&stat).unwrap_or((String::new(), '?'));
            Survivor { pid: *pid, name, state }
        })
        .collect()
}

/// `12 (a name) S 1 …`: a name may hold blanks and parentheses, so the last parenthesis counts.
fn name_and_state(stat: &[u8]) -> Option<(String, char)> {
    let text = String::from_utf8_lossy(stat);
    let (before, after) = text.rsplit_once(')')?;
    let (_, name) = before.split_once('(')?;
    Some((name.to_owned(), after.trim_start().chars().next()?))
}

fn is_threaded(error: &io::Error) -> bool {
    error.raw_os_error().map(Errno::from_raw_os_error) == Some(Errno::OPNOTSUPP)
}

/// Whether an error means that the group is gone: the folder is not there, or was removed while its file was open.
pub(crate) fn is_gone(error: &io::Error) -> bool {
    matches!(error.raw_os_error().map(Errno::from_raw_os_error), Some(Errno::NOENT | Errno::NODEV))
}
