//! Resources that come back or change (items 179 to 190, 268, 269, 301, 302).

use apportion_core::{Allocated, CannotUpdateAvailable, Conversion, Event, Notice, Violation};

use crate::cluster::{Cluster, Framework, Offered, amount, seconds, told_amounts};

/// A cluster with one framework in role `r` that was offered one agent.
fn one_offer(total: &str) -> (Cluster, Offered) {
    let mut cluster = Cluster::of_master();
    cluster.add_framework("f", &["r"]);
    let offer = cluster.add_agent("x", total).remove(0);
    (cluster, offer)
}

#[test]
fn item_179_what_comes_back_waits_for_the_next_batch_or_event() {
    let (mut cluster, offer) = one_offer("cpus:4");
    let before = cluster.runs();
    cluster.rescind(&[offer]);
    assert_eq!(cluster.runs(), before);
    assert_eq!(cluster.available("x"), "cpus:4");
    let mut by_event = cluster.clone();
    assert_eq!(cluster.tick().len(), 1);
    assert_eq!(by_event.revive("f", &[]).len(), 1);
}

#[test]
fn item_180_parts_are_offered_again_as_they_come_back() {
    let (mut cluster, _) = one_offer("cpus:4;cpus(r):2");
    cluster.give_back(("f", "r", "x"), "cpus(r):2");
    let offers = cluster.tick();
    assert_eq!(cluster.told(&offers), ["f r x cpus(r):2"]);
    cluster.give_back(("f", "r", "x"), "cpus:4");
    let offers = cluster.tick();
    assert_eq!(cluster.told(&offers), ["f r x cpus:4"]);
}

#[test]
fn item_181_what_comes_back_from_an_unknown_framework_is_ignored() {
    let (mut cluster, _) = one_offer("cpus:4");
    cluster.give_back(("gone", "r", "x"), "cpus:4");
    assert!(matches!(cluster.notices[..], [Notice::StaleFramework { .. }]));
    cluster.end_task(("gone", "r", "x"), "cpus:4");
    assert_eq!(cluster.available("x"), "{}");
    assert_eq!(cluster.tick(), []);
}

#[test]
fn item_182_nothing_can_come_back() {
    let (mut cluster, offer) = one_offer("cpus:4");
    cluster.give_back(("f", "r", "x"), "");
    cluster.end_task(("nobody", "r", "nowhere"), "");
    assert!(cluster.notices.is_empty());
    cluster.decline(&offer, 0.0);
    assert_eq!(cluster.tick().len(), 1, "no refusal came of it");
}

#[test]
fn item_183_a_volume_made_of_an_offer_is_in_the_next() {
    let (mut cluster, offer) = one_offer("cpus:4;disk(r):100");
    let create = cluster.conversion("disk(r):100", "disk(r){VOLUME:v}:100");
    let made = cluster.convert(&offer, &[create]);
    cluster.rescind(&[made]);
    let offers = cluster.tick();
    assert_eq!(cluster.told(&offers), ["f r x cpus:4; disk(r)[v]:100"]);
}

#[test]
fn item_184_resources_converted_to_nothing_leave_holdings_and_total() {
    let (mut cluster, offer) = one_offer("cpus:4;disk:100");
    let vanish = cluster.conversion("disk:60", "");
    let left = cluster.convert(&offer, &[vanish]);
    assert_eq!(cluster.total("x"), "cpus:4; disk:40");
    assert_eq!(cluster.available("x"), "{}");
    cluster.rescind(&[left]);
    assert_eq!(cluster.available("x"), "cpus:4; disk:40");
}

