//! The offers of one agent to one role.

use apportion_core::{Amount, Holding, Item, KindId, Value};
use apportion_wire::resource::ResourceParts;

use super::NoRoom;
use super::kinds::{Kinds, Substance};
use super::needs::{Needs, amount_of};
use crate::allocator::wire_value;

/// Offers of one agent to one role of which all sets are looked at: 63 sets. Mostly there is one, at times two.
const OFFERS_MAX: usize = 6;

/// An offer that may still be outstanding.
#[derive(Debug)]
struct Entry {
    offered: Holding,
    /// What tasks launched since may have taken of it.
    taken: Holding,
}

/// The offers of one agent to one role, whichever framework they went to: a hook does not learn whose task it sees.
#[derive(Debug)]
pub(super) struct Shelf {
    role: Box<[u8]>,
    /// Whether all that are outstanding are among the entries. Until then all entries are outstanding.
    complete: bool,
    /// In the order in which they were made; older ones have at least as much taken.
    entries: Vec<Entry>,
}

impl Shelf {
    /// The first offer; see [`Shelf::put`].
    pub(super) fn new(
        role: &[u8],
        offered: &Holding,
        outstanding: impl FnOnce() -> Option<Holding>,
    ) -> Shelf {
        let mut shelf = Shelf { role: role.into(), complete: false, entries: Vec::with_capacity(1) };
        shelf.put(offered, outstanding);
        shelf
    }

    /// The role.
    pub(super) fn role(&self) -> &[u8] {
        &self.role
    }

    /// Whether its offers are to this role.
    pub(super) fn is_for(&self, role: &[u8]) -> bool {
        *self.role == *role
    }

    /// One more offer. If the entries are all that the allocator counts as offered, none is missing from now on.
    pub(super) fn put(&mut self, offered: &Holding, outstanding: impl FnOnce() -> Option<Holding>) {
        self.entries.push(Entry { offered: offered.clone(), taken: Holding::default() });
        if !self.complete {
            self.complete = outstanding().is_some_and(|outstanding| sum(&self.entries) == outstanding);
        }
    }

    /// Takes out the entries that are over for certain, given all that the allocator counts as offered. Tells whether
    /// the shelf is still of use.
    ///
    /// The outstanding offers add up to that, except for what operations hold for a while. So an entry that is in no set
    /// of that sum is over; if there is no such set, one that is not contained in the sum.
    pub(super) fn settle(&mut self, outstanding: &Holding) -> bool {
        if !self.complete || outstanding.is_empty() {
            return false;
        }
        self.entries.retain(|entry| outstanding.contains(&entry.offered));
        if (2..=OFFERS_MAX).contains(&self.entries.len()) {
            let fits =
                |set: &usize| self.is_oldest_of_its_like(*set) && sum(self.members(*set)) == *outstanding;
            let in_some = self.sets().filter(fits).fold(0, |all, set| all | set);
            if in_some != 0 {
                let mut place = 0..;
                self.entries.retain(|_| place.next().is_some_and(|place| contains(in_some, place)));
            }
        }
        true
    }

    /// What every set of offers that may hold the task leaves at least.
    pub(super) fn room(&self, needs: &Needs, kinds: &Kinds) -> Result<Vec<ResourceParts>, NoRoom> {
        if !self.complete {
            return Err(NoRoom::NotAllKnown);
        }
        if self.entries.len() > OFFERS_MAX {
            return Err(NoRoom::TooManyOffers(self.entries.len()));
        }
        let sets = self.least_sets(&needs.least(), kinds);
        let Some((first, others)) = sets.split_first() else { return Err(NoRoom::DoesNotFit) };
        let needed = needs.countable(kinds);
        let left = |set: usize, kind: KindId| {
            let each = self
                .members(set)
                .map(|entry| amount_of(&entry.offered, kind).minus_floored(amount_of(&entry.taken, kind)));
            each.fold(Amount::ZERO, |sum, one| sum + one).minus_floored(amount_of(&needed, kind))
        };
        // What one of the sets has nothing of, cannot be added.
        let mut offered: Vec<KindId> =
            self.members(*first).flat_map(|entry| entry.offered.items()).map(|item| item.kind).collect();
        offered.sort_unstable();
        offered.dedup();
        let room = offered.into_iter().filter_map(|kind| {
            let known = kinds.known(kind).filter(|known| !known.identity.is_empty())?;
            if !needs.goes_with(&known.substance) {
                return None;
            }
            let least = others.iter().fold(left(*first, kind), |least, set| least.min(left(*set, kind)));
            least.is_positive().then(|| ResourceParts {
                identity: known.identity.to_vec(),
                value: wire_value(&Value::Scalar(least)),
                allocation_role: Some(self.role.to_vec()),
            })
        });
        Ok(room.collect())
    }

