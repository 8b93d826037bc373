//! What resources there are in histories, and how operations turn one into another.

use std::collections::BTreeMap;

use apportion_core::{Amount, Conversion, Item, Kind, KindId, Ranges, Reservation, Value, ValueType};

use super::dice::Dice;
use crate::resources::{Resources, is_below};
use crate::{Cluster, Name};

/// One entry of a reservation stack.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    pub(super) role: Name,
    pub(super) dynamic: bool,
    /// Reservations that differ in labels only are different resources.
    pub(super) label: usize,
}

/// Where a disk comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Disk {
    Root,
    Path,
    Mount,
    /// Raw storage of a provider, to be cut.
    Pool,
    /// A raw disk of a provider.
    Raw,
}

/// Everything about a resource but how much of it there is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Identity {
    pub(super) name: &'static str,
    pub(super) disk: Disk,
    pub(super) volume: Option<usize>,
    pub(super) shared: bool,
    pub(super) revocable: bool,
    pub(super) provider: Option<usize>,
    pub(super) stack: Vec<Entry>,
}

impl Identity {
    pub(super) fn plain(name: &'static str) -> Identity {
        let (disk, stack) = (Disk::Root, Vec::new());
        Identity { name, disk, volume: None, shared: false, revocable: false, provider: None, stack }
    }

    pub(super) fn disk(disk: Disk) -> Identity {
        Identity { disk, ..Identity::plain("disk") }
    }

    pub(super) fn pushed(&self, role: &[u8], dynamic: bool, label: usize) -> Identity {
        let mut pushed = self.clone();
        pushed.stack.push(Entry { role: role.to_vec(), dynamic, label });
        pushed
    }

    /// Whether this is a volume that can grow and shrink: not shared, and on a disk of the agent that can be cut.
    fn is_resizable(&self) -> bool {
        let is_cuttable = matches!(self.disk, Disk::Root | Disk::Path) && self.provider.is_none();
        self.volume.is_some() && !self.shared && is_cuttable
    }

    fn popped(&self) -> Identity {
        let mut popped = self.clone();
        popped.stack.pop();
        popped
    }

    /// The disk a volume was made of.
    fn without_volume(&self) -> Identity {
        Identity { volume: None, shared: false, ..self.clone() }
    }

    pub(super) fn reserved_to(&self) -> Option<&Name> {
        self.stack.last().map(|entry| &entry.role)
    }

    fn text(&self) -> String {
        let mut text = self.name.to_owned();
        if self.disk != Disk::Root {
            text.push_str(&format!("[{:?}]", self.disk));
        }
        self.volume.iter().for_each(|volume| text.push_str(&format!("[volume{volume}]")));
        self.provider.iter().for_each(|provider| text.push_str(&format!("@provider{provider}")));
        for (is, mark) in [(self.shared, "<SHARED>"), (self.revocable, "{REV}")] {
            text.push_str(if is { mark } else { "" });
        }
        for Entry { role, dynamic, label } in &self.stack {
            let role = String::from_utf8_lossy(role);
            text.push_str(&format!("({}{role}#{label})", if *dynamic { "dynamic " } else { "" }));
        }
        text
    }

    fn kind(&self) -> Kind {
        let reservations = self
            .stack
            .iter()
            .map(|entry| Reservation { role: entry.role.clone().into(), dynamic: entry.dynamic })
            .collect();
        let value_type = match self.name {
            "ports" => ValueType::Ranges,
            "zones" => ValueType::Set,
            _ => ValueType::Scalar,
        };
        let is_cuttable = matches!(self.disk, Disk::Root | Disk::Path | Disk::Pool);
        Kind {
            name: self.name.as_bytes().into(),
            value_type,
            reservations,
            revocable: self.revocable,
            shared: self.shared,
            volume: self.volume.map(|volume| format!("volume{volume}").into_bytes().into()),
            provider: self.provider.map(|provider| format!("provider{provider}").into_bytes().into()),
            divisible: is_cuttable && self.volume.is_none(),
            identity: self.text().into_bytes().into(),
        }
    }
}

/// The identities behind the kinds of a history.
#[derive(Debug, Default)]
pub(super) struct Catalogue {
    ids: BTreeMap<Identity, KindId>,
    identities: BTreeMap<KindId, Identity>,
    volumes: usize,
}

impl Catalogue {
    pub(super) fn id(&mut self, cluster: &mut Cluster, identity: &Identity) -> KindId {
        if let Some(id) = self.ids.get(identity) {
            return *id;
        }
        let id = cluster.intern_kind(&identity.kind());
        self.ids.insert(identity.clone(), id);
        self.identities.insert(id, identity.clone());
        id
    }

    pub(super) fn of(&self, id: KindId) -> &Identity {
        &self.identities[&id]
    }

    pub(super) fn new_volume(&mut self) -> usize {
        self.volumes += 1;
        self.volumes
    }

    /// So many thousandths of a scalar.
    pub(super) fn scalar(
        &mut self,
        cluster: &mut Cluster,
        identity: &Identity,
        thousandths: i64,
    ) -> Resources {
        Resources::scalar(self.id(cluster, identity), thousandths)
    }

