//! The rules, for people.

use std::collections::BTreeMap;
use std::io::{self, Write};

use apportion_config::{
    BorrowerRule, Config, LenderRule, LendingBound, LendingConfig, RoleLimits, written_amount,
    written_duration,
};
use apportion_policy::{Amount, Pattern};

use super::view::{RoleView, findings};
use crate::output::{BOLD, DIMMED, GREEN, YELLOW};
use crate::wording::shown;

/// Writes all rules.
pub(super) fn rules(out: &mut impl Write, config: &Config) -> io::Result<()> {
    let lending = &config.lending;
    writeln!(out, "{BOLD}lending{BOLD:#}\n")?;
    settings(out, lending)?;
    if !lending.lenders.is_empty() {
        writeln!(out, "\n{BOLD}lenders{BOLD:#}, of which the first that matches a role counts")?;
        let rules = lending.lenders.iter().map(|rule| (patterns(&rule.roles), lends(rule)));
        rows(out, &rules.collect::<Vec<_>>())?;
    }
    if !lending.borrowers.is_empty() {
        writeln!(out, "\n{BOLD}borrowers{BOLD:#}, of which the first that matches a role counts")?;
        let rules = lending.borrowers.iter().map(|rule| (patterns(&rule.roles), borrows(rule)));
        rows(out, &rules.collect::<Vec<_>>())?;
    }
    if !lending.limits.is_empty() {
        writeln!(out, "\n{BOLD}limits{BOLD:#}, each with everything inside the role")?;
        rows(
            out,
            &lending.limits.iter().map(|(role, of_role)| (shown(role), limits(of_role))).collect::<Vec<_>>(),
        )?;
    }
    let eviction = &config.eviction;
    writeln!(out, "\n{BOLD}eviction{BOLD:#}, on agents")?;
    let most = written_duration(eviction.grace_most);
    let grace = format!(
        "{}, or what label {} says up to {most}",
        written_duration(eviction.grace),
        shown(&eviction.grace_label)
    );
    let looks = format!("every {}", written_duration(eviction.check_every));
    rows(out, &[("grace".to_owned(), grace), ("looks".to_owned(), looks)])?;
    verdict(out, lending)
}

/// Writes what they mean for a role.
pub(super) fn role(out: &mut impl Write, lending: &LendingConfig, view: &RoleView<'_>) -> io::Result<()> {
    writeln!(out, "{BOLD}role {}{BOLD:#}\n", shown(view.role))?;
    let by = |list: &str, number: usize, roles: &[Pattern]| {
        format!("  {DIMMED}by lending.{list}[{number}]: {}{DIMMED:#}", patterns(roles))
    };
    let lender = match view.lends {
        Some((number, rule)) => format!("{}{}", lends(rule), by("lenders", number, &rule.roles)),
        None => format!("{DIMMED}nothing: no rule of lending.lenders matches{DIMMED:#}"),
    };
    let borrower = match view.borrows {
        Some((number, rule)) => format!("{}{}", borrows(rule), by("borrowers", number, &rule.roles)),
        None => format!("{DIMMED}nothing: no rule of lending.borrowers matches{DIMMED:#}"),
    };
    rows(out, &[("lends".to_owned(), lender), ("borrows".to_owned(), borrower)])?;
    if !view.limits.is_empty() {
        writeln!(out, "\n{BOLD}limits{BOLD:#}, all of which count")?;
        rows(
            out,
            &view.limits.iter().map(|(role, of_role)| (shown(role), limits(of_role))).collect::<Vec<_>>(),
        )?;
    }
    verdict(out, lending)
}

fn settings(out: &mut impl Write, lending: &LendingConfig) -> io::Result<()> {
    let slice: Vec<String> = lending
        .slice
        .iter()
        .map(|(name, most)| format!("{} {}", shown(name), written_amount(name, *most)))
        .collect();
    let slice =
        if slice.is_empty() { "everything free".to_owned() } else { format!("at most {}", slice.join(", ")) };
    let resources: Vec<String> = lending.resources.iter().map(|name| shown(name)).collect();
    let back_off = &lending.back_off;
    let waits = match back_off.conflicts {
        0 => "never".to_owned(),
        conflicts => format!(
            "after {conflicts} lost in a row for {}, up to {}",
            written_duration(back_off.first),
            written_duration(back_off.most)
        ),
    };
    let rows = [
        ("resources", resources.join(", ")),
        ("fan-out", format!("{} at once", count(lending.fan_out, "framework"))),
        ("slice", slice),
        ("idle for", written_duration(lending.min_idle)),
        ("back-off", waits),
    ];
    self::rows(out, &rows.map(|(name, value)| (name.to_owned(), value)))
}

/// Writes what has no effect, and whether anything is lent.
fn verdict(out: &mut impl Write, lending: &LendingConfig) -> io::Result<()> {
    writeln!(out)?;
    for finding in findings(lending) {
        writeln!(out, "{YELLOW}risk:{YELLOW:#} {}", shown(&finding))?;
    }
    if lending.is_on() {
        return writeln!(out, "{GREEN}ok:{GREEN:#} lending is on");
    }
    writeln!(
        out,
        "{YELLOW}off:{YELLOW:#} nothing is lent without a lender that lends something, and a borrower; agents need the \
         borrowers only"
    )
}

/// Two columns.
fn rows(out: &mut impl Write, rows: &[(String, String)]) -> io::Result<()> {
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    rows.iter().try_for_each(|(name, value)| writeln!(out, "  {name:width$}  {value}"))
}

fn patterns(patterns: &[Pattern]) -> String {
    patterns.iter().map(|pattern| shown(pattern.source())).collect::<Vec<_>>().join(", ")
}

/// What a lender lends.
fn lends(rule: &LenderRule) -> String {
    if rule.lend.is_empty() {
        return "nothing".to_owned();
    }
    let sources: Vec<&str> = rule.lend.iter().map(|source| source.name()).collect();
    let to = rule.to.as_deref().map_or("every borrower".to_owned(), patterns);
    let part = LendingBound::Permille(rule.part_permille).written("");
    format!("{part} of what is {}, to {to}", sources.join(", "))
}

/// As what a borrower borrows.
fn borrows(rule: &BorrowerRule) -> String {
    let weight = Amount::from_thousandths(i64::try_from(rule.weight_thousandths).unwrap_or(i64::MAX));
    format!("priority {}, weight {weight}", rule.priority)
}

fn limits(limits: &RoleLimits) -> String {
    let bounds = |verb: &str, bounds: &BTreeMap<String, LendingBound>| {
        let bounds: Vec<String> =
            bounds.iter().map(|(name, most)| format!("{} {}", shown(name), most.written(name))).collect();
        (!bounds.is_empty()).then(|| format!("{verb} at most {}", bounds.join(", ")))
    };
    let both = [bounds("lends", &limits.lend), bounds("borrows", &limits.borrow)];
    both.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

fn count(number: u32, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}
