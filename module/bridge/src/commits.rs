//! The commit ledgers of this process: what allocators tell of, and what hooks admit.
//!
//! Both are called on the master's thread, in the master's order, so that a ledger knows at each launch what is in use at
//! that moment. Only what may be lent comes from elsewhere, the allocator's actor.
//!
//! ```text
//! master's thread: allocator's calls ──► Commits ◄──claim, launching── hook
//! allocator's actor: publish ──────────────┘
//! ```
//!
//! # When something goes wrong
//!
//! A ledger that may have missed something could admit what is not there. So a panic in one breaks it: from then on it
//! admits no lent launch, and the next call of its allocator is answered with the reason, which ends the process. A use
//! that cannot be read does the same. Whatever else cannot be read is refused and changes nothing, as the allocator's own
//! books refuse it. Launches without lent resources pass in any case.

mod explanation;
mod portions;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use apportion_core::Amount;
use apportion_ledger::{ExecutorOfTask, Gang, Launch, Ledger, Portion, Priority, Scalars};
use apportion_wire::messages::{AgentInfo, TaskInfo};
use parking_lot::Mutex;

pub(crate) use self::explanation::impossible_resource;
use crate::guard;

/// Attribute, a text, of agents that can end borrowers: only there revocable means lent.
const RECLAIM: (&[u8], &[u8]) = (b"apportion_reclaim", b"v1");

/// The priority of a role as a borrower.
pub(crate) type Priorities = Box<dyn Fn(&[u8]) -> Priority + Send + Sync>;

/// Names with the resources that each holds.
type Holdings<'a> = [(&'a [u8], Vec<&'a [u8]>)];

/// Why a ledger did not take a call of its allocator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Bad input: nothing changed.
    Refused(String),
    /// The ledger can no longer be trusted.
    Broken(String),
}

/// The ledgers of a process. A master has one allocator, and so one ledger at most.
#[derive(Default)]
pub(crate) struct Commits {
    /// How many ledgers are open. Changed under the lock only.
    open: AtomicUsize,
    /// How many hooks ask before they let a task be launched.
    hooks: AtomicUsize,
    accounts: Mutex<Accounts>,
}

#[derive(Default)]
struct Accounts {
    opened: u64,
    by_number: BTreeMap<u64, Account>,
}

/// One ledger with what it needs to read messages.
struct Account {
    ledger: Ledger,
    priorities: Priorities,
    /// Why it can no longer be trusted.
    broken: Option<String>,
}

impl fmt::Debug for Commits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Commits")
            .field("open", &self.open)
            .field("hooks", &self.hooks)
            .finish_non_exhaustive()
    }
}

/// A hook that asks. See [`Commits::attend`].
#[derive(Debug)]
#[must_use = "the hook counts as gone when this is dropped"]
pub(crate) struct Attendance(Arc<Commits>);

impl std::ops::Deref for Attendance {
    type Target = Commits;

    fn deref(&self) -> &Commits {
        &self.0
    }
}

