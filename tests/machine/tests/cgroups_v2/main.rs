//! A machine with cgroups v2 only: what it offers, how it fails, and a real Mesos with the four modules in it.

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
