//! Which settings a host has, seen before any group is made.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::abilities::{Abilities, Ability, IoWeightFile, WeightScale};
use crate::controller::{Controller, Version};
use crate::error::{Action, GroupError, Refusal};
use crate::hierarchy::{Hierarchy, controllers_of};
use crate::kernel::Kernel;
use crate::placement::{Place, Wish};

/// Groups at the top of a hierarchy that are looked at in search of one with a controller.
const LOOKED_AT_MAX: usize = 64;

/// Whether a host has an [`Ability`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// It has: this file.
    There(PathBuf),
    /// This group would show it, and does not.
    NotThere {
        /// Version of the interface.
        version: Version,
        /// The group.
        group: PathBuf,
    },
    /// Its controller is in no hierarchy.
    NoController(Controller),
    /// v1 does not have it.
    NotOnV1,
    /// Topmost groups have fewer settings than others, and no other group was found.
    Unclear,
}

impl Abilities {
    /// What plans can be made for before there are groups: of places, and of what [`Hierarchy::sight`] saw. What is unclear
    /// is taken for there.
    pub fn seen(places: &[Place], seen: &[(Ability, Seen)]) -> Abilities {
        let homes = places
            .iter()
            .flat_map(|place| place.controllers.iter().map(|controller| (*controller, place.version)));
        let homes: BTreeMap<Controller, Version> = homes.collect();
        let of = |wanted: Ability| seen.iter().find(|(ability, _)| *ability == wanted).map(|(_, seen)| seen);
        let has = |ability| matches!(of(ability), Some(Seen::There(_) | Seen::Unclear));
        let io_weight = match of(Ability::IoWeight) {
            Some(Seen::There(path)) => path.file_name().and_then(|file| IoWeightFile::named(file.to_str()?)),
            Some(Seen::Unclear) => homes.get(&Controller::Io).and_then(|version| {
                Ability::IoWeight.files(*version).first().and_then(|file| IoWeightFile::named(file))
            }),
            _ => None,
        };
        Abilities {
            cpu_bandwidth: has(Ability::CpuBandwidth),
            cpu_burst: has(Ability::CpuBurst),
            swap: has(Ability::Swap),
            io_weight,
            weight_scale: WeightScale::default(),
            homes,
        }
    }
}

impl Hierarchy {
    /// Which settings the host has, also of controllers that are not wanted. Looks where [`Hierarchy::place`] would place
    /// containers' groups, and in groups near by. Nothing is changed.
    ///
    /// # Errors
    ///
    /// As [`Hierarchy::place`].
    pub fn sight(&self, kernel: &dyn Kernel, wish: &Wish) -> Result<Vec<(Ability, Seen)>, GroupError> {
        let every = Wish { controllers: Controller::ALL.into_iter().collect(), ..wish.clone() };
        let (wanted, every) = (self.place(kernel, wish)?.places, self.place(kernel, &every)?.places);
        let seen = |ability: Ability| {
            let place = match ability.controller() {
                Some(controller) => every
                    .iter()
                    .find(|place| place.controllers.contains(&controller))
                    .ok_or(Seen::NoController(controller)),
                None => wanted.iter().find(|place| place.version == Version::V2).ok_or(Seen::NotOnV1),
            };
            let seen = match place {
                Ok(place) => self.seen(kernel, ability, place)?,
                Err(seen) => seen,
            };
            Ok((ability, seen))
        };
        Ability::ALL.into_iter().map(seen).collect()
    }

    fn seen(&self, kernel: &dyn Kernel, ability: Ability, place: &Place) -> Result<Seen, GroupError> {
        let files = ability.files(place.version);
        if files.is_empty() {
            return Ok(Seen::NotOnV1);
        }
        let top = self.top_of(place);
        for group in self.groups_near(kernel, ability, place, top)? {
            for file in files {
                let path = group.join(file);
                if has(kernel, &path)? {
                    return Ok(Seen::There(path));
                }
            }
            if group != top {
                return Ok(Seen::NotThere { version: place.version, group });
            }
        }
        Ok(Seen::Unclear)
    }

    /// The mount point of the hierarchy that a place is in.
    fn top_of<'a>(&'a self, place: &'a Place) -> &'a Path {
        let here = self.mounts().iter().filter(|mount| place.base.starts_with(&mount.point));
        let here = here.max_by_key(|mount| mount.point.as_os_str().len());
        here.map_or(&place.base, |mount| &mount.point)
    }

    /// Groups that have the controller of an ability: the place's own, those above, those at the top.
    fn groups_near(
        &self,
        kernel: &dyn Kernel,
        ability: Ability,
        place: &Place,
        top: &Path,
    ) -> Result<Vec<PathBuf>, GroupError> {
        let above = place.base.ancestors().take_while(|group| group.starts_with(top)).map(Path::to_owned);
        let mut groups: Vec<PathBuf> = std::iter::once(place.parent.clone()).chain(above).collect();
        // Groups come and go, and some are not for everybody to see.
        let beside = kernel.child_groups(top).unwrap_or_default();
        groups.extend(beside.into_iter().take(LOOKED_AT_MAX).map(|name| top.join(name)));
        let mut found = Vec::new();
        for group in groups {
            let fits = match (place.version, ability.controller()) {
                (Version::V2, Some(controller)) => {
                    controllers_of(kernel, &group).is_ok_and(|there| there.contains(&controller))
                }
                _ => has(kernel, &group)?,
            };
            if fits {
                found.push(group);
            }
        }
        Ok(found)
    }
}

fn has(kernel: &dyn Kernel, path: &Path) -> Result<bool, GroupError> {
    Ok(kernel.has(path).map_err(|source| Refusal::new(Action::Read, path, source))?)
}
