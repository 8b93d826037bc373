//! What rules ask for when a container is launched.

mod abilities;
mod capability;
mod command;
mod mount_table;
mod mounts;
mod plan;
mod process;
mod refusal;
mod seccomp;

use std::collections::{BTreeMap, BTreeSet};

use crate::rlimit::Rlimit;

pub use abilities::{AgentFlags, AgentLauncher, LaunchAbilities};
pub(crate) use capability::MESOS_LAST;
pub use command::CommandLine;
pub use mount_table::MountTable;
pub use mounts::Mount;
pub use plan::{CapabilityHolder, CapabilityPlan, LaunchCase, LaunchKind, LaunchPlan};
pub use process::ProcessSettingError;
pub use refusal::LaunchRefusal;
pub use seccomp::{Machine, SeccompAction, SeccompArgument, SeccompError, SeccompProfile, SeccompRule};

/// A Linux capability by its number in the kernel's list, such as 12 for `CAP_NET_ADMIN`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Capability(pub(crate) u8);

/// Security settings of one container. What is `None` or empty stays as the host and other isolators have it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LaunchSettings {
    /// Resource limits, at most one of each kind.
    pub rlimits: Vec<Rlimit>,
    /// Whether programs may gain privileges when they are executed (set-user-ID bits).
    pub no_new_privileges: Option<bool>,
    /// Absolute path of a seccomp profile in Docker's notation.
    pub seccomp: Option<String>,
    /// Capabilities that processes have.
    pub effective_capabilities: Option<BTreeSet<Capability>>,
    /// Capabilities that processes can get at most.
    pub bounding_capabilities: Option<BTreeSet<Capability>>,
    /// Absolute paths that can only be read.
    pub read_only: BTreeSet<String>,
    /// Absolute paths where there is a file system in memory, with its size in bytes.
    pub tmpfs: BTreeMap<String, u64>,
    /// Permissions that new files do not get, up to 0o777.
    pub umask: Option<u32>,
    /// Which mappings a core dump holds: the bits of `/proc/<pid>/coredump_filter`.
    pub core_filter: Option<u32>,
    /// How readily the kernel kills its processes when the host is out of memory, -1000 to 1000.
    pub oom_score_adjustment: Option<i16>,
}
