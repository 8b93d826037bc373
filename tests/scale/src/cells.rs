//! Cells of agents with an allocator each: what they cost, and what fairness and large gangs lose by them.
//!
//! Every agent is one unit: who is offered one uses all of it, or declines. Roles want very different amounts (the second
//! wants half of what the first wants, the third a third, and so on), which is where sharing cell by cell differs most from
//! sharing at once. Nothing here is about time: frameworks answer at once, as often as it takes until nobody is offered
//! anything any more.
//!
//! What is compared with is the same program with one cell, so that nothing but the number of cells differs.

use std::collections::HashMap;

use apportion_core::Event;
use apportion_workloads::{Cluster, Held, Shape, Size, framework_id};

use crate::clock::timed;
use crate::figures::{CellFigures, CellLine, Correction, Registered, number};

/// What frameworks want together, as a part of all agents: more than there is, so that somebody has to get less.
const DEMAND: f64 = 1.5;
/// The same where gangs are looked at: some agents are left free.
const LIGHT_DEMAND: f64 = 0.9;
/// With frameworks that register nearby, it is in a quarter of the cells.
const NEARBY_PART: usize = 4;
/// Percent of all tasks that end in an epoch of corrections.
const CHURN_PERCENT: usize = 10;
/// Epochs of corrections.
const EPOCHS: usize = 20;
/// A correction takes away this part of a difference, so that it does not overshoot.
const CORRECTION: f64 = 0.5;
/// No weight leaves these bounds: a cell in which a role cannot get more does not count for nothing elsewhere.
const WEIGHTS: (f64, f64) = (0.1, 10.0);

/// One cell.
struct Cell {
    cluster: Cluster,
    tasks: Vec<Held>,
    full_ms: f64,
}

/// All cells and what is still wanted.
struct Federation {
    size: Size,
    registered: Registered,
    cells: Vec<Cell>,
    numbers: HashMap<Vec<u8>, usize>,
    /// What each framework still wants.
    wanted: Vec<usize>,
    weights: Vec<f64>,
}

/// What each framework wants: roles very different amounts, frameworks of a role the same.
fn demand(size: Size, part: f64) -> Vec<usize> {
    let harmonic: f64 = (1..=size.roles).map(|rank| 1.0 / number(rank)).sum();
    let agents = number(size.agents) * part;
    let in_role = |role: usize| (role..size.frameworks).step_by(size.roles).count().max(1);
    let of = |framework: usize| {
        let role = framework % size.roles;
        let wanted = agents / harmonic / number(role + 1) / number(in_role(role));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small and positive")]
        let wanted = wanted.round() as usize;
        wanted.max(1)
    };
    (0..size.frameworks).map(of).collect()
}

impl Federation {
    fn new(size: Size, cells: usize, registered: Registered, part: f64) -> Federation {
        let numbers = (0..size.frameworks).map(|framework| (framework_id(framework), framework)).collect();
        let mut federation = Federation {
            size,
            registered,
            cells: Vec::new(),
            numbers,
            wanted: demand(size, part),
            weights: vec![1.0; size.roles],
        };
        for cell in 0..cells {
            // What cannot be divided goes to the first cells.
            let agents = size.agents / cells + usize::from(cell < size.agents % cells);
            let mut cluster = Cluster::empty(Shape::plain(Size { agents, ..size }));
            for framework in (0..size.frameworks).filter(|number| federation.is_in(*number, cell, cells)) {
                let role = cluster.shape.role(framework % size.roles);
                cluster.add_framework(&framework_id(framework), &role, false);
            }
            cluster.add_agents(agents);
            federation.cells.push(Cell { cluster, tasks: Vec::new(), full_ms: 0.0 });
        }
        federation
    }

    /// Whether a framework registers in a cell.
    fn is_in(&self, framework: usize, cell: usize, cells: usize) -> bool {
        match self.registered {
            Registered::Everywhere => true,
            Registered::Nearby => {
                let home = (framework % self.size.roles) % cells;
                (cell + cells - home) % cells < cells.div_ceil(NEARBY_PART)
            }
        }
    }

    /// Frameworks answer until nobody is offered anything any more.
    fn settle(&mut self) {
        let mut first = true;
        loop {
            let mut offers = 0;
            for at in 0..self.cells.len() {
                let (effects, ms) = timed(|| self.cells[at].cluster.tick());
                if first {
                    self.cells[at].full_ms = ms;
                }
                offers += effects.offers.len();
                let held = self.cells[at].cluster.held(&effects.offers);
                self.answer(at, held);
            }
            first = false;
            if offers == 0 {
                return;
            }
        }
    }

