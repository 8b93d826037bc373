//! One run: guarantees first, then everything else, then inverse offers.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use apportion_core::{FrameworkCapabilities, Instant, Minimum, Unavailability, agent_order_key};

use super::sums::{OnAgent, Sums};
use super::{Framework, Oracle, Order, Refusal};
use crate::Name;
use crate::quantities::{Limits, Quantities, cut_to_limits, cut_to_quantities};
use crate::resources::{Resources, is_below, is_nested, is_scalar, is_under_quota, reserved_to};

/// Offers of one run: framework, role and agent, and what.
pub type Offers = BTreeMap<(Name, Name, Name), Resources>;

/// Inverse offers of one run: framework and agent, and when the agent is unavailable.
pub type InverseOffers = BTreeMap<(Name, Name), Unavailability>;

/// What guarantees that are not met keep from everyone else in a run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Headroom {
    /// What they lacked before the run.
    pub required: Quantities,
    /// What was free for them before the run; empty if nothing was lacking.
    pub available: Quantities,
    /// What they lacked after it.
    pub still_required: Quantities,
}

/// What one run keeps while it goes on.
pub(super) struct Run<'a> {
    oracle: &'a mut Oracle,
    now: Instant,
    number: u64,
    stage: u8,
    /// Consumption of roles with a quota: as it was when the run began, and what the run added.
    consumed: BTreeMap<Name, Quantities>,
    required_headroom: Quantities,
    available_headroom: Quantities,
    /// Shared resources this run has offered, agent by agent.
    shared_offered: BTreeMap<Name, Resources>,
    offers: Offers,
    /// What is held: as the books were when the run began, and what the run added.
    sums: Sums,
    /// Orders that hold until somebody in them is given something.
    orders: Orders,
}

/// The turns of roles, and of the frameworks of each role, as they were last worked out.
#[derive(Default)]
struct Orders {
    roles: Option<Rc<[Name]>>,
    frameworks: BTreeMap<Name, Rc<[Name]>>,
}

/// What a framework could be offered of an agent in a role, and the parts that are treated differently.
struct Candidate {
    /// Everything, without what the framework cannot handle.
    resources: Resources,
    /// The part that quota and headroom speak of.
    under_quota: Resources,
}

