//! The rules of lending as JSON, for programs: what `apportion lending check --json` and the master's page show. Its
//! members stay as they are.

use std::collections::BTreeMap;
use std::time::Duration;

use apportion_policy::{Amount, Pattern};
use serde_json::{Map, Value, json};

use crate::lending::{BorrowerRule, LenderRule, LendingBound, LendingConfig, RoleLimits};

impl LendingConfig {
    /// All rules as a JSON object. Durations are in milliseconds, amounts in the unit of Mesos.
    ///
    /// ```
    /// use apportion_config::Config;
    ///
    /// let lending = Config::from_text("[[lending.borrowers]]\nroles = \"batch/**\"\npriority = 10")?.lending;
    /// let shown = lending.to_json();
    /// assert_eq!((&shown["on"], &shown["borrowers"][0]["priority"]), (&false.into(), &10.into()));
    /// # Ok::<(), apportion_config::Problems>(())
    /// ```
    pub fn to_json(&self) -> Value {
        let slice = self.slice.iter().map(|(name, most)| (name.clone(), amount(*most)));
        json!({
            "on": self.is_on(),
            "resources": self.resources,
            "fan_out": self.fan_out,
            "slice": slice.collect::<Map<_, _>>(),
            "min_idle_ms": millis(self.min_idle),
            "back_off": {
                "conflicts": self.back_off.conflicts,
                "first_ms": millis(self.back_off.first),
                "most_ms": millis(self.back_off.most),
            },
            "lenders": self.lenders.iter().enumerate().map(|(number, rule)| rule.to_json(number)).collect::<Vec<_>>(),
            "borrowers": self.borrowers.iter().enumerate().map(|(number, rule)| rule.to_json(number)).collect::<Vec<_>>(),
            "limits": self.limits.iter().map(|(role, limits)| limits.to_json(role)).collect::<Vec<_>>(),
        })
    }
}

impl LenderRule {
    /// The rule of this number, from 0, as a JSON object.
    pub fn to_json(&self, number: usize) -> Value {
        json!({
            "rule": number,
            "roles": sources(&self.roles),
            "lend": self.lend.iter().map(|source| source.name()).collect::<Vec<_>>(),
            "to": self.to.as_deref().map(sources),
            "part_permille": self.part_permille,
        })
    }
}

impl BorrowerRule {
    /// The rule of this number, from 0, as a JSON object.
    pub fn to_json(&self, number: usize) -> Value {
        let weight = Amount::from_thousandths(i64::try_from(self.weight_thousandths).unwrap_or(i64::MAX));
        json!({
            "rule": number,
            "roles": sources(&self.roles),
            "priority": self.priority,
            "weight": amount(weight),
        })
    }
}

impl RoleLimits {
    /// The limits of a role, as a JSON object.
    pub fn to_json(&self, role: &str) -> Value {
        let bounds = |bounds: &BTreeMap<String, LendingBound>| -> Map<String, Value> {
            let bound = |bound: LendingBound| match bound {
                LendingBound::Amount(most) => json!({ "amount": amount(most) }),
                LendingBound::Permille(permille) => json!({ "permille": permille }),
            };
            bounds.iter().map(|(name, most)| (name.clone(), bound(*most))).collect()
        };
        json!({ "role": role, "lend": bounds(&self.lend), "borrow": bounds(&self.borrow) })
    }
}

fn sources(patterns: &[Pattern]) -> Vec<&str> {
    patterns.iter().map(Pattern::source).collect()
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A number with at most three decimals, as Mesos has it.
fn amount(amount: Amount) -> Value {
    let written = amount.to_string();
    written
        .parse::<u64>()
        .map_or_else(|_| json!(written.parse::<f64>().unwrap_or_default()), |whole| json!(whole))
}
