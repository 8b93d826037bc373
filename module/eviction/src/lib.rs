#![forbid(unsafe_code)]
//! Which borrowers an agent ends when lent capacity is needed by its owner. See `docs/design/lending.md`.
//!
//! Pure: an [`Agent`] as it is now, the [`Policy`], and the time in; a [`Decision`] out. What has to be remembered from
//! one look to the next is in [`Evictions`]. No clock, no Mesos types; the same looks give the same decisions.
//!
//! ```
//! use apportion_eviction::{Agent, Amounts, Evictions, Executor, Holding, Policy, Settings, Task};
//!
//! let cpus = |n: i64| Amounts::of([(&b"cpus"[..], n * 1000)]);
//! let owner = Holding { regular: cpus(3), lent: Amounts::default() };
//! let lent = Holding { regular: Amounts::default(), lent: cpus(2) };
//! let executor = |name: &str, holding: &Holding| Executor {
//!     framework: b"f".to_vec(),
//!     executor: name.into(),
//!     container: name.into(),
//!     allocated: holding.clone(),
//!     tasks: vec![Task { holding: holding.clone(), ..Task::default() }],
//!     ..Executor::default()
//! };
//! let agent = Agent {
//!     total: cpus(4),
//!     executors: vec![executor("owner", &owner), executor("borrower", &lent)],
//! };
//! let settings = Settings::default();
//! let policy = Policy { settings: &settings, priorities: &|_: &[u8]| 0 };
//! let decision = Evictions::default().look(0, &agent, &policy);
//! assert_eq!(decision.end[0].key.container, b"borrower");
//! ```

mod agent;
mod choice;
mod evictions;
mod grace;
mod policy;

pub use agent::{Agent, Amounts, Executor, ExecutorKey, Holding, Task};
pub use choice::EXACT_MOST;
pub use evictions::{Counts, Decision, Ending, Evictions, Notice, Reminder, Told};
pub use policy::{Policy, Priorities, Settings};