impl<'a> Run<'a> {
    /// Prepares a run with the books as they are.
    pub(super) fn new(oracle: &'a mut Oracle, now: Instant, number: u64) -> Run<'a> {
        let consumed: BTreeMap<Name, Quantities> =
            oracle.quotas.keys().map(|role| (role.clone(), oracle.consumed(role))).collect();
        let top_level = oracle.quotas.iter().filter(|(role, _)| !is_nested(role));
        let required_headroom = top_level.fold(Quantities::default(), |sum, (role, quota)| {
            sum.plus(&Quantities::of(&quota.guarantees).minus(&consumed[role]))
        });
        let available_headroom = oracle.agents.keys().fold(Quantities::default(), |sum, agent| {
            let free = oracle.available(agent).only(|kind| is_under_quota(&oracle.kinds[&kind]));
            sum.plus(&free.quantities(&oracle.kinds))
        });
        oracle.check_places();
        let sums = oracle.sums();
        Run {
            oracle,
            now,
            number,
            stage: 1,
            consumed,
            required_headroom,
            available_headroom,
            shared_offered: BTreeMap::new(),
            offers: Offers::new(),
            sums,
            orders: Orders::default(),
        }
    }

    /// Makes the offers for these agents.
    pub(super) fn offers(mut self, candidates: &BTreeSet<Name>) -> (Offers, Headroom) {
        let usable = candidates.iter().filter(|agent| self.oracle.may_be_offered(agent));
        let agents: Vec<Name> = usable.cloned().collect();
        let required = self.required_headroom.clone();
        let nothing_required = required.is_empty();
        let available = self.available_headroom.clone();
        let available = if nothing_required { Quantities::default() } else { available };
        for agent in self.shuffled(&agents) {
            self.guarantee(&agent);
        }
        self.stage = 2;
        for agent in self.shuffled(&agents) {
            self.offer_the_rest(&agent);
        }
        assert_eq!(self.sums, self.oracle.sums(), "what a run adds up is what the books say");
        let still_required = self.required_headroom;
        (self.offers, Headroom { required, available, still_required })
    }

    /// The place of an agent in this stage of the run.
    fn place(&self, agent: &Name) -> u64 {
        agent_order_key(self.oracle.options.seed, self.number, self.stage, agent)
    }

    fn shuffled(&self, agents: &[Name]) -> Vec<Name> {
        let mut order = agents.to_vec();
        order.sort_by_key(|agent| (self.place(agent), agent.clone()));
        order
    }

    /// Roles in the order of their turn on an agent.
    fn role_order(&mut self, agent: &Name) -> Rc<[Name]> {
        if let Some(order) = &self.orders.roles {
            return Rc::clone(order);
        }
        let order: Rc<[Name]> = self.oracle.role_order(&self.sums, self.place(agent)).into();
        // Lots are drawn for each agent anew.
        if self.oracle.options.order == Order::DominantShare {
            self.orders.roles = Some(Rc::clone(&order));
        }
        order
    }

    /// Frameworks of a role in the order of their turn on an agent.
    fn framework_order(&mut self, role: &Name, agent: &Name) -> Rc<[Name]> {
        if let Some(order) = self.orders.frameworks.get(role) {
            return Rc::clone(order);
        }
        let order: Rc<[Name]> = self.oracle.framework_order(&self.sums, role, self.place(agent)).into();
        if self.oracle.options.order == Order::DominantShare {
            self.orders.frameworks.insert(role.clone(), Rc::clone(&order));
        }
        order
    }

    /// What of an agent nobody holds, with what is shared once, unless this run has offered it.
    fn free(&self, agent: &Name) -> Resources {
        let offered = self.shared_offered.get(agent).cloned().unwrap_or_default();
        self.oracle.available(agent).shared_once().minus(&offered)
    }

    /// The first stage: roles get what they are guaranteed.
    fn guarantee(&mut self, agent: &Name) {
        let mut free = self.free(agent);
        for role in self.role_order(agent).iter() {
            let Some(quota) = self.oracle.quotas.get(role).cloned() else { continue };
            let guarantees = Quantities::of(&quota.guarantees);
            if guarantees.is_empty() {
                continue;
            }
            if self.oracle.available(agent).is_empty() {
                return;
            }
            let mut unsatisfied = guarantees.minus(&self.consumed[role]);
            for framework in self.framework_order(role, agent).iter() {
                if unsatisfied.is_empty() {
                    break;
                }
                let Some(candidate) = self.candidate(framework, role, agent, &free) else { continue };
                let guaranteed = self.guaranteed(agent, role, &candidate.under_quota, &unsatisfied);
                if guaranteed.is_empty() {
                    continue;
                }
                let own_or_uncounted = candidate.resources.only(|kind| {
                    let kind = &self.oracle.kinds[&kind];
                    reserved_to(kind) == Some(role.as_slice()) || !is_scalar(kind) || kind.revocable
                });
                let guaranteed_amounts = guaranteed.quantities(&self.oracle.kinds);
                let used = self.consumed[role].plus(&guaranteed_amounts);
                let additional = candidate.under_quota.minus(&guaranteed);
                let additional = self.within_limits(agent, additional, &Limits::of(&quota.limits), &used);
                // What is kept for a role at the top goes down with what it gets, so the rest of the surplus is the same.
                let from_surplus = if is_nested(role) { &guaranteed_amounts } else { &Quantities::default() };
                let additional = self.within_headroom(agent, additional, from_surplus);
                let offer = own_or_uncounted.plus(&guaranteed).plus(&additional);
                if !self.goes_out(framework, role, agent, &offer) {
                    continue;
                }
                let charged = guaranteed_amounts.plus(&additional.quantities(&self.oracle.kinds));
                self.record(framework, role, agent, &offer);
                free = self.free(agent);
                unsatisfied = unsatisfied.minus(&charged);
                self.charge(role, &charged);
                if !is_nested(role) {
                    self.required_headroom = self.required_headroom.minus(&guaranteed_amounts);
                }
            }
        }
    }

    /// The second stage: everything else, as far as limits and guarantees of others allow.
    fn offer_the_rest(&mut self, agent: &Name) {
        let mut free = self.free(agent);
        for role in self.role_order(agent).iter() {
            if free.is_empty() {
                return;
            }
            let quota = self.oracle.quotas.get(role).cloned();
            for framework in self.framework_order(role, agent).iter() {
                let Some(candidate) = self.candidate(framework, role, agent, &free) else { continue };
                let uncounted = candidate.resources.minus(&candidate.under_quota);
                let mut additional = candidate.under_quota.clone();
                if let Some(quota) = &quota {
                    additional = self.within_limits(
                        agent,
                        additional,
                        &Limits::of(&quota.limits),
                        &self.consumed[role],
                    );
                }
                let additional = self.within_headroom(agent, additional, &Quantities::default());
                let offer = uncounted.plus(&additional);
                if !self.goes_out(framework, role, agent, &offer) {
                    continue;
                }
                self.record(framework, role, agent, &offer);
                free = self.free(agent);
                let charged = additional.quantities(&self.oracle.kinds);
                if quota.is_some() {
                    self.charge(role, &charged);
                } else {
                    self.available_headroom = self.available_headroom.minus(&charged);
                }
            }
        }
    }

    /// What of these resources serves a guarantee. A role inside another has no part in what is kept for roles at the
    /// top: its guarantee is served from what is left beyond that.
    fn guaranteed(
        &self,
        agent: &Name,
        role: &Name,
        under_quota: &Resources,
        unsatisfied: &Quantities,
    ) -> Resources {
        let due = cut_to_quantities(under_quota, unsatisfied, &self.oracle.kinds, self.place(agent));
        if is_nested(role) { self.within_headroom(agent, due, &Quantities::default()) } else { due }
    }

    fn within_limits(
        &self,
        agent: &Name,
        resources: Resources,
        limits: &Limits,
        used: &Quantities,
    ) -> Resources {
        if limits.is_empty() {
            return resources;
        }
        cut_to_limits(&resources, &limits.minus(used), &self.oracle.kinds, self.place(agent))
    }

    /// The part that is left beyond what is kept for guarantees, of which `taken` is about to be given away.
    fn within_headroom(&self, agent: &Name, resources: Resources, taken: &Quantities) -> Resources {
        if self.required_headroom.is_empty() {
            return resources;
        }
        let surplus = self.available_headroom.minus(&self.required_headroom).minus(taken);
        cut_to_quantities(&resources, &surplus, &self.oracle.kinds, self.place(agent))
    }

    /// The role, and what is above it, has consumed so much more, and so much less is free.
    fn charge(&mut self, role: &[u8], amounts: &Quantities) {
        for (charged, consumed) in &mut self.consumed {
            if charged == role || is_below(role, charged) {
                *consumed = consumed.plus(amounts);
            }
        }
        self.available_headroom = self.available_headroom.minus(amounts);
    }

    /// What of what is free may be offered, before quota; nothing if the agent is not for this framework and role.
    fn candidate(&self, framework: &Name, role: &Name, agent: &Name, free: &Resources) -> Option<Candidate> {
        let oracle = &*self.oracle;
        if oracle.is_excluded(framework, role, agent) {
            return None;
        }
        let available = free.only(|kind| {
            reserved_to(&oracle.kinds[&kind]).is_none_or(|to| to == role.as_slice() || is_below(role, to))
        });
        let framework = &oracle.frameworks[framework];
        if !self.is_enough(framework, role, &available) || !oracle.fits_agent(framework.capabilities, agent) {
            return None;
        }
        let can = framework.capabilities;
        let resources = available.only(|kind| {
            let kind = &oracle.kinds[&kind];
            (can.shared_resources || !kind.shared)
                && (can.revocable_resources || !kind.revocable)
                && (can.reservation_refinement || kind.reservations.len() < 2)
        });
        let under_quota = resources.only(|kind| is_under_quota(&oracle.kinds[&kind]));
        Some(Candidate { resources, under_quota })
    }

    /// Whether an offer is worth making: not empty, and at least one of the least offers.
    fn is_enough(&self, framework: &Framework, role: &Name, resources: &Resources) -> bool {
        if resources.is_empty() {
            return false;
        }
        let alternatives = framework.minimum.get(role).unwrap_or(&self.oracle.options.min_allocatable);
        let there = resources.counts(&self.oracle.kinds);
        let met = |minimum: &Minimum| there.contains(&Quantities::of(&minimum.amounts));
        alternatives.is_empty() || alternatives.iter().any(met)
    }

    /// Whether nothing speaks against the finished offer: it is enough, and neither the agent's capabilities nor an
    /// earlier refusal forbid it.
    fn goes_out(&self, framework: &Name, role: &Name, agent: &Name, offer: &Resources) -> bool {
        let known = &self.oracle.frameworks[framework];
        self.is_enough(known, role, offer)
            && self.oracle.serves(known.capabilities, role, agent)
            && !known
                .refusals_of(role, agent)
                .iter()
                .any(|refusal| !refusal.is_over(self.now) && refusal.refused.contains(offer))
    }

    /// The offer is made: held by the framework from now on.
    fn record(&mut self, framework: &Name, role: &Name, agent: &Name, offer: &Resources) {
        let key = (framework.clone(), role.clone(), agent.clone());
        self.offers.entry(key).or_default().add(offer);
        let shared = offer.only(|kind| self.oracle.kinds[&kind].shared);
        self.shared_offered.entry(agent.clone()).or_default().add(&shared);
        let before = self.held(framework, role, agent);
        self.oracle.hold(agent, framework, Some(role), offer);
        let after = self.held(framework, role, agent);
        self.sums.grow(role, framework, &before, &after);
        self.oracle.clients.count(role, framework);
        self.orders.roles = None;
        self.orders.frameworks.remove(role);
    }

    /// What a role, and a framework in it, hold on an agent.
    fn held(&self, framework: &Name, role: &Name, agent: &Name) -> OnAgent {
        let oracle = &*self.oracle;
        OnAgent {
            by_role: oracle.held_on(&oracle.agents[agent], role).quantities(&oracle.kinds),
            by_framework: oracle.held_by(agent, framework, role),
        }
    }
}

impl Framework {
    /// What it refuses of an agent in a role.
    fn refusals_of(&self, role: &Name, agent: &Name) -> &[Refusal] {
        self.refusals.get(&(role.clone(), agent.clone())).map_or(&[], Vec::as_slice)
    }
}

impl Oracle {
    /// Whether an agent may be offered to anybody.
    fn may_be_offered(&self, agent: &Name) -> bool {
        let agent = &self.agents[agent];
        agent.active && self.whitelist.as_ref().is_none_or(|hosts| hosts.contains(&agent.hostname))
    }

