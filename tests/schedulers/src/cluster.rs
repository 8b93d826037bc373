//! The master and its agents: the allocator's core, told what a master would tell it, and what is in use where.

use apportion_core::{
    AgentCapabilities, AgentInfo, Allocated, Allocator, Amount, Event, FrameworkCapabilities, FrameworkInfo,
    Holding, Instant, Item, Kind, KindId, Minimum, Options, Severity,
};

use crate::Fault;
use crate::lent::{Admission, Lending, TaskUse};
use crate::modules::LendingSpec;
use crate::workload::{SchedulerSpec, Shape, Work};

/// Nothing that is returned is refused for a time: the allocator may offer it to the same framework at once.
const NOT_REFUSED: f64 = 0.0;

/// An offer, as its framework has it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Offer {
    /// By its place among all.
    pub(crate) agent: usize,
    /// Whether it is of lent resources; an offer of both sorts is taken apart.
    pub(crate) is_lent: bool,
    pub(crate) shape: Shape,
}

/// What came of tasks that were launched.
#[derive(Debug, Default)]
pub(crate) struct Launched {
    /// What became of each of them, in their order.
    pub(crate) began: Vec<Admission>,
    /// Numbers of tasks that the agent ends for them.
    pub(crate) evicted: Vec<u64>,
}

/// Resources of one sort under the allocator's ids.
#[derive(Debug, Clone, Copy)]
struct Kinds {
    cpus: KindId,
    mem: KindId,
}

impl Kinds {
    fn of(allocator: &mut Allocator, revocable: bool) -> Result<Kinds, Fault> {
        let mut intern = |name: &[u8]| {
            let mark: &[u8] = if revocable { b" revocable" } else { b"" };
            let identity = [name, mark].concat().into();
            allocator.intern_kind(Kind { revocable, identity, ..Kind::scalar(name) })
        };
        Ok(Kinds { cpus: intern(b"cpus")?, mem: intern(b"mem")? })
    }

    fn holding(self, shape: Shape) -> Holding {
        Holding::new([Item::scalar(self.cpus, shape.cpus), Item::scalar(self.mem, shape.mem)])
    }

    fn shape(self, holding: &Holding) -> Shape {
        let of = |kind: KindId| {
            let item = holding.items().iter().find(|item| item.kind == kind);
            item.and_then(|item| item.value.scalar()).unwrap_or(Amount::ZERO)
        };
        Shape { cpus: of(self.cpus), mem: of(self.mem) }
    }
}

/// What a cluster consists of.
#[derive(Debug, Clone)]
pub struct ClusterSpec {
    /// How many agents there are.
    pub agents: usize,
    /// What each of them has.
    pub agent: Shape,
    /// Revocable resources that each of them has besides, as a resource estimator reports them. Not what is lent.
    pub estimated: Shape,
    /// How idle capacity is lent; without it none is.
    pub lending: Option<LendingSpec>,
    /// Options of the allocator, but for the rules of lending.
    pub options: Options,
}

impl ClusterSpec {
    /// A cluster of so many agents, with Mesos' own options for the allocator.
    #[must_use]
    pub fn new(agents: usize, agent: Shape, seed: u64) -> ClusterSpec {
        let least = |name: &[u8], amount| Minimum { amounts: vec![(name.into(), amount)] };
        let min_allocatable = vec![least(b"cpus", Amount::thousandths(10)), least(b"mem", Amount::whole(32))];
        let options = Options { min_allocatable, seed, ..Options::default() };
        ClusterSpec { agents, agent, estimated: Shape::default(), lending: None, options }
    }
}

/// The id of an agent, by its place among all.
pub(crate) fn agent_name(place: usize) -> Box<[u8]> {
    format!("agent-{place}").into_bytes().into()
}

#[derive(Debug)]
struct Agent {
    name: Box<[u8]>,
    /// Of resources that are not revocable.
    regular: Shape,
    revocable: Shape,
}

