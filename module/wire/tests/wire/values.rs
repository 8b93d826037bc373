//! Scalars in thousandths, and values in normal form.

use apportion_wire::{Range, Scalar, Value, WireError};
use proptest::prelude::*;

#[test]
fn scalars_round_to_the_nearest_thousandth_halves_away_from_zero() {
    let table = [
        (0.0, 0),
        (-0.0, 0),
        (0.0005, 1),
        (0.001, 1),
        (1.0004, 1000),
        (1.0005, 1001),
        (1.5011, 1501),
        (1.5015, 1502),
        (9.2e15, 9_200_000_000_000_000_000),
    ];
    for (value, thousandths) in table {
        let scalar = Scalar::from_f64(value).unwrap();
        assert_eq!(scalar.thousandths(), thousandths, "{value}");
        assert_eq!(scalar.as_f64().to_bits(), value.to_bits(), "{value} is kept as it was read");
    }
}

#[test]
fn what_is_no_amount_is_no_scalar() {
    let bad = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0001, -1.0, 0.0004, 5e-324, 9.3e15, f64::MAX];
    for value in bad {
        assert!(matches!(Scalar::from_f64(value), Err(WireError::InvalidScalar { .. })), "{value}");
    }
    assert!(Scalar::from_thousandths(-1).is_err());
    assert!(Scalar::from_thousandths(i64::MIN).is_err());
}

proptest! {
    #[test]
    fn thousandths_survive_the_way_through_a_double(thousandths in 0_i64..1_000_000_000_000_000) {
        let scalar = Scalar::from_thousandths(thousandths).unwrap();
        prop_assert_eq!(Scalar::from_f64(scalar.as_f64()).unwrap().thousandths(), thousandths);
    }

    #[test]
    fn normal_ranges_have_the_same_members(ranges in proptest::collection::vec((0_u64..40, 0_u64..9), 0..8)) {
        let ranges: Vec<Range> =
            ranges.into_iter().map(|(begin, length)| Range { begin, end: begin + length }).collect();
        let mut value = Value::Ranges(ranges.clone());
        value.normalise();
        let Value::Ranges(normal) = &value else { panic!("still ranges: {value:?}") };
        let holds = |ranges: &[Range], member| ranges.iter().any(|range| range.begin <= member && member <= range.end);
        for member in 0..60 {
            prop_assert_eq!(holds(&ranges, member), holds(normal, member));
        }
        for neighbours in normal.windows(2) {
            prop_assert!(neighbours[0].end + 1 < neighbours[1].begin, "{:?}", normal);
        }
    }
}

#[test]
fn normal_form_merges_adjacent_ranges_up_to_the_last_number() {
    let range = |begin, end| Range { begin, end };
    let mut value =
        Value::Ranges(vec![range(u64::MAX, u64::MAX), range(3, 4), range(1, 2), range(9, u64::MAX - 1)]);
    value.normalise();
    assert_eq!(value, Value::Ranges(vec![range(1, 4), range(9, u64::MAX)]));
}

#[test]
fn normal_form_sorts_items_and_rounds_scalars() {
    let mut items = Value::Set(vec![b"b".to_vec(), b"a".to_vec(), b"b".to_vec()]);
    items.normalise();
    assert_eq!(items, Value::Set(vec![b"a".to_vec(), b"b".to_vec()]));
    let mut scalar = Value::Scalar(Scalar::from_f64(1.5011).unwrap());
    scalar.normalise();
    assert!(matches!(scalar, Value::Scalar(scalar) if scalar.as_f64() == 1.501));
}

#[test]
fn a_value_of_nothing_is_empty() {
    assert!(Value::Scalar(Scalar::from_f64(0.0).unwrap()).is_empty());
    assert!(Value::Ranges(vec![]).is_empty() && Value::Set(vec![]).is_empty());
    assert!(!Value::Scalar(Scalar::from_thousandths(1).unwrap()).is_empty());
    assert!(!Value::Ranges(vec![Range { begin: 0, end: 0 }]).is_empty());
    assert!(!Value::Set(vec![vec![]]).is_empty());
}
