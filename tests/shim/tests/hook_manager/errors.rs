//! An error of ours: the hook manager goes on with what it had, and says so once.

use apportion_shim_tests::hook_manager::{Call, Outcome, Reaction};
use apportion_shim_tests::message::{Message, label, list};
use apportion_shim_tests::scene::{RULES, SANDBOX, agent, arrival, decorators, executor, framework};

use crate::ours;

/// The rules, with an entry point that panics on purpose.
fn drill(entry: &str) -> String {
    format!("{RULES}[drill]\npanic_in = [\"{entry}\"]\n")
}

/// The name of a method's entry point: words instead of humps.
fn entry_of(call: &Call) -> String {
    let humps = call.method().chars().map(|letter| match letter {
        'A'..='Z' => format!("_{}", letter.to_ascii_lowercase()),
        letter => letter.to_string(),
    });
    format!("hook.{}", humps.collect::<String>())
}

/// The one complaint, which names module, entry point and reason, beside the one that announces the drill.
fn expect_one_complaint(outcome: &Outcome, call: &Call) {
    let mut complaints = outcome.complaints();
    complaints.retain(|line| !line.contains("will panic on purpose"));
    assert_eq!(complaints.len(), 1, "{}: {complaints:#?}", call.method());
    for part in ["org_apportion_Hook", &entry_of(call), "drill"] {
        assert!(complaints[0].contains(part), "{part}: {}", complaints[0]);
    }
    assert!(complaints[0].starts_with('W'), "{}", complaints[0]);
}

#[test]
fn an_error_of_a_decorator_leaves_the_message_as_it_was_and_one_warning() {
    for (call, unchanged) in decorators() {
        let outcome = ours(&drill(&entry_of(&call))).call(std::slice::from_ref(&call));
        assert_eq!(outcome.message(), unchanged, "{}", call.method());
        expect_one_complaint(&outcome, &call);
        let without = ours(RULES).call(std::slice::from_ref(&call));
        assert_ne!(without.message(), unchanged, "the rules act: {}", call.method());
    }
}

#[test]
fn an_error_at_an_event_is_one_warning() {
    for call in [
        Call::post_fetch("container-1", SANDBOX),
        Call::executor_removed(&framework(), &executor()),
        Call::agent_lost(&agent()),
    ] {
        let outcome = ours(&drill(&entry_of(&call))).call(std::slice::from_ref(&call));
        assert_eq!(outcome.message(), Message::new());
        expect_one_complaint(&outcome, &call);
    }
}

#[test]
fn an_error_of_ours_leaves_what_the_other_module_makes() {
    let made = list(&[label("other", "o")]);
    let config = drill("hook.slave_run_task_label_decorator");
    let others = [("slaveRunTaskLabelDecorator", Reaction::Answers(made.clone()))];
    for hooks in [ours(&config).after_other(&others), ours(&config).before_other(&others)] {
        let outcome = hooks.call(&[arrival()]);
        assert_eq!(outcome.message(), made);
        expect_one_complaint(&outcome, &arrival());
    }
}
