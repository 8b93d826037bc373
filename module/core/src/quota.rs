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

use crate::allocator::Allocator;
use crate::allocator::ledger::unreserved_scalars;
use crate::amount::Amount;
use crate::frameworks::Alternative;
use crate::ids::{NameId, RoleId};
use crate::quantities::Quantities;
use crate::roles::RoleTree;

/// A quota with numbered names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) guarantees: Vec<(NameId, Amount)>,
    pub(crate) limits: Vec<(NameId, Amount)>,
}

/// What counts against one role's quota.
#[derive(Debug, Default)]
struct Account {
    consumed: Quantities,
    /// The room below the limits; empty if there are none.
    room: Vec<(NameId, Amount)>,
    /// The room is too little for the general least offer, and the role is in the order.
    exhausted: bool,
    in_order: bool,
    /// A framework has a least offer of its own in the role: it may be content with less than the general one.
    own_minimum: bool,
}

/// What quotas leave to a run.
#[derive(Debug, Default)]
pub(crate) struct QuotaBooks {
    /// By role, for roles with a quota.
    accounts: Vec<Option<Account>>,
    /// How many roles lack something they are guaranteed.
    lacking: usize,
    required: Quantities,
    available: Quantities,
    /// What may be given away beyond guarantees; `None` if nothing need be held back.
    surplus: Option<Quantities>,
    /// How many roles in the order are exhausted.
    exhausted: u32,
    /// A framework has a least offer of its own in some role.
    any_own_minimum: bool,
    any: bool,
}

impl QuotaBooks {
    fn account(&self, role: RoleId) -> Option<&Account> {
        self.accounts.get(role.index())?.as_ref()
    }

    /// Whether no role has a quota: nothing is cut, nothing need be charged.
    pub(crate) fn is_idle(&self) -> bool {
        !self.any
    }

    /// What guarantees lack, and what is there to meet them, to be told.
    pub(crate) fn headroom(&self) -> (&Quantities, &Quantities) {
        (&self.required, &self.available)
    }

    /// Whether some role with a quota lacks something it is guaranteed.
    pub(crate) fn any_lacks(&self) -> bool {
        self.lacking > 0
    }

    /// Whether a role lacks something it is guaranteed.
    pub(crate) fn lacks(&self, role: RoleId, roles: &RoleTree) -> bool {
        let account = self.account(role);
        account.is_some_and(|account| {
            roles.claim(role).is_some_and(|claim| {
                claim.guarantees.iter().any(|(name, guarantee)| account.consumed.get(*name) < *guarantee)
            })
        })
    }

    /// Whether `left`, the unreserved part of what an agent has left, has something a role lacks of its guarantee.
    pub(crate) fn bring_closer(&self, role: RoleId, left: &Quantities, roles: &RoleTree) -> bool {
        let lacks = |account: &Account, (name, guarantee): &(NameId, Amount)| {
            left.get(*name).is_positive() && account.consumed.get(*name) < *guarantee
        };
        self.account(role).zip(roles.claim(role)).is_some_and(|(account, claim)| {
            claim.guarantees.iter().any(|guarantee| lacks(account, guarantee))
        })
    }

