//! How a framework answers offers: tasks, task groups and operations on them, or a decline.

use serde_json::{Value, json};

use super::Framework;
use super::event::Offer;
use super::spec::TaskSpec;
use crate::error::RigError;

impl Framework {
    /// Launches tasks on one offer. What they leave comes back after `refuse_seconds`, five without it.
    ///
    /// # Errors
    /// When the call is refused.
    pub fn launch(
        &self,
        offer: &Offer,
        tasks: &[TaskSpec],
        refuse_seconds: Option<f64>,
    ) -> Result<(), RigError> {
        self.launch_on_all(std::slice::from_ref(offer), tasks, refuse_seconds)
    }

    /// Launches tasks on what several offers of one agent to one role have together.
    ///
    /// # Errors
    /// [`RigError::Setting`] when there is no offer, or they are of several agents or to several roles;
    /// [`RigError::Http`] when the call is refused.
    pub fn launch_on_all(
        &self,
        offers: &[Offer],
        tasks: &[TaskSpec],
        refuse_seconds: Option<f64>,
    ) -> Result<(), RigError> {
        let (agent_id, role) = place(offers)?;
        let infos: Vec<Value> = tasks.iter().map(|task| task.info(self.id(), agent_id, role)).collect();
        let launch = json!({"type": "LAUNCH", "launch": {"task_infos": infos}});
        self.accept(offers, vec![launch], refuse_seconds)
    }

    /// Launches tasks that start together or not at all (`LAUNCH_GROUP`), in the custom executor of the first of them:
    /// the published binary brings no default executor.
    ///
    /// # Errors
    /// [`RigError::Setting`] as [`Framework::launch_on_all`], and when the first task has no custom executor;
    /// [`RigError::Http`] when the call is refused.
    pub fn launch_group(
        &self,
        offers: &[Offer],
        tasks: &[TaskSpec],
        refuse_seconds: Option<f64>,
    ) -> Result<(), RigError> {
        let (agent_id, role) = place(offers)?;
        let (executor, group) = TaskSpec::group(tasks, self.id(), agent_id, role)
            .ok_or_else(|| wrong("tasks", "found no custom executor, expected one for the first task"))?;
        let launch = json!({"executor": executor, "task_group": group});
        self.accept(offers, vec![json!({"type": "LAUNCH_GROUP", "launch_group": launch})], refuse_seconds)
    }

    /// Accepts offers of one agent with operations (JSON `Offer.Operation` messages).
    ///
    /// # Errors
    /// When the call is refused.
    pub fn accept(
        &self,
        offers: &[Offer],
        operations: Vec<Value>,
        refuse_seconds: Option<f64>,
    ) -> Result<(), RigError> {
        let accept =
            json!({"offer_ids": ids(offers), "operations": operations, "filters": filters(refuse_seconds)});
        self.call("ACCEPT", &json!({"accept": accept}))
    }

    /// Declines offers; their resources come back after `refuse_seconds`, five without it.
    ///
    /// # Errors
    /// When the call is refused.
    pub fn decline(&self, offers: &[Offer], refuse_seconds: Option<f64>) -> Result<(), RigError> {
        let decline = json!({"offer_ids": ids(offers), "filters": filters(refuse_seconds)});
        self.call("DECLINE", &json!({"decline": decline}))
    }
}

/// The agent and the role that offers have in common: Mesos discards all offers of a call that mixes them.
fn place(offers: &[Offer]) -> Result<(&str, Option<&str>), RigError> {
    let first = offers.first().ok_or_else(|| wrong("offers", "found none, expected one or more"))?;
    for other in &offers[1..] {
        if other.agent_id != first.agent_id || other.role != first.role {
            let (role, others_role) = (first.role.as_deref(), other.role.as_deref());
            let found = format!(
                "found agent {} in role {role:?} and agent {} in role {others_role:?}, expected one agent and role",
                first.agent_id, other.agent_id
            );
            return Err(wrong("offers", &found));
        }
    }
    Ok((&first.agent_id, first.role.as_deref()))
}

fn wrong(setting: &'static str, detail: &str) -> RigError {
    RigError::Setting { setting, detail: detail.to_owned() }
}

fn ids(offers: &[Offer]) -> Vec<Value> {
    offers.iter().map(|offer| json!({"value": offer.id})).collect()
}

fn filters(refuse_seconds: Option<f64>) -> Value {
    refuse_seconds.map_or(json!({}), |seconds| json!({"refuse_seconds": seconds}))
}
