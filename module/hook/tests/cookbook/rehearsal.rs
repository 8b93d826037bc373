//! A recipe's task and agent on their way past every point, each answer handed on to the next as the host does.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use apportion_hook::question::{self, DockerLaunch, Question};
use apportion_policy::{Amounts, Entries, FileContents, HookCall, HostFacts, Rulebook, Subject, text};
use apportion_wire::messages::{
    AgentInfo, CommandInfo, ContainerId, ContainerInfo, ExecutorId, ExecutorInfo, FrameworkInfo, LabelList,
    TaskInfo, TaskStatus,
};
use serde_json::{Map, Value};

use super::{amounts, document, messages, note};

/// What a recipe's rules meet.
#[derive(Debug)]
pub(crate) struct Rehearsal {
    pub(crate) host: Arc<HostFacts>,
    agent: AgentInfo,
    framework: FrameworkInfo,
    task: Option<TaskInfo>,
}

/// What a question lets rules change.
pub(crate) fn entries(question: &Question) -> Entries {
    match &question.subject {
        Subject::Entries(entries) => entries.clone(),
        Subject::Amounts { .. } | Subject::Event => Entries::default(),
    }
}

impl Rehearsal {
    pub(crate) fn of(recipe: &Path) -> Rehearsal {
        let agent = messages::agent(&document(recipe, "agent.json").expect("agent.json"));
        let framework = document(recipe, "framework.json").map(|value| messages::framework(&value));
        let framework = framework.unwrap_or_default();
        let role = role(&framework);
        let task = document(recipe, "task.json").map(|value| messages::task(&value, &role));
        let host = document(recipe, "host.json").unwrap_or_default();
        let texts = |part: &str| -> BTreeMap<String, String> {
            let part = host.get(part).and_then(Value::as_object).into_iter().flatten();
            part.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect()
        };
        let files = texts("files").into_iter().map(|(path, text)| (path, FileContents::text(&text)));
        let host = HostFacts {
            facts: texts("facts"),
            environment: texts("environment"),
            files: files.collect(),
            published: super::rules(recipe).published_files().into_iter().map(str::to_owned).collect(),
        };
        Rehearsal { host: Arc::new(host), agent, framework, task }
    }

    /// The same for a task with another amount of memory, in MiB.
    pub(crate) fn with_memory(mut self, mebibytes: u32) -> Rehearsal {
        let role = role(&self.framework);
        let scalar =
            serde_json::json!([{ "name": "mem", "type": "SCALAR", "scalar": { "value": mebibytes } }]);
        let task = self.task.as_mut().unwrap();
        task.resources = messages::resources(&scalar, Some(&role));
        self
    }

    /// The same for a framework, and a task, of another role.
    pub(crate) fn with_role(mut self, role: &str) -> Rehearsal {
        self.framework.roles = vec![role.as_bytes().to_vec()];
        let memory = serde_json::json!([{ "name": "mem", "type": "SCALAR", "scalar": { "value": 512 } }]);
        self.task.as_mut().unwrap().resources = messages::resources(&memory, Some(role.as_bytes()));
        self
    }

    /// What rules make at every point, in the order in which a task meets them; points where nothing changes are left out.
    pub(crate) fn run(mut self, rules: &Rulebook) -> Value {
        let mut found = Map::new();
        let host = Arc::clone(&self.host);
        note(&question::agent_resources(&self.agent, &host).unwrap(), rules, &mut found);
        let attributes = question::agent_attributes(&self.agent, &host);
        note(&attributes, rules, &mut found);
        let decorated = rules.decorate(attributes.point, &attributes.call, entries(&attributes));
        for change in &decorated.changes {
            let value = change.after.as_ref().and_then(|entry| entry.value.as_deref()).unwrap();
            let name = change.name.as_bytes().to_vec();
            self.agent.attributes.push(messages::attribute(name, value.as_bytes().to_vec()));
        }
        if self.task.is_some() {
            self.launch(rules, &mut found);
            self.executor_starts(rules, &mut found);
        }
        note(&question::agent_lost(&self.agent, &host), rules, &mut found);
        Value::Object(found)
    }

