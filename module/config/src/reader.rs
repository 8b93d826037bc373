//! From values as written to settings ready to use, collecting every problem on the way.

use std::collections::BTreeSet;

use crate::checked::{AllocatorConfig, AllocatorOrder, Config, Drill, HookConfig, HookEndpoint};
use crate::entry_points::ENTRY_POINTS;
use crate::names::{nearest, schema_keys};
use crate::parameters::FILE_KEY;
use crate::problem::{Found, Kind, Problem, path_part, quoted};
use crate::raw::{Entry, Lines, Node, Value};
use crate::schema::SchemaTable;

mod hook_rules;
mod isolator;
mod lending;
mod limits;
mod lists;
mod rules;
mod values;

pub use hook_rules::{COMMAND_SECONDS, COMMAND_SECONDS_MAX, HOOK_RULES_MAX};
pub use lending::{LENT_MAX, ROLE_LIMITS_MAX, ROLE_PATTERNS_MAX};
pub use lists::EXPRESSIONS_MAX;

/// Facts a hook's environment rule can name: the executor hook's own and what is remembered of its task.
const EXECUTOR_ROOTS: &[&str] = &["executor", "framework", "task", "agent"];
/// Facts a label rule can name.
const LABEL_ROOTS: &[&str] = &["task", "framework", "agent", "executor"];

/// Reads the tree of a configuration; `found` holds the problems it has so far.
pub(crate) fn read(root: &Node, lines: Option<&Lines<'_>>, found: Found) -> (Config, Found) {
    // What stands on a line that is not TOML was not read as it was meant.
    let broken = found.items().iter().filter(|problem| problem.kind == Kind::Syntax);
    let broken = broken.filter_map(|problem| problem.place.as_ref()).map(|place| place.line).collect();
    let mut reader = Reader { lines, broken, found, mistakes: 0, expressions: 0, role_patterns: 0 };
    let mut config = Config::default();
    for entry in reader.table(root, "") {
        match &*entry.key {
            "allocator" => config.allocator = reader.allocator(&entry.node),
            "hook" => config.hook = reader.hook(&entry.node),
            "isolator" => config.isolator = reader.isolator(&entry.node),
            "lending" => config.lending = reader.lending(&entry.node),
            "eviction" => config.eviction = reader.eviction(&entry.node),
            "drill" => config.drill = reader.drill(&entry.node),
            _ => reader.unknown("", entry),
        }
    }
    (config, reader.found)
}

/// Shortest beginning of a key that is taken for it, in bytes.
const CUT_BYTES_MIN: usize = 3;

/// Collects problems while the tree is read.
struct Reader<'a> {
    lines: Option<&'a Lines<'a>>,
    /// Lines with a syntax error.
    broken: BTreeSet<usize>,
    found: Found,
    /// Problems met so far, those on lines with a syntax error among them.
    mistakes: usize,
    /// Regular expressions met so far.
    expressions: usize,
    /// Patterns of lenders and borrowers met so far.
    role_patterns: usize,
}

/// A problem of one value, without its place.
struct Complaint {
    kind: Kind,
    found: String,
    expected: String,
    hint: Option<String>,
}

impl Complaint {
    fn new(kind: Kind, found: impl Into<String>, expected: impl Into<String>) -> Complaint {
        Complaint { kind, found: found.into(), expected: expected.into(), hint: None }
    }

    fn wrong_type(value: &Value, expected: &str) -> Complaint {
        Complaint::new(Kind::WrongType, value.describe(), expected)
    }

    fn hint(mut self, hint: impl Into<String>) -> Complaint {
        self.hint = Some(hint.into());
        self
    }

    fn meant(mut self, nearest: Option<&str>) -> Complaint {
        self.hint = nearest.map(|name| format!("did you mean `{name}`?"));
        self
    }
}

