//! Frameworks: the roles they take offers in, and what they can handle.
//!
//! Invariants: a framework is a member of a role iff it is subscribed to it or holds something allocated to it, and
//! then it is in that role's framework sorter, active iff the framework is active, subscribed and not suppressed.

use crate::amount::Amount;
use crate::event::FrameworkCapabilities;
use crate::ids::{FrameworkId, NameId, RoleId, Slots};

/// One alternative of a least offer: all of these amounts.
pub(crate) type Alternative = Vec<(NameId, Amount)>;

/// A framework in a role.
#[derive(Debug, Clone)]
pub(crate) struct Membership {
    pub(crate) role: RoleId,
    pub(crate) subscribed: bool,
    pub(crate) suppressed: bool,
    /// On how many agents it holds something in this role.
    pub(crate) agents_held: u32,
    /// Its own least offer; `None` means the general one.
    pub(crate) min_allocatable: Option<Vec<Alternative>>,
}

impl Membership {
    /// A membership with nothing in it.
    pub(crate) fn new(role: RoleId) -> Self {
        Self { role, subscribed: false, suppressed: false, agents_held: 0, min_allocatable: None }
    }
}

/// Everything about one framework.
#[derive(Debug, Clone, Default)]
pub(crate) struct Framework {
    pub(crate) name: Box<[u8]>,
    pub(crate) generation: u32,
    pub(crate) live: bool,
    pub(crate) active: bool,
    pub(crate) capabilities: FrameworkCapabilities,
    /// Sorted by role.
    pub(crate) memberships: Vec<Membership>,
}

impl Framework {
    /// The membership in a role.
    pub(crate) fn membership(&self, role: RoleId) -> Option<&Membership> {
        let at = self.memberships.binary_search_by_key(&role, |membership| membership.role).ok()?;
        Some(&self.memberships[at])
    }

    /// The membership in a role, to be changed.
    pub(crate) fn membership_mut(&mut self, role: RoleId) -> Option<&mut Membership> {
        let at = self.memberships.binary_search_by_key(&role, |membership| membership.role).ok()?;
        Some(&mut self.memberships[at])
    }

    /// The membership in a role, made if there is none; tells whether it was made.
    pub(crate) fn join(&mut self, role: RoleId) -> (&mut Membership, bool) {
        match self.memberships.binary_search_by_key(&role, |membership| membership.role) {
            Ok(at) => (&mut self.memberships[at], false),
            Err(at) => {
                self.memberships.insert(at, Membership::new(role));
                (&mut self.memberships[at], true)
            }
        }
    }

    /// Ends the membership in a role.
    pub(crate) fn leave(&mut self, role: RoleId) {
        self.memberships.retain(|membership| membership.role != role);
    }

    /// The roles it is subscribed to.
    pub(crate) fn subscribed(&self) -> impl Iterator<Item = RoleId> {
        self.memberships.iter().filter(|membership| membership.subscribed).map(|membership| membership.role)
    }

    /// Whether it takes offers in a role now.
    pub(crate) fn takes_offers_in(&self, role: RoleId) -> bool {
        self.active && self.membership(role).is_some_and(|member| member.subscribed && !member.suppressed)
    }
}

/// All frameworks.
#[derive(Debug, Clone, Default)]
pub(crate) struct Frameworks {
    slots: Slots,
    table: Vec<Framework>,
}

impl Frameworks {
    /// The id of a live framework.
    pub(crate) fn find(&self, name: &[u8]) -> Option<FrameworkId> {
        self.slots.find(name).map(|(slot, generation)| FrameworkId::new(slot, generation))
    }

    /// Adds a framework that is not live; `None` if there is no slot left.
    pub(crate) fn add(&mut self, mut framework: Framework) -> Option<FrameworkId> {
        let (slot, generation) = self.slots.occupy(&framework.name)?;
        framework.generation = generation;
        framework.live = true;
        if slot as usize == self.table.len() {
            self.table.push(framework);
        } else {
            self.table[slot as usize] = framework;
        }
        Some(FrameworkId::new(slot, generation))
    }

    /// Removes a framework.
    pub(crate) fn remove(&mut self, framework: FrameworkId) {
        let last = std::mem::take(&mut self.table[framework.index()]);
        self.slots.vacate(&last.name);
    }

    /// A live framework.
    pub(crate) fn get(&self, framework: FrameworkId) -> &Framework {
        &self.table[framework.index()]
    }

    /// A live framework, to be changed.
    pub(crate) fn get_mut(&mut self, framework: FrameworkId) -> &mut Framework {
        &mut self.table[framework.index()]
    }

    /// The name of a framework, if the id is not stale.
    pub(crate) fn name(&self, framework: FrameworkId) -> Option<&[u8]> {
        let current = self.slots.is_current(framework.slot(), framework.generation());
        current.then(|| &*self.table[framework.index()].name)
    }

    /// The id of the live framework in a slot.
    pub(crate) fn at(&self, slot: u32) -> Option<FrameworkId> {
        let framework = self.table.get(slot as usize).filter(|framework| framework.live)?;
        Some(FrameworkId::new(slot, framework.generation))
    }

    /// All live frameworks by slot.
    pub(crate) fn ids(&self) -> impl Iterator<Item = FrameworkId> {
        let slots = 0..u32::try_from(self.table.len()).unwrap_or(u32::MAX);
        slots.filter_map(|slot| self.at(slot))
    }

    /// How many frameworks are live.
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }
}
