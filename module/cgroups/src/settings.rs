//! The settings that a group has: where a change starts from when nobody remembers them.

use std::collections::BTreeMap;

use rustix::io::Errno;

use crate::abilities::IoWeightFile;
use crate::controller::{Controller, Version};
use crate::error::{Action, GroupError, Refusal};
use crate::groups::Groups;
use crate::limits::{
    Bound, CpuLimits, CpuSet, Device, DeviceLimits, IoLimits, Limits, MemoryLimits, Numbers, PageSize,
    SHARES_DEFAULT, SHARES_MAX, SHARES_MIN,
};
use crate::names::GroupPath;
use crate::parse::{lines, number, value_of, words};

/// v1 writes "no limit" of memory as the largest number of whole pages; nobody has a limit of an exbibyte.
const LEGACY_UNLIMITED: u64 = 1 << 60;

impl Groups {
    /// CPUs that containers may use: those of the parent group. None where the controller has no place.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn usable_cpus(&self) -> Result<Numbers, GroupError> {
        let Some(place) = self.place_of(Controller::CpuSet) else { return Ok(Numbers::default()) };
        let file = match place.version {
            Version::V1 => "cpuset.cpus",
            Version::V2 => "cpuset.cpus.effective",
        };
        let path = place.parent.join(file);
        let content = self.kernel.read(&path).map_err(|source| Refusal::new(Action::Read, &path, source))?;
        Ok(words(&content).next().and_then(|list| list.parse().ok()).unwrap_or_default())
    }
}

/// Reads the settings of one group: a file that is not there has the kernel's default.
struct Settings<'a> {
    groups: &'a Groups,
    path: &'a GroupPath,
}

impl Groups {
    /// Settings of a group that is there, for example after a restart: what [`Plan::change`](crate::Plan::change)
    /// starts from. `sizes` are the huge pages to look at.
    ///
    /// Shares that v2 keeps as a weight come back as the smallest shares of that weight; a weight at block devices is
    /// read where the host has it as `io.weight`, else the kernel's default is taken.
    ///
    /// # Errors
    ///
    /// A file cannot be read.
    pub fn settings(&self, path: &GroupPath, sizes: &[PageSize]) -> Result<Limits, GroupError> {
        let settings = Settings { groups: self, path };
        Ok(Limits {
            cpu: settings.cpu()?,
            memory: settings.memory()?,
            pids: settings.bound(Controller::Pids, "pids.max")?,
            io: settings.io()?,
            cpuset: CpuSet { cpus: settings.numbers("cpuset.cpus")?, mems: settings.numbers("cpuset.mems")? },
            hugetlb: settings.huge_pages(sizes)?,
        })
    }
}

