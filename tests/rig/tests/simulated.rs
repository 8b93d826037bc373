//! Simulated agents are agents to a real master.

use std::time::Duration;

use apportion_rig::{
    Framework, FrameworkSpec, Registry, Rig, SimulatedAgents, SimulatedSpec, TaskSpec, TaskState, scalar,
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

#[test]
fn simulated_agents_that_lose_their_connection_return_under_their_ids() {
    let rig = rig();
    let master = rig.master().start().unwrap();
    let spec = SimulatedSpec { agents: 3, hosts: "node".to_owned(), ..SimulatedSpec::default() };
    let agents = SimulatedAgents::start(master.address(), spec).unwrap();
    agents.wait_until_registered(WITHIN).unwrap();
    let before = master.get_json("/slaves").unwrap();
    assert_eq!(before["slaves"][0]["hostname"].as_str().map(|name| &name[..5]), Some("node-"));
    agents.disconnect();
    master.wait_for_agents(0, WITHIN).unwrap();
    assert_eq!(agents.registered(), 0);
    agents.reconnect();
    master.wait_for_agents(3, WITHIN).unwrap();
    assert_eq!(agent_ids(&master.get_json("/slaves").unwrap()), agent_ids(&before));
}

#[test]
fn simulated_agents_that_unregister_are_removed_and_stay_away() {
    let rig = rig();
    let master = rig.master().start().unwrap();
    let spec = SimulatedSpec { agents: 2, ..SimulatedSpec::default() };
    let agents = SimulatedAgents::start(master.address(), spec).unwrap();
    agents.wait_until_registered(WITHIN).unwrap();
    agents.unregister();
    master.wait_for_agents(0, WITHIN).unwrap();
    assert_eq!(agent_ids(&master.get_json("/slaves").unwrap()), Vec::<String>::new());
    agents.reconnect();
    master.wait_for_agents(2, WITHIN).unwrap();
}

#[test]
fn simulated_agent_reports_reserved_and_lent_resources_and_keeps_reservations() {
    let rig = rig();
    let master = rig.master().start().unwrap();
    let further =
        vec![("gpus".to_owned(), "*".to_owned(), 2.0), ("cpus".to_owned(), "owner".to_owned(), 1.0)];
    let agents = SimulatedAgents::start(
        master.address(),
        SimulatedSpec { agents: 1, further, ..SimulatedSpec::default() },
    )
    .unwrap();
    agents.wait_until_registered(WITHIN).unwrap();
    agents.lend_cpus(3.0);
    let id = serde_json::json!({"value": master.get_json("/slaves").unwrap()["slaves"][0]["id"]});
    let mut reserved = scalar("cpus", 2.0);
    reserved["reservations"] = serde_json::json!([{"type": "DYNAMIC", "role": "late"}]);
    let reserve = serde_json::json!({"agent_id": id, "resources": [reserved]});
    master.call(&serde_json::json!({"type": "RESERVE_RESOURCES", "reserve_resources": reserve})).unwrap();
    let amounts = || {
        let page = master.get_json("/slaves").unwrap();
        let agent = page["slaves"][0].clone();
        let reserved = &agent["reserved_resources"];
        (
            agent["resources"]["gpus"].clone(),
            reserved["owner"]["cpus"].clone(),
            reserved["late"]["cpus"].clone(),
        )
    };
    assert_eq!(amounts(), (2.0.into(), 1.0.into(), 2.0.into()));
    let revocable = || master.get_json("/metrics/snapshot").unwrap()["master/cpus_revocable_total"].as_f64();
    let started = std::time::Instant::now();
    while revocable() != Some(3.0) {
        assert!(started.elapsed() < WITHIN, "{:?} revocable cpus", revocable());
    }

    agents.disconnect();
    master.wait_for_agents(0, WITHIN).unwrap();
    agents.reconnect();
    master.wait_for_agents(1, WITHIN).unwrap();
    assert_eq!(amounts(), (2.0.into(), 1.0.into(), 2.0.into()), "it has written the reservation down");
    assert_eq!(revocable(), Some(0.0), "what it lends it has to say anew");
}

fn agent_ids(page: &serde_json::Value) -> Vec<String> {
    let agents = page["slaves"].as_array().expect("a list of agents");
    let mut ids: Vec<String> = agents.iter().map(|agent| agent["id"].to_string()).collect();
    ids.sort();
    ids
}
