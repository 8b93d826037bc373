//! Reservations, volumes and operator operations as conversions.

use apportion_core::{Allocated, CannotUpdateAvailable, Conversion, DoesNotApply, Event, Violation};

use crate::cluster::{Cluster, Offered};

fn conversion(cluster: &mut Cluster, consumed: &str, converted: &str) -> Conversion {
    let (consumed, converted) = (cluster.resources(consumed), cluster.resources(converted));
    Conversion { consumed, converted, ..Conversion::default() }
}

/// The offer after its resources were converted.
fn convert(cluster: &mut Cluster, offer: &Offered, conversions: &[Conversion]) -> Offered {
    let offers = cluster.send(&Event::UpdateAllocation {
        framework: offer.framework.as_bytes(),
        agent: offer.agent.as_bytes(),
        role: offer.role.as_bytes(),
        offered: &offer.resources,
        conversions,
    });
    assert!(offers.is_empty());
    let mut after = offer.clone();
    for conversion in conversions {
        conversion.apply(&mut after.resources).unwrap();
    }
    after
}

fn total(cluster: &Cluster, agent: &str) -> String {
    cluster.allocator.describe(cluster.allocator.total(agent.as_bytes()).unwrap()).to_string()
}

fn update_available(
    cluster: &mut Cluster,
    agent: &str,
    conversions: &[Conversion],
) -> Result<(), CannotUpdateAvailable> {
    let event = Event::UpdateAvailable { agent: agent.as_bytes(), conversions };
    let (effects, offers) = cluster.try_send(&event).unwrap();
    assert!(offers.is_empty());
    effects.available_updated.unwrap()
}

#[test]
fn reserving_part_of_an_offer_changes_holdings_and_total() {
    let mut cluster = Cluster::new();
    cluster.add_framework("f", &["r"]);
    cluster.add_framework("g", &["s"]);
    let offer = cluster.add_agent("a", "cpus:4;mem:10").remove(0);
    let reserve = conversion(&mut cluster, "cpus:3", "cpus(r):3");
    let after = convert(&mut cluster, &offer, &[reserve]);
    assert_eq!(total(&cluster, "a"), "cpus:1; mem:10; cpus(r):3");
    cluster.recover(&after, &after.resources, None, false);
    let offers = cluster.tick();
    assert_eq!(cluster.told(&offers), ["f r a cpus(r):3", "g s a cpus:1; mem:10"]);
}

#[test]
fn a_volume_is_made_and_destroyed() {
    let mut cluster = Cluster::new();
    cluster.add_framework("f", &["r"]);
    let offer = cluster.add_agent("a", "disk(r):10").remove(0);
    let create = conversion(&mut cluster, "disk(r):4", "disk(r){VOLUME:v}:4");
    let after = convert(&mut cluster, &offer, std::slice::from_ref(&create));
    assert_eq!(total(&cluster, "a"), "disk(r):6; disk(r)[v]:4");
    let destroy = Conversion {
        consumed: create.converted.clone(),
        converted: create.consumed.clone(),
        leaves_none_of: create.converted.clone(),
    };
    let back = convert(&mut cluster, &after, &[destroy]);
    assert_eq!(back.resources, offer.resources);
    assert_eq!(total(&cluster, "a"), "disk(r):10");
}

#[test]
fn further_copies_of_a_shared_volume_do_not_change_the_total() {
    let mut cluster = Cluster::new();
    cluster.add_framework("f", &["r"]);
    let offer = cluster.add_agent("a", "cpus:2;disk(r){SHARED:v}:10").remove(0);
    let copies = conversion(&mut cluster, "", "disk(r){SHARED:v}:10");
    let after = convert(&mut cluster, &offer, &[copies.clone(), copies]);
    assert_eq!(total(&cluster, "a"), "cpus:2; disk(r)[v]:10");
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
    let vanish = conversion(&mut cluster, "disk:10", "");
    convert(&mut cluster, &offer, &[vanish]);
    assert_eq!(total(&cluster, "a"), "cpus:2");
}

#[test]
fn converting_what_is_not_held_is_a_violation() {
    let mut cluster = Cluster::new();
    cluster.add_framework("f", &["r"]);
    let offer = cluster.add_agent("a", "cpus:2").remove(0);
    let reserve = conversion(&mut cluster, "cpus:3", "cpus(r):3");
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
    let reserve = conversion(&mut cluster, "cpus:3", "cpus(r):3");
    assert_eq!(
        update_available(&mut cluster, "a", std::slice::from_ref(&reserve)),
        Err(CannotUpdateAvailable::UnknownAgent)
    );
    cluster.add_agent("a", "cpus:4");
    assert_eq!(update_available(&mut cluster, "a", std::slice::from_ref(&reserve)), Ok(()));
    assert_eq!(total(&cluster, "a"), "cpus:1; cpus(r):3");
    cluster.add_framework("f", &["r"]);
    let back = conversion(&mut cluster, "cpus(r):3", "cpus:3");
    let reason = DoesNotApply::NotContained;
    assert_eq!(
        update_available(&mut cluster, "a", &[back]),
        Err(CannotUpdateAvailable::NotAvailable { position: 0, reason })
    );
    assert_eq!(total(&cluster, "a"), "cpus:1; cpus(r):3", "all or nothing");
}

#[test]
fn operations_of_an_operator_apply_in_order_all_or_nothing() {
    let mut cluster = Cluster::new();
    cluster.add_agent("a", "cpus:4");
    let first = conversion(&mut cluster, "cpus:3", "cpus(r):3");
    let second = conversion(&mut cluster, "cpus(r):3", "cpus(r,r/s):3");
    let third = conversion(&mut cluster, "cpus(r):1", "cpus:1");
    let reason = DoesNotApply::NotContained;
    assert_eq!(
        update_available(&mut cluster, "a", &[first.clone(), second.clone(), third]),
        Err(CannotUpdateAvailable::NotAvailable { position: 2, reason })
    );
    assert_eq!(total(&cluster, "a"), "cpus:4");
    assert_eq!(update_available(&mut cluster, "a", &[first, second]), Ok(()));
    assert_eq!(total(&cluster, "a"), "cpus:1; cpus(r/s):3");
}

#[test]
fn a_finished_disk_operation_frees_what_it_made() {
    let mut cluster = Cluster::new();
    cluster.add_framework("f", &["r"]);
    let offer = cluster.add_agent("a", "disk(r):10").remove(0);
    let source = Offered { resources: cluster.resources("disk(r):10"), ..offer };
    let create = conversion(&mut cluster, "disk(r):10", "disk(r){VOLUME:m}:10");
    let made = convert(&mut cluster, &source, &[create]);
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
