//! Dense ids: what agents, frameworks, roles, resource names and resource kinds are called inside.
//!
//! Invariants: an index is always inside its table; a slot of an agent or framework that went away is used again
//! under a higher generation, so a kept id never names its successor.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher};

/// A framework, from when it is added until it is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FrameworkId {
    index: u32,
    generation: u32,
}

/// An agent, from when it is added until it is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AgentId {
    index: u32,
    generation: u32,
}

/// A role whose name was seen; kept for the life of the allocator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoleId(u32);

/// A resource name (`cpus`, `mem`), position in every row of quantities; kept for the life of the allocator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NameId(u32);

/// A kind of resource, see [`crate::Kind`].
///
/// Besides the position in the kind table the id tells how amounts of the kind add up, so that arithmetic on
/// [`crate::Holding`]s needs no table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KindId(u32);

/// Implements the common part of ids with generations.
macro_rules! generational {
    ($id:ident) => {
        impl $id {
            pub(crate) fn new(index: u32, generation: u32) -> Self {
                Self { index, generation }
            }

            /// Position in the table.
            #[must_use]
            pub fn index(self) -> usize {
                self.index as usize
            }

            pub(crate) fn slot(self) -> u32 {
                self.index
            }

            pub(crate) fn generation(self) -> u32 {
                self.generation
            }
        }
    };
}

generational!(FrameworkId);
generational!(AgentId);

/// Implements the common part of plain ids.
macro_rules! dense {
    ($id:ident) => {
        impl $id {
            pub(crate) const fn new(index: u32) -> Self {
                Self(index)
            }

            /// Position in the table.
            #[must_use]
            pub fn index(self) -> usize {
                self.0 as usize
            }

            #[allow(dead_code, reason = "not every id is used as a raw slot")]
            pub(crate) fn slot(self) -> u32 {
                self.0
            }
        }
    };
}

dense!(RoleId);
dense!(NameId);

impl KindId {
    /// The kind cannot be cut or merged: only whole copies come and go.
    const WHOLE: u32 = 1 << 31;
    /// The kind is shared: its copies can be held by many at once.
    const SHARED: u32 = 1 << 30;
    /// How many kinds there can be.
    pub(crate) const CAPACITY: u32 = Self::SHARED;

    pub(crate) fn new(index: u32, divisible: bool, shared: bool) -> Self {
        debug_assert!(index < Self::CAPACITY);
        let whole = if divisible && !shared { 0 } else { Self::WHOLE };
        Self(index | whole | if shared { Self::SHARED } else { 0 })
    }

    /// Position in the kind table.
    #[must_use]
    pub fn index(self) -> usize {
        (self.0 & !(Self::WHOLE | Self::SHARED)) as usize
    }

    /// Whether only whole copies of this kind come and go (mounted disks, persistent volumes, shared resources).
    #[must_use]
    pub fn is_whole(self) -> bool {
        self.0 & Self::WHOLE != 0
    }

    /// Whether many can hold the same resource of this kind at once.
    #[must_use]
    pub fn is_shared(self) -> bool {
        self.0 & Self::SHARED != 0
    }
}

/// Where names are looked up: ids of agents have forty bytes, of which all but the last few are the same, so a tree would
/// compare most of them again and again. Its order never decides anything, and its hash is the same in every process.
type NameIndex = HashMap<Box<[u8]>, u32, BuildHasherDefault<DefaultHasher>>;

/// Names of live things and the slots they occupy: looks up by name, hands out slots, remembers generations.
#[derive(Debug, Clone, Default)]
pub(crate) struct Slots {
    by_name: NameIndex,
    generations: Vec<u32>,
    free: Vec<u32>,
}

impl Slots {
    /// The slot and generation of `name`, if it is live.
    pub(crate) fn find(&self, name: &[u8]) -> Option<(u32, u32)> {
        self.by_name.get(name).map(|slot| (*slot, self.generations[*slot as usize]))
    }

    /// Occupies a slot for `name`, which must not be live; `None` when 2^32 slots are taken.
    pub(crate) fn occupy(&mut self, name: &[u8]) -> Option<(u32, u32)> {
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => {
                let slot = u32::try_from(self.generations.len()).ok()?;
                self.generations.push(0);
                slot
            }
        };
        self.by_name.insert(name.into(), slot);
        Some((slot, self.generations[slot as usize]))
    }

    /// Gives up the slot of `name`.
    pub(crate) fn vacate(&mut self, name: &[u8]) {
        if let Some(slot) = self.by_name.remove(name) {
            self.generations[slot as usize] = self.generations[slot as usize].wrapping_add(1);
            self.free.push(slot);
        }
    }

    /// Whether this id still names a live thing.
    pub(crate) fn is_current(&self, slot: u32, generation: u32) -> bool {
        self.generations.get(slot as usize) == Some(&generation)
    }

    /// How many are live.
    pub(crate) fn len(&self) -> usize {
        self.by_name.len()
    }

    /// Live slots in the order of their names; sorts them all.
    pub(crate) fn by_name(&self) -> impl Iterator<Item = (&[u8], u32)> {
        let mut named: Vec<(&[u8], u32)> = self.by_name.iter().map(|(name, slot)| (&**name, *slot)).collect();
        named.sort_unstable();
        named.into_iter()
    }
}

/// Names that are kept for good, numbered in the order they were first seen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    by_name: NameIndex,
    names: Vec<Box<[u8]>>,
}

impl Names {
    /// The number of `name`, if it was seen before.
    pub(crate) fn find(&self, name: &[u8]) -> Option<u32> {
        self.by_name.get(name).copied()
    }

    /// The number of `name`, new or not.
    pub(crate) fn intern(&mut self, name: &[u8]) -> u32 {
        if let Some(found) = self.find(name) {
            return found;
        }
        let number = u32::try_from(self.names.len()).expect("fewer than 2^32 names fit into memory");
        self.by_name.insert(name.into(), number);
        self.names.push(name.into());
        number
    }

    /// The name with this number.
    pub(crate) fn name(&self, number: usize) -> &[u8] {
        &self.names[number]
    }

    /// How many names there are.
    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_used_again_has_another_generation() {
        let mut slots = Slots::default();
        let (slot, generation) = slots.occupy(b"a").unwrap();
        slots.vacate(b"a");
        let again = slots.occupy(b"b").unwrap();
        assert_eq!(again.0, slot);
        assert_ne!(again.1, generation);
        assert!(!slots.is_current(slot, generation));
        assert_eq!(slots.find(b"a"), None);
    }

    #[test]
    fn a_kind_id_tells_how_its_amounts_add_up() {
        let shared = KindId::new(7, true, true);
        assert!(shared.is_whole() && shared.is_shared());
        assert_eq!(shared.index(), 7);
        let plain = KindId::new(7, true, false);
        assert!(!plain.is_whole() && !plain.is_shared());
    }
}
