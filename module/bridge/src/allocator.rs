//! The allocator: host bytes become events of the core, its effects become offers the shim can send.

mod caches;
pub(crate) mod entries;
mod explanation;
mod intern;
mod outbox;
mod turned_away;

use std::fmt;
use std::time::Duration;

use apportion_config::{Config, Drill};
use apportion_core::{
    AgentCapabilities, AgentInfo, Allocated, Allocator, Amount, Conversion, Event, FrameworkCapabilities,
    FrameworkInfo, Holding, Instant, Minimum, MinimumForRole, Options, Order, Quota, Severity,
    UsedByFramework, UsedOnAgent, Violation,
};
use apportion_wire::messages::{self, Filters, decode};
use parking_lot::Mutex;

use self::explanation::Explanation;
use self::intern::{ByRole, Identities, Resources};
use self::outbox::Outbox;
use self::turned_away::TurnedAway;
use crate::abi::{apportion_effects, apportion_options, apportion_quota};
use crate::lent::{Exchange, Lent};
use crate::table::Refusal;

/// Names with the resources that each holds, as the shim lends them.
type Holdings<'a> = [(&'a [u8], Vec<&'a [u8]>)];

/// Why an event was not taken.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// Bad input: nothing changed, one line in the log.
    Refused(String),
    /// The books can no longer be trusted.
    Broken(String),
}

impl From<Violation> for Trouble {
    fn from(violation: Violation) -> Trouble {
        Trouble::Broken(violation.to_string())
    }
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
    pub(crate) drill: Drill,
}

/// What an event may change.
pub(crate) struct State {
    core: Allocator,
    resources: Resources,
    outbox: Outbox,
    turned_away: TurnedAway,
    seed: u64,
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
    pub(crate) fn new(config: &Config) -> AllocatorModule {
        let state = State {
            core: Allocator::new(),
            resources: Resources::default(),
            outbox: Outbox::default(),
            turned_away: TurnedAway::default(),
            seed: config.allocator.seed,
            explanation: Explanation::new(config.allocator.explain_offers),
            stopped: None,
        };
        AllocatorModule { state: Mutex::new(state), drill: config.drill.clone() }
    }
}

impl State {
    /// The effects of the last event, for the shim.
    pub(crate) fn effects(&mut self) -> apportion_effects {
        self.outbox.lend()
    }

    /// Hands an event to the core and keeps what it leads to.
    fn apply(&mut self, now: i64, event: &Event<'_>) -> Result<(), Trouble> {
        if let Some(refusal) = self.turned_away.refusal(event) {
            return Err(Trouble::Refused(refusal));
        }
        let name = event.name();
        let now = Instant::from_nanos(now);
        let effects = self.core.apply(event, now)?;
        for notice in &effects.notices {
            match notice.severity() {
                Severity::Verbose => tracing::debug!("{name}: {notice}"),
                Severity::Info => tracing::info!("{name}: {notice}"),
                Severity::Warning => tracing::warn!("{name}: {notice}"),
            }
        }
        self.explanation.tell(now, &effects, &self.core);
        self.outbox.fill(&effects, &self.core, &self.resources);
        match effects.available_updated {
            Some(Err(reason)) => Err(Trouble::Refused(reason.to_string())),
            _ => Ok(()),
        }
    }

