//! Where containers' groups may be made, and what has to be done for it first.
//!
//! # Rules of the kernel and of systemd
//!
//! * v2: a group that hands controllers to its children has no processes of its own (only the topmost group of a host
//!   may). So a process in the group that is to be divided moves into a child first ([`AGENT_GROUP`]).
//! * systemd owns the tree. It leaves alone what it delegated: a service or scope with `Delegate=`. In other units it
//!   takes controllers back whenever it reloads.
//! * v1: neither. Groups are made below the group that the agent is in, in every hierarchy.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::controller::{Controller, Version};
use crate::error::{Action, GroupError, Refusal};
use crate::hierarchy::{Hierarchy, Layout, Mount, controllers_of};
use crate::kernel::{Kernel, Pid};
use crate::names::GroupName;
use crate::processes::pids_in;

/// Name of the child group that takes the agent's own processes on v2.
pub const AGENT_GROUP: &str = "agent";

/// Below which group the containers' groups are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Base {
    /// The group of the agent, or the delegated unit that it is in.
    Own,
    /// A group that exists, as a path from the top of each hierarchy: `/` or `/containers.slice/all.scope`.
    At(PathBuf),
}

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// Below which group.
    pub base: Base,
    /// Name of the folder that all groups of containers are in. It is ours alone: what is found in it is taken for
    /// a container's group.
    pub name: GroupName,
    /// Controllers that are needed.
    pub controllers: BTreeSet<Controller>,
}

/// The part of a placement that lies in one hierarchy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Version of the interface there.
    pub version: Version,
    /// Those of the wanted controllers that are here.
    pub controllers: BTreeSet<Controller>,
    /// The group that is divided. It exists.
    pub base: PathBuf,
    /// The group that containers' groups are made in.
    pub parent: PathBuf,
    /// Processes that must move into [`AGENT_GROUP`] below `base` before it can be divided.
    pub moves: Vec<Pid>,
}

impl Place {
    /// The child group for processes that are in `base`.
    pub fn agent(&self) -> PathBuf {
        self.base.join(AGENT_GROUP)
    }
}

/// Something the host lacks, with the cure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// A controller is in no hierarchy.
    NotMounted {
        /// Which.
        controller: Controller,
        /// How the host is set up.
        layout: Layout,
    },
    /// A v2 controller that the host has is not handed down to us.
    NotHandedDown {
        /// Which.
        controller: Controller,
        /// The group where it ends: its `cgroup.subtree_control` does not name it.
        at: PathBuf,
        /// The systemd unit that we are in.
        unit: Option<String>,
    },
    /// The unit that we are in was not handed over to us.
    NotDelegated {
        /// Name of the unit.
        unit: String,
    },
    /// Nothing can be written.
    ReadOnly {
        /// Mount point.
        point: PathBuf,
    },
    /// This process is in a group that is not mounted here.
    Outside {
        /// Mount point.
        point: PathBuf,
    },
}

impl Finding {
    /// Whether no groups can be made because of it. The other findings are risks.
    pub fn is_fatal(&self) -> bool {
        !matches!(self, Finding::NotDelegated { .. })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Finding::NotMounted { controller, layout: Layout::V2 } => write!(
                out,
                "the kernel offers no controller {controller}: remove cgroup_disable={controller} from the kernel's \
                 arguments, or use a kernel built with it"
            ),
            Finding::NotMounted { controller, .. } => {
                let name = controller.name(Version::V1);
                write!(
                    out,
                    "controller {name} is mounted nowhere: mkdir -p /sys/fs/cgroup/{name} && mount -t cgroup -o \
                     {name} {name} /sys/fs/cgroup/{name} (or remove cgroup_disable={name} from the kernel's arguments)"
                )
            }
            Finding::NotHandedDown { controller, at, unit: Some(unit) } => write!(
                out,
                "controller {controller} ends at {}: systemctl edit {unit}, add \"[{}]\" and \
                 \"Delegate={controller}\" (or Delegate=yes for all), then restart it",
                at.display(),
                section(unit)
            ),
            Finding::NotHandedDown { controller, at, unit: None } => write!(
                out,
                "controller {controller} ends at {path}: echo +{controller} > {path}/cgroup.subtree_control",
                path = at.display()
            ),
            Finding::NotDelegated { unit } => write!(
                out,
                "systemd has not delegated {unit} and may take controllers back at any reload: systemctl edit {unit}, \
                 add \"[{}]\" and \"Delegate=yes\" (with KillMode=process, so that containers survive a restart), \
                 then restart it",
                section(unit)
            ),
            Finding::ReadOnly { point } => write!(
                out,
                "{} is mounted read-only: mount -o remount,rw {}",
                point.display(),
                point.display()
            ),
            Finding::Outside { point } => write!(
                out,
                "this process is in a group that is not seen below {}: mount the hierarchy in the cgroup namespace of \
                 the agent, or name an existing group as base",
                point.display()
            ),
        }
    }
}

fn section(unit: &str) -> &'static str {
    if unit.ends_with(".scope") { "Scope" } else { "Service" }
}

/// Where containers' groups go, and what is in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// One place for each hierarchy that has a wanted controller.
    pub places: Vec<Place>,
    /// What the host lacks.
    pub findings: Vec<Finding>,
}

