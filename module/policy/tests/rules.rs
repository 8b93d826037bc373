//! Templates, and sets of variables: values and faults.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failure to prepare a test is a failure of the test")]

use std::collections::BTreeMap;

use apportion_policy::{
    AgentFacts, ExecutorFacts, FAULTS_MAX, Facts, FrameworkFacts, HookPoint, Reason, RuleSet,
    SOURCE_BYTES_MAX, TaskFacts, Template, VALUE_BYTES_MAX, text, text_map,
};
use proptest::prelude::*;

const ALL: &[&str] = &["framework", "task", "executor", "agent", "container"];

fn compiled(source: &str) -> Template {
    Template::compile(source, ALL).unwrap_or_else(|fault| panic!("{source}: {fault}"))
}

fn rules(pairs: &[(&str, &str)]) -> Vec<(String, Template)> {
    pairs.iter().map(|(name, source)| ((*name).to_owned(), compiled(source))).collect()
}

fn facts() -> Facts {
    Facts {
        framework: Some(FrameworkFacts {
            id: Some("f-1".into()),
            name: Some("Spark Jobs".into()),
            role: Some("analytics/etl".into()),
            ..Default::default()
        }),
        task: Some(TaskFacts {
            id: Some("t-1".into()),
            name: Some("count".into()),
            labels: Some(BTreeMap::from([("a.b".to_owned(), "dotted".to_owned())])),
            ..Default::default()
        }),
        agent: Some(AgentFacts {
            attributes: Some(text_map([(&b"rack"[..], &b"r1"[..])])),
            ..Default::default()
        }),
        ..Default::default()
    }
}

