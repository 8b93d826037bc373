//! Fixed-point scalars.

use apportion_core::{Allocator, Amount, Holding, Item, Kind, KindId, KindRefused, NotAnAmount, Value};
use proptest::prelude::*;

fn amount(number: f64) -> Amount {
    Amount::from_f64(number).unwrap()
}

fn cpus() -> KindId {
    Allocator::new().intern_kind(Kind::scalar(b"cpus")).unwrap()
}

fn holding(number: f64) -> Holding {
    Holding::new([Item::scalar(cpus(), amount(number))])
}

/// The amount after a trip through the floating-point form that the host keeps it in.
fn through_the_host(amount: Amount) -> Amount {
    Amount::from_f64(amount.to_f64()).unwrap()
}

#[test]
fn item_001_scalars_are_compared_in_thousandths() {
    assert_eq!(amount(1.0004), amount(1.0));
    assert_ne!(amount(1.0005), amount(1.0));
    assert_eq!(amount(1.0005), amount(1.001));
    assert!(amount(1.0005) > amount(1.0004));
}

#[test]
fn item_002_arithmetic_rounds_to_three_decimals() {
    for (number, rounded) in [(1.5011, 1.501), (1.5015, 1.502)] {
        let mut free = holding(number);
        free.add(&holding(1.0));
        free.subtract(&holding(1.0));
        let value = free.items()[0].value.scalar().unwrap();
        assert_eq!(value.to_f64().to_bits(), f64::to_bits(rounded), "{number}");
    }
}

/// x + x + x − x − x, so many times.
fn go_around(start: Amount, rounds: u32, step: impl Fn(Amount) -> Amount) -> Amount {
    (0..rounds).fold(start, |amount, _| {
        let more = step(step(amount + start) + start);
        step(step(more - start) - start)
    })
}

#[test]
fn item_003_adding_and_subtracting_2500_times_changes_nothing() {
    let end = go_around(amount(1.001), 2500, through_the_host);
    assert_eq!(end.to_f64().to_bits(), f64::to_bits(1.001));
}

#[test]
fn item_004_a_hundred_thousand_additions_are_taken_back_exactly() {
    let (start, step) = (holding(1.001), holding(1.001));
    let mut held = start.clone();
    (0..100_000).for_each(|_| held.add(&step));
    assert_eq!(held.items()[0].value, Value::Scalar(Amount::thousandths(1001 * 100_001)));
    (0..100_000).for_each(|_| held.subtract(&step));
    assert_eq!(held, start);
}

proptest! {
    #[test]
    fn item_003_no_amount_drifts_however_often_it_goes_around(
        thousandths in 0..=1_000_000_000_000_000_i64,
        rounds in 1_u32..400,
    ) {
        let start = Amount::thousandths(thousandths % (Amount::MAX.in_thousandths() / 4));
        prop_assert_eq!(go_around(start, rounds, through_the_host), start);
    }

    #[test]
    fn item_004_any_sum_is_taken_back_in_any_order(
        parts in proptest::collection::vec(1_i64..5_000_000, 1..40),
        start in 1_i64..5_000_000,
    ) {
        let one = |thousandths| Holding::new([Item::scalar(cpus(), Amount::thousandths(thousandths))]);
        let mut held = one(start);
        parts.iter().for_each(|part| held.add(&one(*part)));
        prop_assert_eq!(&held, &one(start + parts.iter().sum::<i64>()));
        parts.iter().rev().for_each(|part| held.subtract(&one(*part)));
        prop_assert_eq!(held, one(start));
    }
}

#[test]
fn item_005_nothing_of_a_resource_is_not_stored() {
    let mut held = holding(0.0);
    assert!(held.is_empty());
    held.add_item(&Item::scalar(cpus(), Amount::ZERO));
    assert!(held.is_empty());
    assert_eq!(held.items(), []);
    let mut some = holding(2.0);
    some.add(&held);
    assert_eq!(some, holding(2.0));
}

#[test]
fn item_007_what_is_not_finite_is_no_amount() {
    for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert!(matches!(Amount::from_f64(number), Err(NotAnAmount::NotFinite(_))), "{number}");
    }
    assert!(matches!(Amount::from_f64(1e300), Err(NotAnAmount::TooLarge(_))));
}

#[test]
fn item_008_negative_and_tiny_scalars_are_ignored_when_added() {
    for number in [-1.0, -0.0004, 0.0004, 5e-324] {
        let mut held = holding(2.0);
        held.add_item(&Item::scalar(cpus(), amount(number)));
        assert_eq!(held, holding(2.0), "{number}");
        assert!(holding(number).is_empty(), "{number}");
    }
}

#[test]
fn item_009_a_resource_without_a_name_is_refused() {
    let refused = Allocator::new().intern_kind(Kind::scalar(b""));
    assert_eq!(refused, Err(KindRefused::Nameless));
}

#[test]
fn item_010_taking_more_than_is_there_leaves_nothing() {
    let mut held = holding(1.0);
    held.subtract(&holding(2.0));
    assert!(held.is_empty());
    held.subtract(&holding(2.0));
    assert!(held.is_empty());
    held.add(&holding(1.0));
    assert_eq!(held, holding(1.0), "no debt is left behind");
    let mut value = Value::Scalar(amount(1.0));
    value.subtract(&Value::Scalar(amount(2.0)));
    assert_eq!(value, Value::Scalar(Amount::ZERO));
}

#[test]
fn item_018_amounts_print_whole_parts_in_full_and_at_most_three_decimals() {
    let printed = |number| amount(number).to_string();
    assert_eq!(printed(1_099_511_627_775.0), "1099511627775");
    assert_eq!(printed(1_000_000.5), "1000000.5");
    assert_eq!(printed(0.001), "0.001");
    assert_eq!(printed(1.5011), "1.501");
    assert_eq!(printed(10.0), "10");
    assert_eq!(printed(10.10), "10.1");
}

proptest! {
    #[test]
    fn item_018_a_printed_amount_is_the_amount(thousandths in 0..=Amount::MAX.in_thousandths()) {
        let printed = Amount::thousandths(thousandths).to_string();
        let (whole, decimals) = printed.split_once('.').unwrap_or((&printed, ""));
        prop_assert!(decimals.len() <= 3 && !decimals.ends_with('0'), "{}", printed);
        let read: i64 = format!("{whole}{decimals:0<3}").parse().unwrap();
        prop_assert_eq!(read, thousandths, "{}", printed);
    }
}
