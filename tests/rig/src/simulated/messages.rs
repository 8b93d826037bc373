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

/// `kind` is 0 for a scalar, 1 for ranges. What is bytes here is only handed back.
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
    #[prost(bytes = "vec", optional, tag = "5")]
    pub(super) set: Option<Vec<u8>>,
    /// The older way to name a role; what the master sends has `reservations` instead.
    #[prost(string, optional, tag = "6")]
    pub(super) role: Option<String>,
    #[prost(message, optional, tag = "7")]
    pub(super) disk: Option<Disk>,
    #[prost(message, optional, tag = "9")]
    pub(super) revocable: Option<Revocable>,
    #[prost(bytes = "vec", optional, tag = "10")]
    pub(super) shared: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "11")]
    pub(super) allocation: Option<Vec<u8>>,
    #[prost(message, optional, tag = "12")]
    pub(super) provider_id: Option<Id>,
    #[prost(message, repeated, tag = "13")]
    pub(super) reservations: Vec<Reservation>,
}

/// `kind` is 1 for a static one, 2 for a dynamic one.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Reservation {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub(super) principal: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "2")]
    pub(super) labels: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "3")]
    pub(super) role: Option<Vec<u8>>,
    #[prost(int32, optional, tag = "4")]
    pub(super) kind: Option<i32>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Disk {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub(super) persistence: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "2")]
    pub(super) volume: Option<Vec<u8>>,
    #[prost(message, optional, tag = "3")]
    pub(super) source: Option<Source>,
}

/// `kind` is 1 for a directory, 2 for a mounted file system, 3 for a block device, 4 for raw storage.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Source {
    #[prost(int32, required, tag = "1")]
    pub(super) kind: i32,
    #[prost(message, optional, tag = "2")]
    pub(super) path: Option<Root>,
    #[prost(message, optional, tag = "3")]
    pub(super) mount: Option<Root>,
    #[prost(string, optional, tag = "4")]
    pub(super) id: Option<String>,
    #[prost(bytes = "vec", optional, tag = "5")]
    pub(super) metadata: Option<Vec<u8>>,
    #[prost(string, optional, tag = "6")]
    pub(super) profile: Option<String>,
    #[prost(bytes = "vec", optional, tag = "7")]
    pub(super) vendor: Option<Vec<u8>>,
}

/// Where a directory or a mounted file system is.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Root {
    #[prost(string, optional, tag = "1")]
    pub(super) root: Option<String>,
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
    #[prost(message, optional, tag = "5")]
    pub(super) resource_version: Option<Id>,
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
    #[prost(message, optional, tag = "10")]
    pub(super) resource_version: Option<Id>,
    /// What runs on the agent.
    #[prost(message, repeated, tag = "3")]
    pub(super) tasks: Vec<Task>,
    /// The frameworks of what runs, each a `FrameworkInfo` as it came.
    #[prost(bytes = "vec", repeated, tag = "8")]
    pub(super) frameworks: Vec<Vec<u8>>,
}

/// A task as an agent reports it that registers again.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Task {
    #[prost(bytes = "vec", required, tag = "1")]
    pub(super) name: Vec<u8>,
    #[prost(message, required, tag = "2")]
    pub(super) id: Id,
    #[prost(message, required, tag = "3")]
    pub(super) framework_id: Id,
    #[prost(message, required, tag = "5")]
    pub(super) agent_id: Id,
    #[prost(int32, required, tag = "6")]
    pub(super) state: i32,
    #[prost(message, repeated, tag = "7")]
    pub(super) resources: Vec<Resource>,
}

/// Whom a resource is allocated to.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Allocation {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub(super) role: Option<Vec<u8>>,
}

/// The reservations and volumes that an agent has to write down, each a `Resource` that is only handed back.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Checkpoint {
    #[prost(bytes = "vec", repeated, tag = "1")]
    pub(super) resources: Vec<Vec<u8>>,
}

