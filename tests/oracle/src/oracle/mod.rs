//! The allocator, once more: slow, and plain enough to be checked against the specification by reading.

mod calls;
mod lots;
mod numbers;
mod order;
mod run;
mod sums;

use std::collections::{BTreeMap, BTreeSet};

use apportion_core::{
    AgentCapabilities, FrameworkCapabilities, Instant, Kind, KindId, Minimum, Options, Order, Quota,
    Unavailability, Weight,
};

use self::lots::Urn;
pub(crate) use self::lots::splitmix64;
pub use self::numbers::Numbers;
use self::order::{Clients, Fairness};
pub use self::run::{Headroom, InverseOffers, Offers};
use self::sums::Sums;
use crate::Name;
use crate::quantities::Quantities;
use crate::resources::{Kinds, Resources, is_under_quota, is_within, reserved_to};

/// What the allocator must answer to an event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    /// Offers to be sent.
    pub offers: Offers,
    /// Inverse offers to be sent.
    pub inverse_offers: InverseOffers,
    /// What guarantees kept back, if this was a run and there are quotas.
    pub headroom: Option<Headroom>,
    /// Whether a run must be queued.
    pub cycle_requested: bool,
    /// Number of the run, if this was one.
    pub run: Option<u64>,
    /// Whether free resources could be changed, if that was asked.
    pub available_updated: Option<bool>,
    /// Answers to inverse offers agent by agent, if that was asked.
    pub statuses: Option<BTreeMap<Name, BTreeMap<Name, Name>>>,
}

/// The slow allocator. It trusts the caller: what the master would never do makes it panic.
#[derive(Debug, Clone, Default)]
pub struct Oracle {
    kinds: Kinds,
    options: Options,
    paused: bool,
    hold_off: Option<HoldOff>,
    whitelist: Option<BTreeSet<Name>>,
    agents: BTreeMap<Name, Agent>,
    frameworks: BTreeMap<Name, Framework>,
    weights: BTreeMap<Name, Weight>,
    /// Quotas that are not default.
    quotas: BTreeMap<Name, Quota>,
    /// Frameworks and roles that offer constraints keep from an agent, agent by agent.
    excluded: BTreeMap<Name, BTreeSet<(Name, Name)>>,
    /// Where each framework, known or not, holds something in each role it was named in: the books of the agents from
    /// the other side, so that nobody has to be looked for on all of them.
    places: BTreeMap<Name, BTreeMap<Name, BTreeSet<Name>>>,
    clients: Clients,
    candidates: BTreeSet<Name>,
    run_queued: bool,
    /// A batch is due: its run is queued.
    batch_queued: bool,
    runs: u64,
}

/// Waiting for agents after a failover.
#[derive(Debug, Clone, Copy)]
struct HoldOff {
    agents: usize,
    until: Instant,
}

#[derive(Debug, Clone)]
struct Agent {
    hostname: Name,
    attributes: Name,
    region: Option<Name>,
    other: Name,
    capabilities: AgentCapabilities,
    active: bool,
    total: Resources,
    /// What each framework, known or not, holds in each role. A role is missing only if the host did not name it.
    held: BTreeMap<Name, BTreeMap<Option<Name>, Resources>>,
    /// What tasks and executors of frameworks that are known use in each role.
    in_use: BTreeMap<Name, Resources>,
    /// What tasks and executors use of frameworks that are not known (yet).
    in_use_by_unknown: BTreeMap<Name, BTreeMap<Name, Resources>>,
    maintenance: Option<Maintenance>,
}

#[derive(Debug, Clone)]
struct Maintenance {
    unavailability: Unavailability,
    statuses: BTreeMap<Name, Name>,
    /// Frameworks that were asked and have not answered.
    outstanding: BTreeSet<Name>,
}

#[derive(Debug, Clone)]
struct Framework {
    roles: BTreeSet<Name>,
    suppressed: BTreeSet<Name>,
    capabilities: FrameworkCapabilities,
    active: bool,
    minimum: BTreeMap<Name, Vec<Minimum>>,
    /// By role and agent.
    refusals: BTreeMap<(Name, Name), Vec<Refusal>>,
    /// Agent, and until when no inverse offer is wanted.
    inverse_refusals: Vec<(Name, Instant)>,
}

