//! What the shim keeps, and under which slots: items, bundles, and the names of frameworks, roles and agents.
//!
//! The shim parses an item once and shares it between all offers that hold it; a bundle is a set of items, and one
//! offer is one bundle. Agents of one shape have one bundle. A name has the slot that the core gave its owner, so that
//! an offer crosses as four numbers.

use std::collections::HashMap;

use apportion_core::{Holding, Item, KindId, RoleId};
use foldhash::fast::RandomState;

/// Items and bundles kept between events. Beyond that they start anew, so that amounts that never come back (the rests of
/// odd tasks) do not stay for ever; an event in progress may go beyond, as its own offers need their slots.
const ENTRIES_MAX: usize = 1 << 16;

/// An item in an identity that only some agents have it in.
type OwnItem = (Item, Vec<u8>);

/// What the shim keeps of one role. The keys are amounts that frameworks choose: the hash is keyed.
#[derive(Debug, Default)]
struct OfRole {
    /// Bundles of items in their first identities.
    bundles: HashMap<Holding, u32, RandomState>,
    items: HashMap<Item, u32, RandomState>,
    own_items: HashMap<OwnItem, u32, RandomState>,
}

/// Slots of items and bundles by what they hold. They are used again from zero after a new start: the shim replaces what
/// it kept there.
#[derive(Debug, Default)]
pub(super) struct Caches {
    /// By index of the role.
    roles: Vec<OfRole>,
    /// Bundles with an item in an agent's own identity, by their items.
    own_bundles: HashMap<Vec<u32>, u32, RandomState>,
    items_len: usize,
    bundles_len: usize,
}

/// What the shim must be told before it hears of a slot.
pub(super) trait Teller {
    /// An item is in this slot from now on; `own` is its identity, if that is not the first one of its kind.
    fn item(&mut self, slot: u32, item: &Item, own: Option<&[u8]>);
    /// A bundle is in this slot from now on.
    fn bundle(&mut self, slot: u32, items: &[u32]);
}

impl Caches {
    /// Forgets everything if it has become too much. To be called between events.
    pub(super) fn trim(&mut self) {
        if self.items_len >= ENTRIES_MAX || self.bundles_len >= ENTRIES_MAX {
            *self = Caches::default();
        }
    }

    /// The slot of an offer's resources. `own` tells the agent's own identity of a kind; it is `None` for the many
    /// agents that have none.
    pub(super) fn bundle<'a, Own: Fn(KindId) -> Option<&'a [u8]>>(
        &mut self,
        role: RoleId,
        resources: &Holding,
        own: Option<Own>,
        teller: &mut impl Teller,
    ) -> u32 {
        if role.index() >= self.roles.len() {
            self.roles.resize_with(role.index() + 1, OfRole::default);
        }
        let kept = &mut self.roles[role.index()];
        let own = own.filter(|own| resources.items().iter().any(|item| own(item.kind).is_some()));
        if own.is_none()
            && let Some(&slot) = kept.bundles.get(resources)
        {
            return slot;
        }
        let mut items = Vec::with_capacity(resources.items().len());
        for item in resources.items() {
            let own = own.as_ref().and_then(|own| own(item.kind));
            let slot = kept.item(item, own, &mut self.items_len, teller);
            // Disks that cannot be merged stand as often as they are held; a shared volume is offered once.
            let times = if item.kind.is_shared() { 1 } else { item.copies };
            items.extend((0..times).map(|_| slot));
        }
        if own.is_some()
            && let Some(&slot) = self.own_bundles.get(&items)
        {
            return slot;
        }
        let slot = next(&mut self.bundles_len);
        teller.bundle(slot, &items);
        if own.is_some() {
            self.own_bundles.insert(items, slot);
        } else {
            kept.bundles.insert(resources.clone(), slot);
        }
        slot
    }
}

impl OfRole {
    fn item(
        &mut self,
        item: &Item,
        own: Option<&[u8]>,
        items_len: &mut usize,
        teller: &mut impl Teller,
    ) -> u32 {
        let mut new = || {
            let slot = next(items_len);
            teller.item(slot, item, own);
            slot
        };
        if let Some(identity) = own {
            return *self.own_items.entry((item.clone(), identity.to_vec())).or_insert_with(new);
        }
        if let Some(&slot) = self.items.get(item) {
            return slot;
        }
        let slot = new();
        self.items.insert(item.clone(), slot);
        slot
    }
}

/// The slot behind the last one.
fn next(len: &mut usize) -> u32 {
    // An event cannot bring four billion different items: their bytes would not fit into memory.
    let slot = u32::try_from(*len).unwrap_or(u32::MAX);
    *len += 1;
    slot
}

/// Whose names the shim knows, by slot. A slot that has gone to somebody else is told anew.
#[derive(Debug)]
pub(super) struct Told<Id> {
    owners: Vec<Option<Id>>,
}

impl<Id> Default for Told<Id> {
    fn default() -> Self {
        Told { owners: Vec::new() }
    }
}

