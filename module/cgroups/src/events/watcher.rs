//! One thread that waits for events of all groups.
//!
//! # Invariants
//!
//! * The thread sleeps until the kernel calls. Only while groups on v1 are watched does it wake by itself, every
//!   [`LEGACY_LOOK`]: v1 counts refused processes and kills, but kernels differ in whether they call for them.
//! * No lock is held while files are read or the callback runs.
//! * At most [`WATCHED_MAX`] groups. The kernel itself merges changes of a file that are not fetched yet; if its queue
//!   overflows, all groups are looked at. So a group that fails in a loop costs one look for each time it is woken.
//! * A panic in the callback is counted ([`Watcher::faults`]), and the thread goes on.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rustix::event::{EventfdFlags, Timespec, epoll, eventfd};
use rustix::fd::OwnedFd;
use rustix::fs::inotify;
use rustix::io::Errno;

use super::sources::{Kind, Source, legacy_signal, read, sources};
use super::{Counts, Event};
use crate::error::{Action, GroupError, Refusal};
use crate::groups::Groups;
use crate::names::GroupPath;

/// How often groups on v1 are looked at, beside the kernel's calls. A thousand groups cost some twenty milliseconds.
pub const LEGACY_LOOK: Duration = Duration::from_secs(5);

/// Groups that are watched at most.
pub const WATCHED_MAX: usize = 65_536;

const KEY_WAKE: u64 = 0;
const KEY_FILES: u64 = 1;
const KEY_FIRST_SIGNAL: u64 = 2;

/// Bytes for file events of one read: some five hundred of them.
const BUFFER_BYTES: usize = 16 << 10;

#[derive(Debug)]
struct Watched {
    sources: Arc<[Source]>,
    files: Vec<i32>,
    signals: Vec<(u64, Arc<OwnedFd>)>,
    /// Counts of the last look; `None` until the first, before which nothing is told.
    counts: Option<Counts>,
    /// v1 does not count these; the signals do.
    signalled: u64,
}

#[derive(Debug, Default)]
struct Watches {
    groups: BTreeMap<GroupPath, Watched>,
    by_file: BTreeMap<i32, GroupPath>,
    by_signal: BTreeMap<u64, GroupPath>,
    next_signal: u64,
    /// Groups that were just taken in: to be looked at once, for what fell between.
    fresh: BTreeSet<GroupPath>,
    /// Groups for which the kernel does not call for everything.
    on_v1: BTreeSet<GroupPath>,
}

#[derive(Debug)]
struct Shared {
    epoll: OwnedFd,
    inotify: OwnedFd,
    wake: OwnedFd,
    stopped: AtomicBool,
    faults: AtomicU64,
    watches: Mutex<Watches>,
}

/// Watches groups and calls back with what happens to them.
#[derive(Debug)]
pub struct Watcher {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Watcher {
    /// Starts the thread, by the name it is given here, with `start`: [`std::thread::Builder`] will do where no signals
    /// have to be kept away from it. `callback` runs on it, for one event after the other; it should not take long.
    ///
    /// # Errors
    ///
    /// The system has no descriptors or threads left.
    pub fn start(
        callback: impl Fn(Event) + Send + 'static,
        start: impl FnOnce(String, Box<dyn FnOnce() + Send>) -> std::io::Result<JoinHandle<()>>,
    ) -> Result<Watcher, GroupError> {
        let refused =
            |source: std::io::Error| Refusal::new(Action::Watch, Path::new("/proc/self/fd"), source);
        let shared = Arc::new(Shared::new().map_err(|error| refused(error.into()))?);
        let seen = Arc::clone(&shared);
        let body = Box::new(move || seen.run(&callback));
        let thread = start("apportion-group".to_owned(), body).map_err(refused)?;
        Ok(Watcher { shared, thread: Some(thread) })
    }

    /// Watches a group from now on. Returns what was counted before, which is told by no event. A group that is
    /// watched already is looked at only.
    ///
    /// # Errors
    ///
    /// A file cannot be read or watched, or too many groups are watched.
    pub fn watch(&self, groups: &Groups, path: &GroupPath) -> Result<Counts, GroupError> {
        if let Some(watched) = self.shared.watches.lock().groups.get(path) {
            return Ok(watched.counts.unwrap_or_default());
        }
        if self.len() >= WATCHED_MAX {
            return Err(GroupError::Unusable(format!("{WATCHED_MAX} groups are watched, more cannot be")));
        }
        let sources: Arc<[Source]> = sources(groups, path)?.into();
        let outcome = self.shared.register(path, &sources).and_then(|()| read(&sources));
        match outcome {
            Ok(counts) => {
                self.shared.begin(path, counts);
                Ok(counts)
            }
            Err(refusal) => {
                self.shared.unregister(path);
                Err(refusal.into())
            }
        }
    }