    /// A task took this from some of the offers.
    pub(super) fn take(&mut self, taken: &Holding) {
        self.entries.iter_mut().for_each(|entry| entry.taken.add(taken));
    }

    /// A task took something that is not known.
    pub(super) fn exhaust(&mut self) {
        self.entries.iter_mut().for_each(|entry| entry.taken.add(&entry.offered));
    }

    /// The sets of entries that hold so much and of which no part does. Larger ones leave more.
    fn least_sets(&self, needed: &[(&Substance, Value)], kinds: &Kinds) -> Vec<usize> {
        let have: Vec<Vec<Option<Value>>> = self
            .entries
            .iter()
            .map(|entry| needed.iter().map(|(substance, _)| amount(entry, substance, kinds)).collect())
            .collect();
        let holds = |set: usize| {
            needed.iter().enumerate().all(|(at, (_, wanted))| {
                let members = have.iter().enumerate().filter(|(place, _)| contains(set, *place));
                let amounts = members.filter_map(|(_, amounts)| amounts.get(at)?.as_ref());
                wanted.is_empty() || total(amounts).is_some_and(|total| total.contains(wanted))
            })
        };
        let mut found: Vec<usize> = Vec::new();
        // A part of a set comes before the set.
        for set in self.sets() {
            if !found.iter().any(|part| part & set == *part) && holds(set) {
                found.push(set);
            }
        }
        found
    }

    /// All sets of entries but the empty one, as bits. Not to be asked for of many entries.
    fn sets(&self) -> std::ops::Range<usize> {
        1..1 << self.entries.len()
    }

    fn members(&self, set: usize) -> impl Iterator<Item = &Entry> {
        self.entries
            .iter()
            .enumerate()
            .filter(move |(place, _)| contains(set, *place))
            .map(|(_, entry)| entry)
    }

    /// Whether no entry of a set could be exchanged for an older one with the same contents: of such the older ones are
    /// kept, as more is taken from them.
    fn is_oldest_of_its_like(&self, set: usize) -> bool {
        self.entries.iter().enumerate().filter(|(place, _)| contains(set, *place)).all(|(place, entry)| {
            let mut older = self.entries.iter().take(place).enumerate();
            older.all(|(place, other)| contains(set, place) || other.offered != entry.offered)
        })
    }
}

/// What entries were offered together.
fn sum<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Holding {
    let mut sum = Holding::default();
    entries.into_iter().for_each(|entry| sum.add(&entry.offered));
    sum
}

/// Whether an entry is in a set.
fn contains(set: usize, place: usize) -> bool {
    u32::try_from(place).ok().and_then(|place| set.checked_shr(place)).is_some_and(|rest| rest & 1 == 1)
}

/// All that an entry has of a substance, reserved or not; `None` if nothing.
fn amount(entry: &Entry, substance: &Substance, kinds: &Kinds) -> Option<Value> {
    let of_it = |item: &&Item| {
        !item.kind.is_shared() && kinds.known(item.kind).is_some_and(|known| known.substance == *substance)
    };
    let items = entry.offered.items().iter().filter(of_it);
    let values: Vec<Value> =
        items.map(|item| item.scalar_quantity().map_or_else(|| item.value.clone(), Value::Scalar)).collect();
    total(values.iter())
}

/// The sum of values of one type; `None` if there are none.
fn total<'a>(values: impl Iterator<Item = &'a Value>) -> Option<Value> {
    values.cloned().reduce(|mut sum, value| {
        sum.add(&value);
        sum
    })
}
