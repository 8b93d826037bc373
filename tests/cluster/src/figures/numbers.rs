//! Clocks and medians.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, Timespec, clock_gettime};

/// The median; of an even number the mean of both in the middle. Zero of none.
#[must_use]
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match (sorted.get(middle), middle.checked_sub(1).and_then(|below| sorted.get(below))) {
        (Some(upper), Some(lower)) if sorted.len().is_multiple_of(2) => f64::midpoint(*lower, *upper),
        (Some(value), _) => *value,
        (None, _) => 0.0,
    }
}

/// To three decimals, for JSON.
#[must_use]
pub fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// A time in milliseconds.
#[must_use]
pub fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// A time in microseconds.
#[must_use]
pub fn us(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// CPU time of all threads of this process so far.
#[must_use]
pub fn cpu_of_process() -> Duration {
    duration(clock_gettime(ClockId::ProcessCPUTime))
}

fn duration(time: Timespec) -> Duration {
    let (seconds, nanoseconds) = (u64::try_from(time.tv_sec), u32::try_from(time.tv_nsec));
    Duration::new(seconds.unwrap_or(0), nanoseconds.unwrap_or(0))
}

/// What something took: on the wall's clock, and of the processor on the calling thread.
#[derive(Debug, Clone, Copy, Default)]
pub struct Took {
    /// On the wall's clock.
    pub wall: Duration,
    /// Of the processor.
    pub cpu: Duration,
}

/// Does something, and says what it took.
pub fn timed<T>(work: impl FnOnce() -> T) -> (T, Took) {
    let cpu = duration(clock_gettime(ClockId::ThreadCPUTime));
    let begun = Instant::now();
    let done = work();
    let wall = begun.elapsed();
    let cpu = duration(clock_gettime(ClockId::ThreadCPUTime)).saturating_sub(cpu);
    (done, Took { wall, cpu })
}

impl std::ops::Add for Took {
    type Output = Took;

    fn add(self, other: Took) -> Took {
        Took { wall: self.wall + other.wall, cpu: self.cpu + other.cpu }
    }
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn median_is_the_value_in_the_middle() {
        assert_eq!(median(&[]), 0.0);
        assert_eq!(median(&[3.0, 1.0, 20.0]), 3.0);
        assert_eq!(median(&[4.0, 1.0, 20.0, 2.0]), 3.0);
    }
}
