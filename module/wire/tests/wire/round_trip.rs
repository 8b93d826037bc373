//! Resources taken apart and put together, with every field of Mesos 1.11 and fields it does not have.

use apportion_wire::resource::{
    DiskSourceKind, ReservationKind, comparison_key, facts, join, pop_reservation, push_reservation, split,
    split_unseen, strip_volume,
};
use apportion_wire::{Value, ValueType};
use proptest::prelude::*;
use prost::Message;

use crate::entropy::{Draw, Entropy, draw_resource, entropy, resource, volume};
use crate::full;
use crate::parsing::{bytes_field, concat, draw_unknown, fields, payload, shuffled};

/// A resource that has every field at once.
fn everything() -> full::Resource {
    let mut resource =
        draw_resource(&mut Entropy::new((0..4000_u32).map(|at| (at % 251) as u8 | 1).collect()));
    let labels =
        full::Labels { labels: vec![full::Label { key: b"k".to_vec(), value: Some(b"v".to_vec()) }] };
    resource.provider_id = Some(full::ResourceProviderId { value: b"provider".to_vec() });
    resource.revocable = Some(full::ResourceRevocableInfo {});
    resource.shared = Some(full::ResourceSharedInfo {});
    resource.allocation_info = Some(full::ResourceAllocationInfo { role: Some(b"a/b".to_vec()) });
    resource.reservations = vec![
        full::ResourceReservationInfo {
            principal: None,
            labels: None,
            role: Some(b"a".to_vec()),
            r#type: Some(1),
        },
        full::ResourceReservationInfo {
            principal: Some(b"\xffops".to_vec()),
            labels: Some(labels.clone()),
            role: Some(b"a/b".to_vec()),
            r#type: Some(2),
        },
    ];
    let disk = resource.disk.get_or_insert_default();
    disk.persistence = Some(full::DiskPersistence { id: b"vol".to_vec(), principal: Some(b"p".to_vec()) });
    disk.volume.get_or_insert_default();
    disk.source = Some(full::DiskSource {
        r#type: 4,
        path: Some(full::DiskSourcePath { root: Some(b"/p".to_vec()) }),
        mount: Some(full::DiskSourceMount { root: Some(b"/m".to_vec()) }),
        vendor: Some(b"vendor".to_vec()),
        id: Some(b"id".to_vec()),
        metadata: Some(labels),
        profile: Some(b"fast".to_vec()),
    });
    resource
}

/// Ports and cpus as the host writes them: fields in their order, ranges ascending.
fn written_by_the_host() -> [Vec<u8>; 2] {
    let stack = [(b"a".as_slice(), 1), (b"a/b", 2)].map(|(role, kind)| full::ResourceReservationInfo {
        role: Some(role.to_vec()),
        r#type: Some(kind),
        ..Default::default()
    });
    let ports = full::Resource {
        name: b"ports".to_vec(),
        r#type: 1,
        ranges: Some(full::ValueRanges {
            range: [(1, 4), (6, 6), (31_000, 32_000)]
                .map(|(begin, end)| full::ValueRange { begin, end })
                .to_vec(),
        }),
        allocation_info: Some(full::ResourceAllocationInfo { role: Some(b"a/b".to_vec()) }),
        reservations: stack.to_vec(),
        ..Default::default()
    };
    let cpus = full::Resource {
        name: b"cpus".to_vec(),
        scalar: Some(full::ValueScalar { value: 1.5011 }),
        ..Default::default()
    };
    [ports.encode_to_vec(), cpus.encode_to_vec()]
}

#[test]
fn what_the_host_writes_comes_apart_without_a_look_at_its_identity() {
    for bytes in written_by_the_host() {
        let (expected, mut identity) = (split(&bytes).unwrap(), Vec::new());
        let (value, role) = split_unseen(&bytes, &mut identity).unwrap();
        assert_eq!((value.read(), role), (Some(expected.value), expected.allocation_role));
        assert_eq!(identity, expected.identity);
    }
}

