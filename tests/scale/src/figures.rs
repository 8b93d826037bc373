//! What was found.

use serde::{Deserialize, Serialize};

/// Everything that one run of the program found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// The machine and the commit, as `apportion_bench` tells them.
    pub machine: serde_json::Value,
    /// How the figures come about again.
    pub command: String,
    /// How many programs waited for a processor when the last figure was taken.
    pub load: f64,
    /// One allocator, size by size.
    pub sizes: Vec<SizeFigures>,
    /// Several allocators.
    pub cells: Option<CellFigures>,
}

/// One allocator at one size. Times are milliseconds of processor time of its thread, medians where there are several.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SizeFigures {
    /// How many agents.
    pub agents: usize,
    /// How many frameworks, each in one role.
    pub frameworks: usize,
    /// How many roles.
    pub roles: usize,
    /// All frameworks subscribe, one after the other, before there are agents.
    pub subscribe_ms: f64,
    /// All agents register in a burst, without the run behind it.
    pub register_ms: f64,
    /// An agent registers by itself while all else is offered, with a run of its own.
    pub register_one_ms: f64,
    /// A run that offers every agent.
    pub full_ms: f64,
    /// Offers of it.
    pub full_offers: usize,
    /// All offers come back without a filter.
    pub decline_ms: f64,
    /// A batch while everything is held.
    pub nothing_free_ms: f64,
    /// Frameworks that want offers in the filtered cluster; the others have suppressed theirs.
    pub wanting: usize,
    /// Filters in it: each of these frameworks has refused each agent.
    pub filters: usize,
    /// A batch on it, when nothing has changed.
    pub filtered_ms: f64,
    /// One of these frameworks revives, and a run offers it every agent.
    pub revive_ms: f64,
    /// The second of a busy cluster.
    pub second: SecondFigures,
    /// Bytes that the process grew by for each agent, with frameworks, everything offered once.
    pub bytes_per_agent: f64,
    /// Bytes that it grew by for each filter.
    pub bytes_per_filter: f64,
    /// Bytes of the process at its largest part of these.
    pub resident_bytes: u64,
}

impl SizeFigures {
    /// Microseconds of a full run for each offer.
    #[must_use]
    pub fn full_us_per_offer(&self) -> f64 {
        self.full_ms * 1000.0 / number(self.full_offers.max(1))
    }

    /// The size in words.
    #[must_use]
    pub fn name(&self) -> String {
        use apportion_bench::units::whole;
        format!("{} × {}", whole(self.agents as u64), whole(self.frameworks as u64))
    }
}

/// What happens in a second of a busy cluster, and what it costs; medians over some seconds.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct SecondFigures {
    /// Tasks that end.
    pub ended: f64,
    /// Offers declined with a filter of five seconds.
    pub declined: f64,
    /// Offers used whole for a task.
    pub launched: f64,
    /// Frameworks that revive.
    pub revived: f64,
    /// Offers that the batch makes.
    pub offers: f64,
    /// Milliseconds of all calls.
    pub calls_ms: f64,
    /// Milliseconds of the batch.
    pub batch_ms: f64,
}

impl SecondFigures {
    /// The part of the allocator's thread that is in use, in percent.
    #[must_use]
    pub fn busy_percent(&self) -> f64 {
        (self.calls_ms + self.batch_ms) / 10.0
    }
}

/// Several allocators for one cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CellFigures {
    /// Agents of all cells together.
    pub agents: usize,
    /// Frameworks.
    pub frameworks: usize,
    /// Roles.
    pub roles: usize,
    /// What all frameworks together want, as a part of all agents.
    pub demand: f64,
    /// What they want when gangs are looked at: some agents are left free.
    pub light_demand: f64,
    /// Agents that the gangs of the table need.
    pub gangs: Vec<usize>,
    /// One line for each number of cells and each way of registering.
    pub lines: Vec<CellLine>,
    /// How weights corrected in each epoch bring shares together: the line of each number of cells.
    pub corrections: Vec<Correction>,
}

/// Where frameworks register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Registered {
    /// In all cells.
    Everywhere,
    /// In a quarter of them, at least one: those beside the home of their role.
    Nearby,
}

impl Registered {
    /// In words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Registered::Everywhere => "all cells",
            Registered::Nearby => "a quarter",
        }
    }
}

/// So many cells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CellLine {
    /// How many.
    pub cells: usize,
    /// Where frameworks register.
    pub registered: Registered,
    /// Milliseconds of a full run in the slowest cell.
    pub full_ms_slowest: f64,
    /// And of those of all cells together.
    pub full_ms_all: f64,
    /// The largest difference between the share of a role and what one allocator would give it, in percent of the cluster.
    pub unfair_points: f64,
    /// The most that a role gets less than from one allocator, in percent of that.
    pub unfair_percent: f64,
    /// Agents that are free although somebody wants them, in percent of the cluster.
    pub idle_percent: f64,
    /// For each size of gang, the part of the free agents that gangs of that size cannot use, in percent.
    pub lost_percent: Vec<f64>,
}

/// What correcting weights does, epoch by epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Correction {
    /// How many cells.
    pub cells: usize,
    /// Part of all tasks that end in an epoch, in percent.
    pub churn_percent: usize,
    /// The largest difference in percent of the cluster, before the first epoch and after each, with corrected weights.
    pub corrected: Vec<f64>,
    /// The same with weights left alone.
    pub left_alone: Vec<f64>,
}

/// A count as a number to divide by.
#[must_use]
pub fn number(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}
