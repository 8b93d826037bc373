//! What a resource amounts to: a scalar, ranges of integers, or a set of items.
//!
//! Invariants: [`Ranges`] are sorted, disjoint and not adjacent; an [`ItemSet`] is sorted without duplicates. Both are
//! normalised when built, so equality is that of the sets they stand for. Union is idempotent: ranges and sets of
//! different agents or holders must never be summed.

use std::fmt;

use crate::amount::Amount;
use crate::text::Text;

/// The three value types a resource can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ValueType {
    /// A number, in thousandths.
    Scalar,
    /// Ranges of unsigned integers, such as ports.
    Ranges,
    /// A set of items.
    Set,
}

/// How much there is of a resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// A number, in thousandths.
    Scalar(Amount),
    /// Ranges of unsigned integers.
    Ranges(Ranges),
    /// A set of items.
    Set(ItemSet),
}

impl Value {
    /// Which of the three types this is.
    #[must_use]
    pub fn value_type(&self) -> ValueType {
        match self {
            Self::Scalar(_) => ValueType::Scalar,
            Self::Ranges(_) => ValueType::Ranges,
            Self::Set(_) => ValueType::Set,
        }
    }

    /// Whether there is nothing: a scalar that is not positive, no range, no item.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Scalar(amount) => !amount.is_positive(),
            Self::Ranges(ranges) => ranges.is_empty(),
            Self::Set(set) => set.is_empty(),
        }
    }

    /// Adds `other`; values of another type are left out, as they never belong to the same resource.
    pub fn add(&mut self, other: &Self) {
        match (self, other) {
            (Self::Scalar(left), Self::Scalar(right)) => *left += *right,
            (Self::Ranges(left), Self::Ranges(right)) => left.add(right),
            (Self::Set(left), Self::Set(right)) => left.add(right),
            _ => {}
        }
    }

    /// Takes `other` away; a scalar stops at nothing, and what is not there is not missed.
    pub fn subtract(&mut self, other: &Self) {
        match (self, other) {
            (Self::Scalar(left), Self::Scalar(right)) => *left = left.minus_floored(*right),
            (Self::Ranges(left), Self::Ranges(right)) => left.subtract(right),
            (Self::Set(left), Self::Set(right)) => left.subtract(right),
            _ => {}
        }
    }

    /// Whether `other` is of the same type and no more than this.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Scalar(left), Self::Scalar(right)) => left >= right,
            (Self::Ranges(left), Self::Ranges(right)) => left.contains(right),
            (Self::Set(left), Self::Set(right)) => left.contains(right),
            _ => false,
        }
    }

    /// The scalar, if it is one.
    #[must_use]
    pub fn scalar(&self) -> Option<Amount> {
        match self {
            Self::Scalar(amount) => Some(*amount),
            _ => None,
        }
    }

    /// The value as a number: the scalar itself, or how many integers or items there are.
    #[must_use]
    pub fn quantity(&self) -> Amount {
        let count = match self {
            Self::Scalar(amount) => return *amount,
            Self::Ranges(ranges) => ranges.count(),
            Self::Set(set) => set.len() as u128,
        };
        Amount::whole(i64::try_from(count).unwrap_or(i64::MAX))
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scalar(amount) => amount.fmt(f),
            Self::Ranges(ranges) => ranges.fmt(f),
            Self::Set(set) => set.fmt(f),
        }
    }
}

/// A set of unsigned integers as inclusive ranges.
///
/// ```
/// use apportion_core::Ranges;
/// let mut ports = Ranges::new([(31_000, 31_004)]);
/// ports.subtract(&Ranges::new([(31_002, 31_002)]));
/// assert_eq!(ports.to_string(), "[31000-31001, 31003-31004]");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Ranges(Vec<(u64, u64)>);

impl Ranges {
    /// Sorts and joins overlapping and adjacent ranges; a range whose end lies before its begin is left out.
    #[must_use]
    pub fn new(ranges: impl IntoIterator<Item = (u64, u64)>) -> Self {
        let mut sorted: Vec<(u64, u64)> = ranges.into_iter().filter(|(begin, end)| begin <= end).collect();
        sorted.sort_unstable();
        let mut joined: Vec<(u64, u64)> = Vec::with_capacity(sorted.len());
        for (begin, end) in sorted {
            match joined.last_mut() {
                Some(last) if begin <= last.1.saturating_add(1) => last.1 = last.1.max(end),
                _ => joined.push((begin, end)),
            }
        }
        Self(joined)
    }

    /// The ranges as (begin, end) pairs, both inclusive, in ascending order.
    #[must_use]
    pub fn pairs(&self) -> &[(u64, u64)] {
        &self.0
    }

    /// Whether there is no integer in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many integers there are.
    #[must_use]
    pub fn count(&self) -> u128 {
        self.0.iter().map(|(begin, end)| u128::from(end - begin) + 1).sum()
    }

    /// Set union.
    pub fn add(&mut self, other: &Self) {
        *self = Self::new(self.0.iter().chain(&other.0).copied());
    }

