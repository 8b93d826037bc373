//! `apportion lending`: who lends idle capacity, who borrows it, and how much.

mod arguments;
mod as_json;
mod check;
mod show;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failure to prepare a test is a failure of the test")]
mod tests;
mod view;

pub(crate) use arguments::LendingArguments;
use arguments::LendingCommand;

use crate::output::Failure;

/// Carries out one of the subcommands; the exit code says how it went.
pub(crate) fn run(arguments: &LendingArguments) -> Result<u8, Failure> {
    match &arguments.command {
        LendingCommand::Check(arguments) => check::run(arguments),
    }
}
