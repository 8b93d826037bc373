//! Containers from `prepare` to `cleanup`, and those that outlive the agent.

use std::process::{Child, Command, Stdio};

use apportion_bridge::abi::{
    APPORTION_DONE, APPORTION_UNCHANGED, apportion_bytes_list, apportion_quantities, apportion_quantity,
};
use apportion_wire::messages::{
    ContainerConfig, ContainerLaunchInfo, ContainerStatus, RLimit, ResourceStatistics, encode,
};

use crate::arguments::Arguments;
use crate::border::{Answer, Module, answered, call, view};
use crate::messages::{
    container_config, container_id, container_state, executor, field, ranges, scalar, task, variables,
};
use crate::shim::SECOND;

fn prepare_as(isolator: &Module, id: &[u8], config: &ContainerConfig) -> Answer {
    let config = encode(config);
    answered(|out| call!(isolator_prepare(isolator.handle(), view(id), view(&config), out)))
}

fn prepare(isolator: &Module, id: &[u8]) -> Answer {
    prepare_as(isolator, id, &container_config())
}

fn isolate(isolator: &Module, id: &[u8], pid: i64) -> Answer {
    answered(|out| call!(isolator_isolate(isolator.handle(), view(id), pid, out)))
}

fn watch(isolator: &Module, id: &[u8]) -> Answer {
    answered(|out| call!(isolator_watch(isolator.handle(), view(id), out)))
}

fn update(isolator: &Module, id: &[u8], requests: &[Vec<u8>], limits: &[(&[u8], f64)]) -> Answer {
    let mut a = Arguments::good();
    let requests = a.messages("", requests.to_vec());
    let limits: Vec<apportion_quantity> =
        limits.iter().map(|&(name, value)| apportion_quantity { name: view(name), value }).collect();
    let limits = apportion_quantities { data: limits.as_ptr(), size: limits.len() };
    answered(|out| call!(isolator_update(isolator.handle(), view(id), requests, limits, out)))
}

fn usage(isolator: &Module, id: &[u8]) -> Answer {
    answered(|out| call!(isolator_usage(isolator.handle(), view(id), 3 * SECOND / 2, out)))
}

fn status(isolator: &Module, id: &[u8]) -> Answer {
    answered(|out| call!(isolator_status(isolator.handle(), view(id), out)))
}

fn cleanup(isolator: &Module, id: &[u8]) -> Answer {
    answered(|out| call!(isolator_cleanup(isolator.handle(), view(id), out)))
}

fn recover(isolator: &Module, states: &[Vec<u8>], orphans: &[Vec<u8>]) -> Answer {
    let mut a = Arguments::good();
    let list =
        |a: &mut Arguments, some: &[Vec<u8>]| -> apportion_bytes_list { a.messages("", some.to_vec()) };
    let (states, orphans) = (list(&mut a, states), list(&mut a, orphans));
    answered(|out| call!(isolator_recover(isolator.handle(), states, orphans, out)))
}

/// A process of its own, ended and waited for when dropped.
struct Running(Child);

impl Running {
    /// A process that computes for a moment and then waits.
    fn busy() -> Running {
        let script = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; echo; read wait";
        let mut command = Command::new("sh");
        command.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("there is a shell");
        let mut line = [0];
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut line)
            .expect("it says that it is done");
        Running(child)
    }

    fn pid(&self) -> i64 {
        i64::from(self.0.id())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().expect("the process can be ended");
        self.0.wait().expect("the process can be waited for");
    }
}

