//! Simulated agents are agents to a real master.

use std::time::Duration;

use apportion_rig::{
    Framework, FrameworkSpec, Registry, Rig, SimulatedAgents, SimulatedSpec, TaskSpec, TaskState,
};

const WITHIN: Duration = Duration::from_secs(30);

fn rig() -> Rig {
    Rig::prepare(|step| eprintln!("{step}")).expect("the rig is prepared")
}

#[test]
fn thousand_simulated_agents_are_offered_and_run_tasks() {
    let rig = rig();
    let master = rig.master().logging_level("WARNING").start().unwrap();
    let spec = SimulatedSpec { agents: 1_000, racks: 10, ..SimulatedSpec::default() };
    let agents = SimulatedAgents::start(master.address(), spec).unwrap();
    agents.wait_until_registered(WITHIN).unwrap();
    master.wait_for_agents(1_000, WITHIN).unwrap();

    let mut framework = Framework::subscribe(master.address(), FrameworkSpec::new("large")).unwrap();
    let mut offers = Vec::new();
    while offers.len() < 1_000 {
        offers.extend(framework.next_offers(WITHIN).unwrap());
    }
    assert!(offers.iter().all(|offer| offer.scalar("cpus") == 8.0));
    let in_rack = offers.iter().filter(|offer| offer.attribute("rack") == Some("r3")).count();
    assert_eq!(in_rack, 100);

    framework.launch(&offers[0], &[TaskSpec::new("t", "never run")], None).unwrap();
    framework.wait_status("t", TaskState::Running, WITHIN).unwrap();
    framework.wait_status("t", TaskState::Finished, WITHIN).unwrap();

    drop(agents);
    master.wait_for_agents(0, WITHIN).unwrap();
}

#[test]
fn killed_simulated_task_does_not_finish() {
    let rig = rig();
    let master = rig.master().start().unwrap();
    let spec = SimulatedSpec { agents: 1, task_time: Duration::from_secs(60), ..SimulatedSpec::default() };
    let _agents = SimulatedAgents::start(master.address(), spec).unwrap();
    let mut framework = Framework::subscribe(master.address(), FrameworkSpec::new("killer")).unwrap();
    let offer = framework.next_offers(WITHIN).unwrap().remove(0);
    framework.launch(&offer, &[TaskSpec::new("t", "never run")], None).unwrap();
    framework.wait_status("t", TaskState::Running, WITHIN).unwrap();
    framework.kill("t", None).unwrap();
    framework.wait_status("t", TaskState::Killed, WITHIN).unwrap();
}

#[test]
fn simulated_agents_register_again_with_a_restarted_master() {
    let rig = rig();
    let mut master = rig.master().registry(Registry::ReplicatedLog).start().unwrap();
    let spec = SimulatedSpec { agents: 50, ..SimulatedSpec::default() };
    let agents = SimulatedAgents::start(master.address(), spec).unwrap();
    agents.wait_until_registered(WITHIN).unwrap();
    let ids = agent_ids(&master.get_json("/slaves").unwrap());
    master.kill().unwrap();
    master.restart().unwrap();
    master.wait_for_agents(50, WITHIN).unwrap();
    assert_eq!(agent_ids(&master.get_json("/slaves").unwrap()), ids);
}

fn agent_ids(page: &serde_json::Value) -> Vec<String> {
    let agents = page["slaves"].as_array().expect("a list of agents");
    let mut ids: Vec<String> = agents.iter().map(|agent| agent["id"].to_string()).collect();
    ids.sort();
    ids
}
