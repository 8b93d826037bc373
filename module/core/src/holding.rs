//! Collections of resources: what an agent has, what a framework holds.
//!
//! Invariants of a [`Holding`]: items are sorted by kind (whole kinds also by value); a divisible kind has one item
//! with one copy; no item is empty. A whole kind (see [`KindId::is_whole`]) has one item per distinct value, with the
//! number of copies: two identical mounted disks, or three uses of a shared volume. Arithmetic never goes negative and
//! never fails: taking away what is not there changes nothing, as in Mesos.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::amount::Amount;
use crate::ids::KindId;
use crate::value::Value;

/// Up to so many items are added or taken one by one; more, where there are many.
const FEW: usize = 8;

/// So much of one kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Item {
    /// What it is.
    pub kind: KindId,
    /// How much of it. For whole kinds: the size of one copy.
    pub value: Value,
    /// How many of that size. Always 1 unless the kind is whole.
    pub copies: u32,
}

impl Item {
    /// One copy.
    #[must_use]
    pub fn new(kind: KindId, value: Value) -> Self {
        Self { kind, value, copies: 1 }
    }

    /// A scalar.
    #[must_use]
    pub fn scalar(kind: KindId, amount: Amount) -> Self {
        Self::new(kind, Value::Scalar(amount))
    }

    /// Whether there is nothing of it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.copies == 0 || self.value.is_empty()
    }

    /// The order of items in a collection: by kind, those of whole kinds also by size. Equal means that they are one item.
    fn place(&self, other: &Self) -> Ordering {
        self.kind
            .cmp(&other.kind)
            .then_with(|| if self.kind.is_whole() { self.value.cmp(&other.value) } else { Ordering::Equal })
    }

    /// Adds an item of the same place.
    fn merge(&mut self, other: &Self) {
        if self.kind.is_whole() {
            self.copies = self.copies.saturating_add(other.copies);
        } else {
            self.value.add(&other.value);
        }
    }

    /// Takes an item of the same place away, as far as it is there.
    fn take(&mut self, other: &Self) {
        if self.kind.is_whole() {
            self.copies = self.copies.saturating_sub(other.copies);
        } else {
            self.value.subtract(&other.value);
        }
    }

    /// The scalar amount this counts for: all copies, but a shared resource only once. `None` for ranges and sets.
    #[must_use]
    pub fn scalar_quantity(&self) -> Option<Amount> {
        let amount = self.value.scalar()?;
        Some(if self.kind.is_shared() { amount } else { amount.times(self.copies) })
    }
}

/// A collection of resources on one agent.
///
/// ```
/// use apportion_core::{Allocator, Amount, Holding, Item, Kind};
/// let mut allocator = Allocator::new();
/// let cpus = allocator.intern_kind(Kind::scalar(b"cpus")).unwrap();
/// let mut free = Holding::new([Item::scalar(cpus, Amount::whole(4))]);
/// free.subtract(&Holding::new([Item::scalar(cpus, Amount::whole(1))]));
/// assert_eq!(free.items(), [Item::scalar(cpus, Amount::whole(3))]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Holding {
    /// Shared until changed: an agent's total, an offer of all of it and its holder's entry are one list. `None` iff
    /// there is nothing.
    items: Option<Arc<Vec<Item>>>,
}

impl Holding {
    /// Collects items, merging those of the same kind and leaving out empty ones.
    #[must_use]
    pub fn new(items: impl IntoIterator<Item = Item>) -> Self {
        let mut holding = Self::default();
        for item in items {
            holding.add_item(&item);
        }
        holding
    }

    /// The items in their order.
    #[must_use]
    pub fn items(&self) -> &[Item] {
        self.items.as_ref().map_or(&[], |items| items)
    }

    /// The items, to be changed; afterwards [`Holding::settle`] must be called if some may have gone.
    fn items_mut(&mut self) -> &mut Vec<Item> {
        Arc::make_mut(self.items.get_or_insert_default())
    }

    /// No items is nothing.
    fn settle(&mut self) {
        self.items.take_if(|items| items.is_empty());
    }

