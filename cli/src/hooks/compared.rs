//! The rehearsal beside the hook module itself, with the same messages: both have to say the same.

use std::sync::Arc;

use apportion_config::Config;
use apportion_hook::question::DockerLaunch;
use apportion_hook::{Gatherer, Hooks, Remembered, Room, facts};
use apportion_policy::{HookPoint, Rulebook, text};
use apportion_wire::messages::{
    AgentInfo, FrameworkInfo, RawEnvironment, RawLabels, TaskInfo, TaskStatus, decode,
};
use serde_json::{Value, json};

use super::document::Found;
use super::reader;
use super::rehearsal::{Asked, Outcome, Rehearsal};
use super::scenario::{self, Files};
use super::schema::{FRAMEWORK_INFO, Message, SLAVE_INFO, TASK_INFO};

const RULES: &str = r#"
[[hook.rules]]
name = "agent"
agent.attributes.zone = "z-{{ agent.attributes.rack }}"
agent.reserve.cpus = "10%"
[[hook.rules]]
name = "resources"
task_resources = { minimum = { cpus = 3 }, default = { disk = 64 }, maximum = { mem = 100 } }
[[hook.rules]]
name = "master"
at = ["master_labels"]
labels.set.from = "{{ framework.name }} {{ task.resources.cpus }}"
labels.remove = ["tmp"]
[[hook.rules]]
name = "agent labels"
at = ["agent_labels"]
labels.default.executor = "{{ executor.name }}"
labels.set.seen = "{{ task.labels.from }} {{ agent.attributes.zone }}"
[[hook.rules]]
name = "environment"
match.container = "docker"
environment.set = { ROLE = "{{ framework.role }}", LABEL = "{{ task.labels.from }}" }
environment.append.OPTS = "-b"
[[hook.rules]]
name = "status"
status_labels.set.name = "{{ task.name }} {{ agent.hostname }}"
"#;

fn documents() -> [Value; 3] {
    let allocated = |name: &str, amount: f64| json!({ "name": name, "type": "SCALAR", "scalar": { "value": amount }, "allocation_info": { "role": "prod" } });
    let task = json!({
        "name": "web", "task_id": { "value": "t" }, "slave_id": { "value": "S" },
        "resources": [allocated("cpus", 1.0), allocated("mem", 128.0)],
        "labels": { "labels": [{ "key": "tmp" }, { "key": "tier", "value": "front" }] },
        "container": { "type": "DOCKER", "docker": { "image": "nginx" } },
        "command": {
            "value": "./a-long-command --with arguments",
            "environment": { "variables": [{ "name": "OPTS", "value": "-a" }] },
        },
    });
    let framework = json!({ "user": "root", "name": "marathon", "id": { "value": "F" }, "role": "prod" });
    let agent = json!({
        "hostname": "h", "id": { "value": "S" }, "resources": "cpus:8;mem:1024",
        "attributes": [{ "name": "rack", "type": "TEXT", "text": { "value": "r1" } }],
    });
    [task, framework, agent]
}

fn message<M: apportion_wire::messages::HostMessage>(value: &Value, schema: &Message) -> M {
    let mut found = Found::default();
    let bytes = reader::message(value, schema, "", &mut found);
    found.into_result("document").unwrap();
    decode(&bytes).unwrap()
}

/// Names and values after a point of the rehearsal.
fn rehearsed(asked: &[Asked], point: HookPoint) -> Vec<(String, String)> {
    let asked = asked.iter().find(|asked| asked.point == point).unwrap();
    assert_eq!(asked.faults(), 0, "{asked:?}");
    match &asked.result {
        Outcome::Entries { entries, .. } => entries
            .iter()
            .map(|entry| (entry.name.to_string(), entry.value.as_deref().unwrap_or_default().to_owned()))
            .collect(),
        Outcome::Amounts { after, .. } => {
            after.iter().map(|(name, amount)| (name.clone(), amount.to_string())).collect()
        }
        Outcome::Event => Vec::new(),
    }
}

fn labels(raw: Option<&RawLabels>) -> Vec<(String, String)> {
    let list = raw.unwrap().read().unwrap();
    list.iter().map(|label| (text(label.key), text(label.value.unwrap_or_default()))).collect()
}

fn variables(raw: &RawEnvironment) -> Vec<(String, String)> {
    let all = raw.read().unwrap();
    all.iter().map(|one| (text(&one.name), text(one.value.as_deref().unwrap_or_default()))).collect()
}

