//! Lending as the modules do it: the ledger admits launches in the master's hook, the QoS controllers of the agents end
//! borrowers.

use std::collections::BTreeMap;
use std::time::Duration;

use apportion_core::{
    BackOff, BorrowerRule, Effects, Instant, KindId, LenderRule, LendingPolicy, RolePatterns, Sources, Weight,
};
use apportion_eviction::{Agent, Amounts, Evictions, Executor, Holding, Policy, Settings, Task};
use apportion_ledger::{Launch, Ledger, Portion, Scalars, TurnedDown};

use crate::cluster::{ClusterSpec, Framework, agent_name};
use crate::lent::{Admission, Lending, TaskUse};
use crate::workload::{SchedulerSpec, Shape};

/// All borrowers are equal.
const PRIORITY: u32 = 0;

/// How idle capacity of service work is lent to batch work.
#[derive(Debug, Clone, PartialEq)]
pub struct LendingSpec {
    /// How many frameworks see the same capacity at once.
    pub fan_out: u32,
    /// How long capacity has to be idle before it is lent.
    pub min_idle: Duration,
    /// The most cpus in one offer; everything that is free without it.
    pub slice_cpus: Option<u32>,
}

impl Default for LendingSpec {
    fn default() -> LendingSpec {
        LendingSpec { fan_out: 2, min_idle: Duration::from_secs(1), slice_cpus: None }
    }
}

impl LendingSpec {
    /// The rules; `resources` are the kinds that are lent, `None` if a pattern is none.
    pub(crate) fn policy(&self, resources: Vec<KindId>) -> Option<LendingPolicy> {
        let lender = LenderRule {
            roles: RolePatterns::new(["service"]).ok()?,
            sources: Sources { offered: true, ..Sources::default() },
            to: None,
            permille: 1000,
        };
        let borrower = BorrowerRule {
            roles: RolePatterns::new(["batch"]).ok()?,
            priority: PRIORITY,
            weight: Weight::DEFAULT,
        };
        let slice =
            self.slice_cpus.map(|cpus| (b"cpus".as_slice().into(), Shape::whole(cpus.into(), 0).cpus));
        Some(LendingPolicy {
            resources,
            fan_out: self.fan_out,
            slice: slice.into_iter().collect(),
            min_idle: self.min_idle,
            back_off: BackOff::default(),
            lenders: vec![lender],
            borrowers: vec![borrower],
            limits: Vec::new(),
        })
    }
}

/// What runs on one agent, and what its QoS controller remembers.
#[derive(Debug, Default)]
struct OnAgent {
    tasks: BTreeMap<u64, TaskUse>,
    evictions: Evictions,
}

/// The master's hook and the agents' QoS controllers.
#[derive(Debug)]
pub struct Modules {
    ledger: Ledger,
    agents: Vec<OnAgent>,
    agent_names: Vec<Box<[u8]>>,
    agent_has: Shape,
    frameworks: Vec<Framework>,
    settings: Settings,
}

impl Modules {
    /// Modules of a master and of all its agents.
    #[must_use]
    pub fn new(cluster: &ClusterSpec, schedulers: &[SchedulerSpec]) -> Modules {
        let agent_names: Vec<Box<[u8]>> = (0..cluster.agents).map(agent_name).collect();
        let mut ledger = Ledger::new();
        for name in &agent_names {
            ledger.agent_added(name, true, scalars(cluster.agent), &[]);
        }
        Modules {
            ledger,
            agents: agent_names.iter().map(|_| OnAgent::default()).collect(),
            agent_names,
            agent_has: cluster.agent,
            frameworks: schedulers.iter().map(Framework::of).collect(),
            settings: Settings::default(),
        }
    }

    /// What the ledger counted.
    #[cfg(test)]
    pub(crate) fn ledger_numbers(&self) -> &apportion_ledger::Numbers {
        self.ledger.numbers()
    }

