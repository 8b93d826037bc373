//! An executor that speaks Mesos' v1 HTTP executor API. It serves as custom executor and, under the name
//! `mesos-executor` in the agent's launcher folder, as the command executor.
//!
//! Each task's shell command runs in a process group of its own, with the executor's environment and the task's
//! variables on top. Its output goes to the files `stdout` and `stderr` of the sandbox, which are those of the
//! executor too, unless the agent is one in a master's process: there Mesos hands its containers its own output.
//! Checkpointing frameworks' executors outlive their agent: they go on, keep what was not acknowledged,
//! and subscribe again.
//!
//! It does not do: images, working folders, users, secrets, health checks, URIs.

mod arguments;
mod ledger;
mod link;
mod task;

use std::collections::HashMap;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

pub use arguments::{ExecutorError, Surroundings, USAGE};

use crate::recordio::Records;
use ledger::Ledger;
use link::Link;
use task::{RunningTask, command_line};

/// Pause before subscribing again.
const RETRY_PAUSE: Duration = Duration::from_millis(300);
/// How long an executor of a framework without checkpointing tries to reach its agent the first time.
const FIRST_CONTACT_LIMIT: Duration = Duration::from_secs(10);
/// A task may take so long to end after SIGTERM when nobody says otherwise: Mesos' own default.
const DEFAULT_GRACE: Duration = Duration::from_secs(3);

/// A task's command (`CommandInfo` as JSON) in the form in which a task with a custom executor carries it in its
/// data, because Mesos allows such a task no command.
pub fn encode_command(command: &Value) -> String {
    STANDARD.encode(command.to_string())
}

/// The command of a task: its own, or the one in its data.
fn command_of(task: &Value) -> Value {
    if task["command"].is_object() {
        return task["command"].clone();
    }
    let data = task["data"].as_str().and_then(|text| STANDARD.decode(text).ok());
    data.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}

/// What one event asks the executor to do next.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    Listen,
    Leave,
}

/// Serves its agent until its tasks have ended and are acknowledged, the agent shuts it down, or the agent is gone
/// for too long.
///
/// # Errors
/// When the agent cannot be reached, or refuses the executor.
pub fn run(surroundings: Surroundings) -> Result<(), ExecutorError> {
    let link = Link::new(&surroundings);
    let ledger = Arc::new(Ledger::new(link.clone()));
    let mut executor = Executor { surroundings, ledger, tasks: HashMap::new() };
    let outcome = executor.serve(&link);
    executor.end_tasks();
    outcome
}

#[derive(Debug)]
struct Executor {
    surroundings: Surroundings,
    ledger: Arc<Ledger>,
    tasks: HashMap<String, Arc<RunningTask>>,
}

impl Executor {
    fn serve(&mut self, link: &Link) -> Result<(), ExecutorError> {
        let mut lost_at = Instant::now();
        let mut was_subscribed = false;
        loop {
            let sent = self.ledger.unacknowledged();
            match link.subscribe(&sent.tasks, &sent.updates) {
                Ok(answer) => {
                    was_subscribed = true;
                    if self.listen(answer, &sent.updates) == Next::Leave {
                        return Ok(());
                    }
                    lost_at = Instant::now();
                }
                Err(error) => {
                    if lost_at.elapsed() > self.patience(was_subscribed) {
                        return Err(ExecutorError::AgentGone { detail: error.to_string() });
                    }
                }
            }
            if was_subscribed && !self.surroundings.checkpoint {
                eprintln!("rig-executor: the agent is gone and the framework does not checkpoint");
                return Ok(());
            }
            thread::sleep(RETRY_PAUSE);
        }
    }

    fn patience(&self, was_subscribed: bool) -> Duration {
        if was_subscribed { self.surroundings.recovery_timeout } else { FIRST_CONTACT_LIMIT }
    }

    fn listen(&mut self, answer: link::Answer, sent_updates: &[Value]) -> Next {
        let mut records = Records::new(answer.into_body().into_reader());
        while let Ok(Some(record)) = records.next_record() {
            let Ok(event) = serde_json::from_str::<Value>(&String::from_utf8_lossy(&record)) else { break };
            if self.handle(&event, sent_updates) == Next::Leave {
                return Next::Leave;
            }
        }
        Next::Listen
    }

    fn handle(&mut self, event: &Value, sent_updates: &[Value]) -> Next {
        match event["type"].as_str().unwrap_or_default() {
            "SUBSCRIBED" => self.ledger.send_again_except(sent_updates),
            "LAUNCH" => self.launch(&event["launch"]["task"]),
            "LAUNCH_GROUP" => {
                for task in event["launch_group"]["task_group"]["tasks"].as_array().into_iter().flatten() {
                    self.launch(task);
                }
            }
            "KILL" => self.kill(&event["kill"]),
            "ACKNOWLEDGED" => {
                self.ledger.acknowledge(&event["acknowledged"]);
                if self.is_done() {
                    return Next::Leave;
                }
            }
            "SHUTDOWN" => return Next::Leave,
            "ERROR" => {
                eprintln!("rig-executor: the agent says: {}", event["error"]["message"]);
                return Next::Leave;
            }
            _ => {}
        }
        Next::Listen
    }

    fn is_done(&self) -> bool {
        !self.surroundings.stay
            && self.tasks.values().all(|task| task.has_ended())
            && self.ledger.unacknowledged().updates.is_empty()
    }

    fn launch(&mut self, task: &Value) {
        let id = task["task_id"]["value"].as_str().unwrap_or_default().to_owned();
        if self.tasks.contains_key(&id) {
            return;
        }
        self.ledger.add_task(task);
        let command = self.surroundings.task_command.clone().unwrap_or_else(|| command_of(task));
        let running = task::start(task, command_line(&command, &self.surroundings), &self.ledger);
        self.tasks.insert(id, running);
    }

    fn kill(&self, kill: &Value) {
        let id = kill["task_id"]["value"].as_str().unwrap_or_default();
        if let Some(task) = self.tasks.get(id) {
            let grace = grace_of(kill).or(task.grace()).unwrap_or(DEFAULT_GRACE);
            let task = Arc::clone(task);
            thread::spawn(move || task.end(grace));
        }
    }

    /// Ends what still runs; their last updates may or may not reach the agent, which knows that it ended them.
    fn end_tasks(&self) {
        let grace = self.surroundings.shutdown_grace;
        thread::scope(|scope| {
            for task in self.tasks.values() {
                scope.spawn(move || task.end(grace));
            }
        });
    }
}

/// Grace period of a kill policy.
fn grace_of(message: &Value) -> Option<Duration> {
    message["kill_policy"]["grace_period"]["nanoseconds"].as_u64().map(Duration::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn command_in_a_tasks_data_comes_back() {
        let command = json!({"shell": true, "value": "echo 'a b'"});
        assert_eq!(command_of(&json!({"data": encode_command(&command)})), command);
        assert_eq!(command_of(&json!({"command": command.clone(), "data": "%%"})), command);
        assert_eq!(command_of(&json!({"data": "%%"})), Value::Null);
    }
}
