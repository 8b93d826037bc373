//! `apportion hooks test`, as a user runs it.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failure to prepare a test is a failure of the test")]

mod bench;

use std::process::Command;

use bench::{Bench, Run};
use serde_json::Value;

const RULES: &str = r#"
[[hook.rules]]
name = "team from role"
labels.default.team = "{{ framework.role }}"

[[hook.rules]]
name = "heap"
match = { role = "prod/**", task = "web-*" }
environment.append.JAVA_OPTS = "-Xmx256m"
environment.set.A = "2"
environment.unset = ["TMP_*"]

[[hook.rules]]
name = "floor"
task_resources = { minimum = { mem = 128 }, default = { disk = 64 } }

[[hook.rules]]
name = "team in environment"
match.labels.team = "prod/web"
environment.set.TEAM = "{{ task.labels.team }}"

[[hook.rules]]
name = "other role"
match.role = "dev/*"
labels.set.x = "1"

[[hook.rules]]
name = "by principal"
match.principal = "ops"
labels.set.y = "1"

[[hook.rules]]
name = "off"
enabled = false
labels.set.z = "1"
"#;

const TASK: &str = r#"{"name": "web-1", "task_id": {"value": "web.1"}, "resources": "cpus:1;mem:64;ports:[31000-31001]",
 "labels": {"labels": [{"key": "tier", "value": "front"}]},
 "command": {"value": "./run", "environment": {"variables": [{"name": "A", "value": "1"}, {"name": "TMP_X", "value": "y"}]}}}"#;

const FRAMEWORK: &str =
    r#"{"name": "marathon", "user": "root", "id": {"value": "F1"}, "role": "prod/web", "principal": "web"}"#;

const AGENT: &str = r#"{"hostname": "h1", "id": {"value": "S1"}, "resources": "cpus:4;mem:1000",
 "attributes": [{"name": "rack", "type": "TEXT", "text": {"value": "r1"}}]}"#;

impl Bench {
    fn with(rules: &str) -> Bench {
        let bench = Bench::new();
        bench.write("a.toml", rules);
        bench.write("task.json", TASK);
        bench.write("framework.json", FRAMEWORK);
        bench.write("agent.json", AGENT);
        bench
    }

    fn test(&self, arguments: &[&str]) -> Run {
        self.run(&[&["hooks", "test", "--config", "a.toml"], arguments].concat())
    }

    /// The points of the JSON result; standard error is empty.
    fn json(&self, arguments: &[&str]) -> Value {
        let run = self.test(&[arguments, &["--json"]].concat());
        assert_eq!(run.err, "");
        serde_json::from_str(&run.out).unwrap()
    }
}

fn point<'v>(document: &'v Value, at: &str) -> &'v Value {
    let points = document["points"].as_array().unwrap();
    points.iter().find(|point| point["at"] == at).unwrap_or_else(|| panic!("no {at} in {document:#}"))
}

fn rule<'v>(document: &'v Value, at: &str, name: &str) -> &'v Value {
    let rules = point(document, at)["rules"].as_array().unwrap();
    rules.iter().find(|rule| rule["rule"] == name).unwrap_or_else(|| panic!("no {name} in {document:#}"))
}

/// Names, values and marks of the whole set after a point.
fn entries(document: &Value, at: &str) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let all = point(document, at)["result"]["entries"].as_array().unwrap();
    all.iter().map(|one| (text(&one["name"]), text(&one["value"]), text(&one["change"]))).collect()
}

fn entry(name: &str, value: &str, change: &str) -> (String, String, String) {
    (name.to_owned(), value.to_owned(), change.to_owned())
}

const WITH_FRAMEWORK: [&str; 4] = ["--task", "task.json", "--framework", "framework.json"];

