//! Quota: guarantees, limits, refusals, the older endpoints.
//!
//! The agents of a script are equal, so that it is determined how many are offered whole and how many in part, and what
//! the parts are; which ones they are is not.

use apportion_differential_tests::{Cluster, LONG, Setting, compare};
use apportion_rig::SimulatedSpec;
use serde_json::{Value, json};

use crate::resources::{agents, quota, reserved};

#[test]
fn guarantee_is_served_first_and_held_back_from_others() {
    compare("guarantees", Setting::PLAIN, &[], |cluster: &mut Cluster| {
        cluster.agents(agents("node", 4));
        cluster
            .call("guarantee for a role without frameworks", &quota("prod", &[("cpus", 12.0)], &[], false));
        cluster.step_of_totals("nobody there");
        cluster.subscribe_in("test", &["test"]);
        cluster.step_of_totals("others get what is left of it");
        cluster.subscribe_in("prod", &["prod"]);
        cluster.step_of_totals("the guarantee is served");
        cluster.decline("prod", LONG);
        cluster.step_of_totals("refused, but held back still");
        cluster.framework("test").suppress(&[]).unwrap();
        cluster.decline("test", 0.0);
        cluster.framework("prod").revive(&[]).unwrap();
        cluster.settle();
        cluster.decline("prod", 0.0);
        cluster.step_of_totals("all of it, as the other wants nothing");
        cluster.launch_on_each("prod", "task", 1.0, 128.0, 0.0);
        cluster.step_of_totals("tasks count towards the guarantee");
        cluster.framework("test").revive(&[]).unwrap();
        cluster.decline("prod", 0.0);
        cluster.step_of_totals("both share what is above it");
        cluster.framework("test").suppress(&[]).unwrap();
        cluster.decline("test", 0.0);
        cluster.call("taken away", &quota("prod", &[], &[], false));
        cluster.step_of_totals("no quota is left");
    });
}

#[test]
fn two_guarantees_are_both_kept() {
    compare("two guarantees", Setting::PLAIN, &[], |cluster: &mut Cluster| {
        cluster.agents(agents("node", 4));
        cluster.call("one", &quota("prod", &[("cpus", 12.0)], &[], false));
        cluster.call("another", &quota("lab", &[("mem", 20_000.0)], &[], false));
        cluster.subscribe_in("test", &["test"]);
        cluster.step_of_totals("others get what is left of both");
        cluster.subscribe_in("prod", &["prod"]);
        cluster.step_of_totals("one is served, and nothing of the other");
        cluster.subscribe_in("lab", &["lab"]);
        cluster.step_of_totals("both are served");
    });
}

#[test]
fn limit_cuts_what_a_role_is_offered() {
    compare("limits", Setting::PLAIN, &[], |cluster: &mut Cluster| {
        cluster.agents(agents("node", 3));
        cluster.call(
            "a limit of nothing",
            &quota("capped", &[], &[("cpus", 0.0), ("mem", 0.0), ("disk", 0.0)], false),
        );
        cluster.subscribe_in("capped", &["capped"]);
        cluster.step_of_totals("only what has no limit, and that is too little");
        cluster.call(
            "a limit on cpus and memory",
            &quota("capped", &[], &[("cpus", 12.0), ("mem", 40_000.0)], false),
        );
        cluster.step_of_totals("up to the limit");
        cluster.subscribe_in("free", &["free"]);
        cluster.step_of_totals("the rest goes to another");
        cluster.launch_on_each("capped", "task", 2.0, 1024.0, 0.0);
        cluster.step_of_totals("what tasks use counts");
        cluster.framework("free").suppress(&[]).unwrap();
        cluster.call("below what is in use", &quota("capped", &[], &[("cpus", 1.0)], false));
        cluster.step_of_totals("refused");
        cluster.call("below what is in use, by force", &quota("capped", &[], &[("cpus", 1.0)], true));
        cluster.step_of_totals("its offers have been taken back");
        cluster.call("no limits", &quota("capped", &[], &[], false));
        cluster.step_of_totals("offered beyond the former limit");
    });
}

#[test]
fn default_role_is_limited_like_any_other() {
    compare("default role", Setting::PLAIN, &[], |cluster: &mut Cluster| {
        cluster.agents(agents("node", 2));
        cluster.call("a limit", &quota("*", &[], &[("cpus", 2.0)], false));
        cluster.subscribe_in("anybody", &["*"]);
        cluster.step_of_totals("limited");
        cluster.call("a higher limit", &quota("*", &[], &[("cpus", 10.0)], false));
        cluster.step_of_totals("limited less");
        cluster.call("a guarantee as well", &quota("*", &[("cpus", 1.0)], &[("cpus", 10.0)], false));
        cluster.decline("anybody", 0.0);
        cluster.step_of_totals("guaranteed");
    });
}

#[test]
fn guarantee_with_limit_lets_a_role_burst_between_them() {
    compare("bursting", Setting::PLAIN, &[], |cluster: &mut Cluster| {
        cluster.agents(agents("node", 4));
        let wide = quota("prod", &[("cpus", 8.0), ("mem", 8192.0)], &[("cpus", 20.0)], false);
        cluster.call("guarantee and a higher limit", &wide);
        cluster.subscribe_in("prod", &["prod"]);
        cluster.step_of_totals("alone it gets up to the limit");
        cluster.call("guarantee for another", &quota("lab", &[("cpus", 16.0)], &[], false));
        cluster.step_of_totals("it gives back what the other needs");
        cluster.subscribe_in("below", &["prod/below"]);
        cluster.step_of_totals("a role below it");
        cluster.subscribe_in("lab", &["lab"]);
        cluster.step_of_totals("the other is there");
    });
}

