//! From a container's requests and limits to the settings of its group.
//!
//! # Formulas
//!
//! ```text
//! shares   = max(1024 · requested cpus, 2)           revocable cpus: 10 instead of 1024
//! quota    = max(limit of cpus · period, 1 ms)       no limit: none, or the request if the policy says so
//! burst    = quota · burst_permille / 1000
//! max      = max(limit of memory, floor)             no limit: the request
//! low, min = max(requested memory, floor)            as the policy protects
//! high     = max · high_permille / 1000
//! ```
//!
//! These are the conventions of Mesos' own isolators, with what v2 has beyond them.

use crate::limits::{Bound, CpuLimits, Limits, MemoryLimits, QUOTA_US_MIN, SHARES_MAX, SHARES_MIN};

/// What a container asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Requests {
    /// CPUs in thousandths.
    pub cpus_milli: u64,
    /// Whether some of the CPUs are revocable: the container then yields to all others.
    pub revocable: bool,
    /// Memory in bytes.
    pub memory_bytes: u64,
}

/// What a container may take at most; `None` where nothing was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ceilings {
    /// CPUs in thousandths.
    pub cpus_milli: Option<Bound>,
    /// Memory in bytes.
    pub memory_bytes: Option<Bound>,
}

/// How requested memory is kept from being reclaimed for others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Protection {
    /// Not at all.
    None,
    /// As long as there is something else to reclaim (`memory.low`).
    #[default]
    Low,
    /// Always (`memory.min`): the host kills others first.
    Min,
}

/// How much swap space a container may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SwapPolicy {
    /// As much as there is: what Mesos does without `--cgroups_limit_swap`.
    #[default]
    Unlimited,
    /// None: what Mesos does with it.
    None,
    /// A part of its memory limit, in thousandths.
    Permille(u64),
}

/// What the operator decides for all containers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SizingPolicy {
    /// Period of CPU bandwidth in microseconds.
    pub period_us: u64,
    /// Without a limit of CPUs the request is the limit: Mesos' `--cgroups_enable_cfs`.
    pub limit_cpus_to_request: bool,
    /// Burst, in thousandths of the quota, at most 1000.
    pub burst_permille: u64,
    /// No container gets less memory than this, in bytes; Mesos has 32 MiB.
    pub memory_floor_bytes: u64,
    /// Protection of the request.
    pub protection: Protection,
    /// Where reclaim begins, in thousandths of the limit; `None` for nowhere before the limit.
    pub high_permille: Option<u64>,
    /// Swap space.
    pub swap: SwapPolicy,
}

impl Default for SizingPolicy {
    fn default() -> SizingPolicy {
        SizingPolicy {
            period_us: 100_000,
            limit_cpus_to_request: false,
            burst_permille: 0,
            memory_floor_bytes: 32 << 20,
            protection: Protection::Low,
            high_permille: None,
            swap: SwapPolicy::Unlimited,
        }
    }
}

const SHARES_PER_CPU: u64 = 1024;
const SHARES_PER_REVOCABLE_CPU: u64 = 10;

impl Limits {
    /// Settings for CPU and memory; the others keep the kernel's defaults and come from policies of their own.
    pub fn for_container(requests: Requests, ceilings: Ceilings, policy: &SizingPolicy) -> Limits {
        Limits {
            cpu: cpu(requests, ceilings, policy),
            memory: memory(requests, ceilings, policy),
            ..Limits::default()
        }
    }
}

fn cpu(requests: Requests, ceilings: Ceilings, policy: &SizingPolicy) -> CpuLimits {
    let per_cpu = if requests.revocable { SHARES_PER_REVOCABLE_CPU } else { SHARES_PER_CPU };
    let shares = scaled(requests.cpus_milli, per_cpu).clamp(SHARES_MIN, SHARES_MAX);
    let unsaid = if policy.limit_cpus_to_request { Bound::At(requests.cpus_milli) } else { Bound::Unlimited };
    let quota_us = match ceilings.cpus_milli.unwrap_or(unsaid) {
        Bound::Unlimited => Bound::Unlimited,
        Bound::At(milli) => Bound::At(scaled(milli, policy.period_us).max(QUOTA_US_MIN)),
    };
    let burst_us = match quota_us {
        Bound::Unlimited => 0,
        Bound::At(quota) => scaled(quota, policy.burst_permille.min(1000)),
    };
    CpuLimits { shares, quota_us, period_us: policy.period_us, burst_us }
}

