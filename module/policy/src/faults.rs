//! Faults of rules, counted, and switching off what keeps failing.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::point::HookPoint;

/// Faults of one rule in a row at one hook point after which it is not tried there again.
pub const FAULTS_MAX: u32 = 10;

/// A rule that did nothing because something went wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "rule {rule} at {point}: {reason}{}",
    if *disabled { "; this was its last chance, it is off here until the rules are loaded again" } else { "" },
    point = point.name()
)]
pub struct RuleFault {
    /// Path or name of the rule in the configuration, for example `hook.labels.rack`.
    pub rule: String,
    /// Where it was tried.
    pub point: HookPoint,
    /// What went wrong, one sentence.
    pub reason: String,
    /// Whether this fault switched the rule off at this point.
    pub disabled: bool,
}

/// Counts of one rule's faults, for each point apart. Shared between threads without a lock.
#[derive(Debug, Default)]
pub(crate) struct FaultCounters([AtomicU32; HookPoint::COUNT]);

impl FaultCounters {
    /// Whether the rule is not tried at this point any more.
    pub(crate) fn is_off(&self, point: HookPoint) -> bool {
        self.0[point.index()].load(Ordering::Relaxed) >= FAULTS_MAX
    }

    /// Counts a fault; whether it was the one that switches the rule off.
    pub(crate) fn count(&self, point: HookPoint) -> bool {
        let before = self.0[point.index()].fetch_add(1, Ordering::Relaxed);
        before.saturating_add(1) == FAULTS_MAX
    }

    /// Forgets the faults everywhere: what caused them may be gone.
    pub(crate) fn reset(&self) {
        for counter in &self.0 {
            counter.store(0, Ordering::Relaxed);
        }
    }

    /// Forgets the faults at a point where the rule did its work, unless it is off there.
    pub(crate) fn forgive(&self, point: HookPoint) {
        let counter = &self.0[point.index()];
        if counter.load(Ordering::Relaxed) > 0 {
            let below = |count: u32| (count < FAULTS_MAX).then_some(0);
            // The error says that there was nothing to change.
            let _ = counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, below);
        }
    }
}
