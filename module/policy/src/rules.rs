//! Environment variables with templates and no conditions, each tried by itself: what the isolator has.

use std::sync::Arc;

use crate::facts::Facts;
use crate::faults::{FaultCounters, RuleFault};
use crate::point::HookPoint;
use crate::template::Template;

/// What a set of rules gave: the values of the good ones and the faults of the others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Name and value, in the order of the configuration.
    pub values: Vec<(String, String)>,
    /// Faults, in the order of the configuration. A rule that is switched off gives neither value nor fault.
    pub faults: Vec<RuleFault>,
}

#[derive(Debug)]
struct SetRule {
    name: String,
    template: Template,
    faults: FaultCounters,
}

/// Variables of one section of the configuration, in its order.
///
/// Can be shared between threads: rendering needs no lock, the fault counters are atomic.
///
/// The default has no variables.
#[derive(Debug, Clone)]
pub struct RuleSet {
    section: &'static str,
    rules: Arc<[SetRule]>,
}

impl Default for RuleSet {
    fn default() -> RuleSet {
        RuleSet::environment("", [])
    }
}

impl RuleSet {
    /// Rules for environment variables; `section` is their path in the configuration.
    pub fn environment(
        section: &'static str,
        rules: impl IntoIterator<Item = (String, Template)>,
    ) -> RuleSet {
        RuleSet { section, rules: build(rules) }
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
            if rule.faults.is_off(point) {
                continue;
            }
            match rule.template.render(facts) {
                Ok(value) if value.contains('\0') => {
                    outcome.faults.push(self.fault(
                        rule,
                        point,
                        "the value contains a NUL character".to_owned(),
                    ));
                }
                Ok(value) => {
                    rule.faults.forgive(point);
                    outcome.values.push((rule.name.clone(), value));
                }
                Err(reason) => outcome.faults.push(self.fault(rule, point, reason)),
            }
        }
        outcome
    }

    /// Names of the rules that are switched off at this point.
    pub fn disabled(&self, point: HookPoint) -> Vec<&str> {
        let off = |rule: &&SetRule| rule.faults.is_off(point);
        self.rules.iter().filter(off).map(|rule| rule.name.as_str()).collect()
    }

    fn fault(&self, rule: &SetRule, point: HookPoint, reason: String) -> RuleFault {
        let disabled = rule.faults.count(point);
        RuleFault { rule: format!("{}.{}", self.section, rule.name), point, reason, disabled }
    }
}

fn build(rules: impl IntoIterator<Item = (String, Template)>) -> Arc<[SetRule]> {
    rules.into_iter().map(|(name, template)| SetRule { name, template, faults: Default::default() }).collect()
}
