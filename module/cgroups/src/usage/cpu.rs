//! CPU time.

use crate::parse::{number, pairs};

/// CPU time of a group, all in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CpuUsage {
    /// All of it.
    pub usage_us: u64,
    /// In user mode.
    pub user_us: u64,
    /// In kernel mode.
    pub system_us: u64,
    /// Periods in which the group ran under a quota.
    pub periods: u64,
    /// Periods in which it used its quota up.
    pub throttled_periods: u64,
    /// How long it had to wait for that.
    pub throttled_us: u64,
    /// Periods in which it used more than its quota, from earlier ones.
    pub bursts: u64,
    /// How much more.
    pub burst_us: u64,
}

/// From v2's `cpu.stat`.
pub fn cpu_unified(stat: &[u8]) -> CpuUsage {
    let mut usage = CpuUsage::default();
    for (key, value) in pairs(stat) {
        match key {
            "usage_usec" => usage.usage_us = value,
            "user_usec" => usage.user_us = value,
            "system_usec" => usage.system_us = value,
            "nr_periods" => usage.periods = value,
            "nr_throttled" => usage.throttled_periods = value,
            "throttled_usec" => usage.throttled_us = value,
            "nr_bursts" => usage.bursts = value,
            "burst_usec" => usage.burst_us = value,
            _ => {}
        }
    }
    usage
}

/// From v1's `cpuacct.usage` (nanoseconds), `cpuacct.stat` (clock ticks) and `cpu.stat` (nanoseconds).
pub fn cpu_legacy(usage_ns: &[u8], account: &[u8], stat: &[u8], ticks_per_second: u64) -> CpuUsage {
    let ticks = |count: u64| count.saturating_mul(1_000_000) / ticks_per_second.max(1);
    let mut usage = CpuUsage { usage_us: number(usage_ns).unwrap_or(0) / 1_000, ..CpuUsage::default() };
    for (key, value) in pairs(account) {
        match key {
            "user" => usage.user_us = ticks(value),
            "system" => usage.system_us = ticks(value),
            _ => {}
        }
    }
    for (key, value) in pairs(stat) {
        match key {
            "nr_periods" => usage.periods = value,
            "nr_throttled" => usage.throttled_periods = value,
            "throttled_time" => usage.throttled_us = value / 1_000,
            "nr_bursts" => usage.bursts = value,
            "burst_time" => usage.burst_us = value / 1_000,
            _ => {}
        }
    }
    usage
}
