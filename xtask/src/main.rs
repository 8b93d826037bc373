//! Build, demo and test commands of the project: `cargo xtask --help`.

mod generate;

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

/// Commands for working on Apportion.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Write the generated files: the message declarations and the Rust side of the C header
    Generate {
        /// Only compare; exit code 1 when a file is out of date
        #[arg(long)]
        check: bool,
    },
}

/// The folder that holds the workspace's Cargo.toml.
pub(crate) fn workspace_root() -> PathBuf {
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    own.parent().map_or(own.clone(), PathBuf::from)
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match arguments.command {
        Task::Generate { check } => generate::run(check),
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
