//! Every workload at a small size, with the built-in allocator and with ours: the harness works, and both make the
//! offers that are expected.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use apportion_bench::driver::{Driver, Side};
use apportion_bench::figures::Told;
use apportion_bench::process::{self, Limits};
use apportion_bench::workload::{ROWS, RUNS, Run, Source};
use apportion_rig::Rig;

const AGENTS: u64 = 50;
const FRAMEWORKS: u64 = 10;
const LIMITS: Limits = Limits { time: Duration::from_secs(120), rounds: Some(1) };

/// The folder above `deps`, where cargo puts programs and the library.
fn folder() -> PathBuf {
    let program = std::env::current_exe().unwrap_or_else(|error| panic!("this program's path: {error}"));
    program.ancestors().nth(2).map(PathBuf::from).unwrap_or_default()
}

/// Compiled once for all tests.
fn driver() -> &'static Driver {
    static DRIVER: OnceLock<Driver> = OnceLock::new();
    DRIVER.get_or_init(|| {
        let library = std::env::var_os("APPORTION_LIBRARY")
            .map_or_else(|| folder().join("libapportion.so"), PathBuf::from);
        Rig::prepare(|step| eprintln!("{step}"))
            .map_err(|error| error.to_string())
            .and_then(|rig| Driver::prepare(rig, &folder().join("bench-driver-test"), library, Vec::new()))
            .unwrap_or_else(|error| panic!("{error}"))
    })
}

/// The run with few agents, frameworks and roles.
fn small(run: &Run) -> Run {
    Run { agents: AGENTS.min(run.agents), frameworks: FRAMEWORKS, roles: 5.min(run.roles), ..*run }
}

fn told(driver: &Driver, run: &Run, side: Side) -> Told {
    let log = folder().join("bench-driver-test/log");
    process::run(driver, &small(run), side, LIMITS, &log, |_| {}).unwrap_or_else(|error| panic!("{error}"))
}

/// Offers of a round, if the series has any.
fn offers(told: &Told, series: &str) -> Option<u64> {
    let (least, most) = told.series.get(series)?.offers()?;
    assert_eq!(least, most, "{series}");
    Some(most)
}

#[test]
fn every_workload_tells_its_series_and_both_allocators_make_the_same_offers() {
    let driver = driver();
    let mut seen = BTreeSet::new();
    for run in RUNS.iter().filter(|run| seen.insert(run.workload)) {
        let [built_in, ours] = Side::BOTH.map(|side| told(driver, run, side));
        for row in ROWS {
            let Source::Series(name, series) = row.source else { continue };
            if Run::named(name).map(|other| other.workload) != Some(run.workload) {
                continue;
            }
            for told in [&built_in, &ours] {
                assert!(told.series.contains_key(series), "{}: no series {series}", run.workload);
            }
            assert_eq!(offers(&built_in, series), offers(&ours, series), "{}: {series}", run.workload);
        }
        // Wherever all is free, every agent is offered whole.
        let all = Some(AGENTS);
        for (workload, series) in [("cycles", "full"), ("filtered", "revive-one"), ("join", "join")] {
            assert!(run.workload != workload || offers(&ours, series) == all, "{workload}: {ours:?}");
        }
        assert!(run.workload != "cycles" || offers(&ours, "idle") == Some(0), "{ours:?}");
        assert!(run.workload != "latency" || ours.histograms.contains_key("latency"));
    }
}

#[test]
fn allocator_of_another_class_is_not_taken_for_the_built_in_one() {
    assert!(!Side::BuiltIn.class().contains(Side::Ours.class()));
    let driver = driver();
    let missing = Run { workload: "nothing", ..RUNS[0] };
    let log = folder().join("bench-driver-test/log-of-nothing");
    let error = process::run(driver, &missing, Side::Ours, LIMITS, &log, |_| {}).unwrap_err();
    assert!(error.contains("no workload nothing"), "{error}");
}
