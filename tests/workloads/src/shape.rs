//! What a cluster is made of: how many agents, frameworks and roles, and what they are like.

use apportion_core::{
    Allocator, Amount, Holding, Item, Kind, KindId, Order, Ranges, Reservation, Value, ValueType,
};

/// How large a cluster is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// How many agents.
    pub agents: usize,
    /// How many frameworks; each subscribes to one role.
    pub frameworks: usize,
    /// How many roles; the frameworks are dealt out to them in turns.
    pub roles: usize,
}

impl Size {
    /// So many agents, frameworks and roles.
    #[must_use]
    pub const fn new(agents: usize, frameworks: usize, roles: usize) -> Self {
        Self { agents, frameworks, roles }
    }
}

/// How the roles are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tree {
    /// All side by side.
    #[default]
    Flat,
    /// Ten to a parent, and ten parents to a grandparent: `division-0/department-3/team-31`.
    Nested,
}

/// What of an agent is reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reserved {
    /// Nothing.
    #[default]
    Nothing,
    /// A quarter of its cpus and memory.
    Quarter,
    /// All of its cpus and memory; it has nothing else.
    Whole,
}

/// What a cluster is like. `Default` is the plain one, with nothing in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    /// How large it is.
    pub size: Size,
    /// How the roles are named.
    pub tree: Tree,
    /// How roles, and frameworks within a role, are ordered.
    pub order: Order,
    /// Whether every role has a weight of its own, from 1 to 5.
    pub weights: bool,
    /// How many ranges of ports an agent has; with more than one, every second port of 31000 upwards is a range.
    pub port_ranges: usize,
    /// What every second agent has reserved for a role; the roles in turns.
    pub reserved: Reserved,
    /// The seed of the allocator.
    pub seed: u64,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            size: Size::new(0, 0, 1),
            tree: Tree::Flat,
            order: Order::DominantShare,
            weights: false,
            port_ranges: 1,
            reserved: Reserved::Nothing,
            seed: 1,
        }
    }
}

impl Shape {
    /// The plain one of a size.
    #[must_use]
    pub fn plain(size: Size) -> Self {
        Self { size, ..Self::default() }
    }

    /// The name of a role, counted from 0.
    #[must_use]
    pub fn role(&self, number: usize) -> Vec<u8> {
        match self.tree {
            Tree::Flat => format!("team-{number}"),
            Tree::Nested => {
                format!("division-{}/department-{}/team-{number}", number / 100, number / 10)
            }
        }
        .into_bytes()
    }

    /// The number of the role that a framework, counted from 0, subscribes to.
    #[must_use]
    pub fn role_of(&self, framework: usize) -> usize {
        framework % self.size.roles.max(1)
    }
}

/// The id of a framework, counted from 0, spelled as a master spells it.
#[must_use]
pub fn framework_id(number: usize) -> Vec<u8> {
    format!("5b8a4f0e-2d3c-4b6a-9f51-7c2d8e90a1b3-{number:04}").into_bytes()
}

/// The id of an agent, counted from 0, spelled as a master spells it.
#[must_use]
pub fn agent_id(number: usize) -> Vec<u8> {
    format!("5b8a4f0e-2d3c-4b6a-9f51-7c2d8e90a1b3-S{number}").into_bytes()
}

/// Cpus of an agent.
pub const CPUS: i64 = 32;
/// Megabytes of memory of an agent.
pub const MEM: i64 = 131_072;
/// Megabytes of disk of an agent.
pub const DISK: i64 = 2_000_000;

/// The kinds of resources that agents have, known to one allocator.
#[derive(Debug, Clone)]
pub struct Kinds {
    /// Unreserved cpus.
    pub cpus: KindId,
    /// Unreserved memory.
    pub mem: KindId,
    /// Unreserved disk.
    pub disk: KindId,
    /// Unreserved ports.
    pub ports: KindId,
    /// Cpus and memory reserved for each role.
    pub reserved: Vec<(KindId, KindId)>,
}

impl Kinds {
    /// Makes them known to an allocator.
    ///
    /// # Panics
    ///
    /// If the allocator knows a kind of the same identity with other properties.
    #[must_use]
    pub fn intern(allocator: &mut Allocator, shape: &Shape) -> Self {
        let mut known = |kind: Kind| allocator.intern_kind(kind).expect("a kind of one meaning");
        let ports = Kind { value_type: ValueType::Ranges, ..Kind::scalar(b"ports") };
        let (cpus, mem, disk, ports) = (
            known(Kind::scalar(b"cpus")),
            known(Kind::scalar(b"mem")),
            known(Kind::scalar(b"disk")),
            known(ports),
        );
        let reserving = if shape.reserved == Reserved::Nothing { 0 } else { shape.size.roles };
        let reserved = (0..reserving)
            .map(|number| {
                let role = shape.role(number);
                (known(reserved_kind(b"cpus", &role, b"")), known(reserved_kind(b"mem", &role, b"")))
            })
            .collect();
        Self { cpus, mem, disk, ports, reserved }
    }

    /// Everything that an agent, counted from 0, has.
    #[must_use]
    pub fn total(&self, shape: &Shape, agent: usize) -> Holding {
        let quarter = |whole: i64| (whole - whole / 4, whole / 4);
        let plain = |cpus: i64, mem: i64| {
            let scalar = |kind: KindId, amount: i64| Item::scalar(kind, Amount::whole(amount));
            vec![scalar(self.cpus, cpus), scalar(self.mem, mem), scalar(self.disk, DISK)]
        };
        let mut items = if agent.is_multiple_of(2) && !self.reserved.is_empty() {
            let (own_cpus, own_mem) = self.reserved[(agent / 2) % self.reserved.len()];
            if shape.reserved == Reserved::Whole {
                let all = [(own_cpus, CPUS), (own_mem, MEM)];
                return Holding::new(all.map(|(kind, amount)| Item::scalar(kind, Amount::whole(amount))));
            }
            let ((cpus, kept_cpus), (mem, kept_mem)) = (quarter(CPUS), quarter(MEM));
            let mut items = plain(cpus, mem);
            items.push(Item::scalar(own_cpus, Amount::whole(kept_cpus)));
            items.push(Item::scalar(own_mem, Amount::whole(kept_mem)));
            items
        } else {
            plain(CPUS, MEM)
        };
        items.push(Item::new(self.ports, Value::Ranges(ports(shape.port_ranges))));
        Holding::new(items)
    }
}

/// The ports 31000 to 32000, or so many ranges of one port each, every second one from 31000 upwards.
#[must_use]
pub fn ports(ranges: usize) -> Ranges {
    if ranges <= 1 {
        return Ranges::new([(31_000, 32_000)]);
    }
    Ranges::new((31_000_u64..).step_by(2).take(ranges).map(|port| (port, port)))
}

/// A scalar that is dynamically reserved for a role; reservations with different labels are different kinds.
#[must_use]
pub fn reserved_kind(name: &[u8], role: &[u8], label: &[u8]) -> Kind {
    Kind {
        reservations: vec![Reservation { role: role.into(), dynamic: true }],
        identity: [name, role, label].join(&b'\0').into(),
        ..Kind::scalar(name)
    }
}

/// A persistent volume on disk that is reserved for a role.
#[must_use]
pub fn volume_kind(role: &[u8], id: &[u8]) -> Kind {
    Kind { volume: Some(id.into()), divisible: false, ..reserved_kind(b"disk", role, id) }
}
