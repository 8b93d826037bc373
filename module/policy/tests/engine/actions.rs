//! What actions make of environments, labels and attributes.

use crate::scenes::{SECRET, assigned, book, call, entries, environment, pairs, sets, value};
use apportion_policy::{
    ENTRIES_BYTES_MAX, ENTRIES_MAX, Entries, HookPoint, Joined, Pattern, Rule, Rulebook, Subject,
    UNSAFE_VARIABLES, VALUE_BYTES_MAX, Verdict,
};
use proptest::prelude::*;

fn joined(name: &str, source: &str, separator: &str) -> (String, Joined) {
    (name.to_owned(), Joined { value: value(source), separator: separator.to_owned() })
}

fn patterns(sources: &[&str]) -> Vec<Pattern> {
    sources.iter().map(|source| Pattern::parse(source).unwrap()).collect()
}

#[test]
fn what_nothing_names_stays_in_its_place() {
    let mut rule = sets("set", &[("B", "2")]);
    rule.environment.default = assigned(&[("C", "new"), ("D", "4")]);
    let decoration = environment(rule, &[("A", "1"), ("B", "old"), ("C", "3")]);
    assert_eq!(decoration.entries, entries(&[("A", "1"), ("B", "2"), ("C", "3"), ("D", "4")]));
    let changed: Vec<&str> = decoration.changes.iter().map(|change| &*change.name).collect();
    assert_eq!(changed, ["B", "D"]);
}

#[test]
fn what_stays_the_same_is_no_change() {
    assert!(environment(sets("same", &[("A", "1")]), &[("A", "1")]).changes.is_empty());
}

#[test]
fn additions_stand_before_and_behind_what_is_there() {
    let mut rule = Rule::named("join");
    rule.environment.prepend = vec![joined("OPTS", "-first", Joined::SEPARATOR), joined("NEW", "only", ":")];
    rule.environment.append = vec![joined("OPTS", "-last", Joined::SEPARATOR), joined("EMPTY", "x", ":")];
    let decoration = environment(rule, &[("OPTS", "-Xmx1g"), ("EMPTY", "")]);
    let expected = entries(&[("OPTS", "-first -Xmx1g -last"), ("EMPTY", "x"), ("NEW", "only")]);
    assert_eq!(decoration.entries, expected);
}

#[test]
fn unset_and_rename_come_before_set() {
    let mut rule = sets("order", &[("NEW", "{{ env.OLD }}!")]);
    rule.environment.unset = patterns(&["TMP_*", "GONE"]);
    rule.environment.rename = vec![("OLD".into(), "NEW".into()), ("MISSING".into(), "X".into())];
    let there = [("TMP_A", "1"), ("NEW", "replaced"), ("OLD", "kept"), ("GONE", "2"), ("TMP_B", "3")];
    let decoration = environment(rule, &there);
    assert_eq!(decoration.entries, entries(&[("NEW", "kept!")]));
    let gone = decoration.changes.iter().filter(|change| change.after.is_none()).count();
    assert_eq!((gone, decoration.changes.len()), (4, 5));
}

#[test]
fn a_rule_sees_what_rules_before_it_left_and_not_its_own_actions() {
    let rules = book(vec![
        sets("one", &[("A", "1"), ("B", "{{ env.A | default('none') }}")]),
        sets("two", &[("C", "{{ env.A }}{{ env.B }}{{ env.LANG }}")]),
    ]);
    let decoration = rules.decorate(HookPoint::SlaveExecutorEnvironment, &call(), entries(&[("LANG", "C")]));
    let last = pairs(&decoration.entries).pop().unwrap();
    assert_eq!(last, ("C".to_owned(), "1noneC".to_owned()));
}

#[test]
fn templates_name_further_facts() {
    let source = "{{ host.kernel }} {{ container.type }} {{ container.image }} {{ task.environment.JAVA_OPTS }} \
                  {{ agent.environment.REGION }} {{ executor.environment.X | default('-') }} {{ task.labels.team }}";
    let decoration = environment(sets("facts", &[("A", source)]), &[]);
    assert_eq!(
        pairs(&decoration.entries),
        [("A".to_owned(), "6.1 docker registry/app:latest -Xmx1g eu - payments".to_owned())],
        "{:?}",
        decoration.faults
    );
    let missing = environment(sets("facts", &[("A", "{{ host.gpus }}{{ env.NONE }}")]), &[]);
    let reason = "`A`: `env.NONE`, `host.gpus` are not known here";
    assert_eq!(missing.faults[0].reason, reason);
}

