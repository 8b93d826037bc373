//! `apportion hooks explain`.

use std::io::{self, Write};
use std::time::Duration;

use anstyle::Style;
use serde_json::Value;

use super::arguments::ExplainArguments;
use super::diff::{BOLD, DIMMED, GREEN, RED, YELLOW};
use super::document::shown;
use super::live::{self, Live};
use crate::EXIT_PROBLEMS;
use crate::output::Failure;

/// Shows how the rules fare; the exit code says whether an operator should look.
pub(super) fn run(arguments: &ExplainArguments) -> Result<u8, Failure> {
    let live = Live::new(&arguments.live)?;
    loop {
        let report = live.get(live::REPORT)?.object()?;
        let mut out = anstream::stdout().lock();
        if arguments.live.json {
            writeln!(out, "{report:#}")?;
        } else {
            show(&mut out, &report)?;
        }
        out.flush()?;
        let Some(seconds) = arguments.watch else {
            return Ok(if needs_a_look(&report) { EXIT_PROBLEMS } else { 0 });
        };
        if !arguments.live.json {
            writeln!(out)?;
        }
        drop(out);
        std::thread::sleep(Duration::from_secs(seconds.into()));
    }
}

/// Whether the last reload failed or a rule is switched off.
fn needs_a_look(report: &Value) -> bool {
    let is_off = |row: &Value| row["switched_off"].as_bool() == Some(true);
    report["reloads"]["last"]["problem"].is_string() || rows(report, "rules").iter().any(is_off)
}

fn rows<'r>(report: &'r Value, key: &str) -> &'r [Value] {
    report[key].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// A member as text: what is missing is shown as a dash.
fn text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => shown(text),
        other => shown(&other.to_string()),
    }
}

fn show(out: &mut impl Write, report: &Value) -> io::Result<()> {
    let source = match &report["source"] {
        Value::Null => "the modules JSON".to_owned(),
        source => text(source),
    };
    let (version, loaded) = (text(&report["version"]), text(&report["loaded_at"]));
    writeln!(out, "rules of {BOLD}{source}{BOLD:#}, in force since {loaded} (apportion {version})")?;
    reloads(out, &report["reloads"])?;
    writeln!(out)?;
    rules(out, rows(report, "rules"))?;
    for file in rows(report, "files").iter().filter(|file| !file["problem"].is_null()) {
        let (path, problem) = (text(&file["file"]), text(&file["problem"]));
        writeln!(out, "{RED}file{RED:#} {path} cannot be read: {problem}")?;
    }
    for audit in rows(report, "audit") {
        let lost = if audit["lost"].as_u64() == Some(0) { Style::new() } else { RED };
        writeln!(
            out,
            "audit {}: {} written, {} waiting, {lost}{} lost{lost:#}, {} shortened",
            text(&audit["file"]),
            text(&audit["written"]),
            text(&audit["waiting"]),
            text(&audit["lost"]),
            text(&audit["shortened"])
        )?;
    }
    let commands = &report["commands"];
    let numbers = ["succeeded", "failed", "timed_out", "dropped", "running", "waiting"];
    if numbers.iter().any(|name| commands[*name].as_u64().is_some_and(|number| number > 0)) {
        let numbers = numbers.map(|name| format!("{} {}", text(&commands[name]), name.replace('_', " ")));
        writeln!(out, "commands: {}", numbers.join(", "))?;
    }
    Ok(())
}

fn reloads(out: &mut impl Write, reloads: &Value) -> io::Result<()> {
    let (succeeded, failed) = (text(&reloads["succeeded"]), text(&reloads["failed"]));
    let last = &reloads["last"];
    if last.is_null() {
        return writeln!(out, "{DIMMED}not read again since{DIMMED:#}");
    }
    writeln!(out, "read again: {succeeded} times, refused: {failed} times, last at {}", text(&last["at"]))?;
    if let Some(problem) = last["problem"].as_str() {
        writeln!(out, "{RED}the last reload was refused, the rules before are in force:{RED:#}")?;
        for line in problem.lines() {
            writeln!(out, "  {}", shown(line))?;
        }
    }
    Ok(())
}

/// The table, and under each rule with a fault what went wrong last.
fn rules(out: &mut impl Write, rows: &[Value]) -> io::Result<()> {
    if rows.is_empty() {
        return writeln!(out, "{DIMMED}no rules{DIMMED:#}");
    }
    let cells =
        |row: &Value| [text(&row["rule"]), text(&row["at"]), text(&row["hits"]), text(&row["faults"])];
    let titles = ["RULE", "AT", "HITS", "FAULTS"].map(str::to_owned);
    let all: Vec<[String; 4]> = rows.iter().map(cells).collect();
    let width = |column: usize| {
        let lengths = all.iter().chain([&titles]).map(|cells| cells[column].chars().count());
        lengths.max().unwrap_or_default()
    };
    let widths = [width(0), width(1), width(2), width(3)];
    let line = |[rule, at, hits, faults]: &[String; 4]| {
        let [w0, w1, w2, w3] = widths;
        format!("{rule:<w0$}  {at:<w1$}  {hits:>w2$}  {faults:>w3$}")
    };
    writeln!(out, "{BOLD}{}  STATE{BOLD:#}", line(&titles))?;
    for (row, cells) in rows.iter().zip(&all) {
        let (state, style) = state(row);
        writeln!(out, "{}  {style}{state}{style:#}", line(cells))?;
        if let Some(fault) = row["last_fault"].as_str() {
            writeln!(out, "  {YELLOW}last fault:{YELLOW:#} {}", shown(fault))?;
        }
    }
    Ok(())
}

fn state(row: &Value) -> (&'static str, Style) {
    let is = |name: &str| row[name].as_bool() == Some(true);
    if is("switched_off") {
        ("off: too many faults", RED)
    } else if row["enabled"].as_bool() == Some(false) {
        ("disabled", DIMMED)
    } else if row["faults"].as_u64().is_some_and(|faults| faults > 0) {
        ("on", YELLOW)
    } else {
        ("on", GREEN)
    }
}
