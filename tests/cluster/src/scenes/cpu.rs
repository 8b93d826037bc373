//! CPU time: limits and shares. Only ratios of the kernel's own accounts are looked at, as other programs take their part
//! of the processors, and a machine without KVM has slow ones.

use std::thread;
use std::time::Duration;

use apportion_rig::TaskSpec;

use super::{Setup, wait_until};

/// Never sleeps. Such tasks are on one processor, so that they take it from each other.
const HOG: &str = "exec taskset 1 /bin/sh -c 'while :; do :; done'";
/// Two that never sleep, on any processor: together they want more than they may have also on a loaded machine.
const TWO_HOGS: &str = "(while :; do :; done) & while :; do :; done";
/// A limit of 0.2 CPUs.
const QUOTA_US: u64 = 20_000;
/// So often the limit was reached before its effect is looked at.
const THROTTLED_MIN: u64 = 10;
/// So much CPU time the least has before ratios are looked at.
const ENOUGH_US: u64 = 1_000_000;

/// One is held to a limit; the others have weights of one to four.
///
/// # Panics
/// When ratios are too far from what they should be.
pub fn hog_is_held_to_its_limit_and_its_neighbours_share_by_weight(setup: Setup) {
    let mut stage = setup.start();
    stage.groups.prefer_over_others();
    // With the executor's part: a limit of 0.2 CPUs, and weights of 0.2 and 0.8.
    stage.run(&[
        ("held", TaskSpec::new("held", TWO_HOGS).cpus(0.1).cpus_limit(0.1)),
        ("small", TaskSpec::new("small", HOG).cpus(0.1)),
        ("large", TaskSpec::new("large", HOG).cpus(0.7)),
    ]);
    let ids = ["held", "small", "large"].map(|task| stage.container(task));
    assert_eq!(stage.groups.settings(&[&ids[0]]).quota_us, Some(QUOTA_US));
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
        let throttled = throttled() - throttled_before;
        let enough = since.iter().all(|used| *used > ENOUGH_US) && throttled > THROTTLED_MIN;
        if enough { Ok(since) } else { Err(format!("{since:?}, throttled {throttled} times")) }
    });
    let (periods, throttled) = (periods() - periods_before, throttled() - throttled_before);

    // Where others leave it less, it is not throttled; where it is, it had all that it may have.
    assert!(held < (periods + 5) * QUOTA_US * 11 / 10, "{held} us in {periods} periods of {QUOTA_US} us");
    assert!(held > throttled * QUOTA_US * 8 / 10, "{held} us, throttled in {throttled} of {periods} periods");
    let of_neighbour = ratio(large, small);
    assert!((2.5..6.0).contains(&of_neighbour), "weights of 4 to 1, CPU time of {of_neighbour} to 1");
    stage.end();
}

fn ratio(one: u64, other: u64) -> f64 {
    let number = |amount: u64| u32::try_from(amount).map(f64::from).expect("a minute of CPU time at most");
    number(one) / number(other)
}
