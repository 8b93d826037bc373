//! Random histories of a master whose allocator is behind: what the book lets a task have was always there.
//!
//! The model is the master: it knows each outstanding offer and what an accept has left. Its calls wait in a queue and
//! reach the allocator in order, but as late as chance will have it; runs fall in between.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use apportion_wire::Value;
use apportion_wire::resource::{ResourceParts, split};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::master::Master;
use super::messages::{allocated, field, ranges, reserved, scalar};
use crate::offer_book::Watch;

const ROLES: [&[u8]; 2] = [b"web", b"batch"];
/// Framework and its role.
const FRAMEWORKS: [(&[u8], usize); 3] = [(b"f", 0), (b"g", 0), (b"h", 1)];
const AGENTS: [&[u8]; 2] = [b"a", b"b"];
/// CPUs, memory, CPUs reserved for the first role, revocable CPUs.
const KINDS: usize = 4;
/// In thousandths.
const UNITS: [i64; KINDS] = [1_000, 512_000, 1_000, 2_000];

fn kind(at: usize, amount: f64) -> Vec<u8> {
    match at {
        0 => scalar(b"cpus", amount),
        1 => scalar(b"mem", amount),
        2 => reserved(&scalar(b"cpus", amount), ROLES[0]),
        _ => [scalar(b"cpus", amount), field(9, b"")].concat(),
    }
}

/// Resources as the model counts them, in thousandths.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Amounts {
    scalars: [i64; KINDS],
    ports: BTreeSet<u64>,
}

impl Amounts {
    fn of(resources: &[Vec<u8>]) -> Amounts {
        let mut amounts = Amounts::default();
        for resource in resources {
            amounts.count(&split(resource).unwrap().into_parts());
        }
        amounts
    }

    fn count(&mut self, parts: &ResourceParts) {
        match &parts.value {
            Value::Scalar(scalar) => {
                let at = (0..KINDS).find(|at| split(&kind(*at, 1.0)).unwrap().identity == parts.identity);
                self.scalars[at.expect("a kind of the model")] += scalar.thousandths();
            }
            Value::Ranges(ranges) => self.ports.extend(ranges.iter().flat_map(|one| one.begin..=one.end)),
            Value::Set(_) => panic!("no sets here"),
        }
    }

    fn resources(&self, role: usize) -> Vec<Vec<u8>> {
        let scalars = self.scalars.iter().enumerate().filter(|(_, amount)| **amount > 0);
        let mut resources: Vec<Vec<u8>> =
            scalars.map(|(at, amount)| kind(at, *amount as f64 / 1000.0)).collect();
        if !self.ports.is_empty() {
            let ports: Vec<(u64, u64)> = self.ports.iter().map(|port| (*port, *port)).collect();
            resources.push(ranges(b"ports", &ports));
        }
        resources.iter().map(|resource| allocated(resource, ROLES[role])).collect()
    }

    fn is_empty(&self) -> bool {
        *self == Amounts::default()
    }

    fn add(&mut self, other: &Amounts) {
        (0..KINDS).for_each(|at| self.scalars[at] += other.scalars[at]);
        self.ports.extend(&other.ports);
    }

    fn subtract(&mut self, other: &Amounts) {
        (0..KINDS).for_each(|at| self.scalars[at] -= other.scalars[at]);
        self.ports.retain(|port| !other.ports.contains(port));
    }
}

/// A call on its way to the allocator.
#[derive(Debug, Clone)]
enum Call {
    Recover { framework: usize, agent: usize, amounts: Amounts, used: bool },
    Transition { agent: usize, role: usize, amounts: Amounts },
    Reserve { framework: usize, agent: usize, offered: Amounts, cpus: i64 },
    Pause,
    Resume,
    RemoveAgent(usize),
    AddAgent(usize),
    RemoveFramework(usize),
    AddFramework(usize),
}

/// A task of an accept: how much it asks for in units, and how much of the room its rule adds, in percent. The units
/// are large, so that what was accepted often looks like something else that is outstanding.
#[derive(Debug, Clone)]
struct Asked {
    scalars: [i64; KINDS],
    ports: u8,
    more: i64,
}

#[derive(Debug, Clone)]
enum Step {
    /// Accepts one offer, and up to two more of the same framework and agent; reserves some of it before.
    Accept {
        first: Index,
        others: usize,
        reserve: i64,
        tasks: Vec<Asked>,
    },
    Decline(Index),
    EndTask(Index),
    /// So many calls reach the allocator.
    Deliver(usize),
    Run,
    LoseAgent(usize),
    LoseFramework(usize),
    /// The last watch ends or a new one begins.
    Watch,
}

