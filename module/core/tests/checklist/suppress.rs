//! Suppressed, revived, active and changed frameworks (items 157 to 169).

use apportion_core::{AgentInfo, ExcludedFrom};

use crate::cluster::{Agent, Cluster, Framework};

/// Whether each role of a framework is suppressed.
fn suppressed(cluster: &Cluster, framework: &str) -> Vec<(String, bool)> {
    let roles = cluster.allocator.subscriptions(framework.as_bytes());
    let named = roles.into_iter().map(|(role, suppressed)| {
        (String::from_utf8_lossy(cluster.allocator.role_name(role)).into_owned(), suppressed)
    });
    let mut named: Vec<_> = named.collect();
    named.sort();
    named
}

fn roles(expected: &[(&str, bool)]) -> Vec<(String, bool)> {
    expected.iter().map(|(role, suppressed)| ((*role).to_string(), *suppressed)).collect()
}

#[test]
fn item_157_suppressing_without_naming_roles_ends_all_offers_until_revived() {
    let mut cluster = Cluster::of_master();
    cluster.add_framework("f", &["r", "s"]);
    cluster.suppress("f", &[]);
    assert_eq!(cluster.add_agent("x", "cpus:4;cpus(r):1;cpus(s):1"), []);
    assert_eq!(cluster.tick_at(100.0), []);
    let offers = cluster.revive("f", &[]);
    assert_eq!(cluster.told(&offers), ["f r x cpus:4; cpus(r):1", "f s x cpus(s):1"]);
}

#[test]
fn item_158_suppressing_and_reviving_one_role_leaves_the_other_alone() {
    let mut cluster = Cluster::of_master();
    cluster.add_framework("f", &["role1", "role2"]);
    cluster.suppress("f", &["role1"]);
    let offer = cluster.add_agent("x", "cpus:4").remove(0);
    assert_eq!(offer.role, "role2");
    cluster.decline(&offer, 1000.0);
    assert_eq!(cluster.tick(), []);
    let offers = cluster.revive("f", &["role1"]);
    assert_eq!(cluster.told(&offers), ["f role1 x cpus:4"]);
    cluster.decline(&offers[0], 1000.0);
    assert_eq!(cluster.tick(), [], "role2 refuses still");
}

#[test]
fn item_159_a_framework_can_come_with_suppressed_roles() {
    let mut cluster = Cluster::of_master();
    cluster.add_agent("x", "cpus:4");
    let framework = Framework { suppressed: &["r"], ..Framework::new("f", &["r", "s"]) };
    let offers = cluster.add(&framework);
    assert_eq!(cluster.told(&offers), ["f s x cpus:4"]);
    assert_eq!(suppressed(&cluster, "f"), roles(&[("r", true), ("s", false)]));
    assert_eq!(cluster.add_agent("y", "cpus:1")[0].role, "s", "r has less, and is not asked");
}

#[test]
fn item_160_reviving_what_is_not_suppressed_does_no_harm_and_runs() {
    let mut cluster = Cluster::of_master();
    cluster.add_framework("f", &["r"]);
    cluster.add_agent("x", "cpus:4");
    let before = cluster.runs();
    assert_eq!(cluster.revive("f", &[]), []);
    assert_eq!(cluster.runs(), before + 1);
}

#[test]
fn item_161_a_suppressed_framework_stays_so_when_it_comes_back() {
    let mut cluster = Cluster::of_master();
    cluster.add_framework("f", &["r"]);
    cluster.suppress("f", &[]);
    cluster.deactivate("f");
    assert_eq!(cluster.activate("f"), []);
    assert_eq!(cluster.add_agent("x", "cpus:4"), []);
    assert_eq!(cluster.revive("f", &[]).len(), 1);
}

#[test]
fn item_162_a_framework_that_comes_inactive_waits_for_its_activation() {
    let mut cluster = Cluster::of_master();
    cluster.add_agent("x", "cpus:4");
    cluster.add_agent("y", "cpus:4");
    let before = cluster.runs();
    assert_eq!(cluster.add(&Framework { active: false, ..Framework::new("f", &["r"]) }), []);
    assert_eq!(cluster.runs(), before);
    assert_eq!(cluster.tick(), []);
    let offers = cluster.activate("f");
    assert_eq!(cluster.told(&offers), ["f r x cpus:4", "f r y cpus:4"]);
    assert_eq!(cluster.runs(), before + 2);
}

