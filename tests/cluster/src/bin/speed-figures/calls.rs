//! The scheduler calls that are made and the events that are read, as bytes: only the fields wanted here. Neither side
//! spells anything as JSON, which would cost more than what is measured.

use prost::Message;

/// `FrameworkInfo.Capability.Type` of a framework that can have several roles.
const MULTI_ROLE: i32 = 6;

/// An id, of whatever it is.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub(crate) struct Id {
    #[prost(string, required, tag = "1")]
    pub(crate) value: String,
}

#[derive(Clone, PartialEq, Message)]
struct Capability {
    #[prost(int32, optional, tag = "1")]
    kind: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
struct FrameworkInfo {
    #[prost(string, required, tag = "1")]
    user: String,
    #[prost(string, required, tag = "2")]
    name: String,
    #[prost(message, repeated, tag = "10")]
    capabilities: Vec<Capability>,
    #[prost(string, repeated, tag = "12")]
    roles: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
struct Subscribe {
    #[prost(message, required, tag = "1")]
    framework_info: FrameworkInfo,
}

#[derive(Clone, PartialEq, Message)]
struct Filters {
    #[prost(double, optional, tag = "1")]
    refuse_seconds: Option<f64>,
}

#[derive(Clone, PartialEq, Message)]
struct Decline {
    #[prost(message, repeated, tag = "1")]
    offer_ids: Vec<Id>,
    #[prost(message, optional, tag = "2")]
    filters: Option<Filters>,
}

#[derive(Clone, PartialEq, Message)]
struct Call {
    #[prost(message, optional, tag = "1")]
    framework_id: Option<Id>,
    #[prost(int32, optional, tag = "2")]
    kind: Option<i32>,
    #[prost(message, optional, tag = "3")]
    subscribe: Option<Subscribe>,
    #[prost(message, optional, tag = "5")]
    decline: Option<Decline>,
}

/// `Call.Type`.
const SUBSCRIBE: i32 = 1;
const DECLINE: i32 = 4;
const REVIVE: i32 = 5;

/// A framework of that name wants offers for a role.
pub(crate) fn subscribe(name: &str, role: &str) -> Vec<u8> {
    let framework_info = FrameworkInfo {
        user: "nobody".to_owned(),
        name: name.to_owned(),
        capabilities: vec![Capability { kind: Some(MULTI_ROLE) }],
        roles: vec![role.to_owned()],
    };
    let subscribe = Some(Subscribe { framework_info });
    Call { kind: Some(SUBSCRIBE), subscribe, ..Call::default() }.encode_to_vec()
}

/// A framework wants nothing of these offers, nor of their agents for so long.
pub(crate) fn decline(framework_id: &Id, offer_ids: Vec<Id>, refuse_seconds: f64) -> Vec<u8> {
    let filters = Some(Filters { refuse_seconds: Some(refuse_seconds) });
    let decline = Some(Decline { offer_ids, filters });
    let framework_id = Some(framework_id.clone());
    Call { framework_id, kind: Some(DECLINE), decline, ..Call::default() }.encode_to_vec()
}

/// A framework wants everything again.
pub(crate) fn revive(framework_id: &Id) -> Vec<u8> {
    Call { framework_id: Some(framework_id.clone()), kind: Some(REVIVE), ..Call::default() }.encode_to_vec()
}

/// An offer, as far as anybody here looks at it.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct Offer {
    #[prost(message, required, tag = "1")]
    pub(crate) id: Id,
    #[prost(message, required, tag = "3")]
    pub(crate) agent_id: Id,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Subscribed {
    #[prost(message, required, tag = "1")]
    pub(crate) framework_id: Id,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Offers {
    #[prost(message, repeated, tag = "1")]
    pub(crate) offers: Vec<Offer>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Refusal {
    #[prost(string, required, tag = "1")]
    pub(crate) message: String,
}

/// What the master says; at most one of the fields is there.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Event {
    #[prost(message, optional, tag = "2")]
    pub(crate) subscribed: Option<Subscribed>,
    #[prost(message, optional, tag = "3")]
    pub(crate) offers: Option<Offers>,
    #[prost(message, optional, tag = "8")]
    pub(crate) error: Option<Refusal>,
}