    /// Whether both are the very same list.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (&self.items, &other.items) {
            (Some(own), Some(others)) => Arc::ptr_eq(own, others),
            (None, None) => true,
            _ => false,
        }
    }

    /// The same list where `other` has the same in it: lists that are shared are compared by where they are.
    pub(crate) fn or_equal(&self, other: Self) -> Self {
        if *self == other { self.clone() } else { other }
    }

    /// Whether somebody else refers to the very same list.
    pub(crate) fn is_referred_to_elsewhere(&self) -> bool {
        self.items.as_ref().is_some_and(|items| Arc::strong_count(items) > 1)
    }

    /// Whether there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_none()
    }

    /// Where `item` is or belongs: by kind, and for whole kinds by value.
    fn position(&self, item: &Item) -> Result<usize, usize> {
        self.items().binary_search_by(|own| own.place(item))
    }

    /// Adds one item; an empty one changes nothing.
    pub fn add_item(&mut self, item: &Item) {
        if item.is_empty() {
            return;
        }
        let position = self.position(item);
        let items = self.items_mut();
        match position {
            Err(at) => items.insert(at, item.clone()),
            Ok(at) => items[at].merge(item),
        }
    }

    /// Takes one item away, as far as it is there.
    pub fn subtract_item(&mut self, item: &Item) {
        let Ok(at) = self.position(item) else { return };
        let items = self.items_mut();
        items[at].take(item);
        if items[at].is_empty() {
            items.remove(at);
            self.settle();
        }
    }

    /// Adds everything in `other`.
    pub fn add(&mut self, other: &Self) {
        if self.is_empty() {
            self.clone_from(other);
        } else if other.items().len() <= FEW.max(self.items().len() / 16) {
            other.items().iter().for_each(|item| self.add_item(item));
        } else {
            let items = self.items_mut();
            items.extend(other.items().iter().cloned());
            merge_equal(items);
        }
    }

    /// Everything in all of them. An agent can be reserved for thousands, so this takes them together instead of one by
    /// one.
    pub(crate) fn sum<'h>(mut holdings: impl Iterator<Item = &'h Self>) -> Self {
        let (Some(first), second) = (holdings.next(), holdings.next()) else { return Self::default() };
        let Some(second) = second else { return first.clone() };
        let all = [first, second].into_iter().chain(holdings).flat_map(Self::items);
        let mut items: Vec<Item> = all.cloned().collect();
        merge_equal(&mut items);
        let mut sum = Self { items: Some(Arc::new(items)) };
        sum.settle();
        sum
    }

    /// Takes everything in `other` away, as far as it is there.
    pub fn subtract(&mut self, other: &Self) {
        if self.is_same(other) {
            self.items = None;
        } else if other.items().len() <= FEW.max(self.items().len() / 16) || self.is_empty() {
            other.items().iter().for_each(|item| self.subtract_item(item));
        } else {
            let mut taken = other.items().iter().peekable();
            self.items_mut().retain_mut(|own| {
                while taken.peek().is_some_and(|item| item.place(own) == Ordering::Less) {
                    taken.next();
                }
                if let Some(item) = taken.next_if(|item| item.place(own) == Ordering::Equal) {
                    own.take(item);
                }
                !own.is_empty()
            });
            self.settle();
        }
    }

    /// Whether `item` is in this, with all its copies.
    #[must_use]
    pub fn contains_item(&self, item: &Item) -> bool {
        if item.is_empty() {
            return true;
        }
        let Ok(at) = self.position(item) else { return false };
        let own = &self.items()[at];
        if item.kind.is_whole() { own.copies >= item.copies } else { own.value.contains(&item.value) }
    }

    /// Whether everything in `other` is in this.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        self.is_same(other) || other.items().iter().all(|item| self.contains_item(item))
    }

    /// The items for which `keep` answers true.
    #[must_use]
    pub fn filtered(&self, keep: impl Fn(&Item) -> bool) -> Self {
        let kept: Vec<Item> = self.items().iter().filter(|item| keep(item)).cloned().collect();
        if kept.len() == self.items().len() {
            return self.clone();
        }
        Self { items: (!kept.is_empty()).then(|| Arc::new(kept)) }
    }

    /// Whether the invariants hold.
    pub(crate) fn is_normal(&self) -> bool {
        !self.items.as_ref().is_some_and(|items| items.is_empty())
            && self.items().iter().all(|item| !item.is_empty() && (item.kind.is_whole() || item.copies == 1))
            && self.items().windows(2).all(|pair| {
                pair[0].kind < pair[1].kind
                    || (pair[0].kind == pair[1].kind
                        && pair[0].kind.is_whole()
                        && pair[0].value < pair[1].value)
            })
    }
}

/// Puts items in order and makes one of those that are the same. Lists that are in order already cost little.
fn merge_equal(items: &mut Vec<Item>) {
    items.sort_by(Item::place);
    items.dedup_by(|next, sum| {
        let is_same = sum.place(next) == Ordering::Equal;
        if is_same {
            sum.merge(next);
        }
        is_same
    });
}

impl FromIterator<Item> for Holding {
    fn from_iter<I: IntoIterator<Item = Item>>(items: I) -> Self {
        Self::new(items)
    }
}

/// A change of resources into others: reserving, making a volume, growing it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Conversion {
    /// What goes. Empty: further copies of shared resources come into use.
    pub consumed: Holding,
    /// What comes instead. Empty: the resources vanish.
    pub converted: Holding,
    /// Afterwards nothing of this may be left: a destroyed volume must not have had further copies.
    pub leaves_none_of: Holding,
}

