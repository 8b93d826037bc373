//! Lending: idle capacity that is offered a second time, as revocable resources, to several frameworks at once.
//!
//! The regular books know nothing of it. A *loan* is what a framework has of an agent beside them, offered or in use;
//! resources of an agent that lends are told apart by whether they can be taken back. The rules are
//! [`crate::LendingPolicy`]; the design, with the words used here, is `docs/design/lending.md`.
//!
//! | file | what is in it |
//! |---|---|
//! | `mod.rs` | the state, and what follows from it role by role |
//! | `policy.rs` | the rules as given |
//! | `ripening.rs` | how long capacity has been idle |
//! | `idle.rs` | what an agent has idle, whose it is, and which loans it covers |
//! | `loans.rs` | calls about lent resources |
//! | `stage.rs` | the third stage of a run: who is offered what |
//! | `back_off.rs` | who has to wait for having lost |
//! | `numbers.rs` | numbers for metrics |
//! | `invariants.rs` | every kept sum derived anew |
//!
//! # Invariants
//!
//! - A framework has at most one entry for each agent and role, never empty, sorted.
//! - Sums role by role are those of the loans; [`crate::Allocator::check_all`] derives them anew.
//! - Loans exist only on agents that lend or once did.

mod back_off;
mod idle;
mod invariants;
mod loans;
mod numbers;
pub(crate) mod policy;
mod ripening;
mod stage;

use std::collections::{BTreeMap, BTreeSet};

use self::back_off::Waits;
use self::idle::{Charges, Lacking, Source};
use self::policy::{Bound, LendingPolicy};
use self::ripening::Ripening;
use crate::amount::{Amount, Weight};
use crate::holding::Holding;
use crate::ids::{FrameworkId, KindId, NameId, RoleId};
use crate::index_set::IndexSet;
use crate::kind::KindTable;
use crate::options::Instant;
use crate::quantities::{Pool, Quantities};
use crate::roles::RoleTree;
use crate::sorter::Sorter;

pub(crate) use self::loans::{Part, Returned};
pub use self::numbers::{LendingNumbers, LoanNumbers};

/// What a framework has borrowed of an agent in a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Loan {
    pub(crate) framework: FrameworkId,
    pub(crate) role: RoleId,
    pub(crate) offered: Holding,
    /// By tasks and executors.
    pub(crate) used: Holding,
}

/// What one agent lends.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lent {
    /// By framework and role.
    pub(crate) loans: Vec<Loan>,
    /// By lender and name: how long it has been idle, whatever for.
    ripening: BTreeMap<(RoleId, NameId), Ripening>,
    /// Its entry in [`Lending::ripe_at`].
    ripe_at: Option<Instant>,
    /// What of it may be lent now, by lender.
    sources: Vec<Source>,
    /// What frameworks that are not back yet use of it, by role. No loan is theirs before they are.
    absent: BTreeMap<RoleId, Quantities>,
    /// What all that is borrowed takes of each lender.
    charged: Charges,
    /// What may be lent in all, as it was told last.
    told: Quantities,
}

/// What a role is to lending; worked out when it is first asked.
#[derive(Debug, Clone, Default)]
struct Terms {
    lender: Option<usize>,
    borrower: Option<usize>,
}

/// Everything about lending.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lending {
    pub(crate) policy: LendingPolicy,
    on: bool,
    /// What each resource name is lent as.
    lent_as: Vec<(NameId, KindId)>,
    slice: Vec<(NameId, Amount)>,
    lend_limits: BTreeMap<RoleId, Vec<(NameId, Bound)>>,
    borrow_limits: BTreeMap<RoleId, Vec<(NameId, Bound)>>,
    terms: BTreeMap<RoleId, Terms>,
    /// Agents by slot.
    agents: BTreeMap<usize, Lent>,
    /// On which agents (slots) a framework has loans in a role.
    places: BTreeMap<(FrameworkId, RoleId), BTreeSet<usize>>,
    /// What roles with everything inside them have lent, and borrowed: offered or in use.
    lent: BTreeMap<RoleId, Quantities>,
    borrowed: BTreeMap<RoleId, Quantities>,
    /// What each role alone has lent of what it lacks of its guarantees.
    lent_of_guarantees: BTreeMap<RoleId, Quantities>,
    /// What lenders lacked when that was last asked.
    lacking: Vec<Lacking>,
    /// It changed since all agents that may serve guarantees were settled.
    lacking_changed: bool,
    borrower_sorter: Sorter,
    framework_sorters: BTreeMap<RoleId, Sorter>,
    waits: Waits,
    /// Agents about which something changed in this event.
    dirty: IndexSet,
    /// Agents worth looking at in the next run.
    open: IndexSet,
    /// All agents are.
    all_open: bool,
    /// Agents where a limit kept somebody from borrowing.
    held_back: IndexSet,
    /// When agents have more that has been idle for long enough, each agent once.
    ripe_at: BTreeSet<(Instant, usize)>,
    /// When agents were last looked at.
    last_run: Instant,
    /// The newest offer filter then.
    newest_filter: u64,
    /// The lent offers that frameworks (slots) refused since then, by role and agent (slot).
    refused: BTreeMap<u32, Vec<(RoleId, u32)>>,
}

