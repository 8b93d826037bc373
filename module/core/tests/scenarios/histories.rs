//! Random histories: whatever happens, the books stay right, nothing is offered twice, and the same history with the
//! same seed gives the same offers.
//!
//! The judge is a second set of books, kept here in the simplest way: for each agent the list of who holds which
//! cpus, mem and ports. It shares no code with the allocator beyond the vocabulary of events.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use apportion_core::{
    AgentInfo, Allocated, Allocator, Amount, Conversion, Effects, Event, FrameworkInfo, Holding, Instant,
    Item, Kind, KindId, Minimum, Options, Ranges, Reservation, Value, ValueType,
};
use proptest::prelude::*;

use crate::cluster::{ABLE_AGENT, ABLE_FRAMEWORK};

/// What can happen next. Numbers choose among what is there, modulo.
#[derive(Debug, Clone)]
enum Step {
    AddAgent {
        cpus: u8,
        ports: u8,
        reserved: u8,
    },
    RemoveAgent(u8),
    ToggleAgent(u8),
    ResizeAgent(u8, u8),
    AddFramework {
        roles: u8,
        suppressed: bool,
    },
    RemoveFramework(u8),
    ToggleFramework(u8),
    ChangeRoles(u8, u8),
    /// Launch with some cpus of an offer, decline the rest.
    Accept {
        offer: u8,
        cpus: u8,
        refuse: u8,
    },
    Reserve {
        offer: u8,
        cpus: u8,
    },
    Decline {
        offer: u8,
        refuse: u8,
    },
    EndTask(u8),
    Suppress(u8),
    Revive(u8),
    Weight(u8, u8),
    Pass(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let n = any::<u8>;
    prop_oneof![
        4 => (1..9_u8, 0..5_u8, 0..3_u8).prop_map(|(cpus, ports, reserved)| Step::AddAgent { cpus, ports, reserved }),
        1 => n().prop_map(Step::RemoveAgent),
        1 => n().prop_map(Step::ToggleAgent),
        1 => (n(), 0..9_u8).prop_map(|(agent, cpus)| Step::ResizeAgent(agent, cpus)),
        3 => (n(), prop::bool::weighted(0.1)).prop_map(|(roles, suppressed)| Step::AddFramework { roles, suppressed }),
        1 => n().prop_map(Step::RemoveFramework),
        1 => n().prop_map(Step::ToggleFramework),
        1 => (n(), n()).prop_map(|(framework, roles)| Step::ChangeRoles(framework, roles)),
        8 => (n(), 1..5_u8, 0..4_u8).prop_map(|(offer, cpus, refuse)| Step::Accept { offer, cpus, refuse }),
        2 => (n(), 1..5_u8).prop_map(|(offer, cpus)| Step::Reserve { offer, cpus }),
        5 => (n(), 0..8_u8).prop_map(|(offer, refuse)| Step::Decline { offer, refuse }),
        4 => n().prop_map(Step::EndTask),
        1 => n().prop_map(Step::Suppress),
        2 => n().prop_map(Step::Revive),
        1 => (n(), 0..5_u8).prop_map(|(role, weight)| Step::Weight(role, weight)),
        6 => (1..4_u8).prop_map(Step::Pass),
    ]
}

const ROLES: [&str; 5] = ["a", "a/x", "a/y", "b", "c/z"];

/// A piece of an agent somebody holds.
#[derive(Debug, Clone)]
struct Piece {
    framework: String,
    agent: String,
    role: String,
    resources: Holding,
}

/// The allocator with the judge's books beside it.
struct World {
    allocator: Allocator,
    now: Instant,
    numbers: u32,
    cpus: KindId,
    mem: KindId,
    ports: KindId,
    reserved: Vec<KindId>,
    /// Totals by agent, and whether it is active.
    agents: BTreeMap<String, (Holding, bool)>,
    /// Roles by framework, and whether it is active.
    frameworks: BTreeMap<String, (BTreeSet<&'static str>, bool)>,
    suppressed: BTreeSet<(String, &'static str)>,
    offers: Vec<Piece>,
    tasks: Vec<Piece>,
    /// Everything offered so far, for comparing histories.
    log: Vec<String>,
    converted: usize,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut allocator = Allocator::new();
        let least = Minimum { amounts: vec![(b"cpus".as_slice().into(), Amount::thousandths(10))] };
        let options = Options { seed, min_allocatable: vec![least], ..Options::default() };
        let cpus = allocator.intern_kind(Kind::scalar(b"cpus")).unwrap();
        let mem = allocator.intern_kind(Kind::scalar(b"mem")).unwrap();
        let ports = Kind { value_type: ValueType::Ranges, ..Kind::scalar(b"ports") };
        let ports = allocator.intern_kind(ports).unwrap();
        let reserved = ROLES.map(|role| {
            let reservations = vec![Reservation { role: role.as_bytes().into(), dynamic: true }];
            let identity = format!("cpus({role})").into_bytes().into();
            allocator.intern_kind(Kind { reservations, identity, ..Kind::scalar(b"cpus") }).unwrap()
        });
        let now = Instant::default();
        allocator.apply(&Event::Initialize { options: &options }, now).unwrap();
        Self {
            allocator,
            now,
            numbers: 0,
            cpus,
            mem,
            ports,
            reserved: reserved.into(),
            agents: BTreeMap::new(),
            frameworks: BTreeMap::new(),
            suppressed: BTreeSet::new(),
            offers: Vec::new(),
            tasks: Vec::new(),
            log: Vec::new(),
            converted: 0,
        }
    }

    fn next_name(&mut self, what: &str) -> String {
        self.numbers += 1;
        format!("{what}{}", self.numbers)
    }

    /// Applies an event and the run it requests; then everything must be right.
    fn send(&mut self, event: &Event<'_>) {
        let effects = self.allocator.apply(event, self.now).unwrap();
        self.allocator.check_all().unwrap();
        self.judge(&effects);
        if effects.cycle_requested {
            let run = self.allocator.apply(&Event::Cycle, self.now).unwrap();
            self.judge(&run);
            self.allocator.check_all().unwrap();
        }
        self.compare_available();
    }

    /// Every offer must be of free resources of an active agent, to an active framework that takes offers in the role.
    fn judge(&mut self, effects: &Effects) {
        let text = |name: &[u8]| String::from_utf8(name.to_vec()).unwrap();
        for offer in &effects.offers {
            let piece = Piece {
                framework: text(self.allocator.framework_name(offer.framework).unwrap()),
                agent: text(self.allocator.agent_name(offer.agent).unwrap()),
                role: text(self.allocator.role_name(offer.role)),
                resources: offer.resources.clone(),
            };
            let (roles, active) = &self.frameworks[&piece.framework];
            let role = roles.iter().find(|role| **role == piece.role).expect("subscribed");
            assert!(*active && !self.suppressed.contains(&(piece.framework.clone(), *role)));
            assert!(self.agents[&piece.agent].1, "agent is active");
            assert!(!piece.resources.is_empty());
            assert!(self.free(&piece.agent).contains(&piece.resources), "offered twice: {piece:?}");
            for item in piece.resources.items() {
                if let Some(to) = self.reserved.iter().position(|kind| *kind == item.kind) {
                    let inside = format!("{}/", ROLES[to]);
                    assert!(piece.role == ROLES[to] || piece.role.starts_with(&inside), "{piece:?}");
                }
            }
            self.log.push(format!("{:?} {piece:?} {}", self.now, offer.why));
            self.offers.push(piece);
        }
    }

    fn free(&self, agent: &str) -> Holding {
        let mut free = self.agents[agent].0.clone();
        for piece in self.offers.iter().chain(&self.tasks).filter(|piece| piece.agent == agent) {
            free.subtract(&piece.resources);
        }
        free
    }

    fn compare_available(&self) {
        for agent in self.agents.keys() {
            assert_eq!(*self.allocator.available(agent.as_bytes()).unwrap(), self.free(agent), "{agent}");
        }
    }

    fn agent(&self, choice: u8) -> Option<String> {
        let names: Vec<&String> = self.agents.keys().collect();
        (!names.is_empty()).then(|| names[usize::from(choice) % names.len()].clone())
    }

    fn framework(&self, choice: u8) -> Option<String> {
        let names: Vec<&String> = self.frameworks.keys().collect();
        (!names.is_empty()).then(|| names[usize::from(choice) % names.len()].clone())
    }

    fn recover(&mut self, piece: &Piece, refuse: Option<f64>, allocated: bool) {
        let resources = [Allocated { role: Some(piece.role.as_bytes()), resources: &piece.resources }];
        self.send(&Event::RecoverResources {
            framework: piece.framework.as_bytes(),
            agent: piece.agent.as_bytes(),
            resources: &resources,
            refuse_seconds: refuse,
            allocated,
        });
    }

    fn run(&mut self, step: &Step) {
        match *step {
            Step::AddAgent { .. } | Step::RemoveAgent(_) | Step::ToggleAgent(_) | Step::ResizeAgent(..) => {
                self.run_on_agent(step);
            }
            Step::AddFramework { .. }
            | Step::RemoveFramework(_)
            | Step::ToggleFramework(_)
            | Step::ChangeRoles(..)
            | Step::Suppress(_)
            | Step::Revive(_) => self.run_on_framework(step),
            Step::Accept { .. } | Step::Reserve { .. } | Step::Decline { .. } => self.run_on_offer(step),
            Step::EndTask(choice) => {
                if !self.tasks.is_empty() {
                    let task = self.tasks.swap_remove(usize::from(choice) % self.tasks.len());
                    self.recover(&task, None, true);
                }
            }
            Step::Weight(role, weight) => {
                let role = ROLES[usize::from(role) % ROLES.len()].as_bytes();
                self.send(&Event::UpdateWeights { weights: &[(role, f64::from(weight) / 2.0)] });
            }
            Step::Pass(times) => {
                for _ in 0..times {
                    self.now = self.now.after(Duration::from_secs(1));
                    self.send(&Event::Tick);
                }
            }
        }
    }

    fn run_on_agent(&mut self, step: &Step) {
        match *step {
            Step::AddAgent { cpus, ports, reserved } => {
                let name = self.next_name("agent");
                let mut items = vec![
                    Item::scalar(self.cpus, Amount::whole(i64::from(cpus))),
                    Item::scalar(self.mem, Amount::whole(i64::from(cpus) * 100)),
                ];
                if ports > 0 {
                    items.push(Item::new(self.ports, Value::Ranges(Ranges::new([(1, u64::from(ports))]))));
                }
                if reserved > 0 {
                    let kind = self.reserved[usize::from(cpus + ports) % ROLES.len()];
                    items.push(Item::scalar(kind, Amount::whole(i64::from(reserved))));
                }
                let total = Holding::new(items);
                self.agents.insert(name.clone(), (total.clone(), true));
                self.send(&Event::AddAgent {
                    agent: name.as_bytes(),
                    info: AgentInfo::default(),
                    capabilities: ABLE_AGENT,
                    unavailability: None,
                    total: &total,
                    used: &[],
                });
            }
            Step::RemoveAgent(choice) => {
                let Some(agent) = self.agent(choice) else { return };
                self.agents.remove(&agent);
                let lost = |piece: &Piece| piece.agent == agent;
                let offers: Vec<Piece> = self.offers.extract_if(.., |piece| lost(piece)).collect();
                let tasks: Vec<Piece> = self.tasks.extract_if(.., |piece| lost(piece)).collect();
                self.send(&Event::RemoveAgent { agent: agent.as_bytes() });
                // As the master does, afterwards and in vain.
                for task in tasks {
                    self.recover(&task, None, true);
                }
                for offer in offers {
                    self.recover(&offer, None, false);
                }
            }
            Step::ToggleAgent(choice) => {
                let Some(agent) = self.agent(choice) else { return };
                let active = &mut self.agents.get_mut(&agent).unwrap().1;
                *active = !*active;
                let event = if *active {
                    Event::ActivateAgent { agent: agent.as_bytes() }
                } else {
                    Event::DeactivateAgent { agent: agent.as_bytes() }
                };
                self.send(&event);
            }
            Step::ResizeAgent(choice, cpus) => {
                let Some(agent) = self.agent(choice) else { return };
                let mut total = self.agents[&agent].0.filtered(|item| item.kind != self.cpus);
                total.add_item(&Item::scalar(self.cpus, Amount::whole(i64::from(cpus))));
                self.agents.get_mut(&agent).unwrap().0 = total.clone();
                self.send(&Event::UpdateAgent {
                    agent: agent.as_bytes(),
                    info: AgentInfo::default(),
                    total: Some(&total),
                    capabilities: None,
                });
            }
            _ => {}
        }
    }

    /// One or two roles.
    fn roles(choice: u8) -> BTreeSet<&'static str> {
        let choice = usize::from(choice);
        BTreeSet::from([ROLES[choice % ROLES.len()], ROLES[choice / ROLES.len() % ROLES.len()]])
    }

