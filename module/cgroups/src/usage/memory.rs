//! Memory by kind.

use crate::parse::{number, pairs};

/// Memory of a group, in bytes unless told otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MemoryUsage {
    /// All that is charged.
    pub current: u64,
    /// Most that was ever charged; `None` where the kernel does not tell.
    pub peak: Option<u64>,
    /// Swap space.
    pub swap: u64,
    /// Memory of processes that is backed by no file.
    pub anonymous: u64,
    /// Page cache, with shared memory.
    pub file: u64,
    /// Files mapped into processes.
    pub mapped: u64,
    /// Shared memory and tmpfs.
    pub shared: u64,
    /// Memory of the kernel on behalf of the group.
    pub kernel: u64,
    /// Network buffers.
    pub socket: u64,
    /// Locked and otherwise not to be reclaimed.
    pub unevictable: u64,
    /// Written to files and not yet on the device.
    pub dirty: u64,
    /// Faults that waited for a device, counted.
    pub major_faults: u64,
    /// All page faults, counted.
    pub faults: u64,
}

impl MemoryUsage {
    /// What the kernel cannot take back without swapping: everything but page cache that is neither shared memory nor
    /// still to be written. In bytes.
    pub fn unreclaimable(&self) -> u64 {
        let clean_cache = self.file.saturating_sub(self.shared).saturating_sub(self.dirty);
        self.current.saturating_sub(clean_cache)
    }
}

/// From v2's `memory.current`, `memory.peak`, `memory.swap.current` and `memory.stat`.
pub fn memory_unified(current: &[u8], peak: &[u8], swap: &[u8], stat: &[u8]) -> MemoryUsage {
    let mut usage = MemoryUsage {
        current: number(current).unwrap_or(0),
        peak: number(peak),
        swap: number(swap).unwrap_or(0),
        ..MemoryUsage::default()
    };
    for (key, value) in pairs(stat) {
        match key {
            "anon" => usage.anonymous = value,
            "file" => usage.file = value,
            "file_mapped" => usage.mapped = value,
            "shmem" => usage.shared = value,
            "kernel" => usage.kernel = value,
            "sock" => usage.socket = value,
            "unevictable" => usage.unevictable = value,
            "file_dirty" => usage.dirty = value,
            "pgmajfault" => usage.major_faults = value,
            "pgfault" => usage.faults = value,
            _ => {}
        }
    }
    usage
}

/// From v1's `memory.usage_in_bytes`, `memory.max_usage_in_bytes`, `memory.kmem.usage_in_bytes` and `memory.stat`.
///
/// The totals with those of child groups are taken.
pub fn memory_legacy(current: &[u8], peak: &[u8], kernel: &[u8], stat: &[u8]) -> MemoryUsage {
    let mut usage = MemoryUsage {
        current: number(current).unwrap_or(0),
        peak: number(peak),
        kernel: number(kernel).unwrap_or(0),
        ..MemoryUsage::default()
    };
    for (key, value) in pairs(stat) {
        match key {
            "total_swap" => usage.swap = value,
            "total_rss" => usage.anonymous = value,
            "total_cache" => usage.file = value,
            "total_mapped_file" => usage.mapped = value,
            "total_shmem" => usage.shared = value,
            "total_unevictable" => usage.unevictable = value,
            "total_dirty" => usage.dirty = value,
            "total_pgmajfault" => usage.major_faults = value,
            "total_pgfault" => usage.faults = value,
            _ => {}
        }
    }
    usage
}
