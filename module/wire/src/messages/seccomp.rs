//! Filters for system calls.

use super::CapabilityInfo;

/// `mesos.seccomp.ContainerSeccompProfile`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct ContainerSeccompProfile {
    /// A number of `Syscall.Action`: what happens at calls that no rule is about.
    #[prost(int32, required, tag = "1")]
    pub default_action: i32,
    /// Numbers of `Architecture` that may call at all, beside the host's own.
    #[prost(int32, repeated, packed = "false", tag = "2")]
    pub architectures: Vec<i32>,
    /// Rules.
    #[prost(message, repeated, tag = "3")]
    pub syscalls: Vec<SeccompSyscall>,
}

/// `mesos.seccomp.ContainerSeccompProfile.Syscall`: what happens at some system calls.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct SeccompSyscall {
    /// Names of the calls.
    #[prost(bytes = "vec", repeated, tag = "1")]
    pub names: Vec<Vec<u8>>,
    /// A number of `Syscall.Action`.
    #[prost(int32, required, tag = "2")]
    pub action: i32,
    /// Only if all of these hold.
    #[prost(message, repeated, tag = "3")]
    pub args: Vec<SeccompArg>,
    /// Only if the bounding set has all of these. On the wire the same as `CapabilityInfo`.
    #[prost(message, optional, tag = "4")]
    pub includes: Option<CapabilityInfo>,
    /// Only if the bounding set has none of these. On the wire the same as `CapabilityInfo`.
    #[prost(message, optional, tag = "5")]
    pub excludes: Option<CapabilityInfo>,
}

/// `mesos.seccomp.ContainerSeccompProfile.Syscall.Arg`: a comparison of an argument.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct SeccompArg {
    /// Which argument, from 0.
    #[prost(uint32, required, tag = "1")]
    pub index: u32,
    /// A number of `Arg.Operator`.
    #[prost(int32, required, tag = "2")]
    pub op: i32,
    /// What it is compared with; with a masked comparison the mask.
    #[prost(uint64, required, tag = "3")]
    pub value: u64,
    /// With a masked comparison what has to remain.
    #[prost(uint64, required, tag = "4")]
    pub value_two: u64,
}
