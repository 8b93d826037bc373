//! Runs in which nothing or little can be offered.

use crate::cluster::Cluster;
use crate::shape::{Shape, Size};
use crate::workload::{Outcome, Prepared, Workload};

/// Runs in a row: one costs next to nothing.
const RUNS: usize = 100;
const FILTERED: Size = Size::new(500, 20, 5);

/// The workloads of this file.
pub(super) const ALL: &[Workload] = &[
    Workload {
        name: "idle-cycle",
        about: "100 intervals pass while everything is held",
        unit: "run",
        size: Size::new(1_000, 100, 50),
        prepare: idle,
    },
    Workload {
        name: "filtered-cycle",
        about: "100 intervals pass while every framework refuses every agent",
        unit: "run",
        size: FILTERED,
        prepare: filtered,
    },
    Workload {
        name: "filtered-look",
        about: "one run that looks at every agent in vain: everybody has just refused it",
        unit: "agent-framework",
        size: FILTERED,
        prepare: look,
    },
    Workload {
        name: "refused-again",
        about: "one framework has revived, was offered every agent and refused it again; then one run",
        unit: "agent",
        size: FILTERED,
        prepare: refused_again,
    },
];

fn ticks(cluster: &mut Cluster) -> Outcome {
    let mut outcome = Outcome::default();
    for _ in 0..RUNS {
        outcome.add(cluster.tick());
    }
    outcome
}

fn idle(size: Size) -> Prepared {
    let (mut cluster, _) = Cluster::offered(Shape::plain(size));
    // The run after the one that made the offers may still have something to put in order.
    cluster.tick();
    Prepared::new(cluster, (RUNS, 0), ticks)
}

/// Every framework has refused every agent for long, and a run has found that.
pub(super) fn refused(size: Size) -> Cluster {
    let mut cluster = Cluster::full(Shape::plain(size));
    cluster.refuse_everything();
    cluster
}

fn filtered(size: Size) -> Prepared {
    Prepared::new(refused(size), (RUNS, 0), ticks)
}

fn look(size: Size) -> Prepared {
    let mut cluster = Cluster::full(Shape::plain(size));
    for _ in 0..size.frameworks {
        let offers = cluster.tick().offers;
        let held = cluster.held(&offers);
        cluster.decline(&held, Some(crate::LONG));
    }
    Prepared::new(cluster, (size.agents * size.frameworks, 0), |cluster| {
        let mut outcome = Outcome::default();
        outcome.add(cluster.tick());
        outcome
    })
}

fn refused_again(size: Size) -> Prepared {
    let mut cluster = refused(size);
    cluster.revive(0);
    let offers = cluster.cycle().offers;
    let held = cluster.held(&offers);
    cluster.decline(&held, Some(crate::LONG));
    Prepared::new(cluster, (size.agents, 0), |cluster| {
        let mut outcome = Outcome::default();
        outcome.add(cluster.tick());
        outcome
    })
}
