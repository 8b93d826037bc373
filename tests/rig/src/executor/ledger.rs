//! What the agent has not acknowledged yet. It has to be told again after every new subscription, or a task that
//! ended while the agent was away would never be known to have ended.

use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use uuid::Uuid;

use super::link::Link;

/// Tasks and updates, as JSON messages in the order in which they came.
#[derive(Debug, Clone, Default)]
pub(super) struct Unacknowledged {
    pub(super) tasks: Vec<Value>,
    pub(super) updates: Vec<Value>,
}

#[derive(Debug)]
pub(super) struct Ledger {
    link: Link,
    open: Mutex<Unacknowledged>,
}

impl Ledger {
    pub(super) fn new(link: Link) -> Ledger {
        Ledger { link, open: Mutex::default() }
    }

    pub(super) fn unacknowledged(&self) -> Unacknowledged {
        self.open().clone()
    }

    pub(super) fn add_task(&self, task: &Value) {
        self.open().tasks.push(task.clone());
    }

    /// Records and sends a state.
    pub(super) fn report(&self, task_id: &Value, state: &str, text: &str) {
        self.send(&self.record(task_id, state, text));
    }

    /// Writes a state down; the update that is to be sent.
    pub(super) fn record(&self, task_id: &Value, state: &str, text: &str) -> Value {
        let status = json!({
            "task_id": task_id,
            "state": state,
            "source": "SOURCE_EXECUTOR",
            "executor_id": self.link.executor_id(),
            "uuid": STANDARD.encode(Uuid::new_v4().as_bytes()),
            "message": text,
        });
        let update = json!({"status": status});
        self.open().updates.push(update.clone());
        update
    }

    /// After a new subscription: sends what came up since `sent` was put into it.
    pub(super) fn send_again_except(&self, sent: &[Value]) {
        let updates = self.unacknowledged().updates;
        updates.iter().filter(|update| !sent.contains(update)).for_each(|update| self.send(update));
    }

    /// `acknowledged` is the agent's event.
    pub(super) fn acknowledge(&self, acknowledged: &Value) {
        let mut open = self.open();
        open.tasks.retain(|task| task["task_id"] != acknowledged["task_id"]);
        open.updates.retain(|update| update["status"]["uuid"] != acknowledged["uuid"]);
    }

    /// An update that does not reach the agent stays, and is sent with the next subscription.
    pub(super) fn send(&self, update: &Value) {
        if let Err(error) = self.link.update(update) {
            eprintln!("rig-executor: an update is kept for the next subscription: {error}");
        }
    }

    /// A thread that panicked leaves two lists of complete messages.
    fn open(&self) -> MutexGuard<'_, Unacknowledged> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
