//! What quotas leave to a run: guarantees that are not met yet, room below limits, and headroom.
//!
//! ```text
//! consumed(role)     = reservations of the subtree + unreserved, not revocable, held in the subtree
//! required headroom  = sum over top-level roles of (guarantee − consumed), never below nothing
//! available headroom = what is free, unreserved and not revocable, on all agents
//! ```
//!
//! All three are taken once when a run begins and then only charged by what the run gives out, as in Mesos: a role
//! inside a role with a quota is charged to it in the next run, unless it has a quota of its own. A role inside a role
//! may have a quota too; its own subtree counts.

use std::collections::BTreeMap;

use crate::allocator::Allocator;
use crate::allocator::ledger::unreserved_scalars;
use crate::amount::Amount;
use crate::ids::{NameId, RoleId};
use crate::quantities::Quantities;
use crate::roles::RoleTree;

/// A quota with numbered names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) guarantees: Vec<(NameId, Amount)>,
    pub(crate) limits: Vec<(NameId, Amount)>,
}

/// What quotas leave to a run.
#[derive(Debug, Default)]
pub(crate) struct QuotaBooks {
    /// By role, for roles with a quota.
    consumed: BTreeMap<RoleId, Quantities>,
    required: Quantities,
    available: Quantities,
}

impl QuotaBooks {
    /// Whether no role has a quota: nothing is cut, nothing need be charged.
    pub(crate) fn is_idle(&self) -> bool {
        self.consumed.is_empty()
    }

    /// What guarantees lack, and what is there to meet them, to be told.
    pub(crate) fn headroom(&self) -> (&Quantities, &Quantities) {
        (&self.required, &self.available)
    }

    /// Whether some role with a quota lacks something it is guaranteed.
    pub(crate) fn any_unsatisfied(&self, roles: &RoleTree) -> bool {
        roles.claims().any(|(role, _)| !self.unsatisfied(role, roles).is_nothing())
    }

    /// What a role is guaranteed and does not have yet.
    pub(crate) fn unsatisfied(&self, role: RoleId, roles: &RoleTree) -> Quantities {
        let mut missing = Quantities::default();
        let (Some(claim), Some(consumed)) = (roles.claim(role), self.consumed.get(&role)) else {
            return missing;
        };
        for (name, guarantee) in &claim.guarantees {
            missing.add(*name, guarantee.minus_floored(consumed.get(*name)));
        }
        missing
    }

    /// The room below a role's limits when `taken` more is about to be given; nothing if it has no limits.
    pub(crate) fn room(
        &self,
        role: RoleId,
        taken: &[(NameId, Amount)],
        roles: &RoleTree,
    ) -> Vec<(NameId, Amount)> {
        let (Some(claim), Some(consumed)) = (roles.claim(role), self.consumed.get(&role)) else {
            return Vec::new();
        };
        let room = claim.limits.iter().map(|(name, limit)| {
            let about_to: Amount = taken
                .iter()
                .filter(|(taken, _)| taken == name)
                .fold(Amount::ZERO, |sum, (_, amount)| sum + *amount);
            (*name, limit.minus_floored(consumed.get(*name) + about_to))
        });
        room.collect()
    }

    /// What may be given away beyond guarantees; `None` if nothing need be held back.
    pub(crate) fn surplus(&self) -> Option<Quantities> {
        if self.required.is_nothing() {
            return None;
        }
        let mut surplus = self.available.clone();
        surplus.subtract_floored(&self.required);
        Some(surplus)
    }

    /// Charges unreserved scalars that were given to a role; `guaranteed` is the part that met its guarantee.
    pub(crate) fn charge(
        &mut self,
        role: RoleId,
        given: &[(NameId, Amount)],
        guaranteed: &[(NameId, Amount)],
        roles: &RoleTree,
    ) {
        if roles.claim(role).is_some() {
            for at in roles.lineage(role) {
                if let Some(consumed) = self.consumed.get_mut(&at) {
                    for (name, amount) in given {
                        consumed.add(*name, *amount);
                    }
                }
            }
        }
        for (name, amount) in guaranteed {
            self.required.take(*name, *amount);
        }
        for (name, amount) in given {
            self.available.take(*name, *amount);
        }
    }
}

impl Allocator {
    /// The books at the beginning of a run.
    pub(crate) fn open_quota_books(&self) -> QuotaBooks {
        let mut books = QuotaBooks::default();
        for (role, _) in self.roles.claims() {
            books.consumed.insert(role, self.roles.offered_or_consumed(role));
        }
        if books.is_idle() {
            return books;
        }
        for (role, _) in self.roles.claims().filter(|(role, _)| !self.roles.is_nested(*role)) {
            let missing = books.unsatisfied(role, &self.roles);
            books.required.add_all(&missing);
        }
        if !books.required.is_nothing() {
            // Agent by agent: what an over-committed agent holds too much must not count against the others.
            for agent in self.agents.ids() {
                for (name, amount) in unreserved_scalars(&self.agents.get(agent).available, &self.kinds) {
                    books.available.add(name, amount);
                }
            }
        }
        books
    }
}
