//! Wrong usage of `apportion hooks`, and its help.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failure to prepare a test is a failure of the test")]

mod bench;

use bench::Bench;

#[test]
fn wrong_usage_ends_with_two_and_says_what_is_right() {
    let bench = Bench::new();
    bench.write("a.toml", "[[hook.rules]]\nname = \"team from role\"\nlabels.set.a = \"1\"\n");
    bench.write("task.json", r#"{"name": "web", "task_id": {"value": "web.1"}}"#);
    bench.write("agent.json", r#"{"hostname": "h1"}"#);
    let said = |arguments: &[&str], part: &str| {
        let run = bench.run(&[&["hooks", "test", "--config", "a.toml"], arguments].concat());
        assert_eq!((run.code, &*run.out), (Some(2), ""), "{run:?}");
        assert!(run.err.contains(part), "{part} is missing in {}", run.err);
    };
    said(&[], "--task <FILE>");
    said(&["--framework", "framework.json"], "--task <FILE>");
    said(&["--task", "task.json", "--at", "masterlabels"], "`master_labels`, or one of");
    said(&["--task", "task.json", "--at", "agent_lost"], "it is met with --agent");
    said(&["--task", "task.json", "--rule", "team from rle"], "did you mean `team from role`?");
    said(&["--task", "task.json", "--offer", "cpus=4"], "--offer: in `cpus=4`");
    said(&["--agent", "agent.json", "--offer", "cpus:4"], "--task <FILE>");
}

#[test]
fn help_of_each_command_teaches_with_examples() {
    let bench = Bench::new();
    for (command, part) in [
        ("test", "apportion hooks test --config apportion.toml --task task.json"),
        ("explain", "apportion hooks explain http://master.example:5050"),
        ("reload", "Exit codes: 0 the new rules are in force"),
    ] {
        let help = bench.run(&["hooks", command, "--help"]);
        assert_eq!(help.code, Some(0));
        assert!(help.out.contains("Examples:") && help.out.contains(part), "{}", help.out);
    }
}