    /// Who wants more takes the agent; who does not gives it back, and asks this cell for no more.
    fn answer(&mut self, at: usize, offers: Vec<Held>) {
        let (mut used, mut declined) = (Vec::new(), Vec::new());
        for offer in offers {
            let wanted = &mut self.wanted[self.numbers[&offer.framework]];
            let takes = *wanted > 0;
            *wanted -= usize::from(takes);
            if takes { used.push(offer) } else { declined.push(offer) }
        }
        let cell = &mut self.cells[at];
        cell.cluster.launch(&used);
        cell.tasks.extend(used);
        cell.cluster.decline(&declined, None);
        declined.sort_by(|left, right| left.framework.cmp(&right.framework));
        declined.dedup_by(|left, right| left.framework == right.framework);
        for Held { framework, .. } in &declined {
            cell.cluster.send(&Event::SuppressOffers { framework, roles: &[] });
        }
    }

    /// Agents that each role uses over all cells, in percent of all agents.
    fn shares(&self) -> Vec<f64> {
        let mut shares = vec![0.0; self.size.roles];
        for task in self.cells.iter().flat_map(|cell| &cell.tasks) {
            shares[self.numbers[&task.framework] % self.size.roles] += 100.0 / number(self.size.agents);
        }
        shares
    }

    /// Free agents of each cell.
    fn free(&self) -> Vec<usize> {
        self.cells.iter().map(|cell| cell.cluster.agents() - cell.tasks.len()).collect()
    }

    /// In every cell one task in so many ends, is wanted again by its framework, and all offers are wanted again.
    fn churn(&mut self, epoch: usize) {
        let one_in = 100 / CHURN_PERCENT;
        for at in 0..self.cells.len() {
            let tasks = std::mem::take(&mut self.cells[at].tasks);
            let (ended, kept): (Vec<_>, Vec<_>) =
                tasks.into_iter().enumerate().partition(|(place, _)| place % one_in == epoch % one_in);
            self.cells[at].tasks = kept.into_iter().map(|(_, task)| task).collect();
            let ended: Vec<Held> = ended.into_iter().map(|(_, task)| task).collect();
            for task in &ended {
                self.wanted[self.numbers[&task.framework]] += 1;
            }
            self.cells[at].cluster.finish(&ended);
        }
        for at in 0..self.cells.len() {
            for framework in 0..self.size.frameworks {
                if self.wanted[framework] > 0 && self.is_in(framework, at, self.cells.len()) {
                    self.cells[at].cluster.revive(framework);
                }
            }
        }
    }

    /// What a slow reconciler does: who has too little counts for more in all cells, who has too much for less.
    fn correct(&mut self, shares: &[f64], fair: &[f64]) {
        for ((weight, share), fair) in self.weights.iter_mut().zip(shares).zip(fair) {
            if *fair > 0.0 {
                let ratio = (fair / share.max(fair / WEIGHTS.1)).powf(CORRECTION);
                *weight = (*weight * ratio).clamp(WEIGHTS.0, WEIGHTS.1);
            }
        }
        for cell in &mut self.cells {
            let roles: Vec<Vec<u8>> =
                (0..self.size.roles).map(|role| cell.cluster.shape.role(role)).collect();
            let weights: Vec<(&[u8], f64)> =
                roles.iter().map(Vec::as_slice).zip(self.weights.iter().copied()).collect();
            cell.cluster.send(&Event::UpdateWeights { weights: &weights });
        }
    }
}

/// The largest difference in percent of the cluster, and the most that anybody has less, in percent of its fair share.
fn unfairness(shares: &[f64], fair: &[f64]) -> (f64, f64) {
    let pairs = || shares.iter().zip(fair);
    let points = pairs().map(|(share, fair)| (share - fair).abs()).fold(0.0, f64::max);
    let less = pairs().filter(|(_, fair)| **fair > 0.0).map(|(share, fair)| (fair - share) / fair * 100.0);
    (points, less.fold(0.0, f64::max))
}

/// The part of the free agents that gangs of a size cannot use, as a gang is in one cell, in percent.
fn lost(free: &[usize], gang: usize) -> f64 {
    let all: usize = free.iter().sum();
    let used: usize = free.iter().map(|free| free / gang * gang).sum();
    if all == 0 { 0.0 } else { 100.0 * number(all - used) / number(all) }
}

