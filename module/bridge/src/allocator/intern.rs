//! Resources of the host become items of interned kinds, without losing a field.
//!
//! A resource is taken apart on the wire. What remains without amount and allocation, its identity, is what the
//! shim gets back in an offer, byte for byte; what the host compares of it is what makes the kind.

use std::collections::HashMap;

use apportion_core::{
    Allocator, Amount, Conversion, Holding, Item, ItemSet, Kind, KindId, NotAnAmount, Ranges, Reservation,
    Value, ValueType,
};
use apportion_wire::operation::PostCheck;
use apportion_wire::resource::{
    DiskSourceKind, Facts, ReservationKind, ResourceParts, UnreadValue, comparison_key, facts, join,
    revocable_scalar, split, split_unseen,
};
use foldhash::fast::RandomState;

use super::Trouble;

/// The kinds seen so far, with the identity that each had when it was seen first.
///
/// The host takes two resources for the same kind though some bytes differ, such as the container path of a
/// persistent volume. Agents whose identity of a kind is not the first one have their own, so that an offer shows
/// what its agent has.
#[derive(Debug, Default)]
pub(super) struct Resources {
    // The keys come from frameworks: the hash is keyed against floods, and nothing depends on its order.
    by_identity: HashMap<Vec<u8>, KindId, RandomState>,
    /// Room for an identity that is being looked up.
    scratch: Vec<u8>,
    recent: Recent,
    identities: Vec<Vec<u8>>,
    /// By agent; agents that have only first identities are not in it.
    own: HashMap<Vec<u8>, HashMap<KindId, Vec<u8>>>,
}

/// Ranges that were read, by their bytes: an agent's ports can be hundreds of ranges, which come back as they were offered,
/// again and again. Scalars are read faster than they are looked up.
#[derive(Debug, Default)]
struct Recent {
    // As above, the keys come from frameworks.
    read: HashMap<Vec<u8>, Value, RandomState>,
}

impl Recent {
    /// Beyond so many values all are forgotten, and of longer ones none is kept: what never comes back must not stay.
    const VALUES_MAX: usize = 1024;
    const BYTES_MAX: usize = 1 << 14;
    /// So few bytes are read at once.
    const BYTES_MIN: usize = 64;

    fn value(&mut self, value: &UnreadValue<'_>) -> Result<Option<Value>, Trouble> {
        let bytes = value.bytes();
        let is_kept = value.value_type() == apportion_wire::ValueType::Ranges
            && (Self::BYTES_MIN..=Self::BYTES_MAX).contains(&bytes.len());
        if !is_kept {
            return value.read().map(|value| core_value(&value).map_err(refused)).transpose();
        }
        if let Some(known) = self.read.get(bytes) {
            return Ok(Some(known.clone()));
        }
        let Some(value) = value.read() else { return Ok(None) };
        let value = core_value(&value).map_err(refused)?;
        if self.read.len() >= Self::VALUES_MAX {
            self.read.clear();
        }
        self.read.insert(bytes.to_vec(), value.clone());
        Ok(Some(value))
    }
}

fn refused(error: NotAnAmount) -> Trouble {
    Trouble::Refused(error.to_string())
}

/// Resources by the role that they are allocated to.
pub(super) type ByRole<'a> = Vec<(Option<&'a [u8]>, Holding)>;

/// The identity in which each kind came; `None` for the first one of the kind.
pub(super) type Identities = Vec<(KindId, Option<Vec<u8>>)>;

impl Resources {
    /// How many kinds were seen so far.
    pub(super) fn kinds_len(&self) -> usize {
        self.identities.len()
    }

    /// Resources, whoever they are allocated to.
    pub(super) fn sum(&mut self, core: &mut Allocator, resources: &[&[u8]]) -> Result<Holding, Trouble> {
        Ok(self.sum_with_identities(core, resources)?.0)
    }

