//! Ours and a hook module of somebody else, in both orders: each works on what the one before it made.

use apportion_shim_tests::hook_manager::{Call, Hooks, Outcome, Reaction};
use apportion_shim_tests::message::{
    Message, UNKNOWN_FIELD, attribute, id, label, list, plain_variable, scalar, variable,
};
use apportion_shim_tests::scene::{
    FRAMEWORK_ID, RULES, SANDBOX, agent, agent_attributes, agent_resources, arrival, decorators, executor,
    executor_variables, executor_with, framework, labels, odd_label, status, status_with, task,
    task_resources, task_with,
};

use crate::ours;

/// Calls one method, with the other module answering `answer`.
fn call(hooks: &Hooks, call: &Call, answer: &Message, is_before: bool) -> Outcome {
    let reactions = [(call.method(), Reaction::Answers(answer.clone()))];
    let hooks = hooks.clone();
    let hooks = if is_before { hooks.after_other(&reactions) } else { hooks.before_other(&reactions) };
    let outcome = hooks.call(std::slice::from_ref(call));
    assert_eq!(outcome.complaints(), [""; 0]);
    assert_eq!(outcome.seen.len(), 1, "{outcome:?}");
    outcome
}

/// What the other module made: labels with a field that no library knows.
fn others_labels() -> Message {
    list(&[label("other", "o").number(UNKNOWN_FIELD, 9), odd_label()])
}

const LABELS: &str = "[[hook.rules]]\nname = \"labels\"\nlabels.set.rack = \"{{ agent.attributes.rack }}\"\n\
                      labels.set.copied = \"{{ task.labels.other | default('none') }}\"\n";

#[test]
fn labels_of_a_module_before_ours_are_kept_and_seen() {
    for call_of in [Call::master_labels(&task(), &framework(), &agent()), arrival()] {
        let outcome = call(&ours(LABELS), &call_of, &others_labels(), true);
        assert_eq!(outcome.seen[0].1[0], task(), "the other one is asked first");
        let added = [label("copied", "o"), label("rack", "r1")];
        assert_eq!(outcome.message().contents(1), [others_labels().contents(1), added.to_vec()].concat());
    }
}

#[test]
fn labels_of_ours_are_seen_by_a_module_behind_it_which_has_the_last_word() {
    for call_of in [Call::master_labels(&task(), &framework(), &agent()), arrival()] {
        let outcome = call(&ours(LABELS), &call_of, &others_labels(), false);
        let added = [label("copied", "none"), label("rack", "r1")];
        let made = [labels(), added.to_vec()].concat();
        assert_eq!(outcome.seen[0].1[0], task_with(&made));
        assert_eq!(outcome.message(), others_labels());
    }
}

const ENVIRONMENT: &str = "[[hook.rules]]\nname = \"environment\"\nenvironment.set.OWN = \"rule\"\n\
                           environment.default.OTHER = \"rule\"\nenvironment.append.ODD = \"more\"\n";

#[test]
fn environment_of_a_module_before_ours_is_kept_and_seen() {
    let secret = executor_variables()[1].clone();
    let odd = variable("UNKNOWN", "1").number(UNKNOWN_FIELD, 9);
    let answer = list(&[variable("OTHER", "o"), secret.clone(), odd.clone()]);
    let outcome = call(&ours(ENVIRONMENT), &Call::executor_environment(&executor()), &answer, true);
    assert_eq!(outcome.seen[0].1, [executor()]);
    let mut answered = outcome.message().contents(1);
    assert_eq!(answered[..3], [variable("OTHER", "o"), secret, odd]);
    answered[3..].sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!(answered[3..], [plain_variable("ODD", "more"), plain_variable("OWN", "rule")]);
}

#[test]
fn environment_of_ours_is_seen_by_a_module_behind_it_which_has_the_last_word() {
    let rules = "[[hook.rules]]\nname = \"environment\"\nenvironment.set.OWN = \"rule\"\n";
    let answer = list(&[variable("OTHER", "o")]);
    let outcome = call(&ours(rules), &Call::executor_environment(&executor()), &answer, false);
    let mut made = executor_variables();
    made[0] = plain_variable("OWN", "rule");
    assert_eq!(outcome.seen[0].1, [executor_with(&made)]);
    assert_eq!(outcome.message(), answer);
}

#[test]
fn status_labels_go_from_module_to_module_and_the_rest_stays() {
    let rules = "[[hook.rules]]\nname = \"status\"\nstatus_labels.set.copied = \"ours\"\n";
    let call_of = Call::status(FRAMEWORK_ID, &status());
    let ours_makes = label("copied", "ours");
    // Another state, which the host ignores.
    let answer = Message::new().part(1, &id("task-1")).number(2, 2).part(12, &others_labels());
    let after = call(&ours(rules), &call_of, &answer, true);
    assert_eq!(
        after.message(),
        status_with(&[others_labels().contents(1), vec![ours_makes.clone()]].concat())
    );
    let before = call(&ours(rules), &call_of, &answer, false);
    assert_eq!(before.seen[0].1[1], status_with(&[labels(), vec![ours_makes]].concat()));
    assert_eq!(before.message(), status_with(&others_labels().contents(1)));
}

