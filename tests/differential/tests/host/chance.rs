//! Random histories. There is one agent, so that nothing depends on the order in which agents are visited: after each
//! step the two allocators have to agree on everything.
//!
//! Where the master takes offers back one by one until it has enough, it takes them in any order; where an agent lends
//! more, a run may come before it takes them back or after. Before such steps all offers are given back.
//!
//! The steps are drawn from a seed and from what is offered. `APPORTION_DIFFERENTIAL_SEED` runs another history.

use std::env;

use apportion_cluster_tests::{WITHIN, list};
use apportion_differential_tests::{Cluster, LONG, Setting, compare, observation};
use apportion_rig::{FrameworkSpec, Offer, SimulatedSpec, TaskSpec, TaskState, scalar};
use serde_json::{Value, json};

use crate::resources::{agents, allocated, create, destroy, quota, reserve, reserved, unreserve, weights};
use crate::upkeep::schedule;

const STEPS: usize = 50;
const FRAMEWORKS: [(&str, &[&str]); 4] =
    [("one", &["a"]), ("two", &["a", "b"]), ("below", &["b/x"]), ("keen", &["c"])];
const TOP_ROLES: [&str; 3] = ["a", "b", "c"];
const ROLES: [&str; 5] = ["a", "b", "b/x", "c", "nobody"];

/// A sequence of numbers that a seed determines (splitmix64).
#[derive(Debug)]
pub(crate) struct Chance(u64);

impl From<u64> for Chance {
    fn from(seed: u64) -> Chance {
        Chance(seed)
    }
}

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// One of so many.
    pub(crate) fn below(&mut self, count: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(count).unwrap()).unwrap()
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}

/// The amount of a resource in an offer that is reserved for nobody and not revocable.
fn plain(offer: &Offer, name: &str) -> f64 {
    let plain = |resource: &&Value| {
        resource["name"] == name
            && resource["revocable"].is_null()
            && list(&resource["reservations"]).is_empty()
    };
    offer.resources().iter().filter(plain).filter_map(|resource| resource["scalar"]["value"].as_f64()).sum()
}

/// What is reserved dynamically in an offer: volumes, or everything else.
fn dynamic(offer: &Offer, volumes: bool) -> Vec<Value> {
    let wanted = |resource: &&Value| {
        list(&resource["reservations"]).last().is_some_and(|last| last["type"] == "DYNAMIC")
            && resource["disk"]["persistence"].is_null() != volumes
    };
    let mut found: Vec<Value> = offer.resources().iter().filter(wanted).cloned().collect();
    found.sort_by_cached_key(observation::resource);
    found
}

struct History<'c> {
    cluster: &'c mut Cluster,
    chance: Chance,
    /// Frameworks and ids of tasks that run.
    tasks: Vec<(&'static str, String)>,
    made: usize,
    connected: [bool; FRAMEWORKS.len()],
}