    /// One entry with another identity.
    pub(super) fn as_other(&mut self, cluster: &mut Cluster, entry: &Item, identity: &Identity) -> Resources {
        Resources::from(&Item { kind: self.id(cluster, identity), ..entry.clone() })
    }
}

/// A change a framework or an operator makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Reserve,
    Unreserve,
    Create,
    Destroy,
    Grow,
    Shrink,
}

impl Operation {
    /// Whether it can be done to such a resource at all.
    pub(super) fn concerns(self, identity: &Identity) -> bool {
        let is_volume = identity.volume.is_some();
        match self {
            Operation::Reserve => !is_volume && !identity.revocable,
            Operation::Unreserve => !is_volume && identity.stack.last().is_some_and(|last| last.dynamic),
            Operation::Create => {
                let is_raw = matches!(identity.disk, Disk::Pool | Disk::Raw);
                let is_reserved_disk = identity.name == "disk" && !identity.stack.is_empty();
                is_reserved_disk && !is_volume && !is_raw && !identity.revocable
            }
            Operation::Destroy => is_volume,
            Operation::Grow | Operation::Shrink => identity.is_resizable(),
        }
    }
}

/// Who makes a change.
#[derive(Debug, Clone, Copy)]
pub(super) struct Maker<'a> {
    /// The role to reserve for.
    pub(super) role: &'a Name,
    pub(super) refines: bool,
    pub(super) shares: bool,
}

/// Part of an entry: all of it, or a piece if it can be cut.
pub(super) fn part_of(dice: &mut Dice<'_>, entry: &Item) -> Item {
    let mut part = entry.clone();
    let piece = dice.below(4);
    match &mut part.value {
        Value::Scalar(amount) if !entry.kind.is_whole() && piece > 0 => {
            let all = amount.in_thousandths();
            *amount = Amount::thousandths([all, (all / 2).max(1), (all / 3).max(1), all.min(1)][piece]);
        }
        Value::Ranges(ranges) if piece > 1 => {
            if let Some((begin, end)) = ranges.pairs().first().copied() {
                *ranges = Ranges::new([(begin, begin + (end - begin) / 2)]);
            }
        }
        _ => {}
    }
    part
}

/// The conversion an operation makes of one entry, if the operation makes sense for it.
pub(super) fn conversion(
    catalogue: &mut Catalogue,
    cluster: &mut Cluster,
    dice: &mut Dice<'_>,
    operation: Operation,
    entry: &Item,
    maker: Maker<'_>,
) -> Option<Conversion> {
    let identity = catalogue.of(entry.kind).clone();
    if !operation.concerns(&identity) {
        return None;
    }
    let part = part_of(dice, entry);
    let target = match operation {
        Operation::Reserve => {
            let below_role = identity.reserved_to().is_some_and(|to| is_below(maker.role, to));
            let reservable = identity.stack.is_empty() || (below_role && maker.refines);
            (reservable && maker.role != b"*")
                .then(|| identity.pushed(maker.role, true, dice.one([0, 0, 1])))?
        }
        Operation::Unreserve => identity.popped(),
        Operation::Create => {
            let shared = maker.shares && dice.flip();
            Identity { volume: Some(catalogue.new_volume()), shared, ..identity }
        }
        Operation::Destroy => identity.without_volume(),
        Operation::Grow => return grow(catalogue, cluster, dice, &identity, entry),
        Operation::Shrink => return shrink(catalogue, cluster, dice, &identity, entry),
    };
    let consumed = Resources::from(&part).to_holding();
    let converted = catalogue.as_other(cluster, &part, &target).to_holding();
    let must_be_gone = operation == Operation::Destroy;
    let leaves_none_of = if must_be_gone { consumed.clone() } else { Resources::default().to_holding() };
    Some(Conversion { consumed, converted, leaves_none_of })
}

/// A volume grows by some of the disk it was made of.
fn grow(
    catalogue: &mut Catalogue,
    cluster: &mut Cluster,
    dice: &mut Dice<'_>,
    volume: &Identity,
    entry: &Item,
) -> Option<Conversion> {
    let size = entry.value.scalar()?.in_thousandths();
    let more = dice.one([1000, 1, 20_000]);
    let addition = catalogue.scalar(cluster, &volume.without_volume(), more);
    let grown = catalogue.scalar(cluster, volume, size + more);
    let consumed = Resources::from(entry).plus(&addition).to_holding();
    Some(Conversion { consumed, converted: grown.to_holding(), ..Conversion::default() })
}

/// A volume shrinks, but not to nothing; what it loses is the disk it was made of again.
fn shrink(
    catalogue: &mut Catalogue,
    cluster: &mut Cluster,
    dice: &mut Dice<'_>,
    volume: &Identity,
    entry: &Item,
) -> Option<Conversion> {
    let size = entry.value.scalar()?.in_thousandths();
    let less = dice.one([1000, 1, size / 2, size - 1]);
    if !(1..size).contains(&less) {
        return None;
    }
    let freed = catalogue.scalar(cluster, &volume.without_volume(), less);
    let converted = catalogue.scalar(cluster, volume, size - less).plus(&freed).to_holding();
    let consumed = Resources::from(entry).to_holding();
    Some(Conversion { consumed, converted, ..Conversion::default() })
}
