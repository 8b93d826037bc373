//! Numbers for metrics.

use crate::allocator::Allocator;
use crate::allocator::ledger::scalars;
use crate::amount::Amount;
use crate::holding::Holding;
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

/// What a framework has borrowed of an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoanNumbers<'a> {
    /// Whose resources they are.
    pub agent: &'a [u8],
    /// Who has them; none if it is gone.
    pub framework: Option<&'a [u8]>,
    /// In which role.
    pub role: &'a [u8],
    /// At which priority; `None` if the role may not borrow any more.
    pub priority: Option<u32>,
    /// Offered, and neither back nor used.
    pub offered: Amounts,
    /// In use by tasks and executors.
    pub used: Amounts,
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

    /// How many roles have lent anything so far, and how many have borrowed: each role with those around it. Neither ever
    /// falls, so both tell whether [`Allocator::lending_roles`] has become longer.
    #[must_use]
    pub fn lending_roles_len(&self) -> (usize, usize) {
        (self.lending.lent.len(), self.lending.borrowed.len())
    }

    /// Whether a role, or one inside it, has lent anything so far, and whether it has borrowed.
    #[must_use]
    pub fn has_lent_or_borrowed(&self, role: RoleId) -> (bool, bool) {
        (self.lending.lent.contains_key(&role), self.lending.borrowed.contains_key(&role))
    }

    /// How many loans there are, offered or in use.
    #[must_use]
    pub fn loans_len(&self) -> usize {
        self.lending.agents.values().map(|lent| lent.loans.len()).sum()
    }

    /// All loans, agent by agent.
    pub fn loans(&self) -> impl Iterator<Item = LoanNumbers<'_>> {
        let agents =
            self.lending.agents.iter().filter_map(|(slot, lent)| Some((self.agents.at(*slot)?, lent)));
        agents.flat_map(move |(agent, lent)| {
            lent.loans.iter().map(move |loan| LoanNumbers {
                agent: &self.agents.get(agent).name,
                framework: self.framework_name(loan.framework),
                role: self.roles.name(loan.role),
                priority: self.lending.priority(loan.role),
                offered: self.scalars_of(&loan.offered),
                used: self.scalars_of(&loan.used),
            })
        })
    }

    fn scalars_of(&self, resources: &Holding) -> Amounts {
        let mut sum = Quantities::default();
        scalars(resources, &self.kinds).into_iter().for_each(|(name, amount)| sum.add(name, amount));
        self.amounts(&sum)
    }

    /// How many agents can end borrowers, so that their capacity may be lent.
    #[must_use]
    pub fn agents_that_lend(&self) -> usize {
        self.agents.ids().filter(|agent| self.lends(*agent)).count()
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

    /// The frameworks that are offered nothing lent for having lost too often, each with the time until then.
    pub fn backing_off(&self, now: Instant) -> impl Iterator<Item = (&[u8], Instant)> {
        let waiting = self.lending.waits.who_waits(now);
        waiting.filter_map(|(framework, until)| Some((self.framework_name(framework)?, until)))
    }

    /// How many agents have something idle that is worth a look in the next run. For tests of what a run costs.
    #[must_use]
    pub fn agents_open_to_borrowers(&self) -> usize {
        self.lending.agents.keys().filter(|agent| self.lending.is_open(**agent)).count()
    }

    /// What is borrowed of a resource name in all, offered or in use.
    #[must_use]
    pub fn borrowed_in_all(&self, name: &[u8]) -> Amount {
        let Some(name) = self.kinds.find_name(name) else { return Amount::ZERO };
        self.lending.borrower_sorter.held_by_all().get(name)
    }
}
