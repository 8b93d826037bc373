//! Tasks, executors and their commands.

use super::Kind::{Bytes, Choice, Double, Flag, Int64, Map, Nested, Resource, Text, Uint32};
use super::Presence::{Optional, Repeated, Required};
use super::agent::{SLAVE_ID, VALUE_SCALAR};
use super::container::{CONTAINER_INFO, SECRET};
use super::framework::FRAMEWORK_ID;
use super::{Choices, Message, member};

pub(in crate::hooks) static TASK_INFO: Message = Message {
    name: "TaskInfo",
    members: &[
        member("name", 1, Required, Text),
        member("task_id", 2, Required, Nested(&TASK_ID)),
        member("slave_id", 3, Required, Nested(&SLAVE_ID)),
        member("resources", 4, Repeated, Resource),
        member("executor", 5, Optional, Nested(&EXECUTOR_INFO)),
        member("command", 7, Optional, Nested(&COMMAND_INFO)),
        member("container", 9, Optional, Nested(&CONTAINER_INFO)),
        member("health_check", 8, Optional, Nested(&HEALTH_CHECK)),
        member("check", 13, Optional, Nested(&CHECK_INFO)),
        member("kill_policy", 12, Optional, Nested(&KILL_POLICY)),
        member("data", 6, Optional, Bytes),
        member("labels", 10, Optional, Nested(&LABELS)),
        member("discovery", 11, Optional, Nested(&DISCOVERY_INFO)),
        member("max_completion_time", 14, Optional, Nested(&DURATION_INFO)),
        member("limits", 15, Optional, Map(&Nested(&VALUE_SCALAR))),
    ],
};

pub(in crate::hooks) static EXECUTOR_INFO: Message = Message {
    name: "ExecutorInfo",
    members: &[
        member("type", 15, Optional, Choice(EXECUTOR_INFO_TYPE)),
        member("executor_id", 1, Required, Nested(&EXECUTOR_ID)),
        member("framework_id", 8, Optional, Nested(&FRAMEWORK_ID)),
        member("command", 7, Optional, Nested(&COMMAND_INFO)),
        member("container", 11, Optional, Nested(&CONTAINER_INFO)),
        member("resources", 5, Repeated, Resource),
        member("name", 9, Optional, Text),
        member("source", 10, Optional, Text),
        member("data", 4, Optional, Bytes),
        member("discovery", 12, Optional, Nested(&DISCOVERY_INFO)),
        member("shutdown_grace_period", 13, Optional, Nested(&DURATION_INFO)),
        member("labels", 14, Optional, Nested(&LABELS)),
    ],
};

pub(in crate::hooks) static TASK_ID: Message =
    Message { name: "TaskID", members: &[member("value", 1, Required, Text)] };

pub(in crate::hooks) static COMMAND_INFO: Message = Message {
    name: "CommandInfo",
    members: &[
        member("uris", 1, Repeated, Nested(&COMMAND_INFO_URI)),
        member("environment", 2, Optional, Nested(&ENVIRONMENT)),
        member("shell", 6, Optional, Flag),
        member("value", 3, Optional, Text),
        member("arguments", 7, Repeated, Text),
        member("user", 5, Optional, Text),
    ],
};

pub(in crate::hooks) static HEALTH_CHECK: Message = Message {
    name: "HealthCheck",
    members: &[
        member("delay_seconds", 2, Optional, Double),
        member("interval_seconds", 3, Optional, Double),
        member("timeout_seconds", 4, Optional, Double),
        member("consecutive_failures", 5, Optional, Uint32),
        member("grace_period_seconds", 6, Optional, Double),
        member("type", 8, Optional, Choice(HEALTH_CHECK_TYPE)),
        member("command", 7, Optional, Nested(&COMMAND_INFO)),
        member("http", 1, Optional, Nested(&HEALTH_CHECK_HTTPCHECK_INFO)),
        member("tcp", 9, Optional, Nested(&HEALTH_CHECK_TCPCHECK_INFO)),
    ],
};

pub(in crate::hooks) static CHECK_INFO: Message = Message {
    name: "CheckInfo",
    members: &[
        member("type", 1, Optional, Choice(CHECK_INFO_TYPE)),
        member("command", 2, Optional, Nested(&CHECK_INFO_COMMAND)),
        member("http", 3, Optional, Nested(&CHECK_INFO_HTTP)),
        member("tcp", 7, Optional, Nested(&CHECK_INFO_TCP)),
        member("delay_seconds", 4, Optional, Double),
        member("interval_seconds", 5, Optional, Double),
        member("timeout_seconds", 6, Optional, Double),
    ],
};

pub(in crate::hooks) static KILL_POLICY: Message =
    Message { name: "KillPolicy", members: &[member("grace_period", 1, Optional, Nested(&DURATION_INFO))] };

pub(in crate::hooks) static LABELS: Message =
    Message { name: "Labels", members: &[member("labels", 1, Repeated, Nested(&LABEL))] };

