//! `match`: conditions, and the points at which they can never be known.

use std::collections::BTreeMap;

use apportion_policy::{
    AttributeTest, CONDITION_DEPTH_MAX, Condition, ContainerType, HookPoint, Pattern, Presence, ResourceTest,
    TextField,
};

use super::points::{Points, keys};
use crate::names::nearest;
use crate::problem::{Kind, quoted};
use crate::raw::{Entry, Node, Value};
use crate::reader::lists::Texts;
use crate::reader::rules::{Named, dotted};
use crate::reader::{Complaint, Reader, below_path};

const PATTERNS: Texts =
    Texts { whole: "a pattern, or a list of patterns", one: "a pattern", alone: true, any: false };
const CONTAINERS: Texts = Texts {
    whole: "a type of container, or a list of them",
    one: "a type of container",
    alone: true,
    any: false,
};
const ATTRIBUTES: Texts = Texts {
    whole: "a test such as \"rack = 3\", or a list of tests",
    one: "a test",
    alone: true,
    any: false,
};
const RESOURCES: Texts = Texts {
    whole: "a test such as \"cpus > 4\", or a list of tests",
    one: "a test",
    alone: true,
    any: false,
};

/// What was asked where it can never be known.
#[derive(Debug, Clone)]
struct Blind {
    path: String,
    at: Option<usize>,
    key: String,
}

/// A condition, and where it can never be known.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) condition: Condition,
    blind: BTreeMap<HookPoint, Blind>,
}

