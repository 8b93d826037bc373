//! Amounts of resources: memory and disk as sizes, others as numbers; and parts of what all agents have.

use std::collections::BTreeMap;

use apportion_policy::{Amount, Amounts};

use super::Lent;
use crate::lending::LendingBound;
use crate::problem::{Kind, quoted};
use crate::quantities::{MIB, digits, is_size, is_written_as_size};
use crate::raw::{Entry, Node, Value};
use crate::reader::rules::Named;
use crate::reader::values::{decimal, part, size};
use crate::reader::{Complaint, Reader, below_path};

/// Most whole units of a resource that the allocator counts: CPUs, or MiB of memory and disk.
const UNITS_MAX: u64 = 1 << 40;

const SOME_AMOUNT: &str = "at least one resource and its amount";

impl Reader<'_> {
    /// The most of each resource in one offer, above zero.
    pub(super) fn slice(&mut self, path: &str, node: &Node, lent: &Lent) -> Amounts {
        let mut slice = Amounts::new();
        let least = Amount::from_thousandths(1);
        for entry in self.filled(path, node, SOME_AMOUNT) {
            let path = below_path(path, &entry.key);
            let name = self.lent_name(&path, entry, lent);
            let most = self.checked(&path, &entry.node, |value| {
                let is_part =
                    matches!(value, Value::Text(text) | Value::Parameter(text) if text.ends_with('%'));
                amount(&entry.key, value, least).map_err(|complaint| {
                    if is_part {
                        complaint.hint("limits of roles can be parts, a slice cannot")
                    } else {
                        complaint
                    }
                })
            });
            slice.extend(name.zip(most));
        }
        slice
    }

    /// The most of each resource that a role may lend or borrow; zero is nothing.
    pub(super) fn bounds(&mut self, path: &str, node: &Node, lent: &Lent) -> BTreeMap<String, LendingBound> {
        let mut bounds = BTreeMap::new();
        for entry in self.filled(path, node, SOME_AMOUNT) {
            let path = below_path(path, &entry.key);
            let name = self.lent_name(&path, entry, lent);
            let most = self.checked(&path, &entry.node, |value| bound(&entry.key, value));
            bounds.extend(name.zip(most));
        }
        bounds
    }

    /// The name of an amount, if it is one of those that are lent.
    fn lent_name(&mut self, path: &str, entry: &Entry, lent: &Lent) -> Option<String> {
        if !self.is_name(path, entry.at, &entry.key, Named::Resource) {
            return None;
        }
        let name = entry.key.clone();
        let Some(lent) = lent.as_ref().filter(|lent| !lent.contains(&name)) else { return Some(name) };
        let found = format!("{}, which is not lent", quoted(&name));
        let names: Vec<String> = lent.iter().map(|name| quoted(name)).collect();
        let complaint = Complaint::new(Kind::WrongValue, found, format!("one of {}", names.join(", ")));
        let complaint = if name == "ports" {
            complaint
        } else {
            let with: Vec<String> = lent.iter().chain([&name]).map(|name| quoted(name)).collect();
            complaint.hint(format!("lending.resources = [{}] lends it, too", with.join(", ")))
        };
        self.report(path, entry.at, complaint);
        None
    }
}

/// An amount, or a part of what all agents have.
fn bound(name: &str, value: &Value) -> Result<LendingBound, Complaint> {
    if let Value::Text(text) | Value::Parameter(text) = value
        && text.ends_with('%')
    {
        let permille = part(value, 0..=1000, &[], |permille| u32::try_from(permille).unwrap_or(u32::MAX))?;
        return Ok(LendingBound::Permille(permille));
    }
    amount(name, value, Amount::ZERO).map(LendingBound::Amount).map_err(|mut complaint| {
        complaint.expected.push_str(", or a percentage such as \"10%\"");
        complaint
    })
}

/// How much of a resource, from `least` on.
fn amount(name: &str, value: &Value, least: Amount) -> Result<Amount, Complaint> {
    if is_size(name) { memory(value, !least.is_zero()) } else { number(name, value, least) }
}

/// Memory or disk.
fn memory(value: &Value, is_some: bool) -> Result<Amount, Complaint> {
    let bytes = size(value, if is_some { MIB } else { 0 })?;
    let wrong = |expected: String| Complaint::new(Kind::WrongValue, value.describe(), expected);
    let mib = bytes / MIB;
    if bytes % MIB != 0 {
        let complaint = wrong("a whole number of MiB, in which Mesos counts it".to_owned());
        return Err(complaint.hint(format!("{mib}MiB or {}MiB", mib + 1)));
    }
    if mib > UNITS_MAX {
        return Err(wrong(format!("at most {}", crate::quantities::size(UNITS_MAX * MIB))));
    }
    Ok(Amount::from_thousandths(i64::try_from(mib * 1000).unwrap_or(i64::MAX)))
}

/// Anything but memory and disk.
fn number(name: &str, value: &Value, least: Amount) -> Result<Amount, Complaint> {
    let from = if least.is_zero() { "from" } else { "above" };
    let expected = match name {
        "gpus" => format!("a whole number {from} 0: tasks share no GPU"),
        _ => format!("a number {from} 0 with at most three decimals, such as 0.5"),
    };
    match value {
        Value::Integer(..) | Value::Fraction(_) | Value::Parameter(_) => {}
        Value::Text(text) => {
            let complaint = Complaint::wrong_type(value, &expected);
            return Err(if digits(text).is_some() || Amount::parse(text).is_ok() {
                complaint.hint("write it without quotes")
            } else if is_written_as_size(text) {
                complaint.hint("`mem` and `disk` have sizes")
            } else {
                complaint
            });
        }
        other => return Err(Complaint::wrong_type(other, &expected)),
    }
    let is_whole = |amount: &Amount| name != "gpus" || amount.thousandths() % 1000 == 0;
    let fits = |amount: &Amount| {
        u64::try_from(amount.thousandths()).is_ok_and(|thousandths| thousandths <= UNITS_MAX * 1000)
    };
    let found = decimal(value).filter(|amount| *amount >= least && is_whole(amount));
    let found = found.ok_or_else(|| Complaint::new(Kind::WrongValue, value.describe(), expected))?;
    if fits(&found) {
        return Ok(found);
    }
    Err(Complaint::new(Kind::WrongValue, value.describe(), format!("at most {UNITS_MAX}")))
}
