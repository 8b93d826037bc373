//! A framework that speaks Mesos' v1 HTTP scheduler API, for tests and the demo.
//!
//! Events are read by a thread, which also acknowledges status updates. Waiting methods take a deadline and file
//! whatever else arrives meanwhile: offers wait for [`Framework::next_offers`], statuses for
//! [`Framework::wait_status`], the rest for [`Framework::next_event`].

mod answer;
mod event;
mod side_by_side;
mod spec;
mod subscription;

use std::collections::{HashMap, VecDeque};
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

pub use event::{Event, Offer, TaskState, TaskStatus};
pub(crate) use spec::limits_json;
pub use spec::{FrameworkSpec, TaskSpec, scalar};

use crate::error::RigError;
use crate::wait::{Look, wait_for};
use subscription::Subscription;

const SUBSCRIBE_LIMIT: Duration = Duration::from_secs(30);

/// Statuses of one task, and how many of them a wait has passed.
#[derive(Debug, Default)]
struct TaskHistory {
    statuses: Vec<TaskStatus>,
    passed: usize,
}

/// A subscribed framework. Dropping it breaks the connection, as a crash would; [`Framework::teardown`] ends it.
#[derive(Debug)]
pub struct Framework {
    spec: FrameworkSpec,
    id: String,
    subscription: Option<Subscription>,
    offers: VecDeque<Offer>,
    tasks: HashMap<String, TaskHistory>,
    events: VecDeque<Event>,
}

impl Framework {
    /// Subscribes with the master at `master` (`host:port`).
    ///
    /// # Errors
    /// When the master refuses, or does not answer in 30 seconds.
    pub fn subscribe(master: &str, spec: FrameworkSpec) -> Result<Framework, RigError> {
        let mut framework = Framework {
            spec,
            id: String::new(),
            subscription: None,
            offers: VecDeque::new(),
            tasks: HashMap::new(),
            events: VecDeque::new(),
        };
        framework.open(master, None)?;
        Ok(framework)
    }

    /// Subscribes again under the same id: after a restart of the master, or in place of a broken connection.
    /// Offers of the earlier subscription are forgotten, as the master has taken them back.
    ///
    /// # Errors
    /// When the master refuses, or does not accept it in 30 seconds.
    pub fn resubscribe(&mut self, master: &str) -> Result<(), RigError> {
        self.disconnect();
        self.offers.clear();
        let id = self.id.clone();
        self.open(master, Some(&id))
    }

    fn open(&mut self, master: &str, id: Option<&str>) -> Result<(), RigError> {
        let (subscribe, acknowledges) = (self.spec.subscribe(id), self.spec.acknowledges);
        // A master that has just started refuses until it leads.
        let what = format!("a subscription of framework {} with {master}", self.spec.name);
        let subscription = wait_for(&what, SUBSCRIBE_LIMIT, || {
            match Subscription::open(master, &subscribe, acknowledges) {
                Ok(subscription) => Ok(Look::Here(subscription)),
                Err(error) => Ok(Look::Missing(error.to_string())),
            }
        })?;
        self.subscription = Some(subscription);
        let started = Instant::now();
        while let Some(event) = self.receive(SUBSCRIBE_LIMIT.saturating_sub(started.elapsed()))? {
            if let Event::Subscribed(id) = event {
                if let Some(subscription) = &mut self.subscription {
                    subscription.set_framework_id(&id);
                }
                self.id = id;
                return Ok(());
            }
            self.file(event);
        }
        Err(self.deadline("SUBSCRIBED", SUBSCRIBE_LIMIT))
    }

