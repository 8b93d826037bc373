//! What the master's operator interface says of the agents.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use apportion_rig::{Http, RigError};
use serde_json::json;

use crate::error::DrillError;
use crate::resources::Holdings;

/// Pause between two looks of the [`Auditor`].
const PAUSE: Duration = Duration::from_millis(25);

/// An agent in the master's books.
#[derive(Debug, Default)]
pub(crate) struct AgentBooks {
    pub(crate) active: bool,
    pub(crate) total: Holdings,
    /// What tasks and executors use.
    pub(crate) allocated: Holdings,
    pub(crate) offered: Holdings,
}

impl AgentBooks {
    /// What is neither used nor offered.
    pub(crate) fn free(&self) -> Holdings {
        self.total.beyond(&self.given())
    }

    fn given(&self) -> Holdings {
        let mut sum = self.allocated.clone();
        sum.add(&self.offered);
        sum
    }
}

/// The agents of a master by their ids, all of one instant.
pub(crate) fn read(master: &Http) -> Result<BTreeMap<String, AgentBooks>, RigError> {
    let answer = master.post_json("/api/v1", &json!({"type": "GET_AGENTS"}))?;
    let agents = answer["get_agents"]["agents"].as_array().into_iter().flatten();
    Ok(agents
        .map(|agent| {
            let id = agent["agent_info"]["id"]["value"].as_str().unwrap_or_default().to_owned();
            let books = AgentBooks {
                active: agent["active"] == true,
                total: Holdings::of(&agent["total_resources"]),
                allocated: Holdings::of(&agent["allocated_resources"]),
                offered: Holdings::of(&agent["offered_resources"]),
            };
            (id, books)
        })
        .collect())
}

/// What an agent itself says it has.
pub(crate) fn own_total(agent: &Http) -> Result<Holdings, RigError> {
    let state = agent.get_json("/slave(1)/state")?;
    let mut total = Holdings::of(&state["unreserved_resources_full"]);
    for reserved in state["reserved_resources_full"].as_object().into_iter().flat_map(|roles| roles.values())
    {
        total.add(&Holdings::of(reserved));
    }
    Ok(total)
}

/// Ids of the tasks that the master holds for not ended.
pub(crate) fn live_tasks(master: &Http) -> Result<Vec<String>, RigError> {
    let answer = master.post_json("/api/v1", &json!({"type": "GET_TASKS"}))?;
    let tasks = answer["get_tasks"]["tasks"].as_array().into_iter().flatten();
    Ok(tasks.filter_map(|task| task["task_id"]["value"].as_str()).map(str::to_owned).collect())
}

/// More given away of an agent than there is, by kind. With `phantoms`, what tasks use in kinds that the agent does not
/// have at all is passed over: see [`Auditor::start`].
fn excess(books: &BTreeMap<String, AgentBooks>, phantoms: bool) -> Option<String> {
    books.iter().find_map(|(id, agent)| {
        let mut given = if phantoms { agent.allocated.of_kinds_in(&agent.total) } else { agent.allocated.clone() };
        given.add(&agent.offered);
        let excess = given.beyond(&agent.total);
        let text = || {
            format!(
                "the master's books have {excess} more given away of agent {id} than there is\n  total {}\n  used {}\n  \
                 offered {}",
                agent.total, agent.allocated, agent.offered
            )
        };
        (!excess.is_empty()).then(text)
    })
}

/// Reads the books all the time, also while the drill does something else.
#[derive(Debug)]
pub(crate) struct Auditor {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    stopped: AtomicBool,
    looks: AtomicUsize,
    finding: Mutex<Option<String>>,
}

impl Auditor {
    /// Starts to read the books of the master at this address, whenever one answers there.
    ///
    /// `phantoms` are to be expected when agents are killed: a task is launched on a reservation or volume that is made
    /// in the same call, and the agent dies before it hears of either. It comes back without both, and the master, which
    /// has taken the agent's word on its total, counts the task until the agent has told it that there is none.
    pub(crate) fn start(master: &str, phantoms: bool) -> Auditor {
        let shared = Arc::new(Shared::default());
        let (own, master) = (Arc::clone(&shared), Http::new(master));
        let thread = thread::spawn(move || {
            while !own.stopped.load(Ordering::Acquire) {
                // A master that is away, or that does not lead yet, has no books.
                if let Ok(books) = read(&master) {
                    own.looks.fetch_add(1, Ordering::Relaxed);
                    if let Some(text) = excess(&books, phantoms) {
                        own.finding.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(text);
                    }
                }
                thread::sleep(PAUSE);
            }
        });
        Auditor { shared, thread: Some(thread) }
    }

    /// What it has found so far.
    pub(crate) fn verdict(&self) -> Result<(), DrillError> {
        let finding = self.shared.finding.lock().unwrap_or_else(PoisonError::into_inner).clone();
        finding.map_or(Ok(()), |text| Err(DrillError::finding(text)))
    }

    /// How often it has read them.
    pub(crate) fn looks(&self) -> usize {
        self.shared.looks.load(Ordering::Relaxed)
    }
}

impl Drop for Auditor {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            // It does not panic; if it did, there were nothing more to be done.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::{amount, reserved};

    #[test]
    fn excess_of_one_kind_is_found_though_the_name_would_fit() {
        let agent = |offered: serde_json::Value| AgentBooks {
            active: true,
            total: Holdings::of(&json!([amount("cpus", 3.0, "red"), reserved("cpus", 1.0, "red", "m")])),
            allocated: Holdings::of(&json!([amount("cpus", 2.0, "red")])),
            offered: Holdings::of(&json!([offered])),
        };
        let books = |offered| BTreeMap::from([("agent".to_owned(), agent(offered))]);
        assert!(excess(&books(amount("cpus", 1.0, "red")), false).is_none());
        assert!(excess(&books(reserved("cpus", 1.0, "red", "m")), false).is_none());
        let found = excess(&books(amount("cpus", 1.25, "red")), true).unwrap();
        assert!(found.contains("cpus:0.25 more given away of agent agent"), "{found}");
        let phantom = |offered| {
            let mut agent = agent(offered);
            agent.allocated.add(&Holdings::of(&json!([reserved("cpus", 0.25, "red", "lost")])));
            BTreeMap::from([("agent".to_owned(), agent)])
        };
        assert!(excess(&phantom(amount("cpus", 1.0, "red")), true).is_none());
        assert!(excess(&phantom(amount("cpus", 1.0, "red")), false).is_some());
        assert!(excess(&phantom(amount("cpus", 1.25, "red")), true).is_some());
        assert!(excess(&phantom(reserved("cpus", 0.25, "red", "lost")), true).is_some());
        assert_eq!(agent(amount("cpus", 1.0, "red")).free().to_string(), "cpus(red m):1");
    }
}
