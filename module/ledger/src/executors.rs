//! What executors run, as far as that can be known from what comes back.
//!
//! The master tells which resources are returned, not whose: neither task nor executor is named. But it returns those of
//! each task and of each executor in one call, so that what ended is one of those of the same *shape*: the same amounts
//! of the same names, for the same role. For each shape of a framework on an agent this keeps how many run in all, and of
//! each executor how many at most. So it answers with certainty or says that it does not know:
//!
//! * more run than all others can have: it surely runs one;
//! * it can have none: it runs none;
//! * otherwise it may run one.
//!
//! What was launched before the ledger began (another master led) is unknown and counts as nothing.

use std::collections::BTreeMap;

use crate::Scalars;
use crate::ledger::Portion;

/// Of each shape so many executors are told apart. Beyond that it is forgotten whose the oldest were.
const TOLD_APART: usize = 256;

/// Whether something runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Certainty {
    No,
    Perhaps,
    Surely,
}

/// What was launched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum What {
    /// A task without lent resources.
    RegularTask,
    /// A task with lent resources.
    LentTask,
    /// An executor, with its own resources.
    Executor,
}

/// All that is told of something when it ends, besides its framework.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Shape {
    role: Box<[u8]>,
    regular: Scalars,
    lent: Scalars,
}

impl Shape {
    pub(crate) fn of(portion: &Portion<'_>) -> Shape {
        Shape { role: portion.role.into(), regular: portion.regular.clone(), lent: portion.lent.clone() }
    }

    pub(crate) fn regular(&self) -> &Scalars {
        &self.regular
    }

    pub(crate) fn lent(&self) -> &Scalars {
        &self.lent
    }

    fn is_empty(&self) -> bool {
        self.regular.is_empty() && self.lent.is_empty()
    }
}

/// What may run for one executor. Command tasks have none.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Launched {
    executor: Option<Box<[u8]>>,
    what: What,
    at_most: u32,
}

/// Everything of one shape, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
struct OfShape {
    launched: Vec<Launched>,
    /// How many run in all.
    running: u32,
}

impl OfShape {
    fn launch(&mut self, executor: Option<&[u8]>, what: What) {
        self.running = self.running.saturating_add(1);
        let is_same =
            |one: &Launched| one.executor.as_deref() == executor && (executor.is_none() || one.what == what);
        self.add(executor, what, 1, is_same);
        if self.launched.len() > TOLD_APART
            && let Some(oldest) = self.launched.iter().position(|one| one.executor.is_some())
        {
            let oldest = self.launched.remove(oldest);
            self.add(None, oldest.what, oldest.at_most, |one| one.executor.is_none());
        }
    }

    fn add(&mut self, executor: Option<&[u8]>, what: What, count: u32, is_same: impl Fn(&Launched) -> bool) {
        match self.launched.iter_mut().find(|one| is_same(one)) {
            Some(known) => known.at_most = known.at_most.saturating_add(count).min(self.running),
            None => self.launched.push(Launched { executor: executor.map(Box::from), what, at_most: count }),
        }
    }

    /// Returns whether something of the shape still runs.
    fn end(&mut self) -> bool {
        self.running = self.running.saturating_sub(1);
        for one in &mut self.launched {
            one.at_most = one.at_most.min(self.running);
        }
        self.running > 0
    }

    fn runs(&self, executor: &[u8], what: What) -> Certainty {
        let is_it = |one: &&Launched| one.executor.as_deref() == Some(executor) && one.what == what;
        if !self.launched.iter().any(|one| is_it(&one)) {
            return Certainty::No;
        }
        let others = self.launched.iter().filter(|one| !is_it(one));
        let others: u64 = others.map(|one| u64::from(one.at_most)).sum();
        if u64::from(self.running) > others { Certainty::Surely } else { Certainty::Perhaps }
    }
}

/// What executors of all frameworks run on one agent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Executors {
    by_framework: BTreeMap<Box<[u8]>, BTreeMap<Shape, OfShape>>,
}

impl Executors {
    /// A task or an executor was launched. What has no resources does not tell when it ends and is not remembered.
    pub(crate) fn launch(&mut self, framework: &[u8], executor: Option<&[u8]>, what: What, shape: &Shape) {
        if shape.is_empty() {
            return;
        }
        let shapes = self.by_framework.entry(framework.into()).or_default();
        shapes.entry(shape.clone()).or_default().launch(executor, what);
    }

