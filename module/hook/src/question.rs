//! What the host asks, in the form of the rules: the facts of its messages, and what is to be decorated.
//!
//! One function for each of the eleven methods, and one for the isolator. They are all that knows which message tells what; the module answers
//! with them, and a rehearsal without a host asks the same.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use apportion_policy::{
    AgentFacts, Amount, Amounts, ContainerFacts, ContainerType, Entries, ExecutorFacts, Facts,
    FrameworkFacts, HookCall, HookPoint, HostFacts, Subject, TaskFacts, text,
};
use apportion_wire::messages::{
    AgentInfo, CommandInfo, ContainerConfig, ContainerId, ContainerInfo, ExecutorInfo, FrameworkInfo, Image,
    TaskInfo, TaskStatus,
};
use apportion_wire::resource::split;
use apportion_wire::{Value, WireError};

use crate::{entries, facts};

/// A question of the host.
#[derive(Debug, Clone)]
pub struct Question {
    /// Where it is asked.
    pub point: HookPoint,
    /// All that is known.
    pub call: HookCall,
    /// What rules may change.
    pub subject: Subject,
}

impl Question {
    /// The entries to decorate; none where there are none to decorate.
    pub(crate) fn entries(&self) -> Entries {
        match &self.subject {
            Subject::Entries(entries) => entries.clone(),
            Subject::Amounts { .. } | Subject::Event => Entries::default(),
        }
    }
}

/// `masterLaunchTaskLabelDecorator`.
///
/// # Errors
/// A [`WireError`] if a part of a message cannot be read; so for the others.
pub fn master_labels(
    task: &TaskInfo,
    framework: &FrameworkInfo,
    agent: &AgentInfo,
    host: &Arc<HostFacts>,
) -> Result<Question, WireError> {
    let call = launch(task, None, framework, agent, host)?;
    let labels = entries::of_labels(task.labels.as_ref(), host)?;
    Ok(Question { point: HookPoint::MasterLaunchTaskLabels, call, subject: Subject::Entries(labels) })
}

/// `slaveRunTaskLabelDecorator`.
///
/// # Errors
/// As [`master_labels`].
pub fn agent_labels(
    task: &TaskInfo,
    executor: &ExecutorInfo,
    framework: &FrameworkInfo,
    agent: &AgentInfo,
    host: &Arc<HostFacts>,
) -> Result<Question, WireError> {
    let call = launch(task, Some(executor), framework, agent, host)?;
    let labels = entries::of_labels(task.labels.as_ref(), host)?;
    Ok(Question { point: HookPoint::SlaveRunTaskLabels, call, subject: Subject::Entries(labels) })
}

/// `masterLaunchTaskResourceDecorator`. `room` is what could be added to the task, by the name of the resource.
///
/// The host tells neither framework nor the agent's attributes here: the role is that of the resources.
///
/// # Errors
/// As [`master_labels`].
pub fn master_resources(
    task: &TaskInfo,
    agent_resources: &[Vec<u8>],
    room: &Amounts,
    host: &Arc<HostFacts>,
) -> Result<Question, WireError> {
    let role = facts::allocation_role(&task.resources).map(|role| text(&role));
    let agent = AgentFacts {
        id: Some(text(&task.agent_id.value)),
        resources: Some(facts::resources(agent_resources)),
        ..AgentFacts::default()
    };
    let call = HookCall {
        facts: Facts {
            framework: role.map(|role| FrameworkFacts { role: Some(role), ..FrameworkFacts::default() }),
            task: Some(facts::task(task)),
            agent: Some(agent),
            ..Facts::default()
        },
        ..of_task(task, host)?
    };
    let amounts = scalars(&task.resources)?;
    let mut ceiling = amounts.clone();
    for (name, more) in room {
        let most = ceiling.entry(name.clone()).or_default();
        *most = Amount::from_thousandths(most.thousandths().saturating_add(more.thousandths()));
    }
    let subject = Subject::Amounts { amounts, ceiling: Some(ceiling) };
    Ok(Question { point: HookPoint::MasterLaunchTaskResources, call, subject })
}

/// `slaveExecutorEnvironmentDecorator`. The message tells the executor alone; `remembered` is what was known when its
/// task was seen.
///
/// # Errors
/// As [`master_labels`].
pub fn executor_environment(
    executor: &ExecutorInfo,
    remembered: Option<&HookCall>,
    host: &Arc<HostFacts>,
) -> Result<Question, WireError> {
    let call = completed(of_executor(executor, host)?, remembered);
    let environment = entries::of_environment(environment_of(executor.command.as_ref()), host)?;
    Ok(Question { point: HookPoint::SlaveExecutorEnvironment, call, subject: Subject::Entries(environment) })
}

