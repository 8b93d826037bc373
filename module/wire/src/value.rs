//! The value of a resource: a scalar, ranges or a set.
//!
//! Scalars count in thousandths, as in Mesos: a `double` times 1000, rounded to the nearest integer, halves away
//! from zero. A scalar keeps the `double` it was read from, because the host too keeps it until the first
//! arithmetic operation.

use std::cmp::Ordering;
use std::fmt;

use crate::WireError;
use crate::error::shown;
use crate::field::{
    Field, Fields, Pieces, last_double, last_varint, put_bytes_field, put_double_field, put_varint_field,
};

/// `Resource.scalar`.
pub(crate) const SCALAR: u32 = 3;
/// `Resource.ranges`.
pub(crate) const RANGES: u32 = 4;
/// `Resource.set`.
pub(crate) const SET: u32 = 5;

/// Kind of a resource's value (`Value.Type`). `TEXT` is never valid for a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ValueType {
    /// One amount: cpus, mem, disk.
    Scalar,
    /// Ranges of integers: ports.
    Ranges,
    /// A set of names.
    Set,
}

impl ValueType {
    /// The number of `Value.Type`.
    pub(crate) fn number(self) -> u64 {
        match self {
            ValueType::Scalar => 0,
            ValueType::Ranges => 1,
            ValueType::Set => 2,
        }
    }

    /// What values of this type are, in a sentence.
    pub(crate) fn in_words(self) -> &'static str {
        match self {
            ValueType::Scalar => "a number",
            ValueType::Ranges => "ranges",
            ValueType::Set => "a set",
        }
    }

    /// Name of the field of `Resource` that holds a value of this type.
    fn field_name(self) -> &'static str {
        match self {
            ValueType::Scalar => "scalar",
            ValueType::Ranges => "ranges",
            ValueType::Set => "set",
        }
    }
}

/// A finite amount, zero or positive.
///
/// Two scalars are equal if their thousandths are, as in Mesos.
///
/// ```
/// use apportion_wire::Scalar;
///
/// let cpus = Scalar::from_f64(1.5011)?;
/// assert_eq!(cpus.thousandths(), 1501);
/// assert_eq!(cpus.as_f64(), 1.5011);
/// assert_eq!(cpus, Scalar::from_thousandths(1501)?);
/// # Ok::<(), apportion_wire::WireError>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Scalar {
    value: f64,
    thousandths: i64,
}

impl Scalar {
    /// Nothing.
    pub const ZERO: Self = Scalar { value: 0.0, thousandths: 0 };

    /// The amount `value`.
    ///
    /// # Errors
    ///
    /// [`WireError::InvalidScalar`] if `value` is not finite, below zero, above zero but rounds to no thousandth,
    /// or at or above 2^63 thousandths.
    pub fn from_f64(value: f64) -> Result<Self, WireError> {
        // 2^63: the first double that has no 64-bit thousandths. Mesos lets it wrap to a negative amount.
        const BOUND: f64 = 9_223_372_036_854_775_808.0;
        let rounded = (value * 1000.0).round();
        // Written so that NaN fails it.
        let is_amount = rounded < BOUND && (value == 0.0 || rounded >= 1.0);
        if !is_amount {
            return Err(WireError::InvalidScalar { found: value });
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "whole, at least 0 and below 2^63: checked above"
        )]
        let thousandths = rounded as i64;
        Ok(Scalar { value, thousandths })
    }

    /// The amount of so many thousandths.
    ///
    /// # Errors
    ///
    /// [`WireError::InvalidScalar`] if `thousandths` is below zero.
    pub fn from_thousandths(thousandths: i64) -> Result<Self, WireError> {
        let scalar = Self::of_thousandths(thousandths);
        if thousandths < 0 {
            return Err(WireError::InvalidScalar { found: scalar.value });
        }
        Ok(scalar)
    }

    /// The sum, as it stands in thousandths; it ends at 2^63 thousandths.
    #[must_use]
    pub(crate) fn plus(self, other: Self) -> Self {
        Self::of_thousandths(self.thousandths.saturating_add(other.thousandths))
    }

    /// The difference, but never below 0.
    #[must_use]
    pub(crate) fn minus_floored(self, other: Self) -> Self {
        Self::of_thousandths((self.thousandths - other.thousandths).max(0))
    }

    /// `thousandths` is not below 0.
    fn of_thousandths(thousandths: i64) -> Self {
        // Whole part and remainder apart, as Mesos does: exact at three decimals.
        let value = (thousandths / 1000) as f64 + (thousandths % 1000) as f64 / 1000.0;
        Scalar { value, thousandths }
    }

    /// The amount as it stands, or will stand, on the wire.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        self.value
    }

    /// The amount in thousandths; all comparisons and sums use this.
    #[must_use]
    pub fn thousandths(self) -> i64 {
        self.thousandths
    }
}