#[test]
fn resources_of_a_task_go_from_module_to_module() {
    let rules = "[[hook.rules]]\nname = \"small\"\ntask_resources.maximum.cpus = 2\n";
    let call_of = Call::master_resources(&task(), &agent());
    let (cpus, disk) =
        (scalar("cpus", 3.0, "prod/web"), scalar("disk", 5.0, "prod/web").number(UNKNOWN_FIELD, 9));
    let answer = Message::new().parts(4, &[disk.clone(), cpus.clone()]);
    let after = call(&ours(rules), &call_of, &answer, true);
    let cut = scalar("cpus", 2.0, "prod/web");
    assert_eq!(after.message(), list(&[disk.clone(), cut.clone()]));
    let before = call(&ours(rules), &call_of, &answer, false);
    // A TaskInfo holds numbers too: looked for, not read.
    let expected = Message::new().parts(4, &[cut, task_resources()[1].clone()]);
    let seen = &before.seen[0].1[0];
    assert!(seen.0.windows(expected.0.len()).any(|part| part == expected.0), "{seen:?}");
    assert_eq!(before.message(), list(&[disk, cpus]));
}

#[test]
fn resources_and_attributes_of_an_agent_go_from_module_to_module() {
    let rules = "[[hook.rules]]\nname = \"agents\"\nagent.reserve.cpus = 1\nagent.attributes.zone = \"z1\"\n";
    let disk = scalar("disk", 5.0, "").number(UNKNOWN_FIELD, 9);
    let made = Message::new().parts(3, &[disk.clone(), scalar("cpus", 2.0, "")]);
    let call_of = Call::agent_resources(&agent());
    let after = call(&ours(rules), &call_of, &made, true);
    assert_eq!(after.message(), list(&[disk.clone(), scalar("cpus", 1.0, "")]));
    let before = call(&ours(rules), &call_of, &made, false);
    let cut = [vec![scalar("cpus", 7.0, "")], agent_resources()[1..].to_vec()].concat();
    assert_eq!(before.seen[0].1[0].contents(3), cut);
    assert_eq!(before.message(), list(&[disk, scalar("cpus", 2.0, "")]));

    let other = attribute("other", "o");
    let made = Message::new().parts(5, std::slice::from_ref(&other));
    let call_of = Call::agent_attributes(&agent());
    let zone = attribute("zone", "z1");
    let after = call(&ours(rules), &call_of, &made, true);
    assert_eq!(after.message(), list(&[other.clone(), zone.clone()]));
    let before = call(&ours(rules), &call_of, &made, false);
    assert_eq!(before.seen[0].1[0].contents(5), [agent_attributes(), vec![zone]].concat());
    assert_eq!(before.message(), list(&[other]));
}

#[test]
fn an_error_of_the_other_module_leaves_what_ours_makes() {
    let (calls, unchanged): (Vec<Call>, Vec<Message>) = decorators().into_iter().unzip();
    let alone = ours(RULES).call(&calls).messages();
    for (call, (changed, unchanged)) in calls.iter().zip(alone.iter().zip(&unchanged)) {
        assert_ne!(changed, unchanged, "{}", call.method());
    }
    let fails: Vec<(&str, Reaction)> = calls.iter().map(|call| (call.method(), Reaction::Fails)).collect();
    for hooks in [ours(RULES).after_other(&fails), ours(RULES).before_other(&fails)] {
        let outcome = hooks.call(&calls);
        assert_eq!(outcome.messages(), alone);
        let complaints = outcome.complaints();
        assert_eq!(complaints.len(), calls.len(), "{complaints:#?}");
        for complaint in complaints {
            assert!(complaint.contains("the other hook is out of order"), "{complaint}");
        }
    }
}

#[test]
fn events_reach_ours_when_another_module_fails_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("audit.jsonl");
    let rules = format!("[[hook.rules]]\nname = \"audit\"\naudit.file = \"{}\"\n", file.display());
    let calls = [
        Call::post_fetch("container-1", SANDBOX),
        Call::executor_removed(&framework(), &executor()),
        Call::agent_lost(&agent()),
    ];
    let fails: Vec<(&str, Reaction)> = calls.iter().map(|call| (call.method(), Reaction::Fails)).collect();
    let mut calls = calls.to_vec();
    calls.push(Call::await_lines(&file, 3));
    let outcome = ours(&rules).after_other(&fails).call(&calls);
    assert_eq!(outcome.seen.len(), 3);
    assert_eq!(outcome.complaints().len(), 3, "{:#?}", outcome.complaints());
    assert_eq!(std::fs::read_to_string(&file).unwrap().lines().count(), 3);
}
