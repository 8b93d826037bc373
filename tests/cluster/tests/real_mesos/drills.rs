//! Entry points that panic on purpose in the real host.

use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use apportion_cluster_tests::{
    WITHIN, agent, labels, list, master, only_offer, subscribe, task_on_agent, wait_until,
};
use apportion_rig::{Agent, Framework, Master, RigError, TaskSpec, TaskState};

const ABORTED: i32 = 6;

/// A master without a drill, and an agent with these entry points panicking and a hook and an isolator at work.
fn cluster(panic_in: &str) -> (Master, Agent, Framework) {
    cluster_of(&[
        ("drill.panic_in", panic_in),
        ("hook.environment.FROM_HOOK", "here"),
        ("hook.labels.from_hook", "here"),
        ("isolator.environment.FROM_ISOLATOR", "here"),
    ])
}

/// The same with these parameters for the agent.
fn cluster_of(parameters: &[(&str, &str)]) -> (Master, Agent, Framework) {
    let master = master(&[]).start().unwrap();
    let agent = agent(master.address(), parameters).start().unwrap();
    let framework = subscribe(master.address(), "driller", &["*"]);
    (master, agent, framework)
}

/// Launches a task on the next offer that can hold it.
fn launch(framework: &mut Framework, task: TaskSpec) {
    let offer = only_offer(framework);
    framework.launch(&offer, &[task], Some(0.0)).unwrap();
}

/// What a finished task has printed.
fn output(framework: &mut Framework, agent: &Agent, id: &str) -> String {
    framework.wait_status(id, TaskState::Finished, WITHIN).unwrap();
    std::fs::read_to_string(agent.sandbox(framework.id(), id).unwrap().join("stdout")).unwrap()
}

const PRINT: &str = "echo \"hook:$FROM_HOOK isolator:$FROM_ISOLATOR\"";

/// The line that the host writes when a hook fails.
fn require_warning(agent: &Agent, entry: &str) {
    let line = agent.wait_for_log(&format!("{entry}: panicked: "), WITHIN).unwrap();
    assert!(line.starts_with('W') && line.contains("a drill of"), "{line}");
}

#[test]
fn task_whose_environment_hook_panics_runs_undecorated() {
    let (_master, agent, mut framework) = cluster("hook.slave_executor_environment_decorator");
    for id in ["first", "second"] {
        launch(&mut framework, TaskSpec::new(id, PRINT));
        assert_eq!(output(&mut framework, &agent, id), "hook: isolator:here\n");
        let task = task_on_agent(&agent.state().unwrap(), id).expect("the task on the agent's page");
        assert_eq!(labels(&task), [("from_hook".to_owned(), "here".to_owned())], "other entry points work");
    }
    require_warning(&agent, "hook.slave_executor_environment_decorator");
}

#[test]
fn task_whose_label_hook_panics_runs_without_our_label() {
    let (_master, agent, mut framework) = cluster("hook.slave_run_task_label_decorator");
    launch(&mut framework, TaskSpec::new("plain", PRINT).label("owner", "us"));
    assert_eq!(output(&mut framework, &agent, "plain"), "hook:here isolator:here\n");
    let task = task_on_agent(&agent.state().unwrap(), "plain").expect("the task on the agent's page");
    // The master's hook decorates before the agent does.
    assert!(labels(&task).contains(&("owner".to_owned(), "us".to_owned())), "{task}");
    require_warning(&agent, "hook.slave_run_task_label_decorator");
}

#[test]
fn task_whose_container_cannot_be_prepared_fails_with_the_reason_and_the_agent_lives() {
    let (master, agent, mut framework) = cluster("isolator.prepare");
    for id in ["first", "second"] {
        launch(&mut framework, TaskSpec::new(id, PRINT));
        let status = framework.wait_status(id, TaskState::Failed, WITHIN).unwrap();
        assert!(status.text.contains("isolator.prepare: panicked: "), "{status:?}");
        assert_eq!(status.reason.as_deref(), Some("REASON_CONTAINER_LAUNCH_FAILED"));
    }
    master.wait_for_agents(1, WITHIN).unwrap();
    let whole = wait_until("the whole agent to be offered", || {
        let offers =
            framework.offers_during(Duration::from_millis(100)).map_err(|error| error.to_string())?;
        match offers.as_slice() {
            [offer] if offer.scalar("cpus") == 4.0 => Ok(offer.clone()),
            other => {
                framework.decline(other, Some(0.0)).map_err(|error| error.to_string())?;
                Err(format!("{other:?}"))
            }
        }
    });
    assert_eq!(whole.agent_id, agent.agent_id().unwrap());
    let task = task_on_agent(&agent.state().unwrap(), "second").expect("the task on the agent's page");
    assert_eq!(labels(&task), [("from_hook".to_owned(), "here".to_owned())], "the hook works");
}

