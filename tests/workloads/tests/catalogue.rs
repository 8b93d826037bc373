//! Every workload does the work that it is named after, and its books are in order before and after.

use std::collections::BTreeSet;

use apportion_workloads::{Cluster, Shape, Size, all, find};

/// Small enough for every test run.
fn small(size: Size) -> Size {
    Size::new(size.agents.min(60), size.frameworks.min(20), size.roles.min(10))
}

#[test]
fn every_workload_leads_to_what_it_must_and_leaves_the_books_in_order() {
    for workload in all() {
        let mut ready = workload.prepare(small(workload.size));
        ready.cluster().allocator.check_all().unwrap();
        let outcome = ready.measure();
        ready.check(&outcome).unwrap_or_else(|wrong| panic!("{}: {wrong}", workload.name));
        ready.cluster().allocator.check_all().unwrap();
        assert!(ready.units() > 0, "{}", workload.name);
        let untouched = apportion_workloads::Outcome::default();
        let does_something = outcome.computed > 0 || !outcome.offers.is_empty();
        assert!(
            !does_something || ready.check(&untouched).is_err(),
            "{}: the check sees nothing",
            workload.name
        );
    }
}

#[test]
fn a_copy_of_a_workload_leads_to_the_same_offers() {
    for workload in all() {
        let mut ready = workload.prepare(small(workload.size));
        let mut copy = ready.clone();
        assert_eq!(ready.measure().offers, copy.measure().offers, "{}", workload.name);
    }
}

#[test]
fn names_are_unique_and_found() {
    let names: BTreeSet<&str> = all().iter().map(|workload| workload.name).collect();
    assert_eq!(names.len(), all().len());
    for name in names {
        assert!(find(name).is_some() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'));
    }
    assert!(find("no such workload").is_none());
}

#[test]
fn nobody_is_offered_anything_where_everything_is_refused() {
    let mut cluster = Cluster::full(Shape::plain(Size::new(30, 7, 3)));
    cluster.refuse_everything();
    assert!(cluster.tick().offers.is_empty());
    let filters: usize = (0..3)
        .map(|role| {
            cluster.allocator.filters_len(cluster.allocator.find_role(&cluster.shape.role(role)).unwrap())
        })
        .sum();
    assert_eq!(filters, 30 * 7);
}
