//! The agents' side of every conversation, and the threads it runs on.

use std::collections::{HashMap, HashSet};
use std::io::{self, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use prost::Message;
use uuid::Uuid;

use super::SimulatedSpec;
use super::messages::{
    AgentInfo, ApplyOperation, Attribute, Capability, Checkpoint, Domain, DomainName, FaultDomain, Id,
    KillTask, Range, Ranges, Register, Registered, Reregister, Resource, Revocable, RunTask, Scalar,
    StatusUpdate, TaskStatus, Text, Unregister, Update, UpdateAgent,
};
use super::provider::{Shelf, random_id};
use super::task::{Running, TaskEnd, TaskEvent, Tasks};
use super::wire::{self, Incoming};
use crate::error::RigError;

const VERSION: &str = "1.11.0";
/// What the agents say they can do. Without resource providers (4) they need not report their resources again, and
/// without operation feedback (6) they need not report on operations.
const CAPABILITIES: [i32; 6] = [1, 2, 3, 5, 7, 8];
/// What agents say that can have resource providers. They do not resize volumes (5): they carry operations out
/// themselves, and have no use for that one.
const CAPABILITIES_WITH_PROVIDERS: [i32; 6] = [1, 2, 3, 4, 7, 8];
const PORTS: Range = Range { begin: 31_000, end: 32_000 };
/// An agent without an answer to its registration repeats it.
const REGISTER_AGAIN: Duration = Duration::from_secs(5);
/// Pause before connecting to a master that is gone.
const RECONNECT_PAUSE: Duration = Duration::from_millis(100);

/// A master that is gone has sent what still arrives: agents hear it before they register with the next one.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// `TaskState` on the wire.
pub(super) const RUNNING: i32 = 1;
/// `Resource` and `Attribute` kinds on the wire.
pub(super) const SCALAR: i32 = 0;
const RANGES: i32 = 1;
const TEXT: i32 = 3;
/// `TaskStatus.Source` of an agent on the wire.
const SOURCE_AGENT: i32 = 1;

#[derive(Debug)]
pub(super) struct Swarm {
    spec: SimulatedSpec,
    master: String,
    address: String,
    port: i32,
    stopped: AtomicBool,
    /// Version of the agents' own resources, if they can have resource providers. It never changes: the master asks for
    /// nothing that they do not do.
    resource_version: Option<Id>,
    state: Mutex<State>,
    started_tasks: Sender<StartedTask>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    /// The connection to the master.
    out: Option<TcpStream>,
    /// Connections that the master opened.
    incoming: Vec<TcpStream>,
    /// How many of them are still read from.
    readers: usize,
    /// Ids the master gave, by the agents' own names; kept over restarts of the master.
    pub(super) ids: HashMap<String, Id>,
    /// Agents registered with the present master.
    registered: HashSet<String>,
    /// No connection is to be made, and no agent to register.
    away: bool,
    /// Reservations and volumes the agents were told to keep, by their own names.
    pub(super) checkpointed: HashMap<String, Vec<Vec<u8>>>,
    pub(super) tasks: Tasks,
    pub(super) shelf: Shelf,
}

impl State {
    fn break_connections(&mut self) {
        for stream in self.out.take().into_iter().chain(self.incoming.drain(..)) {
            // A connection that is closed already is as good.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

/// A task on its way to its end.
#[derive(Debug)]
struct StartedTask {
    ends: Instant,
    framework_id: Id,
    task_id: Id,
}

impl Swarm {
    pub(super) fn start(master: &str, spec: SimulatedSpec) -> Result<Arc<Swarm>, RigError> {
        let host = Path::new("127.0.0.1");
        let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(RigError::io("bind a port on", host))?;
        let address = listener.local_addr().map_err(RigError::io("ask for the port on", host))?;
        let (started_tasks, tasks) = mpsc::channel();
        let resource_version = spec.providers.is_some().then(random_id);
        let shelf = Shelf::new(spec.providers.clone().unwrap_or_default());
        let swarm = Arc::new(Swarm {
            spec,
            resource_version,
            master: master.to_owned(),
            address: address.to_string(),
            port: address.port().into(),
            stopped: AtomicBool::new(false),
            state: Mutex::new(State { shelf, ..State::default() }),
            started_tasks,
        });
        let speaking = Arc::clone(&swarm);
        thread::spawn(move || speaking.speak());
        let listening = Arc::clone(&swarm);
        thread::spawn(move || listen(&listening, &listener));
        // Holds no strong reference: it ends when the swarm, and with it the sender, is gone.
        let finishing = Arc::downgrade(&swarm);
        thread::spawn(move || {
            finish_tasks(&tasks, |task| {
                if let Some(swarm) = finishing.upgrade() {
                    swarm.end_task(&task.framework_id, &task.task_id, TaskEnd::Finished);
                }
            });
        });
        Ok(swarm)
    }

    pub(super) fn agents(&self) -> usize {
        self.spec.agents
    }

    /// Own name of agent number `number`.
    pub(super) fn name(number: usize) -> String {
        format!("slave({number})")
    }

    /// The number of the agent of that name.
    pub(super) fn number(name: &str) -> Option<usize> {
        name.strip_prefix("slave(")?.strip_suffix(')')?.parse().ok()
    }

    pub(super) fn resource_version(&self) -> Option<Id> {
        self.resource_version.clone()
    }

    pub(super) fn registered(&self) -> usize {
        self.state().registered.len()
    }

    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        self.state().break_connections();
        // Wakes the listening thread, which then sees that it is to end.
        let _ = TcpStream::connect(&self.address);
    }

    pub(super) fn disconnect(&self) {
        let mut state = self.state();
        state.away = true;
        state.registered.clear();
        state.break_connections();
    }

    pub(super) fn reconnect(&self) {
        let mut state = self.state();
        state.away = false;
        state.break_connections();
    }

    pub(super) fn unregister(&self) {
        let ids = {
            let mut state = self.state();
            // Who has no id registers as a new agent; nobody is to do so after this.
            state.away = true;
            state.registered.clear();
            state.tasks.forget();
            std::mem::take(&mut state.ids)
        };
        for (agent, agent_id) in ids {
            self.send("master", "UnregisterSlaveMessage", &agent, &Unregister { agent_id });
        }
    }

    pub(super) fn lend_cpus(&self, cpus: f64) {
        let ids = self.state().ids.clone();
        let lent = Resource { revocable: Some(Revocable {}), ..scalar("cpus", "*", cpus) };
        for (agent, agent_id) in ids {
            let oversubscribed = vec![lent.clone()];
            let update = UpdateAgent {
                agent_id,
                oversubscribed,
                update_oversubscribed: true,
                ..UpdateAgent::default()
            };
            self.send("master", "UpdateSlaveMessage", &agent, &update);
        }
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// A thread that panicked leaves complete entries.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a connection to the master and registers over it who is not registered.
    fn speak(&self) {
        while !self.is_stopped() {
            let away = self.state().away;
            if !away && let Ok(stream) = TcpStream::connect(&self.master) {
                // Only ends early; the next turn connects again.
                let _ = self.speak_over(stream);
                self.hear_last_words();
            }
            thread::sleep(RECONNECT_PAUSE);
        }
    }

    fn hear_last_words(&self) {
        let started = Instant::now();
        while self.state().readers > 0 && started.elapsed() < LAST_WORDS {
            thread::sleep(Duration::from_millis(1));
        }
    }

    fn speak_over(&self, stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let answers = stream.try_clone()?;
        {
            let mut state = self.state();
            state.registered.clear();
            if state.away || self.is_stopped() {
                return Ok(());
            }
            state.out = Some(stream);
        }
        thread::scope(|scope| {
            let (open, closed) = mpsc::channel::<()>();
            scope.spawn(move || {
                discard(answers);
                drop(open);
            });
            loop {
                self.register_missing();
                if matches!(closed.recv_timeout(REGISTER_AGAIN), Err(RecvTimeoutError::Disconnected)) {
                    return;
                }
            }
        });
        Ok(())
    }

    fn register_missing(&self) {
        for number in 1..=self.spec.agents {
            let name = Swarm::name(number);
            let (wanted, id) = {
                let state = self.state();
                (!state.away && !state.registered.contains(&name), state.ids.get(&name).cloned())
            };
            if !wanted {
                continue;
            }
            let (agent, version) = (self.agent_info(number, id.clone()), VERSION.to_owned());
            let resource_version = self.resource_version();
            let kinds = if resource_version.is_some() { CAPABILITIES_WITH_PROVIDERS } else { CAPABILITIES };
            let capabilities = kinds.map(|kind| Capability { kind }).to_vec();
            if let Some(id) = id {
                let (checkpointed, (tasks, frameworks)) = {
                    let state = self.state();
                    (
                        state.checkpointed.get(&name).cloned().unwrap_or_default(),
                        state.tasks.report(&name, &id),
                    )
                };
                let message = Reregister {
                    agent,
                    version,
                    checkpointed,
                    capabilities,
                    resource_version,
                    tasks,
                    frameworks,
                };
                self.send("master", "ReregisterSlaveMessage", &name, &message);
            } else {
                let message = Register { agent, version, capabilities, resource_version };
                self.send("master", "RegisterSlaveMessage", &name, &message);
            }
        }
    }

    fn agent_info(&self, number: usize, id: Option<Id>) -> AgentInfo {
        let spec = &self.spec;
        let mut resources = vec![
            scalar("cpus", "*", spec.cpus),
            scalar("mem", "*", spec.mem_mb),
            scalar("disk", "*", spec.disk_mb),
        ];
        resources.extend(spec.further.iter().map(|(name, role, amount)| scalar(name, role, *amount)));
        resources.push(Resource {
            name: "ports".to_owned(),
            kind: RANGES,
            ranges: Some(Ranges { range: vec![PORTS] }),
            role: Some("*".to_owned()),
            ..Resource::default()
        });
        let unreserved = |disk: Resource| Resource { role: Some("*".to_owned()), ..disk };
        resources.extend(spec.disks.iter().map(|disk| unreserved(disk.resource())));
        let attribute = |name: &str, value: String| {
            let text = Some(Text { value });
            Attribute { name: name.to_owned(), kind: TEXT, text }
        };
        let rack = attribute("rack", format!("r{}", number % spec.racks.max(1)));
        let further = spec.attributes.iter().map(|(name, value)| attribute(name, value.clone()));
        AgentInfo {
            hostname: format!("{}-{number}", spec.hosts),
            resources,
            attributes: std::iter::once(rack).chain(further).collect(),
            id,
            checkpoint: true,
            port: self.port,
            domain: spec.domain.as_ref().map(|(region, zone)| Domain {
                fault_domain: Some(FaultDomain {
                    region: DomainName { name: region.clone() },
                    zone: DomainName { name: zone.clone() },
                }),
            }),
        }
    }

    pub(super) fn send(&self, receiver: &str, name: &str, sender: &str, message: &impl Message) {
        let bytes = wire::frame(receiver, name, sender, &self.address, &message.encode_to_vec());
        if let Some(out) = self.state().out.as_mut() {
            // A broken connection is noticed by the thread that reads from it.
            let _ = out.write_all(&bytes);
        }
    }

    fn handle(&self, message: &Incoming) -> Result<(), prost::DecodeError> {
        let (agent, body) = (&message.receiver, message.body.as_slice());
        match message.name.as_str() {
            "PingSlaveMessage" => self.send(&message.sender, "PongSlaveMessage", agent, &()),
            "SlaveRegisteredMessage" | "SlaveReregisteredMessage" => {
                let answer = Registered::decode(body)?;
                {
                    let mut state = self.state();
                    state.ids.insert(agent.clone(), answer.agent_id);
                    state.registered.insert(agent.clone());
                }
                if let Some(number) = Swarm::number(agent) {
                    self.report_providers(number);
                }
            }
            "CheckpointResourcesMessage" => {
                let resources = Checkpoint::decode(body)?.resources;
                self.state().checkpointed.insert(agent.clone(), resources);
            }
            "ApplyOperationMessage" => self.apply_operation(agent, ApplyOperation::decode(body)?),
            "RunTaskMessage" => {
                self.start_task(Running::new(agent, RunTask::decode(body)?)?);
            }
            "KillTaskMessage" => {
                let kill = KillTask::decode(body)?;
                self.end_task(&kill.framework_id, &kill.task_id, TaskEnd::Killed);
            }
            // Others may be ignored by an agent that never has anything to reconcile.
            _ => {}
        }
        Ok(())
    }

    fn start_task(&self, task: Running) {
        let (agent, framework_id, task_id) = (task.agent.clone(), task.framework_id.clone(), task.id.clone());
        self.state().tasks.start(task);
        self.report(&agent, &framework_id, &task_id, None);
        // Tasks that last for ever are ended when told.
        let Some(ends) = Instant::now().checked_add(self.spec.task_time) else { return };
        // The receiver lives as long as the swarm.
        let _ = self.started_tasks.send(StartedTask { ends, framework_id, task_id });
    }

    /// Says whether it was running.
    pub(super) fn end_task(&self, framework_id: &Id, task_id: &Id, end: TaskEnd) -> bool {
        let ended = self.state().tasks.end(framework_id, task_id, end);
        let Some(agent) = ended else { return false };
        self.report(&agent, framework_id, task_id, Some(end));
        true
    }

    /// See [`super::SimulatedAgents::watch_tasks`].
    pub(super) fn watch_tasks(&self) -> Receiver<TaskEvent> {
        self.state().tasks.watch()
    }

    fn report(&self, agent: &str, framework_id: &Id, task_id: &Id, end: Option<TaskEnd>) {
        let Some(agent_id) = self.state().ids.get(agent).cloned() else { return };
        let timestamp = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        // The master drops updates whose uuid is not a random one.
        let uuid = Uuid::new_v4().as_bytes().to_vec();
        let state = end.map_or(RUNNING, TaskEnd::state);
        let status = TaskStatus {
            task_id: task_id.clone(),
            state,
            message: end.and_then(TaskEnd::message),
            agent_id: agent_id.clone(),
            timestamp,
            source: SOURCE_AGENT,
            reason: end.and_then(TaskEnd::reason),
            uuid: uuid.clone(),
        };
        let framework_id = framework_id.clone();
        let update = Update { framework_id, agent_id, status, timestamp, uuid, latest_state: state };
        let message = StatusUpdate { update, sender: format!("{agent}@{}", self.address) };
        self.send("master", "StatusUpdateMessage", agent, &message);
    }
}

fn scalar(name: &str, role: &str, value: f64) -> Resource {
    Resource {
        name: name.to_owned(),
        kind: SCALAR,
        scalar: Some(Scalar { value }),
        role: Some(role.to_owned()),
        ..Resource::default()
    }
}

/// Takes the connections that the master opens.
fn listen(swarm: &Arc<Swarm>, listener: &TcpListener) {
    for stream in listener.incoming().map_while(Result::ok) {
        let Ok(kept) = stream.try_clone() else { continue };
        {
            let mut state = swarm.state();
            if swarm.is_stopped() {
                return;
            }
            if state.away {
                continue;
            }
            state.incoming.push(kept);
            state.readers += 1;
        }
        let swarm = Arc::clone(swarm);
        thread::spawn(move || {
            let mut stream = BufReader::new(stream);
            while let Ok(Some(message)) = wire::read_message(&mut stream) {
                if let Err(error) = swarm.handle(&message) {
                    eprintln!("simulated agent {}: {}: {error}", message.receiver, message.name);
                }
            }
            swarm.state().readers -= 1;
        });
    }
}

/// The master answers each message; the answers say nothing, but have to be read.
fn discard(mut answers: TcpStream) {
    let mut bytes = [0; 16 << 10];
    while matches!(answers.read(&mut bytes), Ok(1..)) {}
}

/// All tasks take the same time, so they end in the order in which they started.
fn finish_tasks(tasks: &Receiver<StartedTask>, finish: impl Fn(&StartedTask)) {
    while let Ok(task) = tasks.recv() {
        thread::sleep(task.ends.saturating_duration_since(Instant::now()));
        finish(&task);
    }
}
