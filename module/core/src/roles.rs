//! Roles: the hierarchy of names, their quotas, and what is reserved to, held in and used by each subtree.
//!
//! Invariants: a role is known once its name was seen, and then so are all its ancestors; every aggregate covers the
//! role and everything inside it, and [`RoleTree::whole`] covers everything. Aggregates are scalars only.
//!
//! Weights are the role sorter's business.

use crate::amount::Amount;
use crate::event::Quota;
use crate::ids::{NameId, Names, RoleId};
use crate::quantities::Quantities;

/// What a subtree of roles has, scalars only.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Aggregates {
    /// Reserved to a role in the subtree on any agent, held or not.
    pub(crate) reservations: Quantities,
    /// Reserved and held by frameworks in the subtree.
    pub(crate) held_reserved: Quantities,
    /// Unreserved, not revocable, and held by frameworks in the subtree.
    pub(crate) held_unreserved: Quantities,
    /// The part of `held_unreserved` that tasks and executors use.
    pub(crate) used_unreserved: Quantities,
}

/// Which aggregate a change goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Aggregate {
    Reservations,
    HeldReserved,
    HeldUnreserved,
    UsedUnreserved,
}

impl Aggregates {
    pub(crate) fn of(&mut self, aggregate: Aggregate) -> &mut Quantities {
        match aggregate {
            Aggregate::Reservations => &mut self.reservations,
            Aggregate::HeldReserved => &mut self.held_reserved,
            Aggregate::HeldUnreserved => &mut self.held_unreserved,
            Aggregate::UsedUnreserved => &mut self.used_unreserved,
        }
    }
}

#[derive(Debug, Clone, Default)]
struct Role {
    parent: Option<RoleId>,
    nested: bool,
    quota: Quota,
    aggregates: Aggregates,
}

/// All roles seen, numbered in the order they were first seen.
#[derive(Debug, Clone, Default)]
pub(crate) struct RoleTree {
    names: Names,
    roles: Vec<Role>,
    whole: Aggregates,
}

impl RoleTree {
    /// The id of a role, new or not; makes its ancestors known too.
    pub(crate) fn intern(&mut self, name: &[u8]) -> RoleId {
        if let Some(found) = self.find(name) {
            return found;
        }
        let parent = name.iter().rposition(|byte| *byte == b'/').map(|slash| self.intern(&name[..slash]));
        let id = RoleId::new(self.names.intern(name));
        self.roles.push(Role { parent, nested: parent.is_some(), ..Role::default() });
        id
    }

    /// The id of a role that was seen.
    pub(crate) fn find(&self, name: &[u8]) -> Option<RoleId> {
        self.names.find(name).map(RoleId::new)
    }

    /// The name of a role.
    pub(crate) fn name(&self, role: RoleId) -> &[u8] {
        self.names.name(role.index())
    }

    /// How many roles were seen.
    pub(crate) fn len(&self) -> usize {
        self.roles.len()
    }

    /// All roles in the order they were first seen.
    pub(crate) fn ids(&self) -> impl Iterator<Item = RoleId> + use<> {
        (0..u32::try_from(self.roles.len()).unwrap_or(u32::MAX)).map(RoleId::new)
    }

    /// Whether the role is inside another one.
    pub(crate) fn is_nested(&self, role: RoleId) -> bool {
        self.roles[role.index()].nested
    }

    /// The role and its ancestors, nearest first.
    pub(crate) fn lineage(&self, role: RoleId) -> impl Iterator<Item = RoleId> {
        std::iter::successors(Some(role), |at| self.roles[at.index()].parent)
    }

    /// Whether `role` is `ancestor` or inside it.
    pub(crate) fn is_within(&self, role: RoleId, ancestor: RoleId) -> bool {
        self.lineage(role).any(|at| at == ancestor)
    }

    /// Adds to an aggregate of a role, its ancestors and the whole.
    pub(crate) fn add(&mut self, role: RoleId, aggregate: Aggregate, name: NameId, amount: Amount) {
        let mut at = Some(role);
        while let Some(role) = at {
            let record = &mut self.roles[role.index()];
            record.aggregates.of(aggregate).add(name, amount);
            at = record.parent;
        }
        self.whole.of(aggregate).add(name, amount);
    }

    /// Takes from an aggregate of a role, its ancestors and the whole.
    pub(crate) fn subtract(&mut self, role: RoleId, aggregate: Aggregate, name: NameId, amount: Amount) {
        self.add(role, aggregate, name, Amount::ZERO - amount);
    }

    /// The aggregates of a role and everything inside it.
    pub(crate) fn aggregates(&self, role: RoleId) -> &Aggregates {
        &self.roles[role.index()].aggregates
    }

    /// The aggregates over all roles.
    pub(crate) fn whole(&self) -> &Aggregates {
        &self.whole
    }

    /// What the role is guaranteed and how much it may have.
    pub(crate) fn quota(&self, role: RoleId) -> &Quota {
        &self.roles[role.index()].quota
    }

    /// Sets what the role is guaranteed and how much it may have.
    pub(crate) fn set_quota(&mut self, role: RoleId, quota: Quota) {
        self.roles[role.index()].quota = quota;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ancestors_are_known_and_prefixes_are_not_ancestors() {
        let mut roles = RoleTree::default();
        let deep = roles.intern(b"a/b/c");
        let lineage: Vec<_> = roles.lineage(deep).map(|role| roles.name(role).to_vec()).collect();
        assert_eq!(lineage, [b"a/b/c".to_vec(), b"a/b".to_vec(), b"a".to_vec()]);
        let (top, other) = (roles.intern(b"a"), roles.intern(b"ab"));
        assert!(roles.is_within(deep, top) && roles.is_within(top, top));
        assert!(!roles.is_within(other, top) && !roles.is_within(top, deep));
        assert!(roles.is_nested(deep) && !roles.is_nested(top));
    }

    #[test]
    fn aggregates_cover_the_subtree_and_the_whole() {
        let mut roles = RoleTree::default();
        let (inner, top) = (roles.intern(b"a/b"), roles.intern(b"a"));
        let cpus = NameId::new(0);
        roles.add(inner, Aggregate::HeldReserved, cpus, Amount::whole(3));
        roles.subtract(top, Aggregate::HeldReserved, cpus, Amount::whole(1));
        assert_eq!(roles.aggregates(inner).held_reserved.get(cpus), Amount::whole(3));
        assert_eq!(roles.aggregates(top).held_reserved.get(cpus), Amount::whole(2));
        assert_eq!(roles.whole().held_reserved.get(cpus), Amount::whole(2));
    }
}
