//! Many events and many kinds of resources at once: a backlog of revivals, and a cluster full of reservations and
//! volumes whose metrics are read while it works.

use std::collections::{BTreeMap, BTreeSet};
use std::thread;
use std::time::{Duration, Instant};

use apportion_cluster_tests::{WITHIN, list, master, subscribe, wait_until};
use apportion_rig::{Framework, FrameworkSpec, Master, Offer, SimulatedAgents, SimulatedSpec, scalar};
use serde_json::{Value, json};

const NO_BATCH: Duration = Duration::from_secs(3600);

fn start(interval: Duration) -> Master {
    // The master answers for its metrics twice a second only, unless this variable is empty.
    let builder = master(&[]).allocation_interval(interval).logging_level("WARNING");
    builder.variable("LIBPROCESS_METRICS_SNAPSHOT_ENDPOINT_RATE_LIMIT", "").start().unwrap()
}

fn runs(master: &Master) -> f64 {
    master.get_json("/metrics/snapshot").unwrap()["allocator/mesos/allocation_runs"]
        .as_f64()
        .expect("a count")
}

fn count(number: usize) -> f64 {
    u32::try_from(number).map(f64::from).unwrap()
}

/// Waits until the allocator's agents have so many cpus.
fn wait_for_cpus(master: &Master, cpus: f64) {
    wait_until(&format!("{cpus} cpus in the allocator"), || {
        let snapshot = master.get_json("/metrics/snapshot").map_err(|error| error.to_string())?;
        let found = &snapshot["allocator/mesos/resources/cpus/total"];
        if *found == cpus { Ok(()) } else { Err(found.to_string()) }
    });
}

#[test]
fn item_293_backlog_of_revivals_is_answered_by_far_fewer_runs() {
    const AGENTS: usize = 2_000;
    const FRAMEWORKS: usize = 8;
    const REVIVALS: usize = 100;
    let master = start(NO_BATCH);
    let spec = SimulatedSpec { agents: AGENTS, ..SimulatedSpec::default() };
    let agents = SimulatedAgents::start(master.address(), spec).unwrap();
    agents.wait_until_registered(WITHIN).unwrap();
    wait_for_cpus(&master, 8.0 * count(AGENTS));
    let mut frameworks: Vec<Framework> = (0..FRAMEWORKS)
        .map(|number| {
            let role = format!("r{number}");
            let spec = FrameworkSpec::new(&format!("f{number}")).roles(&[&role]);
            let spec = spec.subscribe_field("suppressed_roles", json!([role]));
            Framework::subscribe(master.address(), spec).unwrap()
        })
        .collect();
    let before = runs(&master);

    thread::scope(|scope| {
        for framework in &mut frameworks {
            scope.spawn(move || framework.call_at_once("REVIVE", &json!({"revive": {}}), REVIVALS).unwrap());
        }
    });
    wait_until("every agent to be offered", || {
        let state = master.state().map_err(|error| error.to_string())?;
        let offered = list(&state["slaves"]).iter().filter(|agent| agent["offered_resources"]["cpus"] == 8.0);
        let agents = offered.count();
        if agents == AGENTS { Ok(()) } else { Err(format!("{agents} of {AGENTS}")) }
    });
    // Asked behind all revivals: each was heard.
    let page = master.get_json("/allocator/offer_constraints_debug").unwrap();
    for framework in &frameworks {
        assert_eq!(page["frameworks"][framework.id()]["suppressed_roles"], json!([]), "{page}");
    }
    let (after, revivals) = (runs(&master) - before, FRAMEWORKS * REVIVALS);
    assert!(after < count(revivals) / 2.0, "{after} runs for {revivals} revivals");
}

/// Resources of one agent of [`full_of_kinds`], by what is made of its disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Volumes {
    None,
    Regular,
    Shared,
}

const KINDS: usize = 1_200;
const IDLE_FRAMEWORKS: usize = 200;
/// Offers that are answered by an operation instead of a refusal.
const OPERATIONS: usize = 50;
const ROLE: &str = "owner";

