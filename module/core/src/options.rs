//! What the master decides once, when it initializes the allocator, and the clock type all times are in.

use std::fmt;
use std::time::Duration;

use crate::amount::Amount;
use crate::lending::policy::LendingPolicy;

/// A point in time, in nanoseconds since the epoch. Always passed in: nothing here reads a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Instant(i64);

impl Instant {
    /// So many nanoseconds after the epoch.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds after the epoch.
    #[must_use]
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// This point so much later; stops at the end of time (the year 2262).
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        let nanos = i64::try_from(span.as_nanos()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(nanos))
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:09}s", self.0.div_euclid(1_000_000_000), self.0.rem_euclid(1_000_000_000))
    }
}

/// Amounts by resource name: all of them must be there for an offer to be worth making.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Minimum {
    /// (resource name, least amount); for ranges and sets the amount is a count.
    pub amounts: Vec<(Box<[u8]>, Amount)>,
}

/// The options of the allocator. `Default` is what Mesos uses when nothing is said.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Time between two batch runs; also the shortest time an offer filter lasts.
    pub allocation_interval: Duration,
    /// Resource names that do not count for fair shares.
    pub fairness_excluded: Vec<Box<[u8]>>,
    /// Offer agents with GPUs only to frameworks that can use GPUs.
    pub filter_gpu_resources: bool,
    /// The region of the master, if it has a fault domain.
    pub region: Option<Box<[u8]>>,
    /// Alternatives, one of which an offer must meet; an empty list lets every offer that is not empty through.
    pub min_allocatable: Vec<Minimum>,
    /// How long after a failover with quotas offers wait for agents to come back, at most.
    pub recovery_timeout: Duration,
    /// Which part of the expected agents ends that wait.
    pub agent_recovery_factor: f64,
    /// How roles, and frameworks within a role, are ordered.
    pub order: Order,
    /// What of idle capacity is lent to whom.
    pub lending: LendingPolicy,
    /// What the order of agents in a run is shuffled by, and what a random order of roles and frameworks comes from.
    pub seed: u64,
}

/// How roles, and frameworks within a role, are ordered. Mesos calls it the sorter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// By dominant share: who has least comes first.
    #[default]
    DominantShare,
    /// By lot, weighted: weighted sampling without replacement (Efraimidis and Spirakis, 2006).
    ///
    /// ```text
    /// relative weight = that of the parent × weight / weights of the node and its active siblings     (root: 1)
    /// lot             = −ln(u) / relative weight, smallest first
    /// u               = ((SplitMix64(key xor path key) >> 11) + 0.5) / 2^53
    /// ```
    ///
    /// The key of roles is [`agent_order_key`] of the seed, the run, the stage and the agent; that of the frameworks in a
    /// role is the same xor the FNV-1a hash (64 bits) of the role's name. A path key is FNV-1a over each component of
    /// the path followed by `/`, with `.` for a role's own place among the roles inside it; a framework's path is its
    /// id. A role has a lot whether or not its frameworks suppressed offers. Equal lots go by the order of arrival.
    ///
    /// [`agent_order_key`]: crate::agent_order_key
    Random,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            allocation_interval: Duration::from_secs(1),
            fairness_excluded: Vec::new(),
            filter_gpu_resources: true,
            region: None,
            min_allocatable: Vec::new(),
            recovery_timeout: Duration::from_secs(600),
            agent_recovery_factor: 0.8,
            order: Order::default(),
            lending: LendingPolicy::default(),
            seed: 0,
        }
    }
}
