//! Mounts that make paths read-only, and file systems in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::mount_table::{MountTable, NODEV, NOSUID};
use super::refusal::LaunchRefusal;

/// Flags of `mount(2)`.
const RDONLY: u32 = 1;
const REMOUNT: u32 = 1 << 5;
const BIND: u32 = 1 << 12;
const REC: u32 = 1 << 14;

/// What is below these stays as it is when a path above them becomes read-only: they are the kernel's interfaces, and
/// hold shared memory and terminals.
const KERNELS_OWN: [&str; 3] = ["/dev", "/proc", "/sys"];

/// More links than this in one path are a circle.
const MOST_LINKS: usize = 40;

/// One call of `mount(2)` in the container's mount namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Mount point, as the host sees it.
    pub target: PathBuf,
    /// What is mounted; none for a change of flags.
    pub source: Option<PathBuf>,
    /// Type of the file system; none for bind mounts.
    pub fstype: Option<&'static str>,
    /// `MS_*` flags of Linux.
    pub flags: u32,
    /// Options of the file system.
    pub options: Option<String>,
}

impl Mount {
    fn bind(path: &Path) -> Mount {
        let target = path.to_owned();
        Mount { source: Some(target.clone()), target, fstype: None, flags: BIND | REC, options: None }
    }

    fn read_only(path: &Path, kept: u32) -> Mount {
        let flags = REMOUNT | BIND | RDONLY | kept;
        Mount { target: path.to_owned(), source: None, fstype: None, flags, options: None }
    }

    fn in_memory(path: &Path, size: u64) -> Mount {
        Mount {
            target: path.to_owned(),
            // Mesos makes a folder that is not there if there is a source.
            source: Some("tmpfs".into()),
            fstype: Some("tmpfs"),
            flags: NOSUID | NODEV,
            options: Some(format!("size={size},mode=1777")),
        }
    }
}

/// The container's view of files.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Files<'a> {
    /// Root of its image, if it has one.
    pub(crate) rootfs: Option<&'a Path>,
    /// Its sandbox, as the host sees it before any mount; inside the image if there is one.
    pub(crate) sandbox: &'a Path,
}

impl Files<'_> {
    fn root(&self) -> &Path {
        self.rootfs.unwrap_or(Path::new("/"))
    }

    /// Where a path of the container is for the host, its links followed as the container would follow them. What
    /// does not exist is left as it is.
    fn locate(&self, setting: &'static str, path: &str) -> Result<PathBuf, LaunchRefusal> {
        resolve(self.root(), Path::new(path)).map_err(|error| LaunchRefusal::UnreadablePath {
            setting,
            path: path.to_owned(),
            reason: error.to_string(),
        })
    }
}

