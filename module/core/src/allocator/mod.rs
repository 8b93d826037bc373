//! The allocator: one value that takes events and tells what they lead to.
//!
//! `state + event + now → effects`. Nothing here reads a clock, a random source or the environment, and no answer
//! depends on the iteration order of a hash table: the same events give the same effects on every machine.
//!
//! | file | what is in it |
//! |---|---|
//! | `mod.rs` | the state, the dispatch of events, names for ids |
//! | `ledger.rs` | who holds what: agents, sorters and role aggregates change together here and nowhere else |
//! | `agent_calls.rs`, `framework_calls.rs`, `resource_calls.rs`, `role_calls.rs` | the calls |
//! | `../cycle.rs`, `../visit.rs` | the allocation run, and what happens at one agent in it |
//! | `../quota.rs`, `../chopping.rs` | what quotas leave, and cutting resources down to it |
//! | `../inverse_offers.rs` | asking frameworks to leave |
//! | `../numbers.rs` | numbers for metrics |
//! | `../lending/` | idle capacity offered to many at once |
//! | `../eligibility.rs` | what of an agent a framework may be offered |
//! | `../invariants.rs` | every kept total derived anew |

mod agent_calls;
mod framework_calls;
pub(crate) mod ledger;
mod resource_calls;
mod role_calls;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::agents::Agents;
use crate::cycle::Candidates;
use crate::effect::{Effects, InverseOfferStatus, InverseOfferStatuses, Violation};
use crate::event::{Event, Quota, Unavailability};
use crate::exclusions::Exclusions;
use crate::filters::Filters;
use crate::frameworks::{Alternative, Frameworks};
use crate::holding::Holding;
use crate::ids::{AgentId, FrameworkId, KindId, RoleId};
use crate::index_set::IndexSet;
use crate::inverse_offers::InverseFilters;
use crate::kind::{Kind, KindRefused, KindTable};
use crate::lending::Lending;
use crate::notice::Notice;
use crate::options::{Instant, Minimum, Options};
use crate::quantities::{Pool, Quantities};
use crate::roles::RoleTree;
use crate::shapes::Shapes;
use crate::sorter::Sorter;
use crate::text::Text;

/// Offers wait for agents after a failover.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Recovery {
    /// How many agents end the wait.
    pub(crate) agents: u64,
    /// When it ends anyway.
    pub(crate) deadline: Instant,
}

/// The allocator.
///
/// ```
/// use apportion_core::*;
/// let mut allocator = Allocator::new();
/// let cpus = allocator.intern_kind(Kind::scalar(b"cpus")).unwrap();
/// let total = Holding::new([Item::scalar(cpus, Amount::whole(4))]);
/// let now = Instant::default();
/// allocator.apply(&Event::Initialize { options: &Options::default() }, now).unwrap();
/// let info = FrameworkInfo { roles: &[b"web"], ..FrameworkInfo::default() };
/// allocator.apply(&Event::AddFramework { framework: b"f", info, used: &[], active: true }, now).unwrap();
/// allocator
///     .apply(
///         &Event::AddAgent {
///             agent: b"a",
///             info: AgentInfo::default(),
///             capabilities: AgentCapabilities::default(),
///             unavailability: None,
///             total: &total,
///             used: &[],
///         },
///         now,
///     )
///     .unwrap();
/// let effects = allocator.apply(&Event::Cycle, now).unwrap();
/// assert_eq!(effects.offers[0].resources, total);
/// assert_eq!(allocator.framework_name(effects.offers[0].framework), Some(b"f".as_slice()));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Allocator {
    pub(crate) options: Options,
    pub(crate) min_allocatable: Vec<Alternative>,
    pub(crate) initialized: bool,
    pub(crate) paused: bool,
    pub(crate) recovery: Option<Recovery>,
    pub(crate) whitelist: Option<BTreeSet<Box<[u8]>>>,
    pub(crate) kinds: KindTable,
    pub(crate) roles: RoleTree,
    pub(crate) role_sorter: Sorter,
    /// By role; present iff a framework is a member of the role.
    pub(crate) framework_sorters: Vec<Option<Sorter>>,
    pub(crate) agents: Agents,
    pub(crate) shapes: Shapes,
    /// What nobody holds of all agents, unreserved and not revocable; worked out when a guarantee first needs it.
    pub(crate) free: Option<Quantities>,
    pub(crate) frameworks: Frameworks,
    pub(crate) filters: Filters,
    pub(crate) inverse_filters: InverseFilters,
    pub(crate) exclusions: Exclusions,
    pub(crate) lending: Lending,
    /// Agents (slots) with a maintenance window.
    pub(crate) maintained: IndexSet,
    pub(crate) pool: Pool,
    /// On which agents (slots) frameworks that were never added hold something.
    pub(crate) absent_on: BTreeMap<Box<[u8]>, BTreeSet<usize>>,
    pub(crate) candidates: Candidates,
    /// Runs so far.
    pub(crate) runs: u64,
    /// Batch runs so far.
    pub(crate) batches: u64,
}

