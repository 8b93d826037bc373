//! Conditions: true, false, not known here, and what is said about it.

use crate::scenes::{amounts, assigned, book, call, entries, sets, when};
use apportion_policy::{
    AttributeTest, CONDITION_DEPTH_MAX, Condition, ContainerType, Entries, HookCall, HookPoint, Pattern,
    Presence, ResourceTest, Rule, Rulebook, Subject, TextField, Truth, Verdict,
};
use proptest::prelude::*;

fn text(field: TextField, pattern: &str) -> Condition {
    Condition::text(field, &[pattern]).unwrap()
}

fn not(condition: Condition) -> Condition {
    Condition::Not(Box::new(condition))
}

fn attribute(test: &str) -> Condition {
    Condition::Attribute(AttributeTest::parse(test).unwrap())
}

fn resource(test: &str) -> Condition {
    Condition::Resource(ResourceTest::parse(test).unwrap())
}

fn matching(pattern: &str) -> Presence {
    Presence::Matches(vec![Pattern::parse(pattern).unwrap()])
}

/// What is said of a rule with this condition when an executor's environment is asked for.
fn verdict(condition: Condition, call: &HookCall) -> Verdict {
    let rules = book(vec![when(condition, sets("rule", &[("A", "1")]))]);
    let subject = Subject::Entries(entries(&[("LANG", "C")]));
    rules.explain(HookPoint::SlaveExecutorEnvironment, call, &subject).remove(0).verdict
}

fn not_matched(sentence: &str) -> Verdict {
    Verdict::NotMatched(vec![sentence.to_owned()])
}

fn not_known(sentence: &str) -> Verdict {
    Verdict::NotKnownHere(vec![sentence.to_owned()])
}

#[test]
fn every_text_field_is_matched() {
    let fields = [
        (TextField::Framework, "mara*"),
        (TextField::FrameworkId, "f-1"),
        (TextField::User, "www"),
        (TextField::Role, "prod/*"),
        (TextField::Task, "web-*"),
        (TextField::TaskId, "/^t-/"),
        (TextField::ExecutorId, "t-1"),
        (TextField::Hostname, "*.r3.example"),
        (TextField::Image, "registry/*"),
    ];
    for (field, pattern) in fields {
        assert_eq!(verdict(text(field, pattern), &call()), Verdict::Matched, "{}", field.key());
    }
    let mut known = call();
    known.facts.framework.as_mut().unwrap().principal = Some("ops".into());
    known.facts.executor.as_mut().unwrap().name = Some("docker".into());
    assert_eq!(verdict(text(TextField::Principal, "ops"), &known), Verdict::Matched);
    assert_eq!(verdict(text(TextField::Executor, "docker"), &known), Verdict::Matched);
}

#[test]
fn what_is_other_is_told_with_what_it_is() {
    let call = call();
    let said = verdict(text(TextField::Role, "dev/**"), &call);
    assert_eq!(said, not_matched("role is dev/**: it is `prod/web`"));
    assert_eq!(said.to_string(), "does not match: role is dev/**: it is `prod/web`");
    assert_eq!(
        verdict(not(text(TextField::Role, "prod/**")), &call),
        not_matched("not role is prod/**: it is `prod/web`")
    );
    assert_eq!(verdict(attribute("rack = 4"), &call), not_matched("attribute rack = 4: it is `3`"));
    assert_eq!(verdict(attribute("ssd"), &call), not_matched("attribute ssd: there is none"));
    assert_eq!(verdict(resource("cpus > 4"), &call), not_matched("cpus > 4: it is 2.5"));
    assert_eq!(
        verdict(resource("ports > 4"), &call),
        not_matched("ports > 4: it is `31000-31009`, no amount")
    );
    assert_eq!(verdict(resource("gpus"), &call), not_matched("gpus > 0: there is none"));
    let label = Condition::Label("team".into(), Presence::Absent);
    assert_eq!(verdict(label, &call), not_matched("label `team` is not there: it is `payments`"));
    let container = Condition::Container(vec![ContainerType::None, ContainerType::Mesos]);
    assert_eq!(verdict(container, &call), not_matched("container is none or mesos: it is `docker`"));
    let principal = text(TextField::Principal, "ops");
    assert_eq!(verdict(principal, &call), not_matched("principal is ops: there is none"));
}

