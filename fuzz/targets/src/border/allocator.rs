//! Calls of the allocator, and what the shim keeps for it: items, bundles and metrics by slot.

use std::collections::{BTreeMap, BTreeSet};

use apportion_bridge::abi::{
    APPORTION_DONE, APPORTION_FAILED, APPORTION_FATAL, APPORTION_UNCHANGED, apportion_buffer,
    apportion_bytes, apportion_bytes_list, apportion_conversion, apportion_effects,
    apportion_excluded_agents, apportion_excluded_from, apportion_handle, apportion_holding,
    apportion_holdings, apportion_options, apportion_quantities, apportion_quota, apportion_status,
};
use apportion_wire::resource::split;

use super::lent::Lent;
use super::{Module, UNTOUCHED, answer, answered, assert_reason, call, draw, read, read_bytes};
use crate::entropy::Entropy;

/// A second of the host's clock.
const SECOND: i64 = 1_000_000_000;

/// What was offered, or something like it: for calls about resources that a framework really holds.
#[derive(Debug, Clone)]
struct Offered {
    framework: Vec<u8>,
    agent: Vec<u8>,
    resources: Vec<Vec<u8>>,
}

/// The allocator module with what the shim keeps for it.
#[derive(Debug)]
pub(super) struct Allocator {
    module: Module,
    frameworks: BTreeMap<u32, Vec<u8>>,
    roles: BTreeMap<u32, Vec<u8>>,
    agents: BTreeMap<u32, Vec<u8>>,
    items: BTreeMap<u32, Vec<u8>>,
    bundles: BTreeMap<u32, Vec<Vec<u8>>>,
    metrics: BTreeSet<u32>,
    offers: Vec<Offered>,
    now: i64,
    run_is_due: bool,
    /// It answered fatally: the process would end.
    stopped: bool,
    /// What the master's thread told was answered fatally: the process would end there and then.
    ended: bool,
}

/// Effects in which nothing is set.
fn untouched_effects() -> apportion_effects {
    apportion_effects {
        frameworks: std::ptr::null(),
        frameworks_size: UNTOUCHED,
        roles: std::ptr::null(),
        roles_size: UNTOUCHED,
        agents: std::ptr::null(),
        agents_size: UNTOUCHED,
        items: std::ptr::null(),
        items_size: UNTOUCHED,
        bundles: std::ptr::null(),
        bundles_size: UNTOUCHED,
        offers: std::ptr::null(),
        offers_size: UNTOUCHED,
        inverse_offers: std::ptr::null(),
        inverse_offers_size: UNTOUCHED,
        inverse_statuses: std::ptr::null(),
        inverse_statuses_size: UNTOUCHED,
        metrics_removed: std::ptr::null(),
        metrics_removed_size: UNTOUCHED,
        metrics_added: std::ptr::null(),
        metrics_added_size: UNTOUCHED,
        text: apportion_bytes { data: std::ptr::null(), size: UNTOUCHED },
        cycle_requested: u8::MAX,
    }
}

impl Allocator {
    pub(super) fn new(module: Module) -> Allocator {
        Allocator {
            module,
            frameworks: BTreeMap::new(),
            roles: BTreeMap::new(),
            agents: BTreeMap::new(),
            items: BTreeMap::new(),
            bundles: BTreeMap::new(),
            metrics: BTreeSet::new(),
            offers: Vec::new(),
            now: 1_000 * SECOND,
            run_is_due: false,
            stopped: false,
            ended: false,
        }
    }

