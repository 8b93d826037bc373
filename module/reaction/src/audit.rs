//! The audit file: lines are recorded by anybody, and written by one thread.

mod file;
mod line;
mod notices;

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::queue::Queue;
use crate::threads;
use file::{AuditFile, Failure};
use notices::Pacing;

pub use line::{AuditLine, LINE_BYTES_MAX, RESERVED_FIELDS, ReservedField};
pub use notices::AuditNotice;

/// How long dropping a log waits for its last lines. A disk that takes longer is stuck.
const DROP_LIMIT: Duration = Duration::from_secs(5);

/// Why there is no audit log.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The path is not absolute: where the host runs is nothing to rely on.
    #[error("audit file {found:?}: not an absolute path; begin it with /")]
    RelativePath {
        /// The path given.
        found: PathBuf,
    },
    /// A queue without room would lose every line.
    #[error("audit file {}: a queue of no lines or no bytes; give it at least one line", file.display())]
    NoRoom {
        /// The path given.
        file: PathBuf,
    },
    /// The system gave no thread.
    #[error("audit file {}: no thread to write it: {source}", file.display())]
    Thread {
        /// The path given.
        file: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

/// How much may wait to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditSettings {
    /// Lines; at least 1.
    pub lines_max: usize,
    /// Bytes of all of them together. A line has up to [`LINE_BYTES_MAX`].
    pub bytes_max: usize,
}

impl Default for AuditSettings {
    /// 4,096 lines, 8 MiB.
    fn default() -> AuditSettings {
        AuditSettings { lines_max: 4096, bytes_max: 8 * 1024 * 1024 }
    }
}

/// Numbers of an audit log; all but `queued` since it was started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AuditCounters {
    /// Lines that wait to be written, now.
    pub queued: u64,
    /// Lines written.
    pub done: u64,
    /// Lines that could not be written: the system refused to open the file or to take the line.
    pub failed: u64,
    /// Lines that did not fit into the queue.
    pub dropped: u64,
    /// All lines that are not in the file: `failed` and `dropped`.
    pub lost_lines: u64,
    /// Lines written with the mark `shortened`.
    pub shortened: u64,
    /// How often the file was opened again, because it was moved away or after a failure.
    pub reopened: u64,
}

/// An audit file that is written in the background, one JSON object in a line.
///
/// [`record`](AuditLog::record) is for the host's threads: it never waits and never fails. Lines are in the file in the
/// order in which they were recorded by one thread. Each is appended with one call to the system, so that several
/// processes may share a file. The file is made with mode 0600 if it is not there, and opened anew when its path leads
/// elsewhere, so that it can be rotated without telling anybody. Lines are not forced to the disk.
///
/// Dropping the log writes what is queued and waits for it up to 5 s; [`detach`](AuditLog::detach) does not wait.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let file = folder.path().join("audit.jsonl");
/// use std::time::Duration;
/// use apportion_reaction::{AuditLine, AuditLog, AuditSettings};
///
/// let log = AuditLog::start(&file, &AuditSettings::default(), |notice| eprintln!("{notice}"))?;
/// log.record(AuditLine::new().text("event", "agent lost").text("agent", "a1"));
/// assert!(log.flush(Duration::from_secs(60)));
/// assert_eq!(std::fs::read_to_string(&file)?, "{\"event\":\"agent lost\",\"agent\":\"a1\"}\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct AuditLog {
    shared: Arc<Shared>,
    writer: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    queue: Queue<Entry>,
    /// Lines that did not fit and that no later line tells of yet.
    untold: AtomicU64,
    done: AtomicU64,
    failed: AtomicU64,
    dropped: AtomicU64,
    shortened: AtomicU64,
    reopened: AtomicU64,
}

#[derive(Debug)]
struct Entry {
    line: AuditLine,
    /// Lines that did not fit directly before this one.
    lost_before: u64,
}

