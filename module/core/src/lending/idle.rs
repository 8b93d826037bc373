//! What an agent has idle, whose it is, and which of it the loans take.
//!
//! Loans are not made from one lender's capacity: a framework sees what is free on the agent. What they take of whom is
//! worked out anew whenever something changes. Loans in use come first, those of higher priority before others; then
//! loans offered, of which what overlaps is counted once. Each takes of the lenders that lend to its role, those first
//! that do not lend to everybody.

use std::collections::BTreeMap;

use super::policy::Sources;
use super::{Lending, Lent, Loan, part};
use crate::agents::Agent;
use crate::allocator::Allocator;
use crate::allocator::ledger::scalars;
use crate::amount::Amount;
use crate::effect::{Effects, Lendable};
use crate::holding::{Holding, Item};
use crate::ids::{AgentId, FrameworkId, NameId, RoleId};
use crate::options::Instant;
use crate::quantities::Quantities;

/// Why capacity is idle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Origin {
    /// Offered to the lender and not used.
    Offered,
    /// Reserved to the lender, and nobody holds it.
    Reserved,
    /// Free, and the lender lacks it of its guarantee.
    Guaranteed,
}

/// What is idle, whose, and of which name.
pub(crate) type IdleKey = (Origin, RoleId, NameId);

/// What one lender lends of an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) origin: Origin,
    pub(crate) lender: RoleId,
    /// Which of the rules for lenders.
    rule: usize,
    pub(crate) amounts: Quantities,
}

/// Who asks what is free.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asker {
    pub(crate) framework: FrameworkId,
    pub(crate) role: RoleId,
    pub(crate) priority: u32,
}

impl Lent {
    /// All that may be lent.
    pub(crate) fn lendable(&self) -> Quantities {
        let mut sum = Quantities::default();
        for source in &self.sources {
            sum.add_all(&source.amounts);
        }
        sum
    }

    /// What is offered of it, to whomever; overlaps count each time.
    pub(crate) fn offered(&self, kinds: &crate::kind::KindTable) -> Quantities {
        let mut sum = Quantities::default();
        for loan in &self.loans {
            scalars(&loan.offered, kinds).into_iter().for_each(|(name, amount)| sum.add(name, amount));
        }
        sum
    }

    /// Whether nothing is left to remember of an agent that does not lend.
    fn is_forgettable(&self) -> bool {
        self.loans.is_empty() && self.told.is_nothing()
    }
}

impl Allocator {
    /// Whether capacity of an agent may be lent.
    pub(crate) fn lends(&self, agent: AgentId) -> bool {
        self.lending.is_on() && self.agents.get(agent).reclaims
    }

    /// Brings what follows from an event up to date: what is idle, and who lends how much.
    pub(crate) fn settle_lending(&mut self, now: Instant, effects: &mut Effects) {
        let dirty: Vec<usize> = self.lending.dirty.iter().collect();
        self.lending.dirty.clear();
        for slot in dirty {
            if let Some(agent) = self.agents.at(slot) {
                self.settle_agent(agent, now, effects);
            }
        }
    }

    /// The same for one agent.
    pub(crate) fn settle_agent(&mut self, agent: AgentId, now: Instant, effects: &mut Effects) {
        let slot = agent.index();
        let idle = if self.lends(agent) { self.idle(agent) } else { BTreeMap::new() };
        let age = self.lending.policy.min_idle;
        let mut lent = self.lending.agents.remove(&slot).unwrap_or_default();
        for key in idle.keys() {
            lent.ripening.entry(*key).or_default();
        }
        for (key, ripening) in &mut lent.ripening {
            ripening.observe(idle.get(key).copied().unwrap_or_default(), now, age);
        }
        lent.ripening.retain(|key, _| idle.contains_key(key));
        lent.sources = self.sources(agent, &lent);
        if let Some(next) = lent.ripening.values().filter_map(|ripening| ripening.next(age)).min() {
            self.lending.ripe_at.insert((next, slot));
        }
        let lendable = lent.lendable();
        if lendable != lent.told {
            effects.lendable.push(Lendable { agent, amounts: self.amounts(&lendable) });
            lent.told = lendable;
        }
        if self.lends(agent) || !lent.is_forgettable() {
            self.lending.open.insert(slot);
            self.lending.agents.insert(slot, lent);
        }
        self.charge_lenders(agent);
    }

