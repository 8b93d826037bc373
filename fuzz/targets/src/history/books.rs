//! What must be true of an allocator, seen from outside: kept from events and effects alone.
//!
//! The holdings kept here are a lower bound of what frameworks hold: what is not clear from an event (who gets what an
//! agent reported under no role) is left out. So what is free in the allocator must be free here.

use std::collections::{BTreeMap, BTreeSet};

use apportion_core::{
    Allocated, Allocator, Amount, Conversion, Effects, Event, FrameworkCapabilities, FrameworkInfo, Holding,
    Offer, Options, Quota, ValueType,
};

use super::universe::Universe;

/// A name of the host.
type Name = Box<[u8]>;

/// Agent, framework, role.
type Holder = (Name, Name, Name);

#[derive(Debug, Default)]
struct Framework {
    active: bool,
    roles: BTreeSet<Name>,
    suppressed: BTreeSet<Name>,
    capabilities: FrameworkCapabilities,
}

#[derive(Debug)]
struct Agent {
    active: bool,
    region: Option<Name>,
    total: Holding,
}

#[derive(Debug, Default)]
pub(super) struct Books {
    options: Options,
    agents: BTreeMap<Name, Agent>,
    frameworks: BTreeMap<Name, Framework>,
    held: BTreeMap<Holder, Holding>,
    limits: BTreeMap<Name, Vec<(Name, Amount)>>,
}

impl Books {
    pub(super) fn note_options(&mut self, options: &Options) {
        self.options = options.clone();
    }

    /// Who holds what, for drawing what happens to it.
    pub(super) fn held(&self) -> impl Iterator<Item = (&Holder, &Holding)> {
        self.held.iter()
    }

    /// What an agent has.
    pub(super) fn total(&self, agent: &[u8]) -> Option<&Holding> {
        self.agents.get(agent).map(|agent| &agent.total)
    }

