//! The records of all containers, and what happens to them while nobody calls.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use apportion_cgroups::{Bound, Event, EventKind, GroupPath, Limits};
use parking_lot::{Mutex, RwLock};

use crate::chores::{Chore, Outcome};
use crate::container_id::ContainerId;
use crate::error::IsolationError;
use crate::host::{HostGroups, container_of};
use crate::limitation::{Exhausted, Limitation, Process, limitation};
use crate::record::{Membership, Record};
use crate::settings::{CorePlacement, Settings};

/// Pause before a group that could not be removed is tried again.
const END_AGAIN: Duration = Duration::from_secs(30);

/// Pause before memory that is in use is tried to be taken again.
const SHRINK_AGAIN: Duration = Duration::from_secs(5);

/// Something that the host is told without having asked just now.
#[derive(Debug, Clone, PartialEq)]
pub enum Notice {
    /// A container broke a limit and has to end.
    Limited {
        /// The container.
        container: ContainerId,
        /// Which limit, and how.
        limitation: Limitation,
    },
    /// A cleanup that was under way is over.
    CleanedUp {
        /// The container.
        container: ContainerId,
        /// Why it failed, if it did. It is tried again, but nobody waits for that.
        outcome: Result<(), String>,
    },
}

/// Who is told. Called on threads of ours and of the host, with no lock held.
pub type Listener = Box<dyn Fn(Notice) + Send + Sync>;

/// What happened so far, counted.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) refused: AtomicU64,
    pub(crate) out_of_memory: AtomicU64,
    pub(crate) out_of_pids: AtomicU64,
    pub(crate) resizes: AtomicU64,
    pub(crate) cleanup_failures: AtomicU64,
    pub(crate) orphans: AtomicU64,
}

pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

pub(crate) struct Books {
    pub(crate) settings: Settings,
    pub(crate) groups: Option<HostGroups>,
    pub(crate) counters: Counters,
    records: Mutex<BTreeMap<ContainerId, Arc<Mutex<Record>>>>,
    listener: RwLock<Option<Arc<Listener>>>,
}

impl std::fmt::Debug for Books {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Books").field("records", &self.records.lock().len()).finish_non_exhaustive()
    }
}

impl Books {
    pub(crate) fn new(settings: Settings, groups: Option<HostGroups>) -> Books {
        Books {
            settings,
            groups,
            counters: Counters::default(),
            records: Mutex::default(),
            listener: RwLock::default(),
        }
    }

    pub(crate) fn listen(&self, listener: Listener) {
        *self.listener.write() = Some(Arc::new(listener));
    }

    pub(crate) fn tell(&self, notice: Notice) {
        let listener = self.listener.read().clone();
        if let Some(listener) = listener {
            listener(notice);
        }
    }

    /// Takes a container in; `None` if it is there already.
    pub(crate) fn insert(&self, id: &ContainerId, record: Record) -> Option<Arc<Mutex<Record>>> {
        let mut records = self.records.lock();
        if records.contains_key(id) {
            return None;
        }
        let record = Arc::new(Mutex::new(record));
        records.insert(id.clone(), Arc::clone(&record));
        Some(record)
    }

    pub(crate) fn find(&self, id: &ContainerId) -> Option<Arc<Mutex<Record>>> {
        self.records.lock().get(id).map(Arc::clone)
    }

    /// A container that is known and not given up. The caller locks it.
    pub(crate) fn known(&self, id: &ContainerId) -> Result<Arc<Mutex<Record>>, IsolationError> {
        let record = self.find(id).ok_or_else(|| IsolationError::Unknown(id.clone()))?;
        record.lock().check(id)?;
        Ok(record)
    }

    pub(crate) fn remove(&self, id: &ContainerId) -> Option<Arc<Mutex<Record>>> {
        self.records.lock().remove(id)
    }

    /// All containers of this moment, by id.
    pub(crate) fn all(&self) -> Vec<(ContainerId, Arc<Mutex<Record>>)> {
        self.records.lock().iter().map(|(id, record)| (id.clone(), Arc::clone(record))).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.records.lock().len()
    }

    /// Something happened to a group. Runs on the thread that watches.
    pub(crate) fn happened(&self, event: &Event) {
        let exhausted = match event.kind {
            EventKind::Killed { processes } => Exhausted::Memory { killed: processes },
            EventKind::OutOfPids { times } => Exhausted::Pids { refused: times },
            EventKind::OutOfMemory { .. } | EventKind::Emptied => return,
        };
        self.exhausted(&container_of(&event.group), &event.group, exhausted);
    }