    /// Ends the watch of a group. Events that are on their way may still be told. Unknown groups are no error.
    ///
    /// To be called when a group is destroyed: the watcher does not forget groups by itself.
    pub fn unwatch(&self, path: &GroupPath) {
        self.shared.unregister(path);
    }

    /// How many groups are watched.
    pub fn len(&self) -> usize {
        self.shared.watches.lock().groups.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Panics of the callback, and looks that failed.
    pub fn faults(&self) -> u64 {
        self.shared.faults.load(Ordering::Relaxed)
    }

    /// Whether the thread still runs. It ends early only if the system takes its descriptors away.
    pub fn is_running(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        self.shared.wake_up();
        if let Some(thread) =
            self.thread.take().filter(|thread| thread.thread().id() != std::thread::current().id())
        {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn new() -> Result<Shared, Errno> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let inotify = inotify::init(inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK)?;
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        epoll::add(&epoll, &wake, epoll::EventData::new_u64(KEY_WAKE), epoll::EventFlags::IN)?;
        epoll::add(&epoll, &inotify, epoll::EventData::new_u64(KEY_FILES), epoll::EventFlags::IN)?;
        Ok(Shared {
            epoll,
            inotify,
            wake,
            stopped: AtomicBool::new(false),
            faults: AtomicU64::new(0),
            watches: Mutex::new(Watches { next_signal: KEY_FIRST_SIGNAL, ..Watches::default() }),
        })
    }

    fn wake_up(&self) {
        // An eventfd takes eight bytes of a number; it refuses only when it is full, and then the thread wakes anyway.
        let _ = rustix::io::write(&self.wake, &1_u64.to_ne_bytes());
    }

    fn register(&self, path: &GroupPath, sources: &Arc<[Source]>) -> Result<(), Refusal> {
        let watched = Watched {
            sources: Arc::clone(sources),
            files: Vec::new(),
            signals: Vec::new(),
            counts: None,
            signalled: 0,
        };
        self.watches.lock().groups.insert(path.clone(), watched);
        for source in sources.iter() {
            let refused = |error: Errno| Refusal::new(Action::Watch, &source.path, error.into());
            if source.kind == Kind::LegacyMemory {
                let signal = Arc::new(legacy_signal(&source.path)?);
                let mut watches = self.watches.lock();
                let key = watches.next_signal;
                watches.next_signal += 1;
                epoll::add(&self.epoll, &*signal, epoll::EventData::new_u64(key), epoll::EventFlags::IN)
                    .map_err(refused)?;
                watches.by_signal.insert(key, path.clone());
                if let Some(watched) = watches.groups.get_mut(path) {
                    watched.signals.push((key, signal));
                }
            } else {
                let mut watches = self.watches.lock();
                let file = inotify::add_watch(&self.inotify, &source.path, inotify::WatchFlags::MODIFY)
                    .map_err(refused)?;
                watches.by_file.insert(file, path.clone());
                if let Some(watched) = watches.groups.get_mut(path) {
                    watched.files.push(file);
                }
            }
        }
        if sources.iter().any(|source| matches!(source.kind, Kind::LegacyMemory | Kind::LegacyPids)) {
            self.watches.lock().on_v1.insert(path.clone());
        }
        Ok(())
    }

    /// Tells from now on what differs from these counts. What changed since they were read is told at once.
    fn begin(&self, path: &GroupPath, counts: Counts) {
        {
            let mut watches = self.watches.lock();
            if let Some(watched) = watches.groups.get_mut(path) {
                watched.counts = Some(counts);
                watches.fresh.insert(path.clone());
            }
        }
        self.wake_up();
    }

    fn unregister(&self, path: &GroupPath) {
        let mut watches = self.watches.lock();
        let Some(watched) = watches.groups.remove(path) else { return };
        watches.on_v1.remove(path);
        watches.fresh.remove(path);
        for file in watched.files {
            watches.by_file.remove(&file);
            // Refused if the file is gone, which ends the watch as well.
            let _ = inotify::remove_watch(&self.inotify, file);
        }
        for (key, signal) in watched.signals {
            watches.by_signal.remove(&key);
            let _ = epoll::delete(&self.epoll, &*signal);
        }
    }

    fn run(&self, callback: &dyn Fn(Event)) {
        let mut space = [MaybeUninit::<epoll::Event>::uninit(); 64];
        let mut due = Instant::now() + LEGACY_LOOK;
        while !self.stopped.load(Ordering::SeqCst) {
            let left = due.saturating_duration_since(Instant::now());
            let timeout = (!self.watches.lock().on_v1.is_empty()).then(|| timespec(left));
            let mut touched = BTreeSet::new();
            match epoll::wait(&self.epoll, &mut space, timeout.as_ref()) {
                Ok((events, _)) => events.iter().for_each(|event| {
                    let data = event.data;
                    self.called(data.u64(), &mut touched);
                }),
                Err(Errno::INTR) => {}
                Err(_) => return,
            }
            if Instant::now() >= due {
                due = Instant::now() + LEGACY_LOOK;
                touched.extend(self.watches.lock().on_v1.iter().cloned());
            }
            for path in touched {
                self.look(&path, callback);
            }
        }
    }

    fn called(&self, key: u64, touched: &mut BTreeSet<GroupPath>) {
        match key {
            KEY_WAKE => {
                // Emptied, so that it calls again.
                let _ = rustix::io::read(&self.wake, &mut [0_u8; 8]);
                touched.append(&mut self.watches.lock().fresh);
            }
            KEY_FILES => self.changed_files(touched),
            key => touched.extend(self.signalled(key)),
        }
    }

    /// Groups whose files changed.
    fn changed_files(&self, touched: &mut BTreeSet<GroupPath>) {
        let mut buffer = [MaybeUninit::<u8>::uninit(); BUFFER_BYTES];
        let mut reader = inotify::Reader::new(&self.inotify, &mut buffer);
        let mut first = true;
        // One read only: what is left wakes us again, after the other descriptors had their turn.
        while first || !reader.is_buffer_empty() {
            first = false;
            match reader.next() {
                Ok(event) if event.events().contains(inotify::ReadFlags::QUEUE_OVERFLOW) => {
                    touched.extend(self.watches.lock().groups.keys().cloned());
                }
                Ok(event) => touched.extend(self.watches.lock().by_file.get(&event.wd()).cloned()),
                Err(_) => return,
            }
        }
    }

    /// v1: the group whose signal came, with the number of times noted.
    fn signalled(&self, key: u64) -> Option<GroupPath> {
        let (path, signal, sources) = {
            let watches = self.watches.lock();
            let path = watches.by_signal.get(&key)?.clone();
            let watched = watches.groups.get(&path)?;
            let (_, signal) = watched.signals.iter().find(|(of, _)| *of == key)?;
            (path, Arc::clone(signal), Arc::clone(&watched.sources))
        };
        let mut number = [0_u8; 8];
        let times = match rustix::io::read(&signal, &mut number) {
            Ok(8) => u64::from_ne_bytes(number),
            _ => 0,
        };
        // The last signal tells that the group is gone.
        if sources.iter().any(|source| source.kind == Kind::LegacyMemory && source.path.exists())
            && let Some(watched) = self.watches.lock().groups.get_mut(&path)
        {
            watched.signalled = watched.signalled.saturating_add(times);
        }
        Some(path)
    }

    fn look(&self, path: &GroupPath, callback: &dyn Fn(Event)) {
        let Some(sources) = self.watches.lock().groups.get(path).map(|watched| Arc::clone(&watched.sources))
        else {
            return;
        };
        let Ok(mut counts) = read(&sources) else {
            self.faults.fetch_add(1, Ordering::Relaxed);
            return;
        };
        let news = {
            let mut watches = self.watches.lock();
            let Some(watched) = watches.groups.get_mut(path) else { return };
            counts.out_of_memory = counts.out_of_memory.saturating_add(watched.signalled);
            let Some(before) = watched.counts.replace(counts) else {
                watched.counts = None;
                return;
            };
            before.news(&counts)
        };
        for kind in news {
            let event = Event { group: path.clone(), kind, counts };
            if catch_unwind(AssertUnwindSafe(|| callback(event))).is_err() {
                self.faults.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

fn timespec(time: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
        // A nanosecond more, so that the look is due when the thread wakes.
        tv_nsec: i64::from(time.subsec_nanos()).saturating_add(1).min(999_999_999),
    }
}
