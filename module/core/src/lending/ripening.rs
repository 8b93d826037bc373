//! How much of a changing amount has been there for some time.

use std::time::Duration;

use crate::amount::Amount;
use crate::options::Instant;

/// How many times of growth are told apart. Beyond it the two newest count as one, which only makes capacity wait longer.
const STEPS: usize = 8;

/// An amount, and since when its parts have been there. What goes is what came last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ripening {
    /// There long enough.
    ripe: Amount,
    /// Growth not yet ripe, oldest first.
    fresh: Vec<(Instant, Amount)>,
}

impl Ripening {
    /// Takes note of the amount as it is now. `age` is what makes it ripe.
    pub(crate) fn observe(&mut self, amount: Amount, now: Instant, age: Duration) {
        self.ripen(now, age);
        let mut known = self.ripe;
        for (_, part) in &self.fresh {
            known += *part;
        }
        if amount > known {
            self.grow(amount.minus_floored(known), now);
        } else {
            self.shrink(known.minus_floored(amount));
        }
        self.ripen(now, age);
    }

    fn grow(&mut self, growth: Amount, now: Instant) {
        let full = self.fresh.len() >= STEPS;
        match self.fresh.last_mut() {
            Some((since, newest)) if *since == now => *newest += growth,
            Some((since, newest)) if full => {
                *since = now;
                *newest += growth;
            }
            _ => self.fresh.push((now, growth)),
        }
    }

    fn shrink(&mut self, mut by: Amount) {
        while let (true, Some((_, newest))) = (by.is_positive(), self.fresh.last_mut()) {
            let part = by.min(*newest);
            *newest = newest.minus_floored(part);
            by = by.minus_floored(part);
            if newest.is_zero() {
                self.fresh.pop();
            }
        }
        self.ripe = self.ripe.minus_floored(by);
    }

    fn ripen(&mut self, now: Instant, age: Duration) {
        let ripe = self.fresh.iter().take_while(|(since, _)| since.after(age) <= now).count();
        for (_, part) in self.fresh.drain(..ripe) {
            self.ripe += part;
        }
    }

    /// What has been there for as long as it takes, as of the last observation.
    pub(crate) fn ripe(&self) -> Amount {
        self.ripe
    }

    /// When more will be ripe if nothing changes.
    pub(crate) fn next(&self, age: Duration) -> Option<Instant> {
        self.fresh.first().map(|(since, _)| since.after(age))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const AGE: Duration = Duration::from_secs(5);

    fn at(seconds: i64) -> Instant {
        Instant::from_nanos(seconds * 1_000_000_000)
    }

    #[test]
    fn growth_waits_and_what_was_there_does_not() {
        let mut cpus = Ripening::default();
        cpus.observe(Amount::whole(4), at(0), AGE);
        assert_eq!((cpus.ripe(), cpus.next(AGE)), (Amount::ZERO, Some(at(5))));
        cpus.observe(Amount::whole(6), at(4), AGE);
        cpus.observe(Amount::whole(6), at(5), AGE);
        assert_eq!((cpus.ripe(), cpus.next(AGE)), (Amount::whole(4), Some(at(9))));
        cpus.observe(Amount::whole(3), at(6), AGE);
        assert_eq!((cpus.ripe(), cpus.next(AGE)), (Amount::whole(3), None));
    }

    #[test]
    fn without_an_age_everything_is_ripe_at_once() {
        let mut cpus = Ripening::default();
        cpus.observe(Amount::whole(4), at(0), Duration::ZERO);
        assert_eq!((cpus.ripe(), cpus.next(Duration::ZERO)), (Amount::whole(4), None));
    }

    proptest! {
        /// Ripe is never more than the least that was there during the time it takes.
        #[test]
        fn nothing_is_ripe_that_was_not_there_all_the_time(
            changes in prop::collection::vec((0_i64..4, 0_i64..10), 1..40),
        ) {
            let mut cpus = Ripening::default();
            let mut history = vec![(0, 0)];
            let mut now = 0;
            for (pause, amount) in changes {
                now += pause;
                cpus.observe(Amount::whole(amount), at(now), AGE);
                history.push((now, amount));
                let begin = now - 5;
                let before = history.iter().rev().find(|(when, _)| *when <= begin).map_or(0, |(_, amount)| *amount);
                let least = history.iter().filter(|(when, _)| *when > begin).map(|(_, amount)| *amount).min();
                let least = least.map_or(before, |least| least.min(before));
                prop_assert!(cpus.ripe() <= Amount::whole(least.max(0)), "{cpus:?} {history:?}");
                let settled = history.iter().filter(|(when, _)| *when > begin).count() <= 1;
                if settled {
                    prop_assert_eq!(cpus.ripe(), Amount::whole(least));
                }
            }
        }
    }
}