impl Lending {
    /// Takes over the rules.
    pub(crate) fn begin(&mut self, policy: &LendingPolicy, kinds: &mut KindTable, roles: &mut RoleTree) {
        self.on = policy.is_on();
        self.policy = policy.clone();
        self.lent_as = policy.resources.iter().map(|kind| (kinds.traits(*kind).name, *kind)).collect();
        let slice = policy.slice.iter().map(|(name, most)| (kinds.intern_name(name), *most));
        self.slice = slice.collect();
        for limits in &policy.limits {
            let role = roles.intern(&limits.role);
            let mut numbered = |bounds: &[(Box<[u8]>, Bound)]| {
                bounds.iter().map(|(name, bound)| (kinds.intern_name(name), *bound)).collect::<Vec<_>>()
            };
            self.lend_limits.insert(role, numbered(&limits.lend));
            self.borrow_limits.insert(role, numbered(&limits.borrow));
        }
    }

    /// Whether anything can be lent.
    pub(crate) fn is_on(&self) -> bool {
        self.on
    }

    /// Something about an agent changed that may count.
    pub(crate) fn mark(&mut self, agent: usize) {
        if self.on {
            self.dirty.insert(agent);
        }
    }

    /// An agent is worth looking at, if it is known to lend.
    fn open(&mut self, agent: usize) {
        if self.agents.contains_key(&agent) {
            self.open.insert(agent);
        }
    }

    /// Any agent may be worth looking at.
    pub(crate) fn reopen_all(&mut self) {
        self.all_open = true;
    }

    /// Opens all agents, if that was asked for since the last run.
    fn open_all_told(&mut self) {
        if std::mem::take(&mut self.all_open) {
            for agent in self.agents.keys() {
                self.open.insert(*agent);
            }
        }
    }

    /// Whether an agent would be looked at in the next run.
    fn is_open(&self, agent: usize) -> bool {
        self.all_open || self.open.contains(agent)
    }

    /// Agents where a limit counted may be worth looking at.
    pub(crate) fn reopen_held_back(&mut self) {
        for agent in self.held_back.iter() {
            self.open.insert(agent);
        }
        self.held_back.clear();
    }

    /// What an agent lends.
    pub(crate) fn of(&self, agent: usize) -> Option<&Lent> {
        self.agents.get(&agent)
    }

    fn terms(&mut self, role: RoleId, roles: &RoleTree) -> &Terms {
        let policy = &self.policy;
        self.terms.entry(role).or_insert_with(|| {
            let name = roles.name(role);
            Terms {
                lender: policy.lenders.iter().position(|rule| rule.roles.names(name)),
                borrower: policy.borrowers.iter().position(|rule| rule.roles.names(name)),
            }
        })
    }

    /// At which priority a role borrows; `None` if it may not. What runs on loans of roles that may not any more is
    /// the first to go.
    pub(crate) fn priority(&self, role: RoleId) -> Option<u32> {
        let rule = self.terms.get(&role)?.borrower?;
        self.policy.borrowers.get(rule).map(|rule| rule.priority)
    }

    /// The highest priority of any rule.
    fn highest_priority(&self) -> u32 {
        self.policy.borrowers.iter().map(|rule| rule.priority).max().unwrap_or(0)
    }

    /// Brings a framework's place among the borrowers of a role in line with whether it takes lent offers.
    pub(crate) fn sync_borrower(
        &mut self,
        (framework, name): (FrameworkId, &[u8]),
        role: RoleId,
        takes_offers: bool,
        roles: &RoleTree,
    ) {
        if !self.on {
            return;
        }
        let rule = self.terms(role, roles).borrower;
        let borrows = takes_offers && rule.is_some();
        let has_loans = self.places.contains_key(&(framework, role));
        if !borrows && !has_loans {
            self.leave(framework, role);
            return;
        }
        let weight = rule.and_then(|rule| self.policy.borrowers.get(rule)).map(|rule| rule.weight);
        if !self.borrower_sorter.contains(role.slot()) {
            self.borrower_sorter.set_weight(roles.name(role), weight.unwrap_or(Weight::DEFAULT));
            self.borrower_sorter.add_path(roles.name(role), role.slot());
            self.borrower_sorter.activate(role.slot());
        }
        let sorter = self.framework_sorters.entry(role).or_default();
        sorter.add_flat(name, framework.slot());
        if borrows && !sorter.is_active(framework.slot()) {
            sorter.activate(framework.slot());
            self.reopen_all();
        } else if !borrows {
            sorter.deactivate(framework.slot());
        }
    }

