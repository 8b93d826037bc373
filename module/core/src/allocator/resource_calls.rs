//! Calls about resources that are offered, in use, changed or free again.

use std::borrow::Cow;

use super::Allocator;
use super::ledger::scalars;
use crate::agents::Absent;
use crate::effect::{CannotUpdateAvailable, Effects, Violation};
use crate::event::{Allocated, Event};
use crate::filters::Refusal;
use crate::holding::{Conversion, DoesNotApply, Holding};
use crate::ids::{AgentId, FrameworkId, RoleId};
use crate::lending::{Part, Returned};
use crate::notice::Notice;
use crate::options::Instant;
use crate::quantities::Quantities;

/// One `recover resources` call about a framework that is known.
#[derive(Debug, Clone)]
struct Recovered {
    framework: FrameworkId,
    agent: AgentId,
    role: RoleId,
    resources: Holding,
    refusal: Option<Refusal>,
    allocated: bool,
    now: Instant,
}

impl Allocator {
    pub(super) fn update_allocation(
        &mut self,
        framework_name: &[u8],
        agent_name: &[u8],
        role_name: &[u8],
        offered: &Holding,
        conversions: &[Conversion],
        effects: &mut Effects,
    ) -> Result<(), Violation> {
        let call = "update allocation";
        let framework = self.known_framework(call, framework_name)?;
        let agent = self.known_agent(call, agent_name)?;
        let (offered, _) = self.split(agent, offered);
        let offered = &*offered;
        if offered.is_empty() && conversions.is_empty() {
            return Ok(());
        }
        let (role, offered) = self.check_held(call, framework, agent, role_name, offered)?;
        let offered = &offered;
        let bad = |(position, reason)| Violation::BadConversion {
            call,
            framework: framework_name.into(),
            agent: agent_name.into(),
            position,
            reason,
        };
        let updated = converted(offered, conversions, |_| true).map_err(bad)?;
        if !self.is_balanced(offered, &updated, conversions) {
            let (framework, agent) = (framework_name.into(), agent_name.into());
            effects.notices.push(Notice::AmountsChanged { framework, agent });
        }
        // Further copies of shared volumes come into use without the agent having more of them.
        let total = &self.agents.get(agent).total;
        let total =
            converted(total, conversions, |conversion| !conversion.consumed.is_empty()).map_err(bad)?;
        self.release(framework, role, agent, offered);
        self.hold(framework, role, agent, &updated, false);
        self.forget_orphaned_use(role, agent);
        self.update_total(agent, &total);
        self.leave_if_idle(framework, role);
        Ok(())
    }

    pub(super) fn update_available(
        &mut self,
        agent: &[u8],
        conversions: &[Conversion],
    ) -> Result<(), CannotUpdateAvailable> {
        let agent = self.agents.find(agent).ok_or(CannotUpdateAvailable::UnknownAgent)?;
        let record = self.agents.get(agent);
        converted(&record.available, conversions, |_| true)
            .map_err(|(position, reason)| CannotUpdateAvailable::NotAvailable { position, reason })?;
        let total = converted(&record.total, conversions, |_| true)
            .map_err(|(position, reason)| CannotUpdateAvailable::NotInTotal { position, reason })?;
        self.update_total(agent, &total);
        Ok(())
    }

