//! Containers: how they are configured, launched, recovered, limited and reported.

use super::quota::ScalarEntry;
use super::{ContainerSeccompProfile, Environment, ExecutorInfo, Parameter, RawEnvironment, TaskInfo};

/// `mesos.ContainerID`.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct ContainerId {
    /// The id; unique within its parent.
    #[prost(bytes = "vec", required, tag = "1")]
    pub value: Vec<u8>,
    /// Container it is nested in.
    #[prost(message, optional, boxed, tag = "2")]
    pub parent: Option<Box<ContainerId>>,
}

/// `mesos.ContainerInfo`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ContainerInfo {
    /// One of the constants of this type.
    #[prost(int32, required, tag = "1", default = "1")]
    pub r#type: i32,
    /// Settings of a Docker container.
    #[prost(message, optional, tag = "3")]
    pub docker: Option<DockerInfo>,
    /// Host name inside.
    #[prost(bytes = "vec", optional, tag = "4")]
    pub hostname: Option<Vec<u8>>,
    /// Settings of a container of Mesos' own containerizer.
    #[prost(message, optional, tag = "5")]
    pub mesos: Option<MesosInfo>,
    /// Linux settings.
    #[prost(message, optional, tag = "8")]
    pub linux_info: Option<LinuxInfo>,
    /// Resource limits of the process.
    #[prost(message, optional, tag = "9")]
    pub rlimit_info: Option<RLimitInfo>,
}

impl ContainerInfo {
    /// Runs under Docker.
    pub const DOCKER: i32 = 1;
    /// Runs under Mesos' own containerizer.
    pub const MESOS: i32 = 2;
}

/// `mesos.ContainerInfo.DockerInfo`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct DockerInfo {
    /// Image.
    #[prost(bytes = "vec", required, tag = "1")]
    pub image: Vec<u8>,
    /// Whether the container has all privileges.
    #[prost(bool, optional, tag = "4", default = "false")]
    pub privileged: Option<bool>,
    /// Further options for Docker's command line.
    #[prost(message, repeated, tag = "5")]
    pub parameters: Vec<Parameter>,
}

/// `mesos.ContainerInfo.MesosInfo`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct MesosInfo {
    /// Image, if it has one.
    #[prost(message, optional, tag = "1")]
    pub image: Option<Image>,
}

/// `mesos.Image`: exactly the kind that belongs to `type` is set.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Image {
    /// One of the constants of this type.
    #[prost(int32, required, tag = "1", default = "2")]
    pub r#type: i32,
    /// An App Container image.
    #[prost(message, optional, tag = "2")]
    pub appc: Option<ImageName>,
    /// A Docker image.
    #[prost(message, optional, tag = "3")]
    pub docker: Option<ImageName>,
}

impl Image {
    /// An App Container image.
    pub const APPC: i32 = 1;
    /// A Docker image.
    pub const DOCKER: i32 = 2;
}

/// `mesos.Image.Docker` and `mesos.Image.Appc`, of which only the name is read.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct ImageName {
    /// Name of the image.
    #[prost(bytes = "vec", required, tag = "1")]
    pub name: Vec<u8>,
}

/// `mesos.LinuxInfo`.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct LinuxInfo {
    /// Whether a nested container shares the process ids of its parent.
    #[prost(bool, optional, tag = "4")]
    pub share_pid_namespace: Option<bool>,
    /// Whether a nested container shares the cgroups of its parent.
    #[prost(bool, optional, tag = "8", default = "true")]
    pub share_cgroups: Option<bool>,
}

/// `mesos.CommandInfo`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct CommandInfo {
    /// Environment.
    #[prost(message, optional, tag = "2")]
    pub environment: Option<RawEnvironment>,
    /// Command line for the shell, or path of the program.
    #[prost(bytes = "vec", optional, tag = "3")]
    pub value: Option<Vec<u8>>,
    /// Operating system user.
    #[prost(bytes = "vec", optional, tag = "5")]
    pub user: Option<Vec<u8>>,
    /// Whether `value` goes to a shell; true if absent.
    #[prost(bool, optional, tag = "6", default = "true")]
    pub shell: Option<bool>,
    /// Arguments without a shell, the program's name first.
    #[prost(bytes = "vec", repeated, tag = "7")]
    pub arguments: Vec<Vec<u8>>,
}

