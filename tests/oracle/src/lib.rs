//! A slow, plain allocator written from the specification alone, and a model of a Mesos master that makes random
//! histories: both allocators see the same history, and after every event they must agree.
//!
//! - [`Oracle`] answers the events of `apportion-core`. It keeps facts (who is there, who holds what) and works out
//!   everything else anew each time: what is free, shares, consumption, headroom, order. No number is kept along but
//!   within a run, which adds up what it gives, and at its end that must be what the facts say.
//! - [`Master`] keeps what a Mesos master keeps (offers, tasks, pending operations, totals of agents) and turns rolls
//!   of dice into calls that a master could make, races included.
//! - [`Cluster`] delivers each call to both, compares, and checks what must hold whatever the order of offers.
//! - [`histories`] are small, and shrink when they fail; [`large`] ones are as large as a real cluster.
//!
//! # What the specification leaves open
//!
//! Both allocators must decide these alike:
//!
//! - Agents are visited in ascending order of `agent_order_key`, then of their ids, in both stages of a run.
//! - Where several kinds share a name, they are cut in ascending order of `cut_order_key`; copies that come whole by size.
//! - In the random order a leaf draws a number that follows from the agent's `agent_order_key`, its role if it is a
//!   framework, and its path; `oracle/lots.rs` says how.
//! - A guarantee of a role inside another is served from what is left beyond what roles at the top still lack, its own
//!   ancestors among them, and does not lessen what is kept for them in that run. Row `nested-guarantees` of
//!   `docs/differences.md` says no more than that.
//! - A refusal ends when its time is up and a batch has passed since it was made; a batch that is skipped because runs
//!   are paused counts. The batch has passed when its run is over. Nothing else removes a refusal in time, so a
//!   run that is not a batch looks at the time as well.
//! - A refusal of an inverse offer ends when its time is up; at that very moment it is over.
//! - Shares are exact fractions, so equal shares are equal whatever the numbers; then allocation counts, then paths.
//! - A recovery hold-off ends with the first event at or after its time.
//! - A framework whose holdings in a role it is not subscribed to are converted to nothing is not tracked there any
//!   more.
//! - What is given back for a framework that is not known, but was reported as using resources of the agent, is free,
//!   as far as it was reported.
//! - A framework that was known by what it uses was given something once for each agent and role it uses something in,
//!   however many reports told of it.
//! - A refusal whose time is up may count in metrics until the next run: nobody has looked at it.
//!
//! Not covered: calls that no master makes, and amounts near the largest.
//!
//! # Running it
//!
//! `cargo test -p apportion-oracle` plays as many histories as fit into some seconds and says how many;
//! `APPORTION_HISTORIES=1000000 cargo test --release -p apportion-oracle --test histories` plays more. What fails is
//! shrunk, printed call by call, and its seed is kept in `proptest-regressions`, to be committed.
//!
//! `cargo run --release -p apportion-oracle --bin large-histories` plays histories of 10,000 agents; `--help` has the sizes.
#![forbid(unsafe_code)]

pub mod call;
mod cluster;
pub mod histories;
mod invariants;
pub mod large;
mod master;
mod oracle;
pub mod quantities;
pub mod resources;

pub use cluster::{Checks, Cluster, Disagreement, Tally};
pub use master::{Action, Cast, Master, Step};
pub use oracle::{Answer, Headroom, InverseOffers, Numbers, Offers, Oracle};

/// A name or id as the host spells it.
pub type Name = Vec<u8>;
