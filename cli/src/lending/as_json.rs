//! The rules as JSON, for programs. `apportion lending check --help` describes it: its members stay as they are.

use std::time::Duration;

use apportion_config::{Config, EvictionConfig, LendingConfig};
use serde_json::{Value, json};

use super::view::{RoleView, findings};

/// All rules.
pub(super) fn rules(config: &Config) -> Value {
    let mut shown = config.lending.to_json();
    shown["ok"] = true.into();
    shown["findings"] = findings(&config.lending).into();
    shown["eviction"] = eviction(&config.eviction);
    shown
}

/// What they mean for a role.
pub(super) fn role(lending: &LendingConfig, view: &RoleView<'_>) -> Value {
    json!({
        "ok": true,
        "on": lending.is_on(),
        "findings": findings(lending),
        "role": view.role,
        "lends": view.lends.map(|(number, rule)| rule.to_json(number)),
        "borrows": view.borrows.map(|(number, rule)| rule.to_json(number)),
        "limits": view.limits.iter().map(|(role, limits)| limits.to_json(role)).collect::<Vec<_>>(),
    })
}

fn eviction(eviction: &EvictionConfig) -> Value {
    json!({
        "grace_ms": millis(eviction.grace),
        "grace_label": eviction.grace_label,
        "grace_most_ms": millis(eviction.grace_most),
        "check_every_ms": millis(eviction.check_every),
    })
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
