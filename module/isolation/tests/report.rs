//! What is told of each container, on a model of the kernel's file system.
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use apportion_cgroups::fake::FakeKernel;
use apportion_cgroups::{Base, Bound, Controller, GroupName, Kernel, PageSize, Wish};
use apportion_isolation::{
    Amounts, Asked, ContainerId, ContainerReport, ContainerRule, Containers, Demand, GroupPolicy,
    GroupReport, GroupSettings, Host, LimitChanges, OwnGroupReport, Recovered, Settings,
};
use apportion_policy::{Condition, HookCall, TextField};

/// The three kinds of hosts.
const HOSTS: [fn() -> FakeKernel; 3] = [FakeKernel::v1, FakeKernel::v2, FakeKernel::hybrid];
const PID: i32 = 200;

fn two_megabytes() -> PageSize {
    PageSize::new("2MB").unwrap()
}

/// With a rule for the images of one shop, and one for those of another.
fn open(kernel: &Arc<FakeKernel>) -> Containers {
    let controllers =
        BTreeSet::from([Controller::Cpu, Controller::Memory, Controller::Pids, Controller::HugeTlb]);
    let wish = Wish { base: Base::Own, name: GroupName::new("containers").unwrap(), controllers };
    let rule = |name: &str, image: &str, pids| ContainerRule {
        name: name.to_owned(),
        enabled: true,
        condition: Condition::text(TextField::Image, &[image]).unwrap(),
        limits: LimitChanges {
            pids: Some(Bound::At(pids)),
            hugepages: BTreeMap::from([(two_megabytes(), Bound::At(4 << 20))]),
            ..LimitChanges::default()
        },
        ..ContainerRule::default()
    };
    let settings = Settings {
        groups: Some(GroupSettings { wish, policy: GroupPolicy::default() }),
        rules: vec![rule("all shops", "shop*", 70), rule("others", "other", 5), rule("shop", "shop:1", 60)],
        ..Settings::default()
    };
    Containers::open(settings, &Host { kernel: kernel.clone(), root: PathBuf::from("/") }).unwrap()
}

fn asked() -> Asked {
    let requests = Amounts::from([(b"cpus".to_vec(), 0.5), (b"mem".to_vec(), 64.0)]);
    let call = HookCall { image: Some("shop:1".to_owned()), ..HookCall::default() };
    Asked {
        call,
        demand: Demand { requests, ..Demand::default() },
        may_hold_others: true,
        ..Asked::default()
    }
}

fn of(containers: &Containers, id: &ContainerId) -> ContainerReport {
    containers.report().containers.into_iter().find(|container| container.id == *id).unwrap()
}

#[track_caller]
fn own(report: ContainerReport) -> OwnGroupReport {
    match report.place {
        GroupReport::Own(own) => *own,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_container_is_told_with_its_folders_rules_settings_and_use() {
    for host in HOSTS {
        let kernel = Arc::new(host());
        let containers = open(&kernel);
        let id = ContainerId::root("c");
        containers.prepare(&id, &asked()).unwrap();
        assert_eq!(of(&containers, &id).pid, None);
        kernel.spawn(200);
        containers.isolate(&id, PID).unwrap();

        let all = containers.report();
        assert_eq!((all.containers.len(), all.totals.containers), (1, 1));
        assert!(all.controllers.contains(&Controller::Memory));
        let report = of(&containers, &id);
        assert_eq!((report.pid, report.is_recovered, report.given_up.as_deref()), (Some(PID), false, None));
        assert_eq!(
            (report.limitation.clone(), &report.rules[..]),
            (None, &["all shops", "shop"].map(String::from)[..])
        );
        let own = own(report);
        assert_eq!(own.faults, Vec::<String>::new());
        for controller in ["cpu", "memory", "pids"] {
            let folder = &own.folders[controller];
            assert!(folder.ends_with("containers/container-c"), "{folder:?}");
            assert!(kernel.groups().contains(folder), "{folder:?}");
        }
        let limits = own.settings.unwrap();
        assert_eq!((limits.memory.max, limits.pids), (Bound::At(64 << 20), Bound::At(60)));
        let usage = own.usage.unwrap();
        assert!(usage.cpu.is_some() && usage.memory.is_some() && usage.pids.is_some(), "{usage:?}");
    }
}

#[test]
fn a_container_that_shares_groups_names_whose_and_tells_no_use_of_its_own() {
    let kernel = Arc::new(FakeKernel::v2());
    let containers = open(&kernel);
    let pod = ContainerId::root("pod");
    let deeper = pod.child("sharing").child("deeper");
    containers.prepare(&pod, &asked()).unwrap();
    containers.prepare(&pod.child("sharing"), &Asked { shares_groups: true, ..asked() }).unwrap();
    containers.prepare(&deeper, &Asked { shares_groups: true, ..asked() }).unwrap();
    assert_eq!(of(&containers, &deeper).place, GroupReport::Within(pod.clone()));
    let ids: Vec<_> = containers.report().containers.into_iter().map(|it| it.id).collect();
    assert_eq!(ids, [pod.clone(), pod.child("sharing"), deeper]);
}

#[test]
fn settings_of_a_container_that_was_found_again_are_read_back() {
    for host in HOSTS {
        let kernel = Arc::new(host());
        let id = ContainerId::root("c");
        open(&kernel).prepare(&id, &asked()).unwrap();
        let containers = open(&kernel);
        let call = asked().call;
        containers.recover([Recovered { id: id.clone(), pid: PID, call }], []).unwrap();
        let report = of(&containers, &id);
        assert!(report.is_recovered);
        assert_eq!(report.rules, ["all shops", "shop"]);
        let limits = own(report).settings.unwrap();
        assert_eq!((limits.memory.max, limits.pids), (Bound::At(64 << 20), Bound::At(60)));
        assert_eq!(
            limits.hugetlb,
            BTreeMap::from([(two_megabytes(), Bound::At(4 << 20))]),
            "as a rule has it"
        );
    }
}

#[test]
fn a_group_that_is_gone_is_a_fault_of_that_container_alone() {
    let kernel = Arc::new(FakeKernel::v2());
    let containers = open(&kernel);
    let (gone, there) = (ContainerId::root("gone"), ContainerId::root("there"));
    containers.prepare(&gone, &Asked { may_hold_others: false, ..asked() }).unwrap();
    containers.prepare(&there, &asked()).unwrap();
    let folder: PathBuf = own(of(&containers, &gone)).folders["memory"].clone();
    kernel.remove_group(&folder).unwrap();
    let own_gone = own(of(&containers, &gone));
    assert_eq!(own_gone.usage, None);
    assert!(
        matches!(&own_gone.faults[..], [fault] if fault.contains("container-gone")),
        "{:?}",
        own_gone.faults
    );
    assert_eq!(own(of(&containers, &there)).faults, Vec::<String>::new());
}

#[test]
fn a_container_that_was_given_up_says_why_and_one_without_groups_has_none() {
    let containers = Containers::open(Settings::default(), &Host::live()).unwrap();
    let id = ContainerId::root("c");
    containers.poison(&id, "a fault");
    let report = of(&containers, &id);
    assert_eq!((report.given_up.as_deref(), report.place), (Some("a fault"), GroupReport::None));
    assert!(containers.report().controllers.is_empty());
}
