//! Operations on identities: reservations pushed and popped, a volume reduced to the disk it was made from.

use super::facts::{Facts, read_reservation};
use super::{canonical, number};
use crate::WireError;
use crate::field::{Field, Pieces, put_bytes_field, put_varint_field};

/// `DiskInfo.persistence`.
const PERSISTENCE: u32 = 1;
/// `DiskInfo.volume`.
const VOLUME: u32 = 2;

/// The identity of an unreserved scalar that can be taken back.
///
/// ```
/// use apportion_wire::resource::{facts, revocable_scalar};
/// let identity = revocable_scalar(b"cpus");
/// let facts = facts(&identity)?;
/// assert!(facts.revocable && facts.reservations.is_empty());
/// assert_eq!(facts.name, b"cpus");
/// # Ok::<(), apportion_wire::WireError>(())
/// ```
#[must_use]
pub fn revocable_scalar(name: &[u8]) -> Vec<u8> {
    let mut identity = Vec::with_capacity(name.len() + 8);
    put_bytes_field(&mut identity, number::NAME, name);
    // Value.Type.SCALAR
    put_varint_field(&mut identity, number::TYPE, 0);
    put_bytes_field(&mut identity, number::REVOCABLE, b"");
    identity
}

/// The identity with its current (last) reservation taken off, or `None` if it has no reservation.
///
/// # Errors
///
/// A [`WireError`] if `identity` is not one.
pub fn pop_reservation(identity: &[u8]) -> Result<Option<Vec<u8>>, WireError> {
    let fields = read(identity)?;
    let Some(current) = fields.iter().rposition(|field| field.number == number::RESERVATIONS) else {
        return Ok(None);
    };
    let rest: Vec<Field<'_>> =
        fields.iter().enumerate().filter(|(at, _)| *at != current).map(|(_, field)| *field).collect();
    canonical::identity(&rest).map(Some)
}

/// The identity with one more reservation, which becomes the current one.
///
/// `reservation` is a serialised `Resource.ReservationInfo`. Whether its role may stand above the one below is not
/// checked here.
///
/// # Errors
///
/// A [`WireError`] if `identity` is not one or `reservation` is not a reservation with role and type.
pub fn push_reservation(identity: &[u8], reservation: &[u8]) -> Result<Vec<u8>, WireError> {
    read_reservation(reservation)?;
    read(identity)?;
    let mut grown = identity.to_vec();
    put_bytes_field(&mut grown, number::RESERVATIONS, reservation);
    // Unknown fields above the reservations go behind the new one again.
    canonical::identity(&Pieces::whole(&grown).fields("Resource")?)
}

/// The identity of the disk that a persistent volume was made from, or `None` if it is no persistent volume.
///
/// The mark of a shared resource goes. If the disk has a source, `persistence` and `volume` are taken out of
/// `disk` and all else stays; without a source the whole `disk` goes.
///
/// # Errors
///
/// A [`WireError`] if `identity` is not one.
pub fn strip_volume(identity: &[u8]) -> Result<Option<Vec<u8>>, WireError> {
    let fields = Pieces::whole(identity).fields("Resource")?;
    let Some(disk) = Facts::read(&fields)?.disk.filter(|disk| disk.persistence_id.is_some()) else {
        return Ok(None);
    };
    let mut stripped = Vec::with_capacity(identity.len());
    for field in fields.iter().filter(|field| field.number != number::SHARED) {
        if field.number != number::DISK {
            stripped.extend_from_slice(field.raw);
        } else if disk.source.is_some() {
            put_bytes_field(&mut stripped, number::DISK, &without_volume(field)?);
        }
    }
    canonical::identity(&Pieces::whole(&stripped).fields("Resource")?).map(Some)
}

/// One occurrence of `disk` without persistence and volume.
fn without_volume(disk: &Field<'_>) -> Result<Vec<u8>, WireError> {
    let fields = Pieces::whole(disk.bytes()?).fields("Resource.DiskInfo")?;
    let kept = fields.iter().filter(|field| field.number != PERSISTENCE && field.number != VOLUME);
    Ok(kept.flat_map(|field| field.raw).copied().collect())
}

/// What the host looks at when it asks whether two resources are of the same kind.
///
/// Two identities are the same to the host if and only if their keys are the same bytes. A key is not meant to be
/// sent anywhere: it lacks what the host does not compare (`disk.volume`, which says how a task uses the disk, and
/// the principal of a persistence), brings the fields of all known sub-messages into ascending order, and sorts
/// labels, whose order means nothing. Fields that this build does not know are kept: a build that knows them may
/// well compare them.
///
/// # Errors
///
/// A [`WireError`] if `identity` is not one.
pub fn comparison_key(identity: &[u8]) -> Result<Vec<u8>, WireError> {
    canonical::compared(&read(identity)?)
}

/// The fields of an identity, after making sure that it is one.
fn read(identity: &[u8]) -> Result<Vec<Field<'_>>, WireError> {
    let fields = Pieces::whole(identity).fields("Resource")?;
    Facts::read(&fields)?;
    Ok(fields)
}
