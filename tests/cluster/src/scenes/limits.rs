//! What a container asked for and may take is in the kernel's files.

use apportion_rig::TaskSpec;

use super::{Settings, Setup, Version};
use crate::UNTIL_TOLD;

const MIB: u64 = 1 << 20;

/// A task with requests and limits of its own; the agent adds 0.1 CPUs and 32 MB for its command executor to both.
///
/// # Panics
/// When a file says something else.
pub fn requests_and_limits_are_in_the_kernels_files(setup: Setup) {
    let setup = setup.limits("pids = 200\nmemory_high = \"90%\"\ncpu_burst = \"20%\"");
    let mut stage = setup.start();
    let task = TaskSpec::new("sized", UNTIL_TOLD).cpus(0.5).mem_mb(64.0).cpus_limit(1.0).mem_limit_mb(128.0);
    let id = stage.run_one("sized", task);
    let unlimited = TaskSpec::new("plain", UNTIL_TOLD).cpus(0.4).mem_mb(16.0);
    let plain = stage.run_one("plain", unlimited);

    let found = stage.groups.settings(&[&id]);
    let high = 160 * MIB * 9 / 10;
    let expected = Settings {
        weight: stage.groups.weight_of(600),
        quota_us: Some(110_000),
        period_us: 100_000,
        burst_us: 22_000,
        memory_max: Some(160 * MIB),
        memory_low: 96 * MIB,
        memory_high: whole_pages(stage.groups.version(), high),
        pids: Some(200),
    };
    assert_eq!(found, expected);

    let found = stage.groups.settings(&[&plain]);
    assert_eq!((found.weight, found.quota_us, found.burst_us), (stage.groups.weight_of(500), None, 0));
    assert_eq!((found.memory_max, found.memory_low), (Some(48 * MIB), 48 * MIB));

    let pid = stage.entry("/containers", "sized")["status"]["executor_pid"].as_i64().expect("a process id");
    let membership = super::text(format!("/proc/{pid}/cgroup").as_ref());
    assert!(stage.groups.holds(&[&id], &membership), "{membership}");
    stage.end();
}

/// Ceilings of memory are kept in whole pages; v1 has none that only slows down.
fn whole_pages(version: Version, bytes: u64) -> Option<u64> {
    (version == Version::V2).then(|| bytes / 4096 * 4096)
}
