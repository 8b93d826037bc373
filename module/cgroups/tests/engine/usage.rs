//! What groups use: as the kernel tells it, and whatever else may be in the files.

use std::sync::Arc;

use apportion_cgroups::{
    Bound, Counts, GroupError, Shape, cpu_legacy, cpu_unified, io_legacy, io_unified, memory_legacy,
    memory_unified, pressure,
};
use proptest::prelude::*;

use crate::support::{ALL, open, path};

#[test]
fn every_kind_of_host_tells_the_same_things() {
    for fake in ALL {
        let kernel = Arc::new(fake());
        let groups = open(&kernel);
        groups.create(&path("a"), Shape::Leaf).unwrap();
        let usage = groups.usage(&path("a")).unwrap();
        let cpu = usage.cpu.unwrap();
        assert_eq!((cpu.usage_us, cpu.throttled_periods), (5000, 2));
        let memory = usage.memory.unwrap();
        assert_eq!((memory.current, memory.peak, memory.anonymous), (8192, Some(12288), 4096));
        assert_eq!(memory.unreclaimable(), 4096);
        let io = usage.io.unwrap();
        assert_eq!((io[&"8:0".parse().unwrap()].read_bytes, io[&"8:0".parse().unwrap()].reads), (4096, 1));
        assert_eq!(usage.pids.unwrap().max, Some(Bound::Unlimited));
        assert!(matches!(groups.usage(&path("b")), Err(GroupError::Unknown { .. })));
    }
}

#[test]
fn pressure_is_read_to_hundredths() {
    let text =
        b"some avg10=1.50 avg60=100.00 avg300=0.07 total=77\nfull avg10=0.5 avg60=x avg300=1 total=3\n";
    let pressure = pressure(text).unwrap();
    assert_eq!((pressure.some.avg10, pressure.some.avg60, pressure.some.avg300), (150, 10_000, 7));
    assert_eq!(pressure.some.total_us, 77);
    assert_eq!((pressure.full.avg10, pressure.full.avg60, pressure.full.avg300), (50, 0, 100));
    assert_eq!(apportion_cgroups::pressure(b""), None);
}

#[test]
fn v1_counts_nanoseconds_and_ticks() {
    let usage = cpu_legacy(b"7000000\n", b"user 5\nsystem 2\n", b"nr_periods 9\nthrottled_time 4000\n", 100);
    assert_eq!((usage.usage_us, usage.user_us, usage.system_us), (7_000, 50_000, 20_000));
    assert_eq!((usage.periods, usage.throttled_us), (9, 4));
}

#[test]
fn lines_with_several_devices_and_unknown_keys_are_borne() {
    let devices = io_unified(b"8:0 rbytes=1 cost.usage=9 wios=x\n252:0 253:0 rbytes=5\nnonsense\n");
    assert_eq!(devices.len(), 2);
    assert_eq!(devices[&"8:0".parse().unwrap()].read_bytes, 1);
    let legacy = io_legacy(b"8:0 Read 5\n8:0 Total 5\nTotal 5\n", b"8:0 Write 3\n");
    assert_eq!(legacy[&"8:0".parse().unwrap()].writes, 3);
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(content in proptest::collection::vec(any::<u8>(), 0..400), ticks in any::<u64>()) {
        read_all(&content, ticks);
    }

    #[test]
    fn anything_like_the_kernels_text_is_read_without_a_panic(
        content in "((some|full|usage_usec|user|total_rss|anon|oom|8:0|max)[ =.:]?[a-z0-9=.: ]{0,24}\n?){0,12}",
        ticks in any::<u64>(),
    ) {
        read_all(content.as_bytes(), ticks);
    }
}

fn read_all(content: &[u8], ticks: u64) {
    cpu_unified(content);
    cpu_legacy(content, content, content, ticks);
    memory_unified(content, content, content, content).unreclaimable();
    memory_legacy(content, content, content, content).unreclaimable();
    io_unified(content);
    io_legacy(content, content);
    pressure(content);
    let mut counts = Counts::default();
    for _ in 0..2 {
        counts.add_memory_events(content);
        counts.add_legacy_memory(content, content);
        counts.add_pids_events(content);
        counts.set_cgroup_events(content);
    }
}
