//! Which metrics there are, and their numbers when somebody asks.
//!
//! Names are the built-in allocator's, so that dashboards keep working, and our own below `allocator/apportion/`. The
//! shim publishes what it is told of in the effects of events, and asks for numbers by slot, in its actor: they are
//! read off the books and are of one moment.

mod frameworks;
mod lending;
mod slots;
mod timings;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant as Stopwatch;

use apportion_config::LendingConfig;
use apportion_core::{Allocator, Amount, Effects, Event, RoleId, RoleNumbers};

use self::frameworks::Frameworks;
pub(super) use self::lending::Offers;
use self::lending::{Books, Lending, OfLending};
use self::slots::Slots;
use self::timings::{Statistic, Timings};
use crate::abi::apportion_effects;
use crate::commits::OpenLedger;

/// One metric that is published.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Metric {
    /// What the actor's mailbox holds.
    MessagesWaiting,
    /// Runs so far.
    Runs,
    RunTime(Statistic),
    RunLatency(Statistic),
    /// What all agents have of a resource.
    Total(&'static str),
    /// What frameworks hold of a resource.
    Held(&'static str),
    OfRole(RoleId, OfRole),
    /// What all roles consume of a resource.
    ConsumedByAll(Box<[u8]>),
    /// Whether a framework has suppressed a role, as it was last.
    Suppressed(bool),
    Own(Own),
    Lending(OfLending),
}

/// What is published of a role; resources by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum OfRole {
    DominantShare,
    ActiveFilters,
    Guarantee(Box<[u8]>),
    Limit(Box<[u8]>),
    OfferedOrAllocated(Box<[u8]>),
    Consumed(Box<[u8]>),
}

/// What only this allocator publishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Own {
    Agents,
    AgentsVisited,
    CallsRejected,
    Events,
    EventsRefused,
    Frameworks,
    InverseOffersMade,
    LogLinesSuppressed,
    OffersFiltered,
    OffersMade,
    ResourceKinds,
}

impl Own {
    const ALL: [(Own, &'static str); 11] = [
        (Own::Agents, "agents"),
        (Own::AgentsVisited, "agents_visited"),
        (Own::CallsRejected, "calls_rejected"),
        (Own::Events, "events"),
        (Own::EventsRefused, "events_refused"),
        (Own::Frameworks, "frameworks"),
        (Own::InverseOffersMade, "inverse_offers_made"),
        (Own::LogLinesSuppressed, "log_lines_suppressed"),
        (Own::OffersFiltered, "offers_filtered"),
        (Own::OffersMade, "offers_made"),
        (Own::ResourceKinds, "resource_kinds"),
    ];
}

/// The resources whose sums the built-in allocator publishes.
const SUMMED: [&str; 3] = ["cpus", "mem", "disk"];

/// What has happened so far.
#[derive(Debug, Default)]
struct Counts {
    events: u64,
    events_refused: u64,
    calls_rejected: u64,
    offers: u64,
    filtered: u64,
    inverse_offers: u64,
    agents_visited: u64,
}

/// What numbers are read off.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sources<'a> {
    pub(super) core: &'a Allocator,
    /// The commit ledger, if anything can be lent.
    pub(super) commits: Option<&'a OpenLedger>,
    /// What the actor's mailbox holds.
    pub(super) messages_waiting: u64,
    /// Kinds of resources seen so far.
    pub(super) resource_kinds: usize,
    /// Lines that had no room in the log.
    pub(super) log_lines_suppressed: u64,
}

/// The registry of metrics.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    slots: Slots<Metric>,
    roles: BTreeMap<RoleId, BTreeMap<OfRole, u32>>,
    /// What all roles consume together, by resource.
    consumed: BTreeMap<Box<[u8]>, u32>,
    frameworks: Frameworks,
    lending: Lending,
    counts: Counts,
    run_time: Timings,
    run_latency: Timings,
    /// Since when a run is waiting.
    run_asked: Option<Stopwatch>,
    published: bool,
}

