//! Calls of the operator: what they ask for, how they are sent, which one comes next.

use std::collections::BTreeMap;
use std::fmt;

use apportion_rig::{Http, RigError};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::books::AgentBooks;
use crate::journal::Change;
use crate::program::{MARKED_DISK_MB, marked};
use crate::quota::Quota;
use crate::resources::{Holdings, volume, without_allocation};
use apportion_cluster_tests::Random;

/// Reservations on one agent, from which on the operator makes no more.
const MARKS_MAX: usize = 4;
/// Roles that quotas are set for. The last one has no framework: what it is guaranteed is for nobody.
const QUOTA_ROLES: [&str; 3] = ["red", "blue", "green"];
/// Roles that the operator reserves for.
const RESERVING_ROLES: [&str; 2] = ["red", "blue"];

/// What the operator asks the master for.
#[derive(Debug, Clone)]
pub(crate) enum Call {
    /// New quotas for some roles, all or none.
    Quota { update: Vec<(String, Quota)>, force: bool },
    /// A reservation or a volume, made or given up.
    Change { change: Change, agent: String, role: String, mark: String },
}

/// What became of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Success: it lasts.
    Done,
    /// Nothing has changed.
    Refused(String),
    /// Nobody knows, as no answer came.
    Lost(String),
}

impl fmt::Display for Call {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Call::Quota { update, force } => {
                write!(out, "quota, force {force}:")?;
                update.iter().try_for_each(|(role, quota)| write!(out, " {}", quota.config(role)))
            }
            Call::Change { change, agent, role, mark } => {
                write!(out, "{change:?} {mark} for {role} on {agent}")
            }
        }
    }
}

impl Call {
    /// Chooses the next call, by what is on the agents now; a quota when there are no agents. `number` makes names
    /// unique.
    pub(super) fn choose(books: &BTreeMap<String, AgentBooks>, number: u64, random: &mut Random) -> Call {
        let agents: Vec<(&String, &AgentBooks)> = books.iter().collect();
        match random.choose(&agents) {
            Some((agent, books)) if random.percent(65) => Call::change(agent, books, number, random),
            _ => Call::quota(random),
        }
    }

    fn quota(random: &mut Random) -> Call {
        let mut roles = QUOTA_ROLES.to_vec();
        let count = if random.percent(25) { 2 } else { 1 };
        let mut update = Vec::new();
        for _ in 0..count {
            let Some(role) = random.choose(&roles).copied() else { break };
            roles.retain(|other| *other != role);
            update.push((role.to_owned(), choose_quota(random)));
        }
        Call::Quota { update, force: random.percent(60) }
    }

    fn change(agent: &str, books: &AgentBooks, number: u64, random: &mut Random) -> Call {
        let total = &books.total;
        let mut marks: Vec<(String, String)> = total.marks().collect();
        // What a task uses is refused, which is wanted now and then only.
        if random.percent(80) {
            let used: Vec<(String, String)> = books.allocated.marks().collect();
            marks.retain(|mark| !used.contains(mark));
        }
        let agent = agent.to_owned();
        let wants_more = total.marks().count() < MARKS_MAX && random.percent(50);
        match random.choose(&marks) {
            Some((mark, role)) if !wants_more => {
                let change = match (total.has_volume(mark), random.percent(50)) {
                    (true, _) => Change::Destroy,
                    (false, true) => Change::Create,
                    (false, false) => Change::Unreserve,
                };
                Call::Change { change, agent, role: role.clone(), mark: mark.clone() }
            }
            _ => {
                let role = random.choose(&RESERVING_ROLES).copied().unwrap_or_default().to_owned();
                Call::Change { change: Change::Reserve, agent, role, mark: format!("mark-operator-{number}") }
            }
        }
    }

    /// Sends it and waits for the answer. Changes go to an endpoint of their own or to the newer interface, as chance
    /// has it: both do the same.
    pub(super) fn send(&self, master: &Http, random: &mut Random) -> Answer {
        let sent = match self {
            Call::Quota { update, force } => {
                let configs: Vec<Value> = update.iter().map(|(role, quota)| quota.config(role)).collect();
                let update = json!({"force": force, "quota_configs": configs});
                post(master, "UPDATE_QUOTA", "update_quota", &update)
            }
            Call::Change { change, agent, role, mark } => {
                let resources = match change {
                    Change::Reserve | Change::Unreserve => marked(role, mark),
                    Change::Create | Change::Destroy => json!([volume(MARKED_DISK_MB, role, mark)]),
                };
                let resources = without_allocation(resources);
                let (path, name, field, list) = match change {
                    Change::Reserve => ("/reserve", "RESERVE_RESOURCES", "reserve_resources", "resources"),
                    Change::Unreserve => {
                        ("/unreserve", "UNRESERVE_RESOURCES", "unreserve_resources", "resources")
                    }
                    Change::Create => ("/create-volumes", "CREATE_VOLUMES", "create_volumes", "volumes"),
                    Change::Destroy => ("/destroy-volumes", "DESTROY_VOLUMES", "destroy_volumes", "volumes"),
                };
                if random.percent(50) {
                    post_form(master, path, agent, list, &resources)
                } else {
                    let body = json!({"agent_id": {"value": agent}, (list): resources});
                    post(master, name, field, &body)
                }
            }
        };
        match sent {
            Ok((200..300, _)) => Answer::Done,
            // Redirections come from a master that does not lead yet, 503 from one that has not read its log.
            Ok((status @ (300..500 | 503), text)) => Answer::Refused(format!("{status} {text}")),
            Ok((status, text)) => Answer::Lost(format!("{status} {text}")),
            Err(error) => Answer::Lost(error.to_string()),
        }
    }

