//! Which control group file systems are mounted where, and which groups this process is in.
//!
//! Both parsers are total: a line they do not understand is left out.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use procfs::process::MountInfo;

use crate::controller::Version;

/// A mounted control group file system, as `/proc/self/mountinfo` tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MountLine {
    pub(crate) version: Version,
    /// Group of the hierarchy that is seen at the mount point.
    pub(crate) root: PathBuf,
    pub(crate) point: PathBuf,
    pub(crate) read_only: bool,
    /// Options of the file system: on v1 they name the controllers.
    pub(crate) options: Vec<String>,
}

/// Control group file systems in the order of mounting; a later one at the same place hides the earlier.
pub(crate) fn parse_mounts(content: &[u8]) -> Vec<MountLine> {
    let mut mounts: Vec<MountLine> = Vec::new();
    for line in content.split(|byte| *byte == b'\n') {
        let Some(mount) = std::str::from_utf8(line).ok().and_then(mount_line) else { continue };
        mounts.retain(|earlier| earlier.point != mount.point);
        mounts.push(mount);
    }
    mounts
}

fn mount_line(line: &str) -> Option<MountLine> {
    let info = MountInfo::from_line(line).ok()?;
    let version = match info.fs_type.as_str() {
        "cgroup" => Version::V1,
        "cgroup2" => Version::V2,
        _ => return None,
    };
    let mut options: Vec<String> = info.super_options.into_keys().collect();
    options.sort();
    Some(MountLine {
        version,
        root: unescape(info.root.as_bytes()),
        point: unescape(info.mount_point.as_os_str().as_encoded_bytes()),
        read_only: info.mount_options.contains_key("ro") || options.iter().any(|option| option == "ro"),
        options,
    })
}

/// Mountinfo writes blanks, tabs, newlines and backslashes as a backslash and three octal digits.
fn unescape(text: &[u8]) -> PathBuf {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, after)) = rest.split_first() {
        match after.get(..3).filter(|_| first == b'\\').and_then(octal) {
            Some(byte) => {
                plain.push(byte);
                rest = after.get(3..).unwrap_or_default();
            }
            None => {
                plain.push(first);
                rest = after;
            }
        }
    }
    PathBuf::from(OsString::from_vec(plain))
}

fn octal(digits: &[u8]) -> Option<u8> {
    let value = digits.iter().try_fold(0_u32, |value, digit| {
        (b'0'..=b'7').contains(digit).then(|| value * 8 + u32::from(digit - b'0'))
    })?;
    u8::try_from(value).ok()
}

/// A line of `/proc/self/cgroup`: the group this process is in, in one hierarchy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Membership {
    /// Names of the controllers on v1; empty on v2.
    pub(crate) controllers: Vec<String>,
    pub(crate) group: PathBuf,
}

/// The groups of a process.
pub(crate) fn parse_memberships(content: &[u8]) -> Vec<Membership> {
    let line = |line: &[u8]| -> Option<Membership> {
        let mut parts = line.splitn(3, |byte| *byte == b':');
        let _hierarchy = parts.next()?;
        let controllers = std::str::from_utf8(parts.next()?).ok()?;
        let group = PathBuf::from(OsString::from_vec(parts.next()?.to_vec()));
        let controllers =
            controllers.split(',').filter(|name| !name.is_empty()).map(ToOwned::to_owned).collect();
        group.is_absolute().then_some(Membership { controllers, group })
    };
    content.split(|byte| *byte == b'\n').filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escaped_mount_points_are_read_as_they_are() {
        let line = br"42 31 0:38 / /mnt/with\040blank rw,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate";
        let mounts = parse_mounts(line);
        assert_eq!(mounts[0].point, PathBuf::from("/mnt/with blank"));
        assert_eq!(mounts[0].version, Version::V2);
    }

    #[test]
    fn a_line_that_is_not_text_hides_no_other() {
        let content = b"\xff\xfe\n31 23 0:28 / /sys/fs/cgroup/pids ro - cgroup cgroup rw,pids\n";
        let mounts = parse_mounts(content);
        assert_eq!(mounts.len(), 1);
        assert!(mounts[0].read_only);
    }

    #[test]
    fn group_names_may_hold_colons() {
        let memberships = parse_memberships(b"4:cpu,cpuacct:/a:b\n0::/c\n");
        assert_eq!(memberships[0].controllers, ["cpu", "cpuacct"]);
        assert_eq!(memberships[0].group, PathBuf::from("/a:b"));
        assert_eq!(memberships[1], Membership { controllers: Vec::new(), group: PathBuf::from("/c") });
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(content in proptest::collection::vec(any::<u8>(), 0..300)) {
            parse_mounts(&content);
            parse_memberships(&content);
        }

        #[test]
        fn any_fields_are_read_without_a_panic(content in r"([0-9]{1,3} ){2}[0-9:]{1,4} [/\\0-9a-z]{1,9} (/|\\[0-9]{0,4}){1,5} [a-z,=]{0,9} (a:[a-z]*)? - cgroup2? x [a-z,=]{0,9}") {
            parse_mounts(content.as_bytes());
        }
    }
}
