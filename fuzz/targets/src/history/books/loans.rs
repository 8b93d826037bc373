//! Who borrowed what, kept from events and effects alone, and what lent offers must be.
//!
//! Unlike the regular books these are exact: the allocator must have the same loans.

use std::collections::{BTreeMap, BTreeSet};

use apportion_core::{
    Allocated, Allocator, Amount, Bound, Effects, Holding, Instant, Item, LendingPolicy, LoanNumbers, Offer,
    ValueType,
};

use super::{Holder, Name, is_within};
use crate::history::universe::Universe;

/// What a framework borrowed of an agent in a role.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Loan {
    offered: Holding,
    used: Holding,
}

/// What an agent reported of a framework that is not there.
#[derive(Debug)]
struct Absent {
    agent: Name,
    framework: Name,
    role: Option<Name>,
    resources: Holding,
}

/// Amounts by name of resource.
type Amounts = BTreeMap<Name, Amount>;

#[derive(Debug, Default)]
pub(super) struct Loans {
    policy: LendingPolicy,
    /// Agents that can end borrowers.
    reclaims: BTreeSet<Name>,
    /// The earliest and the latest that the clock has shown since an agent came. It can go back, and what had been idle
    /// for long enough by then stays so.
    shown: BTreeMap<Name, (Instant, Instant)>,
    loans: BTreeMap<Holder, Loan>,
    absent: Vec<Absent>,
    /// What frameworks have of an estimate that is lent from this event on.
    begun: Vec<(Holder, Holding)>,
    /// Two frameworks of a role had the same of it: who of them uses it is not known to anybody.
    is_shared_out: bool,
    /// What may be lent of agents, as it was told last.
    lendable: BTreeMap<Name, Amounts>,
}

impl Loans {
    pub(super) fn note_policy(&mut self, policy: &LendingPolicy) {
        self.policy = policy.clone();
    }

    /// What is offered or in use, for drawing what happens to it.
    pub(super) fn parts(&self, used: bool) -> impl Iterator<Item = (&Holder, &Holding)> {
        let parts = self
            .loans
            .iter()
            .map(move |(holder, loan)| (holder, if used { &loan.used } else { &loan.offered }));
        parts.filter(|(_, part)| !part.is_empty())
    }

    /// Whether what can be taken back on an agent is lent, and not what its resource estimator reports.
    pub(super) fn is_lent(&self, agent: &[u8]) -> bool {
        self.policy.is_on()
            && (self.reclaims.contains(agent) || self.loans.keys().any(|(place, ..)| **place == *agent))
    }

    /// The part of resources of an agent that the regular books are about, and the part that is lent.
    pub(super) fn split(&self, agent: &[u8], resources: &Holding, universe: &Universe) -> (Holding, Holding) {
        if self.is_lent(agent) { universe.split(resources) } else { (resources.clone(), Holding::default()) }
    }

    pub(super) fn agent_comes(&mut self, agent: &[u8], reclaims: bool) {
        if reclaims {
            self.reclaims.insert(agent.into());
        } else {
            self.reclaims.remove(agent);
        }
    }

    pub(super) fn agent_goes(&mut self, agent: &[u8]) {
        self.reclaims.remove(agent);
        self.shown.remove(agent);
        self.lendable.remove(agent);
        self.loans.retain(|(place, ..), _| **place != *agent);
        self.absent.retain(|absent| *absent.agent != *agent);
    }

    pub(super) fn framework_goes(&mut self, framework: &[u8]) {
        self.loans.retain(|(_, holder, _), _| **holder != *framework);
    }

