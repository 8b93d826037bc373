//! The allocator: host bytes become events of the core, its effects become offers the shim can send.

mod brief;
mod caches;
pub(crate) mod commitments;
mod conflict;
mod constraints_debug;
pub(crate) mod entries;
mod explanation;
mod host_values;
mod intern;
mod lending;
mod lending_report;
mod metrics;
mod outbox;
pub(crate) mod reads;
mod recorder;
mod turned_away;

use std::fmt;
use std::sync::Arc;
use std::time::Instant as Stopwatch;

use apportion_config::{AllocatorOrder, Config, Drill, LendingConfig};
use apportion_core::{
    Allocated, Allocator, Conversion, Effects, Event, ExcludedFrom, Holding, Instant, Order, Quota, Severity,
    UsedByFramework, UsedOnAgent, Violation,
};
use apportion_ledger::Ledger;
use apportion_wire::messages::{self, decode};
use apportion_wire::operation;
use parking_lot::Mutex;

use self::brief::{Brief, Summary};
use self::explanation::Explanation;
use self::host_values::{
    Exclusions, agent_capabilities, agent_info, allocated, attributes_of, quota, refuse_seconds,
    unavailability_of, with_framework_info,
};
use self::intern::{ByRole, Identities, Resources};
pub(crate) use self::intern::{core_value, wire_value};
use self::lending_report::Report;
use self::metrics::{Metrics, Sources};
use self::outbox::Outbox;
use self::recorder::Recorder;
use self::turned_away::TurnedAway;
use crate::abi::{apportion_effects, apportion_options, apportion_quota};
use crate::commits::OpenLedger;
use crate::lent::{Exchange, Lent};
use crate::offer_book::OfferBook;
use crate::table::Refusal;

/// Names with the resources that each holds, as the shim lends them.
type Holdings<'a> = [(&'a [u8], Vec<&'a [u8]>)];

/// Why an event was not taken.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// Bad input: nothing changed, one line in the log.
    Refused(String),
    /// A call that contradicts the books, which still hold: nothing changed, one line in the log.
    Rejected(String),
    /// An operation that does not fit what there is: nothing changed, the operator is told.
    DoesNotApply(String),
    /// The books can no longer be trusted.
    Broken(String),
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Trouble {
        Trouble::Refused(refusal.0)
    }
}

impl From<crate::lent::BadArgument> for Trouble {
    fn from(error: crate::lent::BadArgument) -> Trouble {
        Trouble::Refused(error.to_string())
    }
}

impl From<apportion_wire::WireError> for Trouble {
    fn from(error: apportion_wire::WireError) -> Trouble {
        Trouble::Refused(error.to_string())
    }
}

/// The allocator of a master. One thread at a time: the lock only makes sure of it.
pub(crate) struct AllocatorModule {
    pub(crate) state: Mutex<State>,
    /// What the master's thread tells of, if this allocator lends; never under the lock of `state`.
    pub(crate) commits: Option<Arc<OpenLedger>>,
    pub(crate) drill: Drill,
}

/// What an event may change.
pub(crate) struct State {
    core: Allocator,
    resources: Resources,
    outbox: Outbox,
    recorder: Recorder,
    /// Where it is told what may be lent.
    commits: Option<Arc<OpenLedger>>,
    turned_away: TurnedAway,
    metrics: Metrics,
    order: Order,
    seed: u64,
    /// What is configured; the core has what follows from it.
    lending: LendingConfig,
    explanation: Explanation,
    /// Why the allocator stopped: set once, by a panic or a broken invariant.
    pub(crate) stopped: Option<String>,
}

impl fmt::Debug for AllocatorModule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AllocatorModule")
    }
}

impl AllocatorModule {
    /// `book` is where hooks of this process look for what is offered, `commits` where launches on lent resources are
    /// admitted.
    pub(crate) fn new(config: &Config, book: Arc<OfferBook>, commits: Option<OpenLedger>) -> AllocatorModule {
        let commits = commits.map(Arc::new);
        let state = State {
            core: Allocator::new(),
            resources: Resources::default(),
            outbox: Outbox::default(),
            recorder: Recorder::new(book),
            commits: commits.clone(),
            turned_away: TurnedAway::default(),
            metrics: Metrics::default(),
            order: match config.allocator.order {
                AllocatorOrder::DominantShare => Order::DominantShare,
                AllocatorOrder::Random => Order::Random,
            },
            seed: config.allocator.seed,
            lending: config.lending.clone(),
            explanation: Explanation::new(config.allocator.explain_offers),
            stopped: None,
        };
        AllocatorModule { state: Mutex::new(state), commits, drill: config.drill.clone() }
    }
}