/// Resources a framework did not want.
#[derive(Debug, Clone)]
struct Refusal {
    refused: Resources,
    until: Instant,
    /// Whether a batch has passed since.
    outlived_batch: bool,
}

impl Refusal {
    /// A refusal ends when its time is up, but not before one batch has passed.
    fn is_over(&self, now: Instant) -> bool {
        self.outlived_batch && now >= self.until
    }
}

impl Oracle {
    /// An oracle that waits to be initialized.
    #[must_use]
    pub fn new() -> Oracle {
        Oracle { paused: true, ..Oracle::default() }
    }

    /// Tells the properties of a kind; each must be told before it appears in an event.
    pub fn learn_kind(&mut self, id: KindId, kind: Kind) {
        self.kinds.insert(id, kind);
    }

    /// The kinds that were told.
    #[must_use]
    pub fn kinds(&self) -> &Kinds {
        &self.kinds
    }

    /// The agents there are.
    pub fn agent_names(&self) -> impl Iterator<Item = &Name> {
        self.agents.keys()
    }

    /// How many agents there are.
    #[must_use]
    pub fn agents_len(&self) -> usize {
        self.agents.len()
    }

    /// Agents that the next run will look at.
    pub fn candidates(&self) -> impl Iterator<Item = &Name> {
        self.candidates.iter()
    }

    /// Quotas that are not default.
    #[must_use]
    pub fn quotas(&self) -> &BTreeMap<Name, Quota> {
        &self.quotas
    }

    /// Everything an agent has.
    ///
    /// # Panics
    ///
    /// If the agent is not known.
    #[must_use]
    pub fn total(&self, agent: &[u8]) -> &Resources {
        &self.agents[agent].total
    }

    /// What nobody holds: what is held is taken off the total kind by kind, and what is shared is always there.
    ///
    /// # Panics
    ///
    /// If the agent is not known.
    #[must_use]
    pub fn available(&self, agent: &[u8]) -> Resources {
        let agent = &self.agents[agent];
        let mut held = Resources::default();
        for resources in agent.held.values().flat_map(BTreeMap::values) {
            held.add(resources);
        }
        agent.total.minus(&held.only(|kind| !self.kinds[&kind].shared))
    }

    /// What frameworks that are known hold in a role itself on one agent; shared copies are merged.
    fn held_on(&self, agent: &Agent, role: &[u8]) -> Resources {
        let mut held = Resources::default();
        for (framework, by_role) in &agent.held {
            if self.frameworks.contains_key(framework) {
                by_role.get(&Some(role.to_vec())).into_iter().for_each(|resources| held.add(resources));
            }
        }
        held
    }

    fn fairness<'a>(&'a self, pool: &'a Quantities) -> Fairness<'a> {
        Fairness { pool, excluded: &self.options.fairness_excluded, weights: &self.weights }
    }

    /// Roles in the order of their turn on the agent with this place in the stage of the run.
    fn role_order(&self, sums: &Sums, place: u64) -> Vec<Name> {
        match self.options.order {
            Order::DominantShare => self.clients.order(&self.fairness(&sums.pool), &sums.roles),
            Order::Random => self.clients.draw(&self.weights, Urn::of_roles(place)),
        }
    }

    /// Frameworks that take offers in a role, in the order of their turn on the agent with this place in the stage of the
    /// run.
    fn framework_order(&self, sums: &Sums, role: &Name, place: u64) -> Vec<Name> {
        match self.options.order {
            Order::DominantShare => self.takers_by_share(sums, role),
            Order::Random => Urn::of_frameworks(place, role).draw_equals(self.takers(role)),
        }
    }

    /// Frameworks that take offers in a role.
    fn takers(&self, role: &Name) -> impl Iterator<Item = &Name> {
        let takes_offers = |framework: &Framework| {
            framework.active && framework.roles.contains(role) && !framework.suppressed.contains(role)
        };
        let takers = self.frameworks.iter().filter(move |(_, framework)| takes_offers(framework));
        takers.map(|(name, _)| name)
    }

