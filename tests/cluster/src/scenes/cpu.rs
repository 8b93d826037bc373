//! CPU time: limits and shares. Only ratios of the kernel's own accounts are looked at, as other programs take their part
//! of the processors, and a machine without KVM has slow ones.

use std::thread;
use std::time::Duration;

use apportion_rig::TaskSpec;

use super::{Setup, wait_until};

/// Never sleeps. All such tasks are on one processor, so that they take it from each other.
const HOG: &str = "exec taskset 1 /bin/sh -c 'while :; do :; done'";
/// So much CPU time the least has before ratios are looked at.
const ENOUGH_US: u64 = 1_000_000;

/// One is held to a limit; the others have weights of one to four.
///
/// # Panics
/// When ratios are too far from what they should be.
pub fn hog_is_held_to_its_limit_and_its_neighbours_share_by_weight(setup: Setup) {
    let mut stage = setup.start();
    // With the executor's part: a limit of 0.2 CPUs, and weights of 0.2 and 0.8.
    stage.run(&[
        ("held", TaskSpec::new("held", HOG).cpus(0.1).cpus_limit(0.1)),
        ("small", TaskSpec::new("small", HOG).cpus(0.1)),
        ("large", TaskSpec::new("large", HOG).cpus(0.7)),
    ]);
    let ids = ["held", "small", "large"].map(|task| stage.container(task));
    assert_eq!(stage.groups.settings(&[&ids[0]]).quota_us, Some(20_000));
    let groups = &stage.groups;
    let used = || ids.each_ref().map(|id| groups.cpu_us(&[id]));
    let periods = || groups.cpu_stat(&[&ids[0]], "nr_periods");
    let throttled = || groups.cpu_stat(&[&ids[0]], "nr_throttled");
    // Their starts are over.
    thread::sleep(Duration::from_secs(2));

    let (before, periods_before, throttled_before) = (used(), periods(), throttled());
    let [held, small, large] = wait_until("CPU time of all three", || {
        let now = used();
        let since = [0, 1, 2].map(|at| now[at] - before[at]);
        if since.iter().all(|used| *used > ENOUGH_US) { Ok(since) } else { Err(format!("{since:?}")) }
    });
    let (periods, throttled) = (periods() - periods_before, throttled() - throttled_before);

    let of_limit = ratio(held, periods * 20_000);
    assert!((0.5..1.2).contains(&of_limit), "used {of_limit} of its limit: {held} us in {periods} periods");
    assert!(throttled * 2 > periods, "throttled in {throttled} of {periods} periods");
    let of_neighbour = ratio(large, small);
    assert!((2.5..6.0).contains(&of_neighbour), "weights of 4 to 1, CPU time of {of_neighbour} to 1");
    stage.end();
}

fn ratio(one: u64, other: u64) -> f64 {
    let number = |amount: u64| u32::try_from(amount).map(f64::from).expect("a minute of CPU time at most");
    number(one) / number(other)
}
