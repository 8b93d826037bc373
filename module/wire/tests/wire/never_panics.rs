//! Arbitrary bytes, and valid messages cut off and damaged: every function answers.

use apportion_wire::messages::{LabelList, RawLabels, decode};
use apportion_wire::operation::conversions;
use apportion_wire::resource::{
    comparison_key, downgrade, facts, join, outline, pop_reservation, push_reservation, read_reservation,
    split, strip_volume, upgrade, validate,
};
use proptest::prelude::*;
use prost::Message;

use crate::entropy::{Entropy, draw_resource, entropy, resource};
use crate::full;
use crate::numbers::decode_as_each;
use crate::parsing::{bytes_field, concat, draw_unknown, varint_field};

/// Hands the bytes to everything that takes bytes. What is accepted has to be accepted again.
fn hand_to_everything(bytes: &[u8]) {
    if let Ok(resource) = split(bytes) {
        assert_eq!(facts(&resource.identity).as_ref(), Ok(&resource.facts));
        let joined = join(&resource.identity, &resource.value, resource.allocation_role);
        assert_eq!(split(&joined).as_ref(), Ok(&resource), "a split resource splits the same again");
        assert!(comparison_key(&resource.identity).is_ok());
        let short = outline(bytes).expect("what can be split has an outline");
        assert_eq!((short.name, &short.value), (resource.facts.name, &resource.value));
        assert_eq!(short.allocation_role, resource.allocation_role);
    }
    let _ = outline(bytes);
    let _ = facts(bytes);
    let _ = comparison_key(bytes);
    let _ = pop_reservation(bytes);
    let _ = push_reservation(bytes, b"\x1a\x01a\x20\x02");
    let _ = push_reservation(b"\x0a\x04cpus\x10\x00", bytes);
    let _ = strip_volume(bytes);
    let _ = read_reservation(bytes);
    let _ = (upgrade(bytes), downgrade(bytes), validate(bytes));
    for (number, content) in [(2, 3), (3, 4), (4, 5), (5, 6), (11, 13), (12, 14)] {
        for second in [b"\x09\0\0\0\0\0\0\xf0\x3f".as_slice(), bytes] {
            let listed = bytes_field(content, &[bytes_field(1, bytes), bytes_field(2, second)].concat());
            let _ = conversions(&[varint_field(1, number), listed].concat());
        }
    }
    let _ = conversions(bytes);
    if let Ok(mut labels) = LabelList::decode(bytes) {
        labels.set(b"key", Some(b"value"));
        assert_eq!(LabelList::decode(&labels.encode()), Ok(labels));
    }
    let _ = decode::<RawLabels>(bytes).map(|labels| labels.read());
    let _ = decode_as_each(bytes);
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        hand_to_everything(&bytes);
    }

    #[test]
    fn bytes_that_look_like_tags_are_answered(
        bytes in proptest::collection::vec(prop_oneof![
            0_u8..16,
            any::<u8>(),
            proptest::sample::select(vec![0x0a, 0x10, 0x1a, 0x3a, 0x6a, 0x0b, 0x0c, 0x80, 0xff]),
        ], 0..60),
    ) {
        hand_to_everything(&bytes);
    }

    #[test]
    fn damaged_resources_are_answered(resource in resource(), damage in entropy()) {
        let entropy = &mut Entropy::new(damage);
        let mut bytes = [resource.encode_to_vec(), concat(&draw_unknown(entropy))].concat();
        for _ in 0..=entropy.below(4) {
            let at = (entropy.below(256) * 256 + entropy.below(256)) % bytes.len();
            match entropy.below(4) {
                0 => bytes[at] = entropy.byte(),
                1 => bytes[at] ^= 1 << entropy.below(8),
                2 => bytes.insert(at, entropy.byte()),
                _ => {
                    bytes.remove(at);
                }
            }
        }
        hand_to_everything(&bytes);
    }
}

#[test]
fn every_truncation_of_a_resource_is_answered() {
    for seed in 0..8_u32 {
        let drawn: Vec<u8> = (0..600_u32).map(|at| ((at * (seed * 2 + 7)) % 253) as u8).collect();
        let resource: full::Resource = draw_resource(&mut Entropy::new(drawn));
        let bytes = resource.encode_to_vec();
        for length in 0..bytes.len() {
            hand_to_everything(&bytes[..length]);
        }
    }
}

#[test]
fn nesting_of_any_depth_is_answered() {
    let groups = [0xb3_u8, 0x06].repeat(100_000);
    hand_to_everything(&groups);
    let mut parents = Vec::new();
    for _ in 0..2000 {
        parents = bytes_field(2, &parents);
    }
    hand_to_everything(&parents);
}