    /// Makes a call and does what its effects ask for.
    fn apply(
        &mut self,
        entry: &str,
        call: impl FnOnce(*mut apportion_handle, i64, *mut apportion_effects) -> apportion_status,
    ) {
        let mut effects = untouched_effects();
        let status = call(self.module.handle, self.now, &raw mut effects);
        let sizes = [
            effects.frameworks_size,
            effects.roles_size,
            effects.agents_size,
            effects.items_size,
            effects.bundles_size,
            effects.offers_size,
            effects.inverse_offers_size,
            effects.inverse_statuses_size,
            effects.metrics_removed_size,
            effects.metrics_added_size,
            effects.text.size,
        ];
        assert!(!sizes.contains(&UNTOUCHED) && effects.cycle_requested <= 1, "{entry}: effects were not set");
        let text = read_bytes(effects.text);
        match status {
            APPORTION_DONE => assert!(text.is_empty() && !self.stopped, "{entry}: done, but a text"),
            APPORTION_FAILED => {
                assert!(!self.stopped, "{entry}: refused, but it has stopped");
                assert_reason(entry, &text);
            }
            APPORTION_FATAL => {
                assert_reason(entry, &text);
                let again = String::from_utf8_lossy(&text).contains("has stopped before");
                assert_eq!(again, self.stopped, "{entry}: stopped once and for all");
                self.stopped = true;
            }
            other => panic!("{entry}: status {other}"),
        }
        self.keep(entry, &effects);
    }

    /// Tells the commit ledger of a call, as the master's thread does before the event. Gives what it answers.
    fn tell(
        &mut self,
        entry: &str,
        call: impl FnOnce(*mut apportion_handle, i64, *mut apportion_buffer) -> apportion_status,
    ) -> Vec<u8> {
        let (status, bytes) = answer(entry, |out| call(self.module.handle, self.now, out));
        self.ended |= status == APPORTION_FATAL;
        if status == APPORTION_DONE { bytes } else { Vec::new() }
    }

    /// Names and items before bundles before offers; what is used was defined.
    fn keep(&mut self, entry: &str, effects: &apportion_effects) {
        for (table, names, size) in [
            (&mut self.frameworks, effects.frameworks, effects.frameworks_size),
            (&mut self.roles, effects.roles, effects.roles_size),
            (&mut self.agents, effects.agents, effects.agents_size),
        ] {
            table.extend(read(names, size).iter().map(|name| (name.slot, read_bytes(name.name))));
        }
        for item in read(effects.items, effects.items_size) {
            let resource = read_bytes(item.resource);
            let parts = split(&resource).expect("an item is a resource");
            assert!(parts.allocation_role.is_some(), "{entry}: an item is allocated");
            self.items.insert(item.slot, resource);
        }
        for bundle in read(effects.bundles, effects.bundles_size) {
            let items = read(bundle.items, bundle.items_size).iter();
            let items = items
                .map(|slot| self.items.get(slot).expect("an item is there before a bundle has it").clone());
            self.bundles.insert(bundle.slot, items.collect());
        }
        let mut parties: Vec<Vec<u8>> = Vec::new();
        for offer in read(effects.offers, effects.offers_size) {
            let resources =
                self.bundles.get(&offer.bundle).expect("a bundle is there before an offer has it").clone();
            let framework = self.frameworks.get(&offer.framework).expect("its framework was named").clone();
            let agent = self.agents.get(&offer.agent).expect("its agent was named").clone();
            assert!(self.roles.contains_key(&offer.role), "{entry}: its role was named");
            assert!(!resources.is_empty());
            if parties.last() != Some(&framework) {
                assert!(!parties.contains(&framework), "{entry}: offers to a framework stand together");
                parties.push(framework.clone());
            }
            self.offers.push(Offered { framework, agent, resources });
        }
        for slot in read(effects.metrics_removed, effects.metrics_removed_size) {
            assert!(self.metrics.remove(slot), "{entry}: removes metric {slot}, which is not there");
        }
        for metric in read(effects.metrics_added, effects.metrics_added_size) {
            assert!(!read_bytes(metric.name).is_empty());
            assert!(self.metrics.insert(metric.slot), "{entry}: metric {} is there already", metric.slot);
        }
        for offer in read(effects.inverse_offers, effects.inverse_offers_size) {
            let _ = (read_bytes(offer.framework), read_bytes(offer.agent), read_bytes(offer.unavailability));
        }
        for answer in read(effects.inverse_statuses, effects.inverse_statuses_size) {
            let _ = (read_bytes(answer.agent), read_bytes(answer.framework), read_bytes(answer.status));
        }
        self.run_is_due |= effects.cycle_requested == 1;
    }

