//! The method that is asked before a Docker container starts: what the hook manager makes of the answers.

use apportion_shim_tests::hook_manager::{Call, DockerLaunch, Hooks, Reaction};
use apportion_shim_tests::message::{Message, list, plain_variable, variable};
use apportion_shim_tests::scene::{SANDBOX, arrival, docker_task, executor_with};

use crate::ours;

const METHOD: &str = "slavePreLaunchDockerTaskExecutorDecorator";

/// Variables that the host gives the executor.
const GIVEN: &[(&str, &str)] = &[("GIVEN", "host"), ("MESOS_SANDBOX", "/mnt/mesos/sandbox")];

fn launch(environment: Option<&'static [(&'static str, &'static str)]>) -> DockerLaunch<'static> {
    DockerLaunch { container: "mesos-1", sandbox: SANDBOX, mapped_sandbox: "/mnt/mesos/sandbox", environment }
}

/// The environments of executor and task in a `DockerTaskExecutorPrepareInfo`; empty ones are not there.
fn prepared(executor: &[Message], task: &[Message]) -> Message {
    let mut info = Message::new();
    if !executor.is_empty() {
        info = info.part(1, &list(executor));
    }
    if task.is_empty() { info } else { info.part(2, &list(task)) }
}

/// What the hook manager says of a command task that arrived before.
fn of_task(hooks: &Hooks, task: &Message) -> Message {
    let executor = executor_with(&[variable("OWN", "executor")]);
    hooks.call(&[arrival(), Call::docker(Some(task), &executor, launch(Some(GIVEN)))]).messages()[1].clone()
}

/// What the hook manager says of a custom executor.
fn of_executor(hooks: &Hooks, environment: Option<&'static [(&'static str, &'static str)]>) -> Message {
    let executor = executor_with(&[variable("OWN", "executor")]);
    hooks.call(&[arrival(), Call::docker(None, &executor, launch(environment))]).messages()[1].clone()
}

#[test]
fn a_command_task_gets_changes_of_its_own_environment_and_its_executor_those_that_are_new_to_it() {
    let rules = "[[hook.rules]]\nname = \"site\"\nmatch.image = \"registry/*\"\n\
                 environment.set = { SITE = \"{{ agent.hostname }}\", OWN = \"rule\", GIVEN = \"rule\" }\n\
                 environment.append.JAVA_OPTS = \"-Dtask={{ task.name }}\"\n";
    let task = docker_task(&[variable("OWN", "task"), variable("JAVA_OPTS", "-Xmx1g")]);
    let site = plain_variable("SITE", "host-7.example");
    let options = plain_variable("JAVA_OPTS", "-Xmx1g -Dtask=train");
    let (own, given) = (plain_variable("OWN", "rule"), plain_variable("GIVEN", "rule"));
    let answer = of_task(&ours(rules), &task);
    let for_task = answer.list_in(2);
    assert_eq!(sorted(for_task), sorted(vec![site.clone(), options.clone(), own, given]));
    // The executor's own variables and those of the host are not for a rule about the task.
    assert_eq!(sorted(answer.list_in(1)), sorted(vec![site, options]));
}

#[test]
fn a_custom_executor_gets_changes_of_what_it_and_the_host_set() {
    let rules = "[[hook.rules]]\nname = \"more\"\nenvironment.append = { OWN = \"more\", GIVEN = \"more\" }\n\
                 environment.default.MESOS = \"{{ env.GIVEN }}\"\n";
    let with_host = prepared(
        &[
            plain_variable("OWN", "executor more"),
            plain_variable("GIVEN", "host more"),
            plain_variable("MESOS", "host"),
        ],
        &[],
    );
    let answer = of_executor(&ours(rules), Some(GIVEN));
    assert_eq!(sorted(answer.list_in(1)), sorted(with_host.list_in(1)));
    assert_eq!(answer.list_in(2), []);
}

#[test]
fn a_custom_executor_whose_host_gives_nothing_gets_rules_of_its_own_variables_alone() {
    let rules =
        "[[hook.rules]]\nname = \"more\"\nenvironment.append = { OWN = \"more\", GIVEN = \"more\" }\n";
    for environment in [None, Some(&[][..])] {
        let answer = of_executor(&ours(rules), environment);
        let expected = [plain_variable("GIVEN", "more"), plain_variable("OWN", "executor more")];
        assert_eq!(sorted(answer.list_in(1)), sorted(expected.to_vec()));
    }
}

#[test]
fn what_decides_which_code_runs_reaches_the_task_alone() {
    let rules = "[[hook.rules]]\nname = \"preload\"\nunsafe_env = true\n\
                 environment.set = { LD_PRELOAD = \"/opt/trace.so\", PATH = \"/opt/bin\", SITE = \"berlin\" }\n";
    let answer = of_task(&ours(rules), &docker_task(&[]));
    let site = plain_variable("SITE", "berlin");
    assert_eq!(answer.list_in(1), std::slice::from_ref(&site));
    let guarded = [plain_variable("LD_PRELOAD", "/opt/trace.so"), plain_variable("PATH", "/opt/bin")];
    assert_eq!(sorted(answer.list_in(2)), sorted([guarded.to_vec(), vec![site]].concat()));
}

#[test]
fn a_variable_that_a_rule_takes_away_becomes_empty() {
    let rules = "[[hook.rules]]\nname = \"no preload\"\nunsafe_env = true\n\
                 environment.unset = [\"LD_PRELOAD\", \"TMP_*\", \"NOT_THERE\"]\n";
    let task =
        docker_task(&[variable("LD_PRELOAD", "/evil.so"), variable("TMP_A", "1"), variable("OWN", "task")]);
    let answer = of_task(&ours(rules), &task);
    assert_eq!(
        answer,
        prepared(
            &[plain_variable("TMP_A", "")],
            &[plain_variable("LD_PRELOAD", ""), plain_variable("TMP_A", "")]
        )
    );
}

#[test]
fn answers_of_several_modules_stand_one_behind_the_other_so_that_the_last_counts() {
    let rules = "[[hook.rules]]\nname = \"site\"\nenvironment.set.SITE = \"ours\"\n";
    let ours_says = plain_variable("SITE", "ours");
    let other_says = variable("SITE", "other");
    let others = [(
        METHOD,
        Reaction::Answers(prepared(std::slice::from_ref(&other_says), std::slice::from_ref(&other_says))),
    )];
    let task = docker_task(&[]);
    for (hooks, expected) in [
        (ours(rules).before_other(&others), [ours_says.clone(), other_says.clone()]),
        (ours(rules).after_other(&others), [other_says, ours_says]),
    ] {
        assert_eq!(of_task(&hooks, &task), prepared(&expected, &expected));
    }
}

#[test]
fn no_module_sees_what_another_answered() {
    let rules =
        "[[hook.rules]]\nname = \"site\"\nenvironment.set.SITE = \"ours{{ env.OTHER | default('') }}\"\n";
    let others =
        [(METHOD, Reaction::Answers(prepared(&[variable("OTHER", "1")], &[variable("OTHER", "1")])))];
    let task = docker_task(&[variable("OWN", "task")]);
    let executor = executor_with(&[]);
    for hooks in [ours(rules).before_other(&others), ours(rules).after_other(&others)] {
        let outcome = hooks.call(&[Call::docker(Some(&task), &executor, launch(Some(GIVEN)))]);
        assert!(outcome.message().list_in(2).contains(&plain_variable("SITE", "ours")), "{outcome:?}");
        let given: String = GIVEN.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
        let text = |text: &str| Message(text.into());
        let (container, mapped) = (text("mesos-1"), text("/mnt/mesos/sandbox"));
        let arguments = vec![task.clone(), executor.clone(), container, text(SANDBOX), mapped, text(&given)];
        assert_eq!(outcome.seen, [(METHOD.to_owned(), arguments)]);
    }
}

#[test]
fn our_error_leaves_the_container_as_it_is_with_a_warning() {
    let drill = "[drill]\npanic_in = [\"hook.slave_pre_launch_docker_task_executor_decorator\"]\n";
    let task = docker_task(&[]);
    let call = Call::docker(Some(&task), &executor_with(&[]), launch(None));
    let outcome = ours(drill).call(std::slice::from_ref(&call));
    assert!(outcome.answers[0].is_ok(), "{:?}", outcome.answers);
    // The other one announces the drill.
    let mut complaints = outcome.complaints();
    complaints.retain(|line| !line.contains("fault drill"));
    assert_eq!(complaints.len(), 1, "{complaints:?}");
    for part in
        ["starts without our variables", "a drill of hook.slave_pre_launch_docker_task_executor_decorator"]
    {
        assert!(complaints[0].contains(part), "{complaints:?}");
    }
}

#[test]
fn error_of_another_module_fails_the_launch_whatever_ours_says() {
    // The host waits for all answers and has none when one of them fails, unlike in its other methods.
    let rules = "[[hook.rules]]\nname = \"site\"\nenvironment.set.SITE = \"ours\"\n";
    let fails = [(METHOD, Reaction::Fails)];
    let task = docker_task(&[]);
    let call = Call::docker(Some(&task), &executor_with(&[]), launch(None));
    for hooks in [ours(rules).after_other(&fails), ours(rules).before_other(&fails)] {
        let outcome = hooks.call(std::slice::from_ref(&call));
        let failure = outcome.answers[0].clone().unwrap_err();
        assert!(failure.contains("the other hook is out of order"), "{failure}");
    }
}

fn sorted(mut messages: Vec<Message>) -> Vec<Message> {
    messages.sort_by(|one, other| one.0.cmp(&other.0));
    messages
}