    fn run_on_framework(&mut self, step: &Step) {
        if let Step::AddFramework { roles, suppressed } = *step {
            let name = self.next_name("framework");
            let roles = Self::roles(roles);
            let first = roles.iter().next().copied();
            let suppressed: Vec<&'static str> = first.into_iter().filter(|_| suppressed).collect();
            self.suppressed.extend(suppressed.iter().map(|role| (name.clone(), *role)));
            self.frameworks.insert(name.clone(), (roles.clone(), true));
            let role_names: Vec<&[u8]> = roles.iter().map(|role| role.as_bytes()).collect();
            let suppressed: Vec<&[u8]> = suppressed.iter().map(|role| role.as_bytes()).collect();
            let info = FrameworkInfo {
                roles: &role_names,
                suppressed: &suppressed,
                capabilities: ABLE_FRAMEWORK,
                ..FrameworkInfo::default()
            };
            let framework = name.as_bytes();
            self.send(&Event::AddFramework { framework, info, used: &[], active: true });
            return;
        }
        let (Step::RemoveFramework(choice)
        | Step::ToggleFramework(choice)
        | Step::ChangeRoles(choice, _)
        | Step::Suppress(choice)
        | Step::Revive(choice)) = *step
        else {
            return;
        };
        let Some(name) = self.framework(choice) else { return };
        let framework = name.as_bytes();
        match *step {
            Step::RemoveFramework(_) => {
                while let Some(at) = self.tasks.iter().position(|task| task.framework == name) {
                    let task = self.tasks.swap_remove(at);
                    self.recover(&task, None, true);
                }
                let offers: Vec<Piece> =
                    self.offers.extract_if(.., |offer| offer.framework == name).collect();
                self.frameworks.remove(&name);
                self.send(&Event::RemoveFramework { framework });
                for offer in offers {
                    self.recover(&offer, None, false);
                }
            }
            Step::ToggleFramework(_) => {
                let active = &mut self.frameworks.get_mut(&name).unwrap().1;
                *active = !*active;
                let event = if *active {
                    Event::ActivateFramework { framework }
                } else {
                    Event::DeactivateFramework { framework }
                };
                self.send(&event);
            }
            Step::ChangeRoles(_, roles) => {
                let roles = Self::roles(roles);
                self.frameworks.get_mut(&name).unwrap().0 = roles.clone();
                self.suppressed.retain(|(of, _)| *of != name);
                let roles: Vec<&[u8]> = roles.iter().map(|role| role.as_bytes()).collect();
                let capabilities = ABLE_FRAMEWORK;
                let info = FrameworkInfo { roles: &roles, capabilities, ..FrameworkInfo::default() };
                self.send(&Event::UpdateFramework { framework, info });
            }
            Step::Suppress(_) => {
                let roles = &self.frameworks[&name].0;
                self.suppressed.extend(roles.iter().map(|role| (name.clone(), *role)));
                self.send(&Event::SuppressOffers { framework, roles: &[] });
            }
            _ => {
                self.suppressed.retain(|(of, _)| *of != name);
                self.send(&Event::ReviveOffers { framework, roles: &[] });
            }
        }
    }

