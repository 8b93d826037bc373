//! The ledger itself.

use std::collections::BTreeMap;

use crate::accept::Accept;
use crate::admission::admit;
use crate::agent::Agent;
use crate::clock::OverCommitted;
use crate::executors::{Shape, What};
use crate::{Numbers, Priority, Scalars, TurnedDown};

/// What of something is allocated to one role.
///
/// Of regular resources everything that adds up may be told, also how many of ranges and sets: it makes ends easier to
/// tell apart. Volumes that are shared are left out, as any number of tasks may use the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Portion<'a> {
    /// The role.
    pub role: &'a [u8],
    /// Its priority as a borrower. Loans keep the one that they began with.
    pub priority: Priority,
    /// What is not revocable.
    pub regular: Scalars,
    /// What is revocable.
    pub lent: Scalars,
}

/// The executor that a task names. A command task names none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecutorOfTask<'a> {
    /// Framework that the executor says it belongs to; empty if it does not say. The master refuses a wrong one.
    pub framework: &'a [u8],
    /// Id; unique within framework and agent.
    pub id: &'a [u8],
    /// Its own resources, on top of those of its tasks. They count once, for the task that it is started for.
    pub resources: Portion<'a>,
}

/// A task that a framework wants to launch, as the master shows it before it is validated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launch<'a> {
    /// Agent that the task names, which may be wrong: the master refuses it then.
    pub agent: &'a [u8],
    /// Id of the task, which may be wrong as well.
    pub task: &'a [u8],
    /// Its resources, without its executor's.
    pub wants: Portion<'a>,
    /// Its executor.
    pub executor: Option<ExecutorOfTask<'a>>,
    /// Value of its label [`Gang::LABEL`](crate::Gang::LABEL).
    pub gang: Option<&'a [u8]>,
}

/// Lent resources in use, as [`Ledger::loans`] tells of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loan<'a> {
    /// Agent they are of.
    pub agent: &'a [u8],
    /// Framework that uses them; `None` if nobody told.
    pub framework: Option<&'a [u8]>,
    /// Role that borrowed them.
    pub role: &'a [u8],
    /// Priority of the loan.
    pub priority: Priority,
    /// How much.
    pub lent: &'a Scalars,
}

/// An agent that has more in use than it has, as [`Ledger::over_committed`] tells of it. Times in nanoseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OverCommittedAgent<'a> {
    /// Its id.
    pub agent: &'a [u8],
    /// Since when an owner waits for what it launched on.
    pub owner_since: Option<i64>,
    /// Since when a borrower of a higher priority does.
    pub borrower_since: Option<i64>,
    /// What has to be evicted.
    pub excess: Scalars,
}

/// Everything that answers depend on: two ledgers with equal books answer alike from now on. Counters are not in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Books {
    agents: BTreeMap<Box<[u8]>, Agent>,
    accept: Accept,
}

/// Which launches on lent resources are admitted.
///
/// # One ACCEPT
///
/// ```text
/// for each task                  claim         Ok: admitted, the claim stands; TurnedDown: make the task invalid
/// for each task that is valid    launching     of which framework the use is that follows
/// then                           returned      what was offered and not used (in_use = false)
///                                used          what came into use
/// ```
///
/// The first call of the last two kinds ends the ACCEPT: the next claim drops what is left of its claims. So a task
/// that failed validation leaves nothing, and no claim needs a time limit.
///
/// # The rule
///
/// With *loans* being those of the same or a higher priority, a lent launch is admitted if for each resource it wants
///
/// ```text
/// regular in use + loans in use + claimed + wanted  ≤  total
///                  loans in use + claimed + wanted  ≤  lendable
/// ```
///
/// On agents that do not lend, and on unknown ones, everything is admitted.
///
/// # Executors
///
/// An executor runs tasks with lent resources or tasks without, never both, so that an agent can end the one sort and
/// never has to end the other. Ends of tasks are told as amounts only, so what an executor runs is sometimes in doubt.
/// In doubt a regular launch is admitted and a lent one is turned down. An executor's own resources are claimed unless it
/// surely runs. Executors that were started before the ledger began are unknown. Each of these doubts can cost a launch
/// or an eviction that cannot happen; none of them makes a regular task evictable, as agents judge by what they see.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    books: Books,
    numbers: Numbers,
    losses: BTreeMap<Box<[u8]>, u32>,
}

impl Ledger {
    /// A ledger without agents.
    #[must_use]
    pub fn new() -> Ledger {
        Ledger::default()
    }

