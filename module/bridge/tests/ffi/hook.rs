//! Labels, environments, and what the hook remembers from one call to the next.

use apportion_bridge::Severity;
use apportion_bridge::abi::{APPORTION_DONE, APPORTION_UNCHANGED};
use apportion_wire::messages::{
    DockerTaskExecutorPrepareInfo, Environment, ExecutorInfo, LabelList, RawEnvironment, RawLabels, TaskInfo,
    Variable, encode,
};

use crate::arguments::Arguments;
use crate::border::{Answer, CONTROLLERS, Module, answered, call, logged, view};
use crate::messages::{
    agent, allocated, command, container_id, executor, field, framework, labels, ranges, scalar, task,
    task_status, variables, whole,
};

/// Labels of a task in the master.
fn master_labels(hook: &Module, task: &TaskInfo) -> Answer {
    let mut a = Arguments::good();
    let (task, agent) = (a.message("", encode(task)), a.message("", encode(&agent(b"a", b"r1"))));
    let framework = a.message("", encode(&framework(b"f", &[b"web", b"batch"])));
    answered(|out| call!(hook_master_launch_task_label_decorator(hook.handle(), task, framework, agent, out)))
}

/// A task arrives at an agent.
fn run_task(hook: &Module, id: &[u8], task: &TaskInfo, executor: &ExecutorInfo) -> Answer {
    let mut a = Arguments::good();
    let (task, executor) = (a.message("", encode(task)), a.message("", encode(executor)));
    let framework = a.message("", encode(&framework(id, &[b"web", b"batch"])));
    let agent = a.message("", encode(&agent(b"a", b"r1")));
    answered(|out| {
        call!(hook_slave_run_task_label_decorator(hook.handle(), task, executor, framework, agent, out))
    })
}

/// The environment of an executor.
fn environment(hook: &Module, executor: &ExecutorInfo) -> Answer {
    let executor = encode(executor);
    answered(|out| call!(hook_slave_executor_environment_decorator(hook.handle(), view(&executor), out)))
}

/// The executor is gone.
fn remove_executor(hook: &Module, id: &[u8], executor: &ExecutorInfo) -> Answer {
    let (framework, executor) = (encode(&framework(id, &[b"web"])), encode(executor));
    let (framework, executor) = (view(&framework), view(&executor));
    answered(|out| call!(hook_slave_remove_executor_hook(hook.handle(), framework, executor, out)))
}

fn docker(hook: &Module, task: Option<&TaskInfo>, executor: &ExecutorInfo, set: &[&[u8]]) -> Answer {
    let mut a = Arguments::good();
    let task = task.map_or(std::ptr::null(), |task| a.optional_message("", encode(task)));
    let (executor, name) = (a.message("", encode(executor)), a.text("", b"mesos-1"));
    let (sandbox, mapped) = (a.text("", b"/sandbox"), a.text("", b"/mnt/sandbox"));
    let set = if set.is_empty() { std::ptr::null() } else { a.optional_texts("", set) };
    answered(|out| {
        let handle = hook.handle();
        call!(hook_slave_pre_launch_docker_task_executor_decorator(
            handle, task, executor, name, sandbox, mapped, set, out
        ))
    })
}

/// A label with a field that no build of today knows.
fn label_of_the_future(key: &[u8], value: &[u8]) -> Vec<u8> {
    [field(9, b"future"), field(2, value), field(1, key), whole(77, 5)].concat()
}

#[test]
fn labels_of_others_are_kept_byte_for_byte_and_ours_take_their_places() {
    let hook = Module::hook(&[
        ("hook.labels.rack", "{{ agent.attributes.rack }}"),
        ("hook.labels.role", "{{ framework.role }}"),
    ]);
    let kept = label_of_the_future(b"\xffteam", b"search\0");
    let odd = field(1, b"no value");
    let existing = vec![
        kept.clone(),
        label_of_the_future(b"rack", b"theirs"),
        odd.clone(),
        [field(1, b"rack"), field(2, b"again")].concat(),
    ];
    let task = TaskInfo { labels: Some(RawLabels { labels: existing }), ..task(b"t") };
    for answer in [master_labels(&hook, &task), run_task(&hook, b"labels", &task, &executor(b"labels", b"e"))]
    {
        answer.expect(APPORTION_DONE);
        let given: RawLabels = answer.message();
        let ours = [field(9, b"future"), field(1, b"rack"), whole(77, 5), field(2, b"r1")].concat();
        let role = [field(1, b"role"), field(2, b"web")].concat();
        assert_eq!(given.labels, [kept.clone(), ours, odd.clone(), role]);
    }
}

