//! Frameworks subscribe, change their minds, disconnect and are torn down.

use std::collections::BTreeMap;

use apportion_core::FrameworkCapabilities;

use super::dice::Dice;
use super::{Framework, Master, minimum};
use crate::call::{Call, Subscription, Use};
use crate::{Disagreement, Name};

/// What a framework says of itself, and the attributes its constraints exclude.
pub(super) type Wishes = (Subscription, BTreeMap<Name, Name>);

impl Master {
    pub(super) fn some_subscription(&mut self, dice: &mut Dice<'_>) -> Wishes {
        let capabilities = FrameworkCapabilities {
            multi_role: !dice.once_in(6),
            gpu_resources: dice.flip(),
            shared_resources: !dice.once_in(3),
            revocable_resources: !dice.once_in(3),
            reservation_refinement: !dice.once_in(3),
            region_aware: dice.flip(),
        };
        let mut roles: Vec<Name> = vec![dice.pick(&self.cast.roles).unwrap_or_default()];
        for _ in 0..dice.below(3) {
            let another = dice.pick(&self.cast.roles).unwrap_or_default();
            if capabilities.multi_role && !roles.contains(&another) {
                roles.push(another);
            }
        }
        let suppressed = if dice.once_in(6) { vec![roles[0].clone()] } else { Vec::new() };
        let mut own_minimum = Vec::new();
        if dice.once_in(5) {
            let alternatives = match dice.below(4) {
                0 => Vec::new(),
                1 => vec![minimum(&[("cpus", 0)])],
                2 => vec![minimum(&[("cpus", 1000), ("mem", 64_000)]), minimum(&[("disk", 100_000)])],
                _ => vec![minimum(&[("ports", 5000)]), minimum(&[("zones", 1000)])],
            };
            own_minimum.push((roles[0].clone(), alternatives));
        }
        let mut constraints = BTreeMap::new();
        if dice.once_in(4) {
            constraints.insert(roles[0].clone(), Name::from(dice.one(["rack2", "rack1"])));
        }
        let subscription =
            Subscription { roles, suppressed, capabilities, minimum: own_minimum, excluded: Vec::new() };
        (subscription, constraints)
    }

    /// The subscription with the agents that constraints exclude now.
    fn with_exclusions(&self, (mut info, constraints): Wishes) -> Wishes {
        info.excluded = constraints
            .iter()
            .map(|(role, excluded)| (role.clone(), self.agents_where(|agent| agent.attributes == *excluded)))
            .collect();
        (info, constraints)
    }

    pub(super) fn insert_framework(
        &mut self,
        name: Name,
        wishes: Wishes,
        used: Vec<(Name, Vec<Use>)>,
        active: bool,
    ) -> Result<(), Disagreement> {
        let (info, constraints) = self.with_exclusions(wishes);
        self.call(Call::AddFramework { framework: name.clone(), info: info.clone(), used, active })?;
        self.frameworks.insert(name, Framework { info, constraints, active });
        Ok(())
    }

    /// A framework subscribes, directly or, as after a failover of the master, in place of what was kept for it.
    pub(super) fn add_framework(&mut self, dice: &mut Dice<'_>) -> Result<(), Disagreement> {
        if self.frameworks.len() >= self.cast.frameworks {
            return Ok(());
        }
        self.frameworks_ever += 1;
        let name = format!("framework{}", self.frameworks_ever).into_bytes();
        let wishes = self.some_subscription(dice);
        let kept_for_it = dice.once_in(6);
        self.insert_framework(name.clone(), wishes, Vec::new(), !kept_for_it)?;
        if kept_for_it {
            self.resubscribe(dice, &name)?;
        }
        Ok(())
    }

    /// A framework changes its subscription without reconnecting.
    pub(super) fn update_framework(&mut self, dice: &mut Dice<'_>) -> Result<(), Disagreement> {
        let Some(name) = dice.pick(&self.frameworks_where(|_| true)) else { return Ok(()) };
        self.change_subscription(dice, &name)
    }

    fn change_subscription(&mut self, dice: &mut Dice<'_>, name: &Name) -> Result<(), Disagreement> {
        let before = &self.frameworks[name];
        let before = (before.info.clone(), before.constraints.clone());
        let wishes = if dice.once_in(3) { before } else { self.some_subscription(dice) };
        let (info, constraints) = self.with_exclusions(wishes);
        if let Some(framework) = self.frameworks.get_mut(name) {
            framework.info = info.clone();
            framework.constraints = constraints;
        }
        let roles = info.roles.clone();
        self.call(Call::UpdateFramework { framework: name.clone(), info })?;
        self.rescind(None, |offer| offer.framework == *name && !roles.contains(&offer.role))
    }

