//! Any bytes and any JSON as files: an answer or mistakes, never a panic.

use std::sync::Arc;

use apportion_config::Config;
use apportion_policy::{HostFacts, Rulebook};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::document::{self, Found};
use super::rehearsal::Rehearsal;
use super::scenario::{self, Files};
use super::schema::{EXECUTOR_INFO, FRAMEWORK_INFO, SLAVE_INFO, TASK_INFO};
use super::{as_json, reader, show, state_page};

/// Rules that act at every point.
const RULES: &str = r#"
[[hook.rules]]
name = "all"
at = ["master_labels", "agent_labels", "executor_environment", "docker"]
labels = { set = { a = "{{ task.name }}" }, remove = ["b*"] }
environment = { set = { A = "{{ task.name }}" }, unset = ["B_*"] }
[[hook.rules]]
name = "more"
task_resources = { minimum = { cpus = 2 }, default = { disk = 1 }, round = { mem = 64 } }
agent = { attributes = { a = "{{ agent.hostname }}" }, reserve = { cpus = "10%" } }
status_labels.set.s = "{{ task.id }}"
audit = { file = "/dev/null", fields = { e = "{{ executor.id }}" } }
"#;

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        prop::sample::select(vec!["DOCKER", "MESOS", "SCALAR", "cpus:1;mem:2", "cpus:1e300", "TEXT"])
            .prop_map(Value::from),
    ];
    let name = prop_oneof![
        prop::sample::select(vec![
            "name",
            "task_id",
            "value",
            "resources",
            "labels",
            "key",
            "container",
            "type",
            "docker",
            "image",
            "command",
            "environment",
            "variables",
            "executor",
            "executor_id",
            "agent_id",
            "id",
            "hostname",
            "attributes",
            "text",
            "scalar",
            "cpus",
            "role",
        ])
        .prop_map(str::to_owned),
        ".{0,6}",
    ];
    leaf.prop_recursive(5, 60, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name.clone(), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn good() -> [Value; 4] {
    let environment =
        json!({ "variables": [{ "name": "A", "value": "1" }, { "name": "B_1", "type": "SECRET" }] });
    let container = json!({ "type": "DOCKER", "docker": { "image": "nginx" } });
    let labels = json!({ "labels": [{ "key": "b", "value": "c" }, { "key": "d" }] });
    let task = json!({
        "name": "web", "task_id": { "value": "t" }, "slave_id": { "value": "S" }, "labels": labels,
        "resources": [{ "name": "cpus", "type": "SCALAR", "scalar": { "value": 1.5 } }],
        "command": { "value": "x", "environment": environment }, "container": container,
    });
    let framework =
        json!({ "user": "u", "name": "f", "id": { "value": "F" }, "role": "prod", "labels": labels });
    let executor = json!({ "executor_id": { "value": "e" }, "command": { "environment": environment }, "resources": "mem:32" });
    let agent = json!({
        "hostname": "h", "id": { "value": "S" }, "resources": "cpus:4;ports:[1-2]",
        "attributes": [{ "name": "rack", "type": "TEXT", "text": { "value": "r1" } }],
    });
    [task, framework, executor, agent]
}

/// Puts a value in the place of another one somewhere in a document: the `at`-th of all.
fn replaced(document: &mut Value, at: &mut usize, with: &Value) -> bool {
    if *at == 0 {
        *document = with.clone();
        return true;
    }
    *at -= 1;
    match document {
        Value::Array(elements) => elements.iter_mut().any(|element| replaced(element, at, with)),
        Value::Object(members) => members.values_mut().any(|member| replaced(member, at, with)),
        _ => false,
    }
}

/// Reads the documents from files, rehearses, and shows the result in both forms.
fn rehearse(documents: &[Value]) {
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<_> = (0..4).map(|number| folder.path().join(number.to_string())).collect();
    for (path, document) in paths.iter().zip(documents) {
        std::fs::write(path, document.to_string()).unwrap();
    }
    let given = |number: usize| documents.get(number).map(|_| &paths[number]);
    let files = Files { task: given(0), framework: given(1), executor: given(2), agent: given(3) };
    let scenario = match scenario::read(&files) {
        Ok(scenario) => scenario,
        Err(mistakes) => {
            assert!(mistakes.iter().all(|all| !all.items.is_empty()));
            mistakes.iter().for_each(|all| show::mistakes(&mut Vec::new(), all).unwrap());
            return;
        }
    };
    let written = Config::from_text(RULES).unwrap().hook.rules_in_order();
    let rules = Rulebook::new(written.clone()).unwrap();
    let host = Arc::new(HostFacts::default());
    let asked = Rehearsal { rules: &rules, written: &written, host, offer: None, scenario }.run().unwrap();
    assert!(!asked.is_empty());
    for one in &asked {
        let mut out = Vec::new();
        show::point(&mut out, one, show::Shown { rules: &[], all: true }).unwrap();
        let plain = anstream::adapter::strip_bytes(&out).into_vec();
        assert!(!String::from_utf8(plain).unwrap().contains(|c: char| c.is_control() && c != '\n'));
        as_json::point(one, &[]);
    }
}

#[test]
fn good_documents_meet_every_point() {
    rehearse(&good());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = document::parse(&bytes);
    }

    #[test]
    fn any_json_is_a_message_or_has_mistakes(value in any_json()) {
        for message in [&TASK_INFO, &FRAMEWORK_INFO, &EXECUTOR_INFO, &SLAVE_INFO] {
            let mut found = Found::default();
            reader::message(&value, message, "", &mut found);
            if !value.is_object() {
                prop_assert!(found.into_result("file").is_err());
            }
        }
        state_page::read(&value, &mut Found::default());
    }

    #[test]
    fn good_documents_with_one_thing_replaced_are_rehearsed_or_refused(
        which in 0..4usize, at in 0..40usize, with in any_json(), count in 1..=4usize,
    ) {
        let mut documents = good();
        let mut at = at;
        replaced(&mut documents[which], &mut at, &with);
        rehearse(&documents[..count]);
    }
}