    /// What is idle on an agent at this moment.
    fn idle(&mut self, agent: AgentId) -> BTreeMap<IdleKey, Amount> {
        let Self { agents, kinds, lending, roles, .. } = self;
        let record = agents.get(agent);
        let holders = record.held.iter().map(|held| held.role);
        let reserved = record.available.items().iter().filter_map(|item| kinds.traits(item.kind).reserved_to);
        let claimants = roles.claims().map(|(role, _)| role);
        for role in holders.chain(reserved).chain(claimants) {
            lending.terms(role, roles);
        }
        let record = self.agents.get(agent);
        let offered = offered_by_role(record, |role| self.lending.lends_of(role).offered);
        let mut idle: BTreeMap<IdleKey, Amount> = BTreeMap::new();
        for (role, offered) in &offered {
            for (name, amount) in offered.items().iter().filter_map(|item| self.as_lendable(item)) {
                *idle.entry((Origin::Offered, *role, name)).or_default() += amount;
            }
        }
        let mut unreserved = Quantities::default();
        for item in record.available.items() {
            let Some((name, amount)) = self.as_lendable(item) else { continue };
            match self.kinds.traits(item.kind).reserved_to {
                None => unreserved.add(name, amount),
                Some(role) if self.lending.lends_of(role).reserved => {
                    *idle.entry((Origin::Reserved, role, name)).or_default() += amount;
                }
                Some(_) => {}
            }
        }
        if !unreserved.is_nothing() {
            self.add_guaranteed(agent, unreserved, &mut idle);
        }
        idle
    }

    /// What lenders lack of their guarantees, as far as it is free on an agent.
    fn add_guaranteed(
        &self,
        agent: AgentId,
        mut unreserved: Quantities,
        idle: &mut BTreeMap<IdleKey, Amount>,
    ) {
        for (role, claim) in self.roles.claims().filter(|(role, _)| self.lending.lends_of(*role).guaranteed) {
            let held = self.roles.offered_or_consumed(role);
            for (name, guarantee) in &claim.guarantees {
                let lent_elsewhere = self.lending.lent_elsewhere(role, *name, agent.index());
                let lacks = guarantee.minus_floored(held.get(*name)).minus_floored(lent_elsewhere);
                let amount = lacks.min(unreserved.get(*name));
                if amount.is_positive() {
                    *idle.entry((Origin::Guaranteed, role, *name)).or_default() += amount;
                    unreserved.take(*name, amount);
                }
            }
        }
    }

    /// The name and amount of an item, if such resources are lent: plain scalars of names that the rules list.
    fn as_lendable(&self, item: &Item) -> Option<(NameId, Amount)> {
        let name = self.kinds.traits(item.kind).scalar_name?;
        let kind = self.kinds.kind(item.kind);
        let plain = !item.kind.is_whole() && !kind.revocable && !kind.shared && kind.provider.is_none();
        let listed = self.lending.lent_as.iter().any(|(lent, _)| *lent == name);
        (plain && listed).then_some((name, item.scalar_quantity()?))
    }

    /// What of an agent's idle capacity may be lent; lenders that do not lend to everybody come first.
    fn sources(&self, agent: AgentId, lent: &Lent) -> Vec<Source> {
        let mut sources: Vec<Source> = Vec::new();
        for ((origin, lender, name), ripening) in &lent.ripening {
            let rule = self.lending.terms.get(lender).and_then(|terms| terms.lender);
            let Some((rule, permille)) =
                rule.and_then(|rule| Some((rule, self.lending.policy.lenders.get(rule)?.permille)))
            else {
                continue;
            };
            let amount = part(ripening.ripe(), permille);
            if !amount.is_positive() {
                continue;
            }
            match sources.last_mut().filter(|last| last.origin == *origin && last.lender == *lender) {
                Some(last) => last.amounts.add(*name, amount),
                None => {
                    let mut amounts = Quantities::default();
                    amounts.add(*name, amount);
                    sources.push(Source { origin: *origin, lender: *lender, rule, amounts });
                }
            }
        }
        sources.sort_by_key(|source| self.lending.policy.lenders[source.rule].to.is_none());
        self.keep_what_is_there(agent, &mut sources);
        sources
    }

