//! The `apportion` command: checks configurations and writes modules JSON, without a Mesos at hand.
//!
//! Exit codes: 0 fine, 1 problems in a configuration, 2 the command itself cannot be carried out.
#![forbid(unsafe_code)]

mod arguments;
mod check;
mod library;
mod modules;
mod output;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::{Arguments, Command};
use crate::output::Failure;

/// The configuration has problems.
const EXIT_PROBLEMS: u8 = 1;
/// Wrong usage, or something that cannot be read.
const EXIT_UNUSABLE: u8 = 2;

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Check(arguments) => check::run(&arguments),
        Command::Modules(arguments) => modules::run(&arguments),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        // Whoever reads our output has heard enough.
        Err(Failure::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(failure) => {
            output::error(&failure.to_string());
            ExitCode::from(EXIT_UNUSABLE)
        }
    }
}
