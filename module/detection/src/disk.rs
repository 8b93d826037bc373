//! What sort of disk a path is on.

use std::path::{Path, PathBuf};

use procfs::process::MountInfo;

use crate::mounts::{holding, mounts};
use crate::tree::Tree;

/// How many devices are looked at for one path: a volume of an array of a dozen partitions is 14.
const DEVICES_MAX: u32 = 64;

/// What sort of disk it is, the slowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DiskKind {
    /// It rotates, or says so: a virtual disk says what its hypervisor lets it say.
    Hdd,
    /// It does not rotate.
    Ssd,
    /// It does not rotate and is attached as NVMe.
    Nvme,
}

impl DiskKind {
    /// The name as a fact: `hdd`, `ssd` or `nvme`.
    pub fn name(self) -> &'static str {
        match self {
            DiskKind::Hdd => "hdd",
            DiskKind::Ssd => "ssd",
            DiskKind::Nvme => "nvme",
        }
    }
}

/// The sort of disk that holds a path, in the tree below `root` (`/` for the running machine).
///
/// The path need not be there yet; links in it are followed as far as it is. A device made of others (LVM, RAID,
/// encryption) is as slow as the slowest of them; of a file system that spans several devices the one it was mounted
/// by counts. `None` if the path is relative, not on a local disk (overlay, network, memory), or nothing is known.
///
/// ```
/// // Nothing is known of a tree that is not there.
/// assert_eq!(apportion_detection::disk_kind("/no/such/tree", "/var/lib/mesos"), None);
/// ```
pub fn disk_kind(root: impl AsRef<Path>, path: impl AsRef<Path>) -> Option<DiskKind> {
    let tree = Tree::new(root.as_ref());
    kind_of(&tree, &mounts(&tree), path.as_ref())
}

pub(crate) fn kind_of(tree: &Tree, mounts: &[MountInfo], path: &Path) -> Option<DiskKind> {
    if !path.is_absolute() {
        return None;
    }
    let mount = holding(mounts, &without_links(tree, path))?;
    let device = tree.resolved(format!("/sys/dev/block/{}", mount.majmin)).or_else(|| {
        // A file system with subvolumes has a device number of its own; what it was mounted from tells the disk.
        let source = Path::new(mount.mount_source.as_deref()?);
        source.strip_prefix("/dev").ok()?;
        let source = tree.resolved(source).unwrap_or_else(|| source.to_owned());
        tree.resolved(Path::new("/sys/class/block").join(source.file_name()?))
    })?;
    let mut left = DEVICES_MAX;
    kind(tree, &device, &mut left)
}

/// The path with links followed as far as it is there.
fn without_links(tree: &Tree, path: &Path) -> PathBuf {
    let resolved = path.ancestors().find_map(|ancestor| {
        let rest = path.strip_prefix(ancestor).ok()?;
        Some(tree.resolved(ancestor)?.join(rest))
    });
    resolved.unwrap_or_else(|| path.to_owned())
}

/// The sort of a block device, given its folder; `left` devices may still be looked at.
fn kind(tree: &Tree, device: &Path, left: &mut u32) -> Option<DiskKind> {
    *left = left.checked_sub(1)?;
    let device = if tree.has(device.join("partition")) { device.parent()? } else { device };
    let members = tree.names(device.join("slaves")).unwrap_or_default();
    if !members.is_empty() {
        let mut of_member = |name| kind(tree, &tree.resolved(device.join("slaves").join(name))?, left);
        // One that is not known could be the slowest: then nothing is known.
        let kinds: Option<Vec<DiskKind>> = members.iter().map(&mut of_member).collect();
        return kinds?.into_iter().min();
    }
    match tree.line(device.join("queue/rotational"))?.as_str() {
        "1" => Some(DiskKind::Hdd),
        "0" if device.file_name()?.to_str()?.starts_with("nvme") => Some(DiskKind::Nvme),
        "0" => Some(DiskKind::Ssd),
        _ => None,
    }
}
