//! Groups from making to removing.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use apportion_cgroups::fake::FakeKernel;
use apportion_cgroups::{Bound, Controller, GroupError, GroupName, Limits, Pid, Plan, Shape};

use crate::support::{ALL, open, path};

#[test]
fn a_group_holds_its_processes_in_every_hierarchy() {
    for fake in ALL {
        let kernel = Arc::new(fake());
        let groups = open(&kernel);
        kernel.spawn(200);
        groups.create(&path("a"), Shape::Leaf).unwrap();
        groups.create(&path("a"), Shape::Leaf).unwrap();
        groups.add(&path("a"), Pid::new(200).unwrap()).unwrap();
        assert_eq!(groups.processes(&path("a")).unwrap(), [Pid::new(200).unwrap()].into());
        let inside = kernel.groups_of(200);
        assert_eq!(inside.len(), groups.places().len());
        assert!(inside.iter().all(|group| group.ends_with("containers/container-a")), "{inside:?}");
        groups.kill(&path("a")).unwrap();
        assert!(!kernel.processes().contains(&200));
        assert!(groups.destroy(&path("a")).unwrap());
        assert!(!groups.destroy(&path("a")).unwrap());
        groups.kill(&path("a")).unwrap();
        groups.close().unwrap();
        groups.close().unwrap();
    }
}

#[test]
fn nested_groups_go_with_the_outer_one() {
    for fake in ALL {
        let kernel = Arc::new(fake());
        let groups = open(&kernel);
        let (outer, inner) = (path("a"), path("a").child("b").unwrap());
        for pid in [200, 201] {
            kernel.spawn(pid);
        }
        groups.create(&outer, Shape::Inner).unwrap();
        groups.add(&outer, Pid::new(200).unwrap()).unwrap();
        groups.create(&inner, Shape::Leaf).unwrap();
        groups.add(&inner, Pid::new(201).unwrap()).unwrap();
        let mut limits = Limits::default();
        limits.memory.max = Bound::At(1 << 20);
        let plan = Plan::create(&limits, &groups.abilities().unwrap()).unwrap();
        groups.apply(&inner, &plan).unwrap();
        assert_eq!(groups.processes(&outer).unwrap().len(), 2);
        assert_eq!(groups.processes(&inner).unwrap().len(), 1);
        let found: Vec<_> = groups.recover().unwrap();
        assert_eq!(
            found.iter().map(|found| (&found.path, found.processes)).collect::<Vec<_>>(),
            [(&outer, 2), (&inner, 1)]
        );
        assert!(found.iter().all(|found| found.complete));
        groups.kill(&outer).unwrap();
        groups.destroy(&outer).unwrap();
        assert_eq!(groups.recover().unwrap(), []);
    }
}

#[test]
fn on_v2_nothing_is_nested_in_a_group_with_processes_of_its_own() {
    let groups = open(&Arc::new(FakeKernel::v2()));
    groups.create(&path("a"), Shape::Leaf).unwrap();
    let error = groups.create(&path("a").child("b").unwrap(), Shape::Leaf).unwrap_err();
    assert!(matches!(error, GroupError::ParentIsLeaf { .. }), "{error}");
    let error = groups.create(&path("x").child("b").unwrap(), Shape::Leaf).unwrap_err();
    assert!(matches!(error, GroupError::Unknown { .. }), "{error}");
}

#[test]
fn a_process_that_does_not_die_is_named() {
    for fake in ALL {
        let kernel = Arc::new(fake());
        let groups = open(&kernel);
        kernel.spawn(200);
        kernel.make_stubborn(200);
        groups.create(&path("a"), Shape::Leaf).unwrap();
        groups.add(&path("a"), Pid::new(200).unwrap()).unwrap();
        for error in [groups.kill(&path("a")).unwrap_err(), groups.destroy(&path("a")).unwrap_err()] {
            assert!(error.to_string().contains("200 (hangs (nfs), state D)"), "{error}");
            assert!(error.to_string().contains("50 ms"), "{error}");
        }
        kernel.exit(200);
        groups.destroy(&path("a")).unwrap();
    }
}

#[test]
fn kernels_without_a_kill_file_get_signals() {
    let kernel = Arc::new(FakeKernel::v2());
    kernel.lacks("cgroup.kill");
    let groups = open(&kernel);
    kernel.spawn(200);
    groups.create(&path("a"), Shape::Leaf).unwrap();
    groups.add(&path("a"), Pid::new(200).unwrap()).unwrap();
    groups.kill(&path("a")).unwrap();
    assert!(!kernel.processes().contains(&200));
    let freeze = groups.folder(&path("a"), Controller::Cpu).unwrap().join("cgroup.freeze");
    assert_eq!(kernel.text(&freeze).unwrap(), "0", "the group goes on");
}

#[test]
fn the_agent_never_kills_itself() {
    for fake in ALL {
        let kernel = Arc::new(fake());
        let groups = open(&kernel);
        let own = Pid::own();
        kernel.spawn(own.get());
        groups.create(&path("a"), Shape::Leaf).unwrap();
        groups.add(&path("a"), own).unwrap();
        assert!(matches!(groups.kill(&path("a")), Err(GroupError::OwnProcess { .. })));
        assert!(kernel.processes().contains(&own.get()));
    }
}

