//! One framework of a race, and what it was told.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use apportion_rig::{Event, Framework, FrameworkSpec, Offer, RigError, TaskState, TaskStatus};
use serde_json::Value;

use crate::amounts::Amounts;
use crate::plan::{Plan, PlannedTask};
use crate::{OWNERS_ROLE, priority};

/// How long an answer may take. Far more than it takes.
const ANSWERED_WITHIN: Duration = Duration::from_secs(30);
/// How long it may take until everything can be had again: hundreds of cycles, as the machine may be busy.
const READY_WITHIN: Duration = Duration::from_secs(20);
/// How the message of a launch begins that the ledger turned down.
const TURNED_DOWN: &str = "[not launched: ";

/// How a launch was answered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    /// None yet.
    Missing,
    Running,
    /// The ledger let it not go.
    TurnedDown,
    /// The master found it invalid.
    Invalid(String),
    /// It has ended otherwise, after it ran or before anybody knew.
    Ended(TaskState, Option<String>),
}

/// A framework with its books.
#[derive(Debug)]
pub(crate) struct Racer {
    framework: Framework,
    pub(crate) role: String,
    offers: Vec<Offer>,
    /// What it was offered last instead of what it was to be.
    declined: Option<Offer>,
    /// What it launched and has not seen the end of, and what it launched in the present race.
    pub(crate) tasks: BTreeMap<String, Answer>,
    /// What should not have happened.
    pub(crate) findings: Vec<String>,
}

impl Racer {
    pub(crate) fn spec(name: &str, role: &str) -> FrameworkSpec {
        FrameworkSpec::new(name)
            .roles(&[role])
            .capabilities(&["REVOCABLE_RESOURCES"])
            .checkpoint(true)
            .failover_timeout(Duration::from_secs(600))
    }

