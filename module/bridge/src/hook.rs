//! The hook: messages become facts, rules give labels and variables, these become messages again.

pub(crate) mod entries;

use std::sync::Arc;

use apportion_config::{Config, Drill};
use apportion_policy::{ContainerFacts, Facts, HookPoint, HookRules, Outcome, Remembered, text};
use apportion_wire::messages::{
    AgentInfo, DockerTaskExecutorPrepareInfo, Environment, ExecutorInfo, FrameworkInfo, LabelList, TaskInfo,
    decode, encode,
};

use crate::abi::{APPORTION_DONE, APPORTION_UNCHANGED};
use crate::facts;
use crate::table::{Answer, Refusal};

/// "Nothing to change".
const UNCHANGED: Answer = Ok((APPORTION_UNCHANGED, Vec::new()));

/// The rules of one hook module. Master and agents in one process share it.
#[derive(Debug)]
pub(crate) struct HookModule {
    rules: HookRules,
    remembered: Arc<Remembered>,
    pub(crate) drill: Drill,
}

impl HookModule {
    pub(crate) fn new(config: &Config) -> HookModule {
        let rules = config.hook.rules();
        tracing::info!(
            "hook: {} environment rules, {} label rules",
            rules.environment_rules().len(),
            rules.label_rules().len()
        );
        HookModule { rules, remembered: crate::module::remembered(), drill: config.drill.clone() }
    }

    /// Labels of a task in the master, before it is sent to the agent.
    fn master_labels(&self, task: &[u8], framework: &[u8], agent: &[u8]) -> Answer {
        let task: TaskInfo = decode(task)?;
        let framework: FrameworkInfo = decode(framework)?;
        let agent: AgentInfo = decode(agent)?;
        let facts = task_facts(&task, None, &framework, &agent);
        self.labels(HookPoint::MasterLaunchTaskLabels, &task, &facts)
    }

    /// Labels of a task in the agent. What is known here is kept for the calls that see only the executor.
    fn agent_labels(&self, task: &[u8], executor: &[u8], framework: &[u8], agent: &[u8]) -> Answer {
        let task: TaskInfo = decode(task)?;
        let executor: ExecutorInfo = decode(executor)?;
        let framework: FrameworkInfo = decode(framework)?;
        let agent: AgentInfo = decode(agent)?;
        let facts = task_facts(&task, Some(&executor), &framework, &agent);
        let framework_id = framework.id.as_ref().map(|id| id.value.as_slice()).unwrap_or_default();
        self.remembered.remember(framework_id, &executor.executor_id.value, facts.clone());
        self.labels(HookPoint::SlaveRunTaskLabels, &task, &facts)
    }

    /// The task's labels with ours merged in: the host replaces the whole set with what a hook returns.
    fn labels(&self, point: HookPoint, task: &TaskInfo, facts: &Facts) -> Answer {
        let outcome = self.rules.labels(point, facts);
        report(&outcome);
        if outcome.values.is_empty() {
            return UNCHANGED;
        }
        let mut labels = match &task.labels {
            Some(raw) => raw.read()?,
            None => LabelList::default(),
        };
        for (key, value) in &outcome.values {
            labels.set(key.as_bytes(), Some(value.as_bytes()));
        }
        Ok((APPORTION_DONE, labels.encode()))
    }

    /// Variables for an executor. The host lays them under the executor's own, so only ours are returned.
    fn environment(&self, executor: &[u8]) -> Answer {
        let executor: ExecutorInfo = decode(executor)?;
        let facts = self.executor_facts(&executor);
        match self.variables(HookPoint::SlaveExecutorEnvironment, &facts) {
            Some(environment) => Ok((APPORTION_DONE, encode(&environment))),
            None => UNCHANGED,
        }
    }

