//! Offer filters: what a framework refused on an agent is not offered to it again for a while.
//!
//! A filter holds back any offer that is contained in what was refused, so an agent that has more or other resources
//! now is offered. Filters of the same framework, role and agent are not summed.
//!
//! Invariants: sums are those of the filters; a filter is never dropped before its time, and one that was shorter than the
//! allocation interval not before a batch run has happened, so that others get their chance.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::time::Duration;

use crate::holding::Holding;
use crate::ids::RoleId;
use crate::options::Instant;
use smallvec::SmallVec;

/// The longest time an offer can be refused for: 365 days.
pub(crate) const LONGEST_REFUSAL: Duration = Duration::from_secs(365 * 24 * 60 * 60);
/// What counts when the refusal time makes no sense: 5 seconds.
pub(crate) const DEFAULT_REFUSAL: Duration = Duration::from_secs(5);

/// For how long an offer is refused.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Refusal {
    /// How long; zero means no filter.
    pub(crate) time: Duration,
    /// Whether the framework's number was replaced.
    pub(crate) replaced: bool,
}

impl Refusal {
    /// What a framework's number of seconds counts as: beyond 365 days is 365 days, negative or NaN is 5 seconds,
    /// below a nanosecond is nothing.
    pub(crate) fn from_seconds(seconds: f64) -> Self {
        if seconds.is_nan() || seconds < 0.0 {
            return Self { time: DEFAULT_REFUSAL, replaced: true };
        }
        // Out of range includes infinity.
        match Duration::try_from_secs_f64(seconds) {
            Ok(time) if time <= LONGEST_REFUSAL => Self { time: truncated(seconds, time), replaced: false },
            _ => Self { time: LONGEST_REFUSAL, replaced: true },
        }
    }
}

/// `Duration` rounds to the nearest nanosecond where Mesos cuts: only whether anything is left matters.
fn truncated(seconds: f64, time: Duration) -> Duration {
    if seconds * 1e9 < 1.0 { Duration::ZERO } else { time }
}

/// Who refused: slot of the framework, and the role.
pub(crate) type Party = (u32, RoleId);

/// One filter, where its agent keeps it.
#[derive(Debug, Clone)]
struct Filter {
    /// Number of batch runs that must have happened before it can go; the last bits of it.
    after_batches: u32,
    refused: Holding,
    until: Instant,
    number: u64,
}

/// The filters on one agent: by standing of the party, then in the order in which they were installed.
#[derive(Debug, Clone, Default)]
struct OnAgent {
    /// Where [`Filters::standings`] has the party of each filter. Apart from them: whoever is asked looks for its own.
    standings: Vec<u32>,
    filters: Vec<Filter>,
}

impl OnAgent {
    fn insert(&mut self, standing: u32, filter: Filter) {
        if self.filters.len() == self.filters.capacity() {
            // A quarter more, not twice as many: there can be one for each framework on each agent.
            let more = self.filters.len() / 4 + 1;
            self.filters.reserve_exact(more);
            self.standings.reserve_exact(more);
        }
        let at = self.standings.partition_point(|other| *other <= standing);
        self.standings.insert(at, standing);
        self.filters.insert(at, filter);
    }

    /// Those of one party.
    fn of(&self, standing: u32) -> &[Filter] {
        let first = self.standings.partition_point(|other| *other < standing);
        let count = self.standings[first..].iter().take_while(|other| **other == standing).count();
        &self.filters[first..first + count]
    }

    /// Forgets those that `stays` refuses, asked in their order.
    fn retain(&mut self, mut stays: impl FnMut(u32, &Filter) -> bool) {
        let mut kept = 0;
        for at in 0..self.filters.len() {
            if stays(self.standings[at], &self.filters[at]) {
                self.standings.swap(kept, at);
                self.filters.swap(kept, at);
                kept += 1;
            }
        }
        self.standings.truncate(kept);
        self.filters.truncate(kept);
    }

    fn iter(&self) -> impl Iterator<Item = (u32, &Filter)> {
        self.standings.iter().copied().zip(&self.filters)
    }
}

/// What is known of a party.
#[derive(Debug, Clone)]
struct Standing {
    party: Party,
    /// Filters up to this number were dropped together; those that still stand somewhere are void.
    dropped: u64,
    /// How many filters count.
    live: usize,
}

