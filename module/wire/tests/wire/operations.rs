//! Offer operations as conversions.

use std::collections::BTreeMap;

use apportion_wire::Value;
use apportion_wire::operation::{Conversion, PostCheck, conversions};
use apportion_wire::resource::{ResourceParts, facts, split};
use proptest::prelude::*;
use prost::Message;

use crate::entropy::{resource, volume};
use crate::full;
use crate::parsing::{bytes_field, varint_field};

/// A serialised operation of this type, with resources in the field `list` of its content.
fn operation(number: u64, content: u32, lists: &[(u32, &[full::Resource])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (list, resources) in lists {
        for resource in *resources {
            body.extend(bytes_field(*list, &resource.encode_to_vec()));
        }
    }
    [varint_field(1, number), bytes_field(content, &body)].concat()
}

fn decoded(parts: &[ResourceParts]) -> Vec<full::Resource> {
    parts.iter().map(|parts| full::Resource::decode(&parts.to_bytes()[..]).unwrap()).collect()
}

/// Total of each resource name: thousandths, members of ranges, items of sets.
fn amounts(parts: &[ResourceParts]) -> BTreeMap<(Vec<u8>, u8), u128> {
    let mut amounts = BTreeMap::new();
    for part in parts {
        let (kind, amount) = match &part.value {
            Value::Scalar(scalar) => (0, u128::try_from(scalar.thousandths()).unwrap()),
            Value::Ranges(ranges) => {
                (1, ranges.iter().map(|range| u128::from(range.end - range.begin) + 1).sum())
            }
            Value::Set(items) => (2, items.len() as u128),
        };
        *amounts.entry((facts(&part.identity).unwrap().name.to_vec(), kind)).or_default() += amount;
    }
    amounts
}

fn assert_conserves(conversions: &[Conversion]) {
    for conversion in conversions {
        assert_eq!(amounts(&conversion.consumed), amounts(&conversion.converted), "{conversion:?}");
    }
}

fn reserved(mut resource: full::Resource) -> full::Resource {
    if resource.reservations.is_empty() {
        resource.reservations.push(full::ResourceReservationInfo {
            principal: None,
            labels: None,
            role: Some(b"role".to_vec()),
            r#type: Some(2),
        });
    }
    resource
}

fn popped(mut resource: full::Resource) -> full::Resource {
    resource.reservations.pop();
    resource
}

fn stripped(mut volume: full::Resource) -> full::Resource {
    volume.shared = None;
    let source = volume.disk.take().and_then(|disk| disk.source);
    volume.disk = source.map(|source| full::Disk { persistence: None, volume: None, source: Some(source) });
    volume
}

proptest! {
    #[test]
    fn reserve_pushes_one_reservation(list in proptest::collection::vec(resource().prop_map(reserved), 0..4)) {
        let found = conversions(&operation(2, 3, &[(1, &list)])).unwrap();
        prop_assert_eq!(found.len(), 1);
        prop_assert_eq!(decoded(&found[0].converted), list.clone());
        let before: Vec<_> = list.into_iter().map(popped).collect();
        prop_assert_eq!(decoded(&found[0].consumed), before);
        prop_assert_eq!(found[0].check, PostCheck::Nothing);
        assert_conserves(&found);
    }

    #[test]
    fn reserve_with_source_takes_source_and_resources_as_they_are(
        list in proptest::collection::vec(resource(), 1..4),
    ) {
        let target: Vec<_> = list.iter().cloned().map(reserved).collect();
        let found = conversions(&operation(2, 3, &[(1, &target), (2, &list)])).unwrap();
        prop_assert_eq!(found.len(), 1);
        prop_assert_eq!(decoded(&found[0].consumed), list);
        prop_assert_eq!(decoded(&found[0].converted), target);
        assert_conserves(&found);
    }

    #[test]
    fn unreserve_pops_one_reservation_of_each(list in proptest::collection::vec(resource().prop_map(reserved), 0..4)) {
        let found = conversions(&operation(3, 4, &[(1, &list)])).unwrap();
        prop_assert_eq!(found.len(), list.len());
        for (conversion, resource) in found.iter().zip(&list) {
            prop_assert_eq!(decoded(&conversion.consumed), vec![resource.clone()]);
            prop_assert_eq!(decoded(&conversion.converted), vec![popped(resource.clone())]);
            prop_assert_eq!(conversion.check, PostCheck::Nothing);
        }
        assert_conserves(&found);
    }

    #[test]
    fn create_and_destroy_are_each_others_reverse(list in proptest::collection::vec(volume(), 0..4)) {
        let created = conversions(&operation(4, 5, &[(1, &list)])).unwrap();
        let destroyed = conversions(&operation(5, 6, &[(1, &list)])).unwrap();
        prop_assert_eq!(created.len(), list.len());
        prop_assert_eq!(destroyed.len(), list.len());
        for ((create, destroy), volume) in created.iter().zip(&destroyed).zip(&list) {
            prop_assert_eq!(decoded(&create.converted), vec![volume.clone()]);
            prop_assert_eq!(decoded(&create.consumed), vec![stripped(volume.clone())]);
            prop_assert_eq!(&destroy.consumed, &create.converted);
            prop_assert_eq!(&destroy.converted, &create.consumed);
            prop_assert_eq!(create.check, PostCheck::Nothing);
            prop_assert_eq!(destroy.check, PostCheck::ConsumedIsGone);
        }
        assert_conserves(&created);
        assert_conserves(&destroyed);
    }
}

#[test]
fn an_operation_in_pieces_is_merged() {
    let cpus = b"\x0a\x04cpus\x10\x00\x1a\x09\x09\0\0\0\0\0\0\0\x40\x6a\x05\x1a\x01a\x20\x02".as_slice();
    assert_eq!(split(cpus).unwrap().facts.reservations.len(), 1);
    let half = bytes_field(4, &bytes_field(1, cpus));
    let found = conversions(&[half.clone(), varint_field(1, 3), half].concat()).unwrap();
    assert_eq!(found.len(), 2);
}
