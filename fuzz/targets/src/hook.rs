//! The eleven methods of the hook module: rules and the host's messages in, answers that the host can take.
//!
//! What must hold, whatever rules and messages are: an answer can be read again and is within the limits; it has what
//! [`Rulebook::explain`] says; what no rule names is in it byte by byte; nothing of a file that rules name is in a fault, an
//! explanation, a line or an argument; asked again, the answer is the same.

mod check;
mod draw;
mod rules;

use std::collections::BTreeMap;
use std::sync::Arc;

use apportion_hook::question::{self, DockerLaunch, Question};
use apportion_hook::{Hooks, Remembered, Room};
use apportion_policy::{FAULTS_MAX, HookCall, HookPoint, Rule, Rulebook, Verdict};
use apportion_wire::WireError;
use apportion_wire::messages::{Attribute, DockerTaskExecutorPrepareInfo, LabelList, RawEnvironment, encode};

use crate::entropy::Entropy;
use draw::Messages;
use rules::Source;

pub(crate) use rules::book;

/// Runs the target: all eleven methods, twice.
///
/// # Panics
/// If something does not hold.
pub fn run(input: &[u8]) {
    // It has to come from the file, not from the input.
    if rules::has_sign_of_secret(input) {
        return;
    }
    let entropy = &mut Entropy::new(input);
    let rules = rules::draw(entropy);
    let messages = Messages::draw(entropy);
    let rules: Vec<&Rule> = rules.rules().iter().collect();
    let (Some(mut first), Some(mut second)) = (Round::new(&rules), Round::new(&rules)) else { return };
    for point in HookPoint::HOOKS {
        let (answer, _) = first.check(point, &messages);
        assert_eq!(second.ask(point, &messages), answer, "{point:?}: asked again, the answer is the same");
    }
}

/// What became of a [`Caller::call`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Called {
    /// The method.
    pub point: HookPoint,
    /// Whether a rule matched and did its work.
    pub acted: bool,
}

/// Calls of single methods. Keeps hooks with the fixed books, as it takes longer to make them than to ask them.
#[derive(Default)]
pub struct Caller {
    kept: BTreeMap<(usize, HookPoint), (Round, u32)>,
}

impl Caller {
    /// Calls one method, for a task that the agent has seen before or not; `None` if the rules are refused.
    ///
    /// # Panics
    /// If something does not hold.
    pub fn call(&mut self, input: &[u8]) -> Option<Called> {
        let entropy = &mut Entropy::new(input);
        let point = entropy.pick(&HookPoint::HOOKS);
        let (seen, again) = (entropy.flag() && can_remember(point), entropy.below(32) == 0);
        let source = rules::draw(entropy);
        let messages = Messages::for_call(entropy, point, seen);
        // Rules that do not act here would only cost time.
        let make = || {
            let acting: Vec<&Rule> = source.rules().iter().filter(|rule| rule.acts_at(point)).collect();
            Round::new(&acting)
        };
        let mut made = None;
        let round = match &source {
            Source::Book(number) => self.kept_round((*number, point), make)?,
            Source::Drawn(_) => made.insert(make()?),
        };
        let (answer, acted) = round.check_after(point, &messages, seen);
        if again {
            let (second, _) = make()?.check_after(point, &messages, seen);
            assert_eq!(second, answer, "{point:?}: asked again, the answer is the same");
        }
        Some(Called { point, acted })
    }

    /// Hooks that have not been asked so often that a rule could be off after its faults.
    fn kept_round(
        &mut self,
        key: (usize, HookPoint),
        make: impl Fn() -> Option<Round>,
    ) -> Option<&mut Round> {
        if self.kept.get(&key).is_none_or(|(_, asked)| asked + 1 >= FAULTS_MAX) {
            self.kept.insert(key, (make()?, 0));
        }
        let (round, asked) = self.kept.get_mut(&key)?;
        *asked += 1;
        Some(round)
    }
}

/// Whether what is known of a launch is remembered for a method.
fn can_remember(point: HookPoint) -> bool {
    matches!(
        point,
        HookPoint::SlaveExecutorEnvironment
            | HookPoint::SlavePreLaunchDockerTaskExecutor
            | HookPoint::SlaveTaskStatus
            | HookPoint::SlaveRemoveExecutor
            | HookPoint::SlavePostFetch
    )
}

