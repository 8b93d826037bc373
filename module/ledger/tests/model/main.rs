//! Every interleaving of small worlds: a master, an agent, an owner and borrowers, against one ledger.
//!
//! The master of these worlds does what the real one does, in its order: tasks of an ACCEPT are shown, then validated,
//! then what is left of the offers is returned and what is used is told. Everything that is not the ledger's to decide
//! is tried in every way: who is offered how much, who accepts what, which tasks the master finds wrong, what ends, when
//! which amount is published, and when the agent or the master goes away.
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod explorer;
mod master;
mod world;

use explorer::explore;
use world::{Framework, World};

const WORLD: World =
    World { units: 0, frameworks: Vec::new(), failover: false, few_amounts: false, executor_units: 1 };
const OWNER: Framework = Framework {
    name: "owner",
    role: "prod",
    priority: 0,
    regular: true,
    lent: false,
    executors: false,
    gangs: false,
};
const BORROWER: Framework = Framework {
    name: "one",
    role: "batch",
    priority: 1,
    regular: false,
    lent: true,
    executors: false,
    gangs: false,
};

#[test]
fn equal_borrowers_and_an_owner_race_for_an_agent() {
    let other = Framework { name: "two", ..BORROWER };
    explore(&World { units: 3, frameworks: vec![OWNER, BORROWER, other], ..WORLD });
}

#[test]
fn a_borrower_of_higher_priority_is_admitted_over_one_of_lower() {
    let higher = Framework { name: "two", role: "urgent", priority: 2, ..BORROWER };
    explore(&World { units: 2, frameworks: vec![OWNER, BORROWER, higher], ..WORLD });
}

#[test]
fn executors_are_reused_and_stay_unmixed() {
    let both = Framework { regular: true, executors: true, ..BORROWER };
    explore(&World { units: 3, frameworks: vec![both], few_amounts: true, ..WORLD });
}

#[test]
fn executors_without_resources_stay_unmixed_where_it_is_in_doubt_what_they_run() {
    let both = Framework { regular: true, executors: true, ..BORROWER };
    explore(&World { units: 3, frameworks: vec![both], few_amounts: true, executor_units: 0, ..WORLD });
}

#[test]
fn a_borrower_with_executors_races_with_one_without() {
    let with = Framework { executors: true, ..BORROWER };
    let without = Framework { name: "two", ..BORROWER };
    explore(&World { units: 3, frameworks: vec![with, without], ..WORLD });
}

#[test]
fn gangs_pass_or_are_turned_down_as_one() {
    let gangs = Framework { gangs: true, ..BORROWER };
    let other = Framework { name: "two", ..BORROWER };
    explore(&World { units: 3, frameworks: vec![OWNER, gangs, other], ..WORLD });
}

#[test]
fn another_master_takes_over_at_any_moment() {
    let both = Framework { regular: true, executors: true, ..BORROWER };
    explore(&World { units: 2, frameworks: vec![both], failover: true, ..WORLD });
}
