//! Reservations, volumes and operator operations as conversions.

use apportion_core::{Allocated, CannotUpdateAvailable, Conversion, DoesNotApply, Event, Holding, Violation};

use crate::cluster::{Cluster, Offered};

#[test]
fn reserving_part_of_an_offer_changes_holdings_and_total() {
    let mut cluster = Cluster::new();
    cluster.add_framework("f", &["r"]);
    cluster.add_framework("g", &["s"]);
    let offer = cluster.add_agent("a", "cpus:4;mem:10").remove(0);
    let reserve = cluster.conversion("cpus:3", "cpus(r):3");
    let after = cluster.convert(&offer, &[reserve]);
    assert_eq!(cluster.total("a"), "cpus:1; mem:10; cpus(r):3");
    cluster.recover(&after, &after.resources, None, false);
    let offers = cluster.tick();
    assert_eq!(cluster.told(&offers), ["f r a cpus(r):3", "g s a cpus:1; mem:10"]);
}

#[test]
fn a_volume_is_made_and_destroyed() {
    let mut cluster = Cluster::new();
    cluster.add_framework("f", &["r"]);
    let offer = cluster.add_agent("a", "disk(r):10").remove(0);
    let create = cluster.conversion("disk(r):4", "disk(r){VOLUME:v}:4");
    let after = cluster.convert(&offer, std::slice::from_ref(&create));
    assert_eq!(cluster.total("a"), "disk(r):6; disk(r)[v]:4");
    let destroy = Conversion {
        consumed: create.converted.clone(),
        converted: create.consumed.clone(),
        leaves_none_of: create.converted.clone(),
    };
    let back = cluster.convert(&after, &[destroy]);
    assert_eq!(back.resources, offer.resources);
    assert_eq!(cluster.total("a"), "disk(r):10");
}

#[test]
fn further_copies_of_a_shared_volume_do_not_change_the_total() {
    let mut cluster = Cluster::new();
    cluster.add_framework("f", &["r"]);
    let offer = cluster.add_agent("a", "cpus:2;disk(r){SHARED:v}:10").remove(0);
    let copies = cluster.conversion("", "disk(r){SHARED:v}:10");
    let after = cluster.convert(&offer, &[copies.clone(), copies]);
    assert_eq!(cluster.total("a"), "cpus:2; disk(r)[v]:10");
    assert_eq!(after.resources.items().iter().map(|item| item.copies).max(), Some(3));
    cluster.accept(&after, "cpus:1;disk(r){SHARED:v}:10");
    let task = cluster.resources("cpus:1;disk(r){SHARED:v}:10");
    cluster.recover(&after, &task, None, true);
    assert_eq!(cluster.available("a"), "cpus:2; disk(r)[v]:10");
}

#[test]
fn resources_can_vanish() {
    let mut cluster = Cluster::new();
    cluster.add_framework("f", &["r"]);
    let offer = cluster.add_agent("a", "cpus:2;disk:10").remove(0);
    let vanish = cluster.conversion("disk:10", "");
    cluster.convert(&offer, &[vanish]);
    assert_eq!(cluster.total("a"), "cpus:2");
}

#[test]
fn converting_what_is_not_held_is_a_violation() {
    let mut cluster = Cluster::new();
    cluster.add_framework("f", &["r"]);
    let offer = cluster.add_agent("a", "cpus:2").remove(0);
    let reserve = cluster.conversion("cpus:3", "cpus(r):3");
    let too_much = cluster.resources("cpus:3");
    let mut update = |offered, conversions| {
        cluster.try_send(&Event::UpdateAllocation {
            framework: b"f",
            agent: b"a",
            role: b"r",
            offered,
            conversions,
        })
    };
    assert!(matches!(update(&too_much, &[]), Err(Violation::NotHeld { .. })));
    let violation = update(&offer.resources, &[reserve]).unwrap_err();
    assert_eq!(
        violation.to_string(),
        "update allocation: conversion 0 of framework f on agent a: the consumed resources are not contained"
    );
}

#[test]
fn an_operator_changes_only_what_nobody_holds() {
    let mut cluster = Cluster::new();
    let reserve = cluster.conversion("cpus:3", "cpus(r):3");
    assert_eq!(
        cluster.update_available("a", std::slice::from_ref(&reserve)),
        Err(CannotUpdateAvailable::UnknownAgent)
    );
    cluster.add_agent("a", "cpus:4");
    assert_eq!(cluster.update_available("a", std::slice::from_ref(&reserve)), Ok(()));
    assert_eq!(cluster.total("a"), "cpus:1; cpus(r):3");
    cluster.add_framework("f", &["r"]);
    let back = cluster.conversion("cpus(r):3", "cpus:3");
    let (there, wanted) = (Holding::default(), back.consumed.clone());
    let reason = DoesNotApply::NotContained { there, wanted };
    assert_eq!(
        cluster.update_available("a", &[back]),
        Err(CannotUpdateAvailable::NotAvailable { position: 0, reason })
    );
    assert_eq!(cluster.total("a"), "cpus:1; cpus(r):3", "all or nothing");
}

#[test]
fn operations_of_an_operator_apply_in_order_all_or_nothing() {
    let mut cluster = Cluster::new();
    cluster.add_agent("a", "cpus:4");
    let first = cluster.conversion("cpus:3", "cpus(r):3");
    let second = cluster.conversion("cpus(r):3", "cpus(r,r/s):3");
    let third = cluster.conversion("cpus(r):1", "cpus:1");
    // What was there when it was its turn.
    let mut there = cluster.conversion("cpus:1", "cpus:1").consumed;
    there.add(&second.converted);
    let reason = DoesNotApply::NotContained { there, wanted: third.consumed.clone() };
    assert_eq!(
        cluster.update_available("a", &[first.clone(), second.clone(), third]),
        Err(CannotUpdateAvailable::NotAvailable { position: 2, reason })
    );
    assert_eq!(cluster.total("a"), "cpus:4");
    assert_eq!(cluster.update_available("a", &[first, second]), Ok(()));
    assert_eq!(cluster.total("a"), "cpus:1; cpus(r/s):3");
}

#[test]
fn a_finished_disk_operation_frees_what_it_made() {
    let mut cluster = Cluster::new();
    cluster.add_framework("f", &["r"]);
    let offer = cluster.add_agent("a", "disk(r):10").remove(0);
    let source = Offered { resources: cluster.resources("disk(r):10"), ..offer };
    let create = cluster.conversion("disk(r):10", "disk(r){VOLUME:m}:10");
    let made = cluster.convert(&source, &[create]);
    cluster.recover(&made, &made.resources, None, false);
    assert_eq!(cluster.available("a"), "disk(r)[m]:10");
}

#[test]
fn several_roles_can_be_recovered_in_one_call() {
    let mut cluster = Cluster::new();
    cluster.add_framework("f", &["r", "s"]);
    cluster.add_agent("a", "cpus:1;mem(r):5;disk(s):7");
    let offers = cluster.tick();
    assert_eq!(offers, []);
    let (first, second) = (cluster.resources("cpus:1;mem(r):5"), cluster.resources("disk(s):7"));
    let groups = [
        Allocated { role: Some(b"r"), resources: &first },
        Allocated { role: Some(b"s"), resources: &second },
    ];
    cluster.send(&Event::RecoverResources {
        framework: b"f",
        agent: b"a",
        resources: &groups,
        refuse_seconds: None,
        allocated: false,
    });
    assert_eq!(cluster.available("a"), "cpus:1; mem(r):5; disk(s):7");
}