impl Allocator {
    /// An allocator that waits for [`Event::Initialize`].
    #[must_use]
    pub fn new() -> Self {
        Self { paused: true, ..Self::default() }
    }

    /// The id of a kind, new or not. Kinds must be interned before they appear in an event, and in the same order
    /// when events are replayed.
    ///
    /// # Errors
    ///
    /// [`KindRefused`] if the kind has no name, contradicts one with the same identity, or there are too many.
    pub fn intern_kind(&mut self, kind: Kind) -> Result<KindId, KindRefused> {
        self.kinds.intern(kind, &mut self.roles)
    }

    /// The id of the kind with this identity, if it was interned.
    #[must_use]
    pub fn find_kind(&self, identity: &[u8]) -> Option<KindId> {
        self.kinds.find(identity)
    }

    /// The kind behind an id.
    ///
    /// # Panics
    ///
    /// If the id is of another allocator.
    #[must_use]
    pub fn kind(&self, kind: KindId) -> &Kind {
        self.kinds.kind(kind)
    }

    /// The name of a framework; `None` if it is gone.
    #[must_use]
    pub fn framework_name(&self, framework: FrameworkId) -> Option<&[u8]> {
        self.frameworks.name(framework)
    }

    /// The name of an agent; `None` if it is gone.
    #[must_use]
    pub fn agent_name(&self, agent: AgentId) -> Option<&[u8]> {
        self.agents.name(agent)
    }

    /// The name of a role.
    ///
    /// # Panics
    ///
    /// If the id is of another allocator.
    #[must_use]
    pub fn role_name(&self, role: RoleId) -> &[u8] {
        self.roles.name(role)
    }

    /// The id of a role whose name was seen.
    #[must_use]
    pub fn find_role(&self, name: &[u8]) -> Option<RoleId> {
        self.roles.find(name)
    }

    /// The quota of a role, as recorded.
    ///
    /// # Panics
    ///
    /// If the id is of another allocator.
    #[must_use]
    pub fn quota(&self, role: RoleId) -> &Quota {
        self.roles.quota(role)
    }

    /// How many agents are registered.
    #[must_use]
    pub fn agents_len(&self) -> usize {
        self.agents.len()
    }

    /// How many frameworks are registered.
    #[must_use]
    pub fn frameworks_len(&self) -> usize {
        self.frameworks.len()
    }

    /// How many offer filters frameworks have in a role.
    #[must_use]
    pub fn filters_len(&self, role: RoleId) -> usize {
        self.filters.len_in_role(role)
    }

