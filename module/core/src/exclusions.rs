//! Offer constraints, as what they lead to: which agents a framework must not be offered in which role.
//!
//! Constraints are opaque and evaluated outside; here arrive only the answers, for a framework about all agents and for
//! an agent about all frameworks. Both say everything there is to say about their subject.

use std::collections::BTreeMap;

use crate::ids::RoleId;
use crate::index_set::IndexSet;

/// Which agents are excluded for whom. Frameworks and agents by slot.
#[derive(Debug, Clone, Default)]
pub(crate) struct Exclusions {
    /// By framework and role, only where there is an exclusion or was one.
    agents: BTreeMap<(u32, RoleId), IndexSet>,
}

impl Exclusions {
    /// Excludes an agent for a framework in a role.
    pub(crate) fn exclude(&mut self, framework: u32, role: RoleId, agent: usize) {
        self.agents.entry((framework, role)).or_default().insert(agent);
    }

    /// Whether an agent is excluded for a framework in a role.
    pub(crate) fn excludes(&self, framework: u32, role: RoleId, agent: usize) -> bool {
        // Most clusters have no constraints at all.
        !self.agents.is_empty()
            && self.agents.get(&(framework, role)).is_some_and(|agents| agents.contains(agent))
    }

    /// The agents excluded for a framework in a role, by slot.
    pub(crate) fn of(&self, framework: u32, role: RoleId) -> impl Iterator<Item = usize> {
        self.agents.get(&(framework, role)).into_iter().flat_map(IndexSet::iter)
    }

    /// Frameworks and roles an agent is excluded for, in their order.
    pub(crate) fn of_agent(&self, agent: usize) -> Vec<(u32, RoleId)> {
        let excluding = self.agents.iter().filter(|(_, agents)| agents.contains(agent));
        excluding.map(|(key, _)| *key).collect()
    }

    /// Nothing is excluded for a framework any more.
    pub(crate) fn forget_framework(&mut self, framework: u32) {
        self.agents.retain(|(slot, _), _| *slot != framework);
    }

    /// An agent is excluded for nobody any more.
    pub(crate) fn forget_agent(&mut self, agent: usize) {
        for agents in self.agents.values_mut() {
            agents.remove(agent);
        }
    }
}
