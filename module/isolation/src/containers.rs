//! The isolator's calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use apportion_cgroups::{GroupError, Shape, Version, Watcher};
use apportion_policy::{HookCall, HookPoint};

use crate::books::{Books, Listener, Lowering, Notice, count};
use crate::chores::{Chore, Chores};
use crate::container_id::ContainerId;
use crate::demand::{Demand, bytes};
use crate::error::IsolationError;
use crate::host::{Host, HostGroups, group_of};
use crate::launch::LaunchSettings;
use crate::limitation::Exhausted;
use crate::processes::{Consumption, ProcessIdentity, measure};
use crate::record::{Membership, OwnGroup, Record};
use crate::settings::{CorePlacement, Decision, Settings};

/// A container about to be launched.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// What is known of it, for rules.
    pub call: HookCall,
    /// What it may use.
    pub demand: Demand,
    /// For a nested container: whether it is in the groups of the container it is nested in.
    pub shares_groups: bool,
    /// Whether containers with groups of their own may be nested in it.
    pub may_hold_others: bool,
}

/// Answer to `prepare`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preparation {
    /// Environment variables, name and value, in the order of the configuration.
    pub environment: Vec<(String, String)>,
    /// Security settings.
    pub launch: LaunchSettings,
    /// Rules that could not be applied: worth a log line, not a reason to refuse the container.
    pub faults: Vec<String>,
}

/// A container that outlived the agent process.
#[derive(Debug, Clone)]
pub struct Recovered {
    /// Its id.
    pub id: ContainerId,
    /// Its first process.
    pub pid: i32,
    /// What is known of it, for rules.
    pub call: HookCall,
}

/// What a recovery found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RecoverySummary {
    /// Containers with a group of their own that goes on.
    pub adopted: usize,
    /// Outermost containers without a group, though groups are used: they run, but are not limited.
    pub ungrouped: usize,
    /// Groups that nobody knows, which are being destroyed.
    pub orphans: usize,
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
    /// Sums over its processes; zeros if they are gone or not there yet. Of the group, if it has one of its own.
    pub consumption: Consumption,
    /// What its own group counts; `None` if it has none.
    pub group: Option<apportion_cgroups::Usage>,
    /// CPUs from the last update: the limit if it is finite, else the request.
    pub cpus_limit: Option<f64>,
    /// Memory in bytes from the last update: the limit if it is finite, else the request.
    pub memory_limit_bytes: Option<u64>,
}

/// Answer to `cleanup`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cleanup {
    /// Nothing of the container is left.
    Done,
    /// Processes do not end: [`Notice::CleanedUp`] tells how it ends.
    UnderWay,
}

/// Numbers over all containers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Totals {
    /// Containers on record.
    pub containers: usize,
    /// Containers that rules refused.
    pub refused: u64,
    /// Containers that ended for want of memory.
    pub out_of_memory: u64,
    /// Containers that ended because they wanted more processes than they may have.
    pub out_of_pids: u64,
    /// Changes of running containers' settings.
    pub resizes: u64,
    /// Times that a group could not be removed; each is tried again.
    pub cleanup_failures: u64,
    /// Groups that belonged to nobody after a restart.
    pub orphans: u64,
    /// Groups that wait to be removed or made smaller.
    pub chores: usize,
    /// What all containers with groups use together; `None` without groups.
    pub usage: Option<apportion_cgroups::Usage>,
}

/// The containers of an agent.
///
/// All methods take `&self` and may run at the same time on several threads.
///
/// ```
/// use apportion_isolation::{Asked, ContainerId, Containers, Host, Settings};
/// use apportion_policy::{RuleSet, Template};
///
/// let zone = ("ZONE".to_owned(), Template::compile("north", &[])?);
/// let environment = RuleSet::environment("isolator.environment", [zone]);
/// let containers = Containers::open(Settings { environment, ..Settings::default() }, &Host::live())?;
///
/// let id = ContainerId::root("c1");
/// let prepared = containers.prepare(&id, &Asked::default())?;
/// assert_eq!(prepared.environment, [("ZONE".to_owned(), "north".to_owned())]);
/// containers.cleanup(&id)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Containers {
    /// Ends first, so that nothing is told once the rest is gone.
    watcher: Option<Watcher>,
    chores: Option<Chores>,
    books: Arc<Books>,
}

