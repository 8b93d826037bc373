//! Containers launched through an agent's API, and limits of tasks, on a real agent with its stock isolators.

use std::time::Duration;

use apportion_rig::{Agent, ContainerSpec, Framework, FrameworkSpec, Master, Rig, TaskSpec, TaskState};
use serde_json::json;

const WITHIN: Duration = Duration::from_secs(20);

fn started() -> (Master, Agent) {
    let rig = Rig::prepare(|step| eprintln!("{step}")).expect("the rig is prepared");
    let master = rig.master().start().expect("a master");
    let agent = rig.agent(master.address()).start().expect("an agent");
    (master, agent)
}

#[test]
fn nested_container_runs_beside_its_parent_and_its_exit_status_is_known() {
    let (_master, agent) = started();
    agent.launch_container(&ContainerSpec::new(&["outer"], "sleep 600").cpus(0.1).mem_mb(32.0)).unwrap();
    let inner = ContainerSpec::new(&["outer", "inner"], "exit 3").share_cgroups(true);
    agent.launch_container(&inner).unwrap();
    let ended = agent.wait_for_container(&["outer", "inner"]).unwrap();
    assert_eq!(ended["exit_status"], json!(3 << 8), "{ended}");
    agent.kill_container(&["outer"]).unwrap();
    let ended = agent.wait_for_container(&["outer"]).unwrap();
    assert_eq!(ended["exit_status"], json!(9), "{ended}");
}

#[test]
fn debug_session_prints_what_its_command_says() {
    let (master, agent) = started();
    let mut framework = Framework::subscribe(master.address(), FrameworkSpec::new("debugged")).unwrap();
    let offer = framework.next_offers(WITHIN).unwrap().remove(0);
    framework.launch(&offer, &[TaskSpec::new("long", "sleep 600")], None).unwrap();
    framework.wait_status("long", TaskState::Running, WITHIN).unwrap();
    let containers = agent.get_json("/containers").unwrap();
    let outer = containers[0]["container_id"].as_str().unwrap();
    let printed = agent.debug_container(&[outer, "look"], "echo here; echo there >&2").unwrap();
    assert!(printed.contains("here\n") && printed.contains("there\n"), "{printed}");
    framework.teardown().unwrap();
}

#[test]
fn container_with_a_parent_that_is_not_there_is_refused() {
    let (_master, agent) = started();
    let error = agent.launch_container(&ContainerSpec::new(&["nobody", "inner"], "true")).unwrap_err();
    assert!(error.to_string().contains("nobody"), "{error}");
}

/// An agent takes limits only when the text of its flag names the stock isolators.
#[test]
fn limits_of_a_task_reach_the_agent_which_refuses_them_without_isolators_for_them() {
    let (master, _agent) = started();
    let mut framework = Framework::subscribe(master.address(), FrameworkSpec::new("limited")).unwrap();
    let offer = framework.next_offers(WITHIN).unwrap().remove(0);
    let cpus = TaskSpec::new("cpus", "sleep 600").cpus_limit(f64::INFINITY);
    let mem = TaskSpec::new("mem", "sleep 600").mem_limit_mb(128.0);
    framework.launch(&offer, &[cpus, mem], None).unwrap();
    for (task, word) in [("cpus", "CPU"), ("mem", "Memory")] {
        let lost = framework.wait_status(task, TaskState::Lost, WITHIN).unwrap();
        assert!(lost.text.starts_with(&format!("{word} limits can only be set")), "{lost:?}");
    }
    framework.teardown().unwrap();
}
