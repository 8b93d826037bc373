//! All workloads.
//!
//! | file | what is in it |
//! |---|---|
//! | `cycles.rs` | runs in which everything is offered, on clusters of several shapes |
//! | `quiet.rs` | runs in which nothing or little can be offered |
//! | `calls.rs` | agents and frameworks that come, revive or leave; resources that come back |
//! | `quotas.rs` | guarantees and limits |
//! | `resources.rs` | operations on resources, and the arithmetic of holdings |

mod calls;
mod cycles;
mod quiet;
mod quotas;
mod resources;

use crate::workload::Workload;

/// All workloads, in the order of tables.
#[must_use]
pub fn all() -> Vec<Workload> {
    [cycles::ALL, quiet::ALL, calls::ALL, quotas::ALL, resources::ALL].concat()
}

/// The workload of a name.
#[must_use]
pub fn find(name: &str) -> Option<Workload> {
    all().into_iter().find(|workload| workload.name == name)
}