/// All offer filters.
///
/// Dropping all filters of a party is a note that they are void, however many there are: a framework that revives its
/// offers in a large cluster must not wait for them to be looked up one by one. Void filters go when their agent is looked
/// at for other reasons, and all at once when there are more of them than of others.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filters {
    /// By slot of the agent.
    on_agent: Vec<OnAgent>,
    standings: Vec<Standing>,
    /// Where each party that ever had a filter stands: by slot of the framework, in the order of
    /// its roles.
    of_framework: Vec<SmallVec<[(RoleId, u32); 2]>>,
    /// When some filter on an agent (slot) is due. Void filters may be among them, and agents that are gone.
    due: BinaryHeap<Reverse<(Instant, u32)>>,
    /// Filters whose time is up, but not their batch runs. They go back to the others: the host's clock can be set back.
    overdue: Vec<Reverse<(Instant, u32)>>,
    installed: u64,
    live: usize,
    void: usize,
}

/// So many void filters are not worth a search.
const VOID_AT_LEAST: usize = 4096;

impl Filters {
    /// Installs a filter for `max(time, interval)` from `now`, when so many batch runs have happened; nothing if
    /// `time` is zero.
    pub(crate) fn install(
        &mut self,
        (party, agent): (Party, u32),
        refused: Holding,
        (time, interval): (Duration, Duration),
        now: Instant,
        batches: u64,
    ) {
        if time.is_zero() {
            return;
        }
        self.installed += 1;
        let (number, until) = (self.installed, now.after(time.max(interval)));
        let after_batches = low_bits(if time <= interval { batches + 1 } else { batches });
        let place = agent as usize;
        if self.on_agent.len() <= place {
            self.on_agent.resize_with(place + 1, OnAgent::default);
        }
        self.forget_void_on(place);
        let most = self.live + VOID_AT_LEAST;
        if self.due.len() > 2 * most || self.standings.len() > most {
            self.forget_void();
        }
        let standing = self.standing_of(party);
        self.standings[standing as usize].live += 1;
        self.live += 1;
        self.due.push(Reverse((until, agent)));
        self.on_agent[place].insert(standing, Filter { after_batches, refused, until, number });
    }

    /// Where a party stands, if it ever had a filter.
    fn find(&self, (framework, role): Party) -> Option<u32> {
        let roles = self.of_framework.get(framework as usize)?;
        roles.binary_search_by_key(&role, |(of, _)| *of).ok().map(|at| roles[at].1)
    }

    fn standing_of(&mut self, party: Party) -> u32 {
        if let Some(found) = self.find(party) {
            return found;
        }
        let at = u32::try_from(self.standings.len()).expect("fewer than 2^32 parties fit into memory");
        self.standings.push(Standing { party, dropped: 0, live: 0 });
        self.note(party, at);
        at
    }

    fn note(&mut self, (framework, role): Party, standing: u32) {
        let place = framework as usize;
        if self.of_framework.len() <= place {
            self.of_framework.resize_with(place + 1, SmallVec::new);
        }
        let roles = &mut self.of_framework[place];
        let at = roles.partition_point(|(other, _)| *other < role);
        roles.insert(at, (role, standing));
    }

    /// Whether an offer of these resources was refused and is still held back.
    pub(crate) fn holds_back(&self, party: Party, agent: u32, resources: &Holding) -> bool {
        let Some(found) = self.find(party) else { return false };
        let standing = &self.standings[found as usize];
        if standing.live == 0 {
            // Whoever just revived has none anywhere, and is asked about every agent.
            return false;
        }
        let filters = self.on_agent.get(agent as usize).map_or(&[][..], |on_agent| on_agent.of(found));
        filters.iter().any(|filter| filter.number > standing.dropped && filter.refused.contains(resources))
    }

    /// Drops the filters whose time is up; tells the slots of the agents that had one.
    pub(crate) fn expire(&mut self, now: Instant, batches: u64) -> Vec<u32> {
        if !self.overdue.is_empty() {
            self.due.extend(self.overdue.drain(..));
        }
        let mut agents = Vec::new();
        while let Some(Reverse((_, agent))) = self.due.peek().filter(|Reverse((until, _))| *until <= now) {
            agents.push(*agent);
            self.due.pop();
        }
        agents.sort_unstable();
        agents.dedup();
        agents.retain(|agent| self.expire_on(*agent, now, batches));
        agents
    }

