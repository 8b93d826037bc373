//! How long something took, over the last hour, with the statistics that the host's own timers publish.

use std::time::Duration;

/// How far back samples count.
const WINDOW: Duration = Duration::from_secs(3600);
/// Samples kept at most; beyond that the older half becomes coarser, as in the host.
const SAMPLES_MAX: usize = 1000;

/// What a timer publishes beside its last value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Statistic {
    /// The last sample.
    Last,
    Count,
    Max,
    Min,
    /// The share of samples below it, in ten-thousandths.
    Percentile(u16),
}

impl Statistic {
    /// All of them, each with what follows the timer's name.
    pub(super) const ALL: [(Statistic, &'static str); 10] = [
        (Statistic::Last, ""),
        (Statistic::Count, "/count"),
        (Statistic::Max, "/max"),
        (Statistic::Min, "/min"),
        (Statistic::Percentile(5000), "/p50"),
        (Statistic::Percentile(9000), "/p90"),
        (Statistic::Percentile(9500), "/p95"),
        (Statistic::Percentile(9900), "/p99"),
        (Statistic::Percentile(9990), "/p999"),
        (Statistic::Percentile(9999), "/p9999"),
    ];
}

/// The samples of one timer, in milliseconds, by the host's clock.
#[derive(Debug, Default)]
pub(super) struct Timings {
    last: Option<f64>,
    /// (nanoseconds since the epoch, milliseconds), oldest first.
    samples: Vec<(i64, f64)>,
    /// Which sample goes next when there are too many.
    next: Option<usize>,
}

impl Timings {
    /// Takes a sample that ended at `now`.
    pub(super) fn record(&mut self, now: i64, took: Duration) {
        let milliseconds = took.as_secs_f64() * 1000.0;
        self.last = Some(milliseconds);
        match self.samples.last_mut() {
            // The host keeps one sample for each point in time.
            Some(last) if last.0 == now => last.1 = milliseconds,
            _ => self.samples.push((now, milliseconds)),
        }
        self.forget_before(now.saturating_sub(i64::try_from(WINDOW.as_nanos()).unwrap_or(i64::MAX)));
        self.thin();
    }

    /// One number; the last sample needs one, everything else two.
    pub(super) fn get(&self, statistic: Statistic) -> Option<f64> {
        if statistic == Statistic::Last {
            return self.last;
        }
        if self.samples.len() < 2 {
            return None;
        }
        let mut sorted: Vec<f64> = self.samples.iter().map(|(_, milliseconds)| *milliseconds).collect();
        sorted.sort_by(f64::total_cmp);
        match statistic {
            Statistic::Last => self.last,
            Statistic::Count => Some(super::number(sorted.len() as u64)),
            Statistic::Max => sorted.last().copied(),
            Statistic::Min => sorted.first().copied(),
            Statistic::Percentile(share) => Some(percentile(&sorted, share)),
        }
    }

    /// Drops what is too old; the newest sample stays in any case.
    fn forget_before(&mut self, oldest: i64) {
        let gone = self.samples.partition_point(|(time, _)| *time <= oldest);
        if gone == 0 || gone == self.samples.len() {
            return;
        }
        self.samples.drain(..gone);
        self.next = self.next.and_then(|next| next.checked_sub(gone)).filter(|next| *next > 0);
    }

    /// Drops every second sample of the older half, one at a time, from the oldest on.
    fn thin(&mut self) {
        while self.samples.len() > SAMPLES_MAX {
            let next = self.next.filter(|next| *next <= self.samples.len() / 2).unwrap_or(1);
            self.samples.remove(next);
            self.next = Some(next + 1);
        }
    }
}

/// Between the two nearest samples, in proportion. There are two at least.
fn percentile(sorted: &[f64], share: u16) -> f64 {
    let scaled = usize::from(share) * (sorted.len() - 1);
    let (below, rest) = (scaled / 10_000, scaled % 10_000);
    let low = sorted[below];
    let high = sorted.get(below + 1).copied().unwrap_or(low);
    low + super::number(rest as u64) / 10_000.0 * (high - low)
}

#[cfg(test)]
mod tests {
    use super::{SAMPLES_MAX, Statistic, Timings};
    use std::time::Duration;

    const SECOND: i64 = 1_000_000_000;

    fn timings(samples: &[u64]) -> Timings {
        let mut timings = Timings::default();
        for (at, milliseconds) in (0_i64..).zip(samples) {
            timings.record(at * SECOND, Duration::from_millis(*milliseconds));
        }
        timings
    }

    #[test]
    fn one_sample_has_a_value_and_two_have_statistics() {
        let none = timings(&[]);
        let one = timings(&[7]);
        let two = timings(&[7, 3]);
        for (statistic, _) in Statistic::ALL {
            assert_eq!(none.get(statistic), None);
            assert_eq!(one.get(statistic).is_some(), statistic == Statistic::Last);
            assert!(two.get(statistic).is_some());
        }
        assert_eq!(one.get(Statistic::Last), Some(7.0));
        assert_eq!(two.get(Statistic::Last), Some(3.0));
        assert_eq!((two.get(Statistic::Min), two.get(Statistic::Max)), (Some(3.0), Some(7.0)));
        assert_eq!((two.get(Statistic::Count), two.get(Statistic::Percentile(5000))), (Some(2.0), Some(5.0)));
    }

    #[test]
    fn a_percentile_lies_between_its_neighbours_in_proportion() {
        let timings = timings(&[50, 10, 40, 20, 30]);
        assert_eq!(timings.get(Statistic::Percentile(5000)), Some(30.0));
        assert_eq!(timings.get(Statistic::Percentile(9000)), Some(46.0));
        let high = timings.get(Statistic::Percentile(9999)).unwrap();
        assert!((high - 49.996).abs() < 1e-9, "{high}");
    }

    #[test]
    fn samples_older_than_an_hour_are_forgotten_but_never_the_last() {
        let mut timings = timings(&[1, 2, 3]);
        timings.record(3601 * SECOND, Duration::from_millis(4));
        assert_eq!(timings.get(Statistic::Min), Some(3.0));
        timings.record(10_000 * SECOND, Duration::from_millis(5));
        assert_eq!(timings.get(Statistic::Count), None, "one is left");
        assert_eq!(timings.get(Statistic::Last), Some(5.0));
    }

    #[test]
    fn too_many_samples_thin_out_the_older_half() {
        let all: Vec<u64> = (0..SAMPLES_MAX as u64 + 100).collect();
        let timings = timings(&all);
        assert_eq!(timings.samples.len(), SAMPLES_MAX);
        let kept: Vec<i64> = timings.samples.iter().take(4).map(|(time, _)| time / SECOND).collect();
        assert_eq!(kept, [0, 2, 4, 6]);
        let last = timings.samples.last().unwrap().0 / SECOND;
        assert_eq!(last, i64::try_from(all.len()).unwrap() - 1);
    }
}