#[test]
fn item_185_further_copies_grow_holdings_and_not_the_total() {
    let volume = "disk(r){SHARED:v}:10";
    let (mut cluster, offer) = one_offer(&format!("cpus:4;{volume}"));
    let copies = cluster.conversion("", volume);
    let more = cluster.convert(&offer, &[copies.clone(), copies]);
    assert_eq!(cluster.total("x"), "cpus:4; disk(r)[v]:10");
    for _ in 0..3 {
        cluster.give_back(("f", "r", "x"), volume);
    }
    let again = cluster.resources(volume);
    let group = [Allocated { role: Some(b"r"), resources: &again }];
    let event = Event::RecoverResources {
        framework: b"f",
        agent: b"x",
        resources: &group,
        refuse_seconds: None,
        allocated: false,
    };
    let violation = cluster.try_send(&event).unwrap_err();
    assert!(matches!(violation, Violation::NotHeld { .. }), "three copies of {more:?} and no more");
    assert_eq!(cluster.available("x"), "disk(r)[v]:10");
}

#[test]
fn item_186_reserving_and_unreserving_leave_what_is_left_of_the_quota() {
    let mut cluster = Cluster::of_master();
    cluster.set_quota("r", "", "cpus:6");
    cluster.add_framework("f", &["r"]);
    let offer = cluster.add_agent("x", "cpus:4").remove(0);
    let reserve = cluster.conversion("cpus:3", "cpus(r):3");
    let reserved = cluster.convert(&offer, &[reserve]);
    let left = |cluster: &Cluster| {
        let mut copy = cluster.clone();
        let offers = copy.add_agent("y", "cpus:10");
        copy.told(&offers)
    };
    assert_eq!(left(&cluster), ["f r y cpus:2"]);
    let unreserve = cluster.conversion("cpus(r):3", "cpus:3");
    cluster.convert(&reserved, &[unreserve]);
    assert_eq!(left(&cluster), ["f r y cpus:2"]);
    assert_eq!(cluster.total("x"), "cpus:4");
}

#[test]
fn item_187_an_operator_can_reserve_what_is_free() {
    let mut cluster = Cluster::of_master();
    cluster.add_agent("x", "cpus:4;mem:64");
    let reserve = cluster.conversion("cpus:3", "cpus(r):3");
    let before = cluster.runs();
    assert_eq!(cluster.update_available("x", &[reserve]), Ok(()));
    assert_eq!(cluster.runs(), before);
    let offers = cluster.add_framework("f", &["r"]);
    assert_eq!(cluster.told(&offers), ["f r x cpus:1; mem:64; cpus(r):3"]);
}

#[test]
fn item_188_an_operator_cannot_reserve_what_is_offered() {
    let (mut cluster, _) = one_offer("cpus:4");
    let reserve = cluster.conversion("cpus:3", "cpus(r):3");
    let refused = cluster.update_available("x", &[reserve]);
    assert!(matches!(refused, Err(CannotUpdateAvailable::NotAvailable { position: 0, .. })));
    assert_eq!(cluster.total("x"), "cpus:4");
    assert!(cluster.numbers("r").consumed.is_empty());
}

#[test]
fn item_189_an_operators_operations_apply_all_or_not_at_all() {
    let mut cluster = Cluster::of_master();
    cluster.add_agent("x", "cpus:4");
    let first = cluster.conversion("cpus:3", "cpus(r):3");
    let second = cluster.conversion("cpus:2", "cpus(s):2");
    let refused = cluster.update_available("x", &[first.clone(), second.clone()]);
    assert!(matches!(refused, Err(CannotUpdateAvailable::NotAvailable { position: 1, .. })));
    assert_eq!(cluster.total("x"), "cpus:4");
    assert!(!cluster.has_role("r"));
    let fits = cluster.conversion("cpus(r):1", "cpus:1");
    assert_eq!(cluster.update_available("x", &[first, fits, second]), Ok(()), "in order");
    assert_eq!(cluster.total("x"), "cpus(r):2; cpus(s):2");
}

