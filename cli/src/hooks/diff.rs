//! Changes as lines: `+ NAME=value`, `- NAME=value`, `~ NAME: old -> new`.

use std::fmt::Write as _;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use apportion_policy::{Amount, AmountChange, Amounts, Change, Entries, Entry};

use super::document::shown;

pub(super) const BOLD: Style = Style::new().bold();
pub(super) const DIMMED: Style = Style::new().dimmed();
pub(super) const RED: Style = AnsiColor::Red.on_default();
pub(super) const GREEN: Style = AnsiColor::Green.on_default();
pub(super) const YELLOW: Style = AnsiColor::Yellow.on_default();

/// Longest value shown, in characters; a JSON result has all of it.
const VALUE_CHARS_MAX: usize = 200;

/// What became of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    Same,
    Added,
    Changed,
    Removed,
}

impl Sort {
    /// Of a name that changed.
    pub(super) fn of(change: &Change) -> Sort {
        match (&change.before, &change.after) {
            (None, _) => Sort::Added,
            (Some(_), None) => Sort::Removed,
            (Some(_), Some(_)) => Sort::Changed,
        }
    }

    fn of_amounts(before: Amount, after: Amount) -> Sort {
        match (before.is_zero(), after.is_zero()) {
            _ if before == after => Sort::Same,
            (true, _) => Sort::Added,
            (_, true) => Sort::Removed,
            _ => Sort::Changed,
        }
    }

    fn mark(self) -> (char, Style) {
        match self {
            Sort::Same => (' ', Style::new()),
            Sort::Added => ('+', GREEN),
            Sort::Changed => ('~', YELLOW),
            Sort::Removed => ('-', RED),
        }
    }

    /// Its name in JSON.
    pub(super) fn name(self) -> &'static str {
        match self {
            Sort::Same => "same",
            Sort::Added => "added",
            Sort::Changed => "changed",
            Sort::Removed => "removed",
        }
    }
}

fn line(out: &mut impl Write, indent: &str, sort: Sort, text: &str) -> io::Result<()> {
    let (mark, style) = sort.mark();
    writeln!(out, "{indent}{style}{mark} {text}{style:#}")
}

/// What became of a variable, label or attribute.
pub(super) fn change(out: &mut impl Write, indent: &str, change: &Change) -> io::Result<()> {
    let text = match (&change.before, &change.after) {
        (Some(before), Some(after)) => {
            format!("{}: {} -> {}", shown(&change.name), value(before), value(after))
        }
        (Some(entry), None) | (None, Some(entry)) => pair(entry),
        (None, None) => shown(&change.name),
    };
    line(out, indent, Sort::of(change), &text)
}

/// What became of a resource.
pub(super) fn amount(out: &mut impl Write, indent: &str, change: &AmountChange) -> io::Result<()> {
    let AmountChange { resource, before, wanted, after, .. } = change;
    let sort = Sort::of_amounts(*before, *after);
    let mut text = match sort {
        Sort::Added => format!("{}={after}", shown(resource)),
        Sort::Removed => format!("{}={before}", shown(resource)),
        Sort::Same => format!("{}={after}", shown(resource)),
        Sort::Changed => format!("{}: {before} -> {after}", shown(resource)),
    };
    if wanted != after {
        let _ = write!(text, " (the rule asks for {wanted}, there is no more)");
    }
    line(out, indent, sort, &text)
}

/// All entries after all rules, each marked with what became of it.
pub(super) fn entries(
    out: &mut impl Write,
    indent: &str,
    all: &Entries,
    changes: &[Change],
) -> io::Result<()> {
    let changed = |entry: &Entry| changes.iter().find(|change| change.name == entry.name);
    for entry in all.iter() {
        line(out, indent, changed(entry).map_or(Sort::Same, Sort::of), &pair(entry))?;
    }
    for change in changes.iter().filter(|change| change.after.is_none()) {
        self::change(out, indent, change)?;
    }
    if all.is_empty() && changes.is_empty() {
        writeln!(out, "{indent}  {DIMMED}(none){DIMMED:#}")?;
    }
    Ok(())
}

/// All amounts after all rules, each marked with what became of it.
pub(super) fn amounts(
    out: &mut impl Write,
    indent: &str,
    before: &Amounts,
    after: &Amounts,
) -> io::Result<()> {
    for (name, amount) in after {
        let sort = Sort::of_amounts(before.get(name).copied().unwrap_or_default(), *amount);
        line(out, indent, sort, &format!("{}={amount}", shown(name)))?;
    }
    if after.is_empty() {
        writeln!(out, "{indent}  {DIMMED}(none){DIMMED:#}")?;
    }
    Ok(())
}

fn pair(entry: &Entry) -> String {
    match entry.shown() {
        Some(_) => format!("{}={}", shown(&entry.name), value(entry)),
        None => shown(&entry.name),
    }
}

fn value(entry: &Entry) -> String {
    let Some(text) = entry.shown() else { return "(no value)".to_owned() };
    match text.char_indices().nth(VALUE_CHARS_MAX) {
        Some((end, _)) => format!("{}… ({} bytes)", shown(&text[..end]), text.len()),
        None => shown(text),
    }
}