/// Simulates a cluster with each of these numbers of cells; the first has to be one.
pub fn simulate(size: Size, cells: &[usize], gangs: &[usize], tell: &dyn Fn(&str)) -> CellFigures {
    let mut lines = Vec::new();
    let mut corrections = Vec::new();
    let mut fair = Vec::new();
    for registered in [Registered::Everywhere, Registered::Nearby] {
        for count in cells.iter().copied().filter(|count| registered == Registered::Everywhere || *count > 1)
        {
            tell(&format!("{count} cells, frameworks in {}", registered.name()));
            let mut federation = Federation::new(size, count, registered, DEMAND);
            federation.settle();
            let shares = federation.shares();
            if fair.is_empty() {
                fair.clone_from(&shares);
            }
            let (unfair_points, unfair_percent) = unfairness(&shares, &fair);
            let times = federation.cells.iter().map(|cell| cell.full_ms);
            let idle: usize = federation.free().iter().sum();
            let line = CellLine {
                cells: count,
                registered,
                full_ms_slowest: times.clone().fold(0.0, f64::max),
                full_ms_all: times.sum(),
                unfair_points,
                unfair_percent,
                idle_percent: 100.0 * number(idle) / number(size.agents),
                lost_percent: light(size, count, registered, gangs),
            };
            lines.push(line);
            if registered == Registered::Nearby {
                let corrected = epochs(&mut federation, &fair, true);
                let mut other = Federation::new(size, count, registered, DEMAND);
                other.settle();
                let left_alone = epochs(&mut other, &fair, false);
                corrections.push(Correction {
                    cells: count,
                    churn_percent: CHURN_PERCENT,
                    corrected,
                    left_alone,
                });
            }
        }
    }
    CellFigures {
        agents: size.agents,
        frameworks: size.frameworks,
        roles: size.roles,
        demand: DEMAND,
        light_demand: LIGHT_DEMAND,
        gangs: gangs.to_vec(),
        lines,
        corrections,
    }
}

/// What gangs cannot use where some agents are left free.
fn light(size: Size, cells: usize, registered: Registered, gangs: &[usize]) -> Vec<f64> {
    let mut federation = Federation::new(size, cells, registered, LIGHT_DEMAND);
    federation.settle();
    let free = federation.free();
    gangs.iter().map(|gang| lost(&free, *gang)).collect()
}

/// The largest difference before the first epoch and after each.
fn epochs(federation: &mut Federation, fair: &[f64], corrected: bool) -> Vec<f64> {
    let mut shares = federation.shares();
    let mut found = vec![unfairness(&shares, fair).0];
    for epoch in 0..EPOCHS {
        if corrected {
            federation.correct(&shares, fair);
        }
        federation.churn(epoch);
        federation.settle();
        shares = federation.shares();
        found.push(unfairness(&shares, fair).0);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_share_what_there_is_and_one_cell_is_fair_by_itself() {
        let size = Size::new(400, 20, 10);
        let found = simulate(size, &[1, 4], &[10, 100], &|_| {});
        assert_eq!(found.lines.len(), 3);
        let one = &found.lines[0];
        assert_eq!((one.cells, one.unfair_points, one.idle_percent), (1, 0.0, 0.0));
        let everywhere = &found.lines[1];
        assert_eq!(everywhere.idle_percent, 0.0, "who wants more asks in all cells: {everywhere:?}");
        let nearby = &found.lines[2];
        assert!(nearby.unfair_points > everywhere.unfair_points, "{nearby:?}");
        let correction = &found.corrections[0];
        assert_eq!((correction.corrected.len(), correction.left_alone.len()), (EPOCHS + 1, EPOCHS + 1));
        assert!(correction.corrected[EPOCHS] <= correction.corrected[0], "{correction:?}");
    }

    #[test]
    fn demand_is_what_was_asked_for_and_falls_with_the_rank_of_the_role() {
        let size = Size::new(10_000, 100, 20);
        let wanted = demand(size, 1.5);
        let all: usize = wanted.iter().sum();
        assert!((14_900..15_100).contains(&all), "{all}");
        assert!(wanted[0] > wanted[1] && wanted[1] > wanted[19] && wanted[0] == wanted[20]);
    }

    #[test]
    fn gangs_lose_what_is_left_over_in_each_cell() {
        assert_eq!((lost(&[100], 30), lost(&[50, 50], 30), lost(&[10, 90], 100)), (10.0, 40.0, 100.0));
        assert_eq!(lost(&[0, 0], 30), 0.0);
    }
}
