//! Where no rule acts, nothing changes.

use apportion_shim_tests::hook_manager::Call;
use apportion_shim_tests::message::Message;
use apportion_shim_tests::scene::{FRAMEWORK_ID, agent, every_method, framework, status_with, task_with};

use crate::ours;

/// Makes every call under a configuration and compares each answer with what came in.
fn expect_no_change(config: &str) {
    let (calls, expected): (Vec<Call>, Vec<Message>) = every_method().into_iter().unzip();
    let outcome = ours(config).call(&calls);
    for ((call, answer), expected) in calls.iter().zip(outcome.messages()).zip(expected) {
        assert_eq!(answer, expected, "{}", call.method());
    }
    assert_eq!(outcome.complaints(), [""; 0]);
}

#[test]
fn without_rules_every_message_comes_back_byte_for_byte() {
    expect_no_change("");
}

#[test]
fn where_no_rule_matches_every_message_comes_back_byte_for_byte() {
    let rule = |name: &str, actions: &str| {
        format!(
            "[[hook.rules]]\nname = \"{name}\"\nmatch.any = [{{ role = \"dev\" }}, {{ hostname = \"elsewhere\" }}]\n\
             {actions}\n"
        )
    };
    let rules = [
        rule("labels", "labels.set.team = \"b\""),
        rule("status", "status_labels.set.team = \"b\""),
        rule("environment", "environment.set.OWN = \"rule\""),
        rule("sizes", "task_resources.maximum.cpus = 1"),
        rule("agent", "agent.attributes.rack = \"r2\"\nagent.reserve.cpus = 1"),
    ];
    expect_no_change(&rules.concat());
}

#[test]
fn rules_that_ask_for_what_is_there_change_nothing() {
    expect_no_change(
        "[[hook.rules]]\nname = \"as it is\"\nlabels.set.team = \"a\"\nlabels.default.odd = \"b\"\n\
         status_labels.set.team = \"a\"\ntask_resources.maximum.cpus = 4\nagent.attributes.rack = \"r1\"\n\
         [[hook.rules]]\nname = \"environment as it is\"\nat = [\"executor_environment\"]\n\
         environment.default.OWN = \"b\"\n",
    );
}

#[test]
fn what_has_no_labels_gets_none() {
    let (status, task) = (status_with(&[]), task_with(&[]));
    let calls = [Call::status(FRAMEWORK_ID, &status), Call::master_labels(&task, &framework(), &agent())];
    assert_eq!(ours("").call(&calls).messages(), [status, Message::new()]);
}
