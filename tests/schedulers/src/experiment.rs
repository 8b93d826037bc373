//! One workload, simulated for several decision times and ways of offering.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Fault;
use crate::cluster::ClusterSpec;
use crate::modules::LendingSpec;
use crate::outcome::Outcome;
use crate::simulation::Setup;
use crate::workload::WorkloadSpec;

/// How capacity is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Regular offers only: what one framework is offered, no other is.
    Regular,
    /// What service schedulers are offered and do not use is lent to batch schedulers meanwhile.
    Lending,
}

impl Mode {
    /// All there are.
    pub const ALL: [Mode; 2] = [Mode::Regular, Mode::Lending];

    /// Its name in tables and plots.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Mode::Regular => "regular",
            Mode::Lending => "lending",
        }
    }
}

/// What is to be compared.
#[derive(Debug, Clone)]
pub struct Experiment {
    /// The workload; its decision time for service work is replaced.
    pub workload: WorkloadSpec,
    /// Decision times for service work (t_job).
    pub decision_times: Vec<Duration>,
    /// Where the arrivals and the allocator's order come from.
    pub seed: u64,
    /// See [`Setup::warm_up`].
    pub warm_up: Duration,
    /// See [`Setup::measured`].
    pub measured: Duration,
    /// See [`Setup::attempts`].
    pub attempts: u32,
    /// See [`Setup::refuse_seconds`].
    pub refuse_seconds: f64,
    /// How idle capacity is lent, where it is.
    pub lending: LendingSpec,
}

/// What was found for one decision time and one way of offering.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// How capacity was offered.
    pub mode: Mode,
    /// Decision time for service work, in seconds.
    pub decision_time: f64,
    /// Conflicts for each lent launch that went through.
    pub conflict_fraction: Option<f64>,
    /// What was found.
    #[serde(flatten)]
    pub outcome: Outcome,
}

impl Experiment {
    /// How many simulations it takes.
    #[must_use]
    pub fn simulations(&self) -> usize {
        self.decision_times.len() * Mode::ALL.len()
    }

    /// What is simulated for one way of offering and one decision time.
    #[must_use]
    pub fn setup(&self, mode: Mode, decision_time: Duration) -> Setup {
        let workload = WorkloadSpec { service_decision: decision_time, ..self.workload.clone() };
        let lending = (mode == Mode::Lending).then(|| self.lending.clone());
        Setup {
            cluster: ClusterSpec { lending, ..ClusterSpec::new(workload.agents, workload.agent, self.seed) },
            schedulers: workload.schedulers(),
            seed: self.seed,
            warm_up: self.warm_up,
            measured: self.measured,
            attempts: self.attempts,
            refuse_seconds: self.refuse_seconds,
        }
    }

    /// Runs all simulations, by mode and then by decision time. `finished` is told of each when it is done.
    ///
    /// # Errors
    /// As [`Setup::run`].
    pub fn run(&self, mut finished: impl FnMut(&Point)) -> Result<Vec<Point>, Fault> {
        let mut points = Vec::with_capacity(self.simulations());
        for mode in Mode::ALL {
            for decision_time in &self.decision_times {
                let outcome = self.setup(mode, *decision_time).run()?;
                let point = Point {
                    mode,
                    decision_time: decision_time.as_secs_f64(),
                    conflict_fraction: outcome.conflict_fraction(),
                    outcome,
                };
                finished(&point);
                points.push(point);
            }
        }
        Ok(points)
    }
}
