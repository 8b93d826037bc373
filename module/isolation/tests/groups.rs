//! Containers in control groups, on a model of the kernel's file system that fails on demand. Real kernels have scenes of
//! their own.
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use apportion_cgroups::fake::FakeKernel;
use apportion_cgroups::{Base, Bound, Controller, GroupName, SizingPolicy, SwapPolicy, Wish};
use apportion_isolation::{
    Amounts, Asked, Cleanup, ContainerId, ContainerRule, Containers, CorePlacement, Demand, GroupPolicy,
    GroupSettings, Host, IsolationError, LimitChanges, Notice, Recovered, Settings,
};
use apportion_policy::{Condition, Facts, FrameworkFacts, HookCall, Template, TextField};

/// The three kinds of hosts.
const HOSTS: [fn() -> FakeKernel; 3] = [FakeKernel::v1, FakeKernel::v2, FakeKernel::hybrid];
const SOON: Duration = Duration::from_secs(20);
/// A process that can be put into a group; it exists in the model alone.
const PID: i32 = 200;

fn settings() -> Settings {
    let controllers = BTreeSet::from([Controller::Cpu, Controller::Memory, Controller::Pids]);
    let wish = Wish { base: Base::Own, name: GroupName::new("containers").unwrap(), controllers };
    let sizing = SizingPolicy { limit_cpus_to_request: true, ..SizingPolicy::default() };
    let policy = GroupPolicy { sizing, pids: Bound::At(50), ..GroupPolicy::default() };
    Settings { groups: Some(GroupSettings { wish, policy }), ..Settings::default() }
}

fn open(kernel: &Arc<FakeKernel>) -> Containers {
    Containers::open(settings(), &Host { kernel: kernel.clone(), root: PathBuf::from("/") }).unwrap()
}

/// Opened, with what it tells.
fn heard(kernel: &Arc<FakeKernel>) -> (Containers, Receiver<Notice>) {
    let containers = open(kernel);
    let (send, receive) = channel();
    containers.listen(Box::new(move |notice| drop(send.send(notice))));
    (containers, receive)
}

fn demand(cpus: f64, mebibytes: f64) -> Demand {
    let requests = Amounts::from([(b"cpus".to_vec(), cpus), (b"mem".to_vec(), mebibytes)]);
    Demand { requests, ..Demand::default() }
}

fn asked(cpus: f64, mebibytes: f64) -> Asked {
    Asked { demand: demand(cpus, mebibytes), ..Asked::default() }
}

/// What a file of a container's group says, wherever the controller is.
fn file(kernel: &FakeKernel, container: &str, names: &[&str]) -> Option<String> {
    let ending = Path::new("containers").join(format!("container-{container}"));
    let folders = kernel.groups().into_iter().filter(|folder| folder.ends_with(&ending));
    let mut paths = folders.flat_map(|folder| names.iter().map(move |name| folder.join(name)));
    paths.find_map(|path| kernel.text(&path)).map(|text| text.trim().to_owned())
}

fn memory_limit(kernel: &FakeKernel, container: &str) -> Option<String> {
    file(kernel, container, &["memory.max", "memory.limit_in_bytes"])
}

