//! Agents, where they are, and when they are unavailable.

/// `mesos.SlaveID`: id of an agent.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct AgentId {
    /// The id.
    #[prost(bytes = "vec", required, tag = "1")]
    pub value: Vec<u8>,
}

/// `mesos.SlaveInfo`: an agent.
#[derive(Clone, PartialEq, prost::Message)]
pub struct AgentInfo {
    /// Host name; several agents may share one.
    #[prost(bytes = "vec", required, tag = "1")]
    pub hostname: Vec<u8>,
    /// Resources of its `--resources` flag: serialised `mesos.Resource`s.
    #[prost(bytes = "vec", repeated, tag = "3")]
    pub resources: Vec<Vec<u8>>,
    /// Attributes of its `--attributes` flag.
    #[prost(message, repeated, tag = "5")]
    pub attributes: Vec<Attribute>,
    /// Id the master gave it.
    #[prost(message, optional, tag = "6")]
    pub id: Option<AgentId>,
    /// Whether it writes down its state.
    #[prost(bool, optional, tag = "7", default = "false")]
    pub checkpoint: Option<bool>,
    /// Port it listens on.
    #[prost(int32, optional, tag = "8", default = "5051")]
    pub port: Option<i32>,
    /// Region and zone.
    #[prost(message, optional, tag = "10")]
    pub domain: Option<Domain>,
}

/// `mesos.Attribute`: exactly the value that belongs to `type` is set.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Attribute {
    /// Name; not unique among the attributes of an agent.
    #[prost(bytes = "vec", required, tag = "1")]
    pub name: Vec<u8>,
    /// One of the constants of this type.
    #[prost(int32, required, tag = "2")]
    pub r#type: i32,
    /// Value of a scalar attribute.
    #[prost(message, optional, tag = "3")]
    pub scalar: Option<ValueScalar>,
    /// Value of a ranges attribute.
    #[prost(message, optional, tag = "4")]
    pub ranges: Option<ValueRanges>,
    /// Value of a text attribute.
    #[prost(message, optional, tag = "5")]
    pub text: Option<TextValue>,
    /// Value of a set attribute. Mesos' own parser makes none.
    #[prost(message, optional, tag = "6")]
    pub set: Option<TextItems>,
}

impl Attribute {
    /// Type of a scalar attribute.
    pub const SCALAR: i32 = 0;
    /// Type of a ranges attribute.
    pub const RANGES: i32 = 1;
    /// Type of a set attribute.
    pub const SET: i32 = 2;
    /// Type of a text attribute.
    pub const TEXT: i32 = 3;
}

/// `mesos.Value.Scalar`.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct ValueScalar {
    /// The number.
    #[prost(double, required, tag = "1")]
    pub value: f64,
}

/// `mesos.Value.Range`: both ends included.
#[derive(Clone, Copy, PartialEq, Eq, Hash, prost::Message)]
pub struct ValueRange {
    /// First member.
    #[prost(uint64, required, tag = "1")]
    pub begin: u64,
    /// Last member.
    #[prost(uint64, required, tag = "2")]
    pub end: u64,
}

/// `mesos.Value.Ranges`.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct ValueRanges {
    /// The ranges.
    #[prost(message, repeated, tag = "1")]
    pub range: Vec<ValueRange>,
}

/// `mesos.Value.Set`.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct TextItems {
    /// The items.
    #[prost(bytes = "vec", repeated, tag = "1")]
    pub item: Vec<Vec<u8>>,
}

/// `mesos.Value.Text`.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct TextValue {
    /// The text.
    #[prost(bytes = "vec", required, tag = "1")]
    pub value: Vec<u8>,
}

/// `mesos.DomainInfo`: where a master or an agent is.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct Domain {
    /// Region and zone.
    #[prost(message, optional, tag = "1")]
    pub fault_domain: Option<FaultDomain>,
}

/// `mesos.DomainInfo.FaultDomain`.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct FaultDomain {
    /// Region; far from others.
    #[prost(message, required, tag = "1")]
    pub region: NamedZone,
    /// Zone within the region.
    #[prost(message, required, tag = "2")]
    pub zone: NamedZone,
}

/// `mesos.DomainInfo.FaultDomain.RegionInfo` and `ZoneInfo`, which are alike.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct NamedZone {
    /// Name of the region or zone.
    #[prost(bytes = "vec", required, tag = "1")]
    pub name: Vec<u8>,
}

/// `mesos.Unavailability`: planned maintenance of a machine.
#[derive(Clone, Copy, PartialEq, Eq, Hash, prost::Message)]
pub struct Unavailability {
    /// When it starts.
    #[prost(message, required, tag = "1")]
    pub start: TimeInfo,
    /// How long it lasts; absent: for good.
    #[prost(message, optional, tag = "2")]
    pub duration: Option<DurationInfo>,
}

/// `mesos.TimeInfo`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Message)]
pub struct TimeInfo {
    /// Nanoseconds since the Unix epoch.
    #[prost(int64, required, tag = "1")]
    pub nanoseconds: i64,
}

/// `mesos.DurationInfo`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Message)]
pub struct DurationInfo {
    /// Nanoseconds.
    #[prost(int64, required, tag = "1")]
    pub nanoseconds: i64,
}
