//! A rule of `[[hook.rules]]` written out again, as a table that gives the same rule.

use apportion_policy::{
    Amount, Condition, EnvironmentActions, Joined, LabelActions, Pattern, Presence, Rule,
};
use toml::{Table, Value};

/// The table of a rule. Tables inside it are values, so that it can stand below a header of its own.
pub(crate) fn table(rule: &Rule) -> String {
    let mut head = Table::new();
    head.insert("name".to_owned(), text(&rule.name));
    if let Some(at) = &rule.at {
        head.insert("at".to_owned(), list(at.iter().map(|point| text(point.key()))));
    }
    head.insert("enabled".to_owned(), Value::Boolean(rule.enabled));
    head.insert("unsafe_env".to_owned(), Value::Boolean(rule.unsafe_env));
    let resources = &rule.task_resources;
    let resources = [
        ("default", amounts(&resources.default)),
        ("minimum", amounts(&resources.minimum)),
        ("maximum", amounts(&resources.maximum)),
        ("round", amounts(&resources.round)),
    ];
    let reserve = rule.agent.reserve.iter().map(|(name, share)| match share {
        apportion_policy::Share::Amount(amount) => (name.clone(), number(*amount)),
        percent @ apportion_policy::Share::Percent(_) => (name.clone(), text(&percent.to_string())),
    });
    let agent = [("attributes", values(&rule.agent.attributes)), ("reserve", reserve.collect())];
    let audit = rule.audit.as_ref().map_or_else(Table::new, |audit| {
        let fields = filled([("fields", values(&audit.fields))]);
        fields.into_iter().chain([("file".to_owned(), text(&audit.file))]).collect()
    });
    let command = rule.command.as_ref().map_or_else(Table::new, |command| {
        let argv = list(command.argv.iter().map(|argument| text(&argument.to_string())));
        let timeout = Value::Integer(command.timeout_seconds.into());
        Table::from_iter([("argv".to_owned(), argv), ("timeout_seconds".to_owned(), timeout)])
    });
    let condition =
        if rule.condition == Condition::default() { Table::new() } else { condition(&rule.condition) };
    let parts = filled([
        ("match", condition),
        ("environment", environment(&rule.environment)),
        ("labels", labels(&rule.labels)),
        ("task_resources", filled(resources)),
        ("agent", filled(agent)),
        ("status_labels", labels(&rule.status_labels)),
        ("audit", audit),
        ("command", command),
    ]);
    let lines = head.iter().chain(&parts).map(|(key, value)| format!("{key} = {value}\n"));
    lines.collect()
}

pub(crate) fn condition(condition: &Condition) -> Table {
    let inner =
        |conditions: &[Condition]| list(conditions.iter().map(|inner| Value::Table(self::condition(inner))));
    let named = |name: &str, presence: &Presence| {
        let value = match presence {
            Presence::Present => Value::Boolean(true),
            Presence::Absent => Value::Boolean(false),
            Presence::Matches(patterns) => sources(patterns),
        };
        Value::Table(Table::from_iter([(name.to_owned(), value)]))
    };
    let (key, value) = match condition {
        Condition::All(conditions) => ("all", inner(conditions)),
        Condition::Any(conditions) => ("any", inner(conditions)),
        Condition::Not(condition) => ("not", Value::Table(self::condition(condition))),
        Condition::Text(field, patterns) => (field.key(), sources(patterns)),
        Condition::Container(types) => ("container", list(types.iter().map(|kind| text(kind.name())))),
        Condition::Label(name, presence) => ("labels", named(name, presence)),
        Condition::Variable(name, presence) => ("environment", named(name, presence)),
        Condition::Attribute(test) => ("attributes", text(&test.to_string())),
        Condition::Resource(test) => ("resources", text(&test.to_string())),
    };
    Table::from_iter([(key.to_owned(), value)])
}

fn environment(actions: &EnvironmentActions) -> Table {
    let additions = |list: &[(String, Joined)]| -> Table {
        let addition = |added: &Joined| {
            let value = ("value".to_owned(), text(&added.value.to_string()));
            Value::Table(Table::from_iter([value, ("separator".to_owned(), text(&added.separator))]))
        };
        list.iter().map(|(name, added)| (name.clone(), addition(added))).collect()
    };
    let mut table = filled([
        ("set", values(&actions.set)),
        ("default", values(&actions.default)),
        ("append", additions(&actions.append)),
        ("prepend", additions(&actions.prepend)),
        ("rename", actions.rename.iter().map(|(old, new)| (old.clone(), text(new))).collect()),
    ]);
    if !actions.unset.is_empty() {
        table.insert("unset".to_owned(), sources(&actions.unset));
    }
    table
}

fn labels(actions: &LabelActions) -> Table {
    let mut table = filled([("set", values(&actions.set)), ("default", values(&actions.default))]);
    if !actions.remove.is_empty() {
        table.insert("remove".to_owned(), sources(&actions.remove));
    }
    table
}

fn values(assignments: &[(String, apportion_policy::ValueSource)]) -> Table {
    assignments.iter().map(|(name, value)| (name.clone(), text(&value.to_string()))).collect()
}

fn amounts(amounts: &[(String, Amount)]) -> Table {
    amounts.iter().map(|(name, amount)| (name.clone(), number(*amount))).collect()
}

/// An amount as TOML's number. Whole ones need no fraction; others have three decimals, which a double tells apart.
pub(crate) fn number(amount: Amount) -> Value {
    let written = amount.to_string();
    let whole = written.parse().map(Value::Integer);
    whole.or_else(|_| written.parse().map(Value::Float)).unwrap_or(Value::String(written))
}

/// Those tables that hold something, under their keys.
fn filled<const N: usize>(tables: [(&str, Table); N]) -> Table {
    let tables = tables.into_iter().filter(|(_, table)| !table.is_empty());
    tables.map(|(key, table)| (key.to_owned(), Value::Table(table))).collect()
}

pub(crate) fn sources(patterns: &[Pattern]) -> Value {
    list(patterns.iter().map(|pattern| text(pattern.source())))
}

pub(crate) fn list(values: impl Iterator<Item = Value>) -> Value {
    Value::Array(values.collect())
}

pub(crate) fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}
