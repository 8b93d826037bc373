//! The allocation run: which agents are looked at, and who is offered what they have.
//!
//! A run has two stages over the same agents. The first serves quota guarantees; the second gives everything else by
//! fair share: for each agent, role by role and framework by framework, the first that may have it gets all of what
//! the role may have. Quotas are recorded but not enforced yet, so the first stage has nothing to do and is left out.
//!
//! Agents that were looked at in vain are *closed* until something changes that could find them a taker: something
//! about the agent ([`Allocator::touch`]), or about any framework ([`Candidates::reopen_all`]). That makes a run in
//! which nothing can be offered cost almost nothing, and changes no offer: what decides whether anybody may have
//! an agent does not depend on shares.

use crate::allocator::Allocator;
use crate::effect::{Effects, Notice, Offer, RunSummary, Why};
use crate::eligibility::{Answer, Eligibility};
use crate::holding::Holding;
use crate::ids::{AgentId, FrameworkId, RoleId};
use crate::index_set::IndexSet;
use crate::options::Instant;
use crate::shuffle::shuffle;

/// For which agents a run was requested, and which of them are worth looking at.
#[derive(Debug, Clone, Default)]
pub(crate) struct Candidates {
    pending: IndexSet,
    all_pending: bool,
    queued: bool,
    batch: bool,
    open: IndexSet,
    all_open: bool,
}

impl Candidates {
    /// An agent is worth looking at.
    pub(crate) fn open(&mut self, agent: usize) {
        self.open.insert(agent);
    }

    /// An agent is not worth looking at.
    pub(crate) fn close(&mut self, agent: usize) {
        self.open.remove(agent);
    }

    /// Any agent may be worth looking at.
    pub(crate) fn reopen_all(&mut self) {
        self.all_open = true;
    }

    /// An agent is gone.
    pub(crate) fn forget(&mut self, agent: usize) {
        self.pending.remove(agent);
        self.open.remove(agent);
    }

    /// Whether an agent would be looked at.
    pub(crate) fn is_open(&self, agent: usize) -> bool {
        self.all_open || self.open.contains(agent)
    }
}

/// What one agent gives to one framework.
#[derive(Debug)]
struct Grant {
    framework: FrameworkId,
    role: RoleId,
    resources: Holding,
    why: Why,
}

/// What looking at one agent led to.
#[derive(Debug, Default)]
struct Visit {
    grants: Vec<Grant>,
    filtered: u32,
    /// Some framework got nothing because the agent lacks MULTI_ROLE or HIERARCHICAL_ROLE.
    lacks_multi_role: bool,
    lacks_hierarchical_role: bool,
}

