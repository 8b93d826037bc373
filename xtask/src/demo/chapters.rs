//! The chapters of the account, in their order: each looks at the running cluster, tells what it sees and checks it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use apportion_rig::RigError;
use serde_json::Value;

use super::account::{ASIDE, Account, NAME, styled};
use super::cluster::{Cluster, Member, OPEN_FILES_HARD, OPEN_FILES_SOFT, QOS_CONTROLLER, WEIGHTS};
use super::explanation::{module_text, percent};
use super::fairness::{self, RoleUse};
use super::inspection::{self, Expected, Output, Record};
use super::interruption::Interruption;
use super::report::{Check, Report};
use super::table::{self, Side};
use super::tenants::{Filled, INSPECTED, TASK_CPUS, Tenants};
use crate::Failure;

const OUTPUT_LIMIT: Duration = Duration::from_secs(15);
const LOOK: Duration = Duration::from_millis(50);
/// What the kernel appends to a file's name when another file has taken it, as a new build does.
const REPLACED: &str = " (deleted)";

/// Tells everything from the loaded modules to the inspected task.
///
/// # Errors
/// When the cluster breaks, or the demo was asked to stop. Facts that are not as they should be are no errors but failed
/// checks of the report.
pub(super) fn tell(
    cluster: &Cluster,
    library: &Path,
    tenants: &mut Tenants,
    offers_shown: usize,
    account: &mut Account,
    interruption: &Interruption,
    report: &mut Report,
) -> Result<(), Failure> {
    tell_agents(cluster, account, report)?;
    account.chapter("What was loaded");
    tell_modules(cluster, library, account, report)?;
    interruption.check()?;

    account.chapter("Who is offered what, and why");
    account.line(
        "  First in line is the role that holds least for its weight; in it, the framework with the least.",
    );
    account.line(
        "  What is on offer counts as held. Each framework runs one task per offer and gives back the rest.",
    );
    tenants.subscribe(cluster)?;
    let filled = tenants.fill(cluster, offers_shown, account, interruption)?;
    tell_offers(&filled, offers_shown, account, report);
    report.offers = filled.offers;
    interruption.check()?;

    account.chapter("Fairness");
    tell_fairness(cluster, tenants, account, report)?;
    interruption.check()?;

    account.chapter("What hook and isolator changed in a task");
    tell_task(cluster, tenants, account, interruption, report)
}

fn tell_agents(cluster: &Cluster, account: &mut Account, report: &mut Report) -> Result<(), Failure> {
    let columns = [
        ("agent", Side::Left),
        ("cpus", Side::Right),
        ("memory", Side::Right),
        ("disk", Side::Right),
        ("attributes", Side::Left),
    ];
    let state = cluster.master().get_json("/slaves")?;
    let listed = state["slaves"].as_array().cloned().unwrap_or_default();
    let rows: Vec<Vec<String>> = cluster
        .members()
        .iter()
        .filter_map(|member| listed.iter().find(|entry| entry["id"] == member.id.as_str()))
        .map(agent_row)
        .collect();
    for line in table::lines(&columns, &rows) {
        account.line(format_args!("    {line}"));
    }
    let as_planned = cluster.members().iter().all(|member| {
        let entry = listed.iter().find(|entry| entry["id"] == member.id.as_str());
        entry.is_some_and(|entry| is_as_planned(entry, member))
    });
    report.check(
        account,
        as_planned && listed.len() == cluster.members().len(),
        "the master lists the three agents with their resources and attributes",
    );
    let weights = cluster.weights()?;
    let wanted: BTreeMap<String, f64> =
        WEIGHTS.iter().map(|&(role, weight)| (role.to_owned(), weight)).collect();
    let words: Vec<String> = weights.iter().map(|(role, weight)| format!("{role} {weight}")).collect();
    report.check(account, weights == wanted, format!("the master has the weights: {}", words.join(", ")));
    Ok(())
}

fn agent_row(entry: &Value) -> Vec<String> {
    let resources = &entry["resources"];
    let gigabytes = |name: &str| format!("{:.1} GB", resources[name].as_f64().unwrap_or(0.0) / 1024.0);
    let attributes = entry["attributes"].as_object().into_iter().flatten();
    let attributes: Vec<String> =
        attributes.map(|(name, value)| format!("{name}:{}", value.as_str().unwrap_or("?"))).collect();
    vec![
        entry["hostname"].as_str().unwrap_or("?").to_owned(),
        resources["cpus"].to_string().trim_end_matches(".0").to_owned(),
        gigabytes("mem"),
        gigabytes("disk"),
        attributes.join(" "),
    ]
}

/// Whether the master's entry for an agent is what the agent was started with.
fn is_as_planned(entry: &Value, member: &Member) -> bool {
    let (resources, attributes, plan) = (&entry["resources"], &entry["attributes"], member.plan);
    resources["cpus"].as_f64() == Some(f64::from(plan.cpus))
        && resources["mem"].as_f64() == Some(f64::from(plan.mem_mb))
        && resources["disk"].as_f64() == Some(f64::from(plan.disk_mb))
        && attributes["rack"] == plan.rack
        && attributes["zone"] == plan.zone
        && attributes["disk"] == plan.disk
        && entry["active"] == true
}

