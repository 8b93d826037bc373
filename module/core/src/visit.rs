//! Looking at one agent in a run: who gets what of it.
//!
//! Role by role and framework by framework, the first that may have something gets it. In the first stage only roles with
//! a guarantee that is not met are asked, and get as much as brings them closer to it; in the second everyone is, and gets
//! all of what the role may have, below its limits and beyond what is held back for guarantees.

use std::ops::RangeFrom;

use crate::allocator::Allocator;
use crate::allocator::ledger::{Amounts, unreserved_scalars};
use crate::amount::Amount;
use crate::chopping::{cut_to_amounts, cut_to_limits};
use crate::cycle::Asked;
use crate::effect::Why;
use crate::eligibility::{Eligibility, Refused, is_unreserved_scalar};
use crate::frameworks::Frameworks;
use crate::holding::Holding;
use crate::ids::{AgentId, FrameworkId, NameId, RoleId};
use crate::kind::KindTable;
use crate::options::Order;
use crate::quantities::{Pool, Quantities};
use crate::quota::{NameBits, QuotaBooks};
use crate::roles::RoleTree;
use crate::shuffle::name_key;
use crate::sorter::Sorter;
use smallvec::SmallVec;

/// Which part of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Guarantees.
    Guarantees = 1,
    /// Everything else.
    FairShare = 2,
}

/// What one agent gives to one framework.
#[derive(Debug)]
pub(crate) struct Grant {
    pub(crate) framework: FrameworkId,
    pub(crate) role: RoleId,
    pub(crate) resources: Holding,
    pub(crate) why: Why,
}

/// What quotas did to the offers of an agent.
#[derive(Debug, Default)]
pub(crate) struct Cuts {
    /// A limit or the headroom took something away: what is left is not for want of takers.
    pub(crate) any: bool,
    /// What it took was decided by lot: the next run may decide otherwise.
    pub(crate) by_lot: bool,
}

impl Cuts {
    /// Notes that only `left` of `whole` remained.
    fn note(&mut self, whole: &Holding, left: &Holding, kinds: &KindTable) {
        if whole == left {
            return;
        }
        self.any = true;
        let name = |position: usize| whole.items().get(position).map(|item| kinds.traits(item.kind).name);
        let repeated = |position: usize| (0..position).any(|earlier| name(earlier) == name(position));
        self.by_lot |= (1..whole.items().len()).any(repeated);
    }
}

/// What looking at one agent led to.
#[derive(Debug, Default)]
pub(crate) struct Visit {
    /// Most agents are given to one.
    pub(crate) grants: SmallVec<[Grant; 1]>,
    pub(crate) filtered: u32,
    pub(crate) cuts: Cuts,
    /// Some framework got nothing because the agent lacks MULTI_ROLE or HIERARCHICAL_ROLE.
    pub(crate) lacks_multi_role: bool,
    pub(crate) lacks_hierarchical_role: bool,
}

impl Visit {
    /// Counts why a framework got nothing.
    fn count(&mut self, reason: Refused) {
        match reason {
            Refused::ByFilter => {}
            Refused::AgentLacksMultiRole => self.lacks_multi_role = true,
            Refused::AgentLacksHierarchicalRole => self.lacks_hierarchical_role = true,
        }
        self.filtered += 1;
    }
}

/// An agent's turn in a run.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    pub(crate) agent: AgentId,
    pub(crate) asked: Asked<'a>,
    pub(crate) stage: Stage,
    /// The lots of this turn are drawn from it.
    pub(crate) key: u64,
    /// Shared resources of the agent that were offered in this run.
    pub(crate) shared_given: Option<&'a Holding>,
}

/// Part of what is left, and what of it counts against the quota.
#[derive(Debug)]
struct Portion {
    resources: Holding,
    /// Unreserved scalars in it.
    given: Amounts,
    /// The part of `given` that meets a guarantee.
    guaranteed: Amounts,
}

/// Cuts what a framework can use to what quotas allow.
#[derive(Debug)]
struct Cutter<'a> {
    books: &'a QuotaBooks,
    roles: &'a RoleTree,
    kinds: &'a KindTable,
    key: u64,
}

