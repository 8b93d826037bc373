//! The QoS controller: what runs on the agent becomes values, whom to end becomes corrections.

mod attribute;
pub(crate) mod entries;
mod metrics;
mod observed;
mod report;
mod words;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use apportion_config::{Config, Drill, EvictionConfig, LendingConfig};
use apportion_eviction::{Decision, Evictions, Executor, ExecutorKey, Policy, Priorities, Settings};
use apportion_wire::messages::{
    ContainerId, ExecutorId, FrameworkId, QosCorrection, QosKill, ResourceUsage, decode, encode,
};
use parking_lot::Mutex;

use crate::abi::{APPORTION_DONE, APPORTION_UNCHANGED};
use crate::reclaim::{Enrolment, Reclaim, Sleeper};
use crate::table::{Answer, Refusal};

pub(crate) use attribute::{can_reclaim, with_reclaim};

/// After how long to look again when it could not be found out what runs on the agent: nanoseconds.
const RETRY: i64 = 5_000_000_000;

/// How often that is worth a line in the log: nanoseconds.
const FAULT_LINE_EVERY: i64 = 60_000_000_000;

/// What is decided about evictions here.
struct EvictionRules {
    settings: Settings,
    priorities: Box<dyn Priorities + Send + Sync>,
}

impl EvictionRules {
    /// The rules that are configured.
    fn new(config: &Config) -> EvictionRules {
        let EvictionConfig { grace, grace_label, grace_most, check_every } = config.eviction.clone();
        let settings = Settings {
            grace,
            grace_label: grace_label.into_bytes(),
            grace_most,
            check_every,
            ..Settings::default()
        };
        EvictionRules { settings, priorities: Box::new(priorities(&config.lending)) }
    }
}

/// The priorities of roles as borrowers. Whoever does not borrow by any rule goes first.
pub(crate) fn priorities(lending: &LendingConfig) -> impl Fn(&[u8]) -> u32 + Send + Sync + use<> {
    let lending = lending.clone();
    move |role| {
        let rule = std::str::from_utf8(role).ok().and_then(|role| lending.borrower(role));
        rule.map_or(0, |rule| rule.priority)
    }
}

impl fmt::Debug for EvictionRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EvictionRules").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// The evictions of one agent.
#[derive(Debug)]
pub(crate) struct QosControllerModule {
    /// `None` if nobody borrows. Then nothing is lent of this agent, and what is revocable there is not ours to end: it is
    /// what a resource estimator found beyond what the agent has.
    enrolment: Option<Enrolment>,
    rules: EvictionRules,
    state: Mutex<State>,
    pub(crate) drill: Drill,
}

/// What is remembered.
#[derive(Debug, Default)]
struct State {
    evictions: Evictions,
    /// Looks that went well, and those that did not.
    looks: u64,
    failed_looks: u64,
    /// When a failed look was last told.
    fault_told: Option<i64>,
    /// Whether it was told that borrowers cannot give back all that is needed.
    uncovered_told: bool,
}

/// Whom to end, as the shim wants it, and when to look again: nanoseconds from now.
#[derive(Debug)]
struct Looked {
    corrections: Vec<u8>,
    look_again: i64,
}

impl QosControllerModule {
    pub(crate) fn new(config: &Config, reclaim: &Arc<Reclaim>) -> QosControllerModule {
        let rules = EvictionRules::new(config);
        let enrolment = (!config.lending.borrowers.is_empty()).then(|| reclaim.enrol());
        if enrolment.is_some() {
            tracing::info!("QoS controller: borrowers are ended when their owners need the room");
        } else {
            tracing::info!(
                "QoS controller: nobody is ended, and the agent is not looked at: the configuration has no \
                 [[lending.borrowers]]"
            );
        }
        QosControllerModule { enrolment, rules, state: Mutex::default(), drill: config.drill.clone() }
    }

    /// Whether the agent has to be asked what runs on it.
    fn initialize(&self) -> Answer {
        let status = if self.enrolment.is_some() { APPORTION_DONE } else { APPORTION_UNCHANGED };
        Ok((status, Vec::new()))
    }