/// A path inside `root`, without links. Links and `..` do not lead out of `root`.
fn resolve(root: &Path, path: &Path) -> io::Result<PathBuf> {
    let mut open: Vec<PathBuf> = parts(path);
    let mut inside = PathBuf::new();
    let mut links = 0;
    while let Some(part) = open.pop() {
        if part == Path::new("..") {
            inside.pop();
            continue;
        }
        let next = root.join(&inside).join(&part);
        match fs::read_link(&next) {
            Ok(target) => {
                links += 1;
                if links > MOST_LINKS {
                    return Err(io::Error::other("too many links"));
                }
                if target.has_root() {
                    inside = PathBuf::new();
                }
                open.extend(parts(&target));
            }
            // Not a link, or not there.
            Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::NotFound) => {
                inside.push(part);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(root.join(inside))
}

/// Whether something is at a path of an image.
pub(crate) fn exists_inside(rootfs: &Path, path: &Path) -> bool {
    resolve(rootfs, path).is_ok_and(|found| found.exists())
}

/// The parts of a path that count, last one first.
fn parts(path: &Path) -> Vec<PathBuf> {
    let kept = path.components().filter(|part| matches!(part, Component::Normal(_) | Component::ParentDir));
    let mut parts: Vec<PathBuf> = kept.map(|part| PathBuf::from(part.as_os_str())).collect();
    parts.reverse();
    parts
}

/// The mounts that make these paths read-only and put these file systems in memory, in the order of the paths.
///
/// A path is bound to itself and then made read-only, together with what is mounted below it, except for the sandbox
/// and the kernel's own file systems.
pub(crate) fn plan(
    read_only: &BTreeSet<String>,
    tmpfs: &BTreeMap<String, u64>,
    files: Files<'_>,
    table: &MountTable,
) -> Result<Vec<Mount>, LaunchRefusal> {
    let in_memory = locate_in_memory(tmpfs, files)?;
    let fixed = locate_read_only(read_only, &in_memory, files)?;
    let mut steps: BTreeMap<&Path, Vec<Mount>> = BTreeMap::new();
    for (target, (_, size)) in &in_memory {
        steps.entry(target).or_default().push(Mount::in_memory(target, *size));
    }
    for target in &fixed {
        let covered =
            |point: &&Path| !in_memory.contains_key(*point) && !stays_writable(point, target, files);
        let mut mounts = Vec::new();
        if !table.has(target) {
            mounts.push(Mount::bind(target));
        }
        mounts.push(Mount::read_only(target, table.flags_at(target)));
        let below = table.below(target).filter(covered);
        mounts.extend(below.map(|point| Mount::read_only(point, table.flags_at(point))));
        steps.entry(target).or_default().extend(mounts);
    }
    let hides = |target: &PathBuf| files.sandbox.starts_with(target);
    // Bound to itself before, the sandbox is a mount of its own, which keeps its flags.
    let sandbox = (fixed.iter().any(hides) && files.rootfs.is_none()).then(|| Mount::bind(files.sandbox));
    Ok(sandbox.into_iter().chain(steps.into_values().flatten()).collect())
}

/// Whether a mount below a read-only path keeps its flags.
fn stays_writable(point: &Path, target: &Path, files: Files<'_>) -> bool {
    let own = files.rootfs.is_none() && !KERNELS_OWN.iter().any(|own| target.starts_with(own));
    point.starts_with(files.sandbox) || own && KERNELS_OWN.iter().any(|own| point.starts_with(own))
}

/// Targets of file systems in memory, each with its path in the rule and its size.
fn locate_in_memory<'a>(
    tmpfs: &'a BTreeMap<String, u64>,
    files: Files<'_>,
) -> Result<BTreeMap<PathBuf, (&'a str, u64)>, LaunchRefusal> {
    let mut located = BTreeMap::new();
    for (path, size) in tmpfs {
        let target = files.locate("tmpfs", path)?;
        match fs::metadata(&target) {
            Ok(found) if !found.is_dir() => {
                return Err(LaunchRefusal::NotAFolder { path: path.clone() });
            }
            Ok(_) => {}
            // Inside an image Mesos makes the folder; on the host it would stay behind.
            Err(_) if files.rootfs.is_some() || located.keys().any(|above| target.starts_with(above)) => {}
            Err(_) => return Err(LaunchRefusal::NoSuchPath { setting: "tmpfs", path: path.clone() }),
        }
        if files.sandbox.starts_with(&target) {
            let sandbox = files.sandbox.to_owned();
            return Err(LaunchRefusal::HidesSandbox { path: path.clone(), sandbox });
        }
        located.insert(target, (path.as_str(), *size));
    }
    Ok(located)
}

fn locate_read_only(
    read_only: &BTreeSet<String>,
    in_memory: &BTreeMap<PathBuf, (&str, u64)>,
    files: Files<'_>,
) -> Result<BTreeSet<PathBuf>, LaunchRefusal> {
    let mut located = BTreeSet::new();
    for path in read_only {
        let target = files.locate("read_only", path)?;
        if files.rootfs.is_some_and(|rootfs| rootfs == target) {
            return Err(LaunchRefusal::RootOfImage);
        }
        if let Some((_, (tmpfs, _))) = in_memory.iter().find(|(above, _)| target.starts_with(above)) {
            return Err(LaunchRefusal::InsideTmpfs { path: path.clone(), tmpfs: (*tmpfs).to_owned() });
        }
        if fs::symlink_metadata(&target).is_err() {
            return Err(LaunchRefusal::NoSuchPath { setting: "read_only", path: path.clone() });
        }
        located.insert(target);
    }
    Ok(located)
}

#[cfg(test)]
#[path = "mounts_tests.rs"]
mod tests;
