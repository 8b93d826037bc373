//! The isolator: container ids and configurations become records, launch settings and usage become messages.

pub(crate) mod entries;
mod launch;
mod metrics;
mod notices;
mod report;
mod statistics;

use std::sync::Arc;

use apportion_config::{Config, Drill};
use apportion_hook::{Remembered, facts, question};
use apportion_isolation::{
    Asked, Cleanup, ContainerId, Containers, Demand, Host, LaunchAbilities, Recovered,
};
use apportion_policy::{ContainerFacts, HookCall, text};
use apportion_wire::Value;
use apportion_wire::messages::{
    self, ContainerConfig, ContainerLaunchInfo, ContainerState, ContainerStatus, Environment, ExecutorInfo,
    ScalarEntry, decode, encode,
};
use apportion_wire::resource::split;

use self::metrics::Metrics;
use self::notices::Listening;
use crate::abi::{APPORTION_DONE, APPORTION_PENDING, APPORTION_UNCHANGED};
use crate::reclaim::Reclaim;
use crate::table::{Answer, Refusal};

/// The containers of one agent.
#[derive(Debug)]
pub(crate) struct IsolatorModule {
    containers: Containers,
    metrics: Metrics,
    /// What this host can give to containers, or why that is not known.
    abilities: Result<LaunchAbilities, String>,
    remembered: Arc<Remembered>,
    reclaim: Arc<Reclaim>,
    pub(crate) drill: Drill,
}

impl IsolatorModule {
    /// # Errors
    /// The host lacks something that the configuration needs: the text names it with its cure.
    pub(crate) fn new(config: &Config) -> Result<IsolatorModule, String> {
        tracing::info!(
            "isolator: {} environment rules, {} resource limits",
            config.isolator.environment.len(),
            config.isolator.rlimits.len()
        );
        let containers =
            Containers::open(config.isolator.settings(), &Host::live()).map_err(|error| error.to_string())?;
        Ok(IsolatorModule {
            containers,
            metrics: Metrics::default(),
            abilities: LaunchAbilities::read().map_err(|error| error.to_string()),
            remembered: crate::module::remembered(),
            reclaim: crate::module::reclaim(),
            drill: config.drill.clone(),
        })
    }

    fn listen(&self, listening: Listening) {
        self.containers.listen(Box::new(move |notice| listening.tell(&notice)));
    }

    fn metrics(&self) -> Answer {
        Ok((APPORTION_DONE, Metrics::names().into_bytes()))
    }

    fn metric(&self, slot: u32) -> f64 {
        self.metrics.read(slot, &self.containers)
    }

    fn report(&self) -> Answer {
        Ok((APPORTION_DONE, report::json(&self.containers.report()).to_string().into_bytes()))
    }

    /// Takes over what outlived the agent process. What cannot be read fails the
    /// recovery: a container that was left out would be taken for an orphan and ended.
    fn recover(&self, states: &[&[u8]], orphans: &[&[u8]]) -> Answer {
        let mut recovered = Vec::new();
        for state in states {
            let state: ContainerState = decode(state)?;
            let id = chain(state.container_id)?;
            let remembered = self.remembered(state.executor_info.as_ref());
            let call = match &state.executor_info {
                Some(executor) => {
                    question::recovered_container(executor, remembered.as_deref(), &Arc::default())?
                }
                None => HookCall::default(),
            };
            // A pid that is none is recorded as none.
            recovered.push(Recovered { id, pid: i32::try_from(state.pid).unwrap_or(0), call });
        }
        let orphans = orphans.iter().map(|id| read_id(id)).collect::<Result<Vec<_>, _>>()?;
        let (known, orphaned) = (recovered.len(), orphans.len());
        let summary = self.containers.recover(recovered, orphans)?;
        tracing::info!("isolator: recovered {known} containers, {orphaned} orphans");
        if summary.adopted + summary.orphans > 0 {
            tracing::info!(
                "isolator: {} control groups go on, {} that belong to nobody are destroyed",
                summary.adopted,
                summary.orphans
            );
        }
        if summary.ungrouped > 0 {
            tracing::warn!(
                "isolator: {} containers are in no control group, as they were launched before groups were used: they \
                 are not limited until they are launched again",
                summary.ungrouped
            );
        }
        Ok((APPORTION_DONE, Vec::new()))
    }

    /// What a container is launched with.
    fn prepare(&self, id: &[u8], config: &[u8]) -> Answer {
        let id = read_id(id)?;
        let config: ContainerConfig = decode(config)?;
        let resources: Vec<&[u8]> = config.resources.iter().map(Vec::as_slice).collect();
        self.reclaim.container_changes(&resources);
        let asked = self.asked(&id, &config)?;
        let preparation = self.containers.prepare(&id, &asked)?;
        for fault in &preparation.faults {
            tracing::warn!("container {id}: {fault}");
        }
        let mut info = launch::launch_info(&preparation.launch, &config, self.abilities.as_ref())?;
        let pairs = preparation.environment;
        if !pairs.is_empty() {
            let pairs = pairs.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
            info.environment = Some(Environment::of(pairs));
            // A command task's own process gets its variables from the task's environment, not the executor's.
            info.task_environment = config.task_info.is_some().then(|| info.environment.clone()).flatten();
        }
        if info == ContainerLaunchInfo::default() {
            return Ok((APPORTION_UNCHANGED, Vec::new()));
        }
        Ok((APPORTION_DONE, encode(&info)))
    }

