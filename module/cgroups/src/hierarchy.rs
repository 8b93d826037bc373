//! What the host offers: hierarchies, the controllers in them, and where this process is.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::controller::{Controller, Version};
use crate::error::{Action, GroupError, Refusal};
use crate::kernel::{Kernel, Pid};
use crate::mounts::{Membership, MountLine, parse_memberships, parse_mounts};
use crate::parse::words;

/// How a host is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Controllers on v1 hierarchies only.
    V1,
    /// All controllers on the one v2 hierarchy.
    V2,
    /// Some controllers on v1 hierarchies, and a v2 hierarchy beside them, which may have the others.
    Hybrid,
}

impl std::fmt::Display for Layout {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Layout::V1 => "v1",
            Layout::V2 => "v2",
            Layout::Hybrid => "hybrid",
        })
    }
}

/// One mounted hierarchy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Version of its interface.
    pub version: Version,
    /// Controllers that are in it. On v2: those that the group at the mount point has.
    pub controllers: BTreeSet<Controller>,
    /// Folder of the topmost group that is seen.
    pub point: PathBuf,
    /// Folder of the group this process is in, or `None` if it is outside of what is mounted.
    pub own: Option<PathBuf>,
    /// Whether nothing can be written.
    pub read_only: bool,
}

/// The hierarchies of a host.
///
/// # Invariants
///
/// * A controller is in at most one mount: the kernel has it in one hierarchy, of which one mount is taken: the first in which this process is seen.
/// * Every mount has controllers, except that of v2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hierarchy {
    layout: Layout,
    mounts: Vec<Mount>,
}

impl Hierarchy {
    /// Looks at the host. `root` is `/`, or another folder below which `proc` and the mount points are found.
    ///
    /// # Errors
    ///
    /// `/proc` cannot be read, or no control group file system is mounted.
    pub fn detect(kernel: &dyn Kernel, root: &Path) -> Result<Hierarchy, GroupError> {
        Hierarchy::seen_by(kernel, root, None)
    }

    /// As [`Hierarchy::detect`], from where another process is: its groups, and what is mounted for it.
    ///
    /// # Errors
    ///
    /// As [`Hierarchy::detect`]; also if there is no such process.
    pub fn detect_for(kernel: &dyn Kernel, root: &Path, pid: Pid) -> Result<Hierarchy, GroupError> {
        Hierarchy::seen_by(kernel, root, Some(pid))
    }

    fn seen_by(kernel: &dyn Kernel, root: &Path, pid: Option<Pid>) -> Result<Hierarchy, GroupError> {
        let read = |path: &Path| kernel.read(path).map_err(|source| Refusal::new(Action::Read, path, source));
        let process = pid.map_or_else(|| "self".to_owned(), |pid| pid.to_string());
        let process = root.join("proc").join(process);
        let mut lines = parse_mounts(&read(&process.join("mountinfo"))?);
        let memberships = parse_memberships(&read(&process.join("cgroup"))?);
        let own = |line: &MountLine| own_folder(line, &below(root, &line.point), &memberships);
        // A hierarchy may be mounted twice, a part of it for a container say: where we are in it comes first.
        lines.sort_by_key(|line| own(line).is_none());
        let mut mounts: Vec<Mount> = Vec::new();
        let mut taken = BTreeSet::new();
        for line in &lines {
            let another =
                line.version == Version::V2 && mounts.iter().any(|mount| mount.version == Version::V2);
            if another {
                continue;
            }
            let point = below(root, &line.point);
            let named: BTreeSet<Controller> = match line.version {
                Version::V1 => line
                    .options
                    .iter()
                    .filter_map(|option| Controller::by_name(option, Version::V1))
                    .collect(),
                Version::V2 => controllers_of(kernel, &point)?,
            };
            let controllers: BTreeSet<Controller> = named.difference(&taken).copied().collect();
            if line.version == Version::V1 && controllers.is_empty() {
                continue;
            }
            taken.extend(controllers.iter().copied());
            let mount = Mount {
                version: line.version,
                controllers,
                point,
                own: own(line),
                read_only: line.read_only,
            };
            mounts.push(mount);
        }
        let has = |version| mounts.iter().any(|mount| mount.version == version);
        let layout = match (has(Version::V1), has(Version::V2)) {
            (true, true) => Layout::Hybrid,
            (true, false) => Layout::V1,
            (false, true) => Layout::V2,
            (false, false) => {
                return Err(GroupError::Unusable(
                    "no control group file system is mounted: mount -t cgroup2 cgroup2 /sys/fs/cgroup"
                        .to_owned(),
                ));
            }
        };
        Ok(Hierarchy { layout, mounts })
    }

    /// How the host is set up.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// All mounts that matter, in the order of mounting.
    pub fn mounts(&self) -> &[Mount] {
        &self.mounts
    }

    /// The mount that has a controller.
    pub fn home(&self, controller: Controller) -> Option<&Mount> {
        self.mounts.iter().find(|mount| {
            mount.controllers.contains(&controller)
                || (mount.version == Version::V2 && self.layout == Layout::V2 && controller.is_core_on_v2())
        })
    }
}

/// Controllers that a v2 group has to hand out.
pub(crate) fn controllers_of(kernel: &dyn Kernel, group: &Path) -> Result<BTreeSet<Controller>, Refusal> {
    listed(kernel, &group.join("cgroup.controllers"))
}

/// Controllers named in a file, without those that this package has no use for.
pub(crate) fn listed(kernel: &dyn Kernel, file: &Path) -> Result<BTreeSet<Controller>, Refusal> {
    let content = kernel.read(file).map_err(|source| Refusal::new(Action::Read, file, source))?;
    Ok(words(&content).filter_map(|name| Controller::by_name(name, Version::V2)).collect())
}

/// An absolute path, seen below `root`.
fn below(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

/// The folder of our own group in a mount.
fn own_folder(line: &MountLine, point: &Path, memberships: &[Membership]) -> Option<PathBuf> {
    let membership = memberships.iter().find(|membership| match line.version {
        Version::V2 => membership.controllers.is_empty(),
        Version::V1 => membership.controllers.iter().any(|name| line.options.contains(name)),
    })?;
    // "/.." begins the name of a group outside of our cgroup namespace.
    let inside = membership.group.strip_prefix(&line.root).ok()?;
    if inside.components().any(|part| !matches!(part, std::path::Component::Normal(_))) {
        return None;
    }
    Some(if inside.as_os_str().is_empty() { point.to_owned() } else { point.join(inside) })
}
