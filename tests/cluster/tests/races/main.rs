//! Twenty frameworks race for one agent.
#![forbid(unsafe_code)]

mod amounts;
mod course;
mod evictions;
mod plan;
mod race;
mod racer;
mod settings;
mod witness;

use settings::{Settings, say};

/// The role of those whose capacity is lent.
const OWNERS_ROLE: &str = "prod";

/// Of a role as a borrower, as the rules of the tests have it.
fn priority(role: &str) -> u32 {
    if role == "night" { 10 } else { 0 }
}

#[test]
fn first_launch_wins_and_nothing_is_over_committed_or_lost() {
    let settings = Settings::from_environment();
    match race::run(&settings, settings.races(|wished| wished, 300), None) {
        Ok(summary) => say(&summary.to_string()),
        Err(report) => panic!("{report}"),
    }
}

#[test]
fn races_go_on_when_the_master_is_killed_in_the_middle() {
    let settings = Settings::from_environment();
    match race::run(&settings, settings.races(|wished| wished / 10, 40), Some(10)) {
        Ok(summary) => say(&summary.to_string()),
        Err(report) => panic!("{report}"),
    }
}

#[test]
fn owners_get_their_agent_back_from_borrowers_in_time() {
    let settings = Settings::from_environment();
    match evictions::run(&settings, settings.races(|wished| wished / 40, 6)) {
        Ok(summary) => say(&summary.to_string()),
        Err(report) => panic!("{report}"),
    }
}
