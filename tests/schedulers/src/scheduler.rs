//! One scheduler: its queue of jobs, the offers it holds, and what it is deciding.
//!
//! It decides about one job at a time, the first of its queue, on all offers that it has when it begins. Until it has
//! decided it holds them, whether it is going to need them or not, and whatever it is offered meanwhile waits for the
//! next decision. A job that is not placed completely stays the first.

use std::collections::VecDeque;
use std::time::Duration;

use apportion_core::Instant;

use crate::cluster::Offer;
use crate::random::Random;
use crate::workload::{Arrival, Arrivals, SchedulerSpec};

/// A job that waits for its tasks to be launched.
#[derive(Debug, Clone, Default)]
pub(crate) struct Job {
    pub(crate) arrived: Instant,
    /// How long each of the tasks that are not launched yet runs.
    pub(crate) tasks: Vec<Duration>,
    /// Decisions about it so far.
    pub(crate) attempts: u32,
    /// Whether it consists of tasks that were evicted, of whatever jobs.
    pub(crate) is_evicted_work: bool,
}

/// What a scheduler is deciding.
#[derive(Debug)]
pub(crate) struct Decision {
    pub(crate) job: Job,
    /// The offers it is about, each with how many tasks are to be launched on it.
    pub(crate) plan: Vec<(Offer, usize)>,
}

/// A scheduler.
#[derive(Debug)]
pub(crate) struct Scheduler {
    pub(crate) spec: SchedulerSpec,
    arrivals: Arrivals,
    /// The job that arrives next.
    next: Arrival,
    random: Random,
    queue: VecDeque<Job>,
    offers: Vec<Offer>,
    decision: Option<Decision>,
    /// Whether it has not suppressed offers.
    pub(crate) wants_offers: bool,
}

impl Scheduler {
    /// `place` is that among all schedulers of the seed.
    pub(crate) fn new(spec: SchedulerSpec, seed: u64, place: u64) -> Scheduler {
        // What arrives must not depend on what becomes of it: two streams.
        let mut arrivals = Arrivals::new(&spec, seed, 2 * place);
        let next = arrivals.next();
        let random = Random::new(seed, 2 * place + 1);
        Scheduler {
            spec,
            arrivals,
            next,
            random,
            queue: VecDeque::new(),
            offers: Vec::new(),
            decision: None,
            wants_offers: false,
        }
    }

    /// When the next job arrives.
    pub(crate) fn next_arrival(&self) -> Instant {
        self.next.at
    }

    /// The next job arrives.
    pub(crate) fn take_arrival(&mut self) {
        let Arrival { at, tasks } = std::mem::replace(&mut self.next, self.arrivals.next());
        self.queue.push_back(Job { arrived: at, tasks, ..Job::default() });
    }

    /// Whether there is anything to place, or being placed.
    pub(crate) fn has_work(&self) -> bool {
        self.decision.is_some() || !self.queue.is_empty()
    }

    /// An offer that at least one task fits into.
    pub(crate) fn hold(&mut self, offer: Offer) {
        self.offers.push(offer);
    }

    /// The offers it holds and is not deciding on; it has them no more.
    pub(crate) fn release_offers(&mut self) -> Vec<Offer> {
        std::mem::take(&mut self.offers)
    }

    /// Begins to decide about the first job, if there is one and something to decide on. Returns the decision.
    pub(crate) fn begin(&mut self) -> Option<&mut Decision> {
        if self.decision.is_some() || self.offers.is_empty() {
            return None;
        }
        let job = self.queue.pop_front()?;
        let plan = self.plan(job.tasks.len());
        Some(self.decision.insert(Decision { job, plan }))
    }

    /// Distributes tasks over the offers it holds: what nobody can take back first, in the order in which it was offered.
    /// Lent offers, which others may have too, from a place of its own on: who all begin at the same place all meet.
    fn plan(&mut self, tasks: usize) -> Vec<(Offer, usize)> {
        let (mut lent, mut offers): (Vec<Offer>, Vec<Offer>) =
            std::mem::take(&mut self.offers).into_iter().partition(|offer| offer.is_lent);
        if !lent.is_empty() {
            let first = self.random.below(lent.len());
            lent.rotate_left(first);
        }
        offers.append(&mut lent);
        let mut left = tasks;
        let mut take = |offer: Offer| {
            let count = offer.shape.holds(self.spec.task).min(left);
            left -= count;
            (offer, count)
        };
        offers.into_iter().map(&mut take).collect()
    }

