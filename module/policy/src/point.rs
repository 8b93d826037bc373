//! The places where the host asks.

use crate::parse_fault::{ParseFault, quoted};
use crate::template::nearest;

/// Where the host asks, or tells.
///
/// Faults are counted for each point apart: master and agents may share one process, and a label that needs the
/// executor can never work in the master but does in the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HookPoint {
    /// Labels of a task, in the master, before it is sent to the agent.
    MasterLaunchTaskLabels,
    /// Resources of a task, in the master, before it is sent to the agent.
    MasterLaunchTaskResources,
    /// Labels of a task, in the agent, before its executor is looked for.
    SlaveRunTaskLabels,
    /// Environment of an executor, in the agent.
    SlaveExecutorEnvironment,
    /// Environment of an executor and task in a Docker container, in the agent.
    SlavePreLaunchDockerTaskExecutor,
    /// Labels of a status update, in the agent.
    SlaveTaskStatus,
    /// Resources of the agent, when it starts.
    SlaveResources,
    /// Attributes of the agent, when it starts.
    SlaveAttributes,
    /// An executor is gone, in the agent.
    SlaveRemoveExecutor,
    /// The fetcher has filled a sandbox, in the agent.
    SlavePostFetch,
    /// An agent is lost, in the master.
    MasterSlaveLost,
    /// A container is about to start, in the isolator's `prepare`; no point of hook rules. See
    /// [`Matcher`](crate::Matcher).
    ContainerPrepare,
}

/// What a rule can do at a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// Change environment variables.
    Environment,
    /// Change labels of a task.
    Labels,
    /// Change resources of a task.
    TaskResources,
    /// Give attributes to the agent.
    AgentAttributes,
    /// Keep resources of the agent back.
    AgentResources,
    /// Change labels of a status update.
    StatusLabels,
    /// Write an audit line or start a command.
    Reaction,
    /// Refuse a container, or say what it may use and is launched with.
    Launch,
}

impl HookPoint {
    /// How many points there are, the isolator's included.
    pub(crate) const COUNT: usize = 12;

    /// The points of the hook module, in the order in which a task meets them.
    pub const HOOKS: [HookPoint; 11] = [
        HookPoint::MasterLaunchTaskLabels,
        HookPoint::MasterLaunchTaskResources,
        HookPoint::SlaveRunTaskLabels,
        HookPoint::SlaveExecutorEnvironment,
        HookPoint::SlavePreLaunchDockerTaskExecutor,
        HookPoint::SlaveTaskStatus,
        HookPoint::SlaveResources,
        HookPoint::SlaveAttributes,
        HookPoint::SlaveRemoveExecutor,
        HookPoint::SlavePostFetch,
        HookPoint::MasterSlaveLost,
    ];

