//! The numbers behind metrics, worked out from the books.

use std::collections::BTreeSet;

use apportion_core::{Instant, Order, Weight};

use super::{Oracle, Refusal};
use crate::Name;
use crate::quantities::Quantities;
use crate::resources::{Resources, is_scalar, is_under_quota, is_within, reserved_to};

/// What there is to say about one role.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Numbers {
    /// Dominant share of what is held in the role itself, divided by its weight; nothing if no framework is in it, or
    /// if the order is random.
    pub dominant_share: Option<f64>,
    /// Refusals in the role; nothing if there is nothing to the role or to any below it. Those whose time is up since
    /// the last run may still count: nobody has looked at them.
    pub refusals: Option<(usize, usize)>,
    /// What is held in the role itself, of the names in its quota.
    pub held: Quantities,
    /// Reservations, and what tasks use of the rest, in the role and below.
    pub consumed: Quantities,
}

impl Oracle {
    /// Roles that were named by anybody.
    #[must_use]
    pub fn roles(&self) -> BTreeSet<Name> {
        let reserved =
            self.kinds.values().flat_map(|kind| kind.reservations.iter().map(|entry| entry.role.to_vec()));
        let named = self.clients.roles().chain(self.quotas.keys()).chain(self.weights.keys()).cloned();
        named.chain(reserved).collect()
    }

    /// The numbers of a role.
    #[must_use]
    pub fn numbers(&self, role: &Name, now: Instant) -> Numbers {
        let is_measured = self.options.order == Order::DominantShare;
        let has_framework = self.clients.roles().any(|known| known == role);
        let held = if has_framework { self.held_in(role) } else { Quantities::default() };
        let is_inner = self.clients.roles().any(|known| is_within(known, role) && known != role);
        let own_weight = self.weights.get(role).copied().unwrap_or_default();
        let weight = if is_inner { Weight::DEFAULT } else { own_weight };
        let quota = self.quotas.get(role);
        let mut in_quota = Quantities::default();
        for (name, _) in quota.iter().flat_map(|quota| quota.guarantees.iter().chain(&quota.limits)) {
            if in_quota.get(name) == 0 {
                in_quota.add_amount(name, held.get(name));
            }
        }
        Numbers {
            dominant_share: (has_framework && is_measured)
                .then(|| self.fairness(&self.pool()).share(&held, weight).to_f64()),
            refusals: self.has_node(role).then(|| self.count_refusals(role, now)),
            held: in_quota,
            consumed: self.used_and_reserved(role),
        }
    }

    /// Whether something speaks of the role or of one below it: a weight, a quota, a framework or a reservation.
    fn has_node(&self, top: &[u8]) -> bool {
        let weighted =
            self.weights.iter().filter(|(_, weight)| **weight != Weight::DEFAULT).map(|(role, _)| role);
        let mut named = self.clients.roles().chain(self.quotas.keys()).chain(weighted);
        let reserved = |resources: &Resources| {
            resources.kinds().any(|kind| {
                let kind = &self.kinds[&kind];
                is_scalar(kind) && reserved_to(kind).is_some_and(|role| is_within(role, top))
            })
        };
        named.any(|role| is_within(role, top)) || self.agents.values().any(|agent| reserved(&agent.total))
    }

    /// At least and at most.
    fn count_refusals(&self, role: &Name, now: Instant) -> (usize, usize) {
        let refusals = self.frameworks.values().flat_map(|framework| &framework.refusals);
        let refusals: Vec<&Refusal> =
            refusals.filter(|((to, _), _)| to == role).flat_map(|(_, refusals)| refusals).collect();
        (refusals.iter().filter(|refusal| !refusal.is_over(now)).count(), refusals.len())
    }

    fn used_and_reserved(&self, top: &[u8]) -> Quantities {
        self.agents.values().fold(self.reserved_within(top), |sum, agent| {
            let used = agent.in_use.iter().filter(|(role, _)| is_within(role, top));
            used.fold(sum, |sum, (_, used)| {
                let counted = used.only(|kind| is_under_quota(&self.kinds[&kind]));
                sum.plus(&counted.quantities(&self.kinds))
            })
        })
    }
}
