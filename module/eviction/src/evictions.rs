//! What is remembered from one look at the agent to the next.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::agent::{Agent, Amounts, Executor, ExecutorKey};
use crate::choice::{Candidate, choose};
use crate::grace::{Grace, nanoseconds};
use crate::policy::Policy;

/// An executor that has to go and was given time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// When it was chosen: nanoseconds.
    pub since: i64,
    /// When its time is over: nanoseconds.
    pub deadline: i64,
    /// What the owners needed when it was chosen.
    pub need: Amounts,
}

/// An executor that the agent was told to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// When it was chosen: nanoseconds.
    pub since: i64,
    /// When the agent was told last: nanoseconds.
    pub last: i64,
    /// How often it was told.
    pub times: u32,
}

/// An executor that the agent is told to end now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// Which one.
    pub key: ExecutorKey,
    /// Its roles.
    pub roles: BTreeSet<Vec<u8>>,
    /// Its priority.
    pub priority: u32,
    /// All that it has.
    pub has: Amounts,
    /// What the owners needed when it was chosen.
    pub need: Amounts,
    /// How much time it had since.
    pub waited: Duration,
}

/// Something that people may want to know of an executor that stays for now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reminder {
    /// It was chosen, and is given time.
    Noticed {
        /// Which one.
        key: ExecutorKey,
        /// How much.
        grace: Duration,
        /// What the owners need.
        need: Amounts,
    },
    /// Its resources are not needed any more.
    Withdrawn {
        /// Which one.
        key: ExecutorKey,
    },
    /// It was there long after the agent was told to end it. `again`: the agent is told once more; otherwise its resources
    /// are not needed any more, and it is let alone.
    StillThere {
        /// Which one.
        key: ExecutorKey,
        /// Whether the agent is told once more.
        again: bool,
    },
    /// A task's label for grace is no time: it gets what those get that have none.
    UnreadableGrace {
        /// Which one.
        key: ExecutorKey,
        /// What the label says.
        value: Vec<u8>,
    },
}

/// What to do now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decision {
    /// Whom to end.
    pub end: Vec<Ending>,
    /// Whom to tell the agent again to end.
    pub end_again: Vec<ExecutorKey>,
    /// What happened besides.
    pub reminders: Vec<Reminder>,
    /// What too much is allocated, without those that the agent was told to end before.
    pub need: Amounts,
    /// What of it no borrower can give back.
    pub uncovered: Amounts,
    /// When to look again, even if nobody wakes us: nanoseconds.
    pub look_again: Option<i64>,
}

/// Numbers since the start.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    /// Executors that the agent was told to end.
    pub evictions: u64,
    /// The same, by role; an executor with several roles counts for each.
    pub by_role: BTreeMap<Vec<u8>, u64>,
    /// How often the agent was told again.
    pub told_again: u64,
    /// Notices that were withdrawn.
    pub withdrawn: u64,
    /// From need to eviction, all evictions together.
    pub waited: Duration,
    /// From need to eviction, the longest.
    pub waited_most: Duration,
}

/// Evictions of one agent.
#[derive(Debug, Clone, Default)]
pub struct Evictions {
    first_seen: BTreeMap<ExecutorKey, i64>,
    notices: BTreeMap<ExecutorKey, Notice>,
    told: BTreeMap<ExecutorKey, Told>,
    counts: Counts,
    last_need: Amounts,
    last_look: Option<i64>,
}

impl Evictions {
    /// Looks at the agent. `now` in nanoseconds, of any clock; if that is set back, what is waited for takes as long as it
    /// had to.
    ///
    /// What the agent was told to end counts as gone, also while it is still there; so does what is under notice, as long
    /// as it is needed.
    pub fn look(&mut self, now: i64, agent: &Agent, policy: &Policy<'_>) -> Decision {
        self.follow_clock(now);
        let executors: BTreeMap<ExecutorKey, &Executor> =
            agent.executors.iter().map(|executor| (executor.key(), executor)).collect();
        self.forget_gone(&executors);
        for key in executors.keys() {
            self.first_seen.entry(key.clone()).or_insert(now);
        }
        let mut decision = Decision::default();
        self.ask_again(now, agent, &executors, policy, &mut decision);
        decision.need = self.too_much(agent, &BTreeSet::new());
        if !decision.need.is_empty() {
            self.last_need = decision.need.clone();
        }
        let chosen = self.choose_victims(&executors, policy, &mut decision);
        self.serve_notices(now, chosen, &executors, policy, &mut decision);
        let deadlines = self.notices.values().map(|notice| notice.deadline);
        let patience = nanoseconds(policy.settings.tell_again);
        let reminders = self.told.values().map(|told| told.last.saturating_add(patience));
        decision.look_again = deadlines.chain(reminders).min();
        decision
    }

