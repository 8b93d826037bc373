//! Environments of executors, and of tasks and executors in Docker containers.

use apportion_hook::question::DockerLaunch;
use apportion_wire::messages::{
    CommandInfo, DockerTaskExecutorPrepareInfo, ExecutorInfo, RawEnvironment, TaskInfo, Variable, encode,
};

use crate::messages::{
    agent, arrive, command, executor, framework, hooks, in_docker, owned, plain_variables, raw_environment,
    task, variables,
};

const OPTIONS: &str = "[[hook.rules]]\nname = \"options\"\nmatch.role = \"prod/**\"\n\
    environment.append.JAVA_OPTS = \"-Dtask={{ task.name }}\"\nenvironment.set.SITE = \"{{ agent.hostname }}\"\n\
    environment.default.OWN = \"ours\"\nenvironment.unset = [\"TMP_*\"]\nenvironment.rename.OLD = \"NEW\"\n";

fn executor_with(environment: &[(&str, &str)]) -> ExecutorInfo {
    ExecutorInfo { command: Some(command(environment)), ..executor() }
}

#[test]
fn environment_is_the_whole_set_with_the_changes_in_it() {
    let hooks = hooks(OPTIONS);
    let executor = executor_with(&[("JAVA_OPTS", "-Xmx1g"), ("TMP_A", "1"), ("OWN", "task"), ("OLD", "o")]);
    assert_eq!(
        variables(&hooks.executor_environment(&executor).unwrap_or_default().unwrap_or_default()),
        [],
        "the task is not known: its role is, but not its name"
    );
    arrive(&hooks);
    let environment = hooks.executor_environment(&executor).unwrap().unwrap();
    let expected = [("JAVA_OPTS", "-Xmx1g -Dtask=web"), ("OWN", "task"), ("NEW", "o"), ("SITE", "host-a")];
    assert_eq!(variables(&environment), owned(&expected));
}

#[test]
fn secret_of_the_host_keeps_the_field_that_holds_it() {
    // A variable of the type SECRET with a field 4, the secret itself.
    let secret = b"\x0a\x03KEY\x18\x02\x22\x02\x08\x01".to_vec();
    let mut environment = raw_environment(&[("OWN", "task")]);
    environment.variables.push(secret.clone());
    let executor = ExecutorInfo {
        command: Some(CommandInfo { environment: Some(environment), ..CommandInfo::default() }),
        ..executor()
    };
    let hooks = hooks("[hook.environment]\nSITE = \"x\"");
    let RawEnvironment { variables } = hooks.executor_environment(&executor).unwrap().unwrap();
    assert_eq!(variables, [environment_of(("OWN", "task")), secret, environment_of(("SITE", "x"))]);
}

/// The field that holds it would not go with it.
#[test]
fn secret_of_the_host_gets_no_other_name() {
    let secret = b"\x0a\x03KEY\x18\x02\x22\x02\x08\x01".to_vec();
    let command = CommandInfo {
        environment: Some(RawEnvironment { variables: vec![secret] }),
        ..CommandInfo::default()
    };
    let executor = ExecutorInfo { command: Some(command), ..executor() };
    let hooks = hooks(
        "[[hook.rules]]\nname = \"r\"\nenvironment.rename = { KEY = \"NEW\" }\nenvironment.set.A = \"1\"",
    );
    assert_eq!(hooks.executor_environment(&executor).unwrap(), None);
    assert!(hooks.report().to_string().contains("`KEY`: it has no value that could get another name"));
}

fn environment_of((name, value): (&str, &str)) -> Vec<u8> {
    encode(&Variable::plain(name.as_bytes(), value.as_bytes()))
}

#[test]
fn executor_that_was_removed_is_forgotten() {
    let hooks = hooks(OPTIONS);
    arrive(&hooks);
    assert!(hooks.executor_environment(&executor()).unwrap().is_some());
    hooks.executor_removed(&framework(), &executor()).unwrap();
    assert_eq!(hooks.executor_environment(&executor()).unwrap(), None);
}

