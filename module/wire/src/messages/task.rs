//! Tasks and executors.

use super::quota::ScalarEntry;
use super::{AgentId, CommandInfo, ContainerInfo, ContainerStatus, DurationInfo, FrameworkId, RawLabels};

/// `mesos.TaskID`.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct TaskId {
    /// The id; unique within a framework only.
    #[prost(bytes = "vec", required, tag = "1")]
    pub value: Vec<u8>,
}

/// `mesos.ExecutorID`.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct ExecutorId {
    /// The id; unique within a framework and an agent only.
    #[prost(bytes = "vec", required, tag = "1")]
    pub value: Vec<u8>,
}

/// `mesos.TaskInfo`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct TaskInfo {
    /// Name the framework gave it.
    #[prost(bytes = "vec", required, tag = "1")]
    pub name: Vec<u8>,
    /// Id.
    #[prost(message, required, tag = "2")]
    pub task_id: TaskId,
    /// Agent it is launched on (`slave_id`).
    #[prost(message, required, tag = "3")]
    pub agent_id: AgentId,
    /// Serialised `mesos.Resource`s it asks for. Not validated yet when the master's hook sees them.
    #[prost(bytes = "vec", repeated, tag = "4")]
    pub resources: Vec<Vec<u8>>,
    /// Executor that runs it; absent with a command task.
    #[prost(message, optional, tag = "5")]
    pub executor: Option<ExecutorInfo>,
    /// Command; absent with a custom executor.
    #[prost(message, optional, tag = "7")]
    pub command: Option<CommandInfo>,
    /// Container it runs in.
    #[prost(message, optional, tag = "9")]
    pub container: Option<ContainerInfo>,
    /// Labels.
    #[prost(message, optional, tag = "10")]
    pub labels: Option<RawLabels>,
    /// Longest it may run.
    #[prost(message, optional, tag = "14")]
    pub max_completion_time: Option<DurationInfo>,
    /// Limits above the request, by resource name; infinity: none.
    #[prost(message, repeated, tag = "15")]
    pub limits: Vec<ScalarEntry>,
}

/// `mesos.ExecutorInfo`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ExecutorInfo {
    /// Id.
    #[prost(message, required, tag = "1")]
    pub executor_id: ExecutorId,
    /// Serialised `mesos.Resource`s of its own.
    #[prost(bytes = "vec", repeated, tag = "5")]
    pub resources: Vec<Vec<u8>>,
    /// Command that starts it.
    #[prost(message, optional, tag = "7")]
    pub command: Option<CommandInfo>,
    /// Framework it belongs to.
    #[prost(message, optional, tag = "8")]
    pub framework_id: Option<FrameworkId>,
    /// Name.
    #[prost(bytes = "vec", optional, tag = "9")]
    pub name: Option<Vec<u8>>,
    /// Source, a hint of the framework where the executor comes from.
    #[prost(bytes = "vec", optional, tag = "10")]
    pub source: Option<Vec<u8>>,
    /// Container it runs in.
    #[prost(message, optional, tag = "11")]
    pub container: Option<ContainerInfo>,
    /// Labels.
    #[prost(message, optional, tag = "14")]
    pub labels: Option<RawLabels>,
    /// One of the constants of this type.
    #[prost(int32, optional, tag = "15")]
    pub r#type: Option<i32>,
}

impl ExecutorInfo {
    /// Mesos' own executor for task groups.
    pub const DEFAULT: i32 = 1;
    /// The framework's own executor.
    pub const CUSTOM: i32 = 2;
}

/// `mesos.TaskStatus`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct TaskStatus {
    /// Task it is about.
    #[prost(message, required, tag = "1")]
    pub task_id: TaskId,
    /// One of the constants of this type.
    #[prost(int32, required, tag = "2", default = "6")]
    pub state: i32,
    /// What happened, for people.
    #[prost(bytes = "vec", optional, tag = "4")]
    pub message: Option<Vec<u8>>,
    /// Agent it ran on (`slave_id`).
    #[prost(message, optional, tag = "5")]
    pub agent_id: Option<AgentId>,
    /// Seconds since the Unix epoch.
    #[prost(double, optional, tag = "6")]
    pub timestamp: Option<f64>,
    /// Executor it ran under.
    #[prost(message, optional, tag = "7")]
    pub executor_id: Option<ExecutorId>,
    /// Whether its health check passes.
    #[prost(bool, optional, tag = "8")]
    pub healthy: Option<bool>,
    /// Who made the status: 0 master, 1 agent, 2 executor.
    #[prost(int32, optional, tag = "9")]
    pub source: Option<i32>,
    /// Why, as a number of `TaskStatus.Reason`.
    #[prost(int32, optional, tag = "10")]
    pub reason: Option<i32>,
    /// Labels.
    #[prost(message, optional, tag = "12")]
    pub labels: Option<RawLabels>,
    /// Container it runs in.
    #[prost(message, optional, tag = "13")]
    pub container_status: Option<ContainerStatus>,
}

impl TaskStatus {
    /// The task was started.
    pub const TASK_STARTING: i32 = 0;
    /// The task runs.
    pub const TASK_RUNNING: i32 = 1;
    /// The task ended well.
    pub const TASK_FINISHED: i32 = 2;
    /// The task ended badly.
    pub const TASK_FAILED: i32 = 3;
    /// The task was killed as asked.
    pub const TASK_KILLED: i32 = 4;
    /// The task was lost.
    pub const TASK_LOST: i32 = 5;
    /// The task is not started yet.
    pub const TASK_STAGING: i32 = 6;
    /// The task was turned down.
    pub const TASK_ERROR: i32 = 7;
    /// The task is being killed.
    pub const TASK_KILLING: i32 = 8;
    /// The task was never started.
    pub const TASK_DROPPED: i32 = 9;
    /// Its agent is not reachable; it may come back.
    pub const TASK_UNREACHABLE: i32 = 10;
    /// The task is gone, as its agent is.
    pub const TASK_GONE: i32 = 11;
    /// The task is gone, as an operator said.
    pub const TASK_GONE_BY_OPERATOR: i32 = 12;
    /// Nothing is known of the task.
    pub const TASK_UNKNOWN: i32 = 13;

    /// Whether the task will not run any more.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        matches!(
            self.state,
            Self::TASK_FINISHED
                | Self::TASK_FAILED
                | Self::TASK_KILLED
                | Self::TASK_LOST
                | Self::TASK_ERROR
                | Self::TASK_DROPPED
                | Self::TASK_GONE
                | Self::TASK_GONE_BY_OPERATOR
        )
    }
}