    /// Drops the filters of one agent whose time is up; says whether one that counted was among them.
    fn expire_on(&mut self, agent: u32, now: Instant, batches: u64) -> bool {
        let mut gone = false;
        let (standings, live, void) = (&mut self.standings, &mut self.live, &mut self.void);
        let overdue = &mut self.overdue;
        self.on_agent[agent as usize].retain(|at, filter| {
            let standing = &mut standings[at as usize];
            if filter.number <= standing.dropped {
                *void -= 1;
                return false;
            }
            if filter.until > now {
                return true;
            }
            if !has_happened(filter.after_batches, batches) {
                overdue.push(Reverse((filter.until, agent)));
                return true;
            }
            standing.live -= 1;
            *live -= 1;
            gone = true;
            false
        });
        gone
    }

    /// Drops all filters of a framework in a role; tells whether there were any.
    pub(crate) fn drop_party(&mut self, party: Party) -> bool {
        let Some(found) = self.find(party) else { return false };
        let standing = &mut self.standings[found as usize];
        let dropped = std::mem::take(&mut standing.live);
        standing.dropped = self.installed;
        self.live -= dropped;
        self.void += dropped;
        if self.void > self.live + VOID_AT_LEAST {
            self.forget_void();
        }
        dropped > 0
    }

    /// Drops all filters of a framework.
    pub(crate) fn drop_framework(&mut self, framework: u32) {
        let roles = self.of_framework.get(framework as usize).cloned().unwrap_or_default();
        for (role, _) in roles {
            self.drop_party((framework, role));
        }
    }

    /// The number of the filter that was installed last.
    pub(crate) fn newest(&self) -> u64 {
        self.installed
    }

    /// Drops those filters of a party on an agent that were installed after a numbered one and refuse what `is_meant`;
    /// tells whether there were any.
    pub(crate) fn drop_newer(
        &mut self,
        (party, agent): (Party, u32),
        than: u64,
        is_meant: impl Fn(&Holding) -> bool,
    ) -> bool {
        let Some(found) = self.find(party) else { return false };
        let standing = &mut self.standings[found as usize];
        let Some(on_agent) = self.on_agent.get_mut(agent as usize) else { return false };
        let than = than.max(standing.dropped);
        let before = on_agent.filters.len();
        on_agent.retain(|at, filter| !(at == found && filter.number > than && is_meant(&filter.refused)));
        let gone = before - on_agent.filters.len();
        standing.live -= gone;
        self.live -= gone;
        gone > 0
    }

    /// Drops all filters on an agent; tells how many there were.
    pub(crate) fn drop_agent(&mut self, agent: u32) -> usize {
        if self.on_agent.len() <= agent as usize {
            return 0;
        }
        self.forget_void_on(agent as usize);
        let dropped = std::mem::take(&mut self.on_agent[agent as usize]);
        for standing in &dropped.standings {
            self.standings[*standing as usize].live -= 1;
        }
        self.live -= dropped.filters.len();
        dropped.filters.len()
    }

    /// Forgets the void filters on an agent.
    fn forget_void_on(&mut self, agent: usize) {
        if self.void == 0 {
            return;
        }
        let (on_agent, standings) = (&mut self.on_agent[agent], &self.standings);
        let before = on_agent.filters.len();
        on_agent.retain(|at, filter| filter.number > standings[at as usize].dropped);
        self.void -= before - on_agent.filters.len();
    }

    /// Forgets all void filters, and parties and times that nothing is left of.
    fn forget_void(&mut self) {
        for agent in 0..self.on_agent.len() {
            self.forget_void_on(agent);
            self.on_agent[agent].filters.shrink_to_fit();
            self.on_agent[agent].standings.shrink_to_fit();
        }
        let moved = self.close_ranks();
        self.due.clear();
        for (agent, on_agent) in (0_u32..).zip(&mut self.on_agent) {
            for standing in &mut on_agent.standings {
                *standing = moved[*standing as usize];
            }
            self.due.extend(on_agent.filters.iter().map(|filter| Reverse((filter.until, agent))));
        }
    }

