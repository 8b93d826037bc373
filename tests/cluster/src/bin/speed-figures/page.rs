//! The figures as text: tables for a terminal, and a part of a Markdown page.

use std::fs;
use std::path::Path;

use apportion_cluster_tests::figures::table::Table;

use crate::Failure;
use crate::figures::{Books, Found, Level, Size, Spread, Step};
use crate::host::Allocator;
use crate::plot;

/// What is between these in a page is written by this program.
const BEGIN: &str = "<!-- figures: begin -->";
const END: &str = "<!-- figures: end -->";

/// Less than this is no difference between two medians.
const NOISE: f64 = 0.05;

/// A line that compares the two.
struct Compared {
    caption: &'static str,
    built_in: Spread,
    ours: Spread,
    /// Less is neither better nor worse.
    is_neutral: bool,
}

impl Compared {
    /// How many times less ours takes.
    fn times(&self) -> String {
        if self.is_neutral {
            return "–".to_owned();
        }
        let Some(times) = quotient(self.built_in.median, self.ours.median) else { return "–".to_owned() };
        let digits = usize::from(times < 10.0);
        let worse = if times < 1.0 - NOISE { " (worse)" } else { "" };
        format!("{times:.digits$}×{worse}")
    }

    fn cells(&self) -> [String; 3] {
        [range(self.built_in), range(self.ours), self.times()]
    }
}

/// None where the smaller one is too small to be measured.
fn quotient(larger: f64, smaller: f64) -> Option<f64> {
    (smaller > 0.0).then(|| larger / smaller)
}

fn wall(size: &Size) -> Vec<Compared> {
    compare(size, &Step::ALL, Step::caption, Books::wall, |_| false)
}

fn cpu(size: &Size) -> Vec<Compared> {
    compare(size, &Step::ALL, Step::caption, Books::cpu, |_| false)
}

fn levels(size: &Size) -> Vec<Compared> {
    compare(size, &Level::ALL, Level::caption, Books::level, Level::is_neutral)
}

fn compare<Figure: Copy>(
    size: &Size,
    all: &[Figure],
    caption: fn(Figure) -> &'static str,
    of: impl Fn(&Books, Figure) -> Option<Spread>,
    is_neutral: fn(Figure) -> bool,
) -> Vec<Compared> {
    let compared = |figure: &Figure| {
        let (built_in, ours) = (of(&size.built_in, *figure)?, of(&size.ours, *figure)?);
        Some(Compared { caption: caption(*figure), built_in, ours, is_neutral: is_neutral(*figure) })
    };
    all.iter().filter_map(compared).collect()
}

/// Tables of one size: their titles, what the lines are, and the lines.
fn parts(size: &Size) -> [(&'static str, Vec<Compared>); 3] {
    [
        ("Time from trigger to end, ms", wall(size)),
        ("Processor time of the master meanwhile, ms", cpu(size)),
        ("Read off", levels(size)),
    ]
}

/// For a terminal.
pub(crate) fn tables(found: &Found) -> String {
    let mut text = format!(
        "{}; library of commit {}; medians of {} rounds (least to most)\n",
        found.machine, found.commit, found.rounds
    );
    for size in &found.sizes {
        for (title, lines) in parts(size) {
            let mut table =
                Table::new(format!("\n{}. {title}", size.name()), &["", "built-in", "ours", "times less"]);
            for line in &lines {
                table.line(line.caption, line.cells());
            }
            text.push_str(&format!("{table}\n"));
        }
        if let Some(rest) = rest_of_a_cycle(size) {
            text.push_str(&format!("\n{rest}\n"));
        }
    }
    text
}

/// What of a cycle no allocator can change; `None` where no cycle was measured.
fn rest_of_a_cycle(size: &Size) -> Option<String> {
    let part = |allocator| {
        let books: &Books = size.books(allocator);
        let (wall, run) = (books.wall(Step::Cycle)?.median, books.level(Level::CycleRun)?.median);
        let offer_us = (wall - run) * 1000.0 / f64::from(u32::try_from(size.agents).ok()?);
        Some(format!("{} of {} ms; the rest is {} µs an offer", number(run), number(wall), number(offer_us)))
    };
    let (built_in, ours) = (part(Allocator::BuiltIn)?, part(Allocator::Ours)?);
    Some(format!("Of a full cycle, the allocator's own run is, built-in: {built_in}. Ours: {ours}."))
}

/// For a page.
fn markdown(found: &Found) -> String {
    let mut text = format!(
        "Measured on {}; library of commit {}; medians of {} rounds, the least and the most in brackets.\n\n\
         ```sh\nspeed-figures {}\n```\n",
        found.machine, found.commit, found.rounds, found.arguments
    );
    for size in &found.sizes {
        text.push_str(&format!("\n### {}\n", size.name()));
        for (title, lines) in parts(size) {
            if lines.is_empty() {
                continue;
            }
            text.push_str(&format!("\n| {title} | built-in | ours | times less |\n|---|---:|---:|---:|\n"));
            for line in &lines {
                text.push_str(&format!("| {} | {} |\n", line.caption, line.cells().join(" | ")));
            }
        }
        if let Some(rest) = rest_of_a_cycle(size) {
            text.push_str(&format!("\n{rest}\n"));
        }
    }
    for (name, caption) in plot::names(found) {
        text.push_str(&format!("\n![{caption}]({name})\n"));
    }
    text
}

/// Requires that figures can be put into a page.
pub(crate) fn require_marks(file: &Path) -> Result<(), Failure> {
    split(&read(file)?, file).map(drop)
}

/// Puts the figures into a page, instead of those that stand there.
pub(crate) fn rewrite(file: &Path, found: &Found) -> Result<(), Failure> {
    let page = read(file)?;
    let (before, after) = split(&page, file)?;
    let page = format!("{before}{BEGIN}\n\n{}\n{END}{after}", markdown(found));
    fs::write(file, page).map_err(|error| format!("cannot write {}: {error}", file.display()).into())
}

fn read(file: &Path) -> Result<String, Failure> {
    fs::read_to_string(file).map_err(|error| format!("cannot read {}: {error}", file.display()).into())
}

/// What stands before the figures, and after them.
fn split<'p>(page: &'p str, file: &Path) -> Result<(&'p str, &'p str), Failure> {
    let parts = page.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    parts.ok_or_else(|| {
        format!("{} has no place for the figures: expected the lines '{BEGIN}' and '{END}'", file.display())
            .into()
    })
}

