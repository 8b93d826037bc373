//! What a scheduler saw while it was measured, and what all of them saw together.

use std::time::{Duration, Instant};

use apportion_scheduler_simulation::Work;

/// From when to when it is measured.
pub(crate) type Window = (Instant, Instant);

/// What one scheduler saw. Amounts are seconds times cpus, counts those of the time that was measured.
#[derive(Debug)]
pub(crate) struct Books {
    pub(crate) work: Work,
    window: Window,
    pub(crate) used: f64,
    /// The part of it on lent resources.
    pub(crate) lent: f64,
    /// By tasks that were evicted; not in the others.
    pub(crate) lost: f64,
    /// Seconds from a job's arrival to the first decision about it.
    pub(crate) waits: Vec<f64>,
    pub(crate) started: u32,
    pub(crate) commits: u32,
    pub(crate) conflicts: u32,
    pub(crate) evictions: u32,
}

impl Books {
    pub(crate) fn new(work: Work, window: Window) -> Books {
        Books {
            work,
            window,
            used: 0.0,
            lent: 0.0,
            lost: 0.0,
            waits: Vec::new(),
            started: 0,
            commits: 0,
            conflicts: 0,
            evictions: 0,
        }
    }

    /// Whether it is measured now.
    pub(crate) fn are_open(&self) -> bool {
        self.contain(Instant::now())
    }

    pub(crate) fn contain(&self, at: Instant) -> bool {
        self.window.0 <= at && at < self.window.1
    }

    pub(crate) fn end(&self) -> Instant {
        self.window.1
    }

    /// The seconds of the time that is measured since then, until now.
    pub(crate) fn seconds_since(&self, then: Instant) -> f64 {
        let until = Instant::now().min(self.window.1);
        until.saturating_duration_since(then.max(self.window.0)).as_secs_f64()
    }
}

/// What one measurement found.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// Part of all cpus in use on average, without what evictions made useless.
    pub(crate) used: f64,
    pub(crate) lent: f64,
    pub(crate) lost: f64,
    /// Mean seconds from a job's arrival to the first decision about it; `None` without jobs.
    pub(crate) service_wait: Option<f64>,
    pub(crate) batch_wait: Option<f64>,
    pub(crate) started: u32,
    pub(crate) commits: u32,
    pub(crate) conflicts: u32,
    pub(crate) evictions: u32,
}

impl Found {
    pub(crate) fn new(books: &[Books], cpus: f64, measured: Duration) -> Found {
        let part = |of: fn(&Books) -> f64| books.iter().map(of).sum::<f64>() / cpus / measured.as_secs_f64();
        let count = |of: fn(&Books) -> u32| books.iter().map(of).sum();
        let wait = |work: Work| {
            let waits: Vec<f64> = books
                .iter()
                .filter(|own| own.work == work)
                .flat_map(|own| own.waits.iter().copied())
                .collect();
            let number = u32::try_from(waits.len()).ok().filter(|number| *number > 0)?;
            Some(waits.iter().sum::<f64>() / f64::from(number))
        };
        Found {
            used: part(|own| own.used),
            lent: part(|own| own.lent),
            lost: part(|own| own.lost),
            service_wait: wait(Work::Service),
            batch_wait: wait(Work::Batch),
            started: count(|own| own.started),
            commits: count(|own| own.commits),
            conflicts: count(|own| own.conflicts),
            evictions: count(|own| own.evictions),
        }
    }

    /// Conflicts for each lent launch that went through; `None` without any.
    pub(crate) fn conflict_fraction(&self) -> Option<f64> {
        (self.commits > 0).then(|| f64::from(self.conflicts) / f64::from(self.commits))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_all_schedulers_used_counts_against_all_cpus() {
        let now = Instant::now();
        let mut books = [Work::Service, Work::Batch].map(|work| Books::new(work, (now, now)));
        (books[0].used, books[1].used, books[1].commits, books[1].conflicts) = (30.0, 10.0, 4, 2);
        books[1].waits = vec![1.0, 2.0];
        let found = Found::new(&books, 8.0, Duration::from_secs(10));
        assert_eq!((found.used, found.conflict_fraction()), (0.5, Some(0.5)));
        assert_eq!((found.service_wait, found.batch_wait), (None, Some(1.5)));
    }

    #[test]
    fn only_what_is_in_the_window_counts() {
        let now = Instant::now();
        let second = Duration::from_secs(1);
        let books =
            Books::new(Work::Batch, (now.checked_sub(5 * second).unwrap(), now.checked_sub(second).unwrap()));
        assert_eq!(books.seconds_since(now.checked_sub(9 * second).unwrap()), 4.0);
        assert_eq!(books.seconds_since(now.checked_sub(2 * second).unwrap()), 1.0);
        assert!(!books.are_open());
    }
}
