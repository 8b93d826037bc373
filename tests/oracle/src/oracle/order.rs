//! Who comes first: the client tree with its allocation counts, and exact dominant shares.
//!
//! Shares are worked out anew for each question. Allocation counts cannot be: they remember what happened, so they are
//! the only thing kept here, node by node, with the rules for splitting and collapsing leaves.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use apportion_core::Weight;

use super::lots::{Lot, Urn};
use crate::Name;
use crate::quantities::Quantities;
use crate::resources::{is_below, is_within};

/// The frameworks tracked in each role, and how often roles and frameworks were given something.
#[derive(Debug, Clone, Default)]
pub(super) struct Clients {
    /// Role, framework, how often the framework was given something in it.
    roles: BTreeMap<Name, BTreeMap<Name, u64>>,
    /// How often each node of the role tree was given something, by path. The root is the empty path. A role with roles
    /// below it has a virtual leaf of its own, whose path ends in `/.`.
    nodes: BTreeMap<Name, u64>,
}

/// The roles above a role, nearest first.
fn ancestors(role: &[u8]) -> Vec<Name> {
    let slashes: Vec<usize> = (0..role.len()).filter(|at| role[*at] == b'/').collect();
    slashes.into_iter().rev().map(|at| role[..at].to_vec()).collect()
}

/// The path of the virtual leaf of a role.
fn virtual_leaf(role: &[u8]) -> Name {
    [role, b"/."].concat()
}

/// The role a leaf stands for.
fn role_of(leaf: Name) -> Name {
    leaf.strip_suffix(b"/.").map(<[u8]>::to_vec).unwrap_or(leaf)
}

impl Clients {
    /// Roles with a tracked framework.
    pub(super) fn roles(&self) -> impl Iterator<Item = &Name> {
        self.roles.keys()
    }

    /// How often a framework was given something in a role.
    pub(super) fn count_of_framework(&self, role: &[u8], framework: &[u8]) -> u64 {
        self.roles[role][framework]
    }

    /// Follows what is tracked now: adds what came, then removes what went.
    pub(super) fn follow(&mut self, tracked: &BTreeMap<&Name, BTreeSet<&Name>>) {
        for (role, frameworks) in tracked {
            if !self.roles.contains_key(*role) {
                self.add(role);
                self.roles.insert((*role).clone(), BTreeMap::new());
            }
            let counts = self.roles.get_mut(*role).expect("added above");
            for framework in frameworks {
                if !counts.contains_key(*framework) {
                    counts.insert((*framework).clone(), 0);
                }
            }
        }
        let gone: Vec<Name> = self.roles.keys().filter(|role| !tracked.contains_key(role)).cloned().collect();
        gone.iter().for_each(|role| self.remove(role));
        for (role, counts) in &mut self.roles {
            counts.retain(|framework, _| tracked[role].contains(framework));
        }
    }

    /// A role becomes a client. A leaf that gets a child splits: its virtual leaf takes over the count.
    fn add(&mut self, role: &[u8]) {
        if self.nodes.contains_key(role) {
            self.nodes.insert(virtual_leaf(role), 0);
            return;
        }
        for ancestor in ancestors(role) {
            if self.roles.contains_key(&ancestor) && !self.nodes.contains_key(&virtual_leaf(&ancestor)) {
                let count = self.nodes[&ancestor];
                self.nodes.insert(virtual_leaf(&ancestor), count);
            }
            self.nodes.entry(ancestor).or_insert(0);
        }
        self.nodes.insert(role.to_vec(), 0);
    }

    /// A role is no client any more. Its own count goes, what it gave to its ancestors stays; an ancestor that has
    /// nothing below any more vanishes, or, if it is a client, becomes a plain leaf with the count of the inner node.
    fn remove(&mut self, role: &[u8]) {
        self.roles.remove(role);
        if self.nodes.remove(&virtual_leaf(role)).is_none() {
            self.nodes.remove(role);
        }
        for ancestor in ancestors(role) {
            if self.has_below(&ancestor) {
                continue;
            }
            self.nodes.remove(&virtual_leaf(&ancestor));
            if !self.roles.contains_key(&ancestor) {
                self.nodes.remove(&ancestor);
            }
        }
    }

    fn has_below(&self, path: &[u8]) -> bool {
        self.roles.keys().any(|role| is_below(role, path))
    }

    /// A framework is given something in a role: one more for it, for the role's leaf and for every node above.
    pub(super) fn count(&mut self, role: &[u8], framework: &[u8]) {
        let count = self.roles.get_mut(role).and_then(|counts| counts.get_mut(framework));
        *count.expect("what holds resources is tracked") += 1;
        let own = [virtual_leaf(role), role.to_vec()];
        for path in own.into_iter().chain(ancestors(role)) {
            if let Some(count) = self.nodes.get_mut(&path) {
                *count += 1;
            }
        }
    }