impl Visit {
    /// Counts why a framework got nothing.
    fn count(&mut self, answer: &Answer) {
        match answer {
            Answer::Offer(_) | Answer::Nothing => return,
            Answer::Refused => {}
            Answer::AgentLacksMultiRole => self.lacks_multi_role = true,
            Answer::AgentLacksHierarchicalRole => self.lacks_hierarchical_role = true,
        }
        self.filtered += 1;
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

    /// Requests a run over all agents, because a framework may take what nobody wanted so far; ignored while paused,
    /// except that the next run looks at everything.
    pub(crate) fn request_run_over_all(&mut self, effects: &mut Effects) {
        self.candidates.reopen_all();
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
        let mut summary = RunSummary { run: self.runs, ..RunSummary::default() };
        let mut agents = self.take_candidates();
        shuffle(&mut agents, self.options.seed, self.runs);
        self.fair_share_stage(&agents, &mut summary, effects);
        if std::mem::take(&mut self.candidates.batch) {
            self.batches += 1;
        }
        effects.run = Some(summary);
    }

    /// The agents to look at in this run, in slot order; the candidates start anew.
    fn take_candidates(&mut self) -> Vec<AgentId> {
        if std::mem::take(&mut self.candidates.all_open) {
            let worth = self.agents.ids().filter(|agent| !self.agents.get(*agent).available.is_empty());
            for agent in worth {
                self.candidates.open.insert(agent.index());
            }
        }
        let all = std::mem::take(&mut self.candidates.all_pending);
        let Candidates { pending, open, .. } = &mut self.candidates;
        let candidates = open.iter().filter(|slot| all || pending.contains(*slot));
        let agents = candidates.filter_map(|slot| self.agents.at(slot)).filter(|agent| {
            let record = self.agents.get(*agent);
            record.active && record.whitelisted
        });
        let agents = agents.collect();
        pending.clear();
        agents
    }

    /// Everything by fair share.
    fn fair_share_stage(&mut self, agents: &[AgentId], summary: &mut RunSummary, effects: &mut Effects) {
        for agent in agents {
            let visit = self.visit(*agent);
            summary.agents_visited += 1;
            summary.filtered += visit.filtered;
            self.warn_about(*agent, &visit, effects);
            if visit.grants.is_empty() {
                self.candidates.close(agent.index());
            }
            for grant in visit.grants {
                summary.offers += 1;
                self.make_offer(*agent, grant, effects);
            }
        }
    }

    fn make_offer(&mut self, agent: AgentId, grant: Grant, effects: &mut Effects) {
        let Grant { framework, role, resources, why } = grant;
        self.hold(framework, role, agent, &resources, true);
        self.touch(agent);
        effects.offers.push(Offer { framework, role, agent, resources, why });
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

    /// Decides who gets what of an agent, without booking it: the orders are those from before.
    fn visit(&mut self, id: AgentId) -> Visit {
        let Self { role_sorter, framework_sorters, roles, kinds, agents, frameworks, filters, pool, .. } =
            self;
        let agent = agents.get(id);
        let (min_allocatable, filter_gpus) = (&self.min_allocatable, self.options.filter_gpu_resources);
        let eligibility = Eligibility { id, agent, roles, kinds, filters, min_allocatable, filter_gpus };
        let mut visit = Visit::default();
        let mut left = agent.available.clone();
        role_sorter.sort(pool);
        for (role_position, turn) in (1_u32..).zip(role_sorter.turns()) {
            if left.is_empty() {
                break;
            }
            let role = RoleId::new(turn);
            let sorter = framework_sorters.get_mut(role.index()).and_then(Option::as_mut);
            let Some(sorter) = sorter.filter(|sorter| sorter.active_len() > 0) else { continue };
            sorter.sort(pool);
            let mut part = eligibility.part_for_role(&left, role);
            for (framework_position, turn) in (1_u32..).zip(sorter.turns()) {
                if part.is_empty() {
                    break;
                }
                let Some(framework) = frameworks.at(turn) else { continue };
                let answer = eligibility.ask(&part, framework, frameworks.get(framework), role);
                let Answer::Offer(resources) = answer else {
                    visit.count(&answer);
                    continue;
                };
                let (role_share, role_weight) = role_sorter.standing(role.slot());
                let why = Why {
                    role_share,
                    role_weight,
                    role_position,
                    roles: role_sorter.active_len(),
                    framework_share: sorter.standing(framework.slot()).0,
                    framework_position,
                    frameworks: sorter.active_len(),
                };
                part.subtract(&resources);
                left.subtract(&resources);
                visit.grants.push(Grant { framework, role, resources, why });
            }
        }
        visit
    }

    /// Whether any framework could be offered anything of an agent now. Slow; derived without the orders.
    pub(crate) fn could_offer(&self, id: AgentId) -> bool {
        let eligibility = Eligibility {
            id,
            agent: self.agents.get(id),
            roles: &self.roles,
            kinds: &self.kinds,
            filters: &self.filters,
            min_allocatable: &self.min_allocatable,
            filter_gpus: self.options.filter_gpu_resources,
        };
        let agent = eligibility.agent;
        let could = |framework_id: FrameworkId| {
            let framework = self.frameworks.get(framework_id);
            framework.subscribed().filter(|role| framework.takes_offers_in(*role)).any(|role| {
                let part = eligibility.part_for_role(&agent.available, role);
                matches!(eligibility.ask(&part, framework_id, framework, role), Answer::Offer(_))
            })
        };
        agent.active && agent.whitelisted && self.frameworks.ids().any(could)
    }
}