/// `mesos.slave.ContainerConfig`: a container about to be launched.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ContainerConfig {
    /// Sandbox directory on the host.
    #[prost(bytes = "vec", required, tag = "3")]
    pub directory: Vec<u8>,
    /// Operating system user.
    #[prost(bytes = "vec", optional, tag = "4")]
    pub user: Option<Vec<u8>>,
    /// Root file system, if it is not the host's.
    #[prost(bytes = "vec", optional, tag = "5")]
    pub rootfs: Option<Vec<u8>>,
    /// Executor; absent with nested containers.
    #[prost(message, optional, tag = "8")]
    pub executor_info: Option<ExecutorInfo>,
    /// Task, with a command task only.
    #[prost(message, optional, tag = "9")]
    pub task_info: Option<TaskInfo>,
    /// Command to run.
    #[prost(message, required, tag = "11")]
    pub command_info: CommandInfo,
    /// Container settings.
    #[prost(message, optional, tag = "12")]
    pub container_info: Option<ContainerInfo>,
    /// Serialised `mesos.Resource`s of the container.
    #[prost(bytes = "vec", repeated, tag = "13")]
    pub resources: Vec<Vec<u8>>,
    /// One of the constants of this type; absent: default.
    #[prost(int32, optional, tag = "14", default = "1")]
    pub container_class: Option<i32>,
    /// Limits above the request, by resource name; infinity: none.
    #[prost(message, repeated, tag = "16")]
    pub limits: Vec<ScalarEntry>,
}

impl ContainerConfig {
    /// An ordinary container.
    pub const CLASS_DEFAULT: i32 = 1;
    /// A container for looking into another one; it shares most of that one's isolation.
    pub const CLASS_DEBUG: i32 = 2;
}

/// `mesos.slave.ContainerLaunchInfo`: what an isolator adds to a launch. The host merges the answers of all
/// isolators.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct ContainerLaunchInfo {
    /// Commands to run inside, before the container's own.
    #[prost(message, repeated, tag = "1")]
    pub pre_exec_commands: Vec<CommandInfo>,
    /// Variables for the container's process.
    #[prost(message, optional, tag = "2")]
    pub environment: Option<Environment>,
    /// Namespaces to create, as `CLONE_NEW*` flags of Linux.
    #[prost(int32, repeated, packed = "false", tag = "4")]
    pub clone_namespaces: Vec<i32>,
    /// The command to run instead of the container's own; with a command task only arguments for its executor.
    #[prost(message, optional, tag = "5")]
    pub command: Option<CommandInfo>,
    /// Working directory.
    #[prost(bytes = "vec", optional, tag = "6")]
    pub working_directory: Option<Vec<u8>>,
    /// Capabilities that the process has.
    #[prost(message, optional, tag = "7")]
    pub effective_capabilities: Option<CapabilityInfo>,
    /// Resource limits of the process.
    #[prost(message, optional, tag = "8")]
    pub rlimits: Option<RLimitInfo>,
    /// Namespaces of the parent to enter, as `CLONE_NEW*` flags of Linux.
    #[prost(int32, repeated, packed = "false", tag = "9")]
    pub enter_namespaces: Vec<i32>,
    /// Variables for the task of a command executor.
    #[prost(message, optional, tag = "15")]
    pub task_environment: Option<Environment>,
    /// Capabilities that the process can get at most.
    #[prost(message, optional, tag = "16")]
    pub bounding_capabilities: Option<CapabilityInfo>,
    /// Mounts to make.
    #[prost(message, repeated, tag = "17")]
    pub mounts: Vec<ContainerMountInfo>,
    /// Filter for the process's system calls.
    #[prost(message, optional, tag = "18")]
    pub seccomp_profile: Option<ContainerSeccompProfile>,
    /// Whether the process may gain privileges by executing a program.
    #[prost(bool, optional, tag = "23")]
    pub no_new_privileges: Option<bool>,
}

/// `mesos.slave.ContainerMountInfo`: arguments of `mount(2)`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct ContainerMountInfo {
    /// Mount point.
    #[prost(bytes = "vec", required, tag = "1")]
    pub target: Vec<u8>,
    /// What is mounted.
    #[prost(bytes = "vec", optional, tag = "2")]
    pub source: Option<Vec<u8>>,
    /// Type of the file system.
    #[prost(bytes = "vec", optional, tag = "3")]
    pub r#type: Option<Vec<u8>>,
    /// `MS_*` flags of Linux.
    #[prost(uint32, optional, tag = "4")]
    pub flags: Option<u32>,
    /// Options of the file system.
    #[prost(bytes = "vec", optional, tag = "5")]
    pub options: Option<Vec<u8>>,
}

/// `mesos.CapabilityInfo`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct CapabilityInfo {
    /// Numbers of `CapabilityInfo.Capability`: 1000 and the kernel's number.
    #[prost(int32, repeated, packed = "false", tag = "1")]
    pub capabilities: Vec<i32>,
}

/// `mesos.RLimitInfo`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct RLimitInfo {
    /// The limits, at most one of each type.
    #[prost(message, repeated, tag = "1")]
    pub rlimits: Vec<RLimit>,
}

/// `mesos.RLimitInfo.RLimit`: both bounds, or none for "unlimited".
#[derive(Clone, Copy, PartialEq, Eq, Hash, prost::Message)]
pub struct RLimit {
    /// One of the constants of this type.
    #[prost(int32, optional, tag = "1")]
    pub r#type: Option<i32>,
    /// Bound the process cannot raise.
    #[prost(uint64, optional, tag = "2")]
    pub hard: Option<u64>,
    /// Bound in force.
    #[prost(uint64, optional, tag = "3")]
    pub soft: Option<u64>,
}

