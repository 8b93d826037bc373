use apportion_core::Effects;

use super::*;
use crate::workload::{Arrivals, Shape, WorkloadSpec};

/// A small cluster with more work than it can do.
pub(super) fn setup(workload: &WorkloadSpec) -> Setup {
    Setup {
        cluster: ClusterSpec::new(workload.agents, workload.agent, 1),
        schedulers: workload.schedulers(),
        seed: 1,
        warm_up: Duration::from_secs(300),
        measured: Duration::from_secs(900),
        attempts: 1000,
        refuse_seconds: 5.0,
    }
}

pub(super) fn busy(agents: usize, decision: Duration) -> WorkloadSpec {
    WorkloadSpec { load: 1.2, service_decision: decision, ..WorkloadSpec::new(agents) }
}

fn run(setup: &Setup) -> Outcome {
    setup.run().unwrap()
}

pub(super) const SLOW: Duration = Duration::from_secs(20);

/// What runs on each agent, of resources that are lent or not, added up from the tasks.
pub(super) fn in_use(simulation: &Simulation, is_lent: bool) -> BTreeMap<usize, Shape> {
    let mut used: BTreeMap<usize, Shape> = BTreeMap::new();
    for task in simulation.running.values().filter(|task| task.used.is_lent == is_lent) {
        let of_agent = used.entry(task.used.agent).or_default();
        *of_agent = *of_agent + task.used.shape;
    }
    used
}

pub(super) fn assert_within(used: &BTreeMap<usize, Shape>, most: Shape) {
    for (agent, used) in used {
        assert!(used.cpus <= most.cpus && used.mem <= most.mem, "agent {agent}: {used:?} of {most:?}");
    }
}

#[test]
fn nothing_ever_runs_beyond_what_an_agent_has() {
    let workload = busy(10, SLOW);
    let mut simulation = Simulation::new(&setup(&workload), Box::new(NothingLent)).unwrap();
    let mut fullest = 0;
    while simulation.step().unwrap() {
        let used = in_use(&simulation, false);
        assert_within(&used, workload.agent);
        fullest = fullest.max(used.values().filter(|used| used.cpus == workload.agent.cpus).count());
    }
    assert_eq!(fullest, 10, "all agents were full at some time");
    simulation.cluster.check().unwrap();
    let outcome = simulation.outcome();
    assert!(outcome.utilisation > 0.5 && outcome.utilisation <= 1.0, "{outcome:?}");
}

#[test]
fn one_setup_gives_one_outcome() {
    let workload = busy(10, SLOW);
    assert_eq!(run(&setup(&workload)), run(&setup(&workload)));
    let other = Setup { seed: 2, ..setup(&workload) };
    assert_ne!(run(&other), run(&setup(&workload)));
}

#[test]
fn what_arrives_does_not_depend_on_how_long_decisions_take() {
    let jobs = |decision| {
        let outcome = run(&setup(&busy(10, decision)));
        (outcome.service.jobs, outcome.batch.jobs)
    };
    let (service, batch) = jobs(Duration::from_millis(100));
    assert!(service > 0 && batch > 0);
    assert_eq!(jobs(SLOW), (service, batch));
}

#[test]
fn slow_service_decisions_make_batch_work_wait_and_agents_idle() {
    let quick = run(&setup(&busy(20, Duration::from_millis(100))));
    let slow = run(&setup(&busy(20, SLOW)));
    assert!(slow.service.busyness > 2.0 * quick.service.busyness, "{slow:?}");
    assert!(slow.utilisation < quick.utilisation - 0.03, "{} and {}", slow.utilisation, quick.utilisation);
    assert!(slow.batch.wait_mean > quick.batch.wait_mean, "{slow:?}");
}

