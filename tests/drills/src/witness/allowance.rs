//! Which quotas may be in force, while calls that change them are under way.

use crate::error::DrillError;
use crate::operator::Answer;
use crate::quota::{Quota, Quotas};

/// Something that happens to quotas.
#[derive(Debug, Clone)]
pub(super) enum QuotaTurn {
    /// The operator is about to ask for this.
    Asked(Vec<(String, Quota)>),
    /// It has its answer.
    Answered(Answer),
    /// An operation that was asked for later has been through the allocator and the master and is with its agent: every
    /// offer that the allocator made before it knew of the last quotas has been sent.
    Flushed,
}

/// Every set of quotas that may be in force.
#[derive(Debug, Default)]
pub(super) struct Allowance {
    /// What the registry may hold: one, or several when no answer came.
    possible: Vec<Quotas>,
    /// What the registry no longer holds, but an offer may still have been made by.
    lingering: Vec<Quotas>,
    asked: Option<Vec<(String, Quota)>>,
}

impl Allowance {
    /// Exactly these are in force.
    pub(super) fn settled(quotas: Quotas) -> Allowance {
        Allowance { possible: vec![quotas], lingering: Vec::new(), asked: None }
    }

    /// Something has happened.
    pub(super) fn take(&mut self, turn: QuotaTurn) {
        match turn {
            QuotaTurn::Asked(update) => self.asked = Some(update),
            QuotaTurn::Answered(Answer::Refused(_)) => self.asked = None,
            QuotaTurn::Answered(Answer::Lost(_)) => {
                let updated = self.updated();
                self.possible.extend(updated);
                self.asked = None;
            }
            QuotaTurn::Answered(Answer::Done) => {
                let updated = self.updated();
                self.lingering.append(&mut self.possible);
                self.possible = updated;
                self.asked = None;
            }
            QuotaTurn::Flushed => self.lingering.clear(),
        }
    }

    /// The allocator is gone with its master: the next one knows what the registry holds.
    pub(super) fn forget_offers(&mut self) {
        self.lingering.clear();
    }

    fn updated(&self) -> Vec<Quotas> {
        let Some(update) = &self.asked else { return self.possible.clone() };
        self.possible.iter().map(|quotas| quotas.updated(update)).collect()
    }

    fn in_force(&self) -> Vec<Quotas> {
        let asked = self.asked.as_ref().map(|_| self.updated());
        [&self.possible, &self.lingering]
            .into_iter()
            .flatten()
            .cloned()
            .chain(asked.into_iter().flatten())
            .collect()
    }

    /// The highest limit that may be in force.
    pub(super) fn highest_limit(&self, role: &str, name: &str) -> f64 {
        let limits = self.in_force().into_iter().map(|quotas| quotas.of_role(role).limit(name));
        limits.reduce(f64::max).unwrap_or(f64::INFINITY)
    }

    /// The lowest and the highest guarantee that may be in force.
    pub(super) fn guarantees(&self, role: &str, name: &str) -> (f64, f64) {
        let guarantees = self.in_force().into_iter().map(|quotas| quotas.of_role(role).guarantee(name));
        let bounds = guarantees.map(|one| (one, one)).reduce(|one, two| (one.0.min(two.0), one.1.max(two.1)));
        bounds.unwrap_or_default()
    }

    /// Every role that any of them names.
    pub(super) fn roles(&self) -> Vec<String> {
        let mut roles: Vec<String> = self
            .in_force()
            .iter()
            .flat_map(|quotas| quotas.roles().map(str::to_owned).collect::<Vec<_>>())
            .collect();
        roles.sort();
        roles.dedup();
        roles
    }

    /// Compares with what the master has, which is in force from here on.
    pub(super) fn settle(&mut self, found: &Quotas) -> Result<(), DrillError> {
        if !self.possible.iter().any(|quotas| quotas.equals(found)) {
            let expected: Vec<String> = self.possible.iter().map(Quotas::to_string).collect();
            let expected = expected.join("\n  or ");
            return Err(DrillError::finding(format!("the master has {found}\n  and was told {expected}")));
        }
        *self = Allowance::settled(found.clone());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(role: &str, cpus: f64) -> (String, Quota) {
        let limits = std::collections::BTreeMap::from([("cpus".to_owned(), cpus)]);
        (role.to_owned(), Quota { limits, ..Quota::default() })
    }

    fn asked(before: f64, after: f64, answer: Option<Answer>) -> Allowance {
        let mut allowance = Allowance::settled(Quotas::default().updated(&[limit("red", before)]));
        allowance.take(QuotaTurn::Asked(vec![limit("red", after), limit("blue", 1.0)]));
        if let Some(answer) = answer {
            allowance.take(QuotaTurn::Answered(answer));
        }
        allowance
    }

    #[test]
    fn higher_of_two_limits_counts_until_the_lower_one_has_gone_through_the_allocator() {
        let limit = |allowance: &Allowance| allowance.highest_limit("red", "cpus");
        let mut allowance = asked(4.0, 2.0, None);
        assert!((limit(&allowance) - 4.0).abs() < 1e-9);
        allowance.take(QuotaTurn::Answered(Answer::Done));
        assert!((limit(&allowance) - 4.0).abs() < 1e-9);
        allowance.take(QuotaTurn::Flushed);
        assert!((limit(&allowance) - 2.0).abs() < 1e-9);
        assert!(limit(&asked(2.0, 4.0, Some(Answer::Refused(String::new())))) < 3.0);
        assert!(limit(&asked(2.0, 4.0, Some(Answer::Lost(String::new())))) > 3.0);
    }

    #[test]
    fn success_has_to_last_refusal_must_change_nothing_and_no_answer_is_all_or_nothing() {
        let before = Quotas::default().updated(&[limit("red", 4.0)]);
        let after = before.updated(&[limit("red", 2.0), limit("blue", 1.0)]);
        let half = before.updated(&[limit("red", 2.0)]);
        let fits = |answer: &Answer, found| asked(4.0, 2.0, Some(answer.clone())).settle(found).is_ok();
        let (done, refused) = (Answer::Done, Answer::Refused(String::new()));
        let lost = Answer::Lost(String::new());
        let table =
            [(done, [false, false, true]), (refused, [true, false, false]), (lost, [true, false, true])];
        for (answer, expected) in table {
            assert_eq!([&before, &half, &after].map(|found| fits(&answer, found)), expected, "{answer:?}");
        }
    }
}
