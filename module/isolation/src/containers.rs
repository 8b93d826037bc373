//! Container records and the isolator's calls on them.

use std::collections::BTreeMap;

use apportion_policy::{Facts, HookPoint, RuleFault};
use parking_lot::Mutex;

use crate::container_id::ContainerId;
use crate::processes::{Consumption, ProcessIdentity, measure};
use crate::rlimit::Rlimit;
use crate::settings::Settings;

/// Why a call for a container failed. The text goes to the host, which shows it as the reason of the failure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IsolationError {
    /// There is no such container: it was never prepared or recovered, or is cleaned up.
    #[error("container {0} is not known to the isolator: it was neither prepared nor recovered")]
    Unknown(ContainerId),
    /// The container was prepared before.
    #[error("container {0} has been prepared already")]
    AlreadyPrepared(ContainerId),
    /// A nested container came before its parent.
    #[error("container {container} is nested in {parent}, which is not known to the isolator")]
    UnknownParent {
        /// The nested container.
        container: ContainerId,
        /// The missing parent.
        parent: ContainerId,
    },
    /// A process id that cannot be.
    #[error("container {container} cannot have the process id {pid}: a process id is a positive number")]
    ImpossiblePid {
        /// The container.
        container: ContainerId,
        /// Number given.
        pid: i32,
    },
    /// The container has another process already.
    #[error("container {container} has process {recorded} already and cannot be isolated again with {pid}")]
    AlreadyIsolated {
        /// The container.
        container: ContainerId,
        /// Pid of the record.
        recorded: i32,
        /// Pid given.
        pid: i32,
    },
    /// An earlier call for this container ended in a fault of the module.
    #[error(
        "container {container} is given up after a fault of the isolator ({reason}); it can only be cleaned up"
    )]
    Poisoned {
        /// The container.
        container: ContainerId,
        /// What happened.
        reason: String,
    },
    /// The process table cannot be read.
    #[error("the use of container {container} cannot be measured: {reason}")]
    ProcessTable {
        /// The container.
        container: ContainerId,
        /// What the system said, with the path.
        reason: String,
    },
}

/// Scalar resources by name, as the host's bytes, in Mesos' units (CPUs; memory and disk in MiB).
///
/// A limit may be infinite.
pub type Amounts = BTreeMap<Vec<u8>, f64>;

/// What a container is to be launched with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Launch {
    /// Environment variables, name and value, in the order of the configuration.
    pub environment: Vec<(String, String)>,
    /// Resource limits, in the order of the configuration.
    pub rlimits: Vec<Rlimit>,
}

/// Answer to `prepare`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preparation {
    /// What to launch the container with.
    pub launch: Launch,
    /// Rules that gave no variable: worth a log line, not a reason to refuse the container.
    pub faults: Vec<RuleFault>,
}

/// A container that outlived the agent process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// Its id.
    pub id: ContainerId,
    /// Its first process.
    pub pid: i32,
}

/// What the isolator knows of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Pid of the first process, once the container is isolated.
    pub executor_pid: Option<i32>,
}

/// What a container uses, and what it may use.
#[derive(Debug, Clone, PartialEq)]
pub struct Usage {
    /// Time of the measurement in seconds since 1970, as passed in.
    pub timestamp: f64,
    /// Sums over its processes; zeros if they are gone or not there yet.
    pub consumption: Consumption,
    /// CPUs from the last update: the limit if it is finite, else the request.
    pub cpus_limit: Option<f64>,
    /// Memory in bytes from the last update: the limit if it is finite, else the request.
    pub memory_limit_bytes: Option<u64>,
}

/// Answer to `watch`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watch {
    /// This isolator never asks for a container's end: the future stays pending.
    Never,
}

#[derive(Debug, Default)]
struct Record {
    process: Option<ProcessIdentity>,
    requests: Amounts,
    limits: Amounts,
    poisoned: Option<String>,
}

