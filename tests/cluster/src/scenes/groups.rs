//! Where the kernel keeps the groups of an agent's containers, and what it says about them. Known from the kernel's and
//! the module's documents, not from the module's code: that is what is tested.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// Where control groups are mounted.
const MOUNTED: &str = "/sys/fs/cgroup";
/// Begins the folder of every container's group.
const CONTAINER: &str = "container-";
/// Controllers that the scenes look at. The last one is a part of `cpu` on v2.
const CONTROLLERS: [&str; 4] = ["cpu", "memory", "pids", "cpuacct"];
/// v1 writes a number close to 2^63 where there is no limit.
const LEGACY_ENDLESS: u64 = 1 << 62;

/// Version of the kernel's interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// One hierarchy for each controller.
    V1,
    /// One hierarchy for all.
    V2,
}

/// What the files of one group say, in one notation for both versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Shares of CPU time: `cpu.shares` on v1, `cpu.weight` on v2, each in its own scale.
    pub weight: u64,
    /// CPU time in microseconds for each period, if there is a limit.
    pub quota_us: Option<u64>,
    /// The period in microseconds.
    pub period_us: u64,
    /// CPU time in microseconds that may be saved up.
    pub burst_us: u64,
    /// Memory in bytes at most.
    pub memory_max: Option<u64>,
    /// Memory in bytes that is protected.
    pub memory_low: u64,
    /// Where the kernel begins to reclaim, in bytes; v1 has nothing of this kind.
    pub memory_high: Option<u64>,
    /// Processes and threads at most.
    pub pids: Option<u64>,
}

/// The groups of one agent's containers.
#[derive(Debug, Clone)]
pub struct Groups {
    version: Version,
    name: String,
    /// For each controller the group in which the folder for all containers is.
    bases: Vec<(&'static str, PathBuf)>,
    /// The same for everything that is mounted, also what the scenes do not look at.
    everywhere: Vec<PathBuf>,
}

impl Groups {
    /// The groups below the folder of that name, for an agent that runs where this process does.
    ///
    /// # Panics
    /// When this process' groups cannot be found.
    pub fn here(name: &str) -> Groups {
        let own = text(Path::new("/proc/self/cgroup"));
        let lines: Vec<(&str, &str)> = own
            .lines()
            .filter_map(|line| line.split_once(':').and_then(|(_, rest)| rest.split_once(':')))
            .collect();
        let legacy = |controller: &str| {
            let of = lines.iter().find(|(names, _)| names.split(',').any(|name| name == controller));
            of.map(|(_, path)| inside(&Path::new(MOUNTED).join(controller), path))
        };
        let unified = lines.iter().find(|(names, _)| names.is_empty());
        let version = if legacy("memory").is_some() { Version::V1 } else { Version::V2 };
        let base = |controller: &'static str| match version {
            Version::V1 => legacy(controller),
            Version::V2 => unified.map(|(_, path)| inside(Path::new(MOUNTED), path)),
        };
        let bases = CONTROLLERS
            .map(|controller| (controller, base(controller).expect("a hierarchy for each controller")))
            .into();
        let mounted = |(names, path): &(&str, &str)| {
            let folder = match (version, names.split(',').next().unwrap_or_default()) {
                (Version::V1, "") => "unified",
                (_, name) => name.trim_start_matches("name="),
            };
            inside(&Path::new(MOUNTED).join(folder), path)
        };
        let everywhere = lines.iter().map(mounted).filter(|base| base.is_dir()).collect();
        Groups { version, name: name.to_owned(), bases, everywhere }
    }

    /// The groups below the folder of that name, in the group of this path from the top of each hierarchy.
    ///
    /// # Panics
    /// As [`Groups::here`].
    pub fn below(name: &str, path: &str) -> Groups {
        let mut groups = Groups::here(name);
        for (controller, base) in &mut groups.bases {
            let top = match groups.version {
                Version::V1 => Path::new(MOUNTED).join(controller),
                Version::V2 => PathBuf::from(MOUNTED),
            };
            *base = inside(&top, path);
        }
        groups.everywhere = groups.bases.iter().map(|(_, base)| base.clone()).collect();
        groups
    }

    /// Which version of the interface the kernel has.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The group in which the agent itself is, and below which all is made.
    ///
    /// # Panics
    /// For a controller that the scenes do not know.
    pub fn base(&self, controller: &str) -> &Path {
        let found = self.bases.iter().find(|(name, _)| *name == controller);
        found.map(|(_, base)| &**base).expect("one of the controllers of the scenes")
    }

    /// The folder that holds all containers.
    ///
    /// # Panics
    /// As [`Groups::base`].
    pub fn parent(&self, controller: &str) -> PathBuf {
        self.base(controller).join(&self.name)
    }

    /// The folder of a container, which is nested in those that stand before it.
    ///
    /// # Panics
    /// As [`Groups::base`].
    pub fn folder(&self, controller: &str, chain: &[&str]) -> PathBuf {
        chain.iter().fold(self.parent(controller), |path, id| path.join(format!("{CONTAINER}{id}")))
    }

