//! One launched process with everything that has to go away with it: its port, its temporary folder, its
//! containers, its log.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::error::RigError;
use crate::process_tree;
use crate::wait::{Look, wait_for};

/// How long a process may take to stop politely.
pub(crate) const STOP_LIMIT: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(5);
/// So much of a log's end is shown in an error.
const LOG_TAIL_BYTES: usize = 16 * 1024;
/// Variables that would change a Mesos process and are not ours.
const FOREIGN_PREFIXES: [&str; 3] = ["MESOS_", "LIBPROCESS_", "GLOG_"];

/// How a process is started; kept for a restart.
#[derive(Debug, Clone)]
pub(crate) struct Launch {
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<OsString>,
    pub(crate) environment: Vec<(OsString, OsString)>,
}

/// A running (or stopped) process. Dropping it stops it, ends its containers and removes its folder; in a
/// panicking thread its log is printed first.
#[derive(Debug)]
pub(crate) struct HostProcess {
    name: String,
    launch: Launch,
    child: Option<Child>,
    /// Taken in `drop` only.
    folder: Option<TempDir>,
    path: PathBuf,
}

impl HostProcess {
    /// Starts a process with a folder of its own. `name` is how errors and logs call it.
    pub(crate) fn start(name: String, folder: TempDir, launch: Launch) -> Result<HostProcess, RigError> {
        let path = folder.path().to_owned();
        let mut process = HostProcess { name, launch, child: None, folder: Some(folder), path };
        process.spawn()?;
        Ok(process)
    }

    /// Starts it again, when it has stopped: same port, same folder.
    pub(crate) fn spawn(&mut self) -> Result<(), RigError> {
        let log_path = self.log_path();
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&log_path)
            .map_err(RigError::io("open the log", &log_path))?;
        let errors = log.try_clone().map_err(RigError::io("share the log", &log_path))?;
        let mut command = Command::new(&self.launch.program);
        for (name, _) in std::env::vars_os() {
            if FOREIGN_PREFIXES.iter().any(|prefix| name.as_encoded_bytes().starts_with(prefix.as_bytes())) {
                command.env_remove(name);
            }
        }
        command
            .args(&self.launch.arguments)
            .envs(self.launch.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.path)
            // The launcher stops when this pipe closes, which also happens when we are killed.
            .stdin(Stdio::piped())
            .stdout(log)
            .stderr(errors)
            // Ctrl-C in a terminal is for us; we stop our processes in order.
            .process_group(0);
        self.child = Some(command.spawn().map_err(RigError::io("start", &self.launch.program))?);
        Ok(())
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Its temporary folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.path
    }

    /// Its process id while it runs.
    pub(crate) fn id(&self) -> Option<i32> {
        self.child.as_ref().map(|child| child.id().cast_signed())
    }

    fn log_path(&self) -> PathBuf {
        self.path.join("log")
    }

    /// Everything it has logged, over all restarts.
    pub(crate) fn log(&self) -> String {
        // A log that is not there yet is an empty one.
        String::from_utf8_lossy(&fs::read(self.log_path()).unwrap_or_default()).into_owned()
    }

    fn log_end(&self) -> String {
        let log = self.log();
        let start = log.floor_char_boundary(log.len().saturating_sub(LOG_TAIL_BYTES));
        log[start..].to_owned()
    }

    /// The exit status when it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> Result<Option<ExitStatus>, RigError> {
        match self.child.as_mut() {
            None => Ok(None),
            Some(child) => child.try_wait().map_err(RigError::io("wait for", &self.launch.program)),
        }
    }

    /// Waits until `look` finds what makes the process ready; its early end is an error.
    pub(crate) fn wait_until_ready(
        &mut self,
        within: Duration,
        mut look: impl FnMut(&HostProcess) -> Result<Look<()>, RigError>,
    ) -> Result<(), RigError> {
        let what = format!("{} to be ready", self.name);
        let outcome = wait_for(&what, within, || {
            if let Some(status) = self.has_ended()? {
                let (name, status) = (self.name.clone(), status.to_string());
                return Err(RigError::EndedEarly { name, status, log: self.log_end() });
            }
            look(self)
        });
        outcome.map_err(|error| match error {
            RigError::Deadline { what, waited, state } => {
                let state = format!("{state}; its log:\n{}", self.log_end());
                RigError::Deadline { what, waited, state }
            }
            other => other,
        })
    }

    /// Sends a signal to the process itself.
    pub(crate) fn signal(&self, number: Signal) {
        if let Some(id) = self.id() {
            process_tree::signal(id, number);
        }
    }

    /// Sends SIGTERM and waits for the end. Containers go on.
    pub(crate) fn terminate(&mut self) -> Result<ExitStatus, RigError> {
        self.signal(Signal::TERM);
        let status = self.wait_for_end(STOP_LIMIT)?;
        self.child = None;
        Ok(status)
    }

    /// Sends SIGKILL and waits for the end. Containers go on.
    pub(crate) fn kill(&mut self) -> Result<ExitStatus, RigError> {
        self.signal(Signal::KILL);
        let status = self.wait_for_end(STOP_LIMIT)?;
        self.child = None;
        Ok(status)
    }

    fn wait_for_end(&mut self, within: Duration) -> Result<ExitStatus, RigError> {
        let Some(child) = self.child.as_mut() else {
            let source = io::Error::other("it is not running");
            return Err(RigError::Io { action: "stop", path: PathBuf::from(&self.name), source });
        };
        let started = Instant::now();
        loop {
            if let Some(status) = child.try_wait().map_err(RigError::io("wait for", &self.launch.program))? {
                return Ok(status);
            }
            if started.elapsed() > within {
                return Err(RigError::Deadline {
                    what: format!("{} to stop", self.name),
                    waited: within,
                    state: format!("it still runs; its log:\n{}", self.log_end()),
                });
            }
            thread::sleep(POLL);
        }
    }
}

impl Drop for HostProcess {
    fn drop(&mut self) {
        let below = self.id().map(process_tree::below).unwrap_or_default();
        if self.child.is_some() && self.terminate().is_err() {
            // It would not stop politely; whatever this answers, there is nothing more to be done.
            let _ = self.kill();
        }
        below.into_iter().for_each(process_tree::kill);
        process_tree::end_all_of(&self.path);
        if thread::panicking() {
            eprintln!(
                "---- log of {} ----\n{}\n---- end of log of {} ----",
                self.name,
                self.log(),
                self.name
            );
        }
        let Some(folder) = self.folder.take() else { return };
        if std::env::var_os("APPORTION_RIG_KEEP").is_some() {
            eprintln!("{}: folder kept: {}", self.name, folder.keep().display());
        } else if let Err(error) = folder.close() {
            eprintln!("{}: its folder could not be removed: {error}", self.name);
        }
    }
}
