//! What is measured: the runs of the driver, and the lines of the table that they tell.

use crate::driver::Side;

/// A process of the driver: its workload with its sizes. One process tells one or more series.
#[derive(Debug, Clone, Copy)]
pub struct Run {
    /// What rows call it.
    pub name: &'static str,
    /// What the driver calls it.
    pub workload: &'static str,
    /// How many agents.
    pub agents: u64,
    /// How many frameworks.
    pub frameworks: u64,
    /// How many roles they share.
    pub roles: u64,
    /// Rounds of the built-in allocator, and of ours.
    pub rounds: [u64; 2],
    /// Parameters of the module, `key=value` each, beside those of the command line.
    pub settings: &'static [&'static str],
    /// Whether the built-in allocator needs minutes.
    pub long: bool,
}

impl Run {
    /// How often the workload is measured with this allocator.
    #[must_use]
    pub fn rounds_of(&self, side: Side) -> u64 {
        let [built_in, ours] = self.rounds;
        match side {
            Side::BuiltIn => built_in,
            Side::Ours => ours,
        }
    }

    /// The run of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Run> {
        RUNS.iter().find(|run| run.name == name)
    }
}

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Milliseconds.
    Milliseconds,
    /// Microseconds.
    Microseconds,
    /// Bytes.
    Bytes,
    /// Millions of bytes.
    Megabytes,
    /// The power of a size.
    Exponent,
}

/// Where a line of the table comes from.
#[derive(Debug, Clone, Copy)]
pub enum Source {
    /// A series of a run.
    Series(&'static str, &'static str),
    /// The exponent of the time of full cycles over the number of agents, fitted to these runs.
    Growth(&'static [&'static str]),
}

impl Source {
    /// The runs that it needs.
    #[must_use]
    pub fn runs(self) -> Vec<&'static str> {
        match self {
            Source::Series(run, _) => vec![run],
            Source::Growth(runs) => runs.to_vec(),
        }
    }
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
    /// Where its values come from.
    pub source: Source,
    /// What its values are.
    pub unit: Unit,
    /// What ours has to reach.
    pub target: Target,
}

const fn run(
    name: &'static str,
    workload: &'static str,
    [agents, frameworks, roles]: [u64; 3],
    rounds: [u64; 2],
) -> Run {
    Run { name, workload, agents, frameworks, roles, rounds, settings: &[], long: false }
}

const fn long(run: Run) -> Run {
    Run { long: true, ..run }
}

/// Every process of the driver.
pub const RUNS: &[Run] = &[
    run("cycles-1k", "cycles", [1_000, 200, 100], [5, 9]),
    run("cycles-2k", "cycles", [2_000, 200, 100], [5, 9]),
    run("cycles-5k", "cycles", [5_000, 200, 100], [5, 9]),
    run("cycles-10k", "cycles", [10_000, 200, 100], [5, 9]),
    Run {
        settings: &["allocator.explain_offers=false"],
        ..run("cycles-10k-unexplained", "cycles", [10_000, 200, 100], [5, 9])
    },
    run("cycles-20k", "cycles", [20_000, 200, 100], [3, 7]),
    long(run("cycles-50k", "cycles", [50_000, 200, 100], [2, 5])),
    long(run("cycles-50k-1000", "cycles", [50_000, 1_000, 100], [2, 5])),
    run("filtered", "filtered", [10_000, 50, 50], [3, 9]),
    run("join-200", "join", [10_000, 200, 100], [3, 9]),
    run("join-1000", "join", [10_000, 1_000, 100], [2, 7]),
    long(run("join-5000", "join", [10_000, 5_000, 100], [1, 3])),
    run("storm-200", "revive-storm", [10_000, 200, 100], [3, 9]),
    run("storm-1000", "revive-storm", [10_000, 1_000, 100], [2, 7]),
    long(run("registration", "registration", [50_000, 200, 100], [2, 5])),
    run("ports", "ports", [10_000, 200, 100], [3, 7]),
    run("reserved", "reserved", [10_000, 200, 100], [3, 7]),
    run("nested", "nested", [10_000, 200, 100], [3, 7]),
    run("quota", "quota", [10_000, 200, 100], [3, 7]),
    run("weights", "weights", [10_000, 200, 100], [3, 7]),
    long(run("leftovers", "leftovers", [3_000, 3_000, 3_000], [1, 5])),
    run("operations", "operations", [10_000, 200, 100], [3, 7]),
    long(run("reservations", "reservations", [1, 1_600, 1], [1, 3])),
    long(run("memory", "memory", [50_000, 1_000, 100], [1, 1])),
    long(run("latency", "latency", [50_000, 1_000, 100], [3, 3])),
];

/// The runs behind the growth of full cycles, by number of agents.
pub const GROWTH: &[&str] =
    &["cycles-1k", "cycles-2k", "cycles-5k", "cycles-10k", "cycles-20k", "cycles-50k"];

const fn row(name: &'static str, title: &'static str, run: &'static str, series: &'static str) -> Row {
    Row { name, title, source: Source::Series(run, series), unit: Unit::Milliseconds, target: Target::None }
}

const fn at_most(target: f64, row: Row) -> Row {
    Row { target: Target::AtMost(target), ..row }
}

const fn times_less(times: f64, row: Row) -> Row {
    Row { target: Target::TimesLess(times), ..row }
}

const fn unit(unit: Unit, row: Row) -> Row {
    Row { unit, ..row }
}

