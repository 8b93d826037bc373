//! A framework of the drills as a process, seen from the drill.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command as Process, Stdio};
use std::sync::mpsc::Sender;
use std::thread;

use serde_json::json;

use crate::error::DrillError;
use crate::journal::Entry;
use crate::operator::OperatorEntry;
use crate::program::{Command, Orders};

/// What the drill hears of.
#[derive(Debug)]
pub(crate) enum Arrival {
    /// A line of a framework's journal, or the end of the journal of one run.
    Journal {
        /// Number of the framework.
        framework: usize,
        /// Number of its run.
        run: u64,
        /// `None` at the end.
        entry: Option<Entry>,
    },
    /// A step of the operator.
    Operator(OperatorEntry),
}

/// One run of the program. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct FrameworkProcess {
    child: Child,
    commands: Option<ChildStdin>,
    errors: PathBuf,
}

impl FrameworkProcess {
    /// Starts the program at `program`; what it writes down goes to `arrivals`, what it complains of into `folder`.
    pub(crate) fn start(
        program: &Path,
        framework: usize,
        orders: &Orders,
        folder: &Path,
        arrivals: Sender<Arrival>,
    ) -> Result<FrameworkProcess, DrillError> {
        let errors = folder.join(format!("{}-{}.errors", orders.name, orders.run));
        let file = File::create(&errors).map_err(DrillError::io("create", &errors))?;
        let mut child = Process::new(program)
            .arg(json!(orders).to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(file)
            .spawn()
            .map_err(DrillError::io("start", program))?;
        if let Some(journal) = child.stdout.take() {
            let run = orders.run;
            thread::spawn(move || read_journal(journal, framework, run, &arrivals));
        }
        let commands = child.stdin.take();
        Ok(FrameworkProcess { child, commands, errors })
    }

    /// Tells it what to do. A program that has ended is told nothing: its end is seen in its journal.
    pub(crate) fn tell(&mut self, command: Command) {
        let line = format!("{}\n", json!(command));
        if let Some(commands) = &mut self.commands {
            let _ = commands.write_all(line.as_bytes());
        }
    }

    /// Sends SIGKILL and waits for the end.
    pub(crate) fn kill(&mut self) -> Result<(), DrillError> {
        let path = &self.errors;
        self.child.kill().map_err(DrillError::io("kill the framework that writes", path))?;
        self.child.wait().map_err(DrillError::io("wait for the framework that writes", path))?;
        Ok(())
    }

    /// What it has complained of.
    pub(crate) fn errors(&self) -> String {
        std::fs::read_to_string(&self.errors).unwrap_or_default()
    }
}

impl Drop for FrameworkProcess {
    fn drop(&mut self) {
        // Both fail only when it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A last line that a kill has cut off is no entry: what it announces was not done.
fn read_journal(journal: ChildStdout, framework: usize, run: u64, arrivals: &Sender<Arrival>) {
    for line in BufReader::new(journal).lines().map_while(Result::ok) {
        let Ok(entry) = serde_json::from_str(&line) else { break };
        if arrivals.send(Arrival::Journal { framework, run, entry: Some(entry) }).is_err() {
            return;
        }
    }
    // Nobody may be listening any more.
    let _ = arrivals.send(Arrival::Journal { framework, run, entry: None });
}
