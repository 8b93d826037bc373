//! What must be true of an allocator, seen from outside: kept from events and effects alone.
//!
//! The holdings kept here are a lower bound of what frameworks hold: what is not clear from an event (who gets what an
//! agent reported under no role) is left out. So what is free in the allocator must be free here.

mod loans;

use std::collections::{BTreeMap, BTreeSet};

use apportion_core::{
    Allocated, Allocator, Amount, Conversion, Effects, Event, FrameworkCapabilities, FrameworkInfo, Holding,
    Instant, Offer, Options, Quota, UsedOnAgent, ValueType,
};

use self::loans::Loans;
use super::universe::{AGENTS, Universe};

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
    loans: Loans,
}

impl Books {
    pub(super) fn note_options(&mut self, options: &Options) {
        self.options = options.clone();
        self.loans.note_policy(&options.lending);
    }

    /// What is lent, offered or in use, for drawing what happens to it.
    pub(super) fn loans(&self, used: bool) -> impl Iterator<Item = (&Holder, &Holding)> {
        self.loans.parts(used)
    }

    /// Whether an event about lending names somebody who is not there: then it means nothing.
    pub(super) fn is_about_nobody(&self, event: &Event<'_>) -> bool {
        let (framework, agent) = match *event {
            Event::UseLent { framework, agent, .. } => (framework, Some(agent)),
            Event::LoseLaunches { framework, .. } => (Some(framework), None),
            _ => return false,
        };
        framework.is_some_and(|framework| !self.frameworks.contains_key(framework))
            || agent.is_some_and(|agent| !self.agents.contains_key(agent))
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
            let Some(role) = role.filter(|_| !resources.is_empty()) else { continue };
            self.held.entry((agent.into(), framework.into(), role.into())).or_default().add(resources);
        }
    }

    /// An agent reports what a framework uses. Of one that is not there it is kept until it comes.
    fn add_used(&mut self, agent: &[u8], framework: &[u8], groups: &[Allocated<'_>], universe: &Universe) {
        if !self.frameworks.contains_key(framework) {
            self.loans.report_absent(agent, framework, groups);
            self.add(agent, framework, groups);
            return;
        }
        for Allocated { role, resources } in groups {
            let Some(name) = role else { continue };
            let (regular, lent) = self.loans.split(agent, resources, universe);
            self.add(agent, framework, &[Allocated { role: *role, resources: &regular }]);
            self.loans.use_more((agent.into(), framework.into(), (*name).into()), &lent);
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
    pub(super) fn note(
        &mut self,
        event: &Event<'_>,
        effects: &Effects,
        before: &Allocator,
        universe: &Universe,
    ) {
        match event {
            Event::AddFramework { .. }
            | Event::UpdateFramework { .. }
            | Event::RemoveFramework { .. }
            | Event::ActivateFramework { .. }
            | Event::DeactivateFramework { .. }
            | Event::SuppressOffers { .. }
            | Event::ReviveOffers { .. } => self.note_framework(event, universe),
            Event::UpdateAllocation { framework, agent, role, offered, conversions } => {
                let (offered, _) = self.loans.split(agent, offered, universe);
                let mut updated = offered.clone();
                apply(conversions, &mut updated);
                self.subtract(agent, framework, role, &offered);
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
            Event::RecoverResources { .. } => self.note_returned(event, universe),
            Event::UseLent { framework, agent, resources } if !self.is_about_nobody(event) => {
                self.loans.use_lent(*framework, agent, resources, (before, universe));
            }
            Event::Recover { quotas, .. } => {
                for (role, quota) in *quotas {
                    self.limits.insert((*role).into(), limits(quota));
                }
            }
            Event::UpdateQuota { role, quota } => {
                self.limits.insert((*role).into(), limits(quota));
            }
            _ => self.note_agent(event, universe),
        }
    }

    fn note_returned(&mut self, event: &Event<'_>, universe: &Universe) {
        let &Event::RecoverResources { framework, agent, resources, allocated, .. } = event else { return };
        let is_there = self.frameworks.contains_key(framework);
        // What is lent is known before anything comes back.
        let parts =
            resources.iter().map(|group| (group.role, self.loans.split(agent, group.resources, universe)));
        let parts: Vec<_> = parts.collect();
        for (Allocated { resources, .. }, (role, (regular, lent))) in resources.iter().zip(&parts) {
            let Some(role) = role else { continue };
            self.subtract(agent, framework, role, if is_there { regular } else { resources });
            if is_there && self.agents.contains_key(agent) {
                self.loans.return_lent(&(agent.into(), framework.into(), (*role).into()), lent, allocated);
            }
        }
        if !is_there && resources.iter().any(|group| !group.resources.is_empty()) {
            self.loans.return_absent(agent, framework, resources);
        }
    }

    fn note_framework(&mut self, event: &Event<'_>, universe: &Universe) {
        match event {
            Event::AddFramework { framework, info, used, active } => {
                let new = Framework { active: *active, ..Framework::default() };
                self.frameworks.insert((*framework).into(), new);
                self.subscribe(framework, info);
                self.take_over_used(framework, used, universe);
            }
            Event::UpdateFramework { framework, info } => self.subscribe(framework, info),
            Event::RemoveFramework { framework } => {
                self.frameworks.remove(*framework);
                self.held.retain(|(_, holder, _), _| **holder != **framework);
                self.loans.framework_goes(framework);
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

    /// A framework comes that agents told of, or not: what it is said to use is the same use.
    fn take_over_used(&mut self, framework: &[u8], used: &[UsedOnAgent<'_>], universe: &Universe) {
        let mut taken = self.loans.take_absent(framework);
        self.held.retain(|(_, holder, _), _| **holder != *framework);
        for entry in used.iter().filter(|entry| self.agents.contains_key(entry.agent)) {
            for Allocated { role, resources } in entry.used {
                let Some(role) = role else { continue };
                let known = taken.entry((entry.agent.into(), (*role).into())).or_default();
                let mut more = (*resources).clone();
                more.subtract(known);
                known.add(&more);
            }
        }
        for ((agent, role), resources) in taken {
            let (regular, lent) = self.loans.split(&agent, &resources, universe);
            self.add(&agent, framework, &[Allocated { role: Some(&role), resources: &regular }]);
            self.loans.use_more((agent, framework.into(), role), &lent);
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

    fn note_agent(&mut self, event: &Event<'_>, universe: &Universe) {
        match event {
            Event::AddAgent { agent, info, total, used, .. } => {
                let region = info.region.map(Name::from);
                self.loans.agent_comes(agent, info.reclaims);
                let (total, _) = self.loans.split(agent, total, universe);
                self.agents.insert((*agent).into(), Agent { active: true, region, total });
                for entry in *used {
                    self.add_used(agent, entry.framework, entry.used, universe);
                }
            }
            Event::AddResourceProvider { agent, total, used } => {
                let (total, _) = self.loans.split(agent, total, universe);
                self.agents.get_mut(*agent).expect("a known agent").total.add(&total);
                for entry in *used {
                    self.add_used(agent, entry.framework, entry.used, universe);
                }
            }
            Event::UpdateAgent { agent, info, total, .. } => {
                self.loans.agent_comes(agent, info.reclaims);
                let known = self.agents.get_mut(*agent).expect("a known agent");
                known.region = info.region.map(Name::from);
                known.total = self.loans.split(agent, total.unwrap_or(&known.total), universe).0;
                self.lend_estimate(agent, universe);
            }
            Event::RemoveAgent { agent } => {
                self.agents.remove(*agent);
                self.held.retain(|(place, ..), _| **place != **agent);
                self.loans.agent_goes(agent);
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

    /// What frameworks have of an agent's estimate counts as lent from when it lends.
    fn lend_estimate(&mut self, agent: &[u8], universe: &Universe) {
        if !self.loans.is_lent(agent) {
            return;
        }
        let frameworks = &self.frameworks;
        let there = self
            .held
            .iter_mut()
            .filter(|((place, framework, _), _)| **place == *agent && frameworks.contains_key(framework));
        for (holder, held) in there {
            let (regular, lent) = universe.split(held);
            *held = regular;
            self.loans.begin(holder.clone(), lent);
        }
        self.held.retain(|_, held| !held.is_empty());
    }

    /// Whether nobody could say from here on who uses what.
    pub(super) fn end_here(&self) -> bool {
        self.loans.is_shared_out()
    }

    /// Offers are of what was free, once, to those who can take them, within limits. Keeps what they offer.
    pub(super) fn judge(
        &mut self,
        effects: &Effects,
        (before, after): (&Allocator, &Allocator),
        now: Instant,
        universe: &Universe,
    ) {
        self.loans.note_time(self.agents.keys().cloned(), now);
        self.loans.judge(effects, (before, after), now, universe);
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
            if offer.why.lent {
                continue;
            }
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
        if effects.run.is_some() {
            judge_free(&given, (before, after), universe);
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
        self.loans.compare(allocator, universe);
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

/// A run takes from what is free what it offers, and nothing for what it lends.
fn judge_free(
    given: &BTreeMap<Name, (Holding, Holding)>,
    (before, after): (&Allocator, &Allocator),
    universe: &Universe,
) {
    for agent in AGENTS {
        let (Some(before), Some(after)) = (before.available(agent), after.available(agent)) else { continue };
        let mut left = universe.exclusive(before);
        if let Some((on_agent, _)) = given.get(agent) {
            left.subtract(on_agent);
        }
        assert_eq!(left, universe.exclusive(after), "what is free after a run");
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