/// Little's law: what is there on average is what comes in a second, times how long each stays.
#[test]
fn as_much_is_there_as_comes_and_stays() {
    let workload = WorkloadSpec { service_part: 0.0, load: 0.8, ..WorkloadSpec::new(50) };
    let setup = Setup { measured: Duration::from_secs(6000), ..setup(&workload) };
    let setup = Setup { schedulers: setup.schedulers[1..].to_vec(), ..setup };
    let outcome = run(&setup);
    let per_second = |count: u64| f64::from(u32::try_from(count).unwrap()) / 6000.0;
    let near = |found: f64, expected: f64| (found - expected).abs() < 0.05 * expected;

    let tasks = per_second(outcome.launches) * setup.schedulers[0].task_time.as_secs_f64();
    assert!(near(outcome.tasks_running, tasks), "{} tasks, not {tasks}", outcome.tasks_running);
    // Every task has one cpu.
    assert!(near(outcome.utilisation * 50.0 * 8.0, outcome.tasks_running), "{outcome:?}");
    assert!(near(outcome.utilisation, workload.load), "{}", outcome.utilisation);

    let jobs = per_second(outcome.batch.jobs) * outcome.batch.wait_mean.unwrap();
    assert!(jobs > 0.01, "jobs do wait: {jobs}");
    assert!(near(outcome.jobs_waiting, jobs), "{} jobs, not {jobs}", outcome.jobs_waiting);
}

#[test]
fn jobs_that_are_not_placed_in_so_many_attempts_are_abandoned() {
    let waiting_again = |attempts| {
        let impatient = Setup { attempts, ..setup(&busy(10, SLOW)) };
        let mut simulation = Simulation::new(&impatient, Box::new(NothingLent)).unwrap();
        let mut most = 0;
        while simulation.step().unwrap() {
            most = most.max(simulation.schedulers.iter().map(Scheduler::attempted).sum());
        }
        (most, simulation.outcome())
    };
    let (most, outcome) = waiting_again(1);
    assert_eq!(most, 0, "there is no second attempt");
    let abandoned = outcome.service.abandoned + outcome.batch.abandoned;
    assert!(outcome.service.abandoned > 0 && outcome.batch.placed > 0, "{outcome:?}");
    for work in [&outcome.service, &outcome.batch] {
        assert!(work.placed + work.abandoned <= work.jobs, "{work:?}");
    }
    let (most, outcome) = waiting_again(8);
    assert!(most > 0 && outcome.service.abandoned + outcome.batch.abandoned < abandoned, "{outcome:?}");
    let patient = run(&setup(&busy(10, SLOW)));
    assert_eq!((patient.service.abandoned, patient.batch.abandoned), (0, 0));
}

#[test]
fn a_scheduler_decides_for_no_longer_than_there_is_time() {
    let outcome = run(&setup(&busy(10, Duration::from_secs(100))));
    assert!(
        outcome.service.busyness > 0.9 && outcome.service.busyness <= 1.0,
        "{}",
        outcome.service.busyness
    );
}

/// Turns every second lent launch down, and lets agents end their newest lent task whenever a regular one begins.
#[derive(Debug, Default)]
struct Harsh {
    asked: u64,
    lent: BTreeMap<usize, Vec<u64>>,
}

impl Lending for Harsh {
    fn hear(&mut self, _: &Effects, _: Instant) {}

    fn admits(&mut self, launch: &TaskUse, _: Instant) -> Admission {
        assert!(launch.is_lent);
        self.asked += 1;
        if self.asked.is_multiple_of(2) { Admission::Admitted } else { Admission::OthersWereFaster }
    }

    fn begins(&mut self, used: &TaskUse, _: Instant) {
        if used.is_lent {
            self.lent.entry(used.agent).or_default().push(used.task);
        }
    }

    fn ends(&mut self, used: &TaskUse, _: Instant) {
        if let Some(tasks) = self.lent.get_mut(&used.agent) {
            tasks.retain(|task| *task != used.task);
        }
    }

    fn evicts(&mut self, agent: usize, _: Instant) -> Vec<u64> {
        self.lent.get(&agent).and_then(|tasks| tasks.last()).copied().into_iter().collect()
    }
}

/// A cluster whose agents have something revocable, as from a resource estimator: that is offered today.
fn with_revocable(workload: &WorkloadSpec, estimated: Shape) -> Setup {
    let mut setup = setup(workload);
    setup.cluster.estimated = estimated;
    setup
}

