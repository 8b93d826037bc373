//! Calls about agents.

use std::collections::{BTreeMap, BTreeSet};

use super::Allocator;
use super::ledger::Free;
use crate::agents::{Absent, Agent, Held, Maintenance, Registration};
use crate::effect::{Effects, Violation};
use crate::event::{
    AgentCapabilities, AgentInfo, Allocated, Event, ExcludedFrom, Unavailability, UsedByFramework,
};
use crate::holding::Holding;
use crate::ids::AgentId;
use crate::inverse_offers::InverseAnswer;
use crate::lending::Part;
use crate::notice::Notice;
use crate::options::Instant;

impl Allocator {
    /// The calls about one agent, or about which agents to offer.
    pub(super) fn apply_to_agent(
        &mut self,
        event: &Event<'_>,
        now: Instant,
        effects: &mut Effects,
    ) -> Result<(), Violation> {
        let call = event.name();
        match *event {
            Event::AddAgent { agent, info, capabilities, unavailability, total, used } => {
                let registration = Registration::from(info);
                let record = Agent {
                    name: agent.into(),
                    registration: Box::new(registration),
                    capabilities,
                    maintenance: unavailability.map(maintenance),
                    total: total.clone(),
                    reclaims: info.reclaims,
                    active: true,
                    ..Agent::default()
                };
                self.add_agent(record, info.excluded_from, used, effects)
            }
            Event::RemoveAgent { agent } => {
                let agent = self.known_agent(call, agent)?;
                self.remove_agent(agent);
                Ok(())
            }
            Event::UpdateAgent { agent, info, total, capabilities } => {
                let agent = self.known_agent(call, agent)?;
                self.update_agent(agent, info, total, capabilities, effects);
                Ok(())
            }
            Event::AddResourceProvider { agent, total, used } => {
                let agent = self.known_agent(call, agent)?;
                self.add_resource_provider(agent, total, used, effects)
            }
            Event::ActivateAgent { agent } => {
                let agent = self.known_agent(call, agent)?;
                self.agents.get_mut(agent).active = true;
                Ok(())
            }
            Event::DeactivateAgent { agent } => {
                let agent = self.known_agent(call, agent)?;
                self.agents.get_mut(agent).active = false;
                Ok(())
            }
            Event::UpdateWhitelist { hostnames } => {
                self.update_whitelist(hostnames, effects);
                Ok(())
            }
            Event::UpdateUnavailability { agent, unavailability } => {
                let agent = self.known_agent(call, agent)?;
                self.set_maintenance(agent, unavailability.map(maintenance));
                self.request_run(agent, effects);
                Ok(())
            }
            Event::UpdateInverseOffer { agent, framework, status, refuse_seconds } => {
                let answer = InverseAnswer { agent, framework, status, refuse_seconds };
                self.update_inverse_offer(call, answer, now, effects)
            }
            _ => Ok(()),
        }
    }