    /// What a role is guaranteed and does not have yet.
    pub(crate) fn unsatisfied(&self, role: RoleId, roles: &RoleTree) -> Quantities {
        let mut missing = Quantities::default();
        let (Some(claim), Some(account)) = (roles.claim(role), self.account(role)) else { return missing };
        for (name, guarantee) in &claim.guarantees {
            missing.add(*name, guarantee.minus_floored(account.consumed.get(*name)));
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
        let (Some(claim), Some(account)) = (roles.claim(role), self.account(role)) else { return Vec::new() };
        let room = claim.limits.iter().map(|(name, limit)| {
            let about_to: Amount = taken
                .iter()
                .filter(|(taken, _)| taken == name)
                .fold(Amount::ZERO, |sum, (_, amount)| sum + *amount);
            (*name, limit.minus_floored(account.consumed.get(*name) + about_to))
        });
        room.collect()
    }

    /// What may be given to a role beyond guarantees when `guaranteed` is about to be given to it; `None` if nothing need
    /// be held back.
    pub(crate) fn surplus(
        &self,
        role: RoleId,
        guaranteed: &[(NameId, Amount)],
        roles: &RoleTree,
    ) -> Option<Quantities> {
        let mut surplus = self.surplus.clone()?;
        // Of a role inside a role it is not among what must be kept, so it comes from what is left.
        for (name, amount) in guaranteed.iter().filter(|_| roles.is_nested(role)) {
            surplus.take(*name, *amount);
        }
        Some(surplus)
    }

    /// Whether quotas leave too little of `left`, all of it unreserved, to a role for the general least offer. Costs next
    /// to nothing to know, where asking its frameworks would not.
    pub(crate) fn leave_too_little(&self, role: RoleId, left: &Quantities, least: &[Alternative]) -> bool {
        let account = self.account(role);
        if self.any_own_minimum && account.is_none_or(|account| account.own_minimum) {
            return false;
        }
        let surplus = self.surplus.as_ref();
        if surplus.is_none() && account.is_none_or(|account| account.room.is_empty()) {
            return false;
        }
        is_too_little(least, |name| {
            let limit = account.and_then(|account| {
                account.room.iter().find(|(limited, _)| *limited == name).map(|(_, amount)| *amount)
            });
            let mut room = left.get(name);
            for bound in [limit, surplus.map(|surplus| surplus.get(name))].into_iter().flatten() {
                room = room.min(bound);
            }
            room
        })
    }

    /// Whether no role in the order can be given anything of an agent whose resources are all unreserved: every one of
    /// them is at its limits.
    pub(crate) fn are_exhausted(&self, roles: u32) -> bool {
        self.exhausted == roles
    }

    /// Charges unreserved scalars that were given to a role; `guaranteed` is the part that met its guarantee.
    pub(crate) fn charge(
        &mut self,
        role: RoleId,
        given: &[(NameId, Amount)],
        guaranteed: &[(NameId, Amount)],
        (roles, least): (&RoleTree, &[Alternative]),
    ) {
        if roles.claim(role).is_some() {
            for at in roles.lineage(role) {
                let lacked = self.lacks(at, roles);
                let Some(account) = self.accounts.get_mut(at.index()).and_then(Option::as_mut) else {
                    continue;
                };
                for (name, amount) in given {
                    account.consumed.add(*name, *amount);
                }
                self.lacking -= usize::from(lacked && !self.lacks(at, roles));
                self.judge(at, roles, least);
            }
        }
        // What a role inside a role is guaranteed was not counted among what must be kept.
        if !roles.is_nested(role) {
            for (name, amount) in guaranteed {
                self.required.take(*name, *amount);
            }
        }
        for (name, amount) in given {
            self.available.take(*name, *amount);
        }
        self.judge_surplus();
    }

    /// Brings up to date what is known about a role's limits.
    fn judge(&mut self, role: RoleId, roles: &RoleTree, least: &[Alternative]) {
        let room = self.room(role, &[], roles);
        let Some(account) = self.accounts.get_mut(role.index()).and_then(Option::as_mut) else { return };
        let was_exhausted = account.exhausted;
        account.exhausted = account.in_order
            && !account.own_minimum
            && !room.is_empty()
            && is_too_little(least, |name| {
                room.iter().find(|(limited, _)| *limited == name).map_or(Amount::MAX, |(_, amount)| *amount)
            });
        account.room = room;
        // What a run gave away does not come back within it.
        self.exhausted += u32::from(account.exhausted && !was_exhausted);
    }

    fn judge_surplus(&mut self) {
        if self.required.is_nothing() {
            self.surplus = None;
            return;
        }
        let mut surplus = self.available.clone();
        surplus.subtract_floored(&self.required);
        self.surplus = Some(surplus);
    }
}

/// Whether no alternative of a least offer can be met with so much of each name.
fn is_too_little(least: &[Alternative], room: impl Fn(NameId) -> Amount) -> bool {
    let cannot_be_met =
        |alternative: &Alternative| alternative.iter().any(|(name, least)| room(*name) < *least);
    !least.is_empty() && least.iter().all(cannot_be_met)
}

impl Allocator {
    /// The books at the beginning of a run.
    pub(crate) fn open_quota_books(&self) -> QuotaBooks {
        let any = self.roles.claims().next().is_some();
        let mut books = QuotaBooks { any, ..QuotaBooks::default() };
        if books.is_idle() {
            return books;
        }
        books.accounts.resize_with(self.roles.len(), || None);
        for (role, _) in self.roles.claims() {
            let consumed = self.roles.offered_or_consumed(role);
            let in_order = self.role_sorter.contains(role.slot());
            books.accounts[role.index()] = Some(Account { consumed, in_order, ..Account::default() });
        }
        for framework in self.frameworks.ids() {
            let members = self.frameworks.get(framework).memberships.iter();
            for member in members.filter(|member| member.min_allocatable.is_some()) {
                books.any_own_minimum = true;
                if let Some(account) = books.accounts.get_mut(member.role.index()).and_then(Option::as_mut) {
                    account.own_minimum = true;
                }
            }
        }
        for (role, _) in self.roles.claims() {
            books.lacking += usize::from(books.lacks(role, &self.roles));
            books.judge(role, &self.roles, &self.min_allocatable);
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
        books.judge_surplus();
        books
    }
}
