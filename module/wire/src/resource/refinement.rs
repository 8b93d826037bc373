//! Resources in the format of before reservation refinement, made into the one of today and back.
//!
//! | | before | today |
//! |---|---|---|
//! | unreserved | `role` absent or `*` | no `reservations` |
//! | reserved by the agent's flags | `role` | one STATIC entry |
//! | reserved by an operation | `role` and `reservation` | one DYNAMIC entry |
//! | reserved again for a role below | impossible | more entries |

use super::facts::{Reservation, ReservationKind, read_reservation};
use super::number;
use crate::field::{Field, Pieces, last_bytes, put_bytes_field, put_varint_field};
use crate::{WireError, role};

/// `ReservationInfo.role`.
const ROLE: u32 = 3;
/// `ReservationInfo.type`.
const TYPE: u32 = 4;

/// The serialised resource with `reservations` instead of `role` and `reservation`.
///
/// A resource that has `reservations` already only loses the older fields; whether those said the same is the
/// business of [`validate`](super::validate).
///
/// # Errors
///
/// A [`WireError`] if the bytes are no fields, or if there is a `reservation` for no role.
pub fn upgrade(resource: &[u8]) -> Result<Vec<u8>, WireError> {
    let fields = Pieces::whole(resource).fields("Resource")?;
    let role = last_bytes(&fields, number::LEGACY_ROLE)?.unwrap_or(role::ANY);
    let reservation = Pieces::of(&fields, number::LEGACY_RESERVATION)?;
    let mut upgraded = without_legacy_fields(resource.len(), &fields);
    if fields.iter().any(|field| field.number == number::RESERVATIONS) {
        return Ok(upgraded);
    }
    let (kind, mut entry) = match reservation {
        None if role == role::ANY => return Ok(upgraded),
        None => (ReservationKind::Static, Vec::new()),
        Some(_) if role == role::ANY => {
            let reason = "it has a `reservation`, but no `role` it is reserved for";
            return Err(WireError::InvalidReservation { role: role.to_vec(), reason });
        }
        Some(reservation) => (ReservationKind::Dynamic, claim(&reservation)?),
    };
    put_bytes_field(&mut entry, ROLE, role);
    put_varint_field(&mut entry, TYPE, if kind == ReservationKind::Static { 1 } else { 2 });
    put_bytes_field(&mut upgraded, number::RESERVATIONS, &entry);
    Ok(upgraded)
}

/// The serialised resource with `role` and `reservation` instead of `reservations`.
///
/// The older format has no place for the principal and the labels of a static reservation: they are lost, as in
/// Mesos.
///
/// # Errors
///
/// [`WireError::Refined`] if there is more than one reservation, which the older format cannot say; another
/// [`WireError`] if the bytes are no fields or a reservation is none.
pub fn downgrade(resource: &[u8]) -> Result<Vec<u8>, WireError> {
    let fields = Pieces::whole(resource).fields("Resource")?;
    let entries = fields.iter().filter(|field| field.number == number::RESERVATIONS);
    let stack: Vec<Reservation<'_>> =
        entries.map(|field| read_reservation(field.bytes()?)).collect::<Result<_, _>>()?;
    let rest: Vec<Field<'_>> =
        fields.into_iter().filter(|field| field.number != number::RESERVATIONS).collect();
    let mut downgraded = without_legacy_fields(resource.len(), &rest);
    match stack.as_slice() {
        [] => put_bytes_field(&mut downgraded, number::LEGACY_ROLE, role::ANY),
        [only] => {
            put_bytes_field(&mut downgraded, number::LEGACY_ROLE, only.role);
            if only.kind == ReservationKind::Dynamic {
                let reservation = claim(&Pieces::whole(only.bytes))?;
                put_bytes_field(&mut downgraded, number::LEGACY_RESERVATION, &reservation);
            }
        }
        [.., last] => {
            return Err(WireError::Refined { reservations: stack.len(), role: last.role.to_vec() });
        }
    }
    Ok(downgraded)
}

fn without_legacy_fields(capacity: usize, fields: &[Field<'_>]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(capacity + 16);
    for field in fields {
        if field.number != number::LEGACY_ROLE && field.number != number::LEGACY_RESERVATION {
            kept.extend_from_slice(field.raw);
        }
    }
    kept
}

/// A serialised `Resource.ReservationInfo` without role and type: who reserved, and the labels.
fn claim(reservation: &Pieces<'_>) -> Result<Vec<u8>, WireError> {
    let fields = reservation.fields("Resource.ReservationInfo")?;
    let kept = fields.iter().filter(|field| field.number != ROLE && field.number != TYPE);
    Ok(kept.flat_map(|field| field.raw).copied().collect())
}