    /// Ends a framework's place among the borrowers of a role.
    fn leave(&mut self, framework: FrameworkId, role: RoleId) {
        let Some(sorter) = self.framework_sorters.get_mut(&role) else { return };
        sorter.remove(framework.slot());
        if sorter.is_empty() {
            self.framework_sorters.remove(&role);
            self.borrower_sorter.remove(role.slot());
        }
    }

    /// A framework is gone; its loans are not there any more.
    pub(crate) fn forget_framework(&mut self, framework: FrameworkId) {
        let roles: Vec<RoleId> = self.framework_sorters.keys().copied().collect();
        for role in roles {
            self.leave(framework, role);
        }
        self.waits.forget(framework);
        self.refused.remove(&framework.slot());
    }

    /// Adds to what a role and those around it have borrowed, and to its place in the order.
    fn borrow_more(
        &mut self,
        (framework, role): (FrameworkId, RoleId),
        amounts: &[(NameId, Amount)],
        (roles, pool): (&RoleTree, &Pool),
    ) {
        for at in roles.lineage(role) {
            let row = self.borrowed.entry(at).or_default();
            amounts.iter().for_each(|(name, amount)| row.add(*name, *amount));
        }
        self.borrower_sorter.allocated(role.slot(), amounts, pool);
        if let Some(sorter) = self.framework_sorters.get_mut(&role) {
            sorter.allocated(framework.slot(), amounts, pool);
        }
    }

    /// The reverse of [`Lending::borrow_more`].
    fn borrow_less(
        &mut self,
        (framework, role): (FrameworkId, RoleId),
        amounts: &[(NameId, Amount)],
        (roles, pool): (&RoleTree, &Pool),
    ) {
        for at in roles.lineage(role) {
            let row = self.borrowed.entry(at).or_default();
            amounts.iter().for_each(|(name, amount)| row.subtract(*name, *amount));
        }
        self.borrower_sorter.unallocated(role.slot(), amounts, pool);
        if let Some(sorter) = self.framework_sorters.get_mut(&role) {
            sorter.unallocated(framework.slot(), amounts, pool);
        }
        self.reopen_held_back();
    }

    /// What frameworks that are not back yet use of an agent counts as borrowed by their roles: as it is `now`, no longer as
    /// it was `before`.
    fn count_absent(
        &mut self,
        now: &BTreeMap<RoleId, Quantities>,
        before: &BTreeMap<RoleId, Quantities>,
        roles: &RoleTree,
    ) {
        for (role, amounts) in now {
            for at in roles.lineage(*role) {
                self.borrowed.entry(at).or_default().add_all(amounts);
            }
        }
        for (role, amounts) in before {
            for at in roles.lineage(*role) {
                let row = self.borrowed.entry(at).or_default();
                amounts.named().for_each(|(name, amount)| row.subtract(name, amount));
            }
        }
        if !before.is_empty() {
            self.reopen_held_back();
        }
    }

    /// How much more a role may borrow of a name, if that is limited.
    fn room_to_borrow(
        &self,
        role: RoleId,
        name: NameId,
        (roles, pool): (&RoleTree, &Pool),
    ) -> Option<Amount> {
        room(&self.borrow_limits, &self.borrowed, role, name, (roles, pool))
    }

    /// How much more of a role's capacity may be lent, if that is limited.
    fn room_to_lend(&self, role: RoleId, name: NameId, (roles, pool): (&RoleTree, &Pool)) -> Option<Amount> {
        room(&self.lend_limits, &self.lent, role, name, (roles, pool))
    }
}

/// What the limits of a role and of those around it leave of a name; `None` if there are none.
fn room(
    limits: &BTreeMap<RoleId, Vec<(NameId, Bound)>>,
    taken: &BTreeMap<RoleId, Quantities>,
    role: RoleId,
    name: NameId,
    (roles, pool): (&RoleTree, &Pool),
) -> Option<Amount> {
    if limits.is_empty() {
        return None;
    }
    let left = |at: RoleId| {
        let (_, bound) = limits.get(&at)?.iter().find(|(limited, _)| *limited == name)?;
        let most = match bound {
            Bound::Amount(amount) => *amount,
            Bound::Permille(permille) => pool.totals().get(name).part(*permille),
        };
        let taken = taken.get(&at).map_or(Amount::ZERO, |row| row.get(name));
        Some(most.minus_floored(taken))
    };
    roles.lineage(role).filter_map(left).min()
}
