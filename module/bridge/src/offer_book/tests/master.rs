//! An allocator with a book of its own, called as the shim calls it.

use std::collections::BTreeMap;
use std::sync::Arc;

use apportion_config::Config;
use apportion_wire::messages::encode;
use apportion_wire::resource::{ResourceParts, split};

use super::messages::{agent, agent_capabilities, framework};
use crate::ENTRIES;
use crate::abi::{
    APPORTION_DONE, apportion_bytes, apportion_bytes_list, apportion_conversion, apportion_conversions,
    apportion_effects, apportion_excluded_from_list, apportion_exclusions, apportion_handle,
    apportion_holdings, apportion_options, apportion_status,
};
use crate::allocator::AllocatorModule;
use crate::handle;
use crate::module::Module;
use crate::offer_book::{NoRoom, OfferBook};

/// A second of the host's clock.
const SECOND: i64 = 1_000_000_000;

/// An offer as the master gets it.
#[derive(Debug, Clone)]
pub(super) struct Offered {
    pub(super) framework: Vec<u8>,
    pub(super) role: Vec<u8>,
    pub(super) agent: Vec<u8>,
    pub(super) resources: Vec<Vec<u8>>,
}

/// The allocator of a master, and the book it keeps.
pub(super) struct Master {
    pub(super) book: Arc<OfferBook>,
    handle: *mut apportion_handle,
    /// Of frameworks, roles and agents.
    names: [BTreeMap<u32, Vec<u8>>; 3],
    items: BTreeMap<u32, Vec<u8>>,
    bundles: BTreeMap<u32, Vec<u32>>,
    now: i64,
}

fn view(bytes: &[u8]) -> apportion_bytes {
    apportion_bytes { data: bytes.as_ptr(), size: bytes.len() }
}

fn views(list: &[Vec<u8>]) -> Vec<apportion_bytes> {
    list.iter().map(|bytes| view(bytes)).collect()
}

fn list(views: &[apportion_bytes]) -> apportion_bytes_list {
    apportion_bytes_list { data: views.as_ptr(), size: views.len() }
}

/// What the allocator lent.
fn lent<'a, T>(data: *const T, size: usize) -> &'a [T] {
    if size == 0 {
        return &[];
    }
    // SAFETY: the effects of the call just made, read before the next one.
    unsafe { std::slice::from_raw_parts(data, size) }
}

fn bytes(view: apportion_bytes) -> Vec<u8> {
    lent(view.data, view.size).to_vec()
}

/// A call of the table with the handle, the time, these arguments and a place for the effects.
macro_rules! call {
    ($master:expr, $entry:ident $(, $argument:expr)*) => {{
        let entry = ENTRIES.$entry.expect("the table is full");
        $master.applied(|handle, now, effects| {
            // SAFETY: a living handle, views of living bytes, and a place for the effects.
            unsafe { entry(handle, now, $($argument,)* effects) }
        })
    }};
}

impl Master {
    /// An initialized allocator without agents and frameworks.
    pub(super) fn new() -> Master {
        let book: Arc<OfferBook> = Arc::default();
        let pairs = [(b"allocator.explain_offers".to_vec(), b"false".to_vec())];
        let config = Config::from_parameters(&pairs).unwrap();
        let module = AllocatorModule::new(&config, Arc::clone(&book), None);
        let handle = handle::into_raw(Module::Allocator(Box::new(module)));
        let (names, items, bundles) = Default::default();
        let mut master = Master { book, handle, names, items, bundles, now: 1_000 * SECOND };
        master.initialize();
        master
    }

    pub(super) fn initialize(&mut self) {
        let nothing = apportion_bytes_list { data: std::ptr::null(), size: 0 };
        let options = apportion_options {
            allocation_interval_ns: SECOND,
            recovery_timeout_ns: 600 * SECOND,
            agent_recovery_factor: 0.8,
            completed_frameworks_max: 50,
            fairness_excluded_resources: nothing,
            minimum_allocatable: std::ptr::null(),
            minimum_allocatable_size: 0,
            domain: std::ptr::null(),
            filter_gpu_resources: 1,
            publish_per_framework_metrics: 0,
        };
        call!(self, allocator_initialize, &raw const options);
    }

