//! Agents that come, go and bring what is in use (items 171 to 178, 252 to 255, 297).

use apportion_core::{AgentInfo, Notice};

use crate::cluster::{Agent, Cluster, Framework, window};

#[test]
fn item_171_a_deactivated_agent_is_not_offered_until_the_batch_after_its_activation() {
    let mut cluster = Cluster::of_master();
    cluster.add_agent("x", "cpus:4");
    cluster.deactivate_agent("x");
    assert_eq!(cluster.add_framework("f", &["r"]), []);
    assert_eq!(cluster.tick(), []);
    let before = cluster.runs();
    cluster.activate_agent("x");
    assert_eq!(cluster.runs(), before);
    assert_eq!(cluster.tick().len(), 1);
}

#[test]
fn item_172_only_whitelisted_hosts_are_offered() {
    let mut cluster = Cluster::of_master();
    cluster.add_framework("f", &["r"]);
    cluster.whitelist(Some(&["other"]));
    assert_eq!(cluster.add_agent("x", "cpus:4"), []);
    assert_eq!(cluster.tick(), []);
    cluster.whitelist(Some(&["other", "x"]));
    let offer = cluster.tick().remove(0);
    cluster.whitelist(Some(&[]));
    assert!(cluster.notices.contains(&Notice::EmptyWhitelist));
    cluster.rescind(&[offer]);
    assert_eq!(cluster.tick(), []);
    cluster.whitelist(None);
    assert_eq!(cluster.tick().len(), 1);
}

#[test]
fn item_173_who_loses_an_agent_gets_the_next() {
    let mut cluster = Cluster::of_master();
    cluster.add_framework("f", &["a"]);
    cluster.add_framework("g", &["b"]);
    assert_eq!(cluster.add_agent("x", "cpus:4")[0].framework, "f");
    assert_eq!(cluster.add_agent("y", "cpus:2")[0].framework, "g");
    cluster.remove_agent("x");
    assert_eq!(cluster.numbers("a").dominant_share, Some(0.0));
    assert_eq!(cluster.numbers("b").dominant_share, Some(1.0), "all of what is left");
    assert_eq!(cluster.add_agent("z", "cpus:4")[0].framework, "f");
}

#[test]
fn item_174_what_comes_back_from_a_removed_agent_is_ignored() {
    let mut cluster = Cluster::of_master();
    cluster.add_framework("f", &["r"]);
    let offer = cluster.add_agent("x", "cpus:4").remove(0);
    cluster.accept(&offer, "cpus:1");
    let rest = cluster.tick();
    cluster.remove_agent("x");
    cluster.end_task(("f", "r", "x"), "cpus:1");
    assert!(matches!(cluster.notices[..], [Notice::StaleAgent { .. }]));
    cluster.decline(&rest[0], 5.0);
    assert!(matches!(cluster.notices[..], [Notice::StaleAgent { .. }]));
    assert_eq!(cluster.tick(), []);
}

#[test]
fn item_175_what_an_unknown_framework_uses_is_unavailable_and_charged_once_it_comes() {
    let mut cluster = Cluster::of_master();
    cluster.add_framework("g", &["s"]);
    let offers = cluster.add_agent_using("x", "cpus:4", &[("f", "r", "cpus:1")]);
    assert_eq!(cluster.told(&offers), ["g s x cpus:3"]);
    assert_eq!(cluster.numbers("r").dominant_share, None);
    assert_eq!(cluster.numbers("s").dominant_share, Some(0.75));
    cluster.add_framework_using("f", &["r"], &[("x", "r", "cpus:1")]);
    assert_eq!(cluster.numbers("r").dominant_share, Some(0.25));
    assert_eq!(cluster.available("x"), "{}");
}

#[test]
fn item_176_the_order_in_which_agent_and_framework_come_back_does_not_matter() {
    let used = [("f", "r", "cpus:1")];
    let mut agent_first = Cluster::of_master();
    agent_first.add_agent_using("x", "cpus:4", &used);
    agent_first.add_framework_using("f", &["r"], &[("x", "r", "cpus:1")]);
    let mut framework_first = Cluster::of_master();
    framework_first.add_framework_using("f", &["r"], &[]);
    framework_first.add_agent_using("x", "cpus:4", &used);
    for mut cluster in [agent_first, framework_first] {
        assert_eq!(cluster.numbers("r").dominant_share, Some(0.25));
        assert_eq!(cluster.available("x"), "cpus:3");
        let offers = cluster.activate("f");
        assert_eq!(cluster.told(&offers), ["f r x cpus:3"]);
        cluster.end_task(("f", "r", "x"), "cpus:1");
        assert_eq!(cluster.available("x"), "cpus:1");
    }
}

#[test]
fn item_177_an_agent_under_maintenance_may_have_resources_of_an_unknown_framework() {
    let mut cluster = Cluster::of_master();
    cluster.add_framework("f", &["r"]);
    let used = [("unknown", "s", "cpus:1")];
    let agent = Agent { used: &used, unavailability: Some(window(7)), ..Agent::new("x", "cpus:4") };
    let offers = cluster.register(&agent);
    assert_eq!(cluster.told(&offers), ["f r x cpus:3"]);
    assert_eq!(cluster.inverse_offers, ["f x 7"]);
    assert_eq!(cluster.tick(), []);
    assert_eq!(cluster.inverse_offers, [] as [&str; 0]);
}

