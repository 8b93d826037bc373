//! Who comes next: a tree of clients ordered by dominant share.
//!
//! The role sorter's clients are roles, at their place in the hierarchy; each role has a framework sorter of its own
//! whose clients are frameworks, side by side. Every node counts what its clients hold, the root included.
//!
//! Invariants:
//! - A client is always a leaf. A client that is also an ancestor of others becomes an inner node with a *virtual leaf*
//!   below it, which stands for the client itself and always weighs 1.
//! - Siblings are ordered by share, then by how often something was allocated, then by name.
//! - Inactive clients are not in the order, but what they hold counts in the nodes above them.
//!
//! What it does not do: it knows neither agents nor kinds, and whether a shared resource counts is decided by the caller.

mod lots;
mod share;

use std::cmp::Ordering;
use std::collections::BTreeMap;

use crate::amount::{Amount, Weight};
use crate::effect::Fraction;
use crate::ids::NameId;
use crate::quantities::{Pool, Quantities};
use share::Share;
use smallvec::SmallVec;

/// What a virtual leaf is called: sorts before every role name component that begins with a letter or digit.
const VIRTUAL: &[u8] = b".";

/// The root's position.
const ROOT: u32 = 0;

#[derive(Debug, Clone)]
struct Node {
    parent: u32,
    /// Last component of the path.
    segment: Box<[u8]>,
    is_virtual: bool,
    /// How many active leaves there are here and below.
    active: u32,
    /// All children, by segment.
    children: Vec<u32>,
    /// Children with active leaves, by order of their turn. Out of date while `dirty`.
    order: Vec<u32>,
    dirty: bool,
    held: Quantities,
    weight: Weight,
}

/// What decides a node's place among its siblings, apart from the rest of it: finding a place looks at many.
#[derive(Debug, Clone, Copy)]
struct Standing {
    /// Out of date while the pool has another version.
    share: Share,
    allocations: u64,
    /// Position among the siblings by name, for ties. Out of date while the parent is dirty.
    rank: u32,
}

impl Standing {
    const NEW: Self = Self { share: Share::NONE, allocations: 0, rank: 0 };

    /// Share, then allocations, then name.
    fn order(&self, other: &Self) -> Ordering {
        self.share
            .order(other.share)
            .then_with(|| self.allocations.cmp(&other.allocations))
            .then_with(|| self.rank.cmp(&other.rank))
    }
}

impl Node {
    fn new(parent: u32, segment: &[u8], weight: Weight) -> Self {
        Self {
            parent,
            segment: segment.into(),
            is_virtual: false,
            active: 0,
            children: Vec::new(),
            order: Vec::new(),
            dirty: false,
            held: Quantities::default(),
            weight,
        }
    }
}

/// A tree of clients ordered by dominant share, see the module.
#[derive(Debug, Clone)]
pub(crate) struct Sorter {
    nodes: Vec<Node>,
    /// As long as `nodes`.
    standings: Vec<Standing>,
    /// Which client each node is, if it is a leaf; as long as `nodes`.
    clients: Vec<Option<u32>>,
    free: Vec<u32>,
    /// Leaf of each client.
    leaves: Vec<Option<u32>>,
    /// Nodes whose order is out of date.
    dirty: Vec<u32>,
    /// Weights that are not the default, by path, whether the path exists or not.
    weights: BTreeMap<Box<[u8]>, Weight>,
    pool_version: u64,
}

impl Default for Sorter {
    fn default() -> Self {
        Self {
            nodes: vec![Node::new(ROOT, b"", Weight::DEFAULT)],
            standings: vec![Standing::NEW],
            clients: vec![None],
            free: Vec::new(),
            leaves: Vec::new(),
            dirty: Vec::new(),
            weights: BTreeMap::new(),
            pool_version: 0,
        }
    }
}

impl Sorter {
    fn node(&self, index: u32) -> &Node {
        &self.nodes[index as usize]
    }

    fn node_mut(&mut self, index: u32) -> &mut Node {
        &mut self.nodes[index as usize]
    }

