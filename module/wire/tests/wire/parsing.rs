//! A walker over wire fields of the tests' own, on prost's primitives: the crate's walker is what is tested.

use prost::bytes::Buf;
use prost::encoding::{DecodeContext, WireType, decode_key, encode_key, encode_varint, skip_field};

use crate::entropy::{Draw, Entropy};

/// Number and bytes (tag included) of every field of a message.
pub(crate) fn fields(message: &[u8]) -> Vec<(u32, Vec<u8>)> {
    let mut rest = message;
    let mut fields = Vec::new();
    while rest.has_remaining() {
        let start = message.len() - rest.remaining();
        let (number, wire_type) = decode_key(&mut rest).unwrap();
        skip_field(wire_type, number, &mut rest, DecodeContext::default()).unwrap();
        fields.push((number, message[start..message.len() - rest.remaining()].to_vec()));
    }
    fields
}

/// The payload of a length-delimited field.
pub(crate) fn payload(field: &[u8]) -> &[u8] {
    let mut rest = field;
    decode_key(&mut rest).unwrap();
    prost::encoding::decode_varint(&mut rest).unwrap();
    rest
}

/// The fields put together again.
pub(crate) fn concat(fields: &[(u32, Vec<u8>)]) -> Vec<u8> {
    fields.iter().flat_map(|(_, bytes)| bytes).copied().collect()
}

/// Fields in another order. Fields of the same number keep theirs: protobuf gives that order a meaning.
pub(crate) fn shuffled(fields: &[(u32, Vec<u8>)], entropy: &mut Entropy) -> Vec<(u32, Vec<u8>)> {
    let mut left = fields.to_vec();
    let order = entropy.order(fields.len());
    let numbers: Vec<u32> = order.into_iter().map(|at| fields[at].0).collect();
    numbers
        .into_iter()
        .map(|number| {
            let at = left.iter().position(|(candidate, _)| *candidate == number).unwrap();
            left.remove(at)
        })
        .collect()
}

/// A length-delimited field.
pub(crate) fn bytes_field(number: u32, payload: &[u8]) -> Vec<u8> {
    let mut field = Vec::new();
    encode_key(number, WireType::LengthDelimited, &mut field);
    encode_varint(payload.len() as u64, &mut field);
    field.extend_from_slice(payload);
    field
}

/// A varint field.
pub(crate) fn varint_field(number: u32, value: u64) -> Vec<u8> {
    let mut field = Vec::new();
    encode_key(number, WireType::Varint, &mut field);
    encode_varint(value, &mut field);
    field
}

/// Fields that no Mesos 1.11 resource has, of any wire type, groups included.
pub(crate) fn draw_unknown(entropy: &mut Entropy) -> Vec<(u32, Vec<u8>)> {
    (0..entropy.below(5))
        .map(|_| {
            let number = [14, 15, 16, 2047, 536_870_911][entropy.below(5)];
            let mut field = Vec::new();
            match entropy.below(5) {
                0 => field = varint_field(number, u64::draw(entropy)),
                1 => field = bytes_field(number, &Vec::<u8>::draw(entropy)),
                2 => {
                    encode_key(number, WireType::SixtyFourBit, &mut field);
                    field.extend_from_slice(&[entropy.byte(); 8]);
                }
                3 => {
                    encode_key(number, WireType::ThirtyTwoBit, &mut field);
                    field.extend_from_slice(&[entropy.byte(); 4]);
                }
                _ => {
                    encode_key(number, WireType::StartGroup, &mut field);
                    field.extend(varint_field(1, u64::draw(entropy)));
                    encode_key(3, WireType::StartGroup, &mut field);
                    encode_key(3, WireType::EndGroup, &mut field);
                    encode_key(number, WireType::EndGroup, &mut field);
                }
            }
            (number, field)
        })
        .collect()
}
