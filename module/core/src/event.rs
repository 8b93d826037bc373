//! Everything that can happen to the allocator: the 28 calls of the Mesos allocator interface, the queued run, and the
//! passing of the allocation interval.
//!
//! Events borrow: names are the host's bytes, resources are [`Holding`]s of kinds interned before
//! ([`crate::Allocator::intern_kind`]). A call that concerns resources allocated to several roles names them group by
//! group ([`Allocated`]).

use crate::amount::Amount;
use crate::holding::{Conversion, Holding};
use crate::options::{Minimum, Options};

/// Resources allocated to a role.
#[derive(Debug, Clone, Copy)]
pub struct Allocated<'a> {
    /// The role; `None` if the host did not say, which is tolerated only for frameworks that are not known yet.
    pub role: Option<&'a [u8]>,
    /// The resources, without the role.
    pub resources: &'a Holding,
}

/// Resources in use on some agent by a framework.
#[derive(Debug, Clone, Copy)]
pub struct UsedByFramework<'a> {
    /// Who uses them.
    pub framework: &'a [u8],
    /// What, role by role.
    pub used: &'a [Allocated<'a>],
}

/// Resources a framework uses on an agent.
#[derive(Debug, Clone, Copy)]
pub struct UsedOnAgent<'a> {
    /// Where they are used.
    pub agent: &'a [u8],
    /// What, role by role.
    pub used: &'a [Allocated<'a>],
}

/// What a framework said it can handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "one independent yes or no per capability")]
pub struct FrameworkCapabilities {
    /// Several roles at once (MULTI_ROLE).
    pub multi_role: bool,
    /// Agents with GPUs (GPU_RESOURCES).
    pub gpu_resources: bool,
    /// Shared resources (SHARED_RESOURCES).
    pub shared_resources: bool,
    /// Resources that can be taken back (REVOCABLE_RESOURCES).
    pub revocable_resources: bool,
    /// Reservations of reservations (RESERVATION_REFINEMENT).
    pub reservation_refinement: bool,
    /// Agents in other regions (REGION_AWARE).
    pub region_aware: bool,
}

/// What an agent said it can handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AgentCapabilities {
    /// Frameworks with several roles (MULTI_ROLE).
    pub multi_role: bool,
    /// Roles inside roles (HIERARCHICAL_ROLE).
    pub hierarchical_role: bool,
}

/// A framework's own least offer for one role, instead of the general one.
#[derive(Debug, Clone, Copy)]
pub struct MinimumForRole<'a> {
    /// The role it is for.
    pub role: &'a [u8],
    /// The alternatives; none means any offer that is not empty.
    pub alternatives: &'a [Minimum],
}

/// What a framework subscribes with.
#[derive(Debug, Clone, Copy, Default)]
pub struct FrameworkInfo<'a> {
    /// The roles it takes offers in.
    pub roles: &'a [&'a [u8]],
    /// Those of them in which it wants none at the moment.
    pub suppressed: &'a [&'a [u8]],
    /// What it can handle.
    pub capabilities: FrameworkCapabilities,
    /// Its own least offers.
    pub min_allocatable: &'a [MinimumForRole<'a>],
    /// The agents its offer constraints exclude, role by role, of all agents known now. What is said here replaces
    /// what was said before.
    pub excluded_agents: &'a [ExcludedAgents<'a>],
}

/// The agents that a framework's offer constraints exclude from offers in one role.
#[derive(Debug, Clone, Copy)]
pub struct ExcludedAgents<'a> {
    /// The role.
    pub role: &'a [u8],
    /// Ids of agents; those that are not known are left out.
    pub agents: &'a [&'a [u8]],
}

/// A framework and role whose offer constraints exclude an agent.
#[derive(Debug, Clone, Copy)]
pub struct ExcludedFrom<'a> {
    /// The framework's id.
    pub framework: &'a [u8],
    /// The role.
    pub role: &'a [u8],
}

/// What an agent registers with.
#[derive(Debug, Clone, Copy, Default)]
pub struct AgentInfo<'a> {
    /// The name the whitelist knows it by.
    pub hostname: &'a [u8],
    /// Its attributes in some canonical form: equal bytes, equal attributes.
    pub attributes: &'a [u8],
    /// The region of its fault domain, if it has one.
    pub region: Option<&'a [u8]>,
    /// Whether it can end borrowers, so that its idle capacity may be lent. What can be taken back on it is lent then,
    /// and never what a resource estimator reports.
    pub reclaims: bool,
    /// Everything else whose change is a reason to look at the agent again, in some canonical form.
    pub other: &'a [u8],
    /// Whose offer constraints exclude the agent, of all frameworks known now. What is said here replaces what was
    /// said before.
    pub excluded_from: &'a [ExcludedFrom<'a>],
}

