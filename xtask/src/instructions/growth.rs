//! How cost grows with the cluster: the same workload at four sizes, and the exponent that fits.

use std::collections::BTreeMap;

use super::{Counted, Task};

/// Agents of the four sizes.
pub(super) const AGENTS: [usize; 4] = [500, 1_000, 2_000, 4_000];

/// What grows with agents, and how fast it may.
const WITH_AGENTS: f64 = 1.05;
/// What must not grow with agents. A bit for each agent may be looked at, 64 at a time.
const WITH_NOTHING: f64 = 0.15;

/// A workload, and how fast its cost may grow with the number of agents.
#[derive(Debug, Clone, Copy)]
pub(super) struct Growth {
    pub(super) workload: &'static str,
    frameworks: usize,
    roles: usize,
    /// The largest exponent: 1 is in proportion, 0 is not at all.
    pub(super) limit: f64,
}

const fn growth(workload: &'static str, frameworks: usize, roles: usize, limit: f64) -> Growth {
    Growth { workload, frameworks, roles, limit }
}

/// Everything whose growth is watched.
pub(super) const GROWTHS: [Growth; 10] = [
    growth("full-cycle", 100, 50, WITH_AGENTS),
    growth("full-cycle-ports", 100, 50, WITH_AGENTS),
    growth("full-cycle-reservations", 100, 50, WITH_AGENTS),
    growth("add-agents", 100, 50, WITH_AGENTS),
    growth("recover-filter", 100, 50, WITH_AGENTS),
    growth("revive-one", 10, 5, WITH_AGENTS),
    growth("idle-cycle", 100, 50, WITH_NOTHING),
    growth("filtered-cycle", 10, 5, WITH_NOTHING),
    growth("join-held", 100, 50, WITH_NOTHING),
    growth("join-filtered", 10, 5, WITH_NOTHING),
];

impl Growth {
    fn size(&self, agents: usize) -> [usize; 3] {
        [agents, self.frameworks, self.roles]
    }

    /// What has to be counted for it.
    pub(super) fn tasks(&self) -> impl Iterator<Item = Task> {
        AGENTS.iter().map(|agents| (self.workload.to_owned(), self.size(*agents)))
    }
}

/// How the cost of a workload grew.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grown {
    pub(super) growth: Growth,
    /// Instructions at each size.
    pub(super) instructions: [u64; 4],
    pub(super) exponent: f64,
}

impl Grown {
    /// Takes the counts of the four sizes from those that were made.
    pub(super) fn of(growth: &Growth, counted: &BTreeMap<Task, Counted>) -> Grown {
        let instructions = AGENTS.map(|agents| {
            let task = (growth.workload.to_owned(), growth.size(agents));
            counted.get(&task).map_or(0, |counted| counted.count.instructions)
        });
        Grown { growth: *growth, instructions, exponent: exponent(&AGENTS, &instructions) }
    }
}

/// The growths that are too fast.
pub(super) fn failures(grown: &[Grown]) -> Vec<String> {
    let too_fast = grown.iter().filter(|grown| grown.exponent > grown.growth.limit);
    too_fast
        .map(|Grown { growth: Growth { workload, limit, .. }, instructions, exponent }| {
            format!(
                "{workload}: {instructions:?} instructions at {AGENTS:?} agents grow as n^{exponent:.2}; n^{limit} is allowed"
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

    fn grown(limit: f64, instructions: [u64; 4]) -> Grown {
        let exponent = exponent(&AGENTS, &instructions);
        Grown { growth: growth("full-cycle", 1, 1, limit), instructions, exponent }
    }

    #[test]
    fn the_exponent_of_a_power_is_found() {
        assert!((grown(1.0, AGENTS.map(|agents| 7 * agents as u64)).exponent - 1.0).abs() < 1e-3);
        assert!((grown(1.0, AGENTS.map(|agents| (agents * agents) as u64)).exponent - 2.0).abs() < 1e-3);
        assert!(grown(1.0, [900; 4]).exponent.abs() < 1e-9);
    }

    #[test]
    fn growing_faster_than_allowed_is_a_failure() {
        let quadratic = grown(WITH_AGENTS, AGENTS.map(|agents| (100 * agents + agents * agents / 10) as u64));
        let linear = grown(WITH_AGENTS, AGENTS.map(|agents| 100 * agents as u64 + 5_000));
        let scanning = grown(WITH_NOTHING, AGENTS.map(|agents| 500 + agents as u64));
        let bits = grown(WITH_NOTHING, AGENTS.map(|agents| 500 + agents as u64 / 64));
        assert!(failures(&[linear, bits]).is_empty());
        assert_eq!(failures(&[quadratic, scanning]).len(), 2);
    }
}
