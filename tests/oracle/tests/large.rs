//! Histories in bursts, small enough for every test run. `large-histories` plays them at 10,000 agents.

use std::ops::ControlFlow;
use std::process::Command;

use apportion_oracle::Tally;
use apportion_oracle::large::Large;

/// What every test run has time for.
const SMALL: Large = Large { agents: 60, frameworks: 80, roles: 14, rounds: 12, checks_one_in: 3 };

fn play(number: u64) -> Tally {
    let played = SMALL.play(number, &mut |_, _| ControlFlow::Continue(()));
    played.unwrap_or_else(|disagreement| panic!("history {number}: {disagreement}"))
}

#[test]
fn both_allocators_agree_in_bursts() {
    let mut all = Tally::default();
    (1..=6).for_each(|number| all.add(play(number)));
    assert!(all.large_runs >= 6 * SMALL.rounds, "every round has a run over the cluster: {all:?}");
    assert!(all.checks > 0 && all.offers > 6 * SMALL.agents, "{all:?}");
}

#[test]
fn history_follows_from_its_number_and_may_be_broken_off() {
    assert_eq!(play(7), play(7));
    let mut first = None;
    let broken_off = SMALL.play(7, &mut |_, tally| {
        first = Some(tally);
        ControlFlow::Break(())
    });
    assert_eq!(broken_off.ok(), first);
}

#[test]
fn program_plays_what_it_is_told() {
    let program = env!("CARGO_BIN_EXE_large-histories");
    let arguments = "--agents 60 --frameworks 12 --roles 10 --rounds 3 --histories 2 --seed 5";
    let output = Command::new(program).args(arguments.split(' ')).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.starts_with("both allocators agree: 2 histories, "), "{said}");
}
