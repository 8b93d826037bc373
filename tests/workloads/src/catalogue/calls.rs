//! Agents and frameworks that come, revive or leave, and resources that come back.

use std::time::Duration;

use apportion_core::{Event, Holding};

use super::quiet::refused;
use crate::cluster::{Cluster, Held};
use crate::shape::{Shape, Size, agent_id, framework_id};
use crate::workload::{Outcome, Prepared, Workload};

/// How many frameworks join.
const NEWCOMERS: usize = 20;
const SIZE: Size = Size::new(1_000, 100, 50);
const FILTERED: Size = Size::new(500, 20, 5);

/// The workloads of this file.
pub(super) const ALL: &[Workload] = &[
    Workload {
        name: "join-held",
        about: "20 frameworks join while everything is held, a run after each",
        unit: "framework",
        size: SIZE,
        prepare: |size| join(Cluster::offered(Shape::plain(size)).0, false),
    },
    Workload {
        name: "join-filtered",
        about: "20 frameworks that want nothing yet join while all others refuse every agent, a run after each",
        unit: "framework",
        size: FILTERED,
        prepare: |size| join(refused(size), true),
    },
    Workload {
        name: "revive-one",
        about: "one framework revives in a filtered cluster, and a run offers it every agent",
        unit: "offer",
        size: FILTERED,
        prepare: revive_one,
    },
    Workload {
        name: "revive-storm",
        about: "every framework revives in a filtered cluster, then one run",
        unit: "filter",
        size: FILTERED,
        prepare: revive_storm,
    },
    Workload {
        name: "filters-expire",
        about: "one refusal of every agent by every framework ends; a run offers every agent",
        unit: "filter",
        size: FILTERED,
        prepare: filters_expire,
    },
    Workload {
        name: "recover",
        about: "every offer comes back, one call for each; no run",
        unit: "call",
        size: SIZE,
        prepare: |size| decline(size, None),
    },
    Workload {
        name: "recover-filter",
        about: "the same, refused for long: a filter is installed for each",
        unit: "call",
        size: SIZE,
        prepare: |size| decline(size, Some(crate::LONG)),
    },
    Workload {
        name: "recover-ports",
        about: "every offer of agents with 100 ranges of ports comes back, and a run offers them again",
        unit: "offer",
        size: SIZE,
        prepare: recover_ports,
    },
    Workload {
        name: "launch-finish",
        about: "everything offered is launched on, and all those tasks end",
        unit: "task",
        size: SIZE,
        prepare: launch_finish,
    },
    Workload {
        name: "add-agents",
        about: "agents register, a run after each; everything is offered",
        unit: "agent",
        size: SIZE,
        prepare: |size| add_agents(size, true),
    },
    Workload {
        name: "add-agents-burst",
        about: "the same with one run at the end, as when calls wait in the mailbox",
        unit: "agent",
        size: SIZE,
        prepare: |size| add_agents(size, false),
    },
    Workload {
        name: "remove-agents",
        about: "all agents of a cluster leave in which everything is offered",
        unit: "agent",
        size: SIZE,
        prepare: remove_agents,
    },
];

fn join(cluster: Cluster, suppressed: bool) -> Prepared {
    let number = |at: usize| cluster.frameworks() + at;
    let newcomers: Vec<(Vec<u8>, Vec<u8>)> = (0..NEWCOMERS)
        .map(|at| (framework_id(number(at)), cluster.shape.role(cluster.shape.role_of(number(at)))))
        .collect();
    Prepared::new(cluster, (NEWCOMERS, 0), move |cluster| {
        let mut outcome = Outcome::default();
        for (framework, role) in &newcomers {
            cluster.add_framework(framework, role, suppressed);
            outcome.add(cluster.cycle());
        }
        outcome
    })
}

fn revive_one(size: Size) -> Prepared {
    let agents = size.agents;
    Prepared::new(refused(size), (agents, agents), |cluster| {
        cluster.revive(0);
        let mut outcome = Outcome::default();
        outcome.add(cluster.cycle());
        outcome
    })
}

fn revive_storm(size: Size) -> Prepared {
    Prepared::new(refused(size), (size.agents * size.frameworks, size.agents), |cluster| {
        for framework in 0..cluster.frameworks() {
            cluster.revive(framework);
        }
        let mut outcome = Outcome::default();
        outcome.add(cluster.cycle());
        outcome
    })
}

fn filters_expire(size: Size) -> Prepared {
    let mut cluster = Cluster::full(Shape::plain(size));
    cluster.refuse_everything();
    Prepared::new(cluster, (size.agents * size.frameworks, size.agents), |cluster| {
        // The refusals were said to last a week.
        cluster.wait(Duration::from_secs(700_000));
        let mut outcome = Outcome::default();
        outcome.add(cluster.tick());
        outcome
    })
}

fn decline(size: Size, refuse_seconds: Option<f64>) -> Prepared {
    let (cluster, held) = Cluster::offered(Shape::plain(size));
    Prepared::new(cluster, (held.len(), 0), move |cluster| {
        cluster.decline(&held, refuse_seconds);
        Outcome::default()
    })
}

fn recover_ports(size: Size) -> Prepared {
    let (cluster, held) = Cluster::offered(Shape { port_ranges: 100, ..Shape::plain(size) });
    Prepared::new(cluster, (held.len(), held.len()), move |cluster| {
        cluster.decline(&held, None);
        let mut outcome = Outcome::default();
        outcome.add(cluster.tick());
        outcome
    })
}

fn launch_finish(size: Size) -> Prepared {
    let (cluster, held) = Cluster::offered(Shape::plain(size));
    Prepared::new(cluster, (held.len(), 0), move |cluster| {
        cluster.launch(&held);
        cluster.finish(&held);
        Outcome::default()
    })
}

fn add_agents(size: Size, run_after_each: bool) -> Prepared {
    let mut cluster = Cluster::empty(Shape::plain(size));
    cluster.add_frameworks(size.frameworks);
    let total = |number| (agent_id(number), cluster.kinds.total(&cluster.shape, number));
    let agents: Vec<(Vec<u8>, Holding)> = (0..size.agents).map(total).collect();
    Prepared::new(cluster, (size.agents, size.agents), move |cluster| {
        let mut outcome = Outcome::default();
        for (agent, total) in &agents {
            cluster.add_agent(agent, total);
            if run_after_each {
                outcome.add(cluster.cycle());
            }
        }
        outcome.add(cluster.cycle());
        outcome
    })
}

fn remove_agents(size: Size) -> Prepared {
    let (cluster, held) = Cluster::offered(Shape::plain(size));
    Prepared::new(cluster, (size.agents, 0), move |cluster| {
        for Held { agent, .. } in &held {
            cluster.send(&Event::RemoveAgent { agent });
        }
        Outcome::default()
    })
}
