//! Races on a real agent, whose QoS controller and isolator end borrowers for owners.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use apportion_cluster_tests::{Random, agent, list, master};
use apportion_rig::{Agent, Http, Master, TaskState};
use serde_json::Value;
use tempfile::TempDir;

use crate::amounts::Amounts;
use crate::course::{ALLOCATION_INTERVAL, RULES, keep_borrowers_to_loans, side_by_side, subscribe, within};
use crate::plan::Plan;
use crate::racer::{Answer, Racer};
use crate::settings::{Settings, say};

const CAPACITY: Amounts = Amounts { cpus: 8.0, mem: 2048.0 };
const AGENT: &str = "cpus:8;mem:2048;disk:512;ports:[31000-31009]";
/// What one borrower takes at most, so that several run at the same time.
const SMALL: Amounts = Amounts { cpus: 4.0, mem: 512.0 };
/// How long more may be allocated than there is: the QoS controller looks at once when it is woken, and every second if
/// it is not. The rest is for containers to end on a machine that does other things, too.
const OVER_COMMITTED_AT_MOST: Duration = Duration::from_secs(5);
/// How long everything may take that a real agent does in a race.
const DONE_WITHIN: Duration = Duration::from_secs(60);
/// Between two looks at the agent.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// In so many of a hundred races each owner launches.
const OWNERS_CHANCE: u64 = 70;

/// What happened in all races so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Summary {
    races: u64,
    won: u64,
    turned_down: u64,
    regular: u64,
    evicted: u64,
    /// Of those, while their containers were being started.
    evicted_early: u64,
    looks: u64,
    /// How often more was allocated than there is.
    over_commitments: u64,
    longest: Duration,
    time: Duration,
}

impl fmt::Display for Summary {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{} races on a real agent in {:.1?}: {} lent launches won, {} were turned down; {} launches of owners, {} \
             evictions, {} of them of what was being started; {} times in {} looks more was allocated than there is, for {:.1?} at most",
            self.races,
            self.time,
            self.won,
            self.turned_down,
            self.regular,
            self.evicted,
            self.evicted_early,
            self.over_commitments,
            self.looks,
            self.longest
        )
    }
}

/// Everything that runs.
#[derive(Debug)]
struct RealCourse {
    racers: Vec<Racer>,
    agent: Agent,
    master: Master,
    process_ids: [Option<i32>; 2],
    _folder: TempDir,
}

impl RealCourse {
    fn start() -> Result<RealCourse, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let file = folder.path().join("apportion.toml");
        fs::write(&file, RULES).map_err(|error| error.to_string())?;
        let file = file.display().to_string();
        let parameters = [("config", file.as_str())];
        let master = master(&parameters)
            .allocation_interval(ALLOCATION_INTERVAL)
            .flag("max_completed_tasks_per_framework", "0")
            .start()
            .map_err(|error| error.to_string())?;
        let agent = agent(master.address(), &parameters).resources(AGENT).start();
        let agent = agent.map_err(|error| error.to_string())?;
        keep_borrowers_to_loans(&master)?;
        let racers = subscribe(master.address())?;
        let process_ids = [master.process_id(), agent.process_id()];
        Ok(RealCourse { racers, agent, master, process_ids, _folder: folder })
    }
}

/// Runs all races.
///
/// # Errors
/// What was found, with seed and race and the ends of the logs.
pub(crate) fn run(settings: &Settings, races: u64) -> Result<Summary, String> {
    let header = format!("{races} races on a real agent, seed {}", settings.seed);
    say(&format!("{header}; APPORTION_RACES_SEED={} repeats their plans", settings.seed));
    let mut course = RealCourse::start().map_err(|error| format!("{header}: at the start: {error}"))?;
    let (started, mut summary) = (Instant::now(), Summary::default());
    for number in 1..=races {
        let mut random = Random::part(settings.seed, number);
        race(&mut course, number, &mut random, &mut summary).map_err(|error| {
            let tail = |log: String| {
                let lines: Vec<&str> = log.lines().filter(|line| !line.contains(" http.cpp:")).collect();
                lines[lines.len().saturating_sub(150)..].join("\n")
            };
            let (master, agent) = (tail(course.master.log()), tail(course.agent.log()));
            format!("{header}: race {number}: {error}\n---- master ----\n{master}\n---- agent ----\n{agent}")
        })?;
        summary.races = number;
        summary.time = started.elapsed();
        if number < races && number % settings.progress_every(races) == 0 {
            say(&summary.to_string());
        }
    }
    if summary.evicted == 0 {
        return Err(format!("{header}: nobody was evicted: {summary}"));
    }
    Ok(summary)
}

