//! The hook at the border: bytes become messages, answers become bytes.

mod endpoint;
pub(crate) mod entries;

use std::path::PathBuf;
use std::sync::Arc;

use apportion_config::{Config, Drill, HookEndpoint};
use apportion_core::Text;
use apportion_hook::question::DockerLaunch;
use apportion_hook::{Hooks, Remembered, Room};
use apportion_wire::messages::{
    AgentInfo, ContainerId, ExecutorInfo, FrameworkInfo, LabelList, RawLabels, TaskInfo, TaskStatus, decode,
    encode,
};

use parking_lot::Mutex;

use crate::abi::{APPORTION_DONE, APPORTION_FAILED, APPORTION_UNCHANGED, apportion_status};
use crate::commits::{Attendance, Commits, impossible_resource};
use crate::offer_book::{OfferBook, Watch};
use crate::qos_controller::with_reclaim;
use crate::reclaim::Reclaim;
use crate::table::Answer;

/// "Nothing to change".
const UNCHANGED: Answer = Ok((APPORTION_UNCHANGED, Vec::new()));

/// The hook module. Master and agents in one process share it.
#[derive(Debug)]
pub(crate) struct HookModule {
    hooks: Hooks,
    book: Arc<OfferBook>,
    reclaim: Arc<Reclaim>,
    /// Whether anybody borrows: an agent of which nothing is lent has no need to say that it can take it back.
    knows_borrowers: bool,
    /// Held while rules change resources of tasks: only then it is worth noting what is offered.
    offers: Mutex<Option<Watch>>,
    /// Where launches on lent resources are admitted. Held while this hook is there to turn them down.
    commits: Attendance,
    endpoint: HookEndpoint,
    pub(crate) drill: Drill,
}

impl HookModule {
    /// `file` is where the configuration was read, if that was a file.
    ///
    /// # Errors
    /// Why the rules cannot be put into force.
    pub(crate) fn new(
        config: &Config,
        file: Option<PathBuf>,
        remembered: Arc<Remembered>,
        book: Arc<OfferBook>,
        reclaim: Arc<Reclaim>,
        commits: &Arc<Commits>,
    ) -> Result<HookModule, String> {
        let hooks = Hooks::start(&config.hook, file, remembered)?;
        // From the first offer on, if the rules need it.
        let offers = Mutex::new(hooks.changes_task_resources().then(|| book.watch()));
        Ok(HookModule {
            hooks,
            book,
            reclaim,
            knows_borrowers: !config.lending.borrowers.is_empty(),
            offers,
            commits: commits.attend(),
            endpoint: config.hook.endpoint,
            drill: config.drill.clone(),
        })
    }

    /// The kind of process that the endpoint is served in, if it is.
    fn endpoint(&self) -> Answer {
        Ok(match endpoint::side(self.endpoint, &endpoint::program()) {
            Some(side) => (APPORTION_DONE, side.as_bytes().to_vec()),
            None => (APPORTION_UNCHANGED, Vec::new()),
        })
    }

    fn report(&self) -> Answer {
        Ok((APPORTION_DONE, self.hooks.report().to_string().into_bytes()))
    }

    /// A refusal has several lines, so it does not go the way of other faults, which are for one line of a log.
    fn reload(&self) -> Answer {
        Ok(match self.hooks.reload() {
            Ok(done) => (APPORTION_DONE, done.to_string().into_bytes()),
            Err(refusal) => (APPORTION_FAILED, refusal.into_bytes()),
        })
    }

    pub(crate) fn master_labels(&self, task: &[u8], framework: &[u8], agent: &[u8]) -> Answer {
        let (task, framework): (TaskInfo, FrameworkInfo) = (decode(task)?, decode(framework)?);
        // First of all: a rule that fails must not hide who launches.
        let id = framework.id.as_ref().map(|id| id.value.as_slice()).unwrap_or_default();
        self.commits.launching(&task.agent_id.value, id, &task.task_id.value);
        let agent: AgentInfo = decode(agent)?;
        labels(self.hooks.master_labels(&task, &framework, &agent)?)
    }

    pub(crate) fn master_resources(&self, task: &[u8], agent_resources: &[&[u8]]) -> Answer {
        let task: TaskInfo = decode(task)?;
        if !self.hooks.changes_task_resources() {
            *self.offers.lock() = None;
            return self.turned_down(&task, &task.resources).map_or(UNCHANGED, Ok);
        }
        self.offers.lock().get_or_insert_with(|| self.book.watch());
        let (id, executor) = (&task.agent_id.value, task.executor.as_ref());
        let of_executor = executor.map(|executor| executor.resources.as_slice()).unwrap_or_default();
        let room = match self.book.room(id, &task.resources, of_executor) {
            Ok(left) => Room::for_task(&task.resources, &left),
            Err(reason) => Room::none(reason),
        };
        let agent_resources: Vec<Vec<u8>> = agent_resources.iter().map(|bytes| bytes.to_vec()).collect();
        let decided = self.hooks.master_resources(&task, &agent_resources, &room);
        // Also when nothing was decided: the host launches the task with what it asked for.
        let asked = decided.as_ref().ok().and_then(Option::as_ref).unwrap_or(&task.resources);
        if let Some(answer) = self.turned_down(&task, asked) {
            return Ok(answer);
        }
        self.book.take(id, asked, of_executor);
        match decided? {
            Some(resources) => Ok((APPORTION_DONE, encode(&TaskInfo { resources, ..TaskInfo::default() }))),
            None => UNCHANGED,
        }
    }

