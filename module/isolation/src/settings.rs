//! What the configuration says about containers: plain data, checked where it is read.

use std::collections::BTreeMap;

use apportion_cgroups::{Bound, IoLimits, PageSize, SizingPolicy, Wish};
use apportion_policy::RuleSet;

use crate::launch::LaunchSettings;
use crate::rlimit::Rlimit;
use crate::rules::ContainerRule;

/// What the isolator does with containers.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Rules for environment variables.
    pub environment: RuleSet,
    /// Resource limits, at most one of each kind.
    pub rlimits: Vec<Rlimit>,
    /// Control groups; without them containers are neither limited nor watched.
    pub groups: Option<GroupSettings>,
    /// Rules about containers, in the order in which they are tried.
    pub rules: Vec<ContainerRule>,
}

/// Control groups of containers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupSettings {
    /// Where they are made, and which controllers must be there.
    pub wish: Wish,
    /// What a container's group gets.
    pub policy: GroupPolicy,
}

/// What a container's group gets, beside what its resources say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GroupPolicy {
    /// How requests and limits of CPU and memory become settings.
    pub sizing: SizingPolicy,
    /// Processes and threads at most.
    pub pids: Bound,
    /// Weight and ceilings for block devices.
    pub io: IoLimits,
    /// Which CPUs.
    pub cores: CorePlacement,
    /// Bytes in huge pages of each size; sizes that are not named are not limited.
    pub hugepages: BTreeMap<PageSize, Bound>,
    /// What ends a container.
    pub ends_on: Breaches,
}

/// Which CPUs a container runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CorePlacement {
    /// On all that nobody has for himself.
    #[default]
    Shared,
    /// On whole cores of its own, as many as its request needs, of one memory node if they fit in one.
    WholeCores,
    /// On whole cores of its own, with memory of their node; a container that fits in no single node is refused.
    OneNode,
}

/// What ends a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Breaches {
    /// The kernel killed a process of it for want of memory.
    pub memory: bool,
    /// It wanted more processes or threads than it may have.
    pub pids: bool,
}

impl Default for Breaches {
    fn default() -> Breaches {
        Breaches { memory: true, pids: true }
    }
}

/// What the rules say about one container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decision {
    /// Why it is not launched, as the framework is to read it.
    pub refusal: Option<String>,
    /// What its group gets.
    pub policy: GroupPolicy,
    /// What it is launched with.
    pub launch: LaunchSettings,
    /// Names of the rules that count, in their order.
    pub rules: Vec<String>,
    /// Rules that could not be applied: worth a line in the log.
    pub faults: Vec<String>,
}
