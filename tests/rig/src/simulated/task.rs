//! Tasks that simulated agents pretend to run.

use std::collections::BTreeMap;
use std::sync::mpsc::{self, Receiver, Sender};

use prost::Message;

use super::messages::{Allocation, FrameworkInfo, Id, Resource, RunTask, Task};
use super::swarm::RUNNING;

/// How a task ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskEnd {
    /// By itself: `TASK_FINISHED`.
    Finished,
    /// Its framework wants it: `TASK_KILLED`.
    Killed,
    /// A QoS controller wants it: `TASK_LOST` with `REASON_CONTAINER_PREEMPTED`, as frameworks are told that are not
    /// aware of partitions.
    Preempted,
}

impl TaskEnd {
    /// `TaskState` on the wire.
    pub(super) fn state(self) -> i32 {
        match self {
            TaskEnd::Finished => 2,
            TaskEnd::Killed => 4,
            TaskEnd::Preempted => 5,
        }
    }

    /// `TaskStatus.Reason` on the wire.
    pub(super) fn reason(self) -> Option<i32> {
        (self == TaskEnd::Preempted).then_some(17)
    }

    pub(super) fn message(self) -> Option<String> {
        (self == TaskEnd::Preempted).then(|| "Container preempted by QoS correction".to_owned())
    }
}

/// A task that a simulated agent was told to run.
#[derive(Debug, Clone, PartialEq)]
pub struct SimulatedTask {
    framework: Vec<u8>,
    task: Vec<u8>,
    resources: Vec<Resource>,
}

impl SimulatedTask {
    /// Its framework's id; what is not UTF-8 in it is replaced.
    pub fn framework_id(&self) -> String {
        String::from_utf8_lossy(&self.framework).into_owned()
    }

    /// Its id; what is not UTF-8 in it is replaced.
    pub fn task_id(&self) -> String {
        String::from_utf8_lossy(&self.task).into_owned()
    }

    /// The role that its resources are allocated to; what is not UTF-8 in it is replaced. Empty if there is none.
    pub fn role(&self) -> String {
        let allocation = self.resources.iter().find_map(|resource| resource.allocation.as_deref());
        let role = allocation.and_then(|bytes| Allocation::decode(bytes).ok()?.role);
        String::from_utf8_lossy(&role.unwrap_or_default()).into_owned()
    }

    /// The part of a scalar resource that can be taken back at any time.
    pub fn revocable_scalar(&self, name: &str) -> f64 {
        self.scalar_where(name, |resource| resource.revocable.is_some())
    }

    /// The part of a scalar resource that cannot be taken back, reserved or not.
    pub fn regular_scalar(&self, name: &str) -> f64 {
        self.scalar_where(name, |resource| resource.revocable.is_none())
    }

    fn scalar_where(&self, name: &str, wanted: impl Fn(&Resource) -> bool) -> f64 {
        let parts = self.resources.iter().filter(|resource| resource.name == name && wanted(resource));
        parts.filter_map(|resource| resource.scalar.as_ref()).map(|scalar| scalar.value).sum()
    }

    pub(super) fn ids(&self) -> (Id, Id) {
        (Id { value: self.framework.clone() }, Id { value: self.task.clone() })
    }
}

/// Something that happens to a task on an agent.
#[derive(Debug, Clone, PartialEq)]
pub enum TaskEvent {
    /// The agent was told to run it, and does.
    Started(SimulatedTask),
    /// It has ended so. The master is told after that.
    Ended(SimulatedTask, TaskEnd),
}

/// A task with all that its agent has to report of it.
#[derive(Debug)]
pub(super) struct Running {
    /// Own name of the agent.
    pub(super) agent: String,
    pub(super) framework_id: Id,
    pub(super) id: Id,
    name: Vec<u8>,
    resources: Vec<Resource>,
    framework: Vec<u8>,
}

impl Running {
    pub(super) fn new(agent: &str, run: RunTask) -> Result<Running, prost::DecodeError> {
        Ok(Running {
            agent: agent.to_owned(),
            framework_id: FrameworkInfo::decode(run.framework.as_slice())?.id,
            id: run.task.id,
            name: run.task.name,
            resources: run.task.resources,
            framework: run.framework,
        })
    }

    fn to_task(&self) -> SimulatedTask {
        SimulatedTask {
            framework: self.framework_id.value.clone(),
            task: self.id.value.clone(),
            resources: self.resources.clone(),
        }
    }
}

/// The tasks that have not ended, and who wants to know of them.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    /// By the ids of framework and task.
    running: BTreeMap<(Vec<u8>, Vec<u8>), Running>,
    watchers: Vec<Sender<TaskEvent>>,
}

impl Tasks {
    pub(super) fn start(&mut self, task: Running) {
        self.tell(|| TaskEvent::Started(task.to_task()));
        self.running.insert((task.framework_id.value.clone(), task.id.value.clone()), task);
    }

    /// Own name of the agent that ran it, if one did.
    pub(super) fn end(&mut self, framework_id: &Id, task_id: &Id, end: TaskEnd) -> Option<String> {
        let task = self.running.remove(&(framework_id.value.clone(), task_id.value.clone()))?;
        self.tell(|| TaskEvent::Ended(task.to_task(), end));
        Some(task.agent)
    }

    pub(super) fn running(&self) -> Vec<SimulatedTask> {
        self.running.values().map(Running::to_task).collect()
    }

    pub(super) fn watch(&mut self) -> Receiver<TaskEvent> {
        let (watcher, events) = mpsc::channel();
        self.watchers.push(watcher);
        events
    }

    fn tell(&mut self, event: impl Fn() -> TaskEvent) {
        self.watchers.retain(|watcher| watcher.send(event()).is_ok());
    }

    /// What ran is gone, as for a master that removed its agents.
    pub(super) fn forget(&mut self) {
        self.running.clear();
    }

    /// What an agent reports of its tasks when it registers again, and their frameworks.
    pub(super) fn report(&self, agent: &str, agent_id: &Id) -> (Vec<Task>, Vec<Vec<u8>>) {
        let mut frameworks = BTreeMap::new();
        let mut tasks = Vec::new();
        for task in self.running.values().filter(|task| task.agent == agent) {
            frameworks.insert(&task.framework_id.value, task.framework.clone());
            tasks.push(Task {
                name: task.name.clone(),
                id: task.id.clone(),
                framework_id: task.framework_id.clone(),
                agent_id: agent_id.clone(),
                state: RUNNING,
                resources: task.resources.clone(),
            });
        }
        (tasks, frameworks.into_values().collect())
    }
}
