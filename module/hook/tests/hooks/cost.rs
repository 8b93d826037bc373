//! A framework decides how many labels, variables and resources a task has: ten times as many may take ten times as long,
//! not a hundred times.

use std::time::Duration;

use apportion_hook::question::DockerLaunch;
use apportion_hook::{Hooks, Room};
use apportion_wire::messages::{
    ExecutorInfo, LabelList, RawEnvironment, RawLabels, TaskInfo, Variable, decode, encode,
};
use rustix::time::{ClockId, clock_gettime};

use crate::messages::{agent, command, executor, framework, hooks, parts, resources, task};

/// The smaller number; the larger one makes a message of some 700 KiB.
const FEW: usize = 4_000;
/// How many times more the larger one is.
const TIMES: usize = 10;

/// Processor time of this thread: others on the machine do not count.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap(), time.tv_nsec.try_into().unwrap())
}

/// Fails if the time grows with the square of the number: by 100, where a sort and a cold cache make it 20 at most.
fn assert_proportional(what: &str, mut prepare: impl FnMut(usize) -> Box<dyn FnOnce()>) {
    let mut least = |count: usize| {
        let time = |call: Box<dyn FnOnce()>| {
            let began = processor_time();
            call();
            processor_time().saturating_sub(began)
        };
        (0..3).map(|_| time(prepare(count))).min().unwrap()
    };
    let (few, many) = (least(FEW), least(FEW * TIMES));
    assert!(many < few * 40, "{what}: {FEW} take {few:?}, {TIMES} times as many {many:?}");
}

fn many_labels(count: usize) -> RawLabels {
    let mut list = LabelList::default();
    (0..count).for_each(|number| list.push(format!("k{number}").as_bytes(), Some(b"v")));
    decode(&list.encode()).unwrap()
}

fn many_variables(count: usize) -> RawEnvironment {
    let variable = |number| encode(&Variable::plain(format!("K{number}").as_bytes(), b"v"));
    RawEnvironment { variables: (0..count).map(variable).collect() }
}

fn executor_with_many(count: usize) -> ExecutorInfo {
    let command =
        apportion_wire::messages::CommandInfo { environment: Some(many_variables(count)), ..command(&[]) };
    ExecutorInfo { command: Some(command), ..executor() }
}

fn leaked(rules: &str) -> &'static Hooks {
    Box::leak(Box::new(hooks(rules)))
}

#[test]
fn labels_that_all_go_take_time_in_proportion() {
    let hooks = leaked("[[hook.rules]]\nname = \"sweep\"\nlabels.remove = [\"k*\"]\nlabels.set.team = \"x\"");
    assert_proportional("labels", |count| {
        let task = TaskInfo { labels: Some(many_labels(count)), ..task() };
        Box::new(move || {
            let answer = hooks.master_labels(&task, &framework(), &agent()).unwrap().unwrap();
            assert_eq!(answer.len(), 1);
        })
    });
}

#[test]
fn variables_of_a_docker_executor_take_time_in_proportion() {
    let hooks = leaked("[[hook.rules]]\nname = \"sweep\"\nenvironment.unset = [\"K*\"]\nunsafe_env = true");
    assert_proportional("variables", |count| {
        let executor = executor_with_many(count);
        let given: Vec<Vec<u8>> = (0..count).map(|number| format!("G{number}=v").into_bytes()).collect();
        Box::new(move || {
            let given: Vec<&[u8]> = given.iter().map(Vec::as_slice).collect();
            let launch = DockerLaunch { environment: &given, ..DockerLaunch::default() };
            let answer = hooks.docker(None, &executor, launch).unwrap().unwrap();
            assert_eq!(answer.executor_environment.unwrap().variables.len(), count);
        })
    });
}

#[test]
fn variables_of_a_docker_task_take_time_in_proportion() {
    let hooks = leaked("[[hook.rules]]\nname = \"sweep\"\nenvironment.unset = [\"K*\"]\nunsafe_env = true");
    assert_proportional("variables", |count| {
        let executor = executor_with_many(count);
        let task = TaskInfo { command: executor.command.clone(), ..task() };
        Box::new(move || {
            let answer = hooks.docker(Some(&task), &executor, DockerLaunch::default()).unwrap().unwrap();
            assert_eq!(answer.task_environment.unwrap().variables.len(), count);
            assert_eq!(answer.executor_environment, None);
        })
    });
}

#[test]
fn resources_of_many_names_take_time_in_proportion() {
    let hooks = leaked("[[hook.rules]]\nname = \"sizes\"\ntask_resources.maximum = { cpus = 1 }");
    assert_proportional("resources", |count| {
        let names: Vec<String> = (0..count).map(|number| format!("r{number}:1")).collect();
        let task = TaskInfo {
            resources: resources(&format!("cpus:2;{}", names.join(";")), Some("prod/web")),
            ..task()
        };
        Box::new(move || {
            let answer = hooks.master_resources(&task, &[], &Room::default()).unwrap().unwrap();
            assert_eq!(answer.len(), count + 1);
        })
    });
}

#[test]
fn room_of_many_kinds_takes_time_in_proportion() {
    let hooks = leaked("[[hook.rules]]\nname = \"sizes\"\ntask_resources.minimum = { cpus = 1000000 }");
    assert_proportional("room", |count| {
        let of_role = |number: usize| format!("cpus(a{number}):1");
        let kinds = |of: &dyn Fn(usize) -> String| (0..count / 4).map(of).collect::<Vec<_>>().join(";");
        let task = TaskInfo { resources: resources(&kinds(&of_role), Some("prod/web")), ..task() };
        let left = parts(&kinds(&|number| of_role(number + count)), "prod/web");
        Box::new(move || {
            let room = Room::for_task(&task.resources, &left);
            let answer = hooks.master_resources(&task, &[], &room).unwrap().unwrap();
            assert_eq!(answer.len(), task.resources.len() + left.len());
        })
    });
}

/// One copy of a framework's labels is kept to take changes back, not one for each pattern of a rule.
#[test]
fn rule_that_fails_after_many_patterns_takes_all_of_them_back() {
    let patterns: Vec<String> = (0..10).map(|digit| format!("\"k*{digit}\"")).collect();
    let hooks = hooks(&format!(
        "[[hook.rules]]\nname = \"sweep\"\nlabels.remove = [{}]\nlabels.set.x = \"{{{{ task.labels.missing }}}}\"",
        patterns.join(", ")
    ));
    let task = TaskInfo { labels: Some(many_labels(100)), ..task() };
    assert_eq!(hooks.master_labels(&task, &framework(), &agent()).unwrap(), None);
}
