//! Patterns for text: literal, glob, or regular expression.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use globset::{GlobBuilder, GlobMatcher};
use regex::{Regex, RegexBuilder};

use crate::parse_fault::{ParseFault, quoted};

/// Longest pattern, in bytes.
pub const PATTERN_BYTES_MAX: usize = 512;

/// Most memory a regular expression may take when compiled, and again while it runs, in bytes.
pub const REGEX_BYTES_MAX: usize = 256 * 1024;

/// How deep groups and repetitions of a regular expression may nest.
pub const REGEX_DEPTH_MAX: u32 = 24;

/// One form of a pattern or a test, with examples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form {
    /// An example.
    pub form: &'static str,
    /// What it means, one line of Markdown.
    pub meaning: &'static str,
    /// A text, value or amount for which the example holds.
    pub holds_for: &'static str,
    /// One for which it does not.
    pub not_for: &'static str,
}

/// The forms of a pattern.
pub const PATTERN_FORMS: [Form; 8] = [
    Form { form: "web-1", meaning: "exactly this text", holds_for: "web-1", not_for: "web-12" },
    Form {
        form: "web-*",
        meaning: "`*`: any text, also none, `/` included",
        holds_for: "web-a/b",
        not_for: "my-web-1",
    },
    Form { form: "web-?", meaning: "`?`: one byte", holds_for: "web-1", not_for: "web-12" },
    Form { form: "web-[a-c0]", meaning: "one byte of a class", holds_for: "web-b", not_for: "web-d" },
    Form { form: "web-[!a-c]", meaning: "one byte outside a class", holds_for: "web-d", not_for: "web-a" },
    Form { form: "{web,api}-*", meaning: "one of several texts", holds_for: "api-1", not_for: "db-1" },
    Form { form: r"web-\*", meaning: r"behind `\` a sign itself", holds_for: "web-*", not_for: "web-1" },
    Form {
        form: "/^web-[0-9]+$/",
        meaning: "between slashes a regular expression, found anywhere unless anchored",
        holds_for: "web-12",
        not_for: "web-x",
    },
];

/// The forms of a pattern for a role beside those of [`PATTERN_FORMS`]: `/` parts a role into components.
pub const ROLE_FORMS: [Form; 3] = [
    Form { form: "prod", meaning: "this role and none below it", holds_for: "prod", not_for: "prod/web" },
    Form {
        form: "prod/*",
        meaning: "`*` and `?` stay within one component",
        holds_for: "prod/web",
        not_for: "prod/web/api",
    },
    Form {
        form: "prod/**",
        meaning: "`**`: one or more components",
        holds_for: "prod/web/api",
        not_for: "prod",
    },
];

/// A pattern for text.
///
/// * `web-1`: exactly this text.
/// * `web-*`: a glob for the whole text: `*` any text, `?` one byte, `[a-c]` and `[!a-c]` one byte of a class,
///   `{a,b}` one of several, `\*` the sign itself. Case matters.
/// * `/^web-[0-9]+$/`: a regular expression in the syntax of the `regex` crate without `\p`, found anywhere in the text unless
///   anchored.
///
/// For a role ([`Pattern::parse_role`]) `*` and `?` stay within one component and `**` stands for several:
/// `prod/*` is `prod/web` and not `prod/web/api`, `prod/**` is both, and neither is `prod` itself.
///
/// Matching takes time proportional to the text, whatever the pattern.
///
/// ```
/// use apportion_policy::Pattern;
///
/// assert!(Pattern::parse("web-*")?.matches("web-1"));
/// assert!(Pattern::parse("/[0-9]$/")?.matches("web-1"));
/// assert!(Pattern::parse_role("prod/**")?.matches("prod/web/api"));
/// assert!(!Pattern::parse_role("prod/*")?.matches("prod/web/api"));
/// # Ok::<(), apportion_policy::ParseFault>(())
/// ```
#[derive(Clone)]
pub struct Pattern {
    source: Arc<str>,
    /// Whether `/` parts the text into components.
    components: bool,
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    Literal,
    Glob {
        matcher: GlobMatcher,
        /// Bytes of the source before the first sign with a meaning: text that does not begin so cannot match.
        prefix: usize,
    },
    Regex(Regex),
}

/// Signs with a meaning in a glob.
const GLOB_SIGNS: [char; 7] = ['*', '?', '[', ']', '{', '}', '\\'];

impl Pattern {
    /// Reads a pattern for text in which `/` is a sign like any other.
    ///
    /// # Errors
    ///
    /// Empty, longer than [`PATTERN_BYTES_MAX`], or no glob or regular expression.
    pub fn parse(source: &str) -> Result<Pattern, ParseFault> {
        Pattern::new(source, false)
    }

    /// Reads a pattern for a role.
    ///
    /// # Errors
    ///
    /// As for [`Pattern::parse`], and a `**` that is not a component of its own.
    pub fn parse_role(source: &str) -> Result<Pattern, ParseFault> {
        Pattern::new(source, true)
    }