#[test]
fn a_hook_without_rules_changes_nothing_anywhere() {
    let _none = CONTROLLERS.read();
    let hook = Module::hook(&[]);
    for (entry, call) in crate::calls::HOOK {
        let answer = answered(|out| call(&mut Arguments::good(), hook.handle(), out));
        assert_eq!(answer, Answer { status: APPORTION_UNCHANGED, bytes: Vec::new() }, "{entry}");
    }
}

#[test]
fn a_task_that_the_master_has_not_validated_yet_is_labelled_all_the_same() {
    let hook = Module::hook(&[("hook.labels.cpus", "{{ task.resources.cpus | default('none') }}")]);
    let resources = |resources: Vec<Vec<u8>>| TaskInfo { resources, ..task(b"t\xff") };
    for (resources, cpus) in [
        (vec![b"garbage".to_vec()], "none"),
        (vec![scalar(b"cpus", f64::NAN), scalar(b"cpus", 1.5)], "1.5"),
        (vec![[scalar(b"cpus", 1.0), field(6, b"*")].concat()], "1"),
        (vec![scalar(b"cpus", 0.5), allocated(&scalar(b"cpus", 0.25), b"\xff")], "0.75"),
        (vec![ranges(b"cpus", &[(1, 2), (7, 9)])], "1-2,7-9"),
    ]
    .map(|(given, cpus)| (resources(given), cpus))
    {
        let labels = LabelList::decode(&master_labels(&hook, &resources).bytes).unwrap();
        assert_eq!(labels.get(b"cpus").and_then(|label| label.value), Some(cpus.as_bytes()));
    }
}

#[test]
fn labels_that_are_none_are_refused_and_the_next_task_is_labelled() {
    let hook = Module::hook(&[("hook.labels.rack", "r1")]);
    let nameless = RawLabels { labels: vec![field(2, b"value")] };
    let broken = TaskInfo { labels: Some(nameless), ..task(b"t") };
    let text = master_labels(&hook, &broken).refusal();
    assert!(text.contains("Label: the field `key` is missing"), "{text}");
    master_labels(&hook, &task(b"t")).expect(APPORTION_DONE);
}

#[test]
fn what_was_seen_of_a_task_is_known_until_its_executor_is_removed() {
    let hook = Module::hook(&[(
        "hook.environment.ABOUT",
        "{{ framework.role | default('?') }} {{ framework.name | default('?') }} \
         {{ task.name if task is defined else '?' }} {{ agent.hostname if agent is defined else '?' }} \
         {{ executor.id }}",
    )]);
    let (one, two) = (executor(b"memory", b"one"), executor(b"memory", b"two"));
    let unknown = "? ? ? ? one";
    let about = |executor: &ExecutorInfo| {
        let given = variables(Some(environment(&hook, executor).message::<Environment>()));
        assert_eq!((given.len(), given[0].0.as_str()), (1, "ABOUT"));
        given[0].1.clone()
    };
    assert_eq!(about(&one), unknown);
    run_task(&hook, b"memory", &task(b"t1"), &one).expect(APPORTION_UNCHANGED);
    assert_eq!(about(&one), "web the framework memory the task t1 host-a one");
    assert_eq!(about(&two), "? ? ? ? two", "another executor of the same framework");
    assert_eq!(about(&executor(b"memory2", b"one")), unknown, "the same id in another framework");
    run_task(&hook, b"memory", &task(b"t2"), &one).expect(APPORTION_UNCHANGED);
    assert_eq!(about(&one), "web the framework memory the task t2 host-a one", "the last task counts");
    remove_executor(&hook, b"memory", &two).expect(APPORTION_UNCHANGED);
    assert_ne!(about(&one), unknown, "another executor was removed");
    remove_executor(&hook, b"memory", &one).expect(APPORTION_UNCHANGED);
    assert_eq!(about(&one), unknown);
    remove_executor(&hook, b"memory", &one).expect(APPORTION_UNCHANGED);
}

#[test]
fn hook_and_isolator_share_what_was_seen_of_a_task() {
    let hook = Module::hook(&[]);
    let isolator =
        Module::isolator(&[("isolator.environment.TASK", "{{ task.name if task is defined else '?' }}")]);
    let executor = executor(b"shared memory", b"e");
    run_task(&hook, b"shared memory", &task(b"t"), &executor).expect(APPORTION_UNCHANGED);
    let config = encode(&apportion_wire::messages::ContainerConfig {
        executor_info: Some(executor),
        ..crate::messages::container_config()
    });
    let id = container_id(&[b"c"]);
    let (id, config) = (view(&id), view(&config));
    let launch = answered(|out| call!(isolator_prepare(isolator.handle(), id, config, out)));
    let launch: apportion_wire::messages::ContainerLaunchInfo = launch.message();
    assert_eq!(variables(launch.environment), [("TASK".to_owned(), "the task t".to_owned())]);
}