impl State {
    /// The effects of the last event, for the shim.
    pub(crate) fn effects(&mut self) -> apportion_effects {
        let mut effects = self.outbox.lend();
        self.metrics.lend(&mut effects);
        effects
    }

    /// The metrics that are there from the beginning.
    fn publish_metrics(&mut self) {
        self.outbox.empty();
        self.metrics.publish(&self.lending);
    }

    /// The numbers of some metrics.
    fn numbers(&self, slots: &[u32], messages_waiting: u64) -> Vec<Option<f64>> {
        let sources = Sources {
            core: &self.core,
            commits: self.commits.as_deref(),
            messages_waiting,
            resource_kinds: self.resources.kinds_len(),
            log_lines_suppressed: self.explanation.suppressed(),
        };
        self.metrics.read(slots, sources)
    }

    /// The JSON text of the debug endpoint, for some frameworks or for all.
    fn constraints_debug(&self, frameworks: Option<&[&[u8]]>) -> Vec<u8> {
        let shown = |id: &&[u8]| frameworks.is_none_or(|shown| shown.contains(id));
        constraints_debug::json(&self.core, self.metrics.framework_ids().filter(shown))
    }

    /// The page about lending; `None` where nothing can be lent.
    fn lending_report(&self, now: i64) -> Option<serde_json::Value> {
        let report = Report {
            rules: &self.lending,
            core: &self.core,
            commits: self.commits.as_deref()?,
            offers: self.metrics.lent_offers(),
            now: Instant::from_nanos(now),
        };
        Some(report.json())
    }

    /// Hands an event to the core and keeps what it leads to.
    fn apply(&mut self, now: i64, event: &Event<'_>) -> Result<(), Trouble> {
        self.metrics.begin(now, event);
        if let Some(refusal) = self.turned_away.refusal(event) {
            return Err(Trouble::Refused(refusal));
        }
        let name = event.name();
        let begun = Stopwatch::now();
        let effects = self
            .core
            .apply(event, Instant::from_nanos(now))
            .map_err(|found| self.contradiction(event, &found))?;
        for notice in &effects.notices {
            match notice.severity() {
                Severity::Verbose => tracing::debug!("{name}: {notice}"),
                Severity::Info => tracing::info!("{name}: {notice}"),
                Severity::Warning => tracing::warn!("{name}: {notice}"),
            }
        }
        self.explanation.tell(Instant::from_nanos(now), &effects, &self.core);
        self.outbox.fill(&effects, &self.core, &self.resources);
        self.recorder.follow(event, &effects, &self.core, &self.resources);
        self.publish(&effects);
        self.metrics.end(now, begun, &effects, &self.core);
        self.follow_framework(event);
        match (event, effects.available_updated) {
            (Event::UpdateAvailable { agent, .. }, Some(Err(reason))) => {
                Err(Trouble::DoesNotApply(conflict::text(&reason, agent, &self.resources)))
            }
            _ => Ok(()),
        }
    }

    /// Tells the commit ledger what may be lent from now on.
    fn publish(&self, effects: &Effects) {
        let Some(commits) = &self.commits else { return };
        for lendable in &effects.lendable {
            let agent = self.core.agent_name(lendable.agent).unwrap_or_default();
            commits.publish(agent, lendable.amounts.iter().map(|(name, amount)| (&**name, *amount)));
        }
    }

    /// Metrics of frameworks follow what happens to them. An arrival is followed where the framework's name is known.
    fn follow_framework(&mut self, event: &Event<'_>) {
        match event {
            Event::UpdateFramework { framework, .. }
            | Event::SuppressOffers { framework, .. }
            | Event::ReviveOffers { framework, .. } => self.metrics.framework_changed(framework, &self.core),
            Event::RemoveFramework { framework } => self.metrics.framework_left(framework),
            _ => {}
        }
    }

