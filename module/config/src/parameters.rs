//! Module parameters: either the path of a file, or keys written out with dots.

use std::path::Path;

use crate::checked::Examination;
use crate::file;
use crate::problem::{Found, Kind, Problem, path_part, quoted, quoted_bytes};
use crate::raw::{Entry, Node, Value};
use crate::reader;

/// What problems of parameters are said to be in.
const SOURCE: &str = "module parameters";

/// The parameter that names a file.
pub(crate) const FILE_KEY: &str = "config";

/// Most parameters that are looked at.
const PARAMETERS_MAX: usize = 10_000;

/// Examines the parameters of a module.
pub(crate) fn examine(parameters: &[(Vec<u8>, Vec<u8>)]) -> Examination {
    let mut found = Found::default();
    let texts = decode(parameters, &mut found);
    let mut files = texts.iter().filter(|(key, _)| *key == FILE_KEY).map(|(_, value)| *value);
    let file = files.next();
    for _ in files {
        found.add(|| duplicate(FILE_KEY));
    }
    let inline: Vec<(&str, &str)> = texts.iter().filter(|(key, _)| *key != FILE_KEY).copied().collect();
    let Some(path) = file else {
        let root = tree(&inline, &mut found);
        let (config, found) = reader::read(&root, None, found);
        return Examination { config, problems: found.into_problems(SOURCE) };
    };
    if !inline.is_empty() {
        let keys: Vec<String> = inline.iter().take(5).map(|(key, _)| quoted(key)).collect();
        found.add(|| Problem {
            kind: Kind::WrongValue,
            hint: Some("move the other keys into the file".to_owned()),
            ..problem(
                FILE_KEY,
                format!(
                    "a file and {} more {}: {}",
                    inline.len(),
                    plural(inline.len(), "key"),
                    keys.join(", ")
                ),
                "either `config` alone, or keys without `config`",
            )
        });
    }
    from_file(path, &inline, found)
}

/// The settings of the file a parameter names, with the problems of file and parameters together.
fn from_file(path: &str, inline: &[(&str, &str)], mut found: Found) -> Examination {
    if !Path::new(path).is_absolute() || path.contains('\0') {
        found.add(|| Problem {
            kind: Kind::WrongValue,
            hint: Some("the working directory of a Mesos daemon is not that of your shell".to_owned()),
            ..problem(FILE_KEY, quoted(path), "an absolute path, such as /etc/mesos/apportion.toml")
        });
        let (config, found) = reader::read(&tree(inline, &mut found), None, found);
        return Examination { config, problems: found.into_problems(SOURCE) };
    }
    // Inline keys beside a file are refused, but their own mistakes are told all the same.
    let (_, mut found) = reader::read(&tree(inline, &mut found), None, found);
    let examination = file::examine(Path::new(path));
    let Some(in_file) = examination.problems else {
        return Examination { problems: found.into_problems(SOURCE), ..examination };
    };
    for problem in in_file.iter() {
        found.add(|| problem.clone());
    }
    found.count_further(in_file.further);
    Examination { config: examination.config, problems: found.into_problems(path) }
}

/// The parameters as text; what is not is a problem.
fn decode<'a>(parameters: &'a [(Vec<u8>, Vec<u8>)], found: &mut Found) -> Vec<(&'a str, &'a str)> {
    if parameters.len() > PARAMETERS_MAX {
        found.add(|| Problem {
            kind: Kind::WrongValue,
            ..problem(
                "",
                format!("{} parameters", parameters.len()),
                "at most 10000; use `config` and a file",
            )
        });
    }
    let mut texts = Vec::new();
    for (key, value) in parameters.iter().take(PARAMETERS_MAX) {
        match (std::str::from_utf8(key), std::str::from_utf8(value)) {
            (Ok(key), Ok(value)) => texts.push((key, value)),
            (Err(_), _) => {
                found.add(|| Problem {
                    kind: Kind::Syntax,
                    ..problem("", format!("a key that is not UTF-8: {}", quoted_bytes(key)), "keys in UTF-8")
                });
            }
            (Ok(key), Err(_)) => {
                let path = key_path(key);
                found.add(|| Problem {
                    kind: Kind::Syntax,
                    ..problem(
                        &path,
                        format!("a value that is not UTF-8: {}", quoted_bytes(value)),
                        "text in UTF-8",
                    )
                });
            }
        }
    }
    texts
}

/// The tree of tables that dotted keys describe.
fn tree(parameters: &[(&str, &str)], found: &mut Found) -> Node {
    let mut root = Vec::new();
    for (key, value) in parameters {
        if !insert(&mut root, &parts(key), value) {
            found.add(|| duplicate(key));
        }
    }
    table(root)
}

/// The parts of a dotted key. The names of variables, labels and roles are the user's own, dots included.
fn parts(key: &str) -> Vec<&str> {
    for section in ["hook.environment.", "hook.labels.", "isolator.environment."] {
        if let Some(name) = key.strip_prefix(section) {
            return section.trim_end_matches('.').split('.').chain([name]).collect();
        }
    }
    if let Some(limit) = key.strip_prefix("lending.limits.") {
        let split = |kind: &'static str| {
            let (role, resource) = limit.rsplit_once(&format!(".{kind}."))?;
            Some((role, kind, resource))
        };
        let last = ["lend", "borrow"].into_iter().filter_map(split).max_by_key(|(role, ..)| role.len());
        if let Some((role, kind, resource)) = last {
            return vec!["lending", "limits", role, kind, resource];
        }
    }
    key.splitn(PARTS_MAX, '.').collect()
}

/// Parts of a key that are told apart. No key of the schema has more than five; what a longer one has beyond is left
/// together, and the key is unknown all the same.
const PARTS_MAX: usize = 6;

/// Puts a value into the tree; false if there is a value or table in its place.
fn insert(entries: &mut Vec<Entry>, parts: &[&str], value: &str) -> bool {
    let Some((first, rest)) = parts.split_first() else { return false };
    let there = entries.iter().position(|entry| entry.key == *first);
    match (there, rest.is_empty()) {
        (Some(_), true) => false,
        (None, true) => {
            let node = Node { value: Value::Parameter(value.to_owned()), at: None };
            entries.push(Entry { key: (*first).to_owned(), at: None, node });
            true
        }
        (there, false) => {
            let at = there.unwrap_or_else(|| {
                entries.push(Entry { key: (*first).to_owned(), at: None, node: table(Vec::new()) });
                entries.len() - 1
            });
            match entries.get_mut(at).map(|entry| &mut entry.node.value) {
                Some(Value::Table(inner)) => insert(inner, rest, value),
                _ => false,
            }
        }
    }
}

fn table(entries: Vec<Entry>) -> Node {
    Node { value: Value::Table(entries), at: None }
}

/// A dotted key for a message.
fn key_path(key: &str) -> String {
    parts(key).into_iter().map(path_part).collect::<Vec<_>>().join(".")
}

fn duplicate(key: &str) -> Problem {
    Problem {
        kind: Kind::Duplicate,
        ..problem(&key_path(key), "a second value for the same key".to_owned(), "each key once")
    }
}

fn problem(path: &str, found: String, expected: &str) -> Problem {
    Problem {
        kind: Kind::WrongValue,
        path: path.to_owned(),
        place: None,
        found,
        expected: expected.to_owned(),
        hint: None,
        excerpt: None,
    }
}

fn plural(count: usize, noun: &str) -> String {
    if count == 1 { noun.to_owned() } else { format!("{noun}s") }
}
