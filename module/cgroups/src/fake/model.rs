//! The state of the fake, and the kernel's rules.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::ops::Range;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use super::files::{of_controller, of_core};
use crate::controller::Version;

const CONTROLLERS: [&str; 8] = ["cpu", "cpuacct", "cpuset", "memory", "blkio", "pids", "hugetlb", "freezer"];

#[derive(Debug)]
pub(super) struct Group {
    version: Version,
    mount: PathBuf,
    controllers: BTreeSet<String>,
    handed_down: BTreeSet<String>,
    pub(super) processes: BTreeSet<u32>,
    files: BTreeMap<String, String>,
}

#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) groups: BTreeMap<PathBuf, Group>,
    plain: BTreeMap<PathBuf, String>,
    pub(super) delegated: BTreeSet<PathBuf>,
    pub(super) stubborn: BTreeSet<u32>,
    pub(super) in_use: BTreeMap<PathBuf, u64>,
    pub(super) lacks: BTreeSet<String>,
    pub(super) operations: usize,
    pub(super) fails: Option<(Range<usize>, i32)>,
}

fn fail<T>(errno: Errno) -> Result<T, i32> {
    Err(errno.raw_os_error())
}

impl Model {
    pub(super) fn legacy(without: &[&str]) -> Model {
        let mut model = Model::default();
        let (mut mounts, mut memberships) = (String::new(), String::new());
        for (number, name) in CONTROLLERS.iter().filter(|name| !without.contains(name)).enumerate() {
            let point = format!("/sys/fs/cgroup/{name}");
            model.mount(&point, Version::V1, &[name]);
            model.join(100, Path::new(&point));
            mounts
                .push_str(&format!("{n} 23 0:{n} / {point} rw - cgroup cgroup rw,{name}\n", n = number + 40));
            memberships.push_str(&format!("{number}:{name}:/\n"));
        }
        model.plain("/proc/self/mountinfo", &mounts);
        model.plain("/proc/self/cgroup", &memberships);
        model
    }

    pub(super) fn mount(&mut self, point: &str, version: Version, controllers: &[&str]) {
        let controllers = controllers.iter().map(ToString::to_string).collect();
        self.insert(Path::new(point), version, Path::new(point), controllers);
    }

    fn insert(&mut self, path: &Path, version: Version, mount: &Path, controllers: BTreeSet<String>) {
        let top = path == mount;
        let mut files = BTreeMap::new();
        let core = if version == Version::V2 { of_core(top) } else { &[] };
        let given = controllers.iter().flat_map(|name| of_controller(version, name, top));
        for (file, content) in core.iter().chain(given) {
            files.insert((*file).to_owned(), (*content).to_owned());
        }
        let group = Group {
            version,
            mount: mount.to_owned(),
            controllers,
            handed_down: BTreeSet::new(),
            processes: BTreeSet::new(),
            files,
        };
        self.groups.insert(path.to_owned(), group);
    }

    pub(super) fn plain(&mut self, path: &str, content: &str) {
        self.plain.insert(path.into(), content.to_owned());
    }

    pub(super) fn append(&mut self, path: &str, content: &str) {
        self.plain.entry(path.into()).or_default().push_str(content);
    }

    pub(super) fn store(&mut self, path: &Path, content: &str) {
        let (Some(folder), Some(file)) = (path.parent(), path.file_name()) else { return };
        if let Some(group) = self.groups.get_mut(folder) {
            group.files.insert(file.to_string_lossy().into_owned(), content.to_owned());
        }
    }

    pub(super) fn hand_down_all(&mut self, path: &Path) {
        if let Some(group) = self.groups.get_mut(path) {
            group.handed_down = group.controllers.clone();
        }
    }

    pub(super) fn groups_of(&self, pid: u32) -> Vec<PathBuf> {
        let holds = |group: &Group| group.processes.contains(&pid);
        self.groups.iter().filter(|(_, group)| holds(group)).map(|(path, _)| path.clone()).collect()
    }

    pub(super) fn join(&mut self, pid: u32, path: &Path) {
        let Some(mount) = self.groups.get(path).map(|group| group.mount.clone()) else { return };
        for (other, group) in &mut self.groups {
            if group.mount == mount {
                group.processes.remove(&pid);
            }
            if other == path {
                group.processes.insert(pid);
            }
        }
    }

    pub(super) fn exit(&mut self, pid: u32) {
        self.groups.values_mut().for_each(|group| {
            group.processes.remove(&pid);
        });
    }

    pub(super) fn kill(&mut self, pid: u32) {
        if !self.stubborn.contains(&pid) {
            self.exit(pid);
        }
    }

    fn at(&self, path: &Path) -> Result<(&Group, String), i32> {
        let folder = path.parent().and_then(|folder| self.groups.get(folder));
        let file = path.file_name().map(|file| file.to_string_lossy().into_owned());
        match (folder, file) {
            (Some(group), Some(file)) if !self.lacks.contains(&file) => Ok((group, file)),
            _ => fail(Errno::NOENT),
        }
    }

    pub(super) fn has(&self, path: &Path) -> bool {
        self.groups.contains_key(path) || self.read(path).is_ok()
    }

