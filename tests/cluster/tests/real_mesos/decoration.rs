//! What hook and isolator add to a task: variables, labels, resource limits.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use apportion_cluster_tests::{
    UNTIL_TOLD, WITHIN, agent, labels, master, only_offer, rig, subscribe, task_on_agent, wait_until,
};
use apportion_rig::{Agent, Framework, FrameworkSpec, Master, TaskSpec, TaskState};
use tempfile::TempDir;

const CONFIGURATION: &str = r#"
[hook.environment]
FROM_FRAMEWORK = "{{ framework.name }} in {{ framework.role }}, {{ framework.labels.team | upper }}"
FROM_TASK = "{{ task.name }} {{ task.labels.tier }}"
FROM_AGENT = "{{ agent.hostname }} {{ agent.attributes.rack }}"
WITH_DEFAULT = "{{ agent.attributes.zone | default('no zone') }}"
CONTESTED = "hook"

[hook.labels]
rack = "{{ agent.attributes.rack }}"
owner = "{{ task.labels.tier | upper }} team"

[isolator.environment]
CONTAINER = "{{ container.id }}"
CONTAINER_ROLE = "{{ framework.role }}"

[isolator.rlimits]
nofile = { soft = 333, hard = 444 }
"#;

/// A configuration file; gone with the folder.
fn configuration(text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("apportion.toml");
    fs::write(&file, text).unwrap();
    (folder, file)
}

/// A master alone and an agent in rack r1, both with a configuration.
fn cluster(text: &str) -> (Master, Agent) {
    let (_folder, file) = configuration(text);
    let parameters = [("config", file.to_str().unwrap())];
    let master = master(&parameters).start().unwrap();
    let agent = agent(master.address(), &parameters).attributes("rack:r1").start().unwrap();
    (master, agent)
}

/// A task that prints its environment and limits, and runs until it is told to end.
fn printing(id: &str) -> TaskSpec {
    let command = format!(
        "env > environment.part; ulimit -Sn > soft; ulimit -Hn > hard; \
                           mv environment.part environment; {UNTIL_TOLD}"
    );
    TaskSpec::new(id, &command).label("owner", "unknown").label("tier", "front").variable("CONTESTED", "task")
}

fn framework(master: &Master) -> Framework {
    let spec = FrameworkSpec::new("printers").roles(&["prod/print"]).labels(&[("team", "ops")]);
    Framework::subscribe(master.address(), spec).unwrap()
}

/// Launches a task and waits for what it has written to its sandbox.
fn run(framework: &mut Framework, agent: &Agent, task: TaskSpec, executor_id: &str) -> PathBuf {
    let offer = only_offer(framework);
    framework.launch(&offer, &[task], Some(600.0)).unwrap();
    framework.wait_status("print", TaskState::Running, WITHIN).unwrap();
    let sandbox = agent.sandbox(framework.id(), executor_id).unwrap();
    wait_until("the task's environment", || {
        if sandbox.join("environment").exists() { Ok(()) } else { Err("no such file".to_owned()) }
    });
    sandbox
}

