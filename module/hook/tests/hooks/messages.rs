//! Messages as the host makes them, and hooks with rules.

use std::sync::Arc;

use apportion_config::Config;
use apportion_hook::{Hooks, Remembered};
use apportion_policy::{Amounts, text};
use apportion_wire::messages::{
    AgentId, AgentInfo, Attribute, CommandInfo, ContainerInfo, DockerInfo, Environment, ExecutorId,
    ExecutorInfo, FrameworkId, FrameworkInfo, LabelList, RawEnvironment, RawLabels, TaskId, TaskInfo,
    TaskStatus, TextValue, Variable, decode, encode,
};
use apportion_wire::resource::{ResourceParts, split};
use apportion_wire::text::read;

/// Hooks with the rules of a configuration.
pub(crate) fn hooks(configuration: &str) -> Hooks {
    let config = Config::from_text(configuration).unwrap_or_else(|problems| panic!("{problems}"));
    Hooks::start(&config.hook, None, Arc::new(Remembered::default())).unwrap()
}

/// Resources in Mesos' short form, allocated to a role.
pub(crate) fn resources(short: &str, role: Option<&str>) -> Vec<Vec<u8>> {
    let allocated = |parts: ResourceParts| ResourceParts {
        allocation_role: role.map(|role| role.as_bytes().to_vec()),
        ..parts
    };
    read(short, "*").unwrap().into_iter().map(|parts| allocated(parts).to_bytes()).collect()
}

/// The same as parts.
pub(crate) fn parts(short: &str, role: &str) -> Vec<ResourceParts> {
    resources(short, Some(role)).iter().map(|bytes| split(bytes).unwrap().into_parts()).collect()
}

/// Sums of the scalars, as text.
pub(crate) fn amounts(resources: &[Vec<u8>]) -> String {
    let mut sums = Amounts::new();
    for bytes in resources {
        let resource = split(bytes).unwrap();
        if let apportion_wire::Value::Scalar(scalar) = resource.value {
            let sum = sums.entry(text(resource.facts.name)).or_default();
            *sum = apportion_policy::Amount::from_thousandths(sum.thousandths() + scalar.thousandths());
        }
    }
    sums.iter().map(|(name, amount)| format!("{name}:{amount}")).collect::<Vec<_>>().join(";")
}

pub(crate) fn raw_labels(pairs: &[(&str, &str)]) -> RawLabels {
    let mut list = LabelList::default();
    for (key, value) in pairs {
        list.push(key.as_bytes(), Some(value.as_bytes()));
    }
    decode(&list.encode()).unwrap()
}

pub(crate) fn pairs(list: &LabelList) -> Vec<(String, String)> {
    list.iter().map(|label| (text(label.key), text(label.value.unwrap_or(b"-")))).collect()
}

pub(crate) fn raw_environment(pairs: &[(&str, &str)]) -> RawEnvironment {
    let variable = |(name, value): &(&str, &str)| encode(&Variable::plain(name.as_bytes(), value.as_bytes()));
    RawEnvironment { variables: pairs.iter().map(variable).collect() }
}

pub(crate) fn variables(environment: &RawEnvironment) -> Vec<(String, String)> {
    shown(&environment.read().unwrap())
}

pub(crate) fn plain_variables(environment: Option<&Environment>) -> Vec<(String, String)> {
    environment.map(|environment| shown(&environment.variables)).unwrap_or_default()
}

fn shown(variables: &[Variable]) -> Vec<(String, String)> {
    let pair = |one: &Variable| (text(&one.name), text(one.value.as_deref().unwrap_or(b"-")));
    variables.iter().map(pair).collect()
}

pub(crate) fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

pub(crate) fn command(environment: &[(&str, &str)]) -> CommandInfo {
    CommandInfo {
        value: Some(b"run".to_vec()),
        environment: Some(raw_environment(environment)),
        ..CommandInfo::default()
    }
}

/// A command task `t` called "web" in the role `prod/web`.
pub(crate) fn task() -> TaskInfo {
    TaskInfo {
        name: b"web".to_vec(),
        task_id: TaskId { value: b"t".to_vec() },
        agent_id: AgentId { value: b"a".to_vec() },
        resources: resources("cpus:2;mem:512", Some("prod/web")),
        command: Some(command(&[("OWN", "task")])),
        labels: Some(raw_labels(&[("tier", "front")])),
        ..TaskInfo::default()
    }
}

/// The executor that the agent makes for [`task`].
pub(crate) fn executor() -> ExecutorInfo {
    ExecutorInfo {
        executor_id: ExecutorId { value: b"t".to_vec() },
        framework_id: Some(FrameworkId { value: b"f".to_vec() }),
        resources: resources("cpus:2.1;mem:544", Some("prod/web")),
        command: Some(command(&[("OWN", "task")])),
        ..ExecutorInfo::default()
    }
}

pub(crate) fn framework() -> FrameworkInfo {
    FrameworkInfo {
        name: b"marathon".to_vec(),
        user: b"web".to_vec(),
        id: Some(FrameworkId { value: b"f".to_vec() }),
        roles: vec![b"prod/web".to_vec(), b"dev".to_vec()],
        principal: Some(b"ops".to_vec()),
        ..FrameworkInfo::default()
    }
}

pub(crate) fn agent() -> AgentInfo {
    let rack = Attribute {
        name: b"rack".to_vec(),
        r#type: Attribute::TEXT,
        text: Some(TextValue { value: b"r1".to_vec() }),
        ..Attribute::default()
    };
    AgentInfo {
        hostname: b"host-a".to_vec(),
        id: Some(AgentId { value: b"a".to_vec() }),
        resources: resources("cpus:8;mem:16384;disk:1000;ports:[31000-32000]", None),
        attributes: vec![rack],
        ..AgentInfo::default()
    }
}

pub(crate) fn in_docker(image: &str) -> ContainerInfo {
    ContainerInfo {
        r#type: ContainerInfo::DOCKER,
        docker: Some(DockerInfo { image: image.as_bytes().to_vec(), ..DockerInfo::default() }),
        ..ContainerInfo::default()
    }
}

pub(crate) fn status(state: i32) -> TaskStatus {
    TaskStatus {
        task_id: TaskId { value: b"t".to_vec() },
        executor_id: Some(ExecutorId { value: b"t".to_vec() }),
        agent_id: Some(AgentId { value: b"a".to_vec() }),
        state,
        ..TaskStatus::default()
    }
}

/// A task arrives at the agent.
pub(crate) fn arrive(hooks: &Hooks) {
    hooks.agent_labels(&task(), &executor(), &framework(), &agent()).unwrap();
}