impl Reader<'_> {
    /// Adds a problem at an offset of the file.
    fn report(&mut self, path: &str, at: Option<usize>, complaint: Complaint) {
        self.mistakes += 1;
        let lines = self.lines;
        if !self.broken.is_empty()
            && let (Some(lines), Some(at)) = (lines, at)
            && self.broken.contains(&lines.number(at))
        {
            return;
        }
        self.found.add(|| Problem {
            kind: complaint.kind,
            path: path.to_owned(),
            place: lines.zip(at).map(|(lines, at)| lines.place(at)),
            found: complaint.found,
            expected: complaint.expected,
            hint: complaint.hint,
            excerpt: None,
        });
    }

    /// Adds a problem of something that is not there. It may stand on a line that could not be read: then that is told.
    fn report_absence(&mut self, path: &str, at: Option<usize>, complaint: Complaint) {
        self.mistakes += 1;
        if self.broken.is_empty() {
            self.report(path, at, complaint);
        }
    }

    /// The entries of a table; anything else is a problem and has none.
    fn table<'n>(&mut self, node: &'n Node, path: &str) -> &'n [Entry] {
        if let Value::Table(entries) = &node.value {
            return entries;
        }
        self.report(path, node.at, Complaint::wrong_type(&node.value, "a table"));
        &[]
    }

    /// Those entries of a table whose keys the schema has; the others are reported. `path` is where the
    /// table stands, numbers of rules included.
    fn known_keys<'n>(&mut self, table: &str, path: &str, entries: &'n [Entry]) -> Vec<&'n Entry> {
        let schema = SchemaTable::at(table);
        let (known, unknown): (Vec<_>, Vec<_>) =
            entries.iter().partition(|entry| schema.is_some_and(|table| table.has(&entry.key)));
        for entry in unknown {
            self.unknown_at(table, path, entry);
        }
        known
    }

    /// Reports a key the schema does not have in a table.
    fn unknown(&mut self, table: &str, entry: &Entry) {
        self.unknown_at(table, table, entry);
    }

    /// Reports a key the schema does not have in a table; `path` is where the table stands, numbers of rules included.
    fn unknown_at(&mut self, table: &str, path: &str, entry: &Entry) {
        if self.found.is_full() {
            // Counted only: looking for what was meant is the costly part.
            return self.report("", entry.at, Complaint::new(Kind::UnknownKey, "", ""));
        }
        let written = if table.is_empty() { entry.key.clone() } else { format!("{table}.{}", entry.key) };
        let mut keys = schema_keys();
        // Only module parameters come without lines, and only they may name a file.
        if self.lines.is_none() && table.is_empty() {
            keys.insert(0, FILE_KEY.to_owned());
        }
        let nearest = nearest(&written, keys.iter().map(String::as_str));
        // A word that was cut short.
        let long_enough = entry.key.len() >= CUT_BYTES_MIN;
        let cut = keys.iter().find(|key| long_enough && key.starts_with(&written)).map(String::as_str);
        let nearest = nearest.or(cut);
        let below = |key: &&String| match (table.is_empty(), key.strip_prefix(table)) {
            (true, _) => !key.contains('.'),
            (false, Some(rest)) => rest.strip_prefix('.').is_some_and(|name| !name.contains('.')),
            (false, None) => false,
        };
        let known: Vec<String> = keys.iter().filter(below).map(|key| format!("`{key}`")).collect();
        let complaint =
            Complaint::new(Kind::UnknownKey, "an unknown key", format!("one of {}", known.join(", ")));
        self.report(&below_path(path, &entry.key), entry.at, complaint.meant(nearest));
    }

    fn allocator(&mut self, node: &Node) -> AllocatorConfig {
        let mut config = AllocatorConfig::default();
        for entry in self.table(node, "allocator") {
            match &*entry.key {
                "seed" => {
                    if let Some(seed) = self.checked("allocator.seed", &entry.node, whole_number) {
                        config.seed = seed;
                    }
                }
                "explain_offers" => {
                    if let Some(explain) = self.checked("allocator.explain_offers", &entry.node, truth) {
                        config.explain_offers = explain;
                    }
                }
                "order" => {
                    if let Some(order) = self.checked("allocator.order", &entry.node, order) {
                        config.order = order;
                    }
                }
                _ => self.unknown("allocator", entry),
            }
        }
        config
    }

    fn hook(&mut self, node: &Node) -> HookConfig {
        let mut config = HookConfig::default();
        let entries = self.table(node, "hook");
        for entry in self.known_keys("hook", "hook", entries) {
            match &*entry.key {
                "environment" => {
                    config.environment = self.rules(&entry.node, "hook.environment", EXECUTOR_ROOTS);
                }
                "labels" => config.labels = self.rules(&entry.node, "hook.labels", LABEL_ROOTS),
                "agent_environment" => config.agent_environment = self.agent_environment(&entry.node),
                "endpoint" => {
                    if let Some(endpoint) = self.checked("hook.endpoint", &entry.node, endpoint) {
                        config.endpoint = endpoint;
                    }
                }
                "rules" => config.rules = self.hook_rules(&entry.node),
                _ => {}
            }
        }
        config
    }

    fn drill(&mut self, node: &Node) -> Drill {
        let mut named = BTreeSet::new();
        for entry in self.table(node, "drill") {
            if entry.key == "panic_in" {
                self.entry_points(&entry.node, &mut named);
            } else {
                self.unknown("drill", entry);
            }
        }
        Drill { panic_in: ENTRY_POINTS.iter().copied().filter(|name| named.contains(name)).collect() }
    }

    /// Names of entry points, from a list of text or a parameter with commas.
    fn entry_points(&mut self, node: &Node, named: &mut BTreeSet<&'static str>) {
        const PATH: &str = "drill.panic_in";
        const EXPECTED: &str = "a list of entry points, such as [\"hook.slave_post_fetch_hook\"]";
        // Number, offset, the name if it is text, and how it reads in a message.
        let items: Vec<(usize, Option<usize>, Option<&str>, String)> = match &node.value {
            Value::List(items) => {
                let items = items.iter().enumerate();
                items.map(|(number, item)| (number, item.at, item.text(), item.value.describe())).collect()
            }
            Value::Parameter(list) if list.is_empty() => Vec::new(),
            Value::Parameter(list) => {
                let names = list.split(',').map(str::trim).enumerate();
                names.map(|(number, name)| (number, None, Some(name), quoted(name))).collect()
            }
            other => return self.report(PATH, node.at, Complaint::wrong_type(other, EXPECTED)),
        };
        for (number, at, text, said) in items {
            let path = format!("{PATH}[{number}]");
            let Some(name) = text else {
                self.report(
                    &path,
                    at,
                    Complaint::new(Kind::WrongType, said, "the name of an entry point, as text"),
                );
                continue;
            };
            let Some(known) = ENTRY_POINTS.iter().find(|known| **known == name) else {
                let complaint = Complaint::new(Kind::WrongValue, said, "the name of an entry point");
                self.report(&path, at, complaint.meant(nearest(name, ENTRY_POINTS.iter().copied())));
                continue;
            };
            if !named.insert(known) {
                let complaint =
                    Complaint::new(Kind::Duplicate, format!("{said} a second time"), "each entry point once");
                self.report(&path, at, complaint);
            }
        }
    }

    /// A value that passes `check`, or a problem.
    fn checked<T>(
        &mut self,
        path: &str,
        node: &Node,
        check: impl FnOnce(&Value) -> Result<T, Complaint>,
    ) -> Option<T> {
        check(&node.value).map_err(|complaint| self.report(path, node.at, complaint)).ok()
    }
}