    /// The master starts.
    pub(super) fn start(&mut self, entropy: &mut Entropy<'_>) {
        self.apply("publish metrics", |h, now, out| call!(allocator_publish_metrics(h, now, out)));
        let lent = &mut Lent::default();
        let options = options(entropy, lent);
        let options = lent.pointer(Some(options));
        self.apply("initialize", |h, now, out| call!(allocator_initialize(h, now, options, out)));
    }

    /// One call, and the run it asks for.
    pub(super) fn step(&mut self, entropy: &mut Entropy<'_>) {
        if self.ended {
            return;
        }
        match entropy.below(24) {
            0..=2 => self.add_agent(entropy),
            3..=5 => self.add_framework(entropy),
            6 => self.about_agent(entropy),
            7 => self.about_framework(entropy),
            8..=14 => self.about_resources(entropy),
            15 => self.about_maintenance(entropy),
            16 => self.about_roles(entropy),
            17 => self.update_agent(entropy),
            18 => self.look(entropy),
            _ => self.about_runs(entropy),
        }
        if self.run_is_due && entropy.mostly() {
            self.run_is_due = false;
            self.apply("cycle", |h, now, out| call!(allocator_cycle(h, now, out)));
        }
    }

    fn add_agent(&mut self, entropy: &mut Entropy<'_>) {
        let lent = &mut Lent::default();
        let id = draw::id(entropy);
        let (agent, info) = (lent.bytes(id.clone()), lent.bytes(draw::agent(entropy, &id)));
        let capabilities = lent.list(draw::several(entropy, 2, draw::capability));
        let window = entropy.rarely().then(|| lent.bytes(draw::unavailability(entropy)));
        let window = lent.pointer(window);
        let mut total = draw::several(entropy, 5, draw::resource);
        let used = holdings(entropy, lent, &mut total);
        let total = lent.list(total);
        let from = excluded_from(entropy, lent);
        self.tell("tell of an agent", |h, _, out| {
            call!(allocator_commit_add_slave(h, agent, info, total, used, out))
        });
        self.apply("add agent", |h, now, out| {
            call!(allocator_add_slave(h, now, agent, info, capabilities, window, total, used, from, out))
        });
    }

    fn update_agent(&mut self, entropy: &mut Entropy<'_>) {
        let lent = &mut Lent::default();
        let id = draw::id(entropy);
        let (agent, info) = (lent.bytes(id.clone()), lent.bytes(draw::agent(entropy, &id)));
        let mut total = draw::several(entropy, 5, draw::resource);
        if entropy.flag() {
            let used = holdings(entropy, lent, &mut total);
            let total = lent.list(total);
            self.apply("add resource provider", |h, now, out| {
                call!(allocator_add_resource_provider(h, now, agent, total, used, out))
            });
            return;
        }
        let total = lent.list(total);
        let total = lent.pointer(entropy.flag().then_some(total));
        let capabilities = lent.list(draw::several(entropy, 2, draw::capability));
        let capabilities = lent.pointer(entropy.flag().then_some(capabilities));
        let from = excluded_from(entropy, lent);
        self.tell("tell of an agent's change", |h, now, out| {
            call!(allocator_commit_update_slave(h, now, agent, info, total, out))
        });
        self.apply("update agent", |h, now, out| {
            call!(allocator_update_slave(h, now, agent, info, total, capabilities, from, out))
        });
    }

    fn about_agent(&mut self, entropy: &mut Entropy<'_>) {
        let lent = &mut Lent::default();
        let agent = lent.bytes(draw::id(entropy));
        match entropy.below(5) {
            0 => {
                self.tell("tell of an agent's end", |h, _, out| {
                    call!(allocator_commit_remove_slave(h, agent, out))
                });
                self.apply("remove agent", |h, now, out| call!(allocator_remove_slave(h, now, agent, out)));
            }
            1 => self.apply("deactivate agent", |h, now, out| {
                call!(allocator_deactivate_slave(h, now, agent, out))
            }),
            2..=3 => self
                .apply("activate agent", |h, now, out| call!(allocator_activate_slave(h, now, agent, out))),
            _ => {
                let hosts = lent.list(draw::several(entropy, 3, draw::id));
                let hosts = lent.pointer(entropy.flag().then_some(hosts));
                self.apply("update whitelist", |h, now, out| {
                    call!(allocator_update_whitelist(h, now, hosts, out))
                });
            }
        }
    }

