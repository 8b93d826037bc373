//! The scenes of the isolator on the control groups of this machine, whichever version they are; see
//! [`apportion_cluster_tests::scenes`]. They need root, as their agents write to control groups.
//!
//! A program of its own, so that tests of something else do not take the processors meanwhile.
#![forbid(unsafe_code)]

use apportion_cluster_tests::scenes::{self, Setup, Version};

/// A test for each scene, under its name.
macro_rules! scenes {
    ($($scene:ident: $folder:literal),+ $(,)?) => {
        $(#[test]
        fn $scene() {
            scenes::$scene(Setup::new($folder));
        })+
    };
}

scenes! {
    bomb_that_forks_at_once_never_leaves_its_group_and_ends_by_the_limit_of_processes: "bomb",
    controllers_that_are_nowhere_keep_the_agent_from_starting: "nowhere",
    debug_container_lives_on_the_groups_of_its_parent: "debug",
    hog_is_held_to_its_limit_and_its_neighbours_share_by_weight: "cpu",
    killed_agent_finds_its_containers_again_and_touches_nobody_elses: "recovery",
    memory_hog_is_ended_with_a_message_and_its_neighbour_goes_on: "memory",
    nested_containers_share_or_have_groups_as_they_ask: "nested",
    page_of_containers_shows_group_settings_use_and_pressure: "page",
    processes_that_ignore_signals_or_left_their_session_are_gone_afterwards: "cleanup",
    requests_and_limits_are_in_the_kernels_files: "limits",
    tasks_that_join_and_leave_resize_their_container: "resize",
    use_of_a_container_is_on_the_agents_pages: "usage",
}

/// The linux launcher kills by a control group of its own, on v1 only.
mod linux_launcher {
    use super::*;

    fn setup(scene: &str) -> Option<Setup> {
        let setup = Setup::new(scene).linux_launcher();
        let version = scenes::Groups::here(setup.name()).version();
        // On v2 it does not start, which is no matter of ours.
        (version == Version::V1).then_some(setup)
    }

    #[test]
    fn requests_and_limits_are_in_the_kernels_files() {
        setup("linux-limits").into_iter().for_each(scenes::requests_and_limits_are_in_the_kernels_files);
    }

    #[test]
    fn memory_hog_is_ended_with_a_message_and_its_neighbour_goes_on() {
        let scene = scenes::memory_hog_is_ended_with_a_message_and_its_neighbour_goes_on;
        setup("linux-memory").into_iter().for_each(scene);
    }
}
