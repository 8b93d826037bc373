//! The machine itself.

use std::path::Path;
use std::time::Duration;

use apportion_machine::{MachineError, Scenario};

use crate::machine;

/// A script for a machine without Mesos.
fn script(text: &str) -> Scenario {
    Scenario::script(text).without_mesos()
}

#[test]
fn kernel_offers_every_controller_under_v2_and_none_under_v1() {
    let scenario = script(
        "cat /sys/fs/cgroup/cgroup.controllers > /results/controllers
         cat /proc/self/cgroup > /results/membership
         grep cgroup /proc/mounts > /results/mounts
         mkdir /old && ! mount -t cgroup -o freezer cgroup /old",
    );
    let outcome = machine().run(&scenario).unwrap().require_success().unwrap();
    let controllers = outcome.text("controllers").unwrap();
    let mut found: Vec<&str> = controllers.split_whitespace().collect();
    found.sort_unstable();
    assert_eq!(found, ["cpu", "cpuset", "hugetlb", "io", "memory", "misc", "pids", "rdma"]);
    assert_eq!(outcome.text("membership").unwrap(), "0::/\n");
    let mounts = outcome.text("mounts").unwrap();
    assert!(mounts.starts_with("cgroup2 /sys/fs/cgroup cgroup2 ") && mounts.lines().count() == 1, "{mounts}");
}

#[test]
fn program_gets_its_files_and_leaves_exit_code_and_results() {
    let content: Vec<u8> = (0..=u8::MAX).cycle().take(100_000).collect();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("every byte");
    std::fs::write(&file, &content).unwrap();
    let scenario = script(
        "mkdir -p /results/deep && cp /data/given /results/deep/back
         cat /etc/text; echo \"$COLOUR|$1\"; id -u; pwd; ls -1 /sys/class/block
         exit 7",
    )
    .file("/data/given", &file)
    .text("/etc/text", "text of a file\n")
    .arguments(&["two words"])
    .variable("COLOUR", "dark blue")
    // Cannot be loaded before another module.
    .kernel_module("zram");
    let outcome = machine().run(&scenario).unwrap();
    assert_eq!(outcome.exit_code, 7);
    assert!(outcome.results[Path::new("deep/back")] == content, "every byte comes through the serial port");
    assert_eq!(outcome.results.len(), 1);
    for line in ["text of a file", "dark blue|two words", "0", "/root", "zram0"] {
        assert!(outcome.console.lines().any(|found| found == line), "{line} in\n{}", outcome.console);
    }
    let error = outcome.require_success().unwrap_err();
    assert!(error.to_string().contains("ended with code 7"), "{error}");
}

#[test]
fn kernel_panic_is_an_error_with_the_end_of_the_console() {
    let scenario = script("echo about to fall; echo c > /proc/sysrq-trigger; sleep 60");
    let error = machine().run(&scenario).unwrap_err();
    assert!(matches!(error, MachineError::Panicked { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("about to fall") && text.contains("Kernel panic - not syncing"), "{text}");
}

#[test]
fn program_that_hangs_is_ended_and_its_console_shown() {
    let limit = Duration::from_secs(2);
    let scenario = script("echo waiting for ever; sleep 600").within(limit);
    let error = machine().run(&scenario).unwrap_err();
    assert!(matches!(error, MachineError::Deadline { limit: found, .. } if found == limit), "{error}");
    assert!(error.to_string().contains("waiting for ever"), "{error}");
}

#[test]
fn machine_that_is_switched_off_too_early_is_an_error() {
    let error = machine().run(&script("poweroff -f; sleep 60")).unwrap_err();
    assert!(matches!(error, MachineError::NoResults { .. }), "{error}");
    assert!(error.to_string().contains("0 bytes came"), "{error}");
}

#[test]
fn test_name_that_does_not_exist_is_an_error() {
    let error = machine().run(&Scenario::this_test("no_such_test").unwrap().without_mesos()).unwrap_err();
    assert!(matches!(&error, MachineError::TestNotRun { test } if test == "no_such_test"), "{error}");
}

#[test]
fn relative_path_in_the_machine_is_refused() {
    let error = machine().run(&script("").text("etc/text", "")).unwrap_err();
    assert!(matches!(&error, MachineError::Setting { .. }), "{error}");
    assert!(error.to_string().contains("etc/text"), "{error}");
}

#[test]
fn kernel_module_that_does_not_exist_is_named() {
    let error = machine().run(&script("").kernel_module("no_such_module")).unwrap_err();
    assert!(matches!(&error, MachineError::MissingModule { .. }), "{error}");
    assert!(error.to_string().contains("no_such_module"), "{error}");
}