/// What a method answers.
#[derive(Debug, Clone, PartialEq)]
enum Answer {
    /// Nothing, or that nothing changes.
    Nothing,
    Labels(LabelList),
    Environment(RawEnvironment),
    Docker(DockerTaskExecutorPrepareInfo),
    Resources(Vec<Vec<u8>>),
    /// Serialised: a number of the host may be none, which is not equal to itself.
    Attributes(Vec<Vec<u8>>),
}

impl Answer {
    fn of<T>(answer: Option<T>, kind: impl FnOnce(T) -> Answer) -> Answer {
        answer.map_or(Answer::Nothing, kind)
    }

    fn of_attributes(attributes: Option<Vec<Attribute>>) -> Answer {
        Answer::of(attributes, |all| Answer::Attributes(all.iter().map(encode).collect()))
    }

    fn acts(&self) -> bool {
        *self != Answer::Nothing
    }
}

/// Hooks that have seen nothing yet, and the same rules again to ask what they would do.
struct Round {
    hooks: Hooks,
    rules: Rulebook,
    remembered: Arc<Remembered>,
}

impl Round {
    /// `None` if the rules are refused: with a reason.
    fn new(rules: &[&Rule]) -> Option<Round> {
        let book = || match Rulebook::new(rules.iter().copied().cloned().collect()) {
            Ok(book) => Some(book),
            Err(refused) => {
                assert!(!refused.problems.is_empty() && !refused.to_string().is_empty());
                None
            }
        };
        let remembered = Arc::new(Remembered::with_bound(4));
        let hooks = Hooks::given(book()?, rules::host(), Arc::clone(&remembered));
        Some(Round { hooks, rules: book()?, remembered })
    }

    /// The same for a task that the agent has seen before, or not; nothing of it is remembered afterwards.
    fn check_after(
        &mut self,
        point: HookPoint,
        messages: &Messages,
        seen: bool,
    ) -> (Result<Answer, String>, bool) {
        if seen {
            let _ = self.ask(HookPoint::SlaveRunTaskLabels, messages);
        }
        let checked = self.check(point, messages);
        let of_framework = [framework_id(messages), messages.executor_framework_id().unwrap_or_default()];
        let of_task = task_key(&messages.task.task_id.value);
        for framework in of_framework {
            self.remembered.forget(framework, &messages.executor.executor_id.value);
            self.remembered.forget(framework, &of_task);
        }
        assert!(self.remembered.is_empty());
        checked
    }

    /// Asks a method and looks at what it answers; also, whether any rule did its work.
    fn check(&mut self, point: HookPoint, messages: &Messages) -> (Result<Answer, String>, bool) {
        let question = self.question(point, messages);
        let answer = self.ask(point, messages);
        let mut acted = false;
        match (&question, &answer) {
            (Ok(question), Ok(answer)) => {
                let explained = check::check(question, &self.rules, messages, answer);
                acted = explained.iter().any(|one| one.verdict == Verdict::Matched);
                // Faults are all that the report has of a call.
                if explained.iter().any(|one| matches!(one.verdict, Verdict::Fault(_))) {
                    check::keeps_the_secret("the report", &self.hooks.report().to_string());
                }
            }
            (Err(error), Err(other)) => assert_eq!(&error.to_string(), other),
            // What no rule is asked about is not read.
            (Err(_), Ok(answer)) => assert!(self.rules.is_idle(point) && !answer.acts(), "{answer:?}"),
            (Ok(_), Err(error)) => panic!("{point:?}: the question can be read, its answer is {error}"),
        }
        (answer, acted)
    }

    /// Asks a method. A number of the host may be none, which is not equal to itself: an error is given as text.
    fn ask(&mut self, point: HookPoint, messages: &Messages) -> Result<Answer, String> {
        self.asked(point, messages).map_err(|error| error.to_string())
    }

