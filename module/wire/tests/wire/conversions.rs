//! Offer operations applied to what an agent has: over the wire into the allocator.

use apportion_core::{Amount, Holding};
use apportion_wire::operation::{check_allocation, conversions};
use apportion_wire::{Scalar, WireError};
use proptest::prelude::*;

use crate::parsing::{bytes_field, varint_field};
use crate::stock::{
    Stock, create, destroy, disk, grow, list, operation, parts, plus, reserve, shared, shrink, sourced,
    unreserve, volume,
};

/// A number of thousandths as Mesos writes it.
fn number(thousandths: i64) -> f64 {
    Scalar::from_thousandths(thousandths).unwrap().as_f64()
}

fn cpus(thousandths: i64, stack: &str) -> String {
    let value = number(thousandths);
    format!(
        r#"[{{"name": "cpus", "type": "SCALAR", "scalar": {{"value": {value}}}, "reservations": [{stack}]}}]"#
    )
}

const A: &str = r#"{"type": "DYNAMIC", "role": "a"}"#;
const A_B: &str = r#"{"type": "DYNAMIC", "role": "a"}, {"type": "DYNAMIC", "role": "a/b", "principal": "p"}"#;

#[test]
fn item_047_reserving_moves_the_amount_to_the_role() {
    let mut stock = Stock::new();
    let total = stock.of("cpus:4;mem:64");
    let after = stock.apply(&total, &[reserve(&cpus(1500, A))]).unwrap();
    assert_eq!(after, plus(&stock.of("cpus:2.5;mem:64"), &stock.of(&cpus(1500, A))));
    assert_eq!(stock.amounts(&after), stock.amounts(&total));
}

#[test]
fn item_048_a_refined_resource_replaces_the_one_below_and_unreserving_pops_one_level() {
    let mut stock = Stock::new();
    let [free, once, twice] = [cpus(2000, ""), cpus(2000, A), cpus(2000, A_B)];
    let total = stock.of(&once);
    let refined = stock.apply(&total, &[reserve(&twice)]).unwrap();
    assert_eq!(refined, stock.of(&twice));
    assert_eq!(stock.apply(&refined, &[unreserve(&twice)]), Ok(total.clone()));
    assert_eq!(stock.apply(&total, &[unreserve(&once)]), Ok(stock.of(&free)));
    assert!(stock.apply(&refined, &[unreserve(&once)]).is_err(), "the lower reservation cannot go first");
    let free = stock.of(&free);
    assert!(stock.apply(&free, &[reserve(&twice)]).is_err(), "one reservation at a time");
}

#[test]
fn item_049_an_operation_on_more_than_there_is_changes_nothing() {
    let mut stock = Stock::new();
    let total = stock.of("cpus:1;mem:64");
    assert!(stock.apply(&total, &[reserve(&cpus(1001, A))]).is_err());
    assert!(stock.apply(&total, &[unreserve(&cpus(1, A))]).is_err());
    let rest = stock.apply(&total, &[reserve(&cpus(1000, A))]).unwrap();
    assert_eq!(rest, plus(&stock.of("mem:64"), &stock.of(&cpus(1000, A))));
}