#[test]
fn a_container_goes_from_prepare_to_cleanup_and_its_use_is_that_of_its_process() {
    let isolator = Module::isolator(&[("isolator.environment.ID", "{{ container.id }}")]);
    let id = container_id(&[b"c\xff"]);
    let running = Running::busy();
    let launch: ContainerLaunchInfo = prepare(&isolator, &id).message();
    assert_eq!(variables(launch.environment), [("ID".to_owned(), "c\u{fffd}".to_owned())]);
    assert_eq!(status(&isolator, &id).message::<ContainerStatus>().executor_pid, None);
    let before: ResourceStatistics = usage(&isolator, &id).message();
    assert_eq!((before.processes, before.mem_rss_bytes), (Some(0), Some(0)), "no process yet");

    isolate(&isolator, &id, running.pid()).expect(APPORTION_DONE);
    isolate(&isolator, &id, running.pid()).expect(APPORTION_DONE);
    watch(&isolator, &id).expect(APPORTION_DONE);
    update(&isolator, &id, &[scalar(b"cpus", 0.5), scalar(b"cpus", 0.25), scalar(b"mem", 64.0)], &[])
        .expect(APPORTION_DONE);
    let pid = u32::try_from(running.pid()).unwrap();
    assert_eq!(status(&isolator, &id).message::<ContainerStatus>().executor_pid, Some(pid));

    let used: ResourceStatistics = usage(&isolator, &id).message();
    assert_eq!(used.timestamp.to_bits(), 1.5_f64.to_bits());
    assert_eq!((used.processes, used.threads), (Some(1), Some(1)));
    assert!(used.mem_rss_bytes.unwrap() > 100_000, "{used:?}");
    assert!(used.cpus_user_time_secs.unwrap() + used.cpus_system_time_secs.unwrap() > 0.0, "{used:?}");
    assert_eq!((used.cpus_limit, used.mem_limit_bytes), (Some(0.75), Some(64 << 20)));

    drop(running);
    let after: ResourceStatistics = usage(&isolator, &id).message();
    assert_eq!((after.processes, after.mem_rss_bytes), (Some(0), Some(0)), "the process has ended");
    for _ in 0..2 {
        cleanup(&isolator, &id).expect(APPORTION_DONE);
        assert!(status(&isolator, &id).refusal().contains("is not known to the isolator"));
    }
    prepare(&isolator, &id).expect(APPORTION_DONE);
}

#[test]
fn a_limit_that_is_a_number_counts_and_else_the_request() {
    let isolator = Module::isolator(&[]);
    let id = container_id(&[b"c"]);
    prepare(&isolator, &id).expect(APPORTION_UNCHANGED);
    let requests = [scalar(b"cpus", 1.0), scalar(b"mem", 32.0), ranges(b"ports", &[(1, 2)])];
    let no_numbers = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    for (limit, cpus, bytes) in
        no_numbers.map(|limit| (limit, 1.0, 32 << 20)).into_iter().chain([(2.0, 2.0, 2 << 20)])
    {
        update(&isolator, &id, &requests, &[(b"cpus", limit), (b"mem", limit), (b"\xff", limit)])
            .expect(APPORTION_DONE);
        let used: ResourceStatistics = usage(&isolator, &id).message();
        assert_eq!((used.cpus_limit, used.mem_limit_bytes), (Some(cpus), Some(bytes)), "{limit}");
    }
    update(&isolator, &id, &[], &[]).expect(APPORTION_DONE);
    let used: ResourceStatistics = usage(&isolator, &id).message();
    assert_eq!((used.cpus_limit, used.mem_limit_bytes), (None, None), "the last update counts");
}

