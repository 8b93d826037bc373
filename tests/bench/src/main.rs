//! `bench`: the built-in allocator and ours, measured in the same run.
#![forbid(unsafe_code)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use apportion_bench::driver::{Driver, Side};
use apportion_bench::process::{self, Limits, Told};
use apportion_bench::workload::{ROWS, RUNS, Row, Run};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};

/// Measures the built-in allocator and ours through the interface that the master uses.
#[derive(Debug, Parser)]
#[command(name = "bench")]
struct Arguments {
    /// The library that is measured; without it the one beside this program
    #[arg(long, value_name = "PATH")]
    library: Option<PathBuf>,
    /// A parameter of the module, such as allocator.explain_offers=false; more than once for more
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
    /// Only these rows, separated by commas; a part of the name is enough
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    only: Vec<String>,
    /// Print the names of all rows
    #[arg(long)]
    list: bool,
    /// Only this allocator
    #[arg(long, value_name = "SIDE", value_parser = ["built-in", "ours"])]
    side: Option<String>,
    /// Rounds, instead of each workload's own number
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    rounds: Option<u64>,
    /// Seconds that one workload may take with one allocator
    #[arg(long, default_value_t = 900, value_name = "SECONDS")]
    limit: u64,
    /// Leave out what takes the built-in allocator minutes
    #[arg(long)]
    quick: bool,
}

fn main() -> ExitCode {
    match measure(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: &Arguments) -> Result<(), String> {
    let rows = wanted(arguments)?;
    if arguments.list {
        for row in rows {
            println!("{:<16} {}", row.name, row.title);
        }
        return Ok(());
    }
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let folder = program.parent().map(PathBuf::from).unwrap_or_default();
    let library = arguments.library.clone().unwrap_or_else(|| folder.join("libapportion.so"));
    let library = std::path::absolute(&library).map_err(|error| error.to_string())?;
    let work = folder.join("bench-driver");
    let rig = apportion_rig::Rig::prepare(|step| eprintln!("{step}")).map_err(|error| error.to_string())?;
    let driver = Driver::prepare(rig, &work, library, arguments.settings.clone())?;
    let names: BTreeSet<&str> = rows.iter().map(|row| row.run).collect();
    let limits = Limits { time: Duration::from_secs(arguments.limit), rounds: arguments.rounds };
    let mut found: BTreeMap<(&str, &str), Told> = BTreeMap::new();
    for run in RUNS.iter().filter(|run| names.contains(run.name)) {
        for side in Side::BOTH {
            if arguments.side.as_deref().is_some_and(|only| only != side.name()) {
                continue;
            }
            let told = observed(&driver, run, side, limits, &work.join("log"))?;
            found.insert((run.name, side.name()), told);
        }
    }
    for row in rows {
        println!("{}", line(row, &found));
    }
    Ok(())
}

fn wanted(arguments: &Arguments) -> Result<Vec<&'static Row>, String> {
    for name in &arguments.only {
        if !ROWS.iter().any(|row| row.name.contains(name.as_str())) {
            return Err(format!("no row is called {name}; see --list"));
        }
    }
    let named = |row: &&Row| {
        arguments.only.is_empty() || arguments.only.iter().any(|name| row.name.contains(name.as_str()))
    };
    let long = |row: &Row| RUNS.iter().any(|run| run.name == row.run && run.long);
    Ok(ROWS.iter().filter(named).filter(|row| !(arguments.quick && long(row))).collect())
}

fn observed(
    driver: &Driver,
    run: &Run,
    side: Side,
    limits: Limits,
    log: &std::path::Path,
) -> Result<Told, String> {
    let bar = ProgressBar::new_spinner();
    let style =
        ProgressStyle::with_template("{spinner} {prefix}: {msg} ({elapsed})").map_err(|e| e.to_string())?;
    bar.set_style(style);
    bar.set_prefix(format!("{}, {}", run.name, side.name()));
    bar.enable_steady_tick(Duration::from_millis(250));
    let told = process::run(driver, run, side, limits, log, |step| bar.set_message(step.to_owned()));
    bar.finish_and_clear();
    told
}

fn line(row: &Row, found: &BTreeMap<(&str, &str), Told>) -> String {
    let mut text = format!("{:<14}", row.name);
    for side in Side::BOTH {
        let series = found
            .get(&(row.run, side.name()))
            .and_then(|told| told.series.get(row.series))
            .cloned()
            .unwrap_or_default();
        let cell = match (series.median(), series.range()) {
            (Some(median), Some((least, most))) => format!("{median:.3} ({least:.3} to {most:.3})"),
            _ => "-".to_owned(),
        };
        let offers = series.offers().map_or(String::new(), |(least, most)| {
            if least == most { format!("{least} offers") } else { format!("{least} to {most} offers") }
        });
        text += &format!("  {}: {cell:<34} {offers:<16}", side.name());
    }
    text + row.title
}