impl Drop for Attendance {
    fn drop(&mut self) {
        self.0.hooks.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The hook's side.
impl Commits {
    /// A hook of this process turns launches down when a ledger says so. Without one nothing may be lent.
    pub(crate) fn attend(self: &Arc<Self>) -> Attendance {
        self.hooks.fetch_add(1, Ordering::Relaxed);
        Attendance(Arc::clone(self))
    }

    /// Whether some hook asks.
    pub(crate) fn is_attended(&self) -> bool {
        self.hooks.load(Ordering::Relaxed) != 0
    }

    /// Claims what a task is to be launched with: `resources`, which a rule may have changed, and its executor's.
    ///
    /// # Errors
    /// Why it must not be launched, for whoever runs its framework. Never for a task without lent resources, but for an
    /// executor or a gang that it would mix into.
    pub(crate) fn claim(&self, task: &TaskInfo, resources: &[Vec<u8>]) -> Result<(), String> {
        if self.open.load(Ordering::Relaxed) == 0 {
            return Ok(());
        }
        let mut accounts = self.accounts.lock();
        let agent = &task.agent_id.value;
        let Some(account) = accounts.by_number.values_mut().find(|one| one.ledger.knows(agent)) else {
            return Ok(());
        };
        if account.broken.is_none() {
            match guard::caught(|| account.claim(task, resources)) {
                Ok(outcome) => return outcome,
                Err(said) => account.give_up(format!("a claim {said}")),
            }
        }
        let is_lent = account.ledger.lends(agent) && portions::may_be_lent(resources);
        if is_lent {
            Err("the master cannot tell what is left to lend, and stops".to_owned())
        } else {
            Ok(())
        }
    }

    /// The master found a task valid and launches it.
    pub(crate) fn launching(&self, agent: &[u8], framework: &[u8], task: &[u8]) {
        if self.open.load(Ordering::Relaxed) == 0 {
            return;
        }
        let mut accounts = self.accounts.lock();
        let known = accounts.by_number.values_mut().find(|one| one.ledger.knows(agent));
        let Some(account) = known.filter(|account| account.broken.is_none()) else { return };
        if let Err(said) = guard::caught(|| account.ledger.launching(agent, framework, task)) {
            account.give_up(format!("a launch {said}"));
        }
    }
}

impl Account {
    fn claim(&mut self, task: &TaskInfo, resources: &[Vec<u8>]) -> Result<(), String> {
        let agent = task.agent_id.value.as_slice();
        let executor = task.executor.as_ref();
        let read = || -> Result<_, String> {
            let wants = portions::read_one(resources, &self.priorities)?;
            let own = executor.map(|one| portions::read_one(&one.resources, &self.priorities)).transpose()?;
            Ok((wants, own))
        };
        let (wants, own) = match read() {
            Ok(read) => read,
            // The master refuses it anyway; but nothing that is lent is launched on that.
            Err(reason) if self.ledger.lends(agent) && portions::may_be_lent(resources) => {
                return Err(format!("its resources cannot be read: {reason}"));
            }
            Err(_) => return Ok(()),
        };
        let labels = task.labels.as_ref().and_then(|labels| labels.read().ok());
        let gang = labels.as_ref().and_then(|labels| labels.get(Gang::LABEL));
        let launch = Launch {
            agent,
            task: &task.task_id.value,
            wants,
            executor: executor.zip(own).map(|(executor, resources)| ExecutorOfTask {
                framework: executor.framework_id.as_ref().map(|id| id.value.as_slice()).unwrap_or_default(),
                id: &executor.executor_id.value,
                resources,
            }),
            gang: gang.map(|label| label.value.unwrap_or_default()),
        };
        self.ledger.claim(&launch).map_err(|reason| reason.to_string())
    }

    fn give_up(&mut self, reason: String) {
        tracing::error!("the commit ledger can no longer be trusted: {reason}");
        self.broken = Some(reason);
    }
}

/// The ledger of one allocator. Closed when dropped.
#[derive(Debug)]
pub(crate) struct OpenLedger {
    commits: Arc<Commits>,
    number: u64,
}

impl Drop for OpenLedger {
    fn drop(&mut self) {
        let mut accounts = self.commits.accounts.lock();
        accounts.by_number.remove(&self.number);
        self.commits.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The allocator's side.
impl Commits {
    /// A ledger for an allocator that lends. To be opened before its first agent.
    pub(crate) fn open(self: &Arc<Self>, priorities: Priorities) -> OpenLedger {
        let mut accounts = self.accounts.lock();
        let number = accounts.opened;
        accounts.opened += 1;
        accounts.by_number.insert(number, Account { ledger: Ledger::new(), priorities, broken: None });
        self.open.fetch_add(1, Ordering::Relaxed);
        OpenLedger { commits: Arc::clone(self), number }
    }
}

/// Each of these is one call of the master, to be told before it is queued for the allocator's actor.
///
/// # Errors
/// As [`Fault`] says.
impl OpenLedger {
    /// An agent registered, with what frameworks use there. See [`Ledger::agent_added`].
    pub(crate) fn agent_added(
        &self,
        agent: &[u8],
        info: &AgentInfo,
        total: &[&[u8]],
        used: &Holdings<'_>,
    ) -> Result<(), Fault> {
        self.change(|account| {
            let total = portions::total(total).map_err(Fault::Refused)?;
            let mut read: Vec<(&[u8], Portion<'_>)> = Vec::new();
            for (framework, resources) in used {
                let portions = portions::read(resources, &account.priorities).map_err(Fault::Refused)?;
                read.extend(portions.into_iter().map(|portion| (*framework, portion)));
            }
            account.ledger.agent_added(agent, lends(info), total, &read);
            Ok(())
        })
    }

    /// An agent changed. See [`Ledger::agent_changed`].
    pub(crate) fn agent_changed(
        &self,
        now: i64,
        agent: &[u8],
        info: &AgentInfo,
        total: Option<&[&[u8]]>,
    ) -> Result<(), Fault> {
        self.change(|account| {
            let total = total.map(portions::total).transpose().map_err(Fault::Refused)?;
            account.ledger.agent_changed(now, agent, lends(info), total);
            Ok(())
        })
    }

    /// An agent is gone.
    pub(crate) fn agent_removed(&self, agent: &[u8]) -> Result<(), Fault> {
        self.change(|account| {
            account.ledger.agent_removed(agent);
            Ok(())
        })
    }

    /// A framework is gone.
    pub(crate) fn framework_removed(&self, framework: &[u8]) -> Result<(), Fault> {
        self.change(|account| {
            account.ledger.framework_removed(framework);
            Ok(())
        })
    }

    /// Resources came into use; the framework they are of, if the hook told. See [`Ledger::used`].
    pub(crate) fn used(
        &self,
        now: i64,
        agent: &[u8],
        resources: &[&[u8]],
    ) -> Result<Option<Box<[u8]>>, Fault> {
        self.change(|account| {
            let portions = portions::read(resources, &account.priorities)
                .map_err(|reason| Fault::Broken(format!("what comes into use cannot be read: {reason}")))?;
            Ok(account.ledger.used(now, agent, &portions))
        })
    }

    /// Resources of a framework were returned. See [`Ledger::returned`]. What was offered only is not read.
    pub(crate) fn returned(
        &self,
        now: i64,
        framework: &[u8],
        agent: &[u8],
        resources: &[&[u8]],
        in_use: bool,
    ) -> Result<(), Fault> {
        self.change(|account| {
            let resources = if in_use && account.ledger.knows(agent) { resources } else { &[] };
            let portions = portions::read(resources, &account.priorities).map_err(Fault::Refused)?;
            account.ledger.returned(now, framework, agent, &portions, in_use);
            Ok(())
        })
    }

    /// What may be lent on an agent from now on, from the allocator's actor. Nobody is told of a ledger that is broken:
    /// the master's next call is.
    pub(crate) fn publish<'a>(&self, agent: &[u8], lendable: impl Iterator<Item = (&'a [u8], Amount)>) {
        let lendable: Scalars = lendable.collect();
        self.with(|ledger| ledger.publish(agent, lendable));
    }

    /// The ledger itself, for what is not a call of the master: its counters, and who lost launches. `None` if it is
    /// closed.
    pub(crate) fn with<T>(&self, look: impl FnOnce(&mut Ledger) -> T) -> Option<T> {
        let mut accounts = self.commits.accounts.lock();
        accounts.by_number.get_mut(&self.number).map(|account| look(&mut account.ledger))
    }

    fn change<T>(&self, change: impl FnOnce(&mut Account) -> Result<T, Fault>) -> Result<T, Fault> {
        let mut accounts = self.commits.accounts.lock();
        let Some(account) = accounts.by_number.get_mut(&self.number) else {
            return Err(Fault::Broken("the ledger is closed".to_owned()));
        };
        if let Some(reason) = &account.broken {
            return Err(Fault::Broken(reason.clone()));
        }
        let outcome = guard::caught(|| change(account)).unwrap_or_else(|said| Err(Fault::Broken(said)));
        if let Err(Fault::Broken(reason)) = &outcome {
            account.give_up(reason.clone());
        }
        outcome
    }
}

/// Whether an agent says of itself that it can end borrowers.
fn lends(info: &AgentInfo) -> bool {
    let (name, value) = RECLAIM;
    info.attributes
        .iter()
        .any(|one| one.name == name && one.text.as_ref().is_some_and(|text| text.value == value))
}
