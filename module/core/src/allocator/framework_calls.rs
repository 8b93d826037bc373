//! Calls about frameworks.

use std::collections::{BTreeMap, BTreeSet};

use super::Allocator;
use crate::agents::{Absent, Held};
use crate::effect::{Effects, Violation};
use crate::event::{Event, FrameworkInfo, UsedOnAgent};
use crate::frameworks::Framework;
use crate::holding::Holding;
use crate::ids::{AgentId, FrameworkId, RoleId};
use crate::lending::Part;
use crate::notice::Notice;

/// What a framework that comes already has on an agent in a role.
#[derive(Debug, Default)]
struct Taken {
    resources: Holding,
    /// The part that tasks and executors use.
    used: Holding,
}

impl Allocator {
    /// The calls about one framework.
    pub(super) fn apply_to_framework(
        &mut self,
        event: &Event<'_>,
        effects: &mut Effects,
    ) -> Result<(), Violation> {
        let call = event.name();
        match *event {
            Event::AddFramework { framework, info, used, active } => {
                return self.add_framework(framework, &info, used, active, effects);
            }
            Event::RemoveFramework { framework } => {
                let framework = self.known_framework(call, framework)?;
                self.remove_framework(framework);
            }
            Event::ActivateFramework { framework } => {
                let framework = self.known_framework(call, framework)?;
                self.set_framework_active(framework, true);
                self.request_run_for(framework, effects);
            }
            Event::DeactivateFramework { framework } => {
                let framework = self.known_framework(call, framework)?;
                self.set_framework_active(framework, false);
                self.filters.drop_framework(framework.slot());
                self.inverse_filters.drop_framework(framework.slot());
            }
            Event::UpdateFramework { framework, info } => {
                let framework = self.known_framework(call, framework)?;
                self.update_framework(call, framework, &info, effects);
            }
            Event::SuppressOffers { framework, roles } => {
                let framework = self.known_framework(call, framework)?;
                for role in self.subscribed_roles(call, framework, roles, effects) {
                    self.set_suppressed(framework, role, true);
                }
            }
            Event::ReviveOffers { framework, roles } => {
                let framework = self.known_framework(call, framework)?;
                for role in self.subscribed_roles(call, framework, roles, effects) {
                    self.filters.drop_party((framework.slot(), role));
                    self.set_suppressed(framework, role, false);
                }
                self.lending.reopen_all();
                self.inverse_filters.drop_framework(framework.slot());
                self.request_run_for(framework, effects);
            }
            Event::RequestResources { framework } => {
                effects.notices.push(Notice::RequestIgnored { framework: framework.into() });
            }
            _ => {}
        }
        Ok(())
    }

