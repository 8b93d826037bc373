//! The rules asked at each point that a task meets, in the order of a real launch, each answer handed on to the next.

use std::sync::Arc;

use apportion_hook::question::{self, DockerLaunch, Question};
use apportion_policy::{
    Amounts, Change, Entries, Explanation, HookCall, HookPoint, HostFacts, Rule, Rulebook, Subject, Verdict,
    text,
};
use apportion_wire::WireError;
use apportion_wire::messages::{
    Attribute, ContainerId, ExecutorInfo, LabelList, RawLabels, TaskInfo, TaskStatus, TextValue,
};
use apportion_wire::resource::ResourceParts;

use super::notes::{self, Note};
use super::resources;
use super::scenario::{Scenario, room};

/// What the rules made of one point.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) point: HookPoint,
    pub(super) explanations: Vec<Explanation>,
    pub(super) result: Outcome,
    /// What the host makes of it that is not plain to see.
    pub(super) notes: Vec<Note>,
}

/// The whole set after all rules.
#[derive(Debug)]
pub(super) enum Outcome {
    /// Variables, labels or attributes.
    Entries { entries: Entries, changes: Vec<Change> },
    /// Scalar resources.
    Amounts { before: Amounts, after: Amounts },
    /// The host is told of an event and takes no answer.
    Event,
}

impl Asked {
    /// How many rules could not do what they are to do.
    pub(super) fn faults(&self) -> usize {
        self.explanations.iter().filter(|one| matches!(one.verdict, Verdict::Fault(_))).count()
    }
}

/// The rules and what they are asked about.
#[derive(Debug)]
pub(super) struct Rehearsal<'a> {
    pub(super) rules: &'a Rulebook,
    /// The same, one by one.
    pub(super) written: &'a [Rule],
    pub(super) host: Arc<HostFacts>,
    /// What the task is launched from, if given.
    pub(super) offer: Option<Vec<ResourceParts>>,
    pub(super) scenario: Scenario,
}

