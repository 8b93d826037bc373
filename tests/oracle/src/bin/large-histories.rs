//! Plays histories as large as a real cluster to the allocator and to the oracle, and compares every answer.
//!
//! ```text
//! cargo run --release -p apportion-oracle --bin large-histories -- --seconds 600
//! ```
#![forbid(unsafe_code)]

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use apportion_oracle::large::Large;
use apportion_oracle::{Disagreement, Tally};
use clap::Parser;

/// Calls of a failed history that are shown.
const CALLS_SHOWN: usize = 12;
/// Characters of a call that are shown.
const CALL_CHARACTERS: usize = 400;

/// Plays large histories to the allocator and to a slow one that was written apart from it, and compares every answer:
/// each offer of each run, with all its resources.
///
/// Exit code 0: they agree. 1: they do not; what differs is told, and the command that shows it again. 2: wrong arguments.
#[derive(Debug, Clone, Parser)]
#[command(name = "large-histories", after_help = EXAMPLES)]
struct Arguments {
    /// Agents of a history
    #[arg(long, default_value_t = 10_000, value_name = "COUNT", value_parser = count(1, 65_536))]
    agents: u64,
    /// Frameworks at the same time
    #[arg(long, default_value_t = 300, value_name = "COUNT", value_parser = count(1, 5_000))]
    frameworks: u64,
    /// Roles; nine are always there, some of them inside others
    #[arg(long, default_value_t = 40, value_name = "COUNT", value_parser = count(1, 1_000))]
    roles: u64,
    /// Rounds of a history; in each, frameworks answer, something happens, and a batch looks at every agent
    #[arg(long, default_value_t = 20, value_name = "COUNT", value_parser = count(1, 100_000))]
    rounds: u64,
    /// Histories to play; without it, as many as fit into the seconds
    #[arg(long, value_name = "COUNT", value_parser = count(1, 1_000_000))]
    histories: Option<u64>,
    /// Seconds to play for; the round that goes on then is the last
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = count(1, 604_800))]
    seconds: u64,
    /// The number that the first history follows from; each further one has the next number
    #[arg(long, default_value_t = 1, value_name = "NUMBER")]
    seed: u64,
    /// Books, numbers of roles and invariants are checked after one of so many runs; answers always
    #[arg(long, default_value_t = 8, value_name = "COUNT", value_parser = count(1, 1_000_000))]
    checks_one_in: u64,
    /// Write all calls of a history that fails into this file, one a line
    #[arg(long, value_name = "FILE")]
    keep: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  large-histories --seconds 3600
      an hour of histories of 10,000 agents, 300 frameworks, 40 roles
  large-histories --seed 17 --histories 1 --keep history.txt
      the history of number 17 alone, with all its calls in a file if it fails
  large-histories --agents 60 --frameworks 12 --roles 12 --rounds 5 --histories 3
      is everything there?

A run over 10,000 agents takes the oracle some seconds, so build it with --release.";

fn count(least: u64, most: u64) -> clap::builder::RangedU64ValueParser<u64> {
    clap::value_parser!(u64).range(least..=most)
}

fn size(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

impl Arguments {
    fn large(&self) -> Large {
        Large {
            agents: size(self.agents),
            frameworks: size(self.frameworks),
            roles: size(self.roles),
            rounds: size(self.rounds),
            checks_one_in: size(self.checks_one_in),
        }
    }

    /// The command that plays one history again.
    fn again(&self, seed: u64) -> String {
        format!(
            "large-histories --agents {} --frameworks {} --roles {} --rounds {} --checks-one-in {} --histories 1 --seed {seed}",
            self.agents, self.frameworks, self.roles, self.rounds, self.checks_one_in
        )
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let (started, limit) = (Instant::now(), Duration::from_secs(arguments.seconds));
    let large = arguments.large();
    let mut all = Tally::default();
    let mut played = 0;
    while started.elapsed() < limit && arguments.histories.is_none_or(|histories| played < histories) {
        let seed = arguments.seed.wrapping_add(played);
        eprintln!("history {seed}: {} agents, {} frameworks", arguments.agents, arguments.frameworks);
        let mut round = 0;
        let outcome = large.play(seed, &mut |event, tally| {
            round += 1;
            let seconds = started.elapsed().as_secs();
            eprintln!(
                "  {seconds:>5} s  round {round} of {}, {event}: {}",
                arguments.rounds,
                in_words(tally)
            );
            if started.elapsed() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        match outcome {
            Ok(tally) => all.add(tally),
            Err(disagreement) => {
                tell(&disagreement, arguments.keep.as_deref());
                eprintln!("run it again: {}", arguments.again(seed));
                return ExitCode::FAILURE;
            }
        }
        played += 1;
    }
    println!("both allocators agree: {played} histories, {}", in_words(all));
    ExitCode::SUCCESS
}

fn in_words(tally: Tally) -> String {
    let Tally { calls, runs, large_runs, offers, inverse_offers, checks } = tally;
    format!(
        "{calls} calls, {runs} runs ({large_runs} over half of the cluster or more), {offers} offers, \
         {inverse_offers} inverse offers, {checks} checks of the books"
    )
}

/// What is wrong, and the last calls before it.
fn tell(disagreement: &Disagreement, keep: Option<&Path>) {
    let Disagreement { what, history } = disagreement;
    eprintln!("error: {what}\nafter {} calls, the last of them:", history.len());
    for (at, call) in history.iter().enumerate().skip(history.len().saturating_sub(CALLS_SHOWN)) {
        let shown: String = call.chars().take(CALL_CHARACTERS).collect();
        eprintln!("{at:>8} {shown}{}", if shown.len() < call.len() { " …" } else { "" });
    }
    if let Some(file) = keep {
        match std::fs::write(file, history.join("\n") + "\n") {
            Ok(()) => eprintln!("all calls: {}", file.display()),
            Err(error) => eprintln!("cannot write {}: {error}", file.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn arguments_are_consistent_and_a_history_can_be_named_again() {
        Arguments::command().debug_assert();
        let arguments = Arguments::try_parse_from(["large-histories", "--agents", "60"]).unwrap();
        let again = arguments.again(17);
        let same = Arguments::try_parse_from(again.split(' ')).unwrap();
        assert_eq!((same.seed, same.histories, same.large()), (17, Some(1), arguments.large()));
        assert!(Arguments::try_parse_from(["large-histories", "--agents", "0"]).is_err());
    }
}
