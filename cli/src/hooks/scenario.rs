//! What rules meet: the messages of the files given, completed as a host would, and what was made up for it.

use std::path::{Path, PathBuf};

use apportion_policy::{AgentFacts, Facts, FrameworkFacts, text};
use apportion_wire::messages::{
    AgentId, AgentInfo, CommandInfo, ContainerInfo, ExecutorId, ExecutorInfo, FrameworkId, FrameworkInfo,
    HostMessage, TaskInfo, decode,
};
use apportion_wire::resource::{ResourceParts, split};
use serde_json::Value;

use super::document::{self, Found, Mistakes};
use super::schema::{self, Message};
use super::{reader, resources, state_page};

/// Stands where the host has an id and no file tells one; rules are not shown it.
const UNKNOWN_ID: &[u8] = b"unknown";

/// The files to read.
#[derive(Debug, Default)]
pub(super) struct Files<'a> {
    pub(super) task: Option<&'a PathBuf>,
    pub(super) framework: Option<&'a PathBuf>,
    pub(super) executor: Option<&'a PathBuf>,
    pub(super) agent: Option<&'a PathBuf>,
}

/// What the host knows in the rehearsal.
#[derive(Debug)]
pub(super) struct Scenario {
    pub(super) task: Option<TaskInfo>,
    pub(super) framework: FrameworkInfo,
    pub(super) framework_given: bool,
    /// That of the task, or given by itself; absent with a command task, for which the host makes one.
    pub(super) executor: Option<ExecutorInfo>,
    pub(super) agent: AgentInfo,
    pub(super) agent_given: bool,
    /// Role that resources are allocated to.
    pub(super) role: Vec<u8>,
    /// What was filled in, one sentence each.
    pub(super) assumed: Vec<String>,
}

/// Reads the files and fills in what they do not say.
///
/// # Errors
/// The mistakes of each file.
pub(super) fn read(files: &Files<'_>) -> Result<Scenario, Vec<Mistakes>> {
    let mut mistakes = Vec::new();
    let mut keep = |result: Result<Option<Value>, Mistakes>| {
        result.unwrap_or_else(|all| {
            mistakes.push(all);
            None
        })
    };
    let task = keep(files.task.map(|path| document::read(path)).transpose());
    let framework = keep(files.framework.map(|path| document::read(path)).transpose());
    let executor = keep(files.executor.map(|path| document::read(path)).transpose());
    let agent = keep(files.agent.map(|path| document::read(path)).transpose());
    let mut page = None;
    let task = task.zip(files.task).and_then(|(value, path)| {
        let mut found = Found::default();
        page = state_page::read(&value, &mut found);
        let value = page.as_ref().map_or(&value, |page| &page.task);
        typed::<TaskInfo>(value, &schema::TASK_INFO, path, found, &mut mistakes)
    });
    let of = |value: Option<Value>, path: Option<&PathBuf>| value.zip(path.cloned());
    let (framework, executor, agent) =
        (of(framework, files.framework), of(executor, files.executor), of(agent, files.agent));
    let framework = framework.and_then(|(value, path)| {
        typed::<FrameworkInfo>(&value, &schema::FRAMEWORK_INFO, &path, Found::default(), &mut mistakes)
    });
    let executor = executor.and_then(|(value, path)| {
        typed::<ExecutorInfo>(&value, &schema::EXECUTOR_INFO, &path, Found::default(), &mut mistakes)
    });
    let agent = agent.and_then(|(value, path)| {
        typed::<AgentInfo>(&value, &schema::SLAVE_INFO, &path, Found::default(), &mut mistakes)
    });
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    Ok(Scenario::complete(Given { task, framework, executor, agent, page }))
}

/// A value as the message it is said to be.
fn typed<M: HostMessage>(
    value: &Value,
    message: &Message,
    path: &Path,
    mut found: Found,
    mistakes: &mut Vec<Mistakes>,
) -> Option<M> {
    let bytes = reader::message(value, message, "", &mut found);
    let file = path.to_string_lossy();
    if let Err(all) = found.into_result(&file) {
        mistakes.push(all);
        return None;
    }
    decode(&bytes)
        .map_err(|error| {
            let mut found = Found::default();
            found.add("", error.to_string(), format!("a {}", message.name));
            mistakes.extend(found.into_result(&file).err());
        })
        .ok()
}

