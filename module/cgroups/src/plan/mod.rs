//! Which texts go into which files, in which order. Pure: nothing is read or written here.
//!
//! [`Plan::create`] is for a new group; [`Plan::change`] leads from older settings to newer ones in an order in which
//! the kernel refuses nothing on the way:
//!
//! * v1 memory: at every moment the limit of memory and swap together is at least that of memory. If the sum grows it
//!   goes first, else the limit of memory does.
//! * v1 memory: the kernel refuses a limit below what is in use and cannot be reclaimed (`EBUSY`). Such a [`Change`]
//!   may be refused: the old limit then stands, with what depends on it.
//! * v2 memory: a limit below what is in use kills. So the limit is not lowered below what the caller says is in use
//!   ([`Plan::held`]); `memory.high` is, which slows the group down and reclaims from it.
//! * Burst never exceeds the quota: the one that shrinks goes first.
//! * v1: the quota's share of the period never exceeds that of both ends, because the group above may have no more.
//! * Ceilings are lowered from below (protection, high, max) and raised from above (max, high, protection), so that
//!   a group in between is neither slowed down nor killed.
//!
//! What each setting becomes:
#![doc = include_str!("../../settings.md")]

mod cpu;
mod io;
mod memory;
mod sets;

use crate::abilities::Abilities;
use crate::controller::{Controller, Version};
use crate::limits::{Bound, LimitError, Limits};

/// One text for one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// Controller: it says in which hierarchy the file is.
    pub controller: Controller,
    /// Name of the file.
    pub file: String,
    /// What is written, in one call.
    pub text: String,
}

impl Write {
    fn new(controller: Controller, file: impl Into<String>, text: impl ToString) -> Write {
        Write { controller, file: file.into(), text: text.to_string() }
    }
}

/// Writes that belong together, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What to write.
    pub writes: Vec<Write>,
    /// The kernel may refuse one because the resource is in use (`EBUSY`): that and the following writes of this
    /// change are then left out, and the older setting stands.
    pub may_be_refused: bool,
}

/// A setting that the host's interface has not, and that makes no limit weaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unsupported {
    /// v1 has nothing like `memory.high`.
    MemoryHigh,
    /// v1 has no protection that always holds; it becomes a soft limit.
    MemoryMin,
    /// The kernel has no burst of CPU time.
    CpuBurst,
}

impl std::fmt::Display for Unsupported {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Unsupported::MemoryHigh => "memory_high has no effect: v1 has nothing like it",
            Unsupported::MemoryMin => {
                "memory_protection = \"min\" does not always hold: v1 has a soft limit at best"
            }
            Unsupported::CpuBurst => "cpu_burst has no effect: use a kernel from 5.14 on",
        })
    }
}

/// A limit that stays above what was wanted, because more is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Wanted limit of memory in bytes.
    pub wanted_bytes: u64,
    /// What is planned instead.
    pub planned: Bound,
}

/// What to write.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// Changes in order.
    pub changes: Vec<Change>,
    /// Settings that the host has not.
    pub unsupported: Vec<Unsupported>,
    /// A memory limit that cannot be lowered yet. The same change should be planned again later.
    pub held: Option<Held>,
    /// Settings that the plan starts from.
    pub from: Limits,
    /// Settings that the group has once everything is written: the wanted ones, unless a limit is held.
    pub to: Limits,
}

/// Settings that the host cannot hold to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A setting out of its range.
    #[error(transparent)]
    Limit(#[from] LimitError),
    /// A controller is not there.
    #[error("{setting} needs the controller {controller}, which is not available here: {}", cure_of(*controller))]
    NoController {
        /// Setting.
        setting: &'static str,
        /// What it needs.
        controller: Controller,
    },
    /// The controller is there, but not this setting.
    #[error("{setting} is not available here: {cure}")]
    NoSetting {
        /// Setting.
        setting: &'static str,
        /// What to do.
        cure: &'static str,
    },
    /// v1 knows only the sum of memory and swap.
    #[error(
        "a limit of swap without one of memory cannot be had on v1: limit memory too, or leave swap alone"
    )]
    SwapWithoutMemory,
}

fn cure_of(controller: Controller) -> String {
    format!("have it mounted (v1) or delegated (v2: Delegate={controller}), or leave the setting out")
}

impl Plan {
    /// For a group that was just made.
    ///
    /// # Errors
    ///
    /// The kernel would not take a setting, or the host does not have it.
    pub fn create(limits: &Limits, abilities: &Abilities) -> Result<Plan, PlanError> {
        Plan::change(&Limits::default(), limits, abilities, 0)
    }

    /// From the settings that a group has to those that it is to have.
    ///
    /// `in_use_bytes` is the group's memory that cannot be reclaimed
    /// ([`MemoryUsage::unreclaimable`](crate::MemoryUsage::unreclaimable)); zero lowers the limit at any price.
    ///
    /// # Errors
    ///
    /// The kernel would not take a setting, or the host does not have it.
    pub fn change(
        old: &Limits,
        new: &Limits,
        abilities: &Abilities,
        in_use_bytes: u64,
    ) -> Result<Plan, PlanError> {
        new.check()?;
        let plan = Plan { from: old.clone(), to: new.clone(), ..Plan::default() };
        let mut draft = Draft { abilities, plan };
        draft.cpu(&old.cpu, &new.cpu)?;
        draft.cpuset(&old.cpuset, &new.cpuset)?;
        draft.memory(&old.memory, &new.memory, in_use_bytes)?;
        draft.pids(old.pids, new.pids)?;
        draft.io(&old.io, &new.io)?;
        draft.hugetlb(&old.hugetlb, &new.hugetlb)?;
        Ok(draft.plan)
    }

    /// Settings that the group has if the kernel refused to lower the limit of memory (see [`Change::may_be_refused`])
    /// after `done` writes of that change.
    pub fn after_refusal(&self, change: &Change, done: usize) -> Limits {
        let mut limits = self.to.clone();
        limits.memory = memory::after_refusal(&self.from.memory, &self.to.memory, change, done);
        limits
    }

    /// All writes, in order.
    pub fn writes(&self) -> impl Iterator<Item = &Write> {
        self.changes.iter().flat_map(|change| &change.writes)
    }
}

/// A plan in the making.
#[derive(Debug)]
struct Draft<'a> {
    abilities: &'a Abilities,
    plan: Plan,
}

impl Draft<'_> {
    fn version(&self, controller: Controller, setting: &'static str) -> Result<Version, PlanError> {
        let home = self.abilities.homes.get(&controller);
        home.copied().ok_or(PlanError::NoController { setting, controller })
    }

    fn push(&mut self, writes: Vec<Write>) {
        if !writes.is_empty() {
            self.plan.changes.push(Change { writes, may_be_refused: false });
        }
    }
}

/// A ceiling in v2's words.
fn or_max(bound: Bound) -> String {
    match bound {
        Bound::Unlimited => "max".to_owned(),
        Bound::At(amount) => amount.to_string(),
    }
}

/// A ceiling in v1's words.
fn or_minus_one(bound: Bound) -> String {
    match bound {
        Bound::Unlimited => "-1".to_owned(),
        Bound::At(amount) => amount.to_string(),
    }
}
