//! Reservations and volumes, by the operator and by frameworks.

use std::time::Duration;

use apportion_cluster_tests::{WITHIN, list, master, only_offer, subscribe, wait_until};
use apportion_rig::{Event, Framework, FrameworkSpec, Master, Offer, TaskSpec, TaskState, scalar};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

/// An amount reserved for a role.
fn reserved(name: &str, amount: f64, role: &str) -> Value {
    let mut resource = scalar(name, amount);
    resource["reservations"] = json!([{"type": "DYNAMIC", "role": role}]);
    resource
}

/// The same, allocated to the role, as operations of a framework want it.
fn allocated(mut resource: Value, role: &str) -> Value {
    resource["allocation_info"] = json!({"role": role});
    resource
}

/// A framework that sees reservations as they are.
fn framework(master: &Master, name: &str, role: &str) -> Framework {
    let spec = FrameworkSpec::new(name).roles(&[role]).capabilities(&["RESERVATION_REFINEMENT"]);
    Framework::subscribe(master.address(), spec).unwrap()
}

/// Sum of a resource in an offer that is reserved for a role, or for nobody (`None`).
fn amount(offer: &Offer, name: &str, role: Option<&str>) -> f64 {
    let kind = |resource: &&Value| {
        let owner = list(&resource["reservations"]).last().and_then(|last| last["role"].as_str());
        resource["name"] == name && owner == role
    };
    offer.resources().iter().filter(kind).filter_map(|resource| resource["scalar"]["value"].as_f64()).sum()
}

/// The next offer that looks as wanted; others are given back. Before an operation is known to the master's agent the
/// offers are as they were.
fn offer_with(framework: &mut Framework, what: &str, wanted: impl Fn(&Offer) -> bool) -> Offer {
    wait_until(what, || {
        let offer = only_offer(framework);
        if wanted(&offer) {
            return Ok(offer);
        }
        let there = format!("{:?}", offer.resources());
        framework.decline(&[offer], Some(0.0)).map_err(|error| error.to_string())?;
        Err(there)
    })
}

/// The `/reserve` and `/unreserve` endpoints take a form.
fn post_form(master: &Master, path: &str, agent_id: &str, resources: &Value) -> Result<String, String> {
    let resources = resources.to_string();
    let form = format!(
        "slaveId={}&resources={}",
        utf8_percent_encode(agent_id, NON_ALPHANUMERIC),
        utf8_percent_encode(&resources, NON_ALPHANUMERIC)
    );
    let answer = master.http().post_text(path, "application/x-www-form-urlencoded", &form);
    answer.map_err(|error| error.to_string())
}

fn agent_id(master: &Master) -> String {
    let agents = master.get_json("/slaves").unwrap();
    agents["slaves"][0]["id"].as_str().expect("an agent").to_owned()
}

#[test]
fn operators_reservation_of_idle_resources_is_offered_to_its_role_only() {
    let master = master(&[]).agents(1).start().unwrap();
    let agent_id = agent_id(&master);
    let wanted = json!([reserved("cpus", 1.5, "database"), reserved("mem", 512.0, "database")]);
    post_form(&master, "/reserve", &agent_id, &wanted).unwrap();

    let mut stranger = framework(&master, "stranger", "web");
    let offer = only_offer(&mut stranger);
    assert_eq!((amount(&offer, "cpus", None), offer.scalar("cpus")), (2.5, 2.5));
    let mut owner = framework(&master, "owner", "database");
    let own = only_offer(&mut owner);
    assert_eq!((amount(&own, "cpus", Some("database")), amount(&own, "mem", Some("database"))), (1.5, 512.0));
    assert_eq!(own.scalar("cpus"), 1.5, "the rest is with the stranger");

    owner.suppress(&[]).unwrap();
    owner.decline(&[own], Some(0.0)).unwrap();
    stranger.decline(&[offer], Some(0.0)).unwrap();
    post_form(&master, "/unreserve", &agent_id, &wanted).unwrap();
    offer_with(&mut stranger, "the whole agent, unreserved", |offer| amount(offer, "cpus", None) == 4.0);
}

#[test]
fn operators_reservation_of_offered_resources_takes_the_offer_back() {
    let master = master(&[]).agents(1).start().unwrap();
    let mut stranger = framework(&master, "stranger", "web");
    let offer = only_offer(&mut stranger);
    post_form(&master, "/reserve", &agent_id(&master), &json!([reserved("cpus", 1.0, "database")])).unwrap();
    match stranger.next_event(WITHIN).unwrap() {
        Event::Rescinded(id) => assert_eq!(id, offer.id),
        other => panic!("expected the offer to be taken back, found {other:?}"),
    }
    let again = only_offer(&mut stranger);
    assert_eq!((again.scalar("cpus"), amount(&again, "cpus", None)), (3.0, 3.0));
}

