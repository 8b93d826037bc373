//! Templates that only put text and facts one behind the other, as most do. They are filled without the engine.
//!
//! What is filled here is what the engine would make of it; where a fact is not known, or the value is too long, the engine
//! is asked, which has the words for it.

use crate::template::VALUE_BYTES_MAX;

/// A template without filters, operators and conditions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plain(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(Box<str>),
    /// The path of a fact: root, field, and a name where the field is a map.
    Fact(Box<[Box<str>]>),
}

impl Plain {
    /// The pieces of a source, if it is that plain. The source compiles as a template.
    pub(crate) fn of(source: &str) -> Option<Plain> {
        let mut pieces = Vec::new();
        let mut rest = source;
        while let Some((text, behind)) = rest.split_once("{{") {
            let (inside, after) = behind.split_once("}}")?;
            push_text(text, &mut pieces)?;
            pieces.push(Piece::Fact(path(inside)?.into()));
            rest = after;
        }
        push_text(rest, &mut pieces)?;
        Some(Plain(pieces))
    }

    /// The value, if all facts are known.
    pub(crate) fn fill<'f>(&self, fact: impl Fn(&[Box<str>]) -> Option<&'f str>) -> Option<String> {
        let mut value = String::new();
        for piece in &self.0 {
            value.push_str(match piece {
                Piece::Text(text) => text,
                Piece::Fact(path) => fact(path)?,
            });
            if value.len() > VALUE_BYTES_MAX {
                return None;
            }
        }
        Some(value)
    }
}

/// Keeps a text between placeholders. One with a statement or a remark is for the engine.
fn push_text(text: &str, pieces: &mut Vec<Piece>) -> Option<()> {
    if text.contains("{%") || text.contains("{#") {
        return None;
    }
    if !text.is_empty() {
        pieces.push(Piece::Text(text.into()));
    }
    Some(())
}

/// The path that stands in a placeholder: names with dots between them, or in brackets and quotes.
fn path(inside: &str) -> Option<Vec<Box<str>>> {
    let mut rest = inside.trim_matches(' ');
    let mut path: Vec<Box<str>> = Vec::new();
    loop {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        let (name, behind) = rest.split_at(end);
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        path.push(name.into());
        rest = behind;
        while let Some(behind) = rest.strip_prefix('[') {
            let quote = behind.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
            let (name, behind) = behind.get(1..)?.split_once(quote)?;
            if name.contains('\\') {
                return None;
            }
            path.push(name.into());
            rest = behind.strip_prefix(']')?;
        }
        match rest.strip_prefix('.') {
            Some(behind) => rest = behind,
            None if rest.is_empty() && path.len() > 1 => return Some(path),
            None => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_paths_are_plain_and_nothing_else_is() {
        for plain in [
            "text",
            "{{ task.name }}",
            "{{task.name}} on {{ agent.hostname }}!",
            "{{ task.labels['a.b'] }}{{ env[\"X\"] }}",
            "{ } }} {{ env.X }}",
        ] {
            assert!(Plain::of(plain).is_some(), "{plain}");
        }
        for other in [
            "{{ task }}",
            "{{ task.name | upper }}",
            "{{- task.name }}",
            "{{ task.name ~ 'x' }}",
            "{{ 'text' }}",
            "{{ task.labels[env.X] }}",
            "{{ task.labels['a\\'b'] }}",
            "{{ task.labels['}}'] }}",
            "{# no #}{{ task.name }}",
            "{{ task.name",
            "{{ task. name }}",
            "{{ task.1 }}",
        ] {
            assert_eq!(Plain::of(other), None, "{other}");
        }
    }
}
