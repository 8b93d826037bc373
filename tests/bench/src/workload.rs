//! What is measured.

use crate::driver::Side;

/// A process of the driver: its workload with its sizes. One process tells one or more series.
#[derive(Debug, Clone, Copy)]
pub struct Run {
    /// What it is called on the command line; rows refer to it.
    pub name: &'static str,
    /// What the driver calls it.
    pub workload: &'static str,
    /// Sizes: key and value.
    pub sizes: &'static [(&'static str, u64)],
    /// Rounds of the built-in allocator, and of ours.
    pub rounds: [u64; 2],
    /// Whether the built-in allocator needs minutes.
    pub long: bool,
}

impl Run {
    /// How often a workload is measured with this allocator.
    #[must_use]
    pub fn rounds_of(&self, side: Side) -> u64 {
        let [built_in, ours] = self.rounds;
        match side {
            Side::BuiltIn => built_in,
            Side::Ours => ours,
        }
    }
}

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Milliseconds.
    Milliseconds,
    /// Bytes.
    Bytes,
    /// Millions of bytes.
    Megabytes,
}

/// What ours has to reach.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Target {
    /// At most this value, in the row's unit.
    AtMost(f64),
    /// So many times less than the built-in allocator.
    TimesLess(f64),
    /// Shown without a target.
    None,
}

/// A line of the table.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// What `--only` calls it.
    pub name: &'static str,
    /// What it is, for people.
    pub title: &'static str,
    /// The run that tells it.
    pub run: &'static str,
    /// The series of that run.
    pub series: &'static str,
    /// What its values are.
    pub unit: Unit,
    /// What ours has to reach.
    pub target: Target,
}

/// Every process of the driver.
pub const RUNS: &[Run] = &[
    Run {
        name: "cycles-10k",
        workload: "cycles",
        sizes: &[("agents", 10_000), ("frameworks", 200), ("roles", 100)],
        rounds: [5, 9],
        long: false,
    },
    Run {
        name: "filtered-10k",
        workload: "filtered",
        sizes: &[("agents", 10_000), ("frameworks", 50), ("roles", 50)],
        rounds: [3, 9],
        long: false,
    },
    Run {
        name: "join-200",
        workload: "join",
        sizes: &[("agents", 10_000), ("frameworks", 200), ("roles", 100)],
        rounds: [3, 9],
        long: false,
    },
];

const fn row(
    name: &'static str,
    title: &'static str,
    run: &'static str,
    series: &'static str,
    target: f64,
) -> Row {
    Row { name, title, run, series, unit: Unit::Milliseconds, target: Target::AtMost(target) }
}

/// Every line of the table.
pub const ROWS: &[Row] = &[
    row("full-10k", "full cycle, 10,000 agents × 200 frameworks × 100 roles", "cycles-10k", "full", 10.0),
    row("idle-10k", "cycle with nothing free, 10,000 × 200", "cycles-10k", "idle", 0.1),
    row(
        "filtered",
        "cycle, every agent declined by every framework, 10,000 × 50",
        "filtered-10k",
        "filtered",
        1.0,
    ),
    row("revive-one", "one framework revives there", "filtered-10k", "revive-one", 20.0),
    Row {
        name: "filter-memory",
        title: "memory for one offer filter",
        run: "filtered-10k",
        series: "filter-bytes",
        unit: Unit::Bytes,
        target: Target::AtMost(100.0),
    },
    row("join-200", "200 frameworks join 10,000 agents", "join-200", "join", 20.0),
];