impl Containers {
    /// No containers yet. With groups in the settings: looks at the host, makes the parent group, and starts two threads
    /// that sleep until there is something for them.
    ///
    /// # Errors
    ///
    /// The host lacks something, another agent has the parent group, or there are no threads left. The text names it
    /// with its cure.
    pub fn open(settings: Settings, host: &Host) -> Result<Containers, GroupError> {
        let Some(wanted) = &settings.groups else {
            return Ok(Containers {
                watcher: None,
                chores: None,
                books: Arc::new(Books::new(settings, None)),
            });
        };
        let mut groups = HostGroups::open(wanted, host)?;
        groups.check(&settings)?;
        let parents: Vec<String> = groups.parents().map(|path| path.display().to_string()).collect();
        tracing::info!("isolator: control groups in {}", parents.join(", "));
        for warning in &groups.warnings {
            tracing::warn!("isolator: {warning}");
        }
        let books = Arc::new(Books::new(settings, Some(groups)));
        let told = Arc::clone(&books);
        let watcher = Watcher::start(move |event| told.happened(&event), apportion_reaction::start_thread)?;
        let working = Arc::clone(&books);
        let chores = Chores::start(move |chore| working.work(chore))
            .map_err(|error| GroupError::Unusable(format!("no thread for cleanups: {error}")))?;
        Ok(Containers { watcher: Some(watcher), chores: Some(chores), books })
    }

    /// Names who is told of limits that are broken and of cleanups that end later; replaces an earlier listener.
    pub fn listen(&self, listener: Listener) {
        self.books.listen(listener);
    }

    /// Takes over containers after a restart of the agent.
    ///
    /// `states` are the containers the agent knows; `orphans` are left over and about to be cleaned up. Both are
    /// recorded, so that calls for them find a record; what is recorded already keeps its record. Groups that belong to
    /// neither are destroyed, on a thread of ours.
    ///
    /// A recovered container without a usable pid is recorded without a process: it can be cleaned up.
    ///
    /// # Errors
    ///
    /// Groups cannot be listed. Nothing is recorded or destroyed then.
    pub fn recover(
        &self,
        states: impl IntoIterator<Item = Recovered>,
        orphans: impl IntoIterator<Item = ContainerId>,
    ) -> Result<RecoverySummary, IsolationError> {
        let mut found = std::collections::BTreeMap::new();
        if let Some(groups) = &self.books.groups {
            let there = groups.found().map_err(|error| IsolationError::Recovery(error.to_string()))?;
            found.extend(there.into_iter().map(|group| (group.path, group.shape)));
        }
        let known = states.into_iter().map(|state| (state.id, state.pid, state.call));
        let orphans = orphans.into_iter().map(|id| (id, 0, HookCall::default()));
        let mut all: Vec<_> = known.chain(orphans).collect();
        // Outer containers before those that are nested in them.
        all.sort_by_key(|(id, ..)| id.parts().len());
        let mut summary = RecoverySummary::default();
        for (id, pid, call) in all {
            let outer = id.parent().and_then(|parent| self.books.find(&parent));
            let call = match outer {
                Some(outer) => call.within(&outer.lock().call),
                None => call,
            };
            let own = group_of(&id).ok().and_then(|path| found.remove_entry(&path));
            let membership = match own {
                Some((path, shape)) => {
                    summary.adopted += 1;
                    Membership::Own(Box::new(OwnGroup { path, shape, settings: None }))
                }
                None => self.membership_of_parent(&id),
            };
            let is_ungrouped = self.books.groups.is_some() && !id.is_nested();
            summary.ungrouped += usize::from(is_ungrouped && membership == Membership::None && pid > 0);
            let Decision { policy, launch, rules, .. } = self.books.settings.decide(&call);
            let process = (pid > 0).then(|| ProcessIdentity::of(pid));
            let record = Record {
                process,
                call,
                policy,
                launch,
                rules,
                membership,
                is_recovered: true,
                ..Record::default()
            };
            if let Err(error) = self.adopt_cores(&id, &record) {
                tracing::warn!("isolator: its cores are not known: {error}");
            }
            self.books.insert(&id, record);
        }
        if let Some(chores) = &self.chores {
            summary.orphans = found.len();
            for path in found.into_keys() {
                count(&self.books.counters.orphans);
                tracing::info!(
                    "isolator: group {path} belongs to no container that is known and is destroyed"
                );
                chores.add(Chore::End { path, waiting: None }, Duration::ZERO);
            }
        }
        Ok(summary)
    }

