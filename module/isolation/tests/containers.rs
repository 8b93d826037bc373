//! The isolator's calls, on real processes where they are about processes.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failure to prepare a test is a failure of the test")]

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use apportion_isolation::{
    Amounts, Asked, Cleanup, Consumption, ContainerId, Containers, Demand, Host, IsolationError, Limit,
    ProcessIdentity, Recovered, Rlimit, RlimitKind, Settings, Usage, measure,
};
use apportion_policy::{ContainerFacts, Facts, HookCall, RuleSet, Template};

/// A process group of its own that is gone when the test is.
struct Processes(Child);

impl Processes {
    fn start(command: &mut Command) -> Processes {
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Processes(quiet.spawn().unwrap())
    }

    fn shell(script: &str) -> Processes {
        Processes::start(Command::new("sh").args(["-c", script]).process_group(0))
    }

    fn pid(&self) -> i32 {
        i32::try_from(self.0.id()).unwrap()
    }

    fn stop(&mut self) {
        let group = format!("-{}", self.pid());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        let _ = self.0.wait();
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        self.stop();
    }
}

fn settings() -> Settings {
    let compile = |source| Template::compile(source, &["container", "task"]).unwrap();
    let rules = [("ID", "{{ container.id }}"), ("TASK", "{{ task.id }}"), ("ZONE", "north")];
    let rules = rules.map(|(name, source)| (name.to_owned(), compile(source)));
    Settings {
        environment: RuleSet::environment("isolator.environment", rules),
        rlimits: vec![Rlimit::new(RlimitKind::Nofile, Limit::At(64), Limit::At(128)).unwrap()],
        ..Settings::default()
    }
}

fn containers() -> Containers {
    Containers::open(settings(), &Host::live()).unwrap()
}

fn prepared(containers: &Containers, name: &str) -> ContainerId {
    let id = ContainerId::root(name);
    containers.prepare(&id, &Asked::default()).unwrap();
    id
}

