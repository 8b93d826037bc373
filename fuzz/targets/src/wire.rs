//! Serialised messages, put together from an input and walked over. Shares no code with what is tested.

use crate::entropy::Entropy;

/// Longest message that is put together.
const BYTES_MAX: usize = 4096;
/// How deep messages are nested by [`assembled`]; inputs taken as they are nest as they like.
const DEPTH_MAX: usize = 8;

/// Words with a meaning for some reader.
const WORDS: [&[u8]; 24] = [
    b"cpus",
    b"mem",
    b"disk",
    b"gpus",
    b"ports",
    b"*",
    b"a",
    b"a/b",
    b"a/b/c",
    b"",
    b".",
    b"-",
    b"\xff\xfe",
    b"volume",
    b"/mnt",
    b"provider",
    b"key",
    b"value",
    b"f1",
    b"a1",
    b"host",
    b"region",
    b"zone",
    b"a b",
];

/// Numbers on borders of some range.
const NUMBERS: [f64; 16] = [
    0.0,
    1.0,
    0.001,
    0.0005,
    0.0004,
    1.5,
    -1.0,
    -0.0,
    1e9,
    1e12,
    1e18,
    9_223_372_036_854_775.8,
    f64::MIN_POSITIVE,
    f64::INFINITY,
    f64::NAN,
    1024.0,
];

/// A message: by the first byte either the rest of the input as it stands, or put together field by field with
/// lengths that fit.
pub(crate) fn message(input: &[u8]) -> Vec<u8> {
    let entropy = &mut Entropy::new(input);
    if entropy.flag() { assembled(entropy) } else { entropy.rest().to_vec() }
}

/// A message put together from what an input says, until it says end.
pub(crate) fn assembled(entropy: &mut Entropy<'_>) -> Vec<u8> {
    assembled_within(entropy, 0)
}

fn assembled_within(entropy: &mut Entropy<'_>, depth: usize) -> Vec<u8> {
    let mut out = Vec::new();
    while !entropy.is_used_up() && out.len() < BYTES_MAX {
        let what = entropy.byte();
        let number = match u32::from(what >> 3) {
            0 => u32::from(entropy.byte()) * 0x1_0001,
            number => number,
        };
        match what & 7 {
            0 => put_varint_field(&mut out, number, u64::from(entropy.byte())),
            1 => put_varint_field(&mut out, number, entropy.number()),
            2 => put_double_field(&mut out, number, entropy.pick(&NUMBERS)),
            3 => put_double_field(&mut out, number, f64::from_bits(entropy.number())),
            4 => put_bytes_field(&mut out, number, entropy.pick(&WORDS)),
            5 => {
                let length = entropy.below(40);
                put_bytes_field(&mut out, number, entropy.take(length));
            }
            6 if depth < DEPTH_MAX => {
                let inner = assembled_within(entropy, depth + 1);
                put_bytes_field(&mut out, number, &inner);
            }
            _ => break,
        }
    }
    out
}

/// Appends a varint.
fn put_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

/// Appends a field that holds a whole number.
pub(crate) fn put_varint_field(out: &mut Vec<u8>, field: u32, number: u64) {
    put_varint(out, u64::from(field) << 3);
    put_varint(out, number);
}

/// Appends a field that holds a double.
pub(crate) fn put_double_field(out: &mut Vec<u8>, field: u32, number: f64) {
    put_varint(out, u64::from(field) << 3 | 1);
    out.extend_from_slice(&number.to_le_bytes());
}

/// Appends a field that holds text, bytes or a message.
pub(crate) fn put_bytes_field(out: &mut Vec<u8>, field: u32, bytes: &[u8]) {
    put_varint(out, u64::from(field) << 3 | 2);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// One field of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Field<'a> {
    pub(crate) number: u64,
    /// Tag and payload.
    pub(crate) raw: &'a [u8],
    /// What stands behind tag and length: the number of a varint, the bits of a double.
    pub(crate) payload: Payload<'a>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Payload<'a> {
    Varint(u64),
    Bits(u64),
    Bytes(&'a [u8]),
    Other,
}

impl<'a> Field<'a> {
    /// Text, bytes or a message.
    pub(crate) fn bytes(&self) -> &'a [u8] {
        match self.payload {
            Payload::Bytes(bytes) => bytes,
            other => panic!("field {} holds {other:?} instead of bytes", self.number),
        }
    }
}

/// The fields of a message.
///
/// # Panics
/// If it is none: call this with what the crate has accepted.
pub(crate) fn fields(message: &[u8]) -> Vec<Field<'_>> {
    let mut walk = Walk { bytes: message, at: 0 };
    let mut fields = Vec::new();
    while walk.at < message.len() {
        fields.push(walk.field());
    }
    fields
}

/// The fields of one number.
pub(crate) fn of<'a>(fields: &[Field<'a>], number: u64) -> Vec<Field<'a>> {
    fields.iter().filter(|field| field.number == number).copied().collect()
}

/// The payloads of one number, one behind the other: what protobuf takes several occurrences of a message for.
pub(crate) fn merged(fields: &[Field<'_>], number: u64) -> Vec<u8> {
    of(fields, number).iter().flat_map(Field::bytes).copied().collect()
}

struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Walk<'a> {
    fn field(&mut self) -> Field<'a> {
        let start = self.at;
        let tag = self.varint();
        let payload = match tag & 7 {
            0 => Payload::Varint(self.varint()),
            1 => Payload::Bits(u64::from_le_bytes(self.take(8).try_into().expect("eight bytes"))),
            2 => {
                let length = self.varint();
                Payload::Bytes(self.take(usize::try_from(length).expect("a length")))
            }
            3 => {
                while self.bytes.get(self.at..).is_some_and(|_| self.peek() & 7 != 4) {
                    self.field();
                }
                assert_eq!(self.varint() >> 3, tag >> 3, "the group ends that began");
                Payload::Other
            }
            5 => {
                self.take(4);
                Payload::Other
            }
            other => panic!("accepted the wire type {other}"),
        };
        Field { number: tag >> 3, raw: &self.bytes[start..self.at], payload }
    }

    fn peek(&self) -> u64 {
        Walk { bytes: self.bytes, at: self.at }.varint()
    }

    fn varint(&mut self) -> u64 {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)[0];
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return number;
            }
        }
        panic!("accepted a number of more than ten bytes");
    }

    fn take(&mut self, length: usize) -> &'a [u8] {
        let taken = &self.bytes[self.at..][..length];
        self.at += length;
        taken
    }
}
