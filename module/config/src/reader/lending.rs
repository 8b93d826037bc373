//! `[lending]`: which idle capacity is lent, by whom, to whom, and how much. `[eviction]`: how borrowers are ended.

mod amounts;
mod eviction;
mod limits;
mod rules;

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::time::Duration;

pub use limits::ROLE_LIMITS_MAX;
pub use rules::ROLE_PATTERNS_MAX;

use super::hook_rules::entry;
use super::lists::Texts;
use super::rules::Named;
use super::values::{lasting, whole};
use super::{Complaint, Reader, below_path};
use crate::lending::{BackOff, FAN_OUT_MAX, LendingConfig};
use crate::problem::{Kind, quoted};
use crate::quantities::span;
use crate::raw::{Entry, Node, Value};
use crate::schema::{BACK_OFF, BORROWERS, LENDERS, LENDING, ROLE_LIMITS};

/// The longest of most durations.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a framework may wait that loses again and again.
const WAITS: RangeInclusive<Duration> = Duration::from_millis(1)..=DAY;
/// Most launches in a row that are counted.
const CONFLICTS_MAX: u64 = 1000;

/// Most resources that may be lent.
pub const LENT_MAX: usize = 100;

/// Resources that may be lent; `None` if that cannot be said.
type Lent = Option<BTreeSet<String>>;