    fn add_framework(&mut self, entropy: &mut Entropy<'_>) {
        let lent = &mut Lent::default();
        let id = draw::id(entropy);
        let (framework, info) = (lent.bytes(id.clone()), lent.bytes(draw::framework(entropy, &id)));
        let suppressed = if entropy.rarely() { draw::several(entropy, 2, draw::role) } else { Vec::new() };
        let suppressed = lent.list(suppressed);
        let excluded = if entropy.rarely() {
            draw::several(entropy, 2, |entropy| apportion_excluded_agents {
                role: lent.bytes(draw::role(entropy)),
                agents: lent.list(draw::several(entropy, 2, draw::id)),
            })
        } else {
            Vec::new()
        };
        let excluded = lent.exclusions(excluded);
        if entropy.below(4) == 0 {
            self.apply("update framework", |h, now, out| {
                call!(allocator_update_framework(h, now, framework, info, suppressed, excluded, out))
            });
            return;
        }
        let used = if entropy.rarely() {
            holdings(entropy, lent, &mut Vec::new())
        } else {
            lent.holdings(Vec::new())
        };
        let active = u8::from(entropy.mostly());
        self.apply("add framework", |h, now, out| {
            call!(allocator_add_framework(h, now, framework, info, used, active, suppressed, excluded, out))
        });
    }

    fn about_framework(&mut self, entropy: &mut Entropy<'_>) {
        let lent = &mut Lent::default();
        let framework = lent.bytes(draw::id(entropy));
        let roles = lent.list(draw::several(entropy, 2, draw::role));
        match entropy.below(6) {
            0 => {
                self.tell("tell of a framework's end", |h, _, out| {
                    call!(allocator_commit_remove_framework(h, framework, out))
                });
                self.apply("remove framework", |h, now, out| {
                    call!(allocator_remove_framework(h, now, framework, out))
                });
            }
            1 => self.apply("activate framework", |h, now, out| {
                call!(allocator_activate_framework(h, now, framework, out))
            }),
            2 => self.apply("deactivate framework", |h, now, out| {
                call!(allocator_deactivate_framework(h, now, framework, out))
            }),
            3 => self.apply("request resources", |h, now, out| {
                call!(allocator_request_resources(h, now, framework, roles, out))
            }),
            4 => self.apply("suppress offers", |h, now, out| {
                call!(allocator_suppress_offers(h, now, framework, roles, out))
            }),
            _ => self.apply("revive offers", |h, now, out| {
                call!(allocator_revive_offers(h, now, framework, roles, out))
            }),
        }
    }

    /// Something that was offered, whole or in part; or anything.
    fn offered(&mut self, entropy: &mut Entropy<'_>) -> Offered {
        if self.offers.is_empty() || entropy.rarely() {
            let resources = draw::several(entropy, 3, draw::allocated);
            return Offered { framework: draw::id(entropy), agent: draw::id(entropy), resources };
        }
        let place = entropy.below(self.offers.len().min(256));
        let keep = entropy.byte();
        let mut offer = self.offers[place].clone();
        let mut bit = 0;
        offer.resources.retain(|_| {
            bit = (bit + 1) % 8;
            keep & (1 << bit) == 0
        });
        // Given back for the most part, so that the next time it is something else.
        if entropy.flag() {
            self.offers.swap_remove(place);
        }
        offer
    }

