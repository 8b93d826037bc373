//! Who holds what. Agents, memberships, sorters and role aggregates change together here and nowhere else.
//!
//! A shared resource counts once per agent: for a framework when it gets the first copy, for a role when the first of
//! its frameworks does, and the other way round when copies go. Everything else counts for both alike.

use super::Allocator;
use crate::amount::Amount;
use crate::holding::{Holding, Item};
use crate::ids::{AgentId, FrameworkId, NameId, RoleId};
use crate::kind::{KindTable, Traits};
use crate::quantities::Quantities;
use crate::roles::Aggregate;
use crate::sorter::Sorter;
use smallvec::SmallVec;

/// Amounts by name. Few agents have more kinds of scalars.
pub(crate) type Amounts = SmallVec<[(NameId, Amount); 6]>;

/// What a change adds to or takes from the sums above it.
#[derive(Debug, Default)]
struct Counts {
    aggregates: SmallVec<[(Aggregate, NameId, Amount); 6]>,
    for_role: Amounts,
    /// What counts for the framework, if that is anything else.
    for_framework: Option<Amounts>,
}

impl Counts {
    fn for_framework(&self) -> &[(NameId, Amount)] {
        self.for_framework.as_ref().unwrap_or(&self.for_role)
    }
}

/// Whether what nobody holds of an agent comes or goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Free {
    There,
    Gone,
}

/// The scalars of a collection with what they count for; sharing decided by the caller.
pub(crate) fn scalars(resources: &Holding, kinds: &KindTable) -> Amounts {
    let items = resources.items().iter();
    items.filter_map(|item| Some((kinds.traits(item.kind).scalar_name?, item.scalar_quantity()?))).collect()
}

/// Which aggregate of held resources an item belongs to.
pub(crate) fn held_aggregate(item: &Item, kinds: &KindTable) -> Option<Aggregate> {
    aggregate_of(&kinds.traits(item.kind))
}

/// Which aggregate of held resources a kind belongs to.
fn aggregate_of(traits: &Traits) -> Option<Aggregate> {
    match traits.reserved_to {
        Some(_) => Some(Aggregate::HeldReserved),
        None if traits.revocable => None,
        None => Some(Aggregate::HeldUnreserved),
    }
}

/// The scalars that count for `used_unreserved`.
pub(crate) fn unreserved_scalars(
    resources: &Holding,
    kinds: &KindTable,
) -> impl Iterator<Item = (NameId, Amount)> {
    resources.items().iter().filter_map(|item| {
        let traits = kinds.traits(item.kind);
        let counts = aggregate_of(&traits) == Some(Aggregate::HeldUnreserved);
        Some((traits.scalar_name.filter(|_| counts)?, item.scalar_quantity()?))
    })
}

/// Whether a holding has at least one copy of the item.
fn has(holding: &Holding, item: &Item) -> bool {
    holding.contains_item(&Item { copies: 1, ..item.clone() })
}

impl Allocator {
    /// Makes a framework a member of a role; the first one brings the role into the role sorter.
    pub(crate) fn join(&mut self, framework: FrameworkId, role: RoleId) {
        let (_, joined) = self.frameworks.get_mut(framework).join(role);
        if !joined {
            return;
        }
        if self.framework_sorters.len() <= role.index() {
            self.framework_sorters.resize(role.index() + 1, None);
        }
        let sorter = &mut self.framework_sorters[role.index()];
        if sorter.is_none() {
            self.roles.set_has_frameworks(role, true);
            self.role_sorter.add_path(self.roles.name(role), role.slot());
            self.role_sorter.activate(role.slot());
        }
        let name = &self.frameworks.get(framework).name;
        sorter.get_or_insert_with(Sorter::default).add_flat(name, framework.slot());
    }

    /// Ends the membership of a framework that is not subscribed and holds nothing; the last one takes the role out
    /// of the role sorter.
    pub(crate) fn leave_if_idle(&mut self, framework: FrameworkId, role: RoleId) {
        let member = self.frameworks.get(framework).membership(role);
        if member.is_none_or(|member| member.subscribed || member.agents_held > 0) {
            return;
        }
        self.frameworks.get_mut(framework).leave(role);
        let place = &mut self.framework_sorters[role.index()];
        let Some(sorter) = place else { return };
        sorter.remove(framework.slot());
        if sorter.is_empty() {
            *place = None;
            self.roles.set_has_frameworks(role, false);
            self.role_sorter.remove(role.slot());
        }
    }

