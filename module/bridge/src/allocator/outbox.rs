//! The effects of one event in the form of the header, kept until the next event.

use apportion_core::{AgentId, Allocator, Effects, FrameworkId, Item, Offer, RoleId, Unavailability};
use apportion_wire::messages;

use super::caches::{Caches, Teller, Told};
use super::entries::nothing;
use super::intern::Resources;
use crate::abi::{
    apportion_bundle, apportion_bytes, apportion_effects, apportion_inverse_offer, apportion_inverse_status,
    apportion_item, apportion_name, apportion_offer,
};

/// Effects as plain data, with everything that they point to.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    caches: Caches,
    frameworks: Told<FrameworkId>,
    roles: Told<RoleId>,
    agents: Told<AgentId>,
    news: News,
    offers: Vec<apportion_offer>,
    /// Room for sorting them.
    sorted: Vec<apportion_offer>,
    /// Framework, agent, and when the agent will be unavailable.
    inverse_offers: Vec<[Vec<u8>; 3]>,
    /// Agent, framework, and the framework's answer.
    inverse_statuses: Vec<[Vec<u8>; 3]>,
    cycle_requested: bool,
    views: Views,
}

/// What the shim must know before it reads the offers, with its own copies of the names: the core may rename slots before
/// the shim has read them.
#[derive(Debug, Default)]
struct News {
    frameworks: Vec<(u32, Vec<u8>)>,
    roles: Vec<(u32, Vec<u8>)>,
    agents: Vec<(u32, Vec<u8>)>,
    items: Vec<(u32, Vec<u8>)>,
    bundles: Vec<(u32, Vec<u32>)>,
}

/// The plain structures that point into an outbox.
#[derive(Debug, Default)]
struct Views {
    frameworks: Vec<apportion_name>,
    roles: Vec<apportion_name>,
    agents: Vec<apportion_name>,
    items: Vec<apportion_item>,
    bundles: Vec<apportion_bundle>,
    inverse_offers: Vec<apportion_inverse_offer>,
    inverse_statuses: Vec<apportion_inverse_status>,
}

// SAFETY: the pointers in `views` point into the same outbox, which moves with them as a whole only through its
// vectors' heap blocks; nobody reads them but the shim, between `lend` and the next event.
unsafe impl Send for Views {}

/// Writes down what the shim must be told of items and bundles.
struct Writer<'a> {
    items: &'a mut Vec<(u32, Vec<u8>)>,
    bundles: &'a mut Vec<(u32, Vec<u32>)>,
    resources: &'a Resources,
    role: &'a [u8],
}

impl Teller for Writer<'_> {
    fn item(&mut self, slot: u32, item: &Item, own: Option<&[u8]>) {
        self.items.push((slot, self.resources.to_bytes(item, own, self.role)));
    }

    fn bundle(&mut self, slot: u32, items: &[u32]) {
        self.bundles.push((slot, items.to_vec()));
    }
}

