//! Guarantees and limits.

use apportion_core::{Amount, Event, Quota};

use crate::cluster::Cluster;
use crate::shape::{CPUS, DISK, MEM, Shape, Size};
use crate::workload::{Outcome, Prepared, Workload};

/// A role for each framework: what quotas cost grows with roles.
const SIZE: Size = Size::new(100, 100, 100);

/// The workloads of this file.
pub(super) const ALL: &[Workload] = &[
    Workload {
        name: "limits-first-cycle",
        about: "one run over a free cluster; every role may have a quarter of an agent, and the rest is left over",
        unit: "offer",
        size: SIZE,
        prepare: limits_first_cycle,
    },
    Workload {
        name: "limits-reached",
        about: "10 times, one offer comes back while all roles have what they may: a run offers as much again",
        unit: "run",
        size: SIZE,
        prepare: limits_reached,
    },
    Workload {
        name: "guarantees",
        about: "one run over a free cluster; every second role is guaranteed half of an agent",
        unit: "agent",
        size: SIZE,
        prepare: guarantees,
    },
    Workload {
        name: "guarantees-whole",
        about: "one run over a free cluster; every second role is guaranteed its part of half the cluster, in whole agents",
        unit: "agent",
        size: Size::new(1_000, 100, 50),
        prepare: whole_guarantees,
    },
];

/// So many quarters of what an agent has.
fn quarters(count: i64) -> Vec<(Box<[u8]>, Amount)> {
    let part = |name: &[u8], whole: i64| (Box::from(name), Amount::whole(whole / 4 * count));
    vec![part(b"cpus", CPUS), part(b"mem", MEM), part(b"disk", DISK)]
}

fn with_quotas(size: Size, quota: &Quota, every: usize) -> Cluster {
    let mut cluster = Cluster::empty(Shape::plain(size));
    for number in (0..size.roles).step_by(every) {
        let role = cluster.shape.role(number);
        cluster.send(&Event::UpdateQuota { role: &role, quota });
    }
    cluster.add_frameworks(size.frameworks);
    cluster.add_agents(size.agents);
    cluster
}

fn limited(size: Size) -> Cluster {
    with_quotas(size, &Quota { limits: quarters(1), ..Quota::default() }, 1)
}

fn once(cluster: Cluster, units: usize) -> Prepared {
    let offers = cluster.clone().tick().offers.len();
    Prepared::new(cluster, (units.min(offers), offers), |cluster| {
        let mut outcome = Outcome::default();
        outcome.add(cluster.tick());
        outcome
    })
}

fn limits_first_cycle(size: Size) -> Prepared {
    once(limited(size), size.roles)
}

fn guarantees(size: Size) -> Prepared {
    let quota = Quota { guarantees: quarters(2), ..Quota::default() };
    once(with_quotas(size, &quota, 2), size.agents)
}

fn whole_guarantees(size: Size) -> Prepared {
    let agents = i64::try_from(size.agents / size.roles).expect("a small number").max(1);
    let quota = Quota { guarantees: quarters(4 * agents), ..Quota::default() };
    once(with_quotas(size, &quota, 2), size.agents)
}

fn limits_reached(size: Size) -> Prepared {
    let mut cluster = limited(size);
    let offers = cluster.tick().offers;
    let mut held = cluster.held(&offers);
    cluster.tick();
    // Ports have no limit, and may have been offered alone.
    held.retain(|one| one.resources.items().len() > 1);
    held.truncate(RETURNED);
    let give_back = move |cluster: &mut Cluster| {
        let mut outcome = Outcome::default();
        for one in &held {
            cluster.decline(std::slice::from_ref(one), None);
            outcome.add(cluster.tick());
        }
        outcome
    };
    // What comes back may be offered again in two parts: the ports where they are, the rest of another agent.
    let offers = give_back(&mut cluster.clone()).offers.len();
    Prepared::new(cluster, (RETURNED, offers), give_back)
}

/// How many offers come back.
const RETURNED: usize = 10;