/// The containers of an agent.
///
/// All methods take `&self` and may run at the same time on several threads.
///
/// ```
/// use apportion_isolation::{ContainerId, Containers, Settings};
/// use apportion_policy::{Facts, RuleSet, Template};
///
/// let zone = ("ZONE".to_owned(), Template::compile("north", &[])?);
/// let environment = RuleSet::environment("isolator.environment", [zone]);
/// let containers = Containers::new(Settings { environment, rlimits: Vec::new(), groups: None });
///
/// let id = ContainerId::root("c1");
/// let prepared = containers.prepare(&id, &Facts::default())?;
/// assert_eq!(prepared.launch.environment, [("ZONE".to_owned(), "north".to_owned())]);
/// containers.cleanup(&id);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Containers {
    settings: Settings,
    records: Mutex<BTreeMap<ContainerId, Record>>,
}

impl Containers {
    /// No containers yet.
    pub fn new(settings: Settings) -> Containers {
        Containers { settings, records: Mutex::default() }
    }

    /// Takes over containers after a restart of the agent.
    ///
    /// `states` are the containers the agent knows; `orphans` are left over and about to be cleaned up. Both are
    /// recorded, so that calls for them find a record; what is recorded already keeps its record.
    ///
    /// A recovered container without a usable pid is recorded without a process: it can be cleaned up and answers
    /// zeros for its use.
    pub fn recover(
        &self,
        states: impl IntoIterator<Item = Recovered>,
        orphans: impl IntoIterator<Item = ContainerId>,
    ) {
        let known: Vec<_> = states
            .into_iter()
            .map(|state| (state.id, (state.pid > 0).then(|| ProcessIdentity::of(state.pid))))
            .chain(orphans.into_iter().map(|id| (id, None)))
            .collect();
        let mut records = self.records.lock();
        for (id, process) in known {
            records.entry(id).or_insert_with(|| Record { process, ..Record::default() });
        }
    }

    /// Records a container and says what to launch it with.
    ///
    /// A rule that cannot be rendered is left out and reported; resource limits always apply.
    ///
    /// # Errors
    ///
    /// The container exists already, or its parent does not.
    pub fn prepare(&self, id: &ContainerId, facts: &Facts) -> Result<Preparation, IsolationError> {
        {
            let mut records = self.records.lock();
            if let Some(record) = records.get(id) {
                return Err(match &record.poisoned {
                    Some(reason) => poisoned(id, reason),
                    None => IsolationError::AlreadyPrepared(id.clone()),
                });
            }
            if let Some(parent) = id.parent()
                && !records.contains_key(&parent)
            {
                return Err(IsolationError::UnknownParent { container: id.clone(), parent });
            }
            records.insert(id.clone(), Record::default());
        }
        let outcome = self.settings.environment.apply(HookPoint::ContainerPrepare, facts);
        let launch = Launch { environment: outcome.values, rlimits: self.settings.rlimits.clone() };
        Ok(Preparation { launch, faults: outcome.faults })
    }

    /// Records the first process of a container.
    ///
    /// # Errors
    ///
    /// Unknown or poisoned container, a pid that cannot be, another process on record.
    pub fn isolate(&self, id: &ContainerId, pid: i32) -> Result<(), IsolationError> {
        // The process is looked at before the lock is taken: it reads a file.
        let process = if pid > 0 { Some(ProcessIdentity::of(pid)) } else { None };
        self.with_record(id, |record| {
            let Some(process) = process else {
                return Err(IsolationError::ImpossiblePid { container: id.clone(), pid });
            };
            match record.process {
                Some(there) if there.pid != pid => {
                    Err(IsolationError::AlreadyIsolated { container: id.clone(), recorded: there.pid, pid })
                }
                Some(_) => Ok(()),
                None => {
                    record.process = Some(process);
                    Ok(())
                }
            }
        })?
    }