impl Reader<'_> {
    pub(super) fn lending(&mut self, node: &Node) -> LendingConfig {
        let mut config = LendingConfig::default();
        let entries = self.table(node, LENDING);
        let mut lent = Some(config.resources.clone());
        // First of all: amounts need to know.
        if let Some(entry) = entry(entries, "resources") {
            lent = self.lent(&entry.node);
            config.resources = lent.clone().unwrap_or(config.resources);
        }
        let known = self.known_keys(LENDING, LENDING, entries);
        for entry in &known {
            let path = below_path(LENDING, &entry.key);
            match &*entry.key {
                "fan_out" => {
                    let most = 1..=FAN_OUT_MAX.into();
                    let fan_out = self.checked(&path, &entry.node, |value| whole(value, most));
                    config.fan_out =
                        fan_out.and_then(|number| u32::try_from(number).ok()).unwrap_or(config.fan_out);
                }
                "slice" => config.slice = self.slice(&path, &entry.node, &lent),
                "min_idle" => {
                    let range = Duration::ZERO..=DAY;
                    let min_idle = self.checked(&path, &entry.node, |value| lasting(value, range));
                    config.min_idle = min_idle.unwrap_or(config.min_idle);
                }
                "back_off" => config.back_off = self.back_off(&entry.node),
                "lenders" => config.lenders = self.rule_list(&entry.node, LENDERS, Self::lender),
                "borrowers" => config.borrowers = self.rule_list(&entry.node, BORROWERS, Self::borrower),
                "limits" => config.limits = self.role_limits(ROLE_LIMITS, &entry.node, &lent),
                _ => {}
            }
        }
        if known.len() == entries.len() {
            self.report_lenders_alone(entries);
        }
        without_what_is_not_said(config)
    }

    /// The resources that may be lent.
    fn lent(&mut self, node: &Node) -> Lent {
        const PATH: &str = "lending.resources";
        const TAKES: Texts = Texts {
            whole: "a list of resources, such as [\"cpus\", \"mem\"]",
            one: "the name of a resource",
            alone: false,
            any: false,
        };
        let before = self.mistakes;
        let pieces = match &node.value {
            Value::Parameter(_) => self.any_texts(PATH, node, TAKES),
            _ => self.texts(PATH, node, TAKES),
        };
        if let Some(beyond) = pieces.get(LENT_MAX) {
            let found = format!("{} resources", pieces.len());
            let complaint = Complaint::new(Kind::WrongValue, found, format!("at most {LENT_MAX}"));
            self.report(&beyond.path, beyond.at, complaint);
        }
        let mut lent = BTreeSet::new();
        for piece in pieces {
            if !self.is_name(&piece.path, piece.at, piece.text, Named::Resource) {
                continue;
            }
            let complaint = if piece.text == "ports" {
                Complaint::new(Kind::WrongValue, "`ports`, which has ranges", "a resource with an amount")
            } else if lent.insert(piece.text.to_owned()) {
                continue;
            } else {
                let found = format!("{} a second time", quoted(piece.text));
                Complaint::new(Kind::Duplicate, found, "each one once")
            };
            self.report(&piece.path, piece.at, complaint);
        }
        if lent.is_empty() && self.mistakes == before {
            self.report(PATH, node.at, Complaint::new(Kind::WrongValue, node.value.describe(), TAKES.whole));
        }
        (self.mistakes == before).then_some(lent)
    }

    /// How long a framework waits that loses again and again.
    fn back_off(&mut self, node: &Node) -> BackOff {
        let usual = BackOff::default();
        let mut back_off = usual;
        let entries = self.table(node, BACK_OFF);
        let mut is_clear = true;
        for entry in self.known_keys(BACK_OFF, BACK_OFF, entries) {
            let path = below_path(BACK_OFF, &entry.key);
            if entry.key == "conflicts" {
                let conflicts = self.checked(&path, &entry.node, |value| whole(value, 0..=CONFLICTS_MAX));
                back_off.conflicts =
                    conflicts.and_then(|number| u32::try_from(number).ok()).unwrap_or(usual.conflicts);
                continue;
            }
            let wait = self.checked(&path, &entry.node, |value| lasting(value, WAITS));
            is_clear &= wait.is_some();
            match &*entry.key {
                "first" => back_off.first = wait.unwrap_or(usual.first),
                _ => back_off.most = wait.unwrap_or(usual.most),
            }
        }
        if back_off.first > back_off.most {
            if is_clear {
                let (first, most) = (entry(entries, "first"), entry(entries, "most"));
                self.report_longer(
                    BACK_OFF,
                    [("first", first), ("most", most)],
                    [back_off.first, back_off.most],
                );
            }
            (back_off.first, back_off.most) = (usual.first, usual.most);
        }
        back_off
    }

    /// Reports a duration that is longer than the one that bounds it. One of both may be the default, and is told so.
    fn report_longer(
        &mut self,
        table: &str,
        [(short, short_entry), (long, long_entry)]: [(&str, Option<&Entry>); 2],
        [found, most]: [Duration; 2],
    ) {
        let by_default = |entry: Option<&Entry>| if entry.is_none() { ", the default" } else { "" };
        let (found, bound) = (span(found), span(most));
        let said = format!("\"{found}\"{}", by_default(short_entry));
        let expected = format!("at most `{long}`, which is \"{bound}\"{}", by_default(long_entry));
        let complaint = Complaint::new(Kind::WrongValue, said, expected);
        let complaint = match (short_entry, long_entry) {
            (Some(_), None) => complaint.hint(format!("set {table}.{long}, too")),
            (None, Some(_)) => complaint.hint(format!("set {table}.{short}, too")),
            _ => complaint,
        };
        let at = short_entry.or(long_entry).and_then(|entry| entry.node.at);
        self.report(&format!("{table}.{short}"), at, complaint);
    }

    /// Reports lenders that have nobody to lend to. Borrowers may stand alone: an agent reads their priorities.
    fn report_lenders_alone(&mut self, entries: &[Entry]) {
        let rules = |key: &str| entry(entries, key).map(|entry| (&entry.node.value, entry.at));
        let is_empty = |value: &Value| matches!(value, Value::List(items) if items.is_empty());
        let Some((lenders, at)) = rules("lenders") else { return };
        let borrowers = rules("borrowers").map(|(value, _)| value);
        if !matches!(lenders, Value::List(items) if !items.is_empty()) || !borrowers.is_none_or(is_empty) {
            return;
        }
        let complaint = Complaint::new(
            Kind::Missing,
            "lenders, but nobody who borrows",
            "a table [[lending.borrowers]] with the roles that do",
        );
        self.report_absence(
            LENDERS,
            at,
            complaint.hint("roles = \"**\" are all roles; to lend nothing, leave out the lenders, too"),
        );
    }
}

/// The settings without those that need others that are not there. All of these have been reported.
fn without_what_is_not_said(mut config: LendingConfig) -> LendingConfig {
    let resources = &config.resources;
    config.slice.retain(|name, _| resources.contains(name));
    for limits in config.limits.values_mut() {
        limits.lend.retain(|name, _| resources.contains(name));
        limits.borrow.retain(|name, _| resources.contains(name));
    }
    config.limits.retain(|_, limits| !limits.lend.is_empty() || !limits.borrow.is_empty());
    if config.borrowers.is_empty() {
        config.lenders.clear();
    }
    config
}
