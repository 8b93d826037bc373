//! Agents, their attributes, and values.

use super::Kind::{Choice, Double, Flag, Int32, Nested, Resource, Text, Uint64};
use super::Presence::{Optional, Repeated, Required};
use super::{Choices, Message, member};

pub(in crate::hooks) static SLAVE_INFO: Message = Message {
    name: "SlaveInfo",
    members: &[
        member("hostname", 1, Required, Text),
        member("port", 8, Optional, Int32),
        member("resources", 3, Repeated, Resource),
        member("attributes", 5, Repeated, Nested(&ATTRIBUTE)),
        member("id", 6, Optional, Nested(&SLAVE_ID)),
        member("domain", 10, Optional, Nested(&DOMAIN_INFO)),
        member("checkpoint", 7, Optional, Flag),
    ],
};

pub(in crate::hooks) static SLAVE_ID: Message =
    Message { name: "SlaveID", members: &[member("value", 1, Required, Text)] };

pub(in crate::hooks) static VALUE_SCALAR: Message =
    Message { name: "Value.Scalar", members: &[member("value", 1, Required, Double)] };

pub(in crate::hooks) static ATTRIBUTE: Message = Message {
    name: "Attribute",
    members: &[
        member("name", 1, Required, Text),
        member("type", 2, Required, Choice(VALUE_TYPE)),
        member("scalar", 3, Optional, Nested(&VALUE_SCALAR)),
        member("ranges", 4, Optional, Nested(&VALUE_RANGES)),
        member("set", 6, Optional, Nested(&VALUE_SET)),
        member("text", 5, Optional, Nested(&VALUE_TEXT)),
    ],
};

pub(in crate::hooks) static DOMAIN_INFO: Message = Message {
    name: "DomainInfo",
    members: &[member("fault_domain", 1, Optional, Nested(&DOMAIN_INFO_FAULT_DOMAIN))],
};

pub(in crate::hooks) static VALUE_RANGES: Message =
    Message { name: "Value.Ranges", members: &[member("range", 1, Repeated, Nested(&VALUE_RANGE))] };

pub(in crate::hooks) static VALUE_SET: Message =
    Message { name: "Value.Set", members: &[member("item", 1, Repeated, Text)] };

pub(in crate::hooks) static VALUE_TEXT: Message =
    Message { name: "Value.Text", members: &[member("value", 1, Required, Text)] };

pub(in crate::hooks) static DOMAIN_INFO_FAULT_DOMAIN: Message = Message {
    name: "DomainInfo.FaultDomain",
    members: &[
        member("region", 1, Required, Nested(&DOMAIN_INFO_FAULT_DOMAIN_REGION_INFO)),
        member("zone", 2, Required, Nested(&DOMAIN_INFO_FAULT_DOMAIN_ZONE_INFO)),
    ],
};

pub(in crate::hooks) static VALUE_RANGE: Message = Message {
    name: "Value.Range",
    members: &[member("begin", 1, Required, Uint64), member("end", 2, Required, Uint64)],
};

pub(in crate::hooks) static DOMAIN_INFO_FAULT_DOMAIN_REGION_INFO: Message =
    Message { name: "DomainInfo.FaultDomain.RegionInfo", members: &[member("name", 1, Required, Text)] };

pub(in crate::hooks) static DOMAIN_INFO_FAULT_DOMAIN_ZONE_INFO: Message =
    Message { name: "DomainInfo.FaultDomain.ZoneInfo", members: &[member("name", 1, Required, Text)] };

const VALUE_TYPE: Choices = &[("SCALAR", 0), ("RANGES", 1), ("SET", 2), ("TEXT", 3)];