#[test]
fn templates_give_the_values_of_their_facts() {
    let expected = [
        ("plain text, {single} braces and }}", "plain text, {single} braces and }}"),
        ("{{ framework.role }}", "analytics/etl"),
        ("{{framework.name|lower|replace(' ', '-')}}/{{ task.id }}", "spark-jobs/t-1"),
        ("{{ agent.attributes.rack | default('none') }}", "r1"),
        ("{{ agent.attributes.zone | default('none') }}", "none"),
        ("{{ task.labels['a.b'] | upper }}", "DOTTED"),
        ("{{ 'yes' if framework.role == 'analytics/etl' else 'no' }}", "yes"),
        ("{{ 'yes' if task.name is defined and task.name is not none else 'no' }}", "yes"),
        ("{{ 'no executor' if executor is undefined else executor.id }}", "no executor"),
        ("{{ framework.principal | default('') }}", ""),
        ("{{ '  x ' | trim }}{{ framework.name | truncate(5) }}", "xSpark"),
        ("{{ \"it's $(here)\" | quote }}", r"'it'\''s $(here)'"),
        ("{{ framework.name | quote }}{{ '' | quote }}", "'Spark Jobs'''"),
        (r#"{{ 'say "\n" <b>' | json }}"#, r#""say \"\u000a\" \u003cb\u003e""#),
        ("{{ (framework.role ~ ':' ~ task.name) | upper }}", "ANALYTICS/ETL:COUNT"),
        ("{{ '}}' ~ \"{%\" }}{# not this: {{ #}", "}}{%"),
        ("{{ 1 + 2 }} {{ true }}", "3 true"),
        ("<b>&{{ '<' }}", "<b>&<"),
        ("ends with a line break\n", "ends with a line break\n"),
    ]
    .map(|(source, value): (&str, &str)| (source.to_owned(), value.to_owned()));
    for (source, value) in expected {
        assert_eq!(compiled(&source).render(&facts()).as_deref(), Ok(&*value), "{source}");
    }
}

#[test]
fn missing_facts_are_faults_that_name_them() {
    let said = |source: &str| compiled(source).render(&facts()).unwrap_err();
    assert_eq!(said("{{ executor.id }}"), "`executor.id` is not known here");
    assert_eq!(said("{{ framework.principal }}"), "`framework.principal` is not known here");
    assert_eq!(said("{{ agent.attributes.zone }}"), "`agent.attributes.zone` is not known here");
    assert_eq!(said("{{ executor.id ~ agent.id }}"), "`agent.id`, `executor.id` are not known here");
    assert_eq!(said("{{ task.resources.cpus }}"), "`task.resources.cpus` is not known here");
    assert_eq!(said("{{ executor }}"), "`executor` is not known here");
    assert_eq!(said("{{ executor.labels.team ~ 'x' }}"), "`executor.labels.team` is not known here");
    assert_eq!(said("{{ agent.id | upper }}"), "`agent.id` is not known here");
    assert!(said("{{ agent.attributes }}").contains("is not text"), "{}", said("{{ agent.attributes }}"));
}

#[test]
fn default_stands_for_a_missing_field_map_or_part_alike() {
    let nothing = Facts::default();
    let sources = [
        "{{ task.name | default('none') }}",
        "{{ task.labels.team | default('none') }}",
        "{{ 'none' if task is undefined else task.name }}",
        "{{ task.name if task.name is defined else 'none' }}",
    ];
    for source in sources {
        assert_eq!(compiled(source).render(&nothing).as_deref(), Ok("none"), "{source}");
    }
    let unnamed = Facts { task: Some(TaskFacts::default()), ..Facts::default() };
    let labelled = compiled("{{ task.labels.team | default('none') }}").render(&unnamed);
    assert_eq!(labelled.as_deref(), Ok("none"));
}

#[test]
fn values_and_templates_have_a_ceiling() {
    let long = Facts {
        task: Some(TaskFacts { name: Some("x".repeat(VALUE_BYTES_MAX)), ..Default::default() }),
        ..Default::default()
    };
    assert_eq!(compiled("{{ task.name }}").render(&long).map(|value| value.len()), Ok(VALUE_BYTES_MAX));
    let said = compiled("{{ task.name }}y").render(&long).unwrap_err();
    assert_eq!(said, format!("the value is longer than {VALUE_BYTES_MAX} bytes"));
    let grown = compiled("{{ task.name | replace('x', 'xxxxxxxx') }}").render(&long).unwrap_err();
    assert!(grown.contains("too long"), "{grown}");
    assert!(Template::compile(&"x".repeat(SOURCE_BYTES_MAX), ALL).is_ok());
    let fault = Template::compile(&"x".repeat(SOURCE_BYTES_MAX + 1), ALL).unwrap_err();
    assert_eq!(fault.reasons, [Reason::TooLong { bytes: SOURCE_BYTES_MAX + 1 }]);
}

#[test]
fn placeholders_outside_their_place_are_refused_when_compiled() {
    let fault = Template::compile("{{ container.id }} {{ task.id }}", &["task"]).unwrap_err();
    assert_eq!(fault.to_string(), "`container` is not known here; known here: task");
}

#[test]
fn deep_and_long_expressions_are_refused_before_they_cost_stack() {
    let nests = [
        ("(", ")"),
        ("[", "]"),
        ("not ", ""),
        ("-", ""),
        ("'a' ~ ", ""),
        ("1 if 1 else ", ""),
        ("a[0].", ""),
    ];
    for (open, close) in nests {
        for count in [5, 10, 12, 13, 31, 32, 60, 120, 300, 1000] {
            let source = format!("{{{{ {}1{} }}}}", open.repeat(count), close.repeat(count));
            match Template::compile(&source, ALL) {
                Ok(template) => {
                    let _ = template.render(&facts());
                }
                Err(fault) if count >= 300 => {
                    let said = fault.to_string();
                    let refused =
                        ["128 words", "12 brackets", "bytes long"].iter().any(|bound| said.contains(bound));
                    assert!(refused, "{said}");
                }
                Err(_) => {}
            }
        }
        let longest = format!("{{{{ {}1{} }}}}", open.repeat(1000), close.repeat(1000));
        assert!(Template::compile(&longest, ALL).is_err());
    }
}

#[test]
fn one_bad_rule_does_not_void_the_others() {
    let variables = RuleSet::environment(
        "isolator.environment",
        rules(&[("a", "1"), ("b", "{{ executor.id }}"), ("c", "{{ task.id }}")]),
    );
    let outcome = variables.apply(HookPoint::MasterLaunchTaskLabels, &facts());
    assert_eq!(outcome.values, [("a".to_owned(), "1".to_owned()), ("c".to_owned(), "t-1".to_owned())]);
    assert_eq!(
        outcome.faults.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["rule isolator.environment.b at masterLaunchTaskLabelDecorator: `executor.id` is not known here"]
    );
}

#[test]
fn rule_is_switched_off_after_ten_faults_at_that_point_only() {
    let variables = RuleSet::environment(
        "isolator.environment",
        rules(&[("executor", "{{ executor.id }}"), ("fine", "x")]),
    );
    for number in 1..=FAULTS_MAX {
        let outcome = variables.apply(HookPoint::MasterLaunchTaskLabels, &facts());
        assert_eq!(outcome.faults.len(), 1);
        assert_eq!(outcome.faults[0].disabled, number == FAULTS_MAX);
    }
    assert!(variables.disabled(HookPoint::SlaveRunTaskLabels).is_empty());
    assert_eq!(variables.disabled(HookPoint::MasterLaunchTaskLabels), ["executor"]);

    let mut known = facts();
    known.executor = Some(ExecutorFacts { id: Some("e".into()), ..Default::default() });
    let off = variables.apply(HookPoint::MasterLaunchTaskLabels, &known);
    assert_eq!((off.values.len(), off.faults.len()), (1, 0));
    let on = variables.apply(HookPoint::SlaveRunTaskLabels, &known);
    assert_eq!(on.values[0], ("executor".to_owned(), "e".to_owned()));
}

#[test]
fn concurrent_faults_switch_a_rule_off_once() {
    let variables = RuleSet::environment("isolator.environment", rules(&[("executor", "{{ executor.id }}")]));
    let last_chances: usize = std::thread::scope(|scope| {
        let worker = || {
            let tries = (0..20).map(|_| variables.apply(HookPoint::SlaveRunTaskLabels, &Facts::default()));
            tries.flat_map(|outcome| outcome.faults).filter(|fault| fault.disabled).count()
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(worker)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(last_chances, 1);
}

#[test]
fn nul_is_a_fault_in_an_environment() {
    let nul = Facts {
        task: Some(TaskFacts { name: Some(text(b"a\0b")), ..Default::default() }),
        ..Default::default()
    };
    let variables = RuleSet::environment("isolator.environment", rules(&[("NAME", "{{ task.name }}")]));
    let outcome = variables.apply(HookPoint::ContainerPrepare, &nul);
    assert_eq!(outcome.faults[0].reason, "the value contains a NUL character");
    assert!(outcome.values.is_empty());
}

#[test]
fn what_is_missing_is_taken_from_what_was_known_before() {
    let here = Facts {
        framework: Some(FrameworkFacts { id: Some("f-1".into()), ..Default::default() }),
        executor: Some(ExecutorFacts { id: Some("t-1".into()), ..Default::default() }),
        ..Default::default()
    };
    let role = compiled("{{ framework.role }} {{ executor.id }}");
    assert!(role.render(&here).is_err());
    assert_eq!(role.render(&here.completed_by(&facts())).as_deref(), Ok("analytics/etl t-1"));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_source_panics_and_no_value_is_too_long(source in "([{}%#|'\"()\\[\\].,~*+ a-z0-9é-]|framework|task\\.name|default|\\{\\{|\\}\\}| is | if | else ){0,40}") {
        if let Ok(template) = Template::compile(&source, ALL) {
            for facts in [facts(), Facts::default()] {
                if let Ok(value) = template.render(&facts) {
                    prop_assert!(value.len() <= VALUE_BYTES_MAX);
                }
            }
        }
    }

    #[test]
    fn text_without_braces_stays_as_it_is(source in "[^{]{0,60}") {
        prop_assert_eq!(compiled(&source).render(&Facts::default()), Ok(source));
    }
}
