//! The isolator: container ids and configurations become records, launch settings and usage become messages.

pub(crate) mod entries;

use std::sync::Arc;

use apportion_config::{Config, Drill};
use apportion_hook::{Remembered, facts, question};
use apportion_isolation::{ContainerId, Containers, Recovered, Rlimit};
use apportion_policy::{ContainerFacts, Facts, text};
use apportion_wire::Value;
use apportion_wire::messages::{
    self, ContainerConfig, ContainerLaunchInfo, ContainerState, ContainerStatus, Environment, RLimit,
    RLimitInfo, ResourceStatistics, decode, encode,
};
use apportion_wire::resource::split;

use crate::abi::{APPORTION_DONE, APPORTION_UNCHANGED};
use crate::table::{Answer, Refusal};

/// The containers of one agent.
#[derive(Debug)]
pub(crate) struct IsolatorModule {
    containers: Containers,
    remembered: Arc<Remembered>,
    pub(crate) drill: Drill,
}

impl IsolatorModule {
    pub(crate) fn new(config: &Config) -> IsolatorModule {
        tracing::info!(
            "isolator: {} environment rules, {} resource limits",
            config.isolator.environment.len(),
            config.isolator.rlimits.len()
        );
        IsolatorModule {
            containers: Containers::new(config.isolator.settings()),
            remembered: crate::module::remembered(),
            drill: config.drill.clone(),
        }
    }

    /// Takes over what outlived the agent process. What cannot be read is logged and left to cleanup.
    fn recover(&self, states: &[&[u8]], orphans: &[&[u8]]) -> Answer {
        let mut recovered = Vec::new();
        for state in states {
            let state: ContainerState = decode(state)?;
            let id = chain(state.container_id)?;
            // A pid that is none is recorded as none.
            recovered.push(Recovered { id, pid: i32::try_from(state.pid).unwrap_or(0) });
        }
        let orphans = orphans.iter().map(|id| read_id(id)).collect::<Result<Vec<_>, _>>()?;
        tracing::info!("isolator: recovered {} containers, {} orphans", recovered.len(), orphans.len());
        self.containers.recover(recovered, orphans);
        Ok((APPORTION_DONE, Vec::new()))
    }

    /// What a container is launched with.
    fn prepare(&self, id: &[u8], config: &[u8]) -> Answer {
        let id = read_id(id)?;
        let config: ContainerConfig = decode(config)?;
        let facts = self.container_facts(&id, &config);
        let preparation = self.containers.prepare(&id, &facts)?;
        for fault in &preparation.faults {
            tracing::warn!("container {id}: {fault}");
        }
        let launch = preparation.launch;
        if launch.environment.is_empty() && launch.rlimits.is_empty() {
            return Ok((APPORTION_UNCHANGED, Vec::new()));
        }
        let pairs = launch.environment.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        let environment = (!launch.environment.is_empty()).then(|| Environment::of(pairs));
        let info = ContainerLaunchInfo {
            // A command task's own process gets its variables from the task's environment, not the executor's.
            task_environment: config.task_info.is_some().then(|| environment.clone()).flatten(),
            environment,
            rlimits: (!launch.rlimits.is_empty())
                .then(|| RLimitInfo { rlimits: launch.rlimits.iter().map(rlimit).collect() }),
            ..ContainerLaunchInfo::default()
        };
        Ok((APPORTION_DONE, encode(&info)))
    }

    /// What templates may use: the container, and what the hook saw of its task.
    fn container_facts(&self, id: &ContainerId, config: &ContainerConfig) -> Facts {
        let mut known = match &config.executor_info {
            Some(executor) => {
                let framework_id = executor.framework_id.as_ref();
                let remembered = framework_id
                    .and_then(|id| self.remembered.recall(&id.value, &executor.executor_id.value));
                question::executor_facts(executor, remembered.as_deref())
            }
            None => Facts::default(),
        };
        if let Some(task) = &config.task_info {
            known.task = Some(facts::task(task));
        }
        known.container = Some(container(id, config));
        known
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
        let id = read_id(id)?;
        let mut scalars = apportion_isolation::Amounts::new();
        for resource in requests {
            let resource = split(resource)?;
            if let Value::Scalar(amount) = resource.value {
                *scalars.entry(resource.facts.name.to_vec()).or_default() += amount.as_f64();
            }
        }
        let limits = limits.iter().map(|&(name, amount)| (name.to_vec(), amount)).collect();
        self.containers.update(&id, scalars, limits)?;
        Ok((APPORTION_DONE, Vec::new()))
    }

    /// `now` in nanoseconds since the epoch.
    fn usage(&self, id: &[u8], now: i64) -> Answer {
        let now = std::time::Duration::from_nanos(u64::try_from(now).unwrap_or(0)).as_secs_f64();
        let usage = self.containers.usage(&read_id(id)?, now)?;
        let statistics = ResourceStatistics {
            timestamp: usage.timestamp,
            cpus_user_time_secs: Some(usage.consumption.cpu_user_seconds),
            cpus_system_time_secs: Some(usage.consumption.cpu_system_seconds),
            cpus_limit: usage.cpus_limit,
            mem_rss_bytes: Some(usage.consumption.rss_bytes),
            mem_limit_bytes: usage.memory_limit_bytes,
            processes: Some(usage.consumption.processes),
            threads: Some(usage.consumption.threads),
            ..ResourceStatistics::default()
        };
        Ok((APPORTION_DONE, encode(&statistics)))
    }

    fn status(&self, id: &[u8]) -> Answer {
        let status = self.containers.status(&read_id(id)?)?;
        let executor_pid = status.executor_pid.and_then(|pid| u32::try_from(pid).ok());
        Ok((APPORTION_DONE, encode(&ContainerStatus { executor_pid, ..ContainerStatus::default() })))
    }

    /// Idempotent, also for containers never seen.
    fn cleanup(&self, id: &[u8]) -> Answer {
        self.containers.cleanup(&read_id(id)?);
        Ok((APPORTION_DONE, Vec::new()))
    }

    /// A call for this container panicked: its record can no longer be trusted.
    fn give_up(&self, id: &[u8], reason: &str) {
        if let Ok(id) = read_id(id) {
            self.containers.poison(&id, reason);
        }
    }
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

/// A resource limit as the host wants it: no numbers mean "unlimited".
fn rlimit(limit: &Rlimit) -> RLimit {
    let numbers = limit.numbers();
    RLimit {
        r#type: Some(limit.kind().mesos_number()),
        hard: numbers.map(|(_, hard)| hard),
        soft: numbers.map(|(soft, _)| soft),
    }
}