/// The ids by which the master knows a scheduler.
#[derive(Debug, Clone)]
pub(crate) struct Framework {
    pub(crate) name: Box<[u8]>,
    pub(crate) role: Box<[u8]>,
}

impl Framework {
    pub(crate) fn of(scheduler: &SchedulerSpec) -> Framework {
        Framework { name: scheduler.name.as_bytes().into(), role: scheduler.role.as_bytes().into() }
    }
}

/// A master with its agents and frameworks.
#[derive(Debug)]
pub(crate) struct Cluster {
    allocator: Allocator,
    lending: Box<dyn Lending>,
    regular: Kinds,
    lent: Kinds,
    agents: Vec<Agent>,
    frameworks: Vec<Framework>,
    agent_has: Shape,
    /// Whether the allocator lends: what is revocable is lent then.
    lends: bool,
    /// A run was asked for that nobody took note of.
    wants_cycle: bool,
    /// Offers that nobody took note of, each with its framework.
    offers: Vec<(usize, Offer)>,
    events: u64,
}

impl Cluster {
    /// Frameworks are there before agents, so that nobody is the first; they want no offers yet.
    pub(crate) fn new(
        spec: &ClusterSpec,
        schedulers: &[SchedulerSpec],
        lending: Box<dyn Lending>,
    ) -> Result<Cluster, Fault> {
        let mut allocator = Allocator::new();
        let mut cluster = Cluster {
            regular: Kinds::of(&mut allocator, false)?,
            lent: Kinds::of(&mut allocator, true)?,
            allocator,
            lending,
            agents: Vec::with_capacity(spec.agents),
            frameworks: Vec::with_capacity(schedulers.len()),
            agent_has: spec.agent,
            lends: spec.lending.is_some(),
            wants_cycle: false,
            offers: Vec::new(),
            events: 0,
        };
        let now = Instant::default();
        let kinds = vec![cluster.lent.cpus, cluster.lent.mem];
        let lending = spec.lending.as_ref().and_then(|lending| lending.policy(kinds)).unwrap_or_default();
        let options = Options { lending, ..spec.options.clone() };
        cluster.apply(&Event::Initialize { options: &options }, now)?;
        schedulers.iter().try_for_each(|scheduler| cluster.add_framework(scheduler, now))?;
        let mut total = cluster.regular.holding(spec.agent);
        total.add(&cluster.lent.holding(spec.estimated));
        (0..spec.agents).try_for_each(|number| cluster.add_agent(number, &total, now))?;
        Ok(cluster)
    }

    fn add_framework(&mut self, scheduler: &SchedulerSpec, now: Instant) -> Result<(), Fault> {
        let Framework { name, role } = Framework::of(scheduler);
        let capabilities = FrameworkCapabilities {
            multi_role: true,
            // What can be taken back is nothing for tasks that are to run for long.
            revocable_resources: scheduler.work == Work::Batch,
            ..FrameworkCapabilities::default()
        };
        let roles: [&[u8]; 1] = [&role];
        let info =
            FrameworkInfo { roles: &roles, suppressed: &roles, capabilities, ..FrameworkInfo::default() };
        self.apply(&Event::AddFramework { framework: &name, info, used: &[], active: true }, now)?;
        self.frameworks.push(Framework { name, role });
        Ok(())
    }

    fn add_agent(&mut self, number: usize, total: &Holding, now: Instant) -> Result<(), Fault> {
        let name = agent_name(number);
        let event = Event::AddAgent {
            agent: &name,
            info: AgentInfo { hostname: &name, reclaims: self.lends, ..AgentInfo::default() },
            capabilities: AgentCapabilities { multi_role: true, hierarchical_role: true },
            unavailability: None,
            total,
            used: &[],
        };
        self.apply(&event, now)?;
        self.agents.push(Agent { name, regular: Shape::default(), revocable: Shape::default() });
        Ok(())
    }

