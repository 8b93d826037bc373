//! What a framework does with an offer: chosen at random, within what is in the offer.

use std::collections::BTreeMap;
use std::time::Duration;

use apportion_rig::Offer;
use serde_json::{Value, json};

use crate::journal::{Change, OperationEntry, TaskEntry};
use crate::resources::{amount, elements, ports, reserved, volume};
use apportion_cluster_tests::Random;

/// What one mark reserves.
pub(crate) const MARKED_CPUS: f64 = 0.25;
pub(crate) const MARKED_MEM_MB: f64 = 32.0;
pub(crate) const MARKED_DISK_MB: f64 = 8.0;
/// What a task takes of what is not reserved.
const TASK_CPUS: f64 = 0.25;
const TASK_MEM_MB: f64 = 32.0;
const PORTS_OF_TASK: usize = 2;

/// Everything that one mark reserves, allocated to the role.
pub(crate) fn marked(role: &str, mark: &str) -> Value {
    json!([
        reserved("cpus", MARKED_CPUS, role, mark),
        reserved("mem", MARKED_MEM_MB, role, mark),
        reserved("disk", MARKED_DISK_MB, role, mark),
    ])
}

/// What is left for the framework to add.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    pub(super) marks: usize,
    pub(super) tasks: usize,
}

/// Names for new things, unique over all runs of all frameworks of a drill.
#[derive(Debug)]
pub(super) struct Names {
    pub(super) prefix: String,
    pub(super) used: u64,
}

impl Names {
    fn next(&mut self, what: &str) -> String {
        self.used += 1;
        format!("{what}-{}-{}", self.prefix, self.used)
    }
}

/// What is to be done with an offer.
#[derive(Debug)]
pub(super) enum Plan {
    Hold(Duration),
    Decline {
        refuse_seconds: f64,
    },
    Accept {
        operations: Vec<Value>,
        entries: Vec<OperationEntry>,
        tasks: Vec<TaskEntry>,
        refuse_seconds: f64,
    },
}

/// What of one mark is in an offer.
#[derive(Debug, Default, Clone, Copy)]
struct Marked {
    cpus: bool,
    mem: bool,
    disk: bool,
    volume: bool,
}

impl Marked {
    fn is_whole(self) -> bool {
        self.cpus && self.mem && (self.disk || self.volume)
    }
}

/// An offer's resources, and the operations that are chosen for them.
#[derive(Debug)]
struct Draft<'a> {
    role: &'a str,
    agent: &'a str,
    lasts_while: &'a str,
    cpus: f64,
    mem_mb: f64,
    disk_mb: f64,
    ports: Vec<u64>,
    marked: BTreeMap<String, Marked>,
    operations: Vec<Value>,
    entries: Vec<OperationEntry>,
    launched: Vec<Value>,
    tasks: Vec<TaskEntry>,
}

/// Chooses. `lasts_while` is a path: no task ends while it exists. With `must_act` the offer is not held again.
pub(super) fn choose(
    offer: &Offer,
    role: &str,
    lasts_while: &str,
    room: Room,
    must_act: bool,
    names: &mut Names,
    random: &mut Random,
) -> Plan {
    if !must_act && random.percent(25) {
        return Plan::Hold(random.millis(10, 150));
    }
    let refuse_seconds = match random.below(10) {
        0 => 5.0,
        1 | 2 => 0.3,
        _ => 0.0,
    };
    if random.percent(25) {
        return Plan::Decline { refuse_seconds };
    }
    let mut draft = Draft::of(offer, role, lasts_while);
    draft.change_marked(names, random, room.tasks);
    if room.marks > 0 && random.percent(50) {
        draft.reserve(names, random, room.tasks);
    }
    while draft.tasks.len() < room.tasks && random.percent(50) && draft.launch_unreserved(names, random) {}
    if draft.operations.is_empty() && draft.launched.is_empty() {
        return Plan::Decline { refuse_seconds };
    }
    if !draft.launched.is_empty() {
        let launch = json!({"type": "LAUNCH", "launch": {"task_infos": draft.launched}});
        draft.operations.push(launch);
    }
    Plan::Accept { operations: draft.operations, entries: draft.entries, tasks: draft.tasks, refuse_seconds }
}

/// The marks in an offer.
pub(super) fn marks(offer: &Offer) -> impl Iterator<Item = &str> {
    offer.resources().iter().filter_map(mark_of)
}

fn mark_of(resource: &Value) -> Option<&str> {
    resource["reservations"].as_array()?.last()?["labels"]["labels"][0]["value"].as_str()
}

