//! Which files a new group has.

use crate::controller::Version;

/// Name and content of the files that a controller gives a group.
pub(super) fn of_controller(
    version: Version,
    controller: &str,
    top: bool,
) -> &'static [(&'static str, &'static str)] {
    match (version, controller) {
        (Version::V1, "cpu") => &[
            ("cpu.shares", "1024"),
            ("cpu.cfs_period_us", "100000"),
            ("cpu.cfs_quota_us", "-1"),
            ("cpu.cfs_burst_us", "0"),
            ("cpu.stat", "nr_periods 4\nnr_throttled 2\nthrottled_time 3000\n"),
        ],
        (Version::V1, "cpuacct") => &[("cpuacct.usage", "5000000"), ("cpuacct.stat", "user 3\nsystem 1\n")],
        (Version::V1, "cpuset") if top => &[("cpuset.cpus", "0-3"), ("cpuset.mems", "0")],
        (Version::V1, "cpuset") => &[("cpuset.cpus", ""), ("cpuset.mems", "")],
        (Version::V1, "memory") => &[
            ("memory.limit_in_bytes", "-1"),
            ("memory.memsw.limit_in_bytes", "-1"),
            ("memory.soft_limit_in_bytes", "-1"),
            ("memory.use_hierarchy", "1"),
            ("memory.usage_in_bytes", "8192"),
            ("memory.max_usage_in_bytes", "12288"),
            ("memory.stat", "cache 1\ntotal_cache 4096\ntotal_rss 4096\nstrange x\n"),
        ],
        (Version::V1, "blkio") => &[
            ("blkio.bfq.weight", "100"),
            ("blkio.throttle.read_bps_device", ""),
            ("blkio.throttle.write_bps_device", ""),
            ("blkio.throttle.read_iops_device", ""),
            ("blkio.throttle.write_iops_device", ""),
            ("blkio.throttle.io_service_bytes_recursive", "8:0 Read 4096\n8:0 Total 4096\nTotal 4096\n"),
            ("blkio.throttle.io_serviced_recursive", "8:0 Read 1\n"),
        ],
        (Version::V1, "hugetlb") => &[("hugetlb.2MB.limit_in_bytes", "-1")],
        (Version::V1, "freezer") => &[("freezer.state", "THAWED")],
        (_, "pids") if !top => &[("pids.max", "max"), ("pids.current", "1")],
        (Version::V2, "cpu") if !top => {
            &[("cpu.weight", "100"), ("cpu.max", "max 100000"), ("cpu.max.burst", "0")]
        }
        (Version::V2, "cpuset") if !top => {
            &[("cpuset.cpus", ""), ("cpuset.cpus.effective", "0-3"), ("cpuset.mems", "")]
        }
        (Version::V2, "memory") if !top => &[
            ("memory.min", "0"),
            ("memory.low", "0"),
            ("memory.high", "max"),
            ("memory.max", "max"),
            ("memory.swap.max", "max"),
            ("memory.swap.current", "0"),
            ("memory.current", "8192"),
            ("memory.peak", "12288"),
            ("memory.stat", "anon 4096\nfile 4096\nnew_key 7\n"),
            ("memory.events", "oom 0\noom_kill 0\n"),
        ],
        (Version::V2, "io") if !top => &[
            ("io.weight", "default 100"),
            ("io.max", ""),
            ("io.stat", "8:0 rbytes=4096 wbytes=0 rios=1 wios=0 dbytes=0 dios=0 new=1\n"),
        ],
        (Version::V2, "hugetlb") if !top => &[("hugetlb.2MB.max", "max")],
        _ => &[],
    }
}

/// Files of every v2 group.
pub(super) fn of_core(top: bool) -> &'static [(&'static str, &'static str)] {
    if top {
        return &[("cpu.stat", "usage_usec 1\n")];
    }
    &[
        ("cgroup.type", "domain"),
        ("cgroup.kill", ""),
        ("cgroup.freeze", "0"),
        ("cpu.stat", "usage_usec 5000\nuser_usec 4000\nsystem_usec 1000\nnr_throttled 2\n"),
        ("cpu.pressure", "some avg10=1.50 avg60=0.00 avg300=0.00 total=77\n"),
    ]
}
