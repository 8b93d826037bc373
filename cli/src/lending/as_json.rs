//! The rules as JSON, for programs. `apportion lending check --help` describes it: its members stay as they are.

use std::collections::BTreeMap;
use std::time::Duration;

use apportion_config::{
    BorrowerRule, Config, EvictionConfig, LenderRule, LendingBound, LendingConfig, RoleLimits,
};
use apportion_policy::{Amount, Pattern};
use serde_json::{Map, Value, json};

use super::view::{RoleView, findings};

/// All rules.
pub(super) fn rules(config: &Config) -> Value {
    let lending = &config.lending;
    let slice = lending.slice.iter().map(|(name, most)| (name.clone(), amount(*most)));
    json!({
        "ok": true,
        "on": lending.is_on(),
        "findings": findings(lending),
        "resources": lending.resources,
        "fan_out": lending.fan_out,
        "slice": slice.collect::<Map<_, _>>(),
        "min_idle_ms": millis(lending.min_idle),
        "back_off": {
            "conflicts": lending.back_off.conflicts,
            "first_ms": millis(lending.back_off.first),
            "most_ms": millis(lending.back_off.most),
        },
        "lenders": lending.lenders.iter().enumerate().map(lender).collect::<Vec<_>>(),
        "borrowers": lending.borrowers.iter().enumerate().map(borrower).collect::<Vec<_>>(),
        "limits": lending.limits.iter().map(|(role, of_role)| limits(role, of_role)).collect::<Vec<_>>(),
        "eviction": eviction(&config.eviction),
    })
}

/// What they mean for a role.
pub(super) fn role(lending: &LendingConfig, view: &RoleView<'_>) -> Value {
    json!({
        "ok": true,
        "on": lending.is_on(),
        "findings": findings(lending),
        "role": view.role,
        "lends": view.lends.map(lender),
        "borrows": view.borrows.map(borrower),
        "limits": view.limits.iter().map(|(role, of_role)| limits(role, of_role)).collect::<Vec<_>>(),
    })
}

fn lender((number, rule): (usize, &LenderRule)) -> Value {
    json!({
        "rule": number,
        "roles": sources(&rule.roles),
        "lend": rule.lend.iter().map(|source| source.name()).collect::<Vec<_>>(),
        "to": rule.to.as_deref().map(sources),
        "part_permille": rule.part_permille,
    })
}

fn borrower((number, rule): (usize, &BorrowerRule)) -> Value {
    let weight = Amount::from_thousandths(i64::try_from(rule.weight_thousandths).unwrap_or(i64::MAX));
    json!({
        "rule": number,
        "roles": sources(&rule.roles),
        "priority": rule.priority,
        "weight": amount(weight),
    })
}

fn limits(role: &str, limits: &RoleLimits) -> Value {
    let bounds = |bounds: &BTreeMap<String, LendingBound>| -> Map<String, Value> {
        let bound = |bound: LendingBound| match bound {
            LendingBound::Amount(most) => json!({ "amount": amount(most) }),
            LendingBound::Permille(permille) => json!({ "permille": permille }),
        };
        bounds.iter().map(|(name, most)| (name.clone(), bound(*most))).collect()
    };
    json!({ "role": role, "lend": bounds(&limits.lend), "borrow": bounds(&limits.borrow) })
}

fn eviction(eviction: &EvictionConfig) -> Value {
    json!({
        "grace_ms": millis(eviction.grace),
        "grace_label": eviction.grace_label,
        "grace_most_ms": millis(eviction.grace_most),
        "check_every_ms": millis(eviction.check_every),
    })
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
