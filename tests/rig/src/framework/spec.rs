//! What a framework says of itself, and what it wants run.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

/// A framework before it subscribes (`FrameworkInfo`).
#[derive(Debug, Clone)]
pub struct FrameworkSpec {
    pub(crate) name: String,
    info: Value,
    subscribe: Value,
    pub(crate) acknowledges: bool,
}

impl FrameworkSpec {
    /// A framework of that name in the role `*`, that can have several roles.
    pub fn new(name: &str) -> FrameworkSpec {
        let info = json!({
            "name": name,
            "user": "root",
            "roles": ["*"],
            "capabilities": [{"type": "MULTI_ROLE"}],
        });
        FrameworkSpec { name: name.to_owned(), info, subscribe: json!({}), acknowledges: true }
    }

    /// Roles it subscribes to, instead of `*`.
    #[must_use]
    pub fn roles(self, roles: &[&str]) -> Self {
        self.field("roles", json!(roles))
    }

    /// User its tasks belong to. Agents of the rig run all tasks as their own user.
    #[must_use]
    pub fn user(self, user: &str) -> Self {
        self.field("user", json!(user))
    }

    /// Principal it claims.
    #[must_use]
    pub fn principal(self, principal: &str) -> Self {
        self.field("principal", json!(principal))
    }

    /// Adds capabilities by their names, as `REVOCABLE_RESOURCES`.
    #[must_use]
    pub fn capabilities(mut self, names: &[&str]) -> Self {
        if let Some(list) = self.info["capabilities"].as_array_mut() {
            list.extend(names.iter().map(|name| json!({"type": name})));
        }
        self
    }

    /// Agents write its tasks down, so that they survive an agent's restart.
    #[must_use]
    pub fn checkpoint(self, checkpoint: bool) -> Self {
        self.field("checkpoint", json!(checkpoint))
    }

    /// How long the master keeps its tasks after its connection is lost; at once they end without this call.
    #[must_use]
    pub fn failover_timeout(self, timeout: Duration) -> Self {
        self.field("failover_timeout", json!(timeout.as_secs_f64()))
    }

    /// Labels.
    #[must_use]
    pub fn labels(self, labels: &[(&str, &str)]) -> Self {
        self.field("labels", labels_json(labels))
    }

    /// Any other field of `FrameworkInfo`.
    #[must_use]
    pub fn field(mut self, name: &str, value: Value) -> Self {
        self.info[name] = value;
        self
    }

    /// A field of the subscription beside `FrameworkInfo`, as `suppressed_roles` or `offer_constraints`.
    #[must_use]
    pub fn subscribe_field(mut self, name: &str, value: Value) -> Self {
        self.subscribe[name] = value;
        self
    }

    /// Status updates are not acknowledged as they come, but with [`Framework::acknowledge`](super::Framework::acknowledge):
    /// for a program that has to write them down before.
    #[must_use]
    pub fn without_acknowledgement(mut self) -> Self {
        self.acknowledges = false;
        self
    }

    /// The subscription's fields as JSON, with the id of an earlier one.
    pub(crate) fn subscribe(&self, id: Option<&str>) -> Value {
        let mut subscribe = self.subscribe.clone();
        subscribe["framework_info"] = self.info(id);
        subscribe
    }

    /// `FrameworkInfo` as JSON, with the id of an earlier subscription.
    pub(crate) fn info(&self, id: Option<&str>) -> Value {
        let mut info = self.info.clone();
        if let Some(id) = id {
            info["id"] = json!({"value": id});
        }
        info
    }
}

/// Resources an executor of a task takes besides those of the task.
const EXECUTOR_CPUS: f64 = 0.1;
const EXECUTOR_MEM_MB: f64 = 32.0;
/// What the executor of a task group takes besides: Mesos wants some.
const GROUP_EXECUTOR_DISK_MB: f64 = 1.0;

