//! Values as they are written: a tree of tables, whether from TOML or from dotted parameters.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;

use toml::de::{DeTable, DeValue};

use crate::problem::{Found, Kind, Place, Problem, one_line, path_part, quoted};

/// A value as written.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    /// Text in TOML.
    Text(String),
    /// A whole number in TOML: digits with an optional sign, and their base.
    Integer(String, u32),
    /// A number with a fraction in TOML, or one of its words for what is no number.
    Fraction(String),
    /// `true` or `false` in TOML.
    Boolean(bool),
    /// A list.
    List(Vec<Node>),
    /// A table, in the order of its keys.
    Table(Vec<Entry>),
    /// The value of a module parameter: text that may stand for any type.
    Parameter(String),
    /// What no key takes: the kind of value and how it was written.
    Other(&'static str, String),
}

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) value: Value,
    /// Offset in the file.
    pub(crate) at: Option<usize>,
}

/// A key with its value.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: String,
    /// Offset of the key in the file.
    pub(crate) at: Option<usize>,
    pub(crate) node: Node,
}

impl Node {
    /// The text of a TOML text.
    pub(crate) fn text(&self) -> Option<&str> {
        if let Value::Text(text) = &self.value { Some(text) } else { None }
    }
}

impl Value {
    /// The value for a message.
    pub(crate) fn describe(&self) -> String {
        match self {
            Value::Text(text) => format!("the text {}", quoted(text)),
            Value::Parameter(text) => quoted(text),
            Value::Integer(digits, 10) => format!("the number {}", shortened(digits)),
            Value::Integer(digits, base) => format!("the number {} (base {base})", shortened(digits)),
            Value::Fraction(written) => format!("the number with a fraction {}", shortened(written)),
            Value::Boolean(value) => value.to_string(),
            Value::List(items) => format!("a list of {}", items.len()),
            Value::Table(_) => "a table".to_owned(),
            Value::Other(kind, written) => format!("{kind} {}", shortened(written)),
        }
    }
}

fn shortened(text: &str) -> String {
    if text.chars().nth(40).is_some() {
        text.chars().take(40).chain(['…']).collect()
    } else {
        text.to_owned()
    }
}

/// Longest dotted keys shown before a key, in bytes.
const KEYS_BYTES_MAX: usize = 80;

/// Turns offsets in a text into lines and columns.
#[derive(Debug)]
pub(crate) struct Lines<'a> {
    file: &'a str,
    text: &'a str,
    /// Offset of each line's first byte.
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(file: &'a str, text: &'a str) -> Lines<'a> {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Lines { file, text, starts }
    }

    /// Number of the line an offset is in, from 1.
    pub(crate) fn number(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset).max(1)
    }

    /// The place of an offset. Takes time in proportion to the length of the line.
    pub(crate) fn place(&self, offset: usize) -> Place {
        let line = self.number(offset);
        let start = self.starts.get(line - 1).copied().unwrap_or(0);
        let before = self.text.get(start..offset.min(self.text.len())).unwrap_or("");
        Place { file: self.file.to_owned(), line, column: before.chars().count() + 1 }
    }

    fn line(&self, number: usize) -> &'a str {
        let start = self.starts.get(number - 1).copied().unwrap_or(self.text.len());
        self.text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or("")
    }

    fn is_header(&self, number: usize) -> bool {
        self.line(number).trim_start().starts_with('[')
    }

    /// The text with spaces in place of some lines, so that offsets stay.
    fn without(&self, lines: &BTreeSet<usize>) -> String {
        let numbered = self.text.split_inclusive('\n').enumerate();
        let kept = numbered.map(|(at, line)| {
            if !lines.contains(&(at + 1)) {
                return Cow::Borrowed(line);
            }
            let content = line.trim_end_matches(['\n', '\r']);
            Cow::Owned(format!("{}{}", " ".repeat(content.len()), &line[content.len()..]))
        });
        kept.collect()
    }

    /// The line with a mark under the column, cut to what a log line can show.
    fn excerpt(&self, place: &Place) -> String {
        let before = place.column.saturating_sub(41);
        let window: String = self.line(place.line).chars().skip(before).take(100).collect();
        let window: String = window.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let number = place.line.to_string();
        let margin = " ".repeat(number.len());
        let indent = " ".repeat(place.column.saturating_sub(before + 1));
        format!("{margin} |\n{number} | {window}\n{margin} | {indent}^")
    }

    /// A key at a place, with the keys and dots that stand before it in its line.
    fn dotted_key(&self, place: &Place, key: &str) -> String {
        let before: String = self.line(place.line).chars().take(place.column.saturating_sub(1)).collect();
        let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        let before = before.trim_start().trim_start_matches('[');
        if before.ends_with('.') && before.len() <= KEYS_BYTES_MAX && before.chars().all(bare) {
            format!("{before}{}", path_part(key.trim()))
        } else {
            path_part(key.trim())
        }
    }

    /// The table header above an offset, for the path of a problem that has none of its own. It may be no header at all.
    fn section(&self, offset: usize) -> String {
        let above = self.text.get(..offset.min(self.text.len())).unwrap_or("");
        let headers = above.lines().rev().filter_map(|line| line.trim().strip_prefix('['));
        let header = headers.filter_map(|line| line.split(']').next()).map(str::trim).next();
        header.map(|name| one_line(name.trim_start_matches('['))).unwrap_or_default()
    }
}