    /// Set difference.
    pub fn subtract(&mut self, other: &Self) {
        let mut rest = Vec::with_capacity(self.0.len() + other.0.len());
        let mut cuts = other.0.iter().copied().peekable();
        for &(begin, end) in &self.0 {
            while cuts.next_if(|cut| cut.1 < begin).is_some() {}
            let mut from = Some(begin);
            // A cut may reach into the next range too, so it is only looked at here, not consumed.
            for cut in cuts.clone().take_while(|cut| cut.0 <= end) {
                let Some(start) = from else { break };
                if cut.0 > start {
                    rest.push((start, cut.0 - 1));
                }
                from = cut.1.checked_add(1).filter(|next| *next <= end);
            }
            if let Some(start) = from {
                rest.push((start, end));
            }
        }
        self.0 = rest;
    }

    /// Whether every integer of `other` is in this.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        let mut own = self.0.iter().peekable();
        other.0.iter().all(|&(begin, end)| {
            while own.next_if(|range| range.1 < begin).is_some() {}
            own.peek().is_some_and(|range| range.0 <= begin && end <= range.1)
        })
    }
}

impl fmt::Display for Ranges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (position, (begin, end)) in self.0.iter().enumerate() {
            let separator = if position == 0 { "" } else { ", " };
            write!(f, "{separator}{begin}-{end}")?;
        }
        f.write_str("]")
    }
}

/// A set of items, each a byte string.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ItemSet(Vec<Box<[u8]>>);

impl ItemSet {
    /// Sorts and drops duplicates.
    #[must_use]
    pub fn new(items: impl IntoIterator<Item = Box<[u8]>>) -> Self {
        let mut sorted: Vec<_> = items.into_iter().collect();
        sorted.sort_unstable();
        sorted.dedup();
        Self(sorted)
    }

    /// The items in byte order.
    #[must_use]
    pub fn items(&self) -> &[Box<[u8]>] {
        &self.0
    }

    /// How many items there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no item.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Set union.
    pub fn add(&mut self, other: &Self) {
        *self = Self::new(self.0.drain(..).chain(other.0.iter().cloned()));
    }

    /// Set difference.
    pub fn subtract(&mut self, other: &Self) {
        self.0.retain(|item| other.0.binary_search(item).is_err());
    }

    /// Whether every item of `other` is in this.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        other.0.iter().all(|item| self.0.binary_search(item).is_ok())
    }
}

impl fmt::Display for ItemSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (position, item) in self.0.iter().enumerate() {
            let separator = if position == 0 { "" } else { ", " };
            write!(f, "{separator}{}", Text(item))?;
        }
        f.write_str("}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    use super::*;

    fn ranges(pairs: &[(u64, u64)]) -> Ranges {
        Ranges::new(pairs.iter().copied())
    }

    #[test]
    fn adjacent_and_overlapping_ranges_become_one() {
        assert_eq!(ranges(&[(20, 30), (31, 39), (40, 40)]), ranges(&[(20, 40)]));
        assert_eq!(ranges(&[(5, 10), (1, 6)]), ranges(&[(1, 10)]));
        assert_eq!(ranges(&[(0, u64::MAX), (7, 9)]).pairs(), &[(0, u64::MAX)]);
        assert!(ranges(&[(9, 3)]).is_empty());
    }

    #[test]
    fn one_cut_can_end_one_range_and_begin_the_next() {
        let mut left = ranges(&[(1, 5), (10, 15)]);
        left.subtract(&ranges(&[(4, 11), (15, u64::MAX)]));
        assert_eq!(left, ranges(&[(1, 3), (12, 14)]));
    }

    #[test]
    fn sets_compare_without_regard_to_order() {
        let item = |text: &str| text.as_bytes().to_vec().into_boxed_slice();
        let set = ItemSet::new([item("b"), item("a"), item("b")]);
        assert_eq!(set, ItemSet::new([item("a"), item("b")]));
        assert_eq!(set.to_string(), "{a, b}");
        assert_eq!(Value::Set(set).quantity(), Amount::whole(2));
    }

    #[test]
    fn a_scalar_never_goes_below_nothing() {
        let mut value = Value::Scalar(Amount::whole(1));
        value.subtract(&Value::Scalar(Amount::whole(2)));
        assert_eq!(value, Value::Scalar(Amount::ZERO));
        assert!(value.is_empty());
    }

    fn small_ranges() -> impl Strategy<Value = Vec<(u64, u64)>> {
        prop::collection::vec((0_u64..40, 0_u64..6).prop_map(|(begin, length)| (begin, begin + length)), 0..8)
    }

    fn numbers(ranges: &Ranges) -> BTreeSet<u64> {
        ranges.pairs().iter().flat_map(|(begin, end)| *begin..=*end).collect()
    }

    proptest! {
        #[test]
        fn ranges_behave_like_the_sets_they_stand_for(left in small_ranges(), right in small_ranges()) {
            let (left, right) = (ranges(&left), ranges(&right));
            let (a, b) = (numbers(&left), numbers(&right));
            let mut sum = left.clone();
            sum.add(&right);
            prop_assert_eq!(numbers(&sum), &a | &b);
            let mut rest = left.clone();
            rest.subtract(&right);
            prop_assert_eq!(numbers(&rest), &a - &b);
            prop_assert_eq!(&rest, &Ranges::new(rest.pairs().iter().copied()), "stays normalised");
            prop_assert_eq!(left.contains(&right), b.is_subset(&a));
            prop_assert_eq!(left.count(), a.len() as u128);
        }
    }
}