/// Reserved for [`ROLE`] with labels that no other agent's resources have.
fn labelled(mut resource: Value, number: usize) -> Value {
    let labels = json!({"labels": [{"key": "number", "value": number.to_string()}]});
    resource["reservations"] = json!([{"type": "DYNAMIC", "role": ROLE, "labels": labels}]);
    resource
}

fn volumes_of(number: usize) -> Volumes {
    [Volumes::None, Volumes::Regular, Volumes::Shared][number % 3]
}

/// Agents each with a reservation of its own kind, and volumes on two of three.
fn full_of_kinds(master: &Master) -> SimulatedAgents {
    let spec = SimulatedSpec { agents: KINDS, ..SimulatedSpec::default() };
    let agents = SimulatedAgents::start(master.address(), spec).unwrap();
    agents.wait_until_registered(WITHIN).unwrap();
    let state = master.get_json("/slaves").unwrap();
    for (number, agent) in list(&state["slaves"]).iter().enumerate() {
        let id = json!({"value": agent["id"]});
        let disk = labelled(scalar("disk", 100.0), number);
        let reserved = [labelled(scalar("cpus", 1.0), number), disk.clone()];
        let reserve = json!({"agent_id": id, "resources": reserved});
        master.call(&json!({"type": "RESERVE_RESOURCES", "reserve_resources": reserve})).unwrap();
        if volumes_of(number) == Volumes::None {
            continue;
        }
        let mut volume = disk;
        volume["disk"] = json!({
            "persistence": {"id": format!("v{number}")}, "volume": {"container_path": "data", "mode": "RW"},
        });
        if volumes_of(number) == Volumes::Shared {
            volume["shared"] = json!({});
        }
        let create = json!({"agent_id": id, "volumes": [volume]});
        master.call(&json!({"type": "CREATE_VOLUMES", "create_volumes": create})).unwrap();
    }
    agents
}

/// Everything frameworks are offered until the cpus of all agents have been. Nothing is declined meanwhile, so what is
/// offered twice is there twice.
fn gather(frameworks: &mut [Framework]) -> Vec<Offer> {
    let started = Instant::now();
    let (mut offers, mut cpus) = (Vec::new(), 0.0);
    while cpus < 8.0 * count(KINDS) {
        assert!(started.elapsed() < WITHIN, "{cpus} cpus of {KINDS} agents have been offered");
        for framework in frameworks.iter_mut() {
            offers.extend(framework.offers_during(Duration::from_millis(20)).unwrap());
        }
        cpus = offers.iter().map(|offer: &Offer| offer.scalar("cpus")).sum();
    }
    offers
}

/// Requires that every free resource that is not shared is in exactly one offer.
fn require_exactly_once(offers: &[Offer]) {
    let mut cpus: BTreeMap<&str, f64> = BTreeMap::new();
    let mut disk: BTreeMap<&str, f64> = BTreeMap::new();
    for offer in offers {
        *cpus.entry(&offer.agent_id).or_default() += offer.scalar("cpus");
        let exclusive = offer.resources().iter().filter(|resource| resource["shared"].is_null());
        let exclusive = exclusive.filter(|resource| resource["name"] == "disk");
        *disk.entry(&offer.agent_id).or_default() +=
            exclusive.filter_map(|resource| resource["scalar"]["value"].as_f64()).sum::<f64>();
    }
    assert_eq!(cpus.len(), KINDS);
    assert!(cpus.values().all(|amount| *amount == 8.0), "{cpus:?}");
    let exclusive = |amount: &&f64| **amount == 10_000.0;
    let shared = |amount: &&f64| **amount == 9_900.0;
    let counts = (disk.values().filter(exclusive).count(), disk.values().filter(shared).count());
    assert_eq!(counts, (KINDS / 3 * 2, KINDS / 3), "{disk:?}");
}

