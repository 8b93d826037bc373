//! What the ledger counts.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::TurnedDown;

/// Roles that are counted each for itself: a launch says which role it is for before the master has looked at it, so
/// without a bound a framework could fill the memory of the master with names.
const ROLES_MAX: usize = 10_000;

/// Counters since the ledger began. They never fall.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Numbers {
    /// Launches on lent resources, by role of the borrower. A gang counts as one launch.
    pub roles: BTreeMap<Box<[u8]>, RoleNumbers>,
    /// Those of the roles that came when ten thousand were counted already.
    pub other_roles: RoleNumbers,
    /// Times from a launch without lent resources that left an agent with too much in use, until it fitted again.
    pub reclaims_for_owners: Reclaims,
    /// The same from launches with lent resources that were admitted over loans of a lower priority.
    pub reclaims_by_priority: Reclaims,
    /// Returns of more than was known to be in use. Anything but 0 says that the ledger missed something.
    pub unmatched_returns: u64,
    /// Lent resources that came into use without anybody telling of which framework: the hook's label method was not
    /// called.
    pub unattributed_uses: u64,
}

/// What became of the lent launches of one role.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RoleNumbers {
    /// Admitted, and launched by the master.
    pub commits: u64,
    /// Turned down because too little was left.
    pub conflicts: u64,
    /// Turned down for other reasons: mixed executors, labels that are wrong.
    pub refusals: u64,
}

impl RoleNumbers {
    /// Conflicts for each commit, as the Omega paper (Schwarzkopf et al., EuroSys 2013) defines the conflict fraction: 0
    /// without conflicts, 3 if a launch takes four attempts on average. `None` before the first commit.
    #[must_use]
    pub fn conflict_fraction(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "for display: counts beyond 2^53 do not occur")]
        (self.commits > 0).then(|| self.conflicts as f64 / self.commits as f64)
    }

    fn add(&mut self, other: &RoleNumbers) {
        self.commits += other.commits;
        self.conflicts += other.conflicts;
        self.refusals += other.refusals;
    }
}

/// How long it took until agents fitted again. Times in nanoseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reclaims {
    /// How many times.
    pub count: u64,
    /// Sum of the times.
    pub total_ns: u64,
    /// The longest.
    pub longest_ns: u64,
    /// The last.
    pub latest_ns: u64,
}

impl Reclaims {
    /// How long it took on average, in nanoseconds; `None` before the first.
    #[must_use]
    pub fn mean_ns(&self) -> Option<u64> {
        self.total_ns.checked_div(self.count)
    }

    pub(crate) fn add(&mut self, since: i64, now: i64) {
        // The host's clock can be set back.
        let took = u64::try_from(now.saturating_sub(since)).unwrap_or(0);
        self.count += 1;
        self.total_ns = self.total_ns.saturating_add(took);
        self.longest_ns = self.longest_ns.max(took);
        self.latest_ns = took;
    }
}

impl Numbers {
    /// All roles together.
    #[must_use]
    pub fn all_roles(&self) -> RoleNumbers {
        let mut sum = self.other_roles;
        self.roles.values().for_each(|role| sum.add(role));
        sum
    }

    /// A role with everything inside it.
    #[must_use]
    pub fn within(&self, role: &[u8]) -> RoleNumbers {
        let mut sum = self.roles.get(role).copied().unwrap_or_default();
        let prefix = [role, b"/"].concat();
        let inside = self.roles.range::<[u8], _>((Bound::Included(&*prefix), Bound::Unbounded));
        inside.take_while(|(name, _)| name.starts_with(&prefix)).for_each(|(_, role)| sum.add(role));
        sum
    }

    pub(crate) fn committed(&mut self, role: &[u8]) {
        self.role(role).commits += 1;
    }

    pub(crate) fn turned_down(&mut self, role: &[u8], reason: &TurnedDown) {
        match reason {
            TurnedDown::Gang { .. } => {}
            reason if reason.is_conflict() => self.role(role).conflicts += 1,
            _ => self.role(role).refusals += 1,
        }
    }

    fn role(&mut self, role: &[u8]) -> &mut RoleNumbers {
        if self.roles.len() >= ROLES_MAX && !self.roles.contains_key(role) {
            return &mut self.other_roles;
        }
        self.roles.entry(role.into()).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_counts_with_what_is_inside_it_and_not_with_what_begins_alike() {
        let mut numbers = Numbers::default();
        for role in [&b"prod"[..], b"prod/web", b"prod/web/a", b"prod-old", b"prod0"] {
            numbers.committed(role);
        }
        assert_eq!(numbers.within(b"prod").commits, 3);
        assert_eq!(numbers.within(b"prod/web").commits, 2);
        assert_eq!(numbers.within(b"pro").commits, 0);
        assert_eq!(numbers.all_roles().commits, 5);
    }

    #[test]
    fn names_beyond_the_bound_are_counted_together() {
        let mut numbers = Numbers::default();
        for number in 0..=ROLES_MAX {
            numbers.committed(number.to_string().as_bytes());
        }
        numbers.committed(b"0");
        assert_eq!((numbers.roles.len(), numbers.other_roles.commits), (ROLES_MAX, 1));
        assert_eq!(numbers.roles[&b"0"[..]].commits, 2);
        assert_eq!(numbers.all_roles().commits, ROLES_MAX as u64 + 2);
    }

    #[test]
    fn there_is_no_mean_before_the_first_time() {
        let mut reclaims = Reclaims::default();
        assert_eq!(reclaims.mean_ns(), None);
        reclaims.add(10, 20);
        reclaims.add(10, 40);
        assert_eq!(reclaims.mean_ns(), Some(20));
    }
}