    pub(super) fn read(&self, path: &Path) -> Result<String, i32> {
        if let Some(content) = self.plain.get(path) {
            return Ok(content.clone());
        }
        let (group, file) = self.at(path)?;
        let words = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(" ") + "\n";
        match file.as_str() {
            "cgroup.procs" => Ok(group.processes.iter().map(|pid| format!("{pid}\n")).collect()),
            "cgroup.controllers" if group.version == Version::V2 => Ok(words(&group.controllers)),
            "cgroup.subtree_control" if group.version == Version::V2 => Ok(words(&group.handed_down)),
            _ => group.files.get(&file).cloned().ok_or(Errno::NOENT.raw_os_error()),
        }
    }

    pub(super) fn write(&mut self, path: &Path, text: &str) -> Result<(), i32> {
        let (group, file) = self.at(path)?;
        let folder = path.parent().unwrap_or(path).to_owned();
        let top = group.mount == folder;
        match file.as_str() {
            "cgroup.procs" => {
                let Ok(pid) = text.parse::<u32>() else { return fail(Errno::INVAL) };
                if group.version == Version::V2 && !top && !group.handed_down.is_empty() {
                    return fail(Errno::BUSY);
                }
                if group.files.get("cpuset.cpus").is_some_and(String::is_empty)
                    && group.version == Version::V1
                {
                    return fail(Errno::NOSPC);
                }
                if self.groups_of(pid).is_empty() {
                    return fail(Errno::SRCH);
                }
                self.join(pid, &folder);
                Ok(())
            }
            "cgroup.subtree_control" => self.hand_down(&folder, text),
            "cgroup.kill" => {
                let below: Vec<u32> = self
                    .groups
                    .iter()
                    .filter(|(path, _)| path.starts_with(&folder))
                    .flat_map(|(_, group)| group.processes.clone())
                    .collect();
                below.into_iter().for_each(|pid| self.kill(pid));
                Ok(())
            }
            _ => self.setting(&folder, &file, text),
        }
    }

    fn hand_down(&mut self, folder: &Path, text: &str) -> Result<(), i32> {
        let Some(group) = self.groups.get_mut(folder) else { return fail(Errno::NOENT) };
        let Some(name) = text.strip_prefix('+') else { return fail(Errno::INVAL) };
        if !group.controllers.contains(name) {
            return fail(Errno::NOENT);
        }
        if !group.processes.is_empty() && group.mount != folder {
            return fail(Errno::BUSY);
        }
        group.handed_down.insert(name.to_owned());
        for (path, child) in &mut self.groups {
            if path.parent() == Some(folder) && child.controllers.insert(name.to_owned()) {
                let given = of_controller(Version::V2, name, false);
                child.files.extend(given.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned())));
            }
        }
        Ok(())
    }

    fn setting(&mut self, folder: &Path, file: &str, text: &str) -> Result<(), i32> {
        let in_use = self.in_use.get(folder).copied().unwrap_or(0);
        let Some(group) = self.groups.get_mut(folder) else { return fail(Errno::NOENT) };
        // "-1" is the highest of all.
        let amount = |text: &str| text.trim().parse::<u64>().unwrap_or(u64::MAX);
        let of = |name: &str| group.files.get(name).map_or(u64::MAX, |text| amount(text));
        let quota = |text: &str| amount(text.split(' ').next().unwrap_or_default());
        let wrong = match file {
            "memory.limit_in_bytes" => amount(text) > of("memory.memsw.limit_in_bytes"),
            "memory.memsw.limit_in_bytes" => amount(text) < of("memory.limit_in_bytes"),
            "cpu.cfs_quota_us" => amount(text) < of("cpu.cfs_burst_us"),
            "cpu.cfs_burst_us" => amount(text) > of("cpu.cfs_quota_us"),
            "cpu.max" => quota(text) < of("cpu.max.burst"),
            "cpu.max.burst" => amount(text) > group.files.get("cpu.max").map_or(u64::MAX, |text| quota(text)),
            _ => false,
        };
        if wrong {
            return fail(Errno::INVAL);
        }
        if (file == "memory.limit_in_bytes" || file == "memory.memsw.limit_in_bytes") && amount(text) < in_use
        {
            return fail(Errno::BUSY);
        }
        match group.files.get_mut(file) {
            None => fail(Errno::NOENT),
            Some(content) => {
                *content = text.to_owned();
                Ok(())
            }
        }
    }

    pub(super) fn make(&mut self, path: &Path) -> Result<(), i32> {
        if self.groups.contains_key(path) {
            return fail(Errno::EXIST);
        }
        let Some(above) = path.parent().and_then(|above| self.groups.get(above)) else {
            return fail(Errno::NOENT);
        };
        let (version, mount) = (above.version, above.mount.clone());
        let controllers =
            if version == Version::V2 { above.handed_down.clone() } else { above.controllers.clone() };
        self.insert(path, version, &mount, controllers);
        Ok(())
    }

    pub(super) fn remove(&mut self, path: &Path) -> Result<(), i32> {
        let Some(group) = self.groups.get(path) else { return fail(Errno::NOENT) };
        let has_children = self.groups.keys().any(|other| other.parent() == Some(path));
        if has_children || !group.processes.is_empty() {
            return fail(Errno::BUSY);
        }
        self.groups.remove(path);
        Ok(())
    }

    pub(super) fn children(&self, path: &Path) -> Result<Vec<OsString>, i32> {
        if !self.groups.contains_key(path) {
            return fail(Errno::NOENT);
        }
        let child = |other: &&PathBuf| other.parent() == Some(path);
        Ok(self.groups.keys().filter(child).filter_map(|path| path.file_name()).map(Into::into).collect())
    }
}