fn environment(sandbox: &Path) -> BTreeMap<String, String> {
    let text = fs::read_to_string(sandbox.join("environment")).unwrap();
    text.lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// What the configuration above gives a task, however it is run.
fn require_decorated(framework: &Framework, agent: &Agent, sandbox: &Path) {
    let environment = environment(sandbox);
    let container = agent.get_json("/containers").unwrap()[0]["container_id"].as_str().unwrap().to_owned();
    for (name, expected) in [
        ("FROM_FRAMEWORK", "printers in prod/print, OPS"),
        ("FROM_TASK", "print front"),
        ("FROM_AGENT", "localhost r1"),
        ("WITH_DEFAULT", "no zone"),
        ("CONTAINER", &*container),
        ("CONTAINER_ROLE", "prod/print"),
        ("CONTESTED", "task"),
        ("MESOS_FRAMEWORK_ID", framework.id()),
    ] {
        assert_eq!(environment.get(name).map(String::as_str), Some(expected), "{name} in {environment:#?}");
    }
    for (file, expected) in [("soft", "333"), ("hard", "444")] {
        assert_eq!(fs::read_to_string(sandbox.join(file)).unwrap().trim(), expected, "{file} limit");
    }
    let task = task_on_agent(&agent.state().unwrap(), "print").expect("the task on the agent's page");
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let mut found = labels(&task);
    found.sort();
    assert_eq!(found, [pair("owner", "FRONT team"), pair("rack", "r1"), pair("tier", "front")]);
}

#[test]
fn command_task_sees_variables_of_hook_and_isolator_limits_and_labels() {
    let (master, agent) = cluster(CONFIGURATION);
    let mut framework = framework(&master);
    let sandbox = run(&mut framework, &agent, printing("print"), "print");
    require_decorated(&framework, &agent, &sandbox);
}

#[test]
fn task_of_a_custom_executor_sees_variables_of_hook_and_isolator_limits_and_labels() {
    let (master, agent) = cluster(CONFIGURATION);
    let mut framework = framework(&master);
    let task = printing("print").custom_executor("own", rig().executor());
    let sandbox = run(&mut framework, &agent, task, "own");
    require_decorated(&framework, &agent, &sandbox);
}

#[test]
fn agents_in_the_masters_process_decorate_tasks_too() {
    let (_folder, file) = configuration(CONFIGURATION);
    let parameters = [("config", file.to_str().unwrap())];
    let master = master(&parameters).agents(1).attributes("rack:r1").start().unwrap();
    let mut framework = framework(&master);
    let offer = only_offer(&mut framework);
    framework.launch(&offer, &[printing("print")], Some(600.0)).unwrap();
    framework.wait_status("print", TaskState::Running, WITHIN).unwrap();
    let sandbox = master.sandbox(framework.id(), "print").unwrap();
    wait_until("the task's environment", || {
        if sandbox.join("environment").exists() { Ok(()) } else { Err("no such file".to_owned()) }
    });
    let environment = environment(&sandbox);
    assert_eq!(environment.get("FROM_TASK").map(String::as_str), Some("print front"), "{environment:#?}");
    let task = task_on_agent(&master.get_json("/slave(1)/state").unwrap(), "print").expect("the task");
    assert!(labels(&task).contains(&("rack".to_owned(), "r1".to_owned())), "{task}");
}

#[test]
fn settings_in_the_modules_json_work_like_those_of_a_file() {
    let parameters = [
        ("hook.environment.PLAIN", "from the modules JSON"),
        ("hook.labels.com.example.kind", "{{ framework.name }}"),
        ("isolator.environment.DIRECTORY", "{{ container.directory }}"),
        ("isolator.rlimits.nofile", "555:666"),
    ];
    let master = master(&parameters).start().unwrap();
    let agent = agent(master.address(), &parameters).start().unwrap();
    let mut framework = subscribe(master.address(), "inline", &["*"]);
    let sandbox = run(&mut framework, &agent, printing("print"), "print");
    let environment = environment(&sandbox);
    assert_eq!(environment.get("PLAIN").map(String::as_str), Some("from the modules JSON"));
    let directory = environment.get("DIRECTORY").expect("a directory");
    assert_eq!(Path::new(directory).canonicalize().unwrap(), sandbox);
    assert_eq!(fs::read_to_string(sandbox.join("soft")).unwrap().trim(), "555");
    let task = task_on_agent(&agent.state().unwrap(), "print").expect("the task");
    assert!(labels(&task).contains(&("com.example.kind".to_owned(), "inline".to_owned())), "{task}");
}

#[test]
fn value_that_cannot_be_made_leaves_out_one_variable_and_says_so() {
    let parameters =
        [("hook.environment.MISSING", "{{ agent.attributes.rack }}"), ("hook.environment.THERE", "yes")];
    let master = master(&parameters).start().unwrap();
    let agent = agent(master.address(), &parameters).start().unwrap();
    let mut framework = subscribe(master.address(), "lacking", &["*"]);
    let sandbox = run(&mut framework, &agent, printing("print"), "print");
    let environment = environment(&sandbox);
    assert_eq!(environment.get("THERE").map(String::as_str), Some("yes"));
    assert_eq!(environment.get("MISSING"), None);
    let line = agent.wait_for_log("hook.environment.MISSING", WITHIN).unwrap();
    assert!(line.starts_with('W') && line.contains("agent.attributes.rack"), "{line}");
}
