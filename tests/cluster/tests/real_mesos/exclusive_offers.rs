//! Nothing is offered to two frameworks at once, and what a task uses is not offered at all.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use apportion_cluster_tests::{list, master, subscribe};
use apportion_rig::{Framework, Master, Offer, TaskSpec, TaskState};
use serde_json::{Value, json};

const AGENTS: usize = 3;
const AGENT: &str = "cpus:4;mem:1024;disk:64;ports:[31000-31099]";
const AGENT_CPUS: f64 = 4.0;
const TASK_CPUS: f64 = 0.25;
const PORTS_OF_TASK: usize = 5;
/// Tasks that never end take at most half the cluster, so that offers go on.
const LASTING_TASKS_MAX: usize = 8;
const CHURN: Duration = Duration::from_secs(6);
/// How long after its resources are offered again the end of a task may still be on its way to us.
const STATUS_DELAY: Duration = Duration::from_secs(5);

/// What one framework has of an agent, as far as it has been told. A port is one of a kind, which makes overlaps
/// visible that a sum would hide.
#[derive(Debug, Clone)]
struct Claim {
    framework: usize,
    /// An offer's or a task's id.
    id: String,
    agent_id: String,
    cpus: f64,
    ports: BTreeSet<u64>,
    /// A task that ends by itself. Its resources may be offered before we read that it has ended.
    passing: bool,
    /// Round in which an offer that is held for a while is given back.
    held_until: usize,
}

fn ports(resources: &[Value]) -> BTreeSet<u64> {
    let ranges = resources.iter().filter(|resource| resource["name"] == "ports");
    ranges
        .flat_map(|resource| list(&resource["ranges"]["range"]))
        .flat_map(|range| range["begin"].as_u64().expect("a port")..=range["end"].as_u64().expect("a port"))
        .collect()
}

/// Several frameworks and what they hold. Everything happens on one thread: a claim ends before the call is sent that
/// gives it up, so two claims that overlap were in force at the same time.
struct Churn {
    frameworks: Vec<Framework>,
    claims: Vec<Claim>,
    rounds: usize,
    offers: usize,
    tasks: usize,
    lasting_tasks: usize,
}

impl Churn {
    fn round(&mut self) {
        self.rounds += 1;
        for framework in 0..self.frameworks.len() {
            for offer in self.frameworks[framework].offers_during(Duration::from_millis(10)).unwrap() {
                self.take(framework, &offer);
            }
        }
        self.forget_ended_tasks();
        self.give_back();
    }

    /// Checks a new offer against everything that is in force, then uses it in one of several ways.
    fn take(&mut self, framework: usize, offer: &Offer) {
        self.offers += 1;
        let claim = Claim {
            framework,
            id: offer.id.clone(),
            agent_id: offer.agent_id.clone(),
            cpus: offer.scalar("cpus"),
            ports: ports(offer.resources()),
            passing: false,
            held_until: self.rounds + self.offers % 7,
        };
        self.require_exclusive(&claim);
        let enough = claim.cpus >= 2.0 * TASK_CPUS && claim.ports.len() >= 2 * PORTS_OF_TASK;
        if enough && self.offers.is_multiple_of(2) {
            self.launch(&claim, offer);
        } else {
            self.claims.push(claim);
        }
    }

    fn require_exclusive(&mut self, new: &Claim) {
        let conflicting = |claims: &[Claim]| {
            let same_agent = |claim: &&Claim| claim.agent_id == new.agent_id;
            let overlap = claims.iter().filter(same_agent).find(|claim| !claim.ports.is_disjoint(&new.ports));
            let cpus = new.cpus + claims.iter().filter(same_agent).map(|claim| claim.cpus).sum::<f64>();
            // A sum of quarters and thousandths; anything real is larger than this.
            overlap.cloned().or_else(|| {
                (cpus > AGENT_CPUS + 1e-6)
                    .then(|| claims.iter().filter(same_agent).max_by_key(|claim| claim.passing).cloned())
                    .flatten()
            })
        };
        while let Some(other) = conflicting(&self.claims) {
            assert!(other.passing, "in force at the same time:\n{new:?}\n{other:?}\nof\n{:#?}", self.claims);
            self.frameworks[other.framework]
                .wait_status(&other.id, TaskState::Finished, STATUS_DELAY)
                .unwrap_or_else(|error| panic!("{other:?} is running, and offered as {new:?}: {error}"));
            self.claims.retain(|claim| claim.id != other.id);
        }
    }