    /// Whether an agent that has this in all has carried it out.
    pub(super) fn is_visible_in(&self, total: &Holdings) -> bool {
        match self {
            Call::Quota { .. } => true,
            Call::Change { change, mark, .. } => {
                let is_reserved = total.marks().any(|(other, _)| other == *mark);
                match change {
                    Change::Reserve => is_reserved,
                    Change::Unreserve => !is_reserved,
                    Change::Create => total.has_volume(mark),
                    Change::Destroy => !total.has_volume(mark),
                }
            }
        }
    }
}

/// None in one of four cases. The limits leave every role enough to go on with.
fn choose_quota(random: &mut Random) -> Quota {
    let mut quota = Quota::default();
    if random.percent(25) {
        return quota;
    }
    for (name, unit) in [("cpus", 1.0), ("mem", 256.0)] {
        let guarantee = random.choose(&[0.0, 1.0, 2.0, 3.0]).copied().unwrap_or(0.0) * unit;
        if guarantee > 0.0 {
            quota.guarantees.insert(name.to_owned(), guarantee);
        }
        if random.percent(60) {
            let more = random.choose(&[1.5, 2.0, 3.0]).copied().unwrap_or(2.0) * unit;
            quota.limits.insert(name.to_owned(), guarantee + more);
        }
    }
    quota
}

fn post(master: &Http, name: &str, field: &str, body: &Value) -> Result<(u16, String), RigError> {
    let call = json!({"type": name, (field): body});
    master.answer("POST", "/api/v1", "application/json", &call.to_string())
}

fn post_form(
    master: &Http,
    path: &str,
    agent: &str,
    list: &str,
    resources: &Value,
) -> Result<(u16, String), RigError> {
    let resources = resources.to_string();
    let encode = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
    let form = format!("slaveId={}&{list}={}", encode(agent), encode(&resources));
    master.answer("POST", path, "application/x-www-form-urlencoded", &form)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn books(resources: Value) -> BTreeMap<String, AgentBooks> {
        let books = AgentBooks { total: Holdings::of(&resources), ..AgentBooks::default() };
        BTreeMap::from([("agent".to_owned(), books)])
    }

    fn choices(books: &BTreeMap<String, AgentBooks>) -> Vec<Call> {
        let mut random = Random::new(1);
        (0..200).map(|number| Call::choose(books, number, &mut random)).collect()
    }

    #[test]
    fn quotas_are_all_that_is_left_without_agents_and_every_limit_is_above_its_guarantee() {
        for call in choices(&BTreeMap::new()) {
            let Call::Quota { update, .. } = call else { panic!("{call}") };
            assert!((1..=2).contains(&update.len()));
            for (_, Quota { guarantees, limits }) in update {
                assert!(
                    limits.iter().all(|(name, limit)| guarantees.get(name).is_none_or(|least| least < limit))
                );
            }
        }
    }

    #[test]
    fn changes_are_of_what_is_there() {
        let volume_on_it =
            json!([marked("red", "a")[0], marked("red", "a")[1], volume(MARKED_DISK_MB, "red", "a")]);
        let table = [
            (json!([]), "Reserve"),
            (marked("red", "a"), "Create Reserve Unreserve"),
            (volume_on_it, "Destroy Reserve"),
        ];
        for (resources, expected) in table {
            let mut changes = Vec::new();
            for call in choices(&books(resources)) {
                if let Call::Change { change, mark, .. } = call {
                    assert_eq!(mark == "a", change != Change::Reserve);
                    changes.push(format!("{change:?}"));
                }
            }
            changes.sort();
            changes.dedup();
            assert_eq!(changes.join(" "), expected);
        }
    }

    #[test]
    fn change_is_visible_in_what_the_agent_has_after_it() {
        let call = |change| Call::Change {
            change,
            agent: "agent".to_owned(),
            role: "red".to_owned(),
            mark: "a".to_owned(),
        };
        let (none, reserved) = (Holdings::default(), Holdings::of(&marked("red", "a")));
        let with_volume = Holdings::of(&json!([marked("red", "a")[0], volume(MARKED_DISK_MB, "red", "a")]));
        let table = [
            (Change::Reserve, [false, true, true]),
            (Change::Unreserve, [true, false, false]),
            (Change::Create, [false, false, true]),
            (Change::Destroy, [true, true, false]),
        ];
        for (change, expected) in table {
            let seen = [&none, &reserved, &with_volume].map(|total| call(change).is_visible_in(total));
            assert_eq!(seen, expected, "{change:?}");
        }
    }
}