    /// Something of this shape ended.
    pub(crate) fn end(&mut self, framework: &[u8], shape: &Shape) {
        let Some(shapes) = self.by_framework.get_mut(framework) else { return };
        if shapes.get_mut(shape).is_some_and(|of_shape| !of_shape.end()) {
            shapes.remove(shape);
        }
        if shapes.is_empty() {
            self.by_framework.remove(framework);
        }
    }

    /// Whether an executor runs something of a sort, or runs itself.
    pub(crate) fn runs(&self, framework: &[u8], executor: &[u8], what: What) -> Certainty {
        let shapes = self.by_framework.get(framework).into_iter().flat_map(BTreeMap::values);
        shapes.map(|of_shape| of_shape.runs(executor, what)).max().unwrap_or(Certainty::No)
    }

    /// The framework is gone, and everything of it.
    pub(crate) fn forget(&mut self, framework: &[u8]) {
        self.by_framework.remove(framework);
    }
}

#[cfg(test)]
mod tests {
    use apportion_core::Amount;

    use super::*;

    fn shape(thousandths: i64) -> Shape {
        let mut lent = Scalars::new();
        lent.add(b"cpus", Amount::thousandths(thousandths));
        Shape { role: b"r"[..].into(), regular: Scalars::new(), lent }
    }

    fn runs(executors: &Executors, executor: &[u8]) -> Certainty {
        executors.runs(b"f", executor, What::LentTask)
    }

    #[test]
    fn which_of_two_tasks_of_one_shape_ended_is_not_known_until_both_have() {
        let mut executors = Executors::default();
        executors.launch(b"f", Some(b"one"), What::LentTask, &shape(5));
        executors.launch(b"f", Some(b"two"), What::LentTask, &shape(5));
        assert_eq!(runs(&executors, b"one"), Certainty::Surely);
        executors.end(b"f", &shape(5));
        assert_eq!(runs(&executors, b"one"), Certainty::Perhaps);
        assert_eq!(runs(&executors, b"two"), Certainty::Perhaps);
        executors.end(b"f", &shape(5));
        assert_eq!(runs(&executors, b"one"), Certainty::No);
        assert_eq!(executors, Executors::default());
    }

    #[test]
    fn an_end_of_another_shape_or_framework_says_nothing() {
        let mut executors = Executors::default();
        executors.launch(b"f", Some(b"one"), What::LentTask, &shape(5));
        executors.end(b"f", &shape(6));
        executors.end(b"g", &shape(5));
        assert_eq!(runs(&executors, b"one"), Certainty::Surely);
        assert_eq!(executors.runs(b"f", b"one", What::RegularTask), Certainty::No);
    }

    #[test]
    fn of_two_tasks_for_one_executor_one_still_runs_when_one_ended() {
        let mut executors = Executors::default();
        executors.launch(b"f", Some(b"one"), What::LentTask, &shape(5));
        executors.launch(b"f", Some(b"one"), What::LentTask, &shape(5));
        executors.end(b"f", &shape(5));
        assert_eq!(runs(&executors, b"one"), Certainty::Surely);
    }

    #[test]
    fn what_is_launched_in_doubt_runs_for_sure_until_one_more_ends() {
        let mut executors = Executors::default();
        for id in [&b"one"[..], b"two"] {
            executors.launch(b"f", Some(id), What::LentTask, &shape(5));
        }
        executors.end(b"f", &shape(5));
        executors.launch(b"f", Some(b"one"), What::LentTask, &shape(5));
        assert_eq!(
            (runs(&executors, b"one"), runs(&executors, b"two")),
            (Certainty::Surely, Certainty::Perhaps)
        );
        executors.end(b"f", &shape(5));
        assert_eq!(
            (runs(&executors, b"one"), runs(&executors, b"two")),
            (Certainty::Perhaps, Certainty::Perhaps)
        );
    }

    #[test]
    fn a_framework_that_always_runs_something_is_not_remembered_for_ever() {
        let mut executors = Executors::default();
        executors.launch(b"f", Some(b"first"), What::LentTask, &shape(5));
        executors.launch(b"f", None, What::LentTask, &shape(5));
        for number in 0..10_000_u32 {
            executors.launch(b"f", Some(&number.to_le_bytes()), What::LentTask, &shape(5));
            executors.end(b"f", &shape(5));
        }
        let launched: usize =
            executors.by_framework.values().flat_map(BTreeMap::values).map(|of| of.launched.len()).sum();
        assert!(launched <= TOLD_APART, "{launched}");
        assert_eq!(runs(&executors, b"first"), Certainty::No);
        assert_eq!(runs(&executors, &9_999_u32.to_le_bytes()), Certainty::Perhaps);
    }
}
