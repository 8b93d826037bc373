//! A serialised `mesos.Resource` taken apart and put together on the wire.
//!
//! ```text
//! resource = identity + value (scalar, ranges or set) + allocation_info
//! ```
//!
//! The *identity* is everything else: name, type, provider, reservations, disk, revocable, shared, and whatever
//! fields another build of Mesos adds, byte for byte. Two resources that differ only in value or allocation, or in
//! the order of their fields, have the same identity bytes. [`join`] appends a value and an allocation to an
//! identity; protobuf merges what is concatenated, so nothing is ever decoded and encoded again.
//!
//! What does not survive a [`split`]: unknown fields *inside* the value and inside `allocation_info`, because both
//! are written anew.
//!
//! Only resources in the format with refined reservations are taken; that is all the host shows an allocator.
//! [`upgrade`] makes one of the older format into such a one, [`downgrade`] goes back.
//!
//! Rules that span several fields (a disk is named `disk`, only volumes are shared, roles of a reservation stack
//! descend) are not checked by [`split`]: the host drops resources that break them before a module sees them. For
//! resources that come from people there is [`validate`].

mod canonical;
mod facts;
mod identity;
mod refinement;
mod validity;

pub use facts::{
    Disk, DiskSource, DiskSourceKind, Facts, Reservation, ReservationKind, facts, read_reservation,
};
pub use identity::{comparison_key, pop_reservation, push_reservation, revocable_scalar, strip_volume};
pub use refinement::{downgrade, upgrade};
pub use validity::validate;

use crate::field::{Field, Fields, Pieces, last_bytes, put_bytes_field, put_varint_field};
use crate::value::{Scalar, Value, ValueType};
use crate::{WireError, value};

/// Field numbers of `mesos.Resource`, besides those of the value.
pub(crate) mod number {
    pub(crate) const NAME: u32 = 1;
    pub(crate) const TYPE: u32 = 2;
    pub(crate) const LEGACY_ROLE: u32 = 6;
    pub(crate) const DISK: u32 = 7;
    pub(crate) const LEGACY_RESERVATION: u32 = 8;
    pub(crate) const REVOCABLE: u32 = 9;
    pub(crate) const SHARED: u32 = 10;
    pub(crate) const ALLOCATION_INFO: u32 = 11;
    pub(crate) const PROVIDER_ID: u32 = 12;
    pub(crate) const RESERVATIONS: u32 = 13;
}

/// The fields that are not part of the identity.
const OUTSIDE_IDENTITY: [u32; 4] = [value::SCALAR, value::RANGES, value::SET, number::ALLOCATION_INFO];

/// A resource in its three parts, with the facts read from its identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SplitResource<'a> {
    /// Everything but value and allocation, fields in ascending order of their numbers.
    pub identity: Vec<u8>,
    /// How much of it.
    pub value: Value,
    /// Role it is offered or allocated to.
    pub allocation_role: Option<&'a [u8]>,
    /// What the identity says.
    pub facts: Facts<'a>,
}

impl SplitResource<'_> {
    /// The three parts without the facts, free of the bytes they were read from.
    #[must_use]
    pub fn into_parts(self) -> ResourceParts {
        ResourceParts {
            identity: self.identity,
            value: self.value,
            allocation_role: self.allocation_role.map(<[u8]>::to_vec),
        }
    }
}

/// A resource in its three parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceParts {
    /// Everything but value and allocation; see [`SplitResource::identity`].
    pub identity: Vec<u8>,
    /// How much of it.
    pub value: Value,
    /// Role it is offered or allocated to.
    pub allocation_role: Option<Vec<u8>>,
}

impl ResourceParts {
    /// The serialised `mesos.Resource`.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        join(&self.identity, &self.value, self.allocation_role.as_deref())
    }

    /// The same value and allocation of another identity.
    #[must_use]
    pub(crate) fn with_identity(&self, identity: Vec<u8>) -> Self {
        ResourceParts { identity, ..self.clone() }
    }

    /// Another value of the same identity and allocation.
    #[must_use]
    pub(crate) fn with_value(&self, value: Value) -> Self {
        ResourceParts { value, ..self.clone() }
    }
}