    fn new(source: &str, components: bool) -> Result<Pattern, ParseFault> {
        if source.is_empty() {
            return Err(ParseFault::new(
                "an empty pattern",
                "text, a glob such as web-*, or a regular expression such as /^web-/",
            ));
        }
        if source.len() > PATTERN_BYTES_MAX {
            let found = format!("a pattern of {} bytes", source.len());
            return Err(ParseFault::new(found, format!("at most {PATTERN_BYTES_MAX} bytes")));
        }
        let between = source.strip_prefix('/').and_then(|rest| rest.strip_suffix('/'));
        let kind = match between {
            Some(expression) => Kind::Regex(regular(expression)?),
            None if source.contains(GLOB_SIGNS) => glob(source, components)?,
            None => Kind::Literal,
        };
        Ok(Pattern { source: source.into(), components, kind })
    }

    /// The pattern as written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether the text matches.
    pub fn matches(&self, text: &str) -> bool {
        match &self.kind {
            Kind::Literal => *self.source == *text,
            Kind::Glob { matcher, prefix } => {
                text.as_bytes().starts_with(&self.source.as_bytes()[..*prefix])
                    && matcher.is_match(Path::new(text))
            }
            Kind::Regex(regex) => regex.is_match(text),
        }
    }

    /// The one text that matches, if the pattern is a literal.
    pub fn literal(&self) -> Option<&str> {
        matches!(self.kind, Kind::Literal).then_some(&*self.source)
    }

    /// The first component of every role that matches, if there is only one such component.
    pub(crate) fn first_component(&self) -> Option<&str> {
        let fixed = match &self.kind {
            Kind::Literal => return self.source.split('/').next(),
            Kind::Glob { prefix, .. } if self.components => &self.source[..*prefix],
            Kind::Glob { .. } | Kind::Regex(_) => return None,
        };
        fixed.split_once('/').map(|(first, _)| first)
    }
}

/// Compiles the text between slashes.
fn regular(expression: &str) -> Result<Regex, ParseFault> {
    if expression.is_empty() {
        return Err(ParseFault::new("an empty regular expression `//`", "one such as /^web-/"));
    }
    if names_unicode_class(expression) {
        // Their tables would be the largest part of this library.
        let found = format!("a Unicode class (\\p) in {}", quoted(&format!("/{expression}/")));
        return Err(ParseFault::new(found, "\\w, \\d, \\s, or a class of characters such as [a-z]"));
    }
    let compiled = RegexBuilder::new(expression)
        .size_limit(REGEX_BYTES_MAX)
        .dfa_size_limit(REGEX_BYTES_MAX)
        .nest_limit(REGEX_DEPTH_MAX)
        .build();
    compiled.map_err(|error| {
        let found = quoted(&format!("/{expression}/"));
        match error {
            regex::Error::CompiledTooBig(_) => ParseFault::new(
                format!("the regular expression {found}, which is too big when compiled"),
                format!("one that takes at most {REGEX_BYTES_MAX} bytes; smaller repetitions take less"),
            ),
            other => ParseFault::new(
                format!("{found}, no regular expression: {}", last_line(&other.to_string())),
                "one such as /^web-[0-9]+$/; a text in slashes is `[/]text/`",
            ),
        }
    })
}

/// Whether an expression has a class such as `\p{Greek}`.
fn names_unicode_class(expression: &str) -> bool {
    let mut signs = expression.chars();
    while let Some(sign) = signs.next() {
        if sign == '\\' && matches!(signs.next(), Some('p' | 'P')) {
            return true;
        }
    }
    false
}

/// The line of a message that says what is wrong; those before it draw the place.
fn last_line(message: &str) -> &str {
    let last = message.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or(message);
    last.strip_prefix("error: ").unwrap_or(last)
}

/// Compiles a glob.
fn glob(source: &str, components: bool) -> Result<Kind, ParseFault> {
    let fault = |what: String| {
        let example = if components { "prod/** or prod/web-*" } else { "web-* or web-[0-9]" };
        ParseFault::new(format!("{}, no glob: {what}", quoted(source)), format!("one such as {example}"))
    };
    if components && source.split('/').any(|part| part.contains("**") && part != "**") {
        return Err(fault("`**` stands for whole components, alone between slashes".to_owned()));
    }
    if !source.is_ascii() && source.contains('[') {
        return Err(fault(
            "a class in it, and letters outside ASCII; alternatives {a,b} can have them".to_owned(),
        ));
    }
    let glob = GlobBuilder::new(source)
        .literal_separator(components)
        .backslash_escape(true)
        .empty_alternates(true)
        .build()
        .map_err(|error| fault(error.kind().to_string()))?;
    let prefix = source.find(GLOB_SIGNS).unwrap_or(source.len());
    // `a/**` is compiled so that it needs the slash; `a/**/b` does not need what is between.
    Ok(Kind::Glob { matcher: glob.compile_matcher(), prefix })
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source && self.components == other.components
    }
}

impl Eq for Pattern {}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pattern").field(&self.source).finish()
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

#[cfg(test)]
mod tests {
    use super::{Form, PATTERN_FORMS, Pattern, ROLE_FORMS};

    fn holds(form: &Form, pattern: &Pattern) {
        assert!(pattern.matches(form.holds_for), "{form:?}");
        assert!(!pattern.matches(form.not_for), "{form:?}");
    }

    #[test]
    fn every_form_matches_as_it_is_documented() {
        for form in &PATTERN_FORMS {
            holds(form, &Pattern::parse(form.form).unwrap());
        }
        for form in &ROLE_FORMS {
            holds(form, &Pattern::parse_role(form.form).unwrap());
        }
    }
}