/// A task to be launched (`TaskInfo`).
#[derive(Debug, Clone)]
pub struct TaskSpec {
    pub(crate) id: String,
    command: String,
    resources: Vec<Value>,
    revocable: Vec<String>,
    limits: Vec<(String, f64)>,
    labels: Vec<(String, String)>,
    environment: Vec<(String, String)>,
    executor: Option<(String, String)>,
    fields: Vec<(String, Value)>,
}

impl TaskSpec {
    /// A task that runs a shell command with 0.1 cpus and 32 MB. It is a command task: the agent starts its command
    /// executor for it.
    pub fn new(id: &str, command: &str) -> TaskSpec {
        TaskSpec {
            id: id.to_owned(),
            command: command.to_owned(),
            resources: Vec::new(),
            revocable: Vec::new(),
            limits: Vec::new(),
            labels: Vec::new(),
            environment: Vec::new(),
            executor: None,
            fields: Vec::new(),
        }
        .cpus(EXECUTOR_CPUS)
        .mem_mb(EXECUTOR_MEM_MB)
    }

    /// Cpus.
    #[must_use]
    pub fn cpus(self, amount: f64) -> Self {
        self.scalar("cpus", amount)
    }

    /// Memory in MB.
    #[must_use]
    pub fn mem_mb(self, amount: f64) -> Self {
        self.scalar("mem", amount)
    }

    /// Disk in MB.
    #[must_use]
    pub fn disk_mb(self, amount: f64) -> Self {
        self.scalar("disk", amount)
    }

    fn scalar(mut self, name: &str, amount: f64) -> Self {
        self.resources.retain(|resource| resource["name"] != name);
        self.resources.push(scalar(name, amount));
        self
    }

    /// How many CPUs the task may take at most, above its request; infinite for no limit.
    #[must_use]
    pub fn cpus_limit(self, amount: f64) -> Self {
        self.limit("cpus", amount)
    }

    /// How much memory in MB the task may take at most, above its request; infinite for no limit.
    #[must_use]
    pub fn mem_limit_mb(self, amount: f64) -> Self {
        self.limit("mem", amount)
    }

    fn limit(mut self, name: &str, amount: f64) -> Self {
        self.limits.retain(|(limited, _)| limited != name);
        self.limits.push((name.to_owned(), amount));
        self
    }

    /// These resources (JSON `Resource` messages) instead of all others: for reserved or revocable ones.
    #[must_use]
    pub fn resources(mut self, resources: Vec<Value>) -> Self {
        self.resources = resources;
        self
    }

    /// Takes these resources, by name, from the revocable part of the offer, for the task and for its custom executor:
    /// Mesos wants one resource of both to be of one sort.
    #[must_use]
    pub fn revocable(mut self, names: &[&str]) -> Self {
        self.revocable = names.iter().map(|name| (*name).to_owned()).collect();
        self
    }