#[test]
fn what_is_not_known_is_neither_and_so_is_its_opposite() {
    let nothing = HookCall::default();
    let role = text(TextField::Role, "prod/**");
    let said = not_known("role is prod/**: `framework.role` is not known here");
    assert_eq!(verdict(role.clone(), &nothing), said);
    let opposite = not_known("not role is prod/**: `framework.role` is not known here");
    assert_eq!(verdict(not(role), &nothing), opposite);
    for condition in [
        attribute("rack != 3"),
        resource("gpus"),
        Condition::Label("team".into(), Presence::Absent),
        Condition::Container(ContainerType::ALL.to_vec()),
        text(TextField::Image, "*"),
        text(TextField::Principal, "*"),
    ] {
        assert!(matches!(verdict(condition.clone(), &nothing), Verdict::NotKnownHere(_)), "{condition}");
    }
}

#[test]
fn all_any_and_not_are_three_valued() {
    let yes = || text(TextField::Task, "web-*");
    let no = || text(TextField::Task, "db-*");
    let mut known = call();
    known.facts.agent = None;
    let unknown = || attribute("rack = 3");
    let is = |condition| verdict(condition, &known);
    assert_eq!(is(Condition::All(vec![])), Verdict::Matched);
    assert_eq!(is(Condition::All(vec![yes(), yes()])), Verdict::Matched);
    assert_eq!(is(Condition::Any(vec![])), not_matched("never: by definition"));
    assert_eq!(is(not(Condition::All(vec![]))), not_matched("not always: by definition"));
    assert_eq!(is(Condition::All(vec![unknown(), no()])), not_matched("task is db-*: it is `web-1`"));
    let no_rack = "attribute rack = 3: `agent.attributes` is not known here";
    assert_eq!(is(Condition::All(vec![unknown(), yes()])), not_known(no_rack));
    assert_eq!(is(Condition::Any(vec![unknown(), no()])), not_known(no_rack));
    assert_eq!(is(Condition::Any(vec![unknown(), yes()])), Verdict::Matched);
    assert_eq!(is(not(Condition::Any(vec![unknown(), no()]))), not_known(&format!("not {no_rack}")));
    assert_eq!(is(not(not(yes()))), Verdict::Matched);
    assert_eq!(
        is(Condition::Any(vec![no(), Condition::All(vec![yes(), no()])])),
        Verdict::NotMatched(vec!["task is db-*: it is `web-1`".to_owned(); 2])
    );
}

#[test]
fn variables_are_those_so_far_and_their_values_are_not_told() {
    let mut call = call();
    let there = Condition::Variable("A".into(), Presence::Present);
    let rules = book(vec![sets("first", &[("A", "1")]), when(there, sets("second", &[("B", "2")]))]);
    let decoration = rules.decorate(HookPoint::SlaveExecutorEnvironment, &call, Entries::default());
    assert_eq!(decoration.entries, entries(&[("A", "1"), ("B", "2")]));

    let password = Condition::Variable("LANG".into(), matching("en"));
    let said = verdict(password, &call);
    assert_eq!(said, not_matched("variable `LANG` is en: it is there, its value is not shown"));

    // Where no environment is decorated, that of the task's command counts.
    let heap = Condition::Variable("JAVA_OPTS".into(), matching("*-Xmx*"));
    let mut rule = Rule::named("label");
    rule.labels.set = assigned(&[("heap", "{{ env.JAVA_OPTS }}")]);
    let rules = book(vec![when(heap, rule)]);
    let labels = rules.decorate(HookPoint::MasterLaunchTaskLabels, &call, Entries::default());
    assert_eq!(labels.entries, entries(&[("heap", "-Xmx1g")]));
    call.task_environment = None;
    let labels = rules.decorate(HookPoint::MasterLaunchTaskLabels, &call, Entries::default());
    assert!(labels.entries.is_empty() && labels.faults.is_empty());
}

#[test]
fn labels_are_those_so_far_where_labels_are_decorated() {
    let tier = |name: &str| {
        let mut rule = Rule::named(name);
        rule.labels.set = assigned(&[(name, "1")]);
        rule
    };
    let wanted = Condition::Label("first".into(), matching("1"));
    let rules = book(vec![tier("first"), when(wanted, tier("second"))]);
    let labels = rules.decorate(HookPoint::SlaveRunTaskLabels, &call(), Entries::default());
    assert_eq!(labels.entries.len(), 2);
    // A label without a value is there, with an empty text.
    let rules = book(vec![when(Condition::Label("x".into(), Presence::Present), tier("second"))]);
    let labels = rules.decorate(HookPoint::SlaveRunTaskLabels, &call(), [("x", None)].into_iter().collect());
    assert_eq!(labels.entries.len(), 2);
}

