//! What the isolator costs, measured on this machine.
//!
//! ```text
//! cargo build --release -p apportion -p apportion-rig -p apportion-cluster-tests && target/release/isolator-figures
//! ```
//!
//! Three parts, in one run; `--only` picks some. Needs root, as groups are made. `docs/isolator-figures.md` says what
//! each figure means. Everything is in control groups of its own, and nothing is left behind.
#![forbid(unsafe_code)]

mod agents;
mod calls;
mod groups;
mod held;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use apportion_cluster_tests::figures::{numbers, table};
use apportion_cluster_tests::scenes::Version;
use clap::{Parser, ValueEnum};
use procfs::{Current, LoadAverage};
use serde_json::{Value, json};

/// Why there are no figures.
type Failure = Box<dyn Error>;

/// Measures what the isolator costs, beside the stock posix isolators.
#[derive(Debug, Parser)]
#[command(name = "isolator-figures")]
struct Arguments {
    /// Only these parts, separated by commas
    #[arg(long, value_delimiter = ',', value_name = "PART")]
    only: Vec<Part>,
    /// Rounds of the agents; each agent has its turn in each round
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Containers that an agent launches in a round
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    containers: u32,
    /// How many of them are launched at once
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    at_once: u32,
    /// Leave the folder of all groups the kernel's default weight: then other programs slow the containers down
    #[arg(long)]
    default_weight: bool,
    /// Containers whose calls are timed, one after the other
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..))]
    calls: u32,
    /// Containers that are held at the same time
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    held: u32,
    /// Seconds without a call while they are held
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    idle_seconds: u32,
    /// The library that the agent loads; without it the one beside this program
    #[arg(long = "library", value_name = "PATH")]
    to_load: Option<PathBuf>,
    /// Print JSON instead of tables
    #[arg(long)]
    json: bool,
}

/// A part of the figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Many containers held with their watchers
    Held,
    /// The calls for one container, in this process
    Calls,
    /// Real agents that launch tasks
    Agents,
}

impl Arguments {
    fn wants(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match measure(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: &Arguments) -> Result<(), Failure> {
    if !rustix::process::geteuid().is_root() {
        return Err("only root may make control groups: run this as root".into());
    }
    // The memory of many containers is measured first, before anything else has used this process' memory.
    let held = arguments.wants(Part::Held).then(|| held::measure(arguments.held, arguments.idle_seconds));
    let held = held.transpose()?;
    let calls = arguments.wants(Part::Calls).then(|| calls::measure(arguments.calls)).transpose()?;
    let agents = arguments.wants(Part::Agents).then(|| agents::measure(arguments)).transpose()?;
    let machine = Machine::look();
    if arguments.json {
        let mut all = json!({"machine": machine.json()});
        let parts = [
            ("held", held.as_ref().map(held::Held::json)),
            ("calls", calls.as_ref().map(calls::Calls::json)),
            ("agents", agents.as_ref().map(agents::Agents::json)),
        ];
        for (name, part) in parts.into_iter().filter_map(|(name, part)| Some((name, part?))) {
            all[name] = part;
        }
        println!("{all:#}");
        return Ok(());
    }
    println!("{}", machine.line());
    let tables = [
        held.map(|held| held.table()),
        calls.map(|calls| calls.table()),
        agents.map(|agents| agents.table()),
    ];
    for table in tables.into_iter().flatten() {
        println!("\n{table}");
    }
    Ok(())
}

/// What the figures were measured on.
struct Machine {
    processors: usize,
    kernel: String,
    version: &'static str,
    /// Processes that run or want to, over the last minute: others that were at work meanwhile.
    load: Option<f32>,
}

impl Machine {
    fn look() -> Machine {
        let version = match groups::Parent::named("look").version() {
            Version::V1 => "v1",
            Version::V2 => "v2",
        };
        Machine {
            processors: std::thread::available_parallelism().map_or(1, usize::from),
            kernel: rustix::system::uname().release().to_string_lossy().into_owned(),
            version,
            load: LoadAverage::current().ok().map(|load| load.one),
        }
    }

    fn json(&self) -> Value {
        json!({
            "processors": self.processors,
            "kernel": self.kernel,
            "control_groups": self.version,
            "load_of_the_last_minute": self.load.map(|load| numbers::rounded(f64::from(load))),
        })
    }

    fn line(&self) -> String {
        let load = self.load.map_or(String::new(), |load| format!(", load {load:.1} at the end"));
        format!(
            "{} processors, Linux {}, control groups {}{load}",
            self.processors, self.kernel, self.version
        )
    }
}