impl Settings<'_> {
    fn version(&self, controller: Controller) -> Option<Version> {
        self.groups.place_of(controller).map(|place| place.version)
    }

    /// Empty if the controller or the file is not there.
    fn content(&self, controller: Controller, file: &str) -> Result<Vec<u8>, GroupError> {
        let Some(folder) = self.groups.folder(self.path, controller) else { return Ok(Vec::new()) };
        let path = folder.join(file);
        match self.groups.kernel.read(&path) {
            Ok(content) => Ok(content),
            Err(error) if crate::processes::is_gone(&error) || unsupported(&error) => Ok(Vec::new()),
            Err(source) => Err(Refusal::new(Action::Read, &path, source).into()),
        }
    }

    fn number(&self, controller: Controller, file: &str) -> Result<Option<u64>, GroupError> {
        Ok(number(&self.content(controller, file)?))
    }

    /// A ceiling; "max", "-1" and a file that is not there are none.
    fn bound(&self, controller: Controller, file: &str) -> Result<Bound, GroupError> {
        let number = self.number(controller, file)?;
        Ok(number.filter(|number| *number < LEGACY_UNLIMITED).map_or(Bound::Unlimited, Bound::At))
    }

    fn cpu(&self) -> Result<CpuLimits, GroupError> {
        const CPU: Controller = Controller::Cpu;
        let default = CpuLimits::default();
        Ok(match self.version(CPU) {
            None => default,
            Some(Version::V1) => CpuLimits {
                shares: self.number(CPU, "cpu.shares")?.unwrap_or(SHARES_DEFAULT),
                quota_us: self.bound(CPU, "cpu.cfs_quota_us")?,
                period_us: self.number(CPU, "cpu.cfs_period_us")?.unwrap_or(default.period_us),
                burst_us: self.number(CPU, "cpu.cfs_burst_us")?.unwrap_or(0),
            },
            Some(Version::V2) => {
                let max = self.content(CPU, "cpu.max")?;
                let mut parts = words(&max).map(|word| word.parse().ok());
                let quota: Option<u64> = parts.next().flatten();
                CpuLimits {
                    shares: self.number(CPU, "cpu.weight")?.map_or(SHARES_DEFAULT, smallest_shares),
                    quota_us: quota.map_or(Bound::Unlimited, Bound::At),
                    period_us: parts.next().flatten().unwrap_or(default.period_us),
                    burst_us: self.number(CPU, "cpu.max.burst")?.unwrap_or(0),
                }
            }
        })
    }

    fn memory(&self) -> Result<MemoryLimits, GroupError> {
        const MEMORY: Controller = Controller::Memory;
        if self.version(MEMORY) != Some(Version::V1) {
            return Ok(MemoryLimits {
                min: self.number(MEMORY, "memory.min")?.unwrap_or(0),
                low: self.number(MEMORY, "memory.low")?.unwrap_or(0),
                high: self.bound(MEMORY, "memory.high")?,
                max: self.bound(MEMORY, "memory.max")?,
                swap: self.bound(MEMORY, "memory.swap.max")?,
            });
        }
        let max = self.bound(MEMORY, "memory.limit_in_bytes")?;
        let sum = self.bound(MEMORY, "memory.memsw.limit_in_bytes")?;
        let swap = match (max, sum) {
            (Bound::At(memory), Bound::At(sum)) => Bound::At(sum.saturating_sub(memory)),
            _ => Bound::Unlimited,
        };
        let low = match self.bound(MEMORY, "memory.soft_limit_in_bytes")? {
            Bound::Unlimited => 0,
            Bound::At(bytes) => bytes,
        };
        Ok(MemoryLimits { min: 0, low, high: Bound::Unlimited, max, swap })
    }

    fn io(&self) -> Result<IoLimits, GroupError> {
        const IO: Controller = Controller::Io;
        let mut limits = IoLimits::default();
        if self.version(IO) == Some(Version::V2) {
            if self.groups.abilities()?.io_weight == Some(IoWeightFile::Weight) {
                let weight = value_of(&self.content(IO, "io.weight")?, "default");
                limits.weight = weight.and_then(|weight| u32::try_from(weight).ok());
            }
            let content = self.content(IO, "io.max")?;
            for line in lines(&content) {
                let mut parts = line.split_ascii_whitespace();
                let Some(device) = parts.next().and_then(|name| name.parse::<Device>().ok()) else {
                    continue;
                };
                limits.devices.insert(device, ceilings(parts));
            }
            return Ok(limits);
        }
        type Ceiling = fn(&mut DeviceLimits) -> &mut Bound;
        let files: [(&str, Ceiling); 4] = [
            ("blkio.throttle.read_bps_device", |limits| &mut limits.read_bytes),
            ("blkio.throttle.write_bps_device", |limits| &mut limits.write_bytes),
            ("blkio.throttle.read_iops_device", |limits| &mut limits.reads),
            ("blkio.throttle.write_iops_device", |limits| &mut limits.writes),
        ];
        for (file, part) in files {
            let content = self.content(IO, file)?;
            for line in lines(&content) {
                let Some((device, amount)) = line.split_once(' ') else { continue };
                if let (Ok(device), Ok(amount)) = (device.parse::<Device>(), amount.trim().parse()) {
                    *part(limits.devices.entry(device).or_default()) = Bound::At(amount);
                }
            }
        }
        Ok(limits)
    }

    fn numbers(&self, file: &str) -> Result<Numbers, GroupError> {
        let content = self.content(Controller::CpuSet, file)?;
        Ok(words(&content).next().and_then(|list| list.parse().ok()).unwrap_or_default())
    }

    fn huge_pages(&self, sizes: &[PageSize]) -> Result<BTreeMap<PageSize, Bound>, GroupError> {
        let Some(version) = self.version(Controller::HugeTlb) else { return Ok(BTreeMap::new()) };
        let mut bounds = BTreeMap::new();
        for size in sizes {
            let file = match version {
                Version::V1 => format!("hugetlb.{size}.limit_in_bytes"),
                Version::V2 => format!("hugetlb.{size}.max"),
            };
            bounds.insert(size.clone(), self.bound(Controller::HugeTlb, &file)?);
        }
        Ok(bounds)
    }
}

fn unsupported(error: &std::io::Error) -> bool {
    error.raw_os_error().map(Errno::from_raw_os_error) == Some(Errno::OPNOTSUPP)
}

/// The smallest shares that become this weight: proportionally, rounded up.
fn smallest_shares(weight: u64) -> u64 {
    (weight.min(10_000) * SHARES_DEFAULT).div_ceil(100).clamp(SHARES_MIN, SHARES_MAX)
}

/// `rbps=1000 wbps=max …` of v2.
fn ceilings<'a>(parts: impl Iterator<Item = &'a str>) -> DeviceLimits {
    let mut limits = DeviceLimits::default();
    for (key, value) in parts.filter_map(|part| part.split_once('=')) {
        let bound = value.parse().map_or(Bound::Unlimited, Bound::At);
        match key {
            "rbps" => limits.read_bytes = bound,
            "wbps" => limits.write_bytes = bound,
            "riops" => limits.reads = bound,
            "wiops" => limits.writes = bound,
            _ => {}
        }
    }
    limits
}
