//! Lending while agents, frameworks and masters come and go.

use apportion_core::{AgentInfo, Event, FrameworkCapabilities, LendingPolicy, RoleLimits};

use crate::cluster::{ABLE_FRAMEWORK, Agent, Cluster, Framework, amount, quota};
use crate::lending::{bounds, policy, thinking, told};

#[test]
fn loans_survive_a_failover_with_agents_or_frameworks_first() {
    for agent_first in [true, false] {
        let mut cluster = Cluster::that_lends(policy());
        let used = [("b", "batch", "cpus{REV}:3"), ("owner", "prod", "cpus:1")];
        let agent = Agent { used: &used, ..Agent::that_reclaims("a", "cpus:4") };
        let own = [("a", "batch", "cpus{REV}:3")];
        let borrower =
            Framework { used: if agent_first { &own } else { &[] }, ..Framework::new("b", &["batch"]) };
        if agent_first {
            cluster.register(&agent);
            cluster.add(&borrower);
        } else {
            cluster.add(&borrower);
            cluster.register(&agent);
        }
        cluster.add_framework("owner", &["prod"]);
        cluster.rescind(&[]);
        assert_eq!(cluster.allocator.borrowed_in_all(b"cpus"), amount(3.0), "{agent_first}");
        cluster.end_task(("b", "batch", "a"), "cpus{REV}:3");
        assert_eq!(cluster.allocator.borrowed_in_all(b"cpus"), amount(0.0));
    }
}

#[test]
fn what_frameworks_use_that_are_not_back_yet_is_not_lent() {
    let mut cluster = Cluster::that_lends(policy());
    cluster.add_framework("new", &["batch"]);
    let used = [("gone", "batch", "cpus{REV}:3")];
    let offers = cluster.register(&Agent { used: &used, ..Agent::that_reclaims("a", "cpus(prod):4") });
    assert_eq!(cluster.told(&offers), ["new batch a cpus{REV}:1"]);
}

#[test]
fn agents_and_frameworks_take_their_loans_along() {
    let (mut cluster, _) = thinking(policy(), "cpus:4");
    let first = cluster.add_framework("b1", &["batch"]).remove(0);
    cluster.add_framework("b2", &["batch"]);
    cluster.accept(&first, "cpus{REV}:3");
    cluster.send(&Event::RemoveFramework { framework: b"b1" });
    assert_eq!(cluster.allocator.borrowed_in_all(b"cpus"), amount(4.0));
    cluster.send(&Event::RemoveAgent { agent: b"a" });
    assert_eq!(cluster.allocator.borrowed_in_all(b"cpus"), amount(0.0));
}

#[test]
fn an_agent_that_learns_to_end_borrowers_takes_its_estimate_along_as_loans() {
    let mut cluster = Cluster::that_lends(policy());
    let offer = {
        cluster.add_framework("b", &["batch"]);
        cluster.add_agent("a", "cpus:4;cpus{REV}:8").remove(0)
    };
    cluster.accept(&offer, "cpus{REV}:8");
    let total = cluster.resources("cpus:4");
    let info = Agent::that_reclaims("a", "cpus:4").info;
    let info = AgentInfo { attributes: b"apportion_reclaim:v1", ..info };
    cluster.send(&Event::UpdateAgent { agent: b"a", info, total: Some(&total), capabilities: None });
    assert_eq!(cluster.allocator.borrowed_in_all(b"cpus"), amount(8.0));
    cluster.end_task(("b", "batch", "a"), "cpus{REV}:8");
    assert!(cluster.notices.is_empty(), "{:?}", cluster.notices);
    assert_eq!(cluster.allocator.borrowed_in_all(b"cpus"), amount(0.0));
    cluster.remove_framework("b");
    assert_eq!(cluster.available("a"), "cpus:4");
}

