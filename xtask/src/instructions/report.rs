//! What was counted, as a table on the terminal and in the documentation.

use std::fmt::Write as _;
use std::path::Path;

use super::counts::{Counts, Standing, standing};
use super::growth::Grown;
use super::{Counted, Listed};
use crate::Failure;

/// The page with the tables.
pub(super) const PAGE: &str = "docs/performance/instructions.md";
/// Between these lines of the page stands what is written by the command.
const BEGIN: &str = "<!-- Written by `cargo xtask instructions --update` from here -->";
const END: &str = "<!-- to here -->";

/// Shows each count beside the one written down, and how cost grew.
pub(super) fn print(rows: &[(&Listed, Counted)], kept: &Counts, grown: &[Grown]) {
    anstream::println!(
        "{:<24} {:>15} {:>7} {:>12} {:>7} {:>10}  per",
        "workload",
        "instructions",
        "change",
        "allocations",
        "change",
        "each"
    );
    let mut better = false;
    for (workload, counted) in rows {
        let kept = kept.workloads.get(&workload.name);
        let changes = [
            (kept.map(|kept| kept.instructions), counted.instructions),
            (kept.map(|kept| kept.allocations), counted.allocations),
        ];
        better |= changes
            .iter()
            .any(|(kept, found)| kept.is_some_and(|kept| standing(kept, *found) == Standing::Better));
        let [instructions, allocations] = changes.map(|(kept, found)| change(kept, found));
        anstream::println!(
            "{:<24} {:>15} {instructions:>7} {:>12} {allocations:>7} {:>10}  {}",
            workload.name,
            grouped(counted.instructions),
            grouped(counted.allocations),
            each(counted),
            workload.unit
        );
    }
    if better {
        anstream::println!(
            "\nless than is written down: keep the gain with cargo xtask instructions --update"
        );
    }
    if grown.is_empty() {
        return;
    }
    anstream::println!(
        "\n{:<24} {:<24} {:>14} {:>14}  instructions",
        "workload",
        "from",
        "grows by",
        "limit"
    );
    for one in grown {
        anstream::println!(
            "{:<24} {:<24} {:>14} {:>14}  {}",
            one.growth.workload,
            one.growth.range(),
            one.found(),
            one.limit(),
            one.instructions.map(grouped).join(" ")
        );
    }
}

/// By how much a count differs, in percent.
#[expect(clippy::cast_precision_loss, reason = "shown with one place after the point")]
fn change(kept: Option<u64>, found: u64) -> String {
    match kept {
        None => "new".to_owned(),
        Some(kept) if kept == found => "=".to_owned(),
        Some(0) => "more".to_owned(),
        Some(kept) => format!("{:+.1} %", (found as f64 / kept as f64 - 1.0) * 100.0),
    }
}

fn each(counted: &Counted) -> String {
    grouped(counted.instructions.div_ceil(counted.units.max(1)))
}

/// A number as people read it: `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Writes the tables into the page, between its two marks.
///
/// # Errors
///
/// When the page cannot be read or written, or has no marks.
pub(super) fn write_page(
    page: &Path,
    rows: &[(&Listed, Counted)],
    grown: &[Grown],
    compiler: &str,
) -> Result<(), Failure> {
    let explain = |error: std::io::Error| Failure::new(format!("{PAGE}: {error}"));
    let text = std::fs::read_to_string(page).map_err(explain)?;
    let text = with_tables(&text, &tables(rows, grown, compiler))
        .ok_or_else(|| Failure::new(format!("{PAGE}: the lines «{BEGIN}» and «{END}» are missing")))?;
    std::fs::write(page, text).map_err(explain)
}

fn with_tables(page: &str, tables: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n\n{tables}\n{END}{after}"))
}

fn tables(rows: &[(&Listed, Counted)], grown: &[Grown], compiler: &str) -> String {
    let mut text = format!("Counted with {compiler}.\n\n");
    text.push_str(
        "| workload | what is measured | agents × frameworks × roles | instructions | each | allocations |\n",
    );
    text.push_str("|---|---|---:|---:|---:|---:|\n");
    for (workload, counted) in rows {
        let [agents, frameworks, roles] = workload.size.map(|number| grouped(number as u64));
        let _ = writeln!(
            text,
            "| `{}` | {} | {agents} × {frameworks} × {roles} | {} | {} per {} | {} |",
            workload.name,
            workload.about,
            grouped(counted.instructions),
            each(counted),
            workload.unit,
            grouped(counted.allocations)
        );
    }
    text.push_str("\n| workload | from | instructions at 1 × | 2 × | 4 × | 8 × | grows by | limit |\n");
    text.push_str("|---|---|---:|---:|---:|---:|---:|---:|\n");
    for one in grown {
        let [first, second, third, fourth] = one.instructions.map(grouped);
        let _ = writeln!(
            text,
            "| `{}` | {} | {first} | {second} | {third} | {fourth} | {} | {} |",
            one.growth.workload,
            one.growth.range(),
            one.found(),
            one.limit()
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn changes_are_told_in_percent() {
        assert_eq!(change(Some(1_000), 1_031), "+3.1 %");
        assert_eq!(change(Some(1_000), 500), "-50.0 %");
        assert_eq!((change(Some(7), 7), change(None, 7)), ("=".to_owned(), "new".to_owned()));
    }

    #[test]
    fn tables_replace_those_that_were_there_and_nothing_else() {
        let page = format!("before\n{BEGIN}\nold\n{END}\nafter\n");
        let written = with_tables(&page, "new\n").unwrap();
        assert_eq!(written, format!("before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"));
        assert_eq!(with_tables(&written, "new\n").unwrap(), written);
        assert_eq!(with_tables("no marks", "new"), None);
    }
}
