//! Files that tell of a group's events, and how the kernel calls when they change.

use std::fs;
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use rustix::event::{EventfdFlags, eventfd};
use rustix::fd::OwnedFd;

use super::Counts;
use crate::controller::{Controller, Version};
use crate::error::{Action, GroupError, Refusal};
use crate::groups::{Groups, PROCESSES};
use crate::names::GroupPath;
use crate::processes::is_gone;

/// What a file tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// v2: `memory.events`.
    Memory,
    /// v1: `memory.oom_control`; `memory.failcnt` lies beside it.
    LegacyMemory,
    /// v2: `pids.events`.
    Pids,
    /// v1: `pids.events`; newer kernels (6.18 for one) count there without a call.
    LegacyPids,
    /// v2: `cgroup.events`.
    Core,
}

/// A file that is watched.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) kind: Kind,
    pub(super) path: PathBuf,
}

/// The files of a group. Those that the kernel does not have are left out, except where nothing could be told then.
pub(super) fn sources(groups: &Groups, path: &GroupPath) -> Result<Vec<Source>, GroupError> {
    let mut sources = Vec::new();
    let mut add = |kind, file: PathBuf, must: bool| -> Result<(), GroupError> {
        if must || groups.has(&file)? {
            sources.push(Source { kind, path: file });
        }
        Ok(())
    };
    for place in groups.places() {
        let folder = path.folder(&place.parent);
        let has = |controller: Controller| place.controllers.contains(&controller);
        match place.version {
            Version::V2 => {
                add(Kind::Core, folder.join("cgroup.events"), true)?;
                // A nested group's events count in all groups above it, too: what happened to the container's own
                // processes is told by the group that they are in.
                let inner = folder.join(PROCESSES);
                let home = if groups.has(&inner)? { &inner } else { &folder };
                if has(Controller::Memory) {
                    add(Kind::Memory, home.join("memory.events"), true)?;
                }
                if has(Controller::Pids) {
                    // Kernels before 6.11 count where the process is. Later ones count where the limit is, and in all
                    // groups above it; they have a file that leaves out what is nested.
                    let local = folder.join("pids.events.local");
                    let limited = if groups.has(&local)? { local } else { folder.join("pids.events") };
                    add(Kind::Pids, limited, true)?;
                    add(Kind::Pids, inner.join("pids.events"), false)?;
                }
            }
            Version::V1 => {
                if has(Controller::Memory) {
                    add(Kind::LegacyMemory, folder.join("memory.oom_control"), true)?;
                }
                if has(Controller::Pids) {
                    add(Kind::LegacyPids, folder.join("pids.events"), false)?;
                }
            }
        }
    }
    Ok(sources)
}

/// Reads all files of a group; those that are gone count nothing.
pub(super) fn read(sources: &[Source]) -> Result<Counts, Refusal> {
    let mut counts = Counts::default();
    for source in sources {
        let content = content(&source.path)?;
        match source.kind {
            Kind::Memory => counts.add_memory_events(&content),
            Kind::LegacyMemory => {
                counts.add_legacy_memory(
                    &content,
                    &self::content(&source.path.with_file_name("memory.failcnt"))?,
                );
            }
            Kind::Pids | Kind::LegacyPids => counts.add_pids_events(&content),
            Kind::Core => counts.set_cgroup_events(&content),
        }
    }
    Ok(counts)
}

fn content(path: &Path) -> Result<Vec<u8>, Refusal> {
    match fs::read(path) {
        Ok(content) => Ok(content),
        Err(error) if is_gone(&error) => Ok(Vec::new()),
        Err(source) => Err(Refusal::new(Action::Watch, path, source)),
    }
}

/// v1: a descriptor that the kernel signals when the group runs out of memory, and when it is removed.
pub(super) fn legacy_signal(oom_control: &Path) -> Result<OwnedFd, Refusal> {
    let refused = |path: &Path, source: io::Error| Refusal::new(Action::Watch, path, source);
    let signal = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
        .map_err(|error| refused(oom_control, error.into()))?;
    let file = fs::File::open(oom_control).map_err(|source| refused(oom_control, source))?;
    let control = oom_control.with_file_name("cgroup.event_control");
    let text = format!("{} {}", signal.as_raw_fd(), file.as_raw_fd());
    fs::OpenOptions::new()
        .write(true)
        .open(&control)
        .and_then(|mut control| io::Write::write_all(&mut control, text.as_bytes()))
        .map_err(|source| Refusal::writing(Action::Watch, &control, &text, source))?;
    Ok(signal)
}
