//! Masters and agents that are killed and come back.

use std::time::Duration;

use apportion_rig::{Event, Framework, FrameworkSpec, Registry, Rig, TaskSpec, TaskState, TaskStatus};

const WITHIN: Duration = Duration::from_secs(20);

fn rig() -> Rig {
    Rig::prepare(|step| eprintln!("{step}")).expect("the rig is prepared")
}

/// Runs until a file appears beside it, so that a test decides when it ends.
const UNTIL_TOLD: &str = "while [ ! -e go ]; do sleep 0.05; done; echo went on";

#[test]
fn agent_that_was_killed_keeps_a_checkpointed_task() {
    let rig = rig();
    let master = rig.master().start().unwrap();
    let mut agent = rig.agent(master.address()).start().unwrap();
    let id = agent.agent_id().unwrap();
    let mut framework =
        Framework::subscribe(master.address(), FrameworkSpec::new("patient").checkpoint(true)).unwrap();
    let offer = framework.next_offers(WITHIN).unwrap().remove(0);
    framework.launch(&offer, &[TaskSpec::new("long", UNTIL_TOLD)], None).unwrap();
    framework.wait_status("long", TaskState::Running, WITHIN).unwrap();

    agent.kill().unwrap();
    agent.restart().unwrap();
    assert_eq!(agent.agent_id().unwrap(), id);

    let sandbox = agent.sandbox(framework.id(), "long").unwrap();
    std::fs::write(sandbox.join("go"), "").unwrap();
    framework.wait_status("long", TaskState::Finished, WITHIN).unwrap();
    assert_eq!(std::fs::read_to_string(sandbox.join("stdout")).unwrap(), "went on\n");
}

#[test]
fn task_that_ends_while_its_agent_is_away_is_reported_afterwards() {
    let rig = rig();
    let master = rig.master().start().unwrap();
    let mut agent = rig.agent(master.address()).start().unwrap();
    let mut framework =
        Framework::subscribe(master.address(), FrameworkSpec::new("patient").checkpoint(true)).unwrap();
    let offer = framework.next_offers(WITHIN).unwrap().remove(0);
    framework.launch(&offer, &[TaskSpec::new("short", UNTIL_TOLD)], None).unwrap();
    framework.wait_status("short", TaskState::Running, WITHIN).unwrap();
    let sandbox = agent.sandbox(framework.id(), "short").unwrap();

    agent.kill().unwrap();
    std::fs::write(sandbox.join("go"), "").unwrap();
    std::thread::sleep(Duration::from_millis(300));
    agent.restart().unwrap();
    framework.wait_status("short", TaskState::Finished, WITHIN).unwrap();
}

#[test]
fn restarted_master_keeps_agents_frameworks_and_running_tasks() {
    let rig = rig();
    let mut master = rig
        .master()
        .registry(Registry::ReplicatedLog)
        .agent_pings(Duration::from_secs(1), 3)
        .start()
        .unwrap();
    let agent = rig.agent(master.address()).start().unwrap();
    let agent_id = agent.agent_id().unwrap();
    let spec = FrameworkSpec::new("lasting").checkpoint(true).failover_timeout(Duration::from_secs(60));
    let mut framework = Framework::subscribe(master.address(), spec).unwrap();
    let id = framework.id().to_owned();
    let offer = framework.next_offers(WITHIN).unwrap().remove(0);
    framework.launch(&offer, &[TaskSpec::new("long", UNTIL_TOLD)], Some(0.0)).unwrap();
    framework.wait_status("long", TaskState::Running, WITHIN).unwrap();

    master.kill().unwrap();
    framework.wait_for_disconnection(WITHIN).unwrap();
    master.restart().unwrap();
    agent.appoint(master.address()).unwrap();
    framework.resubscribe(master.address()).unwrap();
    assert_eq!(framework.id(), id);
    master.wait_for_agents(1, WITHIN).unwrap();
    assert_eq!(agent.agent_id().unwrap(), agent_id);

    let left = framework.next_offers(WITHIN).unwrap().remove(0);
    assert!(left.scalar("cpus") < offer.scalar("cpus"), "the running task's cpus are offered again");
    framework.reconcile(&["long"]).unwrap();
    framework.wait_status("long", TaskState::Running, WITHIN).unwrap();
    std::fs::write(agent.sandbox(&id, "long").unwrap().join("go"), "").unwrap();
    framework.wait_status("long", TaskState::Finished, WITHIN).unwrap();
}

#[test]
fn framework_that_lost_its_connection_takes_its_task_up_again() {
    let rig = rig();
    let master = rig.master().agents(1).start().unwrap();
    let spec = FrameworkSpec::new("lasting").failover_timeout(Duration::from_secs(60));
    let mut framework = Framework::subscribe(master.address(), spec).unwrap();
    let offer = framework.next_offers(WITHIN).unwrap().remove(0);
    framework.launch(&offer, &[TaskSpec::new("long", UNTIL_TOLD)], None).unwrap();
    framework.wait_status("long", TaskState::Running, WITHIN).unwrap();

    framework.disconnect();
    master.wait_for_log("isconnecting framework", WITHIN).unwrap();
    framework.resubscribe(master.address()).unwrap();
    std::fs::write(master.sandbox(framework.id(), "long").unwrap().join("go"), "").unwrap();
    framework.wait_status("long", TaskState::Finished, WITHIN).unwrap();
}

/// The next status update, in the order of arrival.
fn next_update(framework: &mut Framework) -> TaskStatus {
    loop {
        if let Event::Update(status) =
            framework.next_arrival(WITHIN).expect("a connection").expect("an event")
        {
            return status;
        }
    }
}

#[test]
fn update_that_was_not_acknowledged_is_told_again_to_the_next_subscription() {
    let rig = rig();
    let master = rig.master().agents(1).start().unwrap();
    let spec = FrameworkSpec::new("careful").failover_timeout(Duration::from_secs(60));
    let mut framework = Framework::subscribe(master.address(), spec.without_acknowledgement()).unwrap();
    let offer = framework.next_offers(WITHIN).unwrap().remove(0);
    framework.launch(&offer, &[TaskSpec::new("short", "true")], None).unwrap();
    let first = next_update(&mut framework);
    assert_eq!(first.state, TaskState::Starting);

    framework.resubscribe(master.address()).unwrap();
    let again = next_update(&mut framework);
    assert_eq!(again.message["uuid"], first.message["uuid"]);
    framework.acknowledge(&again).unwrap();
    let mut next = next_update(&mut framework);
    // The agent may have told it a second time meanwhile.
    while next.message["uuid"] == first.message["uuid"] {
        next = next_update(&mut framework);
    }
    assert_eq!(next.state, TaskState::Running);
}