    pub(super) fn transition_offered_to_allocated(
        &mut self,
        agent_name: &[u8],
        groups: &[Allocated<'_>],
    ) -> Result<(), Violation> {
        let call = "transition offered to allocated";
        let agent = self.known_agent(call, agent_name)?;
        let groups = merged(groups);
        let mut changes = Vec::with_capacity(groups.len());
        for (role, resources) in &groups {
            let role_name = role.ok_or_else(|| self.no_role(call, agent_name, resources))?;
            let role = self.roles.intern(role_name);
            let (resources, _) = self.split(agent, resources);
            let mut used = self.agents.get(agent).used.get(&role).cloned().unwrap_or_default();
            used.add(&resources);
            let held = self.held_in_role(role, agent);
            if !held.contains(&used) {
                return Err(Violation::NotOffered {
                    call,
                    role: role_name.into(),
                    agent: agent_name.into(),
                    wanted: self.describe(&used).to_string(),
                    held: self.describe(&held).to_string(),
                });
            }
            changes.push((role, resources));
        }
        for (role, resources) in changes {
            self.use_more(role, agent, &resources);
        }
        Ok(())
    }

    pub(super) fn recover_resources(
        &mut self,
        event: &Event<'_>,
        now: Instant,
        effects: &mut Effects,
    ) -> Result<(), Violation> {
        let call = event.name();
        let &Event::RecoverResources { framework, agent, resources, refuse_seconds, allocated } = event
        else {
            return Ok(());
        };
        if resources.iter().all(|group| group.resources.is_empty()) {
            return Ok(());
        }
        let Some(agent_id) = self.agents.find(agent) else {
            effects.notices.push(Notice::StaleAgent { call, agent: agent.into() });
            return Ok(());
        };
        let Some(framework_id) = self.frameworks.find(framework) else {
            self.recover_from_absent(call, framework, agent_id, resources, allocated, effects);
            return Ok(());
        };
        let refusal = refuse_seconds.map(|seconds| {
            let refusal = Refusal::from_seconds(seconds);
            if refusal.replaced {
                let (said, used) = (seconds, refusal.time);
                effects.notices.push(Notice::RefusalTime { framework: framework.into(), said, used });
            }
            refusal
        });
        let given = merged(resources);
        let (mut regular, mut lent) = (Vec::with_capacity(given.len()), Vec::new());
        for (role, resources) in given.iter().filter(|(_, resources)| !resources.is_empty()) {
            let role = role.ok_or_else(|| self.no_role(call, agent, resources))?;
            let (regular_part, lent_part) = self.split(agent_id, resources);
            if !regular_part.is_empty() {
                regular.push((role, regular_part));
            }
            if !lent_part.is_empty() {
                lent.push((role, lent_part));
            }
        }
        let groups = regular.iter().map(|(role, resources)| {
            let (role, resources) = self.check_held(call, framework_id, agent_id, role, resources)?;
            if allocated {
                self.check_used(call, agent_id, role, &resources)?;
            }
            Ok(Recovered {
                framework: framework_id,
                agent: agent_id,
                role,
                resources,
                refusal,
                allocated,
                now,
            })
        });
        // All or nothing: the first group must not change before the last is known to fit.
        let groups = groups.collect::<Result<Vec<_>, Violation>>()?;
        for group in groups {
            self.recover_group(group);
        }
        for (role, resources) in &lent {
            let role = self.roles.intern(role);
            let part = if allocated { Part::Used } else { Part::Offered };
            let (framework, agent) = (framework_id, agent_id);
            self.take_back(&Returned { framework, role, agent, resources, part, refusal, now }, effects);
        }
        Ok(())
    }

    /// Tasks and executors must use all of `resources` on the agent.
    fn check_used(
        &self,
        call: &'static str,
        agent: AgentId,
        role: RoleId,
        resources: &Holding,
    ) -> Result<(), Violation> {
        let record = self.agents.get(agent);
        let used = record.used.get(&role);
        if used.is_some_and(|used| used.contains(resources)) {
            return Ok(());
        }
        Err(Violation::NotUsed {
            call,
            agent: record.name.clone(),
            wanted: self.describe(resources).to_string(),
            used: used.map(|used| self.describe(used).to_string()).unwrap_or_default(),
        })
    }

    fn recover_group(&mut self, recovered: Recovered) {
        let Recovered { framework, agent, role, resources, refusal, allocated, now } = recovered;
        if allocated {
            self.use_less(role, agent, &resources);
        }
        self.release(framework, role, agent, &resources);
        if !allocated {
            // What comes back as unused is not used any more, whatever was said of it before.
            self.forget_orphaned_use(role, agent);
        }
        if let Some(refusal) = refusal {
            self.filters.install(
                ((framework.slot(), role), agent.slot()),
                resources,
                (refusal.time, self.options.allocation_interval),
                now,
                self.batches,
            );
        }
        self.leave_if_idle(framework, role);
    }

    /// Something comes back from a framework that was never added, or is gone.
    fn recover_from_absent(
        &mut self,
        call: &'static str,
        framework: &[u8],
        agent: AgentId,
        groups: &[Allocated<'_>],
        allocated: bool,
        effects: &mut Effects,
    ) {
        let record = self.agents.get_mut(agent);
        let mut found = false;
        for Allocated { role, resources } in groups {
            let role = role.and_then(|role| self.roles.find(role));
            let own = |absent: &&mut Absent| {
                *absent.framework == *framework
                    && (absent.role == role || absent.role.is_none())
                    && absent.resources.contains(resources)
            };
            if let Some(absent) = record.absent.iter_mut().find(own) {
                absent.resources.subtract(resources);
                if allocated {
                    absent.used.subtract(resources);
                }
                let mut orphaned = absent.used.clone();
                orphaned.subtract(&absent.resources);
                absent.used.subtract(&orphaned);
                found = true;
            }
        }
        if !found {
            effects.notices.push(Notice::StaleFramework { call, framework: framework.into() });
            return;
        }
        record.absent.retain(|absent| !absent.resources.is_empty());
        if !record.absent.iter().any(|absent| *absent.framework == *framework) {
            self.forget_absent(framework, agent);
        }
        self.refresh_agent(agent);
    }

    /// The role's id, if the framework holds all of `resources` in it on the agent, and the resources. Most give back
    /// all they were offered: then it is the list that the agent has, and everything after is a look at where it is.
    fn check_held(
        &self,
        call: &'static str,
        framework: FrameworkId,
        agent: AgentId,
        role: &[u8],
        resources: &Holding,
    ) -> Result<(RoleId, Holding), Violation> {
        let record = self.agents.get(agent);
        let id = self.roles.find(role);
        let held = id.and_then(|role| record.held_by(framework, role));
        match (id, held) {
            (Some(id), Some(held)) if held == resources => Ok((id, held.clone())),
            (Some(id), Some(held)) if held.contains(resources) => Ok((id, resources.clone())),
            _ => Err(Violation::NotHeld {
                call,
                framework: self.frameworks.get(framework).name.clone(),
                role: role.into(),
                agent: record.name.clone(),
                wanted: self.describe(resources).to_string(),
                held: held.map(|held| self.describe(held).to_string()).unwrap_or_default(),
            }),
        }
    }

    /// Whether conversions only change what resources are, not how much there is, except for what vanishes.
    fn is_balanced(&self, before: &Holding, after: &Holding, conversions: &[Conversion]) -> bool {
        let mut balance = Quantities::default();
        for (name, amount) in scalars(before, &self.kinds) {
            balance.add(name, amount);
        }
        let vanished = conversions.iter().filter(|conversion| conversion.converted.is_empty());
        for (name, amount) in vanished.flat_map(|conversion| scalars(&conversion.consumed, &self.kinds)) {
            balance.subtract(name, amount);
        }
        for (name, amount) in scalars(after, &self.kinds) {
            balance.subtract(name, amount);
        }
        balance.is_nothing()
    }

    pub(super) fn no_role(&self, call: &'static str, agent: &[u8], resources: &Holding) -> Violation {
        Violation::NoRole { call, resources: self.describe(resources).to_string(), agent: agent.into() }
    }
}

/// Resources by role, each role once: what is checked group by group must not be there twice.
fn merged<'a>(groups: &[Allocated<'a>]) -> Vec<(Option<&'a [u8]>, Cow<'a, Holding>)> {
    let mut merged: Vec<(Option<&[u8]>, Cow<'_, Holding>)> = Vec::with_capacity(groups.len());
    for &Allocated { role, resources } in groups {
        match merged.iter_mut().find(|(other, _)| *other == role) {
            Some((_, sum)) => sum.to_mut().add(resources),
            None => merged.push((role, Cow::Borrowed(resources))),
        }
    }
    merged
}

/// Applies those conversions that `count`, in order; tells which one does not apply, and why.
fn converted(
    resources: &Holding,
    conversions: &[Conversion],
    count: impl Fn(&Conversion) -> bool,
) -> Result<Holding, (usize, DoesNotApply)> {
    let mut result = resources.clone();
    for (position, conversion) in conversions.iter().enumerate() {
        if count(conversion) {
            conversion.apply(&mut result).map_err(|reason| (position, reason))?;
        }
    }
    Ok(result)
}