    /// The nodes right below a node (the root if empty), each with its path and whether it is a leaf.
    fn children(&self, path: &[u8]) -> Vec<(Name, bool)> {
        let start = if path.is_empty() { 0 } else { path.len() + 1 };
        let below = self.roles.keys().filter(|role| path.is_empty() || is_below(role, path));
        let children: BTreeSet<Name> = below
            .map(|role| {
                let end = role[start..].iter().position(|byte| *byte == b'/');
                role[..end.map_or(role.len(), |end| start + end)].to_vec()
            })
            .collect();
        let mut children: Vec<(Name, bool)> =
            children.into_iter().map(|child| (child.clone(), !self.has_below(&child))).collect();
        if self.roles.contains_key(path) {
            children.push((virtual_leaf(path), true));
        }
        children
    }

    /// All roles in the order of their turn: by ascending share among siblings, then by count, then by path.
    pub(super) fn order(&self, fairness: &Fairness, held: &BTreeMap<Name, Quantities>) -> Vec<Name> {
        let mut order = Vec::new();
        self.visit(b"", fairness, held, &mut order);
        order
    }

    fn visit(
        &self,
        path: &[u8],
        fairness: &Fairness,
        held: &BTreeMap<Name, Quantities>,
        order: &mut Vec<Name>,
    ) {
        let mut children: Vec<(Share, u64, Name, bool)> = self
            .children(path)
            .into_iter()
            .map(|(child, is_leaf)| {
                let own = child.strip_suffix(b"/.");
                let counted = held.iter().filter(|(role, _)| match own {
                    Some(own) => role.as_slice() == own,
                    None => is_within(role, &child),
                });
                let sum = counted.fold(Quantities::default(), |sum, (_, held)| sum.plus(held));
                (
                    fairness.share(&sum, weight_of(fairness.weights, &child)),
                    self.nodes[&child],
                    child,
                    is_leaf,
                )
            })
            .collect();
        children.sort();
        for (_, _, child, is_leaf) in children {
            if is_leaf {
                order.push(role_of(child));
            } else {
                self.visit(&child, fairness, held, order);
            }
        }
    }

    /// All roles in an order drawn by lot: each leaf draws by itself, whatever subtree it is in.
    pub(super) fn draw(&self, weights: &BTreeMap<Name, Weight>, urn: Urn) -> Vec<Name> {
        let mut lots = Vec::new();
        self.draw_below(b"", 1.0, weights, urn, &mut lots);
        lots.sort_by_key(|(lot, _)| *lot);
        lots.into_iter().map(|(_, leaf)| role_of(leaf)).collect()
    }

    /// The lots of the leaves below a node with a relative weight. Every role is in the order, also one in which nobody
    /// takes offers, so every leaf takes part.
    fn draw_below(
        &self,
        path: &[u8],
        relative: f64,
        weights: &BTreeMap<Name, Weight>,
        urn: Urn,
        lots: &mut Vec<(Lot, Name)>,
    ) {
        let millionths = |path: &[u8]| {
            #[expect(clippy::cast_precision_loss, reason = "weights end at 2^52 millionths")]
            let weight = weight_of(weights, path).in_millionths() as f64;
            weight
        };
        let children = self.children(path);
        let of_siblings: f64 = children.iter().map(|(child, _)| millionths(child)).sum();
        for (child, is_leaf) in children {
            let relative = relative * millionths(&child) / of_siblings;
            if is_leaf {
                lots.push((urn.lot(&child, relative), child));
            } else {
                self.draw_below(&child, relative, weights, urn, lots);
            }
        }
    }
}

/// The weight of a node; the path of a virtual leaf is no role's name, so it has the default.
fn weight_of(weights: &BTreeMap<Name, Weight>, path: &[u8]) -> Weight {
    weights.get(path).copied().unwrap_or_default()
}

/// What shares are measured by.
#[derive(Debug)]
pub(super) struct Fairness<'a> {
    /// What the whole cluster has.
    pub(super) pool: &'a Quantities,
    /// Names that do not count.
    pub(super) excluded: &'a [Box<[u8]>],
    /// Weights of roles that have one.
    pub(super) weights: &'a BTreeMap<Name, Weight>,
}

impl Fairness<'_> {
    /// The largest part held of any resource of the cluster, divided by the weight.
    pub(super) fn share(&self, held: &Quantities, weight: Weight) -> Share {
        let weight = i128::from(weight.in_millionths());
        let countable = self.pool.iter().filter(|(name, _)| !self.excluded.iter().any(|out| **out == **name));
        let shares = countable.map(|(name, pool)| Share { held: held.get(name), of: pool * weight });
        shares.max().unwrap_or(Share { held: 0, of: weight })
    }
}

/// An exact fraction, not negative.
#[derive(Debug, Clone, Copy)]
pub(super) struct Share {
    held: i128,
    of: i128,
}

impl Share {
    /// For show; shares are compared exactly.
    pub(super) fn to_f64(self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "for show")]
        let (held, of) = (self.held as f64, self.of as f64);
        held / of * 1e6
    }
}

impl Ord for Share {
    fn cmp(&self, other: &Self) -> Ordering {
        let left = self.held.checked_mul(other.of).expect("amounts of histories are small");
        let right = other.held.checked_mul(self.of).expect("amounts of histories are small");
        left.cmp(&right)
    }
}

impl PartialOrd for Share {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Share {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Share {}
