#![forbid(unsafe_code)]
//! Simulates slow schedulers and tells what they cost; see the library for what is simulated.

use std::error::Error;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use apportion_scheduler_simulation::{Experiment, LendingSpec, Point, WorkloadSpec, plot, table};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use serde::{Deserialize, Serialize};

/// What follows the list of options.
const AFTER_HELP: &str = "\
examples:
  The usual decision times, as a table:
    scheduler-simulation --agents 1000 --decision-times 0.1,1,3,10,30
  For a program, and as a picture:
    scheduler-simulation --json --plot decision-times.svg > decision-times.json
  A quick look at a large cluster:
    scheduler-simulation --agents 10000 --warm-up 120 --measured 180 --decision-times 10

The workload is made up, in the manner of the Omega paper (EuroSys 2013): do not quote its figures as those of any
real cluster. The same options give the same figures on every machine.";

/// Simulates schedulers that take their time, with the allocator's own core in simulated time.
///
/// Service schedulers decide slowly about few jobs of long tasks, batch schedulers quickly about many jobs of short ones.
/// A decision takes t_job + n * t_task for n tasks, and what a scheduler was offered is its own until it has decided. The
/// table tells, for each t_job of service work, how much of the cluster is used and how long jobs wait: with regular
/// offers only, and when what service schedulers do not use is lent to batch schedulers meanwhile.
#[derive(Debug, Parser)]
#[command(name = "scheduler-simulation", after_help = AFTER_HELP)]
struct Arguments {
    /// How many agents, of 8 cpus and 32 GB each
    #[arg(long, default_value_t = 1000, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    agents: u32,
    /// Seconds that service schedulers take to decide about a job (t_job), separated by commas
    #[arg(long, value_delimiter = ',', default_value = "0.1,1,3,10,30", value_name = "SECONDS", value_parser = positive)]
    decision_times: Vec<f64>,
    /// Seconds that batch schedulers take to decide about a job (t_job)
    #[arg(long, default_value = "0.1", value_name = "SECONDS", value_parser = positive)]
    batch_decision_time: f64,
    /// Seconds that a decision takes besides for each task (t_task)
    #[arg(long, default_value = "0.005", value_name = "SECONDS", value_parser = positive)]
    task_decision_time: f64,
    /// How many service schedulers
    #[arg(long, default_value_t = 1, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=1000))]
    service_schedulers: u32,
    /// How many batch schedulers; without it one for each 500 agents, and at least 4
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=1000))]
    batch_schedulers: Option<u32>,
    /// Part of all cpus that the jobs would keep busy if no task had to wait: 1 for all, more for too many jobs
    #[arg(long, default_value = "1", value_name = "PART", value_parser = positive)]
    load: f64,
    /// Part of that which is service work, from 0 to 1
    #[arg(long, default_value = "0.4", value_name = "PART", value_parser = part)]
    service_part: f64,
    /// Simulated seconds before anything is measured: the cluster is empty at first
    #[arg(long, default_value = "600", value_name = "SECONDS", value_parser = positive)]
    warm_up: f64,
    /// Simulated seconds that are measured
    #[arg(long, default_value = "1800", value_name = "SECONDS", value_parser = positive)]
    measured: f64,
    /// A job is given up after so many decisions that did not place all of it
    #[arg(long, default_value_t = 1000, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    attempts: u32,
    /// Seconds for which offers are refused into which no task fits
    #[arg(long, default_value = "5", value_name = "SECONDS", value_parser = positive)]
    refuse: f64,
    /// How many batch schedulers see the same lent capacity at once
    #[arg(long, default_value_t = 2, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=1000))]
    fan_out: u32,
    /// Seconds for which capacity has to be idle before it is lent
    #[arg(long, default_value = "1", value_name = "SECONDS", value_parser = positive)]
    min_idle: f64,
    /// The most cpus in one offer of lent capacity; without it everything that is free on the agent
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    slice_cpus: Option<u32>,
    /// Where the arrivals and the allocator's order come from
    #[arg(long, default_value_t = 1, value_name = "NUMBER")]
    seed: u64,
    /// Write JSON instead of the table
    #[arg(long)]
    json: bool,
    /// Show what an earlier run with --json found, instead of simulating
    #[arg(long, value_name = "FILE")]
    found: Option<PathBuf>,
    /// Draw utilisation, waits and conflict fraction into this file, as SVG
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
}

/// The longest time that makes sense, in seconds: a year.
const LONGEST: f64 = 365.0 * 24.0 * 3600.0;