    pub(crate) fn new(framework: Framework, role: &str) -> Racer {
        Racer {
            framework,
            role: role.to_owned(),
            offers: Vec::new(),
            declined: None,
            tasks: BTreeMap::new(),
            findings: Vec::new(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        self.framework.name()
    }

    pub(crate) fn is_owner(&self) -> bool {
        self.role == OWNERS_ROLE
    }

    pub(crate) fn priority(&self) -> u32 {
        priority(&self.role)
    }

    /// What of an owner's offers it could launch on.
    pub(crate) fn held(&self) -> Amounts {
        self.offers.iter().map(Amounts::regular_of).sum()
    }

    /// Forgets the tasks that have ended.
    pub(crate) fn forget_ended(&mut self) {
        self.tasks.retain(|_, answer| matches!(answer, Answer::Missing | Answer::Running));
    }

    /// Waits until nothing but `alive` runs of it, and until a borrower holds exactly one offer of `expected`, if it is
    /// expected to have one. Anything else that it is offered it declines.
    pub(crate) fn get_ready(
        &mut self,
        expected: Option<Amounts>,
        alive: &BTreeSet<String>,
    ) -> Result<Duration, String> {
        let started = Instant::now();
        loop {
            while let Some(event) = self.next(Duration::ZERO)? {
                self.hear(event);
            }
            let has_ended = |(task, answer): (&String, &Answer)| {
                alive.contains(task) || !matches!(answer, Answer::Running | Answer::Missing)
            };
            let only_alive = self.tasks.iter().all(has_ended);
            if !self.is_owner() {
                self.decline_all_but(expected)?;
            }
            let has_loan = self.is_owner() || expected.is_none() || !self.offers.is_empty();
            if only_alive && has_loan {
                return Ok(started.elapsed());
            }
            let left = READY_WITHIN.saturating_sub(started.elapsed());
            match self.next(left)? {
                Some(event) => self.hear(event),
                None => {
                    let there: Vec<Amounts> = self.offers.iter().map(Amounts::lent_of).collect();
                    return Err(format!(
                        "{} in role {} waited {READY_WITHIN:?} for an offer of {expected:?}, and for the end of all \
                         tasks but {alive:?}; it holds {there:?}, its tasks are {:?}, it declined last: {:?}",
                        self.name(),
                        self.role,
                        self.tasks,
                        self.declined.as_ref().map(Offer::resources)
                    ));
                }
            }
        }
    }

    fn decline_all_but(&mut self, expected: Option<Amounts>) -> Result<(), String> {
        let mut wanted = expected;
        let (kept, others): (Vec<Offer>, Vec<Offer>) = self
            .offers
            .drain(..)
            .partition(|offer| wanted.take_if(|expected| Amounts::lent_of(offer).same(*expected)).is_some());
        self.offers = kept;
        // Without a loan to wait for, offers stay where they are: nobody is to ask again and again.
        if expected.is_none() {
            self.offers.extend(others);
            return Ok(());
        }
        for offer in others {
            if Amounts::regular_of(&offer) != Amounts::default() {
                self.findings.push(format!("{} was offered what is not lent: {offer:?}", self.name()));
            }
            self.framework
                .decline(std::slice::from_ref(&offer), Some(0.0))
                .map_err(|error| error.to_string())?;
            self.declined = Some(offer);
        }
        Ok(())
    }

    /// Launches by the plan on the offers it holds. Without an offer, or without a task, it gives the offers back.
    pub(crate) fn launch(&mut self, plan: &Plan) -> Result<(), RigError> {
        if plan.keeps_offers || self.offers.is_empty() {
            return Ok(());
        }
        let offers = std::mem::take(&mut self.offers);
        if plan.tasks.is_empty() {
            return self.framework.decline(&offers, Some(0.0));
        }
        self.tasks.extend(plan.tasks.iter().map(|task| (task.id.clone(), Answer::Missing)));
        let mut stock: Vec<Value> = offers.iter().flat_map(Offer::resources).cloned().collect();
        let is_owner = self.is_owner();
        let specs: Vec<_> = plan.tasks.iter().map(|task| task.spec(&mut stock, is_owner)).collect();
        self.framework.launch_on_all(&offers, &specs, Some(0.0))
    }

    /// Waits until each launch is answered.
    pub(crate) fn wait_for_answers(&mut self) -> Result<Duration, String> {
        let started = Instant::now();
        while self.tasks.values().any(|answer| *answer == Answer::Missing) {
            match self.next(ANSWERED_WITHIN.saturating_sub(started.elapsed()))? {
                Some(event) => self.hear(event),
                None => return Err(format!("{}: not answered: {:?}", self.name(), self.tasks)),
            }
        }
        Ok(started.elapsed())
    }

    /// Kills all that runs of it.
    pub(crate) fn kill_all(&mut self) -> Result<(), String> {
        let running = self.tasks.iter().filter(|(_, answer)| **answer == Answer::Running);
        for (task, _) in running {
            self.framework.kill(task, Some(Duration::ZERO)).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// Hears what has come and is not heard yet.
    pub(crate) fn listen(&mut self) -> Result<(), String> {
        while let Some(event) = self.next(Duration::ZERO)? {
            self.hear(event);
        }
        Ok(())
    }

    /// Subscribes with a master that was started again, and asks it for all tasks that it knows to run or does not know
    /// of. Which of them run is what `agent` says; until it is back, the master cannot tell.
    pub(crate) fn resubscribe(&mut self, master: &str) -> Result<(), String> {
        self.offers.clear();
        self.framework.resubscribe(master).map_err(|error| error.to_string())
    }

    /// Asks for the state of all tasks whose end it has not seen.
    pub(crate) fn reconcile(&mut self) -> Result<(), String> {
        self.forget_ended();
        let tasks: Vec<String> = self.tasks.keys().cloned().collect();
        if tasks.is_empty() {
            return Ok(());
        }
        self.tasks.values_mut().for_each(|answer| *answer = Answer::Missing);
        let tasks: Vec<&str> = tasks.iter().map(String::as_str).collect();
        self.framework.reconcile(&tasks).map_err(|error| error.to_string())
    }

    fn next(&mut self, within: Duration) -> Result<Option<Event>, String> {
        self.framework.next_arrival(within).map_err(|error| error.to_string())
    }

    fn hear(&mut self, event: Event) {
        match event {
            Event::Offers(offers) => self.offers.extend(offers),
            Event::Rescinded(id) => self.offers.retain(|offer| offer.id != id),
            Event::Update(status) => self.hear_status(&status),
            _ => {}
        }
    }

    fn hear_status(&mut self, status: &TaskStatus) {
        let is_evicted = status.reason.as_deref() == Some("REASON_CONTAINER_PREEMPTED");
        if is_evicted && self.is_owner() {
            self.findings.push(format!("regular task {} was evicted", status.task_id));
        }
        let Some(answer) = self.tasks.get_mut(&status.task_id) else { return };
        let is_over = !matches!(answer, Answer::Missing | Answer::Running);
        match status.state {
            _ if is_over => {}
            TaskState::Running => *answer = Answer::Running,
            TaskState::Error if status.text.contains(TURNED_DOWN) => *answer = Answer::TurnedDown,
            TaskState::Error => *answer = Answer::Invalid(status.text.clone()),
            state if state.is_terminal() => *answer = Answer::Ended(state, status.reason.clone()),
            _ => {}
        }
    }

    /// What the answers have to be, whoever won. An agent that evicts what is still being started calls that a failed
    /// launch; `evicted_early` knows whom it did that to.
    pub(crate) fn check(&mut self, planned: &[PlannedTask], evicted_early: impl Fn(&str) -> bool) {
        for task in planned {
            let answer = self.tasks.get(&task.id).cloned().unwrap_or(Answer::Missing);
            let wrong = match &answer {
                Answer::Running => task.invalid,
                Answer::TurnedDown => self.is_owner(),
                Answer::Invalid(_) => !task.invalid && !task.excessive,
                Answer::Ended(state, reason) => {
                    let evicted = match (state, reason.as_deref()) {
                        (TaskState::Lost, Some("REASON_CONTAINER_PREEMPTED")) => true,
                        (TaskState::Failed, Some("REASON_CONTAINER_LAUNCH_FAILED")) => {
                            evicted_early(&task.id)
                        }
                        _ => false,
                    };
                    self.is_owner() || !evicted
                }
                Answer::Missing => true,
            };
            if wrong {
                self.findings.push(format!("{} was answered {answer:?} for {task:?}", self.name()));
            }
        }
        let mut gangs: BTreeMap<&str, BTreeSet<bool>> = BTreeMap::new();
        for (task, gang) in planned.iter().filter_map(|task| Some((task, task.gang.as_deref()?))) {
            let admitted = self.tasks.get(&task.id) != Some(&Answer::TurnedDown);
            gangs.entry(gang).or_default().insert(admitted);
        }
        let torn: Vec<String> =
            gangs.iter().filter(|(_, kinds)| kinds.len() > 1).map(|(gang, _)| (*gang).to_owned()).collect();
        for gang in torn {
            self.findings.push(format!("{}: gang {gang} was torn apart: {:?}", self.name(), self.tasks));
        }
    }
}
