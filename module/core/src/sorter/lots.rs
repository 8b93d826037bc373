//! The random order: who comes next by lot, weighted, without looking at what anybody holds.
//!
//! ```text
//! relative weight = that of the parent × weight / weights of the node and its active siblings     (root: 1)
//! lot             = −ln(u) / relative weight,   u uniform in (0, 1);   smallest first
//! ```
//!
//! That is weighted sampling without replacement (Efraimidis and Spirakis, 2006): the first place goes to each leaf with
//! a probability of its relative weight. The leaves of a subtree need not stand together.

use super::{ROOT, Sorter};
use crate::shuffle::mix;

/// One step of FNV-1a over a path component, so that each node has a lot of its own.
fn path_key(parent: u64, segment: &[u8]) -> u64 {
    segment
        .iter()
        .chain(b"/")
        .fold(parent, |key, byte| (key ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// A number in (0, 1), the same on every machine.
fn uniform(key: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit into a double")]
    let steps = (mix(key) >> 11) as f64;
    (steps + 0.5) / 9_007_199_254_740_992.0
}

impl Sorter {
    /// The active clients in an order drawn from `key`: the same key, the same order.
    pub(crate) fn draw(&self, key: u64) -> Vec<u32> {
        let mut lots: Vec<(f64, u32)> = Vec::with_capacity(self.active_len() as usize);
        let mut open = vec![(ROOT, 1.0_f64, 0xcbf2_9ce4_8422_2325_u64)];
        while let Some((at, relative, path)) = open.pop() {
            if let Some(client) = self.clients[at as usize] {
                // Not the platform's logarithm: that may differ in the last bit.
                lots.push((-libm::log(uniform(key ^ path)) / relative, client));
                continue;
            }
            let children = || self.node(at).children.iter().filter(|child| self.node(**child).active > 0);
            let weight = |child: &u32| {
                #[expect(clippy::cast_precision_loss, reason = "weights end at 2^52 millionths")]
                let weight = self.node(*child).weight.in_millionths() as f64;
                weight
            };
            let sum: f64 = children().map(weight).sum();
            for child in children() {
                let path = path_key(path, &self.node(*child).segment);
                open.push((*child, relative * weight(child) / sum, path));
            }
        }
        lots.sort_by(|(left, left_client), (right, right_client)| {
            left.total_cmp(right).then(left_client.cmp(right_client))
        });
        lots.into_iter().map(|(_, client)| client).collect()
    }
}
