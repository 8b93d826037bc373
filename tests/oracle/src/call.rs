//! Calls of a master, kept so that they can be delivered twice and printed.

use std::fmt;

use apportion_core::{
    AgentCapabilities, AgentInfo, Allocated, Amount, Conversion, Event, ExcludedAgents, ExcludedFrom,
    FrameworkCapabilities, FrameworkInfo, Holding, Instant, Minimum, MinimumForRole, Options, Quota, Text,
    Unavailability, UsedByFramework, UsedOnAgent,
};

use crate::Name;
use crate::resources::Kinds;

/// Resources allocated to a role.
#[derive(Debug, Clone)]
pub struct Use {
    /// The role, if the host names it.
    pub role: Option<Name>,
    /// What.
    pub resources: Holding,
}

/// What a framework subscribes with.
#[derive(Debug, Clone, Default)]
pub struct Subscription {
    /// The roles.
    pub roles: Vec<Name>,
    /// Those without offers at the moment.
    pub suppressed: Vec<Name>,
    /// What it can handle.
    pub capabilities: FrameworkCapabilities,
    /// Least offers by role.
    pub minimum: Vec<(Name, Vec<Minimum>)>,
    /// Agents excluded by constraints, by role.
    pub excluded: Vec<(Name, Vec<Name>)>,
}

/// What an agent registers with.
#[derive(Debug, Clone, Default)]
pub struct Registration {
    /// Its host.
    pub hostname: Name,
    /// Its attributes.
    pub attributes: Name,
    /// Its region.
    pub region: Option<Name>,
    /// Everything else.
    pub other: Name,
    /// Frameworks and roles whose constraints exclude it.
    pub excluded_from: Vec<(Name, Name)>,
}

/// One call, with everything it says.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each is the event of the same name, with owned fields of the same names")]
pub enum Call {
    Initialize {
        options: Options,
    },
    Recover {
        expected_agents: u64,
        quotas: Vec<(Name, Quota)>,
    },
    AddFramework {
        framework: Name,
        info: Subscription,
        used: Vec<(Name, Vec<Use>)>,
        active: bool,
    },
    RemoveFramework {
        framework: Name,
    },
    ActivateFramework {
        framework: Name,
    },
    DeactivateFramework {
        framework: Name,
    },
    UpdateFramework {
        framework: Name,
        info: Subscription,
    },
    AddAgent {
        agent: Name,
        info: Registration,
        capabilities: AgentCapabilities,
        unavailability: Option<Unavailability>,
        total: Holding,
        used: Vec<(Name, Vec<Use>)>,
    },
    RemoveAgent {
        agent: Name,
    },
    UpdateAgent {
        agent: Name,
        info: Registration,
        total: Option<Holding>,
        capabilities: Option<AgentCapabilities>,
    },
    AddResourceProvider {
        agent: Name,
        total: Holding,
        used: Vec<(Name, Vec<Use>)>,
    },
    ActivateAgent {
        agent: Name,
    },
    DeactivateAgent {
        agent: Name,
    },
    UpdateWhitelist {
        hostnames: Option<Vec<Name>>,
    },
    RequestResources {
        framework: Name,
    },
    UpdateAllocation {
        framework: Name,
        agent: Name,
        role: Name,
        offered: Holding,
        conversions: Vec<Conversion>,
    },
    UpdateAvailable {
        agent: Name,
        conversions: Vec<Conversion>,
    },
    UpdateUnavailability {
        agent: Name,
        unavailability: Option<Unavailability>,
    },
    UpdateInverseOffer {
        agent: Name,
        framework: Name,
        status: Option<Name>,
        refuse_seconds: Option<f64>,
    },
    GetInverseOfferStatuses,
    TransitionOfferedToAllocated {
        agent: Name,
        used: Use,
    },
    RecoverResources {
        framework: Name,
        agent: Name,
        what: Use,
        refuse_seconds: Option<f64>,
        allocated: bool,
    },
    SuppressOffers {
        framework: Name,
        roles: Vec<Name>,
    },
    ReviveOffers {
        framework: Name,
        roles: Vec<Name>,
    },
    UpdateQuota {
        role: Name,
        quota: Quota,
    },
    UpdateWeights {
        weights: Vec<(Name, f64)>,
    },
    Pause,
    Resume,
    Cycle,
    Tick,
}

