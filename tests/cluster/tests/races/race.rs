//! One race after the other, and what has to hold after each.

use std::fmt;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use apportion_cluster_tests::Random;
use apportion_rig::{Registry, SimulatedTask, TaskEnd};

use crate::amounts::Amounts;
use crate::course::{BORROWERS, CAPACITY, Course};
use crate::plan::Plan;
use crate::racer::Answer;
use crate::settings::{Settings, say};

/// The longest time from the start of a race to the kill of the master.
const KILLED_AFTER_MS: u64 = 60;
/// In so many of a hundred races that owners take part in, each of them launches.
const OWNERS_CHANCE: u64 = 40;

/// What happened in all races so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Summary {
    races: u64,
    launches: u64,
    won: u64,
    turned_down: u64,
    invalid: u64,
    regular: u64,
    evicted: u64,
    left_over: u64,
    kills: u64,
    /// Launches that a kill of the master left without an answer, and that turned out to run, and not to.
    doubtful: (u64, u64),
    /// The longest time from the end of the tasks until everybody had an offer of everything.
    slowest_return: Duration,
    time: Duration,
}

impl fmt::Display for Summary {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{} races of {BORROWERS} borrowers in {:.1?}: {} lent launches, of which {} won, {} were turned down and {} \
             invalid; {} launches of owners, {} evictions, {} tasks that lasted into the next race; {} kills of the \
             master, with {} launches in flight that ran and {} that did not; everything could be had again after \
             {:.1?} at most",
            self.races,
            self.time,
            self.launches,
            self.won,
            self.turned_down,
            self.invalid,
            self.regular,
            self.evicted,
            self.left_over,
            self.kills,
            self.doubtful.0,
            self.doubtful.1,
            self.slowest_return
        )
    }
}

/// Whether the master is to be killed in a race.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kill {
    Never,
    After(Duration),
}

/// Runs all races; in every `kill_every`th the master is killed.
///
/// # Errors
/// What was found, with seed and race and the end of the master's log.
pub(crate) fn run(settings: &Settings, races: u64, kill_every: Option<u64>) -> Result<Summary, String> {
    let registry = if kill_every.is_some() { Registry::ReplicatedLog } else { Registry::InMemory };
    let header = format!("{races} races, seed {}", settings.seed);
    say(&format!("{header}; APPORTION_RACES_SEED={} repeats their plans", settings.seed));
    let mut course = Course::start(settings.seed, registry, settings.is_long())
        .map_err(|error| format!("{header}: at the start: {error}"))?;
    let (started, mut summary) = (Instant::now(), Summary::default());
    for number in 1..=races {
        let mut random = Random::part(settings.seed, number);
        let kill = match kill_every {
            Some(every) if number % every == 0 => Kill::After(random.millis(0, KILLED_AFTER_MS)),
            _ => Kill::Never,
        };
        race(&mut course, number, kill, &mut random, &mut summary).map_err(|error| {
            format!("{header}: race {number}, {kill:?}: {error}\n{}", last_lines(&course))
        })?;
        summary.races = number;
        summary.time = started.elapsed();
        summary.evicted = course.witness.books().evictions;
        if number < races && number % settings.progress_every(races) == 0 {
            say(&summary.to_string());
        }
    }
    let log = course.master.log();
    match log.lines().find(|line| line.contains("Check failed") || line.contains("can no longer be trusted"))
    {
        Some(line) => Err(format!("{header}: the master's log has: {line}")),
        None => Ok(summary),
    }
}

fn last_lines(course: &Course) -> String {
    let log = course.master.log();
    let lines: Vec<&str> = log.lines().filter(|line| !line.contains(" http.cpp:")).collect();
    format!("---- end of the master's log ----\n{}", lines[lines.len().saturating_sub(300)..].join("\n"))
}

fn race(
    course: &mut Course,
    number: u64,
    kill: Kill,
    random: &mut Random,
    summary: &mut Summary,
) -> Result<(), String> {
    // Everything that is not in use can be had by everybody: no claim was lost.
    let alive = course.alive();
    let expected: Vec<Option<Amounts>> =
        course.racers.iter().map(|racer| course.expected(racer.priority())).collect();
    let ready = course.each(|at, racer| racer.get_ready(expected[at], &alive))?;
    summary.slowest_return = ready.into_iter().fold(summary.slowest_return, Duration::max);

    let plans = plans(course, number, &expected, random);
    for racer in &mut course.racers {
        racer.forget_ended();
    }
    let evicted_before = course.witness.books().evictions;
    let survivors = course.agents.running_tasks();
    let is_calm = survivors.is_empty()
        && plans.iter().zip(&course.racers).all(|(plan, racer)| plan.tasks.is_empty() || !racer.is_owner());
    start(course, &plans, kill, &survivors, random)?;
    if kill != Kill::Never {
        count_doubtful(course, summary)?;
    }
    course.settle()?;
    course.frameworks_know()?;
    course.agree()?;

    let nobody_evicted = course.witness.books().evictions == evicted_before;
    if kill == Kill::Never {
        for (racer, plan) in course.racers.iter_mut().zip(&plans) {
            racer.check(&plan.tasks, |_| false);
        }
        if is_calm && nobody_evicted {
            nobody_lost_without_need(course, &plans)?;
        }
    }
    let findings = course.findings();
    if !findings.is_empty() {
        return Err(findings.join("\n"));
    }
    count(course, &plans, summary);
    let stays = if random.percent(20) { 30 } else { 0 };
    course.end_tasks(|| random.percent(stays))?;
    summary.left_over += u64::try_from(course.agents.running_tasks().len()).unwrap_or(0);
    Ok(())
}