    /// What the host asks for with a configuration.
    fn asked(&self, id: &ContainerId, config: &ContainerConfig) -> Result<Asked, Refusal> {
        let linux = config.container_info.as_ref().and_then(|info| info.linux_info.as_ref());
        // The host's default. A debug container looks at the processes of its parent and is where they are.
        let is_debug = config.container_class == Some(ContainerConfig::CLASS_DEBUG);
        let shares = linux.is_none_or(|linux| linux.share_cgroups()) || is_debug;
        let requests: Vec<&[u8]> = config.resources.iter().map(Vec::as_slice).collect();
        let limits: Vec<(&[u8], f64)> = config.limits.iter().map(ScalarEntry::read).collect();
        Ok(Asked {
            call: self.container_call(id, config)?,
            demand: demand(&requests, &limits)?,
            shares_groups: id.is_nested() && shares,
            // The executor of a command task launches nothing that has groups of its own.
            may_hold_others: !id.is_nested() && config.task_info.is_none(),
        })
    }

    /// What the hook saw of an executor's task.
    fn remembered(&self, executor: Option<&ExecutorInfo>) -> Option<Arc<HookCall>> {
        let executor = executor?;
        let framework_id = executor.framework_id.as_ref()?;
        self.remembered.recall(&framework_id.value, &executor.executor_id.value)
    }

    /// What rules may use. A nested container has neither executor nor task: what is known of the one it is nested in is
    /// known of it.
    fn container_call(&self, id: &ContainerId, config: &ContainerConfig) -> Result<HookCall, Refusal> {
        let remembered = self.remembered(config.executor_info.as_ref());
        let call =
            question::container(config, container(id, config), remembered.as_deref(), &Arc::default())?;
        Ok(match id.parent().and_then(|parent| self.containers.call(&parent)) {
            Some(outer) => call.within(&outer),
            None => call,
        })
    }

    fn isolate(&self, id: &[u8], pid: i64) -> Answer {
        let pid = i32::try_from(pid).map_err(|_| Refusal(format!("{pid} is no process id")))?;
        self.containers.isolate(&read_id(id)?, pid)?;
        Ok((APPORTION_DONE, Vec::new()))
    }

    fn watch(&self, id: &[u8]) -> Answer {
        self.containers.watch(&read_id(id)?)?;
        Ok((APPORTION_DONE, Vec::new()))
    }

    fn update(&self, id: &[u8], requests: &[&[u8]], limits: &[(&[u8], f64)]) -> Answer {
        self.reclaim.container_changes(requests);
        self.containers.update(&read_id(id)?, demand(requests, limits)?)?;
        Ok((APPORTION_DONE, Vec::new()))
    }

    /// `now` in nanoseconds since the epoch.
    fn usage(&self, id: &[u8], now: i64) -> Answer {
        let now = std::time::Duration::from_nanos(u64::try_from(now).unwrap_or(0)).as_secs_f64();
        let usage = self.containers.usage(&read_id(id)?, now)?;
        Ok((APPORTION_DONE, encode(&statistics::statistics(&usage))))
    }

    fn status(&self, id: &[u8]) -> Answer {
        let status = self.containers.status(&read_id(id)?)?;
        let executor_pid = status.executor_pid.and_then(|pid| u32::try_from(pid).ok());
        Ok((APPORTION_DONE, encode(&ContainerStatus { executor_pid, ..ContainerStatus::default() })))
    }

    /// Idempotent, also for containers never seen.
    fn cleanup(&self, id: &[u8]) -> Answer {
        let status = match self.containers.cleanup(&read_id(id)?)? {
            Cleanup::Done => APPORTION_DONE,
            Cleanup::UnderWay => APPORTION_PENDING,
        };
        Ok((status, Vec::new()))
    }

    /// A call for this container panicked: its record can no longer be trusted.
    fn give_up(&self, id: &[u8], reason: &str) {
        if let Ok(id) = read_id(id) {
            self.containers.poison(&id, reason);
        }
    }
}

/// Scalar resources and limits.
fn demand(requests: &[&[u8]], limits: &[(&[u8], f64)]) -> Result<Demand, Refusal> {
    let mut demand = Demand::default();
    for resource in requests {
        let resource = split(resource)?;
        if let Value::Scalar(amount) = resource.value {
            demand.revocable_cpus |= resource.facts.revocable && resource.facts.name == b"cpus";
            *demand.requests.entry(resource.facts.name.to_vec()).or_default() += amount.as_f64();
        }
    }
    demand.limits = limits.iter().map(|&(name, amount)| (name.to_vec(), amount)).collect();
    Ok(demand)
}

/// A container about to be launched by the isolator's host.
fn container(id: &ContainerId, config: &ContainerConfig) -> ContainerFacts {
    let own = id.parts().last().map(|part| text(part));
    ContainerFacts {
        id: own,
        parent: id.parent().map(|parent| parent.to_string()),
        user: config.user.as_deref().map(text),
        directory: Some(text(&config.directory)),
        rootfs: config.rootfs.as_deref().map(text),
        class: config.container_class.map(|class| if class == 1 { "DEBUG" } else { "DEFAULT" }.to_owned()),
        command: facts::command(Some(&config.command_info)),
        resources: Some(facts::resources(&config.resources)),
    }
}

/// A serialised ContainerID as the chain of its parts.
fn read_id(bytes: &[u8]) -> Result<ContainerId, Refusal> {
    chain(decode(bytes)?)
}

fn chain(id: messages::ContainerId) -> Result<ContainerId, Refusal> {
    let mut parts = Vec::new();
    let mut next = Some(Box::new(id));
    while let Some(id) = next {
        if id.value.is_empty() {
            return Err(Refusal("a container id without a value".to_owned()));
        }
        parts.push(id.value);
        next = id.parent;
    }
    parts.reverse();
    ContainerId::from_parts(parts).ok_or_else(|| Refusal("an empty container id".to_owned()))
}