#[test]
fn item_163_what_a_deactivated_framework_was_offered_counts_until_it_comes_back() {
    let mut cluster = Cluster::of_master();
    cluster.add_framework("f", &["a"]);
    cluster.add_framework("g", &["b"]);
    let offer = cluster.add_agent("x", "cpus:4").remove(0);
    cluster.add_agent("y", "cpus:1");
    cluster.deactivate("f");
    assert_eq!(cluster.available("x"), "{}");
    assert_eq!(cluster.numbers("a").dominant_share, Some(0.8));
    cluster.rescind(&[offer]);
    assert_eq!(cluster.numbers("a").dominant_share, Some(0.0));
    let offers = cluster.tick();
    assert_eq!(cluster.told(&offers), ["g b x cpus:4"]);
}

#[test]
fn item_164_offers_in_an_added_role_come_with_the_next_batch() {
    let mut cluster = Cluster::of_master();
    cluster.add_framework("f", &["r"]);
    cluster.add_agent("x", "cpus(s):4");
    let before = cluster.runs();
    cluster.update(&Framework::new("f", &["r", "s"]));
    assert_eq!(cluster.runs(), before);
    let offers = cluster.tick();
    assert_eq!(cluster.told(&offers), ["f s x cpus(s):4"]);
}

#[test]
fn item_165_an_added_role_can_be_suppressed_from_the_start() {
    let mut cluster = Cluster::of_master();
    cluster.add_framework("f", &["r"]);
    cluster.add_agent("x", "cpus(s):4");
    cluster.update(&Framework { suppressed: &["s"], ..Framework::new("f", &["r", "s"]) });
    assert_eq!(cluster.tick(), []);
    assert_eq!(suppressed(&cluster, "f"), roles(&[("r", false), ("s", true)]));
    assert_eq!(cluster.revive("f", &["s"]).len(), 1);
}

#[test]
fn item_166_a_role_that_was_left_stays_until_all_held_in_it_came_back() {
    let mut cluster = Cluster::of_master();
    cluster.add_framework("f", &["r", "s"]);
    let offer = cluster.add_agent("x", "cpus:4").remove(0);
    assert_eq!(offer.role, "r");
    cluster.accept(&offer, "cpus:1");
    cluster.update(&Framework::new("f", &["s"]));
    assert_eq!(cluster.numbers("r").dominant_share, Some(0.25));
    let offers = cluster.tick();
    assert_eq!(cluster.told(&offers), ["f s x cpus:3"], "nothing more in r");
    cluster.end_task(("f", "r", "x"), "cpus:1");
    assert_eq!(cluster.numbers("r").dominant_share, None);
    assert!(!cluster.has_role("r"));
}

#[test]
fn item_167_an_update_can_suppress_and_revive_roles() {
    let mut cluster = Cluster::of_master();
    cluster.add_framework("f", &["r", "s"]);
    cluster.update(&Framework { suppressed: &["r"], ..Framework::new("f", &["r", "s"]) });
    assert_eq!(suppressed(&cluster, "f"), roles(&[("r", true), ("s", false)]));
    let offer = cluster.add_agent("x", "cpus:4").remove(0);
    assert_eq!(offer.role, "s");
    cluster.rescind(&[offer]);
    cluster.update(&Framework { suppressed: &["s"], ..Framework::new("f", &["r", "s"]) });
    assert_eq!(suppressed(&cluster, "f"), roles(&[("r", false), ("s", true)]));
    let offers = cluster.tick();
    assert_eq!(cluster.told(&offers), ["f r x cpus:4"]);
    cluster.update(&Framework::new("f", &["r", "s"]));
    assert_eq!(suppressed(&cluster, "f"), roles(&[("r", false), ("s", false)]));
}

