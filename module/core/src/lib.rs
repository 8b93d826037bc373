//! The pure allocator of Apportion: `state + event + now → effects`.
//!
//! Everything the Mesos allocator interface can say is an [`Event`]; everything it leads to is in the [`Effects`].
//! There is no clock, no randomness, no input or output and no thread in here, and no answer depends on the order of
//! a hash table: the same events with the same seed give the same offers, bit for bit, on every machine. Replay,
//! simulation and explanation stand on that.
//!
//! # Words
//!
//! - A [`Kind`] is everything about a resource except how much; interned once, then a [`KindId`].
//! - A [`Holding`] is so much of some kinds: what an agent has, what a framework holds.
//! - A *run* (or cycle) looks at agents and makes [`Offer`]s. Calls only request runs; the caller queues one
//!   [`Event::Cycle`] when [`Effects::cycle_requested`] says so, and sends [`Event::Tick`] once per allocation interval.
//!
//! # Invariants
//!
//! - What is offered or in use is in nobody else's offer until it is recovered; shared resources excepted.
//! - Scalars are whole thousandths ([`Amount`]); no float decides an offer.
//! - Every total that is kept along the way is what [`Allocator::check_all`] derives anew.
//!
//! # Not here
//!
//! Nothing decodes messages, keeps host objects, evaluates offer constraints, or logs.
//!
//! Read [`Allocator`] next, then the events.
#![forbid(unsafe_code)]

mod agents;
mod allocator;
mod amount;
mod chopping;
mod cycle;
mod effect;
mod eligibility;
mod event;
mod exclusions;
mod filters;
mod frameworks;
mod holding;
mod ids;
mod index_set;
mod invariants;
mod inverse_offers;
mod kind;
mod lending;
mod notice;
mod numbers;
mod options;
mod quantities;
mod quota;
mod roles;
mod shapes;
mod shuffle;
mod sorter;
mod text;
mod value;
mod visit;

pub use allocator::{Allocator, Description};
pub use amount::{Amount, NotAnAmount, Weight};
pub use chopping::cut_order_key;
pub use effect::{
    CannotUpdateAvailable, Effects, Fraction, Headroom, InverseOffer, InverseOfferStatus,
    InverseOfferStatuses, Lendable, Offer, RunSummary, Violation, Why,
};
pub use event::{
    AgentCapabilities, AgentInfo, Allocated, Event, ExcludedAgents, ExcludedFrom, FrameworkCapabilities,
    FrameworkInfo, MinimumForRole, Quota, Unavailability, UsedByFramework, UsedOnAgent,
};
pub use holding::{Conversion, DoesNotApply, Holding, Item};
pub use ids::{AgentId, FrameworkId, KindId, NameId, RoleId};
pub use kind::{Kind, KindRefused, Reservation};
pub use lending::policy::{
    BackOff, BadPattern, BorrowerRule, Bound, LenderRule, LendingPolicy, RoleLimits, RolePatterns, Sources,
};
pub use lending::{LendingNumbers, LoanNumbers};
pub use notice::{Notice, Severity};
pub use numbers::{Amounts, RoleNumbers};
pub use options::{Instant, Minimum, Options, Order};
pub use shuffle::agent_order_key;
pub use text::Text;
pub use value::{ItemSet, Ranges, Value, ValueType};
