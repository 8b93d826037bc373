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
//! are programs of their own ([`program`]); an operator sets quotas, and makes and gives up reservations and volumes,
//! frameworks' as well as its own, by the endpoints and by the calls of the newer interface. Each round lets the
//! frameworks churn (take offers, hold, decline with and without filters, launch tasks, reserve, make and destroy volumes,
//! suppress, revive) and the operator call, kills a victim after a random time, often right at a step of a framework or
//! of the operator, and starts it again. The operator makes a few more calls while something is away: of a master that
//! is back, before the agents are. From the kill on no task ends by itself, and after the operator's last call the
//! frameworks hold every offer, so that the cluster comes to rest. Then has to hold:
//!
//! * **An agreement** of master, agents and frameworks: on each agent nothing is free that quotas let be offered, what the
//!   master has offered is what the frameworks hold, what it counts as used is what their tasks use, and its total is the
//!   agent's own. By kind.
//! * **Nothing is lost**: every reservation and volume whose making was acknowledged before the kill (by an operation
//!   status, or by the answer to the operator) is in the total, with its data; every one whose end was acknowledged is not.
//!   What was not acknowledged may be either; what was refused has changed nothing. The sum of each agent's resources by
//!   name is what it was at the start.
//! * **Quotas last**: the master has those that it was told, and that it answered with success. A call without an answer was
//!   carried out in full or not at all.
//! * **Quotas hold**, at each offer of the round: no role is offered anything unreserved beyond its limits, nor beyond its
//!   guarantee what others' guarantees still need.
//! * **Nothing is given twice**, at no instant of the round: the claims of offers and tasks are played again in the order
//!   of their times, offers from the moment the master sent them until the framework gave them up (or a kill did), tasks
//!   from their acceptance to their end, over all kills; no port and no volume is in two of them, and no sum is beyond the
//!   total. Besides, the master's books are read all the time, and compared by kind.
//! * **Tasks go on**: a task that was known to run at the kill still runs, or has finished.
//! * **Convergence**: the last of what was free was offered within two allocation intervals after the last return, by the
//!   times in the master's own log. The time in which a thread of the drill wanted a processor, or to write a line, and
//!   could not is granted.
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
//! Mesos 1.11.0 itself leaves three things behind, with its built-in modules as well; the drills know them and say how
//! often they met the first. An agent killed while it writes its reservations down may not start again
//! without an operator's help; a task launched on a reservation that died with its agent counts in the master's books
//! until the agent has denied it; and the operator's reservations and volumes are answered with success before the master
//! has sent them to the agent, so that a kill of either in between undoes them. After such a kill an answer counts when the
//! agent itself has shown what it promises.

mod books;
mod cluster;
mod drill;
mod error;
mod framework_process;
mod journal;
mod master_log;
mod operator;
pub mod program;
mod pulse;
mod quota;
mod resources;
mod rounds;
mod witness;

pub use drill::{Drill, Summary, Target, from_environment};
pub use error::DrillError;
