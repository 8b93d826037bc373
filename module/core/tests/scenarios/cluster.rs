//! A cluster in words: sends events to an allocator, runs what it requests, and checks the books after each event.

use std::collections::BTreeMap;
use std::time::Duration;

use apportion_core::{
    AgentCapabilities, AgentInfo, Allocated, Allocator, Amount, Effects, Event, FrameworkCapabilities,
    FrameworkInfo, Holding, Instant, Item, ItemSet, Kind, KindId, Minimum, Notice, Options, Ranges,
    Reservation, UsedByFramework, UsedOnAgent, Value, ValueType, Violation,
};

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
    pub(crate) why: String,
}

pub(crate) struct Cluster {
    pub(crate) allocator: Allocator,
    pub(crate) now: Instant,
    /// Notices of the last event and the run it requested.
    pub(crate) notices: Vec<Notice>,
}

impl Cluster {
    /// A cluster whose allocator ran with default options.
    pub(crate) fn new() -> Self {
        Self::with(&Options::default())
    }

    pub(crate) fn with(options: &Options) -> Self {
        let mut cluster = Self { allocator: Allocator::new(), now: seconds(0.0), notices: Vec::new() };
        assert!(cluster.send(&Event::Initialize { options }).is_empty());
        cluster
    }

    /// Applies an event and the run it requests; checks the books after both.
    pub(crate) fn try_send(&mut self, event: &Event<'_>) -> Result<(Effects, Vec<Offered>), Violation> {
        let effects = self.allocator.apply(event, self.now)?;
        self.allocator.check_all()?;
        self.notices = effects.notices.clone();
        let mut offers = self.named(&effects);
        if effects.cycle_requested {
            let run = self.allocator.apply(&Event::Cycle, self.now)?;
            self.allocator.check_all()?;
            self.notices.extend(run.notices.clone());
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

    fn named(&self, effects: &Effects) -> Vec<Offered> {
        let text = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
        let offers = effects.offers.iter().map(|offer| Offered {
            framework: text(self.allocator.framework_name(offer.framework).unwrap()),
            role: text(self.allocator.role_name(offer.role)),
            agent: text(self.allocator.agent_name(offer.agent).unwrap()),
            resources: offer.resources.clone(),
            why: offer.why.to_string(),
        });
        offers.collect()
    }

    /// Interns a kind written as `name`, `name(role,role)`, with `{REV}` or `{SHARED:id}` or `{VOLUME:id}` behind.
    pub(crate) fn kind(&mut self, text: &str, value_type: ValueType) -> KindId {
        let (plain, flag) = text.split_once('{').unwrap_or((text, ""));
        let (name, stack) = plain.split_once('(').unwrap_or((plain, ""));
        let roles = stack.trim_end_matches(')').split(',').filter(|role| !role.is_empty());
        let volume = flag.trim_end_matches('}').split_once(':').map(|(_, id)| id.as_bytes().into());
        let kind = Kind {
            value_type,
            reservations: roles.map(|r| Reservation { role: r.as_bytes().into(), dynamic: true }).collect(),
            revocable: flag.starts_with("REV"),
            shared: flag.starts_with("SHARED"),
            divisible: volume.is_none(),
            volume,
            identity: text.as_bytes().into(),
            ..Kind::scalar(name.as_bytes())
        };
        self.allocator.intern_kind(kind).unwrap()
    }

    /// Resources written as `cpus:4;mem(web):512;ports:[1-5];disk(web){SHARED:v}:10`.
    pub(crate) fn resources(&mut self, text: &str) -> Holding {
        let mut holding = Holding::default();
        for part in text.split(';').filter(|part| !part.is_empty()) {
            let (kind, value) = part.rsplit_once(':').unwrap();
            let inner = value.trim_matches(['[', ']', '{', '}']);
            let value = match value.as_bytes()[0] {
                b'[' => Value::Ranges(Ranges::new(inner.split(',').map(|range| {
                    let (begin, end) = range.split_once('-').unwrap();
                    (begin.parse().unwrap(), end.parse().unwrap())
                }))),
                b'{' => Value::Set(ItemSet::new(inner.split(',').map(|item| item.as_bytes().into()))),
                _ => Value::Scalar(Amount::from_f64(value.parse().unwrap()).unwrap()),
            };
            let kind = self.kind(kind, value.value_type());
            holding.add_item(&Item::new(kind, value));
        }
        holding
    }

    pub(crate) fn add_framework(&mut self, name: &str, roles: &[&str]) -> Vec<Offered> {
        self.add_framework_with(name, roles, ABLE_FRAMEWORK)
    }

    pub(crate) fn add_framework_with(
        &mut self,
        name: &str,
        roles: &[&str],
        capabilities: FrameworkCapabilities,
    ) -> Vec<Offered> {
        let roles = bytes(roles);
        let info = FrameworkInfo { roles: &roles, capabilities, ..FrameworkInfo::default() };
        self.send(&Event::AddFramework { framework: name.as_bytes(), info, used: &[], active: true })
    }

    /// Adds a framework that used (agent, role, resources) before a failover, inactive as the master does.
    pub(crate) fn add_framework_using(&mut self, name: &str, roles: &[&str], used: &[(&str, &str, &str)]) {
        let roles = bytes(roles);
        let parts: Vec<(&str, &str, Holding)> =
            used.iter().map(|(agent, role, text)| (*agent, *role, self.resources(text))).collect();
        let groups: Vec<[Allocated<'_>; 1]> = parts
            .iter()
            .map(|(_, role, resources)| [Allocated { role: Some(role.as_bytes()), resources }])
            .collect();
        let used: Vec<UsedOnAgent<'_>> =
            parts.iter().zip(&groups).map(|(p, used)| UsedOnAgent { agent: p.0.as_bytes(), used }).collect();
        let info = FrameworkInfo { roles: &roles, capabilities: ABLE_FRAMEWORK, ..FrameworkInfo::default() };
        self.send(&Event::AddFramework { framework: name.as_bytes(), info, used: &used, active: false });
    }

    pub(crate) fn add_agent(&mut self, name: &str, total: &str) -> Vec<Offered> {
        self.add_agent_using(name, total, &[])
    }

    /// Adds an agent with (framework, role, resources) in use.
    pub(crate) fn add_agent_using(
        &mut self,
        name: &str,
        total: &str,
        used: &[(&str, &str, &str)],
    ) -> Vec<Offered> {
        let info = AgentInfo { hostname: name.as_bytes(), ..AgentInfo::default() };
        self.add_agent_with(name, total, used, info, ABLE_AGENT)
    }

    pub(crate) fn add_agent_with(
        &mut self,
        name: &str,
        total: &str,
        used: &[(&str, &str, &str)],
        info: AgentInfo<'_>,
        capabilities: AgentCapabilities,
    ) -> Vec<Offered> {
        let total = self.resources(total);
        let parts: Vec<(&str, &str, Holding)> =
            used.iter().map(|(framework, role, text)| (*framework, *role, self.resources(text))).collect();
        let groups: Vec<[Allocated<'_>; 1]> = parts
            .iter()
            .map(|(_, role, resources)| {
                [Allocated { role: (!role.is_empty()).then_some(role.as_bytes()), resources }]
            })
            .collect();
        let used: Vec<UsedByFramework<'_>> = parts
            .iter()
            .zip(&groups)
            .map(|(part, used)| UsedByFramework { framework: part.0.as_bytes(), used })
            .collect();
        self.send(&Event::AddAgent {
            agent: name.as_bytes(),
            info,
            capabilities,
            unavailability: None,
            total: &total,
            used: &used,
        })
    }

    pub(crate) fn remove_agent(&mut self, name: &str) {
        assert!(self.send(&Event::RemoveAgent { agent: name.as_bytes() }).is_empty());
    }

    pub(crate) fn remove_framework(&mut self, name: &str) {
        assert!(self.send(&Event::RemoveFramework { framework: name.as_bytes() }).is_empty());
    }

    pub(crate) fn set_weights(&mut self, weights: &[(&str, f64)]) {
        let weights: Vec<(&[u8], f64)> =
            weights.iter().map(|(role, weight)| (role.as_bytes(), *weight)).collect();
        self.send(&Event::UpdateWeights { weights: &weights });
    }

    /// Gives resources back; `refuse` as the framework says it.
    pub(crate) fn recover(
        &mut self,
        offer: &Offered,
        resources: &Holding,
        refuse: Option<f64>,
        allocated: bool,
    ) {
        let group = [Allocated { role: Some(offer.role.as_bytes()), resources }];
        let offers = self.send(&Event::RecoverResources {
            framework: offer.framework.as_bytes(),
            agent: offer.agent.as_bytes(),
            resources: &group,
            refuse_seconds: refuse,
            allocated,
        });
        assert!(offers.is_empty(), "recovering requests no run");
    }

    pub(crate) fn decline(&mut self, offer: &Offered, refuse: f64) {
        self.recover(offer, &offer.resources, Some(refuse), false);
    }

    /// Launches with part of an offer and declines the rest without filter.
    pub(crate) fn accept(&mut self, offer: &Offered, used: &str) {
        let used = self.resources(used);
        let mut rest = offer.resources.clone();
        rest.subtract(&used);
        self.recover(offer, &rest, None, false);
        let group = [Allocated { role: Some(offer.role.as_bytes()), resources: &used }];
        self.send(&Event::TransitionOfferedToAllocated { agent: offer.agent.as_bytes(), resources: &group });
    }

    pub(crate) fn revive(&mut self, framework: &str, roles: &[&str]) -> Vec<Offered> {
        self.send(&Event::ReviveOffers { framework: framework.as_bytes(), roles: &bytes(roles) })
    }

    pub(crate) fn suppress(&mut self, framework: &str, roles: &[&str]) {
        let offers =
            self.send(&Event::SuppressOffers { framework: framework.as_bytes(), roles: &bytes(roles) });
        assert!(offers.is_empty());
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
}

pub(crate) fn seconds(seconds: f64) -> Instant {
    Instant::default().after(Duration::from_secs_f64(seconds))
}

pub(crate) fn bytes<'a>(names: &[&'a str]) -> Vec<&'a [u8]> {
    names.iter().map(|name| name.as_bytes()).collect()
}

/// One alternative of a least offer.
pub(crate) fn minimum(amounts: &[(&str, f64)]) -> Minimum {
    let amount = |value| Amount::from_f64(value).unwrap();
    Minimum {
        amounts: amounts.iter().map(|(name, value)| (name.as_bytes().into(), amount(*value))).collect(),
    }
}

/// How many offers each role got.
pub(crate) fn count_by_role(offers: &[Offered]) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for offer in offers {
        *counts.entry(&*offer.role).or_default() += 1;
    }
    counts
}
