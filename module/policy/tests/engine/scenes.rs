//! What the tests of rules begin with: a call with everything known, and rules in a few words.
use std::collections::BTreeMap;
use std::sync::Arc;

use apportion_policy::{
    AgentFacts, Amount, Amounts, Condition, ContainerType, Decoration, Entries, ExecutorFacts, Facts,
    FileContents, FrameworkFacts, HookCall, HookPoint, HostFacts, Rule, Rulebook, TaskFacts, ValueSource,
    text_map,
};

/// What stands in the secret file of [`call`].
pub(crate) const SECRET: &str = "hunter2-planted";

/// A task of role `prod/web` on an agent in rack 3, all of it known.
pub(crate) fn call() -> HookCall {
    let map = |pairs: &[(&str, &str)]| {
        Some(text_map(pairs.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()))))
    };
    let facts = Facts {
        framework: Some(FrameworkFacts {
            id: Some("f-1".into()),
            name: Some("marathon".into()),
            user: Some("www".into()),
            role: Some("prod/web".into()),
            ..FrameworkFacts::default()
        }),
        task: Some(TaskFacts {
            id: Some("t-1".into()),
            name: Some("web-1".into()),
            labels: map(&[("team", "payments")]),
            resources: map(&[("cpus", "2.5"), ("mem", "1000"), ("ports", "31000-31009")]),
        }),
        executor: Some(ExecutorFacts { id: Some("t-1".into()), ..ExecutorFacts::default() }),
        agent: Some(AgentFacts {
            id: Some("a-1".into()),
            hostname: Some("n7.r3.example".into()),
            attributes: map(&[("rack", "3"), ("zone", "north")]),
            resources: map(&[("cpus", "16"), ("mem", "64000"), ("gpus", "2")]),
        }),
        container: None,
    };
    let files = BTreeMap::from([
        ("/etc/secret".to_owned(), FileContents::text(&format!("{SECRET}\n"))),
        ("/etc/gone".to_owned(), FileContents::Unreadable("there is no such file".into())),
    ]);
    let host = HostFacts {
        facts: BTreeMap::from([("kernel".to_owned(), "6.1".to_owned())]),
        environment: BTreeMap::from([("REGION".to_owned(), "eu".to_owned())]),
        files,
        ..HostFacts::default()
    };
    HookCall {
        facts,
        container_type: Some(ContainerType::Docker),
        image: Some("registry/app:latest".into()),
        task_environment: Some(entries(&[("JAVA_OPTS", "-Xmx1g")])),
        executor_environment: None,
        host: Arc::new(host),
    }
}

/// Names and values.
pub(crate) fn entries(pairs: &[(&str, &str)]) -> Entries {
    pairs.iter().map(|(name, value)| (*name, Some(*value))).collect()
}

/// A value for any point.
pub(crate) fn value(source: &str) -> ValueSource {
    let facts = HookPoint::facts_at(&HookPoint::HOOKS);
    ValueSource::parse(source, &facts).unwrap_or_else(|fault| panic!("{source}: {fault}"))
}

/// Names with the sources of their values.
pub(crate) fn assigned(pairs: &[(&str, &str)]) -> Vec<(String, ValueSource)> {
    pairs.iter().map(|(name, source)| ((*name).to_owned(), value(source))).collect()
}

/// A rule that sets variables.
pub(crate) fn sets(name: &str, pairs: &[(&str, &str)]) -> Rule {
    let mut rule = Rule::named(name);
    rule.environment.set = assigned(pairs);
    rule
}

/// The rule with a condition.
pub(crate) fn when(condition: Condition, rule: Rule) -> Rule {
    Rule { condition, ..rule }
}

/// Rules that are all good.
pub(crate) fn book(rules: Vec<Rule>) -> Rulebook {
    Rulebook::new(rules).unwrap_or_else(|refused| panic!("{refused}"))
}

/// What one rule makes of an environment.
pub(crate) fn environment(rule: Rule, there: &[(&str, &str)]) -> Decoration {
    book(vec![rule]).decorate(HookPoint::SlaveExecutorEnvironment, &call(), entries(there))
}

/// Names and values of entries.
pub(crate) fn pairs(entries: &Entries) -> Vec<(String, String)> {
    let pair = |entry: &apportion_policy::Entry| {
        (entry.name.to_string(), entry.value.as_deref().unwrap_or("(none)").to_owned())
    };
    entries.iter().map(pair).collect()
}

/// Amounts by name.
pub(crate) fn amounts(pairs: &[(&str, &str)]) -> Amounts {
    pairs.iter().map(|(name, text)| ((*name).to_owned(), amount(text))).collect()
}

/// An amount.
pub(crate) fn amount(text: &str) -> Amount {
    Amount::parse(text).unwrap_or_else(|fault| panic!("{fault}"))
}
