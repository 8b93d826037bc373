//! A cluster in words: sends events to an allocator, runs what it requests, and checks the books after each event.
//!
//! Several test programs share this folder; each uses a part of it.
#![allow(dead_code, unused_imports, reason = "no test program uses all of it")]

mod calls;
mod words;

use std::collections::BTreeMap;
use std::time::Duration;

use apportion_core::{
    AgentCapabilities, AgentInfo, Allocator, Effects, Event, FrameworkCapabilities, Holding, Instant,
    LendingPolicy, Minimum, Notice, Options, RoleNumbers, Unavailability, ValueType, Violation, Why,
};

pub(crate) use words::{amount, bytes, minimum, quota, told_amounts};

/// Everything an agent can handle.
pub(crate) const ABLE_AGENT: AgentCapabilities =
    AgentCapabilities { multi_role: true, hierarchical_role: true };

/// Everything a framework can handle.
pub(crate) const ABLE_FRAMEWORK: FrameworkCapabilities = FrameworkCapabilities {
    multi_role: true,
    gpu_resources: true,
    shared_resources: true,
    revocable_resources: true,
    reservation_refinement: true,
    region_aware: true,
};

/// An offer with names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Offered {
    pub(crate) framework: String,
    pub(crate) role: String,
    pub(crate) agent: String,
    pub(crate) resources: Holding,
    pub(crate) why: Why,
}

/// A framework as it subscribes: `Framework { active: false, ..Framework::new("f", &["r"]) }`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Framework<'a> {
    pub(crate) name: &'a str,
    pub(crate) roles: &'a [&'a str],
    pub(crate) suppressed: &'a [&'a str],
    pub(crate) capabilities: FrameworkCapabilities,
    /// Its own least offers by role.
    pub(crate) minimum: &'a [(&'a str, &'a [Minimum])],
    /// The agents its offer constraints exclude, by role.
    pub(crate) excluded: &'a [(&'a str, &'a [&'a str])],
    /// What it uses: agent, role, resources.
    pub(crate) used: &'a [(&'a str, &'a str, &'a str)],
    pub(crate) active: bool,
}

impl<'a> Framework<'a> {
    /// Active, able to handle everything, using nothing.
    pub(crate) fn new(name: &'a str, roles: &'a [&'a str]) -> Self {
        Self {
            name,
            roles,
            suppressed: &[],
            capabilities: ABLE_FRAMEWORK,
            minimum: &[],
            excluded: &[],
            used: &[],
            active: true,
        }
    }
}

/// An agent as it registers: `Agent { unavailability: Some(window(9)), ..Agent::new("a", "cpus:4") }`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Agent<'a> {
    pub(crate) name: &'a str,
    pub(crate) total: &'a str,
    /// What is in use of it: framework, role (empty: none), resources.
    pub(crate) used: &'a [(&'a str, &'a str, &'a str)],
    pub(crate) info: AgentInfo<'a>,
    pub(crate) capabilities: AgentCapabilities,
    pub(crate) unavailability: Option<Unavailability>,
}

impl<'a> Agent<'a> {
    /// Able to handle everything, on a host of its own name, nothing in use.
    pub(crate) fn new(name: &'a str, total: &'a str) -> Self {
        Self {
            name,
            total,
            used: &[],
            info: AgentInfo { hostname: name.as_bytes(), ..AgentInfo::default() },
            capabilities: ABLE_AGENT,
            unavailability: None,
        }
    }

