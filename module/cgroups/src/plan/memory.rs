//! Memory and swap.

use super::{Change, Draft, Held, PlanError, Unsupported, Write, or_max, or_minus_one};
use crate::controller::{Controller, Version};
use crate::limits::{Bound, MemoryLimits};

const MEMORY: Controller = Controller::Memory;
const LIMIT: &str = "memory.limit_in_bytes";
const SUM: &str = "memory.memsw.limit_in_bytes";

impl Draft<'_> {
    pub(super) fn memory(
        &mut self,
        old: &MemoryLimits,
        new: &MemoryLimits,
        in_use_bytes: u64,
    ) -> Result<(), PlanError> {
        if old == new {
            return Ok(());
        }
        let version = self.version(MEMORY, "memory")?;
        if old.swap != new.swap && !self.abilities.swap {
            return Err(PlanError::NoSetting {
                setting: "memory.swap",
                cure: "start the kernel with swapaccount=1 (and one built with CONFIG_SWAP), or leave swap unlimited",
            });
        }
        match version {
            Version::V1 => self.legacy_memory(old, new),
            Version::V2 => {
                self.unified_memory(old, new, in_use_bytes);
                Ok(())
            }
        }
    }

    fn unified_memory(&mut self, old: &MemoryLimits, new: &MemoryLimits, in_use_bytes: u64) {
        let max = self.held_max(old, new, in_use_bytes);
        let mut writes = Vec::new();
        let mut write = |file, before: Bound, after: Bound| {
            if before != after {
                writes.push(Write::new(MEMORY, file, or_max(after)));
            }
        };
        let protections = [("memory.min", old.min, new.min), ("memory.low", old.low, new.low)];
        // While the limit is held, high does the shrinking.
        let high = if max == new.max { new.high } else { new.high.min(new.max) };
        self.plan.to.memory.high = high;
        let grows = max >= old.max;
        if grows {
            write("memory.max", old.max, max);
            write("memory.high", old.high, high);
        }
        for (file, before, after) in protections {
            write(file, Bound::At(before), Bound::At(after));
        }
        if !grows {
            write("memory.high", old.high, high);
            write("memory.max", old.max, max);
        }
        write("memory.swap.max", old.swap, new.swap);
        self.push(writes);
    }

    /// The limit that may be written: not below what is in use, if it is lowered.
    fn held_max(&mut self, old: &MemoryLimits, new: &MemoryLimits, in_use_bytes: u64) -> Bound {
        match new.max {
            Bound::At(wanted_bytes) if wanted_bytes < in_use_bytes && new.max < old.max => {
                let planned = old.max.min(Bound::At(in_use_bytes));
                self.plan.held = Some(Held { wanted_bytes, planned });
                self.plan.to.memory.max = planned;
                planned
            }
            max => max,
        }
    }

    fn legacy_memory(&mut self, old: &MemoryLimits, new: &MemoryLimits) -> Result<(), PlanError> {
        if old.high != new.high {
            self.plan.unsupported.push(Unsupported::MemoryHigh);
        }
        if old.min != new.min {
            self.plan.unsupported.push(Unsupported::MemoryMin);
        }
        let soft = Write::new(MEMORY, "memory.soft_limit_in_bytes", or_minus_one(soft_limit(new)));
        let soft = (soft_limit(old) != soft_limit(new)).then_some(soft);
        let sum_before = memory_and_swap(old)?;
        let sum_after = memory_and_swap(new)?;
        let limit = (old.max != new.max).then(|| Write::new(MEMORY, LIMIT, or_minus_one(new.max)));
        let sum = (sum_before != sum_after).then(|| Write::new(MEMORY, SUM, or_minus_one(sum_after)));
        let ordered = if sum_after >= sum_before { [sum, limit] } else { [limit, sum] };
        let writes: Vec<Write> = ordered.into_iter().flatten().collect();
        if !writes.is_empty() {
            let may_be_refused = new.max < old.max || sum_after < sum_before;
            self.plan.changes.push(Change { writes, may_be_refused });
        }
        self.push(soft.into_iter().collect());
        Ok(())
    }
}

/// What stands after the first `done` writes of a change of memory and swap on v1.
pub(super) fn after_refusal(
    old: &MemoryLimits,
    new: &MemoryLimits,
    change: &Change,
    done: usize,
) -> MemoryLimits {
    let written = |file: &str| change.writes.iter().take(done).any(|write| write.file == file);
    let max = if written(LIMIT) { new.max } else { old.max };
    let sum_of = |limits| memory_and_swap(limits).unwrap_or_default();
    let sum = if written(SUM) { sum_of(new) } else { sum_of(old) };
    let swap = match (sum, max) {
        (Bound::At(sum), Bound::At(memory)) => Bound::At(sum.saturating_sub(memory)),
        _ => Bound::Unlimited,
    };
    MemoryLimits { max, swap, ..*new }
}

/// v1 reclaims first from groups beyond their soft limit; no protection is no soft limit.
fn soft_limit(limits: &MemoryLimits) -> Bound {
    match limits.min.max(limits.low) {
        0 => Bound::Unlimited,
        bytes => Bound::At(bytes),
    }
}

fn memory_and_swap(limits: &MemoryLimits) -> Result<Bound, PlanError> {
    match (limits.max, limits.swap) {
        (_, Bound::Unlimited) => Ok(Bound::Unlimited),
        (Bound::Unlimited, Bound::At(_)) => Err(PlanError::SwapWithoutMemory),
        (Bound::At(memory), Bound::At(swap)) => Ok(Bound::At(memory.saturating_add(swap))),
    }
}
