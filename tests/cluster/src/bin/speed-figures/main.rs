//! How long a real master takes from a trigger to the last offer that frameworks have received, with the built-in
//! allocator and with ours in turns, measured on this machine.
//!
//! ```text
//! cargo build --release -p apportion -p apportion-rig -p apportion-cluster-tests && target/release/speed-figures
//! ```
//!
//! Agents are simulated, all in this process (see `apportion_rig::SimulatedAgents`), and so are frameworks: they speak
//! HTTP with protobuf bodies, and take down when offers have arrived without reading more of them than two ids.
//! `docs/performance/end-to-end.md` says what the figures mean.
#![forbid(unsafe_code)]

mod calls;
mod figures;
mod frameworks;
mod host;
mod machine;
mod page;
mod plot;
mod scenes;
mod web;

use std::error::Error;
use std::io::{ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use std::{env, fs};

use apportion_rig::Rig;
use clap::{Parser, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};

use crate::figures::{Books, Found, Size};
use crate::host::Allocator;
use crate::scenes::{Scene, Setting};

/// Why there are no figures.
type Failure = Box<dyn Error + Send + Sync>;

/// Measures a real master end to end: from a trigger to the last offer that frameworks have received.
///
/// Each scene starts a master, first with one allocator, then with the other; who is first changes with each round.
/// Thousands of simulated agents and dozens of HTTP frameworks run in this process. The table has medians of all
/// rounds, with the least and the most, and the master's processor time and memory beside them.
#[derive(Debug, Clone, Parser)]
#[command(name = "speed-figures", after_help = EXAMPLES)]
struct Arguments {
    /// Sizes of the cluster, in simulated agents, separated by commas
    #[arg(long, value_delimiter = ',', default_value = "1000,10000", value_name = "COUNT,...",
          value_parser = clap::value_parser!(u32).range(1..=100_000))]
    agents: Vec<u32>,
    /// Frameworks
    #[arg(long, default_value_t = 50, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=1000))]
    frameworks: u16,
    /// Roles that the frameworks are spread over; without it, half as many as there are frameworks
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=1000))]
    roles: Option<u16>,
    /// How often every scene is played with either allocator
    #[arg(long, default_value_t = 3, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// How often cycles and revivals are measured in one cluster
    #[arg(long, default_value_t = 5, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=1000))]
    repeats: u32,
    /// Seconds for which a cluster is watched in which nothing can be given, and for which its pages are read
    #[arg(long, default_value_t = 10, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=600))]
    idle_seconds: u64,
    /// Seconds that any step may take before the run is given up
    #[arg(long, default_value_t = 600, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    limit_seconds: u64,
    /// These scenes only, separated by commas
    #[arg(long, value_delimiter = ',', value_enum, value_name = "SCENE,...")]
    only: Vec<Scene>,
    /// A look at it in a minute or two: 1,000 agents, 10 frameworks, one round; overrides the numbers above
    #[arg(long)]
    quick: bool,
    /// The library that the master loads, a release build; without it the one beside this program
    #[arg(long = "library", value_name = "PATH")]
    measured_library: Option<PathBuf>,
    /// What the library was built from, for the output; without it, what git says of the folder this runs in
    #[arg(long, value_name = "TEXT")]
    commit: Option<String>,
    /// Write everything that was measured as JSON there, after each scene; `-` for standard output, at the end and
    /// instead of the table
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Draw the figures as SVG files in this folder
    #[arg(long, value_name = "FOLDER")]
    plots: Option<PathBuf>,
    /// Rewrite the figures in this Markdown page: what stands between its two marks
    #[arg(long, value_name = "FILE")]
    page: Option<PathBuf>,
    /// Measure nothing: show, draw and write what an earlier run left with --json
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
}

/// Where a file is named, standard output.
const STANDARD_OUTPUT: &str = "-";

const EXAMPLES: &str = "\
Examples:
  speed-figures --quick
      is everything there, and which way do the figures point?
  speed-figures --agents 10000 --only filtered --rounds 1
      one scene: every framework has declined every agent
  speed-figures --plots docs/performance --page docs/performance/end-to-end.md --json -
      measure all, and write page and plots anew
  speed-figures --from earlier.json
      the table of an earlier run

