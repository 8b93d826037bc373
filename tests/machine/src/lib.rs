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
//! Tests that need the same machine share its boot: [`SharedBoot`].
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
//!
//! # Figures
//!
//! `cargo test -p apportion-machine --test cgroups_v2 -- --nocapture agent_with` prints them. Software emulation (qemu
//! 7.2, kernel 6.1), a machine of two processors and 1 GiB on two processors of an AMD EPYC, debug build without debug
//! information, seconds; the right column is the median of five runs, with the least and the most:
//!
//! | | beside little else (load 3) | beside other builds (load 8 to 11) |
//! |---|---|---|
//! | qemu's start to the program's start | 7.5 | 9.4 (6.5 to 10.5) |
//! | from there to a registered agent, master and agent with the four modules | 5.3 | 6.9 (4.9 to 8.8) |
//! | qemu's start to its end, with a task in between | 17.7 | 21.5 (15.4 to 24.1) |
//!
//! The archive with all files has 166 MB (122 of them are Mesos' binary), 2 MB without Mesos; it is not compressed.
//! There are no figures with KVM yet: the device at hand opened, but ran no ordinary kernel, which is why a trial boot
//! decides.

mod acceleration;
mod elf;
mod error;
mod machine;
mod modules;
mod packages;
mod scenario;
mod shared;
mod tree;

pub use acceleration::Acceleration;
pub use error::MachineError;
pub use machine::Machine;
pub use scenario::{Outcome, Scenario, inside};
pub use shared::SharedBoot;