#[test]
fn reservations_count_towards_quota() {
    compare("quota and reservations", Setting::PLAIN, &[], |cluster: &mut Cluster| {
        let further = vec![("cpus".to_owned(), "prod".to_owned(), 4.0)];
        cluster.agents(SimulatedSpec { further, ..agents("node", 2) });
        cluster.call("a limit", &quota("prod", &[("cpus", 10.0)], &[("cpus", 10.0)], false));
        cluster.subscribe_in("prod", &["prod"]);
        cluster.step_of_totals("reserved and unreserved together up to the limit");
        cluster.subscribe_in("test", &["test"]);
        cluster.step_of_totals("the rest");
        let agent = cluster.agent_id("node-1");
        cluster.post_form(
            "reserve for a role below",
            "/reserve",
            &[
                ("slaveId", &agent),
                ("resources", &json!([reserved("cpus", 1.0, &["prod/below"])]).to_string()),
            ],
        );
        cluster.framework("prod").revive(&[]).unwrap();
        cluster.framework("test").revive(&[]).unwrap();
        cluster.step_of_totals("the subtree's reservation counts");
        cluster.call("below the reservations", &quota("prod", &[], &[("cpus", 3.0)], false));
        cluster.call("below the reservations, by force", &quota("prod", &[], &[("cpus", 3.0)], true));
        cluster.step_of_totals("reservations are offered beyond the limit");
    });
}

#[test]
fn impossible_quota_is_refused_alike() {
    compare("refused quota", Setting::PLAIN, &[], |cluster: &mut Cluster| {
        cluster.agents(agents("node", 2));
        cluster.subscribe_in("prod", &["prod"]);
        cluster.launch_on_each("prod", "task", 6.0, 1024.0, LONG);
        let update =
            |configs: Value| json!({"type": "UPDATE_QUOTA", "update_quota": {"quota_configs": configs}});
        let config = |role: &str| json!({"role": role, "guarantees": {"cpus": {"value": 1.0}}});
        let tries = [
            ("more than the cluster has", quota("prod", &[("cpus", 99.0)], &[], false)),
            ("limits below guarantees", quota("prod", &[("cpus", 4.0)], &[("cpus", 2.0)], false)),
            ("limits below what is in use", quota("prod", &[], &[("cpus", 11.0)], false)),
            ("a role below another", quota("prod/below", &[("cpus", 1.0)], &[], false)),
            ("an invalid role", quota("a b", &[("cpus", 1.0)], &[], false)),
            ("negative", quota("prod", &[("cpus", -1.0)], &[], false)),
            ("too much", quota("prod", &[("cpus", 1e13)], &[], true)),
            ("twice the same role", update(json!([config("prod"), config("prod")]))),
            ("one of two is impossible", update(json!([config("prod"), config("prod/below")]))),
            ("nothing", update(json!([]))),
        ];
        for (what, call) in tries {
            cluster.call(what, &call);
        }
        cluster.step_of_totals("nothing has changed");
        cluster.call("more than the cluster has, by force", &quota("prod", &[("cpus", 99.0)], &[], true));
        cluster.step_of_totals("by force");
        cluster.call("what it has", &json!({"type": "GET_QUOTA"}));
        cluster.step_of_totals("shown");
    });
}

#[test]
fn older_quota_endpoints_do_the_same() {
    compare("older quota", Setting::PLAIN, &[], |cluster: &mut Cluster| {
        cluster.agents(agents("node", 3));
        cluster.subscribe_in("test", &["test"]);
        let request = |cpus: f64| {
            let cpus = json!({"name": "cpus", "type": "SCALAR", "scalar": {"value": cpus}});
            json!({"role": "prod", "guarantee": [cpus]})
        };
        let json_type = "application/json";
        cluster.request("set", "POST", "/quota", json_type, &request(10.0).to_string());
        cluster.step_of_totals("guarantee and limit in one");
        cluster.subscribe_in("prod", &["prod"]);
        cluster.step_of_totals("served and limited");
        cluster.request("set again", "POST", "/quota", json_type, &request(4.0).to_string());
        cluster.request("show", "GET", "/quota", json_type, "");
        cluster.request("remove", "DELETE", "/quota/prod", json_type, "");
        cluster.request("remove again", "DELETE", "/quota/prod", json_type, "");
        cluster.step_of_totals("gone");
        cluster.request("too much", "POST", "/quota", json_type, &request(999.0).to_string());
        cluster.request("no JSON", "POST", "/quota", json_type, "{");
        let call = json!({"type": "SET_QUOTA", "set_quota": {"quota_request": request(8.0)}});
        cluster.call("set by the newer call", &call);
        cluster.step_of_totals("set");
        cluster.call(
            "remove by the newer call",
            &json!({"type": "REMOVE_QUOTA", "remove_quota": {"role": "prod"}}),
        );
        cluster.step_of_totals("gone again");
    });
}