Other programs on the machine spoil the figures: measure on an idle one. 10,000 agents and 50 frameworks take
about 5 GB of memory with the built-in allocator, and about five minutes for a round.";

impl Arguments {
    fn with_quick(mut self) -> Arguments {
        if self.quick {
            self.agents = vec![1000];
            (self.frameworks, self.roles) = (10, None);
            (self.rounds, self.repeats, self.idle_seconds) = (1, 3, 3);
        }
        self
    }

    fn scenes(&self) -> Vec<Scene> {
        let all = [Scene::Cycle, Scene::Join, Scene::Launch, Scene::Filtered];
        all.into_iter().filter(|scene| self.only.is_empty() || self.only.contains(scene)).collect()
    }

    fn roles(&self) -> u16 {
        self.roles.unwrap_or(self.frameworks.div_ceil(2))
    }

    /// The library, which has to be there.
    fn usable_library(&self) -> Result<PathBuf, Failure> {
        let path = match &self.measured_library {
            Some(path) => path.clone(),
            None => env::current_exe()?.with_file_name("libapportion.so"),
        };
        path.canonicalize().map_err(|error| {
            let cure = "build it (cargo build --release -p apportion), or name another with --library";
            format!("the library {} cannot be used: {error}; {cure}", path.display()).into()
        })
    }

