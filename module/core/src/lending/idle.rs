//! What an agent has idle, whose it is, and which of it the loans take.
//!
//! Loans are not made from one lender's capacity: a framework sees what is free on the agent. What they take of whom is
//! worked out anew whenever something changes. Loans in use come first, those of higher priority before others; then
//! loans offered, of which what overlaps is counted once. Each takes of the lenders that lend to its role, those first
//! that do not lend to everybody.

use std::collections::BTreeMap;
use std::time::Duration;

use super::policy::Sources;
use super::{Lending, Lent, Loan};
use crate::agents::Agent;
use crate::allocator::Allocator;
use crate::allocator::ledger::scalars;
use crate::amount::Amount;
use crate::effect::{Effects, Lendable};
use crate::holding::{Holding, Item};
use crate::ids::{AgentId, FrameworkId, NameId, RoleId};
use crate::options::Instant;
use crate::quantities::Quantities;

/// Why capacity is idle. What is ripe of it is taken to be of the first that there is: what is offered came last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Origin {
    /// Reserved to the lender, and nobody holds it.
    Reserved,
    /// Free, and the lender lacks it of its guarantee.
    Guaranteed,
    /// Offered to the lender and not used.
    Offered,
}

/// What is idle, whose, and of which name.
pub(crate) type IdleKey = (Origin, RoleId, NameId);

/// What a lender lacks of its guarantee of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lacking {
    lender: RoleId,
    name: NameId,
    /// Held by nobody.
    amount: Amount,
    /// What of it others have borrowed already.
    lent: Amount,
}