/// The median, and least and most where they differ.
fn range(spread: Spread) -> String {
    let Spread { median, least, most } = spread;
    if least.total_cmp(&most).is_eq() {
        return number(median);
    }
    format!("{} ({} – {})", number(median), number(least), number(most))
}

/// With no more digits than mean something, and with commas between thousands.
pub(crate) fn number(value: f64) -> String {
    let digits = match value.abs() {
        100.0.. => 0,
        10.0.. => 1,
        _ => 2,
    };
    let text = format!("{value:.digits$}");
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let mut grouped = String::new();
    for (place, digit) in whole.chars().enumerate() {
        let left = whole.len() - place;
        if place > 0 && left.is_multiple_of(3) && digit.is_ascii_digit() && !grouped.ends_with('-') {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if fraction.is_empty() { grouped } else { format!("{grouped}.{fraction}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::Sample;

    fn found() -> Found {
        let books = |wall_ms: f64| {
            let mut books = Books::default();
            books.took(Step::Cycle, Sample { wall_ms, cpu_ms: 10.0 });
            books.took(Step::Cycle, Sample { wall_ms: wall_ms + 2.0, cpu_ms: 10.0 });
            books.read(Level::CycleRun, 1.0);
            books
        };
        let size =
            Size { agents: 1000, frameworks: 2, roles: 1, built_in: books(2000.0), ours: books(3000.0) };
        Found {
            machine: "a machine".to_owned(),
            commit: "abc".to_owned(),
            arguments: "--agents 1000".to_owned(),
            rounds: 2,
            sizes: vec![size],
        }
    }

    #[test]
    fn page_keeps_its_words_and_gets_new_figures_each_time() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("page.md");
        fs::write(&file, "no marks").unwrap();
        let error = rewrite(&file, &found()).unwrap_err().to_string();
        assert!(error.contains("has no place for the figures"), "{error}");
        fs::write(&file, format!("Before.\n{BEGIN}\nold\n{END}\nAfter.\n")).unwrap();
        require_marks(&file).unwrap();
        rewrite(&file, &found()).unwrap();
        let first = fs::read_to_string(&file).unwrap();
        rewrite(&file, &found()).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), first);
        assert!(first.starts_with("Before.\n") && first.ends_with("After.\n") && !first.contains("old"));
        assert!(first.contains("2,001 (2,000 – 2,002) | 3,001 (3,000 – 3,002) | 0.7× (worse)"), "{first}");
    }

    #[test]
    fn numbers_have_as_many_digits_as_mean_something() {
        let texts = [0.034, 9.5, 12.34, 123.4, 1234.5, 1_234_567.0].map(number);
        assert_eq!(texts, ["0.03", "9.50", "12.3", "123", "1,234", "1,234,567"]);
        assert_eq!(number(-123.0), "-123");
    }

    #[test]
    fn what_took_no_time_at_all_is_not_divided_by() {
        let text = tables(&found());
        assert!(text.contains("full cycle") && text.contains("1.0×"), "{text}");
        assert_eq!(quotient(3.0, 0.0), None);
    }
}
