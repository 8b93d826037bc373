//! The filters and tests a template may use. A filter that can make text longer than its input and its arguments together
//! is bounded by [`VALUE_BYTES_MAX`].

use minijinja::{Environment, Error, ErrorKind, Value};

use crate::context::is_unknown;
use crate::template::VALUE_BYTES_MAX;

/// A filter, or a test, as a template may use it.
#[derive(Debug, Clone, Copy)]
pub struct TemplateWord {
    /// Its name.
    pub name: &'static str,
    /// How it is written, the sign or word before it included.
    pub form: &'static str,
    /// What comes of it, one line of Markdown.
    pub meaning: &'static str,
    add: fn(&mut Environment<'_>),
}

/// Every filter there is.
pub const FILTERS: [TemplateWord; 8] = [
    TemplateWord {
        name: "default",
        form: "| default('none')",
        meaning: "the value, or this where it is not known; the only way to name a fact that may not be known",
        add: |environment| environment.add_filter("default", default),
    },
    TemplateWord {
        name: "lower",
        form: "| lower",
        meaning: "in lower case",
        add: |environment| {
            environment.add_filter("lower", |value: Value| needed(&value).map(str::to_lowercase));
        },
    },
    TemplateWord {
        name: "upper",
        form: "| upper",
        meaning: "in upper case",
        add: |environment| {
            environment.add_filter("upper", |value: Value| needed(&value).map(str::to_uppercase));
        },
    },
    TemplateWord {
        name: "trim",
        form: "| trim",
        meaning: "without white space at both ends",
        add: |environment| {
            environment.add_filter("trim", |value: Value| needed(&value).map(|text| text.trim().to_owned()));
        },
    },
    TemplateWord {
        name: "replace",
        form: "| replace('/', '.')",
        meaning: "with the second text wherever the first one stands",
        add: |environment| environment.add_filter("replace", replace),
    },
    TemplateWord {
        name: "truncate",
        form: "| truncate(8)",
        meaning: "its first characters, so many",
        add: |environment| environment.add_filter("truncate", truncate),
    },
    TemplateWord {
        name: "quote",
        form: "| quote",
        meaning: "as one word for a POSIX shell: in single quotes, whatever is in it",
        add: |environment| {
            environment.add_filter("quote", |value: Value| bounded(quote(needed(&value)?)));
        },
    },
    TemplateWord {
        name: "json",
        form: "| json",
        meaning: "as a text in JSON, with its quotes",
        add: |environment| {
            environment.add_filter("json", |value: Value| bounded(json(needed(&value)?)));
        },
    },
];

/// Every test there is.
pub const TESTS: [TemplateWord; 3] = [
    TemplateWord {
        name: "defined",
        form: "is defined",
        meaning: "whether a fact is known; `is not defined` is the opposite, of the others too",
        add: |environment| environment.add_test("defined", |value: Value| !is_unknown(&value)),
    },
    TemplateWord {
        name: "undefined",
        form: "is undefined",
        meaning: "whether a fact is not known",
        add: |environment| environment.add_test("undefined", |value: Value| is_unknown(&value)),
    },
    TemplateWord {
        name: "none",
        form: "is none",
        meaning: "whether a value is `none`; no fact is",
        add: |environment| environment.add_test("none", |value: Value| value.is_none()),
    },
];

/// Names of all filters.
pub(crate) fn filter_names() -> impl Iterator<Item = &'static str> + Clone {
    FILTERS.iter().map(|filter| filter.name)
}

/// Names of all tests.
pub(crate) fn test_names() -> impl Iterator<Item = &'static str> + Clone {
    TESTS.iter().map(|test| test.name)
}

/// Registers the filters and tests: those of the tables, and no others.
pub(crate) fn register(environment: &mut Environment<'_>) {
    for word in FILTERS.iter().chain(&TESTS) {
        (word.add)(environment);
    }
}

/// The value, or `other` where the value is not known.
fn default(value: Value, other: Value) -> Value {
    if is_unknown(&value) || value.is_none() { other } else { value }
}

/// The text a filter needs; an unknown fact is reported as one, so that the message can name it.
fn needed(value: &Value) -> Result<&str, Error> {
    match value.as_str() {
        Some(text) => Ok(text),
        None if is_unknown(value) => Err(Error::from(ErrorKind::UndefinedError)),
        None => Err(Error::new(ErrorKind::InvalidOperation, format!("a {} is not text", value.kind()))),
    }
}

/// Every `from` in the text replaced by `to`.
fn replace(value: Value, from: &str, to: &str) -> Result<String, Error> {
    let text = needed(&value)?;
    let count = text.matches(from).count();
    let removed = count.saturating_mul(from.len());
    let length = text.len().saturating_sub(removed).saturating_add(count.saturating_mul(to.len()));
    if length > VALUE_BYTES_MAX {
        return Err(Error::new(ErrorKind::InvalidOperation, "the replaced text is too long"));
    }
    Ok(text.replace(from, to))
}

/// A text in single quotes, as a POSIX shell reads it back.
fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A text in JSON. Besides what JSON asks for, `<`, `>`, `&` and what some readers take for the end of a line are written
/// as numbers, so that it may stand anywhere.
fn json(text: &str) -> String {
    let mut written = String::with_capacity(text.len() + 2);
    written.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => written.extend(['\\', character]),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\x1f' | '\x7f' => {
                written.push_str(&format!("\\u{:04x}", u32::from(character)));
            }
            _ => written.push(character),
        }
    }
    written.push('"');
    written
}

/// A text that is not too long for a value.
fn bounded(text: String) -> Result<String, Error> {
    if text.len() > VALUE_BYTES_MAX {
        return Err(Error::new(ErrorKind::InvalidOperation, "the quoted text is too long"));
    }
    Ok(text)
}

/// The first `length` characters of the text.
fn truncate(value: Value, length: usize) -> Result<String, Error> {
    Ok(needed(&value)?.chars().take(length).collect())
}