    /// An agent can have less than is offered of it, from when it was said to have less. What it lost is not lent.
    fn keep_what_is_there(&self, agent: AgentId, sources: &mut Vec<Source>) {
        let record = self.agents.get(agent);
        let mut there = Quantities::default();
        for (name, amount) in record.total.items().iter().filter_map(|item| self.as_lendable(item)) {
            there.add(name, amount);
        }
        for used in record.used.values() {
            let in_use = used.items().iter().filter_map(|item| self.as_lendable(item));
            in_use.for_each(|(name, amount)| there.take(name, amount));
        }
        for source in sources.iter_mut() {
            for (name, _) in &self.lending.lent_as {
                let amount = source.amounts.get(*name);
                let lost = amount.minus_floored(there.get(*name));
                source.amounts.take(*name, lost);
                there.take(*name, amount);
            }
        }
        sources.retain(|source| !source.amounts.is_nothing());
    }

    /// Whether a source lends to a role.
    fn lends_to(&self, source: &Source, role: RoleId) -> bool {
        let to = &self.lending.policy.lenders[source.rule].to;
        to.as_ref().is_none_or(|to| to.names(self.roles.name(role)))
    }

    /// Takes amounts of the sources that lend to a role, in their order, as far as there is any left. `take` is told
    /// what is taken of whom.
    fn take_from(
        &self,
        left: &mut [Source],
        role: RoleId,
        amounts: &[(NameId, Amount)],
        mut take: impl FnMut(RoleId, NameId, Amount),
    ) {
        for (name, amount) in amounts {
            let mut wanted = *amount;
            for source in left.iter_mut().filter(|source| self.lends_to(source, role)) {
                let taken = wanted.min(source.amounts.get(*name));
                if taken.is_positive() {
                    source.amounts.take(*name, taken);
                    wanted = wanted.minus_floored(taken);
                    take(source.lender, *name, taken);
                }
            }
        }
    }

