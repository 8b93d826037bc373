//! What is known of each container, as JSON for the HTTP endpoint.
//!
//! What is not known or not there is null. A bound is a number or the text "unlimited". Times of use are in seconds,
//! settings of the kernel in its own units, which their names say.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use apportion_cgroups::{
    Bound, Controller, CpuUsage, DeviceLimits, IoUsage, Limits, MemoryUsage, Pressure, Pressures, Stall,
    Usage,
};
use apportion_isolation::{
    Breaches, ContainerReport, GroupReport, Limitation, OwnGroupReport, Report, Totals,
};
use serde_json::{Map, Value, json};

/// The whole page.
pub(super) fn json(report: &Report) -> Value {
    let containers: Vec<Value> =
        report.containers.iter().map(|it| container(it, &report.controllers)).collect();
    json!({ "containers": containers, "totals": totals(&report.totals) })
}

fn container(of: &ContainerReport, controllers: &BTreeSet<Controller>) -> Value {
    let none = OwnGroupReport::default();
    let (shares, own) = match &of.place {
        GroupReport::None => (None, &none),
        GroupReport::Within(outer) => (Some(outer.to_string()), &none),
        GroupReport::Own(own) => (None, &**own),
    };
    let folders: Map<String, Value> =
        own.folders.iter().map(|(name, path)| ((*name).to_owned(), json!(path.to_string_lossy()))).collect();
    json!({
        "id": of.id.to_string(),
        "parent": of.id.parent().map(|parent| parent.to_string()),
        "pid": of.pid,
        "recovered": of.is_recovered,
        "rules": of.rules,
        "groups": folders,
        "shares_groups_of": shares,
        "settings": own.settings.as_ref().map(|limits| settings(limits, controllers)),
        "ends_on": ends_on(of.policy.ends_on),
        "usage": own.usage.as_ref().map(usage),
        "limitation": of.limitation.as_ref().map(limitation),
        "given_up": of.given_up,
        "faults": own.faults,
    })
}

fn ends_on(breaches: Breaches) -> Vec<&'static str> {
    [(breaches.memory, "memory"), (breaches.pids, "pids")]
        .into_iter()
        .filter_map(|(ends, name)| ends.then_some(name))
        .collect()
}

fn limitation(of: &Limitation) -> Value {
    json!({ "resource": of.resource(), "limit": of.limit, "message": of.message })
}

/// Settings that some controller is there for: without one, the others say nothing of the container.
fn settings(of: &Limits, controllers: &BTreeSet<Controller>) -> Value {
    let with = |controller, value: Value| if controllers.contains(&controller) { value } else { Value::Null };
    let cpu = json!({
        "shares": of.cpu.shares,
        "quota_us": bound(of.cpu.quota_us),
        "period_us": of.cpu.period_us,
        "burst_us": of.cpu.burst_us,
    });
    let memory = json!({
        "min_bytes": of.memory.min,
        "low_bytes": of.memory.low,
        "high_bytes": bound(of.memory.high),
        "max_bytes": bound(of.memory.max),
        "swap_bytes": bound(of.memory.swap),
    });
    let devices: Map<String, Value> =
        of.io.devices.iter().map(|(device, limits)| (device.to_string(), device_limits(limits))).collect();
    let pages: Map<String, Value> =
        of.hugetlb.iter().map(|(size, most)| (size.to_string(), bound(*most))).collect();
    let cpuset = json!({ "cpus": of.cpuset.cpus.to_string(), "mems": of.cpuset.mems.to_string() });
    json!({
        "cpu": with(Controller::Cpu, cpu),
        "memory": with(Controller::Memory, memory),
        "pids_max": with(Controller::Pids, bound(of.pids)),
        "io": with(Controller::Io, json!({ "weight": of.io.weight, "devices": devices })),
        "cpuset": with(Controller::CpuSet, cpuset),
        "hugepages_bytes": with(Controller::HugeTlb, Value::Object(pages)),
    })
}

fn device_limits(of: &DeviceLimits) -> Value {
    json!({
        "read_bytes": bound(of.read_bytes),
        "write_bytes": bound(of.write_bytes),
        "reads": bound(of.reads),
        "writes": bound(of.writes),
    })
}

fn bound(of: Bound) -> Value {
    match of {
        Bound::Unlimited => json!("unlimited"),
        Bound::At(most) => json!(most),
    }
}

fn usage(of: &Usage) -> Value {
    json!({
        "cpu": of.cpu.as_ref().map(cpu),
        "memory": of.memory.as_ref().map(memory),
        "io": of.io.as_ref().map(devices),
        "pids": of.pids.map(|pids| pids.current),
        "pressure": pressures(&of.pressure),
    })
}

fn seconds(microseconds: u64) -> f64 {
    Duration::from_micros(microseconds).as_secs_f64()
}

fn cpu(of: &CpuUsage) -> Value {
    json!({
        "user_seconds": seconds(of.user_us),
        "system_seconds": seconds(of.system_us),
        "periods": of.periods,
        "throttled_periods": of.throttled_periods,
        "throttled_seconds": seconds(of.throttled_us),
        "bursts": of.bursts,
        "burst_seconds": seconds(of.burst_us),
    })
}

fn memory(of: &MemoryUsage) -> Value {
    json!({
        "bytes": of.current,
        "peak_bytes": of.peak,
        "swap_bytes": of.swap,
        "anonymous_bytes": of.anonymous,
        "file_bytes": of.file,
        "mapped_bytes": of.mapped,
        "shared_bytes": of.shared,
        "kernel_bytes": of.kernel,
        "socket_bytes": of.socket,
        "unevictable_bytes": of.unevictable,
        "dirty_bytes": of.dirty,
        "faults": of.faults,
        "major_faults": of.major_faults,
    })
}

fn devices(of: &BTreeMap<apportion_cgroups::Device, IoUsage>) -> Value {
    let each = of.iter().map(|(device, io)| {
        let io = json!({
            "read_bytes": io.read_bytes,
            "write_bytes": io.write_bytes,
            "reads": io.reads,
            "writes": io.writes,
        });
        (device.to_string(), io)
    });
    Value::Object(each.collect())
}

fn pressures(of: &Pressures) -> Value {
    json!({
        "cpu": of.cpu.as_ref().map(pressure),
        "memory": of.memory.as_ref().map(pressure),
        "io": of.io.as_ref().map(pressure),
    })
}

fn pressure(of: &Pressure) -> Value {
    json!({ "some": stall(&of.some), "full": stall(&of.full) })
}

/// Averages are parts of the time, in percent.
fn stall(of: &Stall) -> Value {
    let percent = |hundredths: u32| f64::from(hundredths) / 100.0;
    json!({
        "avg10": percent(of.avg10),
        "avg60": percent(of.avg60),
        "avg300": percent(of.avg300),
        "total_seconds": seconds(of.total_us),
    })
}

fn totals(of: &Totals) -> Value {
    json!({
        "containers": of.containers,
        "refused": of.refused,
        "limited_memory": of.out_of_memory,
        "limited_pids": of.out_of_pids,
        "resizes": of.resizes,
        "cleanup_failures": of.cleanup_failures,
        "orphans_destroyed": of.orphans,
        "groups_waiting": of.chores,
        "usage": of.usage.as_ref().map(usage),
    })
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