    /// Mesos' name of the point.
    pub fn name(self) -> &'static str {
        match self {
            HookPoint::MasterLaunchTaskLabels => "masterLaunchTaskLabelDecorator",
            HookPoint::MasterLaunchTaskResources => "masterLaunchTaskResourceDecorator",
            HookPoint::SlaveRunTaskLabels => "slaveRunTaskLabelDecorator",
            HookPoint::SlaveExecutorEnvironment => "slaveExecutorEnvironmentDecorator",
            HookPoint::SlavePreLaunchDockerTaskExecutor => "slavePreLaunchDockerTaskExecutorDecorator",
            HookPoint::SlaveTaskStatus => "slaveTaskStatusDecorator",
            HookPoint::SlaveResources => "slaveResourcesDecorator",
            HookPoint::SlaveAttributes => "slaveAttributesDecorator",
            HookPoint::SlaveRemoveExecutor => "slaveRemoveExecutorHook",
            HookPoint::SlavePostFetch => "slavePostFetchHook",
            HookPoint::MasterSlaveLost => "masterSlaveLostHook",
            HookPoint::ContainerPrepare => "isolator prepare",
        }
    }

    /// The point's name in the configuration.
    pub fn key(self) -> &'static str {
        match self {
            HookPoint::MasterLaunchTaskLabels => "master_labels",
            HookPoint::MasterLaunchTaskResources => "master_resources",
            HookPoint::SlaveRunTaskLabels => "agent_labels",
            HookPoint::SlaveExecutorEnvironment => "executor_environment",
            HookPoint::SlavePreLaunchDockerTaskExecutor => "docker",
            HookPoint::SlaveTaskStatus => "status_labels",
            HookPoint::SlaveResources => "agent_resources",
            HookPoint::SlaveAttributes => "agent_attributes",
            HookPoint::SlaveRemoveExecutor => "executor_removed",
            HookPoint::SlavePostFetch => "post_fetch",
            HookPoint::MasterSlaveLost => "agent_lost",
            HookPoint::ContainerPrepare => "container_prepare",
        }
    }

    /// Reads the name of a point of the hook module in the configuration.
    ///
    /// # Errors
    ///
    /// No such point; the fault names all, and the nearest one first.
    pub fn parse(key: &str) -> Result<HookPoint, ParseFault> {
        let keys = || HookPoint::HOOKS.into_iter().map(HookPoint::key);
        HookPoint::HOOKS.into_iter().find(|point| point.key() == key).ok_or_else(|| {
            let all = keys().collect::<Vec<_>>().join(", ");
            let near = nearest(key, keys()).map(|near| format!("`{near}`, or one of ")).unwrap_or_default();
            ParseFault::new(format!("the unknown point {}", quoted(key)), format!("{near}{all}"))
        })
    }

    /// Which daemon asks.
    pub fn daemon(self) -> &'static str {
        match self {
            HookPoint::MasterLaunchTaskLabels
            | HookPoint::MasterLaunchTaskResources
            | HookPoint::MasterSlaveLost => "master",
            _ => "agent",
        }
    }

    /// When the host asks, one line.
    pub fn occasion(self) -> &'static str {
        match self {
            HookPoint::MasterLaunchTaskLabels | HookPoint::MasterLaunchTaskResources => {
                "a framework accepts an offer with a task"
            }
            HookPoint::SlaveRunTaskLabels => "a task arrives, before its executor is looked for",
            HookPoint::SlaveExecutorEnvironment => "an executor is about to start",
            HookPoint::SlavePreLaunchDockerTaskExecutor => "a Docker container is about to start",
            HookPoint::SlaveTaskStatus => "a status update of a task is on its way to the master",
            HookPoint::SlaveResources | HookPoint::SlaveAttributes => "the agent starts",
            HookPoint::SlaveRemoveExecutor => "an executor is gone",
            HookPoint::SlavePostFetch => "the fetcher has filled a sandbox",
            HookPoint::MasterSlaveLost => "an agent is given up as lost",
            HookPoint::ContainerPrepare => "a container is about to start",
        }
    }

    /// What the host (Mesos 1.11.0) does with what rules change, one line of Markdown.
    pub fn answer(self) -> &'static str {
        match self {
            HookPoint::MasterLaunchTaskLabels => {
                "the agent gets these labels; the master's own pages keep the framework's"
            }
            HookPoint::MasterLaunchTaskResources => {
                "takes them for the task's before it validates the task; never more than the offer could hold"
            }
            HookPoint::SlaveRunTaskLabels => "they are the task's labels in the agent and in its pages",
            HookPoint::SlaveExecutorEnvironment => {
                "lays them under what the executor's command sets: a name that the command sets keeps the \
                 command's value, and none can be taken from it"
            }
            HookPoint::SlavePreLaunchDockerTaskExecutor => {
                "lays them over the variables of executor and container; one that is taken away becomes empty"
            }
            HookPoint::SlaveTaskStatus => {
                "they are the status' labels; nothing else of a status can be changed"
            }
            HookPoint::SlaveResources => "the agent has and offers these resources",
            HookPoint::SlaveAttributes => "the agent has these attributes",
            HookPoint::SlaveRemoveExecutor | HookPoint::SlavePostFetch | HookPoint::MasterSlaveLost => {
                "nothing; it does not wait for what rules set off"
            }
            HookPoint::ContainerPrepare => "launches the container so, or gives it up with the reason",
        }
    }

    /// What a rule can do here.
    pub fn effect(self) -> Effect {
        match self {
            HookPoint::MasterLaunchTaskLabels | HookPoint::SlaveRunTaskLabels => Effect::Labels,
            HookPoint::MasterLaunchTaskResources => Effect::TaskResources,
            HookPoint::SlaveExecutorEnvironment | HookPoint::SlavePreLaunchDockerTaskExecutor => {
                Effect::Environment
            }
            HookPoint::ContainerPrepare => Effect::Launch,
            HookPoint::SlaveTaskStatus => Effect::StatusLabels,
            HookPoint::SlaveResources => Effect::AgentResources,
            HookPoint::SlaveAttributes => Effect::AgentAttributes,
            HookPoint::SlaveRemoveExecutor | HookPoint::SlavePostFetch | HookPoint::MasterSlaveLost => {
                Effect::Reaction
            }
        }
    }

    /// The facts that can be known here, for [`Template::compile`](crate::Template::compile).
    pub fn facts(self) -> &'static [&'static str] {
        match self {
            HookPoint::MasterLaunchTaskLabels | HookPoint::MasterLaunchTaskResources => &[
                "framework",
                "task",
                "agent",
                "container.type",
                "container.image",
                "task.environment",
                "agent.environment",
                "env",
                "host",
            ],
            HookPoint::SlaveResources | HookPoint::SlaveAttributes | HookPoint::MasterSlaveLost => {
                &["agent", "agent.environment", "host"]
            }
            HookPoint::SlaveRunTaskLabels
            | HookPoint::SlaveExecutorEnvironment
            | HookPoint::SlavePreLaunchDockerTaskExecutor
            | HookPoint::SlaveTaskStatus
            | HookPoint::SlaveRemoveExecutor
            | HookPoint::SlavePostFetch => &[
                "framework",
                "task",
                "executor",
                "agent",
                "container",
                "container.type",
                "container.image",
                "task.environment",
                "executor.environment",
                "agent.environment",
                "env",
                "host",
            ],
            HookPoint::ContainerPrepare => &[
                "framework",
                "task",
                "executor",
                "agent",
                "container",
                "container.type",
                "container.image",
                "task.environment",
                "executor.environment",
                "env",
            ],
        }
    }

    /// The facts that can be known at one or more of some points, each once.
    ///
    /// ```
    /// use apportion_policy::{HookPoint, Template};
    ///
    /// let facts = HookPoint::facts_at(&[HookPoint::MasterSlaveLost, HookPoint::MasterLaunchTaskLabels]);
    /// assert!(Template::compile("{{ agent.hostname }} {{ host.kernel }} {{ task.name }}", &facts).is_ok());
    /// ```
    pub fn facts_at(points: &[HookPoint]) -> Vec<&'static str> {
        let mut known = Vec::new();
        for fact in points.iter().flat_map(|point| point.facts()) {
            if !known.contains(fact) {
                known.push(*fact);
            }
        }
        known
    }

    pub(crate) fn index(self) -> usize {
        match self {
            HookPoint::MasterLaunchTaskLabels => 0,
            HookPoint::MasterLaunchTaskResources => 1,
            HookPoint::SlaveRunTaskLabels => 2,
            HookPoint::SlaveExecutorEnvironment => 3,
            HookPoint::SlavePreLaunchDockerTaskExecutor => 4,
            HookPoint::SlaveTaskStatus => 5,
            HookPoint::SlaveResources => 6,
            HookPoint::SlaveAttributes => 7,
            HookPoint::SlaveRemoveExecutor => 8,
            HookPoint::SlavePostFetch => 9,
            HookPoint::MasterSlaveLost => 10,
            HookPoint::ContainerPrepare => 11,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::HookPoint;

    #[test]
    fn every_point_is_found_by_its_key() {
        for (number, point) in HookPoint::HOOKS.into_iter().enumerate() {
            assert_eq!(HookPoint::parse(point.key()), Ok(point));
            assert_eq!(point.index(), number);
        }
        assert_eq!(HookPoint::ContainerPrepare.index() + 1, HookPoint::COUNT);
    }

    #[test]
    fn unknown_point_is_told_with_the_nearest_one() {
        let fault = HookPoint::parse("masterlabels").unwrap_err();
        assert_eq!(fault.found, "the unknown point `masterlabels`");
        assert!(fault.expected.starts_with("`master_labels`, or one of master_labels, master_resources"));
        assert!(HookPoint::parse("container_prepare").is_err());
    }
}
