//! A master is killed and comes back with its replicated log.

use std::time::{Duration, Instant};

use apportion_cluster_tests::{UNTIL_TOLD, WITHIN, agent, let_finish, list, master, only_offer, wait_until};
use apportion_rig::{Framework, FrameworkSpec, Master, Registry, TaskSpec, TaskState};
use serde_json::{Value, json};

/// Six slots of a cpu each; all kinds run out together.
const AGENT: &str = "cpus:6;mem:384;disk:6;ports:[31000-31005]";

fn slot(id: &str, command: &str) -> TaskSpec {
    TaskSpec::new(id, command).cpus(1.0).mem_mb(64.0).disk_mb(1.0)
}

fn lasting(name: &str, role: &str) -> FrameworkSpec {
    FrameworkSpec::new(name).roles(&[role]).checkpoint(true).failover_timeout(Duration::from_secs(60))
}

/// A call of the operator, which a master that has been elected refuses until it has read its log.
fn call(master: &Master, call: &Value) -> Value {
    wait_until("the master's recovery", || master.call(call).map_err(|error| error.to_string()))
}

fn weights(master: &Master) -> Vec<Value> {
    list(&call(master, &json!({"type": "GET_WEIGHTS"}))["get_weights"]["weight_infos"]).to_vec()
}

/// A master on a replicated log in which role `double` weighs twice as much as role `single`.
fn weighted_master() -> Master {
    let builder = master(&[]).registry(Registry::ReplicatedLog).agent_pings(Duration::from_secs(1), 3);
    let master = builder.start().unwrap();
    let change = json!([{"role": "single", "weight": 1.0}, {"role": "double", "weight": 2.0}]);
    call(&master, &json!({"type": "UPDATE_WEIGHTS", "update_weights": {"weight_infos": change}}));
    master
}

/// Lets the frameworks take one slot of each offer until all six are used.
fn fill(master: &Master, frameworks: &mut [Framework]) {
    let started = Instant::now();
    let mut launched = 0;
    loop {
        for framework in frameworks.iter_mut() {
            for offer in framework.offers_during(Duration::from_millis(20)).unwrap() {
                launched += 1;
                let task = slot(&format!("{}-{launched}", framework.name()), "sleep 600");
                framework.launch(&offer, &[task], Some(0.0)).unwrap();
            }
        }
        let state = master.state().unwrap();
        if state["slaves"][0]["used_resources"]["cpus"] == 6.0 {
            return;
        }
        assert!(started.elapsed() < WITHIN, "the agent is not filled: {}", state["slaves"]);
    }
}

#[test]
fn restarted_master_keeps_agent_framework_task_and_weights_and_offers_nothing_twice() {
    let mut master = weighted_master();
    let weights_before = weights(&master);
    let agent = agent(master.address(), &[]).resources(AGENT).start().unwrap();
    let agent_id = agent.agent_id().unwrap();
    let mut keeper = Framework::subscribe(master.address(), lasting("keeper", "single")).unwrap();
    let keeper_id = keeper.id().to_owned();
    let offer = only_offer(&mut keeper);
    keeper.launch(&offer, &[slot("kept", UNTIL_TOLD)], Some(0.0)).unwrap();
    keeper.wait_status("kept", TaskState::Running, WITHIN).unwrap();

    master.kill().unwrap();
    keeper.wait_for_disconnection(WITHIN).unwrap();
    master.restart().unwrap();
    assert_eq!(weights(&master), weights_before);
    keeper.resubscribe(master.address()).unwrap();
    assert_eq!(keeper.id(), keeper_id);
    agent.appoint(master.address()).unwrap();
    master.wait_for_agents(1, WITHIN).unwrap();
    assert_eq!(agent.agent_id().unwrap(), agent_id);

    let rest = only_offer(&mut keeper);
    assert_eq!(rest.scalar("cpus"), 5.0, "what the running task uses is not offered");
    assert_eq!(rest.scalar("mem"), 320.0);
    keeper.suppress(&[]).unwrap();
    keeper.decline(&[rest], Some(0.0)).unwrap();
    let mut newcomer = Framework::subscribe(master.address(), lasting("newcomer", "double")).unwrap();
    assert_eq!(only_offer(&mut newcomer).scalar("cpus"), 5.0);

    keeper.reconcile(&["kept"]).unwrap();
    keeper.wait_status("kept", TaskState::Running, WITHIN).unwrap();
    let_finish(&agent.sandbox(&keeper_id, "kept").unwrap());
    keeper.wait_status("kept", TaskState::Finished, WITHIN).unwrap();
    wait_until("the whole agent to be offered", || {
        let state = master.state().map_err(|error| error.to_string())?;
        let agent = &state["slaves"][0];
        if agent["offered_resources"]["cpus"] == 6.0 { Ok(()) } else { Err(agent.to_string()) }
    });
    assert!(keeper.statuses("kept").iter().all(|status| status.state != TaskState::Lost));
}

#[test]
fn weights_and_the_use_of_kept_tasks_count_after_a_restart() {
    let mut master = weighted_master();
    let agent = agent(master.address(), &[]).resources(AGENT).start().unwrap();
    let mut keeper = Framework::subscribe(master.address(), lasting("keeper", "single")).unwrap();
    let offer = only_offer(&mut keeper);
    keeper.launch(&offer, &[slot("kept", "sleep 600")], Some(0.0)).unwrap();
    keeper.wait_status("kept", TaskState::Running, WITHIN).unwrap();

    master.kill().unwrap();
    keeper.wait_for_disconnection(WITHIN).unwrap();
    master.restart().unwrap();
    keeper.resubscribe(master.address()).unwrap();
    let newcomer = Framework::subscribe(master.address(), lasting("newcomer", "double")).unwrap();
    agent.appoint(master.address()).unwrap();
    master.wait_for_agents(1, WITHIN).unwrap();
    let mut frameworks = [keeper, newcomer];
    fill(&master, &mut frameworks);

    let state = master.state().unwrap();
    let cpus = |name: &str| {
        let mut entries = list(&state["frameworks"]).iter();
        entries.find(|entry| entry["name"] == name).expect("a framework")["used_resources"]["cpus"].clone()
    };
    // Without the weights it were three for each; without the kept task, two and four beside it.
    assert_eq!((cpus("keeper"), cpus("newcomer")), (json!(2.0), json!(4.0)));
}
