//! The commit ledger: decides which launches on lent resources are admitted, and knows what is in use by whom.
//!
//! Lent capacity is offered to several frameworks at once. The ledger makes the first launch win: it hears, on the
//! master's thread and in the master's order, what comes into use and what is returned, so at the moment of a launch it
//! knows to the unit what an agent has left. [`Ledger`] tells how one ACCEPT goes through it.
//!
//! # Words
//!
//! - *regular*: not revocable; what owners use. *Lent*: revocable, on an agent that lends.
//! - A *claim* is what one task of the running ACCEPT was promised. Claims live as long as their ACCEPT.
//! - A *commit* is a lent launch that went through, a *conflict* one that was turned down because too little is left.
//!
//! # Invariants
//!
//! - No lent launch is admitted beyond what the agent has besides what owners use, nor beyond what is lendable.
//! - A regular launch is turned down for two reasons only: its executor runs lent tasks, or the gang that it says it
//!   belongs to was turned down.
//! - Nothing of one ACCEPT is left when the next one begins, but what came into use.
//! - No clock is read: times are given with the calls.
//!
//! # Not here
//!
//! No messages (amounts come by name), no rules (the priority of a role comes with every amount of it, what is lendable
//! with [`Ledger::publish`]), no locks.
#![forbid(unsafe_code)]

mod accept;
mod admission;
mod agent;
mod clock;
mod executors;
mod gang;
mod ledger;
mod numbers;
mod scalars;
mod turned_down;

pub use gang::Gang;
pub use ledger::{Books, ExecutorOfTask, Launch, Ledger, Loan, OverCommittedAgent, Portion};
pub use numbers::{Numbers, Reclaims, RoleNumbers};
pub use scalars::Scalars;
pub use turned_down::TurnedDown;

/// Rank of a borrower, 0 to 1000: what one of lower rank borrowed is lendable to one of higher.
pub type Priority = u32;