impl fmt::Display for Scalar {
    /// The thousandths as a decimal number, without trailing zeros: `1.5`, `0.001`, `1024`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.thousandths / 1000, self.thousandths % 1000);
        if rest == 0 {
            return write!(f, "{whole}");
        }
        let decimals = format!("{rest:03}");
        write!(f, "{whole}.{}", decimals.trim_end_matches('0'))
    }
}

impl PartialEq for Scalar {
    fn eq(&self, other: &Self) -> bool {
        self.thousandths == other.thousandths
    }
}

impl Eq for Scalar {}

impl PartialOrd for Scalar {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Scalar {
    fn cmp(&self, other: &Self) -> Ordering {
        self.thousandths.cmp(&other.thousandths)
    }
}

/// The integers from `begin` to `end`, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Range {
    /// First member.
    pub begin: u64,
    /// Last member; not below `begin`.
    pub end: u64,
}

/// The value of a resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// One amount.
    Scalar(Scalar),
    /// Ranges without overlap, in wire order; neighbours may be adjacent.
    Ranges(Vec<Range>),
    /// Items without duplicates, in wire order. Bytes: the host does not check for UTF-8.
    Set(Vec<Vec<u8>>),
}

impl Value {
    /// The type that a resource with this value has.
    #[must_use]
    pub fn value_type(&self) -> ValueType {
        match self {
            Value::Scalar(_) => ValueType::Scalar,
            Value::Ranges(_) => ValueType::Ranges,
            Value::Set(_) => ValueType::Set,
        }
    }

    /// Whether a resource with this value counts for nothing: a scalar of 0, no range, no item. The host drops
    /// such resources wherever it adds.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Value::Scalar(scalar) => scalar.thousandths() == 0,
            Value::Ranges(ranges) => ranges.is_empty(),
            Value::Set(items) => items.is_empty(),
        }
    }

    /// Adds a value of the same type: scalars to their sum, ranges and sets to their union. The result is not
    /// normalised.
    pub(crate) fn add(&mut self, other: &Self) {
        match (self, other) {
            (Value::Scalar(sum), Value::Scalar(scalar)) => *sum = sum.plus(*scalar),
            (Value::Ranges(sum), Value::Ranges(ranges)) => sum.extend_from_slice(ranges),
            (Value::Set(sum), Value::Set(items)) => sum.extend_from_slice(items),
            _ => {}
        }
    }

    /// Brings the value into the one form that equal values share: ranges ascending and merged where they touch
    /// or overlap, items ascending and each once, a scalar as the `double` of its thousandths.
    pub fn normalise(&mut self) {
        match self {
            Value::Scalar(scalar) => {
                // The thousandths of a scalar are never negative.
                *scalar = Scalar::from_thousandths(scalar.thousandths).unwrap_or(*scalar);
            }
            Value::Ranges(ranges) => coalesce(ranges),
            Value::Set(items) => {
                items.sort_unstable();
                items.dedup();
            }
        }
    }

    /// Appends the value as the field of `mesos.Resource` that belongs to its type.
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        let mut body = Vec::new();
        match self {
            Value::Scalar(scalar) => {
                put_double_field(&mut body, 1, scalar.as_f64());
                put_bytes_field(out, SCALAR, &body);
            }
            Value::Ranges(ranges) => {
                let mut entry = Vec::new();
                for range in ranges {
                    entry.clear();
                    put_varint_field(&mut entry, 1, range.begin);
                    put_varint_field(&mut entry, 2, range.end);
                    put_bytes_field(&mut body, 1, &entry);
                }
                put_bytes_field(out, RANGES, &body);
            }
            Value::Set(items) => {
                for item in items {
                    put_bytes_field(&mut body, 1, item);
                }
                put_bytes_field(out, SET, &body);
            }
        }
    }

    /// Reads a value that stands in one piece. `None` if it is not valid, or not written as the host writes it.
    pub(crate) fn read_one(bytes: &[u8], value_type: ValueType) -> Option<Self> {
        match value_type {
            ValueType::Scalar => {
                // Tag 1, eight bytes.
                let (&[0x09], number) = bytes.split_first_chunk()? else { return None };
                Scalar::from_f64(f64::from_le_bytes(number.try_into().ok()?)).ok().map(Value::Scalar)
            }
            ValueType::Ranges => read_ascending_ranges(bytes).map(Value::Ranges),
            ValueType::Set => read_set(&Pieces::whole(bytes)).ok().map(Value::Set),
        }
    }

    /// Reads the value of a resource of type `value_type` from the resource's fields.
    pub(crate) fn read(fields: &[Field<'_>], value_type: ValueType) -> Result<Self, WireError> {
        let expected = value_type.field_name();
        for (number, found) in [(SCALAR, "scalar"), (RANGES, "ranges"), (SET, "set")] {
            if found != expected && fields.iter().any(|field| field.number == number) {
                return Err(WireError::ValueMismatch { expected, found });
            }
        }
        let number = match value_type {
            ValueType::Scalar => SCALAR,
            ValueType::Ranges => RANGES,
            ValueType::Set => SET,
        };
        let missing = WireError::MissingField { message: "Resource", field: expected };
        let pieces = Pieces::of(fields, number)?.ok_or(missing)?;
        match value_type {
            ValueType::Scalar => read_scalar(&pieces).map(Value::Scalar),
            ValueType::Ranges => read_ranges(&pieces).map(Value::Ranges),
            ValueType::Set => read_set(&pieces).map(Value::Set),
        }
    }
}

