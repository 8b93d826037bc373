//! The command line and its help.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::hooks::HooksArguments;
use crate::isolator::IsolatorArguments;
use crate::lending::LendingArguments;

/// Examples under `apportion --help`.
const EXAMPLES: &str = "\
Examples:
  Look for mistakes in a configuration:
      apportion check /etc/mesos/apportion.toml

  Write the modules file and start a master and an agent with it:
      apportion modules --lib ./libapportion.so --config /etc/mesos/apportion.toml > modules.json
      mesos-master --modules=file://$PWD/modules.json \\
          --allocator=org_apportion_Allocator --hooks=org_apportion_Hook …
      mesos-agent --modules=file://$PWD/modules.json --hooks=org_apportion_Hook \\
          --isolation=org_apportion_Isolator --qos_controller=org_apportion_QoSController …

  See what the hook rules make of a task, before anything is deployed; ask a live agent how they fare:
      apportion hooks test --config apportion.toml --task task.json --agent agent.json
      apportion hooks explain http://agent.example:5051

  See on an agent's host which control groups it has, where containers would go and what is missing:
      apportion isolator check

  See what a role lends, to whom, and what it may borrow:
      apportion lending check --config apportion.toml --role prod/web

Exit codes: 0 fine, 1 problems in the configuration or the host, 2 wrong usage or something unreadable.
Colours appear on terminals only; NO_COLOR=1 switches them off.";

const CHECK_EXAMPLES: &str = "\
Examples:
  apportion check apportion.toml
  apportion check --json apportion.toml | jq '.problems[].path'

All problems are shown at once, each with its key, its place, what was found and what is expected.
The modules check the same when Mesos starts, and refuse to load with the same messages.";

const MODULES_EXAMPLES: &str = "\
Examples:
  apportion modules --lib /usr/lib/libapportion.so --config /etc/mesos/apportion.toml
  apportion modules --lib ./libapportion.so \\
      --set hook.environment.RACK=r1 --set isolator.rlimits.nofile=1024:4096

The JSON goes to standard output, ready for Mesos' --modules; remarks go to standard error.
A file named with --config is checked, and must be at the same path on every host that loads the modules.";

/// Allocator, hook, isolator and QoS controller modules for Apache Mesos 1.11: checks and set-up without Mesos.
#[derive(Debug, Parser)]
#[command(name = "apportion", version, after_help = EXAMPLES, arg_required_else_help = true)]
pub(crate) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check a configuration file and show every problem in it.
    #[command(after_help = CHECK_EXAMPLES)]
    Check(CheckArguments),
    /// Print the modules JSON for the --modules flag of mesos-master and mesos-agent.
    #[command(after_help = MODULES_EXAMPLES)]
    Modules(ModulesArguments),
    /// Rehearse hook rules, and ask a live master or agent about its own.
    Hooks(HooksArguments),
    /// Look whether this host has what the isolator needs.
    Isolator(IsolatorArguments),
    /// Look who lends idle capacity, who borrows it, and how much.
    Lending(LendingArguments),
}

/// Arguments of `apportion check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    /// The configuration file, for example /etc/mesos/apportion.toml.
    pub(crate) file: PathBuf,
    /// Print the result as one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `apportion modules`.
#[derive(Debug, Args)]
pub(crate) struct ModulesArguments {
    /// The module library, libapportion.so.
    #[arg(long, value_name = "PATH")]
    pub(crate) lib: PathBuf,
    /// The configuration file that all modules read.
    #[arg(long, value_name = "FILE", conflicts_with = "set")]
    pub(crate) config: Option<PathBuf>,
    /// A setting, written into the JSON itself; may be repeated.
    #[arg(long, value_name = "KEY=VALUE", value_parser = setting)]
    pub(crate) set: Vec<(String, String)>,
}

/// Splits `key=value` at the first `=`.
fn setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some(("", _)) => Err("there is no key before the `=`".to_owned()),
        Some((key, value)) => Ok((key.to_owned(), value.to_owned())),
        None => Err("expected KEY=VALUE, for example hook.environment.RACK=r1".to_owned()),
    }
}