fn slices(names: &[Name]) -> Vec<&[u8]> {
    names.iter().map(Vec::as_slice).collect()
}

fn allocated(uses: &[Use]) -> Vec<Allocated<'_>> {
    uses.iter().map(|used| Allocated { role: used.role.as_deref(), resources: &used.resources }).collect()
}

fn with_subscription<R>(info: &Subscription, deliver: impl FnOnce(FrameworkInfo<'_>) -> R) -> R {
    let (roles, suppressed) = (slices(&info.roles), slices(&info.suppressed));
    let minimum: Vec<_> =
        info.minimum.iter().map(|(role, alternatives)| MinimumForRole { role, alternatives }).collect();
    let agents: Vec<Vec<&[u8]>> = info.excluded.iter().map(|(_, agents)| slices(agents)).collect();
    let excluded: Vec<_> = info
        .excluded
        .iter()
        .zip(&agents)
        .map(|((role, _), agents)| ExcludedAgents { role, agents })
        .collect();
    deliver(FrameworkInfo {
        roles: &roles,
        suppressed: &suppressed,
        capabilities: info.capabilities,
        min_allocatable: &minimum,
        excluded_agents: &excluded,
    })
}

fn with_registration<R>(info: &Registration, deliver: impl FnOnce(AgentInfo<'_>) -> R) -> R {
    let from = info.excluded_from.iter().map(|(framework, role)| ExcludedFrom { framework, role });
    let from: Vec<_> = from.collect();
    deliver(AgentInfo {
        hostname: &info.hostname,
        attributes: &info.attributes,
        region: info.region.as_deref(),
        reclaims: false,
        other: &info.other,
        excluded_from: &from,
    })
}

fn with_used<R>(used: &[(Name, Vec<Use>)], deliver: impl FnOnce(&[UsedByFramework<'_>]) -> R) -> R {
    let uses: Vec<_> = used.iter().map(|(_, uses)| allocated(uses)).collect();
    let by_framework =
        used.iter().zip(&uses).map(|((framework, _), used)| UsedByFramework { framework, used });
    deliver(&by_framework.collect::<Vec<_>>())
}

impl Call {
    /// Delivers the call as an event.
    pub fn deliver<R>(&self, to: impl FnOnce(&Event<'_>) -> R) -> R {
        match self {
            Call::Initialize { options } => to(&Event::Initialize { options }),
            Call::Recover { expected_agents, quotas } => {
                let quotas: Vec<_> = quotas.iter().map(|(role, quota)| (role.as_slice(), quota)).collect();
                to(&Event::Recover { expected_agents: *expected_agents, quotas: &quotas })
            }
            Call::AddFramework { framework, info, used, active } => {
                let uses: Vec<_> = used.iter().map(|(_, uses)| allocated(uses)).collect();
                let used = used.iter().zip(&uses).map(|((agent, _), used)| UsedOnAgent { agent, used });
                let used: Vec<_> = used.collect();
                with_subscription(info, |info| {
                    to(&Event::AddFramework { framework, info, used: &used, active: *active })
                })
            }
            Call::RemoveFramework { framework } => to(&Event::RemoveFramework { framework }),
            Call::ActivateFramework { framework } => to(&Event::ActivateFramework { framework }),
            Call::DeactivateFramework { framework } => to(&Event::DeactivateFramework { framework }),
            Call::UpdateFramework { framework, info } => {
                with_subscription(info, |info| to(&Event::UpdateFramework { framework, info }))
            }
            Call::RequestResources { framework } => to(&Event::RequestResources { framework }),
            Call::SuppressOffers { framework, roles } => {
                to(&Event::SuppressOffers { framework, roles: &slices(roles) })
            }
            Call::ReviveOffers { framework, roles } => {
                to(&Event::ReviveOffers { framework, roles: &slices(roles) })
            }
            Call::UpdateQuota { role, quota } => to(&Event::UpdateQuota { role, quota }),
            Call::UpdateWeights { weights } => {
                let weights: Vec<_> =
                    weights.iter().map(|(role, weight)| (role.as_slice(), *weight)).collect();
                to(&Event::UpdateWeights { weights: &weights })
            }
            Call::UpdateWhitelist { hostnames } => {
                let hostnames = hostnames.as_ref().map(|names| slices(names));
                to(&Event::UpdateWhitelist { hostnames: hostnames.as_deref() })
            }
            Call::GetInverseOfferStatuses => to(&Event::GetInverseOfferStatuses),
            Call::Pause => to(&Event::Pause),
            Call::Resume => to(&Event::Resume),
            Call::Cycle => to(&Event::Cycle),
            Call::Tick => to(&Event::Tick),
            _ => self.deliver_about_agent(to),
        }
    }

    fn deliver_about_agent<R>(&self, to: impl FnOnce(&Event<'_>) -> R) -> R {
        match self {
            Call::AddAgent { agent, info, capabilities, unavailability, total, used } => {
                let (capabilities, unavailability) = (*capabilities, *unavailability);
                with_registration(info, |info| {
                    with_used(used, |used| {
                        to(&Event::AddAgent { agent, info, capabilities, unavailability, total, used })
                    })
                })
            }
            Call::RemoveAgent { agent } => to(&Event::RemoveAgent { agent }),
            Call::UpdateAgent { agent, info, total, capabilities } => {
                let (total, capabilities) = (total.as_ref(), *capabilities);
                with_registration(info, |info| to(&Event::UpdateAgent { agent, info, total, capabilities }))
            }
            Call::AddResourceProvider { agent, total, used } => {
                with_used(used, |used| to(&Event::AddResourceProvider { agent, total, used }))
            }
            Call::ActivateAgent { agent } => to(&Event::ActivateAgent { agent }),
            Call::DeactivateAgent { agent } => to(&Event::DeactivateAgent { agent }),
            Call::UpdateAllocation { framework, agent, role, offered, conversions } => {
                to(&Event::UpdateAllocation { framework, agent, role, offered, conversions })
            }
            Call::UpdateAvailable { agent, conversions } => {
                to(&Event::UpdateAvailable { agent, conversions })
            }
            Call::UpdateUnavailability { agent, unavailability } => {
                to(&Event::UpdateUnavailability { agent, unavailability: *unavailability })
            }
            Call::UpdateInverseOffer { agent, framework, status, refuse_seconds } => {
                let (status, refuse_seconds) = (status.as_deref(), *refuse_seconds);
                to(&Event::UpdateInverseOffer { agent, framework, status, refuse_seconds })
            }
            Call::TransitionOfferedToAllocated { agent, used } => {
                let resources = allocated(std::slice::from_ref(used));
                to(&Event::TransitionOfferedToAllocated { agent, resources: &resources })
            }
            Call::RecoverResources { framework, agent, what, refuse_seconds, allocated: in_use } => {
                let resources = allocated(std::slice::from_ref(what));
                to(&Event::RecoverResources {
                    framework,
                    agent,
                    resources: &resources,
                    refuse_seconds: *refuse_seconds,
                    allocated: *in_use,
                })
            }
            _ => unreachable!("the other calls are delivered before"),
        }
    }

    /// The call in one line.
    #[must_use]
    pub fn in_words<'a>(&'a self, kinds: &'a Kinds) -> impl fmt::Display + 'a {
        InWords { call: self, kinds }
    }
}

/// A call to be printed, with the kinds its resources are of.
struct InWords<'a> {
    call: &'a Call,
    kinds: &'a Kinds,
}

fn list(names: &[Name]) -> String {
    names.iter().map(|name| Text(name).to_string()).collect::<Vec<_>>().join(" ")
}

fn amounts(amounts: &[(Box<[u8]>, Amount)]) -> String {
    let amounts = amounts.iter().map(|(name, amount)| format!("{}:{amount}", Text(name)));
    amounts.collect::<Vec<_>>().join(";")
}

/// Resources, each by the identity of its kind.
#[must_use]
pub fn resources_in_words(resources: &Holding, kinds: &Kinds) -> String {
    let parts = resources.items().iter().map(|item| {
        let copies = if item.copies > 1 { format!(" x{}", item.copies) } else { String::new() };
        format!("{}:{}{copies}", Text(&kinds[&item.kind].identity), item.value)
    });
    format!("{{{}}}", parts.collect::<Vec<_>>().join("; "))
}

impl InWords<'_> {
    fn resources(&self, resources: &Holding) -> String {
        resources_in_words(resources, self.kinds)
    }

    fn uses(&self, uses: &[Use]) -> String {
        let uses = uses.iter().map(|used| {
            let role = used.role.as_ref().map_or_else(|| "no role".to_owned(), |role| Text(role).to_string());
            format!("{role}: {}", self.resources(&used.resources))
        });
        uses.collect::<Vec<_>>().join(", ")
    }

    fn used(&self, used: &[(Name, Vec<Use>)]) -> String {
        let used = used.iter().map(|(by, uses)| format!("[{} {}]", Text(by), self.uses(uses)));
        used.collect()
    }

    fn conversions(&self, conversions: &[Conversion]) -> String {
        let conversions = conversions.iter().map(|conversion| {
            let gone = if conversion.leaves_none_of.is_empty() { "" } else { " (no further copy)" };
            let (from, to) = (self.resources(&conversion.consumed), self.resources(&conversion.converted));
            format!("{from} -> {to}{gone}")
        });
        conversions.collect::<Vec<_>>().join(", ")
    }
}

fn subscription(info: &Subscription) -> String {
    let can = info.capabilities;
    let capabilities: String = [
        (can.multi_role, " MULTI_ROLE"),
        (can.gpu_resources, " GPU_RESOURCES"),
        (can.shared_resources, " SHARED_RESOURCES"),
        (can.revocable_resources, " REVOCABLE_RESOURCES"),
        (can.reservation_refinement, " RESERVATION_REFINEMENT"),
        (can.region_aware, " REGION_AWARE"),
    ]
    .iter()
    .filter(|(has, _)| *has)
    .map(|(_, name)| *name)
    .collect();
    let minimum = info.minimum.iter().map(|(role, alternatives)| {
        let alternatives = alternatives.iter().map(|minimum| amounts(&minimum.amounts)).collect::<Vec<_>>();
        format!(" minimum({})=({})", Text(role), alternatives.join("|"))
    });
    let excluded =
        info.excluded.iter().map(|(role, agents)| format!(" not({})=({})", Text(role), list(agents)));
    let (roles, suppressed) = (list(&info.roles), list(&info.suppressed));
    let more: String = minimum.chain(excluded).collect();
    format!("roles=({roles}) suppressed=({suppressed}){capabilities}{more}")
}

fn registration(info: &Registration) -> String {
    let region = info.region.as_ref().map(|region| format!(" region={}", Text(region))).unwrap_or_default();
    let (hostname, attributes, other) = (Text(&info.hostname), Text(&info.attributes), Text(&info.other));
    let from = info
        .excluded_from
        .iter()
        .map(|(framework, role)| format!(" not {}({})", Text(framework), Text(role)));
    format!("host={hostname} attributes={attributes} other={other}{region}{}", from.collect::<String>())
}

fn quota_in_words(quota: &Quota) -> String {
    format!("guarantees({}) limits({})", amounts(&quota.guarantees), amounts(&quota.limits))
}

fn serving(capabilities: AgentCapabilities) -> String {
    let AgentCapabilities { multi_role, hierarchical_role } = capabilities;
    format!("MULTI_ROLE={multi_role} HIERARCHICAL_ROLE={hierarchical_role}")
}

impl fmt::Display for InWords<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.call.deliver(|event| write!(f, "{}", event.name()))?;
        match self.call {
            Call::Initialize { options } => write!(f, " {options:?}"),
            Call::Recover { expected_agents, quotas } => {
                write!(f, " {expected_agents} agents")?;
                quotas
                    .iter()
                    .try_for_each(|(role, quota)| write!(f, " {} {}", Text(role), quota_in_words(quota)))
            }
            Call::AddFramework { framework, info, used, active } => {
                let (name, info, used) = (Text(framework), subscription(info), self.used(used));
                write!(f, " {name} active={active} {info} {used}")
            }
            Call::RemoveFramework { framework }
            | Call::ActivateFramework { framework }
            | Call::DeactivateFramework { framework }
            | Call::RequestResources { framework } => write!(f, " {}", Text(framework)),
            Call::UpdateFramework { framework, info } => {
                write!(f, " {} {}", Text(framework), subscription(info))
            }
            Call::AddAgent { agent, info, capabilities, unavailability, total, used } => {
                let (name, info, serving) = (Text(agent), registration(info), serving(*capabilities));
                let (total, used) = (self.resources(total), self.used(used));
                write!(f, " {name} {info} {serving} {unavailability:?} total={total} used={used}")
            }
            Call::RemoveAgent { agent } | Call::ActivateAgent { agent } | Call::DeactivateAgent { agent } => {
                write!(f, " {}", Text(agent))
            }
            Call::UpdateAgent { agent, info, total, capabilities } => {
                let total = total.as_ref().map(|total| self.resources(total));
                let (name, info, serving) = (Text(agent), registration(info), capabilities.map(serving));
                write!(f, " {name} {info} total={total:?} {serving:?}")
            }
            Call::AddResourceProvider { agent, total, used } => {
                write!(f, " {} total={} used={}", Text(agent), self.resources(total), self.used(used))
            }
            Call::UpdateWhitelist { hostnames } => {
                write!(f, " {:?}", hostnames.as_ref().map(|hostnames| list(hostnames)))
            }
            Call::UpdateAllocation { framework, agent, role, offered, conversions } => {
                let (offered, changes) = (self.resources(offered), self.conversions(conversions));
                let (framework, role, agent) = (Text(framework), Text(role), Text(agent));
                write!(f, " {framework}({role})@{agent} offered={offered}: {changes}")
            }
            Call::UpdateAvailable { agent, conversions } => {
                write!(f, " {}: {}", Text(agent), self.conversions(conversions))
            }
            Call::UpdateUnavailability { agent, unavailability } => {
                write!(f, " {} {unavailability:?}", Text(agent))
            }
            Call::UpdateInverseOffer { agent, framework, status, refuse_seconds } => {
                let status = status.as_ref().map(|status| Text(status).to_string());
                write!(f, " {}@{} {status:?} refuse={refuse_seconds:?}", Text(framework), Text(agent))
            }
            Call::TransitionOfferedToAllocated { agent, used } => {
                write!(f, " {} {}", Text(agent), self.uses(std::slice::from_ref(used)))
            }
            Call::RecoverResources { framework, agent, what, refuse_seconds, allocated } => {
                let what = self.uses(std::slice::from_ref(what));
                let (framework, agent) = (Text(framework), Text(agent));
                write!(f, " {framework}@{agent} {what} refuse={refuse_seconds:?} allocated={allocated}")
            }
            Call::SuppressOffers { framework, roles } | Call::ReviveOffers { framework, roles } => {
                write!(f, " {} ({})", Text(framework), list(roles))
            }
            Call::UpdateQuota { role, quota } => write!(f, " {} {}", Text(role), quota_in_words(quota)),
            Call::UpdateWeights { weights } => {
                weights.iter().try_for_each(|(role, weight)| write!(f, " {}={weight}", Text(role)))
            }
            Call::GetInverseOfferStatuses | Call::Pause | Call::Resume | Call::Cycle | Call::Tick => Ok(()),
        }
    }
}

/// A call with its time.
#[derive(Debug, Clone)]
pub struct Timed {
    /// When.
    pub at: Instant,
    /// What.
    pub call: Call,
}
