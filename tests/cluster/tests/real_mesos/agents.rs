//! Agents that are killed and come back.

use std::time::Duration;

use apportion_cluster_tests::{WITHIN, agent, list, master, only_offer, subscribe, wait_until};
use apportion_rig::{Event, Framework, FrameworkSpec, Master, TaskSpec, TaskState};

const RESOURCES: &str = "cpus:2;mem:512;disk:64;ports:[31000-31009]";

/// Waits until the master takes an offer back.
fn wait_for_rescind(framework: &mut Framework, offer_id: &str) {
    match framework.next_event(WITHIN).unwrap() {
        Event::Rescinded(id) => assert_eq!(id, offer_id),
        other => panic!("expected the offer to be taken back, found {other:?}"),
    }
}

/// Cpus that the master counts as offered.
fn offered_cpus(master: &Master) -> f64 {
    let state = master.state().unwrap();
    list(&state["slaves"]).iter().filter_map(|agent| agent["offered_resources"]["cpus"].as_f64()).sum()
}

#[test]
fn killed_agents_resources_vanish_with_its_task_and_return_whole_with_it() {
    let master = master(&[]).start().unwrap();
    let mut doomed = agent(master.address(), &[]).name("doomed agent").resources(RESOURCES).start().unwrap();
    let doomed_id = doomed.agent_id().unwrap();
    let mut framework = subscribe(master.address(), "unlucky", &["*"]);
    let offer = only_offer(&mut framework);
    framework.launch(&offer, &[TaskSpec::new("lost", "sleep 600").cpus(0.5)], Some(0.0)).unwrap();
    framework.wait_status("lost", TaskState::Running, WITHIN).unwrap();
    let rest = only_offer(&mut framework);
    assert_eq!(rest.scalar("cpus"), 1.5);

    doomed.kill().unwrap();
    wait_for_rescind(&mut framework, &rest.id);
    framework.wait_status("lost", TaskState::Lost, WITHIN).unwrap();
    assert!(framework.offers_during(Duration::from_secs(1)).unwrap().is_empty());
    assert_eq!(offered_cpus(&master), 0.0);
    let survivor = agent(master.address(), &[]).name("surviving agent").resources(RESOURCES).start().unwrap();
    let other = only_offer(&mut framework);
    assert_eq!(other.agent_id, survivor.agent_id().unwrap(), "only the living agent is offered");

    doomed.restart().unwrap();
    assert_eq!(doomed.agent_id().unwrap(), doomed_id);
    let back = only_offer(&mut framework);
    assert_eq!(back.agent_id, doomed_id);
    assert_eq!(back.resources(), offer.resources());
}

#[test]
fn agent_that_stays_away_is_removed_and_its_resources_return_when_it_does() {
    let master = master(&[]).agent_pings(Duration::from_secs(1), 2).start().unwrap();
    let mut agent = agent(master.address(), &[]).resources(RESOURCES).start().unwrap();
    let id = agent.agent_id().unwrap();
    let mut framework =
        Framework::subscribe(master.address(), FrameworkSpec::new("patient").checkpoint(true)).unwrap();
    let offer = only_offer(&mut framework);
    framework.launch(&offer, &[TaskSpec::new("gone", "sleep 600").cpus(0.5)], Some(0.0)).unwrap();
    framework.wait_status("gone", TaskState::Running, WITHIN).unwrap();
    let rest = only_offer(&mut framework);

    agent.kill().unwrap();
    wait_for_rescind(&mut framework, &rest.id);
    framework.wait_status("gone", TaskState::Lost, WITHIN).unwrap();
    wait_until("the agent to be removed", || {
        let agents = master.get_json("/slaves").map_err(|error| error.to_string())?;
        if list(&agents["slaves"]).is_empty() { Ok(()) } else { Err(agents["slaves"].to_string()) }
    });

    agent.restart().unwrap();
    assert_eq!(agent.agent_id().unwrap(), id);
    // The task may still be there: its executor outlived the agent. What it does not use is offered.
    let back = only_offer(&mut framework);
    assert_eq!(back.agent_id, id);
    assert!(back.scalar("cpus") >= 1.5, "{back:?}");
}