/// What the host tells of a Docker container before it starts it.
#[derive(Debug, Clone, Copy, Default)]
pub struct DockerLaunch<'a> {
    /// Name of the container.
    pub container: &'a [u8],
    /// Sandbox on the host.
    pub sandbox: &'a [u8],
    /// Variables that the host gives the executor, `NAME=value`.
    pub environment: &'a [&'a [u8]],
}

/// `slavePreLaunchDockerTaskExecutorDecorator`. With a task, its own environment is decorated; else that of the
/// executor, with what the host adds.
///
/// # Errors
/// As [`master_labels`].
pub fn docker(
    task: Option<&TaskInfo>,
    executor: &ExecutorInfo,
    launch: DockerLaunch<'_>,
    remembered: Option<&HookCall>,
    host: &Arc<HostFacts>,
) -> Result<Question, WireError> {
    let mut call = of_executor(executor, host)?;
    if let Some(task) = task {
        let HookCall { container_type, image, task_environment, .. } = of_task(task, host)?;
        call.facts.task = Some(facts::task(task));
        call = HookCall {
            container_type: container_type.or(call.container_type),
            image: image.or(call.image),
            task_environment,
            ..call
        };
    }
    call.facts.container = Some(ContainerFacts {
        id: Some(text(launch.container)),
        directory: Some(text(launch.sandbox)),
        ..ContainerFacts::default()
    });
    let environment = match task {
        Some(task) => entries::of_environment(environment_of(task.command.as_ref()), host)?,
        None => executor_variables(executor, launch, host)?,
    };
    Ok(Question {
        point: HookPoint::SlavePreLaunchDockerTaskExecutor,
        call: completed(call, remembered),
        subject: Subject::Entries(environment),
    })
}

/// The environment of a Docker container's executor: what its command sets, and what the host adds.
pub(crate) fn executor_variables(
    executor: &ExecutorInfo,
    launch: DockerLaunch<'_>,
    host: &HostFacts,
) -> Result<Entries, WireError> {
    let own = entries::of_environment(environment_of(executor.command.as_ref()), host)?;
    let given = entries::of_pairs(launch.environment, host);
    let names: BTreeSet<&str> = own.iter().map(|entry| &*entry.name).collect();
    let more = given.iter().filter(|entry| !names.contains(&*entry.name));
    Ok(own.iter().chain(more).cloned().collect())
}

/// `slaveTaskStatusDecorator`. The message tells ids alone.
///
/// # Errors
/// As [`master_labels`].
pub fn status_labels(
    framework_id: &[u8],
    status: &TaskStatus,
    remembered: Option<&HookCall>,
    host: &Arc<HostFacts>,
) -> Result<Question, WireError> {
    let id_of_executor = status.executor_id.as_ref().map(|id| text(&id.value));
    let call = HookCall {
        facts: Facts {
            framework: Some(FrameworkFacts { id: Some(text(framework_id)), ..FrameworkFacts::default() }),
            task: Some(TaskFacts { id: Some(text(&status.task_id.value)), ..TaskFacts::default() }),
            executor: id_of_executor.map(|id| ExecutorFacts { id: Some(id), ..ExecutorFacts::default() }),
            agent: status
                .agent_id
                .as_ref()
                .map(|id| AgentFacts { id: Some(text(&id.value)), ..AgentFacts::default() }),
            container: None,
        },
        host: Arc::clone(host),
        ..HookCall::default()
    };
    let labels = entries::of_labels(status.labels.as_ref(), host)?;
    Ok(Question {
        point: HookPoint::SlaveTaskStatus,
        call: completed(call, remembered),
        subject: Subject::Entries(labels),
    })
}

/// `slaveResourcesDecorator`.
///
/// # Errors
/// As [`master_labels`].
pub fn agent_resources(agent: &AgentInfo, host: &Arc<HostFacts>) -> Result<Question, WireError> {
    let amounts = scalars(&agent.resources)?;
    let subject = Subject::Amounts { amounts, ceiling: None };
    Ok(Question { point: HookPoint::SlaveResources, call: of_agent(agent, host), subject })
}

/// `slaveAttributesDecorator`.
pub fn agent_attributes(agent: &AgentInfo, host: &Arc<HostFacts>) -> Question {
    let subject = Subject::Entries(entries::of_attributes(agent));
    Question { point: HookPoint::SlaveAttributes, call: of_agent(agent, host), subject }
}

