//! Which facts are known at which point: found by asking the hook's own questions about messages that say everything.

use std::collections::BTreeMap;
use std::sync::Arc;

use apportion_hook::question::{self, DockerLaunch, Question};
use apportion_policy::{ContainerFacts, HookCall, HookPoint, HostFacts, ROOTS};
use apportion_wire::WireError;
use apportion_wire::messages::{
    AgentId, AgentInfo, Attribute, CommandInfo, ContainerConfig, ContainerId, ContainerInfo, DockerInfo,
    Environment, ExecutorId, ExecutorInfo, FrameworkId, FrameworkInfo, RawEnvironment, RawLabels, TaskId,
    TaskInfo, TaskStatus, TextValue, decode, encode,
};
use apportion_wire::resource::ResourceParts;
use serde_json::Value;

use crate::Failure;
use crate::page::{Parts, code, table};

/// Adds the table of what is known, and a document as a command gets it.
pub(super) fn add(parts: &mut Parts) -> Result<(), Failure> {
    let failed = |error: WireError| Failure::new(format!("examples for the hook reference: {error}"));
    let examples = Examples::new()?;
    let launch = examples.ask(HookPoint::SlaveRunTaskLabels, None).map_err(failed)?.call;
    let mut rows = Vec::new();
    for point in HookPoint::HOOKS {
        let alone = examples.ask(point, None).map_err(failed)?.call;
        let remembering = examples.ask(point, Some(&launch)).map_err(failed)?.call;
        let (alone, more) = (known(&alone), known(&remembering));
        let remembered: Vec<String> = more.into_iter().filter(|field| !alone.contains(field)).collect();
        rows.push([code(point.key()), shortened(&alone), shortened(&remembered)]);
    }
    parts.add("known", table(["point", "told by Mesos", "remembered from `agent_labels`"], rows));
    let removed = examples.ask(HookPoint::SlaveRemoveExecutor, None).map_err(failed)?;
    let document = apportion_hook::command_document(removed.point, "what became of executors", &removed.call);
    let text = serde_json::to_string_pretty(&document).map_err(|error| Failure::new(error.to_string()))?;
    parts.add("command document", text);
    Ok(())
}

/// Which facts are known of containers in the isolator's `prepare`, by their kind.
pub(crate) fn of_containers() -> Result<String, Failure> {
    let failed = |error: WireError| Failure::new(format!("examples for the isolator reference: {error}"));
    let examples = Examples::new()?;
    let launch = examples.ask(HookPoint::SlaveRunTaskLabels, None).map_err(failed)?.call;
    let (task, executor) = (Some(examples.task.clone()), Some(examples.executor.clone()));
    // The executor of a command task is made by the agent.
    let made = examples.executor.container.clone();
    let config = |task_info, executor_info| ContainerConfig {
        executor_info,
        task_info,
        container_info: made.clone(),
        ..ContainerConfig::default()
    };
    let ask = |config: &ContainerConfig, is_nested: bool, remembered: Option<&HookCall>| {
        let text = |text: &str| Some(text.to_owned());
        let container = ContainerFacts {
            id: text("c1"),
            parent: text("p").filter(|_| is_nested),
            user: text("web"),
            directory: text("/sandbox"),
            rootfs: text("/rootfs"),
            class: text("DEFAULT"),
            command: text("./shop"),
            resources: Some(BTreeMap::new()),
        };
        let host = Arc::new(HostFacts::default());
        question::container(config, container, remembered, &host).map(|call| known(&call))
    };
    let kinds = [
        ("of a command task", config(task, executor.clone()), false),
        ("of an executor", config(None, executor), false),
        ("nested in another", config(None, None), true),
    ];
    let mut rows = Vec::new();
    for (kind, config, is_nested) in kinds {
        let alone = ask(&config, is_nested, None).map_err(failed)?;
        let remembering = ask(&config, is_nested, Some(&launch)).map_err(failed)?;
        let more: Vec<String> = remembering.into_iter().filter(|field| !alone.contains(field)).collect();
        let more = if is_nested {
            "what is known of the one around it, but for `container`".to_owned()
        } else {
            shortened(&more)
        };
        rows.push([kind.to_owned(), shortened(&alone), more]);
    }
    Ok(table(["container", "told by Mesos", "remembered, or taken over"], rows))
}

/// Full names of the fields that are known in a call.
fn known(call: &HookCall) -> Vec<String> {
    let facts = serde_json::to_value(&call.facts).unwrap_or_default();
    let mut names = Vec::new();
    for root in ROOTS {
        let part = facts.get(root.name).and_then(Value::as_object);
        let there = |field: &&str| part.is_some_and(|part| part.contains_key(*field));
        names.extend(root.all_fields().filter(there).map(|field| format!("{}.{field}", root.name)));
    }
    let further = [
        ("container.type", call.container_type.is_some()),
        ("container.image", call.image.is_some()),
        ("task.environment", call.task_environment.is_some()),
        ("executor.environment", call.executor_environment.is_some()),
    ];
    names.extend(further.into_iter().filter(|(_, there)| *there).map(|(name, _)| name.to_owned()));
    names
}

/// The names, those of a whole root as one.
fn shortened(names: &[String]) -> String {
    let mut cells = Vec::new();
    let mut rest: Vec<&str> = names.iter().map(String::as_str).collect();
    for root in ROOTS {
        let fields: Vec<String> = root.all_fields().map(|field| format!("{}.{field}", root.name)).collect();
        if fields.iter().all(|field| rest.contains(&field.as_str())) {
            rest.retain(|name| !fields.iter().any(|field| field == name));
            cells.push(format!("all of `{}`", root.name));
        }
    }
    cells.extend(rest.into_iter().map(code));
    if cells.is_empty() { "–".to_owned() } else { cells.join(", ") }
}

