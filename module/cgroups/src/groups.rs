//! The groups of an agent's containers: made, filled, read.
//!
//! # Invariants
//!
//! * Nothing outside of the parent group is touched, except what [`Groups::open`] does once: our own processes move
//!   aside and controllers are handed down, on v2.
//! * A call that fails removes what it made itself. What a crash leaves behind is found by
//!   [`Groups::recover`](Groups::recover).
//! * `create`, `kill` and `destroy` may be repeated.
//! * Every wait is bounded by [`Patience`].

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::io::Errno;

use crate::abilities::{Abilities, Ability, IoWeightFile, WeightScale};
use crate::controller::{Controller, Version};
use crate::error::{Action, GroupError, Refusal};
use crate::kernel::{Kernel, Pid};
use crate::limits::Limits;
use crate::names::GroupPath;
use crate::placement::{Place, Placement};
use crate::plan::{Plan, Write};
use crate::processes::pids_below;

/// Name of the folder for the processes of a container that has nested ones, on v2.
pub(crate) const PROCESSES: &str = "processes";

/// How long to wait for what the kernel does in its own time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Looks at most.
    pub attempts: u32,
    /// Between two looks.
    pub pause: Duration,
}

impl Default for Patience {
    /// Ten seconds, in steps of ten milliseconds.
    fn default() -> Patience {
        Patience { attempts: 1_000, pause: Duration::from_millis(10) }
    }
}

impl Patience {
    pub(crate) fn total_ms(self) -> u64 {
        u64::try_from(self.pause.as_millis()).unwrap_or(u64::MAX).saturating_mul(u64::from(self.attempts))
    }
}

/// What a group is for. It matters on v2 only, where a group has either processes or divided children.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shape {
    /// Processes, and no nested groups.
    Leaf,
    /// Nested groups, and a child for the container's own processes.
    Inner,
}

/// A write that the kernel refused because the resource is in use; the older setting stands.
#[derive(Debug)]
pub struct Kept {
    /// What was to be written, where, and why not.
    pub refusal: Refusal,
}

/// What became of a plan.
#[derive(Debug)]
pub struct Applied {
    /// Settings that the group has now: where the next plan starts from.
    pub limits: Limits,
    /// Limits that could not be lowered.
    pub kept: Vec<Kept>,
}

/// All groups below one parent group.
///
/// Methods take `&self` and may run on several threads; calls for one group should not overlap.
#[derive(Debug, Clone)]
pub struct Groups {
    pub(crate) kernel: Arc<dyn Kernel>,
    pub(crate) places: Vec<Place>,
    pub(crate) patience: Patience,
    pub(crate) proc_root: PathBuf,
}

impl Groups {
    pub(crate) fn new(kernel: Arc<dyn Kernel>, places: Vec<Place>, patience: Patience) -> Groups {
        Groups { kernel, places, patience, proc_root: PathBuf::from("/proc") }
    }

    /// The same groups, waited for with another patience.
    #[must_use]
    pub fn waiting(&self, patience: Patience) -> Groups {
        Groups { patience, ..self.clone() }
    }

    /// Where the groups are, one place for each hierarchy.
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    /// Makes a container's group in every hierarchy. If it is there already, what it lacks is added.
    ///
    /// # Errors
    ///
    /// The system refuses something: what this call made is removed again. A nested group needs a parent of
    /// [`Shape::Inner`].
    pub fn create(&self, path: &GroupPath, shape: Shape) -> Result<(), GroupError> {
        let mut made = Vec::new();
        let outcome = self.places.iter().try_for_each(|place| self.create_in(place, path, shape, &mut made));
        if outcome.is_err() {
            // Nothing can be said about a failure here that the first one does not say: recovery finds what is left.
            for folder in made.iter().rev() {
                let _ = self.kernel.remove_group(folder);
            }
        }
        outcome
    }

    fn create_in(
        &self,
        place: &Place,
        path: &GroupPath,
        shape: Shape,
        made: &mut Vec<PathBuf>,
    ) -> Result<(), GroupError> {
        let folder = path.folder(&place.parent);
        if let Some(above) = path.parent() {
            let above = above.folder(&place.parent);
            if !self.has(&above)? {
                return Err(GroupError::Unknown { path: above });
            }
            if place.version == Version::V2 && !self.has(&above.join(PROCESSES))? {
                return Err(GroupError::ParentIsLeaf { path: above });
            }
        }
        self.make(&folder, made)?;
        if place.version == Version::V1 {
            return self.fill_cpuset(place, &folder);
        }
        if shape == Shape::Inner {
            self.hand_down(place, &folder)?;
            self.make(&folder.join(PROCESSES), made)?;
        }
        Ok(())
    }

