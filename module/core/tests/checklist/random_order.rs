//! Who comes first: the weighted lot (items 87 to 90).

use std::collections::BTreeMap;

use apportion_core::{Options, Order};

use crate::cluster::Cluster;

const ROUNDS: u32 = 2000;

fn by_lot() -> Cluster {
    Cluster::with(&Options { order: Order::Random, ..Options::default() })
}

/// How often each framework comes first, in percent, when one agent goes back without filter each time.
fn firsts(cluster: &mut Cluster) -> BTreeMap<String, f64> {
    let mut counts = BTreeMap::new();
    for _ in 0..ROUNDS {
        let mut offers = cluster.tick();
        let offer = offers.pop().unwrap();
        assert!(offers.is_empty());
        cluster.rescind(std::slice::from_ref(&offer));
        *counts.entry(offer.framework).or_default() += 100.0 / f64::from(ROUNDS);
    }
    counts
}

fn assert_near(firsts: &BTreeMap<String, f64>, expected: &[(&str, f64)]) {
    assert_eq!(firsts.len(), expected.len(), "{firsts:?}");
    for (framework, percent) in expected {
        assert!((firsts[*framework] - percent).abs() < 5.0, "{framework}: {firsts:?}");
    }
}

#[test]
fn item_087_a_client_comes_first_as_often_as_its_part_of_the_weights() {
    let mut cluster = by_lot();
    let roles = ["a", "b", "c", "d", "e"];
    cluster.set_weights(&[("a", 1.0), ("b", 2.0), ("c", 3.0), ("d", 4.0), ("e", 5.0)]);
    for role in roles {
        cluster.add_framework(role, &[role]);
    }
    let offers = cluster.add_agent("x", "cpus:1");
    cluster.rescind(&offers);
    let expected = [("a", 6.7), ("b", 13.3), ("c", 20.0), ("d", 26.7), ("e", 33.3)];
    assert_near(&firsts(&mut cluster), &expected);
}

#[test]
fn item_088_in_a_tree_the_parts_multiply() {
    let mut cluster = by_lot();
    cluster.set_weights(&[("a", 1.0), ("a/b", 2.0), ("c", 2.0), ("c/d", 1.0), ("c/e", 2.0)]);
    for role in ["a", "a/b", "c/d", "c/e"] {
        cluster.add_framework(role, &[role]);
    }
    let offers = cluster.add_agent("x", "cpus:1");
    cluster.rescind(&offers);
    let expected = [("a", 11.1), ("a/b", 22.2), ("c/d", 22.2), ("c/e", 44.4)];
    assert_near(&firsts(&mut cluster), &expected);
}

#[test]
fn item_089_who_takes_no_offers_takes_no_weight() {
    let mut cluster = by_lot();
    for framework in ["f", "g", "h"] {
        cluster.add_framework(framework, &["r"]);
    }
    let offers = cluster.add_agent("x", "cpus:1");
    cluster.rescind(&offers);
    assert_near(&firsts(&mut cluster), &[("f", 33.3), ("g", 33.3), ("h", 33.3)]);
    cluster.suppress("h", &[]);
    assert_near(&firsts(&mut cluster), &[("f", 50.0), ("g", 50.0)]);
}

#[test]
fn item_090_what_is_held_does_not_count() {
    let mut cluster = by_lot();
    cluster.add_framework("f", &["a"]);
    cluster.add_framework("g", &["b"]);
    cluster.add_agent_using("full", "cpus:99", &[("f", "a", "cpus:99")]);
    let offers = cluster.add_agent("x", "cpus:1");
    cluster.rescind(&offers);
    assert_near(&firsts(&mut cluster), &[("f", 50.0), ("g", 50.0)]);
    assert_eq!(cluster.numbers("a").dominant_share, None, "there are no shares to show");
}