/// What the files say.
#[derive(Debug)]
struct Given {
    task: Option<TaskInfo>,
    framework: Option<FrameworkInfo>,
    executor: Option<ExecutorInfo>,
    agent: Option<AgentInfo>,
    page: Option<state_page::PageTask>,
}

impl Scenario {
    fn complete(given: Given) -> Scenario {
        let mut assumed = Vec::new();
        let Given { mut task, framework, executor, agent, page } = given;
        let mut executor = own_executor(task.as_ref(), executor, page.as_ref(), &mut assumed);
        let (framework_given, agent_given) = (framework.is_some(), agent.is_some());
        let role = role(task.as_ref(), executor.as_ref(), page.as_ref(), framework.as_ref(), &mut assumed);
        let mut framework = framework
            .unwrap_or_else(|| FrameworkInfo { role: Some(role.clone()), ..FrameworkInfo::default() });
        if framework.id.is_none() {
            let of_page =
                page.and_then(|page| page.framework_id).map(|id| FrameworkId { value: id.into_bytes() });
            framework.id = of_page.or_else(|| executor.as_ref()?.framework_id.clone());
        }
        if !framework_given {
            assumed.push(
                "framework: nothing but its role and, if a file names it, its id is known (--framework)"
                    .to_owned(),
            );
        }
        let id = framework.id.get_or_insert_with(|| FrameworkId { value: UNKNOWN_ID.to_vec() }).clone();
        if let Some(task) = &mut task {
            if resources::allocate(&mut task.resources, &role) {
                assumed.push(format!("task: its resources are allocated to the role `{}`", text(&role)));
            }
            task.executor.clone_from(&executor);
        }
        for executor in executor.iter_mut().chain(task.iter_mut().filter_map(|task| task.executor.as_mut())) {
            executor.framework_id.get_or_insert_with(|| id.clone());
            resources::allocate(&mut executor.resources, &role);
        }
        let mut agent = agent.unwrap_or_default();
        if let Some(task) = &mut task {
            let named = (!task.agent_id.value.is_empty()).then(|| task.agent_id.clone());
            if let (Some(named), Some(id)) = (&named, &agent.id)
                && named != id
            {
                let (named, id) = (text(&named.value), text(&id.value));
                let (named, id) = (document::shown(&named), document::shown(&id));
                assumed.push(format!("agent: that of --agent, `{id}`, though the task is for `{named}`"));
            }
            task.agent_id =
                named.or_else(|| agent.id.clone()).unwrap_or(AgentId { value: UNKNOWN_ID.to_vec() });
            agent.id.get_or_insert_with(|| task.agent_id.clone());
        }
        if !agent_given && task.is_some() {
            assumed.push("agent: nothing but its id, if the task names it, is known (--agent)".to_owned());
        }
        Scenario { task, framework, framework_given, executor, agent, agent_given, role, assumed }
    }

    /// The executor that the host makes for a command task, or the one that is given.
    pub(super) fn executor_of(&self, task: &TaskInfo) -> ExecutorInfo {
        let made = || {
            let command = task.command.as_ref();
            ExecutorInfo {
                executor_id: ExecutorId { value: task.task_id.value.clone() },
                framework_id: self.framework.id.clone(),
                name: Some(command_executor_name(task)),
                source: Some(task.task_id.value.clone()),
                command: Some(CommandInfo {
                    environment: command.and_then(|command| command.environment.clone()),
                    value: Some(b"mesos-executor".to_vec()),
                    shell: Some(false),
                    user: command.and_then(|command| command.user.clone()),
                    ..CommandInfo::default()
                }),
                container: task.container.clone(),
                labels: task.labels.clone(),
                ..ExecutorInfo::default()
            }
        };
        self.executor.clone().unwrap_or_else(made)
    }

