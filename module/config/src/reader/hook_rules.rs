//! `[[hook.rules]]`: rules with a name, a condition and actions.

mod actions;
mod conditions;
mod points;
mod reactions;

use std::collections::BTreeMap;

use apportion_policy::{Condition, HookPoint, RULE_NAME_BYTES_MAX, Rule};

use super::{Complaint, Reader, below_path, truth};
use crate::problem::{Kind, quoted};
use crate::raw::{Entry, Node, Value};
use crate::schema::RULES;
pub(super) use points::Points;

pub use reactions::{COMMAND_SECONDS, COMMAND_SECONDS_MAX};

/// Most rules. The index keeps a launch from paying for each of them, but not a reader of the file.
pub const HOOK_RULES_MAX: usize = 1000;

/// Beginnings of the names that the rules of the short sections have in messages.
const SHORT_SECTIONS: [&str; 2] = ["hook.environment", "hook.labels"];

/// Names of the rules so far, with their places.
pub(super) type RuleNames<'n> = BTreeMap<&'n str, Option<usize>>;

/// What every part of a rule needs to know of the rule.
#[derive(Debug)]
struct Scope {
    points: Points,
    unsafe_env: bool,
}

impl Reader<'_> {
    /// The rules of the hook without problems, in order.
    pub(super) fn hook_rules(&mut self, node: &Node) -> Vec<Rule> {
        self.rule_list(node, RULES, Self::hook_rule)
    }

    /// What `read` makes of each rule of a list, with the names of the rules before it and their places.
    pub(super) fn rule_list<'n, T>(
        &mut self,
        node: &'n Node,
        path: &str,
        mut read: impl FnMut(&mut Self, &str, &'n Node, &mut RuleNames<'n>) -> Option<T>,
    ) -> Vec<T> {
        let Value::List(items) = &node.value else {
            let expected = format!("a list of tables, each under [[{path}]]");
            let complaint = Complaint::wrong_type(&node.value, &expected);
            let hint = match &node.value {
                Value::Table(_) => format!("write [[{path}]], with two brackets"),
                Value::Parameter(_) => "rules need a file; name it with the parameter `config`".to_owned(),
                _ => format!("write each rule under a header [[{path}]] of its own"),
            };
            self.report(path, node.at, complaint.hint(hint));
            return Vec::new();
        };
        if let Some(first) = items.get(HOOK_RULES_MAX) {
            let complaint = Complaint::new(
                Kind::WrongValue,
                format!("{} rules", items.len()),
                format!("at most {HOOK_RULES_MAX}"),
            );
            self.report(&format!("{path}[{HOOK_RULES_MAX}]"), first.at, complaint);
        }
        let mut names = BTreeMap::new();
        let items = items.iter().take(HOOK_RULES_MAX).enumerate();
        items
            .filter_map(|(number, item)| read(self, &format!("{path}[{number}]"), item, &mut names))
            .collect()
    }

    /// One rule, if it has no problem.
    fn hook_rule<'n>(&mut self, path: &str, item: &'n Node, names: &mut RuleNames<'n>) -> Option<Rule> {
        let before = self.mistakes;
        let entries = self.table(item, path);
        if !matches!(item.value, Value::Table(_)) {
            return None;
        }
        self.known_keys(RULES, path, entries);
        let mut rule = Rule::named(self.rule_name(path, item, entries, names).unwrap_or_default());
        let points = self.rule_points(path, item, entries);
        rule.at = points.named().map(<[HookPoint]>::to_vec);
        rule.enabled = self.rule_switch(path, entries, "enabled").unwrap_or(true);
        rule.unsafe_env = self.rule_switch(path, entries, "unsafe_env").unwrap_or(false);
        let scope = Scope { points, unsafe_env: rule.unsafe_env };
        if let Some(entry) = entry(entries, "match") {
            rule.condition = self.rule_condition(&below_path(path, "match"), &entry.node, &scope.points);
        }
        self.rule_actions(path, entries, &scope, &mut rule);
        if self.mistakes > before {
            return None;
        }
        // What only the whole of a rule shows.
        for problem in rule.problems() {
            let path =
                if problem.place.is_empty() { path.to_owned() } else { format!("{path}.{}", problem.place) };
            self.report(
                &path,
                item.at,
                Complaint::new(Kind::WrongValue, problem.fault.found, problem.fault.expected),
            );
        }
        (self.mistakes == before).then_some(rule)
    }

    /// The name of a rule, checked against those before it.
    pub(super) fn rule_name<'n>(
        &mut self,
        path: &str,
        item: &Node,
        entries: &'n [Entry],
        names: &mut RuleNames<'n>,
    ) -> Option<&'n str> {
        let path = below_path(path, "name");
        let Some(entry) = entry(entries, "name") else {
            let complaint = Complaint::new(Kind::Missing, "nothing", "a name, as text");
            self.report_absence(&path, item.at, complaint.hint("messages and counters call the rule by it"));
            return None;
        };
        let name = self.checked(&path, &entry.node, |value| match value {
            Value::Text(name) => check_rule_name(name),
            other => Err(Complaint::wrong_type(other, "a name, as text")),
        });
        let name = name.and(entry.node.text())?;
        if let Some(first) = names.insert(name, entry.node.at) {
            let complaint = Complaint::new(
                Kind::Duplicate,
                format!("the name {} a second time", quoted(name)),
                "a name for each rule",
            );
            let line = self.lines.zip(first).map(|(lines, at)| lines.number(at));
            let complaint = match line {
                Some(line) => complaint.hint(format!("the first rule of that name is in line {line}")),
                None => complaint,
            };
            self.report(&path, entry.node.at, complaint);
        }
        Some(name)
    }

    pub(super) fn rule_switch(&mut self, path: &str, entries: &[Entry], key: &str) -> Option<bool> {
        let entry = entry(entries, key)?;
        self.checked(&below_path(path, key), &entry.node, truth)
    }

    /// The condition of a rule that acts at these points.
    pub(super) fn rule_condition(&mut self, path: &str, node: &Node, points: &Points) -> Condition {
        let read = self.condition(path, node, 0, points);
        self.report_blind_points(&read, points);
        read.condition
    }
}

/// The entry of a key, if it is there.
pub(super) fn entry<'n>(entries: &'n [Entry], key: &str) -> Option<&'n Entry> {
    entries.iter().find(|entry| entry.key == key)
}

/// Refuses names that would be unclear in messages.
fn check_rule_name(name: &str) -> Result<(), Complaint> {
    let complain = |found: String, expected: &str| Err(Complaint::new(Kind::WrongName, found, expected));
    if name.trim().is_empty() {
        return complain(format!("the name {}", quoted(name)), "a name that can be read");
    }
    if name.len() > RULE_NAME_BYTES_MAX {
        return complain(
            format!("a name of {} bytes", name.len()),
            &format!("at most {RULE_NAME_BYTES_MAX} bytes"),
        );
    }
    if name.contains(char::is_control) {
        return complain(
            format!("a control character in the name {}", quoted(name)),
            "a name without control characters",
        );
    }
    if SHORT_SECTIONS.iter().any(|section| name.starts_with(section)) {
        return complain(
            format!("the name {}", quoted(name)),
            "another name: the rules of that section are called so",
        );
    }
    Ok(())
}
