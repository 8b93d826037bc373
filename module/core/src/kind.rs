//! Kinds of resources: everything about a resource except how much of it there is and to whom it is allocated.
//!
//! A kind is known by its `identity`, opaque bytes made at the edge: the resource on the wire without value and
//! allocation. Two resources of one kind can be compared, added and subtracted; resources of different kinds never
//! meet. The other fields of a [`Kind`] are what decisions need, taken from the same resource.

use std::collections::BTreeMap;

use thiserror::Error;

use crate::ids::{KindId, NameId, Names, RoleId};
use crate::roles::RoleTree;
use crate::text::Text;
use crate::value::ValueType;

/// One entry of a reservation stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// For which role and its descendants.
    pub role: Box<[u8]>,
    /// Made at run time (true) or by the agent's flags (false).
    pub dynamic: bool,
}

/// Everything about a resource except its value and its allocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kind {
    /// The name: `cpus`, `mem`, `ports`.
    pub name: Box<[u8]>,
    /// Scalar, ranges or set.
    pub value_type: ValueType,
    /// The reservation stack, bottom first; empty means unreserved, two or more means refined.
    pub reservations: Vec<Reservation>,
    /// Can be taken back at any time.
    pub revocable: bool,
    /// Can be held by many at once.
    pub shared: bool,
    /// The persistence id, if this is a persistent volume.
    pub volume: Option<Box<[u8]>>,
    /// The resource provider, unless the agent itself provides it.
    pub provider: Option<Box<[u8]>>,
    /// Whether amounts can be cut and merged. False for mounted and block disks, raw disks with an id, and
    /// persistent volumes.
    pub divisible: bool,
    /// What makes the kind: equal bytes, same kind.
    pub identity: Box<[u8]>,
}

impl Kind {
    /// An unreserved, divisible scalar of the agent itself, known by its name.
    #[must_use]
    pub fn scalar(name: &[u8]) -> Self {
        Self {
            name: name.into(),
            value_type: ValueType::Scalar,
            reservations: Vec::new(),
            revocable: false,
            shared: false,
            volume: None,
            provider: None,
            divisible: true,
            identity: name.into(),
        }
    }
}

/// Why a kind cannot be interned.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KindRefused {
    /// A resource must have a name.
    #[error("a resource without a name")]
    Nameless,
    /// The same identity was interned with other properties: the edge takes resources apart inconsistently.
    #[error("{} was seen before with other properties under the same identity", Text(.0))]
    Contradicts(Box<[u8]>),
    /// 2^30 kinds are known.
    #[error("the kind table is full")]
    TableFull,
}

/// What the hot loops ask of a kind, precomputed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Traits {
    /// Position of the resource name in quantities; `None` for ranges and sets.
    pub(crate) scalar_name: Option<NameId>,
    /// Position of the resource name, whatever the type.
    pub(crate) name: NameId,
    /// The role of the last reservation.
    pub(crate) reserved_to: Option<RoleId>,
    /// Two or more reservations.
    pub(crate) refined: bool,
    /// Can be taken back at any time.
    pub(crate) revocable: bool,
    /// Can be held by many at once.
    pub(crate) shared: bool,
}

/// All kinds seen, numbered in the order they were first seen.
#[derive(Debug, Clone, Default)]
pub(crate) struct KindTable {
    by_identity: BTreeMap<Box<[u8]>, KindId>,
    kinds: Vec<Kind>,
    traits: Vec<Traits>,
    names: Names,
}

impl KindTable {
    /// The id of a kind, new or not. Roles it is reserved to become known to `roles`.
    pub(crate) fn intern(&mut self, kind: Kind, roles: &mut RoleTree) -> Result<KindId, KindRefused> {
        if let Some(id) = self.find(&kind.identity) {
            return if self.kinds[id.index()] == kind {
                Ok(id)
            } else {
                Err(KindRefused::Contradicts(kind.name))
            };
        }
        if kind.name.is_empty() {
            return Err(KindRefused::Nameless);
        }
        let index = u32::try_from(self.kinds.len()).ok().filter(|index| *index < KindId::CAPACITY);
        let index = index.ok_or(KindRefused::TableFull)?;
        let id = KindId::new(index, kind.divisible, kind.shared);
        let name = self.intern_name(&kind.name);
        self.traits.push(Traits {
            scalar_name: (kind.value_type == ValueType::Scalar).then_some(name),
            name,
            reserved_to: kind.reservations.last().map(|entry| roles.intern(&entry.role)),
            refined: kind.reservations.len() > 1,
            revocable: kind.revocable,
            shared: kind.shared,
        });
        self.by_identity.insert(kind.identity.clone(), id);
        self.kinds.push(kind);
        Ok(id)
    }

    /// The kind with this identity, if it was seen.
    pub(crate) fn find(&self, identity: &[u8]) -> Option<KindId> {
        self.by_identity.get(identity).copied()
    }

    /// The kind with this id.
    pub(crate) fn kind(&self, id: KindId) -> &Kind {
        &self.kinds[id.index()]
    }

    /// What the hot loops ask of a kind.
    pub(crate) fn traits(&self, id: KindId) -> Traits {
        self.traits[id.index()]
    }

    /// The number of a resource name, new or not.
    pub(crate) fn intern_name(&mut self, name: &[u8]) -> NameId {
        NameId::new(self.names.intern(name))
    }

    /// The number of a resource name that was seen.
    pub(crate) fn find_name(&self, name: &[u8]) -> Option<NameId> {
        self.names.find(name).map(NameId::new)
    }

    /// A resource name.
    pub(crate) fn name(&self, id: NameId) -> &[u8] {
        self.names.name(id.index())
    }

    /// How many resource names were seen.
    pub(crate) fn names_len(&self) -> usize {
        self.names.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_identity_is_one_kind() {
        let (mut table, mut roles) = (KindTable::default(), RoleTree::default());
        let cpus = table.intern(Kind::scalar(b"cpus"), &mut roles).unwrap();
        let mem = table.intern(Kind::scalar(b"mem"), &mut roles).unwrap();
        assert_ne!(cpus, mem);
        assert_eq!(table.intern(Kind::scalar(b"cpus"), &mut roles), Ok(cpus));
        let contradiction = Kind { revocable: true, ..Kind::scalar(b"cpus") };
        assert_eq!(
            table.intern(contradiction, &mut roles),
            Err(KindRefused::Contradicts(b"cpus".as_slice().into()))
        );
        assert_eq!(table.intern(Kind::scalar(b""), &mut roles), Err(KindRefused::Nameless));
    }
}
