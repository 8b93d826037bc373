//! The effects of one event in the form of the header, kept until the next event.

use apportion_core::{Allocator, Effects, RoleId, Unavailability};
use apportion_wire::messages;

use super::caches::Cache;
use super::entries::nothing;
use super::intern::Resources;
use crate::abi::{
    apportion_bundle, apportion_bytes, apportion_effects, apportion_inverse_offer, apportion_inverse_status,
    apportion_item, apportion_offer,
};

/// Effects as plain data, with everything that they point to.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    /// By item, role, and the agent's own identity if it has one.
    items: Cache<(apportion_core::Item, RoleId, Option<Vec<u8>>)>,
    bundles: Cache<Vec<u32>>,
    item_definitions: Vec<(u32, Vec<u8>)>,
    bundle_definitions: Vec<(u32, Vec<u32>)>,
    offers: Vec<Offer>,
    /// Framework, agent, and when the agent will be unavailable.
    inverse_offers: Vec<[Vec<u8>; 3]>,
    /// Agent, framework, and the framework's answer.
    inverse_statuses: Vec<[Vec<u8>; 3]>,
    cycle_requested: bool,
    views: Views,
}

/// An offer, with its own copies of the names: the core may rename slots before the shim has read them.
#[derive(Debug)]
struct Offer {
    framework: Vec<u8>,
    role: Vec<u8>,
    agent: Vec<u8>,
    bundle: u32,
}

/// The plain structures that point into an outbox.
#[derive(Debug, Default)]
struct Views {
    items: Vec<apportion_item>,
    bundles: Vec<apportion_bundle>,
    offers: Vec<apportion_offer>,
    inverse_offers: Vec<apportion_inverse_offer>,
    inverse_statuses: Vec<apportion_inverse_status>,
}

// SAFETY: the pointers in `views` point into the same outbox, which moves with them as a whole only through its
// vectors' heap blocks; nobody reads them but the shim, between `lend` and the next event.
unsafe impl Send for Views {}

impl Outbox {
    /// Replaces what the last event left by these effects.
    pub(super) fn fill(&mut self, effects: &Effects, core: &Allocator, resources: &Resources) {
        self.empty();
        if self.items.is_full() || self.bundles.is_full() {
            self.items.clear();
            self.bundles.clear();
        }
        for offer in &effects.offers {
            let role = core.role_name(offer.role);
            let agent = core.agent_name(offer.agent).unwrap_or_default();
            let mut bundle = Vec::with_capacity(offer.resources.items().len());
            for item in offer.resources.items() {
                let own = resources.own(agent, item.kind);
                let (slot, new) = self.items.slot((item.clone(), offer.role, own.map(<[u8]>::to_vec)));
                if new {
                    self.item_definitions.push((slot, resources.to_bytes(item, own, role)));
                }
                // Disks that cannot be merged stand as often as they are held; a shared volume is offered once.
                let times = if item.kind.is_shared() { 1 } else { item.copies };
                bundle.extend((0..times).map(|_| slot));
            }
            let (slot, new) = self.bundles.slot(bundle.clone());
            if new {
                self.bundle_definitions.push((slot, bundle));
            }
            self.offers.push(Offer {
                framework: core.framework_name(offer.framework).unwrap_or_default().to_vec(),
                role: role.to_vec(),
                agent: agent.to_vec(),
                bundle: slot,
            });
        }
        // Offers to one framework are delivered together; the order of decision is kept otherwise.
        self.offers
            .sort_by(|left, right| (&left.framework, &left.role).cmp(&(&right.framework, &right.role)));
        for offer in &effects.inverse_offers {
            let framework = core.framework_name(offer.framework).unwrap_or_default().to_vec();
            let agent = core.agent_name(offer.agent).unwrap_or_default().to_vec();
            self.inverse_offers.push([framework, agent, unavailability(&offer.unavailability)]);
        }
        // The core keeps those of one framework together, by its number; the shim goes by names.
        self.inverse_offers.sort();
        for entry in effects.inverse_offer_statuses.iter().flatten() {
            self.inverse_statuses.push([entry.agent.to_vec(), Vec::new(), Vec::new()]);
            for answer in &entry.statuses {
                let (framework, status) = (answer.framework.to_vec(), answer.status.to_vec());
                self.inverse_statuses.push([entry.agent.to_vec(), framework, status]);
            }
        }
        self.cycle_requested = effects.cycle_requested;
    }

    /// Nothing to do; what the caches know stays.
    pub(super) fn empty(&mut self) {
        self.item_definitions.clear();
        self.bundle_definitions.clear();
        self.offers.clear();
        self.inverse_offers.clear();
        self.inverse_statuses.clear();
        self.cycle_requested = false;
    }

    /// The effects as the header has them, valid until the outbox changes.
    pub(super) fn lend(&mut self) -> apportion_effects {
        let views = &mut self.views;
        views.items.clear();
        views.items.extend(
            self.item_definitions
                .iter()
                .map(|(slot, bytes)| apportion_item { slot: *slot, resource: view(bytes) }),
        );
        views.bundles.clear();
        views.bundles.extend(self.bundle_definitions.iter().map(|(slot, items)| apportion_bundle {
            slot: *slot,
            items: items.as_ptr(),
            items_size: items.len(),
        }));
        views.offers.clear();
        views.offers.extend(self.offers.iter().map(|offer| apportion_offer {
            framework: view(&offer.framework),
            role: view(&offer.role),
            agent: view(&offer.agent),
            bundle: offer.bundle,
        }));
        views.inverse_offers.clear();
        views.inverse_offers.extend(self.inverse_offers.iter().map(|[framework, agent, unavailability]| {
            apportion_inverse_offer {
                framework: view(framework),
                agent: view(agent),
                unavailability: view(unavailability),
            }
        }));
        views.inverse_statuses.clear();
        views.inverse_statuses.extend(self.inverse_statuses.iter().map(|[agent, framework, status]| {
            apportion_inverse_status { agent: view(agent), framework: view(framework), status: view(status) }
        }));
        apportion_effects {
            items: views.items.as_ptr(),
            items_size: views.items.len(),
            bundles: views.bundles.as_ptr(),
            bundles_size: views.bundles.len(),
            offers: views.offers.as_ptr(),
            offers_size: views.offers.len(),
            inverse_offers: views.inverse_offers.as_ptr(),
            inverse_offers_size: views.inverse_offers.len(),
            inverse_statuses: views.inverse_statuses.as_ptr(),
            inverse_statuses_size: views.inverse_statuses.len(),
            cycle_requested: u8::from(self.cycle_requested),
            ..nothing(&[])
        }
    }
}

/// A `mesos.Unavailability` as the host reads it.
fn unavailability(window: &Unavailability) -> Vec<u8> {
    let duration = window.duration_nanos.map(|nanoseconds| messages::DurationInfo { nanoseconds });
    let start = messages::TimeInfo { nanoseconds: window.start_nanos };
    messages::encode(&messages::Unavailability { start, duration })
}

/// Lends bytes; the shim does not read them after the next call.
pub(super) fn view(bytes: &[u8]) -> apportion_bytes {
    apportion_bytes { data: bytes.as_ptr(), size: bytes.len() }
}
