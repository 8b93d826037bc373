//! The checklist of what an allocator for Mesos does: one test per item, named by its number, one group per file.
//! `docs/behaviours.md` ties every item to its tests.
#![expect(clippy::unwrap_used, reason = "in a test a panic is the message, in its support files too")]

mod agents;
mod basics;
mod capabilities;
#[path = "../cluster/mod.rs"]
mod cluster;
mod filters;
mod inverse_offers;
mod metrics;
mod minimum;
mod quota;
mod quota_headroom;
mod random_order;
mod recovering;
mod reservations;
mod runs;
mod scale;
mod shared;
mod sorter;
mod suppress;
mod updates;
mod weights;
