//! Keeps the offer book: what hooks of this process may count on.

use std::collections::HashSet;
use std::sync::Arc;

use apportion_core::{Allocator, Effects, Event, Holding, KindId};

use super::intern::Resources;
use crate::offer_book::OfferBook;

/// An agent's id and a role.
type AgentAndRole = (Box<[u8]>, Box<[u8]>);

/// Writes what this allocator offers into its ledger of the offer book.
///
/// An accept arrives as several calls between `pause` and `resume`. Halfway the sums mean nothing, so entries go when
/// it is complete.
#[derive(Debug)]
pub(super) struct Recorder {
    book: Arc<OfferBook>,
    ledger: u64,
    /// Agents and roles of which something was returned or used, and the entries are not settled yet.
    unsettled: HashSet<AgentAndRole>,
    /// Whether all are unsettled.
    all_unsettled: bool,
}

impl Recorder {
    /// A recorder with a ledger of its own.
    pub(super) fn new(book: Arc<OfferBook>) -> Recorder {
        let ledger = book.open();
        Recorder { book, ledger, unsettled: HashSet::new(), all_unsettled: false }
    }

    /// Follows an event that the core has taken. To be called before the offers leave.
    pub(super) fn follow(
        &mut self,
        event: &Event<'_>,
        effects: &Effects,
        core: &Allocator,
        resources: &Resources,
    ) {
        if !self.book.is_watched() {
            // The ledger is empty, and what is unsettled now may be settled before the next watch.
            self.unsettled.clear();
            self.all_unsettled = false;
            return;
        }
        match event {
            Event::Initialize { .. } | Event::Recover { .. } => self.book.empty(self.ledger),
            Event::RemoveAgent { agent } => self.book.forget_agent(self.ledger, agent),
            // Between this and what follows from it in the same accept, runs can happen: the entries wait.
            Event::UpdateAllocation { agent, role, .. } => self.unsettle(agent, role),
            Event::RecoverResources { agent, resources, allocated: false, .. }
            | Event::TransitionOfferedToAllocated { agent, resources } => {
                for role in resources.iter().filter_map(|group| group.role) {
                    self.unsettle(agent, role);
                }
                self.settle(core);
            }
            Event::RemoveFramework { .. } => {
                self.all_unsettled = true;
                self.settle(core);
            }
            Event::Resume => self.settle(core),
            _ => {}
        }
        self.record(effects, core, resources);
    }

    fn unsettle(&mut self, agent: &[u8], role: &[u8]) {
        self.unsettled.insert((agent.into(), role.into()));
    }

    /// Takes out what is over, unless more of the same accept is to come.
    fn settle(&mut self, core: &Allocator) {
        if core.is_paused() {
            return;
        }
        if std::mem::take(&mut self.all_unsettled) {
            self.unsettled.clear();
            self.book.settle_all(self.ledger, |agent, role| core.offered(agent, role));
        }
        for (agent, role) in self.unsettled.drain() {
            self.book.settle(self.ledger, (&agent, &role), || core.offered(&agent, &role));
        }
    }

    /// Writes down what is offered.
    fn record(&self, effects: &Effects, core: &Allocator, resources: &Resources) {
        let kind = |id: KindId| (core.kind(id), resources.identity(id));
        for offer in &effects.offers {
            let (agent, role) =
                (core.agent_name(offer.agent).unwrap_or_default(), core.role_name(offer.role));
            let is_settled = || {
                !self.all_unsettled
                    && (self.unsettled.is_empty() || !self.unsettled.contains(&(agent.into(), role.into())))
            };
            let outstanding = || -> Option<Holding> { is_settled().then(|| core.offered(agent, role)) };
            self.book.record(self.ledger, (agent, role), &offer.resources, kind, outstanding);
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.book.close(self.ledger);
    }
}
