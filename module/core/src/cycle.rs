//! The allocation run: which agents are looked at, and who is offered what they have.
//!
//! A run has two stages over the same agents, each in an order of its own ([`crate::agent_order_key`]). The first serves
//! quota guarantees; the second gives everything else by fair share. What happens at one agent is in `visit.rs`. After
//! the offers, frameworks are asked to leave agents before their maintenance (`inverse_offers.rs`).
//!
//! Agents that were looked at in vain are *closed* until something changes that could find them a taker: something
//! about the agent ([`Allocator::touch`]), or about a framework. A framework that may take more than before is *woken*
//! ([`Allocator::wake`]): the next run over all agents asks it, and on closed agents nobody else. Where a limit or the
//! headroom had a part in it, the agent is *held back* until anything changes that counts for quotas
//! ([`Candidates::reopen_quota`]). That makes a run in which nothing can be offered cost almost nothing, and changes no
//! offer: what decides whether anybody may have an agent does not depend on shares.
//!
//! What a woken framework was offered of a closed agent mostly comes back soon, refused. Unless anything changed
//! meanwhile, everybody else has refused the same before: only those who were woken are asked again
//! ([`Allocator::give_back`]).

use std::collections::BTreeMap;

use crate::allocator::Allocator;
use crate::effect::{Effects, Headroom, Offer, RunSummary};
use crate::holding::Holding;
use crate::ids::{AgentId, FrameworkId, RoleId};
use crate::index_set::IndexSet;
use crate::notice::Notice;
use crate::options::{Instant, Order};
use crate::quota::QuotaBooks;
use crate::shuffle::{mix, run_key};
use crate::visit::{Grant, Stage, Turn, Visit};

/// A framework in one of its roles.
pub(crate) type Taker = (FrameworkId, RoleId);

/// With more frameworks woken than this, everyone is asked: to find out whose turn it is would cost more.
const FEW: usize = 16;

/// So many agents' records are read ahead: as many as the processor asks the memory for at once, and few enough that the
/// first is still at hand when the last was read.
const TOGETHER: usize = 16;

/// Who is asked about an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked<'a> {
    Everyone,
    /// Only these: nobody else would get anything.
    Only(&'a [Taker]),
}

/// For which agents a run was requested, and which of them are worth looking at.
#[derive(Debug, Clone, Default)]
pub(crate) struct Candidates {
    pending: IndexSet,
    all_pending: bool,
    queued: bool,
    batch: bool,
    /// Agents that somebody could be offered something of: those with anything that nobody holds.
    stocked: IndexSet,
    open: IndexSet,
    all_open: bool,
    /// Who has to be asked about closed agents too.
    woken: Vec<Taker>,
    /// Who was asked about closed agents last.
    woken_last: Vec<Taker>,
    /// How often anybody was woken, alone or with everyone.
    wakings: u64,
    /// Of the open agents those about which only `woken_last` have to be asked: they are as they were when they were
    /// closed, and nobody was woken since.
    given_back: IndexSet,
    /// Closed because of a quota.
    held_back: IndexSet,
    /// Something changed that counts for quotas.
    quota_changed: bool,
}

impl Candidates {
    /// Something about an agent changed, which has anything left or nothing.
    pub(crate) fn touch(&mut self, agent: usize, has_any: bool) {
        self.given_back.remove(agent);
        if has_any {
            self.stocked.insert(agent);
            self.open.insert(agent);
        } else {
            self.stocked.remove(agent);
            self.open.remove(agent);
        }
    }

    /// Whether nobody was woken since then.
    fn is_unchanged_since(&self, closed: &Closed) -> bool {
        closed.wakings == self.wakings
    }

    fn count_waking(&mut self) {
        self.wakings += 1;
        self.given_back.clear();
    }

    /// Any agent may be worth looking at.
    fn reopen_all(&mut self) {
        self.all_open = true;
        self.woken.clear();
        self.count_waking();
    }