    /// Resources, whoever they are allocated to, and what [`Resources::keep`] needs if they become an agent's.
    pub(super) fn sum_with_identities(
        &mut self,
        core: &mut Allocator,
        resources: &[&[u8]],
    ) -> Result<(Holding, Identities), Trouble> {
        let mut holding = Holding::default();
        let mut identities = Identities::with_capacity(resources.len());
        for resource in resources {
            let Read { item, .. } = self.read(core, resource)?;
            holding.add_item(&item);
            let is_first = self.identities.get(item.kind.index()) == Some(&self.scratch);
            identities.push((item.kind, (!is_first).then(|| self.scratch.clone())));
        }
        Ok((holding, identities))
    }

    /// From now on the agent has these kinds in these identities.
    pub(super) fn keep(&mut self, agent: &[u8], identities: Identities) {
        let all_first = identities.iter().all(|(_, identity)| identity.is_none());
        if all_first && !self.own.contains_key(agent) {
            return;
        }
        let own = self.own.entry(agent.to_vec()).or_default();
        for (kind, identity) in identities {
            match identity {
                Some(identity) => own.insert(kind, identity),
                None => own.remove(&kind),
            };
        }
        if own.is_empty() {
            self.own.remove(agent);
        }
    }

    /// The agent is gone.
    pub(super) fn forget(&mut self, agent: &[u8]) {
        self.own.remove(agent);
    }

    /// The identity that a kind had when it was seen first; empty if it never was.
    pub(super) fn identity(&self, kind: KindId) -> &[u8] {
        self.identities.get(kind.index()).map(Vec::as_slice).unwrap_or_default()
    }

    /// The identity in which an agent has a kind, if it is not the first one.
    pub(super) fn own(&self, agent: &[u8], kind: KindId) -> Option<&[u8]> {
        self.own.get(agent)?.get(&kind).map(Vec::as_slice)
    }

