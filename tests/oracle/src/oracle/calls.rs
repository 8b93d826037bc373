//! What each call changes, and whether it asks for a run.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use apportion_core::{
    AgentInfo, Allocated, Conversion, Event, FrameworkInfo, Instant, Unavailability, UsedByFramework,
    UsedOnAgent, Weight,
};

use super::run::Run;
use super::{Agent, Answer, Framework, HoldOff, Maintenance, Oracle, Refusal};
use crate::Name;
use crate::resources::Resources;

/// The longest refusal, in seconds.
const REFUSAL_SECONDS_MAX: f64 = 365.0 * 24.0 * 3600.0;

/// What counts instead of a refusal time that makes no sense, in seconds.
const REFUSAL_SECONDS_DEFAULT: f64 = 5.0;

/// How long a framework refuses, given the seconds it said.
fn refusal_time(seconds: f64) -> Duration {
    let seconds = if seconds.is_nan() || seconds < 0.0 { REFUSAL_SECONDS_DEFAULT } else { seconds };
    let nanos = (seconds.min(REFUSAL_SECONDS_MAX) * 1e9).trunc();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, between 0 and 2^55")]
    Duration::from_nanos(nanos as u64)
}

fn names(list: &[&[u8]]) -> BTreeSet<Name> {
    list.iter().map(|name| name.to_vec()).collect()
}

/// Applies a conversion; tells whether it fitted.
fn convert(resources: &mut Resources, conversion: &Conversion) -> bool {
    let consumed = Resources::from(&conversion.consumed);
    if !resources.contains(&consumed) {
        return false;
    }
    let changed = resources.minus(&consumed).plus(&Resources::from(&conversion.converted));
    let must_be_gone = Resources::from(&conversion.leaves_none_of);
    if must_be_gone.entries().iter().any(|entry| changed.contains(&Resources::from(entry))) {
        return false;
    }
    *resources = changed;
    true
}

impl Maintenance {
    fn new(unavailability: Unavailability) -> Maintenance {
        Maintenance { unavailability, statuses: BTreeMap::new(), outstanding: BTreeSet::new() }
    }
}

impl Oracle {
    /// Answers an event.
    ///
    /// # Panics
    ///
    /// If the master would never say that.
    pub fn apply(&mut self, event: &Event<'_>, now: Instant) -> Answer {
        let mut answer = Answer::default();
        if self.hold_off.is_some_and(|hold_off| now >= hold_off.until) {
            self.hold_off = None;
            self.paused = false;
        }
        match *event {
            Event::Initialize { options } => {
                self.options = options.clone();
                self.paused = false;
            }
            Event::Recover { expected_agents, quotas } => {
                quotas.iter().for_each(|(role, quota)| self.set_quota(role, quota));
                self.start_hold_off(expected_agents, !quotas.is_empty(), now);
            }
            Event::AddFramework { framework, info, used, active } => {
                self.add_framework(framework, &info, used, active);
                if active {
                    self.request_run_everywhere(&mut answer);
                }
            }
            Event::RemoveFramework { framework } => self.remove_framework(framework),
            Event::ActivateFramework { framework } => {
                self.framework(framework).active = true;
                self.request_run_everywhere(&mut answer);
            }
            Event::DeactivateFramework { framework } => {
                let framework = self.framework(framework);
                framework.active = false;
                framework.refusals.clear();
                framework.inverse_refusals.clear();
            }
            Event::UpdateFramework { framework, info } => self.update_framework(framework, &info),
            Event::UpdateInverseOffer { agent, framework, status, refuse_seconds } => {
                self.answer_inverse_offer(agent, framework, status, refuse_seconds, now);
            }
            Event::GetInverseOfferStatuses => answer.statuses = Some(self.statuses()),
            Event::RecoverResources { framework, agent, resources, refuse_seconds, allocated } => {
                if allocated {
                    self.end_use(framework, agent, resources);
                }
                self.recover_resources(framework, agent, resources, refuse_seconds, now);
            }
            Event::SuppressOffers { framework, roles } => {
                let framework = self.framework(framework);
                let roles = framework.named_or_all(roles);
                framework.suppressed.extend(roles);
            }
            Event::ReviveOffers { framework, roles } => {
                let framework = self.framework(framework);
                let roles = framework.named_or_all(roles);
                framework.suppressed.retain(|role| !roles.contains(role));
                framework.refusals.retain(|(role, _), _| !roles.contains(role));
                framework.inverse_refusals.clear();
                self.request_run_everywhere(&mut answer);
            }
            Event::UpdateQuota { role, quota } => self.set_quota(role, quota),
            Event::UpdateWeights { weights } => {
                for (role, weight) in weights {
                    self.weights.insert(role.to_vec(), Weight::from_f64(*weight).unwrap_or_default());
                }
            }
            Event::Pause => self.paused = true,
            Event::Resume => {
                self.paused = false;
                self.hold_off = None;
            }
            Event::Cycle => self.run(now, &mut answer),
            Event::Tick => {
                self.request_run_everywhere(&mut answer);
                self.batch_queued = self.run_queued;
                if !self.batch_queued {
                    self.pass_batch();
                }
            }
            // What is used is a matter of metrics: it was held before, and is held now.
            Event::TransitionOfferedToAllocated { agent, resources } => {
                let agent = self.agent(agent);
                for allocated in resources {
                    let role = allocated.role.expect("what was offered has a role").to_vec();
                    agent.in_use.entry(role).or_default().add(&allocated.resources.into());
                }
            }
            Event::RequestResources { .. } => {}
            _ => self.apply_to_agent(event, &mut answer),
        }
        self.follow_clients();
        self.count_given(event);
        answer
    }

