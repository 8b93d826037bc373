//! The command line of `apportion lending` and its help.

use std::path::PathBuf;

use clap::{Args, Subcommand};

const CHECK_EXAMPLES: &str = "\
Examples:
  apportion lending check --config /etc/mesos/apportion.toml
  apportion lending check --config apportion.toml --role prod/web
  apportion lending check --config apportion.toml --role batch/night --json | jq .borrows.priority

Shows [lending] and [eviction] of a configuration as they are read, defaults included. For a role:
  what it lends, how much of it and to whom: by the first rule of [[lending.lenders]] that matches;
  whether it borrows, with which priority and weight: by the first of [[lending.borrowers]];
  its limits, and those of the roles that it is inside of: all of them count.
No Mesos is asked: whether there are such roles, and what idles, is not known here.

JSON (--json) is one object. Durations are in milliseconds, amounts in the unit of Mesos (memory and
disk in MiB), parts in thousandths; a bound is {amount} or {permille}:
  ok         true
  on         whether anything is lent
  findings   [text]: rules without effect, because an earlier one matches first or nobody borrows
Without --role:
  resources, fan_out, slice, min_idle_ms, back_off {conflicts, first_ms, most_ms}
  lenders    [{rule, roles, lend, to, part_permille}]; to: null for every borrower
  borrowers  [{rule, roles, priority, weight}]
  limits     [{role, lend, borrow}], by resource
  eviction   {grace_ms, grace_label, grace_most_ms, check_every_ms}
With --role:
  role       the role
  lends      one of `lenders` as above; null if no rule matches
  borrows    one of `borrowers` as above; null if no rule matches
  limits     as above, innermost first
With problems in the configuration it is {ok: false, file, problems}.

Exit codes: 0 fine, whether lending is on or off, 1 problems in the configuration, 2 wrong usage or
something unreadable.";

/// Arguments of `apportion lending`.
#[derive(Debug, Args)]
pub(crate) struct LendingArguments {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: LendingCommand,
}

/// The commands about lending.
#[derive(Debug, Subcommand)]
pub(crate) enum LendingCommand {
    /// Show the rules of lending, or what they mean for one role.
    #[command(after_help = CHECK_EXAMPLES)]
    Check(CheckArguments),
}

/// Arguments of `apportion lending check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    /// The configuration file with [lending].
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// Show what the rules mean for this role, such as prod/web.
    #[arg(long, value_parser = role)]
    pub(crate) role: Option<String>,
    /// Print the result as one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// The name of a role. Mesos says what else is none.
fn role(name: &str) -> Result<String, String> {
    if name.split('/').any(str::is_empty) {
        return Err(
            "expected a role such as prod/web, without empty parts between, before and behind slashes"
                .to_owned(),
        );
    }
    if name != "*" && name.contains('*') {
        return Err("expected one role such as prod/web, not a pattern".to_owned());
    }
    Ok(name.to_owned())
}
