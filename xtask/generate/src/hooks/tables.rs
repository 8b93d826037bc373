//! Tables of the reference, each from the list in the code that the modules use.

use std::fmt::Write as _;

use apportion_config::{HOOK_SCHEMA, SchemaTable};
use apportion_policy::{
    ATTRIBUTE_FORMS, Effect, FILTERS, FURTHER_FACTS, Form, HookPoint, PATTERN_FORMS, RESOURCE_FORMS,
    ROLE_FORMS, ROOTS, TESTS, TextField, UNSAFE_VARIABLES,
};

use crate::Failure;
use crate::page::{Parts, code, table};

/// Adds every table.
pub(super) fn add(parts: &mut Parts) -> Result<(), Failure> {
    parts.add("points", points());
    parts.add("answers", answers());
    for schema in HOOK_SCHEMA {
        // The same keys as those of `labels`.
        if schema.path == "hook.rules.status_labels" {
            continue;
        }
        parts.add(schema.path, keys(schema.path)?);
    }
    parts.add("pattern forms", forms("pattern", &PATTERN_FORMS));
    parts.add("role forms", role_forms());
    parts.add("attribute forms", forms("test", &ATTRIBUTE_FORMS));
    parts.add("resource forms", forms("test", &RESOURCE_FORMS));
    parts.add("fields", fields());
    let further = FURTHER_FACTS.iter().map(|fact| {
        let behind = if fact.map { ".<name>" } else { "" };
        [code(&format!("{}{behind}", fact.name)), fact.meaning.to_owned()]
    });
    parts.add("further facts", table(["field", "what it is"], further));
    let host = apportion_detection::FACTS.iter();
    let host = host.map(|fact| [code(&format!("host.{}", fact.name)), fact.documentation.to_owned()]);
    parts.add("host facts", table(["field", "what it is"], host));
    let words = FILTERS.iter().chain(&TESTS);
    let words = words.map(|word| [code(word.form), word.meaning.to_owned()]);
    parts.add("words", table(["written", "what comes of it"], words));
    let variables: Vec<String> = UNSAFE_VARIABLES.iter().map(|name| code(name)).collect();
    parts.add("unsafe variables", variables.join(", "));
    let audit = apportion_hook::AUDIT_FIELDS.iter().map(|field| (field.name, field.meaning));
    let reserved = apportion_reaction::RESERVED_FIELDS.iter().map(|field| (field.name, field.meaning));
    let lines = audit.chain(reserved).map(|(name, meaning)| [code(name), meaning.to_owned()]);
    parts.add("audit fields", table(["field", "what it is"], lines));
    let variables = apportion_hook::COMMAND_VARIABLES.iter();
    let variables = variables.map(|variable| [code(variable.name), variable.meaning.to_owned()]);
    parts.add("command variables", table(["variable", "what it is"], variables));
    Ok(())
}

/// The actions of an effect.
fn actions(effect: Effect) -> &'static str {
    match effect {
        Effect::Environment => "`environment`",
        Effect::Labels => "`labels`",
        Effect::TaskResources => "`task_resources`",
        Effect::AgentAttributes => "`agent.attributes`",
        Effect::AgentResources => "`agent.reserve`",
        Effect::StatusLabels => "`status_labels`",
        Effect::Reaction => "`audit`, `command`",
        // No point of hook rules.
        Effect::Launch => "–",
    }
}

fn points() -> String {
    let rows = HookPoint::HOOKS.map(|point| {
        [
            code(point.key()),
            point.daemon().to_owned(),
            point.occasion().to_owned(),
            actions(point.effect()).to_owned(),
            code(point.name()),
        ]
    });
    table(["point", "in the", "when", "actions", "method of Mesos"], rows)
}

fn answers() -> String {
    let rows = HookPoint::HOOKS.map(|point| [code(point.key()), point.answer().to_owned()]);
    table(["point", "what Mesos 1.11.0 does with it"], rows)
}

/// The keys of a table of the configuration.
pub(crate) fn keys(path: &str) -> Result<String, Failure> {
    let schema = SchemaTable::at(path);
    let schema = schema.ok_or_else(|| Failure::new(format!("no table {path} in the schema")))?;
    let is_match = path == "hook.rules.match";
    let rows = schema.keys.iter().map(|row| {
        let mut meaning = row.meaning.to_owned();
        if let Some(field) = TextField::named(row.key).filter(|_| is_match) {
            let _ = write!(meaning, " (`{}` in a value)", field.fact());
        }
        [code(row.key), row.value.to_owned(), meaning, code(row.example)]
    });
    Ok(table(["key", "takes", "what it is for", "example"], rows))
}

/// The forms of a pattern for a role.
pub(crate) fn role_forms() -> String {
    forms("pattern", &ROLE_FORMS)
}

fn forms(what: &str, forms: &[Form]) -> String {
    let example = |text: &str| if text.is_empty() { "what is not there".to_owned() } else { code(text) };
    let rows = forms.iter().map(|form| {
        [code(form.form), form.meaning.to_owned(), example(form.holds_for), example(form.not_for)]
    });
    table([what, "what it asks", "holds for", "not for"], rows)
}

fn fields() -> String {
    let rows = ROOTS.iter().flat_map(|root| {
        root.fields.iter().map(|field| {
            let behind = if field.map { ".<name>" } else { "" };
            [code(&format!("{}.{}{behind}", root.name, field.name)), field.meaning.to_owned()]
        })
    });
    table(["field", "what it is"], rows)
}