    /// A container ran out of something: it is told once, if its policy says that this ends it.
    pub(crate) fn exhausted(&self, id: &ContainerId, path: &GroupPath, exhausted: Exhausted) {
        let (Some(record), Some(groups)) = (self.find(id), &self.groups) else { return };
        let settings = {
            let record = record.lock();
            let ends = match exhausted {
                Exhausted::Memory { .. } => record.policy.ends_on.memory,
                Exhausted::Pids { .. } => record.policy.ends_on.pids,
            };
            if !ends || record.limitation.is_some() {
                return;
            }
            record.settings().or_else(|| groups.quick.settings(path, &[]).ok()).unwrap_or_default()
        };
        // What cannot be read is left out of the message: the container ends all the same.
        let usage = groups.quick.usage(path).unwrap_or_default();
        if let (Exhausted::Pids { .. }, Some(pids)) = (exhausted, usage.pids)
            && !limits_pids(settings.pids, pids.current)
        {
            // Older kernels count where the process is, whoever's limit it was.
            tracing::warn!(
                "isolator: container {id} could not start a process, at {} of its own: a group above it, perhaps the \
                 agent's unit (TasksMax=), has as many as it may",
                pids.current
            );
            return;
        }
        let pids = groups.quick.processes(path).unwrap_or_default();
        let processes = pids.into_iter().filter_map(Process::look).collect();
        let (memory_max, pids_max) = (settings.memory.max, settings.pids);
        let limitation = limitation(&id.to_string(), exhausted, memory_max, pids_max, &usage, processes);
        {
            let mut record = record.lock();
            if record.limitation.is_some() {
                return;
            }
            record.limitation = Some(limitation.clone());
        }
        match exhausted {
            Exhausted::Memory { .. } => count(&self.counters.out_of_memory),
            Exhausted::Pids { .. } => count(&self.counters.out_of_pids),
        }
        tracing::info!("isolator: {}", limitation.message);
        self.tell(Notice::Limited { container: id.clone(), limitation });
    }

    /// Does a chore. Runs on the thread for them.
    pub(crate) fn work(&self, chore: Chore) -> Outcome {
        match chore {
            Chore::End { path, waiting } => self.end(path, waiting),
            Chore::Shrink(id) => self.shrink(id),
            Chore::ShareCores => {
                self.share_cores();
                Outcome::Over
            }
        }
    }

    fn end(&self, path: GroupPath, waiting: Option<ContainerId>) -> Outcome {
        let Some(groups) = &self.groups else { return Outcome::Over };
        let outcome = groups.end_patiently(&path).map_err(|error| error.to_string());
        if let Err(reason) = &outcome {
            count(&self.counters.cleanup_failures);
            tracing::warn!("isolator: group {path} is still there and will be tried again: {reason}");
        }
        let again = outcome.is_err();
        if let Some(container) = waiting {
            self.tell(Notice::CleanedUp { container, outcome });
        }
        if again { Outcome::Again(END_AGAIN, Chore::End { path, waiting: None }) } else { Outcome::Over }
    }

    /// Moves everybody without cores of his own to those that are left, and changes nothing else.
    fn share_cores(&self) {
        let Some(groups) = &self.groups else { return };
        for (id, record) in self.all().into_iter().filter(|(id, _)| !id.is_nested()) {
            let mut record = record.lock();
            let record = &mut *record;
            if record.policy.cores != CorePlacement::Shared || record.poisoned.is_some() {
                continue;
            }
            let (Some(cores), Membership::Own(own)) = (&groups.cores, &mut record.membership) else {
                continue;
            };
            let cpuset = cores.lock().of(&id, CorePlacement::Shared);
            let moved = groups.settings_of(own, &record.policy).and_then(|known| {
                let wanted = Limits { cpuset, ..known.clone() };
                groups.change(&own.path, &known, &wanted)
            });
            match moved {
                Ok(changed) => own.settings = Some(changed.limits),
                // It was cleaned up meanwhile.
                Err(_) if self.find(&id).is_none() => {}
                Err(error) => {
                    tracing::warn!("isolator: container {id} stays on the CPUs that it has: {error}")
                }
            }
        }
    }

    /// Settings that a container's own group is to have.
    pub(crate) fn wanted(&self, id: &ContainerId, record: &Record) -> Result<Limits, IsolationError> {
        let Some(groups) = &self.groups else { return Ok(Limits::default()) };
        let mut limits = record
            .demand
            .group_limits(&record.policy, &groups.controllers)
            .map_err(|error| IsolationError::group(id, error))?;
        // A nested container is where the one that it is nested in is.
        if let (Some(cores), false) = (&groups.cores, id.is_nested()) {
            limits.cpuset = cores.lock().of(id, record.policy.cores);
        }
        Ok(limits)
    }

