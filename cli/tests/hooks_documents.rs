//! The JSON files of `apportion hooks test`: what is read, and how mistakes are told.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failure to prepare a test is a failure of the test")]

mod bench;

use bench::{Bench, Run};
use serde_json::{Value, json};

/// Shows name, role and resources of a task, and what is known of its executor, as labels.
const SHOW: &str = r#"
[[hook.rules]]
name = "show"
at = ["agent_labels"]
labels.set.name = "{{ task.name }}"
labels.set.role = "{{ framework.role }}"
labels.set.framework = "{{ framework.id | default('none') }}"
labels.set.cpus = "{{ task.resources.cpus | default('none') }}"
labels.set.ports = "{{ task.resources.ports | default('none') }}"
labels.set.executor = "{{ executor.id }}"
"#;

fn test(bench: &Bench, arguments: &[&str]) -> Run {
    bench.run(&[&["hooks", "test", "--config", "a.toml"], arguments].concat())
}

/// Labels of the task on the agent, after the rule that shows facts.
fn shown(task: &Value) -> Value {
    let bench = Bench::new();
    bench.write("a.toml", SHOW);
    bench.write("task.json", task.to_string());
    let run = test(&bench, &["--task", "task.json", "--json", "--at", "agent_labels"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let document: Value = serde_json::from_str(&run.out).unwrap();
    let entries = document["points"][0]["result"]["entries"].as_array().unwrap().clone();
    entries.into_iter().map(|one| (one["name"].as_str().unwrap().to_owned(), one["value"].clone())).collect()
}

fn task() -> Value {
    json!({ "name": "web", "task_id": { "value": "web.1" } })
}

fn with(mut base: Value, name: &str, value: Value) -> Value {
    base[name] = value;
    base
}

#[test]
fn resources_are_read_as_objects_as_text_and_as_a_page_shows_them() {
    let objects = json!([
        { "name": "cpus", "type": "SCALAR", "scalar": { "value": 2 }, "allocation_info": { "role": "prod" } },
        { "name": "ports", "type": "RANGES", "ranges": { "range": [{ "begin": 31000, "end": 31001 }] } },
    ]);
    let expected = json!({ "name": "web", "role": "prod", "framework": "none", "cpus": "2", "ports": "31000-31001", "executor": "web.1" });
    assert_eq!(shown(&with(task(), "resources", objects)), expected);
    let plain = with(task(), "resources", json!("cpus:2;ports:[31000-31001]"));
    assert_eq!(shown(&plain), with(expected.clone(), "role", json!("*")));
    let page = with(task(), "resources", json!({ "cpus": 2.0, "gpus": 0, "ports": "[31000-31001]" }));
    assert_eq!(shown(&page), with(expected, "role", json!("*")));
}

#[test]
fn task_of_a_state_page_is_read() {
    let page = json!({
        "id": "web.1", "name": "web", "framework_id": "F1", "executor_id": "", "slave_id": "S1", "state": "TASK_RUNNING",
        "resources": { "cpus": 0.5, "mem": 64.0, "disk": 0.0 }, "role": "prod/web", "statuses": [{ "state": "TASK_RUNNING" }],
        "labels": [{ "key": "tier", "value": "front" }],
        "container": { "type": "DOCKER", "docker": { "image": "nginx" } },
    });
    let expected = json!({ "tier": "front", "name": "web", "role": "prod/web", "framework": "F1", "cpus": "0.5", "ports": "none", "executor": "web.1" });
    assert_eq!(shown(&page), expected);
    let custom = with(page.clone(), "executor_id", json!("e1"));
    assert_eq!(shown(&custom)["executor"], "e1");
    let bench = Bench::new();
    bench.write("a.toml", SHOW);
    bench.write("task.json", with(page, "statusses", json!([])).to_string());
    let run = test(&bench, &["--task", "task.json"]);
    assert!(run.err.contains("did you mean `statuses`?"), "{}", run.err);
}

#[test]
fn null_and_numbers_between_quotes_are_read_as_mesos_reads_them() {
    let docker = json!({ "type": "DOCKER", "docker": { "image": "nginx", "privileged": "true" } });
    shown(&with(task(), "container", docker));
    shown(&with(task(), "limits", json!({ "cpus": { "value": "Infinity" }, "mem": { "value": "64.5" } })));
    shown(&with(task(), "max_completion_time", json!({ "nanoseconds": "1000" })));
    shown(&with(task(), "labels", Value::Null));
    let found = mistakes(&with(task(), "max_completion_time", json!({ "nanoseconds": "\"1\"" })));
    assert_eq!(found[0].1, "the text \"\"1\"\"");
}

#[test]
fn agent_id_and_slave_id_are_the_same() {
    for name in ["slave_id", "agent_id"] {
        shown(&with(task(), name, json!({ "value": "S1" })));
    }
    let both = with(with(task(), "agent_id", json!({ "value": "S1" })), "slave_id", json!({ "value": "S1" }));
    assert_eq!(mistakes(&both), [("agent_id".to_owned(), "`slave_id` and `agent_id`".to_owned(), None)]);
}

/// Path, finding and hint of each mistake in a task.
fn mistakes(task: &Value) -> Vec<(String, String, Option<String>)> {
    let bench = Bench::new();
    bench.write("a.toml", SHOW);
    bench.write("task.json", task.to_string());
    let run = test(&bench, &["--task", "task.json", "--json"]);
    assert_eq!((run.code, &*run.err), (Some(2), ""), "{run:?}");
    let document: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!((&document["ok"], &document["documents"][0]["file"]), (&json!(false), &json!("task.json")));
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let all = document["documents"][0]["problems"].as_array().unwrap();
    all.iter()
        .map(|one| {
            assert!(!one["expected"].as_str().unwrap().is_empty());
            (text(&one["path"]).unwrap(), text(&one["found"]).unwrap(), text(&one["hint"]))
        })
        .collect()
}

#[test]
fn every_mistake_is_told_with_path_finding_and_what_was_meant() {
    let one = |name: &str, value: Value, path: &str, found: &str, hint: Option<&str>| {
        let expected = (path.to_owned(), found.to_owned(), hint.map(str::to_owned));
        assert_eq!(mistakes(&with(task(), name, value)), [expected]);
    };
    let meant = |name: &str| format!("did you mean `{name}`?");
    one("lables", json!({}), "lables", "the unknown key \"lables\"", Some(&meant("labels")));
    one("Name", json!(""), "Name", "the unknown key \"Name\"", Some(&meant("name")));
    one("zzz", json!(1), "zzz", "the unknown key \"zzz\"", None);
    one("name", json!(7), "name", "7", None);
    one("name", Value::Null, "name", "nothing", None);
    one("task_id", json!("web.1"), "task_id", "the text \"web.1\"", Some("write {\"value\": \"web.1\"}"));
    one("labels", json!([]), "labels", "an array", None);
    one("labels", json!({ "labels": [{ "value": "x" }] }), "labels.labels[0].key", "nothing", None);
    let value = "in `cpus=1`: there is no value behind a `:`; expected `name:value` or `name(role):value`";
    one("resources", json!("cpus=1"), "resources", value, None);
    one("resources", json!({ "cpus": [] }), "resources.cpus", "neither number nor text", None);
}

#[test]
fn mistakes_deep_inside_are_found() {
    let paths = |task: &Value| -> Vec<String> { mistakes(task).into_iter().map(|one| one.0).collect() };
    let container = json!({ "type": "DOKER", "docker": { "imag": "nginx", "privileged": "yes" },
        "volumes": [{ "mode": "RW", "container_path": 1 }] });
    let expected = [
        "container.type",
        "container.volumes[0].container_path",
        "container.docker.imag",
        "container.docker.image",
        "container.docker.privileged",
    ];
    let mut found = paths(&with(task(), "container", container));
    found.sort();
    let mut expected = expected.map(str::to_owned);
    expected.sort();
    assert_eq!(found, expected);
    let resources = json!([{ "name": "cpus", "type": "SCALAR", "scalar": { "value": "2" } }]);
    assert_eq!(paths(&with(task(), "resources", resources)), ["resources[0].scalar.value"]);
    let limits = json!({ "cpus": { "value": true } });
    assert_eq!(paths(&with(task(), "limits", limits)), ["limits.cpus.value"]);
    assert_eq!(paths(&with(task(), "data", json!("%%"))), ["data"]);
    assert_eq!(
        paths(&with(task(), "max_completion_time", json!({ "nanoseconds": 1.5 }))),
        ["max_completion_time.nanoseconds"]
    );
    assert_eq!(paths(&json!({})), ["name", "task_id"]);
}

#[test]
fn files_that_are_no_json_objects_are_refused() {
    let bench = Bench::new();
    bench.write("a.toml", "");
    let refused = |file: &str, part: &str| {
        let run = test(&bench, &["--task", file]);
        assert_eq!((run.code, &*run.out), (Some(2), ""), "{run:?}");
        assert!(
            run.err.contains(&format!("in {file}")) && run.err.contains(part),
            "{part} is missing in {}",
            run.err
        );
    };
    refused("missing.json", "No such file");
    refused(".", "Is a directory");
    for (text, part) in [
        (&b""[..], "EOF"),
        (b"{", "EOF while parsing an object at line 1 column 1"),
        (b"[]", "an array"),
        (b"\xff\xfe", "expected value at line 1"),
        (b"{\"name\": \"\xff\"}", "invalid unicode"),
        (b"{\"a\": {\"b\": 1,\n\"b\": 2}}", "the key \"b\" for a second time at line 2"),
    ] {
        bench.write("bad.json", text);
        refused("bad.json", part);
    }
    bench.write("bad.json", "[".repeat(100_000));
    refused("bad.json", "recursion limit");
    bench.write("bad.json", vec![b' '; 4 * 1024 * 1024 + 1]);
    refused("bad.json", "at most 4194304 bytes");
}

#[test]
fn mistakes_of_all_files_are_told_at_once_and_many_are_counted() {
    let bench = Bench::new();
    bench.write("a.toml", "");
    let many: Vec<String> = (0..60).map(|number| format!("\"x{number}\": 1")).collect();
    bench.write("task.json", format!("{{{}}}", many.join(",")));
    bench.write("agent.json", r#"{"host": "h1", "attributes": [{"name": "rack", "type": "TEXTT"}]}"#);
    bench.write("framework.json", r#"{"user": "root", "name": "f", "role": 1}"#);
    let run =
        test(&bench, &["--task", "task.json", "--agent", "agent.json", "--framework", "framework.json"]);
    assert_eq!((run.code, &*run.out), (Some(2), ""));
    for part in [
        "62 problems in task.json",
        "and 12 more",
        "3 problems in agent.json",
        "hostname",
        "did you mean `TEXT`?",
        "1 problem in framework.json\n  1. role\n     found:    1\n     expected: a string\n",
    ] {
        assert!(run.err.contains(part), "{part} is missing in\n{}", run.err);
    }
}

#[test]
fn framework_with_several_roles_has_that_of_the_resources() {
    let bench = Bench::new();
    bench.write("a.toml", SHOW);
    let framework = json!({ "user": "root", "name": "f", "roles": ["a", "b"], "capabilities": [{ "type": "MULTI_ROLE" }] });
    bench.write("framework.json", framework.to_string());
    let role = |task: Value| {
        bench.write("task.json", task.to_string());
        let run = test(&bench, &["--task", "task.json", "--framework", "framework.json"]);
        (
            run.out.contains("+ role=a"),
            run.out.contains("+ role=b"),
            run.out.contains("role: `a`, the first of"),
        )
    };
    assert_eq!(role(with(task(), "resources", json!("cpus:2"))), (true, false, true));
    let allocated = json!([{ "name": "cpus", "type": "SCALAR", "scalar": { "value": 2 }, "allocation_info": { "role": "b" } }]);
    assert_eq!(role(with(task(), "resources", allocated)), (false, true, false));
}
