//! Why a call for a container failed.

use crate::container_id::ContainerId;

/// Why a call for a container failed. The text goes to the host, which shows it as the reason of the failure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IsolationError {
    /// There is no such container: it was never prepared or recovered, or is cleaned up.
    #[error("container {0} is not known to the isolator: it was neither prepared nor recovered")]
    Unknown(ContainerId),
    /// The container was prepared before.
    #[error("container {0} has been prepared already")]
    AlreadyPrepared(ContainerId),
    /// A nested container came before its parent.
    #[error("container {container} is nested in {parent}, which is not known to the isolator")]
    UnknownParent {
        /// The nested container.
        container: ContainerId,
        /// The missing parent.
        parent: ContainerId,
    },
    /// A rule refuses the container.
    #[error("container {container} is refused: {reason}")]
    Refused {
        /// The container.
        container: ContainerId,
        /// What the rule says.
        reason: String,
    },
    /// A nested container asks for a group of its own where there can be none.
    #[error(
        "container {container} asks for control groups of its own (share_cgroups = false), but {why}; let it share \
         those of {parent}"
    )]
    NoGroupOfItsOwn {
        /// The container.
        container: ContainerId,
        /// What it is nested in.
        parent: ContainerId,
        /// Why not.
        why: &'static str,
    },
    /// A process id that cannot be.
    #[error("container {container} cannot have the process id {pid}: a process id is a positive number")]
    ImpossiblePid {
        /// The container.
        container: ContainerId,
        /// Number given.
        pid: i32,
    },
    /// The container has another process already.
    #[error("container {container} has process {recorded} already and cannot be isolated again with {pid}")]
    AlreadyIsolated {
        /// The container.
        container: ContainerId,
        /// Pid of the record.
        recorded: i32,
        /// Pid given.
        pid: i32,
    },
    /// An earlier call for this container ended in a fault of the module.
    #[error(
        "container {container} is given up after a fault of the isolator ({reason}); it can only be cleaned up"
    )]
    Poisoned {
        /// The container.
        container: ContainerId,
        /// What happened.
        reason: String,
    },
    /// The process table cannot be read.
    #[error("the use of container {container} cannot be measured: {reason}")]
    ProcessTable {
        /// The container.
        container: ContainerId,
        /// What the system said, with the path.
        reason: String,
    },
    /// Something could not be done to its control group.
    #[error("container {container}: {reason}")]
    Group {
        /// The container.
        container: ContainerId,
        /// What was tried, what the system said, and the cure.
        reason: String,
    },
    /// The groups of all containers cannot be listed.
    #[error("containers cannot be recovered: {0}")]
    Recovery(String),
}

impl IsolationError {
    pub(crate) fn group(container: &ContainerId, reason: impl ToString) -> IsolationError {
        IsolationError::Group { container: container.clone(), reason: reason.to_string() }
    }
}
