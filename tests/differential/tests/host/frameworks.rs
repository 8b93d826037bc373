//! Frameworks that fail over, change their roles, constrain their offers, and end.

use std::time::Duration;

use apportion_cluster_tests::list;
use apportion_differential_tests::{Cluster, LONG, Setting, compare};
use apportion_rig::{FrameworkSpec, SimulatedSpec};
use serde_json::{Value, json};

use crate::resources::{agents, quota, reserved, weights};

fn update(cluster: &mut Cluster, what: &str, name: &str, change: impl Fn(&mut Value), fields: &Value) {
    let mut info = cluster.framework(name).info();
    change(&mut info);
    let mut call = fields.clone();
    call["framework_info"] = info;
    cluster.framework_call(what, name, "UPDATE_FRAMEWORK", &json!({"update_framework": call}));
}

#[test]
fn frameworks_fail_over_and_end() {
    compare("failover", Setting::PLAIN, &[], |cluster: &mut Cluster| {
        cluster.agents(agents("node", 2));
        let lasting = FrameworkSpec::new("lasting").roles(&["a"]).failover_timeout(Duration::from_secs(600));
        cluster.subscribe(lasting);
        cluster.launch_on_each("lasting", "kept", 2.0, 64.0, LONG);
        cluster.step("tasks on both agents, the rest refused");
        cluster.framework("lasting").disconnect();
        cluster.wait_for_state("the framework to be away", |state| {
            list(&state["frameworks"]).iter().any(|framework| framework["connected"] == false)
        });
        cluster.step("away: its tasks go on");
        cluster.subscribe_in("other", &["b"]);
        cluster.step("another gets the rest");
        let address = cluster.master().address().to_owned();
        cluster.framework("lasting").resubscribe(&address).unwrap();
        cluster.step("back");
        cluster.decline("other", LONG);
        cluster.step("its filters were forgotten");
        cluster.framework("lasting").resubscribe(&address).unwrap();
        cluster.step("back again, over a connection that stood");
        cluster.take_framework("lasting").teardown().unwrap();
        cluster.framework("other").revive(&[]).unwrap();
        cluster.step("torn down");
        cluster.framework("other").disconnect();
        cluster.wait_for_state("the framework to end", |state| {
            list(&state["frameworks"]).iter().all(|framework| framework["name"] != "other")
        });
        cluster.step("without a failover timeout an end of the connection is the end");
    });
}

#[test]
fn restarted_master_waits_for_its_agents_before_it_offers() {
    let flags = &[("registry", "replicated_log")];
    compare("restart", Setting::with_flags(flags), &[], |cluster: &mut Cluster| {
        cluster.agents(agents("left", 3));
        cluster.agents(agents("right", 2));
        cluster.call("a guarantee", &quota("prod", &[("cpus", 16.0)], &[("cpus", 24.0)], false));
        cluster.call("a weight", &weights(&[("test", 2.0)]));
        let agent = cluster.agent_id("left-1");
        let resources = json!([reserved("cpus", 1.0, &["prod"])]).to_string();
        cluster.post_form("a reservation", "/reserve", &[("slaveId", &agent), ("resources", &resources)]);
        for name in ["prod", "test"] {
            let spec = FrameworkSpec::new(name).roles(&[name]).capabilities(&["RESERVATION_REFINEMENT"]);
            cluster.subscribe(spec.failover_timeout(Duration::from_secs(600)));
        }
        cluster.step_of_totals("before");
        cluster.restart_master();
        cluster.step_without_runs("nobody is back");
        let address = cluster.master().address().to_owned();
        for name in ["prod", "test"] {
            cluster.framework(name).resubscribe(&address).unwrap();
        }
        cluster.group("left").reconnect();
        cluster.group("left").wait_until_registered(apportion_cluster_tests::WITHIN).unwrap();
        cluster.step_without_runs("three of five agents are back");
        cluster.group("right").reconnect();
        cluster.group("right").wait_until_registered(apportion_cluster_tests::WITHIN).unwrap();
        cluster.step_of_totals("all are back");
    });
}

