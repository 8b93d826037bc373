//! The framework of the drills: a program of its own, so that it can be killed as one.
//!
//! It is told what to do by lines on its standard input (`Command`) and writes its journal to standard output. While
//! it churns it takes offers and declines, holds or accepts them as the seed has it, launches tasks, reserves, makes
//! and destroys volumes, suppresses and revives. While it is quiet it holds every offer. It keeps nothing: a run that
//! follows a kill knows its framework id alone, and learns all else from the master.

mod plan;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, Stdout};
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::thread;
use std::time::{Duration, Instant};

use apportion_rig::{Event, Framework, FrameworkSpec, Offer, RigError, TaskState, TaskStatus};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::DrillError;
use crate::journal::{Journal, OfferEntry, Step};
use apportion_cluster_tests::Random;
pub(crate) use plan::{MARKED_CPUS, MARKED_DISK_MB, MARKED_MEM_MB, marked};
use plan::{Names, Plan, Room};

/// How long it listens before it looks at its offers and commands again.
const LISTEN: Duration = Duration::from_millis(4);
/// The master keeps the tasks of a framework that is away for so long: longer than any drill.
const FAILOVER_TIMEOUT: Duration = Duration::from_secs(3600);
/// Reservations it makes at most, those of other frameworks of its role counted.
const MARKS_MAX: usize = 6;
/// Tasks that run at once at most.
const TASKS_MAX: usize = 4;
/// Mean time between two changes of mind about wanting offers.
const SUPPRESS_EVERY_MS: u64 = 150;

/// What a run of the program is to be, as JSON in its only argument.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Orders {
    /// `host:port` of the master.
    pub master: String,
    /// The framework's name.
    pub name: String,
    /// Its only role.
    pub role: String,
    /// Seed of its choices.
    pub seed: u64,
    /// Number of this run among those of the framework.
    pub run: u64,
    /// The id an earlier run got.
    pub framework_id: Option<String>,
    /// While this file exists no task ends.
    pub tasks_last_while: PathBuf,
}

/// A line of standard input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Command {
    /// Take steps.
    Churn,
    /// Hold every offer; want all offers again, without filters.
    BeQuiet,
    /// The connection is lost and the master is back: subscribe again.
    Subscribe,
}

/// Runs until standard input ends.
///
/// # Errors
/// When the orders cannot be read, the first subscription fails or the journal cannot be written.
pub fn run(orders: &str) -> Result<(), DrillError> {
    let orders: Orders = serde_json::from_str(orders)
        .map_err(|error| DrillError::finding(format!("{orders}: no orders of a drill: {error}")))?;
    let commands = read_commands();
    let mut spec = FrameworkSpec::new(&orders.name)
        .roles(&[&orders.role])
        .capabilities(&["RESERVATION_REFINEMENT"])
        .checkpoint(true)
        .failover_timeout(FAILOVER_TIMEOUT)
        // What was acknowledged is not told again: it has to stand in the journal before.
        .without_acknowledgement();
    if let Some(id) = &orders.framework_id {
        spec = spec.field("id", json!({"value": id}));
    }
    let framework = Framework::subscribe(&orders.master, spec)?;
    let prefix = format!("{}-{}", orders.name, orders.run);
    let mut program = Program {
        random: Random::part(orders.seed, orders.run),
        names: Names { prefix, used: 0 },
        orders,
        framework,
        journal: Journal::new(io::stdout()),
        offers: BTreeMap::new(),
        running: BTreeSet::new(),
        marks: BTreeSet::new(),
        churning: false,
        connected: true,
        suppressed: false,
        mind_changes: Instant::now(),
    };
    program.begin()?;
    program.serve(&commands)
}

/// The receiver is disconnected when standard input ends.
fn read_commands() -> Receiver<Command> {
    let (sender, commands) = mpsc::channel();
    thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            let Ok(command) = serde_json::from_str(&line) else { return };
            if sender.send(command).is_err() {
                return;
            }
        }
    });
    commands
}

#[derive(Debug)]
struct Program {
    orders: Orders,
    random: Random,
    names: Names,
    framework: Framework,
    journal: Journal<Stdout>,
    /// Offers in hand, and when to act on them; at once, or after they were held on purpose.
    offers: BTreeMap<String, (Offer, Option<Instant>)>,
    running: BTreeSet<String>,
    /// Every mark it has seen or made and not given up since it began to churn. Others give up marks, too.
    marks: BTreeSet<String>,
    churning: bool,
    connected: bool,
    suppressed: bool,
    mind_changes: Instant,
}

