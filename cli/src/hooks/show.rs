//! A rehearsal for people: each point with its rules and what they make.

use std::io::{self, Write};

use apportion_policy::{Explanation, Verdict};

use super::diff::{self, BOLD, DIMMED, GREEN, RED, YELLOW};
use super::document::{Mistakes, shown};
use super::rehearsal::{Asked, Outcome};

/// Which rules to show.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown<'a> {
    /// Names, or all if there are none.
    pub(super) rules: &'a [String],
    /// Those that do not match, too.
    pub(super) all: bool,
}

impl Shown<'_> {
    fn wants(&self, one: &Explanation) -> bool {
        self.rules.is_empty() || self.rules.contains(&one.rule)
    }
}

/// Writes what was filled in.
pub(super) fn assumed(out: &mut impl Write, assumed: &[String]) -> io::Result<()> {
    for sentence in assumed {
        writeln!(out, "{DIMMED}filled in: {sentence}{DIMMED:#}")?;
    }
    Ok(())
}

/// Writes one point.
pub(super) fn point(out: &mut impl Write, asked: &Asked, which: Shown<'_>) -> io::Result<()> {
    writeln!(out)?;
    writeln!(out, "{BOLD}{}{BOLD:#} ({})", asked.point.key(), asked.point.name())?;
    let rules: Vec<&Explanation> = asked
        .explanations
        .iter()
        .filter(|one| {
            which.wants(one) && (one.verdict != Verdict::NotHere || (which.all && !which.rules.is_empty()))
        })
        .collect();
    if rules.is_empty() {
        writeln!(out, "  {DIMMED}no rule acts here{DIMMED:#}")?;
    }
    for one in rules.iter().filter(|one| one.verdict == Verdict::Matched) {
        matched(out, one, asked)?;
    }
    let mut others = 0;
    for one in rules.iter().filter(|one| one.verdict != Verdict::Matched) {
        match &one.verdict {
            Verdict::Fault(_) => {
                writeln!(out, "  {RED}{}{RED:#} {}", shown(&one.rule), shown(&one.verdict.to_string()))?;
            }
            Verdict::NotKnownHere(_) => {
                writeln!(
                    out,
                    "  {YELLOW}{}{YELLOW:#} {}",
                    shown(&one.rule),
                    shown(&one.verdict.to_string())
                )?;
            }
            // Whoever names a rule wants to know why it does nothing.
            _ if which.all || !which.rules.is_empty() => {
                writeln!(
                    out,
                    "  {DIMMED}{} {}{DIMMED:#}",
                    shown(&one.rule),
                    shown(&one.verdict.to_string())
                )?;
            }
            _ => others += 1,
        }
    }
    if others > 0 {
        let noun = if others == 1 { "rule does" } else { "rules do" };
        writeln!(out, "  {DIMMED}{others} {noun} nothing here (--all shows why){DIMMED:#}")?;
    }
    for note in asked.notes.iter().filter(|note| note.rule.is_none()) {
        writeln!(out, "  {YELLOW}note:{YELLOW:#} {}", shown(&note.text))?;
    }
    result(out, asked)
}

/// A rule that acts, and what it does.
fn matched(out: &mut impl Write, one: &Explanation, asked: &Asked) -> io::Result<()> {
    let idle =
        one.changes.is_empty() && one.amounts.is_empty() && one.audits.is_empty() && one.commands.is_empty();
    let what = if idle { "matches, and changes nothing" } else { "matches" };
    writeln!(out, "  {GREEN}{}{GREEN:#} {what}", shown(&one.rule))?;
    for change in &one.changes {
        diff::change(out, "    ", change)?;
    }
    for amount in &one.amounts {
        diff::amount(out, "    ", amount)?;
    }
    for line in &one.audits {
        let fields = line.fields.iter().map(|(name, value)| format!(" {}={}", shown(name), shown(value)));
        writeln!(out, "    writes a line to {}:{}", shown(&line.file), fields.collect::<String>())?;
    }
    for command in &one.commands {
        let argv = command.argv.iter().map(|argument| format!(" \"{}\"", shown(argument)));
        let (argv, limit) = (argv.collect::<String>(), command.timeout_seconds);
        writeln!(out, "    runs{argv}, at most {limit} s")?;
    }
    for note in asked.notes.iter().filter(|note| note.rule.as_ref() == Some(&one.rule)) {
        writeln!(out, "    {YELLOW}note:{YELLOW:#} {}", shown(&note.text))?;
    }
    Ok(())
}

fn result(out: &mut impl Write, asked: &Asked) -> io::Result<()> {
    match &asked.result {
        Outcome::Event => Ok(()),
        Outcome::Entries { entries, changes } => {
            writeln!(out, "  result:")?;
            diff::entries(out, "    ", entries, changes)
        }
        Outcome::Amounts { before, after } => {
            writeln!(out, "  result:")?;
            diff::amounts(out, "    ", before, after)
        }
    }
}

/// Writes the mistakes of a file, as those of a configuration are written.
pub(super) fn mistakes(out: &mut impl Write, all: &Mistakes) -> io::Result<()> {
    let count = all.items.len() + all.further;
    let noun = if count == 1 { "problem" } else { "problems" };
    writeln!(out, "{RED}{count} {noun}{RED:#} in {BOLD}{}{BOLD:#}", all.file)?;
    for (number, one) in all.items.iter().enumerate() {
        let path = if one.path.is_empty() { "the whole file" } else { &one.path };
        writeln!(out, "{:>3}. {BOLD}{path}{BOLD:#}", number + 1)?;
        writeln!(out, "     {RED}found:{RED:#}    {}", one.found)?;
        writeln!(out, "     {GREEN}expected:{GREEN:#} {}", one.expected)?;
        if let Some(hint) = &one.hint {
            writeln!(out, "     {YELLOW}hint:{YELLOW:#}     {hint}")?;
        }
    }
    if all.further > 0 {
        writeln!(out, "and {} more", all.further)?;
    }
    Ok(())
}
