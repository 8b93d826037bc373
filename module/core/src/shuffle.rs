//! The order of agents in a run: a shuffle that the seed and the number of the run decide, and nothing else.

/// SplitMix64: small, well mixed, and the same on every machine.
#[derive(Debug, Clone)]
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which must not be 0 (multiply and shift: the bias is below 2^-32 for any table).
    fn below(&mut self, bound: usize) -> usize {
        let wide = u128::from(self.next()) * bound as u128;
        usize::try_from(wide >> 64).unwrap_or(0)
    }
}

/// Shuffles `items` for one run.
pub(crate) fn shuffle<T>(items: &mut [T], seed: u64, run: u64) {
    let mut random = SplitMix64(seed ^ run.wrapping_mul(0xd134_2543_de82_ef95));
    for last in (1..items.len()).rev() {
        items.swap(last, random.below(last + 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(seed: u64, run: u64) -> Vec<u32> {
        let mut items: Vec<u32> = (0..20).collect();
        shuffle(&mut items, seed, run);
        items
    }

    #[test]
    fn seed_and_run_decide_the_order() {
        assert_eq!(order(7, 1), order(7, 1));
        assert_ne!(order(7, 1), order(7, 2));
        assert_ne!(order(7, 1), order(8, 1));
        let mut sorted = order(7, 1);
        sorted.sort_unstable();
        assert_eq!(sorted, (0..20).collect::<Vec<_>>());
    }

    #[test]
    fn every_item_comes_first_about_equally_often() {
        let mut first = [0_u32; 20];
        for run in 0..20_000 {
            first[order(42, run)[0] as usize] += 1;
        }
        assert!(first.iter().all(|count| (800..1200).contains(count)), "{first:?}");
    }
}
