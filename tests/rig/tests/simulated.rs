//! Simulated agents are agents to a real master.

use std::time::Duration;

use apportion_rig::{
    DiskSource, Framework, FrameworkSpec, Master, OperationAnswer, Registry, Rig, SimulatedAgents,
    SimulatedDisk, SimulatedProvider, SimulatedSpec, TaskEnd, TaskEvent, TaskSpec, TaskState, scalar,
};
use serde_json::{Value, json};

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
fn simulated_tasks_outlive_their_master_and_end_when_told_as_borrowers_do() {
    let rig = rig();
    let mut master = rig.master().registry(Registry::ReplicatedLog).start().unwrap();
    let spec = SimulatedSpec {
        agents: 1,
        attributes: vec![("kind".to_owned(), "shared".to_owned())],
        task_time: Duration::MAX,
        ..SimulatedSpec::default()
    };
    let agents = SimulatedAgents::start(master.address(), spec).unwrap();
    let happened = agents.watch_tasks();
    let spec = FrameworkSpec::new("lasting").checkpoint(true).failover_timeout(Duration::from_secs(60));
    let mut framework = Framework::subscribe(master.address(), spec).unwrap();
    let offer = framework.next_offers(WITHIN).unwrap().remove(0);
    assert_eq!(offer.attribute("kind"), Some("shared"));
    framework.launch(&offer, &[TaskSpec::new("t", "never run").cpus(3.0)], None).unwrap();
    framework.wait_status("t", TaskState::Running, WITHIN).unwrap();

    master.kill().unwrap();
    master.restart().unwrap();
    framework.resubscribe(master.address()).unwrap();
    agents.reconnect();
    master.wait_for_agents(1, WITHIN).unwrap();
    let used = &master.get_json("/slaves").unwrap()["slaves"][0]["used_resources"]["cpus"];
    assert_eq!(used, &json!(3.0), "the task is in the new master's books");
    framework.reconcile(&["t"]).unwrap();
    framework.wait_status("t", TaskState::Running, WITHIN).unwrap();

    let running = agents.running_tasks();
    assert_eq!((running[0].task_id(), running[0].framework_id()), ("t".into(), framework.id().to_owned()));
    assert_eq!((running[0].regular_scalar("cpus"), running[0].revocable_scalar("cpus")), (3.0, 0.0));
    assert_eq!(running[0].role(), "*");
    assert!(agents.end_task(&running[0], TaskEnd::Preempted));
    assert!(!agents.end_task(&running[0], TaskEnd::Preempted), "it has ended already");
    let lost = framework.wait_status("t", TaskState::Lost, WITHIN).unwrap();
    assert_eq!(lost.reason.as_deref(), Some("REASON_CONTAINER_PREEMPTED"));
    let happened: Vec<TaskEvent> = happened.try_iter().collect();
    let [TaskEvent::Started(started), TaskEvent::Ended(ended, TaskEnd::Preempted)] = &happened[..] else {
        panic!("{happened:?}");
    };
    assert_eq!((started, ended), (&running[0], &running[0]));
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

#[test]
fn simulated_agent_has_further_disks() {
    let rig = rig();
    let master = rig.master().start().unwrap();
    let disks = vec![
        SimulatedDisk::new(DiskSource::Mount, 1000.0).root("/one"),
        SimulatedDisk::new(DiskSource::Path, 500.0).root("/two"),
    ];
    let spec = SimulatedSpec { agents: 1, disks, ..SimulatedSpec::default() };
    let _agents = SimulatedAgents::start(master.address(), spec).unwrap();
    let mut framework = Framework::subscribe(master.address(), FrameworkSpec::new("keeper")).unwrap();
    let offer = framework.next_offers(WITHIN).unwrap().remove(0);
    let sources: Vec<&Value> = offer.resources().iter().map(|resource| &resource["disk"]["source"]).collect();
    assert!(sources.contains(&&json!({"type": "MOUNT", "mount": {"root": "/one"}})), "{sources:?}");
    assert!(sources.contains(&&json!({"type": "PATH", "path": {"root": "/two"}})), "{sources:?}");
    assert_eq!(offer.scalar("disk"), 11_500.0);
}

/// The kinds of disks of a master's only agent that come from resource providers, with their sizes.
fn provided(master: &Master) -> Vec<(String, f64)> {
    let answer = match master.call(&json!({"type": "GET_AGENTS"})) {
        Ok(answer) => answer,
        // It shows its state before it has read its registry.
        Err(error) if error.to_string().contains("has not finished recovery") => return Vec::new(),
        Err(error) => panic!("the agents: {error}"),
    };
    let total = answer["get_agents"]["agents"][0]["total_resources"].as_array().cloned().unwrap_or_default();
    let provided = total.iter().filter(|resource| !resource["provider_id"].is_null());
    let mut found: Vec<(String, f64)> = provided
        .map(|resource| {
            let kind = resource["disk"]["source"]["type"].as_str().unwrap_or_default();
            let reserved = if resource["reservations"].is_null() { "" } else { " reserved" };
            (format!("{kind}{reserved}"), resource["scalar"]["value"].as_f64().unwrap_or_default())
        })
        .collect();
    found.sort_by(|one, other| one.0.cmp(&other.0));
    found
}

fn wait_until_provided(master: &Master, expected: &[(&str, f64)]) {
    let expected: Vec<(String, f64)> = expected.iter().map(|(kind, mb)| ((*kind).to_owned(), *mb)).collect();
    let started = std::time::Instant::now();
    while provided(master) != expected {
        assert!(started.elapsed() < WITHIN, "{:?} instead of {expected:?}", provided(master));
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn wait_until_no_operation_is_left(master: &Master) {
    let started = std::time::Instant::now();
    loop {
        let answer = master.call(&json!({"type": "GET_OPERATIONS"})).expect("the operations");
        if answer["get_operations"]["operations"].as_array().is_none_or(Vec::is_empty) {
            return;
        }
        assert!(started.elapsed() < WITHIN, "{answer}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn storage(mb: f64) -> SimulatedProvider {
    let disks = vec![SimulatedDisk::new(DiskSource::Raw, mb).profile("fast")];
    SimulatedProvider { name: "store".to_owned(), disks }
}

/// The operation on this much of a resource provider's disk of this kind, out of what a framework is offered next.
fn accept_next(framework: &mut Framework, kind: &str, mb: f64, operation: impl Fn(Value) -> Value) {
    let (offer, mut disk) = loop {
        let offers = framework.next_offers(WITHIN).expect("offers");
        let wanted = |resource: &&Value| resource["disk"]["source"]["type"] == kind;
        let found = offers.iter().find_map(|offer| {
            offer.resources().iter().find(wanted).map(|disk| (offer.clone(), disk.clone()))
        });
        match found {
            Some(found) => break found,
            None => framework.decline(&offers, Some(0.0)).expect("a decline"),
        }
    };
    disk["scalar"]["value"] = json!(mb);
    framework.accept(&[offer], vec![operation(disk)], Some(0.0)).expect("an accept");
}

fn reserve(mut resource: Value) -> Value {
    resource["reservations"] = json!([{"type": "DYNAMIC", "role": "db"}]);
    json!({"type": "RESERVE", "reserve": {"resources": [resource]}})
}

#[test]
fn resource_provider_makes_disks_of_raw_storage_and_goes_and_returns_with_them() {
    let rig = rig();
    let master = rig.master().start().unwrap();
    let spec =
        SimulatedSpec { agents: 1, providers: Some(vec![storage(1000.0)]), ..SimulatedSpec::default() };
    let agents = SimulatedAgents::start(master.address(), spec).unwrap();
    wait_until_provided(&master, &[("RAW", 1000.0)]);
    let spec = FrameworkSpec::new("db").roles(&["db"]).capabilities(&["RESERVATION_REFINEMENT"]);
    let mut framework = Framework::subscribe(master.address(), spec).unwrap();
    let create_disk = |source: Value| json!({"type": "CREATE_DISK", "create_disk": {"source": source, "target_type": "MOUNT"}});
    accept_next(&mut framework, "RAW", 400.0, create_disk);
    wait_until_provided(&master, &[("MOUNT", 400.0), ("RAW", 600.0)]);
    accept_next(&mut framework, "MOUNT", 400.0, reserve);
    wait_until_provided(&master, &[("MOUNT reserved", 400.0), ("RAW", 600.0)]);
    wait_until_no_operation_is_left(&master);

    agents.provide(&[]);
    wait_until_provided(&master, &[]);
    agents.provide(&[storage(1200.0)]);
    wait_until_provided(&master, &[("MOUNT reserved", 400.0), ("RAW", 800.0)]);
    agents.disconnect();
    master.wait_for_agents(0, WITHIN).unwrap();
    agents.reconnect();
    master.wait_for_agents(1, WITHIN).unwrap();
    wait_until_provided(&master, &[("MOUNT reserved", 400.0), ("RAW", 800.0)]);

    let destroy_disk = |source: Value| json!({"type": "DESTROY_DISK", "destroy_disk": {"source": source}});
    accept_next(&mut framework, "MOUNT", 400.0, destroy_disk);
    wait_until_provided(&master, &[("RAW", 800.0), ("RAW reserved", 400.0)]);
}

#[test]
fn resource_provider_leaves_an_operation_pending_until_it_is_to_fail() {
    let rig = rig();
    let master = rig.master().start().unwrap();
    let spec =
        SimulatedSpec { agents: 1, providers: Some(vec![storage(1000.0)]), ..SimulatedSpec::default() };
    let agents = SimulatedAgents::start(master.address(), spec).unwrap();
    wait_until_provided(&master, &[("RAW", 1000.0)]);
    agents.answer_operations(OperationAnswer::Wait);
    let spec = FrameworkSpec::new("db").roles(&["db"]).capabilities(&["RESERVATION_REFINEMENT"]);
    let mut framework = Framework::subscribe(master.address(), spec).unwrap();
    accept_next(&mut framework, "RAW", 400.0, reserve);
    wait_until_provided(&master, &[("RAW", 600.0), ("RAW reserved", 400.0)]);
    let pending = master.call(&json!({"type": "GET_OPERATIONS"})).unwrap();
    assert_eq!(pending["get_operations"]["operations"].as_array().map(Vec::len), Some(1), "{pending}");
    agents.answer_operations(OperationAnswer::Fail);
    wait_until_provided(&master, &[("RAW", 1000.0)]);
    wait_until_no_operation_is_left(&master);
}

#[test]
fn simulated_agent_with_providers_keeps_reservations_of_its_own_resources() {
    let rig = rig();
    let master = rig.master().start().unwrap();
    let spec = SimulatedSpec { agents: 1, providers: Some(Vec::new()), ..SimulatedSpec::default() };
    let agents = SimulatedAgents::start(master.address(), spec).unwrap();
    agents.wait_until_registered(WITHIN).unwrap();
    let id = json!({"value": master.get_json("/slaves").unwrap()["slaves"][0]["id"]});
    let mut cpus = scalar("cpus", 2.0);
    cpus["reservations"] = json!([{"type": "DYNAMIC", "role": "late"}]);
    let reserve = json!({"agent_id": id, "resources": [cpus]});
    master.call(&json!({"type": "RESERVE_RESOURCES", "reserve_resources": reserve})).unwrap();
    wait_until_no_operation_is_left(&master);
    let kept = || {
        let page = master.get_json("/slaves").unwrap();
        page["slaves"][0]["reserved_resources"]["late"]["cpus"].clone()
    };
    assert_eq!(kept(), 2.0);
    agents.disconnect();
    master.wait_for_agents(0, WITHIN).unwrap();
    agents.reconnect();
    master.wait_for_agents(1, WITHIN).unwrap();
    assert_eq!(kept(), 2.0, "it has written the reservation down");
}

fn agent_ids(page: &serde_json::Value) -> Vec<String> {
    let agents = page["slaves"].as_array().expect("a list of agents");
    let mut ids: Vec<String> = agents.iter().map(|agent| agent["id"].to_string()).collect();
    ids.sort();
    ids
}