    /// The controllers, each in a hierarchy of its own: all of v1's, one for all of v2's.
    fn hierarchies(&self) -> &[(&'static str, PathBuf)] {
        match self.version {
            Version::V1 => &self.bases,
            Version::V2 => &self.bases[..1],
        }
    }

    /// What a file of a container's group says.
    ///
    /// # Panics
    /// When it cannot be read.
    pub fn read(&self, controller: &str, chain: &[&str], file: &str) -> String {
        text(&self.folder(controller, chain).join(file))
    }

    fn number(&self, controller: &str, chain: &[&str], file: &str) -> Option<u64> {
        limit(&self.read(controller, chain, file))
    }

    /// The settings of a container's group.
    ///
    /// # Panics
    /// When a file of it cannot be read.
    pub fn settings(&self, chain: &[&str]) -> Settings {
        let number = |controller: &str, file: &str| self.number(controller, chain, file);
        let some = |controller: &str, file: &str| {
            number(controller, file).unwrap_or_else(|| panic!("a number in {file} of {chain:?}"))
        };
        match self.version {
            Version::V1 => Settings {
                weight: some("cpu", "cpu.shares"),
                quota_us: number("cpu", "cpu.cfs_quota_us"),
                period_us: some("cpu", "cpu.cfs_period_us"),
                burst_us: some("cpu", "cpu.cfs_burst_us"),
                memory_max: number("memory", "memory.limit_in_bytes"),
                memory_low: some("memory", "memory.soft_limit_in_bytes"),
                memory_high: None,
                pids: number("pids", "pids.max"),
            },
            Version::V2 => {
                let max = self.read("cpu", chain, "cpu.max");
                let (quota, period) = max.trim().split_once(' ').expect("two words in cpu.max");
                Settings {
                    weight: some("cpu", "cpu.weight"),
                    quota_us: limit(quota),
                    period_us: limit(period).expect("a period"),
                    burst_us: some("cpu", "cpu.max.burst"),
                    memory_max: number("memory", "memory.max"),
                    memory_low: some("memory", "memory.low"),
                    memory_high: number("memory", "memory.high"),
                    pids: number("pids", "pids.max"),
                }
            }
        }
    }

    /// The weight of so many CPUs in the scale of this version.
    pub fn weight_of(&self, cpus_milli: u64) -> u64 {
        match self.version {
            Version::V1 => cpus_milli * 1024 / 1000,
            // A CPU is the default of 100; shares are rounded down, and the weight again.
            Version::V2 => cpus_milli * 1024 / 1000 * 100 / 1024,
        }
    }

    /// Gives the folder for all containers the greatest weight, so that what else runs on the machine leaves the scene
    /// its part. The module does not set this.
    ///
    /// # Panics
    /// When the kernel refuses it.
    pub fn prefer_over_others(&self) {
        let (file, weight) = match self.version {
            Version::V1 => ("cpu.shares", "262144"),
            Version::V2 => ("cpu.weight", "10000"),
        };
        fs::write(self.parent("cpu").join(file), weight).expect("a weight for the folder of all containers");
    }

    /// CPU time that a container has used, in microseconds.
    ///
    /// # Panics
    /// When its account cannot be read.
    pub fn cpu_us(&self, chain: &[&str]) -> u64 {
        match self.version {
            Version::V1 => {
                self.number("cpuacct", chain, "cpuacct.usage").expect("a number in cpuacct.usage") / 1000
            }
            Version::V2 => self.cpu_stat(chain, "usage_usec"),
        }
    }

    /// A number of a container's `cpu.stat`; the names are those that both versions have (`nr_periods`,
    /// `nr_throttled`).
    ///
    /// # Panics
    /// When it is not there.
    pub fn cpu_stat(&self, chain: &[&str], name: &str) -> u64 {
        let stat = self.read("cpu", chain, "cpu.stat");
        let found = stat.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
        found.unwrap_or_else(|| panic!("no {name} in {stat}"))
    }

    /// Memory in bytes that is charged to a container.
    ///
    /// # Panics
    /// When its account cannot be read.
    pub fn memory_bytes(&self, chain: &[&str]) -> u64 {
        let file = match self.version {
            Version::V1 => "memory.usage_in_bytes",
            Version::V2 => "memory.current",
        };
        self.number("memory", chain, file).expect("a number of bytes")
    }

    /// Processes in a container's group and in all groups in it; none when it is gone.
    pub fn processes(&self, chain: &[&str]) -> BTreeSet<i32> {
        let mut found = BTreeSet::new();
        for folder in folders_below(&self.folder("pids", chain)) {
            found.extend(processes_in(&folder));
        }
        found
    }

    /// Whether a process is in a container's group, or in one in it, in every hierarchy; `membership` is its
    /// `/proc/PID/cgroup`.
    ///
    /// # Panics
    /// As [`Groups::base`].
    pub fn holds(&self, chain: &[&str], membership: &str) -> bool {
        let paths: Vec<(&str, &str)> = membership
            .lines()
            .filter_map(|line| line.split_once(':').and_then(|(_, rest)| rest.split_once(':')))
            .collect();
        self.hierarchies().iter().all(|(controller, _)| {
            let wanted = self.folder(controller, chain);
            let path = paths.iter().find(|(names, _)| match self.version {
                Version::V1 => names.split(',').any(|name| name == *controller),
                Version::V2 => names.is_empty(),
            });
            let top = match self.version {
                Version::V1 => Path::new(MOUNTED).join(controller),
                Version::V2 => PathBuf::from(MOUNTED),
            };
            path.is_some_and(|(_, path)| inside(&top, path).starts_with(wanted))
        })
    }

    /// Whether a container has a group in every hierarchy; an error when it has one in some only.
    ///
    /// # Errors
    /// Where it has one.
    ///
    /// # Panics
    /// As [`Groups::base`].
    pub fn exists(&self, chain: &[&str]) -> Result<bool, String> {
        let folders = self.hierarchies().iter().map(|(controller, _)| self.folder(controller, chain));
        let (there, gone): (Vec<PathBuf>, Vec<PathBuf>) = folders.partition(|folder| folder.is_dir());
        if there.is_empty() || gone.is_empty() { Ok(gone.is_empty()) } else { Err(format!("only {there:?}")) }
    }

    /// Makes a group of that path below the agent's own in every hierarchy, and moves a process into it.
    ///
    /// # Panics
    /// When the kernel refuses it.
    pub fn make_by_hand(&self, path: &Path, process: u32) {
        for (_, base) in self.hierarchies() {
            let folder = base.join(path);
            fs::create_dir(&folder).unwrap_or_else(|error| panic!("mkdir {}: {error}", folder.display()));
            let file = folder.join("cgroup.procs");
            fs::write(&file, process.to_string())
                .unwrap_or_else(|error| panic!("{process} into {}: {error}", file.display()));
        }
    }

    /// Processes of a group that was made by hand, in the first hierarchy.
    pub fn processes_by_hand(&self, path: &Path) -> BTreeSet<i32> {
        self.hierarchies().first().map(|(_, base)| processes_in(&base.join(path))).unwrap_or_default()
    }

    /// Removes a group that was made by hand, if it is there.
    pub fn remove_by_hand(&self, path: &Path) {
        self.hierarchies().iter().for_each(|(_, base)| clear(&base.join(path)));
    }

    /// Folders of containers that are there.
    ///
    /// # Panics
    /// As [`Groups::base`].
    pub fn left(&self) -> Vec<PathBuf> {
        let parents = self.everywhere.iter().map(|base| base.join(&self.name));
        parents
            .flat_map(|parent| folders_below(&parent).into_iter().filter(move |path| *path != parent))
            .collect()
    }

    /// Removes the folder that holds all containers, after the agent has ended.
    ///
    /// # Errors
    /// The kernel refuses it, as when something is left in it.
    ///
    /// # Panics
    /// As [`Groups::base`].
    pub fn remove_parent(&self) -> Result<(), String> {
        self.everywhere.iter().try_for_each(|base| remove_when_empty(&base.join(&self.name)))
    }

    /// Ends everything that is left in the groups and removes them, for a scene that has failed.
    pub(crate) fn clear(&self) {
        self.everywhere.iter().for_each(|base| clear(&base.join(&self.name)));
    }
}

/// Ends everything that is in a group and removes it, for a test that has failed.
pub fn clear(group: &Path) {
    for folder in folders_below(group).iter().rev() {
        processes_in(folder).into_iter().for_each(kill);
        // What cannot be removed is seen by who looks.
        let _ = remove_when_empty(folder);
    }
}

/// Removes a group; one that has ended processes still counts as in use for a moment.
pub(crate) fn remove_when_empty(folder: &Path) -> Result<(), String> {
    let mut attempts = 0;
    loop {
        match fs::remove_dir(folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) if attempts > 250 => return Err(format!("rmdir {}: {error}", folder.display())),
            Err(_) => thread::sleep(Duration::from_millis(20)),
            Ok(()) => return Ok(()),
        }
        attempts += 1;
    }
}

/// A path from the top of a hierarchy.
fn inside(top: &Path, path: &str) -> PathBuf {
    let path = path.trim_start_matches('/');
    if path.is_empty() { top.to_owned() } else { top.join(path) }
}

/// What a file says.
///
/// # Panics
/// When it cannot be read.
pub fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn limit(text: &str) -> Option<u64> {
    text.trim().parse().ok().filter(|number| *number < LEGACY_ENDLESS)
}

/// A folder and all in it, outer ones first; nothing when it is not there.
fn folders_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        let paths = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        waiting.extend(paths.map(|entry| entry.path()));
        found.push(folder);
    }
    found
}

/// Sends SIGKILL; one that has ended is passed over.
pub(crate) fn kill(process: i32) {
    if let Some(pid) = Pid::from_raw(process) {
        let _ = kill_process(pid, Signal::KILL);
    }
}

fn processes_in(folder: &Path) -> BTreeSet<i32> {
    let text = fs::read_to_string(folder.join("cgroup.procs")).unwrap_or_default();
    text.lines().filter_map(|line| line.parse().ok()).collect()
}
