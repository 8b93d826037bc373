//! A task on its way to an agent, with fields in it that the library does not know.

use crate::hook_manager::{Call, DockerLaunch};
use crate::message::{Message, UNKNOWN_FIELD, attribute, id, label, list, scalar, variable};

/// The framework's id.
pub const FRAMEWORK_ID: &str = "framework-1";

/// A label with a field that no library knows, and a value that is not UTF-8.
#[must_use]
pub fn odd_label() -> Message {
    Message::new().text(1, "odd").part(2, &Message(vec![0xff])).number(UNKNOWN_FIELD, 7)
}

/// The labels that the task brings along.
#[must_use]
pub fn labels() -> Vec<Message> {
    vec![label("team", "a"), odd_label()]
}

/// A variable whose value is a secret, which the agent resolves, and one with a field that no library knows.
#[must_use]
pub fn odd_variables() -> Vec<Message> {
    let secret = Message::new().number(1, 2).part(3, &id("s3cr3t"));
    vec![
        Message::new().text(1, "TOKEN").number(3, 2).part(4, &secret),
        variable("ODD", "1").number(UNKNOWN_FIELD, 7),
    ]
}

/// A command with an environment.
#[must_use]
pub fn command(variables: &[Message]) -> Message {
    Message::new().part(2, &list(variables)).text(3, "run")
}

/// What the task asks for.
#[must_use]
pub fn task_resources() -> Vec<Message> {
    vec![scalar("cpus", 4.0, "prod/web"), scalar("mem", 64.0, "prod/web").number(UNKNOWN_FIELD, 7)]
}

/// A command task.
#[must_use]
pub fn task() -> Message {
    task_with(&labels())
}

/// A command task; without labels, if there are none.
#[must_use]
pub fn task_with(labels: &[Message]) -> Message {
    let task = Message::new()
        .text(1, "train")
        .part(2, &id("task-1"))
        .part(3, &id("agent-1"))
        .parts(4, &task_resources())
        .part(7, &command(&[variable("OWN", "task")]));
    if labels.is_empty() { task } else { task.part(10, &list(labels)) }
}

/// A command task in a Docker container.
#[must_use]
pub fn docker_task(variables: &[Message]) -> Message {
    let container = Message::new().number(1, 1).part(3, &Message::new().text(1, "registry/web:1"));
    Message::new()
        .text(1, "train")
        .part(2, &id("task-1"))
        .part(3, &id("agent-1"))
        .parts(4, &task_resources())
        .part(7, &command(variables))
        .part(9, &container)
}

/// The variables that the executor's command sets.
#[must_use]
pub fn executor_variables() -> Vec<Message> {
    [vec![variable("OWN", "executor")], odd_variables()].concat()
}

/// The task's executor.
#[must_use]
pub fn executor() -> Message {
    executor_with(&executor_variables())
}

/// An executor with an environment.
#[must_use]
pub fn executor_with(variables: &[Message]) -> Message {
    Message::new()
        .part(1, &id("task-1"))
        .parts(5, &task_resources())
        .part(7, &command(variables))
        .part(8, &id(FRAMEWORK_ID))
}

/// The task's framework.
#[must_use]
pub fn framework() -> Message {
    Message::new()
        .text(1, "alice")
        .text(2, "spark")
        .part(3, &id(FRAMEWORK_ID))
        .text(8, "ops")
        .text(12, "prod/web")
}

/// What the agent has: scalars and ranges.
#[must_use]
pub fn agent_resources() -> Vec<Message> {
    let ports = Message::new().part(1, &Message::new().number(1, 31000).number(2, 32000));
    vec![
        scalar("cpus", 8.0, ""),
        scalar("mem", 1024.0, "").number(UNKNOWN_FIELD, 7),
        Message::new().text(1, "ports").number(2, 1).part(4, &ports),
    ]
}

/// Attributes of all types: text, scalar, ranges, set.
#[must_use]
pub fn agent_attributes() -> Vec<Message> {
    let range = Message::new().number(1, 1).number(2, 3);
    vec![
        attribute("rack", "r1"),
        Message::new().text(1, "level").number(2, 0).part(3, &Message::new().real(1, 2.5)),
        Message::new().text(1, "ports").number(2, 1).part(4, &list(&[range])),
        Message::new().text(1, "kinds").number(2, 2).part(6, &Message::new().text(1, "x").text(1, "y")),
    ]
}

/// The agent.
#[must_use]
pub fn agent() -> Message {
    Message::new()
        .text(1, "host-7.example")
        .parts(3, &agent_resources())
        .parts(5, &agent_attributes())
        .part(6, &id("agent-1"))
}

/// A status update of a running task, with labels.
#[must_use]
pub fn status() -> Message {
    status_with(&labels())
}

/// A status update of a running task; without labels, if there are none.
#[must_use]
pub fn status_with(labels: &[Message]) -> Message {
    let status = Message::new().part(1, &id("task-1")).number(2, 1).text(4, "well").part(5, &id("agent-1"));
    if labels.is_empty() { status } else { status.part(12, &list(labels)) }
}

/// A sandbox of the task's executor.
pub const SANDBOX: &str =
    "/var/lib/mesos/slaves/agent-1/frameworks/framework-1/executors/task-1/runs/container-1";

/// The arrival of the task at the agent, which comes before all else there.
#[must_use]
pub fn arrival() -> Call {
    Call::agent_labels(&task(), &executor(), &framework(), &agent())
}

/// Every decorator but Docker's, with what the hook manager answers when nobody changes anything.
#[must_use]
pub fn decorators() -> Vec<(Call, Message)> {
    vec![
        (Call::master_resources(&task(), &agent()), list(&task_resources())),
        (Call::master_labels(&task(), &framework(), &agent()), list(&labels())),
        (arrival(), list(&labels())),
        (Call::executor_environment(&executor()), list(&executor_variables())),
        (Call::status(FRAMEWORK_ID, &status()), status()),
        (Call::agent_resources(&agent()), list(&agent_resources())),
        (Call::agent_attributes(&agent()), list(&agent_attributes())),
    ]
}

/// Every method, with what the hook manager answers when nobody changes anything: nothing at events.
#[must_use]
pub fn every_method() -> Vec<(Call, Message)> {
    let launch = DockerLaunch { container: "mesos-1", sandbox: SANDBOX, ..DockerLaunch::default() };
    let mut calls = decorators();
    calls.extend([
        (Call::docker(Some(&docker_task(&[variable("OWN", "task")])), &executor(), launch), Message::new()),
        (Call::docker(None, &executor(), launch), Message::new()),
        (Call::post_fetch("container-1", SANDBOX), Message::new()),
        (Call::executor_removed(&framework(), &executor()), Message::new()),
        (Call::agent_lost(&agent()), Message::new()),
    ]);
    calls
}

/// Rules that change something in every method but the events.
pub const RULES: &str = r#"
[[hook.rules]]
name = "everything"
labels.set.team = "b"
status_labels.set.team = "b"
task_resources.maximum.cpus = 1
agent.reserve.cpus = 1
agent.attributes.zone = "z1"

[[hook.rules]]
name = "environment"
environment.set.OWN = "rule"
"#;