    fn apply(&mut self, event: &Event<'_>, now: Instant) -> Result<(), Fault> {
        self.events += 1;
        let effects = self.allocator.apply(event, now)?;
        // Nothing that a master does right is worth a warning.
        let warning = effects.notices.iter().find(|notice| notice.severity() == Severity::Warning);
        if let Some(notice) = warning {
            return Err(Fault::Warned(notice.to_string()));
        }
        self.lending.hear(&effects, now);
        self.wants_cycle |= effects.cycle_requested;
        for offer in &effects.offers {
            // Nobody ever leaves, so places in the allocator's tables are those in ours.
            let (framework, agent) = (offer.framework.index(), offer.agent.index());
            for (is_lent, kinds) in [(false, self.regular), (true, self.lent)] {
                let shape = kinds.shape(&offer.resources);
                if !shape.is_nothing() {
                    self.offers.push((framework, Offer { agent, is_lent, shape }));
                }
            }
        }
        Ok(())
    }

    /// The allocation interval has passed.
    pub(crate) fn tick(&mut self, now: Instant) -> Result<(), Fault> {
        self.apply(&Event::Tick, now)
    }

    /// A run that was asked for.
    pub(crate) fn cycle(&mut self, now: Instant) -> Result<(), Fault> {
        self.apply(&Event::Cycle, now)
    }

    /// A framework wants no offers.
    pub(crate) fn suppress(&mut self, framework: usize, now: Instant) -> Result<(), Fault> {
        let framework = self.frameworks[framework].name.clone();
        self.apply(&Event::SuppressOffers { framework: &framework, roles: &[] }, now)
    }

    /// A framework wants offers, and takes its refusals back.
    pub(crate) fn revive(&mut self, framework: usize, now: Instant) -> Result<(), Fault> {
        let framework = self.frameworks[framework].name.clone();
        self.apply(&Event::ReviveOffers { framework: &framework, roles: &[] }, now)
    }

    /// A framework declines an offer.
    pub(crate) fn decline(
        &mut self,
        framework: usize,
        offer: &Offer,
        refuse_seconds: f64,
        now: Instant,
    ) -> Result<(), Fault> {
        self.recover(framework, offer, Some(refuse_seconds), now)
    }

    /// A framework accepts an offer for tasks of its own; the rest of it comes back at once. The events are those of the
    /// master, in its order.
    pub(crate) fn launch(
        &mut self,
        framework: usize,
        offer: &Offer,
        tasks: &[TaskUse],
        now: Instant,
    ) -> Result<Launched, Fault> {
        let lending = &mut self.lending;
        let mut ask = |task: &TaskUse| {
            if task.is_lent { lending.admits(task, now) } else { Admission::Admitted }
        };
        let began: Vec<Admission> = tasks.iter().map(&mut ask).collect();
        let is_admitted = |admission: &Admission| *admission == Admission::Admitted;
        let admitted =
            || tasks.iter().zip(&began).filter(|(_, began)| is_admitted(began)).map(|(task, _)| task);
        let used = admitted().fold(Shape::default(), |sum, task| sum + task.shape);
        let rest = Offer { shape: offer.shape - used, ..*offer };
        self.apply(&Event::Pause, now)?;
        if !rest.shape.is_nothing() {
            self.recover(framework, &rest, Some(NOT_REFUSED), now)?;
        }
        if !used.is_nothing() {
            self.use_offered(framework, &Offer { shape: used, ..*offer }, now)?;
        }
        self.apply(&Event::Resume, now)?;
        self.tell_lost(framework, began.iter().filter(|began| !is_admitted(began)).count(), now)?;
        admitted().for_each(|task| self.lending.begins(task, now));
        let evicted = if offer.is_lent { Vec::new() } else { self.lending.evicts(offer.agent, now) };
        Ok(Launched { began, evicted })
    }

