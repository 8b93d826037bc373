//! Ctrl-C and its relatives: told once, heard at the next convenient place, so that everything is stopped in order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::Failure;

/// How often a wait looks whether somebody wants it to end.
const LOOK: Duration = Duration::from_millis(50);

/// Whether somebody asked the demo to stop.
#[derive(Debug, Clone, Default)]
pub(super) struct Interruption {
    asked: Arc<AtomicBool>,
}

impl Interruption {
    /// Listens for SIGINT (Ctrl-C), SIGTERM and SIGHUP from now on.
    ///
    /// # Errors
    /// When the handler cannot be installed.
    pub(super) fn listen() -> Result<Interruption, Failure> {
        let interruption = Interruption::default();
        let told = interruption.clone();
        ctrlc::set_handler(move || told.ask())
            .map_err(|error| Failure::new(format!("cannot listen for Ctrl-C: {error}")))?;
        Ok(interruption)
    }

    /// Asks the demo to stop.
    pub(super) fn ask(&self) {
        self.asked.store(true, Ordering::SeqCst);
    }

    /// Whether it was asked to.
    pub(super) fn asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst)
    }

    /// Goes on, or gives up.
    ///
    /// # Errors
    /// When the demo was asked to stop.
    pub(super) fn check(&self) -> Result<(), Failure> {
        if self.asked() { Err(Failure::new("stopped before everything was shown")) } else { Ok(()) }
    }

    /// Sleeps for that long, or until the demo is asked to stop.
    pub(super) fn sleep(&self, time: Duration) {
        let started = Instant::now();
        while !self.asked() {
            match time.checked_sub(started.elapsed()) {
                Some(left) => thread::sleep(left.min(LOOK)),
                None => return,
            }
        }
    }
}
