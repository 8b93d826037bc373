//! The eleven methods: a question, the rules, an answer.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use apportion_config::HookConfig;
use apportion_policy::{Decoration, HookPoint, HostFacts, RuleFault, Rulebook, Subject, is_unsafe_variable};
use apportion_wire::WireError;
use apportion_wire::messages::{
    AgentInfo, Attribute, ContainerId, DockerTaskExecutorPrepareInfo, Environment, ExecutorInfo,
    FrameworkInfo, LabelList, RawEnvironment, TaskInfo, TaskStatus, Variable,
};
use serde_json::Value;

use crate::pace::Pace;
use crate::question::{self, DockerLaunch, Question, Sandbox};
use crate::remembered::Remembered;
use crate::resources::{self, Room};
use crate::rules::{Loaded, Origin, RulesInForce};
use crate::watch::Watch;
use crate::{entries, report};

/// The hook module: the rules in force, what it remembers, and what it sets off.
///
/// May be called by several threads at once. A call holds no lock while rules run, and waits for nothing: no file, no
/// process, no network.
pub struct Hooks {
    rules: Arc<RulesInForce>,
    remembered: Arc<Remembered>,
    told: Pace,
    /// Looks after changed files until it is dropped.
    _watch: Option<Watch>,
}

/// Without what is remembered: labels of tasks may hold what stands in files.
impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks").field("origin", self.rules.origin()).finish_non_exhaustive()
    }
}

impl Hooks {
    /// Puts rules into force. `config_file` is where they were read, if that was a file: changes of it are followed, and
    /// so are those of files that rules name, once a second.
    ///
    /// # Errors
    /// What is wrong with the rules, or that the system has no thread left.
    pub fn start(
        config: &HookConfig,
        config_file: Option<PathBuf>,
        remembered: Arc<Remembered>,
    ) -> Result<Hooks, String> {
        let origin = config_file.map_or(Origin::Parameters, Origin::File);
        let rules = Arc::new(RulesInForce::new(config, origin)?);
        let (loaded, host) = rules.now();
        let follows = !matches!(rules.origin(), Origin::Parameters) || !host.files.is_empty();
        let watch = follows.then(|| Watch::start(&rules)).transpose()?;
        let acting = HookPoint::HOOKS.into_iter().filter(|point| !loaded.rules.is_idle(*point)).count();
        tracing::info!(
            "hook: {} rule{}, acting in {} of {} methods",
            loaded.rules.len(),
            if loaded.rules.len() == 1 { "" } else { "s" },
            acting,
            HookPoint::HOOKS.len()
        );
        Ok(Hooks { rules, remembered, told: Pace::default(), _watch: watch })
    }

    /// Rules with facts that are given. Nothing is detected, read, followed, written or started: what rules want done
    /// for an event is dropped.
    pub fn given(rules: Rulebook, host: Arc<HostFacts>, remembered: Arc<Remembered>) -> Hooks {
        let rules = Arc::new(RulesInForce::given(rules, host));
        Hooks { rules, remembered, told: Pace::default(), _watch: None }
    }

    /// `masterLaunchTaskLabelDecorator`: the labels, if they change.
    ///
    /// # Errors
    /// A [`WireError`] if a part of a message cannot be read; so for the others.
    pub fn master_labels(
        &self,
        task: &TaskInfo,
        framework: &FrameworkInfo,
        agent: &AgentInfo,
    ) -> Result<Option<LabelList>, WireError> {
        let Some((loaded, host)) = self.acting(HookPoint::MasterLaunchTaskLabels) else { return Ok(None) };
        let question = question::master_labels(task, framework, agent, &host)?;
        entries::changed_labels(task.labels.as_ref(), &self.decorate(&loaded, &question).changes)
    }

    /// `slaveRunTaskLabelDecorator`: the labels, if they change. What is known here is kept for the calls that see only
    /// the executor or the task's id.
    ///
    /// # Errors
    /// As [`Hooks::master_labels`].
    pub fn agent_labels(
        &self,
        task: &TaskInfo,
        executor: &ExecutorInfo,
        framework: &FrameworkInfo,
        agent: &AgentInfo,
    ) -> Result<Option<LabelList>, WireError> {
        let (loaded, host) = self.rules.now();
        let question = question::agent_labels(task, executor, framework, agent, &host)?;
        let known = Arc::new(question.call.clone());
        let framework_id = framework.id.as_ref().map(|id| id.value.as_slice()).unwrap_or_default();
        self.remembered.remember(framework_id, &executor.executor_id.value, Arc::clone(&known));
        self.remembered.remember(framework_id, &task_key(&task.task_id.value), known);
        entries::changed_labels(task.labels.as_ref(), &self.decorate(&loaded, &question).changes)
    }

    /// Whether rules change resources of tasks, so that it is worth knowing what offers hold.
    pub fn changes_task_resources(&self) -> bool {
        self.acting(HookPoint::MasterLaunchTaskResources).is_some()
    }

