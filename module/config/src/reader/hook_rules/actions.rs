//! Actions on environments, labels and resources.

use std::collections::BTreeSet;

use apportion_policy::{
    AgentActions, Amount, Assignments, Effect, EnvironmentActions, Joined, LabelActions, Pattern, Reason,
    Rule, Share, TaskResourceActions, ValueSource, is_unsafe_variable,
};

use super::points::Known;
use super::{Scope, entry};
use crate::problem::{Kind, quoted};
use crate::raw::{Entry, Node, Value};
use crate::reader::lists::{Piece, Texts};
use crate::reader::rules::Named;
use crate::reader::values::decimal;
use crate::reader::{Complaint, Reader, below_path};
use crate::schema::SchemaTable;

/// What the schema has in each action, for a table that is empty.
const SOME_ACTION: &str = "at least one action";
const SOME_VALUE: &str = "at least one name and its value";
const SOME_AMOUNT: &str = "at least one resource and its amount";

/// Names, or globs for names.
const GLOBS: Texts = Texts { whole: "a list of names", one: "a name", alone: false, any: false };

impl Reader<'_> {
    /// Fills in the actions of a rule.
    pub(super) fn rule_actions(&mut self, path: &str, entries: &[Entry], scope: &Scope, rule: &mut Rule) {
        for entry in entries {
            let (path, node) = (below_path(path, &entry.key), &entry.node);
            match &*entry.key {
                "environment" => rule.environment = self.environment_actions(&path, node, scope),
                "labels" => {
                    let known = scope.points.known(Effect::Labels);
                    rule.labels = self.label_actions("hook.rules.labels", &path, node, &known);
                }
                "status_labels" => {
                    let known = scope.points.known(Effect::StatusLabels);
                    rule.status_labels = self.label_actions("hook.rules.status_labels", &path, node, &known);
                }
                "task_resources" => rule.task_resources = self.task_resource_actions(&path, node),
                "agent" => rule.agent = self.agent_actions(&path, node, scope),
                "audit" => rule.audit = self.audit_action(&path, node, scope),
                "command" => rule.command = self.command_action(&path, node, scope),
                _ => {}
            }
        }
    }

    fn environment_actions(&mut self, path: &str, node: &Node, scope: &Scope) -> EnvironmentActions {
        let known = scope.points.known(Effect::Environment);
        let mut actions = EnvironmentActions::default();
        let entries = self.filled(path, node, SOME_ACTION);
        for entry in self.known_keys("hook.rules.environment", path, entries) {
            let (path, node) = (below_path(path, &entry.key), &entry.node);
            match &*entry.key {
                "set" => actions.set = self.variables(&path, node, &known, scope),
                "default" => actions.default = self.variables(&path, node, &known, scope),
                "append" => actions.append = self.additions(&path, node, &known, scope),
                "prepend" => actions.prepend = self.additions(&path, node, &known, scope),
                "unset" => actions.unset = self.unset_variables(&path, node, scope),
                "rename" => actions.rename = self.renamed_variables(&path, node, scope),
                _ => {}
            }
        }
        self.report_idle_defaults(path, entries);
        actions
    }

    fn label_actions(&mut self, schema: &str, path: &str, node: &Node, known: &Known) -> LabelActions {
        let mut actions = LabelActions::default();
        let entries = self.filled(path, node, SOME_ACTION);
        for entry in self.known_keys(schema, path, entries) {
            let (path, node) = (below_path(path, &entry.key), &entry.node);
            match &*entry.key {
                "set" => actions.set = self.assignments(&path, node, Named::Label, known),
                "default" => actions.default = self.assignments(&path, node, Named::Label, known),
                "remove" => {
                    let pieces = self.texts(&path, node, GLOBS);
                    actions.remove =
                        pieces.iter().filter_map(|piece| self.pattern(piece, Pattern::parse)).collect();
                }
                _ => {}
            }
        }
        self.report_idle_defaults(path, entries);
        actions
    }

    /// Reports defaults of what the same rule sets anyway.
    fn report_idle_defaults(&mut self, path: &str, entries: &[Entry]) {
        let named = |key: &str| match entry(entries, key).map(|entry| &entry.node.value) {
            Some(Value::Table(inner)) => inner.as_slice(),
            _ => &[],
        };
        let set: BTreeSet<&str> = named("set").iter().map(|entry| &*entry.key).collect();
        for default in named("default").iter().filter(|default| set.contains(&*default.key)) {
            let found = format!("a default for {}, which `set` sets in any case", quoted(&default.key));
            let path = below_path(&format!("{path}.default"), &default.key);
            self.report(&path, default.at, Complaint::new(Kind::WrongValue, found, "one of both"));
        }
    }

    /// Names with the templates of their values.
    pub(super) fn assignments(
        &mut self,
        path: &str,
        node: &Node,
        named: Named,
        known: &Known,
    ) -> Assignments {
        let mut assignments = Vec::new();
        for entry in self.filled(path, node, SOME_VALUE) {
            let path = below_path(path, &entry.key);
            self.is_name(&path, entry.at, &entry.key, named);
            let value = self.value(&path, &entry.node, &entry.key, known);
            assignments.extend(value.map(|value| (entry.key.clone(), value)));
        }
        assignments
    }

    /// A value for what can be known where its rule acts. At a point that the rule names it must be known or have a
    /// default; where it acts for want of names, a value that is not known is a fault when it comes to it.
    pub(super) fn value(&mut self, path: &str, node: &Node, key: &str, known: &Known) -> Option<ValueSource> {
        let value = self.template(path, node, key, |source| ValueSource::parse(source, &known.facts))?;
        let source = value.to_string();
        // `default`, `is defined`, `is undefined`: it is prepared for what is not known.
        if source.contains("default") || source.contains("defined") {
            return Some(value);
        }
        for point in &known.named {
            let Err(fault) = ValueSource::parse(&source, point.facts()) else { continue };
            for reason in fault.reasons {
                let Reason::NotKnownHere { name, .. } = reason else { continue };
                let found = format!("`{name}`, which is never known at {}", point.key());
                let expected = "what is known at all points in `at`, or a default";
                let complaint = Complaint::new(Kind::Template, found, expected);
                self.report(path, node.at, complaint.hint("such as {{ … | default('none') }}"));
            }
        }
        Some(value)
    }

    fn variables(&mut self, path: &str, node: &Node, known: &Known, scope: &Scope) -> Assignments {
        self.report_unsafe_keys(path, node, scope);
        self.assignments(path, node, Named::Variable, known)
    }

    fn additions(&mut self, path: &str, node: &Node, known: &Known, scope: &Scope) -> Vec<(String, Joined)> {
        self.report_unsafe_keys(path, node, scope);
        let mut additions = Vec::new();
        for entry in self.filled(path, node, SOME_VALUE) {
            let path = below_path(path, &entry.key);
            self.is_name(&path, entry.at, &entry.key, Named::Variable);
            let added = self.addition(&path, &entry.node, &entry.key, known);
            additions.extend(added.map(|added| (entry.key.clone(), added)));
        }
        additions
    }

    /// `"value"`, or `{ value = "…", separator = ":" }`.
    fn addition(&mut self, path: &str, node: &Node, key: &str, known: &Known) -> Option<Joined> {
        let mut separator = Joined::SEPARATOR.to_owned();
        let Value::Table(entries) = &node.value else {
            let value = self.value(path, node, key, known)?;
            return Some(Joined { value, separator });
        };
        let keys = SchemaTable::at("hook.rules.environment.append").map_or(&[][..], |table| table.keys);
        let keys: Vec<&str> = keys.iter().map(|row| row.key).collect();
        for entry in entries.iter().filter(|entry| !keys.contains(&&*entry.key)) {
            self.unknown_of(path, entry, &keys);
        }
        if let Some(entry) = entry(entries, "separator") {
            separator = self.checked(&below_path(path, "separator"), &entry.node, separator_text)?;
        }
        let Some(entry) = entry(entries, "value") else {
            let complaint = Complaint::new(Kind::Missing, "nothing", "text, a template");
            self.report_absence(&format!("{path}.value"), node.at, complaint);
            return None;
        };
        let value = self.value(&below_path(path, "value"), &entry.node, "value", known)?;
        Some(Joined { value, separator })
    }

    fn unset_variables(&mut self, path: &str, node: &Node, scope: &Scope) -> Vec<Pattern> {
        let mut patterns = Vec::new();
        for piece in self.texts(path, node, GLOBS) {
            let Some(pattern) = self.pattern(&piece, Pattern::parse) else { continue };
            if pattern
                .literal()
                .is_some_and(|name| !self.is_name(&piece.path, piece.at, name, Named::Variable))
            {
                continue;
            }
            // Which names a glob aims at is the rules' own business: they are asked about a rule with this one alone.
            let environment =
                EnvironmentActions { unset: vec![pattern.clone()], ..EnvironmentActions::default() };
            let alone = Rule { environment, unsafe_env: scope.unsafe_env, ..Rule::named("unset") };
            if !alone.problems().is_empty() {
                let complaint = match pattern.literal() {
                    Some(name) => unsafe_variable(name),
                    None => unsafe_variables(piece.text),
                };
                self.report(&piece.path, piece.at, complaint);
            }
            patterns.push(pattern);
        }
        patterns
    }

    fn renamed_variables(&mut self, path: &str, node: &Node, scope: &Scope) -> Vec<(String, String)> {
        self.report_unsafe_keys(path, node, scope);
        let mut renamed: Vec<(String, String)> = Vec::new();
        for entry in self.filled(path, node, "at least one name and its new name") {
            let (path, node, old) = (below_path(path, &entry.key), &entry.node, &entry.key);
            self.is_name(&path, entry.at, old, Named::Variable);
            let Some(new) = node.text() else {
                self.report(&path, node.at, Complaint::wrong_type(&node.value, "the new name, as text"));
                continue;
            };
            if !self.is_name(&path, node.at, new, Named::Variable) {
                continue;
            }
            let complaint = if new == old {
                Some(Complaint::new(
                    Kind::WrongValue,
                    format!("{} renamed to itself", quoted(new)),
                    "another name",
                ))
            } else if let Some((other, _)) = renamed.iter().find(|(_, taken)| taken == new) {
                let found = format!("{} a second time, {} gets it too", quoted(new), quoted(other));
                Some(Complaint::new(Kind::Duplicate, found, "a new name for each variable"))
            } else {
                (!scope.unsafe_env && is_unsafe_variable(new)).then(|| unsafe_variable(new))
            };
            if let Some(complaint) = complaint {
                self.report(&path, node.at, complaint);
            }
            renamed.push((old.clone(), new.to_owned()));
        }
        renamed
    }

    /// Reports keys of a table that need `unsafe_env`.
    fn report_unsafe_keys(&mut self, path: &str, node: &Node, scope: &Scope) {
        let Value::Table(entries) = &node.value else { return };
        for entry in entries.iter().filter(|entry| !scope.unsafe_env && is_unsafe_variable(&entry.key)) {
            self.report(&below_path(path, &entry.key), entry.at, unsafe_variable(&entry.key));
        }
    }

    fn task_resource_actions(&mut self, path: &str, node: &Node) -> TaskResourceActions {
        let mut actions = TaskResourceActions::default();
        let entries = self.filled(path, node, SOME_ACTION);
        for entry in self.known_keys("hook.rules.task_resources", path, entries) {
            let (path, node) = (below_path(path, &entry.key), &entry.node);
            match &*entry.key {
                "default" => actions.default = self.amounts(&path, node),
                "minimum" => actions.minimum = self.amounts(&path, node),
                "maximum" => actions.maximum = self.amounts(&path, node),
                "round" => actions.round = self.amounts(&path, node),
                _ => {}
            }
        }
        self.report_contradictions(path, entries, &actions);
        actions
    }

    /// Reports defaults and minimums that the maximum takes back, and defaults that the minimum raises.
    fn report_contradictions(&mut self, path: &str, entries: &[Entry], actions: &TaskResourceActions) {
        let amount_in = |list: &[(String, Amount)], name: &str| {
            list.iter().find(|(other, _)| other == name).map(|(_, amount)| *amount)
        };
        for (key, list) in [("default", &actions.default), ("minimum", &actions.minimum)] {
            for (name, amount) in list {
                let maximum = amount_in(&actions.maximum, name).filter(|maximum| amount > maximum);
                let minimum = amount_in(&actions.minimum, name).filter(|minimum| amount < minimum);
                let (found, expected) = match (maximum, minimum) {
                    (Some(maximum), _) => {
                        (format!("{amount}, above the maximum"), format!("at most {maximum}"))
                    }
                    (None, Some(minimum)) => {
                        (format!("{amount}, below the minimum"), format!("at least {minimum}"))
                    }
                    (None, None) => continue,
                };
                let place = entry(entries, key).and_then(|entry| match &entry.node.value {
                    Value::Table(inner) => super::entry(inner, name),
                    _ => None,
                });
                let path = below_path(&below_path(path, key), name);
                let at = place.and_then(|entry| entry.node.at);
                self.report(&path, at, Complaint::new(Kind::WrongValue, found, expected));
            }
        }
    }

    /// Resources with amounts above zero.
    fn amounts(&mut self, path: &str, node: &Node) -> Vec<(String, Amount)> {
        let mut amounts = Vec::new();
        for entry in self.filled(path, node, SOME_AMOUNT) {
            let path = below_path(path, &entry.key);
            self.is_resource(&path, entry);
            let amount = self.checked(&path, &entry.node, |value| amount_of(&entry.key, value));
            amounts.extend(amount.map(|amount| (entry.key.clone(), amount)));
        }
        amounts
    }

    /// Reports names that no amount can be of.
    fn is_resource(&mut self, path: &str, entry: &Entry) {
        if self.is_name(path, entry.at, &entry.key, Named::Resource) && entry.key == "ports" {
            let complaint =
                Complaint::new(Kind::WrongValue, "`ports`, which has ranges", "a resource with an amount");
            self.report(path, entry.at, complaint);
        }
    }

    fn agent_actions(&mut self, path: &str, node: &Node, scope: &Scope) -> AgentActions {
        let mut actions = AgentActions::default();
        let entries = self.filled(path, node, "`attributes` or `reserve`");
        for entry in self.known_keys("hook.rules.agent", path, entries) {
            let (path, node) = (below_path(path, &entry.key), &entry.node);
            match &*entry.key {
                "attributes" => {
                    let known = scope.points.known(Effect::AgentAttributes);
                    actions.attributes = self.assignments(&path, node, Named::Attribute, &known);
                }
                "reserve" => {
                    for entry in self.filled(&path, node, SOME_AMOUNT) {
                        let path = below_path(&path, &entry.key);
                        self.is_resource(&path, entry);
                        let share = self.share(&path, &entry.key, &entry.node);
                        actions.reserve.extend(share.map(|share| (entry.key.clone(), share)));
                    }
                }
                _ => {}
            }
        }
        actions
    }

    /// An amount as a number, or a percentage as text.
    fn share(&mut self, path: &str, name: &str, node: &Node) -> Option<Share> {
        let Value::Text(text) = &node.value else {
            return self.checked(path, node, |value| amount_of(name, value)).map(Share::Amount);
        };
        if Amount::parse(text).is_ok() {
            let complaint = Complaint::wrong_type(&node.value, "a number, or a percentage such as \"5%\"");
            self.report(path, node.at, complaint.hint("write it without quotes"));
            return None;
        }
        let piece = Piece { text, path: path.to_owned(), at: node.at };
        let share = self.parsed(&piece, Share::parse)?;
        if share == Share::Percent(Amount::ZERO) {
            self.report(
                path,
                node.at,
                Complaint::new(Kind::WrongValue, "the text \"0%\"", "more than nothing"),
            );
        }
        Some(share)
    }
}

