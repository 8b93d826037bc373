//! The facts in the engine's form, with stand-ins for what is not known.
//!
//! The engine is strict: a field of something undefined is an error, also below `default`. With a stand-in a template
//! can say `task.name | default('none')` whether the task is unknown or only its name.

use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::Value;
use minijinja::value::{Object, Serde};

use crate::call::HostFacts;
use crate::entries::Entries;
use crate::facts::{Facts, FurtherFact, ROOTS, Root};

/// In place of an unknown part or map: every text field of it is undefined, every map another stand-in.
///
/// It may have fields all the same that come from elsewhere, such as the variables of the host's process below `agent`.
#[derive(Debug)]
struct Unknown {
    /// The part it stands for; `None` for a map.
    root: Option<&'static Root>,
    known: Vec<(&'static str, Value)>,
}

impl Object for Unknown {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let (root, field) = (self.root?, key.as_str()?);
        if let Some((_, value)) = self.known.iter().find(|(name, _)| *name == field) {
            return Some(value.clone());
        }
        let further =
            || FurtherFact::meant_by(&format!("{}.{field}", root.name)).is_some_and(|fact| fact.map);
        (root.maps().any(|map| map == field) || further()).then(unknown_map)
    }
}

/// Whether a field is one of the further facts that are maps.
fn is_further_map(root: &Root, field: &str) -> bool {
    FurtherFact::meant_by(&format!("{}.{field}", root.name)).is_some_and(|fact| fact.map)
}

/// In place of a map that is not known.
pub(crate) fn unknown_map() -> Value {
    Value::from_object(Unknown { root: None, known: Vec::new() })
}

/// Whether there is no value: undefined, or a stand-in.
pub(crate) fn is_unknown(value: &Value) -> bool {
    value.is_undefined() || value.downcast_object_ref::<Unknown>().is_some()
}

/// What a template is rendered with.
pub(crate) fn of(facts: &Facts) -> Value {
    let roots = ROOTS.iter().map(|root| (root.name, part(root, facts, [])));
    Value::from(roots.collect::<BTreeMap<_, _>>())
}

/// One part of the facts, with further fields of it that are known.
pub(crate) fn part<const N: usize>(
    root: &'static Root,
    facts: &Facts,
    further: [(&'static str, Option<Value>); N],
) -> Value {
    let known = known_part(root.name, facts);
    if known.is_none() {
        let known = further.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        return Value::from_object(Unknown { root: Some(root), known });
    }
    let field = |name: &str| {
        let found = known.as_ref()?.get_attr(name).ok()?;
        (!found.is_undefined()).then_some(found)
    };
    let text = root.texts().filter_map(|name| Some((name, field(name)?)));
    let maps = root.maps().map(|name| (name, field(name).unwrap_or_else(unknown_map)));
    let mut fields: BTreeMap<&str, Value> = text.chain(maps).collect();
    for (name, value) in further {
        match value {
            Some(value) => drop(fields.insert(name, value)),
            None if is_further_map(root, name) => drop(fields.insert(name, unknown_map())),
            None => {}
        }
    }
    Value::from(fields)
}

fn known_part(name: &str, facts: &Facts) -> Option<Value> {
    match name {
        "framework" => facts.framework.as_ref().map(|part| Value::from(Serde(part))),
        "task" => facts.task.as_ref().map(|part| Value::from(Serde(part))),
        "executor" => facts.executor.as_ref().map(|part| Value::from(Serde(part))),
        "agent" => facts.agent.as_ref().map(|part| Value::from(Serde(part))),
        "container" => facts.container.as_ref().map(|part| Value::from(Serde(part))),
        _ => None,
    }
}

/// A few parts by their names.
#[derive(Debug)]
struct Parts(Vec<(&'static str, Value)>);

impl Object for Parts {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let key = key.as_str()?;
        self.0.iter().find(|(name, _)| *name == key).map(|(_, value)| value.clone())
    }
}

/// A context of a few parts.
pub(crate) fn of_parts(parts: impl Iterator<Item = (&'static str, Value)>) -> Value {
    Value::from_object(Parts(parts.collect()))
}

/// Entries as a map of text; one without a value is undefined.
#[derive(Debug)]
struct Named(Entries);

impl Object for Named {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.0.get(key.as_str()?)?.value.as_ref().map(|value| Value::from(Arc::clone(value)))
    }
}

/// Entries as a map of text.
pub(crate) fn map_of(entries: &Entries) -> Value {
    Value::from_object(Named(entries.clone()))
}

/// One of the maps of [`HostFacts`].
#[derive(Debug)]
struct HostMap {
    host: Arc<HostFacts>,
    map: fn(&HostFacts) -> &BTreeMap<String, String>,
}

impl Object for HostMap {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        (self.map)(&self.host).get(key.as_str()?).map(|value| Value::from(value.as_str()))
    }
}

/// The detected facts of the host, as a map of text.
pub(crate) fn host(host: &Arc<HostFacts>) -> Value {
    Value::from_object(HostMap { host: Arc::clone(host), map: |host| &host.facts })
}

/// The allowed variables of this process, as a map of text.
pub(crate) fn host_environment(host: &Arc<HostFacts>) -> Value {
    Value::from_object(HostMap { host: Arc::clone(host), map: |host| &host.environment })
}
