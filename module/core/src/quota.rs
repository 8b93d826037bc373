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
use crate::allocator::ledger::Amounts;
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
    room: Amounts,
    in_order: bool,
    /// A framework has a least offer of its own in the role: it may be content with less than the general one.
    own_minimum: bool,
}

/// Resource names as bits. Names beyond the first few share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct NameBits(u64);

impl NameBits {
    /// Stands for all names that have no bit of their own.
    const OTHERS: u32 = 62;
    /// Not a name: the general least offer.
    const LEAST: Self = Self(1 << 63);

    fn of(name: NameId) -> Self {
        Self(1 << name.slot().min(Self::OTHERS))
    }

    /// Those of which there is something.
    pub(crate) fn of_amounts(amounts: &Quantities) -> Self {
        let some = amounts.named().filter(|(_, amount)| amount.is_positive());
        some.fold(Self::default(), |bits, (name, _)| bits.with(Self::of(name)))
    }

    fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether `other` has all of these; not if there are none, or one that may be several.
    fn are_all_in(self, other: Self) -> bool {
        self.0 != 0 && !self.has(Self(1 << Self::OTHERS)) && self.0 & !other.0 == 0
    }

    fn each(self) -> impl Iterator<Item = usize> {
        (0..64).filter(move |bit| self.0 & (1 << bit) != 0)
    }
}

/// What quotas leave to a run.
#[derive(Debug, Default)]
pub(crate) struct QuotaBooks {
    /// By role, for roles with a quota.
    accounts: Vec<Option<Account>>,
    /// By role: of what there is no room below its limits. There are thousands of roles, which are asked about each agent,
    /// so it is kept apart from the accounts.
    spent: Vec<NameBits>,
    /// By bit: of how many roles in the order it is spent.
    spent_by: Vec<u32>,
    /// By role: of what it lacks some of its guarantee.
    missing: Vec<NameBits>,
    /// What guarantees need all of.
    needed: NameBits,
    /// How many roles lack something they are guaranteed.
    lacking: usize,
    required: Quantities,
    available: Quantities,
    /// What may be given away beyond guarantees; `None` if nothing need be held back.
    surplus: Option<Quantities>,
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

    /// Whether the unreserved part of what an agent has left may have something a role lacks of its guarantee.
    pub(crate) fn bring_closer(&self, role: RoleId, left: NameBits) -> bool {
        self.missing.get(role.index()).is_some_and(|missing| missing.has(left))
    }

    /// Whether a role cannot be given anything of an agent that has nothing left but these, all unreserved.
    pub(crate) fn leave_nothing(&self, role: RoleId, left: NameBits) -> bool {
        let spent = self.spent.get(role.index()).copied().unwrap_or_default();
        left.are_all_in(spent.with(self.needed))
    }

    /// Whether none of so many roles in the order can, or none can be given enough for the general least offer.
    pub(crate) fn leave_nothing_to_anybody(&self, roles: u32, left: NameBits) -> bool {
        let spent_by_all = |bit: &usize| self.spent_by.get(*bit) == Some(&roles);
        let spent = left
            .each()
            .filter(spent_by_all)
            .fold(NameBits::default(), |bits, bit| bits.with(NameBits(1 << bit)));
        left.are_all_in(spent.with(self.needed))
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
    pub(crate) fn room(&self, role: RoleId, taken: &[(NameId, Amount)], roles: &RoleTree) -> Amounts {
        let (Some(claim), Some(account)) = (roles.claim(role), self.account(role)) else {
            return Amounts::new();
        };
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
        if self.spent.get(role.index()).is_some_and(|spent| spent.has(NameBits::LEAST)) {
            return true;
        }
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
        self.spent_by.last() == Some(&roles)
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
                account.consumed.add_each(given);
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
        let room_for =
            |name: NameId| room.iter().find(|(limited, _)| *limited == name).map(|(_, amount)| *amount);
        let gone = room.iter().filter(|(_, amount)| !amount.is_positive());
        let mut spent = gone.fold(NameBits::default(), |bits, (name, _)| bits.with(NameBits::of(*name)));
        let too_little = is_too_little(least, |name| room_for(name).unwrap_or(Amount::MAX));
        if !account.own_minimum && !room.is_empty() && too_little {
            spent = spent.with(NameBits::LEAST);
        }
        let claim = roles.claim(role).map(|claim| &claim.guarantees[..]).unwrap_or_default();
        let lacks = claim.iter().filter(|(name, guarantee)| account.consumed.get(*name) < *guarantee);
        self.missing[role.index()] =
            lacks.fold(NameBits::default(), |bits, (name, _)| bits.with(NameBits::of(*name)));
        account.room = room;
        let before = std::mem::replace(&mut self.spent[role.index()], spent);
        if account.in_order {
            // What a run gave away does not come back within it.
            for bit in NameBits(spent.0 & !before.0).each() {
                self.spent_by[bit] += 1;
            }
        }
    }

    fn judge_surplus(&mut self) {
        if self.required.is_nothing() {
            self.surplus = None;
            self.needed = NameBits::default();
            return;
        }
        let mut surplus = self.available.clone();
        surplus.subtract_floored(&self.required);
        let none_left = |(name, _): &(NameId, Amount)| !surplus.get(*name).is_positive();
        let names = self.available.named().filter(none_left);
        self.needed = names.fold(NameBits::default(), |bits, (name, _)| bits.with(NameBits::of(name)));
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
    pub(crate) fn open_quota_books(&mut self) -> QuotaBooks {
        let any = self.roles.claims().next().is_some();
        let mut books = QuotaBooks { any, ..QuotaBooks::default() };
        if books.is_idle() {
            return books;
        }
        books.accounts.resize_with(self.roles.len(), || None);
        books.spent.resize(self.roles.len(), NameBits::default());
        books.missing.resize(self.roles.len(), NameBits::default());
        books.spent_by.resize(64, 0);
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
            let free = self.free.take().unwrap_or_else(|| self.derive_free());
            books.available.clone_from(&free);
            self.free = Some(free);
        }
        books.judge_surplus();
        books
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bits(names: impl IntoIterator<Item = u32>) -> NameBits {
        names.into_iter().fold(NameBits::default(), |bits, name| bits.with(NameBits::of(NameId::new(name))))
    }

    #[test]
    fn a_name_is_spent_only_where_its_own_bit_says_so() {
        assert!(bits([0, 2]).are_all_in(bits([0, 1, 2])) && !bits([0, 3]).are_all_in(bits([0, 1, 2])));
        assert!(!NameBits::default().are_all_in(bits([0])), "nothing left is nothing to decide");
    }

    #[test]
    fn names_without_a_bit_of_their_own_are_never_taken_for_spent() {
        assert!(!bits([70]).are_all_in(bits([71])) && !bits([0, 70]).are_all_in(bits([0, 70])));
        assert!(bits([70]).has(bits([90])), "some of them may be missing");
        assert!(!bits(0..200).has(NameBits::LEAST), "no name stands for the least offer");
    }
}