pub(crate) fn read_scalar(pieces: &Pieces<'_>) -> Result<Scalar, WireError> {
    const MESSAGE: &str = "Value.Scalar";
    let value = last_double(&pieces.fields(MESSAGE)?, 1)?;
    Scalar::from_f64(value.ok_or(WireError::MissingField { message: MESSAGE, field: "value" })?)
}

impl fmt::Display for Value {
    /// As Mesos writes it: `1.5`, `[31000-31009, 32000-32000]`, `{sda1, sda2}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let listed = |items: Vec<String>| items.join(", ");
        match self {
            Value::Scalar(scalar) => scalar.fmt(f),
            Value::Ranges(ranges) => {
                let ranges = ranges.iter().map(|range| format!("{}-{}", range.begin, range.end));
                write!(f, "[{}]", listed(ranges.collect()))
            }
            Value::Set(items) => {
                write!(f, "{{{}}}", listed(items.iter().map(|item| shown(item)).collect()))
            }
        }
    }
}

fn read_ranges(pieces: &Pieces<'_>) -> Result<Vec<Range>, WireError> {
    let mut ranges = Vec::new();
    for field in pieces.fields("Value.Ranges")?.iter().filter(|field| field.number == 1) {
        ranges.push(read_range(field.bytes()?)?);
    }
    let mut ascending = ranges.clone();
    ascending.sort_unstable();
    for neighbours in ascending.windows(2) {
        if let [lower, upper] = neighbours
            && upper.begin <= lower.end
        {
            return Err(WireError::OverlappingRanges { shared: upper.begin });
        }
    }
    Ok(ranges)
}

/// Ranges that ascend without overlap and hold nothing but their two bounds.
fn read_ascending_ranges(bytes: &[u8]) -> Option<Vec<Range>> {
    // A range takes at least six bytes; ports take ten.
    let mut ranges: Vec<Range> = Vec::with_capacity(bytes.len() / 10 + 1);
    for field in Fields::new("Value.Ranges", bytes) {
        let field = field.ok().filter(|field| field.number == 1)?;
        let mut bounds = Fields::new("Value.Range", field.bytes().ok()?);
        let begin = bounds.next()?.ok().filter(|bound| bound.number == 1)?.varint().ok()?;
        let end = bounds.next()?.ok().filter(|bound| bound.number == 2)?.varint().ok()?;
        let ascends = ranges.last().is_none_or(|last| last.end < begin);
        if begin > end || !ascends || bounds.next().is_some() {
            return None;
        }
        ranges.push(Range { begin, end });
    }
    Some(ranges)
}

fn read_range(bytes: &[u8]) -> Result<Range, WireError> {
    const MESSAGE: &str = "Value.Range";
    let fields = Pieces::whole(bytes).fields(MESSAGE)?;
    let bound = |number, field| {
        last_varint(&fields, number)?.ok_or(WireError::MissingField { message: MESSAGE, field })
    };
    let (begin, end) = (bound(1, "begin")?, bound(2, "end")?);
    if begin > end {
        return Err(WireError::InvalidRange { begin, end });
    }
    Ok(Range { begin, end })
}

fn read_set(pieces: &Pieces<'_>) -> Result<Vec<Vec<u8>>, WireError> {
    let mut items = Vec::new();
    for field in pieces.fields("Value.Set")?.iter().filter(|field| field.number == 1) {
        items.push(field.bytes()?.to_vec());
    }
    let mut ascending: Vec<&[u8]> = items.iter().map(Vec::as_slice).collect();
    ascending.sort_unstable();
    for neighbours in ascending.windows(2) {
        if let [item, next] = neighbours
            && item == next
        {
            return Err(WireError::DuplicateItem { item: item.to_vec() });
        }
    }
    Ok(items)
}

/// Sorts ranges and merges those that overlap or are adjacent.
fn coalesce(ranges: &mut Vec<Range>) {
    ranges.sort_unstable();
    let mut merged: Vec<Range> = Vec::with_capacity(ranges.len());
    for range in ranges.drain(..) {
        match merged.last_mut() {
            Some(last) if range.begin <= last.end.saturating_add(1) => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    *ranges = merged;
}
