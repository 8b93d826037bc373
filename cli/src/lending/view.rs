//! What there is to say about lending. Pure.

use apportion_config::{BorrowerRule, LenderRule, LendingConfig, RoleLimits};
use apportion_policy::Pattern;

/// What the rules mean for a role.
#[derive(Debug)]
pub(super) struct RoleView<'a> {
    pub(super) role: &'a str,
    /// The rule by which it lends, with its number.
    pub(super) lends: Option<(usize, &'a LenderRule)>,
    /// The rule by which it borrows, with its number.
    pub(super) borrows: Option<(usize, &'a BorrowerRule)>,
    /// Limits of the role and of those that it is inside of, innermost first.
    pub(super) limits: Vec<(&'a str, &'a RoleLimits)>,
}

impl<'a> RoleView<'a> {
    pub(super) fn of(lending: &'a LendingConfig, role: &'a str) -> RoleView<'a> {
        RoleView {
            role,
            lends: lending.lender(role).and_then(|rule| numbered(&lending.lenders, rule)),
            borrows: lending.borrower(role).and_then(|rule| numbered(&lending.borrowers, rule)),
            limits: lending.limits_of(role).collect(),
        }
    }
}

/// A rule of a list with its number.
fn numbered<'a, T>(rules: &'a [T], wanted: &'a T) -> Option<(usize, &'a T)> {
    rules.iter().enumerate().find(|(_, rule)| std::ptr::eq(*rule, wanted))
}

/// What has no effect: a pattern whose roles an earlier rule matches, so that an exception is none; and roles that
/// something is lent to and that do not borrow.
pub(super) fn findings(lending: &LendingConfig) -> Vec<String> {
    let lenders: Vec<_> = lending.lenders.iter().map(|rule| &*rule.roles).collect();
    let borrowers: Vec<_> = lending.borrowers.iter().map(|rule| &*rule.roles).collect();
    let mut findings = overtaken("lending.lenders", &lenders);
    findings.extend(overtaken("lending.borrowers", &borrowers));
    for (number, rule) in lending.lenders.iter().enumerate().filter(|(_, rule)| !rule.lend.is_empty()) {
        let nobodies = rule.to.iter().flatten().filter(|pattern| !some_borrow(pattern, lending));
        findings.extend(nobodies.map(|pattern| match pattern.literal() {
            Some(role) => format!(
                "lending.lenders[{number}] lends to role {role}, which no rule of lending.borrowers matches: it is offered nothing"
            ),
            None => format!(
                "lending.lenders[{number}] lends to {}, and no role in lending.borrowers is one of these: they are offered nothing",
                pattern.source()
            ),
        }));
    }
    findings
}

/// The patterns of a list of rules that never count, because an earlier rule matches all their roles.
fn overtaken(list: &str, rules: &[&[Pattern]]) -> Vec<String> {
    let mut findings = Vec::new();
    for (number, patterns) in rules.iter().enumerate() {
        for pattern in *patterns {
            let mut earlier = rules[..number].iter().enumerate();
            let first = earlier.find_map(|(first, rule)| {
                rule.iter().find(|wider| covers(wider, pattern)).map(|wider| (first, wider))
            });
            findings.extend(first.map(|(first, wider)| {
                format!(
                    "{list}[{number}] never counts for {}, because {} in {list}[{first}] matches first: exceptions go before it",
                    pattern.source(),
                    wider.source()
                )
            }));
        }
    }
    findings
}

/// Whether a pattern surely matches all that another one matches. Of two globs that can be said where the wider one is
/// everything, or everything inside a role.
fn covers(wider: &Pattern, pattern: &Pattern) -> bool {
    if let Some(role) = pattern.literal() {
        return wider.matches(role);
    }
    let inside =
        wider.source().strip_suffix("**").filter(|outer| !outer.contains(['*', '?', '[', '{', '\\']));
    inside.is_some_and(|outer| pattern.source().starts_with(outer))
}

/// Whether some role that a pattern matches may borrow: between two globs nobody knows.
fn some_borrow(pattern: &Pattern, lending: &LendingConfig) -> bool {
    if let Some(role) = pattern.literal() {
        return lending.borrower(role).is_some();
    }
    let mut borrowers = lending.borrowers.iter().flat_map(|rule| &rule.roles);
    borrowers.any(|borrower| borrower.literal().is_none_or(|role| pattern.matches(role)))
}
