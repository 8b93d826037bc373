//! What is mounted where, as the agent's own process sees it.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use procfs::process::MountInfo;

use crate::tree::Tree;

/// Which control groups the agent's process sees.
///
/// Mesos 1.11 knows version 1 only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cgroups {
    /// Version 1: a hierarchy for each controller.
    V1,
    /// Version 2: one hierarchy.
    V2,
    /// Controllers in hierarchies of version 1, and one of version 2 beside them.
    Hybrid,
}

impl Cgroups {
    /// The name as a fact: `v1`, `v2` or `hybrid`.
    pub fn name(self) -> &'static str {
        match self {
            Cgroups::V1 => "v1",
            Cgroups::V2 => "v2",
            Cgroups::Hybrid => "hybrid",
        }
    }
}

/// Everything that is mounted; a line that cannot be read is left out.
pub(crate) fn mounts(tree: &Tree) -> Vec<MountInfo> {
    let text = tree.text("/proc/self/mountinfo").unwrap_or_default();
    text.lines().filter_map(|line| MountInfo::from_line(line).ok()).collect()
}

/// Which control groups are mounted.
pub(crate) fn cgroups(mounts: &[MountInfo]) -> Option<Cgroups> {
    // A hierarchy with a name and no controller, as systemd has one, limits nothing.
    let has_controllers = |mount: &&MountInfo| !mount.super_options.contains_key("name");
    let first = mounts.iter().filter(|mount| mount.fs_type == "cgroup").any(|mount| has_controllers(&mount));
    let second = mounts.iter().any(|mount| mount.fs_type == "cgroup2");
    match (first, second) {
        (true, true) => Some(Cgroups::Hybrid),
        (true, false) => Some(Cgroups::V1),
        (false, true) => Some(Cgroups::V2),
        (false, false) => None,
    }
}

/// The mount that a path without links is in.
pub(crate) fn holding<'m>(mounts: &'m [MountInfo], path: &Path) -> Option<&'m MountInfo> {
    let depth = |mount: &&MountInfo| {
        let point = unescaped(&mount.mount_point);
        path.starts_with(&point).then(|| point.components().count())
    };
    let holding = mounts.iter().filter_map(|mount| Some((depth(&mount)?, mount)));
    // Of several at one place the last one covers the others, and `max_by_key` gives the last.
    holding.max_by_key(|(depth, _)| *depth).map(|(_, mount)| mount)
}

/// A path of the list of mounts: the kernel writes white space and backslashes in it as three octal digits.
fn unescaped(path: &Path) -> PathBuf {
    let mut rest = path.as_os_str().as_bytes();
    let mut bytes = Vec::with_capacity(rest.len());
    while let [first, behind @ ..] = rest {
        let escaped = (*first == b'\\').then(|| behind.get(..3)).flatten();
        let escaped = escaped.and_then(|digits| std::str::from_utf8(digits).ok());
        match escaped.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = behind.get(3..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    PathBuf::from(OsString::from_vec(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mount(line: &str) -> MountInfo {
        MountInfo::from_line(line).unwrap()
    }

    #[test]
    fn the_deepest_mount_holds_a_path_and_the_last_one_covers() {
        let mounts = [
            mount("1 0 8:1 / / rw - ext4 /dev/sda1 rw"),
            mount("2 1 8:2 / /var rw - ext4 /dev/sda2 rw"),
            mount("3 1 8:3 / /var rw - ext4 /dev/sda3 rw"),
            mount(r"4 1 8:4 / /var/my\040data rw - ext4 /dev/sda4 rw"),
        ];
        let device = |path: &str| holding(&mounts, Path::new(path)).map(|mount| mount.majmin.as_str());
        assert_eq!(device("/etc"), Some("8:1"));
        assert_eq!(device("/var/lib"), Some("8:3"));
        assert_eq!(device("/variant"), Some("8:1"), "whole names, not letters");
        assert_eq!(device("/var/my data/x"), Some("8:4"));
        assert_eq!(device("relative"), None);
    }

    #[test]
    fn what_only_looks_like_an_escape_stays() {
        assert_eq!(unescaped(Path::new(r"/a\04")), Path::new(r"/a\04"));
        assert_eq!(unescaped(Path::new(r"/a\999b")), Path::new(r"/a\999b"));
        assert_eq!(unescaped(Path::new(r"/a\777b")), Path::new(r"/a\777b"), "beyond a byte");
        assert_eq!(unescaped(Path::new(r"/a\134b\")), Path::new(r"/a\b\"));
    }

    #[test]
    fn a_named_hierarchy_without_controllers_is_no_version() {
        let named = mount("1 0 0:29 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd");
        let cpu = mount("2 0 0:30 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct");
        let unified = mount("3 0 0:31 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw");
        assert_eq!(cgroups(std::slice::from_ref(&named)), None);
        assert_eq!(cgroups(&[named.clone(), unified.clone()]), Some(Cgroups::V2));
        assert_eq!(cgroups(&[named.clone(), cpu.clone()]), Some(Cgroups::V1));
        assert_eq!(cgroups(&[named, cpu, unified]), Some(Cgroups::Hybrid));
    }
}