    fn leaf(&self, client: u32) -> Option<u32> {
        self.leaves.get(client as usize).copied().flatten()
    }

    /// Whether the client was added.
    pub(crate) fn contains(&self, client: u32) -> bool {
        self.leaf(client).is_some()
    }

    /// Adds a client at a `/`-separated path, inactive and holding nothing. A known client stays as it is.
    pub(crate) fn add_path(&mut self, path: &[u8], client: u32) {
        if self.contains(client) {
            return;
        }
        let mut at = ROOT;
        let mut end = 0;
        for segment in path.split(|byte| *byte == b'/') {
            end += segment.len();
            self.split_leaf(at);
            at = match self.child(at, segment) {
                Ok(child) => child,
                Err(_) => self.create(at, segment, self.weight_of(&path[..end])),
            };
            end += 1;
        }
        if !self.node(at).children.is_empty() {
            at = self.create_virtual(at);
        }
        self.seat(client, at);
    }

    /// Adds a client directly below the root, inactive and holding nothing. A known client stays as it is.
    pub(crate) fn add_flat(&mut self, name: &[u8], client: u32) {
        if self.contains(client) {
            return;
        }
        let leaf = self.create(ROOT, name, Weight::DEFAULT);
        self.seat(client, leaf);
    }

    /// Removes a client; what it holds is taken from the nodes above, how often it was served stays with them.
    pub(crate) fn remove(&mut self, client: u32) {
        let Some(leaf) = self.leaf(client) else { return };
        self.deactivate(client);
        let held = std::mem::take(&mut self.node_mut(leaf).held);
        let mut at = leaf;
        while at != ROOT {
            at = self.node(at).parent;
            for (name, amount) in named(&held) {
                self.node_mut(at).held.subtract(name, amount);
            }
        }
        self.leaves[client as usize] = None;
        self.prune(leaf);
        // Shares above the leaf changed: recompute everything at the next sort.
        self.pool_version = 0;
    }

    /// Removes a node and what became pointless above it.
    fn prune(&mut self, mut at: u32) {
        while at != ROOT {
            let parent = self.node(at).parent;
            self.node_mut(parent).children.retain(|child| *child != at);
            self.mark_dirty(parent);
            self.clients[at as usize] = None;
            self.node_mut(at).order.clear();
            self.free.push(at);
            match self.node(parent).children[..] {
                [] => at = parent,
                [only] if self.node(only).is_virtual => {
                    self.collapse(parent, only);
                    return;
                }
                _ => return,
            }
        }
    }

    /// A client stops being an ancestor: its virtual leaf merges back into its node.
    fn collapse(&mut self, parent: u32, virtual_leaf: u32) {
        let client = self.clients[virtual_leaf as usize].take();
        self.clients[parent as usize] = client;
        self.free.push(virtual_leaf);
        let node = self.node_mut(parent);
        node.children.clear();
        node.order.clear();
        if let Some(client) = client {
            self.leaves[client as usize] = Some(parent);
        }
        let above = self.node(parent).parent;
        self.mark_dirty(above);
    }

    /// A client becomes an ancestor: a virtual leaf takes over what is its own.
    fn split_leaf(&mut self, at: u32) {
        let Some(client) = self.clients[at as usize].take() else { return };
        let virtual_leaf = self.create_virtual(at);
        let (held, active) = (self.node(at).held.clone(), self.node(at).active);
        let leaf = self.node_mut(virtual_leaf);
        leaf.held = held;
        leaf.active = active;
        self.standings[virtual_leaf as usize].allocations = self.standings[at as usize].allocations;
        self.seat(client, virtual_leaf);
        self.pool_version = 0;
    }

    fn create_virtual(&mut self, parent: u32) -> u32 {
        let leaf = self.create(parent, VIRTUAL, Weight::DEFAULT);
        self.node_mut(leaf).is_virtual = true;
        leaf
    }

    fn seat(&mut self, client: u32, leaf: u32) {
        let place = client as usize;
        if self.leaves.len() <= place {
            self.leaves.resize(place + 1, None);
        }
        self.leaves[place] = Some(leaf);
        self.clients[leaf as usize] = Some(client);
    }