impl Reader<'_> {
    /// A condition from its table, `depth` conditions inside others.
    pub(super) fn condition(&mut self, path: &str, node: &Node, depth: usize, points: &Points) -> Read {
        let entries = self.filled(path, node, "at least one condition");
        let parts: usize = entries.iter().map(parts).sum();
        let depth = depth + usize::from(parts > 1);
        if depth > CONDITION_DEPTH_MAX {
            let found = format!("conditions more than {CONDITION_DEPTH_MAX} deep within each other");
            let expected =
                format!("at most {CONDITION_DEPTH_MAX} of `all`, `any`, `not` and tables with several keys");
            self.report(path, node.at, Complaint::new(Kind::WrongValue, found, expected));
            return Read::default();
        }
        let mut all = Vec::new();
        for entry in self.known_keys(points.match_schema(), path, entries) {
            let path = below_path(path, &entry.key);
            let inner = depth + 1;
            match &*entry.key {
                "all" => {
                    let reads = self.conditions(&path, &entry.node, inner, points);
                    let blind = blind_in_one(&reads);
                    let condition = Condition::All(reads.into_iter().map(|read| read.condition).collect());
                    all.push(Read { condition, blind });
                }
                "any" => {
                    let reads = self.conditions(&path, &entry.node, inner, points);
                    let blind = blind_in_each(&reads);
                    let condition = Condition::Any(reads.into_iter().map(|read| read.condition).collect());
                    all.push(Read { condition, blind });
                }
                "not" => {
                    let Read { condition, blind } = self.condition(&path, &entry.node, inner, points);
                    all.push(Read { condition: Condition::Not(Box::new(condition)), blind });
                }
                _ => {
                    let conditions = self.plain(&path, entry);
                    let blind = blind(entry, &path, points);
                    all.extend(
                        conditions.into_iter().map(|condition| Read { condition, blind: blind.clone() }),
                    );
                }
            }
        }
        let blind = blind_in_one(&all);
        let mut conditions: Vec<Condition> = all.into_iter().map(|read| read.condition).collect();
        let condition = match (conditions.len(), conditions.pop()) {
            (1, Some(only)) => only,
            (_, last) => Condition::All(conditions.into_iter().chain(last).collect()),
        };
        Read { condition, blind }
    }

    /// The conditions of a list.
    fn conditions(&mut self, path: &str, node: &Node, depth: usize, points: &Points) -> Vec<Read> {
        let Value::List(items) = &node.value else {
            let complaint = Complaint::wrong_type(&node.value, "a list of tables with conditions");
            self.report(
                path,
                node.at,
                complaint.hint("such as [{ role = \"prod/**\" }, { user = \"web\" }]"),
            );
            return Vec::new();
        };
        if items.is_empty() {
            let complaint =
                Complaint::new(Kind::WrongValue, "an empty list", "at least one table with conditions");
            self.report(path, node.at, complaint);
        }
        let items = items.iter().enumerate();
        items
            .map(|(number, item)| self.condition(&format!("{path}[{number}]"), item, depth, points))
            .collect()
    }

    /// The conditions of a key that holds no others.
    fn plain(&mut self, path: &str, entry: &Entry) -> Vec<Condition> {
        let node = &entry.node;
        if let Some(field) = TextField::named(&entry.key) {
            let patterns = self.patterns(path, node, PATTERNS, |text| field.pattern(text));
            return vec![Condition::Text(field, patterns)];
        }
        match &*entry.key {
            "container" => {
                let pieces = self.texts(path, node, CONTAINERS);
                let types = pieces.into_iter().filter_map(|piece| match ContainerType::parse(piece.text) {
                    Ok(known) => Some(known),
                    Err(fault) => {
                        let meant = nearest(piece.text, ContainerType::ALL.map(ContainerType::name));
                        let complaint =
                            Complaint::new(Kind::WrongValue, fault.found, fault.expected).meant(meant);
                        self.report(&piece.path, piece.at, complaint);
                        None
                    }
                });
                vec![Condition::Container(types.collect())]
            }
            "labels" => self.presences(path, node, Named::Label, Condition::Label),
            "environment" => self.presences(path, node, Named::Variable, Condition::Variable),
            "attributes" => {
                let pieces = self.texts(path, node, ATTRIBUTES);
                let tests = pieces.iter().filter_map(|piece| self.parsed(piece, AttributeTest::parse));
                tests.map(Condition::Attribute).collect()
            }
            "resources" => {
                let pieces = self.texts(path, node, RESOURCES);
                let tests = pieces.iter().filter_map(|piece| self.parsed(piece, ResourceTest::parse));
                tests.map(Condition::Resource).collect()
            }
            _ => Vec::new(),
        }
    }

    fn patterns(
        &mut self,
        path: &str,
        node: &Node,
        takes: Texts,
        parse: impl Fn(&str) -> Result<Pattern, apportion_policy::ParseFault>,
    ) -> Vec<Pattern> {
        let mut patterns = Vec::new();
        for piece in self.texts(path, node, takes) {
            if is_half_expression(piece.text) {
                let found = format!("{}, with a slash at one end only", quoted(piece.text));
                let complaint =
                    Complaint::new(Kind::WrongValue, found, "a regular expression between slashes");
                self.report(&piece.path, piece.at, complaint.hint("such as /^web-[0-9]+$/"));
                continue;
            }
            patterns.extend(self.pattern(&piece, &parse));
        }
        patterns
    }

    /// Labels or variables: there, not there, or with a value that matches.
    fn presences(
        &mut self,
        path: &str,
        node: &Node,
        named: Named,
        make: fn(String, Presence) -> Condition,
    ) -> Vec<Condition> {
        const TAKES: Texts = Texts {
            whole: "true (is there), false (is not there), a pattern, or a list of patterns",
            one: "a pattern",
            alone: true,
            any: false,
        };
        let mut conditions = Vec::new();
        for entry in self.filled(path, node, "at least one name") {
            let path = below_path(path, &entry.key);
            self.is_name(&path, entry.at, &entry.key, named);
            let presence = match &entry.node.value {
                Value::Boolean(true) => Presence::Present,
                Value::Boolean(false) => Presence::Absent,
                Value::Table(inner) => {
                    let complaint = Complaint::wrong_type(&entry.node.value, TAKES.whole);
                    let hint = inner.first().map(|first| dotted(&entry.key, &first.key));
                    self.report(&path, entry.node.at, hint.into_iter().fold(complaint, Complaint::hint));
                    continue;
                }
                _ => Presence::Matches(self.patterns(&path, &entry.node, TAKES, Pattern::parse)),
            };
            conditions.push(make(entry.key.clone(), presence));
        }
        conditions
    }

    /// Reports what is asked where it can never be known: at points the rule names, or at all of its points.
    pub(super) fn report_blind_points(&mut self, read: &Read, points: &Points) {
        let acting = points.acting();
        if points.named().is_none() && acting.iter().any(|point| !read.blind.contains_key(point)) {
            return;
        }
        let mut told: Vec<(&Blind, Vec<HookPoint>)> = Vec::new();
        for (point, blind) in read.blind.iter().filter(|(point, _)| acting.contains(point)) {
            match told.iter_mut().find(|(other, _)| other.path == blind.path) {
                Some((_, at)) => at.push(*point),
                None => told.push((blind, vec![*point])),
            }
        }
        for (blind, at) in told {
            let found = format!("`{}`, which is never known at {}", blind.key, keys(at));
            let complaint = Complaint::new(Kind::WrongValue, found, "a condition on what is known there");
            self.report(
                &blind.path,
                blind.at,
                complaint.hint("a rule whose condition is not known never acts"),
            );
        }
    }
}

