//! What the allocator has offered and not got back, for the hook of the same process.
//!
//! A rule may want a task to have more than its framework asked for. The host answers `TASK_ERROR` if the task then
//! needs more than the accepted offers hold, and tells a hook neither the offers nor the framework. The allocator knows
//! what it offered, so it keeps a book of it, and the hook asks how much there is to add.
//!
//! ```text
//! allocator's actor: offers, returns ──► OfferBook ──room──► hook, on the master's thread
//!                                                  ◄─take──  what each task was given
//! ```
//!
//! # Why the answer is never too much
//!
//! * The master knows of an offer after the book, and the book of its end after the master: while a task is launched,
//!   the offers it is launched from stand here. An entry too many does no harm; a missing one would. So entries go only
//!   when the allocator's own books prove that they are over (`shelf.rs`).
//! * Which offers a task comes from is not known. Every set of offers that could hold it counts, and the answer is the
//!   least that any of them leaves, resource by resource. Whether offers could hold it is judged by names and not by
//!   reservations, because operations of the same accept can reserve and make volumes before they launch.
//! * What a task took is missing from all offers of its agent and role until they go: the next task of the same accept
//!   does not get it again.
//! * Offers made while nobody watched are missing. Agent and role count as unknown until all such offers are over.
//!
//! # What cannot be known
//!
//! Operations of an accept are never shown to a hook. If one accept reserves resources, or makes a volume of them, *and*
//! launches a task from what is left of the same unreserved resources, then the book still counts the reserved part.
//! The same holds for tasks that no hook sees at all, should a master launch such in the accept of one that is seen.

mod kinds;
mod needs;
mod shelf;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use apportion_core::{Holding, Kind, KindId};
use apportion_wire::resource::ResourceParts;
use parking_lot::Mutex;
use thiserror::Error;

use self::kinds::Kinds;
use self::needs::Needs;
use self::shelf::Shelf;

/// Why nothing may be added to a task.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum NoRoom {
    /// Nobody watches.
    #[error("offers are not followed")]
    NotWatched,
    /// Some of its resources are none.
    #[error("its resources cannot be read: {0}")]
    Unreadable(String),
    /// A resource without role, resources of several roles, or no resource at all.
    #[error("its resources are not allocated to one role")]
    NotOneRole,
    /// No offer of the agent to the role is outstanding, or the allocator of this process is another one.
    #[error("no offer of the agent to its role is known")]
    NotOffered,
    /// Some offers of the agent to the role were made while nobody watched, or the books of two allocators disagree.
    #[error("not all offers of the agent to its role are known")]
    NotAllKnown,
    /// More sets of offers than are worth a look on the master's thread.
    #[error("there are {0} offers of the agent to its role, too many to tell which are meant")]
    TooManyOffers(usize),
    /// The host will refuse the task, or knows of offers that are not in the book.
    #[error("no offer of the agent to its role holds the task")]
    DoesNotFit,
}

/// Offers by agent and role. Shared by the allocators and hooks of a process.
#[derive(Debug, Default)]
pub(crate) struct OfferBook {
    /// How many watches there are. Changed under the lock only, so that nothing is recorded behind the last one's back.
    watches: AtomicUsize,
    ledgers: Mutex<Ledgers>,
}

/// One ledger for each allocator: numbers of kinds are the allocator's own. A master has one.
#[derive(Debug, Default)]
struct Ledgers {
    opened: u64,
    by_number: BTreeMap<u64, Ledger>,
}

/// What one allocator has offered.
#[derive(Debug, Default)]
struct Ledger {
    kinds: Kinds,
    // Ids come from outside: the standard hash is keyed against floods, and nothing depends on its order.
    agents: HashMap<Box<[u8]>, Vec<Shelf>>,
}

/// Keeps the book going. Without any, nothing is recorded and nothing may grow.
#[derive(Debug)]
#[must_use = "the book is emptied when the last watch ends"]
pub(crate) struct Watch {
    book: Arc<OfferBook>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut ledgers = self.book.ledgers.lock();
        if self.book.watches.fetch_sub(1, Ordering::Relaxed) == 1 {
            ledgers.by_number.values_mut().for_each(|ledger| ledger.agents.clear());
        }
    }
}

impl OfferBook {
    /// From now on offers are recorded, until the last watch is dropped.
    ///
    /// Best before the allocator makes its first offer; later the book learns of an agent's offers to a role once all
    /// earlier ones are over.
    pub(crate) fn watch(self: &Arc<Self>) -> Watch {
        let _ledgers = self.ledgers.lock();
        self.watches.fetch_add(1, Ordering::Relaxed);
        Watch { book: Arc::clone(self) }
    }

