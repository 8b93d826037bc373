//! How late the machine is: a thread that wants to run and to write a line every few milliseconds, as the master does with
//! its log, and notes when it could not.
//!
//! A deadline of the drills that is measured in the master's own times is lengthened by what this thread has waited for
//! a processor or the disk in the same span, and by nothing else: on a machine with nothing else to do that is next to
//! nothing.

use std::collections::VecDeque;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::error::DrillError;
use crate::journal::{Micros, micros, now};

const BEAT: Duration = Duration::from_millis(5);
/// Beats that are kept: more than the longest span that is asked for.
const BEATS_MAX: usize = 100_000;

/// The running thread.
#[derive(Debug)]
pub(crate) struct Pulse {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    stopped: AtomicBool,
    /// End of each beat that was late, and by how much.
    late: Mutex<VecDeque<(Micros, Duration)>>,
}

impl Pulse {
    /// Starts it.
    pub(crate) fn start() -> Result<Pulse, DrillError> {
        let mut file =
            tempfile::tempfile().map_err(DrillError::io("create a file in", &std::env::temp_dir()))?;
        let shared = Arc::new(Shared::default());
        let own = Arc::clone(&shared);
        let thread = thread::spawn(move || {
            while !own.stopped.load(Ordering::Acquire) {
                let started = Instant::now();
                thread::sleep(BEAT);
                // Only the time it takes is of interest.
                let _ = file.write_all(b"beat\n");
                let late = started.elapsed().saturating_sub(BEAT);
                let mut beats = own.late.lock().unwrap_or_else(PoisonError::into_inner);
                if beats.len() == BEATS_MAX {
                    beats.pop_front();
                }
                beats.push_back((now(), late));
            }
        });
        Ok(Pulse { shared, thread: Some(thread) })
    }

    /// How long it could not run from `from` to `to`, all in all.
    pub(crate) fn lost(&self, from: Micros, to: Micros) -> Duration {
        let beats = self.shared.late.lock().unwrap_or_else(PoisonError::into_inner);
        // A beat that was late at both ends of the span counts in full.
        let touches =
            |end: Micros, late: Duration| end >= from && end.saturating_sub(micros(late + BEAT)) <= to;
        beats.iter().filter(|(end, late)| touches(*end, *late)).map(|(_, late)| *late).sum()
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            // It does not panic; if it did, there were nothing more to be done.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_beats_of_the_span_are_counted() {
        let shared = Shared::default();
        let late = Duration::from_millis(20);
        shared.late.lock().unwrap().extend([(100_000, late), (200_000, late), (300_000, late)]);
        let pulse = Pulse { shared: Arc::new(shared), thread: None };
        assert_eq!(pulse.lost(150_000, 160_000), Duration::ZERO);
        assert_eq!(pulse.lost(150_000, 210_000), late);
        assert_eq!(pulse.lost(190_000, 290_000), 2 * late);
    }
}
