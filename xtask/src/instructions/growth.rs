//! How cost grows with the cluster: the same workload at four sizes, and the exponent that fits.

use std::collections::BTreeMap;

use super::{Counted, Task};

/// How many times as large as the first each of the four sizes is.
const STEPS: [usize; 4] = [1, 2, 4, 8];

/// How fast cost may grow.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Limit {
    /// As this power of the size at most: 1 is in proportion, 0 is not at all.
    Power(f64),
    /// By so many instructions at most for each agent and unit of work.
    PerAgent(f64),
}

/// What grows in proportion.
const PROPORTION: Limit = Limit::Power(1.05);
/// What may grow as the depth of a tree does.
const DEPTH: Limit = Limit::Power(0.25);
/// What must not grow. A bit for each agent may be looked at, 64 at a time; looking at the agent itself takes several
/// instructions.
const NOTHING: Limit = Limit::PerAgent(0.5);

/// What becomes more from size to size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Along {
    Agents,
    /// Frameworks and their roles.
    Frameworks,
}

/// A workload, and how fast its cost may grow with the cluster.
#[derive(Debug, Clone, Copy)]
pub(super) struct Growth {
    pub(super) workload: &'static str,
    along: Along,
    /// Agents, frameworks, roles of the smallest size.
    first: [usize; 3],
    limit: Limit,
}

const fn agents(workload: &'static str, [frameworks, roles]: [usize; 2], limit: Limit) -> Growth {
    Growth { workload, along: Along::Agents, first: [500, frameworks, roles], limit }
}

const fn frameworks(workload: &'static str, limit: Limit) -> Growth {
    Growth { workload, along: Along::Frameworks, first: [500, 50, 25], limit }
}

/// Everything whose growth is watched.
pub(super) const GROWTHS: [Growth; 13] = [
    agents("full-cycle", [100, 50], PROPORTION),
    agents("recover-ports", [100, 50], PROPORTION),
    agents("full-cycle-reservations", [100, 50], PROPORTION),
    agents("add-agents", [100, 50], PROPORTION),
    agents("recover-filter", [100, 50], PROPORTION),
    agents("revive-one", [10, 5], PROPORTION),
    agents("idle-cycle", [100, 50], NOTHING),
    agents("filtered-cycle", [10, 5], NOTHING),
    agents("join-held", [100, 50], NOTHING),
    agents("join-filtered", [10, 5], NOTHING),
    frameworks("full-cycle", DEPTH),
    frameworks("full-cycle-one-role", DEPTH),
    frameworks("join-held", DEPTH),
];

impl Growth {
    /// The four sizes.
    fn sizes(&self) -> [[usize; 3]; 4] {
        let [agents, frameworks, roles] = self.first;
        STEPS.map(|step| match self.along {
            Along::Agents => [agents * step, frameworks, roles],
            Along::Frameworks => [agents, frameworks * step, roles * step],
        })
    }

    /// What becomes more, and from where to where.
    pub(super) fn range(&self) -> String {
        let (what, first) = match self.along {
            Along::Agents => ("agents", self.first[0]),
            Along::Frameworks => ("frameworks", self.first[1]),
        };
        format!("{first} to {} {what}", first * STEPS[3])
    }

    /// What has to be counted for it.
    pub(super) fn tasks(&self) -> impl Iterator<Item = Task> {
        self.sizes().into_iter().map(|size| (self.workload.to_owned(), size))
    }
}

/// How the cost of a workload grew.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grown {
    pub(super) growth: Growth,
    /// Instructions at each size.
    pub(super) instructions: [u64; 4],
    /// The power that fits best.
    exponent: f64,
    /// Instructions for each agent, framework or role more, and unit of work.
    per_agent: f64,
}

