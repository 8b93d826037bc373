//! Facts of the agent's host, for attributes and for the values of hook rules.
//!
//! * [`Host::detect`] looks at `/proc`, `/sys`, `/dev` and `os-release` once and keeps what it saw as typed fields.
//! * [`Host::facts`] gives the same as text under the names of [`FACTS`], fit for attributes of a Mesos agent.
//! * [`Files`] reads small files that an operator names as `file:/etc/rack`, and reads them again when they change.
//!
//! # Invariants
//!
//! * What is not there, cannot be read or makes no sense is `None`. Detection has no errors and never panics.
//! * Nothing waits: only regular files are opened, so a pipe or a device in an unexpected place cannot hold us up. The
//!   exception is a file on a network file system that hangs; nobody should name one in a rule.
//! * Every read and every listing has a limit.
//! * No message contains a byte of a file: [`FileError`] tells the path and the cure.
//! * Nothing is written, no process is started, no thread, no network: cloud metadata services are not asked.
//!
//! Everything takes the root of the tree it looks at, `/` for the running machine. A symbolic link with an absolute
//! target leads where the running system says, whatever the root; roots other than `/` are for tests.
//!
//! Where to read next: [`Host`], then [`Files`].
#![forbid(unsafe_code)]

mod cpu;
mod disk;
mod facts;
mod files;
mod gpu;
mod host;
mod mounts;
mod platform;
mod tree;

pub use disk::{DiskKind, disk_kind};
pub use facts::{ATTRIBUTE_CHARS_MAX, FACTS, Fact, FactKind, attribute_text};
pub use files::{FILE_BYTES_MAX, FILES_KEPT_MAX, FileError, Files, Mark};
pub use gpu::Gpus;
pub use host::Host;
pub use mounts::Cgroups;
