//! `bench`: the built-in allocator and ours, measured in the same run.
#![forbid(unsafe_code)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use apportion_bench::driver::{Driver, Side};
use apportion_bench::figures::{Findings, Line, Told};
use apportion_bench::machine::Machine;
use apportion_bench::process::{self, Limits};
use apportion_bench::workload::{ROWS, RUNS, Row, Run};
use apportion_bench::{page, plot, table};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

/// Measures the built-in allocator and ours through the interface that the master uses.
#[derive(Debug, Parser)]
#[command(name = "bench")]
struct Arguments {
    /// The library that is measured; without it the one beside this program
    #[arg(long = "library", value_name = "PATH")]
    measured_library: Option<PathBuf>,
    /// A parameter of the module, such as allocator.explain_offers=false; again for more
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
    /// Only these rows, separated by commas; a `*` at the end stands for any ending
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    only: Vec<String>,
    /// Print the names of the rows
    #[arg(long)]
    list: bool,
    /// Only this allocator
    #[arg(long, value_name = "ALLOCATOR", value_parser = ["built-in", "ours"])]
    side: Option<String>,
    /// Rounds, instead of each row's own number
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    rounds: Option<u64>,
    /// Seconds that a row may take with one allocator
    #[arg(long, default_value_t = 600, value_name = "SECONDS")]
    limit: u64,
    /// Leave out what takes the built-in allocator minutes
    #[arg(long)]
    quick: bool,
    /// Write what was found to a file, or to standard output instead of the table: `-`
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Begin with what an earlier run wrote by --json; again for more, later ones count
    #[arg(long, value_name = "FILE")]
    from: Vec<PathBuf>,
    /// Measure nothing: show what --from names
    #[arg(long, requires = "from")]
    show: bool,
    /// Write plots into a folder
    #[arg(long, value_name = "FOLDER")]
    plots: Option<PathBuf>,
    /// Write the page in-process.md with its plots into a folder
    #[arg(long, value_name = "FOLDER")]
    docs: Option<PathBuf>,
    /// The day that is written; without it the commit's
    #[arg(long, value_name = "YYYY-MM-DD")]
    date: Option<String>,
}

fn main() -> ExitCode {
    match answer(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            anstream::eprintln!("error: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn answer(arguments: &Arguments) -> Result<(), String> {
    let rows = wanted(arguments)?;
    if arguments.list {
        for row in rows {
            anstream::println!("{:<18} {}", row.name, row.title);
        }
        return Ok(());
    }
    let mut earlier = Vec::new();
    let mut findings = Findings::default();
    for file in &arguments.from {
        let json = read(file)?;
        findings.merge(&json["runs"]);
        earlier.push(Machine::from_json(&json["machine"]));
    }
    let mut machine = match earlier.pop_if(|_| arguments.show) {
        Some(last) => last,
        None => Machine::here(Path::new(env!("CARGO_MANIFEST_DIR")), arguments.date.clone()),
    };
    earlier.iter().rev().for_each(|other| machine.add(other));
    if !arguments.show {
        measure(arguments, &rows, &mut findings)?;
    }
    let lines: Vec<Line> = rows
        .iter()
        .map(|row| Line::of(row, &findings))
        .filter(|line| Side::BOTH.iter().any(|side| line.cell(*side).is_some()))
        .collect();
    write_files(arguments, &machine, &findings, &lines)?;
    if arguments.json.as_deref() != Some(Path::new("-")) {
        anstream::println!("{}\n\n{}\n{}", machine.sentence(), table::text(&lines), page::summary(&lines));
    }
    Ok(())
}

fn wanted(arguments: &Arguments) -> Result<Vec<&'static Row>, String> {
    let matches = |row: &Row, name: &str| match name.strip_suffix('*') {
        Some(beginning) => row.name.starts_with(beginning),
        None => row.name == name,
    };
    for name in &arguments.only {
        if !ROWS.iter().any(|row| matches(row, name)) {
            return Err(format!("no row is called {name}; see --list"));
        }
    }
    let named =
        |row: &&Row| arguments.only.is_empty() || arguments.only.iter().any(|name| matches(row, name));
    let long = |row: &Row| row.source.runs().into_iter().filter_map(Run::named).any(|run| run.long);
    Ok(ROWS.iter().filter(named).filter(|row| !(arguments.quick && long(row))).collect())
}

/// Runs what the rows need, both allocators in turns.
fn measure(arguments: &Arguments, rows: &[&Row], findings: &mut Findings) -> Result<(), String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let folder = program.parent().map(PathBuf::from).unwrap_or_default();
    let library = arguments.measured_library.clone().unwrap_or_else(|| folder.join("libapportion.so"));
    let library = std::path::absolute(&library).map_err(|error| error.to_string())?;
    let work = folder.join("bench-driver");
    let rig = apportion_rig::Rig::prepare(|step| anstream::eprintln!("{step}"))
        .map_err(|error| error.to_string())?;
    let driver = Driver::prepare(rig, &work, library, arguments.settings.clone())?;
    let names: BTreeSet<&str> = rows.iter().flat_map(|row| row.source.runs()).collect();
    let limits = Limits { time: Duration::from_secs(arguments.limit), rounds: arguments.rounds };
    let runs: Vec<&Run> = RUNS.iter().filter(|run| names.contains(run.name)).collect();
    for (place, run) in runs.iter().enumerate() {
        let mut sides = Side::BOTH;
        if place % 2 == 1 {
            sides.reverse();
        }
        for side in sides {
            if arguments.side.as_deref().is_some_and(|only| only != side.name()) {
                continue;
            }
            let title = format!("[{}/{}] {}, {}", place + 1, runs.len(), run.name, side.name());
            findings.add(run.name, side, observed(&driver, run, side, limits, &work.join("log"), &title)?);
        }
    }
    Ok(())
}