fn asked() -> impl Strategy<Value = Asked> {
    let units = || prop_oneof![1 => Just(0_i64), 2 => 1..8_i64];
    let seldom = || prop_oneof![4 => Just(0_i64), 1 => 1..8_i64];
    let scalars = (units(), seldom(), seldom(), seldom()).prop_map(<[i64; KINDS]>::from);
    (scalars, 0..2_u8, prop_oneof![2 => Just(0_i64), 1 => Just(50), 1 => Just(100)])
        .prop_map(|(scalars, ports, more)| Asked { scalars, ports, more })
}

fn step() -> impl Strategy<Value = Step> {
    let tasks = prop::collection::vec(asked(), 1..4);
    let reserve = prop_oneof![4 => Just(0_i64), 1 => 1..8_i64];
    prop_oneof![
        12 => (any::<Index>(), 0..3_usize, reserve, tasks)
            .prop_map(|(first, others, reserve, tasks)| Step::Accept { first, others, reserve, tasks }),
        4 => any::<Index>().prop_map(Step::Decline),
        16 => any::<Index>().prop_map(Step::EndTask),
        14 => prop_oneof![1..12_usize, Just(usize::MAX)].prop_map(Step::Deliver),
        14 => Just(Step::Run),
        1 => (0..AGENTS.len()).prop_map(Step::LoseAgent),
        1 => (0..FRAMEWORKS.len()).prop_map(Step::LoseFramework),
        3 => Just(Step::Watch),
    ]
}

/// What somebody holds.
#[derive(Debug, Clone)]
struct Held {
    framework: usize,
    agent: usize,
    amounts: Amounts,
}

/// The master of the model, with the allocator behind it.
struct Model {
    allocator: Master,
    watch: Option<Watch>,
    queue: VecDeque<Call>,
    offers: Vec<Held>,
    tasks: Vec<Held>,
    /// Reserved by frameworks, by agent: reservations outlive them.
    reserved: [i64; AGENTS.len()],
    /// Tasks launched with anything left beside them, and how many of them could have some of it.
    launched: [u32; 2],
}

impl Model {
    fn new() -> Model {
        let allocator = Master::new();
        let watch = Some(allocator.book.watch());
        let (queue, offers, tasks) = (VecDeque::new(), Vec::new(), Vec::new());
        let mut model = Model { allocator, watch, queue, offers, tasks, reserved: [0; 2], launched: [0; 2] };
        (0..FRAMEWORKS.len()).for_each(|at| model.queue.push_back(Call::AddFramework(at)));
        (0..AGENTS.len()).for_each(|at| model.queue.push_back(Call::AddAgent(at)));
        model.deliver(usize::MAX);
        model
    }

    fn total(&self, agent: usize) -> Vec<Vec<u8>> {
        let reserved = self.reserved[agent];
        let mut amounts = Amounts { scalars: [12_000, 4_096_000, 4_000, 8_000], ports: (1..=12).collect() };
        amounts.scalars[0] -= reserved;
        amounts.scalars[2] += reserved;
        let bare = |resource: Vec<u8>| {
            ResourceParts { allocation_role: None, ..split(&resource).unwrap().into_parts() }.to_bytes()
        };
        amounts.resources(0).into_iter().map(bare).collect()
    }

    fn deliver(&mut self, count: usize) {
        for _ in 0..count {
            let Some(call) = self.queue.pop_front() else { return };
            let allocator = &mut self.allocator;
            match call {
                Call::Recover { framework, agent, amounts, used } => {
                    let (name, role) = FRAMEWORKS[framework];
                    allocator.recover(name, AGENTS[agent], &amounts.resources(role), used);
                }
                Call::Transition { agent, role, amounts } => {
                    allocator.transition(AGENTS[agent], &amounts.resources(role));
                }
                Call::Reserve { framework, agent, offered, cpus } => {
                    let (name, role) = FRAMEWORKS[framework];
                    let part = |at: usize| {
                        let mut amounts = Amounts::default();
                        amounts.scalars[at] = cpus;
                        amounts.resources(role)
                    };
                    let who = (name, AGENTS[agent]);
                    allocator.convert(who, &offered.resources(role), &part(0), &part(2));
                }
                Call::Pause => allocator.pause(),
                Call::Resume => allocator.resume(),
                Call::RemoveAgent(agent) => allocator.remove_agent(AGENTS[agent]),
                Call::AddAgent(agent) => {
                    let total = self.total(agent);
                    self.allocator.add_agent(AGENTS[agent], &total);
                }
                Call::RemoveFramework(framework) => allocator.remove_framework(FRAMEWORKS[framework].0),
                Call::AddFramework(framework) => {
                    let (name, role) = FRAMEWORKS[framework];
                    allocator.add_framework(name, &[ROLES[role]]);
                }
            }
        }
    }

