//! A session in a running container.

use apportion_rig::TaskSpec;

use super::Setup;
use crate::UNTIL_TOLD;

/// # Panics
/// When the session's processes are elsewhere, or it leaves something behind.
pub fn debug_container_lives_on_the_groups_of_its_parent(setup: Setup) {
    let mut stage = setup.start();
    let id = stage.run_one("looked-at", TaskSpec::new("looked-at", UNTIL_TOLD));
    let before = stage.groups.settings(&[&id]);
    let printed = stage.agent.debug_container(&[&id, "session"], "cat /proc/self/cgroup");
    let printed = printed.unwrap_or_else(|error| panic!("{error}"));
    assert!(stage.groups.holds(&[&id], &printed), "{printed}");
    assert_eq!(stage.groups.exists(&[&id, "session"]), Ok(false));
    assert_eq!(stage.groups.settings(&[&id]), before);
    assert!(!stage.has_ended("looked-at"));
    stage.end();
}