    fn initialize(&mut self, now: i64, raw: &apportion_options, lent: Lent<'_>) -> Result<(), Trouble> {
        let minimum = lent.quantities_list(
            raw.minimum_allocatable,
            raw.minimum_allocatable_size,
            "minimum allocatable",
        )?;
        let domain =
            lent.optional_bytes(raw.domain, "domain")?.map(decode::<messages::Domain>).transpose()?;
        let excluded = lent.list(raw.fairness_excluded_resources, "fairness excluded resources")?;
        let options = Options {
            allocation_interval: duration(raw.allocation_interval_ns),
            fairness_excluded: excluded.into_iter().map(Box::from).collect(),
            filter_gpu_resources: raw.filter_gpu_resources != 0,
            region: domain.as_ref().and_then(region),
            min_allocatable: minimum.unwrap_or_default().iter().map(|set| least(set)).collect(),
            recovery_timeout: duration(raw.recovery_timeout_ns),
            agent_recovery_factor: raw.agent_recovery_factor,
            seed: self.seed,
            order: Order::DominantShare,
        };
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

    fn add_framework(
        &mut self,
        now: i64,
        framework: &[u8],
        info: &[u8],
        used: &Holdings<'_>,
        active: bool,
        suppressed: &[&[u8]],
    ) -> Result<(), Trouble> {
        let outcome = self.try_add_framework(now, framework, info, used, active, suppressed);
        if let Err(Trouble::Refused(_)) = outcome {
            self.turned_away.framework(framework);
        }
        outcome
    }

    fn try_add_framework(
        &mut self,
        now: i64,
        framework: &[u8],
        info: &[u8],
        used: &Holdings<'_>,
        active: bool,
        suppressed: &[&[u8]],
    ) -> Result<(), Trouble> {
        let used = self.by_role(used)?;
        let parts: Vec<Vec<Allocated<'_>>> = used.iter().map(|(_, roles)| allocated(roles)).collect();
        let used: Vec<UsedOnAgent<'_>> =
            used.iter().zip(&parts).map(|((agent, _), used)| UsedOnAgent { agent, used }).collect();
        let info: messages::FrameworkInfo = decode(info)?;
        with_framework_info(&info, suppressed, |info| {
            self.apply(now, &Event::AddFramework { framework, info, used: &used, active })
        })
    }

    fn update_framework(
        &mut self,
        now: i64,
        framework: &[u8],
        info: &[u8],
        suppressed: &[&[u8]],
    ) -> Result<(), Trouble> {
        let info: messages::FrameworkInfo = decode(info)?;
        with_framework_info(&info, suppressed, |info| {
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
    ) -> Result<(), Trouble> {
        let outcome = self.try_add_agent(now, agent, info, capabilities, unavailability, total, used);
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
            info: agent_info(&message, info, &attributes),
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
    ) -> Result<(), Trouble> {
        let total =
            total.map(|total| self.resources.sum_with_identities(&mut self.core, total)).transpose()?;
        let (total, identities) = total.unzip();
        let capabilities = capabilities.map(agent_capabilities).transpose()?;
        let message: messages::AgentInfo = decode(info)?;
        let attributes = attributes_of(&message);
        let event = Event::UpdateAgent {
            agent,
            info: agent_info(&message, info, &attributes),
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
            for conversion in apportion_wire::operation::conversions(operation)? {
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

    fn transition(&mut self, now: i64, agent: &[u8], resources: &[&[u8]]) -> Result<(), Trouble> {
        let groups = self.resources.by_role(&mut self.core, resources)?;
        self.apply(now, &Event::TransitionOfferedToAllocated { agent, resources: &allocated(&groups) })
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

/// Pairs of role and resources as the core takes them.
fn allocated<'a>(groups: &'a [(Option<&'a [u8]>, Holding)]) -> Vec<Allocated<'a>> {
    groups.iter().map(|(role, resources)| Allocated { role: *role, resources }).collect()
}

/// Bytes for a log line.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).escape_debug().collect()
}

/// A span of the host, which counts signed nanoseconds; negative ones count as none.
fn duration(nanoseconds: i64) -> Duration {
    Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(0))
}

fn region(domain: &messages::Domain) -> Option<Box<[u8]>> {
    Some(domain.fault_domain.as_ref()?.region.name.clone().into_boxed_slice())
}

/// Amounts by name, without those that are no numbers of resources.
fn amounts(pairs: &[(&[u8], f64)]) -> Vec<(Box<[u8]>, Amount)> {
    pairs
        .iter()
        .filter_map(|&(name, number)| Some((Box::from(name), Amount::from_f64(number).ok()?)))
        .collect()
}

fn least(pairs: &[(&[u8], f64)]) -> Minimum {
    Minimum { amounts: amounts(pairs) }
}

fn quota<'a>(raw: &apportion_quota, lent: Lent<'a>) -> Result<(&'a [u8], Quota), Trouble> {
    let role = lent.bytes(raw.role, "quota role")?;
    let guarantees = amounts(&lent.quantities(raw.guarantees, "quota guarantees")?);
    let limits = amounts(&lent.quantities(raw.limits, "quota limits")?);
    Ok((role, Quota { guarantees, limits }))
}

/// Absent filters are none; present ones without a number count as the default of 5 seconds.
fn refuse_seconds(filters: Option<&[u8]>) -> Result<Option<f64>, Trouble> {
    let filters = filters.map(decode::<Filters>).transpose()?;
    Ok(filters.map(|filters| filters.refuse_seconds()))
}

fn unavailability_of(bytes: &[u8]) -> Result<apportion_core::Unavailability, Trouble> {
    let message: messages::Unavailability = decode(bytes)?;
    Ok(apportion_core::Unavailability {
        start_nanos: message.start.nanoseconds,
        duration_nanos: message.duration.map(|duration| duration.nanoseconds),
    })
}

fn agent_capabilities(raw: &[&[u8]]) -> Result<AgentCapabilities, Trouble> {
    let mut capabilities = AgentCapabilities::default();
    for capability in raw {
        match decode::<messages::Capability>(capability)?.r#type {
            Some(1) => capabilities.multi_role = true,
            Some(2) => capabilities.hierarchical_role = true,
            _ => {}
        }
    }
    Ok(capabilities)
}

/// Attributes in an order of their own, so that the same ones in another order are no change.
fn attributes_of(info: &messages::AgentInfo) -> Vec<u8> {
    let mut attributes: Vec<Vec<u8>> = info.attributes.iter().map(messages::encode).collect();
    attributes.sort_unstable();
    let mut bytes = Vec::new();
    for attribute in attributes {
        bytes.extend_from_slice(&(attribute.len() as u64).to_le_bytes());
        bytes.extend_from_slice(&attribute);
    }
    bytes
}

fn agent_info<'a>(message: &'a messages::AgentInfo, bytes: &'a [u8], attributes: &'a [u8]) -> AgentInfo<'a> {
    let region = message.domain.as_ref().and_then(|domain| domain.fault_domain.as_ref());
    AgentInfo {
        hostname: &message.hostname,
        attributes,
        region: region.map(|domain| domain.region.name.as_slice()),
        other: bytes,
        excluded_from: &[],
    }
}

/// Lends a FrameworkInfo to `use_it` in the core's form.
fn with_framework_info(
    message: &messages::FrameworkInfo,
    suppressed: &[&[u8]],
    use_it: impl FnOnce(FrameworkInfo<'_>) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    let has = |capability| message.has_capability(capability);
    let capabilities = FrameworkCapabilities {
        multi_role: has(messages::Capability::MULTI_ROLE),
        gpu_resources: has(messages::Capability::GPU_RESOURCES),
        shared_resources: has(messages::Capability::SHARED_RESOURCES),
        revocable_resources: has(messages::Capability::REVOCABLE_RESOURCES),
        reservation_refinement: has(messages::Capability::RESERVATION_REFINEMENT),
        region_aware: has(messages::Capability::REGION_AWARE),
    };
    let own: Vec<(&[u8], Vec<Minimum>)> = message.offer_filters.iter().filter_map(own_minimum).collect();
    let minimum: Vec<MinimumForRole<'_>> =
        own.iter().map(|(role, alternatives)| MinimumForRole { role, alternatives }).collect();
    use_it(FrameworkInfo {
        roles: &message.all_roles(),
        suppressed,
        capabilities,
        min_allocatable: &minimum,
        excluded_agents: &[],
    })
}

/// A framework's own least offers for a role, if it names any.
fn own_minimum(entry: &messages::OfferFiltersEntry) -> Option<(&[u8], Vec<Minimum>)> {
    let given = entry.filters.as_ref()?.min_allocatable_resources.as_ref()?;
    let alternatives = given.quantities.iter().map(|set| {
        let pairs: Vec<(&[u8], f64)> = set.quantities.iter().map(messages::ScalarEntry::read).collect();
        least(&pairs)
    });
    Some((entry.role.as_deref().unwrap_or_default(), alternatives.collect()))
}
