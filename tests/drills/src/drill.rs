//! A drill as the tests see it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::journal::now;
use crate::rounds::Rounds;
use crate::witness::Counts;

/// Kills of a drill without a wish of the environment.
const ROUNDS: u64 = 50;

/// What is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// The master.
    Master,
    /// One of the agents.
    Agent,
    /// One of the frameworks.
    Framework,
}

/// A drill before it begins.
#[derive(Debug, Clone)]
pub struct Drill {
    /// What is killed.
    pub target: Target,
    /// Kills, one a round.
    pub rounds: u64,
    /// Seed of all choices.
    pub seed: u64,
    /// The program `drill-framework`.
    pub program: PathBuf,
}

/// What a finished drill has seen.
#[derive(Debug)]
pub struct Summary {
    /// How much has happened.
    pub(crate) counts: Counts,
    /// How often the books were read.
    pub looks: usize,
    /// From the last return to the last offer, in each round.
    pub delays: Vec<Duration>,
    /// Agents that Mesos itself could not start again without help.
    pub cured_agents: usize,
}

impl fmt::Display for Summary {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let longest = self.delays.iter().max().copied().unwrap_or_default();
        let Counts {
            offers,
            finished_tasks,
            stillborn_tasks,
            surviving_tasks,
            operations,
            reservations,
            volumes,
            claims,
            quotas,
            changes,
            refused,
            unanswered,
            checks,
            kept_back,
        } = self.counts;
        write!(
            out,
            "{offers} offers, {finished_tasks} tasks finished, {surviving_tasks} outlived a kill, {stillborn_tasks} \
             were overtaken by one before they ran; {operations} operations acknowledged, up to {reservations} \
             reservations and {volumes} volumes; {claims} claims and {} states of the books checked; {quotas} quotas set, \
             and {changes} reservations and volumes changed, by the operator, {refused} of whose calls were refused and \
             {unanswered} not answered; {} offers compared with limits and {} with what is guaranteed, {kept_back} \
             agreements with something kept back; at most {longest:?} \
             from the last return to the last offer; {} agents that Mesos could not start again without help",
            self.looks, checks.limits, checks.guarantees, self.cured_agents
        )
    }
}

impl Drill {
    /// Runs all rounds.
    ///
    /// # Errors
    /// The report of the round that failed: seed, round, moment, what was found, and the ends of all logs.
    pub fn run(&self) -> Result<Summary, String> {
        let header = format!("drill of {:?}, seed {}, {} rounds", self.target, self.seed, self.rounds);
        println!("{header}; APPORTION_DRILL_SEED={} repeats its choices", self.seed);
        let mut rounds = Rounds::start(self.target, &self.program, self.seed)
            .map_err(|error| format!("{header}: {error}"))?;
        rounds.begin().map_err(|error| rounds.report(&format!("{header}: at the start: {error}")))?;
        // What happens in a round is left to chance and to the speed of the machine: where too little has, a few more
        // are run before that counts as a failure.
        for round in 1..=self.rounds.saturating_mul(2) {
            if round > self.rounds && rounds.prove_something(self.rounds) {
                break;
            }
            let moment = rounds.choose_moment();
            rounds.round(moment).map_err(|error| {
                rounds.report(&format!("{header}: round {round}, killed {moment}: {error}"))
            })?;
        }
        rounds.conclude(self.rounds).map_err(|error| format!("{header}: {error}"))
    }
}

/// Rounds and seed as the environment has them: `APPORTION_DRILL_ROUNDS` (50 without it) and
/// `APPORTION_DRILL_SEED` (from the clock without it).
///
/// # Errors
/// The variable that is no number.
pub fn from_environment(target: Target, program: &Path) -> Result<Drill, String> {
    let number = |name: &str, without: u64| match std::env::var(name) {
        Ok(text) => text.parse().map_err(|_| format!("{name}: found '{text}', expected a whole number")),
        Err(_) => Ok(without),
    };
    let rounds = number("APPORTION_DRILL_ROUNDS", ROUNDS)?;
    let seed = number("APPORTION_DRILL_SEED", now())?;
    Ok(Drill { target, rounds, seed, program: program.to_owned() })
}
