//! The few protobuf messages between a master and an agent that a simulated agent speaks, with only the fields it
//! uses. What Mesos calls a slave in its message names is an agent here.

/// Any of Mesos' id messages. Ids are bytes: Mesos does not check that they are text.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Id {
    #[prost(bytes = "vec", required, tag = "1")]
    pub(super) value: Vec<u8>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Scalar {
    #[prost(double, required, tag = "1")]
    pub(super) value: f64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Range {
    #[prost(uint64, required, tag = "1")]
    pub(super) begin: u64,
    #[prost(uint64, required, tag = "2")]
    pub(super) end: u64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Ranges {
    #[prost(message, repeated, tag = "1")]
    pub(super) range: Vec<Range>,
}

/// Presence marks a resource as revocable.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Revocable {}

/// `kind` is 0 for a scalar, 1 for ranges.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Resource {
    #[prost(string, required, tag = "1")]
    pub(super) name: String,
    #[prost(int32, required, tag = "2")]
    pub(super) kind: i32,
    #[prost(message, optional, tag = "3")]
    pub(super) scalar: Option<Scalar>,
    #[prost(message, optional, tag = "4")]
    pub(super) ranges: Option<Ranges>,
    #[prost(string, required, tag = "6")]
    pub(super) role: String,
    #[prost(message, optional, tag = "9")]
    pub(super) revocable: Option<Revocable>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Text {
    #[prost(string, required, tag = "1")]
    pub(super) value: String,
}

/// `kind` is 3 for text.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Attribute {
    #[prost(string, required, tag = "1")]
    pub(super) name: String,
    #[prost(int32, required, tag = "2")]
    pub(super) kind: i32,
    #[prost(message, optional, tag = "5")]
    pub(super) text: Option<Text>,
}

/// Name of a region or of a zone.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct DomainName {
    #[prost(string, required, tag = "1")]
    pub(super) name: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct FaultDomain {
    #[prost(message, required, tag = "1")]
    pub(super) region: DomainName,
    #[prost(message, required, tag = "2")]
    pub(super) zone: DomainName,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Domain {
    #[prost(message, optional, tag = "1")]
    pub(super) fault_domain: Option<FaultDomain>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct AgentInfo {
    #[prost(string, required, tag = "1")]
    pub(super) hostname: String,
    #[prost(message, repeated, tag = "3")]
    pub(super) resources: Vec<Resource>,
    #[prost(message, repeated, tag = "5")]
    pub(super) attributes: Vec<Attribute>,
    #[prost(message, optional, tag = "6")]
    pub(super) id: Option<Id>,
    #[prost(bool, required, tag = "7")]
    pub(super) checkpoint: bool,
    #[prost(int32, required, tag = "8")]
    pub(super) port: i32,
    #[prost(message, optional, tag = "10")]
    pub(super) domain: Option<Domain>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Capability {
    #[prost(int32, required, tag = "1")]
    pub(super) kind: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Register {
    #[prost(message, required, tag = "1")]
    pub(super) agent: AgentInfo,
    #[prost(string, required, tag = "2")]
    pub(super) version: String,
    #[prost(message, repeated, tag = "4")]
    pub(super) capabilities: Vec<Capability>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Reregister {
    #[prost(message, required, tag = "2")]
    pub(super) agent: AgentInfo,
    #[prost(string, required, tag = "6")]
    pub(super) version: String,
    /// As [`Checkpoint`] brought them.
    #[prost(bytes = "vec", repeated, tag = "7")]
    pub(super) checkpointed: Vec<Vec<u8>>,
    #[prost(message, repeated, tag = "9")]
    pub(super) capabilities: Vec<Capability>,
}

/// The reservations and volumes that an agent has to write down, each a `Resource` that is only handed back.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Checkpoint {
    #[prost(bytes = "vec", repeated, tag = "1")]
    pub(super) resources: Vec<Vec<u8>>,
}

/// What an agent lends beyond its own resources; replaces what it said of that before.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct UpdateAgent {
    #[prost(message, required, tag = "1")]
    pub(super) agent_id: Id,
    #[prost(message, repeated, tag = "2")]
    pub(super) oversubscribed: Vec<Resource>,
    #[prost(bool, required, tag = "5")]
    pub(super) update_oversubscribed: bool,
}

/// An agent leaves for good.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Unregister {
    #[prost(message, required, tag = "1")]
    pub(super) agent_id: Id,
}

/// The master's answer to a registration of either kind.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Registered {
    #[prost(message, required, tag = "1")]
    pub(super) agent_id: Id,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct FrameworkInfo {
    #[prost(message, required, tag = "3")]
    pub(super) id: Id,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct TaskInfo {
    #[prost(message, required, tag = "2")]
    pub(super) id: Id,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct RunTask {
    #[prost(message, required, tag = "2")]
    pub(super) framework: FrameworkInfo,
    #[prost(message, required, tag = "4")]
    pub(super) task: TaskInfo,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct KillTask {
    #[prost(message, required, tag = "1")]
    pub(super) framework_id: Id,
    #[prost(message, required, tag = "2")]
    pub(super) task_id: Id,
}

/// `state` is 1 running, 2 finished, 4 killed; `source` 1 is the agent.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct TaskStatus {
    #[prost(message, required, tag = "1")]
    pub(super) task_id: Id,
    #[prost(int32, required, tag = "2")]
    pub(super) state: i32,
    #[prost(message, required, tag = "5")]
    pub(super) agent_id: Id,
    #[prost(double, required, tag = "6")]
    pub(super) timestamp: f64,
    #[prost(int32, required, tag = "9")]
    pub(super) source: i32,
    #[prost(bytes = "vec", required, tag = "11")]
    pub(super) uuid: Vec<u8>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Update {
    #[prost(message, required, tag = "1")]
    pub(super) framework_id: Id,
    #[prost(message, required, tag = "3")]
    pub(super) agent_id: Id,
    #[prost(message, required, tag = "4")]
    pub(super) status: TaskStatus,
    #[prost(double, required, tag = "5")]
    pub(super) timestamp: f64,
    #[prost(bytes = "vec", required, tag = "6")]
    pub(super) uuid: Vec<u8>,
    #[prost(int32, required, tag = "7")]
    pub(super) latest_state: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct StatusUpdate {
    #[prost(message, required, tag = "1")]
    pub(super) update: Update,
    #[prost(string, required, tag = "2")]
    pub(super) sender: String,
}