impl History<'_> {
    /// Something that a framework or the operator does; what it is, for the record.
    fn act(&mut self) -> String {
        let number = self.chance.below(FRAMEWORKS.len());
        let (name, roles) = FRAMEWORKS[number];
        if !self.connected[number] {
            let address = self.cluster.master().address().to_owned();
            self.cluster.framework(name).resubscribe(&address).unwrap();
            self.connected[number] = true;
            return format!("{name} comes back");
        }
        match self.chance.below(16) {
            0..=4 => self.use_offer(),
            5 => {
                let seconds = self.chance.of(&[0.0, 0.0, LONG]);
                self.cluster.decline(name, seconds);
                format!("{name} declines for {seconds} s")
            }
            6 => {
                let role = self.chance.of(roles);
                self.cluster.framework(name).suppress(&[role]).unwrap();
                format!("{name} suppresses {role}")
            }
            7 | 8 => {
                self.cluster.framework(name).revive(&[]).unwrap();
                format!("{name} revives")
            }
            9 => self.end_task(),
            10 => self.set_quota(),
            11 => {
                let (role, weight) = (self.chance.of(&ROLES), self.chance.of(&[0.5, 1.0, 2.0]));
                self.cluster.call("weights", &weights(&[(role, weight)]));
                format!("{role} weighs {weight}")
            }
            12 | 13 => self.operate(),
            14 => {
                self.give_all_back();
                let lent = self.chance.of(&[0.0, 1.0, 3.0]);
                self.cluster.lend_cpus("solo", lent);
                format!("{lent} cpus are lent")
            }
            _ => self.rare(number),
        }
    }

    fn rare(&mut self, number: usize) -> String {
        let name = FRAMEWORKS[number].0;
        if self.chance.below(2) == 0 {
            let windows: &[(&[&str], i64)] =
                if self.chance.below(2) == 0 { &[] } else { &[(&["solo-1"], 60)] };
            self.cluster.call("maintenance", &schedule(windows));
            return format!("maintenance: {windows:?}");
        }
        self.cluster.framework(name).disconnect();
        self.cluster.wait_for_state("the framework to be away", |state| {
            let entry = list(&state["frameworks"]).iter().find(|entry| entry["name"] == name).cloned();
            entry.is_some_and(|entry| entry["connected"] == false)
        });
        self.connected[number] = false;
        format!("{name} is away")
    }

    /// A task or an operation on an offer.
    fn use_offer(&mut self) -> String {
        let offers: Vec<(&'static str, Offer)> = FRAMEWORKS
            .iter()
            .flat_map(|(name, _)| self.cluster.offers(name).into_iter().map(|offer| (*name, offer)))
            .collect();
        if offers.is_empty() {
            return "nothing is offered".to_owned();
        }
        let (name, offer) = offers[self.chance.below(offers.len())].clone();
        let role = offer.role.clone().unwrap();
        let refuse = self.chance.of(&[0.0, 0.0, LONG]);
        self.made += 1;
        let (volumes, others) = (dynamic(&offer, true), dynamic(&offer, false));
        let disk = allocated(reserved("disk", 100.0, &[&role]), &role);
        let operation = match self.chance.below(6) {
            0 if plain(&offer, "cpus") >= 1.0 => {
                reserve(&[allocated(reserved("cpus", 1.0, &[&role]), &role)])
            }
            1 if plain(&offer, "disk") >= 100.0 => reserve(&[disk]),
            2 if !others.is_empty() => {
                unreserve(&[self.chance.of(&others.iter().collect::<Vec<_>>()).clone()])
            }
            3 if !volumes.is_empty() => {
                destroy(&[self.chance.of(&volumes.iter().collect::<Vec<_>>()).clone()])
            }
            4 if others.iter().any(|resource| resource["name"] == "disk") => {
                let mut volume = disk;
                volume["disk"] = json!({
                    "persistence": {"id": format!("v{}", self.made)},
                    "volume": {"container_path": "data", "mode": "RW"},
                });
                create(&[volume])
            }
            _ => return self.launch(name, &offer, refuse),
        };
        let what = operation.to_string();
        self.cluster.framework(name).accept(&[offer], vec![operation], Some(refuse)).unwrap();
        format!("{name} for {refuse} s: {what}")
    }

    fn launch(&mut self, name: &'static str, offer: &Offer, refuse: f64) -> String {
        let cpus = self.chance.of(&[0.5, 1.0, 2.5]);
        if plain(offer, "cpus") < cpus || plain(offer, "mem") < 64.0 {
            self.cluster.framework(name).decline(std::slice::from_ref(offer), Some(refuse)).unwrap();
            return format!("{name} declines one for {refuse} s");
        }
        let id = format!("task-{}", self.made);
        let task = TaskSpec::new(&id, "simulated").resources(vec![
            allocated(scalar("cpus", cpus), offer.role.as_deref().unwrap()),
            allocated(scalar("mem", 64.0), offer.role.as_deref().unwrap()),
        ]);
        let framework = self.cluster.framework(name);
        framework.launch(offer, &[task], Some(refuse)).unwrap();
        framework.wait_status(&id, TaskState::Running, WITHIN).unwrap();
        self.tasks.push((name, id));
        format!("{name} launches {cpus} cpus and refuses the rest for {refuse} s")
    }

    fn end_task(&mut self) -> String {
        let connected = |name: &str| {
            FRAMEWORKS.iter().zip(self.connected).any(|((other, _), connected)| *other == name && connected)
        };
        let Some(position) = self.tasks.iter().position(|(name, _)| connected(name)) else {
            return "no task to end".to_owned();
        };
        let (name, id) = self.tasks.remove(position);
        let framework = self.cluster.framework(name);
        framework.kill(&id, None).unwrap();
        framework.wait_status(&id, TaskState::Killed, WITHIN).unwrap();
        format!("{name} ends {id}")
    }

    /// Every framework declines all it has. No run follows by itself.
    fn give_all_back(&mut self) {
        for ((name, _), connected) in FRAMEWORKS.iter().zip(self.connected) {
            if connected {
                self.cluster.decline(name, 0.0);
            }
        }
    }

    fn set_quota(&mut self) -> String {
        let role = self.chance.of(&TOP_ROLES);
        let guarantees: &[(&str, f64)] =
            self.chance.of(&[&[] as &[_], &[("cpus", 2.0)], &[("cpus", 3.0), ("mem", 4096.0)]]);
        let limits: &[(&str, f64)] = self.chance.of(&[
            &[] as &[_],
            &[("cpus", 4.0)],
            &[("cpus", 3.0), ("mem", 8192.0), ("disk", 500.0)],
        ]);
        let force = self.chance.below(2) == 0;
        self.give_all_back();
        self.cluster.call("quota", &quota(role, guarantees, limits, force));
        format!("{role} has {guarantees:?} to {limits:?}, force {force}")
    }

    fn operate(&mut self) -> String {
        let path = self.chance.of(&["/reserve", "/unreserve"]);
        let role = self.chance.of(&ROLES);
        let resource = self.chance.of(&[("cpus", 1.0), ("mem", 512.0), ("disk", 100.0)]);
        let resource = json!([reserved(resource.0, resource.1, &[role])]).to_string();
        self.give_all_back();
        let agent = self.cluster.agent_id("solo-1");
        self.cluster.post_form("operation", path, &[("slaveId", &agent), ("resources", &resource)]);
        format!("{path} {resource}")
    }
}

