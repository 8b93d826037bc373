//! What the ledger counts.

use std::collections::BTreeMap;

use crate::TurnedDown;

/// Counters since the ledger began. They never fall.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Numbers {
    /// Launches on lent resources, by role of the borrower. A gang counts as one launch.
    pub roles: BTreeMap<Box<[u8]>, RoleNumbers>,
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
        let mut sum = RoleNumbers::default();
        for role in self.roles.values() {
            sum.commits += role.commits;
            sum.conflicts += role.conflicts;
            sum.refusals += role.refusals;
        }
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
        self.roles.entry(role.into()).or_default()
    }
}
