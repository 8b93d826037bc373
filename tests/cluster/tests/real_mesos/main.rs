//! The library's four modules in a real Mesos master and agents.
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a step that cannot be taken fails the test")]

mod agents;
mod configuration;
mod containers;
mod containers_page;
mod decoration;
mod drills;
mod evictions;
mod exclusive_offers;
mod fairness;
mod hook_endpoint;
mod hook_methods;
mod hostile_text;
mod isolator_security;
mod lending;
mod lending_calls;
mod lending_numbers;
mod master_constraints;
mod master_failover;
mod master_metrics;
mod master_offers;
mod master_returning;
mod master_scale;
mod offers;
mod reservations;
mod scale;
mod shutdown;
