//! An independent witness on the agent: what the master had it run, in the master's order, and what it does to borrowers.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use apportion_cluster_tests::Random;
use apportion_rig::{SimulatedAgents, SimulatedTask, TaskEnd, TaskEvent};

use crate::amounts::Amounts;
use crate::priority;

/// The longest that the agent takes to begin an eviction.
const HESITATION_MS: u64 = 3;

/// What runs on the agent, and what was wrong with it.
#[derive(Debug, Default)]
pub(crate) struct Books {
    /// In the order in which the agent was told to run it.
    pub(crate) running: Vec<SimulatedTask>,
    /// Each that should not be.
    pub(crate) findings: Vec<String>,
    pub(crate) evictions: u64,
}

impl fmt::Display for Books {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for task in &self.running {
            let (lent, own) = (Amounts::lent_to(task), Amounts::own_of(task));
            write!(out, "[{} in role {}: {lent:?} lent, {own:?} own] ", task.task_id(), task.role())?;
        }
        Ok(())
    }
}

impl Books {
    /// What is in use by regular tasks.
    pub(crate) fn regular(&self) -> Amounts {
        self.running.iter().map(Amounts::own_of).sum()
    }

    /// What is in use by loans of this or a higher priority.
    pub(crate) fn lent_from(&self, least: u32) -> Amounts {
        let loans = self.running.iter().filter(|task| priority(&task.role()) >= least);
        loans.map(Amounts::lent_to).sum()
    }

    /// What can still be lent at a priority, of so much.
    pub(crate) fn left(&self, capacity: Amounts, priority: u32) -> Amounts {
        capacity - self.regular() - self.lent_from(priority)
    }

    /// The rules of lending, at the moment in which the master has let a task go.
    fn admit(&mut self, task: SimulatedTask, capacity: Amounts) {
        let (lent, own) = (Amounts::lent_to(&task), Amounts::own_of(&task));
        let regular = self.regular();
        if !(regular + own).fits(capacity) {
            self.findings.push(format!(
                "regular tasks are over-committed: {regular:?} in use, and {} with {own:?} was let go",
                task.task_id()
            ));
        }
        if lent != Amounts::default() && !lent.fits(self.left(capacity, priority(&task.role()))) {
            let there = self.left(capacity, priority(&task.role()));
            self.findings.push(format!(
                "{} in role {} was admitted with {lent:?} lent, and {there:?} was left; in use: {}",
                task.task_id(),
                task.role(),
                self
            ));
        }
        self.running.push(task);
    }

    /// Who has to go next: of lowest priority, and of these the newest.
    fn victim(&self, capacity: Amounts) -> Option<SimulatedTask> {
        if (self.regular() + self.lent_from(0)).fits(capacity) {
            return None;
        }
        let borrowers = self.running.iter().filter(|task| Amounts::lent_to(task) != Amounts::default());
        borrowers.rev().min_by_key(|task| priority(&task.role())).cloned()
    }
}

/// Keeps the books of one simulated agent, and evicts as its QoS controller would.
#[derive(Debug)]
pub(crate) struct Witness {
    books: Arc<Mutex<Books>>,
}

impl Witness {
    /// Watches from now on, until the agent is gone.
    pub(crate) fn of(agents: &Arc<SimulatedAgents>, capacity: Amounts, seed: u64) -> Witness {
        let books = Arc::new(Mutex::new(Books::default()));
        let (events, agents, kept) = (agents.watch_tasks(), Arc::downgrade(agents), Arc::clone(&books));
        let mut random = Random::new(seed);
        thread::spawn(move || {
            for event in events {
                let mut books = lock(&kept);
                match event {
                    TaskEvent::Started(task) => books.admit(task, capacity),
                    TaskEvent::Ended(task, end) => {
                        books.evictions += u64::from(end == TaskEnd::Preempted);
                        if end == TaskEnd::Killed {
                            books
                                .findings
                                .push(format!("{} was killed, and nobody wanted it", task.task_id()));
                        }
                        books.running.retain(|running| *running != task);
                    }
                }
                let victim = books.victim(capacity);
                drop(books);
                if let Some(victim) = victim {
                    thread::sleep(random.millis(0, HESITATION_MS));
                    evict(&agents, &victim);
                }
            }
        });
        Witness { books }
    }

    pub(crate) fn books(&self) -> MutexGuard<'_, Books> {
        lock(&self.books)
    }
}

/// A thread that panicked leaves complete entries.
fn lock(books: &Mutex<Books>) -> MutexGuard<'_, Books> {
    books.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The next victim is chosen when the end of this one is heard of. Who has ended meanwhile is as good.
fn evict(agents: &Weak<SimulatedAgents>, victim: &SimulatedTask) {
    if let Some(agents) = agents.upgrade() {
        agents.end_task(victim, TaskEnd::Preempted);
    }
}

/// How long the agent may take until its books are in order again.
pub(crate) const SETTLED_WITHIN: Duration = Duration::from_secs(10);
