#![forbid(unsafe_code)]
//! Crash and failover drills: a real master, agents and frameworks with the library in them, killed with SIGKILL at
//! random moments.
//!
//! ```text
//! cargo build -p apportion -p apportion-rig
//! cargo test -p apportion-drill-tests
//! ```
//!
//! A drill has one cluster and one kind of victim: the master, an agent or a framework. The master has a replicated log
//! and our allocator and hook; three agents have our hook, isolator and QoS controller; three frameworks in two roles
//! are programs of their own ([`program`]). Each round lets the frameworks churn (take offers, hold, decline with and
//! without filters, launch tasks, reserve, make and destroy volumes, suppress, revive), kills a victim after a random
//! time, often right at a step of a framework, and starts it again. From the kill on the others hold every offer and no
//! task ends by itself, so that the cluster comes to rest. Then has to hold:
//!
//! * **An agreement** of master, agents and frameworks: on each agent nothing is free, what the master has offered is what
//!   the frameworks hold, what it counts as used is what their tasks use, and its total is the agent's own. By kind.
//! * **Nothing is lost**: every reservation and volume whose making was acknowledged before the kill (by an operation
//!   status) is in the total, with its data; every one whose end was acknowledged is not. What was not acknowledged may
//!   be either. The sum of each agent's resources by name is what it was at the start.
//! * **Nothing is given twice**, at no instant of the round: the claims of offers and tasks are played again in the order
//!   of their times, offers from the moment the master sent them until the framework gave them up (or a kill did), tasks
//!   from their acceptance to their end, over all kills; no port and no volume is in two of them, and no sum is beyond the
//!   total. Besides, the master's books are read all the time, and compared by kind.
//! * **Tasks go on**: a task that was known to run at the kill still runs, or has finished.
//! * **Convergence**: the last of what was free was offered within two allocation intervals after the last return, by the
//!   times in the master's own log. The time in which a thread of the drill wanted a processor and got none is granted.
//!
//! The choices of a drill come from a seed, which it prints; when threads and processes get to run does not. A failing
//! drill reports seed, round, moment, what it has found, the journals of the frameworks and the ends of all logs.
//!
//! | variable | meaning | without it |
//! |---|---|---|
//! | `APPORTION_DRILL_ROUNDS` | kills of each drill | 50 |
//! | `APPORTION_DRILL_SEED` | seed of all choices | from the clock |
//! | `APPORTION_LIBRARY` | the library | the debug build beside the tests |
//!
//! Mesos 1.11.0 itself leaves two things behind when an agent is killed, with its built-in modules as well; the drills know
//! them and say how often they met the first. An agent killed while it writes its reservations down may not start again
//! without an operator's help; a task launched on a reservation that died with its agent counts in the master's books
//! until the agent has denied it.

mod books;
mod cluster;
mod drill;
mod error;
mod framework_process;
mod journal;
mod master_log;
pub mod program;
mod pulse;
mod random;
mod resources;
mod rounds;
mod witness;

pub use drill::{Drill, Summary, Target, from_environment};
pub use error::DrillError;