    /// Notes the cores that a container has kept for itself.
    fn adopt_cores(&self, id: &ContainerId, record: &Record) -> Result<(), IsolationError> {
        let Some(groups) = &self.books.groups else { return Ok(()) };
        if let (Some(cores), Some(own)) = (&groups.cores, record.own_group())
            && record.policy.cores != CorePlacement::Shared
        {
            let settings =
                groups.quick.settings(&own.path, &[]).map_err(|error| IsolationError::group(id, error))?;
            cores.lock().adopt(id, &settings.cpuset.cpus);
        }
        Ok(())
    }

    /// In whose group a container without one of its own is.
    fn membership_of_parent(&self, id: &ContainerId) -> Membership {
        let parent = id.parent().and_then(|parent| self.books.find(&parent));
        let path = parent.and_then(|parent| parent.lock().membership.path().cloned());
        path.map_or(Membership::None, Membership::Within)
    }

    /// Records a container, makes its group with the settings that it is to have, and says what to launch it with.
    ///
    /// A rule that cannot be rendered is left out and reported; resource limits always apply.
    ///
    /// # Errors
    ///
    /// The container exists already, or its parent does not; a rule refuses it; its group cannot be made. In the last
    /// two cases there is a record, for `cleanup`.
    pub fn prepare(&self, id: &ContainerId, asked: &Asked) -> Result<Preparation, IsolationError> {
        if let Some(record) = self.books.find(id) {
            record.lock().check(id)?;
            return Err(IsolationError::AlreadyPrepared(id.clone()));
        }
        if let Some(parent) = id.parent()
            && self.books.find(&parent).is_none()
        {
            return Err(IsolationError::UnknownParent { container: id.clone(), parent });
        }
        let Decision { refusal, policy, launch, rules, mut faults } = self.books.settings.decide(&asked.call);
        let record = Record {
            call: asked.call.clone(),
            demand: asked.demand.clone(),
            policy,
            rules,
            launch: launch.clone(),
            ..Record::default()
        };
        let Some(record) = self.books.insert(id, record) else {
            return Err(IsolationError::AlreadyPrepared(id.clone()));
        };
        if let Some(reason) = refusal {
            count(&self.books.counters.refused);
            return Err(IsolationError::Refused { container: id.clone(), reason });
        }
        // Nobody else has this record yet, unless the host breaks its own order.
        let mut record = record.lock();
        record.membership = self.make_group(id, asked, &record)?;
        drop(record);
        let outcome = self.books.settings.environment.apply(HookPoint::ContainerPrepare, &asked.call.facts);
        faults.extend(outcome.faults.iter().map(ToString::to_string));
        Ok(Preparation { environment: outcome.values, launch, faults })
    }

    fn make_group(
        &self,
        id: &ContainerId,
        asked: &Asked,
        record: &Record,
    ) -> Result<Membership, IsolationError> {
        let Some(groups) = &self.books.groups else { return Ok(Membership::None) };
        if id.is_nested() && asked.shares_groups {
            return Ok(self.membership_of_parent(id));
        }
        if let Some(parent) = id.parent() {
            self.check_parent(id, parent)?;
        }
        let path = group_of(id).map_err(|error| IsolationError::group(id, error))?;
        self.take_cores(id, record)?;
        let limits = self.books.wanted(id, record)?;
        let shape = if asked.may_hold_others { Shape::Inner } else { Shape::Leaf };
        let settings =
            groups.create(&path, shape, &limits).map_err(|error| IsolationError::group(id, error))?;
        Ok(Membership::Own(Box::new(OwnGroup { path, shape, settings: Some(settings) })))
    }

    /// Gives a container that asks for it cores of its own, and has all others leave them.
    fn take_cores(&self, id: &ContainerId, record: &Record) -> Result<(), IsolationError> {
        let cores = self.books.groups.as_ref().and_then(|groups| groups.cores.as_ref());
        let (Some(cores), Some(chores)) = (cores, &self.chores) else { return Ok(()) };
        let placement = record.policy.cores;
        if placement == CorePlacement::Shared || id.is_nested() {
            return Ok(());
        }
        let milli = record.demand.cpus_milli();
        cores.lock().take(id, milli, placement).map_err(|error| IsolationError::group(id, error))?;
        chores.add(Chore::ShareCores, Duration::ZERO);
        Ok(())
    }

    /// Whether a nested container may have groups of its own.
    fn check_parent(&self, id: &ContainerId, parent: ContainerId) -> Result<(), IsolationError> {
        let membership = self.books.known(&parent)?.lock().membership.clone();
        let on_v2 =
            self.books.groups.as_ref().is_some_and(|groups| {
                groups.patient.places().iter().any(|place| place.version == Version::V2)
            });
        let why = match membership {
            Membership::Own(own) if own.shape == Shape::Inner || !on_v2 => return Ok(()),
            Membership::Own(_) => "its parent was launched as a single task, which is in its group itself",
            Membership::Within(_) => "its parent shares the groups of another container",
            Membership::None => "its parent has none, as it was launched before groups were used",
        };
        Err(IsolationError::NoGroupOfItsOwn { container: id.clone(), parent, why })
    }

