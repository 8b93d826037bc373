//! What is found on hosts of all kinds, and what is proposed there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use apportion_cgroups::fake::FakeKernel;
use apportion_cgroups::{
    Ability, Base, Controller, Finding, Groups, Hierarchy, Kernel, Layout, Patience, Pid, Seen, Version, Wish,
};

use crate::support::{open, path, placement, wish};

fn detect(kernel: &FakeKernel) -> Hierarchy {
    Hierarchy::detect(kernel, Path::new("/")).unwrap()
}

#[test]
fn v1_has_a_place_for_each_hierarchy() {
    let kernel = FakeKernel::v1();
    let hierarchy = detect(&kernel);
    assert_eq!(hierarchy.layout(), Layout::V1);
    assert_eq!(hierarchy.mounts().len(), 8);
    let placement = hierarchy.place(&kernel, &wish()).unwrap();
    assert_eq!(placement.findings, []);
    assert_eq!(placement.places.len(), 8);
    assert!(placement.places.iter().all(|place| place.moves.is_empty()));
    let memory = placement.places.iter().find(|place| place.controllers.contains(&Controller::Memory));
    assert_eq!(memory.unwrap().parent, PathBuf::from("/sys/fs/cgroup/memory/containers"));
}

#[test]
fn hybrid_takes_each_controller_where_it_is() {
    let kernel = FakeKernel::hybrid();
    let hierarchy = detect(&kernel);
    assert_eq!(hierarchy.layout(), Layout::Hybrid);
    assert_eq!(hierarchy.home(Controller::HugeTlb).unwrap().version, Version::V2);
    assert_eq!(hierarchy.home(Controller::Memory).unwrap().version, Version::V1);
    assert_eq!(hierarchy.home(Controller::Freezer).unwrap().version, Version::V1);
}

#[test]
fn on_v2_the_agent_moves_out_of_the_group_that_is_divided() {
    let kernel = Arc::new(FakeKernel::v2());
    let placement = placement(&kernel);
    assert_eq!(placement.findings, []);
    let place = &placement.places[0];
    assert_eq!(place.base, PathBuf::from("/sys/fs/cgroup/system.slice/agent.service"));
    assert_eq!(place.moves, [Pid::new(100).unwrap()]);

    let groups = open(&kernel);
    assert_eq!(kernel.groups_of(100), [PathBuf::from("/sys/fs/cgroup/system.slice/agent.service/agent")]);
    let handed = kernel.text(&place.parent.join("cgroup.controllers")).unwrap();
    assert_eq!(handed, "cpu cpuset hugetlb io memory pids\n");
    assert!(groups.abilities().unwrap().swap);
}

#[test]
fn after_a_restart_the_same_place_is_found_from_inside_the_agents_own_group() {
    let kernel = Arc::new(FakeKernel::v2());
    let first = open(&kernel);
    kernel.put("/proc/self/cgroup", "0::/system.slice/agent.service/agent\n");
    let second = open(&kernel);
    assert_eq!(first.places()[0].parent, second.places()[0].parent);

    kernel.undelegate();
    let third = placement(&kernel);
    assert_eq!(third.places[0].parent, second.places()[0].parent, "by the name of our own group");
}

#[test]
fn a_unit_that_is_not_delegated_is_told_with_the_cure() {
    let kernel = FakeKernel::v2();
    kernel.undelegate();
    let placement = placement(&kernel);
    assert_eq!(placement.findings, [Finding::NotDelegated { unit: "agent.service".to_owned() }]);
    assert!(!placement.findings[0].is_fatal());
    let text = placement.findings[0].to_string();
    assert!(text.contains("systemctl edit agent.service"), "{text}");
    assert!(text.contains("[Service]") && text.contains("Delegate=yes"), "{text}");
}

#[test]
fn a_controller_that_is_not_handed_down_is_told_with_the_group_where_it_ends() {
    let kernel = Arc::new(FakeKernel::v2());
    kernel.put("/sys/fs/cgroup/system.slice/agent.service/cgroup.controllers", "cpu memory pids\n");
    let only =
        |controllers: &[Controller]| Wish { controllers: controllers.iter().copied().collect(), ..wish() };
    let hierarchy = detect(&kernel);
    let placement = hierarchy.place(&*kernel, &only(&[Controller::Io, Controller::Cpu])).unwrap();
    let [finding @ Finding::NotHandedDown { controller: Controller::Io, at, .. }] = &placement.findings[..]
    else {
        panic!("{:?}", placement.findings);
    };
    assert_eq!(at, Path::new("/sys/fs/cgroup/system.slice"));
    assert!(finding.to_string().contains("Delegate=io"), "{finding}");
    let error = Groups::open(kernel.clone(), &placement, Patience::default()).unwrap_err();
    assert!(error.to_string().contains("Delegate=io"), "{error}");
    assert!(!kernel.groups().iter().any(|group| group.ends_with("containers")), "nothing was made");
}