fn tell_modules(
    cluster: &Cluster,
    library: &Path,
    account: &mut Account,
    report: &mut Report,
) -> Result<(), Failure> {
    let master = cluster.master();
    let master_said = said(&master.log(), &["allocator initialized", "hook: "]);
    let loaded = is_mapped(master.process_id(), library);
    report.check(account, loaded && master_said.len() == 2, "the master runs our allocator and our hook");
    for line in master_said {
        account.aside(format_args!("its log: {line}"));
    }
    let mut good = true;
    let mut agent_said = Vec::new();
    for member in cluster.members() {
        let lines = said(&member.agent.log(), &["hook: ", "isolator: "]);
        let flags = member.agent.get_json("/slave(1)/flags")?;
        good &= lines.len() >= 2
            && is_mapped(member.agent.process_id(), library)
            && flags["flags"]["qos_controller"] == QOS_CONTROLLER;
        agent_said = lines;
    }
    report.check(account, good, "every agent runs our hook, our isolator and our QoS controller");
    for line in agent_said {
        account.aside(format_args!("their logs: {line}"));
    }
    Ok(())
}

/// What modules said in a log, beginning with one of `starts`; each of these once.
fn said(log: &str, starts: &[&str]) -> Vec<String> {
    let first = |start: &&str| log.lines().filter_map(module_text).find(|text| text.starts_with(start));
    starts.iter().filter_map(first).map(str::to_owned).collect()
}

/// Whether a process has the library in its memory.
fn is_mapped(process: Option<i32>, library: &Path) -> bool {
    let path = library.canonicalize().unwrap_or_else(|_| library.to_owned());
    let maps = process.and_then(|id| fs::read_to_string(format!("/proc/{id}/maps")).ok());
    maps.is_some_and(|maps| {
        maps.lines().any(|line| line.trim_end_matches(REPLACED).ends_with(&*path.to_string_lossy()))
    })
}

fn tell_offers(filled: &Filled, shown: usize, account: &mut Account, report: &mut Report) {
    let offers = filled.offers.len();
    if offers > shown {
        account.aside(format_args!("… and {} more; --every-offer tells them all", offers - shown));
    }
    let arrived = if filled.not_arrived == 0 { "" } else { ", but some did not arrive" };
    report.check(
        account,
        filled.unexplained == 0 && filled.not_arrived == 0 && offers > 0,
        format!(
            "{offers} of {} offers that arrived are explained in the master's log{arrived}",
            offers + filled.unexplained
        ),
    );
    let first = filled.offers.iter().filter(|offer| offer.reason.is_first_in_line()).count();
    report.check(
        account,
        first == offers,
        format!("{first} of {offers} went to the role, and in it to the framework, that stood first in line"),
    );
    let double = filled.double_offers;
    let what = match double {
        0 => "nothing was offered twice: used and offered never exceeded an agent".to_owned(),
        _ => format!("{double} times more was used and offered than an agent has"),
    };
    report.check(account, double == 0, what);
}

fn tell_fairness(
    cluster: &Cluster,
    tenants: &Tenants,
    account: &mut Account,
    report: &mut Report,
) -> Result<(), Failure> {
    let roles = cluster.master().get_json("/roles")?;
    let uses: Vec<RoleUse> = WEIGHTS.iter().map(|&(role, _)| role_use(&roles, role, tenants)).collect();
    let shares = fairness::shares(&uses, cluster.cpus());
    for line in fairness::table(&shares) {
        account.line(format_args!("    {line}"));
    }
    let task = fairness::task_permille(TASK_CPUS, cluster.cpus());
    report.check(
        account,
        fairness::is_fair(&shares, task),
        format!(
            "each role's share in the master's books is within one task ({}) of its weight",
            percent(task)
        ),
    );
    report.check(
        account,
        fairness::is_even_inside(&shares),
        "the frameworks of a role are within one task of each other",
    );
    let running = cluster.master().get_json("/metrics/snapshot")?["master/tasks_running"].as_f64();
    let launched = tenants.task_count();
    let all = running.is_some() && running == u32::try_from(launched).ok().map(f64::from);
    report.check(account, all, format!("the cluster is full: all {launched} tasks run"));
    report.roles = shares;
    Ok(())
}

/// What the master's list of roles says of one.
fn role_use(roles: &Value, role: &str, tenants: &Tenants) -> RoleUse {
    let mut listed = roles["roles"].as_array().into_iter().flatten();
    let entry = listed.find(|entry| entry["name"] == role).cloned().unwrap_or_default();
    let tasks = tenants.tasks_by_framework().into_iter().filter(|(of, _)| *of == role);
    RoleUse {
        role: role.to_owned(),
        weight: entry["weight"].as_f64().unwrap_or(0.0),
        cpus: entry["resources"]["cpus"].as_f64().unwrap_or(0.0),
        tasks: tasks.map(|(_, tasks)| tasks).collect(),
    }
}

