//! Hook rules: what a task's labels and an executor's or a container's environment become.
//!
//! A rule is a name and a template such as `{{ framework.role }}`. The template is compiled once, from the
//! configuration, and rendered at a hook point from the [`Facts`] known there. Rules are independent: one that
//! cannot be rendered is reported as a [`RuleFault`] and the others still take effect. A rule that faults
//! [`FAULTS_MAX`] times at one hook point is not tried there again.
//!
//! # Which facts are known where
//!
//! | point | framework | task | executor | agent | container |
//! |---|---|---|---|---|---|
//! | `masterLaunchTaskLabelDecorator` | yes | yes | no | yes | no |
//! | `slaveRunTaskLabelDecorator` | yes | yes | yes | yes | no |
//! | `slaveExecutorEnvironmentDecorator` | id, rest remembered | remembered | yes | remembered | no |
//! | `slavePreLaunchDockerTaskExecutorDecorator` | id, rest remembered | yes, if there is one | yes | remembered | id, directory |
//! | isolator `prepare` | id, rest remembered | yes, if there is one | yes | remembered | yes |
//!
//! The executor environment hook is given an `ExecutorInfo` alone: no role, no framework name, no task. The same
//! hook object has seen those a moment earlier, in `slaveRunTaskLabelDecorator`, so [`Remembered`] carries them
//! over, keyed by framework id and executor id (for a command task the executor id equals the task id). If the
//! host has no hook module loaded, or an agent restarted in between, nothing is remembered; a template should then
//! say what to use instead, with `default`.
//!
//! # Invariants
//!
//! * Pure: no input or output, clock, randomness or environment; the same rules and facts give the same result,
//!   except that a rule switches itself off after too many faults.
//! * A template can only read facts. There are no statements, loops, includes, calls or multiplications, so its cost
//!   and its output are bounded by its own length and the facts; both have a ceiling besides.
//!
//! Where to read next: [`Template`] for the language, [`HookRules`] for its use at a hook point.
#![forbid(unsafe_code)]

mod context;
mod expression;
mod facts;
mod filters;
mod remembered;
mod rules;
mod template;

pub use facts::{
    AgentFacts, ContainerFacts, ExecutorFacts, Facts, FrameworkFacts, ROOTS, Root, TaskFacts, text, text_map,
};
pub use remembered::{REMEMBERED_MAX, Remembered};
pub use rules::{FAULTS_MAX, HookPoint, HookRules, Outcome, RuleFault, RuleSet};
pub use template::{Reason, SOURCE_BYTES_MAX, Template, TemplateFault, VALUE_BYTES_MAX};
