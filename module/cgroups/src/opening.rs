//! Making the parent group ready: processes out of the way, controllers handed down, lists filled.

use std::path::{Path, PathBuf};

use rustix::fd::OwnedFd;

use crate::controller::{Controller, Version};
use crate::error::{Action, GroupError, Refusal};
use crate::groups::Groups;
use crate::hierarchy::listed;
use crate::placement::Place;
use crate::processes::{is_gone, pids_in};

/// Rounds of moving processes aside: each finds those that were forked during the one before.
const MOVES_MAX: u32 = 100;

/// The parent group is ours, as long as this lives.
#[derive(Debug)]
pub struct Claim {
    _held: Vec<OwnedFd>,
}

impl Groups {
    /// Takes the parent group for this process: whoever else asks is refused until the claim is dropped or the process
    /// ends. Two agents with one parent group would each take the other's containers for orphans.
    ///
    /// # Errors
    ///
    /// [`GroupError::Claimed`]; the system may refuse something else.
    pub fn claim(&self) -> Result<Claim, GroupError> {
        let mut held = Vec::new();
        for place in &self.places {
            match self.kernel.claim(&place.parent) {
                Ok(descriptor) => held.extend(descriptor),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    return Err(GroupError::Claimed { path: place.parent.clone() });
                }
                Err(source) => return Err(Refusal::new(Action::Claim, &place.parent, source).into()),
            }
        }
        Ok(Claim { _held: held })
    }

    pub(crate) fn prepare(&self) -> Result<(), GroupError> {
        let mut made = Vec::new();
        let outcome = self.places.iter().try_for_each(|place| self.prepare_place(place, &mut made));
        if outcome.is_err() {
            for folder in made.iter().rev() {
                // One that took our processes cannot be removed, and is not to be.
                let _ = self.kernel.remove_group(folder);
            }
        }
        outcome
    }

    fn prepare_place(&self, place: &Place, made: &mut Vec<PathBuf>) -> Result<(), GroupError> {
        if place.version == Version::V1 {
            self.make(&place.parent, made)?;
            self.count_children(place)?;
            return self.fill_cpuset(place, &place.parent);
        }
        if !place.moves.is_empty() {
            self.make(&place.agent(), made)?;
            self.move_aside(place)?;
        }
        self.hand_down(place, &place.base)?;
        self.make(&place.parent, made)?;
        self.hand_down(place, &place.parent)
    }

    fn move_aside(&self, place: &Place) -> Result<(), GroupError> {
        let file = place.agent().join("cgroup.procs");
        for _ in 0..MOVES_MAX {
            let pids = pids_in(&*self.kernel, &place.base)?;
            if pids.is_empty() {
                return Ok(());
            }
            for pid in pids {
                match self.kernel.write(&file, &pid.to_string()) {
                    Ok(()) => {}
                    // It ended meanwhile.
                    Err(error) if error.raw_os_error() == Some(rustix::io::Errno::SRCH.raw_os_error()) => {}
                    Err(source) => {
                        return Err(Refusal::writing(Action::Move, &file, &pid.to_string(), source).into());
                    }
                }
            }
        }
        Err(GroupError::Unusable(format!(
            "processes keep appearing in {}: give the agent a service or scope of its own",
            place.base.display()
        )))
    }

    /// Hands the place's controllers to the children of a group, on v2. One write for each, so that a refusal names it.
    pub(crate) fn hand_down(&self, place: &Place, group: &Path) -> Result<(), GroupError> {
        let file = group.join("cgroup.subtree_control");
        let there = listed(&*self.kernel, &file)?;
        let missing = |controller: &&Controller| !controller.is_core_on_v2() && !there.contains(controller);
        for controller in place.controllers.iter().filter(missing) {
            self.write(Action::Delegate, &file, &format!("+{}", controller.name(Version::V2)))?;
        }
        Ok(())
    }

    /// v1: kernels before 5.11 charge the groups above only if told so while there are no children.
    fn count_children(&self, place: &Place) -> Result<(), GroupError> {
        if !place.controllers.contains(&Controller::Memory) {
            return Ok(());
        }
        let file = place.parent.join("memory.use_hierarchy");
        match self.kernel.read(&file) {
            Ok(content) if content.trim_ascii() == b"0" => Ok(self.write(Action::Write, &file, "1")?),
            Ok(_) => Ok(()),
            Err(error) if is_gone(&error) => Ok(()),
            Err(source) => Err(Refusal::new(Action::Read, &file, source).into()),
        }
    }

    /// v1: a group takes no process before it has CPUs and memory nodes; it starts with those of the group above.
    pub(crate) fn fill_cpuset(&self, place: &Place, group: &Path) -> Result<(), GroupError> {
        if !place.controllers.contains(&Controller::CpuSet) {
            return Ok(());
        }
        let above = group.parent().unwrap_or(group);
        for name in ["cpuset.cpus", "cpuset.mems"] {
            let read = |path: PathBuf| {
                self.kernel.read(&path).map_err(|source| Refusal::new(Action::Read, &path, source))
            };
            if !read(group.join(name))?.trim_ascii().is_empty() {
                continue;
            }
            let inherited = read(above.join(name))?;
            let text = String::from_utf8_lossy(inherited.trim_ascii()).into_owned();
            self.write(Action::Write, &group.join(name), &text)?;
        }
        Ok(())
    }
}
