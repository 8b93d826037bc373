//! What takes longer than a call of the host may: one thread, with a list of what is due when.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use apportion_cgroups::GroupPath;
use parking_lot::{Condvar, Mutex};

use crate::container_id::ContainerId;

/// Pause after a fault.
const AFTER_FAULT: Duration = Duration::from_secs(30);

/// Something to be done.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Chore {
    /// Kill what is in a group and remove it. If somebody waits for it, he is told.
    End {
        /// The group.
        path: GroupPath,
        /// Whose cleanup it is.
        waiting: Option<ContainerId>,
    },
    /// Take the memory away that could not be taken yet.
    Shrink(ContainerId),
    /// Have all others leave the cores that somebody has for himself, or come back to those that nobody has any more.
    ShareCores,
}

/// What became of a chore.
pub(crate) enum Outcome {
    /// It is over.
    Over,
    /// To be tried again, after this time.
    Again(Duration, Chore),
}

#[derive(Debug, Default)]
struct List {
    due: BTreeMap<Chore, Instant>,
    is_ending: bool,
}

/// The thread and its list.
#[derive(Debug)]
pub(crate) struct Chores {
    list: Arc<(Mutex<List>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl Chores {
    /// Starts the thread, which sleeps while nothing is due.
    ///
    /// # Errors
    ///
    /// The system has no thread left.
    pub(crate) fn start(work: impl Fn(Chore) -> Outcome + Send + 'static) -> std::io::Result<Chores> {
        let list = Arc::new((Mutex::new(List::default()), Condvar::new()));
        let seen = Arc::clone(&list);
        let body = move || {
            while let Some(chore) = next(&seen) {
                let again = chore.clone();
                // After a fault the other chores go on, and this one is tried again.
                let done = catch_unwind(AssertUnwindSafe(|| work(chore))).unwrap_or_else(|_| {
                    tracing::error!("isolator: a fault in a chore: {again:?}");
                    Outcome::Again(AFTER_FAULT, again)
                });
                if let Outcome::Again(pause, chore) = done {
                    seen.0.lock().due.entry(chore).or_insert_with(|| Instant::now() + pause);
                }
            }
        };
        let thread = apportion_reaction::start_thread("apportion-chores".to_owned(), body)?;
        Ok(Chores { list, thread: Some(thread) })
    }

    /// Puts something on the list. What is there already is done at the earlier time.
    pub(crate) fn add(&self, chore: Chore, after: Duration) {
        let at = Instant::now() + after;
        let mut list = self.list.0.lock();
        let due = list.due.entry(chore).or_insert(at);
        *due = at.min(*due);
        drop(list);
        self.list.1.notify_all();
    }

    /// Leaves a container's memory as it is.
    pub(crate) fn forget(&self, id: &ContainerId) {
        self.list.0.lock().due.remove(&Chore::Shrink(id.clone()));
    }

    /// How much is on the list.
    pub(crate) fn len(&self) -> usize {
        self.list.0.lock().due.len()
    }
}

/// Waits for what is due next; `None` at the end.
fn next(shared: &(Mutex<List>, Condvar)) -> Option<Chore> {
    let (list, changed) = shared;
    let mut list = list.lock();
    loop {
        if list.is_ending {
            return None;
        }
        let earliest = list.due.iter().min_by_key(|(_, at)| **at).map(|(chore, at)| (chore.clone(), *at));
        match earliest {
            None => changed.wait(&mut list),
            Some((chore, at)) if at <= Instant::now() => {
                list.due.remove(&chore);
                return Some(chore);
            }
            Some((_, at)) => drop(changed.wait_until(&mut list, at)),
        }
    }
}

impl Drop for Chores {
    /// What is under way is waited for: it takes as long as the patience for a kill and a removal at most.
    fn drop(&mut self) {
        self.list.0.lock().is_ending = true;
        self.list.1.notify_all();
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != std::thread::current().id()
        {
            // A panic has been reported where it happened.
            let _ = thread.join();
        }
    }
}
