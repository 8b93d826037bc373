//! What the book has to know of a kind of resource.

use std::collections::HashMap;

use apportion_core::{Kind, KindId, ValueType};
use apportion_wire::resource;

/// What no operation of a framework can change about a resource. Reserving it, or making a volume of it, gives another
/// kind of the same substance, and as much of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Substance {
    pub(super) name: Box<[u8]>,
    pub(super) value_type: ValueType,
    pub(super) revocable: bool,
    pub(super) provider: Option<Box<[u8]>>,
}

impl Substance {
    fn of(kind: &Kind) -> Substance {
        Substance {
            name: kind.name.clone(),
            value_type: kind.value_type,
            revocable: kind.revocable,
            provider: kind.provider.clone(),
        }
    }
}

/// A kind that was offered at least once.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) substance: Substance,
    /// In which it is offered; empty if a task cannot have more of it.
    pub(super) identity: Box<[u8]>,
}

/// The kinds of one allocator that were offered. They stay: an allocator does not forget kinds either.
#[derive(Debug, Default)]
pub(super) struct Kinds {
    /// By their numbers.
    known: Vec<Option<Known>>,
    /// By what the host compares of an identity.
    by_key: HashMap<Box<[u8]>, KindId>,
}

impl Kinds {
    /// Makes a kind known, if it is not yet.
    pub(super) fn learn<'a>(&mut self, id: KindId, tell: impl Fn(KindId) -> (&'a Kind, &'a [u8])) {
        if self.known(id).is_some() {
            return;
        }
        let (kind, identity) = tell(id);
        let identity: &[u8] = if can_grow(id, kind, identity) { identity } else { &[] };
        if self.known.len() <= id.index() {
            self.known.resize_with(id.index() + 1, || None);
        }
        if let Some(place) = self.known.get_mut(id.index()) {
            *place = Some(Known { substance: Substance::of(kind), identity: identity.into() });
        }
        self.by_key.insert(kind.identity.clone(), id);
    }

    /// A kind that was offered.
    pub(super) fn known(&self, id: KindId) -> Option<&Known> {
        self.known.get(id.index())?.as_ref()
    }

    /// The kind of which the host compares these bytes.
    pub(super) fn find(&self, key: &[u8]) -> Option<KindId> {
        self.by_key.get(key).copied()
    }
}

/// Whether a task can have more of it: plain amounts only. Disks with a source and what resource providers have are
/// changed by operations that last, so amounts of them come and go in ways of their own.
fn can_grow(id: KindId, kind: &Kind, identity: &[u8]) -> bool {
    kind.value_type == ValueType::Scalar
        && !id.is_whole()
        && !id.is_shared()
        && kind.provider.is_none()
        && resource::facts(identity).is_ok_and(|facts| facts.disk.is_none())
}
