//! The command line of `apportion hooks` and its help.

use std::path::PathBuf;

use apportion_policy::HookPoint;
use clap::{Args, Subcommand};

const TEST_EXAMPLES: &str = "\
Examples:
  apportion hooks test --config apportion.toml --task task.json
  apportion hooks test --config apportion.toml --task task.json --framework framework.json \\
      --agent agent.json --offer 'cpus:4;mem:8192;disk:1024'
  apportion hooks test --config apportion.toml --task task.json --at executor_environment --all
  apportion hooks test --config apportion.toml --task task.json --json \\
      | jq -e '.points[] | select(.at == \"agent_labels\").result.entries[] | select(.name == \"team\")'

The files are JSON as in Mesos' own API (TaskInfo, FrameworkInfo, ExecutorInfo, AgentInfo or SlaveInfo); a task as the
/state pages of a master or agent show it will do as well. A small task:
  {\"name\": \"web\", \"task_id\": {\"value\": \"web.1\"}, \"resources\": \"cpus:1;mem:512\",
   \"labels\": {\"labels\": [{\"key\": \"tier\", \"value\": \"front\"}]},
   \"command\": {\"value\": \"./run\", \"environment\": {\"variables\": [{\"name\": \"A\", \"value\": \"1\"}]}}}
What they do not say is filled in as a host would, and said at the top. Facts of the host, files that rules name and
variables of agent_environment are those of the machine this runs on; what stands in files is never shown.

Points in the order in which they are met:
  agent_resources, agent_attributes             the agent starts; only with --agent
  master_resources, master_labels               the master launches the task
  agent_labels, executor_environment            the agent runs it
  docker                                        only for a Docker container
  post_fetch, status_labels, executor_removed   the task runs and ends
  agent_lost                                    only with --agent
What a point makes of labels, resources and variables is what the next ones start from.

JSON (--json) is one object:
  ok, faults       whether no rule faulted, and how many did
  config, assumed  the configuration, and what was filled in
  points           [{at, method, rules, result, notes}]; only the points that are met
    rules          [{rule, verdict, why, changes, amounts, audit, commands, notes}]; only those that act at the point
      verdict      matched, not_matched, not_known_here, disabled, switched_off or fault; why: a list of sentences
      changes      [{name, kind, before, after}]; kind: added, changed or removed
      amounts      [{resource, before, wanted, after}]; numbers
      audit        [{file, fields}]; commands: [{argv, timeout_seconds}]
    result         after all rules: {entries: [{name, value, change}], removed: [name]},
                   {amounts: {name: number}}, or null for an event; change: same, added or changed
With mistakes in files it is {ok: false, documents: [{file, problems}]}, in the configuration {ok: false, problems}.

Exit codes: 0 fine, 1 problems in the configuration or a rule faults, 2 wrong usage or mistakes in the files.";

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  apportion hooks explain http://master.example:5050
  apportion hooks explain agent.example:5051 --principal ops --secret-file /root/ops.secret
  apportion hooks explain http://localhost:5051 --json | jq '.rules[] | select(.faults > 0)'
  apportion hooks explain http://localhost:5051 --watch 5

Shows each rule with the points where it acts, how often it did, how often something went wrong and what went wrong last;
whether the last reload took effect; files that cannot be read; audit lines and commands. --json prints the answer of
the master or agent as it is.

The master or agent must have loaded the hook module (--modules and --hooks=org_apportion_Hook), and its setting
hook.endpoint must not be off. Only http:// is spoken.

Exit codes: 0 answered, 1 the last reload failed or a rule is switched off, 2 wrong usage or no answer.";

const RELOAD_EXAMPLES: &str = "\
Examples:
  apportion hooks test --config /etc/mesos/apportion.toml --task task.json && apportion hooks reload http://localhost:5051
  apportion hooks reload master.example:5050 --principal ops --secret-file /root/ops.secret --json

Reads the rules again from the file that the modules were loaded with. Rules that were switched off after too many faults
get another chance. If the file has problems, the rules in force stay, and the reason is shown.

Exit codes: 0 the new rules are in force, 1 the old ones stay, 2 wrong usage or no answer.";

/// Arguments of `apportion hooks`.
#[derive(Debug, Args)]
pub(crate) struct HooksArguments {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: HooksCommand,
}

/// The commands about hook rules.
#[derive(Debug, Subcommand)]
pub(crate) enum HooksCommand {
    /// Show which rules match a task, why not, and what becomes of it, before anything is deployed.
    #[command(after_help = TEST_EXAMPLES)]
    Test(TestArguments),
    /// Show how the rules of a live master or agent fare.
    #[command(after_help = EXPLAIN_EXAMPLES)]
    Explain(ExplainArguments),
    /// Make a live master or agent read its rules again.
    #[command(after_help = RELOAD_EXAMPLES)]
    Reload(ReloadArguments),
}

/// Arguments of `apportion hooks test`.
#[derive(Debug, Args)]
pub(crate) struct TestArguments {
    /// The configuration with the rules.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// The task, a TaskInfo.
    #[arg(long, value_name = "FILE", required_unless_present_any = ["executor", "agent"])]
    pub(crate) task: Option<PathBuf>,
    /// Its framework, a FrameworkInfo.
    #[arg(long, value_name = "FILE")]
    pub(crate) framework: Option<PathBuf>,
    /// Its executor, an ExecutorInfo; without, that of the task or the one Mesos makes for a command task.
    #[arg(long, value_name = "FILE")]
    pub(crate) executor: Option<PathBuf>,
    /// The agent it runs on, an AgentInfo or SlaveInfo.
    #[arg(long, value_name = "FILE")]
    pub(crate) agent: Option<PathBuf>,
    /// The host it runs on: an object with `facts`, `environment` and `files`; without, this machine.
    #[arg(long, value_name = "FILE")]
    pub(crate) host: Option<PathBuf>,
    /// The whole offer the task is launched from, its own resources included, for example 'cpus:4;mem:2048'.
    #[arg(long, value_name = "RESOURCES", requires = "task")]
    pub(crate) offer: Option<String>,
    /// Show only this point; may be repeated. The ones before it are passed all the same.
    #[arg(long, value_name = "POINT", value_parser = point)]
    pub(crate) at: Vec<HookPoint>,
    /// Show only this rule; may be repeated. The others take effect all the same.
    #[arg(long, value_name = "NAME")]
    pub(crate) rule: Vec<String>,
    /// Show every rule that does not match with its reason, not only those that cannot be decided.
    #[arg(long, conflicts_with = "json")]
    pub(crate) all: bool,
    /// Print the result as one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Where a live master or agent is, and who asks.
#[derive(Debug, Args)]
pub(crate) struct LiveArguments {
    /// The master or agent: host and port, with or without `http://` before them.
    #[arg(value_name = "URL")]
    pub(crate) url: String,
    /// The principal to authenticate as.
    #[arg(long, requires = "secret_file")]
    pub(crate) principal: Option<String>,
    /// A file with the principal's secret alone in it: a command line can be read by everyone on the host.
    #[arg(long, value_name = "FILE", requires = "principal")]
    pub(crate) secret_file: Option<PathBuf>,
    /// Longest wait for an answer.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=600))]
    pub(crate) timeout: u16,
    /// Print the answer as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `apportion hooks explain`.
#[derive(Debug, Args)]
pub(crate) struct ExplainArguments {
    #[command(flatten)]
    pub(crate) live: LiveArguments,
    /// Ask again every so many seconds until interrupted.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u16).range(1..=3600))]
    pub(crate) watch: Option<u16>,
}

/// Arguments of `apportion hooks reload`.
#[derive(Debug, Args)]
pub(crate) struct ReloadArguments {
    #[command(flatten)]
    pub(crate) live: LiveArguments,
}

/// A point by its name in the configuration.
fn point(key: &str) -> Result<HookPoint, String> {
    HookPoint::parse(key).map_err(|fault| format!("expected {}", fault.expected))
}
