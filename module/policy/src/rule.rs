//! A rule as the configuration says it, and what makes one wrong.

use crate::action::{
    AgentActions, AuditAction, CommandAction, EnvironmentActions, Joined, LabelActions, TaskResourceActions,
};
use crate::condition::{CONDITION_DEPTH_MAX, Condition};
use crate::guard::{UNSAFE_VARIABLES, is_unsafe_variable};
use crate::parse_fault::{ParseFault, quoted};
use crate::point::{Effect, HookPoint};
use crate::value_source::ValueSource;

/// Longest name of a rule, in bytes.
pub const RULE_NAME_BYTES_MAX: usize = 100;

/// Longest name of a variable, label, attribute or resource, in bytes.
pub const NAME_BYTES_MAX: usize = 256;

/// A rule: where it acts, when, and what it does. Plain data; [`Rule::problems`] says what is wrong with it.
///
/// ```
/// use apportion_policy::{HookPoint, LabelActions, Rule, ValueSource};
///
/// let facts = HookPoint::facts_at(&[HookPoint::MasterLaunchTaskLabels]);
/// let team = ("team".to_owned(), ValueSource::parse("{{ framework.role }}", &facts)?);
/// let labels = LabelActions { set: vec![team], ..LabelActions::default() };
/// let rule = Rule { labels, ..Rule::named("team from role") };
/// assert_eq!(rule.points(), [HookPoint::MasterLaunchTaskLabels, HookPoint::SlaveRunTaskLabels]);
/// assert!(rule.problems().is_empty());
/// # Ok::<(), apportion_policy::TemplateFault>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its name, unique among the rules.
    pub name: String,
    /// Where it acts; `None`: wherever one of its actions can take effect.
    pub at: Option<Vec<HookPoint>>,
    /// Whether it acts at all.
    pub enabled: bool,
    /// Whether it may touch [`UNSAFE_VARIABLES`].
    pub unsafe_env: bool,
    /// When it acts.
    pub condition: Condition,
    /// What it does with environment variables.
    pub environment: EnvironmentActions,
    /// What it does with labels of a task.
    pub labels: LabelActions,
    /// What it does with resources of a task.
    pub task_resources: TaskResourceActions,
    /// What it does with an agent.
    pub agent: AgentActions,
    /// What it does with labels of a status update.
    pub status_labels: LabelActions,
    /// The line it writes for an event.
    pub audit: Option<AuditAction>,
    /// The program it starts for an event.
    pub command: Option<CommandAction>,
}

/// What is wrong with a rule, and where in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {fault}")]
pub struct RuleProblem {
    /// Path of keys below the rule, for example `environment.set.PATH`, or `name`.
    pub place: String,
    /// What was found and what is expected.
    pub fault: ParseFault,
}

impl Rule {
    /// A rule of this name that always applies and does nothing yet.
    pub fn named(name: &str) -> Rule {
        Rule {
            name: name.to_owned(),
            at: None,
            enabled: true,
            unsafe_env: false,
            condition: Condition::default(),
            environment: EnvironmentActions::default(),
            labels: LabelActions::default(),
            task_resources: TaskResourceActions::default(),
            agent: AgentActions::default(),
            status_labels: LabelActions::default(),
            audit: None,
            command: None,
        }
    }

    /// Whether one of its actions can take effect at the point.
    pub fn acts_at(&self, point: HookPoint) -> bool {
        match point.effect() {
            Effect::Environment => !self.environment.is_empty(),
            Effect::Labels => !self.labels.is_empty(),
            Effect::TaskResources => !self.task_resources.is_empty(),
            Effect::AgentAttributes => !self.agent.attributes.is_empty(),
            Effect::AgentResources => !self.agent.reserve.is_empty(),
            Effect::StatusLabels => !self.status_labels.is_empty(),
            Effect::Reaction => self.audit.is_some() || self.command.is_some(),
            Effect::Launch => false,
        }
    }

    /// The points where it acts, in the order in which a task meets them.
    pub fn points(&self) -> Vec<HookPoint> {
        let listed = |point: &HookPoint| self.at.as_ref().is_none_or(|at| at.contains(point));
        HookPoint::HOOKS.into_iter().filter(|point| listed(point) && self.acts_at(*point)).collect()
    }

    /// Values of all its actions.
    fn values(&self) -> impl Iterator<Item = &ValueSource> {
        let (environment, labels, status) = (&self.environment, &self.labels, &self.status_labels);
        let audit = self.audit.iter().map(|audit| &audit.fields);
        let assigned = [
            &environment.set,
            &environment.default,
            &labels.set,
            &labels.default,
            &status.set,
            &status.default,
            &self.agent.attributes,
        ];
        let assigned = assigned.into_iter().chain(audit).flatten().map(|(_, value)| value);
        let joined = [&environment.prepend, &environment.append];
        let joined = joined.into_iter().flatten().map(|(_, joined)| &joined.value);
        assigned.chain(joined).chain(self.command.iter().flat_map(|command| &command.argv))
    }

