//! `cargo xtask nightly`: the comparisons of the allocator with others at 10,000 agents, for as long as they are given.

use std::ffi::OsString;
use std::process::Command;
use std::time::Instant;

use anstyle::AnsiColor;
use clap::ValueEnum;

use crate::test::cargo;
use crate::{Failure, target_folder};

/// Packages that the part in a real master needs besides its test.
const LIBRARY: [&str; 4] = ["--package", "apportion", "--package", "apportion-rig"];
/// The test of the part in a real master.
const MANY_AGENTS: &str = "large::many_equal_agents_are_shared_alike";

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Random histories: every offer of every run, with that of an independent, slow allocator
    Histories,
    /// The built-in allocator and ours in two real masters with simulated agents, step by step
    Differential,
}

/// What the command takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  cargo xtask nightly
      both parts, half an hour each, from another seed each day
  cargo xtask nightly histories --seconds 3600 --seed 17
      an hour of histories, from the seed that a failure named
  cargo xtask nightly --agents 200 --seconds 20
      are both parts there?

What fails is told with the command that shows it again. Exit code 0: everything agreed; 1: something did not, or could
not be run. `cargo xtask test` plays the same at small sizes. 10,000 agents take the two masters some gigabytes of memory.")]
pub(crate) struct Arguments {
    /// Only these parts
    #[arg(value_name = "PART")]
    parts: Vec<Part>,
    /// Seconds for each part; what goes on then is still finished
    #[arg(long, default_value_t = 1800, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Where both parts are drawn from; without it, the number of the day
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Agents
    #[arg(long, default_value_t = 10_000, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(16..=50_000))]
    agents: u32,
    /// Frameworks of a history
    #[arg(long, default_value_t = 300, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=5_000))]
    frameworks: u32,
    /// Roles of a history
    #[arg(long, default_value_t = 40, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    roles: u32,
}

/// Builds the parts as they are released, and runs them one after the other. A part that fails does not keep the next
/// from running.
///
/// # Errors
/// The parts that failed, and how to run them again.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let seed = arguments.seed.unwrap_or_else(day);
    let wanted = |part: &&Part| arguments.parts.is_empty() || arguments.parts.contains(part);
    let parts: Vec<Part> = Part::value_variants().iter().filter(wanted).copied().collect();
    let mut failed = Vec::new();
    for (position, part) in parts.iter().enumerate() {
        let (name, agents, seconds) = (part.name(), arguments.agents, arguments.seconds);
        let style = AnsiColor::Cyan.on_default().bold();
        anstream::eprintln!(
            "{style}[{}/{}] {name}: {agents} agents, {seconds} s, seed {seed}{style:#}",
            position + 1,
            parts.len()
        );
        let started = Instant::now();
        let outcome = part.run(arguments, seed);
        let minutes = started.elapsed().as_secs_f64() / 60.0;
        match outcome {
            Ok(()) => anstream::eprintln!("{name}: held, {minutes:.1} min"),
            Err(failure) => {
                anstream::eprintln!("{name}: FAILED after {minutes:.1} min: {failure}");
                failed.push(name);
            }
        }
    }
    if failed.is_empty() {
        return Ok(());
    }
    let again = format!(
        "cargo xtask nightly {} --seed {seed} --seconds {} --agents {} --frameworks {} --roles {}",
        failed.join(" "),
        arguments.seconds,
        arguments.agents,
        arguments.frameworks,
        arguments.roles
    );
    Err(Failure::new(format!("failed: {}\n  run again what failed: {again}", failed.join(", "))))
}

/// Days since 1970: another seed each night, and the same all day.
fn day() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |since| since.as_secs() / 86_400)
}

impl Part {
    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    fn run(self, arguments: &Arguments, seed: u64) -> Result<(), Failure> {
        match self {
            Part::Histories => histories(arguments, seed),
            Part::Differential => differential(arguments, seed),
        }
    }
}

fn histories(arguments: &Arguments, seed: u64) -> Result<(), Failure> {
    let program = "large-histories";
    cargo(&["build", "--release", "--locked", "--package", "apportion-oracle", "--bin", program], &[])?;
    let path = target_folder().join("release").join(program);
    let mut command = Command::new(&path);
    let kept = target_folder().join("large-histories-failed.txt");
    for (name, value) in [
        ("--agents", arguments.agents.to_string()),
        ("--frameworks", arguments.frameworks.to_string()),
        ("--roles", arguments.roles.to_string()),
        ("--seconds", arguments.seconds.to_string()),
        ("--seed", seed.to_string()),
    ] {
        command.args([name, &value]);
    }
    command.arg("--keep").arg(&kept);
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failure::new(format!("{program} ended with {status}"))),
        Err(error) => Err(Failure::new(format!("cannot run {}: {error}", path.display()))),
    }
}

fn differential(arguments: &Arguments, seed: u64) -> Result<(), Failure> {
    cargo(&[&["build", "--release", "--locked"], &LIBRARY[..]].concat(), &[])?;
    let folder = target_folder().join("release");
    let number = |number: String| OsString::from(number);
    let variables = [
        ("APPORTION_LIBRARY", folder.join("libapportion.so").into_os_string()),
        ("APPORTION_RIG_EXECUTOR", folder.join("rig-executor").into_os_string()),
        ("APPORTION_DIFFERENTIAL_AGENTS", number(arguments.agents.to_string())),
        ("APPORTION_DIFFERENTIAL_SECONDS", number(arguments.seconds.to_string())),
        ("APPORTION_DIFFERENTIAL_SEED", number(seed.to_string())),
    ];
    let test =
        ["test", "--release", "--locked", "--package", "apportion-differential-tests", "--test", "host"];
    cargo(&[&test[..], &["--", "--exact", MANY_AGENTS, "--nocapture"]].concat(), &variables)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace_root;

    #[test]
    fn test_of_many_agents_is_there() {
        // cargo test succeeds when no test has the name it is told.
        let (file, test) = MANY_AGENTS.split_once("::").unwrap();
        let path = workspace_root().join(format!("tests/differential/tests/host/{file}.rs"));
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.contains(&format!("#[test]\nfn {test}()")));
    }

    #[test]
    fn parts_have_names() {
        let names: Vec<String> = Part::value_variants().iter().map(|part| part.name()).collect();
        assert_eq!(names, ["histories", "differential"]);
    }
}
