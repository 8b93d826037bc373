//! `apportion hooks`: rules rehearsed without a Mesos, and asked about in a live one.

mod arguments;
mod as_json;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failure to prepare a test is a failure of the test")]
mod compared;
mod diff;
mod document;
mod explain;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failure to prepare a test is a failure of the test")]
mod fuzzed;
mod host_file;
mod live;
mod notes;
mod reader;
mod rehearsal;
mod reload;
mod resources;
mod scenario;
mod schema;
mod show;
mod state_page;
mod strict;
mod test;

pub(crate) use arguments::HooksArguments;
use arguments::HooksCommand;
pub(crate) use live::LiveError;

use crate::output::Failure;

/// Carries out one of the subcommands; the exit code says how it went.
pub(crate) fn run(arguments: &HooksArguments) -> Result<u8, Failure> {
    match &arguments.command {
        HooksCommand::Test(arguments) => test::run(arguments),
        HooksCommand::Explain(arguments) => explain::run(arguments),
        HooksCommand::Reload(arguments) => reload::run(arguments),
    }
}