/// What an agent has beyond its own resources: what it lends, and what its resource providers have. Each replaces what
/// it said of that before; without `providers` they stay as they are.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct UpdateAgent {
    #[prost(message, required, tag = "1")]
    pub(super) agent_id: Id,
    #[prost(message, repeated, tag = "2")]
    pub(super) oversubscribed: Vec<Resource>,
    #[prost(bool, required, tag = "5")]
    pub(super) update_oversubscribed: bool,
    #[prost(message, optional, tag = "7")]
    pub(super) resource_version: Option<Id>,
    #[prost(message, optional, tag = "8")]
    pub(super) providers: Option<Providers>,
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
    #[prost(bytes = "vec", required, tag = "1")]
    pub(super) name: Vec<u8>,
    #[prost(message, required, tag = "2")]
    pub(super) id: Id,
    #[prost(message, repeated, tag = "4")]
    pub(super) resources: Vec<Resource>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct RunTask {
    /// A [`FrameworkInfo`], as bytes to be handed back.
    #[prost(bytes = "vec", required, tag = "2")]
    pub(super) framework: Vec<u8>,
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

/// `state` is 1 running, 2 finished, 4 killed, 5 lost; `source` 1 is the agent; `reason` 17 is a QoS correction.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct TaskStatus {
    #[prost(message, required, tag = "1")]
    pub(super) task_id: Id,
    #[prost(int32, required, tag = "2")]
    pub(super) state: i32,
    #[prost(string, optional, tag = "4")]
    pub(super) message: Option<String>,
    #[prost(message, required, tag = "5")]
    pub(super) agent_id: Id,
    #[prost(double, required, tag = "6")]
    pub(super) timestamp: f64,
    #[prost(int32, required, tag = "9")]
    pub(super) source: i32,
    #[prost(int32, optional, tag = "10")]
    pub(super) reason: Option<i32>,
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

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Providers {
    #[prost(message, repeated, tag = "1")]
    pub(super) providers: Vec<Provider>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Provider {
    #[prost(message, optional, tag = "1")]
    pub(super) info: Option<ProviderInfo>,
    #[prost(message, repeated, tag = "2")]
    pub(super) total: Vec<Resource>,
    #[prost(message, required, tag = "3")]
    pub(super) operations: Operations,
    #[prost(message, required, tag = "4")]
    pub(super) resource_version: Id,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ProviderInfo {
    #[prost(message, optional, tag = "1")]
    pub(super) id: Option<Id>,
    #[prost(string, required, tag = "3")]
    pub(super) kind: String,
    #[prost(string, required, tag = "4")]
    pub(super) name: String,
}

/// Operations of a resource provider that have not ended.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Operations {
    #[prost(message, repeated, tag = "1")]
    pub(super) operations: Vec<Operation>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Operation {
    #[prost(message, optional, tag = "1")]
    pub(super) framework_id: Option<Id>,
    #[prost(message, optional, tag = "2")]
    pub(super) agent_id: Option<Id>,
    /// Handed back as it came.
    #[prost(bytes = "vec", required, tag = "3")]
    pub(super) info: Vec<u8>,
    #[prost(message, required, tag = "4")]
    pub(super) status: OperationStatus,
    #[prost(message, required, tag = "6")]
    pub(super) uuid: Id,
}

/// `state` is 1 pending, 2 finished, 3 failed.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct OperationStatus {
    #[prost(int32, required, tag = "2")]
    pub(super) state: i32,
    #[prost(message, repeated, tag = "4")]
    pub(super) converted: Vec<Resource>,
    #[prost(message, optional, tag = "5")]
    pub(super) uuid: Option<Id>,
    #[prost(message, optional, tag = "6")]
    pub(super) agent_id: Option<Id>,
    #[prost(message, optional, tag = "7")]
    pub(super) provider_id: Option<Id>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct UpdateOperation {
    #[prost(message, optional, tag = "1")]
    pub(super) framework_id: Option<Id>,
    #[prost(message, optional, tag = "2")]
    pub(super) agent_id: Option<Id>,
    #[prost(message, required, tag = "3")]
    pub(super) status: OperationStatus,
    #[prost(message, optional, tag = "4")]
    pub(super) latest: Option<OperationStatus>,
    #[prost(message, optional, tag = "5")]
    pub(super) uuid: Option<Id>,
}

/// An operation to be carried out; the master does not say whose if it is the operator's.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ApplyOperation {
    #[prost(message, optional, tag = "1")]
    pub(super) framework_id: Option<Id>,
    /// An [`OperationInfo`], as bytes to be handed back.
    #[prost(bytes = "vec", required, tag = "2")]
    pub(super) info: Vec<u8>,
    #[prost(message, required, tag = "3")]
    pub(super) uuid: Id,
    #[prost(message, required, tag = "4")]
    pub(super) resource_version: ResourceVersion,
}

/// Whose resources an operation is about: those of a provider, or the agent's own.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ResourceVersion {
    #[prost(message, optional, tag = "1")]
    pub(super) provider_id: Option<Id>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct OperationInfo {
    #[prost(message, optional, tag = "3")]
    pub(super) reserve: Option<Reserve>,
    #[prost(message, optional, tag = "4")]
    pub(super) unreserve: Option<OfResources>,
    #[prost(message, optional, tag = "5")]
    pub(super) create: Option<OfResources>,
    #[prost(message, optional, tag = "6")]
    pub(super) destroy: Option<OfResources>,
    #[prost(message, optional, tag = "15")]
    pub(super) create_disk: Option<CreateDisk>,
    #[prost(message, optional, tag = "16")]
    pub(super) destroy_disk: Option<DestroyDisk>,
}

/// `from` is what is reserved anew; without it `resources` without their last reservation.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Reserve {
    #[prost(message, repeated, tag = "1")]
    pub(super) resources: Vec<Resource>,
    #[prost(message, repeated, tag = "2")]
    pub(super) from: Vec<Resource>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct OfResources {
    #[prost(message, repeated, tag = "1")]
    pub(super) resources: Vec<Resource>,
}

/// `target` is 2 for a mounted disk, 3 for a block device.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct CreateDisk {
    #[prost(message, required, tag = "1")]
    pub(super) source: Resource,
    #[prost(int32, required, tag = "2")]
    pub(super) target: i32,
    #[prost(string, optional, tag = "3")]
    pub(super) profile: Option<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct DestroyDisk {
    #[prost(message, required, tag = "1")]
    pub(super) source: Resource,
}
