//! One agent: what it has, what is in use, what may be lent.

use std::collections::BTreeMap;

use apportion_core::Amount;

use crate::clock::OverCommitted;
use crate::executors::Executors;
use crate::{Priority, Scalars};

/// A framework and a role.
pub(crate) type Borrower = (Box<[u8]>, Box<[u8]>);

/// What one framework uses of what was lent to one role.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct InUse {
    /// That of the role when the loan began.
    pub(crate) priority: Priority,
    pub(crate) lent: Scalars,
}

/// What the ledger knows of an agent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Agent {
    /// Whether revocable means lent here. Where it does not, sums are kept all the same: the agent may begin to lend.
    pub(crate) lends: bool,
    /// All that is not revocable.
    pub(crate) total: Scalars,
    /// What the rules let go, as last published.
    pub(crate) lendable: Scalars,
    /// In use, not revocable.
    pub(crate) regular: Scalars,
    /// In use, revocable. A framework that is not known has an empty id.
    pub(crate) loans: BTreeMap<Borrower, InUse>,
    pub(crate) executors: Executors,
    pub(crate) over_committed: OverCommitted,
}

impl Agent {
    /// What loans of at least this priority use of a name.
    pub(crate) fn lent_from(&self, priority: Priority, name: &[u8]) -> Amount {
        self.loans
            .values()
            .filter(|loan| loan.priority >= priority)
            .fold(Amount::ZERO, |sum, loan| sum + loan.lent.get(name))
    }

    /// What borrowers use beyond what there is: so much of them has to go. What owners use beyond it is not theirs.
    pub(crate) fn excess(&self) -> Scalars {
        let mut lent = Scalars::new();
        self.loans.values().for_each(|loan| lent.add_all(&loan.lent));
        lent.iter()
            .map(|(name, lent)| {
                let excess = (self.regular.get(name) + lent).minus_floored(self.total.get(name));
                (name, excess.min(lent))
            })
            .collect()
    }

    /// Comes into use.
    pub(crate) fn begin(&mut self, framework: &[u8], role: &[u8], priority: Priority, lent: &Scalars) {
        if lent.is_empty() {
            return;
        }
        let loan = self
            .loans
            .entry((framework.into(), role.into()))
            .or_insert_with(|| InUse { priority, lent: Scalars::new() });
        loan.lent.add_all(lent);
    }

    /// Is not in use any more. Returns what was not known to be.
    pub(crate) fn end(&mut self, framework: &[u8], role: &[u8], lent: &Scalars) -> Scalars {
        let mut missing = lent.clone();
        // What came into use when nobody told whose it is, is the other place to look.
        for framework in [framework, b""] {
            let key: Borrower = (framework.into(), role.into());
            let Some(loan) = self.loans.get_mut(&key) else { continue };
            missing = loan.lent.take_all(&missing);
            if loan.lent.is_empty() {
                self.loans.remove(&key);
            }
        }
        missing
    }
}
