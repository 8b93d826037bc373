//! The facts in the engine's form, with stand-ins for what is not known.
//!
//! The engine is strict: a field of something undefined is an error, also below `default`. With a stand-in a template
//! can say `task.name | default('none')` whether the task is unknown or only its name.

use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::Value;
use minijinja::value::{Object, Serde};

use crate::facts::{Facts, ROOTS};

/// In place of an unknown part or map: every text field of it is undefined, every map another stand-in.
#[derive(Debug)]
struct Unknown {
    maps: &'static [&'static str],
}

impl Object for Unknown {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let field = key.as_str()?;
        self.maps.contains(&field).then(|| Value::from_object(Unknown { maps: &[] }))
    }
}

/// Whether there is no value: undefined, or a stand-in.
pub(crate) fn is_unknown(value: &Value) -> bool {
    value.is_undefined() || value.downcast_object_ref::<Unknown>().is_some()
}

/// What a template is rendered with.
pub(crate) fn of(facts: &Facts) -> Value {
    let known = Value::from(Serde(facts));
    let field = |value: &Value, name: &str| value.get_attr(name).ok().filter(|found| !found.is_undefined());
    let roots = ROOTS.iter().map(|root| {
        let Some(part) = field(&known, root.name) else {
            return (root.name, Value::from_object(Unknown { maps: root.maps }));
        };
        let text = root.fields.iter().filter_map(|name| Some((*name, field(&part, name)?)));
        let maps = root.maps.iter().map(|name| {
            (*name, field(&part, name).unwrap_or_else(|| Value::from_object(Unknown { maps: &[] })))
        });
        (root.name, Value::from(text.chain(maps).collect::<BTreeMap<_, _>>()))
    });
    Value::from(roots.collect::<BTreeMap<_, _>>())
}
