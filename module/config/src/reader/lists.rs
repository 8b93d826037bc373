//! What many keys of a rule have in common: lists of text, tables that must hold something.

use apportion_policy::{ParseFault, Pattern};

use super::{Complaint, Reader, below_path};
use crate::problem::{Kind, path_part, quoted};
use crate::raw::{Entry, Node, Value};

/// Most regular expressions in a file: each can take a quarter of a megabyte of the host's memory.
pub const EXPRESSIONS_MAX: usize = 1000;

/// A text in its place.
#[derive(Debug)]
pub(super) struct Piece<'n> {
    pub(super) text: &'n str,
    pub(super) path: String,
    pub(super) at: Option<usize>,
}

/// What a key with texts takes, for messages.
#[derive(Debug, Clone, Copy)]
pub(super) struct Texts {
    /// All of it, such as `a pattern, or a list of patterns`.
    pub(super) whole: &'static str,
    /// One of them, such as `a pattern`.
    pub(super) one: &'static str,
    /// Whether one text may stand without a list around it.
    pub(super) alone: bool,
    /// Whether a text may stand there twice, and may be empty.
    pub(super) any: bool,
}

impl Reader<'_> {
    /// The texts of a key, in order. Other types, an empty list, and empty and repeated texts are problems.
    pub(super) fn texts<'n>(&mut self, path: &str, node: &'n Node, takes: Texts) -> Vec<Piece<'n>> {
        let items = match &node.value {
            Value::List(items) => items,
            Value::Text(text) if takes.alone => {
                let piece = Piece { text, path: path.to_owned(), at: node.at };
                return if self.is_filled(&piece, takes) { vec![piece] } else { Vec::new() };
            }
            other => {
                let complaint = Complaint::wrong_type(other, takes.whole);
                let brackets = matches!(other, Value::Text(_));
                self.report(
                    path,
                    node.at,
                    if brackets { complaint.hint("write it in brackets") } else { complaint },
                );
                return Vec::new();
            }
        };
        if items.is_empty() {
            let complaint =
                Complaint::new(Kind::WrongValue, "an empty list", format!("at least {}", takes.one));
            self.report(path, node.at, complaint);
        }
        let mut pieces: Vec<Piece<'n>> = Vec::new();
        let mut seen = std::collections::BTreeSet::new();
        for (number, item) in items.iter().enumerate() {
            let path = format!("{path}[{number}]");
            let Some(text) = item.text() else {
                let complaint = Complaint::wrong_type(&item.value, &format!("{}, as text", takes.one));
                self.report(&path, item.at, complaint);
                continue;
            };
            let piece = Piece { text, path, at: item.at };
            if !self.is_filled(&piece, takes) {
                continue;
            }
            if !takes.any && !seen.insert(text) {
                let found = format!("{} a second time", quoted(text));
                self.report(&piece.path, item.at, Complaint::new(Kind::Duplicate, found, "each one once"));
                continue;
            }
            pieces.push(piece);
        }
        pieces
    }

    /// The same where the list may be empty, and a module parameter may have its texts between commas.
    pub(super) fn any_texts<'n>(&mut self, path: &str, node: &'n Node, takes: Texts) -> Vec<Piece<'n>> {
        match &node.value {
            Value::Parameter(list) => {
                let texts = list.split(',').map(str::trim).filter(|text| !text.is_empty());
                texts.map(|text| Piece { text, path: path.to_owned(), at: None }).collect()
            }
            Value::List(items) if items.is_empty() => Vec::new(),
            _ => self.texts(path, node, takes),
        }
    }

    fn is_filled(&mut self, piece: &Piece<'_>, takes: Texts) -> bool {
        if piece.text.is_empty() && !takes.any {
            self.report(&piece.path, piece.at, Complaint::new(Kind::WrongValue, "an empty text", takes.one));
            return false;
        }
        true
    }

    /// The entries of a table that must have some; `expected` says what.
    pub(super) fn filled<'n>(&mut self, path: &str, node: &'n Node, expected: &str) -> &'n [Entry] {
        if let Value::Table(entries) = &node.value
            && entries.is_empty()
        {
            self.report(path, node.at, Complaint::new(Kind::WrongValue, "an empty table", expected));
        }
        if matches!(node.value, Value::Table(_)) {
            return self.table(node, path);
        }
        self.report(path, node.at, Complaint::wrong_type(&node.value, &format!("a table with {expected}")));
        &[]
    }

    /// What `parse` makes of a text, or its fault as a problem.
    pub(super) fn parsed<T>(
        &mut self,
        piece: &Piece<'_>,
        parse: impl FnOnce(&str) -> Result<T, ParseFault>,
    ) -> Option<T> {
        let complain = |fault: ParseFault| Complaint::new(Kind::WrongValue, fault.found, fault.expected);
        parse(piece.text).map_err(|fault| self.report(&piece.path, piece.at, complain(fault))).ok()
    }

    /// A pattern, or its fault as a problem.
    pub(super) fn pattern(
        &mut self,
        piece: &Piece<'_>,
        parse: impl FnOnce(&str) -> Result<Pattern, ParseFault>,
    ) -> Option<Pattern> {
        if piece.text.len() > 1 && piece.text.starts_with('/') && piece.text.ends_with('/') {
            self.expressions += 1;
            if self.expressions > EXPRESSIONS_MAX {
                let found = format!("more than {EXPRESSIONS_MAX} regular expressions in all rules");
                let complaint = Complaint::new(Kind::WrongValue, found, "globs, which take less memory");
                self.report(&piece.path, piece.at, complaint);
                return None;
            }
        }
        self.parsed(piece, parse)
    }

    /// Reports a key that a table outside of the schema does not have; `known` are those it has.
    pub(super) fn unknown_of(&mut self, path: &str, entry: &Entry, known: &[&str]) {
        let near = crate::names::nearest(&entry.key, known.iter().copied());
        let expected = known.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(" and ");
        let complaint = Complaint::new(Kind::UnknownKey, "an unknown key", expected);
        let meant = near.map(|name| format!("{path}.{}", path_part(name)));
        self.report(&below_path(path, &entry.key), entry.at, complaint.meant(meant.as_deref()));
    }
}