/// `slaveRemoveExecutorHook`.
///
/// # Errors
/// As [`master_labels`].
pub fn executor_removed(
    framework: &FrameworkInfo,
    executor: &ExecutorInfo,
    remembered: Option<&HookCall>,
    host: &Arc<HostFacts>,
) -> Result<Question, WireError> {
    let role = facts::allocation_role(&executor.resources);
    let mut call = of_executor(executor, host)?;
    call.facts.framework = Some(facts::framework(framework, role.as_deref()));
    Ok(Question {
        point: HookPoint::SlaveRemoveExecutor,
        call: completed(call, remembered),
        subject: Subject::Event,
    })
}

/// `slavePostFetchHook`. Framework and executor are those in the path of the sandbox.
pub fn post_fetch(
    container: &ContainerId,
    directory: &[u8],
    remembered: Option<&HookCall>,
    host: &Arc<HostFacts>,
) -> Question {
    let owner = Sandbox::of(directory);
    let call = HookCall {
        facts: Facts {
            framework: owner
                .map(|owner| FrameworkFacts { id: Some(text(owner.framework)), ..FrameworkFacts::default() }),
            executor: owner
                .map(|owner| ExecutorFacts { id: Some(text(owner.executor)), ..ExecutorFacts::default() }),
            container: Some(ContainerFacts {
                id: Some(text(&container.value)),
                parent: container.parent.as_ref().map(|parent| text(&parent.value)),
                directory: Some(text(directory)),
                ..ContainerFacts::default()
            }),
            ..Facts::default()
        },
        host: Arc::clone(host),
        ..HookCall::default()
    };
    Question { point: HookPoint::SlavePostFetch, call: completed(call, remembered), subject: Subject::Event }
}

/// A container about to be launched, for the isolator. `container` is what it is itself; `remembered` belongs to its
/// executor, which a nested container has none of: see [`HookCall::within`].
///
/// # Errors
/// As [`master_labels`].
pub fn container(
    config: &ContainerConfig,
    container: ContainerFacts,
    remembered: Option<&HookCall>,
    host: &Arc<HostFacts>,
) -> Result<HookCall, WireError> {
    let executor = config.executor_info.as_ref().map(|executor| of_executor(executor, host)).transpose()?;
    let mut call = completed(executor.unwrap_or_default(), remembered);
    if let Some(task) = &config.task_info {
        call.facts.task = Some(facts::task(task));
        let environment = environment_of(task.command.as_ref());
        call.task_environment = Some(entries::of_environment(environment, host)?);
    }
    call.facts.container = Some(container);
    let settings = config.container_info.as_ref();
    Ok(HookCall {
        container_type: Some(container_type(settings)),
        image: settings.and_then(image),
        host: Arc::clone(host),
        ..call
    })
}

/// A container that outlived its agent, for the isolator: only its executor is told of.
///
/// # Errors
/// As [`master_labels`].
pub fn recovered_container(
    executor: &ExecutorInfo,
    remembered: Option<&HookCall>,
    host: &Arc<HostFacts>,
) -> Result<HookCall, WireError> {
    Ok(completed(of_executor(executor, host)?, remembered))
}

/// `masterSlaveLostHook`.
pub fn agent_lost(agent: &AgentInfo, host: &Arc<HostFacts>) -> Question {
    Question { point: HookPoint::MasterSlaveLost, call: of_agent(agent, host), subject: Subject::Event }
}

/// Whose a sandbox is, by its path: `…/frameworks/<id>/executors/<id>/runs/<container>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sandbox<'a> {
    pub(crate) framework: &'a [u8],
    pub(crate) executor: &'a [u8],
}

