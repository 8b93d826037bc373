//! The random order: who comes next by lot, weighted, without looking at what anybody holds.
//!
//! A leaf with a part p of all the weight draws a number u in (0, 1) and gets the lot −ln(u) / p; the smallest lot comes
//! first. That puts each leaf first with probability p, and the rest behind it in the same way.
//!
//! What is drawn is decided by two keys: that of the urn (the place of the agent in the stage of the run, and for
//! frameworks the role) and that of the leaf (its path). Both are hashes of names, FNV-1a of 64 bits. The number drawn is
//! the next one of a SplitMix64 generator whose state is both keys, one xored to the other: its upper 53 bits, in the
//! middle of their step.

use std::cmp::Ordering;

use crate::Name;

/// Continues an FNV-1a hash.
fn fnv1a(start: u64, bytes: &[u8]) -> u64 {
    let mut hash = start;
    for byte in bytes {
        hash ^= u64::from(*byte);
        hash = hash.wrapping_mul(1_099_511_628_211);
    }
    hash
}

/// Where an FNV-1a hash begins.
const FNV_OFFSET: u64 = 14_695_981_039_346_656_037;

/// The next number of a SplitMix64 generator in this state.
pub(crate) fn splitmix64(state: u64) -> u64 {
    let mut next = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    next ^= next >> 30;
    next = next.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    next ^= next >> 27;
    next = next.wrapping_mul(0x94d0_49bb_1331_11eb);
    next ^ (next >> 31)
}

/// What lots are drawn from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Urn(u64);

impl Urn {
    /// For roles on the agent with this place.
    pub(super) fn of_roles(place: u64) -> Urn {
        Urn(place)
    }

    /// For the frameworks of a role on the agent with this place.
    pub(super) fn of_frameworks(place: u64, role: &[u8]) -> Urn {
        Urn(place ^ fnv1a(FNV_OFFSET, role))
    }

    /// The lot of a leaf that has this part of all the weight. Each component of the path is hashed with a slash behind.
    pub(super) fn lot(self, path: &[u8], part: f64) -> Lot {
        let leaf = fnv1a(fnv1a(FNV_OFFSET, path), b"/");
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
        let drawn = ((splitmix64(self.0 ^ leaf) >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
        Lot(-drawn.ln() / part)
    }

    /// Names in an order drawn among equals.
    pub(super) fn draw_equals<'a>(self, names: impl Iterator<Item = &'a Name>) -> Vec<Name> {
        let names: Vec<&Name> = names.collect();
        #[expect(clippy::cast_precision_loss, reason = "few")]
        let part = 1.0 / names.len() as f64;
        let mut lots: Vec<(Lot, &Name)> =
            names.into_iter().map(|name| (self.lot(name, part), name)).collect();
        lots.sort();
        lots.into_iter().map(|(_, name)| name.clone()).collect()
    }
}

/// What was drawn; the smallest comes first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lot(f64);

impl Ord for Lot {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Lot {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Lot {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Lot {}