    /// A framework may take what it did not so far.
    fn wake(&mut self, taker: Taker) {
        if self.all_open || self.is_woken(taker) {
            return;
        }
        self.woken.push(taker);
        self.count_waking();
        if self.woken.len() > FEW {
            self.reopen_all();
        }
    }

    fn is_woken(&self, taker: Taker) -> bool {
        self.woken.contains(&taker)
    }

    /// A framework is gone.
    pub(crate) fn forget_framework(&mut self, framework: FrameworkId) {
        self.woken.retain(|(woken, _)| *woken != framework);
    }

    /// Agents that a quota kept from being offered may be worth looking at.
    pub(crate) fn reopen_quota(&mut self) {
        self.quota_changed = true;
    }

    fn reopen_held_back(&mut self) {
        if std::mem::take(&mut self.quota_changed) {
            for agent in self.held_back.iter() {
                self.open.insert(agent);
            }
            self.held_back.clear();
        }
    }

    /// An agent is gone.
    pub(crate) fn forget(&mut self, agent: usize) {
        self.pending.remove(agent);
        self.stocked.remove(agent);
        self.open.remove(agent);
        self.given_back.remove(agent);
        self.held_back.remove(agent);
    }

    /// Whether somebody who is woken is asked about an agent.
    pub(crate) fn is_stocked(&self, agent: usize) -> bool {
        self.stocked.contains(agent)
    }

    /// Whether everyone will be asked about an agent, in the next run or when something changes that counts for quotas.
    pub(crate) fn is_open(&self, agent: usize) -> bool {
        let open = self.open.contains(agent) && !self.given_back.contains(agent);
        self.all_open || open || self.held_back.contains(agent)
    }

    /// Whether a framework will be asked about an agent that is not open.
    pub(crate) fn is_asked(&self, taker: Taker, agent: usize) -> bool {
        self.is_woken(taker) || self.given_back.contains(agent) && self.woken_last.contains(&taker)
    }
}

/// An agent as it was when it was offered to a framework that was woken: everybody else had refused that.
#[derive(Debug, Clone)]
pub(crate) struct Closed {
    /// What nobody held of it.
    available: Holding,
    wakings: u64,
}

/// An agent to be looked at in a run.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    agent: AgentId,
    /// Everyone is asked about it, not only those who are woken.
    is_open: bool,
}

/// What a run is about.
#[derive(Debug, Clone, Copy)]
struct Called<'a> {
    agents: &'a [Candidate],
    woken: &'a [Taker],
}

/// One run while it goes on.
#[derive(Debug)]
struct Run {
    number: u64,
    summary: RunSummary,
    /// Agents that gave something.
    gave: IndexSet,
    /// Agents where a quota took something away from an offer.
    cut: IndexSet,
    /// Agents where another run may take something else away.
    by_lot: IndexSet,
    /// Shared resources offered so far, by agent: they go to one framework per run only.
    shared_given: BTreeMap<AgentId, Holding>,
    /// Where the offers of the first stage begin among all, by slot of their agent: what the second adds for the same
    /// framework and role belongs to the same offer. Those of one agent stand together.
    offered: Vec<Option<u32>>,
}

impl Run {
    /// Notes where an offer of the first stage is.
    fn note_offer(&mut self, agent: AgentId, at: usize) {
        if self.offered.len() <= agent.index() {
            self.offered.resize(agent.index() + 1, None);
        }
        self.offered[agent.index()].get_or_insert(u32::try_from(at).unwrap_or(u32::MAX));
    }

    /// The offer that the first stage made of an agent to a framework in a role.
    fn earlier_offer<'o>(
        &self,
        offers: &'o mut [Offer],
        agent: AgentId,
        taker: Taker,
    ) -> Option<&'o mut Offer> {
        let first = *self.offered.get(agent.index())?.as_ref()?;
        let mut own = offers[first as usize..].iter_mut().take_while(|offer| offer.agent == agent);
        own.find(|offer| (offer.framework, offer.role) == taker)
    }
}

