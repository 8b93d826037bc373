//! Why a container cannot be launched with its settings.

use std::path::PathBuf;

use super::{Capability, SeccompError};

/// Why a container is not launched: what it should get cannot be given to it by this host.
///
/// The text becomes the reason in the task's status, so it says what is in the way and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LaunchRefusal {
    /// Mounts need a mount namespace of the container's own, which only one launcher makes.
    #[error(
        "{setting} needs a mount namespace of the container's own, which only Mesos' linux launcher makes; this agent \
         runs with the {launcher} launcher. Start the agent with --launcher=linux (it wants root and the freezer \
         controller of cgroups v1), or leave {setting} out of the rules for this agent"
    )]
    NoMountNamespace {
        /// Key of the setting.
        setting: &'static str,
        /// Name of the launcher.
        launcher: String,
    },
    /// Mesos 1.11.0 cannot handle capabilities on newer kernels, and its filters of system calls need them.
    #[error(
        "{setting} cannot be set on this host: its kernel has capabilities up to number {last}, and the launch program \
         of Mesos 1.11.0 ends itself on kernels that have more than number {}. Use a kernel before 5.8, or \
         no_new_privileges and a user other than root instead of {setting}",
        super::MESOS_LAST
    )]
    NewKernel {
        /// Key of the setting.
        setting: &'static str,
        /// Number of the kernel's last capability.
        last: u8,
    },
    /// An isolator of Mesos says the same, and what both say would be mixed.
    #[error(
        "{setting} is set by a rule, and the agent's isolator {isolator} sets it too; Mesos would mix the two or refuse \
         the launch. Take {isolator} out of --isolation, or {setting} out of the rules"
    )]
    SetTwice {
        /// Key of the setting.
        setting: &'static str,
        /// Name of the isolator in `--isolation`.
        isolator: &'static str,
    },
    /// A capability that Mesos has no number for.
    #[error("capabilities.{set}: Mesos 1.11 has no number for {capability} and cannot pass it on")]
    UnknownToMesos {
        /// `effective` or `bounding`.
        set: &'static str,
        /// The capability.
        capability: Capability,
    },
    /// More effective capabilities than the bounding set allows.
    #[error("capabilities.effective has {capability}, which capabilities.bounding has not")]
    BeyondBound {
        /// The capability.
        capability: Capability,
    },
    /// Mesos first takes away what the agent lacks itself, which it may not once the user has changed.
    #[error(
        "capabilities cannot be set for the user {user}: the agent's own bounding set is not full, and Mesos 1.11.0 can \
         then set capabilities for root only. Start the agent with all capabilities, or run the task as root"
    )]
    LimitedAgent {
        /// The container's user.
        user: String,
    },
    /// The seccomp profile cannot be used.
    #[error("seccomp profile {path}: {error}")]
    Seccomp {
        /// The file.
        path: String,
        /// What is wrong.
        error: SeccompError,
    },
    /// There is nothing at a path.
    #[error("{setting}: {path} does not exist in the container, and nothing can be mounted there")]
    NoSuchPath {
        /// Key of the setting.
        setting: &'static str,
        /// Path as the rule has it.
        path: String,
    },
    /// A path cannot be followed.
    #[error("{setting}: {path} cannot be looked at: {reason}")]
    UnreadablePath {
        /// Key of the setting.
        setting: &'static str,
        /// Path as the rule has it.
        path: String,
        /// What the system said.
        reason: String,
    },
    /// A file system in memory needs a folder.
    #[error("tmpfs: {path} is not a folder")]
    NotAFolder {
        /// Path as the rule has it.
        path: String,
    },
    /// A file system in memory would lie over the sandbox.
    #[error("tmpfs: a file system at {path} would hide the container's sandbox {}", sandbox.display())]
    HidesSandbox {
        /// Path as the rule has it.
        path: String,
        /// The sandbox.
        sandbox: PathBuf,
    },
    /// A file system in memory is empty, so there is nothing in it that could be read.
    #[error("read_only: {path} lies in the tmpfs at {tmpfs}, which is empty when the container starts")]
    InsideTmpfs {
        /// Path as the rule has it.
        path: String,
        /// Path of the file system in memory.
        tmpfs: String,
    },
    /// Mesos writes into an image before it starts what is in it.
    #[error(
        "read_only: the root of an image cannot be read-only, because Mesos puts things into it before the container \
         starts. Name the folders inside it instead"
    )]
    RootOfImage,
    /// The command cannot be started by a shell without being changed.
    #[error("umask cannot be set for this command: {reason}")]
    Umask {
        /// What is in the way, and what to do.
        reason: String,
    },
}
