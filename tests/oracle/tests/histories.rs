//! Random histories, played to both allocators.
//!
//! `APPORTION_HISTORIES=<n>` plays n histories instead of the few, always the same, that fit into every test run. A history that fails
//! is shrunk and printed call by call; its seed is kept in `proptest-regressions` and played first from then on.

use std::cell::Cell;
use std::io::Write;

use apportion_oracle::histories::{Theme, histories};
use proptest::test_runner::{Config, FileFailurePersistence, RngSeed, TestCaseError, TestRunner};

/// Histories about each theme that are played in every test run.
const HISTORIES: u32 = 300;

/// Steps of a history, at most.
const STEPS: usize = 70;

/// Plays histories about a theme and says how many there were.
fn play(theme: Theme, seeds: &'static str) {
    let asked = std::env::var("APPORTION_HISTORIES").ok();
    let asked =
        asked.map(|count| count.parse::<u32>().expect("APPORTION_HISTORIES is a number of histories"));
    let config = Config {
        cases: asked.map_or(HISTORIES, |count| count.div_ceil(5)),
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(seeds))),
        max_shrink_iters: 20_000,
        // Every run of the tests plays the same histories, so that a failure is a change's own; long runs play others.
        rng_seed: if asked.is_some() { RngSeed::Random } else { RngSeed::Fixed(1_110) },
        ..Config::default()
    };
    let (played, calls, offers, inverse) = (Cell::new(0), Cell::new(0), Cell::new(0), Cell::new(0));
    let result = TestRunner::new(config).run(&histories(theme, STEPS), |history| {
        let tally = history.play().map_err(|disagreement| TestCaseError::fail(disagreement.to_string()))?;
        played.set(played.get() + 1);
        calls.set(calls.get() + tally.calls);
        offers.set(offers.get() + tally.offers);
        inverse.set(inverse.get() + tally.inverse_offers);
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
    let (played, calls, offers, inverse) = (played.get(), calls.get(), offers.get(), inverse.get());
    // Around the capture of the test harness: the count belongs into every log.
    let line =
        format!("{theme:?}: {played} histories, {calls} calls, {offers} offers, {inverse} inverse offers\n");
    std::io::stderr().write_all(line.as_bytes()).expect("standard error takes a line");
    assert!(offers > 0, "histories in which nothing is offered compare nothing");
}

/// A test for each theme, with the file that keeps the seeds of its failures.
macro_rules! themes {
    ($($test:ident: $theme:ident,)*) => {$(
        #[test]
        fn $test() {
            let seeds = concat!(env!("CARGO_MANIFEST_DIR"), "/proptest-regressions/", stringify!($test), ".txt");
            play(Theme::$theme, seeds);
        }
    )*};
}

themes! {
    both_allocators_agree_whatever_happens: Everything,
    both_allocators_agree_about_quota: Quota,
    both_allocators_agree_about_operations: Operations,
    both_allocators_agree_when_agents_and_frameworks_come_and_go: Churn,
    both_allocators_agree_about_maintenance: Maintenance,
}