fn positive(text: &str) -> Result<f64, String> {
    number(text, |number| number > 0.0 && number <= LONGEST, "a number above 0, at most a year in seconds")
}

fn part(text: &str) -> Result<f64, String> {
    number(text, |number| (0.0..=1.0).contains(&number), "a number from 0 to 1")
}

fn number(text: &str, fits: impl Fn(f64) -> bool, expected: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number| fits(*number));
    number.ok_or_else(|| format!("expected {expected}, such as 0.5"))
}

impl Arguments {
    fn experiment(&self) -> Experiment {
        let count = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
        let time = Duration::from_secs_f64;
        let usual = WorkloadSpec::new(count(self.agents));
        let workload = WorkloadSpec {
            load: self.load,
            service_part: self.service_part,
            service_schedulers: count(self.service_schedulers),
            batch_schedulers: self.batch_schedulers.map_or(usual.batch_schedulers, count),
            batch_decision: time(self.batch_decision_time),
            per_task: time(self.task_decision_time),
            ..usual
        };
        Experiment {
            workload,
            decision_times: self.decision_times.iter().copied().map(time).collect(),
            seed: self.seed,
            warm_up: time(self.warm_up),
            measured: time(self.measured),
            attempts: self.attempts,
            refuse_seconds: self.refuse,
            lending: LendingSpec {
                fan_out: self.fan_out,
                min_idle: time(self.min_idle),
                slice_cpus: self.slice_cpus,
            },
        }
    }
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    if let Some(path) = &arguments.found {
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        let found: Found = serde_json::from_str(&text)
            .map_err(|error| format!("{} is not what --json writes: {error}", path.display()))?;
        return show(arguments, &found);
    }
    let experiment = arguments.experiment();
    // Shown on standard error, and only if that is a terminal.
    let style = ProgressStyle::with_template("{pos}/{len} simulations, {elapsed}, about {eta} left  {msg}")?;
    let progress = ProgressBar::new(experiment.simulations() as u64).with_style(style);
    progress.enable_steady_tick(Duration::from_millis(200));
    let points = experiment.run(|point| {
        progress.inc(1);
        progress.set_message(format!("{} offers, t_job {} s", point.mode.name(), point.decision_time));
    })?;
    progress.finish_and_clear();
    show(
        arguments,
        &Found {
            agents: arguments.agents,
            seed: arguments.seed,
            warm_up_seconds: arguments.warm_up,
            measured_seconds: arguments.measured,
            points,
        },
    )
}

/// What a run found, as JSON has it.
#[derive(Debug, Serialize, Deserialize)]
struct Found {
    agents: u32,
    seed: u64,
    warm_up_seconds: f64,
    measured_seconds: f64,
    points: Vec<Point>,
}

fn show(arguments: &Arguments, found: &Found) -> Result<(), Box<dyn Error>> {
    let points = &found.points;
    if let Some(path) = &arguments.plot {
        std::fs::write(path, plot::svg(points)?)
            .map_err(|error| format!("cannot write the plot {}: {error}", path.display()))?;
    }
    let text = if arguments.json {
        format!("{}\n", serde_json::to_string_pretty(found)?)
    } else {
        format!("{}\n{}", table::text(points), table::LEGEND)
    };
    match std::io::stdout().write_all(text.as_bytes()) {
        // Who reads has seen enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}

#[cfg(test)]
mod tests {
    use apportion_scheduler_simulation::Mode;
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn arguments_become_the_experiment_they_name() {
        Arguments::command().debug_assert();
        let arguments = ["simulation", "--agents", "3000", "--decision-times", "0.5,2", "--load", "0.25"];
        let experiment = Arguments::try_parse_from(arguments).unwrap().experiment();
        assert_eq!(experiment.decision_times, [500, 2000].map(Duration::from_millis));
        assert_eq!((experiment.workload.agents, experiment.workload.batch_schedulers), (3000, 6));
        assert_eq!((experiment.workload.load, experiment.simulations()), (0.25, 2 * Mode::ALL.len()));
    }

    #[test]
    fn numbers_that_make_no_sense_are_refused_with_what_is_expected() {
        for wrong in [["--load", "0"], ["--decision-times", "1,nan"], ["--service-part", "1.5"]] {
            let error =
                Arguments::try_parse_from(["simulation", wrong[0], wrong[1]]).unwrap_err().to_string();
            assert!(error.contains("expected a number") && error.contains(wrong[0]), "{error}");
        }
    }
}
