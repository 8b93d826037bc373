//! What is known of one container.

use apportion_cgroups::{GroupPath, Limits, Shape};
use apportion_policy::HookCall;

use crate::container_id::ContainerId;
use crate::demand::Demand;
use crate::error::IsolationError;
use crate::launch::LaunchSettings;
use crate::limitation::Limitation;
use crate::processes::ProcessIdentity;
use crate::settings::GroupPolicy;

/// Where the processes of a container are.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) enum Membership {
    /// In no group of ours.
    #[default]
    None,
    /// In a group of its own.
    Own(Box<OwnGroup>),
    /// In the group of a container that it is nested in.
    Within(GroupPath),
}

/// The group of a container.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct OwnGroup {
    pub(crate) path: GroupPath,
    pub(crate) shape: Shape,
    /// Settings it has; `None` after a restart, until they are read back.
    pub(crate) settings: Option<Limits>,
}

impl Membership {
    /// The group that processes are added to.
    pub(crate) fn path(&self) -> Option<&GroupPath> {
        match self {
            Membership::None => None,
            Membership::Own(own) => Some(&own.path),
            Membership::Within(path) => Some(path),
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Record {
    pub(crate) process: Option<ProcessIdentity>,
    pub(crate) call: HookCall,
    pub(crate) demand: Demand,
    pub(crate) policy: GroupPolicy,
    /// Names of the rules that made policy and launch settings what they are.
    pub(crate) rules: Vec<String>,
    pub(crate) launch: LaunchSettings,
    pub(crate) membership: Membership,
    /// Whether it outlived an agent: what happened to its group before the watch is told.
    pub(crate) is_recovered: bool,
    pub(crate) limitation: Option<Limitation>,
    pub(crate) poisoned: Option<String>,
}

impl Record {
    /// Refuses calls for a container that is given up.
    pub(crate) fn check(&self, id: &ContainerId) -> Result<(), IsolationError> {
        match &self.poisoned {
            Some(reason) => Err(IsolationError::Poisoned { container: id.clone(), reason: reason.clone() }),
            None => Ok(()),
        }
    }

    /// Its own group, if it has one.
    pub(crate) fn own_group(&self) -> Option<&OwnGroup> {
        if let Membership::Own(own) = &self.membership { Some(own) } else { None }
    }

    /// Settings of its own group, as far as they are remembered.
    pub(crate) fn settings(&self) -> Option<Limits> {
        self.own_group().and_then(|own| own.settings.clone())
    }
}