impl Program {
    /// After each subscription: writes it down and asks for the tasks the master knows.
    fn begin(&mut self) -> Result<(), DrillError> {
        self.connected = true;
        self.suppressed = false;
        self.offers.clear();
        // A task whose launch was lost with the old master is never heard of again.
        self.running.clear();
        self.write(Step::Subscribed { framework_id: self.framework.id().to_owned() })?;
        let reconciled = self.framework.reconcile(&[]);
        self.note_refusal("RECONCILE", reconciled)?;
        if !self.churning {
            self.write(Step::Quiet)?;
        }
        Ok(())
    }

    fn serve(&mut self, commands: &Receiver<Command>) -> Result<(), DrillError> {
        loop {
            let command = if self.connected {
                match commands.try_recv() {
                    Err(TryRecvError::Disconnected) => return Ok(()),
                    Err(TryRecvError::Empty) => None,
                    Ok(command) => Some(command),
                }
            } else {
                let Ok(command) = commands.recv() else { return Ok(()) };
                Some(command)
            };
            if let Some(command) = command {
                self.obey(command)?;
            }
            if !self.connected {
                continue;
            }
            match self.framework.next_arrival(LISTEN) {
                Ok(Some(event)) => self.take(event)?,
                Ok(None) => {}
                Err(error) => self.lose_connection(&error)?,
            }
            if self.churning && self.connected {
                self.act()?;
            }
        }
    }

    fn obey(&mut self, command: Command) -> Result<(), DrillError> {
        match command {
            Command::Churn => {
                self.churning = true;
                self.marks.clear();
                for (offer, _) in self.offers.values() {
                    self.marks.extend(plan::marks(offer).map(str::to_owned));
                }
                self.write(Step::Churning)
            }
            Command::BeQuiet => {
                self.churning = false;
                if !self.connected {
                    return Ok(());
                }
                self.write(Step::Reviving)?;
                let revived = self.framework.revive(&[]);
                self.suppressed = false;
                self.note_refusal("REVIVE", revived)?;
                self.write(Step::Quiet)
            }
            Command::Subscribe => {
                let master = self.orders.master.clone();
                match self.framework.resubscribe(&master) {
                    Ok(()) => self.begin(),
                    Err(error) => self.lose_connection(&error),
                }
            }
        }
    }

    fn lose_connection(&mut self, error: &RigError) -> Result<(), DrillError> {
        self.framework.disconnect();
        self.connected = false;
        self.offers.clear();
        self.write(Step::Disconnected { reason: error.to_string() })
    }

    fn take(&mut self, event: Event) -> Result<(), DrillError> {
        match event {
            Event::Offers(offers) => {
                let entry = |offer: &Offer| OfferEntry {
                    id: offer.id.clone(),
                    agent: offer.agent_id.clone(),
                    resources: json!(offer.resources()),
                };
                self.write(Step::Offered { offers: offers.iter().map(entry).collect() })?;
                for offer in offers {
                    self.marks.extend(plan::marks(&offer).map(str::to_owned));
                    self.offers.insert(offer.id.clone(), (offer, None));
                }
                Ok(())
            }
            Event::Rescinded(offer) => {
                self.offers.remove(&offer);
                self.write(Step::Rescinded { offer })
            }
            Event::Update(status) => self.take_task_update(status),
            Event::Other(message) if message["type"] == "UPDATE_OPERATION_STATUS" => {
                self.take_operation_update(&message["update_operation_status"]["status"])
            }
            _ => Ok(()),
        }
    }

    fn take_task_update(&mut self, status: TaskStatus) -> Result<(), DrillError> {
        if status.state.is_terminal() {
            self.running.remove(&status.task_id);
        } else if status.state != TaskState::Unknown {
            self.running.insert(status.task_id.clone());
        }
        self.write(Step::TaskUpdate {
            task: status.task_id.clone(),
            state: text(&status.message["state"]),
            reason: status.reason.clone().unwrap_or_default(),
            text: status.text.clone(),
            at: status.message["timestamp"].as_f64(),
        })?;
        let acknowledged = self.framework.acknowledge(&status);
        self.note_refusal("ACKNOWLEDGE", acknowledged)
    }

