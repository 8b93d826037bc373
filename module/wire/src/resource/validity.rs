//! Whether a resource is one: the rules that Mesos checks before it lets a resource in.

use super::facts::{DiskSourceKind, Facts, Reservation, ReservationKind, read_reservation};
use super::{canonical, number, split, upgrade};
use crate::field::{Field, Pieces, last_bytes, last_varint};
use crate::{WireError, role};

/// Checks a serialised resource of either format against all rules for a single resource.
///
/// Besides what [`split`] asks for: a disk is named `disk`, and raw and block disks have no directory; only
/// persistent volumes are shared; roles are valid names other than `*`; in a stack of reservations each role lies
/// below the one before, and only the first reservation can be static; and where a resource says both in the older
/// and in the present format for whom it is reserved, both agree.
///
/// # Errors
///
/// The [`WireError`] of the first rule that is broken.
pub fn validate(resource: &[u8]) -> Result<(), WireError> {
    let fields = Pieces::whole(resource).fields("Resource")?;
    let stack: Vec<Reservation<'_>> = fields
        .iter()
        .filter(|field| field.number == number::RESERVATIONS)
        .map(|field| read_reservation(field.bytes()?))
        .collect::<Result<_, _>>()?;
    check_legacy_fields(&fields, &stack)?;
    let upgraded = upgrade(resource)?;
    let parts = split(&upgraded)?;
    check_stack(&parts.facts.reservations)?;
    check_disk(&parts.facts)
}

/// What the older fields say has to be sound in itself, or agree with a single reservation.
fn check_legacy_fields(fields: &[Field<'_>], stack: &[Reservation<'_>]) -> Result<(), WireError> {
    let role = last_bytes(fields, number::LEGACY_ROLE)?;
    let reservation = Pieces::of(fields, number::LEGACY_RESERVATION)?;
    let broken = match stack {
        [] => match &reservation {
            Some(reservation) if names_role_or_type(reservation)? => {
                Some("`reservation` holds a role or a type, which the older format has no place for")
            }
            _ => None,
        },
        [only] => disagreement(role, reservation.as_ref(), only)?,
        _ if role.is_some() || reservation.is_some() => {
            Some("`role` and `reservation` cannot stand beside more than one entry in `reservations`")
        }
        _ => None,
    };
    let role = role.or(stack.last().map(|last| last.role)).unwrap_or(role::ANY);
    broken.map_or(Ok(()), |reason| Err(WireError::InvalidReservation { role: role.to_vec(), reason }))
}

fn names_role_or_type(reservation: &Pieces<'_>) -> Result<bool, WireError> {
    let fields = reservation.fields("Resource.ReservationInfo")?;
    Ok(last_bytes(&fields, 3)?.is_some() || last_varint(&fields, 4)?.is_some())
}

/// In what the older fields and the only entry of the stack differ.
fn disagreement(
    role: Option<&[u8]>,
    reservation: Option<&Pieces<'_>>,
    only: &Reservation<'_>,
) -> Result<Option<&'static str>, WireError> {
    if role.is_some_and(|role| role != only.role) {
        return Ok(Some("`role` and `reservations` name different roles"));
    }
    Ok(match (only.kind, reservation) {
        (ReservationKind::Static, None) => None,
        (ReservationKind::Static, Some(_)) => Some("`reservation` stands beside a static reservation"),
        (ReservationKind::Dynamic, found) if role.is_some() != found.is_some() => {
            Some("of `role` and `reservation` beside a dynamic reservation there is only one")
        }
        (ReservationKind::Dynamic, None) => None,
        (ReservationKind::Dynamic, Some(found)) => {
            let same = canonical::claim(found)? == canonical::claim(&Pieces::whole(only.bytes))?;
            (!same).then_some("`reservation` and `reservations` differ in principal or labels")
        }
    })
}

fn check_stack(stack: &[Reservation<'_>]) -> Result<(), WireError> {
    let mut below: Option<&[u8]> = None;
    for Reservation { role, kind, .. } in stack {
        role::check(role)?;
        let broken = if *role == role::ANY {
            Some("nothing can be reserved for it; what is unreserved has no reservation")
        } else if below.is_some() && *kind == ReservationKind::Static {
            Some("only the first reservation of a resource can be static")
        } else if below.is_some_and(|below| !role::is_below(role, below)) {
            Some("it does not lie below the role of the reservation before")
        } else {
            None
        };
        if let Some(reason) = broken {
            return Err(WireError::InvalidReservation { role: role.to_vec(), reason });
        }
        below = Some(role);
    }
    Ok(())
}

fn check_disk(facts: &Facts<'_>) -> Result<(), WireError> {
    let volume = facts.disk.as_ref().and_then(|disk| disk.persistence_id);
    let source = facts.disk.as_ref().and_then(|disk| disk.source.as_ref());
    let broken = if facts.disk.is_some() && facts.name != b"disk" {
        Some("only a resource named `disk` can have the field `disk`")
    } else if source.is_some_and(|source| {
        matches!(source.kind, DiskSourceKind::Raw | DiskSourceKind::Block) && source.has_directory
    }) {
        Some("a raw disk or block device has neither `path` nor `mount`")
    } else if facts.shared && volume.is_none() {
        Some("only a persistent volume can be shared")
    } else {
        None
    };
    broken.map_or(Ok(()), |reason| Err(WireError::InvalidResource { name: facts.name.to_vec(), reason }))
}
