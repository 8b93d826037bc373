//! Counts of a group's events, and what is new in them.

use super::EventKind;
use crate::parse::{number, value_of};

/// What was counted for a group since it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Times at the limit of memory with nothing to reclaim. v1 does not count them: there, those since the group is
    /// watched.
    pub out_of_memory: u64,
    /// Processes killed for want of memory.
    pub killed: u64,
    /// Processes and threads that could not be started.
    pub out_of_pids: u64,
    /// Times that memory was reclaimed because the limit was reached (`max` of v2, `memory.failcnt` of v1).
    pub limit_hits: u64,
    /// Whether there are processes; v1 does not tell.
    pub populated: Option<bool>,
}

impl Counts {
    /// Adds what v2's `memory.events` says.
    pub fn add_memory_events(&mut self, content: &[u8]) {
        self.out_of_memory = self.out_of_memory.saturating_add(value_of(content, "oom").unwrap_or(0));
        self.killed = self.killed.saturating_add(value_of(content, "oom_kill").unwrap_or(0));
        self.limit_hits = self.limit_hits.saturating_add(value_of(content, "max").unwrap_or(0));
    }

    /// Adds what v1's `memory.oom_control` and `memory.failcnt` say.
    pub fn add_legacy_memory(&mut self, oom_control: &[u8], failcnt: &[u8]) {
        self.killed = self.killed.saturating_add(value_of(oom_control, "oom_kill").unwrap_or(0));
        self.limit_hits = self.limit_hits.saturating_add(number(failcnt).unwrap_or(0));
    }

    /// Adds what `pids.events` says.
    pub fn add_pids_events(&mut self, content: &[u8]) {
        self.out_of_pids = self.out_of_pids.saturating_add(value_of(content, "max").unwrap_or(0));
    }

    /// Takes what v2's `cgroup.events` says.
    pub fn set_cgroup_events(&mut self, content: &[u8]) {
        if let Some(populated) = value_of(content, "populated") {
            self.populated = Some(populated != 0);
        }
    }

    /// What happened from these counts to later ones. Counts that went back tell nothing.
    pub(crate) fn news(&self, later: &Counts) -> Vec<EventKind> {
        let grown = |before: u64, after: u64| after.checked_sub(before).filter(|more| *more > 0);
        let mut news = Vec::new();
        let times = grown(self.out_of_memory, later.out_of_memory);
        news.extend(times.map(|times| EventKind::OutOfMemory { times }));
        let processes = grown(self.killed, later.killed);
        news.extend(processes.map(|processes| EventKind::Killed { processes }));
        let times = grown(self.out_of_pids, later.out_of_pids);
        news.extend(times.map(|times| EventKind::OutOfPids { times }));
        if self.populated == Some(true) && later.populated == Some(false) {
            news.push(EventKind::Emptied);
        }
        news
    }
}
