//! Calls about roles: quotas, weights, and the wait for agents that quotas ask for after a failover.

use super::{Allocator, Recovery};
use crate::amount::{Amount, Weight};
use crate::effect::{Effects, Violation};
use crate::event::Quota;
use crate::kind::KindTable;
use crate::notice::Notice;
use crate::options::Instant;
use crate::quota::Claim;

impl Allocator {
    /// With quotas, offers wait until enough agents are back: offering what the first few have to whoever is there
    /// would leave nothing for the guarantees.
    pub(super) fn recover(
        &mut self,
        expected_agents: u64,
        quotas: &[(&[u8], &Quota)],
        now: Instant,
        effects: &mut Effects,
    ) -> Result<(), Violation> {
        if self.agents.len() > 0 {
            return Err(Violation::RecoverTooLate { agents: self.agents.len() });
        }
        if quotas.is_empty() {
            return Ok(());
        }
        for (role, quota) in quotas {
            self.update_quota(role, quota);
        }
        let agents = part_of(expected_agents, self.options.agent_recovery_factor);
        if agents > 0 {
            let timeout = self.options.recovery_timeout;
            self.paused = true;
            self.recovery = Some(Recovery { agents, deadline: now.after(timeout) });
            effects.notices.push(Notice::RecoveryStarted { agents, timeout });
        }
        Ok(())
    }

    pub(super) fn update_quota(&mut self, role: &[u8], quota: &Quota) {
        let id = self.roles.intern(role);
        let number = |amounts: &[(Box<[u8]>, Amount)], kinds: &mut KindTable| {
            amounts.iter().map(|(name, amount)| (kinds.intern_name(name), *amount)).collect()
        };
        let claim = Claim {
            guarantees: number(&quota.guarantees, &mut self.kinds),
            limits: number(&quota.limits, &mut self.kinds),
        };
        self.roles.set_quota(id, quota.clone(), claim);
        self.candidates.reopen_quota();
    }

    pub(super) fn update_weights(&mut self, weights: &[(&[u8], f64)], effects: &mut Effects) {
        for &(role, said) in weights {
            let weight = Weight::from_f64(said).unwrap_or_else(|| {
                effects.notices.push(Notice::BadWeight { role: role.into(), said });
                Weight::DEFAULT
            });
            let id = self.roles.intern(role);
            self.roles.set_has_weight(id, weight != Weight::DEFAULT);
            self.role_sorter.set_weight(role, weight);
        }
    }
}

/// `floor(count × factor)`, as Mesos computes it.
fn part_of(count: u64, factor: f64) -> u64 {
    #[expect(clippy::cast_precision_loss, reason = "agents are far fewer than 2^53")]
    let part = (count as f64 * factor).floor();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the cast saturates, and NaN and negatives become 0: no wait"
    )]
    let part = part as u64;
    part
}

#[cfg(test)]
mod tests {
    use super::part_of;

    #[test]
    fn a_part_of_the_agents_is_rounded_down() {
        assert_eq!(part_of(10, 0.8), 8);
        assert_eq!(part_of(1, 0.8), 0);
        assert_eq!(part_of(5, f64::NAN), 0);
        assert_eq!(part_of(5, -1.0), 0);
    }
}