/// A serialised `mesos.Resource`: so much of a scalar resource, unreserved and not allocated.
///
/// ```
/// use apportion_wire::resource::{plain_scalar, split};
/// use apportion_wire::{Scalar, Value};
///
/// let memory = plain_scalar(b"mem", Scalar::from_f64(64.0)?);
/// assert_eq!(split(&memory)?.value, Value::Scalar(Scalar::from_f64(64.0)?));
/// # Ok::<(), apportion_wire::WireError>(())
/// ```
#[must_use]
pub fn plain_scalar(name: &[u8], amount: Scalar) -> Vec<u8> {
    let mut identity = Vec::new();
    put_bytes_field(&mut identity, number::NAME, name);
    // The type "scalar" is 0.
    put_varint_field(&mut identity, number::TYPE, 0);
    join(&identity, &Value::Scalar(amount), None)
}

/// Takes a serialised `mesos.Resource` apart.
///
/// A sub-message that stands on the wire several times is merged as protobuf does it, a text or number that does
/// counts as last written.
///
/// ```
/// use apportion_wire::resource::{join, split};
///
/// // name: "cpus", type: SCALAR, scalar: { value: 2.0 }
/// let bytes = b"\x0a\x04cpus\x10\x00\x1a\x09\x09\0\0\0\0\0\0\0\x40";
/// let cpus = split(bytes)?;
/// assert_eq!(cpus.facts.name, b"cpus");
/// assert_eq!(join(&cpus.identity, &cpus.value, None), bytes);
/// # Ok::<(), apportion_wire::WireError>(())
/// ```
///
/// # Errors
///
/// A [`WireError`] if the bytes are no resource with one valid value, if it is in the format of before reservation
/// refinement, or if an enumeration holds a value that Mesos 1.11 does not know or calls unknown.
pub fn split(bytes: &[u8]) -> Result<SplitResource<'_>, WireError> {
    let fields = Pieces::whole(bytes).fields("Resource")?;
    let facts = Facts::read(&fields)?;
    let value = Value::read(&fields, facts.value_type)?;
    let allocation_role = read_allocation_role(&fields)?;
    let identity = canonical::identity(&fields)?;
    Ok(SplitResource { identity, value, allocation_role, facts })
}

/// Takes apart a resource that is written as the host writes it: fields in ascending order, singular ones once. Gives value
/// and allocation, and appends the identity to `identity`, all in a fraction of the time of [`split`].
///
/// Nothing of the identity is looked at: it means something only if [`split`] gave the same bytes before, and the value
/// belongs to it only if its type is the one that the facts told then. `None` for everything unusual or wrong, which is
/// left to [`split`].
///
/// ```
/// use apportion_wire::resource::{split, split_unseen};
///
/// let bytes = b"\x0a\x04cpus\x10\x00\x1a\x09\x09\0\0\0\0\0\0\0\x40";
/// let (cpus, mut identity) = (split(bytes)?, Vec::new());
/// let (value, role) = split_unseen(bytes, &mut identity).unwrap();
/// assert_eq!((value.read(), role), (Some(cpus.value), None));
/// assert_eq!(identity, cpus.identity);
/// # Ok::<(), apportion_wire::WireError>(())
/// ```
#[must_use]
pub fn split_unseen<'a>(
    bytes: &'a [u8],
    identity: &mut Vec<u8>,
) -> Option<(UnreadValue<'a>, Option<&'a [u8]>)> {
    let mut last = 0;
    let mut value = None;
    let mut allocation = None;
    for field in Fields::new("Resource", bytes) {
        let field = field.ok()?;
        if field.number < last || field.number == last && field.number != number::RESERVATIONS {
            return None;
        }
        last = field.number;
        match field.number {
            value::SCALAR | value::RANGES | value::SET if value.is_some() => return None,
            value::SCALAR => value = Some((ValueType::Scalar, field.bytes().ok()?)),
            value::RANGES => value = Some((ValueType::Ranges, field.bytes().ok()?)),
            value::SET => value = Some((ValueType::Set, field.bytes().ok()?)),
            number::ALLOCATION_INFO => allocation = Some(field.bytes().ok()?),
            _ => identity.extend_from_slice(field.raw),
        }
    }
    let (value_type, bytes) = value?;
    let role = allocation.map(|allocation| sole_text(allocation, 1).ok_or(())).transpose().ok()?;
    Some((UnreadValue { value_type, bytes }, role))
}