proptest! {
    #[test]
    fn item_047_item_049_reserving_works_exactly_as_far_as_there_is_something(
        have in 1_i64..100_000,
        wanted in 1_i64..100_000,
    ) {
        let mut stock = Stock::new();
        let total = stock.of(&cpus(have, ""));
        let after = stock.apply(&total, &[reserve(&cpus(wanted, A))]);
        prop_assert_eq!(after.is_ok(), wanted <= have);
        if let Ok(after) = after {
            let rest = if wanted < have { stock.of(&cpus(have - wanted, "")) } else { Holding::default() };
            prop_assert_eq!(&after, &plus(&rest, &stock.of(&cpus(wanted, A))));
            prop_assert_eq!(stock.amounts(&after), stock.amounts(&total));
            prop_assert_eq!(stock.apply(&after, &[unreserve(&cpus(wanted, A))]), Ok(total));
        }
    }

    #[test]
    fn item_048_reserving_twice_and_back_returns_to_the_start(
        have in 2_i64..100_000,
        part in 1_i64..100_000,
        less in 1_i64..100_000,
    ) {
        let (part, less) = (part.min(have), less.min(part).min(have));
        let mut stock = Stock::new();
        let total = stock.of(&cpus(have, ""));
        let there = [reserve(&cpus(part, A)), reserve(&cpus(less, A_B))];
        let held = stock.apply(&total, &there).unwrap();
        let refined = stock.of(&cpus(less, A_B));
        prop_assert!(held.contains(&refined));
        prop_assert_eq!(stock.amounts(&held), stock.amounts(&total));
        let back = [unreserve(&cpus(less, A_B)), unreserve(&cpus(part, A))];
        prop_assert_eq!(stock.apply(&held, &back), Ok(total));
    }
}

/// A RESERVE that an operator asks for with `source`.
fn reserve_from(source: &str, resources: &str) -> Vec<u8> {
    operation(2, 3, &[(1, &parts(resources)), (2, &parts(source))])
}

#[test]
fn item_048_an_operator_moves_a_reservation_to_another_role_at_once() {
    let mut stock = Stock::new();
    let c = r#"{"type": "DYNAMIC", "role": "c"}"#;
    let (from, to) = (cpus(2000, A_B), cpus(2000, c));
    let total = stock.of(&from);
    let moved = stock.apply(&total, &[reserve_from(&from, &to)]);
    assert_eq!(moved, Ok(stock.of(&to)));
}

#[test]
fn item_047_reserving_from_a_source_makes_nothing_out_of_nothing() {
    let refused = |source: &str, resources: &str| {
        let error = conversions(&reserve_from(source, resources)).unwrap_err();
        assert_eq!(error, WireError::NotConserved { operation: "RESERVE" });
    };
    let mount = |size| sourced(size, MOUNT);
    refused("cpus:1", &cpus(1001, A));
    refused("cpus:1.001", &cpus(1000, A));
    refused("mem:1", &cpus(1000, A));
    refused("cpus:1;mem:1", &cpus(1000, A));
    refused("ports:[1-4]", "ports(a):[1-5]");
    refused(&list(&[&mount(10.0), &mount(10.0)]), &list(&[&mount(20.0)]));
    refused(&list(&[&mount(10.0)]), &list(&[&disk(10.0, "")]));
    for (source, resources) in [
        ("cpus:0.4;cpus(b):0.6", cpus(1000, A)),
        ("ports:[1-2,5-5];ports(b):[3-4]", "ports(a):[1-5]".to_owned()),
        ("disks:{x,y}", "disks(a):{y};disks(a/b):{x}".to_owned()),
    ] {
        assert!(conversions(&reserve_from(source, &resources)).is_ok(), "{source}");
    }
}

const MOUNT: &str = r#""type": "MOUNT", "mount": {"root": "/m"}"#;