    fn add_agent(
        &mut self,
        mut record: Agent,
        excluded_from: &[ExcludedFrom<'_>],
        used: &[UsedByFramework<'_>],
        effects: &mut Effects,
    ) -> Result<(), Violation> {
        if self.agents.find(&record.name).is_some() {
            return Err(Violation::AgentAddedTwice { agent: record.name });
        }
        self.check_roles_named("add agent", &record.name, used)?;
        record.whitelisted = self.is_whitelisted(&record.registration.hostname);
        record.remote = self.is_remote(&record.registration);
        let reported = std::mem::take(&mut record.total);
        let has_maintenance = record.maintenance.is_some();
        let agent = self.agents.add(record).ok_or(Violation::Full { call: "add agent" })?;
        if has_maintenance {
            self.maintained.insert(agent.index());
        }
        self.exclude_agent(agent, excluded_from);
        let total = self.without_estimated(agent, &reported, effects);
        self.count_total(&total);
        let total = self.shapes.share(total.into_owned());
        self.agents.get_mut(agent).total = total;
        for entry in used {
            self.add_used(agent, entry, true, effects);
        }
        self.refresh_agent(agent);
        if let Some(recovery) = self.recovery
            && self.agents.len() as u64 >= recovery.agents
        {
            self.end_recovery(false, effects);
        }
        self.request_run(agent, effects);
        Ok(())
    }

    /// Books what a framework, known or not, uses of an agent. `by_tasks`: tasks and executors use it, not operations.
    fn add_used(
        &mut self,
        agent: AgentId,
        entry: &UsedByFramework<'_>,
        by_tasks: bool,
        effects: &mut Effects,
    ) {
        for Allocated { role, resources } in entry.used {
            let role = role.map(|role| self.roles.intern(role));
            match (self.frameworks.find(entry.framework), role) {
                (Some(framework), Some(role)) => {
                    let (regular, lent) = self.split(agent, resources);
                    self.hold(framework, role, agent, &regular, true);
                    if by_tasks {
                        self.use_more(role, agent, &regular);
                    }
                    self.lend((framework, role), agent, &lent, Part::Used);
                }
                (_, role) => {
                    let record = self.agents.get_mut(agent);
                    if role.is_none() {
                        effects.notices.push(Notice::UsedWithoutRole {
                            framework: entry.framework.into(),
                            agent: record.name.clone(),
                        });
                    }
                    record.absent.push(Absent {
                        framework: entry.framework.into(),
                        role,
                        resources: (*resources).clone(),
                        used: if by_tasks { (*resources).clone() } else { Holding::default() },
                    });
                    self.absent_on.entry(entry.framework.into()).or_default().insert(agent.index());
                }
            }
        }
    }

    /// What a known framework uses must be allocated to some role; nothing is changed before this is known.
    fn check_roles_named(
        &self,
        call: &'static str,
        agent: &[u8],
        used: &[UsedByFramework<'_>],
    ) -> Result<(), Violation> {
        let known = used.iter().filter(|entry| self.frameworks.find(entry.framework).is_some());
        match known.flat_map(|entry| entry.used).find(|group| group.role.is_none()) {
            Some(group) => Err(self.no_role(call, agent, group.resources)),
            None => Ok(()),
        }
    }

    /// An agent is excluded by offer constraints where `excluded_from` says so, and nowhere else. Says whether that is
    /// new.
    fn exclude_agent(&mut self, agent: AgentId, excluded_from: &[ExcludedFrom<'_>]) -> bool {
        let before = self.exclusions.of_agent(agent.index());
        self.exclusions.forget_agent(agent.index());
        for ExcludedFrom { framework, role } in excluded_from {
            if let (Some(framework), Some(role)) = (self.frameworks.find(framework), self.roles.find(role)) {
                self.exclusions.exclude(framework.slot(), role, agent.index());
            }
        }
        before != self.exclusions.of_agent(agent.index())
    }

    fn remove_agent(&mut self, agent: AgentId) {
        for (role, resources) in self.agents.get(agent).used.clone() {
            self.use_less(role, agent, &resources);
        }
        for Held { framework, role, resources } in self.agents.get(agent).held.clone() {
            self.release(framework, role, agent, &resources);
            self.leave_if_idle(framework, role);
        }
        self.forget_loans_on(agent);
        self.count_free(agent, Free::Gone);
        let last = self.agents.remove(agent);
        self.discount_total(&last.total);
        for absent in last.absent {
            self.forget_absent(&absent.framework, agent);
        }
        self.filters.drop_agent(agent.slot());
        self.inverse_filters.drop_agent(agent.slot());
        self.maintained.remove(agent.index());
        self.exclusions.forget_agent(agent.index());
        self.candidates.forget(agent.index());
    }

    /// A framework that was never added holds nothing on an agent any more.
    pub(super) fn forget_absent(&mut self, framework: &[u8], agent: AgentId) {
        if let Some(agents) = self.absent_on.get_mut(framework) {
            agents.remove(&agent.index());
            if agents.is_empty() {
                self.absent_on.remove(framework);
            }
        }
    }

    fn update_agent(
        &mut self,
        agent: AgentId,
        info: AgentInfo<'_>,
        total: Option<&Holding>,
        capabilities: Option<AgentCapabilities>,
        effects: &mut Effects,
    ) {
        let new = Registration::from(info);
        let old = &self.agents.get(agent).registration;
        let mut changed = **old != new;
        if old.attributes != new.attributes {
            let count = self.filters.drop_agent(agent.slot());
            self.inverse_filters.drop_agent(agent.slot());
            if count > 0 {
                let agent = self.agents.get(agent).name.clone();
                effects.notices.push(Notice::FiltersDropped { agent, count });
            }
        }
        changed |= self.exclude_agent(agent, info.excluded_from);
        let (whitelisted, remote) = (self.is_whitelisted(&new.hostname), self.is_remote(&new));
        let record = self.agents.get_mut(agent);
        *record.registration = new;
        record.whitelisted = whitelisted;
        record.remote = remote;
        let begins_to_lend = info.reclaims && !record.reclaims;
        changed |= info.reclaims != record.reclaims;
        record.reclaims = info.reclaims;
        if let Some(capabilities) = capabilities.filter(|new| *new != record.capabilities) {
            record.capabilities = capabilities;
            record.warned = false;
            changed = true;
        }
        let known = begins_to_lend.then(|| self.agents.get(agent).total.clone());
        if begins_to_lend {
            self.lend_what_is_held_of_estimate(agent);
        }
        if let Some(total) = total.or(known.as_ref()) {
            let total = self.without_estimated(agent, total, effects);
            changed |= self.update_total(agent, &total);
        }
        if changed {
            self.touch(agent);
            self.request_run(agent, effects);
        }
    }

    fn add_resource_provider(
        &mut self,
        agent: AgentId,
        added: &Holding,
        used: &[UsedByFramework<'_>],
        effects: &mut Effects,
    ) -> Result<(), Violation> {
        self.check_roles_named("add resource provider", &self.agents.get(agent).name, used)?;
        let mut total = self.agents.get(agent).total.clone();
        total.add(&self.without_estimated(agent, added, effects));
        self.update_total(agent, &total);
        for entry in used {
            self.add_used(agent, entry, false, effects);
        }
        self.refresh_agent(agent);
        Ok(())
    }

    fn update_whitelist(&mut self, hostnames: Option<&[&[u8]]>, effects: &mut Effects) {
        if hostnames.is_some_and(<[&[u8]]>::is_empty) {
            effects.notices.push(Notice::EmptyWhitelist);
        }
        self.whitelist = hostnames.map(|names| names.iter().map(|name| (*name).into()).collect());
        let agents: Vec<AgentId> = self.agents.ids().collect();
        for agent in agents {
            let whitelisted = self.is_whitelisted(&self.agents.get(agent).registration.hostname);
            self.agents.get_mut(agent).whitelisted = whitelisted;
        }
    }

    pub(crate) fn is_whitelisted(&self, hostname: &[u8]) -> bool {
        self.whitelist.as_ref().is_none_or(|hosts| hosts.contains(hostname))
    }

    /// Whether an agent is in another region; without a fault domain on both sides it is not.
    pub(crate) fn is_remote(&self, registration: &Registration) -> bool {
        match (&self.options.region, &registration.region) {
            (Some(own), Some(theirs)) => own != theirs,
            _ => false,
        }
    }
}

fn maintenance(unavailability: Unavailability) -> Box<Maintenance> {
    Box::new(Maintenance { unavailability, statuses: BTreeMap::new(), outstanding: BTreeSet::new() })
}
