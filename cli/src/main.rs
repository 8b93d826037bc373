//! The `apportion` command: checks configurations and hosts, writes modules JSON and rehearses hook rules, without a Mesos
//! at hand; and asks a live one how its rules fare.
//!
//! Exit codes: 0 fine, 1 problems in a configuration, its rules or the host, 2 the command itself cannot be carried out.
#![forbid(unsafe_code)]

mod arguments;
mod check;
mod hooks;
mod isolator;
mod lending;
mod library;
mod modules;
mod output;
mod wording;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::{Arguments, Command};
use crate::output::Failure;

/// The configuration has problems, or the host lacks something.
const EXIT_PROBLEMS: u8 = 1;
/// Wrong usage, or something that cannot be read.
const EXIT_UNUSABLE: u8 = 2;

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Check(arguments) => check::run(&arguments),
        Command::Modules(arguments) => modules::run(&arguments),
        Command::Hooks(arguments) => hooks::run(&arguments),
        Command::Isolator(arguments) => isolator::run(&arguments),
        Command::Lending(arguments) => lending::run(&arguments),
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
