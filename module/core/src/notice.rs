//! Lines worth logging.

use std::fmt;
use std::time::Duration;

use crate::text::Text;

/// How loudly to log a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// For those who look closely.
    Verbose,
    /// The course of things.
    Info,
    /// Somebody should look at this.
    Warning,
}

/// Something worth a line in the log; nothing that breaks the books.
#[derive(Debug, Clone, PartialEq)]
pub enum Notice {
    /// Resources came back for a framework that is gone; a normal race.
    StaleFramework {
        /// What was asked.
        call: &'static str,
        /// The framework.
        framework: Box<[u8]>,
    },
    /// Resources came back for an agent that is gone; a normal race.
    StaleAgent {
        /// What was asked.
        call: &'static str,
        /// The agent.
        agent: Box<[u8]>,
    },
    /// A framework named a role it is not subscribed to; left out.
    NotSubscribed {
        /// What was asked.
        call: &'static str,
        /// The framework.
        framework: Box<[u8]>,
        /// The role.
        role: Box<[u8]>,
    },
    /// A refusal time that makes no sense was replaced.
    RefusalTime {
        /// The framework.
        framework: Box<[u8]>,
        /// What it said, in seconds.
        said: f64,
        /// What counts instead.
        used: Duration,
    },
    /// A weight that is none counts as the default.
    BadWeight {
        /// The role.
        role: Box<[u8]>,
        /// What was configured.
        said: f64,
    },
    /// The whitelist is empty: nobody gets offers.
    EmptyWhitelist,
    /// An agent cannot serve frameworks with several roles, so this one is not offered it.
    AgentLacksMultiRole {
        /// The agent.
        agent: Box<[u8]>,
    },
    /// An agent cannot serve roles inside roles, so they are not offered it.
    AgentLacksHierarchicalRole {
        /// The agent.
        agent: Box<[u8]>,
    },
    /// Offers wait for agents after a failover.
    RecoveryStarted {
        /// How many agents end the wait.
        agents: u64,
        /// How long it lasts at most.
        timeout: Duration,
    },
    /// Offers wait no longer.
    RecoveryEnded {
        /// How many agents are back.
        agents: u64,
        /// Whether time ran out.
        timed_out: bool,
    },
    /// Filters went with the attributes of an agent.
    FiltersDropped {
        /// The agent.
        agent: Box<[u8]>,
        /// How many.
        count: usize,
    },
    /// A framework asked for resources; that has no effect.
    RequestIgnored {
        /// The framework.
        framework: Box<[u8]>,
    },
    /// Resources allocated to no role were reported as used; they are unavailable, but count for nobody.
    UsedWithoutRole {
        /// The framework.
        framework: Box<[u8]>,
        /// The agent.
        agent: Box<[u8]>,
    },
    /// What an operation made differs in amount from what it was made of.
    AmountsChanged {
        /// Whose operation.
        framework: Box<[u8]>,
        /// Where.
        agent: Box<[u8]>,
    },
    /// An inverse offer was answered for an agent without maintenance window.
    NoMaintenance {
        /// The agent.
        agent: Box<[u8]>,
    },
    /// What a resource estimator reports of an agent that lends is not offered.
    EstimateIgnored {
        /// The agent.
        agent: Box<[u8]>,
        /// What is left out, in words.
        resources: String,
    },
    /// The master speaks of lent resources that the framework was not lent; it is believed.
    UnknownLoan {
        /// The framework.
        framework: Box<[u8]>,
        /// The role.
        role: Box<[u8]>,
        /// The agent.
        agent: Box<[u8]>,
        /// What is beyond its loans, in words.
        resources: String,
    },
    /// A framework lost too often: it is offered nothing lent for a while.
    BacksOff {
        /// The framework.
        framework: Box<[u8]>,
        /// For how long.
        waits: Duration,
    },
}

impl Notice {
    /// How loudly to log it.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            Self::StaleFramework { .. } | Self::StaleAgent { .. } | Self::NoMaintenance { .. } => {
                Severity::Verbose
            }
            Self::RecoveryStarted { .. }
            | Self::RecoveryEnded { .. }
            | Self::FiltersDropped { .. }
            | Self::BacksOff { .. }
            | Self::RequestIgnored { .. } => Severity::Info,
            _ => Severity::Warning,
        }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StaleFramework { call, framework } => {
                write!(f, "{call}: framework {} is gone, nothing to do", Text(framework))
            }
            Self::StaleAgent { call, agent } => {
                write!(f, "{call}: agent {} is gone, nothing to do", Text(agent))
            }
            Self::NotSubscribed { call, framework, role } => {
                let (framework, role) = (Text(framework), Text(role));
                write!(f, "{call}: framework {framework} is not subscribed to role {role}, left out")
            }
            Self::RefusalTime { framework, said, used } => {
                let framework = Text(framework);
                write!(f, "framework {framework} refuses for {said} seconds, which counts as {used:?}")
            }
            Self::BadWeight { role, said } => {
                write!(f, "{said} is no weight for role {}, it gets weight 1", Text(role))
            }
            Self::EmptyWhitelist => f.write_str("the whitelist is empty: no offers at all"),
            Self::AgentLacksMultiRole { agent } => {
                write!(f, "agent {} lacks MULTI_ROLE: not offered to frameworks with it", Text(agent))
            }
            Self::AgentLacksHierarchicalRole { agent } => {
                write!(f, "agent {} lacks HIERARCHICAL_ROLE: not offered to roles inside roles", Text(agent))
            }
            Self::RecoveryStarted { agents, timeout } => {
                write!(f, "offers wait until {agents} agents are back, at most {timeout:?}")
            }
            Self::RecoveryEnded { agents, timed_out } => {
                let reason = if *timed_out { "time is up" } else { "enough agents are back" };
                write!(f, "offers wait no longer: {reason}, {agents} agents")
            }
            Self::FiltersDropped { agent, count } => {
                write!(f, "attributes of agent {} changed: {count} filters dropped", Text(agent))
            }
            Self::RequestIgnored { framework } => {
                write!(f, "request for resources of framework {} ignored", Text(framework))
            }
            Self::UsedWithoutRole { framework, agent } => {
                let (framework, agent) = (Text(framework), Text(agent));
                write!(f, "framework {framework} uses resources of agent {agent} without a role")
            }
            Self::AmountsChanged { framework, agent } => {
                let (framework, agent) = (Text(framework), Text(agent));
                write!(f, "an operation of framework {framework} on agent {agent} changed amounts")
            }
            Self::NoMaintenance { agent } => {
                write!(f, "inverse offer answered, but agent {} has no maintenance", Text(agent))
            }
            Self::EstimateIgnored { agent, resources } => {
                let agent = Text(agent);
                write!(f, "agent {agent} lends: {resources} of its resource estimator are not offered")
            }
            Self::UnknownLoan { framework, role, agent, resources } => {
                let (framework, role, agent) = (Text(framework), Text(role), Text(agent));
                write!(
                    f,
                    "framework {framework} in role {role} has {resources} of agent {agent} beyond its loans"
                )
            }
            Self::BacksOff { framework, waits } => {
                write!(f, "framework {} lost too often, it borrows nothing for {waits:?}", Text(framework))
            }
        }
    }
}
