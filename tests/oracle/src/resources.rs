//! Resources of one agent, spelled out: every port, every item of a set, every copy of a disk.
//!
//! Slow on purpose, and independent of the arithmetic of `Holding`: sets are sets of single members, nothing is shared
//! or merged cleverly. `Holding` is only the form in which resources cross to and from the allocator.

use std::collections::{BTreeMap, BTreeSet};

use apportion_core::{Amount, Holding, Item, ItemSet, Kind, KindId, Ranges, Value, ValueType};

use crate::quantities::Quantities;

/// What is known of each kind: the properties that decide who may get it.
pub type Kinds = BTreeMap<KindId, Kind>;

/// So much of one kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// Thousandths of a scalar that can be cut.
    Scalar(i64),
    /// Single integers.
    Integers(BTreeSet<u64>),
    /// Single items.
    Items(BTreeSet<Box<[u8]>>),
    /// Things that come and go whole: how many of which size.
    Copies(BTreeMap<Value, u32>),
}

impl Part {
    fn of(item: &Item) -> Part {
        if item.kind.is_whole() {
            return Part::Copies(BTreeMap::from([(item.value.clone(), item.copies)]));
        }
        match &item.value {
            Value::Scalar(amount) => Part::Scalar(amount.in_thousandths()),
            Value::Ranges(ranges) => {
                Part::Integers(ranges.pairs().iter().flat_map(|(begin, end)| *begin..=*end).collect())
            }
            Value::Set(set) => Part::Items(set.items().iter().cloned().collect()),
        }
    }

    fn items(&self, kind: KindId) -> Vec<Item> {
        match self {
            Part::Scalar(thousandths) => vec![Item::scalar(kind, Amount::thousandths(*thousandths))],
            Part::Integers(integers) => {
                let ranges = Ranges::new(integers.iter().map(|integer| (*integer, *integer)));
                vec![Item::new(kind, Value::Ranges(ranges))]
            }
            Part::Items(items) => vec![Item::new(kind, Value::Set(ItemSet::new(items.iter().cloned())))],
            Part::Copies(copies) => copies
                .iter()
                .map(|(value, copies)| Item { kind, value: value.clone(), copies: *copies })
                .collect(),
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Part::Scalar(thousandths) => *thousandths <= 0,
            Part::Integers(integers) => integers.is_empty(),
            Part::Items(items) => items.is_empty(),
            Part::Copies(copies) => copies.iter().all(|(size, copies)| *copies == 0 || size.is_empty()),
        }
    }

    fn add(&mut self, other: &Part) {
        match (self, other) {
            (Part::Scalar(own), Part::Scalar(more)) => *own += more,
            (Part::Integers(own), Part::Integers(more)) => own.extend(more),
            (Part::Items(own), Part::Items(more)) => own.extend(more.iter().cloned()),
            (Part::Copies(own), Part::Copies(more)) => {
                for (value, copies) in more {
                    *own.entry(value.clone()).or_default() += copies;
                }
            }
            _ => panic!("one kind with two types of value"),
        }
    }

    fn subtract(&mut self, other: &Part) {
        match (self, other) {
            (Part::Scalar(own), Part::Scalar(less)) => *own = (*own - less).max(0),
            (Part::Integers(own), Part::Integers(less)) => own.retain(|integer| !less.contains(integer)),
            (Part::Items(own), Part::Items(less)) => own.retain(|item| !less.contains(item)),
            (Part::Copies(own), Part::Copies(less)) => {
                for (value, copies) in less {
                    if let Some(own) = own.get_mut(value) {
                        *own = own.saturating_sub(*copies);
                    }
                }
                own.retain(|_, copies| *copies > 0);
            }
            _ => panic!("one kind with two types of value"),
        }
    }

    fn contains(&self, other: &Part) -> bool {
        match (self, other) {
            (Part::Scalar(own), Part::Scalar(wanted)) => own >= wanted,
            (Part::Integers(own), Part::Integers(wanted)) => own.is_superset(wanted),
            (Part::Items(own), Part::Items(wanted)) => own.is_superset(wanted),
            (Part::Copies(own), Part::Copies(wanted)) => {
                wanted.iter().all(|(value, copies)| own.get(value).is_some_and(|own| own >= copies))
            }
            _ => panic!("one kind with two types of value"),
        }
    }
}

/// Resources of one agent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Resources(BTreeMap<KindId, Part>);

impl From<&Holding> for Resources {
    fn from(holding: &Holding) -> Self {
        let mut resources = Resources::default();
        for item in holding.items() {
            resources.add_part(item.kind, &Part::of(item));
        }
        resources
    }
}

impl From<&Item> for Resources {
    fn from(item: &Item) -> Self {
        let mut resources = Resources::default();
        resources.add_part(item.kind, &Part::of(item));
        resources
    }
}

impl Resources {
    /// So much of a scalar kind that can be cut, or one copy of that size if it cannot.
    #[must_use]
    pub fn scalar(kind: KindId, thousandths: i64) -> Resources {
        Resources::from(&Item::scalar(kind, Amount::thousandths(thousandths)))
    }

