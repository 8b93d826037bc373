//! Declarations of the Mesos messages that are read or written: only the fields in use, text as bytes.
//!
//! Fields that are not declared are passed over unread when decoding, and are lost when encoding. So a message is
//! either read ([`decode`]) or written from scratch ([`encode`]), never decoded, changed and encoded; the one
//! message that is changed, labels, has a type of its own that keeps unknown fields ([`LabelList`]).
//!
//! Where a field is a `Resource`, it is declared as bytes (both are length-delimited on the wire), for
//! [`split`](crate::resource::split). Maps are declared as lists of entries, because prost wants UTF-8 keys.
//! A `required` field that is missing reads as 0 or empty, and is always written. Enumerations are plain numbers;
//! the numbers in use are constants of the message.

mod agent;
mod container;
mod environment;
mod framework;
mod labels;
mod offer;
mod quota;
mod seccomp;
mod task;
mod usage;

use prost::Message;

use crate::WireError;
use crate::field::Fields;

pub use agent::{
    AgentId, AgentInfo, Attribute, Domain, DurationInfo, FaultDomain, NamedZone, TextItems, TextValue,
    TimeInfo, Unavailability, ValueRange, ValueRanges, ValueScalar,
};
pub use container::{
    CapabilityInfo, CgroupInfo, CommandInfo, ContainerConfig, ContainerId, ContainerInfo,
    ContainerLaunchInfo, ContainerLimitation, ContainerMountInfo, ContainerState, ContainerStatus,
    ContainerTermination, DockerInfo, Image, ImageName, LinuxInfo, MesosInfo, NetCls, RLimit, RLimitInfo,
};
pub use environment::{DockerTaskExecutorPrepareInfo, Environment, RawEnvironment, Variable};
pub use framework::{
    Capability, FrameworkId, FrameworkInfo, MinAllocatableResources, OfferFilters, OfferFiltersEntry,
    ResourceQuantities,
};
pub use labels::{LabelList, LabelView, RawLabels};
pub use offer::{Filters, InverseOfferStatus, OperationId, Parameter, Parameters, WeightInfo};
pub use quota::{QuotaConfig, QuotaInfo, QuotaRequest, ScalarEntry};
pub use seccomp::{ContainerSeccompProfile, SeccompArg, SeccompSyscall};
pub use task::{ExecutorId, ExecutorInfo, TaskId, TaskInfo, TaskStatus};
pub use usage::{
    BlockStatistics, DeviceCount, DeviceNumber, DeviceStatistics, ExecutorUsage, QosCorrection, QosKill,
    ResourceStatistics, ResourceUsage, TaskUsage,
};

/// A Mesos message declared here.
pub trait HostMessage: Message + Default {
    /// Name of the message in Mesos, without the `mesos.` prefix.
    const NAME: &'static str;
}

macro_rules! host_messages {
    ($($message:ty => $name:literal),+ $(,)?) => {
        $(impl HostMessage for $message {
            const NAME: &'static str = $name;
        })+
    };
}