pub(in crate::hooks) static DISCOVERY_INFO: Message = Message {
    name: "DiscoveryInfo",
    members: &[
        member("visibility", 1, Required, Choice(DISCOVERY_INFO_VISIBILITY)),
        member("name", 2, Optional, Text),
        member("environment", 3, Optional, Text),
        member("location", 4, Optional, Text),
        member("version", 5, Optional, Text),
        member("ports", 6, Optional, Nested(&PORTS)),
        member("labels", 7, Optional, Nested(&LABELS)),
    ],
};

pub(in crate::hooks) static DURATION_INFO: Message =
    Message { name: "DurationInfo", members: &[member("nanoseconds", 1, Required, Int64)] };

pub(in crate::hooks) static EXECUTOR_ID: Message =
    Message { name: "ExecutorID", members: &[member("value", 1, Required, Text)] };

pub(in crate::hooks) static COMMAND_INFO_URI: Message = Message {
    name: "CommandInfo.URI",
    members: &[
        member("value", 1, Required, Text),
        member("executable", 2, Optional, Flag),
        member("extract", 3, Optional, Flag),
        member("cache", 4, Optional, Flag),
        member("output_file", 5, Optional, Text),
    ],
};

pub(in crate::hooks) static ENVIRONMENT: Message = Message {
    name: "Environment",
    members: &[member("variables", 1, Repeated, Nested(&ENVIRONMENT_VARIABLE))],
};

pub(in crate::hooks) static HEALTH_CHECK_HTTPCHECK_INFO: Message = Message {
    name: "HealthCheck.HTTPCheckInfo",
    members: &[
        member("protocol", 5, Optional, Choice(NETWORK_INFO_PROTOCOL)),
        member("scheme", 3, Optional, Text),
        member("port", 1, Required, Uint32),
        member("path", 2, Optional, Text),
        member("statuses", 4, Repeated, Uint32),
    ],
};

pub(in crate::hooks) static HEALTH_CHECK_TCPCHECK_INFO: Message = Message {
    name: "HealthCheck.TCPCheckInfo",
    members: &[
        member("protocol", 2, Optional, Choice(NETWORK_INFO_PROTOCOL)),
        member("port", 1, Required, Uint32),
    ],
};

pub(in crate::hooks) static CHECK_INFO_COMMAND: Message =
    Message { name: "CheckInfo.Command", members: &[member("command", 1, Required, Nested(&COMMAND_INFO))] };

pub(in crate::hooks) static CHECK_INFO_HTTP: Message = Message {
    name: "CheckInfo.Http",
    members: &[member("port", 1, Required, Uint32), member("path", 2, Optional, Text)],
};

pub(in crate::hooks) static CHECK_INFO_TCP: Message =
    Message { name: "CheckInfo.Tcp", members: &[member("port", 1, Required, Uint32)] };

pub(in crate::hooks) static LABEL: Message = Message {
    name: "Label",
    members: &[member("key", 1, Required, Text), member("value", 2, Optional, Text)],
};

pub(in crate::hooks) static PORTS: Message =
    Message { name: "Ports", members: &[member("ports", 1, Repeated, Nested(&PORT))] };

pub(in crate::hooks) static ENVIRONMENT_VARIABLE: Message = Message {
    name: "Environment.Variable",
    members: &[
        member("name", 1, Required, Text),
        member("type", 3, Optional, Choice(ENVIRONMENT_VARIABLE_TYPE)),
        member("value", 2, Optional, Text),
        member("secret", 4, Optional, Nested(&SECRET)),
    ],
};

pub(in crate::hooks) static PARAMETER: Message = Message {
    name: "Parameter",
    members: &[member("key", 1, Required, Text), member("value", 2, Required, Text)],
};

pub(in crate::hooks) static PORT: Message = Message {
    name: "Port",
    members: &[
        member("number", 1, Required, Uint32),
        member("name", 2, Optional, Text),
        member("protocol", 3, Optional, Text),
        member("visibility", 4, Optional, Choice(DISCOVERY_INFO_VISIBILITY)),
        member("labels", 5, Optional, Nested(&LABELS)),
    ],
};

pub(in crate::hooks) static PARAMETERS: Message =
    Message { name: "Parameters", members: &[member("parameter", 1, Repeated, Nested(&PARAMETER))] };

const EXECUTOR_INFO_TYPE: Choices = &[("UNKNOWN", 0), ("DEFAULT", 1), ("CUSTOM", 2)];

const HEALTH_CHECK_TYPE: Choices = &[("UNKNOWN", 0), ("COMMAND", 1), ("HTTP", 2), ("TCP", 3)];

const CHECK_INFO_TYPE: Choices = &[("UNKNOWN", 0), ("COMMAND", 1), ("HTTP", 2), ("TCP", 3)];

const DISCOVERY_INFO_VISIBILITY: Choices = &[("FRAMEWORK", 0), ("CLUSTER", 1), ("EXTERNAL", 2)];

pub(super) const NETWORK_INFO_PROTOCOL: Choices = &[("IPv4", 1), ("IPv6", 2)];

const ENVIRONMENT_VARIABLE_TYPE: Choices = &[("UNKNOWN", 0), ("VALUE", 1), ("SECRET", 2)];
