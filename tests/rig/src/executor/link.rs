//! Calls to the agent.

use serde_json::{Value, json};
use ureq::{Body, http};

use super::arguments::Surroundings;
use crate::error::RigError;
use crate::http::Http;

pub(super) type Answer = http::Response<Body>;

/// The way to the agent.
#[derive(Debug, Clone)]
pub(super) struct Link {
    http: Http,
    path: String,
    framework_id: String,
    executor_id: String,
    authorization: Option<String>,
}

impl Link {
    pub(super) fn new(surroundings: &Surroundings) -> Link {
        Link {
            http: Http::new(&*surroundings.agent_address),
            path: surroundings.agent_path.clone(),
            framework_id: surroundings.framework_id.clone(),
            executor_id: surroundings.executor_id.clone(),
            authorization: surroundings.token.as_ref().map(|token| format!("Bearer {token}")),
        }
    }

    pub(super) fn executor_id(&self) -> Value {
        json!({"value": self.executor_id})
    }

    /// Opens the stream of events; the agent learns what it has not acknowledged.
    pub(super) fn subscribe(&self, tasks: &[Value], updates: &[Value]) -> Result<Answer, RigError> {
        let subscribe = json!({"unacknowledged_tasks": tasks, "unacknowledged_updates": updates});
        let call = self.call("SUBSCRIBE", &json!({"subscribe": subscribe}));
        self.http.open_stream(&self.path, &call, &self.headers())
    }

    /// Sends an update (`Call.Update`).
    pub(super) fn update(&self, update: &Value) -> Result<(), RigError> {
        let call = self.call("UPDATE", &json!({"update": update}));
        let (status, text) = self.http.post_call(&self.path, &call, &self.headers())?;
        if status == 202 {
            return Ok(());
        }
        let request = format!("UPDATE to http://{}{}", self.http.address(), self.path);
        Err(RigError::Http { request, detail: format!("status {status}: {text}") })
    }

    fn headers(&self) -> Vec<(&str, &str)> {
        self.authorization.iter().map(|value| ("Authorization", value.as_str())).collect()
    }

    fn call(&self, name: &str, fields: &Value) -> Value {
        let mut call = fields.clone();
        call["type"] = json!(name);
        call["framework_id"] = json!({"value": self.framework_id});
        call["executor_id"] = self.executor_id();
        call
    }
}