    /// Makes a call, and learns what it makes the shim learn.
    fn applied(
        &mut self,
        call: impl FnOnce(*mut apportion_handle, i64, *mut apportion_effects) -> apportion_status,
    ) -> Vec<Offered> {
        let mut effects = std::mem::MaybeUninit::uninit();
        let status = call(self.handle, self.now, effects.as_mut_ptr());
        // SAFETY: set on every path.
        let effects = unsafe { effects.assume_init() };
        let text = String::from_utf8_lossy(lent(effects.text.data, effects.text.size));
        assert_eq!(status, APPORTION_DONE, "{text}");
        let told = [
            lent(effects.frameworks, effects.frameworks_size),
            lent(effects.roles, effects.roles_size),
            lent(effects.agents, effects.agents_size),
        ];
        for (names, told) in self.names.iter_mut().zip(told) {
            names.extend(told.iter().map(|one| (one.slot, bytes(one.name))));
        }
        let [frameworks, roles, agents] = &self.names;
        for item in lent(effects.items, effects.items_size) {
            self.items.insert(item.slot, bytes(item.resource));
        }
        for bundle in lent(effects.bundles, effects.bundles_size) {
            self.bundles.insert(bundle.slot, lent(bundle.items, bundle.items_size).to_vec());
        }
        let offers = lent(effects.offers, effects.offers_size).iter();
        let offers = offers.map(|offer| Offered {
            framework: frameworks[&offer.framework].clone(),
            role: roles[&offer.role].clone(),
            agent: agents[&offer.agent].clone(),
            resources: self.bundles[&offer.bundle].iter().map(|slot| self.items[slot].clone()).collect(),
        });
        offers.collect()
    }

    pub(super) fn add_framework(&mut self, id: &[u8], roles: &[&[u8]]) {
        let info = encode(&framework(id, roles));
        let used = apportion_holdings { data: std::ptr::null(), size: 0 };
        let excluded = apportion_exclusions { data: std::ptr::null(), size: 0 };
        call!(self, allocator_add_framework, view(id), view(&info), used, 1, list(&[]), excluded);
    }

    pub(super) fn remove_framework(&mut self, id: &[u8]) {
        call!(self, allocator_remove_framework, view(id));
    }

    pub(super) fn add_agent(&mut self, id: &[u8], total: &[Vec<u8>]) {
        let (info, capabilities) = (encode(&agent(id, b"r1")), agent_capabilities());
        let (capabilities, total) = (views(&capabilities), views(total));
        let used = apportion_holdings { data: std::ptr::null(), size: 0 };
        let excluded = apportion_excluded_from_list { data: std::ptr::null(), size: 0 };
        let (id, info, window) = (view(id), view(&info), std::ptr::null());
        let (capabilities, total) = (list(&capabilities), list(&total));
        call!(self, allocator_add_slave, id, info, capabilities, window, total, used, excluded);
    }

    pub(super) fn remove_agent(&mut self, id: &[u8]) {
        call!(self, allocator_remove_slave, view(id));
    }

    /// A run over all agents.
    pub(super) fn run(&mut self) -> Vec<Offered> {
        self.now += SECOND;
        call!(self, allocator_tick);
        call!(self, allocator_cycle)
    }

    pub(super) fn pause(&mut self) {
        call!(self, allocator_pause);
    }

    pub(super) fn resume(&mut self) {
        call!(self, allocator_resume);
    }

    /// Resources come back, unused or after a task.
    pub(super) fn recover(&mut self, framework: &[u8], agent: &[u8], resources: &[Vec<u8>], used: bool) {
        let resources = views(resources);
        let (framework, agent, resources) = (view(framework), view(agent), list(&resources));
        let used = u8::from(used);
        call!(self, allocator_recover_resources, framework, agent, resources, std::ptr::null(), used);
    }

    /// Tasks use what was offered.
    pub(super) fn transition(&mut self, agent: &[u8], resources: &[Vec<u8>]) {
        let resources = views(resources);
        call!(self, allocator_transition_offered_to_allocated, view(b""), view(agent), list(&resources));
    }

    /// An operation turns one part of what is offered into another.
    pub(super) fn convert(
        &mut self,
        (framework, agent): (&[u8], &[u8]),
        offered: &[Vec<u8>],
        consumed: &[Vec<u8>],
        converted: &[Vec<u8>],
    ) {
        let (offered, consumed, converted) = (views(offered), views(consumed), views(converted));
        let one = apportion_conversion { consumed: list(&consumed), converted: list(&converted) };
        let conversions = apportion_conversions { data: &raw const one, size: 1 };
        let (framework, agent, offered) = (view(framework), view(agent), list(&offered));
        call!(self, allocator_update_allocation, framework, agent, offered, conversions);
    }

    /// What the book lets a task have more, as text and thousandths by the bytes of its identity.
    pub(super) fn room(&self, agent: &[u8], task: &[Vec<u8>]) -> Result<Vec<ResourceParts>, NoRoom> {
        self.book.room(agent, task, &[])
    }
}

impl Drop for Master {
    fn drop(&mut self) {
        // SAFETY: it was made by `into_raw`, and nobody uses it any more.
        unsafe { handle::destroy(self.handle) };
    }
}

/// A resource in its parts.
pub(super) fn parts(resource: &[u8]) -> ResourceParts {
    split(resource).unwrap().into_parts()
}