fn plans(course: &Course, number: u64, expected: &[Option<Amounts>], random: &mut Random) -> Vec<Plan> {
    let owners_race = random.percent(60);
    let plan = |(at, racer): (usize, &crate::racer::Racer)| {
        let mut random = Random::new(random.bits());
        let name = format!("r{number}.{}", racer.name());
        match expected[at] {
            _ if racer.is_owner() && owners_race => {
                Plan::of_owner(&name, OWNERS_CHANCE, racer.held(), &mut random)
            }
            Some(there) if !racer.is_owner() => Plan::of_borrower(&name, there, &mut random),
            _ => Plan { keeps_offers: true, ..Plan::default() },
        }
    };
    course.racers.iter().enumerate().map(plan).collect()
}

/// All launch at once, what lasted from the race before ends, and the master may be killed.
fn start(
    course: &mut Course,
    plans: &[Plan],
    kill: Kill,
    survivors: &[SimulatedTask],
    random: &mut Random,
) -> Result<(), String> {
    let gate = Barrier::new(course.racers.len() + 1);
    let ends: Vec<Duration> = survivors.iter().map(|_| random.millis(0, 6)).collect();
    let agents = std::sync::Arc::clone(&course.agents);
    let (racers, master) = (&mut course.racers, &mut course.master);
    let outcomes: Vec<Result<(), String>> = thread::scope(|scope| {
        let gate = &gate;
        let threads: Vec<_> = racers
            .iter_mut()
            .zip(plans)
            .map(|(racer, plan)| {
                scope.spawn(move || {
                    gate.wait();
                    thread::sleep(Duration::from_micros(plan.after_us));
                    let launched = racer.launch(plan).map_err(|error| error.to_string());
                    let answered = launched.and_then(|()| racer.wait_for_answers().map(|_| ()));
                    // A master that was killed answers nothing more.
                    if kill == Kill::Never { answered } else { Ok(()) }
                })
            })
            .collect();
        gate.wait();
        let ending = scope.spawn(move || {
            for (task, pause) in survivors.iter().zip(ends) {
                thread::sleep(pause);
                agents.end_task(task, TaskEnd::Finished);
            }
        });
        let killed = match kill {
            Kill::Never => Ok(()),
            Kill::After(time) => {
                thread::sleep(time);
                master.kill().map(|_| ()).map_err(|error| error.to_string())
            }
        };
        let mut outcomes: Vec<_> =
            threads.into_iter().map(|one| one.join().unwrap_or_else(|_| Err("a panic".to_owned()))).collect();
        outcomes.push(ending.join().map_err(|_| "a panic".to_owned()));
        outcomes.push(killed);
        outcomes
    });
    outcomes.into_iter().collect()
}

/// Gets everybody back to a new master, and counts what became of the launches that were in flight.
fn count_doubtful(course: &mut Course, summary: &mut Summary) -> Result<(), String> {
    for racer in &mut course.racers {
        racer.forget_ended();
    }
    let in_flight: Vec<Vec<String>> = course
        .racers
        .iter()
        .map(|racer| {
            let missing = racer.tasks.iter().filter(|(_, answer)| **answer == Answer::Missing);
            missing.map(|(task, _)| task.clone()).collect()
        })
        .collect();
    course.restart_master()?;
    for (racer, tasks) in course.racers.iter().zip(in_flight) {
        for task in tasks {
            let runs = racer.tasks.get(&task) == Some(&Answer::Running);
            summary.doubtful.0 += u64::from(runs);
            summary.doubtful.1 += u64::from(!runs);
        }
    }
    summary.kills += 1;
    Ok(())
}

/// In a race in which nothing ended and no owner came, less and less was left: what would fit in the end would have
/// fitted then.
fn nobody_lost_without_need(course: &Course, plans: &[Plan]) -> Result<(), String> {
    for (racer, plan) in course.racers.iter().zip(plans) {
        // What is claimed for a task that then is invalid is gone for the other tasks of its call.
        if plan.tasks.iter().any(|task| task.invalid || task.gang.is_some()) {
            continue;
        }
        let left = course.witness.books().left(CAPACITY, racer.priority());
        for task in &plan.tasks {
            if racer.tasks.get(&task.id) == Some(&Answer::TurnedDown) && task.wants.fits(left) {
                return Err(format!("{} was turned down for {task:?}, and {left:?} is left", racer.name()));
            }
        }
    }
    Ok(())
}

fn count(course: &Course, plans: &[Plan], summary: &mut Summary) {
    for (racer, plan) in course.racers.iter().zip(plans) {
        for task in &plan.tasks {
            if racer.is_owner() {
                summary.regular += 1;
                continue;
            }
            summary.launches += 1;
            match racer.tasks.get(&task.id) {
                Some(Answer::TurnedDown) => summary.turned_down += 1,
                Some(Answer::Invalid(_)) => summary.invalid += 1,
                Some(Answer::Running | Answer::Ended(..)) => summary.won += 1,
                Some(Answer::Missing) | None => {}
            }
        }
    }
}