/// Messages with everything in them that facts are made of.
struct Examples {
    framework: FrameworkInfo,
    agent: AgentInfo,
    executor: ExecutorInfo,
    task: TaskInfo,
    resources: Vec<Vec<u8>>,
}

impl Examples {
    fn new() -> Result<Examples, Failure> {
        let failed =
            |error: &dyn std::error::Error| Failure::new(format!("examples for the hook reference: {error}"));
        let resources = |text: &str| {
            let parts = apportion_wire::text::read(text, "*").map_err(|error| failed(&error))?;
            let allocated =
                |parts| ResourceParts { allocation_role: Some(b"prod/web".to_vec()), ..parts }.to_bytes();
            Ok::<_, Failure>(parts.into_iter().map(allocated).collect::<Vec<_>>())
        };
        let variables = encode(&Environment::of([(&b"TZ"[..], &b"UTC"[..])]));
        let environment: RawEnvironment = decode(&variables).map_err(|error| failed(&error))?;
        let mut labels = apportion_wire::messages::LabelList::default();
        labels.set(b"team", Some(b"payments"));
        let labels: RawLabels = decode(&labels.encode()).map_err(|error| failed(&error))?;
        let framework_id = FrameworkId { value: b"1e6b-0001".to_vec() };
        let command = |line: &[u8]| CommandInfo {
            environment: Some(environment.clone()),
            value: Some(line.to_vec()),
            ..CommandInfo::default()
        };
        let docker = DockerInfo { image: b"registry.example/shop:3".to_vec(), ..DockerInfo::default() };
        let container =
            ContainerInfo { r#type: ContainerInfo::DOCKER, docker: Some(docker), ..ContainerInfo::default() };
        let agent_id = AgentId { value: b"1e6b-S7".to_vec() };
        let rack = TextValue { value: b"r17".to_vec() };
        Ok(Examples {
            framework: FrameworkInfo {
                user: b"web".to_vec(),
                name: b"marathon".to_vec(),
                id: Some(framework_id.clone()),
                hostname: Some(b"scheduler.example".to_vec()),
                principal: Some(b"ops".to_vec()),
                labels: Some(labels.clone()),
                roles: vec![b"prod/web".to_vec()],
                ..FrameworkInfo::default()
            },
            agent: AgentInfo {
                hostname: b"a7.example".to_vec(),
                id: Some(agent_id.clone()),
                resources: resources("cpus:16;mem:65536")?,
                attributes: vec![Attribute {
                    name: b"rack".to_vec(),
                    r#type: Attribute::TEXT,
                    text: Some(rack),
                    ..Attribute::default()
                }],
                ..AgentInfo::default()
            },
            executor: ExecutorInfo {
                executor_id: ExecutorId { value: b"shop-1".to_vec() },
                framework_id: Some(framework_id),
                name: Some(b"shop".to_vec()),
                source: Some(b"shop".to_vec()),
                resources: resources("cpus:0.1;mem:32")?,
                command: Some(command(b"./executor")),
                container: Some(container.clone()),
                labels: Some(labels.clone()),
                ..ExecutorInfo::default()
            },
            task: TaskInfo {
                name: b"shop".to_vec(),
                task_id: TaskId { value: b"shop-1".to_vec() },
                agent_id,
                resources: resources("cpus:2;mem:1024")?,
                command: Some(command(b"./shop")),
                container: Some(container),
                labels: Some(labels),
                ..TaskInfo::default()
            },
            resources: resources("cpus:16;mem:65536")?,
        })
    }

    /// What is asked at a point.
    fn ask(&self, point: HookPoint, remembered: Option<&HookCall>) -> Result<Question, WireError> {
        let Examples { framework, agent, executor, task, resources } = self;
        let host = Arc::new(HostFacts::default());
        let sandbox = b"/var/lib/mesos/slaves/1e6b-S7/frameworks/1e6b-0001/executors/shop-1/runs/c1";
        Ok(match point {
            HookPoint::MasterLaunchTaskLabels => question::master_labels(task, framework, agent, &host)?,
            HookPoint::MasterLaunchTaskResources => {
                question::master_resources(task, resources, &apportion_policy::Amounts::new(), &host)?
            }
            HookPoint::SlaveRunTaskLabels | HookPoint::ContainerPrepare => {
                question::agent_labels(task, executor, framework, agent, &host)?
            }
            HookPoint::SlaveExecutorEnvironment => {
                question::executor_environment(executor, remembered, &host)?
            }
            HookPoint::SlavePreLaunchDockerTaskExecutor => {
                let launch = DockerLaunch { container: b"mesos-c1", sandbox, environment: &[] };
                question::docker(Some(task), executor, launch, remembered, &host)?
            }
            HookPoint::SlaveTaskStatus => {
                let status = TaskStatus {
                    task_id: task.task_id.clone(),
                    agent_id: agent.id.clone(),
                    executor_id: Some(executor.executor_id.clone()),
                    ..TaskStatus::default()
                };
                question::status_labels(b"1e6b-0001", &status, remembered, &host)?
            }
            HookPoint::SlaveResources => question::agent_resources(agent, &host)?,
            HookPoint::SlaveAttributes => question::agent_attributes(agent, &host),
            HookPoint::SlaveRemoveExecutor => {
                question::executor_removed(framework, executor, remembered, &host)?
            }
            HookPoint::SlavePostFetch => {
                let container = ContainerId { value: b"c1".to_vec(), ..ContainerId::default() };
                question::post_fetch(&container, sandbox, remembered, &host)
            }
            HookPoint::MasterSlaveLost => question::agent_lost(agent, &host),
        })
    }
}
