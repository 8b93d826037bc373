//! What there is to say about lending. Pure.

use apportion_config::{BorrowerRule, LenderRule, LendingConfig, RoleLimits};

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

/// What has no effect: a role that something is lent to by its name, and that does not borrow.
pub(super) fn findings(lending: &LendingConfig) -> Vec<String> {
    let mut findings = Vec::new();
    for (number, rule) in lending.lenders.iter().enumerate().filter(|(_, rule)| !rule.lend.is_empty()) {
        let named = rule.to.iter().flatten().filter_map(|pattern| pattern.literal());
        for role in named.filter(|role| lending.borrower(role).is_none()) {
            findings.push(format!(
                "lending.lenders[{number}] lends to role {role}, which no rule of lending.borrowers matches: it is offered nothing"
            ));
        }
    }
    findings
}
