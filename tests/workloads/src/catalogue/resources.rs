//! Operations on resources, and the arithmetic of holdings.

use apportion_core::{Amount, Conversion, Event, Holding, Item, KindId, Value};

use crate::cluster::Cluster;
use crate::shape::{Shape, Size, agent_id, framework_id, ports, reserved_kind, volume_kind};
use crate::workload::{Outcome, Prepared, Workload};

/// The workloads of this file. For `update-allocation`, agents means reservations on the one agent there is.
pub(super) const ALL: &[Workload] = &[
    Workload {
        name: "update-allocation",
        about: "20 reservations made and undone by a framework on an agent with one reservation for each of «agents»",
        unit: "call",
        size: Size::new(1_600, 400, 400),
        prepare: update_allocation,
    },
    Workload {
        name: "operator-operations",
        about: "an operator reserves some of every agent and makes a volume on it",
        unit: "call",
        size: Size::new(500, 10, 10),
        prepare: operator_operations,
    },
    Workload {
        name: "holding-scalars",
        about: "subtract, compare, add: cpus, memory, disk",
        unit: "step",
        size: Size::new(1_000, 1, 1),
        prepare: |size| holding(size, scalars),
    },
    Workload {
        name: "holding-ports",
        about: "subtract, compare, add: every tenth of 100 ranges of ports",
        unit: "step",
        size: Size::new(1_000, 1, 1),
        prepare: |size| holding(size, many_ports),
    },
    Workload {
        name: "holding-reservations",
        about: "subtract, compare, add: every tenth of 100 reservations",
        unit: "step",
        size: Size::new(1_000, 1, 1),
        prepare: |size| holding(size, many_reservations),
    },
];

/// Reservations made, and undone.
const OPERATIONS: usize = 20;

/// One agent on which each framework but the first uses its share of many reservations, which differ in their labels. The
/// first is offered its share, with an unreserved cpu, of which it makes a reservation.
fn update_allocation(size: Size) -> Prepared {
    let mut cluster = Cluster::empty(Shape::plain(Size { roles: size.frameworks, ..size }));
    cluster.add_frameworks(size.frameworks);
    let mut shares: Vec<Vec<Item>> = vec![Vec::new(); size.frameworks];
    for number in 0..size.agents {
        let at = number % size.frameworks;
        let kind = reserved_kind(b"cpus", &cluster.shape.role(at), format!("label-{number}").as_bytes());
        shares[at].push(Item::scalar(known(&mut cluster, kind), Amount::whole(1)));
    }
    let free = Item::scalar(cluster.kinds.cpus, Amount::whole(1));
    shares[0].push(free.clone());
    let agent = agent_id(0);
    cluster.add_agent_in_use(&agent, &shares.into_iter().map(Holding::new).collect::<Vec<_>>());
    let offers = cluster.tick().offers;
    let held = cluster.held(&offers);
    let [holder] = held.as_slice() else { unreachable!("one framework uses nothing yet") };
    let (framework, role, offered) =
        (holder.framework.clone(), holder.role.clone(), holder.resources.clone());
    let own = known(&mut cluster, reserved_kind(b"cpus", &role, b"new"));
    let reserve = conversion(&free, &Item::scalar(own, Amount::whole(1)));
    let undo = Conversion {
        consumed: reserve.converted.clone(),
        converted: reserve.consumed.clone(),
        ..Conversion::default()
    };
    let mut afterwards = offered.clone();
    reserve.apply(&mut afterwards).expect("the unreserved cpu is held");
    let steps = [(offered, [reserve]), (afterwards, [undo])];
    Prepared::new(cluster, (2 * OPERATIONS, 0), move |cluster| {
        for _ in 0..OPERATIONS {
            for (offered, conversions) in &steps {
                cluster.send(&Event::UpdateAllocation {
                    framework: &framework,
                    agent: &agent,
                    role: &role,
                    offered,
                    conversions,
                });
            }
        }
        Outcome::default()
    })
}

fn known(cluster: &mut Cluster, kind: apportion_core::Kind) -> KindId {
    cluster.allocator.intern_kind(kind).expect("a kind of one meaning")
}

