//! Offers arrive, are accepted, declined or taken back; tasks and operations end.

use std::collections::BTreeSet;

use apportion_core::{Conversion, Item};

use super::dice::Dice;
use super::identity::{Disk, Identity, Maker, Operation, conversion, part_of};
use super::{Grant, Master, PendingOperation, use_of};
use crate::Disagreement;
use crate::call::Call;
use crate::resources::Resources;

/// Refusal times a framework may say, in seconds.
const REFUSALS: [f64; 9] = [5.0, 0.0, 1.0, 2.0, 2.5, -1.0, f64::NAN, f64::INFINITY, 1e-10];

/// Applies a conversion as the master does to its own books; tells whether it fitted.
fn applies(conversion: &Conversion, resources: &mut Resources) -> bool {
    let mut changed = resources.to_holding();
    let fits = conversion.apply(&mut changed).is_ok();
    *resources = Resources::from(&changed);
    fits
}

/// An accepted offer while its operations are worked through.
struct Accepted {
    offer: Grant,
    remaining: Resources,
    conversions: Vec<Conversion>,
    launched: Resources,
}

impl Accepted {
    fn new(offer: Grant) -> Accepted {
        let remaining = offer.resources.clone();
        Accepted { offer, remaining, conversions: Vec::new(), launched: Resources::default() }
    }
}

impl Master {
    /// What the allocator sent arrives. Who is gone or inactive gets nothing, and the resources go back.
    pub(super) fn receive_offers(&mut self) -> Result<(), Disagreement> {
        for offer in std::mem::take(&mut self.in_flight) {
            let framework = self.frameworks.get(&offer.framework);
            let agent = self.agents.get(&offer.agent);
            if framework.is_some_and(|framework| framework.active)
                && agent.is_some_and(|agent| agent.connected && !agent.deactivated)
            {
                self.offers.push(offer);
            } else {
                self.recover(&offer, None, false)?;
            }
        }
        for (framework, agent) in std::mem::take(&mut self.inverse_in_flight) {
            let active = self.frameworks.get(&framework).is_some_and(|framework| framework.active);
            let Some(agent) = self.agents.get_mut(&agent).filter(|_| active) else { continue };
            if agent.connected && !agent.deactivated && agent.unavailability.is_some() {
                agent.inverse_offers.insert(framework);
            }
        }
        Ok(())
    }

    pub(super) fn decline(&mut self, dice: &mut Dice<'_>) -> Result<(), Disagreement> {
        if self.offers.is_empty() {
            return Ok(());
        }
        let offer = self.offers.swap_remove(dice.below(self.offers.len()));
        self.recover(&offer, Some(dice.one(REFUSALS)), false)
    }

    pub(super) fn rescind_one(&mut self, dice: &mut Dice<'_>) -> Result<(), Disagreement> {
        if self.offers.is_empty() {
            return Ok(());
        }
        let offer = self.offers.swap_remove(dice.below(self.offers.len()));
        self.recover(&offer, None, false)
    }

    /// A framework accepts an offer, perhaps with others of the same agent and role.
    pub(super) fn accept(&mut self, dice: &mut Dice<'_>) -> Result<(), Disagreement> {
        if self.offers.is_empty() {
            return Ok(());
        }
        let mut offer = self.offers.swap_remove(dice.below(self.offers.len()));
        if dice.flip() {
            let offers = std::mem::take(&mut self.offers);
            let (more, others): (Vec<_>, Vec<_>) = offers.into_iter().partition(|other| {
                other.framework == offer.framework && other.role == offer.role && other.agent == offer.agent
            });
            self.offers = others;
            more.iter().for_each(|more| offer.resources.add(&more.resources));
        }
        let mut accepted = Accepted::new(offer);
        for _ in 0..=dice.below(3) {
            match dice.below(9) {
                0 | 1 => self.launch(dice, &mut accepted),
                2 => self.speculate(dice, &mut accepted, Operation::Reserve)?,
                3 => self.speculate(dice, &mut accepted, Operation::Create)?,
                4 => self.speculate(dice, &mut accepted, Operation::Unreserve)?,
                5 => self.speculate(dice, &mut accepted, Operation::Destroy)?,
                6 => self.speculate(dice, &mut accepted, Operation::Grow)?,
                7 => self.speculate(dice, &mut accepted, Operation::Shrink)?,
                _ => self.create_disk(dice, &mut accepted),
            }
        }
        self.finish_accept(dice, accepted)
    }

