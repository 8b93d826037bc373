//! Roles: the hierarchy of names, their quotas, and what is reserved to, held in and used by each subtree.
//!
//! Invariants: a role is known once its name was seen, and then so are all its ancestors; every aggregate covers the
//! role and everything inside it, and [`RoleTree::whole`] covers everything. Aggregates are scalars only.
//!
//! A role *exists* while there is something to it or inside it: reservations, a framework, a quota, or a weight other
//! than the default. Names are never forgotten, but only existing roles have numbers to show.
//!
//! What weights do is the role sorter's business.

use std::collections::BTreeMap;

use crate::amount::Amount;
use crate::event::Quota;
use crate::ids::{NameId, Names, RoleId};
use crate::quantities::Quantities;
use crate::quota::Claim;

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
    /// Reservations, and what tasks use of the rest.
    pub(crate) fn consumed(&self) -> Quantities {
        let mut sum = self.used_unreserved.clone();
        sum.add_all(&self.reservations);
        sum
    }

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
    has_weight: bool,
    /// Weights, quotas and roles with frameworks, here and inside.
    reasons: u32,
    /// In [`RoleTree::changed`].
    marked: bool,
}

impl Role {
    fn exists(&self) -> bool {
        self.reasons > 0 || !self.aggregates.reservations.is_nothing()
    }
}

/// All roles seen, numbered in the order they were first seen.
#[derive(Debug, Clone, Default)]
pub(crate) struct RoleTree {
    names: Names,
    roles: Vec<Role>,
    whole: Aggregates,
    /// The quotas that are not default.
    claims: BTreeMap<RoleId, Claim>,
    /// Roles whose numbers may have appeared or disappeared, in the order of the changes.
    changed: Vec<RoleId>,
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
        let shown = matches!(aggregate, Aggregate::Reservations | Aggregate::UsedUnreserved);
        let mut at = Some(role);
        while let Some(role) = at {
            let record = &mut self.roles[role.index()];
            let row = record.aggregates.of(aggregate);
            let was_nothing = shown && row.get(name).is_zero();
            row.add(name, amount);
            let appeared = shown && was_nothing != row.get(name).is_zero();
            at = record.parent;
            if appeared {
                self.mark(role);
            }
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

    /// What counts against the quota of a role in a run: reservations of the subtree, and what is held of the rest.
    pub(crate) fn offered_or_consumed(&self, role: RoleId) -> Quantities {
        let aggregates = self.aggregates(role);
        let mut sum = aggregates.held_unreserved.clone();
        sum.add_all(&aggregates.reservations);
        sum
    }

    /// What counts against the quota of a role by what it shows: reservations of the subtree, and what tasks use of the
    /// rest.
    pub(crate) fn consumed(&self, role: RoleId) -> Quantities {
        self.aggregates(role).consumed()
    }

    /// What the role is guaranteed and how much it may have.
    pub(crate) fn quota(&self, role: RoleId) -> &Quota {
        &self.roles[role.index()].quota
    }

    /// The quota of a role with numbered names; `None` if it is the default.
    pub(crate) fn claim(&self, role: RoleId) -> Option<&Claim> {
        self.claims.get(&role)
    }

    /// All quotas that are not default.
    pub(crate) fn claims(&self) -> impl Iterator<Item = (RoleId, &Claim)> {
        self.claims.iter().map(|(role, claim)| (*role, claim))
    }

    /// Sets what the role is guaranteed and how much it may have.
    pub(crate) fn set_quota(&mut self, role: RoleId, quota: Quota, claim: Claim) {
        let had = self.claims.remove(&role).is_some();
        let has = !quota.is_default();
        if has {
            self.claims.insert(role, claim);
        }
        self.roles[role.index()].quota = quota;
        self.count_reason(role, had, has);
        self.mark(role);
    }

    /// Notes whether a role has a weight other than the default.
    pub(crate) fn set_has_weight(&mut self, role: RoleId, has: bool) {
        let had = std::mem::replace(&mut self.roles[role.index()].has_weight, has);
        self.count_reason(role, had, has);
    }

    /// Frameworks come to a role that had none, or the last one leaves.
    pub(crate) fn set_has_frameworks(&mut self, role: RoleId, has: bool) {
        self.count_reason(role, !has, has);
        self.mark(role);
    }

    /// A reason for the role and its ancestors to exist appears or disappears.
    fn count_reason(&mut self, role: RoleId, had: bool, has: bool) {
        if had == has {
            return;
        }
        let mut at = Some(role);
        while let Some(role) = at {
            let record = &mut self.roles[role.index()];
            let existed = record.exists();
            if has {
                record.reasons += 1;
            } else {
                record.reasons -= 1;
            }
            let exists = record.exists();
            at = record.parent;
            if existed != exists {
                self.mark(role);
            }
        }
    }

    /// Whether there is something to the role or inside it.
    pub(crate) fn exists(&self, role: RoleId) -> bool {
        self.roles[role.index()].exists()
    }

    fn mark(&mut self, role: RoleId) {
        let record = &mut self.roles[role.index()];
        if !record.marked {
            record.marked = true;
            self.changed.push(role);
        }
    }

    /// The roles whose numbers may have appeared or disappeared since this was last asked.
    pub(crate) fn take_changed(&mut self) -> Vec<RoleId> {
        let changed = std::mem::take(&mut self.changed);
        for role in &changed {
            self.roles[role.index()].marked = false;
        }
        changed
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

    #[test]
    fn item_112_a_role_exists_with_its_ancestors_while_there_is_something_to_it() {
        let mut roles = RoleTree::default();
        let [top, middle, deep] = [b"a".as_slice(), b"a/b", b"a/b/c"].map(|name| roles.intern(name));
        let all = [top, middle, deep];
        let cpus = NameId::new(0);
        let quota = Quota { limits: vec![(b"cpus".as_slice().into(), Amount::whole(1))], ..Quota::default() };
        type Set = fn(&mut RoleTree, RoleId, bool, &Quota);
        let reasons: [(&str, Set); 4] = [
            ("weight", |roles, role, has, _| roles.set_has_weight(role, has)),
            ("frameworks", |roles, role, has, _| roles.set_has_frameworks(role, has)),
            ("quota", |roles, role, has, quota| {
                let quota = if has { quota.clone() } else { Quota::default() };
                roles.set_quota(role, quota, Claim::default());
            }),
            ("reservations", |roles, role, has, _| {
                let amount = if has { Amount::whole(1) } else { Amount::ZERO - Amount::whole(1) };
                roles.add(role, Aggregate::Reservations, NameId::new(0), amount);
            }),
        ];
        for (what, set) in reasons {
            assert!(all.iter().all(|role| !roles.exists(*role)), "{what}");
            roles.take_changed();
            set(&mut roles, deep, true, &quota);
            assert!(all.iter().all(|role| roles.exists(*role)), "{what}");
            assert_eq!(roles.take_changed().len(), 3, "{what}");
            set(&mut roles, deep, false, &quota);
            assert!(all.iter().all(|role| !roles.exists(*role)), "{what}");
            assert_eq!(roles.take_changed().len(), 3, "{what}");
        }
        assert!(roles.consumed(top).get(cpus).is_zero());
    }
}
