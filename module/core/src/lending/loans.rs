//! Calls about lent resources: who has which loan of an agent, offered or in use.
//!
//! Books of loans forgive. What a loan does not cover is taken as the master says it, with one notice: nothing here
//! decides whether anything non-revocable is free.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::{Lending, Loan};
use crate::agents::Held;
use crate::allocator::Allocator;
use crate::allocator::ledger::scalars;
use crate::effect::Effects;
use crate::event::Allocated;
use crate::filters::Refusal;
use crate::holding::Holding;
use crate::ids::{AgentId, FrameworkId, RoleId};
use crate::notice::Notice;
use crate::options::Instant;

/// Part of a loan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Offered and neither back nor used.
    Offered,
    /// In use by tasks and executors.
    Used,
}

/// Lent resources that come back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Returned<'a> {
    pub(crate) framework: FrameworkId,
    pub(crate) role: RoleId,
    pub(crate) agent: AgentId,
    pub(crate) resources: &'a Holding,
    pub(crate) part: Part,
    pub(crate) refusal: Option<Refusal>,
    pub(crate) now: Instant,
}

impl Loan {
    fn part(&mut self, part: Part) -> &mut Holding {
        match part {
            Part::Offered => &mut self.offered,
            Part::Used => &mut self.used,
        }
    }
}

impl Lending {
    /// Whoever has a loan of an agent, once for each of its roles.
    pub(crate) fn borrowers_of(&self, agent: usize) -> impl Iterator<Item = FrameworkId> {
        let loans = self.of(agent).map(|lent| &lent.loans[..]).unwrap_or_default();
        loans.iter().map(|loan| loan.framework)
    }

    /// The loan of a framework in a role on an agent.
    pub(crate) fn loan(&self, framework: FrameworkId, role: RoleId, agent: usize) -> Option<&Loan> {
        let loans = &self.of(agent)?.loans;
        let at = loans.binary_search_by_key(&(framework, role), |loan| (loan.framework, loan.role)).ok()?;
        loans.get(at)
    }
}

impl Allocator {
    /// Whether what can be taken back on an agent is lent; otherwise it is what the agent's resource estimator reports.
    pub(crate) fn revocable_is_lent(&self, agent: AgentId) -> bool {
        self.lending.is_on()
            && (self.agents.get(agent).reclaims
                || self.lending.of(agent.index()).is_some_and(|lent| !lent.loans.is_empty()))
    }