    /// A framework accepts an offer with a volume, to make that larger or smaller.
    pub(super) fn resize_volume(&mut self, dice: &mut Dice<'_>) -> Result<(), Disagreement> {
        let operation = dice.one([Operation::Shrink, Operation::Grow]);
        let with_volume =
            |offer: &Grant| offer.resources.kinds().any(|kind| operation.concerns(self.catalogue.of(kind)));
        let offers: Vec<usize> = (0..self.offers.len()).filter(|at| with_volume(&self.offers[*at])).collect();
        let Some(at) = dice.pick(&offers) else { return Ok(()) };
        let mut accepted = Accepted::new(self.offers.swap_remove(at));
        self.speculate(dice, &mut accepted, operation)?;
        if dice.flip() {
            self.launch(dice, &mut accepted);
        }
        self.finish_accept(dice, accepted)
    }

    /// Part of what remains is used by tasks; of a shared volume perhaps more copies than were offered.
    fn launch(&mut self, dice: &mut Dice<'_>, accepted: &mut Accepted) {
        let mut task = Resources::default();
        let mut copies = Resources::default();
        for entry in accepted.remaining.entries() {
            if dice.once_in(3) || matches!(self.catalogue.of(entry.kind).disk, Disk::Raw | Disk::Pool) {
                continue;
            }
            task.add(&Resources::from(&part_of(dice, &entry)));
            if entry.kind.is_shared() && dice.flip() {
                copies.add(&Resources::from(&entry));
            }
        }
        if task.is_empty() {
            return;
        }
        accepted.remaining.subtract(&task);
        if !copies.is_empty() {
            let converted = copies.to_holding();
            accepted.conversions.push(Conversion { converted, ..Conversion::default() });
        }
        task.add(&copies);
        accepted.launched.add(&task);
        self.tasks.push(Grant { resources: task, ..accepted.offer.clone() });
    }

    /// A change of resources that the master makes at once.
    fn speculate(
        &mut self,
        dice: &mut Dice<'_>,
        accepted: &mut Accepted,
        operation: Operation,
    ) -> Result<(), Disagreement> {
        let Some(entry) = self.pick_entry(dice, &accepted.remaining, operation) else { return Ok(()) };
        let Some(framework) = self.frameworks.get(&accepted.offer.framework) else { return Ok(()) };
        let can = framework.info.capabilities;
        let role = accepted.offer.role.clone();
        let maker = Maker { role: &role, refines: can.reservation_refinement, shares: can.shared_resources };
        if operation == Operation::Destroy && self.is_in_use(&accepted.offer.agent, &entry) {
            return Ok(());
        }
        let (catalogue, cluster) = (&mut self.catalogue, &mut self.cluster);
        let Some(change) = conversion(catalogue, cluster, dice, operation, &entry, maker) else {
            return Ok(());
        };
        let Some(agent) = self.agents.get_mut(&accepted.offer.agent) else { return Ok(()) };
        let (mut remaining, mut total) = (accepted.remaining.clone(), agent.total.clone());
        if !applies(&change, &mut remaining) || !applies(&change, &mut total) {
            return Ok(());
        }
        agent.total = total;
        accepted.remaining = remaining;
        accepted.conversions.push(change);
        if operation == Operation::Destroy {
            let at = accepted.offer.clone();
            self.rescind(None, |offer| {
                let here = offer.agent == at.agent && offer.role == at.role;
                here && offer.resources.kinds().any(|kind| kind == entry.kind)
            })?;
        }
        Ok(())
    }

    /// Something an operation can be done to.
    pub(super) fn pick_entry(
        &self,
        dice: &mut Dice<'_>,
        among: &Resources,
        operation: Operation,
    ) -> Option<Item> {
        dice.pick(&among.only(|kind| operation.concerns(self.catalogue.of(kind))).entries())
    }

    /// Whether tasks use a volume.
    pub(super) fn is_in_use(&self, agent: &[u8], entry: &Item) -> bool {
        let here = self.tasks.iter().filter(|task| task.agent == agent);
        here.flat_map(|task| task.resources.kinds()).any(|kind| kind == entry.kind)
    }