impl<'a> Sandbox<'a> {
    pub(crate) fn of(directory: &'a [u8]) -> Option<Sandbox<'a>> {
        let parts: Vec<&[u8]> = directory.split(|byte| *byte == b'/').collect();
        // The last ones: the work folder may have such names too.
        let found = parts.windows(5).rev().find_map(|window| match window {
            [b"frameworks", framework, b"executors", executor, b"runs"] => {
                Some(Sandbox { framework, executor })
            }
            _ => None,
        })?;
        (!found.framework.is_empty() && !found.executor.is_empty()).then_some(found)
    }
}

/// All that is known of a task on its way.
fn launch(
    task: &TaskInfo,
    executor: Option<&ExecutorInfo>,
    framework: &FrameworkInfo,
    agent: &AgentInfo,
    host: &Arc<HostFacts>,
) -> Result<HookCall, WireError> {
    let role = facts::allocation_role(&task.resources);
    let mut call = of_task(task, host)?;
    call.facts = Facts {
        framework: Some(facts::framework(framework, role.as_deref())),
        task: Some(facts::task(task)),
        executor: executor.map(facts::executor),
        agent: Some(facts::agent(agent)),
        container: None,
    };
    if let Some(executor) = executor {
        let environment = environment_of(executor.command.as_ref());
        call.executor_environment = Some(entries::of_environment(environment, host)?);
    }
    Ok(call)
}

/// What a task says of its container and environment; without other facts.
fn of_task(task: &TaskInfo, host: &Arc<HostFacts>) -> Result<HookCall, WireError> {
    let of_executor = || task.executor.as_ref().and_then(|executor| executor.container.as_ref());
    let container = task.container.as_ref().or_else(of_executor);
    Ok(HookCall {
        container_type: Some(container_type(container)),
        image: container.and_then(image),
        task_environment: Some(entries::of_environment(environment_of(task.command.as_ref()), host)?),
        host: Arc::clone(host),
        ..HookCall::default()
    })
}

/// The framework as far as an ExecutorInfo tells it.
fn framework_of(executor: &ExecutorInfo) -> Option<FrameworkFacts> {
    let framework = facts::framework_id(executor.framework_id.as_ref()?);
    let role = facts::allocation_role(&executor.resources).map(|role| text(&role));
    Some(FrameworkFacts { role, ..framework })
}

/// What an ExecutorInfo says.
fn of_executor(executor: &ExecutorInfo, host: &Arc<HostFacts>) -> Result<HookCall, WireError> {
    let environment = environment_of(executor.command.as_ref());
    Ok(HookCall {
        facts: Facts {
            framework: framework_of(executor),
            executor: Some(facts::executor(executor)),
            ..Facts::default()
        },
        // The executor of a command task has none of its own: the task's is remembered, then.
        container_type: executor.container.as_ref().map(|container| container_type(Some(container))),
        image: executor.container.as_ref().and_then(image),
        executor_environment: Some(entries::of_environment(environment, host)?),
        host: Arc::clone(host),
        ..HookCall::default()
    })
}

fn of_agent(agent: &AgentInfo, host: &Arc<HostFacts>) -> HookCall {
    let facts = Facts { agent: Some(facts::agent(agent)), ..Facts::default() };
    HookCall { facts, host: Arc::clone(host), ..HookCall::default() }
}

/// A call with what is missing taken from a remembered one.
pub(crate) fn completed(call: HookCall, remembered: Option<&HookCall>) -> HookCall {
    let Some(more) = remembered else { return call };
    HookCall {
        facts: call.facts.completed_by(&more.facts),
        container_type: call.container_type.or(more.container_type),
        image: call.image.or_else(|| more.image.clone()),
        task_environment: call.task_environment.or_else(|| more.task_environment.clone()),
        executor_environment: call.executor_environment.or_else(|| more.executor_environment.clone()),
        host: call.host,
    }
}

fn environment_of(command: Option<&CommandInfo>) -> Option<&apportion_wire::messages::RawEnvironment> {
    command?.environment.as_ref()
}

fn container_type(container: Option<&ContainerInfo>) -> ContainerType {
    match container.map(|container| container.r#type) {
        Some(ContainerInfo::DOCKER) => ContainerType::Docker,
        Some(ContainerInfo::MESOS) => ContainerType::Mesos,
        _ => ContainerType::None,
    }
}

fn image(container: &ContainerInfo) -> Option<String> {
    if let Some(docker) = &container.docker {
        return Some(text(&docker.image));
    }
    let image: &Image = container.mesos.as_ref()?.image.as_ref()?;
    image.docker.as_ref().or(image.appc.as_ref()).map(|image| text(&image.name))
}

/// Sums of the scalars, by name. What is to be changed must be readable as a whole.
pub(crate) fn scalars(resources: &[Vec<u8>]) -> Result<Amounts, WireError> {
    let mut sums: BTreeMap<String, i64> = BTreeMap::new();
    for resource in resources {
        let resource = split(resource)?;
        if let Value::Scalar(amount) = resource.value {
            let sum = sums.entry(text(resource.facts.name)).or_default();
            *sum = sum.saturating_add(amount.thousandths());
        }
    }
    Ok(sums.into_iter().map(|(name, sum)| (name, Amount::from_thousandths(sum))).collect())
}
