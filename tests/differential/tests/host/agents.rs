//! Agents that are lost, return, are deactivated, drained or leave, and what they are capable of.

use apportion_cluster_tests::WITHIN;
use apportion_differential_tests::{Cluster, LONG, Setting, compare};
use apportion_rig::{FrameworkSpec, SimulatedSpec};
use serde_json::{Value, json};

use crate::resources::{agents, quota, reserved};

fn active(agents: f64) -> impl Fn(&Value) -> bool {
    move |state| state["activated_slaves"] == agents
}

pub(crate) fn on_agent(cluster: &Cluster, call: &str, hostname: &str) -> Value {
    json!({"type": call, (call.to_lowercase()): {"agent_id": {"value": cluster.agent_id(hostname)}}})
}

#[test]
fn lost_agents_take_their_resources_along_and_bring_them_back() {
    compare("agent loss", Setting::PLAIN, &[], |cluster: &mut Cluster| {
        cluster.agents(agents("left", 2));
        cluster.agents(SimulatedSpec { cpus: 4.0, ..agents("right", 1) });
        cluster.subscribe(FrameworkSpec::new("keeper").roles(&["a"]).checkpoint(true));
        cluster.call("a guarantee", &quota("a", &[("cpus", 12.0)], &[], false));
        cluster.settle();
        cluster.launch_on_each("keeper", "task", 1.0, 64.0, 0.0);
        let agent = cluster.agent_id("left-1");
        cluster.post_form(
            "a reservation",
            "/reserve",
            &[("slaveId", &agent), ("resources", &json!([reserved("cpus", 2.0, &["a"])]).to_string())],
        );
        cluster.framework("keeper").revive(&[]).unwrap();
        cluster.step("tasks and a reservation");
        cluster.group("left").disconnect();
        cluster.wait_for_state("two agents to be gone", active(1.0));
        cluster.step("two agents are away");
        cluster.group("left").reconnect();
        cluster.group("left").wait_until_registered(WITHIN).unwrap();
        cluster.wait_for_state("all agents", active(3.0));
        cluster.step("back with tasks and reservation");
        cluster.group("right").unregister();
        cluster.wait_for_state("an agent to leave", active(2.0));
        cluster.step("one has left for good");
        cluster.agents(SimulatedSpec { cpus: 4.0, ..agents("late", 1) });
        cluster.step("another in its place");
    });
}

#[test]
fn operator_deactivates_drains_and_gives_up_agents() {
    compare("deactivation", Setting::PLAIN, &[], |cluster: &mut Cluster| {
        cluster.agents(agents("left", 1));
        cluster.agents(agents("right", 1));
        cluster.subscribe_in("tenant", &["a"]);
        cluster.launch_on_each("tenant", "task", 1.0, 64.0, 0.0);
        cluster.step("a task on each");
        let deactivate = on_agent(cluster, "DEACTIVATE_AGENT", "left-1");
        cluster.call("deactivate", &deactivate);
        cluster.step("its offer was taken back");
        cluster.framework("tenant").kill("task-0", None).unwrap();
        cluster.framework("tenant").wait_status("task-0", apportion_rig::TaskState::Killed, WITHIN).unwrap();
        cluster.step("what a task gives back there is not offered");
        cluster.group("left").disconnect();
        cluster.wait_for_state("it to be away", |state| {
            state["slaves"].as_array().is_some_and(|all| all.iter().any(|one| one["connected"] == false))
                || state["activated_slaves"] == 1.0
        });
        cluster.group("left").reconnect();
        cluster.group("left").wait_until_registered(WITHIN).unwrap();
        cluster.step("still deactivated when it comes back");
        let reactivate = on_agent(cluster, "REACTIVATE_AGENT", "left-1");
        cluster.call("reactivate", &reactivate);
        cluster.wait_for_state("both", active(2.0));
        cluster.step("offered again");
        let drain = on_agent(cluster, "DRAIN_AGENT", "right-1");
        cluster.call("drain", &drain);
        cluster.step("draining");
        cluster.call(
            "deactivate nobody",
            &json!({
                "type": "DEACTIVATE_AGENT", "deactivate_agent": {"agent_id": {"value": "nobody"}},
            }),
        );
        let gone = on_agent(cluster, "MARK_AGENT_GONE", "left-1");
        cluster.call("gone", &gone);
        cluster.wait_for_state("it to be removed", |state| state["activated_slaves"] == 0.0);
        cluster.step("given up");
    });
}

#[test]
fn agents_go_to_frameworks_that_can_use_them() {
    const DOMAIN: &str = r#"{"fault_domain":{"region":{"name":"here"},"zone":{"name":"z1"}}}"#;
    compare("capabilities", Setting::with_flags(&[("domain", DOMAIN)]), &[], |cluster: &mut Cluster| {
        let place = |region: &str, zone: &str| Some((region.to_owned(), zone.to_owned()));
        cluster.agents(SimulatedSpec { domain: place("here", "z2"), ..agents("near", 1) });
        cluster.agents(SimulatedSpec { domain: place("there", "z1"), cpus: 4.0, ..agents("far", 1) });
        let gpus = vec![("gpus".to_owned(), "*".to_owned(), 2.0)];
        cluster.agents(SimulatedSpec { further: gpus, cpus: 2.0, ..agents("gpu", 1) });
        cluster.agents(SimulatedSpec { cpus: 1.0, ..agents("plain", 1) });
        cluster.subscribe_in("plain", &["a"]);
        cluster.step("neither the far agent nor the one with gpus");
        cluster.subscribe(FrameworkSpec::new("traveller").roles(&["b"]).capabilities(&["REGION_AWARE"]));
        cluster.step("the far agent");
        cluster.subscribe(FrameworkSpec::new("trainer").roles(&["c"]).capabilities(&["GPU_RESOURCES"]));
        cluster.step("the one with gpus");
        for name in ["traveller", "trainer"] {
            cluster.framework(name).suppress(&[]).unwrap();
        }
        cluster.subscribe(
            FrameworkSpec::new("old")
                .field("roles", json!([]))
                .field("role", json!("d"))
                .field("capabilities", json!([])),
        );
        cluster.decline("plain", LONG);
        cluster.step("a framework of the old kind with a single role");
    });
}
