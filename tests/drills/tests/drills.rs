//! Kills at random moments.
#![forbid(unsafe_code)]

use std::path::Path;

use apportion_drill_tests::{Target, from_environment};

fn drill(target: Target) {
    let program = Path::new(env!("CARGO_BIN_EXE_drill-framework"));
    let drill = from_environment(target, program).unwrap_or_else(|error| panic!("{error}"));
    match drill.run() {
        Ok(summary) => println!("{summary}"),
        Err(report) => panic!("{report}"),
    }
}

#[test]
fn nothing_is_lost_or_offered_twice_when_the_master_is_killed() {
    drill(Target::Master);
}

#[test]
fn nothing_is_lost_or_offered_twice_when_an_agent_is_killed() {
    drill(Target::Agent);
}

#[test]
fn nothing_is_lost_or_offered_twice_when_a_framework_is_killed() {
    drill(Target::Framework);
}
