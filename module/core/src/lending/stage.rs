//! The third stage of a run: idle capacity is offered to borrowers.
//!
//! ```text
//! free       = what may be lent, without what loans of this or a higher priority use
//! room       = fan_out × free − everything offered of it
//! an offer   = the least of: free for this framework, room, a slice, what limits leave
//! ```

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::idle::{Asker, Charges};
use super::{Lent, loans::Part};
use crate::allocator::Allocator;
use crate::amount::Amount;
use crate::effect::{Effects, Fraction, Offer, RunSummary, Why};
use crate::eligibility::Eligibility;
use crate::holding::{Holding, Item};
use crate::ids::{AgentId, FrameworkId, NameId, RoleId};
use crate::options::Instant;
use crate::quantities::Quantities;
use crate::shuffle::{mix, run_key};

/// The number of the stage in the order of agents.
const STAGE: u8 = 3;

/// What looking at an agent led to.
#[derive(Debug, Default)]
struct Look {
    /// A limit had a part in it.
    limited: bool,
    /// Somebody was left out for this run only.
    left_out: bool,
    filtered: u32,
    lent: u32,
    overlapped: u32,
}

/// Who is next.
#[derive(Debug, Clone, Copy)]
struct Borrower {
    framework: FrameworkId,
    role: RoleId,
    role_position: u32,
    framework_position: u32,
}

impl Allocator {
    /// Looks at the agents whose idle capacity may find a borrower.
    pub(crate) fn run_lending(&mut self, summary: &mut RunSummary, now: Instant, effects: &mut Effects) {
        if !self.lending.is_on() {
            return;
        }
        self.settle_lending(now, effects);
        self.open_ripe(now, effects);
        self.settle_guaranteed(now, effects);
        self.lending.open_all_told();
        let open: Vec<AgentId> = self.lending.open.iter().filter_map(|slot| self.agents.at(slot)).collect();
        let run_key = run_key(self.options.seed, summary.run, STAGE);
        let mut keyed: Vec<(u64, AgentId)> =
            open.iter().map(|agent| (mix(self.agents.order_key(*agent) ^ run_key), *agent)).collect();
        keyed.sort_unstable_by(|(left_key, left), (right_key, right)| {
            let names = || self.agents.get(*left).name.cmp(&self.agents.get(*right).name);
            left_key.cmp(right_key).then_with(names)
        });
        let given: BTreeSet<(FrameworkId, AgentId)> =
            effects.offers.iter().map(|offer| (offer.framework, offer.agent)).collect();
        let mut again = Vec::new();
        for (_, agent) in keyed {
            let record = self.agents.get(agent);
            if !record.active || !record.whitelisted {
                continue;
            }
            // What was lent elsewhere in this run is not lacking any more.
            if self.lending.of(agent.index()).is_some_and(Lent::lends_guaranteed) {
                self.settle_agent(agent, now, effects);
            }
            let look = self.look_at(agent, &given, now, effects);
            summary.filtered += look.filtered;
            summary.lent += look.lent;
            summary.overlapped += look.overlapped;
            if look.left_out {
                again.push(agent.index());
            }
            self.lending.open.remove(agent.index());
            if look.limited {
                self.lending.held_back.insert(agent.index());
            }
        }
        self.settle_lending_after_offers(now, effects);
        for agent in again {
            self.lending.open.insert(agent);
        }
    }

    /// What was offered changes what limits leave and what is lacking of guarantees, and nothing else: agents that gave
    /// something and lend as much as before need no second look.
    fn settle_lending_after_offers(&mut self, now: Instant, effects: &mut Effects) {
        let gave: Vec<AgentId> = self.lending.dirty.iter().filter_map(|slot| self.agents.at(slot)).collect();
        self.lending.dirty.clear();
        for agent in gave {
            if self.settle_agent(agent, now, effects) {
                self.lending.open(agent.index());
            }
        }
    }

    /// Opens the agents where more has been idle for long enough.
    fn open_ripe(&mut self, now: Instant, effects: &mut Effects) {
        while let Some(&(when, slot)) = self.lending.ripe_at.first().filter(|(when, _)| *when <= now) {
            self.lending.ripe_at.remove(&(when, slot));
            if let Some(agent) = self.agents.at(slot) {
                self.settle_agent(agent, now, effects);
                self.lending.open(slot);
            }
        }
        let before = std::mem::replace(&mut self.lending.last_run, now);
        self.lending.newest_filter = self.filters.newest();
        self.lending.refused.clear();
        if self.lending.waits.ended_since(before, now) {
            self.lending.reopen_all();
        }
    }

    /// Offers one agent's idle capacity to those whose turn it is.
    fn look_at(
        &mut self,
        agent: AgentId,
        given: &BTreeSet<(FrameworkId, AgentId)>,
        now: Instant,
        effects: &mut Effects,
    ) -> Look {
        let mut look = Look::default();
        if !self.has_room(agent) {
            return look;
        }
        for (role_position, role) in (1_u32..).zip(self.borrowing_roles()) {
            // Worked out once for all frameworks of the role: there may be a thousand, none of which wants it.
            let Some(mut lendable) = self.lendable_to(agent, role, &mut look) else { continue };
            for (framework_position, framework) in (1_u32..).zip(self.borrowing_frameworks(role)) {
                let borrower = Borrower { framework, role, role_position, framework_position };
                if !self.offer_to(agent, borrower, &lendable, (given, now), &mut look, effects) {
                    continue;
                }
                if !self.has_room(agent) {
                    return look;
                }
                let Some(left) = self.lendable_to(agent, role, &mut look) else { break };
                lendable = left;
            }
        }
        look
    }

