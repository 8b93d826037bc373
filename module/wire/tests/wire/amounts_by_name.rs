//! Quantities, limits and quotas.

use std::collections::BTreeMap;

use apportion_wire::messages::{QuotaConfig, ScalarEntry};
use apportion_wire::{Limits, Quantities, QuantityError, Scalar};
use proptest::prelude::*;

use crate::stock::{list, parts, shared, sourced};

fn quantities(text: &str) -> Quantities {
    Quantities::read(text).unwrap()
}

fn limits(text: &str) -> Limits {
    Limits::read(text).unwrap()
}

fn quota(guarantees: &[(&str, f64)], limits: &[(&str, f64)]) -> Result<(Quantities, Limits), QuantityError> {
    let entries = |list: &[(&str, f64)]| {
        list.iter().map(|(name, amount)| ScalarEntry::new(name.as_bytes(), *amount)).collect()
    };
    QuotaConfig { role: b"r".to_vec(), guarantees: entries(guarantees), limits: entries(limits) }.read()
}

#[test]
fn item_007_a_quota_of_what_is_not_finite_or_subnormal_is_refused() {
    for odd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 4e-320, -1.0, 0.0004, 1.1e12] {
        for found in [quota(&[("cpus", odd)], &[]), quota(&[], &[("cpus", odd)])] {
            let error = found.unwrap_err();
            assert!(matches!(error, QuantityError::Number { .. }), "{odd}: {error}");
            assert!(error.to_string().starts_with("`cpus`: "), "{error}");
        }
    }
    assert!(
        quota(&[("cpus", 1e12), ("mem", 1.09e12)], &[]).is_ok(),
        "an exabyte of memory is more than 10^12"
    );
    for text in ["cpus:nan", "cpus:inf", "cpus:4e-320", "cpus:-1", "cpus:0.0004", "cpus:2e12"] {
        assert!(Quantities::read(text).is_err() && Limits::read(text).is_err(), "{text}");
    }
}

#[test]
fn a_quota_guarantees_no_more_than_it_allows() {
    let (guarantees, limits) =
        quota(&[("cpus", 2.0), ("mem", 0.0)], &[("cpus", 2.0), ("disk", 0.0)]).unwrap();
    assert_eq!(
        (guarantees.to_string(), limits.to_string()),
        ("cpus:2".to_owned(), "cpus:2; disk:0".to_owned())
    );
    let error = quota(&[("cpus", 2.5)], &[("cpus", 2.0)]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`cpus`: 2.5 are guaranteed, but the limit is 2; expected a limit that is not lower"
    );
}

#[test]
fn item_038_quantities_never_fall_below_nothing() {
    let mut left = quantities("cpus:1");
    left.subtract(&quantities("cpus:2;mem:3"));
    assert!(left.is_empty());
    assert_eq!(left, Quantities::default());
}

#[test]
fn item_039_limits_stop_at_zero_and_stay_limits() {
    let mut left = limits("cpus:1;mem:0");
    left.subtract(&quantities("cpus:3;disk:5"));
    assert_eq!(left, limits("cpus:0;mem:0"));
    assert_eq!(left.get(b"cpus"), Some(Scalar::ZERO));
    assert_eq!(left.get(b"disk"), None);
}

#[test]
fn item_040_limits_contain_what_they_do_not_name() {
    let limits = limits("cpus:1");
    assert!(limits.contains(&quantities("mem:100")));
    assert!(limits.contains(&quantities("cpus:1;mem:100")) && limits.contains(&quantities("")));
    assert!(!limits.contains(&quantities("cpus:2")));
    assert!(!limits.contains(&quantities("cpus:1.001")));
    assert!(!self::limits("cpus:0").contains(&quantities("cpus:0.001")));
}