#[test]
fn rehearsal_says_what_the_module_does() {
    let folder = tempfile::tempdir().unwrap();
    let [task, framework, agent] = documents();
    let write = |name: &str, value: &Value| {
        let path = folder.path().join(name);
        std::fs::write(&path, value.to_string()).unwrap();
        path
    };
    let paths = [write("task", &task), write("framework", &framework), write("agent", &agent)];
    let files =
        Files { task: Some(&paths[0]), framework: Some(&paths[1]), agent: Some(&paths[2]), executor: None };
    let scenario = scenario::read(&files).unwrap();
    let config = Config::from_text(RULES).unwrap().hook;
    let written = config.rules_in_order();
    let rules = Rulebook::new(written.clone()).unwrap();
    let host = Arc::new(Gatherer::new().gather(&[], &rules));
    let mut offer = apportion_wire::text::read("cpus:2;mem:512;disk:1000", "*").unwrap();
    offer.iter_mut().for_each(|parts| parts.allocation_role = Some(b"prod".to_vec()));
    let executor_before = scenario.executor_of(scenario.task.as_ref().unwrap());
    let rehearsal = Rehearsal { rules: &rules, written: &written, host, offer: Some(offer), scenario };
    let asked = rehearsal.run().unwrap();

    let hooks = Hooks::start(&config, None, Arc::new(Remembered::default())).unwrap();
    let mut task: TaskInfo = message(&task, &TASK_INFO);
    let framework: FrameworkInfo = message(&framework, &FRAMEWORK_INFO);
    let mut agent: AgentInfo = message(&agent, &SLAVE_INFO);
    let amounts = |resources: &[Vec<u8>]| facts::resources(resources).into_iter().collect::<Vec<_>>();

    agent.resources = hooks.agent_resources(&agent).unwrap().unwrap();
    assert_eq!(rehearsed(&asked, HookPoint::SlaveResources), amounts(&agent.resources));
    agent.attributes = hooks.agent_attributes(&agent).unwrap();
    let attributes: Vec<_> = agent
        .attributes
        .iter()
        .map(|one| (text(&one.name), text(&one.text.as_ref().unwrap().value)))
        .collect();
    assert_eq!(rehearsed(&asked, HookPoint::SlaveAttributes), attributes);

    // What the offer has left beside the task.
    let mut left = apportion_wire::text::read("cpus:1;mem:384;disk:1000", "*").unwrap();
    left.iter_mut().for_each(|parts| parts.allocation_role = Some(b"prod".to_vec()));
    let room = Room::for_task(&task.resources, &left);
    task.resources = hooks.master_resources(&task, &agent.resources, &room).unwrap().unwrap();
    assert_eq!(rehearsed(&asked, HookPoint::MasterLaunchTaskResources), amounts(&task.resources));
    let replaced = |list: apportion_wire::messages::LabelList| decode::<RawLabels>(&list.encode()).unwrap();
    task.labels = hooks.master_labels(&task, &framework, &agent).unwrap().map(replaced);
    assert_eq!(rehearsed(&asked, HookPoint::MasterLaunchTaskLabels), labels(task.labels.as_ref()));

    let mut executor = executor_before;
    executor.labels.clone_from(&task.labels);
    task.labels = hooks.agent_labels(&task, &executor, &framework, &agent).unwrap().map(replaced);
    assert_eq!(rehearsed(&asked, HookPoint::SlaveRunTaskLabels), labels(task.labels.as_ref()));
    let environment = hooks.executor_environment(&executor).unwrap().unwrap();
    assert_eq!(rehearsed(&asked, HookPoint::SlaveExecutorEnvironment), variables(&environment));

    let launch = DockerLaunch { container: b"mesos-CONTAINER", sandbox: b"/sandbox", environment: &[] };
    let prepared = hooks.docker(Some(&task), &executor, launch).unwrap().unwrap();
    let over: Vec<_> = prepared.task_environment.unwrap().variables;
    let over = over.iter().map(|one| (text(&one.name), text(one.value.as_deref().unwrap_or_default())));
    let mut over: Vec<_> = over.collect();
    let mut all = rehearsed(&asked, HookPoint::SlavePreLaunchDockerTaskExecutor);
    over.sort();
    all.sort();
    assert_eq!(all, over, "every variable of this task is touched");

    let status = TaskStatus {
        task_id: task.task_id.clone(),
        state: TaskStatus::TASK_RUNNING,
        ..TaskStatus::default()
    };
    let told = hooks.status_labels(b"F", &status).unwrap().map(replaced);
    assert_eq!(rehearsed(&asked, HookPoint::SlaveTaskStatus), labels(told.as_ref()));
}
