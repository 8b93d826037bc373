//! An allocator as the shim keeps it: names, items and bundles by slot, offers resolved to bytes.

use std::collections::BTreeMap;

use apportion_bridge::abi::{
    APPORTION_DONE, apportion_effects, apportion_handle, apportion_name, apportion_status,
};

use crate::border::{Module, answered, call, is_set, read, read_bytes, untouched_effects};

/// One agent's resources offered to a framework in a role.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Offered {
    pub(crate) framework: Vec<u8>,
    pub(crate) role: Vec<u8>,
    pub(crate) agent: Vec<u8>,
    /// Serialised resources, in the order of their bytes: the order in an offer means nothing.
    pub(crate) resources: Vec<Vec<u8>>,
}

/// How an allocator call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) status: apportion_status,
    pub(crate) text: String,
    pub(crate) offers: Vec<Offered>,
    /// Framework, agent and unavailability of each inverse offer.
    pub(crate) inverse_offers: Vec<[Vec<u8>; 3]>,
    /// Agent, framework and status of each answer to an inverse offer.
    pub(crate) inverse_statuses: Vec<[Vec<u8>; 3]>,
    pub(crate) cycle_requested: bool,
}

/// The allocator module with what the shim keeps for it.
#[derive(Debug)]
pub(crate) struct Shim {
    pub(crate) module: Module,
    frameworks: Vec<Option<Vec<u8>>>,
    roles: Vec<Option<Vec<u8>>>,
    agents: Vec<Option<Vec<u8>>>,
    items: Vec<Option<Vec<u8>>>,
    bundles: Vec<Option<Vec<Vec<u8>>>>,
    /// Names of the metrics published, by slot.
    metrics: BTreeMap<u32, String>,
    /// The host's clock, in nanoseconds.
    pub(crate) now: i64,
}

/// A second of the host's clock.
pub(crate) const SECOND: i64 = 1_000_000_000;

fn keep_names(table: &mut Vec<Option<Vec<u8>>>, names: &[apportion_name]) {
    for name in names {
        keep(table, name.slot, read_bytes(name.name));
    }
}

/// What was told of a slot.
fn kept<T: Clone>(table: &[Option<T>], slot: u32) -> T {
    let kept = table.get(usize::try_from(slot).unwrap());
    kept.cloned().flatten().expect("a slot is told of before it is used")
}

fn keep<T>(table: &mut Vec<Option<T>>, slot: u32, value: T) {
    let slot = usize::try_from(slot).unwrap();
    if table.len() <= slot {
        table.resize_with(slot + 1, || None);
    }
    table[slot] = Some(value);
}

impl Shim {
    pub(crate) fn new(pairs: &[(&str, &str)]) -> Shim {
        let module = Module::allocator(pairs);
        Shim {
            module,
            frameworks: Vec::new(),
            roles: Vec::new(),
            agents: Vec::new(),
            items: Vec::new(),
            bundles: Vec::new(),
            metrics: BTreeMap::new(),
            now: 1_000 * SECOND,
        }
    }