impl RLimit {
    /// Address space, bytes.
    pub const AS: i32 = 1;
    /// Size of a core file, bytes.
    pub const CORE: i32 = 2;
    /// Processor time, seconds.
    pub const CPU: i32 = 3;
    /// Data segment, bytes.
    pub const DATA: i32 = 4;
    /// Size of a file, bytes.
    pub const FSIZE: i32 = 5;
    /// File locks.
    pub const LOCKS: i32 = 6;
    /// Locked memory, bytes.
    pub const MEMLOCK: i32 = 7;
    /// POSIX message queues, bytes.
    pub const MSGQUEUE: i32 = 8;
    /// Ceiling of the nice value (20 minus it).
    pub const NICE: i32 = 9;
    /// Open files.
    pub const NOFILE: i32 = 10;
    /// Processes of the user.
    pub const NPROC: i32 = 11;
    /// Resident set, bytes; Linux ignores it.
    pub const RSS: i32 = 12;
    /// Real-time priority.
    pub const RTPRIO: i32 = 13;
    /// Real-time processor time, microseconds.
    pub const RTTIME: i32 = 14;
    /// Queued signals.
    pub const SIGPENDING: i32 = 15;
    /// Stack, bytes.
    pub const STACK: i32 = 16;
}

/// `mesos.slave.ContainerState`: a container found again after a restart of the agent.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ContainerState {
    /// Executor; absent with nested containers.
    #[prost(message, optional, tag = "1")]
    pub executor_info: Option<ExecutorInfo>,
    /// Id.
    #[prost(message, required, tag = "2")]
    pub container_id: ContainerId,
    /// Process id of its first process.
    #[prost(uint64, required, tag = "3")]
    pub pid: u64,
    /// Sandbox directory on the host.
    #[prost(bytes = "vec", required, tag = "4")]
    pub directory: Vec<u8>,
    /// Container settings.
    #[prost(message, optional, tag = "6")]
    pub container_info: Option<ContainerInfo>,
}

/// `mesos.ContainerStatus`: what an isolator reports of a running container.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct ContainerStatus {
    /// Cgroup facts.
    #[prost(message, optional, tag = "2")]
    pub cgroup_info: Option<CgroupInfo>,
    /// Process id of the executor.
    #[prost(uint32, optional, tag = "3")]
    pub executor_pid: Option<u32>,
    /// Id.
    #[prost(message, optional, tag = "4")]
    pub container_id: Option<ContainerId>,
}

/// `mesos.CgroupInfo`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, prost::Message)]
pub struct CgroupInfo {
    /// Network class.
    #[prost(message, optional, tag = "1")]
    pub net_cls: Option<NetCls>,
}

/// `mesos.CgroupInfo.NetCls`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, prost::Message)]
pub struct NetCls {
    /// Class that the packets of the container are marked with.
    #[prost(uint32, optional, tag = "1")]
    pub classid: Option<u32>,
}

/// `mesos.slave.ContainerLimitation`: an isolator says that a container broke a limit and has to end.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct ContainerLimitation {
    /// Serialised `mesos.Resource`s whose limit was broken.
    #[prost(bytes = "vec", repeated, tag = "1")]
    pub resources: Vec<Vec<u8>>,
    /// What happened, for people.
    #[prost(bytes = "vec", optional, tag = "2")]
    pub message: Option<Vec<u8>>,
    /// A number of `TaskStatus.Reason`; see the constants.
    #[prost(int32, optional, tag = "3")]
    pub reason: Option<i32>,
}

impl ContainerLimitation {
    /// Reason: a limit on memory.
    pub const REASON_MEMORY: i32 = 8;
    /// Reason: any other limit.
    pub const REASON_LIMITATION: i32 = 19;
    /// Reason: a limit on disk.
    pub const REASON_DISK: i32 = 20;
}

/// `mesos.slave.ContainerTermination`: how a container ended.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct ContainerTermination {
    /// What happened, for people.
    #[prost(bytes = "vec", optional, tag = "2")]
    pub message: Option<Vec<u8>>,
    /// Exit status as `waitpid(2)` gives it.
    #[prost(int32, optional, tag = "3")]
    pub status: Option<i32>,
    /// Task state to report.
    #[prost(int32, optional, tag = "4")]
    pub state: Option<i32>,
    /// A number of `TaskStatus.Reason`.
    #[prost(int32, optional, tag = "5")]
    pub reason: Option<i32>,
    /// Serialised `mesos.Resource`s whose limit was broken.
    #[prost(bytes = "vec", repeated, tag = "6")]
    pub limited_resources: Vec<Vec<u8>>,
}
