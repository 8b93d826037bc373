//! What rules change arrives where the host puts it.

use apportion_shim_tests::hook_manager::Call;
use apportion_shim_tests::message::{
    Message, UNKNOWN_FIELD, attribute, id, label, list, plain_variable, scalar,
};
use apportion_shim_tests::scene::{
    FRAMEWORK_ID, SANDBOX, agent, agent_attributes, agent_resources, arrival, executor, executor_variables,
    framework, labels, odd_label, status, task, task_resources,
};

use crate::ours;

#[test]
fn labels_of_a_task_are_those_it_had_and_those_of_rules() {
    let rules =
        "[hook.labels]\nrack = \"{{ agent.attributes.rack }}\"\nteam = \"{{ framework.principal }}\"\n";
    let outcome = ours(rules).call(&[Call::master_labels(&task(), &framework(), &agent()), arrival()]);
    let expected = list(&[label("team", "ops"), odd_label(), label("rack", "r1")]);
    assert_eq!(outcome.messages(), [expected.clone(), expected]);
}

#[test]
fn resources_of_a_task_are_cut_and_others_stay_as_they_are() {
    let rules = "[[hook.rules]]\nname = \"small\"\nmatch.role = \"prod/**\"\ntask_resources.maximum.cpus = 1.5\n\
                 match.resources = [\"cpus > 2\"]\n";
    // The role of the task's resources: this method is not told the framework.
    let outcome = ours(rules).call(&[Call::master_resources(&task(), &agent())]);
    assert_eq!(outcome.message(), list(&[scalar("cpus", 1.5, "prod/web"), task_resources()[1].clone()]));
}

#[test]
fn environment_of_an_executor_is_what_it_sets_and_what_rules_add() {
    let rules =
        "[hook.environment]\nROLE = \"{{ framework.role }}\"\nTASK = \"{{ task.name }}\"\nOWN = \"rule\"\n";
    let outcome = ours(rules).call(&[arrival(), Call::executor_environment(&executor())]);
    let added = [plain_variable("ROLE", "prod/web"), plain_variable("TASK", "train")];
    assert_eq!(outcome.messages()[1], list(&[executor_variables(), added.to_vec()].concat()));
}

#[test]
fn a_status_keeps_everything_but_its_labels() {
    let rules = "[[hook.rules]]\nname = \"rack\"\nstatus_labels.set.rack = \"{{ agent.attributes.rack }}\"\n\
                 status_labels.remove = [\"team\"]\n";
    let outcome = ours(rules).call(&[arrival(), Call::status(FRAMEWORK_ID, &status())]);
    let expected = Message::new()
        .part(1, &id("task-1"))
        .number(2, 1)
        .text(4, "well")
        .part(5, &id("agent-1"))
        .part(12, &list(&[odd_label(), label("rack", "r1")]));
    assert_eq!(outcome.messages(), [list(&labels()), expected]);
}

#[test]
fn an_agent_keeps_a_share_back_and_gets_attributes() {
    let rules = "[[hook.rules]]\nname = \"agents\"\nagent.reserve.cpus = 0.5\n\
                 agent.attributes = { zone = \"z-{{ agent.hostname }}\", rack = \"r2\" }\n";
    let outcome = ours(rules).call(&[Call::agent_resources(&agent()), Call::agent_attributes(&agent())]);
    let resources = [vec![scalar("cpus", 7.5, "")], agent_resources()[1..].to_vec()].concat();
    let mut attributes = agent_attributes();
    attributes[0] = attribute("rack", "r2");
    attributes.push(attribute("zone", "z-host-7.example"));
    assert_eq!(outcome.messages(), [list(&resources), list(&attributes)]);
}

#[test]
fn events_write_their_lines_behind_the_hosts_back() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("audit.jsonl");
    let rules = format!("[[hook.rules]]\nname = \"audit\"\naudit.file = \"{}\"\n", file.display());
    let outcome = ours(&rules).call(&[
        arrival(),
        Call::post_fetch("container-1", SANDBOX),
        Call::executor_removed(&framework(), &executor()),
        Call::agent_lost(&agent()),
        Call::await_lines(&file, 3),
    ]);
    assert_eq!(outcome.complaints(), [""; 0]);
    let text = std::fs::read_to_string(&file).unwrap();
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let events: Vec<&str> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["post_fetch", "executor_removed", "agent_lost"]);
    assert_eq!(lines[0]["sandbox"], SANDBOX);
    assert_eq!(lines[0]["container_id"], "container-1");
    assert_eq!((&lines[0]["executor_id"], &lines[1]["executor_id"]), (&"task-1".into(), &"task-1".into()));
    // Not told by these methods: remembered from the task's arrival.
    assert_eq!((&lines[0]["principal"], &lines[0]["task_id"]), (&"ops".into(), &"task-1".into()));
    assert_eq!(lines[1]["hostname"], "host-7.example");
    assert_eq!(lines[2]["agent_id"], "agent-1");
}

#[test]
fn a_field_that_no_library_knows_survives_a_change_of_its_neighbour() {
    let rules = "[[hook.rules]]\nname = \"neighbours\"\nlabels.set.team = \"b\"\n\
                 task_resources.maximum.cpus = 1\nagent.reserve.cpus = 1\nenvironment.set.OWN = \"b\"\n";
    let outcome = ours(rules).call(&[
        Call::master_resources(&task(), &agent()),
        Call::master_labels(&task(), &framework(), &agent()),
        Call::executor_environment(&executor()),
        Call::agent_resources(&agent()),
    ]);
    // Key and value of the field, as it stands in each message.
    let unknown = Message::new().number(UNKNOWN_FIELD, 7).0;
    for answer in outcome.messages() {
        assert!(answer.0.windows(unknown.len()).any(|part| part == unknown), "{answer:?}");
    }
}