    /// Whether a value is made of what rules change: of variables, or labels of the task.
    pub(crate) fn reads_entries(&self) -> bool {
        self.values().any(|value| match value {
            ValueSource::Template(template) => {
                template.roots().iter().any(|root| ["env", "task"].contains(root))
            }
            ValueSource::File(_) => false,
        })
    }

    /// Paths of the files whose contents it names.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.values().filter_map(ValueSource::file)
    }

    /// What is wrong with the rule; empty for a good one.
    pub fn problems(&self) -> Vec<RuleProblem> {
        let mut problems = Problems::default();
        self.check_head(&mut problems);
        self.check_names(&mut problems);
        self.check_amounts(&mut problems);
        self.check_reactions(&mut problems);
        problems.0
    }

    fn check_head(&self, problems: &mut Problems) {
        if self.name.is_empty() || self.name.len() > RULE_NAME_BYTES_MAX {
            let found = format!("a name of {} bytes", self.name.len());
            problems.add("name", found, format!("1 to {RULE_NAME_BYTES_MAX} bytes"));
        }
        if self.name.contains(char::is_control) {
            problems.add("name", "a control character in the name", "a name without control characters");
        }
        if self.condition.depth() > CONDITION_DEPTH_MAX + 1 {
            let found = format!("conditions {} deep within each other", self.condition.depth() - 1);
            problems.add("match", found, format!("at most {CONDITION_DEPTH_MAX}"));
        }
        for point in self.at.iter().flatten() {
            if !self.acts_at(*point) {
                let needed = needed_at(*point);
                problems.add(
                    "at",
                    format!("the point `{}`, where no action of this rule takes effect", point.key()),
                    format!("an action that does ({needed}), or not this point"),
                );
            }
        }
        if self.at.as_ref().is_some_and(Vec::is_empty) {
            problems.add("at", "no point", "at least one, or no `at`");
        }
        if self.at.is_none() && self.points().is_empty() {
            let sections = "environment, labels, task_resources, agent, status_labels, audit or command";
            problems.add("", "a rule without an action", format!("at least one of {sections}"));
        }
    }

    fn check_names(&self, problems: &mut Problems) {
        let environment = &self.environment;
        let assigned = |(name, _): &(String, ValueSource)| name.clone();
        let joined = |(name, _): &(String, Joined)| name.clone();
        let touched: [(&str, Vec<String>); 4] = [
            ("set", environment.set.iter().map(assigned).collect()),
            ("default", environment.default.iter().map(assigned).collect()),
            ("prepend", environment.prepend.iter().map(joined).collect()),
            ("append", environment.append.iter().map(joined).collect()),
        ];
        for (key, names) in touched {
            for name in names {
                self.check_variable(&format!("environment.{key}.{name}"), &name, problems);
            }
        }
        for (old, new) in &environment.rename {
            let place = format!("environment.rename.{old}");
            self.check_variable(&place, old, problems);
            self.check_variable(&place, new, problems);
        }
        for pattern in &environment.unset {
            if let Some(name) = pattern.literal() {
                self.check_variable("environment.unset", name, problems);
            } else if !self.unsafe_env && aims_at_unsafe(pattern) {
                problems.unsafe_variable("environment.unset", pattern.source());
            }
        }
        for (section, actions) in [("labels", &self.labels), ("status_labels", &self.status_labels)] {
            for (key, list) in [("set", &actions.set), ("default", &actions.default)] {
                for (name, _) in list {
                    problems.check_name(&format!("{section}.{key}.{name}"), name, "the key of a label");
                }
            }
        }
        for (name, _) in &self.agent.attributes {
            problems.check_name(&format!("agent.attributes.{name}"), name, "the name of an attribute");
        }
    }

    fn check_variable(&self, place: &str, name: &str, problems: &mut Problems) {
        problems.check_name(place, name, "the name of a variable");
        if name.contains('=') || name.contains(char::is_whitespace) {
            let found = format!("`=` or white space in the name of a variable, {}", quoted(name));
            problems.add(place, found, "a name without");
        }
        if !self.unsafe_env && is_unsafe_variable(name) {
            problems.unsafe_variable(place, name);
        }
    }

    fn check_amounts(&self, problems: &mut Problems) {
        let task = &self.task_resources;
        let lists = [
            ("default", &task.default),
            ("minimum", &task.minimum),
            ("round", &task.round),
            ("maximum", &task.maximum),
        ];
        for (key, list) in lists {
            for (name, amount) in list {
                let place = format!("task_resources.{key}.{name}");
                problems.check_resource(&place, name);
                if amount.is_zero() && key != "minimum" {
                    problems.add(&place, "0", "an amount above 0");
                }
            }
        }
        for (name, minimum) in &task.minimum {
            let above = task.maximum.iter().find(|(other, maximum)| other == name && maximum < minimum);
            if let Some((_, maximum)) = above {
                let place = format!("task_resources.minimum.{name}");
                problems.add(&place, minimum.to_string(), format!("at most the maximum, {maximum}"));
            }
        }
        for (name, _) in &self.agent.reserve {
            problems.check_resource(&format!("agent.reserve.{name}"), name);
        }
    }

    fn check_reactions(&self, problems: &mut Problems) {
        if let Some(audit) = &self.audit {
            if !audit.file.starts_with('/') || audit.file.contains('\0') {
                problems.add(
                    "audit.file",
                    quoted(&audit.file),
                    "an absolute path, such as /var/log/mesos/audit.jsonl",
                );
            }
            for (name, value) in &audit.fields {
                let place = format!("audit.fields.{name}");
                problems.check_name(&place, name, "the name of a field");
                problems.check_shown(&place, value);
            }
        }
        if let Some(command) = &self.command {
            let program = command.argv.first().map(ToString::to_string).unwrap_or_default();
            if !program.starts_with('/') || program.contains("{{") {
                problems.add(
                    "command.argv",
                    quoted(&program),
                    "the absolute path of a program first, no template",
                );
            }
            for value in &command.argv {
                problems.check_shown("command.argv", value);
            }
            if command.timeout_seconds == 0 {
                problems.add("command.timeout_seconds", "0", "at least 1");
            }
        }
    }
}

