//! Shapes of agents: what many agents have alike is kept once.
//!
//! A cluster has thousands of agents and a handful of machine types. Agents of one shape refer to one list, so a run that goes
//! from agent to agent finds it in the processor's cache, and comparing what two of them have is a look at where it is.

use std::collections::BTreeSet;

use crate::holding::Holding;

/// Shapes are looked through for those that no agent has any more when there are this many, at least.
const LEAST: usize = 1024;

/// What agents have, each list once.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shapes {
    known: BTreeSet<Holding>,
    /// How many there were after the last look through them.
    kept: usize,
}

impl Shapes {
    /// The same resources, as the list that other agents have if there is one.
    pub(crate) fn share(&mut self, total: Holding) -> Holding {
        if let Some(known) = self.known.get(&total) {
            return known.clone();
        }
        if self.known.len() >= LEAST.max(2 * self.kept) {
            self.known.retain(Holding::is_referred_to_elsewhere);
            self.kept = self.known.len();
        }
        self.known.insert(total.clone());
        total
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Amount, Item, KindId};

    fn cpus(units: i64) -> Holding {
        Holding::new([Item::scalar(KindId::new(0, true, false), Amount::whole(units))])
    }

    #[test]
    fn agents_of_one_shape_share_one_list() {
        let mut shapes = Shapes::default();
        let (first, second) = (shapes.share(cpus(4)), shapes.share(cpus(4)));
        assert!(std::ptr::eq(first.items(), second.items()));
        assert_eq!(shapes.share(cpus(5)), cpus(5));
    }

    #[test]
    fn shapes_that_no_agent_has_any_more_are_forgotten() {
        let mut shapes = Shapes::default();
        let kept = shapes.share(cpus(1));
        for units in 2..10_000 {
            shapes.share(cpus(units));
        }
        assert!(shapes.known.len() <= LEAST, "{}", shapes.known.len());
        assert!(std::ptr::eq(kept.items(), shapes.share(cpus(1)).items()));
    }
}