impl Outbox {
    /// Replaces what the last event left by these effects.
    pub(super) fn fill(&mut self, effects: &Effects, core: &Allocator, resources: &Resources) {
        self.empty();
        self.fill_offers(&effects.offers, core, resources);
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

    fn fill_offers(&mut self, offers: &[Offer], core: &Allocator, resources: &Resources) {
        if offers.is_empty() {
            return;
        }
        self.caches.trim();
        self.tell_names(offers, core);
        self.offers.reserve(offers.len());
        let mut recent = RecentBundles::default();
        for offer in offers {
            let own = resources.own_of(|| core.agent_name(offer.agent).unwrap_or_default());
            let own = own.map(|own| |kind| own.get(&kind).map(Vec::as_slice));
            let known = own.is_none().then(|| recent.get(offer)).flatten();
            let bundle = known.unwrap_or_else(|| {
                let is_shared = own.is_none();
                let News { items, bundles, .. } = &mut self.news;
                let writer = &mut Writer { items, bundles, resources, role: core.role_name(offer.role) };
                let bundle = self.caches.bundle(offer.role, &offer.resources, own, writer);
                if is_shared {
                    recent.keep(offer, bundle);
                }
                bundle
            });
            let (framework, role) = (slot(offer.framework.index()), slot(offer.role.index()));
            self.offers.push(apportion_offer { framework, role, agent: slot(offer.agent.index()), bundle });
        }
        self.sort_offers(offers, core);
    }

    /// Offers to one framework are delivered together; the order of decision is kept otherwise.
    fn sort_offers(&mut self, offers: &[Offer], core: &Allocator) {
        let roles = Ranks::of(offers, |offer| offer.role.index(), |offer| core.role_name(offer.role));
        let frameworks = Ranks::of(
            offers,
            |offer| offer.framework.index(),
            |offer| core.framework_name(offer.framework).unwrap_or_default(),
        );
        roles.sort(&mut self.offers, &mut self.sorted, |offer| offer.role);
        frameworks.sort(&mut self.offers, &mut self.sorted, |offer| offer.framework);
    }

    /// Tells the names in offers, as far as the shim does not know them.
    fn tell_names(&mut self, offers: &[Offer], core: &Allocator) {
        // Nothing else is done in this loop: agents come in no order, and their entries are waited for together.
        for offer in offers {
            let index = offer.framework.index();
            if self.frameworks.is_new(index, offer.framework) {
                let name = core.framework_name(offer.framework).unwrap_or_default();
                self.news.frameworks.push((slot(index), name.to_vec()));
            }
            let index = offer.role.index();
            if self.roles.is_new(index, offer.role) {
                self.news.roles.push((slot(index), core.role_name(offer.role).to_vec()));
            }
            let index = offer.agent.index();
            if self.agents.is_new(index, offer.agent) {
                let name = core.agent_name(offer.agent).unwrap_or_default();
                self.news.agents.push((slot(index), name.to_vec()));
            }
        }
    }

    /// Nothing to do; what the shim knows stays.
    pub(super) fn empty(&mut self) {
        let News { frameworks, roles, agents, items, bundles } = &mut self.news;
        frameworks.clear();
        roles.clear();
        agents.clear();
        items.clear();
        bundles.clear();
        self.offers.clear();
        self.inverse_offers.clear();
        self.inverse_statuses.clear();
        self.cycle_requested = false;
    }

    /// The effects as the header has them, valid until the outbox changes.
    pub(super) fn lend(&mut self) -> apportion_effects {
        let (news, views) = (&self.news, &mut self.views);
        lend_names(&mut views.frameworks, &news.frameworks);
        lend_names(&mut views.roles, &news.roles);
        lend_names(&mut views.agents, &news.agents);
        views.items.clear();
        let items = news.items.iter();
        views.items.extend(items.map(|(slot, bytes)| apportion_item { slot: *slot, resource: view(bytes) }));
        views.bundles.clear();
        views.bundles.extend(news.bundles.iter().map(|(slot, items)| apportion_bundle {
            slot: *slot,
            items: items.as_ptr(),
            items_size: items.len(),
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
            frameworks: views.frameworks.as_ptr(),
            frameworks_size: views.frameworks.len(),
            roles: views.roles.as_ptr(),
            roles_size: views.roles.len(),
            agents: views.agents.as_ptr(),
            agents_size: views.agents.len(),
            items: views.items.as_ptr(),
            items_size: views.items.len(),
            bundles: views.bundles.as_ptr(),
            bundles_size: views.bundles.len(),
            offers: self.offers.as_ptr(),
            offers_size: self.offers.len(),
            inverse_offers: views.inverse_offers.as_ptr(),
            inverse_offers_size: views.inverse_offers.len(),
            inverse_statuses: views.inverse_statuses.as_ptr(),
            inverse_statuses_size: views.inverse_statuses.len(),
            cycle_requested: u8::from(self.cycle_requested),
            ..nothing(&[])
        }
    }
}

/// Bundles of the offers of one event, by role and by where the list of resources is: most agents are of few shapes, and
/// all that are free to the same extent share one list. What is not found here is looked up by what is in it.
#[derive(Debug)]
struct RecentBundles([Option<(RoleId, *const Item, u32)>; RecentBundles::PLACES]);

impl Default for RecentBundles {
    fn default() -> Self {
        RecentBundles([None; RecentBundles::PLACES])
    }
}

impl RecentBundles {
    const PLACES: usize = 512;

    /// Where a role's list is kept, and what is kept there drops out for it.
    fn place(offer: &Offer) -> usize {
        // Lists are at least a few dozen bytes apart.
        (offer.resources.items().as_ptr().addr() >> 5).wrapping_add(offer.role.index()) % Self::PLACES
    }

    fn get(&self, offer: &Offer) -> Option<u32> {
        let (role, list, bundle) = self.0[Self::place(offer)]?;
        // The offers of the event hold their lists, so what is at an address stays the same.
        (role == offer.role && list == offer.resources.items().as_ptr()).then_some(bundle)
    }

    fn keep(&mut self, offer: &Offer, bundle: u32) {
        self.0[Self::place(offer)] = Some((offer.role, offer.resources.items().as_ptr(), bundle));
    }
}

/// The places of frameworks or roles among those of one event, in the order of their names, by slot.
struct Ranks {
    by_slot: Vec<u32>,
    /// How many there are.
    len: usize,
}

impl Ranks {
    /// `slot` gives the number by which offers name it, `name` is asked once for each.
    fn of<'a>(
        offers: &'a [Offer],
        slot_of: impl Fn(&Offer) -> usize,
        name: impl Fn(&'a Offer) -> &'a [u8],
    ) -> Ranks {
        const ABSENT: u32 = u32::MAX;
        let mut by_slot = Vec::new();
        let mut present = Vec::new();
        for offer in offers {
            let index = slot_of(offer);
            if index >= by_slot.len() {
                by_slot.resize(index + 1, ABSENT);
            }
            if std::mem::replace(&mut by_slot[index], 0) == ABSENT {
                present.push((name(offer), index));
            }
        }
        present.sort_unstable();
        let len = present.len();
        for (rank, (_, index)) in present.into_iter().enumerate() {
            by_slot[index] = slot(rank);
        }
        Ranks { by_slot, len }
    }

    /// Sorts offers by the rank of what `slot_of` gives; those of one rank stay in their order. `room` is overwritten.
    fn sort(
        &self,
        offers: &mut Vec<apportion_offer>,
        room: &mut Vec<apportion_offer>,
        slot_of: impl Fn(&apportion_offer) -> u32,
    ) {
        if self.len < 2 {
            return;
        }
        let rank = |offer: &apportion_offer| self.by_slot[slot_of(offer) as usize] as usize;
        let mut places = vec![0; self.len];
        for offer in offers.iter() {
            places[rank(offer)] += 1;
        }
        let mut before = 0;
        for place in &mut places {
            before += std::mem::replace(place, before);
        }
        room.clone_from(offers);
        for offer in offers.iter() {
            let place = &mut places[rank(offer)];
            room[*place] = *offer;
            *place += 1;
        }
        std::mem::swap(offers, room);
    }
}

/// A slot of the core as the header has it; the core's own numbers have as many bits.
fn slot(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

fn lend_names(views: &mut Vec<apportion_name>, names: &[(u32, Vec<u8>)]) {
    views.clear();
    views.extend(names.iter().map(|(slot, name)| apportion_name { slot: *slot, name: view(name) }));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offers_are_put_in_the_order_of_ranks_and_stay_in_that_of_decision_otherwise() {
        let ranks = Ranks { by_slot: vec![1, u32::MAX, 0], len: 2 };
        let offer = |(framework, agent)| apportion_offer { framework, role: 0, agent, bundle: 0 };
        let mut offers: Vec<apportion_offer> =
            [(0, 7), (2, 5), (0, 3), (2, 9), (0, 4)].into_iter().map(offer).collect();
        let mut room = vec![offer((8, 8))];
        ranks.sort(&mut offers, &mut room, |offer| offer.framework);
        let sorted: Vec<(u32, u32)> = offers.iter().map(|offer| (offer.framework, offer.agent)).collect();
        assert_eq!(sorted, [(2, 5), (2, 9), (0, 7), (0, 3), (0, 4)]);
    }
}
