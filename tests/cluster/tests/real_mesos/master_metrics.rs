//! The allocator's numbers in the master's metrics, under the names of the built-in allocator, and its debug page.

use std::time::Duration;

use apportion_cluster_tests::{WITHIN, master, only_offer, subscribe, wait_until};
use apportion_rig::{Framework, FrameworkSpec, Master, MasterBuilder, SimulatedAgents, SimulatedSpec};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

const LONG: f64 = 3600.0;

fn start(builder: MasterBuilder<'_>) -> Master {
    // The master answers for its metrics twice a second only, unless this variable is empty.
    builder.variable("LIBPROCESS_METRICS_SNAPSHOT_ENDPOINT_RATE_LIMIT", "").start().unwrap()
}

fn metrics(master: &Master) -> Map<String, Value> {
    let snapshot = master.get_json("/metrics/snapshot").unwrap();
    snapshot.as_object().expect("metrics").clone()
}

fn metric(master: &Master, name: &str) -> Option<f64> {
    metrics(master).get(name).and_then(Value::as_f64)
}

/// Waits until a metric has a value, or is gone (`None`).
fn wait_for_metric(master: &Master, name: &str, wanted: Option<f64>) {
    wait_until(&format!("{name} to be {wanted:?}"), || {
        let found = metric(master, name);
        if found == wanted { Ok(()) } else { Err(format!("{found:?}")) }
    });
}

/// Names of the metrics below a prefix, without it.
fn below(master: &Master, prefix: &str) -> Vec<String> {
    let mut names: Vec<String> =
        metrics(master).keys().filter_map(|name| name.strip_prefix(prefix)).map(str::to_owned).collect();
    names.sort();
    names
}

fn agents(master: &Master, spec: SimulatedSpec) -> SimulatedAgents {
    let agents = SimulatedAgents::start(master.address(), spec).unwrap();
    agents.wait_until_registered(WITHIN).unwrap();
    agents
}

fn one_agent(master: &Master) -> SimulatedAgents {
    agents(
        master,
        SimulatedSpec { agents: 1, cpus: 2.0, mem_mb: 1024.0, disk_mb: 512.0, ..SimulatedSpec::default() },
    )
}

fn resource_metric(name: &str, kind: &str) -> String {
    format!("allocator/mesos/resources/{name}/{kind}")
}

/// What is declined without a filter is offered again with each batch; this framework waits for one that holds.
fn decline_all(framework: &mut Framework) {
    let offers = framework.next_offers(WITHIN).unwrap();
    framework.decline(&offers, Some(LONG)).unwrap();
}

fn update_quota(master: &Master, guarantees: &Value, limits: &Value) {
    let config = json!({"role": "q", "guarantees": guarantees, "limits": limits});
    let update = json!({"force": true, "quota_configs": [config]});
    master.call(&json!({"type": "UPDATE_QUOTA", "update_quota": update})).unwrap();
}

#[test]
fn item_237_resource_gauges_are_there_and_zero_before_there_is_an_agent() {
    let master = start(master(&[]));
    for name in ["cpus", "mem", "disk"] {
        for kind in ["total", "offered_or_allocated"] {
            assert_eq!(metric(&master, &resource_metric(name, kind)), Some(0.0), "{name} {kind}");
        }
    }
}

#[test]
fn item_238_resource_gauges_follow_agents_and_offers() {
    let master = start(master(&[]));
    let agents = one_agent(&master);
    for (name, amount) in [("cpus", 2.0), ("mem", 1024.0), ("disk", 512.0)] {
        wait_for_metric(&master, &resource_metric(name, "total"), Some(amount));
        assert_eq!(metric(&master, &resource_metric(name, "offered_or_allocated")), Some(0.0));
    }
    let mut framework = subscribe(master.address(), "guest", &["a"]);
    only_offer(&mut framework);
    for (name, amount) in [("cpus", 2.0), ("mem", 1024.0), ("disk", 512.0)] {
        wait_for_metric(&master, &resource_metric(name, "offered_or_allocated"), Some(amount));
    }
    agents.unregister();
    for name in ["cpus", "mem", "disk"] {
        for kind in ["total", "offered_or_allocated"] {
            wait_for_metric(&master, &resource_metric(name, kind), Some(0.0));
        }
    }
}