    /// What a task uses, as the ledger hears of it.
    fn portion<'a>(role: &'a [u8], used: &TaskUse) -> Portion<'a> {
        let (regular, lent) = if used.is_lent {
            (Scalars::new(), scalars(used.shape))
        } else {
            (scalars(used.shape), Scalars::new())
        };
        Portion { role, priority: PRIORITY, regular, lent }
    }

    fn executor(&self, used: &TaskUse) -> Executor {
        let Framework { name, role } = &self.frameworks[used.scheduler];
        let amounts = amounts(used.shape);
        let (regular, lent) =
            if used.is_lent { (Amounts::default(), amounts) } else { (amounts, Amounts::default()) };
        let holding = Holding { regular, lent };
        let id = used.task.to_be_bytes().to_vec();
        Executor {
            framework: name.to_vec(),
            executor: id.clone(),
            container: id,
            roles: [role.to_vec()].into(),
            own: Holding::default(),
            allocated: holding.clone(),
            tasks: vec![Task { holding, labels: Vec::new() }],
            single_task: true,
        }
    }
}

impl Lending for Modules {
    fn hear(&mut self, effects: &Effects, _: Instant) {
        for lendable in &effects.lendable {
            let mut amounts = Scalars::new();
            lendable.amounts.iter().for_each(|(name, amount)| amounts.add(name, *amount));
            self.ledger.publish(&self.agent_names[lendable.agent.index()], amounts);
        }
    }

    fn admits(&mut self, launch: &TaskUse, _: Instant) -> Admission {
        let Framework { role, .. } = &self.frameworks[launch.scheduler];
        let wants = Modules::portion(role, launch);
        let task = launch.task.to_be_bytes();
        let agent = &self.agent_names[launch.agent];
        match self.ledger.claim(&Launch { agent, task: &task, wants, executor: None, gang: None }) {
            Ok(()) => Admission::Admitted,
            Err(TurnedDown::NotLeft { wanted, lendable, .. }) if lendable < wanted => Admission::OwnerIsBack,
            Err(_) => Admission::OthersWereFaster,
        }
    }

    fn begins(&mut self, used: &TaskUse, now: Instant) {
        let Framework { name, role } = &self.frameworks[used.scheduler];
        let agent = &self.agent_names[used.agent];
        self.ledger.launching(agent, name, &used.task.to_be_bytes());
        self.ledger.used(now.nanos(), agent, &[Modules::portion(role, used)]);
        self.agents[used.agent].tasks.insert(used.task, *used);
    }

    fn ends(&mut self, used: &TaskUse, now: Instant) {
        let Framework { name, role } = &self.frameworks[used.scheduler];
        let agent = &self.agent_names[used.agent];
        self.ledger.returned(now.nanos(), name, agent, &[Modules::portion(role, used)], true);
        self.agents[used.agent].tasks.remove(&used.task);
    }

    fn evicts(&mut self, agent: usize, now: Instant) -> Vec<u64> {
        let tasks = &self.agents[agent].tasks;
        let sum = tasks.values().fold(Shape::default(), |sum, task| sum + task.shape);
        // Most launches are in nobody's way.
        if sum.cpus <= self.agent_has.cpus && sum.mem <= self.agent_has.mem {
            return Vec::new();
        }
        let executors = tasks.values().map(|task| self.executor(task)).collect();
        let seen = Agent { total: amounts(self.agent_has), executors };
        let policy = Policy { settings: &self.settings, priorities: &|_: &[u8]| PRIORITY };
        let decision = self.agents[agent].evictions.look(now.nanos(), &seen, &policy);
        let task = |container: &[u8]| container.try_into().ok().map(u64::from_be_bytes);
        decision.end.iter().filter_map(|ending| task(&ending.key.container)).collect()
    }
}

fn scalars(shape: Shape) -> Scalars {
    let mut scalars = Scalars::new();
    scalars.add(b"cpus", shape.cpus);
    scalars.add(b"mem", shape.mem);
    scalars
}

fn amounts(shape: Shape) -> Amounts {
    let thousandths = [(&b"cpus"[..], shape.cpus), (&b"mem"[..], shape.mem)];
    Amounts::of(thousandths.map(|(name, amount)| (name, amount.in_thousandths())))
}