impl Allocator {
    /// Requests a run over one agent; ignored while paused.
    pub(crate) fn request_run(&mut self, agent: AgentId, effects: &mut Effects) {
        if !self.paused {
            self.candidates.pending.insert(agent.index());
            self.queue_run(effects);
        }
    }

    /// A framework may take what it did not so far, whatever of it was offered to others in vain.
    pub(crate) fn wake(&mut self, framework: FrameworkId) {
        if self.options.order == Order::Random {
            // Who is next is drawn anew for each agent, and takes all lots.
            self.candidates.reopen_all();
            return;
        }
        // Who takes no offers is woken when that changes.
        let record = self.frameworks.get(framework);
        for role in record.subscribed().filter(|role| record.takes_offers_in(*role)) {
            self.candidates.wake((framework, role));
        }
    }

    /// Requests a run over all agents, because a framework may take what nobody wanted so far; ignored while paused,
    /// except that the framework is asked in the next run.
    pub(crate) fn request_run_for(&mut self, framework: FrameworkId, effects: &mut Effects) {
        self.wake(framework);
        if !self.paused {
            self.candidates.all_pending = true;
            self.queue_run(effects);
        }
    }

    fn queue_run(&mut self, effects: &mut Effects) {
        if !self.candidates.queued {
            self.candidates.queued = true;
            effects.cycle_requested = true;
        }
    }

    /// The allocation interval has passed: filters end, and all agents become candidates.
    pub(crate) fn pass_interval(&mut self, now: Instant, effects: &mut Effects) {
        self.expire_filters(now);
        if !self.paused {
            self.candidates.all_pending = true;
            self.candidates.batch = true;
            self.queue_run(effects);
        }
    }

    fn expire_filters(&mut self, now: Instant) {
        for slot in self.filters.expire(now, self.batches) {
            if let Some(agent) = self.agents.at(slot as usize) {
                self.touch(agent);
            }
        }
    }

    /// One allocation run. While paused nothing happens and the candidates wait.
    pub(crate) fn run_cycle(&mut self, now: Instant, effects: &mut Effects) {
        self.candidates.queued = false;
        if self.paused {
            return;
        }
        self.expire_filters(now);
        self.runs += 1;
        let to_maintain = self.candidates_with_maintenance();
        let agents = self.take_candidates();
        let woken = std::mem::take(&mut self.candidates.woken_last);
        let called = Called { agents: &agents, woken: &woken };
        let mut run = Run {
            number: self.runs,
            summary: RunSummary { run: self.runs, ..RunSummary::default() },
            gave: IndexSet::default(),
            cut: IndexSet::default(),
            by_lot: IndexSet::default(),
            shared_given: BTreeMap::new(),
            offered: Vec::new(),
        };
        if !agents.is_empty() {
            effects.offers.reserve(agents.len());
            let mut books = self.open_quota_books();
            let (required, available) = books.headroom();
            let (required, available) = (self.amounts(required), self.amounts(available));
            if books.any_lacks() {
                self.run_stage(Stage::Guarantees, called, &mut books, &mut run, effects);
            }
            self.run_stage(Stage::FairShare, called, &mut books, &mut run, effects);
            self.close(&agents, &run);
            if !books.is_idle() {
                let still_required = self.amounts(books.headroom().0);
                effects.headroom = Some(Headroom { required, available, still_required });
            }
        }
        self.candidates.woken_last = woken;
        self.run_lending(&mut run.summary, now, effects);
        self.make_inverse_offers(&to_maintain, now, effects);
        if std::mem::take(&mut self.candidates.batch) {
            self.batches += 1;
        }
        run.summary.agents_visited = u32::try_from(agents.len()).unwrap_or(u32::MAX);
        run.summary.offers = u32::try_from(effects.offers.len()).unwrap_or(u32::MAX);
        effects.run = Some(run.summary);
    }