/// A planned maintenance window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unavailability {
    /// Begin, in nanoseconds since the epoch.
    pub start_nanos: i64,
    /// Length in nanoseconds; `None` means for good.
    pub duration_nanos: Option<i64>,
}

/// What a role is guaranteed and how much it may have, by resource name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Quota {
    /// Least amounts; a missing name means nothing is guaranteed.
    pub guarantees: Vec<(Box<[u8]>, Amount)>,
    /// Largest amounts; a missing name means no limit.
    pub limits: Vec<(Box<[u8]>, Amount)>,
}

impl Quota {
    /// Neither guarantees nor limits.
    #[must_use]
    pub fn is_default(&self) -> bool {
        self.guarantees.is_empty() && self.limits.is_empty()
    }
}

/// Something that happens to the allocator.
///
/// "Requests a run" means [`crate::Effects::cycle_requested`]: the caller puts one [`Event::Cycle`] behind whatever
/// is already waiting, so that a burst of events is answered by one run.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// The master starts. Comes first, once.
    Initialize {
        /// What the master decided.
        options: &'a Options,
    },
    /// The registry was recovered; with quotas, offers wait until enough agents are back.
    Recover {
        /// Agents in the registry.
        expected_agents: u64,
        /// All quotas that are not default.
        quotas: &'a [(&'a [u8], &'a Quota)],
    },
    /// A framework appears. Requests a run if it is active.
    AddFramework {
        /// Its id.
        framework: &'a [u8],
        /// What it subscribes with.
        info: FrameworkInfo<'a>,
        /// What it already uses.
        used: &'a [UsedOnAgent<'a>],
        /// Whether it can take offers now.
        active: bool,
    },
    /// A framework is gone for good; what it still held is free.
    RemoveFramework {
        /// Its id.
        framework: &'a [u8],
    },
    /// A framework is back. Requests a run.
    ActivateFramework {
        /// Its id.
        framework: &'a [u8],
    },
    /// A framework is disconnected: no offers, filters dropped, holdings kept.
    DeactivateFramework {
        /// Its id.
        framework: &'a [u8],
    },
    /// A framework changed its subscription.
    UpdateFramework {
        /// Its id.
        framework: &'a [u8],
        /// What it subscribes with now.
        info: FrameworkInfo<'a>,
    },
    /// An agent registers. Requests a run.
    AddAgent {
        /// Its id.
        agent: &'a [u8],
        /// What it registers with.
        info: AgentInfo<'a>,
        /// What it can handle.
        capabilities: AgentCapabilities,
        /// Its maintenance window.
        unavailability: Option<Unavailability>,
        /// Everything it has.
        total: &'a Holding,
        /// What of it is in use, by frameworks known and not known yet.
        used: &'a [UsedByFramework<'a>],
    },
    /// An agent is gone.
    RemoveAgent {
        /// Its id.
        agent: &'a [u8],
    },
    /// An agent changed. Requests a run if anything really did.
    UpdateAgent {
        /// Its id.
        agent: &'a [u8],
        /// What it registers with now.
        info: AgentInfo<'a>,
        /// Everything it has now, if that was told.
        total: Option<&'a Holding>,
        /// What it can handle now, if that was told.
        capabilities: Option<AgentCapabilities>,
    },
    /// An agent got more resources, some of them perhaps in use by pending operations.
    AddResourceProvider {
        /// The agent's id.
        agent: &'a [u8],
        /// What came.
        total: &'a Holding,
        /// What of it is in use.
        used: &'a [UsedByFramework<'a>],
    },
    /// An agent may be offered again.
    ActivateAgent {
        /// Its id.
        agent: &'a [u8],
    },
    /// An agent must not be offered.
    DeactivateAgent {
        /// Its id.
        agent: &'a [u8],
    },
    /// Which hosts may be offered.
    UpdateWhitelist {
        /// Their names; `None` means all.
        hostnames: Option<&'a [&'a [u8]]>,
    },
    /// A framework asks for resources; without effect, as in Mesos.
    RequestResources {
        /// Its id.
        framework: &'a [u8],
    },
    /// A framework's offers were changed by the operations it accepted them with.
    UpdateAllocation {
        /// Its id.
        framework: &'a [u8],
        /// Where.
        agent: &'a [u8],
        /// The role the resources are allocated to.
        role: &'a [u8],
        /// The sum of the offers.
        offered: &'a Holding,
        /// What was done to them, in order.
        conversions: &'a [Conversion],
    },
    /// An operator wants to change resources nobody holds. Answered in [`crate::Effects::available_updated`].
    UpdateAvailable {
        /// Where.
        agent: &'a [u8],
        /// What is to be done, in order, all or nothing.
        conversions: &'a [Conversion],
    },
    /// An agent's maintenance window was set or dropped. Requests a run.
    UpdateUnavailability {
        /// Its id.
        agent: &'a [u8],
        /// The window; `None` if there is none any more.
        unavailability: Option<Unavailability>,
    },
    /// A framework answered an inverse offer, or it ended without an answer.
    UpdateInverseOffer {
        /// Where.
        agent: &'a [u8],
        /// Who.
        framework: &'a [u8],
        /// The answer as the host spells it; kept and given back, never read.
        status: Option<&'a [u8]>,
        /// For how long to send no other, in seconds as the framework said it.
        refuse_seconds: Option<f64>,
    },
    /// The answers to inverse offers are asked for. Answered in [`crate::Effects::inverse_offer_statuses`].
    GetInverseOfferStatuses,
    /// Offered resources are now used by tasks and executors.
    TransitionOfferedToAllocated {
        /// Where.
        agent: &'a [u8],
        /// What, role by role.
        resources: &'a [Allocated<'a>],
    },
    /// Launches use lent resources. The same call tells of them as [`Event::TransitionOfferedToAllocated`], which leaves
    /// lent resources alone: whose they are is known only to those who saw the launch.
    UseLent {
        /// Who launched; `None` if nobody saw it: then the first that was offered so much is meant.
        framework: Option<&'a [u8]>,
        /// Where.
        agent: &'a [u8],
        /// What, role by role; the regular part is left alone.
        resources: &'a [Allocated<'a>],
    },
    /// Launches on lent resources were turned down, because these were gone.
    LoseLaunches {
        /// Whose they were.
        framework: &'a [u8],
        /// How many.
        launches: u32,
    },
    /// Resources are free again: an offer declined or rescinded, a task ended.
    RecoverResources {
        /// Who held them.
        framework: &'a [u8],
        /// Where.
        agent: &'a [u8],
        /// What, role by role.
        resources: &'a [Allocated<'a>],
        /// For how long not to offer them again, in seconds as the framework said it; anything can be in there.
        refuse_seconds: Option<f64>,
        /// Whether tasks or executors used them.
        allocated: bool,
    },
    /// A framework wants no offers in some roles.
    SuppressOffers {
        /// Its id.
        framework: &'a [u8],
        /// The roles; none named means all.
        roles: &'a [&'a [u8]],
    },
    /// A framework wants offers again and takes its refusals back. Requests a run.
    ReviveOffers {
        /// Its id.
        framework: &'a [u8],
        /// The roles; none named means all.
        roles: &'a [&'a [u8]],
    },
    /// A role's guarantees and limits.
    UpdateQuota {
        /// The role.
        role: &'a [u8],
        /// Its quota; the default one removes it.
        quota: &'a Quota,
    },
    /// The weights of some roles; those not named keep theirs.
    UpdateWeights {
        /// (role, weight as configured).
        weights: &'a [(&'a [u8], f64)],
    },
    /// No runs until resumed. Does not nest.
    Pause,
    /// Runs are allowed again. Requests none.
    Resume,
    /// A run that was requested is due.
    Cycle,
    /// The allocation interval has passed. Requests a run over all agents.
    Tick,
}

