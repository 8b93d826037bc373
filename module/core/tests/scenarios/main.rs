//! The allocator as its caller sees it: events in, offers out. One topic per file; `histories.rs` has random ones.
#![expect(clippy::unwrap_used, reason = "in a test a panic is the message, in its support files too")]

#[path = "../cluster/mod.rs"]
mod cluster;
mod eligibility;
mod failover;
mod fair_share;
mod filters;
mod histories;
mod lending;
mod lending_changes;
mod lending_histories;
mod lifecycle;
mod operations;
mod quotas;
mod recovery;
mod waking;
