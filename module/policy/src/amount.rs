//! Amounts of resources, in thousandths as Mesos counts them.

use std::collections::BTreeMap;
use std::fmt;

use crate::parse_fault::ParseFault;

/// An amount of a scalar resource, in thousandths of its unit (CPUs; MiB of memory and disk), never negative.
///
/// ```
/// use apportion_policy::Amount;
///
/// let amount = Amount::parse("2.5")?;
/// assert_eq!((amount.thousandths(), amount.to_string()), (2_500, "2.5".to_owned()));
/// # Ok::<(), apportion_policy::ParseFault>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(i64);

/// Amounts by the name of the resource.
pub type Amounts = BTreeMap<String, Amount>;

/// Largest whole number an amount can have: what a double holds exactly together with three decimals.
const WHOLE_MAX: i64 = 9_000_000_000_000;

impl Amount {
    /// Nothing.
    pub const ZERO: Amount = Amount(0);

    /// An amount of so many thousandths; below zero there is nothing.
    pub fn from_thousandths(thousandths: i64) -> Amount {
        Amount(thousandths.max(0))
    }

    /// Reads a decimal number, such as `4` or `0.5`.
    ///
    /// # Errors
    ///
    /// Not a number, below zero, more than three decimals, or more than 9,000,000,000,000.
    pub fn parse(text: &str) -> Result<Amount, ParseFault> {
        let expected = "a number from 0 with at most three decimals, such as 0.5";
        Self::read(text).ok_or_else(|| ParseFault::text(text, expected))
    }

    /// The amount a text says, without an error to make: for facts, on every launch.
    pub(crate) fn read(text: &str) -> Option<Amount> {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let pointed = whole.len() < text.len();
        if whole.is_empty() || !digits(whole) || !digits(decimals) || (pointed && decimals.is_empty()) {
            return None;
        }
        // Zeros behind the third decimal change nothing.
        let decimals = decimals.trim_end_matches('0');
        if decimals.len() > 3 {
            return None;
        }
        let whole: i64 = whole.parse().ok().filter(|whole| *whole <= WHOLE_MAX)?;
        let scale = [1000, 100, 10, 1][decimals.len()];
        let part: i64 = if decimals.is_empty() { 0 } else { decimals.parse().ok()? };
        Some(Amount(whole * 1000 + part * scale))
    }

    /// The amount in thousandths.
    pub fn thousandths(self) -> i64 {
        self.0
    }

    /// Whether there is nothing.
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// What is left when `other` is taken away; at least nothing.
    #[must_use]
    pub fn less(self, other: Amount) -> Amount {
        Amount(self.0.saturating_sub(other.0).max(0))
    }

    /// The least multiple of `step` that is not below this; this, if the step is nothing.
    #[must_use]
    pub fn rounded_up_to(self, step: Amount) -> Amount {
        if step.is_zero() {
            return self;
        }
        let rest = self.0 % step.0;
        if rest == 0 { self } else { Amount(self.0.saturating_add(step.0 - rest)) }
    }

    /// The greatest multiple of `step` that is not above this; this, if the step is nothing.
    #[must_use]
    pub fn rounded_down_to(self, step: Amount) -> Amount {
        if step.is_zero() { self } else { Amount(self.0 - self.0 % step.0) }
    }
}

/// Without trailing zeros, as Mesos prints it.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 1000, self.0 % 1000);
        if rest == 0 {
            return write!(f, "{whole}");
        }
        let decimals = format!("{rest:03}");
        write!(f, "{whole}.{}", decimals.trim_end_matches('0'))
    }
}

/// A part of what an agent has: an amount, or a percentage of the whole.
///
/// ```
/// use apportion_policy::{Amount, Share};
///
/// let whole = Amount::parse("2048")?;
/// assert_eq!(Share::parse("5%")?.of(whole), Amount::parse("102.4")?);
/// assert_eq!(Share::parse("512")?.of(whole), Amount::parse("512")?);
/// # Ok::<(), apportion_policy::ParseFault>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// So much.
    Amount(Amount),
    /// A percentage of the whole, in thousandths of a percent, at most 100,000.
    Percent(Amount),
}

impl Share {
    /// Reads an amount, such as `0.5`, or a percentage, such as `5%`.
    ///
    /// # Errors
    ///
    /// Neither of them, or more than 100%.
    pub fn parse(text: &str) -> Result<Share, ParseFault> {
        let fault = || ParseFault::text(text, "an amount such as 0.5, or a percentage such as 5% up to 100%");
        let Some(number) = text.strip_suffix('%') else {
            return Amount::read(text).map(Share::Amount).ok_or_else(fault);
        };
        let percent = Amount::read(number.trim_end()).filter(|percent| percent.0 <= 100_000);
        percent.map(Share::Percent).ok_or_else(fault)
    }

    /// This share of a whole, rounded up to thousandths, at most all of it.
    pub fn of(self, whole: Amount) -> Amount {
        match self {
            Share::Amount(amount) => amount.min(whole),
            Share::Percent(percent) => {
                let exact = i128::from(whole.0) * i128::from(percent.0);
                let part = exact / 100_000 + i128::from(exact % 100_000 != 0);
                Amount(i64::try_from(part).unwrap_or(whole.0)).min(whole)
            }
        }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Share::Amount(amount) => amount.fmt(f),
            Share::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}
