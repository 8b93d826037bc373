use super::*;

fn pool(amounts: &[i64]) -> Pool {
    let mut pool = Pool::default();
    let row: Vec<_> = (0_u32..).zip(amounts).map(|(i, a)| (NameId::new(i), Amount::whole(*a))).collect();
    pool.add(&row);
    pool
}

/// A sorter of active clients at these paths, numbered from 0.
fn sorter(paths: &[&str]) -> Sorter {
    let mut sorter = Sorter::default();
    for (client, path) in (0_u32..).zip(paths) {
        sorter.add_path(path.as_bytes(), client);
        sorter.activate(client);
    }
    sorter
}

fn give(sorter: &mut Sorter, pool: &Pool, client: u32, cpus: i64) {
    sorter.allocated(client, &[(NameId::new(0), Amount::whole(cpus))], pool);
}

fn take(sorter: &mut Sorter, pool: &Pool, client: u32, cpus: i64) {
    sorter.unallocated(client, &[(NameId::new(0), Amount::whole(cpus))], pool);
}

fn order(sorter: &mut Sorter, pool: &Pool) -> Vec<u32> {
    sorter.sort(pool);
    let turns: Vec<u32> = sorter.turns().collect();
    // What was kept up to date along the way must be what a sort from scratch gives.
    let mut fresh = sorter.clone();
    fresh.pool_version = 0;
    fresh.sort(pool);
    assert_eq!(fresh.turns().collect::<Vec<_>>(), turns);
    assert!(sorter.find_drift().is_none());
    let places: Vec<u32> = turns.iter().map(|client| sorter.place(*client)).collect();
    assert!(places.into_iter().zip(1..).all(|(place, expected)| place == expected), "places of {turns:?}");
    turns
}

#[test]
fn lower_share_then_fewer_allocations_then_name_comes_first() {
    let pool = pool(&[100]);
    let mut sorter = sorter(&["c", "a", "b"]);
    assert_eq!(order(&mut sorter, &pool), [1, 2, 0]);
    give(&mut sorter, &pool, 1, 10);
    assert_eq!(order(&mut sorter, &pool), [2, 0, 1]);
    take(&mut sorter, &pool, 1, 10);
    assert_eq!(order(&mut sorter, &pool), [2, 0, 1], "it was served once already");
    give(&mut sorter, &pool, 2, 0);
    give(&mut sorter, &pool, 0, 0);
    assert_eq!(order(&mut sorter, &pool), [1, 2, 0]);
}

#[test]
fn weights_divide_shares_and_take_effect_at_once() {
    let pool = pool(&[100]);
    let mut sorter = sorter(&["a", "b"]);
    give(&mut sorter, &pool, 0, 10);
    give(&mut sorter, &pool, 1, 15);
    assert_eq!(order(&mut sorter, &pool), [0, 1]);
    sorter.set_weight(b"b", Weight::from_f64(2.0).unwrap());
    assert_eq!(order(&mut sorter, &pool), [1, 0]);
    sorter.set_weight(b"b", Weight::DEFAULT);
    assert_eq!(order(&mut sorter, &pool), [0, 1]);
}

#[test]
fn a_weight_set_before_its_role_exists_is_remembered() {
    let pool = pool(&[100]);
    let mut sorter = Sorter::default();
    sorter.set_weight(b"b", Weight::from_f64(3.0).unwrap());
    sorter.add_path(b"a/x", 0);
    sorter.add_path(b"b/y", 1);
    sorter.activate(0);
    sorter.activate(1);
    give(&mut sorter, &pool, 0, 10);
    give(&mut sorter, &pool, 1, 20);
    assert_eq!(order(&mut sorter, &pool), [1, 0], "a weight on an ancestor counts for the subtree");
}

#[test]
fn a_subtree_takes_its_turn_as_one() {
    let pool = pool(&[100]);
    let mut sorter = sorter(&["a/x", "a/y", "b"]);
    give(&mut sorter, &pool, 0, 6);
    give(&mut sorter, &pool, 1, 6);
    give(&mut sorter, &pool, 2, 10);
    assert_eq!(order(&mut sorter, &pool), [2, 0, 1]);
    give(&mut sorter, &pool, 2, 10);
    assert_eq!(order(&mut sorter, &pool), [0, 1, 2]);
}

