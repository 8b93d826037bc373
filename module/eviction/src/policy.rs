//! What an operator decides about evictions.

use std::fmt;
use std::time::Duration;

/// Settings of the agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// How much time an executor gets whose tasks do not ask for any.
    pub grace: Duration,
    /// The label by which a task asks for time, as `30s` or `1m 30s`.
    pub grace_label: Vec<u8>,
    /// The most that anybody gets.
    pub grace_most: Duration,
    /// How often to look even if nobody woke us.
    pub check_every: Duration,
    /// When to tell the agent again to end an executor that is still there.
    pub tell_again: Duration,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            grace: Duration::ZERO,
            grace_label: b"apportion_grace".to_vec(),
            grace_most: Duration::from_secs(60),
            check_every: Duration::from_secs(15),
            tell_again: Duration::from_secs(10),
        }
    }
}

/// Priorities of borrowers: the lowest have to go first.
pub trait Priorities {
    /// The priority of a role.
    fn of(&self, role: &[u8]) -> u32;
}

impl<F: Fn(&[u8]) -> u32> Priorities for F {
    fn of(&self, role: &[u8]) -> u32 {
        self(role)
    }
}

/// What a decision depends on besides the agent.
#[derive(Clone, Copy)]
pub struct Policy<'a> {
    /// Settings of the agent.
    pub settings: &'a Settings,
    /// Priorities of borrowers.
    pub priorities: &'a dyn Priorities,
}

impl fmt::Debug for Policy<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy").field("settings", self.settings).finish_non_exhaustive()
    }
}