#[test]
fn a_docker_container_gets_the_variables_that_nobody_set() {
    let hook = Module::hook(&[
        ("hook.environment.BY_EXECUTOR", "ours"),
        ("hook.environment.BY_HOST", "ours"),
        ("hook.environment.BY_HOS", "a prefix of another name"),
        ("hook.environment.NAME", "{{ executor.command }}"),
        ("hook.environment.TASK", "{{ task.name if task is defined else 'no task' }}"),
    ]);
    let own = RawEnvironment { variables: vec![encode(&Variable::plain(b"BY_EXECUTOR", b"theirs"))] };
    let executor = ExecutorInfo {
        command: Some(apportion_wire::messages::CommandInfo { environment: Some(own), ..command(b"run") }),
        ..executor(b"docker", b"e")
    };
    let set: [&[u8]; 3] = [b"BY_HOST=theirs", b"no pair", b"\xff=\xff"];
    let given = |task: &str| {
        let pairs = [("BY_HOS", "a prefix of another name"), ("NAME", "run"), ("TASK", task)];
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    let alone: DockerTaskExecutorPrepareInfo = docker(&hook, None, &executor, &set).message();
    assert_eq!(alone.task_environment, None, "no task, no environment for one");
    assert_eq!(variables(alone.executor_environment), given("no task"));
    let both: DockerTaskExecutorPrepareInfo = docker(&hook, Some(&task(b"t")), &executor, &set).message();
    assert_eq!(variables(both.executor_environment), given("the task t"));
    let in_container = variables(both.task_environment);
    assert_eq!(in_container.len(), 5, "the task's command sets none of them: {in_container:?}");
    let unset: DockerTaskExecutorPrepareInfo = docker(&hook, None, &executor, &[]).message();
    assert_eq!(variables(unset.executor_environment).len(), 4);
}

#[test]
fn a_rule_that_faults_ten_times_is_left_out_at_that_point_alone() {
    let hook = Module::hook(&[
        ("hook.environment.BAD", "{{ task.labels.missing }}"),
        ("hook.environment.GOOD", "good"),
    ]);
    let executor = executor(b"faults", b"e");
    let mut lines = Vec::new();
    for _ in 0..12 {
        let told = logged(Severity::Warning, || {
            let given: Environment = environment(&hook, &executor).message();
            assert_eq!(variables(Some(given)), [("GOOD".to_owned(), "good".to_owned())]);
        });
        lines.extend(told.into_iter().map(|line| line.text));
    }
    assert_eq!(lines.len(), 10, "{lines:#?}");
    assert!(
        lines
            .iter()
            .all(|line| line.contains("rule hook.environment.BAD at slaveExecutorEnvironmentDecorator"))
    );
    assert_eq!(lines.iter().filter(|line| line.contains("it is off here")).count(), 1);
    assert!(lines[9].contains("it is off here"));
    let labelled = TaskInfo { labels: Some(labels(&[(b"missing", b"there")])), ..task(b"t") };
    let elsewhere: DockerTaskExecutorPrepareInfo = docker(&hook, Some(&labelled), &executor, &[]).message();
    let there = ("BAD".to_owned(), "there".to_owned());
    assert!(variables(elsewhere.executor_environment).contains(&there), "another point, another count");
}

#[test]
fn eight_threads_at_once_get_the_answers_for_their_own_tasks() {
    let hook = Module::hook(&[
        ("hook.environment.TASK", "{{ task.name if task is defined else '?' }}"),
        ("hook.labels.task", "{{ task.id }}"),
    ]);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let hook = &hook;
            scope.spawn(move || {
                for round in 0..200 {
                    let id = format!("{thread}-{}", round % 10);
                    let executor = executor(b"threads", id.as_bytes());
                    let answer = run_task(hook, b"threads", &task(id.as_bytes()), &executor);
                    let labels = LabelList::decode(&answer.bytes).unwrap();
                    assert_eq!(labels.get(b"task").and_then(|label| label.value), Some(id.as_bytes()));
                    let name = ("TASK".to_owned(), format!("the task {id}"));
                    assert_eq!(variables(Some(environment(hook, &executor).message())), [name]);
                    let status = task_status();
                    let status = view(&status);
                    answered(|out| {
                        call!(hook_slave_task_status_decorator(hook.handle(), status, status, out))
                    })
                    .expect(APPORTION_UNCHANGED);
                    remove_executor(hook, b"threads", &executor).expect(APPORTION_UNCHANGED);
                    assert_eq!(variables(Some(environment(hook, &executor).message()))[0].1, "?");
                }
            });
        }
    });
}