#[test]
fn without_systemd_the_cure_is_a_command() {
    let kernel = FakeKernel::v2();
    kernel.put("/proc/self/cgroup", "0::/system.slice\n");
    kernel.put("/sys/fs/cgroup/system.slice/cgroup.controllers", "cpu\n");
    let placement = placement(&kernel);
    let texts: Vec<String> = placement.findings.iter().map(ToString::to_string).collect();
    assert!(
        texts.iter().any(|text| text.contains("echo +memory > /sys/fs/cgroup/cgroup.subtree_control")),
        "{texts:?}"
    );
}

#[test]
fn a_missing_v1_hierarchy_is_told_with_the_mount_command() {
    let kernel = FakeKernel::v1();
    kernel.put("/proc/self/mountinfo", "40 23 0:40 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n");
    let placement = placement(&kernel);
    let texts: Vec<String> = placement.findings.iter().map(ToString::to_string).collect();
    assert_eq!(texts.len(), 7);
    assert!(
        texts.iter().any(|text| text.contains("mount -t cgroup -o blkio blkio /sys/fs/cgroup/blkio")),
        "{texts:?}"
    );
}

#[test]
fn a_host_without_control_groups_is_refused_with_the_mount_command() {
    let kernel = FakeKernel::v1();
    kernel.put("/proc/self/mountinfo", "40 23 0:40 / /proc rw - proc proc rw\n");
    let error = Hierarchy::detect(&kernel, Path::new("/")).unwrap_err();
    assert!(error.to_string().contains("mount -t cgroup2 cgroup2 /sys/fs/cgroup"), "{error}");
}

#[test]
fn a_read_only_mount_and_a_group_outside_of_it_are_told() {
    let kernel = FakeKernel::v2();
    kernel.put("/proc/self/mountinfo", "31 23 0:28 / /sys/fs/cgroup ro - cgroup2 cgroup2 rw\n");
    kernel.put("/proc/self/cgroup", "0::/../elsewhere\n");
    let placement = placement(&kernel);
    let point = PathBuf::from("/sys/fs/cgroup");
    let expected = [Finding::ReadOnly { point: point.clone() }, Finding::Outside { point }];
    assert_eq!(placement.findings, expected);
    assert!(placement.findings.iter().all(Finding::is_fatal));
}

#[test]
fn a_named_base_is_taken_and_strangers_in_it_are_not_moved() {
    let kernel = Arc::new(FakeKernel::v2());
    let hierarchy = detect(&kernel);
    let at = Wish { base: Base::At("/".into()), ..wish() };
    let placement = hierarchy.place(&*kernel, &at).unwrap();
    assert_eq!(placement.places[0].parent, PathBuf::from("/sys/fs/cgroup/containers"));
    assert_eq!(placement.places[0].moves, []);
    let groups = Groups::open(kernel.clone(), &placement, Patience::default()).unwrap();
    groups.create(&path("a"), apportion_cgroups::Shape::Leaf).unwrap();
    assert_eq!(kernel.groups_of(100), [PathBuf::from("/sys/fs/cgroup/system.slice/agent.service")]);
}

#[test]
fn of_two_mounts_of_a_hierarchy_the_one_we_are_in_is_taken() {
    let kernel = FakeKernel::v2();
    kernel.put(
        "/proc/self/mountinfo",
        "30 23 0:28 /machine/x /run/machine/cgroup rw - cgroup2 cgroup2 rw\n\
         31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
    );
    let hierarchy = detect(&kernel);
    assert_eq!(hierarchy.mounts().len(), 1);
    assert_eq!(hierarchy.mounts()[0].point, PathBuf::from("/sys/fs/cgroup"));
}

#[test]
fn the_agents_own_group_is_no_place_for_containers() {
    let kernel = FakeKernel::v2();
    let name = apportion_cgroups::GroupName::new("agent").unwrap();
    let error = detect(&kernel).place(&kernel, &Wish { name, ..wish() }).unwrap_err();
    assert!(error.to_string().contains("another name"), "{error}");
}

