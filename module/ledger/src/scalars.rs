//! Amounts by name.

use std::collections::BTreeMap;
use std::fmt;

use apportion_core::{Amount, Text};

/// Amounts by resource name. Names of which there is nothing are not in it, so equal sums are equal values.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scalars(BTreeMap<Box<[u8]>, Amount>);

impl Scalars {
    /// Nothing.
    #[must_use]
    pub const fn new() -> Scalars {
        Scalars(BTreeMap::new())
    }

    /// Adds so much of one name; what is not more than nothing is left out.
    pub fn add(&mut self, name: &[u8], amount: Amount) {
        if !amount.is_positive() {
            return;
        }
        match self.0.get_mut(name) {
            Some(present) => *present += amount,
            None => {
                self.0.insert(name.into(), amount);
            }
        }
    }

    /// Takes away so much of one name, at most what there is.
    ///
    /// Returns what was missing.
    pub fn take(&mut self, name: &[u8], amount: Amount) -> Amount {
        let Some(present) = self.0.get_mut(name) else { return amount.minus_floored(Amount::ZERO) };
        let missing = amount.minus_floored(*present);
        *present = present.minus_floored(amount);
        if present.is_zero() {
            self.0.remove(name);
        }
        missing
    }

    /// How much there is of a name.
    #[must_use]
    pub fn get(&self, name: &[u8]) -> Amount {
        self.0.get(name).copied().unwrap_or(Amount::ZERO)
    }

    /// Names with what there is of them, which is more than nothing; in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], Amount)> {
        self.0.iter().map(|(name, amount)| (&**name, *amount))
    }

    /// Whether there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds all of `other`.
    pub fn add_all(&mut self, other: &Scalars) {
        for (name, amount) in other.iter() {
            self.add(name, amount);
        }
    }

    /// Takes away all of `other`, of each name at most what there is.
    ///
    /// Returns what was missing.
    pub fn take_all(&mut self, other: &Scalars) -> Scalars {
        let mut missing = Scalars::new();
        for (name, amount) in other.iter() {
            missing.add(name, self.take(name, amount));
        }
        missing
    }

    /// Whether there is at least as much of each name as in `other`.
    #[must_use]
    pub fn holds(&self, other: &Scalars) -> bool {
        other.iter().all(|(name, amount)| amount <= self.get(name))
    }

    /// The same `count` times.
    #[must_use]
    pub fn times(&self, count: u32) -> Scalars {
        let mut product = Scalars::new();
        for (name, amount) in self.iter() {
            product.add(name, amount.times(count));
        }
        product
    }
}

impl<'a> FromIterator<(&'a [u8], Amount)> for Scalars {
    fn from_iter<I: IntoIterator<Item = (&'a [u8], Amount)>>(amounts: I) -> Scalars {
        let mut scalars = Scalars::new();
        for (name, amount) in amounts {
            scalars.add(name, amount);
        }
        scalars
    }
}

impl fmt::Display for Scalars {
    /// `2 cpus, 512 mem`; `nothing`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("nothing");
        }
        for (at, (name, amount)) in self.iter().enumerate() {
            let separator = if at == 0 { "" } else { ", " };
            write!(f, "{separator}{amount} {}", Text(name))?;
        }
        Ok(())
    }
}
