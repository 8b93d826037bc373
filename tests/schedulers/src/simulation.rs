//! The simulation itself: one thing after the other happens, and leads to others.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use apportion_core::{Amount, Instant};

use crate::Fault;
use crate::agenda::{Agenda, Happening};
use crate::cluster::{Cluster, ClusterSpec, Offer};
use crate::lent::{Admission, Lending, NothingLent, TaskUse};
use crate::modules::Modules;
use crate::outcome::Outcome;
use crate::scheduler::{Decision, Job, Scheduler};
use crate::tally::{Tally, Window, span};
use crate::workload::{SchedulerSpec, Work};

/// What is simulated.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The master and its agents.
    pub cluster: ClusterSpec,
    /// The schedulers.
    pub schedulers: Vec<SchedulerSpec>,
    /// Where the arrivals come from.
    pub seed: u64,
    /// Simulated time before anything is measured: the cluster is empty at first.
    pub warm_up: Duration,
    /// Simulated time that is measured.
    pub measured: Duration,
    /// A job is given up after so many decisions that did not place all of it.
    pub attempts: u32,
    /// For how many seconds a scheduler refuses an offer into which none of its tasks fits.
    pub refuse_seconds: f64,
}

/// A task that runs.
#[derive(Debug)]
struct Running {
    used: TaskUse,
    began: Instant,
    length: Duration,
}

/// A simulation on its way.
#[derive(Debug)]
pub(crate) struct Simulation {
    cluster: Cluster,
    schedulers: Vec<Scheduler>,
    agenda: Agenda,
    now: Instant,
    running: BTreeMap<u64, Running>,
    /// Tasks launched so far, and those of them that came to their own end.
    tasks: u64,
    ended: u64,
    cycle_is_noted: bool,
    interval: Duration,
    attempts: u32,
    refuse_seconds: f64,
    tally: Tally,
}

impl Setup {
    /// Simulates, with lending as the modules do it if the cluster lends.
    ///
    /// # Errors
    /// A [`Fault`], which is an error in the allocator or in the simulation, never a matter of the setup.
    pub fn run(&self) -> Result<Outcome, Fault> {
        self.run_with(self.lending())
    }

    /// The modules, if the cluster lends.
    fn lending(&self) -> Box<dyn Lending> {
        if self.cluster.lending.is_some() {
            Box::new(Modules::new(&self.cluster, &self.schedulers))
        } else {
            Box::new(NothingLent)
        }
    }

    /// Simulates, with others that admit and evict.
    ///
    /// # Errors
    /// As [`Setup::run`].
    pub fn run_with(&self, lending: Box<dyn Lending>) -> Result<Outcome, Fault> {
        let mut simulation = Simulation::new(self, lending)?;
        while simulation.step()? {}
        simulation.cluster.check()?;
        Ok(simulation.outcome())
    }
}

impl Simulation {
    fn new(setup: &Setup, lending: Box<dyn Lending>) -> Result<Simulation, Fault> {
        let begin = Instant::default().after(setup.warm_up);
        let window = Window { begin, end: begin.after(setup.measured) };
        let places = (0..).zip(setup.schedulers.iter().cloned());
        let schedulers: Vec<_> =
            places.map(|(place, spec)| Scheduler::new(spec, setup.seed, place)).collect();
        let mut agenda = Agenda::default();
        for (place, scheduler) in schedulers.iter().enumerate() {
            agenda.note(scheduler.next_arrival(), Happening::Arrival(place));
        }
        let interval = setup.cluster.options.allocation_interval;
        agenda.note(Instant::default().after(interval), Happening::Tick);
        Ok(Simulation {
            cluster: Cluster::new(&setup.cluster, &setup.schedulers, lending)?,
            schedulers,
            agenda,
            now: Instant::default(),
            running: BTreeMap::new(),
            tasks: 0,
            ended: 0,
            cycle_is_noted: false,
            interval,
            attempts: setup.attempts,
            refuse_seconds: setup.refuse_seconds,
            tally: Tally::new(window),
        })
    }

    /// Lets the next thing happen, with what it leads to at once; false at the end.
    fn step(&mut self) -> Result<bool, Fault> {
        let Some((at, happening)) = self.agenda.next_until(self.tally.window.end) else { return Ok(false) };
        self.now = at;
        match happening {
            Happening::Tick => {
                self.cluster.tick(at)?;
                self.agenda.note(at.after(self.interval), Happening::Tick);
            }
            Happening::Cycle => {
                self.cycle_is_noted = false;
                self.cluster.cycle(at)?;
            }
            Happening::Arrival(scheduler) => self.arrive(scheduler)?,
            Happening::Decision(scheduler) => self.decided(scheduler)?,
            Happening::End(task) => self.end(task)?,
        }
        self.deliver()?;
        if self.cluster.take_wanted_cycle() && !self.cycle_is_noted {
            self.cycle_is_noted = true;
            self.agenda.note(at, Happening::Cycle);
        }
        Ok(true)
    }