fn observed(
    driver: &Driver,
    run: &Run,
    side: Side,
    limits: Limits,
    log: &Path,
    title: &str,
) -> Result<Told, String> {
    let bar = ProgressBar::new_spinner();
    let style = ProgressStyle::with_template("{spinner} {prefix}: {msg} ({elapsed})");
    bar.set_style(style.map_err(|error| error.to_string())?);
    bar.set_prefix(title.to_owned());
    bar.enable_steady_tick(Duration::from_millis(250));
    let told = process::run(driver, run, side, limits, log, |step| bar.set_message(step.to_owned()));
    bar.finish_and_clear();
    told
}

fn write_files(
    arguments: &Arguments,
    machine: &Machine,
    findings: &Findings,
    lines: &[Line],
) -> Result<(), String> {
    if let Some(file) = &arguments.json {
        let text = format!("{:#}\n", whole_json(arguments, machine, findings, lines));
        if file == Path::new("-") {
            anstream::print!("{text}");
        } else {
            write(file, &text)?;
        }
    }
    let folders: Vec<&PathBuf> = arguments.plots.iter().chain(&arguments.docs).collect();
    if folders.is_empty() {
        return Ok(());
    }
    let pictures = plot::pictures(findings, lines)?;
    for folder in folders {
        std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        for (name, svg) in &pictures {
            write(&folder.join(name), svg)?;
        }
    }
    if let Some(folder) = &arguments.docs {
        let names: Vec<&str> = pictures.iter().map(|(name, _)| *name).collect();
        write(&folder.join("in-process.md"), &page::text(machine, findings, lines, &names))?;
    }
    Ok(())
}

/// The lines for readers, and everything that was told for --from.
fn whole_json(arguments: &Arguments, machine: &Machine, findings: &Findings, lines: &[Line]) -> Value {
    let lines: Vec<Value> = lines
        .iter()
        .map(|line| {
            json!({
                "name": line.row.name,
                "title": line.row.title,
                "unit": format!("{:?}", line.row.unit).to_lowercase(),
                "built_in": line.median(Side::BuiltIn),
                "ours": line.median(Side::Ours),
                "target": line.target(),
                "verdict": format!("{:?}", line.verdict()).to_lowercase(),
                "same_offers": line.same_offers(),
            })
        })
        .collect();
    json!({
        "machine": machine.json(),
        "settings": arguments.settings,
        "lines": lines,
        "runs": findings.json(),
    })
}

fn read(file: &Path) -> Result<Value, String> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))
}

fn write(file: &Path, text: &str) -> Result<(), String> {
    std::fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()))
}
