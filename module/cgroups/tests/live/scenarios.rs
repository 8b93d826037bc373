//! The scenarios.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use apportion_cgroups::{
    Bound, Controller, CpuSet, Device, DeviceLimits, Event, EventKind, GroupError, GroupPath, Groups, Limits,
    LiveKernel, Numbers, PageSize, Patience, Pid, Plan, Shape, Version, Watcher,
};

use crate::stage::{Outcome, Stage};

type Scenario = fn(&Stage) -> Outcome;

pub(crate) const ALL: [(&str, Scenario); 10] = [
    ("every_setting_is_taken_and_read_back", every_setting),
    ("resizing_back_and_forth_is_never_refused", resizing),
    ("a_memory_hog_is_killed_and_told_and_its_neighbour_lives", memory_hog),
    ("a_limit_below_what_is_in_use_kills_nobody", shrinking),
    ("a_process_too_many_is_refused_and_told", too_many_processes),
    ("a_spinning_process_gets_its_quota_and_no_more", spinning),
    ("a_fork_bomb_is_killed_and_leaves_nothing", fork_bomb),
    ("nested_groups_live_and_end_with_the_outer_one", nested),
    ("an_agent_in_a_delegated_group_divides_it", agent),
    ("after_a_restart_groups_are_found_and_adopted", restart),
];

const MIB: u64 = 1 << 20;
const SOON: Duration = Duration::from_secs(60);

fn check(holds: bool, what: impl Into<String>) -> Outcome {
    if holds { Ok(()) } else { Err(what.into().into()) }
}

fn watcher() -> Result<(Watcher, Receiver<Event>), Box<dyn std::error::Error>> {
    let (send, receive) = channel();
    let thread = |name, body| std::thread::Builder::new().name(name).spawn(body);
    Ok((Watcher::start(move |event| drop(send.send(event)), thread)?, receive))
}

fn some_device() -> Option<Device> {
    let devices = std::fs::read_dir("/sys/block").ok()?;
    devices.flatten().find_map(|entry| {
        // Devices without a queue take no ceilings.
        let text = std::fs::read_to_string(entry.path().join("dev")).ok()?;
        text.trim().parse::<Device>().ok().filter(|device| device.major != 1)
    })
}

fn every_setting(stage: &Stage) -> Outcome {
    let abilities = stage.groups.abilities()?;
    let mut limits = Limits::default();
    limits.cpu.shares = 2048;
    limits.cpu.quota_us = Bound::At(50_000);
    limits.cpu.burst_us = if abilities.cpu_burst { 10_000 } else { 0 };
    limits.memory.low = 32 * MIB;
    limits.memory.high = Bound::At(60 * MIB);
    limits.memory.max = Bound::At(64 * MIB);
    limits.memory.swap = if abilities.swap { Bound::At(0) } else { Bound::Unlimited };
    limits.pids = Bound::At(77);
    limits.cpuset = CpuSet { cpus: Numbers(BTreeSet::from([0])), mems: Numbers(BTreeSet::from([0])) };
    limits.io.weight = abilities.io_weight.map(|_| 200);
    if let Some(device) = some_device() {
        let ceilings =
            DeviceLimits { read_bytes: Bound::At(1 << 20), writes: Bound::At(50), ..DeviceLimits::default() };
        limits.io.devices = BTreeMap::from([(device, ceilings)]);
    }
    let size = PageSize::new("2MB").ok_or("a page size")?;
    if std::path::Path::new("/sys/kernel/mm/hugepages/hugepages-2048kB").exists() {
        limits.hugetlb = BTreeMap::from([(size, Bound::At(4 * MIB))]);
    }
    let path = stage.group("a", &limits)?;
    let expect = |controller, file: &str, text: &str| -> Outcome {
        let found = stage.text(&path, controller, file)?;
        check(found == text, format!("{file} is {found:?}, not {text:?}"))
    };
    expect(Controller::Pids, "pids.max", "77")?;
    expect(Controller::CpuSet, "cpuset.cpus", "0")?;
    match abilities.homes.get(&Controller::Cpu) {
        Some(Version::V1) => {
            expect(Controller::Cpu, "cpu.shares", "2048")?;
            expect(Controller::Cpu, "cpu.cfs_quota_us", "50000")?;
            expect(Controller::Memory, "memory.limit_in_bytes", "67108864")?;
            expect(Controller::Memory, "memory.soft_limit_in_bytes", "33554432")?;
        }
        _ => {
            expect(Controller::Cpu, "cpu.weight", "200")?;
            expect(Controller::Cpu, "cpu.max", "50000 100000")?;
            expect(Controller::Memory, "memory.max", "67108864")?;
            expect(Controller::Memory, "memory.high", "62914560")?;
            expect(Controller::Memory, "memory.low", "33554432")?;
        }
    }
    if !limits.hugetlb.is_empty() {
        let v2 = abilities.homes.get(&Controller::HugeTlb) == Some(&Version::V2);
        let file = if v2 { "hugetlb.2MB.max" } else { "hugetlb.2MB.limit_in_bytes" };
        expect(Controller::HugeTlb, file, "4194304")?;
    }
    let usage = stage.groups.usage(&path)?;
    check(usage.cpu.is_some() && usage.memory.is_some() && usage.io.is_some(), format!("{usage:?}"))?;
    check(usage.pids.is_some_and(|pids| pids.max == Some(Bound::At(77))), format!("{:?}", usage.pids))?;
    // And back to what the kernel gives a new group.
    stage.groups.apply(&path, &Plan::change(&limits, &Limits::default(), &abilities, 0)?)?;
    expect(Controller::Pids, "pids.max", "max")
}

