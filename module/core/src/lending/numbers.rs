//! Numbers for metrics.

use crate::allocator::Allocator;
use crate::amount::Amount;
use crate::ids::{AgentId, RoleId};
use crate::numbers::Amounts;
use crate::options::Instant;
use crate::quantities::Quantities;

/// What a role with everything inside it has lent and borrowed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LendingNumbers {
    /// What of its idle capacity others have, offered or in use; what several were offered counts once.
    pub lent: Amounts,
    /// What it was offered of others' and has not given back, in use or not; overlaps count each time.
    pub borrowed: Amounts,
}

impl Allocator {
    /// What a role has lent and borrowed.
    #[must_use]
    pub fn lending_numbers(&self, role: RoleId) -> LendingNumbers {
        let row = |rows: &std::collections::BTreeMap<RoleId, Quantities>| {
            rows.get(&role).map(|row| self.amounts(row)).unwrap_or_default()
        };
        LendingNumbers { lent: row(&self.lending.lent), borrowed: row(&self.lending.borrowed) }
    }

    /// The roles that have lent or borrowed anything so far, those around them included.
    pub fn lending_roles(&self) -> impl Iterator<Item = RoleId> {
        let roles: std::collections::BTreeSet<RoleId> =
            self.lending.lent.keys().chain(self.lending.borrowed.keys()).copied().collect();
        roles.into_iter()
    }

    /// What is lent in all, offered or in use; what several were offered counts once.
    #[must_use]
    pub fn lent_in_all(&self, name: &[u8]) -> Amount {
        let Some(name) = self.kinds.find_name(name) else { return Amount::ZERO };
        let top = self.lending.lent.iter().filter(|(role, _)| !self.roles.is_nested(**role));
        let mut sum = Amount::ZERO;
        top.for_each(|(_, row)| sum += row.get(name));
        sum
    }

    /// What of an agent may be lent now; nothing if it does not lend.
    #[must_use]
    pub fn lendable(&self, agent: AgentId) -> Amounts {
        let lent = self.lending.of(agent.index());
        lent.map(|lent| self.amounts(&lent.lendable())).unwrap_or_default()
    }

    /// Whether anything can be lent.
    #[must_use]
    pub fn lending_is_on(&self) -> bool {
        self.lending.is_on()
    }

    /// How many frameworks are offered nothing lent for having lost too often.
    #[must_use]
    pub fn frameworks_backing_off(&self, now: Instant) -> usize {
        self.lending.waits.waiting(now)
    }

    /// How many agents have something idle that is worth a look in the next run. For tests of what a run costs.
    #[must_use]
    pub fn agents_open_to_borrowers(&self) -> usize {
        self.lending.open.iter().count()
    }

    /// What is borrowed of a resource name in all, offered or in use.
    #[must_use]
    pub fn borrowed_in_all(&self, name: &[u8]) -> Amount {
        let Some(name) = self.kinds.find_name(name) else { return Amount::ZERO };
        self.lending.borrower_sorter.held_by_all().get(name)
    }
}