#[test]
fn container_whose_use_panics_has_no_statistics_but_finishes_and_is_cleaned_up() {
    let (_master, agent, mut framework) = cluster("isolator.usage");
    launch(&mut framework, TaskSpec::new("unmeasured", apportion_cluster_tests::UNTIL_TOLD));
    framework.wait_status("unmeasured", TaskState::Running, WITHIN).unwrap();
    let statistics = agent.get_json("/monitor/statistics").unwrap();
    assert!(statistics[0]["statistics"]["mem_rss_bytes"].is_null(), "{statistics}");
    agent.wait_for_log("isolator.usage: panicked: ", WITHIN).unwrap();
    apportion_cluster_tests::let_finish(&agent.sandbox(framework.id(), "unmeasured").unwrap());
    framework.wait_status("unmeasured", TaskState::Finished, WITHIN).unwrap();
    wait_until("the container to be cleaned up", || {
        let containers = agent.get_json("/containers").map_err(|error| error.to_string())?;
        if list(&containers).is_empty() { Ok(()) } else { Err(containers.to_string()) }
    });
}

#[test]
fn cleanup_that_panics_is_logged_and_the_agent_lives() {
    let (_master, agent, mut framework) = cluster("isolator.cleanup");
    launch(&mut framework, TaskSpec::new("first", PRINT));
    assert_eq!(output(&mut framework, &agent, "first"), "hook:here isolator:here\n");
    agent.wait_for_log("isolator.cleanup: panicked: ", WITHIN).unwrap();
    launch(&mut framework, TaskSpec::new("second", PRINT));
    assert_eq!(output(&mut framework, &agent, "second"), "hook:here isolator:here\n");
}

/// Without borrowers it is not asked.
const DRILLED_QOS_CONTROLLER: &str = r#"
[drill]
panic_in = ["qos_controller.corrections"]
[hook.environment]
FROM_HOOK = "here"
[isolator.environment]
FROM_ISOLATOR = "here"
[[lending.borrowers]]
roles = ["batch"]
"#;

#[test]
fn agent_whose_qos_controller_panics_lives() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("apportion.toml");
    std::fs::write(&file, DRILLED_QOS_CONTROLLER).unwrap();
    let (_master, agent, mut framework) = cluster_of(&[("config", file.to_str().unwrap())]);
    agent.wait_for_log("qos_controller.corrections: panicked: ", WITHIN).unwrap();
    launch(&mut framework, TaskSpec::new("first", PRINT));
    assert_eq!(output(&mut framework, &agent, "first"), "hook:here isolator:here\n");
}

/// The lines of a log that end a process.
fn fatal_lines(log: &str) -> Vec<&str> {
    log.lines().filter(|line| line.starts_with('F')).collect()
}

#[test]
fn master_whose_allocator_panics_aborts_with_one_line_that_names_the_entry() {
    let mut master = master(&[("drill.panic_in", "allocator.suppress_offers")]).agents(1).start().unwrap();
    master.wait_for_log("fault drill: allocator.suppress_offers will panic on purpose", WITHIN).unwrap();
    let mut framework = subscribe(master.address(), "last", &["*"]);
    only_offer(&mut framework);
    framework.suppress(&[]).unwrap();
    let status = master.wait_for_end(WITHIN).unwrap();
    assert_eq!(status.signal(), Some(ABORTED), "{status}");
    let log = master.log();
    let fatal = fatal_lines(&log);
    assert_eq!(fatal.len(), 1, "{fatal:?}");
    assert!(fatal[0].contains("allocator.suppress_offers"), "{fatal:?}");
}

#[test]
fn master_whose_allocator_panics_at_its_start_aborts() {
    let (status, log) = match master(&[("drill.panic_in", "allocator.initialize")]).start() {
        Err(RigError::EndedEarly { status, log, .. }) => (status, log),
        // Its other threads go on while the stack of the failed one is printed: it may look ready for a moment.
        Ok(mut master) => (master.wait_for_end(WITHIN).unwrap().to_string(), master.log()),
        Err(other) => panic!("{other}"),
    };
    assert!(status.contains("signal: 6"), "{status}");
    let fatal = fatal_lines(&log);
    assert!(fatal.len() == 1 && fatal[0].contains("allocator.initialize"), "{fatal:?}");
}