#[test]
fn what_the_host_would_not_write_is_left_to_the_thorough_way() {
    let [ports, cpus] = written_by_the_host();
    let twice = [&cpus[..], b"\x10\x00"].concat();
    let two_values = [&cpus[..], b"\x2a\x00"].concat();
    let no_value = &cpus[..8];
    let without_role = [&cpus[..], b"\x5a\x00"].concat();
    let infinite = [&cpus[..cpus.len() - 8], &f64::INFINITY.to_le_bytes()].concat();
    let overlapping = b"\x0a\x01p\x10\x01\x22\x0c\x0a\x04\x08\x01\x10\x04\x0a\x04\x08\x04\x10\x05";
    let cut = &ports[..ports.len() - 1];
    for bytes in [&twice, &two_values, no_value, &without_role, &infinite, &overlapping[..], cut] {
        let value = split_unseen(bytes, &mut Vec::new()).and_then(|(value, _)| value.read());
        assert_eq!(value, None, "{bytes:?}");
    }
}

#[test]
fn every_fact_of_the_identity_is_read() {
    let bytes = everything().encode_to_vec();
    let split = split(&bytes).unwrap();
    let facts = &split.facts;
    assert_eq!(split.allocation_role, Some(&b"a/b"[..]));
    assert_eq!(facts.provider_id, Some(&b"provider"[..]));
    assert!(facts.revocable && facts.shared);
    let [bottom, current] = &facts.reservations[..] else { panic!("two reservations: {facts:?}") };
    assert_eq!((bottom.role, bottom.kind), (&b"a"[..], ReservationKind::Static));
    assert_eq!((bottom.principal, bottom.has_labels), (None, false));
    assert_eq!((current.role, current.kind), (&b"a/b"[..], ReservationKind::Dynamic));
    assert_eq!((current.principal, current.has_labels), (Some(&b"\xffops"[..]), true));
    let disk = facts.disk.as_ref().unwrap();
    assert_eq!((disk.persistence_id, disk.has_volume), (Some(&b"vol"[..]), true));
    let source = disk.source.as_ref().unwrap();
    assert_eq!((source.kind, source.id), (DiskSourceKind::Raw, Some(&b"id"[..])));
    assert_eq!((source.vendor, source.profile), (Some(&b"vendor"[..]), Some(&b"fast"[..])));
}

/// The number of an enumeration as a place in a list.
fn place(number: i32) -> usize {
    usize::try_from(number).unwrap()
}

