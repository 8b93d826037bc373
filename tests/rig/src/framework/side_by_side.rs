//! Several frameworks at the same time, each on a thread of its own.

use std::panic::resume_unwind;
use std::thread;

use super::Framework;
use super::spec::FrameworkSpec;
use crate::error::RigError;

impl Framework {
    /// Subscribes several frameworks at once with the master at `master` (`host:port`); they come back in the order of
    /// their specs. One costs two threads, one of which only reads.
    ///
    /// # Errors
    /// The first in that order that [`Framework::subscribe`] gave.
    pub fn subscribe_all(
        master: &str,
        specs: impl IntoIterator<Item = FrameworkSpec>,
    ) -> Result<Vec<Framework>, RigError> {
        let specs: Vec<FrameworkSpec> = specs.into_iter().collect();
        let subscribed = each_on_its_thread(specs, |spec| Framework::subscribe(master, spec));
        subscribed.into_iter().collect()
    }

    /// Lets each of the frameworks do the same at the same time; what each returned, in their order.
    ///
    /// # Panics
    /// When `each` does, after all others have ended.
    pub fn side_by_side<Outcome: Send>(
        frameworks: &mut [Framework],
        each: impl Fn(&mut Framework) -> Outcome + Sync,
    ) -> Vec<Outcome> {
        each_on_its_thread(frameworks.iter_mut(), each)
    }
}

fn each_on_its_thread<Subject: Send, Outcome: Send>(
    subjects: impl IntoIterator<Item = Subject>,
    each: impl Fn(Subject) -> Outcome + Sync,
) -> Vec<Outcome> {
    let each = &each;
    thread::scope(|scope| {
        let threads: Vec<_> =
            subjects.into_iter().map(|subject| scope.spawn(move || each(subject))).collect();
        // All are waited for before a panic goes on.
        let ends: Vec<_> = threads.into_iter().map(thread::ScopedJoinHandle::join).collect();
        ends.into_iter().map(|end| end.unwrap_or_else(|panic| resume_unwind(panic))).collect()
    })
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn outcomes_come_in_the_order_of_the_subjects_whoever_ends_first() {
        // Nobody gets past before all have started.
        let all = Barrier::new(20);
        let doubled = each_on_its_thread(0..20, |number| {
            all.wait();
            number * 2
        });
        assert_eq!(doubled, (0..20).map(|number| number * 2).collect::<Vec<_>>());
    }

    #[test]
    fn a_panic_of_one_is_not_lost_and_waits_for_the_others() {
        let ended = AtomicUsize::new(0);
        let outcome = catch_unwind(|| {
            each_on_its_thread(0..3, |number| {
                assert!(number != 0, "the first fails");
                ended.fetch_add(1, Ordering::Relaxed);
            })
        });
        assert!(outcome.is_err());
        assert_eq!(ended.load(Ordering::Relaxed), 2);
    }
}
