//! The command line of `apportion isolator` and its help.

use std::path::PathBuf;

use apportion_cgroups::{Controller, Pid, Version};
use clap::{Args, Subcommand};

const CHECK_EXAMPLES: &str = "\
Examples:
  apportion isolator check
  apportion isolator check --config /etc/mesos/apportion.toml --pid \"$(pidof mesos-agent)\"
  apportion isolator check --controllers cpu,memory,pids,io --json | jq -r '.findings[].text'
  systemd-run --quiet --pty --property=Delegate=yes apportion isolator check

Looks at the control groups of this host and changes nothing; any user may run it. It shows
  how the host is set up (v1, v2 or hybrid), and where each controller is;
  where containers' groups would go, by [isolator.cgroups] of the configuration or its defaults:
      in a folder `apportion` in the group that the agent is in;
  which settings the kernel has;
  what is missing, and what mends it; also if a limit of the configuration could not be set.

What counts is the group that the agent is in: name a running agent with --pid, or run this in
a unit that is set up as the agent's. Without either it is the group of your shell. Whether the
agent's user may write there is not looked at.

JSON (--json) is one object:
  ok           whether containers' groups can be made
  layout       v1, v2 or hybrid; null if nothing is mounted
  kernel       its release
  controllers  [{name, wanted, version, mount, own}]; version, mount and own are null for one that
               is nowhere; own: the group looked from, null if it is outside of the mount
  places       [{version, controllers, base, parent, exists, groups, moves}]; groups: how many are
               in parent now; moves: processes that go into `agent` below base first
  settings     [{name, there, file, note}]; there: true, false, or null if it cannot be seen yet
  findings     [{kind, fatal, text}]; text: what is missing and the cure; not fatal: a risk
    kind       not_mounted, not_handed_down, read_only, outside, no_base, unusable or limits;
               not_delegated and no_effect are risks, and so is limits if it concerns some
               containers only
With problems in the configuration it is {ok: false, file, problems}.

Exit codes: 0 containers' groups can be made, 1 something is missing, 2 wrong usage or problems in
the configuration.";

/// Arguments of `apportion isolator`.
#[derive(Debug, Args)]
pub(crate) struct IsolatorArguments {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: IsolatorCommand,
}

/// The commands about the isolator.
#[derive(Debug, Subcommand)]
pub(crate) enum IsolatorCommand {
    /// Show which control groups this host has, where containers would go, and what is missing.
    #[command(after_help = CHECK_EXAMPLES)]
    Check(CheckArguments),
}

/// Arguments of `apportion isolator check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    /// The configuration with [isolator.cgroups]; without, the defaults.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Controllers to look for instead of the configured ones, with commas between them.
    #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = controller)]
    pub(crate) controllers: Vec<Controller>,
    /// Look from where this process is, such as a running mesos-agent.
    #[arg(long, value_parser = process)]
    pub(crate) pid: Option<Pid>,
    /// Print the result as one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// A controller by its name in the configuration.
fn controller(name: &str) -> Result<Controller, String> {
    let known = || Controller::CHOSEN.into_iter().map(|controller| controller.name(Version::V2));
    Controller::CHOSEN.into_iter().find(|controller| controller.name(Version::V2) == name).ok_or_else(|| {
        let names = known().collect::<Vec<_>>().join(", ");
        // As v1 calls it.
        let meant = if name == Controller::Io.name(Version::V1) { "io" } else { name };
        let hint = crate::wording::meant(meant, known()).map(|hint| format!("; {hint}")).unwrap_or_default();
        format!("expected one of {names}{hint}")
    })
}

/// The id of a process.
fn process(text: &str) -> Result<Pid, String> {
    let pid = text.parse().ok().and_then(Pid::new);
    pid.ok_or_else(|| "expected the id of a process, a number from 1".to_owned())
}