fn race(
    course: &mut RealCourse,
    number: u64,
    random: &mut Random,
    summary: &mut Summary,
) -> Result<(), String> {
    side_by_side(&mut course.racers, |_, racer| racer.get_ready(Some(CAPACITY), &BTreeSet::new()))?;
    let plans: Vec<Plan> = course
        .racers
        .iter()
        .map(|racer| {
            let name = format!("r{number}.{}", racer.name());
            if racer.is_owner() {
                Plan::of_owner(&name, OWNERS_CHANCE, racer.held(), random)
            } else {
                Plan::of_small_borrower(&name, SMALL, random)
            }
        })
        .collect();
    course.racers.iter_mut().for_each(Racer::forget_ended);
    // Owners come while borrowers start, and when they run.
    let owners_pause = random.millis(0, 800);

    let (http, over) = (course.agent.http().clone(), AtomicBool::new(false));
    let seen = thread::scope(|scope| {
        let looking = scope.spawn(|| look_while(&http, &over));
        let outcome = side_by_side(&mut course.racers, |at, racer| {
            if racer.is_owner() {
                thread::sleep(owners_pause);
            }
            thread::sleep(Duration::from_micros(plans[at].after_us));
            racer.launch(&plans[at]).map_err(|error| error.to_string())?;
            racer.wait_for_answers()
        })
        .and_then(|_| settle(&mut course.racers, &http));
        over.store(true, Ordering::Release);
        let seen = looking.join().map_err(|_| "a panic".to_owned())?;
        outcome.and(seen)
    })?;
    summary.looks += seen.looks;
    summary.over_commitments += seen.over_commitments;
    summary.longest = summary.longest.max(seen.longest);
    check(course, &plans, &seen)?;
    count(course, &plans, summary);

    side_by_side(&mut course.racers, |_, racer| racer.kill_all())?;
    within(DONE_WITHIN, "all containers to end", || {
        let there = allocated(&course.agent.state().map_err(|error| error.to_string())?);
        if there.tasks.is_empty() { Ok(()) } else { Err(format!("{there:?}")) }
    })
}

/// Waits until what fits is what the frameworks were told.
fn settle(racers: &mut [Racer], agent: &Http) -> Result<(), String> {
    within(DONE_WITHIN, "borrowers to go, and frameworks to know", || {
        for racer in &mut *racers {
            racer.listen()?;
        }
        let page = agent.get_json("/slave(1)/state").map_err(|error| error.to_string())?;
        let there = allocated(&page);
        let told: BTreeSet<String> = racers
            .iter()
            .flat_map(|racer| racer.tasks.iter())
            .filter(|(_, answer)| **answer == Answer::Running)
            .map(|(task, _)| task.clone())
            .collect();
        let fits = (there.regular + there.lent).fits(CAPACITY);
        if fits && told == there.tasks { Ok(()) } else { Err(format!("{there:?}, and told was {told:?}")) }
    })
}

/// What an agent has given away.
#[derive(Debug, Default)]
struct Allocated {
    regular: Amounts,
    lent: Amounts,
    tasks: BTreeSet<String>,
}

/// Sums the tasks that have not ended. What the agent adds for the executors of commands is no part of them.
fn allocated(state: &Value) -> Allocated {
    let executors = list(&state["frameworks"]).iter().flat_map(|framework| list(&framework["executors"]));
    let mut sum = Allocated::default();
    for task in
        executors.flat_map(|executor| list(&executor["tasks"]).iter().chain(list(&executor["queued_tasks"])))
    {
        sum.regular = sum.regular + Amounts::regular_in(&task["resources"]);
        sum.lent = sum.lent + Amounts::lent_in(&task["resources"]);
        sum.tasks.insert(task["id"].as_str().unwrap_or_default().to_owned());
    }
    sum
}

/// What was seen on the agent in one race.
#[derive(Debug, Default)]
struct Seen {
    looks: u64,
    over_commitments: u64,
    longest: Duration,
    findings: Vec<String>,
}

/// Looks at the agent again and again until `over`.
fn look_while(agent: &Http, over: &AtomicBool) -> Result<Seen, String> {
    let (mut seen, mut since) = (Seen::default(), None::<Instant>);
    while !over.load(Ordering::Acquire) {
        let before = Instant::now();
        let there = allocated(&agent.get_json("/slave(1)/state").map_err(|error| error.to_string())?);
        seen.looks += 1;
        if !there.regular.fits(CAPACITY) {
            seen.findings.push(format!("regular tasks are over-committed: {there:?}"));
        }
        if (there.regular + there.lent).fits(CAPACITY) {
            since = None;
        } else {
            seen.over_commitments += u64::from(since.is_none());
            seen.longest = seen.longest.max(since.get_or_insert(before).elapsed());
        }
        thread::sleep(LOOK_EVERY);
    }
    Ok(seen)
}

fn check(course: &mut RealCourse, plans: &[Plan], seen: &Seen) -> Result<(), String> {
    let mut findings = seen.findings.clone();
    if seen.longest > OVER_COMMITTED_AT_MOST {
        findings.push(format!("more was allocated than there is for {:?}", seen.longest));
    }
    let log = course.agent.log();
    let evicted_early = |task: &str| {
        let executor = format!("for executor '{task}' of framework");
        log.lines().any(|line| line.contains(&executor) && line.ends_with("as QoS correction"))
    };
    for (racer, plan) in course.racers.iter_mut().zip(plans) {
        racer.check(&plan.tasks, evicted_early);
        findings.append(&mut racer.findings);
    }
    let process_ids = [course.master.process_id(), course.agent.process_id()];
    if process_ids != course.process_ids || course.master.state().is_err() {
        findings.push(format!("master and agent were {:?}: {process_ids:?}", course.process_ids));
    }
    if findings.is_empty() { Ok(()) } else { Err(findings.join("\n")) }
}

fn count(course: &RealCourse, plans: &[Plan], summary: &mut Summary) {
    for (racer, plan) in course.racers.iter().zip(plans) {
        for task in &plan.tasks {
            match racer.tasks.get(&task.id) {
                _ if racer.is_owner() => summary.regular += 1,
                Some(Answer::TurnedDown) => summary.turned_down += 1,
                Some(Answer::Running) => summary.won += 1,
                Some(Answer::Ended(state, _)) => {
                    summary.won += 1;
                    summary.evicted += 1;
                    summary.evicted_early += u64::from(*state == TaskState::Failed);
                }
                _ => {}
            }
        }
    }
}
