//! Repeatable choices out of a seed.

use std::time::Duration;

/// A generator of choices (SplitMix64): the same seed gives the same choices on every machine.
#[derive(Debug, Clone)]
pub struct Random {
    state: u64,
}

impl Random {
    /// A generator for a seed.
    pub fn new(seed: u64) -> Random {
        Random { state: seed }
    }

    /// A generator of its own for the part `number` of what this seed is for.
    pub fn part(seed: u64, number: u64) -> Random {
        let mut random = Random::new(seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        random.bits();
        random
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number below `bound`; 0 when that is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.bits().checked_rem(bound).unwrap_or(0)
    }

    /// True in so many of a hundred cases.
    pub fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }

    /// One of several; the first of one. `None` of none.
    pub fn choose<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        let count = u64::try_from(from.len()).ok()?;
        from.get(usize::try_from(self.below(count)).ok()?)
    }

    /// A time from `least` to `most`, in steps of a millisecond.
    pub fn millis(&mut self, least: u64, most: u64) -> Duration {
        Duration::from_millis(least + self.below(most.saturating_sub(least) + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn same_seed_gives_the_same_choices_and_another_seed_others() {
        let take = |seed| {
            let mut random = Random::new(seed);
            [0; 8].map(|_: u64| random.bits())
        };
        assert_eq!(take(7), take(7));
        assert_ne!(take(7), take(8));
    }

    #[test]
    fn times_stay_within_their_bounds() {
        let mut random = Random::new(1);
        for _ in 0..1000 {
            let time = random.millis(5, 7).as_millis();
            assert!((5..=7).contains(&time), "{time}");
        }
        assert_eq!(random.below(0), 0);
    }
}