    /// The calls about an agent.
    fn apply_to_agent(&mut self, event: &Event<'_>, answer: &mut Answer) {
        match *event {
            Event::AddAgent { agent, info, capabilities, unavailability, total, used } => {
                let new = Agent {
                    hostname: info.hostname.to_vec(),
                    attributes: info.attributes.to_vec(),
                    region: info.region.map(<[u8]>::to_vec),
                    other: info.other.to_vec(),
                    capabilities,
                    active: true,
                    total: total.into(),
                    held: BTreeMap::new(),
                    in_use: BTreeMap::new(),
                    in_use_by_unknown: BTreeMap::new(),
                    maintenance: unavailability.map(Maintenance::new),
                };
                assert!(self.agents.insert(agent.to_vec(), new).is_none(), "an agent was added twice");
                self.set_exclusions_of_agent(agent, &info);
                self.hold_used(agent, used);
                self.start_use(agent, used);
                if self.hold_off.is_some_and(|hold_off| self.agents.len() >= hold_off.agents) {
                    self.hold_off = None;
                    self.paused = false;
                }
                self.request_run([agent.to_vec()], answer);
            }
            Event::RemoveAgent { agent } => {
                let gone = self.agents.remove(agent).expect("the master names agents that are known");
                for (framework, by_role) in &gone.held {
                    by_role.keys().flatten().for_each(|role| self.leave(framework, role, agent));
                }
                self.candidates.remove(agent);
                self.excluded.remove(agent);
                self.drop_refusals_of_agent(agent);
            }
            Event::UpdateAgent { agent, info, total, capabilities } => {
                if self.update_agent(agent, &info, total.map(Resources::from), capabilities) {
                    self.request_run([agent.to_vec()], answer);
                }
            }
            Event::AddResourceProvider { agent, total, used } => {
                self.agent(agent).total.add(&total.into());
                self.hold_used(agent, used);
            }
            Event::ActivateAgent { agent } => self.agent(agent).active = true,
            Event::DeactivateAgent { agent } => self.agent(agent).active = false,
            Event::UpdateWhitelist { hostnames } => self.whitelist = hostnames.map(names),
            Event::UpdateAllocation { framework, agent, role, offered, conversions } => {
                self.update_allocation(framework, agent, role, offered.into(), conversions);
            }
            Event::UpdateAvailable { agent, conversions } => {
                answer.available_updated = Some(self.update_available(agent, conversions));
            }
            Event::UpdateUnavailability { agent, unavailability } => {
                for framework in self.frameworks.values_mut() {
                    framework.inverse_refusals.retain(|(at, _)| at != agent);
                }
                self.agent(agent).maintenance = unavailability.map(Maintenance::new);
                self.request_run([agent.to_vec()], answer);
            }
            _ => unreachable!("the other events are handled before"),
        }
    }

    fn framework(&mut self, name: &[u8]) -> &mut Framework {
        self.frameworks.get_mut(name).expect("the master names frameworks that are known")
    }

    fn agent(&mut self, name: &[u8]) -> &mut Agent {
        self.agents.get_mut(name).expect("the master names agents that are known")
    }