    /// Adds a label.
    #[must_use]
    pub fn label(mut self, key: &str, value: &str) -> Self {
        self.labels.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Adds a variable to the command's environment.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Runs the task in a custom executor of that id, with 0.1 cpus and 32 MB of its own, instead of the agent's
    /// command executor. `program` is [`crate::Rig::executor`] or another one. The rig's ends with its last task; tasks
    /// that name the same id while it runs, in the same call or a later one, share it.
    #[must_use]
    pub fn custom_executor(mut self, id: &str, program: &Path) -> Self {
        self.executor = Some((id.to_owned(), format!("exec {}", quoted(program))));
        self
    }

    /// As [`TaskSpec::custom_executor`], for the rig's executor program; it stays when its tasks have ended, and runs
    /// later tasks that name the same id on the same agent.
    #[must_use]
    pub fn staying_executor(mut self, id: &str, program: &Path) -> Self {
        self.executor = Some((id.to_owned(), format!("exec {} --stay", quoted(program))));
        self
    }

    /// Any other field of `TaskInfo`.
    #[must_use]
    pub fn field(mut self, name: &str, value: Value) -> Self {
        self.fields.push((name.to_owned(), value));
        self
    }

    /// `TaskInfo` as JSON, for an offer made to `role` on `agent_id`.
    pub(crate) fn info(&self, framework_id: &str, agent_id: &str, role: Option<&str>) -> Value {
        let labels: Vec<(&str, &str)> = self.labels.iter().map(|(key, value)| (&**key, &**value)).collect();
        let variables: Vec<Value> =
            self.environment.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
        let mut info = json!({
            "name": self.id,
            "task_id": {"value": self.id},
            "agent_id": {"value": agent_id},
            "resources": self.taken(&self.resources, role),
            "labels": labels_json(&labels),
        });
        let command = json!({"shell": true, "value": self.command, "environment": {"variables": variables}});
        match self.executor_info(framework_id, role) {
            None => info["command"] = command,
            // A task with an executor may not have a command of its own; ours finds it in the task's data.
            Some(executor) => {
                info["data"] = json!(crate::executor::encode_command(&command));
                info["executor"] = executor;
            }
        }
        if !self.limits.is_empty() {
            info["limits"] = limits_json(&self.limits);
        }
        for (name, value) in &self.fields {
            info[name] = value.clone();
        }
        info
    }

    /// `ExecutorInfo` of its custom executor as JSON, if it has one.
    fn executor_info(&self, framework_id: &str, role: Option<&str>) -> Option<Value> {
        let (id, program) = self.executor.as_ref()?;
        let own = [scalar("cpus", EXECUTOR_CPUS), scalar("mem", EXECUTOR_MEM_MB)];
        Some(json!({
            "type": "CUSTOM",
            "executor_id": {"value": id},
            "framework_id": {"value": framework_id},
            "command": {"shell": true, "value": program},
            "resources": self.taken(&own, role),
        }))
    }

    /// Resources as they are taken out of an offer to `role`.
    fn taken(&self, resources: &[Value], role: Option<&str>) -> Vec<Value> {
        let mut resources = allocated(resources, role);
        for resource in &mut resources {
            if self.revocable.iter().any(|name| resource["name"] == **name) {
                resource["revocable"] = json!({});
            }
        }
        resources
    }

    /// `ExecutorInfo` and `TaskGroupInfo` as JSON: the executor is that of the first task, and a task of a group names
    /// none of its own.
    pub(crate) fn group(
        tasks: &[TaskSpec],
        framework_id: &str,
        agent_id: &str,
        role: Option<&str>,
    ) -> Option<(Value, Value)> {
        let first = tasks.first()?;
        let mut executor = first.executor_info(framework_id, role)?;
        if let Some(own) = executor["resources"].as_array_mut() {
            own.extend(first.taken(&[scalar("disk", GROUP_EXECUTOR_DISK_MB)], role));
        }
        let mut infos: Vec<Value> =
            tasks.iter().map(|task| task.info(framework_id, agent_id, role)).collect();
        for info in infos.iter_mut().filter_map(Value::as_object_mut) {
            info.remove("executor");
        }
        Some((executor, json!({"tasks": infos})))
    }
}

/// A scalar resource as JSON.
pub fn scalar(name: &str, amount: f64) -> Value {
    json!({"name": name, "type": "SCALAR", "scalar": {"value": amount}})
}

/// Limits of resources by their names, as JSON. Its numbers know no infinity: protobuf spells it as a text.
pub(crate) fn limits_json(limits: &[(String, f64)]) -> Value {
    let value = |amount: f64| if amount.is_infinite() { json!("Infinity") } else { json!(amount) };
    limits.iter().map(|(name, amount)| (name.clone(), json!({"value": value(*amount)}))).collect()
}

/// Resources of a task have to say again to which role they were offered.
fn allocated(resources: &[Value], role: Option<&str>) -> Vec<Value> {
    let mut resources = resources.to_vec();
    for resource in &mut resources {
        if let (true, Some(role)) = (resource["allocation_info"].is_null(), role) {
            resource["allocation_info"] = json!({"role": role});
        }
    }
    resources
}

/// A path as one word of a shell command.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

fn labels_json(labels: &[(&str, &str)]) -> Value {
    let labels: Vec<Value> = labels.iter().map(|(key, value)| json!({"key": key, "value": value})).collect();
    json!({"labels": labels})
}