    fn add_framework(
        &mut self,
        name: &[u8],
        info: &FrameworkInfo<'_>,
        used: &[UsedOnAgent<'_>],
        active: bool,
        effects: &mut Effects,
    ) -> Result<(), Violation> {
        if self.frameworks.find(name).is_some() {
            return Err(Violation::FrameworkAddedTwice { framework: name.into() });
        }
        for entry in used {
            if let Some(group) = entry.used.iter().find(|group| group.role.is_none()) {
                return Err(self.no_role("add framework", entry.agent, group.resources));
            }
        }
        let record = Framework { name: name.into(), active, ..Framework::default() };
        let framework = self.frameworks.add(record).ok_or(Violation::Full { call: "add framework" })?;
        self.subscribe(framework, info);
        self.suppress_as_told("add framework", framework, info, effects);
        self.take_over_used(framework, name, used);
        self.exclude_agents(framework, info);
        let roles: Vec<RoleId> =
            self.frameworks.get(framework).memberships.iter().map(|member| member.role).collect();
        for role in roles {
            self.sync_turn(framework, role);
        }
        if active {
            self.request_run_for(framework, effects);
        }
        Ok(())
    }

    /// Gives a framework what agents reported before it came, and what it is said to use beyond that.
    ///
    /// The two reports overlap. What agents told is on their books already and moves over; only what nobody told
    /// before is added, so nothing counts twice. However many reports there were, the framework was given something
    /// once on each agent in each role.
    fn take_over_used(&mut self, framework: FrameworkId, name: &[u8], used: &[UsedOnAgent<'_>]) {
        let mut taken: BTreeMap<(AgentId, RoleId), Taken> = BTreeMap::new();
        for slot in self.absent_on.remove(name).unwrap_or_default() {
            let Some(agent) = self.agents.at(slot) else { continue };
            let record = self.agents.get_mut(agent);
            let (own, others): (Vec<Absent>, Vec<Absent>) =
                record.absent.drain(..).partition(|absent| *absent.framework == *name);
            record.absent = others;
            for absent in own {
                // What came without a role is in `used` too, with its role.
                let Some(role) = absent.role else { continue };
                let entry = taken.entry((agent, role)).or_default();
                entry.resources.add(&absent.resources);
                entry.used.add(&absent.used);
            }
            self.refresh_agent(agent);
        }
        for entry in used {
            let Some(agent) = self.agents.find(entry.agent) else { continue };
            for group in entry.used {
                let Some(role) = group.role else { continue };
                let taken = taken.entry((agent, self.roles.intern(role))).or_default();
                let mut untold = group.resources.clone();
                untold.subtract(&taken.resources);
                taken.resources.add(&untold);
                taken.used.add(&untold);
            }
        }
        for ((agent, role), Taken { resources, used }) in taken {
            let (regular, lent) = self.split(agent, &resources);
            self.hold(framework, role, agent, &regular, true);
            self.use_more(role, agent, &self.split(agent, &used).0);
            self.lend((framework, role), agent, &lent, Part::Used);
            self.refresh_agent(agent);
        }
    }

    /// Agents are excluded by a framework's offer constraints where `info` says so, and nowhere else.
    fn exclude_agents(&mut self, framework: FrameworkId, info: &FrameworkInfo<'_>) {
        self.exclusions.forget_framework(framework.slot());
        for entry in info.excluded_agents {
            let Some(role) = self.roles.find(entry.role) else { continue };
            for agent in entry.agents.iter().filter_map(|agent| self.agents.find(agent)) {
                self.exclusions.exclude(framework.slot(), role, agent.index());
            }
        }
    }

    fn remove_framework(&mut self, framework: FrameworkId) {
        let holds_there = |agent: &AgentId| {
            let held = &self.agents.get(*agent).held;
            let first = held.partition_point(|held| held.framework < framework);
            held.get(first).is_some_and(|held| held.framework == framework)
        };
        let agents: Vec<AgentId> = self.agents.ids().filter(holds_there).collect();
        for agent in agents {
            let held = self.agents.get(agent).held.clone();
            for Held { role, resources, .. } in held.into_iter().filter(|held| held.framework == framework) {
                self.release(framework, role, agent, &resources);
                self.forget_orphaned_use(role, agent);
            }
        }
        self.forget_loans_of(framework);
        self.candidates.forget_framework(framework);
        self.filters.drop_framework(framework.slot());
        self.inverse_filters.drop_framework(framework.slot());
        self.exclusions.forget_framework(framework.slot());
        let record = self.frameworks.get_mut(framework);
        let roles: Vec<RoleId> = record.memberships.iter().map(|member| member.role).collect();
        for member in &mut record.memberships {
            member.subscribed = false;
        }
        for role in roles {
            self.leave_if_idle(framework, role);
        }
        self.frameworks.remove(framework);
    }

    fn set_framework_active(&mut self, framework: FrameworkId, active: bool) {
        let record = self.frameworks.get_mut(framework);
        record.active = active;
        let roles: Vec<RoleId> = record.memberships.iter().map(|member| member.role).collect();
        for role in roles {
            self.sync_turn(framework, role);
        }
    }

    fn update_framework(
        &mut self,
        call: &'static str,
        framework: FrameworkId,
        info: &FrameworkInfo<'_>,
        effects: &mut Effects,
    ) {
        let before: BTreeSet<RoleId> = self.frameworks.get(framework).subscribed().collect();
        let suppressed_before: Vec<RoleId> = self.suppressed_roles(framework);
        self.subscribe(framework, info);
        self.exclude_agents(framework, info);
        self.inverse_filters.drop_framework(framework.slot());
        let now: BTreeSet<RoleId> = self.frameworks.get(framework).subscribed().collect();
        for role in before.difference(&now) {
            self.filters.drop_party((framework.slot(), *role));
        }
        self.suppress_as_told(call, framework, info, effects);
        let suppressed_now = self.suppressed_roles(framework);
        for role in suppressed_before {
            if now.contains(&role) && !suppressed_now.contains(&role) {
                self.filters.drop_party((framework.slot(), role));
            }
        }
        for role in before.union(&now) {
            self.sync_turn(framework, *role);
            self.leave_if_idle(framework, *role);
        }
        // Requests no run, but the next one may find takers for what nobody wanted so far.
        self.wake(framework);
        self.lending.reopen_all();
    }

    /// Makes the subscription of a framework what `info` says, except for suppressed roles.
    fn subscribe(&mut self, framework: FrameworkId, info: &FrameworkInfo<'_>) {
        let record = self.frameworks.get_mut(framework);
        record.capabilities = info.capabilities;
        for member in &mut record.memberships {
            member.subscribed = false;
            member.min_allocatable = None;
        }
        for role in info.roles {
            let role = self.roles.intern(role);
            self.join(framework, role);
            if let Some(member) = self.frameworks.get_mut(framework).membership_mut(role) {
                member.subscribed = true;
            }
        }
        for minimum in info.min_allocatable {
            let alternatives = self.resolve_minimum(minimum.alternatives);
            let Some(role) = self.roles.find(minimum.role) else { continue };
            if let Some(member) = self.frameworks.get_mut(framework).membership_mut(role) {
                member.min_allocatable = Some(alternatives);
            }
        }
    }

    /// Makes the suppressed roles of a framework those that `info` names.
    fn suppress_as_told(
        &mut self,
        call: &'static str,
        framework: FrameworkId,
        info: &FrameworkInfo<'_>,
        effects: &mut Effects,
    ) {
        for member in &mut self.frameworks.get_mut(framework).memberships {
            member.suppressed = false;
        }
        if info.suppressed.is_empty() {
            return;
        }
        for role in self.subscribed_roles(call, framework, info.suppressed, effects) {
            if let Some(member) = self.frameworks.get_mut(framework).membership_mut(role) {
                member.suppressed = true;
            }
        }
    }

    fn suppressed_roles(&self, framework: FrameworkId) -> Vec<RoleId> {
        let members = self.frameworks.get(framework).memberships.iter();
        members.filter(|member| member.suppressed).map(|member| member.role).collect()
    }

    fn set_suppressed(&mut self, framework: FrameworkId, role: RoleId, suppressed: bool) {
        if let Some(member) = self.frameworks.get_mut(framework).membership_mut(role) {
            member.suppressed = suppressed;
        }
        self.sync_turn(framework, role);
    }

    /// Those of the named roles that a framework is subscribed to; all of its roles if none is named.
    fn subscribed_roles(
        &self,
        call: &'static str,
        framework: FrameworkId,
        named: &[&[u8]],
        effects: &mut Effects,
    ) -> Vec<RoleId> {
        let record = self.frameworks.get(framework);
        if named.is_empty() {
            return record.subscribed().collect();
        }
        let mut roles = Vec::with_capacity(named.len());
        for name in named {
            let role = self.roles.find(name);
            match role.filter(|role| record.membership(*role).is_some_and(|member| member.subscribed)) {
                Some(role) => roles.push(role),
                None => effects.notices.push(Notice::NotSubscribed {
                    call,
                    framework: record.name.clone(),
                    role: (*name).into(),
                }),
            }
        }
        roles
    }
}