impl Cutter<'_> {
    /// What brings a role closer to its guarantee, and what may come along; `None` if nothing does.
    fn guaranteed(&self, usable: &Holding, role: RoleId, cuts: &mut Cuts) -> Option<Portion> {
        let unsatisfied = self.books.unsatisfied(role, self.roles);
        let countable = usable.filtered(|item| is_unreserved_scalar(item, self.kinds));
        let mut due = cut_to_amounts(&countable, &unsatisfied, self.key, self.kinds);
        if self.roles.is_nested(role)
            && let Some(surplus) = self.books.surplus(role, &[], self.roles)
        {
            // What is kept for roles at the top does not serve a role inside a role, guaranteed or not.
            due = cut_to_amounts(&due, &surplus, self.key, self.kinds);
        }
        cuts.note(&countable, &due, self.kinds);
        if due.is_empty() {
            return None;
        }
        let mut resources = usable.filtered(|item| {
            let traits = self.kinds.traits(item.kind);
            traits.scalar_name.is_none() || traits.revocable || traits.reserved_to == Some(role)
        });
        let mut beyond = countable;
        beyond.subtract(&due);
        let guaranteed: Amounts = unreserved_scalars(&due, self.kinds).collect();
        let beyond = self.within_limits_and_surplus(beyond, role, &guaranteed, cuts);
        resources.add(&due);
        resources.add(&beyond);
        let mut given = guaranteed.clone();
        given.extend(unreserved_scalars(&beyond, self.kinds));
        Some(Portion { resources: usable.or_equal(resources), given, guaranteed })
    }

    /// Everything below the limits and beyond what is held back for guarantees.
    fn by_fair_share(&self, usable: &Holding, role: RoleId, cuts: &mut Cuts) -> Portion {
        let countable = usable.filtered(|item| is_unreserved_scalar(item, self.kinds));
        let beyond = self.within_limits_and_surplus(countable.clone(), role, &[], cuts);
        let given = unreserved_scalars(&beyond, self.kinds).collect();
        let resources = if beyond.is_same(&countable) {
            usable.clone()
        } else {
            let mut resources = usable.filtered(|item| !is_unreserved_scalar(item, self.kinds));
            resources.add(&beyond);
            resources
        };
        Portion { resources, given, guaranteed: Amounts::new() }
    }

    fn within_limits_and_surplus(
        &self,
        countable: Holding,
        role: RoleId,
        guaranteed: &[(NameId, Amount)],
        cuts: &mut Cuts,
    ) -> Holding {
        let limits = self.books.room(role, guaranteed, self.roles);
        let mut rest = countable.clone();
        if !limits.is_empty() {
            rest = cut_to_limits(&rest, &limits, self.key, self.kinds);
        }
        let surplus = self.books.surplus(role, guaranteed, self.roles);
        if let (Some(surplus), false) = (surplus, rest.is_empty()) {
            rest = cut_to_amounts(&rest, &surplus, self.key, self.kinds);
        }
        cuts.note(&countable, &rest, self.kinds);
        rest
    }
}

/// Everything that stays the same while one agent is looked at.
#[derive(Debug)]
struct Table<'a> {
    eligibility: Eligibility<'a>,
    asked: Asked<'a>,
    frameworks: &'a Frameworks,
    role_sorter: &'a Sorter,
    pool: &'a Pool,
    stage: Stage,
    key: u64,
    by_lot: bool,
}

