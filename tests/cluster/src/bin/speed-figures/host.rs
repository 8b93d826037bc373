//! A master for one scene, and what it takes of the machine.

use std::path::Path;
use std::time::{Duration, Instant};

use apportion_cluster_tests::{ALLOCATOR, WITHIN};
use apportion_rig::{Master, Rig, SimulatedAgents, SimulatedSpec};
use procfs::process::Process;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::Failure;
use crate::figures::Sample;
use crate::web::Web;

/// Mesos' largest: pings of thousands of agents are not what is measured.
const PING_TIMEOUT: Duration = Duration::from_secs(15 * 60);
/// Answered by the allocator, in few words.
pub(crate) const ALLOCATOR_PAGE: &str = "/allocator/offer_constraints_debug";
const RUNS: &str = "allocator/mesos/allocation_runs";
const RUN_MS: &str = "allocator/mesos/allocation_run_ms";

/// Which allocator a master runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Allocator {
    BuiltIn,
    Ours,
}

impl Allocator {
    pub(crate) const BOTH: [Allocator; 2] = [Allocator::BuiltIn, Allocator::Ours];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Allocator::BuiltIn => "built-in",
            Allocator::Ours => "ours",
        }
    }
}

/// A running master.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) web: Web,
    process: Process,
    limit: Duration,
    master: Master,
}

/// Where a measurement began.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Begun {
    pub(crate) at: Instant,
    cpu: Duration,
}

impl Host {
    pub(crate) fn start(
        rig: &Rig,
        allocator: Allocator,
        library: &Path,
        interval: Duration,
        limit: Duration,
    ) -> Result<Host, Failure> {
        let mut builder = rig
            .master()
            .allocation_interval(interval)
            .agent_pings(PING_TIMEOUT, 5)
            .logging_level("WARNING")
            // Without this the master answers for its metrics twice a second only.
            .variable("LIBPROCESS_METRICS_SNAPSHOT_ENDPOINT_RATE_LIMIT", "")
            .ready_within(WITHIN);
        if allocator == Allocator::Ours {
            builder = builder.allocator(ALLOCATOR).modules(json!({
                "libraries": [{"file": library, "modules": [{"name": ALLOCATOR}]}]
            }));
        }
        let master = builder.start()?;
        let id = master.process_id().ok_or("the master has no process")?;
        let web = Web::new(master.address(), limit);
        Ok(Host { web, process: Process::new(id)?, limit, master })
    }

    /// Agents that register from now on.
    pub(crate) fn agents(&self, agents: usize) -> Result<SimulatedAgents, Failure> {
        let spec = SimulatedSpec { agents, task_time: Duration::MAX, ..SimulatedSpec::default() };
        Ok(SimulatedAgents::start(self.master.address(), spec)?)
    }

    /// Agents that are registered, and looked at by the allocator.
    pub(crate) fn registered_agents(&self, agents: usize) -> Result<SimulatedAgents, Failure> {
        let simulated = self.agents(agents)?;
        simulated.wait_until_registered(self.limit)?;
        self.quiet()?;
        Ok(simulated)
    }

    /// When nothing was left to do for the allocator. Its page comes from its own actor, behind what waited there; a run
    /// that this asked for waits behind the first answer, and before the second.
    pub(crate) fn quiet(&self) -> Result<Instant, Failure> {
        self.web.get(ALLOCATOR_PAGE)?;
        self.web.get(ALLOCATOR_PAGE)?;
        Ok(Instant::now())
    }

    /// Allocation runs so far.
    pub(crate) fn runs(&self) -> Result<f64, Failure> {
        self.metrics()?[RUNS].as_f64().ok_or_else(|| format!("the master's metrics have no {RUNS}").into())
    }

    /// What the last allocation run took, by the allocator's own word.
    pub(crate) fn last_run_ms(&self) -> Result<Option<f64>, Failure> {
        Ok(self.metrics()?[RUN_MS].as_f64())
    }

    fn metrics(&self) -> Result<Value, Failure> {
        Ok(serde_json::from_slice(&self.web.get("/metrics/snapshot")?)?)
    }

    /// Processor time of the master so far, in steps of 10 ms on most kernels.
    pub(crate) fn cpu(&self) -> Result<Duration, Failure> {
        let stat = self.process.stat()?;
        let ticks = u32::try_from(stat.utime + stat.stime)?;
        let rate = u32::try_from(procfs::ticks_per_second())?;
        Ok(Duration::from_secs(1) * ticks / rate)
    }

    /// Memory the master has now, and the most it ever had, in MB.
    pub(crate) fn memory_mb(&self) -> Result<(f64, f64), Failure> {
        let status = self.process.status()?;
        let mb = |kib: Option<u64>| -> Result<f64, Failure> {
            Ok(f64::from(u32::try_from(kib.ok_or("the kernel does not tell the master's memory")?)?) / 1024.0)
        };
        Ok((mb(status.vmrss)?, mb(status.vmhwm)?))
    }

    /// Begins a measurement.
    pub(crate) fn begin(&self) -> Result<Begun, Failure> {
        Ok(Begun { cpu: self.cpu()?, at: Instant::now() })
    }

    /// Ends a measurement of what was over at `end`.
    pub(crate) fn end(&self, begun: Begun, end: Instant) -> Result<Sample, Failure> {
        let cpu = self.cpu()?.saturating_sub(begun.cpu);
        Ok(Sample::new(end.saturating_duration_since(begun.at), cpu))
    }
}