host_messages! {
    AgentId => "SlaveID",
    AgentInfo => "SlaveInfo",
    Attribute => "Attribute",
    BlockStatistics => "CgroupInfo.Blkio.Statistics",
    Capability => "FrameworkInfo.Capability",
    CapabilityInfo => "CapabilityInfo",
    CgroupInfo => "CgroupInfo",
    CommandInfo => "CommandInfo",
    ContainerConfig => "slave.ContainerConfig",
    ContainerId => "ContainerID",
    ContainerInfo => "ContainerInfo",
    ContainerLaunchInfo => "slave.ContainerLaunchInfo",
    ContainerLimitation => "slave.ContainerLimitation",
    ContainerMountInfo => "slave.ContainerMountInfo",
    ContainerSeccompProfile => "seccomp.ContainerSeccompProfile",
    ContainerState => "slave.ContainerState",
    ContainerStatus => "ContainerStatus",
    ContainerTermination => "slave.ContainerTermination",
    DeviceCount => "CgroupInfo.Blkio.Value",
    DeviceNumber => "Device.Number",
    DeviceStatistics => "CgroupInfo.Blkio.Throttling.Statistics",
    DockerTaskExecutorPrepareInfo => "DockerTaskExecutorPrepareInfo",
    DockerInfo => "ContainerInfo.DockerInfo",
    Domain => "DomainInfo",
    DurationInfo => "DurationInfo",
    Environment => "Environment",
    ExecutorId => "ExecutorID",
    ExecutorInfo => "ExecutorInfo",
    ExecutorUsage => "ResourceUsage.Executor",
    FaultDomain => "DomainInfo.FaultDomain",
    Filters => "Filters",
    FrameworkId => "FrameworkID",
    FrameworkInfo => "FrameworkInfo",
    Image => "Image",
    ImageName => "Image.Docker",
    InverseOfferStatus => "allocator.InverseOfferStatus",
    LinuxInfo => "LinuxInfo",
    MesosInfo => "ContainerInfo.MesosInfo",
    MinAllocatableResources => "OfferFilters.MinAllocatableResources",
    NamedZone => "DomainInfo.FaultDomain.ZoneInfo",
    NetCls => "CgroupInfo.NetCls",
    OfferFilters => "OfferFilters",
    OfferFiltersEntry => "FrameworkInfo.OfferFiltersEntry",
    OperationId => "OperationID",
    Parameter => "Parameter",
    Parameters => "Parameters",
    QosCorrection => "slave.QoSCorrection",
    QosKill => "slave.QoSCorrection.Kill",
    QuotaConfig => "quota.QuotaConfig",
    QuotaInfo => "quota.QuotaInfo",
    QuotaRequest => "quota.QuotaRequest",
    RLimit => "RLimitInfo.RLimit",
    RLimitInfo => "RLimitInfo",
    RawEnvironment => "Environment",
    RawLabels => "Labels",
    ResourceQuantities => "OfferFilters.ResourceQuantities",
    ResourceStatistics => "ResourceStatistics",
    ResourceUsage => "ResourceUsage",
    ScalarEntry => "map entry of Value.Scalar",
    SeccompArg => "seccomp.ContainerSeccompProfile.Syscall.Arg",
    SeccompSyscall => "seccomp.ContainerSeccompProfile.Syscall",
    TaskId => "TaskID",
    TaskInfo => "TaskInfo",
    TaskStatus => "TaskStatus",
    TaskUsage => "ResourceUsage.Executor.Task",
    TextItems => "Value.Set",
    TextValue => "Value.Text",
    TimeInfo => "TimeInfo",
    Unavailability => "Unavailability",
    ValueRange => "Value.Range",
    ValueRanges => "Value.Ranges",
    ValueScalar => "Value.Scalar",
    Variable => "Environment.Variable",
    WeightInfo => "WeightInfo",
}

/// Decodes a serialised message. Total: any bytes give a message or an error.
///
/// ```
/// use apportion_wire::messages::{Filters, decode};
///
/// let filters: Filters = decode(b"")?;
/// assert_eq!(filters.refuse_seconds(), 5.0);
/// # Ok::<(), apportion_wire::WireError>(())
/// ```
///
/// # Errors
///
/// [`WireError::Malformed`] naming the message, the offset and number of the field that does not decode, and the
/// reason, which names fields inside it.
pub fn decode<M: HostMessage>(bytes: &[u8]) -> Result<M, WireError> {
    M::decode(bytes).map_err(|error| locate::<M>(bytes, error.to_string()))
}

/// Serialises a message.
#[must_use]
pub fn encode<M: HostMessage>(message: &M) -> Vec<u8> {
    message.encode_to_vec()
}

/// Finds the top-level field over which the decoder stumbled, by decoding each field as a message of its own.
fn locate<M: HostMessage>(bytes: &[u8], reason: String) -> WireError {
    let mut offset = 0;
    let mut number = 0;
    for field in Fields::new(M::NAME, bytes) {
        let Ok(field) = field else {
            number = 0;
            break;
        };
        if M::decode(field.raw).is_err() {
            (offset, number) = (field.offset, field.number);
            break;
        }
        offset = field.offset + field.raw.len();
    }
    WireError::Malformed { message: M::NAME, offset, length: bytes.len(), field: number, reason }
}
