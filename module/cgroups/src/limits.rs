//! What a group may use: the settings, in units that neither version of the kernel's interface dictates.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A ceiling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Bound {
    /// As much as there is.
    #[default]
    Unlimited,
    /// So much and no more.
    At(u64),
}

impl Bound {
    /// Its place in an order in which no limit is the highest.
    pub(crate) fn rank(self) -> u64 {
        match self {
            Bound::Unlimited => u64::MAX,
            Bound::At(amount) => amount,
        }
    }
}

impl PartialOrd for Bound {
    fn partial_cmp(&self, other: &Bound) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Bound {
    fn cmp(&self, other: &Bound) -> std::cmp::Ordering {
        let key = |bound: &Bound| (matches!(bound, Bound::Unlimited), bound.rank());
        key(self).cmp(&key(other))
    }
}

/// The kernel's weight of a group for which nothing was written, in shares.
pub const SHARES_DEFAULT: u64 = 1024;
/// Fewest shares.
pub const SHARES_MIN: u64 = 2;
/// Most shares.
pub const SHARES_MAX: u64 = 262_144;

/// CPU time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CpuLimits {
    /// Weight against other groups when CPUs are short, in v1's shares: 1024 for a CPU.
    pub shares: u64,
    /// Time in each period, in microseconds, over all CPUs.
    pub quota_us: Bound,
    /// Length of a period in microseconds.
    pub period_us: u64,
    /// Unused time of earlier periods that may be used on top, in microseconds.
    pub burst_us: u64,
}

impl Default for CpuLimits {
    fn default() -> CpuLimits {
        CpuLimits { shares: SHARES_DEFAULT, quota_us: Bound::Unlimited, period_us: 100_000, burst_us: 0 }
    }
}

/// Memory, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MemoryLimits {
    /// Never reclaimed, whatever the host needs.
    pub min: u64,
    /// Reclaimed only when nothing else is left.
    pub low: u64,
    /// Beyond this the group is slowed down and reclaimed from.
    pub high: Bound,
    /// Beyond this a process of the group is killed.
    pub max: Bound,
    /// Swap space on top of memory.
    pub swap: Bound,
}

/// A block device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Device {
    /// Major number.
    pub major: u32,
    /// Minor number.
    pub minor: u32,
}

impl fmt::Display for Device {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.major, self.minor)
    }
}

impl std::str::FromStr for Device {
    type Err = ();

    fn from_str(text: &str) -> Result<Device, ()> {
        let (major, minor) = text.split_once(':').ok_or(())?;
        Ok(Device { major: major.parse().map_err(drop)?, minor: minor.parse().map_err(drop)? })
    }
}

/// Ceilings for one device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DeviceLimits {
    /// Bytes read in a second.
    pub read_bytes: Bound,
    /// Bytes written in a second.
    pub write_bytes: Bound,
    /// Reads in a second.
    pub reads: Bound,
    /// Writes in a second.
    pub writes: Bound,
}

/// Block devices.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IoLimits {
    /// Weight against other groups, 1 to 10000; the kernel's own is 100. `None` leaves it alone.
    pub weight: Option<u32>,
    /// Ceilings by device.
    pub devices: BTreeMap<Device, DeviceLimits>,
}

/// CPUs or memory nodes, by number.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Numbers(pub BTreeSet<u32>);

impl fmt::Display for Numbers {
    /// The kernel's way to write a list: `0-3,8`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut runs: Vec<(u32, u32)> = Vec::new();
        for number in &self.0 {
            match runs.last_mut() {
                Some((_, last)) if last.checked_add(1) == Some(*number) => *last = *number,
                _ => runs.push((*number, *number)),
            }
        }
        let texts: Vec<String> = runs
            .iter()
            .map(|(first, last)| if first == last { first.to_string() } else { format!("{first}-{last}") })
            .collect();
        out.write_str(&texts.join(","))
    }
}

impl std::str::FromStr for Numbers {
    type Err = ();