    fn use_offered(&mut self, framework: usize, used: &Offer, now: Instant) -> Result<(), Fault> {
        let role = self.frameworks[framework].role.clone();
        let name = self.agents[used.agent].name.clone();
        let holding = self.kinds(used).holding(used.shape);
        let resources = [Allocated { role: Some(&role), resources: &holding }];
        self.apply(&Event::TransitionOfferedToAllocated { agent: &name, resources: &resources }, now)?;
        if used.is_lent && self.lends {
            let borrower = self.frameworks[framework].name.clone();
            let event = Event::UseLent { framework: Some(&borrower), agent: &name, resources: &resources };
            self.apply(&event, now)?;
        }
        let agent = &mut self.agents[used.agent];
        if used.is_lent {
            agent.revocable = agent.revocable + used.shape;
            return Ok(());
        }
        agent.regular = agent.regular + used.shape;
        if self.agent_has.holds(agent.regular) == 0 {
            let (found, agent) = (agent.regular, used.agent);
            return Err(Fault::OverCommitted { agent, found, has: self.agent_has });
        }
        Ok(())
    }

    /// The allocator is told of launches that were turned down.
    fn tell_lost(&mut self, framework: usize, launches: usize, now: Instant) -> Result<(), Fault> {
        if launches == 0 {
            return Ok(());
        }
        let framework = self.frameworks[framework].name.clone();
        let launches = u32::try_from(launches).unwrap_or(u32::MAX);
        self.apply(&Event::LoseLaunches { framework: &framework, launches }, now)
    }

    /// A task has ended, or was ended.
    pub(crate) fn end(&mut self, task: &TaskUse, now: Instant) -> Result<(), Fault> {
        let agent = &mut self.agents[task.agent];
        let used = if task.is_lent { &mut agent.revocable } else { &mut agent.regular };
        *used = *used - task.shape;
        let freed = Offer { agent: task.agent, is_lent: task.is_lent, shape: task.shape };
        self.recover(task.scheduler, &freed, None, now)?;
        self.lending.ends(task, now);
        Ok(())
    }

    /// Resources are free again: offered ones that were refused for so long, used ones without such a time.
    fn recover(
        &mut self,
        framework: usize,
        freed: &Offer,
        refuse_seconds: Option<f64>,
        now: Instant,
    ) -> Result<(), Fault> {
        let Framework { name, role } = self.frameworks[framework].clone();
        let agent = self.agents[freed.agent].name.clone();
        let holding = self.kinds(freed).holding(freed.shape);
        let event = Event::RecoverResources {
            framework: &name,
            agent: &agent,
            resources: &[Allocated { role: Some(&role), resources: &holding }],
            refuse_seconds,
            allocated: refuse_seconds.is_none(),
        };
        self.apply(&event, now)
    }

    fn kinds(&self, offer: &Offer) -> Kinds {
        if offer.is_lent { self.lent } else { self.regular }
    }

    /// Whether a run is to be noted down; tells so once.
    pub(crate) fn take_wanted_cycle(&mut self) -> bool {
        std::mem::take(&mut self.wants_cycle)
    }

    /// Offers since this was asked last, each with its framework.
    pub(crate) fn take_offers(&mut self) -> Vec<(usize, Offer)> {
        std::mem::take(&mut self.offers)
    }

    /// Cpus of all agents together.
    pub(crate) fn all_cpus(&self) -> Amount {
        self.agent_has.cpus.times(u32::try_from(self.agents.len()).unwrap_or(u32::MAX))
    }

    /// How many frameworks are offered nothing lent for having lost too often.
    #[cfg(test)]
    pub(crate) fn backing_off(&self, now: Instant) -> usize {
        self.allocator.frameworks_backing_off(now)
    }

    /// How many events the allocator was told.
    pub(crate) fn events(&self) -> u64 {
        self.events
    }

    /// Derives every total of the allocator anew.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        Ok(self.allocator.check_all()?)
    }
}
