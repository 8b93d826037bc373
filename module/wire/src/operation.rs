//! What an offer operation does to resources.
//!
//! | operation | conversions |
//! |---|---|
//! | RESERVE | one: `source`, or else `resources` with the current reservation popped, become `resources` |
//! | UNRESERVE | one per resource: it becomes itself with the current reservation popped |
//! | CREATE | one per volume: the disk it is made from becomes the volume |
//! | DESTROY | one per volume: the reverse; fails if a copy of a shared volume is left |
//!
//! The other operations have no conversion that follows from the operation alone, or are left to the host.

use crate::WireError;
use crate::field::{Field, Pieces, last_varint};
use crate::resource::{ResourceParts, pop_reservation, split, strip_volume};

/// One step of applying an operation to a collection of resources: `consumed` must be contained in it and is
/// taken out, `converted` is put in, then `check` has to hold. Steps apply in order; the first that fails ends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversion {
    /// What is taken out.
    pub consumed: Vec<ResourceParts>,
    /// What is put in.
    pub converted: Vec<ResourceParts>,
    /// What has to hold afterwards.
    pub check: PostCheck,
}

/// What has to hold after a conversion was applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PostCheck {
    /// Nothing.
    Nothing,
    /// The result must not contain what was consumed any more: another copy of a shared volume is in use.
    ConsumedIsGone,
}

/// Numbers of `Offer.Operation.Type`, the field that holds the operation's content, and its name.
const RESERVE: (u64, u32, &str) = (2, 3, "RESERVE");
const UNRESERVE: (u64, u32, &str) = (3, 4, "UNRESERVE");
const CREATE: (u64, u32, &str) = (4, 5, "CREATE");
const DESTROY: (u64, u32, &str) = (5, 6, "DESTROY");

/// The conversions of a serialised `mesos.Offer.Operation`.
///
/// The resources keep the allocation they carry in the operation. In a RESERVE with `source`, `source` and
/// `resources` are taken as they are.
///
/// # Errors
///
/// [`WireError::Unsupported`] for every operation but RESERVE, UNRESERVE, CREATE and DESTROY;
/// [`WireError::Unreserved`] and [`WireError::NotAVolume`] if a resource has nothing to take off; and what
/// [`split`] says of each resource.
pub fn conversions(operation: &[u8]) -> Result<Vec<Conversion>, WireError> {
    const MESSAGE: &str = "Offer.Operation";
    let fields = Pieces::whole(operation).fields(MESSAGE)?;
    let number =
        last_varint(&fields, 1)?.ok_or(WireError::MissingField { message: MESSAGE, field: "type" })?;
    let content = |(_, content, _): (u64, u32, &str), message, field| {
        let pieces = Pieces::of(&fields, content)?;
        pieces.ok_or(WireError::MissingField { message: MESSAGE, field })?.fields(message)
    };
    match number {
        2 => reserve(&content(RESERVE, "Offer.Operation.Reserve", "reserve")?),
        3 => unreserve(&content(UNRESERVE, "Offer.Operation.Unreserve", "unreserve")?),
        4 => create(&content(CREATE, "Offer.Operation.Create", "create")?),
        5 => destroy(&content(DESTROY, "Offer.Operation.Destroy", "destroy")?),
        number => Err(WireError::Unsupported { operation: name_of_unsupported(number), number }),
    }
}

fn name_of_unsupported(number: u64) -> &'static str {
    match number {
        1 => "LAUNCH",
        6 => "LAUNCH_GROUP",
        11 => "GROW_VOLUME",
        12 => "SHRINK_VOLUME",
        13 => "CREATE_DISK",
        14 => "DESTROY_DISK",
        _ => "UNKNOWN",
    }
}

fn reserve(fields: &[Field<'_>]) -> Result<Vec<Conversion>, WireError> {
    let converted = resources(fields, 1)?;
    let source = resources(fields, 2)?;
    let consumed = if source.is_empty() {
        converted.iter().map(|resource| popped(resource, RESERVE.2)).collect::<Result<_, _>>()?
    } else {
        source
    };
    Ok(vec![Conversion { consumed, converted, check: PostCheck::Nothing }])
}

fn unreserve(fields: &[Field<'_>]) -> Result<Vec<Conversion>, WireError> {
    let each = resources(fields, 1)?.into_iter().map(|resource| {
        let freed = popped(&resource, UNRESERVE.2)?;
        Ok(Conversion { consumed: vec![resource], converted: vec![freed], check: PostCheck::Nothing })
    });
    each.collect()
}

fn create(fields: &[Field<'_>]) -> Result<Vec<Conversion>, WireError> {
    let each = resources(fields, 1)?.into_iter().map(|volume| {
        let disk = stripped(&volume, CREATE.2)?;
        Ok(Conversion { consumed: vec![disk], converted: vec![volume], check: PostCheck::Nothing })
    });
    each.collect()
}

fn destroy(fields: &[Field<'_>]) -> Result<Vec<Conversion>, WireError> {
    let each = resources(fields, 1)?.into_iter().map(|volume| {
        let disk = stripped(&volume, DESTROY.2)?;
        Ok(Conversion { consumed: vec![volume], converted: vec![disk], check: PostCheck::ConsumedIsGone })
    });
    each.collect()
}

fn resources(fields: &[Field<'_>], number: u32) -> Result<Vec<ResourceParts>, WireError> {
    let repeated = fields.iter().filter(|field| field.number == number);
    repeated.map(|field| Ok(split(field.bytes()?)?.into_parts())).collect()
}

fn popped(resource: &ResourceParts, operation: &'static str) -> Result<ResourceParts, WireError> {
    let identity = pop_reservation(&resource.identity)?.ok_or(WireError::Unreserved { operation })?;
    Ok(resource.with_identity(identity))
}

fn stripped(volume: &ResourceParts, operation: &'static str) -> Result<ResourceParts, WireError> {
    let identity = strip_volume(&volume.identity)?.ok_or(WireError::NotAVolume { operation })?;
    Ok(volume.with_identity(identity))
}