    fn create(&mut self, parent: u32, segment: &[u8], weight: Weight) -> u32 {
        let node = Node::new(parent, segment, weight);
        let index = match self.free.pop() {
            Some(index) => {
                self.nodes[index as usize] = node;
                self.standings[index as usize] = Standing::NEW;
                self.clients[index as usize] = None;
                index
            }
            None => {
                let index = u32::try_from(self.nodes.len()).expect("fewer than 2^32 nodes fit into memory");
                self.nodes.push(node);
                self.standings.push(Standing::NEW);
                self.clients.push(None);
                index
            }
        };
        let children = &self.node(parent).children;
        let at = children.partition_point(|child| *self.node(*child).segment < *segment);
        self.node_mut(parent).children.insert(at, index);
        self.mark_dirty(parent);
        index
    }

    /// The child with this segment, or where it belongs. A virtual leaf is never found.
    fn child(&self, parent: u32, segment: &[u8]) -> Result<u32, usize> {
        let children = &self.node(parent).children;
        let at = children.partition_point(|child| *self.node(*child).segment < *segment);
        match children.get(at) {
            Some(child) if self.is_called(*child, segment) => Ok(*child),
            _ => Err(at),
        }
    }

    fn is_called(&self, node: u32, segment: &[u8]) -> bool {
        let node = self.node(node);
        *node.segment == *segment && !node.is_virtual
    }

    fn weight_of(&self, path: &[u8]) -> Weight {
        self.weights.get(path).copied().unwrap_or_default()
    }

    /// Sets the weight of a path, remembered even if nobody is there; takes effect at once.
    pub(crate) fn set_weight(&mut self, path: &[u8], weight: Weight) {
        if weight == Weight::DEFAULT {
            self.weights.remove(path);
        } else {
            self.weights.insert(path.into(), weight);
        }
        let mut at = ROOT;
        for segment in path.split(|byte| *byte == b'/') {
            match self.child(at, segment) {
                Ok(child) => at = child,
                Err(_) => return,
            }
        }
        self.node_mut(at).weight = weight;
        self.pool_version = 0;
    }

    /// Puts a client into the order.
    pub(crate) fn activate(&mut self, client: u32) {
        self.set_active(client, true);
    }

    /// Takes a client out of the order; what it holds still counts above.
    pub(crate) fn deactivate(&mut self, client: u32) {
        self.set_active(client, false);
    }

    /// Whether a client is in the order.
    pub(crate) fn is_active(&self, client: u32) -> bool {
        self.leaf(client).is_some_and(|leaf| self.node(leaf).active > 0)
    }

    fn set_active(&mut self, client: u32, active: bool) {
        let Some(leaf) = self.leaf(client) else { return };
        if (self.node(leaf).active > 0) == active {
            return;
        }
        let mut at = leaf;
        loop {
            let node = self.node_mut(at);
            if active {
                node.active += 1;
            } else {
                node.active -= 1;
            }
            if at == ROOT {
                return;
            }
            let parent = node.parent;
            self.mark_dirty(parent);
            at = parent;
        }
    }

    /// Something was allocated to a client: counts once, whatever the amounts.
    pub(crate) fn allocated(&mut self, client: u32, amounts: &[(NameId, Amount)], pool: &Pool) {
        self.change(client, pool, true, |held| held.add_each(amounts));
    }

    /// A client holds more without having been served, because what it holds was converted.
    pub(crate) fn grew(&mut self, client: u32, amounts: &[(NameId, Amount)], pool: &Pool) {
        self.change(client, pool, false, |held| held.add_each(amounts));
    }

    /// A client gave something back.
    pub(crate) fn unallocated(&mut self, client: u32, amounts: &[(NameId, Amount)], pool: &Pool) {
        self.change(client, pool, false, |held| held.subtract_each(amounts));
    }