    /// Whether constraints keep an agent from a framework in a role.
    fn is_excluded(&self, framework: &Name, role: &Name, agent: &Name) -> bool {
        let excluded = self.excluded.get(agent).filter(|excluded| !excluded.is_empty());
        excluded.is_some_and(|excluded| excluded.contains(&(framework.clone(), role.clone())))
    }

    /// Whether a framework with these capabilities may use the agent at all.
    fn fits_agent(&self, can: FrameworkCapabilities, agent: &Name) -> bool {
        let has_gpus = self.agents[agent].total.quantities(&self.kinds).get(b"gpus") > 0;
        let region = self.agents[agent].region.as_deref();
        let is_remote = region.is_some() && region != self.options.region.as_deref();
        (can.gpu_resources || !self.options.filter_gpu_resources || !has_gpus)
            && (can.region_aware || !is_remote)
    }

    /// Whether an agent can serve a framework with these capabilities in a role.
    fn serves(&self, can: FrameworkCapabilities, role: &Name, agent: &Name) -> bool {
        let serves = self.agents[agent].capabilities;
        (serves.multi_role || !can.multi_role) && (serves.hierarchical_role || !role.contains(&b'/'))
    }

    /// Framework, role and agent of which the framework refuses something now.
    pub(crate) fn refused(&self, now: Instant) -> BTreeSet<(Name, Name, Name)> {
        let refusals = self.frameworks.iter().flat_map(|(name, framework)| {
            let counts = move |refusals: &[Refusal]| refusals.iter().any(|refusal| !refusal.is_over(now));
            let pending = framework.refusals.iter().filter(move |(_, refusals)| counts(refusals));
            pending.map(|((role, agent), _)| (name.clone(), role.clone(), agent.clone()))
        });
        refusals.collect()
    }

