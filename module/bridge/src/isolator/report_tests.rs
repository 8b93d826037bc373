use std::path::PathBuf;

use apportion_cgroups::{CpuLimits, Device, MemoryLimits, PidsUsage};
use apportion_isolation::{ContainerId, Exhausted, GroupPolicy};

use super::*;

const DEVICE: Device = Device { major: 8, minor: 0 };

fn all_controllers() -> BTreeSet<Controller> {
    Controller::ALL.into()
}

/// A container in a group of its own that has used something of everything.
fn full() -> ContainerReport {
    let stall = Stall { avg10: 1234, avg60: 50, avg300: 0, total_us: 2_500_000 };
    let usage = Usage {
        cpu: Some(CpuUsage {
            user_us: 1_500_000,
            periods: 9,
            throttled_periods: 3,
            throttled_us: 250_000,
            ..CpuUsage::default()
        }),
        memory: Some(MemoryUsage { current: 7, peak: Some(8), anonymous: 5, ..MemoryUsage::default() }),
        io: Some([(DEVICE, IoUsage { read_bytes: 4096, reads: 1, ..IoUsage::default() })].into()),
        pids: Some(PidsUsage { current: 4, max: Some(Bound::At(9)) }),
        pressure: Pressures {
            memory: Some(Pressure { some: stall, full: Stall::default() }),
            ..Pressures::default()
        },
    };
    let mut settings = Limits {
        cpu: CpuLimits { quota_us: Bound::At(50_000), ..CpuLimits::default() },
        memory: MemoryLimits { max: Bound::At(64), ..MemoryLimits::default() },
        ..Limits::default()
    };
    settings.cpuset.cpus.0.extend([0, 1, 2, 5]);
    settings.io.devices.insert(DEVICE, DeviceLimits { writes: Bound::At(3), ..DeviceLimits::default() });
    let own = OwnGroupReport {
        folders: [("memory", PathBuf::from("/groups/container-c"))].into(),
        settings: Some(settings),
        usage: Some(usage),
        faults: Vec::new(),
    };
    let limitation = Limitation {
        exhausted: Exhausted::Memory { killed: 1 },
        limit: Some(64.5),
        message: "Out of memory".to_owned(),
    };
    ContainerReport {
        id: ContainerId::root("pod").child("c"),
        pid: Some(7),
        is_recovered: true,
        rules: vec!["batch".to_owned()],
        policy: GroupPolicy::default(),
        place: GroupReport::Own(Box::new(own)),
        limitation: Some(limitation),
        given_up: None,
    }
}

#[test]
fn a_container_is_told_with_units_in_names_and_bounds_as_numbers_or_unlimited() {
    let told = container(&full(), &all_controllers());
    assert_eq!((&told["id"], &told["parent"], &told["pid"]), (&json!("pod.c"), &json!("pod"), &json!(7)));
    assert_eq!((&told["recovered"], &told["rules"]), (&json!(true), &json!(["batch"])));
    assert_eq!(told["groups"], json!({ "memory": "/groups/container-c" }));
    assert_eq!(told["ends_on"], json!(["memory", "pids"]));
    assert_eq!(told["limitation"], json!({ "resource": "mem", "limit": 64.5, "message": "Out of memory" }));
    let settings = &told["settings"];
    assert_eq!(
        settings["cpu"],
        json!({ "shares": 1024, "quota_us": 50_000, "period_us": 100_000, "burst_us": 0 })
    );
    assert_eq!(
        (&settings["memory"]["max_bytes"], &settings["memory"]["high_bytes"], &settings["pids_max"]),
        (&json!(64), &json!("unlimited"), &json!("unlimited"))
    );
    assert_eq!(settings["cpuset"]["cpus"], "0-2,5");
    assert_eq!(
        settings["io"]["devices"]["8:0"],
        json!({ "read_bytes": "unlimited", "write_bytes": "unlimited", "reads": "unlimited", "writes": 3 })
    );
}

#[test]
fn use_is_told_in_seconds_bytes_and_percent() {
    let told = container(&full(), &all_controllers());
    let usage = &told["usage"];
    assert_eq!(
        (&usage["cpu"]["user_seconds"], &usage["cpu"]["periods"], &usage["cpu"]["throttled_periods"]),
        (&json!(1.5), &json!(9), &json!(3))
    );
    assert_eq!(usage["cpu"]["throttled_seconds"], 0.25);
    assert_eq!(
        (&usage["memory"]["bytes"], &usage["memory"]["peak_bytes"], &usage["memory"]["anonymous_bytes"]),
        (&json!(7), &json!(8), &json!(5))
    );
    assert_eq!((&usage["io"]["8:0"]["read_bytes"], &usage["pids"]), (&json!(4096), &json!(4)));
    assert_eq!(
        usage["pressure"]["memory"]["some"],
        json!({ "avg10": 12.34, "avg60": 0.5, "avg300": 0.0, "total_seconds": 2.5 })
    );
    assert_eq!(
        (&usage["pressure"]["memory"]["full"]["total_seconds"], &usage["pressure"]["cpu"]),
        (&json!(0.0), &Value::Null)
    );
}

#[test]
fn a_setting_without_its_controller_is_not_told() {
    let told = container(&full(), &BTreeSet::from([Controller::Memory]));
    let settings = told["settings"].as_object().unwrap();
    let there: Vec<&str> =
        settings.iter().filter(|(_, value)| !value.is_null()).map(|(name, _)| name.as_str()).collect();
    assert_eq!(there, ["memory"]);
}

#[test]
fn a_container_within_the_groups_of_another_tells_whose() {
    let report = ContainerReport { place: GroupReport::Within(ContainerId::root("pod")), ..full() };
    let told = container(&report, &all_controllers());
    assert_eq!((&told["shares_groups_of"], &told["groups"]), (&json!("pod"), &json!({})));
    assert_eq!((&told["settings"], &told["usage"]), (&Value::Null, &Value::Null));
}
