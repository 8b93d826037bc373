//! Labels merged without loss, and what the smaller messages promise.

use apportion_wire::WireError;
use apportion_wire::messages::*;
use proptest::prelude::*;
use prost::Message;

use crate::full;
use crate::parsing::{bytes_field, concat, fields};

#[test]
fn setting_a_label_keeps_the_unknown_fields_of_all_labels() {
    // Label { key: "team", value: "a", 7: "?" }, Label { key: "x", 9: 1 }, and field 5 of Labels itself.
    let team = b"\x0a\x04team\x12\x01a\x3a\x01?";
    let other = b"\x0a\x01x\x48\x01";
    let bytes = [bytes_field(1, team), bytes_field(5, b"new"), bytes_field(1, other)].concat();
    let mut labels = LabelList::decode(&bytes).unwrap();
    assert!(labels.set(b"team", Some(b"b")));
    assert!(!labels.set(b"team", Some(b"b")), "nothing changes the second time");
    labels.push(b"z", None);
    let expected = [
        bytes_field(1, b"\x0a\x04team\x3a\x01?\x12\x01b"),
        bytes_field(1, other),
        bytes_field(1, b"\x0a\x01z"),
        bytes_field(5, b"new"),
    ];
    assert_eq!(labels.encode(), expected.concat());
}

#[test]
fn setting_a_label_takes_out_further_ones_with_the_same_key() {
    let mut labels = LabelList::default();
    for (key, value) in [(b"a", b"1"), (b"b", b"2"), (b"a", b"3")] {
        labels.push(key, Some(value));
    }
    assert!(labels.set(b"a", Some(b"1")));
    let left: Vec<_> = labels.iter().map(|label| (label.key, label.value)).collect();
    assert_eq!(left, [(&b"a"[..], Some(&b"1"[..])), (b"b", Some(b"2"))]);
    assert!(labels.remove(b"a") && !labels.remove(b"a"));
    assert_eq!((labels.len(), labels.is_empty()), (1, false));
}

#[test]
fn labels_that_are_not_to_stay_go_and_the_others_keep_their_bytes() {
    let kept = b"\x0a\x01b\x12\x012\x48\x01";
    let bytes =
        [bytes_field(1, b"\x0a\x01a\x12\x011"), bytes_field(1, kept), bytes_field(1, b"\x0a\x01a")].concat();
    let mut labels = LabelList::decode(&bytes).unwrap();
    labels.retain(|label| label.key != b"a" || label.value == Some(b"3"));
    assert_eq!(labels.encode(), bytes_field(1, kept));
}

proptest! {
    #[test]
    fn labels_that_are_not_touched_keep_their_bytes(keys in proptest::collection::vec((any::<Vec<u8>>(), any::<Option<Vec<u8>>>()), 0..6)) {
        let labels = full::Labels {
            labels: keys.iter().map(|(key, value)| full::Label { key: key.clone(), value: value.clone() }).collect(),
        };
        let bytes = labels.encode_to_vec();
        let list = LabelList::decode(&bytes).unwrap();
        prop_assert_eq!(list.encode(), bytes);
        let read: Vec<_> = list.iter().map(|label| (label.key.to_vec(), label.value.map(<[u8]>::to_vec))).collect();
        prop_assert_eq!(read, keys);
    }
}

#[test]
fn required_fields_are_written_even_when_empty() {
    let numbers = |bytes: &[u8]| fields(bytes).into_iter().map(|(number, _)| number).collect::<Vec<_>>();
    assert_eq!(numbers(&encode(&Variable::default())), [1]);
    assert_eq!(numbers(&encode(&ResourceStatistics::default())), [1]);
    assert_eq!(numbers(&encode(&ContainerMountInfo::default())), [1]);
    assert_eq!(numbers(&encode(&QosCorrection::default())), [1]);
    assert_eq!(numbers(&encode(&InverseOfferStatus::default())), [1, 2, 3]);
    assert_eq!(numbers(&encode(&Parameter::default())), [1, 2]);
    assert_eq!(numbers(&encode(&ContainerId::default())), [1]);
    assert_eq!(numbers(&encode(&Unavailability::default())), [1]);
}

#[test]
fn absent_fields_have_the_defaults_of_mesos() {
    assert_eq!(Filters::default().refuse_seconds(), 5.0);
    assert_eq!(AgentInfo::default().port(), 5051);
    assert!(CommandInfo::default().shell());
    assert!(LinuxInfo::default().share_cgroups());
    assert!(!FrameworkInfo::default().checkpoint());
    assert_eq!(Variable::default().r#type(), Variable::VALUE);
    assert_eq!(ContainerConfig::default().container_class(), ContainerConfig::CLASS_DEFAULT);
}

#[test]
fn a_framework_without_multi_role_has_one_role() {
    let mut framework =
        FrameworkInfo { roles: vec![b"a".to_vec(), b"b".to_vec()], ..FrameworkInfo::default() };
    assert_eq!(framework.all_roles(), [b"*"]);
    framework.role = Some(b"\xff".to_vec());
    assert_eq!(framework.all_roles(), [b"\xff"]);
    framework.capabilities.push(Capability { r#type: Some(Capability::MULTI_ROLE) });
    assert_eq!(framework.all_roles(), [b"a", b"b"]);
}

#[test]
fn a_framework_name_that_is_not_utf8_is_read() {
    let bytes = [bytes_field(1, b"root"), bytes_field(2, b"\xff\xfe")].concat();
    let framework: FrameworkInfo = decode(&bytes).unwrap();
    assert_eq!(framework.name, b"\xff\xfe");
}

#[test]
fn nested_containers_name_their_parents() {
    let child = [bytes_field(1, b"child"), bytes_field(2, &bytes_field(1, b"parent"))].concat();
    let id: ContainerId = decode(&child).unwrap();
    assert_eq!(id.parent.as_ref().unwrap().value, b"parent");
    assert_eq!(encode(&id), child);
}

#[test]
fn a_message_that_does_not_decode_says_where() {
    // TaskInfo: name, task_id, then a label cut off inside labels.
    let good = [bytes_field(1, b"t"), bytes_field(2, &bytes_field(1, b"id"))].concat();
    let bytes = [good.clone(), bytes_field(10, b"\x0a\x05k")].concat();
    let Err(WireError::Malformed { message, offset, length, field, reason }) = decode::<TaskInfo>(&bytes)
    else {
        panic!("a cut label decodes");
    };
    assert_eq!((message, offset, length, field), ("TaskInfo", good.len(), bytes.len(), 10));
    assert!(reason.contains("labels"), "{reason}");
    let cut = &bytes[..good.len() + 1];
    let found = decode::<TaskInfo>(cut);
    assert!(matches!(found, Err(WireError::Malformed { offset, .. }) if offset == good.len()), "{found:?}");
}

#[test]
fn environments_are_written_in_order() {
    let environment = Environment::of([(&b"A"[..], &b"1"[..]), (b"B", b"2")]);
    let variable = |name: &[u8], value: &[u8]| {
        (1, bytes_field(1, &[bytes_field(1, name), bytes_field(2, value), vec![0x18, 1]].concat()))
    };
    assert_eq!(encode(&environment), concat(&[variable(b"A", b"1"), variable(b"B", b"2")]));
}
