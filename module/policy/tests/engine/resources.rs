//! What rules make of a task's and an agent's resources.

use apportion_policy::{Amounts, HookPoint, Rule, Share, Subject, Verdict};
use proptest::prelude::*;

use crate::scenes::{amount, amounts, book, call};

const TASK: HookPoint = HookPoint::MasterLaunchTaskResources;

type Listed<'a> = &'a [(&'a str, &'a str)];

fn listed(pairs: Listed<'_>) -> Vec<(String, apportion_policy::Amount)> {
    pairs.iter().map(|(name, text)| ((*name).to_owned(), amount(text))).collect()
}

fn rule(default: Listed<'_>, minimum: Listed<'_>, round: Listed<'_>, maximum: Listed<'_>) -> Rule {
    let mut rule = Rule::named("resources");
    rule.task_resources.default = listed(default);
    rule.task_resources.minimum = listed(minimum);
    rule.task_resources.round = listed(round);
    rule.task_resources.maximum = listed(maximum);
    rule
}

fn applied(rule: Rule, there: Listed<'_>, ceiling: Option<Listed<'_>>) -> (Amounts, Vec<String>) {
    let ceiling = ceiling.map(amounts);
    let decoration = book(vec![rule]).resources(TASK, &call(), amounts(there), ceiling.as_ref());
    assert!(decoration.faults.is_empty());
    (decoration.amounts, decoration.changes.iter().map(ToString::to_string).collect())
}

#[test]
fn default_is_for_what_the_task_has_nothing_of() {
    let defaults = rule(&[("disk", "64"), ("mem", "1")], &[], &[], &[]);
    let (decorated, told) = applied(defaults, &[("cpus", "1"), ("mem", "32"), ("disk", "0")], None);
    assert_eq!(decorated, amounts(&[("cpus", "1"), ("mem", "32"), ("disk", "64")]));
    assert_eq!(told, ["disk: 0 becomes 64"]);
}

#[test]
fn minimum_and_rounding_lift_and_maximum_has_the_last_word() {
    let all = rule(&[], &[("mem", "128"), ("gpus", "1")], &[("mem", "64"), ("cpus", "3")], &[("cpus", "8")]);
    let (decorated, told) = applied(all.clone(), &[("cpus", "7.5"), ("mem", "130")], None);
    assert_eq!(decorated, amounts(&[("cpus", "8"), ("mem", "192")]));
    assert_eq!(told, ["mem: 130 becomes 192", "cpus: 7.5 becomes 8"]);
    let (decorated, _) = applied(all, &[("cpus", "9"), ("mem", "0.001")], None);
    assert_eq!(decorated, amounts(&[("cpus", "8"), ("mem", "128")]), "no gpus: a minimum is no default");
}

#[test]
fn nothing_grows_beyond_what_there_is_and_that_is_told() {
    let more = rule(&[("disk", "64")], &[("mem", "500")], &[("mem", "100")], &[]);
    let there = [("cpus", "1"), ("mem", "150")];
    let (decorated, told) = applied(more.clone(), &there, Some(&[("cpus", "0.5"), ("mem", "350")]));
    assert_eq!(decorated, amounts(&[("cpus", "1"), ("mem", "300")]), "rounded down, and cpus not cut");
    assert_eq!(
        told,
        [
            "disk: 0 becomes 0 (the rule asks for 64, there is no more)",
            "mem: 150 becomes 300 (the rule asks for 500, there is no more)"
        ]
    );
    let (decorated, _) = applied(more, &there, Some(&[("mem", "100"), ("disk", "64")]));
    assert_eq!(decorated, amounts(&[("cpus", "1"), ("mem", "150"), ("disk", "64")]));
}