    /// `masterLaunchTaskResourceDecorator`: the task's resources, if they change. `room` is what could be added to it.
    ///
    /// # Errors
    /// As [`Hooks::master_labels`].
    pub fn master_resources(
        &self,
        task: &TaskInfo,
        agent_resources: &[Vec<u8>],
        room: &Room,
    ) -> Result<Option<Vec<Vec<u8>>>, WireError> {
        let Some((loaded, host)) = self.acting(HookPoint::MasterLaunchTaskResources) else {
            return Ok(None);
        };
        let question = question::master_resources(task, agent_resources, &room.amounts(), &host)?;
        let Subject::Amounts { amounts, ceiling } = &question.subject else { return Ok(None) };
        let decided =
            loaded.rules.resources(question.point, &question.call, amounts.clone(), ceiling.as_ref());
        self.tell(&decided.faults, &host);
        for change in decided.changes.iter().filter(|change| change.after < change.wanted) {
            self.warn(|| {
                let why = room.reason().map(|reason| format!(": {reason}")).unwrap_or_default();
                format!("rule {:?}, task {}: {change}{why}", change.rule, task.task_id.value.escape_ascii())
            });
        }
        resources::of_task(&task.resources, amounts, &decided.amounts, room)
    }

    /// `slaveExecutorEnvironmentDecorator`: the whole environment, if it changes; another hook module sees it next.
    ///
    /// # Errors
    /// As [`Hooks::master_labels`].
    pub fn executor_environment(&self, executor: &ExecutorInfo) -> Result<Option<RawEnvironment>, WireError> {
        let Some((loaded, host)) = self.acting(HookPoint::SlaveExecutorEnvironment) else { return Ok(None) };
        let remembered = self.recalled(executor);
        let question = question::executor_environment(executor, remembered.as_deref(), &host)?;
        let changes = self.decorate(&loaded, &question).changes;
        let own = executor.command.as_ref().and_then(|command| command.environment.as_ref());
        entries::changed_environment(own, &changes)
    }

    /// `slavePreLaunchDockerTaskExecutorDecorator`: variables for the executor and for the task's container, if there are
    /// any.
    ///
    /// The host lays them over those that are there. It cannot take one away: one that goes becomes empty.
    ///
    /// # Errors
    /// As [`Hooks::master_labels`].
    pub fn docker(
        &self,
        task: Option<&TaskInfo>,
        executor: &ExecutorInfo,
        launch: DockerLaunch<'_>,
    ) -> Result<Option<DockerTaskExecutorPrepareInfo>, WireError> {
        let Some((loaded, host)) = self.acting(HookPoint::SlavePreLaunchDockerTaskExecutor) else {
            return Ok(None);
        };
        let remembered = self.recalled(executor);
        let question = question::docker(task, executor, launch, remembered.as_deref(), &host)?;
        let changes = self.decorate(&loaded, &question).changes;
        if changes.is_empty() {
            return Ok(None);
        }
        let variables = changes.iter().map(|change| {
            let value = change.after.as_ref().and_then(|entry| entry.value.as_deref()).unwrap_or_default();
            Variable::plain(change.name.as_bytes(), value.as_bytes())
        });
        let variables: Vec<Variable> = variables.collect();
        if task.is_none() {
            let executor_environment = Some(Environment { variables });
            return Ok(Some(DockerTaskExecutorPrepareInfo { executor_environment, task_environment: None }));
        }
        // The host's own executor runs outside the container: it keeps what it has, and what decides which code runs is
        // for the task alone.
        let own = question::executor_variables(executor, launch, &host)?;
        let own: BTreeSet<&str> = own.iter().map(|entry| &*entry.name).collect();
        let for_executor = |variable: &&Variable| {
            let name = apportion_policy::text(&variable.name);
            !own.contains(&*name) && !is_unsafe_variable(&name)
        };
        let of_executor: Vec<Variable> = variables.iter().filter(for_executor).cloned().collect();
        Ok(Some(DockerTaskExecutorPrepareInfo {
            executor_environment: (!of_executor.is_empty()).then_some(Environment { variables: of_executor }),
            task_environment: Some(Environment { variables }),
        }))
    }

    /// `slaveTaskStatusDecorator`: the status' labels, if they change.
    ///
    /// # Errors
    /// As [`Hooks::master_labels`].
    pub fn status_labels(
        &self,
        framework_id: &[u8],
        status: &TaskStatus,
    ) -> Result<Option<LabelList>, WireError> {
        let key = task_key(&status.task_id.value);
        let remembered = self.remembered.recall(framework_id, &key);
        if status.is_terminal() {
            self.remembered.forget(framework_id, &key);
        }
        let Some((loaded, host)) = self.acting(HookPoint::SlaveTaskStatus) else { return Ok(None) };
        let question = question::status_labels(framework_id, status, remembered.as_deref(), &host)?;
        entries::changed_labels(status.labels.as_ref(), &self.decorate(&loaded, &question).changes)
    }