    fn takers_by_share(&self, sums: &Sums, role: &Name) -> Vec<Name> {
        let fairness = self.fairness(&sums.pool);
        let mut order: Vec<_> = self
            .takers(role)
            .map(|name| {
                let share = fairness.share(sums.of_framework(role, name), Weight::DEFAULT);
                (share, self.clients.count_of_framework(role, name), name.clone())
            })
            .collect();
        order.sort();
        order.into_iter().map(|(_, _, name)| name).collect()
    }

    /// What counts against the quota of a role: reservations for it and below, held or not, and what is held of the
    /// rest in it and below.
    #[must_use]
    pub fn consumed(&self, top: &[u8]) -> Quantities {
        let mut consumed = self.reserved_within(top);
        for agent in self.agents.values() {
            for role in self.clients.roles().filter(|role| is_within(role, top)) {
                let held = self.held_on(agent, role).only(|kind| is_under_quota(&self.kinds[&kind]));
                consumed = consumed.plus(&held.quantities(&self.kinds));
            }
        }
        consumed
    }

    /// Reservations for a role and below, held or not.
    fn reserved_within(&self, top: &[u8]) -> Quantities {
        self.agents.values().fold(Quantities::default(), |sum, agent| {
            let reserved = agent
                .total
                .only(|kind| reserved_to(&self.kinds[&kind]).is_some_and(|role| is_within(role, top)));
            sum.plus(&reserved.quantities(&self.kinds))
        })
    }

    /// Gives resources of an agent to a framework.
    fn hold(&mut self, agent: &[u8], framework: &[u8], role: Option<&[u8]>, resources: &Resources) {
        if resources.is_empty() {
            return;
        }
        let name = agent;
        let agent = self.agents.get_mut(agent).expect("the master names agents that are known");
        let by_role = agent.held.entry(framework.to_vec()).or_default();
        by_role.entry(role.map(<[u8]>::to_vec)).or_default().add(resources);
        if let Some(role) = role {
            let places = self.places.entry(framework.to_vec()).or_default();
            places.entry(role.to_vec()).or_default().insert(name.to_vec());
        }
    }

    /// Takes resources of an agent back from a framework.
    fn release(&mut self, agent: &[u8], framework: &[u8], role: Option<&[u8]>, resources: &Resources) {
        let name = agent;
        let agent = self.agents.get_mut(agent).expect("the master names agents that are known");
        let Some(by_role) = agent.held.get_mut(framework) else { return };
        if let Some(held) = by_role.get_mut(&role.map(<[u8]>::to_vec)) {
            held.subtract(resources);
        }
        by_role.retain(|_, held| !held.is_empty());
        let is_left = role.is_some_and(|role| by_role.contains_key(&Some(role.to_vec())));
        agent.held.retain(|_, by_role| !by_role.is_empty());
        if let Some(role) = role.filter(|_| !is_left) {
            self.leave(framework, role, name);
        }
    }

    /// A framework holds nothing on an agent in a role any more.
    fn leave(&mut self, framework: &[u8], role: &[u8], agent: &[u8]) {
        let Some(roles) = self.places.get_mut(framework) else { return };
        if let Some(agents) = roles.get_mut(role) {
            agents.remove(agent);
        }
        roles.retain(|_, agents| !agents.is_empty());
        self.places.retain(|_, roles| !roles.is_empty());
    }

    /// A framework is tracked in the roles it is subscribed to and in those it holds something in.
    fn follow_clients(&mut self) {
        let mut tracked: BTreeMap<&Name, BTreeSet<&Name>> = BTreeMap::new();
        for (name, framework) in &self.frameworks {
            let held_in = self.places.get(name).into_iter().flat_map(BTreeMap::keys);
            for role in framework.roles.iter().chain(held_in) {
                tracked.entry(role).or_default().insert(name);
            }
        }
        self.clients.follow(&tracked);
    }
}