impl Conversion {
    /// Applies the conversion; `resources` is untouched if it does not apply.
    ///
    /// # Errors
    ///
    /// [`DoesNotApply`] if `consumed` is not contained, or something of `leaves_none_of` would be left.
    pub fn apply(&self, resources: &mut Holding) -> Result<(), DoesNotApply> {
        if !resources.contains(&self.consumed) {
            let (there, wanted) = (resources.clone(), self.consumed.clone());
            return Err(DoesNotApply::NotContained { there, wanted });
        }
        let mut changed = resources.clone();
        changed.subtract(&self.consumed);
        changed.add(&self.converted);
        if self.leaves_none_of.items().iter().any(|item| changed.position(item).is_ok()) {
            return Err(DoesNotApply::CopiesLeft { volume: self.leaves_none_of.clone() });
        }
        *resources = changed;
        Ok(())
    }
}

/// Why a conversion does not apply.
///
/// Only who knows the kinds can say it in an operator's words: holdings have no names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DoesNotApply {
    /// What it consumes is not there.
    #[error("the consumed resources are not contained")]
    NotContained {
        /// What is there, after the conversions before it.
        there: Holding,
        /// What it consumes.
        wanted: Holding,
    },
    /// Further copies of a destroyed volume exist.
    #[error("further copies of the destroyed volume are left")]
    CopiesLeft {
        /// The volume.
        volume: Holding,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(index: u32) -> KindId {
        KindId::new(index, true, false)
    }

    fn scalar(kind: KindId, units: i64) -> Item {
        Item::scalar(kind, Amount::whole(units))
    }

    #[test]
    fn amounts_of_one_kind_merge_and_empty_items_disappear() {
        let mut holding = Holding::new([scalar(kind(1), 2), scalar(kind(0), 0), scalar(kind(1), 3)]);
        assert_eq!(holding.items(), [scalar(kind(1), 5)]);
        holding.subtract_item(&scalar(kind(1), 9));
        assert!(holding.is_empty());
    }

    #[test]
    fn whole_kinds_come_and_go_in_copies() {
        let disk = KindId::new(3, false, false);
        let mut holding = Holding::new([scalar(disk, 100), scalar(disk, 100), scalar(disk, 50)]);
        assert_eq!(holding.items().len(), 2);
        assert!(!holding.contains_item(&scalar(disk, 60)), "a disk is never cut");
        holding.subtract_item(&scalar(disk, 60));
        assert!(holding.contains(&Holding::new([scalar(disk, 100), scalar(disk, 100)])));
        holding.subtract_item(&scalar(disk, 100));
        assert!(holding.contains_item(&scalar(disk, 100)));
        holding.subtract_item(&scalar(disk, 100));
        assert_eq!(holding.items(), [scalar(disk, 50)]);
    }

    #[test]
    fn a_shared_resource_counts_once_however_often_it_is_used() {
        let shared = KindId::new(4, false, true);
        let item = Item { copies: 3, ..scalar(shared, 10) };
        assert_eq!(item.scalar_quantity(), Some(Amount::whole(10)));
        let disk = KindId::new(5, false, false);
        assert_eq!(Item { copies: 3, ..scalar(disk, 10) }.scalar_quantity(), Some(Amount::whole(30)));
    }

    #[test]
    fn a_conversion_applies_whole_or_not_at_all() {
        let (free, reserved) = (kind(0), kind(1));
        let mut holding = Holding::new([scalar(free, 4)]);
        let reserve = Conversion {
            consumed: Holding::new([scalar(free, 3)]),
            converted: Holding::new([scalar(reserved, 3)]),
            ..Conversion::default()
        };
        assert_eq!(reserve.apply(&mut holding), Ok(()));
        assert_eq!(holding.items(), [scalar(free, 1), scalar(reserved, 3)]);
        let before = holding.clone();
        let refused = DoesNotApply::NotContained { there: before.clone(), wanted: reserve.consumed.clone() };
        assert_eq!(reserve.apply(&mut holding), Err(refused));
        assert_eq!(holding, before);
    }

    #[test]
    fn a_volume_with_further_copies_cannot_be_destroyed() {
        let volume = KindId::new(6, false, true);
        let one = Holding::new([scalar(volume, 8)]);
        let destroy = Conversion {
            consumed: one.clone(),
            converted: Holding::new([scalar(kind(0), 8)]),
            leaves_none_of: one.clone(),
        };
        let mut twice = one.clone();
        twice.add(&one);
        assert_eq!(destroy.apply(&mut twice), Err(DoesNotApply::CopiesLeft { volume: one.clone() }));
        assert_eq!(twice.items()[0].copies, 2);
        let mut once = one;
        assert_eq!(destroy.apply(&mut once), Ok(()));
    }
}