/// Asks again until the answer is as wanted, for at most ten seconds.
fn until(mut ask: impl FnMut() -> Usage, wanted: impl Fn(&Usage) -> bool) -> Usage {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let usage = ask();
        if wanted(&usage) {
            return usage;
        }
        assert!(Instant::now() < deadline, "still {usage:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn prepared_container_gets_variables_and_limits_and_reports_rules_that_fail() {
    let containers = containers();
    let facts = Facts {
        container: Some(ContainerFacts { id: Some("c1".into()), ..Default::default() }),
        ..Default::default()
    };
    let preparation = containers
        .prepare(
            &ContainerId::root("c1"),
            &Asked { call: HookCall { facts, ..HookCall::default() }, ..Asked::default() },
        )
        .unwrap();
    let expected = [("ID".to_owned(), "c1".to_owned()), ("ZONE".to_owned(), "north".to_owned())];
    assert_eq!(preparation.environment, expected);
    assert_eq!(preparation.launch.rlimits, settings().rlimits);
    assert_eq!(preparation.faults.len(), 1);
    assert_eq!(
        preparation.faults[0].to_string(),
        "rule isolator.environment.TASK at isolator prepare: `task.id` is not known here"
    );
}

#[test]
fn container_is_prepared_once_and_after_its_parent() {
    let containers = containers();
    let pod = prepared(&containers, "pod");
    let again = containers.prepare(&pod, &Asked::default()).unwrap_err();
    assert_eq!(again, IsolationError::AlreadyPrepared(pod.clone()));
    assert!(containers.prepare(&pod.child("task"), &Asked::default()).is_ok());
    let lone = ContainerId::root("nobody").child("task");
    let error = containers.prepare(&lone, &Asked::default()).unwrap_err().to_string();
    assert_eq!(error, "container nobody.task is nested in nobody, which is not known to the isolator");
}

#[test]
fn unknown_container_is_an_error_for_every_call_but_cleanup() {
    let containers = containers();
    let id = ContainerId::root(*b"\xff\x00");
    let unknown = IsolationError::Unknown(id.clone());
    assert_eq!(containers.isolate(&id, 1).unwrap_err(), unknown);
    assert_eq!(containers.watch(&id).unwrap_err(), unknown);
    assert_eq!(containers.update(&id, Demand::default()).unwrap_err(), unknown);
    assert_eq!(containers.usage(&id, 0.0).unwrap_err(), unknown);
    assert_eq!(containers.status(&id).unwrap_err(), unknown);
    assert_eq!(containers.cleanup(&id), Ok(Cleanup::Done));
}

#[test]
fn cleanup_twice_is_no_error_and_the_id_can_be_used_again() {
    let containers = containers();
    let id = prepared(&containers, "c");
    assert_eq!(containers.cleanup(&id), Ok(Cleanup::Done));
    assert_eq!(containers.cleanup(&id), Ok(Cleanup::Done));
    assert!(containers.is_empty());
    assert!(containers.prepare(&id, &Asked::default()).is_ok());
}

#[test]
fn poisoned_container_refuses_everything_but_cleanup_and_spares_the_others() {
    let containers = containers();
    let (bad, good) = (prepared(&containers, "bad"), prepared(&containers, "good"));
    containers.poison(&bad, "a panic in update");
    containers.poison(&bad, "a later one");
    let said = containers.usage(&bad, 0.0).unwrap_err().to_string();
    assert!(said.contains("container bad is given up") && said.contains("a panic in update"), "{said}");
    let poisoned = |error: IsolationError| matches!(error, IsolationError::Poisoned { .. });
    assert!(poisoned(containers.prepare(&bad, &Asked::default()).unwrap_err()));
    assert!(poisoned(containers.isolate(&bad, 1).unwrap_err()));
    assert!(poisoned(containers.watch(&bad).unwrap_err()));
    assert!(poisoned(containers.update(&bad, Demand::default()).unwrap_err()));
    assert!(poisoned(containers.status(&bad).unwrap_err()));
    assert!(containers.usage(&good, 0.0).is_ok());
    assert_eq!(containers.cleanup(&bad), Ok(Cleanup::Done));
    assert!(containers.prepare(&bad, &Asked::default()).is_ok());
}

#[test]
fn container_keeps_its_first_process() {
    let containers = containers();
    let id = prepared(&containers, "c");
    let process = Processes::shell("exec sleep 30");
    assert_eq!(containers.status(&id).unwrap().executor_pid, None);
    containers.isolate(&id, process.pid()).unwrap();
    containers.isolate(&id, process.pid()).unwrap();
    assert_eq!(containers.status(&id).unwrap().executor_pid, Some(process.pid()));
    let other = containers.isolate(&id, 1).unwrap_err();
    assert!(matches!(other, IsolationError::AlreadyIsolated { pid: 1, .. }), "{other}");
    for pid in [0, -1, i32::MIN] {
        let error = containers.isolate(&id, pid).unwrap_err();
        assert!(matches!(error, IsolationError::ImpossiblePid { .. }), "{error}");
    }
    assert_eq!(containers.watch(&id), Ok(()));
}

#[test]
fn usage_adds_up_the_process_tree_and_is_zero_when_it_has_ended() {
    let containers = containers();
    let id = prepared(&containers, "c");
    assert_eq!(containers.usage(&id, 5.0).unwrap().consumption, Consumption::default());
    let mut processes = Processes::shell("sleep 30 & sh -c 'sleep 30 & wait' & wait");
    containers.isolate(&id, processes.pid()).unwrap();
    let usage = until(|| containers.usage(&id, 5.0).unwrap(), |usage| usage.consumption.processes == 4);
    assert_eq!(usage.consumption.threads, 4);
    assert!((100_000..1_000_000_000).contains(&usage.consumption.rss_bytes), "{usage:?}");
    processes.stop();
    let ended = containers.usage(&id, 6.5).unwrap();
    assert_eq!((ended.timestamp, ended.consumption), (6.5, Consumption::default()));
}

#[test]
fn usage_counts_cpu_time_of_living_and_of_ended_children() {
    let containers = containers();
    let busy = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done";
    let id = prepared(&containers, "c");
    let folder = tempfile::tempdir().unwrap();
    let ended = folder.path().join("ended");
    let script = format!("sh -c '{busy}'; : > '{}'; sleep 30", ended.display());
    let processes = Processes::shell(&script);
    containers.isolate(&id, processes.pid()).unwrap();
    let used = |usage: &Usage| usage.consumption.cpu_user_seconds + usage.consumption.cpu_system_seconds;
    let running = until(|| containers.usage(&id, 0.0).unwrap(), |usage| used(usage) > 0.03);
    let after = until(|| containers.usage(&id, 0.0).unwrap(), |_| ended.exists());
    assert!(used(&after) >= used(&running), "{running:?} {after:?}");
}

#[test]
fn usage_counts_a_session_member_whose_parent_has_ended() {
    let containers = containers();
    let id = prepared(&containers, "c");
    // The inner shell ends at once and leaves its child to init.
    let script = "sh -c 'sleep 30 &'; sleep 30";
    let processes = Processes::start(Command::new("setsid").args(["sh", "-c", script]));
    containers.isolate(&id, processes.pid()).unwrap();
    let usage = until(|| containers.usage(&id, 0.0).unwrap(), |usage| usage.consumption.processes == 3);
    assert_eq!(usage.consumption.threads, 3);
}

#[test]
fn usage_counts_threads() {
    let own = ProcessIdentity::of(i32::try_from(std::process::id()).unwrap());
    std::thread::scope(|scope| {
        let (release, wait) = std::sync::mpsc::channel::<()>();
        let thread = scope.spawn(move || wait.recv().is_err());
        let consumption = measure(own).unwrap();
        assert!(consumption.threads > consumption.processes, "{consumption:?}");
        drop(release);
        assert!(thread.join().unwrap());
    });
}

#[test]
fn pid_that_belongs_to_another_process_by_now_counts_nothing() {
    let process = Processes::shell("exec sleep 30");
    let now = ProcessIdentity::of(process.pid());
    assert_eq!(measure(now).unwrap().processes, 1);
    let earlier = ProcessIdentity { started_ticks: now.started_ticks.map(|ticks| ticks - 1), ..now };
    assert_eq!(measure(earlier).unwrap(), Consumption::default());
    assert_eq!(ProcessIdentity::of(i32::MAX).started_ticks, None);
}

#[test]
fn recovered_containers_are_known_and_orphans_can_be_cleaned_up() {
    let containers = containers();
    let process = Processes::shell("exec sleep 30");
    let (known, lost, orphan) =
        (ContainerId::root("known"), ContainerId::root("lost"), ContainerId::root("orphan"));
    let recovered = |id: &ContainerId, pid| Recovered { id: id.clone(), pid, call: HookCall::default() };
    let states = [recovered(&known, process.pid()), recovered(&lost, i32::MAX)];
    containers.recover(states, [orphan.clone()]).unwrap();
    assert_eq!(containers.len(), 3);
    assert_eq!(containers.usage(&known, 1.0).unwrap().consumption.processes, 1);
    assert_eq!(containers.usage(&lost, 1.0).unwrap().consumption, Consumption::default());
    assert_eq!(containers.status(&orphan).unwrap().executor_pid, None);
    assert_eq!(containers.cleanup(&orphan), Ok(Cleanup::Done));
    assert!(containers.prepare(&known.child("nested"), &Asked::default()).is_ok());
    // A second recovery changes nothing.
    containers.recover([recovered(&known, 1)], []).unwrap();
    assert_eq!(containers.status(&known).unwrap().executor_pid, Some(process.pid()));
}

#[test]
fn limits_of_the_last_update_show_in_the_usage() {
    let containers = containers();
    let id = prepared(&containers, "c");
    let amounts = |pairs: &[(&str, f64)]| -> Amounts {
        pairs.iter().map(|(name, amount)| (name.as_bytes().to_vec(), *amount)).collect()
    };
    let ceilings = || {
        let usage = containers.usage(&id, 0.0).unwrap();
        (usage.cpus_limit, usage.memory_limit_bytes)
    };
    assert_eq!(ceilings(), (None, None));
    let update = |requests, limits| {
        containers.update(&id, Demand { requests, limits, ..Demand::default() }).unwrap();
    };
    update(amounts(&[("cpus", 0.5), ("mem", 32.0)]), Amounts::new());
    assert_eq!(ceilings(), (Some(0.5), Some(32 * 1024 * 1024)));
    let limits = amounts(&[("cpus", 2.0), ("mem", f64::INFINITY)]);
    update(amounts(&[("cpus", 0.5), ("mem", 16.0)]), limits);
    assert_eq!(ceilings(), (Some(2.0), Some(16 * 1024 * 1024)));
    update(amounts(&[("mem", -1.0), ("cpus", f64::NAN)]), Amounts::new());
    assert_eq!(ceilings(), (None, None));
}

#[test]
fn calls_for_many_containers_at_the_same_time_do_not_disturb_each_other() {
    let containers = containers();
    std::thread::scope(|scope| {
        for worker in 0..4 {
            let containers = &containers;
            scope.spawn(move || {
                for round in 0..50 {
                    let id = ContainerId::root(format!("{worker}-{round}"));
                    containers.prepare(&id, &Asked::default()).unwrap();
                    containers.isolate(&id, i32::MAX).unwrap();
                    containers.update(&id, Demand::default()).unwrap();
                    assert_eq!(containers.status(&id).unwrap().executor_pid, Some(i32::MAX));
                    if round % 2 == 0 {
                        assert_eq!(containers.cleanup(&id), Ok(Cleanup::Done));
                    }
                }
            });
        }
    });
    assert_eq!(containers.len(), 4 * 25);
}