#[test]
fn loans_of_frameworks_that_are_not_back_yet_count_for_limits() {
    let limit = |role: &str, lend: &[(&str, f64)], borrow: &[(&str, f64)]| RoleLimits {
        role: role.as_bytes().into(),
        lend: bounds(lend),
        borrow: bounds(borrow),
    };
    for limit in [limit("prod", &[("cpus", 4.0)], &[]), limit("batch", &[], &[("cpus", 4.0)])] {
        let mut cluster = Cluster::that_lends(LendingPolicy { limits: vec![limit], ..policy() });
        let used = [("gone", "batch/a", "cpus{REV}:3")];
        cluster.register(&Agent { used: &used, ..Agent::that_reclaims("a", "cpus(prod):8") });
        let offers = cluster.add_framework("new", &["batch"]);
        assert_eq!(cluster.told(&offers), ["new batch a cpus{REV}:1"]);
        cluster.rescind(&offers);
        cluster.add(&Framework { active: false, ..Framework::new("gone", &["batch/a"]) });
        assert_eq!(told(&mut cluster, 1.0), ["new batch a cpus{REV}:1"], "they count once");
        cluster.end_task(("gone", "batch/a", "a"), "cpus{REV}:3");
        cluster.rescind(&[]);
        cluster.send(&Event::RemoveFramework { framework: b"new" });
        let offers = cluster.add_framework("newer", &["batch"]);
        assert_eq!(cluster.told(&offers), ["newer batch a cpus{REV}:4"]);
    }
}

#[test]
fn loans_of_a_framework_that_never_comes_back_leave_nothing() {
    let limit =
        RoleLimits { role: b"batch".as_slice().into(), lend: vec![], borrow: bounds(&[("cpus", 4.0)]) };
    let mut cluster = Cluster::that_lends(LendingPolicy { limits: vec![limit], ..policy() });
    let used = [("gone", "batch", "cpus{REV}:3")];
    for agent in ["a", "b"] {
        cluster.register(&Agent { used: &used, ..Agent::that_reclaims(agent, "cpus(prod):4") });
    }
    assert_eq!(cluster.add_framework("new", &["batch"]), [], "6 of 4 are borrowed");
    cluster.end_task(("gone", "batch", "a"), "cpus{REV}:3");
    let offers = cluster.tick();
    assert_eq!(offers.len(), 1, "{:?}", cluster.told(&offers));
    cluster.rescind(&offers);
    cluster.send(&Event::RemoveAgent { agent: b"b" });
    assert_eq!(told(&mut cluster, 1.0), ["new batch a cpus{REV}:4"]);
}

#[test]
fn a_framework_that_leaves_a_role_keeps_its_loans_and_is_offered_no_more() {
    let (mut cluster, _) = thinking(policy(), "cpus:4");
    let first = cluster.add_framework("b", &["batch"]).remove(0);
    cluster.accept(&first, "cpus{REV}:1");
    cluster.update(&Framework::new("b", &["other"]));
    assert_eq!(cluster.tick(), []);
    assert_eq!(cluster.allocator.borrowed_in_all(b"cpus"), amount(1.0));
    cluster.end_task(("b", "batch", "a"), "cpus{REV}:1");
    assert_eq!(cluster.tick(), []);
    cluster.update(&Framework::new("b", &["other", "night"]));
    assert_eq!(told(&mut cluster, 1.0), ["b night a cpus{REV}:4"]);
    let capabilities = FrameworkCapabilities { revocable_resources: false, ..ABLE_FRAMEWORK };
    cluster.update(&Framework { capabilities, ..Framework::new("b", &["night"]) });
    cluster.recover_from(("b", "night", "a"), &first.resources, None, false);
    assert_eq!(told(&mut cluster, 2.0), [] as [&str; 0]);
}

#[test]
fn agents_that_are_inactive_or_not_on_the_whitelist_lend_nothing_until_they_are_again() {
    let (mut cluster, _) = thinking(policy(), "cpus:4");
    cluster.send(&Event::DeactivateAgent { agent: b"a" });
    assert_eq!(cluster.add_framework("b", &["batch"]), []);
    cluster.send(&Event::ActivateAgent { agent: b"a" });
    let offer = cluster.tick().remove(0);
    cluster.send(&Event::UpdateWhitelist { hostnames: Some(&[b"other"]) });
    cluster.rescind(&[offer]);
    assert_eq!(cluster.tick(), []);
    cluster.tick();
    cluster.send(&Event::UpdateWhitelist { hostnames: None });
    assert_eq!(told(&mut cluster, 1.0), ["b batch a cpus{REV}:4"]);
}

