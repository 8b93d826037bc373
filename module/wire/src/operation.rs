//! What an offer operation does to resources.
//!
//! | operation | conversions |
//! |---|---|
//! | RESERVE | one: `source`, or else `resources` with the current reservation popped, become `resources` |
//! | UNRESERVE | one per resource: it becomes itself with the current reservation popped |
//! | CREATE | one per volume: the disk it is made from becomes the volume |
//! | DESTROY | one per volume: the reverse; fails if a copy of a shared volume is left |
//! | GROW_VOLUME | one: the volume and the addition become the larger volume |
//! | SHRINK_VOLUME | one: the volume becomes the smaller volume and the disk that is freed |
//!
//! LAUNCH and LAUNCH_GROUP convert nothing. What CREATE_DISK and DESTROY_DISK make is chosen by the storage's
//! resource provider: their conversion arrives when the operation has finished. Asked for one of these four,
//! [`conversions`] says so in its error.
//!
//! Operations of frameworks carry the role they are allocated to, operations of operators carry none;
//! [`check_allocation`] finds an operation that was meant for other resources than those it is to be applied to.

use crate::field::{Field, Pieces, last_varint};
use crate::resource::{ResourceParts, comparison_key, facts, pop_reservation, split, strip_volume};
use crate::value::read_scalar;
use crate::{Scalar, Value, WireError};

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
const GROW_VOLUME: (u64, u32, &str) = (11, 13, "GROW_VOLUME");
const SHRINK_VOLUME: (u64, u32, &str) = (12, 14, "SHRINK_VOLUME");

/// The conversions of a serialised `mesos.Offer.Operation`.
///
/// The resources keep the allocation they carry in the operation. In a RESERVE with `source`, `source` and
/// `resources` are taken as they are; both have to be the same but for their reservations, or the operation would
/// make resources out of nothing (Mesos ends the process over that).
///
/// # Errors
///
/// [`WireError::Unsupported`] for an operation without a conversion of its own; [`WireError::Unreserved`] and
/// [`WireError::NotAVolume`] if a resource has nothing to take off; [`WireError::NotConserved`] if `source` and
/// `resources` of a RESERVE are not the same; [`WireError::CannotResize`] if a volume cannot
/// be grown or shrunk that way; and what [`split`] says of each resource.
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
        11 => grow(&content(GROW_VOLUME, "Offer.Operation.GrowVolume", "grow_volume")?),
        12 => shrink(&content(SHRINK_VOLUME, "Offer.Operation.ShrinkVolume", "shrink_volume")?),
        number => Err(unsupported(number)),
    }
}

/// Makes sure that everything in the conversions is allocated to `role`, or to nobody if that is `None`.
///
/// Mesos makes the same distinction: a resource that is allocated is never contained in resources that are not.
/// It adds the allocation to `resources` of a RESERVE but not to its `source`, which only operators can give.
///
/// # Errors
///
/// [`WireError::AllocatedOtherwise`] with the role of the first resource that differs.
pub fn check_allocation(conversions: &[Conversion], role: Option<&[u8]>) -> Result<(), WireError> {
    let parts =
        conversions.iter().flat_map(|conversion| conversion.consumed.iter().chain(&conversion.converted));
    for part in parts {
        if part.allocation_role.as_deref() != role {
            return Err(WireError::AllocatedOtherwise {
                found: part.allocation_role.clone(),
                expected: role.map(<[u8]>::to_vec),
            });
        }
    }
    Ok(())
}

fn unsupported(number: u64) -> WireError {
    const USES: &str = "it uses resources and changes none";
    const PROVIDER: &str = "the resource provider chooses what comes out of it and reports the conversion when the operation has finished";
    let (operation, reason) = match number {
        1 => ("LAUNCH", USES),
        6 => ("LAUNCH_GROUP", USES),
        13 => ("CREATE_DISK", PROVIDER),
        14 => ("DESTROY_DISK", PROVIDER),
        _ => ("UNKNOWN", "Mesos 1.11 has no operation of this type"),
    };
    WireError::Unsupported { operation, number, reason }
}

