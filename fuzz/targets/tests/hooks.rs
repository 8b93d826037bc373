//! Calls of the hook methods in large numbers, each with messages and rules of its own.
//!
//! `APPORTION_HOOK_CALLS=10000000 cargo test --release -p apportion-fuzz-targets --test hooks` makes more than the few that fit
//! into every test run, `APPORTION_HOOK_CALLS=5000000..7500000` a part of them. The call of a number is the same everywhere.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use apportion_fuzz_targets::hook::Caller;
use apportion_policy::HookPoint;

/// Calls in every test run.
const CALLS: u64 = 60_000;

/// Bytes of an input: messages are drawn from them, and simple ones when they are used up.
const INPUT_BYTES: usize = 1024;

/// Calls that one thread takes at a time.
const STRETCH: u64 = 500;

/// The input of a call: the numbers of a SplitMix64.
fn input(call: u64) -> Vec<u8> {
    let mut state = call.wrapping_mul(0x2545_f491_4f6c_dd1d);
    let mut number = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)).to_le_bytes()
    };
    (0..INPUT_BYTES / 8).flat_map(|_| number()).collect()
}

/// Calls of a method, and in how many of them a rule acted.
type Tally = BTreeMap<HookPoint, (u64, u64)>;

/// Makes calls, a stretch at a time, until the one before `end` is made.
fn make(next: &AtomicU64, end: u64) -> Tally {
    let (mut tally, mut caller) = (Tally::new(), Caller::default());
    loop {
        let first = next.fetch_add(STRETCH, Ordering::Relaxed);
        if first >= end {
            return tally;
        }
        for call in first..end.min(first + STRETCH) {
            let input = input(call);
            let Ok(called) = catch_unwind(AssertUnwindSafe(|| caller.call(&input))) else {
                // Nothing is left to do for the others.
                next.store(end, Ordering::Relaxed);
                panic!("call {call} broke; see above");
            };
            if let Some(called) = called {
                let (count, acted) = tally.entry(called.point).or_default();
                *count += 1;
                *acted += u64::from(called.acted);
            }
        }
    }
}

/// What the variable asks for: so many calls, or those from one number up to another one.
fn range(asked: &str) -> (u64, u64) {
    let (first, end) = asked.split_once("..").unwrap_or(("0", asked));
    let number =
        |text: &str| text.parse::<u64>().expect("APPORTION_HOOK_CALLS is a number of calls, or a range");
    let (first, end) = (number(first), number(end));
    assert!(first < end, "APPORTION_HOOK_CALLS asks for no call");
    (first, end)
}

#[test]
fn fuzzed_calls_of_the_hooks_never_crash_nor_exceed_the_limits() {
    let asked = std::env::var("APPORTION_HOOK_CALLS").ok();
    let (first, end) = asked.map_or((0, CALLS), |asked| range(&asked));
    let (next, calls) = (AtomicU64::new(first), end - first);
    let total = Mutex::new(Tally::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                for (point, (count, acted)) in make(&next, end) {
                    let mut total = total.lock().unwrap();
                    let sum = total.entry(point).or_default();
                    (sum.0, sum.1) = (sum.0 + count, sum.1 + acted);
                }
            });
        }
    });
    let total = total.into_inner().unwrap();
    let mut lines = String::new();
    for (point, (count, acted)) in &total {
        lines += &format!("{:<22} {count:>9} calls, a rule acted in {acted:>9}\n", point.key());
    }
    // Around the capture of the test harness: the numbers belong into every log.
    std::io::stderr().write_all(lines.as_bytes()).unwrap();
    assert_eq!(total.len(), HookPoint::HOOKS.len());
    for (point, (count, acted)) in total {
        assert!(count > calls / 20, "{point:?}: {count} calls");
        // Rules that never act would show nothing.
        assert!(acted > count / 10, "{point:?}: a rule acted in {acted} of {count}");
    }
}
