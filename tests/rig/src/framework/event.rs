//! What the master tells a framework.

use std::time::{Duration, Instant};

use serde_json::Value;

/// State of a task, as Mesos names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of Mesos' TaskState")]
#[non_exhaustive]
pub enum TaskState {
    Staging,
    Starting,
    Running,
    Killing,
    Finished,
    Failed,
    Killed,
    Error,
    Lost,
    Dropped,
    Unreachable,
    Gone,
    GoneByOperator,
    Unknown,
}

impl TaskState {
    fn parse(text: &str) -> TaskState {
        match text {
            "TASK_STAGING" => TaskState::Staging,
            "TASK_STARTING" => TaskState::Starting,
            "TASK_RUNNING" => TaskState::Running,
            "TASK_KILLING" => TaskState::Killing,
            "TASK_FINISHED" => TaskState::Finished,
            "TASK_FAILED" => TaskState::Failed,
            "TASK_KILLED" => TaskState::Killed,
            "TASK_ERROR" => TaskState::Error,
            "TASK_LOST" => TaskState::Lost,
            "TASK_DROPPED" => TaskState::Dropped,
            "TASK_UNREACHABLE" => TaskState::Unreachable,
            "TASK_GONE" => TaskState::Gone,
            "TASK_GONE_BY_OPERATOR" => TaskState::GoneByOperator,
            _ => TaskState::Unknown,
        }
    }

    /// Whether no other state follows.
    pub fn is_terminal(self) -> bool {
        use TaskState::{Dropped, Error, Failed, Finished, Gone, GoneByOperator, Killed, Lost};
        matches!(self, Finished | Failed | Killed | Error | Lost | Dropped | Gone | GoneByOperator)
    }
}

/// An offer.
#[derive(Debug, Clone)]
pub struct Offer {
    /// Its id.
    pub id: String,
    /// The agent's id.
    pub agent_id: String,
    /// The agent's host name.
    pub hostname: String,
    /// The role it is made to, when the framework can have several.
    pub role: Option<String>,
    /// The whole message.
    pub message: Value,
    arrived: Instant,
}

impl Offer {
    /// An offer out of its message (JSON), as of now: also for what a master lists of its frameworks' offers.
    pub fn parse(message: &Value) -> Offer {
        Offer {
            arrived: Instant::now(),
            id: text(&message["id"]["value"]),
            agent_id: text(&message["agent_id"]["value"]),
            hostname: text(&message["hostname"]),
            role: message["allocation_info"]["role"].as_str().map(str::to_owned),
            message: message.clone(),
        }
    }

    /// The resources, as JSON `Resource` messages.
    pub fn resources(&self) -> &[Value] {
        self.message["resources"].as_array().map_or(&[], Vec::as_slice)
    }

    /// Sum of a scalar resource over all its kinds (reserved, revocable and so on).
    pub fn scalar(&self, name: &str) -> f64 {
        self.scalar_where(name, |_| true)
    }

    /// The part of a scalar resource that can be taken back at any time.
    pub fn revocable_scalar(&self, name: &str) -> f64 {
        self.scalar_where(name, is_revocable)
    }

    /// The part of a scalar resource that cannot be taken back, reserved or not.
    pub fn regular_scalar(&self, name: &str) -> f64 {
        self.scalar_where(name, |resource| !is_revocable(resource))
    }

    fn scalar_where(&self, name: &str, wanted: impl Fn(&Value) -> bool) -> f64 {
        let parts = self.resources().iter().filter(|resource| resource["name"] == name && wanted(resource));
        parts.filter_map(|resource| resource["scalar"]["value"].as_f64()).sum()
    }

    /// For how long the framework has had it.
    pub fn held_for(&self) -> Duration {
        self.arrived.elapsed()
    }

    /// Text of an attribute of the agent.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let attributes = self.message["attributes"].as_array()?;
        attributes.iter().find(|attribute| attribute["name"] == name)?["text"]["value"].as_str()
    }
}

