//! What is measured, and what was found.

use std::collections::BTreeMap;
use std::time::Duration;

use apportion_cluster_tests::figures::numbers::{median, ms, rounded};
use serde::{Deserialize, Serialize};

use crate::host::Allocator;

/// Something that takes time, from a trigger to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Step {
    Registration,
    TakenBack,
    Cycle,
    JoinOffered,
    JoinQuiet,
    ReviveStorm,
    Launch,
    DeclinedByAll,
    ReviveFiltered,
}

impl Step {
    pub(crate) const ALL: [Step; 9] = [
        Step::Registration,
        Step::TakenBack,
        Step::Cycle,
        Step::JoinOffered,
        Step::JoinQuiet,
        Step::ReviveStorm,
        Step::Launch,
        Step::DeclinedByAll,
        Step::ReviveFiltered,
    ];

    pub(crate) fn caption(self) -> &'static str {
        match self {
            Step::Registration => "agents register, until all are offered",
            Step::TakenBack => "all offers declined, until all is free",
            Step::Cycle => "full cycle: all free, until all are offered",
            Step::JoinOffered => "frameworks join, until all agents are offered",
            Step::JoinQuiet => "frameworks join, until the allocator is done",
            Step::ReviveStorm => "all revive, nothing free, until the allocator is done",
            Step::Launch => "a task launched on every agent, until all run",
            Step::DeclinedByAll => "each in turn is offered all, declines for long",
            Step::ReviveFiltered => "filtered cluster: one revives, until all are offered",
        }
    }
}

/// Something that is read off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Level {
    CycleRun,
    FilteredRun,
    FilteredCpu,
    FilteredRuns,
    HealthMedian,
    HealthWorst,
    PageMedian,
    PageWorst,
    MetricsMedian,
    MetricsWorst,
    MemoryCycle,
    MemoryJoin,
    MemoryFiltered,
    PeakFiltered,
    MemoryFilter,
}

impl Level {
    pub(crate) const ALL: [Level; 15] = [
        Level::CycleRun,
        Level::FilteredRun,
        Level::FilteredCpu,
        Level::FilteredRuns,
        Level::HealthMedian,
        Level::HealthWorst,
        Level::PageMedian,
        Level::PageWorst,
        Level::MetricsMedian,
        Level::MetricsWorst,
        Level::MemoryCycle,
        Level::MemoryJoin,
        Level::MemoryFiltered,
        Level::PeakFiltered,
        Level::MemoryFilter,
    ];

    pub(crate) fn caption(self) -> &'static str {
        match self {
            Level::CycleRun => "full cycle: the allocator's part of it, ms",
            Level::FilteredRun => "filtered cluster: a run that gives nothing, ms",
            Level::FilteredCpu => "filtered cluster: processor, ms each second",
            Level::FilteredRuns => "filtered cluster: runs in a second",
            Level::HealthMedian => "filtered cluster: /health answers, median, ms",
            Level::HealthWorst => "filtered cluster: /health answers, p99, ms",
            Level::PageMedian => "filtered cluster: the allocator's page, median, ms",
            Level::PageWorst => "filtered cluster: the allocator's page, p99, ms",
            Level::MetricsMedian => "filtered cluster: /metrics/snapshot answers, median, ms",
            Level::MetricsWorst => "filtered cluster: /metrics/snapshot answers, p99, ms",
            Level::MemoryCycle => "memory after the cycles, MB",
            Level::MemoryJoin => "memory after the frameworks joined, MB",
            Level::MemoryFiltered => "filtered cluster: memory, MB",
            Level::PeakFiltered => "filtered cluster: memory at most, MB",
            Level::MemoryFilter => "filtered cluster: memory for each further filter, bytes",
        }
    }

    /// Whether it is a rate of work done, of which more is neither better nor worse.
    pub(crate) fn is_neutral(self) -> bool {
        self == Level::FilteredRuns
    }
}