impl Rehearsal<'_> {
    /// Asks at every point that the scenario meets, in the order in which a host asks: an agent starts, a task is launched,
    /// runs and ends, the agent is lost.
    ///
    /// # Errors
    /// A part of a message cannot be read, which the reader of the files should have noticed.
    pub(super) fn run(mut self) -> Result<Vec<Asked>, WireError> {
        let mut asked = Vec::new();
        if self.scenario.agent_given {
            asked.extend(self.agent_starts()?);
        }
        let mut launched = None;
        if let Some(task) = self.scenario.task.clone() {
            launched = Some(self.launch(task, &mut asked)?);
        }
        let (task, executor, remembered) = match launched {
            Some((task, executor, call)) => (Some(task), Some(executor), Some(call)),
            None => (None, self.scenario.executor.clone(), None),
        };
        if let Some(executor) = executor {
            self.executor(task.as_ref(), &executor, remembered.as_ref(), &mut asked)?;
        }
        if self.scenario.agent_given {
            asked.push(self.ask(question::agent_lost(&self.scenario.agent, &self.host)));
        }
        Ok(asked)
    }

    /// The agent starts: what it has and what it is called.
    fn agent_starts(&mut self) -> Result<[Asked; 2], WireError> {
        let resources = self.ask(question::agent_resources(&self.scenario.agent, &self.host)?);
        if let Outcome::Amounts { before, after } = &resources.result {
            self.scenario.agent.resources =
                resources::with_amounts(&self.scenario.agent.resources, before, after);
        }
        let mut attributes = self.ask(question::agent_attributes(&self.scenario.agent, &self.host));
        if let Outcome::Entries { changes, .. } = &attributes.result {
            for change in changes {
                let value =
                    change.after.as_ref().and_then(|entry| entry.value.as_deref()).unwrap_or_default();
                let fitting = apportion_hook::attribute_text(value);
                attributes.notes.extend(notes::attribute(change, value, fitting.as_deref()));
                let name = change.name.as_bytes().to_vec();
                let Some(fitting) = fitting else { continue };
                let all = &mut self.scenario.agent.attributes;
                all.retain(|attribute| attribute.name != name);
                let text = Some(TextValue { value: fitting.into_bytes() });
                all.push(Attribute { name, r#type: Attribute::TEXT, text, ..Attribute::default() });
            }
        }
        Ok([resources, attributes])
    }

    /// The task passes the master and reaches the agent; what it has become, its executor, and what the agent remembers.
    fn launch(
        &self,
        mut task: TaskInfo,
        asked: &mut Vec<Asked>,
    ) -> Result<(TaskInfo, ExecutorInfo, HookCall), WireError> {
        let Scenario { framework, agent, .. } = &self.scenario;
        let left = self.offer.as_ref().map(|offer| room(&task, offer)).unwrap_or_default();
        let mut question = question::master_resources(&task, &agent.resources, &left, &self.host)?;
        if let (None, Subject::Amounts { ceiling, .. }) = (&self.offer, &mut question.subject) {
            *ceiling = None;
        }
        let mut resources = self.ask(question);
        if let Outcome::Amounts { before, after } = &resources.result {
            resources.notes.extend(notes::offer(&task, self.offer.as_deref(), &resources.explanations));
            task.resources = resources::with_amounts(&task.resources, before, after);
        }
        asked.push(resources);
        let labels = self.ask(question::master_labels(&task, framework, agent, &self.host)?);
        task.labels = labels_after(&labels, task.labels);
        asked.push(labels);
        let executor = self.scenario.executor_of(&task);
        let mut question = question::agent_labels(&task, &executor, framework, agent, &self.host)?;
        self.scenario.forget(&mut question.call.facts);
        let remembered = question.call.clone();
        let labels = self.ask(question);
        task.labels = labels_after(&labels, task.labels);
        asked.push(labels);
        Ok((task, executor, remembered))
    }

    /// The executor starts, runs and ends.
    fn executor(
        &self,
        task: Option<&TaskInfo>,
        executor: &ExecutorInfo,
        remembered: Option<&HookCall>,
        asked: &mut Vec<Asked>,
    ) -> Result<(), WireError> {
        let host = &self.host;
        // The host shows this hook the resources of executor and task together.
        let mut starting = executor.clone();
        starting.resources.extend(task.iter().flat_map(|task| task.resources.iter().cloned()));
        let mut environment = self.ask(question::executor_environment(&starting, remembered, host)?);
        let is_docker = self.scenario.is_docker();
        if !is_docker {
            environment.notes.extend(notes::executor_environment(&environment.explanations, executor));
        }
        let pairs = pairs_after(&environment);
        asked.push(environment);
        let sandbox = self.sandbox(executor);
        if is_docker {
            let pairs: Vec<&[u8]> = pairs.iter().map(Vec::as_slice).collect();
            let launch =
                DockerLaunch { container: b"mesos-CONTAINER", sandbox: &sandbox, environment: &pairs };
            let command_task = task.filter(|_| self.scenario.executor.is_none());
            let mut docker = self.ask(question::docker(command_task, executor, launch, remembered, host)?);
            docker.notes.extend(notes::docker(&docker.explanations));
            asked.push(docker);
        }
        let container = ContainerId { value: b"CONTAINER".to_vec(), parent: None };
        asked.push(self.ask(question::post_fetch(&container, &sandbox, remembered, host)));
        if let Some(task) = task {
            let status = TaskStatus {
                task_id: task.task_id.clone(),
                state: TaskStatus::TASK_RUNNING,
                agent_id: Some(task.agent_id.clone()),
                executor_id: Some(executor.executor_id.clone()),
                ..TaskStatus::default()
            };
            let framework_id = self.scenario.framework.id.as_ref().map(|id| id.value.as_slice());
            let id = framework_id.unwrap_or_default();
            asked.push(self.ask(question::status_labels(id, &status, remembered, host)?));
        }
        let removed = question::executor_removed(&self.scenario.framework, executor, remembered, host)?;
        asked.push(self.ask(removed));
        Ok(())
    }

    /// Where the host would put the sandbox, as far as ids are known.
    fn sandbox(&self, executor: &ExecutorInfo) -> Vec<u8> {
        let id = |bytes: Option<&Vec<u8>>| bytes.map(|bytes| text(bytes)).unwrap_or_default();
        let agent = id(self.scenario.agent.id.as_ref().map(|id| &id.value));
        let framework = id(self.scenario.framework.id.as_ref().map(|id| &id.value));
        let executor = text(&executor.executor_id.value);
        format!("/var/lib/mesos/slaves/{agent}/frameworks/{framework}/executors/{executor}/runs/CONTAINER")
            .into_bytes()
    }

    /// What each rule does, and what all of them make.
    fn ask(&self, mut question: Question) -> Asked {
        self.scenario.forget(&mut question.call.facts);
        let Question { point, call, subject } = question;
        let mut explanations = self.rules.explain(point, &call, &subject);
        for (one, rule) in explanations.iter_mut().zip(self.written) {
            // A rule that is switched off is told of where it would act.
            if !rule.points().contains(&point) {
                one.verdict = Verdict::NotHere;
            }
        }
        let result = match subject {
            Subject::Entries(entries) => {
                let decorated = self.rules.decorate(point, &call, entries);
                Outcome::Entries { entries: decorated.entries, changes: decorated.changes }
            }
            Subject::Amounts { amounts, ceiling } => {
                let decided = self.rules.resources(point, &call, amounts.clone(), ceiling.as_ref());
                Outcome::Amounts { before: amounts, after: decided.amounts }
            }
            Subject::Event => Outcome::Event,
        };
        let missing = [
            (self.scenario.framework_given, "--framework", "framework"),
            (self.scenario.agent_given, "--agent", "agent"),
        ];
        // The host tells the master's resource hook neither of the two, and an agent's start no framework.
        let told = |root| point != HookPoint::MasterLaunchTaskResources && point.facts().contains(&root);
        let missing = missing.into_iter().filter(|(given, _, root)| !given && told(*root));
        let notes =
            missing.filter_map(|(_, flag, root)| notes::not_given(&explanations, flag, root)).collect();
        Asked { point, explanations, result, notes }
    }
}

/// The labels that go on from a point.
fn labels_after(asked: &Asked, before: Option<RawLabels>) -> Option<RawLabels> {
    match &asked.result {
        Outcome::Entries { entries, changes } if !changes.is_empty() => {
            let mut list = LabelList::default();
            for entry in entries.iter() {
                list.push(entry.name.as_bytes(), entry.value.as_deref().map(str::as_bytes));
            }
            apportion_wire::messages::decode(&list.encode()).ok()
        }
        _ => before,
    }
}

/// The variables after a point, as the host keeps them: `NAME=value`.
fn pairs_after(asked: &Asked) -> Vec<Vec<u8>> {
    let Outcome::Entries { entries, .. } = &asked.result else { return Vec::new() };
    let pair = |entry: &apportion_policy::Entry| {
        format!("{}={}", entry.name, entry.value.as_deref().unwrap_or_default()).into_bytes()
    };
    entries.iter().map(pair).collect()
}