fn tell_task(
    cluster: &Cluster,
    tenants: &Tenants,
    account: &mut Account,
    interruption: &Interruption,
    report: &mut Report,
) -> Result<(), Failure> {
    let Some((framework_id, task, agent_id, role)) = tenants.inspected() else {
        return Err(Failure::new(format!("framework {INSPECTED} has no task to look at")));
    };
    let member = cluster
        .member(agent_id)
        .ok_or_else(|| Failure::new(format!("task {task} runs on the unknown agent {agent_id}")))?;
    let output = wait_for_output(member, framework_id, task, interruption)?;
    let state = member.agent.state()?;
    let record = Record::find(&state, framework_id, task)
        .ok_or_else(|| Failure::new(format!("agent {} does not list task {task}", member.plan.name)))?;
    account.line(format_args!(
        "  Task {} of framework {} printed this itself; its labels are from the state of agent {}.",
        styled(NAME, task),
        styled(NAME, INSPECTED),
        styled(NAME, member.plan.name)
    ));
    let expected = Expected {
        role,
        framework: INSPECTED,
        task,
        rack: member.plan.rack,
        zone: member.plan.zone,
        open_files: (OPEN_FILES_SOFT, OPEN_FILES_HARD),
    };
    let findings = inspection::findings(&output, &record, &expected);
    let width = findings.iter().map(|finding| finding.text.chars().count()).max().unwrap_or(0);
    for finding in findings {
        let by = styled(ASIDE, finding.by);
        account.tick(finding.passed, format_args!("{:<width$}  {by}", finding.text));
        report.checks.push(Check { what: finding.text, passed: finding.passed });
    }
    Ok(())
}

fn wait_for_output(
    member: &Member,
    framework_id: &str,
    task: &str,
    interruption: &Interruption,
) -> Result<Output, Failure> {
    let started = Instant::now();
    loop {
        let text = stdout_of(member, framework_id, task)?;
        if let Some(output) = Output::parse(&text) {
            return Ok(output);
        }
        interruption.check()?;
        if started.elapsed() > OUTPUT_LIMIT {
            return Err(Failure::new(format!(
                "task {task} did not finish its output in {} s; so far it is:\n{text}",
                OUTPUT_LIMIT.as_secs()
            )));
        }
        thread::sleep(LOOK);
    }
}

/// What a task has printed; nothing when the file is not there yet.
fn stdout_of(member: &Member, framework_id: &str, task: &str) -> Result<String, RigError> {
    let file = member.agent.sandbox(framework_id, task)?.join("stdout");
    Ok(String::from_utf8_lossy(&fs::read(file).unwrap_or_default()).into_owned())
}

/// Copies logs, settings and the inspected task's output.
///
/// # Errors
/// When a file cannot be written.
pub(super) fn keep_logs(
    cluster: &Cluster,
    tenants: &Tenants,
    folder: &Path,
    account: &mut Account,
) -> Result<(), Failure> {
    cluster.keep(folder)?;
    if let Some((framework_id, task, agent_id, _)) = tenants.inspected()
        && let Some(member) = cluster.member(agent_id)
        && let Ok(text) = stdout_of(member, framework_id, task)
    {
        let path = folder.join(format!("{task}.stdout"));
        fs::write(&path, text)
            .map_err(|error| Failure::new(format!("cannot keep {}: {error}", path.display())))?;
    }
    account.line("");
    account.line(format_args!("Logs and settings are kept in {}", folder.display()));
    Ok(())
}

/// Where to look while the cluster is up.
pub(super) fn tell_addresses(cluster: &Cluster, account: &mut Account) {
    account.chapter("The cluster is up: look around, Ctrl-C stops it");
    let master = cluster.master().address();
    let pages = [
        ("agents, frameworks, tasks", "/state"),
        ("roles: weights and shares", "/roles"),
        ("metrics", "/metrics/snapshot"),
    ];
    for (what, path) in pages {
        account.line(format_args!("  {what:<26} http://{master}{path}"));
    }
    for member in cluster.members() {
        let what = format!("agent {}", member.plan.name);
        account.line(format_args!("  {what:<26} http://{}/slave(1)/state", member.agent.address()));
    }
    account.line(format_args!("  {:<26} {}", "the modules' settings", cluster.settings_file().display()));
    account.line(format_args!(
        "  {:<26} {}",
        "the master's log",
        cluster.master().folder().join("log").display()
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_modules_are_found_in_a_log() {
        let log = "I1121 03:29:31.1 1 main.cpp:1] hook: not ours\n\
            I1121 03:29:31.2 1 hook.rs:32] apportion: hook: 3 environment rules, 2 label rules\n\
            I1121 03:29:31.3 1 hook.rs:32] apportion: hook: 9 environment rules\n";
        assert_eq!(said(log, &["hook: ", "isolator: "]), ["hook: 3 environment rules, 2 label rules"]);
    }

    #[test]
    fn own_program_is_mapped_and_another_file_is_not() {
        let own = std::env::current_exe().unwrap();
        let id = Some(std::process::id().cast_signed());
        assert!(is_mapped(id, &own));
        assert!(!is_mapped(id, Path::new("/nowhere/libapportion.so")));
        assert!(!is_mapped(None, &own));
    }
}
