//! Any rule with any call: an answer within its limits, at every point.

use apportion_policy::{
    Amounts, AttributeTest, AuditAction, CommandAction, Condition, ENTRIES_BYTES_MAX, ENTRIES_MAX, Entries,
    FileContents, HookCall, HookPoint, HostFacts, Joined, Pattern, Presence, Rule, Rulebook, Subject,
    TextField, VALUE_BYTES_MAX, ValueSource, Verdict, text, text_map,
};
use proptest::prelude::*;

use crate::scenes::{amounts, call};

/// Values that use facts, files and each other, some of which cannot be made.
const SOURCES: [&str; 12] = [
    "",
    "plain",
    "{{ task.name }}",
    "{{ env.A }}{{ env.A }}",
    "{{ env.A | default('x') | replace('x', 'xxxxxxxx') }}",
    "{{ host.kernel | upper }}",
    "{{ agent.attributes.rack | default('none') }}",
    "{{ task.labels.B | default(framework.role) }}",
    "{{ container.type | default('-') }}",
    "file:/etc/secret",
    "file:/etc/long",
    "file:/etc/none",
];

fn sources() -> impl Strategy<Value = ValueSource> {
    let facts = HookPoint::facts_at(&HookPoint::HOOKS);
    proptest::sample::select(SOURCES.to_vec())
        .prop_map(move |source| ValueSource::parse(source, &facts).unwrap())
}

fn assignments() -> impl Strategy<Value = Vec<(String, ValueSource)>> {
    proptest::collection::vec(("[AB]|\\PC{1,3}", sources()), 0..3)
}

fn patterns() -> impl Strategy<Value = Vec<Pattern>> {
    let pattern =
        "[AB*?]{1,3}|/[ab.*]{1,3}/".prop_filter_map("no pattern", |source| Pattern::parse(&source).ok());
    proptest::collection::vec(pattern, 0..3)
}

fn conditions() -> impl Strategy<Value = Condition> {
    let leaf = prop_oneof![
        Just(Condition::default()),
        (proptest::sample::select(TextField::ALL.to_vec()), patterns())
            .prop_map(|(field, list)| Condition::Text(field, list)),
        ("[AB]", patterns()).prop_map(|(name, list)| Condition::Variable(name, Presence::Matches(list))),
        ("[AB]", patterns()).prop_map(|(name, list)| Condition::Label(name, Presence::Matches(list))),
        Just(Condition::Attribute(AttributeTest::parse("rack > 1").unwrap())),
    ];
    leaf.prop_recursive(2, 6, 2, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Condition::All),
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Condition::Any),
            inner.prop_map(|inner| Condition::Not(Box::new(inner))),
        ]
    })
}

prop_compose! {
    fn any_rule()(
        condition in conditions(), set in assignments(), default in assignments(), append in assignments(),
        unset in patterns(), shown in assignments(), unsafe_env in any::<bool>()
    ) -> Rule {
        let mut rule = Rule { condition, unsafe_env, ..Rule::named("any") };
        rule.environment.append = append
            .into_iter()
            .map(|(name, value)| (name, Joined { value, separator: Joined::SEPARATOR.to_owned() }))
            .collect();
        rule.environment.set = set.clone();
        rule.environment.default = default.clone();
        rule.environment.unset = unset.clone();
        rule.labels.set = default.clone();
        rule.labels.remove = unset;
        rule.status_labels.set = set.clone();
        rule.agent.attributes = default;
        rule.task_resources.round = vec![("mem".into(), apportion_policy::Amount::from_thousandths(64_000))];
        let shown: Vec<_> = shown.into_iter().filter(|(_, value)| value.file().is_none()).collect();
        let program = ValueSource::parse("/bin/true", &[]).unwrap();
        let argv = [program].into_iter().chain(shown.iter().map(|(_, value)| value.clone())).collect();
        rule.command = Some(CommandAction { argv, timeout_seconds: 1 });
        rule.audit = Some(AuditAction { file: "/x".into(), fields: shown });
        rule
    }
}

prop_compose! {
    fn any_call()(
        bytes in proptest::collection::vec(any::<u8>(), 0..20), times in proptest::sample::select(vec![1_usize, 5000]),
        agent in any::<bool>(), task in any::<bool>(), long in any::<bool>()
    ) -> HookCall {
        let word = text(&bytes).repeat(times);
        let mut call = call();
        let labels = text_map([(&b"A"[..], word.as_bytes()), (b"B", b"\0")]);
        call.facts.task = call.facts.task.filter(|_| task).map(|mut task| {
            task.name = Some(word.clone());
            task.labels = Some(labels.clone());
            task
        });
        call.facts.agent = call.facts.agent.filter(|_| agent);
        let size = if long { VALUE_BYTES_MAX + 1 } else { VALUE_BYTES_MAX };
        let mut host = HostFacts::clone(&call.host);
        host.files.insert("/etc/long".into(), FileContents::text(&"l".repeat(size)));
        host.facts.insert("kernel".into(), word);
        call.host = host.into();
        call
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn any_rule_and_any_call_give_an_answer_within_the_limits(
        rules in proptest::collection::vec(any_rule(), 1..4), call in any_call(), there in "\\PC{0,9}"
    ) {
        let named = rules.into_iter().enumerate().map(|(number, rule)| Rule { name: number.to_string(), ..rule });
        let Ok(rules) = Rulebook::new(named.filter(|rule| rule.problems().is_empty()).collect()) else {
            return Err(TestCaseError::fail("good rules are refused"));
        };
        let there: Entries = [("A", Some(there.as_str())), ("LD_PRELOAD", Some("x"))].into_iter().collect();
        for point in HookPoint::HOOKS {
            let subject = Subject::Entries(there.clone());
            let explained = rules.explain(point, &call, &subject);
            prop_assert_eq!(explained.len(), rules.len());
            let decoration = rules.decorate(point, &call, there.clone());
            prop_assert!(decoration.entries.len() <= ENTRIES_MAX);
            prop_assert!(decoration.entries.bytes() <= ENTRIES_BYTES_MAX);
            for entry in decoration.entries.iter() {
                prop_assert!(entry.value.as_deref().unwrap_or_default().len() <= VALUE_BYTES_MAX);
            }
            if point.effect() == apportion_policy::Effect::Environment {
                let nul = |entry: &apportion_policy::Entry| entry.value.as_deref().unwrap_or_default().contains('\0');
                prop_assert!(!decoration.entries.iter().any(nul));
                let faults = explained.iter().filter(|one| matches!(one.verdict, Verdict::Fault(_))).count();
                prop_assert_eq!(faults, decoration.faults.len());
            }
            let decorated = rules.resources(point, &call, amounts(&[("mem", "1")]), Some(&Amounts::new()));
            prop_assert_eq!(decorated.amounts, amounts(&[("mem", "1")]));
            for command in rules.react(point, &call).commands {
                prop_assert!(!command.argv.iter().any(|one| one.contains('\0')));
            }
        }
    }
}