#[test]
fn reserve_is_taken_off_what_the_agent_offers() {
    let mut rule = Rule::named("system");
    let share = |text| Share::parse(text).unwrap();
    rule.agent.reserve =
        vec![("cpus".into(), share("0.5")), ("mem".into(), share("5%")), ("disk".into(), share("1"))];
    rule.agent.reserve.push(("gpus".into(), share("8")));
    let there = amounts(&[("cpus", "16"), ("mem", "1000"), ("gpus", "2")]);
    let decoration = book(vec![rule]).resources(HookPoint::SlaveResources, &call(), there, None);
    assert_eq!(decoration.amounts, amounts(&[("cpus", "15.5"), ("mem", "950"), ("gpus", "0")]));
    let told: Vec<String> = decoration.changes.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["cpus: 16 becomes 15.5", "mem: 1000 becomes 950", "gpus: 2 becomes 0"]);
}

#[test]
fn rehearsal_tells_what_each_rule_does_to_resources() {
    let first = rule(&[("disk", "64")], &[], &[], &[]);
    let second = Rule { name: "double".into(), ..rule(&[("disk", "1")], &[("disk", "128")], &[], &[]) };
    let rules = book(vec![first, second]);
    let subject = Subject::Amounts { amounts: Amounts::new(), ceiling: Some(amounts(&[("disk", "100")])) };
    let explained = rules.explain(TASK, &call(), &subject);
    let told: Vec<String> = explained.iter().flat_map(|one| &one.amounts).map(ToString::to_string).collect();
    assert!(explained.iter().all(|one| one.verdict == Verdict::Matched));
    assert_eq!(
        told,
        ["disk: 0 becomes 64", "disk: 64 becomes 100 (the rule asks for 128, there is no more)"]
    );
}

#[test]
fn impossible_amounts_are_told_when_the_rule_is_read() {
    let said = |rule: Rule| rule.problems().iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(
        said(rule(&[("disk", "0")], &[("mem", "9")], &[("mem", "0")], &[("mem", "8")])),
        [
            "task_resources.default.disk: found 0, expected an amount above 0",
            "task_resources.round.mem: found 0, expected an amount above 0",
            "task_resources.minimum.mem: found 9, expected at most the maximum, 8"
        ]
    );
    let ports = said(rule(&[("ports", "5")], &[], &[], &[]));
    assert_eq!(
        ports,
        [
            "task_resources.default.ports: found `ports`, which is a list of ranges, expected a resource with an amount, such as cpus or mem"
        ]
    );
}

fn some_amounts() -> impl Strategy<Value = Amounts> {
    let amount = (0_i64..10_000).prop_map(apportion_policy::Amount::from_thousandths);
    proptest::collection::btree_map("[a-d]", amount, 0..4)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_named_by_no_rule_stays_and_nothing_passes_ceiling_or_maximum(
        there in some_amounts(), ceiling in some_amounts(), default in some_amounts(), minimum in some_amounts(),
        round in some_amounts(), maximum in some_amounts()
    ) {
        let list = |amounts: &Amounts| amounts.iter().map(|(name, amount)| (name.clone(), *amount)).collect::<Vec<_>>();
        let mut rule = Rule::named("any");
        rule.task_resources.default = list(&default);
        rule.task_resources.minimum = list(&minimum);
        rule.task_resources.round = list(&round);
        rule.task_resources.maximum = list(&maximum);
        prop_assume!(rule.problems().is_empty());
        let decoration = book(vec![rule]).resources(TASK, &call(), there.clone(), Some(&ceiling));
        for (name, after) in &decoration.amounts {
            let before = there.get(name).copied().unwrap_or_default();
            let named = [&default, &minimum, &round, &maximum].iter().any(|list| list.contains_key(name));
            prop_assert!(named || *after == before);
            prop_assert!(*after <= before.max(ceiling.get(name).copied().unwrap_or_default()));
            prop_assert!(maximum.get(name).is_none_or(|maximum| after <= maximum));
        }
        prop_assert!(there.keys().all(|name| decoration.amounts.contains_key(name)));
    }
}
