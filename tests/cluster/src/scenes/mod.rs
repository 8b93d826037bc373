//! Scenes of the isolator: real containers of a real agent that take too much, and what the kernel's files say.
//!
//! A scene is a function that asks nothing of where it runs: it looks which version of control groups the kernel has, and
//! checks the same on both. Test programs call it on this machine, and inside a machine with cgroups v2 only. It panics
//! when something is not as it should be. Every scene has a folder for groups of its own, so that several may run on a
//! machine at the same time, and leaves nothing behind, which is part of what it checks.

mod cleanup;
mod cpu;
mod debugging;
mod fork_bomb;
mod groups;
mod limits;
mod memory;
mod missing;
mod nested;
mod page;
mod recovery;
mod resize;
mod stage;
mod usage;

use std::time::Duration;

pub use cleanup::processes_that_ignore_signals_or_left_their_session_are_gone_afterwards;
pub use cpu::hog_is_held_to_its_limit_and_its_neighbours_share_by_weight;
pub use debugging::debug_container_lives_on_the_groups_of_its_parent;
pub use fork_bomb::bomb_that_forks_at_once_never_leaves_its_group_and_ends_by_the_limit_of_processes;
pub use groups::{Groups, Settings, Version, clear, text};
pub use limits::requests_and_limits_are_in_the_kernels_files;
pub use memory::memory_hog_is_ended_with_a_message_and_its_neighbour_goes_on;
pub use missing::{controllers_that_are_nowhere_keep_the_agent_from_starting, refusal};
pub use nested::nested_containers_share_or_have_groups_as_they_ask;
pub use page::page_of_containers_shows_group_settings_use_and_pressure;
pub use recovery::killed_agent_finds_its_containers_again_and_touches_nobody_elses;
pub use resize::tasks_that_join_and_leave_resize_their_container;
pub use stage::{Setup, Stage};
pub use usage::use_of_a_container_is_on_the_agents_pages;

/// How long anything awaited may take: also in a machine without KVM, on a loaded host.
pub const WITHIN: Duration = Duration::from_secs(90);

/// Looks again and again until `look` finds something; it says what is there instead.
///
/// # Panics
/// When it has not within [`WITHIN`].
pub fn wait_until<T>(what: &str, look: impl FnMut() -> Result<T, String>) -> T {
    crate::wait_within(WITHIN, what, look)
}
