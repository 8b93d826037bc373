//! Ranges and sets.

use std::collections::BTreeSet;

use apportion_core::{Allocator, Amount, Holding, Item, ItemSet, Kind, KindId, Ranges, Value, ValueType};
use proptest::prelude::*;

fn ranges(pairs: &[(u64, u64)]) -> Ranges {
    Ranges::new(pairs.iter().copied())
}

fn set(items: &[&str]) -> ItemSet {
    ItemSet::new(items.iter().map(|item| item.as_bytes().into()))
}

fn sum(left: &Ranges, right: &Ranges) -> Ranges {
    let mut sum = left.clone();
    sum.add(right);
    sum
}

fn difference(left: &Ranges, right: &Ranges) -> Ranges {
    let mut rest = left.clone();
    rest.subtract(right);
    rest
}

#[test]
fn item_011_adjacent_ranges_merge() {
    assert_eq!(sum(&ranges(&[(1, 2)]), &ranges(&[(3, 4)])).pairs(), [(1, 4)]);
    assert_eq!(ranges(&[(20, 30), (31, 39), (40, 40)]), ranges(&[(20, 40)]));
    assert_eq!(sum(&ranges(&[(0, 4)]), &ranges(&[(5, u64::MAX)])).pairs(), [(0, u64::MAX)]);
}

#[test]
fn item_012_subtracting_ranges_is_set_difference() {
    let left = ranges(&[(1, 10), (20, 30), (40, 50)]);
    let rest = difference(&left, &ranges(&[(2, 9), (15, 45), (48, 50)]));
    assert_eq!(rest.pairs(), [(1, 1), (10, 10), (46, 47)]);
    let ends = difference(&ranges(&[(0, 5), (7, 9)]), &ranges(&[(0, 2), (7, 9)]));
    assert_eq!(ends.pairs(), [(3, 5)], "cut where a range begins");
}

#[test]
fn item_013_subtracting_ranges_that_are_not_there_changes_nothing() {
    let left = ranges(&[(1, 10)]);
    assert_eq!(difference(&left, &ranges(&[(11, 20)])), left);
    assert_eq!(difference(&left, &ranges(&[])), left);
    assert!(difference(&ranges(&[]), &left).is_empty());
}

#[test]
fn item_014_ranges_contain_a_subset_however_it_is_cut() {
    let right = ranges(&[(2, 2), (4, 5)]);
    for container in [&[(1, 10)][..], &[(1, 4), (5, 5)], &[(1, 2), (4, 6)]] {
        assert!(ranges(container).contains(&right), "{container:?}");
    }
    assert!(!ranges(&[(2, 3)]).contains(&right));
    assert!(ranges(&[(2, 3)]).contains(&ranges(&[])), "nothing is in everything");
}

/// Begins close enough for ranges to touch, overlap and contain each other.
fn pairs() -> impl Strategy<Value = Vec<(u64, u64)>> {
    let base = prop_oneof![Just(0_u64), Just(31_000), Just(u64::MAX - 60)];
    let pair = (0_u64..50, 0_u64..9);
    (base, proptest::collection::vec(pair, 0..10)).prop_map(|(base, pairs)| {
        pairs.into_iter().map(|(begin, length)| (base + begin, base + begin + length)).collect()
    })
}

fn members(pairs: &[(u64, u64)]) -> BTreeSet<u64> {
    pairs.iter().flat_map(|(begin, end)| *begin..=*end).collect()
}

proptest! {
    #[test]
    fn item_012_a_difference_has_what_only_the_left_has(left in pairs(), right in pairs()) {
        let rest = difference(&ranges(&left), &ranges(&right));
        prop_assert_eq!(members(rest.pairs()), &members(&left) - &members(&right));
        prop_assert_eq!(&ranges(rest.pairs()), &rest, "what is left is in normal form");
        prop_assert_eq!(sum(&rest, &ranges(&right)), sum(&ranges(&left), &ranges(&right)));
    }

    #[test]
    fn item_014_containing_is_being_a_superset(left in pairs(), right in pairs()) {
        let superset = members(&left).is_superset(&members(&right));
        prop_assert_eq!(ranges(&left).contains(&ranges(&right)), superset);
        prop_assert!(sum(&ranges(&left), &ranges(&right)).contains(&ranges(&right)));
    }
}

#[test]
fn item_016_sets_add_to_their_union_and_subtract_to_their_difference() {
    let mut items = set(&["a", "b", "c"]);
    items.add(&set(&["a", "b", "c", "d"]));
    assert_eq!(items.len(), 4);
    items.subtract(&set(&["b", "c", "d"]));
    assert_eq!(items, set(&["a"]));
}

/// The kinds `cpus`, `mem`, `ports` and `disks` of one allocator.
fn kinds() -> [KindId; 4] {
    let mut allocator = Allocator::new();
    let ranges = Kind { value_type: ValueType::Ranges, ..Kind::scalar(b"ports") };
    let sets = Kind { value_type: ValueType::Set, ..Kind::scalar(b"disks") };
    [Kind::scalar(b"cpus"), Kind::scalar(b"mem"), ranges, sets]
        .map(|kind| allocator.intern_kind(kind).unwrap())
}

proptest! {
    #[test]
    fn item_017_collections_are_equal_in_any_order(
        entries in proptest::collection::vec((0_usize..4, 1_u64..30, 0_u64..6), 0..20),
        order in proptest::collection::vec(any::<u8>(), 20),
    ) {
        let kinds = kinds();
        let item = |&(kind, number, more): &(usize, u64, u64)| {
            let value = match kind {
                0 | 1 => Value::Scalar(Amount::whole(i64::try_from(number).unwrap())),
                2 => Value::Ranges(Ranges::new([(number + 40, number + 40), (number, number + more)])),
                _ => Value::Set(ItemSet::new([number, more].map(|item| item.to_string().into_bytes().into()))),
            };
            Item::new(kinds[kind], value)
        };
        let mut shuffled: Vec<_> = order.iter().zip(&entries).collect();
        shuffled.sort_by_key(|(place, _)| **place);
        let (left, right): (Holding, Holding) =
            (entries.iter().map(item).collect(), shuffled.into_iter().map(|(_, entry)| item(entry)).collect());
        prop_assert_eq!(&left, &right);
        prop_assert!(left.contains(&right) && right.contains(&left));
    }
}
