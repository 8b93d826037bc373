//! A master that returns finds agents and frameworks in either order; agents that do not return.

use std::time::Duration;

use apportion_cluster_tests::{
    ALLOCATION_INTERVAL, UNTIL_TOLD, WITHIN, agent, let_finish, list, master, only_offer, rig, wait_until,
};
use apportion_rig::{Agent, Framework, FrameworkSpec, Master, Registry, TaskSpec, TaskState};
use serde_json::Value;

const AGENT: &str = "cpus:4;mem:1024;disk:64;ports:[31000-31009]";

/// A master on a replicated log, an agent, and a framework whose task uses 1 of 4 cpus and 64 of 1024 MB.
fn running() -> (Master, Agent, Framework) {
    // Pinged seldom, so that the agent does not look for the master before it is told to.
    let master = master(&[]).registry(Registry::ReplicatedLog).agent_pings(WITHIN, 5).start().unwrap();
    let agent = agent(master.address(), &[]).resources(AGENT).start().unwrap();
    let spec =
        FrameworkSpec::new("keeper").roles(&["a"]).checkpoint(true).failover_timeout(Duration::from_secs(60));
    let mut framework = Framework::subscribe(master.address(), spec).unwrap();
    let offer = only_offer(&mut framework);
    framework
        .launch(&offer, &[TaskSpec::new("kept", UNTIL_TOLD).cpus(1.0).mem_mb(64.0)], Some(3600.0))
        .unwrap();
    framework.wait_status("kept", TaskState::Running, WITHIN).unwrap();
    (master, agent, framework)
}

/// Starts a killed master again and waits until it has read its log.
fn restart(master: &mut Master, framework: &mut Framework) {
    master.kill().unwrap();
    framework.wait_for_disconnection(WITHIN).unwrap();
    master.restart().unwrap();
    wait_until("the master's recovery", || {
        master.call(&serde_json::json!({"type": "GET_ROLES"})).map_err(|error| error.to_string())
    });
}

fn rejoin(master: &Master, agent: &Agent) {
    agent.appoint(master.address()).unwrap();
    master.wait_for_agents(1, WITHIN).unwrap();
}

/// The allocator's own page of the frameworks it knows.
fn known_frameworks(master: &Master) -> Vec<String> {
    let page: Value = master.get_json("/allocator/offer_constraints_debug").unwrap();
    page["frameworks"].as_object().expect("frameworks").keys().cloned().collect()
}

/// What only the unused rest of the agent is.
fn require_rest(framework: &mut Framework, agent: &Agent) {
    let rest = only_offer(framework);
    assert_eq!(rest.agent_id, agent.agent_id().unwrap());
    assert_eq!((rest.scalar("cpus"), rest.scalar("mem"), rest.scalar("disk")), (3.0, 960.0, 64.0));
    assert!(framework.offers_during(5 * ALLOCATION_INTERVAL).unwrap().is_empty(), "and nothing besides");
    let_finish(&agent.sandbox(framework.id(), "kept").unwrap());
    framework.wait_status("kept", TaskState::Finished, WITHIN).unwrap();
    let returned = only_offer(framework);
    assert_eq!((returned.scalar("cpus"), returned.scalar("mem")), (1.0, 64.0));
}

#[test]
fn item_248_unused_rest_is_offered_when_the_agent_returns_first() {
    let (mut master, agent, mut framework) = running();
    restart(&mut master, &mut framework);
    rejoin(&master, &agent);
    framework.resubscribe(master.address()).unwrap();
    require_rest(&mut framework, &agent);
}

#[test]
fn item_248_unused_rest_is_offered_when_the_framework_returns_first() {
    let (mut master, agent, mut framework) = running();
    restart(&mut master, &mut framework);
    framework.resubscribe(master.address()).unwrap();
    assert!(framework.offers_during(3 * ALLOCATION_INTERVAL).unwrap().is_empty(), "there is no agent");
    rejoin(&master, &agent);
    require_rest(&mut framework, &agent);
}

#[test]
fn item_288_framework_that_an_agent_brings_along_waits_inactive_for_its_scheduler() {
    let (mut master, agent, mut framework) = running();
    restart(&mut master, &mut framework);
    assert!(known_frameworks(&master).is_empty());
    rejoin(&master, &agent);
    assert_eq!(known_frameworks(&master), [framework.id()], "added with its agent");
    let entry = list(&master.state().unwrap()["frameworks"])[0].clone();
    assert_eq!((&entry["active"], &entry["recovered"]), (&Value::Bool(false), &Value::Bool(true)));
    assert_eq!(entry["used_resources"]["cpus"], 1.0);
    assert_eq!(entry["offered_resources"]["cpus"], 0.0, "nothing is offered to it yet");

    framework.resubscribe(master.address()).unwrap();
    require_rest(&mut framework, &agent);
    assert_eq!(known_frameworks(&master), [framework.id()]);
    // An allocator that is told of a framework twice refuses the second time with an error.
    let errors: Vec<String> = master
        .log()
        .lines()
        .filter(|line| line.starts_with('E') && line.contains("allocator"))
        .map(str::to_owned)
        .collect();
    assert!(errors.is_empty(), "{errors:?}");
}

/// Calls of the master that the allocator has taken, runs included.
fn events(master: &Master) -> f64 {
    let snapshot = master.get_json("/metrics/snapshot").unwrap();
    snapshot["allocator/apportion/events"].as_f64().expect("a count of events")
}

#[test]
fn item_249_lost_agents_task_and_executor_are_recovered_and_never_offered_again() {
    // Without batches every event is a call of the master.
    let master = master(&[])
        .allocation_interval(Duration::from_secs(3600))
        .agent_pings(Duration::from_secs(1), 2)
        .start()
        .unwrap();
    let mut agent = agent(master.address(), &[]).resources(AGENT).start().unwrap();
    let spec = FrameworkSpec::new("unlucky").roles(&["a"]).checkpoint(true);
    let mut framework = Framework::subscribe(master.address(), spec).unwrap();
    let offer = only_offer(&mut framework);
    let task = TaskSpec::new("doomed", "sleep 600").cpus(1.0).staying_executor("executor", rig().executor());
    framework.launch(&offer, &[task], Some(3600.0)).unwrap();
    framework.wait_status("doomed", TaskState::Running, WITHIN).unwrap();
    let before = events(&master);

    agent.kill().unwrap();
    framework.wait_status("doomed", TaskState::Lost, WITHIN).unwrap();
    wait_until("the agent's deactivation and removal, and a recovery each for task and executor", || {
        let count = events(&master) - before;
        if count == 4.0 { Ok(()) } else { Err(format!("{count} events")) }
    });
    assert!(list(&master.get_json("/slaves").unwrap()["slaves"]).is_empty());
    // Asks for a run over everything there is.
    framework.revive(&[]).unwrap();
    assert!(framework.offers_during(Duration::from_secs(1)).unwrap().is_empty());
    let survivor = apportion_cluster_tests::agent(master.address(), &[]).resources(AGENT).start().unwrap();
    let other = only_offer(&mut framework);
    assert_eq!(other.agent_id, survivor.agent_id().unwrap());
}
