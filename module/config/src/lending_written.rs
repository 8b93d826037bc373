//! Lending and eviction written out again, as tables that give the same.

use std::collections::BTreeMap;

use apportion_policy::Amount;
use toml::{Table, Value};

use crate::container_written::{filled, there};
use crate::lending::{
    BackOff, BorrowerRule, EvictionConfig, LenderRule, LendingBound, LendingConfig, RoleLimits,
    written_amount,
};
use crate::quantities::{is_size, percentage, span};
use crate::rule_written::{list, number, sources, text};

/// The keys of `[lending]` beside its rules.
pub(crate) fn lending(config: &LendingConfig) -> Table {
    let slice = config.slice.iter().map(|(name, most)| (name.clone(), amount(name, *most))).collect();
    let limits = config.limits.iter().map(|(role, limits)| (role.clone(), Value::Table(role_limits(limits))));
    there([
        ("resources", Some(list(config.resources.iter().map(|name| text(name))))),
        ("fan_out", Some(Value::Integer(config.fan_out.into()))),
        ("slice", filled(slice)),
        ("min_idle", Some(text(&span(config.min_idle)))),
        ("back_off", Some(Value::Table(back_off(config.back_off)))),
        ("limits", filled(limits.collect())),
    ])
}

fn back_off(back_off: BackOff) -> Table {
    there([
        ("conflicts", Some(Value::Integer(back_off.conflicts.into()))),
        ("first", Some(text(&span(back_off.first)))),
        ("most", Some(text(&span(back_off.most)))),
    ])
}

/// The table of a rule about lenders.
pub(crate) fn lender(rule: &LenderRule) -> Table {
    there([
        ("roles", Some(sources(&rule.roles))),
        ("lend", Some(list(rule.lend.iter().map(|source| text(source.name()))))),
        ("to", rule.to.as_deref().map(sources)),
        ("part", Some(text(&percentage(rule.part_permille.into())))),
    ])
}

/// The table of a rule about borrowers.
pub(crate) fn borrower(rule: &BorrowerRule) -> Table {
    let weight = Amount::from_thousandths(i64::try_from(rule.weight_thousandths).unwrap_or(i64::MAX));
    there([
        ("roles", Some(sources(&rule.roles))),
        ("priority", Some(Value::Integer(rule.priority.into()))),
        ("weight", Some(number(weight))),
    ])
}

fn role_limits(limits: &RoleLimits) -> Table {
    let bounds = |bounds: &BTreeMap<String, LendingBound>| {
        let bounds = bounds.iter().map(|(name, most)| (name.clone(), bound(name, *most)));
        filled(bounds.collect())
    };
    there([("lend", bounds(&limits.lend)), ("borrow", bounds(&limits.borrow))])
}

/// The keys of `[eviction]`.
pub(crate) fn eviction(config: &EvictionConfig) -> Table {
    there([
        ("grace", Some(text(&span(config.grace)))),
        ("grace_label", Some(text(&config.grace_label))),
        ("grace_most", Some(text(&span(config.grace_most)))),
        ("check_every", Some(text(&span(config.check_every)))),
    ])
}

/// The most of a resource.
fn bound(name: &str, most: LendingBound) -> Value {
    match most {
        LendingBound::Amount(most) => amount(name, most),
        part @ LendingBound::Permille(_) => text(&part.written(name)),
    }
}

/// An amount as it is read.
fn amount(name: &str, amount: Amount) -> Value {
    if is_size(name) { text(&written_amount(name, amount)) } else { number(amount) }
}
