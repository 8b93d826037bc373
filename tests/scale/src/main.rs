//! Measures the core of the allocator at growing sizes, and simulates cells with an allocator each.
//!
//! ```text
//! cargo run --release -p apportion-scale -- --docs docs/performance
//! ```
#![forbid(unsafe_code)]

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use apportion_bench::machine::Machine;
use apportion_scale::figures::{Found, SizeFigures};
use apportion_scale::{cells, page, plot, sizes};
use apportion_workloads::Size;
use clap::{Parser, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use procfs::{Current, LoadAverage};

/// Why there are no figures.
type Failure = Box<dyn Error + Send + Sync>;

/// Agents, frameworks and roles; frameworks have work in no more roles than they are.
const SIZES: &str = "1000x25x25,10000x250x100,50000x1000x200,50000x1250x250,100000x2500x500,200000x5000x1000";
/// What is enough to see whether everything is there.
const QUICK_SIZES: &str = "1000x25x25,4000x100x50";
/// Agents of a quick look at cells, frameworks and roles.
const QUICK_CELLS: Size = Size::new(2_000, 100, 50);

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// One allocator at growing sizes
    Sizes,
    /// The largest size, in cells with an allocator each
    Cells,
}

/// Measures what the core of the allocator costs at growing sizes, alone on one thread, and simulates the largest as
/// several cells.
#[derive(Debug, Clone, Parser)]
#[command(name = "scale", after_help = EXAMPLES)]
struct Arguments {
    /// Sizes: agents x frameworks x roles, separated by commas
    #[arg(long, value_delimiter = ',', default_value = SIZES, value_name = "SIZE,...", value_parser = size)]
    sizes: Vec<Size>,
    /// Numbers of cells that the largest size is cut into, separated by commas; one allocator is always simulated
    #[arg(long, value_delimiter = ',', default_value = "1,2,4,8,16", value_name = "COUNT,...",
          value_parser = clap::value_parser!(u16).range(1..=1000))]
    cells: Vec<u16>,
    /// Sizes of the gangs that look for agents in one cell, separated by commas
    #[arg(long, value_delimiter = ',', default_value = "100,1000,5000", value_name = "AGENTS,...",
          value_parser = clap::value_parser!(u32).range(1..))]
    gangs: Vec<u32>,
    /// Only this part
    #[arg(long, value_enum)]
    only: Option<Part>,
    /// How often what is repeated is repeated
    #[arg(long, default_value_t = 5, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=1000))]
    rounds: u16,
    /// A look at it in some seconds: small sizes, one round
    #[arg(long)]
    quick: bool,
    /// Write page and pictures into this folder
    #[arg(long, value_name = "FOLDER")]
    docs: Option<PathBuf>,
    /// Write everything that was found as JSON there; `-` for standard output, instead of the tables
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Day of the measurement, for the page; without it, that of the commit
    #[arg(long, value_name = "YYYY-MM-DD")]
    date: Option<String>,
    /// Measure nothing: show and write what an earlier run left with --json
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// Measures one size, in a process of its own
    #[arg(long, hide = true, value_parser = size)]
    one: Option<Size>,
}

const EXAMPLES: &str = "\
Examples:
  scale --quick
      is everything there?
  scale --docs docs/performance --json docs/performance/scale.json --date 2026-11-22
      measure all, and write page and pictures anew: some minutes of one processor, and 2 GB of memory
  scale --only sizes --sizes 50000x1000x200
      one size
  scale --from docs/performance/scale.json
      the tables of an earlier run

Times are processor time of one thread. Other programs on the machine still make them larger: measure on an idle one.";

fn size(text: &str) -> Result<Size, String> {
    let numbers: Option<Vec<usize>> = text.split('x').map(|number| number.parse().ok()).collect();
    match numbers.as_deref() {
        Some([agents, frameworks, roles]) if *agents > 0 && (1..=*frameworks).contains(roles) => {
            Ok(Size::new(*agents, *frameworks, *roles))
        }
        _ => Err("found no size, expected agents x frameworks x roles, for example 10000x250x100, with no more roles \
                  than frameworks"
            .to_owned()),
    }
}

impl Arguments {
    fn with_quick(mut self) -> Result<Arguments, String> {
        if self.quick {
            self.sizes = QUICK_SIZES.split(',').map(size).collect::<Result<_, _>>()?;
            (self.rounds, self.cells, self.gangs) = (1, vec![1, 4], vec![10, 100]);
        }
        Ok(self)
    }

