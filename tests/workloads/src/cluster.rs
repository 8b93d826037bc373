//! A cluster: an allocator with agents and frameworks in it, and its clock.

use std::time::Duration;

use apportion_core::{
    AgentCapabilities, AgentInfo, Allocated, Allocator, Effects, Event, FrameworkCapabilities, FrameworkInfo,
    Holding, Instant, Offer, Options, UsedByFramework,
};

use crate::shape::{Kinds, Shape, agent_id, framework_id};

/// Everything a framework can say it handles, but GPUs.
pub const FRAMEWORK_CAPABILITIES: FrameworkCapabilities = FrameworkCapabilities {
    multi_role: true,
    gpu_resources: false,
    shared_resources: true,
    revocable_resources: false,
    reservation_refinement: true,
    region_aware: true,
};

/// Everything an agent can say it handles.
pub const AGENT_CAPABILITIES: AgentCapabilities =
    AgentCapabilities { multi_role: true, hierarchical_role: true };

/// Something that is held, with the names by which a host speaks of it.
#[derive(Debug, Clone)]
pub struct Held {
    /// By whom.
    pub framework: Vec<u8>,
    /// In which role.
    pub role: Vec<u8>,
    /// Where.
    pub agent: Vec<u8>,
    /// What.
    pub resources: Holding,
}

/// An allocator with agents and frameworks in it.
///
/// Agents and frameworks are numbered as they were added, from 0; names and resources follow from [`Shape`]. Time stands
/// still but for [`Cluster::tick`] and [`Cluster::wait`]. Every event must be accepted: a refused one ends the program.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// The allocator.
    pub allocator: Allocator,
    /// Its clock.
    pub now: Instant,
    /// What the cluster is like.
    pub shape: Shape,
    /// The kinds of resources of its agents.
    pub kinds: Kinds,
    agents: usize,
    frameworks: usize,
}

impl Cluster {
    /// An initialised allocator with nobody in it. Weights are set if the shape says so.
    #[must_use]
    pub fn empty(shape: Shape) -> Self {
        let options = Options { order: shape.order, seed: shape.seed, ..Options::default() };
        Self::with_options(shape, &options)
    }

    /// The same with options of your own; order and seed of the shape are not looked at.
    #[must_use]
    pub fn with_options(shape: Shape, options: &Options) -> Self {
        let mut allocator = Allocator::new();
        let kinds = Kinds::intern(&mut allocator, &shape);
        let now = Instant::from_nanos(1_000_000_000_000);
        let mut cluster = Self { allocator, now, shape, kinds, agents: 0, frameworks: 0 };
        cluster.send(&Event::Initialize { options });
        if cluster.shape.weights {
            let roles: Vec<Vec<u8>> =
                (0..cluster.shape.size.roles).map(|role| cluster.shape.role(role)).collect();
            let weights: Vec<(&[u8], f64)> =
                roles.iter().map(Vec::as_slice).zip([1.0, 2.0, 3.0, 4.0, 5.0].into_iter().cycle()).collect();
            cluster.send(&Event::UpdateWeights { weights: &weights });
        }
        cluster
    }

    /// All frameworks and all agents of the shape are in; no run has happened yet.
    #[must_use]
    pub fn full(shape: Shape) -> Self {
        let mut cluster = Self::empty(shape);
        cluster.add_frameworks(cluster.shape.size.frameworks);
        cluster.add_agents(cluster.shape.size.agents);
        cluster
    }

    /// The same after a run: everything is offered. Gives what is.
    #[must_use]
    pub fn offered(shape: Shape) -> (Self, Vec<Held>) {
        let mut cluster = Self::full(shape);
        let offers = cluster.tick();
        let held = cluster.held(&offers.offers);
        (cluster, held)
    }

    /// How many agents were added.
    #[must_use]
    pub fn agents(&self) -> usize {
        self.agents
    }

    /// How many frameworks were added.
    #[must_use]
    pub fn frameworks(&self) -> usize {
        self.frameworks
    }

    /// Applies an event.
    ///
    /// # Panics
    ///
    /// If the allocator refuses it.
    pub fn send(&mut self, event: &Event<'_>) -> Effects {
        match self.allocator.apply(event, self.now) {
            Ok(effects) => effects,
            Err(violation) => panic!("{}: {violation}", event.name()),
        }
    }

    /// The run that was requested.
    pub fn cycle(&mut self) -> Effects {
        self.send(&Event::Cycle)
    }

    /// Lets time pass; no event tells the allocator.
    pub fn wait(&mut self, time: Duration) {
        self.now = self.now.after(time);
    }

    /// The allocation interval passes: one second later, a run over all agents.
    pub fn tick(&mut self) -> Effects {
        self.wait(Duration::from_secs(1));
        self.send(&Event::Tick);
        self.cycle()
    }

    /// Adds so many frameworks, active, without a run.
    pub fn add_frameworks(&mut self, count: usize) {
        for _ in 0..count {
            let framework = framework_id(self.frameworks);
            let role = self.shape.role(self.shape.role_of(self.frameworks));
            self.add_framework(&framework, &role, false);
        }
    }