/// Every line of the table.
pub const ROWS: &[Row] = &[
    at_most(
        10.0,
        row("full-10k", "full cycle, 10,000 agents × 200 frameworks × 100 roles", "cycles-10k", "full"),
    ),
    at_most(
        10.0,
        row("full-10k-plain", "the same, offers not explained in the log", "cycles-10k-unexplained", "full"),
    ),
    at_most(100.0, row("full-50k", "full cycle, 50,000 × 1,000 × 100", "cycles-50k-1000", "full")),
    Row {
        name: "growth",
        title: "growth of the full cycle with agents, 1,000 to 50,000 × 200: exponent",
        source: Source::Growth(GROWTH),
        unit: Unit::Exponent,
        target: Target::AtMost(1.05),
    },
    row("floor-10k", "the host alone: maps of the same offers, 10,000", "cycles-10k", "floor"),
    row("floor-50k", "the host alone: maps of the same offers, 50,000", "cycles-50k-1000", "floor"),
    row(
        "bench-50k",
        "the bench alone: its clock and its messages, 50,000 × 1,000",
        "cycles-50k-1000",
        "nothing",
    ),
    at_most(0.1, row("idle-1k", "cycle with nothing free, 1,000 × 200", "cycles-1k", "idle")),
    at_most(0.1, row("idle-10k", "cycle with nothing free, 10,000 × 200", "cycles-10k", "idle")),
    at_most(0.1, row("idle-50k", "cycle with nothing free, 50,000 × 1,000", "cycles-50k-1000", "idle")),
    at_most(
        1.0,
        row("filtered", "cycle, every framework declined every agent, 10,000 × 50", "filtered", "filtered"),
    ),
    row("filtered-first", "the first one after one of them declined all 10,000 anew", "filtered", "first"),
    at_most(20.0, row("revive-one", "one framework revives there", "filtered", "revive-one")),
    at_most(
        100.0,
        unit(Unit::Bytes, row("filter-memory", "memory for one offer filter", "filtered", "filter-bytes")),
    ),
    at_most(20.0, row("join-200", "200 frameworks join 10,000 agents", "join-200", "join")),
    at_most(100.0, row("join-1000", "1,000 frameworks join 10,000 agents", "join-1000", "join")),
    at_most(500.0, row("join-5000", "5,000 frameworks join 10,000 agents", "join-5000", "join")),
    at_most(50.0, row("storm-200", "200 frameworks revive at once, 10,000 agents", "storm-200", "storm")),
    at_most(
        250.0,
        row("storm-1000", "1,000 frameworks revive at once, 10,000 agents", "storm-1000", "storm"),
    ),
    at_most(
        500.0,
        row("registration", "50,000 agents register and are offered to 200", "registration", "registration"),
    ),
    at_most(
        100.0,
        row("ports", "10,000 agents with 100 ranges of ports are recovered", "ports", "recovered"),
    ),
    times_less(20.0, row("ports-full", "full cycle over these agents, 10,000 × 200 × 100", "ports", "full")),
    times_less(
        20.0,
        row("reserved", "full cycle, half of the agents reserved, 10,000 × 200 × 100", "reserved", "full"),
    ),
    times_less(20.0, row("nested", "full cycle, nested roles", "nested", "full")),
    times_less(20.0, row("quota", "full cycle, guarantees for half the cluster", "quota", "full")),
    times_less(20.0, row("weights", "full cycle, weights from 1 to 5", "weights", "full")),
    at_most(
        10.0,
        row(
            "leftovers",
            "cycle over rests that limits forbid, 3,000 agents, roles, frameworks",
            "leftovers",
            "leftovers",
        ),
    ),
    row("leftovers-added", "these 3,000 frameworks are added, without cycles", "leftovers", "added"),
    row("leftovers-first", "their first cycle, in which all cpus are offered", "leftovers", "first"),
    unit(Unit::Megabytes, row("leftovers-memory", "memory for them", "leftovers", "resident")),
    at_most(
        30.0,
        row(
            "operations",
            "1,000 RESERVE and 1,000 CREATE of an operator, 10,000 agents",
            "operations",
            "operations",
        ),
    ),
    at_most(
        500.0,
        row(
            "reservations",
            "20 updateAllocation, 6,400 reservations of 1,600 frameworks on an agent",
            "reservations",
            "updates",
        ),
    ),
    at_most(
        500.0,
        unit(
            Unit::Megabytes,
            row("memory", "memory, 50,000 agents × 1,000 frameworks, all offered", "memory", "resident"),
        ),
    ),
    unit(Unit::Megabytes, row("memory-peak", "its peak", "memory", "peak")),
    unit(
        Unit::Microseconds,
        row("latency-p50", "a call keeps the master's thread, 50,000 × 1,000: p50", "latency", "latency-p50"),
    ),
    at_most(20.0, unit(Unit::Microseconds, row("latency-p99", "p99", "latency", "latency-p99"))),
    unit(Unit::Microseconds, row("latency-p999", "p99.9", "latency", "latency-p99.9")),
    unit(Unit::Microseconds, row("latency-max", "longest", "latency", "latency-max")),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_row_has_its_run_and_every_run_is_told_by_a_row() {
        let wanted: BTreeSet<&str> = ROWS.iter().flat_map(|row| row.source.runs()).collect();
        let known: BTreeSet<&str> = RUNS.iter().map(|run| run.name).collect();
        assert_eq!(wanted, known);
    }

    #[test]
    fn names_are_unique() {
        assert_eq!(ROWS.iter().map(|row| row.name).collect::<BTreeSet<_>>().len(), ROWS.len());
        assert_eq!(RUNS.iter().map(|run| run.name).collect::<BTreeSet<_>>().len(), RUNS.len());
    }
}
