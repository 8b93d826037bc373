//! Block devices.

use std::collections::BTreeMap;

use crate::limits::Device;
use crate::parse::{fields, lines};

/// Use of one device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IoUsage {
    /// Bytes read.
    pub read_bytes: u64,
    /// Bytes written.
    pub write_bytes: u64,
    /// Reads.
    pub reads: u64,
    /// Writes.
    pub writes: u64,
    /// Bytes given back.
    pub discard_bytes: u64,
    /// Times that bytes were given back.
    pub discards: u64,
}

/// From v2's `io.stat`.
pub fn io_unified(stat: &[u8]) -> BTreeMap<Device, IoUsage> {
    let mut devices = BTreeMap::new();
    for line in lines(stat) {
        let mut parts = line.split_ascii_whitespace();
        // The kernel may begin a line with several devices that have nothing to tell.
        let Some(device) = parts.next().and_then(|name| name.parse::<Device>().ok()) else { continue };
        let usage: &mut IoUsage = devices.entry(device).or_default();
        for (key, value) in fields(parts) {
            match key {
                "rbytes" => usage.read_bytes = value,
                "wbytes" => usage.write_bytes = value,
                "rios" => usage.reads = value,
                "wios" => usage.writes = value,
                "dbytes" => usage.discard_bytes = value,
                "dios" => usage.discards = value,
                _ => {}
            }
        }
    }
    devices
}

/// From v1's `blkio.throttle.io_service_bytes_recursive` and `blkio.throttle.io_serviced_recursive`.
pub fn io_legacy(bytes: &[u8], operations: &[u8]) -> BTreeMap<Device, IoUsage> {
    let mut devices: BTreeMap<Device, IoUsage> = BTreeMap::new();
    let entries = |content| lines(content).filter_map(legacy_entry);
    for (device, kind, value) in entries(bytes) {
        let usage = devices.entry(device).or_default();
        match kind {
            "Read" => usage.read_bytes = value,
            "Write" => usage.write_bytes = value,
            "Discard" => usage.discard_bytes = value,
            _ => {}
        }
    }
    for (device, kind, value) in entries(operations) {
        let usage = devices.entry(device).or_default();
        match kind {
            "Read" => usage.reads = value,
            "Write" => usage.writes = value,
            "Discard" => usage.discards = value,
            _ => {}
        }
    }
    devices
}

/// `8:0 Read 4096`
fn legacy_entry(line: &str) -> Option<(Device, &str, u64)> {
    let mut parts = line.split_ascii_whitespace();
    let device = parts.next()?.parse().ok()?;
    Some((device, parts.next()?, parts.next()?.parse().ok()?))
}