fn run(name: &str, seed: u64) {
    let seed = env::var("APPORTION_DIFFERENTIAL_SEED").map_or(seed, |text| text.parse().expect("a seed"));
    compare(&format!("{name} {seed}"), Setting::PLAIN, &[], |cluster: &mut Cluster| {
        let further =
            vec![("cpus".to_owned(), "b".to_owned(), 1.0), ("mem".to_owned(), "a".to_owned(), 1024.0)];
        cluster.agents(SimulatedSpec { further, disk_mb: 1000.0, ..agents("solo", 1) });
        for (framework, roles) in FRAMEWORKS {
            let capabilities: &[&str] = match framework {
                "keen" => &["RESERVATION_REFINEMENT", "REVOCABLE_RESOURCES"],
                _ => &["RESERVATION_REFINEMENT"],
            };
            let lasting = std::time::Duration::from_secs(3600);
            let spec = FrameworkSpec::new(framework).roles(roles).capabilities(capabilities);
            cluster.subscribe(spec.failover_timeout(lasting));
        }
        let connected = [true; FRAMEWORKS.len()];
        let mut history = History { cluster, chance: Chance(seed), tasks: Vec::new(), made: 0, connected };
        for number in 0..STEPS {
            let what = history.act();
            history.cluster.step(&format!("{number}: {what}"));
        }
    });
}

#[test]
fn random_history_is_the_same() {
    run("chance", 1);
}

#[test]
fn another_random_history_is_the_same() {
    run("chance", 2);
}
