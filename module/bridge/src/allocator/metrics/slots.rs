//! The metrics that the shim publishes, by slot, and what it must be told of them.

use std::collections::HashMap;

use crate::abi::{apportion_effects, apportion_metric};
use crate::allocator::outbox::view;

/// Metrics by slot. A slot is never used again: whoever still asks for it gets no number, and not another's.
#[derive(Debug)]
pub(super) struct Slots<Metric> {
    metrics: HashMap<u32, Metric>,
    next: u32,
    removed: Vec<u32>,
    added: Vec<(u32, Vec<u8>)>,
    lent: Lent,
}

/// What the shim is being told: valid until the next call.
#[derive(Debug, Default)]
struct Lent {
    removed: Vec<u32>,
    added: Vec<(u32, Vec<u8>)>,
    views: Vec<apportion_metric>,
}

// SAFETY: the pointers in `views` point into `added` beside it, whose heap blocks do not move with the vector; nobody
// reads them but the shim, until the next call.
unsafe impl Send for Lent {}

impl<Metric> Default for Slots<Metric> {
    fn default() -> Self {
        let (removed, added) = (Vec::new(), Vec::new());
        Slots { metrics: HashMap::new(), next: 0, removed, added, lent: Lent::default() }
    }
}

impl<Metric> Slots<Metric> {
    /// Publishes a metric.
    pub(super) fn add(&mut self, name: Vec<u8>, metric: Metric) -> u32 {
        let slot = self.next;
        // Four billion metrics are more than a master ever has: a hundred new ones a second last over a year.
        self.next = self.next.wrapping_add(1);
        self.metrics.insert(slot, metric);
        self.added.push((slot, name));
        slot
    }

    /// Takes a metric back.
    pub(super) fn remove(&mut self, slot: u32) {
        self.metrics.remove(&slot);
        // The shim never hears of a metric that comes and goes between two of its calls.
        let told = self.added.len();
        self.added.retain(|(added, _)| *added != slot);
        if self.added.len() == told {
            self.removed.push(slot);
        }
    }

    /// The metric in a slot.
    pub(super) fn get(&self, slot: u32) -> Option<&Metric> {
        self.metrics.get(&slot)
    }

    /// The metric in a slot, to change it.
    pub(super) fn get_mut(&mut self, slot: u32) -> Option<&mut Metric> {
        self.metrics.get_mut(&slot)
    }

    /// Puts what the shim has not been told yet into the effects.
    pub(super) fn lend(&mut self, effects: &mut apportion_effects) {
        let lent = &mut self.lent;
        lent.removed = std::mem::take(&mut self.removed);
        lent.added = std::mem::take(&mut self.added);
        let views = lent.added.iter().map(|(slot, name)| apportion_metric { slot: *slot, name: view(name) });
        lent.views = views.collect();
        effects.metrics_removed = lent.removed.as_ptr();
        effects.metrics_removed_size = lent.removed.len();
        effects.metrics_added = lent.views.as_ptr();
        effects.metrics_added_size = lent.views.len();
    }
}

#[cfg(test)]
mod tests {
    use super::Slots;
    use crate::allocator::entries::nothing;

    fn told(slots: &mut Slots<char>) -> (usize, usize) {
        let mut effects = nothing(b"");
        slots.lend(&mut effects);
        (effects.metrics_removed_size, effects.metrics_added_size)
    }

    #[test]
    fn a_metric_is_told_of_once_and_its_slot_is_never_used_again() {
        let mut slots = Slots::default();
        let first = slots.add(b"first".to_vec(), 'a');
        assert_eq!(told(&mut slots), (0, 1));
        assert_eq!(told(&mut slots), (0, 0));
        slots.remove(first);
        let second = slots.add(b"second".to_vec(), 'b');
        assert_ne!(second, first);
        assert_eq!((slots.get(first), slots.get(second)), (None, Some(&'b')));
        assert_eq!(told(&mut slots), (1, 1));
    }

    #[test]
    fn what_comes_and_goes_before_anybody_is_told_was_never_there() {
        let mut slots = Slots::default();
        let slot = slots.add(b"short".to_vec(), 'a');
        slots.remove(slot);
        assert_eq!(told(&mut slots), (0, 0));
    }
}