    /// How the figures come about again.
    fn again(&self) -> String {
        let numbers = |numbers: Vec<String>| numbers.join(",");
        let sizes =
            self.sizes.iter().map(|size| format!("{}x{}x{}", size.agents, size.frameworks, size.roles));
        let mut text = format!(
            "cargo run --release -p apportion-scale -- --sizes {} --cells {} --gangs {} --rounds {}",
            numbers(sizes.collect()),
            numbers(self.cells.iter().map(u16::to_string).collect()),
            numbers(self.gangs.iter().map(u32::to_string).collect()),
            self.rounds
        );
        if let Some(only) = self.only.and_then(|only| only.to_possible_value()) {
            text += &format!(" --only {}", only.get_name());
        }
        text
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Failure> {
    let arguments = Arguments::parse().with_quick()?;
    if let Some(one) = arguments.one {
        println!("{}", serde_json::to_string(&sizes::measure(one, arguments.rounds.into())?)?);
        return Ok(());
    }
    let found = match &arguments.from {
        Some(file) => read(file)?,
        None => measure(&arguments)?,
    };
    if let Some(folder) = &arguments.docs {
        fs::create_dir_all(folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
        write(&folder.join("scale.md"), &page::text(&found))?;
        if found.sizes.len() > 1 {
            write(&folder.join(plot::COST), &plot::cost(&found.sizes)?)?;
        }
        if let Some(cells) = found.cells.as_ref().filter(|cells| !cells.corrections.is_empty()) {
            write(&folder.join(plot::CORRECTION), &plot::correction(cells)?)?;
        }
    }
    let text = serde_json::to_string_pretty(&found)? + "\n";
    match arguments.json.as_deref() {
        Some(file) if file == Path::new("-") => print!("{text}"),
        json => {
            json.map_or(Ok(()), |file| write(file, &text))?;
            print!("{}", page::tables(&found));
        }
    }
    Ok(())
}

fn read(file: &Path) -> Result<Found, Failure> {
    let text =
        fs::read_to_string(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    let found = serde_json::from_str(&text);
    found.map_err(|error| format!("{} is no file that --json wrote: {error}", file.display()).into())
}

fn write(file: &Path, text: &str) -> Result<(), Failure> {
    fs::write(file, text).map_err(|error| format!("cannot write {}: {error}", file.display()).into())
}

fn measure(arguments: &Arguments) -> Result<Found, Failure> {
    let bar = ProgressBar::no_length();
    bar.set_style(ProgressStyle::with_template("{elapsed_precise} {wide_msg}")?);
    bar.enable_steady_tick(Duration::from_secs(1));
    let tell = |what: &str| {
        bar.set_message(what.to_owned());
        if bar.is_hidden() {
            eprintln!("{what}");
        }
    };
    let mut measured = Vec::new();
    if arguments.only != Some(Part::Cells) {
        for size in &arguments.sizes {
            tell(&format!("{} agents, {} frameworks", size.agents, size.frameworks));
            measured.push(one(*size, arguments.rounds)?);
        }
    }
    let cells = (arguments.only != Some(Part::Sizes)).then(|| {
        let largest = arguments.sizes.iter().copied().max_by_key(|size| size.agents).unwrap_or(QUICK_CELLS);
        let size = if arguments.quick { QUICK_CELLS } else { largest };
        let mut counts: Vec<usize> = arguments.cells.iter().copied().map(usize::from).collect();
        // What all others are compared with.
        counts.push(1);
        counts.sort_unstable();
        counts.dedup();
        let gangs: Vec<usize> =
            arguments.gangs.iter().map(|gang| usize::try_from(*gang).unwrap_or(usize::MAX)).collect();
        cells::simulate(size, &counts, &gangs, &tell)
    });
    bar.finish_and_clear();
    Ok(Found {
        machine: Machine::here(Path::new("."), arguments.date.clone()).json(),
        command: arguments.again(),
        load: LoadAverage::current().map_or(0.0, |load| f64::from(load.one)),
        sizes: measured,
        cells,
    })
}

/// One size in a process of its own: what it gives back to the system does not hide what the next one needs.
fn one(size: Size, rounds: u16) -> Result<SizeFigures, Failure> {
    let text = format!("{}x{}x{}", size.agents, size.frameworks, size.roles);
    let output = Command::new(std::env::current_exe()?)
        .args(["--one", &text, "--rounds", &rounds.to_string()])
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err(format!("{text}: it ended with {}", output.status).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn arguments_are_consistent_and_a_run_can_be_named_again() {
        Arguments::command().debug_assert();
        let arguments = Arguments::try_parse_from(["scale", "--quick", "--only", "cells"]).unwrap();
        let arguments = arguments.with_quick().unwrap();
        let command = arguments.again();
        let again = command.split(" -- ").nth(1).unwrap();
        let again = Arguments::try_parse_from(std::iter::once("scale").chain(again.split(' '))).unwrap();
        assert_eq!((again.sizes, again.only, again.rounds), (arguments.sizes, arguments.only, 1));
    }

    #[test]
    fn sizes_that_make_no_sense_are_refused() {
        for wrong in ["", "10", "10x5", "0x5x5", "10x5x6", "10x5x5x5", "axbxc"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
        assert_eq!(size("10x5x4"), Ok(Size::new(10, 5, 4)));
    }
}