impl Grown {
    /// Takes the counts of the four sizes from those that were made.
    pub(super) fn of(growth: &Growth, counted: &BTreeMap<Task, Counted>) -> Grown {
        let of = |size: [usize; 3]| counted.get(&(growth.workload.to_owned(), size));
        let instructions = growth.sizes().map(|size| of(size).map_or(0, |counted| counted.instructions));
        let units = of(growth.sizes()[0]).map_or(1, |counted| counted.units);
        Grown::new(*growth, instructions, units)
    }

    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    fn new(growth: Growth, instructions: [u64; 4], units: u64) -> Grown {
        let more = growth.first[0] * (STEPS[3] - STEPS[0]);
        let per_agent = (instructions[3] as f64 - instructions[0] as f64) / more as f64 / units as f64;
        Grown { growth, instructions, exponent: exponent(&STEPS, &instructions), per_agent }
    }

    /// How fast it grew, as its limit is said.
    pub(super) fn found(&self) -> String {
        match self.growth.limit {
            Limit::Power(_) => format!("n^{:.2}", self.exponent),
            Limit::PerAgent(_) => format!("{:.2} per agent", self.per_agent),
        }
    }

    /// How fast it may grow.
    pub(super) fn limit(&self) -> String {
        match self.growth.limit {
            Limit::Power(most) => format!("n^{most:.2}"),
            Limit::PerAgent(most) => format!("{most:.2} per agent"),
        }
    }

    fn is_too_fast(&self) -> bool {
        match self.growth.limit {
            Limit::Power(most) => self.exponent > most,
            Limit::PerAgent(most) => self.per_agent > most,
        }
    }
}

/// The growths that are too fast.
pub(super) fn failures(grown: &[Grown]) -> Vec<String> {
    let too_fast = grown.iter().filter(|grown| grown.is_too_fast());
    too_fast
        .map(|grown| {
            format!(
                "{}: from {} its instructions grow by {}, {} is allowed: {:?}",
                grown.growth.workload,
                grown.growth.range(),
                grown.found(),
                grown.limit(),
                grown.instructions
            )
        })
        .collect()
}

/// The slope of the line that fits best (least squares) through the logarithms.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn exponent(sizes: &[usize; 4], costs: &[u64; 4]) -> f64 {
    let points = sizes.iter().zip(costs).map(|(size, cost)| ((*size as f64).ln(), (*cost).max(1) as f64));
    let points: Vec<(f64, f64)> = points.map(|(x, cost)| (x, cost.ln())).collect();
    let count = points.len() as f64;
    let mean_x = points.iter().map(|(x, _)| x).sum::<f64>() / count;
    let mean_y = points.iter().map(|(_, y)| y).sum::<f64>() / count;
    let with = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum::<f64>();
    with / points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grown(limit: Limit, cost: fn(u64) -> u64) -> Grown {
        let growth = agents("full-cycle", [1, 1], limit);
        Grown::new(growth, growth.sizes().map(|[agents, ..]| cost(agents as u64)), 1)
    }

    #[test]
    fn the_exponent_of_a_power_is_found() {
        assert!((grown(PROPORTION, |agents| 7 * agents).exponent - 1.0).abs() < 1e-3);
        assert!((grown(PROPORTION, |agents| agents * agents).exponent - 2.0).abs() < 1e-3);
        assert!(grown(PROPORTION, |_| 900).exponent.abs() < 1e-9);
    }

    #[test]
    fn growing_faster_than_allowed_is_a_failure() {
        let quadratic = grown(PROPORTION, |agents| 100 * agents + agents * agents / 10);
        let linear = grown(PROPORTION, |agents| 100 * agents + 5_000);
        let scanning = grown(NOTHING, |agents| 50_000 + agents);
        let bits = grown(NOTHING, |agents| 500 + agents / 64 * 8);
        assert!(failures(&[linear, bits]).is_empty());
        let failures = failures(&[quadratic, scanning]);
        assert_eq!(failures.len(), 2);
        let said = "full-cycle: from 500 to 4000 agents its instructions grow by 1.00 per agent, 0.50 per agent is allowed";
        assert!(failures[1].starts_with(said), "{failures:?}");
    }
}