    /// Whether runs are skipped at the moment.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.paused
    }

    /// What an agent has that nobody holds; `None` if the agent is not known.
    #[must_use]
    pub fn available(&self, agent: &[u8]) -> Option<&Holding> {
        self.agents.find(agent).map(|agent| &self.agents.get(agent).available)
    }

    /// Everything an agent has; `None` if the agent is not known.
    #[must_use]
    pub fn total(&self, agent: &[u8]) -> Option<&Holding> {
        self.agents.find(agent).map(|agent| &self.agents.get(agent).total)
    }

    /// What of an agent is offered in a role, to whichever frameworks, and is neither back nor in use by a task or
    /// executor; with what operations still hold. Nothing if agent or role are not known.
    #[must_use]
    pub fn offered(&self, agent: &[u8], role: &[u8]) -> Holding {
        let (Some(agent), Some(role)) = (self.agents.find(agent), self.roles.find(role)) else {
            return Holding::default();
        };
        let mut offered = self.held_in_role(role, agent);
        if let Some(used) = self.agents.get(agent).used.get(&role) {
            offered.subtract(used);
        }
        if let Some(lent) = self.lending.of(agent.index()) {
            lent.loans.iter().filter(|loan| loan.role == role).for_each(|loan| offered.add(&loan.offered));
        }
        offered
    }

    /// The maintenance window of an agent, if it has one.
    #[must_use]
    pub fn unavailability(&self, agent: &[u8]) -> Option<Unavailability> {
        let agent = self.agents.find(agent)?;
        self.agents.get(agent).maintenance.as_ref().map(|maintenance| maintenance.unavailability)
    }

    /// Resources in words, for log lines: `cpus:4; mem(web):512`.
    #[must_use]
    pub fn describe<'a>(&'a self, resources: &'a Holding) -> Description<'a> {
        Description { allocator: self, resources }
    }

    /// Applies an event.
    ///
    /// # Errors
    ///
    /// A [`Violation`] if the event contradicts the books. If [`Violation::is_fatal`], something may be offered twice from
    /// here on: do not go on with this allocator. Otherwise nothing was changed, and the event counts as not sent.
    pub fn apply(&mut self, event: &Event<'_>, now: Instant) -> Result<Effects, Violation> {
        let mut effects = Effects::default();
        self.check_initialized(event)?;
        self.end_recovery_in_time(now, &mut effects);
        self.dispatch(event, now, &mut effects)?;
        self.settle_lending(now, &mut effects);
        effects.roles_changed = self.roles.take_changed();
        Ok(effects)
    }

    /// Everything but pausing needs options first.
    fn check_initialized(&self, event: &Event<'_>) -> Result<(), Violation> {
        match event {
            Event::Initialize { .. } if self.initialized => Err(Violation::InitializedTwice),
            Event::Initialize { .. } | Event::Pause | Event::Resume => Ok(()),
            _ if self.initialized => Ok(()),
            _ => Err(Violation::NotInitialized { call: event.name() }),
        }
    }

    fn dispatch(&mut self, event: &Event<'_>, now: Instant, effects: &mut Effects) -> Result<(), Violation> {
        match *event {
            Event::Initialize { options } => self.initialize(options),
            Event::Recover { expected_agents, quotas } => {
                self.recover(expected_agents, quotas, now, effects)?
            }
            Event::AddFramework { .. }
            | Event::RemoveFramework { .. }
            | Event::ActivateFramework { .. }
            | Event::DeactivateFramework { .. }
            | Event::UpdateFramework { .. }
            | Event::SuppressOffers { .. }
            | Event::ReviveOffers { .. }
            | Event::RequestResources { .. } => self.apply_to_framework(event, effects)?,
            Event::AddAgent { .. }
            | Event::RemoveAgent { .. }
            | Event::UpdateAgent { .. }
            | Event::AddResourceProvider { .. }
            | Event::ActivateAgent { .. }
            | Event::DeactivateAgent { .. }
            | Event::UpdateWhitelist { .. }
            | Event::UpdateUnavailability { .. }
            | Event::UpdateInverseOffer { .. } => self.apply_to_agent(event, now, effects)?,
            Event::UpdateAllocation { framework, agent, role, offered, conversions } => {
                self.update_allocation(framework, agent, role, offered, conversions, effects)?;
            }
            Event::UpdateAvailable { agent, conversions } => {
                effects.available_updated = Some(self.update_available(agent, conversions));
            }
            Event::TransitionOfferedToAllocated { agent, resources } => {
                self.transition_offered_to_allocated(agent, resources)?;
            }
            Event::UseLent { framework, agent, resources } => {
                self.use_lent(framework, agent, resources, effects);
            }
            Event::LoseLaunches { framework, launches } => {
                self.lose_launches(framework, launches, now, effects);
            }
            Event::RecoverResources { .. } => self.recover_resources(event, now, effects)?,
            Event::GetInverseOfferStatuses => {
                effects.inverse_offer_statuses = Some(self.inverse_offer_statuses());
            }
            Event::UpdateQuota { role, quota } => self.update_quota(role, quota),
            Event::UpdateWeights { weights } => self.update_weights(weights, effects),
            Event::Pause => self.paused = true,
            Event::Resume => self.resume(),
            Event::Cycle => self.run_cycle(now, effects),
            Event::Tick => self.pass_interval(now, effects),
        }
        Ok(())
    }

    fn initialize(&mut self, options: &Options) {
        self.options = options.clone();
        self.min_allocatable = self.resolve_minimum(&options.min_allocatable);
        let excluded = options.fairness_excluded.iter().map(|name| self.kinds.intern_name(name)).collect();
        self.pool.exclude(excluded);
        self.lending.begin(&options.lending, &mut self.kinds, &mut self.roles);
        self.initialized = true;
        self.paused = false;
    }

    fn resume(&mut self) {
        self.paused = false;
        // Whoever resumes knows why: the wait for agents is over too, as with the built-in allocator.
        self.recovery = None;
    }

    /// Numbers the names in alternatives.
    pub(crate) fn resolve_minimum(&mut self, alternatives: &[Minimum]) -> Vec<Alternative> {
        let kinds = &mut self.kinds;
        alternatives
            .iter()
            .map(|minimum| {
                minimum.amounts.iter().map(|(name, amount)| (kinds.intern_name(name), *amount)).collect()
            })
            .collect()
    }

    fn inverse_offer_statuses(&self) -> Vec<InverseOfferStatuses> {
        let with_maintenance = self.agents.by_name().filter_map(|(name, agent)| {
            let maintenance = agent.maintenance.as_ref()?;
            let answers = maintenance.statuses.iter();
            let statuses = answers.map(|(framework, status)| InverseOfferStatus {
                framework: framework.clone(),
                status: status.clone(),
            });
            let statuses = statuses.collect();
            Some(InverseOfferStatuses { agent: name.into(), statuses })
        });
        with_maintenance.collect()
    }

    /// The wait for agents after a failover ends when its time is up.
    fn end_recovery_in_time(&mut self, now: Instant, effects: &mut Effects) {
        if self.recovery.is_some_and(|recovery| recovery.deadline <= now) {
            self.end_recovery(true, effects);
        }
    }

    /// Offers are made again.
    pub(crate) fn end_recovery(&mut self, timed_out: bool, effects: &mut Effects) {
        self.resume();
        effects.notices.push(Notice::RecoveryEnded { agents: self.agents.len() as u64, timed_out });
    }

    pub(crate) fn known_framework(
        &self,
        call: &'static str,
        framework: &[u8],
    ) -> Result<FrameworkId, Violation> {
        let unknown = || Violation::UnknownFramework { call, framework: framework.into() };
        self.frameworks.find(framework).ok_or_else(unknown)
    }

    pub(crate) fn known_agent(&self, call: &'static str, agent: &[u8]) -> Result<AgentId, Violation> {
        self.agents.find(agent).ok_or_else(|| Violation::UnknownAgent { call, agent: agent.into() })
    }
}

/// Resources in words, see [`Allocator::describe`].
#[derive(Debug, Clone, Copy)]
pub struct Description<'a> {
    allocator: &'a Allocator,
    resources: &'a Holding,
}

impl fmt::Display for Description<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.resources.is_empty() {
            return f.write_str("{}");
        }
        for (position, item) in self.resources.items().iter().enumerate() {
            let kind = self.allocator.kind(item.kind);
            write!(f, "{}{}", if position == 0 { "" } else { "; " }, Text(&kind.name))?;
            if let Some(reservation) = kind.reservations.last() {
                write!(f, "({})", Text(&reservation.role))?;
            }
            if let Some(volume) = &kind.volume {
                write!(f, "[{}]", Text(volume))?;
            }
            if kind.revocable {
                f.write_str("{REV}")?;
            }
            write!(f, ":{}", item.value)?;
            if item.copies != 1 {
                write!(f, "<{}>", item.copies)?;
            }
        }
        Ok(())
    }
}
