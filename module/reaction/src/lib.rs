//! What hook rules set off outside the host: lines of an audit file, and commands.
//!
//! The host calls hooks on its own actor, under a lock of the whole process. So nothing here ever makes the caller
//! wait: [`AuditLog::record`] and [`CommandPool::submit`] put something into a bounded queue, or count that it did not
//! fit, and return. Threads of ours do the rest.
//!
//! # Invariants
//!
//! * A lock is held for moving a pointer into or out of a queue, never while a file, a process or a callback is waited
//!   for.
//! * Memory is bounded: queues by number and by bytes, lines, documents and captured output by bytes.
//! * Every thread has a name (`apportion-audit`, `apportion-cmd1` and so on) and blocks all signals that come from
//!   outside: handlers of the host run on threads of the host.
//! * No loss is silent: a line that was shortened says so; one that did not fit or could not be written is counted, and
//!   the next line of the audit file says how many are missing before it.
//! * A command is a program and its arguments, never a shell's text; its environment is what was named; it has no
//!   descriptor of the host; it is waited for, and what it leaves in its process group is killed.
//! * Values given to commands and lines are in no error, counter or `Debug` text: they may be secrets.
//!
//! Where to read next: [`AuditLog`], then [`CommandPool`].
#![forbid(unsafe_code)]

mod audit;
mod command;
mod queue;
mod threads;

pub use threads::start as start_thread;

pub use audit::{
    AuditCounters, AuditError, AuditLine, AuditLog, AuditNotice, AuditSettings, LINE_BYTES_MAX,
    RESERVED_FIELDS, ReservedField,
};
pub use command::{
    ARGUMENT_BYTES_MAX, Command, CommandCounters, CommandError, CommandEvent, CommandPool, CommandReport,
    DOCUMENT_BYTES_MAX, Ending, OUTPUT_LINE_BYTES_MAX, PoolError, PoolSettings, RUNNING_MAX, Stream,
};
