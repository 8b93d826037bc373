//! One task: a command in a process group of its own.

use std::fs::File;
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;

use super::arguments::{Surroundings, variables_of};
use super::grace_of;
use super::ledger::Ledger;

#[derive(Debug, Default)]
struct Progress {
    /// The group, until its first process is waited for: after that its number may be another's.
    group: Option<Pid>,
    kill_wanted: bool,
    ended: bool,
}

/// A task that was launched.
#[derive(Debug)]
pub(super) struct RunningTask {
    progress: Mutex<Progress>,
    changed: Condvar,
    grace: Option<Duration>,
}

/// Starts a task and the thread that follows it to its end.
pub(super) fn start(task: &Value, mut command: Command, ledger: &Arc<Ledger>) -> Arc<RunningTask> {
    let running =
        Arc::new(RunningTask { progress: Mutex::default(), changed: Condvar::new(), grace: grace_of(task) });
    let id = task["task_id"].clone();
    let (follower, ledger) = (Arc::clone(&running), Arc::clone(ledger));
    thread::spawn(move || {
        ledger.report(&id, "TASK_STARTING", "");
        match command.spawn() {
            Ok(child) => follower.follow(child, &id, &ledger),
            Err(error) => {
                follower.finish(
                    &ledger,
                    &id,
                    "TASK_FAILED",
                    &format!("the command cannot be started: {error}"),
                );
            }
        }
    });
    running
}

/// The command (`CommandInfo`) as a process: through the shell, or by its own arguments.
pub(super) fn command_line(command: &Value, surroundings: &Surroundings) -> Command {
    let value = command["value"].as_str().unwrap_or("exit 0");
    let mut line = if command["shell"].as_bool().unwrap_or(true) {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", value]);
        shell
    } else {
        let mut program = Command::new(value);
        let arguments = command["arguments"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let mut arguments = arguments.map(str::to_owned);
        if let Some(name) = arguments.next() {
            program.arg0(name);
        }
        program.args(arguments);
        program
    };
    line.envs(surroundings.task_environment.iter().cloned())
        .envs(variables_of(&command["environment"]))
        .stdin(Stdio::null())
        .stdout(output_file(&surroundings.sandbox.join("stdout")))
        .stderr(output_file(&surroundings.sandbox.join("stderr")))
        .process_group(0);
    line
}

/// A file that the agent, or an earlier task of the executor, may be writing too; the executor's own output when
/// it cannot be opened.
fn output_file(path: &Path) -> Stdio {
    File::options().create(true).append(true).open(path).map_or_else(|_| Stdio::inherit(), Stdio::from)
}

impl RunningTask {
    pub(super) fn has_ended(&self) -> bool {
        self.progress().ended
    }

    /// Grace period of the task's own kill policy.
    pub(super) fn grace(&self) -> Option<Duration> {
        self.grace
    }

    /// Asks the task to end and kills it when it has not within `grace`. Returns when it has ended.
    pub(super) fn end(&self, grace: Duration) {
        let mut progress = self.progress();
        progress.kill_wanted = true;
        signal(progress.group, Signal::TERM);
        let (progress, _) = self
            .changed
            .wait_timeout_while(progress, grace, |progress| !progress.ended)
            .unwrap_or_else(PoisonError::into_inner);
        signal(progress.group, Signal::KILL);
        drop(self.changed.wait_while(progress, |progress| !progress.ended));
    }

    fn follow(&self, mut child: Child, id: &Value, ledger: &Ledger) {
        let group = Pid::from_child(&child);
        {
            let mut progress = self.progress();
            progress.group = Some(group);
            if progress.kill_wanted {
                signal(progress.group, Signal::TERM);
            }
        }
        ledger.report(id, "TASK_RUNNING", "");
        let outcome = wait_unreaped(group).and_then(|()| {
            let mut progress = self.progress();
            // The shell may have left others in its group; once it is waited for, the number is free.
            signal(progress.group.take(), Signal::KILL);
            child.wait()
        });
        let (state, text) = describe(outcome, self.progress().kill_wanted);
        self.finish(ledger, id, state, &text);
    }

    /// Between recording and sending, the task counts as ended: whoever sees that it has ended finds its last
    /// update open, and whoever gets that update's acknowledgement finds that it has ended.
    fn finish(&self, ledger: &Ledger, id: &Value, state: &str, text: &str) {
        let update = ledger.record(id, state, text);
        self.progress().ended = true;
        self.changed.notify_all();
        ledger.send(&update);
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for the end of a child but leaves it to be waited for, so that its number stays its own.
fn wait_unreaped(pid: Pid) -> io::Result<()> {
    use rustix::process::{WaitId, WaitIdOptions, waitid};
    loop {
        match waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT) {
            Ok(_) => return Ok(()),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn signal(group: Option<Pid>, number: Signal) {
    if let Some(group) = group {
        // The only failure is that nobody of it is left.
        let _ = kill_process_group(group, number);
    }
}

fn describe(outcome: io::Result<ExitStatus>, kill_wanted: bool) -> (&'static str, String) {
    match outcome {
        Err(error) => ("TASK_FAILED", format!("the command cannot be waited for: {error}")),
        Ok(status) => {
            let text = match (status.code(), status.signal()) {
                (Some(code), _) => format!("Command exited with status {code}"),
                (None, Some(number)) => format!("Command terminated with signal {number}"),
                (None, None) => "Command ended".to_owned(),
            };
            let state = match status.success() {
                _ if kill_wanted => "TASK_KILLED",
                true => "TASK_FINISHED",
                false => "TASK_FAILED",
            };
            (state, text)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::ffi::OsString;

    fn output(command: &Value, task_environment: &[(&str, &str)]) -> String {
        let sandbox = tempfile::tempdir().unwrap();
        let variables = [
            ("MESOS_SLAVE_PID", OsString::from("slave(1)@127.0.0.1:1")),
            ("MESOS_FRAMEWORK_ID", "f".into()),
            ("MESOS_EXECUTOR_ID", "e".into()),
            ("MESOS_SANDBOX", sandbox.path().into()),
        ];
        let variables = variables.map(|(name, value)| (OsString::from(name), value));
        let mut surroundings = Surroundings::read(variables, []).unwrap();
        surroundings.task_environment =
            task_environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        assert!(command_line(command, &surroundings).status().unwrap().success());
        std::fs::read_to_string(sandbox.path().join("stdout")).unwrap()
    }

    #[test]
    fn tasks_own_variable_wins_over_the_agents() {
        let command = json!({
            "value": "echo $A $B",
            "environment": {"variables": [{"name": "A", "value": "task"}]},
        });
        assert_eq!(output(&command, &[("A", "agent"), ("B", "agent")]), "task agent\n");
    }

    #[test]
    fn command_without_shell_gets_its_arguments() {
        let command = json!({"shell": false, "value": "/bin/echo", "arguments": ["echo", "a b", "$C"]});
        assert_eq!(output(&command, &[]), "a b $C\n");
    }

    #[test]
    fn wanted_kill_is_no_failure() {
        let killed = || Ok(ExitStatus::from_raw(9));
        assert_eq!(describe(killed(), true).0, "TASK_KILLED");
        assert_eq!(describe(killed(), false), ("TASK_FAILED", "Command terminated with signal 9".into()));
        assert_eq!(describe(Ok(ExitStatus::from_raw(3 << 8)), false).1, "Command exited with status 3");
    }
}