    /// Offers a borrower what it may have of an agent; says whether that was anything.
    fn offer_to(
        &mut self,
        agent: AgentId,
        borrower: Borrower,
        lendable: &Holding,
        (given, now): (&BTreeSet<(FrameworkId, AgentId)>, Instant),
        look: &mut Look,
        effects: &mut Effects,
    ) -> bool {
        let Borrower { framework, role, .. } = borrower;
        let loans = self.lending.of(agent.index()).map(|lent| &lent.loans[..]).unwrap_or_default();
        let mut offered = loans.iter().filter(|loan| !loan.offered.is_empty());
        let (has_offer, overlaps) =
            (offered.clone().any(|loan| loan.framework == framework), offered.next().is_some());
        // One callback has one entry for a framework, role and agent.
        let left_out = given.contains(&(framework, agent));
        look.left_out |= left_out;
        if has_offer || left_out || self.lending.waits.must_wait(framework, now) {
            return false;
        }
        let Some(resources) = self.may_borrow(agent, borrower, lendable, look) else { return false };
        look.lent += 1;
        look.overlapped += u32::from(overlaps);
        let why = self.why_lent(borrower);
        self.lend((framework, role), agent, &resources, Part::Offered);
        self.charge_lenders(agent);
        effects.offers.push(Offer { framework, role, agent, resources, why });
        true
    }

    /// Whether anybody could be offered more of an agent, limits aside. The loop over borrowers ends where it could not:
    /// the first few get what is there.
    fn has_room(&self, agent: AgentId) -> bool {
        let Some(lent) = self.lending.of(agent.index()) else { return false };
        let (free, offered) =
            (self.free_at(agent, self.lending.highest_priority()), lent.offered(&self.kinds));
        self.lending.lent_as.iter().any(|(name, _)| {
            free.get(*name).times(self.lending.policy.fan_out).minus_floored(offered.get(*name)).is_positive()
        })
    }

    /// Whether somebody that does not have to wait could be offered something lent of an agent. Slow.
    pub(crate) fn somebody_could_borrow(&self, agent: AgentId) -> bool {
        let record = self.agents.get(agent);
        let Some(lent) = self.lending.of(agent.index()).filter(|_| record.active && record.whitelisted)
        else {
            return false;
        };
        let could = |framework: FrameworkId, role: RoleId, lendable: &Holding| {
            let has_offer =
                lent.loans.iter().any(|loan| loan.framework == framework && !loan.offered.is_empty());
            let waits = self.lending.waits.must_wait(framework, self.lending.last_run);
            let borrower = Borrower { framework, role, role_position: 0, framework_position: 0 };
            !has_offer && !waits && self.may_borrow(agent, borrower, lendable, &mut Look::default()).is_some()
        };
        self.lending.framework_sorters.iter().any(|(role, sorter)| {
            let Some(lendable) = self.lendable_to(agent, *role, &mut Look::default()) else { return false };
            let active = self.frameworks.ids().filter(|framework| sorter.is_active(framework.slot()));
            active.into_iter().any(|framework| could(framework, *role, &lendable))
        })
    }

    /// Roles that borrow, in the order of their turn.
    fn borrowing_roles(&mut self) -> Vec<RoleId> {
        self.lending.borrower_sorter.sort(&self.pool);
        self.lending.borrower_sorter.turns().map(RoleId::new).collect()
    }

    /// Frameworks of a role that take lent offers, in the order of their turn.
    fn borrowing_frameworks(&mut self, role: RoleId) -> Vec<FrameworkId> {
        let Some(sorter) = self.lending.framework_sorters.get_mut(&role) else { return Vec::new() };
        sorter.sort(&self.pool);
        sorter.turns().filter_map(|framework| self.frameworks.at(framework)).collect()
    }

    /// The most that a framework of a role could be offered of an agent; `None` if that is nothing.
    fn lendable_to(&self, agent: AgentId, role: RoleId, look: &mut Look) -> Option<Holding> {
        let priority = self.lending.priority(role)?;
        let lendable = self.within_limits(agent, Asker { framework: None, role, priority }, look);
        Some(lendable).filter(|lendable| !lendable.is_empty())
    }