    /// Brings a framework's place in a role's order in line with whether it takes offers.
    pub(crate) fn sync_turn(&mut self, framework: FrameworkId, role: RoleId) {
        self.sync_borrower(framework, role);
        let takes_offers = self.frameworks.get(framework).takes_offers_in(role);
        let Some(sorter) = self.framework_sorters.get_mut(role.index()).and_then(Option::as_mut) else {
            return;
        };
        if takes_offers {
            sorter.activate(framework.slot());
        } else {
            sorter.deactivate(framework.slot());
        }
    }

    /// A framework holds more on an agent. `served`: it was given this, which counts for ties.
    pub(crate) fn hold(
        &mut self,
        framework: FrameworkId,
        role: RoleId,
        agent: AgentId,
        resources: &Holding,
        served: bool,
    ) {
        if resources.is_empty() {
            return;
        }
        self.candidates.reopen_quota();
        self.join(framework, role);
        // Before the books change: is this the first copy?
        let counted = self.count(framework, role, agent, resources);
        self.lending.mark(agent.index());
        let first = self.agents.get_mut(agent).hold(framework, role, resources);
        self.refresh(agent);
        if let Some(member) = self.frameworks.get_mut(framework).membership_mut(role) {
            member.agents_held += u32::from(first);
        }
        for (aggregate, name, amount) in &counted.aggregates {
            self.roles.add(role, *aggregate, *name, *amount);
        }
        let framework_sorter = self.framework_sorters[role.index()].get_or_insert_with(Sorter::default);
        if served {
            self.role_sorter.allocated(role.slot(), &counted.for_role, &self.pool);
            framework_sorter.allocated(framework.slot(), counted.for_framework(), &self.pool);
        } else {
            self.role_sorter.grew(role.slot(), &counted.for_role, &self.pool);
            framework_sorter.grew(framework.slot(), counted.for_framework(), &self.pool);
        }
    }

    /// A framework holds less on an agent. It must hold `resources` there; ending the membership is the caller's.
    pub(crate) fn release(
        &mut self,
        framework: FrameworkId,
        role: RoleId,
        agent: AgentId,
        resources: &Holding,
    ) {
        if resources.is_empty() {
            return;
        }
        self.candidates.reopen_quota();
        let last = self.agents.get_mut(agent).release(framework, role, resources);
        self.refresh(agent);
        self.give_back(agent);
        // After the books changed: was this the last copy?
        let counted = self.count(framework, role, agent, resources);
        if let Some(member) = self.frameworks.get_mut(framework).membership_mut(role) {
            member.agents_held -= u32::from(last);
        }
        for (aggregate, name, amount) in &counted.aggregates {
            self.roles.subtract(role, *aggregate, *name, *amount);
        }
        self.role_sorter.unallocated(role.slot(), &counted.for_role, &self.pool);
        if let Some(sorter) = &mut self.framework_sorters[role.index()] {
            sorter.unallocated(framework.slot(), counted.for_framework(), &self.pool);
        }
    }

    /// What a change counts for, as seen while the books do not contain it.
    fn count(&self, framework: FrameworkId, role: RoleId, agent: AgentId, resources: &Holding) -> Counts {
        let record = self.agents.get(agent);
        let mut counts = Counts::default();
        if resources.items().iter().any(|item| item.kind.is_shared()) {
            counts.for_framework = Some(Amounts::new());
        }
        for item in resources.items() {
            let traits = self.kinds.traits(item.kind);
            let (Some(name), Some(amount)) = (traits.scalar_name, item.scalar_quantity()) else { continue };
            let (mut for_framework, mut for_role) = (true, true);
            if item.kind.is_shared() {
                for_framework = !record.held_by(framework, role).is_some_and(|held| has(held, item));
                for_role = !record.held.iter().any(|held| held.role == role && has(&held.resources, item));
            }
            if for_role {
                counts.for_role.push((name, amount));
                if let Some(aggregate) = aggregate_of(&traits) {
                    counts.aggregates.push((aggregate, name, amount));
                }
            }
            if let Some(own) = counts.for_framework.as_mut().filter(|_| for_framework) {
                own.push((name, amount));
            }
        }
        counts
    }

    /// Tasks and executors of known frameworks use more of what a role holds on an agent.
    pub(crate) fn use_more(&mut self, role: RoleId, agent: AgentId, resources: &Holding) {
        self.change_used(role, agent, |used| used.add(resources));
    }

    /// Tasks and executors use less.
    pub(crate) fn use_less(&mut self, role: RoleId, agent: AgentId, resources: &Holding) {
        self.change_used(role, agent, |used| used.subtract(resources));
    }

    fn change_used(&mut self, role: RoleId, agent: AgentId, change: impl FnOnce(&mut Holding)) {
        self.lending.mark(agent.index());
        let record = self.agents.get_mut(agent);
        let mut used = record.used.remove(&role).unwrap_or_default();
        for (name, amount) in unreserved_scalars(&used, &self.kinds) {
            self.roles.subtract(role, Aggregate::UsedUnreserved, name, amount);
        }
        change(&mut used);
        for (name, amount) in unreserved_scalars(&used, &self.kinds) {
            self.roles.add(role, Aggregate::UsedUnreserved, name, amount);
        }
        if !used.is_empty() {
            record.used.insert(role, used);
        }
    }

