//! `[[lending.lenders]]` and `[[lending.borrowers]]`: rules by role, of which the first that matches counts.

use std::collections::BTreeSet;

use apportion_policy::{Amount, Pattern};

use super::limits::check_role;
use crate::lending::{BorrowerRule, IdleSource, LenderRule, PRIORITY_MAX};
use crate::names::nearest;
use crate::problem::{Kind, quoted};
use crate::quantities::digits;
use crate::raw::{Node, Value};
use crate::reader::hook_rules::{RuleNames, entry};
use crate::reader::lists::{Piece, Texts};
use crate::reader::values::{decimal, part, whole};
use crate::reader::{Complaint, Reader, below_path};
use crate::schema::{BORROWERS, LENDERS};

/// Largest weight of a borrower, in thousandths.
const WEIGHT_MAX: u64 = 1_000_000_000;

/// Most patterns of roles in all rules: each takes some kilobytes of the host's memory.
pub const ROLE_PATTERNS_MAX: usize = 1000;

const ROLES: Texts =
    Texts { whole: "a role or a glob, or a list of them", one: "a role or a glob", alone: true, any: false };

impl Reader<'_> {
    /// A rule about lenders, if it has no problem; `seen` are the patterns of those before it.
    pub(super) fn lender<'n>(
        &mut self,
        path: &str,
        item: &'n Node,
        seen: &mut RuleNames<'n>,
    ) -> Option<LenderRule> {
        let before = self.mistakes;
        let entries = self.table(item, path);
        let mut rule = LenderRule {
            roles: self.rule_roles(path, item, seen),
            lend: IdleSource::ALL.into(),
            to: None,
            part_permille: 1000,
        };
        for entry in self.known_keys(LENDERS, path, entries) {
            let path = below_path(path, &entry.key);
            match &*entry.key {
                "lend" => rule.lend = self.idle_sources(&path, &entry.node),
                "to" => rule.to = Some(self.borrowing_roles(&path, &entry.node)),
                "part" => {
                    let permille = self.checked(&path, &entry.node, |value| {
                        part(value, 1..=1000, &[], |permille| u32::try_from(permille).unwrap_or(u32::MAX))
                    });
                    rule.part_permille = permille.unwrap_or(rule.part_permille);
                }
                _ => {}
            }
        }
        (self.mistakes == before).then_some(rule)
    }

    /// A rule about borrowers, if it has no problem; `seen` are the patterns of those before it.
    pub(super) fn borrower<'n>(
        &mut self,
        path: &str,
        item: &'n Node,
        seen: &mut RuleNames<'n>,
    ) -> Option<BorrowerRule> {
        let before = self.mistakes;
        let entries = self.table(item, path);
        let mut rule =
            BorrowerRule { roles: self.rule_roles(path, item, seen), priority: 0, weight_thousandths: 1000 };
        for entry in self.known_keys(BORROWERS, path, entries) {
            let path = below_path(path, &entry.key);
            match &*entry.key {
                "priority" => {
                    let range = 0..=PRIORITY_MAX.into();
                    let priority = self.checked(&path, &entry.node, |value| whole(value, range));
                    rule.priority = priority.and_then(|number| u32::try_from(number).ok()).unwrap_or(0);
                }
                "weight" => {
                    rule.weight_thousandths = self.checked(&path, &entry.node, weight).unwrap_or(1000);
                }
                _ => {}
            }
        }
        (self.mistakes == before).then_some(rule)
    }

    /// The roles that a rule counts for. A pattern that stands in an earlier rule never counts.
    fn rule_roles<'n>(&mut self, path: &str, item: &'n Node, seen: &mut RuleNames<'n>) -> Vec<Pattern> {
        let Value::Table(entries) = &item.value else { return Vec::new() };
        let path = below_path(path, "roles");
        let Some(entry) = entry(entries, "roles") else {
            let complaint = Complaint::new(Kind::Missing, "nothing", ROLES.whole);
            self.report_absence(&path, item.at, complaint.hint("such as \"batch/**\"; \"**\" are all roles"));
            return Vec::new();
        };
        let pieces = self.texts(&path, &entry.node, ROLES);
        for piece in &pieces {
            let Some(first) = seen.insert(piece.text, piece.at) else { continue };
            let found = format!("{} in a second rule", quoted(piece.text));
            let complaint = Complaint::new(
                Kind::Duplicate,
                found,
                "each pattern in one rule: the first that matches counts",
            );
            let line = self.lines.zip(first).map(|(lines, at)| lines.number(at));
            let hint = line.map(|line| format!("the first rule with it is in line {line}"));
            self.report(&piece.path, piece.at, hint.into_iter().fold(complaint, Complaint::hint));
        }
        self.role_patterns(pieces)
    }

    /// The roles that a rule lends to; without the key every borrower.
    fn borrowing_roles(&mut self, path: &str, node: &Node) -> Vec<Pattern> {
        if matches!(&node.value, Value::List(items) if items.is_empty()) {
            let complaint = Complaint::new(Kind::WrongValue, "an empty list", "at least a role or a glob");
            let hint = "without `to` the rule lends to every borrower, with `lend = []` to nobody";
            self.report(path, node.at, complaint.hint(hint));
            return Vec::new();
        }
        let pieces = self.texts(path, node, ROLES);
        self.role_patterns(pieces)
    }

    /// The patterns of texts. Only globs: the allocator has no other patterns.
    fn role_patterns(&mut self, pieces: Vec<Piece<'_>>) -> Vec<Pattern> {
        let mut patterns = Vec::new();
        for piece in pieces {
            self.role_patterns += 1;
            if self.role_patterns > ROLE_PATTERNS_MAX {
                let found = format!("more than {ROLE_PATTERNS_MAX} patterns in all rules");
                let complaint = Complaint::new(Kind::WrongValue, found, "globs that match several roles");
                self.report(&piece.path, piece.at, complaint);
                continue;
            }
            if piece.text.starts_with('/') || piece.text.ends_with('/') {
                let found = format!("{}, with a slash at an end", quoted(piece.text));
                let complaint =
                    Complaint::new(Kind::WrongValue, found, "a role or a glob such as \"batch/**\"");
                let is_expression =
                    piece.text.len() > 1 && piece.text.starts_with('/') && piece.text.ends_with('/');
                let complaint = if is_expression {
                    complaint.hint("regular expressions are for rules of hook and isolator")
                } else {
                    complaint
                };
                self.report(&piece.path, piece.at, complaint);
                continue;
            }
            let Some(pattern) = self.pattern(&piece, Pattern::parse_role) else { continue };
            match pattern.literal().map_or(Ok(()), check_role) {
                Ok(()) => patterns.push(pattern),
                Err(complaint) => self.report(&piece.path, piece.at, complaint),
            }
        }
        patterns
    }

    /// Which idle capacity is lent; none may be.
    fn idle_sources(&mut self, path: &str, node: &Node) -> BTreeSet<IdleSource> {
        const TAKES: Texts = Texts {
            whole: "a list of \"offered\", \"reserved\" and \"guaranteed\"",
            one: "\"offered\", \"reserved\" or \"guaranteed\"",
            alone: false,
            any: false,
        };
        let mut sources = BTreeSet::new();
        for piece in self.any_texts(path, node, TAKES) {
            let known = IdleSource::ALL.into_iter().find(|source| source.name() == piece.text);
            if known.is_none() {
                let complaint = Complaint::new(Kind::WrongValue, quoted(piece.text), TAKES.one);
                let meant = nearest(piece.text, IdleSource::ALL.map(IdleSource::name));
                self.report(&piece.path, piece.at, complaint.meant(meant));
            }
            sources.extend(known);
        }
        sources
    }
}

/// The weight of a borrower, in thousandths.
fn weight(value: &Value) -> Result<u64, Complaint> {
    const EXPECTED: &str = "a number above 0 up to 1000000 with at most three decimals, such as 2.5";
    match value {
        Value::Integer(..) | Value::Fraction(_) => {}
        Value::Text(text) if digits(text).is_some() || Amount::parse(text).is_ok() => {
            return Err(Complaint::wrong_type(value, EXPECTED).hint("write it without quotes"));
        }
        other => return Err(Complaint::wrong_type(other, EXPECTED)),
    }
    let weight = decimal(value).and_then(|weight| u64::try_from(weight.thousandths()).ok());
    let weight = weight.filter(|weight| (1..=WEIGHT_MAX).contains(weight));
    weight.ok_or_else(|| Complaint::new(Kind::WrongValue, value.describe(), EXPECTED))
}
