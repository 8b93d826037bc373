//! What an event leads to: offers, a run to be queued, answers, and lines worth logging.

use std::fmt;
use thiserror::Error;

use crate::amount::{Amount, Weight};
use crate::event::Unavailability;
use crate::holding::{DoesNotApply, Holding};
use crate::ids::{AgentId, FrameworkId, RoleId};
use crate::notice::Notice;
use crate::numbers::Amounts;
use crate::text::Text;

/// Resources for a framework to take or leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// To whom.
    pub framework: FrameworkId,
    /// Allocated to which role.
    pub role: RoleId,
    /// Where the resources are.
    pub agent: AgentId,
    /// The resources.
    pub resources: Holding,
    /// Why this framework came first.
    pub why: Why,
}

/// A dominant share as an exact fraction, before the weight divides it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fraction {
    /// What is held of the dominant resource.
    pub held: Amount,
    /// What the whole cluster has of it; zero if nothing countable is held or there is nothing to share.
    pub pool: Amount,
}

impl Fraction {
    /// In thousandths, rounded down.
    #[must_use]
    pub fn permille(self) -> i64 {
        self.held.permille_of(self.pool)
    }
}

/// The numbers behind an offer, as they were when the decision fell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Why {
    /// Whether the role lacked something it is guaranteed: then shares decided only among such roles.
    pub for_guarantee: bool,
    /// Whether it is idle capacity of others, lent: then shares are those of what is borrowed.
    pub lent: bool,
    /// Dominant share of the role with everything inside it.
    pub role_share: Fraction,
    /// What the role's share is divided by when it is compared with its siblings.
    pub role_weight: Weight,
    /// Place of the role among all roles, from 1.
    pub role_position: u32,
    /// How many roles there were.
    pub roles: u32,
    /// Dominant share of the framework within the role.
    pub framework_share: Fraction,
    /// Place of the framework among those of the role that take offers, from 1.
    pub framework_position: u32,
    /// How many such frameworks there were.
    pub frameworks: u32,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.for_guarantee {
            f.write_str("role lacks some of its guarantee; ")?;
        }
        if self.lent {
            f.write_str("lent; of what is borrowed ")?;
        }
        write!(
            f,
            "role has {} permille at weight {}, {} of {} roles; framework has {} permille, {} of {} in the role",
            self.role_share.permille(),
            self.role_weight,
            self.role_position,
            self.roles,
            self.framework_share.permille(),
            self.framework_position,
            self.frameworks
        )
    }
}

/// A request to give everything on an agent back before its maintenance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InverseOffer {
    /// To whom.
    pub framework: FrameworkId,
    /// Which agent.
    pub agent: AgentId,
    /// When it will be unavailable.
    pub unavailability: Unavailability,
}

/// The answer of one framework to an inverse offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InverseOfferStatus {
    /// The framework's id.
    pub framework: Box<[u8]>,
    /// The answer as the host spelled it.
    pub status: Box<[u8]>,
}

/// The answers to inverse offers on one agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InverseOfferStatuses {
    /// The agent's id; it has a maintenance window.
    pub agent: Box<[u8]>,
    /// The answers in the order of framework ids.
    pub statuses: Vec<InverseOfferStatus>,
}

/// What of an agent's idle capacity may be lent from now on, in use or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lendable {
    /// Where.
    pub agent: AgentId,
    /// How much, by resource name; a missing name means nothing.
    pub amounts: Amounts,
}

/// Everything an event leads to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Effects {
    /// Offers to send, in the order they were decided.
    pub offers: Vec<Offer>,
    /// Inverse offers to send, those of one framework together.
    pub inverse_offers: Vec<InverseOffer>,
    /// Roles whose numbers in [`Allocator::role_numbers`] may have appeared or disappeared, each once.
    ///
    /// [`Allocator::role_numbers`]: crate::Allocator::role_numbers
    pub roles_changed: Vec<RoleId>,
    /// A run must be queued: put one [`crate::Event::Cycle`] behind what is waiting.
    pub cycle_requested: bool,
    /// The answer to [`crate::Event::UpdateAvailable`].
    pub available_updated: Option<Result<(), CannotUpdateAvailable>>,
    /// The answer to [`crate::Event::GetInverseOfferStatuses`], in the order of agent ids.
    pub inverse_offer_statuses: Option<Vec<InverseOfferStatuses>>,
    /// Agents of which more or less may be lent than before, in the order in which it was found.
    pub lendable: Vec<Lendable>,
    /// What is worth a line in the log.
    pub notices: Vec<Notice>,
    /// What a run did, if this event was one and it was not skipped.
    pub run: Option<RunSummary>,
    /// What a run held back for guarantees, if it looked at any agent and there are quotas.
    pub headroom: Option<Headroom>,
}

/// What one run did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RunSummary {
    /// Number of the run, from 1.
    pub run: u64,
    /// Agents looked at.
    pub agents_visited: u32,
    /// Offers made, lent ones included.
    pub offers: u32,
    /// Offers made of what is lent.
    pub lent: u32,
    /// Lent offers of agents of which another borrower had an offer too.
    pub overlapped: u32,
    /// Offers held back by an offer filter or an agent's capabilities.
    pub filtered: u32,
}

/// What guarantees that are not met yet keep from everyone else, by resource name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Headroom {
    /// What top-level roles lacked of their guarantees before the run.
    pub required: Amounts,
    /// What was free, unreserved and not revocable, on all agents before the run; left out if nothing was required.
    pub available: Amounts,
    /// What was still lacking after it.
    pub still_required: Amounts,
}