    fn add(&mut self, agent: &[u8], framework: &[u8], groups: &[Allocated<'_>]) {
        for Allocated { role, resources } in groups {
            let Some(role) = role else { continue };
            self.held.entry((agent.into(), framework.into(), (*role).into())).or_default().add(resources);
        }
    }

    fn subtract(&mut self, agent: &[u8], framework: &[u8], role: &[u8], resources: &Holding) {
        let holder = (agent.into(), framework.into(), role.into());
        if let Some(held) = self.held.get_mut(&holder) {
            held.subtract(resources);
            if held.is_empty() {
                self.held.remove(&holder);
            }
        }
    }

    /// An event was taken.
    pub(super) fn note(&mut self, event: &Event<'_>, effects: &Effects) {
        match event {
            Event::AddFramework { .. }
            | Event::UpdateFramework { .. }
            | Event::RemoveFramework { .. }
            | Event::ActivateFramework { .. }
            | Event::DeactivateFramework { .. }
            | Event::SuppressOffers { .. }
            | Event::ReviveOffers { .. } => self.note_framework(event),
            Event::UpdateAllocation { framework, agent, role, offered, conversions } => {
                let mut updated = (*offered).clone();
                apply(conversions, &mut updated);
                self.subtract(agent, framework, role, offered);
                self.add(agent, framework, &[Allocated { role: Some(role), resources: &updated }]);
                // Further copies of a shared volume are no more of it.
                let changes: Vec<Conversion> =
                    conversions.iter().filter(|change| !change.consumed.is_empty()).cloned().collect();
                apply(&changes, &mut self.agents.get_mut(*agent).expect("a known agent").total);
            }
            Event::UpdateAvailable { agent, conversions } => {
                if effects.available_updated == Some(Ok(())) {
                    apply(conversions, &mut self.agents.get_mut(*agent).expect("a known agent").total);
                }
            }
            Event::RecoverResources { framework, agent, resources, .. } => {
                for Allocated { role, resources } in *resources {
                    if let Some(role) = role {
                        self.subtract(agent, framework, role, resources);
                    }
                }
            }
            Event::Recover { quotas, .. } => {
                for (role, quota) in *quotas {
                    self.limits.insert((*role).into(), limits(quota));
                }
            }
            Event::UpdateQuota { role, quota } => {
                self.limits.insert((*role).into(), limits(quota));
            }
            _ => self.note_agent(event),
        }
    }

    fn note_framework(&mut self, event: &Event<'_>) {
        match event {
            Event::AddFramework { framework, info, used, active } => {
                let new = Framework { active: *active, ..Framework::default() };
                self.frameworks.insert((*framework).into(), new);
                self.subscribe(framework, info);
                for entry in
                    used.iter().filter(|entry| self.agents.contains_key(entry.agent)).collect::<Vec<_>>()
                {
                    for Allocated { role, resources } in entry.used {
                        let Some(role) = role else { continue };
                        // Agents told of it already, or not: it is the same use.
                        let holder = (entry.agent.into(), (*framework).into(), (*role).into());
                        let held = self.held.entry(holder).or_default();
                        let mut more = (*resources).clone();
                        more.subtract(held);
                        held.add(&more);
                    }
                }
            }
            Event::UpdateFramework { framework, info } => self.subscribe(framework, info),
            Event::RemoveFramework { framework } => {
                self.frameworks.remove(*framework);
                self.held.retain(|(_, holder, _), _| **holder != **framework);
            }
            Event::ActivateFramework { framework } => self.framework(framework).active = true,
            Event::DeactivateFramework { framework } => self.framework(framework).active = false,
            Event::SuppressOffers { framework, roles } => {
                let framework = self.framework(framework);
                let named = framework.named(roles);
                framework.suppressed.extend(named);
            }
            Event::ReviveOffers { framework, roles } => {
                let framework = self.framework(framework);
                let named = framework.named(roles);
                framework.suppressed.retain(|role| !named.contains(role));
            }
            _ => {}
        }
    }

    fn framework(&mut self, name: &[u8]) -> &mut Framework {
        self.frameworks.get_mut(name).expect("a known framework")
    }

    fn subscribe(&mut self, name: &[u8], info: &FrameworkInfo<'_>) {
        let framework = self.framework(name);
        framework.capabilities = info.capabilities;
        framework.roles = info.roles.iter().map(|role| (*role).into()).collect();
        let suppressed = info.suppressed.iter().map(|role| Name::from(*role));
        framework.suppressed = suppressed.filter(|role| framework.roles.contains(role)).collect();
    }

    fn note_agent(&mut self, event: &Event<'_>) {
        match event {
            Event::AddAgent { agent, info, total, used, .. } => {
                let region = info.region.map(Name::from);
                let new = Agent { active: true, region, total: (*total).clone() };
                self.agents.insert((*agent).into(), new);
                for entry in *used {
                    self.add(agent, entry.framework, entry.used);
                }
            }
            Event::AddResourceProvider { agent, total, used } => {
                self.agents.get_mut(*agent).expect("a known agent").total.add(total);
                for entry in *used {
                    self.add(agent, entry.framework, entry.used);
                }
            }
            Event::UpdateAgent { agent, info, total, .. } => {
                let known = self.agents.get_mut(*agent).expect("a known agent");
                known.region = info.region.map(Name::from);
                if let Some(total) = total {
                    known.total = (*total).clone();
                }
            }
            Event::RemoveAgent { agent } => {
                self.agents.remove(*agent);
                self.held.retain(|(place, ..), _| **place != **agent);
            }
            Event::ActivateAgent { agent } => {
                self.agents.get_mut(*agent).expect("a known agent").active = true
            }
            Event::DeactivateAgent { agent } => {
                self.agents.get_mut(*agent).expect("a known agent").active = false
            }
            _ => {}
        }
    }

    /// Offers are of what was free, once, to those who can take them, within limits. Keeps what they offer.
    pub(super) fn judge(
        &mut self,
        effects: &Effects,
        before: &Allocator,
        after: &Allocator,
        universe: &Universe,
    ) {
        let mut given: BTreeMap<Name, (Holding, Holding)> = BTreeMap::new();
        let mut parties = BTreeSet::new();
        self.judge_limits(effects, after, universe);
        for offer in &effects.offers {
            let agent: Name = after.agent_name(offer.agent).expect("an agent that is there").into();
            let framework: Name =
                after.framework_name(offer.framework).expect("a framework that is there").into();
            let role: Name = after.role_name(offer.role).into();
            assert!(
                parties.insert((agent.clone(), framework.clone(), role.clone())),
                "one offer for each party"
            );
            assert!(!before.is_paused() || !after.is_paused(), "no offers while paused");
            self.judge_party(offer, &agent, &framework, &role, universe);
            let free = before.available(&agent).expect("an agent that was there");
            let (on_agent, volumes) = given.entry(agent.clone()).or_default();
            on_agent.add(&universe.exclusive(&offer.resources));
            assert!(
                universe.exclusive(free).contains(on_agent),
                "{} is offered twice",
                after.describe(on_agent)
            );
            for item in universe.shared(&offer.resources).items() {
                assert!(!volumes.contains_item(item), "a shared volume is offered once in a run");
                volumes.add_item(item);
            }
            assert!(free.contains(&universe.shared(&offer.resources)), "a shared volume that is there");
            let group = Allocated { role: Some(&role), resources: &offer.resources };
            self.add(&agent, &framework, &[group]);
        }
    }

    /// The framework takes such offers in this role from this agent.
    fn judge_party(&self, offer: &Offer, agent: &[u8], name: &[u8], role: &[u8], universe: &Universe) {
        let framework = &self.frameworks[name];
        assert!(framework.active && framework.roles.contains(role) && !framework.suppressed.contains(role));
        let place = &self.agents[agent];
        let can = framework.capabilities;
        assert!(place.active, "an agent that is active");
        assert!(!offer.resources.is_empty());
        let remote = |(ours, theirs)| ours != theirs;
        let is_remote = self.options.region.as_ref().zip(place.region.as_ref()).is_some_and(remote);
        assert!(!is_remote || can.region_aware, "agents of other regions only to those who know of regions");
        for item in offer.resources.items() {
            let known = universe.of(item);
            assert!(!known.revocable || can.revocable_resources, "{known:?}");
            assert!(!known.shared || can.shared_resources, "{known:?}");
            assert!(!known.refined || can.reservation_refinement, "{known:?}");
            let gpus = self.options.filter_gpu_resources && known.name == b"gpus";
            assert!(!gpus || can.gpu_resources, "{known:?}");
            assert!(known.reserved_to.is_none_or(|to| is_within(role, to)), "{known:?} in another role");
        }
    }

    /// What roles with limits held before the run and what the run gives them keeps within the limits.
    fn judge_limits(&self, effects: &Effects, after: &Allocator, universe: &Universe) {
        for (role, limits) in &self.limits {
            for (name, limit) in limits {
                let count = |resources: &Holding| {
                    let items = resources.items().iter().filter(|item| {
                        let known = universe.of(item);
                        known.name == &**name
                            && known.value_type == ValueType::Scalar
                            && known.reserved_to.is_none()
                            && !known.revocable
                    });
                    items
                        .filter_map(apportion_core::Item::scalar_quantity)
                        .fold(Amount::ZERO, |sum, one| sum + one)
                };
                let offers = effects.offers.iter().filter(|offer| after.role_name(offer.role) == &**role);
                let given = offers.fold(Amount::ZERO, |sum, offer| sum + count(&offer.resources));
                if !given.is_positive() {
                    continue;
                }
                let holders = self.held.iter().filter(|((_, framework, holder), _)| {
                    is_within(holder, role) && self.frameworks.contains_key(framework)
                });
                let held = holders.fold(Amount::ZERO, |sum, (_, resources)| sum + count(resources));
                assert!(held + given <= *limit, "{given} given to a role with {held} and the limit {limit}");
            }
        }
    }

    /// The allocator knows the same agents with the same totals, and thinks nothing free that is held.
    pub(super) fn compare(&self, allocator: &Allocator, universe: &Universe) {
        assert_eq!(allocator.agents_len(), self.agents.len());
        assert_eq!(allocator.frameworks_len(), self.frameworks.len());
        for (name, agent) in &self.agents {
            assert_eq!(allocator.total(name), Some(&agent.total));
            let mut free = universe.exclusive(&agent.total);
            for ((place, ..), held) in &self.held {
                if place == name {
                    free.subtract(held);
                }
            }
            let available = universe.exclusive(allocator.available(name).expect("a known agent"));
            let (shown, held) = (allocator.describe(&available), allocator.describe(&free));
            assert!(free.contains(&available), "free is {shown}, but only {held} is not held");
        }
    }
}

impl Framework {
    /// Those of the named roles it is subscribed to; all if none is named.
    fn named(&self, roles: &[&[u8]]) -> BTreeSet<Name> {
        if roles.is_empty() {
            return self.roles.clone();
        }
        let named = roles.iter().map(|role| Name::from(*role));
        named.filter(|role| self.roles.contains(role)).collect()
    }
}

fn is_within(role: &[u8], above: &[u8]) -> bool {
    role == above || role.strip_prefix(above).is_some_and(|rest| rest.starts_with(b"/"))
}

/// The limits of a quota. A guarantee above its limit, which the master refuses, is served.
fn limits(quota: &Quota) -> Vec<(Name, Amount)> {
    let raised = quota.limits.iter().map(|(name, limit)| {
        let guarantees = quota.guarantees.iter().filter(|(guaranteed, _)| guaranteed == name);
        let guarantee = guarantees.map(|(_, amount)| *amount).max();
        (name.clone(), guarantee.map_or(*limit, |guarantee| guarantee.max(*limit)))
    });
    raised.collect()
}

/// Applies conversions that are known to apply.
fn apply(conversions: &[Conversion], resources: &mut Holding) {
    for conversion in conversions {
        conversion.apply(resources).expect("the allocator found that it applies");
    }
}
