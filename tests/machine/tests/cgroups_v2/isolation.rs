//! The scenes of the isolator on cgroups v2, with the real Mesos agent and its posix launcher; see
//! [`apportion_cluster_tests::scenes`]. Several of them share a machine.

use std::fs;
use std::path::Path;
use std::time::Duration;

use apportion_cluster_tests::library;
use apportion_cluster_tests::scenes::{self, Groups, Setup, Stage, Version};
use apportion_machine::{Scenario, SharedBoot};
use apportion_rig::TaskSpec;

use crate::machine;

/// Where the library is in the machine.
const LIBRARY: &str = "/lib/libapportion.so";
/// Time for all scenes of a machine.
const WITHIN: Duration = Duration::from_secs(900);

fn with_library(scenario: Scenario) -> Scenario {
    scenario.file(LIBRARY, &library()).variable("APPORTION_LIBRARY", LIBRARY).memory_mib(2048).within(WITHIN)
}

/// A test for each scene, in one machine for all of a list.
macro_rules! scenes {
    ($boot:ident: $($scene:ident: $folder:literal),+ $(,)?) => {
        static $boot: SharedBoot = SharedBoot::new(&[$(concat!("isolation::", stringify!($scene))),+]);
        $(#[test]
        fn $scene() {
            let name = concat!("isolation::", stringify!($scene));
            $boot.run(name, machine, with_library, || {
                let setup = Setup::new($folder);
                assert_eq!(Groups::here(setup.name()).version(), Version::V2);
                scenes::$scene(setup);
            });
        })+
    };
}

scenes! {
    TAKING:
    bomb_that_forks_at_once_never_leaves_its_group_and_ends_by_the_limit_of_processes: "bomb",
    hog_is_held_to_its_limit_and_its_neighbours_share_by_weight: "cpu",
    memory_hog_is_ended_with_a_message_and_its_neighbour_goes_on: "memory",
    requests_and_limits_are_in_the_kernels_files: "limits",
    use_of_a_container_is_on_the_agents_pages: "usage",
}

scenes! {
    LIVING:
    debug_container_lives_on_the_groups_of_its_parent: "debug",
    killed_agent_finds_its_containers_again_and_touches_nobody_elses: "recovery",
    nested_containers_share_or_have_groups_as_they_ask: "nested",
    page_of_containers_shows_group_settings_use_and_pressure: "page",
    processes_that_ignore_signals_or_left_their_session_are_gone_afterwards: "cleanup",
    tasks_that_join_and_leave_resize_their_container: "resize",
}

/// A machine whose kernel lacks a controller, and whose topmost group hands down too few.
static LACKING: SharedBoot = SharedBoot::new(&[
    "isolation::controllers_that_are_nowhere_keep_the_agent_from_starting",
    "isolation::controller_that_is_not_handed_down_is_named_with_the_cure_which_helps",
]);

fn without_huge_pages(scenario: Scenario) -> Scenario {
    with_library(scenario).kernel_argument("cgroup_disable=hugetlb")
}

#[test]
fn controllers_that_are_nowhere_keep_the_agent_from_starting() {
    let name = "isolation::controllers_that_are_nowhere_keep_the_agent_from_starting";
    LACKING.run(name, machine, without_huge_pages, || {
        let there = scenes::text("/sys/fs/cgroup/cgroup.controllers".as_ref());
        assert!(there.contains("memory") && !there.contains("hugetlb"), "{there}");
        scenes::controllers_that_are_nowhere_keep_the_agent_from_starting(Setup::new("nowhere"));
    });
}

/// Nobody hands `pids` down to the group that is named as base. The command in the message is all that it takes.
#[test]
fn controller_that_is_not_handed_down_is_named_with_the_cure_which_helps() {
    let name = "isolation::controller_that_is_not_handed_down_is_named_with_the_cure_which_helps";
    LACKING.run(name, machine, without_huge_pages, || {
        let top = Path::new("/sys/fs/cgroup");
        for controller in fs::read_to_string(top.join("cgroup.subtree_control")).unwrap().split_whitespace() {
            fs::write(top.join("cgroup.subtree_control"), format!("-{controller}")).unwrap();
        }
        for controller in ["cpu", "memory"] {
            fs::write(top.join("cgroup.subtree_control"), format!("+{controller}")).unwrap();
        }
        fs::create_dir(top.join("narrow")).unwrap();
        let setup = || Setup::new("narrow").below("/narrow");
        let log = scenes::refusal(&setup());
        let cure = "echo +pids > /sys/fs/cgroup/cgroup.subtree_control";
        for part in ["org_apportion_Isolator", "controller pids ends at /sys/fs/cgroup", cure] {
            assert!(log.contains(part), "{part} in:\n{log}");
        }
        assert!(!log.contains("controller cpu ends") && !log.contains("controller memory ends"), "{log}");

        let cured = std::process::Command::new("/bin/sh").args(["-c", cure]).status().unwrap();
        assert!(cured.success());
        let mut stage: Stage = setup().start();
        let id = stage.run_one("limited", TaskSpec::new("limited", "sleep 600"));
        assert!(!stage.groups.processes(&[&id]).is_empty());
        stage.end();
        fs::remove_dir(top.join("narrow")).unwrap();
    });
}
