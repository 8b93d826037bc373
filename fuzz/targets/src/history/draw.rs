//! What happens next, drawn from an input.
//!
//! Half of what is drawn is about resources that somebody really holds, so that histories get anywhere; the other half
//! is about anything.

mod lending;

use std::collections::BTreeMap;
use std::time::Duration;

use apportion_core::{
    AgentCapabilities, AgentInfo, Allocated, Amount, Conversion, Event, ExcludedAgents, ExcludedFrom,
    FrameworkCapabilities, FrameworkInfo, Holding, Item, ItemSet, LendingPolicy, Minimum, MinimumForRole,
    Options, Order, Quota, Ranges, Unavailability, UsedByFramework, UsedOnAgent, Value, ValueType,
};

use super::universe::{AGENTS, FRAMEWORKS, Known, NAMES, ROLES, Universe};
use super::{Ended, World};
use crate::entropy::Entropy;

/// Thousandths of scalars: mostly little, sometimes what is not there, or as much as there can be.
const AMOUNTS: [i64; 12] =
    [1000, 2000, 4000, 500, 1, 999, 10_000, 100_000, 0, -1000, Amount::MAX.in_thousandths(), 1500];
/// Sizes of disks that come whole.
const SIZES: [i64; 3] = [10_000, 20_000, 10_000];
/// Seconds that frameworks refuse for.
const REFUSALS: [f64; 10] = [0.0, 1.0, 5.0, 60.0, -1.0, f64::NAN, f64::INFINITY, 1e300, 0.001, 31_536_001.0];
/// Weights of roles.
const WEIGHTS: [f64; 9] = [1.0, 2.0, 0.5, 1e-9, 1e12, 0.0, -1.0, f64::NAN, f64::INFINITY];

/// Resources of a holder.
#[derive(Debug)]
struct Piece {
    agent: Box<[u8]>,
    framework: Box<[u8]>,
    role: Option<Box<[u8]>>,
    resources: Holding,
}

impl Piece {
    fn group(&self) -> Allocated<'_> {
        Allocated { role: self.role.as_deref(), resources: &self.resources }
    }
}

/// What the master decides.
pub(super) fn options(entropy: &mut Entropy<'_>, universe: &Universe) -> Options {
    let flags = entropy.byte();
    let flag = |bit: u8| flags & (1 << bit) != 0;
    Options {
        allocation_interval: Duration::from_millis(entropy.pick(&[1000, 1, 0, 60_000])),
        fairness_excluded: if flag(0) { vec![b"gpus".as_slice().into()] } else { Vec::new() },
        filter_gpu_resources: flag(1),
        region: flag(2).then(|| b"r1".as_slice().into()),
        min_allocatable: if flag(3) { minimums(entropy) } else { Vec::new() },
        recovery_timeout: Duration::from_secs(entropy.pick(&[600, 1, 0])),
        agent_recovery_factor: entropy.pick(&[0.8, 1.0, 0.0, f64::NAN, -1.0, 1e300]),
        order: if flag(4) { Order::Random } else { Order::DominantShare },
        seed: u64::from(entropy.byte()),
        lending: if flag(5) { lending::policy(entropy, universe) } else { LendingPolicy::default() },
    }
}

fn minimums(entropy: &mut Entropy<'_>) -> Vec<Minimum> {
    (0..entropy.below(3)).map(|_| Minimum { amounts: amounts(entropy, 3) }).collect()
}

fn amounts(entropy: &mut Entropy<'_>, most: usize) -> Vec<(Box<[u8]>, Amount)> {
    let amounts = 0..entropy.below(most);
    amounts.map(|_| (entropy.pick(&NAMES).into(), Amount::thousandths(entropy.pick(&AMOUNTS)))).collect()
}

