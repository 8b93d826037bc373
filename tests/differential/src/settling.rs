//! Allocation runs when a script wants them, and waiting for them, without a guess of how long they take.
//!
//! The batches of an allocator come with a clock, and what a call finds done or not would depend on it. The masters of
//! the scripts have an interval that never ends. Runs are brought about by events, as ever, and by a framework that
//! revives its offers, which asks for a run over all agents just as a batch does. No agent has what it wants as a
//! minimum, so it is never offered anything.

use std::thread;
use std::time::{Duration, Instant};

use apportion_cluster_tests::WITHIN;
use apportion_rig::{Framework, FrameworkSpec, Master};
use serde_json::{Value, json};

/// Name and role of the framework that asks for runs.
const NAME: &str = "pacer";
/// Counts the allocation runs of either allocator, each at its beginning.
const RUNS: &str = "allocator/mesos/allocation_runs";
/// Between two looks at the counter: less than a run takes to come about.
const PAUSE: Duration = Duration::from_millis(2);
/// Runs until the effects of the first are seen; see [`Pacer::run`].
const RUNS_UNTIL_SETTLED: usize = 3;

/// The framework that asks for allocation runs.
#[derive(Debug)]
pub(crate) struct Pacer {
    framework: Framework,
}

impl Pacer {
    /// Subscribes it.
    pub(crate) fn subscribe(master: &Master) -> Pacer {
        let never = json!({(NAME): {"min_allocatable_resources": {"quantities": [
            {"quantities": {"cpus": {"value": 1e9}}},
        ]}}});
        let spec = FrameworkSpec::new(NAME).roles(&[NAME]).field("offer_filters", never);
        Pacer { framework: Framework::subscribe(master.address(), spec).expect("a subscription") }
    }

    /// Subscribes it again with a master that was restarted.
    pub(crate) fn resubscribe(&mut self, master: &Master) {
        self.framework.resubscribe(master.address()).expect("a subscription");
    }

    pub(crate) fn id(&self) -> &str {
        self.framework.id()
    }

    /// Lets runs over all agents happen until everything the master was told before this call is taken into account,
    /// and the offers of that are in the master's books.
    ///
    /// Three of them. The counter may grow the first time by a run that an earlier event had asked for. The second time
    /// it does, a run has begun that was asked for here, behind all earlier events in the allocator's mailbox. The
    /// third time, that one has ended, as runs follow each other; its offers are in the master's mailbox before
    /// whatever the master is asked next.
    ///
    /// # Panics
    /// When a run does not come.
    pub(crate) fn run(&self, master: &Master) {
        for _ in 0..RUNS_UNTIL_SETTLED {
            let before = runs(master);
            self.framework.revive(&[]).expect("a revival");
            let started = Instant::now();
            while runs(master) < before + 1.0 {
                assert!(started.elapsed() < WITHIN, "no allocation run in {WITHIN:?}");
                thread::sleep(PAUSE);
            }
        }
    }
}

fn runs(master: &Master) -> f64 {
    let snapshot = master.get_json("/metrics/snapshot").expect("the metrics");
    snapshot.get(RUNS).and_then(Value::as_f64).unwrap_or_else(|| panic!("the master has no metric {RUNS}"))
}