#[test]
fn labels_without_value_and_labels_twice_survive() {
    let there: Entries =
        [("a", None), ("b", Some("1")), ("b", Some("2")), ("c", Some("3"))].into_iter().collect();
    let mut rule = Rule::named("labels");
    rule.labels.set = assigned(&[("c", "{{ framework.role }}")]);
    rule.labels.default = assigned(&[("a", "x"), ("b", "x")]);
    let rules = book(vec![rule]);
    let kept = rules.decorate(HookPoint::MasterLaunchTaskLabels, &call(), there.clone());
    assert_eq!(kept.changes.len(), 1);
    assert_eq!(kept.entries.len(), 4);

    let mut rule = Rule::named("labels");
    rule.labels.set = assigned(&[("b", "9")]);
    let set = book(vec![rule]).decorate(HookPoint::MasterLaunchTaskLabels, &call(), there.clone());
    assert_eq!(set.entries.len(), 3, "the value replaces both");

    let mut rule = Rule::named("labels");
    rule.labels.remove = patterns(&["b", "z*"]);
    let removed = book(vec![rule]).decorate(HookPoint::MasterLaunchTaskLabels, &call(), there);
    assert_eq!((removed.entries.len(), removed.changes.len()), (2, 1));
}

#[test]
fn thousands_of_labels_go_together_or_not_at_all() {
    let names: Vec<String> = (0..50_000)
        .map(|number| format!("{}.{number}", if number % 2 == 0 { "tmp" } else { "kept" }))
        .collect();
    let there: Entries = names.iter().map(|name| (name.as_str(), Some("x"))).collect();
    let mut rule = Rule::named("remove");
    rule.labels.remove = patterns(&["tmp.*", "kept.1"]);
    rule.labels.set = assigned(&[("tmp.0", "new")]);
    let mut broken = rule.clone();
    broken.labels.default = assigned(&[("fact", "{{ host.cloud }}")]);
    let decorate = |rule| book(vec![rule]).decorate(HookPoint::SlaveRunTaskLabels, &call(), there.clone());
    let removed = decorate(rule);
    assert_eq!((removed.entries.len(), removed.changes.len()), (25_000, 25_001));
    let kept = decorate(broken);
    assert_eq!((kept.faults.len(), kept.changes.len()), (1, 0));
    assert_eq!(kept.entries, there);
}

#[test]
fn status_labels_and_attributes_have_points_of_their_own() {
    let mut rule = Rule::named("all");
    rule.status_labels.set = assigned(&[("host", "{{ agent.hostname }}")]);
    rule.agent.attributes = assigned(&[("kernel", "{{ host.kernel }}")]);
    let rules = book(vec![rule]);
    let of = |point| rules.decorate(point, &call(), Entries::default()).entries;
    assert_eq!(of(HookPoint::SlaveTaskStatus), entries(&[("host", "n7.r3.example")]));
    assert_eq!(of(HookPoint::SlaveAttributes), entries(&[("kernel", "6.1")]));
    for point in
        [HookPoint::MasterLaunchTaskLabels, HookPoint::SlaveExecutorEnvironment, HookPoint::MasterSlaveLost]
    {
        assert!(of(point).is_empty(), "{point:?}");
    }
}

#[test]
fn unsafe_variables_need_leave_whatever_is_done_with_them() {
    for listed in UNSAFE_VARIABLES {
        let name = listed.replace('*', "PRELOAD");
        let mut rules = vec![sets("set", &[(&name, "x")])];
        let mut rule = Rule::named("default");
        rule.environment.default = assigned(&[(&name, "x")]);
        rules.push(rule);
        let mut rule = Rule::named("append");
        rule.environment.append = vec![joined(&name, "x", ":")];
        rules.push(rule);
        let mut rule = Rule::named("rename from");
        rule.environment.rename = vec![(name.clone(), "X".into())];
        rules.push(rule);
        let mut rule = Rule::named("rename to");
        rule.environment.rename = vec![("X".into(), name.clone())];
        rules.push(rule);
        let mut rule = Rule::named("unset");
        rule.environment.unset = patterns(&[&name]);
        rules.push(rule);
        for rule in rules {
            let problems = rule.problems();
            assert_eq!(problems.len(), 1, "{name} {}: {problems:?}", rule.name);
            let said = problems[0].to_string();
            assert!(
                said.ends_with("expected another variable, or `unsafe_env = true` in the rule"),
                "{said}"
            );
            assert!(Rule { unsafe_env: true, ..rule }.problems().is_empty());
        }
    }
}

#[test]
fn globs_for_unsafe_variables_need_leave_too() {
    for glob in ["LD_*", "*", "PAT?", "LD_PRE*", "/^LD_/"] {
        let mut rule = Rule::named("unset");
        rule.environment.unset = patterns(&[glob]);
        assert_eq!(rule.problems().len(), 1, "{glob}");
    }
    // One that only shows when it meets the variable.
    let mut rule = sets("unset", &[("A", "1")]);
    rule.environment.unset = patterns(&["*_BIND_NOW"]);
    assert!(rule.problems().is_empty());
    let there = [("LD_BIND_NOW", "1")];
    let decoration = environment(rule.clone(), &there);
    assert_eq!(decoration.entries, entries(&there), "no action takes effect");
    assert!(decoration.faults[0].reason.contains("would remove `LD_BIND_NOW`"), "{:?}", decoration.faults);
    rule.unsafe_env = true;
    assert_eq!(environment(rule, &there).entries, entries(&[("A", "1")]));
}