    /// Whether the container will ever be limited.
    ///
    /// # Errors
    ///
    /// Unknown or poisoned container.
    pub fn watch(&self, id: &ContainerId) -> Result<Watch, IsolationError> {
        self.with_record(id, |_| Watch::Never)
    }

    /// Records what a container may use from now on.
    ///
    /// # Errors
    ///
    /// Unknown or poisoned container.
    pub fn update(&self, id: &ContainerId, requests: Amounts, limits: Amounts) -> Result<(), IsolationError> {
        self.with_record(id, |record| {
            record.requests = requests;
            record.limits = limits;
        })
    }

    /// What a container uses; `now` is the time in seconds since 1970.
    ///
    /// A process that has ended is no error: its use is zero.
    ///
    /// # Errors
    ///
    /// Unknown or poisoned container; the process table cannot be read.
    pub fn usage(&self, id: &ContainerId, now: f64) -> Result<Usage, IsolationError> {
        let (process, cpus, memory) =
            self.with_record(id, |record| (record.process, record.ceiling(b"cpus"), record.ceiling(b"mem")))?;
        let consumption = process.map_or(Ok(Consumption::default()), measure).map_err(|error| {
            IsolationError::ProcessTable { container: id.clone(), reason: error.to_string() }
        })?;
        Ok(Usage {
            timestamp: now,
            consumption,
            cpus_limit: cpus,
            memory_limit_bytes: memory.and_then(bytes),
        })
    }

    /// What is known of a container.
    ///
    /// # Errors
    ///
    /// Unknown or poisoned container.
    pub fn status(&self, id: &ContainerId) -> Result<Status, IsolationError> {
        self.with_record(id, |record| Status { executor_pid: record.process.map(|process| process.pid) })
    }

    /// Forgets a container. Unknown and poisoned containers are fine: cleaning up twice is no error.
    ///
    /// Returns whether there was a record.
    pub fn cleanup(&self, id: &ContainerId) -> bool {
        self.records.lock().remove(id).is_some()
    }

    /// Gives up a container after a fault (a panic caught in one of its calls): from now on it can only be cleaned up.
    ///
    /// A container without a record gets one, so that the fault is remembered until `cleanup`.
    pub fn poison(&self, id: &ContainerId, reason: &str) {
        self.records.lock().entry(id.clone()).or_default().poisoned.get_or_insert_with(|| reason.to_owned());
    }

    /// How many containers are on record.
    pub fn len(&self) -> usize {
        self.records.lock().len()
    }

    /// Whether no container is on record.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn with_record<T>(
        &self,
        id: &ContainerId,
        act: impl FnOnce(&mut Record) -> T,
    ) -> Result<T, IsolationError> {
        let mut records = self.records.lock();
        let record = records.get_mut(id).ok_or_else(|| IsolationError::Unknown(id.clone()))?;
        match &record.poisoned {
            Some(reason) => Err(poisoned(id, reason)),
            None => Ok(act(record)),
        }
    }
}

impl Record {
    /// The finite limit of a resource, else its request.
    fn ceiling(&self, name: &[u8]) -> Option<f64> {
        let limit = self.limits.get(name).copied().filter(|amount| amount.is_finite());
        limit.or_else(|| self.requests.get(name).copied().filter(|amount| amount.is_finite()))
    }
}

fn poisoned(id: &ContainerId, reason: &str) -> IsolationError {
    IsolationError::Poisoned { container: id.clone(), reason: reason.to_owned() }
}

/// Bytes of an amount in MiB, or `None` for what cannot be an amount of memory.
fn bytes(mebibytes: f64) -> Option<u64> {
    const BYTES_PER_MEBIBYTE: f64 = 1_048_576.0;
    let bytes = mebibytes * BYTES_PER_MEBIBYTE;
    if !(0.0..9.0e15).contains(&bytes) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range, see above")]
    Some(bytes as u64)
}
