//! What containers use, and what a QoS controller does about it.

use super::{ContainerId, ExecutorId, ExecutorInfo, FrameworkId, RawLabels, TaskId};

/// `mesos.ResourceUsage`: what runs on an agent and what it uses.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ResourceUsage {
    /// The executors.
    #[prost(message, repeated, tag = "1")]
    pub executors: Vec<ExecutorUsage>,
    /// Serialised `mesos.Resource`s: all that the agent has.
    #[prost(bytes = "vec", repeated, tag = "2")]
    pub total: Vec<Vec<u8>>,
}

/// `mesos.ResourceUsage.Executor`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ExecutorUsage {
    /// The executor.
    #[prost(message, required, tag = "1")]
    pub executor_info: ExecutorInfo,
    /// Serialised `mesos.Resource`s of executor and tasks together.
    #[prost(bytes = "vec", repeated, tag = "2")]
    pub allocated: Vec<Vec<u8>>,
    /// What it uses; absent if it could not be measured.
    #[prost(message, optional, tag = "3")]
    pub statistics: Option<ResourceStatistics>,
    /// Its container.
    #[prost(message, required, tag = "4")]
    pub container_id: ContainerId,
    /// Its tasks.
    #[prost(message, repeated, tag = "5")]
    pub tasks: Vec<TaskUsage>,
}

/// `mesos.ResourceUsage.Executor.Task`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct TaskUsage {
    /// Name of the task.
    #[prost(bytes = "vec", required, tag = "1")]
    pub name: Vec<u8>,
    /// Id of the task.
    #[prost(message, required, tag = "2")]
    pub id: TaskId,
    /// Serialised `mesos.Resource`s of the task.
    #[prost(bytes = "vec", repeated, tag = "3")]
    pub resources: Vec<Vec<u8>>,
    /// Labels of the task.
    #[prost(message, optional, tag = "4")]
    pub labels: Option<RawLabels>,
}

/// `mesos.CgroupInfo.Blkio.Statistics`, of which only the part that both versions of control groups have is written.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct BlockStatistics {
    /// For each device.
    #[prost(message, repeated, tag = "3")]
    pub throttling: Vec<DeviceStatistics>,
}

/// `mesos.CgroupInfo.Blkio.Throttling.Statistics`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct DeviceStatistics {
    /// The device; absent: all together.
    #[prost(message, optional, tag = "1")]
    pub device: Option<DeviceNumber>,
    /// Operations.
    #[prost(message, repeated, tag = "2")]
    pub io_serviced: Vec<DeviceCount>,
    /// Bytes.
    #[prost(message, repeated, tag = "3")]
    pub io_service_bytes: Vec<DeviceCount>,
}

/// `mesos.Device.Number`.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct DeviceNumber {
    /// Major number.
    #[prost(uint64, required, tag = "1")]
    pub major_number: u64,
    /// Minor number.
    #[prost(uint64, required, tag = "2")]
    pub minor_number: u64,
}

/// `mesos.CgroupInfo.Blkio.Value`.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct DeviceCount {
    /// One of the constants of this type.
    #[prost(int32, optional, tag = "1")]
    pub op: Option<i32>,
    /// How much, or how often.
    #[prost(uint64, optional, tag = "2")]
    pub value: Option<u64>,
}

impl DeviceCount {
    /// All together.
    pub const TOTAL: i32 = 1;
    /// Reading.
    pub const READ: i32 = 2;
    /// Writing.
    pub const WRITE: i32 = 3;
    /// Giving blocks back.
    pub const DISCARD: i32 = 6;
}

