//! What is measured: amounts over time, waits, and counts, from the end of the warm-up to the end of the simulation.

use std::time::Duration;

use apportion_core::{Amount, Instant};

use crate::workload::Work;

/// The part of simulated time that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) begin: Instant,
    pub(crate) end: Instant,
}

impl Window {
    pub(crate) fn contains(self, at: Instant) -> bool {
        self.begin <= at && at < self.end
    }

    pub(crate) fn seconds(self) -> f64 {
        seconds(self.end.nanos() - self.begin.nanos())
    }

    /// How much of a span lies in it.
    pub(crate) fn overlap(self, begin: Instant, end: Instant) -> Duration {
        let nanos = end.min(self.end).nanos().saturating_sub(begin.max(self.begin).nanos());
        Duration::from_nanos(u64::try_from(nanos).unwrap_or_default())
    }
}

/// Nanoseconds as seconds.
#[expect(clippy::cast_precision_loss, reason = "for people: a microsecond in a month is enough")]
fn seconds(nanos: i64) -> f64 {
    nanos as f64 / 1e9
}

/// From one time to another that is not before it.
pub(crate) fn span(from: Instant, to: Instant) -> Duration {
    Duration::from_nanos(u64::try_from(to.nanos().saturating_sub(from.nanos())).unwrap_or_default())
}

/// An amount that changes, and its integral over the window. Exact: thousandths times nanoseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Level {
    window: Window,
    now: Amount,
    since: Instant,
    integral: i128,
}

impl Level {
    pub(crate) fn new(window: Window) -> Level {
        Level { window, now: Amount::ZERO, since: Instant::default(), integral: 0 }
    }

    pub(crate) fn change(&mut self, by: Amount, at: Instant) {
        self.pass(at);
        self.now += by;
    }

    fn pass(&mut self, at: Instant) {
        let counted = self.window.overlap(self.since, at).as_nanos();
        self.integral += i128::from(self.now.in_thousandths()) * i128::try_from(counted).unwrap_or(i128::MAX);
        self.since = at;
    }

    /// Mean over the window. Ends the measurement.
    pub(crate) fn mean(mut self) -> f64 {
        self.pass(self.window.end);
        #[expect(clippy::cast_precision_loss, reason = "for people")]
        let integral = self.integral as f64;
        integral / 1e12 / self.window.seconds()
    }
}

/// Times that something took, in seconds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Times(Vec<Duration>);

impl Times {
    pub(crate) fn add(&mut self, time: Duration) {
        self.0.push(time);
    }

    /// `None` without any.
    pub(crate) fn mean(&self) -> Option<f64> {
        let count = u32::try_from(self.0.len()).ok().filter(|count| *count > 0)?;
        Some(self.0.iter().sum::<Duration>().as_secs_f64() / f64::from(count))
    }

    /// The smallest that nine of ten do not exceed.
    pub(crate) fn ninth_of_ten(mut self) -> Option<f64> {
        self.0.sort_unstable();
        let place = (self.0.len() * 9).div_ceil(10).checked_sub(1)?;
        self.0.get(place).map(Duration::as_secs_f64)
    }
}

/// Counts and times of one kind of work.
#[derive(Debug, Clone, Default)]
pub(crate) struct WorkTally {
    /// Jobs that arrived in the window.
    pub(crate) arrived: u64,
    /// Of these, those all of whose tasks were launched.
    pub(crate) placed: u64,
    /// Of these, those that were given up.
    pub(crate) abandoned: u64,
    /// From arrival to the first decision.
    pub(crate) waits: Times,
    /// From arrival to the launch of the last task.
    pub(crate) until_placed: Times,
    /// Time that schedulers spent deciding.
    pub(crate) deciding: Duration,
}

/// Everything measured in one simulation.
#[derive(Debug, Clone)]
pub(crate) struct Tally {
    pub(crate) window: Window,
    /// Cpus in use, lent ones included.
    pub(crate) used: Level,
    /// Cpus in use that were lent.
    pub(crate) lent: Level,
    /// Tasks that run.
    pub(crate) running: Level,
    /// Jobs about which nobody has decided yet.
    pub(crate) waiting: Level,
    pub(crate) service: WorkTally,
    pub(crate) batch: WorkTally,
    /// Tasks that were launched.
    pub(crate) launches: u64,
    /// Lent launches that went through.
    pub(crate) commits: u64,
    /// Lent launches that were turned down.
    pub(crate) conflicts: u64,
    /// Those of them for which less than they wanted could be lent: the owner used it or gave it back.
    pub(crate) conflicts_with_owners: u64,
    /// Tasks that were ended for others.
    pub(crate) evictions: u64,
    /// Those that were ended for batch work.
    pub(crate) evictions_for_batch: u64,
    /// Cpu time that evicted tasks had used, which is lost.
    pub(crate) lost_cpu_seconds: f64,
}

impl Tally {
    pub(crate) fn new(window: Window) -> Tally {
        let level = Level::new(window);
        Tally {
            window,
            used: level,
            lent: level,
            running: level,
            waiting: level,
            service: WorkTally::default(),
            batch: WorkTally::default(),
            launches: 0,
            commits: 0,
            conflicts: 0,
            conflicts_with_owners: 0,
            evictions: 0,
            evictions_for_batch: 0,
            lost_cpu_seconds: 0.0,
        }
    }

    pub(crate) fn of(&mut self, work: Work) -> &mut WorkTally {
        match work {
            Work::Service => &mut self.service,
            Work::Batch => &mut self.batch,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::default().after(Duration::from_secs(seconds))
    }

    const fn window(begin: i64, end: i64) -> Window {
        let second = 1_000_000_000;
        Window { begin: Instant::from_nanos(begin * second), end: Instant::from_nanos(end * second) }
    }

    #[test]
    fn only_what_happens_in_the_window_counts() {
        let mut level = Level::new(window(10, 20));
        level.change(Amount::whole(4), at(0));
        level.change(Amount::whole(2), at(15));
        level.change(Amount::whole(100), at(20));
        assert_eq!(level.mean(), 5.0);
        assert_eq!(window(10, 20).overlap(at(5), at(12)), Duration::from_secs(2));
        assert_eq!(window(10, 20).overlap(at(21), at(25)), Duration::ZERO);
        assert!(window(10, 20).contains(at(10)) && !window(10, 20).contains(at(20)));
    }

    #[test]
    fn nine_of_ten_are_not_above_the_ninth() {
        let mut times = Times::default();
        assert_eq!((times.mean(), times.clone().ninth_of_ten()), (None, None));
        (1..=10).rev().for_each(|seconds| times.add(Duration::from_secs(seconds)));
        assert_eq!((times.mean(), times.ninth_of_ten()), (Some(5.5), Some(9.0)));
    }
}
