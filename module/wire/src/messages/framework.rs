//! Frameworks and what they ask of offers.

use super::RawLabels;
use super::quota::ScalarEntry;

/// `mesos.FrameworkID`.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct FrameworkId {
    /// The id.
    #[prost(bytes = "vec", required, tag = "1")]
    pub value: Vec<u8>,
}

/// `mesos.FrameworkInfo`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct FrameworkInfo {
    /// Operating system user that tasks run as.
    #[prost(bytes = "vec", required, tag = "1")]
    pub user: Vec<u8>,
    /// Name the framework gave itself; neither unique nor always UTF-8.
    #[prost(bytes = "vec", required, tag = "2")]
    pub name: Vec<u8>,
    /// Id the master gave it.
    #[prost(message, optional, tag = "3")]
    pub id: Option<FrameworkId>,
    /// Seconds it may stay disconnected before it is torn down.
    #[prost(double, optional, tag = "4", default = "0.0")]
    pub failover_timeout: Option<f64>,
    /// Whether its tasks survive a restart of the agent.
    #[prost(bool, optional, tag = "5", default = "false")]
    pub checkpoint: Option<bool>,
    /// The one role of a framework without the `MULTI_ROLE` capability; see [`FrameworkInfo::all_roles`].
    #[prost(bytes = "vec", optional, tag = "6")]
    pub role: Option<Vec<u8>>,
    /// Host name of the scheduler.
    #[prost(bytes = "vec", optional, tag = "7")]
    pub hostname: Option<Vec<u8>>,
    /// Principal it authenticated as.
    #[prost(bytes = "vec", optional, tag = "8")]
    pub principal: Option<Vec<u8>>,
    /// What the framework understands.
    #[prost(message, repeated, tag = "10")]
    pub capabilities: Vec<Capability>,
    /// Labels of the framework.
    #[prost(message, optional, tag = "11")]
    pub labels: Option<RawLabels>,
    /// Roles of a framework with the `MULTI_ROLE` capability; see [`FrameworkInfo::all_roles`].
    #[prost(bytes = "vec", repeated, tag = "12")]
    pub roles: Vec<Vec<u8>>,
    /// Smallest offers it wants, by role.
    #[prost(message, repeated, tag = "13")]
    pub offer_filters: Vec<OfferFiltersEntry>,
}

impl FrameworkInfo {
    /// Whether the framework has a capability: a number of [`Capability`]'s constants.
    #[must_use]
    pub fn has_capability(&self, capability: i32) -> bool {
        self.capabilities.iter().any(|offered| offered.r#type == Some(capability))
    }

    /// The roles it is subscribed to: `roles` with the `MULTI_ROLE` capability, else `role`, which is `*` if absent.
    #[must_use]
    pub fn all_roles(&self) -> Vec<&[u8]> {
        if self.has_capability(Capability::MULTI_ROLE) {
            self.roles.iter().map(Vec::as_slice).collect()
        } else {
            vec![self.role.as_deref().unwrap_or(b"*")]
        }
    }
}

/// `mesos.FrameworkInfo.Capability`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, prost::Message)]
pub struct Capability {
    /// One of the constants of this type, or a number this build does not know.
    #[prost(int32, optional, tag = "1")]
    pub r#type: Option<i32>,
}

impl Capability {
    /// Understands resources that may be taken back.
    pub const REVOCABLE_RESOURCES: i32 = 1;
    /// Understands the task state `TASK_KILLING`.
    pub const TASK_KILLING_STATE: i32 = 2;
    /// Takes offers of agents with GPUs.
    pub const GPU_RESOURCES: i32 = 3;
    /// Understands shared persistent volumes.
    pub const SHARED_RESOURCES: i32 = 4;
    /// Understands the states of tasks on unreachable agents.
    pub const PARTITION_AWARE: i32 = 5;
    /// Has several roles.
    pub const MULTI_ROLE: i32 = 6;
    /// Understands stacks of reservations.
    pub const RESERVATION_REFINEMENT: i32 = 7;
    /// Takes offers of other regions.
    pub const REGION_AWARE: i32 = 8;
}

/// An entry of the map `FrameworkInfo.offer_filters`. Of two entries with the same role the later counts.
#[derive(Clone, PartialEq, prost::Message)]
pub struct OfferFiltersEntry {
    /// Role.
    #[prost(bytes = "vec", optional, tag = "1")]
    pub role: Option<Vec<u8>>,
    /// What offers to this role must hold.
    #[prost(message, optional, tag = "2")]
    pub filters: Option<OfferFilters>,
}

/// `mesos.OfferFilters`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct OfferFilters {
    /// Alternatives of which an offer must hold at least one; absent: the master's own minimum.
    #[prost(message, optional, tag = "1")]
    pub min_allocatable_resources: Option<MinAllocatableResources>,
}

/// `mesos.OfferFilters.MinAllocatableResources`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct MinAllocatableResources {
    /// The alternatives. None at all: any offer will do.
    #[prost(message, repeated, tag = "1")]
    pub quantities: Vec<ResourceQuantities>,
}

/// `mesos.OfferFilters.ResourceQuantities`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ResourceQuantities {
    /// Amount by resource name.
    #[prost(message, repeated, tag = "1")]
    pub quantities: Vec<ScalarEntry>,
}