#[test]
fn item_239_quota_gauges_are_there_for_what_the_quota_names() {
    let master = start(master(&[]));
    let prefix = "allocator/mesos/quota/roles/q/resources/";
    let (cpus, mem) = ("cpus", "mem");
    update_quota(&master, &json!({(cpus): {"value": 1.0}}), &json!({(mem): {"value": 1024.0}}));
    wait_for_metric(&master, &format!("{prefix}cpus/guarantee"), Some(1.0));
    wait_for_metric(&master, &format!("{prefix}mem/limit"), Some(1024.0));
    let expected = ["cpus/guarantee", "cpus/offered_or_allocated", "mem/limit", "mem/offered_or_allocated"];
    assert_eq!(below(&master, prefix), expected);

    let _agents = one_agent(&master);
    let mut framework = subscribe(master.address(), "guest", &["q"]);
    only_offer(&mut framework);
    wait_for_metric(&master, &format!("{prefix}cpus/offered_or_allocated"), Some(2.0));
    update_quota(&master, &json!({(cpus): {"value": 2.0}}), &json!({(cpus): {"value": 3.0}}));
    wait_for_metric(&master, &format!("{prefix}cpus/guarantee"), Some(2.0));
    wait_for_metric(&master, &format!("{prefix}cpus/limit"), Some(3.0));
    let expected = ["cpus/guarantee", "cpus/limit", "cpus/offered_or_allocated"];
    assert_eq!(below(&master, prefix), expected);

    update_quota(&master, &json!({}), &json!({}));
    wait_until("the quota's gauges to go", || {
        let left = below(&master, prefix);
        if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
    });
}

#[test]
fn item_240_dominant_share_of_a_role_is_shown_while_it_has_a_framework() {
    let master = start(master(&[]));
    let _small = one_agent(&master);
    let _large = agents(
        &master,
        SimulatedSpec {
            agents: 1,
            hosts: "large".to_owned(),
            cpus: 6.0,
            mem_mb: 1024.0,
            disk_mb: 512.0,
            ..SimulatedSpec::default()
        },
    );
    let name = "allocator/mesos/roles/a/shares/dominant";
    assert_eq!(metric(&master, name), None);
    let mut framework = subscribe(master.address(), "guest", &["a"]);
    wait_for_metric(&master, name, Some(1.0));
    let mut offers = framework.next_offers(WITHIN).unwrap();
    while offers.len() < 2 {
        offers.extend(framework.next_offers(WITHIN).unwrap());
    }
    let large = offers.iter().position(|offer| offer.scalar("cpus") == 6.0).expect("the large agent");
    let large = offers.remove(large);
    // The rest: 2 of 8 cpus, half of the memory and of the disk.
    framework.decline(&[large], Some(LONG)).unwrap();
    wait_for_metric(&master, name, Some(0.5));
    framework.decline(&offers, Some(LONG)).unwrap();
    wait_for_metric(&master, name, Some(0.0));
    framework.teardown().unwrap();
    wait_for_metric(&master, name, None);
}

#[test]
fn item_241_excluded_resources_make_no_dominant_share() {
    let master = start(master(&[]).flag("fair_sharing_excluded_resource_names", "mem,disk"));
    let spec =
        SimulatedSpec { agents: 1, cpus: 2.0, mem_mb: 3000.0, disk_mb: 1.0, ..SimulatedSpec::default() };
    let _first = agents(&master, spec.clone());
    let mut framework = subscribe(master.address(), "guest", &["a"]);
    only_offer(&mut framework);
    // Three quarters of the memory, but a quarter of the cpus.
    framework.suppress(&[]).unwrap();
    let _second =
        agents(&master, SimulatedSpec { hosts: "second".to_owned(), cpus: 6.0, mem_mb: 1000.0, ..spec });
    wait_for_metric(&master, "allocator/mesos/resources/cpus/total", Some(8.0));
    wait_for_metric(&master, "allocator/mesos/roles/a/shares/dominant", Some(0.25));
}