impl Hierarchy {
    /// Proposes where containers' groups go. Nothing is changed; [`Groups::open`](crate::Groups::open) does that.
    ///
    /// # Errors
    ///
    /// A file of the hierarchy cannot be read, or the name is taken. What is missing for the wish is no error but a finding.
    pub fn place(&self, kernel: &dyn Kernel, wish: &Wish) -> Result<Placement, GroupError> {
        if wish.name.as_os_str() == AGENT_GROUP {
            let text =
                format!("{AGENT_GROUP} is the group of the agent itself: give containers another name");
            return Err(GroupError::Unusable(text));
        }
        let mut placement = Placement { places: Vec::new(), findings: Vec::new() };
        for controller in &wish.controllers {
            if self.home(*controller).is_none() {
                let finding = Finding::NotMounted { controller: *controller, layout: self.layout() };
                placement.findings.push(finding);
            }
        }
        for mount in self.mounts() {
            let here = |controller: &Controller| self.home(*controller).is_some_and(|home| home == mount);
            let controllers: BTreeSet<Controller> = wish.controllers.iter().copied().filter(here).collect();
            if controllers.is_empty() {
                continue;
            }
            if mount.read_only {
                placement.findings.push(Finding::ReadOnly { point: mount.point.clone() });
            }
            let Some(base) = base_of(kernel, mount, &wish.base) else {
                placement.findings.push(Finding::Outside { point: mount.point.clone() });
                continue;
            };
            let mut moves = Vec::new();
            if mount.version == Version::V2 {
                placement.findings.extend(findings_of(kernel, mount, &base, &controllers)?);
                // Processes of a group that we are not in are not ours to move: the kernel's refusal tells.
                if mount.own.as_ref().is_some_and(|own| own.starts_with(&base)) {
                    moves = moves_of(kernel, &base, &controllers)?;
                }
            }
            let parent = base.join(wish.name.as_os_str());
            placement.places.push(Place { version: mount.version, controllers, base, parent, moves });
        }
        Ok(placement)
    }
}

/// The group to divide: on v2 the delegated unit around us rather than a child of it that systemd or an earlier start
/// put us into.
fn base_of(kernel: &dyn Kernel, mount: &Mount, wanted: &Base) -> Option<PathBuf> {
    let own = match wanted {
        Base::At(path) => {
            let inside = path.strip_prefix("/").unwrap_or(path);
            let whole = inside.as_os_str().is_empty();
            return Some(if whole { mount.point.clone() } else { mount.point.join(inside) });
        }
        Base::Own => mount.own.clone()?,
    };
    if mount.version == Version::V1 {
        return Some(own);
    }
    if let Some(unit) = unit_of(&mount.point, &own)
        && kernel.is_delegated(&unit)
    {
        return Some(unit);
    }
    match own.parent() {
        Some(parent) if own != mount.point && own.ends_with(AGENT_GROUP) => Some(parent.to_owned()),
        _ => Some(own),
    }
}

/// Folder of the innermost service or scope that a group is or is in.
fn unit_of(point: &Path, group: &Path) -> Option<PathBuf> {
    let is_unit = |path: &&Path| {
        path.extension().is_some_and(|extension| extension == "service" || extension == "scope")
    };
    group
        .ancestors()
        .take_while(|path| path.starts_with(point) && *path != point)
        .find(is_unit)
        .map(Path::to_owned)
}

fn findings_of(
    kernel: &dyn Kernel,
    mount: &Mount,
    base: &Path,
    controllers: &BTreeSet<Controller>,
) -> Result<Vec<Finding>, GroupError> {
    let unit_folder = unit_of(&mount.point, base);
    let unit = unit_folder
        .as_ref()
        .and_then(|folder| folder.file_name())
        .map(|name| name.to_string_lossy().into_owned());
    let mut findings = Vec::new();
    if let (Some(folder), Some(unit)) = (&unit_folder, &unit)
        && !kernel.is_delegated(folder)
    {
        findings.push(Finding::NotDelegated { unit: unit.clone() });
    }
    let mut missing: BTreeSet<Controller> =
        controllers.iter().copied().filter(|controller| !controller.is_core_on_v2()).collect();
    // From the top down: a controller ends at the group above the first one that does not have it.
    let mut path = mount.point.clone();
    let inside = base.strip_prefix(&mount.point).unwrap_or(Path::new(""));
    for part in inside.components() {
        let above = path.clone();
        path.push(part);
        let there = controllers_of(kernel, &path)?;
        for controller in missing.iter().filter(|controller| !there.contains(controller)) {
            let finding =
                Finding::NotHandedDown { controller: *controller, at: above.clone(), unit: unit.clone() };
            findings.push(finding);
        }
        missing.retain(|controller| there.contains(controller));
    }
    Ok(findings)
}

/// Processes in the group to divide, unless it is the topmost one of the host, which may have both.
fn moves_of(
    kernel: &dyn Kernel,
    base: &Path,
    controllers: &BTreeSet<Controller>,
) -> Result<Vec<Pid>, GroupError> {
    let type_file = base.join("cgroup.type");
    let topmost = !kernel.has(&type_file).map_err(|source| Refusal::new(Action::Read, &type_file, source))?;
    if topmost || controllers.iter().all(|controller| controller.is_core_on_v2()) {
        return Ok(Vec::new());
    }
    Ok(pids_in(kernel, base)?.into_iter().collect())
}
