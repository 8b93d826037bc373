#![forbid(unsafe_code)]
//! A small virtual machine with cgroups v2 only and a real Mesos 1.11.0 in it, for tests.
//!
//! [`Machine::prepare`] has Debian's kernel for virtual machines and busybox fetched by apt (unpacked in the cache
//! folder, not installed) and finds qemu. [`Machine::run`] puts an archive together that the kernel takes as its root
//! folder: busybox, the rig of [`apportion_rig`] with the published Mesos binary, a program and whatever shared
//! libraries these need. It boots the machine, runs the program as root and returns its exit code, the console and
//! the files it has left below `/results`.
//!
//! A test that is to run inside is an ordinary test; see [`Scenario::this_test`]. [`apportion_rig::Rig::prepare`] works
//! inside as it does outside, so that masters, agents and frameworks are started as everywhere.
//!
//! Nothing here needs root: fetching a package needs only lists that `apt-get update` has left. Nothing is skipped: what
//! is missing fails the test with the command that mends it. The tests of this package want two things built before, as
//! those of `tests/cluster` do:
//!
//! ```text
//! apt-get install --no-install-recommends qemu-system-x86
//! cargo build -p apportion -p apportion-rig
//! cargo test -p apportion-machine
//! ```
//!
//! # How it is made
//!
//! * The kernel has what the first process needs built in: serial ports, `tmpfs`, cgroups. Console and results are two
//!   serial ports, so that no module, no disk and no network is needed. The second one carries about 100 KB a second with
//!   software emulation: results are for texts, not for cores. Modules are there for those that a scenario names.
//! * Mesos' binary, the launcher and our library keep finding their shared libraries where they find them on this
//!   machine: under the same paths, with the loader's own list of them. Which ones is read from the files themselves.
//! * KVM is used when a trial boot works, software emulation otherwise; see [`Machine::prepare`].
//! * The root cgroup is as the kernel leaves it: all controllers are there, none is enabled for children.
//! * `/tmp` and `/` are in memory. A machine cannot reach any network.

mod acceleration;
mod elf;
mod error;
mod machine;
mod modules;
mod packages;
mod scenario;
mod tree;

pub use acceleration::Acceleration;
pub use error::MachineError;
pub use machine::Machine;
pub use scenario::{Outcome, Scenario, inside};