    /// Launches a task that passes and, while there are few, one that lasts; the rest of the offer goes back.
    fn launch(&mut self, offered: &Claim, offer: &Offer) {
        let mut free = offered.ports.iter().copied();
        let mut tasks = Vec::new();
        let mut claims = Vec::new();
        for passing in [true, false] {
            if !passing && self.lasting_tasks == LASTING_TASKS_MAX {
                continue;
            }
            self.lasting_tasks += usize::from(!passing);
            self.tasks += 1;
            let id = format!("task-{}", self.tasks);
            let ports: BTreeSet<u64> = free.by_ref().take(PORTS_OF_TASK).collect();
            tasks.push(task(&id, if passing { "sleep 0.4" } else { "sleep 600" }, &ports, offer));
            claims.push(Claim { id, cpus: TASK_CPUS, ports, passing, ..offered.clone() });
        }
        self.claims.extend(claims);
        self.frameworks[offered.framework].launch(offer, &tasks, Some(0.0)).unwrap();
    }

    fn forget_ended_tasks(&mut self) {
        let frameworks = &self.frameworks;
        self.claims.retain(|claim| {
            let statuses = frameworks[claim.framework].statuses(&claim.id);
            if let Some(bad) = statuses.iter().find(|status| {
                status.state.is_terminal() && (status.state != TaskState::Finished || !claim.passing)
            }) {
                panic!("{claim:?} ended with {bad:?}");
            }
            !statuses.iter().any(|status| status.state == TaskState::Finished)
        });
    }

    fn give_back(&mut self) {
        let rounds = self.rounds;
        let is_due = |claim: &Claim| !claim.id.starts_with("task-") && claim.held_until <= rounds;
        let due: Vec<Claim> = self.claims.iter().filter(|claim| is_due(claim)).cloned().collect();
        self.claims.retain(|claim| !is_due(claim));
        for claim in due {
            let decline = json!({"offer_ids": [{"value": claim.id}], "filters": {"refuse_seconds": 0.0}});
            self.frameworks[claim.framework].call("DECLINE", &json!({"decline": decline})).unwrap();
        }
    }
}

fn task(id: &str, command: &str, ports: &BTreeSet<u64>, offer: &Offer) -> TaskSpec {
    let ranges: Vec<Value> = ports.iter().map(|port| json!({"begin": port, "end": port})).collect();
    let allocation = json!({"role": offer.role});
    TaskSpec::new(id, command).resources(vec![
        json!({"name": "cpus", "type": "SCALAR", "scalar": {"value": TASK_CPUS}, "allocation_info": allocation}),
        json!({"name": "mem", "type": "SCALAR", "scalar": {"value": 32.0}, "allocation_info": allocation}),
        json!({"name": "ports", "type": "RANGES", "ranges": {"range": ranges}, "allocation_info": allocation}),
    ])
}

/// On each agent's entry in the master's books, what is used and what is offered fit into what there is.
fn require_sums_within_total(master: &Master) {
    let state = master.state().unwrap();
    for agent in list(&state["slaves"]) {
        for name in ["cpus", "mem", "disk"] {
            let amount = |kind: &str| agent[kind][name].as_f64().unwrap_or(0.0);
            let (total, used, offered) =
                (amount("resources"), amount("used_resources"), amount("offered_resources"));
            assert!(
                used + offered <= total + 1e-6,
                "{name}: {used} used, {offered} offered of {total}: {agent}"
            );
        }
    }
}

#[test]
fn three_frameworks_never_hold_the_same_resources_while_tasks_come_and_go() {
    let master = master(&[])
        .agents(AGENTS)
        .resources(AGENT)
        .allocation_interval(Duration::from_millis(50))
        .start()
        .unwrap();
    let frameworks = [("one", "first"), ("two", "first"), ("three", "second")]
        .map(|(name, role)| subscribe(master.address(), name, &[role]));
    let mut churn = Churn {
        frameworks: Vec::from(frameworks),
        claims: Vec::new(),
        rounds: 0,
        offers: 0,
        tasks: 0,
        lasting_tasks: 0,
    };
    let started = Instant::now();
    while started.elapsed() < CHURN {
        churn.round();
        require_sums_within_total(&master);
    }
    let finished =
        churn.tasks.saturating_sub(churn.claims.iter().filter(|c| c.id.starts_with("task-")).count());
    assert!(
        churn.offers >= 30 && finished >= 5,
        "little happened: {} offers, {finished} tasks",
        churn.offers
    );
    assert_eq!(churn.lasting_tasks, LASTING_TASKS_MAX);
}