fn sight(kernel: &FakeKernel) -> Vec<Seen> {
    let wish = Wish { controllers: BTreeSet::from([Controller::Pids]), ..wish() };
    let before = kernel.groups();
    let seen = detect(kernel).sight(kernel, &wish).unwrap();
    assert_eq!(kernel.groups(), before);
    assert!(seen.iter().map(|(ability, _)| *ability).eq(Ability::ALL));
    seen.into_iter().map(|(_, seen)| seen).collect()
}

#[test]
fn what_a_host_can_is_seen_before_there_are_groups_and_also_of_controllers_that_are_not_wanted() {
    let agent = Path::new("/sys/fs/cgroup/system.slice/agent.service");
    let there = |file: &str| Seen::There(agent.join(file));
    let files = ["cpu.max", "cpu.max.burst", "memory.swap.max", "io.weight", "cgroup.kill", "cpu.pressure"];
    let kernel = FakeKernel::v2();
    assert_eq!(sight(&kernel), files.map(there));

    kernel.lacks("cpu.max.burst");
    kernel.lacks("io.weight");
    kernel.set(&agent.join("io.bfq.weight"), "100");
    let seen = sight(&kernel);
    assert_eq!(seen[1], Seen::NotThere { version: Version::V2, group: agent.to_owned() });
    assert_eq!(seen[3], there("io.bfq.weight"));
    let abilities = open(&Arc::new(kernel)).abilities().unwrap();
    assert!(!abilities.cpu_burst && abilities.cpu_bandwidth, "an opened group sees the same");

    let seen = sight(&FakeKernel::v1());
    let there = |file: &str| Seen::There(PathBuf::from("/sys/fs/cgroup").join(file));
    assert_eq!(seen[0], there("cpu/cpu.cfs_quota_us"));
    assert_eq!(seen[2], there("memory/memory.memsw.limit_in_bytes"));
    assert_eq!(seen[3], there("blkio/blkio.bfq.weight"));
    assert_eq!(seen[4..], [Seen::NotOnV1, Seen::NotOnV1]);
}

#[test]
fn the_topmost_group_does_not_tell_what_others_lack() {
    // Booted without an init that makes groups.
    let kernel = FakeKernel::v2();
    kernel.put("/proc/self/cgroup", "0::/\n");
    let top = Path::new("/sys/fs/cgroup");
    assert_eq!(sight(&kernel)[0], Seen::There(top.join("system.slice/cpu.max")), "a group beside tells");
    kernel.exit(100);
    kernel.remove_group(&top.join("system.slice/agent.service")).unwrap();
    kernel.remove_group(&top.join("system.slice")).unwrap();
    let seen = sight(&kernel);
    assert_eq!((&seen[0], &seen[4]), (&Seen::Unclear, &Seen::Unclear));

    let kernel = FakeKernel::v1();
    kernel.lacks("memory.memsw.limit_in_bytes");
    assert_eq!(sight(&kernel)[2], Seen::Unclear);
    let group = top.join("memory/containers");
    kernel.make_group(&group).unwrap();
    assert_eq!(sight(&kernel)[2], Seen::NotThere { version: Version::V1, group });

    let kernel = FakeKernel::hybrid();
    assert_eq!(sight(&kernel)[4..], [Seen::NotOnV1, Seen::NotOnV1], "what is wanted is on v1");
    kernel.put("/proc/self/mountinfo", "40 23 0:40 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n");
    assert_eq!(sight(&kernel)[3], Seen::NoController(Controller::Io));
}

#[test]
fn a_host_is_also_seen_from_where_another_process_is() {
    let kernel = FakeKernel::v2();
    let mounts = kernel.text(Path::new("/proc/self/mountinfo")).unwrap();
    kernel.put("/proc/7/mountinfo", &mounts);
    kernel.put("/proc/7/cgroup", "0::/system.slice\n");
    let hierarchy = Hierarchy::detect_for(&kernel, Path::new("/"), Pid::new(7).unwrap()).unwrap();
    assert_eq!(hierarchy.mounts()[0].own, Some(PathBuf::from("/sys/fs/cgroup/system.slice")));
    let error = Hierarchy::detect_for(&kernel, Path::new("/"), Pid::new(8).unwrap()).unwrap_err();
    assert!(error.to_string().contains("/proc/8/mountinfo"), "{error}");
}