impl Metrics {
    /// Publishes what is there from the beginning, once.
    pub(super) fn publish(&mut self, lending: &LendingConfig) {
        if std::mem::replace(&mut self.published, true) {
            return;
        }
        let mut add = |text: String, metric| {
            self.slots.add(text.into_bytes(), metric);
        };
        add("allocator/mesos/event_queue_dispatches".into(), Metric::MessagesWaiting);
        // The name that it had before.
        add("allocator/event_queue_dispatches".into(), Metric::MessagesWaiting);
        add("allocator/mesos/allocation_runs".into(), Metric::Runs);
        for (statistic, suffix) in Statistic::ALL {
            add(format!("allocator/mesos/allocation_run_ms{suffix}"), Metric::RunTime(statistic));
            add(format!("allocator/mesos/allocation_run_latency_ms{suffix}"), Metric::RunLatency(statistic));
        }
        for resource in SUMMED {
            let prefix = format!("allocator/mesos/resources/{resource}");
            add(format!("{prefix}/total"), Metric::Total(resource));
            add(format!("{prefix}/offered_or_allocated"), Metric::Held(resource));
        }
        for (own, suffix) in Own::ALL {
            add(format!("allocator/apportion/{suffix}"), Metric::Own(own));
        }
        self.lending.publish(lending, &mut self.slots);
    }

    /// What the master's flags say about the metrics of frameworks.
    pub(super) fn configure(&mut self, per_framework: bool, completed_frameworks_max: u64) {
        self.frameworks.configure(per_framework, completed_frameworks_max);
    }

    /// The ids of the frameworks that are there, in their order.
    pub(super) fn framework_ids(&self) -> impl Iterator<Item = &[u8]> {
        self.frameworks.ids()
    }

    /// How many roles there is something to say about.
    pub(super) fn roles_len(&self) -> usize {
        self.roles.len()
    }

    /// How many offers were made of what is lent.
    pub(super) fn lent_offers(&self) -> Offers {
        self.lending.offers
    }

    /// The number of the event that came last, from 1.
    pub(super) fn events(&self) -> u64 {
        self.counts.events
    }

    /// An event comes.
    pub(super) fn begin(&mut self, now: i64, event: &Event<'_>) {
        self.counts.events += 1;
        self.lending.begin(now);
        if matches!(event, Event::Cycle)
            && let Some(asked) = self.run_asked.take()
        {
            self.run_latency.record(now, asked.elapsed());
        }
    }

    /// An event has led to something.
    pub(super) fn end(&mut self, now: i64, begun: Stopwatch, effects: &Effects, core: &Allocator) {
        if let Some(run) = &effects.run {
            self.run_time.record(now, begun.elapsed());
            self.counts.offers += u64::from(run.offers);
            self.counts.filtered += u64::from(run.filtered);
            self.counts.agents_visited += u64::from(run.agents_visited);
        }
        self.counts.inverse_offers += effects.inverse_offers.len() as u64;
        if effects.cycle_requested && self.run_asked.is_none() {
            self.run_asked = Some(Stopwatch::now());
        }
        for &role in &effects.roles_changed {
            self.follow_role(role, core);
        }
        // A sum appears with the first role that has a part of it and disappears with the last.
        if !effects.roles_changed.is_empty() {
            self.follow_consumed(core);
        }
        self.lending.end(effects, core, &mut self.slots);
    }

    /// A framework has arrived under a name.
    pub(super) fn framework_arrived(&mut self, framework: &[u8], called: &[u8], core: &Allocator) {
        self.frameworks.arrive(framework, called, &mut self.slots);
        self.frameworks.follow(framework, core, &mut self.slots);
    }

    /// A framework may be subscribed to other roles, or suppress others.
    pub(super) fn framework_changed(&mut self, framework: &[u8], core: &Allocator) {
        self.frameworks.follow(framework, core, &mut self.slots);
    }