#[test]
fn item_167_an_update_that_revives_a_role_takes_its_refusals_back() {
    let mut cluster = Cluster::of_master();
    cluster.add_framework("f", &["r"]);
    let offer = cluster.add_agent("x", "cpus:4").remove(0);
    cluster.decline(&offer, 1000.0);
    cluster.update(&Framework { suppressed: &["r"], ..Framework::new("f", &["r"]) });
    assert_eq!(cluster.numbers("r").active_filters, Some(1), "suppressing keeps them");
    cluster.update(&Framework::new("f", &["r"]));
    assert_eq!(cluster.numbers("r").active_filters, Some(0));
    assert_eq!(cluster.tick().len(), 1);
}

#[test]
fn item_168_an_inactive_framework_gets_nothing_whatever_it_asks_for() {
    let mut cluster = Cluster::of_master();
    cluster.add_framework("f", &["r"]);
    // The first stage would meet it as well as the second.
    cluster.set_quota("r", "cpus:4", "");
    cluster.set_quota("s", "cpus:4", "");
    cluster.deactivate("f");
    cluster.add_agent("x", "cpus:4");
    assert_eq!(cluster.revive("f", &[]), []);
    cluster.suppress("f", &[]);
    assert_eq!(cluster.revive("f", &["r"]), []);
    cluster.update(&Framework::new("f", &["r", "s"]));
    cluster.update(&Framework { suppressed: &["r"], ..Framework::new("f", &["r", "s"]) });
    cluster.update(&Framework::new("f", &["r", "s"]));
    assert_eq!(cluster.tick(), []);
    let offers = cluster.activate("f");
    assert_eq!(cluster.told(&offers), ["f r x cpus:4"]);
}

#[test]
fn item_169_offer_constraints_keep_agents_from_roles() {
    let mut cluster = Cluster::of_master();
    cluster.add_agent("x", "cpus:4");
    let framework = Framework::new("f", &["r", "s"]);
    let offers = cluster.add(&Framework { excluded: &[("r", &["x"])], ..framework });
    assert_eq!(cluster.told(&offers), ["f s x cpus:4"]);
    cluster.rescind(&offers);
    let role = cluster.allocator.find_role(b"r").unwrap();
    assert_eq!(cluster.allocator.excluded_agents(b"f", role), [b"x"]);
    cluster.update(&Framework { excluded: &[("r", &["x"]), ("s", &["x"])], ..framework });
    assert_eq!(cluster.tick(), [], "in effect with the next run");
    cluster.update(&Framework { excluded: &[("s", &["x"])], ..framework });
    let offers = cluster.tick();
    assert_eq!(cluster.told(&offers), ["f r x cpus:4"]);
}

#[test]
fn item_169_offer_constraints_hold_for_agents_that_come_or_change_later() {
    let mut cluster = Cluster::of_master();
    cluster.add_framework("f", &["r"]);
    let excluded_from = [ExcludedFrom { framework: b"f", role: b"r" }];
    let info = AgentInfo { hostname: b"x", excluded_from: &excluded_from, ..AgentInfo::default() };
    assert_eq!(cluster.register(&Agent { info, ..Agent::new("x", "cpus:4") }), []);
    let offers = cluster.add_framework("g", &["s"]);
    assert_eq!(cluster.told(&offers), ["g s x cpus:4"], "others are offered it");
    cluster.rescind(&offers);
    cluster.suppress("g", &[]);
    assert_eq!(cluster.tick(), []);
    let info = AgentInfo { hostname: b"x", attributes: b"rack:2", ..AgentInfo::default() };
    let offers = cluster.update_agent("x", info, None, None);
    assert_eq!(cluster.told(&offers), ["f r x cpus:4"]);
}

#[test]
fn item_169_an_agent_that_is_not_excluded_any_more_is_looked_at_again() {
    let mut cluster = Cluster::of_master();
    cluster.add_framework("f", &["r"]);
    let excluded_from = [ExcludedFrom { framework: b"f", role: b"r" }];
    let before = AgentInfo { hostname: b"x", excluded_from: &excluded_from, ..AgentInfo::default() };
    assert_eq!(cluster.register(&Agent { info: before, ..Agent::new("x", "cpus:4") }), []);
    assert_eq!(cluster.tick(), [], "nobody can take it");
    let now = AgentInfo { excluded_from: &[], ..before };
    let offers = cluster.update_agent("x", now, None, None);
    assert_eq!(cluster.told(&offers), ["f r x cpus:4"], "all else about it is as before");
}
