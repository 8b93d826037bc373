//! What makes two resources the same, and what that means for sums, differences and containment.

use apportion_core::{Amount, Holding};
use apportion_wire::WireError;
use apportion_wire::resource::{comparison_key, facts, pop_reservation, split, validate};

use crate::parsing::{bytes_field, varint_field};
use crate::stock::{Stock, disk, list, minus, parts, plus, shared, sourced, volume};

/// `cpus:1` with these JSON members on top.
fn cpus(members: &str) -> String {
    format!(r#"[{{"name": "cpus", "type": "SCALAR", "scalar": {{"value": 1}}, {members}}}]"#)
}

/// `cpus:1` with this stack of reservations.
fn reserved(stack: &str) -> String {
    cpus(&format!(r#""reservations": [{stack}]"#))
}

/// How many entries Mesos would have for it: copies of what does not merge are entries of their own.
fn entries(holding: &Holding) -> u32 {
    holding.items().iter().map(|item| if item.kind.is_shared() { 1 } else { item.copies }).sum()
}

#[test]
fn item_009_a_resource_without_a_name_is_no_resource() {
    let nameless = [varint_field(2, 0), bytes_field(3, b"\x09\0\0\0\0\0\0\xf0\x3f")].concat();
    let missing = WireError::MissingField { message: "Resource", field: "name" };
    assert_eq!(split(&nameless), Err(missing.clone()));
    let empty = [bytes_field(1, b""), nameless].concat();
    assert_eq!(split(&empty), Err(missing));
}

#[test]
fn item_015_ranges_that_overlap_or_end_before_they_begin_are_refused_in_any_order() {
    let ports = |ranges: &[(u64, u64)]| {
        let ranges =
            ranges.iter().map(|(begin, end)| [varint_field(1, *begin), varint_field(2, *end)].concat());
        let ranges: Vec<u8> = ranges.flat_map(|range| bytes_field(1, &range)).collect();
        [bytes_field(1, b"ports"), varint_field(2, 1), bytes_field(4, &ranges)].concat()
    };
    for overlapping in [[(1, 6), (5, 10)], [(5, 10), (1, 6)], [(1, 10), (3, 3)], [(1, 5), (5, 9)]] {
        let error = validate(&ports(&overlapping)).unwrap_err();
        assert!(matches!(error, WireError::OverlappingRanges { .. }), "{overlapping:?}: {error}");
    }
    let error = validate(&ports(&[(1, 2), (9, 3)])).unwrap_err();
    assert_eq!(error, WireError::InvalidRange { begin: 9, end: 3 });
    assert_eq!(validate(&ports(&[(5, 9), (1, 4)])), Ok(()), "adjacent ranges in any order are fine");
}

#[test]
fn item_019_other_labels_or_another_principal_make_another_resource() {
    let mut stock = Stock::new();
    let plain = r#"{"type": "DYNAMIC", "role": "r"}"#;
    let others = [
        r#"{"type": "DYNAMIC", "role": "r", "principal": "p"}"#,
        r#"{"type": "DYNAMIC", "role": "r", "principal": "q"}"#,
        r#"{"type": "DYNAMIC", "role": "r", "labels": {"labels": [{"key": "k", "value": "v"}]}}"#,
        r#"{"type": "DYNAMIC", "role": "r", "labels": {"labels": [{"key": "k", "value": "w"}]}}"#,
        r#"{"type": "DYNAMIC", "role": "r", "labels": {}}"#,
        r#"{"type": "STATIC", "role": "r"}"#,
    ];
    let mut sum = stock.of(&reserved(plain));
    for (position, other) in others.into_iter().enumerate() {
        let other = stock.of(&reserved(other));
        assert_eq!(minus(&sum, &other), sum);
        sum.add(&other);
        assert_eq!(sum.items().len(), position + 2);
    }
}

#[test]
fn item_020_the_path_of_a_volume_and_who_made_it_make_no_difference() {
    let mut stock = Stock::new();
    let volume = |persistence: &str, volume: &str| {
        list(&[&disk(
            8.0,
            &format!(r#""disk": {{"persistence": {{{persistence}}}, "volume": {{{volume}}}}}"#),
        )])
    };
    let first = stock.of(&volume(r#""id": "v""#, r#""mode": "RW", "container_path": "data""#));
    for same in [
        volume(r#""id": "v""#, r#""mode": "RO", "container_path": "elsewhere", "host_path": "/h""#),
        volume(r#""id": "v", "principal": "p""#, r#""mode": "RW", "container_path": "data""#),
        list(&[&disk(8.0, r#""disk": {"persistence": {"id": "v"}}"#)]),
    ] {
        let same = stock.of(&same);
        assert_eq!(same, first);
        assert!(minus(&first, &same).is_empty());
    }
    let other = stock.of(&volume(r#""id": "w""#, r#""mode": "RW", "container_path": "data""#));
    assert_ne!(other, first);
}

#[test]
fn item_021_another_provider_or_revocability_is_not_taken_away() {
    let mut stock = Stock::new();
    let all =
        ["", r#""provider_id": {"value": "p"}"#, r#""provider_id": {"value": "q"}"#, r#""revocable": {}"#];
    let all = all.map(|members| {
        let members = if members.is_empty() { r#""role": "*""# } else { members };
        stock.of(&cpus(members))
    });
    for (position, left) in all.iter().enumerate() {
        for (other, right) in all.iter().enumerate() {
            let rest = minus(left, right);
            assert_eq!(rest.is_empty(), position == other);
            assert!(rest.is_empty() || rest == *left);
            assert_eq!(left.contains(right), position == other);
        }
    }
}

#[test]
fn item_021_the_allocation_is_no_part_of_the_identity_but_kept_beside_it() {
    let [free, held] = [cpus(r#""role": "*""#), cpus(r#""allocation_info": {"role": "r"}"#)].map(|text| {
        let mut parts = parts(&text);
        parts.remove(0)
    });
    assert_eq!(free.identity, held.identity);
    assert_ne!(free, held);
    assert_eq!(held.allocation_role.as_deref(), Some(&b"r"[..]));
}

const MOUNT: &str = r#""type": "MOUNT", "mount": {"root": "/m"}"#;
const OTHER_MOUNT: &str = r#""type": "MOUNT", "mount": {"root": "/n"}"#;
const PATH: &str = r#""type": "PATH", "path": {"root": "/p"}"#;
const BLOCK: &str = r#""type": "BLOCK""#;
const POOL: &str = r#""type": "RAW", "profile": "fast""#;
const RAW: &str = r#""type": "RAW", "profile": "fast", "id": "1""#;

#[test]
fn item_022_mounted_disks_and_block_devices_never_merge() {
    let mut stock = Stock::new();
    for (left, right) in [(MOUNT, MOUNT), (MOUNT, OTHER_MOUNT), (BLOCK, BLOCK), (MOUNT, BLOCK)] {
        let both = stock.of(&list(&[&sourced(20.0, left), &sourced(20.0, right)]));
        assert_eq!(entries(&both), 2, "{left} {right}");
        let one = minus(&both, &stock.of(&list(&[&sourced(20.0, right)])));
        assert_eq!(one, stock.of(&list(&[&sourced(20.0, left)])), "{left} {right}");
    }
}

#[test]
fn item_023_of_a_mounted_disk_there_is_no_part_of_a_path_there_is() {
    let mut stock = Stock::new();
    let mut contains = |source| {
        let (large, small) = (list(&[&sourced(20.0, source)]), list(&[&sourced(10.0, source)]));
        let (large, small) = (stock.of(&large), stock.of(&small));
        assert!(large.contains(&large));
        let is_contained = large.contains(&small);
        assert_eq!(minus(&large, &small) != large, is_contained);
        is_contained
    };
    assert!(!contains(MOUNT) && !contains(BLOCK));
    assert!(contains(PATH));
}

#[test]
fn item_024_raw_disks_merge_until_they_have_an_id() {
    let mut stock = Stock::new();
    let mut twice = |source| {
        let one = stock.of(&list(&[&sourced(10.0, source)]));
        let two = plus(&one, &one);
        let small = stock.of(&list(&[&sourced(5.0, source)]));
        (entries(&two), two.contains(&small))
    };
    assert_eq!(twice(POOL), (1, true));
    assert_eq!(twice(RAW), (2, false));
}

#[test]
fn item_025_two_equal_volumes_are_contained_only_in_two() {
    let mut stock = Stock::new();
    let one = stock.of(&list(&[&volume(10.0, "v")]));
    let two = plus(&one, &one);
    assert_eq!(entries(&two), 2);
    assert!(!one.contains(&two));
    assert!(two.contains(&two) && two.contains(&one));
    assert_eq!(minus(&two, &one), one);
}

#[test]
fn item_026_copies_of_a_shared_volume_are_one_entry_that_counts_once() {
    let mut stock = Stock::new();
    let one = stock.of(&list(&[&shared(10.0, "v")]));
    let two = plus(&one, &one);
    assert_eq!(two.items().len(), 1);
    assert_eq!(two.items()[0].copies, 2);
    assert_eq!(stock.amounts(&two)[&b"disk"[..]], Amount::whole(10));
    assert!(!one.contains(&two) && two.contains(&one));
}

#[test]
fn item_027_copies_of_a_shared_volume_are_taken_away_one_by_one() {
    let mut stock = Stock::new();
    let one = stock.of(&list(&[&shared(10.0, "v")]));
    let two = plus(&one, &one);
    assert_eq!(minus(&two, &one), one);
    assert!(minus(&two, &two).is_empty());
    assert!(minus(&minus(&two, &one), &one).is_empty());
}

#[test]
fn item_028_a_shared_volume_is_not_one_that_is_not_shared() {
    let mut stock = Stock::new();
    let (alone, many) = (stock.of(&list(&[&volume(10.0, "v")])), stock.of(&list(&[&shared(10.0, "v")])));
    assert!(!alone.contains(&many) && !many.contains(&alone));
    assert_eq!(minus(&alone, &many), alone);
    assert_eq!(minus(&many, &alone), many);
}

#[test]
fn item_029_shared_volumes_of_another_id_or_size_are_not_taken_away() {
    let mut stock = Stock::new();
    let mut one = |size, id| stock.of(&list(&[&shared(size, id)]));
    let all = [one(10.0, "v"), one(10.0, "w"), one(5.0, "v"), one(20.0, "v")];
    for (position, left) in all.iter().enumerate() {
        for right in all.iter().skip(position + 1) {
            assert_eq!(&minus(left, right), left);
            assert_eq!(&minus(right, left), right);
        }
    }
}

#[test]
fn item_030_more_copies_minus_fewer_leave_some_and_fewer_minus_more_leave_none() {
    let mut stock = Stock::new();
    let one = stock.of(&list(&[&shared(10.0, "v")]));
    let copies = |count: u32| (0..count).fold(Holding::default(), |sum, _| plus(&sum, &one));
    let (four, three) = (copies(4), copies(3));
    assert!(minus(&three, &four).is_empty());
    assert_eq!(minus(&four, &three), one);
}

#[test]
fn item_033_a_refined_resource_belongs_to_the_last_role_and_pops_to_the_one_before() {
    let refined = r#"{"type": "STATIC", "role": "a"}, {"type": "DYNAMIC", "role": "a/b"}"#;
    let identity = &parts(&reserved(refined))[0].identity;
    let stack = facts(identity).unwrap().reservations;
    assert_eq!(stack.len(), 2);
    assert_eq!(stack[1].role, b"a/b");
    let below = pop_reservation(identity).unwrap().unwrap();
    assert_eq!(below, parts("cpus(a):1")[0].identity);
    assert_ne!(comparison_key(identity).unwrap(), comparison_key(&below).unwrap());
    let unreserved = pop_reservation(&below).unwrap().unwrap();
    assert_eq!(unreserved, parts("cpus:1")[0].identity);
    assert_eq!(pop_reservation(&unreserved), Ok(None));
}

/// What validation says of `cpus:1` with a stack of (type, role).
fn validated(stack: &[(u64, &str)]) -> Result<(), WireError> {
    let stack = stack.iter().flat_map(|(kind, role)| {
        bytes_field(13, &[bytes_field(3, role.as_bytes()), varint_field(4, *kind)].concat())
    });
    validate(&[parts("cpus:1")[0].to_bytes(), stack.collect()].concat())
}

#[test]
fn item_034_a_stack_whose_roles_do_not_descend_is_refused() {
    for second in ["a", "ab", "b", "b/a", "a/../b", "*", "", "a/"] {
        let error = validated(&[(1, "a"), (2, second)]).unwrap_err();
        let named = matches!(&error, WireError::InvalidReservation { role, .. } | WireError::InvalidRole { role, .. }
            if role == second.as_bytes());
        assert!(named, "{error}");
    }
    assert_eq!(validated(&[(1, "a"), (2, "a/b"), (2, "a/b/c/d")]), Ok(()));
    assert!(validated(&[(1, "a"), (2, "a/b/c"), (2, "a/b")]).is_err());
}

#[test]
fn item_034_only_the_first_reservation_can_be_static() {
    let error = validated(&[(2, "a"), (1, "a/b")]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Resource: a reservation for the role `a/b` is not valid: \
         only the first reservation of a resource can be static"
    );
    assert_eq!(validated(&[(2, "a"), (2, "a/b")]), Ok(()));
    assert!(validated(&[(1, "*")]).is_err(), "nothing is reserved for the role of everybody");
    assert!(validated(&[(0, "a")]).is_err(), "UNKNOWN is no type");
}

#[test]
fn fields_that_do_not_go_together_are_refused() {
    let check = |name: &[u8], more: &[u8]| {
        let scalar = bytes_field(3, b"\x09\0\0\0\0\0\0\xf0\x3f");
        validate(&[bytes_field(1, name), varint_field(2, 0), scalar, more.to_vec()].concat())
    };
    let source = |kind, directory: &[u8]| {
        bytes_field(7, &bytes_field(3, &[&varint_field(1, kind), directory].concat()))
    };
    let persistent = bytes_field(7, &bytes_field(1, &bytes_field(1, b"v")));
    let sharing = bytes_field(10, b"");
    assert_eq!(check(b"disk", &source(4, b"")), Ok(()));
    assert!(check(b"cpus", &source(4, b"")).is_err(), "only a disk has a source");
    for kind in [3, 4] {
        assert!(check(b"disk", &source(kind, &bytes_field(2, b""))).is_err(), "BLOCK and RAW have no path");
        assert!(check(b"disk", &source(kind, &bytes_field(3, b""))).is_err(), "BLOCK and RAW have no mount");
    }
    assert_eq!(check(b"disk", &source(1, &bytes_field(2, b""))), Ok(()));
    assert_eq!(check(b"disk", &[persistent, sharing.clone()].concat()), Ok(()));
    assert!(check(b"disk", &sharing).is_err() && check(b"cpus", &sharing).is_err());
}
