//! Audit lines and commands that rules ask for, on their way out of the process.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use apportion_policy::{CommandLine, Facts, HookCall, HookPoint, HostFacts, Rule};
use apportion_reaction::{
    AuditLine, AuditLog, AuditSettings, Command, CommandError, CommandEvent, CommandPool, Ending,
    PoolSettings, Stream,
};
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::rules::Current;

/// The audit files and the commands of the rules in force.
pub(crate) struct Reactions {
    /// Knows what stands in the files that rules name, so that none of it gets out.
    current: Current,
    /// Whether anything is done at all.
    acts: bool,
    audits: Mutex<BTreeMap<String, AuditLog>>,
    commands: Mutex<Option<CommandPool>>,
}

impl fmt::Debug for Reactions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reactions").field("audits", &self.audits.lock().keys()).finish_non_exhaustive()
    }
}

impl Reactions {
    pub(crate) fn new(current: Current) -> Reactions {
        Reactions { current, acts: true, audits: Mutex::default(), commands: Mutex::default() }
    }

    /// Drops everything without a word.
    pub(crate) fn none(current: Current) -> Reactions {
        Reactions { acts: false, ..Reactions::new(current) }
    }

    /// Starts what rules need beside what is there.
    ///
    /// # Errors
    /// The system has no thread left; what was there stays, and nothing else is.
    pub(crate) fn start_for(&self, rules: &[Rule]) -> Result<(), String> {
        let mut missing = audit_files(rules);
        missing.retain(|file| !self.audits.lock().contains_key(*file));
        let mut started = BTreeMap::new();
        // Threads are started without a lock: calls of the host go on.
        for file in missing {
            let log = AuditLog::start(Path::new(file), &AuditSettings::default(), |notice| {
                tracing::warn!("{notice}");
            });
            started.insert(file.to_owned(), log.map_err(|error| error.to_string())?);
        }
        if has_commands(rules) && self.commands.lock().is_none() {
            let current = Arc::clone(&self.current);
            let pool =
                CommandPool::start(&PoolSettings::default(), move |rule, event| tell(&current, rule, &event));
            *self.commands.lock() = Some(pool.map_err(|error| error.to_string())?);
        }
        self.audits.lock().append(&mut started);
        Ok(())
    }

    /// Lets go of what rules do not need. Nothing waits: lines and commands that are queued are finished by their own
    /// threads.
    pub(crate) fn let_go_of_others(&self, rules: &[Rule]) {
        let wanted = audit_files(rules);
        let is_unwanted = |file: &String, _: &mut AuditLog| !wanted.contains(file.as_str());
        let unwanted: Vec<_> = self.audits.lock().extract_if(.., is_unwanted).collect();
        unwanted.into_iter().for_each(|(_, log)| log.detach());
        if !has_commands(rules) {
            let pool = self.commands.lock().take();
            pool.into_iter().for_each(CommandPool::detach);
        }
    }

