//! Options, quotas and descriptions of agents and frameworks: the host's messages become values of the core.

use std::time::Duration;

use apportion_core::{
    AgentCapabilities, AgentInfo, Allocated, Amount, ExcludedAgents, ExcludedFrom, FrameworkCapabilities,
    FrameworkInfo, Holding, LendingPolicy, Minimum, MinimumForRole, Options, Order, Quota,
};
use apportion_wire::messages::{self, Filters, decode};

use super::Trouble;
use super::lending::RECLAIMS;
use crate::abi::{apportion_options, apportion_quota};
use crate::lent::Lent;

/// Pairs of role and resources as the core takes them.
pub(super) fn allocated<'a>(groups: &'a [(Option<&'a [u8]>, Holding)]) -> Vec<Allocated<'a>> {
    groups.iter().map(|(role, resources)| Allocated { role: *role, resources }).collect()
}

/// A span of the host, which counts signed nanoseconds; negative ones count as none.
pub(super) fn duration(nanoseconds: i64) -> Duration {
    Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(0))
}

fn region(domain: &messages::Domain) -> Option<Box<[u8]>> {
    Some(domain.fault_domain.as_ref()?.region.name.clone().into_boxed_slice())
}

/// The master's options; seed and order are the configuration's.
pub(super) fn options(
    raw: &apportion_options,
    lent: Lent<'_>,
    order: Order,
    seed: u64,
) -> Result<Options, Trouble> {
    let minimum =
        lent.quantities_list(raw.minimum_allocatable, raw.minimum_allocatable_size, "minimum allocatable")?;
    let domain = lent.optional_bytes(raw.domain, "domain")?.map(decode::<messages::Domain>).transpose()?;
    let excluded = lent.list(raw.fairness_excluded_resources, "fairness excluded resources")?;
    Ok(Options {
        allocation_interval: duration(raw.allocation_interval_ns),
        fairness_excluded: excluded.into_iter().map(Box::from).collect(),
        filter_gpu_resources: raw.filter_gpu_resources != 0,
        region: domain.as_ref().and_then(region),
        min_allocatable: minimum.unwrap_or_default().iter().map(|set| least(set)).collect(),
        recovery_timeout: duration(raw.recovery_timeout_ns),
        agent_recovery_factor: raw.agent_recovery_factor,
        order,
        seed,
        lending: LendingPolicy::default(),
    })
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

pub(super) fn quota<'a>(raw: &apportion_quota, lent: Lent<'a>) -> Result<(&'a [u8], Quota), Trouble> {
    let role = lent.bytes(raw.role, "quota role")?;
    let guarantees = amounts(&lent.quantities(raw.guarantees, "quota guarantees")?);
    let limits = amounts(&lent.quantities(raw.limits, "quota limits")?);
    Ok((role, Quota { guarantees, limits }))
}

/// Absent filters are none; present ones without a number count as the default of 5 seconds.
pub(super) fn refuse_seconds(filters: Option<&[u8]>) -> Result<Option<f64>, Trouble> {
    let filters = filters.map(decode::<Filters>).transpose()?;
    Ok(filters.map(|filters| filters.refuse_seconds()))
}

pub(super) fn unavailability_of(bytes: &[u8]) -> Result<apportion_core::Unavailability, Trouble> {
    let message: messages::Unavailability = decode(bytes)?;
    Ok(apportion_core::Unavailability {
        start_nanos: message.start.nanoseconds,
        duration_nanos: message.duration.map(|duration| duration.nanoseconds),
    })
}

pub(super) fn agent_capabilities(raw: &[&[u8]]) -> Result<AgentCapabilities, Trouble> {
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
pub(super) fn attributes_of(info: &messages::AgentInfo) -> Vec<u8> {
    let mut attributes: Vec<Vec<u8>> = info.attributes.iter().map(messages::encode).collect();
    attributes.sort_unstable();
    let mut bytes = Vec::new();
    for attribute in attributes {
        bytes.extend_from_slice(&(attribute.len() as u64).to_le_bytes());
        bytes.extend_from_slice(&attribute);
    }
    bytes
}

/// Whether the agent says that it can end borrowers.
pub(crate) fn reclaims(info: &messages::AgentInfo) -> bool {
    let (name, value) = RECLAIMS;
    info.attributes.iter().any(|attribute| {
        attribute.name == name && attribute.text.as_ref().is_some_and(|text| text.value == value)
    })
}

pub(super) fn agent_info<'a>(
    message: &'a messages::AgentInfo,
    bytes: &'a [u8],
    attributes: &'a [u8],
    excluded_from: &'a [ExcludedFrom<'a>],
) -> AgentInfo<'a> {
    let region = message.domain.as_ref().and_then(|domain| domain.fault_domain.as_ref());
    AgentInfo {
        hostname: &message.hostname,
        attributes,
        region: region.map(|domain| domain.region.name.as_slice()),
        reclaims: reclaims(message),
        other: bytes,
        excluded_from,
    }
}

/// Roles with the agents that offer constraints exclude in them, as the shim lends them.
pub(super) type Exclusions<'a> = [(&'a [u8], Vec<&'a [u8]>)];

/// Lends a FrameworkInfo to `use_it` in the core's form.
pub(super) fn with_framework_info(
    message: &messages::FrameworkInfo,
    suppressed: &[&[u8]],
    excluded: &Exclusions<'_>,
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
    let roles = message.all_roles();
    let excluded: Vec<ExcludedAgents<'_>> = excluded
        .iter()
        .filter(|(role, _)| roles.contains(role))
        .map(|(role, agents)| ExcludedAgents { role, agents })
        .collect();
    use_it(FrameworkInfo {
        roles: &roles,
        suppressed,
        capabilities,
        min_allocatable: &minimum,
        excluded_agents: &excluded,
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