    /// It has decided.
    pub(crate) fn take_decision(&mut self) -> Option<Decision> {
        self.decision.take()
    }

    /// A job is not placed completely: it stays the first.
    pub(crate) fn put_back(&mut self, job: Job) {
        self.queue.push_front(job);
    }

    /// A task was evicted and is to be launched anew, from its beginning.
    pub(crate) fn launch_again(&mut self, length: Duration, now: Instant) {
        match self.queue.back_mut().filter(|job| job.is_evicted_work) {
            Some(job) => job.tasks.push(length),
            None => {
                let tasks = vec![length];
                self.queue.push_back(Job { arrived: now, tasks, is_evicted_work: true, ..Job::default() });
            }
        }
    }

    /// Jobs that arrived and about which nobody has decided: since when each of them waits.
    pub(crate) fn undecided(&self) -> impl Iterator<Item = Instant> {
        let jobs = self.queue.iter().filter(|job| job.attempts == 0 && !job.is_evicted_work);
        jobs.map(|job| job.arrived)
    }

    /// Tasks that are not launched yet.
    #[cfg(test)]
    pub(crate) fn tasks_left(&self) -> usize {
        let deciding = self.decision.iter().map(|decision| &decision.job);
        self.queue.iter().chain(deciding).map(|job| job.tasks.len()).sum()
    }

    /// Jobs that wait for another attempt.
    #[cfg(test)]
    pub(crate) fn attempted(&self) -> usize {
        self.queue.iter().filter(|job| job.attempts > 0).count()
    }

    /// When the jobs arrived of which tasks are not launched yet.
    pub(crate) fn unplaced(&self) -> impl Iterator<Item = Instant> {
        let deciding = self.decision.iter().map(|decision| &decision.job);
        let jobs = self.queue.iter().chain(deciding).filter(|job| !job.is_evicted_work);
        jobs.map(|job| job.arrived)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::{Shape, WorkloadSpec};

    fn scheduler() -> Scheduler {
        // The first of batch work: its tasks take 1 cpu.
        Scheduler::new(WorkloadSpec::new(10).schedulers().remove(1), 1, 0)
    }

    fn offer(agent: usize, cpus: i64, is_lent: bool) -> Offer {
        Offer { agent, is_lent, shape: Shape::whole(cpus, 1 << 20) }
    }

    fn job(tasks: usize) -> Job {
        Job { tasks: vec![Duration::from_secs(1); tasks], ..Job::default() }
    }

    #[test]
    fn nothing_is_decided_without_a_job_or_without_an_offer_or_twice() {
        let mut scheduler = scheduler();
        scheduler.hold(offer(0, 4, false));
        assert!(scheduler.begin().is_none());
        scheduler.put_back(job(1));
        scheduler.release_offers();
        assert!(scheduler.begin().is_none());
        scheduler.hold(offer(0, 4, false));
        assert!(scheduler.begin().is_some());
        scheduler.put_back(job(1));
        scheduler.hold(offer(1, 4, false));
        assert!(scheduler.begin().is_none(), "one decision at a time");
        assert_eq!(scheduler.release_offers().len(), 1, "an offer that came meanwhile is not part of it");
    }

    #[test]
    fn lent_offers_are_used_when_regular_ones_do_not_suffice() {
        let mut scheduler = scheduler();
        scheduler.put_back(job(5));
        for offer in [offer(0, 4, true), offer(1, 3, false), offer(2, 1, false), offer(3, 4, true)] {
            scheduler.hold(offer);
        }
        let plan = &scheduler.begin().unwrap().plan;
        let used = |is_lent| plan.iter().filter(|(o, _)| o.is_lent == is_lent).map(|(_, n)| n).sum::<usize>();
        assert_eq!((used(false), used(true)), (4, 1));
        assert_eq!(plan.len(), 4, "it holds all of them");
    }

    #[test]
    fn evicted_tasks_are_collected_into_one_job_behind_the_others() {
        let mut scheduler = scheduler();
        scheduler.put_back(job(1));
        scheduler.launch_again(Duration::from_secs(3), Instant::default());
        scheduler.launch_again(Duration::from_secs(4), Instant::default());
        assert_eq!((scheduler.undecided().count(), scheduler.unplaced().count()), (1, 1));
        scheduler.hold(offer(0, 9, false));
        assert_eq!(scheduler.begin().unwrap().job.tasks.len(), 1);
        scheduler.take_decision();
        scheduler.hold(offer(0, 9, false));
        assert_eq!(scheduler.begin().unwrap().job.tasks, [3, 4].map(Duration::from_secs));
    }
}