    /// Adds a framework in one role, active, without a run; with `suppressed` it wants no offers.
    pub fn add_framework(&mut self, framework: &[u8], role: &[u8], suppressed: bool) {
        let roles = [role];
        let info = FrameworkInfo {
            roles: &roles,
            suppressed: if suppressed { &roles } else { &[] },
            capabilities: FRAMEWORK_CAPABILITIES,
            ..FrameworkInfo::default()
        };
        self.send(&Event::AddFramework { framework, info, used: &[], active: true });
        self.frameworks += 1;
    }

    /// Adds so many agents, without a run.
    pub fn add_agents(&mut self, count: usize) {
        for _ in 0..count {
            let agent = agent_id(self.agents);
            let total = self.kinds.total(&self.shape, self.agents);
            self.add_agent(&agent, &total);
        }
    }

    /// Adds an agent, without a run. The host is called as the agent is.
    pub fn add_agent(&mut self, agent: &[u8], total: &Holding) {
        self.send(&Event::AddAgent {
            agent,
            info: AgentInfo { hostname: agent, ..AgentInfo::default() },
            capabilities: AGENT_CAPABILITIES,
            unavailability: None,
            total,
            used: &[],
        });
        self.agents += 1;
    }

    /// Adds an agent that has what all the shares make, without a run. The first share is free; each further one is used
    /// by the framework of that number, in its role.
    pub fn add_agent_in_use(&mut self, agent: &[u8], shares: &[Holding]) {
        let mut total = Holding::default();
        shares.iter().for_each(|share| total.add(share));
        let users: Vec<(Vec<u8>, Vec<u8>)> = (1..shares.len())
            .map(|number| (framework_id(number), self.shape.role(self.shape.role_of(number))))
            .collect();
        let groups: Vec<[Allocated<'_>; 1]> = users
            .iter()
            .zip(shares.iter().skip(1))
            .map(|((_, role), resources)| [Allocated { role: Some(role), resources }])
            .collect();
        let used: Vec<UsedByFramework<'_>> = users
            .iter()
            .zip(&groups)
            .map(|((framework, _), used)| UsedByFramework { framework, used })
            .collect();
        self.send(&Event::AddAgent {
            agent,
            info: AgentInfo { hostname: agent, ..AgentInfo::default() },
            capabilities: AGENT_CAPABILITIES,
            unavailability: None,
            total: &total,
            used: &used,
        });
        self.agents += 1;
    }

    /// Offers with their names, and with lists of resources of their own: a master sends back bytes.
    ///
    /// # Panics
    ///
    /// If a framework or agent of them is gone.
    #[must_use]
    pub fn held(&self, offers: &[Offer]) -> Vec<Held> {
        let held = offers.iter().map(|offer| Held {
            framework: self
                .allocator
                .framework_name(offer.framework)
                .expect("a framework that is known")
                .into(),
            role: self.allocator.role_name(offer.role).into(),
            agent: self.allocator.agent_name(offer.agent).expect("an agent that is known").into(),
            resources: offer.resources.items().iter().cloned().collect(),
        });
        held.collect()
    }

    /// What was offered comes back, one call for each; refused for so many seconds, if that is said.
    pub fn decline(&mut self, held: &[Held], refuse_seconds: Option<f64>) {
        self.recover(held, refuse_seconds, false);
    }

    /// What was launched on offers is in use.
    pub fn launch(&mut self, held: &[Held]) {
        for Held { agent, role, resources, .. } in held {
            let resources = [Allocated { role: Some(role), resources }];
            self.send(&Event::TransitionOfferedToAllocated { agent, resources: &resources });
        }
    }

    /// Tasks end: what they used comes back.
    pub fn finish(&mut self, held: &[Held]) {
        self.recover(held, None, true);
    }

    fn recover(&mut self, held: &[Held], refuse_seconds: Option<f64>, allocated: bool) {
        for Held { framework, role, agent, resources } in held {
            let resources = [Allocated { role: Some(role), resources }];
            self.send(&Event::RecoverResources {
                framework,
                agent,
                resources: &resources,
                refuse_seconds,
                allocated,
            });
        }
    }

    /// Every framework is offered every agent and refuses it for long, until nobody wants anything any more.
    ///
    /// Ends with a run that finds nothing; what is held is held on. Costs a filter for each framework and agent.
    pub fn refuse_everything(&mut self) {
        loop {
            let offers = self.tick().offers;
            if offers.is_empty() {
                return;
            }
            let held = self.held(&offers);
            self.decline(&held, Some(LONG));
        }
    }

    /// A framework, counted from 0, takes its refusals back. No run.
    pub fn revive(&mut self, framework: usize) {
        self.send(&Event::ReviveOffers { framework: &framework_id(framework), roles: &[] });
    }
}

/// A refusal for long: a week, in seconds.
pub const LONG: f64 = 604_800.0;
