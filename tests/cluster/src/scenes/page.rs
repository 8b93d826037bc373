//! What the isolator's own page of the agent says about a container.

use apportion_rig::TaskSpec;
use serde_json::{Value, json};

use super::{Setup, Stage, Version, wait_until};
use crate::list;

const MIB: u64 = 1 << 20;
/// Holds 40 MiB of its own and keeps a processor busy.
const BUSY: &str = "dd if=/dev/zero bs=40M count=1 2>/dev/null | (while :; do :; done)";
const PAGE: &str = "/apportion/containers";

/// What the page says about a container.
fn told(stage: &Stage, id: &str) -> Value {
    wait_until(&format!("container {id} on {PAGE}"), || {
        let page = stage.agent.get_json(PAGE).map_err(|error| error.to_string())?;
        let found = list(&page["containers"]).iter().find(|container| container["id"] == id);
        found.cloned().ok_or_else(|| page.to_string())
    })
}

/// A task that is throttled and holds memory; the agent adds 0.1 CPUs and 32 MB for its command executor.
///
/// # Panics
/// When the page says something else than the kernel, or nothing.
pub fn page_of_containers_shows_group_settings_use_and_pressure(setup: Setup) {
    let mut stage = setup.limits("pids = 200").start();
    let task = TaskSpec::new("busy", BUSY).cpus(0.2).mem_mb(96.0).cpus_limit(0.2).mem_limit_mb(128.0);
    let id = stage.run_one("busy", task);
    let used = wait_until("use of CPU and memory", || {
        let container = told(&stage, &id);
        let (cpu, memory) = (&container["usage"]["cpu"], &container["usage"]["memory"]);
        let throttled = cpu["throttled_periods"].as_u64().unwrap_or(0) > 2;
        let bytes = |name: &str| memory[name].as_u64().unwrap_or(0);
        let anonymous = bytes("anonymous_bytes");
        // The kernel counts the three one after the other.
        let within = anonymous <= bytes("bytes").min(bytes("peak_bytes"));
        if throttled && within && anonymous > 40 * MIB { Ok(container) } else { Err(container.to_string()) }
    });
    for controller in ["cpu", "memory", "pids"] {
        let folder = stage.groups.folder(controller, &[&id]);
        assert_eq!(used["groups"][controller], json!(folder), "{used}");
    }
    let listed = stage.entry("/containers", "busy");
    assert_eq!(used["pid"], listed["status"]["executor_pid"]);
    assert_eq!(
        (&used["parent"], &used["limitation"], &used["given_up"]),
        (&json!(null), &json!(null), &json!(null))
    );
    assert_eq!(
        (&used["rules"], &used["faults"], &used["recovered"]),
        (&json!([]), &json!([]), &json!(false))
    );
    let kernels = stage.groups.settings(&[&id]);
    let settings = &used["settings"];
    assert_eq!(settings["cpu"]["quota_us"].as_u64(), kernels.quota_us, "{used}");
    assert_eq!(settings["memory"]["max_bytes"].as_u64(), kernels.memory_max, "{used}");
    assert_eq!((settings["pids_max"].as_u64(), kernels.pids), (Some(200), Some(200)), "{used}");

    let usage = &used["usage"];
    let memory = &usage["memory"];
    let bytes = |name: &str| memory[name].as_u64().unwrap_or_else(|| panic!("{name}: {used}"));
    assert!(bytes("bytes") <= 160 * MIB, "{used}");
    assert!(usage["cpu"]["throttled_seconds"].as_f64().is_some_and(|seconds| seconds > 0.0), "{used}");
    assert!(usage["cpu"]["user_seconds"].as_f64().is_some_and(|seconds| seconds > 0.0), "{used}");
    assert!(usage["pids"].as_u64().is_some_and(|pids| (4..200).contains(&pids)), "{used}");
    require_pressure(&stage, usage);

    // What the kernel tells of memory that is held goes down for moments, so one look is not enough.
    let page = wait_until("use of all containers", || {
        let page = stage.agent.get_json(PAGE).map_err(|error| error.to_string())?;
        let all = page["totals"]["usage"]["memory"]["anonymous_bytes"].as_u64().unwrap_or(0);
        if all > 40 * MIB { Ok(page) } else { Err(page.to_string()) }
    });
    assert_eq!((&page["totals"]["containers"], &page["totals"]["limited_memory"]), (&json!(1), &json!(0)));
    stage.end();
}

/// v1 has none; on v2 the throttled container waits for its processor.
fn require_pressure(stage: &Stage, usage: &Value) {
    match stage.groups.version() {
        Version::V1 => assert_eq!(usage["pressure"], json!({"cpu": null, "memory": null, "io": null})),
        Version::V2 => {
            let some = &usage["pressure"]["cpu"]["some"];
            assert!(some["total_seconds"].as_f64().is_some_and(|seconds| seconds > 0.0), "{usage}");
            assert!(["avg10", "avg60", "avg300"].iter().all(|average| some[*average].is_f64()), "{usage}");
        }
    }
}