    /// The identities that an agent has instead of the first ones; none for most agents, and then its name is hardly ever
    /// asked for.
    pub(super) fn own_of<'a>(&self, agent: impl FnOnce() -> &'a [u8]) -> Option<&HashMap<KindId, Vec<u8>>> {
        if self.own.is_empty() { None } else { self.own.get(agent()) }
    }

    /// Resources grouped by the role they are allocated to, in the order in which the roles first appear.
    pub(super) fn by_role<'a>(
        &mut self,
        core: &mut Allocator,
        resources: &[&'a [u8]],
    ) -> Result<ByRole<'a>, Trouble> {
        let mut groups = ByRole::new();
        for resource in resources {
            let Read { item, role } = self.read(core, resource)?;
            match groups.iter_mut().find(|(other, _)| *other == role) {
                Some((_, holding)) => holding.add_item(&item),
                None => groups.push((role, Holding::new([item]))),
            }
        }
        Ok(groups)
    }

    /// A conversion that follows from an operation, with the identities of what it makes.
    pub(super) fn conversion(
        &mut self,
        core: &mut Allocator,
        conversion: apportion_wire::operation::Conversion,
    ) -> Result<(Conversion, Identities), Trouble> {
        let (consumed, _) = self.parts(core, &conversion.consumed)?;
        let leaves_none_of = match conversion.check {
            PostCheck::ConsumedIsGone => consumed.clone(),
            PostCheck::Nothing => Holding::default(),
        };
        let (converted, identities) = self.parts(core, &conversion.converted)?;
        Ok((Conversion { consumed, converted, leaves_none_of }, identities))
    }

    fn parts(
        &mut self,
        core: &mut Allocator,
        parts: &[ResourceParts],
    ) -> Result<(Holding, Identities), Trouble> {
        let bytes: Vec<Vec<u8>> = parts.iter().map(ResourceParts::to_bytes).collect();
        let views: Vec<&[u8]> = bytes.iter().map(Vec::as_slice).collect();
        self.sum_with_identities(core, &views)
    }

    /// A resource as an item, with the role that it is allocated to. Its identity is in `scratch` afterwards.
    fn read<'a>(&mut self, core: &mut Allocator, resource: &'a [u8]) -> Result<Read<'a>, Trouble> {
        self.scratch.clear();
        if let Some((value, role)) = split_unseen(resource, &mut self.scratch)
            && let Some(&kind) = self.by_identity.get(&self.scratch)
            && core.kind(kind).value_type == value_type(value.value_type())
            && let Some(value) = self.recent.value(&value)?
        {
            return Ok(Read { item: Item::new(kind, value), role });
        }
        let parts = split(resource)?;
        let kind = self.kind(core, &parts.identity, &parts.facts)?;
        self.scratch = parts.identity;
        let value = core_value(&parts.value).map_err(refused)?;
        Ok(Read { item: Item::new(kind, value), role: parts.allocation_role })
    }

    /// The kind of a resource, new or not.
    fn kind(&mut self, core: &mut Allocator, identity: &[u8], facts: &Facts<'_>) -> Result<KindId, Trouble> {
        if let Some(&kind) = self.by_identity.get(identity) {
            return Ok(kind);
        }
        let key = comparison_key(identity)?;
        let id = core.intern_kind(kind(key, facts)).map_err(|error| Trouble::Refused(error.to_string()))?;
        if id.index() >= self.identities.len() {
            self.identities.resize(id.index() + 1, Vec::new());
        }
        // Which of those that the host holds for the same came first.
        if let Some(first) = self.identities.get_mut(id.index())
            && first.is_empty()
        {
            identity.clone_into(first);
        }
        self.by_identity.insert(identity.to_vec(), id);
        Ok(id)
    }

    /// The kind of what is lent of a resource name: an unreserved scalar that can be taken back.
    pub(super) fn lent(&mut self, core: &mut Allocator, name: &[u8]) -> Result<KindId, Trouble> {
        let identity = revocable_scalar(name);
        let facts = facts(&identity)?;
        self.kind(core, &identity, &facts)
    }

    /// An item of an agent in its parts, once for each copy, allocated to nobody.
    pub(super) fn to_parts(&self, item: &Item, agent: &[u8]) -> impl Iterator<Item = ResourceParts> {
        let identity = self.own(agent, item.kind).unwrap_or_else(|| self.identity(item.kind)).to_vec();
        let parts = ResourceParts { identity, value: wire_value(&item.value), allocation_role: None };
        std::iter::repeat_n(parts, item.copies as usize)
    }

    /// An item as the host's bytes, allocated to a role; `own` is the agent's identity if it is not the first one.
    pub(super) fn to_bytes(&self, item: &Item, own: Option<&[u8]>, role: &[u8]) -> Vec<u8> {
        join(own.unwrap_or_else(|| self.identity(item.kind)), &wire_value(&item.value), Some(role))
    }
}

/// A resource of the host.
struct Read<'a> {
    item: Item,
    role: Option<&'a [u8]>,
}

fn value_type(of_wire: apportion_wire::ValueType) -> ValueType {
    match of_wire {
        apportion_wire::ValueType::Scalar => ValueType::Scalar,
        apportion_wire::ValueType::Ranges => ValueType::Ranges,
        apportion_wire::ValueType::Set => ValueType::Set,
    }
}

/// What the core needs of a kind.
fn kind(key: Vec<u8>, facts: &Facts<'_>) -> Kind {
    let volume = facts.disk.as_ref().and_then(|disk| disk.persistence_id);
    Kind {
        name: facts.name.into(),
        value_type: value_type(facts.value_type),
        reservations: facts
            .reservations
            .iter()
            .map(|one| Reservation { role: one.role.into(), dynamic: one.kind == ReservationKind::Dynamic })
            .collect(),
        revocable: facts.revocable,
        shared: facts.shared,
        volume: volume.map(Box::from),
        provider: facts.provider_id.map(Box::from),
        divisible: volume.is_none() && !whole_disk(facts),
        identity: key.into_boxed_slice(),
    }
}