fn reserve(fields: &[Field<'_>]) -> Result<Vec<Conversion>, WireError> {
    let converted = resources(fields, 1)?;
    let source = resources(fields, 2)?;
    let consumed = if source.is_empty() {
        converted.iter().map(|resource| popped(resource, RESERVE.2)).collect::<Result<_, _>>()?
    } else {
        if unreserved_amounts(&source)? != unreserved_amounts(&converted)? {
            return Err(WireError::NotConserved { operation: RESERVE.2 });
        }
        source
    };
    Ok(vec![Conversion { consumed, converted, check: PostCheck::Nothing }])
}

/// What resources are without their reservations, and how much of each there is, in the order of what they are.
fn unreserved_amounts(resources: &[ResourceParts]) -> Result<Vec<(Vec<u8>, Value)>, WireError> {
    let mut amounts: Vec<(Vec<u8>, Value)> = Vec::with_capacity(resources.len());
    for resource in resources.iter().filter(|resource| !resource.value.is_empty()) {
        let mut identity = resource.identity.clone();
        while let Some(popped) = pop_reservation(&identity)? {
            identity = popped;
        }
        let divisible = facts(&identity)?.is_divisible();
        let key = comparison_key(&identity)?;
        match amounts.iter_mut().find(|(other, _)| divisible && *other == key) {
            Some((_, sum)) => sum.add(&resource.value),
            None => amounts.push((key, resource.value.clone())),
        }
    }
    amounts.iter_mut().for_each(|(_, value)| value.normalise());
    amounts.sort_unstable();
    Ok(amounts)
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

fn grow(fields: &[Field<'_>]) -> Result<Vec<Conversion>, WireError> {
    const MESSAGE: &str = "Offer.Operation.GrowVolume";
    let operation = GROW_VOLUME.2;
    let volume = resource(fields, 1, MESSAGE, "volume")?;
    let addition = resource(fields, 2, MESSAGE, "addition")?;
    let size = resizable(&volume, operation)?;
    let disk = stripped(&volume, operation)?;
    let same_disk = comparison_key(&disk.identity)? == comparison_key(&addition.identity)?;
    let (true, Value::Scalar(added)) = (same_disk, &addition.value) else {
        let reason = "the addition is not the kind of disk that the volume is made of";
        return Err(WireError::CannotResize { operation, reason });
    };
    if addition.allocation_role != volume.allocation_role {
        return Err(WireError::AllocatedOtherwise {
            found: addition.allocation_role,
            expected: volume.allocation_role,
        });
    }
    let sum = size.thousandths().checked_add(added.thousandths());
    let reason = "the sum is beyond 64-bit thousandths";
    let grown = Scalar::from_thousandths(sum.ok_or(WireError::CannotResize { operation, reason })?)?;
    let converted = vec![volume.with_value(Value::Scalar(grown))];
    Ok(vec![Conversion { consumed: vec![volume, addition], converted, check: PostCheck::Nothing }])
}

fn shrink(fields: &[Field<'_>]) -> Result<Vec<Conversion>, WireError> {
    const MESSAGE: &str = "Offer.Operation.ShrinkVolume";
    let operation = SHRINK_VOLUME.2;
    let volume = resource(fields, 1, MESSAGE, "volume")?;
    let size = resizable(&volume, operation)?;
    let subtract = Pieces::of(fields, 2)?;
    let subtract = subtract.ok_or(WireError::MissingField { message: MESSAGE, field: "subtract" })?;
    let freed = read_scalar(&subtract)?;
    if freed.thousandths() >= size.thousandths() {
        let reason = "nothing of the volume would be left: destroy it instead";
        return Err(WireError::CannotResize { operation, reason });
    }
    let kept = Scalar::from_thousandths(size.thousandths() - freed.thousandths())?;
    let disk = stripped(&volume, operation)?.with_value(Value::Scalar(freed));
    let converted = vec![volume.with_value(Value::Scalar(kept)), disk];
    Ok(vec![Conversion { consumed: vec![volume], converted, check: PostCheck::Nothing }])
}

/// The size of a volume, if it can be given another one.
///
/// The master refuses shared volumes as well: whoever uses another copy would keep the old size.
fn resizable(volume: &ResourceParts, operation: &'static str) -> Result<Scalar, WireError> {
    let facts = facts(&volume.identity)?;
    if facts.disk.is_none_or(|disk| disk.persistence_id.is_none()) {
        return Err(WireError::NotAVolume { operation });
    }
    let reason = match &volume.value {
        _ if facts.provider_id.is_some() => "the volume is of a resource provider, which gives it its size",
        _ if facts.shared => "the volume is shared, and other copies of it would keep the old size",
        Value::Scalar(size) => return Ok(*size),
        _ => "the volume is no scalar",
    };
    Err(WireError::CannotResize { operation, reason })
}

fn resource(
    fields: &[Field<'_>],
    number: u32,
    message: &'static str,
    field: &'static str,
) -> Result<ResourceParts, WireError> {
    let pieces = Pieces::of(fields, number)?.ok_or(WireError::MissingField { message, field })?;
    Ok(split(&pieces.concat())?.into_parts())
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
