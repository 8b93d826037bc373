//! Since when an agent is over-committed.

use crate::numbers::Numbers;

/// Since when an agent has more in use than it has, in nanoseconds of the caller's clock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct OverCommitted {
    /// Since an owner launched.
    pub(crate) by_owner: Option<i64>,
    /// Since a borrower of a higher priority launched.
    pub(crate) by_borrower: Option<i64>,
}

impl OverCommitted {
    /// Something was launched, and afterwards the agent is over-committed or not.
    pub(crate) fn launched(&mut self, now: i64, regular: bool, lent: bool, over: bool) {
        if !over {
            return;
        }
        if regular {
            self.by_owner.get_or_insert(now);
        }
        if lent {
            self.by_borrower.get_or_insert(now);
        }
    }

    /// Something ended or the agent grew, and it fits again: the time goes into the numbers.
    pub(crate) fn fits(&mut self, now: i64, numbers: &mut Numbers) {
        if let Some(since) = self.by_owner.take() {
            numbers.reclaims_for_owners.add(since, now);
        }
        if let Some(since) = self.by_borrower.take() {
            numbers.reclaims_by_priority.add(since, now);
        }
    }
}
