//! Fixed-point quantities: how much of a scalar resource there is, and how much a role's claim weighs.
//!
//! Invariants: every sum, difference and comparison of scalars in this crate happens on [`Amount`]s, in whole
//! thousandths, so that adding and taking away the same amounts always returns to the start. Floating point appears
//! only where a number enters ([`Amount::from_f64`], [`Weight::from_f64`]) or leaves ([`Amount::to_f64`]).

use std::fmt;

use thiserror::Error;

/// How many thousandths make one.
const SCALE: i64 = 1000;

/// A quantity of a scalar resource in thousandths (`1.5` cpus are `1500`).
///
/// Arithmetic saturates at the ends of `i64`; one resource is at most [`Amount::MAX`], so a sum over some 8,000
/// of the largest agents imaginable is still exact.
///
/// ```
/// use apportion_core::Amount;
/// let half = Amount::from_f64(0.5).unwrap();
/// assert_eq!(half + half, Amount::whole(1));
/// assert_eq!(Amount::from_f64(1.0005).unwrap().to_string(), "1.001");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Amount(i64);

/// Why a floating-point number is not an [`Amount`].
#[derive(Debug, Clone, Copy, PartialEq, Error)]
pub enum NotAnAmount {
    /// The number is NaN or infinite.
    #[error("{0} is not a finite number")]
    NotFinite(f64),
    /// The number is beyond what one resource may hold.
    #[error("{0} is beyond the largest amount of one resource, {max}", max = Amount::MAX)]
    TooLarge(f64),
}

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The largest amount of one resource: 2^40, about an exabyte in the megabytes of `mem` and `disk`.
    pub const MAX: Self = Self((1 << 40) * SCALE);

    /// An amount of so many thousandths.
    #[must_use]
    pub const fn thousandths(count: i64) -> Self {
        Self(count)
    }

    /// An amount of so many whole units.
    #[must_use]
    pub const fn whole(units: i64) -> Self {
        Self(units.saturating_mul(SCALE))
    }

    /// Rounds to the nearest thousandth, halves away from zero, as Mesos does in every scalar operation.
    ///
    /// # Errors
    ///
    /// [`NotAnAmount`] for NaN, the infinities, and anything beyond ±[`Amount::MAX`].
    pub fn from_f64(number: f64) -> Result<Self, NotAnAmount> {
        if !number.is_finite() {
            return Err(NotAnAmount::NotFinite(number));
        }
        #[expect(clippy::cast_precision_loss, reason = "the bound is a power of two times 1000: exact")]
        let bound = Self::MAX.0 as f64;
        let thousandths = (number * 1000.0).round();
        if thousandths.abs() > bound {
            return Err(NotAnAmount::TooLarge(number));
        }
        #[expect(clippy::cast_possible_truncation, reason = "a whole number, checked to be in range above")]
        Ok(Self(thousandths as i64))
    }

    /// The amount as Mesos writes it back: whole part plus thousandths.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "exact up to 2^53 units, and amounts end at 2^40")]
        let (whole, rest) = ((self.0 / SCALE) as f64, (self.0 % SCALE) as f64);
        whole + rest / 1000.0
    }

    /// The count of thousandths.
    #[must_use]
    pub const fn in_thousandths(self) -> i64 {
        self.0
    }

    /// Whether this is exactly nothing.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Whether this is more than nothing.
    #[must_use]
    pub const fn is_positive(self) -> bool {
        self.0 > 0
    }

    /// `self − other`, but never below nothing.
    #[must_use]
    pub fn minus_floored(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0).max(0))
    }

    /// `self` repeated `copies` times.
    #[must_use]
    pub fn times(self, copies: u32) -> Self {
        Self(self.0.saturating_mul(i64::from(copies)))
    }

    /// So many thousandths of it, rounded down.
    ///
    /// ```
    /// use apportion_core::Amount;
    /// assert_eq!(Amount::whole(10).part(250), Amount::thousandths(2500));
    /// assert_eq!(Amount::thousandths(1).part(999), Amount::ZERO);
    /// ```
    #[must_use]
    pub fn part(self, permille: u32) -> Self {
        let part = i128::from(self.0) * i128::from(permille) / 1000;
        Self(i64::try_from(part).unwrap_or(i64::MAX))
    }

    /// `self / whole` in thousandths, rounded down; nothing of nothing is 0. For display, never for a decision.
    #[must_use]
    pub fn permille_of(self, whole: Self) -> i64 {
        if whole.0 == 0 {
            return 0;
        }
        i64::try_from(i128::from(self.0) * 1000 / i128::from(whole.0)).unwrap_or(i64::MAX)
    }
}

