//! The metrics of lending. There are none where nothing can be lent.
//!
//! Sums are there from the beginning. Those of a role appear when it, or a role inside it, first lends or borrows, and
//! stay: they count on, and roles are not forgotten. So their number is bounded; who comes too late is in the sums only.

use std::collections::BTreeMap;

use apportion_config::LendingConfig;
use apportion_core::{Allocator, Amount, Effects, Instant, RoleId};
use apportion_ledger::{Ledger, Numbers, Reclaims};

use super::slots::Slots;
use super::{Metric, Sources, amount_of, name, number};

/// Roles that have metrics of their own.
const ROLES_MAX: usize = 1000;

const PREFIX: &[u8] = b"allocator/apportion/lending/";

/// What is published of lending; resources by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum OfLending {
    Count(Count),
    /// Conflicts for each commit.
    ConflictFraction,
    ReclaimsForOwners(Time),
    ReclaimsByPriority(Time),
    /// What is lent of a resource.
    Lent(Box<[u8]>),
    /// What is borrowed of a resource.
    Borrowed(Box<[u8]>),
    OfRole(RoleId, OfRole),
}

/// What has happened so far, or is there now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Count {
    AgentsOverCommitted,
    Commits,
    Conflicts,
    FrameworksBackingOff,
    OffersMade,
    OffersOverlapped,
    Refusals,
    UnattributedUses,
    UnmatchedReturns,
}

impl Count {
    const ALL: [(Count, &'static str); 9] = [
        (Count::AgentsOverCommitted, "agents_over_committed"),
        (Count::Commits, "commits"),
        (Count::Conflicts, "conflicts"),
        (Count::FrameworksBackingOff, "frameworks_backing_off"),
        (Count::OffersMade, "offers_made"),
        (Count::OffersOverlapped, "offers_overlapped"),
        (Count::Refusals, "refusals"),
        (Count::UnattributedUses, "unattributed_uses"),
        (Count::UnmatchedReturns, "unmatched_returns"),
    ];
}

/// How often, and how long until capacity was free, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Time {
    Count,
    Latest,
    Longest,
    Mean,
}

impl Time {
    const ALL: [(Time, &'static str); 4] = [
        (Time::Count, "count"),
        (Time::Latest, "latest_ms"),
        (Time::Longest, "longest_ms"),
        (Time::Mean, "mean_ms"),
    ];

    fn of(self, reclaims: &Reclaims) -> Option<f64> {
        let milliseconds = |nanoseconds| number(nanoseconds) / 1e6;
        let mean = reclaims.mean_ns();
        match self {
            Time::Count => Some(number(reclaims.count)),
            Time::Latest => mean.map(|_| milliseconds(reclaims.latest_ns)),
            Time::Longest => mean.map(|_| milliseconds(reclaims.longest_ns)),
            Time::Mean => mean.map(milliseconds),
        }
    }
}

/// What is published of a role with everything inside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum OfRole {
    Lent(Box<[u8]>),
    Borrowed(Box<[u8]>),
    Commits,
    Conflicts,
}

/// The offers of what is lent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::allocator) struct Offers {
    pub(in crate::allocator) made: u64,
    /// Of agents of which another borrower had an offer too.
    pub(in crate::allocator) overlapped: u64,
}

/// The metrics of lending.
#[derive(Debug, Default)]
pub(super) struct Lending {
    /// Which resources may be lent.
    resources: Vec<Box<[u8]>>,
    /// The roles that have metrics: of what they lent, of what they borrowed.
    roles: BTreeMap<RoleId, (bool, bool)>,
    /// How many roles had lent and borrowed when their metrics were published last.
    seen: (usize, usize),
    is_full: bool,
    pub(super) offers: Offers,
    /// The host's clock at the last event.
    now: i64,
}

/// What numbers of lending are read off: the core, and the counters of the commit ledger at one moment.
#[derive(Debug)]
pub(super) struct Books {
    numbers: Numbers,
    over_committed: usize,
}

impl Books {
    /// Looks once: the master's launches wait meanwhile.
    pub(super) fn look(from: Sources<'_>) -> Option<Books> {
        let look = |ledger: &mut Ledger| Books {
            numbers: ledger.numbers().clone(),
            over_committed: ledger.over_committed().count(),
        };
        from.commits?.with(look)
    }
}

impl Lending {
    /// Publishes the sums, if anything can be lent.
    pub(super) fn publish(&mut self, rules: &LendingConfig, slots: &mut Slots<Metric>) {
        if !rules.is_on() {
            return;
        }
        self.resources = rules.resources.iter().map(|name| name.as_bytes().into()).collect();
        let mut add = |suffix: &[&[u8]], which| {
            slots.add(name(&[PREFIX, &suffix.concat()]), Metric::Lending(which));
        };
        for (count, suffix) in Count::ALL {
            add(&[suffix.as_bytes()], OfLending::Count(count));
        }
        add(&[b"conflict_fraction"], OfLending::ConflictFraction);
        for (time, suffix) in Time::ALL {
            add(&[b"reclaims_for_owners/", suffix.as_bytes()], OfLending::ReclaimsForOwners(time));
            add(&[b"reclaims_by_priority/", suffix.as_bytes()], OfLending::ReclaimsByPriority(time));
        }
        for resource in &self.resources {
            add(&[b"lent/", resource], OfLending::Lent(resource.clone()));
            add(&[b"borrowed/", resource], OfLending::Borrowed(resource.clone()));
        }
    }

