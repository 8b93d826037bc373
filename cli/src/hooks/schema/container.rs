//! Containers and all that can stand in them.

use super::Kind::{Bytes, Choice, Flag, Map, Nested, Text, Uint32, Uint64};
use super::Presence::{Optional, Repeated, Required};
use super::task::{LABELS, NETWORK_INFO_PROTOCOL, PARAMETER, PARAMETERS};
use super::{Choices, Message, member};

pub(in crate::hooks) static CONTAINER_INFO: Message = Message {
    name: "ContainerInfo",
    members: &[
        member("type", 1, Required, Choice(CONTAINER_INFO_TYPE)),
        member("volumes", 2, Repeated, Nested(&VOLUME)),
        member("hostname", 4, Optional, Text),
        member("docker", 3, Optional, Nested(&CONTAINER_INFO_DOCKER_INFO)),
        member("mesos", 5, Optional, Nested(&CONTAINER_INFO_MESOS_INFO)),
        member("network_infos", 7, Repeated, Nested(&NETWORK_INFO)),
        member("linux_info", 8, Optional, Nested(&LINUX_INFO)),
        member("rlimit_info", 9, Optional, Nested(&RLIMIT_INFO)),
        member("tty_info", 10, Optional, Nested(&TTYINFO)),
    ],
};

pub(in crate::hooks) static VOLUME: Message = Message {
    name: "Volume",
    members: &[
        member("mode", 3, Required, Choice(VOLUME_MODE)),
        member("container_path", 1, Required, Text),
        member("host_path", 2, Optional, Text),
        member("image", 4, Optional, Nested(&IMAGE)),
        member("source", 5, Optional, Nested(&VOLUME_SOURCE)),
    ],
};

pub(in crate::hooks) static CONTAINER_INFO_DOCKER_INFO: Message = Message {
    name: "ContainerInfo.DockerInfo",
    members: &[
        member("image", 1, Required, Text),
        member("network", 2, Optional, Choice(CONTAINER_INFO_DOCKER_INFO_NETWORK)),
        member("port_mappings", 3, Repeated, Nested(&CONTAINER_INFO_DOCKER_INFO_PORT_MAPPING)),
        member("privileged", 4, Optional, Flag),
        member("parameters", 5, Repeated, Nested(&PARAMETER)),
        member("force_pull_image", 6, Optional, Flag),
        member("volume_driver", 7, Optional, Text),
    ],
};

pub(in crate::hooks) static CONTAINER_INFO_MESOS_INFO: Message =
    Message { name: "ContainerInfo.MesosInfo", members: &[member("image", 1, Optional, Nested(&IMAGE))] };

pub(in crate::hooks) static NETWORK_INFO: Message = Message {
    name: "NetworkInfo",
    members: &[
        member("ip_addresses", 5, Repeated, Nested(&NETWORK_INFO_IPADDRESS)),
        member("name", 6, Optional, Text),
        member("groups", 3, Repeated, Text),
        member("labels", 4, Optional, Nested(&LABELS)),
        member("port_mappings", 7, Repeated, Nested(&NETWORK_INFO_PORT_MAPPING)),
    ],
};

pub(in crate::hooks) static LINUX_INFO: Message = Message {
    name: "LinuxInfo",
    members: &[
        member("capability_info", 1, Optional, Nested(&CAPABILITY_INFO)),
        member("bounding_capabilities", 2, Optional, Nested(&CAPABILITY_INFO)),
        member("effective_capabilities", 3, Optional, Nested(&CAPABILITY_INFO)),
        member("share_pid_namespace", 4, Optional, Flag),
        member("seccomp", 5, Optional, Nested(&SECCOMP_INFO)),
        member("ipc_mode", 6, Optional, Choice(LINUX_INFO_IPC_MODE)),
        member("shm_size", 7, Optional, Uint32),
        member("share_cgroups", 8, Optional, Flag),
    ],
};

pub(in crate::hooks) static RLIMIT_INFO: Message =
    Message { name: "RLimitInfo", members: &[member("rlimits", 1, Repeated, Nested(&RLIMIT_INFO_RLIMIT))] };

pub(in crate::hooks) static TTYINFO: Message =
    Message { name: "TTYInfo", members: &[member("window_size", 1, Optional, Nested(&TTYINFO_WINDOW_SIZE))] };

