//! One command from its start to its end.

use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, read, write};
use rustix::process::Signal;

use super::output::Lines;
use super::process::{Pipes, Process};
use super::{Command, CommandEvent, CommandReport, Ending, Stream};

/// Shortest and longest time between two looks whether a process has ended. There is no way to wait for that and for its
/// pipes together that old kernels know.
const LOOK_MIN: Duration = Duration::from_millis(1);
const LOOK_MAX: Duration = Duration::from_millis(50);

/// Bytes read at a time.
const READ_BYTES: usize = 16 * 1024;

/// Read at most after the end of a process: more than a pipe holds by default.
const REST_BYTES_MAX: u64 = 1024 * 1024;

/// Bounds of one run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// From SIGTERM to SIGKILL.
    pub(super) grace: Duration,
    /// Bytes of output handed on.
    pub(super) output_bytes_max: usize,
}

/// How far the end of a process has been brought about.
#[derive(Debug, Clone, Copy)]
enum Stage {
    Running,
    /// It got SIGTERM.
    Asked {
        since: Instant,
    },
    /// It got SIGKILL.
    Killed,
}

/// Runs a command to its end. `is_stopping` turns true when it is to be ended at once. `tell` must not panic.
pub(super) fn run(
    command: &Command,
    bounds: Bounds,
    is_stopping: &AtomicBool,
    tell: &dyn Fn(CommandEvent<'_>),
) -> CommandReport {
    let started = Instant::now();
    let (mut process, pipes) = match Process::start(command) {
        Ok(both) => both,
        Err(error) => {
            let ending = Ending::NotStarted { reason: error.to_string() };
            return CommandReport { ending, took: started.elapsed(), discarded_bytes: 0 };
        }
    };
    let lines = Lines::new(bounds.output_bytes_max, tell);
    let mut traffic = Traffic::new(pipes, command.document.as_deref().unwrap_or_default(), lines);
    let mut stage = Stage::Running;
    let mut was_stopped = false;
    let mut pause = LOOK_MIN;
    while !process.has_ended() {
        pause = if traffic.wait_and_move(pause) { LOOK_MIN } else { (pause * 2).min(LOOK_MAX) };
        stage = match stage {
            Stage::Running if is_stopping.load(Ordering::Relaxed) || started.elapsed() >= command.timeout => {
                was_stopped = started.elapsed() < command.timeout;
                process.signal_group(Signal::TERM);
                // One that is stopped would not hear of it.
                process.signal_group(Signal::CONT);
                Stage::Asked { since: Instant::now() }
            }
            Stage::Asked { since } if since.elapsed() >= bounds.grace => {
                process.signal_group(Signal::KILL);
                Stage::Killed
            }
            other => other,
        };
    }
    // What it left behind; its own status stands already.
    process.signal_group(Signal::KILL);
    let discarded_bytes = traffic.finish();
    let ending = match (stage, process.collect()) {
        (Stage::Running, ending) => ending,
        _ if was_stopped => Ending::Stopped,
        (Stage::Asked { .. }, _) => Ending::TimedOut { was_killed: false },
        (Stage::Killed, _) => Ending::TimedOut { was_killed: true },
    };
    CommandReport { ending, took: started.elapsed(), discarded_bytes }
}

/// The document on its way into a process, and output on its way out.
struct Traffic<'a> {
    input: Option<OwnedFd>,
    /// What is left of the document.
    document: &'a [u8],
    /// Until its other end is closed.
    output: Option<OwnedFd>,
    errors: Option<OwnedFd>,
    lines: Lines<'a>,
    buffer: Vec<u8>,
}

impl<'a> Traffic<'a> {
    fn new(pipes: Pipes, document: &'a [u8], lines: Lines<'a>) -> Traffic<'a> {
        let Pipes { input, output, errors } = pipes;
        Traffic {
            input,
            document,
            output: Some(output),
            errors: Some(errors),
            lines,
            buffer: vec![0; READ_BYTES],
        }
    }

    /// Waits until something can be moved, at most so long, and moves it. `false` if nothing could be.
    fn wait_and_move(&mut self, at_most: Duration) -> bool {
        let is_ready = {
            let input = self.input.iter().map(|pipe| PollFd::new(pipe, PollFlags::OUT));
            let outputs = self.output.iter().chain(&self.errors).map(|pipe| PollFd::new(pipe, PollFlags::IN));
            let mut pipes: Vec<PollFd<'_>> = input.chain(outputs).collect();
            // Only times beyond the clock's reach do not convert.
            let timeout = Timespec::try_from(at_most).ok();
            match poll(&mut pipes, timeout.as_ref()) {
                Ok(ready) => ready > 0,
                Err(_) => {
                    thread::sleep(at_most);
                    true
                }
            }
        };
        if is_ready {
            self.give_document();
            self.read_once(Stream::Output);
            self.read_once(Stream::Errors);
        }
        is_ready
    }

    /// Writes as much of the document as the pipe takes, and closes it behind the last byte.
    fn give_document(&mut self) {
        let Some(input) = &self.input else { return };
        match write(input, self.document) {
            Ok(taken) => self.document = self.document.get(taken..).unwrap_or_default(),
            Err(Errno::AGAIN | Errno::INTR) => return,
            // It does not want to read it.
            Err(_) => self.document = &[],
        }
        if self.document.is_empty() {
            self.input = None;
        }
    }

    /// Reads once from a stream: how many bytes, if there were any.
    fn read_once(&mut self, stream: Stream) -> Option<u64> {
        let pipe = match stream {
            Stream::Output => &mut self.output,
            Stream::Errors => &mut self.errors,
        };
        match read(pipe.as_ref()?, self.buffer.as_mut_slice()) {
            Ok(0) => *pipe = None,
            Ok(count) => {
                self.lines.take(stream, self.buffer.get(..count).unwrap_or_default());
                return Some(count as u64);
            }
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(_) => *pipe = None,
        }
        None
    }

    /// Reads what is in the pipes, and closes them: a process outside the group may hold their other ends for ever.
    /// Tells how many bytes were discarded.
    fn finish(mut self) -> u64 {
        for stream in [Stream::Output, Stream::Errors] {
            let mut rest = 0;
            while let Some(count) = self.read_once(stream).filter(|_| rest < REST_BYTES_MAX) {
                rest += count;
            }
        }
        self.lines.finish();
        self.lines.discarded_bytes
    }
}
