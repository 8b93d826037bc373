//! What an identity says, as far as offers and quota depend on it.

use std::ops::RangeInclusive;

use super::{number, read_value_type};
use crate::WireError;
use crate::field::{Field, Pieces, last_bytes, last_varint};
use crate::value::ValueType;

/// What the identity of a resource says. The slices point into the bytes it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts<'a> {
    /// Name of the resource: `cpus`, `mem`, or a custom name; never empty.
    pub name: &'a [u8],
    /// Type of its value.
    pub value_type: ValueType,
    /// Resource provider it comes from; `None` for the agent's own resources.
    pub provider_id: Option<&'a [u8]>,
    /// The stack of reservations, bottom first. Empty: unreserved. The last is the current one.
    pub reservations: Vec<Reservation<'a>>,
    /// What kind of disk it is; `None` for everything but disks, and for plain disk space.
    pub disk: Option<Disk<'a>>,
    /// Whether it may be taken back at any time (oversubscribed resources).
    pub revocable: bool,
    /// Whether several tasks may use it at once (persistent volumes only).
    pub shared: bool,
}

/// One entry of the reservation stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation<'a> {
    /// Role it is reserved for.
    pub role: &'a [u8],
    /// How it came to be reserved.
    pub kind: ReservationKind,
    /// Who reserved it.
    pub principal: Option<&'a [u8]>,
    /// Whether it carries labels, even an empty list of them. The labels themselves are in `bytes`.
    pub has_labels: bool,
    /// The serialised `Resource.ReservationInfo`, as [`push_reservation`](super::push_reservation) takes it.
    pub bytes: &'a [u8],
}

/// How a resource came to be reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ReservationKind {
    /// By the agent's `--resources`; it cannot be taken back.
    Static,
    /// By a RESERVE operation.
    Dynamic,
}

/// What kind of disk a resource is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disk<'a> {
    /// Id of the persistent volume; `None` if it is not one.
    pub persistence_id: Option<&'a [u8]>,
    /// Whether a volume (path in the container, mode) is named. It says how the disk is used, not what it is.
    pub has_volume: bool,
    /// Where the space comes from; `None` for the agent's work directory.
    pub source: Option<DiskSource<'a>>,
}

/// Where disk space comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskSource<'a> {
    /// Kind of the source; decides with `id` whether the disk can be divided.
    pub kind: DiskSourceKind,
    /// Whether it says in which directory it is: `path` or `mount` is present.
    pub has_directory: bool,
    /// The directory itself.
    pub root: Option<&'a [u8]>,
    /// Vendor of the storage.
    pub vendor: Option<&'a [u8]>,
    /// Id the storage gave this disk. A RAW source without one is a pool and divisible.
    pub id: Option<&'a [u8]>,
    /// Storage profile.
    pub profile: Option<&'a [u8]>,
}

/// Kind of a disk source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DiskSourceKind {
    /// A directory on a shared file system: divisible.
    Path,
    /// A file system of its own: all or nothing.
    Mount,
    /// A block device: all or nothing.
    Block,
    /// Unformatted storage: a pool without an id, all or nothing with one.
    Raw,
}

/// Reads the facts from an identity, or from a whole resource.
///
/// # Errors
///
/// As [`split`](super::split), except that a value and an allocation are neither asked for nor looked at.
pub fn facts(identity: &[u8]) -> Result<Facts<'_>, WireError> {
    Facts::read(&Pieces::whole(identity).fields("Resource")?)
}

impl<'a> Facts<'a> {
    /// Whether amounts can be cut and merged.
    ///
    /// Not so for mounted disks, block devices, raw disks with an id, and persistent volumes: those come and go
    /// whole. (Of shared volumes there can be several copies, each of them whole.)
    #[must_use]
    pub fn is_divisible(&self) -> bool {
        self.disk.as_ref().is_none_or(|disk| {
            disk.persistence_id.is_none()
                && disk.source.as_ref().is_none_or(|source| match source.kind {
                    DiskSourceKind::Path => true,
                    DiskSourceKind::Raw => source.id.is_none(),
                    DiskSourceKind::Mount | DiskSourceKind::Block => false,
                })
        })
    }

    pub(super) fn read(fields: &[Field<'a>]) -> Result<Self, WireError> {
        for (number, field) in [(number::LEGACY_ROLE, "role"), (number::LEGACY_RESERVATION, "reservation")] {
            if fields.iter().any(|found| found.number == number) {
                return Err(WireError::LegacyFormat { field });
            }
        }
        let name = last_bytes(fields, number::NAME)?.filter(|name| !name.is_empty());
        Ok(Facts {
            name: name.ok_or(WireError::MissingField { message: "Resource", field: "name" })?,
            value_type: read_value_type(fields)?,
            provider_id: read_provider_id(fields)?,
            reservations: fields
                .iter()
                .filter(|field| field.number == number::RESERVATIONS)
                .map(|field| read_reservation(field.bytes()?))
                .collect::<Result<_, _>>()?,
            disk: Pieces::of(fields, number::DISK)?.map(|disk| read_disk(&disk)).transpose()?,
            revocable: has_marker(fields, number::REVOCABLE, "Resource.RevocableInfo")?,
            shared: has_marker(fields, number::SHARED, "Resource.SharedInfo")?,
        })
    }
}

/// Whether an empty message is present; what it holds is unknown fields, but they have to be fields.
fn has_marker(fields: &[Field<'_>], number: u32, message: &'static str) -> Result<bool, WireError> {
    let marker = Pieces::of(fields, number)?;
    marker.map_or(Ok(false), |marker| marker.fields(message).map(|_| true))
}

fn read_provider_id<'a>(fields: &[Field<'a>]) -> Result<Option<&'a [u8]>, WireError> {
    const MESSAGE: &str = "ResourceProviderID";
    let Some(provider) = Pieces::of(fields, number::PROVIDER_ID)? else {
        return Ok(None);
    };
    required(&provider.fields(MESSAGE)?, 1, MESSAGE, "value").map(Some)
}