    fn run_on_offer(&mut self, step: &Step) {
        let (Step::Accept { offer: choice, .. }
        | Step::Reserve { offer: choice, .. }
        | Step::Decline { offer: choice, .. }) = *step
        else {
            return;
        };
        if self.offers.is_empty() {
            return;
        }
        let place = usize::from(choice) % self.offers.len();
        match *step {
            Step::Decline { refuse, .. } => {
                let offer = self.offers.swap_remove(place);
                self.recover(&offer, Some(f64::from(refuse) / 2.0), false);
            }
            Step::Accept { cpus, refuse, .. } => {
                // The master pauses around the parts of an ACCEPT.
                self.send(&Event::Pause);
                let offer = self.offers.swap_remove(place);
                let wanted = Amount::whole(i64::from(cpus));
                let used = offer
                    .resources
                    .filtered(|item| item.kind == self.ports || item.value.quantity() <= wanted);
                let mut rest = Piece { resources: offer.resources.clone(), ..offer.clone() };
                rest.resources.subtract(&used);
                let task = Piece { resources: used, ..offer };
                if !task.resources.is_empty() {
                    self.tasks.push(task.clone());
                }
                self.recover(&rest, Some(f64::from(refuse)), false);
                let resources = [Allocated { role: Some(task.role.as_bytes()), resources: &task.resources }];
                self.send(&Event::TransitionOfferedToAllocated {
                    agent: task.agent.as_bytes(),
                    resources: &resources,
                });
                self.send(&Event::Resume);
            }
            Step::Reserve { cpus, .. } => {
                let role = ROLES.iter().position(|role| *role == self.offers[place].role).unwrap();
                let amount = Amount::whole(i64::from(cpus));
                let conversion = Conversion {
                    consumed: Holding::new([Item::scalar(self.cpus, amount)]),
                    converted: Holding::new([Item::scalar(self.reserved[role], amount)]),
                    ..Conversion::default()
                };
                let mut offer = self.offers[place].clone();
                let (total, _) = self.agents.get_mut(&offer.agent).unwrap();
                // Neither may fail for what the master lets through.
                let mut new_total = total.clone();
                if !offer.resources.contains(&conversion.consumed)
                    || conversion.apply(&mut new_total).is_err()
                {
                    return;
                }
                *total = new_total;
                let offered = offer.resources.clone();
                conversion.apply(&mut offer.resources).unwrap();
                self.offers[place] = offer.clone();
                self.converted += 1;
                self.send(&Event::UpdateAllocation {
                    framework: offer.framework.as_bytes(),
                    agent: offer.agent.as_bytes(),
                    role: offer.role.as_bytes(),
                    offered: &offered,
                    conversions: &[conversion],
                });
            }
            _ => {}
        }
    }
}

fn world_after(steps: &[Step], seed: u64) -> World {
    let mut world = World::new(seed);
    for step in steps {
        world.run(step);
    }
    world
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn the_books_stay_right_and_nothing_is_offered_twice(
        steps in prop::collection::vec(step(), 1..120),
        seed: u64,
    ) {
        let world = world_after(&steps, seed);
        let again = world_after(&steps, seed);
        prop_assert_eq!(&world.log, &again.log, "same events and seed, same offers");
    }

    #[test]
    fn when_everything_is_given_back_and_removed_nothing_is_left(
        steps in prop::collection::vec(step(), 1..80),
    ) {
        let mut world = world_after(&steps, 1);
        while !world.agents.is_empty() {
            world.run(&Step::RemoveAgent(0));
        }
        while !world.frameworks.is_empty() {
            world.run(&Step::RemoveFramework(0));
        }
        world.run(&Step::Pass(1));
        prop_assert!(world.offers.is_empty() && world.tasks.is_empty());
        for role in ROLES {
            if let Some(role) = world.allocator.find_role(role.as_bytes()) {
                prop_assert_eq!(world.allocator.filters_len(role), 0);
            }
        }
        prop_assert_eq!((world.allocator.agents_len(), world.allocator.frameworks_len()), (0, 0));
    }
}

#[test]
fn the_random_histories_really_offer_launch_reserve_and_decline() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(ProptestConfig::default(), rng);
    let strategy = prop::collection::vec(step(), 100..101);
    let (mut offers, mut tasks, mut converted, mut filtered) = (0, 0, 0, 0);
    for _ in 0..20 {
        let steps = strategy.new_tree(&mut runner).unwrap().current();
        let world = world_after(&steps, 3);
        offers += world.log.len();
        tasks += world.tasks.len();
        converted += world.converted;
        let roles = ROLES.iter().filter_map(|role| world.allocator.find_role(role.as_bytes()));
        filtered += roles.map(|role| world.allocator.filters_len(role)).sum::<usize>();
    }
    assert!(
        offers > 600 && tasks > 40 && converted > 10 && filtered > 10,
        "{offers} offers, {tasks} tasks, {converted} reservations, {filtered} filters"
    );
}

#[test]
fn another_seed_gives_another_order_of_agents() {
    let agents = (0..12).map(|_| Step::AddAgent { cpus: 4, ports: 0, reserved: 0 });
    let steps: Vec<Step> = agents.chain([Step::AddFramework { roles: 0, suppressed: false }]).collect();
    assert_ne!(world_after(&steps, 1).log, world_after(&steps, 2).log);
    assert_eq!(world_after(&steps, 1).log, world_after(&steps, 1).log);
}
