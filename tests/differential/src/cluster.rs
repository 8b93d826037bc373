//! The cluster that a script acts on.

use std::collections::BTreeMap;
use std::time::Duration;

use apportion_cluster_tests::{ALLOCATOR, WITHIN, list, modules, rig, wait_until};
use apportion_rig::{
    Framework, FrameworkSpec, Master, Offer, SimulatedAgents, SimulatedSpec, TaskSpec, TaskState,
};
use serde_json::{Value, json};

use crate::comparison::Side;
use crate::names::Names;
use crate::observation::{self, Observation};
use crate::settling::Pacer;

/// No batch falls into a script; see [`crate::settling`]. A filter without an end of its own lasts as long.
const NO_BATCH: Duration = Duration::from_secs(3600);
/// The master answers for its metrics twice a second only, unless this variable is empty.
const NO_RATE_LIMIT: &str = "LIBPROCESS_METRICS_SNAPSHOT_ENDPOINT_RATE_LIMIT";
/// What the registration of one of many agents may take in addition.
const FOR_EACH_AGENT: Duration = Duration::from_millis(20);
/// A decline that holds for the rest of a script.
pub const LONG: f64 = 86_400.0;

/// How a script wants its master.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Flags of the master by their names without dashes.
    pub flags: &'static [(&'static str, &'static str)],
    /// Time between two batches, for what only time brings about; without it there are none.
    pub interval: Option<Duration>,
}

impl Setting {
    /// A master without any flags.
    pub const PLAIN: Setting = Setting::with_flags(&[]);

    /// A master with these flags.
    pub const fn with_flags(flags: &'static [(&'static str, &'static str)]) -> Setting {
        Setting { flags, interval: None }
    }
}

/// One step of a script: what was seen after it.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) name: String,
    pub(crate) seen: Value,
}

/// A master under one of the two allocators, agents and frameworks, and the record of what was seen.
#[derive(Debug)]
pub struct Cluster {
    master: Master,
    pacer: Pacer,
    agents: BTreeMap<String, SimulatedAgents>,
    frameworks: BTreeMap<String, Framework>,
    pub(crate) names: Names,
    pub(crate) results: Vec<Value>,
    pub(crate) record: Vec<Step>,
}

impl Cluster {
    pub(crate) fn start(side: Side, setting: Setting) -> Cluster {
        let mut builder = rig()
            .master()
            .allocation_interval(setting.interval.unwrap_or(NO_BATCH))
            .variable(NO_RATE_LIMIT, "");
        if side == Side::Ours {
            builder = builder.modules(modules(&[])).allocator(ALLOCATOR);
        }
        for (name, value) in setting.flags {
            builder = builder.flag(name, value);
        }
        let master = builder.start().expect("a master");
        wait_for_recovery(&master);
        let mut names = Names::default();
        let state = master.state().expect("the state page");
        names.give(state["id"].as_str().unwrap_or_default(), "MASTER");
        names.give(master.address(), "ADDRESS");
        let pacer = Pacer::subscribe(&master);
        names.give(pacer.id(), "pacer");
        Cluster {
            master,
            pacer,
            agents: BTreeMap::new(),
            frameworks: BTreeMap::new(),
            names,
            results: Vec::new(),
            record: Vec::new(),
        }
    }

    /// The master.
    pub fn master(&self) -> &Master {
        &self.master
    }

    /// Starts `spec.agents` equal agents, whose host names begin with `spec.hosts`, and waits until the master has them
    /// and they are offered: whether later calls find their offers must not be left to chance.
    ///
    /// # Panics
    /// When they do not register.
    pub fn agents(&mut self, spec: SimulatedSpec) {
        let group = spec.hosts.clone();
        let within = WITHIN + FOR_EACH_AGENT * u32::try_from(spec.agents).unwrap_or(u32::MAX);
        let agents = SimulatedAgents::start(self.master.address(), spec).expect("simulated agents");
        agents.wait_until_registered(within).expect("registered agents");
        self.agents.insert(group, agents);
        for agent in list(&self.master.get_json("/slaves").expect("the agents")["slaves"]) {
            let text = |field: &str| agent[field].as_str().unwrap_or_default().to_owned();
            self.names.give(&text("id"), &text("hostname"));
            let address = text("pid").split_once('@').map(|(_, address)| address.to_owned());
            self.names.give(&address.unwrap_or_default(), "AGENTS");
        }
        self.settle();
    }

    /// The agents whose host names begin so.
    ///
    /// # Panics
    /// When there are none.
    pub fn group(&self, hosts: &str) -> &SimulatedAgents {
        self.agents.get(hosts).unwrap_or_else(|| panic!("no agents {hosts} were started"))
    }

    /// The id of an agent by its host name.
    ///
    /// # Panics
    /// When the master does not know it.
    pub fn agent_id(&self, hostname: &str) -> String {
        let agents = self.master.get_json("/slaves").expect("the agents");
        let mut agents = list(&agents["slaves"]).iter().chain(list(&agents["recovered_slaves"]));
        let found = agents.find(|agent| agent["hostname"] == hostname);
        found
            .and_then(|agent| agent["id"].as_str())
            .unwrap_or_else(|| panic!("no agent {hostname}"))
            .to_owned()
    }