    /// Changes a leaf and everything above it, and moves them to their new places.
    fn change(&mut self, client: u32, pool: &Pool, serve: bool, mut apply: impl FnMut(&mut Quantities)) {
        let Some(mut at) = self.leaf(client) else { return };
        let current = self.pool_version == pool.version();
        loop {
            let parent = self.node(at).parent;
            let is_ordered = current && at != ROOT && self.node(at).active > 0 && !self.node(parent).dirty;
            // Where it is can only be found as long as it is in order.
            let old = is_ordered.then(|| self.turn_among_siblings(at));
            let node = &mut self.nodes[at as usize];
            apply(&mut node.held);
            if at == ROOT {
                // Nobody compares it with anything.
                return;
            }
            let standing = &mut self.standings[at as usize];
            standing.allocations += u64::from(serve);
            if current {
                standing.share = Share::of(&node.held, pool, node.weight);
            }
            if let Some(old) = old {
                self.reposition(parent, at, old);
            }
            at = parent;
        }
    }

    /// How many siblings come before a node; both must be in order.
    fn turn_among_siblings(&self, at: u32) -> usize {
        let order = &self.node(self.node(at).parent).order;
        if order.first() == Some(&at) {
            // Whoever was just served.
            return 0;
        }
        let own = &self.standings[at as usize];
        order.partition_point(|sibling| self.standings[*sibling as usize].order(own) == Ordering::Less)
    }

    /// Moves one child from its old place to its new one among its siblings.
    fn reposition(&mut self, parent: u32, child: u32, old: usize) {
        let (nodes, standings) = (&mut self.nodes, &self.standings);
        let order = &mut nodes[parent as usize].order;
        debug_assert_eq!(order.get(old), Some(&child), "it was in order");
        let own = &standings[child as usize];
        let comes_before = |sibling: &u32| standings[*sibling as usize].order(own) == Ordering::Less;
        let later = order[old + 1..].partition_point(comes_before);
        let new = if later > 0 {
            order.copy_within(old + 1..=old + later, old);
            old + later
        } else {
            let new = order[..old].partition_point(comes_before);
            order.copy_within(new..old, new + 1);
            new
        };
        order[new] = child;
    }

    fn compare(&self, left: u32, right: u32) -> Ordering {
        self.standings[left as usize].order(&self.standings[right as usize])
    }

    fn mark_dirty(&mut self, at: u32) {
        let node = self.node_mut(at);
        if !node.dirty {
            node.dirty = true;
            self.dirty.push(at);
        }
    }

    /// Brings every order up to date. [`Sorter::turns`] must not be called before.
    pub(crate) fn sort(&mut self, pool: &Pool) {
        if self.pool_version != pool.version() {
            self.pool_version = pool.version();
            for (node, standing) in self.nodes.iter().zip(&mut self.standings) {
                standing.share = Share::of(&node.held, pool, node.weight);
            }
            for index in 0..self.nodes.len() {
                if self.nodes[index].order.len() > 1 && !self.nodes[index].dirty {
                    // An agent more or less changes the order of few, and sorting what is nearly sorted costs little.
                    let mut order = std::mem::take(&mut self.nodes[index].order);
                    order.sort_by(|left, right| self.compare(*left, *right));
                    self.nodes[index].order = order;
                }
            }
        }
        while let Some(at) = self.dirty.pop() {
            self.rebuild(at);
        }
    }

    fn rebuild(&mut self, at: u32) {
        let children = std::mem::take(&mut self.node_mut(at).children);
        for (rank, child) in (0_u32..).zip(&children) {
            self.standings[*child as usize].rank = rank;
        }
        let mut order: Vec<u32> =
            children.iter().copied().filter(|child| self.node(*child).active > 0).collect();
        order.sort_unstable_by(|left, right| self.compare(*left, *right));
        let node = self.node_mut(at);
        node.children = children;
        node.order = order;
        node.dirty = false;
    }