    /// What is said of a call that contradicts the books: all that is needed to find out how it came.
    fn contradiction(&self, event: &Event<'_>, found: &Violation) -> Trouble {
        let said = format!(
            "{found}; event {} since the start: {}; {}",
            self.metrics.events(),
            Brief { event, core: &self.core },
            Summary { core: &self.core, roles: self.metrics.roles_len() },
        );
        if found.is_fatal() { Trouble::Broken(said) } else { Trouble::Rejected(said) }
    }

    /// Counts what was not taken.
    pub(crate) fn count(&mut self, trouble: &Trouble) {
        match trouble {
            Trouble::Refused(_) => self.metrics.event_refused(),
            Trouble::Rejected(_) => self.metrics.call_rejected(),
            Trouble::DoesNotApply(_) | Trouble::Broken(_) => {}
        }
    }

    fn initialize(&mut self, now: i64, raw: &apportion_options, lent: Lent<'_>) -> Result<(), Trouble> {
        let mut options = host_values::options(raw, lent, self.order, self.seed)?;
        options.lending = lending::policy(&self.lending, &mut self.resources, &mut self.core)?;
        self.metrics.configure(raw.publish_per_framework_metrics != 0, raw.completed_frameworks_max);
        tracing::info!(
            "allocator initialized: a cycle every {:?}, seed {}",
            options.allocation_interval,
            options.seed
        );
        self.apply(now, &Event::Initialize { options: &options })
    }

    fn recover(
        &mut self,
        now: i64,
        expected_agents: i64,
        quotas: &[&apportion_quota],
        lent: Lent<'_>,
    ) -> Result<(), Trouble> {
        let quotas = quotas.iter().map(|raw| quota(raw, lent)).collect::<Result<Vec<_>, _>>()?;
        let quotas: Vec<(&[u8], &Quota)> = quotas.iter().map(|(role, quota)| (*role, quota)).collect();
        let expected_agents = u64::try_from(expected_agents).unwrap_or(0);
        self.apply(now, &Event::Recover { expected_agents, quotas: &quotas })
    }

    #[expect(clippy::too_many_arguments, reason = "the call of the host has as many")]
    fn add_framework(
        &mut self,
        now: i64,
        framework: &[u8],
        info: &[u8],
        used: &Holdings<'_>,
        active: bool,
        suppressed: &[&[u8]],
        excluded: &Exclusions<'_>,
    ) -> Result<(), Trouble> {
        let outcome = self.try_add_framework(now, framework, info, used, active, suppressed, excluded);
        if let Err(Trouble::Refused(_)) = outcome {
            self.turned_away.framework(framework);
        }
        outcome
    }

    #[expect(clippy::too_many_arguments, reason = "the call of the host has as many")]
    fn try_add_framework(
        &mut self,
        now: i64,
        framework: &[u8],
        info: &[u8],
        used: &Holdings<'_>,
        active: bool,
        suppressed: &[&[u8]],
        excluded: &Exclusions<'_>,
    ) -> Result<(), Trouble> {
        let used = self.by_role(used)?;
        let parts: Vec<Vec<Allocated<'_>>> = used.iter().map(|(_, roles)| allocated(roles)).collect();
        let used: Vec<UsedOnAgent<'_>> =
            used.iter().zip(&parts).map(|((agent, _), used)| UsedOnAgent { agent, used }).collect();
        let message: messages::FrameworkInfo = decode(info)?;
        with_framework_info(&message, suppressed, excluded, |info| {
            self.apply(now, &Event::AddFramework { framework, info, used: &used, active })
        })?;
        self.metrics.framework_arrived(framework, &message.name, &self.core);
        Ok(())
    }

    fn update_framework(
        &mut self,
        now: i64,
        framework: &[u8],
        info: &[u8],
        suppressed: &[&[u8]],
        excluded: &Exclusions<'_>,
    ) -> Result<(), Trouble> {
        let info: messages::FrameworkInfo = decode(info)?;
        with_framework_info(&info, suppressed, excluded, |info| {
            self.apply(now, &Event::UpdateFramework { framework, info })
        })
    }