/// What prost reads of a resource, as far as the facts go.
fn assert_facts_match(resource: &full::Resource, bytes: &[u8]) {
    let split = split(bytes).unwrap();
    let facts = &split.facts;
    assert_eq!(facts.name, resource.name);
    assert_eq!(
        facts.value_type,
        [ValueType::Scalar, ValueType::Ranges, ValueType::Set][place(resource.r#type)]
    );
    assert_eq!(facts.provider_id, resource.provider_id.as_ref().map(|provider| &provider.value[..]));
    assert_eq!(facts.revocable, resource.revocable.is_some());
    assert_eq!(facts.shared, resource.shared.is_some());
    assert_eq!(facts.reservations.len(), resource.reservations.len());
    for (fact, declared) in facts.reservations.iter().zip(&resource.reservations) {
        assert_eq!(Some(fact.role), declared.role.as_deref());
        assert_eq!(fact.principal, declared.principal.as_deref());
        assert_eq!(fact.has_labels, declared.labels.is_some());
        assert_eq!(fact.kind == ReservationKind::Dynamic, declared.r#type == Some(2));
        assert_eq!(fact.bytes, declared.encode_to_vec());
    }
    assert_eq!(facts.disk.is_some(), resource.disk.is_some());
    if let (Some(fact), Some(declared)) = (&facts.disk, &resource.disk) {
        assert_eq!(fact.persistence_id, declared.persistence.as_ref().map(|volume| &volume.id[..]));
        assert_eq!(fact.has_volume, declared.volume.is_some());
        assert_eq!(fact.source.is_some(), declared.source.is_some());
        if let (Some(fact), Some(declared)) = (&fact.source, &declared.source) {
            use DiskSourceKind::{Block, Mount, Path, Raw};
            assert_eq!(fact.kind, [Path, Mount, Block, Raw][place(declared.r#type) - 1]);
            assert_eq!(fact.id, declared.id.as_deref());
            assert_eq!(fact.vendor, declared.vendor.as_deref());
            assert_eq!(fact.profile, declared.profile.as_deref());
        }
    }
    let role = resource.allocation_info.as_ref().and_then(|allocation| allocation.role.as_deref());
    assert_eq!(split.allocation_role, role);
    assert_eq!(&apportion_wire::resource::facts(&split.identity).unwrap(), facts);
}

/// Cuts every sub-message in two occurrences, which protobuf merges.
fn in_pieces(message: &[u8], singular: &[u32], entropy: &mut Entropy) -> Vec<(u32, Vec<u8>)> {
    let mut cut = Vec::new();
    for (number, bytes) in fields(message) {
        if !singular.contains(&number) {
            cut.push((number, bytes));
            continue;
        }
        let inner = fields(payload(&bytes));
        let (first, second) = inner.split_at(entropy.below(inner.len() + 1));
        cut.push((number, bytes_field(number, &concat(first))));
        cut.push((number, bytes_field(number, &concat(second))));
    }
    cut
}

proptest! {
    #[test]
    fn a_resource_split_and_joined_is_the_same_resource(resource in resource()) {
        let bytes = resource.encode_to_vec();
        assert_facts_match(&resource, &bytes);
        let split = split(&bytes).unwrap();
        let joined = join(&split.identity, &split.value, split.allocation_role);
        prop_assert_eq!(full::Resource::decode(&joined[..]).unwrap(), resource);
        prop_assert_eq!(split.into_parts().to_bytes(), joined);
    }

    #[test]
    fn field_order_on_the_wire_changes_nothing(resource in resource(), order in entropy()) {
        let bytes = resource.encode_to_vec();
        let other = concat(&shuffled(&fields(&bytes), &mut Entropy::new(order)));
        let (left, right) = (split(&bytes).unwrap(), split(&other).unwrap());
        prop_assert_eq!(left, right);
    }

    #[test]
    fn identities_do_not_depend_on_value_or_allocation(resource in resource(), other in entropy()) {
        let donor = draw_resource(&mut Entropy::new(other));
        let mut full = resource.clone();
        (full.r#type, full.scalar, full.ranges, full.set) =
            (donor.r#type, donor.scalar, donor.ranges, donor.set);
        let mut empty = full.clone();
        empty.allocation_info = donor.allocation_info;
        empty.scalar = full.scalar.as_ref().map(|_| full::ValueScalar { value: 0.0 });
        empty.ranges = full.ranges.as_ref().map(|_| full::ValueRanges { range: vec![] });
        empty.set = full.set.as_ref().map(|_| full::ValueSet { item: vec![] });
        let (left, right) = (full.encode_to_vec(), empty.encode_to_vec());
        prop_assert_eq!(split(&left).unwrap().identity, split(&right).unwrap().identity);
    }

    #[test]
    fn identities_are_equal_only_for_equal_metadata(left in resource(), right in resource()) {
        let stripped = |resource: &full::Resource| {
            let mut identity = resource.clone();
            (identity.scalar, identity.ranges, identity.set) = (None, None, None);
            identity.allocation_info = None;
            identity
        };
        let (left_bytes, right_bytes) = (left.encode_to_vec(), right.encode_to_vec());
        let same = split(&left_bytes).unwrap().identity == split(&right_bytes).unwrap().identity;
        prop_assert_eq!(same, stripped(&left) == stripped(&right));
        prop_assert_eq!(split(&left_bytes).unwrap().identity, stripped(&left).encode_to_vec());
    }

    #[test]
    fn unknown_fields_survive_byte_for_byte_and_in_order(resource in resource(), more in entropy()) {
        let entropy = &mut Entropy::new(more);
        let unknown = draw_unknown(entropy);
        let known = fields(&resource.encode_to_vec());
        let mixed = shuffled(&[known, unknown.clone()].concat(), entropy);
        let bytes = concat(&mixed);
        let split = split(&bytes).unwrap();
        let joined = join(&split.identity, &split.value, split.allocation_role);
        prop_assert_eq!(full::Resource::decode(&joined[..]).unwrap(), resource);
        let mut expected = unknown;
        expected.sort_by_key(|(number, _)| *number);
        let survived: Vec<_> = fields(&joined).into_iter().filter(|(number, _)| *number > 13).collect();
        prop_assert_eq!(survived, expected);
    }

    #[test]
    fn unknown_fields_inside_disk_and_reservations_survive(resource in resource(), more in entropy()) {
        let entropy = &mut Entropy::new(more);
        let mut expected = Vec::new();
        let mut wire = Vec::new();
        for (number, bytes) in fields(&resource.encode_to_vec()) {
            let bytes = match number {
                7 | 9 | 10 | 12 | 13 => {
                    let grown = [payload(&bytes), &concat(&draw_unknown(entropy))].concat();
                    bytes_field(number, &grown)
                }
                _ => bytes,
            };
            if ![3, 4, 5, 11].contains(&number) {
                expected.push((number, bytes.clone()));
            }
            wire.push((number, bytes));
        }
        let identity = split(&concat(&wire)).unwrap().identity;
        prop_assert_eq!(fields(&identity), expected);
    }

    #[test]
    fn a_message_in_several_pieces_reads_as_merged(resource in resource(), cuts in entropy()) {
        let whole = resource.encode_to_vec();
        let pieces = concat(&in_pieces(&whole, &[3, 4, 5, 7, 9, 10, 11, 12], &mut Entropy::new(cuts)));
        prop_assert_eq!(split(&pieces).unwrap(), split(&whole).unwrap());
        prop_assert_eq!(full::Resource::decode(&pieces[..]).unwrap(), resource);
    }

    #[test]
    fn a_disk_whose_parts_are_in_pieces_reads_as_merged(volume in volume(), cuts in entropy()) {
        let entropy = &mut Entropy::new(cuts);
        let bytes = volume.encode_to_vec();
        let cut: Vec<_> = fields(&bytes).into_iter().map(|(number, bytes)| match number {
            7 => (7, bytes_field(7, &concat(&in_pieces(payload(&bytes), &[1, 2, 3], entropy)))),
            _ => (number, bytes),
        }).collect();
        let (cut, whole) = (split(&concat(&cut)).unwrap().identity, split(&bytes).unwrap().identity);
        prop_assert_eq!(facts(&cut).unwrap(), facts(&whole).unwrap());
        prop_assert_eq!(comparison_key(&cut).unwrap(), comparison_key(&whole).unwrap());
        let stripped = |identity: &[u8]| {
            full::Resource::decode(&strip_volume(identity).unwrap().unwrap()[..]).unwrap()
        };
        prop_assert_eq!(stripped(&cut), stripped(&whole));
    }

    #[test]
    fn popping_takes_back_what_was_pushed(resource in resource(), more in entropy()) {
        let entropy = &mut Entropy::new(more);
        let mut reservation = full::ResourceReservationInfo::draw(entropy);
        reservation.role.get_or_insert_default();
        reservation.r#type = Some(2);
        let bytes = [resource.encode_to_vec(), concat(&draw_unknown(entropy))].concat();
        let identity = split(&bytes).unwrap().identity;
        let pushed = push_reservation(&identity, &reservation.encode_to_vec()).unwrap();
        let mut expected = resource.reservations.clone();
        expected.push(reservation);
        prop_assert_eq!(full::Resource::decode(&pushed[..]).unwrap().reservations, expected);
        prop_assert_eq!(split_again(&pushed, &resource), pushed.clone());
        prop_assert_eq!(pop_reservation(&pushed).unwrap(), Some(identity));
    }

    #[test]
    fn popping_everything_leaves_no_reservation(resource in resource()) {
        let mut identity = split(&resource.encode_to_vec()).unwrap().identity;
        for left in (0..resource.reservations.len()).rev() {
            identity = pop_reservation(&identity).unwrap().unwrap();
            let popped = full::Resource::decode(&identity[..]).unwrap();
            prop_assert_eq!(&popped.reservations[..], &resource.reservations[..left]);
        }
        prop_assert_eq!(pop_reservation(&identity).unwrap(), None);
    }

    #[test]
    fn stripping_a_volume_leaves_the_disk_it_was_made_from(volume in volume()) {
        let mut expected = volume.clone();
        expected.shared = None;
        let disk = expected.disk.take().unwrap();
        if disk.source.is_some() {
            expected.disk = Some(full::Disk { persistence: None, volume: None, source: disk.source });
        }
        let bytes = volume.encode_to_vec();
        let parts = split(&bytes).unwrap().into_parts();
        let stripped = strip_volume(&parts.identity).unwrap().unwrap();
        let joined = join(&stripped, &parts.value, parts.allocation_role.as_deref());
        prop_assert_eq!(full::Resource::decode(&joined[..]).unwrap(), expected);
        prop_assert_eq!(strip_volume(&stripped).unwrap(), None);
    }

    #[test]
    fn what_the_host_does_not_compare_does_not_change_the_key(volume in volume(), more in entropy()) {
        let entropy = &mut Entropy::new(more);
        let mut other = volume.clone();
        let disk = other.disk.as_mut().unwrap();
        disk.volume = Draw::draw(entropy);
        disk.persistence.as_mut().unwrap().principal = Draw::draw(entropy);
        for labels in other.reservations.iter_mut().filter_map(|reservation| reservation.labels.as_mut()) {
            labels.labels.reverse();
        }
        let key = |resource: &full::Resource| {
            comparison_key(&split(&resource.encode_to_vec()).unwrap().identity).unwrap()
        };
        prop_assert_eq!(key(&volume), key(&other));
        other.disk.as_mut().unwrap().persistence.as_mut().unwrap().id.push(b'x');
        prop_assert_ne!(key(&volume), key(&other));
    }
}

/// The identity of an identity joined with the value of `resource`.
fn split_again(identity: &[u8], resource: &full::Resource) -> Vec<u8> {
    let bytes = resource.encode_to_vec();
    let value: Value = split(&bytes).unwrap().value;
    split(&join(identity, &value, None)).unwrap().identity
}

#[test]
fn every_compared_part_of_a_resource_changes_the_key() {
    let key = |resource: &full::Resource| {
        comparison_key(&split(&resource.encode_to_vec()).unwrap().identity).unwrap()
    };
    let base = everything();
    type Change = fn(&mut full::Resource);
    let changes: [(&str, Change); 14] = [
        ("name", |resource| resource.name.push(b'x')),
        ("provider", |resource| resource.provider_id = None),
        ("revocable", |resource| resource.revocable = None),
        ("shared", |resource| resource.shared = None),
        ("disk", |resource| resource.disk = None),
        ("reservation order", |resource| resource.reservations.reverse()),
        ("reservation principal", |resource| resource.reservations[1].principal = None),
        ("reservation labels", |resource| resource.reservations[1].labels = None),
        ("reservation type", |resource| resource.reservations[0].r#type = Some(2)),
        ("persistence id", |resource| {
            resource.disk.as_mut().unwrap().persistence.as_mut().unwrap().id = b"other".to_vec();
        }),
        ("source type", |resource| resource.disk.as_mut().unwrap().source.as_mut().unwrap().r#type = 3),
        ("source path", |resource| resource.disk.as_mut().unwrap().source.as_mut().unwrap().path = None),
        ("source id", |resource| resource.disk.as_mut().unwrap().source.as_mut().unwrap().id = None),
        ("source profile", |resource| {
            resource.disk.as_mut().unwrap().source.as_mut().unwrap().profile = None
        }),
    ];
    for (what, change) in changes {
        let mut changed = base.clone();
        change(&mut changed);
        assert_ne!(key(&base), key(&changed), "{what}");
    }
}

#[test]
fn a_label_without_value_has_the_key_of_one_with_an_empty_value() {
    let key = |value: Option<Vec<u8>>| {
        let mut resource = everything();
        let labels = full::Labels { labels: vec![full::Label { key: b"k".to_vec(), value }] };
        resource.reservations[1].labels = Some(labels);
        comparison_key(&split(&resource.encode_to_vec()).unwrap().identity).unwrap()
    };
    assert_eq!(key(None), key(Some(vec![])));
    assert_ne!(key(None), key(Some(b"v".to_vec())));
}

#[test]
fn the_last_of_repeated_texts_counts_as_in_the_host() {
    let bytes = [&b"\x0a\x01a\x10\x01"[..], b"\x0a\x04cpus\x10\x00\x1a\x09\x09\0\0\0\0\0\0\0\x40"].concat();
    let resource = split(&bytes).unwrap();
    assert_eq!(resource.facts.name, b"cpus");
    assert_eq!(resource.facts.value_type, ValueType::Scalar);
    assert_eq!(resource.identity, b"\x0a\x04cpus\x10\x00");
}
