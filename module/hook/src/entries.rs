//! Labels, variables and attributes: the host's messages as entries for rules, and the rules' changes in the messages.
//!
//! What no rule changes keeps the host's own bytes, fields that are not known here included. A name that is not UTF-8 is
//! shown to rules with replacement characters; a rule that matches it can take it away or replace it.

use std::collections::BTreeMap;

use apportion_policy::{Change, Entries, Entry, HostFacts, text};
use apportion_wire::WireError;
use apportion_wire::messages::{
    AgentInfo, Attribute, LabelList, RawEnvironment, RawLabels, TextValue, ValueScalar, Variable, encode,
};

use crate::facts;

/// Labels of a message.
pub(crate) fn of_labels(raw: Option<&RawLabels>, host: &HostFacts) -> Result<Entries, WireError> {
    let Some(raw) = raw else { return Ok(Entries::default()) };
    let list = raw.read()?;
    Ok(list.iter().map(|label| entry(label.key, label.value, host)).collect())
}

/// The labels with the changes of rules; `None` if there are none.
pub(crate) fn changed_labels(
    raw: Option<&RawLabels>,
    changes: &[Change],
) -> Result<Option<LabelList>, WireError> {
    if changes.is_empty() {
        return Ok(None);
    }
    let mut list = raw.map(RawLabels::read).transpose()?.unwrap_or_default();
    let after: BTreeMap<&str, Option<&Entry>> =
        changes.iter().map(|change| (&*change.name, change.after.as_ref())).collect();
    // In one go: a rule may take thousands away. What has an equal name only after replacement goes as well.
    list.retain(|label| {
        let name = String::from_utf8_lossy(label.key);
        after.get(&*name).is_none_or(|after| after.is_some() && name.as_bytes() == label.key)
    });
    for change in changes {
        if let Some(after) = &change.after {
            list.set(change.name.as_bytes(), after.value.as_deref().map(str::as_bytes));
        }
    }
    Ok(Some(list))
}

/// Variables of a command.
pub(crate) fn of_environment(raw: Option<&RawEnvironment>, host: &HostFacts) -> Result<Entries, WireError> {
    let variables = raw.map(RawEnvironment::read).transpose()?.unwrap_or_default();
    Ok(variables.iter().map(|variable| entry(&variable.name, variable.value.as_deref(), host)).collect())
}

/// Variables as the host keeps them in memory: `NAME=value`.
pub(crate) fn of_pairs(pairs: &[&[u8]], host: &HostFacts) -> Entries {
    let split = |pair: &&[u8]| {
        let at = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
        let value = pair.get(at + 1..).unwrap_or_default();
        entry(pair.get(..at).unwrap_or_default(), Some(value), host)
    };
    pairs.iter().map(split).collect()
}

/// The environment with the changes of rules; `None` if there are none.
pub(crate) fn changed_environment(
    raw: Option<&RawEnvironment>,
    changes: &[Change],
) -> Result<Option<RawEnvironment>, WireError> {
    if changes.is_empty() {
        return Ok(None);
    }
    let mut waiting: BTreeMap<&str, Option<&Entry>> =
        changes.iter().map(|change| (&*change.name, change.after.as_ref())).collect();
    let mut variables = Vec::new();
    for bytes in raw.iter().flat_map(|raw| &raw.variables) {
        let variable: Variable = apportion_wire::messages::decode(bytes)?;
        match waiting.get_mut(&*text(&variable.name)) {
            None => variables.push(bytes.clone()),
            // Its new value stands in the place of its first; there is one of a name.
            Some(after) => variables.extend(after.take().map(variable_of)),
        }
    }
    for change in changes {
        variables.extend(waiting.get_mut(&*change.name).and_then(Option::take).map(variable_of));
    }
    Ok(Some(RawEnvironment { variables }))
}

fn variable_of(entry: &Entry) -> Vec<u8> {
    encode(&Variable::plain(entry.name.as_bytes(), entry.value.as_deref().unwrap_or_default().as_bytes()))
}

/// Attributes of an agent.
pub(crate) fn of_attributes(agent: &AgentInfo) -> Entries {
    let attributes = agent.attributes.iter().map(|one| (text(&one.name), facts::attribute(one)));
    attributes
        .map(|(name, value)| Entry { name: name.into(), value: Some(value.into()), secret: false })
        .collect()
}

/// The attributes with the changes of rules; `None` if there are none.
///
/// A value is made fit for an attribute; one of which nothing is left is left out.
pub(crate) fn changed_attributes(agent: &AgentInfo, changes: &[Change]) -> Option<Vec<Attribute>> {
    let mut waiting: BTreeMap<&str, Option<Attribute>> = changes
        .iter()
        .filter_map(|change| Some((&*change.name, attribute_of(change.after.as_ref()?))))
        .filter(|(_, attribute)| attribute.is_some())
        .collect();
    if waiting.is_empty() {
        return None;
    }
    let mut attributes = Vec::new();
    for attribute in &agent.attributes {
        match waiting.get_mut(&*text(&attribute.name)) {
            None => attributes.push(attribute.clone()),
            Some(after) => attributes.extend(after.take()),
        }
    }
    for change in changes {
        attributes.extend(waiting.get_mut(&*change.name).and_then(Option::take));
    }
    Some(attributes)
}

/// An attribute as Mesos' own reader of `--attributes` would make it: a number is a scalar, all else is text.
fn attribute_of(entry: &Entry) -> Option<Attribute> {
    let value = apportion_detection::attribute_text(entry.value.as_deref()?)?;
    let name = entry.name.as_bytes().to_vec();
    let is_decimal = value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    match value.parse::<f64>() {
        Ok(number) if is_decimal && number.is_finite() => Some(Attribute {
            name,
            r#type: Attribute::SCALAR,
            scalar: Some(ValueScalar { value: number }),
            ..Attribute::default()
        }),
        _ => Some(Attribute {
            name,
            r#type: Attribute::TEXT,
            text: Some(TextValue { value: value.into_bytes() }),
            ..Attribute::default()
        }),
    }
}

fn entry(name: &[u8], value: Option<&[u8]>, host: &HostFacts) -> Entry {
    let value = value.map(text);
    let secret = value.as_deref().is_some_and(|value| host.is_secret(value));
    Entry { name: text(name).into(), value: value.map(Into::into), secret }
}