    fn about_resources(&mut self, entropy: &mut Entropy<'_>) {
        let lent = &mut Lent::default();
        let offered = self.offered(entropy);
        let (framework, agent) = (lent.bytes(offered.framework), lent.bytes(offered.agent));
        let resources = lent.list(offered.resources.clone());
        match entropy.below(6) {
            0..=1 => {
                let filters = entropy.flag().then(|| lent.bytes(draw::filters(entropy)));
                let filters = lent.pointer(filters);
                let used = u8::from(entropy.flag());
                self.tell("tell of a return", |h, now, out| {
                    call!(allocator_commit_recover(h, now, framework, agent, resources, used, out))
                });
                self.apply("recover resources", |h, now, out| {
                    call!(allocator_recover_resources(
                        h, now, framework, agent, resources, filters, used, out
                    ))
                });
            }
            2..=3 => {
                let told = self.tell("tell of a use", |h, now, out| {
                    call!(allocator_commit_transition(h, now, agent, resources, out))
                });
                let framework = if entropy.mostly() { lent.bytes(told) } else { framework };
                self.apply("transition", |h, now, out| {
                    call!(allocator_transition_offered_to_allocated(h, now, framework, agent, resources, out))
                });
            }
            4 => {
                let conversions = draw::several(entropy, 2, |entropy| apportion_conversion {
                    consumed: lent.list(offered.resources.iter().take(entropy.below(3)).cloned().collect()),
                    converted: lent.list(draw::several(entropy, 2, draw::allocated)),
                });
                let conversions = lent.conversions(conversions);
                self.apply("update allocation", |h, now, out| {
                    call!(allocator_update_allocation(h, now, framework, agent, resources, conversions, out))
                });
            }
            _ => {
                let operations = lent.list(draw::several(entropy, 2, draw::operation));
                self.apply("update available", |h, now, out| {
                    call!(allocator_update_available(h, now, agent, operations, out))
                });
            }
        }
    }

    fn about_maintenance(&mut self, entropy: &mut Entropy<'_>) {
        let lent = &mut Lent::default();
        let (agent, framework) = (lent.bytes(draw::id(entropy)), lent.bytes(draw::id(entropy)));
        let window = entropy.mostly().then(|| lent.bytes(draw::unavailability(entropy)));
        let window = lent.pointer(window);
        let filters = entropy.flag().then(|| lent.bytes(draw::filters(entropy)));
        let filters = lent.pointer(filters);
        let status = entropy.flag().then(|| lent.bytes(draw::id(entropy)));
        let status = lent.pointer(status);
        match entropy.below(4) {
            0 => self.apply("get inverse offer statuses", |h, now, out| {
                call!(allocator_get_inverse_offer_statuses(h, now, out))
            }),
            1 => self.apply("update inverse offer", |h, now, out| {
                call!(allocator_update_inverse_offer(h, now, agent, framework, status, filters, out))
            }),
            _ => self.apply("update unavailability", |h, now, out| {
                call!(allocator_update_unavailability(h, now, agent, window, out))
            }),
        }
    }

    fn about_roles(&mut self, entropy: &mut Entropy<'_>) {
        let lent = &mut Lent::default();
        match entropy.below(3) {
            0 => {
                let weights = lent.list(draw::several(entropy, 3, draw::weight));
                self.apply("update weights", |h, now, out| {
                    call!(allocator_update_weights(h, now, weights, out))
                });
            }
            1 => {
                let quota = quota(entropy, lent);
                let quota = lent.pointer(Some(quota));
                self.apply("update quota", |h, now, out| call!(allocator_update_quota(h, now, quota, out)));
            }
            _ => {
                let quotas = draw::several(entropy, 2, |entropy| quota(entropy, lent));
                let quotas = lent.quotas(quotas);
                let agents = entropy.pick(&[0, 1, 2, -1, i64::MAX]);
                self.apply("recover", |h, now, out| call!(allocator_recover(h, now, agents, quotas, out)));
            }
        }
    }

    fn about_runs(&mut self, entropy: &mut Entropy<'_>) {
        match entropy.below(8) {
            0 => self.apply("pause", |h, now, out| call!(allocator_pause(h, now, out))),
            1 => self.apply("resume", |h, now, out| call!(allocator_resume(h, now, out))),
            2 => self.apply("cycle", |h, now, out| call!(allocator_cycle(h, now, out))),
            _ => {
                let seconds = entropy.pick(&[1, 1, 5, 600, 0, -5]);
                self.now = self.now.saturating_add(seconds * SECOND);
                self.apply("tick", |h, now, out| call!(allocator_tick(h, now, out)));
            }
        }
    }