fn docker(
    rules: &str,
    task: Option<&TaskInfo>,
    own: &[(&str, &str)],
) -> Option<DockerTaskExecutorPrepareInfo> {
    let hooks = hooks(rules);
    arrive(&hooks);
    let launch = DockerLaunch {
        container: b"mesos-1",
        sandbox: b"/sandbox",
        environment: &[b"GIVEN=host", b"EMPTY=", b"NONE"],
    };
    hooks.docker(task, &executor_with(own), launch).unwrap()
}

#[test]
fn docker_task_gets_what_changes_of_its_own_environment() {
    let mut task = TaskInfo { container: Some(in_docker("registry/web:1")), ..task() };
    task.command = Some(command(&[("JAVA_OPTS", "-Xmx1g"), ("OWN", "task"), ("TMP_A", "1")]));
    let info = docker(OPTIONS, Some(&task), &[]).unwrap();
    let expected = [("TMP_A", ""), ("SITE", "host-a"), ("JAVA_OPTS", "-Xmx1g -Dtask=web")];
    assert_eq!(plain_variables(info.task_environment.as_ref()), owned(&expected));
    assert_eq!(plain_variables(info.executor_environment.as_ref()), owned(&expected));
}

#[test]
fn what_decides_which_code_runs_is_for_the_docker_task_alone() {
    let rules = "[[hook.rules]]\nname = \"no preload\"\nunsafe_env = true\nenvironment.unset = [\"LD_PRELOAD\"]\n\
                 match.image = \"registry/**\"\n";
    let mut task = TaskInfo { container: Some(in_docker("registry/web:1")), ..task() };
    task.command = Some(command(&[("LD_PRELOAD", "/evil.so")]));
    let info = docker(rules, Some(&task), &[]).unwrap();
    assert_eq!(plain_variables(info.task_environment.as_ref()), owned(&[("LD_PRELOAD", "")]));
    assert_eq!(info.executor_environment, None);
    task.container = Some(in_docker("elsewhere/web:1"));
    assert_eq!(docker(rules, Some(&task), &[]), None);
}

#[test]
fn docker_executor_alone_keeps_what_it_and_the_host_set() {
    let rules = "[hook.environment]\nGIVEN = \"ours\"\nOWN = \"ours\"\nEMPTY = \"ours\"\n\
                 [[hook.rules]]\nname = \"more\"\nenvironment.set.MORE = \"{{ env.GIVEN }}\"";
    let info = docker(rules, None, &[("OWN", "executor")]).unwrap();
    assert_eq!(plain_variables(info.executor_environment.as_ref()), owned(&[("MORE", "host")]));
    assert_eq!(info.task_environment, None);
}

#[test]
fn what_was_seen_of_a_task_and_its_container_is_known_to_rules_about_its_executor() {
    let hooks = hooks(
        "[[hook.rules]]\nname = \"docker\"\nmatch.container = \"docker\"\nmatch.image = \"registry/*\"\n\
         environment.set.COPY = \"{{ task.environment.OWN }} of {{ container.image }}\"\n",
    );
    assert_eq!(hooks.executor_environment(&executor()).unwrap(), None);
    let task = TaskInfo { container: Some(in_docker("registry/web:1")), ..task() };
    hooks.agent_labels(&task, &executor(), &framework(), &agent()).unwrap();
    let environment = hooks.executor_environment(&executor()).unwrap().unwrap();
    assert_eq!(variables(&environment), owned(&[("OWN", "task"), ("COPY", "task of registry/web:1")]));
}

#[test]
fn docker_task_leaves_the_variables_of_the_hosts_executor_alone() {
    let task = TaskInfo { command: Some(command(&[])), ..task() };
    let info =
        docker("[hook.environment]\nOWN = \"ours\"\nGIVEN = \"ours\"", Some(&task), &[("OWN", "executor")]);
    let info = info.unwrap();
    assert_eq!(plain_variables(info.task_environment.as_ref()).len(), 2);
    assert_eq!(info.executor_environment, None);
}
