//! Audit lines and commands that rules ask for, on their way out of the process.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use apportion_policy::{CommandLine, Facts, HookCall, HookPoint, HostFacts, Rule};
use apportion_reaction::{
    AuditLine, AuditLog, AuditSettings, Command, CommandError, CommandEvent, CommandPool, Ending,
    PoolSettings, Stream,
};
use parking_lot::{Mutex, RwLock};
use serde_json::{Value, json};

/// What stands in the files that rules name, so that none of it gets out.
pub(crate) type Secrets = Arc<RwLock<Arc<HostFacts>>>;

/// The audit files and the commands of the rules in force.
pub(crate) struct Reactions {
    secrets: Secrets,
    audits: Mutex<BTreeMap<String, AuditLog>>,
    commands: Mutex<Option<CommandPool>>,
}

impl fmt::Debug for Reactions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reactions").field("audits", &self.audits.lock().keys()).finish_non_exhaustive()
    }
}

impl Reactions {
    pub(crate) fn new(secrets: Secrets) -> Reactions {
        Reactions { secrets, audits: Mutex::default(), commands: Mutex::default() }
    }

    /// Starts what the rules need and lets go of what they do not. Nothing waits: lines and commands that are queued
    /// are finished by their own threads.
    ///
    /// # Errors
    /// The system has no thread left; what was there stays.
    pub(crate) fn prepare(&self, rules: &[Rule]) -> Result<(), String> {
        let enabled = || rules.iter().filter(|rule| rule.enabled);
        let mut audits = self.audits.lock();
        let mut started = BTreeMap::new();
        for audit in enabled().filter_map(|rule| rule.audit.as_ref()) {
            if audits.contains_key(&audit.file) || started.contains_key(&audit.file) {
                continue;
            }
            let log = AuditLog::start(Path::new(&audit.file), &AuditSettings::default(), |notice| {
                tracing::warn!("{notice}");
            });
            started.insert(audit.file.clone(), log.map_err(|error| error.to_string())?);
        }
        let mut commands = self.commands.lock();
        if commands.is_none() && enabled().any(|rule| rule.command.is_some()) {
            let secrets = Arc::clone(&self.secrets);
            let pool =
                CommandPool::start(&PoolSettings::default(), move |rule, event| tell(&secrets, rule, &event));
            *commands = Some(pool.map_err(|error| error.to_string())?);
        }
        audits.append(&mut started);
        let wanted =
            |file: &String| enabled().filter_map(|rule| rule.audit.as_ref()).any(|audit| audit.file == *file);
        let unwanted: Vec<String> = audits.keys().filter(|file| !wanted(file)).cloned().collect();
        for file in unwanted {
            if let Some(log) = audits.remove(&file) {
                log.detach();
            }
        }
        Ok(())
    }

    /// Queues what rules want done for an event; never waits.
    pub(crate) fn carry_out(
        &self,
        point: HookPoint,
        call: &HookCall,
        audits: Vec<apportion_policy::AuditLine>,
        commands: Vec<CommandLine>,
    ) {
        let host = &call.host;
        for audit in audits {
            let mut line = head(point, &audit.rule, &call.facts, host);
            for (name, value) in &audit.fields {
                line = line.text(name, &host.scrubbed(value));
            }
            if let Some(log) = self.audits.lock().get(&audit.file) {
                log.record(line);
            }
        }
        for command in commands {
            match prepared(point, call, &command) {
                Ok(prepared) => {
                    let fits = self.commands.lock().as_ref().is_some_and(|pool| pool.submit(prepared));
                    if !fits {
                        tracing::warn!(
                            "rule {:?}: too many commands wait, this one is not run",
                            command.rule
                        );
                    }
                }
                Err(error) => tracing::warn!("{error}"),
            }
        }
    }

    /// Waits until everything asked for is done, at most so long: for tests and tools.
    pub(crate) fn settle(&self, within: Duration) -> bool {
        let written = self.audits.lock().values().all(|log| log.flush(within));
        written && self.commands.lock().as_ref().is_none_or(|pool| pool.wait_until_idle(within))
    }

    /// Numbers of the audit files and of the commands.
    pub(crate) fn report(&self) -> (Value, Value) {
        let audits = self.audits.lock();
        let audits = audits.iter().map(|(file, log)| {
            let counters = log.counters();
            json!({
                "file": file,
                "waiting": counters.queued,
                "written": counters.done,
                "lost": counters.lost_lines,
                "shortened": counters.shortened,
            })
        });
        let commands = self.commands.lock().as_ref().map(CommandPool::counters).unwrap_or_default();
        let commands = json!({
            "waiting": commands.queued,
            "running": commands.running,
            "succeeded": commands.done,
            "failed": commands.failed,
            "timed_out": commands.timed_out,
            "dropped": commands.dropped,
        });
        (audits.collect(), commands)
    }
}

/// A field that audit lines have of their own, or a variable that commands get.
#[derive(Debug, Clone, Copy)]
pub struct Told {
    /// Its name.
    pub name: &'static str,
    /// What it is, one line of Markdown.
    pub meaning: &'static str,
    of: fn(&Occasion<'_>) -> Option<String>,
}

/// What audit lines and commands are told of.
struct Occasion<'a> {
    point: HookPoint,
    rule: &'a str,
    facts: &'a Facts,
}

