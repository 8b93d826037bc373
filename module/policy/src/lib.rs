//! Hook rules: what a task's labels and resources, an executor's environment and an agent become.
//!
//! A [`Rule`] says where it acts ([`HookPoint`]), when ([`Condition`]), and what it does ([`EnvironmentActions`],
//! [`LabelActions`], [`TaskResourceActions`], [`AgentActions`], [`AuditAction`], [`CommandAction`]). A [`Rulebook`]
//! holds all of them and is asked at each point with a [`HookCall`].
//!
//! # Semantics
//!
//! * Rules run in their order. A later one sees what earlier ones made of what is decorated, in conditions and in
//!   templates; the actions of one rule do not see each other, except that additions join what `set` made.
//! * A condition about a fact that is not known at a point is neither true nor false, and neither is its opposite
//!   ([`Truth`]): the rule does not act.
//! * A value that cannot be made, or that crosses a limit ([`VALUE_BYTES_MAX`], [`ENTRIES_MAX`],
//!   [`ENTRIES_BYTES_MAX`]), is a [`RuleFault`]: none of the rule's actions at this point takes effect, other rules
//!   go on. [`FAULTS_MAX`] faults in a row switch the rule off at this point.
//! * What no action names stays as it is, where it is.
//! * Values from files are marked secret, and so is what is made of them; no message, explanation or debug output
//!   shows them.
//!
//! Beside these there are sets of variables with templates and no conditions ([`RuleSet`]), each independent of the
//! others, for the isolator. Its rules about containers are not known here; they ask a [`Matcher`] for their conditions
//! and reasons.
//!
//! # Which facts are known where
//!
//! For the points that decorate a launch; [`HookPoint::facts`] lists all of them, [`FURTHER_FACTS`] what only rules
//! with a condition have.
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
//! hook object has seen those a moment earlier, in `slaveRunTaskLabelDecorator`, and whoever calls the rules carries
//! them over. If the agent restarted in between, nothing is remembered; a template should then say what to use
//! instead, with `default`.
//!
//! # Invariants
//!
//! * Pure: no input or output, clock, randomness or environment; the same rules and facts give the same result,
//!   except that a rule switches itself off after too many faults.
//! * A template can only read facts. There are no statements, loops, includes, calls or multiplications, so its cost
//!   and its output are bounded by its own length and the facts; both have a ceiling besides.
//!
//! Where to read next: [`Rulebook`] for the use at a hook point, [`Template`] for the language of values.
#![forbid(unsafe_code)]

mod action;
mod amount;
mod amounts;
mod call;
mod comparison;
mod condition;
mod context;
mod draft;
mod entries;
mod evaluation;
mod explanation;
mod expression;
mod facts;
mod faults;
mod filters;
mod guard;
mod index;
mod matcher;
mod outcome;
mod parse_fault;
mod pattern;
mod plain;
mod point;
mod reaction;
mod rule;
mod rulebook;
mod rules;
mod scene;
mod template;
mod value_source;
mod work;

pub use action::{
    AgentActions, Assignments, AuditAction, CommandAction, EnvironmentActions, Joined, LabelActions,
    TaskResourceActions,
};
pub use amount::{Amount, Amounts, Share};
pub use amounts::AmountChange;
pub use call::{FileContents, HookCall, HostFacts};
pub use comparison::{ATTRIBUTE_FORMS, AttributeTest, Comparison, RESOURCE_FORMS, ResourceTest};
pub use condition::{CONDITION_DEPTH_MAX, Condition, ContainerType, Presence, TextField, Truth};
pub use entries::{Change, ENTRIES_BYTES_MAX, ENTRIES_MAX, Entries, Entry};
pub use explanation::{Explanation, Subject, Verdict};
pub use expression::{EXPRESSION_BRACKETS_MAX, EXPRESSION_WORDS_MAX};
pub use facts::{
    AgentFacts, ContainerFacts, ExecutorFacts, FURTHER_FACTS, Facts, FrameworkFacts, FurtherFact, HOST_FACTS,
    ROOTS, Root, RootField, TaskFacts, text, text_map,
};
pub use faults::{FAULTS_MAX, RuleFault};
pub use filters::{FILTERS, TESTS, TemplateWord};
pub use guard::{UNSAFE_VARIABLES, is_unsafe_variable};
pub use matcher::Matcher;
pub use outcome::{Decoration, Reactions, ResourceDecoration, RuleReport, RulesRefused};
pub use parse_fault::ParseFault;
pub use pattern::{
    Form, PATTERN_BYTES_MAX, PATTERN_FORMS, Pattern, REGEX_BYTES_MAX, REGEX_DEPTH_MAX, ROLE_FORMS,
};
pub use point::{Effect, HookPoint};
pub use reaction::{AuditLine, CommandLine};
pub use rule::{NAME_BYTES_MAX, RULE_NAME_BYTES_MAX, Rule, RuleProblem};
pub use rulebook::Rulebook;
pub use rules::{Outcome, RuleSet};
pub use template::{Reason, SOURCE_BYTES_MAX, Template, TemplateFault, VALUE_BYTES_MAX};
pub use value_source::ValueSource;