    /// Records the first process of a container and puts it into its group. The host has the process wait until this
    /// returns, so it has run nothing of the container yet.
    ///
    /// # Errors
    ///
    /// Unknown or poisoned container, a pid that cannot be, another process on record; the kernel refuses the process.
    pub fn isolate(&self, id: &ContainerId, pid: i32) -> Result<(), IsolationError> {
        let record = self.books.known(id)?;
        let number = u32::try_from(pid).ok().and_then(apportion_cgroups::Pid::new);
        let Some(number) = number else {
            return Err(IsolationError::ImpossiblePid { container: id.clone(), pid });
        };
        // The process is looked at before the record is locked: it reads a file.
        let process = ProcessIdentity::of(pid);
        let mut record = record.lock();
        if let Some(there) = record.process {
            if there.pid != pid {
                return Err(IsolationError::AlreadyIsolated {
                    container: id.clone(),
                    recorded: there.pid,
                    pid,
                });
            }
            return Ok(());
        }
        if let (Some(groups), Some(path)) = (&self.books.groups, record.membership.path()) {
            groups.quick.add(path, number).map_err(|error| IsolationError::group(id, error))?;
        }
        record.process = Some(process);
        let launch = record.launch.clone();
        drop(record);
        launch.apply_to_process(pid).map_err(|error| IsolationError::group(id, error))
    }

    /// Watches the container's own group from now on: [`Notice::Limited`] tells when it has to end. A container that
    /// shares the groups of another one ends with that.
    ///
    /// # Errors
    ///
    /// Unknown or poisoned container; the kernel refuses to tell.
    pub fn watch(&self, id: &ContainerId) -> Result<(), IsolationError> {
        let record = self.books.known(id)?;
        let (path, is_recovered, limitation) = {
            let record = record.lock();
            let path = record.own_group().map(|own| own.path.clone());
            (path, record.is_recovered, record.limitation.clone())
        };
        if let Some(limitation) = limitation {
            self.books.tell(Notice::Limited { container: id.clone(), limitation });
            return Ok(());
        }
        let (Some(watcher), Some(groups), Some(path)) = (&self.watcher, &self.books.groups, path) else {
            return Ok(());
        };
        match watcher.watch(&groups.quick, &path) {
            // Nobody watched while there was no agent. Processes that were refused meanwhile are past and done.
            Ok(before) if is_recovered && before.killed > 0 => {
                self.books.exhausted(id, &path, Exhausted::Memory { killed: before.killed });
            }
            Ok(_) => {}
            // The host ends a container whose watch fails.
            Err(error) if is_recovered => {
                tracing::warn!("isolator: container {id} is not watched until it is launched again: {error}");
            }
            Err(error) => return Err(IsolationError::group(id, error)),
        }
        Ok(())
    }

    /// Records what a container may use from now on, and resizes its group while it runs.
    ///
    /// Memory that is in use is not taken at the price of its processes: what the kernel can reclaim goes at once, the
    /// rest when it is given back.
    ///
    /// # Errors
    ///
    /// Unknown or poisoned container; an amount that cannot be; the kernel refuses a setting.
    pub fn update(&self, id: &ContainerId, demand: Demand) -> Result<(), IsolationError> {
        let record = self.books.known(id)?;
        let mut record = record.lock();
        record.demand = demand;
        if let Err(error) = self.take_cores(id, &record) {
            tracing::warn!("isolator: it keeps the cores that it has: {error}");
        }
        let outcome = self.books.resize(id, &mut record, Lowering::Later);
        let is_recovered = record.is_recovered;
        drop(record);
        match (outcome, &self.chores) {
            (Ok(true), Some(chores)) => chores.add(Chore::Shrink(id.clone()), Duration::ZERO),
            (Ok(_), _) => {}
            // The host ends a container whose update fails. What runs is not ended for a change of the configuration.
            (Err(error), _) if is_recovered => tracing::warn!("isolator: it keeps its settings: {error}"),
            (Err(error), _) => return Err(error),
        }
        Ok(())
    }

