//! What becomes of offers between a master and the allocator: races, rescissions, rests of tasks, weights.

use std::time::{Duration, Instant};

use apportion_cluster_tests::{
    ALLOCATION_INTERVAL, UNTIL_TOLD, WITHIN, agent, let_finish, list, master, only_offer, subscribe,
    wait_until,
};
use apportion_rig::{
    Event, Framework, FrameworkSpec, Master, SimulatedAgents, SimulatedSpec, TaskSpec, TaskState,
};
use serde_json::{Value, json};

/// So long that no batch happens in a test: what comes is brought by an event.
const NO_BATCH: Duration = Duration::from_secs(3600);
/// A refusal that holds for a whole test.
const LONG: f64 = 3600.0;
const AGENT: &str = "cpus:4;mem:1024;disk:64;ports:[31000-31009]";

/// Agents whose tasks go on until they are killed.
fn simulated(master: &Master, spec: SimulatedSpec) -> SimulatedAgents {
    let spec = SimulatedSpec { task_time: Duration::from_secs(3600), ..spec };
    let agents = SimulatedAgents::start(master.address(), spec).unwrap();
    agents.wait_until_registered(WITHIN).unwrap();
    agents
}

/// An amount in a framework's entry on the state page.
fn amount(master: &Master, framework: &str, kind: &str, name: &str) -> f64 {
    let state = master.state().unwrap();
    let entry = list(&state["frameworks"]).iter().find(|entry| entry["name"] == framework).cloned();
    entry.expect("a framework")[kind][name].as_f64().unwrap_or(0.0)
}

/// Waits until so many cpus are offered to a framework.
fn wait_for_offered_cpus(master: &Master, framework: &str, cpus: f64) {
    wait_until(&format!("{cpus} cpus offered to {framework}"), || {
        let offered = amount(master, framework, "offered_resources", "cpus");
        if offered == cpus { Ok(()) } else { Err(format!("{offered} cpus")) }
    });
}

#[test]
fn item_246_offer_in_flight_to_a_removed_framework_goes_to_another() {
    const AGENTS: u32 = 1_000;
    const TRIES: usize = 20;
    let cpus = f64::from(AGENTS) * 8.0;
    let master = master(&[]).allocation_interval(NO_BATCH).start().unwrap();
    let _agents = simulated(&master, SimulatedSpec { agents: 1_000, ..SimulatedSpec::default() });
    let returning = "Master returning resources offered to framework";
    // A run over a thousand agents takes longer than the master takes to remove the framework that asked for it.
    let raced = (0..TRIES).any(|number| {
        let name = format!("short-lived-{number}");
        let spec = FrameworkSpec::new(&name).roles(&["a"]).subscribe_field("suppressed_roles", json!(["a"]));
        let framework = Framework::subscribe(master.address(), spec).unwrap();
        framework.revive(&[]).unwrap();
        framework.teardown().unwrap();
        master.log().contains(returning)
    });
    // The line may be written after the last look.
    if !raced {
        master.wait_for_log(returning, WITHIN).unwrap();
    }
    let _heir = subscribe(master.address(), "heir", &["b"]);
    wait_for_offered_cpus(&master, "heir", cpus);
}

#[test]
fn item_247_scheduler_that_fails_over_is_offered_what_its_task_leaves() {
    let master = master(&[]).agents(1).resources(AGENT).start().unwrap();
    let spec = FrameworkSpec::new("lasting").failover_timeout(Duration::from_secs(60));
    let mut framework = Framework::subscribe(master.address(), spec).unwrap();
    let offer = only_offer(&mut framework);
    framework
        .launch(&offer, &[TaskSpec::new("kept", UNTIL_TOLD).cpus(1.0).mem_mb(64.0)], Some(LONG))
        .unwrap();
    framework.wait_status("kept", TaskState::Running, WITHIN).unwrap();

    framework.disconnect();
    master.wait_for_log("isconnecting framework", WITHIN).unwrap();
    framework.resubscribe(master.address()).unwrap();
    let rest = only_offer(&mut framework);
    assert_eq!(
        (rest.scalar("cpus"), rest.scalar("mem")),
        (3.0, 960.0),
        "its refusal went with the connection"
    );

    // Over a connection that still stands: the offer is replaced.
    framework.resubscribe(master.address()).unwrap();
    let again = only_offer(&mut framework);
    assert_ne!(again.id, rest.id);
    assert_eq!((again.scalar("cpus"), again.scalar("mem")), (3.0, 960.0));
    let_finish(&master.sandbox(framework.id(), "kept").unwrap());
    framework.wait_status("kept", TaskState::Finished, WITHIN).unwrap();
}