#[test]
fn item_190_launching_changes_what_is_consumed_and_nothing_else() {
    let (mut cluster, offer) = one_offer("cpus:4;mem:64;cpus(r):1");
    let consumed = |cluster: &Cluster| told_amounts(&cluster.numbers("r").consumed);
    assert_eq!(consumed(&cluster), "cpus:1", "the reservation");
    let share = cluster.numbers("r").dominant_share;
    let task = cluster.resources("cpus:3;mem:32;cpus(r):1");
    cluster.launch(&offer, &task);
    assert_eq!(consumed(&cluster), "cpus:4; mem:32");
    assert_eq!(cluster.numbers("r").dominant_share, share);
    assert_eq!(cluster.available("x"), "{}");
    cluster.recover(&offer, &task, None, true);
    assert_eq!(consumed(&cluster), "cpus:1");
    assert_eq!(cluster.available("x"), "cpus:3; mem:32; cpus(r):1");
}

#[test]
fn item_268_after_the_only_copy_of_a_volume_is_destroyed_the_agent_is_as_before() {
    let volume = "disk(r){SHARED:v}:100";
    let (mut cluster, offer) = one_offer("cpus:4;disk(r):100");
    let create = cluster.conversion("disk(r):100", volume);
    let destroy = Conversion {
        consumed: create.converted.clone(),
        converted: create.consumed.clone(),
        leaves_none_of: create.converted.clone(),
    };
    let made = cluster.convert(&offer, &[create]);
    let back = cluster.convert(&made, &[destroy]);
    cluster.rescind(&[back]);
    let offers = cluster.tick();
    assert_eq!(cluster.told(&offers), ["f r x cpus:4; disk(r):100"]);
}

#[test]
fn item_269_an_operation_can_end_in_a_role_the_framework_has_left() {
    let mut cluster = Cluster::of_master();
    cluster.add_framework("f", &["r", "s"]);
    let offer = cluster.add_agent("x", "cpus:4;disk:100").remove(0);
    assert_eq!(offer.role, "r");
    cluster.give_back(("f", "r", "x"), "cpus:4");
    cluster.update(&Framework::new("f", &["s"]));
    let source = Offered { resources: cluster.resources("disk:100"), ..offer };
    let create = cluster.conversion("disk:100", "disk{MOUNT:m}:100");
    let made = cluster.convert(&source, &[create]);
    assert!(cluster.has_role("r"));
    cluster.rescind(&[made]);
    assert!(!cluster.has_role("r"));
    let offers = cluster.tick();
    assert_eq!(cluster.told(&offers), ["f s x cpus:4; disk:100"]);
    assert_eq!(cluster.total("x"), "cpus:4; disk:100");
}

#[test]
fn item_301_what_a_framework_that_never_came_used_can_come_back() {
    for used in ["cpus:1", "cpus(r):1", "cpus{REV}:1", "cpus:1;cpus(r):1;cpus{REV}:1"] {
        let mut cluster = Cluster::of_master();
        cluster.add_agent_using("x", "cpus:1;cpus(r):1;cpus{REV}:1", &[("gone", "r", used)]);
        cluster.end_task(("gone", "r", "x"), used);
        assert_eq!(cluster.available("x"), "cpus:1; cpus(r):1; cpus{REV}:1");
        assert_eq!(told_amounts(&cluster.numbers("r").consumed), "cpus:1", "{used}: the reservation");
        assert_eq!(cluster.allocator.held_of(b"cpus"), amount(0.0), "{used}");
        cluster.end_task(("gone", "r", "x"), used);
        assert!(matches!(cluster.notices[..], [Notice::StaleFramework { .. }]), "once is enough");
    }
}

#[test]
fn item_302_what_a_framework_that_never_came_gives_back_is_offered_in_the_next_batch() {
    let mut cluster = Cluster::of_master();
    cluster.add_framework("f", &["r"]);
    let offers = cluster.add_agent_using("x", "cpus:4", &[("gone", "r", "cpus:3")]);
    assert_eq!(cluster.told(&offers), ["f r x cpus:1"]);
    let before = cluster.runs();
    cluster.end_task(("gone", "r", "x"), "cpus:2");
    assert_eq!(cluster.runs(), before);
    cluster.now = seconds(1.0);
    let offers = cluster.tick();
    assert_eq!(cluster.told(&offers), ["f r x cpus:2"]);
}