fn quota(entropy: &mut Entropy<'_>) -> Quota {
    // A name stands once, as in the map that quotas come from.
    let map = |amounts: Vec<_>| amounts.into_iter().collect::<BTreeMap<_, _>>().into_iter().collect();
    Quota { guarantees: map(amounts(entropy, 4)), limits: map(amounts(entropy, 4)) }
}

fn value(entropy: &mut Entropy<'_>, kind: &Known) -> Value {
    match kind.value_type {
        ValueType::Scalar if kind.id.is_whole() => Value::Scalar(Amount::thousandths(entropy.pick(&SIZES))),
        ValueType::Scalar => Value::Scalar(Amount::thousandths(entropy.pick(&AMOUNTS))),
        ValueType::Ranges => {
            let begin = u64::from(entropy.byte() & 0x0f);
            let end = if entropy.rarely() { u64::MAX } else { begin + u64::from(entropy.byte() & 0x07) };
            Value::Ranges(Ranges::new([(begin, end)]))
        }
        ValueType::Set => {
            let items = entropy.byte();
            let each =
                (0..4_u8).filter(|bit| items & (1 << bit) != 0).map(|bit| Box::from([b'p' + bit].as_slice()));
            Value::Set(ItemSet::new(each))
        }
    }
}

fn resources(entropy: &mut Entropy<'_>, universe: &Universe) -> Holding {
    let mut holding = Holding::default();
    for _ in 0..=entropy.below(6) {
        let kind = &universe.kinds()[entropy.below(universe.kinds().len())];
        let copies = if kind.id.is_whole() { 1 + u32::from(entropy.byte() & 1) } else { 1 };
        holding.add_item(&Item { kind: kind.id, value: value(entropy, kind), copies });
    }
    holding
}

/// Some of the resources: of each item nothing, all, one copy, or half.
fn part(entropy: &mut Entropy<'_>, of: &Holding) -> Holding {
    let mut part = Holding::default();
    for item in of.items() {
        let mut item = item.clone();
        match (entropy.byte() & 3, &item.value) {
            (0, _) => continue,
            (1, Value::Scalar(amount)) if !item.kind.is_whole() => {
                item.value = Value::Scalar(Amount::thousandths(amount.in_thousandths() / 2));
            }
            (1, _) if item.kind.is_whole() => item.copies = 1,
            (1, Value::Ranges(ranges)) => {
                item.value = Value::Ranges(Ranges::new(ranges.pairs().first().map(|pair| (pair.0, pair.0))));
            }
            _ => {}
        }
        part.add_item(&item);
    }
    part
}

fn framework_capabilities(entropy: &mut Entropy<'_>) -> FrameworkCapabilities {
    let missing = entropy.byte();
    let has = |bit: u8| missing & (1 << bit) == 0;
    FrameworkCapabilities {
        multi_role: has(0),
        gpu_resources: has(1),
        shared_resources: has(2),
        revocable_resources: has(3),
        reservation_refinement: has(4),
        region_aware: has(5),
    }
}

fn agent_capabilities(entropy: &mut Entropy<'_>) -> AgentCapabilities {
    AgentCapabilities { multi_role: entropy.mostly(), hierarchical_role: entropy.mostly() }
}

fn roles(entropy: &mut Entropy<'_>, most: usize) -> Vec<&'static [u8]> {
    (0..entropy.below(most + 1)).map(|_| entropy.pick(&ROLES)).collect()
}

fn unavailability(entropy: &mut Entropy<'_>) -> Option<Unavailability> {
    let start_nanos = entropy.pick(&[0, 5_000_000_000, i64::MAX, i64::MIN]);
    let duration_nanos = entropy.flag().then(|| entropy.pick(&[0, 1_000_000_000, i64::MAX, -1]));
    entropy.flag().then_some(Unavailability { start_nanos, duration_nanos })
}

fn refusal(entropy: &mut Entropy<'_>) -> Option<f64> {
    let seconds = entropy.pick(&REFUSALS);
    entropy.flag().then_some(seconds)
}

/// What an agent registers with; its exclusions come from the caller, who keeps them.
fn agent_info<'a>(
    entropy: &mut Entropy<'_>,
    universe: &Universe,
    excluded_from: &'a [ExcludedFrom<'a>],
) -> AgentInfo<'a> {
    AgentInfo {
        hostname: entropy.pick(&[b"h1", b"h2"]),
        attributes: entropy.pick(&[b"", b"rack"]),
        region: entropy.pick(&[None, Some(b"r1".as_slice()), Some(b"r2")]),
        other: entropy.pick(&[b"", b"more"]),
        reclaims: universe.lends && entropy.below(4) != 3,
        excluded_from,
    }
}