fn mounted_volume(size: f64) -> String {
    let source = format!(r#""source": {{{MOUNT}}}"#);
    let volume = r#""volume": {"mode": "RW", "container_path": "data"}"#;
    list(&[&disk(size, &format!(r#""disk": {{"persistence": {{"id": "v"}}, {volume}, {source}}}"#))])
}

#[test]
fn item_050_a_volume_takes_a_mounted_disk_whole_or_not_at_all() {
    let mut stock = Stock::new();
    let total = stock.of(&list(&[&sourced(200.0, MOUNT)]));
    let made = stock.apply(&total, &[create(&mounted_volume(200.0))]).unwrap();
    assert_eq!(made, stock.of(&mounted_volume(200.0)));
    assert!(stock.apply(&total, &[create(&mounted_volume(50.0))]).is_err());
    assert!(stock.apply(&total, &[create(&mounted_volume(201.0))]).is_err());
    assert_eq!(stock.apply(&made, &[destroy(&mounted_volume(200.0))]), Ok(total));
}

proptest! {
    #[test]
    fn item_050_only_the_size_of_the_mounted_disk_will_do(have in 1_i64..400, wanted in 1_i64..400) {
        let mut stock = Stock::new();
        let total = stock.of(&list(&[&sourced(number(have), MOUNT)]));
        for (wanted, fits) in [(wanted, wanted == have), (have, true)] {
            let made = stock.apply(&total, &[create(&mounted_volume(number(wanted)))]);
            prop_assert_eq!(made.is_ok(), fits);
        }
    }

    #[test]
    fn item_051_creating_and_destroying_a_shared_volume_returns_to_the_start(
        have in 1_i64..1_000_000,
        sizes in proptest::collection::vec(1_i64..1_000_000, 1..6),
    ) {
        let mut stock = Stock::new();
        let total = stock.of(&list(&[&disk(number(have), "")]));
        let mut left = have;
        let sizes = sizes.into_iter().map_while(|size| {
            left -= size;
            (left >= 0).then_some(size)
        });
        let volumes: Vec<String> =
            sizes.enumerate().map(|(id, size)| list(&[&shared(number(size), &id.to_string())])).collect();
        let creates: Vec<Vec<u8>> = volumes.iter().map(|volume| create(volume)).collect();
        let destroys: Vec<Vec<u8>> = volumes.iter().map(|volume| destroy(volume)).collect();
        let made = stock.apply(&total, &creates).unwrap();
        prop_assert_eq!(stock.amounts(&made), stock.amounts(&total));
        prop_assert_eq!(made.items().iter().filter(|item| item.kind.is_shared()).count(), volumes.len());
        prop_assert_eq!(stock.apply(&made, &destroys), Ok(total));
    }

    #[test]
    fn item_052_a_shared_volume_is_destroyed_only_with_its_last_copy(copies in 1_u32..6) {
        let mut stock = Stock::new();
        let text = list(&[&shared(8.0, "v")]);
        let one = stock.of(&text);
        let held = (0..copies).fold(Holding::default(), |sum, _| plus(&sum, &one));
        let after = stock.apply(&held, &[destroy(&text)]);
        prop_assert_eq!(after.is_ok(), copies == 1);
    }
}

#[test]
fn item_051_a_shared_volume_comes_and_goes() {
    let mut stock = Stock::new();
    let total = stock.of(&list(&[&disk(20.0, "")]));
    let text = list(&[&shared(8.0, "v")]);
    let made = stock.apply(&total, &[create(&text)]).unwrap();
    assert_eq!(made, plus(&stock.of(&list(&[&disk(12.0, "")])), &stock.of(&text)));
    assert_eq!(stock.apply(&made, &[destroy(&text)]), Ok(total));
}

#[test]
fn item_052_a_copy_that_is_left_keeps_a_shared_volume_alive() {
    let mut stock = Stock::new();
    let text = list(&[&shared(8.0, "v")]);
    let one = stock.of(&text);
    let error = stock.apply(&plus(&one, &one), &[destroy(&text)]).unwrap_err();
    assert!(error.contains("further copies"), "{error}");
    assert!(stock.apply(&one, &[destroy(&text)]).is_ok());
}

#[test]
fn item_053_a_volume_grows_by_a_disk_and_frees_it_again() {
    let mut stock = Stock::new();
    let total = stock.of(&list(&[&volume(8.0, "v"), &disk(5.0, "")]));
    let growth = grow(&list(&[&volume(8.0, "v")]), &list(&[&disk(2.5, "")]));
    let grown = stock.apply(&total, &[growth]).unwrap();
    assert_eq!(grown, stock.of(&list(&[&volume(10.5, "v"), &disk(2.5, "")])));
    let shrinking = shrink(&list(&[&volume(10.5, "v")]), 2.5);
    assert_eq!(stock.apply(&grown, &[shrinking]), Ok(total));
}

proptest! {
    #[test]
    fn item_053_growing_and_shrinking_by_the_same_returns_to_the_start(
        size in 1_i64..1_000_000,
        free in 1_i64..1_000_000,
        change in 1_i64..1_000_000,
    ) {
        let mut stock = Stock::new();
        let total = stock.of(&list(&[&volume(number(size), "v"), &disk(number(free), "")]));
        let growth = grow(&list(&[&volume(number(size), "v")]), &list(&[&disk(number(change), "")]));
        let grown = stock.apply(&total, &[growth]);
        prop_assert_eq!(grown.is_ok(), change <= free);
        if let Ok(grown) = grown {
            prop_assert_eq!(stock.amounts(&grown), stock.amounts(&total));
            let shrinking = shrink(&list(&[&volume(number(size + change), "v")]), number(change));
            prop_assert_eq!(stock.apply(&grown, &[shrinking]), Ok(total));
        }
    }
}

/// The volume of a resource provider.
fn provided(size: f64) -> String {
    let persistence = r#""disk": {"persistence": {"id": "v"}, "source": {"type": "PATH"}}"#;
    list(&[&disk(size, &format!(r#"{persistence}, "provider_id": {{"value": "p"}}"#))])
}

#[test]
fn item_053_a_volume_of_a_provider_keeps_its_size() {
    let addition =
        list(&[&disk(1.0, r#""disk": {"source": {"type": "PATH"}}, "provider_id": {"value": "p"}"#)]);
    for operation in [grow(&provided(8.0), &addition), shrink(&provided(8.0), 1.0)] {
        let error = conversions(&operation).unwrap_err();
        assert!(matches!(error, WireError::CannotResize { .. }), "{error}");
        assert!(error.to_string().contains("resource provider"), "{error}");
    }
}

#[test]
fn item_053_what_would_leave_nothing_or_mix_disks_is_refused() {
    let eight = list(&[&volume(8.0, "v")]);
    let refused = |operation: Vec<u8>| {
        let error = conversions(&operation).unwrap_err();
        assert!(matches!(error, WireError::CannotResize { .. } | WireError::NotAVolume { .. }), "{error}");
    };
    refused(shrink(&eight, 8.0));
    refused(shrink(&eight, 9.0));
    refused(shrink(&list(&[&shared(8.0, "v")]), 1.0));
    refused(shrink(&list(&[&disk(8.0, "")]), 1.0));
    refused(grow(&eight, "mem(r):1"));
    refused(grow(&eight, "disk:1"));
    refused(grow(&eight, &list(&[&sourced(1.0, r#""type": "PATH""#)])));
    refused(grow(&list(&[&shared(8.0, "v")]), &list(&[&disk(1.0, "")])));
    assert!(matches!(conversions(&shrink(&eight, -1.0)), Err(WireError::InvalidScalar { .. })));
    assert!(matches!(conversions(&shrink(&eight, f64::NAN)), Err(WireError::InvalidScalar { .. })));
    let no_addition = [varint_field(1, 11), bytes_field(13, &bytes_field(1, &parts(&eight)[0].to_bytes()))];
    let missing = WireError::MissingField { message: "Offer.Operation.GrowVolume", field: "addition" };
    assert_eq!(conversions(&no_addition.concat()), Err(missing));
}

#[test]
fn item_053_a_volume_on_a_path_frees_a_disk_of_that_path() {
    let path = r#""type": "PATH", "path": {"root": "/p"}"#;
    let volume = |size| {
        let persistence = format!(r#""disk": {{"persistence": {{"id": "v"}}, "source": {{{path}}}}}"#);
        disk(size, &persistence)
    };
    let mut stock = Stock::new();
    let total = stock.of(&list(&[&volume(8.0)]));
    let after = stock.apply(&total, &[shrink(&list(&[&volume(8.0)]), 3.0)]).unwrap();
    assert_eq!(after, stock.of(&list(&[&volume(5.0), &sourced(3.0, path)])));
}

/// Each kind of operation on resources that are allocated to this role.
fn allocated_to(role: Option<&str>) -> Vec<Vec<u8>> {
    let to = |text: &str| {
        let mut parts = parts(text);
        parts.iter_mut().for_each(|part| part.allocation_role = role.map(|role| role.as_bytes().to_vec()));
        parts
    };
    let (one, eight) = (to(&cpus(1000, A)), to(&list(&[&volume(8.0, "v")])));
    vec![
        operation(2, 3, &[(1, &one)]),
        operation(3, 4, &[(1, &one)]),
        operation(4, 5, &[(1, &eight)]),
        operation(5, 6, &[(1, &eight)]),
        operation(11, 13, &[(1, &eight), (2, &to(&list(&[&disk(1.0, "")])))]),
    ]
}

#[test]
fn item_054_an_operation_for_allocated_resources_is_not_for_free_ones() {
    for (free, held) in allocated_to(None).into_iter().zip(allocated_to(Some("r"))) {
        let (free, held) = (conversions(&free).unwrap(), conversions(&held).unwrap());
        assert_eq!(check_allocation(&free, None), Ok(()));
        assert_eq!(check_allocation(&held, Some(b"r")), Ok(()));
        let error = check_allocation(&held, None).unwrap_err();
        let said = "Offer.Operation: a resource is allocated to `r`, expected nobody";
        assert_eq!(error.to_string(), said);
        assert!(check_allocation(&free, Some(b"r")).is_err());
        assert!(check_allocation(&held, Some(b"s")).is_err());
    }
}

#[test]
fn item_054_volume_and_addition_are_allocated_alike() {
    let eight = parts(&list(&[&volume(8.0, "v")]));
    let mut addition = parts(&list(&[&disk(1.0, "")]));
    addition[0].allocation_role = Some(b"r".to_vec());
    let error = conversions(&operation(11, 13, &[(1, &eight), (2, &addition)])).unwrap_err();
    assert!(matches!(error, WireError::AllocatedOtherwise { .. }), "{error}");
}

#[test]
fn item_055_a_list_fails_whole_if_one_of_it_fails() {
    let mut stock = Stock::new();
    let total = stock.of("cpus:4");
    let (good, bad) = (reserve(&cpus(3000, A)), reserve(&cpus(2000, A)));
    assert!(stock.apply(&total, &[good.clone(), bad.clone()]).is_err());
    assert!(stock.apply(&total, &[bad.clone(), good.clone()]).is_err());
    assert!(stock.apply(&total, &[good]).is_ok() && stock.apply(&total, &[bad]).is_ok());
}

proptest! {
    #[test]
    fn item_055_a_list_applies_exactly_if_all_of_it_fits(
        have in 1_i64..20_000,
        wanted in proptest::collection::vec(1_i64..6_000, 1..8),
    ) {
        let mut stock = Stock::new();
        let total = stock.of(&cpus(have, ""));
        let list: Vec<Vec<u8>> = wanted.iter().map(|wanted| reserve(&cpus(*wanted, A))).collect();
        let sum: i64 = wanted.iter().sum();
        let after = stock.apply(&total, &list);
        prop_assert_eq!(after.is_ok(), sum <= have);
        if let Ok(after) = after {
            let reserved = stock.of(&cpus(sum, A));
            prop_assert!(after.contains(&reserved));
            prop_assert_eq!(stock.amounts(&after)[&b"cpus"[..]], Amount::thousandths(have));
        }
    }
}

#[test]
fn operations_without_a_conversion_say_why() {
    for (number, name, reason) in [
        (0, "UNKNOWN", "no operation of this type"),
        (1, "LAUNCH", "uses resources and changes none"),
        (6, "LAUNCH_GROUP", "uses resources and changes none"),
        (13, "CREATE_DISK", "the resource provider chooses"),
        (14, "DESTROY_DISK", "the resource provider chooses"),
        (99, "UNKNOWN", "no operation of this type"),
    ] {
        let error = conversions(&varint_field(1, number)).unwrap_err();
        assert!(matches!(error, WireError::Unsupported { operation, .. } if operation == name), "{error}");
        assert!(error.to_string().contains(reason), "{error}");
    }
}