    fn shrink(&self, id: ContainerId) -> Outcome {
        let Some(record) = self.find(&id) else { return Outcome::Over };
        let mut record = record.lock();
        match self.resize(&id, &mut record, Lowering::Now) {
            Ok(false) => Outcome::Over,
            Ok(true) => Outcome::Again(SHRINK_AGAIN, Chore::Shrink(id)),
            Err(error) => {
                tracing::warn!("isolator: memory of {error}");
                Outcome::Over
            }
        }
    }

    /// Gives a container's own group the settings that its demand asks for. Returns whether memory is still to be taken
    /// away.
    ///
    /// Of a container that outlived its agent not everything is known that rules go by: what does not follow from its
    /// resources stays as it is.
    pub(crate) fn resize(
        &self,
        id: &ContainerId,
        record: &mut Record,
        lowering: Lowering,
    ) -> Result<bool, IsolationError> {
        let mut wanted = self.wanted(id, record)?;
        let is_recovered = record.is_recovered;
        let (Some(groups), Membership::Own(own)) = (&self.groups, &mut record.membership) else {
            return Ok(false);
        };
        let known =
            groups.settings_of(own, &record.policy).map_err(|error| IsolationError::group(id, error))?;
        if is_recovered {
            wanted.pids = known.pids;
            wanted.io = known.io.clone();
            wanted.hugetlb = known.hugetlb.clone();
            wanted.memory.swap = known.memory.swap;
        }
        let lowers = wanted.memory.max < known.memory.max;
        if lowers && lowering == Lowering::Later {
            wanted.memory.max = known.memory.max;
            wanted.memory.high = known.memory.high;
            wanted.memory.swap = known.memory.swap;
        }
        match groups.change(&own.path, &known, &wanted) {
            Ok(changed) => {
                if changed.limits != known {
                    count(&self.counters.resizes);
                }
                own.settings = Some(changed.limits);
                Ok(changed.is_held || (lowers && lowering == Lowering::Later))
            }
            Err(error) => {
                // What was written before the refusal stands: it is read back next time.
                own.settings = None;
                Err(IsolationError::group(id, error))
            }
        }
    }
}

/// When memory is taken away: the kernel first reclaims what it can, which takes its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lowering {
    /// At once, on a thread of ours.
    Now,
    /// Not by this call, which the host waits for.
    Later,
}

/// Whether a group with so many processes may have reached this limit a moment ago.
fn limits_pids(max: Bound, current: u64) -> bool {
    matches!(max, Bound::At(max) if current >= max / 2)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::PathBuf;

    use apportion_cgroups::fake::FakeKernel;
    use apportion_cgroups::{Base, Controller, GroupName, Shape, Wish};

    use super::*;
    use crate::demand::{Amounts, Demand};
    use crate::host::{Host, group_of};
    use crate::record::OwnGroup;
    use crate::settings::{GroupPolicy, GroupSettings};

    #[test]
    fn memory_is_taken_away_by_our_thread_and_not_by_the_call_of_the_host() {
        let kernel = Arc::new(FakeKernel::v2());
        let wish = Wish {
            base: Base::Own,
            name: GroupName::new("containers").unwrap(),
            controllers: BTreeSet::from([Controller::Memory]),
        };
        let groups = GroupSettings { wish, policy: GroupPolicy::default() };
        let host = Host { kernel: kernel.clone(), root: PathBuf::from("/") };
        let opened = HostGroups::open(&groups, &host).unwrap();
        let books = Books::new(Settings { groups: Some(groups), ..Settings::default() }, Some(opened));
        let demand = |mebibytes| Demand {
            requests: Amounts::from([(b"mem".to_vec(), mebibytes)]),
            ..Demand::default()
        };

        let id = ContainerId::root("c");
        let path = group_of(&id).unwrap();
        let mut record = Record { demand: demand(128.0), ..Record::default() };
        let limits = books.wanted(&id, &record).unwrap();
        let made = books.groups.as_ref().unwrap().create(&path, Shape::Leaf, &limits).unwrap();
        record.membership =
            Membership::Own(Box::new(OwnGroup { path, shape: Shape::Leaf, settings: Some(made) }));
        let folder = kernel.groups().into_iter().find(|path| path.ends_with("container-c")).unwrap();
        let limit = || kernel.text(&folder.join("memory.max")).unwrap().trim().to_owned();

        record.demand = demand(64.0);
        assert_eq!(books.resize(&id, &mut record, Lowering::Later), Ok(true));
        assert_eq!(limit(), (128 << 20).to_string());
        assert_eq!(books.resize(&id, &mut record, Lowering::Now), Ok(false));
        assert_eq!(limit(), (64 << 20).to_string());
        record.demand = demand(256.0);
        assert_eq!(books.resize(&id, &mut record, Lowering::Later), Ok(false));
        assert_eq!(limit(), (256 << 20).to_string());
    }
}