pub(in crate::hooks) static IMAGE: Message = Message {
    name: "Image",
    members: &[
        member("type", 1, Required, Choice(IMAGE_TYPE)),
        member("appc", 2, Optional, Nested(&IMAGE_APPC)),
        member("docker", 3, Optional, Nested(&IMAGE_DOCKER)),
        member("cached", 4, Optional, Flag),
    ],
};

pub(in crate::hooks) static VOLUME_SOURCE: Message = Message {
    name: "Volume.Source",
    members: &[
        member("type", 1, Optional, Choice(VOLUME_SOURCE_TYPE)),
        member("docker_volume", 2, Optional, Nested(&VOLUME_SOURCE_DOCKER_VOLUME)),
        member("host_path", 5, Optional, Nested(&VOLUME_SOURCE_HOST_PATH)),
        member("sandbox_path", 3, Optional, Nested(&VOLUME_SOURCE_SANDBOX_PATH)),
        member("secret", 4, Optional, Nested(&SECRET)),
        member("csi_volume", 6, Optional, Nested(&VOLUME_SOURCE_CSIVOLUME)),
    ],
};

pub(in crate::hooks) static CONTAINER_INFO_DOCKER_INFO_PORT_MAPPING: Message = Message {
    name: "ContainerInfo.DockerInfo.PortMapping",
    members: &[
        member("host_port", 1, Required, Uint32),
        member("container_port", 2, Required, Uint32),
        member("protocol", 3, Optional, Text),
    ],
};

pub(in crate::hooks) static NETWORK_INFO_IPADDRESS: Message = Message {
    name: "NetworkInfo.IPAddress",
    members: &[
        member("protocol", 1, Optional, Choice(NETWORK_INFO_PROTOCOL)),
        member("ip_address", 2, Optional, Text),
    ],
};

pub(in crate::hooks) static NETWORK_INFO_PORT_MAPPING: Message = Message {
    name: "NetworkInfo.PortMapping",
    members: &[
        member("host_port", 1, Required, Uint32),
        member("container_port", 2, Required, Uint32),
        member("protocol", 3, Optional, Text),
    ],
};

pub(in crate::hooks) static CAPABILITY_INFO: Message = Message {
    name: "CapabilityInfo",
    members: &[member("capabilities", 1, Repeated, Choice(CAPABILITY_INFO_CAPABILITY))],
};

pub(in crate::hooks) static SECCOMP_INFO: Message = Message {
    name: "SeccompInfo",
    members: &[member("profile_name", 1, Optional, Text), member("unconfined", 2, Optional, Flag)],
};

pub(in crate::hooks) static RLIMIT_INFO_RLIMIT: Message = Message {
    name: "RLimitInfo.RLimit",
    members: &[
        member("type", 1, Optional, Choice(RLIMIT_INFO_RLIMIT_TYPE)),
        member("hard", 2, Optional, Uint64),
        member("soft", 3, Optional, Uint64),
    ],
};

pub(in crate::hooks) static TTYINFO_WINDOW_SIZE: Message = Message {
    name: "TTYInfo.WindowSize",
    members: &[member("rows", 1, Required, Uint32), member("columns", 2, Required, Uint32)],
};

pub(in crate::hooks) static SECRET: Message = Message {
    name: "Secret",
    members: &[
        member("type", 1, Optional, Choice(SECRET_TYPE)),
        member("reference", 2, Optional, Nested(&SECRET_REFERENCE)),
        member("value", 3, Optional, Nested(&SECRET_VALUE)),
    ],
};

pub(in crate::hooks) static IMAGE_APPC: Message = Message {
    name: "Image.Appc",
    members: &[
        member("name", 1, Required, Text),
        member("id", 2, Optional, Text),
        member("labels", 3, Optional, Nested(&LABELS)),
    ],
};

pub(in crate::hooks) static IMAGE_DOCKER: Message = Message {
    name: "Image.Docker",
    members: &[
        member("name", 1, Required, Text),
        member("credential", 2, Optional, Nested(&CREDENTIAL)),
        member("config", 3, Optional, Nested(&SECRET)),
    ],
};

pub(in crate::hooks) static VOLUME_SOURCE_DOCKER_VOLUME: Message = Message {
    name: "Volume.Source.DockerVolume",
    members: &[
        member("driver", 1, Optional, Text),
        member("name", 2, Required, Text),
        member("driver_options", 3, Optional, Nested(&PARAMETERS)),
    ],
};

