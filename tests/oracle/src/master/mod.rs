//! A model of a Mesos master: keeps what a master keeps and calls the allocators as a master would.
//!
//! Each step names an action and brings dice; what is chosen depends on what there is, and an action for which there
//! is nothing to choose does nothing. Offers are on their way to the master for a while: what happens meanwhile is the
//! source of most races. Operations that would end a real master (an offer accepted for a volume that is gone) are
//! dropped, as a master drops operations that are not valid.

mod agents;
mod cast;
mod dice;
mod frameworks;
mod identity;
mod offers;
mod operator;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use apportion_core::{
    AgentCapabilities, Instant, LendingPolicy, Minimum, Options, Order, Text, Unavailability,
};

pub use self::cast::Cast;
use self::dice::Dice;
use self::identity::Catalogue;
use crate::call::{Call, Registration, Subscription, Use};
use crate::resources::Resources;
use crate::{Answer, Checks, Cluster, Disagreement, Name};

/// What happens next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is what its name says; the functions that do it say more")]
pub enum Action {
    AddAgent,
    AddFramework,
    Wait,
    Accept,
    ResizeVolume,
    Decline,
    EndTask,
    RescindOffer,
    ReturnAgent,
    LoseAgent,
    DisconnectAgent,
    ReconnectAgent,
    ReregisterAgent,
    DeactivateAgent,
    ActivateAgent,
    Oversubscribe,
    AddProvider,
    RemoveProvider,
    UpdateFramework,
    DisconnectFramework,
    ReconnectFramework,
    TearDownFramework,
    Suppress,
    Revive,
    EndOperation,
    OperatorOperation,
    SetQuota,
    SetWeights,
    SetWhitelist,
    SetMaintenance,
    AnswerInverseOffer,
    AskStatuses,
}

/// One step of a history.
#[derive(Debug, Clone)]
pub struct Step {
    /// What happens.
    pub action: Action,
    /// Decides everything else.
    pub dice: Vec<u8>,
}

/// Resources that a framework was given on an agent in a role.
#[derive(Debug, Clone)]
struct Grant {
    framework: Name,
    role: Name,
    agent: Name,
    resources: Resources,
}

#[derive(Debug, Clone)]
struct Agent {
    hostname: Name,
    attributes: Name,
    region: Option<Name>,
    registrations: usize,
    capabilities: AgentCapabilities,
    total: Resources,
    connected: bool,
    deactivated: bool,
    unavailability: Option<Unavailability>,
    /// Frameworks with an inverse offer.
    inverse_offers: BTreeSet<Name>,
}

#[derive(Debug, Clone)]
struct Framework {
    info: Subscription,
    /// Attributes that the constraints of a role exclude.
    constraints: BTreeMap<Name, Name>,
    active: bool,
}

/// A CREATE_DISK that is not done yet; what it consumes stays held.
#[derive(Debug, Clone)]
struct PendingOperation {
    source: Grant,
    /// What becomes of it.
    converted: Resources,
    /// The framework was torn down: the source is off the books until the operation ends.
    orphaned: bool,
}

/// An agent that was lost, with what runs on it.
#[derive(Debug, Clone)]
struct LostAgent {
    name: Name,
    agent: Agent,
    tasks: Vec<Grant>,
}

/// The master.
#[derive(Debug, Default)]
pub struct Master {
    cast: Cast,
    cluster: Cluster,
    catalogue: Catalogue,
    region: Option<Name>,
    agents: BTreeMap<Name, Agent>,
    lost: Vec<LostAgent>,
    frameworks: BTreeMap<Name, Framework>,
    frameworks_ever: usize,
    /// Offers on their way to the master.
    in_flight: Vec<Grant>,
    inverse_in_flight: Vec<(Name, Name)>,
    offers: Vec<Grant>,
    tasks: Vec<Grant>,
    operations: Vec<PendingOperation>,
    cycle_waits: bool,
    next_tick: Instant,
    interval: Duration,
}

impl Master {
    /// Starts a cluster: the dice decide on the other options and on whether the master comes back from a failover.
    ///
    /// # Errors
    ///
    /// If the allocators disagree.
    pub fn start(dice: &[u8], order: Order) -> Result<Master, Disagreement> {
        Master::start_with(Cast::default(), Checks::EachCall, dice, order)
    }