#[test]
fn item_250_new_weights_take_all_offers_back_and_share_anew() {
    const AGENTS: f64 = 6.0;
    let master = master(&[]).start().unwrap();
    let mut single = subscribe(master.address(), "one", &["single"]);
    let mut double = subscribe(master.address(), "two", &["double"]);
    let _agents = simulated(&master, SimulatedSpec { agents: 6, ..SimulatedSpec::default() });
    for name in ["one", "two"] {
        wait_for_offered_cpus(&master, name, AGENTS / 2.0 * 8.0);
    }
    let mut before: Vec<String> = Vec::new();
    for framework in [&mut single, &mut double] {
        before
            .extend(framework.offers_during(ALLOCATION_INTERVAL).unwrap().into_iter().map(|offer| offer.id));
    }
    assert_eq!(before.len(), 6);

    let weights = json!([{"role": "double", "weight": 2.0}]);
    master.call(&json!({"type": "UPDATE_WEIGHTS", "update_weights": {"weight_infos": weights}})).unwrap();
    wait_for_offered_cpus(&master, "two", 32.0);
    wait_for_offered_cpus(&master, "one", 16.0);
    let mut rescinded: Vec<String> = Vec::new();
    for framework in [&mut single, &mut double] {
        for _ in 0..3 {
            match framework.next_event(WITHIN).unwrap() {
                Event::Rescinded(id) => rescinded.push(id),
                other => panic!("expected an offer to be taken back, found {other:?}"),
            }
        }
    }
    before.sort();
    rescinded.sort();
    assert_eq!(rescinded, before);
}

#[test]
fn item_251_agents_with_only_cpus_or_only_memory_are_offered_and_usable() {
    let master = master(&[]).start().unwrap();
    let bare = SimulatedSpec { agents: 1, cpus: 0.0, mem_mb: 0.0, disk_mb: 0.0, ..SimulatedSpec::default() };
    let _cpus = simulated(&master, SimulatedSpec { cpus: 2.0, hosts: "cpus".to_owned(), ..bare.clone() });
    let _mem = simulated(&master, SimulatedSpec { mem_mb: 512.0, hosts: "mem".to_owned(), ..bare });
    for (name, host, amount) in [("cpus", "cpus-1", 2.0), ("mem", "mem-1", 512.0)] {
        let mut framework = subscribe(master.address(), name, &[name]);
        let mut offers = Vec::new();
        while offers.len() < 2 {
            offers.extend(framework.next_offers(WITHIN).unwrap());
        }
        let position =
            offers.iter().position(|offer| offer.hostname == host).expect("an offer of that agent");
        let offer = offers.remove(position);
        framework.decline(&offers, Some(LONG)).unwrap();
        assert_eq!((offer.scalar(name), offer.scalar("cpus") + offer.scalar("mem")), (amount, amount));
        let all = TaskSpec::new(name, "simulated").resources(vec![apportion_rig::scalar(name, amount)]);
        framework.launch(&offer, &[all], Some(0.0)).unwrap();
        framework.wait_status(name, TaskState::Running, WITHIN).unwrap();
        framework.kill(name, None).unwrap();
        framework.wait_status(name, TaskState::Killed, WITHIN).unwrap();
        // Ports alone are no offer, so what comes next has the task's resources again.
        let again = only_offer(&mut framework);
        assert_eq!((again.hostname.as_str(), again.scalar(name)), (host, amount));
        framework.teardown().unwrap();
    }
}

#[test]
fn item_285_rest_of_an_offer_goes_at_once_to_a_framework_that_registers() {
    let master = master(&[]).allocation_interval(NO_BATCH).agents(1).resources(AGENT).start().unwrap();
    let mut first = subscribe(master.address(), "first", &["a"]);
    let offer = only_offer(&mut first);
    first.launch(&offer, &[TaskSpec::new("part", UNTIL_TOLD).cpus(1.5).mem_mb(24.0)], None).unwrap();
    first.wait_status("part", TaskState::Running, WITHIN).unwrap();
    let mut second = subscribe(master.address(), "second", &["b"]);
    let rest = only_offer(&mut second);
    assert_eq!((rest.scalar("cpus"), rest.scalar("mem"), rest.scalar("disk")), (2.5, 1000.0, 64.0));
}

