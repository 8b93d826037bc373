//! Threads inside somebody else's process.

use std::io;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::sys::signal::{SigSet, SigmaskHow, Signal};

/// Pause between two looks at threads that are ending.
const PAUSE: Duration = Duration::from_millis(2);

/// Signals that a thread raises by what it does itself. Blocked, they could not reach the host's handler, which writes
/// the stack trace: the kernel would end the process without a word.
const FAULTS: [Signal; 6] =
    [Signal::SIGSEGV, Signal::SIGBUS, Signal::SIGILL, Signal::SIGFPE, Signal::SIGTRAP, Signal::SIGSYS];

/// Starts a thread that no signal from outside interrupts. Linux keeps 15 bytes of the name.
///
/// The caller's mask is set for the moment of the start, because a thread begins with the mask of its maker: there is no
/// moment in which a handler of the host could run on the new one.
///
/// # Errors
/// The system has no thread left.
pub fn start(name: String, body: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    let mut blocked = SigSet::all();
    for fault in FAULTS {
        blocked.remove(fault);
    }
    let before = blocked.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
    let thread = thread::Builder::new().name(name).spawn(body);
    before.thread_set_mask()?;
    thread
}

/// Waits for threads, at most so long; those that still run then go on by themselves.
pub(crate) fn join_within(threads: &mut Vec<JoinHandle<()>>, limit: Duration) {
    let started = Instant::now();
    while threads.iter().any(|thread| !thread.is_finished()) && started.elapsed() < limit {
        thread::sleep(PAUSE);
    }
    for thread in threads.drain(..).filter(JoinHandle::is_finished) {
        // A panic has been reported where it happened.
        let _ = thread.join();
    }
}