/// Whether a text begins or ends as a regular expression between slashes does, and not both. A slash at one end alone is
/// none: there are names that begin with one.
fn is_half_expression(text: &str) -> bool {
    let (begins, ends) = (text.starts_with('/'), text.len() > 1 && text.ends_with('/'));
    (begins != ends)
        && (text.starts_with("/^") || text.starts_with('^') || text.ends_with("$/") || text.ends_with('$'))
}

/// How many conditions a key stands for.
fn parts(entry: &Entry) -> usize {
    match (&*entry.key, &entry.node.value) {
        ("labels" | "environment", Value::Table(entries)) => entries.len(),
        ("attributes" | "resources", Value::List(items)) => items.len(),
        _ => 1,
    }
}

/// Where the condition of a key can never be known.
fn blind(entry: &Entry, path: &str, points: &Points) -> BTreeMap<HookPoint, Blind> {
    let is_blind = |point: &&HookPoint| !is_known(&entry.key, point.facts());
    let blind = || Blind { path: path.to_owned(), at: entry.at, key: entry.key.clone() };
    points.acting().iter().filter(is_blind).map(|point| (*point, blind())).collect()
}

/// Whether what a key asks for can be known where these facts can be.
fn is_known(key: &str, facts: &[&str]) -> bool {
    let any = |of: &[&str]| facts.iter().any(|fact| of.contains(fact));
    if let Some(field) = TextField::named(key) {
        let root = field.fact().split('.').next().unwrap_or_default();
        // The container's own facts are told apart: its image can be known where its id is not.
        return if field == TextField::Image { any(&[field.fact()]) } else { any(&[root]) };
    }
    match key {
        "container" => any(&["container.type"]),
        "labels" => any(&["task", "executor"]),
        "environment" => any(&["env", "task.environment", "executor.environment"]),
        // An agent's attributes and resources are known wherever there is an agent; keys nobody knows are told as such.
        _ => true,
    }
}

/// Where one of some conditions can never be known, so that all of them together cannot.
fn blind_in_one(reads: &[Read]) -> BTreeMap<HookPoint, Blind> {
    let mut blind = BTreeMap::new();
    for (point, first) in reads.iter().flat_map(|read| &read.blind) {
        blind.entry(*point).or_insert_with(|| first.clone());
    }
    blind
}

/// Where none of some conditions can ever be known.
fn blind_in_each(reads: &[Read]) -> BTreeMap<HookPoint, Blind> {
    let mut blind = blind_in_one(reads);
    blind.retain(|point, _| reads.iter().all(|read| read.blind.contains_key(point)));
    blind
}