    fn arrive(&mut self, place: usize) -> Result<(), Fault> {
        let scheduler = &mut self.schedulers[place];
        scheduler.take_arrival();
        self.agenda.note(scheduler.next_arrival(), Happening::Arrival(place));
        if self.tally.window.contains(self.now) {
            self.tally.of(scheduler.spec.work).arrived += 1;
        }
        self.tally.waiting.change(Amount::whole(1), self.now);
        self.want_offers(place)?;
        self.begin_decision(place);
        Ok(())
    }

    fn want_offers(&mut self, place: usize) -> Result<(), Fault> {
        if std::mem::replace(&mut self.schedulers[place].wants_offers, true) {
            return Ok(());
        }
        self.cluster.revive(place, self.now)
    }

    /// Hands out the offers that were made.
    fn deliver(&mut self) -> Result<(), Fault> {
        let offers = self.cluster.take_offers();
        for (place, offer) in &offers {
            let scheduler = &mut self.schedulers[*place];
            if offer.shape.holds(scheduler.spec.task) == 0 {
                self.cluster.decline(*place, offer, self.refuse_seconds, self.now)?;
            } else {
                scheduler.hold(*offer);
            }
        }
        let places: BTreeSet<usize> = offers.iter().map(|(place, _)| *place).collect();
        for place in places {
            if self.schedulers[place].has_work() {
                self.begin_decision(place);
            } else {
                self.rest(place)?;
            }
        }
        Ok(())
    }

    fn begin_decision(&mut self, place: usize) {
        let scheduler = &mut self.schedulers[place];
        let Some(decision) = scheduler.begin() else { return };
        let tasks = decision.plan.iter().map(|(_, tasks)| tasks).sum();
        let (arrived, is_first) = (decision.job.arrived, decision.job.attempts == 0);
        let is_job = !decision.job.is_evicted_work;
        decision.job.attempts += 1;
        let end = self.now.after(scheduler.spec.decision(tasks));
        self.agenda.note(end, Happening::Decision(place));
        let work = scheduler.spec.work;
        let window = self.tally.window;
        self.tally.of(work).deciding += window.overlap(self.now, end);
        if is_first && is_job {
            self.tally.waiting.change(Amount::ZERO - Amount::whole(1), self.now);
            if window.contains(arrived) {
                self.tally.of(work).waits.add(span(arrived, self.now));
            }
        }
    }

    /// A scheduler has decided: it launches, and returns what it does not need.
    fn decided(&mut self, place: usize) -> Result<(), Fault> {
        let Some(Decision { mut job, plan }) = self.schedulers[place].take_decision() else { return Ok(()) };
        let (mut lost, mut unused) = (Vec::new(), Vec::new());
        for (offer, count) in plan {
            let lengths = job.tasks.split_off(job.tasks.len().saturating_sub(count));
            if !lengths.is_empty() {
                lost.extend(self.launch(place, &offer, &lengths)?);
            } else if offer.is_lent {
                self.cluster.decline(place, &offer, 0.0, self.now)?;
            } else {
                unused.push(offer);
            }
        }
        job.tasks.append(&mut lost);
        self.conclude(place, job);
        // What nobody can take back serves for the next job; what is lent may have gone stale and is asked for anew.
        unused.into_iter().for_each(|offer| self.schedulers[place].hold(offer));
        if self.schedulers[place].has_work() {
            self.begin_decision(place);
            return Ok(());
        }
        self.rest(place)
    }

    /// Launches tasks on one offer; the lengths of those that were turned down.
    fn launch(&mut self, place: usize, offer: &Offer, lengths: &[Duration]) -> Result<Vec<Duration>, Fault> {
        let shape = self.schedulers[place].spec.task;
        let use_of =
            |task| TaskUse { task, scheduler: place, agent: offer.agent, is_lent: offer.is_lent, shape };
        let tasks: Vec<TaskUse> = (self.tasks..).take(lengths.len()).map(use_of).collect();
        self.tasks += tasks.len() as u64;
        let launched = self.cluster.launch(place, offer, &tasks, self.now)?;
        let mut lost = Vec::new();
        for ((used, length), began) in tasks.into_iter().zip(lengths).zip(launched.began) {
            if began == Admission::Admitted {
                self.begin_task(used, *length);
            } else {
                if self.tally.window.contains(self.now) {
                    self.tally.conflicts += 1;
                    self.tally.conflicts_with_owners += u64::from(began == Admission::OwnerIsBack);
                }
                lost.push(*length);
            }
        }
        let for_whom = self.schedulers[place].spec.work;
        launched.evicted.into_iter().try_for_each(|task| self.evict(task, for_whom))?;
        Ok(lost)
    }