/// Most times a text is read again without the lines that are not TOML.
const ROUNDS_MAX: usize = 20;

/// The tables of a TOML text, and its syntax errors.
///
/// The parser goes on after an error, but may take all that follows for a part of the bad line. So that mistakes
/// further down are told in the same go, bad lines are left out and the text is read again. This ends where leaving
/// out a line would change the meaning of others: at table headers, and where a bracket or quote is not closed.
pub(crate) fn parse(lines: &Lines<'_>) -> (Node, Found) {
    let mut found = Found::default();
    let mut text = Cow::Borrowed(lines.text);
    let mut left_out = BTreeSet::new();
    // Offsets of the errors told: most are found by every reading.
    let mut told = BTreeSet::new();
    loop {
        let (table, errors) = DeTable::parse_recoverable(&text);
        let mut bad = BTreeSet::new();
        let mut separable = true;
        for error in &errors {
            let offset = error.span().map_or(0, |span| span.start);
            if told.insert(offset) {
                found.add(|| syntax_problem(lines, error));
            }
            // A second value hides nothing that follows.
            if !is_duplicate(error) {
                let line = lines.number(offset);
                separable &= !error.message().contains("unclosed") && !lines.is_header(line);
                bad.insert(line);
            }
        }
        if bad.is_empty() || !separable || left_out.len() >= ROUNDS_MAX || !bad.is_disjoint(&left_out) {
            let span = table.span();
            return (node(&DeValue::Table(table.into_inner()), span), found);
        }
        left_out.extend(bad);
        text = Cow::Owned(lines.without(&left_out));
    }
}

fn is_duplicate(error: &toml::de::Error) -> bool {
    error.message().contains("duplicate key")
}

fn syntax_problem(lines: &Lines<'_>, error: &toml::de::Error) -> Problem {
    let span = error.span().unwrap_or(0..0);
    let place = lines.place(span.start);
    let (first, expected) = match error.message().split_once(", expected ") {
        Some((first, expected)) => (first, Some(expected)),
        None => (error.message(), None),
    };
    let key = lines.text.get(span).unwrap_or("");
    // A table header stands in no table; anything else belongs to the header above it.
    let section =
        if lines.is_header(place.line) { String::new() } else { lines.section(place_offset(lines, &place)) };
    let duplicate = is_duplicate(error);
    let path = match (duplicate, section.is_empty()) {
        (true, true) => lines.dotted_key(&place, key),
        (true, false) => format!("{section}.{}", lines.dotted_key(&place, key)),
        (false, _) => section,
    };
    Problem {
        kind: if duplicate { Kind::Duplicate } else { Kind::Syntax },
        path,
        excerpt: Some(lines.excerpt(&place)),
        place: Some(place),
        found: if duplicate { "the same key a second time".to_owned() } else { first.to_owned() },
        expected: if duplicate { "each key once" } else { expected.unwrap_or("valid TOML") }.to_owned(),
        hint: None,
    }
}

fn place_offset(lines: &Lines<'_>, place: &Place) -> usize {
    lines.starts.get(place.line - 1).copied().unwrap_or(0)
}

fn node(value: &DeValue<'_>, span: Range<usize>) -> Node {
    let value = match value {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => Value::Integer(number.as_str().to_owned(), number.radix()),
        DeValue::Boolean(value) => Value::Boolean(*value),
        DeValue::Float(number) => Value::Fraction(number.as_str().to_owned()),
        DeValue::Datetime(time) => Value::Other("the date or time", time.to_string()),
        DeValue::Array(items) => {
            Value::List(items.iter().map(|item| node(item.get_ref(), item.span())).collect())
        }
        DeValue::Table(table) => Value::Table(
            table
                .iter()
                .map(|(key, value)| Entry {
                    key: key.get_ref().to_string(),
                    at: Some(key.span().start),
                    node: node(value.get_ref(), value.span()),
                })
                .collect(),
        ),
    };
    Node { value, at: Some(span.start) }
}