    /// Writes a plan. Settings that the kernel refuses as "in use" stay as they are, if the plan says they may.
    ///
    /// # Errors
    ///
    /// The system refuses something else: writes before it stand. For a new group that means that it should be
    /// destroyed; for a running one, that the older settings should be planned again from the defaults.
    pub fn apply(&self, path: &GroupPath, plan: &Plan) -> Result<Applied, GroupError> {
        let mut applied = Applied { limits: plan.to.clone(), kept: Vec::new() };
        for change in &plan.changes {
            for (done, write) in change.writes.iter().enumerate() {
                match self.write_setting(path, write) {
                    Ok(()) => {}
                    Err(GroupError::Refused(refusal)) if change.may_be_refused && is_busy(&refusal) => {
                        applied.limits = plan.after_refusal(change, done);
                        applied.kept.push(Kept { refusal });
                        break;
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(applied)
    }

    fn write_setting(&self, path: &GroupPath, write: &Write) -> Result<(), GroupError> {
        let place = self.place_of(write.controller).ok_or_else(|| {
            GroupError::Unusable(format!(
                "the plan needs controller {}, which has no place",
                write.controller
            ))
        })?;
        Ok(self.write(Action::Write, &path.folder(&place.parent).join(&write.file), &write.text)?)
    }

    /// Moves a process into the group, in every hierarchy.
    ///
    /// # Errors
    ///
    /// The system refuses it; the process may be in the group in some hierarchies then, and should be killed.
    pub fn add(&self, path: &GroupPath, pid: Pid) -> Result<(), GroupError> {
        for file in self.entries(path)? {
            self.write(Action::Move, &file, &pid.to_string())?;
        }
        Ok(())
    }

    /// The files into which a process writes `0` to move itself into the group: for a launcher that joins before it
    /// runs anything.
    ///
    /// # Errors
    ///
    /// The group cannot be looked at.
    pub fn entries(&self, path: &GroupPath) -> Result<Vec<PathBuf>, GroupError> {
        let entry = |place: &Place| {
            let folder = path.folder(&place.parent);
            let inner = folder.join(PROCESSES);
            let is_inner = place.version == Version::V2 && self.has(&inner)?;
            Ok((if is_inner { inner } else { folder }).join("cgroup.procs"))
        };
        self.places.iter().map(entry).collect()
    }

    /// Processes in the group and in all groups in it; none if it is gone.
    ///
    /// # Errors
    ///
    /// The group cannot be read.
    pub fn processes(&self, path: &GroupPath) -> Result<BTreeSet<Pid>, GroupError> {
        let mut pids = BTreeSet::new();
        for place in &self.places {
            pids.extend(pids_below(&*self.kernel, &path.folder(&place.parent))?);
        }
        Ok(pids)
    }

    /// Which settings the host has, seen in the parent group.
    ///
    /// # Errors
    ///
    /// The parent group cannot be looked at.
    pub fn abilities(&self) -> Result<Abilities, GroupError> {
        let file = |ability: Ability| -> Result<Option<&'static str>, GroupError> {
            let Some(place) = ability.controller().and_then(|controller| self.place_of(controller)) else {
                return Ok(None);
            };
            for file in ability.files(place.version) {
                if self.has(&place.parent.join(file))? {
                    return Ok(Some(file));
                }
            }
            Ok(None)
        };
        let homes = self
            .places
            .iter()
            .flat_map(|place| place.controllers.iter().map(|controller| (*controller, place.version)));
        Ok(Abilities {
            homes: homes.collect(),
            cpu_bandwidth: file(Ability::CpuBandwidth)?.is_some(),
            cpu_burst: file(Ability::CpuBurst)?.is_some(),
            swap: file(Ability::Swap)?.is_some(),
            io_weight: file(Ability::IoWeight)?.and_then(IoWeightFile::named),
            weight_scale: WeightScale::default(),
        })
    }

    /// The group's folder in the hierarchy of a controller.
    pub fn folder(&self, path: &GroupPath, controller: Controller) -> Option<PathBuf> {
        self.place_of(controller).map(|place| path.folder(&place.parent))
    }

    pub(crate) fn place_of(&self, controller: Controller) -> Option<&Place> {
        self.places.iter().find(|place| place.controllers.contains(&controller))
    }

    pub(crate) fn has(&self, path: &Path) -> Result<bool, GroupError> {
        Ok(self.kernel.has(path).map_err(|source| Refusal::new(Action::Read, path, source))?)
    }

    pub(crate) fn write(&self, action: Action, path: &Path, text: &str) -> Result<(), Refusal> {
        self.kernel.write(path, text).map_err(|source| Refusal::writing(action, path, text, source))
    }

    /// Makes a folder, unless it is there.
    pub(crate) fn make(&self, path: &Path, made: &mut Vec<PathBuf>) -> Result<(), GroupError> {
        match self.kernel.make_group(path) {
            Ok(()) => {
                made.push(path.to_owned());
                Ok(())
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
            Err(source) => Err(Refusal::new(Action::MakeGroup, path, source).into()),
        }
    }
}

impl Groups {
    /// Does what a placement proposes, and makes the parent group.
    ///
    /// # Errors
    ///
    /// The placement lacks something, or the system refuses something: folders that this call made are removed again.
    /// Processes that moved aside stay there.
    pub fn open(
        kernel: Arc<dyn Kernel>,
        placement: &Placement,
        patience: Patience,
    ) -> Result<Groups, GroupError> {
        let fatal: Vec<String> =
            placement.findings.iter().filter(|finding| finding.is_fatal()).map(ToString::to_string).collect();
        if !fatal.is_empty() {
            return Err(GroupError::Unusable(fatal.join("; ")));
        }
        let groups = Groups::new(kernel, placement.places.clone(), patience);
        groups.prepare()?;
        Ok(groups)
    }
}

fn is_busy(refusal: &Refusal) -> bool {
    refusal.source.raw_os_error() == Some(Errno::BUSY.raw_os_error())
}
