//! What is to happen, in the order of time; what is to happen at the same time, in the order in which it was noted down.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use apportion_core::Instant;

/// Something that is to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Happening {
    /// The allocation interval has passed.
    Tick,
    /// A run that the allocator asked for is due.
    Cycle,
    /// The next job arrives at this scheduler.
    Arrival(usize),
    /// This scheduler has decided.
    Decision(usize),
    /// The task of this number comes to its end, unless it was ended before.
    End(u64),
}

/// The agenda of a simulation.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    entries: BinaryHeap<Reverse<(Instant, u64, Happening)>>,
    noted: u64,
}

impl Agenda {
    pub(crate) fn note(&mut self, at: Instant, happening: Happening) {
        self.noted += 1;
        self.entries.push(Reverse((at, self.noted, happening)));
    }

    /// The next, if it happens no later than `end`.
    pub(crate) fn next_until(&mut self, end: Instant) -> Option<(Instant, Happening)> {
        let Reverse((at, _, happening)) = self.entries.peek().copied()?;
        if at > end {
            return None;
        }
        self.entries.pop();
        Some((at, happening))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happens_at_the_same_time_happens_in_the_order_it_was_noted() {
        let mut agenda = Agenda::default();
        let at = Instant::from_nanos;
        agenda.note(at(5), Happening::End(1));
        agenda.note(at(3), Happening::Tick);
        agenda.note(at(5), Happening::Cycle);
        agenda.note(at(9), Happening::Tick);
        let order: Vec<_> = std::iter::from_fn(|| agenda.next_until(at(8))).collect();
        assert_eq!(order, [(at(3), Happening::Tick), (at(5), Happening::End(1)), (at(5), Happening::Cycle)]);
        assert_eq!(agenda.next_until(at(9)), Some((at(9), Happening::Tick)));
    }
}