    /// Everything frameworks hold of an agent in a role, added up.
    pub(crate) fn held_in_role(&self, role: RoleId, agent: AgentId) -> Holding {
        let mut sum = Holding::default();
        for held in self.agents.get(agent).held.iter().filter(|held| held.role == role) {
            sum.add(&held.resources);
        }
        sum
    }

    /// What tasks use can only be what somebody holds: forgets what a framework left behind.
    pub(crate) fn forget_orphaned_use(&mut self, role: RoleId, agent: AgentId) {
        if !self.agents.get(agent).used.contains_key(&role) {
            return;
        }
        let held = self.held_in_role(role, agent);
        let orphaned = self.agents.get(agent).used.get(&role).map(|used| {
            let mut excess = used.clone();
            excess.subtract(&held);
            excess
        });
        if let Some(excess) = orphaned.filter(|excess| !excess.is_empty()) {
            self.use_less(role, agent, &excess);
        }
    }

    /// Something about an agent changed: look at it again in the next run that has it as candidate.
    pub(crate) fn touch(&mut self, agent: AgentId) {
        self.lending.mark(agent.index());
        let record = self.agents.get_mut(agent);
        record.closed = None;
        self.candidates.touch(agent.index(), !record.available.is_empty());
    }

    /// Counts an agent's total in the pool and its reservations in the role tree.
    pub(crate) fn count_total(&mut self, total: &Holding) {
        self.candidates.reopen_quota();
        self.pool.add(&scalars(total, &self.kinds));
        self.lending.reopen_held_back();
        self.count_reservations(total, |amount| amount);
    }

    /// The reverse of [`Allocator::count_total`].
    pub(crate) fn discount_total(&mut self, total: &Holding) {
        self.candidates.reopen_quota();
        self.pool.subtract(&scalars(total, &self.kinds));
        self.count_reservations(total, |amount| Amount::ZERO - amount);
    }

    fn count_reservations(&mut self, total: &Holding, sign: impl Fn(Amount) -> Amount) {
        for item in total.items() {
            let traits = self.kinds.traits(item.kind);
            if let (Some(role), Some(name), Some(amount)) =
                (traits.reserved_to, traits.scalar_name, item.scalar_quantity())
            {
                self.roles.add(role, Aggregate::Reservations, name, sign(amount));
            }
        }
    }

    /// Replaces what an agent has; tells whether that is anything else than before.
    pub(crate) fn update_total(&mut self, agent: AgentId, total: &Holding) -> bool {
        if self.agents.get(agent).total == *total {
            return false;
        }
        let old = std::mem::replace(&mut self.agents.get_mut(agent).total, total.clone());
        self.discount_total(&old);
        self.count_total(total);
        self.refresh_agent(agent);
        true
    }

    /// Brings up to date what nobody holds of an agent.
    fn refresh(&mut self, agent: AgentId) {
        self.count_free(agent, Free::Gone);
        self.agents.get_mut(agent).refresh(&self.kinds);
        self.count_free(agent, Free::There);
    }

    /// Counts what nobody holds of an agent in the sum over all agents, if that is kept.
    pub(super) fn count_free(&mut self, agent: AgentId, free: Free) {
        let Some(sum) = &mut self.free else { return };
        for (name, amount) in unreserved_scalars(&self.agents.get(agent).available, &self.kinds) {
            match free {
                Free::There => sum.add(name, amount),
                Free::Gone => sum.subtract(name, amount),
            }
        }
    }

    /// What nobody holds, unreserved and not revocable: agent by agent, as what an over-committed agent holds too much must
    /// not count against the others.
    pub(crate) fn derive_free(&self) -> Quantities {
        let mut sum = Quantities::default();
        for agent in self.agents.ids() {
            for (name, amount) in unreserved_scalars(&self.agents.get(agent).available, &self.kinds) {
                sum.add(name, amount);
            }
        }
        sum
    }

    /// Brings everything derived from an agent's total and holdings up to date.
    pub(crate) fn refresh_agent(&mut self, agent: AgentId) {
        self.candidates.reopen_quota();
        let gpus = self.kinds.find_name(b"gpus");
        self.refresh(agent);
        let record = self.agents.get_mut(agent);
        record.has_gpus = gpus.is_some()
            && record.total.items().iter().any(|item| self.kinds.traits(item.kind).scalar_name == gpus);
        self.touch(agent);
    }
}