    /// An agent registered. `lends` says that revocable resources on it are lent ones; `used` is what frameworks use
    /// there already, each with what it uses. What a framework is said to use when *it* is added is the same once more,
    /// and must not be told.
    pub fn agent_added(&mut self, agent: &[u8], lends: bool, total: Scalars, used: &[(&[u8], Portion<'_>)]) {
        self.books.accept.end();
        let mut added = Agent { lends, total, ..Agent::default() };
        for (framework, portion) in used {
            added.regular.add_all(&portion.regular);
            added.begin(framework, portion.role, portion.priority, &portion.lent);
        }
        self.books.agents.insert(agent.into(), added);
    }

    /// An agent changed: whether it lends, and its total unless that stayed.
    pub fn agent_changed(&mut self, now: i64, agent: &[u8], lends: bool, total: Option<Scalars>) {
        self.books.accept.end();
        let Some(known) = self.books.agents.get_mut(agent) else { return };
        known.lends = lends;
        if !lends {
            known.lendable = Scalars::new();
            known.over_committed = OverCommitted::default();
        }
        if let Some(total) = total {
            known.total = total;
        }
        if known.excess().is_empty() {
            known.over_committed.fits(now, &mut self.numbers);
        }
    }

    /// An agent is gone. What is returned of it later is of no account.
    pub fn agent_removed(&mut self, agent: &[u8]) {
        self.books.accept.end();
        self.books.agents.remove(agent);
    }

    /// A framework is gone. What it still uses stays until it is returned: executors of a framework can outlive it.
    pub fn framework_removed(&mut self, framework: &[u8]) {
        self.books.accept.end();
        self.books.agents.values_mut().for_each(|agent| agent.executors.forget(framework));
    }

    /// What may be lent on an agent from now on, loans in use included. Says nothing about the running ACCEPT, as it
    /// comes from the allocator's own decisions and not from the master.
    ///
    /// Returns whether the agent is known and lends. If not, nothing is remembered.
    pub fn publish(&mut self, agent: &[u8], lendable: Scalars) -> bool {
        let known = self.books.agents.get_mut(agent).filter(|agent| agent.lends);
        known.map(|agent| agent.lendable = lendable).is_some()
    }

    /// Claims what a task wants.
    ///
    /// # Errors
    /// Why the task must not be launched. Nothing is claimed then.
    pub fn claim(&mut self, launch: &Launch<'_>) -> Result<(), TurnedDown> {
        let claimed_by = &mut self.books.accept;
        let claimed = claimed_by.claimed(launch.agent);
        let Some(agent) = self.books.agents.get(launch.agent).filter(|agent| agent.lends) else {
            return Ok(());
        };
        let outcome = admit(agent, claimed, launch);
        if let Err(reason) = &outcome {
            self.numbers.turned_down(launch.wants.role, reason);
            claimed_by.lost = claimed_by.lost.saturating_add(u32::from(reason.is_conflict()));
        }
        outcome
    }

    /// The master found a task valid and launches it: what comes into use next on the agent is of this framework.
    pub fn launching(&mut self, agent: &[u8], framework: &[u8], task: &[u8]) {
        let accept = &mut self.books.accept;
        let waiting = accept.on.get_mut(agent).and_then(|claimed| claimed.take(task));
        let launching = accept.launching(agent, framework);
        let Some(waiting) = waiting else { return };
        launching.add(&waiting);
        if let Some(agent) = self.books.agents.get_mut(agent) {
            let executor = waiting.executor.as_ref().map(|((_, id), _)| &**id);
            agent.executors.launch(framework, executor, waiting.what, &waiting.shape);
        }
        if waiting.counts {
            self.numbers.committed(&waiting.role);
        }
    }

    /// Resources came into use by tasks and new executors, at the time `now` in nanoseconds.
    ///
    /// Returns the framework they are of, if [`Ledger::launching`] told.
    pub fn used(&mut self, now: i64, agent: &[u8], portions: &[Portion<'_>]) -> Option<Box<[u8]>> {
        self.books.accept.end();
        let launching = self.books.accept.take_launching(agent);
        if let Some(launching) = &launching {
            self.lose(&launching.framework);
        }
        let framework = launching.as_ref().map(|launching| launching.framework.clone());
        let Some(known) = self.books.agents.get_mut(agent) else { return framework };
        let (mut regular, mut lent) = (Scalars::new(), Scalars::new());
        for portion in portions {
            regular.add_all(&portion.regular);
            lent.add_all(&portion.lent);
            known.begin(
                framework.as_deref().unwrap_or_default(),
                portion.role,
                portion.priority,
                &portion.lent,
            );
        }
        if let Some(launching) = launching {
            for (executor, shape) in launching.started(&regular, &lent) {
                known.executors.launch(&launching.framework, Some(executor), What::Executor, shape);
            }
        }
        known.regular.add_all(&regular);
        self.numbers.unattributed_uses += u64::from(!lent.is_empty() && framework.is_none());
        // Elsewhere what can be taken back comes on top of the total.
        let over = known.lends && !known.excess().is_empty();
        known.over_committed.launched(now, !regular.is_empty(), !lent.is_empty(), over);
        framework
    }

    /// Resources of a framework were returned, at the time `now` in nanoseconds. `in_use` tells whether tasks and
    /// executors used them, or they were offered only.
    ///
    /// To be called once for each return of the master: what is returned together ended together.
    pub fn returned(
        &mut self,
        now: i64,
        framework: &[u8],
        agent: &[u8],
        portions: &[Portion<'_>],
        in_use: bool,
    ) {
        self.books.accept.end();
        self.lose(framework);
        let known = self.books.agents.get_mut(agent);
        let Some(known) = known.filter(|_| in_use) else { return };
        let mut matched = true;
        for portion in portions {
            matched &= known.regular.take_all(&portion.regular).is_empty();
            matched &= known.end(framework, portion.role, &portion.lent).is_empty();
            known.executors.end(framework, &Shape::of(portion));
        }
        self.numbers.unmatched_returns += u64::from(!matched);
        if known.excess().is_empty() {
            known.over_committed.fits(now, &mut self.numbers);
        }
    }

    /// Frameworks with the launches that they lost to conflicts since this was asked last.
    ///
    /// A task does not say whose it is. What is returned at the end of its ACCEPT does, or what comes into use. Where the
    /// ACCEPT also destroys a volume that somebody else is offered, that other framework is taken for the loser.
    pub fn take_losses(&mut self) -> BTreeMap<Box<[u8]>, u32> {
        std::mem::take(&mut self.losses)
    }

    fn lose(&mut self, framework: &[u8]) {
        let lost = std::mem::take(&mut self.books.accept.lost);
        if lost > 0 {
            let losses = self.losses.entry(framework.into()).or_default();
            *losses = losses.saturating_add(lost);
        }
    }

    /// The counters.
    #[must_use]
    pub fn numbers(&self) -> &Numbers {
        &self.numbers
    }

    /// What answers depend on.
    #[must_use]
    pub fn books(&self) -> &Books {
        &self.books
    }

    /// Whether an agent is known and lends.
    #[must_use]
    pub fn lends(&self, agent: &[u8]) -> bool {
        self.books.agents.get(agent).is_some_and(|agent| agent.lends)
    }

    /// Whether an agent is known.
    #[must_use]
    pub fn knows(&self, agent: &[u8]) -> bool {
        self.books.agents.contains_key(agent)
    }

    /// What tasks and executors use of an agent that is not revocable; `None` for an unknown agent.
    #[must_use]
    pub fn regular_in_use(&self, agent: &[u8]) -> Option<&Scalars> {
        self.books.agents.get(agent).map(|agent| &agent.regular)
    }

    /// Lent resources in use, by agent, framework and role, in the order of their bytes.
    pub fn loans(&self) -> impl Iterator<Item = Loan<'_>> {
        let lending = self.books.agents.iter().filter(|(_, agent)| agent.lends);
        lending.flat_map(|(agent, known)| {
            known.loans.iter().map(|((framework, role), loan)| Loan {
                agent,
                framework: Some(&**framework).filter(|framework| !framework.is_empty()),
                role,
                priority: loan.priority,
                lent: &loan.lent,
            })
        })
    }

    /// Agents on which somebody waits for borrowers to be evicted, in the order of the bytes of their ids.
    pub fn over_committed(&self) -> impl Iterator<Item = OverCommittedAgent<'_>> {
        self.books.agents.iter().filter_map(|(agent, known)| {
            let (owner_since, borrower_since) =
                (known.over_committed.by_owner, known.over_committed.by_borrower);
            owner_since.or(borrower_since)?;
            Some(OverCommittedAgent { agent, owner_since, borrower_since, excess: known.excess() })
        })
    }

    /// What borrowers use of an agent beyond what it has: so much of it has to be evicted.
    #[must_use]
    pub fn excess(&self, agent: &[u8]) -> Scalars {
        self.books.agents.get(agent).filter(|agent| agent.lends).map(Agent::excess).unwrap_or_default()
    }
}