#[test]
fn each_point_shows_matching_rules_with_their_diff_and_the_result() {
    let bench = Bench::with(RULES);
    let run = bench
        .test(&[&WITH_FRAMEWORK[..], &["--at", "master_labels", "--at", "executor_environment"]].concat());
    assert_eq!((run.code, &*run.err), (Some(0), ""));
    let expected = "\
filled in: executor: the one Mesos makes for a command task: id `web.1`; environment, labels and container of the task
filled in: task: its resources are allocated to the role `prod/web`
filled in: agent: nothing but its id, if the task names it, is known (--agent)
filled in: host: facts, files and variables are those of this machine (--host)

master_labels (masterLaunchTaskLabelDecorator)
  team from role matches
    + team=prod/web
  3 rules do nothing here (--all shows why)
  result:
      tier=front
    + team=prod/web

executor_environment (slaveExecutorEnvironmentDecorator)
  heap matches
    - TMP_X=y
    ~ A: 1 -> 2
    + JAVA_OPTS=-Xmx256m
    note: TMP_X: Mesos' own containerizer keeps the command's value
    note: A: Mesos' own containerizer keeps the command's value
  team in environment matches
    + TEAM=prod/web
  result:
    ~ A=2
    + JAVA_OPTS=-Xmx256m
    + TEAM=prod/web
    - TMP_X=y
";
    assert_eq!(run.out, expected);
}

#[test]
fn all_shows_why_a_rule_does_not_match() {
    let bench = Bench::with(RULES);
    let run = bench.test(&[&WITH_FRAMEWORK[..], &["--at", "master_labels", "--all"]].concat());
    for part in ["  other role does not match: role is dev/*", "  off is switched off by `enabled = false`"] {
        assert!(run.out.contains(part), "{part} is missing in\n{}", run.out);
    }
    let one = bench.test(&[&WITH_FRAMEWORK[..], &["--at", "master_labels", "--rule", "other role"]].concat());
    assert!(one.out.contains("other role does not match"), "{}", one.out);
    assert!(
        !one.out.contains("off is switched off") && !one.out.contains("from role matches"),
        "{}",
        one.out
    );
}