    fn listen(&self, sleeper: Sleeper) {
        if let Some(enrolment) = &self.enrolment {
            enrolment.listen(sleeper);
        }
    }

    /// The longest time between two looks: nanoseconds.
    fn check_every(&self) -> i64 {
        nanoseconds(self.rules.settings.check_every).max(1_000_000)
    }

    /// `now` in nanoseconds since the epoch.
    fn look(&self, now: i64, usage: &[u8]) -> Result<Looked, Refusal> {
        let usage: ResourceUsage = decode(usage)?;
        let agent = observed::agent(&usage)?;
        let Some(enrolment) = &self.enrolment else {
            return Ok(Looked { corrections: Vec::new(), look_again: self.check_every() });
        };
        let borrows = |executor: &Executor| !executor.allocated.lent.is_empty();
        enrolment.looked(agent.executors.iter().any(borrows));
        let policy = Policy { settings: &self.rules.settings, priorities: &*self.rules.priorities };
        let mut state = self.state.lock();
        // Not in place: a panic half way must leave what was before.
        let mut evictions = state.evictions.clone();
        let decision = evictions.look(now, &agent, &policy);
        state.evictions = evictions;
        state.looks += 1;
        state.fault_told = None;
        let tells_uncovered = !decision.uncovered.is_empty() && !state.uncovered_told;
        state.uncovered_told = !decision.uncovered.is_empty();
        drop(state);
        words::log(&decision);
        if tells_uncovered {
            tracing::warn!(
                "QoS controller: {} more than the agent has are allocated, and no borrower is there that could give it back",
                decision.uncovered
            );
        }
        let waits = decision.look_again.map_or(i64::MAX, |at| at.saturating_sub(now).max(1_000_000));
        Ok(Looked { corrections: framed(&decision), look_again: waits.min(self.check_every()) })
    }

    /// The agent does not know what runs on it; `reason` is its text. Returns when to look again: nanoseconds from now.
    fn usage_failed(&self, now: i64, reason: &[u8]) -> i64 {
        let mut state = self.state.lock();
        state.failed_looks += 1;
        let is_due =
            state.fault_told.is_none_or(|told| now < told || now.saturating_sub(told) >= FAULT_LINE_EVERY);
        if is_due {
            state.fault_told = Some(now);
        }
        drop(state);
        if is_due {
            tracing::warn!(
                "QoS controller: the agent cannot say what runs on it, so nobody is ended for now: {}",
                reason.escape_ascii()
            );
        }
        RETRY.min(self.check_every())
    }

    fn metrics(&self) -> Answer {
        Ok((APPORTION_DONE, metrics::names().into_bytes()))
    }

    fn metric(&self, slot: u32) -> f64 {
        metrics::read(slot, &self.state.lock())
    }

    fn report(&self) -> Answer {
        Ok((APPORTION_DONE, report::json(&self.state.lock()).to_string().into_bytes()))
    }
}

impl Looked {
    fn answer(self) -> (Answer, i64) {
        let status = if self.corrections.is_empty() { APPORTION_UNCHANGED } else { APPORTION_DONE };
        (Ok((status, self.corrections)), self.look_again)
    }
}

/// Corrections, each behind its size.
fn framed(decision: &Decision) -> Vec<u8> {
    let keys = decision.end.iter().map(|ending| &ending.key).chain(&decision.end_again);
    let mut bytes = Vec::new();
    for key in keys {
        let correction = encode(&correction(key));
        let size = u32::try_from(correction.len()).unwrap_or(u32::MAX);
        bytes.extend(size.to_le_bytes());
        bytes.extend(correction);
    }
    bytes
}

fn correction(key: &ExecutorKey) -> QosCorrection {
    let kill = QosKill {
        framework_id: Some(FrameworkId { value: key.framework.clone() }),
        executor_id: Some(ExecutorId { value: key.executor.clone() }),
        // Containers of executors are within no other one.
        container_id: Some(ContainerId { value: key.container.clone(), parent: None }),
    };
    QosCorrection { r#type: QosCorrection::KILL, kill: Some(kill) }
}

fn nanoseconds(time: Duration) -> i64 {
    i64::try_from(time.as_nanos()).unwrap_or(i64::MAX)
}
