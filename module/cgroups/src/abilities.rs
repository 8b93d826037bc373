//! Which settings a host has: what plans are made for.

use std::collections::BTreeMap;

use crate::controller::{Controller, Version};

/// The file that takes the weight of a group against others at block devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IoWeightFile {
    /// v2 with the cost model: `io.weight`, 1 to 10000.
    Weight,
    /// Either version with the BFQ scheduler: `io.bfq.weight`, `blkio.bfq.weight`, 1 to 1000.
    Bfq,
    /// v1 with the old CFQ scheduler: `blkio.weight`, 10 to 1000.
    Legacy,
}

/// Which settings a host has. Plain data, so that plans stay pure; [`Groups::abilities`](crate::Groups::abilities)
/// looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Abilities {
    /// Where each controller is. Without an entry it cannot be used.
    pub homes: BTreeMap<Controller, Version>,
    /// CPU bandwidth (`cpu.max`, `cpu.cfs_quota_us`).
    pub cpu_bandwidth: bool,
    /// Burst of CPU bandwidth: kernels from 5.14 on.
    pub cpu_burst: bool,
    /// Accounts of swap space: kernel built with it and not started with `swapaccount=0`.
    pub swap: bool,
    /// Weight at block devices.
    pub io_weight: Option<IoWeightFile>,
    /// How weights of CPU time are converted for v2.
    pub weight_scale: WeightScale,
}

/// One of the settings that not every host has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ability {
    /// CPU bandwidth: an upper limit.
    CpuBandwidth,
    /// Burst of CPU bandwidth.
    CpuBurst,
    /// Accounts of swap space.
    Swap,
    /// Weight at block devices.
    IoWeight,
    /// Ending all processes of a group at once.
    Kill,
    /// Part of the time in which processes wait for a resource (PSI).
    Pressure,
}

impl Ability {
    /// All of them, in the order in which they are listed everywhere.
    pub const ALL: [Ability; 6] = [
        Ability::CpuBandwidth,
        Ability::CpuBurst,
        Ability::Swap,
        Ability::IoWeight,
        Ability::Kill,
        Ability::Pressure,
    ];

    /// The controller that brings it; `None` for what every v2 group has.
    pub fn controller(self) -> Option<Controller> {
        match self {
            Ability::CpuBandwidth | Ability::CpuBurst => Some(Controller::Cpu),
            Ability::Swap => Some(Controller::Memory),
            Ability::IoWeight => Some(Controller::Io),
            Ability::Kill | Ability::Pressure => None,
        }
    }

    /// Files of a group each of which shows it, the better one first; none if the version does not have it.
    pub fn files(self, version: Version) -> &'static [&'static str] {
        match (self, version) {
            (Ability::CpuBandwidth, Version::V1) => &["cpu.cfs_quota_us"],
            (Ability::CpuBandwidth, Version::V2) => &["cpu.max"],
            (Ability::CpuBurst, Version::V1) => &["cpu.cfs_burst_us"],
            (Ability::CpuBurst, Version::V2) => &["cpu.max.burst"],
            (Ability::Swap, Version::V1) => &["memory.memsw.limit_in_bytes"],
            (Ability::Swap, Version::V2) => &["memory.swap.max"],
            (Ability::IoWeight, Version::V1) => &["blkio.bfq.weight", "blkio.weight"],
            (Ability::IoWeight, Version::V2) => &["io.weight", "io.bfq.weight"],
            (Ability::Kill, Version::V2) => &["cgroup.kill"],
            (Ability::Pressure, Version::V2) => &["cpu.pressure"],
            (Ability::Kill | Ability::Pressure, Version::V1) => &[],
        }
    }

    /// What brings it to a host that lacks it, in one sentence.
    pub fn cure(self, version: Version) -> &'static str {
        match (self, version) {
            (Ability::CpuBandwidth, _) => "use a kernel built with CONFIG_CFS_BANDWIDTH",
            (Ability::CpuBurst, _) => "use a kernel from 5.14 on",
            (Ability::Swap, Version::V1) => {
                "start the kernel with the argument swapaccount=1, built with CONFIG_SWAP"
            }
            (Ability::Swap, Version::V2) => {
                "start the kernel without the argument swapaccount=0, built with CONFIG_SWAP"
            }
            (Ability::IoWeight, Version::V1) => {
                "load the scheduler BFQ (modprobe bfq) and choose it for the disks"
            }
            (Ability::IoWeight, Version::V2) => {
                "use a kernel built with CONFIG_BLK_CGROUP_IOCOST, or load the scheduler BFQ (modprobe bfq)"
            }
            (Ability::Kill, Version::V1) | (Ability::Pressure, Version::V1) => "boot with cgroups v2",
            (Ability::Kill, Version::V2) => "use a kernel from 5.14 on",
            (Ability::Pressure, Version::V2) => {
                "start the kernel with the argument psi=1, from 4.20 on and built with CONFIG_PSI"
            }
        }
    }
}

impl IoWeightFile {
    /// By one of the names in [`Ability::files`].
    pub(crate) fn named(file: &str) -> Option<IoWeightFile> {
        match file {
            "io.weight" => Some(IoWeightFile::Weight),
            "io.bfq.weight" | "blkio.bfq.weight" => Some(IoWeightFile::Bfq),
            "blkio.weight" => Some(IoWeightFile::Legacy),
            _ => None,
        }
    }
}

impl Abilities {
    /// A host that has every setting, with all controllers on one version.
    pub fn all(version: Version) -> Abilities {
        let weight = if version == Version::V2 { IoWeightFile::Weight } else { IoWeightFile::Bfq };
        Abilities {
            homes: Controller::ALL.into_iter().map(|controller| (controller, version)).collect(),
            cpu_bandwidth: true,
            cpu_burst: true,
            swap: true,
            io_weight: Some(weight),
            weight_scale: WeightScale::default(),
        }
    }
}

/// How v1's shares (2 to 262144, default 1024) become v2's weight (1 to 10000, default 100).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WeightScale {
    /// `shares · 100 / 1024`, within 1 and 10000, as systemd converts: defaults meet, and so do proportions from a
    /// hundredth of a CPU to a hundred CPUs.
    #[default]
    Proportional,
    /// `1 + (shares − 2) · 9999 / 262142`, as runc did for years: the ends meet, the defaults do not (1024 becomes 39).
    Linear,
}

impl WeightScale {
    /// The weight for v2.
    pub fn weight(self, shares: u64) -> u64 {
        let shares = shares.clamp(crate::limits::SHARES_MIN, crate::limits::SHARES_MAX);
        match self {
            WeightScale::Proportional => (shares * 100 / 1024).clamp(1, 10_000),
            WeightScale::Linear => 1 + (shares - 2) * 9999 / 262_142,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_those_of_systemd_and_runc() {
        // shares, proportional (systemd), linear (runc)
        let cases = [
            (2, 1, 1),
            (10, 1, 1),
            (102, 9, 4),
            (512, 50, 20),
            (1024, 100, 39),
            (4096, 400, 157),
            (262_144, 10_000, 10_000),
        ];
        for (shares, proportional, linear) in cases {
            assert_eq!(WeightScale::Proportional.weight(shares), proportional, "{shares}");
            assert_eq!(WeightScale::Linear.weight(shares), linear, "{shares}");
        }
    }
}