/// What a rule needs to act at a point.
fn needed_at(point: HookPoint) -> &'static str {
    match point.effect() {
        Effect::Environment => "environment",
        Effect::Labels => "labels",
        Effect::TaskResources => "task_resources",
        Effect::AgentAttributes => "agent.attributes",
        Effect::AgentResources => "agent.reserve",
        Effect::StatusLabels => "status_labels",
        Effect::Reaction => "audit or command",
        Effect::Launch => "none of a hook rule",
    }
}

/// Whether a pattern matches a name of the list, or one that is made of a listed beginning.
fn aims_at_unsafe(pattern: &crate::pattern::Pattern) -> bool {
    const EXAMPLES: [&str; 3] = ["LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT"];
    let begins_so = UNSAFE_VARIABLES.iter().filter_map(|listed| listed.strip_suffix('*'));
    EXAMPLES.iter().any(|name| pattern.matches(name))
        || UNSAFE_VARIABLES.iter().any(|listed| !listed.ends_with('*') && pattern.matches(listed))
        || begins_so.into_iter().any(|beginning| pattern.source().starts_with(beginning))
}

/// Problems as they are found.
#[derive(Default)]
struct Problems(Vec<RuleProblem>);

impl Problems {
    fn add(&mut self, place: &str, found: impl Into<String>, expected: impl Into<String>) {
        self.0.push(RuleProblem { place: place.to_owned(), fault: ParseFault::new(found, expected) });
    }

    fn unsafe_variable(&mut self, place: &str, name: &str) {
        let found = format!("{}, which decides what code a process runs", quoted(name));
        self.add(place, found, "another variable, or `unsafe_env = true` in the rule");
    }

    fn check_resource(&mut self, place: &str, name: &str) {
        self.check_name(place, name, "the name of a resource");
        if name == "ports" {
            let found = "`ports`, which is a list of ranges";
            self.add(place, found, "a resource with an amount, such as cpus or mem");
        }
    }

    /// Refuses the contents of a file where everyone can read them.
    fn check_shown(&mut self, place: &str, value: &ValueSource) {
        if value.file().is_some() {
            let found =
                format!("{}, contents of a file where they would be shown", quoted(&value.to_string()));
            self.add(place, found, "a template, or the path without `file:`");
        }
    }

    fn check_name(&mut self, place: &str, name: &str, what: &str) {
        if name.is_empty() || name.len() > NAME_BYTES_MAX {
            let found = format!("{} bytes as {what}", name.len());
            self.add(place, found, format!("1 to {NAME_BYTES_MAX} bytes"));
        } else if name.contains(char::is_control) {
            self.add(place, format!("a control character in {what}"), "a name without control characters");
        }
    }
}
