//! Offer filters: what a framework refused on an agent is not offered to it again for a while.
//!
//! A filter holds back any offer that is contained in what was refused, so an agent that has more or other resources
//! now is offered. Filters of the same framework, role and agent are not summed.
//!
//! Invariants: the three indexes name the same filters; a filter is never dropped before its time, and one that was
//! shorter than the allocation interval not before a batch run has happened, so that others get their chance.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::holding::Holding;
use crate::ids::RoleId;
use crate::options::Instant;

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

#[derive(Debug, Clone)]
struct Filter {
    refused: Holding,
    until: Instant,
    number: u64,
}

#[derive(Debug, Clone, Copy)]
struct Due {
    agent: u32,
    party: Party,
    /// Number of batch runs that must have happened before it can go.
    after_batches: u64,
}

/// All offer filters.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filters {
    /// By slot of the agent.
    on_agent: Vec<BTreeMap<Party, Vec<Filter>>>,
    /// Slots of the agents each party has filters on.
    of_party: BTreeMap<Party, BTreeSet<u32>>,
    /// When each filter is due, with its number.
    due: BTreeMap<(Instant, u64), Due>,
    installed: u64,
}

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
        let after_batches = if time <= interval { batches + 1 } else { 0 };
        self.due.insert((until, number), Due { agent, party, after_batches });
        let place = agent as usize;
        if self.on_agent.len() <= place {
            self.on_agent.resize(place + 1, BTreeMap::new());
        }
        self.on_agent[place].entry(party).or_default().push(Filter { refused, until, number });
        self.of_party.entry(party).or_default().insert(agent);
    }

    /// Whether an offer of these resources was refused and is still held back.
    pub(crate) fn holds_back(&self, party: Party, agent: u32, resources: &Holding) -> bool {
        let filters = self.on_agent.get(agent as usize).and_then(|parties| parties.get(&party));
        filters.is_some_and(|filters| filters.iter().any(|filter| filter.refused.contains(resources)))
    }

    /// Drops the filters whose time is up; tells the slots of the agents that had one.
    pub(crate) fn expire(&mut self, now: Instant, batches: u64) -> Vec<u32> {
        let due = self.due.range(..=(now, u64::MAX)).filter(|(_, due)| due.after_batches <= batches);
        let due: Vec<_> = due.map(|(key, due)| (*key, *due)).collect();
        let mut agents = Vec::with_capacity(due.len());
        for ((until, number), due) in due {
            self.due.remove(&(until, number));
            let parties = &mut self.on_agent[due.agent as usize];
            if let Some(filters) = parties.get_mut(&due.party) {
                filters.retain(|filter| filter.number != number);
                if filters.is_empty() {
                    parties.remove(&due.party);
                    self.leave(due.party, due.agent);
                }
            }
            agents.push(due.agent);
        }
        agents
    }

    /// Drops all filters of a framework in a role; tells whether there were any.
    pub(crate) fn drop_party(&mut self, party: Party) -> bool {
        let Some(agents) = self.of_party.remove(&party) else { return false };
        for agent in agents {
            let filters = self.on_agent[agent as usize].remove(&party).unwrap_or_default();
            for filter in filters {
                self.due.remove(&(filter.until, filter.number));
            }
        }
        true
    }

    /// Drops all filters of a framework.
    pub(crate) fn drop_framework(&mut self, framework: u32) {
        let first = (framework, RoleId::new(0));
        let parties: Vec<Party> = self
            .of_party
            .range(first..)
            .map(|(party, _)| *party)
            .take_while(|party| party.0 == framework)
            .collect();
        for party in parties {
            self.drop_party(party);
        }
    }

    /// The number of the filter that was installed last.
    pub(crate) fn newest(&self) -> u64 {
        self.installed
    }

    /// Drops those filters of a framework that were installed after a numbered one and refuse what `is_meant` on an agent
    /// (its slot); tells the slots of the agents that had one.
    pub(crate) fn drop_newer(
        &mut self,
        framework: u32,
        than: u64,
        is_meant: impl Fn(u32, &Holding) -> bool,
    ) -> Vec<u32> {
        let drops = |agent, filter: &Filter| filter.number > than && is_meant(agent, &filter.refused);
        let first = (framework, RoleId::new(0));
        let parties = self.of_party.range(first..).take_while(|(party, _)| party.0 == framework);
        let places: Vec<(Party, u32)> =
            parties.flat_map(|(party, agents)| agents.iter().map(|agent| (*party, *agent))).collect();
        let mut had_one = Vec::new();
        for (party, agent) in places {
            let parties = &mut self.on_agent[agent as usize];
            let Some(filters) = parties.get_mut(&party) else { continue };
            let gone: Vec<Filter> = filters.extract_if(.., |filter| drops(agent, filter)).collect();
            if filters.is_empty() {
                parties.remove(&party);
                self.leave(party, agent);
            }
            for filter in &gone {
                self.due.remove(&(filter.until, filter.number));
            }
            if !gone.is_empty() {
                had_one.push(agent);
            }
        }
        had_one
    }

    /// Drops all filters on an agent; tells how many there were.
    pub(crate) fn drop_agent(&mut self, agent: u32) -> usize {
        let Some(parties) = self.on_agent.get_mut(agent as usize).map(std::mem::take) else { return 0 };
        let mut dropped = 0;
        for (party, filters) in parties {
            self.leave(party, agent);
            for filter in filters {
                self.due.remove(&(filter.until, filter.number));
                dropped += 1;
            }
        }
        dropped
    }

    fn leave(&mut self, party: Party, agent: u32) {
        if let Some(agents) = self.of_party.get_mut(&party) {
            agents.remove(&agent);
            if agents.is_empty() {
                self.of_party.remove(&party);
            }
        }
    }

    /// How many filters there are.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.due.len()
    }

    /// How many filters frameworks have installed in a role.
    pub(crate) fn len_in_role(&self, role: RoleId) -> usize {
        let parties = self.on_agent.iter().flatten().filter(|((_, of), _)| *of == role);
        parties.map(|(_, filters)| filters.len()).sum()
    }

    /// Everyone with a filter.
    pub(crate) fn parties(&self) -> impl Iterator<Item = (Party, impl Iterator<Item = u32>)> {
        self.of_party.iter().map(|(party, agents)| (*party, agents.iter().copied()))
    }

    /// Whether the three indexes name the same filters.
    pub(crate) fn is_consistent(&self) -> bool {
        let on_agents: usize = self.on_agent.iter().flatten().map(|(_, filters)| filters.len()).sum();
        let places: usize = self.on_agent.iter().map(BTreeMap::len).sum();
        let of_parties: usize = self.of_party.values().map(BTreeSet::len).sum();
        on_agents == self.due.len()
            && places == of_parties
            && self.due.iter().all(|((until, number), due)| {
                let filters = self.on_agent.get(due.agent as usize).and_then(|all| all.get(&due.party));
                filters.is_some_and(|all| all.iter().any(|f| f.number == *number && f.until == *until))
                    && self.of_party.get(&due.party).is_some_and(|agents| agents.contains(&due.agent))
            })
    }
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
    fn newer_filters_of_a_framework_can_be_dropped_alone() {
        let mut filters = filters(&[(4, 5), (2, 9)]);
        let than = filters.newest();
        for (framework, units) in [(3, 1), (3, 7), (4, 1)] {
            let party = (framework, PARTY.1);
            filters.install((party, 5), cpus(units), (INTERVAL, INTERVAL), seconds(0), 0);
        }
        assert_eq!(filters.drop_newer(3, than, |_, refused| *refused == cpus(1)), [5]);
        assert!(filters.is_consistent() && filters.len() == 4);
        assert!(filters.holds_back(PARTY, 2, &cpus(4)) && filters.holds_back((4, PARTY.1), 5, &cpus(1)));
        assert_eq!(filters.drop_newer(3, than, |_, _| true), [5]);
        assert!(filters.is_consistent() && filters.len() == 3);
        assert!(!filters.holds_back(PARTY, 5, &cpus(1)));
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
