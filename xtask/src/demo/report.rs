//! What the run showed, for the summary and for machines.

use serde::Serialize;

use super::account::Account;
use super::fairness::RoleShare;
use super::tenants::ExplainedOffer;

/// One thing that was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Check {
    /// What was checked, as a statement.
    pub(super) what: String,
    /// Whether it holds.
    pub(super) passed: bool,
}

/// Everything that was shown. `--json` prints it.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    /// Whether the run came to its end and every check holds.
    pub(super) passed: bool,
    /// Why it did not come to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
    /// How long the cluster was left up for a visitor; not part of the other times.
    #[serde(skip)]
    pub(super) open_seconds: f64,
    /// How long the cluster took from its start to its end.
    pub(super) cluster_seconds: f64,
    /// How long everything took, with building and fetching.
    pub(super) total_seconds: f64,
    /// What each role wanted and got.
    pub(super) roles: Vec<RoleShare>,
    /// The offers in the order of the decisions, each with its reason.
    pub(super) offers: Vec<ExplainedOffer>,
    /// What was checked.
    pub(super) checks: Vec<Check>,
}

impl Report {
    /// Records a check and ticks it off in the account.
    pub(super) fn check(&mut self, account: &mut Account, passed: bool, what: impl Into<String>) {
        let what = what.into();
        account.tick(passed, &what);
        self.checks.push(Check { what, passed });
    }

    /// The checks that do not hold.
    pub(super) fn failed(&self) -> Vec<&str> {
        self.checks.iter().filter(|check| !check.passed).map(|check| check.what.as_str()).collect()
    }

    /// Why the command is no success; `None` when it is one. Sets [`Report::passed`].
    pub(super) fn close(&mut self) -> Option<String> {
        let failed = self.failed();
        let reason = match (&self.error, failed.len()) {
            (Some(error), _) => Some(error.clone()),
            (None, 0) if self.checks.is_empty() => Some("nothing was checked".to_owned()),
            (None, 0) => None,
            (None, _) => Some(format!(
                "{} of {} checks failed:\n  {}",
                failed.len(),
                self.checks.len(),
                failed.join("\n  ")
            )),
        };
        self.passed = reason.is_none();
        reason
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checks(outcomes: &[bool]) -> Vec<Check> {
        let check = |(number, &passed): (usize, &bool)| Check { what: format!("fact {number}"), passed };
        outcomes.iter().enumerate().map(check).collect()
    }

    #[test]
    fn run_without_checks_is_no_success() {
        let mut report = Report::default();
        assert_eq!(report.close().as_deref(), Some("nothing was checked"));
        assert!(!report.passed);
    }

    #[test]
    fn one_failed_check_is_named_and_fails_the_run() {
        let mut report = Report { checks: checks(&[true, false, true]), ..Report::default() };
        assert_eq!(report.close().as_deref(), Some("1 of 3 checks failed:\n  fact 1"));
        assert!(!report.passed);
    }

    #[test]
    fn run_that_broke_off_fails_whatever_was_checked_before() {
        let mut report =
            Report { checks: checks(&[true]), error: Some("no compiler".into()), ..Report::default() };
        assert_eq!(report.close().as_deref(), Some("no compiler"));
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!((json["passed"].as_bool(), json["error"].as_str()), (Some(false), Some("no compiler")));
    }

    #[test]
    fn run_with_only_good_checks_passes() {
        let mut report = Report { checks: checks(&[true, true]), ..Report::default() };
        assert_eq!(report.close(), None);
        assert!(report.passed);
        assert!(serde_json::to_value(&report).unwrap().get("error").is_none());
    }
}