    /// Queues what rules want done for an event; never waits.
    pub(crate) fn carry_out(
        &self,
        point: HookPoint,
        call: &HookCall,
        audits: Vec<apportion_policy::AuditLine>,
        commands: Vec<CommandLine>,
    ) {
        if !self.acts {
            return;
        }
        let host = &call.host;
        for audit in audits {
            let mut line = head(point, &audit.rule, &call.facts, host);
            for (name, value) in &audit.fields {
                line = line.text(name, &host.scrubbed(value));
            }
            let taken = self.audits.lock().get(&audit.file).map(|log| log.record(line));
            if taken.is_none() {
                tell_replaced(&audit.rule, "its audit line is not written");
            }
        }
        for command in commands {
            match prepared(point, call, &command) {
                Ok(prepared) => {
                    let fits = self.commands.lock().as_ref().map(|pool| pool.submit(prepared));
                    match fits {
                        Some(true) => {}
                        Some(false) => tracing::warn!(
                            "rule {:?}: too many commands wait, this one is not run",
                            command.rule
                        ),
                        None => tell_replaced(&command.rule, "its command is not run"),
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

/// The audit files of the rules that are not switched off.
fn audit_files(rules: &[Rule]) -> BTreeSet<&str> {
    let enabled = rules.iter().filter(|rule| rule.enabled);
    enabled.filter_map(|rule| Some(rule.audit.as_ref()?.file.as_str())).collect()
}

/// Whether a rule that is not switched off has a command.
fn has_commands(rules: &[Rule]) -> bool {
    rules.iter().any(|rule| rule.enabled && rule.command.is_some())
}

/// A rule decided for an event, and was replaced before its wish could be queued.
fn tell_replaced(rule: &str, what: &str) {
    tracing::warn!("rule {rule:?}: replaced while it decided, {what}");
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
fn tell(current: &Current, rule: &str, event: &CommandEvent<'_>) {
    let host = Arc::clone(&current.read().host);
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

#[cfg(test)]
mod tests {
    use std::fmt::Write;
    use std::fs;

    use apportion_config::{Config, HookConfig};
    use apportion_policy::Rulebook;
    use tracing::field::{Field, Visit};
    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Metadata, Subscriber};

    use super::*;
    use crate::rules::RulesInForce;

    const LONG: Duration = Duration::from_secs(60);

    /// Keeps the lines of the log.
    #[derive(Default, Clone)]
    struct Lines(Arc<Mutex<Vec<String>>>);

    impl Subscriber for Lines {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }

        fn event(&self, event: &Event<'_>) {
            let mut line = Line(String::new());
            event.record(&mut line);
            self.0.lock().push(line.0);
        }

        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }

        fn record(&self, _: &Id, _: &Record<'_>) {}
        fn record_follows_from(&self, _: &Id, _: &Id) {}
        fn enter(&self, _: &Id) {}
        fn exit(&self, _: &Id) {}
    }

    struct Line(String);

    impl Visit for Line {
        fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
            if field.name() == "message" {
                let _ = write!(self.0, "{value:?}");
            }
        }
    }

    /// What is logged meanwhile.
    fn logged(act: impl FnOnce()) -> Vec<String> {
        let lines = Lines::default();
        tracing::subscriber::with_default(lines.clone(), act);
        std::mem::take(&mut lines.0.lock())
    }

    fn config(text: &str) -> HookConfig {
        Config::from_text(text).expect("a good configuration").hook
    }

    /// An event that these rules have decided on is carried out.
    fn event(reactions: &Reactions, rules: &[Rule]) {
        let decided = Rulebook::new(rules.to_vec()).expect("good rules");
        let decided = decided.react(HookPoint::MasterSlaveLost, &HookCall::default());
        reactions.carry_out(
            HookPoint::MasterSlaveLost,
            &HookCall::default(),
            decided.audits,
            decided.commands,
        );
    }

    #[test]
    fn event_in_flight_is_carried_out_until_other_rules_are_in_force_and_then_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let audit = folder.path().join("audit");
        let before = config(&format!(
            "[[hook.rules]]\nname = \"write\"\naudit.file = {audit:?}\n\
             [[hook.rules]]\nname = \"run\"\nat = [\"agent_lost\"]\ncommand.argv = [\"/bin/true\"]\n"
        ));
        let after = config("[hook.labels]\nx = \"1\"\n");
        let rules = RulesInForce::new(&before, crate::Origin::Parameters).expect("rules in force");
        let reactions = &rules.reactions;

        reactions.start_for(&after.rules).expect("nothing to start");
        assert_eq!(logged(|| event(reactions, &before.rules)), [""; 0]);
        assert!(reactions.settle(LONG));
        assert_eq!(fs::read_to_string(&audit).expect("a line").lines().count(), 1);
        assert_eq!(reactions.report().1["succeeded"], 1);

        reactions.let_go_of_others(&after.rules);
        let told = logged(|| event(reactions, &before.rules));
        let expected = [
            "rule \"write\": replaced while it decided, its audit line is not written",
            "rule \"run\": replaced while it decided, its command is not run",
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn threads_of_commands_are_let_go_with_the_last_rule_that_has_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("apportion.toml");
        let rule = "[[hook.rules]]\nname = \"run\"\nat = [\"agent_lost\"]\ncommand.argv = [\"/bin/true\"]\n";
        fs::write(&file, rule).expect("a file");
        let config = Config::from_file(&file).expect("a good file").hook;
        let rules = RulesInForce::new(&config, crate::Origin::File(file.clone())).expect("rules in force");
        let has_pool = || rules.reactions.commands.lock().is_some();
        assert!(has_pool());
        fs::write(&file, format!("{rule}enabled = false\n")).expect("a file");
        rules.reload().expect("good rules");
        assert!(!has_pool());
        fs::write(&file, rule).expect("a file");
        rules.reload().expect("good rules");
        assert!(has_pool());
    }

    #[test]
    fn given_rules_drop_events_without_a_word() {
        let before = config("[[hook.rules]]\nname = \"write\"\naudit.file = \"/nowhere/audit\"\n");
        let rulebook = Rulebook::new(before.rules.clone()).expect("good rules");
        let rules = RulesInForce::given(rulebook, Arc::default());
        assert_eq!(logged(|| event(&rules.reactions, &before.rules)), [""; 0]);
    }
}
