//! What of an agent a framework may be offered, whoever's turn it is.
//!
//! Nothing here depends on shares: that is what lets the run skip agents that were looked at in vain.

use std::borrow::Cow;

use crate::agents::Agent;
use crate::amount::Amount;
use crate::exclusions::Exclusions;
use crate::filters::Filters;
use crate::frameworks::{Alternative, Framework, Membership};
use crate::holding::{Holding, Item};
use crate::ids::{AgentId, FrameworkId, RoleId};
use crate::kind::KindTable;
use crate::roles::RoleTree;
use smallvec::SmallVec;

/// Why a framework that could use something is not offered it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It refused as much or more.
    ByFilter,
    /// The agent cannot serve frameworks with several roles.
    AgentLacksMultiRole,
    /// The agent cannot serve roles inside roles.
    AgentLacksHierarchicalRole,
}

/// One agent, and what is needed to answer who may be offered it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Eligibility<'a> {
    pub(crate) id: AgentId,
    pub(crate) agent: &'a Agent,
    pub(crate) roles: &'a RoleTree,
    pub(crate) kinds: &'a KindTable,
    pub(crate) filters: &'a Filters,
    pub(crate) exclusions: &'a Exclusions,
    /// The general least offer.
    pub(crate) min_allocatable: &'a [Alternative],
    /// Whether agents with GPUs are kept for frameworks that can use them.
    pub(crate) filter_gpus: bool,
}

impl Eligibility<'_> {
    /// The part of what is left that a role may have: unreserved, reserved to it, or to one of its ancestors.
    pub(crate) fn part_for_role<'l>(&self, left: &'l Holding, role: RoleId) -> Cow<'l, Holding> {
        if self.agent.plain {
            return Cow::Borrowed(left);
        }
        Cow::Owned(left.filtered(|item| {
            let reserved_to = self.kinds.traits(item.kind).reserved_to;
            reserved_to.is_none_or(|to| self.roles.is_within(role, to))
        }))
    }

    /// The part a framework can use of what its role may have, if that is worth an offer.
    ///
    /// The least offer is tested twice: on everything, and on what is left without the resources the framework cannot
    /// handle.
    pub(crate) fn usable_part<'p>(
        &self,
        part: &'p Holding,
        id: FrameworkId,
        framework: &Framework,
        member: &Membership,
    ) -> Option<Cow<'p, Holding>> {
        if !self.is_worth_an_offer(part, member) {
            return None;
        }
        self.part_it_handles(part, id, framework, member)
    }

    /// As [`Eligibility::usable_part`], for a part that is known to be worth an offer.
    pub(crate) fn part_it_handles<'p>(
        &self,
        part: &'p Holding,
        id: FrameworkId,
        framework: &Framework,
        member: &Membership,
    ) -> Option<Cow<'p, Holding>> {
        let can = framework.capabilities;
        if self.exclusions.excludes(id.slot(), member.role, self.id.index())
            || (self.filter_gpus && self.agent.has_gpus && !can.gpu_resources)
            || (self.agent.remote && !can.region_aware)
        {
            return None;
        }
        let handles_all = can.shared_resources && can.revocable_resources && can.reservation_refinement;
        if self.agent.plain || handles_all {
            return Some(Cow::Borrowed(part));
        }
        let usable = part.filtered(|item| {
            let traits = self.kinds.traits(item.kind);
            (!traits.shared || can.shared_resources)
                && (!traits.revocable || can.revocable_resources)
                && (!traits.refined || can.reservation_refinement)
        });
        self.is_worth_an_offer(&usable, member).then_some(Cow::Owned(usable))
    }

    /// Whether quotas alone can make any offer of the agent too small: everything that counts for the general least
    /// offer is an unreserved scalar that cannot be taken back.
    pub(crate) fn is_limited(&self) -> bool {
        let counts = |name| self.min_allocatable.iter().flatten().any(|(least, _)| *least == name);
        self.agent.plain
            && self.agent.available.items().iter().all(|item| {
                let traits = self.kinds.traits(item.kind);
                traits.scalar_name.is_some() || !counts(traits.name)
            })
    }

    /// The roles that everything on the agent is reserved for: nobody outside of them can have any of it. `None` if
    /// some is for everybody.
    pub(crate) fn reserved_for(&self) -> Option<SmallVec<[RoleId; 2]>> {
        if self.agent.plain {
            return None;
        }
        let mut roles = SmallVec::new();
        for item in self.agent.available.items() {
            let role = self.kinds.traits(item.kind).reserved_to?;
            if !roles.contains(&role) {
                roles.push(role);
            }
        }
        Some(roles)
    }

    /// Whether quotas count for everything that is there.
    pub(crate) fn is_all_unreserved_scalars(&self) -> bool {
        self.agent.available.items().iter().all(|item| is_unreserved_scalar(item, self.kinds))
    }

    /// Why a framework is not offered resources that it could use, if there is a reason.
    pub(crate) fn refusal(
        &self,
        resources: &Holding,
        id: FrameworkId,
        framework: &Framework,
        role: RoleId,
    ) -> Option<Refused> {
        if !self.agent.capabilities.multi_role && framework.capabilities.multi_role {
            return Some(Refused::AgentLacksMultiRole);
        }
        if !self.agent.capabilities.hierarchical_role && self.roles.is_nested(role) {
            return Some(Refused::AgentLacksHierarchicalRole);
        }
        let held_back = self.filters.holds_back((id.slot(), role), self.id.slot(), resources);
        held_back.then_some(Refused::ByFilter)
    }

    /// Whether resources are enough for an offer to a framework: not empty, and as much as it or the master asks for.
    pub(crate) fn is_worth_an_offer(&self, resources: &Holding, member: &Membership) -> bool {
        let least = member.min_allocatable.as_deref().unwrap_or(self.min_allocatable);
        is_allocatable(resources, least, self.kinds)
    }

    /// As [`Eligibility::is_worth_an_offer`], for all frameworks without a least offer of their own.
    pub(crate) fn is_worth_an_offer_to_most(&self, resources: &Holding) -> bool {
        is_allocatable(resources, self.min_allocatable, self.kinds)
    }
}

/// Whether an item counts against quotas: an unreserved scalar that cannot be taken back.
pub(crate) fn is_unreserved_scalar(item: &Item, kinds: &KindTable) -> bool {
    let traits = kinds.traits(item.kind);
    traits.scalar_name.is_some() && traits.reserved_to.is_none() && !traits.revocable
}

/// Whether an offer is worth making: not empty, and one of the alternatives (if there are any) is in it.
fn is_allocatable(resources: &Holding, alternatives: &[Alternative], kinds: &KindTable) -> bool {
    let meets = |alternative: &Alternative| {
        alternative.iter().all(|(name, least)| {
            let mut sum = Amount::ZERO;
            for item in resources.items().iter().filter(|item| kinds.traits(item.kind).name == *name) {
                sum += item.scalar_quantity().unwrap_or_else(|| item.value.quantity());
            }
            sum >= *least
        })
    };
    !resources.is_empty() && (alternatives.is_empty() || alternatives.iter().any(meets))
}