pub(in crate::hooks) static VOLUME_SOURCE_HOST_PATH: Message = Message {
    name: "Volume.Source.HostPath",
    members: &[
        member("path", 1, Required, Text),
        member("mount_propagation", 2, Optional, Nested(&MOUNT_PROPAGATION)),
    ],
};

pub(in crate::hooks) static VOLUME_SOURCE_SANDBOX_PATH: Message = Message {
    name: "Volume.Source.SandboxPath",
    members: &[
        member("type", 1, Optional, Choice(VOLUME_SOURCE_SANDBOX_PATH_TYPE)),
        member("path", 2, Required, Text),
    ],
};

pub(in crate::hooks) static VOLUME_SOURCE_CSIVOLUME: Message = Message {
    name: "Volume.Source.CSIVolume",
    members: &[
        member("plugin_name", 1, Required, Text),
        member("static_provisioning", 2, Optional, Nested(&VOLUME_SOURCE_CSIVOLUME_STATIC_PROVISIONING)),
    ],
};

pub(in crate::hooks) static SECRET_REFERENCE: Message = Message {
    name: "Secret.Reference",
    members: &[member("name", 1, Required, Text), member("key", 2, Optional, Text)],
};

pub(in crate::hooks) static SECRET_VALUE: Message =
    Message { name: "Secret.Value", members: &[member("data", 1, Required, Bytes)] };

pub(in crate::hooks) static CREDENTIAL: Message = Message {
    name: "Credential",
    members: &[member("principal", 1, Required, Text), member("secret", 2, Optional, Text)],
};

pub(in crate::hooks) static MOUNT_PROPAGATION: Message = Message {
    name: "MountPropagation",
    members: &[member("mode", 1, Optional, Choice(MOUNT_PROPAGATION_MODE))],
};

pub(in crate::hooks) static VOLUME_SOURCE_CSIVOLUME_STATIC_PROVISIONING: Message = Message {
    name: "Volume.Source.CSIVolume.StaticProvisioning",
    members: &[
        member("volume_id", 1, Required, Text),
        member("volume_capability", 2, Required, Nested(&VOLUME_SOURCE_CSIVOLUME_VOLUME_CAPABILITY)),
        member("node_stage_secrets", 3, Optional, Map(&Nested(&SECRET))),
        member("node_publish_secrets", 4, Optional, Map(&Nested(&SECRET))),
        member("volume_context", 5, Optional, Map(&Text)),
    ],
};

pub(in crate::hooks) static VOLUME_SOURCE_CSIVOLUME_VOLUME_CAPABILITY: Message = Message {
    name: "Volume.Source.CSIVolume.VolumeCapability",
    members: &[
        member("block", 1, Optional, Nested(&VOLUME_SOURCE_CSIVOLUME_VOLUME_CAPABILITY_BLOCK_VOLUME)),
        member("mount", 2, Optional, Nested(&VOLUME_SOURCE_CSIVOLUME_VOLUME_CAPABILITY_MOUNT_VOLUME)),
        member("access_mode", 3, Required, Nested(&VOLUME_SOURCE_CSIVOLUME_VOLUME_CAPABILITY_ACCESS_MODE)),
    ],
};

pub(in crate::hooks) static VOLUME_SOURCE_CSIVOLUME_VOLUME_CAPABILITY_BLOCK_VOLUME: Message =
    Message { name: "Volume.Source.CSIVolume.VolumeCapability.BlockVolume", members: &[] };

pub(in crate::hooks) static VOLUME_SOURCE_CSIVOLUME_VOLUME_CAPABILITY_MOUNT_VOLUME: Message = Message {
    name: "Volume.Source.CSIVolume.VolumeCapability.MountVolume",
    members: &[member("fs_type", 1, Optional, Text), member("mount_flags", 2, Repeated, Text)],
};

pub(in crate::hooks) static VOLUME_SOURCE_CSIVOLUME_VOLUME_CAPABILITY_ACCESS_MODE: Message = Message {
    name: "Volume.Source.CSIVolume.VolumeCapability.AccessMode",
    members: &[member(
        "mode",
        1,
        Required,
        Choice(VOLUME_SOURCE_CSIVOLUME_VOLUME_CAPABILITY_ACCESS_MODE_MODE),
    )],
};

const CONTAINER_INFO_TYPE: Choices = &[("DOCKER", 1), ("MESOS", 2)];