    /// An event comes.
    pub(super) fn begin(&mut self, now: i64) {
        self.now = now;
    }

    /// An event has led to something: counts it, and publishes what there is to say about more roles.
    pub(super) fn end(&mut self, effects: &Effects, core: &Allocator, slots: &mut Slots<Metric>) {
        if let Some(run) = &effects.run {
            self.offers.made += u64::from(run.lent);
            self.offers.overlapped += u64::from(run.overlapped);
        }
        let seen = core.lending_roles_len();
        if std::mem::replace(&mut self.seen, seen) == seen {
            return;
        }
        for role in core.lending_roles() {
            if self.roles.len() < ROLES_MAX || self.roles.contains_key(&role) {
                self.follow_role(role, core, slots);
            } else if !std::mem::replace(&mut self.is_full, true) {
                tracing::warn!(
                    "{ROLES_MAX} roles have metrics of lending: further ones have none of their own"
                );
            }
        }
    }

    fn follow_role(&mut self, role: RoleId, core: &Allocator, slots: &mut Slots<Metric>) {
        let (lends, borrows) = core.has_lent_or_borrowed(role);
        let (lent, borrowed) = self.roles.insert(role, (lends, borrows)).unwrap_or_default();
        let mut add = |which: OfRole| {
            let name = which.name(core.role_name(role));
            slots.add(name, Metric::Lending(OfLending::OfRole(role, which)));
        };
        if lends && !lent {
            self.resources.iter().for_each(|resource| add(OfRole::Lent(resource.clone())));
        }
        if borrows && !borrowed {
            self.resources.iter().for_each(|resource| add(OfRole::Borrowed(resource.clone())));
            add(OfRole::Commits);
            add(OfRole::Conflicts);
        }
    }

    /// The number of one metric; `None` if it has none yet.
    pub(super) fn number_of(&self, which: &OfLending, core: &Allocator, books: &Books) -> Option<f64> {
        let numbers = &books.numbers;
        match which {
            OfLending::Count(count) => Some(number(self.count_of(*count, core, books))),
            OfLending::ConflictFraction => numbers.all_roles().conflict_fraction(),
            OfLending::ReclaimsForOwners(time) => time.of(&numbers.reclaims_for_owners),
            OfLending::ReclaimsByPriority(time) => time.of(&numbers.reclaims_by_priority),
            OfLending::Lent(resource) => Some(core.lent_in_all(resource).to_f64()),
            OfLending::Borrowed(resource) => Some(core.borrowed_in_all(resource).to_f64()),
            OfLending::OfRole(role, which) => {
                let of = |amounts, name| Some(amount_of(amounts, name).unwrap_or(Amount::ZERO.to_f64()));
                match which {
                    OfRole::Lent(resource) => of(&core.lending_numbers(*role).lent, resource),
                    OfRole::Borrowed(resource) => of(&core.lending_numbers(*role).borrowed, resource),
                    OfRole::Commits => Some(number(numbers.within(core.role_name(*role)).commits)),
                    OfRole::Conflicts => Some(number(numbers.within(core.role_name(*role)).conflicts)),
                }
            }
        }
    }

    fn count_of(&self, count: Count, core: &Allocator, books: &Books) -> u64 {
        match count {
            Count::AgentsOverCommitted => books.over_committed as u64,
            Count::Commits => books.numbers.all_roles().commits,
            Count::Conflicts => books.numbers.all_roles().conflicts,
            Count::FrameworksBackingOff => core.frameworks_backing_off(Instant::from_nanos(self.now)) as u64,
            Count::OffersMade => self.offers.made,
            Count::OffersOverlapped => self.offers.overlapped,
            Count::Refusals => books.numbers.all_roles().refusals,
            Count::UnattributedUses => books.numbers.unattributed_uses,
            Count::UnmatchedReturns => books.numbers.unmatched_returns,
        }
    }
}

impl OfRole {
    fn name(&self, role: &[u8]) -> Vec<u8> {
        let of_role = |suffix: &[&[u8]]| name(&[PREFIX, b"roles/", role, &suffix.concat()]);
        match self {
            OfRole::Lent(resource) => of_role(&[b"/lent/", resource]),
            OfRole::Borrowed(resource) => of_role(&[b"/borrowed/", resource]),
            OfRole::Commits => of_role(&[b"/commits"]),
            OfRole::Conflicts => of_role(&[b"/conflicts"]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_in_milliseconds_and_there_are_none_before_the_first() {
        let none = Reclaims::default();
        assert_eq!(Time::ALL.map(|(time, _)| time.of(&none)), [Some(0.0), None, None, None]);
        let two = Reclaims { count: 2, total_ns: 9_000_000, longest_ns: 6_000_000, latest_ns: 3_000_000 };
        assert_eq!(Time::ALL.map(|(time, _)| time.of(&two)), [Some(2.0), Some(3.0), Some(6.0), Some(4.5)]);
    }
}
