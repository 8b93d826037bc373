//! Numbers for metrics and endpoints, read off the books on demand.

use std::collections::BTreeSet;

use crate::allocator::Allocator;
use crate::allocator::ledger::scalars;
use crate::amount::Amount;
use crate::ids::RoleId;
use crate::options::Order;
use crate::quantities::Quantities;

/// Amounts by resource name, in the order of the names.
pub type Amounts = Vec<(Box<[u8]>, Amount)>;

/// What there is to say about one role. Names whose amount is missing here have no number to show.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RoleNumbers {
    /// Dominant share of what frameworks hold in the role itself (without roles inside it), divided by its weight;
    /// `None` if no framework is in the role or roles are not ordered by share. For show only: decisions compare
    /// exact fractions.
    pub dominant_share: Option<f64>,
    /// Offer filters of all frameworks in the role; `None` if there is nothing to the role: neither frameworks,
    /// reservations, a weight nor a quota, in it or inside it.
    pub active_filters: Option<usize>,
    /// What its quota guarantees.
    pub guarantees: Amounts,
    /// What its quota allows at most.
    pub limits: Amounts,
    /// What frameworks hold in the role itself, for every name in its quota.
    pub offered_or_allocated: Amounts,
    /// What counts against its quota, roles inside it included: reservations, and what tasks use of the rest. Names
    /// with nothing are left out.
    pub consumed: Amounts,
}

impl Allocator {
    /// The numbers of a role.
    ///
    /// # Panics
    ///
    /// If the id is of another allocator.
    #[must_use]
    pub fn role_numbers(&self, role: RoleId) -> RoleNumbers {
        let quota = self.roles.quota(role);
        let mut in_quota: Vec<&[u8]> = Vec::new();
        for (name, _) in quota.guarantees.iter().chain(&quota.limits) {
            if !in_quota.contains(&&**name) {
                in_quota.push(name);
            }
        }
        in_quota.sort_unstable();
        let held = |name: &[u8]| {
            let held = self.role_sorter.held(role.slot());
            self.kinds.find_name(name).zip(held).map_or(Amount::ZERO, |(name, held)| held.get(name))
        };
        RoleNumbers {
            dominant_share: self.dominant_share(role),
            active_filters: self.roles.exists(role).then(|| self.filters.len_in_role(role)),
            guarantees: by_name(quota.guarantees.clone()),
            limits: by_name(quota.limits.clone()),
            offered_or_allocated: in_quota.into_iter().map(|name| (name.into(), held(name))).collect(),
            consumed: self.amounts(&self.roles.consumed(role)),
        }
    }

    /// What [`RoleNumbers::consumed`] is for all roles together.
    #[must_use]
    pub fn consumed_by_all(&self) -> Amounts {
        self.amounts(&self.roles.whole().consumed())
    }

    /// Amounts with their names, without those of nothing.
    pub(crate) fn amounts(&self, row: &Quantities) -> Amounts {
        let present = row.named().filter(|(_, amount)| !amount.is_zero());
        by_name(present.map(|(name, amount)| (self.kinds.name(name).into(), amount)).collect())
    }

    fn dominant_share(&self, role: RoleId) -> Option<f64> {
        if self.options.order != Order::DominantShare || !self.role_sorter.contains(role.slot()) {
            return None;
        }
        let (share, weight) = self.role_sorter.own_standing(role.slot(), &self.pool);
        #[expect(clippy::cast_precision_loss, reason = "for show; weights end at 2^52 millionths")]
        let weight = weight.in_millionths() as f64 / 1e6;
        let pool = share.pool.to_f64();
        Some(if pool > 0.0 { share.held.to_f64() / pool / weight } else { 0.0 })
    }

    /// What all agents have of a scalar.
    #[must_use]
    pub fn total_of(&self, name: &[u8]) -> Amount {
        self.kinds.find_name(name).map_or(Amount::ZERO, |name| self.pool.totals().get(name))
    }

    /// What frameworks hold of a scalar on all agents, offered or in use, those that were never added included.
    #[must_use]
    pub fn held_of(&self, name: &[u8]) -> Amount {
        let Some(id) = self.kinds.find_name(name) else { return Amount::ZERO };
        let mut sum = self.role_sorter.held_by_all().get(id);
        let agents: BTreeSet<usize> = self.absent_on.values().flatten().copied().collect();
        for agent in agents.into_iter().filter_map(|slot| self.agents.at(slot)) {
            for absent in &self.agents.get(agent).absent {
                for (name, amount) in scalars(&absent.resources, &self.kinds) {
                    sum += if name == id { amount } else { Amount::ZERO };
                }
            }
        }
        sum
    }

    /// How many runs there were.
    #[must_use]
    pub fn runs(&self) -> u64 {
        self.runs
    }

    /// The roles a framework is subscribed to and whether it suppressed offers in them, in the order of their ids;
    /// nothing if the framework is not known.
    #[must_use]
    pub fn subscriptions(&self, framework: &[u8]) -> Vec<(RoleId, bool)> {
        let Some(framework) = self.frameworks.find(framework) else { return Vec::new() };
        let members = self.frameworks.get(framework).memberships.iter();
        members.filter(|member| member.subscribed).map(|member| (member.role, member.suppressed)).collect()
    }

    /// The ids of the agents that a framework's offer constraints exclude in a role, in their order.
    #[must_use]
    pub fn excluded_agents(&self, framework: &[u8], role: RoleId) -> Vec<&[u8]> {
        let Some(framework) = self.frameworks.find(framework) else { return Vec::new() };
        let agents = self.exclusions.of(framework.slot(), role).filter_map(|slot| self.agents.at(slot));
        let mut names: Vec<&[u8]> = agents.map(|agent| &*self.agents.get(agent).name).collect();
        names.sort_unstable();
        names
    }
}

fn by_name(mut amounts: Amounts) -> Amounts {
    amounts.sort();
    amounts
}