#[test]
fn resource_limits_have_the_hosts_numbers_and_unlimited_has_none() {
    let isolator = Module::isolator(&[
        ("isolator.rlimits.nofile", "1024:4096"),
        ("isolator.rlimits.core", "0"),
        ("isolator.rlimits.memlock", "unlimited"),
        ("isolator.rlimits.stack", "8388608"),
    ]);
    let launch: ContainerLaunchInfo = prepare(&isolator, &container_id(&[b"c"])).message();
    let limit = |kind, soft, hard| RLimit { r#type: Some(kind), soft, hard };
    assert_eq!(
        launch.rlimits.unwrap().rlimits,
        [
            limit(RLimit::CORE, Some(0), Some(0)),
            limit(RLimit::MEMLOCK, None, None),
            limit(RLimit::NOFILE, Some(1024), Some(4096)),
            limit(RLimit::STACK, Some(8_388_608), Some(8_388_608)),
        ]
    );
    assert_eq!((launch.environment, launch.task_environment), (None, None));
}

#[test]
fn the_environment_of_a_command_task_is_that_of_its_container() {
    let isolator = Module::isolator(&[(
        "isolator.environment.ABOUT",
        "{{ executor.id }} {{ task.id if task is defined else '?' }} {{ container.user | default('?') }}",
    )]);
    let config = |with_task: bool| ContainerConfig {
        user: Some(b"nobody".to_vec()),
        executor_info: Some(executor(b"isolator", b"e")),
        task_info: with_task.then(|| task(b"t")),
        ..container_config()
    };
    let about = |text: &str| vec![("ABOUT".to_owned(), text.to_owned())];
    let plain: ContainerLaunchInfo =
        prepare_as(&isolator, &container_id(&[b"plain"]), &config(false)).message();
    assert_eq!(variables(plain.environment), about("e ? nobody"));
    assert_eq!(plain.task_environment, None);
    let task: ContainerLaunchInfo = prepare_as(&isolator, &container_id(&[b"task"]), &config(true)).message();
    assert_eq!(variables(task.environment), about("e t nobody"));
    assert_eq!(variables(task.task_environment), about("e t nobody"));
}

#[test]
fn nested_containers_need_their_parent_and_live_on_their_own() {
    let isolator =
        Module::isolator(&[("isolator.environment.PARENT", "{{ container.parent | default('none') }}")]);
    let (pod, nested, deeper) = (
        container_id(&[b"pod"]),
        container_id(&[b"pod", b"task"]),
        container_id(&[b"pod", b"task", b"debug"]),
    );
    let text = prepare(&isolator, &nested).refusal();
    assert!(text.contains("container pod.task is nested in pod, which is not known"), "{text}");
    for (id, parent) in [(&pod, "none"), (&nested, "pod"), (&deeper, "pod.task")] {
        let launch: ContainerLaunchInfo = prepare(&isolator, id).message();
        assert_eq!(variables(launch.environment), [("PARENT".to_owned(), parent.to_owned())]);
        isolate(&isolator, id, 1).expect(APPORTION_DONE);
    }
    cleanup(&isolator, &nested).expect(APPORTION_DONE);
    assert!(status(&isolator, &nested).refusal().contains("container pod.task is not known"));
    status(&isolator, &pod).expect(APPORTION_DONE);
    status(&isolator, &deeper).expect(APPORTION_DONE);
    let mut yes = [9_u8; 2];
    answered(|out| call!(isolator_supports_nesting(isolator.handle(), &raw mut yes[0], out)))
        .expect(APPORTION_DONE);
    answered(|out| call!(isolator_supports_standalone(isolator.handle(), &raw mut yes[1], out)))
        .expect(APPORTION_DONE);
    assert_eq!(yes, [1, 1]);
}

#[test]
fn containers_that_outlive_the_agent_are_taken_over() {
    let isolator = Module::isolator(&[]);
    let running = Running::busy();
    let pid = u64::try_from(running.pid()).unwrap();
    let states = [
        container_state(b"alive", pid),
        container_state(b"no pid", 0),
        container_state(b"pid out of range", u64::MAX),
    ];
    let orphan = container_id(&[b"pod", b"orphan"]);
    recover(&isolator, &states, std::slice::from_ref(&orphan)).expect(APPORTION_DONE);
    let alive = container_id(&[b"alive"]);
    let of = |id: &[u8]| status(&isolator, id).message::<ContainerStatus>().executor_pid;
    assert_eq!(of(&alive), u32::try_from(pid).ok());
    assert_eq!(usage(&isolator, &alive).message::<ResourceStatistics>().processes, Some(1));
    for id in [container_id(&[b"no pid"]), container_id(&[b"pid out of range"]), orphan.clone()] {
        assert_eq!(of(&id), None);
        assert_eq!(usage(&isolator, &id).message::<ResourceStatistics>().processes, Some(0));
        cleanup(&isolator, &id).expect(APPORTION_DONE);
    }
    let refused = recover(&isolator, &[container_state(b"new", 1), container_state(b"", 1)], &[]);
    assert!(refused.refusal().contains("a container id without a value"));
    assert!(status(&isolator, &container_id(&[b"new"])).refusal().contains("is not known"), "all or nothing");
    recover(&isolator, &[], &[]).expect(APPORTION_DONE);
    assert_eq!(of(&alive), u32::try_from(pid).ok());
}

#[test]
fn process_ids_that_cannot_be_are_refused_and_the_container_goes_on() {
    let isolator = Module::isolator(&[]);
    let id = container_id(&[b"c"]);
    prepare(&isolator, &id).expect(APPORTION_UNCHANGED);
    for (pid, says) in [
        (0, "cannot have the process id 0"),
        (-1, "cannot have the process id -1"),
        (i64::from(i32::MAX) + 1, "2147483648 is no process id"),
        (i64::MAX, "9223372036854775807 is no process id"),
        (i64::MIN, "-9223372036854775808 is no process id"),
    ] {
        let text = isolate(&isolator, &id, pid).refusal();
        assert!(text.contains(says), "{text}");
    }
    isolate(&isolator, &id, 1).expect(APPORTION_DONE);
    assert!(isolate(&isolator, &id, 2).refusal().contains("has process 1 already"));
    assert!(prepare(&isolator, &id).refusal().contains("has been prepared already"));
    status(&isolator, &id).expect(APPORTION_DONE);
}

#[test]
fn container_ids_that_are_none_are_refused_by_every_call() {
    let isolator = Module::isolator(&[]);
    // As deep as it likes: a message of messages, each the parent of the one around it.
    let nested = |depth: usize| {
        (0..depth).fold(field(1, b"root"), |parent, _| [field(1, b"c"), field(2, &parent)].concat())
    };
    let cases = [
        ("empty", Vec::new(), "a container id without a value"),
        ("an empty text", field(1, b""), "a container id without a value"),
        ("an empty parent", [field(1, b"c"), field(2, b"")].concat(), "a container id without a value"),
        ("a number", vec![0x08, 1], "ContainerID: does not decode"),
        ("200 deep", nested(200), "recursion limit"),
        ("10,000 deep", nested(10_000), "recursion limit"),
    ];
    for (name, id, says) in cases {
        let answers = [
            prepare(&isolator, &id),
            isolate(&isolator, &id, 1),
            watch(&isolator, &id),
            update(&isolator, &id, &[], &[]),
            usage(&isolator, &id),
            status(&isolator, &id),
            cleanup(&isolator, &id),
            recover(&isolator, &[], std::slice::from_ref(&id)),
        ];
        for (call, answer) in answers.iter().enumerate() {
            let text = answer.refusal();
            assert!(text.contains(says), "{name}, call {call}: {text}");
        }
    }
    let good = container_id(&[b"c"]);
    prepare(&isolator, &good).expect(APPORTION_UNCHANGED);
    // Deeper than any host nests, and within what a message may be.
    recover(&isolator, &[], &[nested(90)]).expect(APPORTION_DONE);
    status(&isolator, &nested(90)).expect(APPORTION_DONE);
}

#[test]
fn requests_that_are_no_resources_are_refused_and_the_last_good_ones_stay() {
    let isolator = Module::isolator(&[]);
    let id = container_id(&[b"c"]);
    prepare(&isolator, &id).expect(APPORTION_UNCHANGED);
    update(&isolator, &id, &[scalar(b"cpus", 1.0)], &[]).expect(APPORTION_DONE);
    for (request, says) in [
        ([scalar(b"cpus", 1.0), field(6, b"web")].concat(), "of the format before reservation refinement"),
        (scalar(b"cpus", f64::NAN), "NaN is not an amount"),
        (scalar(b"cpus", -1.0), "-1 is not an amount"),
        (ranges(b"ports", &[(1, 2), (2, 3)]), "two ranges share the member 2"),
        (b"cpus:1".to_vec(), "Resource: "),
    ] {
        let text = update(&isolator, &id, &[scalar(b"cpus", 7.0), request], &[]).refusal();
        assert!(text.contains(says), "{text}");
        assert_eq!(usage(&isolator, &id).message::<ResourceStatistics>().cpus_limit, Some(1.0));
    }
}

#[test]
fn usage_at_an_odd_time_is_measured_all_the_same() {
    let isolator = Module::isolator(&[]);
    let id = container_id(&[b"c"]);
    prepare(&isolator, &id).expect(APPORTION_UNCHANGED);
    for (now, seconds) in [(-1, 0.0), (i64::MIN, 0.0), (0, 0.0), (i64::MAX, 9_223_372_036.854_776)] {
        let answer = answered(|out| call!(isolator_usage(isolator.handle(), view(&id), now, out)));
        assert!((answer.message::<ResourceStatistics>().timestamp - seconds).abs() < 1e-3, "{now}");
    }
}

#[test]
fn eight_threads_at_once_keep_their_containers_apart() {
    let isolator = Module::isolator(&[("isolator.environment.ID", "{{ container.id }}")]);
    std::thread::scope(|scope| {
        for thread in 0..8_u32 {
            let isolator = &isolator;
            scope.spawn(move || {
                for number in 0..50_u32 {
                    let name = format!("{thread}-{number}");
                    let id = container_id(&[name.as_bytes()]);
                    let launch: ContainerLaunchInfo = prepare(isolator, &id).message();
                    assert_eq!(variables(launch.environment)[0].1, name);
                    let pid = 1_000_000_000 + thread * 1000 + number;
                    isolate(isolator, &id, i64::from(pid)).expect(APPORTION_DONE);
                    let cpus = f64::from(thread * 1000 + number + 1);
                    update(isolator, &id, &[scalar(b"cpus", cpus)], &[]).expect(APPORTION_DONE);
                    watch(isolator, &id).expect(APPORTION_DONE);
                    let used: ResourceStatistics = usage(isolator, &id).message();
                    assert_eq!((used.cpus_limit, used.processes), (Some(cpus), Some(0)));
                    let executor_pid = status(isolator, &id).message::<ContainerStatus>().executor_pid;
                    assert_eq!(executor_pid, Some(pid));
                    if number % 2 == 0 {
                        cleanup(isolator, &id).expect(APPORTION_DONE);
                    }
                }
            });
        }
    });
    for thread in 0..8 {
        for number in 0..50 {
            let answer = status(&isolator, &container_id(&[format!("{thread}-{number}").as_bytes()]));
            assert_eq!(answer.status == APPORTION_DONE, number % 2 == 1, "{thread}-{number}");
        }
    }
}

fn report(isolator: &Module) -> serde_json::Value {
    let answer = answered(|out| call!(isolator_report(isolator.handle(), out)));
    answer.expect(APPORTION_DONE);
    serde_json::from_slice(&answer.bytes).unwrap()
}

#[test]
fn report_lists_containers_by_id_as_long_as_they_are_known() {
    let isolator = Module::isolator(&[]);
    let (outer, inner) = (container_id(&[b"c\xff"]), container_id(&[b"c\xff", b"in"]));
    let running = Running::busy();
    for id in [&outer, &inner] {
        assert!(prepare(&isolator, id).status <= APPORTION_UNCHANGED);
    }
    isolate(&isolator, &outer, running.pid()).expect(APPORTION_DONE);
    let told = report(&isolator);
    assert_eq!(told["totals"]["containers"], 2);
    let containers = told["containers"].as_array().unwrap();
    let text = |at: usize, key: &str| containers[at][key].as_str().unwrap_or("none").to_owned();
    assert_eq!((text(0, "id"), text(0, "parent")), ("c\u{fffd}".to_owned(), "none".to_owned()));
    assert_eq!((text(1, "id"), text(1, "parent")), ("c\u{fffd}.in".to_owned(), "c\u{fffd}".to_owned()));
    assert_eq!((containers[0]["pid"].as_i64(), containers[1]["pid"].as_i64()), (Some(running.pid()), None));
    // Without control groups.
    for key in ["settings", "usage", "shares_groups_of", "limitation"] {
        assert!(containers[0][key].is_null(), "{key}: {told}");
    }
    for id in [&inner, &outer] {
        cleanup(&isolator, id).expect(APPORTION_DONE);
    }
    assert_eq!(report(&isolator)["containers"], serde_json::json!([]));
}