fn exclusions(entropy: &mut Entropy<'_>) -> Vec<ExcludedFrom<'static>> {
    let count = entropy.below(8).saturating_sub(5);
    (0..count)
        .map(|_| ExcludedFrom { framework: entropy.pick(&FRAMEWORKS), role: entropy.pick(&ROLES) })
        .collect()
}

/// A change of resources that somebody has, as operations make them, or of anything.
fn conversion(entropy: &mut Entropy<'_>, of: &Holding, universe: &Universe) -> Conversion {
    let mut conversion = any_conversion(entropy, of, universe);
    if universe.lends {
        // Who lends is the only one to make what can be taken back.
        (conversion.converted, _) = universe.split(&conversion.converted);
    }
    conversion
}

fn any_conversion(entropy: &mut Entropy<'_>, of: &Holding, universe: &Universe) -> Conversion {
    let consumed = if entropy.mostly() { part(entropy, of) } else { resources(entropy, universe) };
    match entropy.below(8) {
        // Further copies of shared volumes.
        0 => Conversion { converted: universe.shared(of), ..Conversion::default() },
        // What vanishes.
        1 => Conversion { consumed, ..Conversion::default() },
        2 => Conversion { consumed, converted: resources(entropy, universe), ..Conversion::default() },
        // Whatever is there gets another reservation, or becomes a volume, in the same amounts.
        choice => {
            let mut converted = Holding::default();
            for item in consumed.items() {
                let from = universe.of(item);
                let alike = |kind: &&Known| kind.name == from.name && kind.value_type == from.value_type;
                let alike: Vec<&Known> = universe.kinds().iter().filter(alike).collect();
                let into = alike[entropy.below(alike.len())];
                let copies = if into.id.is_whole() { item.copies } else { 1 };
                converted.add_item(&Item { kind: into.id, value: item.value.clone(), copies });
            }
            let leaves_none_of = if choice == 3 { consumed.clone() } else { Holding::default() };
            Conversion { consumed, converted, leaves_none_of }
        }
    }
}

impl World {
    /// One event.
    pub(super) fn step(&mut self, entropy: &mut Entropy<'_>) -> Result<(), Ended> {
        // More choices where something is lent: most of them about that, and few that can end the history.
        match entropy.below(if self.universe.lends { 96 } else { 32 }) {
            0..=2 | 32..=39 => self.add_agent(entropy),
            3 => self.add_resource_provider(entropy),
            4..=5 => self.about_agent(entropy),
            6 => self.update_agent(entropy),
            7..=9 | 40..=47 => self.add_framework(entropy),
            10..=11 => self.about_framework(entropy),
            12 => self.update_framework(entropy),
            13..=16 => self.recover_resources(entropy),
            17..=21 if self.universe.lends && entropy.below(4) != 3 => self.about_loans(entropy),
            17..=18 => self.transition(entropy),
            19..=21 => self.update_allocation(entropy),
            22 => self.update_available(entropy),
            23..=24 => self.about_roles(entropy),
            25 => self.about_maintenance(entropy),
            26..=27 => self.suppress_or_revive(entropy),
            28 => self.about_runs(entropy),
            48..=79 => self.about_loans(entropy),
            _ => self.pass_time(entropy),
        }
    }

    /// Resources that somebody holds or claims to hold.
    fn piece(&self, entropy: &mut Entropy<'_>) -> Piece {
        let held: Vec<_> = self.books.held().collect();
        if held.is_empty() || entropy.rarely() {
            return Piece {
                agent: entropy.pick(&AGENTS).into(),
                framework: entropy.pick(&FRAMEWORKS).into(),
                role: entropy.mostly().then(|| entropy.pick(&ROLES).into()),
                resources: resources(entropy, &self.universe),
            };
        }
        let ((agent, framework, role), all) = held[entropy.below(held.len().min(256))];
        let resources = if entropy.flag() { (*all).clone() } else { part(entropy, all) };
        let role = entropy.mostly().then(|| role.clone());
        Piece { agent: agent.clone(), framework: framework.clone(), role, resources }
    }

    /// Part of what an agent has, in use by frameworks that are known or not.
    fn used(&self, entropy: &mut Entropy<'_>, total: &Holding, agent: &[u8]) -> Vec<Piece> {
        let mut left = total.clone();
        let uses = (0..entropy.below(4)).map(|_| {
            let resources =
                if entropy.mostly() { part(entropy, &left) } else { resources(entropy, &self.universe) };
            left.subtract(&resources);
            let role = entropy.mostly().then(|| entropy.pick(&ROLES).into());
            Piece { agent: agent.into(), framework: entropy.pick(&FRAMEWORKS).into(), role, resources }
        });
        uses.collect()
    }

    fn add_agent(&mut self, entropy: &mut Entropy<'_>) -> Result<(), Ended> {
        let agent = AGENTS[entropy.below(3)];
        let total = resources(entropy, &self.universe);
        let pieces = self.used(entropy, &total, agent);
        let groups: Vec<[Allocated<'_>; 1]> = pieces.iter().map(|piece| [piece.group()]).collect();
        let used = pieces.iter().zip(&groups);
        let used: Vec<_> =
            used.map(|(piece, used)| UsedByFramework { framework: &piece.framework, used }).collect();
        let exclusions = exclusions(entropy);
        self.send(&Event::AddAgent {
            agent,
            info: agent_info(entropy, &self.universe, &exclusions),
            capabilities: agent_capabilities(entropy),
            unavailability: unavailability(entropy),
            total: &total,
            used: &used,
        })
    }

    fn add_resource_provider(&mut self, entropy: &mut Entropy<'_>) -> Result<(), Ended> {
        let agent = entropy.pick(&AGENTS);
        let total = resources(entropy, &self.universe);
        let pieces = self.used(entropy, &total, agent);
        let groups: Vec<[Allocated<'_>; 1]> = pieces.iter().map(|piece| [piece.group()]).collect();
        let used = pieces.iter().zip(&groups);
        let used: Vec<_> =
            used.map(|(piece, used)| UsedByFramework { framework: &piece.framework, used }).collect();
        self.send(&Event::AddResourceProvider { agent, total: &total, used: &used })
    }

    fn about_agent(&mut self, entropy: &mut Entropy<'_>) -> Result<(), Ended> {
        let agent = entropy.pick(&AGENTS);
        let event = match entropy.below(6) {
            0 => Event::RemoveAgent { agent },
            1 => Event::DeactivateAgent { agent },
            2..=3 => Event::ActivateAgent { agent },
            4 => Event::UpdateWhitelist { hostnames: entropy.pick(&[Some(&[b"h1"]), Some(&[]), None, None]) },
            _ => Event::UpdateUnavailability { agent, unavailability: unavailability(entropy) },
        };
        self.send(&event)
    }

    fn update_agent(&mut self, entropy: &mut Entropy<'_>) -> Result<(), Ended> {
        let agent = entropy.pick(&AGENTS);
        let total = match (entropy.below(3), self.books.total(agent)) {
            (0, _) | (_, None) => resources(entropy, &self.universe),
            (_, Some(total)) => part(entropy, total),
        };
        let total = entropy.flag().then_some(&total);
        let capabilities = entropy.flag().then(|| agent_capabilities(entropy));
        let exclusions = exclusions(entropy);
        self.send(&Event::UpdateAgent {
            agent,
            info: agent_info(entropy, &self.universe, &exclusions),
            total,
            capabilities,
        })
    }

    fn add_framework(&mut self, entropy: &mut Entropy<'_>) -> Result<(), Ended> {
        let framework = FRAMEWORKS[entropy.below(3)];
        let pieces: Vec<Piece> = if entropy.mostly() {
            Vec::new()
        } else {
            let agent = entropy.pick(&AGENTS);
            let total = self.books.total(agent).cloned().unwrap_or_default();
            self.used(entropy, &total, agent)
        };
        let groups: Vec<[Allocated<'_>; 1]> = pieces.iter().map(|piece| [piece.group()]).collect();
        let used = pieces.iter().zip(&groups);
        let used: Vec<_> = used.map(|(piece, used)| UsedOnAgent { agent: &piece.agent, used }).collect();
        let active = entropy.mostly();
        self.with_framework_info(entropy, |world, info| {
            world.send(&Event::AddFramework { framework, info, used: &used, active })
        })
    }

    fn update_framework(&mut self, entropy: &mut Entropy<'_>) -> Result<(), Ended> {
        let framework = entropy.pick(&FRAMEWORKS);
        self.with_framework_info(entropy, |world, info| {
            world.send(&Event::UpdateFramework { framework, info })
        })
    }

    fn with_framework_info(
        &mut self,
        entropy: &mut Entropy<'_>,
        send: impl FnOnce(&mut Self, FrameworkInfo<'_>) -> Result<(), Ended>,
    ) -> Result<(), Ended> {
        let roles_of = roles(entropy, 3);
        let suppressed = if entropy.rarely() { roles(entropy, 2) } else { Vec::new() };
        let alternatives = if entropy.rarely() { minimums(entropy) } else { Vec::new() };
        let minimum = MinimumForRole { role: entropy.pick(&ROLES), alternatives: &alternatives };
        let excluded = ExcludedAgents { role: entropy.pick(&ROLES), agents: &AGENTS[..1] };
        let info = FrameworkInfo {
            roles: &roles_of,
            suppressed: &suppressed,
            capabilities: framework_capabilities(entropy),
            min_allocatable: if entropy.rarely() { &[minimum] } else { &[] },
            excluded_agents: if entropy.rarely() { &[excluded] } else { &[] },
        };
        send(self, info)
    }

    fn about_framework(&mut self, entropy: &mut Entropy<'_>) -> Result<(), Ended> {
        let framework = entropy.pick(&FRAMEWORKS);
        let event = match entropy.below(5) {
            0 => Event::RemoveFramework { framework },
            1 => Event::DeactivateFramework { framework },
            2..=3 => Event::ActivateFramework { framework },
            _ => Event::RequestResources { framework },
        };
        self.send(&event)
    }

    fn suppress_or_revive(&mut self, entropy: &mut Entropy<'_>) -> Result<(), Ended> {
        let framework = entropy.pick(&FRAMEWORKS);
        let roles = roles(entropy, 2);
        let event = if entropy.flag() {
            Event::SuppressOffers { framework, roles: &roles }
        } else {
            Event::ReviveOffers { framework, roles: &roles }
        };
        self.send(&event)
    }

    fn recover_resources(&mut self, entropy: &mut Entropy<'_>) -> Result<(), Ended> {
        let first = self.piece(entropy);
        let second = (entropy.below(4) == 0).then(|| self.piece(entropy));
        let groups: Vec<Allocated<'_>> =
            [Some(&first), second.as_ref()].into_iter().flatten().map(Piece::group).collect();
        self.send(&Event::RecoverResources {
            framework: &first.framework,
            agent: &first.agent,
            resources: &groups,
            refuse_seconds: refusal(entropy),
            allocated: entropy.flag(),
        })
    }

    fn transition(&mut self, entropy: &mut Entropy<'_>) -> Result<(), Ended> {
        let first = self.piece(entropy);
        let second = (entropy.below(4) == 0).then(|| self.piece(entropy));
        let groups: Vec<Allocated<'_>> =
            [Some(&first), second.as_ref()].into_iter().flatten().map(Piece::group).collect();
        self.send(&Event::TransitionOfferedToAllocated { agent: &first.agent, resources: &groups })
    }

    fn update_allocation(&mut self, entropy: &mut Entropy<'_>) -> Result<(), Ended> {
        let piece = self.piece(entropy);
        let conversions: Vec<Conversion> =
            (0..entropy.below(3)).map(|_| conversion(entropy, &piece.resources, &self.universe)).collect();
        self.send(&Event::UpdateAllocation {
            framework: &piece.framework,
            agent: &piece.agent,
            role: piece.role.as_deref().unwrap_or(b"a"),
            offered: &piece.resources,
            conversions: &conversions,
        })
    }

    fn update_available(&mut self, entropy: &mut Entropy<'_>) -> Result<(), Ended> {
        let agent = entropy.pick(&AGENTS);
        let of = self.allocator.available(agent).cloned().unwrap_or_default();
        let conversions: Vec<Conversion> =
            (0..entropy.below(3)).map(|_| conversion(entropy, &of, &self.universe)).collect();
        self.send(&Event::UpdateAvailable { agent, conversions: &conversions })
    }

    fn about_roles(&mut self, entropy: &mut Entropy<'_>) -> Result<(), Ended> {
        let (role, other) = (entropy.pick(&ROLES), entropy.pick(&ROLES));
        let quota = quota(entropy);
        let weights = [(role, entropy.pick(&WEIGHTS)), (other, entropy.pick(&WEIGHTS))];
        let event = match entropy.below(8) {
            0 => Event::Recover { expected_agents: entropy.number(), quotas: &[(role, &quota)] },
            1 => Event::Recover { expected_agents: 2, quotas: &[(role, &quota), (other, &quota)] },
            2..=4 => Event::UpdateQuota { role, quota: &quota },
            5 => Event::UpdateQuota { role, quota: &Quota::default() },
            _ => Event::UpdateWeights { weights: &weights },
        };
        self.send(&event)
    }

    fn about_maintenance(&mut self, entropy: &mut Entropy<'_>) -> Result<(), Ended> {
        let (agent, framework) = (entropy.pick(&AGENTS), entropy.pick(&FRAMEWORKS));
        let event = match entropy.below(4) {
            0 => Event::GetInverseOfferStatuses,
            1 => Event::UpdateUnavailability { agent, unavailability: unavailability(entropy) },
            _ => Event::UpdateInverseOffer {
                agent,
                framework,
                status: entropy.pick(&[None, Some(b"accepted".as_slice())]),
                refuse_seconds: refusal(entropy),
            },
        };
        self.send(&event)
    }

    fn about_runs(&mut self, entropy: &mut Entropy<'_>) -> Result<(), Ended> {
        let options = Options::default();
        let event = match entropy.below(6) {
            0 => Event::Pause,
            1..=2 => Event::Resume,
            3 if entropy.rarely() => Event::Initialize { options: &options },
            _ => Event::Cycle,
        };
        self.send(&event)
    }

    /// The clock goes on, once in a while far, or back: a host's clock can be set.
    fn pass_time(&mut self, entropy: &mut Entropy<'_>) -> Result<(), Ended> {
        let millis = entropy.pick(&[1000, 1000, 10, 5000, 60_000, 0, -5000, 1_000_000_000_000]);
        let nanos = self.now.nanos().saturating_add(millis * 1_000_000);
        self.now = apportion_core::Instant::from_nanos(nanos);
        self.send(&Event::Tick)
    }
}
