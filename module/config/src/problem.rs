//! Problems of a configuration, and how they read.

use std::fmt;

use serde::Serialize;

/// Problems described one by one; further ones are counted. Beyond that a list no longer helps, and a log would cut it.
const DESCRIBED_MAX: usize = 200;

/// Longest piece of the configuration quoted in a problem, in characters.
const QUOTED_CHARS_MAX: usize = 80;

/// What sort of problem it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The file is missing, unreadable, too large or not a regular file.
    Unreadable,
    /// Not TOML, or not UTF-8.
    Syntax,
    /// A key the schema does not have.
    UnknownKey,
    /// The same key or list item twice.
    Duplicate,
    /// A required key that is not there.
    Missing,
    /// A value of another type than the schema has.
    WrongType,
    /// A value of the right type that cannot be.
    WrongValue,
    /// A name the host or the kernel could not take.
    WrongName,
    /// A template that does not compile.
    Template,
}

/// Where in a file something stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The file, as it was named.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// One problem of a configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// What sort of problem.
    pub kind: Kind,
    /// The key concerned, with dots, for example `isolator.rlimits.nofile.soft`; empty if the whole input is meant.
    pub path: String,
    /// Where it stands, if it comes from a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// What was found.
    pub found: String,
    /// What would be right.
    pub expected: String,
    /// What was probably meant, or how to mend it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The line of the file with a mark under the place, for syntax errors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub excerpt: Option<String>,
}

impl fmt::Display for Problem {
    /// Two to five lines without a line break at the end; the first one is not indented, the others are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&*self.path, &self.place) {
            ("", Some(place)) => write!(f, "{place}")?,
            ("", None) => f.write_str("configuration")?,
            (path, Some(place)) => write!(f, "{path} ({place})")?,
            (path, None) => f.write_str(path)?,
        }
        write!(f, "\n    found:    {}\n    expected: {}", self.found, self.expected)?;
        if let Some(hint) = &self.hint {
            write!(f, "\n    hint:     {hint}")?;
        }
        for line in self.excerpt.iter().flat_map(|excerpt| excerpt.lines()) {
            write!(f, "\n    {line}")?;
        }
        Ok(())
    }
}

/// All problems of a configuration; never none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems {
    pub(crate) source: String,
    pub(crate) items: Vec<Problem>,
    /// Problems found beyond [`DESCRIBED_MAX`].
    pub(crate) further: usize,
}

impl Problems {
    /// The problems that are described: syntax first, then in the order of the schema.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.items.iter()
    }

    /// How many problems there are; at least one. The first 200 are described, see [`Problems::iter`].
    #[expect(clippy::len_without_is_empty, reason = "there is always a problem")]
    pub fn len(&self) -> usize {
        self.items.len().saturating_add(self.further)
    }

    /// What was examined: the file as it was named, or `module parameters`.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether the input could not be read at all, so that nothing in it was examined.
    pub fn is_unreadable(&self) -> bool {
        self.items.iter().any(|problem| problem.kind == Kind::Unreadable)
    }
}

impl fmt::Display for Problems {
    /// A block for a log: a line that says how many problems there are, then each with its number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.len() == 1 { "problem" } else { "problems" };
        write!(f, "{} {plural} in the configuration ({}):", self.len(), self.source)?;
        for (number, problem) in self.items.iter().enumerate() {
            write!(f, "\n{:>3}. {problem}", number + 1)?;
        }
        if self.further > 0 {
            write!(f, "\n     and {} more", self.further)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Problems while they are collected.
#[derive(Debug, Default)]
pub(crate) struct Found {
    items: Vec<Problem>,
    further: usize,
}

impl Found {
    /// Adds a problem; `describe` is called only while there is room, so a hostile input cannot make this slow.
    pub(crate) fn add(&mut self, describe: impl FnOnce() -> Problem) {
        if self.is_full() {
            self.further = self.further.saturating_add(1);
        } else {
            self.items.push(describe());
        }
    }

    /// Whether further problems are only counted.
    pub(crate) fn is_full(&self) -> bool {
        self.items.len() >= DESCRIBED_MAX
    }

    /// Counts problems that were found elsewhere and are not described.
    pub(crate) fn count_further(&mut self, further: usize) {
        self.further = self.further.saturating_add(further);
    }

    /// The problems described so far.
    pub(crate) fn items(&self) -> &[Problem] {
        &self.items
    }

    /// The problems, or `None` if there are none.
    pub(crate) fn into_problems(self, source: &str) -> Option<Problems> {
        let Found { items, further } = self;
        (!items.is_empty()).then(|| Problems { source: source.to_owned(), items, further })
    }
}

/// Text for a message: in quotes, one line, without control characters, not too long.
pub(crate) fn quoted(text: &str) -> String {
    let mut short = String::new();
    for character in text.chars().take(QUOTED_CHARS_MAX) {
        match character {
            '\'' => short.push(character),
            _ => short.extend(character.escape_debug()),
        }
    }
    if text.chars().nth(QUOTED_CHARS_MAX).is_some() {
        short.push('…');
    }
    format!("\"{short}\"")
}

/// Text for a message as it is, but on one line, without control characters, not too long.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::new();
    for character in text.chars().take(QUOTED_CHARS_MAX) {
        if character.is_control() {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
    if text.chars().nth(QUOTED_CHARS_MAX).is_some() {
        line.push('…');
    }
    line
}

/// Bytes for a message, with `\xff` for what is not text.
pub(crate) fn quoted_bytes(bytes: &[u8]) -> String {
    let start = bytes.get(..QUOTED_CHARS_MAX).unwrap_or(bytes);
    let more = if start.len() < bytes.len() { "…" } else { "" };
    format!("\"{}{more}\"", start.escape_ascii())
}

/// A key for a path: as it is if TOML takes it bare, else in quotes.
pub(crate) fn path_part(key: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !key.is_empty() && key.len() <= QUOTED_CHARS_MAX && key.chars().all(bare) {
        key.to_owned()
    } else {
        quoted(key)
    }
}
