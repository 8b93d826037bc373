//! What a simulation found.

use apportion_core::Amount;
use serde::{Deserialize, Serialize};

use crate::tally::{Tally, WorkTally};

/// What became of one kind of work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorkOutcome {
    /// Jobs that arrived while it was measured.
    pub jobs: u64,
    /// Of these, those whose tasks were all launched before the end.
    pub placed: u64,
    /// Of these, those that were given up.
    pub abandoned: u64,
    /// Mean seconds from a job's arrival to the first decision about it; a job that still waits at the end counts with
    /// the time it has waited. `None` without jobs.
    pub wait_mean: Option<f64>,
    /// Seconds that nine of ten jobs did not exceed.
    pub wait_p90: Option<f64>,
    /// Mean seconds from a job's arrival to the launch of its last task; counted likewise, without jobs given up.
    pub placing_mean: Option<f64>,
    /// Part of the time that its schedulers spent deciding, on average.
    pub busyness: f64,
}

impl WorkOutcome {
    fn new(tally: WorkTally, schedulers: usize, seconds: f64) -> WorkOutcome {
        #[expect(clippy::cast_precision_loss, reason = "there are few schedulers")]
        let schedulers = schedulers.max(1) as f64;
        WorkOutcome {
            jobs: tally.arrived,
            placed: tally.placed,
            abandoned: tally.abandoned,
            wait_mean: tally.waits.mean(),
            wait_p90: tally.waits.ninth_of_ten(),
            placing_mean: tally.until_placed.mean(),
            busyness: tally.deciding.as_secs_f64() / schedulers / seconds,
        }
    }
}

/// What a simulation found, from the end of the warm-up on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Part of all cpus in use, on average over time; work that was lost by evictions is not in it.
    pub utilisation: f64,
    /// Part of all cpus that was lent and in use.
    pub lent: f64,
    /// Part of all cpus that went into tasks which were evicted.
    pub lost: f64,
    /// What became of service work.
    pub service: WorkOutcome,
    /// What became of batch work.
    pub batch: WorkOutcome,
    /// Tasks that were launched.
    pub launches: u64,
    /// Those of them on lent resources.
    pub commits: u64,
    /// Launches on lent resources that were turned down.
    pub conflicts: u64,
    /// Those of them for which less than they wanted could be lent, as the owner used it or gave it back. The others lost
    /// to borrowers.
    pub conflicts_with_owners: u64,
    /// Tasks that were ended for one without lent resources.
    pub evictions: u64,
    /// Those of them that were ended for batch work: what is lent stays borrowed when its owner gives it back, and may be
    /// offered to others then.
    pub evictions_for_batch: u64,
    /// Mean number of tasks that ran.
    pub tasks_running: f64,
    /// Mean number of jobs about which nobody had decided yet.
    pub jobs_waiting: f64,
    /// Events that the allocator was told, warm-up included.
    pub events: u64,
}

impl Outcome {
    pub(crate) fn new(tally: Tally, schedulers: [usize; 2], all_cpus: Amount, events: u64) -> Outcome {
        let (seconds, cpus) = (tally.window.seconds(), all_cpus.to_f64());
        let lost = tally.lost_cpu_seconds / seconds / cpus;
        Outcome {
            utilisation: tally.used.mean() / cpus - lost,
            lent: tally.lent.mean() / cpus,
            lost,
            service: WorkOutcome::new(tally.service, schedulers[0], seconds),
            batch: WorkOutcome::new(tally.batch, schedulers[1], seconds),
            launches: tally.launches,
            commits: tally.commits,
            conflicts: tally.conflicts,
            conflicts_with_owners: tally.conflicts_with_owners,
            evictions: tally.evictions,
            evictions_for_batch: tally.evictions_for_batch,
            tasks_running: tally.running.mean(),
            jobs_waiting: tally.waiting.mean(),
            events,
        }
    }

    /// Conflicts for each success among launches on lent resources, as the Omega paper counts: 1 means that each needs
    /// two attempts. `None` without any success.
    #[must_use]
    pub fn conflict_fraction(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "counts of tasks are far below 2^53")]
        let (conflicts, commits) = (self.conflicts as f64, self.commits as f64);
        (self.commits > 0).then(|| conflicts / commits)
    }
}
