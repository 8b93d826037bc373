//! The kernel of the machine this process runs on.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::Duration;

use rustix::fd::OwnedFd;
use rustix::fs::getxattr;
use rustix::io::Errno;
use rustix::process::{PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal};

use crate::kernel::{Kernel, Pid};

/// Bytes of a file that are read at most. The largest file is `cgroup.procs` of a group with all of a host's
/// processes: four million of them are 32 MB.
const FILE_BYTES_MAX: u64 = 32 << 20;

/// Times that a write is begun again after a signal.
const INTERRUPTIONS_MAX: u32 = 100;

/// Processes that are held on to at a time: each takes a descriptor.
const HELD_MAX: usize = 128;

/// The real kernel.
#[derive(Debug, Clone, Copy, Default)]
pub struct LiveKernel;

impl Kernel for LiveKernel {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        fs::File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut content)?;
        if u64::try_from(content.len()).unwrap_or(u64::MAX) > FILE_BYTES_MAX {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                format!("more than {FILE_BYTES_MAX} bytes"),
            ));
        }
        Ok(content)
    }

    fn write(&self, path: &Path, text: &str) -> io::Result<()> {
        let mut file = fs::OpenOptions::new().write(true).open(path)?;
        // v1 gives up the search for memory to reclaim when a signal comes, as agents get from their children.
        let mut written = file.write(text.as_bytes());
        for _ in 0..INTERRUPTIONS_MAX {
            match &written {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                    written = file.write(text.as_bytes())
                }
                _ => break,
            }
        }
        let written = written?;
        if written == text.len() {
            Ok(())
        } else {
            Err(io::Error::new(io::ErrorKind::WriteZero, format!("only {written} bytes were taken")))
        }
    }

    fn make_group(&self, path: &Path) -> io::Result<()> {
        fs::create_dir(path)
    }

    fn remove_group(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }

    fn child_groups(&self, path: &Path) -> io::Result<Vec<OsString>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            // No links are followed: a control group file system has none.
            if entry.file_type()?.is_dir() {
                names.push(entry.file_name());
            }
        }
        names.sort();
        Ok(names)
    }

    fn has(&self, path: &Path) -> io::Result<bool> {
        path.try_exists()
    }

    fn is_delegated(&self, path: &Path) -> bool {
        // systemd sets both; a process without privileges can read the second one only.
        ["trusted.delegate", "user.delegate"].iter().any(|name| {
            let mut value = [0_u8; 8];
            getxattr(path, *name, &mut value).is_ok_and(|length| value.get(..length) == Some(b"1"))
        })
    }

    fn kill(
        &self,
        pids: &BTreeSet<Pid>,
        members: &mut dyn FnMut() -> io::Result<BTreeSet<Pid>>,
    ) -> io::Result<()> {
        let all: Vec<Pid> = pids.iter().copied().collect();
        for batch in all.chunks(HELD_MAX) {
            let held: Vec<(Pid, Hold)> =
                batch.iter().filter_map(|pid| hold(*pid).map(|held| (*pid, held))).collect();
            let still = members()?;
            for (pid, held) in held.iter().filter(|(pid, _)| still.contains(pid)) {
                signal(*pid, held)?;
            }
        }
        Ok(())
    }

    fn claim(&self, path: &Path) -> io::Result<Option<OwnedFd>> {
        let folder = std::fs::File::open(path)?;
        rustix::fs::flock(&folder, rustix::fs::FlockOperation::NonBlockingLockExclusive)?;
        Ok(Some(folder.into()))
    }

    fn pause(&self, time: Duration) {
        std::thread::sleep(time);
    }
}

#[derive(Debug)]
enum Hold {
    Descriptor(OwnedFd),
    /// Kernels before 5.3, and no descriptor left: the number has to do.
    Number,
}

/// `None` if the process has ended.
fn hold(pid: Pid) -> Option<Hold> {
    match pidfd_open(system_pid(pid)?, PidfdFlags::empty()) {
        Ok(descriptor) => Some(Hold::Descriptor(descriptor)),
        Err(Errno::SRCH) => None,
        Err(_) => Some(Hold::Number),
    }
}

fn signal(pid: Pid, held: &Hold) -> io::Result<()> {
    let sent = match (held, system_pid(pid)) {
        (Hold::Descriptor(descriptor), _) => pidfd_send_signal(descriptor, Signal::KILL),
        (Hold::Number, Some(pid)) => kill_process(pid, Signal::KILL),
        (Hold::Number, None) => Ok(()),
    };
    match sent {
        Ok(()) | Err(Errno::SRCH) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn system_pid(pid: Pid) -> Option<rustix::process::Pid> {
    rustix::process::Pid::from_raw(i32::try_from(pid.get()).ok()?)
}
