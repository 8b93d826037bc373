//! Where the value of a variable, label or attribute comes from.

use std::fmt;

use crate::template::{Reason, Template, TemplateFault};

/// What begins a value that is the contents of a file.
const FILE: &str = "file:";

/// Longest path of a file, in bytes.
const PATH_BYTES_MAX: usize = 4095;

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ValueSource {
    /// Rendered from facts.
    Template(Template),
    /// Contents of a file with this absolute path, without line ends at its end. Whoever calls the rules reads it
    /// ([`HostFacts::files`](crate::HostFacts::files)).
    File(String),
}

impl ValueSource {
    /// Reads a value: `file:/etc/rack`, or a template for a place where `facts` can be known.
    ///
    /// # Errors
    ///
    /// A path that is not absolute, or as [`Template::compile`].
    pub fn parse(source: &str, facts: &[&str]) -> Result<ValueSource, TemplateFault> {
        let Some(path) = source.strip_prefix(FILE) else {
            return Template::compile(source, facts).map(ValueSource::Template);
        };
        let refuse = |what: &str| {
            let reason =
                Reason::NotAllowed { what: what.into(), instead: "an absolute path: file:/etc/rack".into() };
            Err(TemplateFault { reasons: vec![reason] })
        };
        if !path.starts_with('/') {
            return refuse("a file path that does not begin with /");
        }
        if path.contains('\0') || path.contains("{{") {
            return refuse("a file path with NUL or a placeholder");
        }
        if path.len() > PATH_BYTES_MAX {
            return refuse("a file path of more than 4095 bytes");
        }
        Ok(ValueSource::File(path.to_owned()))
    }

    /// The path, if the value is the contents of a file.
    pub fn file(&self) -> Option<&str> {
        match self {
            ValueSource::Template(_) => None,
            ValueSource::File(path) => Some(path),
        }
    }
}

/// As written.
impl fmt::Display for ValueSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ValueSource::Template(template) => f.write_str(template.source()),
            ValueSource::File(path) => write!(f, "{FILE}{path}"),
        }
    }
}
