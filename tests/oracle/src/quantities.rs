//! Amounts by resource name, limits by resource name, and the cutting of resources to either.

use std::collections::BTreeMap;

use apportion_core::{Amount, Item, Value, cut_order_key};

use crate::resources::{Kinds, Resources};

/// Thousandths by resource name; a name that is missing has nothing, and none has less.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Quantities(BTreeMap<Box<[u8]>, i128>);

impl Quantities {
    /// Nothing of any name.
    pub const NONE: Quantities = Quantities(BTreeMap::new());

    /// The amounts of a guarantee or a minimum; zeros are left out.
    #[must_use]
    pub fn of(amounts: &[(Box<[u8]>, Amount)]) -> Quantities {
        let mut quantities = Quantities::default();
        for (name, amount) in amounts {
            quantities.add_amount(name, i128::from(amount.in_thousandths()));
        }
        quantities
    }

    /// Adds so many thousandths of one name.
    pub fn add_amount(&mut self, name: &[u8], thousandths: i128) {
        if thousandths > 0 {
            *self.0.entry(name.into()).or_default() += thousandths;
        }
    }

    /// How much there is of a name.
    #[must_use]
    pub fn get(&self, name: &[u8]) -> i128 {
        self.0.get(name).copied().unwrap_or(0)
    }

    /// Whether there is nothing of any name.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Name by name.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], i128)> {
        self.0.iter().map(|(name, amount)| (&**name, *amount))
    }

    /// Adds all of it.
    pub fn add(&mut self, other: &Quantities) {
        for (name, amount) in other.iter() {
            self.add_amount(name, amount);
        }
    }

    /// Both together.
    #[must_use]
    pub fn plus(&self, other: &Quantities) -> Quantities {
        let mut sum = self.clone();
        sum.add(other);
        sum
    }

    /// Name by name what is left, never below nothing.
    #[must_use]
    pub fn minus(&self, other: &Quantities) -> Quantities {
        let mut rest = Quantities::default();
        for (name, amount) in self.iter() {
            rest.add_amount(name, amount - other.get(name));
        }
        rest
    }

    /// Whether there is at least as much as in `other` of every name in it.
    #[must_use]
    pub fn contains(&self, other: &Quantities) -> bool {
        other.iter().all(|(name, amount)| self.get(name) >= amount)
    }
}

/// Limits by resource name in thousandths; a name that is missing has none, a zero stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Limits(BTreeMap<Box<[u8]>, i128>);

impl Limits {
    /// The limits of a quota.
    #[must_use]
    pub fn of(limits: &[(Box<[u8]>, Amount)]) -> Limits {
        Limits(
            limits.iter().map(|(name, limit)| (name.clone(), i128::from(limit.in_thousandths()))).collect(),
        )
    }

    /// Whether nothing is limited.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Name by name.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], i128)> {
        self.0.iter().map(|(name, limit)| (&**name, *limit))
    }

    /// What room is left, never below nothing.
    #[must_use]
    pub fn minus(&self, used: &Quantities) -> Limits {
        Limits(self.0.iter().map(|(name, limit)| (name.clone(), (limit - used.get(name)).max(0))).collect())
    }
}

/// The most of one entry that fits into `room` thousandths: all of it, a cut of it, or nothing if it comes whole.
fn cut(entry: &Item, room: i128) -> Option<Item> {
    let Value::Scalar(amount) = entry.value else { panic!("only scalars are cut") };
    if i128::from(amount.in_thousandths()) <= room {
        return Some(entry.clone());
    }
    if entry.kind.is_whole() {
        return None;
    }
    let room = i64::try_from(room).expect("less than an amount that fits");
    Some(Item::scalar(entry.kind, Amount::thousandths(room)))
}

/// Entries in the order in which they are cut: kinds by lot, things that come whole by size.
///
/// `agent_key` is the place of the agent in the stage of the run that cuts.
fn in_turn(resources: &Resources, agent_key: u64) -> Vec<Item> {
    let mut entries = resources.entries();
    entries.sort_by_key(|entry| (cut_order_key(agent_key, entry.kind), entry.kind));
    entries
}

/// Cuts scalars down to amounts: names that are not in `target` vanish.
///
/// Mesos takes several entries with one name in random order; here lots are drawn from the agent's place in the run.
#[must_use]
pub fn cut_to_quantities(
    resources: &Resources,
    target: &Quantities,
    kinds: &Kinds,
    agent_key: u64,
) -> Resources {
    let mut room = target.clone();
    let mut result = Resources::default();
    for entry in in_turn(resources, agent_key) {
        let name = &kinds[&entry.kind].name;
        if room.get(name) == 0 {
            continue;
        }
        if let Some(kept) = cut(&entry, room.get(name)) {
            let kept = Resources::from(&kept);
            room = room.minus(&kept.quantities(kinds));
            result.add(&kept);
        }
    }
    result
}

/// Cuts scalars down to limits: names without limit stay whole. The order is that of [`cut_to_quantities`].
#[must_use]
pub fn cut_to_limits(resources: &Resources, limits: &Limits, kinds: &Kinds, agent_key: u64) -> Resources {
    let mut room = limits.clone();
    let mut result = Resources::default();
    for entry in in_turn(resources, agent_key) {
        let name = &kinds[&entry.kind].name;
        let Some(limit) = room.0.get(name).copied() else {
            result.add(&Resources::from(&entry));
            continue;
        };
        if let Some(kept) = cut(&entry, limit) {
            let kept = Resources::from(&kept);
            room = room.minus(&kept.quantities(kinds));
            result.add(&kept);
        }
    }
    result
}