#[test]
fn limits_contain_narrower_limits() {
    assert!(limits("cpus:2").contains_limits(&limits("cpus:1;mem:5")));
    assert!(limits("cpus:2").contains_limits(&limits("cpus:2")));
    assert!(!limits("cpus:2").contains_limits(&limits("cpus:3")));
    assert!(!limits("cpus:2").contains_limits(&limits("mem:1")), "no limit is more than any");
    assert!(limits("").contains_limits(&limits("cpus:1")));
}

#[test]
fn quantities_are_read_from_text() {
    assert_eq!(quantities(" cpus :1;mem:6 4;cpus:0.5;disk:0;").to_string(), "cpus:1.5; mem:64");
    assert_eq!(quantities("").to_string(), "{}");
    assert_eq!(limits("disk:0;cpus:1").to_string(), "cpus:1; disk:0");
    for text in ["cpus", "cpus:", ":1", " :1", "cpus:x", "cpus:[1-2]", "cpus:{a}", "cpus:1:2", "cpus:1;x"] {
        assert!(matches!(Quantities::read(text), Err(QuantityError::Token { .. })), "{text}");
        assert!(matches!(Limits::read(text), Err(QuantityError::Token { .. })), "{text}");
    }
    let error = Limits::read("cpus:1;mem:1;cpus:2").unwrap_err();
    assert_eq!(error.to_string(), "`cpus` is limited to 1 and to 2; expected one limit for a name");
    let error = Quantities::read("cpus:1;mem:lots").unwrap_err().to_string();
    assert!(error.starts_with("in `mem:lots`: `lots` is no number; expected `name:number`"), "{error}");
}

#[test]
fn scalar_resources_are_counted_whoever_they_are_for() {
    let mount = sourced(10.0, r#""type": "MOUNT""#);
    let resources = [parts("cpus(r):2;cpus:1;mem:64;disk:5"), parts(&list(&[&mount, &mount]))].concat();
    let counted = Quantities::of_scalars(&resources).unwrap();
    assert_eq!(counted.to_string(), "cpus:3; disk:25; mem:64");
    assert!(counted.contains(&quantities("cpus:3")) && !counted.contains(&quantities("cpus:3.001")));
    assert!(!counted.contains(&quantities("gpus:1")));
    assert!(Quantities::of_scalars(&parts("ports:[1-2]")).is_err());
    let volumes = list(&[&shared(8.0, "v"), &shared(8.0, "v"), &shared(8.0, "w"), &shared(4.0, "v")]);
    assert_eq!(Quantities::of_scalars(&parts(&volumes)).unwrap().to_string(), "disk:20");
}

fn amounts() -> impl Strategy<Value = BTreeMap<u8, i64>> {
    proptest::collection::btree_map(b'a'..b'e', 1_i64..3_000_000_000, 0..5)
}

fn of(amounts: &BTreeMap<u8, i64>) -> Quantities {
    let token = |(name, amount): (&u8, &i64)| {
        format!("{}:{}", char::from(*name), Scalar::from_thousandths(*amount).unwrap())
    };
    quantities(&amounts.iter().map(token).collect::<Vec<_>>().join(";"))
}

proptest! {
    #[test]
    fn item_038_quantities_behave_like_maps_of_numbers(left in amounts(), right in amounts()) {
        let (mut rest, mut sum) = (of(&left), of(&left));
        rest.subtract(&of(&right));
        sum.add(&of(&right));
        let mut contains = true;
        for name in b'a'..b'e' {
            let (l, r) = (left.get(&name).unwrap_or(&0), right.get(&name).unwrap_or(&0));
            prop_assert_eq!(rest.get(&[name]).thousandths(), (l - r).max(0));
            prop_assert_eq!(sum.get(&[name]).thousandths(), l + r);
            contains &= l >= r;
        }
        prop_assert!(rest.iter().all(|(_, amount)| amount.thousandths() > 0));
        prop_assert_eq!(of(&left).contains(&of(&right)), contains);
        prop_assert_eq!(Quantities::read(&sum.to_string()).unwrap_or_default(), if sum.is_empty() { Quantities::default() } else { sum });
    }
}