impl AuditLog {
    /// Starts the thread that writes; the file is opened with the first line. `on_notice` is called from that thread: at
    /// once for the first line that cannot be written, then ever less often, and when lines are written again. A panic
    /// in it is caught.
    ///
    /// # Errors
    /// The path is not absolute, the queue would have no room, or the system has no thread left. A file that cannot be
    /// opened is no error but a notice: it may be there later.
    pub fn start(
        file: &Path,
        settings: &AuditSettings,
        on_notice: impl Fn(&AuditNotice) + Send + 'static,
    ) -> Result<AuditLog, AuditError> {
        let path = file.to_owned();
        if !path.is_absolute() {
            return Err(AuditError::RelativePath { found: path });
        }
        if settings.lines_max == 0 || settings.bytes_max == 0 {
            return Err(AuditError::NoRoom { file: path });
        }
        let shared = Arc::new(Shared {
            path: path.clone(),
            queue: Queue::new(settings.lines_max, settings.bytes_max),
            untold: AtomicU64::new(0),
            done: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            shortened: AtomicU64::new(0),
            reopened: AtomicU64::new(0),
        });
        let mut writer = Writer {
            file: AuditFile::new(path.clone()),
            shared: Arc::clone(&shared),
            lost: 0,
            pacing: Pacing::default(),
            on_notice: Box::new(on_notice),
        };
        let thread = threads::start("apportion-audit".to_owned(), move || writer.run())
            .map_err(|source| AuditError::Thread { file: path, source })?;
        Ok(AuditLog { shared, writer: vec![thread] })
    }

    /// Queues a line. Never waits; a line that does not fit is counted, and the next one that fits tells of it.
    pub fn record(&self, line: AuditLine) {
        let shared = &self.shared;
        let lost_before = shared.untold.swap(0, Ordering::Relaxed);
        let bytes = line.bytes() + size_of::<Entry>();
        if !shared.queue.push(Entry { line, lost_before }, bytes) {
            shared.dropped.fetch_add(1, Ordering::Relaxed);
            shared.untold.fetch_add(lost_before + 1, Ordering::Relaxed);
        }
    }

    /// Waits until everything recorded so far is written or counted as lost; `false` when that takes longer. Not for a
    /// thread of the host.
    pub fn flush(&self, within: Duration) -> bool {
        self.shared.queue.wait_until_settled(within)
    }

    /// Numbers so far. They are counted by several threads, and need not agree with each other to the last line.
    pub fn counters(&self) -> AuditCounters {
        let shared = &self.shared;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (failed, dropped) = (read(&shared.failed), read(&shared.dropped));
        AuditCounters {
            queued: shared.queue.len() as u64,
            done: read(&shared.done),
            failed,
            dropped,
            lost_lines: failed + dropped,
            shortened: read(&shared.shortened),
            reopened: read(&shared.reopened),
        }
    }

    /// The file's path.
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    /// Takes no more lines, and leaves what is queued to its thread, which ends when it is written. For a thread that
    /// must not wait, as when the configuration is replaced.
    pub fn detach(mut self) {
        self.writer.clear();
    }
}

impl Drop for AuditLog {
    fn drop(&mut self) {
        self.shared.queue.close();
        threads::join_within(&mut self.writer, DROP_LIMIT);
    }
}

/// What the thread has.
struct Writer {
    file: AuditFile,
    shared: Arc<Shared>,
    /// Lines lost since the last one that was written, of those taken out of the queue or told by them.
    lost: u64,
    pacing: Pacing,
    on_notice: Box<dyn Fn(&AuditNotice) + Send>,
}

impl Writer {
    fn run(&mut self) {
        while let Some(Entry { line, lost_before }) = self.shared.queue.pop() {
            self.lost += lost_before;
            if line.is_shortened() {
                self.shared.shortened.fetch_add(1, Ordering::Relaxed);
            }
            let counter = match self.append(line) {
                Ok(()) => &self.shared.done,
                Err(()) => &self.shared.failed,
            };
            counter.fetch_add(1, Ordering::Relaxed);
            self.shared.queue.finish();
        }
        self.lost += self.shared.untold.swap(0, Ordering::Relaxed);
        if self.lost > 0 {
            // No later line can tell. If this one cannot be written either, the notice and the counters remain.
            let _ = self.append(AuditLine::new());
        }
    }

    /// Writes a line, and tells what is to be told about it. On failure it counts among those that the next one tells of.
    fn append(&mut self, line: AuditLine) -> Result<(), ()> {
        let outcome = self.file.append(&line.finish(self.lost));
        self.shared.reopened.store(self.file.reopened, Ordering::Relaxed);
        let path = || self.shared.path.clone();
        let (notice, outcome) = match outcome {
            Ok(()) => {
                self.lost = 0;
                (self.pacing.written().map(|lines| AuditNotice::Recovered { file: path(), lines }), Ok(()))
            }
            Err(Failure { action, error }) => {
                self.lost += 1;
                let told = self.pacing.failed(Instant::now());
                let reason = || error.to_string();
                let notice =
                    told.map(|lines| AuditNotice::Failing { file: path(), action, reason: reason(), lines });
                (notice, Err(()))
            }
        };
        if let Some(notice) = notice {
            // It has been reported by the panic hook; lines go on.
            let _ = catch_unwind(AssertUnwindSafe(|| (self.on_notice)(&notice)));
        }
        outcome
    }
}