    /// The candidates that have a maintenance window, whether there is anything to offer of them or not.
    fn candidates_with_maintenance(&self) -> Vec<AgentId> {
        let Candidates { pending, all_pending, .. } = &self.candidates;
        let slots = self.maintained.iter().filter(|slot| *all_pending || pending.contains(*slot));
        slots.filter_map(|slot| self.agents.at(slot)).collect()
    }

    /// The agents to look at in this run, in slot order; the candidates start anew. Who has to be asked about those that
    /// are not open is in `woken_last`.
    fn take_candidates(&mut self) -> Vec<Candidate> {
        if std::mem::take(&mut self.candidates.all_open) {
            self.candidates.open.clone_from(&self.candidates.stocked);
        }
        self.candidates.reopen_held_back();
        let all = std::mem::take(&mut self.candidates.all_pending);
        let Candidates { pending, open, woken, woken_last, given_back, stocked, .. } = &mut self.candidates;
        let is_pending = |slot: usize| all || pending.contains(slot);
        let may_be_offered = |agent: AgentId| {
            let record = self.agents.get(agent);
            record.active && record.whitelisted
        };
        let candidate = |agent, is_open| Candidate { agent, is_open };
        let mut agents = Vec::new();
        if woken.is_empty() {
            let slots = open.iter().filter(|slot| is_pending(*slot));
            let looked_at = slots.filter_map(|slot| self.agents.at(slot));
            let looked_at = looked_at.filter(|agent| may_be_offered(*agent));
            agents.extend(looked_at.map(|agent| candidate(agent, !given_back.contains(agent.index()))));
        } else {
            woken_last.clone_from(woken);
            let slots = stocked.iter().filter(|slot| is_pending(*slot));
            for agent in slots.filter_map(|slot| self.agents.at(slot)) {
                if may_be_offered(agent) {
                    let is_open = open.contains(agent.index()) && !given_back.contains(agent.index());
                    agents.push(candidate(agent, is_open));
                } else if all {
                    // Nobody asks those who are woken about it now, so everyone is asked when it is there again.
                    open.insert(agent.index());
                }
            }
        }
        pending.clear();
        // Those about which nobody asked yet may still be worth it.
        if all {
            woken.clear();
        }
        agents
    }

    /// Looks at all agents in the order of the stage.
    fn run_stage(
        &mut self,
        stage: Stage,
        called: Called<'_>,
        books: &mut QuotaBooks,
        run: &mut Run,
        effects: &mut Effects,
    ) {
        let run_key = run_key(self.options.seed, run.number, stage as u8);
        let key = |agent: AgentId| mix(self.agents.order_key(agent) ^ run_key);
        let keyed = called.agents.iter().map(|candidate| (key(candidate.agent), *candidate));
        let mut keyed: Vec<(u64, Candidate)> = keyed.collect();
        keyed.sort_unstable_by_key(|(key, _)| *key);
        if !keyed.is_sorted_by(|(left, _), (right, _)| left < right) {
            // Equal keys are next to impossible, but must not make the order depend on slots.
            keyed.sort_unstable_by(|(left_key, left), (right_key, right)| {
                let names = || self.agents.get(left.agent).name.cmp(&self.agents.get(right.agent).name);
                left_key.cmp(right_key).then_with(names)
            });
        }
        for together in keyed.chunks(TOGETHER) {
            self.agents.read_ahead(together.iter().map(|(_, candidate)| candidate.agent));
            for (key, candidate) in together {
                if stage == Stage::Guarantees && !books.any_lacks() {
                    return;
                }
                self.look_at_candidate(stage, (*key, *candidate), called.woken, books, run, effects);
            }
        }
    }

