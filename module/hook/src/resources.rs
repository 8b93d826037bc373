//! Amounts that rules decide, in the resources of a task or an agent.
//!
//! Rules know amounts by name; a resource is more than that: reserved or not, a disk, revocable. What is not changed
//! keeps its bytes, and what comes and goes whole (volumes, mounted disks) is never touched.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use apportion_policy::{Amount, Amounts, text};
use apportion_wire::resource::{ResourceParts, facts, split};
use apportion_wire::{Scalar, Value, WireError};

/// One resource while amounts change.
#[derive(Debug, Clone)]
struct Piece {
    parts: ResourceParts,
    name: String,
    traits: Traits,
    /// As the host wrote it, unless the amount changed.
    bytes: Option<Vec<u8>>,
}

/// What decides whether a resource may grow or shrink, and which one first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Traits {
    divisible: bool,
    shared: bool,
    revocable: bool,
    reserved: bool,
    plain: bool,
}

impl Piece {
    fn read(bytes: &[u8]) -> Result<Piece, WireError> {
        let resource = split(bytes)?;
        let (name, traits) = (text(resource.facts.name), Traits::of(&resource.facts));
        Ok(Piece { parts: resource.into_parts(), name, traits, bytes: Some(bytes.to_vec()) })
    }

    /// Thousandths of it that may change.
    fn changeable(&self) -> i64 {
        match &self.parts.value {
            Value::Scalar(amount) if self.traits.divisible && !self.traits.shared => amount.thousandths(),
            Value::Scalar(_) | Value::Ranges(_) | Value::Set(_) => 0,
        }
    }

    /// What it is an amount of.
    fn kind(&self) -> (Vec<u8>, Option<Vec<u8>>) {
        (self.parts.identity.clone(), self.parts.allocation_role.clone())
    }

    /// Gives it another amount.
    fn set(&mut self, thousandths: i64) {
        // Not below 0 by construction; if it were, the resource stays as it is.
        if let Ok(amount) = Scalar::from_thousandths(thousandths) {
            self.parts.value = Value::Scalar(amount);
            self.bytes = None;
        }
    }

    fn into_bytes(self) -> Vec<u8> {
        self.bytes.unwrap_or_else(|| self.parts.to_bytes())
    }
}

impl Traits {
    fn of(facts: &apportion_wire::resource::Facts<'_>) -> Traits {
        Traits {
            divisible: facts.is_divisible(),
            shared: facts.shared,
            revocable: facts.revocable,
            reserved: !facts.reservations.is_empty(),
            plain: facts.disk.is_none(),
        }
    }
}

/// What could be added to a task of its offer: only amounts that a task may take in any size.
///
/// A task has either revocable or other resources of a name, as the host wants it; what it has nothing of can be added
/// from what is not revocable.
#[derive(Debug, Clone, Default)]
pub struct Room {
    pieces: Vec<Piece>,
    /// Why there is none.
    reason: Option<String>,
}

impl Room {
    /// The room for a task, of what its offer has left beside it. Resources that cannot be read are no room.
    pub fn for_task(task: &[Vec<u8>], left: &[ResourceParts]) -> Room {
        let mut revocable: BTreeMap<String, bool> = BTreeMap::new();
        for piece in task.iter().filter_map(|bytes| Piece::read(bytes).ok()) {
            revocable.insert(piece.name, piece.traits.revocable);
        }
        let usable = |parts: &ResourceParts| {
            let read = facts(&parts.identity).ok()?;
            let piece =
                Piece { name: text(read.name), traits: Traits::of(&read), parts: parts.clone(), bytes: None };
            let wanted = revocable.get(&piece.name).copied().unwrap_or(false);
            (piece.changeable() > 0 && piece.traits.plain && piece.traits.revocable == wanted)
                .then_some(piece)
        };
        Room { pieces: left.iter().filter_map(usable).collect(), reason: None }
    }

    /// No room, and why.
    pub fn none(reason: impl ToString) -> Room {
        Room { pieces: Vec::new(), reason: Some(reason.to_string()) }
    }