    /// A run. The master sends what is offered to who is gone back at once; arrivals and departures are never behind.
    fn run(&mut self) {
        for offer in self.allocator.run() {
            let framework = FRAMEWORKS.iter().position(|(name, _)| *name == offer.framework).unwrap();
            assert_eq!(ROLES[FRAMEWORKS[framework].1], offer.role);
            let agent = AGENTS.iter().position(|name| *name == offer.agent).unwrap();
            self.offers.push(Held { framework, agent, amounts: Amounts::of(&offer.resources) });
        }
    }

    fn give_back(&mut self, held: Held, used: bool) {
        let Held { framework, agent, amounts } = held;
        if !amounts.is_empty() {
            self.queue.push_back(Call::Recover { framework, agent, amounts, used });
        }
    }

    /// Takes out of a list what this is true of.
    fn drain(list: &mut Vec<Held>, gone: impl Fn(&Held) -> bool) -> Vec<Held> {
        let (gone, kept) = std::mem::take(list).into_iter().partition(gone);
        *list = kept;
        gone
    }

    fn lose_agent(&mut self, agent: usize) {
        self.queue.push_back(Call::RemoveAgent(agent));
        for (list, used) in [(&mut self.tasks, true), (&mut self.offers, false)] {
            for Held { framework, agent, amounts } in Model::drain(list, |held| held.agent == agent) {
                self.queue.push_back(Call::Recover { framework, agent, amounts, used });
            }
        }
        self.queue.push_back(Call::AddAgent(agent));
        // An offer made before the master's call arrives would be of the agent that was.
        self.deliver(usize::MAX);
    }

    fn lose_framework(&mut self, framework: usize) {
        for held in Model::drain(&mut self.offers, |held| held.framework == framework) {
            self.give_back(held, false);
        }
        for held in Model::drain(&mut self.tasks, |held| held.framework == framework) {
            self.give_back(held, true);
        }
        self.queue.extend([
            Call::Pause,
            Call::RemoveFramework(framework),
            Call::Resume,
            Call::AddFramework(framework),
        ]);
        self.deliver(usize::MAX);
    }

    fn accept(&mut self, first: Index, others: usize, reserve: i64, tasks: &[Asked]) {
        if self.offers.is_empty() {
            return;
        }
        let Held { framework, agent, amounts } = self.offers.swap_remove(first.index(self.offers.len()));
        let role = FRAMEWORKS[framework].1;
        let mut left = amounts;
        for _ in 0..others {
            let same = |held: &Held| held.framework == framework && held.agent == agent;
            if let Some(at) = self.offers.iter().position(same) {
                left.add(&self.offers.swap_remove(at).amounts);
            }
        }
        // Unreserved CPUs become reserved ones before the tasks are launched; the hook sees nothing of it.
        let reserving = if role == 0 { left.scalars[0].min(reserve * UNITS[0]) } else { 0 };
        let offered = left.clone();
        if reserving > 0 {
            left.scalars[0] -= reserving;
            left.scalars[2] += reserving;
            self.reserved[agent] += reserving;
        }
        let mut used = Amounts::default();
        for asked in tasks {
            let mut task = Amounts::default();
            for (at, unit) in UNITS.iter().enumerate() {
                task.scalars[at] = left.scalars[at].min(asked.scalars[at] * unit);
            }
            task.ports = left.ports.iter().take(usize::from(asked.ports)).copied().collect();
            if reserving > 0 {
                // What is left of it the book cannot know.
                task.scalars[0] = 0;
            }
            if task.is_empty() {
                continue;
            }
            let given = self.launch(agent, role, &task, &left, (reserving > 0, asked.more));
            left.subtract(&given);
            used.add(&given);
            self.tasks.push(Held { framework, agent, amounts: given });
        }
        if reserving > 0 {
            self.queue.push_back(Call::Reserve { framework, agent, offered, cpus: reserving });
        }
        self.queue.push_back(Call::Pause);
        self.give_back(Held { framework, agent, amounts: left }, false);
        if !used.is_empty() {
            self.queue.push_back(Call::Transition { agent, role, amounts: used });
        }
        self.queue.push_back(Call::Resume);
    }