/// A task's state, as it was reported.
#[derive(Debug, Clone)]
pub struct TaskStatus {
    /// The task's id.
    pub task_id: String,
    /// The state.
    pub state: TaskState,
    /// Why, as Mesos' `Reason` names it.
    pub reason: Option<String>,
    /// Who says so, as Mesos' `Source` names it: `SOURCE_MASTER`, `SOURCE_AGENT` or `SOURCE_EXECUTOR`.
    pub source: Option<String>,
    /// Text for people.
    pub text: String,
    /// The whole message.
    pub message: Value,
}

impl TaskStatus {
    fn parse(message: &Value) -> TaskStatus {
        TaskStatus {
            task_id: text(&message["task_id"]["value"]),
            state: TaskState::parse(&text(&message["state"])),
            reason: message["reason"].as_str().map(str::to_owned),
            source: message["source"].as_str().map(str::to_owned),
            text: text(&message["message"]),
            message: message.clone(),
        }
    }
}

/// One event of a subscription. Heartbeats are left out.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// The subscription stands; the framework's id.
    Subscribed(String),
    /// Offers.
    Offers(Vec<Offer>),
    /// An offer is taken back; its id.
    Rescinded(String),
    /// A task's state changed. It is acknowledged already.
    Update(TaskStatus),
    /// The master refuses the framework.
    Error(String),
    /// The connection ended; why.
    Closed(String),
    /// Any other event.
    Other(Value),
}

impl Event {
    /// `None` for a heartbeat.
    pub(crate) fn parse(message: Value) -> Option<Event> {
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        Some(match message["type"].as_str().unwrap_or_default() {
            "HEARTBEAT" => return None,
            "SUBSCRIBED" => Event::Subscribed(text(&message["subscribed"]["framework_id"]["value"])),
            "OFFERS" => Event::Offers(list(&message["offers"]["offers"]).iter().map(Offer::parse).collect()),
            "RESCIND" => Event::Rescinded(text(&message["rescind"]["offer_id"]["value"])),
            "UPDATE" => Event::Update(TaskStatus::parse(&message["update"]["status"])),
            "ERROR" => Event::Error(text(&message["error"]["message"])),
            _ => Event::Other(message),
        })
    }
}

/// A resource says so by a message that is there, empty as it is.
fn is_revocable(resource: &Value) -> bool {
    !resource["revocable"].is_null()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn heartbeat_is_no_event() {
        assert!(Event::parse(json!({"type": "HEARTBEAT"})).is_none());
    }

    #[test]
    fn offer_sums_a_resource_over_its_kinds() {
        let offer = Offer::parse(&json!({"resources": [
            {"name": "cpus", "scalar": {"value": 1.5}},
            {"name": "cpus", "scalar": {"value": 2.0}, "revocable": {}},
            {"name": "mem", "scalar": {"value": 64.0}},
        ]}));
        assert_eq!(offer.scalar("cpus"), 3.5);
        assert_eq!(offer.scalar("disk"), 0.0);
    }

    #[test]
    fn offer_tells_its_revocable_part_from_its_regular_one() {
        let offer = Offer::parse(&json!({"resources": [
            {"name": "cpus", "scalar": {"value": 1.5}},
            {"name": "cpus", "scalar": {"value": 2.0}, "revocable": {}},
            {"name": "cpus", "scalar": {"value": 0.5}, "reservations": [{"role": "a"}]},
        ]}));
        assert_eq!((offer.regular_scalar("cpus"), offer.revocable_scalar("cpus")), (2.0, 2.0));
        assert_eq!((offer.regular_scalar("mem"), offer.revocable_scalar("mem")), (0.0, 0.0));
    }

    #[test]
    fn message_without_the_expected_fields_is_still_an_event() {
        assert!(
            matches!(Event::parse(json!({"type": "OFFERS"})), Some(Event::Offers(offers)) if offers.is_empty())
        );
        assert!(matches!(Event::parse(json!(null)), Some(Event::Other(_))));
    }
}
