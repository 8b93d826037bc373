//! Numbers about evictions, in the host's list of metrics.

use super::State;

/// Before each name.
const PREFIX: &str = "apportion/eviction/";

type Number = fn(&State) -> f64;

const METRICS: [(&str, Number); 9] = [
    ("evictions", |state| count(state.evictions.counts().evictions)),
    ("told_again", |state| count(state.evictions.counts().told_again)),
    ("withdrawn", |state| count(state.evictions.counts().withdrawn)),
    ("under_notice", |state| count(state.evictions.notices().count() as u64)),
    ("ending", |state| count(state.evictions.told().count() as u64)),
    ("wait_seconds", |state| state.evictions.counts().waited.as_secs_f64()),
    ("wait_most_seconds", |state| state.evictions.counts().waited_most.as_secs_f64()),
    ("looks", |state| count(state.looks)),
    ("failed_looks", |state| count(state.failed_looks)),
];

#[expect(clippy::cast_precision_loss, reason = "the host's metrics are doubles")]
fn count(number: u64) -> f64 {
    number as f64
}

/// All names, one in each line.
pub(super) fn names() -> String {
    METRICS.iter().map(|(name, _)| format!("{PREFIX}{name}\n")).collect()
}

/// The number in a slot; not a number if there is none.
pub(super) fn read(slot: u32, state: &State) -> f64 {
    let metric = usize::try_from(slot).ok().and_then(|slot| METRICS.get(slot));
    metric.map_or(f64::NAN, |(_, number)| number(state))
}