    /// Whether a Docker container is what runs; then the host asks before it starts it.
    pub(super) fn is_docker(&self) -> bool {
        let of_task = self.task.as_ref().and_then(|task| task.container.as_ref());
        let of_executor = self.executor.as_ref().and_then(|executor| executor.container.as_ref());
        of_executor.or(of_task).is_some_and(|container| container.r#type == ContainerInfo::DOCKER)
    }

    /// Takes out of facts what was made up.
    pub(super) fn forget(&self, facts: &mut Facts) {
        let known = |id: Option<String>| id.filter(|id| id.as_bytes() != UNKNOWN_ID);
        if let Some(framework) = &mut facts.framework {
            framework.id = known(framework.id.take());
            if !self.framework_given {
                let (id, role) = (framework.id.take(), framework.role.take());
                *framework = FrameworkFacts { id, role, ..FrameworkFacts::default() };
            }
        }
        if let Some(agent) = &mut facts.agent {
            agent.id = known(agent.id.take());
            if !self.agent_given {
                *agent = AgentFacts { id: agent.id.take(), ..AgentFacts::default() };
            }
        }
    }
}

/// What the host calls the executor that it makes for a command task: with the beginning of its command.
fn command_executor_name(task: &TaskInfo) -> Vec<u8> {
    let no_command = CommandInfo::default();
    let command = task.command.as_ref().unwrap_or(&no_command);
    let cut = |text: Vec<u8>| if text.len() > 15 { [&text[..12], b"..."].concat() } else { text };
    let what = match (&command.value, command.shell()) {
        (Some(value), true) => [b"sh -c '", &*cut(value.clone()), b"'"].concat(),
        (None, true) => b"NO COMMAND".to_vec(),
        (Some(value), false) => {
            let words = [&**value, b", ", &command.arguments.join(&b", "[..])].concat();
            [b"[", &*cut(words), b"]"].concat()
        }
        (None, false) => b"NO EXECUTABLE".to_vec(),
    };
    [b"Command Executor (Task: ", &*task.task_id.value, b") (Command: ", &what, b")"].concat()
}

/// The executor of the files: that of the task goes before one given by itself.
fn own_executor(
    task: Option<&TaskInfo>,
    given: Option<ExecutorInfo>,
    page: Option<&state_page::PageTask>,
    assumed: &mut Vec<String>,
) -> Option<ExecutorInfo> {
    let own = task.and_then(|task| task.executor.clone());
    if own.is_some() && given.is_some() {
        assumed.push("executor: that of --executor, not the one inside the task".to_owned());
    }
    let executor = given.or(own);
    let Some(task) = task.filter(|_| executor.is_none()) else { return executor };
    if let Some(id) = page.and_then(|page| page.executor_id.as_ref()) {
        assumed.push(format!(
            "executor: a /state page tells nothing but its id `{}` (--executor)",
            document::shown(id)
        ));
        let executor_id = ExecutorId { value: id.clone().into_bytes() };
        return Some(ExecutorInfo { executor_id, ..ExecutorInfo::default() });
    }
    assumed.push(format!(
        "executor: the one Mesos makes for a command task: id `{}`; environment, labels and container of the task",
        document::shown(&text(&task.task_id.value))
    ));
    None
}

/// The role of the launch: of what is allocated, of the state page, of the framework.
fn role(
    task: Option<&TaskInfo>,
    executor: Option<&ExecutorInfo>,
    page: Option<&state_page::PageTask>,
    framework: Option<&FrameworkInfo>,
    assumed: &mut Vec<String>,
) -> Vec<u8> {
    let allocated = |resources: &[Vec<u8>]| {
        resources.iter().find_map(|bytes| Some(split(bytes).ok()?.allocation_role?.to_vec()))
    };
    let of_page = || page.and_then(|page| page.role.clone()).map(String::into_bytes);
    let told = task.and_then(|task| allocated(&task.resources));
    let told = told.or_else(|| allocated(&executor?.resources)).or_else(of_page);
    if let Some(role) = told {
        return role;
    }
    let roles = framework.map(FrameworkInfo::all_roles).unwrap_or_default();
    let role = roles.first().map_or(b"*".as_slice(), |first| first).to_vec();
    if roles.len() != 1 {
        let why = if roles.is_empty() { "no file names one" } else { "the first of the framework's" };
        assumed.push(format!("role: `{}`, {why}", document::shown(&text(&role))));
    }
    role
}

/// What of an offer a task could still take, by name.
pub(super) fn room(task: &TaskInfo, offer: &[ResourceParts]) -> apportion_policy::Amounts {
    let mut room = apportion_hook::Room::for_task(&task.resources, offer).amounts();
    for bytes in &task.resources {
        let Ok(resource) = split(bytes) else { continue };
        if let apportion_wire::Value::Scalar(taken) = resource.value
            && let Some(left) = room.get_mut(&text(resource.facts.name))
        {
            *left = left.less(apportion_policy::Amount::from_thousandths(taken.thousandths()));
        }
    }
    room
}