impl std::ops::Add for Amount {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl std::ops::AddAssign for Amount {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl std::ops::Sub for Amount {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl std::ops::SubAssign for Amount {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl fmt::Display for Amount {
    /// At most three decimals, no trailing zeros: `1.5`, `0.001`, `1024`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let magnitude = self.0.unsigned_abs();
        let (whole, rest) = (magnitude / 1000, magnitude % 1000);
        if rest == 0 {
            return write!(f, "{sign}{whole}");
        }
        let decimals = format!("{rest:03}");
        write!(f, "{sign}{whole}.{}", decimals.trim_end_matches('0'))
    }
}

/// The weight of a role in fair sharing, in millionths; always positive.
///
/// A role of weight 2 is due twice the share of a sibling of weight 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Weight(u64);

impl Weight {
    /// Weight 1: what every role has unless told otherwise.
    pub const DEFAULT: Self = Self(1_000_000);
    /// The largest weight, 2^32; anything above counts as this.
    pub const MAX: Self = Self((1 << 32) * 1_000_000);

    /// A weight in thousandths; none counts as one, as little as can be, and too much as [`Weight::MAX`].
    #[must_use]
    pub fn from_thousandths(count: u64) -> Self {
        Self(count.saturating_mul(1000).clamp(1, Self::MAX.0))
    }

    /// Rounds to the nearest millionth; positive numbers too small for that become one millionth.
    ///
    /// `None` for what is no weight (NaN, infinite, zero, negative): the caller falls back to
    /// [`Weight::DEFAULT`], because the master lets NaN and infinity through.
    #[must_use]
    pub fn from_f64(number: f64) -> Option<Self> {
        if !number.is_finite() || number <= 0.0 {
            return None;
        }
        #[expect(clippy::cast_precision_loss, reason = "2^32 millions are exact in a double")]
        let bounded = (number * 1e6).round().clamp(1.0, Self::MAX.0 as f64);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a whole number, clamped to [1, 2^52] above"
        )]
        Some(Self(bounded as u64))
    }

    /// The weight in millionths.
    #[must_use]
    pub const fn in_millionths(self) -> u64 {
        self.0
    }
}

impl Default for Weight {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 1_000_000, self.0 % 1_000_000);
        if rest == 0 {
            return write!(f, "{whole}");
        }
        let decimals = format!("{rest:06}");
        write!(f, "{whole}.{}", decimals.trim_end_matches('0'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_goes_to_the_nearest_thousandth_and_halves_away_from_zero() {
        assert_eq!(Amount::from_f64(1.0004).unwrap(), Amount::whole(1));
        assert_eq!(Amount::from_f64(1.0005).unwrap(), Amount::thousandths(1001));
        assert_eq!(Amount::from_f64(1.5015).unwrap(), Amount::thousandths(1502));
        assert_eq!(Amount::from_f64(-0.0005).unwrap(), Amount::thousandths(-1));
        assert_eq!(Amount::from_f64(0.0004).unwrap(), Amount::ZERO);
    }

    #[test]
    fn numbers_that_are_no_amounts_are_refused() {
        assert!(matches!(Amount::from_f64(f64::NAN), Err(NotAnAmount::NotFinite(_))));
        assert_eq!(Amount::from_f64(f64::INFINITY), Err(NotAnAmount::NotFinite(f64::INFINITY)));
        assert_eq!(Amount::from_f64(-1e300), Err(NotAnAmount::TooLarge(-1e300)));
        assert_eq!(Amount::from_f64(1_099_511_627_776.0), Ok(Amount::MAX));
        assert!(Amount::from_f64(1_099_511_627_777.0).is_err());
    }

    #[test]
    fn many_additions_and_subtractions_return_to_the_start() {
        let step = Amount::from_f64(1.001).unwrap();
        let mut sum = step;
        for _ in 0..100_000 {
            sum += step;
        }
        for _ in 0..100_000 {
            sum -= step;
        }
        assert_eq!(sum.to_f64().to_bits(), 1.001_f64.to_bits());
    }

    #[test]
    fn printing_drops_trailing_zeros() {
        assert_eq!(Amount::thousandths(1500).to_string(), "1.5");
        assert_eq!(Amount::thousandths(-10).to_string(), "-0.01");
        assert_eq!(Amount::whole(1024).to_string(), "1024");
    }

    #[test]
    fn weights_that_make_no_sense_are_not_weights() {
        for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -1.0] {
            assert_eq!(Weight::from_f64(number), None, "{number}");
        }
        assert_eq!(Weight::from_f64(1.0), Some(Weight::DEFAULT));
        assert_eq!(Weight::from_f64(1e-12).unwrap().in_millionths(), 1);
        assert_eq!(Weight::from_f64(1e300), Some(Weight::MAX));
        assert_eq!(Weight::from_f64(2.5).unwrap().to_string(), "2.5");
    }
}