#[test]
fn operators_reservation_of_used_resources_is_refused_with_conflict() {
    let master = master(&[]).agents(1).start().unwrap();
    let mut user = subscribe(master.address(), "user", &["web"]);
    let offer = only_offer(&mut user);
    user.launch(&offer, &[TaskSpec::new("big", "sleep 600").cpus(3.5)], Some(600.0)).unwrap();
    user.wait_status("big", TaskState::Running, WITHIN).unwrap();
    let wanted = json!([reserved("cpus", 1.0, "database")]);
    let refusal = post_form(&master, "/reserve", &agent_id(&master), &wanted).unwrap_err();
    assert!(refusal.contains("status 409"), "{refusal}");
    let call = json!({"type": "RESERVE_RESOURCES", "reserve_resources": {
        "agent_id": {"value": agent_id(&master)}, "resources": wanted,
    }});
    let refusal = master.call(&call).unwrap_err().to_string();
    assert!(refusal.contains("status 409"), "{refusal}");
    let possible = json!([reserved("cpus", 0.5, "database")]);
    post_form(&master, "/reserve", &agent_id(&master), &possible).unwrap();
}

#[test]
fn frameworks_reservation_is_offered_to_its_role_only_until_it_is_undone() {
    let master = master(&[]).agents(1).start().unwrap();
    let mut owner = framework(&master, "owner", "database");
    let offer = only_offer(&mut owner);
    let wanted = json!([allocated(reserved("cpus", 1.0, "database"), "database")]);
    let reserve = json!({"type": "RESERVE", "reserve": {"resources": wanted}});
    owner.accept(&[offer], vec![reserve], Some(0.0)).unwrap();
    let own =
        offer_with(&mut owner, "a reserved cpu", |offer| amount(offer, "cpus", Some("database")) == 1.0);
    assert_eq!(own.scalar("cpus"), 4.0);

    let mut stranger = framework(&master, "stranger", "web");
    owner.suppress(&[]).unwrap();
    owner.decline(std::slice::from_ref(&own), Some(0.0)).unwrap();
    let theirs = only_offer(&mut stranger);
    assert_eq!((theirs.scalar("cpus"), amount(&theirs, "cpus", None)), (3.0, 3.0));

    owner.revive(&[]).unwrap();
    let own = only_offer(&mut owner);
    assert_eq!((own.scalar("cpus"), amount(&own, "cpus", Some("database"))), (1.0, 1.0));
    let unreserve = json!({"type": "UNRESERVE", "unreserve": {"resources": wanted}});
    owner.suppress(&[]).unwrap();
    owner.accept(&[own], vec![unreserve], Some(0.0)).unwrap();
    stranger.decline(&[theirs], Some(0.0)).unwrap();
    offer_with(&mut stranger, "the whole agent, unreserved", |offer| amount(offer, "cpus", None) == 4.0);
}

#[test]
fn volume_is_made_used_by_a_task_kept_and_destroyed() {
    // Disk alone is no offer without this.
    let minimum = "cpus:0.01|mem:32|disk:1";
    let master = master(&[]).agents(1).flag("min_allocatable_resources", minimum).start().unwrap();
    let mut owner = framework(&master, "owner", "database");
    let offer = only_offer(&mut owner);
    let disk = allocated(reserved("disk", 64.0, "database"), "database");
    let mut volume = disk.clone();
    volume["disk"] =
        json!({"persistence": {"id": "books"}, "volume": {"container_path": "data", "mode": "RW"}});
    let make = vec![
        json!({"type": "RESERVE", "reserve": {"resources": [disk]}}),
        json!({"type": "CREATE", "create": {"volumes": [volume]}}),
    ];
    owner.accept(&[offer], make, Some(0.0)).unwrap();
    let is_volume = |resource: &Value| resource["disk"]["persistence"]["id"] == "books";
    let has_volume = |offer: &Offer| offer.resources().iter().any(is_volume);
    let offer = offer_with(&mut owner, "the volume", has_volume);

    let task = TaskSpec::new("writer", "echo kept > data/file && cat data/file").resources(vec![
        allocated(scalar("cpus", 0.1), "database"),
        allocated(scalar("mem", 32.0), "database"),
        volume.clone(),
    ]);
    owner.launch(&offer, &[task], Some(0.0)).unwrap();
    owner.wait_status("writer", TaskState::Finished, WITHIN).unwrap();
    let offer = offer_with(&mut owner, "the volume again, and all else", |offer| {
        has_volume(offer) && offer.scalar("cpus") == 4.0
    });

    let mut stranger = framework(&master, "stranger", "web");
    owner.suppress(&[]).unwrap();
    owner.decline(&[offer], Some(0.0)).unwrap();
    let theirs = only_offer(&mut stranger);
    assert!(!has_volume(&theirs) && theirs.scalar("disk") == 1984.0, "{theirs:?}");

    owner.revive(&[]).unwrap();
    let offer = only_offer(&mut owner);
    assert!(has_volume(&offer) && offer.resources().len() == 1, "{offer:?}");
    let unmake = vec![
        json!({"type": "DESTROY", "destroy": {"volumes": [volume]}}),
        json!({"type": "UNRESERVE", "unreserve": {"resources": [disk]}}),
    ];
    owner.suppress(&[]).unwrap();
    owner.accept(&[offer], unmake, Some(0.0)).unwrap();
    stranger.decline(&[theirs], Some(0.0)).unwrap();
    offer_with(&mut stranger, "all of the disk, unreserved", |offer| amount(offer, "disk", None) == 2048.0);
    assert!(owner.offers_during(Duration::from_millis(500)).unwrap().is_empty());
}