impl Event<'_> {
    /// The name of the event in the field's words, for log lines.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Initialize { .. } => "initialize",
            Self::Recover { .. } => "recover",
            Self::AddFramework { .. } => "add framework",
            Self::RemoveFramework { .. } => "remove framework",
            Self::ActivateFramework { .. } => "activate framework",
            Self::DeactivateFramework { .. } => "deactivate framework",
            Self::UpdateFramework { .. } => "update framework",
            Self::AddAgent { .. } => "add agent",
            Self::RemoveAgent { .. } => "remove agent",
            Self::UpdateAgent { .. } => "update agent",
            Self::AddResourceProvider { .. } => "add resource provider",
            Self::ActivateAgent { .. } => "activate agent",
            Self::DeactivateAgent { .. } => "deactivate agent",
            Self::UpdateWhitelist { .. } => "update whitelist",
            Self::RequestResources { .. } => "request resources",
            Self::UpdateAllocation { .. } => "update allocation",
            Self::UpdateAvailable { .. } => "update available",
            Self::UpdateUnavailability { .. } => "update unavailability",
            Self::UpdateInverseOffer { .. } => "update inverse offer",
            Self::GetInverseOfferStatuses => "get inverse offer statuses",
            Self::TransitionOfferedToAllocated { .. } => "transition offered to allocated",
            Self::UseLent { .. } => "use lent",
            Self::LoseLaunches { .. } => "lose launches",
            Self::RecoverResources { .. } => "recover resources",
            Self::SuppressOffers { .. } => "suppress offers",
            Self::ReviveOffers { .. } => "revive offers",
            Self::UpdateQuota { .. } => "update quota",
            Self::UpdateWeights { .. } => "update weights",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Cycle => "cycle",
            Self::Tick => "tick",
        }
    }
}