fn resizing(stage: &Stage) -> Outcome {
    let abilities = stage.groups.abilities()?;
    let path = stage.group("a", &Limits::default())?;
    stage.run(&path, "sleep", 0)?;
    let sizes = [
        (64, 0, 100_u64, 100_u64),
        (256, 128, 300, 50),
        (128, 512, 20, 200),
        (512, 0, 500, 100),
        (96, 32, 10, 20),
    ];
    let mut now = Limits::default();
    for (memory, swap, quota_ms, period_ms) in sizes {
        let mut next = Limits::default();
        next.memory.max = Bound::At(memory * MIB);
        next.memory.low = memory * MIB / 2;
        next.memory.swap = if abilities.swap { Bound::At(swap * MIB) } else { Bound::Unlimited };
        next.cpu.quota_us = Bound::At(quota_ms * 1000);
        next.cpu.period_us = period_ms * 1000;
        next.cpu.burst_us = if abilities.cpu_burst { quota_ms * 500 } else { 0 };
        next.cpu.shares = memory;
        next.pids = Bound::At(memory);
        let applied = stage.groups.apply(&path, &Plan::change(&now, &next, &abilities, 0)?)?;
        check(applied.kept.is_empty(), format!("{:?}", applied.kept))?;
        now = applied.limits;
    }
    stage.groups.apply(&path, &Plan::change(&now, &Limits::default(), &abilities, 0)?)?;
    check(stage.groups.processes(&path)?.len() == 1, "the process lives")
}

fn no_swap(stage: &Stage, limits: &mut Limits) -> Outcome {
    if stage.groups.abilities()?.swap {
        limits.memory.swap = Bound::At(0);
    }
    Ok(())
}

fn memory_hog(stage: &Stage) -> Outcome {
    let mut limits = Limits::default();
    limits.memory.max = Bound::At(32 * MIB);
    no_swap(stage, &mut limits)?;
    let hungry = stage.group("hungry", &limits)?;
    let neighbour = stage.group("neighbour", &limits)?;
    let (watcher, events) = watcher()?;
    watcher.watch(&stage.groups, &hungry)?;
    watcher.watch(&stage.groups, &neighbour)?;
    stage.run(&neighbour, "sleep", 0)?;
    stage.run(&hungry, "memory", 200)?;
    // On v1 the two come apart, and the second one late.
    let mut kinds = Vec::new();
    while !kinds.iter().any(|kind| matches!(kind, EventKind::Killed { .. })) {
        let event = events.recv_timeout(SOON)?;
        check(event.group == hungry, format!("{event:?}"))?;
        kinds.push(event.kind);
    }
    check(kinds.iter().any(|kind| matches!(kind, EventKind::OutOfMemory { .. })), format!("{kinds:?}"))?;
    stage.wait_for("the hog to be killed", || Ok(stage.groups.processes(&hungry)?.is_empty()))?;
    check(stage.groups.processes(&neighbour)?.len() == 1, "the neighbour lives")?;
    let peak = stage.groups.usage(&hungry)?.memory.and_then(|memory| memory.peak);
    check(peak.is_none_or(|peak| (16 * MIB..=32 * MIB).contains(&peak)), format!("peak of {peak:?}"))
}

fn shrinking(stage: &Stage) -> Outcome {
    let abilities = stage.groups.abilities()?;
    let mut limits = Limits::default();
    limits.memory.max = Bound::At(128 * MIB);
    no_swap(stage, &mut limits)?;
    let path = stage.group("a", &limits)?;
    stage.run(&path, "memory", 60)?;
    let in_use = || -> Result<u64, Box<dyn std::error::Error>> {
        Ok(stage.groups.usage(&path)?.memory.ok_or("memory is measured")?.unreclaimable())
    };
    stage.wait_for("60 MiB in use", || Ok(in_use()? > 59 * MIB))?;
    let mut smaller = limits.clone();
    smaller.memory.max = Bound::At(32 * MIB);
    let plan = Plan::change(&limits, &smaller, &abilities, in_use()? + MIB)?;
    let applied = stage.groups.apply(&path, &plan)?;
    let v1 = abilities.homes.get(&Controller::Memory) == Some(&Version::V1);
    check(applied.kept.len() == usize::from(v1), format!("{applied:?}"))?;
    check(plan.held.is_some() != v1, format!("{plan:?}"))?;
    let Bound::At(stands) = applied.limits.memory.max else { return Err("a limit stands".into()) };
    check(stands > 59 * MIB, format!("limit of {stands}"))?;
    std::thread::sleep(Duration::from_millis(300));
    stage.reap();
    check(stage.groups.processes(&path)?.len() == 1, "the process lives")
}

