//! A container whose tasks come and go.

use apportion_rig::{TaskSpec, TaskState};

use super::{Settings, Setup, WITHIN, wait_until};
use crate::{UNTIL_TOLD, rig};

const MIB: u64 = 1 << 20;
/// Holds 120 MiB until it is told to finish: the reader takes nothing of what `dd` has read.
const HOLDER: &str =
    "dd if=/dev/zero bs=120M count=1 2>/dev/null | (while [ ! -e leave ]; do sleep 0.05; done)";

/// Two tasks in one executor: the second brings memory and CPUs along, uses them, and takes them away when it leaves.
///
/// # Panics
/// When the container's group does not follow.
pub fn tasks_that_join_and_leave_resize_their_container(setup: Setup) {
    let mut stage = setup.start();
    let of_pod =
        |id: &str, command: &str| TaskSpec::new(id, command).staying_executor("pod", rig().executor());
    stage.run(&[(
        "first",
        of_pod("first", UNTIL_TOLD).cpus(0.2).mem_mb(32.0).cpus_limit(0.4).mem_limit_mb(64.0),
    )]);
    let id = stage.container("pod");
    // The executor has 0.1 CPUs and 32 MB besides.
    let alone = wait_for(&stage, &id, |found| found.memory_max == Some(96 * MIB));
    assert_eq!((alone.weight, alone.quota_us), (stage.groups.weight_of(300), Some(50_000)));
    assert_eq!(alone.memory_low, 64 * MIB);

    let second = of_pod("second", HOLDER).cpus(0.7).mem_mb(64.0).cpus_limit(1.5).mem_limit_mb(256.0);
    stage.run(&[("second", second)]);
    let both = wait_for(&stage, &id, |found| found.memory_max == Some(352 * MIB));
    assert_eq!((both.weight, both.quota_us), (stage.groups.weight_of(1_000), Some(200_000)));
    assert_eq!(both.memory_low, 128 * MIB);
    // More than the first one's limit, and nobody is ended for it.
    wait_until("memory of the second task", || {
        let bytes = stage.groups.memory_bytes(&[&id]);
        if bytes > 120 * MIB { Ok(()) } else { Err(format!("{bytes} bytes")) }
    });
    assert!(!stage.has_ended("first") && !stage.has_ended("second"));

    std::fs::write(stage.sandbox("pod").join("leave"), "").expect("a file in the sandbox");
    let finished = stage.framework().wait_status("second", TaskState::Finished, WITHIN);
    finished.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(wait_for(&stage, &id, |found| found.memory_max == Some(96 * MIB)), alone);
    assert!(!stage.has_ended("first"));
    stage.end();
}

fn wait_for(stage: &super::Stage, id: &str, fits: impl Fn(&Settings) -> bool) -> Settings {
    wait_until("a container's size", || {
        let found = stage.groups.settings(&[id]);
        if fits(&found) { Ok(found) } else { Err(format!("{found:?}")) }
    })
}
