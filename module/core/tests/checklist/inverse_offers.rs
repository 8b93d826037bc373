//! Agents under maintenance: asking frameworks to leave (items 229 to 236, 284).

use crate::cluster::{Agent, Cluster, Framework, Offered, window};

const NONE: [&str; 0] = [];

/// A cluster with agent `x`, all of it offered to `f`, and an idle framework `g`.
fn one_offer() -> (Cluster, Offered) {
    let mut cluster = Cluster::of_master();
    cluster.add_framework("f", &["r"]);
    cluster.add_framework("g", &["s"]);
    let offer = cluster.add_agent("x", "cpus:4").remove(0);
    assert_eq!(offer.framework, "f");
    (cluster, offer)
}

/// The same after `f` was asked to leave.
fn asked() -> Cluster {
    let (mut cluster, _) = one_offer();
    cluster.set_window("x", Some(window(100)));
    assert_eq!(cluster.inverse_offers, ["f x 100"]);
    cluster
}

#[test]
fn item_229_who_holds_something_on_an_agent_is_asked_to_leave_before_its_maintenance() {
    let (mut cluster, offer) = one_offer();
    assert_eq!(cluster.set_window("x", Some(window(100))), []);
    assert_eq!(cluster.inverse_offers, ["f x 100"], "and g, who holds nothing, is not");
    let mut launched = cluster.clone();
    launched.accept(&offer, "cpus:4");
    launched.set_window("x", Some(window(200)));
    assert_eq!(launched.inverse_offers, ["f x 200"], "tasks or offers, that makes no difference");
}

#[test]
fn item_230_nobody_is_asked_twice() {
    let mut cluster = asked();
    cluster.tick_at(1.0);
    assert_eq!(cluster.inverse_offers, NONE);
    cluster.revive("f", &[]);
    assert_eq!(cluster.inverse_offers, NONE);
}

#[test]
fn item_231_who_answered_without_a_time_is_asked_again_in_the_next_run() {
    for refuse in [None, Some(0.0)] {
        let mut cluster = asked();
        cluster.answer(("f", "x"), Some("DECLINE"), refuse);
        assert_eq!(cluster.statuses(), ["x f=DECLINE"]);
        cluster.add_agent("y", "cpus:1");
        assert_eq!(cluster.inverse_offers, NONE, "x is no candidate of this run");
        cluster.tick_at(1.0);
        assert_eq!(cluster.inverse_offers, ["f x 100"]);
        assert_eq!(cluster.statuses(), ["x f=DECLINE"]);
        cluster.answer(("f", "x"), Some("ACCEPT"), refuse);
        assert_eq!(cluster.statuses(), ["x f=ACCEPT"]);
    }
}

#[test]
fn item_232_who_answered_with_a_time_is_not_asked_before_it_is_up() {
    let mut cluster = asked();
    cluster.answer(("f", "x"), Some("ACCEPT"), Some(5.0));
    cluster.tick_at(1.0);
    assert_eq!(cluster.inverse_offers, NONE);
    cluster.tick_at(4.9);
    assert_eq!(cluster.inverse_offers, NONE);
    cluster.tick_at(5.1);
    assert_eq!(cluster.inverse_offers, ["f x 100"]);
}

#[test]
fn item_232_unless_something_takes_the_answer_back() {
    let mut revived = asked();
    revived.answer(("f", "x"), Some("ACCEPT"), Some(1000.0));
    let mut updated = revived.clone();
    let mut moved = revived.clone();
    revived.revive("f", &["r"]);
    assert_eq!(revived.inverse_offers, ["f x 100"], "reviving any role");
    updated.update(&Framework::new("f", &["r"]));
    assert_eq!(updated.inverse_offers, NONE);
    updated.tick_at(1.0);
    assert_eq!(updated.inverse_offers, ["f x 100"], "any update of the framework");
    moved.set_window("x", Some(window(200)));
    assert_eq!(moved.inverse_offers, ["f x 200"], "a new window");
}

#[test]
fn item_232_nor_does_an_answer_outlive_the_framework() {
    let mut cluster = asked();
    cluster.answer(("f", "x"), Some("ACCEPT"), Some(1000.0));
    cluster.remove_framework("f");
    cluster.remove_framework("g");
    let offers = cluster.add_framework("h", &["r"]);
    assert_eq!(cluster.told(&offers), ["h r x cpus:4"]);
    assert_eq!(cluster.inverse_offers, ["h x 100"]);
}

#[test]
fn item_233_an_inverse_offer_that_ends_without_an_answer_leaves_none() {
    let mut cluster = asked();
    cluster.answer(("f", "x"), None, None);
    assert_eq!(cluster.statuses(), ["x"]);
    cluster.tick_at(1.0);
    assert_eq!(cluster.inverse_offers, ["f x 100"], "it is not outstanding any more");
}

#[test]
fn item_234_a_window_that_is_set_again_begins_anew() {
    let mut cluster = asked();
    cluster.answer(("f", "x"), Some("ACCEPT"), Some(1000.0));
    assert_eq!(cluster.statuses(), ["x f=ACCEPT"]);
    let before = cluster.runs();
    cluster.set_window("x", Some(window(100)));
    assert_eq!(cluster.runs(), before + 1, "the same window, too");
    assert_eq!(cluster.inverse_offers, ["f x 100"]);
    assert_eq!(cluster.statuses(), ["x"]);
    cluster.set_window("x", None);
    assert_eq!(cluster.runs(), before + 2);
    assert_eq!(cluster.inverse_offers, NONE);
    assert_eq!(cluster.statuses(), NONE);
    cluster.tick_at(1.0);
    assert_eq!(cluster.inverse_offers, NONE);
}

#[test]
fn item_235_an_inactive_framework_is_not_asked() {
    let (mut cluster, _) = one_offer();
    cluster.deactivate("f");
    cluster.set_window("x", Some(window(100)));
    assert_eq!(cluster.inverse_offers, NONE);
    cluster.activate("f");
    assert_eq!(cluster.inverse_offers, ["f x 100"]);
}

#[test]
fn item_236_about_a_deactivated_agent_nobody_is_asked_until_it_is_back() {
    let (mut cluster, _) = one_offer();
    cluster.deactivate_agent("x");
    cluster.set_window("x", Some(window(100)));
    assert_eq!(cluster.inverse_offers, NONE);
    cluster.activate_agent("x");
    cluster.tick_at(1.0);
    assert_eq!(cluster.inverse_offers, ["f x 100"]);
}

#[test]
fn item_284_who_is_offered_an_agent_under_maintenance_is_asked_to_leave_in_the_same_run() {
    let mut cluster = Cluster::of_master();
    cluster.add_framework("f", &["r"]);
    let offers = cluster.register(&Agent { unavailability: Some(window(100)), ..Agent::new("x", "cpus:4") });
    assert_eq!(cluster.told(&offers), ["f r x cpus:4"]);
    assert_eq!(cluster.inverse_offers, ["f x 100"]);
}