    /// Makes a call and does what its effects ask for, names and items before bundles before offers.
    pub(crate) fn apply(
        &mut self,
        call: impl FnOnce(*mut apportion_handle, i64, *mut apportion_effects) -> apportion_status,
    ) -> Outcome {
        let mut effects = untouched_effects();
        let status = call(self.module.handle(), self.now, &raw mut effects);
        assert!(is_set(&effects), "the effects were not set: {effects:?}");
        let text = String::from_utf8(read_bytes(effects.text)).expect("a text is text");
        assert_eq!(status == APPORTION_DONE, text.is_empty(), "status {status} with the text {text:?}");
        keep_names(&mut self.frameworks, read(effects.frameworks, effects.frameworks_size));
        keep_names(&mut self.roles, read(effects.roles, effects.roles_size));
        keep_names(&mut self.agents, read(effects.agents, effects.agents_size));
        for item in read(effects.items, effects.items_size) {
            keep(&mut self.items, item.slot, read_bytes(item.resource));
        }
        for bundle in read(effects.bundles, effects.bundles_size) {
            let items = read(bundle.items, bundle.items_size).iter();
            let mut items: Vec<Vec<u8>> = items.map(|slot| kept(&self.items, *slot)).collect();
            items.sort();
            keep(&mut self.bundles, bundle.slot, items);
        }
        let offers = read(effects.offers, effects.offers_size).iter();
        let offers = offers.map(|offer| Offered {
            framework: kept(&self.frameworks, offer.framework),
            role: kept(&self.roles, offer.role),
            agent: kept(&self.agents, offer.agent),
            resources: kept(&self.bundles, offer.bundle),
        });
        let offers: Vec<Offered> = offers.collect();
        assert_together(&offers);
        let inverse_offers = read(effects.inverse_offers, effects.inverse_offers_size).iter();
        let inverse_offers =
            inverse_offers.map(|one| [one.framework, one.agent, one.unavailability].map(read_bytes));
        self.follow_metrics(&effects);
        let inverse = read(effects.inverse_statuses, effects.inverse_statuses_size).iter();
        let inverse =
            inverse.map(|one| [read_bytes(one.agent), read_bytes(one.framework), read_bytes(one.status)]);
        Outcome {
            status,
            text,
            offers,
            inverse_offers: inverse_offers.collect(),
            inverse_statuses: inverse.collect(),
            cycle_requested: effects.cycle_requested == 1,
        }
    }

    /// Publishes metrics and takes them back, as the host's registry would: no name twice.
    fn follow_metrics(&mut self, effects: &apportion_effects) {
        for slot in read(effects.metrics_removed, effects.metrics_removed_size) {
            self.metrics.remove(slot).expect("what is removed was added");
        }
        for added in read(effects.metrics_added, effects.metrics_added_size) {
            let name = String::from_utf8_lossy(&read_bytes(added.name)).into_owned();
            assert!(!self.metrics.values().any(|known| *known == name), "{name} is published twice");
            assert_eq!(self.metrics.insert(added.slot, name), None, "a slot is used twice");
        }
    }

    /// The names of all metrics that are published, with a number or not.
    pub(crate) fn published(&self) -> impl Iterator<Item = &str> {
        self.metrics.values().map(String::as_str)
    }

    /// A snapshot of all metrics that have a number, as the host would show it.
    #[track_caller]
    pub(crate) fn snapshot(&self, messages_waiting: u64) -> BTreeMap<String, f64> {
        let slots: Vec<u32> = self.metrics.keys().copied().collect();
        let mut values = vec![-1.0; slots.len()];
        let (data, out) = (slots.as_ptr(), values.as_mut_ptr());
        let answer = answered(|text| {
            call!(allocator_read_metrics(
                self.module.handle(),
                messages_waiting,
                data,
                slots.len(),
                out,
                text
            ))
        });
        answer.expect(APPORTION_DONE);
        let named = self.metrics.values().cloned().zip(values);
        named.filter(|(_, value)| !value.is_nan()).collect()
    }

    /// As [`Shim::apply`], for calls that must work.
    #[track_caller]
    pub(crate) fn done(
        &mut self,
        call: impl FnOnce(*mut apportion_handle, i64, *mut apportion_effects) -> apportion_status,
    ) -> Outcome {
        let outcome = self.apply(call);
        assert_eq!(outcome.status, APPORTION_DONE, "{}", outcome.text);
        outcome
    }
}

/// Offers to one framework stand together, and within it those of one role.
fn assert_together(offers: &[Offered]) {
    let parties: Vec<_> = offers.iter().map(|offer| (&offer.framework, &offer.role)).collect();
    let mut seen = Vec::new();
    for party in parties.chunk_by(|left, right| left == right) {
        assert!(!seen.contains(&party[0]), "offers of {party:?} are torn apart");
        seen.push(party[0]);
    }
    let mut frameworks = Vec::new();
    for party in offers.chunk_by(|left, right| left.framework == right.framework) {
        assert!(!frameworks.contains(&&party[0].framework));
        frameworks.push(&party[0].framework);
    }
}
