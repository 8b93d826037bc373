//! What the scripts are made of: agents, resources and operations as JSON.

use std::time::Duration;

use apportion_rig::{SimulatedSpec, scalar};
use serde_json::{Value, json};

/// Cpus of an agent.
pub(crate) const CPUS: f64 = 8.0;
/// Memory of an agent in MB.
pub(crate) const MEM_MB: f64 = 32_768.0;
/// Disk of an agent in MB.
pub(crate) const DISK_MB: f64 = 10_000.0;

/// Agents of 8 cpus, 32768 MB of memory and 10000 MB of disk, whose tasks go on until they are killed.
pub(crate) fn agents(hosts: &str, agents: usize) -> SimulatedSpec {
    let task_time = Duration::from_secs(3600);
    SimulatedSpec {
        agents,
        cpus: CPUS,
        mem_mb: MEM_MB,
        disk_mb: DISK_MB,
        hosts: hosts.to_owned(),
        task_time,
        ..SimulatedSpec::default()
    }
}

/// An amount under a stack of dynamic reservations.
pub(crate) fn reserved(name: &str, amount: f64, roles: &[&str]) -> Value {
    let mut resource = scalar(name, amount);
    resource["reservations"] = roles.iter().map(|role| json!({"type": "DYNAMIC", "role": role})).collect();
    resource
}

/// The same, allocated to a role, as operations of a framework want it.
pub(crate) fn allocated(mut resource: Value, role: &str) -> Value {
    resource["allocation_info"] = json!({"role": role});
    resource
}

/// A persistent volume of reserved disk.
pub(crate) fn volume(id: &str, size: f64, role: &str) -> Value {
    let mut disk = reserved("disk", size, &[role]);
    disk["disk"] = json!({"persistence": {"id": id}, "volume": {"container_path": "data", "mode": "RW"}});
    disk
}

/// The same, to be used by several tasks at once.
pub(crate) fn shared(mut volume: Value) -> Value {
    volume["shared"] = json!({});
    volume
}

pub(crate) fn reserve(resources: &[Value]) -> Value {
    json!({"type": "RESERVE", "reserve": {"resources": resources}})
}

pub(crate) fn unreserve(resources: &[Value]) -> Value {
    json!({"type": "UNRESERVE", "unreserve": {"resources": resources}})
}

pub(crate) fn create(volumes: &[Value]) -> Value {
    json!({"type": "CREATE", "create": {"volumes": volumes}})
}

pub(crate) fn destroy(volumes: &[Value]) -> Value {
    json!({"type": "DESTROY", "destroy": {"volumes": volumes}})
}

pub(crate) fn weights(pairs: &[(&str, f64)]) -> Value {
    let infos: Vec<Value> =
        pairs.iter().map(|(role, weight)| json!({"role": role, "weight": weight})).collect();
    json!({"type": "UPDATE_WEIGHTS", "update_weights": {"weight_infos": infos}})
}

fn amounts(pairs: &[(&str, f64)]) -> Value {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), json!({"value": value}))).collect()
}

pub(crate) fn quota(role: &str, guarantees: &[(&str, f64)], limits: &[(&str, f64)], force: bool) -> Value {
    let config = json!({"role": role, "guarantees": amounts(guarantees), "limits": amounts(limits)});
    json!({"type": "UPDATE_QUOTA", "update_quota": {"force": force, "quota_configs": [config]}})
}
