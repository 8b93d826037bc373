//! A machine with cgroups v2 only: what it offers, how it fails, and a real Mesos with the four modules in it.
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a step that cannot be taken fails the test")]

mod guide;
mod isolation;
mod machine;
mod mesos;

use std::sync::OnceLock;

use apportion_machine::Machine;

/// The machine, prepared once for all tests.
fn machine() -> &'static Machine {
    static MACHINE: OnceLock<Machine> = OnceLock::new();
    MACHINE.get_or_init(|| {
        Machine::prepare(|step| eprintln!("{step}")).unwrap_or_else(|error| panic!("{error}"))
    })
}