/// Disks that are taken whole or not at all: mounted ones, block devices, and raw ones that have an id already.
fn whole_disk(facts: &Facts<'_>) -> bool {
    let Some(source) = facts.disk.as_ref().and_then(|disk| disk.source.as_ref()) else { return false };
    match source.kind {
        DiskSourceKind::Mount | DiskSourceKind::Block => true,
        DiskSourceKind::Raw => source.id.is_some(),
        _ => false,
    }
}

/// A value of the host as the core counts with it.
pub(crate) fn core_value(value: &apportion_wire::Value) -> Result<Value, NotAnAmount> {
    Ok(match value {
        apportion_wire::Value::Scalar(scalar) => Value::Scalar(Amount::from_f64(scalar.as_f64())?),
        apportion_wire::Value::Ranges(ranges) => {
            Value::Ranges(Ranges::new(ranges.iter().map(|range| (range.begin, range.end))))
        }
        apportion_wire::Value::Set(items) => {
            Value::Set(ItemSet::new(items.iter().map(|item| Box::from(item.as_slice()))))
        }
    })
}

/// A value of the core as the host has it.
pub(crate) fn wire_value(value: &Value) -> apportion_wire::Value {
    match value {
        Value::Scalar(amount) => apportion_wire::Value::Scalar(
            apportion_wire::Scalar::from_thousandths(amount.in_thousandths())
                .expect("a holding has no negative amounts"),
        ),
        Value::Ranges(ranges) => apportion_wire::Value::Ranges(
            ranges.pairs().iter().map(|&(begin, end)| apportion_wire::Range { begin, end }).collect(),
        ),
        Value::Set(set) => apportion_wire::Value::Set(set.items().iter().map(|item| item.to_vec()).collect()),
    }
}

#[cfg(test)]
mod tests {
    use apportion_wire::resource::join;

    use super::*;

    /// Every second port from `first`, in so many ranges of one port each.
    fn ports(identity: &[u8], first: u64, count: u64) -> Vec<u8> {
        let ranges = (0..count).map(|at| first + 2 * at);
        let ranges = ranges.map(|port| apportion_wire::Range { begin: port, end: port }).collect();
        join(identity, &apportion_wire::Value::Ranges(ranges), None)
    }

    #[test]
    fn ranges_that_were_read_before_are_known_by_their_bytes_and_do_not_stay_for_ever() {
        // A name, and the type of ranges.
        let identity = b"\x0a\x05ports\x10\x01";
        let (mut resources, mut core) = (Resources::default(), Allocator::new());
        let mut read = |bytes: &[u8]| {
            let read = resources.read(&mut core, bytes).unwrap().item.value;
            (read, resources.recent.read.len())
        };
        for first in 0..3000 {
            let expected = Value::Ranges(Ranges::new((0..40).map(|at| (first + 2 * at, first + 2 * at))));
            let bytes = ports(identity, first, 40);
            let (value, _) = read(&bytes);
            assert_eq!(value, expected);
            let (again, kept) = read(&bytes);
            assert_eq!(again, expected);
            assert!(kept <= Recent::VALUES_MAX, "{kept}");
        }
        let (_, before) = read(&ports(identity, 1, 40));
        assert_eq!(read(&ports(identity, 9_999, 40)).1, before + 1, "new ones are kept");
        assert_eq!(read(&ports(identity, 9_999, 40)).1, before + 1, "known ones are found");
        let before = before + 1;
        let long = Recent::BYTES_MAX as u64;
        assert_eq!(read(&ports(identity, 1, 2)).1, before, "few ranges are read at once");
        assert_eq!(read(&ports(identity, 1, long)).1, before, "long ones would take the place of many");
    }
}