#[test]
fn item_178_an_agent_used_by_a_framework_that_never_came_can_go() {
    let mut cluster = Cluster::of_master();
    let used = [("unknown", "r", "cpus:1;mem(r):10;cpus{REV}:1")];
    cluster.add_agent_using("x", "cpus:4;mem(r):10;cpus{REV}:1", &used);
    cluster.remove_agent("x");
    assert!(!cluster.has_role("r"));
    cluster.add_framework("f", &["s"]);
    assert_eq!(cluster.add_agent("x", "cpus:4").len(), 1);
}

#[test]
fn item_252_used_resources_without_a_role_are_unavailable_and_do_no_harm() {
    let mut cluster = Cluster::of_master();
    cluster.add_framework("f", &["r"]);
    let used = [("unknown", "", "cpus:1")];
    let agent = Agent { used: &used, unavailability: Some(window(7)), ..Agent::new("x", "cpus:4") };
    let offers = cluster.register(&agent);
    assert_eq!(cluster.told(&offers), ["f r x cpus:3"]);
    assert_eq!(cluster.inverse_offers, ["f x 7"]);
    cluster.rescind(&offers);
    assert_eq!(cluster.tick().len(), 1);
    cluster.set_window("x", Some(window(8)));
    assert_eq!(cluster.inverse_offers, ["f x 8"]);
    cluster.remove_agent("x");
    assert_eq!(cluster.allocator.agents_len(), 0);
}

#[test]
fn item_253_the_total_counts_and_not_what_the_agents_info_says() {
    let mut cluster = Cluster::of_master();
    cluster.add_framework("f", &["r"]);
    let info = AgentInfo { hostname: b"x", other: b"resources: cpus:8;mem:1024", ..AgentInfo::default() };
    let offers = cluster.register(&Agent { info, ..Agent::new("x", "cpus:2") });
    assert_eq!(cluster.told(&offers), ["f r x cpus:2"]);
}

#[test]
fn item_254_a_role_a_framework_only_uses_something_in_counts_until_that_comes_back() {
    let used = [("f", "left", "cpus:1")];
    let mut by_agent = Cluster::of_master();
    by_agent.add_framework("f", &["r"]);
    by_agent.add_agent_using("x", "cpus:4", &used);
    let mut by_framework = Cluster::of_master();
    by_framework.add_agent_using("x", "cpus:4", &used);
    by_framework.add(&Framework { used: &[("x", "left", "cpus:1")], ..Framework::new("f", &["r"]) });
    for mut cluster in [by_agent, by_framework] {
        assert_eq!(cluster.numbers("left").dominant_share, Some(0.25));
        assert_eq!(cluster.add_agent("y", "cpus(left):4"), [], "nothing under a role it has left");
        cluster.remove_agent("y");
        cluster.end_task(("f", "left", "x"), "cpus:1");
        assert_eq!(cluster.numbers("left").dominant_share, None);
        assert!(!cluster.has_role("left"));
    }
}

#[test]
fn item_255_what_a_framework_uses_on_an_unknown_agent_waits_for_the_agent() {
    let mut cluster = Cluster::of_master();
    cluster.add_framework_using("f", &["r"], &[("x", "r", "cpus:1")]);
    assert_eq!(cluster.numbers("r").dominant_share, Some(0.0));
    assert!(cluster.numbers("r").consumed.is_empty());
    cluster.add_agent_using("x", "cpus:4", &[("f", "r", "cpus:1")]);
    assert_eq!(cluster.numbers("r").dominant_share, Some(0.25));
    assert_eq!(cluster.available("x"), "cpus:3");
}

#[test]
fn item_297_held_resources_that_drop_out_of_the_total_for_a_while_are_never_offered_twice() {
    let with = "cpus:4;disk(r):100;cpus{REV}:10";
    // What is recovered: before the total shrinks, while it is smaller, after it grew again.
    for moment in 0..3 {
        let mut cluster = Cluster::of_master();
        cluster.add_framework("f", &["r"]);
        let offer = cluster.add_agent("x", with).remove(0);
        cluster.add_framework("g", &["r"]);
        let updates = [with, "cpus:4", with];
        for (step, total) in updates.into_iter().enumerate() {
            let offers = cluster.update_total("x", total);
            // What was free while it was not in the total is offered when it is back.
            assert_eq!(offers.len(), usize::from(moment == 1 && step == 2), "{moment} {step}");
            if step == moment {
                cluster.rescind(std::slice::from_ref(&offer));
                let offers = cluster.tick();
                assert_eq!(cluster.available("x"), "{}");
                let told = cluster.told(&offers);
                let cpus_only = ["g r x cpus:4".to_string()];
                let all = ["g r x cpus:4; disk(r):100; cpus{REV}:10".to_string()];
                assert_eq!(told, if step == 1 { cpus_only } else { all });
            }
        }
    }
}