    /// Reads what [`Display`](fmt::Display) writes. At most 65,536 numbers.
    fn from_str(text: &str) -> Result<Numbers, ()> {
        const MOST: usize = 1 << 16;
        let mut numbers = BTreeSet::new();
        for run in text.split(',').filter(|run| !run.is_empty()) {
            let (first, last) = run.split_once('-').unwrap_or((run, run));
            let (first, last): (u32, u32) = (first.parse().map_err(drop)?, last.parse().map_err(drop)?);
            let room = MOST - numbers.len().min(MOST);
            if last < first || usize::try_from(last - first).map_err(drop)? >= room {
                return Err(());
            }
            numbers.extend(first..=last);
        }
        Ok(Numbers(numbers))
    }
}

/// Where processes may run and take memory from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CpuSet {
    /// CPUs; empty leaves them to the group above.
    pub cpus: Numbers,
    /// Memory nodes; empty leaves them to the group above.
    pub mems: Numbers,
}

/// Size of huge pages, as the kernel names it in file names: `2MB`, `1GB`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PageSize(String);

impl PageSize {
    /// `None` for what is no number followed by `KB`, `MB` or `GB`.
    pub fn new(name: &str) -> Option<PageSize> {
        let number = ["KB", "MB", "GB"].iter().find_map(|unit| name.strip_suffix(unit))?;
        let fits =
            !number.is_empty() && number.len() <= 9 && number.bytes().all(|byte| byte.is_ascii_digit());
        fits.then(|| PageSize(name.to_owned()))
    }
}

impl fmt::Display for PageSize {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// All settings of a group. The default is what the kernel gives a new group.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Limits {
    /// CPU time.
    pub cpu: CpuLimits,
    /// Memory and swap.
    pub memory: MemoryLimits,
    /// Processes and threads.
    pub pids: Bound,
    /// Block devices.
    pub io: IoLimits,
    /// CPUs and memory nodes.
    pub cpuset: CpuSet,
    /// Huge pages, in bytes for each size.
    pub hugetlb: BTreeMap<PageSize, Bound>,
}

/// Shortest and longest period that the kernel takes.
pub(crate) const PERIOD_US: std::ops::RangeInclusive<u64> = 1_000..=1_000_000;
/// Shortest quota that the kernel takes.
pub(crate) const QUOTA_US_MIN: u64 = 1_000;

/// A setting that the kernel would not take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{setting} is {found}, expected {expected}")]
pub struct LimitError {
    /// Which setting.
    pub setting: &'static str,
    /// Its value.
    pub found: String,
    /// What it may be.
    pub expected: &'static str,
}

impl Limits {
    /// Checks what the kernel would refuse on every host.
    ///
    /// # Errors
    ///
    /// The first setting that is out of its range.
    pub fn check(&self) -> Result<(), LimitError> {
        let wrong = |setting, found: &dyn fmt::Display, expected| {
            Err(LimitError { setting, found: found.to_string(), expected })
        };
        let cpu = &self.cpu;
        if !(SHARES_MIN..=SHARES_MAX).contains(&cpu.shares) {
            return wrong("cpu.shares", &cpu.shares, "2 to 262144");
        }
        if !PERIOD_US.contains(&cpu.period_us) {
            return wrong("cpu.period_us", &cpu.period_us, "1000 to 1000000 (1 ms to 1 s)");
        }
        if let Bound::At(quota) = cpu.quota_us {
            // The kernel counts in nanoseconds, in fewer bits than there are.
            if !(QUOTA_US_MIN..=1 << 40).contains(&quota) {
                return wrong("cpu.quota_us", &quota, "at least 1000 (1 ms)");
            }
            if cpu.burst_us > quota {
                return wrong("cpu.burst_us", &cpu.burst_us, "at most the quota");
            }
        } else if cpu.burst_us != 0 {
            return wrong("cpu.burst_us", &cpu.burst_us, "0 where there is no quota");
        }
        if let Some(weight) = self.io.weight.filter(|weight| !(1..=10_000).contains(weight)) {
            return wrong("io.weight", &weight, "1 to 10000");
        }
        for limits in self.io.devices.values() {
            for bound in [limits.read_bytes, limits.write_bytes, limits.reads, limits.writes] {
                if bound == Bound::At(0) {
                    return wrong("io.devices", &0, "at least 1: the kernel takes 0 for no limit");
                }
            }
        }
        Ok(())
    }
}
