//! Agents: what they have, who holds what of it, and what is left to offer.
//!
//! ```text
//! available = total − everything held        (shared resources: always all of the total)
//! ```
//!
//! Invariants: `available` follows from `total`, `held` and `absent`; at most one `held` entry per framework and role,
//! never empty, sorted. An agent can be over-committed; what is left then is nothing, never less.

use std::collections::{BTreeMap, BTreeSet};

use crate::cycle::Closed;
use crate::event::{AgentCapabilities, AgentInfo, Unavailability};
use crate::holding::Holding;
use crate::ids::{AgentId, FrameworkId, RoleId, Slots};
use crate::kind::KindTable;
use crate::shuffle::name_key;
use smallvec::SmallVec;

/// What a known framework holds of an agent, offered or in use.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub(crate) framework: FrameworkId,
    pub(crate) role: RoleId,
    pub(crate) resources: Holding,
}

/// What a framework holds that was reported by the agent, but was never added.
#[derive(Debug, Clone)]
pub(crate) struct Absent {
    pub(crate) framework: Box<[u8]>,
    pub(crate) role: Option<RoleId>,
    pub(crate) resources: Holding,
    /// The part of `resources` that tasks and executors use.
    pub(crate) used: Holding,
}

/// A maintenance window and what frameworks answered to it.
#[derive(Debug, Clone)]
pub(crate) struct Maintenance {
    pub(crate) unavailability: Unavailability,
    /// The last answer of each framework, by its id.
    pub(crate) statuses: BTreeMap<Box<[u8]>, Box<[u8]>>,
    /// Ids of the frameworks that were asked and have not answered.
    pub(crate) outstanding: BTreeSet<Box<[u8]>>,
}

/// What an agent registered with, owned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Registration {
    pub(crate) hostname: Box<[u8]>,
    pub(crate) attributes: Box<[u8]>,
    pub(crate) region: Option<Box<[u8]>>,
    pub(crate) other: Box<[u8]>,
}

impl From<AgentInfo<'_>> for Registration {
    fn from(info: AgentInfo<'_>) -> Self {
        Self {
            hostname: info.hostname.into(),
            attributes: info.attributes.into(),
            region: info.region.map(Into::into),
            other: info.other.into(),
        }
    }
}

/// Everything about one agent.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, read one by one in the run")]
pub(crate) struct Agent {
    pub(crate) name: Box<[u8]>,
    pub(crate) generation: u32,
    pub(crate) live: bool,
    pub(crate) active: bool,
    pub(crate) whitelisted: bool,
    pub(crate) has_gpus: bool,
    /// It can take back what is lent.
    pub(crate) reclaims: bool,
    /// In another region than the master.
    pub(crate) remote: bool,
    /// `available` has nothing reserved, revocable or shared: any role and framework may get all of it.
    pub(crate) plain: bool,
    /// Whether it was told that frameworks get nothing here for lack of a capability.
    pub(crate) warned: bool,
    /// Whether it was told that what its resource estimator reports is not offered.
    pub(crate) estimate_told: bool,
    pub(crate) registration: Box<Registration>,
    pub(crate) capabilities: AgentCapabilities,
    pub(crate) maintenance: Option<Box<Maintenance>>,
    pub(crate) total: Holding,
    pub(crate) available: Holding,
    /// Most agents are offered to one at a time.
    pub(crate) held: SmallVec<[Held; 1]>,
    pub(crate) absent: Vec<Absent>,
    /// What tasks and executors of known frameworks use, role by role.
    pub(crate) used: BTreeMap<RoleId, Holding>,
    /// As it was before it was offered, if only those who were woken were asked about it.
    pub(crate) closed: Option<Closed>,
}

impl Agent {
    /// Where the entry of a framework and role is or belongs.
    fn position(&self, framework: FrameworkId, role: RoleId) -> Result<usize, usize> {
        self.held.binary_search_by_key(&(framework, role), |held| (held.framework, held.role))
    }

    /// What a framework holds in a role.
    pub(crate) fn held_by(&self, framework: FrameworkId, role: RoleId) -> Option<&Holding> {
        self.position(framework, role).ok().map(|at| &self.held[at].resources)
    }

    /// Adds to what a framework holds; tells whether it held nothing before. `available` must be derived anew.
    pub(crate) fn hold(&mut self, framework: FrameworkId, role: RoleId, resources: &Holding) -> bool {
        match self.position(framework, role) {
            Ok(at) => {
                self.held[at].resources.add(resources);
                false
            }
            Err(at) => {
                self.held.insert(at, Held { framework, role, resources: resources.clone() });
                true
            }
        }
    }

