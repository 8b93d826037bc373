//! What a container uses, as the agent's pages show it.

use apportion_rig::TaskSpec;
use serde_json::Value;

use super::{Setup, wait_until};

const MIB: f64 = 1_048_576.0;
/// Holds 40 MiB of its own and keeps a processor busy.
const BUSY: &str = "dd if=/dev/zero bs=40M count=1 2>/dev/null | (while :; do :; done)";

fn number(statistics: &Value, key: &str) -> f64 {
    statistics[key].as_f64().unwrap_or(f64::NAN)
}

/// # Panics
/// When a number is missing or cannot be true.
pub fn use_of_a_container_is_on_the_agents_pages(setup: Setup) {
    let mut stage = setup.start();
    let task = TaskSpec::new("busy", BUSY).cpus(0.2).mem_mb(96.0).cpus_limit(0.2).mem_limit_mb(128.0);
    let id = stage.run_one("busy", task);
    let used = wait_until("use of CPU and memory", || {
        let used = stage.entry("/monitor/statistics", "busy")["statistics"].clone();
        let enough = number(&used, "cpus_nr_throttled") > 2.0 && number(&used, "mem_anon_bytes") > 40.0 * MIB;
        if enough { Ok(used) } else { Err(used.to_string()) }
    });
    // With the executor's part.
    assert!((number(&used, "cpus_limit") - 0.3).abs() < 1e-9, "{used}");
    assert_eq!(number(&used, "mem_limit_bytes"), 160.0 * MIB, "{used}");
    assert!(number(&used, "cpus_user_time_secs") > 0.0, "{used}");
    assert!(number(&used, "cpus_system_time_secs") >= 0.0, "{used}");
    assert!(number(&used, "cpus_nr_periods") >= number(&used, "cpus_nr_throttled"), "{used}");
    assert!(number(&used, "cpus_throttled_time_secs") > 0.0, "{used}");
    assert!(number(&used, "mem_total_bytes") >= number(&used, "mem_anon_bytes"), "{used}");
    assert!(number(&used, "mem_total_bytes") <= 160.0 * MIB, "{used}");
    assert!(number(&used, "mem_file_bytes") >= 0.0, "{used}");
    // The container's init, the executor, the task's shell, dd and the busy one.
    let (processes, threads) = (number(&used, "processes"), number(&used, "threads"));
    assert!((4.0..20.0).contains(&processes) && threads >= processes, "{used}");

    let listed = stage.entry("/containers", "busy");
    assert_eq!(listed["container_id"], id.as_str());
    assert!(number(&listed["statistics"], "cpus_user_time_secs") >= number(&used, "cpus_user_time_secs"));
    let kernel_us = stage.groups.cpu_us(&[&id]);
    let told = stage.entry("/monitor/statistics", "busy")["statistics"].clone();
    let told = number(&told, "cpus_user_time_secs") + number(&told, "cpus_system_time_secs");
    let kernel = f64::from(u32::try_from(kernel_us).expect("a minute at most")) / 1e6;
    assert!(told >= kernel * 0.99 && told <= kernel + 5.0, "told {told} s, the kernel's account {kernel} s");
    stage.end();
}