    fn begin_task(&mut self, used: TaskUse, length: Duration) {
        self.agenda.note(self.now.after(length), Happening::End(used.task));
        if self.tally.window.contains(self.now) {
            self.tally.launches += 1;
            self.tally.commits += u64::from(used.is_lent);
        }
        self.change_use(&used, true);
        self.running.insert(used.task, Running { used, began: self.now, length });
    }

    /// The job's tasks are all launched, or it is given up, or it stays the first of the queue.
    fn conclude(&mut self, place: usize, job: Job) {
        let scheduler = &mut self.schedulers[place];
        let counts = self.tally.window.contains(job.arrived) && !job.is_evicted_work;
        let tally = self.tally.of(scheduler.spec.work);
        if job.tasks.is_empty() {
            if counts {
                tally.placed += 1;
                tally.until_placed.add(span(job.arrived, self.now));
            }
        } else if job.attempts >= self.attempts {
            tally.abandoned += u64::from(counts);
        } else {
            scheduler.put_back(job);
        }
    }

    /// Without work a scheduler wants no offers and keeps none.
    fn rest(&mut self, place: usize) -> Result<(), Fault> {
        if std::mem::replace(&mut self.schedulers[place].wants_offers, false) {
            self.cluster.suppress(place, self.now)?;
        }
        for offer in self.schedulers[place].release_offers() {
            self.cluster.decline(place, &offer, 0.0, self.now)?;
        }
        Ok(())
    }

    fn end(&mut self, task: u64) -> Result<(), Fault> {
        // Who was evicted has ended before.
        let Some(task) = self.running.remove(&task) else { return Ok(()) };
        self.ended += 1;
        self.change_use(&task.used, false);
        self.cluster.end(&task.used, self.now)
    }

    fn evict(&mut self, task: u64, for_whom: Work) -> Result<(), Fault> {
        let Some(Running { used, began, length }) = self.running.remove(&task) else {
            return Err(Fault::NotRunning { task });
        };
        if self.tally.window.contains(self.now) {
            self.tally.evictions += 1;
            self.tally.evictions_for_batch += u64::from(for_whom == Work::Batch);
            self.tally.lost_cpu_seconds +=
                used.shape.cpus.to_f64() * self.tally.window.overlap(began, self.now).as_secs_f64();
        }
        self.change_use(&used, false);
        self.cluster.end(&used, self.now)?;
        self.schedulers[used.scheduler].launch_again(length, self.now);
        self.want_offers(used.scheduler)?;
        self.begin_decision(used.scheduler);
        Ok(())
    }

    fn change_use(&mut self, used: &TaskUse, begins: bool) {
        let sign = |amount: Amount| if begins { amount } else { Amount::ZERO - amount };
        self.tally.used.change(sign(used.shape.cpus), self.now);
        self.tally.running.change(sign(Amount::whole(1)), self.now);
        if used.is_lent {
            self.tally.lent.change(sign(used.shape.cpus), self.now);
        }
    }

    /// Jobs that still wait count with the time they have waited: else the worse it is, the better it would look.
    fn outcome(mut self) -> Outcome {
        let window = self.tally.window;
        for scheduler in &self.schedulers {
            let tally = self.tally.of(scheduler.spec.work);
            for arrived in scheduler.undecided().filter(|arrived| window.contains(*arrived)) {
                tally.waits.add(span(arrived, window.end));
            }
            for arrived in scheduler.unplaced().filter(|arrived| window.contains(*arrived)) {
                tally.until_placed.add(span(arrived, window.end));
            }
        }
        let schedulers_of = |work| self.schedulers.iter().filter(|one| one.spec.work == work).count();
        let schedulers = [schedulers_of(Work::Service), schedulers_of(Work::Batch)];
        Outcome::new(self.tally, schedulers, self.cluster.all_cpus(), self.cluster.events())
    }
}

#[cfg(test)]
mod lending_tests;
#[cfg(test)]
mod tests;