    /// A framework that would take whatever of an agent is offered in a role, if there is one. `refused` names those
    /// that refuse something.
    pub(crate) fn one_without_obstacle(
        &self,
        role: &Name,
        agent: &Name,
        refused: &BTreeSet<(Name, Name, Name)>,
    ) -> Option<Name> {
        let mut willing = self.takers(role).filter(|name| {
            let framework = &self.frameworks[*name];
            let minimum = framework.minimum.get(role).unwrap_or(&self.options.min_allocatable);
            let place = ((*name).clone(), role.clone(), agent.clone());
            minimum.is_empty()
                && !refused.contains(&place)
                && !self.is_excluded(name, role, agent)
                && self.fits_agent(framework.capabilities, agent)
                && self.serves(framework.capabilities, role, agent)
        });
        willing.next().filter(|_| self.may_be_offered(agent)).cloned()
    }

    /// Asks those who hold something on agents that will be unavailable to give it back.
    ///
    /// Agents outside the whitelist are included as in Mesos, deactivated ones are not: the master would drop the
    /// inverse offer and never tell.
    pub(super) fn ask_back(&mut self, now: Instant, candidates: &BTreeSet<Name>) -> InverseOffers {
        let mut inverse_offers = InverseOffers::new();
        for name in candidates {
            let agent = self.agents.get_mut(name).expect("candidates are known agents");
            let Some(maintenance) = agent.maintenance.as_mut().filter(|_| agent.active) else { continue };
            for framework in agent.held.keys() {
                let Some(known) = self.frameworks.get(framework) else { continue };
                let refused = known.inverse_refusals.iter().any(|(at, over)| at == name && now < *over);
                if known.active && !refused && maintenance.outstanding.insert(framework.clone()) {
                    inverse_offers.insert((framework.clone(), name.clone()), maintenance.unavailability);
                }
            }
        }
        inverse_offers
    }
}
