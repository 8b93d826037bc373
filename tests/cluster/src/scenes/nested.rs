//! Containers in containers: on their parent's groups, or on their own.

use std::path::Path;
use std::time::Duration;

use apportion_rig::{ContainerSpec, TaskSpec};

use super::{Setup, Stage, wait_until};
use crate::{UNTIL_TOLD, rig};

const MIB: u64 = 1 << 20;

/// A process that is seen by its command line, as a container's pid is on no page for nested ones.
pub(crate) fn wait_for_process(mark: &str) -> (i32, String) {
    wait_until(&format!("a process with {mark} in its command line"), || {
        let entries = std::fs::read_dir("/proc").map_err(|error| error.to_string())?;
        let mut pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
        let found = pids.find_map(|pid| {
            let command = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
            // The command itself, not a shell with it in its script.
            let wanted = format!("sleep\0{mark}\0");
            let membership = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
            (command == wanted.as_bytes()).then_some((pid, membership))
        });
        found.ok_or_else(|| "none".to_owned())
    })
}

/// Seconds for `sleep` that no other process sleeps.
pub(crate) fn mark(number: u32) -> String {
    format!("{number}{:09}", std::process::id())
}

/// One container that shares, one that has a group of its own with limits, in the container of an executor.
///
/// # Panics
/// When one of them is in the wrong group, has the wrong limits, or outlives its group.
pub fn nested_containers_share_or_have_groups_as_they_ask(setup: Setup) {
    let mut stage = setup.start();
    let pod =
        TaskSpec::new("main", UNTIL_TOLD).cpus(0.5).mem_mb(128.0).staying_executor("pod", rig().executor());
    stage.run(&[("main", pod)]);
    let pod = stage.container("pod");
    let (sharing, apart) = (mark(4), mark(5));
    let launch = |stage: &Stage, spec: ContainerSpec| {
        stage.agent.launch_container(&spec).unwrap_or_else(|error| panic!("{error}"));
    };
    launch(&stage, ContainerSpec::new(&[&pod, "sharing"], &format!("exec sleep {sharing}")));
    let own = ContainerSpec::new(&[&pod, "apart"], &format!("exec sleep {apart}"));
    launch(&stage, own.share_cgroups(false).cpus(0.2).mem_mb(48.0).cpus_limit(0.3).mem_limit_mb(64.0));

    let groups = &stage.groups;
    let (sharing_pid, membership) = wait_for_process(&sharing);
    assert!(groups.holds(&[&pod], &membership), "{membership}");
    assert_eq!(groups.exists(&[&pod, "sharing"]), Ok(false));
    let (apart_pid, membership) = wait_for_process(&apart);
    assert!(groups.holds(&[&pod, "apart"], &membership), "{membership}");
    let settings = groups.settings(&[&pod, "apart"]);
    assert_eq!((settings.weight, settings.quota_us), (groups.weight_of(200), Some(30_000)));
    assert_eq!((settings.memory_max, settings.memory_low), (Some(64 * MIB), 48 * MIB));
    assert_eq!(groups.settings(&[&pod]).memory_max, Some(160 * MIB));
    let all = groups.processes(&[&pod]);
    assert!(all.contains(&sharing_pid) && all.contains(&apart_pid), "{all:?}");

    for name in ["sharing", "apart"] {
        stage.agent.kill_container(&[&pod, name]).unwrap_or_else(|error| panic!("{error}"));
        let ended = stage.agent.wait_for_container(&[&pod, name]).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(ended["exit_status"], 9, "{ended}");
    }
    stage.wait_until_gone(&[&pod, "apart"]);
    assert!(!stage.has_ended("main"));
    limit_of_a_nested_container_ends_it_alone(&mut stage, &pod);
    stage.end();
}

/// A nested hog in a group of its own; the parent goes on.
fn limit_of_a_nested_container_ends_it_alone(stage: &mut Stage, pod: &str) {
    let hog = ContainerSpec::new(&[pod, "hog"], super::memory::HOG).share_cgroups(false);
    let launched = stage.agent.launch_container(&hog.cpus(0.1).mem_mb(32.0).mem_limit_mb(96.0));
    launched.unwrap_or_else(|error| panic!("{error}"));
    let ended = stage.agent.wait_for_container(&[pod, "hog"]).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(ended["reason"], "REASON_CONTAINER_LIMITATION_MEMORY", "{ended}");
    let message = ended["message"].as_str().unwrap_or_default();
    assert!(message.contains("its limit of 96 MiB"), "{ended}");
    stage.wait_until_gone(&[pod, "hog"]);
    std::thread::sleep(Duration::from_millis(100));
    assert!(!stage.has_ended("main"));
    assert!(Path::new(&stage.groups.folder("memory", &[pod])).is_dir());
}