    /// Resources of an agent that the regular books are about, and those that are lent.
    pub(crate) fn split<'a>(&self, agent: AgentId, resources: &'a Holding) -> (Cow<'a, Holding>, Holding) {
        let revocable = |kind| self.kinds.traits(kind).revocable;
        if !self.lending.is_on()
            || !resources.items().iter().any(|item| revocable(item.kind))
            || !self.revocable_is_lent(agent)
        {
            return (Cow::Borrowed(resources), Holding::default());
        }
        let lent = resources.filtered(|item| revocable(item.kind));
        (Cow::Owned(resources.filtered(|item| !revocable(item.kind))), lent)
    }

    /// What an agent has, without what its resource estimator reports if that is not offered.
    pub(crate) fn without_estimated<'a>(
        &mut self,
        agent: AgentId,
        total: &'a Holding,
        effects: &mut Effects,
    ) -> Cow<'a, Holding> {
        let (total, estimated) = self.split(agent, total);
        if !estimated.is_empty() && !self.agents.get(agent).estimate_told {
            let resources = self.describe(&estimated).to_string();
            let record = self.agents.get_mut(agent);
            record.estimate_told = true;
            effects.notices.push(Notice::EstimateIgnored { agent: record.name.clone(), resources });
        }
        total
    }

    /// An agent begins to lend: what frameworks have of what its resource estimator reported is taken for loans, as it
    /// comes back like these.
    pub(crate) fn lend_what_is_held_of_estimate(&mut self, agent: AgentId) {
        if !self.lends(agent) {
            return;
        }
        for Held { framework, role, resources } in self.agents.get(agent).held.clone() {
            let (_, lent) = self.split(agent, &resources);
            let in_use = self.agents.get(agent).used.get(&role).cloned().unwrap_or_default();
            let mut offered = lent.clone();
            offered.subtract(&in_use);
            let mut used = lent.clone();
            used.subtract(&offered);
            self.use_less(role, agent, &used);
            self.release(framework, role, agent, &lent);
            self.lend((framework, role), agent, &used, Part::Used);
            self.lend((framework, role), agent, &offered, Part::Offered);
            self.leave_if_idle(framework, role);
        }
    }

    /// Brings a framework's place among borrowers in line with what it takes.
    pub(crate) fn sync_borrower(&mut self, framework: FrameworkId, role: RoleId) {
        if !self.lending.is_on() {
            return;
        }
        let record = self.frameworks.get(framework);
        let takes = record.takes_offers_in(role) && record.capabilities.revocable_resources;
        self.lending.sync_borrower((framework, &record.name), role, takes, &self.roles);
    }

    /// A framework has more of a loan.
    pub(crate) fn lend(
        &mut self,
        (framework, role): (FrameworkId, RoleId),
        agent: AgentId,
        resources: &Holding,
        part: Part,
    ) {
        if resources.is_empty() {
            return;
        }
        self.lending.places.entry((framework, role)).or_default().insert(agent.index());
        self.sync_borrower(framework, role);
        let loans = &mut self.lending.agents.entry(agent.index()).or_default().loans;
        let at = match loans.binary_search_by_key(&(framework, role), |loan| (loan.framework, loan.role)) {
            Ok(at) => at,
            Err(at) => {
                let (offered, used) = Default::default();
                loans.insert(at, Loan { framework, role, offered, used });
                at
            }
        };
        loans[at].part(part).add(resources);
        let amounts = scalars(resources, &self.kinds);
        self.lending.borrow_more((framework, role), &amounts, (&self.roles, &self.pool));
        self.lending.mark(agent.index());
    }

    /// A framework has less of a loan. Says what of `resources` it did not have.
    pub(crate) fn unlend(
        &mut self,
        (framework, role): (FrameworkId, RoleId),
        agent: AgentId,
        resources: &Holding,
        part: Part,
    ) -> Holding {
        let mut missing = resources.clone();
        let Some(lent) = self.lending.agents.get_mut(&agent.index()) else { return missing };
        let place = lent.loans.binary_search_by_key(&(framework, role), |loan| (loan.framework, loan.role));
        let Ok(at) = place else { return missing };
        let loan = &mut lent.loans[at];
        let own = loan.part(part);
        missing.subtract(own);
        let mut taken = resources.clone();
        taken.subtract(&missing);
        own.subtract(&taken);
        if loan.offered.is_empty() && loan.used.is_empty() {
            lent.loans.remove(at);
            if let Some(places) = self.lending.places.get_mut(&(framework, role)) {
                places.remove(&agent.index());
                if places.is_empty() {
                    self.lending.places.remove(&(framework, role));
                }
            }
        }
        let amounts = scalars(&taken, &self.kinds);
        self.lending.borrow_less((framework, role), &amounts, (&self.roles, &self.pool));
        self.sync_borrower(framework, role);
        self.lending.mark(agent.index());
        missing
    }

    /// Lent resources come back from a framework.
    pub(crate) fn take_back(&mut self, returned: &Returned<'_>, effects: &mut Effects) {
        let &Returned { framework, role, agent, resources, part, refusal, now } = returned;
        let other = if part == Part::Offered { Part::Used } else { Part::Offered };
        let missing = self.unlend((framework, role), agent, resources, part);
        let missing = self.unlend((framework, role), agent, &missing, other);
        self.tell_unknown_loan((framework, role), agent, &missing, effects);
        if let Some(refusal) = refusal {
            self.filters.install(
                ((framework.slot(), role), agent.slot()),
                resources.clone(),
                (refusal.time, self.options.allocation_interval),
                now,
                self.batches,
            );
            self.lending.refused.entry(framework.slot()).or_default().push((role, agent.slot()));
        }
    }

    fn tell_unknown_loan(
        &self,
        (framework, role): (FrameworkId, RoleId),
        agent: AgentId,
        missing: &Holding,
        effects: &mut Effects,
    ) {
        if !missing.is_empty() {
            effects.notices.push(Notice::UnknownLoan {
                framework: self.frameworks.get(framework).name.clone(),
                role: self.roles.name(role).into(),
                agent: self.agents.get(agent).name.clone(),
                resources: self.describe(missing).to_string(),
            });
        }
    }

    /// Launches use lent resources of an agent. Without a framework the first that was offered so much is meant.
    pub(crate) fn use_lent(
        &mut self,
        framework: Option<&[u8]>,
        agent: &[u8],
        groups: &[Allocated<'_>],
        effects: &mut Effects,
    ) {
        let Some(agent) = self.agents.find(agent) else { return };
        let framework = match framework.map(|framework| self.frameworks.find(framework)) {
            // Its loans went with it, and those of others are not meant.
            Some(None) => return,
            seen => seen.flatten(),
        };
        for Allocated { role, resources } in groups {
            let Some(role) = role.and_then(|role| self.roles.find(role)) else { continue };
            let (_, resources) = self.split(agent, resources);
            if resources.is_empty() {
                continue;
            }
            let Some(framework) = framework.or_else(|| self.who_was_offered(agent, role, &resources)) else {
                continue;
            };
            let missing = self.unlend((framework, role), agent, &resources, Part::Offered);
            self.tell_unknown_loan((framework, role), agent, &missing, effects);
            self.lend((framework, role), agent, &resources, Part::Used);
            if self.lending.waits.won(framework) {
                self.lending.reopen_all();
            }
        }
    }

    fn who_was_offered(&self, agent: AgentId, role: RoleId, resources: &Holding) -> Option<FrameworkId> {
        let loans = &self.lending.of(agent.index())?.loans;
        let mut own = loans.iter().filter(|loan| loan.role == role);
        own.find(|loan| loan.offered.contains(resources)).map(|loan| loan.framework)
    }

    /// Launches of a framework were turned down, because what it was offered was gone.
    pub(crate) fn lose_launches(
        &mut self,
        framework: &[u8],
        launches: u32,
        now: Instant,
        effects: &mut Effects,
    ) {
        let Some(id) = self.frameworks.find(framework) else { return };
        // What came back of the offer was not refused, it was gone. What is left of it may be offered at once. Where
        // nothing is lent any more, what can be taken back is something else.
        let is_lent =
            |refused: &Holding| refused.items().iter().all(|item| self.kinds.traits(item.kind).revocable);
        for (role, slot) in self.lending.refused.remove(&id.slot()).unwrap_or_default() {
            let lends = self.agents.at(slot as usize).is_some_and(|agent| self.lends(agent));
            if lends
                && self.filters.drop_newer(((id.slot(), role), slot), self.lending.newest_filter, is_lent)
            {
                self.lending.mark(slot as usize);
            }
        }
        let terms = self.lending.policy.back_off;
        if let Some(until) = self.lending.waits.lost(id, launches, now, terms) {
            let waits = std::time::Duration::from_nanos(
                u64::try_from(until.nanos().saturating_sub(now.nanos())).unwrap_or_default(),
            );
            effects.notices.push(Notice::BacksOff { framework: framework.into(), waits });
        }
    }

    /// A framework is gone with all its loans.
    pub(crate) fn forget_loans_of(&mut self, framework: FrameworkId) {
        let (first, last) = ((framework, RoleId::new(0)), (framework, RoleId::new(u32::MAX)));
        let places = self.lending.places.range(first..=last);
        let places: Vec<_> = places
            .flat_map(|((_, role), agents)| agents.iter().map(|agent| (*role, *agent)))
            .filter_map(|(role, agent)| Some((role, self.agents.at(agent)?)))
            .collect();
        for (role, agent) in places {
            self.forget_loan((framework, role), agent);
        }
        self.lending.forget_framework(framework);
    }

    /// An agent is gone with all loans of it.
    pub(crate) fn forget_loans_on(&mut self, agent: AgentId) {
        let Some(lent) = self.lending.of(agent.index()) else { return };
        let holders: Vec<_> = lent.loans.iter().map(|loan| (loan.framework, loan.role)).collect();
        for holder in holders {
            self.forget_loan(holder, agent);
        }
        if let Some(lent) = self.lending.agents.get_mut(&agent.index()) {
            // Nothing is lent of it any more, so nothing is charged to anybody.
            lent.sources.clear();
            let absent = std::mem::take(&mut lent.absent);
            self.lending.count_absent(&BTreeMap::new(), &absent, &self.roles);
        }
        self.charge_lenders(agent);
        self.lending.forget_agent(agent.index());
    }

    fn forget_loan(&mut self, holder: (FrameworkId, RoleId), agent: AgentId) {
        let Some(loan) = self.lending.loan(holder.0, holder.1, agent.index()).cloned() else { return };
        self.unlend(holder, agent, &loan.offered, Part::Offered);
        self.unlend(holder, agent, &loan.used, Part::Used);
    }
}

impl Lending {
    fn forget_agent(&mut self, agent: usize) {
        let last = self.agents.remove(&agent);
        if let Some(ripe_at) = last.and_then(|lent| lent.ripe_at) {
            self.ripe_at.remove(&(ripe_at, agent));
        }
        self.open.remove(agent);
        self.held_back.remove(agent);
        self.dirty.remove(agent);
    }
}
