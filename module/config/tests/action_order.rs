//! The order in which the actions of one rule are done is that in which the schema lists them.

#![allow(clippy::unwrap_used, reason = "a failure to prepare a test is a failure of the test")]

use apportion_config::{Config, SchemaTable};
use apportion_policy::{Amount, Amounts, Entries, HookCall, HookPoint, Rulebook};

fn rules(actions: &str) -> Rulebook {
    let config = Config::from_text(&format!("[[hook.rules]]\nname = \"r\"\n{actions}")).unwrap();
    Rulebook::new(config.hook.rules_in_order()).unwrap()
}

fn listed(table: &str) -> Vec<&'static str> {
    SchemaTable::at(table).unwrap().keys.iter().map(|row| row.key).collect()
}

/// Names and values after a rule, in the order of the names.
fn decorated(point: HookPoint, actions: &str, there: &[(&str, &str)]) -> Vec<(String, String)> {
    let there: Entries = there.iter().map(|(name, value)| (*name, Some(*value))).collect();
    let entries = rules(actions).decorate(point, &HookCall::default(), there).entries;
    let pair = |entry: &apportion_policy::Entry| {
        (entry.name.to_string(), entry.value.as_deref().unwrap_or_default().to_owned())
    };
    let mut pairs: Vec<(String, String)> = entries.iter().map(pair).collect();
    pairs.sort();
    pairs
}

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn environment_actions_are_done_as_listed() {
    let listed = listed("hook.rules.environment");
    assert_eq!(listed, ["unset", "rename", "set", "default", "prepend", "append"]);
    let env = |actions: &str, there: &[(&str, &str)]| {
        decorated(HookPoint::SlaveExecutorEnvironment, actions, there)
    };
    // What was unset is not renamed; what was renamed is not unset.
    let found = env(
        "environment = { unset = [\"A\"], rename = { A = \"X\", B = \"A\" } }",
        &[("A", "1"), ("B", "2")],
    );
    assert_eq!(found, owned(&[("A", "2")]));
    // A new name is there when values are set, an old one is not.
    let found = env("environment = { rename = { A = \"B\" }, set = { A = \"new\" } }", &[("A", "1")]);
    assert_eq!(found, owned(&[("A", "new"), ("B", "1")]));
    let found = env("environment = { rename = { A = \"B\" }, default = { B = \"new\" } }", &[("A", "1")]);
    assert_eq!(found, owned(&[("B", "1")]));
    // Additions join what was set, or the default.
    let found = env(
        "environment = { set = { A = \"s\" }, default = { B = \"d\" }, prepend = { A = \"p\", B = \"p\", C = \"p\" }, append = { A = \"a\", B = \"a\", C = \"a\" } }",
        &[],
    );
    assert_eq!(found, owned(&[("A", "p s a"), ("B", "p d a"), ("C", "p a")]));
}

#[test]
fn label_actions_are_done_as_listed() {
    for table in ["labels", "status_labels"] {
        assert_eq!(listed(&format!("hook.rules.{table}")), ["remove", "set", "default"]);
    }
    let actions = "labels = { remove = [\"*\"], set = { a = \"s\" }, default = { b = \"d\" } }";
    let found = decorated(HookPoint::SlaveRunTaskLabels, actions, &[("a", "1"), ("b", "2"), ("c", "3")]);
    assert_eq!(found, owned(&[("a", "s"), ("b", "d")]));
}

#[test]
fn task_resource_actions_are_done_as_listed() {
    assert_eq!(listed("hook.rules.task_resources"), ["default", "minimum", "round", "maximum"]);
    let after = |actions: &str, there: &[(&str, &str)]| {
        let amounts: Amounts =
            there.iter().map(|(name, amount)| ((*name).to_owned(), Amount::parse(amount).unwrap())).collect();
        let rules = rules(&format!("task_resources = {actions}"));
        let point = HookPoint::MasterLaunchTaskResources;
        let amounts = rules.resources(point, &HookCall::default(), amounts, None).amounts;
        amounts.get("mem").map(ToString::to_string)
    };
    // The default is rounded; the minimum is for what is there, and is rounded; the maximum has the last word.
    assert_eq!(after("{ default = { mem = 100 }, round = { mem = 64 } }", &[]).as_deref(), Some("128"));
    assert_eq!(after("{ minimum = { mem = 100 } }", &[]), None);
    assert_eq!(
        after("{ minimum = { mem = 100 }, round = { mem = 64 } }", &[("mem", "10")]).as_deref(),
        Some("128")
    );
    assert_eq!(
        after("{ round = { mem = 64 }, maximum = { mem = 100 } }", &[("mem", "90")]).as_deref(),
        Some("100")
    );
}

#[test]
fn values_see_what_there_was_before_the_rule() {
    let actions = "environment = { set = { A = \"new\" }, append = { B = \"{{ env.A }}\" } }";
    let found = decorated(HookPoint::SlaveExecutorEnvironment, actions, &[("A", "old"), ("B", "b")]);
    assert_eq!(found, owned(&[("A", "new"), ("B", "b old")]));
}

#[test]
fn facts_are_text_and_cannot_be_reckoned_with() {
    for expression in ["env.A - 1", "env.A / 2", "env.A + 1"] {
        let actions = format!("environment.set.B = \"{{{{ {expression} }}}}\"");
        let there: Entries = [("A", Some("8"))].into_iter().collect();
        let decoration =
            rules(&actions).decorate(HookPoint::SlaveExecutorEnvironment, &HookCall::default(), there);
        assert_eq!(decoration.faults.len(), 1, "{expression}: {:?}", decoration.changes);
    }
}
