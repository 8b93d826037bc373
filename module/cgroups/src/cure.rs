//! What mends a refusal of the system.

use std::io;
use std::path::Path;

use rustix::io::Errno;

use crate::error::Action;

/// The advice for an error, in one sentence.
pub(crate) fn cure(action: Action, path: &Path, error: &io::Error) -> &'static str {
    let file = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let errno = error.raw_os_error().map(Errno::from_raw_os_error);
    match (errno, action) {
        (Some(Errno::ACCESS | Errno::PERM), _) => {
            "run the agent as root, or have systemd delegate the group to its user (Delegate=yes in the unit)"
        }
        (Some(Errno::ROFS), _) => {
            "the control group file system is mounted read-only here: mount it read-write (in a container: give \
             the container its cgroup namespace writable)"
        }
        (Some(Errno::NOSPC), Action::Watch) => {
            "all file watches of this user are taken: raise the sysctl fs.inotify.max_user_watches"
        }
        (Some(Errno::MFILE | Errno::NFILE), _) => {
            "no descriptors are left: raise the limit of open files (LimitNOFILE= of the unit), and the sysctl \
             fs.inotify.max_user_instances"
        }
        (Some(Errno::NOSPC), Action::MakeGroup) => {
            "the kernel allows no more groups: look for left-over groups, raise cgroup.max.descendants and \
             cgroup.max.depth of the groups above, or reboot a kernel that leaks groups"
        }
        (Some(Errno::NOSPC), Action::Move) => {
            "cpuset.cpus or cpuset.mems of the group or of one above is empty: write both before a process joins"
        }
        (Some(Errno::NOMEM | Errno::NOSPC), _) => {
            "the kernel has no memory left for this: free some on the host"
        }
        (Some(Errno::BUSY), Action::Delegate) => {
            "a group with processes of its own cannot hand out controllers: move its processes into a child group"
        }
        (Some(Errno::BUSY), Action::Move) => {
            "the group hands controllers to its children and takes no processes itself: use a group without children"
        }
        (Some(Errno::BUSY), Action::RemoveGroup) => {
            "processes or groups are left in it: kill the processes, wait for those that the kernel holds up"
        }
        (Some(Errno::BUSY), Action::Write) if file.starts_with("memory.") => {
            "more memory is in use than the new limit and the kernel could not reclaim it: shrink the container first"
        }
        (Some(Errno::NOENT), Action::Delegate) => {
            "the controller is not handed down to this group: name it in Delegate= of the systemd unit, or write \
             +controller into cgroup.subtree_control of every group above"
        }
        (Some(Errno::NOENT), Action::Write | Action::Read) if file.starts_with("hugetlb.") => {
            "the kernel has no huge pages of this size here: see /sys/kernel/mm/hugepages"
        }
        (Some(Errno::NOENT), Action::Write | Action::Read) => {
            "the group is gone, or its controller is not switched on: see cgroup.controllers there and \
             cgroup.subtree_control of the group above"
        }
        (Some(Errno::NOENT), Action::Move | Action::MakeGroup | Action::List) => {
            "the group, or the one above, is gone: something else removes groups; give the agent a subtree of its own"
        }
        (Some(Errno::SRCH), _) => "the process has ended",
        (Some(Errno::OPNOTSUPP), _) => {
            "the group is threaded or has no domain: use a parent group whose cgroup.type is domain"
        }
        (Some(Errno::INVAL | Errno::RANGE), Action::Write) => {
            "the kernel does not take this value: see the limits of the groups above and the kernel's manual"
        }
        (Some(Errno::NODEV), _) => "there is no such device: compare major:minor with lsblk",
        _ => "see the kernel's log (dmesg)",
    }
}
