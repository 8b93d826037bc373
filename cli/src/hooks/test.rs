//! `apportion hooks test`.

use std::io::Write;
use std::sync::Arc;

use apportion_config::{Config, Problems};
use apportion_hook::Gatherer;
use apportion_policy::{HookPoint, Rulebook};
use apportion_wire::resource::ResourceParts;
use serde_json::{Value, json};

use super::arguments::TestArguments;
use super::document::{self, Mistakes};
use super::rehearsal::{Asked, Rehearsal};
use super::scenario::{self, Files, Scenario};
use super::{as_json, host_file, show};
use crate::output::{self, Failure};
use crate::{EXIT_PROBLEMS, EXIT_UNUSABLE};

/// Rehearses the rules; the exit code says how it went.
pub(super) fn run(arguments: &TestArguments) -> Result<u8, Failure> {
    let file = output::text_of(&arguments.config)?;
    let config = match Config::from_file(&arguments.config) {
        Ok(config) => config,
        Err(problems) => return refuse(arguments, file, &problems),
    };
    let scenario = match scenario::read(&files(arguments)) {
        Ok(scenario) => scenario,
        Err(mistakes) => return refuse_documents(arguments, &mistakes),
    };
    let offer = arguments.offer.as_deref().map(|text| offer(text, &scenario)).transpose()?;
    let unusable = |problem: String| Failure::Rehearsal(problem);
    let written = config.hook.rules_in_order();
    let rules = Rulebook::new(written.clone()).map_err(|refused| unusable(refused.to_string()))?;
    for wanted in &arguments.rule {
        if !written.iter().any(|rule| rule.name == *wanted) {
            let hint = document::meant(wanted, written.iter().map(|rule| rule.name.as_str()));
            let hint = hint.map(|hint| format!("; {hint}")).unwrap_or_default();
            return Err(unusable(format!("--rule: {file} has no rule {}{hint}", document::quoted(wanted))));
        }
    }
    let mut assumed = scenario.assumed.clone();
    let host = match &arguments.host {
        Some(file) => match host_file::read(file, &config.hook.agent_environment, &rules) {
            Ok(host) => host,
            Err(mistakes) => return refuse_documents(arguments, &[mistakes]),
        },
        None => {
            assumed.push("host: facts, files and variables are those of this machine (--host)".to_owned());
            Gatherer::new().gather(&config.hook.agent_environment, &rules)
        }
    };
    let host = Arc::new(host);
    let rehearsal = Rehearsal { rules: &rules, written: &written, host, offer, scenario };
    let mut asked = rehearsal.run().map_err(|error| unusable(error.to_string()))?;
    for point in &arguments.at {
        if !asked.iter().any(|asked| asked.point == *point) {
            return Err(unusable(not_met(*point)));
        }
    }
    let faults: usize = asked.iter().map(Asked::faults).sum();
    asked.retain(|asked| arguments.at.is_empty() || arguments.at.contains(&asked.point));
    let mut out = anstream::stdout().lock();
    if arguments.json {
        let points: Vec<Value> = asked.iter().map(|asked| as_json::point(asked, &arguments.rule)).collect();
        let document = json!({ "ok": faults == 0, "faults": faults, "config": file, "assumed": assumed, "points": points });
        writeln!(out, "{document:#}")?;
    } else {
        show::assumed(&mut out, &assumed)?;
        for asked in &asked {
            show::point(&mut out, asked, show::Shown { rules: &arguments.rule, all: arguments.all })?;
        }
        if faults > 0 {
            let noun = if faults == 1 { "fault" } else { "faults" };
            output::error(&format!("{faults} {noun}: a rule that faults does nothing at that point"));
        }
    }
    out.flush()?;
    Ok(if faults == 0 { 0 } else { EXIT_PROBLEMS })
}

fn files(arguments: &TestArguments) -> Files<'_> {
    let TestArguments { task, framework, executor, agent, .. } = arguments;
    Files {
        task: task.as_ref(),
        framework: framework.as_ref(),
        executor: executor.as_ref(),
        agent: agent.as_ref(),
    }
}

/// The offer, allocated to the role of the task as an offer is.
fn offer(text: &str, scenario: &Scenario) -> Result<Vec<ResourceParts>, Failure> {
    let read = apportion_wire::text::read(text, "*");
    let mut offer = read.map_err(|error| Failure::Rehearsal(format!("--offer: {error}")))?;
    let role = scenario.role.clone();
    for resource in &mut offer {
        resource.allocation_role.get_or_insert_with(|| role.clone());
    }
    Ok(offer)
}

/// Why a point is not met.
fn not_met(point: HookPoint) -> String {
    let key = point.key();
    let why = match point {
        HookPoint::SlaveResources | HookPoint::SlaveAttributes | HookPoint::MasterSlaveLost => {
            "it is met with --agent".to_owned()
        }
        HookPoint::SlavePreLaunchDockerTaskExecutor => {
            "it is met by a task or executor with a container of the type DOCKER".to_owned()
        }
        HookPoint::SlaveExecutorEnvironment | HookPoint::SlavePostFetch | HookPoint::SlaveRemoveExecutor => {
            "it is met with --task or --executor".to_owned()
        }
        _ => "it is met with --task".to_owned(),
    };
    format!("--at {key}: nothing given here meets this point; {why}")
}

/// Shows what is wrong with the configuration, as `check` does.
fn refuse(arguments: &TestArguments, file: &str, problems: &Problems) -> Result<u8, Failure> {
    let mut out = anstream::stdout().lock();
    if arguments.json {
        let described: Vec<_> = problems.into_iter().collect();
        let document = json!({ "ok": false, "config": file, "count": problems.len(), "problems": described });
        writeln!(out, "{document:#}")?;
    } else {
        output::problems(&mut out, problems)?;
    }
    out.flush()?;
    Ok(if problems.is_unreadable() { EXIT_UNUSABLE } else { EXIT_PROBLEMS })
}

/// Shows what is wrong with the other files.
fn refuse_documents(arguments: &TestArguments, mistakes: &[Mistakes]) -> Result<u8, Failure> {
    if arguments.json {
        let documents: Vec<Value> = mistakes.iter().map(Mistakes::as_json).collect();
        let mut out = anstream::stdout().lock();
        writeln!(out, "{:#}", json!({ "ok": false, "documents": documents }))?;
        out.flush()?;
    } else {
        let mut err = anstream::stderr().lock();
        for all in mistakes {
            show::mistakes(&mut err, all)?;
        }
    }
    Ok(EXIT_UNUSABLE)
}
