//! The isolator's containers: recovery with an agent that restarts, what they use, and their end.

use std::time::Duration;

use apportion_cluster_tests::{
    UNTIL_TOLD, WITHIN, agent, let_finish, list, master, only_offer, task_on_agent, wait_until,
};
use apportion_rig::{Agent, Framework, FrameworkSpec, Master, TaskSpec, TaskState};
use serde_json::Value;

/// Cpus and memory that an agent adds for the command executor of a task.
const EXECUTOR_CPUS: f64 = 0.1;
const EXECUTOR_MEM_MB: f64 = 32.0;

fn checkpointing(master: &Master) -> Framework {
    Framework::subscribe(master.address(), FrameworkSpec::new("lasting").checkpoint(true)).unwrap()
}

/// The entry of the only container on a page of the agent that has one for each.
fn only_container(agent: &Agent, page: &str) -> Result<Value, String> {
    let answer = agent.get_json(page).map_err(|error| error.to_string())?;
    match list(&answer) {
        [one] => Ok(one.clone()),
        other => Err(format!("{} containers on {page}: {other:?}", other.len())),
    }
}

fn wait_until_no_container_is_left(agent: &Agent) {
    wait_until("the container to be cleaned up", || {
        let answer = agent.get_json("/containers").map_err(|error| error.to_string())?;
        if list(&answer).is_empty() { Ok(()) } else { Err(answer.to_string()) }
    });
}

#[test]
fn checkpointed_task_survives_its_agent_and_its_container_is_recovered_and_cleaned_up() {
    let master = master(&[]).start().unwrap();
    let mut agent = agent(master.address(), &[]).start().unwrap();
    let mut framework = checkpointing(&master);
    let offer = only_offer(&mut framework);
    framework.launch(&offer, &[TaskSpec::new("long", UNTIL_TOLD)], Some(600.0)).unwrap();
    framework.wait_status("long", TaskState::Running, WITHIN).unwrap();
    let before = wait_until("a container", || only_container(&agent, "/containers"));

    agent.kill().unwrap();
    agent.restart().unwrap();
    agent.wait_for_log("isolator: recovered 1 containers, 0 orphans", WITHIN).unwrap();
    let after = wait_until("a recovered container", || only_container(&agent, "/containers"));
    assert_eq!(after["container_id"], before["container_id"]);
    assert_eq!(after["status"]["executor_pid"], before["status"]["executor_pid"]);
    let used = wait_until("use of the recovered container", || {
        let used = only_container(&agent, "/monitor/statistics")?;
        if used["statistics"]["processes"].as_u64() > Some(0) { Ok(used) } else { Err(used.to_string()) }
    });
    assert!(used["statistics"]["mem_rss_bytes"].as_u64() > Some(0), "{used}");

    assert_eq!(framework.statuses("long").iter().filter(|status| status.state.is_terminal()).count(), 0);
    let_finish(&agent.sandbox(framework.id(), "long").unwrap());
    framework.wait_status("long", TaskState::Finished, WITHIN).unwrap();
    wait_until_no_container_is_left(&agent);
    let log = agent.log();
    let complaint = log.lines().find(|line| line.contains("isolator") && line.contains("ailed"));
    assert_eq!(complaint, None);
}

#[test]
fn task_without_checkpoint_does_not_survive_its_agent() {
    let master = master(&[]).start().unwrap();
    let mut agent = agent(master.address(), &[]).start().unwrap();
    let mut framework = apportion_cluster_tests::subscribe(master.address(), "fleeting", &["*"]);
    let offer = only_offer(&mut framework);
    framework.launch(&offer, &[TaskSpec::new("short", "sleep 600")], Some(600.0)).unwrap();
    framework.wait_status("short", TaskState::Running, WITHIN).unwrap();
    agent.kill().unwrap();
    framework.wait_status("short", TaskState::Lost, WITHIN).unwrap();
    agent.restart().unwrap();
    wait_until_no_container_is_left(&agent);
    assert!(task_on_agent(&agent.state().unwrap(), "short").is_none());
}

#[test]
fn containers_use_is_on_the_agents_statistics_page() {
    let master = master(&[]).start().unwrap();
    let agent = agent(master.address(), &[]).start().unwrap();
    let mut framework = checkpointing(&master);
    let offer = only_offer(&mut framework);
    let busy = format!("i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; {UNTIL_TOLD}");
    framework.launch(&offer, &[TaskSpec::new("busy", &busy).cpus(0.5).mem_mb(96.0)], Some(600.0)).unwrap();
    framework.wait_status("busy", TaskState::Running, WITHIN).unwrap();

    let read = || only_container(&agent, "/monitor/statistics").map(|entry| entry["statistics"].clone());
    let number = |statistics: &Value, key: &str| statistics[key].as_f64().unwrap_or(f64::NAN);
    let used = wait_until("some use of cpus", || {
        let used = read()?;
        if number(&used, "cpus_user_time_secs") > 0.05 { Ok(used) } else { Err(used.to_string()) }
    });
    assert_eq!(number(&used, "cpus_limit"), 0.5 + EXECUTOR_CPUS, "{used}");
    assert_eq!(number(&used, "mem_limit_bytes"), (96.0 + EXECUTOR_MEM_MB) * 1_048_576.0, "{used}");
    assert!((1.0e6..1.0e9).contains(&number(&used, "mem_rss_bytes")), "{used}");
    let (processes, threads) = (number(&used, "processes"), number(&used, "threads"));
    // The container's init, the executor and the task's shell.
    assert!((3.0..20.0).contains(&processes) && threads >= processes && threads < 200.0, "{used}");
    std::thread::sleep(Duration::from_millis(100));
    let later = read().unwrap();
    assert!(number(&later, "timestamp") > number(&used, "timestamp"), "{used} {later}");
    assert!(number(&later, "cpus_user_time_secs") >= number(&used, "cpus_user_time_secs"), "{used} {later}");
    framework.teardown().unwrap();
}
