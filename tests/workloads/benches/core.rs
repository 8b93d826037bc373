//! What the core costs in time, workload by workload, at 1,000 and at 10,000 agents.
//!
//! ```text
//! cargo bench -p apportion-workloads --bench core                  all of it: some minutes
//! cargo bench -p apportion-workloads --bench core -- filtered      only those whose name contains the word
//! cargo bench -p apportion-workloads --bench core -- --save-baseline before
//! cargo bench -p apportion-workloads --bench core -- --baseline before
//! ```
//!
//! Each sample runs on a copy of a cluster that was made ready before; neither the copy nor the end of it is timed. A
//! copy is a little dearer to work on than the original, see [`apportion_workloads::Prepared`]. Clocks wander on a
//! machine with others on it; the counts of `cargo xtask instructions` do not.

use std::time::Duration;

use apportion_workloads::{Size, Workload, all};
use criterion::{BatchSize, BenchmarkGroup, BenchmarkId, Criterion, SamplingMode};

/// The sizes of clusters whose frameworks want offers.
const FREE: [Size; 2] = [Size::new(1_000, 100, 50), Size::new(10_000, 200, 100)];
/// The sizes of clusters in which every framework refuses every agent: a filter for each pair.
const FILTERED: [Size; 2] = [Size::new(1_000, 50, 10), Size::new(10_000, 50, 10)];
/// The sizes of clusters with a quota for each role.
const QUOTA: [Size; 2] = [Size::new(300, 300, 300), Size::new(1_000, 1_000, 1_000)];
/// Reservations on one agent, the frameworks that hold them, a role for each.
const RESERVATIONS: [Size; 2] = [Size::new(1_600, 400, 400), Size::new(6_400, 1_600, 1_600)];

fn sizes(workload: &Workload) -> Vec<Size> {
    match workload.name {
        name if name.starts_with("filter") || name.starts_with("revive") || name == "join-filtered" => {
            FILTERED.to_vec()
        }
        name if name.starts_with("limits") || name == "guarantees" => QUOTA.to_vec(),
        name if name.starts_with("holding") => vec![workload.size],
        "update-allocation" => RESERVATIONS.to_vec(),
        _ => FREE.to_vec(),
    }
}

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .sample_size(10)
        .configure_from_args();
    for workload in all() {
        let mut group = criterion.benchmark_group(workload.name);
        group.sampling_mode(SamplingMode::Flat);
        for size in sizes(&workload) {
            time(&mut group, &workload, size);
        }
        group.finish();
    }
    criterion.final_summary();
}

fn time(group: &mut BenchmarkGroup<'_, criterion::measurement::WallTime>, workload: &Workload, size: Size) {
    let Size { agents, frameworks, roles } = size;
    let name = BenchmarkId::from_parameter(format!("{agents} x {frameworks} x {roles}"));
    // Made only if this one is wanted, and once.
    let mut ready = None;
    group.bench_with_input(name, &size, |bencher, size| {
        let ready = ready.get_or_insert_with(|| {
            let ready = workload.prepare(*size);
            let outcome = ready.clone().measure();
            if let Err(wrong) = ready.check(&outcome) {
                panic!("{}: {wrong}", workload.name);
            }
            ready
        });
        bencher.iter_batched(
            || ready.clone(),
            |mut copy| {
                let outcome = copy.measure();
                (copy, outcome)
            },
            BatchSize::PerIteration,
        );
    });
}
