//! Maintenance: schedules, inverse offers and their answers.

use apportion_cluster_tests::list;
use apportion_differential_tests::{Cluster, LONG, Setting, compare, in_seconds};
use serde_json::{Value, json};

use crate::resources::agents;

fn machine(hostname: &str) -> Value {
    json!({"hostname": hostname, "ip": "127.0.0.1"})
}

pub(crate) fn schedule(windows: &[(&[&str], i64)]) -> Value {
    let windows: Vec<Value> = windows
        .iter()
        .map(|(hosts, start)| {
            let machines: Vec<Value> = hosts.iter().map(|host| machine(host)).collect();
            let unavailability =
                json!({"start": in_seconds(*start), "duration": {"nanoseconds": 3_600_000_000_000_i64}});
            json!({"machine_ids": machines, "unavailability": unavailability})
        })
        .collect();
    json!({"type": "UPDATE_MAINTENANCE_SCHEDULE", "update_maintenance_schedule": {"schedule": {"windows": windows}}})
}

fn machines(call: &str, hosts: &[&str]) -> Value {
    let machines: Vec<Value> = hosts.iter().map(|host| machine(host)).collect();
    json!({"type": call, (call.to_lowercase()): {"machines": machines}})
}

/// Answers all inverse offers that a framework has.
fn answer(cluster: &mut Cluster, framework: &str, call: &str, refuse_seconds: f64) {
    let answer = cluster.master().call(&json!({"type": "GET_FRAMEWORKS"})).unwrap();
    let frameworks = list(&answer["get_frameworks"]["frameworks"]).iter();
    let ids: Vec<Value> = frameworks
        .filter(|entry| entry["framework_info"]["name"] == framework)
        .flat_map(|entry| list(&entry["inverse_offers"]))
        .map(|offer| offer["id"].clone())
        .collect();
    assert!(!ids.is_empty(), "{framework} has inverse offers: {answer}");
    let fields = json!({"inverse_offer_ids": ids, "filters": {"refuse_seconds": refuse_seconds}});
    cluster.framework_call("answer", framework, call, &json!({(call.to_lowercase()): fields}));
}

#[test]
fn frameworks_are_asked_to_leave_and_their_answers_are_shown() {
    compare("maintenance", Setting::PLAIN, &[], |cluster: &mut Cluster| {
        cluster.agents(agents("left", 1));
        cluster.subscribe_in("tenant", &["a"]);
        cluster.launch_on_each("tenant", "task", 1.0, 64.0, 0.0);
        // Only one framework wants offers, so that nothing depends on who is offered an agent again.
        cluster.framework("tenant").suppress(&[]).unwrap();
        cluster.decline("tenant", 0.0);
        cluster.agents(agents("right", 1));
        cluster.subscribe_in("other", &["b"]);
        cluster.step("a task of one on the first agent, offers of both to the other");
        cluster.call("schedule", &schedule(&[(&["left-1"], 10)]));
        cluster.step("who holds something there is asked to leave");
        answer(cluster, "tenant", "DECLINE_INVERSE_OFFERS", LONG);
        cluster.step("declined");
        cluster.call("another time", &schedule(&[(&["left-1"], 20), (&["right-1"], 30)]));
        cluster.step("asked again, on both");
        answer(cluster, "tenant", "ACCEPT_INVERSE_OFFERS", LONG);
        cluster.step("accepted");
        cluster.framework("tenant").revive(&[]).unwrap();
        cluster.framework("tenant").suppress(&[]).unwrap();
        cluster.step("a revival ends the silence");
        answer(cluster, "tenant", "ACCEPT_INVERSE_OFFERS", LONG);
        cluster.call("schedule as it stands", &json!({"type": "GET_MAINTENANCE_SCHEDULE"}));
        cluster.call("called off", &schedule(&[(&["right-1"], 30)]));
        cluster.step("called off for one");
        cluster.call("called off for all", &schedule(&[]));
        cluster.step("called off");
    });
}

#[test]
fn machines_go_down_and_come_up() {
    compare("machines", Setting::PLAIN, &[], |cluster: &mut Cluster| {
        cluster.agents(agents("left", 1));
        cluster.agents(agents("right", 1));
        cluster.subscribe_in("tenant", &["a"]);
        cluster.launch_on_each("tenant", "task", 1.0, 64.0, 0.0);
        cluster.call("down before it is scheduled", &machines("START_MAINTENANCE", &["left-1"]));
        cluster.call("up before it is down", &machines("STOP_MAINTENANCE", &["left-1"]));
        cluster.call("the same machine twice", &schedule(&[(&["left-1"], 10), (&["left-1"], 20)]));
        cluster.call("no machine in a window", &schedule(&[(&[], 10)]));
        cluster.step("nothing has changed");
        cluster.call("schedule", &schedule(&[(&["left-1"], 10)]));
        cluster.step("scheduled");
        cluster.call("down", &machines("START_MAINTENANCE", &["left-1"]));
        cluster.wait_for_state("the agent to be removed", |state| state["activated_slaves"] == 1.0);
        cluster.step("down, and its task lost");
        cluster.call("a schedule without it", &schedule(&[]));
        cluster.call("up", &machines("STOP_MAINTENANCE", &["left-1"]));
        cluster.step("up");
    });
}