#[test]
fn item_286_torn_down_frameworks_resources_go_to_the_other() {
    let master = master(&[]).agents(1).resources(AGENT).start().unwrap();
    let mut leaving = subscribe(master.address(), "leaving", &["a"]);
    let offer = only_offer(&mut leaving);
    leaving.launch(&offer, &[TaskSpec::new("theirs", "sleep 600").cpus(2.5)], Some(LONG)).unwrap();
    leaving.wait_status("theirs", TaskState::Running, WITHIN).unwrap();
    let mut staying = subscribe(master.address(), "staying", &["b"]);
    let offer = only_offer(&mut staying);
    assert_eq!(offer.scalar("cpus"), 1.5);
    staying.launch(&offer, &[TaskSpec::new("own", "sleep 600").cpus(1.0)], Some(0.0)).unwrap();
    staying.wait_status("own", TaskState::Running, WITHIN).unwrap();
    let rest = only_offer(&mut staying);
    assert_eq!(rest.scalar("cpus"), 0.5);

    leaving.teardown().unwrap();
    let freed = only_offer(&mut staying);
    assert_eq!(freed.scalar("cpus"), 2.5);
    assert_eq!(amount(&master, "staying", "used_resources", "cpus"), 1.0, "its own task stays charged");
    assert!(staying.offers_during(5 * ALLOCATION_INTERVAL).unwrap().is_empty(), "nothing more than that");
}

#[test]
fn item_287_ended_tasks_resources_come_back_together_with_the_rest() {
    let master = master(&[]).agents(1).resources(AGENT).start().unwrap();
    let mut framework = subscribe(master.address(), "two tasks", &["a"]);
    let offer = only_offer(&mut framework);
    let tasks = ["short", "long"].map(|id| TaskSpec::new(id, UNTIL_TOLD).cpus(1.0).mem_mb(128.0));
    // The rest is refused, but not what the rest and a task are together.
    framework.launch(&offer, &tasks, Some(LONG)).unwrap();
    for id in ["short", "long"] {
        framework.wait_status(id, TaskState::Running, WITHIN).unwrap();
    }
    let_finish(&master.sandbox(framework.id(), "short").unwrap());
    framework.wait_status("short", TaskState::Finished, WITHIN).unwrap();
    let together = only_offer(&mut framework);
    assert_eq!((together.scalar("cpus"), together.scalar("mem")), (3.0, 896.0));
}

#[test]
fn item_290_role_below_another_that_has_least_gets_the_new_agent_and_can_use_it() {
    let master = master(&[]).start().unwrap();
    let first = agent(master.address(), &[]).name("first agent").resources(AGENT).start().unwrap();
    let mut holder = subscribe(master.address(), "holder", &["a/b"]);
    let offer = only_offer(&mut holder);
    assert_eq!(offer.agent_id, first.agent_id().unwrap());
    let whole = TaskSpec::new("all", "sleep 600").cpus(4.0).mem_mb(1024.0).disk_mb(64.0);
    holder.launch(&offer, &[whole], Some(LONG)).unwrap();
    holder.wait_status("all", TaskState::Running, WITHIN).unwrap();
    let mut sibling = subscribe(master.address(), "sibling", &["a/c"]);
    let mut stranger = subscribe(master.address(), "stranger", &["b/x"]);

    let second = agent(master.address(), &[]).name("second agent").resources(AGENT).start().unwrap();
    let given = only_offer(&mut stranger);
    assert_eq!(given.agent_id, second.agent_id().unwrap());
    // Theirs runs while the rest is looked for: what a task that ends gives back is the stranger's again.
    stranger.launch(&given, &[TaskSpec::new("theirs", UNTIL_TOLD)], Some(LONG)).unwrap();
    stranger.wait_status("theirs", TaskState::Running, WITHIN).unwrap();
    let refused = sibling.next_offers(WITHIN).unwrap();
    assert!(
        refused.iter().all(|offer| offer.agent_id == given.agent_id),
        "what the stranger left of it, and nothing of the first"
    );
    let_finish(&second.sandbox(stranger.id(), "theirs").unwrap());
    stranger.wait_status("theirs", TaskState::Finished, WITHIN).unwrap();
}

#[test]
fn item_291_batch_after_a_short_refusal_offers_both_agents_in_one_message() {
    let master = master(&[]).start().unwrap();
    let first = SimulatedSpec { agents: 1, hosts: "first".to_owned(), ..SimulatedSpec::default() };
    let _first = simulated(&master, first.clone());
    let mut framework = subscribe(master.address(), "patient", &["a"]);
    let offer = only_offer(&mut framework);
    let filter = 2.0;
    let refused = Instant::now();
    framework.launch(&offer, &[TaskSpec::new("part", "simulated")], Some(filter)).unwrap();
    framework.wait_status("part", TaskState::Running, WITHIN).unwrap();
    let _second = simulated(&master, SimulatedSpec { hosts: "second".to_owned(), ..first });
    let new = only_offer(&mut framework);
    assert_eq!(new.hostname, "second-1", "the rest of the first is refused");
    // Until the first agent's filter has ended.
    let left = Duration::from_secs_f64(filter).saturating_sub(refused.elapsed()).as_secs_f64();
    let messages = offer_messages(&master, framework.id());
    framework.decline(&[new], Some(left)).unwrap();

    let mut hosts: Vec<String> = Vec::new();
    while hosts.len() < 2 {
        hosts.extend(framework.next_offers(WITHIN).unwrap().into_iter().map(|offer| offer.hostname));
    }
    hosts.sort();
    assert_eq!(hosts, ["first-1", "second-1"]);
    assert_eq!(offer_messages(&master, framework.id()), messages + 1.0);
}