    /// `slaveResourcesDecorator`: the agent's resources, if they change.
    ///
    /// # Errors
    /// As [`Hooks::master_labels`].
    pub fn agent_resources(&self, agent: &AgentInfo) -> Result<Option<Vec<Vec<u8>>>, WireError> {
        let Some((loaded, host)) = self.acting(HookPoint::SlaveResources) else { return Ok(None) };
        let question = question::agent_resources(agent, &host)?;
        let Subject::Amounts { amounts, .. } = &question.subject else { return Ok(None) };
        let decided = loaded.rules.resources(question.point, &question.call, amounts.clone(), None);
        self.tell(&decided.faults, &host);
        for change in &decided.changes {
            tracing::info!("hook: rule {:?} keeps back of this agent's {change}", change.rule);
        }
        resources::of_agent(&agent.resources, amounts, &decided.amounts)
    }

    /// `slaveAttributesDecorator`: the agent's attributes, if they change.
    pub fn agent_attributes(&self, agent: &AgentInfo) -> Option<Vec<Attribute>> {
        let (loaded, host) = self.acting(HookPoint::SlaveAttributes)?;
        let question = question::agent_attributes(agent, &host);
        entries::changed_attributes(agent, &self.decorate(&loaded, &question).changes)
    }

    /// `slaveRemoveExecutorHook`. What was kept for the executor is forgotten.
    ///
    /// # Errors
    /// As [`Hooks::master_labels`].
    pub fn executor_removed(
        &self,
        framework: &FrameworkInfo,
        executor: &ExecutorInfo,
    ) -> Result<(), WireError> {
        let framework_id = framework.id.as_ref().map(|id| id.value.as_slice()).unwrap_or_default();
        let remembered = self.remembered.recall(framework_id, &executor.executor_id.value);
        self.remembered.forget(framework_id, &executor.executor_id.value);
        if let Some((loaded, host)) = self.acting(HookPoint::SlaveRemoveExecutor) {
            self.react(
                &loaded,
                &question::executor_removed(framework, executor, remembered.as_deref(), &host)?,
            );
        }
        Ok(())
    }

    /// `slavePostFetchHook`.
    pub fn post_fetch(&self, container: &ContainerId, directory: &[u8]) {
        if let Some((loaded, host)) = self.acting(HookPoint::SlavePostFetch) {
            let remembered = Sandbox::of(directory)
                .and_then(|owner| self.remembered.recall(owner.framework, owner.executor));
            self.react(&loaded, &question::post_fetch(container, directory, remembered.as_deref(), &host));
        }
    }

    /// `masterSlaveLostHook`.
    pub fn agent_lost(&self, agent: &AgentInfo) {
        if let Some((loaded, host)) = self.acting(HookPoint::MasterSlaveLost) {
            self.react(&loaded, &question::agent_lost(agent, &host));
        }
    }

    /// Reads the rules again from their file; switched-off rules get another chance.
    ///
    /// # Errors
    /// Why the rules before stay in force.
    pub fn reload(&self) -> Result<Value, String> {
        self.rules.reload().map(report::reloaded)
    }

    /// Hit counts, faults and their reasons, files, audit lines and commands, without anything that stands in files.
    pub fn report(&self) -> Value {
        report::report(&self.rules, &self.remembered)
    }

    /// Waits until audit lines and commands asked for so far are done, at most so long; not for a thread of the host.
    pub fn settle(&self, within: Duration) -> bool {
        self.rules.reactions.settle(within)
    }

    /// Rules and host, if any rule acts at a point.
    fn acting(&self, point: HookPoint) -> Option<(Arc<Loaded>, Arc<HostFacts>)> {
        let (loaded, host) = self.rules.now();
        (!loaded.rules.is_idle(point)).then_some((loaded, host))
    }

    fn recalled(&self, executor: &ExecutorInfo) -> Option<Arc<apportion_policy::HookCall>> {
        let framework_id = executor.framework_id.as_ref()?;
        self.remembered.recall(&framework_id.value, &executor.executor_id.value)
    }

    fn decorate(&self, loaded: &Loaded, question: &Question) -> Decoration {
        let decoration = loaded.rules.decorate(question.point, &question.call, question.entries());
        self.tell(&decoration.faults, &question.call.host);
        decoration
    }

    fn react(&self, loaded: &Loaded, question: &Question) {
        let reactions = loaded.rules.react(question.point, &question.call);
        self.tell(&reactions.faults, &question.call.host);
        self.rules.reactions.carry_out(question.point, &question.call, reactions.audits, reactions.commands);
    }

    /// A line for each rule that did nothing because something went wrong, but not too many.
    fn tell(&self, faults: &[RuleFault], host: &HostFacts) {
        for fault in faults {
            let line = || host.scrubbed(&fault.to_string()).into_owned();
            if fault.disabled {
                tracing::error!("{}", line());
            } else {
                self.warn(line);
            }
        }
    }

    fn warn(&self, line: impl FnOnce() -> String) {
        match self.told.pass() {
            Some(0) => tracing::warn!("{}", line()),
            Some(more) => tracing::warn!("{} ({more} more lines of this kind were left out)", line()),
            None => {}
        }
    }
}

/// Tasks and executors have ids of their own, and those of a command task are equal: a prefix keeps them apart. No id
/// of the host begins with a zero byte.
fn task_key(id: &[u8]) -> Vec<u8> {
    [b"\0task ", id].concat()
}
