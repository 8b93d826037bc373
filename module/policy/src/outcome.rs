//! What rules gave.

use crate::amount::Amounts;
use crate::amounts::AmountChange;
use crate::entries::{Change, Entries};
use crate::faults::RuleFault;
use crate::point::HookPoint;
use crate::reaction::{AuditLine, CommandLine};
use crate::rule::RuleProblem;

/// What rules made of variables, labels or attributes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decoration {
    /// All entries: those that nothing names as they were, in their order.
    pub entries: Entries,
    /// What differs from before, each name once. What is not named here is as it was, in the host's own bytes.
    pub changes: Vec<Change>,
    /// Rules that did nothing because something went wrong.
    pub faults: Vec<RuleFault>,
}

/// What rules made of resources.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResourceDecoration {
    /// All scalar resources.
    pub amounts: Amounts,
    /// What each rule did, in their order.
    pub changes: Vec<AmountChange>,
    /// Rules that did nothing because something went wrong.
    pub faults: Vec<RuleFault>,
}

/// What rules want done for an event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reactions {
    /// Lines to write.
    pub audits: Vec<AuditLine>,
    /// Programs to start.
    pub commands: Vec<CommandLine>,
    /// Rules that did nothing because something went wrong.
    pub faults: Vec<RuleFault>,
}

/// What became of a rule at a point, since the rules were loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleReport {
    /// Name of the rule.
    pub rule: String,
    /// The point.
    pub point: HookPoint,
    /// Whether the configuration lets it act.
    pub enabled: bool,
    /// How often it matched and did its work.
    pub hits: u64,
    /// How often something went wrong.
    pub faults: u64,
    /// Whether too many faults in a row switched it off here.
    pub switched_off: bool,
    /// What went wrong last, if that was here.
    pub last_fault: Option<String>,
}

/// Rules that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", problems.iter().map(|(number, problem)| format!("rule {number}: {problem}")).collect::<Vec<_>>().join("; "))]
pub struct RulesRefused {
    /// What is wrong, with the number of the rule, counted from 0; never none.
    pub problems: Vec<(usize, RuleProblem)>,
}