    /// The same for the allocator.
    #[must_use]
    pub fn to_holding(&self) -> Holding {
        Holding::new(self.items())
    }

    /// Kind by kind; things that come whole size by size.
    #[must_use]
    pub fn items(&self) -> Vec<Item> {
        self.0.iter().flat_map(|(kind, part)| part.items(*kind)).collect()
    }

    /// The kinds there is something of.
    pub fn kinds(&self) -> impl Iterator<Item = KindId> {
        self.0.keys().copied()
    }

    /// Every entry as Mesos would list it: things that come whole copy by copy, in the order of kinds, then sizes.
    #[must_use]
    pub fn entries(&self) -> Vec<Item> {
        self.items()
            .into_iter()
            .flat_map(|item| (0..item.copies).map(move |_| Item { copies: 1, ..item.clone() }))
            .collect()
    }

    fn add_part(&mut self, kind: KindId, part: &Part) {
        if part.is_empty() {
            return;
        }
        self.0.entry(kind).and_modify(|own| own.add(part)).or_insert_with(|| part.clone());
    }

    /// Adds everything in `other`.
    pub fn add(&mut self, other: &Resources) {
        for (kind, part) in &other.0 {
            self.add_part(*kind, part);
        }
    }

    /// Takes everything in `other` away, as far as it is there.
    pub fn subtract(&mut self, other: &Resources) {
        for (kind, part) in &other.0 {
            if let Some(own) = self.0.get_mut(kind) {
                own.subtract(part);
            }
        }
        self.0.retain(|_, part| !part.is_empty());
    }

    /// Both together.
    #[must_use]
    pub fn plus(&self, other: &Resources) -> Resources {
        let mut sum = self.clone();
        sum.add(other);
        sum
    }

    /// What is left of this without `other`.
    #[must_use]
    pub fn minus(&self, other: &Resources) -> Resources {
        let mut rest = self.clone();
        rest.subtract(other);
        rest
    }

    /// Whether everything in `other` is in this, all copies included.
    #[must_use]
    pub fn contains(&self, other: &Resources) -> bool {
        other.0.iter().all(|(kind, part)| self.0.get(kind).is_some_and(|own| own.contains(part)))
    }

    /// Whether there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The parts of those kinds for which `keep` answers true.
    #[must_use]
    pub fn only(&self, keep: impl Fn(KindId) -> bool) -> Resources {
        Resources(
            self.0
                .iter()
                .filter(|(kind, _)| keep(**kind))
                .map(|(kind, part)| (*kind, part.clone()))
                .collect(),
        )
    }

    /// The same with one copy of what is shared, however many there are.
    #[must_use]
    pub fn shared_once(&self) -> Resources {
        let mut once = self.clone();
        for (kind, part) in &mut once.0 {
            if let (true, Part::Copies(copies)) = (kind.is_shared(), part) {
                copies.values_mut().for_each(|copies| *copies = (*copies).min(1));
            }
        }
        once
    }

    /// Scalar amounts by name; what is shared counts once, however many copies there are.
    #[must_use]
    pub fn quantities(&self, kinds: &Kinds) -> Quantities {
        let mut sum = Quantities::default();
        for item in self.shared_once().entries() {
            if let Value::Scalar(amount) = item.value {
                sum.add_amount(&kinds[&item.kind].name, i128::from(amount.in_thousandths()));
            }
        }
        sum
    }

    /// Amounts by name of everything: scalars, or how many integers or items there are.
    #[must_use]
    pub fn counts(&self, kinds: &Kinds) -> Quantities {
        let mut sum = Quantities::default();
        for item in self.shared_once().entries() {
            let amount = item.value.quantity().in_thousandths();
            sum.add_amount(&kinds[&item.kind].name, i128::from(amount));
        }
        sum
    }
}

/// Whether a kind is a scalar.
#[must_use]
pub fn is_scalar(kind: &Kind) -> bool {
    kind.value_type == ValueType::Scalar
}

/// The role a kind is reserved to: that of its last reservation.
#[must_use]
pub fn reserved_to(kind: &Kind) -> Option<&[u8]> {
    kind.reservations.last().map(|entry| &*entry.role)
}

/// Whether quota and headroom speak of this kind: scalar, unreserved, not revocable.
#[must_use]
pub fn is_under_quota(kind: &Kind) -> bool {
    is_scalar(kind) && kind.reservations.is_empty() && !kind.revocable
}

/// Whether a role lies inside another.
#[must_use]
pub fn is_nested(role: &[u8]) -> bool {
    role.contains(&b'/')
}

/// Whether `role` lies strictly below `ancestor`.
#[must_use]
pub fn is_below(role: &[u8], ancestor: &[u8]) -> bool {
    role.len() > ancestor.len() && role.starts_with(ancestor) && role[ancestor.len()] == b'/'
}

/// Whether `role` is `top` or lies below it.
#[must_use]
pub fn is_within(role: &[u8], top: &[u8]) -> bool {
    role == top || is_below(role, top)
}
