//! Controllers, and the two versions of the kernel's interface.

use std::fmt;

/// Version of the kernel's interface through which a controller is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// One hierarchy for each controller, or for a few of them.
    V1,
    /// One hierarchy for all controllers.
    V2,
}

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Version::V1 => "v1",
            Version::V2 => "v2",
        })
    }
}

/// A part of the kernel that limits or accounts for one kind of resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Controller {
    /// CPU time: weight and bandwidth.
    Cpu,
    /// Accounts of CPU time; a controller of its own on v1, part of the core on v2.
    CpuAccount,
    /// Which CPUs and memory nodes.
    CpuSet,
    /// Memory and swap.
    Memory,
    /// Block devices: `blkio` on v1.
    Io,
    /// Number of processes and threads.
    Pids,
    /// Huge pages.
    HugeTlb,
    /// Stops and continues whole groups; a controller of its own on v1, part of the core on v2.
    Freezer,
}

impl Controller {
    /// All of them, in the order in which they are listed everywhere.
    pub const ALL: [Controller; 8] = [
        Controller::Cpu,
        Controller::CpuAccount,
        Controller::CpuSet,
        Controller::Memory,
        Controller::Io,
        Controller::Pids,
        Controller::HugeTlb,
        Controller::Freezer,
    ];

    /// Those that an operator chooses, in the order in which they are named to him. The others come with them, or with
    /// the kernel.
    pub const CHOSEN: [Controller; 6] = [
        Controller::Cpu,
        Controller::Memory,
        Controller::Pids,
        Controller::Io,
        Controller::CpuSet,
        Controller::HugeTlb,
    ];

    /// The kernel's name of the controller.
    pub fn name(self, version: Version) -> &'static str {
        match self {
            Controller::Cpu => "cpu",
            Controller::CpuAccount => "cpuacct",
            Controller::CpuSet => "cpuset",
            Controller::Memory => "memory",
            Controller::Io if version == Version::V1 => "blkio",
            Controller::Io => "io",
            Controller::Pids => "pids",
            Controller::HugeTlb => "hugetlb",
            Controller::Freezer => "freezer",
        }
    }

    /// The controller that has this name; `None` for those that this package has no use for.
    pub fn by_name(name: &str, version: Version) -> Option<Controller> {
        Controller::ALL.into_iter().find(|controller| {
            controller.name(version) == name && (version == Version::V1 || !controller.is_core_on_v2())
        })
    }

    /// Whether v2 gives what this controller does to every group, without a controller that is switched on.
    pub fn is_core_on_v2(self) -> bool {
        matches!(self, Controller::CpuAccount | Controller::Freezer)
    }
}

impl fmt::Display for Controller {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name(Version::V2))
    }
}