fn too_many_processes(stage: &Stage) -> Outcome {
    let path = stage.group("a", &Limits { pids: Bound::At(5), ..Limits::default() })?;
    let (watcher, events) = watcher()?;
    watcher.watch(&stage.groups, &path)?;
    stage.run(&path, "fork", 20)?;
    let event = events.recv_timeout(SOON)?;
    check(matches!(event.kind, EventKind::OutOfPids { times: 1.. }), format!("{event:?}"))?;
    let there = stage.groups.usage(&path)?.pids.ok_or("processes are counted")?;
    check(there.current <= 5 && there.max == Some(Bound::At(5)), format!("{there:?}"))
}

fn spinning(stage: &Stage) -> Outcome {
    let mut limits = Limits::default();
    limits.cpu.quota_us = Bound::At(20_000);
    let path = stage.group("a", &limits)?;
    let start = Instant::now();
    stage.run(&path, "spin", 0)?;
    let cpu = || -> Result<_, Box<dyn std::error::Error>> {
        Ok(stage.groups.usage(&path)?.cpu.ok_or("CPU time is measured")?)
    };
    stage.wait_for("ten throttled periods", || Ok(cpu()?.throttled_periods >= 10))?;
    let (usage, elapsed) = (cpu()?, u64::try_from(start.elapsed().as_micros())?);
    // A fifth of a CPU, and a slice more that each CPU may have taken.
    let most = elapsed / 5 + 100_000;
    check(usage.usage_us <= most, format!("{} of {most} µs", usage.usage_us))?;
    check(usage.throttled_us > 0, format!("{usage:?}"))
}

fn fork_bomb(stage: &Stage) -> Outcome {
    let path = stage.group("a", &Limits { pids: Bound::At(60), ..Limits::default() })?;
    stage.run(&path, "bomb", 0)?;
    let count = || Ok(stage.groups.usage(&path)?.pids.is_some_and(|pids| pids.current >= 55));
    stage.wait_for("fifty-five processes", count)?;
    stage.groups.kill(&path)?;
    check(stage.groups.processes(&path)?.is_empty(), "all are gone")?;
    check(stage.groups.destroy(&path)?, "it was there")?;
    check(stage.groups.recover()?.is_empty(), "nothing is left")
}

fn nested(stage: &Stage) -> Outcome {
    let outer = GroupPath::root("outer")?;
    let inner = outer.child("inner")?;
    let plan =
        Plan::create(&Limits { pids: Bound::At(50), ..Limits::default() }, &stage.groups.abilities()?)?;
    stage.groups.create(&outer, Shape::Inner)?;
    stage.groups.apply(&outer, &plan)?;
    stage.run(&outer, "sleep", 0)?;
    stage.groups.create(&inner, Shape::Leaf)?;
    stage.groups.apply(&inner, &plan)?;
    let pid = stage.run(&inner, "fork", 3)?;
    stage.wait_for("four processes", || Ok(stage.groups.processes(&inner)?.len() == 4))?;
    check(stage.groups.processes(&inner)?.contains(&pid), "the first is there")?;
    check(stage.groups.processes(&outer)?.len() == 5, "the outer one has all")?;
    stage.groups.kill(&outer)?;
    stage.groups.destroy(&outer)?;
    check(stage.groups.recover()?.is_empty(), "nothing is left")
}

/// The agent is another process of this program, since whoever runs this one is not to be moved.
fn agent(stage: &Stage) -> Outcome {
    let path = stage.group("agent.service", &Limits::default())?;
    for place in stage.placement.places.iter().filter(|place| place.version == Version::V2) {
        let folder = place.parent.join("container-agent.service");
        rustix::fs::setxattr(folder, "trusted.delegate", b"1", rustix::fs::XattrFlags::empty())?;
    }
    let pid = stage.run(&path, "agent", 0)?;
    check(stage.succeeds(pid)?, "the agent failed, see above")?;
    stage.groups.destroy(&path)?;
    check(stage.groups.recover()?.is_empty(), "nothing is left")
}

fn restart(stage: &Stage) -> Outcome {
    let path = stage.group("a", &Limits::default())?;
    let pid = stage.run(&path, "sleep", 0)?;
    let again = Groups::open(Arc::new(LiveKernel), &stage.placement, Patience::default())?;
    let found = again.recover()?;
    check(found.len() == 1, format!("{found:?}"))?;
    let adopted = found.first().ok_or("one is found")?;
    check(adopted.path == path && adopted.complete && adopted.processes == 1, format!("{found:?}"))?;
    check(again.processes(&path)? == BTreeSet::from([pid]), "the process lives")?;
    // The agent never kills itself, whatever it is told.
    let own = again.create(&GroupPath::root("own")?, Shape::Leaf);
    own?;
    check(
        matches!(again.destroy(&path), Err(GroupError::Survivors { .. } | GroupError::Refused(_)))
            || Pid::own() == pid,
        "a group with processes is not removed",
    )
}
