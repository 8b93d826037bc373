//! What a call costs in memory: nothing for rules that do not match.
//!
//! A program of its own, because it counts what the whole process allocates on this thread.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failure to prepare a test is a failure of the test")]

use allocation_counter::measure;
use apportion_policy::{
    AttributeTest, Condition, Entries, Facts, FrameworkFacts, HookCall, HookPoint, LabelActions,
    ResourceTest, Rule, Rulebook, TaskFacts, TextField, ValueSource,
};

fn rule(number: usize, condition: Condition) -> Rule {
    let team = ("team".to_owned(), ValueSource::parse("{{ framework.role }}", &["framework"]).unwrap());
    let labels = LabelActions { set: vec![team], ..LabelActions::default() };
    Rule { condition, labels, ..Rule::named(&format!("rule {number}")) }
}

fn call() -> HookCall {
    let framework = FrameworkFacts { role: Some("prod/web".into()), ..FrameworkFacts::default() };
    let task = TaskFacts {
        name: Some("web-1".into()),
        labels: Some(Default::default()),
        resources: Some([("cpus".to_owned(), "2".to_owned())].into()),
        ..TaskFacts::default()
    };
    HookCall {
        facts: Facts { framework: Some(framework), task: Some(task), ..Facts::default() },
        ..HookCall::default()
    }
}

fn text(field: TextField, pattern: &str) -> Condition {
    Condition::text(field, &[pattern]).unwrap()
}

/// Allocations of a call with these rules.
fn allocations(rules: &[Condition]) -> u64 {
    let rules =
        rules.iter().cloned().enumerate().map(|(number, condition)| rule(number, condition)).collect();
    let rules = Rulebook::new(rules).unwrap();
    let (call, there) = (call(), Entries::default());
    let decorate = || drop(rules.decorate(HookPoint::SlaveRunTaskLabels, &call, there.clone()));
    // What a regular expression needs to run it keeps from its first use on.
    decorate();
    measure(decorate).count_total
}

#[test]
fn a_thousand_rules_for_other_roles_and_tasks_cost_no_allocation() {
    let mut rules = Vec::new();
    for number in 0..250 {
        rules.push(text(TextField::Role, &format!("prod/other-{number}")));
        rules.push(text(TextField::Role, &format!("dev-{number}/**")));
        rules.push(text(TextField::Task, &format!("batch-{number}")));
        rules.push(Condition::All(vec![
            Condition::Resource(ResourceTest::parse("cpus > 1").unwrap()),
            text(TextField::Role, &format!("stage/{number}")),
        ]));
    }
    assert_eq!(allocations(&rules), allocations(&[]));
}

#[test]
fn rules_that_have_to_be_looked_at_and_do_not_match_cost_no_allocation() {
    let role = || text(TextField::Role, "dev/**");
    let rules = [
        text(TextField::Task, "db-*"),
        text(TextField::Task, "*-2"),
        text(TextField::Task, "/^db-[0-9]+$/"),
        text(TextField::Role, "*/api"),
        text(TextField::Hostname, "*.example"),
        Condition::Not(Box::new(text(TextField::Role, "prod/**"))),
        Condition::Any(vec![role(), Condition::Resource(ResourceTest::parse("gpus").unwrap())]),
        Condition::Attribute(AttributeTest::parse("rack in [a, b]").unwrap()),
        Condition::Resource(ResourceTest::parse("cpus > 4.5").unwrap()),
    ];
    assert_eq!(allocations(&rules), allocations(&[]));
}

#[test]
fn the_counter_counts() {
    assert!(allocations(&[Condition::default()]) > allocations(&[]));
}