    /// A framework is gone.
    pub(super) fn framework_left(&mut self, framework: &[u8]) {
        self.frameworks.leave(framework, &mut self.slots);
    }

    /// An event that could not be read.
    pub(super) fn event_refused(&mut self) {
        self.counts.events_refused += 1;
    }

    /// A call that contradicts the books.
    pub(super) fn call_rejected(&mut self) {
        self.counts.calls_rejected += 1;
    }

    /// Puts what the shim has not been told yet into the effects.
    pub(super) fn lend(&mut self, effects: &mut apportion_effects) {
        self.slots.lend(effects);
    }

    /// The numbers in some slots; none where there is no metric, or it has no number yet.
    pub(super) fn read(&self, slots: &[u32], from: Sources<'_>) -> Vec<Option<f64>> {
        // Metrics are asked for in the order of their names: those of one role come in groups.
        let mut last: Option<(RoleId, RoleNumbers)> = None;
        let mut books: Option<Option<Books>> = None;
        let metrics = slots.iter().map(|slot| self.slots.get(*slot));
        metrics
            .map(|metric| match metric? {
                Metric::OfRole(role, which) => {
                    if last.as_ref().is_none_or(|(known, _)| known != role) {
                        last = Some((*role, from.core.role_numbers(*role)));
                    }
                    which.of(&last.as_ref()?.1)
                }
                Metric::Lending(which) => {
                    let books = books.get_or_insert_with(|| Books::look(from)).as_ref()?;
                    self.lending.number_of(which, from.core, books)
                }
                other => self.number_of(other, from),
            })
            .collect()
    }

    fn number_of(&self, metric: &Metric, from: Sources<'_>) -> Option<f64> {
        let number = match metric {
            Metric::MessagesWaiting => number(from.messages_waiting),
            Metric::Runs => number(from.core.runs()),
            Metric::RunTime(statistic) => self.run_time.get(*statistic)?,
            Metric::RunLatency(statistic) => self.run_latency.get(*statistic)?,
            Metric::Total(resource) => from.core.total_of(resource.as_bytes()).to_f64(),
            Metric::Held(resource) => from.core.held_of(resource.as_bytes()).to_f64(),
            Metric::OfRole(role, which) => which.of(&from.core.role_numbers(*role))?,
            Metric::ConsumedByAll(resource) => amount_of(&from.core.consumed_by_all(), resource)?,
            Metric::Suppressed(yes) => f64::from(u8::from(*yes)),
            Metric::Own(own) => number(self.count_of(*own, from)),
            Metric::Lending(which) => self.lending.number_of(which, from.core, &Books::look(from)?)?,
        };
        Some(number)
    }

    fn count_of(&self, own: Own, from: Sources<'_>) -> u64 {
        match own {
            Own::Agents => from.core.agents_len() as u64,
            Own::AgentsVisited => self.counts.agents_visited,
            Own::CallsRejected => self.counts.calls_rejected,
            Own::Events => self.counts.events,
            Own::EventsRefused => self.counts.events_refused,
            Own::Frameworks => from.core.frameworks_len() as u64,
            Own::InverseOffersMade => self.counts.inverse_offers,
            Own::LogLinesSuppressed => from.log_lines_suppressed,
            Own::OffersFiltered => self.counts.filtered,
            Own::OffersMade => self.counts.offers,
            Own::ResourceKinds => from.resource_kinds as u64,
        }
    }

    /// Publishes what all roles consume together. The built-in allocator has it under a role without a name.
    fn follow_consumed(&mut self, core: &Allocator) {
        let wanted = core.consumed_by_all();
        let slots = &mut self.slots;
        self.consumed.retain(|resource, slot| {
            let stays = wanted.iter().any(|(name, _)| name == resource);
            if !stays {
                slots.remove(*slot);
            }
            stays
        });
        for (resource, _) in wanted {
            self.consumed.entry(resource).or_insert_with_key(|resource| {
                let name = OfRole::Consumed(resource.clone()).name(b"");
                slots.add(name, Metric::ConsumedByAll(resource.clone()))
            });
        }
    }