fn conversion(consumed: &Item, converted: &Item) -> Conversion {
    Conversion {
        consumed: Holding::new([consumed.clone()]),
        converted: Holding::new([converted.clone()]),
        ..Conversion::default()
    }
}

/// Nobody wants anything, so everything is free.
fn operator_operations(size: Size) -> Prepared {
    let mut cluster = Cluster::empty(Shape::plain(size));
    for number in 0..size.frameworks {
        let role = cluster.shape.role(cluster.shape.role_of(number));
        cluster.add_framework(&framework_id(number), &role, true);
    }
    cluster.add_agents(size.agents);
    cluster.tick();
    let gigabyte = Amount::whole(1024);
    let operations: Vec<(Vec<u8>, [Conversion; 1], [Conversion; 1])> = (0..size.agents)
        .map(|number| {
            let role = cluster.shape.role(cluster.shape.role_of(number));
            let reserved = known(&mut cluster, reserved_kind(b"disk", &role, b""));
            let volume = known(&mut cluster, volume_kind(&role, format!("volume-{number}").as_bytes()));
            let free = Item::scalar(cluster.kinds.disk, gigabyte);
            let (reserved, volume) = (Item::scalar(reserved, gigabyte), Item::scalar(volume, gigabyte));
            (agent_id(number), [conversion(&free, &reserved)], [conversion(&reserved, &volume)])
        })
        .collect();
    let calls = 2 * operations.len();
    Prepared::new(cluster, (calls, 0), move |cluster| {
        let mut outcome = Outcome::default();
        for (agent, reserve, create) in &operations {
            for conversions in [reserve, create] {
                let effects = cluster.send(&Event::UpdateAvailable { agent, conversions });
                outcome.computed += u64::from(effects.available_updated == Some(Ok(())));
            }
        }
        outcome
    })
    .computing(calls as u64)
}

/// A whole and a part of it; the part is taken away and given back as many times as there are agents in the size.
fn holding(size: Size, parts: fn(&mut Cluster) -> (Holding, Holding)) -> Prepared {
    let mut cluster = Cluster::empty(Shape::plain(size));
    let (whole, part) = parts(&mut cluster);
    Prepared::new(cluster, (size.agents, 0), move |_| {
        let mut outcome = Outcome::default();
        let mut rest = whole.clone();
        for _ in 0..size.agents {
            rest.subtract(&part);
            outcome.computed += u64::from(whole.contains(&rest));
            rest.add(&part);
        }
        outcome.computed += u64::from(rest == whole);
        outcome
    })
    .computing(size.agents as u64 + 1)
}

fn scalars(cluster: &mut Cluster) -> (Holding, Holding) {
    let (cpus, mem, disk) = (cluster.kinds.cpus, cluster.kinds.mem, cluster.kinds.disk);
    let of =
        |amount: i64| Holding::new([cpus, mem, disk].map(|kind| Item::scalar(kind, Amount::whole(amount))));
    (of(32), of(3))
}

fn many_ports(cluster: &mut Cluster) -> (Holding, Holding) {
    let every_tenth = ports(100).pairs().iter().step_by(10).copied().collect::<Vec<_>>();
    let item = |ranges| Holding::new([Item::new(cluster.kinds.ports, Value::Ranges(ranges))]);
    (item(ports(100)), item(apportion_core::Ranges::new(every_tenth)))
}

fn many_reservations(cluster: &mut Cluster) -> (Holding, Holding) {
    let kinds: Vec<KindId> = (0..100)
        .map(|number| known(cluster, reserved_kind(b"cpus", b"team-0", format!("label-{number}").as_bytes())))
        .collect();
    let of = |kinds: &[KindId], amount: i64| {
        Holding::new(kinds.iter().map(|kind| Item::scalar(*kind, Amount::whole(amount))))
    };
    let every_tenth: Vec<KindId> = kinds.iter().step_by(10).copied().collect();
    (of(&kinds, 4), of(&every_tenth, 1))
}
