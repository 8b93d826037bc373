//! The pool: a bounded number of commands at a time, a bounded number waiting.

use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::run::{Bounds, run};
use super::{Command, CommandEvent, Ending};
use crate::queue::Queue;
use crate::threads;

/// Most commands that a pool runs at a time.
pub const RUNNING_MAX: usize = 64;

/// Beyond the grace period, how long dropping a pool waits for killed processes to be gone.
const DROP_LIMIT: Duration = Duration::from_secs(5);

/// Why there is no pool.
#[derive(Debug, thiserror::Error)]
pub enum PoolError {
    /// It could run nothing, or more than is sensible beside a master or agent.
    #[error("pool of commands: {found} at a time; take 1 to {RUNNING_MAX}")]
    RunningMax {
        /// The number given.
        found: usize,
    },
    /// A queue without room would drop every command.
    #[error("pool of commands: a queue of no commands or no bytes; give it room for at least one")]
    NoRoom,
    /// The system gave no thread.
    #[error("pool of commands: no thread to run them: {source}")]
    Thread {
        /// The system's reason.
        source: io::Error,
    },
}

/// Bounds of a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolSettings {
    /// Commands that run at a time, each with a thread: 1 to [`RUNNING_MAX`].
    pub running_max: usize,
    /// Commands that wait; at least 1.
    pub queue_max: usize,
    /// Bytes of all that wait: arguments, environments and documents.
    pub queue_bytes_max: usize,
    /// From SIGTERM to SIGKILL, for a command that is ended.
    pub grace: Duration,
    /// Bytes of one command's output and errors together that are handed on; what is more is read and counted.
    pub output_bytes_max: usize,
}

impl Default for PoolSettings {
    /// 4 at a time, 256 waiting with 8 MiB, 5 s of grace, 64 KiB of output.
    fn default() -> PoolSettings {
        PoolSettings {
            running_max: 4,
            queue_max: 256,
            queue_bytes_max: 8 * 1024 * 1024,
            grace: Duration::from_secs(5),
            output_bytes_max: 64 * 1024,
        }
    }
}

/// Numbers of a pool; `queued` and `running` now, the others since it was started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CommandCounters {
    /// Commands that wait.
    pub queued: u64,
    /// Commands that run.
    pub running: u64,
    /// Commands that exited with status 0.
    pub done: u64,
    /// Commands that could not be started, exited with another status, or ended by a signal that was not ours.
    pub failed: u64,
    /// Commands that ran longer than allowed.
    pub timed_out: u64,
    /// Commands that the end of the pool ended.
    pub stopped: u64,
    /// Commands that never started: the queue was full, or the pool ended before their turn.
    pub dropped: u64,
    /// Bytes of output beyond the limit.
    pub discarded_bytes: u64,
}

/// Runs commands in the background.
///
/// [`submit`](CommandPool::submit) is for the host's threads: it never waits. Commands start in the order in which they
/// were submitted, each in a process group of its own, with the descriptors 0 to 2 and no others, no signal blocked or
/// ignored. A command ends when its program does; what is left of its process group then is killed. One that is to go on
/// leaves the group (`setsid`).
///
/// A command that runs too long, or that runs when the pool is dropped, gets SIGTERM with its group, and SIGKILL when
/// the grace period is over. Dropping the pool throws away what waits, and takes no longer than the grace period and 5 s;
/// [`detach`](CommandPool::detach) lets everything end by itself, without waiting.
///
/// ```
/// use std::sync::mpsc;
/// use apportion_reaction::{Command, CommandEvent, CommandPool, Ending, PoolSettings};
///
/// let (sender, receiver) = mpsc::channel();
/// let pool = CommandPool::start(&PoolSettings::default(), move |label, event| {
///     if let CommandEvent::Ended(report) = event {
///         let _ = sender.send((label.to_owned(), report.ending.clone()));
///     }
/// })?;
/// assert!(pool.submit(Command::new("greet", ["/bin/echo", "hello"])?));
/// assert_eq!(receiver.recv()?, ("greet".to_owned(), Ending::Exited(0)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct CommandPool {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

type OnEvent = dyn Fn(&str, CommandEvent<'_>) + Send + Sync;

struct Shared {
    queue: Queue<Command>,
    bounds: Bounds,
    is_stopping: AtomicBool,
    on_event: Box<OnEvent>,
    done: AtomicU64,
    failed: AtomicU64,
    timed_out: AtomicU64,
    stopped: AtomicU64,
    dropped: AtomicU64,
    discarded_bytes: AtomicU64,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("queue", &self.queue)
            .field("bounds", &self.bounds)
            .finish_non_exhaustive()
    }
}

