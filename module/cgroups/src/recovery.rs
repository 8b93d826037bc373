//! What is there after a restart or a crash.

use std::collections::BTreeMap;

use crate::controller::Version;
use crate::error::{Action, GroupError, Refusal};
use crate::groups::{Groups, PROCESSES, Shape};
use crate::names::{DEPTH_MAX, GroupPath};
use crate::processes::{GROUPS_IN_GROUP_MAX, is_gone, pids_below};

/// Groups below the parent group at most: more than an agent can have containers.
const FOUND_MAX: usize = GROUPS_IN_GROUP_MAX * 10;

/// A container's group that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its path.
    pub path: GroupPath,
    /// What it was made for. On v1 it makes no difference and is always [`Shape::Leaf`].
    pub shape: Shape,
    /// Whether it is there in every hierarchy: if not, a call was cut off.
    pub complete: bool,
    /// Processes in it and in all groups in it.
    pub processes: usize,
}

impl Groups {
    /// All groups of containers below the parent group, nested ones after those they are nested in. Nothing is changed.
    /// Folders that are not named as ours are left out.
    ///
    /// # Errors
    ///
    /// A folder cannot be read, or there are too many.
    pub fn recover(&self) -> Result<Vec<Found>, GroupError> {
        let mut seen: BTreeMap<GroupPath, usize> = BTreeMap::new();
        for place in &self.places {
            let mut open: Vec<Option<GroupPath>> = vec![None];
            while let Some(outer) = open.pop() {
                let folder = match &outer {
                    None => place.parent.clone(),
                    Some(path) => path.folder(&place.parent),
                };
                let children = match self.kernel.child_groups(&folder) {
                    Ok(children) => children,
                    Err(error) if is_gone(&error) => continue,
                    Err(source) => return Err(Refusal::new(Action::List, &folder, source).into()),
                };
                for path in children.iter().filter_map(|child| GroupPath::found(outer.as_ref(), child)) {
                    *seen.entry(path.clone()).or_default() += 1;
                    if path.names().len() < DEPTH_MAX {
                        open.push(Some(path));
                    }
                }
                if seen.len() > FOUND_MAX {
                    return Err(GroupError::TooManyGroups { path: place.parent.clone(), max: FOUND_MAX });
                }
            }
        }
        seen.into_iter().map(|(path, places)| self.found(path, places)).collect()
    }

    fn found(&self, path: GroupPath, places: usize) -> Result<Found, GroupError> {
        let mut inner = false;
        let mut pids = std::collections::BTreeSet::new();
        for place in &self.places {
            let folder = path.folder(&place.parent);
            pids.extend(pids_below(&*self.kernel, &folder)?);
            inner |= place.version == Version::V2 && self.has(&folder.join(PROCESSES))?;
        }
        let shape = if inner { Shape::Inner } else { Shape::Leaf };
        Ok(Found { path, shape, complete: places == self.places.len(), processes: pids.len() })
    }

    /// Removes the parent group, if no containers' groups are left in it. For an agent that leaves for good, and for
    /// tests.
    ///
    /// # Errors
    ///
    /// Groups are left in it, or the system refuses it.
    pub fn close(&self) -> Result<(), GroupError> {
        for place in &self.places {
            match self.kernel.remove_group(&place.parent) {
                Ok(()) => {}
                Err(error) if is_gone(&error) => {}
                Err(source) => return Err(Refusal::new(Action::RemoveGroup, &place.parent, source).into()),
            }
        }
        Ok(())
    }
}