fn memory(requests: Requests, ceilings: Ceilings, policy: &SizingPolicy) -> MemoryLimits {
    let floor = |bytes: u64| bytes.max(policy.memory_floor_bytes);
    let request = floor(requests.memory_bytes);
    let max = match ceilings.memory_bytes {
        Some(Bound::Unlimited) => Bound::Unlimited,
        Some(Bound::At(bytes)) => Bound::At(floor(bytes)),
        None => Bound::At(request),
    };
    let part = |permille: u64| match max {
        Bound::Unlimited => Bound::Unlimited,
        Bound::At(bytes) => Bound::At(scaled(bytes, permille)),
    };
    let (min, low) = match policy.protection {
        Protection::None => (0, 0),
        Protection::Low => (0, request),
        Protection::Min => (request, 0),
    };
    let swap = match (policy.swap, max) {
        // Without a ceiling for memory there is none to hold swap against.
        (SwapPolicy::Unlimited, _) | (_, Bound::Unlimited) => Bound::Unlimited,
        (SwapPolicy::None, _) => Bound::At(0),
        (SwapPolicy::Permille(permille), _) => part(permille),
    };
    MemoryLimits { min, low, high: policy.high_permille.map_or(Bound::Unlimited, part), max, swap }
}

/// `amount · factor / 1000`, rounded down, without overflow.
fn scaled(amount: u64, factor: u64) -> u64 {
    u64::try_from(u128::from(amount) * u128::from(factor) / 1000).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn requests_and_limits_become_settings_as_mesos_has_them() {
        let policy = SizingPolicy::default();
        // cpus requested, cpus limit -> shares, quota
        let cases = [
            (1_000, None, 1024, Bound::Unlimited),
            (100, None, 102, Bound::Unlimited),
            (1, None, 2, Bound::Unlimited),
            (0, None, 2, Bound::Unlimited),
            (500, Some(Bound::At(2_000)), 512, Bound::At(200_000)),
            (500, Some(Bound::At(1)), 512, Bound::At(1_000)),
            (500, Some(Bound::Unlimited), 512, Bound::Unlimited),
            (300_000, None, 262_144, Bound::Unlimited),
            (u64::MAX, Some(Bound::At(u64::MAX)), 262_144, Bound::At(u64::MAX)),
        ];
        for (cpus_milli, limit, shares, quota) in cases {
            let requests = Requests { cpus_milli, ..Requests::default() };
            let ceilings = Ceilings { cpus_milli: limit, ..Ceilings::default() };
            let cpu = Limits::for_container(requests, ceilings, &policy).cpu;
            assert_eq!((cpu.shares, cpu.quota_us), (shares, quota), "{cpus_milli} {limit:?}");
        }
    }

    #[test]
    fn revocable_cpus_weigh_a_hundredth() {
        let requests = Requests { cpus_milli: 2_000, revocable: true, ..Requests::default() };
        let limits = Limits::for_container(requests, Ceilings::default(), &SizingPolicy::default());
        assert_eq!(limits.cpu.shares, 20);
    }

    #[test]
    fn without_a_limit_the_request_is_the_limit_if_the_policy_says_so() {
        let policy =
            SizingPolicy { limit_cpus_to_request: true, burst_permille: 250, ..SizingPolicy::default() };
        let requests = Requests { cpus_milli: 1_500, ..Requests::default() };
        let cpu = Limits::for_container(requests, Ceilings::default(), &policy).cpu;
        assert_eq!(cpu.quota_us, Bound::At(150_000));
        assert_eq!(cpu.burst_us, 37_500);
    }

    #[test]
    fn memory_has_a_floor_and_the_request_is_protected() {
        let requests = Requests { memory_bytes: MIB, ..Requests::default() };
        let limits = Limits::for_container(requests, Ceilings::default(), &SizingPolicy::default());
        assert_eq!(limits.memory.max, Bound::At(32 * MIB));
        assert_eq!(limits.memory.low, 32 * MIB);
        assert_eq!(limits.memory.swap, Bound::Unlimited);
    }

    #[test]
    fn high_and_swap_are_parts_of_the_limit() {
        let policy = SizingPolicy {
            high_permille: Some(900),
            swap: SwapPolicy::Permille(500),
            protection: Protection::Min,
            ..SizingPolicy::default()
        };
        let requests = Requests { memory_bytes: 100 * MIB, ..Requests::default() };
        let ceilings = Ceilings { memory_bytes: Some(Bound::At(200 * MIB)), ..Ceilings::default() };
        let memory = Limits::for_container(requests, ceilings, &policy).memory;
        let expected = MemoryLimits {
            min: 100 * MIB,
            low: 0,
            high: Bound::At(180 * MIB),
            max: Bound::At(200 * MIB),
            swap: Bound::At(100 * MIB),
        };
        assert_eq!(memory, expected);
        let endless = Ceilings { memory_bytes: Some(Bound::Unlimited), ..Ceilings::default() };
        let memory = Limits::for_container(requests, endless, &policy).memory;
        assert_eq!(
            (memory.high, memory.max, memory.swap),
            (Bound::Unlimited, Bound::Unlimited, Bound::Unlimited)
        );
    }
}
