//! What is held, added up: all that shares are measured by.
//!
//! Worked out from the books whenever it is asked for. A run asks once, at its beginning, and adds what it gives; at its
//! end that must be what the books say again.

use std::collections::{BTreeMap, BTreeSet};

use super::Oracle;
use crate::Name;
use crate::quantities::Quantities;

/// Sums over all agents.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Sums {
    /// What the whole cluster has.
    pub(super) pool: Quantities,
    /// What is held in each role itself, agent by agent with shared resources counted once on each.
    pub(super) roles: BTreeMap<Name, Quantities>,
    /// What each framework holds in each role, by role and framework; those that hold nothing are missing.
    frameworks: BTreeMap<Name, BTreeMap<Name, Quantities>>,
}

/// For whoever holds nothing.
static NOTHING: Quantities = Quantities::NONE;

impl Sums {
    /// What a framework holds in a role.
    pub(super) fn of_framework(&self, role: &Name, framework: &Name) -> &Quantities {
        self.frameworks.get(role).and_then(|held| held.get(framework)).unwrap_or(&NOTHING)
    }

    /// On one agent a role and a framework in it held so much before, and hold so much now.
    pub(super) fn grow(&mut self, role: &Name, framework: &Name, before: &OnAgent, after: &OnAgent) {
        let sum = self.roles.get_mut(role).expect("what holds resources is tracked");
        *sum = sum.minus(&before.by_role).plus(&after.by_role);
        let sum = self.frameworks.entry(role.clone()).or_default().entry(framework.clone()).or_default();
        *sum = sum.minus(&before.by_framework).plus(&after.by_framework);
    }
}

/// What is held on one agent in a role: by all frameworks together, and by one.
#[derive(Debug)]
pub(super) struct OnAgent {
    pub(super) by_role: Quantities,
    pub(super) by_framework: Quantities,
}

impl Oracle {
    /// The sums as the books are now.
    pub(super) fn sums(&self) -> Sums {
        let mut sums = Sums {
            roles: self.clients.roles().map(|role| (role.clone(), Quantities::default())).collect(),
            ..Sums::default()
        };
        for name in self.agents.keys() {
            sums.pool.add(&self.agents[name].total.quantities(&self.kinds));
            for role in self.roles_on(name) {
                let held = self.held_on(&self.agents[name], &role).quantities(&self.kinds);
                sums.roles.get_mut(&role).expect("what holds resources is tracked").add(&held);
            }
        }
        for framework in self.frameworks.keys() {
            for (role, agents) in self.places.get(framework).into_iter().flatten() {
                let held =
                    sums.frameworks.entry(role.clone()).or_default().entry(framework.clone()).or_default();
                agents.iter().for_each(|agent| held.add(&self.held_by(agent, framework, role)));
            }
        }
        sums
    }

    /// What is held in one role itself, agent by agent with shared resources counted once on each.
    pub(super) fn held_in(&self, role: &[u8]) -> Quantities {
        let mut sum = Quantities::default();
        self.agents.values().for_each(|agent| sum.add(&self.held_on(agent, role).quantities(&self.kinds)));
        sum
    }

    /// What the whole cluster has.
    pub(super) fn pool(&self) -> Quantities {
        let mut sum = Quantities::default();
        self.agents.values().for_each(|agent| sum.add(&agent.total.quantities(&self.kinds)));
        sum
    }

    /// The roles in which frameworks that are known hold something on an agent.
    fn roles_on(&self, agent: &Name) -> Vec<Name> {
        let known = self.agents[agent].held.iter().filter(|(name, _)| self.frameworks.contains_key(*name));
        let mut roles: Vec<Name> = known.flat_map(|(_, held)| held.keys().flatten().cloned()).collect();
        roles.sort();
        roles.dedup();
        roles
    }

    /// What one framework holds on one agent in a role.
    pub(super) fn held_by(&self, agent: &Name, framework: &Name, role: &Name) -> Quantities {
        let held = self.agents[agent].held.get(framework).and_then(|held| held.get(&Some(role.clone())));
        held.map(|held| held.quantities(&self.kinds)).unwrap_or_default()
    }

    /// Checks that the books of the agents and the places of the frameworks say the same.
    ///
    /// # Panics
    ///
    /// If they do not.
    pub(super) fn check_places(&self) {
        let mut expected: BTreeMap<Name, BTreeMap<Name, BTreeSet<Name>>> = BTreeMap::new();
        for (agent, books) in &self.agents {
            for (framework, by_role) in &books.held {
                for role in by_role.keys().flatten() {
                    let places = expected.entry(framework.clone()).or_default();
                    places.entry(role.clone()).or_default().insert(agent.clone());
                }
            }
        }
        assert_eq!(self.places, expected, "places and books differ");
    }
}