impl fmt::Display for Headroom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "guarantees lacked {} of {} available, and lack {} now",
            Listed(&self.required),
            Listed(&self.available),
            Listed(&self.still_required)
        )
    }
}

/// Amounts in words: `cpus:4; mem:512`.
struct Listed<'a>(&'a Amounts);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("nothing");
        }
        for (position, (name, amount)) in self.0.iter().enumerate() {
            write!(f, "{}{}:{amount}", if position == 0 { "" } else { "; " }, Text(name))?;
        }
        Ok(())
    }
}

/// Why resources nobody should hold could not be changed; nothing was.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CannotUpdateAvailable {
    /// The agent is gone.
    #[error("the agent is not known")]
    UnknownAgent,
    /// An operation does not fit into what is free.
    #[error("operation {position} does not apply to the available resources: {reason}")]
    NotAvailable {
        /// Which of the operations, from 0.
        position: usize,
        /// Why not.
        reason: DoesNotApply,
    },
    /// An operation does not fit into what the agent has.
    #[error("operation {position} does not apply to the total resources: {reason}")]
    NotInTotal {
        /// Which of the operations, from 0.
        position: usize,
        /// Why not.
        reason: DoesNotApply,
    },
}

/// A call contradicts the books.
///
/// The master that this allocator was written for makes no such calls. What it does about one is told by
/// [`Violation::is_fatal`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Violation {
    /// Something came before `initialize`.
    #[error("{call} before initialize")]
    NotInitialized {
        /// What was asked.
        call: &'static str,
    },
    /// `initialize` came again.
    #[error("initialize came twice")]
    InitializedTwice,
    /// `recover` came after agents.
    #[error("recover came when {agents} agents were known already")]
    RecoverTooLate {
        /// How many.
        agents: usize,
    },
    /// A framework that must be known is not.
    #[error("{call}: framework {} is not known", Text(.framework))]
    UnknownFramework {
        /// What was asked.
        call: &'static str,
        /// The framework.
        framework: Box<[u8]>,
    },
    /// A framework was added twice.
    #[error("framework {} was added twice", Text(.framework))]
    FrameworkAddedTwice {
        /// The framework.
        framework: Box<[u8]>,
    },
    /// An agent that must be known is not.
    #[error("{call}: agent {} is not known", Text(.agent))]
    UnknownAgent {
        /// What was asked.
        call: &'static str,
        /// The agent.
        agent: Box<[u8]>,
    },
    /// An agent was added twice.
    #[error("agent {} was added twice", Text(.agent))]
    AgentAddedTwice {
        /// The agent.
        agent: Box<[u8]>,
    },
    /// Resources of a known framework are allocated to no role.
    #[error("{call}: {resources} on agent {} is allocated to no role", Text(.agent))]
    NoRole {
        /// What was asked.
        call: &'static str,
        /// The amounts in question.
        resources: String,
        /// The agent.
        agent: Box<[u8]>,
    },
    /// More is given back or changed than is held.
    #[error(
        "{call}: framework {} does not hold {wanted} of role {} on agent {}, only {held}",
        Text(.framework), Text(.role), Text(.agent)
    )]
    NotHeld {
        /// What was asked.
        call: &'static str,
        /// The framework.
        framework: Box<[u8]>,
        /// The role.
        role: Box<[u8]>,
        /// The agent.
        agent: Box<[u8]>,
        /// The amounts in question.
        wanted: String,
        /// The amounts in the books.
        held: String,
    },
    /// More is used by tasks than was offered.
    #[error("{call}: {wanted} of role {} on agent {} was not offered, only {held}", Text(.role), Text(.agent))]
    NotOffered {
        /// What was asked.
        call: &'static str,
        /// The role.
        role: Box<[u8]>,
        /// The agent.
        agent: Box<[u8]>,
        /// The amounts in question, with what tasks use already.
        wanted: String,
        /// The amounts in the books.
        held: String,
    },
    /// More was recovered from tasks than tasks used.
    #[error("{call}: {wanted} on agent {} is not in use by tasks, only {used}", Text(.agent))]
    NotUsed {
        /// What was asked.
        call: &'static str,
        /// The agent.
        agent: Box<[u8]>,
        /// The amounts in question.
        wanted: String,
        /// The amounts in the books.
        used: String,
    },
    /// A conversion of an allocation does not fit.
    #[error("{call}: conversion {position} of framework {} on agent {}: {reason}", Text(.framework), Text(.agent))]
    BadConversion {
        /// What was asked.
        call: &'static str,
        /// The framework.
        framework: Box<[u8]>,
        /// The agent.
        agent: Box<[u8]>,
        /// Which of the conversions, from 0.
        position: usize,
        /// Why not.
        reason: DoesNotApply,
    },
    /// The table of agents or frameworks is full.
    #[error("{call}: no slot left")]
    Full {
        /// What was asked.
        call: &'static str,
    },
    /// A total that is kept along the way differs from its parts.
    #[error("{what}: kept {kept}, but the parts make {derived}")]
    Drift {
        /// Which total of what.
        what: String,
        /// What was kept.
        kept: String,
        /// What the parts make.
        derived: String,
    },
}

impl Violation {
    /// Whether going on could offer something twice: somebody has, uses or changed what is free in the books, or the books
    /// contradict themselves. Everything else is refused: nothing was changed, and what the books say still holds.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        match self {
            Self::NotOffered { .. } | Self::BadConversion { .. } | Self::Drift { .. } => true,
            // Changing resources means having them; giving them back does not.
            Self::NotHeld { call, .. } => *call == "update allocation",
            _ => false,
        }
    }
}
