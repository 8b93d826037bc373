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
        if let Some(own) = self.0.get_mut(name.index()) {
            *own += amount;
        } else {
            self.lengthen(name);
            self.0[name.index()] += amount;
        }
    }

    /// Adds to some names.
    pub(crate) fn add_each(&mut self, amounts: &[(NameId, Amount)]) {
        self.change_each(amounts, |own, amount| own + amount);
    }

    /// Takes from some names, as [`Quantities::subtract`].
    pub(crate) fn subtract_each(&mut self, amounts: &[(NameId, Amount)]) {
        self.change_each(amounts, |own, amount| own - amount);
    }

    /// The row is looked up once: every offer changes six.
    fn change_each(&mut self, amounts: &[(NameId, Amount)], changed: impl Fn(Amount, Amount) -> Amount) {
        if let Some((last, _)) = amounts.iter().max_by_key(|(name, _)| *name)
            && self.0.len() <= last.index()
        {
            self.lengthen(*last);
        }
        let row = self.0.as_mut_slice();
        for (name, amount) in amounts {
            row[name.index()] = changed(row[name.index()], *amount);
        }
    }

    #[cold]
    fn lengthen(&mut self, name: NameId) {
        self.0.resize(name.index() + 1, Amount::ZERO);
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
    /// What of `totals` counts for shares: names that are not excluded, and of which there is something.
    counted: SmallVec<[(NameId, Amount); 4]>,
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

    /// What counts for shares: names with what there is of them, which is never nothing, in the order of the names.
    pub(crate) fn counted(&self) -> &[(NameId, Amount)] {
        &self.counted
    }

    /// Names that do not count for shares.
    pub(crate) fn exclude(&mut self, names: Vec<NameId>) {
        self.excluded = names;
        self.follow();
    }

    /// An agent's scalars come in.
    pub(crate) fn add(&mut self, amounts: &[(NameId, Amount)]) {
        self.totals.add_each(amounts);
        self.follow();
    }

    /// An agent's scalars go.
    pub(crate) fn subtract(&mut self, amounts: &[(NameId, Amount)]) {
        self.totals.subtract_each(amounts);
        self.follow();
    }

    fn follow(&mut self) {
        let excluded = &self.excluded;
        let counts = |(name, amount): &(NameId, Amount)| amount.is_positive() && !excluded.contains(name);
        self.counted.clear();
        self.counted.extend(self.totals.named().filter(counts));
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