/// A path one key further down.
fn below_path(path: &str, key: &str) -> String {
    if path.is_empty() { path_part(key) } else { format!("{path}.{}", path_part(key)) }
}

/// A whole number from 0 to 2^64 - 1.
fn whole_number(value: &Value) -> Result<u64, Complaint> {
    const EXPECTED: &str = "a whole number from 0 to 18446744073709551615";
    let (digits, base) = match value {
        Value::Integer(digits, base) => (digits.as_str(), *base),
        Value::Parameter(text) => (text.as_str(), 10),
        Value::Text(text) if text.parse::<u64>().is_ok() => {
            return Err(Complaint::wrong_type(value, EXPECTED).hint("write it without quotes"));
        }
        other => return Err(Complaint::wrong_type(other, EXPECTED)),
    };
    let kind = if matches!(value, Value::Integer(..)) { Kind::WrongValue } else { Kind::WrongType };
    let signed = digits.starts_with('+') && kind == Kind::WrongType;
    match u64::from_str_radix(digits, base) {
        Ok(number) if !signed => Ok(number),
        _ => Err(Complaint::new(kind, value.describe(), EXPECTED)),
    }
}

/// The name of an order.
fn order(value: &Value) -> Result<AllocatorOrder, Complaint> {
    one_of(value, AllocatorOrder::ALL, AllocatorOrder::name)
}

/// Where an endpoint is served.
fn endpoint(value: &Value) -> Result<HookEndpoint, Complaint> {
    one_of(value, HookEndpoint::ALL, HookEndpoint::name)
}

/// The one of a few that a text names.
fn one_of<T: Copy, const N: usize>(
    value: &Value,
    all: [T; N],
    name: fn(T) -> &'static str,
) -> Result<T, Complaint> {
    let expected = all.map(|one| format!("\"{}\"", name(one))).join(" or ");
    let (Value::Text(text) | Value::Parameter(text)) = value else {
        return Err(Complaint::wrong_type(value, &expected));
    };
    let known = all.into_iter().find(|one| name(*one) == text);
    known.ok_or_else(|| {
        let meant = nearest(text, all.map(name));
        Complaint::new(Kind::WrongValue, value.describe(), expected).meant(meant)
    })
}

/// `true` or `false`.
fn truth(value: &Value) -> Result<bool, Complaint> {
    match value {
        Value::Boolean(value) => Ok(*value),
        Value::Parameter(text) if text == "true" => Ok(true),
        Value::Parameter(text) if text == "false" => Ok(false),
        Value::Text(text) if text == "true" || text == "false" => {
            Err(Complaint::wrong_type(value, "true or false").hint("write it without quotes"))
        }
        other => Err(Complaint::wrong_type(other, "true or false")),
    }
}
