//! The ACCEPT that the master is at.

use std::collections::{BTreeMap, BTreeSet};

use crate::Scalars;
use crate::executors::{Shape, What};
use crate::gang::Standing;

/// Framework and id of an executor.
pub(crate) type ExecutorKey = (Box<[u8]>, Box<[u8]>);

/// What one ACCEPT was promised. Tasks may name any agent, right or wrong, so claims are kept by agent: else a task
/// that names another one would hide what was claimed before.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Accept {
    /// Whether a call of the allocator was heard since the last claim: the next claim belongs to another ACCEPT.
    pub(crate) is_over: bool,
    pub(crate) on: BTreeMap<Box<[u8]>, Claimed>,
    /// Launches that were turned down as conflicts, until it is known whose they were.
    pub(crate) lost: u32,
    /// Of the last task that the master found valid.
    pub(crate) launching: Option<Launching>,
}

/// Who launches, where, and what is known of it before it comes into use.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Launching {
    pub(crate) agent: Box<[u8]>,
    pub(crate) framework: Box<[u8]>,
    /// Resources of the tasks themselves.
    pub(crate) regular: Scalars,
    pub(crate) lent: Scalars,
    /// Executors of the tasks. Those that are started come into use as well; the others are there already.
    pub(crate) executors: Vec<(Box<[u8]>, Shape)>,
}

impl Launching {
    /// A task of it is valid.
    pub(crate) fn add(&mut self, task: &Waiting) {
        self.regular.add_all(task.shape.regular());
        self.lent.add_all(task.shape.lent());
        if let Some(((_, id), shape)) = &task.executor
            && !self.executors.iter().any(|(known, _)| known == id)
        {
            self.executors.push((id.clone(), shape.clone()));
        }
    }

    /// Those executors that are started: what came into use besides the tasks is theirs.
    pub(crate) fn started(&self, regular: &Scalars, lent: &Scalars) -> Vec<&(Box<[u8]>, Shape)> {
        let (mut regular, mut lent) = (regular.clone(), lent.clone());
        regular.take_all(&self.regular);
        lent.take_all(&self.lent);
        let is_started = |(_, shape): &&(Box<[u8]>, Shape)| {
            let is_in_use = regular.holds(shape.regular()) && lent.holds(shape.lent());
            if is_in_use {
                regular.take_all(shape.regular());
                lent.take_all(shape.lent());
            }
            is_in_use
        };
        self.executors.iter().filter(is_started).collect()
    }
}

impl Accept {
    /// What is claimed on an agent, for one more claim. Begins a new ACCEPT if the last one is over.
    pub(crate) fn claimed(&mut self, agent: &[u8]) -> &mut Claimed {
        if self.is_over {
            *self = Accept::default();
        }
        self.on.entry(agent.into()).or_default()
    }

    /// A call of the allocator: all tasks of the ACCEPT have been seen.
    pub(crate) fn end(&mut self) {
        self.is_over = true;
    }

    /// A framework launches on an agent.
    pub(crate) fn launching(&mut self, agent: &[u8], framework: &[u8]) -> &mut Launching {
        let is_same = |one: &Launching| *one.agent == *agent && *one.framework == *framework;
        if !self.launching.as_ref().is_some_and(is_same) {
            self.launching = None;
        }
        self.launching.get_or_insert_with(|| Launching {
            agent: agent.into(),
            framework: framework.into(),
            ..Launching::default()
        })
    }

    /// What is launched on an agent, once.
    pub(crate) fn take_launching(&mut self, agent: &[u8]) -> Option<Launching> {
        self.launching.take().filter(|one| *one.agent == *agent)
    }
}

/// What is claimed on one agent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Claimed {
    pub(crate) regular: Scalars,
    pub(crate) lent: Scalars,
    /// Executors whose own resources are among it.
    pub(crate) executors: BTreeSet<ExecutorKey>,
    pub(crate) gangs: BTreeMap<Box<[u8]>, Standing>,
    /// Tasks that were admitted and not seen to be valid yet.
    pub(crate) waiting: Vec<Waiting>,
}

impl Claimed {
    /// Whether a task of a sort was admitted for an executor.
    pub(crate) fn runs(&self, executor: &ExecutorKey, what: What) -> bool {
        let for_it = |one: &&Waiting| one.executor.as_ref().is_some_and(|(key, _)| key == executor);
        self.waiting.iter().filter(for_it).any(|one| one.what == what)
    }

    /// The first task of this id, taken out.
    pub(crate) fn take(&mut self, task: &[u8]) -> Option<Waiting> {
        let at = self.waiting.iter().position(|one| *one.task == *task)?;
        Some(self.waiting.remove(at))
    }
}

/// A task that was admitted: what is to be remembered of it if the master launches it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Waiting {
    pub(crate) task: Box<[u8]>,
    pub(crate) what: What,
    pub(crate) role: Box<[u8]>,
    pub(crate) shape: Shape,
    pub(crate) executor: Option<(ExecutorKey, Shape)>,
    /// Whether it counts as a commit: a gang counts once.
    pub(crate) counts: bool,
}