    /// The same with others taking part, and other checks.
    ///
    /// # Errors
    ///
    /// If the allocators disagree.
    pub fn start_with(cast: Cast, checks: Checks, dice: &[u8], order: Order) -> Result<Master, Disagreement> {
        let dice = &mut Dice::new(dice);
        let mut master = Master { cast, cluster: Cluster::new(checks), ..Master::default() };
        let cpus_or_mem = [("cpus", 10), ("mem", 32_000)].map(|(name, amount)| minimum(&[(name, amount)]));
        let options = Options {
            allocation_interval: Duration::from_millis(dice.one([1000, 1000, 500, 60_000])),
            fairness_excluded: dice
                .one([&[] as &[&str], &["gpus"], &["mem", "disk"]])
                .iter()
                .map(bytes)
                .collect(),
            filter_gpu_resources: !dice.once_in(4),
            region: dice.flip().then(|| b"here".as_slice().into()),
            min_allocatable: if dice.flip() { cpus_or_mem.to_vec() } else { Vec::new() },
            recovery_timeout: Duration::from_secs(3),
            agent_recovery_factor: 0.8,
            order,
            lending: LendingPolicy::default(),
            seed: u64::try_from(dice.below(256)).unwrap_or(0),
        };
        master.region = options.region.as_ref().map(|region| region.to_vec());
        master.interval = options.allocation_interval;
        master.next_tick = master.cluster.now().after(master.interval);
        master.call(Call::Initialize { options })?;
        if dice.once_in(4) {
            let quotas = master.some_quota(dice).map(|quota| (b"a".to_vec(), quota));
            let expected_agents = u64::try_from(dice.below(5)).unwrap_or(0);
            master.call(Call::Recover { expected_agents, quotas: quotas.into_iter().collect() })?;
        }
        Ok(master)
    }

    /// How many offers frameworks have, on their way included.
    #[must_use]
    pub fn offers_len(&self) -> usize {
        self.offers.len() + self.in_flight.len()
    }

    /// Both allocators.
    #[must_use]
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Does one step.
    ///
    /// # Errors
    ///
    /// If the allocators disagree, or with the master.
    pub fn step(&mut self, step: &Step) -> Result<(), Disagreement> {
        let dice = &mut Dice::new(&step.dice);
        // Mostly what is on its way arrives before the next thing happens.
        if !dice.once_in(5) {
            self.let_cycle_run()?;
        }
        if !dice.once_in(4) {
            self.receive_offers()?;
        }
        self.act(step.action, dice)?;
        if self.cluster.checks() == Checks::EachCall { self.compare_books() } else { Ok(()) }
    }

    /// Many steps in a row, as calls that are all there before the next run: what was on its way arrives first, and
    /// then nothing until all of them are done.
    ///
    /// # Errors
    ///
    /// If the allocators disagree, or with the master.
    pub fn burst(&mut self, steps: impl Iterator<Item = Step>) -> Result<(), Disagreement> {
        self.let_cycle_run()?;
        self.receive_offers()?;
        for step in steps {
            self.act(step.action, &mut Dice::new(&step.dice))?;
        }
        Ok(())
    }

    fn act(&mut self, action: Action, dice: &mut Dice<'_>) -> Result<(), Disagreement> {
        match action {
            Action::Wait => self.wait(dice)?,
            Action::AddAgent => self.add_agent(dice)?,
            Action::ReturnAgent => self.return_agent(dice)?,
            Action::LoseAgent => self.lose_agent(dice)?,
            Action::DisconnectAgent => self.disconnect_agent(dice)?,
            Action::ReconnectAgent => self.reconnect_agent(dice)?,
            Action::ReregisterAgent => self.reregister_agent(dice)?,
            Action::DeactivateAgent => self.deactivate_agent(dice)?,
            Action::ActivateAgent => self.activate_agent(dice)?,
            Action::Oversubscribe => self.oversubscribe(dice)?,
            Action::AddProvider => self.add_provider(dice)?,
            Action::RemoveProvider => self.remove_provider(dice)?,
            Action::AddFramework => self.add_framework(dice)?,
            Action::UpdateFramework => self.update_framework(dice)?,
            Action::DisconnectFramework => self.disconnect_framework(dice)?,
            Action::ReconnectFramework => self.reconnect_framework(dice)?,
            Action::TearDownFramework => self.tear_down_framework(dice)?,
            Action::Suppress => self.suppress(dice)?,
            Action::Revive => self.revive(dice)?,
            Action::Accept => self.accept(dice)?,
            Action::ResizeVolume => self.resize_volume(dice)?,
            Action::Decline => self.decline(dice)?,
            Action::RescindOffer => self.rescind_one(dice)?,
            Action::EndTask => self.end_task(dice)?,
            Action::EndOperation => self.end_operation(dice)?,
            Action::OperatorOperation => self.operator_operation(dice)?,
            Action::SetQuota => self.set_quota(dice)?,
            Action::SetWeights => self.set_weights(dice)?,
            Action::SetWhitelist => self.set_whitelist(dice)?,
            Action::SetMaintenance => self.set_maintenance(dice)?,
            Action::AnswerInverseOffer => self.answer_inverse_offer(dice)?,
            Action::AskStatuses => {
                self.call(Call::GetInverseOfferStatuses)?;
            }
        }
        Ok(())
    }

    /// Ends a history: everything on its way arrives, and one more batch passes.
    ///
    /// # Errors
    ///
    /// If the allocators disagree.
    pub fn settle(&mut self) -> Result<(), Disagreement> {
        self.let_cycle_run()?;
        self.receive_offers()?;
        self.wait_for(self.interval)?;
        self.receive_offers()?;
        self.compare_books()
    }