    fn asked(&mut self, point: HookPoint, messages: &Messages) -> Result<Answer, WireError> {
        let Messages { task, executor, framework, agent, status, .. } = messages;
        let hooks = &self.hooks;
        Ok(match point {
            HookPoint::MasterLaunchTaskLabels => {
                Answer::of(hooks.master_labels(task, framework, agent)?, Answer::Labels)
            }
            HookPoint::SlaveRunTaskLabels => {
                Answer::of(hooks.agent_labels(task, executor, framework, agent)?, Answer::Labels)
            }
            HookPoint::MasterLaunchTaskResources => {
                let room = Room::for_task(&task.resources, &messages.left);
                let resources = hooks.master_resources(task, &messages.agent_resources, &room)?;
                Answer::of(resources, Answer::Resources)
            }
            HookPoint::SlaveExecutorEnvironment => {
                Answer::of(hooks.executor_environment(executor)?, Answer::Environment)
            }
            HookPoint::SlavePreLaunchDockerTaskExecutor => {
                let variables: Vec<&[u8]> = messages.variables.iter().map(Vec::as_slice).collect();
                let launch = launch(messages, &variables);
                Answer::of(hooks.docker(messages.docker_task(), executor, launch)?, Answer::Docker)
            }
            HookPoint::SlaveTaskStatus => {
                Answer::of(hooks.status_labels(framework_id(messages), status)?, Answer::Labels)
            }
            HookPoint::SlaveResources => Answer::of(hooks.agent_resources(agent)?, Answer::Resources),
            HookPoint::SlaveAttributes => Answer::of_attributes(hooks.agent_attributes(agent)),
            HookPoint::SlaveRemoveExecutor => {
                hooks.executor_removed(framework, executor)?;
                Answer::Nothing
            }
            HookPoint::SlavePostFetch => {
                hooks.post_fetch(&messages.container, &messages.sandbox);
                Answer::Nothing
            }
            HookPoint::MasterSlaveLost => {
                hooks.agent_lost(agent);
                Answer::Nothing
            }
            HookPoint::ContainerPrepare => unreachable!("no point of the hook module"),
        })
    }

    /// The same in the form of the rules. What the hooks remember is looked up before they are asked, which may forget it.
    fn question(&self, point: HookPoint, messages: &Messages) -> Result<Question, WireError> {
        let Messages { task, executor, framework, agent, status, .. } = messages;
        let host = &rules::host();
        Ok(match point {
            HookPoint::MasterLaunchTaskLabels => question::master_labels(task, framework, agent, host)?,
            HookPoint::SlaveRunTaskLabels => question::agent_labels(task, executor, framework, agent, host)?,
            HookPoint::MasterLaunchTaskResources => {
                let room = Room::for_task(&task.resources, &messages.left);
                question::master_resources(task, &messages.agent_resources, &room.amounts(), host)?
            }
            HookPoint::SlaveExecutorEnvironment => {
                question::executor_environment(executor, self.recalled(messages).as_deref(), host)?
            }
            HookPoint::SlavePreLaunchDockerTaskExecutor => {
                let variables: Vec<&[u8]> = messages.variables.iter().map(Vec::as_slice).collect();
                let launch = launch(messages, &variables);
                let remembered = self.recalled(messages);
                question::docker(messages.docker_task(), executor, launch, remembered.as_deref(), host)?
            }
            HookPoint::SlaveTaskStatus => {
                let key = task_key(&status.task_id.value);
                let remembered = self.remembered.recall(framework_id(messages), &key);
                question::status_labels(framework_id(messages), status, remembered.as_deref(), host)?
            }
            HookPoint::SlaveResources => question::agent_resources(agent, host)?,
            HookPoint::SlaveAttributes => question::agent_attributes(agent, host),
            HookPoint::SlaveRemoveExecutor => {
                let remembered = self.remembered.recall(framework_id(messages), &executor.executor_id.value);
                question::executor_removed(framework, executor, remembered.as_deref(), host)?
            }
            HookPoint::SlavePostFetch => {
                let remembered = self.recalled(messages);
                question::post_fetch(&messages.container, &messages.sandbox, remembered.as_deref(), host)
            }
            HookPoint::MasterSlaveLost => question::agent_lost(agent, host),
            HookPoint::ContainerPrepare => unreachable!("no point of the hook module"),
        })
    }

    fn recalled(&self, messages: &Messages) -> Option<Arc<HookCall>> {
        let executor = &messages.executor.executor_id.value;
        self.remembered.recall(messages.executor_framework_id()?, executor)
    }
}

fn framework_id(messages: &Messages) -> &[u8] {
    messages.framework.id.as_ref().map(|id| id.value.as_slice()).unwrap_or_default()
}

/// Under what the hooks remember a task.
fn task_key(id: &[u8]) -> Vec<u8> {
    [b"\0task ", id].concat()
}

fn launch<'a>(messages: &'a Messages, environment: &'a [&'a [u8]]) -> DockerLaunch<'a> {
    DockerLaunch { container: &messages.container_name, sandbox: &messages.sandbox, environment }
}
