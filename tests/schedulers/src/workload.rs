//! Who schedules what: schedulers, the jobs that arrive at them, and the tasks jobs consist of.
//!
//! The same seed gives the same jobs at the same times, whatever becomes of them: two ways of offering are compared on
//! one workload.

use std::time::Duration;

use apportion_core::{Amount, Instant};

use crate::random::Random;

/// Scalars of one task, or of one agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shape {
    /// Cpus.
    pub cpus: Amount,
    /// Memory in MB.
    pub mem: Amount,
}

impl Shape {
    /// Whole cpus and MB.
    #[must_use]
    pub const fn whole(cpus: i64, mem_mb: i64) -> Shape {
        Shape { cpus: Amount::whole(cpus), mem: Amount::whole(mem_mb) }
    }

    /// How many of `task` fit into this.
    #[must_use]
    pub fn holds(self, task: Shape) -> usize {
        let fit = |there: Amount, wanted: Amount| {
            if wanted.is_positive() { there.in_thousandths() / wanted.in_thousandths() } else { i64::MAX }
        };
        usize::try_from(fit(self.cpus, task.cpus).min(fit(self.mem, task.mem))).unwrap_or_default()
    }

    pub(crate) fn is_nothing(self) -> bool {
        self.cpus.is_zero() && self.mem.is_zero()
    }
}

impl std::ops::Add for Shape {
    type Output = Shape;
    fn add(self, other: Shape) -> Shape {
        Shape { cpus: self.cpus + other.cpus, mem: self.mem + other.mem }
    }
}

impl std::ops::Sub for Shape {
    type Output = Shape;
    fn sub(self, other: Shape) -> Shape {
        Shape { cpus: self.cpus - other.cpus, mem: self.mem - other.mem }
    }
}

/// The two kinds of work that the Omega paper tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Work {
    /// Few jobs of long tasks, worth a long decision. Its role lends.
    Service,
    /// Many jobs of short tasks, decided quickly. Its role borrows.
    Batch,
}

/// One scheduler: a framework with the jobs that arrive at it.
#[derive(Debug, Clone)]
pub struct SchedulerSpec {
    /// The framework's id.
    pub name: String,
    /// Its role.
    pub role: String,
    /// What it schedules.
    pub work: Work,
    /// What a decision takes, however many tasks it is about: t_job.
    pub per_job: Duration,
    /// What it takes besides for each task: t_task.
    pub per_task: Duration,
    /// Mean time from one job to the next.
    pub between_jobs: Duration,
    /// Mean number of tasks of a job.
    pub tasks_of_job: f64,
    /// Mean time a task runs.
    pub task_time: Duration,
    /// What each of its tasks takes.
    pub task: Shape,
}

impl SchedulerSpec {
    /// t_decision = t_job + n · t_task.
    #[must_use]
    pub fn decision(&self, tasks: usize) -> Duration {
        self.per_job + self.per_task.saturating_mul(u32::try_from(tasks).unwrap_or(u32::MAX))
    }
}

/// A job as it arrives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// When.
    pub at: Instant,
    /// How long each of its tasks runs.
    pub tasks: Vec<Duration>,
}

/// The jobs of one scheduler, one after the other, without end.
#[derive(Debug, Clone)]
pub struct Arrivals {
    random: Random,
    between_jobs: Duration,
    tasks_of_job: f64,
    task_time: Duration,
    last: Instant,
}

/// No task is over before anybody could know that it began.
const SHORTEST_TASK: Duration = Duration::from_millis(1);

impl Arrivals {
    /// `stream` tells the schedulers of one seed apart.
    #[must_use]
    pub fn new(spec: &SchedulerSpec, seed: u64, stream: u64) -> Arrivals {
        Arrivals {
            random: Random::new(seed, stream),
            between_jobs: spec.between_jobs,
            tasks_of_job: spec.tasks_of_job,
            task_time: spec.task_time,
            last: Instant::default(),
        }
    }

    /// The next job.
    #[expect(clippy::should_implement_trait, reason = "it never ends")]
    pub fn next(&mut self) -> Arrival {
        self.last = self.last.after(self.random.time(self.between_jobs));
        let count = self.random.count(self.tasks_of_job);
        let tasks = (0..count).map(|_| self.random.time(self.task_time).max(SHORTEST_TASK)).collect();
        Arrival { at: self.last, tasks }
    }
}

/// A made-up workload in the manner of the Omega paper: service work decides slowly and takes much, batch work decides
/// quickly and takes the rest.
#[derive(Debug, Clone)]
pub struct WorkloadSpec {
    /// How many agents there are.
    pub agents: usize,
    /// What each of them has.
    pub agent: Shape,
    /// Which part of all cpus the jobs would keep busy if every task began as it arrives; 1 for all of them.
    pub load: f64,
    /// Which part of that is service work.
    pub service_part: f64,
    /// How many schedulers of service work there are.
    pub service_schedulers: usize,
    /// How many of batch work.
    pub batch_schedulers: usize,
    /// t_job of service work.
    pub service_decision: Duration,
    /// t_job of batch work.
    pub batch_decision: Duration,
    /// t_task of both.
    pub per_task: Duration,
}