    /// The same, able to end borrowers.
    pub(crate) fn that_reclaims(name: &'a str, total: &'a str) -> Self {
        let agent = Self::new(name, total);
        Self { info: AgentInfo { reclaims: true, ..agent.info }, ..agent }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Cluster {
    pub(crate) allocator: Allocator,
    pub(crate) now: Instant,
    /// Notices of the last event and the run it requested.
    pub(crate) notices: Vec<Notice>,
    /// Inverse offers of the last event and the run it requested, as `framework agent start`, sorted.
    pub(crate) inverse_offers: Vec<String>,
    /// Whether the books are checked after each event, which takes its time in a large cluster.
    pub(crate) checks: bool,
}

impl Cluster {
    /// A cluster whose allocator has default options: anything that is not empty is worth an offer.
    pub(crate) fn new() -> Self {
        Self::with(&Options::default())
    }

    /// A cluster whose allocator has the options that the master passes when nothing is configured: an offer has at
    /// least `cpus:0.01` or `mem:32`.
    pub(crate) fn of_master() -> Self {
        Self::with(&options_of_master())
    }

    /// A cluster that lends `cpus`, `mem` and `gpus` by these rules.
    pub(crate) fn that_lends(policy: LendingPolicy) -> Self {
        let mut cluster = Self::before_initialize();
        let kinds = ["cpus{REV}", "mem{REV}", "gpus{REV}"].map(|name| cluster.kind(name, ValueType::Scalar));
        let lending = LendingPolicy { resources: kinds.to_vec(), ..policy };
        let options = Options { lending, ..Options::default() };
        assert!(cluster.send(&Event::Initialize { options: &options }).is_empty());
        cluster
    }

    pub(crate) fn with(options: &Options) -> Self {
        let mut cluster = Self::before_initialize();
        assert!(cluster.send(&Event::Initialize { options }).is_empty());
        cluster
    }

    fn before_initialize() -> Self {
        Self {
            allocator: Allocator::new(),
            now: seconds(0.0),
            notices: Vec::new(),
            inverse_offers: Vec::new(),
            checks: true,
        }
    }

    /// Applies an event and the run it requests; checks the books after both.
    pub(crate) fn try_send(&mut self, event: &Event<'_>) -> Result<(Effects, Vec<Offered>), Violation> {
        let effects = self.try_apply(event)?;
        let mut offers = self.named(&effects);
        if effects.cycle_requested {
            let (notices, inverse_offers) = (self.notices.clone(), self.inverse_offers.clone());
            let run = self.try_apply(&Event::Cycle)?;
            self.notices.splice(0..0, notices);
            self.inverse_offers.splice(0..0, inverse_offers);
            offers.extend(self.named(&run));
        }
        Ok((effects, offers))
    }

    pub(crate) fn send(&mut self, event: &Event<'_>) -> Vec<Offered> {
        match self.try_send(event) {
            Ok((_, offers)) => offers,
            Err(violation) => panic!("{}: {violation}", event.name()),
        }
    }

    /// Applies an event and leaves the run it requests to the caller; checks the books.
    pub(crate) fn apply(&mut self, event: &Event<'_>) -> Effects {
        match self.try_apply(event) {
            Ok(effects) => effects,
            Err(violation) => panic!("{}: {violation}", event.name()),
        }
    }

    fn try_apply(&mut self, event: &Event<'_>) -> Result<Effects, Violation> {
        let applied = self.allocator.apply(event, self.now);
        // What was refused must not have changed anything either.
        if self.checks {
            self.allocator.check_all()?;
        }
        let effects = applied?;
        self.notices = effects.notices.clone();
        let inverse_offers = effects.inverse_offers.iter().map(|offer| {
            let framework = text(self.allocator.framework_name(offer.framework).unwrap());
            let agent = text(self.allocator.agent_name(offer.agent).unwrap());
            format!("{framework} {agent} {}", offer.unavailability.start_nanos)
        });
        self.inverse_offers = inverse_offers.collect();
        self.inverse_offers.sort();
        Ok(effects)
    }

    /// The offers among effects, with names.
    pub(crate) fn named(&self, effects: &Effects) -> Vec<Offered> {
        let offers = effects.offers.iter().map(|offer| Offered {
            framework: text(self.allocator.framework_name(offer.framework).unwrap()),
            role: text(self.allocator.role_name(offer.role)),
            agent: text(self.allocator.agent_name(offer.agent).unwrap()),
            resources: offer.resources.clone(),
            why: offer.why,
        });
        offers.collect()
    }

    /// One batch run, the clock as it is.
    pub(crate) fn tick(&mut self) -> Vec<Offered> {
        self.send(&Event::Tick)
    }

    /// The clock goes to a time in seconds, then one batch run.
    pub(crate) fn tick_at(&mut self, at: f64) -> Vec<Offered> {
        self.now = seconds(at);
        self.tick()
    }

    /// What is available on an agent, in words.
    pub(crate) fn available(&self, agent: &str) -> String {
        self.allocator.describe(self.allocator.available(agent.as_bytes()).unwrap()).to_string()
    }

    /// What an agent has, in words.
    pub(crate) fn total(&self, agent: &str) -> String {
        self.allocator.describe(self.allocator.total(agent.as_bytes()).unwrap()).to_string()
    }

    /// How many runs there were.
    pub(crate) fn runs(&self) -> u64 {
        self.allocator.runs()
    }

    /// The numbers of a role; those of nothing if its name was never seen.
    pub(crate) fn numbers(&self, role: &str) -> RoleNumbers {
        let role = self.allocator.find_role(role.as_bytes());
        role.map(|role| self.allocator.role_numbers(role)).unwrap_or_default()
    }

    /// Whether there is anything to a role.
    pub(crate) fn has_role(&self, role: &str) -> bool {
        self.numbers(role).active_filters.is_some()
    }

    /// The answers to inverse offers as `agent framework=status`.
    pub(crate) fn statuses(&mut self) -> Vec<String> {
        let effects = self.apply(&Event::GetInverseOfferStatuses);
        let agents = effects.inverse_offer_statuses.unwrap();
        let told = agents.iter().map(|of| {
            let mut line = text(&of.agent);
            for answer in &of.statuses {
                line += &format!(" {}={}", text(&answer.framework), text(&answer.status));
            }
            line
        });
        told.collect()
    }

    pub(crate) fn describe(&self, offer: &Offered) -> String {
        let resources = self.allocator.describe(&offer.resources);
        format!("{} {} {} {resources}", offer.framework, offer.role, offer.agent)
    }

    /// Offers as `framework role agent resources`, sorted.
    pub(crate) fn told(&self, offers: &[Offered]) -> Vec<String> {
        let mut told: Vec<String> = offers.iter().map(|offer| self.describe(offer)).collect();
        told.sort();
        told
    }

    /// Whose turn it is for what is free on an agent: in a copy of the cluster only this agent is offered, and each
    /// framework refuses what it is offered for long, until nobody is left. Told is the first offer of each run.
    pub(crate) fn turns_on(&self, agent: &str) -> Vec<Offered> {
        let mut copy = self.clone();
        copy.send(&Event::UpdateWhitelist { hostnames: Some(&[agent.as_bytes()]) });
        let mut turns = Vec::new();
        loop {
            let offers = copy.tick();
            let Some(first) = offers.first() else { return turns };
            for offer in &offers {
                copy.decline(offer, 1e6);
            }
            turns.push(first.clone());
        }
    }

    /// The frameworks of [`Cluster::turns_on`].
    pub(crate) fn order_on(&self, agent: &str) -> Vec<String> {
        self.turns_on(agent).into_iter().map(|offer| offer.framework).collect()
    }
}

/// What the master passes when nothing is configured.
pub(crate) fn options_of_master() -> Options {
    let min_allocatable = vec![minimum(&[("cpus", 0.01)]), minimum(&[("mem", 32.0)])];
    Options { min_allocatable, ..Options::default() }
}

/// A maintenance window without end.
pub(crate) fn window(start_nanos: i64) -> Unavailability {
    Unavailability { start_nanos, duration_nanos: None }
}

pub(crate) fn text(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

pub(crate) fn seconds(seconds: f64) -> Instant {
    Instant::default().after(Duration::from_secs_f64(seconds))
}

/// How many offers each role got.
pub(crate) fn count_by_role(offers: &[Offered]) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for offer in offers {
        *counts.entry(&*offer.role).or_default() += 1;
    }
    counts
}
