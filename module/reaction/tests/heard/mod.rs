//! A pool whose events are kept.
#![allow(dead_code, reason = "each test program uses some of it")]

use std::fs;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use apportion_reaction::{Command, CommandEvent, CommandPool, CommandReport, Ending, PoolSettings, Stream};
use rustix::process::Pid;

/// Nothing takes so long; a test that waits in vain fails instead of hanging.
pub(crate) const LONG: Duration = Duration::from_secs(300);

/// One event, with the label of its command.
#[derive(Debug, Clone)]
enum Event {
    Line(String, Stream, String),
    Ended(String, CommandReport),
}

/// What was heard so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Heard(Arc<(Mutex<Vec<Event>>, Condvar)>);

impl Heard {
    /// A pool, and what it says.
    pub(crate) fn start(settings: &PoolSettings) -> (CommandPool, Heard) {
        let heard = Heard::default();
        let ears = heard.clone();
        let pool = CommandPool::start(settings, move |label, event| {
            let label = label.to_owned();
            let event = match event {
                CommandEvent::Line { stream, text } => Event::Line(label, stream, text.to_owned()),
                CommandEvent::Ended(report) => Event::Ended(label, report.clone()),
            };
            ears.0.0.lock().unwrap().push(event);
            ears.0.1.notify_all();
        });
        (pool.unwrap(), heard)
    }

    /// Lines of a command so far.
    pub(crate) fn lines(&self, of: &str) -> Vec<(Stream, String)> {
        let line = |event: &Event| match event {
            Event::Line(label, stream, text) if label == of => Some((*stream, text.clone())),
            _ => None,
        };
        self.0.0.lock().unwrap().iter().filter_map(line).collect()
    }

    /// How a command ended, if it has.
    pub(crate) fn ended(&self, of: &str) -> Option<CommandReport> {
        let end = |event: &Event| match event {
            Event::Ended(label, report) if label == of => Some(report.clone()),
            _ => None,
        };
        self.0.0.lock().unwrap().iter().find_map(end)
    }

    /// Waits until something is heard.
    fn wait<T>(&self, look: impl Fn() -> Option<T>) -> T {
        let started = Instant::now();
        loop {
            let events = self.0.0.lock().unwrap().len();
            if let Some(found) = look() {
                return found;
            }
            assert!(started.elapsed() < LONG, "not heard of in time: {:?}", self.0.0.lock().unwrap());
            let guard = self.0.0.lock().unwrap();
            let _ = self.0.1.wait_timeout_while(guard, LONG, |all| all.len() == events).unwrap();
        }
    }

    /// Waits for the end of a command.
    pub(crate) fn end(&self, of: &str) -> CommandReport {
        self.wait(|| self.ended(of))
    }

    /// Waits for the first line of a command.
    pub(crate) fn first_line(&self, of: &str) -> String {
        self.wait(|| self.lines(of).first().map(|(_, text)| text.clone()))
    }
}

/// A script of the shell, labelled `rule`.
pub(crate) fn shell(script: &str) -> Command {
    Command::new("rule", ["/bin/sh", "-c", script]).unwrap()
}

/// The same with all the time it could need.
pub(crate) fn patient(script: &str) -> Command {
    shell(script).timeout(LONG)
}

/// Runs a command labelled `rule` in a pool of its own.
pub(crate) fn outcome(command: Command) -> (CommandReport, Vec<(Stream, String)>) {
    let (pool, heard) = Heard::start(&PoolSettings::default());
    assert!(pool.submit(command.timeout(LONG)));
    let report = heard.end("rule");
    (report, heard.lines("rule"))
}

/// How such a command ends.
pub(crate) fn end_of(command: Command) -> Ending {
    outcome(command).0.ending
}

/// A process id in a line.
pub(crate) fn pid_of(line: &str) -> Pid {
    Pid::from_raw(line.parse().unwrap()).unwrap()
}

/// Waits until a process is gone, or waits for its parent, which is the system then.
pub(crate) fn is_gone(pid: Pid) {
    let started = Instant::now();
    loop {
        let state = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let is_zombie = state.lines().any(|line| line.starts_with("State:") && line.contains('Z'));
        if state.is_empty() || is_zombie {
            return;
        }
        assert!(started.elapsed() < LONG, "process {pid} is still there:\n{state}");
        thread::sleep(Duration::from_millis(5));
    }
}