    /// The task passes the master and comes to the agent.
    fn launch(&mut self, rules: &Rulebook, found: &mut Map<String, Value>) {
        let (framework, agent, host) = (&self.framework, &self.agent, &self.host);
        let task = self.task.as_mut().unwrap();
        let question = question::master_resources(task, &agent.resources, &room(task, agent), host).unwrap();
        note(&question, rules, found);
        let role = role(framework);
        for (name, amount) in amounts(&question, rules).as_object().unwrap() {
            task.resources.retain(|bytes| {
                apportion_wire::resource::split(bytes).unwrap().facts.name != name.as_bytes()
            });
            let scalar = serde_json::json!([{ "name": name, "type": "SCALAR",
                "scalar": { "value": amount.as_str().unwrap().parse::<f64>().unwrap() } }]);
            task.resources.extend(messages::resources(&scalar, Some(&role)));
        }
        let question = question::master_labels(task, framework, agent, host).unwrap();
        note(&question, rules, found);
        relabel(task, &rules.decorate(question.point, &question.call, entries(&question)).entries);
        let executor = self.executor();
        let task = self.task.as_mut().unwrap();
        let question =
            question::agent_labels(task, &executor, &self.framework, &self.agent, &self.host).unwrap();
        note(&question, rules, found);
        relabel(task, &rules.decorate(question.point, &question.call, entries(&question)).entries);
    }

    /// The executor starts, its task has news, it ends.
    fn executor_starts(&self, rules: &Rulebook, found: &mut Map<String, Value>) {
        let (host, task) = (&self.host, self.task.as_ref().unwrap());
        let (executor, launch) = (self.executor(), self.launched());
        note(&question::executor_environment(&executor, Some(&launch), host).unwrap(), rules, found);
        let sandbox = b"/var/lib/mesos/slaves/S/frameworks/F/executors/E/runs/C";
        if task.container.as_ref().is_some_and(|container| container.r#type == ContainerInfo::DOCKER) {
            let docker = DockerLaunch { container: b"mesos-C", sandbox, environment: &[] };
            let question = question::docker(Some(task), &executor, docker, Some(&launch), host);
            note(&question.unwrap(), rules, found);
        }
        let container = ContainerId { value: b"C".to_vec(), parent: None };
        note(&question::post_fetch(&container, sandbox, Some(&launch), host), rules, found);
        let status = TaskStatus {
            task_id: task.task_id.clone(),
            state: TaskStatus::TASK_RUNNING,
            agent_id: self.agent.id.clone(),
            ..TaskStatus::default()
        };
        let id = self.framework.id.as_ref().map(|id| id.value.as_slice()).unwrap_or_default();
        note(&question::status_labels(id, &status, Some(&launch), host).unwrap(), rules, found);
        let removed = question::executor_removed(&self.framework, &executor, Some(&launch), host);
        note(&removed.unwrap(), rules, found);
    }

    /// The executor that Mesos makes for a command task: its id and environment are the task's.
    pub(crate) fn executor(&self) -> ExecutorInfo {
        let task = self.task.as_ref().unwrap();
        let environment = task.command.as_ref().and_then(|command| command.environment.clone());
        ExecutorInfo {
            executor_id: ExecutorId { value: task.task_id.value.clone() },
            framework_id: self.framework.id.clone(),
            source: Some(task.task_id.value.clone()),
            resources: task.resources.clone(),
            command: Some(CommandInfo { environment, ..CommandInfo::default() }),
            container: task.container.clone(),
            ..ExecutorInfo::default()
        }
    }

    /// What the agent's hook remembers of the task's arrival.
    pub(crate) fn launched(&self) -> HookCall {
        let task = self.task.as_ref().unwrap();
        let arrived =
            question::agent_labels(task, &self.executor(), &self.framework, &self.agent, &self.host);
        arrived.unwrap().call
    }
}

/// The role of a launch: the framework's only one.
fn role(framework: &FrameworkInfo) -> Vec<u8> {
    framework.all_roles().first().map(|role| role.to_vec()).unwrap_or_default()
}

/// What the agent has beside the task.
fn room(task: &TaskInfo, agent: &AgentInfo) -> Amounts {
    let task = apportion_hook::facts::task(task).resources.unwrap_or_default();
    let amount = |text: &str| apportion_policy::Amount::parse(text).unwrap();
    let all = apportion_hook::facts::resources(&agent.resources);
    let rest = all.into_iter().map(|(name, all)| {
        let used = task.get(&name).map(|used| amount(used)).unwrap_or_default();
        (name, amount(&all).less(used))
    });
    rest.collect()
}

fn relabel(task: &mut TaskInfo, labels: &Entries) {
    let mut list = LabelList::default();
    for label in labels.iter() {
        list.push(label.name.as_bytes(), label.value.as_deref().map(str::as_bytes));
    }
    task.labels = Some(messages::raw_labels(&list));
    // Text of the recipes is UTF-8.
    debug_assert!(labels.iter().all(|label| text(label.name.as_bytes()) == *label.name));
}
