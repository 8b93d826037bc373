//! The table, for terminals.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use crate::driver::Side;
use crate::figures::{Cell, Line, Verdict};
use crate::units::{shown, whole};
use crate::workload::{Row, Target};

/// Median with its range, or why there is none.
#[must_use]
pub fn value(cell: Option<&Cell>, row: &Row) -> String {
    let Some(cell) = cell else { return "-".to_owned() };
    match (cell.series.median(), cell.series.range(), cell.cut_after) {
        (Some(median), Some((least, most)), _) if cell.series.samples.len() > 1 => {
            format!("{} ({} to {})", shown(median, row.unit), shown(least, row.unit), shown(most, row.unit))
        }
        (Some(median), _, _) => shown(median, row.unit),
        (_, _, Some(seconds)) => format!("> {seconds} s"),
        _ => "-".to_owned(),
    }
}

/// The target in words.
#[must_use]
pub fn target(row: &Row) -> String {
    match row.target {
        Target::AtMost(value) => format!("≤ {}", shown(value, row.unit)),
        Target::TimesLess(times) => format!("{times:.0}× less"),
        Target::None => String::new(),
    }
}

/// How many times less ours is.
#[must_use]
pub fn times(line: &Line) -> String {
    match line.times_less() {
        Some(times) if times >= 10.0 => format!("{times:.0}×"),
        Some(times) => format!("{times:.1}×"),
        None => String::new(),
    }
}

/// The offers of a round, of both where they differ.
#[must_use]
pub fn offers(line: &Line) -> String {
    let of = |side| {
        let (least, most) = line.cell(side)?.series.offers()?;
        let text = if least == most { whole(most) } else { format!("{} to {}", whole(least), whole(most)) };
        Some(text)
    };
    match (of(Side::BuiltIn), of(Side::Ours)) {
        (Some(built_in), Some(ours)) if built_in != ours => format!("{built_in} / {ours}"),
        (_, Some(either)) | (Some(either), None) => either,
        (None, None) => String::new(),
    }
}

/// Heads of the columns.
pub const HEADS: [&str; 7] = ["", "built-in", "ours", "less", "target", "", "offers"];

/// The cells of a line, as [`HEADS`] has them.
#[must_use]
pub fn cells(line: &Line) -> [String; 7] {
    [
        line.row.title.to_owned(),
        value(line.built_in.as_ref(), line.row),
        value(line.ours.as_ref(), line.row),
        times(line),
        target(line.row),
        line.verdict().word().to_owned(),
        offers(line),
    ]
}

/// The table with its colours; who prints it to something else than a terminal strips them.
#[must_use]
pub fn text(lines: &[Line]) -> String {
    let rows: Vec<[String; 7]> = lines.iter().map(cells).collect();
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([HEADS[column].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..HEADS.len()).map(width).collect();
    let mut text = String::new();
    let heads = HEADS.map(str::to_owned);
    let styles = lines.iter().map(|line| style(line.verdict()));
    let styled = std::iter::once((&heads, Style::new().bold())).chain(rows.iter().zip(styles));
    for (row, style) in styled {
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let space = " ".repeat(width - cell.chars().count());
            let (before, after) = if column == 0 { ("", space.as_str()) } else { (space.as_str(), "") };
            let _ = write!(text, "{before}{style}{cell}{style:#}{after}  ");
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}

fn style(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Met => AnsiColor::Green.on_default(),
        Verdict::Missed => AnsiColor::Yellow.on_default(),
        Verdict::Behind => AnsiColor::Red.on_default().bold(),
        Verdict::Ahead | Verdict::Open => Style::new(),
    }
}