    /// Subscribes a framework, and waits until it has its offers: one run for two who subscribe at once would divide
    /// otherwise than a run for each. Scripts call it by its name.
    ///
    /// # Panics
    /// When the master refuses it.
    pub fn subscribe(&mut self, spec: FrameworkSpec) {
        let framework = Framework::subscribe(self.master.address(), spec).expect("a subscription");
        self.names.give(framework.id(), framework.name());
        self.frameworks.insert(framework.name().to_owned(), framework);
        self.settle();
    }

    /// A framework of that name in these roles, with nothing special to it, that sees reservations as they are.
    pub fn subscribe_in(&mut self, name: &str, roles: &[&str]) {
        self.subscribe(FrameworkSpec::new(name).roles(roles).capabilities(&["RESERVATION_REFINEMENT"]));
    }

    /// A framework of this script.
    ///
    /// # Panics
    /// When it has not subscribed.
    pub fn framework(&mut self, name: &str) -> &mut Framework {
        self.frameworks.get_mut(name).unwrap_or_else(|| panic!("no framework {name}"))
    }

    /// Takes a framework out of the script's hands.
    ///
    /// # Panics
    /// When it has not subscribed.
    pub fn take_framework(&mut self, name: &str) -> Framework {
        self.frameworks.remove(name).unwrap_or_else(|| panic!("no framework {name}"))
    }

    /// The offers that a framework has, as the master sees it, ordered by host name, role and
    /// resources.
    ///
    /// # Panics
    /// When the master does not say.
    pub fn offers(&self, framework: &str) -> Vec<Offer> {
        assert!(self.frameworks.contains_key(framework), "no framework {framework}");
        self.all_offers().remove(framework).unwrap_or_default()
    }

    /// The offers of all frameworks of this script by their names, each as [`Cluster::offers`].
    ///
    /// # Panics
    /// When the master does not say.
    pub fn all_offers(&self) -> BTreeMap<String, Vec<Offer>> {
        let answer = self.master.call(&json!({"type": "GET_FRAMEWORKS"})).expect("the frameworks");
        let entries = list(&answer["get_frameworks"]["frameworks"]);
        let of = |framework: &Framework| {
            let own = entries.iter().filter(|entry| entry["framework_info"]["id"]["value"] == framework.id());
            let mut own: Vec<Offer> =
                own.flat_map(|entry| list(&entry["offers"])).map(Offer::parse).collect();
            // The master lists them in any order.
            own.sort_by_cached_key(|offer| {
                (offer.hostname.clone(), offer.role.clone(), observation::resources(offer.resources()))
            });
            own
        };
        self.frameworks.iter().map(|(name, framework)| (name.clone(), of(framework))).collect()
    }

    /// The framework declines all it is offered, for that long.
    ///
    /// # Panics
    /// When the call is refused.
    pub fn decline(&mut self, framework: &str, refuse_seconds: f64) {
        let offers = self.offers(framework);
        if !offers.is_empty() {
            self.framework(framework).decline(&offers, Some(refuse_seconds)).expect("a decline");
        }
    }

    /// The framework launches this task on each of its offers (ids get the numbers of the offers), and gives the rest
    /// back for that long. Waits until they run.
    ///
    /// # Panics
    /// When one does not.
    pub fn launch_on_each(
        &mut self,
        framework: &str,
        prefix: &str,
        cpus: f64,
        mem: f64,
        refuse_seconds: f64,
    ) {
        let offers = self.offers(framework);
        let framework = self.framework(framework);
        for (number, offer) in offers.iter().enumerate() {
            let task = TaskSpec::new(&format!("{prefix}-{number}"), "simulated").cpus(cpus).mem_mb(mem);
            framework.launch(offer, &[task], Some(refuse_seconds)).expect("a launch");
        }
        for number in 0..offers.len() {
            framework
                .wait_status(&format!("{prefix}-{number}"), TaskState::Running, WITHIN)
                .expect("a running task");
        }
    }

    /// The framework uses each of these offers as a whole for a task; ids get the numbers of the offers. Waits until they
    /// run.
    ///
    /// # Panics
    /// When one does not.
    pub fn launch_whole(&mut self, framework: &str, prefix: &str, offers: &[Offer]) {
        let framework = self.framework(framework);
        for (number, offer) in offers.iter().enumerate() {
            let task = TaskSpec::new(&format!("{prefix}-{number}"), "simulated")
                .cpus(offer.scalar("cpus"))
                .mem_mb(offer.scalar("mem"))
                .disk_mb(offer.scalar("disk"));
            framework.launch(offer, &[task], Some(0.0)).expect("a launch");
        }
        for number in 0..offers.len() {
            let task = format!("{prefix}-{number}");
            framework.wait_status(&task, TaskState::Running, WITHIN).expect("a running task");
        }
    }