#[test]
fn item_242_timers_have_a_value_after_one_run_and_statistics_after_two() {
    // Without batches a run comes by an event only: a framework that registers and one that revives.
    let master = start(master(&[]).allocation_interval(Duration::from_secs(3600)));
    let timers = ["allocator/mesos/allocation_run_ms", "allocator/mesos/allocation_run_latency_ms"];
    for timer in timers {
        assert_eq!(metric(&master, timer), None);
    }
    let framework = subscribe(master.address(), "guest", &["a"]);
    wait_for_metric(&master, "allocator/mesos/allocation_runs", Some(1.0));
    for timer in timers {
        wait_until("a value", || metric(&master, timer).ok_or_else(|| "none".to_owned()));
        assert_eq!(metric(&master, &format!("{timer}/count")), None);
    }
    framework.revive(&[]).unwrap();
    wait_for_metric(&master, "allocator/mesos/allocation_runs", Some(2.0));
    for timer in timers {
        wait_for_metric(&master, &format!("{timer}/count"), Some(2.0));
        for statistic in ["max", "min", "p50", "p90", "p95", "p99", "p999", "p9999"] {
            let value = metric(&master, &format!("{timer}/{statistic}"));
            assert!(value.is_some_and(|value| value >= 0.0), "{timer}/{statistic}: {value:?}");
        }
    }
}

/// Name of the gauge that says whether a framework has suppressed a role.
fn suppressed(framework: &Framework, role: &str) -> String {
    let name = utf8_percent_encode(framework.name(), NON_ALPHANUMERIC);
    format!("master/frameworks/{name}/{}/roles/{role}/suppressed", framework.id())
}

#[test]
fn item_243_suppression_is_shown_for_each_role_unless_it_is_switched_off() {
    let shown = start(master(&[]));
    let framework = subscribe(shown.address(), "some guest", &["a", "b"]);
    for role in ["a", "b"] {
        wait_for_metric(&shown, &suppressed(&framework, role), Some(0.0));
    }
    framework.suppress(&["a"]).unwrap();
    wait_for_metric(&shown, &suppressed(&framework, "a"), Some(1.0));
    assert_eq!(metric(&shown, &suppressed(&framework, "b")), Some(0.0));
    framework.revive(&["a"]).unwrap();
    wait_for_metric(&shown, &suppressed(&framework, "a"), Some(0.0));

    let hidden = start(master(&[]).flag("publish_per_framework_metrics", "false"));
    let _agents = one_agent(&hidden);
    let mut framework = subscribe(hidden.address(), "some guest", &["a"]);
    decline_all(&mut framework);
    assert_eq!(metric(&hidden, &suppressed(&framework, "a")), None);
}

#[test]
fn item_244_removed_frameworks_gauges_stay_for_as_many_as_are_kept() {
    let master = start(master(&[]).flag("max_completed_frameworks", "2"));
    let gauges: Vec<String> = ["first", "second", "third"]
        .map(|name| {
            let framework = subscribe(master.address(), name, &["a"]);
            let gauge = suppressed(&framework, "a");
            wait_for_metric(&master, &gauge, Some(0.0));
            framework.teardown().unwrap();
            gauge
        })
        .into();
    // The first makes room for the third.
    wait_for_metric(&master, &gauges[0], None);
    for gauge in &gauges[1..] {
        assert_eq!(metric(&master, gauge), Some(0.0), "{gauge}");
    }
}

#[test]
fn item_245_debug_page_lists_suppressed_roles_and_excluded_agents() {
    let master = start(master(&[]));
    let _agents = agents(&master, SimulatedSpec { agents: 2, racks: 40, ..SimulatedSpec::default() });
    let constraints = json!({"role_constraints": {"a": {"groups": [{"attribute_constraints": [
        {"selector": {"attribute_name": "rack"}, "predicate": {"text_equals": {"value": "r1"}}},
    ]}]}}});
    let spec = FrameworkSpec::new("picky")
        .roles(&["a", "b"])
        .subscribe_field("suppressed_roles", json!(["b"]))
        .subscribe_field("offer_constraints", constraints);
    let mut framework = Framework::subscribe(master.address(), spec).unwrap();
    let offer = only_offer(&mut framework);
    assert_eq!(offer.attribute("rack"), Some("r1"));
    let agents = master.get_json("/slaves").unwrap();
    let other = apportion_cluster_tests::list(&agents["slaves"])
        .iter()
        .find(|agent| agent["id"] != offer.agent_id.as_str())
        .expect("another agent");

    let page = master.get_json("/allocator/offer_constraints_debug").unwrap();
    let expected = json!({"frameworks": {(framework.id()): {
        "suppressed_roles": ["b"],
        "excluded_by_attribute_constraints": {"a": [other["id"]], "b": []},
    }}});
    assert_eq!(page, expected);
}