    fn take_operation_update(&mut self, status: &Value) -> Result<(), DrillError> {
        self.write(Step::OperationUpdate {
            operation: text(&status["operation_id"]["value"]),
            state: text(&status["state"]),
            text: text(&status["message"]),
        })?;
        // Statuses that the master makes up itself carry no uuid and want no acknowledgement.
        if status["uuid"].is_null() {
            return Ok(());
        }
        let acknowledge = json!({
            "agent_id": status["agent_id"],
            "operation_id": status["operation_id"],
            "uuid": status["uuid"]["value"],
        });
        let name = "ACKNOWLEDGE_OPERATION_STATUS";
        let sent = self.framework.call(name, &json!({"acknowledge_operation_status": acknowledge}));
        self.note_refusal(name, sent)
    }

    /// Takes the steps that are due.
    fn act(&mut self) -> Result<(), DrillError> {
        let now = Instant::now();
        if self.mind_changes <= now {
            self.mind_changes = now + self.random.millis(1, 2 * SUPPRESS_EVERY_MS);
            self.change_mind()?;
        }
        let due = |until: &Option<Instant>| until.is_none_or(|until| until <= now);
        let due: Vec<String> =
            self.offers.iter().filter(|(_, (_, until))| due(until)).map(|(id, _)| id.clone()).collect();
        for id in due {
            if let Some((offer, until)) = self.offers.remove(&id) {
                self.use_offer(offer, until.is_some())?;
            }
        }
        Ok(())
    }

    fn change_mind(&mut self) -> Result<(), DrillError> {
        let outcome = if self.suppressed {
            self.write(Step::Reviving)?;
            self.suppressed = false;
            self.framework.revive(&[])
        } else if self.random.percent(25) {
            self.write(Step::Suppressing)?;
            self.suppressed = true;
            self.framework.suppress(&[])
        } else {
            return Ok(());
        };
        self.note_refusal("SUPPRESS or REVIVE", outcome)
    }

    fn use_offer(&mut self, offer: Offer, was_held: bool) -> Result<(), DrillError> {
        let room = Room {
            marks: MARKS_MAX.saturating_sub(self.marks.len()),
            tasks: TASKS_MAX.saturating_sub(self.running.len()),
        };
        let lasts_while = self.orders.tasks_last_while.to_string_lossy();
        let (names, random) = (&mut self.names, &mut self.random);
        match plan::choose(&offer, &self.orders.role, &lasts_while, room, was_held, names, random) {
            Plan::Hold(time) => {
                self.offers.insert(offer.id.clone(), (offer, Some(Instant::now() + time)));
                Ok(())
            }
            Plan::Decline { refuse_seconds } => {
                self.write(Step::Declining { offers: vec![offer.id.clone()], refuse_seconds })?;
                let declined = self.framework.decline(&[offer], Some(refuse_seconds));
                self.note_refusal("DECLINE", declined)
            }
            Plan::Accept { operations, entries, tasks, refuse_seconds } => {
                self.running.extend(tasks.iter().map(|task| task.id.clone()));
                self.marks.extend(entries.iter().map(|entry| entry.mark.clone()));
                for entry in entries.iter().filter(|entry| entry.change == crate::journal::Change::Unreserve)
                {
                    self.marks.remove(&entry.mark);
                }
                let (id, agent) = (offer.id.clone(), offer.agent_id.clone());
                self.write(Step::Accepting { offer: id, agent, operations: entries, tasks })?;
                let accepted = self.framework.accept(&[offer], operations, Some(refuse_seconds));
                self.note_refusal("ACCEPT", accepted)
            }
        }
    }

    /// A call that is not taken is no failure here: the master may be gone, which the connection will tell.
    fn note_refusal(&mut self, call: &str, outcome: Result<(), RigError>) -> Result<(), DrillError> {
        match outcome {
            Ok(()) => Ok(()),
            Err(error) => self.write(Step::Refused { call: call.to_owned(), detail: error.to_string() }),
        }
    }

    fn write(&mut self, step: Step) -> Result<(), DrillError> {
        self.journal.write(step).map_err(DrillError::io("write", "the journal".as_ref()))
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
