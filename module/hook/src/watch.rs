//! The thread that looks after changed files.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use crate::rules::RulesInForce;

/// Time between two looks.
const INTERVAL: Duration = Duration::from_secs(1);

/// How long an end waits for a look that is under way. A file system that takes longer hangs; the look is left alone.
const END_LIMIT: Duration = Duration::from_secs(5);

/// Looks once a second, on a thread of its own: a file system that hangs holds up nobody else.
#[derive(Debug)]
pub(crate) struct Watch {
    ending: Arc<(Mutex<bool>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// # Errors
    /// The system has no thread left.
    pub(crate) fn start(rules: &Arc<RulesInForce>) -> Result<Watch, String> {
        let ending = Arc::new((Mutex::new(false), Condvar::new()));
        let (rules, signal) = (Arc::clone(rules), Arc::clone(&ending));
        let look = move || {
            let (ended, changed) = &*signal;
            let mut ended = ended.lock();
            while !*ended {
                changed.wait_for(&mut ended, INTERVAL);
                if !*ended {
                    parking_lot::MutexGuard::unlocked(&mut ended, || rules.look());
                }
            }
        };
        let thread = apportion_reaction::start_thread("apportion-watch".to_owned(), look)
            .map_err(|error| format!("no thread to look after changed files: {error}"))?;
        Ok(Watch { ending, thread: Some(thread) })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        *self.ending.0.lock() = true;
        self.ending.1.notify_all();
        let Some(thread) = self.thread.take() else { return };
        let began = Instant::now();
        while !thread.is_finished() && began.elapsed() < END_LIMIT {
            std::thread::sleep(Duration::from_millis(2));
        }
        if thread.is_finished() {
            // A panic has been reported where it happened.
            let _ = thread.join();
        }
    }
}
