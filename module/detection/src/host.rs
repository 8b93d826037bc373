//! The host as it was when it was looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::cpu::cpus;
use crate::disk::{DiskKind, disk_kind, kind_of};
use crate::facts::FACTS;
use crate::gpu::{Gpus, gpus};
use crate::mounts::{Cgroups, cgroups, mounts};
use crate::platform;
use crate::tree::Tree;

/// Facts of the agent's host, as it was when it was looked at.
///
/// Text is as the kernel, the firmware and the distribution write it, on one line and at most 256 characters long; what is
/// not UTF-8 is U+FFFD. `None` means that the host does not tell. [`Host::facts`] has the same as attributes may have it.
///
/// ```
/// use apportion_detection::Host;
///
/// let host = Host::detect("/").with_disk_of("/", "/var/lib/mesos");
/// assert!(host.facts().contains_key("kernel"));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Host {
    /// Release of the kernel, as `uname -r`.
    pub kernel: Option<String>,
    /// Build of the kernel, as `uname -v`.
    pub kernel_version: Option<String>,
    /// Instruction set, as `uname -m`. Kernels before 6.1 tell only the running machine's.
    pub architecture: Option<String>,
    /// Model of the first processor.
    pub cpu_model: Option<String>,
    /// Maker of the first processor.
    pub cpu_vendor: Option<String>,
    /// Sockets with a processor that is on.
    pub cpu_sockets: Option<usize>,
    /// Cores that are on.
    pub cpu_cores: Option<usize>,
    /// Hardware threads that are on.
    pub cpu_threads: Option<usize>,
    /// NUMA nodes.
    pub numa_nodes: Option<usize>,
    /// Sizes of huge pages the kernel offers, in KiB; empty if it offers none.
    pub hugepage_kibibytes: Option<BTreeSet<u64>>,
    /// Memory the kernel manages, in bytes.
    pub memory_bytes: Option<u64>,
    /// Sort of the disk that holds the root of the tree, or the path of [`Host::with_disk_of`].
    pub disk_kind: Option<DiskKind>,
    /// Graphics processors and accelerators.
    pub gpus: Option<Gpus>,
    /// Control groups the process sees.
    pub cgroups: Option<Cgroups>,
    /// Distribution, `ID` in os-release.
    pub os: Option<String>,
    /// Version of the distribution, `VERSION_ID` in os-release.
    pub os_version: Option<String>,
    /// Name of the distribution for people, `PRETTY_NAME` in os-release.
    pub os_name: Option<String>,
    /// Hypervisor by its own account: `kvm`, `vmware`, `virtualbox`, `xen`, `parallels`, `bhyve`, `bochs`, `hyperv`;
    /// `vm` if the processor shows one that gives no name, `none` if the processor shows none (x86 only).
    pub virtualization: Option<&'static str>,
    /// Cloud whose machine it says it is: `amazon`, `google`, `azure`, `oracle`, `alibaba`, `digitalocean`, `hetzner`,
    /// `scaleway`, `openstack`. Bare machines of a cloud have one, too.
    pub cloud: Option<&'static str>,
    /// Maker of the machine, by its firmware.
    pub machine_vendor: Option<String>,
    /// Model of the machine, by its firmware.
    pub machine_model: Option<String>,
}

impl Host {
    /// Looks at the tree below `root`, `/` for the running machine.
    ///
    /// It reads a few files for each processor and PCI device, so it belongs to the start of a module, not to a call.
    pub fn detect(root: impl AsRef<Path>) -> Host {
        let tree = Tree::new(root.as_ref());
        let cpus = cpus(&tree);
        let mounts = mounts(&tree);
        let machine = platform::machine(&tree, cpus.hypervisor);
        let distribution = platform::distribution(&tree);
        Host {
            kernel: tree.line("/proc/sys/kernel/osrelease"),
            kernel_version: tree.line("/proc/sys/kernel/version"),
            architecture: platform::architecture(&tree),
            cpu_model: cpus.model,
            cpu_vendor: cpus.vendor,
            cpu_sockets: cpus.sockets,
            cpu_cores: cpus.cores,
            cpu_threads: cpus.threads,
            numa_nodes: platform::numa_nodes(&tree),
            hugepage_kibibytes: platform::hugepage_sizes(&tree),
            memory_bytes: platform::memory_bytes(&tree),
            disk_kind: kind_of(&tree, &mounts, Path::new("/")),
            gpus: gpus(&tree),
            cgroups: cgroups(&mounts),
            os: distribution.id,
            os_version: distribution.version,
            os_name: distribution.name,
            virtualization: machine.virtualization,
            cloud: machine.cloud,
            machine_vendor: machine.vendor,
            machine_model: machine.model,
        }
    }

    /// The same host with the sort of disk that holds `path`, the agent's work folder, below the same `root`.
    #[must_use]
    pub fn with_disk_of(self, root: impl AsRef<Path>, path: impl AsRef<Path>) -> Host {
        Host { disk_kind: disk_kind(root, path), ..self }
    }

    /// What the host tells, by the names of [`FACTS`], as attributes may have it.
    ///
    /// Text is cleaned as [`attribute_text`](crate::attribute_text) says; what the host does not tell has no entry.
    pub fn facts(&self) -> BTreeMap<&'static str, String> {
        FACTS.iter().filter_map(|fact| Some((fact.name, fact.of(self)?))).collect()
    }
}