#[test]
fn a_rule_that_crosses_a_limit_does_nothing() {
    let many: Vec<(String, String)> =
        (0..ENTRIES_MAX).map(|number| (format!("V{number}"), "x".into())).collect();
    let full: Entries = many.iter().map(|(name, value)| (name.as_str(), Some(value.as_str()))).collect();
    let decorate = |rule: Rule, there: &Entries| {
        book(vec![rule]).decorate(HookPoint::SlaveExecutorEnvironment, &call(), there.clone())
    };
    let one_more = decorate(sets("more", &[("V1", "changed"), ("NEW", "1")]), &full);
    assert_eq!((one_more.entries.len(), one_more.changes.len()), (ENTRIES_MAX, 0));
    assert_eq!(one_more.faults[0].reason, "there would be 1001 of them, more than 1000");
    assert!(decorate(sets("same", &[("V1", "y")]), &full).faults.is_empty());

    let long = "x".repeat(VALUE_BYTES_MAX - 10);
    let wide = entries(&[("A", &long), ("B", &long), ("C", &long), ("D", &long)]);
    assert!(wide.bytes() < ENTRIES_BYTES_MAX);
    let too_wide = decorate(sets("wide", &[("E", &"y".repeat(100))]), &wide);
    assert!(too_wide.faults[0].reason.starts_with("together they would have"), "{:?}", too_wide.faults);
    let mut rule = Rule::named("long");
    rule.environment.append = vec![joined("A", "0123456789", "")];
    assert!(decorate(rule, &wide).faults.is_empty());
    let mut rule = Rule::named("too long");
    rule.environment.append = vec![joined("A", "0123456789", " ")];
    let too_long = decorate(rule, &wide);
    assert_eq!(too_long.faults[0].reason, "`A`: the value would be 65537 bytes long, more than 65536");
    assert_eq!(too_long.entries, wide);
}

#[test]
fn files_are_values_and_what_is_in_them_is_never_told() {
    let mut rule = sets("file", &[("PASSWORD", "file:/etc/secret")]);
    rule.environment.append = vec![joined("URL", "{{ env.TOKEN }}", "?")];
    let copies = sets("copy", &[("COPY", "{{ env.PASSWORD }}"), ("ALL", "{{ env['PASS' ~ 'WORD'] }}")]);
    let wrong = sets("wrong", &[("X", "{{ env.PASSWORD | truncate(env.PASSWORD) }}")]);
    let rules = book(vec![sets("token", &[("TOKEN", "file:/etc/secret")]), rule, copies, wrong]);
    assert_eq!(rules.files(), ["/etc/secret"]);
    let there = entries(&[("URL", "http://x"), ("OTHER", "1")]);
    let point = HookPoint::SlaveExecutorEnvironment;
    let decoration = rules.decorate(point, &call(), there.clone());
    let hidden: Vec<&str> =
        decoration.entries.iter().filter(|entry| entry.secret).map(|entry| &*entry.name).collect();
    assert_eq!(hidden, ["URL", "TOKEN", "PASSWORD", "COPY", "ALL"]);
    assert_eq!(decoration.entries.get("ALL").unwrap().value.as_deref(), Some(SECRET));
    assert_eq!(decoration.faults.len(), 1);
    let explained = rules.explain(point, &call(), &Subject::Entries(there));
    let told = format!("{decoration:?} {explained:?} {:?} {rules:?} {:?}", call(), rules.report());
    assert!(!told.contains(SECRET), "{told}");
}

#[test]
fn files_that_are_not_there_are_faults() {
    let rules =
        book(vec![sets("gone", &[("A", "file:/etc/gone")]), sets("unread", &[("A", "file:/etc/other")])]);
    let decoration = rules.decorate(HookPoint::SlaveExecutorEnvironment, &call(), Entries::default());
    let reasons: Vec<&str> = decoration.faults.iter().map(|fault| fault.reason.as_str()).collect();
    assert_eq!(
        reasons,
        ["`A`: /etc/gone cannot be read: there is no such file", "`A`: /etc/other has not been read"]
    );
}

/// Short names, so that they meet; no unsafe ones among them.
fn names() -> impl Strategy<Value = String> {
    "[A-D]{1,2}"
}

