//! CPU time: weight, quota and burst.

use super::{Draft, PlanError, Unsupported, Write, or_max, or_minus_one};
use crate::controller::{Controller, Version};
use crate::limits::{Bound, CpuLimits};

const CPU: Controller = Controller::Cpu;

impl Draft<'_> {
    pub(super) fn cpu(&mut self, old: &CpuLimits, new: &CpuLimits) -> Result<(), PlanError> {
        if old.shares != new.shares {
            let write = match self.version(CPU, "cpu.shares")? {
                Version::V1 => Write::new(CPU, "cpu.shares", new.shares),
                Version::V2 => Write::new(CPU, "cpu.weight", self.abilities.weight_scale.weight(new.shares)),
            };
            self.push(vec![write]);
        }
        let quota_changes = old.quota_us != new.quota_us || old.period_us != new.period_us;
        // A period without a quota is nothing to write.
        let quota_matters = old.quota_us != Bound::Unlimited || new.quota_us != Bound::Unlimited;
        if quota_changes && quota_matters && !self.abilities.cpu_bandwidth {
            self.version(CPU, "cpu.quota_us")?;
            let cure = "use a kernel built with CONFIG_CFS_BANDWIDTH, or leave CPU limits out";
            return Err(PlanError::NoSetting { setting: "cpu.quota_us", cure });
        }
        let mut writes = Vec::new();
        if quota_changes && quota_matters {
            writes = match self.version(CPU, "cpu.quota_us")? {
                Version::V1 => legacy_quota(old, new),
                Version::V2 => {
                    vec![Write::new(CPU, "cpu.max", format!("{} {}", or_max(new.quota_us), new.period_us))]
                }
            };
        }
        if old.burst_us != new.burst_us {
            if self.abilities.cpu_burst {
                let file = match self.version(CPU, "cpu.burst_us")? {
                    Version::V1 => "cpu.cfs_burst_us",
                    Version::V2 => "cpu.max.burst",
                };
                // Never more than the quota: the one that shrinks goes first.
                let at = if new.burst_us < old.burst_us { 0 } else { writes.len() };
                writes.insert(at, Write::new(CPU, file, new.burst_us));
            } else {
                self.plan.unsupported.push(Unsupported::CpuBurst);
            }
        }
        self.push(writes);
        Ok(())
    }
}

/// Quota and period are two files on v1, and the group above may allow no more than the larger of the two shares: a
/// longer period goes before the quota, a shorter one after it.
fn legacy_quota(old: &CpuLimits, new: &CpuLimits) -> Vec<Write> {
    let quota = Write::new(CPU, "cpu.cfs_quota_us", or_minus_one(new.quota_us));
    if old.period_us == new.period_us {
        return vec![quota];
    }
    let period = Write::new(CPU, "cpu.cfs_period_us", new.period_us);
    if new.period_us > old.period_us { vec![period, quota] } else { vec![quota, period] }
}
