//! Entries while one rule works on them: all of its actions take effect, or none.

use std::sync::Arc;

use crate::action::{Assignments, EnvironmentActions, LabelActions};
use crate::entries::{Editing, Text};
use crate::guard::is_unsafe_variable;
use crate::parse_fault::quoted;
use crate::rule::Rule;
use crate::scene::Scene;
use crate::value_source::ValueSource;

/// What a rule made of the entries so far.
#[derive(Debug)]
struct Draft<'s, 'a> {
    scene: &'s Scene<'a>,
    /// Whether values must fit into a process environment: no NUL.
    environment: bool,
    editing: Editing,
    touched: Vec<Arc<str>>,
}

impl Draft<'_, '_> {
    fn value(&self, name: &str, source: &ValueSource) -> Result<Text, String> {
        let value = self.scene.value(source).map_err(|reason| format!("{}: {reason}", quoted(name)))?;
        if self.environment && value.text.contains('\0') {
            return Err(format!("{}: the value contains a NUL character", quoted(name)));
        }
        Ok(value)
    }

    fn set(&mut self, assignments: &Assignments) -> Result<(), String> {
        for (name, source) in assignments {
            let value = self.value(name, source)?;
            self.put(name, value);
        }
        Ok(())
    }

    fn default(&mut self, assignments: &Assignments) -> Result<(), String> {
        for (name, source) in assignments {
            if self.editing.entries().get(name).is_none() {
                let value = self.value(name, source)?;
                self.put(name, value);
            }
        }
        Ok(())
    }

    fn put(&mut self, name: &str, value: Text) {
        let name = self.editing.set(name, value);
        self.touched.push(name);
    }

    fn environment(&mut self, actions: &EnvironmentActions, unsafe_env: bool) -> Result<(), String> {
        for pattern in &actions.unset {
            let gone = self.editing.remove(|name| pattern.matches(name));
            if let Some(name) = gone.iter().find(|name| !unsafe_env && is_unsafe_variable(name)) {
                let (pattern, name) = (quoted(pattern.source()), quoted(name));
                return Err(format!("unset {pattern} would remove {name}: that needs `unsafe_env = true`"));
            }
            self.touched.extend(gone);
        }
        for (old, new) in &actions.rename {
            // A reference to a secret of the host is more than name and value: under another name it would be empty.
            if self.editing.entries().get(old).is_some_and(|there| there.value.is_none()) {
                return Err(format!("{}: it has no value that could get another name", quoted(old)));
            }
            if self.editing.rename(old, new) {
                self.touched.extend([old.as_str().into(), new.as_str().into()]);
            }
        }
        self.set(&actions.set)?;
        self.default(&actions.default)?;
        let joined = actions.prepend.iter().map(|one| (one, true));
        for ((name, joined), in_front) in joined.chain(actions.append.iter().map(|one| (one, false))) {
            let value = self.value(name, &joined.value)?;
            let there = self.editing.entries().get(name);
            let whole = value
                .joined(there, &joined.separator, in_front)
                .map_err(|reason| format!("{}: {reason}", quoted(name)))?;
            self.put(name, whole);
        }
        Ok(())
    }

    fn labels(&mut self, actions: &LabelActions) -> Result<(), String> {
        for pattern in &actions.remove {
            let gone = self.editing.remove(|name| pattern.matches(name));
            self.touched.extend(gone);
        }
        self.set(&actions.set)?;
        self.default(&actions.default)
    }
}

/// Does some actions in the scene, or none of them; returns the names touched.
fn edit(
    rule: &Rule,
    scene: &mut Scene<'_>,
    environment: bool,
    actions: impl FnOnce(&mut Draft<'_, '_>) -> Result<(), String>,
) -> Result<Vec<Arc<str>>, String> {
    let entries = scene.lend_entries(rule.reads_entries());
    let (count, bytes) = (entries.len(), entries.bytes());
    let mut draft = Draft { scene, environment, editing: Editing::of(entries), touched: Vec::new() };
    let done = actions(&mut draft).and_then(|()| match draft.editing.entries().excess(count, bytes) {
        Some(reason) => Err(reason),
        None => Ok(()),
    });
    let Draft { editing, touched, .. } = draft;
    scene.replace_entries(if done.is_ok() { editing.done() } else { editing.taken_back() });
    done.map(|()| touched)
}

/// What a rule does with environment variables; returns the names touched.
pub(crate) fn environment(rule: &Rule, scene: &mut Scene<'_>) -> Result<Vec<Arc<str>>, String> {
    edit(rule, scene, true, |draft| draft.environment(&rule.environment, rule.unsafe_env))
}

/// What label actions of a rule do with labels; returns the keys touched.
pub(crate) fn labels(
    rule: &Rule,
    actions: &LabelActions,
    scene: &mut Scene<'_>,
) -> Result<Vec<Arc<str>>, String> {
    edit(rule, scene, false, |draft| draft.labels(actions))
}

/// What a rule does with the agent's attributes; returns the names touched.
pub(crate) fn attributes(rule: &Rule, scene: &mut Scene<'_>) -> Result<Vec<Arc<str>>, String> {
    edit(rule, scene, false, |draft| draft.set(&rule.agent.attributes))
}
