//! Walking over the fields of a serialised message without knowing its declaration, and writing single fields.
//!
//! The encoding is protobuf's: a tag (field number and wire type), then the payload. A message that occurs more
//! than once where one is declared means the merge of all occurrences, and merging equals concatenation of the
//! payloads. [`Pieces`] holds such a message without copying it.

use crate::WireError;

/// Highest field number protobuf allows.
const MAX_FIELD_NUMBER: u64 = (1 << 29) - 1;
/// Nesting limit of groups, protobuf's own default for messages.
const MAX_GROUP_DEPTH: usize = 100;

/// Payload of one field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Payload<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    Group,
    Fixed32,
}

impl Payload<'_> {
    fn name(&self) -> &'static str {
        match self {
            Payload::Varint(_) => "varint",
            Payload::Fixed64(_) => "64-bit number",
            Payload::Bytes(_) => "length-delimited field",
            Payload::Group => "group",
            Payload::Fixed32 => "32-bit number",
        }
    }
}

/// One field of a message as it stands on the wire.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field<'a> {
    pub(crate) message: &'static str,
    pub(crate) number: u32,
    pub(crate) offset: usize,
    /// Tag and payload.
    pub(crate) raw: &'a [u8],
    pub(crate) payload: Payload<'a>,
}

impl<'a> Field<'a> {
    /// Text, bytes or the serialised form of a sub-message.
    pub(crate) fn bytes(&self) -> Result<&'a [u8], WireError> {
        match self.payload {
            Payload::Bytes(bytes) => Ok(bytes),
            _ => Err(self.unexpected("length-delimited field")),
        }
    }

    /// An integer or the number of an enumeration.
    pub(crate) fn varint(&self) -> Result<u64, WireError> {
        match self.payload {
            Payload::Varint(number) => Ok(number),
            _ => Err(self.unexpected("varint")),
        }
    }

    /// A `double`.
    pub(crate) fn double(&self) -> Result<f64, WireError> {
        match self.payload {
            Payload::Fixed64(bits) => Ok(f64::from_bits(bits)),
            _ => Err(self.unexpected("64-bit number")),
        }
    }

    fn unexpected(&self, expected: &'static str) -> WireError {
        WireError::UnexpectedWireType {
            message: self.message,
            offset: self.offset,
            field: self.number,
            expected,
            found: self.payload.name(),
        }
    }
}

/// Iterator over the fields of one serialised message, in wire order. It ends after the first error.
#[derive(Debug, Clone)]
pub(crate) struct Fields<'a> {
    message: &'static str,
    bytes: &'a [u8],
    at: usize,
    failed: bool,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(message: &'static str, bytes: &'a [u8]) -> Self {
        Fields { message, bytes, at: 0, failed: false }
    }

    fn read(&mut self) -> Result<Field<'a>, WireError> {
        let offset = self.at;
        let (number, wire_type) = self.tag()?;
        let payload = match wire_type {
            3 => {
                self.skip_group(number)?;
                Payload::Group
            }
            4 => {
                return Err(WireError::UnmatchedGroupEnd { message: self.message, offset, field: number });
            }
            _ => self.payload(offset, number, wire_type)?,
        };
        let raw = self.bytes.get(offset..self.at).unwrap_or_default();
        Ok(Field { message: self.message, number, offset, raw, payload })
    }

    fn tag(&mut self) -> Result<(u32, u8), WireError> {
        let offset = self.at;
        let found = self.varint()?;
        let invalid = WireError::InvalidTag { message: self.message, offset, found };
        let number = found >> 3;
        if number == 0 || number > MAX_FIELD_NUMBER {
            return Err(invalid);
        }
        match (u32::try_from(number), u8::try_from(found & 7)) {
            (Ok(number), Ok(wire_type)) => Ok((number, wire_type)),
            _ => Err(invalid),
        }
    }

    /// Payload of a field that is no group.
    fn payload(&mut self, offset: usize, field: u32, wire_type: u8) -> Result<Payload<'a>, WireError> {
        match wire_type {
            0 => Ok(Payload::Varint(self.varint()?)),
            1 => {
                let mut number = [0; 8];
                number.copy_from_slice(self.take(8)?);
                Ok(Payload::Fixed64(u64::from_le_bytes(number)))
            }
            2 => {
                let length = self.varint()?;
                Ok(Payload::Bytes(self.take(length)?))
            }
            5 => {
                self.take(4)?;
                Ok(Payload::Fixed32)
            }
            found => Err(WireError::UndefinedWireType { message: self.message, offset, field, found }),
        }
    }

    /// Passes over the content of a group. Iterative: the depth comes from outside.
    fn skip_group(&mut self, number: u32) -> Result<(), WireError> {
        let mut open = vec![number];
        while let Some(&innermost) = open.last() {
            let offset = self.at;
            let (field, wire_type) = self.tag()?;
            match wire_type {
                3 if open.len() >= MAX_GROUP_DEPTH => {
                    return Err(WireError::NestedTooDeep { message: self.message, offset });
                }
                3 => open.push(field),
                4 if field == innermost => {
                    open.pop();
                }
                4 => return Err(WireError::UnmatchedGroupEnd { message: self.message, offset, field }),
                _ => {
                    self.payload(offset, field, wire_type)?;
                }
            }
        }
        Ok(())
    }

    fn varint(&mut self) -> Result<u64, WireError> {
        let offset = self.at;
        let mut number = 0_u64;
        for shift in (0..70).step_by(7) {
            let Some(&byte) = self.bytes.get(self.at) else {
                return Err(self.truncated(1));
            };
            self.at += 1;
            // The tenth byte has room for one bit.
            if shift == 63 && byte > 1 {
                break;
            }
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(WireError::OversizedVarint { message: self.message, offset })
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], WireError> {
        let taken = usize::try_from(length)
            .ok()
            .and_then(|length| self.at.checked_add(length))
            .and_then(|end| Some((end, self.bytes.get(self.at..end)?)));
        match taken {
            Some((end, bytes)) => {
                self.at = end;
                Ok(bytes)
            }
            None => Err(self.truncated(length)),
        }
    }

    fn truncated(&self, needed: u64) -> WireError {
        let left = self.bytes.len().saturating_sub(self.at);
        WireError::Truncated { message: self.message, offset: self.at, needed, left }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, WireError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed || self.at >= self.bytes.len() {
            return None;
        }
        let field = self.read();
        self.failed = field.is_err();
        Some(field)
    }
}