fn any_entries() -> impl Strategy<Value = Vec<(String, Option<String>)>> {
    proptest::collection::vec((names(), proptest::option::of("[a-z]{0,3}")), 0..12)
}

fn any_assignments() -> impl Strategy<Value = Vec<(String, String)>> {
    let source =
        prop_oneof!["[a-z]{0,3}", Just("{{ env.A }}".to_owned()), Just("{{ env.B | default('x') }}".into())];
    proptest::collection::vec((names(), source), 0..3)
}

prop_compose! {
    fn any_rule()(
        set in any_assignments(), default in any_assignments(), append in any_assignments(),
        unset in proptest::collection::vec(names(), 0..2), rename in proptest::collection::vec((names(), names()), 0..2)
    ) -> Rule {
        let sources = |pairs: Vec<(String, String)>| {
            pairs.into_iter().map(|(name, source)| (name, value(&source))).collect::<Vec<_>>()
        };
        let mut rule = Rule::named("any");
        rule.environment.set = sources(set);
        rule.environment.default = sources(default);
        rule.environment.append = append.iter().map(|(name, source)| joined(name, source, ":")).collect();
        rule.environment.unset = unset.iter().map(|name| Pattern::parse(name).unwrap()).collect();
        rule.environment.rename = rename;
        rule
    }
}

fn named_by(rule: &Rule, name: &str) -> bool {
    let actions = &rule.environment;
    actions.set.iter().chain(&actions.default).any(|(named, _)| named == name)
        || actions.append.iter().any(|(named, _)| named == name)
        || actions.unset.iter().any(|pattern| pattern.matches(name))
        || actions.rename.iter().any(|(old, new)| old == name || new == name)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn merging_never_loses_or_moves_what_no_action_names(rules in proptest::collection::vec(any_rule(), 1..4), there in any_entries()) {
        let rules: Vec<Rule> = rules
            .into_iter()
            .enumerate()
            .map(|(number, rule)| Rule { name: format!("rule {number}"), ..rule })
            .filter(|rule| rule.problems().is_empty())
            .collect();
        let there: Entries = there.iter().map(|(name, value)| (name.as_str(), value.as_deref())).collect();
        let unnamed = |entries: &Entries| {
            let kept = entries.iter().filter(|entry| !rules.iter().any(|rule| named_by(rule, &entry.name)));
            kept.cloned().collect::<Vec<_>>()
        };
        let decoration =
            Rulebook::new(rules.clone()).unwrap().decorate(HookPoint::SlaveExecutorEnvironment, &call(), there.clone());
        prop_assert_eq!(unnamed(&there), unnamed(&decoration.entries));
        for change in &decoration.changes {
            prop_assert!(rules.iter().any(|rule| named_by(rule, &change.name)));
            prop_assert_eq!(change.after.as_ref(), decoration.entries.get(&change.name));
        }
    }

    #[test]
    fn rules_one_by_one_give_what_they_give_together(first in any_rule(), second in any_rule(), there in any_entries()) {
        let (first, second) = (Rule { name: "first".into(), ..first }, Rule { name: "second".into(), ..second });
        prop_assume!(first.problems().is_empty() && second.problems().is_empty());
        let there: Entries = there.iter().map(|(name, value)| (name.as_str(), value.as_deref())).collect();
        let point = HookPoint::SlaveExecutorEnvironment;
        let step = |rule: Rule, there: Entries| book(vec![rule]).decorate(point, &call(), there).entries;
        let stepwise = step(second.clone(), step(first.clone(), there.clone()));
        let rules = book(vec![first, second]);
        prop_assert_eq!(&rules.decorate(point, &call(), there.clone()).entries, &stepwise);
        let explained = rules.explain(point, &call(), &Subject::Entries(there));
        prop_assert!(explained.iter().all(|one| matches!(one.verdict, Verdict::Matched | Verdict::Fault(_))));
    }

    #[test]
    fn no_rule_grows_a_set_beyond_its_limits(count in 990_usize..1010, added in 0_usize..20, length in 0_usize..300) {
        let list: Vec<(String, String)> = (0..count).map(|number| (format!("V{number}"), "x".repeat(length))).collect();
        let there: Entries = list.iter().map(|(name, value)| (name.as_str(), Some(value.as_str()))).collect();
        let more: Vec<(String, String)> = (0..added).map(|number| (format!("W{number}"), "y".into())).collect();
        let more: Vec<(&str, &str)> = more.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        prop_assume!(!more.is_empty());
        let decoration = environment(sets("more", &more), &list.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect::<Vec<_>>());
        let grown = decoration.entries.len() > there.len();
        prop_assert_eq!(grown, decoration.faults.is_empty());
        if grown {
            prop_assert!(decoration.entries.len() <= ENTRIES_MAX && decoration.entries.bytes() <= ENTRIES_BYTES_MAX);
        }
    }
}
