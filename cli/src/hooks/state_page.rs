//! A task as the `/state` pages of master and agent show it, in the form of `TaskInfo`.

use serde_json::{Map, Value, json};

use super::document::{self, Found, quoted};

/// Members of a task on a state page that become members of `TaskInfo` as they are.
const SAME: [&str; 6] = ["name", "resources", "discovery", "container", "health_check", "limits"];

/// Members that say nothing of what a framework asked for.
const PASSED_OVER: [&str; 3] = ["state", "statuses", "user"];

/// Members that are something else in `TaskInfo`, or nothing.
const OTHER: [&str; 6] = ["id", "slave_id", "agent_id", "framework_id", "executor_id", "role"];

/// What a state page says of a task.
#[derive(Debug)]
pub(super) struct PageTask {
    /// In the form of `TaskInfo`.
    pub(super) task: Value,
    pub(super) framework_id: Option<String>,
    /// Nothing for a command task.
    pub(super) executor_id: Option<String>,
    pub(super) role: Option<String>,
}

/// The task, if it is in the form of a state page. Mistakes are noted.
pub(super) fn read(value: &Value, found: &mut Found) -> Option<PageTask> {
    let object = value.as_object()?;
    if !object.get("id").is_some_and(Value::is_string) || object.contains_key("task_id") {
        return None;
    }
    let known = || SAME.into_iter().chain(PASSED_OVER).chain(OTHER).chain(["labels"]);
    for name in object.keys().filter(|name| !known().any(|known| known == *name)) {
        let expected =
            format!("a member of a task on a /state page: {}", known().collect::<Vec<_>>().join(", "));
        let hint = document::meant(name, known());
        found.hinted(name, format!("the unknown key {}", quoted(name)), expected, hint);
    }
    let text = |name: &str, found: &mut Found| match object.get(name) {
        None => None,
        Some(Value::String(text)) => Some(text.clone()).filter(|text| !text.is_empty()),
        Some(other) => {
            found.unexpected(name, other, "a string");
            None
        }
    };
    let mut task = Map::new();
    for name in SAME {
        if let Some(value) = object.get(name) {
            task.insert(name.to_owned(), value.clone());
        }
    }
    task.insert("task_id".to_owned(), json!({ "value": text("id", found).unwrap_or_default() }));
    if let Some(agent) = text("slave_id", found).or_else(|| text("agent_id", found)) {
        task.insert("slave_id".to_owned(), json!({ "value": agent }));
    }
    if let Some(labels) = object.get("labels") {
        task.insert("labels".to_owned(), json!({ "labels": labels }));
    }
    Some(PageTask {
        task: Value::Object(task),
        framework_id: text("framework_id", found),
        executor_id: text("executor_id", found),
        role: text("role", found),
    })
}