    /// An agent reports what a framework uses that is not there.
    pub(super) fn report_absent(&mut self, agent: &[u8], framework: &[u8], groups: &[Allocated<'_>]) {
        for Allocated { role, resources } in groups {
            self.absent.push(Absent {
                agent: agent.into(),
                framework: framework.into(),
                role: role.map(Name::from),
                resources: (*resources).clone(),
            });
        }
    }

    /// What agents reported of a framework that comes, by agent and role.
    pub(super) fn take_absent(&mut self, framework: &[u8]) -> BTreeMap<(Name, Name), Holding> {
        let (own, others): (Vec<Absent>, Vec<Absent>) =
            std::mem::take(&mut self.absent).into_iter().partition(|absent| *absent.framework == *framework);
        self.absent = others;
        let mut taken: BTreeMap<(Name, Name), Holding> = BTreeMap::new();
        for Absent { agent, role, resources, .. } in own {
            if let Some(role) = role {
                taken.entry((agent, role)).or_default().add(&resources);
            }
        }
        taken
    }

    /// Something comes back of what a framework used that is not there.
    pub(super) fn return_absent(&mut self, agent: &[u8], framework: &[u8], groups: &[Allocated<'_>]) {
        for Allocated { role, resources } in groups {
            let own = |absent: &&mut Absent| {
                *absent.agent == *agent
                    && *absent.framework == *framework
                    && (absent.role.is_none() || absent.role.as_deref() == *role)
                    && absent.resources.contains(resources)
            };
            if let Some(absent) = self.absent.iter_mut().find(own) {
                absent.resources.subtract(resources);
            }
        }
        self.absent.retain(|absent| !absent.resources.is_empty());
    }

    /// A framework uses more that is lent.
    pub(super) fn use_more(&mut self, holder: Holder, resources: &Holding) {
        if !resources.is_empty() {
            self.loans.entry(holder).or_default().used.add(resources);
        }
    }

    /// What a framework has of an agent's estimate is lent from now on. Who has launched what of it is known for roles
    /// alone, so the allocator says how it is parted among the frameworks of one.
    pub(super) fn begin(&mut self, holder: Holder, resources: Holding) {
        if resources.is_empty() {
            return;
        }
        let is_listed = |item: &&Item| item.scalar_quantity().is_none();
        let own = Holding::new(resources.items().iter().filter(is_listed).cloned());
        let mut others =
            self.begun.iter().filter(|((agent, _, role), _)| (agent, role) == (&holder.0, &holder.2));
        self.is_shared_out |= others.any(|(_, theirs)| {
            let mut rest = own.clone();
            rest.subtract(theirs);
            rest != own
        });
        self.begun.push((holder, resources));
    }

    /// Whether the books of loans end here, because an agent is over-committed in what has no amount.
    pub(super) fn is_shared_out(&self) -> bool {
        self.is_shared_out
    }

    /// All of it is lent, and as much of it is offered in each role as before.
    fn judge_begun(&mut self, (before, after): (&Allocator, &Allocator), universe: &Universe) {
        for (holder, resources) in std::mem::take(&mut self.begun) {
            let (agent, framework, role) = &holder;
            assert_eq!(before.offered(agent, role), after.offered(agent, role), "what is offered stays so");
            let own = |loan: &LoanNumbers<'_>| {
                *loan.agent == **agent && loan.framework == Some(framework) && *loan.role == **role
            };
            let numbers = after.loans().find(own).expect("a loan of what was held");
            let mut offered: Amounts = numbers.offered.into_iter().collect();
            let in_role = before.offered(agent, role);
            let loan = self.loans.entry(holder).or_default();
            for item in resources.items() {
                let Some(amount) = item.scalar_quantity() else {
                    // No two frameworks have the same of it.
                    let all = Holding::new([item.clone()]);
                    let mut used = all.clone();
                    used.subtract(&in_role);
                    let mut part = all;
                    part.subtract(&used);
                    loan.offered.add(&part);
                    loan.used.add(&used);
                    continue;
                };
                let of_name = offered.entry(universe.of(item).name.into()).or_default();
                let part = amount.min(*of_name);
                *of_name -= part;
                loan.offered.add_item(&Item::scalar(item.kind, part));
                loan.used.add_item(&Item::scalar(item.kind, amount - part));
            }
        }
    }

    /// Lent resources come back; if less was in use than comes back as used, the rest was offered, and the other way.
    pub(super) fn return_lent(&mut self, holder: &Holder, resources: &Holding, used: bool) {
        let Some(loan) = self.loans.get_mut(holder) else { return };
        let (first, second) =
            if used { (&mut loan.used, &mut loan.offered) } else { (&mut loan.offered, &mut loan.used) };
        let mut missing = resources.clone();
        missing.subtract(first);
        first.subtract(resources);
        second.subtract(&missing);
        self.drop_empty(holder);
    }

    fn drop_empty(&mut self, holder: &Holder) {
        if self.loans.get(holder).is_some_and(|loan| *loan == Loan::default()) {
            self.loans.remove(holder);
        }
    }

    /// Launches use what is lent: it is in use, and no longer offered.
    pub(super) fn use_lent(
        &mut self,
        framework: Option<&[u8]>,
        agent: &[u8],
        groups: &[Allocated<'_>],
        (before, universe): (&Allocator, &Universe),
    ) {
        for Allocated { role, resources } in groups {
            let Some(role) = role.filter(|role| before.find_role(role).is_some()) else { continue };
            let (_, lent) = self.split(agent, resources, universe);
            if lent.is_empty() {
                continue;
            }
            let Some(framework) =
                framework.map(Name::from).or_else(|| self.first_offered(agent, role, &lent, before))
            else {
                continue;
            };
            let holder = (agent.into(), framework, role.into());
            let loan = self.loans.entry(holder).or_default();
            loan.offered.subtract(&lent);
            loan.used.add(&lent);
        }
    }

    /// The first framework that was offered so much in a role. Their order is the allocator's.
    fn first_offered(&self, agent: &[u8], role: &[u8], lent: &Holding, before: &Allocator) -> Option<Name> {
        let on_agent = before.loans().filter(|loan| loan.agent == agent && loan.role == role);
        let mut frameworks = on_agent.filter_map(|loan| loan.framework);
        let offered_so_much = |framework: &&[u8]| {
            let loan = self.loans.get(&(agent.into(), (*framework).into(), role.into()));
            loan.is_some_and(|loan| loan.offered.contains(lent))
        };
        frameworks.find(offered_so_much).map(Name::from)
    }

    /// Keeps the earliest and the latest that the clock has shown since each agent came.
    pub(super) fn note_time(&mut self, agents: impl Iterator<Item = Name>, now: Instant) {
        for agent in agents {
            let (earliest, latest) = self.shown.entry(agent).or_insert((now, now));
            *earliest = now.min(*earliest);
            *latest = now.max(*latest);
        }
    }

    /// Lent offers are of what may be lent, as often as it may be seen, to those who may borrow it. Keeps them.
    pub(super) fn judge(
        &mut self,
        effects: &Effects,
        (before, after): (&Allocator, &Allocator),
        now: Instant,
        universe: &Universe,
    ) {
        self.judge_begun((before, after), universe);
        let told = self.told(effects, after);
        let mut borrowed: BTreeSet<(Name, Name)> = BTreeSet::new();
        for offer in effects.offers.iter().filter(|offer| offer.why.lent) {
            let agent: Name = after.agent_name(offer.agent).expect("an agent that is there").into();
            let framework: Name =
                after.framework_name(offer.framework).expect("a framework that is there").into();
            let role: Name = after.role_name(offer.role).into();
            let others = effects.offers.iter().filter(|other| other.agent == offer.agent);
            let others = others.filter(|other| other.framework == offer.framework).count();
            assert_eq!(others, 1, "one offer of an agent for a framework in a run");
            assert!(before.backing_off(now).all(|(name, _)| *name != *framework), "it has to wait");
            let (earliest, latest) = self.shown.get(&agent).copied().unwrap_or((now, now));
            assert!(earliest.after(self.policy.min_idle) <= latest, "nothing can have been idle for so long");
            self.judge_borrower(&agent, &framework, &role);
            let most = told.get(&agent).cloned().unwrap_or_default();
            self.judge_amounts(offer, &agent, &most, universe);
            let total =
                by_name(after.total(&agent).expect("its total"), |item| is_plain(item, universe), universe);
            for (name, amount) in &most {
                assert!(total.get(name).is_some_and(|total| amount <= total), "more is lent than there is");
            }
            borrowed.extend(
                by_name(&offer.resources, |_| true, universe).into_keys().map(|name| (role.clone(), name)),
            );
            self.loans.entry((agent, framework, role)).or_default().offered.add(&offer.resources);
        }
        for (role, name) in &borrowed {
            self.judge_limits(role, name, after, universe);
        }
    }

    /// What may be lent of each agent, at most: it can change while a run goes on.
    fn told(&mut self, effects: &Effects, after: &Allocator) -> BTreeMap<Name, Amounts> {
        let mut most = self.lendable.clone();
        for told in &effects.lendable {
            let Some(agent) = after.agent_name(told.agent) else { continue };
            let amounts: Amounts = told.amounts.iter().cloned().collect();
            let most = most.entry(agent.into()).or_default();
            for (name, amount) in &amounts {
                let most = most.entry(name.clone()).or_default();
                *most = (*most).max(*amount);
            }
            self.lendable.insert(agent.into(), amounts);
        }
        most
    }

    fn judge_borrower(&self, agent: &Name, framework: &Name, role: &Name) {
        assert!(self.policy.is_on(), "lending is off");
        assert!(self.reclaims.contains(agent), "lent where nobody could be ended");
        assert!(self.policy.borrowers.iter().any(|rule| rule.roles.names(role)), "to a role that borrows");
        let offered = self.parts(false).map(|((place, holder, _), _)| (place, holder));
        let twice = offered.filter(|party| *party == (agent, framework)).count();
        assert_eq!(twice, 0, "a framework is offered one loan of an agent at a time");
    }

    /// No more than may be lent, than a slice, than what no loan of this or a higher priority uses, and each part of it
    /// to no more than so many at once.
    fn judge_amounts(&self, offer: &Offer, agent: &Name, most: &Amounts, universe: &Universe) {
        let lent = &self.policy.resources;
        assert!(offer.resources.items().iter().all(|item| lent.contains(&item.kind)), "what is lent as such");
        let mut offered: Amounts = Amounts::new();
        for ((place, ..), part) in self.parts(false) {
            if place == agent {
                add(&mut offered, by_name(part, |_| true, universe));
            }
        }
        for (name, amount) in by_name(&offer.resources, |_| true, universe) {
            let slice = self.policy.slice.iter().find(|(sliced, _)| *sliced == name);
            assert!(slice.is_none_or(|(_, slice)| amount <= *slice), "more than a slice");
            let most = most.get(&name).copied().unwrap_or_default();
            assert!(amount <= most, "{amount} lent of {most}");
            let seen = offered.get(&name).copied().unwrap_or_default() + amount;
            assert!(seen <= most.times(self.policy.fan_out), "{seen} offered at once of {most}");
            assert!(&*name != b"gpus" || amount.in_thousandths() % 1000 == 0, "{amount} GPUs");
        }
    }

    /// Roles around a role that was lent something of a name have borrowed no more of it than they may.
    fn judge_limits(&self, role: &Name, name: &Name, after: &Allocator, universe: &Universe) {
        for limits in self.policy.limits.iter().filter(|limits| is_within(role, &limits.role)) {
            let Some((_, bound)) = limits.borrow.iter().find(|(limited, _)| limited == name) else {
                continue;
            };
            let most = match bound {
                Bound::Amount(amount) => *amount,
                Bound::Permille(permille) => {
                    let part =
                        i128::from(after.total_of(name).in_thousandths()) * i128::from(*permille) / 1000;
                    Amount::thousandths(i64::try_from(part).unwrap_or(i64::MAX))
                }
            };
            let mut borrowed = Amounts::new();
            for ((_, _, borrower), loan) in &self.loans {
                if is_within(borrower, &limits.role) {
                    add(&mut borrowed, by_name(&loan.offered, |_| true, universe));
                    add(&mut borrowed, by_name(&loan.used, |_| true, universe));
                }
            }
            let borrowed = borrowed.get(name).copied().unwrap_or_default();
            assert!(borrowed <= most, "{borrowed} borrowed by a role with the limit {most}");
        }
    }

    /// The allocator has the same loans.
    pub(super) fn compare(&self, allocator: &Allocator, universe: &Universe) {
        let shown = |loan: LoanNumbers<'_>| {
            let framework = loan.framework.expect("a framework that is there");
            let holder: Holder = (loan.agent.into(), framework.into(), loan.role.into());
            let amounts = |amounts: Vec<(Name, Amount)>| amounts.into_iter().collect::<Amounts>();
            (holder, (amounts(loan.offered), amounts(loan.used)))
        };
        let there: BTreeMap<Holder, (Amounts, Amounts)> = allocator.loans().map(shown).collect();
        let amounts = |part: &Holding| by_name(part, |_| true, universe);
        let known = self.loans.iter();
        let known =
            known.map(|(holder, loan)| (holder.clone(), (amounts(&loan.offered), amounts(&loan.used))));
        assert_eq!(there, known.collect(), "loans in the allocator, and as they were told");
        assert_eq!(allocator.loans_len(), self.loans.len(), "each once");
    }
}

/// Scalars by name, of the items that count.
fn by_name(resources: &Holding, counts: impl Fn(&Item) -> bool, universe: &Universe) -> Amounts {
    let mut amounts = Amounts::new();
    for item in resources.items().iter().filter(|item| counts(item)) {
        if let Some(amount) = item.scalar_quantity() {
            *amounts.entry(universe.of(item).name.into()).or_default() += amount;
        }
    }
    amounts
}

fn add(sum: &mut Amounts, more: Amounts) {
    for (name, amount) in more {
        *sum.entry(name).or_default() += amount;
    }
}

/// What can be lent at all: scalars that can be cut, of one holder at a time, that stay with whoever has them.
fn is_plain(item: &Item, universe: &Universe) -> bool {
    let known = universe.of(item);
    known.value_type == ValueType::Scalar && !item.kind.is_whole() && !known.revocable && !known.shared
}
