//! What lending brings on a real master with real agents, whose schedulers take their time, measured on this machine.
//!
//! ```text
//! cargo build -p apportion -p apportion-rig -p apportion-cluster-tests && target/debug/lending-figures
//! ```
//!
//! The workload is the simulation's (`tests/schedulers`), with shorter times; each round has jobs of its own, and
//! measures them without and with lending, in turns. Tasks sleep: what they ask for is a matter of words. What is used
//! is what the frameworks see: a task counts from TASK_RUNNING to its end. `docs/lending-figures.md` says what the
//! columns mean.
#![forbid(unsafe_code)]

mod books;
mod cluster;
mod scheduler;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use apportion_cluster_tests::figures::numbers::{median, rounded};
use apportion_cluster_tests::figures::table::Table;
use clap::Parser;
use serde_json::{Value, json};

use crate::books::Found;
use crate::cluster::Cluster;

/// Why there are no figures.
type Failure = Box<dyn Error + Send + Sync>;

/// Measures what lending brings on a real master with slow schedulers.
#[derive(Debug, Clone, Parser)]
#[command(name = "lending-figures")]
struct Arguments {
    /// Seconds that service schedulers take to decide about a job, separated by commas
    #[arg(long, value_delimiter = ',', default_value = "0.1,1,3,10", value_name = "SECONDS", value_parser = seconds)]
    decision_times: Vec<Duration>,
    /// Seconds that batch schedulers take to decide about a job
    #[arg(long, default_value = "0.1", value_name = "SECONDS", value_parser = seconds)]
    batch_decision_time: Duration,
    /// Rounds for each decision time, each with jobs of its own; odd ones begin with lending
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Seconds before anything is measured: the cluster is empty at first
    #[arg(long, default_value = "10", value_name = "SECONDS", value_parser = seconds)]
    warm_up: Duration,
    /// Seconds that are measured
    #[arg(long, default_value = "20", value_name = "SECONDS", value_parser = seconds)]
    measured: Duration,
    /// Real agents, of 8 cpus and 32 GB each by their own word
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=100))]
    agents: u16,
    /// Schedulers of service work
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=100))]
    service_schedulers: u16,
    /// Schedulers of batch work
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=100))]
    batch_schedulers: u16,
    /// Part of all cpus that the jobs would keep busy if no task had to wait
    #[arg(long, default_value_t = 1.0)]
    load: f64,
    /// Part of that which is service work, from 0 to 1
    #[arg(long, default_value_t = 0.2)]
    service_part: f64,
    /// Tasks, and the times between jobs, are so many times shorter than in the simulation
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..))]
    faster: u32,
    /// How many batch schedulers see the same lent capacity at once
    #[arg(long, default_value_t = 2)]
    fan_out: u32,
    /// Seconds for which capacity has to be idle before it is lent
    #[arg(long, default_value = "0.2", value_name = "SECONDS", value_parser = seconds)]
    min_idle: Duration,
    /// Where the jobs come from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The library that master and agents load; without it the one beside this program
    #[arg(long = "library", value_name = "PATH")]
    to_load: Option<PathBuf>,
    /// Print JSON instead of the table
    #[arg(long)]
    json: bool,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().filter(|seconds: &f64| *seconds > 0.0 && *seconds <= 3600.0);
    let seconds = seconds.ok_or("expected a number above 0, at most an hour in seconds, such as 0.5")?;
    Ok(Duration::from_secs_f64(seconds))
}

/// What the rounds of one decision time found in one way of offering.
#[derive(Debug)]
struct Point {
    decision_time: Duration,
    lends: bool,
    rounds: Vec<Found>,
}

/// Heading, and a figure of one round; `None` if that round has none.
type Column = (&'static str, fn(&Found) -> Option<f64>);

const COLUMNS: [Column; 10] = [
    ("used %", |found| Some(found.used * 100.0)),
    ("lent %", |found| Some(found.lent * 100.0)),
    ("lost %", |found| Some(found.lost * 100.0)),
    ("service wait", |found| found.service_wait),
    ("batch wait", |found| found.batch_wait),
    ("tasks", |found| Some(f64::from(found.started))),
    ("commits", |found| Some(f64::from(found.commits))),
    ("conflicts", |found| Some(f64::from(found.conflicts))),
    ("conflict fraction", Found::conflict_fraction),
    ("evictions", |found| Some(f64::from(found.evictions))),
];

impl Point {
    fn figures(&self, column: &Column) -> Vec<f64> {
        self.rounds.iter().filter_map(column.1).collect()
    }

    fn name(&self) -> String {
        let way = if self.lends { "lending" } else { "regular" };
        format!("{} s, {way}", self.decision_time.as_secs_f64())
    }

    fn json(&self) -> Value {
        let mut json = json!({
            "decision_time": self.decision_time.as_secs_f64(),
            "offers": if self.lends { "lending" } else { "regular" },
        });
        for column in &COLUMNS {
            let figures = self.figures(column);
            let rounds: Vec<f64> = figures.iter().copied().map(rounded).collect();
            let middle = (!figures.is_empty()).then(|| rounded(median(&figures)));
            json[column.0] = json!({ "median": middle, "rounds": rounds });
        }
        json
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match measure(&arguments) {
        Ok(points) => {
            print(&arguments, &points);
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: &Arguments) -> Result<Vec<Point>, Failure> {
    let rig = apportion_rig::Rig::prepare(|step| eprintln!("{step}"))?;
    let mut points = Vec::new();
    for decision_time in &arguments.decision_times {
        let point = |lends| Point { decision_time: *decision_time, lends, rounds: Vec::new() };
        let mut both = [point(false), point(true)];
        for round in 0..arguments.rounds {
            // What else the machine does must not fall on one of the two.
            let order = if round % 2 == 0 { [0, 1] } else { [1, 0] };
            for place in order {
                let point = &mut both[place];
                let found = Cluster::start(&rig, arguments, point.lends)?.measure(
                    arguments,
                    *decision_time,
                    round,
                )?;
                eprintln!("{}, round {}: {:.1} % used", point.name(), round + 1, found.used * 100.0);
                point.rounds.push(found);
            }
        }
        points.extend(both);
    }
    Ok(points)
}

fn print(arguments: &Arguments, points: &[Point]) {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let load = procfs_load();
    if arguments.json {
        let points: Vec<Value> = points.iter().map(Point::json).collect();
        println!("{:#}", json!({"processors": processors, "load_at_the_end": load, "points": points}));
        return;
    }
    let load = load.map_or(String::new(), |load| format!(", load {load:.1} at the end"));
    let title = format!("{processors} processors{load}; medians of {} rounds", arguments.rounds);
    let heads: Vec<&str> =
        std::iter::once("t_job, offers").chain(COLUMNS.iter().map(|(head, _)| *head)).collect();
    let mut table = Table::new(title, &heads);
    for point in points {
        let cell = |column: &Column| {
            let figures = point.figures(column);
            if figures.is_empty() { "-".to_owned() } else { format!("{:.2}", median(&figures)) }
        };
        table.line(&point.name(), COLUMNS.iter().map(cell));
    }
    println!("{table}");
}

/// Processes that ran or wanted to, over the last minute.
fn procfs_load() -> Option<f32> {
    use procfs::{Current, LoadAverage};
    LoadAverage::current().ok().map(|load| load.one)
}