    /// What the hook does with a task of which so much is left, itself included. Gives back what it has at last.
    fn launch(
        &mut self,
        agent: usize,
        role: usize,
        task: &Amounts,
        left: &Amounts,
        (reserving, percent): (bool, i64),
    ) -> Amounts {
        let (agent, mut given) = (AGENTS[agent], task.clone());
        let resources = task.resources(role);
        let room = self.allocator.room(agent, &resources).unwrap_or_default();
        if (0..3).any(|at| left.scalars[at] > task.scalars[at]) && task.scalars[3] == 0 && !reserving {
            self.launched[0] += 1;
            self.launched[1] += u32::from(!room.is_empty());
        }
        for more in room {
            assert_eq!(more.allocation_role.as_deref(), Some(ROLES[role]));
            let mut room = Amounts::default();
            room.count(&more);
            for at in (0..KINDS).filter(|at| room.scalars[*at] > 0 && !(reserving && *at == 0)) {
                let is_left = left.scalars[at] - task.scalars[at];
                assert!(room.scalars[at] <= is_left, "{task:?} of {left:?} may grow by {more:?}");
                given.scalars[at] += room.scalars[at] * percent / 100;
            }
        }
        self.allocator.book.take(agent, &given.resources(role), &[]);
        given
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Accept { first, others, reserve, tasks } => self.accept(*first, *others, *reserve, tasks),
            Step::Decline(which) => {
                if !self.offers.is_empty() {
                    let held = self.offers.swap_remove(which.index(self.offers.len()));
                    self.give_back(held, false);
                }
            }
            Step::EndTask(which) => {
                if !self.tasks.is_empty() {
                    let held = self.tasks.swap_remove(which.index(self.tasks.len()));
                    self.give_back(held, true);
                }
            }
            Step::Deliver(count) => self.deliver(*count),
            Step::Run => self.run(),
            Step::LoseAgent(agent) => self.lose_agent(*agent),
            Step::LoseFramework(framework) => self.lose_framework(*framework),
            Step::Watch => {
                self.watch = if self.watch.is_some() { None } else { Some(self.allocator.book.watch()) };
            }
        }
    }

    /// Everything arrives and comes back; then one offer of an agent that one task may fill.
    fn end_without_shyness(mut self) {
        self.watch.get_or_insert_with(|| self.allocator.book.watch());
        for used in [false, true] {
            let list = if used { &mut self.tasks } else { &mut self.offers };
            for held in std::mem::take(list) {
                self.give_back(held, used);
            }
        }
        self.deliver(usize::MAX);
        self.run();
        let mut offers: BTreeMap<(usize, usize), Vec<&Amounts>> = BTreeMap::new();
        for offer in &self.offers {
            offers.entry((offer.agent, FRAMEWORKS[offer.framework].1)).or_default().push(&offer.amounts);
        }
        assert_eq!(self.offers.iter().map(|offer| offer.agent).collect::<BTreeSet<_>>().len(), AGENTS.len());
        for ((agent, role), amounts) in offers {
            let [offer] = amounts.as_slice() else { panic!("several offers of one agent") };
            let mut task = Amounts::default();
            let first = offer.scalars.iter().position(|amount| *amount > 0).expect("some amount is offered");
            task.scalars[first] = offer.scalars[first].min(100);
            let mut room = Amounts::default();
            for more in self.allocator.room(AGENTS[agent], &task.resources(role)).unwrap() {
                room.count(&more);
            }
            let mut left = Amounts::clone(offer);
            left.subtract(&task);
            // Revocable CPUs and others do not go together.
            match first {
                3 => (left.scalars[0], left.scalars[2]) = (0, 0),
                _ => left.scalars[3] = 0,
            }
            assert_eq!(room.scalars, left.scalars);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(600) })]

    #[test]
    fn nothing_grows_beyond_what_is_left_of_its_offers(steps in prop::collection::vec(step(), 1..120)) {
        let mut model = Model::new();
        for step in &steps {
            model.step(step);
        }
        model.end_without_shyness();
    }
}

/// So that the test above does not hold for want of growth.
#[test]
fn many_tasks_of_such_histories_could_have_more() {
    let histories = prop::collection::vec(step(), 60..120);
    let mut runner = TestRunner::deterministic();
    let mut launched = [0, 0];
    for _ in 0..100 {
        let mut model = Model::new();
        for step in histories.new_tree(&mut runner).unwrap().current() {
            model.step(&step);
        }
        (0..2).for_each(|at| launched[at] += model.launched[at]);
    }
    assert!(launched[1] * 3 > launched[0], "{} of {}", launched[1], launched[0]);
}