    /// Forgets parties without filters; tells where each of the others stands now. Their order stays.
    fn close_ranks(&mut self) -> Vec<u32> {
        let mut moved = vec![0; self.standings.len()];
        self.of_framework.clear();
        let (mut kept, mut next) = (Vec::new(), 0);
        for (was, standing) in std::mem::take(&mut self.standings).into_iter().enumerate() {
            if standing.live > 0 {
                moved[was] = next;
                self.note(standing.party, next);
                kept.push(standing);
                next += 1;
            }
        }
        self.standings = kept;
        moved
    }

    /// How many filters there are.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.live
    }

    /// How many filters frameworks have installed in a role.
    pub(crate) fn len_in_role(&self, role: RoleId) -> usize {
        let standings = self.standings.iter().filter(|standing| standing.party.1 == role);
        standings.map(|standing| standing.live).sum()
    }

    /// Everyone with a filter, and the agents (slots) it is on.
    pub(crate) fn parties(&self) -> impl Iterator<Item = (Party, impl Iterator<Item = u32>)> {
        let live = (0_u32..).zip(&self.standings).filter(|(_, standing)| standing.live > 0);
        live.map(|(at, standing)| {
            let has = move |on_agent: &OnAgent| {
                on_agent.of(at).iter().any(|filter| filter.number > standing.dropped)
            };
            let agents = (0_u32..).zip(&self.on_agent).filter(move |(_, on_agent)| has(on_agent));
            (standing.party, agents.map(|(agent, _)| agent))
        })
    }

    /// Whether the sums are those of the filters, and each filter is where it is looked for and will be due.
    pub(crate) fn is_consistent(&self) -> bool {
        let all = || self.on_agent.iter().flat_map(OnAgent::iter);
        let counts = |at: u32, filter: &Filter| filter.number > self.standings[at as usize].dropped;
        let live = |of: u32| all().filter(|(at, filter)| *at == of && counts(*at, filter)).count();
        let due: BTreeSet<(Instant, u32)> =
            self.due.iter().chain(&self.overdue).map(|Reverse(due)| *due).collect();
        let is_due = |filter: &Filter, agent: u32| due.contains(&(filter.until, agent));
        (0_u32..)
            .zip(&self.standings)
            .all(|(at, standing)| standing.live == live(at) && self.find(standing.party) == Some(at))
            && self.live == self.standings.iter().map(|standing| standing.live).sum::<usize>()
            && self.live + self.void == all().count()
            && self.on_agent.iter().all(|on_agent| {
                on_agent.standings.is_sorted() && on_agent.standings.len() == on_agent.filters.len()
            })
            && (0_u32..).zip(&self.on_agent).all(|(agent, on_agent)| {
                on_agent.iter().all(|(at, filter)| !counts(at, filter) || is_due(filter, agent))
            })
    }
}

/// The last bits of a number of batch runs: at one a second they last for a century, and no filter does.
#[expect(clippy::cast_possible_truncation, reason = "the last bits are what is wanted")]
fn low_bits(batches: u64) -> u32 {
    batches as u32
}

