//! Rules at their hook points: rendering, faults, and switching off what keeps failing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::facts::Facts;
use crate::template::Template;

/// Faults of one rule at one hook point after which it is not tried there again.
pub const FAULTS_MAX: u32 = 10;

/// Where the host asks for labels or environment variables.
///
/// Faults are counted for each point apart: master and agents may share one process, and a label that needs the
/// executor can never work in the master but does in the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HookPoint {
    /// Labels of a task, in the master, before it is sent to the agent.
    MasterLaunchTaskLabels,
    /// Labels of a task, in the agent, before its executor is looked for.
    SlaveRunTaskLabels,
    /// Environment of an executor, in the agent.
    SlaveExecutorEnvironment,
    /// Environment of an executor and task in a Docker container, in the agent.
    SlavePreLaunchDockerTaskExecutor,
    /// Environment of a container, in the isolator's `prepare`.
    ContainerPrepare,
}

impl HookPoint {
    /// How many points there are.
    const COUNT: usize = 5;

    /// Mesos' name of the point.
    pub fn name(self) -> &'static str {
        match self {
            HookPoint::MasterLaunchTaskLabels => "masterLaunchTaskLabelDecorator",
            HookPoint::SlaveRunTaskLabels => "slaveRunTaskLabelDecorator",
            HookPoint::SlaveExecutorEnvironment => "slaveExecutorEnvironmentDecorator",
            HookPoint::SlavePreLaunchDockerTaskExecutor => "slavePreLaunchDockerTaskExecutorDecorator",
            HookPoint::ContainerPrepare => "isolator prepare",
        }
    }

    fn index(self) -> usize {
        match self {
            HookPoint::MasterLaunchTaskLabels => 0,
            HookPoint::SlaveRunTaskLabels => 1,
            HookPoint::SlaveExecutorEnvironment => 2,
            HookPoint::SlavePreLaunchDockerTaskExecutor => 3,
            HookPoint::ContainerPrepare => 4,
        }
    }
}

/// A rule that gave no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "rule {rule} at {point}: {reason}{}",
    if *disabled { "; this was its last chance, it is off here until the host restarts" } else { "" },
    point = point.name()
)]
pub struct RuleFault {
    /// Path of the rule in the configuration, for example `hook.labels.rack`.
    pub rule: String,
    /// Where it was tried.
    pub point: HookPoint,
    /// What went wrong, one sentence.
    pub reason: String,
    /// Whether this fault switched the rule off at this point.
    pub disabled: bool,
}

/// What a set of rules gave: the values of the good ones and the faults of the others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Name and value, in the order of the configuration.
    pub values: Vec<(String, String)>,
    /// Faults, in the order of the configuration. A rule that is switched off gives neither value nor fault.
    pub faults: Vec<RuleFault>,
}

#[derive(Debug)]
struct Rule {
    name: String,
    template: Template,
    faults: [AtomicU32; HookPoint::COUNT],
}

/// Rules of one section of the configuration, in its order.
///
/// Can be shared between threads: rendering needs no lock, the fault counters are atomic.
#[derive(Debug, Clone)]
pub struct RuleSet {
    section: &'static str,
    /// Whether values must fit into a process environment: no NUL.
    environment: bool,
    rules: Arc<[Rule]>,
}

impl RuleSet {
    /// Rules for environment variables; `section` is their path in the configuration.
    pub fn environment(
        section: &'static str,
        rules: impl IntoIterator<Item = (String, Template)>,
    ) -> RuleSet {
        RuleSet { section, environment: true, rules: build(rules) }
    }

    /// Rules for labels; `section` is their path in the configuration.
    pub fn labels(section: &'static str, rules: impl IntoIterator<Item = (String, Template)>) -> RuleSet {
        RuleSet { section, environment: false, rules: build(rules) }
    }

    /// Whether there are no rules.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// How many rules there are.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Tries every rule that is not switched off at this point.
    pub fn apply(&self, point: HookPoint, facts: &Facts) -> Outcome {
        let mut outcome = Outcome::default();
        for rule in self.rules.iter() {
            let counter = &rule.faults[point.index()];
            if counter.load(Ordering::Relaxed) >= FAULTS_MAX {
                continue;
            }
            match rule.template.render(facts) {
                Ok(value) if self.environment && value.contains('\0') => {
                    outcome.faults.push(self.fault(
                        rule,
                        point,
                        "the value contains a NUL character".to_owned(),
                    ));
                }
                Ok(value) => outcome.values.push((rule.name.clone(), value)),
                Err(reason) => outcome.faults.push(self.fault(rule, point, reason)),
            }
        }
        outcome
    }

    /// Names of the rules that are switched off at this point.
    pub fn disabled(&self, point: HookPoint) -> Vec<&str> {
        let off = |rule: &&Rule| rule.faults[point.index()].load(Ordering::Relaxed) >= FAULTS_MAX;
        self.rules.iter().filter(off).map(|rule| rule.name.as_str()).collect()
    }

    fn fault(&self, rule: &Rule, point: HookPoint, reason: String) -> RuleFault {
        let before = rule.faults[point.index()].fetch_add(1, Ordering::Relaxed);
        RuleFault {
            rule: format!("{}.{}", self.section, rule.name),
            point,
            reason,
            disabled: before.saturating_add(1) == FAULTS_MAX,
        }
    }
}

fn build(rules: impl IntoIterator<Item = (String, Template)>) -> Arc<[Rule]> {
    rules.into_iter().map(|(name, template)| Rule { name, template, faults: Default::default() }).collect()
}

/// The hook module's rules: environment variables for executors and labels for tasks.
///
/// ```
/// use apportion_policy::{Facts, HookPoint, HookRules, RuleSet, Template};
///
/// let rack = Template::compile("r1", &[]).map(|template| ("RACK".to_owned(), template))?;
/// let rules = HookRules::new(RuleSet::environment("hook.environment", [rack]), RuleSet::labels("hook.labels", []));
/// let outcome = rules.environment(HookPoint::SlaveExecutorEnvironment, &Facts::default());
/// assert_eq!(outcome.values, [("RACK".to_owned(), "r1".to_owned())]);
/// # Ok::<(), apportion_policy::TemplateFault>(())
/// ```
#[derive(Debug, Clone)]
pub struct HookRules {
    environment: RuleSet,
    labels: RuleSet,
}

impl HookRules {
    /// Rules from their two sections.
    pub fn new(environment: RuleSet, labels: RuleSet) -> HookRules {
        HookRules { environment, labels }
    }

    /// Variables for an executor's environment.
    pub fn environment(&self, point: HookPoint, facts: &Facts) -> Outcome {
        self.environment.apply(point, facts)
    }

    /// Labels for a task.
    pub fn labels(&self, point: HookPoint, facts: &Facts) -> Outcome {
        self.labels.apply(point, facts)
    }

    /// The rules for environment variables.
    pub fn environment_rules(&self) -> &RuleSet {
        &self.environment
    }

    /// The rules for labels.
    pub fn label_rules(&self) -> &RuleSet {
        &self.labels
    }
}
