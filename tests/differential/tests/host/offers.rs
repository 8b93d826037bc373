//! Declines, filters, suppression, several roles, and how little is still an offer.

use std::time::Duration;

use apportion_cluster_tests::wait_until;
use apportion_differential_tests::{Cluster, LONG, Setting, compare};
use apportion_rig::{FrameworkSpec, SimulatedSpec};
use serde_json::json;

use crate::resources::agents;

/// Offers a framework has, by the operator API.
fn wait_for_offers(cluster: &Cluster, framework: &str, count: usize) {
    wait_until("so many offers", || {
        let offers = cluster.offers(framework).len();
        if offers == count { Ok(()) } else { Err(offers.to_string()) }
    });
}

#[test]
fn suppression_and_filters_hold_role_by_role() {
    compare("suppression", Setting::PLAIN, &[], |cluster: &mut Cluster| {
        cluster.agents(agents("solo", 1));
        cluster.subscribe_in("both", &["a", "b"]);
        cluster.step("offered to one of its roles");
        cluster.decline("both", LONG);
        cluster.step("refused for one role, offered to the other");
        cluster.decline("both", LONG);
        cluster.step("refused for both");
        cluster.framework("both").suppress(&["a"]).unwrap();
        cluster.framework("both").revive(&["b"]).unwrap();
        cluster.step("one role is revived");
        cluster.subscribe_in("other", &["a"]);
        cluster.framework("both").suppress(&[]).unwrap();
        cluster.decline("both", 0.0);
        cluster.step("who suppresses all leaves it to the other");
        cluster.framework("both").suppress(&["a"]).unwrap();
        cluster.framework_call(
            "a role it does not have",
            "both",
            "SUPPRESS",
            &json!({"suppress": {"roles": ["c"]}}),
        );
        cluster.framework_call("an invalid role", "both", "REVIVE", &json!({"revive": {"roles": ["/"]}}));
        cluster.decline("other", LONG);
        cluster.step("nobody wants it");
        cluster.framework("both").revive(&[]).unwrap();
        cluster.step("it does again");
    });
}

#[test]
fn filter_ends_with_its_time_and_holds_for_what_was_refused() {
    let setting = Setting { interval: Some(Duration::from_millis(50)), ..Setting::PLAIN };
    compare("filters", setting, &[], |cluster: &mut Cluster| {
        cluster.agents(agents("solo", 1));
        cluster.subscribe_in("choosy", &["a"]);
        cluster.decline("choosy", 0.3);
        wait_for_offers(cluster, "choosy", 1);
        cluster.step("a short filter has ended");
        cluster.decline("choosy", -1.0);
        cluster.step("a negative time is the default of five seconds");
        cluster.framework("choosy").revive(&[]).unwrap();
        cluster.settle();
        cluster.decline("choosy", 1e12);
        cluster.step("more than a year is a year");
        cluster.agents(agents("more", 1));
        cluster.step("another agent is not filtered");
        cluster.decline("choosy", LONG);
        let agent = cluster.agent_id("solo-1");
        cluster.post_form(
            "reserve a part of what is refused",
            "/reserve",
            &[
                ("slaveId", &agent),
                ("resources", &json!([crate::resources::reserved("cpus", 1.0, &["a"])]).to_string()),
            ],
        );
        cluster.step("what was refused does not contain it: offered");
    });
}

#[test]
fn too_little_is_no_offer() {
    let flags = &[("min_allocatable_resources", "cpus:1;mem:1000|disk:5000")];
    compare("minimum", Setting::with_flags(flags), &[], |cluster: &mut Cluster| {
        let small = |hosts: &str, cpus: f64, mem: f64, disk: f64| SimulatedSpec {
            cpus,
            mem_mb: mem,
            disk_mb: disk,
            ..agents(hosts, 1)
        };
        cluster.agents(small("cpus", 1.0, 10.0, 10.0));
        cluster.agents(small("mem", 0.5, 1000.0, 10.0));
        cluster.agents(small("both", 1.0, 1000.0, 10.0));
        cluster.agents(small("disk", 0.1, 10.0, 5000.0));
        cluster.agents(small("dust", 0.1, 10.0, 10.0));
        cluster.subscribe_in("plain", &["a"]);
        cluster.step("two of five agents are enough");
        let modest = json!({"b": {"min_allocatable_resources": {"quantities": [
            {"quantities": {"cpus": {"value": 0.5}}},
        ]}}});
        cluster.subscribe(FrameworkSpec::new("modest").roles(&["b", "c"]).field("offer_filters", modest));
        cluster.step("with a minimum of its own for one role it gets more");
        let info = cluster.framework("modest").info();
        let mut frugal = info.clone();
        frugal["offer_filters"] = json!({"b": {"min_allocatable_resources": {}}});
        cluster.framework_call(
            "any amount",
            "modest",
            "UPDATE_FRAMEWORK",
            &json!({"update_framework": {"framework_info": frugal}}),
        );
        cluster.step("with none it gets all that is left");
        let mut wrong = info;
        wrong["offer_filters"] = json!({"nothere": {"min_allocatable_resources": {}}});
        cluster.framework_call(
            "for a role it does not have",
            "modest",
            "UPDATE_FRAMEWORK",
            &json!({"update_framework": {"framework_info": wrong}}),
        );
        cluster.step("refused");
    });
}

#[test]
fn revocable_resources_go_to_those_who_want_them() {
    compare("revocable", Setting::PLAIN, &[], |cluster: &mut Cluster| {
        cluster.agents(agents("solo", 1));
        cluster.subscribe_in("plain", &["a"]);
        cluster.subscribe(FrameworkSpec::new("keen").roles(&["b"]).capabilities(&["REVOCABLE_RESOURCES"]));
        cluster.step("nothing is lent");
        cluster.lend_cpus("solo", 6.0);
        cluster.step("lent cpus are offered at once");
        let offers = cluster.offers("keen");
        let mut cpus = apportion_rig::scalar("cpus", 4.0);
        cpus["revocable"] = json!({});
        let task = apportion_rig::TaskSpec::new("cheap", "simulated")
            .resources(vec![crate::resources::allocated(cpus, "b")]);
        cluster.framework("keen").launch(&offers[0], &[task], Some(0.0)).unwrap();
        let within = apportion_cluster_tests::WITHIN;
        cluster.framework("keen").wait_status("cheap", apportion_rig::TaskState::Running, within).unwrap();
        cluster.step("a task uses four of them");
        cluster.lend_cpus("solo", 10.0);
        cluster.step_of_totals("more are lent");
        cluster.lend_cpus("solo", 2.0);
        cluster.step_of_totals("fewer than are in use");
        cluster.decline("plain", LONG);
        cluster.step("what the plain one refuses");
        cluster.framework("keen").kill("cheap", None).unwrap();
        cluster.framework("keen").wait_status("cheap", apportion_rig::TaskState::Killed, within).unwrap();
        cluster.step("what is lent still is offered");
        cluster.lend_cpus("solo", 0.0);
        cluster.step("nothing is lent any more");
    });
}