    /// Why there is none, if that is known.
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// The room by the name of the resource.
    pub fn amounts(&self) -> Amounts {
        let mut amounts = Amounts::new();
        for piece in &self.pieces {
            let sum = amounts.entry(piece.name.clone()).or_default();
            *sum = Amount::from_thousandths(sum.thousandths().saturating_add(piece.changeable()));
        }
        amounts
    }
}

/// A task's resources with other amounts; `None` if nothing changes.
///
/// What grows takes from `room`, of the kinds the task has first. What shrinks gives up unreserved resources first.
///
/// # Errors
/// A [`WireError`] if a resource cannot be read.
pub(crate) fn of_task(
    resources: &[Vec<u8>],
    before: &Amounts,
    after: &Amounts,
    room: &Room,
) -> Result<Option<Vec<Vec<u8>>>, WireError> {
    changed(resources, before, after, room)
}

/// An agent's resources with smaller amounts; `None` if nothing changes. Unreserved ones shrink first.
///
/// # Errors
/// A [`WireError`] if a resource cannot be read.
pub(crate) fn of_agent(
    resources: &[Vec<u8>],
    before: &Amounts,
    after: &Amounts,
) -> Result<Option<Vec<Vec<u8>>>, WireError> {
    changed(resources, before, after, &Room::default())
}

fn changed(
    resources: &[Vec<u8>],
    before: &Amounts,
    after: &Amounts,
    room: &Room,
) -> Result<Option<Vec<Vec<u8>>>, WireError> {
    let mut pieces = resources.iter().map(|bytes| Piece::read(bytes)).collect::<Result<Vec<_>, _>>()?;
    let mut room = room.pieces.clone();
    for (name, after) in after {
        let before = before.get(name).copied().unwrap_or_default();
        let difference = after.thousandths().saturating_sub(before.thousandths());
        match difference.cmp(&0) {
            // There may be thousands of names, of which rules change a few.
            Ordering::Equal => {}
            Ordering::Greater => grow(&mut pieces, name, difference, &mut room),
            Ordering::Less => shrink(&mut pieces, name, difference.saturating_neg()),
        }
    }
    if pieces.len() == resources.len() && pieces.iter().all(|piece| piece.bytes.is_some()) {
        return Ok(None);
    }
    let there = |piece: &Piece| piece.bytes.is_some() || !piece.parts.value.is_empty();
    Ok(Some(pieces.into_iter().filter(there).map(Piece::into_bytes).collect()))
}

/// Takes amounts out of the room: into kinds that are there first, then as new resources.
fn grow(pieces: &mut Vec<Piece>, name: &str, mut by: i64, room: &mut [Piece]) {
    // The place of the first of each kind.
    let mut known = BTreeMap::new();
    for (at, piece) in pieces.iter().enumerate().filter(|(_, piece)| piece.name == name) {
        known.entry(piece.kind()).or_insert(at);
    }
    for only_known in [true, false] {
        for left in room.iter_mut().filter(|left| left.name == name) {
            let take = by.min(left.changeable());
            let place = known.get(&left.kind()).copied();
            if take <= 0 || (place.is_none() && only_known) {
                continue;
            }
            left.set(left.changeable() - take);
            by -= take;
            match place.and_then(|at| pieces.get_mut(at)) {
                Some(piece) => piece.set(piece.changeable().saturating_add(take)),
                None => {
                    let mut piece = left.clone();
                    piece.set(take);
                    known.insert(piece.kind(), pieces.len());
                    pieces.push(piece);
                }
            }
        }
    }
}

/// Gives up amounts: unreserved before reserved, the last before the first.
fn shrink(pieces: &mut [Piece], name: &str, mut by: i64) {
    for reserved in [false, true] {
        let fitting = |piece: &&mut Piece| piece.name == name && piece.traits.reserved == reserved;
        for piece in pieces.iter_mut().rev().filter(fitting) {
            let give = by.min(piece.changeable());
            if give > 0 {
                piece.set(piece.changeable() - give);
                by -= give;
            }
        }
    }
}