    /// Executors under notice.
    pub fn notices(&self) -> impl Iterator<Item = (&ExecutorKey, &Notice)> {
        self.notices.iter()
    }

    /// Executors that the agent was told to end and that were there at the last look.
    pub fn told(&self) -> impl Iterator<Item = (&ExecutorKey, &Told)> {
        self.told.iter()
    }

    /// Numbers since the start.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// What was needed last; nothing if nothing ever was.
    #[must_use]
    pub fn last_need(&self) -> &Amounts {
        &self.last_need
    }

    /// A clock that was set back takes what is remembered with it.
    fn follow_clock(&mut self, now: i64) {
        let back = self.last_look.map_or(0, |last| last.saturating_sub(now)).max(0);
        self.last_look = Some(now);
        if back == 0 {
            return;
        }
        for time in self.first_seen.values_mut() {
            *time = time.saturating_sub(back);
        }
        for notice in self.notices.values_mut() {
            notice.since = notice.since.saturating_sub(back);
            notice.deadline = notice.deadline.saturating_sub(back);
        }
        for told in self.told.values_mut() {
            told.since = told.since.saturating_sub(back);
            told.last = told.last.saturating_sub(back);
        }
    }

    fn forget_gone(&mut self, executors: &BTreeMap<ExecutorKey, &Executor>) {
        self.first_seen.retain(|key, _| executors.contains_key(key));
        self.notices.retain(|key, _| executors.contains_key(key));
        self.told.retain(|key, _| executors.contains_key(key));
    }

    /// What too much is allocated without those that the agent was told to end, but with those that `count`.
    fn too_much(&self, agent: &Agent, count: &BTreeSet<ExecutorKey>) -> Amounts {
        agent.too_much(|executor| {
            let key = executor.key();
            self.told.contains_key(&key) && !count.contains(&key)
        })
    }

    /// Those that should be gone by now: either the agent is told again, or they are let alone.
    fn ask_again(
        &mut self,
        now: i64,
        agent: &Agent,
        executors: &BTreeMap<ExecutorKey, &Executor>,
        policy: &Policy<'_>,
        decision: &mut Decision,
    ) {
        let patience = nanoseconds(policy.settings.tell_again);
        let overdue: BTreeSet<ExecutorKey> = self
            .told
            .iter()
            .filter(|(_, told)| now >= told.last.saturating_add(patience))
            .map(|(key, _)| key.clone())
            .collect();
        if overdue.is_empty() {
            return;
        }
        let need = self.too_much(agent, &overdue);
        for key in overdue {
            let Some(executor) = executors.get(&key) else { continue };
            let helps = executor.allocated.sum().iter().any(|(name, _)| need.get(name) > 0);
            // By now it may have a task of another kind.
            let again = helps && executor.may_be_ended();
            if !again {
                self.told.remove(&key);
            } else if let Some(told) = self.told.get_mut(&key) {
                told.last = now;
                told.times = told.times.saturating_add(1);
                self.counts.told_again += 1;
                decision.end_again.push(key.clone());
            }
            decision.reminders.push(Reminder::StillThere { key, again });
        }
    }