    /// What may be added to a task that is being launched on `agent`: scalars allocated to its role, each at most once
    /// and more than nothing, in the identities in which they were offered. `task` and `executor` are serialised
    /// resources as the hook gets them.
    ///
    /// Only what a task can have more of is among them: no volume, no disk with a source, nothing of a resource
    /// provider, and revocable resources only next to revocable ones of the same name.
    ///
    /// # Errors
    /// Why nothing may be added.
    pub(crate) fn room(
        &self,
        agent: &[u8],
        task: &[Vec<u8>],
        executor: &[Vec<u8>],
    ) -> Result<Vec<ResourceParts>, NoRoom> {
        if !self.is_watched() {
            return Err(NoRoom::NotWatched);
        }
        let needs = Needs::read(task, executor)?;
        let ledgers = self.ledgers.lock();
        let mut found = ledgers.by_number.values().filter_map(|ledger| {
            let shelves = ledger.agents.get(agent)?;
            Some((&ledger.kinds, shelves.iter().find(|shelf| shelf.is_for(needs.role()))?))
        });
        let (kinds, shelf) = found.next().ok_or(NoRoom::NotOffered)?;
        if found.next().is_some() {
            return Err(NoRoom::NotAllKnown);
        }
        shelf.room(&needs, kinds)
    }

    /// Notes what a task was given at last. To be called for every task whose launch a hook sees while it watches, also
    /// for those that no rule changes: else the next task of the same accept gets theirs.
    ///
    /// A task that cannot be read takes everything on the agent.
    pub(crate) fn take(&self, agent: &[u8], task: &[Vec<u8>], executor: &[Vec<u8>]) {
        if !self.is_watched() || task.is_empty() && executor.is_empty() {
            return;
        }
        let needs = Needs::read(task, executor);
        for ledger in self.ledgers.lock().by_number.values_mut() {
            let Some(shelves) = ledger.agents.get_mut(agent) else { continue };
            match &needs {
                Ok(needs) => {
                    let taken = needs.countable(&ledger.kinds);
                    let shelves = shelves.iter_mut().filter(|shelf| shelf.is_for(needs.role()));
                    shelves.for_each(|shelf| shelf.take(&taken));
                }
                Err(_) => shelves.iter_mut().for_each(Shelf::exhaust),
            }
        }
    }
}

/// The allocator's side. Each call is for the ledger of one allocator; see [`OfferBook::open`].
impl OfferBook {
    /// Whether to record. Costs next to nothing.
    pub(crate) fn is_watched(&self) -> bool {
        self.watches.load(Ordering::Relaxed) != 0
    }

    /// The number of a new ledger.
    pub(crate) fn open(&self) -> u64 {
        let mut ledgers = self.ledgers.lock();
        let number = ledgers.opened;
        ledgers.opened += 1;
        ledgers.by_number.insert(number, Ledger::default());
        number
    }

    /// The allocator is gone.
    pub(crate) fn close(&self, number: u64) {
        self.ledgers.lock().by_number.remove(&number);
    }

    /// Nothing is offered.
    pub(crate) fn empty(&self, number: u64) {
        self.change(number, |ledger| ledger.agents.clear());
    }

    /// The agent is gone.
    pub(crate) fn forget_agent(&self, number: u64, agent: &[u8]) {
        self.change(number, |ledger| {
            ledger.agents.remove(agent);
        });
    }

    /// An offer is made. `kind` tells a kind and its identity; `outstanding` is all that the allocator counts as offered
    /// on this agent in this role, this offer included, or `None` if that is about to change.
    pub(crate) fn record<'a>(
        &self,
        number: u64,
        (agent, role): (&[u8], &[u8]),
        offered: &Holding,
        kind: impl Fn(KindId) -> (&'a Kind, &'a [u8]),
        outstanding: impl FnOnce() -> Option<Holding>,
    ) {
        self.change(number, |ledger| {
            for item in offered.items() {
                ledger.kinds.learn(item.kind, &kind);
            }
            let shelves = match ledger.agents.get_mut(agent) {
                Some(shelves) => shelves,
                None => ledger.agents.entry(agent.into()).or_insert_with(|| Vec::with_capacity(1)),
            };
            match shelves.iter_mut().find(|shelf| shelf.is_for(role)) {
                Some(shelf) => shelf.put(offered, outstanding),
                None => shelves.push(Shelf::new(role, offered, outstanding)),
            }
        });
    }

    /// Something was returned or used: the allocator now counts `outstanding` as offered.
    pub(crate) fn settle(
        &self,
        number: u64,
        (agent, role): (&[u8], &[u8]),
        outstanding: impl FnOnce() -> Holding,
    ) {
        self.change(number, |ledger| {
            let Some(shelves) = ledger.agents.get_mut(agent) else { return };
            let Some(at) = shelves.iter().position(|shelf| shelf.is_for(role)) else { return };
            if shelves.get_mut(at).is_some_and(|shelf| !shelf.settle(&outstanding())) {
                shelves.swap_remove(at);
            }
            if shelves.is_empty() {
                ledger.agents.remove(agent);
            }
        });
    }

    /// As [`OfferBook::settle`], for every agent and role.
    pub(crate) fn settle_all(&self, number: u64, outstanding: impl Fn(&[u8], &[u8]) -> Holding) {
        self.change(number, |ledger| {
            ledger.agents.retain(|agent, shelves| {
                shelves.retain_mut(|shelf| {
                    let outstanding = outstanding(agent, shelf.role());
                    shelf.settle(&outstanding)
                });
                !shelves.is_empty()
            });
        });
    }

    /// Changes a ledger if somebody still watches.
    fn change(&self, number: u64, change: impl FnOnce(&mut Ledger)) {
        let mut ledgers = self.ledgers.lock();
        if self.is_watched()
            && let Some(ledger) = ledgers.by_number.get_mut(&number)
        {
            change(ledger);
        }
    }
}
