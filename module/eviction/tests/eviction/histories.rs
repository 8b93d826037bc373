//! Random lives of an agent: owners and borrowers come, get tasks and go, the agent obeys late or not at all.

use std::collections::BTreeMap;

use apportion_eviction::{Agent, Amounts, Decision, Evictions, Executor, ExecutorKey, Holding, Task};
use proptest::prelude::*;

use crate::stage::{SECOND, amounts, executor, give, lent, look, regular};

#[derive(Debug, Clone)]
enum Step {
    /// An executor with one task, given or waiting.
    Start { lent: bool, cpus: i64, mem: i64, grace: i64, priority: u32, given: bool },
    /// One more task for an executor, also of another kind than it has.
    Add { which: usize, lent: bool, cpus: i64, given: bool },
    /// Executors get what waits for them.
    Deliver,
    /// An executor ends by itself.
    End { which: usize },
    /// Time passes, and the agent looks.
    Look { seconds: i64 },
    /// The agent ends those it was told to end.
    Obey,
}

fn step() -> impl Strategy<Value = Step> {
    let start = (any::<bool>(), 1_i64..4, 0_i64..4, 0_i64..90, 0_u32..3, any::<bool>()).prop_map(
        |(lent, cpus, mem, grace, priority, given)| Step::Start { lent, cpus, mem, grace, priority, given },
    );
    let add = (any::<usize>(), any::<bool>(), 1_i64..3, any::<bool>())
        .prop_map(|(which, lent, cpus, given)| Step::Add { which, lent, cpus, given });
    prop_oneof![
        3 => start,
        1 => add,
        1 => Just(Step::Deliver),
        1 => any::<usize>().prop_map(|which| Step::End { which }),
        4 => (0_i64..20).prop_map(|seconds| Step::Look { seconds }),
        2 => Just(Step::Obey),
    ]
}

/// An agent that knows more than it tells: what the tasks are that wait.
#[derive(Debug, Default)]
struct World {
    now: i64,
    made: usize,
    executors: Vec<Executor>,
    waiting: BTreeMap<ExecutorKey, Vec<Holding>>,
    told: Vec<ExecutorKey>,
    evictions: Evictions,
    /// First notice and deadline of those under notice.
    due: BTreeMap<ExecutorKey, (i64, i64)>,
}

impl World {
    fn total() -> Amounts {
        amounts(8, 8)
    }

    fn agent(&self) -> Agent {
        Agent { total: World::total(), executors: self.executors.clone() }
    }

    fn run(&mut self, step: &Step) {
        match *step {
            Step::Start { lent: borrows, cpus, mem, grace, priority, given } => {
                self.made += 1;
                let mut new = executor(&format!("e{}", self.made), &format!("p{priority}"), &[]);
                let holding = if borrows { lent(cpus, mem) } else { regular(cpus, mem) };
                let labels = vec![(b"apportion_grace".to_vec(), format!("{grace}s").into_bytes())];
                give(&mut new, &holding, false);
                if given {
                    new.tasks.push(Task { holding, labels });
                } else {
                    self.waiting.entry(new.key()).or_default().push(holding);
                }
                self.executors.push(new);
            }
            Step::Add { which, lent: borrows, cpus, given } => {
                let count = self.executors.len().max(1);
                let Some(executor) = self.executors.get_mut(which % count) else { return };
                let holding = if borrows { lent(cpus, 0) } else { regular(cpus, 0) };
                give(executor, &holding, given);
                if !given {
                    self.waiting.entry(executor.key()).or_default().push(holding);
                }
            }
            Step::Deliver => {
                for executor in &mut self.executors {
                    for holding in self.waiting.remove(&executor.key()).unwrap_or_default() {
                        executor.tasks.push(Task { holding, labels: Vec::new() });
                    }
                }
            }
            Step::End { which } => {
                if !self.executors.is_empty() {
                    let at = which % self.executors.len();
                    let key = self.executors.remove(at).key();
                    self.waiting.remove(&key);
                }
            }
            Step::Look { seconds } => {
                self.now += seconds * SECOND;
                self.look();
            }
            Step::Obey => self.obey(),
        }
    }

    fn obey(&mut self) {
        let told = std::mem::take(&mut self.told);
        self.executors.retain(|executor| !told.contains(&executor.key()));
        self.waiting.retain(|key, _| !told.contains(key));
    }

    /// Whether an executor has a task, given or waiting, without anything lent.
    fn has_regular_task(&self, key: &ExecutorKey) -> bool {
        let executor = self.executors.iter().find(|executor| executor.key() == *key).unwrap();
        let given = executor.tasks.iter().map(|task| &task.holding);
        let waiting = self.waiting.get(key).into_iter().flatten();
        given.chain(waiting).any(|holding| holding.lent.is_empty())
    }

    fn look(&mut self) -> Decision {
        let agent = self.agent();
        let mut elsewhere = self.evictions.clone();
        let decision = look(&mut self.evictions, self.now, &agent);
        let mut turned = agent.clone();
        turned.executors.reverse();
        assert_eq!(
            look(&mut elsewhere, self.now, &turned),
            decision,
            "the order of executors decides something"
        );
        let ends = decision.end.iter().map(|ending| &ending.key);
        for key in ends.clone().chain(&decision.end_again) {
            assert!(!self.has_regular_task(key), "{key:?} has a regular task");
        }
        for key in ends {
            assert!(!self.told.contains(key) || self.evictions.told().any(|(told, _)| told == key));
        }
        for ending in &decision.end {
            if let Some((_, deadline)) = self.due.get(&ending.key) {
                assert!(*deadline <= self.now, "{:?} had time left", ending.key);
            }
        }
        self.check_notices();
        self.told.extend(decision.end.iter().map(|ending| ending.key.clone()));
        self.told.extend(decision.end_again.iter().cloned());
        decision
    }

    /// A notice has one deadline, not beyond the bound, and is not there after it.
    fn check_notices(&mut self) {
        let mut due = BTreeMap::new();
        for (key, notice) in self.evictions.notices() {
            assert!(notice.deadline > self.now && notice.deadline <= notice.since + 60 * SECOND);
            let known = *self.due.get(key).unwrap_or(&(notice.since, notice.deadline));
            assert_eq!(known, (notice.since, notice.deadline), "{key:?} waits longer");
            due.insert(key.clone(), known);
        }
        self.due = due;
    }

    /// Nobody comes any more, everybody gets what waits, and the agent obeys, until there is nothing to wait for.
    fn settle(&mut self) {
        self.run(&Step::Deliver);
        for _ in 0..200 {
            let decision = self.look();
            self.obey();
            match decision.look_again {
                Some(at) => self.now = self.now.max(at),
                None => return,
            }
        }
        panic!("it never comes to rest");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_regular_task_is_ended_and_in_the_end_everything_fits_that_can(steps in prop::collection::vec(step(), 1..60)) {
        let mut world = World::default();
        for step in &steps {
            world.run(step);
        }
        world.settle();
        let left = world.agent().too_much(|_| false);
        let borrowers = world.executors.iter().filter(|executor| executor.may_be_ended());
        for executor in borrowers {
            let helps = executor.allocated.sum().iter().any(|(name, _)| left.get(name) > 0);
            prop_assert!(!helps, "{:?} is too much and {} stays", left, executor.executor.escape_ascii());
        }
        prop_assert_eq!((world.evictions.notices().count(), world.evictions.told().count()), (0, 0));
    }
}
