//! What of an agent a framework may be offered, whoever's turn it is.
//!
//! Nothing here depends on shares: that is what lets the run skip agents that were looked at in vain.

use crate::agents::Agent;
use crate::amount::Amount;
use crate::filters::Filters;
use crate::frameworks::{Alternative, Framework};
use crate::holding::Holding;
use crate::ids::{AgentId, FrameworkId, RoleId};
use crate::kind::KindTable;
use crate::roles::RoleTree;

/// What a framework may be offered.
#[derive(Debug)]
pub(crate) enum Answer {
    /// These resources.
    Offer(Holding),
    /// Nothing: it lacks a capability, or it would not be worth an offer.
    Nothing,
    /// Nothing: it refused as much or more.
    Refused,
    /// Nothing: the agent cannot serve frameworks with several roles.
    AgentLacksMultiRole,
    /// Nothing: the agent cannot serve roles inside roles.
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
    /// The general least offer.
    pub(crate) min_allocatable: &'a [Alternative],
    /// Whether agents with GPUs are kept for frameworks that can use them.
    pub(crate) filter_gpus: bool,
}

impl Eligibility<'_> {
    /// The part of what is left that a role may have: unreserved, reserved to it, or to one of its ancestors.
    pub(crate) fn part_for_role(&self, left: &Holding, role: RoleId) -> Holding {
        if self.agent.plain {
            return left.clone();
        }
        left.filtered(|item| {
            let reserved_to = self.kinds.traits(item.kind).reserved_to;
            reserved_to.is_none_or(|to| self.roles.is_within(role, to))
        })
    }

    /// What a framework may be offered of the part its role may have. `framework` must be a member of the role.
    pub(crate) fn ask(&self, part: &Holding, id: FrameworkId, framework: &Framework, role: RoleId) -> Answer {
        let own = framework.membership(role).and_then(|member| member.min_allocatable.as_deref());
        let Some(resources) = self.usable_part(part, framework, own.unwrap_or(self.min_allocatable)) else {
            return Answer::Nothing;
        };
        if !self.agent.capabilities.multi_role && framework.capabilities.multi_role {
            return Answer::AgentLacksMultiRole;
        }
        if !self.agent.capabilities.hierarchical_role && self.roles.is_nested(role) {
            return Answer::AgentLacksHierarchicalRole;
        }
        if self.filters.holds_back((id.slot(), role), self.id.slot(), &resources) {
            return Answer::Refused;
        }
        Answer::Offer(resources)
    }

    /// The part a framework can use, if that is worth an offer.
    ///
    /// The least offer is tested twice: on everything, and on what is left without the resources the framework cannot
    /// handle.
    fn usable_part(&self, part: &Holding, framework: &Framework, least: &[Alternative]) -> Option<Holding> {
        let can = framework.capabilities;
        if !is_allocatable(part, least, self.kinds)
            || (self.filter_gpus && self.agent.has_gpus && !can.gpu_resources)
            || (self.agent.remote && !can.region_aware)
        {
            return None;
        }
        let handles_all = can.shared_resources && can.revocable_resources && can.reservation_refinement;
        if self.agent.plain || handles_all {
            return Some(part.clone());
        }
        let usable = part.filtered(|item| {
            let traits = self.kinds.traits(item.kind);
            (!traits.shared || can.shared_resources)
                && (!traits.revocable || can.revocable_resources)
                && (!traits.refined || can.reservation_refinement)
        });
        is_allocatable(&usable, least, self.kinds).then_some(usable)
    }
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
