//! `apportion isolator`: what the isolator would find on a host.

mod arguments;
mod as_json;
mod asked;
mod check;
mod show;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failure to prepare a test is a failure of the test")]
mod tests;
mod view;

pub(crate) use arguments::IsolatorArguments;
use arguments::IsolatorCommand;

use crate::output::Failure;

/// Carries out one of the subcommands; the exit code says how it went.
pub(crate) fn run(arguments: &IsolatorArguments) -> Result<u8, Failure> {
    match &arguments.command {
        IsolatorCommand::Check(arguments) => check::run(arguments),
    }
}
