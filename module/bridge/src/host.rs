//! What the library asks of its host, and the way from `tracing` to the host's log.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::sync::OnceLock;

use tracing_core::field::{Field, Visit};
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::subscriber::Interest;
use tracing_core::{Event, Level, LevelFilter, Metadata, Subscriber};

/// How loud a line is; the numbers are the ones of the host's logging library.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i32)]
pub enum Severity {
    /// The course of things.
    Info = 0,
    /// Somebody should look at this.
    Warning = 1,
    /// Something did not work.
    Error = 2,
}

impl Severity {
    /// The number that the host's logging library knows it by.
    #[must_use]
    pub fn number(self) -> i32 {
        match self {
            Severity::Info => 0,
            Severity::Warning => 1,
            Severity::Error => 2,
        }
    }
}

/// Services of the process that the library is loaded into. Called from any thread.
pub trait Host: Send + Sync {
    /// Whether lines of this severity are written: asked before a line is put together.
    fn log_enabled(&self, severity: Severity) -> bool;
    /// Writes one line, as if it stood at `file`:`line`. The text holds no line break and no other control character.
    fn log(&self, severity: Severity, file: &str, line: u32, text: &str);
}

static HOST: OnceLock<&'static dyn Host> = OnceLock::new();

/// Names the host that lines go to, from now on and for good; a second call changes nothing.
///
/// Also makes a panic leave its place and message for the entry point that catches it, instead of printing them.
pub fn connect(host: &'static dyn Host) {
    if HOST.set(host).is_ok() {
        // Fails only if somebody else set a subscriber in this copy of `tracing`, which is ours alone.
        let _ = tracing::subscriber::set_global_default(Forward);
        crate::guard::note_panics();
    }
}

/// Text for one line of a log: names come from the host and may hold anything, so control characters are escaped.
pub(crate) fn one_line(text: &str) -> Cow<'_, str> {
    if !text.chars().any(char::is_control) {
        return Cow::Borrowed(text);
    }
    let mut line = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if character.is_control() {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
    Cow::Owned(line)
}

/// Sends each event to the host's log. There are no spans: a line stands for itself.
#[derive(Debug)]
struct Forward;

impl Subscriber for Forward {
    /// The host may change its mind about a severity at any time, so it is asked each time.
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if severity(*metadata.level()).is_some() { Interest::sometimes() } else { Interest::never() }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::INFO)
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let Some(severity) = severity(*metadata.level()) else { return false };
        HOST.get().is_some_and(|host| host.log_enabled(severity))
    }

    fn event(&self, event: &Event<'_>) {
        let metadata = event.metadata();
        let (Some(host), Some(severity)) = (HOST.get(), severity(*metadata.level())) else { return };
        let mut line = Line::default();
        event.record(&mut line);
        let text = format!("apportion: {}{}", line.message, line.fields);
        let file = metadata.file().unwrap_or("apportion");
        host.log(severity, file, metadata.line().unwrap_or(0), &one_line(&text));
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// The host knows nothing below "info".
fn severity(level: Level) -> Option<Severity> {
    match level {
        Level::ERROR => Some(Severity::Error),
        Level::WARN => Some(Severity::Warning),
        Level::INFO => Some(Severity::Info),
        _ => None,
    }
}

/// Puts an event's message and fields together.
#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        } else {
            let _ = write!(self.fields, " {}={value:?}", field.name());
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            value.clone_into(&mut self.message);
        } else {
            let _ = write!(self.fields, " {}={value:?}", field.name());
        }
    }
}