    /// The answer by which a task is turned down that is to be launched with these resources, if it is: the master finds
    /// it invalid.
    fn turned_down(&self, task: &TaskInfo, asked: &[Vec<u8>]) -> Option<(apportion_status, Vec<u8>)> {
        let reason = self.commits.claim(task, asked).err()?;
        tracing::info!(
            "task {} is turned down on agent {}: {reason}",
            Text(&task.task_id.value),
            Text(&task.agent_id.value)
        );
        let mut resources = task.resources.clone();
        resources.push(impossible_resource(&reason, &task.resources));
        Some((APPORTION_DONE, encode(&TaskInfo { resources, ..TaskInfo::default() })))
    }

    fn agent_labels(&self, task: &[u8], executor: &[u8], framework: &[u8], agent: &[u8]) -> Answer {
        let (task, executor): (TaskInfo, ExecutorInfo) = (decode(task)?, decode(executor)?);
        let (framework, agent): (FrameworkInfo, AgentInfo) = (decode(framework)?, decode(agent)?);
        labels(self.hooks.agent_labels(&task, &executor, &framework, &agent)?)
    }

    fn environment(&self, executor: &[u8]) -> Answer {
        match self.hooks.executor_environment(&decode(executor)?)? {
            Some(environment) => Ok((APPORTION_DONE, encode(&environment))),
            None => UNCHANGED,
        }
    }

    fn docker(&self, task: Option<&[u8]>, executor: &[u8], launch: DockerLaunch<'_>) -> Answer {
        let task: Option<TaskInfo> = task.map(decode).transpose()?;
        match self.hooks.docker(task.as_ref(), &decode(executor)?, launch)? {
            Some(info) => Ok((APPORTION_DONE, encode(&info))),
            None => UNCHANGED,
        }
    }

    fn status(&self, framework_id: &[u8], status: &[u8]) -> Answer {
        let status: TaskStatus = decode(status)?;
        let Some(labels) = self.hooks.status_labels(framework_id, &status)? else { return UNCHANGED };
        // The host takes nothing but the labels; the rest is there because a message needs it.
        let TaskStatus { task_id, state, .. } = status;
        let labels: RawLabels = decode(&labels.encode())?;
        let decorated = TaskStatus { task_id, state, labels: Some(labels), ..TaskStatus::default() };
        Ok((APPORTION_DONE, encode(&decorated)))
    }

    fn agent_resources(&self, agent: &[u8]) -> Answer {
        let agent: AgentInfo = decode(agent)?;
        match self.hooks.agent_resources(&agent)? {
            Some(resources) => Ok((APPORTION_DONE, encode(&AgentInfo { resources, ..named(agent) }))),
            None => UNCHANGED,
        }
    }

    fn agent_attributes(&self, agent: &[u8]) -> Answer {
        let agent: AgentInfo = decode(agent)?;
        let by_rules = self.hooks.agent_attributes(&agent);
        let attributes = by_rules.as_ref().unwrap_or(&agent.attributes);
        let reclaims = self.knows_borrowers && self.reclaim.is_possible();
        match with_reclaim(attributes, reclaims).or(by_rules) {
            Some(attributes) => Ok((APPORTION_DONE, encode(&AgentInfo { attributes, ..named(agent) }))),
            None => UNCHANGED,
        }
    }

    fn executor_removed(&self, framework: &[u8], executor: &[u8]) -> Answer {
        let (framework, executor): (FrameworkInfo, ExecutorInfo) = (decode(framework)?, decode(executor)?);
        self.hooks.executor_removed(&framework, &executor)?;
        UNCHANGED
    }

    fn post_fetch(&self, container: &[u8], directory: &[u8]) -> Answer {
        let container: ContainerId = decode(container)?;
        self.hooks.post_fetch(&container, directory);
        UNCHANGED
    }

    fn agent_lost(&self, agent: &[u8]) -> Answer {
        self.hooks.agent_lost(&decode(agent)?);
        UNCHANGED
    }
}

/// An agent with nothing but its name, which a message needs.
fn named(agent: AgentInfo) -> AgentInfo {
    AgentInfo { hostname: agent.hostname, ..AgentInfo::default() }
}

fn labels(labels: Option<LabelList>) -> Answer {
    match labels {
        Some(labels) => Ok((APPORTION_DONE, labels.encode())),
        None => UNCHANGED,
    }
}
