//! One scheduler on a real master: as the simulated ones, it decides about one job at a time, on all offers that it has
//! when it begins, and keeps them until it has decided.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use apportion_rig::{Event, Framework, Offer, TaskSpec, TaskState, TaskStatus};
use apportion_scheduler_simulation::{Arrival, Arrivals, SchedulerSpec};

use crate::Failure;
use crate::books::{Books, Window};

/// For how long an offer is refused into which no task fits.
const REFUSE_SECONDS: f64 = 1.0;

/// A job of which not all tasks are launched.
#[derive(Debug)]
struct Job {
    arrived: Instant,
    /// How long each of them runs.
    tasks: Vec<Duration>,
    /// Nobody has decided about it yet, and it does not consist of tasks that are launched anew.
    is_new: bool,
}

#[derive(Debug)]
struct Decision {
    job: Job,
    plan: Vec<(Offer, usize)>,
    ends: Instant,
}

/// A task that was launched.
#[derive(Debug)]
struct Launched {
    length: Duration,
    is_lent: bool,
    running_since: Option<Instant>,
}

pub(crate) struct Scheduler {
    spec: SchedulerSpec,
    framework: Framework,
    arrivals: Arrivals,
    next: Arrival,
    begin: Instant,
    queue: VecDeque<Job>,
    offers: Vec<Offer>,
    decision: Option<Decision>,
    launched: HashMap<String, Launched>,
    tasks: u64,
    wants_offers: bool,
    books: Books,
}

impl Scheduler {
    /// `jobs` are the seed and the stream that its jobs come from.
    pub(crate) fn new(
        spec: SchedulerSpec,
        framework: Framework,
        jobs: (u64, u64),
        begin: Instant,
        window: Window,
    ) -> Scheduler {
        let mut arrivals = Arrivals::new(&spec, jobs.0, jobs.1);
        Scheduler {
            next: arrivals.next(),
            books: Books::new(spec.work, window),
            spec,
            framework,
            arrivals,
            begin,
            queue: VecDeque::new(),
            offers: Vec::new(),
            decision: None,
            launched: HashMap::new(),
            tasks: 0,
            wants_offers: false,
        }
    }

    /// Works until the end of the time that is measured.
    pub(crate) fn run(mut self) -> Result<Books, Failure> {
        while Instant::now() < self.books.end() {
            self.take_arrivals();
            self.decide()?;
            let next = self.arrival_time().min(self.books.end());
            let next = self.decision.as_ref().map_or(next, |decision| decision.ends.min(next));
            if let Some(event) =
                self.framework.next_arrival(next.saturating_duration_since(Instant::now()))?
            {
                self.hear(event)?;
            }
        }
        self.close();
        self.framework.teardown()?;
        Ok(self.books)
    }

    fn arrival_time(&self) -> Instant {
        self.begin + Duration::from_nanos(self.next.at.nanos().unsigned_abs())
    }

    fn take_arrivals(&mut self) {
        while self.arrival_time() <= Instant::now() {
            let arrived = self.arrival_time();
            let Arrival { tasks, .. } = std::mem::replace(&mut self.next, self.arrivals.next());
            self.queue.push_back(Job { arrived, tasks, is_new: true });
        }
    }

    /// Ends the decision that is due, and begins the next if there is anything to decide on.
    fn decide(&mut self) -> Result<(), Failure> {
        if let Some(decision) = self.decision.take_if(|decision| decision.ends <= Instant::now()) {
            self.carry_out(decision)?;
        }
        if self.decision.is_some() {
            return Ok(());
        }
        if self.queue.is_empty() {
            return self.rest();
        }
        if !std::mem::replace(&mut self.wants_offers, true) {
            self.framework.revive(&[])?;
        }
        if self.offers.is_empty() {
            return Ok(());
        }
        let Some(mut job) = self.queue.pop_front() else { return Ok(()) };
        if std::mem::take(&mut job.is_new) && self.books.contain(job.arrived) {
            self.books.waits.push(job.arrived.elapsed().as_secs_f64());
        }
        let plan = self.plan(job.tasks.len());
        let tasks = plan.iter().map(|(_, count)| count).sum();
        self.decision = Some(Decision { job, plan, ends: Instant::now() + self.spec.decision(tasks) });
        Ok(())
    }

    /// What nobody can take back comes first.
    fn plan(&mut self, mut tasks: usize) -> Vec<(Offer, usize)> {
        let (lent, mut offers): (Vec<Offer>, Vec<Offer>) = self.offers.drain(..).partition(is_lent);
        offers.extend(lent);
        let mut plan = Vec::new();
        for offer in offers {
            let count = holds(&offer, &self.spec).min(tasks);
            tasks -= count;
            plan.push((offer, count));
        }
        plan
    }

    fn carry_out(&mut self, decision: Decision) -> Result<(), Failure> {
        let Decision { mut job, plan, .. } = decision;
        let mut returned = Vec::new();
        for (offer, count) in plan {
            let lengths = job.tasks.split_off(job.tasks.len().saturating_sub(count));
            if !lengths.is_empty() {
                self.launch(&offer, lengths)?;
            } else if is_lent(&offer) || (job.tasks.is_empty() && self.queue.is_empty()) {
                returned.push(offer);
            } else {
                self.offers.push(offer);
            }
        }
        if !returned.is_empty() {
            self.framework.decline(&returned, Some(0.0))?;
        }
        if !job.tasks.is_empty() {
            self.queue.push_front(job);
        }
        Ok(())
    }

