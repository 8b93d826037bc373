//! Build, demo and test commands of the project: `cargo xtask --help`.
#![forbid(unsafe_code)]

mod bench;
mod demo;
mod fuzz;
mod generate;
mod instructions;
mod nightly;
mod test;
mod tidy;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Why a command ended without success: what is wrong, and how to mend it.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    /// A failure told in words; further lines are indented advice.
    pub(crate) fn new(text: impl Into<String>) -> Failure {
        Failure(text.into())
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Commands for working on Apportion.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Measure the allocator beside the built-in one: in one process, and in a real master
    Bench(bench::Arguments),
    /// Start a real Mesos with the modules and watch it work
    Demo(demo::Arguments),
    /// Feed decoders, border and allocator with inputs that libFuzzer makes, and see that their promises hold
    Fuzz(fuzz::Arguments),
    /// Write the generated files: the message declarations and the Rust side of the C header
    Generate {
        /// Only compare; exit code 1 when a file is out of date
        #[arg(long)]
        check: bool,
    },
    /// Count the instructions of the core under valgrind, and compare them with those written down
    Instructions(instructions::Arguments),
    /// Compare the allocator with two others at 10,000 agents, for as long as you like
    Nightly(nightly::Arguments),
    /// Run every check: formatting, lints, docs, all tests, real Mesos included
    Test {
        /// Only these steps, separated by commas
        #[arg(long, value_delimiter = ',', value_name = "STEP")]
        only: Vec<test::Step>,
        /// Go on after a step that failed
        #[arg(long)]
        keep_going: bool,
    },
}

/// The folder that holds the workspace's Cargo.toml.
pub(crate) fn workspace_root() -> PathBuf {
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    own.parent().map_or(own.clone(), PathBuf::from)
}

/// Where cargo puts what it builds.
pub(crate) fn target_folder() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace_root().join("target"), PathBuf::from)
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match arguments.command {
        Task::Bench(arguments) => bench::run(&arguments),
        Task::Demo(arguments) => demo::run(&arguments),
        Task::Fuzz(arguments) => fuzz::run(&arguments),
        Task::Generate { check } => generate::run(check),
        Task::Instructions(arguments) => instructions::run(&arguments),
        Task::Nightly(arguments) => nightly::run(&arguments),
        Task::Test { only, keep_going } => test::run(&only, keep_going),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure(text)) => {
            anstream::eprintln!(
                "{}error{:#}: {text}",
                anstyle::AnsiColor::Red.on_default().bold(),
                anstyle::Style::new()
            );
            ExitCode::FAILURE
        }
    }
}