impl<Id: Copy + Eq> Told<Id> {
    /// Whether the shim must be told the name of `id`, which is in slot `index`; it counts as told from now on.
    pub(super) fn is_new(&mut self, index: usize, id: Id) -> bool {
        if index >= self.owners.len() {
            self.owners.resize(index + 1, None);
        }
        self.owners[index].replace(id) != Some(id)
    }
}

#[cfg(test)]
mod tests {
    use apportion_core::{Allocator, Amount, Kind};

    use super::*;

    /// What was told: items with their own identities, bundles.
    #[derive(Debug, Default)]
    struct Shim {
        items: Vec<(u32, Item, Option<Vec<u8>>)>,
        bundles: Vec<(u32, Vec<u32>)>,
    }

    impl Teller for Shim {
        fn item(&mut self, slot: u32, item: &Item, own: Option<&[u8]>) {
            self.items.push((slot, item.clone(), own.map(<[u8]>::to_vec)));
        }

        fn bundle(&mut self, slot: u32, items: &[u32]) {
            self.bundles.push((slot, items.to_vec()));
        }
    }

    /// Kinds and roles of an allocator.
    fn world() -> ([KindId; 2], [RoleId; 2]) {
        let mut core = Allocator::new();
        let kinds = [b"cpus".as_slice(), b"mem"].map(|name| core.intern_kind(Kind::scalar(name)).unwrap());
        let weights: [(&[u8], f64); 2] = [(b"web", 1.0), (b"batch", 1.0)];
        let options = apportion_core::Options::default();
        let now = apportion_core::Instant::from_nanos(0);
        core.apply(&apportion_core::Event::Initialize { options: &options }, now).unwrap();
        core.apply(&apportion_core::Event::UpdateWeights { weights: &weights }, now).unwrap();
        (kinds, [b"web".as_slice(), b"batch"].map(|role| core.find_role(role).unwrap()))
    }

    fn amounts(kinds: [KindId; 2], cpus: i64, memory: i64) -> Holding {
        Holding::new([
            Item::scalar(kinds[0], Amount::whole(cpus)),
            Item::scalar(kinds[1], Amount::whole(memory)),
        ])
    }

    /// Tells an agent's own identity of a kind.
    type Own = fn(KindId) -> Option<&'static [u8]>;

    fn nothing_own(_: KindId) -> Option<&'static [u8]> {
        None
    }

    #[test]
    fn agents_of_one_shape_share_a_bundle_and_bundles_share_items() {
        let (kinds, [web, batch]) = world();
        let (mut caches, mut shim) = (Caches::default(), Shim::default());
        let mut slot =
            |role, cpus, own: Option<Own>| caches.bundle(role, &amounts(kinds, cpus, 64), own, &mut shim);
        assert_eq!(slot(web, 4, None), 0);
        assert_eq!(slot(web, 4, None), 0);
        assert_eq!(slot(web, 4, Some(nothing_own)), 0, "own identities of other kinds make no difference");
        assert_eq!(slot(web, 8, None), 1);
        assert_eq!(slot(batch, 4, None), 2, "items carry their role");
        assert_eq!(shim.bundles, [(0, vec![0, 1]), (1, vec![2, 1]), (2, vec![3, 4])]);
        assert_eq!(shim.items.len(), 5);
    }

    #[test]
    fn an_agents_own_identity_makes_an_item_of_its_own() {
        let (kinds, [web, _]) = world();
        let (mut caches, mut shim) = (Caches::default(), Shim::default());
        let resources = amounts(kinds, 4, 64);
        let own = |kind| (kind == kinds[0]).then_some(b"own".as_slice());
        let none = None::<Own>;
        let first = caches.bundle(web, &resources, Some(own), &mut shim);
        let other = caches.bundle(web, &resources, none, &mut shim);
        assert_ne!(first, other);
        assert_eq!(caches.bundle(web, &resources, Some(own), &mut shim), first);
        assert_eq!(caches.bundle(web, &resources, none, &mut shim), other);
        assert_eq!(shim.items.len(), 3, "the memory is the same");
        assert_eq!(shim.items.iter().filter(|(_, _, own)| own.as_deref() == Some(b"own")).count(), 1);
    }

    #[test]
    fn items_and_bundles_start_anew_between_events_when_there_are_too_many() {
        let (kinds, [web, _]) = world();
        let (mut caches, mut shim) = (Caches::default(), Shim::default());
        let none = None::<Own>;
        let slots = (1..=70_000).map(|cpus| {
            caches.trim();
            caches.bundle(web, &amounts(kinds, cpus, 64), none, &mut shim)
        });
        let slots: Vec<u32> = slots.collect();
        // Each brings an item, the first one two.
        let again = slots.iter().skip(1).position(|slot| *slot == 0).expect("it starts anew") + 1;
        assert_eq!(again, ENTRIES_MAX - 1);
        assert_eq!(shim.bundles[again], (0, vec![0, 1]), "items too");
    }

    #[test]
    fn a_name_is_told_once_for_each_owner_of_its_slot() {
        let mut told = Told::default();
        assert!(told.is_new(3, 'a'));
        assert!(!told.is_new(3, 'a'));
        assert!(told.is_new(3, 'b'));
        assert!(!told.is_new(3, 'b'));
        assert!(told.is_new(0, 'b'));
    }
}
