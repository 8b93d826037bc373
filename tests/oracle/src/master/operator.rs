//! What operators do: quota, weights, whitelist, maintenance, reservations and volumes.

use apportion_core::{Amount, Quota, Unavailability};

use super::Master;
use super::dice::Dice;
use super::identity::{Maker, Operation, conversion};
use crate::call::Call;
use crate::resources::{Resources, is_within};
use crate::{Disagreement, Name};

impl Master {
    /// An operator changes resources nobody is meant to hold. Offers may be in the way; some operators clear it.
    pub(super) fn operator_operation(&mut self, dice: &mut Dice<'_>) -> Result<(), Disagreement> {
        let Some(agent) = dice.pick(&self.agents_where(|agent| agent.connected)) else { return Ok(()) };
        let operation = dice.one([
            Operation::Reserve,
            Operation::Unreserve,
            Operation::Create,
            Operation::Destroy,
            Operation::Grow,
            Operation::Shrink,
        ]);
        let role = dice.pick(&self.cast.roles).unwrap_or_default();
        let mut conversions = Vec::new();
        for _ in 0..=dice.below(2) {
            let total = &self.agents[&agent].total;
            let Some(entry) = self.pick_entry(dice, total, operation) else { continue };
            if operation == Operation::Destroy && self.is_in_use(&agent, &entry) {
                continue;
            }
            let maker = Maker { role: &role, refines: true, shares: true };
            let (catalogue, cluster) = (&mut self.catalogue, &mut self.cluster);
            conversions.extend(conversion(catalogue, cluster, dice, operation, &entry, maker));
        }
        if conversions.is_empty() {
            return Ok(());
        }
        if dice.flip() {
            self.rescind(Some(5.0), |offer| offer.agent == agent)?;
        }
        if dice.once_in(8) {
            let agent = b"agent9".to_vec();
            self.call(Call::UpdateAvailable { agent, conversions })?;
            return Ok(());
        }
        let call = Call::UpdateAvailable { agent: agent.clone(), conversions: conversions.clone() };
        if self.call(call)?.available_updated != Some(true) {
            return Ok(());
        }
        let mut total = self.agents[&agent].total.to_holding();
        if conversions.iter().any(|conversion| conversion.apply(&mut total).is_err()) {
            let what = "an operator's change was granted that the total does not allow".to_owned();
            return Err(self.cluster.disagree(what));
        }
        if let Some(agent) = self.agents.get_mut(&agent) {
            agent.total = Resources::from(&total);
        }
        Ok(())
    }

    /// A quota whose limits are not below its guarantees, as the master lets it through. `None` takes it away.
    pub(super) fn some_quota(&self, dice: &mut Dice<'_>) -> Option<Quota> {
        let mut quota = Quota::default();
        for (name, unit) in [("cpus", 1000), ("mem", 256_000), ("disk", 50_000), ("gpus", 1000)] {
            let amount = |times: i64| Amount::thousandths(times * unit / 2 * self.cast.quota_times);
            let guarantee = dice.one([0, 2, 0, 6, 1, 16]);
            if guarantee > 0 {
                quota.guarantees.push((name.as_bytes().into(), amount(guarantee)));
            }
            if let Some(above) = dice.one([None, Some(0), Some(2), Some(7), None, None]) {
                quota.limits.push((name.as_bytes().into(), amount(guarantee + above)));
            }
        }
        Some(quota).filter(|quota| !quota.is_default())
    }

    pub(super) fn set_quota(&mut self, dice: &mut Dice<'_>) -> Result<(), Disagreement> {
        let nested = dice.once_in(4);
        let roles = if nested { &self.cast.nested_quota_roles } else { &self.cast.quota_roles };
        let role = dice.pick(roles).unwrap_or_default();
        let quota = if dice.once_in(5) { None } else { self.some_quota(dice) };
        self.call(Call::UpdateQuota { role: role.clone(), quota: quota.unwrap_or_default() })?;
        if dice.flip() {
            self.rescind(None, |offer| is_within(&offer.role, &role))?;
        }
        Ok(())
    }

    /// Weights change; all offers are taken back.
    pub(super) fn set_weights(&mut self, dice: &mut Dice<'_>) -> Result<(), Disagreement> {
        let some = |dice: &mut Dice<'_>| {
            let role = dice.pick(&self.cast.roles).unwrap_or_default();
            (role, dice.one([2.0, 1.0, 0.5, 3.0, f64::NAN, f64::INFINITY, 0.1]))
        };
        let weights = (0..=dice.below(3)).map(|_| some(dice)).collect();
        self.call(Call::UpdateWeights { weights })?;
        if dice.flip() {
            self.rescind(None, |_| true)?;
        }
        Ok(())
    }

    pub(super) fn set_whitelist(&mut self, dice: &mut Dice<'_>) -> Result<(), Disagreement> {
        let hosts = |hosts: &[&str]| Some(hosts.iter().map(|host| Name::from(*host)).collect());
        let hostnames = match dice.below(5) {
            0 | 1 => None,
            2 => hosts(&[]),
            3 => hosts(&["host1"]),
            _ => hosts(&["host1", "host3", "host4"]),
        };
        self.call(Call::UpdateWhitelist { hostnames })?;
        Ok(())
    }

    /// A maintenance window is set, moved or dropped; offers and inverse offers of the agent end first.
    pub(super) fn set_maintenance(&mut self, dice: &mut Dice<'_>) -> Result<(), Disagreement> {
        let Some(agent) = dice.pick(&self.agents_where(|_| true)) else { return Ok(()) };
        let window = |start_nanos| Some(Unavailability { start_nanos, duration_nanos: Some(7) });
        let unavailability = dice.one([window(5), None, window(6)]);
        self.rescind(None, |offer| offer.agent == agent)?;
        self.end_inverse_offers(|name, _| *name == agent)?;
        if let Some(agent) = self.agents.get_mut(&agent) {
            agent.unavailability = unavailability;
        }
        self.call(Call::UpdateUnavailability { agent, unavailability })?;
        Ok(())
    }

    pub(super) fn answer_inverse_offer(&mut self, dice: &mut Dice<'_>) -> Result<(), Disagreement> {
        let open: Vec<(Name, Name)> = self
            .agents
            .iter()
            .flat_map(|(name, agent)| agent.inverse_offers.iter().map(|to| (name.clone(), to.clone())))
            .collect();
        let Some((agent, framework)) = dice.pick(&open) else { return Ok(()) };
        if let Some(agent) = self.agents.get_mut(&agent) {
            agent.inverse_offers.remove(&framework);
        }
        let status = dice.one([Some("ACCEPT"), Some("DECLINE"), None]).map(Name::from);
        let refuse_seconds = status.as_ref().map(|_| dice.one([5.0, 0.0, 1.0, -1.0, f64::NAN, 2.0]));
        self.call(Call::UpdateInverseOffer { agent, framework, status, refuse_seconds })?;
        Ok(())
    }

    /// Inverse offers end without an answer.
    pub(super) fn end_inverse_offers(
        &mut self,
        which: impl Fn(&Name, &Name) -> bool,
    ) -> Result<(), Disagreement> {
        let mut ended = Vec::new();
        for (name, agent) in &mut self.agents {
            agent.inverse_offers.retain(|framework| {
                let ends = which(name, framework);
                ended.extend(ends.then(|| (name.clone(), framework.clone())));
                !ends
            });
        }
        for (agent, framework) in ended {
            let (status, refuse_seconds) = (None, None);
            self.call(Call::UpdateInverseOffer { agent, framework, status, refuse_seconds })?;
        }
        Ok(())
    }
}