    /// What is free for somebody, cut to what there is room for, to a slice and to the limits.
    fn within_limits(&self, agent: AgentId, asker: Asker, look: &mut Look) -> Holding {
        let Some(lent) = self.lending.of(agent.index()) else { return Holding::default() };
        let (free, free_for_all) = self.free_to_lend(agent, asker);
        let offered = lent.offered(&self.kinds);
        let mut amounts = Quantities::default();
        for (name, _) in &self.lending.lent_as {
            let seen = free_for_all.get(*name).times(self.lending.policy.fan_out);
            let room = seen.minus_floored(offered.get(*name));
            let slice = self.lending.slice.iter().find(|(sliced, _)| sliced == name).map(|(_, most)| *most);
            let mut amount = free.get(*name).min(room).min(slice.unwrap_or(Amount::MAX));
            if let Some(left) = self.lending.room_to_borrow(asker.role, *name, (&self.roles, &self.pool)) {
                look.limited |= left < amount;
                amount = amount.min(left);
            }
            amounts.add(*name, amount);
        }
        self.keep_lenders_limits(agent, asker.role, &mut amounts, look);
        self.keep_whole(&mut amounts);
        self.as_lent(&amounts)
    }

    /// What a borrower is offered of an agent, of what is lendable to its role.
    fn may_borrow(
        &self,
        agent: AgentId,
        borrower: Borrower,
        lendable: &Holding,
        look: &mut Look,
    ) -> Option<Holding> {
        let Borrower { framework, role, .. } = borrower;
        let mut resources = Cow::Borrowed(lendable);
        if self.thinks_about(agent, framework) {
            let priority = self.lending.priority(role)?;
            let asker = Asker { framework: Some(framework), role, priority };
            resources = Cow::Owned(self.within_limits(agent, asker, look));
        }
        let eligibility = Eligibility {
            id: agent,
            agent: self.agents.get(agent),
            roles: &self.roles,
            kinds: &self.kinds,
            filters: &self.filters,
            exclusions: &self.exclusions,
            min_allocatable: &self.min_allocatable,
            filter_gpus: self.options.filter_gpu_resources,
        };
        let record = self.frameworks.get(framework);
        let member = record.membership(role)?;
        let usable = eligibility.usable_part(&resources, framework, record, member)?;
        if eligibility.refusal(&usable, framework, record, role).is_some() {
            look.filtered += 1;
            return None;
        }
        Some(usable.into_owned())
    }

    /// Leaves nothing that no task could use: Mesos knows GPUs in whole numbers only.
    fn keep_whole(&self, amounts: &mut Quantities) {
        if let Some(gpus) = self.kinds.find_name(b"gpus") {
            let part = amounts.get(gpus).in_thousandths() % 1000;
            amounts.take(gpus, Amount::thousandths(part));
        }
    }

    /// Cuts amounts until no lender lends more than it may. Lowering what is wanted of a name by what is too much of it
    /// lowers what is taken of each lender by no more, so a few rounds are enough; what is still too much then is not
    /// offered.
    fn keep_lenders_limits(&self, agent: AgentId, role: RoleId, amounts: &mut Quantities, look: &mut Look) {
        if self.lending.lend_limits.is_empty() {
            return;
        }
        for round in 0.. {
            let more = self.as_lent(amounts);
            let Some((name, excess)) = self.beyond_lenders_limits(agent, (role, &more)) else { return };
            look.limited = true;
            if round < 8 {
                amounts.take(name, excess);
            } else {
                *amounts = Quantities::default();
                return;
            }
        }
    }

    /// A name of which some role would lend too much if a role were offered more, and how much.
    fn beyond_lenders_limits(&self, agent: AgentId, more: (RoleId, &Holding)) -> Option<(NameId, Amount)> {
        let after = self.charges(agent, Some(more));
        let before = &self.lending.of(agent.index())?.charged;
        for role in self.lending.lend_limits.keys() {
            for (name, _) in &self.lending.lent_as {
                let room = self.lending.room_to_lend(*role, *name, (&self.roles, &self.pool));
                let Some(room) = room else { continue };
                let within = |charged: &Charges| {
                    let mut sum = Amount::ZERO;
                    for ((lender, _), row) in charged {
                        if self.roles.is_within(*lender, *role) {
                            sum += row.get(*name);
                        }
                    }
                    sum
                };
                let growth = within(&after).minus_floored(within(before));
                if growth > room {
                    return Some((*name, growth.minus_floored(room)));
                }
            }
        }
        None
    }

    /// Amounts as the resources they are lent as.
    fn as_lent(&self, amounts: &Quantities) -> Holding {
        Holding::new(self.lending.lent_as.iter().map(|(name, kind)| Item::scalar(*kind, amounts.get(*name))))
    }

    fn why_lent(&self, borrower: Borrower) -> Why {
        let Borrower { framework, role, role_position, framework_position } = borrower;
        let sorter = &self.lending.borrower_sorter;
        let (role_share, role_weight) = sorter.standing(role.slot(), &self.pool);
        let frameworks = self.lending.framework_sorters.get(&role);
        let none = Fraction { held: Amount::ZERO, pool: Amount::ZERO };
        Why {
            for_guarantee: false,
            lent: true,
            role_share,
            role_weight,
            role_position,
            roles: sorter.active_len(),
            framework_share: frameworks
                .map_or(none, |sorter| sorter.standing(framework.slot(), &self.pool).0),
            framework_position,
            frameworks: frameworks.map_or(0, crate::sorter::Sorter::active_len),
        }
    }
}