impl Table<'_> {
    /// Whether the role has its turn in vain: guarantees are served, and it lacks nothing it is guaranteed.
    fn is_served(&self, role: RoleId, books: &QuotaBooks) -> bool {
        self.stage == Stage::Guarantees && !books.lacks(role, self.eligibility.roles)
    }

    /// Asks the frameworks of one role.
    fn ask_role(
        &self,
        (role, role_position): (RoleId, u32),
        sorter: &mut Sorter,
        left: &mut Holding,
        books: &mut QuotaBooks,
        visit: &mut Visit,
    ) {
        let roles = self.eligibility.roles;
        let drawn = self.by_lot.then(|| sorter.draw(self.key ^ name_key(roles.name(role))));
        if drawn.is_none() {
            sorter.sort(self.pool);
        }
        let mut part = self.eligibility.part_for_role(left, role).into_owned();
        let turns = match self.asked {
            Asked::Everyone => Turns::new(drawn.as_deref(), sorter),
            Asked::Only(takers) => {
                let own = takers.iter().filter(|(_, of)| *of == role);
                Turns::of(own.map(|(framework, _)| framework.slot()), sorter)
            }
        };
        let mut is_worth = self.eligibility.is_worth_an_offer_to_most(&part);
        for (framework_position, next) in turns {
            if part.is_empty() || self.is_served(role, books) {
                break;
            }
            let Some(framework) = self.frameworks.at(next) else { continue };
            let Some(portion) = self.ask((&part, is_worth), framework, role, books, visit) else { continue };
            let (role_share, role_weight) = self.role_sorter.standing(role.slot(), self.pool);
            let why = Why {
                for_guarantee: self.stage == Stage::Guarantees,
                lent: false,
                role_share,
                role_weight,
                role_position,
                roles: self.role_sorter.active_len(),
                framework_share: sorter.standing(framework.slot(), self.pool).0,
                framework_position,
                frameworks: sorter.active_len(),
            };
            let least = self.eligibility.min_allocatable;
            books.charge(role, &portion.given, &portion.guaranteed, (roles, least));
            part.subtract(&portion.resources);
            is_worth = self.eligibility.is_worth_an_offer_to_most(&part);
            left.subtract(&portion.resources);
            visit.grants.push(Grant { framework, role, resources: portion.resources, why });
        }
    }

    /// What one framework gets of the part its role may have.
    fn ask(
        &self,
        (part, is_worth): (&Holding, bool),
        id: FrameworkId,
        role: RoleId,
        books: &QuotaBooks,
        visit: &mut Visit,
    ) -> Option<Portion> {
        let Eligibility { roles, kinds, .. } = self.eligibility;
        let framework = self.frameworks.get(id);
        let member = framework.membership(role)?;
        let is_worth = match member.min_allocatable {
            Some(_) => self.eligibility.is_worth_an_offer(part, member),
            None => is_worth,
        };
        if !is_worth {
            return None;
        }
        let usable = self.eligibility.part_it_handles(part, id, framework, member)?;
        if books.is_idle() {
            // All of it, and nothing to charge: most clusters have no quotas, and most who are asked have refused.
            if let Some(reason) = self.eligibility.refusal(&usable, id, framework, role) {
                visit.count(reason);
                return None;
            }
            let resources = usable.into_owned();
            return Some(Portion { resources, given: Amounts::new(), guaranteed: Amounts::new() });
        }
        let cutter = Cutter { books, roles, kinds, key: self.key };
        let portion = match self.stage {
            Stage::Guarantees => cutter.guaranteed(&usable, role, &mut visit.cuts)?,
            Stage::FairShare => cutter.by_fair_share(&usable, role, &mut visit.cuts),
        };
        if !self.eligibility.is_worth_an_offer(&portion.resources, member) {
            return None;
        }
        if let Some(reason) = self.eligibility.refusal(&portion.resources, id, framework, role) {
            visit.count(reason);
            return None;
        }
        Some(portion)
    }
}

impl Allocator {
    /// Decides who gets what of an agent, without booking it on the agent: the orders are those from before. What it
    /// gives is charged to the quotas.
    pub(crate) fn visit(&mut self, turn: &Turn<'_>, books: &mut QuotaBooks) -> Visit {
        let Self { role_sorter, framework_sorters, roles, kinds, agents, frameworks, filters, pool, .. } =
            self;
        let by_lot = self.options.order == Order::Random;
        let drawn = by_lot.then(|| role_sorter.draw(turn.key));
        if drawn.is_none() {
            role_sorter.sort(pool);
        }
        let agent = agents.get(turn.agent);
        let table = Table {
            asked: turn.asked,
            eligibility: Eligibility {
                id: turn.agent,
                agent,
                roles,
                kinds,
                filters,
                exclusions: &self.exclusions,
                min_allocatable: &self.min_allocatable,
                filter_gpus: self.options.filter_gpu_resources,
            },
            frameworks,
            role_sorter,
            pool,
            stage: turn.stage,
            key: turn.key,
            by_lot,
        };
        let mut visit = Visit::default();
        let by_fair_share = turn.stage == Stage::FairShare && !books.is_idle();
        let limited = by_fair_share && table.eligibility.is_limited();
        if limited && books.are_exhausted(role_sorter.active_len()) {
            visit.cuts.any = true;
            return visit;
        }
        let mut left = agent.available.clone();
        let mut countable = if books.is_idle() { Quantities::default() } else { amounts_of(&left, kinds) };
        let mut names = NameBits::of_amounts(&countable);
        // Whoever can be given nothing of what counts gets nothing at all.
        let all_counts = by_fair_share && table.eligibility.is_all_unreserved_scalars();
        if all_counts && books.leave_nothing_to_anybody(role_sorter.active_len(), names) {
            visit.cuts.any = true;
            return visit;
        }
        if let Some(given) = turn.shared_given {
            left.subtract(given);
        }
        let turns = match turn.asked {
            Asked::Everyone => Turns::new(drawn.as_deref(), role_sorter),
            Asked::Only(takers) => Turns::of(takers.iter().map(|(_, role)| role.slot()), role_sorter),
        };
        let reserved_for = table.eligibility.reserved_for();
        for (position, next) in turns {
            if left.is_empty() {
                break;
            }
            let role = RoleId::new(next);
            if reserved_for
                .as_ref()
                .is_some_and(|owners| !owners.iter().any(|own| roles.is_within(role, *own)))
            {
                continue;
            }
            if all_counts && books.leave_nothing(role, names) {
                visit.cuts.any = true;
                continue;
            }
            if turn.stage == Stage::Guarantees && !books.bring_closer(role, names) {
                continue;
            }
            let sorter = framework_sorters.get_mut(role.index()).and_then(Option::as_mut);
            let Some(sorter) = sorter.filter(|sorter| sorter.active_len() > 0) else { continue };
            if limited && books.leave_too_little(role, &countable, &self.min_allocatable) {
                visit.cuts.any = true;
                continue;
            }
            let gave = visit.grants.len();
            table.ask_role((role, position), sorter, &mut left, books, &mut visit);
            if visit.grants.len() > gave && !books.is_idle() {
                countable = amounts_of(&left, kinds);
                names = NameBits::of_amounts(&countable);
            }
        }
        visit
    }

