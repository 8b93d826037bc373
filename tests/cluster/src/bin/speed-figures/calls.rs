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
struct Amount {
    #[prost(double, required, tag = "1")]
    value: f64,
}

#[derive(Clone, PartialEq, Message)]
struct Allocation {
    #[prost(string, optional, tag = "1")]
    role: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
struct Resource {
    #[prost(string, required, tag = "1")]
    name: String,
    /// Scalar is zero.
    #[prost(int32, required, tag = "2")]
    kind: i32,
    #[prost(message, optional, tag = "3")]
    scalar: Option<Amount>,
    #[prost(message, optional, tag = "11")]
    allocation: Option<Allocation>,
}

#[derive(Clone, PartialEq, Message)]
struct Command {
    #[prost(string, optional, tag = "3")]
    value: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
struct Task {
    #[prost(string, required, tag = "1")]
    name: String,
    #[prost(message, required, tag = "2")]
    id: Id,
    #[prost(message, required, tag = "3")]
    agent_id: Id,
    #[prost(message, repeated, tag = "4")]
    resources: Vec<Resource>,
    #[prost(message, optional, tag = "7")]
    command: Option<Command>,
}

#[derive(Clone, PartialEq, Message)]
struct Launch {
    #[prost(message, repeated, tag = "1")]
    tasks: Vec<Task>,
}

#[derive(Clone, PartialEq, Message)]
struct Operation {
    #[prost(int32, optional, tag = "1")]
    kind: Option<i32>,
    #[prost(message, optional, tag = "2")]
    launch: Option<Launch>,
}

#[derive(Clone, PartialEq, Message)]
struct Accept {
    #[prost(message, repeated, tag = "1")]
    offer_ids: Vec<Id>,
    #[prost(message, repeated, tag = "2")]
    operations: Vec<Operation>,
    #[prost(message, optional, tag = "3")]
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
    #[prost(message, optional, tag = "4")]
    accept: Option<Accept>,
    #[prost(message, optional, tag = "5")]
    decline: Option<Decline>,
}

/// `Call.Type`.
const SUBSCRIBE: i32 = 1;
const ACCEPT: i32 = 3;
const DECLINE: i32 = 4;
const REVIVE: i32 = 5;
/// `Offer.Operation.Type`.
const LAUNCH: i32 = 1;

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

/// A framework launches a task of a cpu and 128 MB on an offer to that role, and wants nothing more of the agent for so
/// long. The task has the offer's id, so that no two have the same.
pub(crate) fn launch(framework_id: &Id, role: &str, offer: &Offer, refuse_seconds: f64) -> Vec<u8> {
    let resource = |name: &str, value| Resource {
        name: name.to_owned(),
        kind: 0,
        scalar: Some(Amount { value }),
        allocation: Some(Allocation { role: Some(role.to_owned()) }),
    };
    let task = Task {
        name: "task".to_owned(),
        id: offer.id.clone(),
        agent_id: offer.agent_id.clone(),
        resources: vec![resource("cpus", 1.0), resource("mem", 128.0)],
        command: Some(Command { value: Some("sleep 1000".to_owned()) }),
    };
    let accept = Accept {
        offer_ids: vec![offer.id.clone()],
        operations: vec![Operation { kind: Some(LAUNCH), launch: Some(Launch { tasks: vec![task] }) }],
        filters: Some(Filters { refuse_seconds: Some(refuse_seconds) }),
    };
    let framework_id = Some(framework_id.clone());
    Call { framework_id, kind: Some(ACCEPT), accept: Some(accept), ..Call::default() }.encode_to_vec()
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
