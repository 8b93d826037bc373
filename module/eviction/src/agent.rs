//! What runs on an agent, as far as evictions depend on it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Amounts in thousandths, by resource name. Names without an amount are not in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Amounts(BTreeMap<Vec<u8>, i64>);

impl Amounts {
    /// Adds up amounts in thousandths.
    pub fn of<'a>(pairs: impl IntoIterator<Item = (&'a [u8], i64)>) -> Amounts {
        let mut amounts = Amounts::default();
        for (name, thousandths) in pairs {
            amounts.add(name, thousandths);
        }
        amounts
    }

    /// Adds an amount; one that is not above 0 changes nothing.
    pub fn add(&mut self, name: &[u8], thousandths: i64) {
        if thousandths <= 0 {
            return;
        }
        match self.0.get_mut(name) {
            Some(sum) => *sum = sum.saturating_add(thousandths),
            None => drop(self.0.insert(name.to_vec(), thousandths)),
        }
    }

    /// Adds all of them.
    pub fn add_all(&mut self, other: &Amounts) {
        for (name, thousandths) in other.iter() {
            self.add(name, thousandths);
        }
    }

    /// Takes away as much of each name as there is.
    pub fn take_all(&mut self, other: &Amounts) {
        for (name, thousandths) in other.iter() {
            if let Some(left) = self.0.get_mut(name) {
                *left -= thousandths;
            }
        }
        self.0.retain(|_, left| *left > 0);
    }

    /// Thousandths of a name; 0 if there is none.
    #[must_use]
    pub fn get(&self, name: &[u8]) -> i64 {
        self.0.get(name).copied().unwrap_or(0)
    }

    /// Whether there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names and thousandths, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], i64)> {
        self.0.iter().map(|(name, thousandths)| (name.as_slice(), *thousandths))
    }
}

/// `cpus 1.5, mem 512`; `nothing` if there is nothing. Names that are not UTF-8 are escaped.
impl fmt::Display for Amounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("nothing");
        }
        for (position, (name, thousandths)) in self.iter().enumerate() {
            let comma = if position == 0 { "" } else { ", " };
            write!(f, "{comma}{} {}", name.escape_ascii(), thousandths / 1000)?;
            let rest = format!("{:03}", thousandths % 1000);
            let rest = rest.trim_end_matches('0');
            if !rest.is_empty() {
                write!(f, ".{rest}")?;
            }
        }
        Ok(())
    }
}

/// What somebody has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Holding {
    /// Of its own.
    pub regular: Amounts,
    /// Lent, that is: revocable.
    pub lent: Amounts,
}

impl Holding {
    /// Both together.
    #[must_use]
    pub fn sum(&self) -> Amounts {
        let mut sum = self.regular.clone();
        sum.add_all(&self.lent);
        sum
    }

    fn take_all(&mut self, other: &Holding) {
        self.regular.take_all(&other.regular);
        self.lent.take_all(&other.lent);
    }
}

/// A task that was given to its executor and has not ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Task {
    /// What it has.
    pub holding: Holding,
    /// Its labels: keys and values.
    pub labels: Vec<(Vec<u8>, Vec<u8>)>,
}

/// Names one life of an executor: an id may come again, a container's does not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ExecutorKey {
    /// Id of its framework.
    pub framework: Vec<u8>,
    /// Its id.
    pub executor: Vec<u8>,
    /// Id of its container.
    pub container: Vec<u8>,
}

/// An executor that has not ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Executor {
    /// Id of its framework.
    pub framework: Vec<u8>,
    /// Its id.
    pub executor: Vec<u8>,
    /// Id of its container.
    pub container: Vec<u8>,
    /// Roles that it and its tasks are allocated to.
    pub roles: BTreeSet<Vec<u8>>,
    /// Its own resources, without those of tasks.
    pub own: Holding,
    /// All together: its own, its tasks', and those of tasks that wait until it is up.
    pub allocated: Holding,
    /// Tasks that it was given.
    pub tasks: Vec<Task>,
    /// Whether it exists for one task alone, so that what waits for it can only be one.
    pub single_task: bool,
}

impl Executor {
    /// Which executor this is.
    #[must_use]
    pub fn key(&self) -> ExecutorKey {
        ExecutorKey {
            framework: self.framework.clone(),
            executor: self.executor.clone(),
            container: self.container.clone(),
        }
    }

    /// Whether it may be ended for an owner: all its tasks use lent resources; or it has no task and lent resources of
    /// its own.
    ///
    /// Of tasks that wait until the executor is up only the sum is known. If there is anything regular in it, one of
    /// them may have nothing else, so the executor is left alone, unless it can be only one task.
    #[must_use]
    pub fn may_be_ended(&self) -> bool {
        if self.tasks.iter().any(|task| task.holding.lent.is_empty()) {
            return false;
        }
        let waiting = self.waiting();
        let one_waits = self.single_task && self.tasks.is_empty() && !waiting.lent.is_empty();
        if !waiting.regular.is_empty() && !one_waits {
            return false;
        }
        let borrows = !self.tasks.is_empty() || !waiting.lent.is_empty();
        borrows || !self.own.lent.is_empty()
    }

    /// What tasks have that were not given to it yet.
    fn waiting(&self) -> Holding {
        let mut waiting = self.allocated.clone();
        waiting.take_all(&self.own);
        for task in &self.tasks {
            waiting.take_all(&task.holding);
        }
        waiting
    }
}

/// An agent at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Agent {
    /// What it has.
    pub total: Amounts,
    /// What runs on it.
    pub executors: Vec<Executor>,
}

impl Agent {
    /// What too much is allocated, of names that somebody borrows; executors that `is_gone` are not counted.
    #[must_use]
    pub fn too_much(&self, is_gone: impl Fn(&Executor) -> bool) -> Amounts {
        let (mut allocated, mut lent) = (Amounts::default(), Amounts::default());
        for executor in self.executors.iter().filter(|executor| !is_gone(executor)) {
            allocated.add_all(&executor.allocated.sum());
            lent.add_all(&executor.allocated.lent);
        }
        Amounts::of(lent.iter().map(|(name, _)| (name, allocated.get(name) - self.total.get(name))))
    }
}