    /// Looks at one agent, and offers what is found to be due.
    fn look_at_candidate(
        &mut self,
        stage: Stage,
        (key, Candidate { agent, is_open }): (u64, Candidate),
        woken: &[Taker],
        books: &mut QuotaBooks,
        run: &mut Run,
        effects: &mut Effects,
    ) {
        let asked = if is_open { Asked::Everyone } else { Asked::Only(woken) };
        let turn = Turn { agent, asked, stage, key, shared_given: run.shared_given.get(&agent) };
        let visit = self.visit(&turn, books);
        run.summary.filtered += visit.filtered;
        if visit.cuts.any {
            run.cut.insert(agent.index());
        }
        if visit.cuts.by_lot {
            run.by_lot.insert(agent.index());
        }
        self.warn_about(agent, &visit, effects);
        // One that was given something already is not as it was when it was closed.
        let may_be_as_before = !is_open && !visit.grants.is_empty() && !run.gave.contains(agent.index());
        let closed = may_be_as_before.then(|| self.agents.get(agent).available.clone());
        for grant in visit.grants {
            self.make_offer(agent, stage, grant, run, effects);
        }
        if let Some(available) = closed {
            self.remember_closed(agent, available);
        }
    }

    /// An agent about which only those who are woken were asked was offered.
    fn remember_closed(&mut self, agent: AgentId, available: Holding) {
        // Whom a limit kept from it has not refused it.
        if !self.candidates.held_back.contains(agent.index()) {
            let wakings = self.candidates.wakings;
            self.agents.get_mut(agent).closed = Some(Closed { available, wakings });
        }
    }

    /// Less of an agent is held than before; nothing else about it changed.
    pub(crate) fn give_back(&mut self, agent: AgentId) {
        let record = self.agents.get_mut(agent);
        let closed = record.closed.take();
        self.touch(agent);
        let Some(closed) = closed.filter(|closed| self.candidates.is_unchanged_since(closed)) else { return };
        let record = self.agents.get_mut(agent);
        if closed.available == record.available {
            self.candidates.given_back.insert(agent.index());
        }
        record.closed = Some(closed);
    }

    fn make_offer(
        &mut self,
        agent: AgentId,
        stage: Stage,
        grant: Grant,
        run: &mut Run,
        effects: &mut Effects,
    ) {
        let Grant { framework, role, resources, why } = grant;
        self.hold(framework, role, agent, &resources, true);
        self.touch(agent);
        run.gave.insert(agent.index());
        if resources.items().iter().any(|item| item.kind.is_shared()) {
            let shared = resources.filtered(|item| item.kind.is_shared());
            run.shared_given.entry(agent).or_default().add(&shared);
        }
        if stage == Stage::Guarantees {
            run.note_offer(agent, effects.offers.len());
        } else if let Some(earlier) = run.earlier_offer(&mut effects.offers, agent, (framework, role)) {
            earlier.resources.add(&resources);
            return;
        }
        effects.offers.push(Offer { framework, role, agent, resources, why });
    }

    /// Agents that were looked at in vain need not be looked at again until something changes; where a quota took
    /// something away, that can be anything that counts for quotas. Where a lot decided what, the next run is reason
    /// enough.
    fn close(&mut self, agents: &[Candidate], run: &Run) {
        for agent in agents.iter().map(|candidate| candidate.agent.index()) {
            if run.gave.contains(agent) {
                continue;
            }
            if run.by_lot.contains(agent) {
                self.candidates.open.insert(agent);
                continue;
            }
            self.candidates.open.remove(agent);
            self.candidates.given_back.remove(agent);
            if run.cut.contains(agent) {
                self.candidates.held_back.insert(agent);
            }
        }
    }

    /// Once per agent is enough: the reason does not go away by itself.
    fn warn_about(&mut self, agent: AgentId, visit: &Visit, effects: &mut Effects) {
        let record = self.agents.get_mut(agent);
        if record.warned || !(visit.lacks_multi_role || visit.lacks_hierarchical_role) {
            return;
        }
        record.warned = true;
        let agent = || record.name.clone();
        effects.notices.push(if visit.lacks_multi_role {
            Notice::AgentLacksMultiRole { agent: agent() }
        } else {
            Notice::AgentLacksHierarchicalRole { agent: agent() }
        });
    }
}
