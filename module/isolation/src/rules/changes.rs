//! What rules change, key by key.

use std::collections::BTreeMap;

use apportion_cgroups::{Bound, Device, DeviceLimits, PageSize, Protection, SwapPolicy};

use crate::launch::{Capability, LaunchSettings};
use crate::rlimit::Rlimit;
use crate::settings::{Breaches, CorePlacement, GroupPolicy};

/// What changes of a [`GroupPolicy`]; `None`, or what a map does not name, stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LimitChanges {
    /// Whether without a limit of CPUs the request is the limit.
    pub limit_cpus_to_request: Option<bool>,
    /// Period of CPU bandwidth in microseconds.
    pub cpu_period_us: Option<u64>,
    /// Burst, in thousandths of the quota, at most 1000.
    pub cpu_burst_permille: Option<u64>,
    /// Least memory, in bytes.
    pub memory_floor_bytes: Option<u64>,
    /// Protection of requested memory.
    pub memory_protection: Option<Protection>,
    /// Where reclaim begins, in thousandths of the limit; `Some(None)` for nowhere before the limit.
    pub memory_high_permille: Option<Option<u64>>,
    /// Swap space.
    pub swap: Option<SwapPolicy>,
    /// Processes and threads at most.
    pub pids: Option<Bound>,
    /// Weight for block devices, 1 to 10000.
    pub io_weight: Option<u32>,
    /// Ceilings for block devices.
    pub io: BTreeMap<Device, DeviceChanges>,
    /// Which CPUs.
    pub cores: Option<CorePlacement>,
    /// Bytes in huge pages of each size.
    pub hugepages: BTreeMap<PageSize, Bound>,
    /// What ends a container.
    pub ends_on: Option<Breaches>,
}

/// What changes of the ceilings for one block device; `None` stays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DeviceChanges {
    /// Bytes read in a second.
    pub read_bytes: Option<Bound>,
    /// Bytes written in a second.
    pub write_bytes: Option<Bound>,
    /// Reads in a second.
    pub reads: Option<Bound>,
    /// Writes in a second.
    pub writes: Option<Bound>,
}

/// Puts a value where there is one.
fn put<T: Copy>(change: Option<T>, place: &mut T) {
    if let Some(value) = change {
        *place = value;
    }
}

impl LimitChanges {
    /// Makes the changes.
    pub fn apply(&self, policy: &mut GroupPolicy) {
        let sizing = &mut policy.sizing;
        put(self.limit_cpus_to_request, &mut sizing.limit_cpus_to_request);
        put(self.cpu_period_us, &mut sizing.period_us);
        put(self.cpu_burst_permille, &mut sizing.burst_permille);
        put(self.memory_floor_bytes, &mut sizing.memory_floor_bytes);
        put(self.memory_protection, &mut sizing.protection);
        put(self.memory_high_permille, &mut sizing.high_permille);
        put(self.swap, &mut sizing.swap);
        put(self.pids, &mut policy.pids);
        put(self.io_weight.map(Some), &mut policy.io.weight);
        for (device, changes) in &self.io {
            changes.apply(policy.io.devices.entry(*device).or_default());
        }
        put(self.cores, &mut policy.cores);
        policy.hugepages.extend(self.hugepages.iter().map(|(size, bound)| (size.clone(), *bound)));
        put(self.ends_on, &mut policy.ends_on);
    }

    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        *self == LimitChanges::default()
    }
}

impl DeviceChanges {
    fn apply(&self, limits: &mut DeviceLimits) {
        put(self.read_bytes, &mut limits.read_bytes);
        put(self.write_bytes, &mut limits.write_bytes);
        put(self.reads, &mut limits.reads);
        put(self.writes, &mut limits.writes);
    }
}

/// Lays the security settings of a rule over those of earlier ones.
///
/// Paths add up; of the two things that can be done with one path, to make it read-only or to put a file system in memory
/// there, the later counts. Sets of capabilities are replaced as a whole.
pub(super) fn launch(rule: &LaunchSettings, launch: &mut LaunchSettings) {
    launch.rlimits.retain(|earlier| rule.rlimits.iter().all(|later| later.kind() != earlier.kind()));
    launch.rlimits.extend(&rule.rlimits);
    launch.rlimits.sort_by_key(Rlimit::kind);
    let replace = |change: &Option<_>, place: &mut Option<_>| {
        if change.is_some() {
            place.clone_from(change);
        }
    };
    replace(&rule.effective_capabilities, &mut launch.effective_capabilities);
    replace(&rule.bounding_capabilities, &mut launch.bounding_capabilities);
    launch.seccomp = rule.seccomp.clone().or(launch.seccomp.take());
    launch.no_new_privileges = rule.no_new_privileges.or(launch.no_new_privileges);
    launch.umask = rule.umask.or(launch.umask);
    launch.core_filter = rule.core_filter.or(launch.core_filter);
    launch.oom_score_adjustment = rule.oom_score_adjustment.or(launch.oom_score_adjustment);
    launch.tmpfs.retain(|path, _| !rule.read_only.contains(path));
    launch.read_only.retain(|path| !rule.tmpfs.contains_key(path));
    launch.read_only.extend(rule.read_only.iter().cloned());
    launch.tmpfs.extend(rule.tmpfs.iter().map(|(path, size)| (path.clone(), *size)));
}

/// Takes away effective capabilities outside of the bounding set, which the kernel would not give and Mesos refuses; says
/// which. Within one rule there can be none, but the two sets may come from two rules.
pub(super) fn keep_effective_within_bounding(launch: &mut LaunchSettings) -> Option<String> {
    let (Some(effective), Some(bounding)) =
        (&mut launch.effective_capabilities, &launch.bounding_capabilities)
    else {
        return None;
    };
    let outside: Vec<String> = effective.difference(bounding).map(Capability::to_string).collect();
    effective.retain(|capability| bounding.contains(capability));
    (!outside.is_empty()).then(|| {
        format!(
            "effective capabilities that are not in the bounding set of another rule are left out: {}",
            outside.join(", ")
        )
    })
}
