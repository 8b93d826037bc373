//! Random numbers that are the same on every machine: SplitMix64, and what is made of it.

use std::time::Duration;

/// A stream of random numbers. Streams of one seed with different numbers have nothing to do with each other.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

/// The increment of SplitMix64 (Steele, Lea and Flood, 2014).
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
/// 2^53, how many different numbers [`Random::unit`] gives.
const UNITS: f64 = 9_007_199_254_740_992.0;

impl Random {
    pub(crate) fn new(seed: u64, stream: u64) -> Random {
        // Mixed once, so that neighbouring streams begin far from each other.
        let mut streams = Random(seed ^ stream.wrapping_mul(STEP));
        Random(streams.next())
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// More than 0 and less than 1.
    fn unit(&mut self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
        let numerator = (self.next() >> 11) as f64;
        (numerator + 0.5) / UNITS
    }

    /// Exponentially distributed with the mean 1. The platform's logarithm may differ in its last bit.
    fn exponential(&mut self) -> f64 {
        -libm::log(self.unit())
    }

    /// Exponentially distributed: times between arrivals that know nothing of each other, lengths of tasks.
    pub(crate) fn time(&mut self, mean: Duration) -> Duration {
        mean.mul_f64(self.exponential())
    }

    /// A count of at least 1 with this mean, geometrically distributed.
    pub(crate) fn count(&mut self, mean: f64) -> usize {
        if mean <= 1.0 {
            return 1;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "not negative, and far below 2^53 for any mean that fits a cluster"
        )]
        let further = (self.exponential() / -libm::log1p(-1.0 / mean)) as usize;
        1 + further
    }

    /// A number below `end`, which is not 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        let drawn = self.next() % end.max(1) as u64;
        usize::try_from(drawn).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_gives_the_numbers_that_were_published_for_it() {
        let mut random = Random(1_234_567);
        let first = [random.next(), random.next(), random.next()];
        assert_eq!(first, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn streams_differ_and_repeat() {
        let draw = |seed, stream| Random::new(seed, stream).next();
        assert_eq!(draw(1, 2), draw(1, 2));
        assert_ne!(draw(1, 2), draw(1, 3));
        assert_ne!(draw(1, 2), draw(2, 2));
    }

    #[test]
    fn means_are_those_that_were_asked_for() {
        let mut random = Random::new(7, 0);
        let draws = 100_000;
        let time: Duration = (0..draws).map(|_| random.time(Duration::from_secs(10))).sum();
        let mean = time.as_secs_f64() / f64::from(draws);
        assert!((mean - 10.0).abs() < 0.15, "{mean}");
        for wanted in [1.0, 1.4, 3.0, 80.0] {
            let total: usize = (0..draws).map(|_| random.count(wanted)).sum();
            let mean = f64::from(u32::try_from(total).unwrap()) / f64::from(draws);
            assert!((mean - wanted).abs() < 0.02 * wanted, "{mean} instead of {wanted}");
        }
    }
}