const VOLUME_MODE: Choices = &[("RW", 1), ("RO", 2)];

const CONTAINER_INFO_DOCKER_INFO_NETWORK: Choices = &[("HOST", 1), ("BRIDGE", 2), ("NONE", 3), ("USER", 4)];

const LINUX_INFO_IPC_MODE: Choices = &[("UNKNOWN", 0), ("PRIVATE", 1), ("SHARE_PARENT", 2)];

const IMAGE_TYPE: Choices = &[("APPC", 1), ("DOCKER", 2)];

const VOLUME_SOURCE_TYPE: Choices = &[
    ("UNKNOWN", 0),
    ("DOCKER_VOLUME", 1),
    ("HOST_PATH", 4),
    ("SANDBOX_PATH", 2),
    ("SECRET", 3),
    ("CSI_VOLUME", 5),
];

const CAPABILITY_INFO_CAPABILITY: Choices = &[
    ("UNKNOWN", 0),
    ("CHOWN", 1000),
    ("DAC_OVERRIDE", 1001),
    ("DAC_READ_SEARCH", 1002),
    ("FOWNER", 1003),
    ("FSETID", 1004),
    ("KILL", 1005),
    ("SETGID", 1006),
    ("SETUID", 1007),
    ("SETPCAP", 1008),
    ("LINUX_IMMUTABLE", 1009),
    ("NET_BIND_SERVICE", 1010),
    ("NET_BROADCAST", 1011),
    ("NET_ADMIN", 1012),
    ("NET_RAW", 1013),
    ("IPC_LOCK", 1014),
    ("IPC_OWNER", 1015),
    ("SYS_MODULE", 1016),
    ("SYS_RAWIO", 1017),
    ("SYS_CHROOT", 1018),
    ("SYS_PTRACE", 1019),
    ("SYS_PACCT", 1020),
    ("SYS_ADMIN", 1021),
    ("SYS_BOOT", 1022),
    ("SYS_NICE", 1023),
    ("SYS_RESOURCE", 1024),
    ("SYS_TIME", 1025),
    ("SYS_TTY_CONFIG", 1026),
    ("MKNOD", 1027),
    ("LEASE", 1028),
    ("AUDIT_WRITE", 1029),
    ("AUDIT_CONTROL", 1030),
    ("SETFCAP", 1031),
    ("MAC_OVERRIDE", 1032),
    ("MAC_ADMIN", 1033),
    ("SYSLOG", 1034),
    ("WAKE_ALARM", 1035),
    ("BLOCK_SUSPEND", 1036),
    ("AUDIT_READ", 1037),
];

const RLIMIT_INFO_RLIMIT_TYPE: Choices = &[
    ("UNKNOWN", 0),
    ("RLMT_AS", 1),
    ("RLMT_CORE", 2),
    ("RLMT_CPU", 3),
    ("RLMT_DATA", 4),
    ("RLMT_FSIZE", 5),
    ("RLMT_LOCKS", 6),
    ("RLMT_MEMLOCK", 7),
    ("RLMT_MSGQUEUE", 8),
    ("RLMT_NICE", 9),
    ("RLMT_NOFILE", 10),
    ("RLMT_NPROC", 11),
    ("RLMT_RSS", 12),
    ("RLMT_RTPRIO", 13),
    ("RLMT_RTTIME", 14),
    ("RLMT_SIGPENDING", 15),
    ("RLMT_STACK", 16),
];

const SECRET_TYPE: Choices = &[("UNKNOWN", 0), ("REFERENCE", 1), ("VALUE", 2)];

const VOLUME_SOURCE_SANDBOX_PATH_TYPE: Choices = &[("UNKNOWN", 0), ("SELF", 1), ("PARENT", 2)];

const MOUNT_PROPAGATION_MODE: Choices = &[("UNKNOWN", 0), ("HOST_TO_CONTAINER", 1), ("BIDIRECTIONAL", 2)];

const VOLUME_SOURCE_CSIVOLUME_VOLUME_CAPABILITY_ACCESS_MODE_MODE: Choices = &[
    ("UNKNOWN", 0),
    ("SINGLE_NODE_WRITER", 1),
    ("SINGLE_NODE_READER_ONLY", 2),
    ("MULTI_NODE_READER_ONLY", 3),
    ("MULTI_NODE_SINGLE_WRITER", 4),
    ("MULTI_NODE_MULTI_WRITER", 5),
];