#[test]
fn what_cannot_be_decided_is_shown_unasked_with_the_flag_that_would_help() {
    let bench = Bench::with(RULES);
    let run = bench.test(&["--task", "task.json", "--at", "master_labels"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    for part in [
        "by principal cannot be decided here: ",
        "`framework.principal` is not known here",
        "note: more may be known here with --framework",
        "filled in: role: `*`, no file names one",
    ] {
        assert!(run.out.contains(part), "{part} is missing in\n{}", run.out);
    }
}

#[test]
fn json_names_verdicts_changes_and_the_result() {
    let bench = Bench::with(RULES);
    let document = bench.json(&WITH_FRAMEWORK);
    assert_eq!((&document["ok"], &document["faults"]), (&Value::Bool(true), &Value::from(0)));
    let verdict = |name| rule(&document, "master_labels", name)["verdict"].clone();
    assert_eq!(verdict("team from role"), "matched");
    assert_eq!(verdict("other role"), "not_matched");
    assert_eq!(verdict("off"), "disabled");
    let heap = rule(&document, "executor_environment", "heap");
    assert_eq!(
        heap["changes"],
        serde_json::json!([
            { "name": "TMP_X", "kind": "removed", "before": "y", "after": null },
            { "name": "A", "kind": "changed", "before": "1", "after": "2" },
            { "name": "JAVA_OPTS", "kind": "added", "before": null, "after": "-Xmx256m" },
        ])
    );
    assert_eq!(point(&document, "executor_environment")["result"]["removed"], serde_json::json!(["TMP_X"]));
    assert_eq!(point(&document, "post_fetch")["result"], Value::Null);
    let rules = point(&document, "master_labels")["rules"].as_array().unwrap();
    assert!(rules.iter().all(|rule| rule["rule"] != "heap"), "rules of other points are left out");
    let unknown = bench.json(&["--task", "task.json"]);
    let principal = rule(&unknown, "agent_labels", "by principal");
    assert_eq!(principal["verdict"], "not_known_here");
    assert!(principal["why"][0].as_str().unwrap().contains("framework.principal"));
}

#[test]
fn what_one_point_makes_is_what_the_next_starts_from() {
    let bench = Bench::with(RULES);
    let document = bench.json(&WITH_FRAMEWORK);
    let labels = [entry("tier", "front", "same"), entry("team", "prod/web", "same")];
    assert_eq!(entries(&document, "agent_labels"), labels);
    // The label of the master is seen in the agent, and so are the decorated resources.
    assert_eq!(rule(&document, "executor_environment", "team in environment")["verdict"], "matched");
    let points: Vec<&str> =
        document["points"].as_array().unwrap().iter().map(|point| point["at"].as_str().unwrap()).collect();
    let expected = [
        "master_resources",
        "master_labels",
        "agent_labels",
        "executor_environment",
        "post_fetch",
        "status_labels",
        "executor_removed",
    ];
    assert_eq!(points, expected);
    let seen = Bench::with(
        "[[hook.rules]]\nname = \"a\"\ntask_resources.minimum.mem = 128\n[[hook.rules]]\nname = \"b\"\nlabels.set.mem = \"{{ task.resources.mem }}\"",
    );
    assert_eq!(
        entries(&seen.json(&["--task", "task.json"]), "master_labels")[1],
        entry("mem", "128", "added")
    );
}

#[test]
fn task_grows_within_its_offer_and_without_one_with_a_note() {
    let bench = Bench::with(RULES);
    let free = bench.json(&WITH_FRAMEWORK);
    let floor = rule(&free, "master_resources", "floor");
    assert_eq!(
        floor["amounts"][1],
        serde_json::json!({ "resource": "mem", "before": 64, "wanted": 128, "after": 128 })
    );
    assert_eq!(floor["notes"][1], "mem: only as far as the task's offer has room; none given (--offer)");
    let bound = bench.json(&[&WITH_FRAMEWORK[..], &["--offer", "cpus:4;mem:100.5"]].concat());
    let floor = rule(&bound, "master_resources", "floor");
    assert_eq!(floor["amounts"][1]["after"], 100.5);
    assert_eq!(floor["notes"], serde_json::json!([]));
    assert_eq!(point(&bound, "master_resources")["result"]["amounts"]["mem"], 100.5);
    let run = bench
        .test(&[&WITH_FRAMEWORK[..], &["--offer", "cpus:4;mem:10", "--at", "master_resources"]].concat());
    assert!(run.out.contains("note: mem: the task asks for more than the offer has"), "{}", run.out);
    assert!(run.out.contains("      disk=0 (the rule asks for 64, there is no more)\n"), "{}", run.out);
}

#[test]
fn agent_starts_before_the_task_and_is_lost_after_it() {
    let bench = Bench::with(
        "[[hook.rules]]\nname = \"a\"\nagent.attributes.zone = \"z 1\"\nagent.reserve.cpus = 0.5\n\
         [[hook.rules]]\nname = \"b\"\nmatch.attributes = [\"zone\"]\nlabels.set.rack = \"{{ agent.attributes.rack }}\"\n\
         [[hook.rules]]\nname = \"c\"\nat = [\"agent_lost\"]\naudit.file = \"/tmp/never-written.jsonl\"\n\
         audit.fields.host = \"{{ agent.hostname }}\"\ncommand.argv = [\"/bin/echo\", \"{{ agent.hostname }}\"]\n",
    );
    let document = bench.json(&["--task", "task.json", "--agent", "agent.json"]);
    assert_eq!(
        point(&document, "agent_resources")["result"]["amounts"],
        serde_json::json!({ "cpus": 3.5, "mem": 1000 })
    );
    assert_eq!(rule(&document, "master_labels", "b")["verdict"], "matched");
    assert_eq!(entries(&document, "master_labels")[1], entry("rack", "r1", "added"));
    let lost = rule(&document, "agent_lost", "c");
    assert_eq!(
        lost["audit"],
        serde_json::json!([{ "file": "/tmp/never-written.jsonl", "fields": { "host": "h1" } }])
    );
    assert_eq!(lost["commands"][0]["argv"], serde_json::json!(["/bin/echo", "h1"]));
    let run = bench.test(&["--agent", "agent.json"]);
    for part in [
        "agent_attributes (slaveAttributesDecorator)\n  a matches\n    + zone=z 1\n",
        "writes a line to /tmp/never-written.jsonl: host=h1\n    runs \"/bin/echo\" \"h1\", at most 30 s\n",
    ] {
        assert!(run.out.contains(part), "{part} is missing in\n{}", run.out);
    }
    assert!(!run.out.contains("master_labels"), "no task is given: {}", run.out);
    assert!(!std::path::Path::new("/tmp/never-written.jsonl").exists());
}

#[test]
fn docker_is_asked_for_a_docker_container_alone() {
    let bench = Bench::with(
        "[[hook.rules]]\nname = \"a\"\nmatch.container = \"docker\"\nenvironment.unset = [\"A\"]\nenvironment.set.B = \"{{ container.image }}\"",
    );
    let without = bench.test(&["--task", "task.json", "--at", "docker"]);
    assert_eq!((without.code, &*without.out), (Some(2), ""));
    assert!(without.err.contains("--at docker: nothing given here meets this point"), "{}", without.err);
    let docker =
        TASK.replacen('{', r#"{"container": {"type": "DOCKER", "docker": {"image": "nginx:1"}},"#, 1);
    bench.write("task.json", docker);
    let document = bench.json(&["--task", "task.json"]);
    let docker = rule(&document, "docker", "a");
    assert_eq!(docker["notes"][0], "A: becomes empty, the host cannot take a variable away");
    assert_eq!(entries(&document, "docker").last().unwrap(), &entry("B", "nginx:1", "added"));
    assert_eq!(rule(&document, "executor_environment", "a")["notes"], serde_json::json!([]));
}

#[test]
fn custom_executor_in_docker_gets_what_the_environment_hook_made() {
    let bench = Bench::with(
        "[[hook.rules]]\nname = \"a\"\nat = [\"executor_environment\"]\nenvironment.set.B = \"1\"",
    );
    bench.write(
        "executor.json",
        r#"{"executor_id": {"value": "e"}, "command": {"value": "./e"},
        "container": {"type": "DOCKER", "docker": {"image": "nginx:1"}}}"#,
    );
    let document = bench.json(&["--executor", "executor.json"]);
    assert_eq!(entries(&document, "docker"), [entry("B", "1", "same")]);
}

#[test]
fn fault_of_a_rule_ends_with_one() {
    let bench =
        Bench::with("[[hook.rules]]\nname = \"a\"\nlabels.set.rack = \"{{ agent.attributes.rack }}\"");
    let run = bench.test(&["--task", "task.json"]);
    assert_eq!(run.code, Some(1));
    assert!(run.out.contains("a matches, but does nothing: "), "{}", run.out);
    assert!(run.err.contains("2 faults"), "{}", run.err);
    let document = bench.json(&["--task", "task.json"]);
    assert_eq!((&document["ok"], &document["faults"]), (&Value::Bool(false), &Value::from(2)));
    assert_eq!(bench.test(&["--task", "task.json", "--agent", "agent.json"]).code, Some(0));
}

#[test]
fn contents_of_files_are_never_shown() {
    let bench = Bench::new();
    let secret = bench.write("secret", "hunter2-hunter2\n");
    let path = secret.to_str().unwrap();
    bench.write("a.toml", format!(
        "[[hook.rules]]\nname = \"a\"\nenvironment.set.TOKEN = \"file:{path}\"\nenvironment.append.OPTS = {{ value = \"file:{path}\" }}\n\
         [[hook.rules]]\nname = \"b\"\nenvironment.set.COPY = \"x{{{{ env.TOKEN }}}}\"\nlabels.set.l = \"file:{path}\"\n"
    ));
    bench.write("task.json", TASK.replace("\"y\"", "\"hunter2-hunter2\""));
    for arguments in
        [&["--task", "task.json"][..], &["--task", "task.json", "--json"], &["--task", "task.json", "--all"]]
    {
        let run = bench.test(arguments);
        assert!(run.out.contains("not shown"), "{}", run.out);
        assert!(!format!("{run:?}").contains("hunter2"), "{run:?}");
    }
}

#[test]
fn problems_of_the_configuration_are_those_of_check() {
    let bench = Bench::with("[[hook.rules]]\nname = \"a\"\nlabel.set.x = \"1\"\n");
    let run = bench.test(&["--task", "task.json"]);
    assert_eq!((run.code, &*run.err), (Some(1), ""));
    assert_eq!(run.out, bench.run(&["check", "a.toml"]).out);
    let document = bench.json(&["--task", "task.json"]);
    assert_eq!(
        (&document["ok"], &document["problems"][0]["kind"]),
        (&Value::Bool(false), &Value::from("unknown-key"))
    );
    let missing = bench.run(&["hooks", "test", "--config", "no.toml", "--task", "task.json"]);
    assert_eq!(missing.code, Some(2));
}

#[test]
fn values_cannot_move_the_cursor_and_colours_need_a_terminal() {
    let bench = Bench::with(RULES);
    bench.write("task.json", TASK.replace("front", "a\\u001b[2Jb\\nc"));
    let run = bench.test(&["--task", "task.json"]);
    assert!(!run.out.contains('\x1b') && run.out.contains("tier=a\\u{1b}[2Jb\\nc"), "{}", run.out);
    let arguments = ["hooks", "test", "--config", "a.toml", "--task", "task.json"];
    let forced = bench.command(&arguments).env("CLICOLOR_FORCE", "1").output().unwrap();
    let coloured = String::from_utf8(forced.stdout).unwrap();
    assert!(coloured.contains("\x1b[32m+ team=*"), "{coloured}");
    let command = format!("{} {}", env!("CARGO_BIN_EXE_apportion"), arguments.join(" "));
    let mut script = Command::new("script");
    script.args(["-qec", &command, "/dev/null"]).current_dir(bench.folder()).env("TERM", "xterm-256color");
    script.env_remove("NO_COLOR").env_remove("CLICOLOR").stdin(std::process::Stdio::null());
    let output = script.output().expect("the command `script` is needed: apt-get install bsdutils");
    assert!(output.stdout.contains(&0x1b), "{output:?}");
}

#[test]
fn host_file_stands_for_another_machine_and_its_mistakes_are_told() {
    let bench = Bench::new();
    bench.write(
        "c.toml",
        "[hook]\nagent_environment = [\"SITE\"]\n[[hook.rules]]\nname = \"a\"\nagent.attributes = { kernel = \"{{ host.kernel }}\", \
         site = \"{{ agent.environment.SITE }}\", rack = \"file:/etc/rack\" }\n",
    );
    bench.write("agent.json", "{\"hostname\": \"a\"}");
    let host = "{\"facts\": {\"kernel\": \"6.1\"}, \"environment\": {\"SITE\": \"b\", \"OTHER\": \"x\"}, \"files\": {\"/etc/rack\": \"r1\\n\"}}";
    bench.write("host.json", host);
    let arguments = ["hooks", "test", "--config", "c.toml", "--agent", "agent.json", "--host", "host.json"];
    let run = bench.run(&arguments);
    assert_eq!(run.code, Some(0), "{}{}", run.out, run.err);
    for line in ["+ kernel=6.1", "+ site=b", "+ rack=r1"] {
        assert!(run.out.contains(line), "{line} in {}", run.out);
    }
    bench.write("host.json", "{\"facts\": {\"kernel\": 6, \"gpu\": \"1\"}, \"file\": {}}");
    let run = bench.run(&arguments);
    assert_eq!(run.code, Some(2));
    for text in ["facts.kernel", "a text", "facts.gpu", "did you mean `gpus`?", "did you mean `files`?"] {
        assert!(run.err.contains(text), "{text} in {}", run.err);
    }
    bench.write("host.json", "{\"facts\": {\"kernel\": \"6.1\"}, \"environment\": {\"SITE\": \"b\"}}");
    let run = bench.run(&arguments);
    assert_eq!(run.code, Some(1), "a file that rules name and the host has not");
    assert!(run.out.contains("no such file"), "{}", run.out);
}
