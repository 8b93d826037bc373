//! The calls of the master, with names instead of bytes.

use apportion_core::{
    AgentCapabilities, AgentInfo, Allocated, CannotUpdateAvailable, Conversion, Event, ExcludedAgents,
    FrameworkCapabilities, FrameworkInfo, Holding, MinimumForRole, Unavailability, UsedByFramework,
    UsedOnAgent, Violation,
};

use super::{Agent, Cluster, Framework, Offered, bytes, quota};

/// Calls about frameworks.
impl Cluster {
    pub(crate) fn add_framework(&mut self, name: &str, roles: &[&str]) -> Vec<Offered> {
        self.add(&Framework::new(name, roles))
    }

    pub(crate) fn add_framework_with(
        &mut self,
        name: &str,
        roles: &[&str],
        capabilities: FrameworkCapabilities,
    ) -> Vec<Offered> {
        self.add(&Framework { capabilities, ..Framework::new(name, roles) })
    }

    /// Adds a framework that used (agent, role, resources) before a failover, inactive as the master does.
    pub(crate) fn add_framework_using(&mut self, name: &str, roles: &[&str], used: &[(&str, &str, &str)]) {
        self.add(&Framework { used, active: false, ..Framework::new(name, roles) });
    }

    /// Adds a framework.
    pub(crate) fn add(&mut self, framework: &Framework<'_>) -> Vec<Offered> {
        let parts: Vec<(&str, &str, Holding)> =
            framework.used.iter().map(|(agent, role, text)| (*agent, *role, self.resources(text))).collect();
        let groups: Vec<[Allocated<'_>; 1]> =
            parts.iter().map(|(_, role, resources)| [allocated(role, resources)]).collect();
        let used: Vec<UsedOnAgent<'_>> =
            parts.iter().zip(&groups).map(|(p, used)| UsedOnAgent { agent: p.0.as_bytes(), used }).collect();
        self.with_info(framework, |cluster, info| {
            let (framework, active) = (framework.name.as_bytes(), framework.active);
            cluster.send(&Event::AddFramework { framework, info, used: &used, active })
        })
    }

    /// Updates a framework's subscription, which requests no run.
    pub(crate) fn update(&mut self, framework: &Framework<'_>) {
        let offers = self.with_info(framework, |cluster, info| {
            cluster.send(&Event::UpdateFramework { framework: framework.name.as_bytes(), info })
        });
        assert!(offers.is_empty(), "updating a framework requests no run");
    }

    fn with_info<T>(
        &mut self,
        framework: &Framework<'_>,
        call: impl FnOnce(&mut Self, FrameworkInfo<'_>) -> T,
    ) -> T {
        let (roles, suppressed) = (bytes(framework.roles), bytes(framework.suppressed));
        let minimum: Vec<MinimumForRole<'_>> = framework
            .minimum
            .iter()
            .map(|(role, alternatives)| MinimumForRole { role: role.as_bytes(), alternatives })
            .collect();
        let agents: Vec<Vec<&[u8]>> = framework.excluded.iter().map(|(_, agents)| bytes(agents)).collect();
        let excluded: Vec<ExcludedAgents<'_>> = framework
            .excluded
            .iter()
            .zip(&agents)
            .map(|((role, _), agents)| ExcludedAgents { role: role.as_bytes(), agents })
            .collect();
        let info = FrameworkInfo {
            roles: &roles,
            suppressed: &suppressed,
            capabilities: framework.capabilities,
            min_allocatable: &minimum,
            excluded_agents: &excluded,
        };
        call(self, info)
    }

    pub(crate) fn remove_framework(&mut self, name: &str) {
        assert!(self.send(&Event::RemoveFramework { framework: name.as_bytes() }).is_empty());
    }

    pub(crate) fn activate(&mut self, framework: &str) -> Vec<Offered> {
        self.send(&Event::ActivateFramework { framework: framework.as_bytes() })
    }

    pub(crate) fn deactivate(&mut self, framework: &str) {
        assert!(self.send(&Event::DeactivateFramework { framework: framework.as_bytes() }).is_empty());
    }

    pub(crate) fn revive(&mut self, framework: &str, roles: &[&str]) -> Vec<Offered> {
        self.send(&Event::ReviveOffers { framework: framework.as_bytes(), roles: &bytes(roles) })
    }

    pub(crate) fn suppress(&mut self, framework: &str, roles: &[&str]) {
        let offers =
            self.send(&Event::SuppressOffers { framework: framework.as_bytes(), roles: &bytes(roles) });
        assert!(offers.is_empty());
    }
}

/// Calls about agents.
impl Cluster {
    pub(crate) fn add_agent(&mut self, name: &str, total: &str) -> Vec<Offered> {
        self.register(&Agent::new(name, total))
    }

    /// Adds an agent with (framework, role, resources) in use.
    pub(crate) fn add_agent_using(
        &mut self,
        name: &str,
        total: &str,
        used: &[(&str, &str, &str)],
    ) -> Vec<Offered> {
        self.register(&Agent { used, ..Agent::new(name, total) })
    }

    pub(crate) fn add_agent_with(
        &mut self,
        name: &str,
        total: &str,
        used: &[(&str, &str, &str)],
        info: AgentInfo<'_>,
        capabilities: AgentCapabilities,
    ) -> Vec<Offered> {
        self.register(&Agent { used, info, capabilities, ..Agent::new(name, total) })
    }

    /// Adds an agent.
    pub(crate) fn register(&mut self, agent: &Agent<'_>) -> Vec<Offered> {
        match self.try_register(agent) {
            Ok(offers) => offers,
            Err(violation) => panic!("add agent: {violation}"),
        }
    }

    pub(crate) fn try_register(&mut self, agent: &Agent<'_>) -> Result<Vec<Offered>, Violation> {
        let total = self.resources(agent.total);
        self.with_used(agent.used, |cluster, used| {
            let event = Event::AddAgent {
                agent: agent.name.as_bytes(),
                info: agent.info,
                capabilities: agent.capabilities,
                unavailability: agent.unavailability,
                total: &total,
                used,
            };
            cluster.try_send(&event).map(|(_, offers)| offers)
        })
    }

    fn with_used<T>(
        &mut self,
        used: &[(&str, &str, &str)],
        call: impl FnOnce(&mut Self, &[UsedByFramework<'_>]) -> T,
    ) -> T {
        let parts: Vec<(&str, &str, Holding)> =
            used.iter().map(|(framework, role, text)| (*framework, *role, self.resources(text))).collect();
        let groups: Vec<[Allocated<'_>; 1]> =
            parts.iter().map(|(_, role, resources)| [allocated(role, resources)]).collect();
        let used: Vec<UsedByFramework<'_>> = parts
            .iter()
            .zip(&groups)
            .map(|(part, used)| UsedByFramework { framework: part.0.as_bytes(), used })
            .collect();
        call(self, &used)
    }

    /// An agent gets more, with (framework, role, resources) of it in use by operations; that requests no run.
    pub(crate) fn add_provider(&mut self, agent: &str, total: &str, used: &[(&str, &str, &str)]) {
        let total = self.resources(total);
        let offers = self.with_used(used, |cluster, used| {
            cluster.send(&Event::AddResourceProvider { agent: agent.as_bytes(), total: &total, used })
        });
        assert!(offers.is_empty(), "adding a provider requests no run");
    }

    /// A framework holds more on an agent than before: served once.
    pub(crate) fn give(&mut self, framework: &str, role: &str, agent: &str, resources: &str) {
        self.add_provider(agent, "", &[(framework, role, resources)]);
    }

    /// An agent on a host of its name tells what it has now.
    pub(crate) fn update_total(&mut self, agent: &str, total: &str) -> Vec<Offered> {
        let total = self.resources(total);
        let info = AgentInfo { hostname: agent.as_bytes(), ..AgentInfo::default() };
        self.update_agent(agent, info, Some(&total), None)
    }

    pub(crate) fn update_agent(
        &mut self,
        agent: &str,
        info: AgentInfo<'_>,
        total: Option<&Holding>,
        capabilities: Option<AgentCapabilities>,
    ) -> Vec<Offered> {
        self.send(&Event::UpdateAgent { agent: agent.as_bytes(), info, total, capabilities })
    }

    pub(crate) fn remove_agent(&mut self, name: &str) {
        assert!(self.send(&Event::RemoveAgent { agent: name.as_bytes() }).is_empty());
    }

    pub(crate) fn deactivate_agent(&mut self, name: &str) {
        assert!(self.send(&Event::DeactivateAgent { agent: name.as_bytes() }).is_empty());
    }

    /// An agent's maintenance window is set or dropped, which requests a run for it.
    pub(crate) fn set_window(&mut self, agent: &str, window: Option<Unavailability>) -> Vec<Offered> {
        self.send(&Event::UpdateUnavailability { agent: agent.as_bytes(), unavailability: window })
    }

    /// A framework answers an inverse offer, or it ends without an answer; that requests no run.
    pub(crate) fn answer(
        &mut self,
        (framework, agent): (&str, &str),
        status: Option<&str>,
        refuse_seconds: Option<f64>,
    ) {
        let offers = self.send(&Event::UpdateInverseOffer {
            agent: agent.as_bytes(),
            framework: framework.as_bytes(),
            status: status.map(str::as_bytes),
            refuse_seconds,
        });
        assert!(offers.is_empty() && self.inverse_offers.is_empty());
    }

    pub(crate) fn activate_agent(&mut self, name: &str) {
        assert!(self.send(&Event::ActivateAgent { agent: name.as_bytes() }).is_empty());
    }

    /// Only these hosts are offered, which requests no run.
    pub(crate) fn whitelist(&mut self, hostnames: Option<&[&str]>) {
        let hostnames = hostnames.map(bytes);
        let offers = self.send(&Event::UpdateWhitelist { hostnames: hostnames.as_deref() });
        assert!(offers.is_empty());
    }
}

/// Calls about resources and roles.
impl Cluster {
    pub(crate) fn set_weights(&mut self, weights: &[(&str, f64)]) {
        let weights: Vec<(&[u8], f64)> =
            weights.iter().map(|(role, weight)| (role.as_bytes(), *weight)).collect();
        assert!(self.send(&Event::UpdateWeights { weights: &weights }).is_empty());
    }

    /// Sets guarantees and limits, which requests no run.
    pub(crate) fn set_quota(&mut self, role: &str, guarantees: &str, limits: &str) {
        let quota = quota(guarantees, limits);
        assert!(self.send(&Event::UpdateQuota { role: role.as_bytes(), quota: &quota }).is_empty());
    }

    /// Gives resources back; `refuse` as the framework says it.
    pub(crate) fn recover(
        &mut self,
        offer: &Offered,
        resources: &Holding,
        refuse: Option<f64>,
        allocated: bool,
    ) {
        self.recover_from((&*offer.framework, &*offer.role, &*offer.agent), resources, refuse, allocated);
    }

    /// Gives back what a (framework, role, agent) holds.
    pub(crate) fn recover_from(
        &mut self,
        (framework, role, agent): (&str, &str, &str),
        resources: &Holding,
        refuse: Option<f64>,
        allocated: bool,
    ) {
        let group = [self::allocated(role, resources)];
        let offers = self.send(&Event::RecoverResources {
            framework: framework.as_bytes(),
            agent: agent.as_bytes(),
            resources: &group,
            refuse_seconds: refuse,
            allocated,
        });
        assert!(offers.is_empty(), "recovering requests no run");
    }

    /// Tasks of a (framework, role, agent) that used these resources ended.
    pub(crate) fn end_task(&mut self, holder: (&str, &str, &str), resources: &str) {
        let resources = self.resources(resources);
        self.recover_from(holder, &resources, None, true);
    }

    /// An offer, or an operation, of a (framework, role, agent) ended.
    pub(crate) fn give_back(&mut self, holder: (&str, &str, &str), resources: &str) {
        let resources = self.resources(resources);
        self.recover_from(holder, &resources, None, false);
    }

    pub(crate) fn decline(&mut self, offer: &Offered, refuse: f64) {
        self.recover(offer, &offer.resources, Some(refuse), false);
    }

    /// Returns offers without filter, as when they are rescinded.
    pub(crate) fn rescind(&mut self, offers: &[Offered]) {
        for offer in offers {
            self.recover(offer, &offer.resources, None, false);
        }
    }

    /// Launches with part of an offer and declines the rest without filter.
    pub(crate) fn accept(&mut self, offer: &Offered, used: &str) {
        let used = self.resources(used);
        let mut rest = offer.resources.clone();
        rest.subtract(&used);
        self.recover(offer, &rest, None, false);
        self.launch(offer, &used);
    }

    /// Launches with these resources of an offer.
    pub(crate) fn launch(&mut self, offer: &Offered, used: &Holding) {
        let group = [allocated(&offer.role, used)];
        self.send(&Event::UseLent {
            framework: Some(offer.framework.as_bytes()),
            agent: offer.agent.as_bytes(),
            resources: &group,
        });
        self.send(&Event::TransitionOfferedToAllocated { agent: offer.agent.as_bytes(), resources: &group });
    }

    /// A change of resources into others.
    pub(crate) fn conversion(&mut self, consumed: &str, converted: &str) -> Conversion {
        let (consumed, converted) = (self.resources(consumed), self.resources(converted));
        Conversion { consumed, converted, ..Conversion::default() }
    }

    /// The offer after its resources were converted.
    pub(crate) fn convert(&mut self, offer: &Offered, conversions: &[Conversion]) -> Offered {
        let offers = self.send(&Event::UpdateAllocation {
            framework: offer.framework.as_bytes(),
            agent: offer.agent.as_bytes(),
            role: offer.role.as_bytes(),
            offered: &offer.resources,
            conversions,
        });
        assert!(offers.is_empty(), "converting requests no run");
        let mut after = offer.clone();
        for conversion in conversions {
            conversion.apply(&mut after.resources).unwrap();
        }
        after
    }

    /// An operator's change of what nobody holds.
    pub(crate) fn update_available(
        &mut self,
        agent: &str,
        conversions: &[Conversion],
    ) -> Result<(), CannotUpdateAvailable> {
        let event = Event::UpdateAvailable { agent: agent.as_bytes(), conversions };
        let (effects, offers) = self.try_send(&event).unwrap();
        assert!(offers.is_empty());
        effects.available_updated.unwrap()
    }
}

/// Resources with a role; an empty one is none.
fn allocated<'a>(role: &'a str, resources: &'a Holding) -> Allocated<'a> {
    Allocated { role: (!role.is_empty()).then_some(role.as_bytes()), resources }
}
