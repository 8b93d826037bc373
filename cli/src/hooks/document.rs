//! JSON files that describe what rules meet, and what can be wrong with them.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde_json::{Value, json};

use super::strict::Strict;
pub(super) use crate::wording::{meant, shown};

/// Largest file that is read, in bytes. A task is a few KiB.
pub(super) const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Problems of one file that are described; further ones are counted.
const DESCRIBED_MAX: usize = 50;

/// Longest piece of a file quoted in a problem, in characters.
const QUOTED_CHARS_MAX: usize = 80;

/// A mistake in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mistake {
    /// Where in the JSON, such as `container.docker.image`; empty if the whole file is meant.
    pub(super) path: String,
    pub(super) found: String,
    pub(super) expected: String,
    pub(super) hint: Option<String>,
}

/// All mistakes of one file; never none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mistakes {
    /// The file, for people.
    pub(super) file: String,
    pub(super) items: Vec<Mistake>,
    /// Further ones that are not described.
    pub(super) further: usize,
}

/// Mistakes found so far.
#[derive(Debug, Default)]
pub(super) struct Found {
    items: Vec<Mistake>,
    further: usize,
}

impl Found {
    /// Notes a mistake.
    pub(super) fn add(&mut self, path: &str, found: impl Into<String>, expected: impl Into<String>) {
        self.hinted(path, found, expected, None);
    }

    /// Notes a mistake, with what was probably meant.
    pub(super) fn hinted(
        &mut self,
        path: &str,
        found: impl Into<String>,
        expected: impl Into<String>,
        hint: Option<String>,
    ) {
        if self.items.len() == DESCRIBED_MAX {
            self.further += 1;
            return;
        }
        let (path, found, expected) = (shown(path), found.into(), expected.into());
        self.items.push(Mistake { path, found, expected, hint });
    }

    /// Notes that a value is of another kind.
    pub(super) fn unexpected(&mut self, path: &str, value: &Value, expected: impl Into<String>) {
        self.add(path, described(value), expected);
    }

    /// What was found, if that is anything.
    pub(super) fn into_result(self, file: &str) -> Result<(), Mistakes> {
        if self.items.is_empty() {
            return Ok(());
        }
        Err(Mistakes { file: shown(file), items: self.items, further: self.further })
    }
}

impl Mistakes {
    /// As members of a JSON result.
    pub(super) fn as_json(&self) -> Value {
        let items = self.items.iter().map(|mistake| {
            json!({
                "path": mistake.path,
                "found": mistake.found,
                "expected": mistake.expected,
                "hint": mistake.hint,
            })
        });
        json!({
            "file": self.file,
            "count": self.items.len() + self.further,
            "problems": items.collect::<Vec<_>>(),
        })
    }
}

/// The JSON object in a file.
///
/// # Errors
/// It cannot be read, is too large, is no JSON or no object.
pub(super) fn read(path: &Path) -> Result<Value, Mistakes> {
    let mistake = |found: String, expected: String| {
        let mut all = Found::default();
        all.add("", found, expected);
        let file = shown(&path.to_string_lossy());
        Mistakes { file, items: all.items, further: 0 }
    };
    let unreadable = |error: std::io::Error| mistake(error.to_string(), "a readable JSON file".to_owned());
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > FILE_BYTES_MAX {
        return Err(mistake("a larger file".to_owned(), format!("at most {FILE_BYTES_MAX} bytes")));
    }
    parse(&bytes).map_err(|(found, expected)| mistake(found, expected.to_owned()))
}

/// A JSON object in bytes; else what was found and what was expected.
pub(super) fn parse(bytes: &[u8]) -> Result<Value, (String, &'static str)> {
    let read = serde_json::from_slice(bytes);
    let Strict(value) =
        read.map_err(|error| (error.to_string(), "valid JSON, each key of an object once"))?;
    if value.is_object() { Ok(value) } else { Err((described(&value), "a JSON object")) }
}

/// A value in a few words.
pub(super) fn described(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Object(members) if members.is_empty() => "an empty object".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        Value::Array(_) => "an array".to_owned(),
        Value::String(text) => format!("the text {}", quoted(text)),
        other => shortened(&other.to_string()),
    }
}

/// A text from a file between quotes, short and harmless.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", shortened(&shown(text)))
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(QUOTED_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