/// A sub-message that may stand on the wire in several pieces, which protobuf merges by concatenation.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pieces<'a>(Vec<&'a [u8]>);

impl<'a> Pieces<'a> {
    /// All occurrences of the field `number`, or `None` if there is none.
    pub(crate) fn of(fields: &[Field<'a>], number: u32) -> Result<Option<Self>, WireError> {
        let mut pieces = Vec::new();
        for field in fields.iter().filter(|field| field.number == number) {
            pieces.push(field.bytes()?);
        }
        Ok((!pieces.is_empty()).then_some(Pieces(pieces)))
    }

    /// A message in one piece.
    pub(crate) fn whole(bytes: &'a [u8]) -> Self {
        Pieces(vec![bytes])
    }

    /// The merged message.
    pub(crate) fn concat(&self) -> Vec<u8> {
        self.0.concat()
    }

    /// The fields of the merged message. An offset in an error counts from the start of its piece.
    pub(crate) fn fields(&self, message: &'static str) -> Result<Vec<Field<'a>>, WireError> {
        self.0.iter().flat_map(|piece| Fields::new(message, piece)).collect()
    }
}

/// The bytes of a singular text field: the last occurrence counts.
pub(crate) fn last_bytes<'a>(fields: &[Field<'a>], number: u32) -> Result<Option<&'a [u8]>, WireError> {
    last(fields, number, Field::bytes)
}

/// The number of a singular integer or enumeration field: the last occurrence counts.
pub(crate) fn last_varint(fields: &[Field<'_>], number: u32) -> Result<Option<u64>, WireError> {
    last(fields, number, Field::varint)
}

/// The number of a singular `double` field: the last occurrence counts.
pub(crate) fn last_double(fields: &[Field<'_>], number: u32) -> Result<Option<f64>, WireError> {
    last(fields, number, Field::double)
}

/// Reads every occurrence, so that one of the wrong wire type is found even if a later one hides it.
fn last<'a, T>(
    fields: &[Field<'a>],
    number: u32,
    read: impl Fn(&Field<'a>) -> Result<T, WireError>,
) -> Result<Option<T>, WireError> {
    let mut found = None;
    for field in fields.iter().filter(|field| field.number == number) {
        found = Some(read(field)?);
    }
    Ok(found)
}

/// Appends a varint.
pub(crate) fn put_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(low_seven_bits(number) | 0x80);
        number >>= 7;
    }
    out.push(low_seven_bits(number));
}

fn low_seven_bits(number: u64) -> u8 {
    number.to_le_bytes()[0] & 0x7f
}

/// Appends an integer field.
pub(crate) fn put_varint_field(out: &mut Vec<u8>, field: u32, number: u64) {
    put_varint(out, u64::from(field) << 3);
    put_varint(out, number);
}

/// Appends a `double` field.
pub(crate) fn put_double_field(out: &mut Vec<u8>, field: u32, number: f64) {
    put_varint(out, (u64::from(field) << 3) | 1);
    out.extend_from_slice(&number.to_le_bytes());
}

/// Appends a text, bytes or sub-message field.
pub(crate) fn put_bytes_field(out: &mut Vec<u8>, field: u32, bytes: &[u8]) {
    put_varint(out, (u64::from(field) << 3) | 2);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}
