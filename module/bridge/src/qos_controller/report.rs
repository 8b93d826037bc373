//! Evictions as JSON, for the HTTP endpoint. Moments are in seconds since the epoch.

use apportion_eviction::{Amounts, ExecutorKey};
use apportion_policy::text;
use serde_json::{Map, Value, json};

use super::State;

/// The whole page.
pub(super) fn json(state: &State) -> Value {
    let counts = state.evictions.counts();
    let notices = state.evictions.notices().map(|(key, notice)| {
        let (since, deadline) = (seconds(notice.since), seconds(notice.deadline));
        with(key, json!({ "since": since, "deadline": deadline, "need": amounts(&notice.need) }))
    });
    let ending = state.evictions.told().map(|(key, told)| {
        let (since, last) = (seconds(told.since), seconds(told.last));
        with(key, json!({ "since": since, "agent_told": last, "times_told": told.times }))
    });
    let by_role: Map<String, Value> =
        counts.by_role.iter().map(|(role, count)| (text(role), json!(count))).collect();
    json!({
        "under_notice": notices.collect::<Vec<_>>(),
        "ending": ending.collect::<Vec<_>>(),
        "last_need": amounts(state.evictions.last_need()),
        "evictions": counts.evictions,
        "evictions_by_role": by_role,
        "told_again": counts.told_again,
        "withdrawn": counts.withdrawn,
        "wait_seconds": counts.waited.as_secs_f64(),
        "wait_most_seconds": counts.waited_most.as_secs_f64(),
        "looks": state.looks,
        "failed_looks": state.failed_looks,
    })
}

fn with(key: &ExecutorKey, mut value: Value) -> Value {
    value["framework"] = text(&key.framework).into();
    value["executor"] = text(&key.executor).into();
    value["container"] = text(&key.container).into();
    value
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53 thousandths")]
fn amounts(of: &Amounts) -> Map<String, Value> {
    of.iter().map(|(name, thousandths)| (text(name), json!(thousandths as f64 / 1000.0))).collect()
}

#[expect(clippy::cast_precision_loss, reason = "to a microsecond")]
fn seconds(nanoseconds: i64) -> f64 {
    nanoseconds as f64 / 1e9
}
