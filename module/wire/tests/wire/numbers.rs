//! The declarations against the table of field numbers.
//!
//! For every row of the table a message with that one field set is decoded. In the declared message exactly the
//! field of that name has to change, or nothing if the field is not declared.

use std::collections::{BTreeMap, BTreeSet};

use apportion_wire::messages::{self, HostMessage};
use prost::Message;

use crate::parsing::{bytes_field, varint_field};
use crate::{full, table};

/// A declared message, without its type.
pub(crate) struct Declared {
    pub(crate) proto: &'static str,
    pub(crate) default: String,
    /// The message in Rust's own notation, if the bytes decode.
    pub(crate) decode: fn(&[u8]) -> Option<String>,
}

impl Declared {
    pub(crate) fn of<M: Message + Default + std::fmt::Debug>(proto: &'static str) -> Self {
        Declared {
            proto,
            default: format!("{:#?}", M::default()),
            decode: |bytes| M::decode(bytes).ok().map(|message| format!("{message:#?}")),
        }
    }
}

macro_rules! host_messages {
    ($($message:ident)+) => {
        /// Every message that the crate declares.
        pub(crate) fn host_messages() -> Vec<Declared> {
            vec![$(Declared::of::<messages::$message>(<messages::$message as HostMessage>::NAME),)+]
        }

        /// Decodes bytes as each of them; the number of those that took them.
        pub(crate) fn decode_as_each(bytes: &[u8]) -> usize {
            [$(messages::decode::<messages::$message>(bytes).is_ok(),)+].iter().filter(|taken| **taken).count()
        }
    };
}

host_messages! {
    AgentId AgentInfo Attribute BlockStatistics Capability CapabilityInfo CgroupInfo CommandInfo ContainerConfig ContainerId
    ContainerInfo ContainerLaunchInfo ContainerLimitation ContainerMountInfo ContainerSeccompProfile ContainerState ContainerStatus ContainerTermination
    DeviceCount DeviceNumber DeviceStatistics DockerInfo Domain DurationInfo Environment ExecutorId ExecutorInfo ExecutorUsage FaultDomain Filters
    FrameworkId FrameworkInfo Image ImageName InverseOfferStatus LinuxInfo MesosInfo MinAllocatableResources NamedZone NetCls OfferFilters
    OfferFiltersEntry OperationId Parameter Parameters QosCorrection QosKill QuotaConfig QuotaInfo QuotaRequest
    RLimit RLimitInfo RawEnvironment RawLabels ResourceQuantities ResourceStatistics ResourceUsage ScalarEntry SeccompArg
    SeccompSyscall TaskId TaskInfo
    TaskStatus TaskUsage TextItems TextValue TimeInfo Unavailability ValueRange ValueRanges ValueScalar Variable
    WeightInfo
}

/// Map entries have no row of their own: the encoding fixes key = 1 and value = 2.
const MAP_ENTRIES: [&str; 2] = ["FrameworkInfo.OfferFiltersEntry", "map entry of Value.Scalar"];

/// The top-level fields of a message in Rust's notation.
fn top_level(debug: &str) -> BTreeMap<String, String> {
    let mut fields: BTreeMap<String, String> = BTreeMap::new();
    let mut current = String::new();
    for line in debug.lines().skip(1) {
        let top = line.strip_prefix("    ").filter(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase()));
        if let Some((name, _)) = top.and_then(|rest| rest.split_once(':')) {
            current = name.trim_start_matches("r#").to_owned();
        }
        fields.entry(current.clone()).or_default().push_str(line);
    }
    fields.remove("");
    fields
}

/// One field on the wire with a payload that a declared field of this kind takes and shows.
fn samples(number: u32, kind: &str) -> Vec<Vec<u8>> {
    match kind {
        "V" => vec![varint_field(number, 2), varint_field(number, 1)],
        "D" => {
            let mut field = Vec::new();
            prost::encoding::double::encode(number, &1.5, &mut field);
            vec![field]
        }
        "B" => {
            [&b""[..], b"\x0a\x01x", b"\x08\x01", b"\x12\x01x", b"\x0a\0", b"\x12\0", b"\x0a\x03\x0a\x01x"]
                .iter()
                .map(|payload| bytes_field(number, payload))
                .collect()
        }
        other => panic!("unknown kind {other} in the table"),
    }
}

/// Names of the fields that differ from the default after decoding.
fn changed(message: &Declared, bytes: &[u8]) -> Option<BTreeSet<String>> {
    let before = top_level(&message.default);
    let after = top_level(&(message.decode)(bytes)?);
    Some(
        after
            .into_iter()
            .filter(|(name, text)| before.get(name) != Some(text))
            .map(|(name, _)| name)
            .collect(),
    )
}

fn check(message: &Declared) {
    let proto = message.proto;
    let (_, row) =
        table::FIELDS.iter().find(|(name, _)| *name == proto).unwrap_or_else(|| panic!("{proto}: no row"));
    let mut reached = BTreeSet::new();
    for field in row.split_whitespace() {
        let (name, rest) = field.split_once('=').unwrap();
        let (number, kind) = rest.split_at(rest.len() - 1);
        let samples = samples(number.parse().unwrap(), kind);
        let shown: Vec<_> = samples
            .iter()
            .filter_map(|sample| changed(message, sample))
            .filter(|names| !names.is_empty())
            .collect();
        for names in &shown {
            let rust_name = if name == "slave_id" { "agent_id" } else { name };
            assert_eq!(names, &BTreeSet::from([rust_name.to_owned()]), "{proto}: {name} = {number}");
            reached.extend(names.clone());
        }
        // A field of another wire type than declared would be refused in every form.
        assert!(
            samples.iter().any(|sample| (message.decode)(sample).is_some()),
            "{proto}: {name} is not a {kind}"
        );
    }
    let declared: BTreeSet<String> = top_level(&message.default).into_keys().collect();
    assert_eq!(
        reached, declared,
        "{proto}: a declared field has a number that the table gives to none of that name"
    );
}

#[test]
fn every_declared_field_has_the_number_and_wire_type_of_mesos() {
    let declared = host_messages();
    assert!(declared.len() > 50);
    for message in declared.iter().filter(|message| !MAP_ENTRIES.contains(&message.proto)) {
        check(message);
    }
}

#[test]
fn the_oracle_declares_every_field_of_a_resource_and_of_what_is_in_it() {
    for message in full::declared() {
        check(&message);
        let (_, row) = table::FIELDS.iter().find(|(name, _)| *name == message.proto).unwrap();
        let fields = row.split_whitespace().count();
        assert_eq!(top_level(&message.default).len(), fields, "{}", message.proto);
    }
}