/// What loans take of each lender, and why that was idle.
pub(crate) type Charges = BTreeMap<(RoleId, Origin), Quantities>;

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
    /// `None` asks for any framework of the role that is not offered anything of the agent.
    pub(crate) framework: Option<FrameworkId>,
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

    /// Takes note of what is idle. Capacity that its owner is offered and declines has been idle all the time, so why it
    /// is does not count.
    fn ripen(&mut self, idle: &BTreeMap<IdleKey, Amount>, now: Instant, age: Duration) {
        let mut sums: BTreeMap<(RoleId, NameId), Amount> = BTreeMap::new();
        for ((_, lender, name), amount) in idle {
            *sums.entry((*lender, *name)).or_default() += *amount;
        }
        self.ripening.retain(|key, _| sums.contains_key(key));
        for (key, sum) in sums {
            self.ripening.entry(key).or_default().observe(sum, now, age);
        }
    }

    /// Whether it lends what somebody lacks of a guarantee.
    pub(crate) fn lends_guaranteed(&self) -> bool {
        self.sources.iter().any(|source| source.origin == Origin::Guaranteed)
    }

    /// Whether nothing is left to remember of an agent that does not lend.
    fn is_forgettable(&self) -> bool {
        self.loans.is_empty() && self.told.is_nothing() && self.absent.is_empty() && self.charged.is_empty()
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
                self.lending.open(slot);
            }
        }
    }

    /// Brings agents up to date that may serve a guarantee, if what is lacking of guarantees changed.
    pub(crate) fn settle_guaranteed(&mut self, now: Instant, effects: &mut Effects) {
        self.observe_lacking();
        if !std::mem::take(&mut self.lending.lacking_changed) {
            return;
        }
        let serves = |agent: AgentId, lent: &Lent| {
            let available = self.agents.get(agent).available.items();
            lent.lends_guaranteed()
                || available.iter().any(|item| self.kinds.traits(item.kind).reserved_to.is_none())
        };
        let known =
            self.lending.agents.iter().filter_map(|(slot, lent)| Some((self.agents.at(*slot)?, lent)));
        let agents: Vec<AgentId> =
            known.filter(|(agent, lent)| serves(*agent, lent)).map(|(agent, _)| agent).collect();
        for agent in agents {
            if self.settle_agent(agent, now, effects) {
                self.lending.open(agent.index());
            }
        }
    }

    /// Takes note of what lenders lack of their guarantees.
    fn observe_lacking(&mut self) {
        let Self { lending, roles, .. } = self;
        for (role, _) in roles.claims() {
            lending.terms(role, roles);
        }
        let mut lacking = Vec::new();
        for (lender, claim) in self.roles.claims() {
            if !self.lending.lends_of(lender).guaranteed {
                continue;
            }
            let held = self.roles.offered_or_consumed(lender);
            let lent = self.lending.lent_of_guarantees.get(&lender);
            for (name, guarantee) in &claim.guarantees {
                let amount = guarantee.minus_floored(held.get(*name));
                let lent = lent.map_or(Amount::ZERO, |row| row.get(*name));
                lacking.push(Lacking { lender, name: *name, amount, lent });
            }
        }
        if lacking != self.lending.lacking {
            self.lending.lacking = lacking;
            self.lending.lacking_changed = true;
        }
    }

    /// Brings one agent up to date. Says whether it lends more or less than before.
    pub(crate) fn settle_agent(&mut self, agent: AgentId, now: Instant, effects: &mut Effects) -> bool {
        let slot = agent.index();
        let idle = if self.lends(agent) { self.idle(agent) } else { BTreeMap::new() };
        let age = self.lending.policy.min_idle;
        // Asked while the loans are there: as long as there are any, what can be taken back is lent.
        let absent = self.borrowed_by_absent(agent);
        let mut lent = self.lending.agents.remove(&slot).unwrap_or_default();
        lent.ripen(&idle, now, age);
        let sources = self.sources(agent, &idle, &lent);
        let has_changed = sources != lent.sources;
        lent.sources = sources;
        let next = lent.ripening.values().filter_map(|ripening| ripening.next(age)).min();
        if let Some(before) = std::mem::replace(&mut lent.ripe_at, next) {
            self.lending.ripe_at.remove(&(before, slot));
        }
        if let Some(next) = next {
            self.lending.ripe_at.insert((next, slot));
        }
        if absent != lent.absent {
            let before = std::mem::replace(&mut lent.absent, absent);
            self.lending.count_absent(&lent.absent, &before, &self.roles);
        }
        let lendable = lent.lendable();
        if lendable != lent.told {
            effects.lendable.push(Lendable { agent, amounts: self.amounts(&lendable) });
            lent.told = lendable;
        }
        self.lending.agents.insert(slot, lent);
        self.charge_lenders(agent);
        if !self.lends(agent) && self.lending.of(slot).is_some_and(Lent::is_forgettable) {
            self.lending.agents.remove(&slot);
        }
        has_changed
    }

    /// What is idle on an agent at this moment.
    fn idle(&mut self, agent: AgentId) -> BTreeMap<IdleKey, Amount> {
        let Self { agents, kinds, lending, roles, .. } = self;
        let record = agents.get(agent);
        let holders = record.held.iter().map(|held| held.role);
        let reserved = record.available.items().iter().filter_map(|item| kinds.traits(item.kind).reserved_to);
        for role in holders.chain(reserved) {
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

    /// What lenders lack of their guarantees, as far as it is free on an agent and not lent elsewhere.
    fn add_guaranteed(
        &mut self,
        agent: AgentId,
        mut unreserved: Quantities,
        idle: &mut BTreeMap<IdleKey, Amount>,
    ) {
        self.observe_lacking();
        let charged = self.lending.of(agent.index()).map(|lent| &lent.charged);
        for Lacking { lender, name, amount, lent } in &self.lending.lacking {
            let here = charged.and_then(|charged| charged.get(&(*lender, Origin::Guaranteed)));
            let elsewhere = lent.minus_floored(here.map_or(Amount::ZERO, |row| row.get(*name)));
            let amount = amount.minus_floored(elsewhere).min(unreserved.get(*name));
            if amount.is_positive() {
                *idle.entry((Origin::Guaranteed, *lender, *name)).or_default() += amount;
                unreserved.take(*name, amount);
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
    fn sources(&self, agent: AgentId, idle: &BTreeMap<IdleKey, Amount>, lent: &Lent) -> Vec<Source> {
        let mut ripe: BTreeMap<(RoleId, NameId), Amount> =
            lent.ripening.iter().map(|(key, ripening)| (*key, ripening.ripe())).collect();
        let mut sources: Vec<Source> = Vec::new();
        for ((origin, lender, name), amount) in idle {
            let rule = self.lending.terms.get(lender).and_then(|terms| terms.lender);
            let Some((rule, permille)) =
                rule.and_then(|rule| Some((rule, self.lending.policy.lenders.get(rule)?.permille)))
            else {
                continue;
            };
            let left = ripe.entry((*lender, *name)).or_default();
            let ripe = (*left).min(*amount);
            *left = left.minus_floored(ripe);
            let amount = ripe.part(permille);
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
        mut take: impl FnMut((RoleId, Origin), NameId, Amount),
    ) {
        for (name, amount) in amounts {
            let mut wanted = *amount;
            for source in left.iter_mut().filter(|source| self.lends_to(source, role)) {
                let taken = wanted.min(source.amounts.get(*name));
                if taken.is_positive() {
                    source.amounts.take(*name, taken);
                    wanted = wanted.minus_floored(taken);
                    take((source.lender, source.origin), *name, taken);
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

    /// Takes what is in use by frameworks that are not back yet of the sources, whoever these lend to.
    fn take_for_absent(
        &self,
        agent: AgentId,
        left: &mut [Source],
        mut take: impl FnMut((RoleId, Origin), NameId, Amount),
    ) {
        for absent in &self.agents.get(agent).absent {
            let (_, in_use) = self.split(agent, &absent.resources);
            for (name, amount) in scalars(&in_use, &self.kinds) {
                let mut wanted = amount;
                for source in left.iter_mut() {
                    let taken = wanted.min(source.amounts.get(name));
                    if taken.is_positive() {
                        source.amounts.take(name, taken);
                        wanted = wanted.minus_floored(taken);
                        take((source.lender, source.origin), name, taken);
                    }
                }
            }
        }
    }

    /// What frameworks that are not back yet use of what was lent on an agent, by role.
    pub(crate) fn borrowed_by_absent(&self, agent: AgentId) -> BTreeMap<RoleId, Quantities> {
        let mut borrowed: BTreeMap<RoleId, Quantities> = BTreeMap::new();
        for absent in &self.agents.get(agent).absent {
            let (Some(role), (_, in_use)) = (absent.role, self.split(agent, &absent.resources)) else {
                continue;
            };
            for (name, amount) in scalars(&in_use, &self.kinds) {
                borrowed.entry(role).or_default().add(name, amount);
            }
        }
        borrowed
    }

    /// What is left of an agent's sources for a priority: borrowed by neither the same nor a higher one. What is in use
    /// by frameworks that are not back yet counts as borrowed at the highest.
    fn left_for(&self, agent: AgentId, priority: u32) -> Vec<Source> {
        let Some(lent) = self.lending.of(agent.index()) else { return Vec::new() };
        let mut left = lent.sources.clone();
        self.take_for_absent(agent, &mut left, |_, _, _| {});
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
        let (mut own, mut all) = (Quantities::default(), Quantities::default());
        for source in &self.left_for(agent, asker.priority) {
            all.add_all(&source.amounts);
            let is_its_own = asker.framework.is_some_and(|framework| self.is_own(agent, source, framework));
            if self.lends_to(source, asker.role) && !is_its_own {
                own.add_all(&source.amounts);
            }
        }
        (own, all)
    }

    /// Whether some of what an agent lends may be a framework's own.
    pub(crate) fn thinks_about(&self, agent: AgentId, framework: FrameworkId) -> bool {
        let sources = self.lending.of(agent.index()).map(|lent| &lent.sources[..]).unwrap_or_default();
        sources.iter().any(|source| self.is_own(agent, source, framework))
    }

    fn is_own(&self, agent: AgentId, source: &Source, framework: FrameworkId) -> bool {
        source.origin == Origin::Offered && self.agents.get(agent).held_by(framework, source.lender).is_some()
    }

    /// What loans take of each lender on an agent, as they are and if a role were offered more.
    pub(crate) fn charges(&self, agent: AgentId, more: Option<(RoleId, &Holding)>) -> Charges {
        let mut charged = Charges::new();
        let Some(lent) = self.lending.of(agent.index()) else { return charged };
        let mut left = lent.sources.clone();
        let mut take = |of: (RoleId, Origin), name: NameId, amount: Amount| {
            charged.entry(of).or_default().add(name, amount);
        };
        self.take_for_absent(agent, &mut left, &mut take);
        for loan in self.loans_in_use(lent, 0) {
            self.take_from(&mut left, loan.role, &scalars(&loan.used, &self.kinds), &mut take);
        }
        for (role, offered) in lent.loans.iter().map(|loan| (loan.role, &loan.offered)).chain(more) {
            self.take_from(&mut left, role, &scalars(offered, &self.kinds), &mut take);
        }
        charged
    }

    /// Brings what each lender has lent up to date after a change on an agent.
    pub(crate) fn charge_lenders(&mut self, agent: AgentId) {
        // Not `Lent::absent`: what is reported without a role is nobody's loan, and yet is not there for others.
        let nobody_is_absent = self.agents.get(agent).absent.is_empty();
        let lends_nothing =
            |lent: &Lent| lent.loans.is_empty() && lent.charged.is_empty() && nobody_is_absent;
        if self.lending.of(agent.index()).is_none_or(lends_nothing) {
            return;
        }
        let now = self.charges(agent, None);
        let before = match self.lending.agents.get_mut(&agent.index()) {
            Some(lent) => std::mem::replace(&mut lent.charged, now.clone()),
            None => return,
        };
        if before == now {
            return;
        }
        let less = |(of, row): (&(RoleId, Origin), &Quantities)| {
            row.named().any(|(name, amount)| now.get(of).is_none_or(|row| row.get(name) < amount))
        };
        let returned = before.iter().any(less);
        let Self { lending, roles, .. } = self;
        for ((lender, origin), amounts) in &now {
            for at in roles.lineage(*lender) {
                lending.lent.entry(at).or_default().add_all(amounts);
            }
            if *origin == Origin::Guaranteed {
                lending.lent_of_guarantees.entry(*lender).or_default().add_all(amounts);
            }
        }
        for ((lender, origin), amounts) in &before {
            for at in roles.lineage(*lender) {
                let row = lending.lent.entry(at).or_default();
                amounts.named().for_each(|(name, amount)| row.subtract(name, amount));
            }
            if *origin == Origin::Guaranteed {
                let row = lending.lent_of_guarantees.entry(*lender).or_default();
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
