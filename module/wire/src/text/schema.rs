//! The members of `mesos.Resource` in the JSON form.

use crate::schema::Presence::{self, Optional, Repeated, Required};

pub(super) type Message = crate::schema::Message<Kind>;
pub(super) type Member = crate::schema::Member<Kind>;

/// What a field holds.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Text,
    Whole,
    Double,
    /// Names and numbers.
    Choice(&'static [(&'static str, u64)]),
    Message(&'static Message),
}

use Kind::{Choice, Double, Text, Whole};

const fn member(name: &'static str, number: u32, presence: Presence, kind: Kind) -> Member {
    Member::new(name, number, presence, kind)
}

/// `mesos.Resource`.
pub(super) const RESOURCE: Message = Message {
    name: "Resource",
    members: &[
        member("provider_id", 12, Optional, Kind::Message(&PROVIDER_ID)),
        member("name", 1, Required, Text),
        member("type", 2, Required, Choice(&[("SCALAR", 0), ("RANGES", 1), ("SET", 2)])),
        member("scalar", 3, Optional, Kind::Message(&SCALAR)),
        member("ranges", 4, Optional, Kind::Message(&RANGES)),
        member("set", 5, Optional, Kind::Message(&SET)),
        member("role", 6, Optional, Text),
        member("allocation_info", 11, Optional, Kind::Message(&ALLOCATION)),
        member("reservation", 8, Optional, Kind::Message(&RESERVATION)),
        member("reservations", 13, Repeated, Kind::Message(&RESERVATION)),
        member("disk", 7, Optional, Kind::Message(&DISK)),
        member("revocable", 9, Optional, Kind::Message(&REVOCABLE)),
        member("shared", 10, Optional, Kind::Message(&SHARED)),
    ],
};

const PROVIDER_ID: Message =
    Message { name: "ResourceProviderID", members: &[member("value", 1, Required, Text)] };
const SCALAR: Message = Message { name: "Value.Scalar", members: &[member("value", 1, Required, Double)] };
const RANGES: Message =
    Message { name: "Value.Ranges", members: &[member("range", 1, Repeated, Kind::Message(&RANGE))] };
const RANGE: Message = Message {
    name: "Value.Range",
    members: &[member("begin", 1, Required, Whole), member("end", 2, Required, Whole)],
};
const SET: Message = Message { name: "Value.Set", members: &[member("item", 1, Repeated, Text)] };
const ALLOCATION: Message =
    Message { name: "Resource.AllocationInfo", members: &[member("role", 1, Required, Text)] };
const REVOCABLE: Message = Message { name: "Resource.RevocableInfo", members: &[] };
const SHARED: Message = Message { name: "Resource.SharedInfo", members: &[] };

const RESERVATION: Message = Message {
    name: "Resource.ReservationInfo",
    members: &[
        member("type", 4, Optional, Choice(&[("STATIC", 1), ("DYNAMIC", 2)])),
        member("role", 3, Optional, Text),
        member("principal", 1, Optional, Text),
        member("labels", 2, Optional, Kind::Message(&LABELS)),
    ],
};
const LABELS: Message =
    Message { name: "Labels", members: &[member("labels", 1, Repeated, Kind::Message(&LABEL))] };
const LABEL: Message = Message {
    name: "Label",
    members: &[member("key", 1, Required, Text), member("value", 2, Optional, Text)],
};

const DISK: Message = Message {
    name: "Resource.DiskInfo",
    members: &[
        member("persistence", 1, Optional, Kind::Message(&PERSISTENCE)),
        member("volume", 2, Optional, Kind::Message(&VOLUME)),
        member("source", 3, Optional, Kind::Message(&SOURCE)),
    ],
};
const PERSISTENCE: Message = Message {
    name: "Resource.DiskInfo.Persistence",
    members: &[member("id", 1, Required, Text), member("principal", 2, Optional, Text)],
};
const VOLUME: Message = Message {
    name: "Volume",
    members: &[
        member("mode", 3, Required, Choice(&[("RW", 1), ("RO", 2)])),
        member("container_path", 1, Required, Text),
        member("host_path", 2, Optional, Text),
    ],
};
const SOURCE: Message = Message {
    name: "Resource.DiskInfo.Source",
    members: &[
        member("type", 1, Required, Choice(&[("PATH", 1), ("MOUNT", 2), ("BLOCK", 3), ("RAW", 4)])),
        member("path", 2, Optional, Kind::Message(&DIRECTORY)),
        member("mount", 3, Optional, Kind::Message(&DIRECTORY)),
        member("vendor", 7, Optional, Text),
        member("id", 4, Optional, Text),
        member("metadata", 5, Optional, Kind::Message(&LABELS)),
        member("profile", 6, Optional, Text),
    ],
};
const DIRECTORY: Message =
    Message { name: "Resource.DiskInfo.Source.Path", members: &[member("root", 1, Optional, Text)] };