/// Reads a serialised `Resource.ReservationInfo`.
///
/// # Errors
///
/// A [`WireError`] if the bytes are none, or if role or type are missing or the type is `UNKNOWN`.
pub fn read_reservation(bytes: &[u8]) -> Result<Reservation<'_>, WireError> {
    const MESSAGE: &str = "Resource.ReservationInfo";
    let fields = Pieces::whole(bytes).fields(MESSAGE)?;
    let kind = match last_enum(&fields, 4, MESSAGE, "type", 1..=2)? {
        Some(1) => ReservationKind::Static,
        Some(_) => ReservationKind::Dynamic,
        None => return Err(WireError::MissingField { message: MESSAGE, field: "type" }),
    };
    let labels = Pieces::of(&fields, 2)?;
    if let Some(labels) = &labels {
        check_labels(labels)?;
    }
    Ok(Reservation {
        role: required(&fields, 3, MESSAGE, "role")?,
        kind,
        principal: last_bytes(&fields, 1)?,
        has_labels: labels.is_some(),
        bytes,
    })
}

/// Labels are compared by the host, so they have to be labels.
fn check_labels(labels: &Pieces<'_>) -> Result<(), WireError> {
    for field in labels.fields("Labels")?.iter().filter(|field| field.number == 1) {
        let label = Pieces::whole(field.bytes()?).fields("Label")?;
        required(&label, 1, "Label", "key")?;
        last_bytes(&label, 2)?;
    }
    Ok(())
}

fn read_disk<'a>(disk: &Pieces<'a>) -> Result<Disk<'a>, WireError> {
    const PERSISTENCE: &str = "Resource.DiskInfo.Persistence";
    let fields = disk.fields("Resource.DiskInfo")?;
    let persistence_id = match Pieces::of(&fields, 1)? {
        Some(persistence) => Some(required(&persistence.fields(PERSISTENCE)?, 1, PERSISTENCE, "id")?),
        None => None,
    };
    let volume = Pieces::of(&fields, 2)?;
    if let Some(volume) = &volume {
        volume.fields("Volume")?;
    }
    let source = Pieces::of(&fields, 3)?.map(|source| read_source(&source)).transpose()?;
    Ok(Disk { persistence_id, has_volume: volume.is_some(), source })
}

fn read_source<'a>(source: &Pieces<'a>) -> Result<DiskSource<'a>, WireError> {
    const MESSAGE: &str = "Resource.DiskInfo.Source";
    let fields = source.fields(MESSAGE)?;
    let kind = match last_enum(&fields, 1, MESSAGE, "type", 1..=4)? {
        Some(1) => DiskSourceKind::Path,
        Some(2) => DiskSourceKind::Mount,
        Some(3) => DiskSourceKind::Block,
        Some(_) => DiskSourceKind::Raw,
        None => return Err(WireError::MissingField { message: MESSAGE, field: "type" }),
    };
    let (mut has_directory, mut root) = (false, None);
    for (number, message) in [(2, "Resource.DiskInfo.Source.Path"), (3, "Resource.DiskInfo.Source.Mount")] {
        if let Some(directory) = Pieces::of(&fields, number)? {
            has_directory = true;
            root = last_bytes(&directory.fields(message)?, 1)?.or(root);
        }
    }
    if let Some(metadata) = Pieces::of(&fields, 5)? {
        check_labels(&metadata)?;
    }
    Ok(DiskSource {
        kind,
        has_directory,
        root,
        vendor: last_bytes(&fields, 7)?,
        id: last_bytes(&fields, 4)?,
        profile: last_bytes(&fields, 6)?,
    })
}

fn required<'a>(
    fields: &[Field<'a>],
    number: u32,
    message: &'static str,
    field: &'static str,
) -> Result<&'a [u8], WireError> {
    last_bytes(fields, number)?.ok_or(WireError::MissingField { message, field })
}

/// The number of an enumeration that has to lie in `known`, in every occurrence: the host ignores an occurrence
/// it does not know, so "last one counts" would read another value than the host.
pub(super) fn last_enum(
    fields: &[Field<'_>],
    number: u32,
    message: &'static str,
    field: &'static str,
    known: RangeInclusive<u64>,
) -> Result<Option<u64>, WireError> {
    for occurrence in fields.iter().filter(|occurrence| occurrence.number == number) {
        let found = occurrence.varint()?;
        if !known.contains(&found) {
            return Err(WireError::UnknownEnum { message, field, found });
        }
    }
    last_varint(fields, number)
}