/// The reserved resources in an offer that has them and no volume. Of a volume the reservation has to stay, and the
/// disk would wait for its role in vain if another were offered the cpus.
fn can_be_undone(offer: &Offer) -> Vec<&Value> {
    let resources = offer.resources();
    if resources.iter().any(|resource| !resource["disk"].is_null()) {
        return Vec::new();
    }
    resources.iter().filter(|resource| !list(&resource["reservations"]).is_empty()).collect()
}

/// Those of these offers that a framework has.
fn offers_held(master: &Master, framework: &Framework, offers: &[Offer]) -> Vec<Offer> {
    let state = master.state().unwrap();
    let mut entries = list(&state["frameworks"]).iter();
    let entry = entries.find(|entry| entry["id"] == framework.id()).expect("a framework");
    let held: BTreeSet<&str> =
        list(&entry["offers"]).iter().filter_map(|offer| offer["id"].as_str()).collect();
    offers.iter().filter(|offer| held.contains(&*offer.id)).cloned().collect()
}

#[test]
fn item_294_many_kinds_of_resources_are_offered_exactly_once_each() {
    let master = start(Duration::from_millis(200));
    let agents = full_of_kinds(&master);
    let capable = ["RESERVATION_REFINEMENT", "SHARED_RESOURCES"];
    let spec = |name: &str| FrameworkSpec::new(name).roles(&[ROLE, "others"]).capabilities(&capable);
    let idle: Vec<Framework> = (0..IDLE_FRAMEWORKS)
        .map(|number| {
            let spec =
                spec(&format!("idle-{number}")).subscribe_field("suppressed_roles", json!([ROLE, "others"]));
            Framework::subscribe(master.address(), spec).unwrap()
        })
        .collect();
    let mut active: Vec<Framework> =
        ["first", "second"].map(|name| Framework::subscribe(master.address(), spec(name)).unwrap()).into();
    let offers = gather(&mut active);
    require_exactly_once(&offers);

    // Some reservations are undone, all else is given back, every agent says something new: all is offered again.
    let mut operations = 0;
    for framework in &mut active {
        let (used, refused): (Vec<Offer>, Vec<Offer>) =
            offers_held(&master, framework, &offers).into_iter().partition(|offer| {
                let used = !can_be_undone(offer).is_empty() && operations < OPERATIONS;
                operations += usize::from(used);
                used
            });
        for offer in used {
            let unreserve = json!({"type": "UNRESERVE", "unreserve": {"resources": can_be_undone(&offer)}});
            framework.accept(&[offer], vec![unreserve], Some(0.0)).unwrap();
        }
        framework.decline(&refused, Some(0.0)).unwrap();
    }
    assert_eq!(operations, OPERATIONS);
    agents.lend_cpus(1.0);
    wait_for_cpus(&master, 9.0 * count(KINDS));
    require_exactly_once(&gather(&mut active));
    drop(idle);
}

#[test]
fn item_295_metrics_are_answered_while_runs_go_on() {
    let master = start(Duration::from_millis(10));
    let _agents = full_of_kinds(&master);
    let mut frameworks: Vec<Framework> = (0..50)
        .map(|number| subscribe(master.address(), &format!("f{number}"), &[&format!("r{number}"), ROLE]))
        .collect();
    let before = runs(&master);
    let started = Instant::now();
    let mut slowest = Duration::ZERO;
    for framework in frameworks.iter_mut().take(20) {
        framework.revive(&[]).unwrap();
        let asked = Instant::now();
        let snapshot = master.get_json("/metrics/snapshot").unwrap();
        slowest = slowest.max(asked.elapsed());
        let metrics = snapshot.as_object().expect("metrics");
        for number in 0..50 {
            let share = format!("allocator/mesos/roles/r{number}/shares/dominant");
            assert!(metrics.contains_key(&share), "{share}");
        }
        assert_eq!(metrics["allocator/mesos/resources/cpus/total"], count(KINDS) * 8.0);
    }
    wait_until("runs beside the questions", || {
        let more = runs(&master) - before;
        if more >= 2.0 { Ok(()) } else { Err(format!("{more} in {:?}", started.elapsed())) }
    });
    assert!(slowest < WITHIN, "{slowest:?}");
}