#[test]
fn lost_launches_are_tried_again_and_evicted_tasks_run_again() {
    let estimated = Shape::whole(3, 8 * 1024);
    let workload = busy(10, SLOW);
    let mut simulation =
        Simulation::new(&with_revocable(&workload, estimated), Box::new(Harsh::default())).unwrap();
    while simulation.step().unwrap() {
        assert_within(&in_use(&simulation, false), workload.agent);
        assert_within(&in_use(&simulation, true), estimated);
    }
    simulation.cluster.check().unwrap();
    let outcome = simulation.outcome();
    assert!(outcome.lent > 0.05 && outcome.lost > 0.0 && outcome.evictions > 100, "{outcome:?}");
    assert!(outcome.utilisation > outcome.lent - outcome.lost, "{outcome:?}");
    // Every second is turned down, so each that goes through costs two.
    let fraction = outcome.conflict_fraction().unwrap();
    assert!((fraction - 1.0).abs() < 0.05, "{fraction}");
    assert!(outcome.batch.placed > 0 && outcome.batch.abandoned == 0, "{outcome:?}");
}

/// Tasks of all jobs that arrive until the end.
pub(super) fn arriving_tasks(setup: &Setup) -> usize {
    let end = Instant::default().after(setup.warm_up + setup.measured);
    let of = |(place, spec): (u64, &SchedulerSpec)| {
        let mut arrivals = Arrivals::new(spec, setup.seed, 2 * place);
        let jobs = std::iter::repeat_with(move || arrivals.next()).take_while(|job| job.at <= end);
        jobs.map(|job| job.tasks.len()).sum::<usize>()
    };
    (0..).zip(&setup.schedulers).map(of).sum()
}

#[test]
fn every_task_that_arrived_has_ended_or_runs_or_is_still_to_be_launched() {
    let estimated = Shape::whole(3, 8 * 1024);
    let setup = Setup { warm_up: Duration::ZERO, ..with_revocable(&busy(10, SLOW), estimated) };
    let mut simulation = Simulation::new(&setup, Box::new(Harsh::default())).unwrap();
    while simulation.step().unwrap() {}
    let left: usize = simulation.schedulers.iter().map(Scheduler::tasks_left).sum();
    let vain = simulation.tally.conflicts + simulation.tally.evictions;
    let ended = simulation.ended;
    assert!(left > 0 && vain > 0 && ended > 0, "{left}, {vain}, {ended}");
    assert_eq!(simulation.tasks, vain + ended + simulation.running.len() as u64, "launches");
    let found = left as u64 + ended + simulation.running.len() as u64;
    assert_eq!(found, arriving_tasks(&setup) as u64);
}

#[test]
fn without_lending_no_lent_launch_goes_through() {
    let outcome = run(&with_revocable(&busy(10, SLOW), Shape::whole(3, 8 * 1024)));
    assert_eq!((outcome.commits, outcome.evictions), (0, 0));
    assert!(outcome.conflicts > 0 && outcome.conflict_fraction().is_none());
    assert_eq!((outcome.lent, outcome.lost), (0.0, 0.0));
}

/// Names a task of which nobody knows.
#[derive(Debug)]
struct Confused;

impl Lending for Confused {
    fn hear(&mut self, _: &Effects, _: Instant) {}

    fn admits(&mut self, _: &TaskUse, _: Instant) -> Admission {
        Admission::Admitted
    }

    fn begins(&mut self, _: &TaskUse, _: Instant) {}

    fn ends(&mut self, _: &TaskUse, _: Instant) {}

    fn evicts(&mut self, _: usize, _: Instant) -> Vec<u64> {
        vec![u64::MAX]
    }
}

#[test]
fn eviction_of_a_task_that_does_not_run_is_a_fault() {
    let fault = setup(&busy(5, SLOW)).run_with(Box::new(Confused)).unwrap_err();
    assert_eq!(fault, Fault::NotRunning { task: u64::MAX });
}