impl CommandPool {
    /// Starts the pool's threads. `on_event` hears the label of a command and what happened to it, from several threads
    /// at once; a panic in it is caught. A callback that waits holds up its command, and the next one's turn.
    ///
    /// # Errors
    /// A bound is senseless, or the system has no thread left.
    pub fn start(
        settings: &PoolSettings,
        on_event: impl Fn(&str, CommandEvent<'_>) + Send + Sync + 'static,
    ) -> Result<CommandPool, PoolError> {
        if settings.running_max == 0 || settings.running_max > RUNNING_MAX {
            return Err(PoolError::RunningMax { found: settings.running_max });
        }
        if settings.queue_max == 0 || settings.queue_bytes_max == 0 {
            return Err(PoolError::NoRoom);
        }
        let shared = Arc::new(Shared {
            queue: Queue::new(settings.queue_max, settings.queue_bytes_max),
            bounds: Bounds { grace: settings.grace, output_bytes_max: settings.output_bytes_max },
            is_stopping: AtomicBool::new(false),
            on_event: Box::new(on_event),
            done: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            timed_out: AtomicU64::new(0),
            stopped: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            discarded_bytes: AtomicU64::new(0),
        });
        // Dropped on an error, it ends the threads that were started.
        let mut pool = CommandPool { shared, threads: Vec::new() };
        for number in 1..=settings.running_max {
            let shared = Arc::clone(&pool.shared);
            let thread = threads::start(format!("apportion-cmd{number}"), move || work(&shared))
                .map_err(|source| PoolError::Thread { source })?;
            pool.threads.push(thread);
        }
        Ok(pool)
    }

    /// Queues a command. Never waits; `false` if it did not fit and was dropped, which is counted.
    pub fn submit(&self, command: Command) -> bool {
        let bytes = command.bytes();
        let fits = self.shared.queue.push(command, bytes);
        if !fits {
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
        }
        fits
    }

    /// Waits until every command submitted so far has ended; `false` when that takes longer. Not for a thread of the
    /// host.
    pub fn wait_until_idle(&self, within: Duration) -> bool {
        self.shared.queue.wait_until_settled(within)
    }

    /// Numbers so far. They are counted by several threads, and need not agree with each other to the last command.
    pub fn counters(&self) -> CommandCounters {
        let shared = &self.shared;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        CommandCounters {
            queued: shared.queue.len() as u64,
            running: shared.queue.in_hand() as u64,
            done: read(&shared.done),
            failed: read(&shared.failed),
            timed_out: read(&shared.timed_out),
            stopped: read(&shared.stopped),
            dropped: read(&shared.dropped),
            discarded_bytes: read(&shared.discarded_bytes),
        }
    }

    /// Takes no more commands, and leaves those that wait and run to the pool's threads, which end after the last. For a
    /// thread that must not wait, as when the configuration is replaced.
    pub fn detach(mut self) {
        self.shared.queue.close();
        self.threads.clear();
    }
}

impl Drop for CommandPool {
    fn drop(&mut self) {
        if self.threads.is_empty() {
            // Detached: what is left goes on.
            return;
        }
        self.shared.is_stopping.store(true, Ordering::Relaxed);
        self.shared.queue.close();
        threads::join_within(&mut self.threads, self.shared.bounds.grace.saturating_add(DROP_LIMIT));
    }
}

/// What each thread does.
fn work(shared: &Shared) {
    while let Some(command) = shared.queue.pop() {
        if shared.is_stopping.load(Ordering::Relaxed) {
            // So the queue empties at once.
            shared.dropped.fetch_add(1, Ordering::Relaxed);
            shared.queue.finish();
            continue;
        }
        let tell = |event: CommandEvent<'_>| {
            // It has been reported by the panic hook; the command goes on.
            let _ = catch_unwind(AssertUnwindSafe(|| (shared.on_event)(&command.label, event)));
        };
        let report = run(&command, shared.bounds, &shared.is_stopping, &tell);
        let counter = match report.ending {
            Ending::Exited(0) => &shared.done,
            Ending::Exited(_) | Ending::Signalled(_) | Ending::NotStarted { .. } | Ending::Unknown => {
                &shared.failed
            }
            Ending::TimedOut { .. } => &shared.timed_out,
            Ending::Stopped => &shared.stopped,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        shared.discarded_bytes.fetch_add(report.discarded_bytes, Ordering::Relaxed);
        tell(CommandEvent::Ended(&report));
        shared.queue.finish();
    }
}