    /// The id the master gave it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.spec.name
    }

    /// `FrameworkInfo` as it has subscribed, with its id: what an `UPDATE_FRAMEWORK` call starts from.
    pub fn info(&self) -> Value {
        self.spec.info(Some(&self.id))
    }

    /// Breaks the connection, as a crash would. With a failover timeout its tasks go on.
    pub fn disconnect(&mut self) {
        self.subscription = None;
    }

    /// The next offers: those that wait already, or the next that arrive.
    ///
    /// # Errors
    /// [`RigError::Deadline`] when none arrive in time; [`RigError::Subscription`] when the connection ends.
    pub fn next_offers(&mut self, within: Duration) -> Result<Vec<Offer>, RigError> {
        let started = Instant::now();
        while self.offers.is_empty() {
            if !self.take_event(within.saturating_sub(started.elapsed()))? {
                return Err(self.deadline("an offer", within));
            }
        }
        Ok(self.offers.drain(..).collect())
    }

    /// The offers that the framework has had for `thinking`, as of a scheduler that takes its time to decide: those
    /// that have it now, or the first to get there. Meanwhile it hears whatever else arrives, and an offer that the
    /// master takes back is none of them. Only its own thread waits, so others are not held up.
    ///
    /// # Errors
    /// [`RigError::Deadline`] when there is none in time; [`RigError::Subscription`] when the connection ends.
    pub fn offers_thought_over(
        &mut self,
        thinking: Duration,
        within: Duration,
    ) -> Result<Vec<Offer>, RigError> {
        let started = Instant::now();
        loop {
            // Whatever has arrived is heard first: a rescission may be among it.
            while self.take_event(Duration::ZERO)? {}
            let ripe = self.offers.iter().take_while(|offer| offer.held_for() >= thinking).count();
            if ripe > 0 {
                return Ok(self.offers.drain(..ripe).collect());
            }
            let left = within.saturating_sub(started.elapsed());
            if left.is_zero() {
                return Err(self.deadline(&format!("an offer held for {thinking:?}"), within));
            }
            let first = self.offers.front().map(|offer| thinking.saturating_sub(offer.held_for()));
            self.take_event(first.map_or(left, |first| first.min(left)))?;
        }
    }

    /// Listens for that long, and returns the offers that came: for tests that expect none.
    ///
    /// # Errors
    /// [`RigError::Subscription`] when the connection ends.
    pub fn offers_during(&mut self, time: Duration) -> Result<Vec<Offer>, RigError> {
        let started = Instant::now();
        while self.take_event(time.saturating_sub(started.elapsed()))? {}
        Ok(self.offers.drain(..).collect())
    }

    /// Waits until the task reports `state`; statuses up to that one are passed, so that a later wait looks at newer
    /// ones only.
    ///
    /// # Errors
    /// [`RigError::TaskState`] when the task ends otherwise, [`RigError::Deadline`] when it does not get there in
    /// time; [`RigError::Subscription`] when the connection ends.
    pub fn wait_status(
        &mut self,
        task: &str,
        state: TaskState,
        within: Duration,
    ) -> Result<TaskStatus, RigError> {
        let started = Instant::now();
        loop {
            let history = self.tasks.entry(task.to_owned()).or_default();
            while let Some(status) = history.statuses.get(history.passed) {
                history.passed += 1;
                if status.state == state {
                    return Ok(status.clone());
                }
                if status.state.is_terminal() {
                    return Err(RigError::TaskState {
                        task: task.to_owned(),
                        expected: format!("{state:?}"),
                        found: describe(&history.statuses),
                    });
                }
            }
            if !self.take_event(within.saturating_sub(started.elapsed()))? {
                return Err(self.deadline(&format!("task {task} to become {state:?}"), within));
            }
        }
    }

    /// The next status of a task, whichever it is: the first that no wait has passed yet.
    ///
    /// # Errors
    /// [`RigError::Deadline`] when none arrives in time; [`RigError::Subscription`] when the connection ends.
    pub fn next_status(&mut self, task: &str, within: Duration) -> Result<TaskStatus, RigError> {
        let started = Instant::now();
        loop {
            let history = self.tasks.entry(task.to_owned()).or_default();
            if let Some(status) = history.statuses.get(history.passed) {
                history.passed += 1;
                return Ok(status.clone());
            }
            if !self.take_event(within.saturating_sub(started.elapsed()))? {
                return Err(self.deadline(&format!("a status of task {task}"), within));
            }
        }
    }

    /// Waits until the task has ended, however it did; see [`TaskState::is_terminal`].
    ///
    /// # Errors
    /// [`RigError::Deadline`] when it has not in time; [`RigError::Subscription`] when the connection ends.
    pub fn wait_for_end(&mut self, task: &str, within: Duration) -> Result<TaskStatus, RigError> {
        let started = Instant::now();
        loop {
            let status = self.next_status(task, within.saturating_sub(started.elapsed()))?;
            if status.state.is_terminal() {
                return Ok(status);
            }
        }
    }

    /// Every status of a task so far.
    pub fn statuses(&self, task: &str) -> &[TaskStatus] {
        self.tasks.get(task).map_or(&[], |history| &history.statuses)
    }

    /// The next event that is neither an offer nor a status.
    ///
    /// # Errors
    /// [`RigError::Deadline`] when none arrives in time; [`RigError::Subscription`] when the connection ends.
    pub fn next_event(&mut self, within: Duration) -> Result<Event, RigError> {
        let started = Instant::now();
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(event);
            }
            if !self.take_event(within.saturating_sub(started.elapsed()))? {
                return Err(self.deadline("an event", within));
            }
        }
    }

    /// The next event of any kind, in the order of arrival, for a program that handles all of them; `None` when none
    /// comes in time. What an earlier wait has filed is not among them.
    ///
    /// # Errors
    /// [`RigError::Subscription`] when the connection ends.
    pub fn next_arrival(&mut self, within: Duration) -> Result<Option<Event>, RigError> {
        self.receive(within)
    }

    /// Waits until the connection ends; returns why.
    ///
    /// # Errors
    /// [`RigError::Deadline`] when it still stands after that time.
    pub fn wait_for_disconnection(&mut self, within: Duration) -> Result<String, RigError> {
        let started = Instant::now();
        loop {
            match self.take_event(within.saturating_sub(started.elapsed())) {
                Ok(true) => {}
                Ok(false) => return Err(self.deadline("the end of the connection", within)),
                Err(RigError::Subscription { message, .. }) => return Ok(message),
                Err(other) => return Err(other),
            }
        }
    }

    /// Wants no offers for these roles (all of its roles when there are none).
    ///
    /// # Errors
    /// When the call is refused.
    pub fn suppress(&self, roles: &[&str]) -> Result<(), RigError> {
        self.call("SUPPRESS", &json!({"suppress": {"roles": roles}}))
    }

    /// Wants offers again for these roles (all when there are none); filters of earlier declines are removed.
    ///
    /// # Errors
    /// When the call is refused.
    pub fn revive(&self, roles: &[&str]) -> Result<(), RigError> {
        self.call("REVIVE", &json!({"revive": {"roles": roles}}))
    }

    /// Kills a task; it may take `grace` to end by itself (the executor's own choice without it).
    ///
    /// # Errors
    /// When the call is refused.
    pub fn kill(&self, task: &str, grace: Option<Duration>) -> Result<(), RigError> {
        let mut kill = json!({"task_id": {"value": task}});
        if let Some(grace) = grace {
            kill["kill_policy"] =
                json!({"grace_period": {"nanoseconds": u64::try_from(grace.as_nanos()).ok()}});
        }
        self.call("KILL", &json!({"kill": kill}))
    }

    /// Asks for the present state of tasks (of all when there are none); the answers arrive as statuses.
    ///
    /// # Errors
    /// When the call is refused.
    pub fn reconcile(&self, tasks: &[&str]) -> Result<(), RigError> {
        let tasks: Vec<Value> = tasks.iter().map(|task| json!({"task_id": {"value": task}})).collect();
        self.call("RECONCILE", &json!({"reconcile": {"tasks": tasks}}))
    }

    /// Acknowledges a status update, for a framework that was subscribed
    /// [without acknowledgement](FrameworkSpec::without_acknowledgement).
    ///
    /// # Errors
    /// When the framework is not connected or the call is refused.
    pub fn acknowledge(&self, status: &TaskStatus) -> Result<(), RigError> {
        match &self.subscription {
            Some(subscription) => subscription::acknowledge(&subscription.caller, &status.message),
            None => Err(self.closed("it is not connected")),
        }
    }

    /// Any other call: its type, and its fields besides.
    ///
    /// # Errors
    /// When the framework is not connected or the call is refused.
    pub fn call(&self, name: &str, fields: &Value) -> Result<(), RigError> {
        match &self.subscription {
            Some(subscription) => subscription.caller.call(name, fields),
            None => Err(self.closed("it is not connected")),
        }
    }

    /// Sends the same call so many times in one piece: a backlog for the master. Waits until all were accepted.
    ///
    /// # Errors
    /// When the framework is not connected or a call is refused.
    pub fn call_at_once(&self, name: &str, fields: &Value, times: usize) -> Result<(), RigError> {
        match &self.subscription {
            Some(subscription) => subscription.caller.call_at_once(name, fields, times),
            None => Err(self.closed("it is not connected")),
        }
    }

    /// Ends the framework and all its tasks.
    ///
    /// # Errors
    /// When the call is refused.
    pub fn teardown(self) -> Result<(), RigError> {
        self.call("TEARDOWN", &json!({}))
    }

    /// Waits for one event and files it; false when none came.
    fn take_event(&mut self, within: Duration) -> Result<bool, RigError> {
        let event = self.receive(within)?;
        let came = event.is_some();
        if let Some(event) = event {
            self.file(event);
        }
        Ok(came)
    }

    fn receive(&mut self, within: Duration) -> Result<Option<Event>, RigError> {
        let Some(subscription) = &self.subscription else { return Err(self.closed("it is not connected")) };
        match subscription.events.recv_timeout(within) {
            Ok(Event::Closed(reason)) => {
                self.subscription = None;
                Err(self.closed(&reason))
            }
            Ok(Event::Error(message)) => Err(self.closed(&message)),
            Ok(event) => Ok(Some(event)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(self.closed("the reading thread ended")),
        }
    }

    fn file(&mut self, event: Event) {
        match event {
            Event::Offers(offers) => self.offers.extend(offers),
            Event::Update(status) => {
                self.tasks.entry(status.task_id.clone()).or_default().statuses.push(status);
            }
            Event::Rescinded(id) => {
                self.offers.retain(|offer| offer.id != id);
                self.events.push_back(Event::Rescinded(id));
            }
            other => self.events.push_back(other),
        }
    }

    fn deadline(&self, what: &str, waited: Duration) -> RigError {
        let tasks: Vec<String> = self
            .tasks
            .iter()
            .map(|(task, history)| format!("{task}: {}", describe(&history.statuses)))
            .collect();
        RigError::Deadline {
            what: format!("{what} for framework {}", self.spec.name),
            waited,
            state: format!(
                "it has {} offers waiting; statuses so far: [{}]",
                self.offers.len(),
                tasks.join("; ")
            ),
        }
    }

    fn closed(&self, message: &str) -> RigError {
        RigError::Subscription { framework: self.spec.name.clone(), message: message.to_owned() }
    }
}

fn describe(statuses: &[TaskStatus]) -> String {
    let describe_one = |status: &TaskStatus| {
        let reason = status.reason.as_deref().unwrap_or("no reason");
        format!("{:?} ({reason}: {})", status.state, status.text)
    };
    statuses.iter().map(describe_one).collect::<Vec<_>>().join(", ")
}