/// What a step took once.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sample {
    /// Milliseconds on the wall's clock.
    pub(crate) wall_ms: f64,
    /// Milliseconds of processor time of the master.
    pub(crate) cpu_ms: f64,
}

impl Sample {
    pub(crate) fn new(wall: Duration, cpu: Duration) -> Sample {
        Sample { wall_ms: rounded(ms(wall)), cpu_ms: rounded(ms(cpu)) }
    }
}

/// What the rounds found for one allocator at one size.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Books {
    pub(crate) steps: BTreeMap<Step, Vec<Sample>>,
    pub(crate) levels: BTreeMap<Level, Vec<f64>>,
}

impl Books {
    pub(crate) fn took(&mut self, step: Step, sample: Sample) {
        self.steps.entry(step).or_default().push(sample);
    }

    pub(crate) fn read(&mut self, level: Level, value: f64) {
        self.levels.entry(level).or_default().push(rounded(value));
    }

    pub(crate) fn wall(&self, step: Step) -> Option<Spread> {
        self.spread(step, |sample| sample.wall_ms)
    }

    pub(crate) fn cpu(&self, step: Step) -> Option<Spread> {
        self.spread(step, |sample| sample.cpu_ms)
    }

    fn spread(&self, step: Step, of: fn(&Sample) -> f64) -> Option<Spread> {
        let values: Vec<f64> = self.steps.get(&step)?.iter().map(of).collect();
        Spread::of(&values)
    }

    pub(crate) fn level(&self, level: Level) -> Option<Spread> {
        Spread::of(self.levels.get(&level)?)
    }
}

/// Several measurements of one thing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Spread {
    /// `None` of none.
    pub(crate) fn of(values: &[f64]) -> Option<Spread> {
        let least = values.iter().copied().reduce(f64::min)?;
        let most = values.iter().copied().reduce(f64::max)?;
        Some(Spread { median: median(values), least, most })
    }
}

/// The value that so large a part of all are at most, by the nearest rank; zero of none.
pub(crate) fn percentile(values: &[f64], percent: usize) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0.0)
}

/// All of one run of the program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Found {
    pub(crate) machine: String,
    /// What the library was built from.
    pub(crate) commit: String,
    /// The arguments of the program.
    pub(crate) arguments: String,
    pub(crate) rounds: u32,
    pub(crate) sizes: Vec<Size>,
}

/// A cluster of one size.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Size {
    pub(crate) agents: usize,
    pub(crate) frameworks: usize,
    pub(crate) roles: usize,
    pub(crate) built_in: Books,
    pub(crate) ours: Books,
}

impl Size {
    pub(crate) fn books(&self, allocator: Allocator) -> &Books {
        match allocator {
            Allocator::BuiltIn => &self.built_in,
            Allocator::Ours => &self.ours,
        }
    }

    pub(crate) fn books_mut(&mut self, allocator: Allocator) -> &mut Books {
        match allocator {
            Allocator::BuiltIn => &mut self.built_in,
            Allocator::Ours => &mut self.ours,
        }
    }

    pub(crate) fn name(&self) -> String {
        let Size { agents, frameworks, roles, .. } = self;
        format!("{agents} agents, {frameworks} frameworks in {roles} roles")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentile_is_a_value_that_was_measured() {
        let values: Vec<f64> = (1..=200).rev().map(f64::from).collect();
        assert_eq!((percentile(&values, 50), percentile(&values, 99)), (100.0, 198.0));
        assert_eq!((percentile(&[7.0], 99), percentile(&[], 99)), (7.0, 0.0));
    }

    #[test]
    fn spread_has_middle_and_ends() {
        let found = Spread::of(&[3.0, 1.0, 20.0]).unwrap();
        assert_eq!((found.median, found.least, found.most), (3.0, 1.0, 20.0));
        assert_eq!(Spread::of(&[]), None);
    }
}
