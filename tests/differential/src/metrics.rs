//! Which metrics are compared: all names, and the values that a script determines.
//!
//! Every name that the built-in allocator publishes has to be there under ours. Names of our own may come in addition,
//! below [`OWN`].

use serde_json::{Map, Value, json};

use crate::names::Names;

/// Metrics of ours that the built-in allocator has no counterpart of begin so.
pub const OWN: &str = "allocator/apportion/";

/// Metrics of the machine and of the registry say nothing about allocations, and come and go with time.
const FOREIGN: [&str; 2] = ["system/", "registrar/"];

/// Names whose values depend on when something happened, and not only on what.
///
/// * Times, queue lengths, counts of runs.
/// * How many offers were sent or taken back: two agents that register between two runs are offered by one event, or
///   by two.
/// * Retransmissions between master and agents, heartbeats.
const TIMED: [&str; 11] = [
    "allocator/mesos/allocation_run",
    "event_queue",
    "uptime_secs",
    "http_cache_hits",
    "/events",
    "/offers/sent",
    "/offers/rescinded",
    "/subscribed",
    "master/messages_",
    "slave_registrations",
    "slave_reregistrations",
];

/// The metrics of one snapshot: value, or `-` for one that is not compared. Amounts to six decimals.
pub(crate) fn compared(snapshot: &Value, names: &Names) -> Value {
    let metrics = snapshot.as_object().into_iter().flatten();
    let metrics = metrics.filter(|(name, _)| !FOREIGN.iter().any(|prefix| name.starts_with(prefix)));
    let shown: Map<String, Value> = metrics
        .map(|(name, value)| {
            let timed = TIMED.iter().any(|part| name.contains(part));
            let value = value.as_f64().filter(|_| !timed);
            (names.replaced(name), value.map_or(json!("-"), |value| json!(format!("{value:.6}"))))
        })
        .collect();
    Value::Object(shown)
}

/// Whether a metric counts offers, and so depends on how totals are divided among them.
pub(crate) fn counts_offers(name: &str) -> bool {
    name == "master/outstanding_offers" || name.contains("/offers/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timed_metric_is_compared_by_name_only_and_a_foreign_one_not_at_all() {
        let snapshot = json!({
            "allocator/mesos/allocation_runs": 7.0,
            "allocator/mesos/resources/cpus/total": 2.0,
            "system/load_1min": 0.5,
        });
        let shown = compared(&snapshot, &Names::default());
        let expected = json!({
            "allocator/mesos/allocation_runs": "-",
            "allocator/mesos/resources/cpus/total": "2.000000",
        });
        assert_eq!(shown, expected);
    }
}