    /// What a container uses; `now` is the time in seconds since 1970.
    ///
    /// A process that has ended is no error: its use is zero.
    ///
    /// # Errors
    ///
    /// Unknown or poisoned container; the process table or the group cannot be read.
    pub fn usage(&self, id: &ContainerId, now: f64) -> Result<Usage, IsolationError> {
        let record = self.books.known(id)?;
        let (process, path, cpus, memory) = {
            let record = record.lock();
            let path = record.own_group().map(|own| own.path.clone());
            (record.process, path, record.demand.ceiling("cpus"), record.demand.ceiling("mem"))
        };
        let (consumption, group) = match (&self.books.groups, path) {
            (Some(groups), Some(path)) => {
                let usage = groups.quick.usage(&path).map_err(|error| IsolationError::group(id, error))?;
                let pids = groups.quick.processes(&path).map_err(|error| IsolationError::group(id, error))?;
                (Consumption::of_group(&usage, pids.len()), Some(usage))
            }
            _ => {
                let measured = process.map_or(Ok(Consumption::default()), measure);
                let measured = measured.map_err(|error| IsolationError::ProcessTable {
                    container: id.clone(),
                    reason: error.to_string(),
                })?;
                (measured, None)
            }
        };
        Ok(Usage {
            timestamp: now,
            consumption,
            group,
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
        let record = self.books.known(id)?;
        let record = record.lock();
        Ok(Status { executor_pid: record.process.map(|process| process.pid) })
    }

    /// What rules know of a container that was prepared or recovered; nested containers inherit it.
    pub fn call(&self, id: &ContainerId) -> Option<HookCall> {
        self.books.find(id).map(|record| record.lock().call.clone())
    }

    /// Forgets a container, kills what is left in its group and removes it. Unknown and poisoned containers are fine:
    /// cleaning up twice is no error, and a group that nobody remembers goes, too.
    ///
    /// # Errors
    ///
    /// The group holds this process itself, which is not killed.
    pub fn cleanup(&self, id: &ContainerId) -> Result<Cleanup, IsolationError> {
        let record = self.books.remove(id);
        let (Some(groups), Some(chores), Some(watcher)) = (&self.books.groups, &self.chores, &self.watcher)
        else {
            return Ok(Cleanup::Done);
        };
        chores.forget(id);
        if groups.cores.as_ref().is_some_and(|cores| cores.lock().give_back(id)) {
            chores.add(Chore::ShareCores, Duration::ZERO);
        }
        // Also where nothing is remembered: a fault may have come between the making of a group and its record.
        let recorded = record.and_then(|record| record.lock().own_group().map(|own| own.path.clone()));
        let path = recorded.or_else(|| group_of(id).ok());
        let Some(path) = path else { return Ok(Cleanup::Done) };
        watcher.unwatch(&path);
        match groups.end_quickly(&path) {
            Ok(()) => Ok(Cleanup::Done),
            Err(error @ GroupError::OwnProcess { .. }) => Err(IsolationError::group(id, error)),
            Err(_) => {
                chores.add(Chore::End { path, waiting: Some(id.clone()) }, Duration::ZERO);
                Ok(Cleanup::UnderWay)
            }
        }
    }

    /// Gives up a container after a fault (a panic caught in one of its calls): from now on it can only be cleaned up.
    ///
    /// A container without a record gets one, so that the fault is remembered until `cleanup`.
    pub fn poison(&self, id: &ContainerId, reason: &str) {
        let poisoned = Record { poisoned: Some(reason.to_owned()), ..Record::default() };
        if self.books.insert(id, poisoned).is_none()
            && let Some(record) = self.books.find(id)
        {
            record.lock().poisoned.get_or_insert_with(|| reason.to_owned());
        }
    }

    /// What happened so far, and what all containers together use.
    pub fn totals(&self) -> Totals {
        let counters = &self.books.counters;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Totals {
            containers: self.len(),
            refused: read(&counters.refused),
            out_of_memory: read(&counters.out_of_memory),
            out_of_pids: read(&counters.out_of_pids),
            resizes: read(&counters.resizes),
            cleanup_failures: read(&counters.cleanup_failures),
            orphans: read(&counters.orphans),
            chores: self.chores.as_ref().map_or(0, Chores::len),
            // What cannot be read now may be the next time; a number that is missing says so.
            usage: self.books.groups.as_ref().and_then(|groups| groups.quick.usage_of_all().ok()),
        }
    }

    pub(crate) fn books(&self) -> &Books {
        &self.books
    }

    /// How many containers are on record.
    pub fn len(&self) -> usize {
        self.books.len()
    }

    /// Whether no container is on record.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