#[test]
fn groups_of_others_are_neither_found_nor_removed() {
    let kernel = Arc::new(FakeKernel::v2());
    let groups = open(&kernel);
    let foreign = groups.places()[0].parent.join("someone-else");
    apportion_cgroups::Kernel::make_group(&*kernel, &foreign).unwrap();
    groups.create(&path("a"), Shape::Leaf).unwrap();
    assert_eq!(groups.recover().unwrap().len(), 1);
    groups.destroy(&path("a")).unwrap();
    assert!(groups.close().is_err(), "it is not empty");
    assert!(kernel.groups().contains(&foreign));
}

#[test]
fn what_a_crash_left_half_made_is_found_and_completed() {
    let kernel = Arc::new(FakeKernel::v1());
    let groups = open(&kernel);
    apportion_cgroups::Kernel::make_group(
        &*kernel,
        Path::new("/sys/fs/cgroup/memory/containers/container-a"),
    )
    .unwrap();
    let found = groups.recover().unwrap();
    assert!(!found[0].complete);
    groups.create(&path("a"), Shape::Leaf).unwrap();
    assert!(groups.recover().unwrap()[0].complete);
}

#[test]
fn a_refused_setting_tells_path_text_and_cure() {
    let kernel = Arc::new(FakeKernel::v2());
    let groups = open(&kernel);
    groups.create(&path("a"), Shape::Leaf).unwrap();
    let limits = Limits { pids: Bound::At(7), ..Limits::default() };
    let plan = Plan::create(&limits, &groups.abilities().unwrap()).unwrap();
    kernel.lacks("pids.max");
    let error = groups.apply(&path("a"), &plan).unwrap_err().to_string();
    for part in ["containers/container-a/pids.max", "\"7\"", "cgroup.subtree_control"] {
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn on_v1_a_limit_below_what_is_in_use_is_kept_and_the_books_say_so() {
    let kernel = Arc::new(FakeKernel::v1());
    let groups = open(&kernel);
    let abilities = groups.abilities().unwrap();
    groups.create(&path("a"), Shape::Leaf).unwrap();
    let with = |max: u64, swap: u64| {
        let mut limits = Limits::default();
        limits.memory.max = Bound::At(max);
        limits.memory.swap = Bound::At(swap);
        limits
    };
    let first = groups.apply(&path("a"), &Plan::create(&with(1000, 500), &abilities).unwrap()).unwrap();
    assert_eq!(first.limits, with(1000, 500));
    let folder = groups.folder(&path("a"), Controller::Memory).unwrap();
    kernel.use_memory(&folder, 800);

    let smaller = Plan::change(&first.limits, &with(600, 100), &abilities, 0).unwrap();
    let second = groups.apply(&path("a"), &smaller).unwrap();
    assert_eq!(second.limits, with(1000, 500), "neither was lowered");
    assert_eq!(second.kept.len(), 1);
    assert!(
        second.kept[0].refusal.to_string().contains("shrink the container"),
        "{}",
        second.kept[0].refusal
    );

    // The sum grows first and stands, then the limit is refused.
    let wider = Plan::change(&second.limits, &with(600, 2000), &abilities, 0).unwrap();
    let third = groups.apply(&path("a"), &wider).unwrap();
    assert_eq!(third.limits, with(1000, 1600));

    kernel.use_memory(&folder, 0);
    let again = Plan::change(&third.limits, &with(600, 100), &abilities, 0).unwrap();
    assert_eq!(groups.apply(&path("a"), &again).unwrap().limits, with(600, 100));
    assert_eq!(kernel.text(&folder.join("memory.memsw.limit_in_bytes")).unwrap(), "700");
}

#[test]
fn a_launcher_joins_by_the_entry_files() {
    let kernel = Arc::new(FakeKernel::v2());
    let groups = open(&kernel);
    groups.create(&path("leaf"), Shape::Leaf).unwrap();
    groups.create(&path("inner"), Shape::Inner).unwrap();
    let parent = PathBuf::from("/sys/fs/cgroup/system.slice/agent.service/containers");
    assert_eq!(groups.entries(&path("leaf")).unwrap(), [parent.join("container-leaf/cgroup.procs")]);
    assert_eq!(
        groups.entries(&path("inner")).unwrap(),
        [parent.join("container-inner/processes/cgroup.procs")]
    );
}

#[test]
fn names_that_cannot_be_folders_are_refused() {
    for name in ["", ".", "..", "a/b", "a\nb", "a\0b"] {
        assert!(GroupName::new(name).is_err(), "{name:?}");
    }
    assert!(GroupName::new([b'x'; 241]).is_err());
    assert!(GroupName::new(b"\xff\xfe").is_ok(), "ids are bytes");
    let mut deep = path("a");
    for _ in 1..16 {
        deep = deep.child("b").unwrap();
    }
    assert!(deep.child("b").is_err());
    assert_eq!(deep.parent().unwrap().names().len(), 15);
}