    fn launch(&mut self, offer: &Offer, lengths: Vec<Duration>) -> Result<(), Failure> {
        let is_lent = is_lent(offer);
        let shape = self.spec.task;
        let mut tasks = Vec::new();
        for length in lengths {
            self.tasks += 1;
            let id = format!("{}-{}", self.spec.name, self.tasks);
            let task = TaskSpec::new(&id, &format!("exec sleep {:.3}", length.as_secs_f64()))
                .cpus(shape.cpus.to_f64())
                .mem_mb(shape.mem.to_f64());
            tasks.push(if is_lent { task.revocable(&["cpus", "mem"]) } else { task });
            self.launched.insert(id, Launched { length, is_lent, running_since: None });
        }
        Ok(self.framework.launch(offer, &tasks, Some(0.0))?)
    }

    /// Without work it wants no offers and keeps none.
    fn rest(&mut self) -> Result<(), Failure> {
        if std::mem::replace(&mut self.wants_offers, false) {
            self.framework.suppress(&[])?;
        }
        if !self.offers.is_empty() {
            let offers = std::mem::take(&mut self.offers);
            self.framework.decline(&offers, Some(0.0))?;
        }
        Ok(())
    }

    fn hear(&mut self, event: Event) -> Result<(), Failure> {
        match event {
            Event::Offers(offers) => {
                let (fit, too_small): (Vec<Offer>, Vec<Offer>) =
                    offers.into_iter().partition(|offer| holds(offer, &self.spec) > 0);
                self.offers.extend(fit);
                if !too_small.is_empty() {
                    self.framework.decline(&too_small, Some(REFUSE_SECONDS))?;
                }
            }
            Event::Rescinded(id) => self.offers.retain(|offer| offer.id != id),
            Event::Update(status) => self.hear_of_task(&status)?,
            _ => {}
        }
        Ok(())
    }

    fn hear_of_task(&mut self, status: &TaskStatus) -> Result<(), Failure> {
        let is_open = self.books.are_open();
        if status.state == TaskState::Running {
            let Some(task) = self.launched.get_mut(&status.task_id) else { return Ok(()) };
            task.running_since = Some(Instant::now());
            self.books.started += u32::from(is_open);
            self.books.commits += u32::from(is_open && task.is_lent);
            return Ok(());
        }
        if !status.state.is_terminal() {
            return Ok(());
        }
        let Some(task) = self.launched.remove(&status.task_id) else { return Ok(()) };
        // Whoever is evicted before its executor is up is reported as a failed launch.
        let was_evicted = status.reason.as_deref() == Some("REASON_CONTAINER_PREEMPTED")
            || (task.is_lent && task.running_since.is_none() && status.text.contains("being destroyed"));
        match status.state {
            TaskState::Finished => self.count(&task),
            TaskState::Error if task.is_lent => {
                self.books.conflicts += u32::from(is_open);
                self.launch_again(task.length, true);
            }
            _ if was_evicted => {
                self.books.evictions += u32::from(is_open);
                let seconds = task.running_since.map_or(0.0, |since| self.books.seconds_since(since));
                self.books.lost += seconds * self.spec.task.cpus.to_f64();
                self.launch_again(task.length, false);
            }
            _ => {
                let (state, text) = (status.state, &status.text);
                return Err(format!("task {} became {state:?}: {text}", status.task_id).into());
            }
        }
        Ok(())
    }

    /// Tasks that are launched anew are collected into one job: those that were turned down go before others.
    fn launch_again(&mut self, length: Duration, first: bool) {
        let job = || Job { arrived: Instant::now(), tasks: vec![length], is_new: false };
        let at_its_place = if first { self.queue.front_mut() } else { self.queue.back_mut() };
        match at_its_place.filter(|job| !job.is_new) {
            Some(job) => job.tasks.push(length),
            None if first => self.queue.push_front(job()),
            None => self.queue.push_back(job()),
        }
    }

    fn count(&mut self, task: &Launched) {
        let seconds = task.running_since.map_or(0.0, |since| self.books.seconds_since(since));
        let used = seconds * self.spec.task.cpus.to_f64();
        self.books.used += used;
        self.books.lent += if task.is_lent { used } else { 0.0 };
    }

    /// What still runs counts as far as it has come, jobs that still wait with the time they have waited.
    fn close(&mut self) {
        for task in std::mem::take(&mut self.launched).into_values() {
            self.count(&task);
        }
        let end = self.books.end();
        let undecided = self.queue.iter().filter(|job| job.is_new).map(|job| job.arrived);
        let undecided: Vec<Instant> = undecided.filter(|arrived| self.books.contain(*arrived)).collect();
        let waits = undecided.into_iter().map(|arrived| end.saturating_duration_since(arrived).as_secs_f64());
        self.books.waits.extend(waits);
    }
}

/// An offer that has anything regular is used for that alone.
fn is_lent(offer: &Offer) -> bool {
    offer.regular_scalar("cpus") <= 0.0
}

/// How many tasks fit into an offer.
fn holds(offer: &Offer, spec: &SchedulerSpec) -> usize {
    let there =
        |name: &str| if is_lent(offer) { offer.revocable_scalar(name) } else { offer.regular_scalar(name) };
    let (cpus, mem) = (spec.task.cpus.to_f64(), spec.task.mem.to_f64());
    let mut count = 0;
    let (mut cpus_left, mut mem_left) = (there("cpus") - cpus, there("mem") - mem);
    // What a master adds up is exact to the thousandth.
    while cpus_left > -0.0005 && mem_left > -0.0005 {
        count += 1;
        cpus_left -= cpus;
        mem_left -= mem;
    }
    count
}