    fn call(&mut self, call: Call) -> Result<Answer, Disagreement> {
        let answer = self.cluster.call(call)?;
        self.cycle_waits |= answer.cycle_requested;
        for ((framework, role, agent), resources) in answer.offers.clone() {
            self.in_flight.push(Grant { framework, role, agent, resources });
        }
        self.inverse_in_flight.extend(answer.inverse_offers.keys().cloned());
        Ok(answer)
    }

    fn let_cycle_run(&mut self) -> Result<(), Disagreement> {
        if std::mem::take(&mut self.cycle_waits) {
            self.call(Call::Cycle)?;
        }
        Ok(())
    }

    fn wait(&mut self, dice: &mut Dice<'_>) -> Result<(), Disagreement> {
        let interval = self.interval;
        let short = Duration::from_millis(300);
        self.wait_for(dice.one([interval, short, interval * 2, Duration::from_secs(5), interval / 2]))
    }

    /// Time passes, and batches with it.
    fn wait_for(&mut self, span: Duration) -> Result<(), Disagreement> {
        self.let_cycle_run()?;
        let until = self.cluster.now().after(span);
        while self.next_tick <= until {
            self.cluster.wait_until(self.next_tick);
            self.call(Call::Tick)?;
            self.let_cycle_run()?;
            self.next_tick = self.cluster.now().after(self.interval);
        }
        self.cluster.wait_until(until);
        Ok(())
    }

    /// What the master's books say is free of each agent is what both allocators say: nothing was lost.
    fn compare_books(&self) -> Result<(), Disagreement> {
        let pending = self.operations.iter().filter(|operation| !operation.orphaned);
        let unreceived = self.in_flight.iter().filter(|grant| self.frameworks.contains_key(&grant.framework));
        let held = self.offers.iter().chain(&self.tasks).chain(unreceived);
        let mut taken: BTreeMap<&Name, Resources> = BTreeMap::new();
        for grant in held.chain(pending.map(|operation| &operation.source)) {
            let taken = taken.entry(&grant.agent).or_default();
            taken.add(&grant.resources.only(|kind| !kind.is_shared()));
        }
        for (name, agent) in &self.agents {
            let free = taken.get(name).map_or_else(|| agent.total.clone(), |taken| agent.total.minus(taken));
            if agent.total != *self.cluster.oracle().total(name) {
                return Err(self.cluster.disagree(format!("the master has another total of {}", Text(name))));
            }
            if free != self.cluster.oracle().available(name) {
                let what = format!("by the master's books something else of {} is free", Text(name));
                return Err(self.cluster.disagree(what));
            }
        }
        Ok(())
    }

    fn registration(&self, agent: &Agent) -> Registration {
        let excluded_from = self.frameworks.iter().flat_map(|(name, framework)| {
            let excluding =
                framework.constraints.iter().filter(|(_, excluded)| **excluded == agent.attributes);
            excluding.map(|(role, _)| (name.clone(), role.clone()))
        });
        Registration {
            hostname: agent.hostname.clone(),
            attributes: agent.attributes.clone(),
            region: agent.region.clone(),
            other: agent.registrations.to_string().into_bytes(),
            excluded_from: excluded_from.collect(),
        }
    }

    /// Names of agents for which something holds.
    fn agents_where(&self, which: impl Fn(&Agent) -> bool) -> Vec<Name> {
        self.agents.iter().filter(|(_, agent)| which(agent)).map(|(name, _)| name.clone()).collect()
    }

    /// Names of frameworks for which something holds.
    fn frameworks_where(&self, which: impl Fn(&Framework) -> bool) -> Vec<Name> {
        self.frameworks
            .iter()
            .filter(|(_, framework)| which(framework))
            .map(|(name, _)| name.clone())
            .collect()
    }

    /// Resources go back to the allocator.
    fn recover(
        &mut self,
        grant: &Grant,
        refuse_seconds: Option<f64>,
        allocated: bool,
    ) -> Result<(), Disagreement> {
        let what = use_of(grant);
        let (framework, agent) = (grant.framework.clone(), grant.agent.clone());
        self.call(Call::RecoverResources { framework, agent, what, refuse_seconds, allocated })?;
        Ok(())
    }

    /// Offers of which something holds are taken back.
    fn rescind(
        &mut self,
        refuse_seconds: Option<f64>,
        which: impl Fn(&Grant) -> bool,
    ) -> Result<(), Disagreement> {
        let (rescinded, kept) = std::mem::take(&mut self.offers).into_iter().partition(which);
        self.offers = kept;
        let rescinded: Vec<Grant> = rescinded;
        rescinded.iter().try_for_each(|offer| self.recover(offer, refuse_seconds, false))
    }
}

fn use_of(grant: &Grant) -> Use {
    Use { role: Some(grant.role.clone()), resources: grant.resources.to_holding() }
}

fn bytes(name: &&str) -> Box<[u8]> {
    name.as_bytes().into()
}

/// A least offer, in thousandths.
fn minimum(amounts: &[(&str, i64)]) -> Minimum {
    let amounts =
        amounts.iter().map(|(name, amount)| (bytes(name), apportion_core::Amount::thousandths(*amount)));
    Minimum { amounts: amounts.collect() }
}