    /// How this run could be repeated.
    fn repeated(&self) -> String {
        let agents: Vec<String> = self.agents.iter().map(u32::to_string).collect();
        let mut text = format!(
            "--agents {} --frameworks {} --roles {} --rounds {} --repeats {} --idle-seconds {}",
            agents.join(","),
            self.frameworks,
            self.roles(),
            self.rounds,
            self.repeats,
            self.idle_seconds
        );
        if !self.only.is_empty() {
            let names: Vec<String> = self
                .scenes()
                .iter()
                .filter_map(ValueEnum::to_possible_value)
                .map(|value| value.get_name().to_owned())
                .collect();
            text.push_str(&format!(" --only {}", names.join(",")));
        }
        text
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse().with_quick();
    let found = match &arguments.from {
        Some(file) => read(file),
        None => measure(&arguments),
    };
    match found.and_then(|found| show(&arguments, &found)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn read(file: &Path) -> Result<Found, Failure> {
    let text =
        fs::read_to_string(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    let found = serde_json::from_str(&text);
    found.map_err(|error| format!("{} is no file that --json wrote: {error}", file.display()).into())
}

fn measure(arguments: &Arguments) -> Result<Found, Failure> {
    let library = arguments.usable_library()?;
    if let Some(page) = &arguments.page {
        // After the measurement would be late.
        page::require_marks(page)?;
    }
    let progress = Progress::new(arguments);
    let rig = Rig::prepare(|step| progress.tell(step))?;
    let mut found = Found {
        machine: String::new(),
        commit: arguments.commit.clone().unwrap_or_else(machine::commit),
        arguments: arguments.repeated(),
        rounds: arguments.rounds,
        sizes: Vec::new(),
    };
    for agents in &arguments.agents {
        let setting = Setting {
            rig: &rig,
            measured_library: &library,
            agents: usize::try_from(*agents)?,
            frameworks: arguments.frameworks.into(),
            roles: arguments.roles().into(),
            repeats: arguments.repeats,
            idle: Duration::from_secs(arguments.idle_seconds),
            limit: Duration::from_secs(arguments.limit_seconds),
        };
        measure_size(arguments, setting, &mut found, &progress)?;
    }
    progress.bar.finish_and_clear();
    Ok(found)
}

fn measure_size(
    arguments: &Arguments,
    setting: Setting<'_>,
    found: &mut Found,
    progress: &Progress,
) -> Result<(), Failure> {
    let Setting { agents, frameworks, roles, .. } = setting;
    let place = found.sizes.len();
    found.sizes.push(Size { agents, frameworks, roles, built_in: Books::default(), ours: Books::default() });
    for round in 1..=arguments.rounds {
        for scene in arguments.scenes() {
            // What else the machine does must not fall on one of the two.
            let mut order = Allocator::BOTH;
            if round % 2 == 0 {
                order.reverse();
            }
            for allocator in order {
                let what = format!(
                    "{agents} agents, round {round} of {}, {}, {}",
                    arguments.rounds,
                    scene.name(),
                    allocator.name()
                );
                progress.tell(&what);
                let tell = |step: &str| progress.tell(&format!("{what}: {step}"));
                let books = found.sizes[place].books_mut(allocator);
                scene
                    .play(setting, allocator, books, &tell)
                    .map_err(|failure| format!("{what}: {failure}"))?;
                progress.done(&what);
                found.machine = machine::description();
                // Who interrupts a long run keeps what it found so far.
                write_json(arguments, found)?;
            }
        }
    }
    Ok(())
}

/// What stands in the last line while it is measured; without a terminal, a line for each scene.
struct Progress {
    bar: ProgressBar,
    lines: bool,
}

impl Progress {
    fn new(arguments: &Arguments) -> Progress {
        let scenes = arguments.scenes().len() * arguments.agents.len() * Allocator::BOTH.len();
        let rounds = usize::try_from(arguments.rounds).unwrap_or(1);
        let bar = ProgressBar::new((scenes * rounds) as u64);
        if let Ok(style) = ProgressStyle::with_template("[{pos}/{len}] {elapsed_precise} {wide_msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_secs(1));
        Progress { bar, lines: !std::io::stderr().is_terminal() }
    }

    fn tell(&self, what: &str) {
        self.bar.set_message(what.to_owned());
    }

    fn done(&self, what: &str) {
        self.bar.inc(1);
        if self.lines {
            eprintln!("[{}/{}] {what}", self.bar.position(), self.bar.length().unwrap_or(0));
        }
    }
}

fn show(arguments: &Arguments, found: &Found) -> Result<(), Failure> {
    write_json(arguments, found)?;
    if let Some(folder) = &arguments.plots {
        fs::create_dir_all(folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
        for (name, picture) in plot::pictures(found)? {
            write(&folder.join(name), &picture)?;
        }
    }
    if let Some(file) = &arguments.page {
        page::rewrite(file, found)?;
    }
    let to_standard_output = arguments.json.as_deref() == Some(Path::new(STANDARD_OUTPUT));
    let text = if to_standard_output { json(found)? } else { format!("{}\n", page::tables(found)) };
    match std::io::stdout().write_all(text.as_bytes()) {
        // Who reads has seen enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}

fn json(found: &Found) -> Result<String, Failure> {
    Ok(format!("{}\n", serde_json::to_string_pretty(found)?))
}

/// To the file that it is to be in, if it is.
fn write_json(arguments: &Arguments, found: &Found) -> Result<(), Failure> {
    match arguments.json.as_deref().filter(|file| *file != Path::new(STANDARD_OUTPUT)) {
        Some(file) => write(file, &json(found)?),
        None => Ok(()),
    }
}

fn write(file: &Path, text: &str) -> Result<(), Failure> {
    fs::write(file, text).map_err(|error| format!("cannot write {}: {error}", file.display()).into())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn quick_run_is_small_and_says_how_to_repeat_it() {
        Arguments::command().debug_assert();
        let arguments = Arguments::try_parse_from(["speed-figures", "--quick", "--only", "join"]).unwrap();
        let arguments = arguments.with_quick();
        assert_eq!(arguments.scenes(), [Scene::Join]);
        let text =
            "--agents 1000 --frameworks 10 --roles 5 --rounds 1 --repeats 3 --idle-seconds 3 --only join";
        assert_eq!(arguments.repeated(), text);
    }

    #[test]
    fn numbers_that_make_no_sense_are_refused() {
        for wrong in [["--agents", "0"], ["--frameworks", "0"], ["--rounds", "0"], ["--only", "nothing"]] {
            assert!(Arguments::try_parse_from(["speed-figures"].iter().chain(&wrong)).is_err(), "{wrong:?}");
        }
    }
}
