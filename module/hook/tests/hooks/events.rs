//! Executors that are gone, sandboxes that are filled, agents that are lost.

use std::fs;
use std::time::Duration;

use apportion_wire::messages::ContainerId;
use serde_json::Value;

use crate::messages::{agent, arrive, executor, framework, hooks};

const LONG: Duration = Duration::from_secs(60);

fn lines(file: &std::path::Path) -> Vec<Value> {
    fs::read_to_string(file).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn events_are_written_as_lines_of_json_with_what_was_known() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("audit.jsonl");
    let rule = format!(
        "[[hook.rules]]\nname = \"audit\"\naudit.file = {:?}\naudit.fields.rack = \"{{{{ agent.attributes.rack | default('?') }}}}\"\n\
         [[hook.rules]]\nname = \"not this\"\nmatch.role = \"other\"\naudit.file = {:?}\n",
        file, file
    );
    let hooks = hooks(&rule);
    arrive(&hooks);
    let sandbox = b"/var/lib/frameworks/x/executors/y/runs/z/slaves/s/frameworks/f/executors/t/runs/c";
    hooks.post_fetch(&ContainerId { value: b"c".to_vec(), parent: None }, sandbox);
    hooks.post_fetch(&ContainerId { value: b"d".to_vec(), parent: None }, b"/elsewhere\xff");
    hooks.executor_removed(&framework(), &executor()).unwrap();
    hooks.agent_lost(&agent());
    assert!(hooks.settle(LONG));
    let lines = lines(&file);
    let field = |number: usize, name: &str| lines[number][name].as_str().unwrap_or("-").to_owned();
    let events: Vec<_> = (0..lines.len()).map(|number| field(number, "event")).collect();
    assert_eq!(events, ["post_fetch", "post_fetch", "executor_removed", "agent_lost"]);
    for (name, values) in [
        ("rule", ["audit"; 4]),
        ("framework_id", ["f", "-", "f", "-"]),
        ("framework", ["marathon", "-", "marathon", "-"]),
        ("role", ["prod/web", "-", "prod/web", "-"]),
        ("task_id", ["t", "-", "t", "-"]),
        ("executor_id", ["t", "-", "t", "-"]),
        ("hostname", ["host-a", "-", "host-a", "host-a"]),
        ("container_id", ["c", "d", "-", "-"]),
        ("rack", ["r1", "?", "r1", "r1"]),
    ] {
        assert_eq!([0, 1, 2, 3].map(|number| field(number, name)), values, "{name}");
    }
    assert!(humantime::parse_rfc3339(&field(0, "time")).is_ok());
}

#[test]
fn command_gets_its_arguments_the_event_and_the_facts() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let script = folder.path().join("notify");
    let text = format!(
        "#!/bin/sh\n{{ echo \"$1 $APPORTION_EVENT $APPORTION_RULE $HOME\"; cat; }} > {}\n",
        out.display()
    );
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let rule = format!(
        "[[hook.rules]]\nname = \"notify us\"\nat = [\"agent_lost\"]\n\
         command.argv = [{script:?}, \"{{{{ agent.hostname }}}}; $(exit 1)\"]\n"
    );
    let hooks = hooks(&rule);
    hooks.agent_lost(&agent());
    assert!(hooks.settle(LONG));
    let written = fs::read_to_string(&out).unwrap();
    let (first, document) = written.split_once('\n').unwrap();
    assert_eq!(first, "host-a; $(exit 1) agent_lost notify us ", "no shell, no environment of the host");
    let document: Value = serde_json::from_str(document).unwrap();
    assert_eq!(document["agent"]["attributes"]["rack"], "r1");
    assert_eq!(hooks.report()["commands"]["succeeded"], 1);
}