const fn told(name: &'static str, meaning: &'static str, of: fn(&Occasion<'_>) -> Option<String>) -> Told {
    Told { name, meaning, of }
}

/// The fields of every audit line, in their order; those that are not known are left out.
pub const AUDIT_FIELDS: [Told; 13] = [
    told("time", "when the line was recorded, RFC 3339 in UTC with milliseconds", |_| {
        Some(humantime::format_rfc3339_millis(SystemTime::now()).to_string())
    }),
    told("event", "key of the point", |occasion| Some(occasion.point.key().to_owned())),
    told("rule", "name of the rule", |occasion| Some(occasion.rule.to_owned())),
    told("framework_id", "`framework.id`", |occasion| occasion.facts.framework.as_ref()?.id.clone()),
    told("framework", "`framework.name`", |occasion| occasion.facts.framework.as_ref()?.name.clone()),
    told("role", "`framework.role`", |occasion| occasion.facts.framework.as_ref()?.role.clone()),
    told("principal", "`framework.principal`", |occasion| {
        occasion.facts.framework.as_ref()?.principal.clone()
    }),
    told("task_id", "`task.id`", |occasion| occasion.facts.task.as_ref()?.id.clone()),
    told("executor_id", "`executor.id`", |occasion| occasion.facts.executor.as_ref()?.id.clone()),
    told("agent_id", "`agent.id`", |occasion| occasion.facts.agent.as_ref()?.id.clone()),
    told("hostname", "`agent.hostname`", |occasion| occasion.facts.agent.as_ref()?.hostname.clone()),
    told("container_id", "`container.id`", |occasion| occasion.facts.container.as_ref()?.id.clone()),
    told("sandbox", "`container.directory`", |occasion| occasion.facts.container.as_ref()?.directory.clone()),
];

/// The variables of a command's environment; it has no others.
pub const COMMAND_VARIABLES: [Told; 2] = [
    told("APPORTION_EVENT", "key of the point", |occasion| Some(occasion.point.key().to_owned())),
    told("APPORTION_RULE", "name of the rule", |occasion| Some(occasion.rule.to_owned())),
];

/// The fields of every line, as far as they are known.
fn head(point: HookPoint, rule: &str, facts: &Facts, host: &HostFacts) -> AuditLine {
    let occasion = Occasion { point, rule, facts };
    let known = AUDIT_FIELDS.iter().filter_map(|field| Some((field.name, (field.of)(&occasion)?)));
    known.fold(AuditLine::new(), |line, (name, value)| {
        // The point and the rule's own name are the configuration's.
        let ours = ["time", "event", "rule"].contains(&name);
        if ours { line.text(name, &value) } else { line.text(name, &host.scrubbed(&value)) }
    })
}

/// What a command finds on its standard input: event, rule, and the facts under the names of templates, as far as they
/// are known; without anything that stands in files.
pub fn command_document(point: HookPoint, rule: &str, call: &HookCall) -> Value {
    let facts = serde_json::to_value(&call.facts).unwrap_or_default();
    let mut document = json!({ "event": point.key(), "rule": rule });
    if let (Value::Object(document), Value::Object(facts)) = (&mut document, facts) {
        document.extend(facts);
    }
    scrub(&mut document, &call.host);
    document
}

/// A command with what it is told: event and rule in its environment, the facts on its standard input.
fn prepared(point: HookPoint, call: &HookCall, line: &CommandLine) -> Result<Command, CommandError> {
    let argv: Vec<_> = line.argv.iter().map(|argument| call.host.scrubbed(argument)).collect();
    let occasion = Occasion { point, rule: &line.rule, facts: &call.facts };
    let mut command = Command::new(&line.rule, argv)?;
    for variable in &COMMAND_VARIABLES {
        if let Some(value) = (variable.of)(&occasion) {
            command = command.variable(variable.name, &value)?;
        }
    }
    let document = command_document(point, &line.rule, call);
    Ok(command.document(&document)?.timeout(Duration::from_secs(line.timeout_seconds.into())))
}

/// Takes what stands in files out of every text.
fn scrub(value: &mut Value, host: &HostFacts) {
    match value {
        Value::String(text) if host.is_secret(text) => *text = host.scrubbed(text).into_owned(),
        Value::Array(values) => values.iter_mut().for_each(|value| scrub(value, host)),
        Value::Object(fields) => fields.values_mut().for_each(|value| scrub(value, host)),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// What a command says and how it ends, in the host's log.
fn tell(secrets: &Secrets, rule: &str, event: &CommandEvent<'_>) {
    let host = Arc::clone(&secrets.read());
    match event {
        CommandEvent::Line { stream: Stream::Output, text } => {
            tracing::info!("rule {rule:?}: {}", host.scrubbed(text));
        }
        CommandEvent::Line { stream: Stream::Errors, text } => {
            tracing::warn!("rule {rule:?}: {}", host.scrubbed(text));
        }
        CommandEvent::Ended(report) => match &report.ending {
            Ending::Exited(0) => {}
            ending => tracing::warn!("rule {rule:?}: its command {ending} after {:.1?}", report.took),
        },
    }
}
