//! What an expression may consist of, checked on its words before it is compiled.
//!
//! The template engine offers more than a rule should use: loops, assignments, includes, functions, repeated
//! strings. This check leaves names, fields, text, numbers, comparisons, `~`, `if … else …`, and the filters and tests
//! of the list. What is left cannot take more time or memory than its own length and its facts allow.

use crate::filters::{filter_names, test_names};
use crate::template::{Reason, nearest};

/// One word of an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word<'a> {
    /// A name or keyword.
    Name(&'a str),
    /// A quoted text or a number; what it says does not matter here.
    Literal,
    /// One character of punctuation.
    Sign(char),
}

/// Checks the source of a template.
///
/// # Errors
///
/// What is not allowed, or never ends.
pub(crate) fn check(source: &str) -> Result<(), Reason> {
    let mut rest = source;
    while let Some(start) = rest.find('{') {
        let after = &rest[start + 1..];
        rest = match after.chars().next() {
            Some('{') => {
                let (words, remainder) = expression(&after[1..])?;
                check_words(&words)?;
                remainder
            }
            Some('%') => {
                return Err(Reason::NotAllowed {
                    what: "a statement ({% … %})".into(),
                    instead: "an expression, for example {{ task.name if task.name is defined else 'none' }}"
                        .into(),
                });
            }
            Some('#') => match after.find("#}") {
                Some(end) => &after[end + 2..],
                None => return Err(Reason::Syntax { detail: "a comment {# without its #}".into() }),
            },
            _ => after,
        };
    }
    Ok(())
}

/// The words up to the closing braces, and the source behind those.
fn expression(source: &str) -> Result<(Vec<Word<'_>>, &str), Reason> {
    let mut words = Vec::new();
    let mut rest = source;
    loop {
        rest = rest.trim_start();
        let Some(first) = rest.chars().next() else {
            return Err(Reason::Syntax { detail: "a placeholder {{ without its }}".into() });
        };
        let length = match first {
            '}' if rest.starts_with("}}") => return Ok((words, &rest[2..])),
            '\'' | '"' => {
                words.push(Word::Literal);
                quoted_length(rest, first)?
            }
            _ if first.is_alphabetic() || first == '_' => {
                let length = name_length(rest);
                words.push(Word::Name(&rest[..length]));
                length
            }
            _ if first.is_ascii_digit() => {
                words.push(Word::Literal);
                name_length(rest)
            }
            _ => {
                words.push(Word::Sign(first));
                first.len_utf8()
            }
        };
        rest = &rest[length..];
    }
}

/// Length of a name or number in bytes.
fn name_length(source: &str) -> usize {
    source.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(source.len())
}

/// Length of a quoted text in bytes, quotes included.
fn quoted_length(source: &str, quote: char) -> Result<usize, Reason> {
    let mut escaped = false;
    for (at, c) in source.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return Ok(at + c.len_utf8()),
            _ => {}
        }
    }
    Err(Reason::Syntax { detail: format!("a text in {quote} without its end") })
}

/// Most words of one expression.
///
/// The engine's parser and compiler call themselves for each operator and bracket, on the stack of a thread of the
/// host; this and [`EXPRESSION_BRACKETS_MAX`] keep that to a small part of it.
pub const EXPRESSION_WORDS_MAX: usize = 128;

/// Most brackets within each other.
pub const EXPRESSION_BRACKETS_MAX: usize = 12;

/// Refuses expressions that are too long or too deep.
fn check_size(words: &[Word<'_>]) -> Result<(), Reason> {
    let too = |what: String| {
        Err(Reason::NotAllowed { what, instead: "several placeholders, or a shorter expression".into() })
    };
    if words.len() > EXPRESSION_WORDS_MAX {
        return too(format!("an expression of more than {EXPRESSION_WORDS_MAX} words"));
    }
    let mut open = 0_usize;
    for word in words {
        match word {
            Word::Sign('(' | '[') => open += 1,
            Word::Sign(')' | ']') => open = open.saturating_sub(1),
            _ => {}
        }
        if open > EXPRESSION_BRACKETS_MAX {
            return too(format!("more than {EXPRESSION_BRACKETS_MAX} brackets within each other"));
        }
    }
    Ok(())
}

/// Checks the words of one expression.
fn check_words(words: &[Word<'_>]) -> Result<(), Reason> {
    check_size(words)?;
    if words.iter().all(|word| matches!(word, Word::Sign('-'))) {
        return Err(Reason::Syntax { detail: "an empty placeholder {{ }}".into() });
    }
    for (at, word) in words.iter().enumerate() {
        let before = at.checked_sub(1).map(|at| words[at]);
        let after = words.get(at + 1).copied();
        match *word {
            Word::Sign('*') => {
                return Err(Reason::NotAllowed {
                    what: "multiplication (*)".into(),
                    instead: "values as they are".into(),
                });
            }
            Word::Sign('{') => {
                return Err(Reason::NotAllowed {
                    what: "a map ({ … })".into(),
                    instead: "text, names and fields".into(),
                });
            }
            Word::Name(name) if before == Some(Word::Sign('|')) => known(name, "filter", filter_names())?,
            Word::Name(name) if is_test(words, at) => known(name, "test", test_names())?,
            Word::Name(name) if after == Some(Word::Sign('(')) && !KEYWORDS.contains(&name) => {
                return Err(call(name));
            }
            Word::Sign('(') if matches!(before, Some(Word::Literal | Word::Sign(')' | ']'))) => {
                return Err(call(""));
            }
            Word::Sign(_) | Word::Name(_) | Word::Literal => {}
        }
    }
    Ok(())
}

/// Words that may stand before a parenthesis that is not a call.
const KEYWORDS: &[&str] = &["if", "else", "and", "or", "not", "in", "is"];

/// Whether the word stands behind `is` or `is not`.
fn is_test(words: &[Word<'_>], at: usize) -> bool {
    let is = Word::Name("is");
    let not = Word::Name("not");
    match words[..at] {
        [.., last] if last == is => words[at] != not,
        [.., last, not_word] => last == is && not_word == not,
        _ => false,
    }
}

/// Refuses a name that is not in the list.
fn known(
    name: &str,
    kind: &'static str,
    mut list: impl Iterator<Item = &'static str> + Clone,
) -> Result<(), Reason> {
    let all = list.clone();
    if list.any(|known| known == name) {
        return Ok(());
    }
    Err(Reason::Unknown {
        kind,
        name: name.to_owned(),
        known: all.clone().collect::<Vec<_>>().join(", "),
        nearest: nearest(name, all),
    })
}

fn call(name: &str) -> Reason {
    Reason::NotAllowed {
        what: format!("a call of a function or method ({name}(…))"),
        instead: format!("a filter: {}", filter_names().collect::<Vec<_>>().join(", ")),
    }
}