/// Whether so many batch runs have happened, given the last bits of how many it takes.
fn has_happened(after: u32, batches: u64) -> bool {
    low_bits(batches).wrapping_sub(after) < u32::MAX / 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Amount, Item, KindId};

    const INTERVAL: Duration = Duration::from_secs(1);
    const PARTY: Party = (3, RoleId::new(0));

    fn cpus(units: i64) -> Holding {
        Holding::new([Item::scalar(KindId::new(0, true, false), Amount::whole(units))])
    }

    fn seconds(seconds: i64) -> Instant {
        Instant::from_nanos(seconds * 1_000_000_000)
    }

    fn filters(refused: &[(i64, u64)]) -> Filters {
        let mut filters = Filters::default();
        for (units, time) in refused {
            let time = Duration::from_secs(*time);
            filters.install((PARTY, 2), cpus(*units), (time, INTERVAL), seconds(0), 0);
        }
        assert!(filters.is_consistent());
        filters
    }

    #[test]
    fn refusal_times_that_make_no_sense_are_replaced() {
        let time = |said| Refusal::from_seconds(said).time;
        assert_eq!(time(0.0), Duration::ZERO);
        assert_eq!(time(0.9e-9), Duration::ZERO);
        assert_eq!(time(2.5), Duration::from_millis(2500));
        for said in [-1.0, f64::NAN, f64::NEG_INFINITY] {
            assert_eq!(Refusal::from_seconds(said), Refusal { time: DEFAULT_REFUSAL, replaced: true });
        }
        for said in [1e300, f64::INFINITY, 31_536_001.0] {
            assert_eq!(Refusal::from_seconds(said), Refusal { time: LONGEST_REFUSAL, replaced: true });
        }
        assert_eq!(Refusal::from_seconds(31_536_000.0), Refusal { time: LONGEST_REFUSAL, replaced: false });
    }

    #[test]
    fn a_filter_holds_back_what_was_refused_and_less_but_not_more() {
        let filters = filters(&[(4, 5), (2, 5)]);
        assert!(filters.holds_back(PARTY, 2, &cpus(4)) && filters.holds_back(PARTY, 2, &cpus(3)));
        assert!(!filters.holds_back(PARTY, 2, &cpus(5)), "filters are not summed");
        assert!(!filters.holds_back(PARTY, 1, &cpus(1)) && !filters.holds_back((4, PARTY.1), 2, &cpus(1)));
    }

    #[test]
    fn a_filter_goes_when_its_time_is_up_and_not_before() {
        let mut filters = filters(&[(4, 5)]);
        assert_eq!(filters.expire(Instant::from_nanos(4_999_999_999), 9), [0_u32; 0]);
        assert_eq!(filters.expire(seconds(5), 0), [2]);
        assert!(filters.is_consistent() && filters.len() == 0);
    }

    #[test]
    fn a_short_refusal_lasts_the_interval_and_one_batch_run() {
        let mut filters = Filters::default();
        let short = (Duration::from_nanos(1), INTERVAL);
        filters.install((PARTY, 2), cpus(1), short, seconds(0), 7);
        assert_eq!(filters.expire(Instant::from_nanos(999_999_999), 8), [0_u32; 0]);
        assert_eq!(filters.expire(seconds(1), 7), [0_u32; 0], "no batch run since");
        assert_eq!(filters.expire(seconds(1), 8), [2]);
    }

    #[test]
    fn a_filter_that_waits_for_a_batch_run_is_not_forgotten_when_the_clock_is_set_back() {
        let mut filters = Filters::default();
        filters.install((PARTY, 2), cpus(1), (INTERVAL, INTERVAL), seconds(5), 7);
        assert_eq!(filters.expire(seconds(6), 7), [0_u32; 0]);
        assert_eq!(filters.expire(seconds(5), 8), [0_u32; 0], "not before its time");
        assert!(filters.is_consistent());
        assert_eq!(filters.expire(seconds(6), 8), [2]);
        assert!(filters.is_consistent() && filters.len() == 0);
    }

    #[test]
    fn newer_filters_of_a_party_on_an_agent_can_be_dropped_alone() {
        let mut filters = filters(&[(4, 5), (2, 9)]);
        let than = filters.newest();
        for (framework, units) in [(3, 1), (3, 7), (4, 1)] {
            let party = (framework, PARTY.1);
            filters.install((party, 5), cpus(units), (INTERVAL, INTERVAL), seconds(0), 0);
        }
        let one = |refused: &Holding| *refused == cpus(1);
        assert!(filters.drop_newer(((3, PARTY.1), 5), than, one));
        assert!(!filters.drop_newer(((3, PARTY.1), 5), than, one), "once");
        assert!(
            !filters.drop_newer(((9, PARTY.1), 5), than, one) && !filters.drop_newer((PARTY, 99), than, one)
        );
        assert!(filters.is_consistent() && filters.len() == 4);
        assert!(filters.holds_back(PARTY, 2, &cpus(4)) && filters.holds_back((4, PARTY.1), 5, &cpus(1)));
        assert!(filters.drop_newer(((3, PARTY.1), 5), than, |_| true));
        assert!(filters.is_consistent() && filters.len() == 3);
        assert!(!filters.holds_back(PARTY, 5, &cpus(1)));
    }

    #[test]
    fn what_a_party_dropped_is_void_and_what_it_installs_afterwards_is_not() {
        let mut filters = filters(&[(4, 5), (2, 9)]);
        assert!(filters.drop_party(PARTY));
        assert!(filters.is_consistent() && !filters.holds_back(PARTY, 2, &cpus(1)));
        filters.install((PARTY, 2), cpus(3), (Duration::from_secs(7), INTERVAL), seconds(0), 0);
        assert!(filters.is_consistent() && filters.len() == 1 && filters.len_in_role(PARTY.1) == 1);
        assert!(filters.holds_back(PARTY, 2, &cpus(3)) && !filters.holds_back(PARTY, 2, &cpus(4)));
        assert_eq!(filters.expire(seconds(6), 9), [0_u32; 0], "the time of what is void passes unnoticed");
        assert_eq!(filters.expire(seconds(9), 9), [2]);
        assert!(filters.is_consistent() && filters.len() == 0);
    }

    #[test]
    fn void_filters_do_not_pile_up() {
        let mut filters = Filters::default();
        let year = (Duration::from_secs(365 * 24 * 60 * 60), INTERVAL);
        for framework in 0..200 {
            for agent in 0..100 {
                filters.install(((framework, PARTY.1), agent), cpus(1), year, seconds(0), 0);
            }
            filters.drop_framework(framework);
            let kept: usize = filters.on_agent.iter().map(|on_agent| on_agent.filters.len()).sum();
            assert!(
                kept <= VOID_AT_LEAST + 100 && filters.due.len() <= 2 * VOID_AT_LEAST + 200,
                "{framework}: {kept}"
            );
        }
        assert!(filters.is_consistent() && filters.len() == 0);
    }

    #[test]
    fn sweeping_void_filters_leaves_those_of_others_as_they_were() {
        let mut filters = Filters::default();
        let last = 300;
        // Everybody refuses every agent, each by another amount and for another time; some parties in other roles.
        let party = |framework: u32| (framework, RoleId::new(framework % 3));
        for agent in 0..20 {
            for framework in (0..=last).rev() {
                let (units, time) =
                    (i64::from(framework) + 1, Duration::from_secs(u64::from(framework) + 10));
                filters.install((party(framework), agent), cpus(units), (time, INTERVAL), seconds(0), 0);
            }
        }
        let dropped = |framework: u32| framework.is_multiple_of(4) || framework > 40 && framework < 290;
        for framework in (0..=last).filter(|framework| dropped(*framework)) {
            filters.drop_framework(framework);
            assert!(filters.is_consistent(), "{framework}");
        }
        assert!(filters.void <= filters.live + VOID_AT_LEAST && filters.standings.len() < 301, "swept");
        for framework in 0..=last {
            let holds_back = |units| filters.holds_back(party(framework), 7, &cpus(units));
            let own = i64::from(framework) + 1;
            assert_eq!(holds_back(own), !dropped(framework), "{framework}");
            assert!(!holds_back(own + 1), "{framework}: it is held back by its own refusal only");
        }
        for framework in (0..=last).filter(|framework| !dropped(*framework)) {
            let due = i64::from(framework) + 10;
            assert_eq!(filters.expire(seconds(due - 1), 9), [0_u32; 0], "{framework}");
            assert_eq!(filters.expire(seconds(due), 9).len(), 20, "{framework}");
        }
        assert!(filters.is_consistent() && filters.len() == 0);
    }

    #[test]
    fn a_filter_takes_little_memory() {
        assert!(size_of::<Filter>() <= 48 && size_of::<Reverse<(Instant, u32)>>() <= 16);
    }

    #[test]
    fn dropping_by_party_and_by_agent_leaves_nothing_behind() {
        let mut by_party = filters(&[(4, 5), (2, 9)]);
        assert!(by_party.drop_party(PARTY) && !by_party.drop_party(PARTY));
        let mut by_agent = filters(&[(4, 5), (2, 9)]);
        assert_eq!((by_agent.drop_agent(2), by_agent.drop_agent(2), by_agent.drop_agent(77)), (2, 0, 0));
        for filters in [by_party, by_agent] {
            assert!(filters.is_consistent() && filters.len() == 0);
            assert_eq!(filters.parties().count(), 0);
        }
    }
}
