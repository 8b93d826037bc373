//! The few names and kinds of resources that histories are about.

use apportion_core::{Allocator, Holding, Item, Kind, KindId, Reservation, ValueType};

/// Agents; the last is never added.
pub(super) const AGENTS: [&[u8]; 4] = [b"a1", b"a2", b"a3", b"nowhere"];
/// Frameworks; the last is never added.
pub(super) const FRAMEWORKS: [&[u8]; 4] = [b"f1", b"f2", b"f3", b"nobody"];
/// Roles, some inside others.
pub(super) const ROLES: [&[u8]; 6] = [b"a", b"a/x", b"a/x/deep", b"b", b"*", b"\xff/odd"];
/// Names of resources.
pub(super) const NAMES: [&[u8]; 6] = [b"cpus", b"mem", b"disk", b"gpus", b"ports", b"labels"];

/// A kind with what the judge needs to know of it.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) id: KindId,
    pub(super) name: &'static [u8],
    pub(super) value_type: ValueType,
    pub(super) reserved_to: Option<&'static [u8]>,
    pub(super) refined: bool,
    pub(super) revocable: bool,
    pub(super) shared: bool,
}

/// All kinds, interned.
#[derive(Debug)]
pub(super) struct Universe {
    kinds: Vec<Known>,
    /// Whether this history is about lending too: only then are there more kinds that can be lent than cpus.
    pub(super) lends: bool,
}

/// Name, type, reservation stack, and flags: `r`evocable, `s`hared, persistent `v`olume, `m`ounted.
type Plan = (&'static [u8], ValueType, &'static [&'static [u8]], &'static str);

/// How many kinds there are in histories without lending.
const PLANS_WITHOUT_LENDING: usize = 18;

const PLANS: [Plan; 20] = [
    (b"cpus", ValueType::Scalar, &[], ""),
    (b"mem", ValueType::Scalar, &[], ""),
    (b"disk", ValueType::Scalar, &[], ""),
    (b"gpus", ValueType::Scalar, &[], ""),
    (b"ports", ValueType::Ranges, &[], ""),
    (b"labels", ValueType::Set, &[], ""),
    (b"cpus", ValueType::Scalar, &[b"a"], ""),
    (b"cpus", ValueType::Scalar, &[b"a", b"a/x"], ""),
    (b"cpus", ValueType::Scalar, &[b"b"], ""),
    (b"mem", ValueType::Scalar, &[b"a/x"], ""),
    (b"disk", ValueType::Scalar, &[b"a"], ""),
    (b"cpus", ValueType::Scalar, &[], "r"),
    (b"ports", ValueType::Ranges, &[b"b"], ""),
    (b"disk", ValueType::Scalar, &[b"a"], "v"),
    (b"disk", ValueType::Scalar, &[b"a"], "vs"),
    (b"disk", ValueType::Scalar, &[], "m"),
    (b"disk", ValueType::Scalar, &[b"a", b"a/x"], "mv"),
    (b"labels", ValueType::Set, &[b"a"], "r"),
    (b"mem", ValueType::Scalar, &[], "r"),
    (b"gpus", ValueType::Scalar, &[], "r"),
];

impl Universe {
    /// Interns all kinds.
    pub(super) fn new(allocator: &mut Allocator) -> Self {
        let kinds = PLANS.into_iter().enumerate().map(|(number, (name, value_type, stack, flags))| {
            let has = |flag| flags.contains(flag);
            let reservations = stack.iter().enumerate();
            let reservations =
                reservations.map(|(at, role)| Reservation { role: (*role).into(), dynamic: at > 0 });
            let kind = Kind {
                value_type,
                reservations: reservations.collect(),
                revocable: has('r'),
                shared: has('s'),
                volume: has('v').then(|| b"volume".as_slice().into()),
                divisible: !has('v') && !has('m'),
                identity: format!("kind {number}").into_bytes().into(),
                ..Kind::scalar(name)
            };
            let id = allocator.intern_kind(kind).expect("a kind of its own");
            let (reserved_to, refined) = (stack.last().copied(), stack.len() > 1);
            Known { id, name, value_type, reserved_to, refined, revocable: has('r'), shared: has('s') }
        });
        Universe { kinds: kinds.collect(), lends: false }
    }

    /// The kinds that this history is about.
    pub(super) fn kinds(&self) -> &[Known] {
        if self.lends { &self.kinds } else { &self.kinds[..PLANS_WITHOUT_LENDING] }
    }

    /// The kinds that idle capacity can be lent as.
    pub(super) fn lent(&self) -> impl Iterator<Item = &Known> {
        self.kinds.iter().filter(|kind| {
            kind.revocable && kind.value_type == ValueType::Scalar && kind.reserved_to.is_none()
        })
    }

    /// What is known of an item's kind.
    pub(super) fn of(&self, item: &Item) -> &Known {
        self.kinds.iter().find(|known| known.id == item.kind).expect("a kind of this universe")
    }

    /// The part that stays with whoever has it, and the part that can be taken back.
    pub(super) fn split(&self, resources: &Holding) -> (Holding, Holding) {
        let revocable = |item: &Item| self.of(item).revocable;
        (resources.filtered(|item| !revocable(item)), resources.filtered(revocable))
    }

    /// The part that only one can hold at a time.
    pub(super) fn exclusive(&self, resources: &Holding) -> Holding {
        resources.filtered(|item| !self.of(item).shared)
    }

    /// The part that many can hold at a time.
    pub(super) fn shared(&self, resources: &Holding) -> Holding {
        resources.filtered(|item| self.of(item).shared)
    }
}
