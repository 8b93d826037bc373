//! What happens to groups: out of memory, out of processes, empty.

mod counts;
mod sources;
mod watcher;

pub use counts::Counts;
pub use watcher::{LEGACY_LOOK, WATCHED_MAX, Watcher};

use crate::names::GroupPath;

/// Something that happened to a group. Several of a kind between two looks are told as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The group.
    pub group: GroupPath,
    /// What happened.
    pub kind: EventKind,
    /// All counts of the group now.
    pub counts: Counts,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// The group reached its limit of memory and nothing could be reclaimed. On v1 this is told just before the kernel
    /// kills; the kill itself is seen at the next look ([`LEGACY_LOOK`]).
    OutOfMemory {
        /// How often since the last look.
        times: u64,
    },
    /// The kernel killed processes of the group for want of memory.
    Killed {
        /// How many since the last look.
        processes: u64,
    },
    /// A process or thread could not be started, because the group has as many as it may. On v1 this may be seen at the
    /// next look only ([`LEGACY_LOOK`]).
    OutOfPids {
        /// How often since the last look.
        times: u64,
    },
    /// The last process ended (v2).
    Emptied,
}
