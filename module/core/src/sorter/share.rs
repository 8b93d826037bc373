//! Dominant shares, compared exactly.
//!
//! ```text
//! share = max over counted names of (held / pool) / weight
//! ```
//!
//! Two shares compare by cross-multiplication, so no rounding ever decides who comes first.

use std::cmp::Ordering;

use crate::amount::{Amount, Weight};
use crate::effect::Fraction;
use crate::quantities::{Pool, Quantities};

/// A dominant share divided by a weight, ready to be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Share {
    /// Before the weight divides it.
    fraction: Fraction,
    /// `held`, never negative.
    numerator: u64,
    /// `pool × weight`, never zero.
    denominator: u128,
}

impl Share {
    /// Nothing of anything.
    pub(crate) const NONE: Self =
        Self { fraction: Fraction { held: Amount::ZERO, pool: Amount::ZERO }, numerator: 0, denominator: 1 };

    /// The dominant share of a row of holdings.
    ///
    /// Names the pool lacks are left out; an empty pool gives share 0.
    pub(crate) fn of(held: &Quantities, pool: &Pool, weight: Weight) -> Self {
        let row = held.row();
        let mut dominant: Option<Fraction> = None;
        for (name, whole) in pool.counted() {
            let Some(held) = row.get(name.index()).copied().filter(|amount| amount.is_positive()) else {
                continue;
            };
            let candidate = Fraction { held, pool: *whole };
            if dominant.is_none_or(|best| compare(candidate, best) == Ordering::Greater) {
                dominant = Some(candidate);
            }
        }
        let Some(fraction) = dominant else { return Self::NONE };
        Self {
            fraction,
            numerator: fraction.held.in_thousandths().unsigned_abs(),
            denominator: u128::from(fraction.pool.in_thousandths().unsigned_abs())
                * u128::from(weight.in_millionths()),
        }
    }

    /// The share before the weight divides it.
    pub(crate) fn fraction(self) -> Fraction {
        self.fraction
    }
}

impl PartialOrd for Share {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.order(*other))
    }
}

impl Share {
    /// Exact order; equal shares may be different fractions.
    pub(crate) fn order(self, other: Self) -> Ordering {
        if self.denominator == other.denominator {
            // Nearly always: one resource is dominant for most, and few have weights.
            return self.numerator.cmp(&other.numerator);
        }
        product(self.numerator, other.denominator).cmp(&product(other.numerator, self.denominator))
    }
}

/// Compares `left.held / left.pool` with `right.held / right.pool`; the pools are positive.
fn compare(left: Fraction, right: Fraction) -> Ordering {
    let cross = |a: Amount, b: Amount| i128::from(a.in_thousandths()) * i128::from(b.in_thousandths());
    cross(left.held, right.pool).cmp(&cross(right.held, left.pool))
}

/// The 192-bit product as (high, low) 64 and 128 bits: a denominator alone can fill 115 bits.
fn product(factor: u64, wide: u128) -> (u128, u128) {
    let low = (wide & u128::from(u64::MAX)) * u128::from(factor);
    let high = (wide >> 64) * u128::from(factor);
    let (sum, carry) = low.overflowing_add(high << 64);
    ((high >> 64) + u128::from(carry), sum)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ids::NameId;

    fn pool(amounts: &[i64]) -> Pool {
        let mut pool = Pool::default();
        let row: Vec<_> = (0_u32..).zip(amounts).map(|(i, a)| (NameId::new(i), Amount::whole(*a))).collect();
        pool.add(&row);
        pool
    }

    fn held(amounts: &[i64]) -> Quantities {
        let mut held = Quantities::default();
        for (index, amount) in (0_u32..).zip(amounts) {
            held.add(NameId::new(index), Amount::whole(*amount));
        }
        held
    }

    #[test]
    fn the_dominant_resource_is_the_one_with_the_largest_fraction() {
        let pool = pool(&[9, 18]);
        let share = Share::of(&held(&[1, 4]), &pool, Weight::DEFAULT);
        assert_eq!(share.fraction(), Fraction { held: Amount::whole(4), pool: Amount::whole(18) });
    }

    #[test]
    fn shares_that_a_double_cannot_tell_apart_are_told_apart() {
        let pool = pool(&[1_000_000_000_000]);
        let one = |thousandths| {
            let mut held = Quantities::default();
            held.add(NameId::new(0), Amount::thousandths(thousandths));
            Share::of(&held, &pool, Weight::MAX)
        };
        assert_eq!(one(999_999_999_999_999).order(one(999_999_999_999_998)), Ordering::Greater);
    }

    #[test]
    fn names_the_pool_lacks_or_excludes_do_not_count() {
        let mut pool = pool(&[10, 0, 10]);
        assert_eq!(Share::of(&held(&[0, 5]), &pool, Weight::DEFAULT), Share::NONE);
        pool.exclude(vec![NameId::new(0)]);
        let share = Share::of(&held(&[9, 0, 1]), &pool, Weight::DEFAULT);
        assert_eq!(share.fraction().held, Amount::whole(1));
    }

    proptest! {
        #[test]
        fn the_wide_product_is_exact(factor: u64, high: u64, low: u64) {
            // Checked against schoolbook multiplication in base 2^64.
            let wide = (u128::from(high) << 64) | u128::from(low);
            let (f, l, h) = (u128::from(factor), u128::from(low), u128::from(high));
            let (first, second) = (l * f, h * f);
            let middle = (first >> 64) + (second & u128::from(u64::MAX));
            let top = (second >> 64) + (middle >> 64);
            let bottom = (middle << 64) | (first & u128::from(u64::MAX));
            prop_assert_eq!(product(factor, wide), (top, bottom));
        }
    }
}
