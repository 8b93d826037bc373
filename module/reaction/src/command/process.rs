//! One process: started with what it is given and nothing of the host's, signalled as a group, waited for.

use std::ffi::CString;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd, RawFd};
use std::thread;
use std::time::{Duration, Instant};

use nix::spawn::{PosixSpawnAttr, PosixSpawnFileActions, PosixSpawnFlags, posix_spawn};
use nix::sys::signal::SigSet;
use rustix::io::{Errno, fcntl_dupfd_cloexec, ioctl_fionbio};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use super::{Command, Ending};

/// Standard input, output and errors have the numbers below.
const FIRST_OTHER: RawFd = 3;
/// The host may open descriptors while the list of them is read: so many numbers behind the highest are closed too.
const MARGIN: RawFd = 64;
/// How long killed processes are waited for that became children of the host by the death of their parent.
const ORPHANS_LIMIT: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(1);

/// A process of ours with its process group. Dropped before it was collected, it is killed and waited for.
#[derive(Debug)]
pub(super) struct Process {
    /// Its id, and its group's. Nobody else can have it until the process is collected.
    id: Pid,
    is_collected: bool,
}

/// Our ends of a process' pipes; none of them blocks.
#[derive(Debug)]
pub(super) struct Pipes {
    /// `None` when its standard input is empty.
    pub(super) input: Option<OwnedFd>,
    pub(super) output: OwnedFd,
    pub(super) errors: OwnedFd,
}

impl Process {
    /// Starts a command, in a process group of its own, with no signal blocked or ignored.
    pub(super) fn start(command: &Command) -> io::Result<(Process, Pipes)> {
        let Some(program) = command.argv.first() else { return Err(io::ErrorKind::InvalidInput.into()) };
        let (input, input_end) = match command.document {
            Some(_) => {
                let (theirs, ours) = pipe()?;
                (theirs, Some(ours))
            }
            None => (above_standard(File::open("/dev/null")?.into())?, None),
        };
        let (output_end, output) = pipe()?;
        let (errors_end, errors) = pipe()?;
        for ours in input_end.iter().chain([&output_end, &errors_end]) {
            ioctl_fionbio(ours, true)?;
        }
        let mut actions = PosixSpawnFileActions::init()?;
        for (standard, theirs) in (0..).zip([&input, &output, &errors]) {
            actions.add_dup2(theirs.as_raw_fd(), standard)?;
        }
        // Not all that the host opened is closed when a program starts. Closing what is not open is no error here.
        for other in FIRST_OTHER..=highest_descriptor()?.saturating_add(MARGIN) {
            actions.add_close(other)?;
        }
        let environment: Vec<&CString> = command.environment.iter().map(|(_, pair)| pair).collect();
        let id = posix_spawn(program.as_c_str(), &actions, &attributes()?, &command.argv, &environment)?;
        let id = Pid::from_raw(id.as_raw()).ok_or(io::ErrorKind::NotFound)?;
        let pipes = Pipes { input: input_end, output: output_end, errors: errors_end };
        Ok((Process { id, is_collected: false }, pipes))
    }

    /// Sends a signal to everything in its group, the process itself included while it runs.
    pub(super) fn signal_group(&self, signal: Signal) {
        if !self.is_collected {
            // Fails if they are gone, or changed their user; neither can be helped.
            let _ = kill_process_group(self.id, signal);
        }
    }

    /// Whether it has ended. It stays a zombie, so that its number and its group's stay its own.
    pub(super) fn has_ended(&mut self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        match waitid(WaitId::Pid(self.id), options) {
            Ok(status) => status.is_some(),
            Err(Errno::INTR) => false,
            Err(_) => {
                // Somebody else waited for it: the number may be another's from now on.
                self.is_collected = true;
                true
            }
        }
    }

    /// Takes the status of a process that has ended, after [`has_ended`](Process::has_ended) said so, and waits for
    /// what of its killed group became the host's children.
    pub(super) fn collect(mut self) -> Ending {
        if self.is_collected {
            return Ending::Unknown;
        }
        self.is_collected = true;
        let status = loop {
            match waitid(WaitId::Pid(self.id), WaitIdOptions::EXITED) {
                Err(Errno::INTR) => {}
                status => break status.ok().flatten(),
            }
        };
        self.collect_orphans();
        let exited = |status: i32| Ending::Exited(status);
        let Some(status) = status else { return Ending::Unknown };
        status
            .exit_status()
            .map(exited)
            .or_else(|| status.terminating_signal().map(Ending::Signalled))
            .unwrap_or(Ending::Unknown)
    }

    /// Where the host is the system's first process, or takes its place, orphans become its children.
    fn collect_orphans(&self) {
        let started = Instant::now();
        while started.elapsed() < ORPHANS_LIMIT {
            match waitid(WaitId::Pgid(Some(self.id)), WaitIdOptions::EXITED | WaitIdOptions::NOHANG) {
                Ok(Some(_)) | Err(Errno::INTR) => {}
                Ok(None) => thread::sleep(PAUSE),
                // There are none, as nearly always.
                Err(_) => return,
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.is_collected {
            self.signal_group(Signal::KILL);
            let _ = waitid(WaitId::Pid(self.id), WaitIdOptions::EXITED);
        }
    }
}

/// A group of its own, all signals as a new program expects them: our threads block them, the host ignores some.
fn attributes() -> io::Result<PosixSpawnAttr> {
    let mut attributes = PosixSpawnAttr::init()?;
    attributes.set_flags(
        PosixSpawnFlags::POSIX_SPAWN_SETPGROUP
            | PosixSpawnFlags::POSIX_SPAWN_SETSIGMASK
            | PosixSpawnFlags::POSIX_SPAWN_SETSIGDEF,
    )?;
    attributes.set_pgroup(nix::unistd::Pid::from_raw(0))?;
    attributes.set_sigmask(&SigSet::empty())?;
    attributes.set_sigdefault(&SigSet::all())?;
    Ok(attributes)
}

/// A pipe: the end to read from and the end to write to.
fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
    Ok((above_standard(read)?, above_standard(write)?))
}

/// The descriptor with a number that is not one of the standard ones: a host without standard input would get one of
/// these here, and it would be overwritten before it is used.
fn above_standard(descriptor: OwnedFd) -> io::Result<OwnedFd> {
    if descriptor.as_raw_fd() >= FIRST_OTHER {
        return Ok(descriptor);
    }
    Ok(fcntl_dupfd_cloexec(&descriptor, FIRST_OTHER)?)
}

/// The highest number of a descriptor of this process.
fn highest_descriptor() -> io::Result<RawFd> {
    let mut highest = FIRST_OTHER;
    for entry in fs::read_dir("/proc/self/fd")? {
        let name = entry?.file_name();
        highest = highest.max(name.to_str().and_then(|name| name.parse().ok()).unwrap_or(0));
    }
    Ok(highest)
}