    /// Variables for an executor or task in a Docker container. Here the host lays ours over theirs, so names that
    /// are set already are left out.
    fn docker(
        &self,
        task: Option<&[u8]>,
        executor: &[u8],
        container: &[u8],
        sandbox: &[u8],
        set: &[&[u8]],
    ) -> Answer {
        let executor: ExecutorInfo = decode(executor)?;
        let mut facts = self.executor_facts(&executor);
        if let Some(task) = task {
            facts.task = Some(facts::task(&decode(task)?));
        }
        facts.container = Some(ContainerFacts {
            id: Some(text(container)),
            directory: Some(text(sandbox)),
            ..ContainerFacts::default()
        });
        let Some(mut environment) = self.variables(HookPoint::SlavePreLaunchDockerTaskExecutor, &facts)
        else {
            return UNCHANGED;
        };
        let own = executor.command.and_then(|command| command.environment).unwrap_or_default();
        environment.variables.retain(|ours| {
            let given = |pair: &&[u8]| {
                pair.strip_prefix(ours.name.as_slice()).is_some_and(|rest| rest.starts_with(b"="))
            };
            !own.variables.iter().any(|theirs| theirs.name == ours.name) && !set.iter().any(given)
        });
        let info = DockerTaskExecutorPrepareInfo {
            task_environment: task.is_some().then(|| environment.clone()),
            executor_environment: Some(environment),
        };
        Ok((APPORTION_DONE, encode(&info)))
    }

    /// Forgets what was kept for an executor.
    fn executor_removed(&self, framework: &[u8], executor: &[u8]) -> Answer {
        let framework: FrameworkInfo = decode(framework)?;
        let executor: ExecutorInfo = decode(executor)?;
        let framework_id = framework.id.as_ref().map(|id| id.value.as_slice()).unwrap_or_default();
        self.remembered.forget(framework_id, &executor.executor_id.value);
        UNCHANGED
    }

    /// What rules give at a point; `None` when they give nothing.
    fn variables(&self, point: HookPoint, facts: &Facts) -> Option<Environment> {
        let outcome = self.rules.environment(point, facts);
        report(&outcome);
        if outcome.values.is_empty() {
            return None;
        }
        Some(Environment::of(outcome.values.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()))))
    }

    /// What an ExecutorInfo says, and what was known when its task was seen.
    fn executor_facts(&self, executor: &ExecutorInfo) -> Facts {
        executor_facts(&self.remembered, executor)
    }
}

/// What an ExecutorInfo says, completed by what was remembered of its task, framework and agent.
pub(crate) fn executor_facts(remembered: &Remembered, executor: &ExecutorInfo) -> Facts {
    let mut framework = executor.framework_id.as_ref().map(facts::framework_id);
    if let (Some(framework), Some(role)) = (&mut framework, facts::allocation_role(&executor.resources)) {
        framework.role = Some(text(&role));
    }
    let known = Facts { framework, executor: Some(facts::executor(executor)), ..Facts::default() };
    let framework_id = executor.framework_id.as_ref().map(|id| id.value.as_slice()).unwrap_or_default();
    match remembered.recall(framework_id, &executor.executor_id.value) {
        Some(more) => known.completed_by(&more),
        None => known,
    }
}

/// All that is known of a task on its way.
fn task_facts(
    task: &TaskInfo,
    executor: Option<&ExecutorInfo>,
    framework: &FrameworkInfo,
    agent: &AgentInfo,
) -> Facts {
    let role = facts::allocation_role(&task.resources);
    Facts {
        framework: Some(facts::framework(framework, role.as_deref())),
        task: Some(facts::task(task)),
        executor: executor.map(facts::executor),
        agent: Some(facts::agent(agent)),
        container: None,
    }
}

/// One line for each rule that gave nothing.
fn report(outcome: &Outcome) {
    for fault in &outcome.faults {
        tracing::warn!("{fault}");
    }
}

/// Checks that bytes are such a message, for calls that have nothing else to do yet.
fn readable<M: apportion_wire::messages::HostMessage>(bytes: &[u8]) -> Result<(), Refusal> {
    decode::<M>(bytes)?;
    Ok(())
}