    #[expect(clippy::too_many_arguments, reason = "the call of the host has as many")]
    fn add_agent(
        &mut self,
        now: i64,
        agent: &[u8],
        info: &[u8],
        capabilities: &[&[u8]],
        unavailability: Option<&[u8]>,
        total: &[&[u8]],
        used: &Holdings<'_>,
        excluded_from: &[ExcludedFrom<'_>],
    ) -> Result<(), Trouble> {
        let outcome =
            self.try_add_agent(now, agent, info, capabilities, unavailability, total, used, excluded_from);
        if let Err(Trouble::Refused(_)) = outcome {
            self.turned_away.agent(agent);
        }
        outcome
    }

    #[expect(clippy::too_many_arguments, reason = "the call of the host has as many")]
    fn try_add_agent(
        &mut self,
        now: i64,
        agent: &[u8],
        info: &[u8],
        capabilities: &[&[u8]],
        unavailability: Option<&[u8]>,
        total: &[&[u8]],
        used: &Holdings<'_>,
        excluded_from: &[ExcludedFrom<'_>],
    ) -> Result<(), Trouble> {
        let (total, identities) = self.resources.sum_with_identities(&mut self.core, total)?;
        let used = self.by_role(used)?;
        let parts: Vec<Vec<Allocated<'_>>> = used.iter().map(|(_, roles)| allocated(roles)).collect();
        let used: Vec<UsedByFramework<'_>> = used
            .iter()
            .zip(&parts)
            .map(|((framework, _), used)| UsedByFramework { framework, used })
            .collect();
        let unavailability = unavailability.map(unavailability_of).transpose()?;
        let capabilities = agent_capabilities(capabilities)?;
        let message: messages::AgentInfo = decode(info)?;
        let attributes = attributes_of(&message);
        let event = Event::AddAgent {
            agent,
            info: agent_info(&message, info, &attributes, excluded_from),
            capabilities,
            unavailability,
            total: &total,
            used: &used,
        };
        self.apply(now, &event)?;
        self.resources.keep(agent, identities);
        Ok(())
    }

    fn remove_agent(&mut self, now: i64, agent: &[u8]) -> Result<(), Trouble> {
        self.apply(now, &Event::RemoveAgent { agent })?;
        self.resources.forget(agent);
        Ok(())
    }

    fn update_agent(
        &mut self,
        now: i64,
        agent: &[u8],
        info: &[u8],
        total: Option<&[&[u8]]>,
        capabilities: Option<&[&[u8]]>,
        excluded_from: &[ExcludedFrom<'_>],
    ) -> Result<(), Trouble> {
        let total =
            total.map(|total| self.resources.sum_with_identities(&mut self.core, total)).transpose()?;
        let (total, identities) = total.unzip();
        let capabilities = capabilities.map(agent_capabilities).transpose()?;
        let message: messages::AgentInfo = decode(info)?;
        let attributes = attributes_of(&message);
        let event = Event::UpdateAgent {
            agent,
            info: agent_info(&message, info, &attributes, excluded_from),
            total: total.as_ref(),
            capabilities,
        };
        self.apply(now, &event)?;
        self.resources.keep(agent, identities.unwrap_or_default());
        Ok(())
    }

    fn add_resource_provider(
        &mut self,
        now: i64,
        agent: &[u8],
        total: &[&[u8]],
        used: &Holdings<'_>,
    ) -> Result<(), Trouble> {
        let (total, identities) = self.resources.sum_with_identities(&mut self.core, total)?;
        let used = self.by_role(used)?;
        let parts: Vec<Vec<Allocated<'_>>> = used.iter().map(|(_, roles)| allocated(roles)).collect();
        let used: Vec<UsedByFramework<'_>> = used
            .iter()
            .zip(&parts)
            .map(|((framework, _), used)| UsedByFramework { framework, used })
            .collect();
        self.apply(now, &Event::AddResourceProvider { agent, total: &total, used: &used })?;
        self.resources.keep(agent, identities);
        Ok(())
    }

    fn update_allocation(
        &mut self,
        now: i64,
        framework: &[u8],
        agent: &[u8],
        offered: &[&[u8]],
        conversions: &[Exchange<'_>],
    ) -> Result<(), Trouble> {
        let groups = self.resources.by_role(&mut self.core, offered)?;
        let [(Some(role), offered)] = groups.as_slice() else {
            let roles = groups.iter().filter(|(role, _)| role.is_some()).count();
            return Err(Trouble::Broken(format!(
                "update allocation: resources of {roles} roles instead of one"
            )));
        };
        let mut changes = Vec::with_capacity(conversions.len());
        let mut made = Identities::new();
        for (consumed, converted) in conversions {
            let consumed = self.resources.sum(&mut self.core, consumed)?;
            let (converted, identities) = self.resources.sum_with_identities(&mut self.core, converted)?;
            // Further copies of a shared volume say how a task uses it, not what the agent has.
            if !consumed.is_empty() {
                made.extend(identities);
            }
            changes.push(Conversion { consumed, converted, leaves_none_of: Holding::default() });
        }
        self.apply(now, &Event::UpdateAllocation { framework, agent, role, offered, conversions: &changes })?;
        self.resources.keep(agent, made);
        Ok(())
    }

    fn update_available(&mut self, now: i64, agent: &[u8], operations: &[&[u8]]) -> Result<(), Trouble> {
        let mut changes = Vec::new();
        let mut made = Identities::new();
        for operation in operations {
            let conversions = operation::conversions(operation)?;
            // An operator changes what nobody holds; a resource allocated to a role is never among that.
            operation::check_allocation(&conversions, None)?;
            for conversion in conversions {
                let (change, identities) = self.resources.conversion(&mut self.core, conversion)?;
                changes.push(change);
                made.extend(identities);
            }
        }
        self.apply(now, &Event::UpdateAvailable { agent, conversions: &changes })?;
        self.resources.keep(agent, made);
        Ok(())
    }

    fn update_unavailability(
        &mut self,
        now: i64,
        agent: &[u8],
        unavailability: Option<&[u8]>,
    ) -> Result<(), Trouble> {
        let unavailability = unavailability.map(unavailability_of).transpose()?;
        self.apply(now, &Event::UpdateUnavailability { agent, unavailability })
    }

    /// `framework` is whose launch it is, if the hook told the commit ledger; empty otherwise.
    fn transition(
        &mut self,
        now: i64,
        framework: &[u8],
        agent: &[u8],
        resources: &[&[u8]],
    ) -> Result<(), Trouble> {
        let groups = self.resources.by_role(&mut self.core, resources)?;
        let resources = &allocated(&groups);
        if self.commits.is_some() {
            let framework = (!framework.is_empty()).then_some(framework);
            self.apply(now, &Event::UseLent { framework, agent, resources })?;
        }
        self.apply(now, &Event::TransitionOfferedToAllocated { agent, resources })
    }

    /// A cycle, in which those who lost launches since the last one may have to wait.
    fn cycle(&mut self, now: i64) -> Result<(), Trouble> {
        let losses = self.commits.as_ref().and_then(|commits| commits.with(Ledger::take_losses));
        for (framework, launches) in losses.unwrap_or_default() {
            self.apply(now, &Event::LoseLaunches { framework: &framework, launches })?;
        }
        self.apply(now, &Event::Cycle)
    }

    fn recover_resources(
        &mut self,
        now: i64,
        framework: &[u8],
        agent: &[u8],
        resources: &[&[u8]],
        filters: Option<&[u8]>,
        is_allocated: bool,
    ) -> Result<(), Trouble> {
        let groups = self.resources.by_role(&mut self.core, resources)?;
        let event = Event::RecoverResources {
            framework,
            agent,
            resources: &allocated(&groups),
            refuse_seconds: refuse_seconds(filters)?,
            allocated: is_allocated,
        };
        self.apply(now, &event)
    }

    fn update_weights(&mut self, now: i64, weights: &[&[u8]]) -> Result<(), Trouble> {
        let weights =
            weights.iter().map(|weight| decode(weight)).collect::<Result<Vec<messages::WeightInfo>, _>>()?;
        let weights: Vec<(&[u8], f64)> =
            weights.iter().map(|one| (one.role.as_deref().unwrap_or(b"*"), one.weight)).collect();
        self.apply(now, &Event::UpdateWeights { weights: &weights })
    }

    fn update_quota(&mut self, now: i64, raw: &apportion_quota, lent: Lent<'_>) -> Result<(), Trouble> {
        let (role, quota) = quota(raw, lent)?;
        self.apply(now, &Event::UpdateQuota { role, quota: &quota })
    }

    /// Holdings of several frameworks or agents, each split by the role that it is allocated to.
    fn by_role<'a>(&mut self, holdings: &Holdings<'a>) -> Result<Vec<(&'a [u8], ByRole<'a>)>, Trouble> {
        holdings
            .iter()
            .map(|(name, resources)| Ok((*name, self.resources.by_role(&mut self.core, resources)?)))
            .collect()
    }
}

/// Bytes for a log line.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).escape_debug().collect()
}