#[test]
fn a_total_that_shrinks_takes_what_is_idle_along() {
    let (mut cluster, owner) = thinking(policy(), "cpus:4");
    let lent = cluster.add_framework("b", &["batch"]).remove(0);
    cluster.accept(&lent, "cpus{REV}:3");
    cluster.rescind(&[owner]);
    let total = cluster.resources("cpus:2");
    let info = Agent::that_reclaims("a", "cpus:2").info;
    cluster.send(&Event::UpdateAgent { agent: b"a", info, total: Some(&total), capabilities: None });
    assert!(cluster.tick().iter().all(|offer| !offer.why.lent));
    cluster.end_task(("b", "batch", "a"), "cpus{REV}:3");
    let offers = cluster.tick();
    assert_eq!(cluster.told(&offers), ["b batch a cpus{REV}:2"]);
}

#[test]
fn what_was_lent_before_lending_was_switched_off_runs_on_and_is_not_offered_again() {
    let nobody = LendingPolicy { lenders: Vec::new(), ..policy() };
    let mut cluster = Cluster::that_lends(nobody);
    let nothing = quota("", "cpus:0;mem:0");
    cluster.send(&Event::UpdateQuota { role: b"batch", quota: &nothing });
    cluster.add(&Framework::new("b", &["batch"]));
    let used = [("b", "batch", "cpus{REV}:3"), ("owner", "prod", "cpus:1")];
    cluster.register(&Agent { used: &used, ..Agent::that_reclaims("a", "cpus:4") });
    let offers = cluster.add_framework("owner", &["prod"]);
    assert_eq!(cluster.told(&offers), ["owner prod a cpus:3"]);
    cluster.end_task(("b", "batch", "a"), "cpus{REV}:3");
    assert!(told(&mut cluster, 60.0).is_empty());
    assert!(told(&mut cluster, 120.0).is_empty() && cluster.notices.is_empty(), "{:?}", cluster.notices);
}

#[test]
fn what_an_agent_has_lost_since_it_was_offered_is_not_lent() {
    let (mut cluster, _) = thinking(policy(), "cpus:4;mem:10");
    let info = AgentInfo { hostname: b"a", reclaims: true, ..AgentInfo::default() };
    let total = cluster.resources("cpus:1;mem:10");
    cluster.update_agent("a", info, Some(&total), None);
    let offers = cluster.add_framework("b", &["batch"]);
    assert_eq!(cluster.told(&offers), ["b batch a cpus{REV}:1; mem{REV}:10"]);
}

#[test]
fn what_is_in_use_of_an_estimate_counts_as_lent_from_when_the_agent_lends() {
    let mut cluster = Cluster::that_lends(policy());
    cluster.add_framework("b", &["batch"]);
    let offer = cluster.add_agent("a", "cpus(prod):4;cpus{REV}:3").remove(0);
    cluster.accept(&offer, "cpus{REV}:3");
    let info = AgentInfo { hostname: b"a", reclaims: true, ..AgentInfo::default() };
    let offers = cluster.update_agent("a", info, None, None);
    assert_eq!(cluster.total("a"), "cpus(prod):4", "without the estimate");
    assert_eq!(cluster.told(&offers), ["b batch a cpus{REV}:1"], "3 of 4 are in use by a loan");
    cluster.rescind(&offers);
    cluster.end_task(("b", "batch", "a"), "cpus{REV}:3");
    assert!(cluster.notices.is_empty(), "{:?}", cluster.notices);
    assert_eq!(cluster.allocator.borrowed_in_all(b"cpus"), amount(0.0));
    assert_eq!(cluster.allocator.held_of(b"cpus"), amount(0.0));
}

#[test]
fn an_agent_that_cannot_end_borrowers_any_more_lends_nothing_more() {
    let mut cluster = Cluster::that_lends(policy());
    cluster.register(&Agent::that_reclaims("a", "cpus(prod):4"));
    let info = AgentInfo { hostname: b"a", ..AgentInfo::default() };
    cluster.update_agent("a", info, None, None);
    assert_eq!(cluster.add_framework("b", &["batch"]), []);
}

#[test]
fn use_by_a_framework_that_is_gone_is_nobody_elses() {
    let (mut cluster, _) = thinking(policy(), "cpus:4");
    cluster.add_framework("b", &["batch"]);
    let used = cluster.resources("cpus{REV}:4");
    let group = [apportion_core::Allocated { role: Some(b"batch"), resources: &used }];
    cluster.send(&Event::UseLent { framework: Some(b"gone"), agent: b"a", resources: &group });
    let loans: Vec<_> = cluster.allocator.loans().collect();
    assert_eq!(loans.len(), 1);
    assert!(loans[0].used.is_empty() && !loans[0].offered.is_empty(), "{loans:?}");
}
