//! What one call does with what is lent: task groups, and several offers of one agent.

use apportion_cluster_tests::{WITHIN, rig};
use apportion_rig::{Framework, Offer, TaskSpec, TaskState, scalar};
use serde_json::{Value, json};

use crate::lending::{AGENT_RESOURCES, Cluster, RULES, ended, lent, lent_offer, regular};

/// A task of a group, in an executor of the group's own: that needs disk, so disk has to be lent as well.
fn member(id: &str, cpus: f64) -> TaskSpec {
    lent(id, cpus).revocable(&["cpus", "mem", "disk"]).custom_executor("pod", rig().executor())
}

#[test]
fn a_task_group_on_what_is_lent_runs_whole_or_not_at_all_and_is_evicted_whole() {
    let rules = RULES.replace("[lending]\n", "[lending]\nresources = [\"cpus\", \"mem\", \"disk\"]\n");
    let mut cluster = Cluster::that_lends(&rules, AGENT_RESOURCES);
    let (mut owner, own) = cluster.owner();
    let mut first = cluster.borrower("first", "batch");
    let mut second = cluster.borrower("second", "batch");
    let mut third = cluster.borrower("third", "batch");
    let offers = [&mut first, &mut second, &mut third].map(lent_offer);
    first.launch(&offers[0], &[lent("won", 0.5)], Some(600.0)).unwrap();
    first.wait_status("won", TaskState::Running, WITHIN).unwrap();

    // One of them would fit, both do not.
    second.launch_group(&offers[1..2], &[member("left", 2.0), member("right", 1.8)], Some(600.0)).unwrap();
    for task in ["left", "right"] {
        let lost = ended(&mut second, task);
        assert_eq!((lost.state, lost.source.as_deref()), (TaskState::Error, Some("SOURCE_MASTER")));
        assert!(lost.text.contains("lent"), "{}", lost.text);
    }

    // No claim is left of it: all that is not in use can be had.
    third.launch_group(&offers[2..], &[member("up", 2.0), member("down", 1.3)], Some(600.0)).unwrap();
    for task in ["up", "down"] {
        third.wait_status(task, TaskState::Running, WITHIN).unwrap();
    }
    owner.launch(&own, &[regular("own", 1.0)], Some(600.0)).unwrap();
    owner.wait_status("own", TaskState::Running, WITHIN).unwrap();
    for task in ["up", "down"] {
        let evicted = ended(&mut third, task);
        assert_eq!(evicted.reason.as_deref(), Some("REASON_CONTAINER_PREEMPTED"), "{evicted:?}");
    }
    assert!(first.statuses("won").iter().all(|status| !status.state.is_terminal()), "the fewest go");
    cluster.require_health();
}

/// A regular offer and one of what is lent, of the same agent.
fn both_offers(framework: &mut Framework) -> Vec<Offer> {
    let mut offers: Vec<Offer> = Vec::new();
    let has = |offers: &[Offer], amount: fn(&Offer) -> f64| offers.iter().any(|offer| amount(offer) > 0.0);
    while !has(&offers, |offer| offer.regular_scalar("cpus"))
        || !has(&offers, |offer| offer.revocable_scalar("cpus"))
    {
        offers.extend(framework.next_offers(WITHIN).unwrap());
    }
    offers
}

#[test]
fn one_call_reserves_of_a_regular_offer_and_launches_on_what_is_lent() {
    let mut cluster = Cluster::that_lends(RULES, "cpus(prod):2;mem(prod):512;cpus:2;mem:512;disk:1024");
    let mut framework = cluster.borrower("both", "batch");
    let offers = both_offers(&mut framework);
    let taken = |mut resource: Value, more: &str, value: Value| {
        resource["allocation_info"] = json!({"role": "batch"});
        resource[more] = value;
        resource
    };
    let reserved = taken(scalar("cpus", 1.0), "reservations", json!([{"type": "DYNAMIC", "role": "batch"}]));
    let lent = [("cpus", 2.0), ("mem", 64.0)]
        .map(|(name, amount)| taken(scalar(name, amount), "revocable", json!({})));
    let task = json!({
        "name": "lent", "task_id": {"value": "lent"}, "agent_id": {"value": offers[0].agent_id},
        "command": {"value": "sleep 600"},
        "resources": lent,
    });
    let operations = vec![
        json!({"type": "RESERVE", "reserve": {"resources": [reserved]}}),
        json!({"type": "LAUNCH", "launch": {"task_infos": [task]}}),
    ];
    framework.accept(&offers, operations, Some(0.0)).unwrap();
    framework.wait_status("lent", TaskState::Running, WITHIN).unwrap();
    let is_reserved = |offer: &Offer| offer.resources().iter().any(|it| it["role"] == "batch");
    let offer = std::iter::repeat_with(|| framework.next_offers(WITHIN).unwrap().remove(0))
        .find(is_reserved)
        .unwrap();
    assert_eq!((offer.regular_scalar("cpus"), offer.revocable_scalar("cpus")), (2.0, 0.0), "{offer:?}");
    cluster.require_health();
}