    /// Publishes what there is to say about a role now, and takes back what there was.
    fn follow_role(&mut self, role: RoleId, core: &Allocator) {
        let wanted = OfRole::all(&core.role_numbers(role));
        let published = self.roles.entry(role).or_default();
        let slots = &mut self.slots;
        published.retain(|which, slot| {
            let stays = wanted.contains(which);
            if !stays {
                slots.remove(*slot);
            }
            stays
        });
        for which in wanted {
            published.entry(which).or_insert_with_key(|which| {
                slots.add(which.name(core.role_name(role)), Metric::OfRole(role, which.clone()))
            });
        }
        if published.is_empty() {
            self.roles.remove(&role);
        }
    }
}

impl OfRole {
    /// Everything that these numbers say.
    fn all(numbers: &RoleNumbers) -> BTreeSet<OfRole> {
        fn names<'a>(
            amounts: &'a [(Box<[u8]>, Amount)],
            which: fn(Box<[u8]>) -> OfRole,
        ) -> impl Iterator<Item = OfRole> + 'a {
            amounts.iter().map(move |(name, _)| which(name.clone()))
        }
        let share = numbers.dominant_share.map(|_| OfRole::DominantShare);
        let filters = numbers.active_filters.map(|_| OfRole::ActiveFilters);
        share
            .into_iter()
            .chain(filters)
            .chain(names(&numbers.guarantees, OfRole::Guarantee))
            .chain(names(&numbers.limits, OfRole::Limit))
            .chain(names(&numbers.offered_or_allocated, OfRole::OfferedOrAllocated))
            .chain(names(&numbers.consumed, OfRole::Consumed))
            .collect()
    }

    fn of(&self, numbers: &RoleNumbers) -> Option<f64> {
        match self {
            OfRole::DominantShare => numbers.dominant_share,
            OfRole::ActiveFilters => numbers.active_filters.map(|count| number(count as u64)),
            OfRole::Guarantee(name) => amount_of(&numbers.guarantees, name),
            OfRole::Limit(name) => amount_of(&numbers.limits, name),
            OfRole::OfferedOrAllocated(name) => amount_of(&numbers.offered_or_allocated, name),
            OfRole::Consumed(name) => amount_of(&numbers.consumed, name),
        }
    }

    fn name(&self, role: &[u8]) -> Vec<u8> {
        let of_quota = |resource: &[u8], what: &[u8]| {
            name(&[b"allocator/mesos/quota/roles/", role, b"/resources/", resource, what])
        };
        match self {
            OfRole::DominantShare => name(&[b"allocator/mesos/roles/", role, b"/shares/dominant"]),
            OfRole::ActiveFilters => name(&[b"allocator/mesos/offer_filters/roles/", role, b"/active"]),
            OfRole::Guarantee(resource) => of_quota(resource, b"/guarantee"),
            OfRole::Limit(resource) => of_quota(resource, b"/limit"),
            OfRole::OfferedOrAllocated(resource) => of_quota(resource, b"/offered_or_allocated"),
            OfRole::Consumed(resource) => of_quota(resource, b"/consumed"),
        }
    }
}

fn amount_of(amounts: &[(Box<[u8]>, Amount)], name: &[u8]) -> Option<f64> {
    let (_, amount) = amounts.iter().find(|(other, _)| **other == *name)?;
    Some(amount.to_f64())
}

fn name(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

/// A count as the host's metrics want it.
#[expect(clippy::cast_precision_loss, reason = "for show; exact up to 2^53")]
fn number(count: u64) -> f64 {
    count as f64
}
