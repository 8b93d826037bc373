//! What is kept along the way about loans, derived anew.

use std::collections::{BTreeMap, BTreeSet};

use super::Loan;
use super::idle::Origin;
use crate::allocator::Allocator;
use crate::allocator::ledger::scalars;
use crate::effect::Violation;
use crate::ids::{AgentId, FrameworkId, RoleId};
use crate::quantities::Quantities;

impl Allocator {
    /// Derives everything about loans anew and compares.
    pub(crate) fn check_lending(&self) -> Result<(), Violation> {
        if !self.lending.is_on() {
            return Ok(());
        }
        let mut borrowed: BTreeMap<RoleId, Quantities> = BTreeMap::new();
        let mut lent: BTreeMap<RoleId, Quantities> = BTreeMap::new();
        let mut of_guarantees: BTreeMap<RoleId, Quantities> = BTreeMap::new();
        let mut by_framework: BTreeMap<(FrameworkId, RoleId), Quantities> = BTreeMap::new();
        let mut places: BTreeMap<(FrameworkId, RoleId), BTreeSet<usize>> = BTreeMap::new();
        for (slot, record) in &self.lending.agents {
            let agent = self.agents.at(*slot);
            let Some(agent) = agent else { return Err(drift("an agent with loans", "gone", "live")) };
            for loan in &record.loans {
                places.entry((loan.framework, loan.role)).or_default().insert(*slot);
                for part in [&loan.offered, &loan.used] {
                    for (name, amount) in scalars(part, &self.kinds) {
                        for at in self.roles.lineage(loan.role) {
                            borrowed.entry(at).or_default().add(name, amount);
                        }
                        by_framework.entry((loan.framework, loan.role)).or_default().add(name, amount);
                    }
                }
            }
            let absent = self.borrowed_by_absent(agent);
            same("borrowed by frameworks that are not back", &record.absent, &absent)?;
            for (role, row) in &absent {
                for at in self.roles.lineage(*role) {
                    borrowed.entry(at).or_default().add_all(row);
                }
            }
            for ((lender, origin), row) in &record.charged {
                for at in self.roles.lineage(*lender) {
                    lent.entry(at).or_default().add_all(row);
                }
                if *origin == Origin::Guaranteed {
                    of_guarantees.entry(*lender).or_default().add_all(row);
                }
            }
            self.check_lent_agent(agent, &record.loans)?;
        }
        self.check_ripe_at()?;
        same("borrowed", &self.lending.borrowed, &borrowed)?;
        same("lent", &self.lending.lent, &lent)?;
        same("lent of guarantees", &self.lending.lent_of_guarantees, &of_guarantees)?;
        if places != self.lending.places {
            return Err(drift(
                "places of loans",
                &format!("{:?}", self.lending.places),
                &format!("{places:?}"),
            ));
        }
        self.check_borrowers(&by_framework)
    }

    fn check_ripe_at(&self) -> Result<(), Violation> {
        let ripe_at: BTreeSet<_> =
            self.lending.agents.iter().filter_map(|(slot, record)| Some((record.ripe_at?, *slot))).collect();
        if ripe_at != self.lending.ripe_at {
            let (kept, derived) = (format!("{:?}", self.lending.ripe_at), format!("{ripe_at:?}"));
            return Err(drift("when agents have more to lend", &kept, &derived));
        }
        Ok(())
    }

    fn check_lent_agent(&self, agent: AgentId, loans: &[Loan]) -> Result<(), Violation> {
        let name = crate::text::Text(&self.agents.get(agent).name).to_string();
        let ordered = loans
            .windows(2)
            .all(|pair| (pair[0].framework, pair[0].role) < (pair[1].framework, pair[1].role));
        let filled = loans.iter().all(|loan| !loan.offered.is_empty() || !loan.used.is_empty());
        if !ordered || !filled {
            return Err(drift(
                &format!("loans of agent {name}"),
                "out of order or empty",
                "sorted, never empty",
            ));
        }
        let charged = self.lending.of(agent.index()).map(|lent| &lent.charged);
        let derived = self.charges(agent, None);
        if charged != Some(&derived) {
            return Err(drift(
                &format!("what lenders lent of agent {name}"),
                &format!("{charged:?}"),
                &format!("{derived:?}"),
            ));
        }
        let revocable = |kind| self.kinds.traits(kind).revocable;
        let record = self.agents.get(agent);
        if record.reclaims && record.total.items().iter().any(|item| revocable(item.kind)) {
            return Err(drift(&format!("total of agent {name}"), "has an estimate", "has none"));
        }
        if !self.lending.is_open(agent.index())
            && !self.lending.held_back.contains(agent.index())
            && self.somebody_could_borrow(agent)
        {
            return Err(drift(&format!("agent {name}"), "closed to borrowers", "somebody could borrow"));
        }
        Ok(())
    }

    fn check_borrowers(
        &self,
        by_framework: &BTreeMap<(FrameworkId, RoleId), Quantities>,
    ) -> Result<(), Violation> {
        let sorters =
            self.lending.framework_sorters.values().chain(std::iter::once(&self.lending.borrower_sorter));
        for sorter in sorters {
            if let Some((node, kept, derived)) = sorter.find_drift() {
                return Err(drift(
                    &format!("node {node:?} of borrowers"),
                    &format!("{kept:?}"),
                    &format!("{derived:?}"),
                ));
            }
        }
        for ((framework, role), derived) in by_framework {
            let kept =
                self.lending.framework_sorters.get(role).and_then(|sorter| sorter.held(framework.slot()));
            if kept != Some(derived) {
                return Err(drift(
                    "what a framework borrowed",
                    &format!("{kept:?}"),
                    &format!("{derived:?}"),
                ));
            }
        }
        Ok(())
    }
}

fn same(
    what: &str,
    kept: &BTreeMap<RoleId, Quantities>,
    derived: &BTreeMap<RoleId, Quantities>,
) -> Result<(), Violation> {
    let none = Quantities::default();
    let roles: BTreeSet<&RoleId> = kept.keys().chain(derived.keys()).collect();
    for role in roles {
        let (kept, derived) = (kept.get(role).unwrap_or(&none), derived.get(role).unwrap_or(&none));
        if kept != derived {
            return Err(drift(
                &format!("{what} by role {role:?}"),
                &format!("{kept:?}"),
                &format!("{derived:?}"),
            ));
        }
    }
    Ok(())
}

fn drift(what: &str, kept: &str, derived: &str) -> Violation {
    Violation::Drift { what: what.to_owned(), kept: kept.to_owned(), derived: derived.to_owned() }
}