    /// The framework accepts all it is offered with these operations.
    ///
    /// # Panics
    /// When it has no offer, or the call is refused.
    pub fn accept(&mut self, framework: &str, operations: Vec<Value>, refuse_seconds: f64) {
        let offers = self.offers(framework);
        assert!(!offers.is_empty(), "{framework} has no offer to accept");
        self.framework(framework).accept(&offers, operations, Some(refuse_seconds)).expect("an accept");
    }

    /// A call of a framework; whether it was taken, or how it was refused, is compared at the next step.
    ///
    /// # Panics
    /// When there is no such framework.
    pub fn framework_call(&mut self, what: &str, framework: &str, call: &str, fields: &Value) {
        let answer = self.framework(framework).call(call, fields);
        let answer =
            answer.map_or_else(|error| self.names.replaced(&error.to_string()), |()| "taken".to_owned());
        self.results.push(json!({"what": what, "answer": answer}));
    }

    /// The agents of a group lend so many revocable cpus each. Waits until the master has heard of it.
    ///
    /// # Panics
    /// When it does not.
    pub fn lend_cpus(&mut self, hosts: &str, cpus: f64) {
        self.group(hosts).lend_cpus(cpus);
        let prefix = format!("{hosts}-");
        wait_until("the lent cpus in the master's books", || {
            let answer =
                self.master.call(&json!({"type": "GET_AGENTS"})).map_err(|error| error.to_string())?;
            let agents = list(&answer["get_agents"]["agents"]).iter();
            let mut lending = agents
                .filter(|agent| {
                    agent["agent_info"]["hostname"].as_str().is_some_and(|name| name.starts_with(&prefix))
                })
                .map(lent_cpus);
            if lending.all(|lent| lent == cpus) { Ok(()) } else { Err(answer.to_string()) }
        });
    }

    /// Waits until the master's state page looks as wanted.
    ///
    /// # Panics
    /// When it does not in time.
    pub fn wait_for_state(&self, what: &str, wanted: impl Fn(&Value) -> bool) {
        wait_until(what, || {
            let state = self.master.state().map_err(|error| error.to_string())?;
            if wanted(&state) { Ok(()) } else { Err(state.to_string()) }
        });
    }

    /// Lets the allocator run, then reads what is to be compared; results of calls since the last step belong to this
    /// one.
    ///
    /// # Panics
    /// When the master does not answer.
    pub fn step(&mut self, name: &str) {
        let observation = self.observe();
        self.note(name, observation);
    }

    /// As [`Cluster::step`], where it is left to chance how totals are divided among offers and equal agents.
    ///
    /// # Panics
    /// When the master does not answer.
    pub fn step_of_totals(&mut self, name: &str) {
        let observation = self.observe().totals();
        self.note(name, observation);
    }

    fn observe(&self) -> Observation {
        self.pacer.run(&self.master);
        Observation::read(&self.master, &self.names)
    }

    fn note(&mut self, name: &str, observation: Observation) {
        let mut seen = observation.into_json();
        seen["results"] = Value::Array(std::mem::take(&mut self.results));
        self.record.push(Step { name: name.to_owned(), seen });
    }

    pub(crate) fn into_record(self) -> Vec<Step> {
        self.record
    }

    /// As [`Cluster::step`], without any run: for a time in which the allocator makes none.
    ///
    /// # Panics
    /// When the master does not answer.
    pub fn step_without_runs(&mut self, name: &str) {
        let observation = Observation::read(&self.master, &self.names);
        self.note(name, observation);
    }

    /// Kills the master and starts it again, with all agents and frameworks away. The registry has to be one that is
    /// kept. Frameworks come back with [`Framework::resubscribe`], agents with [`SimulatedAgents::reconnect`].
    ///
    /// # Panics
    /// When it does not come back.
    pub fn restart_master(&mut self) {
        for agents in self.agents.values() {
            agents.disconnect();
        }
        self.master.kill().expect("a running master");
        for framework in self.frameworks.values_mut() {
            framework.disconnect();
        }
        self.master.restart().expect("a master");
        wait_for_recovery(&self.master);
        self.pacer.resubscribe(&self.master);
        let state = self.master.state().expect("the state page");
        self.names.give(state["id"].as_str().unwrap_or_default(), "MASTER");
    }

    /// Lets the allocator run, without a comparison.
    pub fn settle(&self) {
        self.pacer.run(&self.master);
    }
}

/// A master that leads still drops what agents say until it has read its registry.
fn wait_for_recovery(master: &Master) {
    wait_until("the master's recovery", || {
        master.call(&json!({"type": "GET_WEIGHTS"})).map_err(|error| error.to_string())
    });
}

fn lent_cpus(agent: &Value) -> f64 {
    let revocable =
        list(&agent["total_resources"]).iter().filter(|resource| !resource["revocable"].is_null());
    revocable.filter_map(|resource| resource["scalar"]["value"].as_f64()).sum()
}
