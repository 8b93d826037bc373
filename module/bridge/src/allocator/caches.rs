//! Which items and bundles the shim keeps, and under which slots.
//!
//! The shim parses an item once and shares it between all offers that hold it; a bundle is a set of items, and one
//! offer is one bundle. Agents of one shape have one bundle.

use std::collections::HashMap;
use std::hash::Hash;

/// Entries kept between events. Beyond that the cache starts anew, so that amounts that never come back (the rests of
/// odd tasks) do not stay for ever; an event in progress may go beyond, as its own offers need their slots.
const ENTRIES_MAX: usize = 1 << 16;

/// Slots by what they hold. Slots are reused from zero after a new start: the shim replaces what it kept there.
#[derive(Debug)]
pub(super) struct Cache<Key> {
    slots: HashMap<Key, u32>,
}

impl<Key> Default for Cache<Key> {
    fn default() -> Self {
        Cache { slots: HashMap::new() }
    }
}

impl<Key: Eq + Hash> Cache<Key> {
    /// Whether the next event must begin with an empty cache.
    pub(super) fn is_full(&self) -> bool {
        self.slots.len() >= ENTRIES_MAX
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.slots.clear();
    }

    /// The slot of `key`, and whether the shim must be told what it holds.
    pub(super) fn slot(&mut self, key: Key) -> (u32, bool) {
        // An event cannot bring four billion different items: their bytes would not fit into memory.
        let next = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
        let mut new = false;
        let slot = *self.slots.entry(key).or_insert_with(|| {
            new = true;
            next
        });
        (slot, new)
    }
}

#[cfg(test)]
mod tests {
    use super::{Cache, ENTRIES_MAX};

    #[test]
    fn a_key_keeps_its_slot_until_the_cache_starts_anew() {
        let mut cache = Cache::default();
        assert_eq!(cache.slot("a"), (0, true));
        assert_eq!(cache.slot("b"), (1, true));
        assert_eq!(cache.slot("a"), (0, false));
        cache.clear();
        assert_eq!(cache.slot("b"), (0, true));
    }

    #[test]
    fn a_cache_is_full_at_its_bound() {
        let mut cache = Cache::default();
        for key in 0..ENTRIES_MAX {
            assert!(!cache.is_full());
            cache.slot(key);
        }
        assert!(cache.is_full());
    }
}