/// The problem of a variable that decides which code runs.
fn unsafe_variable(name: &str) -> Complaint {
    let found = format!("{}, which decides what code a process runs", quoted(name));
    Complaint::new(Kind::WrongValue, found, "another variable, or `unsafe_env = true` in the rule")
}

/// The problem of a glob for names with such variables among them.
fn unsafe_variables(glob: &str) -> Complaint {
    let found = format!("{}, which names variables that decide what code a process runs", quoted(glob));
    Complaint::new(Kind::WrongValue, found, "another glob, or `unsafe_env = true` in the rule")
}

fn separator_text(value: &Value) -> Result<String, Complaint> {
    match value {
        Value::Text(text) if text.contains('\0') => {
            Err(Complaint::new(Kind::WrongValue, "a NUL character", "text without NUL"))
        }
        Value::Text(text) => Ok(text.clone()),
        other => Err(Complaint::wrong_type(other, "a separator, as text")),
    }
}

/// An amount of a resource: graphics processors are not shared.
fn amount_of(name: &str, value: &Value) -> Result<Amount, Complaint> {
    let amount = amount(value)?;
    if name == "gpus" && amount.thousandths() % 1000 != 0 {
        return Err(Complaint::new(
            Kind::WrongValue,
            value.describe(),
            "a whole number above 0: tasks share no GPU",
        ));
    }
    Ok(amount)
}

/// An amount above zero, as a number.
fn amount(value: &Value) -> Result<Amount, Complaint> {
    const EXPECTED: &str = "a number above 0 with at most three decimals, such as 0.5";
    let amount = match value {
        Value::Integer(..) | Value::Fraction(_) => decimal(value),
        Value::Text(text) => {
            let complaint = Complaint::wrong_type(value, EXPECTED);
            let hint = match Amount::parse(text) {
                Ok(_) => "write it without quotes",
                Err(_) => "without a unit: memory and disk are in MiB",
            };
            return Err(complaint.hint(hint));
        }
        other => return Err(Complaint::wrong_type(other, EXPECTED)),
    };
    amount
        .filter(|amount| !amount.is_zero())
        .ok_or_else(|| Complaint::new(Kind::WrongValue, value.describe(), EXPECTED))
}
