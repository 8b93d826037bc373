//! What a group uses.
//!
//! The parsers are total: any bytes give a value, unknown keys are left out, missing ones are `None` or zero.

mod cpu;
mod io;
mod memory;
mod pressure;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use cpu::{CpuUsage, cpu_legacy, cpu_unified};
pub use io::{IoUsage, io_legacy, io_unified};
pub use memory::{MemoryUsage, memory_legacy, memory_unified};
pub use pressure::{Pressure, Stall, pressure};

use crate::controller::{Controller, Version};
use crate::error::{Action, GroupError, Refusal};
use crate::groups::Groups;
use crate::limits::{Bound, Device};
use crate::names::GroupPath;
use crate::parse::number;
use crate::placement::Place;
use crate::processes::is_gone;

/// Processes and threads of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PidsUsage {
    /// Now.
    pub current: u64,
    /// At most; `None` if the file could not be read.
    pub max: Option<Bound>,
}

/// Pressure of a group: how much of the time its processes waited for a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pressures {
    /// For CPUs.
    pub cpu: Option<Pressure>,
    /// For memory.
    pub memory: Option<Pressure>,
    /// For block devices.
    pub io: Option<Pressure>,
}

/// What a group and all groups in it use. `None` where the controller has no place.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Usage {
    /// CPU time.
    pub cpu: Option<CpuUsage>,
    /// Memory.
    pub memory: Option<MemoryUsage>,
    /// Block devices.
    pub io: Option<BTreeMap<Device, IoUsage>>,
    /// Processes and threads.
    pub pids: Option<PidsUsage>,
    /// Waiting, on v2 with a kernel that accounts for it (`psi=1`).
    pub pressure: Pressures,
}

/// Reads files of one group: a file that is not there is empty, since kernels differ in what they have.
#[derive(Debug, Clone, Copy)]
struct Reader<'a> {
    groups: &'a Groups,
    folder: &'a Path,
}

impl Reader<'_> {
    fn content(&self, file: &str) -> Result<Vec<u8>, GroupError> {
        let path = self.folder.join(file);
        match self.groups.kernel.read(&path) {
            Ok(content) => Ok(content),
            // Pressure files answer so where the kernel does not account for it.
            Err(error) if is_gone(&error) || error.kind() == std::io::ErrorKind::Unsupported => {
                Ok(Vec::new())
            }
            Err(source) => Err(Refusal::new(Action::Read, &path, source).into()),
        }
    }
}

impl Groups {
    /// Measures a group.
    ///
    /// # Errors
    ///
    /// The group is gone, or a file cannot be read.
    pub fn usage(&self, path: &GroupPath) -> Result<Usage, GroupError> {
        for place in &self.places {
            let folder = path.folder(&place.parent);
            if !self.has(&folder)? {
                return Err(GroupError::Unknown { path: folder });
            }
        }
        self.usage_at(Some(path))
    }

    /// Without a path: of the parent group.
    fn usage_at(&self, path: Option<&GroupPath>) -> Result<Usage, GroupError> {
        let mut usage = Usage { cpu: self.cpu_usage(path)?, ..Usage::default() };
        if let Some((folder, version)) = self.at(path, Controller::Memory) {
            usage.memory = Some(self.memory_usage(&folder, version)?);
        }
        if let Some((folder, version)) = self.at(path, Controller::Io) {
            let reader = Reader { groups: self, folder: &folder };
            usage.io = Some(match version {
                Version::V2 => io_unified(&reader.content("io.stat")?),
                Version::V1 => io_legacy(
                    &reader.content("blkio.throttle.io_service_bytes_recursive")?,
                    &reader.content("blkio.throttle.io_serviced_recursive")?,
                ),
            });
        }
        if let Some((folder, _)) = self.at(path, Controller::Pids) {
            let reader = Reader { groups: self, folder: &folder };
            let max = reader.content("pids.max")?;
            let max =
                if max.trim_ascii() == b"max" { Some(Bound::Unlimited) } else { number(&max).map(Bound::At) };
            let current = number(&reader.content("pids.current")?).unwrap_or(0);
            usage.pids = Some(PidsUsage { current, max });
        }
        if let Some(place) = self.places.iter().find(|place| place.version == Version::V2) {
            let folder = folder_in(place, path);
            let reader = Reader { groups: self, folder: &folder };
            usage.pressure = Pressures {
                cpu: pressure(&reader.content("cpu.pressure")?),
                memory: pressure(&reader.content("memory.pressure")?),
                io: pressure(&reader.content("io.pressure")?),
            };
        }
        Ok(usage)
    }

    /// What all containers together use.
    ///
    /// # Errors
    ///
    /// A file cannot be read.
    pub fn usage_of_all(&self) -> Result<Usage, GroupError> {
        self.usage_at(None)
    }

    fn at(&self, path: Option<&GroupPath>, controller: Controller) -> Option<(PathBuf, Version)> {
        self.place_of(controller).map(|place| (folder_in(place, path), place.version))
    }

    /// v2 accounts for CPU time in every group, v1 in two hierarchies.
    fn cpu_usage(&self, path: Option<&GroupPath>) -> Result<Option<CpuUsage>, GroupError> {
        let on_v1 = |controller| self.at(path, controller).filter(|(_, version)| *version == Version::V1);
        let (bandwidth, account) = (on_v1(Controller::Cpu), on_v1(Controller::CpuAccount));
        if bandwidth.is_some() || account.is_some() {
            let content = |at: &Option<(PathBuf, Version)>, file| match at {
                None => Ok(Vec::new()),
                Some((folder, _)) => Reader { groups: self, folder }.content(file),
            };
            return Ok(Some(cpu_legacy(
                &content(&account, "cpuacct.usage")?,
                &content(&account, "cpuacct.stat")?,
                &content(&bandwidth, "cpu.stat")?,
                procfs::ticks_per_second(),
            )));
        }
        match self.places.iter().find(|place| place.version == Version::V2) {
            None => Ok(None),
            Some(place) => {
                let folder = folder_in(place, path);
                Ok(Some(cpu_unified(&Reader { groups: self, folder: &folder }.content("cpu.stat")?)))
            }
        }
    }

    fn memory_usage(&self, folder: &Path, version: Version) -> Result<MemoryUsage, GroupError> {
        let reader = Reader { groups: self, folder };
        Ok(match version {
            Version::V2 => memory_unified(
                &reader.content("memory.current")?,
                &reader.content("memory.peak")?,
                &reader.content("memory.swap.current")?,
                &reader.content("memory.stat")?,
            ),
            Version::V1 => memory_legacy(
                &reader.content("memory.usage_in_bytes")?,
                &reader.content("memory.max_usage_in_bytes")?,
                &reader.content("memory.kmem.usage_in_bytes")?,
                &reader.content("memory.stat")?,
            ),
        })
    }
}

/// A group's folder in a place; without a path the parent group's.
fn folder_in(place: &Place, path: Option<&GroupPath>) -> PathBuf {
    path.map_or_else(|| place.parent.clone(), |path| path.folder(&place.parent))
}