    /// Numbers of metrics, those that are there and others; subscriptions for people.
    fn look(&mut self, entropy: &mut Entropy<'_>) {
        let (lent, h) = (&mut Lent::default(), self.module.handle);
        if entropy.flag() {
            let names = lent.list(draw::several(entropy, 2, draw::id));
            let names = lent.pointer(entropy.flag().then_some(names));
            let status = answered("debug", |out| call!(allocator_offer_constraints_debug(h, names, out)));
            assert!(status == APPORTION_DONE || self.stopped);
            let report = answered("lending", |out| call!(allocator_lending_report(h, self.now, out)));
            assert!(report <= APPORTION_UNCHANGED || self.stopped);
            answered("keeps commits", |out| call!(allocator_keeps_commits(h, out)));
            return;
        }
        let mut slots: Vec<u32> = self.metrics.iter().copied().collect();
        slots.push(u32::from(entropy.byte()));
        slots.push(u32::MAX);
        let mut values = vec![f64::INFINITY; slots.len()];
        let (at, size) = (slots.as_ptr(), slots.len());
        let status = answered("metrics", |out| {
            call!(allocator_read_metrics(h, 3, at, size, values.as_mut_ptr(), out))
        });
        assert!(status == APPORTION_DONE || self.stopped);
        if status == APPORTION_DONE {
            assert!(!values.contains(&f64::INFINITY), "each value is set: {values:?}");
            assert!(values[slots.len() - 1].is_nan(), "there is no such metric");
        }
    }
}

/// Nobody, or frameworks or agents that hold something. What is held is added to what there is, but at times.
fn holdings(entropy: &mut Entropy<'_>, lent: &mut Lent, total: &mut Vec<Vec<u8>>) -> apportion_holdings {
    let count = entropy.below(8).saturating_sub(5);
    let mut holdings = Vec::new();
    for _ in 0..count {
        let name = lent.bytes(draw::id(entropy));
        let resources = draw::several(entropy, 3, draw::allocated);
        if entropy.mostly() {
            let free = resources.iter().filter_map(|resource| {
                Some(split(resource).ok()?.into_parts())
                    .map(|parts| apportion_wire::resource::join(&parts.identity, &parts.value, None))
            });
            total.extend(free);
        }
        holdings.push(apportion_holding { name, resources: lent.list(resources) });
    }
    lent.holdings(holdings)
}

fn excluded_from(
    entropy: &mut Entropy<'_>,
    lent: &mut Lent,
) -> apportion_bridge::abi::apportion_excluded_from_list {
    let from = if entropy.rarely() {
        draw::several(entropy, 2, |entropy| apportion_excluded_from {
            framework: lent.bytes(draw::id(entropy)),
            role: lent.bytes(draw::role(entropy)),
        })
    } else {
        Vec::new()
    };
    lent.excluded_from(from)
}

fn quantities(entropy: &mut Entropy<'_>, lent: &mut Lent) -> apportion_quantities {
    let quantities = draw::several(entropy, 3, |entropy| draw::quantity(entropy, lent));
    lent.quantities(quantities)
}

fn quota(entropy: &mut Entropy<'_>, lent: &mut Lent) -> apportion_quota {
    apportion_quota {
        role: lent.bytes(draw::role(entropy)),
        guarantees: quantities(entropy, lent),
        limits: quantities(entropy, lent),
    }
}

fn options(entropy: &mut Entropy<'_>, lent: &mut Lent) -> apportion_options {
    let minimum = quantities(entropy, lent);
    let minimum_allocatable = lent.pointer(entropy.rarely().then_some(minimum));
    apportion_options {
        allocation_interval_ns: entropy.pick(&[SECOND, SECOND, 0, -1, i64::MAX]),
        recovery_timeout_ns: entropy.pick(&[600 * SECOND, 0, -1]),
        agent_recovery_factor: entropy.pick(&[0.8, 1.0, 0.0, f64::NAN, -1.0]),
        completed_frameworks_max: 50,
        fairness_excluded_resources: apportion_bytes_list { data: std::ptr::null(), size: 0 },
        minimum_allocatable,
        minimum_allocatable_size: usize::from(!minimum_allocatable.is_null()),
        domain: std::ptr::null(),
        filter_gpu_resources: u8::from(entropy.flag()),
        publish_per_framework_metrics: u8::from(entropy.flag()),
    }
}