/// How many messages with offers the master has sent to a framework.
fn offer_messages(master: &Master, framework_id: &str) -> f64 {
    let snapshot = master.get_json("/metrics/snapshot").unwrap();
    let suffix = format!("/{framework_id}/events/offers");
    let metrics = snapshot.as_object().expect("metrics");
    let found = metrics.iter().find(|(name, _)| name.ends_with(&suffix));
    found.and_then(|(_, value)| value.as_f64()).expect("a count of messages")
}

/// Whether the allocator knows a framework: a page of the built-in allocator's that ours has, too.
fn is_known_to_the_allocator(master: &Master, framework_id: &str) -> bool {
    let page = master.get_json("/allocator/offer_constraints_debug").unwrap();
    !page["frameworks"][framework_id].is_null()
}

#[test]
fn item_292_framework_with_a_role_that_is_not_listed_never_reaches_the_allocator() {
    let master = master(&[]).flag("roles", "listed").agents(1).resources(AGENT).start().unwrap();
    let call = |role: &str| {
        json!({"type": "SUBSCRIBE", "subscribe": {"framework_info": {
            "user": "root", "name": "unlisted", "roles": [role], "capabilities": [{"type": "MULTI_ROLE"}],
        }}})
    };
    let (status, text) = master
        .http()
        .answer("POST", "/api/v1/scheduler", "application/json", &call("unlisted").to_string())
        .unwrap();
    assert_eq!(status, 200, "{text}");
    assert!(text.contains("ERROR") && text.contains("unlisted"), "{text}");
    let mut listed = subscribe(master.address(), "listed", &["listed"]);
    assert_eq!(only_offer(&mut listed).scalar("cpus"), 4.0);
    assert!(is_known_to_the_allocator(&master, listed.id()));
    let page = master.get_json("/allocator/offer_constraints_debug").unwrap();
    assert_eq!(page["frameworks"].as_object().map(serde_json::Map::len), Some(1), "{page}");
    let roles = master.get_json("/roles").unwrap();
    let names: Vec<&Value> = list(&roles["roles"]).iter().map(|role| &role["name"]).collect();
    assert!(!names.contains(&&json!("unlisted")), "{names:?}");
}

#[test]
fn item_289_whitelist_counts_from_the_start_and_again_after_each_change() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("whitelist");
    std::fs::write(&file, "listed-1\n").unwrap();
    let flag = format!("file://{}", file.display());
    let master = master(&[]).flag("whitelist", &flag).start().unwrap();
    let group = |hosts: &str| {
        let spec = SimulatedSpec { agents: 1, hosts: hosts.to_owned(), ..SimulatedSpec::default() };
        simulated(&master, spec)
    };
    let (_listed, _unlisted) = (group("listed"), group("unlisted"));
    let mut framework = subscribe(master.address(), "guest", &["a"]);
    let first = only_offer(&mut framework);
    assert_eq!(first.hostname, "listed-1");
    assert!(framework.offers_during(5 * ALLOCATION_INTERVAL).unwrap().is_empty(), "the other is not listed");

    // The master looks at the file every five seconds.
    std::fs::write(&file, "unlisted-1\n").unwrap();
    let second = only_offer(&mut framework);
    assert_eq!(second.hostname, "unlisted-1");
    framework.decline(&[first], Some(0.0)).unwrap();
    assert!(
        framework.offers_during(5 * ALLOCATION_INTERVAL).unwrap().is_empty(),
        "the first is listed no more"
    );

    std::fs::write(&file, "").unwrap();
    framework.decline(&[second], Some(0.0)).unwrap();
    let emptied = Instant::now();
    loop {
        let offers = framework.offers_during(5 * ALLOCATION_INTERVAL).unwrap();
        if offers.is_empty() {
            break;
        }
        assert!(emptied.elapsed() < WITHIN, "an empty whitelist stops all offers");
        framework.decline(&offers, Some(0.0)).unwrap();
    }
}