#[test]
fn roles_of_a_framework_change() {
    compare("roles", Setting::PLAIN, &[], |cluster: &mut Cluster| {
        cluster.agents(agents("node", 1));
        cluster.subscribe(
            FrameworkSpec::new("changing")
                .roles(&["a", "quiet"])
                .subscribe_field("suppressed_roles", json!(["quiet"])),
        );
        cluster.settle();
        cluster.launch_on_each("changing", "task", 1.0, 64.0, LONG);
        cluster.step("a task in one of two roles, the other suppressed");
        update(
            cluster,
            "another role",
            "changing",
            |info| info["roles"] = json!(["a", "b", "quiet"]),
            &json!({
                "suppressed_roles": ["quiet"],
            }),
        );
        cluster.step("offered to the added role");
        update(
            cluster,
            "one role less",
            "changing",
            |info| info["roles"] = json!(["b", "quiet"]),
            &json!({
                "suppressed_roles": ["quiet"],
            }),
        );
        cluster.step("the role of the task is left");
        update(
            cluster,
            "nothing suppressed",
            "changing",
            |info| info["roles"] = json!(["b", "quiet"]),
            &json!({}),
        );
        cluster.decline("changing", LONG);
        cluster.step("the quiet role is offered to");
        update(
            cluster,
            "suppressed without the role",
            "changing",
            |info| info["roles"] = json!(["b"]),
            &json!({
                "suppressed_roles": ["c"],
            }),
        );
        update(cluster, "another user", "changing", |info| info["user"] = json!("nobody"), &json!({}));
        cluster.framework("changing").kill("task-0", None).unwrap();
        let within = apportion_cluster_tests::WITHIN;
        cluster
            .framework("changing")
            .wait_status("task-0", apportion_rig::TaskState::Killed, within)
            .unwrap();
        cluster.step("the task has ended, its role is gone");
    });
}

fn constraint(selector: &Value, predicate: &Value) -> Value {
    json!({"groups": [{"attribute_constraints": [{"selector": selector, "predicate": predicate}]}]})
}

#[test]
fn offer_constraints_exclude_agents_by_role() {
    compare("constraints", Setting::PLAIN, &[], |cluster: &mut Cluster| {
        cluster.agents(SimulatedSpec { racks: 1, ..agents("left", 1) });
        cluster.agents(SimulatedSpec { racks: 7, ..agents("right", 1) });
        let rack = json!({"attribute_name": "rack"});
        let missing = json!({"attribute_name": "zone"});
        let host = json!({"pseudoattribute_type": "HOSTNAME"});
        let is = |value: &str| json!({"text_equals": {"value": value}});
        let first = json!({"role_constraints": {
            "a": constraint(&rack, &is("r1")),
            "b": constraint(&host, &json!({"text_matches": {"regex": "left-.*"}})),
        }});
        cluster.subscribe(
            FrameworkSpec::new("picky").roles(&["a", "b", "c"]).subscribe_field("offer_constraints", first),
        );
        cluster.step("each role gets what it may");
        let change = |cluster: &mut Cluster, what: &str, constraints: Value| {
            update(cluster, what, "picky", |_| {}, &json!({"offer_constraints": constraints}));
        };
        change(
            cluster,
            "an attribute that is missing",
            json!({"role_constraints": {
                "a": constraint(&missing, &json!({"exists": {}})),
                "b": constraint(&missing, &json!({"not_exists": {}})),
                "c": constraint(&missing, &json!({"text_not_equals": {"value": "x"}})),
            }}),
        );
        cluster.decline("picky", 0.0);
        cluster.step_of_totals("missing: positive forms exclude, negative ones do not");
        change(
            cluster,
            "no match",
            json!({"role_constraints": {
                "a": constraint(&host, &json!({"text_not_matches": {"regex": "(left|right)-1"}})),
                "b": constraint(&rack, &json!({"text_not_equals": {"value": "r0"}})),
                "c": constraint(&rack, &json!({"text_matches": {"regex": "r"}})),
            }}),
        );
        cluster.decline("picky", 0.0);
        cluster.step_of_totals("a match is of the whole text");
        for (what, role, wrong) in [
            ("a role it does not have", "d", constraint(&rack, &is("r1"))),
            ("an invalid expression", "a", constraint(&rack, &json!({"text_matches": {"regex": "("}}))),
            (
                "too large an expression",
                "a",
                constraint(&rack, &json!({"text_matches": {"regex": "a{999}"}})),
            ),
            ("no groups", "a", json!({"groups": []})),
            ("an empty group", "a", json!({"groups": [{"attribute_constraints": []}]})),
            ("no predicate", "a", constraint(&rack, &json!({}))),
            ("no selector", "a", constraint(&json!({}), &is("r1"))),
        ] {
            change(cluster, what, json!({"role_constraints": {(role): wrong}}));
        }
        cluster.step_of_totals("refused constraints change nothing");
        change(cluster, "none", json!({}));
        cluster.step_of_totals("without constraints");
    });
}
