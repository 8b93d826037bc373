//! Thousands of agents for one real master, in this process: they register, answer pings, and pretend to run tasks,
//! over the protocol that real agents speak. For tests of an allocator's offers at size.
//!
//! All of them share one address and differ in their ids, `slave(1)`, `slave(2)` and so on. One connection carries
//! everything to the master, and one that the master opens carries everything back. They register again when the
//! master was restarted. Tasks report that they run, and after a set time that they have finished; updates are sent
//! once, so an update that a failing master loses is lost.

mod conversion;
mod disk;
mod messages;
mod provider;
mod swarm;
mod task;
mod wire;

use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use crate::error::RigError;
use crate::wait::{Look, wait_for};
pub use disk::{DiskSource, SimulatedDisk};
pub use provider::{OperationAnswer, SimulatedProvider};
use swarm::Swarm;
pub use task::{SimulatedTask, TaskEnd, TaskEvent};

/// What the simulated agents are like.
#[derive(Debug, Clone)]
pub struct SimulatedSpec {
    /// How many.
    pub agents: usize,
    /// Cpus of each.
    pub cpus: f64,
    /// Memory of each in MB.
    pub mem_mb: f64,
    /// Disk of each in MB.
    pub disk_mb: f64,
    /// Further scalars of each: name, the role it is reserved for (`*` for none), amount.
    pub further: Vec<(String, String, f64)>,
    /// Further disks of each.
    pub disks: Vec<SimulatedDisk>,
    /// Resource providers of each from the start; `None` if they cannot have any. Agents that can are told of
    /// operations instead of what to keep, and do not resize volumes.
    pub providers: Option<Vec<SimulatedProvider>>,
    /// Agent number n has this and `-n` as host name.
    pub hosts: String,
    /// Region and zone of all of them. The master has to have a fault domain, too.
    pub domain: Option<(String, String)>,
    /// Agent number n has the attribute `rack` with the value `r` and n modulo this.
    pub racks: usize,
    /// Further attributes of each: name and text.
    pub attributes: Vec<(String, String)>,
    /// A task finishes after so long; with [`Duration::MAX`] only when told, see [`SimulatedAgents::end_task`].
    pub task_time: Duration,
}

impl Default for SimulatedSpec {
    fn default() -> Self {
        SimulatedSpec {
            agents: 100,
            cpus: 8.0,
            mem_mb: 32_768.0,
            disk_mb: 10_000.0,
            further: Vec::new(),
            disks: Vec::new(),
            providers: None,
            hosts: "simulated".to_owned(),
            domain: None,
            racks: 40,
            attributes: Vec::new(),
            task_time: Duration::from_millis(200),
        }
    }
}

/// Running simulated agents. Dropping this ends them, as if their machines had lost power.
#[derive(Debug)]
pub struct SimulatedAgents {
    swarm: Arc<Swarm>,
}

impl SimulatedAgents {
    /// Starts agents for the master at `master` (`host:port`); see [`SimulatedAgents::wait_until_registered`].
    ///
    /// # Errors
    /// When no port can be bound.
    pub fn start(master: &str, spec: SimulatedSpec) -> Result<SimulatedAgents, RigError> {
        Ok(SimulatedAgents { swarm: Swarm::start(master, spec)? })
    }

    /// How many are registered with the present master.
    pub fn registered(&self) -> usize {
        self.swarm.registered()
    }

    /// Waits until all of them are.
    ///
    /// # Errors
    /// [`RigError::Deadline`] when they are not in time.
    pub fn wait_until_registered(&self, within: Duration) -> Result<(), RigError> {
        let agents = self.swarm.agents();
        wait_for(&format!("{agents} simulated agents to register"), within, || {
            let registered = self.registered();
            Ok(if registered == agents {
                Look::Here(())
            } else {
                Look::Missing(format!("{registered} are registered"))
            })
        })
    }

    /// Each of them lends so many revocable cpus from now on, instead of what it lent before.
    pub fn lend_cpus(&self, cpus: f64) {
        self.swarm.lend_cpus(cpus);
    }

    /// Each of them has these resource providers from now on, instead of those it had before. What operations made of
    /// the resources of a provider lasts, also over a time without it, as far as its disks allow. For agents that can
    /// have providers, see [`SimulatedSpec::providers`].
    pub fn provide(&self, providers: &[SimulatedProvider]) {
        self.swarm.provide(providers.to_vec());
    }

    /// How their resource providers answer operations from now on, also those that are pending.
    pub fn answer_operations(&self, answer: OperationAnswer) {
        self.swarm.answer_operations(answer);
    }

    /// Starts and ends of tasks from now on, in the order in which they happen on the agents. Starts are in the order in
    /// which the master sent them. Calls after the first get an end of their own.
    pub fn watch_tasks(&self) -> Receiver<TaskEvent> {
        self.swarm.watch_tasks()
    }

    /// What runs now.
    pub fn running_tasks(&self) -> Vec<SimulatedTask> {
        self.swarm.state().tasks.running()
    }

    /// Ends a task; false if it was not running.
    pub fn end_task(&self, task: &SimulatedTask, end: TaskEnd) -> bool {
        let (framework_id, task_id) = task.ids();
        self.swarm.end_task(&framework_id, &task_id, end)
    }

    /// Breaks all connections, as a failure of the network would. The agents go on with what they run.
    pub fn disconnect(&self) {
        self.swarm.disconnect();
    }

    /// Connects again after [`SimulatedAgents::disconnect`]; the agents register under the ids they had, with the
    /// reservations and volumes they were told to keep. After [`SimulatedAgents::unregister`] they register anew.
    pub fn reconnect(&self) {
        self.swarm.reconnect();
    }

    /// The agents leave the master for good: it removes them and what they ran.
    pub fn unregister(&self) {
        self.swarm.unregister();
    }
}

impl Drop for SimulatedAgents {
    fn drop(&mut self) {
        self.swarm.stop();
    }
}