impl<'a> Draft<'a> {
    fn of(offer: &'a Offer, role: &'a str, lasts_while: &'a str) -> Draft<'a> {
        let mut draft = Draft {
            role,
            agent: &offer.agent_id,
            lasts_while,
            cpus: 0.0,
            mem_mb: 0.0,
            disk_mb: 0.0,
            ports: Vec::new(),
            marked: BTreeMap::new(),
            operations: Vec::new(),
            entries: Vec::new(),
            launched: Vec::new(),
            tasks: Vec::new(),
        };
        for resource in offer.resources() {
            let name = resource["name"].as_str().unwrap_or_default();
            if let Some(mark) = mark_of(resource) {
                let marked = draft.marked.entry(mark.to_owned()).or_default();
                match name {
                    "cpus" => marked.cpus = true,
                    "mem" => marked.mem = true,
                    _ if resource["disk"].is_object() => marked.volume = true,
                    _ => marked.disk = true,
                }
                continue;
            }
            let value = resource["scalar"]["value"].as_f64().unwrap_or(0.0);
            match name {
                "cpus" => draft.cpus += value,
                "mem" => draft.mem_mb += value,
                "disk" => draft.disk_mb += value,
                _ => draft.ports.extend(elements(resource)),
            }
        }
        draft
    }

    /// Does something with each mark that is whole in the offer.
    fn change_marked(&mut self, names: &mut Names, random: &mut Random, tasks_max: usize) {
        let whole: Vec<(String, bool)> = self
            .marked
            .iter()
            .filter(|(_, marked)| marked.is_whole())
            .map(|(mark, marked)| (mark.clone(), marked.volume))
            .collect();
        for (mark, has_volume) in whole {
            match (random.below(10), has_volume) {
                (0..3, true) => {
                    self.change(Change::Destroy, &mark, names);
                    if random.percent(60) {
                        self.change(Change::Unreserve, &mark, names);
                    }
                }
                (0..4, false) => {
                    self.change(Change::Create, &mark, names);
                    if random.percent(40) && self.tasks.len() < tasks_max {
                        self.launch_marked(&mark, true, names, random);
                    }
                }
                (4..6, false) => self.change(Change::Unreserve, &mark, names),
                (6..9, _) if self.tasks.len() < tasks_max => {
                    self.launch_marked(&mark, has_volume, names, random)
                }
                _ => {}
            }
        }
    }

    fn reserve(&mut self, names: &mut Names, random: &mut Random, tasks_max: usize) {
        if self.cpus < MARKED_CPUS || self.mem_mb < MARKED_MEM_MB || self.disk_mb < MARKED_DISK_MB {
            return;
        }
        self.cpus -= MARKED_CPUS;
        self.mem_mb -= MARKED_MEM_MB;
        self.disk_mb -= MARKED_DISK_MB;
        let mark = names.next("mark");
        self.change(Change::Reserve, &mark, names);
        let with_volume = random.percent(50);
        if with_volume {
            self.change(Change::Create, &mark, names);
        }
        if self.tasks.len() < tasks_max && random.percent(30) {
            self.launch_marked(&mark, with_volume, names, random);
        }
    }

    fn change(&mut self, change: Change, mark: &str, names: &mut Names) {
        let id = names.next("operation");
        let all = marked(self.role, mark);
        let volumes = json!([volume(MARKED_DISK_MB, self.role, mark)]);
        let mut operation = match change {
            Change::Reserve => json!({"type": "RESERVE", "reserve": {"resources": all}}),
            Change::Unreserve => json!({"type": "UNRESERVE", "unreserve": {"resources": all}}),
            Change::Create => json!({"type": "CREATE", "create": {"volumes": volumes}}),
            Change::Destroy => json!({"type": "DESTROY", "destroy": {"volumes": volumes}}),
        };
        operation["id"] = json!({"value": id});
        self.operations.push(operation);
        self.entries.push(OperationEntry { id, change, mark: mark.to_owned() });
    }

    /// A task on everything of a mark. On a volume it looks for what an earlier task has left there.
    fn launch_marked(&mut self, mark: &str, has_volume: bool, names: &mut Names, random: &mut Random) {
        let disk = if has_volume {
            volume(MARKED_DISK_MB, self.role, mark)
        } else {
            reserved("disk", MARKED_DISK_MB, self.role, mark)
        };
        let resources = json!([
            reserved("cpus", MARKED_CPUS, self.role, mark),
            reserved("mem", MARKED_MEM_MB, self.role, mark),
            disk,
        ]);
        let work = if has_volume {
            format!(
                "[ ! -e data/kept ] || [ \"$(cat data/kept)\" = {mark} ] || exit 7; echo {mark} > data/kept; "
            )
        } else {
            String::new()
        };
        self.launch(&work, resources, names, random);
    }

    fn launch_unreserved(&mut self, names: &mut Names, random: &mut Random) -> bool {
        if self.cpus < TASK_CPUS || self.mem_mb < TASK_MEM_MB || self.ports.len() < PORTS_OF_TASK {
            return false;
        }
        self.cpus -= TASK_CPUS;
        self.mem_mb -= TASK_MEM_MB;
        let own: Vec<u64> = self.ports.drain(..PORTS_OF_TASK).collect();
        let resources = json!([
            amount("cpus", TASK_CPUS, self.role),
            amount("mem", TASK_MEM_MB, self.role),
            ports(&own, self.role),
        ]);
        self.launch("", resources, names, random);
        true
    }

    fn launch(&mut self, work: &str, resources: Value, names: &mut Names, random: &mut Random) {
        let id = names.next("task");
        let seconds = ["0.05", "0.2", "0.6", "2", "5"];
        let seconds = random.choose(&seconds).copied().unwrap_or("0.2");
        let command =
            format!("{work}sleep {seconds}; while [ -e '{}' ]; do sleep 0.05; done", self.lasts_while);
        self.launched.push(json!({
            "name": id,
            "task_id": {"value": id},
            "agent_id": {"value": self.agent},
            "resources": resources,
            "command": {"shell": true, "value": command},
        }));
        self.tasks.push(TaskEntry { id, resources });
    }
}