/// Groups of containers that are there.
fn groups(kernel: &FakeKernel) -> Vec<PathBuf> {
    let ours = |path: &Path| {
        path.components().any(|part| part.as_os_str().as_encoded_bytes().starts_with(b"container-"))
    };
    kernel.groups().into_iter().filter(|path| ours(path)).collect()
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + SOON;
    while !holds() {
        assert!(Instant::now() < deadline, "waited for {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn cpu_time_is_accounted_also_where_v1_does_it_in_a_hierarchy_of_its_own() {
    let kernel = Arc::new(FakeKernel::v1());
    let containers = open(&kernel);
    containers.prepare(&ContainerId::root("c"), &asked(0.5, 64.0)).unwrap();
    assert!(file(&kernel, "c", &["cpuacct.usage"]).is_some(), "{:?}", groups(&kernel));
}

#[test]
fn a_container_lives_and_dies_in_its_group() {
    for host in HOSTS {
        let kernel = Arc::new(host());
        let containers = open(&kernel);
        let id = ContainerId::root("c");
        containers.prepare(&id, &asked(0.5, 64.0)).unwrap();
        assert_eq!(memory_limit(&kernel, "c").unwrap(), (64 << 20).to_string());
        assert_eq!(file(&kernel, "c", &["pids.max"]).unwrap(), "50");
        let quota = file(&kernel, "c", &["cpu.max", "cpu.cfs_quota_us"]).unwrap();
        assert!(["50000 100000", "50000"].contains(&&*quota), "{quota}");

        kernel.spawn(200);
        containers.isolate(&id, PID).unwrap();
        let inside = |path: &PathBuf| path.components().any(|part| part.as_os_str() == "container-c");
        let places = kernel.groups_of(200).iter().filter(|path| inside(path)).count();
        assert_eq!(places, groups(&kernel).len(), "{:?}", kernel.groups_of(200));

        containers.update(&id, demand(1.0, 128.0)).unwrap();
        assert_eq!(memory_limit(&kernel, "c").unwrap(), (128 << 20).to_string());
        assert_eq!(containers.usage(&id, 1.0).unwrap().consumption.processes, 1);
        assert_eq!(containers.totals().resizes, 1);
        // Less memory is a matter of reclaim, which the host does not wait for.
        containers.update(&id, demand(1.0, 96.0)).unwrap();
        until("the memory to go", || memory_limit(&kernel, "c").unwrap() == (96 << 20).to_string());

        assert_eq!(containers.cleanup(&id), Ok(Cleanup::Done));
        assert_eq!(groups(&kernel), Vec::<PathBuf>::new());
        assert!(!kernel.processes().contains(&200));
        assert_eq!(containers.cleanup(&id), Ok(Cleanup::Done));
    }
}

/// One container's life on a host where one operation fails; every call but the failing one does its part.
fn life(containers: &Containers, kernel: &FakeKernel, id: &ContainerId) -> Result<(), IsolationError> {
    containers.prepare(id, &asked(0.5, 64.0))?;
    kernel.spawn(200);
    containers.isolate(id, PID)?;
    containers.update(id, demand(1.0, 128.0))?;
    containers.update(id, demand(0.2, 32.0))?;
    containers.usage(id, 1.0).map(drop)
}

#[test]
fn whatever_fails_once_the_container_fails_cleanly_and_nothing_is_left() {
    // ENOENT, EACCES, EBUSY, ENOSPC
    for errno in [2, 13, 16, 28] {
        for host in HOSTS {
            let mut operation = 0;
            loop {
                let kernel = Arc::new(host());
                let (containers, notices) = heard(&kernel);
                let neighbour = ContainerId::root("neighbour");
                containers.prepare(&neighbour, &asked(0.1, 32.0)).unwrap();
                let before = groups(&kernel);
                let id = ContainerId::root("c");
                kernel.fail_at(operation, errno);
                let outcome = life(&containers, &kernel, &id);
                // The kernel says ENOENT of what is gone, and a cleanup takes its word for it.
                let has_failed_before = errno == 2 && kernel.heal();
                let cleanup = containers.cleanup(&id);
                let told = match cleanup.unwrap() {
                    Cleanup::Done => None,
                    Cleanup::UnderWay => Some(notices.recv_timeout(SOON).unwrap()),
                };
                let has_failed = if errno == 2 { has_failed_before } else { kernel.heal() };
                if let Some(Notice::CleanedUp { outcome: Err(reason), .. }) = &told {
                    // The one failure came so late that the cleanup on our thread met it: it is told, and tried again.
                    assert!(reason.contains("cannot"), "{reason}");
                    until("the group to be on the list again", || containers.totals().chores == 1);
                    assert_eq!(containers.cleanup(&id), Ok(Cleanup::Done));
                }
                assert_eq!(groups(&kernel), before, "operation {operation}, {errno}: {outcome:?} {told:?}");
                let inside = |path: &PathBuf| path.components().any(|part| part.as_os_str() == "container-c");
                assert!(!kernel.groups_of(200).iter().any(inside));
                if let Err(error) = &outcome {
                    assert!(error.to_string().contains("container c"), "{error}");
                }
                // The neighbour and the next container of that name are none the worse for it.
                containers.update(&neighbour, demand(0.2, 64.0)).unwrap();
                kernel.exit(200);
                life(&containers, &kernel, &id).unwrap();
                if !has_failed {
                    assert!(operation > 20, "only {operation} operations");
                    break;
                }
                operation += 1;
            }
        }
    }
}

#[test]
fn known_containers_are_adopted_and_groups_that_nobody_knows_are_destroyed() {
    for host in HOSTS {
        let kernel = Arc::new(host());
        let before = open(&kernel);
        let (known, orphan, stray) =
            (ContainerId::root("known"), ContainerId::root("orphan"), ContainerId::root("stray"));
        for id in [&known, &orphan, &stray] {
            before.prepare(id, &asked(0.5, 64.0)).unwrap();
        }
        kernel.spawn(200);
        before.isolate(&known, PID).unwrap();
        kernel.spawn(201);
        before.isolate(&stray, 201).unwrap();
        drop(before);

        let (after, notices) = heard(&kernel);
        let state = Recovered { id: known.clone(), pid: PID, call: HookCall::default() };
        let summary = after.recover([state], [orphan.clone()]).unwrap();
        assert_eq!((summary.adopted, summary.orphans, summary.ungrouped), (2, 1, 0));
        until("the stray group to go", || memory_limit(&kernel, "stray").is_none());
        assert!(!kernel.processes().contains(&201) && kernel.processes().contains(&200));
        // What nobody remembers is read back: a change comes to the same settings.
        after.update(&known, demand(0.5, 96.0)).unwrap();
        assert_eq!(memory_limit(&kernel, "known").unwrap(), (96 << 20).to_string());
        assert_eq!(after.usage(&known, 1.0).unwrap().consumption.processes, 1);
        assert!(memory_limit(&kernel, "orphan").is_some());
        assert_eq!(after.cleanup(&orphan), Ok(Cleanup::Done));
        assert_eq!(memory_limit(&kernel, "orphan"), None);
        assert!(notices.try_recv().is_err(), "nobody waited for the stray one");
    }
}

#[test]
fn a_container_that_outlived_its_agent_keeps_what_does_not_follow_from_its_resources() {
    let kernel = Arc::new(FakeKernel::v2());
    let before = open(&kernel);
    let id = ContainerId::root("c");
    before.prepare(&id, &asked(1.0, 64.0)).unwrap();
    drop(before);
    let mut settings = settings();
    settings.groups.as_mut().unwrap().policy.pids = Bound::At(7);
    let host = Host { kernel: kernel.clone(), root: PathBuf::from("/") };
    let after = Containers::open(settings, &host).unwrap();
    let state = Recovered { id: id.clone(), pid: PID, call: HookCall::default() };
    after.recover([state], []).unwrap();
    after.update(&id, demand(1.0, 128.0)).unwrap();
    assert_eq!(memory_limit(&kernel, "c").unwrap(), (128 << 20).to_string());
    assert_eq!(file(&kernel, "c", &["pids.max"]).unwrap(), "50");
}

#[test]
fn a_container_of_before_groups_were_used_goes_on_without_limits() {
    let kernel = Arc::new(FakeKernel::v2());
    let containers = open(&kernel);
    let id = ContainerId::root("old");
    let state = Recovered { id: id.clone(), pid: PID, call: HookCall::default() };
    assert_eq!(containers.recover([state], []).unwrap().ungrouped, 1);
    containers.update(&id, demand(1.0, 64.0)).unwrap();
    containers.watch(&id).unwrap();
    assert_eq!(containers.usage(&id, 1.0).unwrap().group, None);
    assert_eq!(containers.cleanup(&id), Ok(Cleanup::Done));
}

#[test]
fn nested_containers_share_the_groups_of_their_parent_or_have_their_own() {
    for host in HOSTS {
        let kernel = Arc::new(host());
        let containers = open(&kernel);
        let pod = ContainerId::root("pod");
        containers.prepare(&pod, &Asked { may_hold_others: true, ..asked(1.0, 128.0) }).unwrap();
        let (sharing, own) = (pod.child("sharing"), pod.child("own"));
        let groups_before = groups(&kernel).len();
        containers.prepare(&sharing, &Asked { shares_groups: true, ..asked(0.1, 32.0) }).unwrap();
        assert_eq!(groups(&kernel).len(), groups_before);
        kernel.spawn(200);
        containers.isolate(&sharing, PID).unwrap();
        let inside = |name: &str| {
            kernel.groups_of(200).iter().any(|path| path.components().any(|part| part.as_os_str() == name))
        };
        assert!(inside("container-pod"));

        containers.prepare(&own, &asked(0.1, 32.0)).unwrap();
        assert!(groups(&kernel).len() > groups_before);
        kernel.spawn(201);
        containers.isolate(&own, 201).unwrap();
        assert_eq!(containers.usage(&own, 1.0).unwrap().consumption.processes, 1);
        // One that shares goes without its parent's group, one of its own with it.
        assert_eq!(containers.cleanup(&sharing), Ok(Cleanup::Done));
        assert!(kernel.processes().contains(&200));
        assert_eq!(containers.cleanup(&own), Ok(Cleanup::Done));
        assert!(!kernel.processes().contains(&201));
        assert_eq!(groups(&kernel).len(), groups_before);
        let deeper = sharing.child("deeper");
        containers.prepare(&sharing, &Asked { shares_groups: true, ..asked(0.1, 32.0) }).unwrap();
        let error = containers.prepare(&deeper, &asked(0.1, 32.0)).unwrap_err().to_string();
        assert!(error.contains("its parent shares the groups of another container"), "{error}");
        assert_eq!(containers.cleanup(&pod), Ok(Cleanup::Done));
        assert_eq!(groups(&kernel), Vec::<PathBuf>::new());
    }
}

#[test]
fn a_single_task_holds_no_groups_of_others_on_v2() {
    let kernel = Arc::new(FakeKernel::v2());
    let containers = open(&kernel);
    let task = ContainerId::root("task");
    containers.prepare(&task, &asked(1.0, 64.0)).unwrap();
    let error = containers.prepare(&task.child("nested"), &asked(0.1, 32.0)).unwrap_err().to_string();
    let expected = "container task.nested asks for control groups of its own (share_cgroups = false), but its parent \
                    was launched as a single task, which is in its group itself; let it share those of task";
    assert_eq!(error, expected);
}

#[test]
fn a_refused_container_has_no_group_and_reads_why() {
    let kernel = Arc::new(FakeKernel::v2());
    let refuse = Some(Template::compile("not on this host", &[]).unwrap());
    let rule = ContainerRule { name: "r".to_owned(), enabled: true, refuse, ..ContainerRule::default() };
    let settings = Settings { rules: vec![rule], ..settings() };
    let host = Host { kernel: kernel.clone(), root: PathBuf::from("/") };
    let containers = Containers::open(settings, &host).unwrap();
    let id = ContainerId::root("c");
    let error = containers.prepare(&id, &asked(1.0, 64.0)).unwrap_err().to_string();
    assert_eq!(error, "container c is refused: not on this host");
    assert_eq!(groups(&kernel), Vec::<PathBuf>::new());
    assert_eq!((containers.totals().refused, containers.cleanup(&id)), (1, Ok(Cleanup::Done)));
}

#[test]
fn a_process_that_does_not_die_holds_up_nobody_and_is_told_of() {
    let kernel = Arc::new(FakeKernel::v2());
    let (containers, notices) = heard(&kernel);
    let id = ContainerId::root("c");
    containers.prepare(&id, &asked(1.0, 64.0)).unwrap();
    kernel.spawn(200);
    containers.isolate(&id, PID).unwrap();
    kernel.make_stubborn(200);
    assert_eq!(containers.cleanup(&id), Ok(Cleanup::UnderWay));
    let Notice::CleanedUp { container, outcome } = notices.recv_timeout(SOON).unwrap() else { panic!() };
    let reason = outcome.unwrap_err();
    assert!(reason.contains("200 (hangs (nfs), state D)"), "{reason}");
    assert_eq!(container, id);
    assert_eq!(containers.totals().cleanup_failures, 1);
    until("the group to be on the list again", || containers.totals().chores == 1);
    kernel.exit(200);
    // Also if the host asks again, of a container that is not known any more.
    assert_eq!(containers.cleanup(&id), Ok(Cleanup::Done));
    assert_eq!(groups(&kernel), Vec::<PathBuf>::new());
}

#[test]
fn memory_in_use_is_not_taken_at_the_price_of_processes() {
    for host in HOSTS {
        let kernel = Arc::new(host());
        let containers = open(&kernel);
        let id = ContainerId::root("c");
        containers.prepare(&id, &asked(1.0, 128.0)).unwrap();
        let home = groups(&kernel).into_iter().find(|path| {
            kernel
                .text(&path.join("memory.max"))
                .or(kernel.text(&path.join("memory.limit_in_bytes")))
                .is_some()
        });
        let home = home.unwrap();
        kernel.use_memory(&home, 100 << 20);
        kernel.set(&home.join("memory.current"), &(100 << 20).to_string());
        containers.update(&id, demand(1.0, 64.0)).unwrap();
        // What cannot be reclaimed is taken when it is given back.
        until("the memory to be on the list", || containers.totals().chores == 1);
        let limit: u64 = memory_limit(&kernel, "c").unwrap().parse().unwrap();
        assert!(limit >= 99 << 20, "{limit}");
        containers.update(&id, demand(1.0, 128.0)).unwrap();
        assert_eq!(memory_limit(&kernel, "c").unwrap(), (128 << 20).to_string());
    }
}

/// Four cores of one thread each; `name`d containers ask for cores of their own.
fn with_cores(kernel: &Arc<FakeKernel>) -> Containers {
    kernel.put("/sys/devices/system/node/online", "0");
    kernel.put("/sys/devices/system/node/node0/cpulist", "0-3");
    let mut settings = settings();
    settings.groups.as_mut().unwrap().wish.controllers.insert(Controller::CpuSet);
    settings.rules = vec![ContainerRule {
        name: "own cores".to_owned(),
        enabled: true,
        condition: Condition::text(TextField::Role, &["db"]).unwrap(),
        limits: LimitChanges { cores: Some(CorePlacement::WholeCores), ..LimitChanges::default() },
        ..ContainerRule::default()
    }];
    Containers::open(settings, &Host { kernel: kernel.clone(), root: PathBuf::from("/") }).unwrap()
}

#[test]
fn containers_with_cores_of_their_own_share_them_with_nobody() {
    for host in HOSTS {
        let kernel = Arc::new(host());
        let containers = with_cores(&kernel);
        let framework = FrameworkFacts { role: Some("db".to_owned()), ..FrameworkFacts::default() };
        let facts = Facts { framework: Some(framework), ..Facts::default() };
        let db_call = HookCall { facts, ..HookCall::default() };
        let own = |cpus: f64| Asked { call: db_call.clone(), ..asked(cpus, 64.0) };
        let cpus = |name: &str| file(&kernel, name, &["cpuset.cpus"]).unwrap();
        let (web, db, more) = (ContainerId::root("web"), ContainerId::root("db"), ContainerId::root("more"));
        containers.prepare(&web, &asked(0.5, 64.0)).unwrap();
        assert_eq!(cpus("web"), "0-3");
        containers.prepare(&db, &own(1.5)).unwrap();
        assert_eq!(cpus("db"), "1-2");
        until("the other container to leave the cores", || cpus("web") == "0,3");

        let error = containers.prepare(&more, &own(2.0)).unwrap_err().to_string();
        assert!(error.contains("2 CPUs in whole cores are asked for, and 1 are free"), "{error}");
        assert_eq!(containers.cleanup(&more), Ok(Cleanup::Done));
        containers.update(&db, demand(1.0, 64.0)).unwrap();
        assert_eq!(cpus("db"), "1");
        until("the other container to come back", || cpus("web") == "0,2-3");

        drop(containers);
        let after = with_cores(&kernel);
        let state =
            |id: &ContainerId, call: &HookCall| Recovered { id: id.clone(), pid: PID, call: call.clone() };
        after.recover([state(&web, &HookCall::default()), state(&db, &db_call)], []).unwrap();
        after.prepare(&more, &own(2.0)).unwrap();
        assert_eq!(cpus("more"), "2-3");
        for id in [&db, &more] {
            assert_eq!(after.cleanup(id), Ok(Cleanup::Done));
        }
        until("all cores to be for all", || cpus("web") == "0-3");
    }
}

#[test]
fn a_setting_that_the_host_has_not_keeps_the_agent_from_starting() {
    let kernel = Arc::new(FakeKernel::v2());
    kernel.lacks("memory.swap.max");
    let host = Host { kernel: kernel.clone(), root: PathBuf::from("/") };
    let limits = LimitChanges { swap: Some(SwapPolicy::None), ..LimitChanges::default() };
    let rule =
        ContainerRule { name: "no swap".to_owned(), enabled: true, limits, ..ContainerRule::default() };
    let with = |rule| Containers::open(Settings { rules: vec![rule], ..settings() }, &host);
    let error = with(rule.clone()).unwrap_err().to_string();
    assert!(error.contains("rule no swap: memory.swap is not available here: start the kernel"), "{error}");
    with(ContainerRule { enabled: false, ..rule }).unwrap();
}

#[test]
fn containers_whose_demand_is_not_known_yet_keep_everything_when_cores_are_taken() {
    let kernel = Arc::new(FakeKernel::v2());
    let before = with_cores(&kernel);
    let (web, db) = (ContainerId::root("web"), ContainerId::root("db"));
    before.prepare(&web, &asked(2.0, 512.0)).unwrap();
    drop(before);
    let after = with_cores(&kernel);
    let state = Recovered { id: web, pid: PID, call: HookCall::default() };
    after.recover([state], []).unwrap();
    let framework = FrameworkFacts { role: Some("db".to_owned()), ..FrameworkFacts::default() };
    let call =
        HookCall { facts: Facts { framework: Some(framework), ..Facts::default() }, ..HookCall::default() };
    after.prepare(&db, &Asked { call, ..asked(1.0, 64.0) }).unwrap();
    until("the other container to leave the cores", || {
        file(&kernel, "web", &["cpuset.cpus"]).unwrap() == "0,2-3"
    });
    assert_eq!(memory_limit(&kernel, "web").unwrap(), (512 << 20).to_string());
    assert_eq!(file(&kernel, "web", &["cpu.max"]).unwrap(), "200000 100000");
}

#[test]
fn a_host_without_a_controller_is_refused_with_the_cure() {
    let kernel = Arc::new(FakeKernel::v1());
    let mut settings = settings();
    settings.groups.as_mut().unwrap().wish.controllers.insert(Controller::HugeTlb);
    let mounted = kernel.text(Path::new("/proc/self/mountinfo")).unwrap();
    let others: Vec<&str> = mounted.lines().filter(|line| !line.contains("hugetlb")).collect();
    kernel.put("/proc/self/mountinfo", &others.join("\n"));
    let host = Host { kernel: kernel.clone(), root: PathBuf::from("/") };
    let error = Containers::open(settings, &host).unwrap_err().to_string();
    assert!(error.contains("mount -t cgroup -o hugetlb"), "{error}");
    assert!(!kernel.groups().iter().any(|path| path.ends_with("containers")), "nothing is made");
}