impl WorkloadSpec {
    /// A workload for so many agents of 8 cpus and 32 GB: load 1, 0.4 of it service work of one scheduler, batch work
    /// of one scheduler for each 500 agents and at least 4; t_job 0.1 s, t_task 5 ms.
    #[must_use]
    pub fn new(agents: usize) -> WorkloadSpec {
        WorkloadSpec {
            agents,
            agent: Shape::whole(8, 32 * 1024),
            load: 1.0,
            service_part: 0.4,
            service_schedulers: 1,
            batch_schedulers: (agents / 500).max(4),
            service_decision: Duration::from_millis(100),
            batch_decision: Duration::from_millis(100),
            per_task: Duration::from_millis(5),
        }
    }

    /// The schedulers.
    #[must_use]
    pub fn schedulers(&self) -> Vec<SchedulerSpec> {
        let service = Nature {
            work: Work::Service,
            role: "service",
            per_job: self.service_decision,
            between_jobs: Duration::from_secs(45),
            task_time: Duration::from_secs(300),
            task: Shape::whole(2, 4 * 1024),
        };
        let batch = Nature {
            work: Work::Batch,
            role: "batch",
            per_job: self.batch_decision,
            between_jobs: Duration::from_secs(4),
            task_time: Duration::from_secs(60),
            task: Shape::whole(1, 2 * 1024),
        };
        let mut schedulers = self.alike(&service, self.service_schedulers, self.service_part);
        schedulers.extend(self.alike(&batch, self.batch_schedulers, 1.0 - self.service_part));
        schedulers
    }

    /// Schedulers of one nature that share a part of the load. Jobs come as often as their nature says and are as large
    /// as the load wants, unless that is less than one task: then they come less often.
    fn alike(&self, nature: &Nature, count: usize, part: f64) -> Vec<SchedulerSpec> {
        #[expect(clippy::cast_precision_loss, reason = "counts of agents and schedulers are far below 2^53")]
        let (agents, schedulers) = (self.agents as f64, count as f64);
        let wanted_cpus = agents * self.agent.cpus.to_f64() * self.load * part;
        let tasks_per_second = wanted_cpus / nature.task.cpus.to_f64() / nature.task_time.as_secs_f64();
        let of_one = (tasks_per_second / schedulers).max(f64::MIN_POSITIVE);
        let tasks_of_job = of_one * nature.between_jobs.as_secs_f64();
        let between_jobs = if tasks_of_job < 1.0 {
            Duration::try_from_secs_f64(1.0 / of_one).unwrap_or(Duration::MAX)
        } else {
            nature.between_jobs
        };
        let scheduler = |number| SchedulerSpec {
            name: format!("{}-{number}", nature.role),
            role: nature.role.to_owned(),
            work: nature.work,
            per_job: nature.per_job,
            per_task: self.per_task,
            between_jobs,
            tasks_of_job: tasks_of_job.max(1.0),
            task_time: nature.task_time,
            task: nature.task,
        };
        (1..=count).map(scheduler).collect()
    }
}

/// What schedulers of one kind of work have in common.
#[derive(Debug)]
struct Nature {
    work: Work,
    role: &'static str,
    per_job: Duration,
    between_jobs: Duration,
    task_time: Duration,
    task: Shape,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_tasks_fit_as_the_scarcer_resource_allows() {
        let agent = Shape::whole(8, 1000);
        assert_eq!(agent.holds(Shape::whole(1, 100)), 8);
        assert_eq!(agent.holds(Shape::whole(1, 300)), 3);
        assert_eq!(agent.holds(Shape::whole(9, 1)), 0);
        assert_eq!(Shape::whole(0, 64).holds(Shape::whole(1, 1)), 0);
    }

    #[test]
    fn a_decision_takes_its_time_and_that_of_its_tasks() {
        let spec = &WorkloadSpec::new(10).schedulers()[0];
        assert_eq!(spec.decision(20), Duration::from_millis(200));
    }

    #[test]
    fn arrivals_ask_for_the_load_at_any_size_of_the_cluster() {
        for agents in [1, 10, 1000] {
            let spec = WorkloadSpec::new(agents);
            let until = Instant::default().after(Duration::from_secs(200_000));
            let mut cpu_seconds = 0.0;
            for (stream, scheduler) in (0..).zip(spec.schedulers()) {
                let mut arrivals = Arrivals::new(&scheduler, 3, stream);
                // A part of the time is enough where there are many tasks.
                let mut job = arrivals.next();
                while job.at < until && (agents < 1000 || job.at.nanos() < until.nanos() / 100) {
                    let time: Duration = job.tasks.iter().sum();
                    let scale = if agents < 1000 { 1.0 } else { 100.0 };
                    cpu_seconds += scale * time.as_secs_f64() * scheduler.task.cpus.to_f64();
                    job = arrivals.next();
                }
            }
            let whole = 200_000.0 * 8.0 * f64::from(u32::try_from(agents).unwrap());
            let load = cpu_seconds / whole;
            assert!((load - spec.load).abs() < 0.1, "{agents} agents: {load}");
        }
    }
}