/// The value of a resource that [`split_unseen`] took apart, as it was written: equal bytes of one type are one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnreadValue<'a> {
    value_type: ValueType,
    bytes: &'a [u8],
}

impl<'a> UnreadValue<'a> {
    /// Scalar, ranges or set.
    #[must_use]
    pub fn value_type(&self) -> ValueType {
        self.value_type
    }

    /// The message in it.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The value; `None` for everything unusual or wrong, which is left to [`split`].
    #[must_use]
    pub fn read(&self) -> Option<Value> {
        Value::read_one(self.bytes, self.value_type)
    }
}

/// The one field of a message that has no other: a text with this number.
fn sole_text(message: &[u8], number: u32) -> Option<&[u8]> {
    let mut fields = Fields::new("", message);
    let field = fields.next()?.ok().filter(|field| field.number == number)?;
    fields.next().is_none().then(|| field.bytes().ok())?
}

/// Name, amount and allocation of a resource: all that many a reader wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline<'a> {
    /// Name; never empty.
    pub name: &'a [u8],
    /// How much of it.
    pub value: Value,
    /// Role it is offered or allocated to.
    pub allocation_role: Option<&'a [u8]>,
}

/// Reads what [`Outline`] has, and looks at nothing else: a fraction of the work of [`split`].
///
/// # Errors
///
/// A [`WireError`] if the bytes are no message, or have no name, type or value that is valid.
pub fn outline(bytes: &[u8]) -> Result<Outline<'_>, WireError> {
    let fields = Pieces::whole(bytes).fields("Resource")?;
    let name = last_bytes(&fields, number::NAME)?.filter(|name| !name.is_empty());
    Ok(Outline {
        name: name.ok_or(WireError::MissingField { message: "Resource", field: "name" })?,
        value: Value::read(&fields, read_value_type(&fields)?)?,
        allocation_role: read_allocation_role(&fields)?,
    })
}

/// The serialised `mesos.Resource` of this identity, value and allocation.
///
/// `identity` comes from [`split`] or from one of the functions on identities; its type has to be that of the
/// value ([`Value::value_type`]), or the host will find the result invalid.
#[must_use]
pub fn join(identity: &[u8], value: &Value, allocation_role: Option<&[u8]>) -> Vec<u8> {
    let mut resource = Vec::with_capacity(identity.len() + 32);
    resource.extend_from_slice(identity);
    value.put(&mut resource);
    if let Some(role) = allocation_role {
        let mut allocation = Vec::with_capacity(role.len() + 2);
        put_bytes_field(&mut allocation, 1, role);
        put_bytes_field(&mut resource, number::ALLOCATION_INFO, &allocation);
    }
    resource
}

/// The role in `allocation_info`. The host ends the process over an allocation without a role.
fn read_allocation_role<'a>(fields: &[Field<'a>]) -> Result<Option<&'a [u8]>, WireError> {
    const MESSAGE: &str = "Resource.AllocationInfo";
    let Some(allocation) = Pieces::of(fields, number::ALLOCATION_INFO)? else {
        return Ok(None);
    };
    let role = last_bytes(&allocation.fields(MESSAGE)?, 1)?;
    role.map(Some).ok_or(WireError::MissingField { message: MESSAGE, field: "role" })
}

/// The value type of a resource.
fn read_value_type(fields: &[Field<'_>]) -> Result<ValueType, WireError> {
    match facts::last_enum(fields, number::TYPE, "Resource", "type", 0..=2)? {
        Some(0) => Ok(ValueType::Scalar),
        Some(1) => Ok(ValueType::Ranges),
        Some(_) => Ok(ValueType::Set),
        None => Err(WireError::MissingField { message: "Resource", field: "type" }),
    }
}