/// `mesos.ResourceStatistics`: the processor, memory, process and block device figures. Network and perf figures
/// are not declared. Counters count from the start of the container.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ResourceStatistics {
    /// When it was measured: seconds since the Unix epoch.
    #[prost(double, required, tag = "1")]
    pub timestamp: f64,
    /// Processor time in user mode, seconds.
    #[prost(double, optional, tag = "2")]
    pub cpus_user_time_secs: Option<f64>,
    /// Processor time in the kernel, seconds.
    #[prost(double, optional, tag = "3")]
    pub cpus_system_time_secs: Option<f64>,
    /// Most processors it may use.
    #[prost(double, optional, tag = "4")]
    pub cpus_limit: Option<f64>,
    /// Resident memory, bytes.
    #[prost(uint64, optional, tag = "5")]
    pub mem_rss_bytes: Option<u64>,
    /// Most memory it may use, bytes.
    #[prost(uint64, optional, tag = "6")]
    pub mem_limit_bytes: Option<u64>,
    /// Periods of bandwidth control that have passed.
    #[prost(uint32, optional, tag = "7")]
    pub cpus_nr_periods: Option<u32>,
    /// Periods in which it was throttled.
    #[prost(uint32, optional, tag = "8")]
    pub cpus_nr_throttled: Option<u32>,
    /// Time it was throttled, seconds.
    #[prost(double, optional, tag = "9")]
    pub cpus_throttled_time_secs: Option<f64>,
    /// File memory, bytes.
    #[prost(uint64, optional, tag = "10")]
    pub mem_file_bytes: Option<u64>,
    /// Anonymous memory, bytes.
    #[prost(uint64, optional, tag = "11")]
    pub mem_anon_bytes: Option<u64>,
    /// Mapped files, bytes.
    #[prost(uint64, optional, tag = "12")]
    pub mem_mapped_file_bytes: Option<u64>,
    /// Most disk it may use, bytes.
    #[prost(uint64, optional, tag = "26")]
    pub disk_limit_bytes: Option<u64>,
    /// Disk it uses, bytes.
    #[prost(uint64, optional, tag = "27")]
    pub disk_used_bytes: Option<u64>,
    /// Processes.
    #[prost(uint32, optional, tag = "30")]
    pub processes: Option<u32>,
    /// Threads.
    #[prost(uint32, optional, tag = "31")]
    pub threads: Option<u32>,
    /// Times memory pressure was low.
    #[prost(uint64, optional, tag = "32")]
    pub mem_low_pressure_counter: Option<u64>,
    /// Times memory pressure was medium.
    #[prost(uint64, optional, tag = "33")]
    pub mem_medium_pressure_counter: Option<u64>,
    /// Times memory pressure was critical.
    #[prost(uint64, optional, tag = "34")]
    pub mem_critical_pressure_counter: Option<u64>,
    /// All memory in use, bytes.
    #[prost(uint64, optional, tag = "36")]
    pub mem_total_bytes: Option<u64>,
    /// All memory and swap in use, bytes.
    #[prost(uint64, optional, tag = "37")]
    pub mem_total_memsw_bytes: Option<u64>,
    /// Memory it is guaranteed under pressure, bytes.
    #[prost(uint64, optional, tag = "38")]
    pub mem_soft_limit_bytes: Option<u64>,
    /// Page cache, bytes.
    #[prost(uint64, optional, tag = "39")]
    pub mem_cache_bytes: Option<u64>,
    /// Swap in use, bytes.
    #[prost(uint64, optional, tag = "40")]
    pub mem_swap_bytes: Option<u64>,
    /// Memory that cannot be reclaimed, bytes.
    #[prost(uint64, optional, tag = "41")]
    pub mem_unevictable_bytes: Option<u64>,
    /// Block devices.
    #[prost(message, optional, tag = "44")]
    pub blkio_statistics: Option<BlockStatistics>,
    /// Processors it is guaranteed.
    #[prost(double, optional, tag = "45")]
    pub cpus_soft_limit: Option<f64>,
}

/// `mesos.slave.QoSCorrection`: what a QoS controller asks the agent to do.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct QosCorrection {
    /// [`KILL`](Self::KILL), the only type there is.
    #[prost(int32, required, tag = "1", default = "1")]
    pub r#type: i32,
    /// What to kill.
    #[prost(message, optional, tag = "2")]
    pub kill: Option<QosKill>,
}

impl QosCorrection {
    /// End an executor.
    pub const KILL: i32 = 1;
}

/// `mesos.slave.QoSCorrection.Kill`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct QosKill {
    /// Framework of the executor.
    #[prost(message, optional, tag = "1")]
    pub framework_id: Option<FrameworkId>,
    /// The executor.
    #[prost(message, optional, tag = "2")]
    pub executor_id: Option<ExecutorId>,
    /// Its container.
    #[prost(message, optional, tag = "3")]
    pub container_id: Option<ContainerId>,
}
