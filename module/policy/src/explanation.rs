//! What each rule would do with a call, and why: a rehearsal that counts nothing.

use std::fmt;

use crate::amount::Amounts;
use crate::amounts::AmountChange;
use crate::call::HookCall;
use crate::condition::Truth;
use crate::entries::{Change, Entries};
use crate::evaluation::{blame, truth};
use crate::point::HookPoint;
use crate::reaction::{AuditLine, CommandLine};
use crate::rulebook::Rulebook;
use crate::scene::Scene;
use crate::work::Work;

/// What a hook is asked to decorate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// Variables, labels or attributes.
    Entries(Entries),
    /// Resources.
    Amounts {
        /// What there is.
        amounts: Amounts,
        /// What no resource of a task may grow beyond.
        ceiling: Option<Amounts>,
    },
    /// Nothing: the hook is told of an event.
    Event,
}

/// Whether a rule matched, and if not, why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It matched, and its actions took effect.
    Matched,
    /// Its condition does not hold: the parts that make it so, one sentence each.
    NotMatched(Vec<String>),
    /// A fact that decides its condition is not known here: one sentence for each.
    NotKnownHere(Vec<String>),
    /// It does not act at this point.
    NotHere,
    /// The configuration switches it off.
    Disabled,
    /// It is switched off here after too many faults.
    SwitchedOff,
    /// It matched, and something went wrong: none of its actions took effect.
    Fault(String),
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Matched => f.write_str("matches"),
            Verdict::NotMatched(why) => write!(f, "does not match: {}", why.join("; ")),
            Verdict::NotKnownHere(why) => write!(f, "cannot be decided here: {}", why.join("; ")),
            Verdict::NotHere => f.write_str("does not act at this point"),
            Verdict::Disabled => f.write_str("is switched off by `enabled = false`"),
            Verdict::SwitchedOff => {
                f.write_str("is switched off here after too many faults, until the rules are loaded again")
            }
            Verdict::Fault(reason) => write!(f, "matches, but does nothing: {reason}"),
        }
    }
}

/// What one rule would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// Name of the rule.
    pub rule: String,
    /// Whether it matched.
    pub verdict: Verdict,
    /// What it did to entries.
    pub changes: Vec<Change>,
    /// What it did to resources.
    pub amounts: Vec<AmountChange>,
    /// The line it writes.
    pub audits: Vec<AuditLine>,
    /// The program it starts.
    pub commands: Vec<CommandLine>,
}

/// `rule "name" matches`, one line without the changes.
impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rule {} {}", crate::parse_fault::quoted(&self.rule), self.verdict)
    }
}

impl Rulebook {
    /// What every rule would do with a call, in their order. Counts nothing and switches nothing off.
    pub fn explain(&self, point: HookPoint, call: &HookCall, subject: &Subject) -> Vec<Explanation> {
        let (mut scene, ceiling) = match subject {
            Subject::Entries(entries) => (Scene::new(point, call, entries.clone()), None),
            Subject::Amounts { amounts, ceiling } => {
                (Scene::with_amounts(point, call, amounts.clone()), ceiling.as_ref())
            }
            Subject::Event => (Scene::new(point, call, Entries::default()), None),
        };
        let rehearse = |kept: &crate::rulebook::Kept| {
            let rule = &kept.rule;
            let before = scene.entries().clone();
            let mut work = Work { ceiling, ..Work::default() };
            let verdict = if !rule.enabled {
                Verdict::Disabled
            } else if !rule.points().contains(&point) {
                Verdict::NotHere
            } else if kept.faults.is_off(point) {
                Verdict::SwitchedOff
            } else {
                match truth(&rule.condition, &scene) {
                    Truth::False => Verdict::NotMatched(blame(&rule.condition, &scene)),
                    Truth::Unknown => Verdict::NotKnownHere(blame(&rule.condition, &scene)),
                    Truth::True => {
                        work.apply(rule, &mut scene).map_or_else(Verdict::Fault, |()| Verdict::Matched)
                    }
                }
            };
            Explanation {
                rule: rule.name.clone(),
                verdict,
                changes: Change::between(&before, scene.entries(), &work.touched),
                amounts: work.amounts,
                audits: work.audits,
                commands: work.commands,
            }
        };
        self.kept().iter().map(rehearse).collect()
    }
}
