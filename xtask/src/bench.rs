//! `cargo xtask bench`: how fast the allocator is, beside the built-in one.

use std::process::Command;

use clap::ValueEnum;

use crate::test::cargo;
use crate::{Failure, target_folder};

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Both allocators behind the master's interface, in one process without a master
    InProcess,
    /// A real master with simulated agents and frameworks, from the trigger to the last offer received
    EndToEnd,
}

impl Part {
    /// The package, and its program.
    fn program(self) -> (&'static str, &'static str) {
        match self {
            Part::InProcess => ("apportion-bench", "bench"),
            Part::EndToEnd => ("apportion-cluster-tests", "speed-figures"),
        }
    }
}

/// What the command takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Only this part
    part: Option<Part>,
    /// Arguments for the part's program, behind `--`; its `--help` lists them
    #[arg(last = true, requires = "part")]
    arguments: Vec<String>,
}

/// Builds library and programs as they are released, and runs the parts.
///
/// # Errors
/// When something cannot be built, or a part fails.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    for part in Part::value_variants() {
        if arguments.part.is_none_or(|only| only == *part) {
            run_part(*part, &arguments.arguments)?;
        }
    }
    Ok(())
}

fn run_part(part: Part, arguments: &[String]) -> Result<(), Failure> {
    let (package, program) = part.program();
    let build = ["build", "--release", "--locked", "--package", "apportion", "--package", "apportion-rig"];
    cargo(&[&build[..], &["--package", package]].concat(), &[])?;
    let path = target_folder().join("release").join(program);
    let status = Command::new(&path).args(arguments).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failure::new(format!("{program} ended with {status}"))),
        Err(error) => Err(Failure::new(format!("cannot run {}: {error}", path.display()))),
    }
}
