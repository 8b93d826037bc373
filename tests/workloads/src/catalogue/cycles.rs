//! Runs in which everything is offered.

use apportion_core::Order;

use crate::cluster::Cluster;
use crate::shape::{Reserved, Shape, Size, Tree};
use crate::workload::{Outcome, Prepared, Workload};

const SIZE: Size = Size::new(1_000, 100, 50);

/// The workloads of this file.
pub(super) const ALL: &[Workload] = &[
    Workload {
        name: "full-cycle",
        about: "one run over a free cluster; every agent is offered whole",
        unit: "offer",
        size: SIZE,
        prepare: |size| full(Shape::plain(size)),
    },
    Workload {
        name: "full-cycle-one-role",
        about: "the same, all frameworks siblings in one role",
        unit: "offer",
        size: SIZE,
        prepare: |size| full(Shape::plain(Size { roles: 1, ..size })),
    },
    Workload {
        name: "full-cycle-many-roles",
        about: "the same, every framework in a role of its own",
        unit: "offer",
        size: SIZE,
        prepare: |size| full(Shape::plain(Size { roles: size.frameworks, ..size })),
    },
    Workload {
        name: "full-cycle-nested-roles",
        about: "the same, roles three levels deep",
        unit: "offer",
        size: SIZE,
        prepare: |size| full(Shape { tree: Tree::Nested, ..Shape::plain(size) }),
    },
    Workload {
        name: "full-cycle-weights",
        about: "the same, roles with weights from 1 to 5",
        unit: "offer",
        size: SIZE,
        prepare: |size| full(Shape { weights: true, ..Shape::plain(size) }),
    },
    Workload {
        name: "full-cycle-random-order",
        about: "the same, roles and frameworks by lot",
        unit: "offer",
        size: SIZE,
        prepare: |size| full(Shape { order: Order::Random, weights: true, ..Shape::plain(size) }),
    },
    Workload {
        name: "full-cycle-reservations",
        about: "the same, half of the agents with a quarter reserved for some role",
        unit: "agent",
        size: SIZE,
        prepare: |size| reserved(Shape { reserved: Reserved::Quarter, ..Shape::plain(size) }),
    },
    Workload {
        name: "full-cycle-reserved",
        about: "the same, half of the agents reserved for some role, whole",
        unit: "agent",
        size: SIZE,
        prepare: |size| reserved(Shape { reserved: Reserved::Whole, ..Shape::plain(size) }),
    },
];

fn full(shape: Shape) -> Prepared {
    let agents = shape.size.agents;
    Prepared::new(Cluster::full(shape), (agents, agents), tick)
}

fn tick(cluster: &mut Cluster) -> Outcome {
    let mut outcome = Outcome::default();
    outcome.add(cluster.tick());
    outcome
}

/// An agent with a reservation is offered in two parts unless the role whose turn it is has the reservation.
fn reserved(shape: Shape) -> Prepared {
    let agents = shape.size.agents;
    let cluster = Cluster::full(shape);
    let offers = cluster.clone().tick().offers.len();
    Prepared::new(cluster, (agents, offers), tick)
}
