//! The filters a template may use. None of them can make text longer than its input and its arguments together,
//! except `replace`, which is bounded by [`VALUE_BYTES_MAX`].

use minijinja::{Environment, Error, ErrorKind, Value};

use crate::context::is_unknown;
use crate::template::VALUE_BYTES_MAX;

/// Names of all filters.
pub(crate) const FILTERS: &[&str] = &["default", "lower", "upper", "trim", "replace", "truncate"];

/// Registers the filters.
pub(crate) fn register(environment: &mut Environment<'_>) {
    environment.add_filter("default", default);
    environment.add_filter("lower", |value: Value| needed(&value).map(str::to_lowercase));
    environment.add_filter("upper", |value: Value| needed(&value).map(str::to_uppercase));
    environment.add_filter("trim", |value: Value| needed(&value).map(|text| text.trim().to_owned()));
    environment.add_filter("replace", replace);
    environment.add_filter("truncate", truncate);
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

/// The first `length` characters of the text.
fn truncate(value: Value, length: usize) -> Result<String, Error> {
    Ok(needed(&value)?.chars().take(length).collect())
}