#[test]
fn a_client_that_becomes_an_ancestor_competes_inside_its_subtree_with_weight_one() {
    let pool = pool(&[100]);
    let mut sorter = sorter(&["a", "b"]);
    sorter.set_weight(b"a", Weight::from_f64(10.0).unwrap());
    give(&mut sorter, &pool, 0, 4);
    sorter.add_path(b"a/b", 2);
    sorter.activate(2);
    give(&mut sorter, &pool, 2, 3);
    give(&mut sorter, &pool, 1, 1);
    assert_eq!(order(&mut sorter, &pool), [2, 0, 1], "7/10 before 1; inside a: 3 before 4");
    assert_eq!(sorter.held(0).unwrap().get(NameId::new(0)), Amount::whole(4));
    sorter.remove(2);
    assert_eq!(order(&mut sorter, &pool), [0, 1]);
    assert_eq!(sorter.held_by_all().get(NameId::new(0)), Amount::whole(5));
}

#[test]
fn the_count_of_an_inner_node_stays_with_the_role_when_its_descendants_go() {
    let pool = pool(&[100]);
    let mut sorter = sorter(&["a", "b"]);
    sorter.add_path(b"a/b", 2);
    for _ in 0..3 {
        give(&mut sorter, &pool, 2, 0);
    }
    sorter.remove(2);
    give(&mut sorter, &pool, 1, 0);
    assert_eq!(order(&mut sorter, &pool), [1, 0], "b was served once, a three times");
}

#[test]
fn an_ancestor_of_clients_is_no_client() {
    let mut sorter = sorter(&["b/c"]);
    assert!(sorter.contains(0));
    sorter.add_path(b"b", 1);
    assert!(!sorter.is_active(1));
    sorter.remove(0);
    assert!(sorter.contains(1));
    assert_eq!(order(&mut sorter, &pool(&[1])), Vec::<u32>::new());
    sorter.activate(1);
    assert_eq!(order(&mut sorter, &pool(&[1])), [1]);
}

#[test]
fn inactive_clients_count_above_but_get_no_turn() {
    let pool = pool(&[100]);
    let mut sorter = sorter(&["a/x", "a/y", "b"]);
    give(&mut sorter, &pool, 0, 50);
    give(&mut sorter, &pool, 2, 10);
    sorter.deactivate(0);
    assert_eq!(order(&mut sorter, &pool), [2, 1]);
    sorter.activate(0);
    assert_eq!(order(&mut sorter, &pool), [2, 1, 0]);
}

#[test]
fn a_larger_pool_of_one_name_changes_which_resource_dominates() {
    let mut pool = pool(&[10, 100]);
    let mut sorter = sorter(&["a", "b"]);
    sorter.allocated(0, &[(NameId::new(0), Amount::whole(2))], &pool);
    sorter.allocated(1, &[(NameId::new(1), Amount::whole(10))], &pool);
    assert_eq!(order(&mut sorter, &pool), [1, 0]);
    pool.add(&[(NameId::new(0), Amount::whole(90))]);
    assert_eq!(order(&mut sorter, &pool), [0, 1]);
}

#[test]
fn item_089_a_subtree_without_active_clients_takes_no_weight_in_the_lot() {
    let mut sorter = sorter(&["a/x", "a/y", "b", "c"]);
    sorter.set_weight(b"a", Weight::from_f64(98.0).unwrap());
    sorter.set_weight(b"a/y", Weight::from_f64(3.0).unwrap());
    let firsts = |sorter: &Sorter, client: u32| {
        let draws = (0..4000_u64).map(|key| sorter.draw(crate::shuffle::mix(key)));
        draws.filter(|order| order[0] == client).count()
    };
    let first = firsts(&sorter, 1);
    assert!((2840..3040).contains(&first), "3/4 of 98/100 of 4000 is 2940: {first}");
    sorter.deactivate(0);
    let first = firsts(&sorter, 1);
    assert!((3860..3980).contains(&first), "the subtree keeps its weight for the other: {first}");
    sorter.deactivate(1);
    assert_eq!(firsts(&sorter, 1), 0);
    let first = firsts(&sorter, 2);
    assert!((1900..2100).contains(&first), "b and c alone: {first}");
}