#[test]
fn resources_are_the_agents_where_only_the_agent_is_concerned() {
    let mut rule = Rule::named("gpu");
    rule.agent.attributes = assigned(&[("gpu", "{{ agent.resources.gpus }}")]);
    let rules = book(vec![when(resource("gpus >= 2"), rule)]);
    let decoration = rules.decorate(HookPoint::SlaveAttributes, &call(), Entries::default());
    assert_eq!(decoration.entries, entries(&[("gpu", "2")]));

    // Where they are decorated, they are what earlier rules left.
    let rule = |name: &str, maximum: &str| {
        let mut rule = Rule::named(name);
        rule.task_resources.maximum = vec![("cpus".into(), crate::scenes::amount(maximum))];
        rule
    };
    let rules = book(vec![rule("four", "4"), when(resource("cpus > 4"), rule("never", "1"))]);
    let decorated =
        rules.resources(HookPoint::MasterLaunchTaskResources, &call(), amounts(&[("cpus", "8")]), None);
    assert_eq!(decorated.amounts, amounts(&[("cpus", "4")]));
    // Ports are not decorated, and there all the same.
    let rules = book(vec![when(resource("ports"), rule("with ports", "1"))]);
    let decorated =
        rules.resources(HookPoint::MasterLaunchTaskResources, &call(), amounts(&[("cpus", "8")]), None);
    assert_eq!(decorated.amounts, amounts(&[("cpus", "1")]));
}

#[test]
fn conditions_nest_eight_deep_and_no_deeper() {
    let mut condition = text(TextField::Task, "x");
    for _ in 0..CONDITION_DEPTH_MAX {
        condition = not(condition);
    }
    assert!(Rulebook::new(vec![when(condition.clone(), sets("fine", &[("A", "1")]))]).is_ok());
    let refused = Rulebook::new(vec![when(not(condition), sets("deep", &[("A", "1")]))]).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "rule 0: match: found conditions 9 deep within each other, expected at most 8"
    );
}

fn truths() -> impl Strategy<Value = Truth> {
    prop_oneof![Just(Truth::True), Just(Truth::False), Just(Truth::Unknown)]
}

fn conditions() -> impl Strategy<Value = Condition> {
    let field = proptest::sample::select(TextField::ALL.to_vec());
    let pattern = proptest::sample::select(vec!["*", "prod/**", "web-1", "/./", "x"]);
    let leaf = prop_oneof![
        (field, pattern).prop_map(|(field, pattern)| text(field, pattern)),
        proptest::sample::select(vec!["rack = 3", "ssd", "zone in [south]"]).prop_map(attribute),
        proptest::sample::select(vec!["cpus > 4", "mem <= 1000"]).prop_map(resource),
        Just(Condition::Container(vec![ContainerType::Docker])),
        Just(Condition::Label("team".into(), Presence::Present)),
        Just(Condition::Variable("LANG".into(), Presence::Absent)),
    ];
    leaf.prop_recursive(4, 20, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Condition::All),
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Condition::Any),
            inner.prop_map(not),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn truth_follows_the_laws(a in truths(), b in truths()) {
        prop_assert_eq!(a.and(b), b.and(a));
        prop_assert_eq!(a.or(b), a.opposite().and(b.opposite()).opposite());
        prop_assert_eq!(a.opposite().opposite(), a);
        prop_assert_eq!(a.and(Truth::True), a);
        prop_assert_eq!(a.or(Truth::True), Truth::True);
    }

    #[test]
    fn explanation_and_decoration_agree_and_every_miss_has_a_reason(condition in conditions(), agent in any::<bool>()) {
        let mut call = call();
        if !agent {
            call.facts.agent = None;
        }
        let rules = book(vec![when(condition.clone(), sets("rule", &[("A", "1")]))]);
        let changed = !rules.decorate(HookPoint::SlaveExecutorEnvironment, &call, Entries::default()).changes.is_empty();
        let said = rules.explain(HookPoint::SlaveExecutorEnvironment, &call, &Subject::Entries(Entries::default())).remove(0);
        prop_assert_eq!(said.verdict == Verdict::Matched, changed, "{}", condition);
        match said.verdict {
            Verdict::NotMatched(why) => prop_assert!(!why.is_empty()),
            Verdict::NotKnownHere(why) => {
                prop_assert!(!why.is_empty() && why.iter().all(|one| one.contains("not known here")), "{:?}", why);
            }
            Verdict::Matched => {}
            other => prop_assert!(false, "{}", other),
        }
    }
}
