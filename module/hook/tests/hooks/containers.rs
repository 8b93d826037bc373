//! What is known of a container that the isolator is asked about.

use std::sync::Arc;

use apportion_hook::question;
use apportion_policy::{ContainerFacts, ContainerType, Entries, HookCall, HostFacts};
use apportion_wire::messages::{ContainerConfig, ContainerInfo, RawEnvironment, TaskInfo};

use crate::messages::{agent, command, executor, framework, in_docker, task};

/// What the hook saw when the task arrived.
fn seen() -> HookCall {
    let task = TaskInfo { container: Some(in_docker("shop:3")), ..task() };
    let host = Arc::new(HostFacts::default());
    question::agent_labels(&task, &executor(), &framework(), &agent(), &host).unwrap().call
}

fn asked(config: &ContainerConfig, remembered: Option<&HookCall>) -> HookCall {
    let container = ContainerFacts { user: Some("web".to_owned()), ..ContainerFacts::default() };
    question::container(config, container, remembered, &Arc::new(HostFacts::default())).unwrap()
}

fn value<'e>(environment: &'e Option<Entries>, name: &str) -> Option<&'e str> {
    environment.as_ref()?.get(name)?.value.as_deref()
}

#[test]
fn of_a_command_task_the_message_tells_task_and_image_and_the_rest_is_remembered() {
    let config = ContainerConfig {
        executor_info: Some(executor()),
        task_info: Some(TaskInfo { command: Some(command(&[("OWN", "new")])), ..task() }),
        container_info: Some(in_docker("shop:4")),
        ..ContainerConfig::default()
    };
    let call = asked(&config, Some(&seen()));
    let facts = &call.facts;
    assert_eq!(facts.task.as_ref().and_then(|task| task.name.as_deref()), Some("web"));
    assert_eq!(facts.framework.as_ref().and_then(|framework| framework.name.as_deref()), Some("marathon"));
    assert_eq!(facts.framework.as_ref().and_then(|framework| framework.role.as_deref()), Some("prod/web"));
    assert_eq!(facts.container.as_ref().and_then(|container| container.user.as_deref()), Some("web"));
    assert_eq!((call.container_type, call.image.as_deref()), (Some(ContainerType::Docker), Some("shop:4")));
    assert_eq!(value(&call.task_environment, "OWN"), Some("new"));
    let alone = asked(&config, None);
    assert_eq!(alone.facts.framework.and_then(|framework| framework.name), None);
    assert_eq!(alone.facts.task.and_then(|task| task.name).as_deref(), Some("web"));
}

/// A task group's executor has no image, whatever its tasks have.
#[test]
fn an_executor_has_the_task_that_is_remembered_and_its_own_image_or_none() {
    let config = ContainerConfig { executor_info: Some(executor()), ..ContainerConfig::default() };
    let call = asked(&config, Some(&seen()));
    assert_eq!(call.facts.task.as_ref().and_then(|task| task.name.as_deref()), Some("web"));
    assert_eq!((call.container_type, call.image.as_deref()), (Some(ContainerType::None), None));
    assert_eq!(value(&call.executor_environment, "OWN"), Some("task"));
    assert_eq!(asked(&config, None).facts.task, None);
}

#[test]
fn a_nested_container_takes_what_it_has_not_from_the_one_around_it() {
    let outer = asked(
        &ContainerConfig { executor_info: Some(executor()), ..ContainerConfig::default() },
        Some(&seen()),
    );
    let mesos = ContainerInfo { r#type: ContainerInfo::MESOS, ..ContainerInfo::default() };
    let config = ContainerConfig { container_info: Some(mesos), ..ContainerConfig::default() };
    let alone = asked(&config, None);
    assert_eq!((&alone.facts.framework, &alone.facts.executor, &alone.facts.task), (&None, &None, &None));
    let call = alone.within(&outer);
    assert_eq!(call.facts.executor, outer.facts.executor);
    assert_eq!(call.facts.framework, outer.facts.framework);
    assert_eq!((call.container_type, call.image), (Some(ContainerType::Mesos), None));
    assert_eq!(value(&call.executor_environment, "OWN"), Some("task"));
}

#[test]
fn what_cannot_be_read_is_an_error() {
    let broken = RawEnvironment { variables: vec![b"\xff".to_vec()] };
    let command = apportion_wire::messages::CommandInfo {
        environment: Some(broken),
        ..apportion_wire::messages::CommandInfo::default()
    };
    let task = TaskInfo { command: Some(command), ..task() };
    let config = ContainerConfig { task_info: Some(task), ..ContainerConfig::default() };
    let host = Arc::new(HostFacts::default());
    assert!(question::container(&config, ContainerFacts::default(), None, &host).is_err());
}