    /// Chooses who has to go: first among those under notice, then among all others. Whoever is under notice for nothing
    /// is so no longer. Returns all that have to go.
    fn choose_victims(
        &mut self,
        executors: &BTreeMap<ExecutorKey, &Executor>,
        policy: &Policy<'_>,
        decision: &mut Decision,
    ) -> BTreeSet<ExecutorKey> {
        let mut left = decision.need.clone();
        let mut chosen = BTreeSet::new();
        for under_notice in [true, false] {
            let keys: Vec<&ExecutorKey> = executors
                .iter()
                .filter(|(key, executor)| {
                    let free = !self.told.contains_key(*key) && executor.may_be_ended();
                    free && self.notices.contains_key(*key) == under_notice
                })
                .map(|(key, _)| key)
                .collect();
            for key in self.chosen_of(&left, &keys, executors, policy) {
                left.take_all(&executors[&key].allocated.sum());
                chosen.insert(key);
            }
        }
        decision.uncovered = left;
        let withdrawn: Vec<ExecutorKey> =
            self.notices.keys().filter(|key| !chosen.contains(*key)).cloned().collect();
        for key in withdrawn {
            self.notices.remove(&key);
            self.counts.withdrawn += 1;
            decision.reminders.push(Reminder::Withdrawn { key });
        }
        chosen
    }

    fn chosen_of(
        &self,
        need: &Amounts,
        keys: &[&ExecutorKey],
        executors: &BTreeMap<ExecutorKey, &Executor>,
        policy: &Policy<'_>,
    ) -> Vec<ExecutorKey> {
        if need.is_empty() {
            return Vec::new();
        }
        let mut by_age: Vec<usize> = (0..keys.len()).collect();
        // Of those seen first at the same look the one with the smallest ids counts as newest.
        by_age.sort_by_key(|at| (self.first_seen.get(keys[*at]).copied(), std::cmp::Reverse(keys[*at])));
        let sums: Vec<Amounts> = keys.iter().map(|key| executors[*key].allocated.sum()).collect();
        let candidates: Vec<Candidate<'_>> = by_age
            .iter()
            .enumerate()
            .map(|(age_rank, &at)| Candidate {
                at,
                priority: priority(executors[keys[at]], policy),
                age_rank,
                gives: &sums[at],
            })
            .collect();
        choose(need, &candidates).into_iter().map(|at| keys[at].clone()).collect()
    }

    /// Gives time to those that were chosen anew, and ends those whose time is over.
    fn serve_notices(
        &mut self,
        now: i64,
        chosen: BTreeSet<ExecutorKey>,
        executors: &BTreeMap<ExecutorKey, &Executor>,
        policy: &Policy<'_>,
        decision: &mut Decision,
    ) {
        for key in chosen {
            let executor = executors[&key];
            let notice = match self.notices.remove(&key) {
                Some(notice) => notice,
                None => new_notice(now, &key, executor, policy, decision),
            };
            if notice.deadline > now {
                self.notices.insert(key, notice);
                continue;
            }
            let waited = Duration::from_nanos(u64::try_from(now.saturating_sub(notice.since)).unwrap_or(0));
            self.count(executor, waited);
            self.told.insert(key.clone(), Told { since: notice.since, last: now, times: 1 });
            decision.end.push(Ending {
                key,
                roles: executor.roles.clone(),
                priority: priority(executor, policy),
                has: executor.allocated.sum(),
                need: notice.need,
                waited,
            });
        }
    }

    fn count(&mut self, executor: &Executor, waited: Duration) {
        self.counts.evictions += 1;
        for role in &executor.roles {
            *self.counts.by_role.entry(role.clone()).or_default() += 1;
        }
        self.counts.waited = self.counts.waited.saturating_add(waited);
        self.counts.waited_most = self.counts.waited_most.max(waited);
    }
}

/// The priority of an executor: that of its most important role.
fn priority(executor: &Executor, policy: &Policy<'_>) -> u32 {
    executor.roles.iter().map(|role| policy.priorities.of(role)).max().unwrap_or(0)
}

/// The notice of an executor that is chosen for the first time.
fn new_notice(
    now: i64,
    key: &ExecutorKey,
    executor: &Executor,
    policy: &Policy<'_>,
    decision: &mut Decision,
) -> Notice {
    let grace = Grace::of(executor, policy.settings);
    for value in grace.unreadable {
        decision.reminders.push(Reminder::UnreadableGrace { key: key.clone(), value });
    }
    let need = decision.need.clone();
    if !grace.time.is_zero() {
        decision.reminders.push(Reminder::Noticed {
            key: key.clone(),
            grace: grace.time,
            need: need.clone(),
        });
    }
    Notice { since: now, deadline: now.saturating_add(nanoseconds(grace.time)), need }
}
