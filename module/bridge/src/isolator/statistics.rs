//! What a container uses, as the host's message.

use std::collections::BTreeMap;

use apportion_cgroups::{Device, IoUsage};
use apportion_isolation::Usage;
use apportion_wire::messages::{
    BlockStatistics, DeviceCount, DeviceNumber, DeviceStatistics, ResourceStatistics,
};

/// Fields that nothing is known for are left out: the host adds up what several isolators say.
pub(crate) fn statistics(usage: &Usage) -> ResourceStatistics {
    let mut statistics = ResourceStatistics {
        timestamp: usage.timestamp,
        cpus_user_time_secs: Some(usage.consumption.cpu_user_seconds),
        cpus_system_time_secs: Some(usage.consumption.cpu_system_seconds),
        cpus_limit: usage.cpus_limit,
        mem_rss_bytes: Some(usage.consumption.rss_bytes),
        mem_limit_bytes: usage.memory_limit_bytes,
        processes: Some(usage.consumption.processes),
        threads: Some(usage.consumption.threads),
        ..ResourceStatistics::default()
    };
    let Some(group) = &usage.group else { return statistics };
    if let Some(cpu) = &group.cpu {
        // The message has 32 bits for these: a container that is throttled for years stays at the largest number.
        let periods = |number| u32::try_from(number).unwrap_or(u32::MAX);
        statistics.cpus_nr_periods = Some(periods(cpu.periods));
        statistics.cpus_nr_throttled = Some(periods(cpu.throttled_periods));
        statistics.cpus_throttled_time_secs =
            Some(std::time::Duration::from_micros(cpu.throttled_us).as_secs_f64());
    }
    if let Some(memory) = &group.memory {
        statistics.mem_total_bytes = Some(memory.current);
        statistics.mem_total_memsw_bytes = Some(memory.current.saturating_add(memory.swap));
        statistics.mem_anon_bytes = Some(memory.anonymous);
        statistics.mem_file_bytes = Some(memory.file);
        statistics.mem_cache_bytes = Some(memory.file);
        statistics.mem_mapped_file_bytes = Some(memory.mapped);
        statistics.mem_swap_bytes = Some(memory.swap);
        statistics.mem_unevictable_bytes = Some(memory.unevictable);
    }
    statistics.blkio_statistics = group.io.as_ref().filter(|devices| !devices.is_empty()).map(block_devices);
    statistics
}

fn block_devices(devices: &BTreeMap<Device, IoUsage>) -> BlockStatistics {
    let counts = |read: u64, written: u64, given_back: u64| {
        let total = read.saturating_add(written).saturating_add(given_back);
        let parts = [
            (DeviceCount::READ, read),
            (DeviceCount::WRITE, written),
            (DeviceCount::DISCARD, given_back),
            (DeviceCount::TOTAL, total),
        ];
        parts.map(|(op, value)| DeviceCount { op: Some(op), value: Some(value) }).to_vec()
    };
    let throttling = devices.iter().map(|(device, usage)| DeviceStatistics {
        device: Some(DeviceNumber {
            major_number: u64::from(device.major),
            minor_number: u64::from(device.minor),
        }),
        io_serviced: counts(usage.reads, usage.writes, usage.discards),
        io_service_bytes: counts(usage.read_bytes, usage.write_bytes, usage.discard_bytes),
    });
    BlockStatistics { throttling: throttling.collect() }
}

#[cfg(test)]
mod tests {
    use apportion_cgroups::{CpuUsage, MemoryUsage};
    use apportion_isolation::Consumption;

    use super::*;

    #[test]
    fn what_the_group_counts_has_its_field_and_the_rest_is_left_out() {
        let cpu =
            CpuUsage { periods: 10, throttled_periods: 3, throttled_us: 1_500_000, ..CpuUsage::default() };
        let memory = MemoryUsage { current: 100, swap: 5, anonymous: 60, file: 40, ..MemoryUsage::default() };
        let device = Device { major: 8, minor: 1 };
        let io = IoUsage { read_bytes: 4096, reads: 1, write_bytes: 512, writes: 2, ..IoUsage::default() };
        let mut usage = Usage {
            timestamp: 1.0,
            consumption: Consumption::default(),
            group: None,
            cpus_limit: Some(2.0),
            memory_limit_bytes: None,
        };
        let bare = statistics(&usage);
        assert_eq!((bare.cpus_nr_periods, bare.mem_total_bytes, bare.cpus_limit), (None, None, Some(2.0)));
        usage.group = Some(apportion_cgroups::Usage {
            cpu: Some(cpu),
            memory: Some(memory),
            io: Some([(device, io)].into()),
            ..apportion_cgroups::Usage::default()
        });
        let full = statistics(&usage);
        assert_eq!((full.cpus_nr_periods, full.cpus_nr_throttled), (Some(10), Some(3)));
        assert_eq!(full.cpus_throttled_time_secs, Some(1.5));
        assert_eq!((full.mem_total_bytes, full.mem_total_memsw_bytes), (Some(100), Some(105)));
        assert_eq!((full.mem_anon_bytes, full.mem_file_bytes), (Some(60), Some(40)));
        let devices = full.blkio_statistics.unwrap().throttling;
        assert_eq!(devices[0].device, Some(DeviceNumber { major_number: 8, minor_number: 1 }));
        let total = DeviceCount { op: Some(DeviceCount::TOTAL), value: Some(4608) };
        assert!(devices[0].io_service_bytes.contains(&total));
    }
}
