//! Processes that hold our modules end politely.

use apportion_cluster_tests::{WITHIN, agent, master, only_offer, subscribe};
use apportion_rig::{TaskSpec, TaskState};

const DECORATED: [(&str, &str); 3] = [
    ("hook.environment.ROLE", "{{ framework.role }}"),
    ("isolator.environment.CONTAINER", "{{ container.id }}"),
    ("isolator.rlimits.core", "0"),
];

#[test]
fn master_with_agents_offers_and_a_task_ends_on_sigterm_with_code_zero() {
    let mut master = master(&DECORATED).agents(2).start().unwrap();
    let mut framework = subscribe(master.address(), "surprised", &["*"]);
    let offer = framework.next_offers(WITHIN).unwrap().remove(0);
    framework.launch(&offer, &[TaskSpec::new("running", "sleep 600")], Some(0.0)).unwrap();
    framework.wait_status("running", TaskState::Running, WITHIN).unwrap();
    framework.next_offers(WITHIN).unwrap();
    let status = master.terminate().unwrap();
    assert_eq!(status.code(), Some(0), "{status}");
}

#[test]
fn master_and_agent_of_their_own_end_on_sigterm_with_code_zero() {
    let mut master = master(&DECORATED).start().unwrap();
    let mut agent = agent(master.address(), &DECORATED).start().unwrap();
    let mut framework = subscribe(master.address(), "surprised", &["*"]);
    let offer = only_offer(&mut framework);
    framework.launch(&offer, &[TaskSpec::new("running", "sleep 600")], Some(0.0)).unwrap();
    framework.wait_status("running", TaskState::Running, WITHIN).unwrap();
    let status = agent.terminate().unwrap();
    assert_eq!(status.code(), Some(0), "{status}");
    let status = master.terminate().unwrap();
    assert_eq!(status.code(), Some(0), "{status}");
}