    /// Takes from what a framework holds; tells whether it holds nothing now. `available` must be derived anew.
    pub(crate) fn release(&mut self, framework: FrameworkId, role: RoleId, resources: &Holding) -> bool {
        let Ok(at) = self.position(framework, role) else { return false };
        self.held[at].resources.subtract(resources);
        let emptied = self.held[at].resources.is_empty();
        if emptied {
            self.held.remove(at);
        }
        emptied
    }

    /// What is not held, derived from scratch: with an over-committed agent no running difference would be right.
    pub(crate) fn derive_available(&self) -> Holding {
        if self.held.is_empty() && self.absent.is_empty() {
            return self.total.clone();
        }
        let held = self.held.iter().map(|held| &held.resources);
        let all_held = Holding::sum(held.chain(self.absent.iter().map(|absent| &absent.resources)));
        let mut available = self.total.clone();
        available.subtract(&all_held);
        if self.total.items().iter().any(|item| item.kind.is_shared()) {
            available = available.filtered(|item| !item.kind.is_shared());
            available.add(&self.total.filtered(|item| item.kind.is_shared()));
        }
        available
    }

    /// Brings `available` up to date.
    pub(crate) fn refresh(&mut self, kinds: &KindTable) {
        self.available = self.derive_available();
        self.plain = self.available.items().iter().all(|item| {
            let traits = kinds.traits(item.kind);
            traits.reserved_to.is_none() && !traits.revocable && !traits.shared
        });
    }
}

/// All agents.
#[derive(Debug, Clone, Default)]
pub(crate) struct Agents {
    slots: Slots,
    table: Vec<Agent>,
    /// What of each agent's name decides its place in a run, by slot: all are read in every run.
    order_keys: Vec<u64>,
}

impl Agents {
    /// The id of a live agent.
    pub(crate) fn find(&self, name: &[u8]) -> Option<AgentId> {
        self.slots.find(name).map(|(slot, generation)| AgentId::new(slot, generation))
    }

    /// Adds an agent that is not live; `None` if there is no slot left.
    pub(crate) fn add(&mut self, mut agent: Agent) -> Option<AgentId> {
        let (slot, generation) = self.slots.occupy(&agent.name)?;
        agent.generation = generation;
        agent.live = true;
        let order_key = name_key(&agent.name);
        if slot as usize == self.table.len() {
            self.table.push(agent);
            self.order_keys.push(order_key);
        } else {
            self.table[slot as usize] = agent;
            self.order_keys[slot as usize] = order_key;
        }
        Some(AgentId::new(slot, generation))
    }

    /// Removes an agent and gives its last state back.
    pub(crate) fn remove(&mut self, agent: AgentId) -> Agent {
        let last = std::mem::take(&mut self.table[agent.index()]);
        self.slots.vacate(&last.name);
        last
    }

    /// A live agent.
    pub(crate) fn get(&self, agent: AgentId) -> &Agent {
        &self.table[agent.index()]
    }

    /// Reads a little of each part of the agents' records that a run looks at. A run goes through agents in no order, and
    /// waits for the memory of one record after the other; those read together are waited for together.
    pub(crate) fn read_ahead(&self, agents: impl Iterator<Item = AgentId>) {
        let lens = agents.map(|agent| {
            let record = self.get(agent);
            let (free, all) =
                (usize::from(record.available.is_empty()), usize::from(record.total.is_empty()));
            record.held.len()
                ^ record.absent.len()
                ^ record.used.len()
                ^ free
                ^ all
                ^ record.generation as usize
        });
        // What comes of it is of no use, but must not be left out for that.
        std::hint::black_box(lens.fold(0, |seen, len| seen ^ len));
    }

    /// What of a live agent's name decides its place in a run.
    pub(crate) fn order_key(&self, agent: AgentId) -> u64 {
        self.order_keys[agent.index()]
    }

    /// A live agent, to be changed.
    pub(crate) fn get_mut(&mut self, agent: AgentId) -> &mut Agent {
        &mut self.table[agent.index()]
    }

    /// The name of an agent, if the id is not stale.
    pub(crate) fn name(&self, agent: AgentId) -> Option<&[u8]> {
        let current = self.slots.is_current(agent.slot(), agent.generation());
        current.then(|| &*self.table[agent.index()].name)
    }

    /// The id of the live agent in a slot.
    pub(crate) fn at(&self, slot: usize) -> Option<AgentId> {
        let agent = self.table.get(slot).filter(|agent| agent.live)?;
        Some(AgentId::new(u32::try_from(slot).ok()?, agent.generation))
    }

    /// All live agents by slot.
    pub(crate) fn ids(&self) -> impl Iterator<Item = AgentId> {
        (0..self.table.len()).filter_map(|slot| self.at(slot))
    }

    /// All live agents by name.
    pub(crate) fn by_name(&self) -> impl Iterator<Item = (&[u8], &Agent)> {
        self.slots.by_name().map(|(name, slot)| (name, &self.table[slot as usize]))
    }

    /// How many agents are live.
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }
}