    /// Each time somebody is given something in a role, that counts once, however much it is. Offers count when they
    /// are made.
    fn count_given(&mut self, event: &Event<'_>) {
        let given: Vec<(&[u8], &Allocated<'_>)> = match *event {
            Event::AddAgent { used, .. } | Event::AddResourceProvider { used, .. } => {
                used.iter().flat_map(|used| used.used.iter().map(|given| (used.framework, given))).collect()
            }
            Event::AddFramework { framework, used, .. } => {
                let known = used.iter().filter(|used| self.agents.contains_key(used.agent));
                known.flat_map(|used| used.used.iter().map(|given| (framework, given))).collect()
            }
            _ => return,
        };
        for (framework, allocated) in given {
            if let Some(role) = allocated.role.filter(|_| self.frameworks.contains_key(framework)) {
                self.clients.count(role, framework);
            }
        }
    }

    fn start_hold_off(&mut self, expected_agents: u64, has_quotas: bool, now: Instant) {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a small count times a factor, rounded down"
        )]
        let agents = (expected_agents as f64 * self.options.agent_recovery_factor).floor() as usize;
        if has_quotas && agents > 0 {
            self.paused = true;
            self.hold_off = Some(HoldOff { agents, until: now.after(self.options.recovery_timeout) });
        }
    }

    /// Asks for a run over some agents. While paused that is forgotten at once.
    fn request_run(&mut self, agents: impl IntoIterator<Item = Name>, answer: &mut Answer) {
        if self.paused {
            return;
        }
        self.candidates.extend(agents);
        answer.cycle_requested = !self.run_queued;
        self.run_queued = true;
    }

    fn request_run_everywhere(&mut self, answer: &mut Answer) {
        let all: Vec<Name> = self.agents.keys().cloned().collect();
        self.request_run(all, answer);
    }

    /// A queued run is due. If paused meanwhile it is left out, and its agents stay candidates.
    fn run(&mut self, now: Instant, answer: &mut Answer) {
        self.run_queued = false;
        if !self.paused {
            for framework in self.frameworks.values_mut() {
                framework.keep_refusals(|refusal| !refusal.is_over(now));
            }
            let candidates = std::mem::take(&mut self.candidates);
            self.runs += 1;
            answer.run = Some(self.runs);
            let number = self.runs;
            let (offers, headroom) = Run::new(self, now, number).offers(&candidates);
            answer.offers = offers;
            answer.headroom = Some(headroom).filter(|_| !self.quotas.is_empty());
            answer.inverse_offers = self.ask_back(now, &candidates);
        }
        if std::mem::take(&mut self.batch_queued) {
            self.pass_batch();
        }
    }

    /// A batch is over, also if it was left out: refusals made before it have outlived it.
    fn pass_batch(&mut self) {
        for framework in self.frameworks.values_mut() {
            framework.refusals.values_mut().flatten().for_each(|refusal| refusal.outlived_batch = true);
        }
    }

    fn add_framework(
        &mut self,
        name: &[u8],
        info: &FrameworkInfo<'_>,
        used: &[UsedOnAgent<'_>],
        active: bool,
    ) {
        for on_agent in used {
            for allocated in on_agent.used {
                self.assert_told_by_agent(name, on_agent.agent, allocated);
            }
        }
        let mut new = Framework {
            roles: BTreeSet::new(),
            suppressed: BTreeSet::new(),
            capabilities: info.capabilities,
            active,
            minimum: BTreeMap::new(),
            refusals: BTreeMap::new(),
            inverse_refusals: Vec::new(),
        };
        new.subscribe(info);
        assert!(self.frameworks.insert(name.to_vec(), new).is_none(), "a framework was added twice");
        self.set_exclusions_of_framework(name, info);
        for agent in self.agents.values_mut() {
            for (role, used) in agent.in_use_by_unknown.remove(name).unwrap_or_default() {
                agent.in_use.entry(role).or_default().add(&used);
            }
        }
    }

    /// What a new framework uses on known agents was told when the agents came; nothing is held because of it now.
    fn assert_told_by_agent(&self, framework: &[u8], agent: &[u8], allocated: &Allocated<'_>) {
        let Some(agent) = self.agents.get(agent) else { return };
        let held = agent.held.get(framework).and_then(|held| held.get(&allocated.role.map(<[u8]>::to_vec)));
        let used = Resources::from(allocated.resources);
        assert!(held.is_some_and(|held| held.contains(&used)), "used, but not told by the agent");
    }

    fn remove_framework(&mut self, name: &[u8]) {
        self.frameworks.remove(name).expect("the master names frameworks that are known");
        self.include_framework(name);
        self.places.remove(name);
        for agent in self.agents.values_mut() {
            agent.held.remove(name);
        }
    }

    fn update_framework(&mut self, name: &[u8], info: &FrameworkInfo<'_>) {
        self.set_exclusions_of_framework(name, info);
        let framework = self.framework(name);
        let (roles, suppressed) = (names(info.roles), names(info.suppressed));
        // Refusals go with a role that is dropped, and with one in which offers are wanted again.
        let dropped: BTreeSet<&Name> = framework.roles.difference(&roles).collect();
        let revived: BTreeSet<&Name> = framework.suppressed.difference(&suppressed).collect();
        framework.refusals.retain(|(role, _), _| !dropped.contains(role) && !revived.contains(role));
        framework.inverse_refusals.clear();
        framework.subscribe(info);
    }

    fn set_exclusions_of_framework(&mut self, framework: &[u8], info: &FrameworkInfo<'_>) {
        self.include_framework(framework);
        for excluded in info.excluded_agents {
            for agent in excluded.agents.iter().filter(|agent| self.agents.contains_key(**agent)) {
                let on_agent = self.excluded.entry(agent.to_vec()).or_default();
                on_agent.insert((framework.to_vec(), excluded.role.to_vec()));
            }
        }
    }

    /// No constraint keeps a framework from any agent any more.
    fn include_framework(&mut self, framework: &[u8]) {
        for excluded in self.excluded.values_mut() {
            excluded.retain(|(name, _)| name != framework);
        }
    }

    fn set_exclusions_of_agent(&mut self, agent: &[u8], info: &AgentInfo<'_>) {
        let from = info.excluded_from.iter().map(|from| (from.framework.to_vec(), from.role.to_vec()));
        self.excluded.insert(agent.to_vec(), from.collect());
    }

    /// What an agent reports as used is held, also by frameworks not known (yet).
    fn hold_used(&mut self, agent: &[u8], used: &[UsedByFramework<'_>]) {
        for by_framework in used {
            for allocated in by_framework.used {
                self.hold(agent, by_framework.framework, allocated.role, &allocated.resources.into());
            }
        }
    }

    /// What an agent registers with as used is used by tasks and executors.
    fn start_use(&mut self, agent: &[u8], used: &[UsedByFramework<'_>]) {
        for by_framework in used {
            let known = self.frameworks.contains_key(by_framework.framework);
            let agent = self.agent(agent);
            for allocated in by_framework.used {
                let Some(role) = allocated.role.map(<[u8]>::to_vec) else { continue };
                let by_unknown = &mut agent.in_use_by_unknown;
                let in_use = if known {
                    &mut agent.in_use
                } else {
                    by_unknown.entry(by_framework.framework.to_vec()).or_default()
                };
                in_use.entry(role).or_default().add(&allocated.resources.into());
            }
        }
    }

    /// Tasks or executors are gone.
    fn end_use(&mut self, framework: &[u8], agent: &[u8], resources: &[Allocated<'_>]) {
        let known = self.frameworks.contains_key(framework);
        let Some(agent) = self.agents.get_mut(agent) else { return };
        let unknown = agent.in_use_by_unknown.get_mut(framework);
        let Some(in_use) = (if known { Some(&mut agent.in_use) } else { unknown }) else { return };
        for allocated in resources {
            if let Some(used) = allocated.role.and_then(|role| in_use.get_mut(role)) {
                used.subtract(&allocated.resources.into());
            }
        }
    }

    fn drop_refusals_of_agent(&mut self, agent: &[u8]) {
        for framework in self.frameworks.values_mut() {
            framework.refusals.retain(|(_, refused), _| refused != agent);
            framework.inverse_refusals.retain(|(at, _)| at != agent);
        }
    }

    /// Whether anything really changed.
    fn update_agent(
        &mut self,
        name: &[u8],
        info: &AgentInfo<'_>,
        total: Option<Resources>,
        capabilities: Option<apportion_core::AgentCapabilities>,
    ) -> bool {
        self.set_exclusions_of_agent(name, info);
        if self.agent(name).attributes != info.attributes {
            self.drop_refusals_of_agent(name);
        }
        let agent = self.agent(name);
        let before = agent.clone();
        agent.hostname = info.hostname.to_vec();
        agent.attributes = info.attributes.to_vec();
        agent.region = info.region.map(<[u8]>::to_vec);
        agent.other = info.other.to_vec();
        agent.capabilities = capabilities.unwrap_or(agent.capabilities);
        agent.total = total.unwrap_or_else(|| agent.total.clone());
        agent.hostname != before.hostname
            || agent.attributes != before.attributes
            || agent.region != before.region
            || agent.other != before.other
            || agent.capabilities != before.capabilities
            || agent.total != before.total
    }

    fn update_allocation(
        &mut self,
        framework: &[u8],
        agent: &[u8],
        role: &[u8],
        offered: Resources,
        conversions: &[Conversion],
    ) {
        let mut updated = offered.clone();
        let total = &mut self.agent(agent).total;
        for conversion in conversions {
            assert!(convert(&mut updated, conversion), "a conversion does not fit the offers");
            let creates_copies = conversion.consumed.is_empty();
            assert!(creates_copies || convert(total, conversion), "a conversion does not fit the agent");
        }
        self.release(agent, framework, Some(role), &offered);
        self.hold(agent, framework, Some(role), &updated);
    }

    fn update_available(&mut self, agent: &[u8], conversions: &[Conversion]) -> bool {
        if !self.agents.contains_key(agent) {
            return false;
        }
        let (mut available, mut total) = (self.available(agent), self.agents[agent].total.clone());
        let fits = conversions
            .iter()
            .all(|conversion| convert(&mut available, conversion) && convert(&mut total, conversion));
        if fits {
            self.agent(agent).total = total;
        }
        fits
    }

    fn answer_inverse_offer(
        &mut self,
        agent: &[u8],
        framework: &[u8],
        status: Option<&[u8]>,
        refuse_seconds: Option<f64>,
        now: Instant,
    ) {
        let Some(maintenance) = &mut self.agent(agent).maintenance else { return };
        if maintenance.outstanding.remove(framework)
            && let Some(status) = status
        {
            maintenance.statuses.insert(framework.to_vec(), status.to_vec());
        }
        if let Some(time) = refuse_seconds.map(refusal_time).filter(|time| !time.is_zero()) {
            self.framework(framework).inverse_refusals.push((agent.to_vec(), now.after(time)));
        }
    }

    fn statuses(&self) -> BTreeMap<Name, BTreeMap<Name, Name>> {
        let with_maintenance = self.agents.iter().filter_map(|(name, agent)| {
            agent.maintenance.as_ref().map(|maintenance| (name.clone(), maintenance.statuses.clone()))
        });
        with_maintenance.collect()
    }

    fn recover_resources(
        &mut self,
        framework: &[u8],
        agent: &[u8],
        resources: &[Allocated<'_>],
        refuse_seconds: Option<f64>,
        now: Instant,
    ) {
        if !self.agents.contains_key(agent) {
            return;
        }
        for allocated in resources {
            let recovered = Resources::from(allocated.resources);
            self.release(agent, framework, allocated.role, &recovered);
            let (Some(known), Some(role)) = (self.frameworks.get_mut(framework), allocated.role) else {
                continue;
            };
            let time = refuse_seconds.map(refusal_time).filter(|time| !time.is_zero());
            if let Some(time) = time.filter(|_| !recovered.is_empty()) {
                known.refusals.entry((role.to_vec(), agent.to_vec())).or_default().push(Refusal {
                    refused: recovered,
                    until: now.after(time.max(self.options.allocation_interval)),
                    outlived_batch: false,
                });
            }
        }
    }

    fn set_quota(&mut self, role: &[u8], quota: &apportion_core::Quota) {
        if quota.is_default() {
            self.quotas.remove(role);
        } else {
            self.quotas.insert(role.to_vec(), quota.clone());
        }
    }
}

impl Framework {
    /// Drops the refusals for which `keep` answers false.
    fn keep_refusals(&mut self, keep: impl Fn(&Refusal) -> bool) {
        self.refusals.retain(|_, refusals| {
            refusals.retain(&keep);
            !refusals.is_empty()
        });
    }

    fn subscribe(&mut self, info: &FrameworkInfo<'_>) {
        self.roles = names(info.roles);
        self.suppressed = names(info.suppressed);
        self.capabilities = info.capabilities;
        self.minimum =
            info.min_allocatable.iter().map(|own| (own.role.to_vec(), own.alternatives.to_vec())).collect();
    }

    /// The roles named, or all it is subscribed to if none is.
    fn named_or_all(&self, roles: &[&[u8]]) -> BTreeSet<Name> {
        if roles.is_empty() { self.roles.clone() } else { names(roles) }
    }
}