    /// The active clients in the order of their turn; everything inside a subtree comes together.
    pub(crate) fn turns(&self) -> Turns<'_> {
        debug_assert!(self.dirty.is_empty(), "sort first");
        Turns { sorter: self, siblings: self.node(ROOT).order.iter(), above: SmallVec::new() }
    }

    /// Which turn an active client has, from 1. Not to be asked before [`Sorter::sort`].
    pub(crate) fn place(&self, client: u32) -> u32 {
        debug_assert!(self.dirty.is_empty(), "sort first");
        let mut place = 1;
        let Some(mut at) = self.leaf(client) else { return place };
        while at != ROOT {
            let parent = self.node(at).parent;
            let siblings = &self.node(parent).order;
            let earlier = self.turn_among_siblings(at);
            place += if self.node(parent).active as usize == siblings.len() {
                // One client each.
                u32::try_from(earlier).unwrap_or(u32::MAX)
            } else {
                siblings[..earlier].iter().map(|sibling| self.node(*sibling).active).sum()
            };
            at = parent;
        }
        place
    }

    /// Whether there is no client.
    pub(crate) fn is_empty(&self) -> bool {
        self.node(ROOT).children.is_empty()
    }

    /// How many clients are active.
    pub(crate) fn active_len(&self) -> u32 {
        self.node(ROOT).active
    }

    /// Share (before the weight divides it) and weight of a client with everything inside it.
    pub(crate) fn standing(&self, client: u32, pool: &Pool) -> (Fraction, Weight) {
        let Some(leaf) = self.leaf(client) else { return (Share::NONE.fraction(), Weight::DEFAULT) };
        let at = if self.node(leaf).is_virtual { self.node(leaf).parent } else { leaf };
        (self.share_of(at, pool).fraction(), self.node(at).weight)
    }

    /// Share (before the weight divides it) and weight of a client alone, without what is inside it: beside roles
    /// inside it, a role has weight 1.
    pub(crate) fn own_standing(&self, client: u32, pool: &Pool) -> (Fraction, Weight) {
        let Some(leaf) = self.leaf(client) else { return (Share::NONE.fraction(), Weight::DEFAULT) };
        (self.share_of(leaf, pool).fraction(), self.node(leaf).weight)
    }

    fn share_of(&self, at: u32, pool: &Pool) -> Share {
        if self.pool_version == pool.version() {
            self.standings[at as usize].share
        } else {
            let node = self.node(at);
            Share::of(&node.held, pool, node.weight)
        }
    }

    /// What a client itself holds.
    pub(crate) fn held(&self, client: u32) -> Option<&Quantities> {
        self.leaf(client).map(|leaf| &self.node(leaf).held)
    }

    /// What all clients hold together.
    pub(crate) fn held_by_all(&self) -> &Quantities {
        &self.node(ROOT).held
    }

    /// Every node's holdings must be the sum of its children's; names the first node that differs.
    pub(crate) fn find_drift(&self) -> Option<(String, Quantities, Quantities)> {
        let inner = (0_u32..).zip(&self.nodes).filter(|(_, node)| !node.children.is_empty());
        for (_, node) in inner {
            let mut derived = Quantities::default();
            let mut active = 0;
            for child in &node.children {
                active += self.node(*child).active;
                for (name, amount) in named(&self.node(*child).held) {
                    derived.add(name, amount);
                }
            }
            if derived != node.held || active != node.active {
                return Some((crate::text::Text(&node.segment).to_string(), node.held.clone(), derived));
            }
        }
        None
    }
}

/// A row with its names.
fn named(row: &Quantities) -> impl Iterator<Item = (NameId, Amount)> {
    (0_u32..).map(NameId::new).zip(row.row().iter().copied())
}

/// The active clients in the order of their turn.
#[derive(Debug)]
pub(crate) struct Turns<'a> {
    sorter: &'a Sorter,
    siblings: std::slice::Iter<'a, u32>,
    /// Where the walk goes on when these siblings are through.
    above: SmallVec<[std::slice::Iter<'a, u32>; 4]>,
}

impl Iterator for Turns<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        loop {
            let Some(at) = self.siblings.next() else {
                self.siblings = self.above.pop()?;
                continue;
            };
            match self.sorter.clients[*at as usize] {
                Some(client) => return Some(client),
                None => {
                    let inside = self.sorter.node(*at).order.iter();
                    self.above.push(std::mem::replace(&mut self.siblings, inside));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