    /// Whether any framework that will not be asked anyway could be offered anything of an agent now, quotas aside. Slow;
    /// derived without the orders.
    pub(crate) fn could_offer(&self, id: AgentId) -> bool {
        let eligibility = Eligibility {
            id,
            agent: self.agents.get(id),
            roles: &self.roles,
            kinds: &self.kinds,
            filters: &self.filters,
            exclusions: &self.exclusions,
            min_allocatable: &self.min_allocatable,
            filter_gpus: self.options.filter_gpu_resources,
        };
        let agent = eligibility.agent;
        let could = |framework_id: FrameworkId| {
            let framework = self.frameworks.get(framework_id);
            let memberships = framework.memberships.iter().filter(|member| member.subscribed);
            memberships.filter(|member| framework.takes_offers_in(member.role)).any(|member| {
                let part = eligibility.part_for_role(&agent.available, member.role);
                let usable = eligibility.usable_part(&part, framework_id, framework, member);
                let will_be_asked = || self.candidates.is_asked((framework_id, member.role), id.index());
                usable.is_some_and(|usable| {
                    eligibility.refusal(&usable, framework_id, framework, member.role).is_none()
                        && !will_be_asked()
                })
            })
        };
        agent.active && agent.whitelisted && self.frameworks.ids().any(could)
    }
}

/// The unreserved scalars of resources, by name.
fn amounts_of(resources: &Holding, kinds: &KindTable) -> Quantities {
    let mut amounts = Quantities::default();
    for (name, amount) in unreserved_scalars(resources, kinds) {
        amounts.add(name, amount);
    }
    amounts
}

/// Clients in the order of their turn, by share or by lot, with their places from 1.
#[derive(Debug)]
enum Turns<'a> {
    ByShare(std::iter::Zip<RangeFrom<u32>, crate::sorter::Turns<'a>>),
    ByLot(std::iter::Zip<RangeFrom<u32>, std::slice::Iter<'a, u32>>),
    Only(std::vec::IntoIter<(u32, u32)>),
}

impl<'a> Turns<'a> {
    fn new(drawn: Option<&'a [u32]>, sorter: &'a crate::sorter::Sorter) -> Self {
        match drawn {
            Some(drawn) => Self::ByLot((1..).zip(drawn)),
            None => Self::ByShare((1..).zip(sorter.turns())),
        }
    }

    /// Only some of them, each once.
    fn of(clients: impl Iterator<Item = u32>, sorter: &crate::sorter::Sorter) -> Self {
        let mut placed: Vec<(u32, u32)> = clients
            .filter(|client| sorter.is_active(*client))
            .map(|client| (sorter.place(client), client))
            .collect();
        placed.sort_unstable();
        placed.dedup();
        Self::Only(placed.into_iter())
    }
}

impl Iterator for Turns<'_> {
    type Item = (u32, u32);

    fn next(&mut self) -> Option<(u32, u32)> {
        match self {
            Self::ByShare(turns) => turns.next(),
            Self::ByLot(turns) => turns.next().map(|(place, client)| (place, *client)),
            Self::Only(turns) => turns.next(),
        }
    }
}
