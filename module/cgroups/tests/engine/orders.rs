//! Any change of settings, on a kernel that holds to its rules: nothing is refused on the way, and the way does not
//! matter for the end.

use std::collections::BTreeMap;
use std::sync::Arc;

use apportion_cgroups::{
    Abilities, Bound, Controller, Limits, MemoryLimits, Plan, PlanError, Shape, Version,
};
use proptest::prelude::*;

use crate::support::{ALL, open, path};

fn bound(max: u64) -> impl Strategy<Value = Bound> {
    prop_oneof![1 => Just(Bound::Unlimited), 4 => (1..max).prop_map(Bound::At)]
}

prop_compose! {
    fn memory()(min in 0..5_u64, low in 0..5_u64, high in bound(9), max in bound(9), swap in bound(9)) -> MemoryLimits {
        // v1 cannot limit swap alone.
        let swap = if max == Bound::Unlimited { Bound::Unlimited } else { swap };
        MemoryLimits { min, low, high, max, swap }
    }
}

prop_compose! {
    fn limits()(
        shares in 2..5000_u64,
        quota in bound(400_000),
        period in 1_000..1_000_000_u64,
        burst in 0..1000_u64,
        memory in memory(),
        pids in bound(9),
    ) -> Limits {
        let mut limits = Limits { memory, pids, ..Limits::default() };
        limits.cpu.shares = shares;
        limits.cpu.period_us = period;
        if let Bound::At(quota) = quota {
            let quota = quota.max(1_000);
            limits.cpu.quota_us = Bound::At(quota);
            limits.cpu.burst_us = quota * burst / 1000;
        }
        limits
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn changes_are_never_refused_and_end_where_a_new_group_would(steps in proptest::collection::vec(limits(), 1..5)) {
        for fake in ALL {
            let kernel = Arc::new(fake());
            let groups = open(&kernel);
            let abilities = groups.abilities().unwrap();
            groups.create(&path("changed"), Shape::Leaf).unwrap();
            groups.create(&path("fresh"), Shape::Leaf).unwrap();
            let mut now = Limits::default();
            for next in &steps {
                let plan = Plan::change(&now, next, &abilities, 0).unwrap();
                let applied = groups.apply(&path("changed"), &plan).unwrap();
                prop_assert!(applied.kept.is_empty());
                now = applied.limits;
            }
            prop_assert_eq!(&now, steps.last().unwrap());
            groups.apply(&path("fresh"), &Plan::create(&now, &abilities).unwrap()).unwrap();
            for (controller, file) in FILES {
                let text = |name: &str| {
                    kernel.text(&groups.folder(&path(name), controller).unwrap().join(file))
                };
                // A period without a quota is not written.
                if file != "cpu.cfs_period_us" && file != "cpu.max" || now.cpu.quota_us != Bound::Unlimited {
                    prop_assert_eq!(text("changed"), text("fresh"), "{}", file);
                }
            }
        }
    }

    #[test]
    fn the_same_settings_need_no_writes(limits in limits()) {
        for version in [Version::V1, Version::V2] {
            let plan = Plan::change(&limits, &limits, &Abilities::all(version), 0).unwrap();
            prop_assert_eq!(plan.changes, []);
        }
    }

    #[test]
    fn on_v2_the_limit_is_never_lowered_below_what_is_in_use(old in memory(), new in memory(), in_use in 0..12_u64) {
        let with = |memory| Limits { memory, ..Limits::default() };
        let plan = Plan::change(&with(old), &with(new), &Abilities::all(Version::V2), in_use).unwrap();
        for write in plan.writes().filter(|write| write.file == "memory.max") {
            let lowered = write.text.parse::<u64>().is_ok_and(|max| Bound::At(max) < old.max && max < in_use);
            prop_assert!(!lowered, "{:?}", plan);
        }
        if plan.held.is_none() {
            prop_assert_eq!(plan.to.memory, new);
        }
    }
}

const FILES: [(Controller, &str); 17] = [
    (Controller::Cpu, "cpu.shares"),
    (Controller::Cpu, "cpu.weight"),
    (Controller::Cpu, "cpu.max"),
    (Controller::Cpu, "cpu.max.burst"),
    (Controller::Cpu, "cpu.cfs_quota_us"),
    (Controller::Cpu, "cpu.cfs_period_us"),
    (Controller::Cpu, "cpu.cfs_burst_us"),
    (Controller::Memory, "memory.min"),
    (Controller::Memory, "memory.low"),
    (Controller::Memory, "memory.high"),
    (Controller::Memory, "memory.max"),
    (Controller::Memory, "memory.swap.max"),
    (Controller::Memory, "memory.limit_in_bytes"),
    (Controller::Memory, "memory.memsw.limit_in_bytes"),
    (Controller::Memory, "memory.soft_limit_in_bytes"),
    (Controller::Pids, "pids.max"),
    (Controller::Pids, "pids.current"),
];

fn texts(plan: &Plan) -> Vec<String> {
    plan.writes().map(|write| format!("{}={}", write.file, write.text)).collect()
}

fn with_memory(max: u64, swap: u64) -> Limits {
    let mut limits = Limits::default();
    limits.memory.max = Bound::At(max);
    limits.memory.swap = Bound::At(swap);
    limits
}

#[test]
fn memory_and_swap_go_in_the_order_that_v1_takes() {
    let abilities = Abilities::all(Version::V1);
    let (limit, sum) = ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes");
    let cases = [
        (with_memory(10, 5), with_memory(20, 5), [format!("{sum}=25"), format!("{limit}=20")]),
        (with_memory(20, 5), with_memory(10, 5), [format!("{limit}=10"), format!("{sum}=15")]),
        (with_memory(10, 30), with_memory(20, 5), [format!("{limit}=20"), format!("{sum}=25")]),
        (with_memory(20, 5), with_memory(10, 40), [format!("{sum}=50"), format!("{limit}=10")]),
        (Limits::default(), with_memory(10, 0), [format!("{limit}=10"), format!("{sum}=10")]),
        (with_memory(10, 0), Limits::default(), [format!("{sum}=-1"), format!("{limit}=-1")]),
    ];
    for (old, new, expected) in cases {
        assert_eq!(texts(&Plan::change(&old, &new, &abilities, 0).unwrap()), expected);
    }
}

#[test]
fn ceilings_rise_from_above_and_sink_from_below() {
    let abilities = Abilities::all(Version::V2);
    let of = |low, high, max| {
        let mut limits = Limits::default();
        limits.memory = MemoryLimits { low, high: Bound::At(high), max: Bound::At(max), ..limits.memory };
        limits
    };
    let (small, large) = (of(10, 18, 20), of(100, 180, 200));
    let grow = Plan::change(&small, &large, &abilities, 0).unwrap();
    assert_eq!(texts(&grow), ["memory.max=200", "memory.high=180", "memory.low=100"]);
    let shrink = Plan::change(&large, &small, &abilities, 0).unwrap();
    assert_eq!(texts(&shrink), ["memory.low=10", "memory.high=18", "memory.max=20"]);
    let held = Plan::change(&large, &small, &abilities, 50).unwrap();
    assert_eq!(texts(&held), ["memory.low=10", "memory.high=18", "memory.max=50"]);
    assert_eq!(held.held.unwrap().wanted_bytes, 20);
    assert_eq!(held.to.memory.max, Bound::At(50));
}

#[test]
fn burst_and_quota_and_period_go_in_the_order_that_is_always_valid() {
    let abilities = Abilities::all(Version::V1);
    let of = |quota, period, burst| {
        let mut limits = Limits::default();
        limits.cpu.quota_us = Bound::At(quota);
        limits.cpu.period_us = period;
        limits.cpu.burst_us = burst;
        limits
    };
    let longer = Plan::change(&of(10_000, 100_000, 9_000), &of(5_000, 200_000, 0), &abilities, 0).unwrap();
    let expected = ["cpu.cfs_burst_us=0", "cpu.cfs_period_us=200000", "cpu.cfs_quota_us=5000"];
    assert_eq!(texts(&longer), expected);
    let shorter = Plan::change(&of(5_000, 200_000, 0), &of(10_000, 100_000, 9_000), &abilities, 0).unwrap();
    let expected = ["cpu.cfs_quota_us=10000", "cpu.cfs_period_us=100000", "cpu.cfs_burst_us=9000"];
    assert_eq!(texts(&shorter), expected);
}

#[test]
fn what_the_host_cannot_do_is_refused_with_the_cure() {
    let mut abilities = Abilities::all(Version::V1);
    abilities.swap = false;
    let error = Plan::create(&with_memory(10, 0), &abilities).unwrap_err();
    assert!(error.to_string().contains("swapaccount=1"), "{error}");
    abilities.homes.remove(&Controller::Memory);
    let error = Plan::create(&with_memory(10, 0), &abilities).unwrap_err();
    assert!(matches!(error, PlanError::NoController { controller: Controller::Memory, .. }));
    assert!(error.to_string().contains("Delegate=memory"), "{error}");
    let mut alone = Limits::default();
    alone.memory.swap = Bound::At(0);
    let error = Plan::create(&alone, &Abilities::all(Version::V1)).unwrap_err();
    assert_eq!(error, PlanError::SwapWithoutMemory);
}

#[test]
fn settings_out_of_range_are_named() {
    let change = |change: &dyn Fn(&mut Limits)| {
        let mut limits = Limits::default();
        change(&mut limits);
        limits.check().unwrap_err().setting
    };
    assert_eq!(change(&|limits| limits.cpu.shares = 1), "cpu.shares");
    assert_eq!(change(&|limits| limits.cpu.period_us = 999), "cpu.period_us");
    assert_eq!(change(&|limits| limits.cpu.quota_us = Bound::At(999)), "cpu.quota_us");
    assert_eq!(change(&|limits| limits.cpu.burst_us = 1), "cpu.burst_us");
    assert_eq!(change(&|limits| limits.io.weight = Some(0)), "io.weight");
    assert_eq!(
        change(&|limits| {
            let device = "8:0".parse().unwrap();
            let zero = apportion_cgroups::DeviceLimits { reads: Bound::At(0), ..Default::default() };
            limits.io.devices = BTreeMap::from([(device, zero)]);
        }),
        "io.devices"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn settings_that_nobody_remembers_are_read_back_and_changed_without_a_refusal(
        first in limits(),
        second in limits(),
    ) {
        for fake in ALL {
            let kernel = Arc::new(fake());
            let groups = open(&kernel);
            let abilities = groups.abilities().unwrap();
            let write = |name: &str, old: &Limits, new: &Limits| {
                groups.apply(&path(name), &Plan::change(old, new, &abilities, 0).unwrap()).unwrap()
            };
            for name in ["found", "fresh"] {
                groups.create(&path(name), Shape::Leaf).unwrap();
            }
            write("found", &Limits::default(), &first);
            write("fresh", &Limits::default(), &second);

            let found = groups.settings(&path("found"), &[]).unwrap();
            let again = Plan::change(&found, &first, &abilities, 0).unwrap();
            // Shares are kept as a coarser weight on v2, and protections as one soft limit on v1, which writes them again.
            let repeated = |file: &str| matches!(file, "cpu.weight" | "memory.soft_limit_in_bytes" | "cpu.cfs_period_us");
            let other: Vec<_> = again.writes().filter(|write| !repeated(&write.file)).collect();
            prop_assert!(other.is_empty(), "{other:?}");

            let applied = write("found", &found, &second);
            prop_assert!(applied.kept.is_empty());
            let settled = |name: &str| {
                let mut limits = groups.settings(&path(name), &[]).unwrap();
                // The length of periods without a quota is left as it is: it means nothing.
                if limits.cpu.quota_us == Bound::Unlimited {
                    limits.cpu.period_us = 0;
                }
                limits
            };
            prop_assert_eq!(settled("found"), settled("fresh"));
        }
    }
}
