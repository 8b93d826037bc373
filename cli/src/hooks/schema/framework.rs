//! Frameworks.

use super::Kind::{Choice, Double, Flag, Map, Nested, Text};
use super::Presence::{Optional, Repeated, Required};
use super::agent::VALUE_SCALAR;
use super::task::LABELS;
use super::{Choices, Message, member};

pub(in crate::hooks) static FRAMEWORK_INFO: Message = Message {
    name: "FrameworkInfo",
    members: &[
        member("user", 1, Required, Text),
        member("name", 2, Required, Text),
        member("id", 3, Optional, Nested(&FRAMEWORK_ID)),
        member("failover_timeout", 4, Optional, Double),
        member("checkpoint", 5, Optional, Flag),
        member("role", 6, Optional, Text),
        member("roles", 12, Repeated, Text),
        member("hostname", 7, Optional, Text),
        member("principal", 8, Optional, Text),
        member("webui_url", 9, Optional, Text),
        member("capabilities", 10, Repeated, Nested(&FRAMEWORK_INFO_CAPABILITY)),
        member("labels", 11, Optional, Nested(&LABELS)),
        member("offer_filters", 13, Optional, Map(&Nested(&OFFER_FILTERS))),
    ],
};

pub(in crate::hooks) static FRAMEWORK_ID: Message =
    Message { name: "FrameworkID", members: &[member("value", 1, Required, Text)] };

pub(in crate::hooks) static FRAMEWORK_INFO_CAPABILITY: Message = Message {
    name: "FrameworkInfo.Capability",
    members: &[member("type", 1, Optional, Choice(FRAMEWORK_INFO_CAPABILITY_TYPE))],
};

pub(in crate::hooks) static OFFER_FILTERS: Message = Message {
    name: "OfferFilters",
    members: &[member(
        "min_allocatable_resources",
        1,
        Optional,
        Nested(&OFFER_FILTERS_MIN_ALLOCATABLE_RESOURCES),
    )],
};

pub(in crate::hooks) static OFFER_FILTERS_MIN_ALLOCATABLE_RESOURCES: Message = Message {
    name: "OfferFilters.MinAllocatableResources",
    members: &[member("quantities", 1, Repeated, Nested(&OFFER_FILTERS_RESOURCE_QUANTITIES))],
};

pub(in crate::hooks) static OFFER_FILTERS_RESOURCE_QUANTITIES: Message = Message {
    name: "OfferFilters.ResourceQuantities",
    members: &[member("quantities", 1, Optional, Map(&Nested(&VALUE_SCALAR)))],
};

const FRAMEWORK_INFO_CAPABILITY_TYPE: Choices = &[
    ("UNKNOWN", 0),
    ("REVOCABLE_RESOURCES", 1),
    ("TASK_KILLING_STATE", 2),
    ("GPU_RESOURCES", 3),
    ("SHARED_RESOURCES", 4),
    ("PARTITION_AWARE", 5),
    ("MULTI_ROLE", 6),
    ("RESERVATION_REFINEMENT", 7),
    ("REGION_AWARE", 8),
];
