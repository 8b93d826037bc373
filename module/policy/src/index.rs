//! Which rules a call can concern at all, found by its role and task name.

use std::collections::BTreeMap;

use crate::condition::{Condition, TextField};
use crate::pattern::Pattern;

/// Rules of one point by what they ask of role or task name. A rule stands in one of the four tables only, there under
/// each of its names, so that the four lists of a look-up have no number in common.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// Rules for certain roles.
    by_role: BTreeMap<Box<str>, Vec<usize>>,
    /// Rules for roles below certain first components.
    by_first_component: BTreeMap<Box<str>, Vec<usize>>,
    /// Rules for certain names of tasks.
    by_task: BTreeMap<Box<str>, Vec<usize>>,
    /// Rules that could concern any call.
    others: Vec<usize>,
}

impl Index {
    /// Whether there are no rules.
    pub(crate) fn is_empty(&self) -> bool {
        self.others.is_empty()
            && [&self.by_role, &self.by_first_component, &self.by_task].iter().all(|table| table.is_empty())
    }

    /// Adds a rule; numbers are added in ascending order.
    pub(crate) fn add(&mut self, number: usize, condition: &Condition) {
        let (table, keys) = if let Some(keys) = asked(condition, TextField::Role, Pattern::literal) {
            (&mut self.by_role, keys)
        } else if let Some(keys) = asked(condition, TextField::Role, Pattern::first_component) {
            (&mut self.by_first_component, keys)
        } else if let Some(keys) = asked(condition, TextField::Task, Pattern::literal) {
            (&mut self.by_task, keys)
        } else {
            self.others.push(number);
            return;
        };
        for key in keys {
            let numbers = table.entry(key.into()).or_default();
            if numbers.last() != Some(&number) {
                numbers.push(number);
            }
        }
    }

    /// Numbers of the rules that the role and the name of the task do not rule out, ascending. Allocates nothing.
    ///
    /// What is not known cannot match.
    pub(crate) fn candidates(&self, role: Option<&str>, task: Option<&str>) -> Candidates<'_> {
        let first = role.and_then(|role| role.split('/').next());
        Candidates {
            lists: [
                list(&self.by_role, role),
                list(&self.by_first_component, first),
                list(&self.by_task, task),
                &self.others,
            ],
        }
    }
}

fn list<'i>(table: &'i BTreeMap<Box<str>, Vec<usize>>, key: Option<&str>) -> &'i [usize] {
    key.and_then(|key| table.get(key)).map(Vec::as_slice).unwrap_or_default()
}

/// What a condition asks of a field wherever it holds, if that is one of some keys.
fn asked(condition: &Condition, field: TextField, key: fn(&Pattern) -> Option<&str>) -> Option<Vec<&str>> {
    match condition {
        Condition::Text(asked, patterns) if *asked == field => patterns.iter().map(key).collect(),
        Condition::All(parts) => parts.iter().find_map(|part| asked(part, field, key)),
        _ => None,
    }
}

/// Numbers of four ascending lists, merged.
#[derive(Debug)]
pub(crate) struct Candidates<'i> {
    lists: [&'i [usize]; 4],
}

impl Iterator for Candidates<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let least = self.lists.iter_mut().filter(|list| !list.is_empty()).min_by_key(|list| list[0])?;
        let (number, rest) = least.split_first()?;
        *least = rest;
        Some(*number)
    }
}
