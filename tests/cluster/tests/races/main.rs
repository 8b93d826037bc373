//! Twenty frameworks race for what one agent lends, on a real master with our allocator and hook.
//!
//! ```text
//! cargo build -p apportion -p apportion-rig
//! cargo test -p apportion-cluster-tests --test races
//! APPORTION_RACES=10000 cargo test -p apportion-cluster-tests --test races -- --nocapture first_launch
//! ```
//!
//! In each race all twenty hold offers of the same capacity and launch at once: one task or several, gangs, tasks that are
//! invalid, or nothing. Two owners hold the regular offers, and in a part of the races they launch at the same moment.
//! Tasks of the race before end meanwhile. Four of the twenty borrow at a higher priority.
//!
//! * [`race`]: races for a simulated agent. It sees what it has to run in the master's order, so an independent witness
//!   keeps books there, and evicts as a QoS controller would. In every tenth race of one test the master is killed while
//!   launches are in flight, and started again on the same registry.
//! * [`evictions`]: races for a real agent with our isolator and QoS controller.
//!
//! After each race has to hold:
//!
//! * at every admission, what is lent at that or a higher priority and what is in use by regular tasks fits the agent with
//!   the new task, and regular tasks by themselves always do;
//! * every launch was answered, by `TASK_RUNNING` or by a `TASK_ERROR` with our explanation, and what frameworks were told,
//!   what the master has in its books and what runs on the agent is the same; gangs are whole;
//! * no owner's launch was turned down and no regular task evicted;
//! * where nothing ended meanwhile, nobody was turned down for what was left in the end;
//! * when the tasks have ended, every borrower is offered everything again: no claim is lost;
//! * the master is alive, and the same process;
//! * on the real agent more is allocated than there is for no longer than an eviction takes.
//!
//! | variable | meaning | without it |
//! |---|---|---|
//! | `APPORTION_RACES` | races on the simulated agent; a tenth with kills of the master, a fortieth on a real agent | 120, 30 and 5 |
//! | `APPORTION_RACES_SEED` | seed of all plans; when threads get to run is left to chance | from the clock |
//! | `APPORTION_LIBRARY` | the library | the debug build beside the tests |
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
    match race::run(&settings, settings.races(|wished| wished, 120), None) {
        Ok(summary) => say(&summary.to_string()),
        Err(report) => panic!("{report}"),
    }
}

#[test]
fn races_go_on_when_the_master_is_killed_in_the_middle() {
    let settings = Settings::from_environment();
    match race::run(&settings, settings.races(|wished| wished / 10, 30), Some(10)) {
        Ok(summary) => say(&summary.to_string()),
        Err(report) => panic!("{report}"),
    }
}

#[test]
fn owners_get_their_agent_back_from_borrowers_in_time() {
    let settings = Settings::from_environment();
    match evictions::run(&settings, settings.races(|wished| wished / 40, 5)) {
        Ok(summary) => say(&summary.to_string()),
        Err(report) => panic!("{report}"),
    }
}