    fn resubscribe(&mut self, dice: &mut Dice<'_>, name: &Name) -> Result<(), Disagreement> {
        self.change_subscription(dice, name)?;
        self.rescind(None, |offer| offer.framework == *name)?;
        self.end_inverse_offers(|_, framework| framework == name)?;
        let Some(framework) = self.frameworks.get_mut(name) else { return Ok(()) };
        if !std::mem::replace(&mut framework.active, true) {
            self.call(Call::ActivateFramework { framework: name.clone() })?;
        }
        Ok(())
    }

    /// A framework subscribes again, after a disconnection or out of the blue.
    pub(super) fn reconnect_framework(&mut self, dice: &mut Dice<'_>) -> Result<(), Disagreement> {
        let gone = self.frameworks_where(|framework| !framework.active);
        let any = self.frameworks_where(|_| true);
        let Some(name) = dice.pick(if gone.is_empty() { &any } else { &gone }) else { return Ok(()) };
        self.resubscribe(dice, &name)
    }

    pub(super) fn disconnect_framework(&mut self, dice: &mut Dice<'_>) -> Result<(), Disagreement> {
        let Some(name) = dice.pick(&self.frameworks_where(|framework| framework.active)) else {
            return Ok(());
        };
        self.deactivate(&name)
    }

    fn deactivate(&mut self, name: &Name) -> Result<(), Disagreement> {
        if let Some(framework) = self.frameworks.get_mut(name) {
            framework.active = false;
        }
        self.call(Call::DeactivateFramework { framework: name.clone() })?;
        self.rescind(None, |offer| offer.framework == *name)?;
        self.end_inverse_offers(|_, framework| framework == name)
    }

    /// A framework is removed with everything it runs; the resources of its operations leave the totals of agents
    /// until the operations end.
    pub(super) fn tear_down_framework(&mut self, dice: &mut Dice<'_>) -> Result<(), Disagreement> {
        let Some(name) = dice.pick(&self.frameworks_where(|_| true)) else { return Ok(()) };
        if self.frameworks[&name].active {
            self.deactivate(&name)?;
        }
        let tasks = std::mem::take(&mut self.tasks);
        let (ended, others): (Vec<_>, Vec<_>) = tasks.into_iter().partition(|task| task.framework == name);
        self.tasks = others;
        ended.iter().try_for_each(|task| self.recover(task, None, true))?;
        self.call(Call::Pause)?;
        self.call(Call::RemoveFramework { framework: name.clone() })?;
        self.frameworks.remove(&name);
        let mut operations = std::mem::take(&mut self.operations);
        for operation in operations.iter_mut().filter(|operation| operation.source.framework == name) {
            operation.orphaned = true;
            let agent = operation.source.agent.clone();
            let rest = self.agents[&agent].total.minus(&operation.source.resources);
            self.set_total(&agent, rest)?;
        }
        self.operations = operations;
        self.call(Call::Resume)?;
        Ok(())
    }

    fn some_of_its_roles(&self, dice: &mut Dice<'_>, name: &Name) -> Vec<Name> {
        let roles = &self.frameworks[name].info.roles;
        if dice.flip() { dice.pick(roles).into_iter().collect() } else { Vec::new() }
    }

    pub(super) fn suppress(&mut self, dice: &mut Dice<'_>) -> Result<(), Disagreement> {
        let Some(framework) = dice.pick(&self.frameworks_where(|_| true)) else { return Ok(()) };
        let roles = self.some_of_its_roles(dice, &framework);
        if let Some(known) = self.frameworks.get_mut(&framework) {
            let all = known.info.roles.clone();
            let more = if roles.is_empty() { &all } else { &roles };
            known.info.suppressed.retain(|role| !more.contains(role));
            known.info.suppressed.extend(more.iter().cloned());
        }
        self.call(Call::SuppressOffers { framework, roles })?;
        Ok(())
    }

    pub(super) fn revive(&mut self, dice: &mut Dice<'_>) -> Result<(), Disagreement> {
        let Some(framework) = dice.pick(&self.frameworks_where(|_| true)) else { return Ok(()) };
        let roles = self.some_of_its_roles(dice, &framework);
        if let Some(known) = self.frameworks.get_mut(&framework) {
            known.info.suppressed.retain(|role| !roles.is_empty() && !roles.contains(role));
        }
        self.call(Call::ReviveOffers { framework: framework.clone(), roles })?;
        if dice.once_in(8) {
            self.call(Call::RequestResources { framework })?;
        }
        Ok(())
    }
}
