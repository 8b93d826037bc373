//! Rows of scalar amounts, one place per resource name.

use crate::amount::Amount;
use crate::ids::NameId;
use smallvec::SmallVec;

/// Scalar amounts by resource name; names beyond the end count as nothing.
///
/// Few clusters have more than four: those of the agents themselves need no memory of their own.
#[derive(Debug, Clone, Default)]
pub(crate) struct Quantities(SmallVec<[Amount; 4]>);

impl Quantities {
    /// The amount of one name.
    pub(crate) fn get(&self, name: NameId) -> Amount {
        self.0.get(name.index()).copied().unwrap_or(Amount::ZERO)
    }

    /// Adds to one name.
    pub(crate) fn add(&mut self, name: NameId, amount: Amount) {
        if self.0.len() <= name.index() {
            self.0.resize(name.index() + 1, Amount::ZERO);
        }
        self.0[name.index()] += amount;
    }

    /// Takes from one name; may go below nothing, which `check_all` would report.
    pub(crate) fn subtract(&mut self, name: NameId, amount: Amount) {
        self.add(name, Amount::ZERO - amount);
    }

    /// Adds everything in `other`.
    pub(crate) fn add_all(&mut self, other: &Self) {
        for (name, amount) in other.named() {
            self.add(name, amount);
        }
    }

    /// Takes from one name, but leaves at least nothing.
    pub(crate) fn take(&mut self, name: NameId, amount: Amount) {
        if let Some(own) = self.0.get_mut(name.index()) {
            *own = own.minus_floored(amount);
        }
    }

    /// Takes everything in `other`, but leaves at least nothing of each name.
    pub(crate) fn subtract_floored(&mut self, other: &Self) {
        for (name, amount) in other.named() {
            self.take(name, amount);
        }
    }

    /// Whether there is nothing of any name.
    pub(crate) fn is_nothing(&self) -> bool {
        self.0.iter().all(|amount| amount.is_zero())
    }

    /// The amounts with their names.
    pub(crate) fn named(&self) -> impl Iterator<Item = (NameId, Amount)> {
        (0_u32..).map(NameId::new).zip(self.0.iter().copied())
    }

    /// The amounts in the order of the names.
    pub(crate) fn row(&self) -> &[Amount] {
        &self.0
    }
}

impl PartialEq for Quantities {
    fn eq(&self, other: &Self) -> bool {
        let (short, long) = if self.0.len() < other.0.len() { (self, other) } else { (other, self) };
        long.0.starts_with(&short.0) && long.0[short.0.len()..].iter().all(|amount| amount.is_zero())
    }
}

impl Eq for Quantities {}

/// What the whole cluster has, and which names count for shares.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pool {
    totals: Quantities,
    excluded: Vec<NameId>,
    version: u64,
}

impl Pool {
    /// All scalars of all agents.
    pub(crate) fn totals(&self) -> &Quantities {
        &self.totals
    }

    /// Goes up whenever a share may have changed because of the pool.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// Whether a name counts for shares.
    pub(crate) fn counts(&self, name: NameId) -> bool {
        !self.excluded.contains(&name)
    }

    /// Names that do not count for shares.
    pub(crate) fn exclude(&mut self, names: Vec<NameId>) {
        self.excluded = names;
        self.version += 1;
    }

    /// An agent's scalars come in.
    pub(crate) fn add(&mut self, amounts: &[(NameId, Amount)]) {
        for (name, amount) in amounts {
            self.totals.add(*name, *amount);
        }
        self.version += 1;
    }

    /// An agent's scalars go.
    pub(crate) fn subtract(&mut self, amounts: &[(NameId, Amount)]) {
        for (name, amount) in amounts {
            self.totals.subtract(*name, *amount);
        }
        self.version += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trailing_nothing_makes_no_difference() {
        let (mut left, mut right) = (Quantities::default(), Quantities::default());
        left.add(NameId::new(0), Amount::whole(1));
        right.add(NameId::new(0), Amount::whole(1));
        right.add(NameId::new(3), Amount::ZERO);
        assert_eq!(left, right);
        right.add(NameId::new(3), Amount::whole(1));
        assert_ne!(left, right);
    }
}