    /// A raw disk is being made into another; until that is done it stays held.
    fn create_disk(&mut self, dice: &mut Dice<'_>, accepted: &mut Accepted) {
        let raw = accepted.remaining.entries().into_iter().find(|entry| {
            let identity = self.catalogue.of(entry.kind);
            matches!(identity.disk, Disk::Raw | Disk::Pool) && identity.provider.is_some()
        });
        let Some(raw) = raw else { return };
        let part = part_of(dice, &raw);
        let made = Identity { disk: Disk::Mount, ..self.catalogue.of(raw.kind).clone() };
        let converted = if dice.once_in(4) {
            Resources::default()
        } else {
            self.catalogue.as_other(&mut self.cluster, &part, &made)
        };
        let source = Grant { resources: Resources::from(&part), ..accepted.offer.clone() };
        accepted.remaining.subtract(&source.resources);
        self.operations.push(PendingOperation { source, converted, orphaned: false });
    }

    /// What the master tells the allocator at the end of an ACCEPT.
    fn finish_accept(&mut self, dice: &mut Dice<'_>, accepted: Accepted) -> Result<(), Disagreement> {
        let Accepted { offer, remaining, conversions, launched } = accepted;
        let new: BTreeSet<_> = conversions
            .iter()
            .flat_map(|conversion| conversion.converted.items())
            .map(|item| item.kind)
            .collect();
        if !conversions.is_empty() {
            self.call(Call::UpdateAllocation {
                framework: offer.framework.clone(),
                agent: offer.agent.clone(),
                role: offer.role.clone(),
                offered: offer.resources.to_holding(),
                conversions,
            })?;
        }
        self.call(Call::Pause)?;
        let converted = Grant { resources: remaining.only(|kind| new.contains(&kind)), ..offer.clone() };
        let unused = Grant { resources: remaining.only(|kind| !new.contains(&kind)), ..offer.clone() };
        if !converted.resources.is_empty() {
            self.recover(&converted, None, false)?;
        }
        if !unused.resources.is_empty() {
            self.recover(&unused, Some(dice.one(REFUSALS)), false)?;
        }
        if !launched.is_empty() {
            let used = use_of(&Grant { resources: launched, ..offer.clone() });
            self.call(Call::TransitionOfferedToAllocated { agent: offer.agent, used })?;
        }
        self.call(Call::Resume)?;
        Ok(())
    }

    pub(super) fn end_task(&mut self, dice: &mut Dice<'_>) -> Result<(), Disagreement> {
        if self.tasks.is_empty() {
            return Ok(());
        }
        let at = dice.below(self.tasks.len());
        // What was reported without a role never comes back.
        if self.tasks[at].role.is_empty() {
            return Ok(());
        }
        let task = self.tasks.swap_remove(at);
        self.recover(&task, None, true)
    }

    /// A pending operation ends: well or badly, told by itself or by a report of the agent.
    pub(super) fn end_operation(&mut self, dice: &mut Dice<'_>) -> Result<(), Disagreement> {
        let connected = self.agents_where(|agent| agent.connected);
        let ready = |at: &usize| connected.contains(&self.operations[*at].source.agent);
        let ready: Vec<usize> = (0..self.operations.len()).filter(ready).collect();
        let Some(at) = dice.pick(&ready) else { return Ok(()) };
        let PendingOperation { source, converted, orphaned } = self.operations.swap_remove(at);
        let total = self.agents[&source.agent].total.clone();
        let succeeds = !dice.once_in(3) && total.contains(&source.resources);
        if orphaned {
            let back = if dice.flip() { &source.resources } else { &converted };
            return self.set_total(&source.agent, total.plus(back));
        }
        if !succeeds {
            return self.recover(&source, None, false);
        }
        let after = total.minus(&source.resources).plus(&converted);
        if dice.once_in(3) {
            self.recover(&source, None, false)?;
            self.set_total(&source.agent, after)?;
            return self.rescind_provided(&source.agent);
        }
        let consumed = source.resources.to_holding();
        let change = Conversion { consumed, converted: converted.to_holding(), ..Conversion::default() };
        if let Some(agent) = self.agents.get_mut(&source.agent) {
            agent.total = after;
        }
        self.call(Call::UpdateAllocation {
            framework: source.framework.clone(),
            agent: source.agent.clone(),
            role: source.role.clone(),
            offered: source.resources.to_holding(),
            conversions: vec![change],
        })?;
        self.recover(&Grant { resources: converted, ..source }, None, false)
    }
}