    /// Loans in use in the order in which they take: higher priorities first.
    fn loans_in_use<'a>(&self, lent: &'a Lent, least_priority: u32) -> Vec<&'a Loan> {
        let priority = |loan: &Loan| self.lending.priority(loan.role).unwrap_or(0);
        let mut loans: Vec<&Loan> = lent
            .loans
            .iter()
            .filter(|loan| !loan.used.is_empty() && priority(loan) >= least_priority)
            .collect();
        loans.sort_by_key(|loan| std::cmp::Reverse(priority(loan)));
        loans
    }

    /// What is left of an agent's sources for a priority: borrowed by neither the same nor a higher one. What is in use
    /// by frameworks that are not back yet counts as borrowed at the highest.
    fn left_for(&self, agent: AgentId, priority: u32) -> Vec<Source> {
        let Some(lent) = self.lending.of(agent.index()) else { return Vec::new() };
        let mut left = lent.sources.clone();
        for absent in &self.agents.get(agent).absent {
            let (_, in_use) = self.split(agent, &absent.resources);
            for (name, amount) in scalars(&in_use, &self.kinds) {
                let mut wanted = amount;
                for source in &mut left {
                    let taken = wanted.min(source.amounts.get(name));
                    source.amounts.take(name, taken);
                    wanted = wanted.minus_floored(taken);
                }
            }
        }
        for loan in self.loans_in_use(lent, priority) {
            self.take_from(&mut left, loan.role, &scalars(&loan.used, &self.kinds), |_, _, _| {});
        }
        left
    }

    /// What is free on an agent for anybody of a priority.
    pub(crate) fn free_at(&self, agent: AgentId, priority: u32) -> Quantities {
        let mut free = Quantities::default();
        self.left_for(agent, priority).iter().for_each(|source| free.add_all(&source.amounts));
        free
    }

    /// What is free on an agent for somebody, and what is free for anybody of the same priority. Limits aside.
    ///
    /// What a role was offered is not lent to a framework that holds something in that role there: it may be its own.
    pub(crate) fn free_to_lend(&self, agent: AgentId, asker: Asker) -> (Quantities, Quantities) {
        let record = self.agents.get(agent);
        let (mut own, mut all) = (Quantities::default(), Quantities::default());
        for source in &self.left_for(agent, asker.priority) {
            all.add_all(&source.amounts);
            let is_its_own =
                source.origin == Origin::Offered && record.held_by(asker.framework, source.lender).is_some();
            if self.lends_to(source, asker.role) && !is_its_own {
                own.add_all(&source.amounts);
            }
        }
        (own, all)
    }

    /// What loans take of each lender on an agent, as they are and with one more.
    pub(crate) fn charges(&self, agent: usize, more: Option<&Loan>) -> BTreeMap<RoleId, Quantities> {
        let mut charged: BTreeMap<RoleId, Quantities> = BTreeMap::new();
        let Some(lent) = self.lending.of(agent) else { return charged };
        let mut left = lent.sources.clone();
        let mut take = |lender: RoleId, name: NameId, amount: Amount| {
            charged.entry(lender).or_default().add(name, amount);
        };
        for loan in self.loans_in_use(lent, 0) {
            self.take_from(&mut left, loan.role, &scalars(&loan.used, &self.kinds), &mut take);
        }
        for loan in lent.loans.iter().chain(more) {
            self.take_from(&mut left, loan.role, &scalars(&loan.offered, &self.kinds), &mut take);
        }
        charged
    }

    /// Brings what each lender has lent up to date after a change on an agent.
    pub(crate) fn charge_lenders(&mut self, agent: AgentId) {
        let lends_nothing = |lent: &Lent| lent.loans.is_empty() && lent.charged.is_empty();
        if self.lending.of(agent.index()).is_none_or(lends_nothing) {
            return;
        }
        let now = self.charges(agent.index(), None);
        let before = match self.lending.agents.get_mut(&agent.index()) {
            Some(lent) => std::mem::replace(&mut lent.charged, now.clone()),
            None => return,
        };
        if before == now {
            return;
        }
        let less = |(lender, row): (&RoleId, &Quantities)| {
            row.named().any(|(name, amount)| now.get(lender).is_none_or(|row| row.get(name) < amount))
        };
        let returned = before.iter().any(less);
        let Self { lending, roles, .. } = self;
        for (lender, amounts) in &now {
            for at in roles.lineage(*lender) {
                lending.lent.entry(at).or_default().add_all(amounts);
            }
        }
        for (lender, amounts) in &before {
            for at in roles.lineage(*lender) {
                let row = lending.lent.entry(at).or_default();
                amounts.named().for_each(|(name, amount)| row.subtract(name, amount));
            }
        }
        if returned {
            lending.reopen_held_back();
        }
    }
}

impl Lending {
    /// What of its idle capacity a role lends.
    fn lends_of(&self, role: RoleId) -> Sources {
        let rule = self.terms.get(&role).and_then(|terms| self.policy.lenders.get(terms.lender?));
        rule.map(|rule| rule.sources).unwrap_or_default()
    }

    /// What a role alone has lent of a name on other agents.
    fn lent_elsewhere(&self, role: RoleId, name: NameId, agent: usize) -> Amount {
        let all = self.lent.get(&role).map_or(Amount::ZERO, |row| row.get(name));
        let here = self.agents.get(&agent).and_then(|lent| lent.charged.get(&role));
        all.minus_floored(here.map_or(Amount::ZERO, |row| row.get(name)))
    }
}

/// What is offered on an agent and not used, by those of its roles that are wanted.
fn offered_by_role(record: &Agent, is_wanted: impl Fn(RoleId) -> bool) -> BTreeMap<RoleId, Holding> {
    let mut offered: BTreeMap<RoleId, Holding> = BTreeMap::new();
    for held in record.held.iter().filter(|held| is_wanted(held.role)) {
        offered.entry(held.role).or_default().add(&held.resources);
    }
    for (role, used) in &record.used {
        if let Some(offered) = offered.get_mut(role) {
            offered.subtract(used);
        }
    }
    offered
}
